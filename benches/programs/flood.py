"""Waits for the file GO, then prints LINES lines as fast as the terminal takes them, and writes the seconds it took to TOOK.

usage: flood.py seq|steps LINES GO TOOK

`steps` prints as a training does, one line a write; `seq` is seq(1).
"""

import os
import subprocess
import sys
import time

kind, lines, go, took = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
while not os.path.exists(go):
    time.sleep(0.02)

start = time.perf_counter()
if kind == "seq":
    subprocess.run(["seq", str(lines)], check=True)
else:
    for step in range(lines):
        os.write(1, b"step %d loss %.4f\n" % (step, 9.0 / (1 + step % 1000)))
seconds = time.perf_counter() - start

with open(took + ".new", "w") as file:
    file.write(str(seconds))
os.rename(took + ".new", took)
# tmux may drop the last 12 KiB of a pane whose process ends while they wait in the kernel: see `last` in canvas.py.
time.sleep(0.5)
