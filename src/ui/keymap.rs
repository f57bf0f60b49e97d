//! The keys of the board, in one table: it drives the dispatcher, the help, the command palette, the README and `og keys`.
//! A person may bind other keys to the same names ([`Keymap::with`]).

mod names;
mod rejoin;

pub use names::{NameError, meant, name, typed};
pub use rejoin::Rejoin;

use super::board::Tab;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde::Serialize;
use std::collections::BTreeMap;

/// What a key does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Action {
    /// Leave the pane. The training goes on.
    Quit,
    /// Show or hide the help.
    Help,
    /// Close what is open, innermost first.
    Back,
    /// Show this tab.
    Tab(Tab),
    /// Show the next tab.
    NextTab,
    /// Show the tab before.
    PreviousTab,
    /// Type the name of a command.
    Palette,
    /// Hold the picture still, or follow the run again.
    Pause,
    /// Type a filter or a search, whatever the tab has.
    OpenFilter,
    /// Drop the filter or the search.
    ClearFilter,
    /// Choose between options, help and leaving.
    Menu,
    /// Change how things look.
    Options,
    /// Keep the view under a name.
    SaveView,
    /// Choose one of the views that were kept.
    Views,
    /// Write the screen to files.
    Screenshot,
    /// Write the data on the screen to a file, as CSV.
    ExportCsv,
    /// Write the data on the screen to a file, as JSON.
    ExportJson,
    /// Give the names and values on the screen to the clipboard.
    CopyShown,
    /// Type a message.
    Say,
    /// Take what is chosen off a list.
    Remove,
    /// Filter by regular expression instead of fuzzily.
    SwitchRegex,
    /// Move the focus or the selection.
    Left,
    /// Move the focus or the selection.
    Right,
    /// Move the focus, or scroll.
    Up,
    /// Move the focus, or scroll.
    Down,
    /// Go to the first.
    First,
    /// Go to the last.
    Last,
    /// Show the next page.
    PageDown,
    /// Show the page before.
    PageUp,
    /// Open what is in focus: one chart alone, a run, a rollout.
    Open,
    /// Measure x in steps, in time since the start, or by the clock.
    SwitchAxis,
    /// Measure x by the metric in focus, or in steps again.
    AxisOfFocus,
    /// Logarithmic x, or linear.
    LogX,
    /// Logarithmic y, or linear.
    LogY,
    /// Less of x, more closely.
    ZoomX,
    /// More of x.
    ZoomOutX,
    /// Less of y, more closely.
    ZoomY,
    /// More of y.
    ZoomOutY,
    /// Earlier.
    PanLeft,
    /// Later.
    PanRight,
    /// Higher values.
    PanUp,
    /// Lower values.
    PanDown,
    /// Let y fit what is shown again.
    RefitY,
    /// Show everything again.
    ResetZoom,
    /// Show the newest, as closely as now.
    Follow,
    /// Move the crosshair.
    CursorLeft,
    /// Move the crosshair.
    CursorRight,
    /// Move the crosshair by ten cells.
    CursorLeapLeft,
    /// Move the crosshair by ten cells.
    CursorLeapRight,
    /// Mark what happened, or not.
    Marks,
    /// Draw all runs as their mean and a band, or each.
    Band,
    /// Give every metric a chart of its own, or put together what belongs together.
    Apart,
    /// The next digit is the number of rows.
    Rows,
    /// The next digit is the number of columns.
    Cols,
    /// That digit; 0: as many as fit. In the table it stands for whichever digit is pressed.
    GridSize(u8),
    /// Smooth by another average.
    SmoothOtherwise,
    /// Smooth more.
    Smoother,
    /// Smooth less.
    Rougher,
    /// The next match of the search.
    NextMatch,
    /// The match before.
    PreviousMatch,
    /// Break long lines, or cut them.
    Wrap,
    /// Look at what is in focus.
    Look,
    /// Select what is in focus, or let it go.
    Select,
    /// Select all that is listed.
    SelectAll,
    /// Let all go.
    SelectNone,
    /// Keep what is in focus on top, to compare others with it.
    Pin,
    /// Sort by the next column.
    Sort,
    /// Sort the other way round.
    SortBack,
    /// Group by the next thing that parts the rows.
    GroupBy,
    /// Show the next metric.
    NextMetric,
    /// Show the metric before.
    PreviousMetric,
    /// Put the selected beside each other.
    Compare,
    /// Show the course of each.
    Recent,
    /// Show which goes on from which.
    Lineage,
    /// Show the machine as it is now, or as the run sampled it.
    Samples,
    /// To the group behind this one.
    NextGroup,
    /// To the group before this one.
    PreviousGroup,
    /// To the best of the group.
    BestOfGroup,
    /// To the worst of the group.
    WorstOfGroup,
    /// Show how likely tokens were, or not.
    Tint,
    /// Write the notes of the run.
    EditNotes,
    /// Write its tags.
    EditTags,
    /// Put the crosshair of the charts to when this line was printed.
    LineToChart,
    /// Show what was printed at the crosshair.
    ChartToLine,
    /// To the next line that speaks of a trouble.
    NextTrouble,
    /// Keep the text that is typed.
    Keep,
    /// Forget the text that is typed.
    Cancel,
    /// Move the caret by a character.
    CaretLeft,
    /// Move the caret by a character.
    CaretRight,
    /// Move the caret by a word.
    CaretWordLeft,
    /// Move the caret by a word.
    CaretWordRight,
    /// Move the caret to the start.
    CaretHome,
    /// Move the caret to the end.
    CaretEnd,
    /// Delete the character before the caret.
    DeleteBefore,
    /// Delete the character at the caret.
    DeleteAt,
    /// Delete the word before the caret.
    DeleteWord,
    /// Delete everything before the caret.
    DeleteToStart,
    /// Delete everything after the caret.
    DeleteToEnd,
    /// The line that was kept before this one.
    Older,
    /// The line that was kept after this one.
    Newer,
    /// Copy the line.
    Copy,
    /// Insert what was copied last.
    Paste,
}

/// Where a key means something.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Everywhere but in a text that is typed, unless the tab means something else by the key.
    Board,
    /// The charts.
    Graphs,
    /// While the number of rows or columns is typed.
    GridSize,
    /// The table of runs.
    Runs,
    /// What the run is.
    Run,
    /// The console lines.
    Logs,
    /// The machine.
    System,
    /// The alerts.
    Alerts,
    /// What the model answered.
    Rollouts,
    /// The conversation.
    Chat,
    /// The menu, the options, the saved views.
    Menu,
    /// While a text is typed; every other character is text.
    Input,
}

impl Scope {
    /// As a heading.
    pub fn title(self) -> &'static str {
        match self {
            Scope::Board => "everywhere",
            Scope::Graphs => "graphs",
            Scope::GridSize => "graphs, behind r or c",
            Scope::Runs => "runs",
            Scope::Run => "run",
            Scope::Logs => "logs",
            Scope::System => "system",
            Scope::Alerts => "alerts",
            Scope::Rollouts => "rollouts",
            Scope::Chat => "chat",
            Scope::Menu => "menu, options, saved views",
            Scope::Input => "while text is typed",
        }
    }
}

/// A row of the key table.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Binding {
    /// Where it holds.
    pub scope: Scope,
    /// Its name, for the palette and the config file.
    pub name: &'static str,
    /// Names of the keys, as [`name`] writes them.
    pub keys: Vec<String>,
    /// What they do, in words.
    pub does: &'static str,
    /// What they do.
    #[serde(skip)]
    pub action: Action,
}

type Row = (Scope, &'static str, &'static [&'static str], &'static str, Action);

/// The table as it comes.
const TABLE: &[Row] = &[
    (Scope::Board, "quit", &["q", "ctrl+c"], "quit this pane (never the training)", Action::Quit),
    (Scope::Board, "help", &["h", "?", "f1"], "help", Action::Help),
    (Scope::Board, "back", &["esc"], "close what is open, else the menu", Action::Back),
    (Scope::Board, "menu", &["m"], "options, help, quit", Action::Menu),
    (Scope::Board, "options", &["f2"], "how things look", Action::Options),
    (Scope::Board, "palette", &[":"], "type a command", Action::Palette),
    (Scope::Board, "filter", &["/"], "filter or search", Action::OpenFilter),
    (Scope::Board, "clear-filter", &["ctrl+l", "ctrl+/", "ctrl+7"], "drop the filter", Action::ClearFilter),
    (Scope::Board, "pause", &["p"], "hold still, or follow again", Action::Pause),
    (Scope::Board, "next-tab", &["tab"], "next tab", Action::NextTab),
    (Scope::Board, "previous-tab", &["shift+tab"], "tab before", Action::PreviousTab),
    (Scope::Board, "graphs", &["1"], "charts", Action::Tab(Tab::Graphs)),
    (Scope::Board, "runs", &["2"], "all runs", Action::Tab(Tab::Runs)),
    (Scope::Board, "run", &["3"], "what the run is", Action::Tab(Tab::Run)),
    (Scope::Board, "logs", &["4"], "what the run printed", Action::Tab(Tab::Logs)),
    (Scope::Board, "system", &["5"], "the machine and the processes of the run", Action::Tab(Tab::System)),
    (Scope::Board, "alerts", &["6"], "alerts", Action::Tab(Tab::Alerts)),
    (Scope::Board, "rollouts", &["7"], "what the model answered", Action::Tab(Tab::Rollouts)),
    (Scope::Board, "chat", &["8"], "what people and agents say", Action::Tab(Tab::Chat)),
    (Scope::Board, "views", &["v"], "choose a saved view", Action::Views),
    (Scope::Board, "save-view", &["V"], "save the view under a name", Action::SaveView),
    (Scope::Board, "screenshot", &["s"], "write the screen as text, ANSI, SVG and PNG", Action::Screenshot),
    (Scope::Board, "export", &["e"], "write the data shown as CSV", Action::ExportCsv),
    (Scope::Board, "export-json", &["E"], "write the data shown as JSON", Action::ExportJson),
    (Scope::Board, "copy-shown", &["ctrl+y"], "copy the names and values shown", Action::CopyShown),
    (Scope::Board, "left", &["left", "a"], "to the left", Action::Left),
    (Scope::Board, "right", &["right", "d"], "to the right", Action::Right),
    (Scope::Board, "up", &["up", "w", "k"], "up", Action::Up),
    (Scope::Board, "down", &["down", "j"], "down", Action::Down),
    (Scope::Board, "first", &["home"], "to the first", Action::First),
    (Scope::Board, "last", &["end"], "to the last", Action::Last),
    (Scope::Board, "page-down", &["pgdn"], "next page", Action::PageDown),
    (Scope::Board, "page-up", &["pgup"], "page before", Action::PageUp),
    (Scope::Graphs, "zoom", &["enter"], "show one chart, or all again", Action::Open),
    (Scope::Graphs, "next-page", &["n"], "next page", Action::PageDown),
    (Scope::Graphs, "previous-page", &["N"], "page before", Action::PageUp),
    (Scope::Graphs, "axis", &["x"], "x axis: step, relative, wall time", Action::SwitchAxis),
    (Scope::Graphs, "axis-of-focus", &["X"], "x axis: the metric in focus, or steps", Action::AxisOfFocus),
    (Scope::Graphs, "log-y", &["y"], "logarithmic y, or linear", Action::LogY),
    (Scope::Graphs, "log-x", &["L"], "logarithmic x, or linear", Action::LogX),
    (Scope::Graphs, "smoother", &["+", "="], "smooth more", Action::Smoother),
    (Scope::Graphs, "rougher", &["-"], "smooth less", Action::Rougher),
    (Scope::Graphs, "smooth-otherwise", &["S"], "smooth as fits, not at all, by EMA, by moving average", Action::SmoothOtherwise),
    (Scope::Graphs, "zoom-x", &["z", "ctrl+right"], "zoom into x (also the wheel)", Action::ZoomX),
    (Scope::Graphs, "zoom-out-x", &["Z", "ctrl+left"], "zoom out of x", Action::ZoomOutX),
    (Scope::Graphs, "zoom-y", &["}", "ctrl+up"], "zoom into y (also alt and the wheel)", Action::ZoomY),
    (Scope::Graphs, "zoom-out-y", &["{", "ctrl+down"], "zoom out of y", Action::ZoomOutY),
    (Scope::Graphs, "pan-left", &["[", "shift+left"], "show earlier (also drag with the right button)", Action::PanLeft),
    (Scope::Graphs, "pan-right", &["]", "shift+right"], "show later", Action::PanRight),
    (Scope::Graphs, "pan-up", &["K", "shift+up"], "show higher values", Action::PanUp),
    (Scope::Graphs, "pan-down", &["J", "shift+down"], "show lower values", Action::PanDown),
    (Scope::Graphs, "refit-y", &["Y"], "fit y to what is shown", Action::RefitY),
    (Scope::Graphs, "reset-zoom", &["0"], "show everything again", Action::ResetZoom),
    (Scope::Graphs, "follow", &["f"], "back to the newest, as closely as now", Action::Follow),
    (Scope::Graphs, "cursor-left", &[","], "crosshair to the left (also click)", Action::CursorLeft),
    (Scope::Graphs, "cursor-right", &["."], "crosshair to the right", Action::CursorRight),
    (Scope::Graphs, "cursor-leap-left", &["<"], "crosshair ten cells to the left", Action::CursorLeapLeft),
    (Scope::Graphs, "cursor-leap-right", &[">"], "crosshair ten cells to the right", Action::CursorLeapRight),
    (Scope::Graphs, "crosshair-to-log", &["l"], "what was printed at the crosshair", Action::ChartToLine),
    (Scope::Graphs, "marks", &["g"], "mark alerts, notes, checkpoints, restarts, or not", Action::Marks),
    (Scope::Graphs, "band", &["b"], "all runs as mean and band, or each", Action::Band),
    (Scope::Graphs, "apart", &["t"], "metrics together, or each in its own chart", Action::Apart),
    (Scope::Graphs, "rows", &["r"], "number of rows: a digit follows", Action::Rows),
    (Scope::Graphs, "cols", &["c"], "number of columns: a digit follows", Action::Cols),
    (Scope::GridSize, "grid-size", &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"], "so many; 0: as fits", Action::GridSize(0)),
    (Scope::Runs, "select", &["space"], "draw this run too, or not", Action::Select),
    (Scope::Runs, "select-all", &["a", "ctrl+a"], "select all runs that are listed", Action::SelectAll),
    (Scope::Runs, "select-none", &["x"], "select none", Action::SelectNone),
    (Scope::Runs, "pin", &["p"], "keep this run on top, to compare others with it", Action::Pin),
    (Scope::Runs, "look", &["enter"], "look at this run, or at those of the group; or back", Action::Look),
    (Scope::Runs, "compare", &["c"], "compare the selected runs: what changed, and did it help", Action::Compare),
    (Scope::Runs, "compare-left", &["left"], "compared runs: those before", Action::Left),
    (Scope::Runs, "compare-right", &["right"], "compared runs: those that have no room here", Action::Right),
    (Scope::Runs, "recent", &["r"], "the course of each run, or the table", Action::Recent),
    (Scope::Runs, "lineage", &["t"], "which run goes on from which, or the table", Action::Lineage),
    (Scope::Runs, "sort", &["o"], "sort by the next column", Action::Sort),
    (Scope::Runs, "sort-back", &["O"], "sort the other way round", Action::SortBack),
    (Scope::Runs, "group", &["g"], "group by the next tag or hyperparameter", Action::GroupBy),
    (Scope::Runs, "next-metric", &["m"], "show the next metric", Action::NextMetric),
    (Scope::Runs, "previous-metric", &["M"], "show the metric before", Action::PreviousMetric),
    (Scope::Run, "edit-notes", &["i", "n"], "write the notes of the run", Action::EditNotes),
    (Scope::Run, "edit-tags", &["t"], "write its tags: `night dataset=c4`", Action::EditTags),
    (Scope::Logs, "next-match", &["n"], "next match", Action::NextMatch),
    (Scope::Logs, "previous-match", &["N"], "match before", Action::PreviousMatch),
    (Scope::Logs, "line-to-charts", &["enter", "g"], "the charts at the time of this line", Action::LineToChart),
    (Scope::Logs, "next-trouble", &["!"], "next warning or error", Action::NextTrouble),
    (Scope::Logs, "wrap", &["w"], "break long lines, or cut them", Action::Wrap),
    (Scope::System, "sort-processes", &["o"], "sort the processes by the next column", Action::Sort),
    (Scope::System, "sort-processes-back", &["O"], "sort the other way round", Action::SortBack),
    (Scope::System, "samples", &["t"], "the machine now, or as the run sampled it", Action::Samples),
    (Scope::System, "next-charts", &["n"], "next page of charts", Action::Right),
    (Scope::System, "previous-charts", &["N"], "page of charts before", Action::Left),
    (Scope::Rollouts, "earlier-step", &["left"], "the step before that has rollouts", Action::Left),
    (Scope::Rollouts, "later-step", &["right"], "the next step that has rollouts", Action::Right),
    (Scope::Rollouts, "ten-steps-earlier", &["[", "shift+left"], "ten of them back", Action::PanLeft),
    (Scope::Rollouts, "ten-steps-later", &["]", "shift+right"], "ten of them on", Action::PanRight),
    (Scope::Rollouts, "newest-rollouts", &["f"], "the newest step, also when others come", Action::Follow),
    (Scope::Rollouts, "next-group", &["n"], "next group", Action::NextGroup),
    (Scope::Rollouts, "previous-group", &["N"], "group before", Action::PreviousGroup),
    (Scope::Rollouts, "best-of-group", &["b"], "the best of the group", Action::BestOfGroup),
    (Scope::Rollouts, "worst-of-group", &["w"], "the worst of the group", Action::WorstOfGroup),
    (Scope::Rollouts, "sort-rollouts", &["o"], "in order, best first, worst first", Action::Sort),
    (Scope::Rollouts, "read-rollout", &["enter"], "only the text, or the list too", Action::Open),
    (Scope::Rollouts, "tint", &["t"], "how likely each token was, or not", Action::Tint),
    (Scope::Rollouts, "token-right", &["."], "next token, with its probability", Action::CursorRight),
    (Scope::Rollouts, "token-left", &[","], "token before", Action::CursorLeft),
    (Scope::Rollouts, "next-unlikely", &[">"], "next unlikely token", Action::CursorLeapRight),
    (Scope::Rollouts, "previous-unlikely", &["<"], "unlikely token before", Action::CursorLeapLeft),
    (Scope::Chat, "say", &["enter", "i"], "write a message", Action::Say),
    (Scope::Menu, "choose", &["enter", "space"], "choose", Action::Open),
    (Scope::Menu, "remove", &["delete", "d"], "remove the saved view", Action::Remove),
    (Scope::Input, "keep", &["enter"], "keep the text", Action::Keep),
    (Scope::Input, "cancel", &["esc"], "forget the text", Action::Cancel),
    (Scope::Input, "copy", &["ctrl+c", "super+c"], "copy the text", Action::Copy),
    (Scope::Input, "paste", &["ctrl+v", "super+v"], "insert what was copied", Action::Paste),
    (Scope::Input, "regex", &["tab"], "filter by regular expression, or fuzzily", Action::SwitchRegex),
    (Scope::Input, "caret-left", &["left"], "caret left", Action::CaretLeft),
    (Scope::Input, "caret-right", &["right"], "caret right", Action::CaretRight),
    // Option with an arrow comes as alt and a letter from a Mac.
    (Scope::Input, "word-left", &["alt+left", "alt+b"], "caret a word left", Action::CaretWordLeft),
    (Scope::Input, "word-right", &["alt+right", "alt+f"], "caret a word right", Action::CaretWordRight),
    (Scope::Input, "caret-home", &["home", "ctrl+a", "super+left"], "caret to the start", Action::CaretHome),
    (Scope::Input, "caret-end", &["end", "ctrl+e", "super+right"], "caret to the end", Action::CaretEnd),
    (Scope::Input, "delete-before", &["backspace", "ctrl+h"], "delete before the caret", Action::DeleteBefore),
    (Scope::Input, "delete-at", &["delete", "ctrl+d"], "delete at the caret", Action::DeleteAt),
    (Scope::Input, "delete-word", &["ctrl+w", "alt+backspace", "ctrl+alt+h"], "delete the word before", Action::DeleteWord),
    (Scope::Input, "delete-to-start", &["ctrl+u", "super+backspace"], "delete to the start", Action::DeleteToStart),
    (Scope::Input, "delete-to-end", &["ctrl+k"], "delete to the end", Action::DeleteToEnd),
    (Scope::Input, "older", &["up"], "the line before", Action::Older),
    (Scope::Input, "newer", &["down"], "the line after", Action::Newer),
];

/// The table as this person wants it.
#[derive(Clone, Debug)]
pub struct Keymap {
    rows: Vec<Binding>,
}

impl Default for Keymap {
    fn default() -> Keymap {
        let row = |&(scope, name, keys, does, action): &Row| Binding {
            scope,
            name,
            keys: keys.iter().map(ToString::to_string).collect(),
            does,
            action,
        };
        Keymap { rows: TABLE.iter().map(row).collect() }
    }
}

/// A key that cannot be bound so.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeymapError {
    /// Nothing has this name.
    #[error("no key binding is called `{0}`")]
    Name(String),
    /// Two things by one key at one place.
    #[error("`{key}` is bound to both `{one}` and `{other}`")]
    Twice {
        /// The key.
        key: String,
        /// What has it.
        one: &'static str,
        /// What should have it too.
        other: &'static str,
    },
}

impl KeymapError {
    /// The name whose change it is.
    pub fn name(&self) -> &str {
        match self {
            KeymapError::Name(name) => name,
            KeymapError::Twice { other, .. } => other,
        }
    }
}

impl Keymap {
    /// The table with other keys for some names, and what of it cannot be: those names keep the keys of the table.
    pub fn with(changes: &BTreeMap<String, Vec<String>>) -> (Keymap, Vec<KeymapError>) {
        let table = Keymap::default();
        let (mut map, mut refused) = (table.clone(), vec![]);
        let mut changed = vec![false; map.rows.len()];
        for (name, keys) in changes {
            match map.rows.iter().position(|row| row.name == name) {
                Some(at) => (map.rows[at].keys, changed[at]) = (keys.clone(), true),
                None => refused.push(KeymapError::Name(name.clone())),
            }
        }
        // Each turn takes one change back, and the table itself has no key twice.
        while let Some((key, first, second)) = map.twice().or_else(|| map.covered(&changed)) {
            let (at, taken) = if changed[second] { (second, first) } else { (first, second) };
            if !changed[at] {
                break;
            }
            refused.push(KeymapError::Twice { key, one: map.rows[taken].name, other: map.rows[at].name });
            map.rows[at].keys.clone_from(&table.rows[at].keys);
            changed[at] = false;
        }
        (map, refused)
    }

    /// A key that two rows of one scope have, and these rows.
    fn twice(&self) -> Option<(String, usize, usize)> {
        self.rows.iter().enumerate().find_map(|(second, row)| {
            let first = |key: &String| self.rows[..second].iter().position(|other| other.scope == row.scope && other.keys.contains(key));
            row.keys.iter().find_map(|key| Some((key.clone(), first(key)?, second)))
        })
    }

    /// A key that a person gave to what is meant everywhere, where a tab means something else by it; that row of the tab, and
    /// the person's. What the table itself has so is meant so.
    fn covered(&self, changed: &[bool]) -> Option<(String, usize, usize)> {
        let of_a_tab = |scope| !matches!(scope, Scope::Board | Scope::GridSize | Scope::Menu | Scope::Input);
        let tab = |key: &String| self.rows.iter().position(|row| of_a_tab(row.scope) && row.keys.contains(key));
        let mut everywhere = (0..self.rows.len()).filter(|at| changed[*at] && self.rows[*at].scope == Scope::Board);
        everywhere.find_map(|at| {
            let mut fresh = self.rows[at].keys.iter().filter(|key| !TABLE[at].2.contains(&key.as_str()));
            fresh.find_map(|key| Some((key.clone(), tab(key)?, at)))
        })
    }

    /// The rows in the order of the table.
    pub fn rows(&self) -> &[Binding] {
        &self.rows
    }

    /// What a key does where these scopes hold, the first first.
    pub fn action(&self, scopes: &[Scope], key: KeyEvent) -> Option<Action> {
        let name = name(key);
        let find = |scope: &Scope| self.rows.iter().find(|row| row.scope == *scope && row.keys.contains(&name));
        scopes.iter().find_map(find).map(|row| match row.action {
            Action::GridSize(_) => Action::GridSize(name.parse().unwrap_or(0)),
            action => action,
        })
    }

    /// A key as the table knows it where these scopes hold. Escape and a key right behind it reach us as that key with Alt, if it
    /// is one of a single byte; where Alt with it means nothing, they are taken apart again. Never while text is typed, which an
    /// Escape that nobody meant would throw away.
    pub fn apart(&self, scopes: &[Scope], key: KeyEvent) -> Vec<KeyEvent> {
        let is_byte = matches!(key.code, KeyCode::Char(_) | KeyCode::Enter | KeyCode::Tab | KeyCode::Backspace);
        let may_be_two = key.modifiers.contains(KeyModifiers::ALT) && is_byte && !scopes.contains(&Scope::Input);
        if !may_be_two || self.action(scopes, key).is_some() {
            return vec![key];
        }
        vec![
            KeyEvent { code: KeyCode::Esc, modifiers: KeyModifiers::NONE, ..key },
            KeyEvent { modifiers: key.modifiers - KeyModifiers::ALT, ..key },
        ]
    }

    /// The key of an action where these scopes hold, the first first, as a hint says it.
    pub fn key_of(&self, scopes: &[Scope], action: Action) -> Option<&str> {
        let meant =
            |key: &String| scopes.iter().find_map(|scope| self.rows.iter().find(|row| row.scope == *scope && row.keys.contains(key)));
        let rows = self.rows.iter().filter(|row| row.action == action && scopes.contains(&row.scope));
        rows.flat_map(|row| &row.keys).find(|key| meant(key).is_some_and(|row| row.action == action)).map(String::as_str)
    }
}

#[cfg(test)]
mod tests;
