#!/usr/bin/env bash
# Makes the pictures of the README anew: `make pictures`. Every one is of a real run, and but for that of the whole canvas
# drawn by og itself.
set -euo pipefail
cd "$(dirname "$0")/.."

og=$PWD/${OG_BIN:-target/release/og}
out=$PWD/docs/pictures
socket=og-pictures-$$
place=/tmp/og-pictures
rm -rf "$place"
mkdir -p "$out" "$place/lm"
cp examples/train_char_lm.py "$place/lm/train.py"
cp README.md "$place/lm/text.md"
unset TMUX TMUX_PANE
export HOME=$place OG_DIR=$place/lm/.og XDG_CONFIG_HOME=$place/config
trap 'tmux -L "$socket" kill-server 2>/dev/null || true; tmux -L "$socket-eye" kill-server 2>/dev/null || true; rm -rf "$place"' EXIT
cd "$place/lm"

start() { # NAME LR MORE...
    local name=$1 lr=$2
    shift 2
    "$og" run --detach --tmux-socket "$socket" --name "$name" --canvas "$name" --project char-lm --tag "data=readme" \
        --config "lr=$lr" --config seed=1 -- python3 train.py --data text.md --lr "$lr" --seed 1 "$@" >/dev/null
}
over() { "$og" wait --canvas "$1" exit --timeout 10m >/dev/null; "$og" canvas close "$1" >/dev/null; }
picture() { "$og" view "$1" --shot "$out/$2.svg" --size 120x32 "${@:3}"; }
shot() { # TAB, TEXT: what the graph pane of the open canvas shows, once it shows this
    "$og" set "tab=$1" >/dev/null
    "$og" wait graph "text:$2" --timeout 30s >/dev/null
    "$og" wait graph 'gone:wrote' --timeout 30s >/dev/null
    "$og" sendkeys graph s --wait 'text:wrote' >/dev/null
    mv "$(ls -t .og/runs/*/screen-*.svg | head -n 1)" "$out/$1.svg"
}

start slow 0.001 --steps 1500 --eval-every 50 --ckpt-every 500
start fast 0.02 --steps 1500 --eval-every 50 --ckpt-every 500
over slow
over fast
start base 0.005 --steps 4000 --eval-every 50 --ckpt-every 500 --sleep-ms 4 --log-format nanogpt
tmux -L "$socket" resize-window -t og-base -x 200 -y 50
"$og" wait 'step>=700' --timeout 10m >/dev/null
"$og" sendkeys graph 8 Enter --wait 'text:say:' >/dev/null
"$og" type graph "why does val/loss stay above train/loss?" >/dev/null
"$og" sendkeys graph Enter 1 --wait change >/dev/null

tmux -L "$socket-eye" -f /dev/null new-session -d -x 200 -y 50 "env -u TMUX tmux -L $socket attach -t og-base"
tmux -L "$socket-eye" set -g status off
"$og" wait 'step>=1400' --timeout 10m >/dev/null
tmux -L "$socket-eye" capture-pane -e -p | python3 "$OLDPWD/scripts/ansi_svg.py" 200 50 >"$out/canvas.svg"
tmux -L "$socket-eye" kill-server

shot graphs 'train'
shot system 'COMMAND'
shot chat 'loss'

over base
base=$(ls -d .og/runs/* | tail -n 1)
picture "$base" runs --set tab=runs
picture "$base" run --set tab=run
picture "$base" logs --set tab=logs --set filter=step
picture "$base" alerts --set tab=alerts

python3 - "$OLDPWD/fixtures/tviz/v0.2.2/rollouts.sql" tviz.db <<'PY'
import sqlite3, sys
sqlite3.connect(sys.argv[2]).executescript(open(sys.argv[1]).read())
PY
picture tviz.db rollouts --set tab=rollouts
ls -l "$out"
