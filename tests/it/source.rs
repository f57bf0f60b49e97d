//! Readers against recorded inputs with independently computed values. The recordings lie beside the
//! checkout (`OG_SHARED`, else `../shared`); where they are not, these tests say so and pass.

use og::source::{Decoder, Record, Row, Stdout};
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
};

/// The folder of recordings of one kind.
fn recordings(kind: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("OG_SHARED").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let folder = shared.join("data").join(kind);
    let there = folder.is_dir();
    if !there {
        println!("skipped: no recordings at {}", folder.display());
    }
    there.then_some(folder)
}

fn expected(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("a recording")).expect("JSON")
}

/// All that a decoder makes of some bytes.
#[derive(Default)]
struct Read {
    rows: Vec<Row>,
    names: HashMap<u32, String>,
    total: Option<i64>,
    losses: usize,
    rest: Vec<Record>,
}

fn read(decoder: &mut dyn Decoder, bytes: &[u8], chunk: usize) -> Read {
    let mut read = Read::default();
    let mut drain = |decoder: &mut dyn Decoder| loop {
        match decoder.next() {
            Ok(Some(Record::Key(id, key))) => drop(read.names.insert(id.0, key.to_string())),
            Ok(Some(Record::Row(row))) => read.rows.push(row),
            Ok(Some(Record::TotalSteps(total))) => read.total = Some(total),
            Ok(Some(record)) => read.rest.push(record),
            Ok(None) => break,
            Err(_) => read.losses += 1,
        }
    };
    for part in bytes.chunks(chunk) {
        decoder.push(part);
        drain(decoder);
    }
    decoder.finish();
    drain(decoder);
    read
}

/// Points of every key by name: step and value, in the order they were read.
fn points(read: &Read, name: impl Fn(&str) -> String) -> BTreeMap<String, Vec<(Option<i64>, f64)>> {
    let mut out = BTreeMap::<_, Vec<_>>::new();
    for row in &read.rows {
        for (id, value) in &row.values {
            out.entry(name(&read.names[&id.0])).or_default().push((row.step.map(|step| step.0), *value));
        }
    }
    out
}

/// Names are compared in lower case, with runs of other characters as `_`.
fn plain(name: &str) -> String {
    let lower = name.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_")
}

fn is_point(point: Option<&(Option<i64>, f64)>, want: &Value) -> bool {
    let Some((step, value)) = point else { return false };
    let same = match want[1].as_f64() {
        Some(number) => (number - value).abs() <= 1e-9 * number.abs(),
        None => value.is_nan(),
    };
    same && *step == want[0].as_i64()
}

/// What is wrong with the points of one log.
fn faults(read: &Read, want: &Value) -> Vec<String> {
    let points = points(read, plain);
    let none = serde_json::Map::new();
    let part = |name: &str| want[name].as_object().unwrap_or(&none).clone();
    let mut out = vec![];
    for (name, want) in part("must") {
        let got = points.get(&plain(&name)).map_or(&[][..], Vec::as_slice);
        let right =
            Some(got.len() as u64) == want["n"].as_u64() && is_point(got.first(), &want["first"]) && is_point(got.last(), &want["last"]);
        if !right {
            out.push(format!("{name}: {} points {:?} .. {:?}, want {want}", got.len(), got.first(), got.last()));
        }
    }
    for (name, want) in part("bars") {
        let got = points.get(&plain(&name)).map_or(&[][..], Vec::as_slice);
        let list = want.as_array().expect("a list of points");
        if got.len() != list.len() || !got.iter().zip(list).all(|(got, want)| is_point(Some(got), want)) {
            out.push(format!("{name}: {got:?}, want {want}"));
        }
    }
    for (name, want) in part("must_extra") {
        let got = points.get(&plain(&name)).map_or(&[][..], Vec::as_slice);
        for want in want.as_array().expect("a list of points") {
            if !got.iter().any(|got| is_point(Some(got), want)) {
                out.push(format!("{name}: {got:?} lacks {want}"));
            }
        }
    }
    for name in want["must_not"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if points.contains_key(&plain(name)) {
            out.push(format!("{name} is no metric"));
        }
    }
    if want["total"].is_i64() && want["total"].as_i64() != read.total {
        out.push(format!("total {:?}, want {}", read.total, want["total"]));
    }
    out
}

#[test]
fn training_logs_of_many_styles_become_metrics() {
    let Some(folder) = recordings("logs") else { return };
    let (mut right, mut all) = (0, 0);
    let mut paths: Vec<_> = fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|ext| ext == "log")) {
        let bytes = fs::read(path).expect("a log");
        let want = expected(&path.with_extension("expected.json"));
        let whole = read(&mut Stdout::new(), &bytes, usize::MAX);
        let faults = faults(&whole, &want);
        println!("{} {}", if faults.is_empty() { "ok " } else { "BAD" }, want["id"]);
        faults.iter().for_each(|fault| println!("     {fault}"));
        if std::env::var_os("OG_SHOW").is_some() {
            points(&whole, str::to_owned)
                .iter()
                .for_each(|(name, points)| println!("     {name}: {} {:?} .. {:?}", points.len(), points.first(), points.last()));
        }
        right += usize::from(faults.is_empty());
        all += 1;
        for chunk in [1, 7, 4096] {
            let cut = read(&mut Stdout::new(), &bytes, chunk);
            assert_eq!(format!("{:?}", whole.rows), format!("{:?}", cut.rows), "{} in pieces of {chunk}", path.display());
        }
    }
    println!("{right} of {all} logs exactly");
    assert!(right * 19 >= all * 18, "only {right} of {all} logs are read exactly");
}
