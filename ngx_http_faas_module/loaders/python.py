# The loader of the python runtime: `python3 -u -c <this text>`.
#
# It boots the interpreter, imports what functions usually import, if
# $FAAS_REHEARSE says that nobody waits for it yet, and waits on
# $FAAS_CONTROL_PORT for one frame: a line of JSON (token, name, env, size) and
# `size` bytes of source.  Meanwhile it tries to connect to $FAAS_KNOCK, if that is
# set, which is at the host.  The source then runs in this very interpreter, as
# `__main__`.  The verdict goes back over the same connection: "READY\n" once
# the function listens on $PORT, or "FAILED <n>\n" and n bytes of text.

import atexit
import os
import sys

# Handlers run last in, first out.  Being registered before anything is
# imported, this one runs after every other: all threads and handlers are done.
atexit.register(lambda: ended())

import io
import json
import linecache
import selectors
import socket
import threading
import time
import tokenize
import types

HEADER_MAX = 80 * 1024      # of settings 64 KB, and what goes with them
SOURCE_MAX = 16 * 1024 * 1024
TEXT_MAX = 8 * 1024
LINE_MAX = 1000             # characters of one line in a FAILED text
CONNECTIONS = 16            # control connections served at a time
PATIENCE = 5.0              # seconds a control connection has for its frame

PRELOAD = """
    _strptime argparse array ast asyncio base64 binascii bisect calendar codecs
    collections.abc concurrent.futures.thread contextlib contextvars copy csv
    ctypes dataclasses datetime decimal difflib email.message email.mime.text
    email.parser email.policy email.utils encodings.ascii encodings.idna
    encodings.latin_1 enum fractions functools gzip hashlib heapq hmac html
    html.parser http.client http.cookies http.server inspect ipaddress
    itertools logging math mimetypes operator pathlib pickle platform pprint
    queue random re secrets select shutil signal socketserver ssl statistics
    string struct subprocess tempfile textwrap traceback typing urllib.error
    urllib.parse urllib.request uuid wsgiref.simple_server xml.etree.ElementTree
    zlib
"""

name = port = exit_note = None
loader_pid = os.getpid()
verdict_to = []             # the control connection; taken by who reports first
other_ports = []            # where the function listened instead of on $PORT


class NoDelay:
    """TCP_NODELAY for the handlers of socketserver, and thus of http.server.

    They write a reply in two parts, and Nagle's algorithm against the delayed
    ACK of a kept-alive peer makes that 40 ms.  It stays off for unix sockets,
    and a handler class with a value of its own keeps that."""

    def __get__(self, handler, owner):
        request = getattr(handler, "request", None)
        return getattr(request, "family", None) in (socket.AF_INET, socket.AF_INET6)


def no_delay():
    server = sys.modules.get("socketserver")
    if server and server.StreamRequestHandler.disable_nagle_algorithm is False:
        server.StreamRequestHandler.disable_nagle_algorithm = NoDelay()


def rehearse():
    for module in PRELOAD.split():
        try:
            __import__(module)
        except ImportError:             # a stripped interpreter: do without
            pass

    try:
        from http.server import BaseHTTPRequestHandler
    except ImportError:
        return

    # One request through a handler: parsers, regexes and caches get warm.
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps({}).encode())

        def log_message(self, *args):
            pass

    here, there = socket.socketpair()
    with here, there:
        there.sendall(b"GET /?a=b HTTP/1.1\r\nHost: f\r\nConnection: close\r\n\r\n")
        Handler(here, ("127.0.0.1", 0), None)

    no_delay()


def same(a, b):
    """In constant time; the length is no secret."""

    return len(a) == len(b) and not sum(x ^ y for x, y in zip(a, b))


def frame(token):
    """Reads a frame as a generator: takes pieces of bytes, returns the frame.

    Whatever is wrong with it is an exception; the token is looked at before
    any of the source is taken in."""

    data = bytearray()
    while (end := data.find(b"\n", 0, HEADER_MAX)) < 0:
        if len(data) >= HEADER_MAX:
            raise ValueError("header too long")
        data += yield

    header = json.loads(data[:end])
    if not same(header["token"].encode(), token):
        raise ValueError("wrong token")

    label, env, size = header["name"], header.get("env") or {}, header["size"]
    if type(label) is not str or type(size) is not int or not 0 <= size <= SOURCE_MAX:
        raise ValueError("bad name or size")
    for key, value in env.items():
        if not key or "=" in key or "\0" in key + value:
            raise ValueError("bad environment")
        os.fsencode(key + value)

    del data[:end + 1]
    while len(data) < size:
        data += yield
    return label, env, bytes(data[:size])


def wait_for_frame(control_port, token):
    """Serves control connections, some at a time, until a good frame came."""

    selector = selectors.DefaultSelector()
    server = socket.create_server(("0.0.0.0", control_port))
    server.setblocking(False)
    selector.register(server, selectors.EVENT_READ)
    clients = {}                        # connection: (reader, deadline)

    def drop(client):
        del clients[client]
        selector.unregister(client)
        client.close()

    def accept():
        try:
            client = server.accept()[0]
        except OSError:
            return
        if len(clients) == CONNECTIONS:
            drop(next(iter(clients)))
        client.setblocking(False)
        reader = frame(token)
        next(reader)
        clients[client] = reader, time.monotonic() + PATIENCE
        selector.register(client, selectors.EVENT_READ)

    def read(client):
        """The frame, when it is complete."""
        try:
            piece = client.recv(256 * 1024)
            if not piece:
                raise EOFError
            clients[client][0].send(piece)
        except BlockingIOError:
            pass
        except StopIteration as done:
            return done.value
        except Exception:
            drop(client)

    try:
        while True:
            wait = None
            if clients:
                oldest = next(iter(clients))
                wait = clients[oldest][1] - time.monotonic()
                if wait <= 0:
                    drop(oldest)
                    continue
            for key, _ in selector.select(wait):
                if key.fileobj is server:
                    accept()
                elif key.fileobj in clients:
                    taken = read(key.fileobj)
                    if taken:
                        selector.unregister(key.fileobj)
                        del clients[key.fileobj]
                        return key.fileobj, taken
    finally:
        selector.close()
        server.close()
        for client in clients:
            client.close()


def knock(address):
    """Tries the host, which tells if it hears of that: nobody here need know."""

    door = socket.socket()
    if address:
        host, at = address.split(":")
        door.setblocking(False)
        door.connect_ex((host, int(at)))
    return door


def report(verdict, text=""):
    """Sends the verdict; False if there was one already."""

    try:
        connection = verdict_to.pop()
    except IndexError:
        return False

    if vars(socket.socket).get("listen") is listen:
        del socket.socket.listen        # the inherited one is back

    if verdict == "FAILED":
        text = "\n".join(line[:LINE_MAX] for line in text.strip("\n").split("\n")) + "\n"
        body = text.encode("utf-8", "backslashreplace")
        body = body[-TEXT_MAX:].decode("utf-8", "ignore").encode()
        message = b"FAILED %d\n" % len(body) + body
    else:
        message = b"READY\n"

    try:
        connection.settimeout(1)
        connection.sendall(message)
        connection.shutdown(socket.SHUT_WR)     # a forked child may hold it too
    except OSError:
        pass
    connection.close()
    return True


def failed(text):
    """Reports FAILED and ends; returns if the verdict was given before."""

    if report("FAILED", text):
        for stream in sys.stdout, sys.stderr:
            try:
                stream.flush()
            except Exception:
                pass
        os._exit(1)                     # do not wait for threads


def listen(self, *args):
    """socket.socket.listen until the verdict."""

    plain_listen(self, *args)
    if self.family not in (socket.AF_INET, socket.AF_INET6):
        return
    address = self.getsockname()
    if address[1] != port:
        other_ports.append(address[1])
        if verdict_to:
            print("%s listens on port %d, and is expected on %d" % (name, address[1], port),
                  file=sys.stderr)
    elif address[0] == "::1" or address[0].startswith("127."):
        note = ("%s listens on %s port %d, which nobody outside can reach: listen on 0.0.0.0"
                % (name, address[0], port))
        if verdict_to:
            print(note, file=sys.stderr)
        failed(note)
    elif self.family == socket.AF_INET6 and self.getsockopt(socket.IPPROTO_IPV6,
                                                            socket.IPV6_V6ONLY):
        pass    # nginx comes over IPv4: asyncio may listen there an instant later
    else:
        no_delay()
        report("READY")


plain_listen = socket.socket.listen


def ended():
    """The interpreter ends, and not in a child the function forked."""

    if not verdict_to or os.getpid() != loader_pid:
        return
    text = "%s ended without listening on port %d" % (name, port)
    if other_ports:
        text += " (it listened on %s)" % ", ".join(map(str, other_ports))
    if exit_note:
        text += ", " + exit_note
    print(text, file=sys.stderr)
    failed(text)


def without_loader(error):
    """Takes the loader's frames out of an exception and those it came from."""

    todo, seen = [error], set()
    while todo:
        e = todo.pop()
        if e is None or id(e) in seen:
            continue
        seen.add(id(e))
        theirs, tb = [], e.__traceback__
        while tb:
            if tb.tb_frame.f_globals is not globals():
                theirs.append(tb)
            tb = tb.tb_next
        for this, following in zip(theirs, theirs[1:] + [None]):
            this.tb_next = following
        e.__traceback__ = theirs[0] if theirs else None
        todo += e.__cause__, e.__context__
    return error


def describe(error):
    import traceback            # not before: it takes long to load
    before = error.__cause__ or not error.__suppress_context__ and error.__context__
    if error.__traceback__ or before:
        lines = traceback.format_exception(type(error), error, error.__traceback__)
    else:                               # a syntax error: no empty "Traceback"
        lines = traceback.format_exception_only(type(error), error)
    return "".join(lines)


# The interpreter's own printers look for a source line in a file only, and the
# function has none.  These ask linecache, as the traceback module does.

def print_error(kind, error, tb):
    sys.stderr.write(describe(without_loader(error.with_traceback(tb))))


def print_thread_error(args):
    if args.exc_type is not SystemExit and sys.stderr:
        sys.stderr.write("Exception in thread %s:\n%s" % (
            args.thread.name if args.thread else threading.get_ident(),
            describe(args.exc_value)))


def decode(source):
    """The lines of the source; what compile() says without a line, with one."""

    at, what = source.find(b"\0"), "source code cannot contain null bytes"
    if at < 0:
        head = io.BytesIO(source)
        try:
            # As compile() does, it looks for the encoding in the ASCII only.
            encoding, _ = tokenize.detect_encoding(
                lambda: head.readline().decode("ascii", "ignore").encode())
            return io.StringIO(io.IncrementalNewlineDecoder(None, True).decode(
                source.decode(encoding).removeprefix("\ufeff"))).readlines()
        except (SyntaxError, LookupError, UnicodeError) as error:
            at, what = getattr(error, "start", head.tell() - 1), str(error)
    raise SyntaxError(what, (name, source.count(b"\n", 0, at) + 1, None, None))


def run(source):
    """Runs the function, as the interpreter would a script."""

    global exit_note

    main = types.ModuleType("__main__")
    main.__file__, main.__cached__ = name, None
    main.__builtins__ = __builtins__
    sys.modules["__main__"] = main
    sys.argv[:] = [name]

    try:
        lines = decode(source)
        code = compile(source, name, "exec", dont_inherit=True)
        linecache.cache[name] = len(source), None, lines, name
        exec(code, main.__dict__)

    except SystemExit as error:
        # Threads may still serve, or begin to: the verdict is ended()'s.
        exit_note = "exit status %s" % (
            0 if error.code is None else error.code if isinstance(error.code, int)
            else "1: %s" % (error.code,))
        raise

    except BaseException as error:
        without_loader(error)
        sys.excepthook(type(error), error, error.__traceback__)
        if verdict_to:
            failed(describe(without_loader(error)))
        sys.exit(130 if isinstance(error, KeyboardInterrupt) else 1)


def load():
    global name, port

    # The function shall see nothing of this in its environment.
    settings = {key: os.environ.pop(key) for key in list(os.environ) if key.startswith("FAAS_")}

    if "FAAS_REHEARSE" in settings:
        rehearse()
    with knock(settings.get("FAAS_KNOCK")):
        connection, (name, env, source) = wait_for_frame(
            int(settings["FAAS_CONTROL_PORT"]), settings["FAAS_TOKEN"].encode())

    os.environ.update(env)
    if "TZ" in env:
        time.tzset()
    port = int(os.environ.get("PORT", 8080))

    verdict_to.append(connection)
    socket.socket.listen = listen
    sys.excepthook = print_error
    threading.excepthook = print_thread_error
    run(source)


# sys.modules is about to lose this module, whose names the code above needs.
this_module = sys.modules["__main__"]
load()
