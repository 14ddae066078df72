// The loader of the deno runtime: `deno run ... --preload data:...,<this text>
// /tmp/function.ts`.  Plain JavaScript, for a data: URL has no file name to
// say otherwise.
//
// A preload module is evaluated before the main module is loaded.  This one
// rehearses, if $FAAS_REHEARSE says that nobody waits for it yet, and waits on
// $FAAS_CONTROL_PORT for one frame: a line of JSON (token, name, env, size) and
// `size` bytes of source.  Meanwhile it tries to connect to $FAAS_KNOCK, if that is
// set, which is at the host.  It writes the source to
// /tmp/function.ts, which deno then loads as the real main module.  The verdict
// goes back over the same connection: "READY\n" once the function listens on
// $PORT, or "FAILED <n>\n" and n bytes of text.  There is none when deno cannot
// load the function, for that is no event here: deno prints why and exits with 1.

const HEADER_MAX = 80 * 1024; // of settings 64 KB, and what goes with them
const SOURCE_MAX = 16 * 1024 * 1024;
const TEXT_MAX = 8 * 1024;
const LINE_MAX = 1000; // characters of one line in a FAILED text
const CONNECTIONS = 16; // control connections served at a time
const PATIENCE = 5000; // milliseconds a control connection has for its frame
const FILE = "/tmp/function.ts";

// A source without any of these has no way to a server of node's.
const NODE = /node:|data:|\b(process|require|import\s*\()/;

const TIMES = 3; // the rehearsal is played
const REHEARSAL = `
import { createServer } from "node:http";

interface Greeting { name?: string }

async function answer(request: Request): Promise<Response> {
  const { searchParams, pathname } = new URL(request.url);
  const text = request.method === "POST" ? await request.text() : "{}";
  const { name = searchParams.get("name") }: Greeting = JSON.parse(text);
  return Response.json({ message: \`Hello, \${name}\` }, { headers: { "x-path": pathname } });
}

const server = Deno.serve({ hostname: "0.0.0.0", port: 0, onListen() {} }, answer);
const node = createServer((_, reply) => reply.end("{}"));
await new Promise<void>((done) => node.listen(0, done));

export const ports: number[] = [server.addr.port, node.address().port];
export const end = () => Promise.all([server.shutdown(), new Promise((done) => node.close(done))]);
`;

const utf8 = new TextEncoder();
let net; // node:net, which takes long to load

function setting(name) {
  const value = Deno.env.get(name);
  Deno.env.delete(name); // the function shall not see it
  return value;
}

const controlPort = Number(setting("FAAS_CONTROL_PORT"));
const token = setting("FAAS_TOKEN") ?? "";
const gateway = setting("FAAS_KNOCK");

/* In constant time; the length is no secret. */
function isToken(text) {
  if (typeof text !== "string" || text.length !== token.length || token === "") return false;
  let difference = 0;
  for (let i = 0; i < token.length; i++) difference |= text.charCodeAt(i) ^ token.charCodeAt(i);
  return difference === 0;
}

/* The frame of a connection; whatever is wrong with it is an exception. */
async function readFrame(connection) {
  const head = new Uint8Array(HEADER_MAX);
  let used = 0, end = -1;
  while (end < 0) {
    const n = used < HEADER_MAX ? await connection.read(head.subarray(used)) : null;
    if (n === null) throw new Error("no header");
    end = head.subarray(0, used + n).indexOf(10, used);
    used += n;
  }

  const { token, name, env = {}, size } = JSON.parse(
    new TextDecoder("utf-8", { fatal: true }).decode(head.subarray(0, end)),
  );
  if (!isToken(token)) throw new Error("wrong token");
  if (typeof name !== "string" || !Number.isInteger(size) || size < 0 || size > SOURCE_MAX) {
    throw new Error("bad name or size");
  }
  for (const [key, value] of Object.entries(env ?? {})) {
    if (typeof value !== "string" || !/^[^=\0]+$/.test(key) || value.includes("\0")) {
      throw new Error("bad environment");
    }
  }

  const source = new Uint8Array(size);
  const early = head.subarray(end + 1, Math.min(used, end + 1 + size));
  source.set(early);
  for (let got = early.length; got < size;) {
    const n = await connection.read(source.subarray(got));
    if (n === null) throw new Error("no source");
    got += n;
  }
  return { connection, name, env: env ?? {}, source };
}

/* Serves control connections, some at a time, until a good frame came. */
async function waitForFrame(listener) {
  const open = new Map(); // connection: its timer
  const drop = (connection) => {
    clearTimeout(open.get(connection));
    if (open.delete(connection)) connection.close();
  };

  const frame = await new Promise((take) => {
    let taken = false;

    const serve = async (connection) => {
      if (taken) return connection.close();
      if (open.size >= CONNECTIONS) drop(open.keys().next().value);
      open.set(connection, setTimeout(() => drop(connection), PATIENCE));
      try {
        const frame = await readFrame(connection);
        if (taken) throw new Error("too late");
        taken = true;
        clearTimeout(open.get(connection));
        open.delete(connection);
        take(frame);
      } catch {
        drop(connection);
      }
    };

    (async () => {
      while (!taken) {
        try {
          serve(await listener.accept());
        } catch {
          // it went away before it was accepted, or the listener is closed
        }
      }
    })();
  });

  listener.close();
  for (const connection of [...open.keys()]) drop(connection);
  return frame;
}

/* Wraps what listens and what ends, until the verdict. */
function watch({ connection, name }, port) {
  const otherPorts = [];
  const originals = { serve: Deno.serve, listen: Deno.listen, exit: Deno.exit };
  const nodeListen = net?.Server.prototype.listen;
  let given = false;

  /* An asynchronous write is tried at once, so a few bytes are in the kernel
     when this returns: it may be followed by an exit. */
  function report(message) {
    given = true;
    Object.assign(Deno, originals);
    if (net) net.Server.prototype.listen = nodeListen;
    removeEventListener("error", onError);
    removeEventListener("unhandledrejection", onError);
    removeEventListener("beforeunload", onEnd);
    connection.write(message).catch(() => {}).finally(() => connection.close());
  }

  function fail(text) {
    if (given) return;
    text = text.replaceAll(/\x1b\[[0-9;]*m/g, "")
      .replaceAll(`file://${FILE}`, () => name)
      .replaceAll(/\n +at [^\n]*data:application\/javascript;base64,[^\n]*/g, "") // the loader's frames
      .trimEnd().split("\n").map((line) => line.slice(0, LINE_MAX)).join("\n") + "\n";
    let body = utf8.encode(text).slice(-TEXT_MAX);
    while ((body[0] & 0xc0) === 0x80) body = body.subarray(1); // a character cut in two
    const head = utf8.encode(`FAILED ${body.length}\n`);
    const message = new Uint8Array(head.length + body.length);
    message.set(head);
    message.set(body, head.length);
    report(message);
  }

  function listens(address) {
    if (given || typeof address?.port !== "number") return;
    const host = address.hostname ?? address.address;
    if (port && address.port !== port) {
      otherPorts.push(address.port);
      console.error(`${name} listens on port ${address.port}, and is expected on ${port}`);
    } else if (host === "::1" || host.startsWith("127.")) {
      const text = `${name} listens on ${host} port ${port}, which nobody outside can reach: listen on 0.0.0.0`;
      console.error(text);
      fail(text);
      originals.exit(1);
    } else {
      report(utf8.encode("READY\n"));
    }
  }

  function ended(why) {
    const ports = otherPorts.length ? ` (it listened on ${otherPorts.join(", ")})` : "";
    const text = `${name} ended without listening on port ${port}${ports}${why}`;
    console.error(text);
    fail(text);
    originals.exit(1);
  }

  /* Not prevented: deno prints the error, with its source line, and exits with
     1.  The timer is for a function that prevents it. */
  function onError(event) {
    const error = event.error ?? event.reason;
    fail((error instanceof Error ? "" : "Uncaught ") + Deno.inspect(error, { colors: false }));
    setTimeout(originals.exit, 0, 1);
  }

  function onEnd() {
    ended("");
  }

  Deno.serve = function (...args) {
    const server = originals.serve.apply(this, args);
    listens(server.addr);
    return server;
  };
  Deno.listen = function (...args) {
    const listener = originals.listen.apply(this, args);
    listens(listener.addr);
    return listener;
  };
  Deno.exit = function (code) {
    if (given) return originals.exit(code);
    ended(`, exit status ${code ?? Deno.exitCode}`);
  };
  if (net) {
    net.Server.prototype.listen = function (...args) {
      this.once("listening", () => listens(this.address()));
      return nodeListen.apply(this, args);
    };
  }
  addEventListener("error", onError);
  addEventListener("unhandledrejection", onError);
  addEventListener("beforeunload", onEnd);
  return { fail, exit: originals.exit };
}

/* Deno would take bytes that are not UTF-8 for U+FFFD, silently. */
function checkText(source, name, { fail, exit }) {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    decoder.decode(source);
    return;
  } catch {
    // which line?
  }
  let row = 1;
  for (let start = 0, end; start < source.length; start = end, row++) {
    end = source.indexOf(10, start) + 1 || source.length;
    try {
      decoder.decode(source.subarray(start, end));
    } catch {
      break;
    }
  }
  const text = `SyntaxError: not valid UTF-8\n    at ${name}:${row}`;
  console.error(text);
  fail(text);
  exit(1);
}

/* Leaves the rest to deno, which loads the main module next; without a port, the
   function may listen on any. */
async function stage(frame, port) {
  for (const [key, value] of Object.entries(frame.env)) Deno.env.set(key, value);
  Deno.writeFileSync(FILE, frame.source);
  if (NODE.test(new TextDecoder().decode(frame.source))) net ??= await import("node:net");
  checkText(frame.source, frame.name, watch(frame, port));
}

/* All that will happen once the frame comes, with this as the host and as the
   client.  What runs for the first time is slow in V8 and in deno, and the first
   request would pay for it. */
async function rehearse(time) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const host = await Deno.connect(listener.addr);
  const head = { token, name: "rehearsal.ts", size: REHEARSAL.length };
  await host.write(utf8.encode(JSON.stringify(head) + "\n" + REHEARSAL));
  await stage(await waitForFrame(listener));

  // By a name that is not used again: what is imported once stays.
  const { ports, end } = await import(`file://${FILE}?${time}`);
  await host.read(new Uint8Array(16));
  host.close();

  for (const port of ports) {
    for (const init of [{}, { method: "POST", body: '{"name":"Ada"}' }]) {
      const headers = { connection: "close", "content-type": "application/json" };
      const reply = await fetch(`http://127.0.0.1:${port}/?name=Ada`, { ...init, headers });
      await reply.text();
    }
  }
  await end();
}

/* Tries the host, which tells if it hears of that: nobody here need know.  Gives
   what ends it. */
function knock(address) {
  const patience = new AbortController();
  const [hostname, port] = address.split(":");
  Deno.connect({ hostname, port: Number(port), signal: patience.signal })
    .then((connection) => connection.close(), () => {});
  return () => patience.abort();
}

if (setting("FAAS_REHEARSE")) {
  for (let i = 0; i < TIMES; i++) await rehearse(i);
}
const endKnock = gateway ? knock(gateway) : () => {};
const frame = await waitForFrame(Deno.listen({ hostname: "0.0.0.0", port: controlPort }));
endKnock();
await stage(frame, Number(Deno.env.get("PORT") ?? 8080));
