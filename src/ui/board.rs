//! The board: the tabs of the graph pane and of `og view`, the lines around them, and what opens above them.

mod alerts;
mod graphs;
mod help;
mod input;
mod logs;
mod overview;
mod page;
mod palette;
mod runs;
mod scroll;

use self::{
    alerts::Alerts,
    graphs::Graphs,
    help::Help,
    input::{Input, Typed},
    logs::Logs,
    overview::Overview,
    page::{Page, Shared},
    palette::Palette,
    runs::Runs,
};
use super::{
    facts::Facts,
    keymap::{Action, Keymap, Scope},
    pane::{Effect, Event, Link, Pane, Scene, Wants},
    strip::{self, Part},
    theme::Theme,
};
use crate::ipc::wire::{GraphView, Shown};
use crate::model::MetricKey;
use crate::text;
use crossterm::event::{KeyEvent, KeyEventKind};
use ratatui::{buffer::Buffer, layout::Rect};
use std::time::Duration;

/// How long a toast stays when no key is pressed.
const TOAST: Duration = Duration::from_secs(5);
/// From this height on the tabs have a line of their own.
const TABS_ROWS_MIN: u16 = 20;

/// A tab.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Tab {
    /// The charts.
    Graphs,
    /// All runs.
    Runs,
    /// What the run is.
    Run,
    /// Its console lines.
    Logs,
    /// What somebody was asked to look at.
    Alerts,
}

impl Tab {
    /// In the order of their numbers.
    pub const ALL: &[Tab] = &[Tab::Graphs, Tab::Runs, Tab::Run, Tab::Logs, Tab::Alerts];

    /// The key that shows it.
    fn number(self) -> u8 {
        match self {
            Tab::Graphs => 1,
            Tab::Runs => 2,
            Tab::Run => 3,
            Tab::Logs => 4,
            Tab::Alerts => 6,
        }
    }

    /// As a person reads it.
    fn title(self) -> &'static str {
        match self {
            Tab::Graphs => "Graphs",
            Tab::Runs => "Runs",
            Tab::Run => "Run",
            Tab::Logs => "Logs",
            Tab::Alerts => "Alerts",
        }
    }

    /// As an agent reads it.
    fn name(self) -> &'static str {
        match self {
            Tab::Graphs => "graphs",
            Tab::Runs => "runs",
            Tab::Run => "run",
            Tab::Logs => "logs",
            Tab::Alerts => "alerts",
        }
    }
}

/// What stands above the tab.
#[derive(Debug)]
enum Above {
    Nothing,
    Help(Help),
    Input(Input),
    Palette(Palette),
}

/// State of the board.
#[derive(Debug)]
pub struct Board {
    shared: Shared,
    keymap: Keymap,
    tab: Tab,
    graphs: Graphs,
    runs: Runs,
    overview: Overview,
    logs: Logs,
    alerts: Alerts,
    above: Above,
    toast: Option<(String, Duration)>,
    caught_up: bool,
    refreshed: u64,
    area: Rect,
}

/// Where everything goes.
#[derive(Clone, Copy, Debug)]
struct Layout {
    header: Option<Rect>,
    tabs: Option<Rect>,
    body: Rect,
    footer: Option<Rect>,
}

impl Board {
    /// An empty board. `utc_offset`: seconds that the local clock is ahead of UTC.
    pub fn new(theme: Theme, utc_offset: f64, keymap: Keymap) -> Board {
        Board {
            shared: Shared { theme, utc_offset, facts: Facts::default(), link: Link::Unknown },
            keymap,
            tab: Tab::Graphs,
            graphs: Graphs::default(),
            runs: Runs::default(),
            overview: Overview::default(),
            logs: Logs::default(),
            alerts: Alerts::default(),
            above: Above::Nothing,
            toast: None,
            caught_up: false,
            refreshed: 0,
            area: Rect::ZERO,
        }
    }

    /// Draws these metrics (none: all), and expects no controller.
    pub fn view_alone(&mut self, graphs: Vec<String>) {
        self.shared.link = Link::None;
        self.graphs.want(graphs);
    }

    fn page(&self) -> &dyn Page {
        match self.tab {
            Tab::Graphs => &self.graphs,
            Tab::Runs => &self.runs,
            Tab::Run => &self.overview,
            Tab::Logs => &self.logs,
            Tab::Alerts => &self.alerts,
        }
    }

    /// The page in front, and what it shares with the others.
    fn page_mut(&mut self) -> (&mut dyn Page, &Shared) {
        let page: &mut dyn Page = match self.tab {
            Tab::Graphs => &mut self.graphs,
            Tab::Runs => &mut self.runs,
            Tab::Run => &mut self.overview,
            Tab::Logs => &mut self.logs,
            Tab::Alerts => &mut self.alerts,
        };
        (page, &self.shared)
    }

    fn scopes(&self) -> [Scope; 2] {
        match self.above {
            Above::Input(_) | Above::Palette(_) => [Scope::Input; 2],
            _ => [self.page().scope(), Scope::Board],
        }
    }

    fn layout(&self, area: Rect) -> Layout {
        let header_rows = u16::from(area.height >= 3);
        let tabs_rows = u16::from(area.height >= TABS_ROWS_MIN);
        // Without a line that it can take over, the prompt takes one from the body.
        let footer_rows = u16::from(area.height >= 8 || header_rows == 0 && matches!(self.above, Above::Input(_)));
        let row = |y: u16, rows: u16| (rows > 0).then_some(Rect { y, height: 1, ..area });
        let above = header_rows + tabs_rows;
        Layout {
            header: row(area.y, header_rows),
            tabs: row(area.y + header_rows, tabs_rows),
            body: Rect { y: area.y + above, height: area.height.saturating_sub(above + footer_rows), ..area },
            footer: row(area.bottom().saturating_sub(1), footer_rows),
        }
    }

    fn on_key(&mut self, key: KeyEvent, scene: Scene<'_>) -> Vec<Effect> {
        if key.kind == KeyEventKind::Release {
            return vec![];
        }
        let had_toast = self.toast.take().is_some();
        let action = self.keymap.action(&self.scopes(), key);
        let effects = match std::mem::replace(&mut self.above, Above::Nothing) {
            Above::Input(input) => self.on_input(input, input::Key { action, key }, scene),
            Above::Palette(palette) => self.on_palette(palette, input::Key { action, key }, scene),
            Above::Help(help) => match (action, help.act(action, &self.keymap)) {
                (Some(Action::Quit), _) => vec![Effect::Quit],
                (_, Some(help)) => {
                    self.above = Above::Help(help);
                    vec![Effect::Draw]
                }
                (_, None) => vec![Effect::Draw],
            },
            Above::Nothing => action.map_or_else(Vec::new, |action| self.act(action, scene)),
        };
        if effects.is_empty() && had_toast { vec![Effect::Draw] } else { effects }
    }

    fn on_input(&mut self, mut input: Input, key: input::Key, scene: Scene<'_>) -> Vec<Effect> {
        match input.take(key) {
            Typed::Kept => self.set_query(&input, scene),
            Typed::Cancelled => self.set_query(&Input::new(input.before(), ""), scene),
            Typed::Edited => {
                self.set_query(&input, scene);
                self.above = Above::Input(input);
            }
            Typed::Copied(text) => {
                self.above = Above::Input(input);
                return vec![Effect::Copy(text)];
            }
            Typed::Nothing => {
                self.above = Above::Input(input);
                return vec![];
            }
        }
        vec![Effect::Draw]
    }

    fn on_palette(&mut self, mut palette: Palette, key: input::Key, scene: Scene<'_>) -> Vec<Effect> {
        match palette.take(key, &self.keymap) {
            palette::Chosen::Action(action) => self.act(action, scene),
            palette::Chosen::Nothing => vec![Effect::Draw],
            palette::Chosen::NotYet(effects) => {
                self.above = Above::Palette(palette);
                effects
            }
        }
    }

    fn set_query(&mut self, input: &Input, scene: Scene<'_>) {
        let (text, regex) = (input.text(), input.is_regex());
        let (page, shared) = self.page_mut();
        page.set_query(&text, regex, shared, scene);
    }

    fn act(&mut self, action: Action, scene: Scene<'_>) -> Vec<Effect> {
        let body = self.layout(self.area).body;
        let (page, shared) = self.page_mut();
        if let Some(effects) = page.act(action, shared, scene, body) {
            return effects;
        }
        match action {
            Action::Quit => return vec![Effect::Quit],
            Action::Help => self.above = Above::Help(Help::default()),
            Action::Palette => self.above = Above::Palette(Palette::new(self.page().scope())),
            Action::OpenFilter => self.above = Above::Input(Input::new(self.page().query(), "/")),
            Action::Tab(tab) => self.tab = tab,
            Action::NextTab => self.turn(1),
            Action::PreviousTab => self.turn(-1),
            Action::Back => {
                let (page, shared) = self.page_mut();
                if !page.back(shared) {
                    return vec![];
                }
            }
            _ => return vec![],
        }
        let (page, shared) = self.page_mut();
        page.refresh(shared, scene);
        vec![Effect::Draw]
    }

    fn turn(&mut self, by: isize) {
        let at = Tab::ALL.iter().position(|tab| *tab == self.tab).unwrap_or(0) as isize + by;
        self.tab = Tab::ALL[at.rem_euclid(Tab::ALL.len() as isize) as usize];
    }

    fn on_data(&mut self, facts: Facts, scene: Scene<'_>, now: Duration) -> Vec<Effect> {
        let told = self.shared.facts.told;
        let before = std::mem::replace(&mut self.shared.facts, Facts { told, ..facts });
        let (page, shared) = self.page_mut();
        page.refresh(shared, scene);
        if before.keys != self.shared.facts.keys {
            self.graphs.refresh(&self.shared, scene);
            if self.caught_up {
                self.announce(&before.keys, now);
            }
        }
        self.caught_up |= !self.shared.facts.loading;
        vec![Effect::DrawSoon]
    }

    fn announce(&mut self, before: &[MetricKey], now: Duration) {
        let fresh: Vec<&MetricKey> = self.graphs.keys().iter().filter(|key| !before.contains(key)).collect();
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

    // --- drawing: everything below only reads ---

    fn header(&self, row: Rect, with_tab: bool, buf: &mut Buffer) {
        let (theme, facts) = (&self.shared.theme, &self.shared.facts);
        let mut parts = facts.head(theme);
        if let Some(eta) = facts.eta() {
            parts.push(Part::new(format!("ETA {}", text::duration(eta)), theme.quiet(), 11));
        }
        if with_tab && self.tab != Tab::Graphs {
            parts.insert(0, Part::new(self.tab.title(), theme.accent(), 13));
        }
        strip::draw(parts, theme, row, buf);
    }

    fn tabs(&self, row: Rect, buf: &mut Buffer) {
        let theme = &self.shared.theme;
        let mut x = row.x;
        for tab in Tab::ALL {
            let style = if *tab == self.tab { theme.chosen() } else { theme.quiet() };
            let word = format!(" {} {} ", tab.number(), tab.title());
            if x + text::width(&word) as u16 > row.right() {
                break;
            }
            x = buf.set_stringn(x, row.y, word, usize::from(row.right() - x), style).0 + 1;
        }
    }

    fn footer(&self, row: Rect, layout: &Layout, scene: Scene<'_>, buf: &mut Buffer) {
        let (theme, facts) = (&self.shared.theme, &self.shared.facts);
        let mut parts = vec![];
        if let Some((toast, _)) = &self.toast {
            parts.push(Part::new(toast.as_str(), theme.accent(), 10));
        }
        parts.extend(self.page().footer(&self.shared, scene, layout.body));
        if self.shared.link == Link::Down {
            parts.push(Part::new("no controller", theme.warn(), 5));
        }
        if !facts.source.is_empty() {
            parts.push(Part::new(format!("source: {}", facts.source), theme.quiet(), 3));
        }
        parts.push(Part::new(facts.reading(), theme.quiet(), 4));
        parts.push(Part::new(facts.losses_text(), theme.warn(), 7));
        let hint = |scope, action, word: &str, rank| {
            let keys = self.keymap.keys_of(scope, action)?;
            Some(Part::new(format!("{keys} {word}"), theme.faint(), rank))
        };
        let scope = self.page().scope();
        parts.extend(hint(Scope::Board, Action::OpenFilter, "filter", 2));
        parts.extend(hint(scope, Action::Open, "zoom", 1));
        parts.extend(hint(Scope::Board, Action::Help, "help", 4));
        parts.extend(hint(Scope::Board, Action::Quit, "quit", 1));
        strip::draw(parts, theme, row, buf);
    }

    fn tiny(&self, area: Rect, buf: &mut Buffer) {
        let (theme, facts) = (&self.shared.theme, &self.shared.facts);
        let step = facts.step.map(|step| text::si(step as f64, 3)).unwrap_or_default();
        let sign = Part::new(theme.state_sign(facts.run_state()), theme.state(facts.run_state()), 2);
        strip::draw(vec![sign, Part::joined(step, theme.value(), 1)], theme, Rect { height: 1, ..area }, buf);
    }
}

/// Whether an area is too small for any tab: it then shows the state of the run and its step.
fn is_tiny(area: Rect) -> bool {
    area.width < 8 || area.height < 2
}

impl Pane for Board {
    fn update(&mut self, event: Event, scene: Scene<'_>, now: Duration) -> Vec<Effect> {
        match event {
            Event::Key(key) => self.on_key(key, scene),
            Event::Paste(text) => match std::mem::replace(&mut self.above, Above::Nothing) {
                Above::Input(mut input) => {
                    input.paste(&text);
                    self.set_query(&input, scene);
                    self.above = Above::Input(input);
                    vec![Effect::Draw]
                }
                above => {
                    self.above = above;
                    vec![]
                }
            },
            Event::Resized(width, height) => {
                self.area = Rect::new(0, 0, width, height);
                vec![Effect::DrawAll]
            }
            Event::Data(facts) => self.on_data(*facts, scene, now),
            Event::Spec { graphs, .. } => {
                self.graphs.want(graphs);
                self.graphs.refresh(&self.shared, scene);
                vec![Effect::DrawSoon]
            }
            Event::Controller(link) => {
                self.shared.link = link;
                vec![Effect::DrawSoon]
            }
            Event::RunEnded(told) => {
                self.shared.facts.told = told;
                vec![Effect::DrawSoon]
            }
            Event::Redraw(number) => {
                self.refreshed = number;
                vec![Effect::DrawAll]
            }
            Event::Runs(listing) => {
                self.runs.hear(listing, &self.shared, scene);
                vec![Effect::DrawSoon]
            }
            Event::Deadline => match self.toast.take_if(|(_, until)| *until <= now) {
                Some(_) => vec![Effect::DrawSoon],
                None => vec![],
            },
        }
    }

    fn apart(&self, key: KeyEvent) -> Vec<KeyEvent> {
        self.keymap.apart(&self.scopes(), key)
    }

    fn draw(&self, scene: Scene<'_>, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        if is_tiny(area) {
            return self.tiny(area, buf);
        }
        let layout = self.layout(area);
        match &self.above {
            Above::Help(help) => help.draw(&self.keymap, &self.shared.theme, layout.body, buf),
            Above::Palette(palette) => palette.draw(&self.keymap, &self.shared.theme, layout.body, buf),
            _ => self.page().draw(&self.shared, scene, layout.body, buf),
        }
        if let Some(row) = layout.header {
            self.header(row, layout.tabs.is_none(), buf);
        }
        if let Some(row) = layout.tabs {
            self.tabs(row, buf);
        }
        if let Some(row) = layout.footer {
            self.footer(row, &layout, scene, buf);
        }
        if let Above::Input(input) = &self.above {
            let row = layout.footer.or(layout.header).unwrap_or(Rect { height: 1, ..area });
            input.draw(&self.page().found(&self.shared, scene), &self.shared.theme, row, buf);
        }
    }

    fn shown(&self, scene: Scene<'_>, area: Rect) -> Shown {
        let facts = &self.shared.facts;
        let page = self.page();
        let mut view = GraphView {
            tab: self.tab.name().into(),
            filter: page.query().to_owned(),
            filtering: matches!(self.above, Above::Input(_)),
            keys: facts.keys.len() as u64,
            runs: if facts.name.is_empty() { vec![] } else { vec![facts.name.clone()] },
            source: facts.source_line(),
            ..GraphView::default()
        };
        let mut visible_metrics = page.tell(&mut view, &self.shared, scene, self.layout(area).body);
        match &self.above {
            Above::Help(help) => view.tab = help.name().into(),
            Above::Palette(_) => view.tab = "palette".into(),
            _ => {}
        }
        if matches!(self.above, Above::Help(_) | Above::Palette(_)) || is_tiny(area) {
            visible_metrics.clear();
        }
        Shown { role: "graph".into(), graph: Some(view), visible_metrics, refreshed: self.refreshed }
    }

    fn title(&self) -> String {
        if self.shared.facts.name.is_empty() { "og graph".into() } else { format!("og graph: {}", self.shared.facts.name) }
    }

    fn deadline(&self) -> Option<Duration> {
        self.toast.as_ref().map(|(_, until)| *until)
    }

    fn wants(&self) -> Wants {
        Wants { runs: self.tab == Tab::Runs, overlaid: self.runs.overlaid() }
    }
}
