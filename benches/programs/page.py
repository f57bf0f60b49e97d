"""Fills the screen once, then repeats what is typed: the terminal echoes, `cat` is only there to read it."""

import os

for row in range(40):
    print(f"step {row:5}  train/loss {3 / (1 + row):8.4f}  val/loss {3.1 / (1 + row):8.4f}  lr 3.0e-04  12034 tok/s", flush=True)
os.execvp("cat", ["cat"])
