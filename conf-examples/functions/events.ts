// Server-sent events: the time, every second, for as long as somebody listens.

function ticks(): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let timer: number;
  let id = 0;

  return new ReadableStream({
    start(controller) {
      const tick = () => {
        const time = new Date().toISOString();
        controller.enqueue(encoder.encode(`id: ${++id}\ndata: ${time}\n\n`));
      };

      tick();
      timer = setInterval(tick, 1000);
    },

    cancel() {
      clearInterval(timer);
    },
  });
}

Deno.serve({ port: Number(Deno.env.get("PORT")) }, () =>
  new Response(ticks(), {
    headers: {
      "Content-Type": "text/event-stream",
      "Cache-Control": "no-cache",
    },
  }));
