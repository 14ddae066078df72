// A WebSocket that gives back what it is told.

Deno.serve({ port: Number(Deno.env.get("PORT")) }, (request) => {
  if (request.headers.get("Upgrade")?.toLowerCase() !== "websocket") {
    return new Response("this is for WebSocket only\n", { status: 426 });
  }

  const { socket, response } = Deno.upgradeWebSocket(request);

  socket.onmessage = (event) => socket.send(event.data);

  return response;
});
