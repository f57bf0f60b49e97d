"""TensorBoard events of the real tensorboardX: python3 events_run.py FOLDER STEPS"""

import sys

from tensorboardX import SummaryWriter

folder, steps = sys.argv[1], int(sys.argv[2])
writer = SummaryWriter(folder)
for step in range(steps):
    writer.add_scalar("train/loss", 8 / (step + 1), step)
    writer.add_scalar("lr", 1e-4, step)
writer.close()
