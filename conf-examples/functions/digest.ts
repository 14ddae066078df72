// Reads a body of any size, piece by piece, and tells its size and its SHA-256.

import { createHash } from "node:crypto";

Deno.serve({ port: Number(Deno.env.get("PORT")) }, async (request) => {
  const hash = createHash("sha256");
  let bytes = 0;

  for await (const piece of request.body ?? []) {
    hash.update(piece);
    bytes += piece.length;
  }

  return Response.json({ bytes, sha256: hash.digest("hex") });
});
