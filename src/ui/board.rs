//! The board: the tabs of the graph pane and of `og view`, the lines around them, and what opens above them.

mod alerts;
mod chat;
mod graphs;
mod help;
mod input;
mod logs;
mod menu;
mod overview;
mod page;
mod palette;
mod rollouts;
pub(in crate::ui) mod runs;
mod scroll;
mod set;
mod system;
#[cfg(test)]
pub use system::machine;

pub use logs::Level;

use self::{
    alerts::Alerts,
    chat::Chat,
    graphs::Graphs,
    help::Help,
    input::{Input, Purpose, Typed},
    logs::Logs,
    menu::{Chose, List, Looks},
    overview::Overview,
    page::{Found, Page, Shared},
    palette::Palette,
    rollouts::Rollouts,
    runs::Runs,
    system::System,
};
use super::{
    config::{Settings, View},
    edit::History,
    facts::Facts,
    keymap::{Action, Keymap, Scope},
    pane::{Effect, Event, Link, Pane, Scene, Wants},
    strip::{self, Part},
    theme::{Frame, Scheme, Theme},
};
use crate::ipc::wire::{Dimensions, GraphView, Shown};
use crate::model::MetricKey;
use crate::store::tags_text;
use crate::text;
use crossterm::event::{KeyEvent, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
    widgets::{Clear, Widget},
};
use std::{collections::HashSet, time::Duration};

/// How long a toast stays when no key is pressed.
const TOAST: Duration = Duration::from_secs(5);
/// How long what went wrong stays.
const LONG_TOAST: Duration = Duration::from_secs(20);
/// Rest before a page goes on with what it could not make at once: keys and frames come first.
const MORE: Duration = Duration::from_millis(25);
/// From this height on the tabs have a line of their own.
const TABS_ROWS_MIN: u16 = 20;

/// From this width on the header says what a word is about.
const WORDY_COLS_MIN: u16 = 60;

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
    /// The machine that it runs on.
    System,
    /// What somebody was asked to look at.
    Alerts,
    /// What the model answered.
    Rollouts,
    /// What people and agents say.
    Chat,
}

impl Tab {
    /// In the order of their numbers.
    pub const ALL: &[Tab] = &[Tab::Graphs, Tab::Runs, Tab::Run, Tab::Logs, Tab::System, Tab::Alerts, Tab::Rollouts, Tab::Chat];

    /// The key that shows it.
    fn number(self) -> u8 {
        match self {
            Tab::Graphs => 1,
            Tab::Runs => 2,
            Tab::Run => 3,
            Tab::Logs => 4,
            Tab::System => 5,
            Tab::Alerts => 6,
            Tab::Rollouts => 7,
            Tab::Chat => 8,
        }
    }

    /// As a person reads it.
    fn title(self) -> &'static str {
        match self {
            Tab::Graphs => "Graphs",
            Tab::Runs => "Runs",
            Tab::Run => "Run",
            Tab::Logs => "Logs",
            Tab::System => "System",
            Tab::Alerts => "Alerts",
            Tab::Rollouts => "Rollouts",
            Tab::Chat => "Chat",
        }
    }

    /// The same where there is little room.
    fn short(self) -> &'static str {
        match self {
            Tab::System => "Sys",
            Tab::Alerts => "Alrt",
            Tab::Rollouts => "Roll",
            _ => self.title(),
        }
    }

    /// Its page as it comes.
    fn fresh(self) -> Box<dyn Page> {
        match self {
            Tab::Graphs => Box::new(Graphs::default()),
            Tab::Runs => Box::new(Runs::default()),
            Tab::Run => Box::new(Overview::default()),
            Tab::Logs => Box::new(Logs::default()),
            Tab::System => Box::new(System::default()),
            Tab::Alerts => Box::new(Alerts::default()),
            Tab::Rollouts => Box::new(Rollouts::default()),
            Tab::Chat => Box::new(Chat::default()),
        }
    }

    /// As an agent reads it.
    fn name(self) -> &'static str {
        match self {
            Tab::Graphs => "graphs",
            Tab::Runs => "runs",
            Tab::Run => "run",
            Tab::Logs => "logs",
            Tab::System => "system",
            Tab::Alerts => "alerts",
            Tab::Rollouts => "rollouts",
            Tab::Chat => "chat",
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
    List(List),
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
    system: System,
    alerts: Alerts,
    rollouts: Rollouts,
    chat: Chat,
    above: Above,
    settings: Settings,
    ui: Frame,
    /// Who sits where, when that is far away: `user@host`.
    badge: Option<String>,
    /// What was typed before, by purpose.
    history: [History; Purpose::COUNT],
    /// What is to be done besides, once the event at hand is taken in.
    wishes: Vec<Effect>,
    toast: Option<(String, Duration)>,
    /// When the charts go on with what they make.
    more_at: Option<Duration>,
    caught_up: bool,
    /// To be set once the run is read.
    first: Option<View>,
    refreshed: u64,
    /// The last `setView` that was taken, and what of it was refused.
    set: (u64, Vec<String>),
    area: Rect,
}

/// Where everything goes.
#[derive(Clone, Copy, Debug)]
struct Layout {
    header: Option<Rect>,
    tabs: Option<Rect>,
    body: Rect,
    footer: Option<Rect>,
    /// The body has the row of the footer too, unless something is said or typed there.
    lent: bool,
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
            system: System::default(),
            alerts: Alerts::default(),
            rollouts: Rollouts::default(),
            chat: Chat::default(),
            above: Above::Nothing,
            settings: Settings::default(),
            ui: Frame::Full,
            badge: None,
            history: Default::default(),
            wishes: vec![],
            toast: None,
            more_at: None,
            caught_up: false,
            first: None,
            refreshed: 0,
            set: (0, vec![]),
            area: Rect::ZERO,
        }
    }

    /// Takes what the person set, what is wrong with the file in which that is done, and the badge of a far terminal.
    pub fn settle(&mut self, settings: Settings, problem: Option<String>, badge: Option<String>) {
        self.ui = settings.ui.unwrap_or_default();
        self.badge = badge;
        if let Some(smoothing) = &settings.smoothing {
            let empty = crate::store::RunPicture::default();
            let set = self.graphs.set("smoothing", &set::as_text(smoothing), &self.shared, Scene::of(&empty));
            self.toast = set.is_err().then(|| (format!("config.json: smoothing cannot be {smoothing}"), LONG_TOAST));
        }
        self.settings = settings;
        self.toast = problem.map(|problem| (problem, LONG_TOAST)).or(self.toast.take());
    }

    /// Draws these metrics (none: all), and expects no controller.
    pub fn view_alone(&mut self, graphs: Vec<String>) {
        self.shared.link = Link::None;
        self.graphs.want(graphs, vec![]);
    }

    /// Sets these names as soon as the run is read.
    pub fn show_first(&mut self, view: View) {
        self.first = Some(view).filter(|view| !view.is_empty());
    }

    fn page(&self) -> &dyn Page {
        match self.tab {
            Tab::Graphs => &self.graphs,
            Tab::Runs => &self.runs,
            Tab::Run => &self.overview,
            Tab::Logs => &self.logs,
            Tab::System => &self.system,
            Tab::Alerts => &self.alerts,
            Tab::Rollouts => &self.rollouts,
            Tab::Chat => &self.chat,
        }
    }

    /// The page in front, and what it shares with the others.
    fn page_mut(&mut self) -> (&mut dyn Page, &Shared) {
        let page: &mut dyn Page = match self.tab {
            Tab::Graphs => &mut self.graphs,
            Tab::Runs => &mut self.runs,
            Tab::Run => &mut self.overview,
            Tab::Logs => &mut self.logs,
            Tab::System => &mut self.system,
            Tab::Alerts => &mut self.alerts,
            Tab::Rollouts => &mut self.rollouts,
            Tab::Chat => &mut self.chat,
        };
        (page, &self.shared)
    }

    fn scopes(&self) -> [Scope; 2] {
        match self.above {
            Above::Input(_) | Above::Palette(_) => [Scope::Input; 2],
            Above::List(_) => [Scope::Menu, Scope::Board],
            _ => [self.page().scope(), Scope::Board],
        }
    }

    fn layout(&self, area: Rect) -> Layout {
        let full = self.ui == Frame::Full;
        let header_rows = u16::from(area.height >= 3);
        let tabs_rows = u16::from(full && area.height >= TABS_ROWS_MIN);
        // Without a line that it can take over, the prompt takes one from the body.
        let footer_rows = u16::from(full && area.height >= 8 || header_rows == 0 && matches!(self.above, Above::Input(_)));
        let row = |y: u16, rows: u16| (rows > 0).then_some(Rect { y, height: 1, ..area });
        let above = header_rows + tabs_rows;
        let body = Rect { y: area.y + above, height: area.height.saturating_sub(above + footer_rows), ..area };
        let covered = matches!(self.above, Above::Help(_) | Above::Palette(_) | Above::List(_));
        let lent = footer_rows > 0 && header_rows > 0 && !covered && self.page().takes_footer(body);
        Layout {
            header: row(area.y, header_rows),
            tabs: row(area.y + header_rows, tabs_rows),
            body: Rect { height: body.height + u16::from(lent), ..body },
            footer: row(area.bottom().saturating_sub(1), footer_rows),
            lent,
        }
    }

    /// Whether the footer has something to say that goes before what a page wants to draw there.
    fn needs_footer(&self) -> bool {
        self.toast.is_some() || matches!(self.above, Above::Input(_))
    }

    fn on_key(&mut self, key: KeyEvent, scene: Scene<'_>, now: Duration) -> Vec<Effect> {
        if key.kind == KeyEventKind::Release {
            return vec![];
        }
        let had_toast = self.toast.take().is_some();
        let action = self.keymap.action(&self.scopes(), key);
        let body = self.layout(self.area).body;
        let effects = match std::mem::replace(&mut self.above, Above::Nothing) {
            Above::Input(input) => self.on_input(input, input::Key { action, key }, scene, now),
            Above::Palette(palette) => self.on_palette(palette, input::Key { action, key }, scene, now),
            Above::List(list) => self.on_list(list, action, scene, now),
            Above::Help(help) => match (action, help.act(action, &self.keymap, body)) {
                (Some(Action::Quit), _) => vec![Effect::Quit],
                (_, Some(help)) => {
                    self.above = Above::Help(help);
                    vec![Effect::Draw]
                }
                (_, None) => vec![Effect::Draw],
            },
            Above::Nothing => action.map_or_else(Vec::new, |action| self.act(action, scene, now)),
        };
        if effects.is_empty() && had_toast { vec![Effect::Draw] } else { effects }
    }

    fn on_mouse(&mut self, mouse: MouseEvent, scene: Scene<'_>, now: Duration) -> Vec<Effect> {
        let layout = self.layout(self.area);
        let at = Position::new(mouse.column, mouse.row);
        if !matches!(self.above, Above::Nothing) || is_tiny(self.area) {
            return vec![];
        }
        if layout.tabs.is_some_and(|row| row.contains(at)) {
            let pressed = mouse.kind == MouseEventKind::Down(MouseButton::Left);
            let words = tab_words(self.tab, self.area.width);
            let hit = words.iter().find(|word| pressed && (word.start..word.end).contains(&mouse.column)).map(|word| word.tab);
            return hit.map_or_else(Vec::new, |tab| self.act(Action::Tab(tab), scene, now));
        }
        let (page, shared) = self.page_mut();
        if layout.body.contains(at) { page.mouse(mouse, shared, scene, layout.body) } else { vec![] }
    }

    fn on_input(&mut self, mut input: Input, key: input::Key, scene: Scene<'_>, now: Duration) -> Vec<Effect> {
        match input.take(key, &mut self.history[input.purpose() as usize]) {
            Typed::Kept => return self.kept_input(&input, scene, now),
            Typed::Cancelled if input.purpose() == Purpose::Query => {
                let (text, regex) = input.before();
                self.set_query(text, regex, scene);
            }
            Typed::Cancelled => {}
            Typed::Edited => self.edited(input, scene),
            Typed::Copied(text) => {
                self.above = Above::Input(input);
                return vec![Effect::Copy(text)];
            }
            Typed::Paste => {
                self.above = Above::Input(input);
                return vec![Effect::Paste];
            }
            Typed::Nothing => {
                self.above = Above::Input(input);
                return vec![];
            }
        }
        vec![Effect::Draw]
    }

    /// A filter is in force while it is typed.
    fn edited(&mut self, input: Input, scene: Scene<'_>) {
        if input.purpose() == Purpose::Query {
            self.set_query(&input.text(), input.is_regex(), scene);
        }
        self.above = Above::Input(input);
    }

    fn on_list(&mut self, list: List, action: Option<Action>, scene: Scene<'_>, now: Duration) -> Vec<Effect> {
        match list.act(action, &self.looks(), &self.settings.views) {
            Chose::Stay(list) => self.above = Above::List(list),
            Chose::Close => {}
            Chose::Entry(action) => return self.act(action, scene, now),
            Chose::View(name) => {
                let view = self.settings.views.get(&name).cloned().unwrap_or_default();
                let refused = self.set(&view, scene);
                self.say(refused.first().cloned().unwrap_or_else(|| format!("view {name}")), now);
            }
            Chose::Remove(list, name) => {
                self.settings.views.remove(&name);
                self.above = Above::List(list);
                return vec![Effect::Keep { path: vec!["views".into(), name], value: None }, Effect::Draw];
            }
            Chose::Option(list, name, value) => {
                let kept = if name == "smoothing" { serde_json::from_str(&value).unwrap_or_default() } else { value.clone().into() };
                if let Err(page::Refused::Value(why)) = self.set_option(name, &value, scene) {
                    self.say(why, now);
                }
                self.above = Above::List(list);
                return vec![Effect::Keep { path: vec![name.into()], value: Some(kept) }, Effect::DrawAll];
            }
        }
        vec![Effect::Draw]
    }

    fn set_option(&mut self, name: &str, value: &str, scene: Scene<'_>) -> Result<(), page::Refused> {
        match name {
            "smoothing" => self.graphs.set(name, value, &self.shared, scene),
            _ => self.set_one(name, value, scene),
        }
    }

    fn looks(&self) -> Looks {
        let smoothing = self.graphs.kept().into_iter().find(|(name, _)| *name == "smoothing").map_or_else(String::new, |(_, value)| value);
        Looks { theme: self.shared.theme, ui: self.ui, smoothing }
    }

    /// Tells something at the foot for a moment.
    fn say(&mut self, text: String, now: Duration) {
        self.toast = Some((text, now + TOAST));
    }

    fn on_palette(&mut self, mut palette: Palette, key: input::Key, scene: Scene<'_>, now: Duration) -> Vec<Effect> {
        match palette.take(key, &self.keymap) {
            palette::Chosen::Action(action) => self.act(action, scene, now),
            palette::Chosen::Nothing => vec![Effect::Draw],
            palette::Chosen::NotYet(effects) => {
                self.above = Above::Palette(palette);
                effects
            }
        }
    }

    fn set_query(&mut self, text: &str, regex: bool, scene: Scene<'_>) {
        let (page, shared) = self.page_mut();
        page.set_query(text, regex, shared, scene);
    }

    fn act(&mut self, action: Action, scene: Scene<'_>, now: Duration) -> Vec<Effect> {
        let body = self.layout(self.area).body;
        let (page, shared) = self.page_mut();
        if let Some(effects) = page.act(action, shared, scene, body) {
            return effects;
        }
        match action {
            Action::Quit => return vec![Effect::Quit],
            Action::Help => self.above = Above::Help(Help::new(self.page().scope())),
            Action::Palette => self.above = Above::Palette(Palette::new(self.page().scope())),
            Action::OpenFilter => self.above = Above::Input(Input::query(self.page().query(), self.page().is_regex())),
            Action::ClearFilter if self.page().query().is_empty() => return vec![],
            Action::ClearFilter => self.set_query("", false, scene),
            Action::Menu => self.above = Above::List(List::Menu(0)),
            Action::Options => self.above = Above::List(List::Options(0)),
            Action::Views => self.above = Above::List(List::Views(0)),
            Action::SaveView => self.above = Above::Input(Input::new(Purpose::SaveView)),
            Action::Say if scene.chat.is_none() => self.say("there is no canvas here, so nobody to talk to".into(), now),
            Action::Say => self.above = Above::Input(Input::new(Purpose::Message)),
            Action::Screenshot => return vec![Effect::Screenshot { bright: self.shared.theme.scheme == Scheme::Light }],
            Action::ExportCsv | Action::ExportJson => return self.export(action == Action::ExportJson, scene, now),
            Action::CopyShown => return self.copy_shown(scene, now),
            Action::EditNotes => self.above = Above::Input(Input::starting(Purpose::Notes, &set::one_line(&scene.run.info.notes))),
            Action::EditTags => self.above = Above::Input(Input::starting(Purpose::Tags, &tags_text(&scene.run.info.tags))),
            Action::LineToChart => return self.line_to_chart(scene, now),
            Action::ChartToLine => return self.chart_to_line(scene, now),
            Action::Tab(tab) => self.tab = tab,
            Action::NextTab => self.turn(1),
            Action::PreviousTab => self.turn(-1),
            Action::Back => {
                let (page, shared) = self.page_mut();
                if !page.back(shared) {
                    self.above = Above::List(List::Menu(0));
                }
            }
            _ => return vec![],
        }
        let (page, shared) = self.page_mut();
        page.refresh(shared, scene);
        vec![Effect::Draw]
    }

    /// Shows the charts with the crosshair where the line in focus was printed.
    fn line_to_chart(&mut self, scene: Scene<'_>, now: Duration) -> Vec<Effect> {
        let when = self.logs.when(scene);
        if when.is_known() {
            self.graphs.refresh(&self.shared, scene);
        }
        match self.graphs.point_at(when, scene) {
            true => self.tab = Tab::Graphs,
            false if when.is_known() => self.say("no chart has anything to point at".into(), now),
            false => self.say("nobody noted when this line was printed, and no step stands near it".into(), now),
        }
        vec![Effect::Draw]
    }

    /// Shows the line that was printed where the crosshair stands.
    fn chart_to_line(&mut self, scene: Scene<'_>, now: Duration) -> Vec<Effect> {
        let when = self.graphs.pointed_at(scene);
        match self.logs.go_to(when, scene) {
            Ok(()) => {
                self.tab = Tab::Logs;
                if !when.is_known() {
                    self.say("the newest line: there was no crosshair (`,` or a click sets one)".into(), now);
                }
            }
            Err(why) => self.say(why, now),
        }
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
        if let Some(first) = self.first.take_if(|_| self.caught_up)
            && let Some(why) = self.set(&first, scene).first().cloned()
        {
            self.say(why, now);
        }
        vec![Effect::DrawSoon]
    }

    fn announce(&mut self, before: &[MetricKey], now: Duration) {
        let before: HashSet<&MetricKey> = before.iter().collect();
        let fresh: Vec<&MetricKey> = self.graphs.keys().iter().filter(|key| !before.contains(key)).collect();
        let text = match fresh.as_slice() {
            [] => return,
            [key] => format!("new series discovered: {key}"),
            [key, rest @ ..] => format!("new series discovered: {key} and {} more", rest.len()),
        };
        // The first series of all need no announcement: the screen fills with them.
        if !before.is_empty() {
            self.toast = Some((text, now + TOAST));
        }
    }

    // --- drawing: everything below only reads ---

    fn header(&self, row: Rect, with_tab: bool, buf: &mut Buffer) {
        let (theme, facts) = (&self.shared.theme, &self.shared.facts);
        let word = if row.width >= WORDY_COLS_MIN && facts.run_state().is_some() { "state=" } else { "" };
        let state = format!("{} {word}{}", theme.state_sign(facts.run_state()), facts.state_text());
        let mut parts = vec![
            Part::new(facts.name_in(row.width), theme.title(), 14),
            Part::new(state, theme.state(facts.run_state()), 16),
            Part::new(facts.step_text().replace(' ', "="), theme.value(), 15),
            Part::joined(facts.progress().map(text::percent).unwrap_or_default(), theme.quiet(), 12),
            Part::new(facts.rate_text(), theme.quiet(), 10),
            Part::new(facts.eta().map(|eta| format!("ETA {}", text::duration(eta))).unwrap_or_default(), theme.quiet(), 11),
            Part::new(self.badge.as_deref().unwrap_or_default(), theme.warn(), 7),
        ];
        if let (Frame::Minimal, Some((toast, _))) = (self.ui, &self.toast) {
            parts = vec![Part::new(text::cut_middle(toast, usize::from(row.width)), theme.accent(), 1)];
        }
        if with_tab && self.tab != Tab::Graphs {
            parts.insert(0, Part::new(self.tab.title(), theme.accent(), 13));
        }
        strip::draw(parts, theme, row, buf);
    }

    fn tabs(&self, row: Rect, buf: &mut Buffer) {
        let theme = &self.shared.theme;
        for word in tab_words(self.tab, row.width) {
            let style = if word.tab == self.tab { theme.chosen() } else { theme.quiet() };
            buf.set_stringn(row.x + word.start, row.y, &word.text, usize::from(word.end - word.start), style);
        }
    }

    fn footer(&self, row: Rect, layout: &Layout, scene: Scene<'_>, buf: &mut Buffer) {
        let (theme, facts) = (&self.shared.theme, &self.shared.facts);
        let mut parts = vec![];
        if let Some((toast, _)) = &self.toast {
            parts.push(Part::new(text::cut_middle(toast, usize::from(row.width)), theme.accent(), 10));
        }
        parts.extend(self.page().footer(&self.shared, scene, layout.body));
        if self.shared.link == Link::Down {
            parts.push(Part::new("no controller", theme.warn(), 5));
        }
        if !facts.source.is_empty() {
            // Of many sources the first are told, instead of none where not all have room.
            let source = format!("source: {}", facts.source);
            parts.push(Part::new(text::cut(&source, usize::from(row.width) / 2), theme.quiet(), 3));
        }
        parts.push(Part::new(facts.live_text(), theme.quiet(), 4));
        parts.push(Part::new(facts.losses_text(), theme.warn(), 7));
        let hint = |scope, action, word: &str, rank| {
            let keys = self.keymap.keys_of(scope, action)?;
            Some(Part::new(format!("{keys} {word}"), theme.faint(), rank))
        };
        let scope = self.page().scope();
        parts.extend(hint(Scope::Board, Action::OpenFilter, "filter", 2));
        parts.extend(self.page().hints().into_iter().filter_map(|(action, word)| hint(scope, action, word, 1)));
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

/// A tab in the row of tabs, and where it starts and ends.
#[derive(Debug)]
struct TabWord {
    tab: Tab,
    text: String,
    start: u16,
    end: u16,
}

/// The tabs as they fit into a row: by their names, by short names, by their numbers. The one in front is always among them.
fn tab_words(front: Tab, width: u16) -> Vec<TabWord> {
    let row = |gap: u16, tabs: &[Tab], name: &dyn Fn(Tab) -> &'static str| {
        let mut x = 0;
        let word = |tab: &Tab| {
            let text = match name(*tab) {
                "" => format!(" {} ", tab.number()),
                name => format!(" {} {name} ", tab.number()),
            };
            let start = x;
            x = start + text::width(&text) as u16 + gap;
            TabWord { tab: *tab, text, start, end: x - gap }
        };
        tabs.iter().map(word).collect::<Vec<_>>()
    };
    let fits = |words: &Vec<TabWord>| words.last().is_some_and(|last| last.end <= width);
    let numbers = |tab: Tab| if tab == front { tab.title() } else { "" };
    let forms: [(u16, &dyn Fn(Tab) -> &'static str); 4] = [(1, &Tab::title), (0, &Tab::title), (0, &Tab::short), (0, &numbers)];
    let fitting = forms.iter().map(|(gap, name)| row(*gap, Tab::ALL, name)).find(fits);
    let mut words = fitting.unwrap_or_else(|| row(0, &[front], &Tab::title));
    words.iter_mut().for_each(|word| word.end = word.end.min(width));
    words
}

/// Whether an area is too small for any tab: it then shows the state of the run and its step.
fn is_tiny(area: Rect) -> bool {
    area.width < 8 || area.height < 2
}

impl Board {
    fn take(&mut self, event: Event, scene: Scene<'_>, now: Duration) -> Vec<Effect> {
        match event {
            Event::Key(key) => self.on_key(key, scene, now),
            Event::Mouse(mouse) => self.on_mouse(mouse, scene, now),
            Event::Paste(text) => match std::mem::replace(&mut self.above, Above::Nothing) {
                Above::Input(mut input) => {
                    input.paste(&text);
                    self.edited(input, scene);
                    vec![Effect::Draw]
                }
                Above::Palette(mut palette) => {
                    palette.paste(&text);
                    self.above = Above::Palette(palette);
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
            Event::Spec { graphs, derived, .. } => {
                self.graphs.want(graphs, derived);
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
            Event::Set { number, view } => {
                self.set = (number, self.set(&view, scene));
                vec![Effect::Draw]
            }
            Event::Said(_) if self.tab == Tab::Chat => vec![Effect::DrawSoon],
            Event::Said(count) => {
                let said = scene.chat.unwrap_or_default().iter().rev().take(count).find(|message| message.author != "human");
                // What was said before this pane came is no news.
                let Some(said) = said.filter(|_| self.caught_up) else { return vec![] };
                self.toast = Some((format!("{}: {}", said.author, said.text.replace('\n', " ")), now + TOAST));
                vec![Effect::DrawSoon]
            }
            Event::Tell(text) => {
                self.say(text, now);
                vec![Effect::Draw]
            }
            Event::Runs(listing) => {
                self.runs.hear(listing, &self.shared, scene);
                // The charts draw the selected runs too.
                if self.tab == Tab::Graphs {
                    self.graphs.refresh(&self.shared, scene);
                }
                vec![Effect::DrawSoon]
            }
            Event::Rollouts(news) => {
                self.rollouts.hear(*news);
                if self.tab == Tab::Rollouts { vec![Effect::Draw] } else { vec![] }
            }
            Event::Sampled if self.tab == Tab::System => vec![Effect::DrawSoon],
            Event::Sampled => vec![],
            Event::Deadline => {
                let said = self.toast.take_if(|(_, until)| *until <= now).is_some();
                let more = self.more_at.take_if(|at| *at <= now).is_some();
                if more {
                    let (page, shared) = self.page_mut();
                    page.refresh(shared, scene);
                }
                if said || more { vec![Effect::DrawSoon] } else { vec![] }
            }
        }
    }
}

impl Pane for Board {
    fn update(&mut self, event: Event, scene: Scene<'_>, now: Duration) -> Vec<Effect> {
        let mut effects = self.take(event, scene, now);
        effects.append(&mut self.wishes);
        self.more_at = (self.tab == Tab::Graphs && self.graphs.has_more()).then(|| self.more_at.unwrap_or(now + MORE));
        effects
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
            Above::List(list) => list.draw(&self.looks(), &self.settings.views, layout.body, buf),
            _ => self.page().draw(&self.shared, scene, layout.body, buf),
        }
        if let Some(row) = layout.header {
            self.header(row, layout.tabs.is_none(), buf);
        }
        if let Some(row) = layout.tabs {
            self.tabs(row, buf);
        }
        if let Some(row) = layout.footer.filter(|_| !layout.lent || self.needs_footer()) {
            Clear.render(row, buf);
            self.footer(row, &layout, scene, buf);
        }
        if let Above::Input(input) = &self.above {
            let row = layout.footer.or(layout.header).unwrap_or(Rect { height: 1, ..area });
            input.draw(self.note(input, scene), &self.shared.theme, row, buf);
        }
    }

    fn shown(&self, scene: Scene<'_>, area: Rect) -> Shown {
        self.told(scene, area)
    }

    fn title(&self) -> String {
        if self.shared.facts.name.is_empty() { "og graph".into() } else { format!("og graph: {}", self.shared.facts.name) }
    }

    fn deadline(&self) -> Option<Duration> {
        [self.toast.as_ref().map(|(_, until)| *until), self.more_at].into_iter().flatten().min()
    }

    fn wants(&self) -> Wants {
        let covered = matches!(self.above, Above::Help(_) | Above::Palette(_) | Above::List(_));
        Wants {
            runs: self.tab == Tab::Runs,
            host: self.tab == Tab::System && !covered && self.system.watches(),
            overlaid: self.runs.overlaid(),
            rollouts: (self.tab == Tab::Rollouts).then(|| self.rollouts.wanted()),
        }
    }
}

impl Board {
    /// What stands behind a text that is typed.
    fn note(&self, input: &Input, scene: Scene<'_>) -> (String, Style) {
        let theme = &self.shared.theme;
        match input.purpose() {
            Purpose::Query => match self.page().found(&self.shared, scene) {
                Found::Wrong(error) => (error, theme.bad()),
                Found::Some(some, all) => (format!("{some} of {all}   enter keep  esc cancel  tab regex"), theme.quiet()),
            },
            Purpose::SaveView => ("enter save  esc cancel".into(), theme.quiet()),
            Purpose::Message => ("enter send  esc cancel".into(), theme.quiet()),
            Purpose::Notes => {
                let about = self.step_in_focus(scene).map(|step| format!("  marks step {step}")).unwrap_or_default();
                (format!("enter keep  esc cancel  \\n new line{about}"), theme.quiet())
            }
            Purpose::Tags => ("enter keep  esc cancel  `night dataset=c4`".into(), theme.quiet()),
        }
    }

    fn told(&self, scene: Scene<'_>, area: Rect) -> Shown {
        let facts = &self.shared.facts;
        let page = self.page();
        let mut view = GraphView {
            tab: self.tab.name().into(),
            filter: page.query().to_owned(),
            regex: page.is_regex(),
            filtering: matches!(&self.above, Above::Input(input) if input.purpose() == Purpose::Query),
            typing: match &self.above {
                Above::Input(input) => Some(input.text()),
                Above::Palette(palette) => Some(palette.text()),
                _ => None,
            },
            theme: self.shared.theme.scheme.word().into(),
            ui: self.ui.word().into(),
            toast: self.toast.as_ref().map(|(toast, _)| toast.clone()),
            keys: facts.keys.len() as u64,
            runs: if facts.name.is_empty() { vec![] } else { vec![facts.name.clone()] },
            source: facts.source_line(),
            ..GraphView::default()
        };
        let layout = self.layout(area);
        let mut visible_metrics = page.tell(&mut view, &self.shared, scene, layout.body);
        if layout.lent && self.needs_footer() {
            page.untell_footer(&mut view);
        }
        let covers = match &self.above {
            Above::Help(help) => Some((help.name(), serde_json::json!({"scroll": help.scroll()}))),
            Above::Palette(palette) => Some(("palette", palette.tell(&self.keymap, layout.body))),
            Above::List(list) => Some((list.name(), list.tell(&self.looks(), &self.settings.views, layout.body))),
            Above::Nothing | Above::Input(_) => None,
        };
        if let Some((name, detail)) = covers {
            view.below = Some(std::mem::replace(&mut view.tab, name.into()));
            view.detail = detail;
            visible_metrics.clear();
        }
        if is_tiny(area) {
            visible_metrics.clear();
        }
        if is_tiny(area) {
            view.detail = serde_json::Value::Null;
        }
        let (set, refused) = self.set.clone();
        let size = Some(Dimensions { cols: area.width, rows: area.height });
        let system = scene.host.filter(|_| scene.is_here && self.tab == Tab::System).map(|machine| machine.last.told());
        Shown { role: "graph".into(), graph: Some(view), visible_metrics, size, refreshed: self.refreshed, set, refused, system }
    }
}
