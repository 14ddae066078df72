// Inspects a text: how long it is, as people count, and its SHA-256.

const characters = new Intl.Segmenter("en", { granularity: "grapheme" });
const words = new Intl.Segmenter("en", { granularity: "word" });
const sentences = new Intl.Segmenter("en", { granularity: "sentence" });

async function sha256(bytes: BufferSource): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));

  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

Deno.serve({ port: Number(Deno.env.get("PORT")) }, async (request) => {
  const bytes = await request.arrayBuffer();
  const text = new TextDecoder().decode(bytes);

  return Response.json({
    characters: [...characters.segment(text)].length,
    words: [...words.segment(text)].filter((part) => part.isWordLike).length,
    sentences: [...sentences.segment(text)].length,
    lines: text === "" ? 0 : text.split("\n").length,
    sha256: await sha256(bytes),
  });
});
