//! What the run is: how it stands, what it was started with, what it came to.

#[cfg(test)]
mod tests;

use super::{
    page::{Found, Page, Refused, Shared},
    scroll::Scroll,
    sieve::Sieve,
};
use crate::ipc::wire::{GraphView, MetricView};
use crate::store::{Parent, tags_text};
use crate::text;
use crate::ui::{
    keymap::{Action, Scope},
    pane::{Effect, Scene},
    strip::Part,
};
use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use serde_json::{Value, json};

/// Widest column of names.
const NAME_CELLS_MAX: usize = 28;
/// Longest value that is told: more than fits into a row of most screens.
const TOLD_CHARS_MAX: usize = 400;
/// Rows that a value has at most: what is longer is for `og inspect`.
const VALUE_ROWS_MAX: usize = 8;
/// With fewer cells a value is cut: rows of so few say less than the next fact.
const WRAP_CELLS_MIN: usize = 24;
/// Significant digits of a value.
const DIGITS: usize = 6;

/// State of the tab.
#[derive(Debug)]
pub struct Overview {
    filter: Sieve,
    scroll: Scroll,
}

impl Default for Overview {
    fn default() -> Overview {
        Overview { filter: Sieve::default(), scroll: Scroll::From(0) }
    }
}

/// A row: a heading, or a name and what it is.
#[derive(Clone, PartialEq, Debug)]
enum Row {
    Heading(&'static str),
    Fact(String, String),
    /// What had no room in the row above.
    More(String),
    /// A line of the notes; quiet where there are none.
    Notes(String, bool),
}

impl Row {
    fn tell(&self) -> Value {
        let words = |text: &str| text.chars().take(TOLD_CHARS_MAX).collect::<String>();
        match self {
            Row::Heading(word) => json!({"heading": word}),
            Row::Fact(name, value) => json!({"name": words(name), "value": words(value)}),
            Row::More(value) => json!({"more": words(value)}),
            Row::Notes(line, _) => json!({"note": words(line)}),
        }
    }
}

impl Overview {
    fn rows(&self, shared: &Shared, scene: Scene<'_>, width: u16) -> Vec<Row> {
        let fits = |(name, value): &(String, String)| self.filter.fits(name) || self.filter.fits(value);
        let mut sections = sections(shared, scene);
        sections.iter_mut().for_each(|(_, facts)| facts.retain(fits));
        let names = sections.iter().flat_map(|(_, facts)| facts).map(|(name, _)| name.as_str());
        let room = usize::from(width).saturating_sub(names_column(names, width) + 2);
        let mut rows = vec![];
        for (heading, facts) in sections {
            if !facts.is_empty() {
                rows.push(Row::Heading(heading));
                rows.extend(facts.into_iter().flat_map(|(name, value)| fact_rows(name, &value, room)));
            }
            // The notes stand behind what the run is, before the hyperparameters.
            if heading == "run" {
                rows.extend(self.notes(scene, width));
            }
        }
        rows
    }
}

impl Overview {
    fn notes(&self, scene: Scene<'_>, width: u16) -> Vec<Row> {
        let notes = scene.run.info.notes.trim_end();
        if !self.filter.fits(notes) {
            return vec![];
        }
        let lines = text::wrap(&text::clean(notes), usize::from(width.saturating_sub(1)));
        let empty = || vec![Row::Notes("none so far: i writes some".into(), true)];
        let lines = if notes.is_empty() { empty() } else { lines.into_iter().map(|line| Row::Notes(line, false)).collect() };
        [Row::Heading("notes")].into_iter().chain(lines).collect()
    }
}

type Facts = Vec<(String, String)>;

/// Cells of the names in front of the values.
fn names_column<'a>(names: impl Iterator<Item = &'a str>, width: u16) -> usize {
    names.map(text::width).max().unwrap_or(0).min(NAME_CELLS_MAX).min(usize::from(width) / 2)
}

/// A fact in as many rows as its value needs, and at most in [`VALUE_ROWS_MAX`].
fn fact_rows(name: String, value: &str, room: usize) -> Vec<Row> {
    let mut lines = if room < WRAP_CELLS_MIN { vec![value.to_owned()] } else { text::wrap(value, room) };
    if lines.len() > VALUE_ROWS_MAX {
        let rest = lines.split_off(VALUE_ROWS_MAX - 1).join(" ");
        lines.push(text::cut(&rest, room).into_owned());
    }
    let mut lines = lines.into_iter();
    let first = Row::Fact(name, lines.next().unwrap_or_default());
    std::iter::once(first).chain(lines.map(Row::More)).collect()
}

/// When the run ended, and how long that was after its start.
fn ended(at: f64, shared: &Shared) -> String {
    let after = shared.facts.started_at.map(|started| at - started).filter(|secs| *secs >= 0.0);
    let after = after.map(|secs| format!(", after {}", text::duration(secs))).unwrap_or_default();
    shared.day_and_clock(at) + &after
}

fn sections(shared: &Shared, scene: Scene<'_>) -> Vec<(&'static str, Facts)> {
    let (run, facts) = (scene.run, &shared.facts);
    let fact = |name: &str, value: String| (!value.is_empty()).then(|| (name.to_owned(), value));
    let info = &run.info;
    let about: Facts = [
        fact("name", facts.name.clone()),
        fact("id", info.id.clone()),
        fact("state", facts.state_text().trim_start_matches("state ").to_owned()),
        fact("step", facts.step_text().trim_start_matches("step ").to_owned()),
        fact("project", info.project.clone().unwrap_or_default()),
        fact("group", info.group.clone().unwrap_or_default()),
        fact("tags", tags_text(&info.tags)),
        fact("started", facts.started_at.map(|at| shared.day_and_clock(at)).unwrap_or_default()),
        fact("ended", facts.end().and_then(|exit| exit.at).map(|at| ended(at.secs(), shared)).unwrap_or_default()),
        fact("command", info.command.join(" ")),
        fact("in", info.cwd.display().to_string()),
        fact(
            "git",
            info.git.as_ref().map(|git| format!("{}{}", git.sha, if git.dirty { " with changes" } else { "" })).unwrap_or_default(),
        ),
        fact("goes on from", info.parent.as_ref().map(parent_text).unwrap_or_default()),
        fact("host", info.host.clone().unwrap_or_default()),
    ]
    .into_iter()
    .flatten()
    .collect();
    let summary = run.series.iter().filter_map(|(key, series)| {
        let last = series.last()?;
        Some((key.to_string(), format!("{}  at step {}", text::number(last.value, DIGITS), last.step.0)))
    });
    let entries = |map: &std::collections::BTreeMap<String, Value>| -> Facts {
        let mut out = vec![];
        map.iter().for_each(|(name, value)| flatten(name, value, &mut out));
        out
    };
    let logged = |(kind, count): (&str, u64)| (kind.to_owned(), count.to_string());
    vec![
        ("run", about),
        ("config", entries(&run.config)),
        ("last values", summary.collect()),
        ("summary", entries(&run.summary)),
        ("environment", entries(&run.remarks)),
        ("media", run.media.counts().map(logged).collect()),
    ]
}

/// `calm-otter at step 400 (ckpt/400)`.
fn parent_text(parent: &Parent) -> String {
    let step = parent.step.map(|step| format!(" at step {step}")).unwrap_or_default();
    let checkpoint = parent.checkpoint.as_ref().map(|path| format!(" ({path})")).unwrap_or_default();
    format!("{}{step}{checkpoint}", parent.run)
}

/// Nested entries under names with dots.
fn flatten(name: &str, value: &Value, out: &mut Facts) {
    match value {
        Value::Object(map) if !map.is_empty() => map.iter().for_each(|(key, value)| flatten(&format!("{name}.{key}"), value, out)),
        Value::String(text) => out.push((name.to_owned(), text.replace('\n', " "))),
        other => out.push((name.to_owned(), other.to_string())),
    }
}

impl Page for Overview {
    fn scope(&self) -> Scope {
        Scope::Run
    }

    fn act(&mut self, action: Action, shared: &Shared, scene: Scene<'_>, area: Rect) -> Option<Vec<Effect>> {
        let rows = self.rows(shared, scene, area.width).len();
        self.scroll.steer(action, rows, area, false)
    }

    fn back(&mut self, _shared: &Shared) -> bool {
        self.filter.clear()
    }

    fn refresh(&mut self, _shared: &Shared, _scene: Scene<'_>) {}

    fn query(&self) -> &str {
        self.filter.text()
    }

    fn is_regex(&self) -> bool {
        self.filter.is_regex()
    }

    fn set(&mut self, name: &str, text: &str, shared: &Shared, scene: Scene<'_>, area: Rect) -> Result<(), Refused> {
        let rows = self.rows(shared, scene, area.width).len();
        self.scroll.set(name, text, rows, usize::from(area.height))
    }

    fn set_query(&mut self, text: &str, regex: bool, _shared: &Shared, _scene: Scene<'_>) {
        self.filter = Sieve::new(text, regex);
        self.scroll = Scroll::From(0);
    }

    fn found(&self, shared: &Shared, scene: Scene<'_>) -> Found {
        let facts = self.rows(shared, scene, u16::MAX).iter().filter(|row| matches!(row, Row::Fact(..))).count();
        self.filter.found(facts, sections(shared, scene).iter().map(|(_, facts)| facts.len()).sum())
    }

    fn draw(&self, shared: &Shared, scene: Scene<'_>, area: Rect, buf: &mut Buffer) {
        let theme = &shared.theme;
        let rows = self.rows(shared, scene, area.width);
        let width = usize::from(area.width);
        let column =
            names_column(rows.iter().filter_map(|row| if let Row::Fact(name, _) = row { Some(name.as_str()) } else { None }), area.width);
        for (y, row) in self.scroll.in_sight(&rows, area) {
            match row {
                Row::Heading(word) => {
                    buf.set_stringn(area.x, y, word, width, theme.title());
                }
                Row::Notes(line, quiet) => {
                    let style = if *quiet { theme.quiet() } else { Style::new() };
                    buf.set_stringn(area.x + 1, y, theme.plain(line.as_str().into()), width.saturating_sub(1), style);
                }
                Row::More(value) => {
                    let x = area.x + (column as u16 + 2).min(area.width);
                    let room = usize::from(area.right() - x);
                    buf.set_stringn(x, y, theme.plain(text::cut(value, room)), room, Style::new());
                }
                Row::Fact(name, value) => {
                    let name = theme.plain(text::fit(&text::cut_start(name, column), column).into());
                    let x = buf.set_stringn(area.x + 1, y, name, width.saturating_sub(1), theme.quiet()).0 + 1;
                    let room = usize::from(area.right().saturating_sub(x));
                    if room > 0 {
                        buf.set_stringn(x, y, theme.plain(text::cut(value, room)), room, Style::new());
                    }
                }
            }
        }
    }

    fn footer(&self, shared: &Shared, scene: Scene<'_>, area: Rect) -> Vec<Part> {
        let place = self.scroll.place(self.rows(shared, scene, area.width).len(), area, shared);
        place.into_iter().chain([Part::new("i notes  t tags", shared.theme.faint(), 6)]).collect()
    }

    fn tell(&self, view: &mut GraphView, shared: &Shared, scene: Scene<'_>, area: Rect) -> Vec<MetricView> {
        let rows = self.rows(shared, scene, area.width);
        let top = self.scroll.top(rows.len(), usize::from(area.height));
        let visible: Vec<Value> = self.scroll.in_sight(&rows, area).map(|(_, row)| row.tell()).collect();
        view.detail = json!({
            "rows": rows.len(), "top": top, "visible": visible,
            "notes": scene.run.info.notes, "tags": scene.run.info.tags,
        });
        vec![]
    }
}
