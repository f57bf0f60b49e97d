#!/usr/bin/env bash
# Fuzzes decoders: run.sh SECONDS [TARGET...]. Each target starts from the recorded fixtures, the seeds beside this file, what was
# found before, and what earlier runs kept in fuzz/corpus. What it finds lies in fuzz/artifacts; mended, it becomes a fixture in
# fixtures/fuzz/TARGET, and tests/it/fuzz.rs replays it.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=$1
all=(wandb tfevents jsonl rows csv stdout trackio control term wire)
targets=("${@:2}")
[ ${#targets[@]} -gt 0 ] || targets=("${all[@]}")

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
for target in "${all[@]}"; do
    mkdir -p "fuzz/corpus/$target"
    take "$target" fuzz/seeds/"$target"/* fixtures/fuzz/"$target"/*
done

# No sanitizer: og forbids unsafe code, and without one a target tries several times as many inputs. Overflows and debug
# assertions are checked, and a counting allocator bounds the memory (fuzz/src/memory.rs).
# What `cargo fuzz` passes to the compiler; as plain flags they need neither it nor a nightly toolchain.
host=$(rustc -vV | sed -n 's/^host: //p')
level=-Cllvm-args=-sanitizer-coverage
RUSTFLAGS="-Cpasses=sancov-module $level-level=4 $level-inline-8bit-counters $level-pc-table --cfg fuzzing -Cdebug-assertions -Ccodegen-units=1" \
    cargo build --release --manifest-path fuzz/Cargo.toml --target "$host" "${targets[@]/#/--bin=}"
for target in "${targets[@]}"; do
    mkdir -p "fuzz/artifacts/$target"
    "fuzz/target/$host/release/$target" "fuzz/corpus/$target" -artifact_prefix="fuzz/artifacts/$target/" \
        -max_total_time="$seconds" -max_len=8192 -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=256 -print_final_stats=1
done
