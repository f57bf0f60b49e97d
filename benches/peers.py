"""Other ways to read a pane and to press a key in it, each as its own documentation says, each with the same two verbs.

    screen()    the pane's text
    press(key)  sends a key by tmux's name

None of them tells when the screen has changed: `changed_by` asks for the screen until it has.
"""

import json
import subprocess
import sys
from pathlib import Path

from kit import spawned

# What the issue names and no registry has, as `npm view NAME` and `cargo info NAME` say.
NOT_TO_BE_HAD = ["tmux-mcp (npm)", "pilotty (npm, crates.io)"]


def changed_by(peer, key, before):
    """Presses a key and returns as soon as the screen is not what it was."""
    peer.press(key)
    while peer.screen() == before:
        pass


class Processes:
    """A tmux process for each question: what scripts and most agents do."""

    name = "tmux process"

    def __init__(self, tmux, pane):
        self.env = tmux.env
        self.read = [*tmux.argv, "capture-pane", "-p", "-t", pane]
        self.send = [*tmux.argv, "send-keys", "-t", pane]

    def screen(self):
        return spawned(self.read, self.env)

    def press(self, key):
        spawned([*self.send, key], self.env)

    def end(self):
        pass


class ControlMode:
    """One `tmux -C` client kept open: the fastest that tmux itself has to offer."""

    name = "tmux -C, kept"

    def __init__(self, tmux, pane):
        argv = [*tmux.argv, "-C", "attach-session", "-t", pane, "-f", "ignore-size"]
        self.pane = pane
        self.child = subprocess.Popen(argv, env=tmux.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._answer()  # of the attach

    def _answer(self):
        """The lines between %begin and %end; notifications around them are passed over."""
        lines, inside = [], False
        for line in self.child.stdout:
            if line.startswith(b"%begin "):
                inside = True
            elif line.startswith((b"%end ", b"%error ")):
                return b"".join(lines)
            elif inside:
                lines.append(line)
        raise RuntimeError("the control client ended")

    def _ask(self, command):
        self.child.stdin.write(command.encode() + b"\n")
        self.child.stdin.flush()
        return self._answer()

    def screen(self):
        return self._ask(f"capture-pane -p -t {self.pane}")

    def press(self, key):
        self._ask(f"send-keys -t {self.pane} {key}")

    def echoed(self, key):
        """Presses a key and returns with the first output after it, without a look at the screen: no client of tmux can
        know of an echo earlier."""
        self.child.stdin.write(f"send-keys -t {self.pane} {key}\n".encode())
        self.child.stdin.flush()
        while not self.child.stdout.readline().startswith(f"%output {self.pane} ".encode()):
            pass

    def end(self):
        # A control client that leaves politely while output waits for it ends the server (3.2a to 3.6a: "not enough data").
        self.child.kill()
        self.child.wait()


class LibTmux:
    """libtmux (PyPI), the Python library."""

    def __init__(self, tmux, pane):
        import libtmux

        self.name = f"libtmux {libtmux.__version__}"
        server = libtmux.Server(socket_name=tmux.name, config_file="/dev/null")
        self.pane = server.panes.get(pane_id=pane)

    def screen(self):
        return self.pane.capture_pane()

    def press(self, key):
        self.pane.send_keys(key, enter=False)

    def end(self):
        pass


class LibTmuxMcp:
    """libtmux-mcp (PyPI), an MCP server, asked over its stdio as an agent does."""

    def __init__(self, tmux, pane):
        import libtmux_mcp

        self.name = f"libtmux-mcp {libtmux_mcp.__version__}"
        self.pane, self.id = pane, 0
        program = Path(sys.executable).parent / "libtmux-mcp"
        env = {**tmux.env, "LIBTMUX_SOCKET": tmux.name}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.child = subprocess.Popen([str(program)], env=env, **pipes)
        client = {"name": "og-bench", "version": "1"}
        self._ask("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client})
        self._tell({"method": "notifications/initialized"})

    def _tell(self, message):
        self.child.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self.child.stdin.flush()

    def _ask(self, method, params):
        self.id += 1
        self._tell({"id": self.id, "method": method, "params": params})
        for line in self.child.stdout:
            answer = json.loads(line)
            if answer.get("id") == self.id and "method" not in answer:
                if "error" in answer or answer["result"].get("isError"):
                    raise RuntimeError(answer)
                return answer["result"]
        raise RuntimeError("libtmux-mcp ended")

    def _tool(self, name, **arguments):
        answer = self._ask("tools/call", {"name": name, "arguments": {"pane_id": self.pane, **arguments}})
        return "".join(part.get("text", "") for part in answer["content"])

    def screen(self):
        return self._tool("capture_pane")

    def press(self, key):
        self._tool("send_keys", keys=key, enter=False)

    def end(self):
        self.child.stdin.close()
        self.child.wait()


def kept(tmux, pane):
    """The peers that keep something open or loaded, one after another: a second client would slow down the first. Those
    that are not to be had are named on stderr."""
    for kind in (ControlMode, LibTmux, LibTmuxMcp):
        try:
            peer = kind(tmux, pane)
        except ImportError as error:
            print(f"  {error.name} is not installed here", file=sys.stderr)
            continue
        yield peer
        peer.end()
    print(f"  not to be had: {', '.join(NOT_TO_BE_HAD)}", file=sys.stderr)
