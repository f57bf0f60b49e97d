//! The tabs: what there is, how each is called, and how they stand in a row.

use super::{
    alerts::Alerts, chat::Chat, graphs::Graphs, logs::Logs, overview::Overview, page::Page, rollouts::Rollouts, runs::Runs, system::System,
};
use crate::text;

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
    pub fn number(self) -> u8 {
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
    pub fn title(self) -> &'static str {
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
    pub fn short(self) -> &'static str {
        match self {
            Tab::System => "Sys",
            Tab::Alerts => "Alrt",
            Tab::Rollouts => "Roll",
            _ => self.title(),
        }
    }

    /// Its page as it comes.
    pub fn fresh(self) -> Box<dyn Page> {
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
    pub fn name(self) -> &'static str {
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

/// A tab in the row of tabs, and where it starts and ends.
#[derive(Debug)]
pub struct TabWord {
    /// The tab.
    pub tab: Tab,
    /// What stands there.
    pub text: String,
    /// Its first cell.
    pub start: u16,
    /// The cell behind it.
    pub end: u16,
}

/// The tabs as they fit into a row: by their names, by short names, by their numbers. The one in front is always among them.
pub fn tab_words(front: Tab, width: u16) -> Vec<TabWord> {
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
