//! The items of history, summary, config and stats records: a name and a value.

use crate::{
    model::num,
    source::{
        json::{Cursor, Token, lenient, number},
        proto::fields,
    },
};
use serde_json::json;

/// Most dicts in dicts of which a name is made: those in JSON are bounded too.
const PARTS_MAX: usize = 64;

/// The value of an item.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Value<'a> {
    Json(&'a [u8]),
    Number(f64),
    Int(i64),
    Text(&'a str),
    Bool(bool),
    None,
}

/// One item.
pub(super) struct Item<'a> {
    /// The fields of its name, as they stand in the file: the same name has the same bytes.
    pub(super) name: &'a [u8],
    pub(super) value: Value<'a>,
}

impl<'a> Item<'a> {
    /// Reads an item. `None`: it is no message. Inlined, so that an item does not go through memory: 4 % of reading a file.
    #[inline(always)]
    pub(super) fn read(bytes: &'a [u8]) -> Option<Item<'a>> {
        Item::usual(bytes).or_else(|| Item::unusual(bytes))
    }

    #[cold]
    fn unusual(bytes: &'a [u8]) -> Option<Item<'a>> {
        let mut all = fields(bytes);
        let (mut value, mut name_bytes) = (Value::None, 0);
        while let Some((field, content)) = all.next() {
            match field {
                // Every known writer puts the name first; behind a value it would not be one stretch of bytes.
                1 | 2 if value == Value::None => name_bytes = bytes.len() - all.rest().len(),
                8 | 16 => value = Value::Json(content.bytes()),
                4 => value = Value::Bool(content.int() != 0),
                // sint64: the sign is the lowest bit.
                5 => value = Value::Int(content.int().cast_unsigned().wrapping_shr(1).cast_signed() ^ -(content.int() & 1)),
                6 => value = content.float().map_or(value, Value::Number),
                7 => value = Value::Text(content.text()),
                _ => {}
            }
        }
        all.whole().ok()?;
        Some(Item { name: bytes.get(..name_bytes)?, value })
    }

    /// An item as nearly all are: one short name, one short value in JSON.
    #[inline(always)]
    fn usual(bytes: &'a [u8]) -> Option<Item<'a>> {
        let [0x0a | 0x12, length @ 0..0x80, ..] = bytes else { return None };
        let (name, rest) = bytes.split_at_checked(2 + usize::from(*length))?;
        let [0x82, 0x01, length @ 0..0x80, json @ ..] = rest else { return None };
        (json.len() == usize::from(*length)).then_some(Item { name, value: Value::Json(json) })
    }

    /// The names of which the name is made, outermost first; what is deeper than [`PARTS_MAX`] is left out.
    pub(super) fn parts(name: &[u8]) -> impl Iterator<Item = std::borrow::Cow<'_, str>> {
        let nested = fields(name).any(|(field, _)| field == 2);
        fields(name).filter(move |(field, _)| *field == if nested { 2 } else { 1 }).filter_map(|(_, part)| part.words()).take(PARTS_MAX)
    }

    /// The name, its parts joined with `.`.
    pub(super) fn path(&self) -> String {
        Item::parts(self.name).collect::<Vec<_>>().join(".")
    }

    /// The number that the value is. Numbers in JSON come first: they are nearly all there is.
    #[inline]
    pub(super) fn number(&self) -> Option<f64> {
        match self.value {
            Value::Json(text) => match number(text) {
                Some((number, length)) if length == text.len() => Some(number),
                _ => match Cursor::new(std::str::from_utf8(text).ok()?).token()? {
                    Token::Number(number) => Some(number),
                    _ => None,
                },
            },
            Value::Number(number) => Some(number),
            Value::Int(int) => Some(int as f64),
            _ => None,
        }
    }

    /// The value.
    pub(super) fn json(&self) -> Option<serde_json::Value> {
        let mut text = vec![];
        self.write_json(&mut text);
        read_json(&text)
    }

    /// Writes the value as JSON text to `out`, in place of what is there.
    #[inline]
    pub(super) fn write_json(&self, out: &mut Vec<u8>) {
        out.clear();
        match self.value {
            Value::Json(text) => out.extend_from_slice(text),
            Value::Number(number) => out.extend(num::to_json(number).to_string().bytes()),
            Value::Int(int) => out.extend(int.to_string().bytes()),
            Value::Text(text) => out.extend(json!(text).to_string().bytes()),
            Value::Bool(is) => out.extend(is.to_string().bytes()),
            Value::None => out.extend(b"null"),
        }
    }
}

/// What [`Item::write_json`] wrote; `None`: the file has no JSON there.
pub(super) fn read_json(text: &[u8]) -> Option<serde_json::Value> {
    lenient(std::str::from_utf8(text).ok()?)
}
