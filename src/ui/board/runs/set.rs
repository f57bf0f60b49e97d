//! The runs by names: what an agent or a saved view sets without pressing keys, spelled as the tab tells it.

use super::{Runs, View, compare::Beside, table};
use crate::query::{
    self, RunRow,
    runs::{self, Field, Sort},
};
use crate::ui::{
    board::{
        page::{Refused, Shared, entries, value},
        scroll::{ABOVE, Scroll, can_be_above},
    },
    pane::{OVERLAID_MAX, Scene},
    theme::Theme,
};
use ratatui::layout::Rect;
use serde_json::Value;
use std::path::PathBuf;

/// Of what there is, what a refusal names.
const NAMED_MAX: usize = 12;

/// `a, b, c and 4 more`, of what there is instead of what was wanted.
fn listed<T: ToString>(all: impl IntoIterator<Item = T>) -> String {
    let mut all: Vec<String> = all.into_iter().map(|one| one.to_string()).collect();
    let more = all.len().saturating_sub(NAMED_MAX);
    all.truncate(NAMED_MAX);
    match (all.is_empty(), more) {
        (true, _) => "none".into(),
        (false, 0) => all.join(", "),
        (false, more) => format!("{} and {more} more", all.join(", ")),
    }
}

impl Runs {
    /// Sets a name of the state to what it would be after some keys. Names are lower case, without `_` and `-`.
    pub(super) fn set_name(&mut self, name: &str, text: &str, shared: &Shared, scene: Scene<'_>, area: Rect) -> Result<(), Refused> {
        match name {
            "view" => {
                let view = match text {
                    "table" => View::Table,
                    "recent" => View::Recent,
                    "lineage" => View::Lineage,
                    "compare" => View::Compare(Beside { paths: self.to_compare(scene), aside: 0 }),
                    _ => return Err(Refused::Unknown),
                };
                // What is shown already would be left.
                if view.name() != self.view.name() {
                    self.show(view);
                }
            }
            "beside" => match (self.wanted(text, scene)?, &mut self.view) {
                (paths, View::Compare(beside)) if !paths.is_empty() => beside.paths = paths,
                (paths, View::Compare(_)) if paths.is_empty() => self.show(View::Table),
                (paths, _) if paths.is_empty() => {}
                (paths, _) => self.put_beside(paths),
            },
            "aside" => match &mut self.view {
                View::Compare(beside) => {
                    let (aside, most) = (value(text, "how many runs are left of what is in sight")?, beside.aside_max(area.width));
                    if aside > most {
                        return Err(Refused::Value(format!("at most {most} runs can be left of what is in sight, not {aside}")));
                    }
                    beside.aside = aside;
                }
                _ if text.is_empty() => {}
                _ => return Err(Refused::Value("no runs are beside each other: `view=compare` shows them so".into())),
            },
            "selected" => {
                let wanted = self.wanted(text, scene)?;
                self.picked.retain(|picked| wanted.contains(&picked.path));
                self.pick_all(&wanted, false, scene);
                self.rearrange(true, shared, scene);
            }
            "pinned" => {
                let wanted = self.wanted(text, scene)?;
                self.pin_only(&wanted, scene);
                self.rearrange(true, shared, scene);
            }
            "drawn" => self.colour(text, scene)?,
            "baseline" => {
                let wanted: Vec<PathBuf> = if text.is_empty() { vec![] } else { vec![self.run_named(text, scene)?.path.clone()] };
                if self.baseline(scene).map(|picked| &picked.path) != wanted.first() {
                    self.pin_only(&wanted, scene);
                    self.rearrange(true, shared, scene);
                }
            }
            "sort" => {
                let sort = self.sort_named(text)?;
                if self.query.sort.is_some() && self.query.sort != sort {
                    return Err(Refused::Value("the filter says how the runs are sorted".into()));
                }
                self.sort = sort;
                self.rearrange(true, shared, scene);
            }
            "groupby" => {
                let by = self.grouping_named(text, shared, scene)?;
                if self.query.by.is_some() && self.query.by != by {
                    return Err(Refused::Value("the filter says by what the runs are grouped".into()));
                }
                self.by = by;
                self.rearrange(true, shared, scene);
            }
            "metric" => {
                let keys = &self.table.keys;
                let key = (!text.is_empty()).then(|| query::resolve(text, keys)).transpose();
                self.metric = key.map_err(|error| Refused::Value(format!("{error}; the runs have {}", listed(keys))))?.cloned();
                self.arrange(shared, scene);
            }
            "focused" => match text {
                // The head of a group is no run: `line` says which it is.
                "" => {}
                text => self.focus_on(text, shared, scene, area)?,
            },
            "line" if text.is_empty() => {}
            "line" => {
                let line = value::<usize>(text, "the number of a line")?;
                self.focus_line(line, shared, scene, area)?;
            }
            "top" => {
                let (lines, height) = (self.lines(shared, scene, area), self.height(area));
                self.scroll_to(can_be_above(value(text, ABOVE)?, lines, height)?, lines, height);
            }
            _ => return Err(Refused::Unknown),
        }
        Ok(())
    }

    /// The run of this id, name or path.
    fn run_named<'a>(&self, text: &str, scene: Scene<'a>) -> Result<&'a RunRow, Refused> {
        let by = |is: &dyn Fn(&RunRow) -> bool| scene.runs.iter().filter(|row| is(row)).collect::<Vec<_>>();
        let found = [by(&|row| row.path.as_os_str() == text), by(&|row| row.id == text), by(&|row| row.name == text)];
        let found = found.into_iter().find(|found| !found.is_empty()).unwrap_or_default();
        let names = || listed(self.table.rows.iter().filter_map(|row| Some(&scene.runs.get(*row)?.name)));
        match found[..] {
            [run] => Ok(run),
            [] if self.is_looking() => Err(Refused::Value(format!("no run `{text}` so far: og is still looking at them"))),
            [] => Err(Refused::Value(format!("there is no run `{text}`; there are {}", names()))),
            _ => Err(Refused::Value(format!(
                "{} runs are `{text}`; say which: {}",
                found.len(),
                listed(found.iter().map(|row| row.path.display()))
            ))),
        }
    }

    /// The runs that a text names, in its order.
    fn wanted(&self, text: &str, scene: Scene<'_>) -> Result<Vec<PathBuf>, Refused> {
        let mut paths: Vec<PathBuf> = vec![];
        for entry in entries(text) {
            let path = &self.run_named(&entry, scene)?.path;
            if !paths.contains(path) {
                paths.push(path.clone());
            }
        }
        Ok(paths)
    }

    fn pick_all(&mut self, wanted: &[PathBuf], pinned: bool, scene: Scene<'_>) {
        let known = self.paths();
        let rows = wanted.iter().filter(|path| !known.contains(*path)).filter_map(|path| scene.runs.iter().find(|row| row.path == **path));
        rows.for_each(|row| self.pick(row, pinned));
    }

    /// Pins these and no others.
    fn pin_only(&mut self, wanted: &[PathBuf], scene: Scene<'_>) {
        self.picked.iter_mut().for_each(|picked| picked.pinned = wanted.contains(&picked.path));
        self.pick_all(wanted, true, scene);
    }

    /// Gives selected runs the colours that they are told with: `[{"id": ..., "colour": 3}]`.
    fn colour(&mut self, text: &str, scene: Scene<'_>) -> Result<(), Refused> {
        let wrong = || Refused::Value(format!("a list of selected runs with an id and a colour below {} is wanted", Theme::RUNS));
        let list: Vec<Value> = serde_json::from_str(text).map_err(|_| wrong())?;
        let mut colours = vec![];
        for one in &list {
            let colour = one["colour"].as_u64().filter(|colour| *colour < Theme::RUNS as u64).ok_or_else(wrong)? as usize;
            let row = self.run_named(one["id"].as_str().ok_or_else(wrong)?, scene)?;
            let at = self.picked.iter().position(|picked| picked.path == row.path).ok_or_else(wrong)?;
            colours.push((at, colour));
        }
        colours.into_iter().for_each(|(at, colour)| self.picked[at].colour = colour);
        Ok(())
    }

    fn sort_named(&self, text: &str) -> Result<Option<Sort>, Refused> {
        if text.is_empty() {
            return Ok(None);
        }
        let (name, down) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
        let fields = self.table.fields();
        let shown = fields.iter().find(|field| field.to_string() == name).cloned();
        let metric = || query::resolve(name, &self.table.keys).ok().map(|key| Field::Last(key.to_string()));
        let field = shown.or_else(|| Field::known(name)).or_else(metric);
        let field = field.ok_or_else(|| Refused::Value(format!("there is no column `{name}`; there are {}", listed(&fields))))?;
        Ok(Some(Sort { field, down }))
    }

    fn grouping_named(&self, text: &str, shared: &Shared, scene: Scene<'_>) -> Result<Option<Field>, Refused> {
        if text.is_empty() {
            return Ok(None);
        }
        let now = self.now(shared).secs;
        let groupings = table::groupings(scene.runs, &self.table.rows);
        let field = Some(Field::parse(text)).filter(|field| scene.runs.iter().any(|row| field.of(row, now).is_some()));
        let none = || Refused::Value(format!("no run has `{text}` to be grouped by; there are {}", listed(&groupings)));
        field.ok_or_else(none).map(Some)
    }

    /// Puts the focus onto a run, or onto a line by its number. Of runs beside each other, the first is in focus.
    fn focus_on(&mut self, text: &str, shared: &Shared, scene: Scene<'_>, area: Rect) -> Result<(), Refused> {
        let row = match (self.run_named(text, scene), text.parse::<usize>()) {
            (Ok(row), _) => row,
            (Err(_), Ok(line)) => return self.focus_line(line, shared, scene, area),
            (Err(refused), Err(_)) => return Err(refused),
        };
        let at = match &mut self.view {
            View::Compare(beside) => {
                beside.paths.retain(|path| *path != row.path);
                beside.paths.insert(0, row.path.clone());
                beside.paths.truncate(OVERLAID_MAX);
                return Ok(());
            }
            View::Lineage => runs::lineage(scene.runs).iter().position(|line| match line.node {
                runs::Node::Run(at) | runs::Node::Checkpoint(at, _) => scene.runs.get(at).is_some_and(|other| other.path == row.path),
                runs::Node::Unknown(_) => false,
            }),
            _ => (0..self.lines(shared, scene, area)).find(|line| self.run_at(*line, scene).is_some_and(|other| other.path == row.path)),
        };
        let at = at.ok_or_else(|| Refused::Value(format!("the run `{text}` is not among what is shown")))?;
        self.focus_line(at + 1, shared, scene, area)
    }

    /// Puts the focus onto a line, from 1 on.
    fn focus_line(&mut self, line: usize, shared: &Shared, scene: Scene<'_>, area: Rect) -> Result<(), Refused> {
        let (lines, height) = (self.lines(shared, scene, area), self.height(area));
        if matches!(self.view, View::Compare(_)) || !(1..=lines).contains(&line) {
            return Err(Refused::Value(match self.view {
                View::Compare(_) => "of runs beside each other no line is in focus".into(),
                _ => format!("there are {lines} lines here, from 1 on: there is no {line}"),
            }));
        }
        // Where the table would be, had somebody scrolled to it.
        self.scroll = Scroll::From(self.top(lines, height));
        self.cursor = line - 1;
        self.scroll = self.scroll.onto(self.cursor, lines, height);
        Ok(())
    }
}
