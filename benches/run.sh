#!/usr/bin/env bash
# Runs the benchmarks, with the peers that PyPI has in a venv of their own. A peer that cannot be had is named and left out.
# Arguments go to canvas.py: `--only NAME`, `--quick`.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=target/bench/venv
python=python3
mkdir -p target/bench
if [ -x $venv/bin/python ] || python3 -m venv $venv; then
    python=$venv/bin/python
    for peer in libtmux==0.62.0 libtmux-mcp==0.1.0a22; do
        $python -m pip install --quiet --disable-pip-version-check "$peer" || echo "bench: goes on without $peer" >&2
    done
fi
exec $python benches/canvas.py "$@"
