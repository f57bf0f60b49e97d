# `make demo` shows og at work, `make test` is what CI runs.

PROFILE ?= release
export PATH := $(HOME)/.cargo/bin:$(PATH)

.PHONY: demo test pictures bench bench-live bench-ui fuzz build install fmt clean setup

demo: build
	OG_BIN=$(or $(CARGO_TARGET_DIR),target)/$(subst dev,debug,$(PROFILE))/og scripts/demo.sh

test: setup
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	cargo test

# `make bench BENCH='--only screen --quick'` measures a part; BENCHMARKS.md has the figures.
bench: build
	benches/run.sh canvas $(BENCH)

# What reading costs: `make bench-live BENCH='--only list'`.
bench-live: build
	benches/run.sh live $(BENCH)

# What the board costs whoever looks at it: `make bench-ui BENCH='--only keys'`.
bench-ui: build
	benches/run.sh ui $(BENCH)

# Every decoder for ten minutes; `make fuzz FUZZ_SECONDS=60 FUZZ='wandb csv'` for less.
fuzz: setup
	fuzz/run.sh $(or $(FUZZ_SECONDS),600) $(FUZZ)

# The pictures of the README, of real runs.
pictures: build
	scripts/pictures.sh

build: setup
	cargo build --profile $(PROFILE)

install: setup
	cargo install --path . --locked

fmt: setup
	cargo fmt

clean:
	cargo clean

# Finds cargo, tmux and python3; installs what it can without asking anybody.
setup:
	@scripts/setup.sh
