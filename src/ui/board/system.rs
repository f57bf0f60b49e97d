//! The machine: what it does now, as bars, charts and the processes of the run; or how it was, as the run itself sampled it.

mod charts;
mod gauges;
mod processes;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub use tests::machine;

use super::{
    page::{Found, Page, Refused, Shared, can_be_page, page_at, truth},
    scroll::Scroll,
    sieve::Sieve,
};
use crate::ipc::wire::{GraphView, MetricView};
use crate::model::{MetricKey, SeriesMap};
use crate::text;
use crate::ui::{
    grid::Grid,
    host::{Host, Machine, Process},
    keymap::{Action, Scope},
    pane::{Effect, Scene},
    strip::{self, Part},
    theme::Theme,
};
use charts::Panel;
use gauges::Row;
use processes::Sort;
use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use serde_json::{Value, json};

/// Below this height there are only bars.
const MORE_ROWS_MIN: u16 = 8;
/// Lowest row of charts.
const CHART_ROWS_MIN: u16 = 5;

/// State of the tab.
#[derive(Debug)]
pub struct System {
    filter: Sieve,
    scroll: Scroll,
    /// Page of charts, 0-based.
    page: usize,
    sort: Sort,
    wish: Wish,
    paused: bool,
}

impl Default for System {
    fn default() -> System {
        System { filter: Sieve::default(), scroll: Scroll::From(0), page: 0, sort: Sort::default(), wish: Wish::Either, paused: false }
    }
}

/// What the person wants to see.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wish {
    /// The machine while the training runs on it, else the run's samples.
    Either,
    /// The machine.
    Now,
    /// The samples of the run.
    Samples,
}

impl Wish {
    /// Why it cannot be; `None`: it can.
    fn missing(self, scene: Scene<'_>) -> Option<&'static str> {
        match self {
            Wish::Samples if scene.run.system.series().is_empty() => {
                Some("the run has not sampled its machine: there is only what it does now")
            }
            Wish::Now if !scene.is_here && scene.host.is_none() => Some("the run is not on this machine: there is only what it sampled"),
            _ => None,
        }
    }
}

/// Where what is shown comes from.
#[derive(Clone, Copy, Debug)]
enum Source<'a> {
    /// We look at the machine, or did until the training ended.
    Machine(&'a Machine),
    /// The run sampled it.
    Samples(&'a SeriesMap),
    /// We have not seen it yet, but will.
    Soon,
    /// Nobody looked.
    Nothing,
}

impl<'a> Source<'a> {
    fn series(self) -> Option<&'a SeriesMap> {
        match self {
            Source::Machine(machine) => Some(machine.past()),
            Source::Samples(series) => Some(series),
            Source::Soon | Source::Nothing => None,
        }
    }

    fn host(self) -> Option<&'a Host> {
        if let Source::Machine(machine) = self { Some(&machine.last) } else { None }
    }

    /// As an agent reads it.
    fn word(self) -> &'static str {
        match self {
            Source::Machine(_) => "now",
            Source::Samples(_) => "samples",
            Source::Soon => "soon",
            Source::Nothing => "none",
        }
    }
}

/// What goes where.
struct Layout<'a> {
    source: Source<'a>,
    /// One line about the samples.
    head: Option<Rect>,
    /// Bars, a row each.
    gauges: Vec<(Row, Rect)>,
    /// All charts there are, and the places of those in sight.
    panels: Vec<Panel>,
    cells: Vec<(usize, Rect)>,
    grid: Grid,
    page: usize,
    pages: usize,
    /// The processes in order, and where they are listed.
    processes: Vec<&'a Process>,
    table: Rect,
    /// Rows of the table that show a process.
    rows: usize,
}

impl System {
    /// Why the other source is not shown.
    pub fn no_other(&self, scene: Scene<'_>) -> &'static str {
        let wish = if matches!(self.source(scene), Source::Samples(_)) { Wish::Now } else { Wish::Samples };
        wish.missing(scene).unwrap_or_default()
    }

    /// Whether it shows how the machine is now, so that somebody must look at it.
    pub fn watches(&self) -> bool {
        !self.paused && self.wish != Wish::Samples
    }

    fn source<'a>(&self, scene: Scene<'a>) -> Source<'a> {
        let samples = Some(scene.run.system.series()).filter(|series| !series.is_empty());
        match (self.wish, scene.host, samples) {
            (Wish::Samples, _, Some(samples)) => Source::Samples(samples),
            (Wish::Now, Some(machine), _) | (_, Some(machine), None) => Source::Machine(machine),
            (_, Some(machine), _) if scene.is_here => Source::Machine(machine),
            (_, None, None) if scene.is_here => Source::Soon,
            (_, _, Some(samples)) => Source::Samples(samples),
            _ => Source::Nothing,
        }
    }

    fn layout<'a>(&self, shared: &Shared, scene: Scene<'a>, area: Rect) -> Layout<'a> {
        let source = self.source(scene);
        let processes = source.host().map_or_else(Vec::new, |host| self.sort.of(&host.processes, &self.filter));
        let has_more = area.height >= MORE_ROWS_MIN;
        // The bars come first; the list of processes keeps two of them.
        let room = if has_more { area.height - 4 } else { area.height };
        let rows = source.host().map_or_else(Vec::new, |host| gauges::rows(host, scene.is_here, (area.width, room), &shared.theme));
        let head = (has_more && matches!(source, Source::Samples(_))).then_some(Rect { height: 1, ..area });
        let used = rows.len() as u16 + head.map_or(0, |row| row.height);
        let rest = area.height - used;
        let listed = if source.host().is_some() { (processes.len() as u16).max(1) + 2 } else { 0 };
        let panels = source.series().map_or_else(Vec::new, |series| charts::panels(series, &self.filter));
        let table = listed.min((rest / 3).max(4)).min(rest);
        let (charts, table) = match rest - table {
            _ if panels.is_empty() => (0, rest),
            room if room < CHART_ROWS_MIN && source.host().is_some() => (0, rest),
            room => (room, table),
        };
        let charts = Rect { y: area.y + used, height: charts, ..area };
        let table = Rect { y: charts.bottom(), height: if table < 3 { 0 } else { table }, ..area };
        let count = if charts.is_empty() { 0 } else { panels.len() };
        let grid = Grid::fit(charts, count);
        let pages = count.div_ceil(grid.cells()).max(1);
        let page = self.page.min(pages - 1);
        let on_page = page * grid.cells()..count.min((page + 1) * grid.cells());
        let places = on_page.len();
        Layout {
            source,
            head,
            gauges: rows.into_iter().zip(area.rows()).collect(),
            panels,
            cells: on_page.enumerate().map(|(slot, index)| (index, grid.cell(charts, slot, places))).collect(),
            grid,
            page,
            pages,
            processes,
            table,
            rows: usize::from(table.height.saturating_sub(2)),
        }
    }

    /// What the samples of the run are.
    fn head(&self, series: &SeriesMap, shared: &Shared, scene: Scene<'_>) -> Vec<Part> {
        let theme = &shared.theme;
        let count = series.values().map(|series| series.len()).max().unwrap_or(0);
        let mut parts = vec![
            Part::new("sampled by the run", theme.title(), 9),
            Part::new(format!("{count} times"), theme.value(), 8),
            Part::new(format!("{} values", series.len()), theme.quiet(), 4),
        ];
        if let Some((from, to)) = charts::extent(series) {
            parts.push(Part::new(format!("{} to {}", shared.clock(from), shared.clock(to)), theme.quiet(), 7));
            parts.push(Part::joined(format!("({})", text::duration(to - from)), theme.quiet(), 5));
        }
        parts.push(Part::new(scene.run.info.host.clone().unwrap_or_default(), theme.quiet(), 6));
        parts
    }

    fn nothing(&self, source: Source<'_>, shared: &Shared, scene: Scene<'_>, area: Rect, buf: &mut Buffer) {
        let theme = &shared.theme;
        let lines: Vec<(String, Style)> = match source {
            Source::Soon => vec![("looking at the machine...".into(), theme.title())],
            _ if !shared.facts.is_live() => vec![
                ("the run is over, and did not sample its machine".into(), theme.title()),
                ("wandb and Trackio do so; og looks at the machine while a training runs here".into(), theme.quiet()),
            ],
            _ => {
                let place = scene
                    .run
                    .info
                    .host
                    .as_ref()
                    .map_or_else(|| "this machine".to_owned(), |host| format!("this machine ({host} is its host)"));
                vec![
                    (format!("no process of the run is known on {place}"), theme.title()),
                    ("and it has not sampled the machine that it is on; wandb and Trackio do so".into(), theme.quiet()),
                ]
            }
        };
        let wrapped =
            |(line, style): (String, Style)| text::wrap(&line, usize::from(area.width)).into_iter().map(move |line| (line, style));
        let lines: Vec<(String, Style)> = lines.into_iter().flat_map(wrapped).collect();
        let top = area.y + area.height.saturating_sub(lines.len() as u16) / 2;
        for (y, (line, style)) in (top..area.bottom()).zip(lines) {
            let line = theme.plain(text::cut(&line, usize::from(area.width)));
            let x = area.x + (area.width - (text::width(&line) as u16).min(area.width)) / 2;
            buf.set_stringn(x, y, &line, usize::from(area.width), style);
        }
    }

    /// The last page that there is, seen from here.
    fn turn(&mut self, by: isize, layout: &Layout<'_>) {
        self.page = layout.page.saturating_add_signed(by).min(layout.pages - 1);
    }
}

impl Page for System {
    fn scope(&self) -> Scope {
        Scope::System
    }

    fn act(&mut self, action: Action, shared: &Shared, scene: Scene<'_>, area: Rect) -> Option<Vec<Effect>> {
        let layout = self.layout(shared, scene, area);
        match action {
            Action::Sort => self.sort = self.sort.next(),
            Action::SortBack => self.sort = self.sort.back(),
            Action::Pause => self.paused = !self.paused,
            Action::Left => self.turn(-1, &layout),
            Action::Right => self.turn(1, &layout),
            Action::Samples => {
                let wish = if matches!(layout.source, Source::Samples(_)) { Wish::Now } else { Wish::Samples };
                if wish.missing(scene).is_some() {
                    return None;
                }
                (self.wish, self.page, self.scroll) = (wish, 0, Scroll::From(0));
            }
            Action::PageUp if layout.rows == 0 => self.turn(-1, &layout),
            Action::PageDown if layout.rows == 0 => self.turn(1, &layout),
            _ => self.scroll = self.scroll.act(action, layout.processes.len(), layout.rows, false)?,
        }
        Some(vec![Effect::Draw])
    }

    fn back(&mut self, _shared: &Shared) -> bool {
        let filtered = self.filter.clear();
        filtered || std::mem::take(&mut self.paused)
    }

    fn refresh(&mut self, _shared: &Shared, _scene: Scene<'_>) {}

    fn query(&self) -> &str {
        self.filter.text()
    }

    fn is_regex(&self) -> bool {
        self.filter.is_regex()
    }

    fn set_query(&mut self, text: &str, regex: bool, _shared: &Shared, _scene: Scene<'_>) {
        self.filter = Sieve::new(text, regex);
        (self.page, self.scroll) = (0, Scroll::From(0));
    }

    fn found(&self, _shared: &Shared, scene: Scene<'_>) -> Found {
        let source = self.source(scene);
        let count = |filter: &Sieve| {
            let panels = source.series().map_or(0, |series| charts::panels(series, filter).len());
            panels + source.host().map_or(0, |host| self.sort.of(&host.processes, filter).len())
        };
        self.filter.found(count(&self.filter), count(&Sieve::default()))
    }

    fn set(&mut self, name: &str, text: &str, shared: &Shared, scene: Scene<'_>, area: Rect) -> Result<(), Refused> {
        match name {
            "sort" => self.sort = Sort::parse(text).ok_or_else(|| Refused::Value(format!("{} is wanted, not `{text}`", Sort::WORDS)))?,
            "paused" => self.paused = truth(text)?,
            "page" => self.page = can_be_page(page_at(text)?, self.layout(shared, scene, area).pages)?,
            "source" => {
                let wish = match text {
                    "" | "either" | "soon" | "none" => Wish::Either,
                    "now" => Wish::Now,
                    "samples" => Wish::Samples,
                    _ => return Err(Refused::Value(format!("`now`, `samples` or `either` is wanted, not `{text}`"))),
                };
                if let Some(why) = wish.missing(scene) {
                    return Err(Refused::Value(why.into()));
                }
                self.wish = wish;
            }
            _ => {
                let layout = self.layout(shared, scene, area);
                let (rows, height) = (layout.processes.len(), layout.rows);
                return self.scroll.set(name, text, rows, height);
            }
        }
        Ok(())
    }

    fn kept(&self) -> Vec<(&'static str, String)> {
        vec![("sort", self.sort.word())]
    }

    fn draw(&self, shared: &Shared, scene: Scene<'_>, area: Rect, buf: &mut Buffer) {
        let layout = self.layout(shared, scene, area);
        let theme = &shared.theme;
        let Some(series) = layout.source.series() else { return self.nothing(layout.source, shared, scene, area, buf) };
        if let Some(row) = layout.head {
            strip::draw(self.head(series, shared, scene), theme, row, buf);
        }
        for (row, place) in &layout.gauges {
            row.draw(theme, *place, buf);
        }
        let window = charts::extent(series);
        for (index, cell) in &layout.cells {
            layout.panels[*index].draw(series, window, shared, *cell, buf);
        }
        if layout.cells.is_empty() && layout.source.host().is_none() && !area.is_empty() {
            let y = layout.head.map_or(area.y, |row| row.bottom());
            buf.set_stringn(
                area.x,
                y,
                theme.plain(format!("no sample matches `{}`", self.filter.text()).into()),
                usize::from(area.width),
                theme.warn(),
            );
        }
        if let (Some(host), false) = (layout.source.host(), layout.table.is_empty()) {
            let top = self.scroll.top(layout.processes.len(), layout.rows);
            let list = processes::List { sort: self.sort, all: host, shown: &layout.processes, top };
            list.draw(theme, layout.table, buf);
        }
    }

    fn footer(&self, shared: &Shared, scene: Scene<'_>, area: Rect) -> Vec<Part> {
        let (theme, layout) = (&shared.theme, self.layout(shared, scene, area));
        let mut parts = vec![];
        match layout.source {
            Source::Machine(_) if self.paused => parts.push(Part::new("paused", theme.warn(), 9)),
            Source::Machine(_) if scene.is_here => parts.push(Part::new("every 2 s", theme.accent(), 6)),
            Source::Machine(machine) => parts.push(Part::new(format!("last seen {}", shared.clock(machine.last.at)), theme.warn(), 9)),
            Source::Samples(_) | Source::Soon | Source::Nothing => {}
        }
        if layout.pages > 1 {
            parts.push(Part::new(format!("charts {}/{}", layout.page + 1, layout.pages), theme.value(), 8));
            parts.push(Part::joined(" n next", theme.faint(), 3));
        }
        if layout.rows > 0 && layout.processes.len() > layout.rows {
            let (top, count) = (self.scroll.top(layout.processes.len(), layout.rows), layout.processes.len());
            parts.push(Part::new(format!("processes {}-{} of {count}", top + 1, top + layout.rows), theme.value(), 8));
        }
        parts.extend(self.filter.part(layout.panels.len() + layout.processes.len(), shared));
        parts
    }

    fn tell(&self, view: &mut GraphView, shared: &Shared, scene: Scene<'_>, area: Rect) -> Vec<MetricView> {
        let layout = self.layout(shared, scene, area);
        view.paused = self.paused;
        view.page = (layout.page as u32 + 1, layout.pages as u32);
        view.grid = (u32::from(layout.grid.rows), u32::from(layout.grid.cols));
        let gauges: Vec<Value> = layout.gauges.iter().filter_map(|(row, place)| row.told(place.width)).collect();
        let charts: Vec<Value> = layout.source.series().map_or_else(Vec::new, |series| {
            let window = charts::extent(series);
            layout.cells.iter().map(|(index, cell)| layout.panels[*index].told(series, window, shared, *cell)).collect()
        });
        let host = layout.source.host().map(|host| {
            let top = self.scroll.top(layout.processes.len(), layout.rows);
            let listed: Vec<Value> = layout.processes.iter().skip(top).take(layout.rows).map(|process| processes::told(process)).collect();
            json!({
                "machine": gauges::told(host),
                "processes": {"count": host.processes.len(), "top": top + 1, "sort": self.sort.word(), "rows": listed, "run": processes::told(&host.run())},
            })
        });
        view.detail = json!({ "source": layout.source.word(), "isHere": scene.is_here, "gauges": gauges, "charts": charts, "sort": self.sort.word() });
        if let (Some(detail), Some(Value::Object(host))) = (view.detail.as_object_mut(), host) {
            detail.extend(host);
            detail.insert("top".into(), self.scroll.top(layout.processes.len(), layout.rows).into());
        }
        vec![]
    }
}

/// A number to three places behind the point: more of it is noise.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// Writes `text` from `x` on, cut at the right end of `row`; returns the column behind it.
fn put(row: Rect, x: u16, text: &str, style: Style, theme: &Theme, buf: &mut Buffer) -> u16 {
    let room = usize::from(row.right().saturating_sub(x));
    if room == 0 { x } else { buf.set_stringn(x, row.y, theme.plain(text::cut(text, room)), room, style).0 }
}

/// The keys of a chart with their names.
type Named = Vec<(String, MetricKey)>;
