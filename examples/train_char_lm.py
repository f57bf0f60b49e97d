#!/usr/bin/env python3
"""Trains a small character-level language model. Python's standard library only, nothing simulated.

    python3 examples/train_char_lm.py                       # learns to spell from README.md
    og run -- python3 examples/train_char_lm.py --steps 2000
    python3 examples/train_char_lm.py --lr 50               # really diverges: inf, then nan
    python3 examples/train_char_lm.py --resume checkpoints  # goes on from the newest checkpoint, bit for bit

The model looks at the last few characters, turns each into a vector, mixes them in one tanh layer and
predicts the next character (Bengio et al., 2003). Forward and backward pass are written out below; a
matrix is a list of rows, and every heavy line is one `matmul`.

It knows two things about og, both optional: `$OG_METRICS` names a file that takes one JSON line a step,
and `$OG_RUN_DIR/checkpoints` is where checkpoints go unless `--out` says otherwise.
"""
import argparse
import json
import math
import os
import random
import signal
import sys
import time
import zlib
from operator import mul

EMBED = 8  # numbers a character
GRAD_CLIP = 1.0  # longest gradient that a step follows; the norm is logged as it was before
BETA1, BETA2, EPS = 0.9, 0.99, 1e-8  # Adam
LOG_EVERY = 10  # steps between two lines on stdout; the metrics file has every step
EVAL_BATCHES = 8  # batches, evenly spaced over the text, that an evaluation looks at
SHAPE = ("hidden", "context")  # what a checkpoint fixes
SETTINGS = SHAPE + ("data", "steps", "lr", "seed", "batch", "eval_every", "ckpt_every")  # what --resume takes over


# --- arithmetic: overflow gives inf and 0/0 gives nan, as in numpy; Python alone would raise ---


def exp(x):
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def log(x):
    return math.log(x) if x != 0 else -math.inf


def matmul(a, b):
    """a @ b.T: both are lists of rows, so each entry is the dot product of two rows."""
    return [[sum(map(mul, x, y)) for y in b] for x in a]


def transpose(a):
    return [list(column) for column in zip(*a)]


def column_sums(a):
    return [[sum(column) for column in zip(*a)]]


def plus(a, bias):
    return [[x + b for x, b in zip(row, bias[0])] for row in a]


def softmax(row):
    e = [exp(x) for x in row]
    total = sum(e) or math.nan
    return [x / total for x in e]


# --- the model ---


def new_model(vocab, context, hidden, rng):
    def normal(rows, columns, std):
        return [[rng.gauss(0.0, std) for _ in range(columns)] for _ in range(rows)]

    return {
        "embed": normal(vocab, EMBED, 1.0),
        "w1": normal(hidden, context * EMBED, (context * EMBED) ** -0.5),
        "b1": normal(1, hidden, 0.0),
        "w2": normal(vocab, hidden, 0.1 * hidden**-0.5),  # small, so that training starts at loss ln(vocab)
        "b2": normal(1, vocab, 0.0),
    }


def zeros_like(model):
    return {name: [[0.0] * len(row) for row in rows] for name, rows in model.items()}


def forward(model, contexts):
    x = [[v for char in context for v in model["embed"][char]] for context in contexts]
    h = [[math.tanh(v) for v in row] for row in plus(matmul(x, model["w1"]), model["b1"])]
    return x, h, [softmax(row) for row in plus(matmul(h, model["w2"]), model["b2"])]


def loss_of(probs, targets):
    return sum(-log(p[t]) for p, t in zip(probs, targets)) / len(targets)


def backward(model, contexts, targets, x, h, probs):
    n = len(targets)
    dlogits = [[(p - (i == t)) / n for i, p in enumerate(row)] for row, t in zip(probs, targets)]
    dh = matmul(dlogits, transpose(model["w2"]))
    dz = [[d * (1.0 - v * v) for d, v in zip(drow, hrow)] for drow, hrow in zip(dh, h)]  # through tanh
    dx = matmul(dz, transpose(model["w1"]))
    dembed = [[0.0] * EMBED for _ in model["embed"]]
    for context, row in zip(contexts, dx):
        for i, char in enumerate(context):
            dembed[char] = [g + d for g, d in zip(dembed[char], row[i * EMBED : (i + 1) * EMBED])]
    return {
        "embed": dembed,
        "w1": matmul(transpose(dz), transpose(x)),
        "b1": column_sums(dz),
        "w2": matmul(transpose(dlogits), transpose(h)),
        "b2": column_sums(dlogits),
    }


def norm_of(grads):
    return math.sqrt(sum(sum(map(mul, row, row)) for rows in grads.values() for row in rows))


def adam(model, grads, first, second, lr, scale, t):
    """One step of Adam (Kingma and Ba, 2015), in place. `t` counts from 1; `scale` clips the gradient."""
    lr *= math.sqrt(1.0 - BETA2**t) / (1.0 - BETA1**t)
    for name, rows in model.items():
        for w, g, m, v in zip(rows, grads[name], first[name], second[name]):
            g = [scale * x for x in g]
            m[:] = [BETA1 * a + (1.0 - BETA1) * x for a, x in zip(m, g)]
            v[:] = [BETA2 * a + (1.0 - BETA2) * x * x for a, x in zip(v, g)]
            w[:] = [x - lr * a / (math.sqrt(b) + EPS) for x, a, b in zip(w, m, v)]


def lr_at(step, steps, peak):
    """Linear warmup over the first 5 %, then half a cosine down to a tenth of the peak."""
    warmup = max(1, min(100, steps // 20))
    if step < warmup:
        return peak * (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return peak * (0.1 + 0.9 * 0.5 * (1.0 + math.cos(math.pi * min(1.0, done))))


# --- data ---


def examples_at(ids, context, positions):
    return [ids[i : i + context] for i in positions], [ids[i + context] for i in positions]


def evaluate(model, ids, args):
    """Mean loss over a fixed set of places, so that two evaluations can be compared. Draws no random number."""
    last = len(ids) - args.context
    places = [i * last // (EVAL_BATCHES * args.batch) for i in range(min(EVAL_BATCHES * args.batch, last))]
    contexts, targets = examples_at(ids, args.context, places)
    return loss_of(forward(model, contexts)[2], targets)


# --- what it tells the world ---


def plain(values):
    """JSON has no NaN: such numbers become the strings "NaN", "Infinity", "-Infinity"."""
    odd = {math.inf: "Infinity", -math.inf: "-Infinity"}
    return {k: v if math.isfinite(v) else odd.get(v, "NaN") for k, v in values.items()}


class Metrics:
    """Appends one JSON line a step to `$OG_METRICS`. Training matters more: trouble here is told once and survived."""

    def __init__(self, path, total):
        self.fd, self.total, self.warned = None, total, False
        if path:
            try:
                self.fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            except OSError as error:
                self.warn(error)

    def warn(self, error):
        if not self.warned:
            print(f"warning: metrics are not written: {error}", file=sys.stderr, flush=True)
        self.warned = True

    def write(self, step, values):
        if self.fd is None:
            return
        row = {"s": step, "t": round(time.time(), 3), "m": plain(values)}
        if self.total is not None:
            row["total"], self.total = self.total, None  # in the first line only
        try:
            os.write(self.fd, (json.dumps(row, separators=(",", ":")) + "\n").encode())  # one write: no torn lines
        except OSError as error:
            self.warn(error)


def say(*words):
    print(*words, flush=True)


def say_start(args, vocab, model):
    size = sum(len(row) for rows in model.values() for row in rows)
    if args.log_format == "json":
        say(json.dumps({"total_steps": args.steps, "parameters": size, "vocab": vocab}))
    elif args.log_format != "none":
        say(f"{args.data}: {vocab} different characters, so an untrained model has loss {math.log(vocab):.4f}")
        say(f"number of parameters: {size}")
        say(f"total steps: {args.steps}")


def say_step(args, step, epoch, m, ms):
    if args.log_format == "nanogpt":
        rest = f"lr {m['lr']:.3e}, grad norm {m['grad_norm']:.4f}, {m['tokens_per_s']:.0f} tok/s"
        say(f"iter {step}: loss {m['train/loss']:.4f}, time {ms:.2f}ms, {rest}")
    elif args.log_format == "hf":
        say({"loss": m["train/loss"], "grad_norm": m["grad_norm"], "learning_rate": m["lr"], "epoch": round(epoch, 4)})
    elif args.log_format == "json":
        say(json.dumps({"step": step, **plain({k: v for k, v in m.items() if k != "val/loss"})}))


def say_eval(args, step, epoch, train, val):
    if args.log_format == "nanogpt":
        say(f"step {step}: train loss {train:.4f}, val loss {val:.4f}")
    elif args.log_format == "hf":
        say({"eval_loss": val, "epoch": round(epoch, 4)})
    elif args.log_format == "json":
        say(json.dumps({"step": step, **plain({"eval/train_loss": train, "val/loss": val})}))


# --- checkpoints ---


def save(folder, step, state):
    """Writes `step-N.json`; N is the step that comes next. Temp and rename: a reader sees all of it or nothing."""
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f"step-{step:06d}.json")
    with open(path + ".tmp", "w") as file:
        json.dump({"v": 1, "step": step, **state}, file)  # repr of a float reads back as the same float
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".tmp", path)
    return path


def load(path):
    if os.path.isdir(path):
        names = sorted(n for n in os.listdir(path) if n.startswith("step-") and n.endswith(".json"))
        if not names:
            sys.exit(f"no checkpoint in {path}")
        path = os.path.join(path, names[-1])
    with open(path) as file:
        return json.load(file)


# --- the command line ---


def parse_args():
    here = os.path.abspath(__file__)
    readme = os.path.join(os.path.dirname(os.path.dirname(here)), "README.md")
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--data", default=readme if os.path.exists(readme) else here, help="text to learn (default: README.md)")
    p.add_argument("--steps", type=int, default=2000)
    p.add_argument("--lr", type=float, default=0.01, help="peak learning rate")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--hidden", type=int, default=32, help="width of the tanh layer")
    p.add_argument("--batch", type=int, default=32)
    p.add_argument("--context", type=int, default=4, help="characters that the model sees")
    p.add_argument("--eval-every", type=int, default=50)
    p.add_argument("--ckpt-every", type=int, default=250)
    p.add_argument("--resume", metavar="PATH", help="a checkpoint, or a folder of them")
    p.add_argument("--out", metavar="DIR", help="where checkpoints go (default: $OG_RUN_DIR/checkpoints, else ./checkpoints)")
    p.add_argument("--fail-at", type=int, metavar="N", help="raise an error at step N")
    p.add_argument("--sleep-ms", type=float, default=0.0, help="wait this long in each step")
    p.add_argument("--log-format", choices=["nanogpt", "hf", "json", "none"], default="nanogpt")
    args, ckpt = p.parse_args(), None
    if args.resume:
        ckpt = load(args.resume)
        p.set_defaults(**ckpt["settings"])  # flags given now still win: a lower --lr after a divergence
        args = p.parse_args()
        if any(getattr(args, name) != ckpt["settings"][name] for name in SHAPE):
            p.error("--hidden and --context are fixed by the checkpoint")
    for name in ("steps", "hidden", "batch", "context", "eval_every", "ckpt_every"):
        if getattr(args, name) < 1:
            p.error(f"--{name.replace('_', '-')} must be at least 1")
    if args.out is None:
        args.out = os.path.join(os.environ.get("OG_RUN_DIR") or ".", "checkpoints")
    args.data = os.path.abspath(args.data)
    return args, ckpt


class Training:
    """Everything that a checkpoint keeps: the model, both moments of Adam, the random numbers, the alphabet."""

    def __init__(self, args, ckpt):
        with open(args.data, encoding="utf-8", errors="replace") as file:
            text = file.read()
        self.crc, self.rng = zlib.crc32(text.encode()), random.Random(args.seed)
        self.chars = ckpt["chars"] if ckpt else "".join(sorted(set(text)))
        index = {char: i for i, char in enumerate(self.chars)}
        ids = [index[char] for char in text if char in index]
        self.train, self.val = ids[: len(ids) * 9 // 10], ids[len(ids) * 9 // 10 :]
        if len(self.val) <= args.context:
            sys.exit(f"{args.data} is too short to learn from")
        if ckpt is None:
            self.start, self.model = 0, new_model(len(self.chars), args.context, args.hidden, self.rng)
            self.first, self.second = zeros_like(self.model), zeros_like(self.model)
            return
        if self.crc != ckpt["crc"]:
            print(f"warning: {args.data} has changed since the checkpoint", file=sys.stderr)
        self.start, self.model, self.first, self.second = (ckpt[k] for k in ("step", "model", "first", "second"))
        version, words, gauss = ckpt["rng"]
        self.rng.setstate((version, tuple(words), gauss))

    def step(self, args, step):
        places = [self.rng.randrange(len(self.train) - args.context) for _ in range(args.batch)]
        contexts, targets = examples_at(self.train, args.context, places)
        x, h, probs = forward(self.model, contexts)
        grads = backward(self.model, contexts, targets, x, h, probs)
        norm, lr = norm_of(grads), lr_at(step, args.steps, args.lr)
        scale = GRAD_CLIP / norm if norm > GRAD_CLIP else 1.0  # false for nan, which then spreads: nothing is hidden
        adam(self.model, grads, self.first, self.second, lr, scale, step + 1)
        return {"train/loss": loss_of(probs, targets), "grad_norm": norm, "lr": lr}

    def evaluate(self, args):
        return tuple(evaluate(self.model, ids, args) for ids in (self.train, self.val))

    def checkpoint(self, args, step):
        kept = {name: getattr(self, name) for name in ("chars", "crc", "model", "first", "second")}
        return save(args.out, step, {**kept, "rng": self.rng.getstate(), "settings": {k: getattr(args, k) for k in SETTINGS}})


def main():
    args, ckpt = parse_args()
    training = Training(args, ckpt)
    metrics = Metrics(os.environ.get("OG_METRICS"), args.steps)
    asked_to_stop = []  # by which signal

    def on_signal(number, _frame):
        asked_to_stop.append(number)
        signal.signal(number, signal.SIG_DFL)  # the next one kills

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)

    say_start(args, len(training.chars), training.model)
    for step in range(training.start, args.steps):
        if step == args.fail_at:
            raise RuntimeError(f"failed at step {step}, as --fail-at asked")
        epoch, m = step * args.batch / len(training.train), {}
        if step % args.eval_every == 0:
            train_loss, m["val/loss"] = training.evaluate(args)
            say_eval(args, step, epoch, train_loss, m["val/loss"])

        began = time.perf_counter()
        m.update(training.step(args, step))
        while not asked_to_stop and time.perf_counter() - began < args.sleep_ms / 1000:
            time.sleep(min(0.02, args.sleep_ms / 1000))
        took = time.perf_counter() - began

        m["tokens_per_s"] = args.batch / took
        metrics.write(step, m)
        if step % LOG_EVERY == 0:
            say_step(args, step, epoch, m, took * 1000)
        if asked_to_stop:
            path = training.checkpoint(args, step + 1)
            print(f"signal {asked_to_stop[0]}: saved {path}", file=sys.stderr, flush=True)
            sys.exit(128 + asked_to_stop[0])
        if (step + 1) % args.ckpt_every == 0 and step + 1 < args.steps:
            training.checkpoint(args, step + 1)

    train_loss, val_loss = training.evaluate(args)
    metrics.write(args.steps, {"val/loss": val_loss})
    say_eval(args, args.steps, args.steps * args.batch / len(training.train), train_loss, val_loss)
    training.checkpoint(args, args.steps)


if __name__ == "__main__":
    main()
