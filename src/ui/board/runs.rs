//! All runs: which there are, how they stand, what differs between them, and which of them are drawn.

mod compare;
mod lineage;
mod picked;
mod recent;
mod set;
mod table;
#[cfg(test)]
pub(in crate::ui) mod tests;

use super::{
    page::{Found, NOTCH, Page, Refused, Shared},
    scroll::Scroll,
};
use crate::ipc::wire::{GraphView, MetricView};
use crate::model::MetricKey;
use crate::query::{
    RunRow,
    runs::{self, Field, Now, RunQuery, RunQueryError, Sort},
};
use crate::text;
use crate::ui::{
    keymap::{Action, Scope},
    pane::{Effect, Listing, OVERLAID_MAX, Scene},
    strip::Part,
    theme::Theme,
};
use compare::Beside;
use picked::Picked;
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
};
use serde_json::{Value, json};
use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
};
use table::{Line, Table};

/// State of the tab.
#[derive(Debug)]
pub struct Runs {
    text: String,
    query: RunQuery,
    wrong: Option<RunQueryError>,
    view: View,
    /// The line in focus, of the table or of what else is shown.
    cursor: usize,
    scroll: Scroll,
    /// Where the table was when something else was shown.
    left_at: (usize, Scroll),
    picked: Vec<Picked>,
    sort: Option<Sort>,
    by: Option<Field>,
    metric: Option<MetricKey>,
    listing: Listing,
    /// It was taken before somebody asked for what is not in it.
    is_old: bool,
    table: Table,
}

/// What is shown of the runs.
#[derive(Clone, PartialEq, Debug)]
enum View {
    /// A line for each.
    Table,
    /// The course of each.
    Recent,
    /// Which goes on from which.
    Lineage,
    /// These beside each other.
    Compare(Beside),
}

impl View {
    fn name(&self) -> &'static str {
        match self {
            View::Table => "table",
            View::Recent => "recent",
            View::Lineage => "lineage",
            View::Compare(_) => "compare",
        }
    }
}

impl Default for Runs {
    fn default() -> Runs {
        Runs {
            text: String::new(),
            query: RunQuery::default(),
            wrong: None,
            view: View::Table,
            cursor: 0,
            scroll: Scroll::From(0),
            left_at: (0, Scroll::From(0)),
            picked: vec![],
            sort: None,
            by: None,
            metric: None,
            listing: Listing::default(),
            is_old: false,
            table: Table::default(),
        }
    }
}

impl Runs {
    /// The list, or one of the runs, changed.
    pub fn hear(&mut self, listing: Listing, shared: &Shared, scene: Scene<'_>) {
        (self.listing, self.is_old) = (listing, false);
        let here: HashMap<&PathBuf, &RunRow> = scene.runs.iter().map(|row| (&row.path, row)).collect();
        if self.listing.left == 0 && !scene.runs.is_empty() {
            self.picked.retain(|picked| here.contains_key(&picked.path));
        }
        for picked in &mut self.picked {
            if let Some(row) = here.get(&picked.path) {
                picked.name.clone_from(&row.name);
            }
        }
        self.arrange(shared, scene);
    }

    /// What is known of the runs is old: the next look at them counts.
    pub fn look_anew(&mut self) {
        self.is_old = true;
    }

    /// Nobody has looked at all runs yet, or not again.
    pub fn is_looking(&self) -> bool {
        self.is_old || self.listing.at == 0.0 || self.listing.left > 0
    }

    fn now(&self, shared: &Shared) -> Now {
        Now { secs: self.listing.at, utc_offset: shared.utc_offset }
    }

    fn by(&self) -> Option<&Field> {
        self.query.by.as_ref().or(self.by.as_ref())
    }

    fn sort(&self) -> Option<&Sort> {
        self.query.sort.as_ref().or(self.sort.as_ref())
    }

    /// Puts the rows into the lines of the table again. The focus stays on its run.
    fn arrange(&mut self, shared: &Shared, scene: Scene<'_>) {
        self.rearrange(false, shared, scene);
    }

    /// The same; `same`: the runs, their choice and the metric have not changed.
    fn rearrange(&mut self, same: bool, shared: &Shared, scene: Scene<'_>) {
        let focused = self.run_at_cursor(scene).map(|row| row.path.clone());
        let before = same.then(|| std::mem::take(&mut self.table));
        let now = self.now(shared);
        let fitting: Vec<usize> = match &before {
            Some(before) => before.rows.clone(),
            None => (0..scene.runs.len()).filter(|row| self.query.fits(&scene.runs[*row], now)).collect(),
        };
        let pinned: HashSet<&PathBuf> = self.picked.iter().filter(|picked| picked.pinned).map(|picked| &picked.path).collect();
        let is_pinned = |row: usize| pinned.contains(&scene.runs[row].path);
        let ask = table::Ask { by: self.by(), sort: self.sort(), metric: self.metric.as_ref(), now: now.secs, before };
        let table = Table::new(scene.runs, fitting, ask, is_pinned);
        self.table = table;
        self.table.text.clone_from(&self.text);
        self.label(scene);
        if self.view == View::Table {
            let is_focused = |line: &Line| matches!(line, Line::Run(row) if Some(&scene.runs[*row].path) == focused.as_ref());
            self.cursor = self.table.lines.iter().position(is_focused).unwrap_or(self.cursor);
        }
    }

    /// The run in focus.
    fn run_at_cursor<'a>(&self, scene: Scene<'a>) -> Option<&'a RunRow> {
        self.run_at(self.cursor, scene)
    }

    /// The run on a line; of runs beside each other the first.
    fn run_at<'a>(&self, line: usize, scene: Scene<'a>) -> Option<&'a RunRow> {
        let row = match &self.view {
            View::Table => match self.table.lines.get(line)? {
                Line::Run(row) => *row,
                Line::Group(_) => return None,
            },
            View::Recent => *self.table.rows.get(line)?,
            View::Lineage => match runs::lineage(scene.runs).get(line)?.node {
                runs::Node::Run(row) | runs::Node::Checkpoint(row, _) => row,
                runs::Node::Unknown(_) => return None,
            },
            View::Compare(beside) => return scene.runs.iter().find(|row| Some(&row.path) == beside.paths.first()),
        };
        scene.runs.get(row)
    }

    /// Shows this, or the table again as it was.
    fn show(&mut self, view: View) {
        let in_recent = || self.table.rows.get(self.cursor).copied().map(Line::Run);
        match self.view {
            View::Table => self.left_at = (self.cursor, self.scroll),
            View::Recent => {
                let line = in_recent().and_then(|focus| self.table.lines.iter().position(|line| *line == focus));
                self.left_at.0 = line.unwrap_or(self.left_at.0);
            }
            View::Lineage | View::Compare(_) => {}
        }
        self.view = if self.view == view { View::Table } else { view };
        let row = match self.table.lines.get(self.left_at.0) {
            Some(Line::Run(row)) => self.table.rows.iter().position(|other| other == row),
            _ => None,
        };
        (self.cursor, self.scroll) = match self.view {
            View::Table => self.left_at,
            View::Recent => (row.unwrap_or(0), Scroll::From(0)),
            View::Lineage | View::Compare(_) => (0, Scroll::From(0)),
        };
    }

    /// Puts runs beside each other, from the first on.
    fn put_beside(&mut self, paths: Vec<PathBuf>) {
        self.show(View::Compare(Beside { paths, aside: 0 }));
    }

    /// The next of `all` behind what is `current`; behind the last one none.
    fn next<T: PartialEq + Clone>(all: &[T], current: Option<&T>) -> Option<T> {
        let at = current.and_then(|current| all.iter().position(|one| one == current)).map_or(0, |at| at + 1);
        all.get(at).cloned()
    }

    fn turn_metric(&mut self, forward: bool) {
        let keys = &self.table.keys;
        let at = self.table.metric.as_ref().and_then(|metric| keys.iter().position(|key| key == metric)).unwrap_or(0);
        let step = if forward { 1 } else { keys.len().saturating_sub(1) };
        self.metric = keys.get((at + step) % keys.len().max(1)).cloned();
    }

    /// Sorts by the column at so many cells from the left; by the same again, the other way round. False: none is there.
    fn sort_by(&mut self, x: u16, shared: &Shared, scene: Scene<'_>, area: Rect) -> bool {
        let Some(field) = self.field_at(x, area.width) else { return false };
        let down = match self.sort() {
            Some(sort) if sort.field == field => !sort.down,
            _ => table::best_down(&field),
        };
        self.sort = Some(Sort { field, down });
        self.rearrange(true, shared, scene);
        true
    }

    /// How many lines there are to go through.
    fn lines(&self, shared: &Shared, scene: Scene<'_>, area: Rect) -> usize {
        match &self.view {
            View::Table => self.table.lines.len(),
            View::Recent => self.table.rows.len(),
            View::Lineage => runs::lineage(scene.runs).len(),
            View::Compare(beside) => beside.sight(scene, self.now(shared).secs, area.width).len(),
        }
    }

    /// How many lines of that are in sight.
    fn height(&self, area: Rect) -> usize {
        let rows = usize::from(area.height);
        match &self.view {
            View::Table | View::Compare(_) => rows.saturating_sub(1).max(1),
            View::Recent => (rows / recent::ROWS).max(1),
            View::Lineage => rows.max(1),
        }
    }

    fn top(&self, lines: usize, height: usize) -> usize {
        match self.view {
            View::Compare(_) => self.scroll.top(lines, height),
            _ => self.scroll.onto(self.cursor.min(lines.saturating_sub(1)), lines, height).top(lines, height),
        }
    }

    /// Moves the focus, or scrolls what has none.
    fn go(&mut self, action: Action, lines: usize, height: usize) -> bool {
        if matches!(self.view, View::Compare(_)) {
            let Some(scroll) = self.scroll.act(action, lines, height, false) else { return false };
            self.scroll = scroll;
            return true;
        }
        let last = lines.saturating_sub(1);
        let cursor = self.cursor.min(last);
        self.cursor = match action {
            Action::Up => cursor.saturating_sub(1),
            Action::Down => (cursor + 1).min(last),
            Action::PageUp => cursor.saturating_sub(height),
            Action::PageDown => (cursor + height).min(last),
            Action::First => 0,
            Action::Last => last,
            _ => return false,
        };
        self.scroll = self.scroll.onto(self.cursor, lines, height);
        true
    }

    /// Brings a line to the top, as far as there are lines. The focus stays on its run as long as that is in sight.
    fn scroll_to(&mut self, top: usize, lines: usize, height: usize) {
        let top = top.min(lines.saturating_sub(height));
        self.scroll = Scroll::From(top);
        self.cursor = self.cursor.clamp(top, top + height - 1).min(lines.saturating_sub(1));
    }

    fn empty_text(&self, scene: Scene<'_>) -> String {
        match (&self.wrong, scene.runs.is_empty(), self.listing.left) {
            (_, true, 0) if self.listing.places.is_empty() => "looking for runs...".into(),
            (_, true, 0) => format!("no runs in {}", self.listing.places.join(", ")),
            (_, true, left) => format!("looking at {left} runs..."),
            (Some(error), false, _) => format!("column {}: {}", error.column, error.problem),
            _ if self.view == View::Lineage => "no run goes on from another one, and none has checkpoints".into(),
            _ => format!("no run fits `{}`", self.text),
        }
    }
}

impl Page for Runs {
    fn scope(&self) -> Scope {
        Scope::Runs
    }

    fn act(&mut self, action: Action, shared: &Shared, scene: Scene<'_>, area: Rect) -> Option<Vec<Effect>> {
        let draw = Some(vec![Effect::Draw]);
        if matches!(action, Action::Up | Action::Down | Action::PageUp | Action::PageDown | Action::First | Action::Last) {
            let (lines, height) = (self.lines(shared, scene, area), self.height(area));
            return if self.go(action, lines, height) { draw } else { None };
        }
        match action {
            Action::Left | Action::Right => {
                let View::Compare(beside) = &mut self.view else { return None };
                beside.go(action == Action::Right, area.width);
            }
            Action::Select => {
                self.switch(&self.in_focus(scene), scene);
                let (lines, height) = (self.lines(shared, scene, area), self.height(area));
                if !matches!(self.view, View::Compare(_)) {
                    self.go(Action::Down, lines, height);
                }
            }
            Action::SelectAll => {
                let picked = self.paths();
                let rows: Vec<&RunRow> = self.table.rows.iter().map(|row| &scene.runs[*row]).collect();
                rows.into_iter().filter(|row| !picked.contains(&row.path)).for_each(|row| self.pick(row, false));
            }
            Action::SelectNone => self.picked.clear(),
            Action::Pin => self.pin(scene),
            Action::Sort => {
                let fields = self.table.fields();
                let next = Runs::next(&fields, self.sort.as_ref().map(|sort| &sort.field));
                self.sort = next.map(|field| Sort { down: table::best_down(&field), field });
            }
            Action::SortBack => match &mut self.sort {
                Some(sort) => sort.down = !sort.down,
                None => self.sort = Some(Sort { field: Field::Started, down: false }),
            },
            Action::GroupBy => self.by = Runs::next(&table::groupings(scene.runs, &self.table.rows), self.by.as_ref()),
            Action::NextMetric => self.turn_metric(true),
            Action::PreviousMetric => self.turn_metric(false),
            Action::Compare => {
                match &self.view {
                    View::Compare(beside) if beside.paths.len() > 1 => self.show(View::Table),
                    // From one run that is looked at, on to what it can be compared with.
                    _ => self.put_beside(self.to_compare(scene)),
                }
            }
            Action::Look => {
                // A run, or all runs of a group beside each other.
                let focused = self.in_focus(scene).into_iter().take(OVERLAID_MAX);
                let paths: Vec<PathBuf> = focused.map(|row| scene.runs[row].path.clone()).collect();
                match self.view {
                    View::Compare(_) => self.show(View::Table),
                    _ if paths.is_empty() => return None,
                    _ => self.put_beside(paths),
                }
            }
            Action::Recent => self.show(View::Recent),
            Action::Lineage => self.show(View::Lineage),
            _ => return None,
        }
        match action {
            Action::Select | Action::SelectAll => self.label(scene),
            Action::Sort | Action::SortBack | Action::GroupBy | Action::Pin | Action::SelectNone => {
                self.rearrange(true, shared, scene);
            }
            Action::NextMetric | Action::PreviousMetric => self.arrange(shared, scene),
            _ => {}
        }
        draw
    }

    fn wheel(&mut self, down: bool, _at: Position, shared: &Shared, scene: Scene<'_>, area: Rect) -> bool {
        let (lines, height) = (self.lines(shared, scene, area), self.height(area));
        self.scroll_to(self.top(lines, height).saturating_add_signed(if down { NOTCH } else { -NOTCH }), lines, height);
        true
    }

    fn click(&mut self, at: Position, shared: &Shared, scene: Scene<'_>, area: Rect) -> bool {
        let (lines, height) = (self.lines(shared, scene, area), self.height(area));
        let down = usize::from(at.y - area.y);
        let nth = match self.view {
            View::Table if down == 0 => return self.sort_by(at.x - area.x, shared, scene, area),
            View::Table => down - 1,
            View::Recent => down / recent::ROWS,
            View::Lineage => down,
            View::Compare(_) => return false,
        };
        let line = self.top(lines, height) + nth;
        if nth < height && line < lines {
            (self.scroll, self.cursor) = (Scroll::From(self.top(lines, height)), line);
        }
        nth < height && line < lines
    }

    fn back(&mut self, _shared: &Shared) -> bool {
        if self.view != View::Table {
            self.show(View::Table);
            return true;
        }
        if self.text.is_empty() {
            return false;
        }
        self.text.clear();
        (self.query, self.wrong) = (RunQuery::default(), None);
        true
    }

    fn refresh(&mut self, shared: &Shared, scene: Scene<'_>) {
        // Records of the run in front change nothing here; what was closed may.
        if self.table.text != self.text || self.table.count != scene.runs.len() {
            self.arrange(shared, scene);
        }
    }

    fn query(&self) -> &str {
        &self.text
    }

    fn set(&mut self, name: &str, text: &str, shared: &Shared, scene: Scene<'_>, area: Rect) -> Result<(), Refused> {
        self.set_name(name, text, shared, scene, area)
    }

    fn set_query(&mut self, text: &str, regex: bool, shared: &Shared, scene: Scene<'_>) {
        text.clone_into(&mut self.text);
        let is_expression = regex && !text.trim().is_empty();
        let read = if is_expression { RunQuery::parse(&format!("/{}/", text.replace('/', r"\/"))) } else { RunQuery::parse(text) };
        match read {
            Ok(query) => (self.query, self.wrong) = (query, None),
            // The rows stay as they were until the text makes sense again.
            Err(error) => self.wrong = Some(error),
        }
        (self.cursor, self.scroll) = (0, Scroll::From(0));
        self.arrange(shared, scene);
    }

    fn found(&self, _shared: &Shared, scene: Scene<'_>) -> Found {
        match &self.wrong {
            Some(error) => Found::Wrong(format!("column {}: {}", error.column, error.problem)),
            None => Found::Some(self.table.rows.len(), scene.runs.len()),
        }
    }

    fn draw(&self, shared: &Shared, scene: Scene<'_>, area: Rect, buf: &mut Buffer) {
        let (lines, height) = (self.lines(shared, scene, area), self.height(area));
        let top = self.top(lines, height);
        if lines == 0 {
            put(buf, area, area.x, area.y, &self.empty_text(scene), shared.theme.quiet(), &shared.theme);
            return;
        }
        match &self.view {
            View::Table => self.draw_table(shared, scene, area, top, buf),
            View::Recent => self.draw_recent(shared, scene, area, top, buf),
            View::Lineage => self.draw_lineage(shared, scene, area, top, buf),
            View::Compare(beside) => beside.sight(scene, self.now(shared).secs, area.width).draw(self, shared, scene, area, top, buf),
        }
    }

    fn footer(&self, shared: &Shared, scene: Scene<'_>, area: Rect) -> Vec<Part> {
        let theme = &shared.theme;
        let (lines, height) = (self.lines(shared, scene, area), self.height(area));
        let top = self.top(lines, height);
        let mut parts = vec![];
        if lines > height {
            parts.push(Part::new(format!("{}-{} of {lines}", top + 1, (top + height).min(lines)), theme.value(), 9));
        }
        if let View::Compare(beside) = &self.view
            && let Some(range) = beside.sight(scene, self.now(shared).secs, area.width).range()
        {
            parts.push(Part::new(format!("{range}, left/right"), theme.warn(), 9));
        }
        if self.listing.left > 0 {
            parts.push(Part::new(format!("{} runs to look at", self.listing.left), theme.quiet(), 8));
        }
        match self.picked.len() {
            0 => {}
            _ if matches!(self.view, View::Compare(_)) => {}
            n if n > OVERLAID_MAX => parts.push(Part::new(format!("{n} selected, {OVERLAID_MAX} drawn"), theme.warn(), 9)),
            n => parts.push(Part::new(format!("{n} selected"), theme.accent(), 9)),
        }
        if let Some(error) = &self.wrong {
            parts.push(Part::new(format!("column {}: {}", error.column, error.problem), theme.bad(), 10));
        } else if !self.text.is_empty() {
            parts.push(Part::new(format!("/{}", self.text), theme.accent(), 7));
        }
        if let Some(sort) = self.sort() {
            parts.push(Part::new(format!("sorted by {} {}", sort.field, theme.sorted(sort.down)), theme.quiet(), 6));
        }
        if let Some(by) = self.by() {
            parts.push(Part::new(format!("by {by}"), theme.quiet(), 6));
        }
        if let Some(problem) = self.listing.problems.first() {
            let more = self.listing.problems.len() - 1;
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            parts.push(Part::new(format!("{problem}{more}"), theme.warn(), 5));
        }
        parts
    }

    fn hints(&self) -> Vec<(Action, &'static str)> {
        match &self.view {
            View::Table => {
                vec![(Action::Select, "select"), (Action::Compare, "compare"), (Action::Look, "look"), (Action::GroupBy, "group")]
            }
            View::Compare(beside) if beside.paths.len() > 1 => vec![(Action::Compare, "table")],
            View::Compare(_) => vec![(Action::Look, "table"), (Action::Compare, "compare")],
            View::Recent => vec![(Action::Recent, "table"), (Action::Select, "select"), (Action::Compare, "compare")],
            View::Lineage => vec![(Action::Lineage, "table"), (Action::Select, "select"), (Action::Compare, "compare")],
        }
    }

    fn tell(&self, view: &mut GraphView, shared: &Shared, scene: Scene<'_>, area: Rect) -> Vec<MetricView> {
        let (lines, height) = (self.lines(shared, scene, area), self.height(area));
        let top = self.top(lines, height);
        let visible: Vec<Value> = match &self.view {
            View::Table => self.tell_table(shared, scene, area, top),
            View::Recent => self.table.rows[top..].iter().take(height).map(|row| json!({"name": scene.runs[*row].name})).collect(),
            View::Lineage => lineage::tell(scene, top..top + height),
            View::Compare(beside) => beside.sight(scene, self.now(shared).secs, area.width).tell(top..top + height, &shared.theme),
        };
        let picked: Vec<Value> = self
            .picked
            .iter()
            .take(OVERLAID_MAX)
            .map(|picked| json!({"id": picked.id, "name": picked.name, "colour": picked.colour, "pinned": picked.pinned}))
            .collect();
        let id_of = |path: &PathBuf| scene.runs.iter().find(|row| row.path == *path).map(|row| row.id.clone());
        let ids = |pinned: bool| -> Vec<&str> {
            self.picked.iter().filter(|picked| picked.pinned || !pinned).map(|picked| picked.id.as_str()).collect()
        };
        let (beside, aside) = match &self.view {
            View::Compare(beside) => (Some(beside.paths.iter().filter_map(id_of).collect::<Vec<_>>()), Some(beside.aside)),
            _ => (None, None),
        };
        let line = (lines > 0 && beside.is_none()).then(|| self.cursor.min(lines - 1) + 1);
        view.detail = json!({
            "view": self.view.name(),
            "beside": beside,
            "aside": aside,
            "rows": lines,
            "line": line,
            "top": top,
            "runs": scene.runs.len(),
            "fitting": self.table.rows.len(),
            "left": self.listing.left,
            "looking": self.is_looking(),
            "focused": self.run_at_cursor(scene).map(|row| &row.id),
            "selected": ids(false),
            "pinned": ids(true),
            "baseline": self.baseline(scene).map(|picked| if is_known_by_name(picked, scene) { &picked.name } else { &picked.id }),
            "drawn": picked,
            "sort": self.sort().map(|sort| format!("{}{}", if sort.down { "-" } else { "" }, sort.field)),
            "groupBy": self.by().map(ToString::to_string),
            "metric": self.table.metric.as_ref().map(MetricKey::as_str),
            "wrong": self.wrong.as_ref().map(ToString::to_string),
            "visible": visible,
        });
        vec![]
    }
}

/// Whether no other run has its name.
fn is_known_by_name(picked: &Picked, scene: Scene<'_>) -> bool {
    !picked.name.is_empty() && scene.runs.iter().filter(|row| row.name == picked.name).count() < 2
}

/// Writes a text into the area, cut at its right border; returns where it ends.
fn put(buf: &mut Buffer, area: Rect, x: u16, y: u16, text: &str, style: Style, theme: &Theme) -> u16 {
    let room = usize::from(area.right().saturating_sub(x));
    if room == 0 || y >= area.bottom() {
        return x;
    }
    buf.set_stringn(x, y, theme.plain(text::cut(text, room)), room, style).0
}

/// How long ago something was: `2h`, `3d`.
fn ago(secs: f64) -> String {
    match secs.max(0.0) {
        s if s < 60.0 => "now".into(),
        s if s < 3600.0 => format!("{:.0}m ago", (s / 60.0).floor()),
        s if s < 86_400.0 => format!("{:.0}h ago", (s / 3600.0).floor()),
        s => format!("{:.0}d ago", (s / 86_400.0).floor()),
    }
}

/// A curve in one row, of at most `cells` cells.
fn spark(course: &[f64], cells: usize, theme: &Theme) -> String {
    let levels = theme.spark();
    let finite = || course.iter().copied().filter(|value| value.is_finite());
    let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    let cells = cells.min(course.len());
    let level = |value: f64| match value {
        value if !value.is_finite() => " ",
        value if high > low => levels[(((value - low) / (high - low)) * (levels.len() - 1) as f64).round().clamp(0.0, 7.0) as usize],
        _ => levels[3],
    };
    (0..cells).map(|cell| level(course[(cell + 1) * course.len() / cells - 1])).collect()
}
