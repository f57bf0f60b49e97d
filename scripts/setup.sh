#!/usr/bin/env bash
# Makes sure that og can be built and tested here: Rust, tmux >= 3.2, python3 >= 3.8.
# What is missing is installed when that needs no question answered, else one line says how to get it.
# With everything in place it touches nothing and needs no network.
set -euo pipefail

fail() {
    echo "setup: $*" >&2
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# at_least WANT GOT: compares two numbers of the form major.minor.
at_least() {
    local want_major=${1%%.*} want_minor=${1#*.} got_major=${2%%.*} got_minor=${2#*.}
    [ "$got_major" -gt "$want_major" ] || { [ "$got_major" -eq "$want_major" ] && [ "$got_minor" -ge "$want_minor" ]; }
}

# First major.minor in the text: `tmux 3.3a`, `tmux next-3.4` and `Python 3.11.7` all have one. May be empty.
version_in() { sed -n 's/^[^0-9]*\([0-9][0-9]*\.[0-9][0-9]*\).*/\1/p' <<<"$1" | head -n 1; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

can_be_root() { [ "$(id -u)" -eq 0 ] || { have sudo && sudo -n true 2>/dev/null; }; }

apt_install() {
    echo "setup: installing $1" >&2
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$1"
}

# Installs package $1 by whichever package manager is here; fails without a word when none may be used.
install() {
    if have apt-get && can_be_root; then
        apt_install "$1" >&2 || { as_root apt-get update -q >&2 && apt_install "$1" >&2; }
    elif have dnf && can_be_root; then
        as_root dnf install -y -q "$1" >&2
    elif have brew; then
        brew install "$1" >&2
    else
        return 1
    fi
}

# The command with which a person would install package $1.
how() {
    if have apt-get; then echo "sudo apt-get install $1"
    elif have dnf; then echo "sudo dnf install $1"
    elif have brew; then echo "brew install $1"
    elif have pacman; then echo "sudo pacman -S $1"
    elif have apk; then echo "sudo apk add $1"
    else echo "install the package '$1'"
    fi
}

# --- Rust ---

rust_want=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$(dirname "$0")/../Cargo.toml")
have cargo || fail "Rust is missing. Get it with: curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
rust_got=$(version_in "$(cargo --version)")
at_least "$rust_want" "$rust_got" || fail "Rust $rust_want or newer is needed, this is $rust_got. Try: rustup update stable"
for component in rustfmt clippy; do
    have "cargo-${component/rustfmt/fmt}" && "cargo-${component/rustfmt/fmt}" --version >/dev/null 2>&1 && continue
    have rustup && rustup component add "$component" >&2 && continue
    fail "$component is missing. Get Rust from https://rustup.rs, or $(how "$component")"
done

# --- tmux ---

tmux_is_new_enough() {
    have tmux || return 1
    local got
    got=$(version_in "$(tmux -V)")
    [ -z "$got" ] || at_least 3.2 "$got" # `tmux master` has no number and is newer than any
}

tmux_is_new_enough || install tmux || true
have tmux || fail "tmux is missing. Try: $(how tmux)"
tmux_is_new_enough || fail "tmux 3.2 or newer is needed, this is $(tmux -V). See https://github.com/tmux/tmux/wiki/Installing"

# --- Python, for the example training ---

have python3 || install python3 || true
have python3 || fail "python3 is missing. Try: $(how python3)"
python_got=$(version_in "$(python3 --version)")
at_least 3.8 "$python_got" || fail "python3 3.8 or newer is needed, this is $python_got"

echo "setup: $(cargo --version), $(tmux -V), $(python3 --version)"
