//! A run as text for people: plain, so that it reads the same in a pipe, and 80 columns wide.

use super::report::tags;
use crate::{
    model::{Exit, Series, WallTime},
    store::{RunPicture, RunReader},
    text,
};
use serde_json::Value;
use std::fmt::Write;

/// Cells of a line.
const WIDTH: usize = 80;

/// Cells of a fact's name.
const LABEL: usize = 9;

/// Cells of a number.
const NUMBER: usize = 9;

/// Cells of a metric key: what the numbers leave.
const KEY: usize = WIDTH - 2 * 8 - 4 * (NUMBER + 1);

/// Cells of a config entry; a list of a thousand numbers says no more here than its start.
const ENTRY: usize = 60;

/// Alerts and losses listed; all are counted.
const LISTED: usize = 5;

/// All that is known of a run, the numbers that are worth a line.
pub fn table(reader: &RunReader, stats: Option<&Value>) -> String {
    let run = reader.picture();
    let mut out = String::new();
    let info = &run.info;
    let name = if info.id.is_empty() || info.id == info.name { info.name.clone() } else { format!("{} ({})", info.name, info.id) };
    let _ = writeln!(out, "{}  {}", text::one_line(&name), state(run));
    let mut fact = |label: &str, value: String| {
        if !value.is_empty() {
            wrapped(&mut out, label, &value);
        }
    };
    fact("kind", reader.kind().as_str().into());
    fact("path", reader.folder().path().display().to_string());
    fact(
        "project",
        [info.project.clone(), remark(run, "entity").map(|entity| format!("of {entity}"))]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" "),
    );
    fact("group", info.group.clone().unwrap_or_default());
    fact("tags", tags(run).join(", "));
    fact("notes", info.notes.clone());
    fact("command", info.command.join(" "));
    fact(
        "host",
        [info.host.clone(), remark(run, "python").map(|version| format!("Python {version}"))]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(", "),
    );
    fact("git", info.git.as_ref().map(|git| format!("{}{}", git.sha, if git.dirty { ", changed" } else { "" })).unwrap_or_default());
    fact("started", run.started_at().map(time).unwrap_or_default());
    fact("ended", run.exit.and_then(|exit| exit.at).map(time).unwrap_or_default());
    fact(
        "step",
        match (run.step(), run.total_steps) {
            (Some(step), Some(total)) => format!("{} of {total}", step.0),
            (Some(step), None) => step.0.to_string(),
            (None, _) => String::new(),
        },
    );
    fact("config", entries("", run.config.iter()).join(" "));
    // What stands beside a `_type` describes a picture or a histogram.
    let is_media = |name: &str| name.rsplit_once('.').is_some_and(|(path, _)| run.summary.contains_key(&format!("{path}._type")));
    let extra: Vec<_> = run.summary.iter().filter(|(name, _)| !run.series.contains_key(name.as_str()) && !is_media(name)).collect();
    fact("summary", entries("", extra.into_iter()).join(" "));
    fact("console", counted(run.console.count(), "line"));
    fact("system", run.system.names().collect::<Vec<_>>().join(" "));
    fact("media", run.media.counts().map(|(kind, count)| counted(count, kind)).collect::<Vec<_>>().join(", "));
    keys(&mut out, run);
    alerts_and_losses(&mut out, run);
    if let Some(stats) = stats.and_then(Value::as_object) {
        out.push('\n');
        for (name, value) in stats {
            let _ = writeln!(out, "{name:<16}{value}");
        }
    }
    out
}

/// `failed (exit 1)`, `running`, `state unknown`.
pub fn state(run: &RunPicture) -> String {
    let Some(state) = run.known_state() else { return "state unknown".into() };
    match run.exit {
        Some(Exit { signal: Some(signal), .. }) => format!("{state} (signal {signal})"),
        Some(Exit { code: Some(code), .. }) => format!("{state} (exit {code})"),
        _ => state.to_string(),
    }
}

fn keys(out: &mut String, run: &RunPicture) {
    if run.series.is_empty() {
        out.push_str("\nno metric\n");
        return;
    }
    let head = ["first", "last", "min", "max"].map(|name| text::fit_right(name, NUMBER)).join(" ");
    let _ = writeln!(out, "\n{}{:>8}{:>8} {head}", text::fit("key", KEY), "count", "step");
    for (key, series) in &run.series {
        let (min, max) = series.range().unzip();
        let ends = [series.first(), series.last()].map(|point| point.map(|point| point.value));
        let numbers = [ends[0], ends[1], min, max].map(|value| text::fit_right(&value.map_or("-".into(), number), NUMBER)).join(" ");
        let step = series.last().map_or(0, |point| point.step.0);
        let name = text::one_line(key.as_str());
        let _ = writeln!(out, "{}{:>8}{step:>8} {numbers}", text::fit(&text::cut_start(&name, KEY - 1), KEY), series.len());
    }
    let odd = |count: fn(&Series) -> usize| {
        let of = run.series.iter().filter(|(_, series)| count(series) > 0).map(|(key, series)| format!("{key} {}", count(series)));
        of.collect::<Vec<_>>().join(", ")
    };
    for (label, of) in [("NaN", odd(Series::nan_count)), ("infinite", odd(Series::inf_count)), ("replaced", odd(Series::replaced))] {
        if !of.is_empty() {
            wrapped(out, label, &of);
        }
    }
}

fn alerts_and_losses(out: &mut String, run: &RunPicture) {
    if run.alerts.count > 0 {
        let _ = writeln!(out, "\n{}", counted(run.alerts.count, "alert"));
        for (_, alert) in run.alerts.last.iter().rev().take(LISTED).rev() {
            let step = alert.step.map(|step| format!(" (step {})", step.0)).unwrap_or_default();
            let line = format!("{} {}{step} {}", alert.level, alert.title, alert.text);
            let _ = writeln!(out, "  {}", text::cut(&one_line(&line), WIDTH - 2));
        }
    }
    if run.losses.count > 0 {
        let _ = writeln!(out, "\n{} could not be read, {}", counted(run.losses.count, "stretch"), text::bytes(run.losses.bytes));
        for (_, loss) in run.losses.last.iter().rev().take(LISTED).rev() {
            let line = format!("at {}, {}: {}", loss.offset, text::bytes(loss.bytes), loss.reason);
            let _ = writeln!(out, "  {}", text::cut(&one_line(&line), WIDTH - 2));
        }
    }
    for problem in run.problems.values() {
        let _ = writeln!(out, "\n{}", one_line(problem));
    }
}

/// A fact under its label, broken at spaces so that it stays in its columns.
fn wrapped(out: &mut String, label: &str, value: &str) {
    let mut line = text::fit(label, LABEL);
    let mut is_empty = true;
    for word in value.split_whitespace() {
        if !is_empty && text::width(&line) + 1 + text::width(word) > WIDTH {
            let _ = writeln!(out, "{}", line.trim_end());
            (line, is_empty) = (" ".repeat(LABEL), true);
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(&text::one_line(word));
        is_empty = false;
    }
    let _ = writeln!(out, "{}", line.trim_end());
}

/// Config entries, nested names joined with `.`.
fn entries<'a>(path: &str, fields: impl Iterator<Item = (&'a String, &'a Value)>) -> Vec<String> {
    let mut out = vec![];
    for (name, value) in fields {
        let name = format!("{path}{name}");
        match value {
            Value::Object(inner) if !inner.is_empty() => out.extend(entries(&format!("{name}."), inner.iter())),
            Value::String(text) if !text.contains(' ') => out.push(text::cut(&format!("{name}={text}"), ENTRY).into_owned()),
            value => out.push(text::cut(&format!("{name}={value}"), ENTRY).into_owned()),
        }
    }
    out
}

/// A number in few cells.
fn number(value: f64) -> String {
    (1..=4).rev().map(|digits| text::number(value, digits)).find(|text| text::width(text) <= NUMBER).unwrap_or_else(|| text::si(value, 3))
}

fn counted(count: u64, noun: &str) -> String {
    match count {
        0 => String::new(),
        1 => format!("1 {noun}"),
        _ if noun.ends_with('h') => format!("{count} {noun}es"),
        _ if noun.ends_with('y') => format!("{count} {}ies", &noun[..noun.len() - 1]),
        _ => format!("{count} {noun}s"),
    }
}

fn time(time: WallTime) -> String {
    let time = jiff::Timestamp::from_millisecond((time.secs() * 1e3) as i64).unwrap_or_default();
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn remark(run: &RunPicture, name: &str) -> Option<String> {
    run.remarks.get(name)?.as_str().map(str::to_owned)
}

/// What a program wrote, its words in one line.
fn one_line(text: &str) -> String {
    text::one_line(&text.split_whitespace().collect::<Vec<_>>().join(" ")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_facts_are_broken_at_spaces_and_numbers_keep_their_cells() {
        let mut out = String::new();
        wrapped(&mut out, "config", &"lr=0.001 ".repeat(20));
        assert!(out.lines().all(|line| line.len() <= WIDTH) && out.lines().count() == 3, "{out}");
        assert!(out.lines().skip(1).all(|line| line.starts_with("         lr")));
        for (value, want) in
            [(2.487_205_985, "2.487"), (-1.234_567e-10, "-1.235e-10"), (9_007_199_254_740_992.0, "9.007e15"), (f64::NAN, "NaN")]
        {
            let got = number(value);
            assert!(got.len() <= NUMBER || got == want, "{got}");
        }
    }
}
