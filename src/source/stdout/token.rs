//! Cuts a plain line into words, numbers and separators.

use super::words::{counter, is_unit};
use crate::source::{
    decimal::{nearest, short},
    json::{non_finite, number},
    metrics::is_metric,
};

/// A piece of a line.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Token {
    /// Text that is no number: a name, a path, a version. From, to, in bytes.
    Word(u32, u32),
    Number(Number),
    /// A clock, a date, a duration like `1:02:03`: a value, but not a number.
    Clock,
    Colon,
    Equals,
    /// What parts two entries: `,` `;` `|`, a tab, ` - `, a ruler.
    Break,
    /// Two or more spaces.
    Gap,
    Open(u8),
    Close,
}

/// A number with its unit taken off.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Number {
    pub(super) value: f64,
    /// Written as a whole number.
    pub(super) whole: bool,
    /// The `N` of `i/N`.
    pub(super) of: Option<i64>,
}

/// Longest line that is taken apart. Lines of metrics are shorter; longer ones are dumps.
pub(super) const LINE_BYTES_MAX: usize = 16 << 10;

/// Cuts `text` into `out`.
pub(super) fn tokens(text: &str, out: &mut Vec<Token>) {
    cut(text, out, &mut |_, _, _| {});
}

/// Cuts `text` into `out` and tells `found` the index of every number and clock, and where it starts and ends.
/// (`nan` and `inf` are told apart from words by what stands around them, so they are not among these.)
pub(super) fn cut(text: &str, out: &mut Vec<Token>, found: &mut dyn FnMut(u32, u32, u32)) {
    out.clear();
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let next = bytes.get(at + 1).copied().unwrap_or(b' ');
        match byte {
            b' ' => {
                let run = bytes[at..].iter().take_while(|b| **b == b' ').count();
                at += run;
                if run > 1 {
                    out.push(Token::Gap);
                }
            }
            b'\t' => {
                let run = bytes[at..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
                at += run;
                // A name and its number may stand in two columns.
                let value_follows = bytes.get(at).is_some_and(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.'));
                let before = out.iter().rev().find(|token| **token != Token::Gap);
                let in_pair = value_follows && matches!(before, Some(Token::Colon | Token::Equals | Token::Word(..)));
                out.push(if in_pair { Token::Gap } else { Token::Break });
            }
            b',' | b';' | b'|' | b'>' => {
                at += 1;
                out.push(Token::Break);
            }
            // `epoch=0/step=10`
            b'/' if matches!(out.last(), Some(Token::Number(_))) => {
                at += 1;
                out.push(Token::Break);
            }
            b'(' | b'[' | b'{' | b'<' => {
                at += 1;
                out.push(Token::Open(byte));
            }
            b')' | b']' | b'}' => {
                at += 1;
                out.push(Token::Close);
            }
            b':' => {
                at += 1;
                out.push(Token::Colon);
            }
            // `loss -> 0.5`
            b'-' | b'=' if next == b'>' => {
                at += 2;
                out.push(Token::Break);
            }
            b'=' => {
                let run = bytes[at..].iter().take_while(|b| **b == b'=').count();
                at += run;
                out.push(if run == 1 { Token::Equals } else { Token::Break });
            }
            // `--lr 0.1`: a command line, no metric.
            b'-' if is_flag(bytes, at) => at = word(text, at, out),
            b'-' | b'*' | b'#' | b'~' | b'.' | b'+' if next == byte || (next == b' ' && byte != b'#') => {
                at += bytes[at..].iter().take_while(|b| **b == byte).count();
                out.push(Token::Break);
            }
            b'\'' | b'"' | b'`' => at = quoted(text, at, out),
            b'0'..=b'9' | b'-' | b'+' | b'.' => {
                at = match numeric(bytes, at) {
                    Some((token, end)) => {
                        found(out.len() as u32, at as u32, end as u32);
                        out.push(token);
                        end
                    }
                    None => word(text, at, out),
                }
            }
            _ if let Some((token, start, end)) = wrapped(text, at, out) => {
                found(out.len() as u32, start as u32, end as u32);
                out.push(token);
                at = end + closed(&bytes[end..]);
            }
            _ => at = word(text, at, out),
        }
    }
}

/// Names of what holds one number in Python, behind the module they are of.
const WRAPPERS: &[&[u8]] = &[b"tensor", b"array", b"float", b"float16", b"float32", b"float64", b"bfloat16", b"int32", b"int64"];

/// The number inside of `loss=tensor(0.5, device='cuda:0')` or `loss np.float64(0.5)`, and where it starts and ends.
fn wrapped(text: &str, at: usize, before: &[Token]) -> Option<(Token, usize, usize)> {
    let (bytes, before) = (text.as_bytes(), before.last()?);
    if !matches!(before, Token::Colon | Token::Equals | Token::Word(..)) {
        return None;
    }
    let length = bytes[at..].iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_')).count();
    let name = bytes[at..at + length].rsplit(|b| *b == b'.').next()?;
    let start = at + length + 1;
    if bytes.get(start - 1) != Some(&b'(') || !WRAPPERS.iter().any(|wrapper| wrapper.eq_ignore_ascii_case(name)) {
        return None;
    }
    if let Token::Word(from, to) = before
        && !is_metric(&text[*from as usize..*to as usize])
    {
        return None;
    }
    let (token, end) = numeric(bytes, start)?;
    matches!(bytes.get(end), Some(b',' | b')')).then_some((token, start, end))
}

/// Length of what is left in an open bracket, and of the sign that closes it.
fn closed(bytes: &[u8]) -> usize {
    let mut depth = 1;
    let end = bytes.iter().position(|b| {
        depth += i32::from(*b == b'(') - i32::from(*b == b')');
        depth == 0
    });
    end.map_or(bytes.len(), |end| end + 1)
}

/// Dashes with a letter right behind them.
fn is_flag(bytes: &[u8], at: usize) -> bool {
    let rest = &bytes[at..];
    let name = rest.iter().position(|b| *b != b'-').map_or(&[][..], |dashes| &rest[dashes..]);
    let infinite = name.len() >= 3 && name[..3].eq_ignore_ascii_case(b"inf") || name.len() >= 3 && name[..3].eq_ignore_ascii_case(b"nan");
    name.first().is_some_and(u8::is_ascii_alphabetic) && !infinite
}

/// A quoted name counts as a word without its quotes; another quoted text as a word that is no name.
fn quoted(text: &str, at: usize, out: &mut Vec<Token>) -> usize {
    let (bytes, quote) = (text.as_bytes(), text.as_bytes()[at]);
    match memchr::memchr(quote, &bytes[at + 1..]) {
        Some(length) => {
            let (from, to) = (at + 1, at + 1 + length);
            let path = bytes[from..to].iter().any(|b| matches!(b, b'=' | b':'));
            out.push(if path { Token::Word(at as u32, to as u32 + 1) } else { Token::Word(from as u32, to as u32) });
            to + 1
        }
        None => at + 1,
    }
}

fn word(text: &str, start: usize, out: &mut Vec<Token>) -> usize {
    let bytes = text.as_bytes();
    let mut at = start;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b',' | b';' | b'|' | b')' | b']' | b'{' | b'}' | b'=' | b'<' | b'>' | b'"' | b'`' => break,
            b':' if at > start && ends_name(bytes, at) => break,
            // `lr(1e-4):` and `lr[0]:` are names; `27GiB(28%)`, `Namespace(a=1` and `Epoch[1/5]` are not.
            b'(' | b'[' => match group(bytes, at) {
                Some(end) if at > start => at = end,
                _ if at > start => break,
                _ => at += 1,
            },
            _ => at += 1,
        }
    }
    let at = at.max(start + 1);
    let mut end = at;
    while !text.is_char_boundary(end) {
        end += 1;
    }
    let before_value = || match out.last() {
        Some(Token::Colon | Token::Equals) => true,
        Some(Token::Word(from, to)) => is_metric(&text[*from as usize..*to as usize]),
        _ => false,
    };
    let alone = || bytes[end..].iter().find(|b| **b != b' ').is_none_or(|b| matches!(b, b',' | b';' | b'|' | b')' | b'\t'));
    if let Some(value) = not_a_number(&text[start..end]).filter(|_| before_value() || alone()) {
        out.push(Token::Number(Number { value, whole: false, of: None }));
        return end;
    }
    out.push(Token::Word(start as u32, end as u32));
    end
}

/// `nan`, `-inf`, also with a unit: `nanms`.
fn not_a_number(word: &str) -> Option<f64> {
    if !matches!(word.as_bytes(), [b'n' | b'N' | b'i' | b'I' | b'-' | b'+', _, _, ..]) {
        return None;
    }
    non_finite(word).or_else(|| {
        let digits = word.find(['n', 'N', 'i', 'I'])? + 3;
        let (value, unit) = word.split_at_checked(digits)?;
        non_finite(value).filter(|_| is_unit(unit))
    })
}

/// Whether the `:` at `at` ends a name: a value, a space or the end follows.
fn ends_name(bytes: &[u8], at: usize) -> bool {
    match bytes.get(at + 1) {
        None | Some(b' ' | b'\t' | b'0'..=b'9' | b'-' | b'+' | b'.' | b'[' | b'(' | b'{' | b'\'' | b'"') => true,
        Some(b'n' | b'N' | b'i' | b'I') => {
            let rest = &bytes[at + 1..(at + 4).min(bytes.len())];
            rest.eq_ignore_ascii_case(b"nan") || rest.eq_ignore_ascii_case(b"inf")
        }
        Some(_) => bytes[at + 1].is_ascii_alphabetic() && counts(&bytes[at + 1..]),
    }
}

/// Whether text begins with a word that counts, apart from what follows: `Epoch 5`, but not `epoch:5` or `steps/a.txt`.
#[inline(never)]
fn counts(text: &[u8]) -> bool {
    let length = text.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let number = text[length..].iter().position(|b| !matches!(b, b' ' | b'[')).filter(|spaces| *spaces > 0);
    number.is_some_and(|at| text[length + at].is_ascii_digit())
        && std::str::from_utf8(&text[..length]).is_ok_and(|word| counter(word).is_some())
}

/// The end of a bracket that belongs to a name: short, closed, without spaces, and followed by a value.
fn group(bytes: &[u8], at: usize) -> Option<usize> {
    const LONGEST: usize = 24;
    let (open, close) = (bytes[at], if bytes[at] == b'(' { b')' } else { b']' });
    let inside = &bytes[at + 1..bytes.len().min(at + LONGEST)];
    let mut depth = 1;
    let length = inside.iter().position(|b| {
        depth += i32::from(*b == open) - i32::from(*b == close);
        matches!(b, b' ' | b'=' | b'/' | b'\t') || depth == 0
    })?;
    let end = at + 1 + length;
    let named = inside[0].is_ascii_alphabetic();
    let value_follows = matches!(bytes.get(end + 1), Some(b':' | b'='));
    (bytes[end] == close && length > 0 && (value_follows || named)).then_some(end + 1)
}

/// The number at `at` of a line of `length` bytes and where it ends, if it is printed in one of the ways that nearly all are:
/// `12:`, `0.25`, `0.25,`, `0.25ms`, `0.25%`. [`numeric`] says the same of these, and is to be asked about all others. `bytes` may
/// go on behind the line, which lets them be read eight at once.
#[inline]
pub(super) fn common(bytes: &[u8], at: usize, length: usize) -> Option<(Number, usize)> {
    let (mantissa, places, digits) = short(bytes.get(at..)?.first_chunk()?)?;
    let value = nearest(mantissa, -(places as i32))?;
    let (end, whole) = (at + digits, places == 0);
    let next = |at: usize| if at < length { bytes[at] } else { b' ' };
    let end = match next(end) {
        b':' if whole && next(end + 1) == b' ' => end,
        _ if whole => return None,
        b' ' | b',' => end,
        b'%' if matches!(next(end + 1), b' ' | b',') => end + 1,
        b'm' if next(end + 1) == b's' && matches!(next(end + 2), b' ' | b',') => end + 2,
        _ => return None,
    };
    (end <= length).then_some((Number { value, whole, of: None }, end))
}

/// The number, clock or date at `at`, and where it ends. `None`: a word that begins like a number.
#[inline]
pub(super) fn numeric(bytes: &[u8], at: usize) -> Option<(Token, usize)> {
    let (mut value, length) = number(&bytes[at..])?;
    // `12.` is 12, and the end of a sentence.
    let length = length - usize::from(length > 1 && bytes[at + length - 1] == b'.');
    let mut end = at + length;
    if let Some(spread) = spread(&bytes[end..]) {
        return Some((Token::Number(Number { value, whole: false, of: None }), end + spread));
    }
    let mut whole = bytes[at..end].iter().all(u8::is_ascii_digit);
    if whole
        && length <= 3
        && !matches!(bytes.get(at.wrapping_sub(1)), Some(b'[' | b'('))
        && let Some((grouped, to)) = thousands(bytes, at, end)
    {
        value = grouped;
        whole = bytes[end..to].iter().all(|b| b.is_ascii_digit() || *b == b',');
        end = to;
    }
    let plain = |of, end| Some((Token::Number(Number { value, whole, of }), end));
    match bytes.get(end).copied() {
        None | Some(b' ' | b'\t' | b',' | b';' | b'|' | b')' | b']' | b'}' | b'(' | b'[' | b'\'' | b'"' | b'`' | b'<' | b'>') => {
            match fraction(bytes, end).filter(|_| whole) {
                Some((of, end)) => plain(Some(of), end),
                None => plain(None, end),
            }
        }
        Some(b'/') => match fraction(bytes, end).filter(|_| whole) {
            Some((of, end)) => plain(Some(of), end),
            None if bytes.get(end + 1).is_some_and(u8::is_ascii_digit) => clock(bytes, at),
            None if names_next(bytes, end + 1) => plain(None, end),
            None => unit(bytes, end).and_then(|end| plain(None, end)),
        },
        Some(b':') => match bytes.get(end + 1) {
            Some(b'0'..=b'9') => clock(bytes, at),
            None | Some(b' ' | b'\t' | b',') => plain(None, end),
            Some(_) => None,
        },
        // `step 3.` and `loss 0.5.` end a sentence.
        Some(b'.') if matches!(bytes.get(end + 1), None | Some(b' ' | b'\t' | b',' | b';' | b'|' | b')' | b']' | b'}')) => {
            plain(None, end + 1)
        }
        // `Step: 40... Loss: 0.5...`
        Some(b'.') if bytes[end..].starts_with(b"...") => plain(None, end),
        Some(b'-') if whole => clock(bytes, at),
        Some(b'%' | b'a'..=b'z' | b'A'..=b'Z' | 0x80..) => match duration(bytes, at) {
            Some(end) => Some((Token::Clock, end)),
            None => unit(bytes, end).and_then(|to| match bytes[end..to] {
                // `step:31K`, `2.5k`
                [b'k' | b'K'] => {
                    let value = value * 1000.0;
                    Some((Token::Number(Number { value, whole: value.fract() == 0.0, of: None }), to))
                }
                _ => plain(None, to),
            }),
        },
        Some(_) => None,
    }
}

/// Length of what says how far a mean is spread: `0.5+0.25`, `0.5±0.25`, `0.5+-0.25`.
#[inline]
fn spread(bytes: &[u8]) -> Option<usize> {
    let sign = match bytes {
        [b'+', b'-', b'0'..=b'9', ..] | [0xc2, 0xb1, b'0'..=b'9', ..] => 2,
        [b'+', b'0'..=b'9', ..] => 1,
        _ => return None,
    };
    // A fraction: `1.0+5` is a version.
    let (_, length) = number(&bytes[sign..])?;
    (bytes[sign..sign + length].contains(&b'.') && ends_value(bytes.get(sign + length))).then_some(sign + length)
}

/// Whether a number may end in front of this byte.
fn ends_value(next: Option<&u8>) -> bool {
    next.is_none_or(|b| matches!(b, b' ' | b'\t' | b',' | b';' | b'|' | b')' | b']' | b'}'))
}

/// `1,234,567.8`: the value and the end.
fn thousands(bytes: &[u8], at: usize, mut end: usize) -> Option<(f64, usize)> {
    let start = end;
    while let [b',', a, b, c, ..] = &bytes[end..] {
        if ![a, b, c].iter().all(|d| d.is_ascii_digit()) || bytes.get(end + 4).is_some_and(u8::is_ascii_digit) {
            break;
        }
        end += 4;
    }
    if end == start {
        return None;
    }
    if bytes.get(end) == Some(&b'.') {
        end += 1 + bytes[end + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
    }
    let digits: String = bytes[at..end].iter().filter(|b| **b != b',').map(|b| char::from(*b)).collect();
    digits.parse().ok().map(|value| (value, end))
}

/// The `/N` of `i/N`, also ` / N`: N and the end.
fn fraction(bytes: &[u8], at: usize) -> Option<(i64, usize)> {
    let skip = |at: usize| at + bytes[at..].iter().take_while(|b| **b == b' ').count();
    let slash = skip(at);
    if bytes.get(slash) != Some(&b'/') || (slash > at && bytes.get(slash + 1).is_some_and(|b| *b != b' ' && !b.is_ascii_digit())) {
        return None;
    }
    let start = skip(slash + 1);
    let mut digits = bytes[start..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut of: i64 = std::str::from_utf8(&bytes[start..start + digits]).ok()?.parse().ok()?;
    if digits <= 3
        && let Some((grouped, end)) = thousands(bytes, start, start + digits)
    {
        (of, digits) = (grouped as i64, end - start);
    }
    let end = start + digits;
    let dots = bytes.get(end) == Some(&b'.') && matches!(bytes.get(end + 1), None | Some(b'.' | b' '));
    let stops = dots
        || bytes.get(end).is_none_or(|b| matches!(b, b' ' | b'\t' | b',' | b';' | b'|' | b')' | b']' | b':' | b'(' | b'[' | b'}' | b'-'));
    stops.then_some((of, end))
}

/// Whether the name of another pair begins at `at`: `/step=10`.
#[inline(never)]
fn names_next(bytes: &[u8], at: usize) -> bool {
    let length = bytes[at..].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
    bytes.get(at).is_some_and(u8::is_ascii_alphabetic) && bytes.get(at + length) == Some(&b'=')
}

/// The end of a time told in several units: `1m 05s`, `08h 36m 42s`.
#[inline(never)]
fn duration(bytes: &[u8], at: usize) -> Option<usize> {
    let part = |at: usize| {
        let unit = at + bytes[at..].iter().take_while(|b| b.is_ascii_digit() || **b == b'.').count();
        let ends = bytes.get(unit + 1).is_none_or(|b| matches!(b, b' ' | b',' | b';' | b'|' | b')' | b']' | b'\t'));
        (unit > at && ends && matches!(bytes.get(unit), Some(b'd' | b'h' | b'm' | b's'))).then_some(unit + 1)
    };
    let next = |end: usize| if bytes.get(end) == Some(&b' ') { part(end + 1) } else { None };
    let mut end = next(part(at)?)?;
    while let Some(further) = next(end) {
        end = further;
    }
    Some(end)
}

/// The end of the unit that begins at `at`.
#[inline]
fn unit(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes[at..] {
        [b'%'] | [b'%', b' ' | b',', ..] => return Some(at + 1),
        [b'm', b's'] | [b'm', b's', b' ' | b',', ..] => return Some(at + 2),
        _ => {}
    }
    let length = bytes[at..].iter().take_while(|b| b.is_ascii_alphabetic() || matches!(b, b'%' | b'/' | 0x80..)).count();
    let end = at + length;
    let ends = bytes
        .get(end)
        .is_none_or(|b| matches!(b, b' ' | b'\t' | b',' | b';' | b'|' | b')' | b']' | b'}' | b'(' | b'\'' | b'"' | b':' | b'.'));
    (ends && std::str::from_utf8(&bytes[at..end]).is_ok_and(is_unit)).then_some(end)
}

/// A clock or date: digits and what stands between them.
fn clock(bytes: &[u8], at: usize) -> Option<(Token, usize)> {
    let end =
        at + bytes[at..].iter().take_while(|b| b.is_ascii_digit() || matches!(b, b':' | b'-' | b'/' | b'.' | b'T' | b'Z' | b'+')).count();
    let ends = bytes.get(end).is_none_or(|b| matches!(b, b' ' | b'\t' | b',' | b';' | b'|' | b')' | b']' | b'}' | b'<'));
    let millis = |end: usize| {
        end + if bytes.get(end) == Some(&b',') { 1 + bytes[end + 1..].iter().take_while(|b| b.is_ascii_digit()).count() } else { 0 }
    };
    ends.then(|| (Token::Clock, if bytes[at..end].contains(&b':') { millis(end) } else { end }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Words in quotes, numbers bare, the rest as signs.
    fn show(text: &str) -> String {
        let mut out = vec![];
        tokens(text, &mut out);
        let sign = |token: &Token| match token {
            Token::Word(from, to) => format!("'{}'", &text[*from as usize..*to as usize]),
            Token::Number(Number { value, of: Some(of), .. }) => format!("{value}/{of}"),
            Token::Number(Number { value, .. }) => format!("{value}"),
            Token::Clock => "@".into(),
            Token::Colon => ":".into(),
            Token::Equals => "=".into(),
            Token::Break => "|".into(),
            Token::Gap => "_".into(),
            Token::Open(_) => "(".into(),
            Token::Close => ")".into(),
        };
        out.iter().map(sign).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_metric_that_is_not_a_number_needs_no_sign_behind_its_name() {
        assert_eq!(show("loss NaN grad 2 train_acc inf lr nan"), "'loss' NaN 'grad' 2 'train_acc' inf 'lr' NaN");
        assert_eq!(show("skipped nan iterations, info of inf"), "'skipped' 'nan' 'iterations' | 'info' 'of' inf");
    }

    #[test]
    fn numbers_lose_their_units_and_thousands() {
        assert_eq!(
            show("1,234,567.5 12ms 3.5% 4.89G 27.34GiB(28.7%) 5/100 10/   1000 3ms/step 1.2e-05"),
            "1234567.5 12 3.5 4.89 27.34 ( 28.7 ) 5/100 10/1000 3 0.000012"
        );
        assert_eq!(show("loss:nanms a=-inf nan iterations b: NaN"), "'loss' : NaN 'a' = -inf 'nan' 'iterations' 'b' : NaN");
        assert_eq!(show("[1,  2000] [16,320,100]"), "( 1 | _ 2000 ) ( 16 | 320100 )");
    }

    #[test]
    fn clocks_dates_versions_and_paths_are_no_numbers() {
        assert_eq!(show("2024-06-04 08:51:48,074 07/03/24 0:13:14"), "@ @ @ @");
        assert_eq!(
            show("535.129.03 v1.2 0x7fd9 a/b-0.33.ckpt 3d-conv 26C"),
            "'535.129.03' 'v1.2' '0x7fd9' 'a/b-0.33.ckpt' '3d-conv' '26C'"
        );
        assert_eq!(show("'ckpt/epoch=0-loss=0.33.pt' 'val_loss'"), "''ckpt/epoch=0-loss=0.33.pt'' 'val_loss'");
    }

    #[test]
    fn a_time_in_several_units_is_no_number() {
        assert_eq!(show("took 08h 36m 42s, 1m 05.5s"), "'took' @ | @");
        assert_eq!(show("12s 5 1s 5ms"), "12 5 1 5");
    }

    #[test]
    fn pairs_may_be_parted_by_slashes_and_tabs() {
        assert_eq!(show("epoch=0/step=10, 12/s"), "'epoch' = 0 | 'step' = 10 | 12");
        assert_eq!(show("Loss:\t 0.5\tEntropy\t2 x"), "'Loss' : _ 0.5 | 'Entropy' _ 2 'x'");
    }

    #[test]
    fn a_fraction_may_end_a_sentence() {
        assert_eq!(show("Epoch: 5/20... loss 3/4. x"), "'Epoch' : 5/20 | 'loss' 3/4 | 'x'");
    }

    #[test]
    fn a_number_may_be_wrapped_or_have_its_spread_beside_it() {
        assert_eq!(
            show("a=tensor(0.5, device='cuda:0', f=<G(0)>) b: np.float64(2.5), c=Array(3"),
            "'a' = 0.5 'b' : 2.5 | 'c' = 'Array' ( 3"
        );
        assert_eq!(show("f=Adam(0.5) tensor(0.5)"), "'f' = 'Adam' ( 0.5 ) 'tensor' ( 0.5 )");
        assert_eq!(show("a:0.5+0.25 0.5±0.25 2.5+-0.5 2.3.0+cu121 1.0+5"), "'a' : 0.5 0.5 2.5 '2.3.0+cu121' '1.0+5'");
    }

    #[test]
    fn names_keep_what_belongs_to_them() {
        assert_eq!(
            show("critic/lr(1e-4):0.1 training's auc: 1 Acc@1 5 lr[0]=2 D(G(z)): 3"),
            "'critic/lr(1e-4)' : 0.1 'training's' 'auc' : 1 'Acc@1' 5 'lr[0]' = 2 'D(G(z))' : 3"
        );
        assert_eq!(show("Epoch[1/5] step 250: a - b == c"), "'Epoch' ( 1/5 ) 'step' 250 : 'a' | 'b' | 'c'");
    }

    proptest! {
        #[test]
        fn what_is_common_is_read_as_all_numbers_are(
            text in r"[0-9]{0,9}([.,:/]| )?[0-9]{0,9}(%|ms|m|s|e3|:|/2|, |\.| /3|  )?[ ,:0-9]{0,2}", at in 0..3_usize, beyond in "[0-9a-z%. \n]{0,9}",
        ) {
            let (length, open) = (text.len(), text.clone() + &beyond);
            if at < length && let Some((number, end)) = common(open.as_bytes(), at, length) {
                prop_assert_eq!(numeric(text.as_bytes(), at), Some((Token::Number(number), end)));
            }
        }

        #[test]
        fn any_text_is_cut_without_panic(text in r"[a-z0-9é:=,.\-+/()\[\]' %|\tµ]{0,60}") {
            tokens(&text, &mut vec![]);
        }
    }
}
