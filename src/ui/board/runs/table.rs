//! The runs, a line each, in groups where somebody wants that.

use super::{Runs, ago, put, spark};
use crate::model::MetricKey;
use crate::query::{
    Goal, RunRow, known_goal,
    runs::{self, Field, Group, Sort, Stats},
};
use crate::text;
use crate::ui::{
    board::page::Shared,
    pane::Scene,
    theme::{MarkKind, Theme},
};
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Modifier, Style},
};
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    path::PathBuf,
};

/// Significant digits of a value.
const DIGITS: usize = 4;
/// Cells before the name: the focus, the selection, the pin, the state, a space.
const MARKS: u16 = 5;
/// The name gets at least so much, and no more than so much.
const NAME_CELLS: (u16, u16) = (8, 28);
/// The sign that a run has notes, and the space before it.
const NOTE_CELLS: usize = 2;
/// Width of a hyperparameter, at most.
const CONFIG_CELLS_MAX: usize = 14;
/// Hyperparameters that may become columns.
const CONFIG_COLUMNS_MAX: usize = 12;
/// More groups than this are no overview; who wants them writes `by:`.
const GROUPS_MAX: usize = 50;
/// Rows that say which metrics there are and how wide a column is: more differ little from these.
const SAMPLED: usize = 200;

/// The lines of the table, made anew when the runs or the wishes change.
#[derive(Debug, Default)]
pub struct Table {
    /// What is drawn.
    pub lines: Vec<Line>,
    /// The runs in it, in order.
    pub rows: Vec<usize>,
    /// The groups they are in.
    pub groups: Vec<Group>,
    /// The metrics of the runs, the main one first.
    pub keys: Vec<MetricKey>,
    /// The one that is shown.
    pub metric: Option<MetricKey>,
    /// The text that chose the rows, and of how many.
    pub text: String,
    pub count: usize,
    columns: Vec<Column>,
    /// The widest name.
    name_cells: u16,
}

/// A line of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Line {
    /// The head of a group.
    Group(usize),
    /// A run.
    Run(usize),
}

/// What is wished of the table.
pub struct Ask<'a> {
    pub by: Option<&'a Field>,
    pub sort: Option<&'a Sort>,
    pub metric: Option<&'a MetricKey>,
    pub now: f64,
    /// The runs, their choice and the metric are those of this table: its columns stay.
    pub before: Option<Table>,
}

#[derive(Clone, Debug)]
struct Column {
    title: String,
    what: What,
    width: u16,
    /// Columns with a higher rank stay when there is little room.
    rank: u8,
}

#[derive(Clone, PartialEq, Debug)]
enum What {
    Field(Field),
    Course(MetricKey),
}

impl Table {
    /// The lines for these rows.
    pub fn new(all: &[RunRow], mut rows: Vec<usize>, mut ask: Ask<'_>, is_pinned: impl Fn(usize) -> bool) -> Table {
        runs::sort(all, &mut rows, ask.sort, ask.now);
        let mut pinned: Vec<bool> = vec![false; all.len()];
        rows.iter().for_each(|row| pinned[*row] = is_pinned(*row));
        rows.sort_by_key(|row| !pinned[*row]);
        let groups = ask.by.map_or_else(Vec::new, |by| runs::groups(all, &rows, by, ask.now));
        if !groups.is_empty() {
            rows = groups.iter().flat_map(|group| group.rows.iter().copied()).collect();
        }
        let in_group = |(n, group): (usize, &Group)| {
            [Line::Group(n)].into_iter().chain(group.rows.clone().into_iter().map(Line::Run)).collect::<Vec<_>>()
        };
        let lines = match groups.is_empty() {
            true => rows.iter().map(|row| Line::Run(*row)).collect(),
            false => groups.iter().enumerate().flat_map(in_group).collect(),
        };
        let name_cells = rows.iter().take(SAMPLED).map(|row| name_cells(&all[*row])).max().unwrap_or(0) as u16;
        let (keys, metric, columns) = match ask.before.take() {
            Some(before) => (before.keys, before.metric, before.columns),
            None => {
                let keys = runs::main_keys(rows.iter().take(SAMPLED).map(|row| &all[*row]));
                let metric = ask.metric.filter(|metric| keys.contains(metric)).or(keys.first()).cloned();
                let columns = columns(all, &rows, metric.as_ref(), &keys, &ask);
                (keys, metric, columns)
            }
        };
        Table { lines, rows, groups, keys, metric, columns, name_cells, count: all.len(), text: String::new() }
    }

    /// What the columns show, as far as one can sort by it.
    pub fn fields(&self) -> Vec<Field> {
        let field = |column: &Column| match &column.what {
            What::Field(field) => Some(field.clone()),
            What::Course(_) => None,
        };
        std::iter::once(Field::Name).chain(self.columns.iter().filter_map(field)).collect()
    }

    /// The group of each run.
    pub fn groups<'a>(&self, all: &'a [RunRow]) -> HashMap<&'a PathBuf, &str> {
        self.groups.iter().flat_map(|group| group.rows.iter().map(|row| (&all[*row].path, group.label.as_str()))).collect()
    }
}

/// Whether a column is first sorted with its greatest value on top.
pub fn best_down(field: &Field) -> bool {
    match field {
        Field::Last(key) | Field::Best(key) => known_goal(key) == Some(Goal::Max),
        Field::Step | Field::Duration | Field::Started => true,
        _ => false,
    }
}

/// The fields by which the rows can be grouped into fewer groups than there are rows.
pub fn groupings(all: &[RunRow], rows: &[usize]) -> Vec<Field> {
    let rows: Vec<&RunRow> = rows.iter().map(|row| &all[*row]).collect();
    let tags: BTreeSet<&String> = rows.iter().flat_map(|row| row.tags.keys()).take(1000).collect();
    let tags = tags.into_iter().take(CONFIG_COLUMNS_MAX).map(|tag| Field::Tag(tag.clone()));
    let config = runs::differing(rows.iter().copied()).into_iter().map(Field::Config).take(CONFIG_COLUMNS_MAX);
    let parts = |field: &Field| {
        let mut values: HashSet<Option<String>> = HashSet::new();
        for row in &rows {
            values.insert(field.of(row, 0.0).map(|cell| cell.text().into_owned()));
            if values.len() > GROUPS_MAX {
                return false;
            }
        }
        values.len() > 1 && values.len() < rows.len()
    };
    [Field::Project, Field::Group, Field::State].into_iter().chain(tags).chain(config).filter(parts).collect()
}

/// Cells of a name, and of the sign for notes behind it.
fn name_cells(row: &RunRow) -> usize {
    text::width(name_of(row)) + if row.notes.is_empty() { 0 } else { NOTE_CELLS }
}

/// What is worth a column, in the order of the screen.
fn columns(all: &[RunRow], rows: &[usize], metric: Option<&MetricKey>, keys: &[MetricKey], ask: &Ask<'_>) -> Vec<Column> {
    let shown = || rows.iter().map(|row| &all[*row]);
    let mut columns: Vec<Column> = vec![];
    let column = |field: Field, title: String, rank: u8, max: usize| {
        let widest = || shown().take(SAMPLED).map(|row| text::width(&cell(&field, row, ask.now))).max().unwrap_or(0);
        let is_there = shown().any(|row| field.of(row, ask.now).is_some());
        is_there.then(|| Column {
            width: widest().max(text::width(&title) + 1).min(max) as u16,
            title,
            what: What::Field(field.clone()),
            rank,
        })
    };
    let projects: BTreeSet<Option<&str>> = shown().map(|row| row.project.as_deref()).collect();
    if projects.len() > 1 {
        columns.extend(column(Field::Project, "project".into(), 4, 14));
    }
    columns.extend(column(Field::Step, "step".into(), 8, 12));
    if let Some(metric) = metric {
        columns.extend(column(Field::Last(metric.to_string()), metric.to_string(), 9, 14));
        columns.extend(column(Field::Best(metric.to_string()), "best".into(), 7, 10));
    }
    let of_course = metric.filter(|metric| shown().any(|row| !row.course(metric).is_empty()));
    columns.extend(of_course.map(|metric| Column { title: "course".into(), what: What::Course(metric.clone()), width: 16, rank: 5 }));
    columns.extend(column(Field::Duration, "ran".into(), 6, 8));
    columns.extend(column(Field::Started, "started".into(), 4, 9));
    for (n, name) in runs::differing(shown()).into_iter().take(CONFIG_COLUMNS_MAX).enumerate() {
        let title = name.rsplit('.').next().unwrap_or(&name).to_owned();
        // One that differs has room on every screen: it is why somebody looks at several runs.
        columns.extend(column(Field::Config(name), title, if n == 0 { 6 } else { 3 }, CONFIG_CELLS_MAX));
    }
    columns.extend(column(Field::Tags, "tags".into(), 2, 20));
    columns.extend(column(Field::State, "state".into(), 1, 9));
    // What it was set to tells as much as what was logged of it, and two columns of one name tell nobody which is which.
    let is_set: BTreeSet<String> = columns.iter().map(|column| column.title.clone()).collect();
    for key in keys.iter().filter(|key| Some(*key) != metric && !is_set.contains(key.as_str())).take(3) {
        columns.extend(column(Field::Last(key.to_string()), key.to_string(), 1, 14));
    }
    columns
}

/// What a run has in a column.
fn cell(field: &Field, row: &RunRow, now: f64) -> String {
    let Some(cell) = field.of(row, now) else { return String::new() };
    match (field, cell.number()) {
        (Field::Duration, Some(secs)) => text::duration(secs),
        (Field::Started, Some(at)) => ago(now - at),
        (Field::Step, Some(step)) => match row.total_steps.filter(|total| *total > 0) {
            Some(total) => format!("{} {}", text::si(step, 3), text::percent((step / total as f64).clamp(0.0, 1.0))),
            None => text::si(step, 3),
        },
        (_, Some(value)) => text::number(value, DIGITS),
        (_, None) => cell.text().replace('\n', " "),
    }
}

fn is_number(field: &Field) -> bool {
    matches!(field, Field::Step | Field::Duration | Field::Started | Field::Last(_) | Field::Best(_))
}

impl Runs {
    /// The columns that have room, and the width of the name.
    fn fitting(&self, width: u16) -> (u16, Vec<&Column>) {
        let mut by_rank: Vec<usize> = (0..self.table.columns.len()).collect();
        by_rank.sort_by_key(|at| std::cmp::Reverse(self.table.columns[*at].rank));
        let most = self.table.name_cells.min(NAME_CELLS.1).min(width / 3);
        let mut left = width.saturating_sub(MARKS + 1 + most.max(NAME_CELLS.0));
        let mut chosen = vec![];
        for at in by_rank {
            let wide = self.table.columns[at].width + 2;
            if wide > left {
                continue;
            }
            left -= wide;
            chosen.push(at);
        }
        chosen.sort_unstable();
        let columns: Vec<&Column> = chosen.into_iter().map(|at| &self.table.columns[at]).collect();
        let taken: u16 = columns.iter().map(|column| column.width + 2).sum();
        (width.saturating_sub(MARKS + taken).min(NAME_CELLS.1 * 2), columns)
    }

    /// The table from line `top` on.
    pub(super) fn draw_table(&self, shared: &Shared, scene: Scene<'_>, area: Rect, top: usize, buf: &mut Buffer) {
        let theme = &shared.theme;
        let (name_cells, columns) = self.fitting(area.width);
        self.draw_titles(theme, area, name_cells, &columns, buf);
        let now = self.now(shared).secs;
        for (n, (y, line)) in (area.y + 1..area.bottom()).zip(&self.table.lines[top.min(self.table.lines.len())..]).enumerate() {
            let focused = top + n == self.cursor.min(self.table.lines.len().saturating_sub(1));
            match line {
                Line::Group(group) => {
                    self.draw_group(&self.table.groups[*group], focused, theme, scene, Rect { y, height: 1, ..area }, buf)
                }
                Line::Run(row) => {
                    let row = &scene.runs[*row];
                    let mut x = self.draw_marks(row, focused, shared, scene, Rect { y, height: 1, ..area }, buf);
                    let style = if focused { theme.accent() } else { Style::new() };
                    let room = Rect { width: x + name_cells - area.x, ..area };
                    let (sign, signed) = if row.notes.is_empty() { ("", Style::new()) } else { theme.mark(MarkKind::Note) };
                    let cells = usize::from(name_cells).saturating_sub(if sign.is_empty() { 0 } else { NOTE_CELLS });
                    let name = text::cut_start(name_of(row), cells).into_owned();
                    let end = put(buf, room, x, y, &name, style, theme);
                    put(buf, room, end + 1, y, sign, signed, theme);
                    x += name_cells;
                    for column in &columns {
                        self.draw_cell(column, row, now, theme, Rect { x: x + 2, y, width: column.width, height: 1 }, buf);
                        x += column.width + 2;
                    }
                    if focused {
                        buf.set_style(Rect { y, height: 1, ..area }, Style::new().add_modifier(Modifier::BOLD));
                    }
                }
            }
        }
    }

    /// What the column at so many cells from the left is of.
    pub(super) fn field_at(&self, x: u16, width: u16) -> Option<Field> {
        let (name_cells, columns) = self.fitting(width);
        let mut left = MARKS + name_cells;
        if x < left {
            return Some(Field::Name);
        }
        let column = columns.into_iter().find(|column| {
            left += 2 + column.width;
            x < left
        })?;
        if let What::Field(field) = &column.what { Some(field.clone()) } else { None }
    }

    fn draw_titles(&self, theme: &Theme, area: Rect, name_cells: u16, columns: &[&Column], buf: &mut Buffer) {
        let sign = |field: &Field| match self.sort() {
            Some(sort) if sort.field == *field => theme.sorted(sort.down),
            _ => "",
        };
        let title = format!("run{}", sign(&Field::Name));
        put(buf, area, area.x + MARKS, area.y, &title, theme.title(), theme);
        let mut x = area.x + MARKS + name_cells;
        for column in columns {
            let (sign, right) = match &column.what {
                What::Field(field) => (sign(field), is_number(field)),
                What::Course(_) => ("", false),
            };
            let room = usize::from(column.width);
            let title = format!("{}{sign}", text::cut_start(&column.title, room.saturating_sub(text::width(sign))));
            let title = if right { text::fit_right(&title, room) } else { title };
            put(buf, area, x + 2, area.y, &title, theme.title(), theme);
            x += column.width + 2;
        }
    }

    /// The sign that the curves of a run have: the run in front has one, and those that are selected.
    pub(super) fn sign(&self, row: &RunRow, scene: Scene<'_>, theme: &Theme) -> Option<(&'static str, Style)> {
        if is_own(row, scene) {
            return Some((theme.own_sign(), theme.curve()));
        }
        self.picked(row).map(|picked| (theme.run_sign(picked.colour), theme.run(picked.colour)))
    }

    /// The signs before the name; returns where it starts.
    pub(super) fn draw_marks(&self, row: &RunRow, focused: bool, shared: &Shared, scene: Scene<'_>, place: Rect, buf: &mut Buffer) -> u16 {
        let (theme, area, y) = (&shared.theme, place, place.y);
        let x = area.x;
        if focused {
            put(buf, area, x, y, theme.cursor(), theme.accent(), theme);
        }
        if let Some((sign, style)) = self.sign(row, scene, theme) {
            put(buf, area, x + 1, y, sign, style, theme);
        }
        let is_pinned = self.picked(row).is_some_and(|picked| picked.pinned);
        put(buf, area, x + 2, y, if is_pinned { "*" } else { "" }, theme.value(), theme);
        put(buf, area, x + 3, y, theme.state_sign(row.state), theme.state(row.state), theme);
        x + MARKS
    }

    fn draw_cell(&self, column: &Column, row: &RunRow, now: f64, theme: &Theme, place: Rect, buf: &mut Buffer) {
        let room = usize::from(place.width);
        match &column.what {
            What::Course(key) => {
                put(buf, place, place.x, place.y, &spark(row.course(key), room, theme), theme.curve(), theme);
            }
            What::Field(field) => {
                let words = text::cut(&cell(field, row, now), room).into_owned();
                let words = if is_number(field) { text::fit_right(&words, room) } else { words };
                let style = match field {
                    Field::Last(_) | Field::Best(_) => theme.value(),
                    Field::State => theme.state(row.state),
                    _ => theme.quiet(),
                };
                put(buf, place, place.x, place.y, &words, style, theme);
            }
        }
    }

    fn draw_group(&self, group: &Group, focused: bool, theme: &Theme, scene: Scene<'_>, place: Rect, buf: &mut Buffer) {
        if focused {
            put(buf, place, place.x, place.y, theme.cursor(), theme.accent(), theme);
        }
        let style = if focused { theme.accent() } else { theme.title() };
        let x = put(buf, place, place.x + 1, place.y, &group.label, style, theme);
        let x = put(
            buf,
            place,
            x,
            place.y,
            &format!("  {} run{}", group.rows.len(), if group.rows.len() == 1 { "" } else { "s" }),
            theme.quiet(),
            theme,
        );
        if let Some((key, stats)) = self.stats(group, scene) {
            let value = |value: f64| text::number(value, DIGITS);
            // Not every run has a number there.
            let of = if stats.count < group.rows.len() { format!(" of {}", stats.count) } else { String::new() };
            let words = format!("  {key}{of}: mean {} p50 {} p95 {}", value(stats.mean), value(stats.p50), value(stats.p95));
            put(buf, place, x, place.y, &words, theme.value(), theme);
        }
    }

    /// The last values of the main metric in a group.
    fn stats(&self, group: &Group, scene: Scene<'_>) -> Option<(&MetricKey, Stats)> {
        let key = self.table.metric.as_ref()?;
        let values = group.rows.iter().filter_map(|row| scene.runs[*row].last.get(key).copied());
        Some((key, Stats::of(values)?))
    }

    /// What [`Runs::draw_table`] draws, by the titles of the columns.
    pub(super) fn tell_table(&self, shared: &Shared, scene: Scene<'_>, area: Rect, top: usize) -> Vec<Value> {
        let (_, columns) = self.fitting(area.width);
        let now = self.now(shared).secs;
        let lines = self.table.lines[top.min(self.table.lines.len())..].iter().take(usize::from(area.height.saturating_sub(1)));
        let told = |line: &Line| match line {
            Line::Group(group) => {
                let group = &self.table.groups[*group];
                let stats = self
                    .stats(group, scene)
                    .map(|(_, stats)| json!({"count": stats.count, "mean": stats.mean, "p50": stats.p50, "p95": stats.p95}));
                json!({"group": group.label, "runs": group.rows.len(), "stats": stats})
            }
            Line::Run(row) => {
                let row = &scene.runs[*row];
                let mut told = Map::new();
                told.insert("name".into(), name_of(row).into());
                told.insert("id".into(), row.id.clone().into());
                told.insert("state".into(), row.state.map(|state| state.as_str()).into());
                told.insert("selected".into(), self.picked(row).is_some().into());
                told.insert("notes".into(), (!row.notes.is_empty()).into());
                for column in &columns {
                    if let What::Field(field) = &column.what {
                        told.insert(field.to_string(), cell(field, row, now).into());
                    }
                }
                Value::Object(told)
            }
        };
        lines.map(told).collect()
    }
}

/// Whether it is the run in front.
pub fn is_own(row: &RunRow, scene: Scene<'_>) -> bool {
    // No two runs of og's have one id. That of another may be the name of its file, and not the only one.
    match row.own {
        true => !row.id.is_empty() && row.id == scene.run.info.id,
        false => scene.own == Some(row.path.as_path()),
    }
}

/// What a person calls the run.
pub fn name_of(row: &RunRow) -> &str {
    if row.name.is_empty() { &row.id } else { &row.name }
}
