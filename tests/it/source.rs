//! Readers against recorded inputs with independently computed values, which lie beside the checkout or not at all.

use crate::support::recordings;
use og::source::{Budget, Decoder, Record, Row, Source, Stdout, Wandb, open};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

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

/// The bytes of a recording packed with gzip.
pub fn unpacked(path: &Path) -> Vec<u8> {
    let out = std::process::Command::new("gzip").arg("-dc").arg(path).output().expect("gzip runs");
    assert!(out.status.success(), "{}", path.display());
    out.stdout
}

/// A number as the recordings write it: non-finite ones as words.
fn is_number(got: f64, want: &Value) -> bool {
    match want {
        Value::String(word) => word.to_lowercase().trim_end_matches("inity") == got.to_string().to_lowercase(),
        want => want.as_f64().is_some_and(|want| want == got),
    }
}

fn wandb_faults(read: &Read, want: &Value, rows: Option<&str>) -> Vec<String> {
    let mut out = vec![];
    let points = points(read, str::to_owned);
    let mut check = |what: String, is_right: bool| out.extend((!is_right).then_some(what));
    let none = serde_json::Map::new();
    let keys = want["keys"].as_object().unwrap_or(&none);
    check(format!("keys {:?}", points.keys()), points.keys().all(|key| keys.contains_key(key)) && points.len() == keys.len());
    for (key, want) in keys {
        let points = points.get(key).map_or(&[][..], Vec::as_slice);
        let values: Vec<f64> = points.iter().map(|point| point.1).collect();
        let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        let count = |is: &dyn Fn(f64) -> bool| values.iter().filter(|value| is(**value)).count() as u64;
        for (name, got) in [
            ("count", values.len() as u64),
            ("finite", finite.len() as u64),
            ("nan", count(&f64::is_nan)),
            ("posinf", count(&|value| value == f64::INFINITY)),
            ("neginf", count(&|value| value == f64::NEG_INFINITY)),
        ] {
            check(format!("{key}: {name} {got}, want {}", want[name]), want[name].as_u64() == Some(got));
        }
        for (name, got) in [
            ("min", finite.iter().copied().reduce(f64::min)),
            ("max", finite.iter().copied().reduce(f64::max)),
            ("first", values.first().copied()),
            ("last", values.last().copied()),
        ] {
            check(format!("{key}: {name} {got:?}, want {}", want[name]), got.is_some_and(|got| is_number(got, &want[name])));
        }
        let sum: f64 = finite.iter().sum();
        let want_sum = want["sum"].as_f64().unwrap_or(f64::NAN);
        check(format!("{key}: sum {sum}, want {want_sum}"), (sum - want_sum).abs() <= 1e-9 * want_sum.abs());
        for (name, point) in [("first_step", points.first()), ("last_step", points.last())] {
            check(format!("{key}: {name} {point:?}"), point.and_then(|point| point.0) == want[name].as_i64());
        }
    }
    // Every row as it was logged.
    let mut logged: HashMap<i64, Value> = rows
        .unwrap_or("")
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .map(|row| (row["step"].as_i64().expect("a step"), row["row"].clone()))
        .collect();
    for row in &read.rows {
        let step = row.step.expect("a step").0;
        check(format!("step {step} has no time"), row.time.is_some_and(|time| time.secs() > 1.7e9));
        if rows.is_some() {
            let logged = logged.remove(&step).unwrap_or_default();
            let numbers =
                logged.as_object().into_iter().flatten().filter(|(key, value)| keys.contains_key(*key) && !value.is_boolean()).count();
            let same = row.values.iter().all(|(id, value)| is_number(*value, &logged[&read.names[&id.0]]));
            check(format!("row {step}: {row:?}, want {logged}"), same && numbers == row.values.len());
        }
    }
    // The rest of the records.
    let mut config = BTreeMap::new();
    let (mut info, mut summary, mut console, mut alerts, mut exit, mut system) = (HashMap::new(), HashMap::new(), vec![], vec![], None, 0);
    for record in &read.rest {
        match record {
            Record::Config(name, value) => drop(config.insert(name.clone(), value.clone())),
            Record::Info(name, value) => drop(info.insert(*name, value.clone())),
            Record::Summary(name, value) => drop(summary.insert(name.clone(), value.clone())),
            Record::Console(line) => console.push(line.text.clone()),
            Record::Alert(alert) => alerts.push(json!({"title": alert.title, "text": alert.text, "level": alert.level.to_uppercase()})),
            Record::Exit(end) => exit = Some(*end),
            Record::System(time, samples) => system += usize::from(time.is_some() && !samples.is_empty()),
            _ => {}
        }
    }
    let want_config: BTreeMap<String, Value> = want["config"].as_object().unwrap_or(&none).clone().into_iter().collect();
    check(format!("config {config:?}, want {want_config:?}"), config == want_config);
    let code = exit.and_then(|exit| exit.code).map(i64::from);
    check(format!("exit {exit:?}"), code == want["exit_code_in_file"].as_i64());
    for (name, field) in [
        ("run_id", "run_id_in_record"),
        ("name", "name"),
        ("project", "project"),
        ("tags", "tags"),
        ("notes", "notes"),
        ("group", "group"),
        ("job_type", "job_type"),
    ] {
        check(
            format!("{name}: {:?}, want {}", info.get(name), want[field]),
            want[field].is_null() || keys.is_empty() || info.get(name) == Some(&want[field]),
        );
    }
    check(format!("alerts {alerts:?}"), alerts == want.get("alert").into_iter().cloned().collect::<Vec<_>>());
    let counts = &want["record_counts"];
    check(format!("{system} system records"), system as u64 == counts["stats"].as_u64().unwrap_or(0));
    check(format!("{} losses", read.losses), read.losses as u64 == want["corrupt_regions"].as_u64().unwrap_or(0));
    let mut explicit = BTreeMap::new();
    want["summary_explicit"].as_object().unwrap_or(&none).iter().for_each(|(name, value)| flatten(name.clone(), value, &mut explicit));
    explicit.iter().for_each(|(name, value)| {
        check(format!("summary {name}: {:?}, want {value}", summary.get(name)), summary.get(name) == Some(value))
    });
    if want["console"]["stdout_has_all_logged_lines"] == true && rows.is_some() {
        let said = console.iter().filter(|line| line.starts_with("step 0")).count() as u64;
        check(format!("{said} console lines"), said == want["steps_logged_by_script"].as_u64().expect("a count").div_ceil(10));
        check("a coloured line is plain".into(), console.iter().any(|line| line == "green plain bold"));
    }
    out
}

fn flatten(name: String, value: &Value, out: &mut BTreeMap<String, Value>) {
    match value.as_object() {
        Some(map) => map.iter().for_each(|(key, value)| flatten(format!("{name}.{key}"), value, out)),
        None => drop(out.insert(name, value.clone())),
    }
}

#[test]
fn wandb_files_of_three_versions_and_damaged_ones_are_read() {
    let Some(folder) = recordings("wandb") else { return };
    let mut paths: Vec<_> = fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let mut bad = 0;
    for path in paths.iter().filter(|path| path.to_string_lossy().ends_with(".expected.json")) {
        let stem = path.to_string_lossy().trim_end_matches(".expected.json").to_owned();
        let bytes = unpacked(Path::new(&format!("{stem}.wandb.gz")));
        let rows = PathBuf::from(format!("{stem}.rows.jsonl.gz"));
        let rows = rows.exists().then(|| String::from_utf8(unpacked(&rows)).expect("text"));
        let whole = read(&mut Wandb::new(), &bytes, usize::MAX);
        let faults = wandb_faults(&whole, &expected(path), rows.as_deref());
        println!("{} {stem}", if faults.is_empty() { "ok " } else { "BAD" });
        faults.iter().take(12).for_each(|fault| println!("     {fault}"));
        bad += usize::from(!faults.is_empty());
        for chunk in [13, 4096] {
            let cut = read(&mut Wandb::new(), &bytes, chunk);
            assert_eq!(format!("{:?}{:?}", whole.rows, whole.rest), format!("{:?}{:?}", cut.rows, cut.rest), "{stem} in pieces of {chunk}");
        }
    }
    assert_eq!(bad, 0, "{bad} files are read wrongly");
}

/// All that one look at a source, or its end, gives, as text: numbers and names as they are told.
fn told(source: &mut dyn Source, is_over: bool, out: &mut Vec<String>) -> bool {
    let mut news = vec![];
    let mut sink = |record: Result<Record, _>| news.push(format!("{record:?}"));
    let more = match is_over {
        true => {
            source.finish(&mut sink);
            false
        }
        false => {
            let progress = source.poll(Budget { bytes_max: u64::MAX, time_max: Duration::ZERO }, &mut sink).unwrap();
            if progress.restarted {
                out.clear();
                news.clear();
            }
            progress.more
        }
    };
    out.extend(news);
    more
}

/// What comes of a pipe that is written in pieces of so many bytes, and looked at behind each.
fn piped(bytes: &[u8], piece: usize) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("feed");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let mut source = open(&path).unwrap().sources.remove(0);
    let mut writer = File::options().write(true).open(&path).unwrap();
    let mut out = vec![];
    for piece in bytes.chunks(piece) {
        writer.write_all(piece).unwrap();
        told(&mut *source, false, &mut out);
    }
    drop(writer);
    while !source.is_over() {
        told(&mut *source, false, &mut out);
    }
    out
}

#[test]
fn rows_come_out_the_same_of_a_file_and_of_a_pipe_however_it_is_written() {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")];
    folders.extend(recordings(""));
    let mut paths = vec![];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            match path.extension().and_then(|ending| ending.to_str()) {
                _ if path.is_dir() => folders.push(path),
                // What is expected of the others is no run.
                Some("jsonl" | "json" | "csv" | "tsv") if !name.ends_with("expected.json") => paths.push(path),
                _ => {}
            }
        }
    }
    assert!(paths.len() >= 10, "{paths:?}");
    for path in paths {
        let mut source = open(&path).unwrap().sources.remove(0);
        let mut want = vec![];
        while told(&mut *source, false, &mut want) {}
        told(&mut *source, true, &mut want);
        let bytes = fs::read(&path).unwrap();
        // What a pipe holds, and one byte after the other.
        for piece in [64 << 10, 1] {
            assert_eq!(piped(&bytes, piece), want, "{} in pieces of {piece}", path.display());
        }
    }
}
