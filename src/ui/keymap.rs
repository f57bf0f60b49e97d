//! The keys of the graph pane. One table drives the dispatcher, the help screen and the README.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a key does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Leave the pane. The training goes on.
    Quit,
    /// Show or hide the help.
    Help,
    /// Close what is open: help, one chart, filter.
    Back,
    /// Move the focus.
    Left,
    /// Move the focus.
    Right,
    /// Move the focus, or scroll the help.
    Up,
    /// Move the focus, or scroll the help.
    Down,
    /// Focus the next chart.
    Next,
    /// Focus the chart before.
    Previous,
    /// Focus the first chart.
    First,
    /// Focus the last chart.
    Last,
    /// Show the focused chart alone, or all charts again.
    Zoom,
    /// Show the next page.
    PageDown,
    /// Show the page before.
    PageUp,
    /// Type a filter.
    OpenFilter,
    /// Measure x in steps, in time since the start, or by the clock.
    SwitchAxis,
    /// Smooth more.
    Smoother,
    /// Smooth less.
    Rougher,
    /// Keep the typed filter.
    Keep,
    /// Forget the typed filter.
    Cancel,
    /// Move the caret by a character.
    CaretLeft,
    /// Move the caret by a character.
    CaretRight,
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
}

/// A row of the key table.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// Names of the keys, as [`name`] writes them.
    pub keys: &'static [&'static str],
    /// What they do, in words.
    pub does: &'static str,
    /// What they do.
    pub action: Action,
}

const fn bind(keys: &'static [&'static str], does: &'static str, action: Action) -> Binding {
    Binding { keys, does, action }
}

/// Keys while charts are shown.
pub const BINDINGS: &[Binding] = &[
    bind(&["q", "ctrl+c"], "quit this pane (never the training)", Action::Quit),
    bind(&["h", "?"], "help", Action::Help),
    bind(&["/"], "filter metrics by name", Action::OpenFilter),
    bind(&["enter"], "show one chart, or all again", Action::Zoom),
    bind(&["esc"], "close help, one chart, or filter", Action::Back),
    bind(&["tab"], "next chart", Action::Next),
    bind(&["shift+tab"], "chart before", Action::Previous),
    bind(&["left"], "chart to the left", Action::Left),
    bind(&["right"], "chart to the right", Action::Right),
    bind(&["up"], "chart above", Action::Up),
    bind(&["down"], "chart below", Action::Down),
    bind(&["home"], "first chart", Action::First),
    bind(&["end"], "last chart", Action::Last),
    bind(&["pgdn", "n"], "next page", Action::PageDown),
    bind(&["pgup", "N"], "page before", Action::PageUp),
    bind(&["x"], "x axis: step, relative, wall time", Action::SwitchAxis),
    bind(&["+", "="], "smooth more", Action::Smoother),
    bind(&["-"], "smooth less", Action::Rougher),
];

/// Keys while a filter is typed; every other character is text.
pub const FILTER_BINDINGS: &[Binding] = &[
    bind(&["enter"], "keep the filter", Action::Keep),
    bind(&["esc", "ctrl+c"], "go back to the filter before", Action::Cancel),
    bind(&["left", "ctrl+b"], "caret left", Action::CaretLeft),
    bind(&["right", "ctrl+f"], "caret right", Action::CaretRight),
    bind(&["home", "ctrl+a"], "caret to the start", Action::CaretHome),
    bind(&["end", "ctrl+e"], "caret to the end", Action::CaretEnd),
    bind(&["backspace", "ctrl+h"], "delete before the caret", Action::DeleteBefore),
    bind(&["delete", "ctrl+d"], "delete at the caret", Action::DeleteAt),
    bind(&["ctrl+w"], "delete the word before", Action::DeleteWord),
    bind(&["ctrl+u"], "delete to the start", Action::DeleteToStart),
    bind(&["ctrl+k"], "delete to the end", Action::DeleteToEnd),
];

/// What a key does by a table.
pub fn action(table: &[Binding], key: KeyEvent) -> Option<Action> {
    let name = name(key);
    table.iter().find(|binding| binding.keys.contains(&name.as_str())).map(|binding| binding.action)
}

/// The name of a key: `q`, `ctrl+c`, `shift+tab`, `pgdn`.
pub fn name(key: KeyEvent) -> String {
    let base = match key.code {
        KeyCode::Char(' ') => "space".into(),
        KeyCode::Char(c) => c.to_string(),
        KeyCode::BackTab => return "shift+tab".into(),
        KeyCode::PageUp => "pgup".into(),
        KeyCode::PageDown => "pgdn".into(),
        KeyCode::F(n) => format!("f{n}"),
        other => format!("{other:?}").to_lowercase(),
    };
    let mut name = String::new();
    for (modifier, word) in [(KeyModifiers::CONTROL, "ctrl+"), (KeyModifiers::ALT, "alt+")] {
        if key.modifiers.contains(modifier) {
            name.push_str(word);
        }
    }
    // The shift of a character shows in the character itself.
    if key.modifiers.contains(KeyModifiers::SHIFT) && !matches!(key.code, KeyCode::Char(_)) {
        name.push_str("shift+");
    }
    name + &base
}

/// A key as the table knows it. Escape and a key right behind it reach us as that key with Alt; no binding has Alt, so they
/// are taken apart again.
pub fn apart(key: KeyEvent) -> Vec<KeyEvent> {
    if !key.modifiers.contains(KeyModifiers::ALT) {
        return vec![key];
    }
    vec![
        KeyEvent { code: KeyCode::Esc, modifiers: KeyModifiers::NONE, ..key },
        KeyEvent { modifiers: key.modifiers - KeyModifiers::ALT, ..key },
    ]
}

/// Puts Escape and a cursor key in one go together again: of `ESC ESC [ A` crossterm makes Escape, `[` and `A`.
#[derive(Debug, Default)]
pub struct Rejoin {
    /// What was typed since an Escape that more came with.
    tail: Option<Vec<KeyEvent>>,
}

impl Rejoin {
    /// Whether it matters what [`Rejoin::push`] is told of the key after this one.
    pub fn asks(&self, key: KeyEvent) -> bool {
        self.tail.is_some() || key.code == KeyCode::Esc
    }

    /// Takes a key and gives those that are whole. `more` says that the next one has come with it: a person is slower.
    pub fn push(&mut self, key: KeyEvent, more: bool) -> Vec<KeyEvent> {
        let Some(mut tail) = self.tail.take() else {
            self.tail = (key.code == KeyCode::Esc && more).then(Vec::new);
            return vec![key];
        };
        if typed(key).is_none() {
            let after = self.push(key, more);
            return [tail, after].concat();
        }
        tail.push(key);
        match sequence(&tail.iter().filter_map(|key| typed(*key)).collect::<String>()) {
            Sequence::Open if more => {
                self.tail = Some(tail);
                vec![]
            }
            Sequence::Whole(code) => code.into_iter().map(KeyEvent::from).collect(),
            Sequence::Open | Sequence::None => tail,
        }
    }
}

/// What stands behind the Escape of a key's sequence.
enum Sequence {
    /// Its end is missing.
    Open,
    /// All of it: a key, if it is one that anything is bound to.
    Whole(Option<KeyCode>),
    /// It is text.
    None,
}

fn sequence(text: &str) -> Sequence {
    let (kind, rest) = text.split_at_checked(1).unwrap_or_default();
    let end = rest.trim_start_matches(|c: char| kind == "[" && ('0'..='?').contains(&c));
    match (kind, end) {
        ("[" | "O", "") => Sequence::Open,
        ("[" | "O", _) => Sequence::Whole(match (end, &rest[..rest.len() - end.len()]) {
            ("A", _) => Some(KeyCode::Up),
            ("B", _) => Some(KeyCode::Down),
            ("C", _) => Some(KeyCode::Right),
            ("D", _) => Some(KeyCode::Left),
            ("H", _) | ("~", "1" | "7") => Some(KeyCode::Home),
            ("F", _) | ("~", "4" | "8") => Some(KeyCode::End),
            ("Z", _) => Some(KeyCode::BackTab),
            ("~", "3") => Some(KeyCode::Delete),
            ("~", "5") => Some(KeyCode::PageUp),
            ("~", "6") => Some(KeyCode::PageDown),
            _ => None,
        }),
        _ => Sequence::None,
    }
}

/// The text that a key types, if it types any.
pub fn typed(key: KeyEvent) -> Option<char> {
    match key.code {
        KeyCode::Char(c) if !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) && !c.is_control() => Some(c),
        _ => None,
    }
}

/// The key table as Markdown, for the README.
pub fn markdown() -> String {
    let rows = |table: &[Binding]| -> String {
        table
            .iter()
            .map(|b| format!("| {} | {} |\n", b.keys.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(" "), b.does))
            .collect()
    };
    format!("| key | graph pane |\n|---|---|\n{}\n| key | while a filter is typed |\n|---|---|\n{}", rows(BINDINGS), rows(FILTER_BINDINGS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn key(code: KeyCode, modifiers: KeyModifiers) -> KeyEvent {
        KeyEvent::new(code, modifiers)
    }

    #[test]
    fn no_key_is_bound_twice() {
        for table in [BINDINGS, FILTER_BINDINGS] {
            let keys: Vec<_> = table.iter().flat_map(|b| b.keys).collect();
            assert_eq!(keys.len(), keys.iter().collect::<BTreeSet<_>>().len());
        }
    }

    #[test]
    fn keys_are_found_by_name() {
        let none = KeyModifiers::NONE;
        assert_eq!(action(BINDINGS, key(KeyCode::Char('q'), none)), Some(Action::Quit));
        assert_eq!(action(BINDINGS, key(KeyCode::Char('N'), KeyModifiers::SHIFT)), Some(Action::PageUp));
        assert_eq!(action(BINDINGS, key(KeyCode::BackTab, KeyModifiers::SHIFT)), Some(Action::Previous));
        assert_eq!(action(BINDINGS, key(KeyCode::PageDown, none)), Some(Action::PageDown));
        assert_eq!(action(BINDINGS, key(KeyCode::Char('z'), none)), None);
        assert_eq!(action(FILTER_BINDINGS, key(KeyCode::Char('u'), KeyModifiers::CONTROL)), Some(Action::DeleteToStart));
        assert_eq!(action(FILTER_BINDINGS, key(KeyCode::Char('q'), none)), None);
    }

    #[test]
    fn escape_and_a_key_in_one_go_are_two_keys() {
        let names = |key| apart(key).into_iter().map(name).collect::<Vec<_>>();
        assert_eq!(names(key(KeyCode::Char('h'), KeyModifiers::ALT)), ["esc", "h"]);
        assert_eq!(names(key(KeyCode::Char('u'), KeyModifiers::ALT | KeyModifiers::CONTROL)), ["esc", "ctrl+u"]);
        assert_eq!(names(key(KeyCode::Char('h'), KeyModifiers::NONE)), ["h"]);
        assert!(BINDINGS.iter().chain(FILTER_BINDINGS).all(|b| b.keys.iter().all(|key| !key.contains("alt"))));
    }

    #[test]
    fn escape_and_a_cursor_key_in_one_go_are_two_keys() {
        let check = |keys: &str, want: &[KeyCode]| {
            let codes = keys.chars().map(|c| if c == '^' { KeyCode::Esc } else { KeyCode::Char(c) });
            let mut rejoin = Rejoin::default();
            let last = keys.chars().count() - 1;
            let got: Vec<KeyCode> =
                codes.enumerate().flat_map(|(i, code)| rejoin.push(code.into(), i < last)).map(|key| key.code).collect();
            assert_eq!(got, want, "{keys}");
        };
        check("^[A", &[KeyCode::Esc, KeyCode::Up]);
        check("^OB/", &[KeyCode::Esc, KeyCode::Down, KeyCode::Char('/')]);
        check("^[5~^[Z", &[KeyCode::Esc, KeyCode::PageUp, KeyCode::Esc, KeyCode::BackTab]);
        check("^[1;5C", &[KeyCode::Esc, KeyCode::Right]);
        check("^[15~", &[KeyCode::Esc]);
        check(
            "^los[A",
            &[KeyCode::Esc, KeyCode::Char('l'), KeyCode::Char('o'), KeyCode::Char('s'), KeyCode::Char('['), KeyCode::Char('A')],
        );
        check("^[", &[KeyCode::Esc, KeyCode::Char('[')]);
        check("[A", &[KeyCode::Char('['), KeyCode::Char('A')]);
    }

    #[test]
    fn a_person_who_types_a_bracket_after_escape_types_a_bracket() {
        let mut rejoin = Rejoin::default();
        let typed: Vec<KeyCode> = [KeyCode::Esc, KeyCode::Char('['), KeyCode::Char('A')]
            .into_iter()
            .flat_map(|code| rejoin.push(code.into(), false))
            .map(|key| key.code)
            .collect();
        assert_eq!(typed, [KeyCode::Esc, KeyCode::Char('['), KeyCode::Char('A')]);
    }

    #[test]
    fn every_binding_stands_in_the_readme_table() {
        let table = markdown();
        assert!(BINDINGS.iter().chain(FILTER_BINDINGS).all(|b| table.contains(b.does)));
    }
}
