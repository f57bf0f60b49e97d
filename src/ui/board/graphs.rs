//! The charts of a run: a grid of them, or one.

mod along;
mod made;
mod moments;
mod scenery;
mod set;
mod steer;
mod view;
mod window;

use super::{
    page::{Found, Page, Refused, Shared},
    sieve,
};
use crate::ipc::wire::{GraphView, MetricView};
use crate::model::{MetricKey, Series, XAxis};
use crate::query::{self, Derived, Fit, KeyFilter, Panel, PanelKind, Smoothing, SmoothingWish};
use crate::ui::{
    chart::Mark,
    grid::Grid,
    keymap::{Action, Scope},
    pane::{Effect, Scene},
    strip::Part,
};
use crossterm::event::MouseEvent;
use made::{Definition, Made, Wanted};
use moments::Moment;
use ratatui::{buffer::Buffer, layout::Rect};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Range,
    sync::Arc,
};
use window::Span;

/// Panels around the one in focus whose curves are made ready when they are no plain metrics: more than any page has.
const READY: usize = 80;

/// A smaller body has no row to spare.
const SPARE_ROWS_MIN: u16 = 10;

/// A metric, and the one that it is drawn over.
type Pair = (MetricKey, MetricKey);

/// A metric by name, and which of its points are shown.
pub(super) type ShownSeries<'a> = (MetricKey, &'a Series, Range<usize>);

/// What x measures.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
enum X {
    /// The step of the training, or what the run said that a metric is to be drawn over.
    #[default]
    Step,
    /// The time since the start.
    Relative,
    /// The clock.
    Wall,
    /// A metric, for all charts.
    Metric(MetricKey),
}

impl X {
    /// How a series that is not over a metric is read.
    fn axis(&self) -> XAxis {
        match self {
            X::Step | X::Metric(_) => XAxis::Step,
            X::Relative => XAxis::Relative,
            X::Wall => XAxis::WallTime,
        }
    }

    /// As an agent reads it.
    fn word(&self) -> &str {
        match self {
            X::Step => "step",
            X::Relative => "relative",
            X::Wall => "wall",
            X::Metric(key) => key.as_str(),
        }
    }
}

/// Which side of the grid the next digit sets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Side {
    Rows,
    Cols,
}

/// State of the charts.
#[derive(Debug, Default)]
pub struct Graphs {
    /// Names that the spec wants drawn; none: all.
    wanted: Vec<String>,
    /// Derived metrics by name, as the spec tells them.
    spec_derived: Vec<(String, String)>,
    /// All derived metrics: those of the spec, and those that are wanted by their expression.
    definitions: Vec<Definition>,
    /// Of the wanted names, those that mean no metric so far.
    missing: Vec<String>,
    /// The run's keys of which [`Graphs::keys`] was chosen; `None`: what is wanted has changed since.
    known: Option<Arc<[MetricKey]>>,
    /// Keys to draw: the run's keys that the spec wants and the filter lets through.
    keys: Vec<MetricKey>,
    panels: Vec<Panel>,
    /// Every metric has a chart of its own.
    apart: bool,
    /// A metric of the panel in focus; `None`: the first panel.
    focus: Option<MetricKey>,
    /// That panel.
    focus_at: usize,
    /// The panels or the x axis have changed since the range of x was taken.
    stale: bool,
    full_screen: bool,
    filter: String,
    regex: bool,
    filter_error: Option<String>,
    x: X,
    log_x: bool,
    log_y: bool,
    smoothing: SmoothingWish,
    /// The averages that fit the curves around the panel in focus.
    fits: HashMap<MetricKey, Fit>,
    span: Span,
    /// The whole x range of what is drawn; while paused, that of the moment of the pause.
    extent: Option<(f64, f64)>,
    paused: bool,
    /// The y ranges that were chosen, by first key of the panel.
    ys: BTreeMap<MetricKey, (f64, f64)>,
    /// Where the crosshair stands, along x.
    cursor: Option<f64>,
    no_marks: bool,
    /// All runs as one mean and band.
    band: bool,
    /// Rows and columns that the person chose.
    grid: (Option<u16>, Option<u16>),
    sizing: Option<Side>,
    /// The field where the mouse was when it last moved the charts.
    dragged: Option<(u16, u16)>,
    made: Made,
    /// Not all of it is made.
    has_more: bool,
    /// The metrics that are drawn over another one, and that one.
    over: Vec<Pair>,
    /// Of each run, the metrics whose own steps are not those of the training, and the metric that says these.
    stepped: Vec<Vec<Pair>>,
    moments: (moments::Sign, Vec<Moment>),
    /// What happened, along x.
    marks: Vec<Mark>,
}

/// Where the charts go.
#[derive(Debug)]
struct Layout {
    grid: Grid,
    /// Indices into `panels`, and their places.
    cells: Vec<(usize, Rect)>,
    /// 0-based.
    page: usize,
    pages: usize,
    /// The names of all runs, where there are several.
    runs: Option<Rect>,
    /// The values at the crosshair.
    readout: Option<Rect>,
}

impl Graphs {
    /// Names that the spec wants drawn (none: all), and its derived metrics.
    pub fn want(&mut self, names: Vec<String>, derived: Vec<(String, String)>) {
        (self.wanted, self.spec_derived, self.known) = (names, derived, None);
        let read = |(name, text): (&str, &str)| (MetricKey::from(name), Derived::parse(text).map_err(|error| error.brief()));
        let by_expression = self.wanted.iter().filter(|name| Derived::is_meant_by(name)).map(|name| named(name));
        let by_name = self.spec_derived.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        self.definitions = by_name.chain(by_expression).map(read).collect();
    }

    /// Why a derived metric gives no points; `None`: it does, or it is none.
    fn problem(&self, key: &MetricKey) -> Option<&str> {
        match self.definitions.iter().find(|(name, _)| name == key)? {
            (_, Err(error)) => Some(error),
            (_, Ok(_)) => self.made.of(0)?.problem(key),
        }
    }

    /// The keys that are drawn, on whatever page.
    pub fn keys(&self) -> &[MetricKey] {
        &self.keys
    }

    fn layout(&self, body: Rect, scene: Scene<'_>) -> Layout {
        let spare = body.height >= SPARE_ROWS_MIN;
        let runs = (spare && (scene.pinned || !scene.overlaid.is_empty()) && !self.panels.is_empty()).then_some(Rect { height: 1, ..body });
        let rows = match (spare && self.cursor.is_some(), self.full_screen) {
            (false, _) => 0,
            (true, false) => 1,
            (true, true) => (1 + scene.overlaid.len() as u16).min(body.height / 4),
        };
        let readout = (rows > 0).then(|| Rect { y: body.bottom() - rows, height: rows, ..body });
        let above = runs.map_or(0, |row| row.height);
        let body = Rect { y: body.y + above, height: body.height - above - rows, ..body };
        let count = if self.full_screen { 1 } else { self.panels.len() };
        let grid = match self.full_screen {
            true => Grid::fit(body, 1),
            false => Grid::chosen(body, count, self.grid.0, self.grid.1),
        };
        let per_page = if self.full_screen { 1 } else { grid.cells() };
        let page = self.focus_index() / per_page;
        let on_page = page * per_page..self.panels.len().min((page + 1) * per_page);
        let count = on_page.len();
        Layout {
            grid,
            cells: on_page.enumerate().map(|(slot, index)| (index, grid.cell(body, slot, count))).collect(),
            page,
            pages: self.panels.len().div_ceil(per_page).max(1),
            runs,
            readout,
        }
    }

    fn focus_index(&self) -> usize {
        self.focus_at
    }

    fn focused(&self) -> Option<&Panel> {
        self.panels.get(self.focus_index())
    }

    /// The metric in focus: of several in one chart that which was named, or the first.
    fn focused_key(&self) -> Option<&MetricKey> {
        let panel = self.focused()?;
        self.focus.as_ref().filter(|key| panel.keys.contains(key)).or_else(|| panel.keys.first())
    }

    /// The x range of all charts together, so that they can be compared.
    fn window(&self) -> (f64, f64) {
        self.span.window(self.extent.unwrap_or((0.0, 0.0)))
    }

    fn choose_keys(&mut self, shared: &Shared) {
        self.known = Some(Arc::clone(&shared.facts.keys));
        let filter = if self.regex && !self.filter.is_empty() { KeyFilter::regex(&self.filter) } else { KeyFilter::parse(&self.filter) };
        let mut keys;
        (keys, self.missing) = self.wanted_keys(&shared.facts.keys);
        self.filter_error = match filter {
            Ok(filter) if !self.filter.is_empty() => {
                keys = filter.choose(&keys);
                None
            }
            Ok(_) => None,
            // As in all tabs: what is no regular expression holds nothing back.
            Err(error) => Some(sieve::words(&error.source)),
        };
        if keys != self.keys {
            self.keys = keys;
            self.arrange();
        }
        self.full_screen &= !self.panels.is_empty();
    }

    fn arrange(&mut self) {
        self.panels = if self.apart { query::panels_apart(&self.keys) } else { query::panels(&self.keys) };
        let holds = |focus: &MetricKey| self.panels.iter().position(|panel| panel.keys.contains(focus));
        self.focus_at = self.focus.as_ref().and_then(holds).unwrap_or(0);
        self.stale = true;
    }

    /// The keys that the spec wants, of those that the run has or that are made; and the names that mean none.
    fn wanted_keys(&self, known: &[MetricKey]) -> (Vec<MetricKey>, Vec<String>) {
        let made = |name: &str| self.definitions.iter().map(|(made, _)| made).find(|made| made.as_str() == name);
        if self.wanted.is_empty() {
            let own = self.definitions.iter().map(|(name, _)| name).filter(|name| !known.contains(name));
            let all: Vec<MetricKey> = known.iter().chain(own).cloned().collect();
            // The run's own keys come in order already.
            return (if all.len() == known.len() { all } else { query::rank_keys(&all) }, vec![]);
        }
        let mut keys: Vec<MetricKey> = vec![];
        let mut missing = vec![];
        let mut seen: BTreeSet<MetricKey> = BTreeSet::new();
        for name in &self.wanted {
            let found = match made(named(name).0) {
                Some(made) => vec![made.clone()],
                None => query::select_keys(std::slice::from_ref(name), known).keys,
            };
            if found.is_empty() {
                missing.push(name.clone());
            }
            keys.extend(found.into_iter().filter(|key| seen.insert(key.clone())));
        }
        (keys, missing)
    }

    /// Makes ready what drawing only reads: curves that are made of others, the range of x, the marks. `fresh`: there is new data.
    fn prepare(&mut self, scene: Scene<'_>, fresh: bool) {
        let fresh = std::mem::take(&mut self.stale) || fresh;
        if fresh {
            let sign = moments::sign(scene.run);
            if self.moments.0 != sign {
                self.moments = (sign, moments::moments(scene.run));
            }
        }
        let focus = self.focus_index();
        let mut ready: Vec<usize> = (focus.saturating_sub(READY)..self.panels.len().min(focus + READY)).collect();
        ready.sort_by_key(|at| at.abs_diff(focus));
        (self.over, self.stepped) = self.pairs(&ready, scene);
        let (_, _, replaced, ..) = self.moments.0;
        let keys = || ready.iter().flat_map(|at| &self.panels[*at].keys).cloned();
        let before: Vec<MetricKey> = if replaced > 0 { keys().collect() } else { vec![] };
        let more =
            !self.made.feed(scene, Wanted { definitions: &self.definitions, over: &self.over, stepped: &self.stepped, before: &before });
        self.fit(&ready, scene);
        // What was made reaches further.
        if !std::mem::replace(&mut self.has_more, more) && !fresh {
            return;
        }
        if !self.paused || self.extent.is_none() {
            self.extent = self.whole_extent(scene);
        }
        self.marks = if self.moments.1.is_empty() { vec![] } else { self.marks_on(scene) };
    }

    /// Curves are still to be made: [`Page::refresh`] goes on with them.
    pub fn has_more(&self) -> bool {
        self.has_more
    }

    /// Looks which averages fit the curves of these panels, and forgets all others. What was chosen for the same curve stays.
    fn fit(&mut self, panels: &[usize], scene: Scene<'_>) {
        if self.smoothing != SmoothingWish::Auto {
            return;
        }
        let curves = |at: &usize| self.panels.get(*at).filter(|panel| panel.kind == PanelKind::Curves);
        let mut before = std::mem::take(&mut self.fits);
        let fit = |key: &MetricKey| {
            let series = (0..=scene.overlaid.len()).find_map(|run| self.logged(scene, run, key))?;
            let known = before.remove_entry(key).filter(|(_, fit)| fit.holds(series));
            Some(known.unwrap_or_else(|| (key.clone(), Fit::of(series))))
        };
        self.fits = panels.iter().filter_map(curves).flat_map(|panel| &panel.keys).filter_map(fit).collect();
    }

    /// How the curves of a panel are smoothed: all alike, so that they can be compared.
    fn smoothing_of(&self, panel: &Panel) -> Smoothing {
        match self.smoothing {
            SmoothingWish::Just(smoothing) => smoothing,
            SmoothingWish::Auto => {
                let fits = panel.keys.iter().filter_map(|key| self.fits.get(key)).map(|fit| fit.smoothing);
                fits.fold(Smoothing::Off, Smoothing::stronger)
            }
        }
    }

    /// A metric of a run: 0 is the run of the canvas.
    fn logged<'a>(&'a self, scene: Scene<'a>, run: usize, key: &MetricKey) -> Option<&'a Series> {
        let picture = along::picture_of(scene, run)?;
        match self.made.of(run) {
            Some(made) => made.logged(picture, key),
            None => picture.series.get(key),
        }
    }

    /// What the charts in sight draw: the run of the canvas first, other runs with their names in front.
    pub(super) fn shown_series<'a>(&'a self, scene: Scene<'a>, body: Rect) -> Vec<ShownSeries<'a>> {
        let cells = self.layout(body, scene).cells;
        let mut keys: Vec<&MetricKey> = vec![];
        for key in cells.iter().filter_map(|(index, _)| self.panels.get(*index)).flat_map(|panel| &panel.keys) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        let of_run = |run: usize| {
            let name = run.checked_sub(1).map_or_else(String::new, |other| format!("{} ", scene.overlaid[other].name));
            let named = move |key: &&MetricKey| {
                let series = self.logged(scene, run, key).filter(|series| !series.is_empty())?;
                Some((MetricKey::from(format!("{name}{key}").as_str()), series, self.points_shown(scene, run, key, series)))
            };
            keys.iter().filter_map(named).collect::<Vec<_>>()
        };
        (0..=scene.overlaid.len()).flat_map(of_run).collect()
    }
}

/// A wanted metric's name and its expression: `gap = val/loss - train/loss`, or an expression that is its own name.
fn named(wanted: &str) -> (&str, &str) {
    match wanted.split_once(" = ") {
        Some((name, text)) if Derived::is_meant_by(wanted) => (name.trim(), text.trim()),
        _ => (wanted, wanted),
    }
}

impl Page for Graphs {
    fn scope(&self) -> Scope {
        if self.sizing.is_some() { Scope::GridSize } else { Scope::Graphs }
    }

    fn act(&mut self, action: Action, shared: &Shared, scene: Scene<'_>, area: Rect) -> Option<Vec<Effect>> {
        self.steer(action, shared, scene, area).then(|| {
            self.prepare(scene, false);
            vec![Effect::Draw]
        })
    }

    fn mouse(&mut self, mouse: MouseEvent, shared: &Shared, scene: Scene<'_>, area: Rect) -> Vec<Effect> {
        if !self.steer_by_mouse(mouse, shared, scene, area) {
            return vec![];
        }
        self.prepare(scene, false);
        vec![Effect::Draw]
    }

    fn back(&mut self, shared: &Shared) -> bool {
        if self.sizing.take().is_some() || self.cursor.take().is_some() {
        } else if self.full_screen {
            self.full_screen = false;
        } else if !self.filter.is_empty() {
            self.filter.clear();
            self.choose_keys(shared);
        } else if self.span != Span::All || !self.ys.is_empty() {
            self.span = Span::All;
            self.ys.clear();
        } else {
            self.stale |= self.paused;
            return std::mem::take(&mut self.paused);
        }
        true
    }

    fn takes_footer(&self, body: Rect) -> bool {
        self.cursor.is_some() && !self.panels.is_empty() && body.height >= SPARE_ROWS_MIN
    }

    fn untell_footer(&self, view: &mut GraphView) {
        if let Some(readout) = view.detail.pointer_mut("/cursor/readout") {
            *readout = serde_json::json!([]);
        }
    }

    fn hints(&self) -> Vec<(Action, &'static str)> {
        vec![(Action::Open, if self.full_screen { "all" } else { "zoom" })]
    }

    fn refresh(&mut self, shared: &Shared, scene: Scene<'_>) {
        if self.known.as_ref().is_none_or(|known| !Arc::ptr_eq(known, &shared.facts.keys)) {
            self.choose_keys(shared);
        }
        self.prepare(scene, true);
    }

    fn query(&self) -> &str {
        &self.filter
    }

    fn is_regex(&self) -> bool {
        self.regex
    }

    fn set(&mut self, name: &str, text: &str, _shared: &Shared, scene: Scene<'_>, area: Rect) -> Result<(), Refused> {
        self.set_name(name, text, scene, area)
    }

    fn kept(&self) -> Vec<(&'static str, String)> {
        self.kept_names()
    }

    fn set_query(&mut self, text: &str, regex: bool, shared: &Shared, scene: Scene<'_>) {
        text.clone_into(&mut self.filter);
        self.regex = regex;
        self.choose_keys(shared);
        self.prepare(scene, true);
    }

    fn found(&self, shared: &Shared, _scene: Scene<'_>) -> Found {
        match &self.filter_error {
            Some(error) => Found::Wrong(error.clone()),
            None => Found::Some(self.keys.len(), shared.facts.keys.len().max(self.keys.len())),
        }
    }

    fn draw(&self, shared: &Shared, scene: Scene<'_>, area: Rect, buf: &mut Buffer) {
        self.view(shared, scene, area, buf);
    }

    fn footer(&self, shared: &Shared, scene: Scene<'_>, area: Rect) -> Vec<Part> {
        self.parts(shared, &self.layout(area, scene), scene)
    }

    fn tell(&self, view: &mut GraphView, shared: &Shared, scene: Scene<'_>, area: Rect) -> Vec<MetricView> {
        self.told(view, shared, scene, area)
    }
}
