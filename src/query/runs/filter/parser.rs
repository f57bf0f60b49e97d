//! Reads the language in which runs are chosen.

use super::{How, Moment, Operand, Pattern, RunFilter, RunQuery, Sort};
use crate::{
    model::{RunState, near},
    query::{condition::Op, runs::Field},
};
use jiff::{civil, tz::TimeZone};

/// Longest text; people type less, and what a machine makes longer belongs in a script.
const TEXT_BYTES_MAX: usize = 16 << 10;

/// How deep parentheses and `!` may nest.
const DEPTH_MAX: usize = 32;

/// Where reading stopped, in bytes, and why.
pub(super) type Stop = (usize, String);

/// Reads a query.
pub(super) fn parse(text: &str) -> Result<RunQuery, Stop> {
    if text.len() > TEXT_BYTES_MAX {
        return Err((0, format!("it is longer than {TEXT_BYTES_MAX} bytes")));
    }
    let mut parser = Parser { text, at: 0, depth: 0, query: RunQuery::default() };
    let filter = parser.any()?;
    parser.space();
    if !parser.rest().is_empty() {
        return Err((parser.at, "this parenthesis closes nothing".into()));
    }
    Ok(RunQuery { filter, ..parser.query })
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    query: RunQuery,
}

/// A piece of text, and where it stood; in quotes it means nothing but itself.
struct Piece {
    text: String,
    at: usize,
    quoted: bool,
}

/// Longer spellings before their beginnings.
const OPS: &[(&str, Option<Op>)] = &[
    ("<=", Some(Op::Le)),
    (">=", Some(Op::Ge)),
    ("==", Some(Op::Eq)),
    ("!=", Some(Op::Ne)),
    ("<", Some(Op::Lt)),
    (">", Some(Op::Gt)),
    ("=", Some(Op::Eq)),
    ("~", None),
];

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Takes a word that stands alone.
    fn word(&mut self, word: &str) -> bool {
        self.space();
        let Some(behind) = self.rest().strip_prefix(word) else { return false };
        let alone = behind.is_empty() || behind.starts_with(|c: char| c.is_whitespace() || c == '(' || c == ')');
        if alone {
            self.at += word.len();
        }
        alone
    }

    fn any(&mut self) -> Result<Option<RunFilter>, Stop> {
        let mut any = vec![];
        loop {
            let at = self.at;
            let one = self.all()?;
            let more = self.word("OR");
            match one {
                Some(one) => any.push(one),
                // An OR without a word on one of its sides is still being typed.
                None if more && any.is_empty() => return Err((at, "something must stand before OR".into())),
                None => {}
            }
            if !more {
                break;
            }
        }
        Ok(if any.len() > 1 { Some(RunFilter::Any(any)) } else { any.pop() })
    }

    fn all(&mut self) -> Result<Option<RunFilter>, Stop> {
        let mut all = vec![];
        loop {
            self.space();
            let rest = self.rest();
            let before = self.at;
            let ends = rest.is_empty() || rest.starts_with(')') || self.word("OR");
            if ends {
                self.at = before;
                break;
            }
            if self.word("AND") {
                continue;
            }
            all.extend(self.not()?);
        }
        Ok(if all.len() > 1 { Some(RunFilter::All(all)) } else { all.pop() })
    }

    fn not(&mut self) -> Result<Option<RunFilter>, Stop> {
        let at = self.at;
        if self.depth >= DEPTH_MAX {
            return Err((at, format!("nested more than {DEPTH_MAX} deep")));
        }
        self.depth += 1;
        let one = match self.rest().as_bytes().first() {
            Some(b'!') => {
                self.at += 1;
                self.space();
                let inner = if self.rest().is_empty() || self.rest().starts_with(')') { None } else { self.not()? };
                inner.map(|inner| Some(RunFilter::Not(Box::new(inner)))).ok_or((at, "something must stand behind `!`".into()))
            }
            Some(b'(') => {
                self.at += 1;
                let inner = self.any()?;
                if !self.rest().starts_with(')') {
                    return Err((at, "this parenthesis is not closed".into()));
                }
                self.at += 1;
                Ok(inner)
            }
            _ => self.one(),
        };
        self.depth -= 1;
        one
    }

    fn one(&mut self) -> Result<Option<RunFilter>, Stop> {
        if let Some(pattern) = self.slashed()? {
            return Ok(Some(RunFilter::Words(pattern)));
        }
        let subject = self.piece(|rest| operator(rest).is_some() || rest.starts_with(':'))?;
        let behind = self.at;
        if self.rest().starts_with(':') && !subject.quoted {
            self.at += 1;
            return self.keyed(subject);
        }
        self.space();
        let Some((spelling, op)) = operator(self.rest()).filter(|_| !subject.text.is_empty() || subject.quoted) else {
            self.at = behind;
            if subject.text.is_empty() && !subject.quoted {
                return Err((behind, "a field must stand before the comparison".into()));
            }
            let how = match subject.quoted {
                false if subject.text.contains(['*', '?']) => How::Glob,
                _ => How::Part,
            };
            return pattern(&subject, how).map(|pattern| Some(RunFilter::Words(pattern)));
        };
        self.at += spelling.len();
        let field = if subject.quoted { Field::Last(subject.text) } else { Field::parse(&subject.text) };
        self.space();
        self.comparison(field, op).map(Some)
    }

    /// Reads what a field is compared with. No operator: the expression that it is like.
    fn comparison(&mut self, field: Field, op: Option<Op>) -> Result<RunFilter, Stop> {
        let value = self.piece(|_| false)?;
        if value.text.is_empty() && !value.quoted {
            return Err((value.at, format!("a value must stand behind `{field}` and its comparison")));
        }
        let Some(op) = op else {
            return pattern(&value, How::Regex).map(|pattern| RunFilter::Fits(field, vec![pattern]));
        };
        if field == Field::Tags {
            return Err((value.at, "tags are not compared: write `tags:night` or `tag:dataset=c4`".into()));
        }
        if field == Field::State {
            state(&value)?;
        }
        if field == Field::Started {
            let moment = moment(&value)?;
            return match op {
                Op::Gt | Op::Ge => Ok(RunFilter::Since(moment, false)),
                Op::Lt | Op::Le => Ok(RunFilter::Since(moment, true)),
                Op::Eq | Op::Ne => Err((value.at, "a start is before or after a time: write `since:2d` or `before:2026-11-19`".into())),
            };
        }
        let number = match &field {
            _ if value.quoted => None,
            Field::Duration => Some(span(&value.text).ok_or((value.at, "a span of time must stand here, such as `90m` or `2h`".into()))?),
            _ => value.text.parse::<f64>().ok(),
        };
        let is_ordered = !matches!(op, Op::Eq | Op::Ne);
        let wants_number = is_ordered || matches!(field, Field::Step | Field::Last(_) | Field::Best(_));
        match number {
            Some(number) => Ok(RunFilter::Compare(field, op, Operand::Number(number))),
            None if wants_number => Err((value.at, format!("a number must stand here, not `{}`", value.text))),
            None => Ok(RunFilter::Compare(field, op, Operand::Text(value.text))),
        }
    }

    /// Reads what stands behind `subject:`.
    fn keyed(&mut self, subject: Piece) -> Result<Option<RunFilter>, Stop> {
        let word = subject.text.as_str();
        match word {
            "since" | "before" => {
                let value = self.value(word)?;
                Ok(Some(RunFilter::Since(moment(&value)?, word == "before")))
            }
            "has" => {
                let value = self.value(word)?;
                let field = match value.text.as_str() {
                    "tag" => Field::Tags,
                    "note" => Field::Notes,
                    text => Field::parse(text),
                };
                Ok(Some(RunFilter::Has(field)))
            }
            "by" => {
                let value = self.value(word)?;
                self.query.by = Some(Field::parse(&value.text));
                Ok(None)
            }
            "sort" => {
                let value = self.value(word)?;
                let down = value.text.starts_with('-');
                let field = Field::parse(value.text.trim_start_matches('-'));
                self.query.sort = Some(Sort { field, down });
                Ok(None)
            }
            "tag" | "tags" => {
                let name = self.piece(|rest| rest.starts_with('='))?;
                if name.text.is_empty() {
                    return Err((name.at, "the name of a tag must stand behind `tag:`".into()));
                }
                let value = match self.rest().starts_with('=') {
                    true => {
                        self.at += 1;
                        Some(fitting(&self.piece(|_| false)?)?)
                    }
                    false => None,
                };
                Ok(Some(RunFilter::Tag(fitting(&name)?, value)))
            }
            "config" | "last" | "best" => {
                let name = self.piece(|rest| operator(rest).is_some() || rest.starts_with(':'))?;
                if name.text.is_empty() {
                    return Err((name.at, format!("a name must stand behind `{word}:`")));
                }
                let field = match word {
                    "config" => Field::Config(name.text),
                    "last" => Field::Last(name.text),
                    _ => Field::Best(name.text),
                };
                if self.rest().starts_with(':') {
                    self.at += 1;
                    return self.alternatives(field);
                }
                self.space();
                match operator(self.rest()) {
                    Some((spelling, op)) => {
                        self.at += spelling.len();
                        self.space();
                        self.comparison(field, op).map(Some)
                    }
                    None => Ok(Some(RunFilter::Has(field))),
                }
            }
            _ => match Field::known(word) {
                Some(field) => self.alternatives(field),
                None => {
                    let near = match Field::near(word).as_slice() {
                        [] => String::new(),
                        near => format!(" (did you mean {}?)", near.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")),
                    };
                    Err((subject.at, format!("runs have no field `{word}`{near}")))
                }
            },
        }
    }

    /// Reads the patterns, one of which the field must fit.
    fn alternatives(&mut self, field: Field) -> Result<Option<RunFilter>, Stop> {
        let mut patterns = vec![];
        loop {
            let value = self.piece(|rest| rest.starts_with(','))?;
            if value.text.is_empty() && !value.quoted {
                return Err((value.at, format!("a value must stand behind `{field}:`")));
            }
            if field == Field::State {
                state(&value)?;
            }
            let how = if matches!(field, Field::Name | Field::Notes) && !value.text.contains(['*', '?']) { Some(How::Part) } else { None };
            patterns.push(how.map_or_else(|| fitting(&value), |how| pattern(&value, how))?);
            if !self.rest().starts_with(',') {
                break;
            }
            self.at += 1;
        }
        Ok(Some(RunFilter::Fits(field, patterns)))
    }

    fn value(&mut self, word: &str) -> Result<Piece, Stop> {
        let value = self.piece(|_| false)?;
        if value.text.is_empty() { Err((value.at, format!("something must stand behind `{word}:`"))) } else { Ok(value) }
    }

    /// `/expression/`, if one stands here.
    fn slashed(&mut self) -> Result<Option<Pattern>, Stop> {
        let Some(inner) = self.rest().strip_prefix('/') else { return Ok(None) };
        let is_end = |(at, _): &(usize, &str)| {
            let behind = &inner[at + 1..];
            !inner[..*at].ends_with('\\') && (behind.is_empty() || behind.starts_with(|c: char| c.is_whitespace() || c == ')'))
        };
        let Some((end, _)) = inner.match_indices('/').find(is_end).filter(|(end, _)| *end > 0) else { return Ok(None) };
        let piece = Piece { text: inner[..end].to_owned(), at: self.at + 1, quoted: false };
        self.at += end + 2;
        pattern(&piece, How::Regex).map(Some)
    }

    /// Reads up to a space, a parenthesis that closes, or where `stops` says so; or all between quotes.
    fn piece(&mut self, stops: impl Fn(&str) -> bool) -> Result<Piece, Stop> {
        let start = self.at;
        if let Some(inner) = self.rest().strip_prefix('"') {
            let mut text = String::new();
            let mut chars = inner.char_indices();
            while let Some((at, c)) = chars.next() {
                match c {
                    '"' => {
                        self.at = start + 1 + at + 1;
                        return Ok(Piece { text, at: start, quoted: true });
                    }
                    '\\' => text.extend(chars.next().map(|(_, c)| c)),
                    c => text.push(c),
                }
            }
            return Err((start, "this quote is not closed".into()));
        }
        let mut open = 0;
        for (at, c) in self.rest().char_indices() {
            match c {
                '(' => open += 1,
                ')' if open > 0 => open -= 1,
                _ => {}
            }
            if c.is_whitespace() || c == ')' && open == 0 && !self.rest()[..at].contains('(') || stops(&self.rest()[at..]) {
                return Ok(self.until(start + at));
            }
        }
        Ok(self.until(self.text.len()))
    }

    fn until(&mut self, end: usize) -> Piece {
        let piece = Piece { text: self.text[self.at..end].to_owned(), at: self.at, quoted: false };
        self.at = end;
        piece
    }
}

/// The comparison that `text` starts with.
fn operator(text: &str) -> Option<(&'static str, Option<Op>)> {
    OPS.iter().find(|(spelling, _)| text.starts_with(spelling)).copied()
}

fn pattern(piece: &Piece, how: How) -> Result<Pattern, Stop> {
    let wrong = |error: regex::Error| {
        let words = error.to_string();
        let last = words.lines().last().unwrap_or_default().trim_start_matches("error: ");
        (piece.at, format!("not a regular expression: {last}"))
    };
    Pattern::new(&piece.text, how).map_err(wrong)
}

/// The whole text, but for `*` and `?` outside of quotes.
fn fitting(piece: &Piece) -> Result<Pattern, Stop> {
    pattern(piece, if piece.quoted { How::Whole } else { How::Glob })
}

fn state(piece: &Piece) -> Result<(), Stop> {
    use RunState::*;
    let words = [Running, Finished, Failed, Crashed, Stopped, Lost].map(RunState::as_str);
    if piece.text.contains(['*', '?']) || words.contains(&piece.text.to_lowercase().as_str()) {
        return Ok(());
    }
    let near = near(&piece.text, words);
    let which = if near.is_empty() { words.join(", ") } else { near.join(", ") };
    Err((piece.at, format!("no run is ever `{}`; states are: {which}", piece.text)))
}

fn moment(piece: &Piece) -> Result<Moment, Stop> {
    let moment = span(&piece.text).map(Moment::Ago).or_else(|| clock(&piece.text).map(Moment::Clock));
    moment.ok_or((piece.at, "a span or a date must stand here, such as `2d`, `90m` or `2026-11-19`".into()))
}

/// Seconds in `2d`, `90m`, `1h30m`, `45s`, `1w`.
fn span(text: &str) -> Option<f64> {
    let mut rest = text;
    let mut secs = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').filter(|digits| *digits > 0)?;
        let unit = match rest[digits..].chars().next()? {
            's' => 1.0,
            'm' => 60.0,
            'h' => 3600.0,
            'd' => 86_400.0,
            'w' => 7.0 * 86_400.0,
            _ => return None,
        };
        secs += rest[..digits].parse::<f64>().ok()? * unit;
        rest = &rest[digits + 1..];
    }
    (!text.is_empty()).then_some(secs)
}

/// Seconds since the epoch of `2026-11-19` or `2026-11-19T12:30`, as if the clock showed UTC.
fn clock(text: &str) -> Option<f64> {
    let moment = text.parse::<civil::DateTime>().or_else(|_| text.parse::<civil::Date>().map(|date| date.at(0, 0, 0, 0))).ok()?;
    Some(moment.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second() as f64)
}
