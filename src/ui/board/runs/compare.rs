//! Runs beside each other: what changed, and did it help.

use super::{Runs, put, table::name_of};
use crate::query::{
    Goal, RunRow,
    runs::{Comparison, MetricCell, Verdict, compare},
};
use crate::text;
use crate::ui::{board::page::Shared, pane::Scene, theme::Theme};
use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use serde_json::{Value, json};
use std::{ops::Range, path::PathBuf};

/// Significant digits of a value.
const DIGITS: usize = 4;
/// Widest column of names.
const NAME_CELLS_MAX: u16 = 30;
/// A run gets at least so much; the runs that have no room are counted.
const RUN_CELLS_MIN: u16 = 14;
/// And no more than so much.
const RUN_CELLS_MAX: u16 = 34;

/// A line of the view.
pub enum Line {
    /// The head of what follows.
    Heading(String),
    /// Something that differs, and whether each one is good.
    Entry(String, Vec<(String, Option<Verdict>)>),
}

fn rows<'a>(paths: &[PathBuf], scene: Scene<'a>) -> Vec<&'a RunRow> {
    paths.iter().filter_map(|path| scene.runs.iter().find(|row| row.path == *path)).collect()
}

/// All lines.
pub fn lines(paths: &[PathBuf], scene: Scene<'_>, now: f64) -> Vec<Line> {
    let rows = rows(paths, scene);
    let told = compare(&rows, now);
    let mut lines = vec![];
    let differs = if rows.len() == 1 { "" } else { ": what differs" };
    let entry = |name: &str, values: &[Option<String>]| {
        let words = values.iter().map(|value| (value.clone().unwrap_or_else(|| "-".into()).replace('\n', " "), None)).collect();
        Line::Entry(name.to_owned(), words)
    };
    if !told.about.is_empty() {
        lines.push(Line::Heading(format!("run{differs}")));
        lines.extend(told.about.iter().map(|difference| entry(&difference.name, &difference.values)));
    }
    let same = match told.same {
        0 => String::new(),
        same => format!(" ({same} the same)"),
    };
    lines.push(Line::Heading(match (told.config.is_empty(), rows.len()) {
        (true, 1) => "config: none is known".into(),
        (true, _) => format!("config: nothing differs{same}"),
        (false, _) => format!("config{differs}{same}"),
    }));
    lines.extend(told.config.iter().map(|difference| entry(&difference.name, &difference.values)));
    lines.extend(metrics(&told));
    lines
}

fn metrics(told: &Comparison) -> Vec<Line> {
    let mut lines = vec![];
    if told.metrics.is_empty() {
        return lines;
    }
    lines.push(Line::Heading("metrics: did it help".into()));
    for line in &told.metrics {
        let goal = match line.goal {
            Some(Goal::Min) => " (low is good)",
            Some(Goal::Max) => " (high is good)",
            None => "",
        };
        let has_best = line.cells.iter().any(|cell| cell.best.is_some());
        let words = |value: Option<f64>| value.map_or_else(|| "-".into(), |value| text::number(value, DIGITS));
        let judged = |cell: &MetricCell, value: Option<f64>| (with_delta(words(value), cell), cell.verdict);
        let last = line.cells.iter().map(|cell| if has_best { (words(cell.last), None) } else { judged(cell, cell.last) });
        if has_best {
            lines.push(Line::Entry(format!("best {}{goal}", line.key), line.cells.iter().map(|cell| judged(cell, cell.best)).collect()));
            lines.push(Line::Entry(format!("last {}", line.key), last.collect()));
        } else {
            lines.push(Line::Entry(format!("last {}{goal}", line.key), last.collect()));
        }
    }
    lines
}

fn with_delta(value: String, cell: &MetricCell) -> String {
    let Some(delta) = cell.delta else { return value };
    let sign = if delta >= 0.0 { "+" } else { "" };
    let verdict = cell.verdict.map(|verdict| format!(" {}", verdict.as_str())).unwrap_or_default();
    format!("{value} {sign}{}{verdict}", text::number(delta, 3))
}

/// The lines from `top` on, below the names of the runs.
pub fn draw(paths: &[PathBuf], runs: &Runs, shared: &Shared, scene: Scene<'_>, area: Rect, top: usize, buf: &mut Buffer) {
    let theme = &shared.theme;
    let rows = rows(paths, scene);
    let lines = lines(paths, scene, runs.now(shared).secs);
    let widest = lines.iter().filter_map(|line| if let Line::Entry(name, _) = line { Some(text::width(name)) } else { None }).max();
    let names = (widest.unwrap_or(0) as u16 + 1).min(NAME_CELLS_MAX).min(area.width / 2);
    let room = area.width.saturating_sub(names);
    let shown = rows.len().min(usize::from((room / RUN_CELLS_MIN).max(1)));
    let cells = (room / shown.max(1) as u16).min(if rows.len() == 1 { room } else { RUN_CELLS_MAX });
    let place = |n: usize, y: u16| Rect { x: area.x + names + n as u16 * cells, y, width: cells.saturating_sub(1), height: 1 };
    let wanted = if rows.len() > 1 { runs.picked.len().max(rows.len()) } else { rows.len() };
    let hidden = wanted - shown;
    if hidden > 0 {
        put(buf, Rect { width: names, ..area }, area.x, area.y, &format!("{hidden} more runs"), theme.warn(), theme);
    }
    for (n, row) in rows.iter().enumerate().take(shown) {
        let place = place(n, area.y);
        let x = match runs.picked(row) {
            Some(picked) => put(buf, place, place.x, place.y, theme.run_sign(picked.colour), theme.run(picked.colour), theme) + 1,
            None => place.x,
        };
        let left = usize::from(place.right().saturating_sub(x));
        put(buf, place, x, place.y, &text::cut_start(name_of(row), left), theme.title(), theme);
    }
    for (y, line) in (area.y + 1..area.bottom()).zip(&lines[top.min(lines.len())..]) {
        match line {
            Line::Heading(words) => drop(put(buf, area, area.x, y, words, theme.title(), theme)),
            Line::Entry(name, values) => {
                let left = usize::from(names.saturating_sub(1));
                put(buf, Rect { width: names, ..area }, area.x, y, &text::cut(name, left), theme.quiet(), theme);
                for (n, (value, verdict)) in values.iter().enumerate().take(shown) {
                    let place = place(n, y);
                    put(buf, place, place.x, y, value, style(*verdict, theme), theme);
                }
            }
        }
    }
}

fn style(verdict: Option<Verdict>, theme: &Theme) -> Style {
    match verdict {
        Some(Verdict::Better) => theme.good(),
        Some(Verdict::Worse) => theme.bad(),
        Some(Verdict::Same) | None => Style::new(),
    }
}

/// The lines in sight, for an agent.
pub fn tell(paths: &[PathBuf], scene: Scene<'_>, now: f64, in_sight: Range<usize>) -> Vec<Value> {
    let runs: Vec<&str> = rows(paths, scene).into_iter().map(name_of).collect();
    let told = |line: &Line| match line {
        Line::Heading(words) => json!({"heading": words}),
        Line::Entry(name, values) => json!({"entry": name, "values": values.iter().map(|(value, _)| value).collect::<Vec<_>>()}),
    };
    let lines = lines(paths, scene, now);
    let in_sight = lines.iter().skip(in_sight.start).take(in_sight.len());
    [json!({"runs": runs})].into_iter().chain(in_sight.map(told)).collect()
}
