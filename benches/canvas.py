#!/usr/bin/env python3
"""What og's canvas costs and survives, measured on the real program and on real tmux beside other ways to do the same.

`make bench` runs this with everything set up. BENCHMARKS.md has the figures and says what they mean.
"""

import hashlib
import itertools
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import peers
from kit import PROGRAMS, Canvas, Figure, Line, Tmux, Wrong, cpu_ns, ending, kill, main, ms_of, spawned, until


def program(name, *args):
    return [sys.executable, str(PROGRAMS / f"{name}.py"), *map(str, args)]


def as_a_terminal_sends(text):
    """A terminal makes CR LF of LF."""
    return text.replace(b"\n", b"\r\n")


# --- kill: og processes may die at any moment ---


def kills(place, quick):
    """SIGKILL of every og process at random moments: the training must not notice, its log must be whole, and the next
    `og viewstate` must answer."""
    runs, kills_per_run = (3, 5) if quick else (20, 10)
    # Its last 0.1 s are quiet: `last` is about trainings that end in the middle of their words.
    training = program("steps", 310, 0.01)
    alone = subprocess.run(training, capture_output=True)
    chance, answers, moments = random.Random(1), [], 0
    for run in range(runs):
        with ending(Canvas(place, training)) as canvas:
            for _ in range(kills_per_run):
                time.sleep(chance.uniform(0, 0.3))
                for pid in canvas.pids():
                    kill(pid, signal.SIGKILL)
                moments += 1
                env = {**place.env, "OG_DIR": str(canvas.store)}
                answers.append(ms_of(lambda: spawned(canvas.argv("viewstate"), env)))
            canvas.wait_for_exit()
            exit_code = canvas.view()["runInfo"]["exitCode"]
            if exit_code != alone.returncode:
                raise Wrong(f"run {run}: the training ended with {exit_code}, alone with {alone.returncode}")
            log = (canvas.run / "stdout.log").read_bytes()
            printed = as_a_terminal_sends(alone.stdout)
            if log != printed:
                where = "the end" if printed.startswith(log) else "the middle"
                raise Wrong(f"run {run}: stdout.log has {len(log)} bytes, {len(printed)} were printed; it differs at {where}")
    note = f"{runs} runs, {moments} moments; every training ended with its own code and a whole log"
    return [Figure("kill", "og viewstate after all og was killed", "ms", answers, ("max", 1000), note)]


# --- flood: output as fast as tmux takes it ---


class Flood:
    """One kind of flood, printed into a pane of the same size with and without og."""

    def __init__(self, place, kind, lines):
        self.place, self.kind, self.lines = place, kind, lines
        self.count = 0
        go = place.path / "alone"
        go.touch()
        alone = subprocess.run(program("flood", kind, lines, go, place.path / "took"), capture_output=True, check=True)
        printed = as_a_terminal_sends(alone.stdout)
        self.printed = (len(printed), hashlib.sha256(printed).hexdigest())

    def _files(self):
        self.count += 1
        return [self.place.path / f"{self.kind}-{self.count}.{what}" for what in ("go", "took")]

    def _run(self, go, took, after_s=None, then=None):
        """Lets it go; `then` is done after so many seconds, or at the end. Returns the seconds that it took."""
        go.touch()
        start = time.monotonic()
        while not took.exists():
            time.sleep(0.05)
            if then and time.monotonic() - start > after_s:
                then()
                then = None
        if then:
            then()
        return float(took.read_text())

    def plain(self, log=False):
        """With `log`, tmux pipes the pane's output into a file, as it does for a canvas."""
        go, took = self._files()
        with ending(Tmux()) as tmux:
            pane = tmux.pane(program("flood", self.kind, self.lines, go, took))
            file = go.with_suffix(".log")
            if log:
                tmux("pipe-pane", "-O", "-t", pane, f"exec nice -n 19 cat >> {file}")
            seconds = self._run(go, took)
        file.unlink(missing_ok=True)
        return seconds

    def canvas(self, stop):
        """With `stop`, the controller stands still for 30 s from before the first line on."""
        go, took = self._files()
        with ending(Canvas(self.place, program("flood", self.kind, self.lines, go, took))) as canvas:
            controller = canvas.controller()
            until("the panes are drawn", lambda: canvas.view()["graph"])
            if stop:
                os.kill(controller, signal.SIGSTOP)
            cpu = {pid: cpu_ns(pid) for pid in canvas.pids()}
            seconds = self._run(go, took, 30, (lambda: os.kill(controller, signal.SIGCONT)) if stop else None)
            spent = sum(cpu_ns(pid) - before for pid, before in cpu.items()) / 1e9
            canvas.wait_for_exit()
            self._check_log(canvas)
            return seconds, spent

    def _check_log(self, canvas):
        log = canvas.run / "stdout.log"
        # `cat` may have the last bytes still in its pipe when the training is gone.
        deadline = time.monotonic() + 10
        while log.stat().st_size < self.printed[0] and time.monotonic() < deadline:
            time.sleep(0.05)
        found = (log.stat().st_size, hashlib.sha256(log.read_bytes()).hexdigest())
        if found != self.printed:
            raise Wrong(f"{self.kind}: stdout.log has {found[0]} bytes, {self.printed[0]} were printed")


def flood(place, quick):
    """5 million lines through a canvas, through one whose controller is stopped, through plain tmux, and through plain tmux
    that pipes it into a file: in turns."""
    lines, rounds = (300_000, 3) if quick else (5_000_000, 5)
    figures = []
    for kind in ("steps", "seq"):
        it = Flood(place, kind, lines)
        plain, logged, live, stopped, spent = [], [], [], [], []
        for turn in range(rounds):
            ways = [
                lambda: plain.append(it.plain()),
                lambda: logged.append(it.plain(log=True)),
                lambda: (lambda took, cpu: (live.append(took), spent.append(cpu)))(*it.canvas(stop=False)),
                lambda: stopped.append(it.canvas(stop=True)[0]),
            ]
            for way in ways[turn % 4 :] + ways[: turn % 4]:
                way()
            print(f"  {kind} {turn}: plain {plain[-1]:.2f} s, with a log {logged[-1]:.2f} s, og {live[-1]:.2f} s, stopped {stopped[-1]:.2f} s", file=sys.stderr)
        over = lambda times: [time / base for time, base in zip(times, plain)]
        what = f"{lines} lines of {kind}"
        figures += [
            Figure("flood", f"{what}, plain tmux", "s", plain),
            Figure("flood", f"{what}, plain tmux with pipe-pane to cat / plain tmux", "x", over(logged)),
            Figure("flood", f"{what}, og / plain tmux", "x", over(live), ("p50", 1.10)),
            Figure("flood", f"{what}, og with its controller stopped / plain tmux", "x", over(stopped), ("p50", 1.05)),
            Figure("flood", f"{what}, CPU of all og processes", "s", spent),
        ]
    return figures


# --- last: a training that ends in the middle of its words ---


def last(place, quick):
    """Runs that print 20,000 lines and end at once: how many lose the end of their log, in og and in plain tmux with
    `pipe-pane`. When a pane's process ends, tmux (3.2 to 3.5, seen in 3.3a) closes the pane if nothing waits to be read,
    and it does not see what the kernel has not handed over yet."""
    rounds = 20 if quick else 50
    words = ["sh", "-c", 'while [ ! -e "$0" ]; do sleep 0.02; done; exec seq 20000']
    printed = sum(len(str(i)) + 2 for i in range(1, 20001))
    lost = {"og": [], "plain tmux, pipe-pane": []}

    def lacks(log):
        deadline = time.monotonic() + 2
        while log.stat().st_size < printed and time.monotonic() < deadline:
            time.sleep(0.01)
        return printed - log.stat().st_size

    for turn in range(rounds):
        go, log = place.path / f"last-{turn}.go", place.path / f"last-{turn}.log"
        with ending(Tmux()) as tmux:
            tmux("set-option", "-g", "remain-on-exit", "on")
            pane = tmux.pane([*words, str(go)])
            log.touch()
            tmux("pipe-pane", "-t", pane, f"exec cat >> {log}")
            go.touch()
            until("the end", lambda: tmux("display-message", "-p", "-t", pane, "#{pane_dead}") == "1")
            lost["plain tmux, pipe-pane"].append(lacks(log))
        go.unlink()
        with ending(Canvas(place, [*words, go])) as canvas:
            go.touch()
            canvas.wait_for_exit()
            lost["og"].append(lacks(canvas.run / "stdout.log"))
    return [Figure("last", f"{what}: bytes lost, in {sum(map(bool, times))} of {rounds} runs", "B", times) for what, times in lost.items()]


# --- screen and keys ---


def in_turns(ways, rounds, in_a_row=1):
    """Milliseconds of each named call, so many of one and then of the next, so that all see the same machine."""
    taken = {name: [] for name in ways}
    for _ in range(rounds // in_a_row):
        for name, call in ways.items():
            taken[name] += [ms_of(call) for _ in range(in_a_row)]
    return taken


@contextmanager
def answerer(place, size):
    """A connection to a program that only answers."""
    path = place.path / "answer"
    child = subprocess.Popen(program("answer", path, size), stdout=subprocess.PIPE)
    try:
        child.stdout.readline()
        yield Line(path)
    finally:
        child.kill()
        child.wait()
        path.unlink()


def screen(place, quick):
    """The text of a pane: over a kept socket, by a process, and by other programs."""
    rounds = 30 if quick else 300
    with ending(Canvas(place, program("page"))) as canvas:
        pane, line = canvas.pane("train"), canvas.line()
        env = {**place.env, "OG_DIR": str(canvas.store)}
        by_og = lambda: spawned(canvas.argv("viewstate", "train", "--screen"), env)
        process = peers.Processes(canvas.tmux, pane)
        until("the page is printed", lambda: b"step    39" in by_og())
        if by_og().rstrip() != process.screen().rstrip():
            raise Wrong("og and tmux do not show the same screen")
        ask = lambda line: line.raw(type="getViewState", pane="train", format="screen")
        with answerer(place, len(ask(line)) + 1) as limit:
            ways = {"og, kept socket": lambda: ask(line), "a socket whose program answers as many bytes at once": lambda: ask(limit)}
            # Each as the other kept connections are asked: again and again.
            taken = in_turns(ways, 10 * rounds, in_a_row=100)
        taken.update(in_turns({"og, kept socket, whole view state": lambda: line.raw(type="getViewState")}, 10 * rounds))
        taken.update(in_turns({"og viewstate train --screen": by_og, process.name: process.screen}, rounds))
        ratio = [og / tmux for og, tmux in zip(taken["og viewstate train --screen"], taken[process.name])]
        for peer in peers.kept(canvas.tmux, pane):
            taken.update(in_turns({peer.name: peer.screen}, rounds))
    targets = {"og, kept socket": ("p50", 0.06)}
    figures = [Figure("screen", name, "ms", times, targets.get(name)) for name, times in taken.items()]
    return [*figures, Figure("screen", "og viewstate / tmux capture-pane, pair by pair", "x", ratio, ("p50", 1.0))]


def keys(place, quick):
    """From a key to the knowledge that the screen has changed: an echo in the train pane, a redraw of the graph pane."""
    rounds = 10 if quick else 100
    with ending(Canvas(place, program("page"), may_send=["graph", "status", "train"])) as canvas:
        until("the panes are drawn", lambda: canvas.view()["graph"])
        figures = _press(canvas, "train", ["x", "BSpace"], rounds, "key to echo", 0.3, at_once=True)
        figures += _press(canvas, "train", ["x", "BSpace"], rounds, "key to echo", None)
    with ending(Canvas(place, program("ticks", 300, 0))) as canvas:
        canvas.wait_for_exit()
        until("the graph is drawn", lambda: len(canvas.view()["visibleMetrics"]) >= 3)
        return figures + _press(canvas, "graph", ["h", "h"], rounds, "key to redraw of the graph pane", 10)


def _press(canvas, role, pair, rounds, what, target, at_once=False):
    """Presses the two keys of a pair in turns and waits for the change that each makes, by og and by every peer: at the pace
    of a person, who types neither faster nor on the beat of a frame, so that every cache is cold, or each as soon as the
    change of the one before was seen, as a program types."""
    line = canvas.line()
    if at_once:
        what, rounds = f"{what}, at once", 10 * rounds

    def og(key, _):
        answer = line.ask(type="sendKeys", pane=role, keys=[key], wait="change")
        if answer["outcome"] != "changed":
            raise Wrong(answer)

    def all_of(screen, press):
        taken, last = [], None
        for key in pair * rounds:
            if not at_once:
                time.sleep(random.uniform(0.03, 0.05))
            before = screen()
            if before == last:
                raise Wrong("the change of a key was not yet on the screen when it was told")
            taken.append(ms_of(lambda: press(key, before)))
            last = before
        return taken

    screen_of_og = lambda: line.ask(type="getViewState", pane=role, format="screen")["pane"]["snapshot"]
    figures = [Figure("keys", f"{what}, og, kept socket", "ms", all_of(screen_of_og, og), target and ("p50", target))]
    pane = canvas.pane(role)
    others = itertools.chain([peers.Processes(canvas.tmux, pane)], peers.kept(canvas.tmux, pane))
    for peer in others if not at_once else itertools.islice(peers.kept(canvas.tmux, pane), 1):
        press = lambda key, before: peers.changed_by(peer, key, before)
        figures.append(Figure("keys", f"{what}, {peer.name}", "ms", all_of(peer.screen, press)))
        if role == "train" and isinstance(peer, peers.ControlMode):
            echoed = lambda key, _: peer.echoed(key)
            figures.append(Figure("keys", f"{what}, {peer.name}, without a screen", "ms", all_of(peer.screen, echoed)))
    return figures


# --- idle: a canvas that nobody looks at ---


def idle(place, quick):
    """CPU of a canvas whose run is over, and of one that takes a step a second."""
    seconds = 10 if quick else 60
    figures = []
    with ending(Canvas(place, program("ticks", 500, 0.001))) as canvas:
        canvas.wait_for_exit()
        figures += _cpu(canvas, "run over", 0.1, seconds)
    with ending(Canvas(place, program("ticks", 10**6, 1))) as canvas:
        until("the graph is drawn", lambda: canvas.view()["visibleMetrics"])
        figures += _cpu(canvas, "a step a second", 0.5, seconds)
    return figures


def _cpu(canvas, what, target, seconds):
    time.sleep(3)  # what opening it cost is not what it costs
    og = canvas.pids()
    groups = {"all og processes": og, "tmux clients of og": canvas.tmux_clients(), "tmux server": [canvas.tmux.pid]}
    groups["cat that writes the log"] = canvas.loggers()
    if len(og) != 3:
        raise Wrong(f"a canvas has a controller, a graph and a status, here are {groups}")
    groups.update({Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[1].decode().strip("_"): [pid] for pid in og})
    windows = {name: [] for name in groups}
    # In ten windows, so that a spike shows.
    for _ in range(10):
        before = {name: sum(map(cpu_ns, pids)) for name, pids in groups.items()}
        start = time.monotonic()
        time.sleep(seconds / 10)
        passed = (time.monotonic() - start) * 1e9
        for name, pids in groups.items():
            windows[name].append(100 * (sum(map(cpu_ns, pids)) - before[name]) / passed)
    figures = []
    for name, shares in windows.items():
        goal = ("mean", target) if name == "all og processes" else None
        figures.append(Figure("idle", f"{what}: {name}, {seconds} s", "% of a core", shares, goal))
    return figures


# --- frames: full-screen programs ---


def frames(place, quick):
    """Snapshots of a program that repaints its screen 60 times a second: how many mix two frames."""
    count = 300 if quick else 1200
    figures = []
    for kind in ("marked", "plain"):
        with ending(Canvas(place, program("frames", 60, count, kind))) as canvas:
            line = canvas.line()
            ask = lambda: line.ask(type="getViewState", pane="train", format="screen")["pane"]
            # In its first second the pane gets its size, and the program paints for the one before.
            until("the first frames", lambda: ask()["snapshot"][:6].isdigit() and int(ask()["snapshot"][:6]) >= 60)
            process = peers.Processes(canvas.tmux, canvas.pane("train"))
            seqs, seen, torn, torn_tmux = [], {}, [], []
            while not (pane := ask())["dead"] and int(pane["snapshot"][:6]) < count - 5:
                torn.append(_is_torn(pane["snapshot"]))
                seqs.append(pane["seq"])
                if seen.setdefault(pane["seq"], pane["snapshot"]) != pane["snapshot"]:
                    raise Wrong(f"two screens have the seq {pane['seq']}")
                if len(torn) % 4 == 0:
                    torn_tmux.append(_is_torn(process.screen().decode()))
                time.sleep(random.uniform(0, 0.01))
            if seqs != sorted(seqs):
                raise Wrong("seq went back")
            note = f"{len(seen)} different frames seen; seq never went back and never named two screens"
            what = "frames with marks (DEC 2026)" if kind == "marked" else "frames without marks"
            goal = ("max", 0) if kind == "marked" else None
            figures.append(Figure("frames", f"{what}: is a snapshot torn, og", "0 or 1", torn, goal, note))
            figures.append(Figure("frames", f"{what}: is a snapshot torn, tmux process", "0 or 1", torn_tmux))
    return figures


def _is_torn(text):
    return int(len({row[:6] for row in text.split("\n") if row}) > 1)


# --- the whole ---

BENCHES = {"kill": kills, "flood": flood, "last": last, "screen": screen, "keys": keys, "idle": idle, "frames": frames}


if __name__ == "__main__":
    sys.exit(main("canvas", __doc__, BENCHES))
