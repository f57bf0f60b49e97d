"""What the board costs whoever looks at it: from a key or a written value to the painted cell, CPU, and bytes to the terminal.

Everything is measured on real terminals (ptys) that run the real program, or in a canvas's graph pane as tmux shows it. What is too
fast or too fine for that (a frame, its memory) is measured inside the program, by `src/ui/io/speed.rs`.
"""

import fcntl
import json
import os
import pty
import shutil
import signal
import struct
import subprocess
import sys
import termios
import threading
import time

from kit import ROOT, Canvas, Figure, Wrong, cpu_ns, ending, kill, main, until
from live import made_runs, recorded, wandb_source

WIDE, SMALL = (200, 50), (80, 24)
# The end of a frame: a synchronized update.
FRAME = b"\x1b[?2026l"
# Keys as a terminal sends them.
KEYS = {"pgdn": "\x1b[6~", "pgup": "\x1b[5~", "home": "\x1b[H", "end": "\x1b[F", "up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D"}
KEYS.update({"enter": "\r", "space": " ", "ctrl+u": "\x15", "ctrl+l": "\x0c", "tab": "\t"})


class Terminal:
    """A program on a terminal of its own, and everything that it wrote: (when, bytes)."""

    def __init__(self, argv, env, size, cwd=None):
        self.size, self.chunks, self.news = size, [], threading.Condition()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            if cwd:
                os.chdir(cwd)
            time.sleep(0.1)  # until the size is set
            os.execve(argv[0], [str(word) for word in argv], {**env, "TERM": "xterm-256color", "COLORTERM": "truecolor"})
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            try:
                data = os.read(self.fd, 1 << 18)
            except OSError:
                return
            now = time.perf_counter()
            if not data:
                return
            # The usual questions, so that nobody waits for an answer.
            for question, answer in ((b"\x1b[c", b"\x1b[?62;22c"), (b"\x1b]11;?", b"\x1b]11;rgb:0000/0000/0000\x1b\\"), (b"\x1b[6n", b"\x1b[1;1R")):
                if question in data:
                    os.write(self.fd, answer)
            with self.news:
                self.chunks.append((now, data))
                self.news.notify_all()

    def written(self):
        """Bytes so far."""
        with self.news:
            return sum(len(data) for _, data in self.chunks)

    def quiet(self, seconds, within=120):
        """Waits until it has written nothing for so long."""
        start = time.monotonic()
        while True:
            with self.news:
                before = len(self.chunks)
            time.sleep(seconds)
            with self.news:
                if len(self.chunks) == before > 0:
                    return
            if time.monotonic() - start > within:
                raise Wrong("it does not stop writing")

    def press(self, keys):
        """Milliseconds from a key to the end of the frame that it made."""
        with self.news:
            self.chunks.clear()
        start = time.perf_counter()
        os.write(self.fd, keys.encode())
        with self.news:
            def drawn():
                # A read of a terminal ends anywhere, also within the end of a frame.
                before = b""
                for when, data in self.chunks:
                    if FRAME in before + data:
                        return when
                    before = (before + data)[-len(FRAME) :]
                return None

            if not self.news.wait_for(drawn, 10):
                raise Wrong(f"{keys!r} drew nothing")
            return (drawn() - start) * 1e3

    def type(self, keys, rounds):
        """The same for each of these keys, in turns; the next one is pressed when nothing is drawn any more."""
        took = []
        for key in keys.split(" ") * rounds:
            took.append(self.press(KEYS.get(key, key)))
            self.quiet(0.02)
        return took

    def screen(self):
        """A screen that shows what was written since it was asked for: a function that takes a look."""
        import pyte

        screen = pyte.Screen(*self.size)
        stream, seen = pyte.ByteStream(screen), 0

        def look(words, since, within=10):
            """When these words came to stand on the screen."""
            nonlocal seen
            with self.news:
                while True:
                    while seen < len(self.chunks):
                        when, data = self.chunks[seen]
                        seen += 1
                        stream.feed(data)
                        if any(words in line for line in screen.display):
                            return when
                    if time.perf_counter() - since > within or not self.news.wait_for(lambda: len(self.chunks) > seen, within):
                        raise Wrong(f"{words!r} is not on the screen:\n" + "\n".join(screen.display))

        return look

    def end(self):
        kill(self.pid, signal.SIGTERM)
        time.sleep(0.1)
        kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def row(step, keys, start=1.7e9):
    """A line of metrics.jsonl."""
    return json.dumps({"s": step, "t": start + step, "m": {key: value(step) for key, value in keys.items()}}) + "\n"


def names(count):
    """As trainings have them: losses of two splits, families of layers, and some that stand alone."""
    kinds = ["train/layer{}/loss", "val/layer{}/loss", "norm_{}/weight", "block{}/entropy"]
    # Letters of which there are thousands: what differs by numbers shares a strip.
    return [f"m/{chr(0x4E00 + n)}" if n % 5 == 4 else kinds[n % 5].format(n) for n in range(count)]


# --- inside: what is measured in the program ---


def inside(place, quick):
    """Frames, their memory, keys and data ticks inside the program."""
    env = {**os.environ, "OG_SLOW": "1"}
    argv = ["cargo", "test", "--release", "--quiet", "--lib", "ui::io::speed", "--", "--nocapture", "--test-threads=1"]
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True)
    if done.returncode != 0:
        raise Wrong(done.stdout[-2000:] + done.stderr[-2000:])
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return [Figure(f["bench"], f["what"], f["unit"], f["values"], f["target"] and tuple(f["target"])) for f in told]


# --- keys: pressed on a terminal ---


def keys(place, quick):
    """From a key to the end of its frame on a terminal of 200x50: of 5,000 metrics, and in a table of 2,000 runs."""
    rounds, steps = (2, 50) if quick else (10, 200)
    log = place.path / "metrics.jsonl"
    curves = {name: (lambda n: lambda step: round((step * (n % 17 + 1) * 0.01) % 3, 4))(n) for n, name in enumerate(names(5000))}
    with open(log, "w") as file:
        file.writelines(row(step, curves) for step in range(steps))
    figures = []
    kinds = {
        "pages": "pgdn n N pgup end home",
        "focus": "right down left up enter enter",
        "filter": "/ l o s s 1 2 ctrl+u h e a d enter ctrl+l",
        "zoom": "z z [ ] 0 end left { K Y home",
        "x axis": "x x x X X y y",
        "tabs": "3 4 6 8 1",
    }
    with ending(Terminal([place.og, "view", log], place.env, WIDE)) as terminal:
        terminal.screen()("page 1/", time.perf_counter(), 60)
        terminal.quiet(2)
        for kind, pressed in kinds.items():
            figures.append(Figure("keys", f"5000 metrics, {kind}: key to frame on a terminal", "ms", terminal.type(pressed, rounds), ("p95", 16)))
    store = place.path / "many"
    runs = made_runs(store, 200 if quick else 2000, 200)
    kinds = {"lines": "down pgdn pgdn up end home", "sort": "o o O", "filter": "/ r u n - 1 ctrl+u f a i l enter ctrl+l", "tabs": "1 3 2"}
    with ending(Terminal([place.og, "view", runs[-1]], place.env, WIDE)) as terminal:
        terminal.quiet(1)
        terminal.press("2")
        terminal.quiet(3)
        for kind, pressed in kinds.items():
            figures.append(Figure("keys", f"{len(runs)} runs, {kind}: key to frame on a terminal", "ms", terminal.type(pressed, rounds), ("p95", 16)))
    shutil.rmtree(store)
    return figures


# --- painted: bytes on disk -> cells ---


def painted(place, quick):
    """From the write of a value to its cells: on a terminal by og view, and in a canvas's graph pane as tmux shows it."""
    count, figures = 20 if quick else 200, []
    # Large and growing: its last value is no other number on the screen.
    curves = {"train/loss": lambda step: 100_000 + step * 7.0, "lr": lambda step: 1e-4}
    log = place.path / "painted.jsonl"
    log.write_text("".join(row(step, curves) for step in range(300)))
    with ending(Terminal([place.og, "view", log], place.env, WIDE)) as terminal, open(log, "a", buffering=1) as file:
        look, took = terminal.screen(), []
        look(f"{curves['train/loss'](299):.0f}", time.perf_counter())
        for step in range(300, 300 + count):
            time.sleep(0.1 + step % 7 * 0.01)
            start = time.perf_counter()
            file.write(row(step, curves))
            took.append((look(f"{curves['train/loss'](step):.0f}", start) - start) * 1e3)
    figures.append(Figure("painted", "metrics.jsonl -> og view", "ms", took, ("p95", 50)))
    if (path := recorded(place, "wandb_run", 300 + count)) is not None:
        figures.append(Figure("painted", ".wandb of the real client -> og view", "ms", _painted_wandb(place, path, count), ("p95", 50)))
    with ending(Canvas(place, ["sleep", "100000"])) as canvas:
        with open(canvas.run / "metrics.jsonl", "a", buffering=1) as file:
            file.write("".join(row(step, curves) for step in range(300)))
            with ending(Watcher(canvas.tmux, canvas.pane("graph"))) as watcher:
                until("the graph is drawn", lambda: canvas.view()["visibleMetrics"])
                took = []
                for step in range(300, 300 + count):
                    time.sleep(0.1 + step % 7 * 0.01)
                    start = time.perf_counter()
                    file.write(row(step, curves))
                    took.append((watcher.wait(f'"latestValue":{curves["train/loss"](step):.1f}'.encode(), start) - start) * 1e3)
    return [*figures, Figure("painted", "metrics.jsonl -> a canvas's graph pane, by a control client of tmux", "ms", took, ("p95", 50))]


def _painted_wandb(place, path, count):
    source = wandb_source(path, "train/loss")
    # From a step to the end of the next one.
    ends = source.ends[-count:]
    grown = place.path / "painted.wandb"
    grown.write_bytes(source.data[: source.ends[-count - 1][0]])
    took, at = [], source.ends[-count - 1][0]
    with ending(Terminal([place.og, "view", grown], place.env, WIDE)) as terminal, open(grown, "ab", buffering=0) as file:
        look = terminal.screen()
        look(f"step={source.ends[-count - 1][1]}", time.perf_counter())
        for n, (end, step) in enumerate(ends):
            time.sleep(0.1 + n % 7 * 0.01)
            start = time.perf_counter()
            file.write(source.data[at:end])
            at = end
            took.append((look(f"step={step}", start) - start) * 1e3)
    return took


class Watcher:
    """A control client of tmux that hears what a pane writes."""

    def __init__(self, tmux, pane):
        self.pane, self.lines, self.rest, self.news = pane.encode(), [], b"", threading.Condition()
        session = tmux("display-message", "-p", "-t", pane, "#{session_name}")
        argv = [*tmux.argv, "-C", "attach", "-t", session, "-f", "ignore-size,read-only"]
        self.process = subprocess.Popen(argv, env=tmux.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            now = time.perf_counter()
            if line.startswith(b"%output " + self.pane):
                # What is looked for may be cut by the end of a piece.
                piece = line.split(b" ", 2)[2].rstrip(b"\r\n")
                with self.news:
                    self.lines.append((now, self.rest + piece))
                    self.news.notify_all()
                self.rest = piece[-200:]

    def wait(self, words, since, within=10):
        with self.news:
            found = lambda: next((when for when, line in self.lines if words in line), None)
            if not self.news.wait_for(found, within):
                raise Wrong(f"the graph pane never showed {words}")
            when = found()
            self.lines.clear()
            return when

    def end(self):
        self.process.kill()
        self.process.wait()


# --- cpu: of a board that is looked at ---


def cpu(place, quick):
    """CPU of og view on a run that takes a step a second, and on one where nothing happens."""
    seconds, figures = 10 if quick else 60, []
    curves = {name: (lambda n: lambda step: (step * (n + 1) * 0.01) % 3)(n) for n, name in enumerate(names(20))}
    log = place.path / "cpu.jsonl"
    log.write_text("".join(row(step, curves) for step in range(1000)))
    with ending(Terminal([place.og, "view", log], place.env, WIDE)) as terminal, open(log, "a", buffering=1) as file:
        terminal.quiet(2)

        def shares(work):
            taken = []
            for window in range(10):
                before, start = cpu_ns(terminal.pid), time.monotonic()
                work(window)
                taken.append(100 * (cpu_ns(terminal.pid) - before) / ((time.monotonic() - start) * 1e9))
            return taken

        figures.append(Figure("cpu", f"og view, 200x50, nothing happens, {seconds} s", "% of a core", shares(lambda _: time.sleep(seconds / 10)), ("mean", 0)))

        def steps(window):
            for second in range(seconds // 10):
                file.write(row(1000 + window * seconds // 10 + second, curves))
                time.sleep(1)

        figures.append(Figure("cpu", f"og view, 200x50, 20 metrics, a step a second, {seconds} s", "% of a core", shares(steps), ("mean", 0.4)))
    return figures


# --- bytes: what a terminal far away has to be sent ---


def sent(place, quick):
    """Bytes written to the terminal while a real .wandb grows by a step a second: og view and wandb's own leet, same run, same sizes."""
    windows, seconds, known = (2, 5, 200) if quick else (6, 10, 500)
    path = recorded(place, "wandb_run", known + 200)
    if path is None:
        raise Wrong("without the wandb client there is no leet to compare with")
    source = wandb_source(path, "train/loss")
    folder = place.path / "grows" / path.parent.name
    folder.mkdir(parents=True)
    grown = folder / path.name
    at = source.ends[known][0]
    grown.write_bytes(source.data[:at])
    leet = [sys.executable, "-m", "wandb", "leet", "run", folder]
    env = {**place.env, "HOME": str(place.path)}
    (place.path / ".config").mkdir(exist_ok=True)
    programs = {}
    try:
        for size in (WIDE, SMALL):
            programs["og view", size] = Terminal([place.og, "view", grown], place.env, size)
            programs["leet", size] = Terminal(leet, env, size)
        time.sleep(10)
        counted, n = {name: [] for name in programs}, known
        with open(grown, "ab", buffering=0) as file:
            for window in range(-1, windows):
                before = {name: terminal.written() for name, terminal in programs.items()}
                for _ in range(seconds):
                    n += 1
                    file.write(source.data[at : source.ends[n][0]])
                    at = source.ends[n][0]
                    time.sleep(1)
                # The first window is for both to get going.
                if window >= 0:
                    for name, terminal in programs.items():
                        counted[name].append((terminal.written() - before[name]) * 60 / seconds)
    finally:
        for terminal in programs.values():
            terminal.end()
    figures = []
    for size in (WIDE, SMALL):
        words = f"{size[0]}x{size[1]}"
        ours, theirs = counted["og view", size], counted["leet", size]
        if min(theirs) == 0:
            raise Wrong(f"leet drew nothing at {words}")
        figures.append(Figure("bytes", f"og view, {words}, a step a second", "B/min", ours))
        figures.append(Figure("bytes", f"leet 0.31.0, {words}, the same run", "B/min", theirs))
        figures.append(Figure("bytes", f"og view / leet, {words}", "x", [a / b for a, b in zip(ours, theirs)], ("mean", 0.2)))
    return figures


BENCHES = {"inside": inside, "keys": keys, "painted": painted, "cpu": cpu, "bytes": sent}


if __name__ == "__main__":
    sys.exit(main("ui", __doc__, BENCHES))
