//! JSON as training programs write it: also bare `NaN`, `Infinity` and `-Infinity`, as Python does.
//!
//! A cursor walks the text once and hands out keys and numbers in place; only what escapes need is copied.

use super::decimal;
use serde_json::{Map, Number, Value};
use std::borrow::Cow;

/// Deepest nesting that is followed; deeper text is taken as damage.
const DEPTH_MAX: u32 = 64;

/// Reads one JSON value. NaN and infinities become the strings `"NaN"`, `"Infinity"` and `"-Infinity"`.
///
/// `None`: it is not JSON, or something stands behind it.
pub fn lenient(text: &str) -> Option<Value> {
    let mut cursor = Cursor::new(text);
    let value = cursor.value()?;
    cursor.is_done().then_some(value)
}

/// JSON values with bytes in them that are no UTF-8: words of another encoding, or damage. `None`: they do not stand in words that are
/// values alone, so that numbers, dates or names may be damaged.
pub(super) fn mended(bytes: &[u8]) -> Option<String> {
    fn check(cursor: &mut Cursor) -> Option<()> {
        match cursor.peek()? {
            b'{' => cursor.object(|cursor, key| {
                if key.contains(char::REPLACEMENT_CHARACTER) {
                    return None;
                }
                check(cursor)
            }),
            b'[' => cursor.array(check),
            b'"' => {
                let text = cursor.string()?;
                let is_word = !text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '-' | '+' | '.'));
                (is_word || !text.contains(char::REPLACEMENT_CHARACTER)).then_some(())
            }
            _ => cursor.skip(),
        }
    }
    let text = String::from_utf8_lossy(bytes).into_owned();
    let mut cursor = Cursor::new(&text);
    loop {
        match cursor.peek() {
            None => return Some(text),
            // An array may go on over many lines.
            Some(b'[' | b']' | b',') => cursor.pass(),
            Some(_) => check(&mut cursor)?,
        }
    }
}

/// The number that a word for a non-finite value means: `NaN`, `Infinity`, `-inf`, ... in any case.
pub(super) fn non_finite(word: &str) -> Option<f64> {
    let (sign, rest) = match word.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, word.strip_prefix('+').unwrap_or(word)),
    };
    match rest.len() {
        3 if rest.eq_ignore_ascii_case("nan") => Some(f64::NAN),
        3 if rest.eq_ignore_ascii_case("inf") => Some(sign * f64::INFINITY),
        8 if rest.eq_ignore_ascii_case("infinity") => Some(sign * f64::INFINITY),
        _ => None,
    }
}

/// The decimal number at the start of `bytes` and its length: `-12`, `.5`, `5.`, `1.5e-04`.
#[inline]
pub(super) fn number(bytes: &[u8]) -> Option<(f64, usize)> {
    let negative = match bytes.first()? {
        b'-' => true,
        b'0'..=b'9' | b'.' | b'+' => false,
        _ => return None,
    };
    let start = usize::from(negative || bytes[0] == b'+');
    let (mut mantissa, mut exponent) = (0, 0_i32);
    let mut at = digits(bytes, start, &mut mantissa);
    let mut count = at - start;
    if bytes.get(at) == Some(&b'.') {
        let point = at + 1;
        at = digits(bytes, point, &mut mantissa);
        count += at - point;
        exponent = -((at - point).min(1 << 20) as i32);
    }
    if count == 0 {
        return None;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        let mut to = at + 1;
        let down = bytes.get(to) == Some(&b'-');
        to += usize::from(matches!(bytes.get(to), Some(b'-' | b'+')));
        let (first, mut power) = (to, 0_i32);
        while let Some(byte @ b'0'..=b'9') = bytes.get(to) {
            power = (power * 10 + i32::from(byte - b'0')).min(1 << 20);
            to += 1;
        }
        if to > first {
            at = to;
            exponent += if down { -power } else { power };
        }
    }
    // 19 digits fit a u64. Leading zeros are among them, which only sends some numbers the long way.
    let value = match decimal::nearest(mantissa, exponent).filter(|_| count <= 19) {
        Some(value) => value,
        None => return std::str::from_utf8(&bytes[..at]).ok()?.parse().ok().map(|value| (value, at)),
    };
    Some((if negative { -value } else { value }, at))
}

/// Adds the digits from `at` on to `mantissa`, which overflows behind the 19th. Returns where they end.
#[inline(always)]
fn digits(bytes: &[u8], mut at: usize, mantissa: &mut u64) -> usize {
    let mut add = |eight: &[u8; 8]| {
        let (value, count) = decimal::leading_digits(eight);
        *mantissa = mantissa.wrapping_mul(decimal::TENS[count]).wrapping_add(value);
        count
    };
    while let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        let count = add(eight);
        at += count;
        if count < 8 {
            return at;
        }
    }
    // Fewer than eight are left: with those in front of them they are eight, of which these go.
    if let Some(eight) = bytes.last_chunk() {
        let left = u64::from_le_bytes(*eight).checked_shr(64 - 8 * (bytes.len() - at) as u32).unwrap_or(0);
        return at + add(&left.to_le_bytes());
    }
    while let Some(byte @ b'0'..=b'9') = bytes.get(at) {
        *mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
        at += 1;
    }
    at
}

/// A place in JSON text. Every method answers `None` for text that is not JSON.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
}

/// What stands at the cursor, without anything copied.
pub(super) enum Token<'a> {
    Number(f64),
    Text(Cow<'a, str>),
    /// `{`: call [`Cursor::object`] next.
    Object,
    /// An array, `true`, `false` or `null`, already skipped.
    Other,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Cursor<'a> {
        Cursor { text, at: 0, depth: 0 }
    }

    /// Whether only white space is left.
    pub(super) fn is_done(&mut self) -> bool {
        self.peek().is_none()
    }

    /// The next byte that is not white space.
    pub(super) fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = bytes.get(self.at) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    /// Passes over the byte that [`Cursor::peek`] gave.
    pub(super) fn pass(&mut self) {
        self.at += 1;
    }

    /// Calls `entry` for every key of the object that starts here; `entry` has to take the value.
    pub(super) fn object(&mut self, mut entry: impl FnMut(&mut Self, Cow<'a, str>) -> Option<()>) -> Option<()> {
        self.expect(b'{')?;
        self.down()?;
        if self.peek()? == b'}' {
            self.at += 1;
        } else {
            loop {
                self.peek()?;
                let key = self.string()?;
                self.expect(b':')?;
                entry(self, key)?;
                match self.peek()? {
                    b',' => self.at += 1,
                    b'}' => break self.at += 1,
                    _ => return None,
                }
            }
        }
        self.depth -= 1;
        Some(())
    }

    /// Whether the object here has an entry of this name. The cursor stays.
    pub(super) fn has(&self, name: &str) -> bool {
        let mut found = false;
        let read = self.clone().object(|cursor, key| {
            found |= key == name;
            cursor.skip()
        });
        found && read.is_some()
    }

    /// The value here, as far as it can be told without copying.
    pub(super) fn token(&mut self) -> Option<Token<'a>> {
        match self.peek()? {
            b'"' => self.string().map(Token::Text),
            b'{' => Some(Token::Object),
            b'0'..=b'9' | b'-' | b'N' | b'I' => self.number().map(Token::Number),
            _ => self.skip().map(|()| Token::Other),
        }
    }

    /// Passes over the value here.
    pub(super) fn skip(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => self.string().map(drop),
            b'{' => self.object(|cursor, _| cursor.skip()),
            b'[' => self.array(|cursor| cursor.skip()),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.number().map(drop),
        }
    }

    /// The value here.
    pub(super) fn value(&mut self) -> Option<Value> {
        Some(match self.peek()? {
            b'"' => Value::String(self.string()?.into_owned()),
            b'{' => {
                let mut map = Map::new();
                self.object(|cursor, key| {
                    let value = cursor.value()?;
                    map.insert(key.into_owned(), value);
                    Some(())
                })?;
                Value::Object(map)
            }
            b'[' => {
                let mut items = vec![];
                self.array(|cursor| cursor.value().map(|value| items.push(value)))?;
                Value::Array(items)
            }
            b't' => self.word("true").map(|()| Value::Bool(true))?,
            b'f' => self.word("false").map(|()| Value::Bool(false))?,
            b'n' => self.word("null").map(|()| Value::Null)?,
            _ => {
                let start = self.at;
                let number = self.number()?;
                let digits = &self.text[start..self.at];
                match (digits.parse::<i64>(), digits.parse::<u64>()) {
                    // `-0` is no integer: its sign would be lost.
                    (Ok(int), _) if int != 0 || !digits.starts_with('-') => Value::from(int),
                    (_, Ok(int)) => Value::from(int),
                    _ => float(number),
                }
            }
        })
    }

    /// The string here; the cursor stands on its `"`. A lone surrogate becomes U+FFFD.
    pub(super) fn string(&mut self) -> Option<Cow<'a, str>> {
        let bytes = self.text.as_bytes();
        if bytes.get(self.at) != Some(&b'"') {
            return None;
        }
        let start = self.at + 1;
        let stop = start + bytes[start..].iter().position(|b| matches!(b, b'"' | b'\\'))?;
        self.at = stop;
        if bytes[stop] == b'"' {
            self.at += 1;
            return Some(Cow::Borrowed(&self.text[start..stop]));
        }
        self.unescape(start).map(Cow::Owned)
    }

    fn unescape(&mut self, start: usize) -> Option<String> {
        let bytes = self.text.as_bytes();
        let mut out = self.text[start..self.at].to_owned();
        loop {
            let stop = self.at + memchr::memchr2(b'"', b'\\', &bytes[self.at..])?;
            out.push_str(&self.text[self.at..stop]);
            self.at = stop + 1;
            if bytes[stop] == b'"' {
                return Some(out);
            }
            let escape = *bytes.get(self.at)?;
            self.at += 1;
            out.push(match escape {
                b'"' | b'\\' | b'/' => char::from(escape),
                b'n' => '\n',
                b't' => '\t',
                b'r' => '\r',
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'u' => self.code_point()?,
                _ => return None,
            });
        }
    }

    fn code_point(&mut self) -> Option<char> {
        let high = self.hex4()?;
        if (0xD800..0xDC00).contains(&high) && self.text.as_bytes()[self.at..].starts_with(b"\\u") {
            let back = self.at;
            self.at += 2;
            match self.hex4()? {
                low @ 0xDC00..0xE000 => return char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)),
                _ => self.at = back,
            }
        }
        Some(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hex4(&mut self) -> Option<u32> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4)?;
        self.at += 4;
        digits.iter().try_fold(0, |sum, digit| Some(sum * 16 + char::from(*digit).to_digit(16)?))
    }

    fn number(&mut self) -> Option<f64> {
        let rest = &self.text.as_bytes()[self.at..];
        let (value, length) = match rest {
            [b'N', b'a', b'N', ..] => (f64::NAN, 3),
            [b'I', ..] if rest.starts_with(b"Infinity") => (f64::INFINITY, 8),
            [b'-', b'I', ..] if rest.starts_with(b"-Infinity") => (f64::NEG_INFINITY, 9),
            [b'0'..=b'9' | b'-', ..] => number(rest)?,
            _ => return None,
        };
        self.at += length;
        Some(value)
    }

    /// Where it stands in the text.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Calls `item` at every item of the array that starts here; `item` has to take it.
    pub(super) fn array(&mut self, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.expect(b'[')?;
        self.down()?;
        if self.peek()? == b']' {
            self.at += 1;
        } else {
            loop {
                item(self)?;
                match self.peek()? {
                    b',' => self.at += 1,
                    b']' => break self.at += 1,
                    _ => return None,
                }
            }
        }
        self.depth -= 1;
        Some(())
    }

    fn down(&mut self) -> Option<()> {
        self.depth += 1;
        (self.depth <= DEPTH_MAX).then_some(())
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn word(&mut self, word: &str) -> Option<()> {
        self.text[self.at..].starts_with(word).then(|| self.at += word.len())
    }
}

fn float(number: f64) -> Value {
    let word = || match number {
        n if n.is_nan() => "NaN",
        n if n > 0.0 => "Infinity",
        _ => "-Infinity",
    };
    Number::from_f64(number).map_or_else(|| Value::from(word()), Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn what_python_writes_is_read() {
        assert_eq!(
            lenient(r#" {"a": NaN, "b": [Infinity, -Infinity], "c": null} "#).unwrap(),
            json!({"a": "NaN", "b": ["Infinity", "-Infinity"], "c": null})
        );
        assert_eq!(lenient("9007199254740993").unwrap(), json!(9007199254740993_i64));
        assert_eq!(lenient("18446744073709551615").unwrap(), json!(u64::MAX));
        assert_eq!(lenient(r#""gr\u00f6\u00dfe \ud83d\ude00 \ud83d \"""#).unwrap(), json!("größe 😀 \u{fffd} \""));
    }

    #[test]
    fn words_of_another_encoding_are_mended_and_damaged_numbers_and_names_are_not() {
        assert_eq!(mended(b"{\"n\": [\"M\xfcller\"], \"a\": 1}").as_deref(), Some("{\"n\": [\"M\u{fffd}ller\"], \"a\": 1}"));
        for bad in
            [&b"{\"a\": \xff1}"[..], b"{\"st\xffep\": 1}", b"{\"step\": \"1\xff2\"}", b"{\"a\": {\"b\xff\": 1}}", b"{\"a\": \"b\xff}"]
        {
            assert_eq!(mended(bad), None, "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn text_that_is_not_json_is_refused() {
        for bad in ["", "{", "[1,]", "{\"a\" 1}", "nul", "1 2", "{'a': 1}", "\"", "\"\\u12\"", "-", "Inf", "\"\\x\""] {
            assert_eq!(lenient(bad), None, "{bad}");
        }
        assert_eq!(lenient(&"[".repeat(100_000)), None);
    }

    proptest! {
        #[test]
        fn numbers_read_as_the_standard_library_reads_them(text in prop_oneof![
            Just(r"-?[0-9]{1,25}(\.[0-9]{0,25})?([eE][+-]?[0-9]{1,3})?"), Just(r"-?0\.0{0,4}[0-9]{15,18}(e-[0-9])?")
        ].prop_flat_map(|pattern| proptest::string::string_regex(pattern).unwrap())) {
            let (value, length) = number(text.as_bytes()).unwrap();
            prop_assert_eq!(length, text.len());
            prop_assert_eq!(value.to_bits(), text.parse::<f64>().unwrap().to_bits());
        }

        #[test]
        fn no_text_panics(text in r#"[\[\]{}",:\\u0-9a-eNIn.\- é]{0,40}"#) {
            lenient(&text);
        }

        #[test]
        fn what_serde_writes_is_read_back(floats in proptest::collection::vec(any::<f64>().prop_filter("finite", |f| f.is_finite()), 0..5), text in ".*") {
            let value = json!({"floats": floats, "text": text, "deep": {"er": [null, true, -5]}});
            prop_assert_eq!(lenient(&value.to_string()), Some(value));
        }
    }
}
