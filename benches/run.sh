#!/usr/bin/env bash
# Runs the benchmarks, with the peers that PyPI has in a venv of their own. A peer that cannot be had is named and left out.
# The first argument says which: canvas, live or ui. The others go there: `--only NAME`, `--quick`.
set -euo pipefail
cd "$(dirname "$0")/.."

which=${1:-canvas}
shift || true
case $which in
canvas) peers="libtmux==0.62.0 libtmux-mcp==0.1.0a22" ;;
live) peers="wandb==0.31.0 tensorboardX==2.6.5" ;;
ui) peers="wandb==0.31.0 pyte==0.8.2" ;;
*) echo "bench: canvas, live or ui, not $which" >&2 && exit 2 ;;
esac
venv=target/bench/venv
python=python3
mkdir -p target/bench
if [ -x $venv/bin/python ] || python3 -m venv $venv; then
    python=$venv/bin/python
    for peer in $peers; do
        $python -m pip install --quiet --disable-pip-version-check "$peer" || echo "bench: goes on without $peer" >&2
    done
fi
exec $python "benches/$which.py" "$@"
