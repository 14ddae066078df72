// Greets: POST / {"name": "Ada"} answers {"message":"Hello, Ada"}.
//
// A function is a complete HTTP server in one file, listening on $PORT.  What
// it prints goes to the log of its container.

function greet(name: string): Response {
  return Response.json({ message: `Hello, ${name}` });
}

Deno.serve(
  { hostname: "0.0.0.0", port: Number(Deno.env.get("PORT")) },
  async (request) => {
    if (request.method !== "POST") {
      const query = new URL(request.url).searchParams;
      return greet(query.get("name") ?? "world");
    }

    const text = await request.text();

    try {
      return greet(JSON.parse(text || "{}").name ?? "world");
    } catch {
      const error = "the body must be a JSON object";
      return Response.json({ error }, { status: 400 });
    }
  },
);
