"""Listens on the Unix socket PATH and answers every line with BYTES bytes: what a question costs when there is nothing to do.

usage: answer.py PATH BYTES
"""

import socket
import sys

answer = b"x" * (int(sys.argv[2]) - 1) + b"\n"
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
print("listening", flush=True)
peer = listener.accept()[0]
peer.sendall(b"ready\n")
while peer.recv(1 << 16):
    peer.sendall(answer)
