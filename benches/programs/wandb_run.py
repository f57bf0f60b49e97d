"""A run of the real wandb client, offline: python3 wandb_run.py FOLDER STEPS"""

import os
import sys

os.environ.update(WANDB_MODE="offline", WANDB_SILENT="true", WANDB_CONSOLE="off")
import wandb

folder, steps = sys.argv[1], int(sys.argv[2])
run = wandb.init(project="bench", dir=folder, config={"lr": 1e-4})
for step in range(steps):
    run.log({"train/loss": 8 / (step + 1), "lr": 1e-4, **{f"layer.{i}/norm": step * i / 7 for i in range(8)}})
run.finish()
