//! Files that are cut or have flipped bits: never a panic, never a wrong value from a record that is whole, and what stands
//! behind the damage is read.

use crate::{source::unpacked, support::recordings};
use og::source::{Kind, Loss, Record};
use std::{collections::HashMap, fs, path::Path};

/// Where a row starts, its step, its time, and its values by name; numbers as bits, so that NaN equals NaN.
type Row = (u64, Option<i64>, Option<u64>, Vec<(String, u64)>);

/// A file and the kind of its decoder.
struct File {
    name: String,
    kind: Kind,
    bytes: Vec<u8>,
}

/// Runs all bytes through a decoder. With `finish`, no more are expected.
fn read(kind: Kind, bytes: &[u8], finish: bool) -> (Vec<Row>, Vec<Loss>) {
    let mut decoder = kind.decoder().unwrap();
    let (mut names, mut rows, mut losses) = (HashMap::new(), vec![], vec![]);
    decoder.push(bytes);
    for is_over in [false, true] {
        if is_over && finish {
            decoder.finish();
        }
        loop {
            match decoder.next() {
                Ok(Some(Record::Key(id, key))) => drop(names.insert(id, key.to_string())),
                Ok(Some(Record::Row(row))) => {
                    let values = row.values.iter().map(|(id, value)| (names[id].clone(), value.to_bits())).collect();
                    let time = row.time.map(|time| time.secs().to_bits());
                    rows.push((row.offset.unwrap(), row.step.map(|step| step.0), time, values));
                }
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(loss) => losses.push(loss),
            }
        }
    }
    (rows, losses)
}

fn file(kind: Kind, path: &Path) -> File {
    let bytes = if path.extension().is_some_and(|end| end == "gz") { unpacked(path) } else { fs::read(path).unwrap() };
    File { name: path.display().to_string(), kind, bytes }
}

fn files_in(folder: &Path, kind: Kind, wanted: fn(&str) -> bool, out: &mut Vec<File>) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            files_in(&path, kind, wanted, out);
        } else if wanted(path.file_name().unwrap().to_str().unwrap()) {
            out.push(file(kind, &path));
        }
    }
}

/// Recordings of binary formats, those of the shared set too where it is at hand.
fn binaries() -> Vec<File> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut out = vec![];
    files_in(&here.join("wandb"), Kind::Wandb, |name| name.ends_with(".wandb"), &mut out);
    files_in(&here.join("tfevents"), Kind::TfEvents, |name| name.contains("tfevents"), &mut out);
    if let Some(folder) = recordings("tensorboard") {
        files_in(&folder, Kind::TfEvents, |name| name.contains("tfevents"), &mut out);
    }
    if let Some(folder) = recordings("wandb").filter(|_| is_slow()) {
        files_in(&folder, Kind::Wandb, |name| name.ends_with(".wandb.gz"), &mut out);
    }
    out
}

/// Rows as text, in the ways in which trainers write them.
fn texts() -> Vec<File> {
    let text = |name: &str, kind, line: fn(usize) -> String| {
        let bytes = (0..24).map(line).collect::<String>().into_bytes();
        File { name: name.into(), kind, bytes }
    };
    vec![
        text("own", Kind::Jsonl, |i| format!("{{\"s\":{i},\"t\":17{i:02}.25,\"m\":{{\"loss\":{}.5,\"a\":{{\"b\":NaN}}}}}}\n", 40 - i)),
        text("foreign", Kind::Jsonl, |i| format!("{{\"step\": {i}, \"loss\": \"0.{i}\", \"t\": \"x\"}}\n")),
        text("rows", Kind::Json, |i| format!("{{\"step\": {i}, \"loss\": 0.{i}, \"deep\": {{\"a\": [1, {{}}], \"b\": 2e-{i}}}}}\n")),
        text("csv", Kind::Csv, |i| if i == 0 { "step,loss,lr\n".into() } else { format!("{i},0.{i},{i}e-05\n") }),
        text("log", Kind::Log, |i| format!("step {i}: train loss {}.25, lr {i}e-05\n", 40 - i)),
    ]
}

/// Places in a file: all of them in a small one, else some hundred; all of them always with `OG_SLOW=1`.
fn places(length: usize) -> impl Iterator<Item = usize> {
    let stride = if length <= 3000 || is_slow() { 1 } else { length / 211 };
    (0..=length).step_by(stride)
}

fn is_slow() -> bool {
    std::env::var_os("OG_SLOW").is_some()
}

#[test]
fn a_file_cut_anywhere_gives_the_rows_before_the_cut() {
    for File { name, kind, bytes } in binaries().into_iter().chain(texts()) {
        let (whole, damage) = read(kind, &bytes, false);
        for end in places(bytes.len()) {
            let (rows, losses) = read(kind, &bytes[..end], false);
            assert!(whole.starts_with(&rows), "{name} cut at {end}");
            assert!(damage.starts_with(&losses), "{name} cut at {end}: {losses:?}");
            // What is torn has no checksum in a text: a number may have lost digits, in the last row only.
            let (mut rows, _) = read(kind, &bytes[..end], true);
            let is_text = !matches!(kind, Kind::Wandb | Kind::TfEvents);
            if is_text && !whole.starts_with(&rows) {
                rows.pop();
            }
            assert!(whole.starts_with(&rows), "{name} cut at {end} and finished");
        }
    }
}

#[test]
fn a_flipped_bit_costs_its_record_or_its_block_and_nothing_else() {
    for File { name, kind, bytes } in binaries() {
        let (whole, _) = read(kind, &bytes, true);
        let damaged_before = !read(kind, &bytes, true).1.is_empty();
        for at in (0..bytes.len()).step_by(97) {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << (at / 97 % 8);
            let (rows, losses) = read(kind, &bytes, true);
            assert!(rows.iter().all(|row| whole.contains(row)), "{name} flipped at {at}: a row was never logged");
            // Where the damage may reach: to the end of the block, or of the record.
            let end = if kind == Kind::Wandb { (at / 32768 + 1) * 32768 } else { at + 1 } as u64;
            for (number, row) in whole.iter().enumerate().filter(|(_, row)| !rows.contains(row)) {
                let next = whole.get(number + 1).map_or(u64::MAX, |next| next.0);
                let is_hit = row.0 < end && next > at as u64;
                assert!(is_hit || at < 7 && kind == Kind::Wandb, "{name} flipped at {at}: the row at {} is lost", row.0);
            }
            // A length that reaches past the end of the file is what a record looks like that is still being written.
            let may_wait = kind == Kind::Wandb && end > bytes.len() as u64;
            assert!(!losses.is_empty() || damaged_before || may_wait || rows == whole, "{name} flipped at {at}: nobody said so");
        }
    }
}

#[test]
fn a_flipped_bit_in_a_text_costs_its_line_and_at_most_the_next() {
    for File { name, kind, bytes } in texts() {
        let (whole, _) = read(kind, &bytes, true);
        // The first line names columns, or shows how the others look.
        let first = bytes.iter().position(|byte| *byte == b'\n').unwrap();
        for (at, bit) in (first + 1..bytes.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut bytes = bytes.clone();
            let was = bytes[at];
            bytes[at] ^= 1 << bit;
            let start = bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1) as u64;
            let rest = &bytes[at + 1..];
            let mut end = at + 1 + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
            if was == b'\n' {
                end = end.max(at + 1);
            }
            let (rows, _) = read(kind, &bytes, true);
            let apart = |rows: &[Row]| rows.iter().filter(|row| !(start..=end as u64).contains(&row.0)).cloned().collect::<Vec<_>>();
            assert_eq!(apart(&rows), apart(&whole), "{name} flipped at {at}, bit {bit}");
        }
    }
}
