#!/usr/bin/env bash
# Shows og on a real training. `make demo` builds og and runs this.
#
# With a terminal it opens a canvas and attaches to it. Without one (CI, a pipe) it runs the same canvas detached,
# in a store and on a tmux server of its own, prints what an agent would read, and takes everything away again.
set -euo pipefail
cd "$(dirname "$0")/.."

og=${OG_BIN:-target/release/og}
[ -x "$og" ] || {
    echo "demo: $og is not there; run 'make demo'" >&2
    exit 1
}

if [ -t 0 ] && [ -t 1 ]; then
    exec "$og" run -- python3 examples/train_char_lm.py --steps "${OG_DEMO_STEPS:-3000}"
fi

steps=${OG_DEMO_STEPS:-600}
socket=og-demo-$$
place=$(mktemp -d /tmp/og-demo.XXXXXX)
export OG_DIR=$place/store
unset TMUX TMUX_PANE # never the tmux that we may stand in

clean_up() {
    local code=$?
    trap - EXIT
    [ "$code" -eq 0 ] || tail -n 20 "$OG_DIR"/canvas/demo/controller.log >&2 2>/dev/null || true
    "$og" canvas close demo >/dev/null 2>&1 || true
    tmux -L "$socket" kill-server 2>/dev/null || true
    rm -rf "$place"
    exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

show() {
    printf '\n== %s: og viewstate --text\n\n' "$1"
    "$og" viewstate --text --canvas demo
    printf '\n== %s: og viewstate graph --screen\n\n' "$1"
    "$og" viewstate graph --screen --canvas demo
}

"$og" run --name demo --detach --store "$OG_DIR" --tmux-socket "$socket" --total-steps "$steps" -- \
    python3 examples/train_char_lm.py --steps "$steps"

for step in $((steps / 6)) $((steps / 2)); do
    "$og" wait "step>=$step" --canvas demo --timeout 120s
    show "step $step of $steps"
done
"$og" wait exit --canvas demo --timeout 300s
show "the end"

printf "\nIn a terminal, 'make demo' opens this canvas and attaches to it.\n"
