# A hostile function: it looks for all that it can reach, and tells it, a line
# each: what, a colon, and what came of it.  The body is JSON: "targets" and
# "datagrams" are lists of [name, address, port], "sweep" are the first and the
# last address of its network to try, and "parts" which of it is to be told.

import ctypes
import errno
import json
import os
import platform
import resource
import selectors
import socket
import stat
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

PATIENCE = 1.0              # seconds, for all connections at once
PORTS = 22, 53, 80, 111, 443, 2375, 2376, 8080, 8081

libc = ctypes.CDLL(None, use_errno=True)


def outcome(what):
    try:
        what()
        return "done"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))


def connections(targets):
    """What became of a connection to each (address, port), all tried at once."""

    selector, results = selectors.DefaultSelector(), {}
    for target in targets:
        s = socket.socket()
        s.setblocking(False)
        code = s.connect_ex(target)
        if code == errno.EINPROGRESS:
            results[target] = "no answer"
            selector.register(s, selectors.EVENT_WRITE, target)
        else:
            results[target] = errno.errorcode[code] if code else "open"

    # a packet that is dropped, and one that there is no way for, come to the same
    silence = "ENETUNREACH", "EHOSTUNREACH"
    end = time.monotonic() + PATIENCE
    while selector.get_map() and time.monotonic() < end:
        for key, _ in selector.select(max(0, end - time.monotonic())):
            code = key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            results[key.data] = errno.errorcode[code] if code else "open"
            selector.unregister(key.fileobj)
            key.fileobj.close()
    return {t: "no answer" if r in silence else r for t, r in results.items()}


def network(wanted):
    own = socket.gethostbyname(socket.gethostname())
    first, last = wanted["sweep"]
    named = {(address, port): name for name, address, port in wanted["targets"]}
    base = own.rsplit(".", 1)[0]
    sweep = {("%s.%d" % (base, n), port) for n in range(first, last + 1) for port in PORTS}

    found = connections(list(named) + [t for t in sweep - set(named) if t[0] != own])

    for target, name in named.items():
        yield "connect to " + name, found.pop(target)
    yield "sweep of the network", " ".join(
        "%s:%d %s" % (*target, found[target]) for target in sorted(found)
        if found[target] != "no answer") or "no answer"

    # of the container's own: the scan does see what is there
    yield "connect to itself", connections([("127.0.0.1", 8080)])["127.0.0.1", 8080]

    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(0.3)
    for name, address, port in wanted["datagrams"]:
        try:
            s.sendto(b"?", (address, port))
            yield "datagram to " + name, s.recv(100)
        except OSError as error:
            yield "datagram to " + name, (
                "ECONNREFUSED" if error.errno == errno.ECONNREFUSED else "no answer")

    addresses = open("/proc/net/if_inet6") if os.path.exists("/proc/net/if_inet6") else ()
    yield "IPv6 addresses, but loopback", sum(not line.endswith(" lo\n") for line in addresses)
    yield "interfaces", " ".join(sorted(os.listdir("/sys/class/net")))


def identity():
    status = dict(line.rstrip("\n").split(":\t", 1) for line in open("/proc/self/status")
                  if ":\t" in line)
    for key in ("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb",
                "NoNewPrivs", "Seccomp"):
        yield key, " ".join(status[key].split())

    for name in "NOFILE", "CORE":
        yield "rlimit " + name, "%d %d" % resource.getrlimit(getattr(resource, "RLIMIT_" + name))

    for key, names in {"memory": ("memory.max", "memory/memory.limit_in_bytes"),
                       "pids": ("pids.max", "pids/pids.max")}.items():
        paths = ["/sys/fs/cgroup/" + name for name in names]
        yield "cgroup " + key, [open(p).read().strip() for p in paths if os.path.exists(p)][0]

    yield "environment", " ".join(sorted(os.environ))


def files():
    root = [line.split() for line in open("/proc/self/mounts") if line.split()[1] == "/"][-1]
    yield "root", root[3].split(",")[0]

    # where it may write; what the kernel shows is asked by name below
    writable, devices, special = [], [], []
    for top, dirs, names in os.walk("/"):
        if top in ("/proc", "/sys"):
            dirs[:] = []
            continue
        if top == "/dev":
            dirs[:] = [d for d in dirs if d != "pts"]
        if os.access(top, os.W_OK):
            writable.append(top)
            dirs[:] = []
            continue
        for name in names:
            path = os.path.join(top, name)
            try:
                mode = os.lstat(path).st_mode
            except OSError:
                continue
            if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
                devices.append(path)
            elif stat.S_ISSOCK(mode) or (stat.S_ISREG(mode) and mode & 0o6000):
                special.append(path)
            elif not stat.S_ISLNK(mode) and os.access(path, os.W_OK):
                writable.append(path)
    yield "writable", " ".join(sorted(writable))
    yield "devices", " ".join(sorted(devices))
    yield "sockets, set-user-ID", " ".join(sorted(special)) or "none"

    for path in "/tmp", "/dev/shm", "/dev/mqueue":
        entry = [line.split() for line in open("/proc/self/mounts") if line.split()[1] == path]
        options = entry[-1][3].split(",") if entry else []
        yield "mount " + path, " ".join(o for o in ("rw", "ro", "nosuid", "nodev", "noexec")
                                        if o in options) or "none"

    def program():
        with open("/tmp/program", "w") as f:
            f.write("#!/usr/bin/python3\n")
        os.chmod("/tmp/program", 0o755)
        os.execv("/tmp/program", ["/tmp/program"])

    def device():
        os.mknod("/tmp/device", stat.S_IFCHR | 0o666, os.makedev(1, 1))

    yield "program in /tmp", outcome(program)
    yield "device in /tmp", outcome(device)
    yield "the engine's socket", outcome(lambda: os.stat("/var/run/docker.sock"))


def proc():
    """No means: not there, refused, or empty."""

    def reads(path):
        try:
            with open(path, "rb") as f:
                return "yes" if f.read(16) else "no"
        except OSError:
            return "no"

    def writes(path):
        try:
            os.close(os.open(path, os.O_WRONLY))
            return "yes"
        except OSError:
            return "no"

    for path in ("/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sched_debug",
                 "/proc/kmsg",
                 "/sys/firmware/dmi/tables/DMI", "/dev/mem", "/dev/kmsg", "/dev/fuse",
                 "/dev/kvm", "/dev/net/tun"):
        yield "read " + path, reads(path)

    for path in ("/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern",
                 "/proc/sys/kernel/modprobe", "/proc/sys/vm/drop_caches",
                 "/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv4/ip_unprivileged_port_start",
                 "/proc/irq/default_smp_affinity", "/proc/bus", "/sys/power/state",
                 "/sys/kernel/mm/transparent_hugepage/enabled", "/sys/fs/cgroup/cgroup.procs",
                 "/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/release_agent",
                 "/sys/fs/cgroup/memory/release_agent"):
        yield "write " + path, writes(path)

    def raised():
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
        except ValueError:
            raise OSError(errno.EPERM, "refused")

    def calmed():
        with open("/proc/self/oom_score_adj", "w") as f:
            f.write("-500")

    yield "raise a limit", outcome(raised)
    yield "oom_score_adj to -500", outcome(calmed)
    yield "processes", " ".join(sorted(open("/proc/%s/comm" % p).read().strip()
                                       for p in os.listdir("/proc") if p.isdigit()))


# name: x86-64, arm64, arguments that harm nobody if it is allowed
CALLS = {
    "io_uring_setup": (425, 425, 0, 0), "io_uring_enter": (426, 426, -1, 0, 0, 0, 0, 0),
    "io_uring_register": (427, 427, -1, 0, 0, 0),
    "ptrace": (101, 117, 0, 0, 0, 0), "process_vm_readv": (310, 270, 1, 0, 0, 0, 0, 0),
    "process_vm_writev": (311, 271, 1, 0, 0, 0, 0, 0), "process_madvise": (440, 440, -1, 0, 0, 0, 0),
    "pidfd_getfd": (438, 438, -1, 0, 0), "kcmp": (312, 272, 1, 1, 0, 0, 0),
    "add_key": (248, 217, 0, 0, 0, 0, 0), "request_key": (249, 218, 0, 0, 0, 0),
    "keyctl": (250, 219, 0, -3, 0), "userfaultfd": (323, 282, 1),
    "bpf": (321, 280, 0, 0, 0), "perf_event_open": (298, 241, 0, 0, -1, -1, 0),
    "unshare of users": (272, 97, 0x10000000), "unshare of the network": (272, 97, 0x40000000),
    "clone with CLONE_NEWUSER": (56, 220, 0x10000000 | 17, 0, 0, 0, 0),
    "clone3": (435, 435, 0, 0), "setns": (308, 268, -1, 0),
    "mount": (165, 40, 0, 0, 0, 0, 0), "umount2": (166, 39, 0, 0), "fsopen": (430, 430, 0, 0),
    "open_tree": (428, 428, -1, 0, 0), "move_mount": (429, 429, -1, 0, -1, 0, 0),
    "pivot_root": (155, 41, 0, 0), "chroot": (161, 51, 0), "swapon": (167, 224, 0, 0),
    "init_module": (175, 105, 0, 0, 0), "finit_module": (313, 273, -1, 0, 0),
    "delete_module": (176, 106, 0, 0), "kexec_load": (246, 104, 0, 0, 0, 0),
    "reboot": (169, 142, 0, 0, 0, 0), "settimeofday": (164, 170, 0, 0),
    "clock_settime": (227, 112, -1, 0), "adjtimex": (159, 171, 0), "acct": (163, 89, 1),
    "sethostname": (170, 161, 0, 0), "syslog": (103, 116, 3, 0, 0), "quotactl": (179, 60, 0, 0, 0, 0),
    "name_to_handle_at": (303, 264, -1, 0, 0, 0, 0), "open_by_handle_at": (304, 265, -1, 0, 0),
    "fanotify_init": (300, 262, 0, 0), "personality": (135, 92, 0xffffffff),
    "vmsplice": (278, 75, -1, 0, 0, 0), "remap_file_pages": (216, 234, 0, 0, 0, 0, 0),
    "mbind": (237, 235, 0, 0, 0, 0, 0, 0), "move_pages": (279, 239, 1, 0, 0, 0, 0, 0),
    "lookup_dcookie": (212, 18, 0, 0, 0), "mq_open": (240, 180, 0, 0, 0, 0),
    "memfd_secret": (447, 447, -1),
}

SOCKETS = {
    "unix": (1, 1, 0), "inet": (2, 1, 0), "inet6": (10, 1, 0), "netlink, routing": (16, 3, 0),
    "netlink, audit": (16, 3, 9), "netlink, netfilter": (16, 3, 12), "netlink, xfrm": (16, 3, 6),
    "packet": (17, 3, 0), "raw": (2, 3, 1), "alg": (38, 5, 0), "vsock": (40, 1, 0),
    "bluetooth": (31, 3, 0), "can": (29, 3, 1), "tipc": (30, 1, 0), "key": (15, 3, 2),
    "rds": (21, 5, 0), "xdp": (44, 3, 0),
}


def syscalls():
    machine = ("x86_64", "aarch64").index(platform.machine())

    def call(number, *args):
        ctypes.set_errno(0)
        if libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, args)) == -1:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error))

    for name, numbers in CALLS.items():
        yield "call " + name, outcome(lambda: call(numbers[machine], *numbers[2:]))
    for name, args in SOCKETS.items():
        yield "socket " + name, outcome(lambda: call((41, 198)[machine], *args))


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        wanted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        parts = {"network": lambda: network(wanted), "identity": identity, "files": files,
                 "proc": proc, "calls": syscalls}
        lines = []
        for part in wanted.get("parts", parts):
            lines += ["%s: %s" % line for line in parts[part]()]
        out = ("\n".join(lines) + "\n").encode()

        self.send_response(200)
        self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)


HTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
