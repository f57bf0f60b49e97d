//! The arrows between rooms, and which files may touch the outside world.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Room -> rooms it may name. A room not listed here may not exist; adding an arrow is a design change.
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("text", &[]),
    ("source", &["model"]),
    ("query", &["model"]),
    ("canvas", &["model", "text"]),
    ("term", &["model", "text"]),
    ("tmux", &["term"]),
    ("ipc", &["model"]),
    ("store", &["model", "source"]),
    ("ui", &["model", "text", "source", "query", "canvas", "term", "ipc", "store"]),
    ("controller", &["model", "text", "source", "query", "canvas", "term", "tmux", "ipc", "store"]),
    ("cli", &["model", "text", "source", "query", "canvas", "term", "tmux", "ipc", "store", "ui", "controller"]),
];

/// Words that touch the outside world; only a room's `io.rs` (or a file under `io/`) may say them.
const WORLD: &[&str] = &[
    "std::fs",
    "std::net",
    "std::process",
    "std::os::unix::net",
    "tokio::net",
    "tokio::fs",
    "tokio::process",
    "Instant::now",
    "SystemTime::now",
    "Timestamp::now",
];

/// Rooms at the edge: they are all IO and start everything else.
const EDGE: &[&str] = &["cli"];

#[test]
fn every_arrow_points_left_and_io_stays_at_the_rim() {
    let broken = broken(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")));
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

fn broken(src: &Path) -> Vec<String> {
    let mut out = vec![];
    for file in rust_files(src) {
        let rel = file.strip_prefix(src).unwrap().to_string_lossy().replace('\\', "/");
        let Some(room) = rel.split('/').next().map(|r| r.trim_end_matches(".rs")).filter(|r| !["main", "lib", "bin"].contains(r)) else {
            continue;
        };
        if rel.ends_with("/tests.rs") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or(&text);
        let Some((_, may)) = ARROWS.iter().find(|(name, _)| *name == room) else {
            out.push(format!("{rel}: room `{room}` is not on the map"));
            continue;
        };
        let rim = rel.ends_with("/io.rs") || rel.contains("/io/") || EDGE.contains(&room);
        for (i, named) in rooms_named(code) {
            if named != room && !may.contains(&named) {
                out.push(format!("{rel}:{i}: `{room}` may not use `{named}`"));
            }
        }
        for (i, line) in code.lines().enumerate().filter(|(_, l)| !l.trim_start().starts_with("//")) {
            if !rim {
                for word in WORLD.iter().filter(|w| line.contains(**w)) {
                    out.push(format!("{rel}:{}: `{word}` belongs in {room}/io.rs", i + 1));
                }
            }
        }
    }
    out
}

/// Line number (1-based) and name of every room behind a `crate::`, those in a group `crate::{a::b, c}` included.
fn rooms_named(code: &str) -> Vec<(usize, &str)> {
    let mut out = vec![];
    for (at, found) in code.match_indices("crate::") {
        let line = code[..at].matches('\n').count() + 1;
        if code[..at].rsplit('\n').next().is_some_and(|before| before.trim_start().starts_with("//")) {
            continue;
        }
        let rest = &code[at + found.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            out.push((line, word(rest)));
            continue;
        };
        let (mut depth, mut fresh) = (0, true);
        for (i, c) in group.char_indices() {
            match c {
                '}' if depth == 0 => break,
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => fresh = true,
                c if fresh && !c.is_whitespace() => {
                    out.push((line + group[..i].matches('\n').count(), word(&group[i..])));
                    fresh = false;
                }
                _ => {}
            }
        }
    }
    out
}

fn word(text: &str) -> &str {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
}

#[test]
fn a_group_names_every_room_in_it() {
    let code = "use crate::model::Step;\nuse crate::{\n    ipc::{self, io::{A, B}},\n    term,\n};\n// crate::comment\n";
    assert_eq!(rooms_named(code), [(1, "model"), (3, "ipc"), (4, "term")]);
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut out = vec![];
    for entry in fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()) {
        if entry.is_dir() {
            out.extend(rust_files(&entry))
        } else if entry.extension().is_some_and(|x| x == "rs") {
            out.push(entry)
        }
    }
    out.sort();
    out
}
