//! Walks protobuf messages in place: field numbers and raw values, no schema.

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The text of a string field; bytes that are not UTF-8 give an empty one.
    pub(super) fn text(self) -> &'a str {
        std::str::from_utf8(self.bytes()).unwrap_or("")
    }

    /// The bytes of a string or message field.
    pub(super) fn bytes(self) -> &'a [u8] {
        match self {
            Value::Bytes(bytes) => bytes,
            _ => &[],
        }
    }

    /// The number of an integer field.
    pub(super) fn int(self) -> i64 {
        match self {
            Value::Varint(bits) => bits as i64,
            _ => 0,
        }
    }
}

/// The fields of a message in wire order. Ends early at bytes that are no message; see [`Fields::is_whole`].
#[derive(Clone)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
    whole: bool,
}

/// The fields of the message in `bytes`.
pub(super) fn fields(bytes: &[u8]) -> Fields<'_> {
    Fields { rest: bytes, whole: true }
}

impl Fields<'_> {
    /// Whether all bytes walked so far were fields.
    pub(super) fn is_whole(&self) -> bool {
        self.whole
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u32, Value<'a>);

    fn next(&mut self) -> Option<(u32, Value<'a>)> {
        if self.rest.is_empty() {
            return None;
        }
        let field = field(self.rest);
        match field {
            Some((number, value, rest)) => {
                self.rest = rest;
                Some((number, value))
            }
            None => {
                (self.rest, self.whole) = (&[], false);
                None
            }
        }
    }
}

fn field(bytes: &[u8]) -> Option<(u32, Value<'_>, &[u8])> {
    let (tag, rest) = varint(bytes)?;
    let number = u32::try_from(tag >> 3).ok()?;
    let (value, rest) = match tag & 7 {
        0 => varint(rest).map(|(bits, rest)| (Value::Varint(bits), rest))?,
        1 => rest.split_first_chunk().map(|(bits, rest)| (Value::Fixed64(u64::from_le_bytes(*bits)), rest))?,
        2 => {
            let (length, rest) = varint(rest)?;
            rest.split_at_checked(usize::try_from(length).ok()?).map(|(bytes, rest)| (Value::Bytes(bytes), rest))?
        }
        5 => rest.split_first_chunk().map(|(bits, rest)| (Value::Fixed32(u32::from_le_bytes(*bits)), rest))?,
        _ => return None,
    };
    Some((number, value, rest))
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    const VARINT_BYTES_MAX: usize = 10;
    let mut bits = 0;
    for (at, byte) in bytes.iter().take(VARINT_BYTES_MAX).enumerate() {
        bits |= u64::from(byte & 0x7f) << (7 * at).min(63);
        if byte & 0x80 == 0 {
            return Some((bits, &bytes[at + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_come_in_wire_order_and_damage_ends_them() {
        let bytes = [0x08, 0x96, 0x01, 0x12, 0x02, b'h', b'i', 0x1d, 1, 0, 0, 0, 0x21, 2, 0, 0, 0, 0, 0, 0, 0];
        let all: Vec<_> = fields(&bytes).collect();
        assert_eq!(all, [(1, Value::Varint(150)), (2, Value::Bytes(b"hi")), (3, Value::Fixed32(1)), (4, Value::Fixed64(2))]);
        let mut cut = fields(&bytes[..5]);
        assert_eq!((cut.by_ref().count(), cut.is_whole()), (1, false));
    }

    proptest! {
        #[test]
        fn any_bytes_are_walked_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            fields(&bytes).for_each(drop);
        }
    }
}
