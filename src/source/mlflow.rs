//! MLflow's file store: a file for each metric of a run, with a line `MILLISECONDS VALUE STEP` for each point, and `meta.yaml`.
//!
//! A line of two parts has no step, which MLflow takes for 0; in some, what was measured is named behind the step.
//!
//! Source: `mlflow/store/tracking/file_store.py` (`_log_run_metric`, `_get_metric_from_line`) and `entities/run_status.py` of MLflow 3.17.

use super::{
    Decoder, Loss, Record, Row,
    columns::{unix_time, whole_text},
    keys::Keys,
    lines::{Line, Lines},
    outbox::Outbox,
};
use crate::model::{Exit, RunState, Step, WallTime};

/// What the metric of a file is called whose name says nothing.
const NAMELESS: &str = "value";

/// Reads the file of one metric.
pub(super) struct MlflowMetric {
    name: String,
    lines: Lines,
    keys: Keys,
    ready: Outbox,
}

impl MlflowMetric {
    /// A decoder that stands at the start of the file.
    pub(super) fn new(name: &str) -> MlflowMetric {
        let (lines, keys, ready) = Default::default();
        MlflowMetric { name: if name.is_empty() { NAMELESS } else { name }.to_owned(), lines, keys, ready }
    }

    fn read(&mut self, line: &Line) -> Result<(), Loss> {
        let loss = |reason: &str| Loss { offset: line.offset, bytes: line.bytes, reason: reason.into() };
        let text = self.lines.get(line.range.clone());
        if text.trim_ascii().is_empty() {
            return Ok(());
        }
        let point = std::str::from_utf8(text).ok().and_then(point).ok_or_else(|| loss("a line is no point of MLflow's"))?;
        self.keys.begin();
        self.keys.put(&self.name, point.value);
        let row = Row { step: Some(point.step), time: Some(point.time), offset: Some(line.offset), ..Row::default() };
        self.ready.row(&mut self.keys, row, loss);
        Ok(())
    }
}

struct Point {
    time: WallTime,
    value: f64,
    step: Step,
}

fn point(line: &str) -> Option<Point> {
    let parts: Vec<&str> = line.trim().split(' ').collect();
    let millis: i64 = parts[0].parse().ok()?;
    let step = match parts.len() {
        2 => 0,
        3..=6 => parts[2].parse().ok()?,
        _ => return None,
    };
    Some(Point { time: unix_time(millis as f64)?, value: whole_text(parts[1])?, step: Step(step) })
}

/// Whether a file begins with two such lines, or is one: three numbers of which the first is a time in milliseconds.
pub(super) fn is_metric(head: &[u8]) -> bool {
    /// So are the milliseconds of this century.
    const DIGITS: std::ops::RangeInclusive<usize> = 12..=13;
    let mut lines = head.split_inclusive(|byte| *byte == b'\n').filter_map(|line| line.strip_suffix(b"\n")).take(2);
    let is_point = |line: &[u8]| {
        let text = std::str::from_utf8(line).unwrap_or_default();
        text.split(' ').count() == 3 && text.split(' ').next().is_some_and(|millis| DIGITS.contains(&millis.len())) && point(text).is_some()
    };
    lines.next().is_some_and(is_point) && lines.all(is_point)
}

/// What the `meta.yaml` of a run says of it.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Meta {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) started: Option<WallTime>,
    /// `None`: it goes on.
    pub(super) exit: Option<Exit>,
}

impl Meta {
    /// `None`: it is not that of a run.
    pub(super) fn of(yaml: &str) -> Option<Meta> {
        let time = |name: &str| unix_time(field(yaml, name)?.parse().ok()?);
        let id = field(yaml, "run_id").or_else(|| field(yaml, "run_uuid"))?;
        let verdict = match field(yaml, "status").as_deref() {
            Some("3") => Some(RunState::Finished),
            Some("4") => Some(RunState::Failed),
            Some("5") => Some(RunState::Stopped),
            _ => None,
        };
        let exit = verdict.map(|verdict| Exit { at: time("end_time"), verdict: Some(verdict), ..Exit::default() });
        Some(Meta { id, name: field(yaml, "run_name"), started: time("start_time"), exit })
    }
}

/// A field of such a file: it has one on each line, of plain words or quoted ones.
pub(super) fn field(yaml: &str, name: &str) -> Option<String> {
    let value = yaml.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?.trim();
    let quoted = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\''));
    let value = quoted.map_or_else(|| value.trim_matches('"').to_owned(), |value| value.replace("''", "'"));
    (!value.is_empty() && value != "null").then_some(value)
}

impl Decoder for MlflowMetric {
    fn push(&mut self, bytes: &[u8]) {
        self.lines.push(bytes);
    }

    fn next(&mut self) -> Result<Option<Record>, Loss> {
        loop {
            if let Some(ready) = self.ready.next() {
                return ready.map(Some);
            }
            match self.lines.next()? {
                Some(line) => self.read(&line)?,
                None => return Ok(None),
            }
        }
    }

    fn reset(&mut self) {
        *self = MlflowMetric::new(&self.name);
    }

    fn jump(&mut self) -> bool {
        self.lines = Lines::default();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::decode_for_tests as decode;

    #[test]
    fn each_line_is_a_point() {
        let text = b"1700000000500 2.5 0\n1700000001000 nan 10\n1700000002000 -inf 20 data abc\nx 1 2\n1700000003000 1.5\n1700000004000 1";
        for chunk in [1, 7, text.len()] {
            let (rows, losses) = decode(&mut MlflowMetric::new("val/loss"), text, chunk);
            let got: Vec<_> = rows.iter().map(|(row, values)| (row.step.unwrap().0, row.time.unwrap().secs(), values[0].1)).collect();
            let want =
                [(0, 1700000000.5, 2.5), (10, 1.700000001e9, f64::NAN), (20, 1.700000002e9, f64::NEG_INFINITY), (0, 1.700000003e9, 1.5)];
            assert_eq!((format!("{got:?}"), losses.len()), (format!("{want:?}"), 1));
            assert_eq!(rows[0].1[0].0, "val/loss");
        }
    }

    #[test]
    fn a_metric_is_told_by_its_lines() {
        assert!(is_metric(b"1700000000500 2.5 0\n") && is_metric(b"1700000000500 2.5 0\n1700000000500 nan 1\n170"));
        for other in [&b""[..], b"1 2 3\n", b"1700000000500 2.5\n", b"1700000000500 2.5 0\nand more\n", b"1700000000500 loss 0\n"] {
            assert!(!is_metric(other), "{}", other.escape_ascii());
        }
    }

    #[test]
    fn a_run_says_how_it_ended() {
        let yaml =
            "end_time: 1700000009000\nexperiment_id: '0'\nrun_id: a1\nrun_name: it''s\nstart_time: 1700000000000\nstatus: 4\nuser_id: me\n";
        let meta = Meta::of(&yaml.replace("it''s", "'it''s'")).unwrap();
        assert_eq!((meta.id.as_str(), meta.name.as_deref(), meta.started), ("a1", Some("it's"), WallTime::new(1.7e9)));
        assert_eq!(meta.exit.map(|exit| (exit.state(), exit.at)), Some((RunState::Failed, WallTime::new(1.700000009e9))));
        assert_eq!(Meta::of("run_uuid: b\nend_time: null\nstatus: 1\n"), Some(Meta { id: "b".into(), ..Meta::default() }));
        assert_eq!(Meta::of("experiment_id: '0'\nname: Default\n"), None);
    }
}
