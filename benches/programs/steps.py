"""A training that prints the same at every run: lines, a progress bar, bursts, characters of many bytes; ends with code 7.

usage: steps.py STEPS PAUSE_S
"""

import random
import sys
import time

steps, pause = int(sys.argv[1]), float(sys.argv[2])
chance = random.Random(7)
out = sys.stdout
for step in range(steps):
    out.write(f"step {step} loss {chance.random():.6f} {'é漢🙂' if step % 9 == 0 else ''}\n")
    if step % 25 == 0:
        for part in range(0, 101, 20):
            out.write(f"\reval {part:3}%")
            out.flush()
            time.sleep(pause / 6)
        out.write("\n")
    if step % 60 == 59:
        out.writelines(f"  layer {layer} norm {chance.random():.6f}\n" for layer in range(500))
    out.flush()
    time.sleep(pause)
out.write("no newline at the end")
out.flush()
sys.exit(7)
