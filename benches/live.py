"""What a file costs to follow, and how soon what stands in it is known. The answers come from the real program.

Sources grow as their writers grow them: anywhere between two bytes, at blocks of 32 KiB only, or behind whole records. Real files
are made with the real clients where those can be had (`benches/run.sh` puts them into its venv); else the recorded ones in
`fixtures/` are used, which are short.
"""

import json
import math
import random
import resource
import shutil
import sqlite3
import struct
import subprocess
import sys
import threading
import time

from kit import PROGRAMS, ROOT, Figure, Wrong, cpu_ns, ending, main, ms_of, until

FIXTURES = ROOT / "fixtures"
# A step every so often: what is measured is a look at a quiet file, not a queue.
PAUSE_S = (0.02, 0.08)


# --- sources: name, bytes, where records end, the step that is known behind each end, and a key to watch ---


class Source:
    def __init__(self, name, data, ends, key):
        """`ends`: (offset, step) behind each record after which `key` has `step`."""
        self.name, self.data, self.ends, self.key = name, data, ends, key

    def step_at(self, offset):
        """The last step that is whole in the first `offset` bytes; `None`: none is."""
        known = [step for end, step in self.ends if end <= offset]
        return known[-1] if known else None

    def cuts(self, mode, count, rng):
        size = len(self.data)
        if mode == "bytes":
            cuts = {rng.randrange(8, size) for _ in range(count)}
        elif mode == "block":
            cuts = set(range(32768, size, 32768)) if size > 65536 else set(range(4096, size, 4096))
            cuts = set(rng.sample(sorted(cuts), min(count, len(cuts))))
        else:
            cuts = {self.ends[len(self.ends) * (i + 1) // count - 1][0] for i in range(min(count, len(self.ends)))}
        return sorted(cuts | {size})


def lines(name, rows, key, head=""):
    """Rows of text, one a step."""
    data, ends = bytearray(head.encode()), []
    for step, row in enumerate(rows):
        data += row.encode() + b"\n"
        ends.append((len(data), step))
    return Source(name, bytes(data), ends, key)


def field(message, wanted):
    """The first field of this number of a protobuf message: an int, or bytes."""
    at = 0

    def varint(at):
        value = shift = 0
        while True:
            byte = message[at]
            value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
            if byte < 128:
                return value, at

    while at < len(message):
        tag, at = varint(at)
        kind = tag & 7
        if kind == 0:
            value, at = varint(at)
        elif kind == 2:
            size, at = varint(at)
            value, at = message[at : at + size], at + size
        else:
            size = 8 if kind == 1 else 4
            value, at = message[at : at + size], at + size
        if tag >> 3 == wanted:
            return value
    return None


def wandb_source(path, key):
    data, ends, at, record = path.read_bytes(), [], 7, b""
    while at + 7 <= len(data):
        left = 32768 - at % 32768
        if left < 7:
            at += left
            continue
        _, size, kind = struct.unpack_from("<IHB", data, at)
        part = data[at + 7 : at + 7 + size]
        at += 7 + size
        record = part if kind in (1, 2) else record + part
        if kind in (1, 4) and (row := field(record, 2)) is not None and key.encode() in row:
            ends.append((at, field(field(row, 2) or b"", 1) or 0))
    return Source("run-bench.wandb", data, ends, key)


def events_source(path, key):
    data, ends, at = path.read_bytes(), [], 0
    while at + 12 <= len(data):
        (size,) = struct.unpack_from("<Q", data, at)
        event = data[at + 12 : at + 12 + size]
        at += size + 16
        value = field(field(event, 5) or b"", 1)
        if value and field(value, 1) == key.encode():
            ends.append((at, field(event, 2) or 0))
    return Source("events.out.tfevents.1700000000.bench", data, ends, key)


def recorded(place, script, *args):
    """What a real client writes; `None` where it cannot be had."""
    folder = place.path / "-".join(["recorded", script, *map(str, args)])
    folder.mkdir()
    done = subprocess.run([sys.executable, PROGRAMS / f"{script}.py", folder, *map(str, args)], capture_output=True, text=True)
    found = sorted(folder.rglob("run-*.wandb")) + sorted(folder.rglob("*tfevents*"))
    if done.returncode != 0 or not found:
        print(f"  no {script}: {done.stderr.strip().splitlines()[-1:]}; goes on with the fixture", file=sys.stderr)
        return None
    return found[0]


def sources(place, quick):
    steps = 200 if quick else 2000
    wandb = recorded(place, "wandb_run", steps) or FIXTURES / "wandb" / "failed.wandb"
    events = recorded(place, "events_run", steps) or FIXTURES / "tfevents" / "tbx" / "events.out.tfevents.1700000000.fixture"
    loss = [8 / (step + 1) for step in range(steps)]
    return [
        wandb_source(wandb, "train/loss"),
        events_source(events, "train/loss"),
        lines("metrics.jsonl", [json.dumps({"s": s, "t": 1.7e9 + s, "m": {"train/loss": v, "lr": 1e-4}}) for s, v in enumerate(loss)], "train/loss"),
        lines("metrics.csv", [f"{s},{v!r},0.0001" for s, v in enumerate(loss)], "train/loss", "step,train/loss,lr\n"),
        lines("train.log", [f"step {s}/{steps} | loss {v:.6f} | lr 1.0e-04 | 12.5 it/s" for s, v in enumerate(loss)], "loss"),
    ]


# --- live: bytes appended -> told by `og inspect --follow` ---


class Follower:
    """`og inspect --follow` and when it told which step of a key."""

    def __init__(self, place, path, key):
        self.key, self.step, self.told = key, None, threading.Condition()
        self.process = subprocess.Popen([place.og, "inspect", "--follow", str(path)], env=place.env, stdout=subprocess.PIPE)
        self.is_up = False
        threading.Thread(target=self._read, daemon=True).start()
        until("the follower is up", lambda: self.is_up)

    def _read(self):
        for line in self.process.stdout:
            now = time.perf_counter()
            line = json.loads(line)
            known = line.get("keys", {}).get(self.key)
            with self.told:
                self.is_up = True
                if known:
                    self.step, self.at = known.get("last", known)["step"], now
                    self.told.notify_all()

    def wait_for(self, step, within=10):
        """When it told this step or a later one."""
        with self.told:
            if not self.told.wait_for(lambda: self.step is not None and self.step >= step, within):
                raise Wrong(f"step {step} of {self.key} was not told within {within} s; the last is {self.step}")
            return self.at

    def end(self):
        self.process.kill()
        self.process.wait()


def live(place, quick):
    """Bytes appended to a growing file -> the value told by og inspect --follow, for each format and way of growing."""
    figures, rng, count = [], random.Random(1), 30 if quick else 200
    for source in sources(place, quick):
        for mode in ("bytes", "block", "flush"):
            folder = place.path / f"live-{mode}-{source.name}"
            folder.mkdir()
            path, took, known, at = folder / source.name, [], None, 0
            cuts = source.cuts(mode, count, rng)
            with open(path, "wb", buffering=0) as file:
                # A reader that starts before the first step.
                at = min(7, len(source.data)) if source.name.endswith(".wandb") else 0
                file.write(source.data[:at])
                with ending(Follower(place, path, source.key)) as follower:
                    for cut in cuts:
                        time.sleep(rng.uniform(*PAUSE_S))
                        step, piece = source.step_at(cut), source.data[at:cut]
                        start = time.perf_counter()
                        file.write(piece)
                        at = cut
                        if step != known:
                            took.append((follower.wait_for(step) - start) * 1e3)
                            known = step
            what = f"{source.name.replace('run-bench', '').replace('.1700000000.bench', '')}, {mode}"
            figures.append(Figure("live", what, "ms", took, ("p95", 50)))
            shutil.rmtree(folder)
    return figures + database(place, quick)


def database(place, quick):
    """From the end of a commit to a Trackio database by another process's SQLite to its value."""
    figures = []
    for pause, count, target in ((1.3, 10 if quick else 40, 50), (0.1, 40 if quick else 150, 1000)):
        folder = place.path / "trackio"
        folder.mkdir()
        path = folder / "bench.db"
        writer = sqlite3.connect(path, isolation_level=None)
        writer.executescript((FIXTURES / "trackio" / "v0.43.0" / "ogfixture.sql").read_text())
        writer.execute("PRAGMA journal_mode = WAL")
        # Its tables as Trackio makes them, and one run of our own.
        for table_name in ("metrics", "configs", "system_metrics", "alerts", "traces"):
            writer.execute(f"DELETE FROM {table_name}")
        insert = "INSERT INTO metrics (run_id, run_name, timestamp, step, metrics) VALUES ('bench', 'bench', ?, ?, ?)"
        stamp = lambda: time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
        writer.execute(insert, (stamp(), 0, b'{"loss": 1.5}'))
        took = []
        with ending(Follower(place, path, "loss")) as follower:
            for step in range(1, count + 1):
                time.sleep(pause * random.uniform(0.9, 1.1))
                writer.execute(insert, (stamp(), step, json.dumps({"loss": 1 / step}).encode()))
                # Until here the log is being synced to the disk, and nobody can see the row.
                start = time.perf_counter()
                took.append(max(0, follower.wait_for(step) - start) * 1e3)
        writer.close()
        figures.append(Figure("live", f"Trackio database, a commit each {pause} s (looked at once a second at most)", "ms", took, ("p95", target)))
        shutil.rmtree(folder)
    return figures


# --- tails: CPU of readers that have nothing to read ---


def tails(place, quick):
    """CPU of following 20 quiet files, in one process and in twenty."""
    seconds, figures = 10 if quick else 60, []
    fixture = FIXTURES / "tfevents" / "tbx" / "events.out.tfevents.1700000000.fixture"
    folder = place.path / "twenty"
    folder.mkdir()
    for number in range(20):
        shutil.copy(fixture, folder / f"events.out.tfevents.17000000{number:02}.bench")
    kinds = {"20 files in one process": [folder], "20 processes, a file each": []}
    for number in range(20):
        path = place.path / f"alone-{number}.jsonl"
        path.write_text('{"s": 1, "m": {"train/loss": 1.5}}\n')
        kinds["20 processes, a file each"].append(path)
    for what, paths in kinds.items():
        followers = [Follower(place, path, "train/loss") for path in paths]
        try:
            time.sleep(2)  # what opening it cost is not what it costs
            pids, shares = [follower.process.pid for follower in followers], []
            for _ in range(10):
                before, start = sum(map(cpu_ns, pids)), time.monotonic()
                time.sleep(seconds / 10)
                shares.append(100 * (sum(map(cpu_ns, pids)) - before) / ((time.monotonic() - start) * 1e9))
            figures.append(Figure("tails", f"{what}, {seconds} s", "% of a core", shares, ("mean", 0.1)))
        finally:
            for follower in followers:
                follower.end()
    return figures


# --- list: og runs ---


def made_runs(store, count, steps):
    """Runs in a store, as og writes them; their folders, the newest last."""
    loss = [8 / (s + 1) for s in range(steps)]
    rows = "".join(json.dumps({"s": s, "t": 1.7e9 + s, "m": {"train/loss": v, "lr": 1e-4, "grad/norm": 0.5}}) + "\n" for s, v in enumerate(loss))
    folders = []
    for number in range(count):
        at = 1.7e9 + 60 * number
        name = time.strftime("%Y%m%d-%H%M%S", time.gmtime(at)) + f"-calm-otter-{number:04x}"
        folder = store / "runs" / name
        folder.mkdir(parents=True)
        info = {"v": 1, "id": name, "name": f"run-{number}", "project": "bench", "config": {"lr": 1e-4}, "command": ["python", "train.py"], "started_at": at}
        (folder / "run.json").write_text(json.dumps(info))
        (folder / "metrics.jsonl").write_text(rows)
        (folder / "stdout.log").write_text("".join(f"step {s} loss {v:.4f}\n" for s, v in enumerate(loss)))
        events = [{"t": at, "author": "og", "kind": "lifecycle", "what": "started", "pid": 1, "attempt": 0}]
        events.append({"t": at + 50, "author": "og", "kind": "lifecycle", "what": "exit", "code": number % 2, "signal": None, "at": at + 50})
        (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
        folders.append(folder)
    return folders


def runs_listed(place, quick):
    """2,000 runs of a store, listed with state, step and loss."""
    count, steps = (200 if quick else 2000), 500
    store = place.path / "store"
    folders = made_runs(store, count, steps)

    def ask():
        done = subprocess.run([place.og, "runs", "--store", store, "--json"], env=place.env, capture_output=True, check=True)
        told = json.loads(done.stdout)
        if len(told) != count or any(run["step"] != steps - 1 or run["metric"]["key"] != "train/loss" for run in told):
            raise Wrong("og runs tells something else than was written")

    cpu = lambda: sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    took, before = [], cpu()
    for _ in range(5 if quick else 20):
        took.append(ms_of(ask))
    spent = 1e3 * (cpu() - before) / len(took)
    size = sum((folder / "metrics.jsonl").stat().st_size for folder in folders) / 1e6
    what = f"og runs --json, {count} runs, {size:.0f} MB of metrics"
    return [Figure("list", what, "ms", took, ("p95", 1000)), Figure("list", f"{what}: on all cores", "CPU-ms", [spent])]


# --- log: a long console ---


def log(place, quick):
    """A console of nanoGPT's kind read through og inspect --stats: three numbers a line, an evaluation every 250 lines."""
    path, rng, size, step = place.path / "train.log", random.Random(3), 0, 0
    with open(path, "wb") as file:
        while size < (50e6 if quick else 1e9):
            rows = []
            for step in range(step, step + 20_000):
                loss = 10 * math.exp(-step / 200_000) + 0.3 + rng.random() * 0.1
                rows.append(f"iter {step}: loss {loss:.4f}, time {200 + rng.random() * 100:.2f}ms, mfu {30 + rng.random():.2f}%\n")
                if step % 250 == 0:
                    rows.append(f"step {step}: train loss {loss:.4f}, val loss {loss + 0.1:.4f}\n")
            step += 1
            size += file.write("".join(rows).encode())
    told = []
    for _ in range(1 if quick else 5):
        done = subprocess.run([place.og, "inspect", path, "--json", "--stats"], env=place.env, capture_output=True, check=True)
        told.append(json.loads(done.stdout))
        if told[-1]["keys"]["loss"]["count"] != step:
            raise Wrong("og inspect counts other rows than were written")
    path.unlink()
    stats = [run["stats"] for run in told]
    what = f"console of nanoGPT's kind, {size / 1e9:.2g} GB"
    return [
        # 200 MB/s and more.
        Figure("log", f"{what}: by the clock", "s/GB", [run["wall_s"] / size * 1e9 for run in stats], ("p50", 5)),
        Figure("log", f"{what}: CPU", "s/GB", [run["cpu_s"] / size * 1e9 for run in stats]),
        Figure("log", f"{what}: peak memory", "MiB", [run["peak_rss_bytes"] / 2**20 for run in stats]),
    ]


# --- inside: series and probe ---


def inside(place, quick):
    """The series store, and probes of large files, in the process itself."""
    long = place.path / "metrics.jsonl"
    with open(long, "w") as file:
        for step in range(20_000 if quick else 1_000_000):
            file.write(json.dumps({"s": step, "t": 1.7e9 + step, "m": {"train/loss": 8 / (step + 1), "lr": 1e-4, "grad/norm": 0.5}}) + "\n")
    files = [str(long), *place.options.file]
    done = subprocess.run(["cargo", "bench", "--quiet", "--bench", "read", "--", *files], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise Wrong(done.stderr)
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return [Figure(f["bench"], f["what"], f["unit"], f["values"], f["target"] and tuple(f["target"])) for f in told]


BENCHES = {"live": live, "tails": tails, "list": runs_listed, "log": log, "inside": inside}


def files(parser):
    parser.add_argument("--file", action="append", default=[], help="a large file of any format, to be probed too; may be repeated")


if __name__ == "__main__":
    sys.exit(main("live", __doc__, BENCHES, files))
