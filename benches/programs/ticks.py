"""A training that takes a step each PAUSE_S seconds, STEPS times.

usage: ticks.py STEPS PAUSE_S
"""

import sys
import time

steps, pause = int(sys.argv[1]), float(sys.argv[2])
for step in range(steps):
    print(f"step {step} loss {3 / (1 + step / 50):.4f} lr {1e-3:.1e} grad_norm {1 + step % 7 / 10:.3f}", flush=True)
    time.sleep(pause)
