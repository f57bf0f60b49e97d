//! Keys whose bytes came in one go with an Escape.

use super::typed;
use crossterm::event::{KeyCode, KeyEvent};

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

#[cfg(test)]
mod tests {
    use super::*;

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
}
