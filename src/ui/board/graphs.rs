//! The charts of a run: a grid of them, or one.

mod view;

use super::page::{Found, Page, Refused, Shared, truth, value};
use crate::ipc::wire::{GraphView, MetricView, Window};
use crate::model::{MetricKey, Series, XAxis, num};
use crate::query::{self, KeyFilter};
use crate::ui::{
    chart,
    facts::SeriesMap,
    grid::Grid,
    keymap::{Action, Scope},
    pane::{Effect, Scene},
    strip::Part,
};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
};

/// EMA weights that `+` and `-` step through.
const SMOOTHING: &[f64] = &[0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98];
/// What x may measure, and what that is called.
const AXES: [(&str, XAxis); 3] = [("step", XAxis::Step), ("relative", XAxis::Relative), ("wall", XAxis::WallTime)];
/// With fewer points a trend means nothing.
const TREND_POINTS_MIN: usize = 4;

/// State of the charts.
#[derive(Debug, Default)]
pub struct Graphs {
    /// Names that the spec wants drawn; none: all.
    wanted: Vec<String>,
    /// Keys to draw: the run's keys that the spec wants and the filter lets through.
    keys: Vec<MetricKey>,
    /// `None`: the first.
    focus: Option<MetricKey>,
    full_screen: bool,
    filter: String,
    regex: bool,
    filter_error: Option<String>,
    axis: XAxis,
    smoothing: usize,
    /// Held still: the x range of that moment.
    held: Option<(f64, f64)>,
}

/// Where the charts go.
#[derive(Debug)]
struct Layout {
    grid: Grid,
    /// Indices into `keys`, and their places.
    cells: Vec<(usize, Rect)>,
    /// 0-based.
    page: usize,
    pages: usize,
}

impl Graphs {
    /// Names that the spec wants drawn; none: all.
    pub fn want(&mut self, names: Vec<String>) {
        self.wanted = names;
    }

    /// The keys that are drawn, on whatever page.
    pub fn keys(&self) -> &[MetricKey] {
        &self.keys
    }

    fn layout(&self, body: Rect) -> Layout {
        let grid = Grid::fit(body, if self.full_screen { 1 } else { self.keys.len() });
        let per_page = grid.cells();
        let page = self.focus_index() / per_page;
        let on_page = page * per_page..self.keys.len().min((page + 1) * per_page);
        let count = on_page.len();
        Layout {
            grid,
            cells: on_page.enumerate().map(|(slot, index)| (index, grid.cell(body, slot, count))).collect(),
            page,
            pages: self.keys.len().div_ceil(per_page).max(1),
        }
    }

    fn focus_index(&self) -> usize {
        self.focus.as_ref().and_then(|focus| self.keys.iter().position(|key| key == focus)).unwrap_or(0)
    }

    fn focused(&self) -> Option<&MetricKey> {
        self.keys.get(self.focus_index())
    }

    /// The x range of all charts together, so that they can be compared.
    fn window(&self, series: &SeriesMap) -> (f64, f64) {
        if let Some(held) = self.held {
            return held;
        }
        let extents = self.keys.iter().filter_map(|key| series.get(key)?.extent(self.axis));
        extents.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap_or((0.0, 0.0))
    }

    /// Moves by single charts around the ends, by rows only where a chart is.
    fn move_focus(&mut self, by: isize) {
        let count = self.keys.len() as isize;
        if count == 0 {
            return;
        }
        let to = self.focus_index() as isize + by;
        match by.abs() {
            1 => self.focus_at(to.rem_euclid(count) as usize),
            _ if (0..count).contains(&to) => self.focus_at(to as usize),
            _ => {}
        }
    }

    fn turn_page(&mut self, by: isize, per_page: isize, pages: usize) {
        let page = self.focus_index() as isize / per_page;
        let to = (page + by).rem_euclid(pages as isize);
        if to != page {
            self.focus_at((to * per_page) as usize);
        }
    }

    fn focus_at(&mut self, index: usize) {
        self.focus = self.keys.get(index).cloned();
    }

    fn choose_keys(&mut self, shared: &Shared) {
        let filter = if self.regex && !self.filter.is_empty() { KeyFilter::regex(&self.filter) } else { KeyFilter::parse(&self.filter) };
        match filter {
            Ok(filter) => {
                self.filter_error = None;
                let wanted = match self.wanted.is_empty() {
                    true => shared.facts.keys.clone(),
                    false => query::select_keys(&self.wanted, &shared.facts.keys).keys,
                };
                self.keys = filter.choose(&wanted);
            }
            // What is half typed leaves the charts as they were.
            Err(error) => self.filter_error = Some(error.to_string()),
        }
        self.full_screen &= !self.keys.is_empty();
    }

    fn metric_view(&self, key: &MetricKey, series: &Series, (from, to): (f64, f64)) -> MetricView {
        let trend = (series.len() >= TREND_POINTS_MIN).then(|| query::trend(series));
        let range = series.range_in(self.axis, from, to);
        let last = series.last();
        MetricView {
            key: key.to_string(),
            latest_value: last.map_or(serde_json::Value::Null, |point| num::to_json(point.value)),
            trend: trend.map(|trend| trend.dir.as_str().to_owned()),
            slope_per_100: trend.map(|trend| trend.slope_per_100),
            data_points: series.len() as u64,
            min: range.map(|range| range.0),
            max: range.map(|range| range.1),
            best: query::best(key, series).map(|point| point.value),
            last_step: last.map(|point| point.step.0),
            nan_count: series.nan_count() as u64,
            window: Some(Window { from, to }),
        }
    }
}

impl Page for Graphs {
    fn scope(&self) -> Scope {
        Scope::Graphs
    }

    fn act(&mut self, action: Action, _shared: &Shared, scene: Scene<'_>, area: Rect) -> Option<Vec<Effect>> {
        let layout = self.layout(area);
        let (cols, per_page) = (isize::try_from(layout.grid.cols).unwrap_or(1), layout.grid.cells() as isize);
        match action {
            Action::Left => self.move_focus(-1),
            Action::Right => self.move_focus(1),
            Action::Up => self.move_focus(-cols),
            Action::Down => self.move_focus(cols),
            Action::First => self.focus_at(0),
            Action::Last => self.focus_at(self.keys.len().saturating_sub(1)),
            Action::PageDown => self.turn_page(1, per_page, layout.pages),
            Action::PageUp => self.turn_page(-1, per_page, layout.pages),
            Action::Open => self.full_screen = !self.full_screen && !self.keys.is_empty(),
            Action::Pause => self.held = if self.held.is_some() { None } else { Some(self.window(scene.series())) },
            Action::SwitchAxis => {
                self.held = None;
                self.axis = match self.axis {
                    XAxis::Step => XAxis::Relative,
                    XAxis::Relative => XAxis::WallTime,
                    XAxis::WallTime => XAxis::Step,
                }
            }
            Action::Smoother => self.smoothing = (self.smoothing + 1).min(SMOOTHING.len() - 1),
            Action::Rougher => self.smoothing = self.smoothing.saturating_sub(1),
            _ => return None,
        }
        Some(vec![Effect::Draw])
    }

    fn back(&mut self, shared: &Shared) -> bool {
        if self.full_screen {
            self.full_screen = false;
        } else if !self.filter.is_empty() {
            self.filter.clear();
            self.choose_keys(shared);
        } else {
            return self.held.take().is_some();
        }
        true
    }

    fn refresh(&mut self, shared: &Shared, _scene: Scene<'_>) {
        self.choose_keys(shared);
    }

    fn query(&self) -> &str {
        &self.filter
    }

    fn is_regex(&self) -> bool {
        self.regex
    }

    fn set(&mut self, name: &str, text: &str, _shared: &Shared, scene: Scene<'_>) -> Result<(), Refused> {
        match name {
            "focused" => {
                let key = query::resolve(text, &self.keys).map_err(|error| Refused::Value(error.to_string()))?;
                self.focus = Some(key.clone());
            }
            "fullscreen" => self.full_screen = truth(text)? && !self.keys.is_empty(),
            "xaxis" => {
                let axis = AXES.iter().find(|(word, _)| *word == text);
                self.axis = axis.ok_or_else(|| Refused::Value(format!("step, relative or wall is wanted, not `{text}`")))?.1;
                self.held = None;
            }
            "smoothing" => {
                let weight: f64 = value(text, "a weight from 0 to 0.98")?;
                if !(0.0..1.0).contains(&weight) {
                    return Err(Refused::Value(format!("a weight from 0 to 0.98 is wanted, not `{text}`")));
                }
                let apart = |step: &usize| (SMOOTHING[*step] - weight).abs();
                self.smoothing = (0..SMOOTHING.len()).min_by(|a, b| apart(a).total_cmp(&apart(b))).unwrap_or(0);
            }
            "paused" => self.held = truth(text)?.then(|| self.window(scene.series())),
            _ => return Err(Refused::Unknown),
        }
        Ok(())
    }

    fn kept(&self) -> Vec<(&'static str, String)> {
        let axis = AXES.iter().find(|(_, axis)| *axis == self.axis).map_or("step", |(word, _)| word);
        vec![("xaxis", axis.into()), ("smoothing", SMOOTHING[self.smoothing].to_string()), ("fullscreen", self.full_screen.to_string())]
    }

    fn set_query(&mut self, text: &str, regex: bool, shared: &Shared, _scene: Scene<'_>) {
        text.clone_into(&mut self.filter);
        self.regex = regex;
        self.choose_keys(shared);
    }

    fn found(&self, shared: &Shared, _scene: Scene<'_>) -> Found {
        match &self.filter_error {
            Some(error) => Found::Wrong(error.clone()),
            None => Found::Some(self.keys.len(), shared.facts.keys.len()),
        }
    }

    fn draw(&self, shared: &Shared, scene: Scene<'_>, area: Rect, buf: &mut Buffer) {
        self.view(shared, scene, area, buf);
    }

    fn footer(&self, shared: &Shared, _scene: Scene<'_>, area: Rect) -> Vec<Part> {
        self.parts(shared, &self.layout(area))
    }

    fn tell(&self, view: &mut GraphView, _shared: &Shared, scene: Scene<'_>, area: Rect) -> Vec<MetricView> {
        let layout = self.layout(area);
        let series = scene.series();
        let window = self.window(series);
        view.focused = self.focused().map(MetricKey::to_string);
        view.full_screen = self.full_screen;
        view.x_axis = AXES.iter().find(|(_, axis)| *axis == self.axis).map_or("", |(word, _)| word).into();
        view.smoothing = SMOOTHING[self.smoothing];
        view.page = (layout.page as u32 + 1, layout.pages as u32);
        view.grid = (u32::from(layout.grid.rows), u32::from(layout.grid.cols));
        view.paused = self.held.is_some();
        self.visible(&layout, series, area).into_iter().map(|(key, series)| self.metric_view(key, series, window)).collect()
    }
}

impl Graphs {
    /// The charts whose key and value are drawn, in the order drawn.
    fn visible<'a>(&'a self, layout: &Layout, series: &'a SeriesMap, area: Rect) -> Vec<(&'a MetricKey, &'a Series)> {
        let shows = |&(index, cell): &(usize, Rect)| {
            let key = self.keys.get(index)?;
            let series = series.get(key)?;
            chart::title_parts(key.as_str(), &chart::value_text(series), chart::title_room(cell))?;
            area.contains(Position::new(cell.x, cell.y)).then_some((key, series))
        };
        layout.cells.iter().filter_map(shows).collect()
    }
}
