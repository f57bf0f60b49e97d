//! Dicts in a line, as JSON or as Python prints them.

use super::facts::{Count, Pairs};
use super::words::{Counter, counter};
use crate::source::json::{non_finite, number};

/// Deepest nesting that is followed.
const DEPTH_MAX: u32 = 16;

/// What a dict says.
#[derive(Default, Debug)]
pub(super) struct Dict {
    pub(super) pairs: Pairs,
    /// The best counter among its whole numbers.
    pub(super) step: Option<(Counter, Count)>,
}

impl Dict {
    /// Reads the dict at the start of `text`. False: it is none.
    pub(super) fn read(&mut self, text: &str) -> bool {
        self.pairs.clear();
        self.step = None;
        let mut walk = Walk { text, at: 0, depth: 0, path: String::new(), dict: self };
        walk.dict().is_some()
    }
}

struct Walk<'a, 'd> {
    text: &'a str,
    at: usize,
    depth: u32,
    path: String,
    dict: &'d mut Dict,
}

enum Value {
    Number(f64, bool),
    Other,
}

impl<'a> Walk<'a, '_> {
    fn dict(&mut self) -> Option<()> {
        self.take(b'{')?;
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        while self.peek()? != b'}' {
            let key = self.string()?;
            self.take(b':')?;
            let back = self.path.len();
            self.path.push_str(key);
            if self.peek()? == b'{' {
                self.path.push('.');
                self.dict()?;
            } else if let Value::Number(value, whole) = self.value()? {
                self.put(value, whole);
            }
            self.path.truncate(back);
            if self.peek()? == b',' {
                self.at += 1;
            }
        }
        self.depth -= 1;
        self.at += 1;
        Some(())
    }

    fn put(&mut self, value: f64, whole: bool) {
        self.dict.pairs.push(&[&self.path], value);
        if whole
            && let Some(kind) = counter(&self.path)
            && self.dict.step.is_none_or(|(known, _)| kind > known)
        {
            self.dict.step = Some((kind, Count { at: value as i64, of: None }));
        }
    }

    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// A string in either kind of quotes; escapes are kept as they stand.
    fn string(&mut self) -> Option<&'a str> {
        let quote = self.peek().filter(|b| matches!(b, b'"' | b'\''))?;
        let start = self.at + 1;
        let bytes = self.text.as_bytes();
        let mut at = start;
        while *bytes.get(at)? != quote {
            at += if bytes[at] == b'\\' { 2 } else { 1 };
        }
        self.at = at + 1;
        self.text.get(start..at)
    }

    fn value(&mut self) -> Option<Value> {
        match self.peek()? {
            b'"' | b'\'' => self.string().map(plain),
            b'[' | b'(' => self.group().map(|()| Value::Other),
            _ => {
                let start = self.at;
                let bytes = self.text.as_bytes();
                while !matches!(bytes.get(self.at)?, b',' | b'}' | b'(') {
                    self.at += 1;
                }
                let word = self.text.get(start..self.at)?.trim_ascii();
                if bytes[self.at] != b'(' {
                    return Some(plain(word));
                }
                // `tensor(0.5, device='cuda:0')`, `np.float64(0.5)`: the first argument.
                let inside = self.at + 1;
                self.group()?;
                let first = self.text.get(inside..self.at - 1)?.split(',').next().unwrap_or("");
                Some(plain(first.trim_ascii()))
            }
        }
    }

    /// Passes over a list, a tuple or arguments.
    fn group(&mut self) -> Option<()> {
        let mut depth = 0_u32;
        loop {
            match self.peek()? {
                b'"' | b'\'' => {
                    self.string()?;
                    continue;
                }
                b'[' | b'(' | b'{' => depth += 1,
                b']' | b')' | b'}' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Some(());
            }
        }
    }
}

/// A number that may stand in quotes, as fairseq and others write it.
fn plain(word: &str) -> Value {
    let word = word.strip_suffix('%').unwrap_or(word);
    match number(word.as_bytes()) {
        Some((value, length)) if length == word.len() => Value::Number(value, word.bytes().all(|b| b.is_ascii_digit())),
        _ => non_finite(word).map_or(Value::Other, |value| Value::Number(value, false)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn show(text: &str) -> String {
        let mut dict = Dict::default();
        if !dict.read(text) {
            return "none".into();
        }
        let step = dict.step.map(|(_, count)| format!("<{}>", count.at));
        step.into_iter().chain(dict.pairs.iter().map(|(name, value)| format!("{name}={value}"))).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn python_and_json_dicts_are_read() {
        assert_eq!(show("{'loss': 2.1, 'lr': 5e-05, 'epoch': 0.12}"), "loss=2.1, lr=0.00005, epoch=0.12");
        assert_eq!(show(r#"{"epoch": 1, "num_updates": "7", "loss": "16.5", "ok": true}"#), "<7>, epoch=1, num_updates=7, loss=16.5");
        assert_eq!(
            show("{'a': {'b': nan, 'c': [1, (2, 3)]}, 'd': tensor(0.5, device='cuda:0'), 'e': np.float64(1.5), 'f': None}"),
            "a.b=NaN, d=0.5, e=1.5"
        );
        assert_eq!(show("{'a': 1"), "none");
        assert_eq!(show("{a}"), "none");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in r#"\{[a-z0-9'":,.\[\](){}\\ é]{0,40}"#) {
            Dict::default().read(&text);
        }
    }
}
