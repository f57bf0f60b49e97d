//! What a file near others is, by its name, its first bytes and, of a console, its last: a run, or what a training reads or leaves beside.

use super::{has_extension, open, read_at};
use crate::{
    model::MetricKey,
    source::{
        Decoder, Kind, Record, Stdout, csv, detect,
        metrics::{is_clear_metric, is_metric},
        rows,
    },
};
use std::{
    collections::{BTreeMap, HashMap},
    ffi::OsStr,
    fs::File,
    io,
    path::Path,
};

/// Names of files that a program writes as it trains.
const STRUCTURED: &[&str] = &["wandb", "jsonl", "ndjson", "csv", "tsv"];

/// Names of consoles. What is called `.txt` may as well be anything.
const CONSOLES: &[&str] = &["log", "out"];

/// The first line of JSON lines may hold the settings of a whole training.
const LINE_BYTES_MAX: usize = 256 << 10;

/// Bytes at the end of a console in which a metric is looked for.
const TAIL_BYTES: u64 = 16 << 10;

/// First rows by which two tables are told to be of one training.
const ROWS_MAX: usize = 4;

/// Words in names of columns that data rarely have.
const OF_TRAINING: &[&str] = &["lr", "epoch", "epochs"];

/// The same beside other words.
const SPLITS: &[&str] = &["train", "training", "val", "valid", "validation", "eval"];

/// Shortest name of a run that is looked for in what consoles say: shorter ones are words.
const NAME_BYTES_MIN: usize = 8;

/// What a file is.
pub(super) enum Look {
    /// Rows with steps, the first of them.
    Table(Kind, Vec<FirstRow>),
    /// A document with rows: what a training leaves at its end, or as it goes.
    Document,
    /// Console output.
    Console(Console),
    /// A table that says no step: a training's own, or what it reads; and whether it is surely the first.
    Loose(Kind, bool),
    /// No run.
    Nothing,
}

/// What is printed.
pub(super) struct Console {
    /// Some metric is in what was seen of it.
    pub(super) has_metric: bool,
    /// The run of a tracker that it names.
    pub(super) names: Option<usize>,
}

/// A row by its step, and its values by their names.
pub(super) type FirstRow = (i64, BTreeMap<String, f64>);

/// Whether a file may be a run by its name.
pub(super) fn may_be_run(name: &OsStr) -> bool {
    has_extension(name, STRUCTURED) || has_extension(name, &["json"]) || may_be_console(name)
}

/// Whether a file may be a console by its name.
pub(super) fn may_be_console(name: &OsStr) -> bool {
    is_console(name) || has_extension(name, &["txt"])
}

/// Whether a file is a console by its name.
pub(super) fn is_console(name: &OsStr) -> bool {
    has_extension(name, CONSOLES)
}

/// Looks into a file. `known`: the names of trackers' runs.
pub(super) fn look(path: &Path, known: &HashMap<String, usize>) -> io::Result<Look> {
    let name = path.file_name().unwrap_or_default();
    let (mut kind, mut head) = open::kind_of(path)?;
    if may_be_lines(name) && !head.contains(&b'\n') && head.len() > 1 {
        let file = File::open(path)?;
        if file.metadata()?.len() > head.len() as u64 {
            head = vec![0; LINE_BYTES_MAX];
            let read = read_at(&file, &mut head, 0)?;
            head.truncate(read);
            kind = Kind::of_file(&name.to_string_lossy(), &head);
        }
    }
    let is_structured = has_extension(name, STRUCTURED);
    Ok(match kind {
        Kind::Wandb => Look::Table(kind, vec![]),
        Kind::Jsonl | Kind::Csv => match first_rows(kind, &head) {
            rows if !rows.is_empty() => Look::Table(kind, rows),
            _ if is_structured => Look::Loose(kind, is_of_training(kind, &head)),
            _ => Look::Nothing,
        },
        Kind::Json if detect::text(&head).trim_ascii_start().starts_with('[') => match first_rows(kind, &head).is_empty() {
            true => Look::Nothing,
            false => Look::Document,
        },
        Kind::Json if rows::is_document(detect::text(&head)) => Look::Document,
        // What a callback calls a log may be a table.
        Kind::Log if csv::is_table(&head) => match first_rows(Kind::Csv, &head) {
            rows if !rows.is_empty() => Look::Table(kind, rows),
            _ => Look::Nothing,
        },
        Kind::Log if may_be_console(name) => Look::Console(console(path, &head, known)?),
        _ => Look::Nothing,
    })
}

fn may_be_lines(name: &OsStr) -> bool {
    has_extension(name, &["json", "jsonl", "ndjson"])
}

/// The first rows that say a step.
fn first_rows(kind: Kind, head: &[u8]) -> Vec<FirstRow> {
    let Some(mut decoder) = kind.decoder() else { return vec![] };
    let (mut names, mut rows): (Vec<MetricKey>, Vec<FirstRow>) = (vec![], vec![]);
    decoder.push(head);
    loop {
        match decoder.next() {
            Ok(Some(Record::Key(_, key))) => names.push(key),
            Ok(Some(Record::Row(row))) => {
                let Some(step) = row.step else { continue };
                // Trackers part the names of one thing in ways of their own.
                let name = |id: u32| names.get(id as usize).map(|name| name.as_str().replace('/', "."));
                rows.push((step.0, row.values.iter().filter_map(|(id, value)| Some((name(id.0)?, *value))).collect()));
                if rows.len() == ROWS_MAX {
                    return rows;
                }
            }
            Ok(None) => return rows,
            _ => {}
        }
    }
}

/// Whether rows without steps are surely those of a training: a monitor that says when it began, or rows of metrics with a column of a
/// training, without texts of several words and lists, as data have them. Data have columns of losses, scores and accuracies too.
fn is_of_training(kind: Kind, head: &[u8]) -> bool {
    let Some(mut decoder) = kind.decoder() else { return false };
    let (mut has_metric, mut is_training, mut rows) = (false, false, 0);
    decoder.push(head);
    while rows < ROWS_MAX {
        match decoder.next() {
            Ok(Some(Record::Info("started_at", _))) => return true,
            Ok(Some(Record::Key(_, key))) => {
                has_metric |= is_clear_metric(key.as_str());
                is_training |= names_training(key.as_str());
            }
            Ok(Some(Record::Row(_))) => rows += 1,
            Ok(None) => break,
            _ => {}
        }
    }
    let text = detect::text(head);
    let mut lines = text.lines().filter(|line| !csv::is_passed_over(line.as_bytes())).skip(usize::from(kind == Kind::Csv)).take(ROWS_MAX);
    // A date has digits around its space.
    let is_word_end = |pair: &[u8]| pair[0].is_ascii_alphabetic() && pair[1] == b' ' && pair[2].is_ascii_alphabetic();
    let is_data = |line: &str| line.contains('[') || line.as_bytes().windows(3).any(is_word_end);
    rows > 0 && has_metric && is_training && !lines.any(is_data)
}

/// Whether the name of a column is one that trainings log and data rarely have: `lr`, `train_loss`, `eval/acc`. `val` alone is any value.
fn names_training(name: &str) -> bool {
    let any = |list: &[&str], word: &str| list.iter().any(|one| word.eq_ignore_ascii_case(one));
    let words: Vec<&str> = name.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let is_rate = words.windows(2).any(|pair| any(&["learning"], pair[0]) && any(&["rate"], pair[1]));
    is_rate || words.iter().any(|word| any(OF_TRAINING, word) || words.len() > 1 && any(SPLITS, word))
}

/// Whether two tables are of one training: they begin with the same values at the same steps, as far as they have the same columns, and
/// among those is a metric that changes, or all that one of them has. Learning rates and epochs are the same in many runs.
pub(super) fn are_of_one(a: &[FirstRow], b: &[FirstRow]) -> bool {
    let (mut first, mut changes, mut is_metric_among) = (BTreeMap::new(), false, false);
    for ((step, a), (other, b)) in a.iter().zip(b) {
        if step != other {
            return false;
        }
        for (name, a, b) in a.iter().filter_map(|(name, a)| Some((name, *a, *b.get(name)?))) {
            if a != b && !(a.is_nan() && b.is_nan()) {
                return false;
            }
            if !a.is_nan() && *first.entry(name).or_insert(a) != a {
                (changes, is_metric_among) = (true, is_metric_among || is_metric(name));
            }
        }
    }
    let has_all = |a: &[FirstRow], b: &[FirstRow]| a.iter().zip(b).all(|((_, a), (_, b))| b.keys().all(|name| a.contains_key(name)));
    is_metric_among || changes && (has_all(a, b) || has_all(b, a))
}

/// What the ends of a console say.
fn console(path: &Path, head: &[u8], known: &HashMap<String, usize>) -> io::Result<Console> {
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let start = bytes.saturating_sub(TAIL_BYTES).max(head.len() as u64);
    let mut tail = vec![0; usize::try_from(bytes - start.min(bytes)).unwrap_or(0)];
    let read = read_at(&file, &mut tail, start)?;
    tail.truncate(read);
    let tail = match start > head.len() as u64 {
        true => memchr::memchr2(b'\n', b'\r', &tail).map_or(&[][..], |at| &tail[at + 1..]),
        false => &tail[..],
    };
    // A text that is not called a console is one where it counts steps.
    let needs_step = !is_console(path.file_name().unwrap_or_default());
    let has_metric = has_row(&[head, tail], needs_step, start == head.len() as u64);
    let names = if known.is_empty() { None } else { [head, tail].iter().find_map(|text| named(detect::text(text), known)) };
    Ok(Console { has_metric, names })
}

/// Whether a row with a value is in some text; `is_one`: the parts follow each other.
fn has_row(parts: &[&[u8]], needs_step: bool, is_one: bool) -> bool {
    let mut decoder = Stdout::new();
    for part in parts {
        decoder.push(part);
        loop {
            match decoder.next() {
                Ok(Some(Record::Row(row))) if !row.values.is_empty() && (row.step.is_some() || !needs_step) => return true,
                Ok(None) => break,
                _ => {}
            }
        }
        if !is_one {
            decoder = Stdout::new();
        }
    }
    decoder.finish();
    std::iter::from_fn(|| decoder.next().ok().flatten())
        .any(|record| matches!(record, Record::Row(row) if !row.values.is_empty() && (row.step.is_some() || !needs_step)))
}

/// The run that is named in a text.
fn named(text: &str, known: &HashMap<String, usize>) -> Option<usize> {
    let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || "_-.".contains(letter)));
    words.map(|word| word.trim_matches('.')).filter(|word| word.len() >= NAME_BYTES_MIN).find_map(|word| known.get(word).copied())
}

/// Whether a name is surely that of one run wherever it stands.
pub(super) fn is_telling(name: &str) -> bool {
    let has = |is: fn(&u8) -> bool| name.as_bytes().iter().any(is);
    name.len() >= NAME_BYTES_MIN && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic) && !name.starts_with("version_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_without_steps_are_of_a_training_by_what_they_measure() {
        let csv = |text: &str| is_of_training(Kind::Csv, text.as_bytes());
        assert!(csv("#{\"t_start\": 1700000000.5, \"env_id\": \"CartPole-v1\"}\nr,l,t\n20.0,20,1.25\n"));
        assert!(csv("time,loss,lr\n2026-11-21 12:00:00,0.5,0.1\n") && csv("train/loss\n0.5\n") && csv("loss,learning_rate\n2,0.1\n"));
        for data in [
            "text,score\na good one,0.5\n",
            "open,close,return\n1,2,0.5\n",
            "text,loss\nhello all,0.5\n",
            "loss,lr\n",
            "x,y\n1,2\n",
            "age,claims,loss\n20,0,100\n",
            "date,open,profit_loss\n2026-01-01,1,2\n",
            "name,accuracy,precision\na,0.5,0.25\n",
            "val,loss\n1,2\n",
        ] {
            assert!(!csv(data), "{data}");
        }
        let lines = |text: &str| is_of_training(Kind::Jsonl, text.as_bytes());
        assert!(lines("{\"loss\": 0.5, \"lr\": 0.1}\n"));
        assert!(!lines("{\"tokens\": [1, 2], \"loss\": 0.5}\n") && !lines("{\"prompt\": \"why is it\", \"reward\": 1, \"kl_loss\": 2}\n"));
    }

    #[test]
    fn tables_are_of_one_training_by_a_metric_that_changes_or_by_all_their_columns() {
        let rows = |text: &str| first_rows(Kind::Csv, text.as_bytes());
        let of_one = |a: &str, b: &str| {
            assert_eq!(are_of_one(&rows(a), &rows(b)), are_of_one(&rows(b), &rows(a)));
            are_of_one(&rows(a), &rows(b))
        };
        let train = "step,epoch,lr,train/loss\n1,0,0.1,2.5\n2,0,0.2,2.25\n3,1,0.3,2\n";
        // What is told by a schedule is the same in many.
        assert!(!of_one(train, "step,epoch,lr,val/loss\n1,0,0.1,3.5\n2,0,0.2,3.25\n3,1,0.3,3\n"));
        assert!(!of_one("epoch,lr,loss_g\n0,0.1,2\n1,0.1,1\n", "epoch,lr,accuracy\n0,0.1,0.1\n1,0.1,0.2\n"));
        assert!(!of_one("step,reward\n1,0\n2,0\n", "step,reward\n1,0\n2,0\n"), "nothing has happened yet");
        assert!(of_one(train, "step,train.loss,time\n1,2.5,9\n2,2.25,12\n3,2,15\n"));
        assert!(of_one("step,x\n1,2\n2,1\n", "step,x,y\n1,2,7\n2,1,7\n"));
        assert!(!of_one(train, "step,train.loss\n1,2.5\n2,2.75\n3,2\n"));
    }
}
