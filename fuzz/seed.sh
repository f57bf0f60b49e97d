#!/usr/bin/env bash
# Fills fuzz/corpus with what a fuzzer starts from: the recorded fixtures, and what was found before.
set -euo pipefail
cd "$(dirname "$0")/.."
take() { # TARGET FILE...
    mkdir -p "fuzz/corpus/$1"
    local target=$1 file
    for file in "${@:2}"; do
        [ -f "$file" ] && cp "$file" "fuzz/corpus/$target/$(tr / _ <<<"${file#fixtures/}")"
    done
    return 0
}
# Cut to their start: an input of 20 KB is tried ten times less often than one of 2 KB.
start_of() { # TARGET BYTES FILE...
    mkdir -p "fuzz/corpus/$1"
    local target=$1 bytes=$2 file
    for file in "${@:3}"; do
        head -c "$bytes" "$file" >"fuzz/corpus/$target/$bytes-$(tr / _ <<<"${file#fixtures/}")"
    done
}
start_of wandb 2500 fixtures/wandb/*.wandb
start_of tfevents 1500 $(find fixtures/tfevents -name 'events.*')
take trackio $(find fixtures/trackio -name '*.jsonl')
for target in wandb tfevents jsonl rows csv stdout trackio control term wire; do
    mkdir -p "fuzz/corpus/$target"
    take "$target" fuzz/seeds/"$target"/* fixtures/fuzz/"$target"/*
done
