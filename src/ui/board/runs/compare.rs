//! Runs beside each other: what changed, and did it help.

use super::{
    Runs, put,
    table::{is_own, name_of},
};
use crate::query::{
    Goal, RunRow,
    runs::{Comparison, Difference, MetricCell, Verdict, compare},
};
use crate::text;
use crate::ui::{
    board::page::Shared,
    pane::{OVERLAID_MAX, Scene},
    theme::Theme,
};
use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use serde_json::{Value, json};
use std::{collections::HashMap, ops::Range, path::PathBuf};

/// Significant digits of a value.
const DIGITS: usize = 4;
/// Widest and narrowest column of names.
const NAME_CELLS: (u16, u16) = (30, 10);
/// A run gets at least so much.
const RUN_CELLS_MIN: u16 = 14;
/// And no more than so much.
const RUN_CELLS_MAX: u16 = 34;

/// The runs that are beside each other.
#[derive(Clone, PartialEq, Debug)]
pub struct Beside {
    /// What the others are compared with comes first, and stays in sight.
    pub paths: Vec<PathBuf>,
    /// So many of the others are left of what is in sight.
    pub aside: usize,
}

/// A line of the view.
enum Line {
    /// The head of what follows.
    Heading(String),
    /// Something that differs.
    Entry { name: String, goal: Option<Goal>, cells: Vec<Cell> },
}

/// What a run has there: in words, longest first, and what to think of it.
struct Cell {
    words: Vec<String>,
    verdict: Option<Verdict>,
}

/// What is in sight of a comparison on a screen of some width.
pub struct Sight<'a> {
    /// The runs in sight, by their place among all that are compared.
    places: Vec<usize>,
    rows: Vec<&'a RunRow>,
    /// How many are compared.
    count: usize,
    lines: Vec<Line>,
    /// Cells of the names, and of each run.
    names: u16,
    cells: u16,
}

/// How many runs have room beside each other, and the cells of the names and of each run.
fn room(width: u16, count: usize) -> (usize, u16, u16) {
    let least = RUN_CELLS_MIN * count.min(2) as u16;
    let names = NAME_CELLS.0.min(width / 2).min(width.saturating_sub(least).max(NAME_CELLS.1)).min(width);
    let left = width - names;
    let shown = usize::from(left / RUN_CELLS_MIN).clamp(1, count.max(1));
    (shown, names, (left / shown as u16).min(if count == 1 { left } else { RUN_CELLS_MAX }))
}

impl Beside {
    /// Moves along the others; false: there is nothing on that side.
    pub fn go(&mut self, right: bool, width: u16) -> bool {
        let last = self.aside_max(width);
        let before = self.aside.min(last);
        self.aside = if right { (before + 1).min(last) } else { before.saturating_sub(1) };
        self.aside != before
    }

    /// So many of the others can be left of what is in sight.
    pub fn aside_max(&self, width: u16) -> usize {
        let (shown, ..) = room(width, self.paths.len());
        self.paths.len().saturating_sub(shown)
    }

    /// What is in sight. Only these runs are compared: what differs in others only is of no interest now.
    pub fn sight<'a>(&self, scene: Scene<'a>, now: f64, width: u16) -> Sight<'a> {
        let all: Vec<&RunRow> = self.paths.iter().filter_map(|path| scene.runs.iter().find(|row| row.path == *path)).collect();
        let (shown, names, cells) = room(width, all.len());
        let aside = self.aside.min(all.len().saturating_sub(shown));
        let places: Vec<usize> = match shown {
            _ if all.is_empty() => vec![],
            1 => vec![aside],
            _ => std::iter::once(0).chain((1..shown).map(|n| aside + n)).collect(),
        };
        // Where one has room, it is still judged by the first.
        let hidden = usize::from(places.first().is_some_and(|first| *first > 0));
        let judged: Vec<&RunRow> =
            all.first().filter(|_| hidden > 0).into_iter().chain(places.iter().map(|at| &all[*at])).copied().collect();
        let lines = lines(&compare(&judged, now), hidden, judged.len());
        Sight { rows: judged[hidden..].to_vec(), places, count: all.len(), lines, names, cells }
    }
}

/// All lines, of the runs from the one at `hidden` on.
fn lines(told: &Comparison, hidden: usize, count: usize) -> Vec<Line> {
    let mut lines = vec![];
    let differs = if count == 1 { "" } else { ": what differs" };
    let entry = |difference: &Difference| {
        let word = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".into()).replace('\n', " ");
        let cells = difference.values[hidden..].iter().map(|value| Cell { words: vec![word(value)], verdict: None }).collect();
        Line::Entry { name: difference.name.clone(), goal: None, cells }
    };
    if !told.about.is_empty() {
        lines.push(Line::Heading(format!("run{differs}")));
        lines.extend(told.about.iter().map(entry));
    }
    let same = match told.same {
        0 => String::new(),
        same => format!(" ({same} the same)"),
    };
    lines.push(Line::Heading(match (told.config.is_empty(), count) {
        (true, 1) => "config: none is known".into(),
        (true, _) => format!("config: nothing differs{same}"),
        (false, _) => format!("config{differs}{same}"),
    }));
    lines.extend(told.config.iter().map(entry));
    if !told.metrics.is_empty() {
        lines.push(Line::Heading(if count == 1 { "metrics".into() } else { "metrics: did it help".into() }));
    }
    for line in &told.metrics {
        let cells = &line.cells[hidden..];
        let plain = |cell: &MetricCell| Cell { words: vec![value(cell.last)], verdict: None };
        let has_best = line.cells.iter().any(|cell| cell.best.is_some());
        if has_best {
            let judged = cells.iter().map(|cell| judged(cell.best, cell)).collect();
            lines.push(Line::Entry { name: format!("best {}", line.key), goal: line.goal, cells: judged });
        }
        let cells = cells.iter().map(|cell| if has_best { plain(cell) } else { judged(cell.last, cell) }).collect();
        lines.push(Line::Entry { name: format!("last {}", line.key), goal: line.goal.filter(|_| !has_best), cells });
    }
    lines
}

fn value(value: Option<f64>) -> String {
    value.map_or_else(|| "-".into(), |value| text::number(value, DIGITS))
}

/// A value, how far it lies from that of the first run, and whether that is good.
fn judged(of: Option<f64>, cell: &MetricCell) -> Cell {
    let bare = value(of);
    let verdict = cell.verdict.map(|verdict| format!(" {}", verdict.as_str())).unwrap_or_default();
    let delta = cell.delta.filter(|delta| delta.is_finite());
    let delta = delta.map(|delta| format!(" {}{}", if delta >= 0.0 { "+" } else { "" }, text::number(delta, 3))).unwrap_or_default();
    let mut words = vec![format!("{bare}{delta}{verdict}"), format!("{bare}{verdict}")];
    if cell.verdict.is_none() {
        words.push(bare);
    }
    Cell { words, verdict: cell.verdict }
}

impl Cell {
    /// What of it stands in so many cells.
    fn text(&self, cells: u16, theme: &Theme) -> String {
        let fits = |words: &&String| text::width(words) <= usize::from(cells);
        let whole = self.words.iter().find(fits).cloned();
        let cells = usize::from(cells);
        let short = || match (self.verdict, self.words.first()) {
            (Some(verdict), Some(words)) => text::cut(&format!("{} {words}", theme.verdict(verdict).0), cells).into_owned(),
            // What differs may do so at either end.
            (None, Some(words)) => text::cut_middle(words, cells).into_owned(),
            (_, None) => String::new(),
        };
        whole.unwrap_or_else(short)
    }
}

impl Sight<'_> {
    /// How many lines there are below the names of the runs.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Which runs are in sight, where not all are: `1, 3-4 of 7 runs`.
    pub fn range(&self) -> Option<String> {
        let [first, others @ ..] = self.places.as_slice() else { return None };
        let others = match others {
            [] => String::new(),
            [one] => format!(", {}", one + 1),
            [from, .., to] => format!(", {}-{}", from + 1, to + 1),
        };
        (self.places.len() < self.count).then(|| format!("{}{others} of {} runs", first + 1, self.count))
    }

    /// The lines from `top` on, below the names of the runs.
    pub fn draw(&self, runs: &Runs, shared: &Shared, scene: Scene<'_>, area: Rect, top: usize, buf: &mut Buffer) {
        let theme = &shared.theme;
        let place = |n: usize, y: u16| Rect {
            x: area.x + self.names + n as u16 * self.cells,
            y,
            width: self.cells.saturating_sub(1).max(1),
            height: 1,
        };
        for (n, row) in self.rows.iter().enumerate() {
            let place = place(n, area.y).intersection(area);
            let x = match runs.sign(row, scene, theme) {
                Some((sign, style)) => put(buf, place, place.x, place.y, sign, style, theme) + 1,
                None => place.x,
            };
            let left = usize::from(place.right().saturating_sub(x));
            put(buf, place, x, place.y, &text::cut_start(name_of(row), left), theme.title(), theme);
        }
        for (y, line) in (area.y + 1..area.bottom()).zip(&self.lines[top.min(self.lines.len())..]) {
            match line {
                Line::Heading(words) => drop(put(buf, area, area.x, y, words, theme.title(), theme)),
                Line::Entry { name, goal, cells } => {
                    let sign = goal.map(|goal| format!(" {}", theme.sorted(goal == Goal::Min))).unwrap_or_default();
                    let left = usize::from(self.names.saturating_sub(1)).saturating_sub(text::width(&sign));
                    let names = Rect { width: self.names, ..area };
                    let x = put(buf, names, area.x, y, &text::cut_start(name, left), theme.quiet(), theme);
                    put(buf, names, x, y, &sign, theme.quiet(), theme);
                    for (n, cell) in cells.iter().enumerate() {
                        let place = place(n, y).intersection(area);
                        put(buf, place, place.x, y, &cell.text(place.width, theme), style(cell.verdict, theme), theme);
                    }
                }
            }
        }
    }

    /// The lines in sight, for an agent.
    pub fn tell(&self, in_sight: Range<usize>, theme: &Theme) -> Vec<Value> {
        let runs: Vec<&str> = self.rows.iter().map(|row| name_of(row)).collect();
        let told = |line: &Line| match line {
            Line::Heading(words) => json!({"heading": words}),
            Line::Entry { name, goal, cells } => {
                let values: Vec<String> = cells.iter().map(|cell| cell.text(self.cells.saturating_sub(1).max(1), theme)).collect();
                let goal = goal.map(|goal| if goal == Goal::Min { "low is good" } else { "high is good" });
                json!({"entry": name, "goal": goal, "values": values})
            }
        };
        let in_sight = self.lines.iter().skip(in_sight.start).take(in_sight.len());
        [json!({"runs": runs, "compared": self.count})].into_iter().chain(in_sight.map(told)).collect()
    }
}

fn style(verdict: Option<Verdict>, theme: &Theme) -> Style {
    verdict.map_or_else(Style::new, |verdict| theme.verdict(verdict).1)
}

impl Runs {
    /// What is compared: the selected runs; with fewer than two, the one in focus and the one in front too. First what is pinned,
    /// then the run that is looked at: the one in focus, the one in front; then the oldest.
    pub(super) fn to_compare(&self, scene: Scene<'_>) -> Vec<PathBuf> {
        let picked: HashMap<&PathBuf, bool> = self.picked.iter().map(|picked| (&picked.path, picked.pinned)).collect();
        let mut rows: Vec<&RunRow> = scene.runs.iter().filter(|row| picked.contains_key(&row.path)).collect();
        let focus = self.run_at_cursor(scene);
        let own = scene.runs.iter().find(|row| is_own(row, scene));
        for looked_at in [focus, own].into_iter().flatten() {
            if rows.len() < 2 && rows.iter().all(|row| row.path != looked_at.path) {
                rows.push(looked_at);
            }
        }
        let is = |row: &RunRow, other: Option<&RunRow>| other.is_some_and(|other| other.path == row.path);
        let rank = |row: &RunRow| match () {
            () if picked.get(&row.path).is_some_and(|pinned| *pinned) => 0,
            () if is(row, focus) => 1,
            () if is(row, own) => 2,
            () => 3,
        };
        let time = |row: &RunRow| row.time().unwrap_or(f64::INFINITY);
        rows.sort_by(|a, b| rank(a).cmp(&rank(b)).then(time(a).total_cmp(&time(b))));
        rows.into_iter().take(OVERLAID_MAX).map(|row| row.path.clone()).collect()
    }
}
