"""What the benchmarks stand on: tmux servers of their own, canvases, the controller's socket, /proc, and figures.

Nothing here touches a tmux server, a store or a runtime folder that it did not make.
"""

import argparse
import json
import math
import os
import platform
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PROGRAMS = HERE / "programs"
OUT = ROOT / "target" / "bench"
# Of a detached canvas, and of its train pane: what is compared with it must be as large.
WINDOW = (200, 50)
TRAIN = (89, 44)
DEADLINE_S = 60


# --- figures ---


class Figure:
    """Many measurements of one thing. `target` is a pair: which statistic, and what it may be at most."""

    def __init__(self, bench, what, unit, values, target=None, note=""):
        self.bench, self.what, self.unit, self.note = bench, what, unit, note
        self.values = sorted(values)
        self.target = target

    def at(self, name):
        """`p50`, `p95`, `p99` (nearest rank), `mean`, `max` or `n`."""
        if name == "n":
            return len(self.values)
        if name == "mean":
            return sum(self.values) / len(self.values)
        if name == "max":
            return self.values[-1]
        rank = math.ceil(len(self.values) * int(name[1:]) / 100)
        return self.values[max(rank, 1) - 1]

    def is_met(self):
        return None if self.target is None else self.at(self.target[0]) <= self.target[1]

    def as_json(self):
        stats = {name: self.at(name) for name in ("p50", "p95", "p99", "mean", "max", "n")}
        target = self.target and {"stat": self.target[0], "at_most": self.target[1], "met": self.is_met()}
        return {"bench": self.bench, "what": self.what, "unit": self.unit, **stats, "target": target, "note": self.note}


def number(value):
    return f"{value:.0f}" if value >= 1000 or value == int(value) else f"{value:.3g}"


def table(figures):
    """The figures as a markdown table."""
    stats = ["p50", "p95", "p99", "max", "mean"]
    rows = [["bench", "what", *stats, "n", "unit", "target", ""]]
    for f in figures:
        target = f"{f.target[0]} <= {number(f.target[1])}" if f.target else ""
        met = {None: "", True: "met", False: "MISSED"}[f.is_met()]
        rows.append([f.bench, f.what, *(number(f.at(name)) for name in stats), str(f.at("n")), f.unit, target, met])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def machine():
    """What the figures were measured on."""
    model = [line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    tmux = subprocess.run(["tmux", "-V"], capture_output=True, text=True).stdout.strip()
    load = ", ".join(f"{x:.1f}" for x in os.getloadavg())
    cpu = f"{os.cpu_count()} cores ({model[0] if model else platform.machine()})"
    return f"{cpu}, Linux {platform.release()}, {tmux}, Python {platform.python_version()}, load {load}"


# --- time and processes ---


def ms_of(call):
    """Milliseconds that a call takes."""
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e3


def until(what, state, every=0.005, within=DEADLINE_S):
    """Waits until `state()` gives something."""
    start = time.monotonic()
    while True:
        found = state()
        if found:
            return found
        if time.monotonic() - start > within:
            raise RuntimeError(f"not within {within} s: {what}")
        time.sleep(every)


def spawned(argv, env):
    """Runs a program as cheaply as Python can and returns what it wrote: the same for og and for its peers."""
    read, write = os.pipe()
    actions = [(os.POSIX_SPAWN_DUP2, write, 1), (os.POSIX_SPAWN_CLOSE, read)]
    pid = os.posix_spawnp(argv[0], argv, env, file_actions=actions)
    os.close(write)
    chunks = []
    while chunk := os.read(read, 1 << 16):
        chunks.append(chunk)
    os.close(read)
    _, status = os.waitpid(pid, 0)
    if status != 0:
        raise RuntimeError(f"{argv}: status {status}")
    return b"".join(chunks)


def cpu_ns(pid):
    """Time on a core that a process and its living threads took, in nanoseconds."""
    total = 0
    for task in Path(f"/proc/{pid}/task").glob("*"):
        total += int((task / "schedstat").read_text().split()[0])
    return total


def pids_of(is_it):
    """Processes whose `(exe, cmdline, environ)` `is_it`."""
    found = []
    for proc in Path("/proc").glob("[0-9]*"):
        try:
            exe = os.readlink(proc / "exe").replace(" (deleted)", "")
            words = (proc / "cmdline").read_bytes().split(b"\0")
            if is_it(exe, [w.decode(errors="replace") for w in words], (proc / "environ").read_bytes()):
                found.append(int(proc.name))
        except OSError:
            pass  # it ended while we looked
    return found


def parent(pid):
    """Its parent; `None` when it has ended."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return None


def kill(pid, number_of_signal):
    try:
        os.kill(pid, number_of_signal)
    except ProcessLookupError:
        pass


# --- tmux ---


class Tmux:
    """A tmux server of its own, without anybody's configuration."""

    count = 0

    def __init__(self):
        Tmux.count += 1
        self.name = f"og-bench-{os.getpid()}-{Tmux.count}"
        self.env = {k: v for k, v in os.environ.items() if k not in ("TMUX", "TMUX_PANE")}
        # `-f /dev/null`, so that og finds the same server running that its peers get.
        self.argv = ["tmux", "-u", "-L", self.name, "-f", "/dev/null"]
        self("new-session", "-d", "-s", "hold", "-x", str(WINDOW[0]), "-y", str(WINDOW[1]), "sleep 100000")
        self.pid = int(self("display-message", "-p", "#{pid}"))

    def __call__(self, *args):
        done = subprocess.run([*self.argv, *args], env=self.env, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"tmux {args}: {done.stderr}")
        return done.stdout.strip("\n")

    def pane(self, argv, size=TRAIN):
        """A pane of this size that runs a program, with the variables that og sets too. Returns its id."""
        size_args = ["-x", str(size[0]), "-y", str(size[1])]
        return self("new-session", "-d", "-P", "-F", "#{pane_id}", *size_args, "-e", "PYTHONUNBUFFERED=1", *argv)

    def end(self):
        subprocess.run([*self.argv, "kill-server"], env=self.env, capture_output=True)
        # A server waits for its control clients for ever where their reader was killed a moment ago.
        time.sleep(0.1)
        kill(self.pid, signal.SIGKILL)


# --- og ---


class Line:
    """A kept connection to a controller: one JSON object a line."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        # The kernel's own deadline: with Python's, each call would be a `poll` and a call.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", DEADLINE_S, 0))
        self.socket.connect(str(path))
        self.rest, self.id = b"", 0
        self._line()  # `ready`

    def _line(self):
        while b"\n" not in self.rest:
            chunk = self.socket.recv(1 << 16)
            if not chunk:
                raise RuntimeError("the controller hung up")
            self.rest += chunk
        line, self.rest = self.rest.split(b"\n", 1)
        return line

    def raw(self, **request):
        """Asks and returns the line that answers: all that a client must wait for."""
        self.id += 1
        self.socket.sendall(json.dumps({"id": self.id, **request}).encode() + b"\n")
        return self._line()

    def ask(self, **request):
        answer = json.loads(self.raw(**request))
        if answer["type"] == "error":
            raise RuntimeError(answer)
        return answer


class Place:
    """A folder for stores and sockets, the og that is measured, and what the command line says."""

    def __init__(self, options):
        self.options = options
        self.og = str(options.og.resolve())
        # Short: the path of a socket has room for some 100 bytes.
        self.path = Path(tempfile.mkdtemp(prefix="og-bench-", dir="/tmp"))
        self.runtime = self.path / "run"
        self.runtime.mkdir(mode=0o700)
        keep = {k: v for k, v in os.environ.items() if not k.startswith("OG_") and k not in ("TMUX", "TMUX_PANE")}
        self.env = {**keep, "XDG_RUNTIME_DIR": str(self.runtime)}

    def end(self):
        shutil.rmtree(self.path, ignore_errors=True)


class Canvas:
    """A canvas with a training, on a tmux server of its own."""

    def __init__(self, place, argv, may_send=("graph", "status")):
        self.place, self.tmux = place, Tmux()
        self.store = Path(tempfile.mkdtemp(dir=place.path))
        told = self.og("run", "--name", "bench", "--detach", "--json", "--tmux-socket", self.tmux.name, "--", *map(str, argv))
        self.told = json.loads(told)
        self.dir, self.run = Path(self.told["dir"]), Path(self.told["run"])
        self.socket = place.runtime / "og" / f"{self.told['canvasId']}.sock"
        if tuple(may_send) != ("graph", "status"):
            self._allow(list(may_send))

    def _allow(self, roles):
        """As a person does it: in canvas.json."""
        path = self.dir / "canvas.json"
        spec = json.loads(path.read_text())
        spec["agent"]["may_send"] = roles
        path.write_text(json.dumps(spec))
        line = Line(self.socket)
        until("the spec is read", lambda: line.ask(type="getViewState", format="structure")["data"]["health"]["maySend"] == roles)

    def argv(self, *args):
        """A command line of og that means this canvas."""
        return [self.place.og, *args]

    def og(self, *args):
        env = {**self.place.env, "OG_DIR": str(self.store)}
        done = subprocess.run(self.argv(*args), env=env, capture_output=True, text=True, timeout=DEADLINE_S)
        if done.returncode != 0:
            raise RuntimeError(f"og {args}: {done.stderr}")
        return done.stdout

    def line(self):
        return Line(self.socket)

    def view(self):
        return json.loads(self.og("viewstate", "--json"))

    def pane(self, role):
        """Its pane as it is now: a program of og's that was killed goes on in another one."""
        panes = self.line().ask(type="panes")["panes"]
        return next(pane["paneId"] for pane in panes if pane["role"] == role)

    def controller(self):
        return self.line().ask(type="ping")["pid"]

    def pids(self):
        """Every process of og's program that belongs to this canvas: by its folder on the command line, or its store."""
        store = str(self.store)

        def ours(exe, words, environ):
            return exe == self.place.og and (any(store in w for w in words) or store.encode() in environ)

        return pids_of(ours)

    def tmux_clients(self):
        """tmux processes that the controller keeps: they speak for it to the server."""
        controller = self.controller()
        return [pid for pid in pids_of(lambda exe, words, _: Path(exe).name == "tmux") if parent(pid) == controller]

    def loggers(self):
        """The `cat` that writes stdout.log: a child of the server."""
        return [pid for pid in pids_of(lambda exe, words, _: words[0] == "cat") if parent(pid) == self.tmux.pid]

    def wait_for_exit(self, within=600):
        line = self.line()
        line.socket.settimeout(within + 5)
        return line.ask(type="waitFor", pane="train", until=["exit"], timeoutMs=within * 1000)

    def end(self):
        subprocess.run(self.argv("canvas", "close", "bench", "--kill-run", "--yes"), env={**self.place.env, "OG_DIR": str(self.store)}, capture_output=True)
        for pid in self.pids():
            kill(pid, signal.SIGKILL)
        self.tmux.end()
        shutil.rmtree(self.store, ignore_errors=True)


@contextmanager
def ending(thing):
    """Ends it, whatever happens."""
    try:
        yield thing
    finally:
        thing.end()


# --- the command line ---


class Wrong(Exception):
    """Something happened that must not."""


def main(name, about, benches, more=lambda parser: None):
    """Runs the chosen benches, each a function of the place and of whether to be quick that returns figures; prints them
    as a table, keeps them in `target/bench/NAME.json`, and returns the exit status. `more` adds options."""
    parser = argparse.ArgumentParser(description=about.split("\n")[0])
    parser.add_argument("--only", metavar="NAME", action="append", choices=list(benches), help=f"one of {', '.join(benches)}; may be repeated")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller: a look, not a measurement")
    parser.add_argument("--og", default=ROOT / "target" / "release" / "og", type=Path, help="the program to measure")
    more(parser)
    options = parser.parse_args()
    print(machine(), file=sys.stderr)
    figures, failed = [], []
    with ending(Place(options)) as place:
        for bench in options.only or benches:
            print(f"{bench}: {benches[bench].__doc__.split('.')[0]}", file=sys.stderr)
            try:
                figures += benches[bench](place, options.quick)
            except Wrong as wrong:
                failed.append(f"{bench}: {wrong}")
                print(f"  WRONG: {wrong}", file=sys.stderr)
    OUT.mkdir(parents=True, exist_ok=True)
    result = {"machine": machine(), "quick": options.quick, "wrong": failed, "figures": [figure.as_json() for figure in figures]}
    (OUT / f"{name}.json").write_text(json.dumps(result, indent=1))
    print(f"\n{machine()}\n\n{table(figures)}")
    for note in [figure.note for figure in figures if figure.note]:
        print(f"\n{note}")
    return 1 if failed else 0
