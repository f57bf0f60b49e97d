//! A disk that is full: what is told, what is not lost, and that it all goes on when there is room again.

use crate::home::{Home, text, told};
use std::process::{Command, Stdio};

/// Runs in a mount namespace of its own, with a small file system in `m`. Every step says a word when it has come to pass.
const SCRIPT: &str = r#"
og=$1
mount -t tmpfs -o size=1m tmpfs m || exit 9
comes() { i=0; until "$@" >/dev/null 2>&1; do i=$((i + 1)); [ $i -lt 300 ] || { echo "never: $*"; exit 1; }; sleep 0.1; done; }
fill() { dd if=/dev/zero of=m/fill bs=1k 2>/dev/null; dd if=/dev/zero of=m/fill2 bs=1 count=4096 2>/dev/null; true; }
shows() { "$og" viewstate $1 | grep -q "$2"; }
ended() { ! tmux -L og list-panes -a -F '#{pane_dead}' | grep -q 0; }
clear_of() { ! "$og" viewstate --json | grep -q "$1"; }
start() {
    "$og" run --store m/store --name $1 --detach --tmux-socket og -- sh -c \
        'while [ ! -e stop ]; do echo a line of many words, so that the log needs some room soon; sleep 0.01; done; exit 7' >/dev/null
    comes shows "train --screen" "many words"
}

start base
fill
comes shows "--json" "stdout.log: the disk is full"
echo the view state tells
comes shows "status --screen" "the disk is full"
echo the status pane tells
rm m/fill m/fill2
comes clear_of "the disk is full"
comes grep -q "stdout.log has a hole" m/store/runs/*/events.jsonl
comes grep -q "^.og: .* output is missing here" m/store/runs/*/stdout.log
echo it goes on

# The last page of the file is filled up too, so that not one more event has room.
file=$(echo m/store/runs/*/events.jsonl)
yes '' | head -c $((4096 - $(wc -c < "$file") % 4096)) >> "$file"
fill
: > stop
comes shows "--json" "events.jsonl: cannot write"
echo the end cannot be written down
"$og" canvas close 2>&1
echo "close: $?"
rm m/fill m/fill2 stop

start two
fill
"$og" canvas close 2>&1 | sed 's/pane .*//'
: > stop
comes ended
rm m/fill m/fill2
comes grep -q '"what":"exit","code":7' m/store/runs/*/events.jsonl
echo the end is written down when there is room
"#;

#[test]
fn a_full_disk_is_told_and_what_can_be_kept_is() {
    let home = Home::new();
    std::fs::create_dir(home.work().join("m")).unwrap();
    let mut can_mount = Command::new("unshare");
    can_mount.args(["--mount", "sh", "-c", "mount -t tmpfs tmpfs \"$1\"", "sh"]).arg(home.work().join("m")).stderr(Stdio::null());
    if !can_mount.status().is_ok_and(|status| status.success()) {
        return;
    }
    let mut script = Command::new("unshare");
    home.settle(script.args(["--mount", "sh", "-c", SCRIPT, "sh", env!("CARGO_BIN_EXE_og")]));
    let output = script.output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    let said = text(&output.stdout);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(
        lines[..6],
        [
            "the view state tells",
            "the status pane tells",
            "it goes on",
            "the end cannot be written down",
            "og: how the training of base ended (exit code 7) could not be written into its events.jsonl; is the disk full?",
            "closed base",
        ],
        "{said}"
    );
    assert_eq!(lines[6], "close: 0");
    assert!(lines[7].starts_with("og: cannot write ") && lines[7].contains("as long as there is no room"), "{said}");
    assert_eq!(lines[8..], ["closed two; the training goes on in ", "the end is written down when there is room"], "{said}");
}
