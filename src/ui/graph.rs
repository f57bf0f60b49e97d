//! The graph pane: a page of charts, a line of facts above, a line of source and keys below.

mod view;

use super::{
    edit::Line,
    facts::{Facts, SeriesMap},
    grid::Grid,
    keymap::{self, Action, BINDINGS, FILTER_BINDINGS},
    pane::{Effect, Event, Link, Pane},
    theme::Theme,
};
use crate::ipc::wire::{Dimensions, GraphView, MetricView, Shown, Window};
use crate::model::{MetricKey, Series, XAxis, num};
use crate::query::{self, KeyFilter};
use crossterm::event::{KeyEvent, KeyEventKind};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
};
use std::time::Duration;

/// How long a toast stays when no key is pressed.
const TOAST: Duration = Duration::from_secs(5);
/// EMA weights that `+` and `-` step through.
const SMOOTHING: &[f64] = &[0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98];
/// With fewer points a trend means nothing.
const TREND_POINTS_MIN: usize = 4;

/// State of the graph pane.
#[derive(Debug)]
pub struct Graph {
    theme: Theme,
    utc_offset: f64,
    facts: Facts,
    /// Names that the spec wants drawn; none: all.
    wanted: Vec<String>,
    /// Keys to draw: the facts' keys that the spec wants and the filter lets through.
    keys: Vec<MetricKey>,
    /// `None`: the first.
    focus: Option<MetricKey>,
    full_screen: bool,
    help: Option<u16>,
    filter: String,
    filter_error: Option<String>,
    typing: Option<Typing>,
    axis: XAxis,
    smoothing: usize,
    toast: Option<(String, Duration)>,
    caught_up: bool,
    link: Link,
    refreshed: u64,
    area: Rect,
}

#[derive(Debug)]
struct Typing {
    line: Line,
    /// The filter to go back to.
    before: String,
}

/// Where everything goes.
#[derive(Debug)]
struct Layout {
    header: Option<Rect>,
    body: Rect,
    footer: Option<Rect>,
    grid: Grid,
    /// Indices into `keys`, and their places.
    cells: Vec<(usize, Rect)>,
    /// 0-based.
    page: usize,
    pages: usize,
}

impl Graph {
    /// An empty pane. `utc_offset`: seconds that the local clock is ahead of UTC.
    pub fn new(theme: Theme, utc_offset: f64) -> Graph {
        Graph {
            theme,
            utc_offset,
            facts: Facts::default(),
            wanted: vec![],
            keys: vec![],
            focus: None,
            full_screen: false,
            help: None,
            filter: String::new(),
            filter_error: None,
            typing: None,
            axis: XAxis::Step,
            smoothing: 0,
            toast: None,
            caught_up: false,
            link: Link::Unknown,
            refreshed: 0,
            area: Rect::ZERO,
        }
    }

    fn layout(&self, area: Rect) -> Layout {
        let header_rows = u16::from(area.height >= 3);
        // Without a line that it can take over, the prompt takes one from the charts.
        let footer_rows = u16::from(area.height >= 8 || header_rows == 0 && self.typing.is_some());
        let header = (header_rows > 0).then_some(Rect { height: 1, ..area });
        let footer = (footer_rows > 0).then_some(Rect { y: area.bottom().saturating_sub(1), height: 1, ..area });
        let body = Rect { y: area.y + header_rows, height: area.height.saturating_sub(header_rows + footer_rows), ..area };
        let grid = Grid::fit(body, if self.full_screen { 1 } else { self.keys.len() });
        let per_page = grid.cells();
        let page = self.focus_index() / per_page;
        let on_page = page * per_page..self.keys.len().min((page + 1) * per_page);
        let count = on_page.len();
        Layout {
            header,
            body,
            footer,
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
        let extents = self.keys.iter().filter_map(|key| series.get(key)?.extent(self.axis));
        extents.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap_or((0.0, 0.0))
    }

    fn on_key(&mut self, key: KeyEvent) -> Vec<Effect> {
        if key.kind == KeyEventKind::Release {
            return vec![];
        }
        let had_toast = self.toast.take().is_some();
        let changed = match self.typing.take() {
            Some(typing) => self.on_typed(key, typing),
            None => match keymap::action(BINDINGS, key) {
                Some(Action::Quit) => return vec![Effect::Quit],
                Some(action) => {
                    self.act(action);
                    true
                }
                None => false,
            },
        };
        if changed || had_toast { vec![Effect::Draw] } else { vec![] }
    }

    fn on_typed(&mut self, key: KeyEvent, mut typing: Typing) -> bool {
        match keymap::action(FILTER_BINDINGS, key) {
            Some(Action::Keep) => return true,
            Some(Action::Cancel) => {
                self.set_filter(typing.before);
                return true;
            }
            Some(action) => typing.line.edit(action),
            None => match keymap::typed(key) {
                Some(c) => typing.line.insert(c),
                None => {
                    self.typing = Some(typing);
                    return false;
                }
            },
        }
        self.set_filter(typing.line.text());
        self.typing = Some(typing);
        true
    }

    fn act(&mut self, action: Action) {
        if let Some(scroll) = self.help {
            self.help = match action {
                Action::Help | Action::Back | Action::Zoom => None,
                Action::Down | Action::PageDown => Some(scroll.saturating_add(1).min(view::help_lines().len() as u16)),
                Action::Up | Action::PageUp => Some(scroll.saturating_sub(1)),
                _ => Some(scroll),
            };
            return;
        }
        let layout = self.layout(self.area);
        let (cols, per_page) = (isize::try_from(layout.grid.cols).unwrap_or(1), layout.grid.cells() as isize);
        match action {
            Action::Help => self.help = Some(0),
            Action::Back if self.full_screen => self.full_screen = false,
            Action::Back => self.set_filter(String::new()),
            Action::Left | Action::Previous => self.move_focus(-1),
            Action::Right | Action::Next => self.move_focus(1),
            Action::Up => self.move_focus(-cols),
            Action::Down => self.move_focus(cols),
            Action::First => self.focus_at(0),
            Action::Last => self.focus_at(self.keys.len().saturating_sub(1)),
            Action::PageDown => self.turn_page(1, per_page, layout.pages),
            Action::PageUp => self.turn_page(-1, per_page, layout.pages),
            Action::Zoom => self.full_screen = !self.full_screen && !self.keys.is_empty(),
            Action::OpenFilter => self.typing = Some(Typing { line: Line::new(&self.filter), before: self.filter.clone() }),
            Action::SwitchAxis => {
                self.axis = match self.axis {
                    XAxis::Step => XAxis::Relative,
                    XAxis::Relative => XAxis::WallTime,
                    XAxis::WallTime => XAxis::Step,
                }
            }
            Action::Smoother => self.smoothing = (self.smoothing + 1).min(SMOOTHING.len() - 1),
            Action::Rougher => self.smoothing = self.smoothing.saturating_sub(1),
            _ => {}
        }
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

    fn set_filter(&mut self, filter: String) {
        self.filter = filter;
        self.choose_keys();
    }

    fn choose_keys(&mut self) {
        match KeyFilter::parse(&self.filter) {
            Ok(filter) => {
                self.filter_error = None;
                let wanted = match self.wanted.is_empty() {
                    true => self.facts.keys.clone(),
                    false => query::select_keys(&self.wanted, &self.facts.keys).keys,
                };
                self.keys = wanted.into_iter().filter(|key| filter.matches(key.as_str())).collect();
            }
            // What is half typed leaves the charts as they were.
            Err(error) => self.filter_error = Some(error.to_string()),
        }
        self.full_screen &= !self.keys.is_empty();
    }

    fn on_data(&mut self, facts: Facts, now: Duration) -> Vec<Effect> {
        let told = self.facts.told;
        let before = std::mem::replace(&mut self.facts, Facts { told, ..facts });
        if before.keys != self.facts.keys {
            self.choose_keys();
            if self.caught_up {
                self.announce(&before.keys, now);
            }
        }
        self.caught_up |= !self.facts.loading;
        vec![Effect::DrawSoon]
    }

    fn announce(&mut self, before: &[MetricKey], now: Duration) {
        // What the spec or the filter hides is no news on this screen.
        let fresh: Vec<&MetricKey> = self.keys.iter().filter(|key| !before.contains(key)).collect();
        let text = match fresh.as_slice() {
            [] => return,
            [key] => format!("new series: {key}"),
            [key, rest @ ..] => format!("new series: {key} and {} more", rest.len()),
        };
        // The first series of all need no announcement: the screen fills with them.
        if !before.is_empty() {
            self.toast = Some((text, now + TOAST));
        }
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

impl Pane for Graph {
    fn update(&mut self, event: Event<'_>, now: Duration) -> Vec<Effect> {
        match event {
            Event::Key(key) => self.on_key(key),
            Event::Paste(text) => {
                let Some(mut typing) = self.typing.take() else { return vec![] };
                text.chars().for_each(|c| typing.line.insert(c));
                self.set_filter(typing.line.text());
                self.typing = Some(typing);
                vec![Effect::Draw]
            }
            Event::Resized(width, height) => {
                self.area = Rect::new(0, 0, width, height);
                vec![Effect::DrawAll]
            }
            Event::Data { facts, .. } => self.on_data(*facts, now),
            Event::Spec { graphs, .. } => {
                self.wanted = graphs;
                self.choose_keys();
                vec![Effect::DrawSoon]
            }
            Event::Controller(link) => {
                self.link = link;
                vec![Effect::DrawSoon]
            }
            Event::RunEnded(told) => {
                self.facts.told = told;
                vec![Effect::DrawSoon]
            }
            Event::Redraw(number) => {
                self.refreshed = number;
                vec![Effect::DrawAll]
            }
            Event::Deadline => match self.toast.take_if(|(_, until)| *until <= now) {
                Some(_) => vec![Effect::DrawSoon],
                None => vec![],
            },
        }
    }

    fn draw(&self, series: &SeriesMap, area: Rect, buf: &mut Buffer) {
        self.view(series, area, buf);
    }

    fn shown(&self, series: &SeriesMap, area: Rect) -> Shown {
        let layout = self.layout(area);
        let window = self.window(series);
        let visible = self.visible(&layout, series, area);
        let axis = match self.axis {
            XAxis::Step => "step",
            XAxis::Relative => "relative",
            XAxis::WallTime => "wall",
        };
        Shown {
            role: "graph".into(),
            graph: Some(GraphView {
                tab: if self.help.is_some() { "help" } else { "graphs" }.into(),
                filter: self.filter.clone(),
                filtering: self.typing.is_some(),
                focused: self.focused().map(MetricKey::to_string),
                full_screen: self.full_screen,
                x_axis: axis.into(),
                smoothing: SMOOTHING[self.smoothing],
                page: (layout.page as u32 + 1, layout.pages as u32),
                grid: (u32::from(layout.grid.rows), u32::from(layout.grid.cols)),
                keys: self.facts.keys.len() as u64,
                runs: if self.facts.name.is_empty() { vec![] } else { vec![self.facts.name.clone()] },
                source: self.source_line(),
            }),
            visible_metrics: visible.into_iter().map(|(key, series)| self.metric_view(key, series, window)).collect(),
            size: Some(Dimensions { cols: area.width, rows: area.height }),
            refreshed: self.refreshed,
        }
    }

    fn title(&self) -> String {
        if self.facts.name.is_empty() { "og graph".into() } else { format!("og graph: {}", self.facts.name) }
    }

    fn deadline(&self) -> Option<Duration> {
        self.toast.as_ref().map(|(_, until)| *until)
    }
}

impl Graph {
    /// The charts whose key and value are drawn, in the order drawn.
    fn visible<'a>(&'a self, layout: &Layout, series: &'a SeriesMap, area: Rect) -> Vec<(&'a MetricKey, &'a Series)> {
        if self.help.is_some() || view::is_tiny(area) {
            return vec![];
        }
        let shows = |&(index, cell): &(usize, Rect)| {
            let key = self.keys.get(index)?;
            let series = series.get(key)?;
            super::chart::title_parts(key.as_str(), &super::chart::value_text(series), super::chart::title_room(cell))?;
            area.contains(Position::new(cell.x, cell.y)).then_some((key, series))
        };
        layout.cells.iter().filter_map(shows).collect()
    }

    /// What is read, and how that goes.
    fn source_line(&self) -> String {
        let reading = match (self.facts.loading, self.facts.is_live()) {
            (true, _) => "loading",
            (false, true) => "live",
            (false, false) => "ended",
        };
        [self.facts.source.as_str(), reading, &self.facts.losses_text()]
            .into_iter()
            .filter(|s| !s.is_empty())
            .collect::<Vec<_>>()
            .join(" | ")
    }
}
