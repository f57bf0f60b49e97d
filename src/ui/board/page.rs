//! What a tab of the board is.

use crate::ipc::wire::{GraphView, MetricView};
use crate::ui::{
    facts::Facts,
    keymap::{Action, Scope},
    pane::{Effect, Link, Scene},
    strip::Part,
    theme::Theme,
    ticks,
};
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
};

/// What all tabs share.
#[derive(Debug)]
pub struct Shared {
    /// Colours and signs.
    pub theme: Theme,
    /// Seconds that the local clock is ahead of UTC.
    pub utc_offset: f64,
    /// What is said of the run.
    pub facts: Facts,
    /// How the controller is.
    pub link: Link,
}

impl Shared {
    /// A time of day, `14:32:07`, of Unix seconds.
    pub fn clock(&self, secs: f64) -> String {
        let of_day = (secs + self.utc_offset).rem_euclid(86_400.0) as u64;
        format!("{:02}:{:02}:{:02}", of_day / 3600, of_day / 60 % 60, of_day % 60)
    }

    /// A time with its day, `2026-11-20 14:32:07`, of Unix seconds.
    pub fn day_and_clock(&self, secs: f64) -> String {
        let (year, month, day) = ticks::civil(((secs + self.utc_offset) / 86_400.0).floor() as i64);
        format!("{year}-{month:02}-{day:02} {}", self.clock(secs))
    }
}

/// How the text that filters or searches a tab fares.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Found {
    /// So many of so many.
    Some(usize, usize),
    /// The text is no filter.
    Wrong(String),
}

/// Why a name was not set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refused {
    /// There is no such name here.
    Unknown,
    /// The value does not fit; in words.
    Value(String),
}

/// Reads a value that is set; `want` says what would fit.
pub fn value<T: std::str::FromStr>(text: &str, want: &str) -> Result<T, Refused> {
    text.parse().map_err(|_| Refused::Value(format!("{want} is wanted, not `{text}`")))
}

/// Reads yes or no.
pub fn truth(text: &str) -> Result<bool, Refused> {
    match text {
        "true" | "on" | "yes" | "1" => Ok(true),
        "false" | "off" | "no" | "0" | "" => Ok(false),
        _ => Err(Refused::Value(format!("`true` or `false` is wanted, not `{text}`"))),
    }
}

/// Reads a page, from 1 on, or a page and how many there are, as it is reported (`[2, 4]`); from 0 on.
pub fn page_at(text: &str) -> Result<usize, Refused> {
    let told = serde_json::from_str::<(usize, usize)>(text).map(|(page, _)| page);
    told.or_else(|_| value(text, "the number of a page")).map(|page: usize| page.saturating_sub(1))
}

/// A page, from 0 on, of so many; else why not, in words.
pub fn can_be_page(page: usize, pages: usize) -> Result<usize, Refused> {
    match pages {
        _ if page < pages => Ok(page),
        1 => Err(Refused::Value("there is 1 page".into())),
        _ => Err(Refused::Value(format!("there are {pages} pages"))),
    }
}

/// A value that is reported together with others, `{"line": 7, "text": "..."}`, as it is set: that of this name.
pub fn told_as(text: &str, name: &str) -> String {
    let told = serde_json::from_str::<serde_json::Value>(text).ok().and_then(|told| Some(told.get(name)?.to_string()));
    told.unwrap_or_else(|| text.to_owned())
}

/// Reads several words: a list of JSON, as they are reported, or with commas between them.
pub fn entries(text: &str) -> Vec<String> {
    if let Ok(list) = serde_json::from_str::<Vec<String>>(text) {
        return list;
    }
    text.split(',').map(|entry| entry.trim().to_owned()).filter(|entry| !entry.is_empty()).collect()
}

/// Rows that one notch of the wheel moves a list.
pub const NOTCH: isize = 3;

/// A tab: a state, keys, and a drawing that only reads.
pub trait Page {
    /// Where its own keys stand in the table.
    fn scope(&self) -> Scope;
    /// Does what a key means here; whether it meant anything. `area` is where it is drawn.
    fn act(&mut self, action: Action, shared: &Shared, scene: Scene<'_>, area: Rect) -> Option<Vec<Effect>>;
    /// Does what the mouse means here; nothing drawn: it meant nothing.
    fn mouse(&mut self, mouse: MouseEvent, shared: &Shared, scene: Scene<'_>, area: Rect) -> Vec<Effect> {
        let at = Position::new(mouse.column, mouse.row);
        let meant = match mouse.kind {
            MouseEventKind::ScrollUp | MouseEventKind::ScrollDown => {
                self.wheel(mouse.kind == MouseEventKind::ScrollDown, at, shared, scene, area)
            }
            MouseEventKind::Down(MouseButton::Left) => self.click(at, shared, scene, area),
            _ => false,
        };
        if meant { vec![Effect::Draw] } else { vec![] }
    }
    /// Scrolls by a notch of the wheel at this place; false: nothing scrolls.
    fn wheel(&mut self, down: bool, _at: Position, shared: &Shared, scene: Scene<'_>, area: Rect) -> bool {
        let action = if down { Action::Down } else { Action::Up };
        (0..NOTCH).filter(|_| self.act(action, shared, scene, area).is_some()).count() > 0
    }
    /// Puts the focus onto what stands at this place; false: nothing does.
    fn click(&mut self, _at: Position, _shared: &Shared, _scene: Scene<'_>, _area: Rect) -> bool {
        false
    }
    /// Closes what is open in it, innermost first; false: nothing was.
    fn back(&mut self, shared: &Shared) -> bool;
    /// New records of the run, or another spec, are there.
    fn refresh(&mut self, shared: &Shared, scene: Scene<'_>);
    /// The text that filters or searches it.
    fn query(&self) -> &str;
    /// Whether that text is a regular expression.
    fn is_regex(&self) -> bool {
        false
    }
    /// Sets a name of its state to what it would be after some keys. Names are lower case, without `_` and `-`.
    /// `area` is where it is drawn.
    fn set(&mut self, _name: &str, _value: &str, _shared: &Shared, _scene: Scene<'_>, _area: Rect) -> Result<(), Refused> {
        Err(Refused::Unknown)
    }
    /// What a saved view keeps of it: names and values that [`Page::set`] takes.
    fn kept(&self) -> Vec<(&'static str, String)> {
        vec![]
    }
    /// Another such text.
    fn set_query(&mut self, text: &str, regex: bool, shared: &Shared, scene: Scene<'_>);
    /// What that text finds.
    fn found(&self, shared: &Shared, scene: Scene<'_>) -> Found;
    /// Draws it.
    fn draw(&self, shared: &Shared, scene: Scene<'_>, area: Rect, buf: &mut Buffer);
    /// Its part of the footer.
    fn footer(&self, shared: &Shared, scene: Scene<'_>, area: Rect) -> Vec<Part>;
    /// Whether it wants the row of the footer below `body` too, which then is the last row of its area.
    fn takes_footer(&self, _body: Rect) -> bool {
        false
    }
    /// Takes back what it told of that row: something else is said there.
    fn untell_footer(&self, _view: &mut GraphView) {}
    /// Keys of its own that the footer names, each with a word for what it does.
    fn hints(&self) -> Vec<(Action, &'static str)> {
        vec![]
    }
    /// Tells an agent what stands on the screen: fills its fields of the view, and gives the metrics drawn.
    fn tell(&self, view: &mut GraphView, shared: &Shared, scene: Scene<'_>, area: Rect) -> Vec<MetricView>;
}
