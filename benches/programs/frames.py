"""Repaints the whole screen HZ times a second; every row of a frame names that frame.

usage: frames.py HZ FRAMES marked|plain

`marked` encloses a frame in the marks of synchronized output (DEC 2026), as full-screen programs do today.
"""

import os
import sys
import time

hz, frames, marked = float(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "marked"
size = None
begin, end = (b"\x1b[?2026h", b"\x1b[?2026l") if marked else (b"", b"")
os.write(1, b"\x1b[?1049h")
start = time.monotonic()
for frame in range(frames):
    clear = b"" if os.get_terminal_size(1) == size else b"\x1b[2J"
    size = cols, rows = os.get_terminal_size(1)
    body = clear + b"".join(b"\x1b[%d;1H%06d %s" % (row + 1, frame, (b"%x" % (frame * 7 + row) * cols)[: cols - 8]) for row in range(rows))
    data = memoryview(begin + body + end)
    while data:
        data = data[os.write(1, data) :]
    time.sleep(max(0.0, start + (frame + 1) / hz - time.monotonic()))
time.sleep(1)
