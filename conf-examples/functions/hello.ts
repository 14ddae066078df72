// Says hello as hello.py does: it might be that one's next version.

const name = Deno.env.get("K_SERVICE");

Deno.serve({ port: Number(Deno.env.get("PORT")) }, (request) => {
  const user = request.headers.get("X-User") || "stranger";
  const { pathname, search } = new URL(request.url);

  return new Response(
    `Hello, ${user}! ${name} was asked for ${pathname}${search}\n`,
  );
});
