//! A run as it changes: one JSON object a line, until the run ends.

use super::{point_json, report, sorted};
use crate::{
    cli::{fail::Fail, open, out, wakes::Wakes},
    model::{MetricKey, XAxis, num},
    store::{Polled, RunPicture, RunReader},
};
use serde_json::{Map, Value, json};

/// Lines of console told at once; of more, the last.
const CONSOLE_LINES_MAX: usize = 200;

/// Waits until a look is worth it.
fn wait(wakes: &mut Wakes, reader: &RunReader, polled: &Polled) {
    if polled.paths_changed {
        wakes.add(reader.paths());
    }
    if !polled.more {
        wakes.wait(polled.again);
    }
}

/// Tells the whole run, then every change.
pub fn changes(mut reader: RunReader) -> Result<u8, Fail> {
    let mut wakes = Wakes::of(reader.paths())?;
    let mut full = report::report(&reader, None);
    full["event"] = "run".into();
    out::json(&sorted(full))?;
    let mut told = Told::of(&reader);
    // What came between the load and the watch.
    let mut polled = reader.poll(RunReader::LIVE);
    loop {
        open::mark_lost(&mut reader);
        let now = Told::of(&reader);
        if let Some(change) = now.since(&told, reader.picture(), &polled.keys_changed) {
            out::json(&sorted(change))?;
        }
        told = now;
        if is_over(&reader, &polled) {
            return Ok(0);
        }
        wait(&mut wakes, &reader, &polled);
        polled = reader.poll(RunReader::LIVE);
    }
}

/// Tells every new point of `key`.
pub fn points(mut reader: RunReader, key: &MetricKey) -> Result<u8, Fail> {
    let mut wakes = Wakes::of(reader.paths())?;
    let mut last = reader.picture().series.get(key).and_then(|series| series.last());
    let mut polled = reader.poll(RunReader::LIVE);
    loop {
        open::mark_lost(&mut reader);
        if polled.keys_changed.contains(key)
            && let Some(series) = reader.picture().series.get(key)
        {
            // A step that was logged again, or a run that went back, starts at the first point that is new.
            let end = series.last();
            let from = match (last, end) {
                (Some(last), Some(end)) if end.step > last.step => {
                    let at = series.lower_bound(XAxis::Step, last.step.0 as f64);
                    let is_known = series.get(at).is_some_and(|point| point == last);
                    at + usize::from(is_known)
                }
                _ if end == last => series.len(),
                _ => series.len().saturating_sub(1),
            };
            for point in series.points(from..series.len()) {
                out::json(&sorted(point_json(&point)))?;
            }
            last = end;
        }
        if is_over(&reader, &polled) {
            return Ok(0);
        }
        wait(&mut wakes, &reader, &polled);
        polled = reader.poll(RunReader::LIVE);
    }
}

fn is_over(reader: &RunReader, polled: &Polled) -> bool {
    !polled.more && (reader.is_over() || reader.picture().known_state().is_some_and(|state| state.is_over()))
}

/// What was told of a run so far.
struct Told {
    kind: &'static str,
    state: Option<&'static str>,
    exit_code: Option<i32>,
    signal: Option<i32>,
    step: Option<i64>,
    console: u64,
    losses: u64,
    alerts: u64,
    media: u64,
    problems: Vec<String>,
    config: Value,
    name: String,
}

impl Told {
    fn of(reader: &RunReader) -> Told {
        let run = reader.picture();
        let exit = run.exit.unwrap_or_default();
        Told {
            kind: reader.kind().as_str(),
            state: run.known_state().map(|state| state.as_str()),
            exit_code: exit.code,
            signal: exit.signal,
            step: run.step().map(|step| step.0),
            console: run.console.count(),
            losses: run.losses.count,
            alerts: run.alerts.count,
            media: run.media.count(),
            problems: run.problems.values().cloned().collect(),
            config: run.config.clone().into_iter().collect::<Map<_, _>>().into(),
            name: run.info.name.clone(),
        }
    }

    /// What changed since `before`. `None`: nothing.
    fn since(&self, before: &Told, run: &RunPicture, keys: &[MetricKey]) -> Option<Value> {
        let mut change = Map::new();
        let mut tell = |name: &str, changed: bool, value: Value| {
            if changed {
                change.insert(name.to_owned(), value);
            }
        };
        // More of a file may show that it is something else.
        tell("kind", self.kind != before.kind, self.kind.into());
        tell("state", self.state != before.state, self.state.into());
        tell("exit_code", self.exit_code != before.exit_code, self.exit_code.into());
        tell("signal", self.signal != before.signal, self.signal.into());
        tell("step", self.step != before.step, self.step.into());
        tell("name", self.name != before.name, self.name.as_str().into());
        tell("config", self.config != before.config, self.config.clone());
        tell("loss_count", self.losses != before.losses, self.losses.into());
        tell("problems", self.problems != before.problems, self.problems.clone().into());
        tell("media_count", self.media != before.media, self.media.into());
        let new = |now: u64, then: u64| usize::try_from(now.saturating_sub(then)).unwrap_or(usize::MAX);
        let alerts = run.alerts.last.iter().rev().take(new(self.alerts, before.alerts));
        let alerts: Vec<Value> = alerts.rev().map(|(_, alert)| report::alert_json(alert)).collect();
        tell("alerts", !alerts.is_empty(), alerts.into());
        let lines = run.console.lines().rev().take(new(self.console, before.console).min(CONSOLE_LINES_MAX));
        let lines: Vec<&str> = lines.collect::<Vec<_>>().into_iter().rev().collect();
        tell("console", !lines.is_empty(), lines.into());
        tell("console_lines", self.console != before.console, self.console.into());
        tell("keys", !keys.is_empty(), keys.iter().map(|key| (key.to_string(), key_json(run, key))).collect::<Map<_, _>>().into());
        if change.is_empty() {
            return None;
        }
        change.insert("event".into(), "change".into());
        Some(change.into())
    }
}

/// A key that changed; `null`: it is gone.
fn key_json(run: &RunPicture, key: &MetricKey) -> Value {
    let Some((series, last)) = run.series.get(key).and_then(|series| Some((series, series.latest()?))) else { return Value::Null };
    json!({
        "count": series.logged(), "nan": series.nan_count(), "superseded": series.replaced(),
        "step": last.step.0, "time": last.time.map(|time| time.secs()), "value": num::to_json(last.value),
    })
}
