//! Dicts in a line, as JSON or as Python prints them.

use super::facts::{Count, Pairs};
use super::prefix::strip;
use super::steps::is_known;
use super::words::{Counter, counter, is_stamp, is_vague_counter};
use crate::source::{
    json::{non_finite, number},
    metrics::is_clear_metric,
};

/// Deepest nesting that is followed.
const DEPTH_MAX: u32 = 16;

/// What a dict says.
#[derive(Default, Debug)]
pub(super) struct Dict {
    pub(super) pairs: Pairs,
    /// The best counter among its whole numbers.
    pub(super) step: Option<(Counter, Count)>,
    /// Values that are words: texts, booleans, None.
    texts: u32,
    /// A count that may be how many there will be.
    vague: Option<(Counter, Count)>,
    /// The text under `key`, and the number under `value`: the dict is of one metric.
    key: String,
    value: Option<f64>,
}

/// Under what a dict of one metric has its name: `{"metric": "loss", "value": 0.5, "step": 3}`.
const KEYS: &[&str] = &["key", "name", "metric", "tag"];

impl Dict {
    /// Reads the dict at the start of `text`. False: it is none.
    pub(super) fn read(&mut self, text: &str) -> bool {
        self.pairs.clear();
        (self.step, self.texts, self.vague, self.value) = (None, 0, None, None);
        self.key.clear();
        let mut walk = Walk { text, at: 0, depth: 0, path: String::new(), dict: self };
        let is_dict = walk.dict().is_some();
        if let (Some(value), false) = (self.value, self.key.is_empty() || is_known(&self.pairs)) {
            self.pairs.clear();
            self.pairs.push(&[&self.key], value);
        }
        // `total_timesteps` counts beside what was measured.
        if self.vague.is_some() && self.pairs.iter().any(|(name, _)| is_clear_metric(name)) {
            self.vague.take().into_iter().for_each(|(kind, count)| self.count(kind, count));
        }
        is_dict
    }

    /// Whether the dict looks like settings: many words and no metric, or the length of a training and nothing measured.
    pub(super) fn is_config(&self) -> bool {
        self.texts > 1 && !is_known(&self.pairs) || self.vague.is_some() && self.step.is_none()
    }

    fn count(&mut self, kind: Counter, count: Count) {
        if self.step.is_none_or(|(known, _)| kind > known) {
            self.step = Some((kind, count));
        }
    }
}

/// Longest dict over several lines that is kept: lines and bytes.
const OPEN_LINES_MAX: u32 = 256;
const OPEN_BYTES_MAX: usize = 16 << 10;

/// A dict that goes on in the next lines, as `pprint` and `json.dumps(indent=2)` print it.
#[derive(Default)]
pub(super) struct OpenDict {
    text: String,
    /// Where its brace stands in `text`.
    at: usize,
    /// The brackets that `text` opens and does not close.
    brackets: Vec<u8>,
    lines: u32,
    /// Where its first line starts in the source.
    offset: u64,
}

impl OpenDict {
    /// Whether lines are missing.
    pub(super) fn is_open(&self) -> bool {
        !self.brackets.is_empty()
    }

    /// Begins with a line whose brace at `at` is not closed in it. False: no dict begins here.
    pub(super) fn begin(&mut self, text: &str, at: usize, offset: u64) -> bool {
        self.brackets.clear();
        let inside = text[at + 1..].trim_ascii();
        let is_first = inside.is_empty() || (inside.starts_with(['\'', '"']) && inside.ends_with([',', '{', '[', '(']));
        if !is_first || text.len() > OPEN_BYTES_MAX {
            return false;
        }
        nest(&mut self.brackets, &text[at..]);
        text.clone_into(&mut self.text);
        (self.at, self.lines, self.offset) = (at, 1, offset);
        self.is_open()
    }

    /// Takes the next line. `Some`: that was the last, and the offset of the first. A line that is none of the dict ends it.
    pub(super) fn push(&mut self, line: &str) -> Option<u64> {
        self.lines += 1;
        if !self.goes_on(line) || self.lines > OPEN_LINES_MAX || self.text.len() + line.len() > OPEN_BYTES_MAX {
            self.brackets.clear();
            return None;
        }
        nest(&mut self.brackets, line);
        self.text.push(' ');
        self.text.push_str(line);
        (!self.is_open()).then_some(self.offset)
    }

    /// Whether a line may go on with the dict: a value where one must come, a key where one must come, or what closes a bracket.
    fn goes_on(&self, line: &str) -> bool {
        let before = self.text.trim_ascii_end().as_bytes().last();
        match (line.as_bytes().first(), self.brackets.last(), before) {
            (Some(b']' | b'}' | b')'), ..) => true,
            (Some(first), Some(b'{'), Some(b',' | b'{')) => matches!(first, b'\'' | b'"'),
            (Some(_), _, Some(b',' | b'[' | b'(' | b':')) => is_value(line),
            _ => false,
        }
    }

    /// The lines in one, and where the brace stands.
    pub(super) fn take(&mut self) -> (String, usize) {
        (std::mem::take(&mut self.text), self.at)
    }
}

/// Whether a line begins with a value, and not with what a logger puts in front of a line.
fn is_value(line: &str) -> bool {
    // What stands in a bracket may be a list: behind that comes no text.
    let is_logged = || {
        strip(line).is_none_or(|stripped| {
            stripped.text.len() < line.len() && !stripped.text.starts_with([',', ']', '}', ')']) && !stripped.text.is_empty()
        })
    };
    match line.as_bytes().first() {
        // `0.5, 0.25],`, or the last number of a list on a line of its own.
        Some(b'0'..=b'9' | b'-') => (line.ends_with([',', '[', '{', '(', ']', '}', ')']) || !line.contains(' ')) && !is_logged(),
        Some(b'\'' | b'"' | b'{') => true,
        Some(b'[' | b'(') => !is_logged(),
        _ => ["tensor(", "array(", "True", "False", "None", "true", "false", "null"].iter().any(|word| line.starts_with(word)),
    }
}

/// Keeps in `brackets` those that are open behind `text`, outside of strings.
fn nest(brackets: &mut Vec<u8>, text: &str) {
    let mut quote = None;
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match (quote, byte) {
            // What is escaped ends no string.
            (Some(_), b'\\') => {
                bytes.next();
            }
            (Some(open), _) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'{' | b'[' | b'(') => brackets.push(byte),
            (None, b'}' | b']' | b')') => drop(brackets.pop()),
            _ => {}
        }
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
    /// A text like `10/500`.
    Count(Count),
    /// A text, a boolean, None.
    Text,
    /// A list.
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
            } else {
                let start = self.at;
                match self.value()? {
                    Value::Number(value, whole) => self.put(value, whole),
                    // `"iter": "10/500"`, `'global_step/max_steps': '10/500'`
                    Value::Count(count) => {
                        let kind = self.path.split('/').find_map(counter);
                        kind.into_iter().for_each(|kind| self.dict.count(kind, count));
                    }
                    Value::Text => {
                        self.dict.texts += 1;
                        if KEYS.contains(&&*self.path) {
                            let text = self.text[start..self.at].trim_matches(['"', '\'', ' ']);
                            text.clone_into(&mut self.dict.key);
                        }
                    }
                    Value::Other => {}
                }
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
        if is_stamp(&self.path, value) {
            return;
        }
        self.dict.pairs.push(&[&self.path], value);
        if self.path == "value" {
            self.dict.value = Some(value);
        }
        // `'epoch': 1.0` counts, too.
        if (whole || value.fract() == 0.0)
            && let Some(kind) = counter(&self.path)
        {
            let count = Count { at: value as i64, of: None };
            if kind == Counter::Global && is_vague_counter(&self.path) {
                self.dict.vague = Some((kind, count));
            } else {
                self.dict.count(kind, count);
            }
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
        _ => match word.split_once('/').map(|(at, of)| (at.parse(), of.parse())) {
            Some((Ok(at), Ok(of))) => Value::Count(Count { at, of: Some(of) }),
            _ => non_finite(word).map_or(Value::Text, |value| Value::Number(value, false)),
        },
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
        assert_eq!(show(r#"{"epoch": "1/200", "iter": "10/500", "loss": 2.5}"#), "<10>, loss=2.5");
        assert_eq!(show("{'loss': '2.5', 'global_step/max_steps': '2/3'}"), "<2>, loss=2.5");
        assert_eq!(show("{'metric': 'loss', 'value': 0.5, 'time': 12, 'step': 3}"), "<3>, loss=0.5");
        assert_eq!(show("{'name': 'loss', 'lr': 0.5}"), "lr=0.5");
        assert_eq!(show("{'time': 1700000000.5, 'loss': 0.5}"), "loss=0.5");
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
