//! The board: the tabs of the graph pane and of `og view`, the lines around them, and what opens above them.

mod alerts;
mod chat;
mod graphs;
mod help;
mod input;
mod lines;
mod logs;
mod menu;
mod overview;
mod page;
mod palette;
mod rollouts;
pub(in crate::ui) mod runs;
mod scroll;
mod set;
mod sieve;
mod steer;
mod system;
mod tab;
mod tell;
#[cfg(test)]
pub use system::machine;

pub use logs::Level;
pub use tab::Tab;

use self::{
    alerts::Alerts,
    chat::Chat,
    graphs::Graphs,
    help::Help,
    input::{Input, Purpose},
    logs::Logs,
    menu::List,
    overview::Overview,
    page::{Page, Shared},
    palette::Palette,
    rollouts::Rollouts,
    runs::Runs,
    system::System,
};
use super::{
    config::{Settings, View},
    edit::History,
    facts::Facts,
    keymap::{Keymap, Scope},
    pane::{Effect, Event, Link, Pane, Scene, Wants},
    theme::{Depth, Frame, Theme},
};
use crate::ipc::wire::Shown;
use crate::model::MetricKey;
use crossterm::event::KeyEvent;
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    widgets::{Clear, Widget},
};
use std::{collections::HashSet, time::Duration};

/// How long a toast stays when no key is pressed.
const TOAST: Duration = Duration::from_secs(5);
/// How long what went wrong stays.
const LONG_TOAST: Duration = Duration::from_secs(20);
/// Rest before a page goes on with what it could not make at once: keys and frames come first.
const MORE: Duration = Duration::from_millis(25);
/// Who shows the runs is answered once they were looked at, and after so long in any case.
const LOOK_MAX: Duration = Duration::from_secs(2);
/// Number of what the command line sets; the numbers of whoever asks for an answer come behind it.
const BY_COMMAND_LINE: u64 = 0;
/// From this height on the tabs have a line of their own.
const TABS_ROWS_MIN: u16 = 20;

/// From this width on the header says what a word is about.
const WORDY_COLS_MIN: u16 = 60;

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
    /// How many colours the terminal was found to have.
    detected: Depth,
    /// One that waits for the first look at the runs, until then.
    held: Option<(Duration, (u64, Vec<String>))>,
    /// What of it is to be set once more then.
    again: Option<View>,
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
            detected: theme.depth,
            held: None,
            again: None,
            area: Rect::ZERO,
        }
    }

    /// Takes what the person set, what is wrong with the file in which that is done, the badge of a far terminal, and how many
    /// colours it has where the person says nothing of them.
    pub fn settle(&mut self, settings: Settings, problem: Option<String>, badge: Option<String>, detected: Depth) {
        self.detected = detected;
        self.ui = settings.ui.unwrap_or_default();
        self.badge = badge;
        if let Some(smoothing) = &settings.smoothing {
            let empty = crate::store::RunPicture::default();
            let set = self.graphs.set("smoothing", &set::as_text(smoothing), &self.shared, Scene::of(&empty), self.area);
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

    /// The runs are shown or wait to be set, and were not looked at so far.
    fn waits_for_runs(&self) -> bool {
        let is_shown = self.tab == Tab::Runs && matches!(self.above, Above::Nothing);
        (is_shown || self.again.is_some()) && self.runs.is_looking()
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
        if let Some(first) = self.first.take_if(|_| self.caught_up) {
            self.begin_set(BY_COMMAND_LINE, first, scene, now);
        }
        vec![Effect::DrawSoon]
    }

    /// Sets what can be set now, and the rest of it when the runs that it names were looked at.
    fn begin_set(&mut self, number: u64, view: View, scene: Scene<'_>, now: Duration) {
        let is_listed = self.wants().runs;
        let done = (number, self.set(&view, scene));
        // The runs that it names may not be known yet, or no longer: then it is set when they were looked at.
        let is_about_runs = matches!(self.above, Above::Nothing) && (self.tab == Tab::Runs || set::names_a_run(&view));
        if !is_listed && is_about_runs && !done.1.is_empty() {
            self.runs.look_anew();
        }
        let waits = is_about_runs && !done.1.is_empty() && self.runs.is_looking();
        let is_written = |name: &String| matches!(name.as_str(), "note" | "notes" | "tags");
        self.again = waits.then(|| view.into_iter().filter(|(name, _)| !is_written(name)).collect());
        self.held = Some((now + LOOK_MAX, done));
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
                self.begin_set(number, view, scene, now);
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
        // What a person does meanwhile stays.
        if matches!(event, Event::Key(_) | Event::Mouse(_) | Event::Paste(_)) {
            self.again = None;
        }
        let mut effects = self.take(event, scene, now);
        effects.append(&mut self.wishes);
        let is_looking = self.waits_for_runs();
        if let Some((_, mut done)) = self.held.take_if(|(until, _)| !is_looking || *until <= now) {
            if let Some(view) = self.again.take() {
                done.1 = self.set(&view, scene);
                effects.append(&mut self.wishes);
            }
            match done {
                (BY_COMMAND_LINE, refused) => refused.into_iter().take(1).for_each(|why| self.say(why, now)),
                done => self.set = done,
            }
            // Who waits for the answer hears it with the next frame.
            if effects.is_empty() {
                effects.push(Effect::DrawSoon);
            }
        }
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
        let held = self.held.as_ref().map(|(until, _)| *until);
        [self.toast.as_ref().map(|(_, until)| *until), self.more_at, held].into_iter().flatten().min()
    }

    fn wants(&self) -> Wants {
        let covered = matches!(self.above, Above::Help(_) | Above::Palette(_) | Above::List(_));
        Wants {
            runs: self.tab == Tab::Runs || self.again.is_some(),
            host: self.tab == Tab::System && !covered && self.system.watches(),
            overlaid: self.runs.overlaid(),
            rollouts: (self.tab == Tab::Rollouts).then(|| self.rollouts.wanted()),
        }
    }
}
