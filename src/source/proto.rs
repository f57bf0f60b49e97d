//! Walks a protobuf message field by field, in place and with no schema: the readers know the few numbers they want.

use std::borrow::Cow;

/// The value of one field, as far as the wire tells.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Wire<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    /// A text, bytes, a message or a packed list.
    Bytes(&'a [u8]),
}

/// The bytes are no protobuf message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Malformed;

/// The fields of a message in order of writing: number and value. Ends in front of the first malformed one; see [`Fields::whole`].
#[derive(Clone)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
    is_whole: bool,
}

/// Walks `message`.
pub(super) fn fields(message: &[u8]) -> Fields<'_> {
    Fields { rest: message, is_whole: true }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u32, Wire<'a>);

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            (self.rest, self.is_whole) = (&[], false);
        }
        field
    }
}

impl<'a> Fields<'a> {
    /// Whether all bytes that were walked were fields.
    pub(super) fn whole(&self) -> Result<(), Malformed> {
        if self.is_whole { Ok(()) } else { Err(Malformed) }
    }

    /// The bytes that were not walked yet.
    #[inline]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    #[inline(always)]
    fn field(&mut self) -> Option<(u32, Wire<'a>)> {
        let tag = varint(&mut self.rest)?;
        let number = u32::try_from(tag >> 3).ok().filter(|number| *number > 0)?;
        let value = match tag & 7 {
            2 => {
                let length = usize::try_from(varint(&mut self.rest)?).ok()?;
                let (bytes, rest) = self.rest.split_at_checked(length)?;
                self.rest = rest;
                Wire::Bytes(bytes)
            }
            0 => Wire::Varint(varint(&mut self.rest)?),
            1 => Wire::Fixed64(u64::from_le_bytes(*self.take()?)),
            5 => Wire::Fixed32(u32::from_le_bytes(*self.take()?)),
            // Groups (3, 4) left the format before any of our writers was written.
            _ => return None,
        };
        Some((number, value))
    }

    fn take<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (head, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(head)
    }
}

/// The varint at the start of `bytes`, which moves behind it. Also the items of a packed list.
#[inline(always)]
pub(super) fn varint(bytes: &mut &[u8]) -> Option<u64> {
    match **bytes {
        // Nearly all tags and lengths.
        [first @ 0..0x80, ..] => {
            *bytes = &bytes[1..];
            Some(first.into())
        }
        [first, second @ 0..0x80, ..] => {
            *bytes = &bytes[2..];
            Some(u64::from(first & 0x7f) | u64::from(second) << 7)
        }
        _ => long_varint(bytes),
    }
}

fn long_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    // Ten groups of seven bits hold a u64; bits beyond are dropped, as the reference parsers do.
    for at in 0..10 {
        let byte = *bytes.get(at)?;
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte < 0x80 {
            *bytes = &bytes[at + 1..];
            return Some(value);
        }
    }
    None
}

impl<'a> Wire<'a> {
    /// The bytes of a text, a message or a list; of anything else none.
    #[inline]
    pub(super) fn bytes(self) -> &'a [u8] {
        match self {
            Wire::Bytes(bytes) => bytes,
            _ => &[],
        }
    }

    /// The text; bytes that are not UTF-8 give an empty one.
    pub(super) fn text(self) -> &'a str {
        std::str::from_utf8(self.bytes()).unwrap_or("")
    }

    /// The text, with what is not UTF-8 in it replaced. `None`: it is no text.
    pub(super) fn words(self) -> Option<Cow<'a, str>> {
        match self {
            Wire::Bytes(bytes) => Some(String::from_utf8_lossy(bytes)),
            _ => None,
        }
    }

    /// An `int32`, `int64`, `bool` or enum; anything else is zero.
    pub(super) fn int(self) -> i64 {
        match self {
            Wire::Varint(value) => value as i64,
            _ => 0,
        }
    }

    /// A `float` or `double`.
    pub(super) fn float(self) -> Option<f64> {
        match self {
            Wire::Fixed32(bits) => Some(f64::from(f32::from_bits(bits))),
            Wire::Fixed64(bits) => Some(f64::from_bits(bits)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_wire_type_comes_with_its_number() {
        let message = [0x08, 0x96, 0x01, 0x11, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0x1a, 2, b'h', b'i', 0xa5, 0x06, 0, 0, 0x80, 0x3f];
        let got: Vec<_> = fields(&message).collect();
        assert_eq!(
            got,
            [(1, Wire::Varint(150)), (2, Wire::Fixed64(0x3ff0 << 48)), (3, Wire::Bytes(b"hi")), (100, Wire::Fixed32(0x3f80_0000))]
        );
        assert_eq!((got[1].1.float(), got[3].1.float(), got[2].1.text()), (Some(1.0), Some(1.0), "hi"));
    }

    #[test]
    fn a_negative_int_takes_ten_bytes_and_eleven_are_malformed() {
        let minus_one = [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(fields(&minus_one).next().unwrap().1.int(), -1);
        assert_eq!(varint(&mut &[0xff; 11][..]), None);
    }

    #[test]
    fn what_reaches_past_the_end_is_malformed_and_ends_the_walk() {
        for message in [&[0x0a, 5, 1][..], &[0x09, 1], &[0x0d, 1], &[0x08], &[0x0b], &[0x00, 1], &[0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]] {
            let mut all = fields(message);
            assert_eq!((all.next(), all.whole()), (None, Err(Malformed)));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_end_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert!(fields(&bytes).count() <= bytes.len());
        }
    }
}
