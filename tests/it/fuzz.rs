//! What the fuzzers once found, through the checks that found it.

#[path = "../../fuzz/src/checks.rs"]
mod checks;

use std::{fs, path::Path};

#[test]
fn what_was_found_once_stays_mended() {
    type Check = fn(&[u8]);
    let all: [(&str, Check); 10] = [
        ("wandb", checks::wandb),
        ("tfevents", checks::tfevents),
        ("jsonl", checks::jsonl),
        ("rows", checks::rows),
        ("csv", checks::csv),
        ("stdout", checks::stdout),
        ("trackio", checks::trackio),
        ("control", checks::control),
        ("term", checks::term),
        ("wire", checks::wire),
    ];
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/fuzz"));
    for folder in fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()) {
        let name = folder.file_name().unwrap().to_str().unwrap();
        let (_, check) = all.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("nothing checks {name}"));
        for input in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            // The name stands before the panic's own words.
            eprintln!("{}", input.display());
            check(&fs::read(&input).unwrap());
        }
    }
}
