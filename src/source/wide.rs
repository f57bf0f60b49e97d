//! Text in UTF-16 with its mark in front, as Excel, pandas and PowerShell's `>` write it: read as UTF-8.

use super::{Decoder, Kind, Loss, Record, Taker};

/// Which byte of two comes first.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Order {
    Little,
    Big,
}

/// What the mark at the start of a source says. `None`: it is no UTF-16.
fn order(head: &[u8]) -> Option<Order> {
    match head {
        [0xff, 0xfe, ..] => Some(Order::Little),
        [0xfe, 0xff, ..] => Some(Order::Big),
        _ => None,
    }
}

/// The start of a source in UTF-16, as UTF-8.
pub(super) fn text(head: &[u8]) -> Option<String> {
    let units: Vec<u16> = head[2.min(head.len())..].chunks_exact(2).map(|pair| unit(order(head), pair)).collect();
    order(head).map(|_| String::from_utf16_lossy(&units))
}

fn unit(order: Option<Order>, pair: &[u8]) -> u16 {
    match order {
        Some(Order::Big) => u16::from_be_bytes([pair[0], pair[1]]),
        _ => u16::from_le_bytes([pair[0], pair[1]]),
    }
}

/// Feeds a decoder of text with UTF-8, whichever of both the source is.
pub(super) struct Wide {
    inner: Box<dyn Decoder>,
    state: State,
    /// Bytes that are no whole character yet.
    open: Vec<u8>,
}

enum State {
    /// The mark is still to come.
    Start,
    Narrow,
    Wide(Order),
}

impl Wide {
    /// Stands at the start of a source.
    pub(super) fn new(inner: Box<dyn Decoder>) -> Wide {
        Wide { inner, state: State::Start, open: vec![] }
    }

    /// The decoder of a file that begins with `head`, where that is in UTF-16.
    pub(super) fn of(inner: Box<dyn Decoder>, head: &[u8]) -> Box<dyn Decoder> {
        if order(head).is_some() { Box::new(Wide::new(inner)) } else { inner }
    }

    fn is_wide(&self) -> bool {
        matches!(self.state, State::Wide(_))
    }

    /// Passes on what is whole.
    fn widen(&mut self, order: Order) {
        let mut units: Vec<u16> = self.open.chunks_exact(2).map(|pair| unit(Some(order), pair)).collect();
        // Half of a pair waits for the other.
        if units.last().is_some_and(|last| (0xd800..0xdc00).contains(last)) {
            units.pop();
        }
        self.open.drain(..2 * units.len());
        self.inner.push(String::from_utf16_lossy(&units).as_bytes());
    }
}

impl Decoder for Wide {
    fn push(&mut self, bytes: &[u8]) {
        if let State::Start = self.state {
            self.open.extend_from_slice(bytes);
            if self.open.len() < 2 && matches!(self.open[..], [] | [0xfe | 0xff]) {
                return;
            }
            let order = order(&self.open);
            self.state = order.map_or(State::Narrow, State::Wide);
            match order {
                Some(order) => {
                    self.open.drain(..2);
                    self.widen(order);
                }
                None => self.inner.push(&std::mem::take(&mut self.open)),
            }
            return;
        }
        if let State::Wide(order) = self.state {
            self.open.extend_from_slice(bytes);
            return self.widen(order);
        }
        self.inner.push(bytes);
    }

    fn next(&mut self) -> Result<Option<Record>, Loss> {
        let mut next = self.inner.next();
        if self.is_wide() {
            // Where that is in the source is not known.
            match &mut next {
                Ok(Some(Record::Row(row))) => row.offset = None,
                Ok(Some(Record::Console(line))) => line.offset = None,
                _ => {}
            }
        }
        next
    }

    fn glimpse(&mut self) {
        self.inner.glimpse();
    }

    fn finish(&mut self) {
        self.inner.finish();
    }

    fn reset(&mut self) {
        self.inner.reset();
        (self.state, self.open) = (State::Start, vec![]);
    }

    fn jump(&mut self) -> bool {
        !self.is_wide() && self.inner.jump()
    }

    fn is_open(&self) -> bool {
        self.inner.is_open()
    }

    fn is_mistaken(&self) -> bool {
        self.inner.is_mistaken()
    }

    fn kind(&self) -> Option<Kind> {
        self.inner.kind()
    }

    fn drain(&mut self, taker: &mut dyn Taker) {
        if !self.is_wide() {
            return self.inner.drain(taker);
        }
        loop {
            match self.next() {
                Ok(Some(record)) => taker.take(Ok(record)),
                Ok(None) => break,
                Err(loss) => taker.take(Err(loss)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Csv, Jsonl, decode_for_tests as decode};

    fn wide(text: &str, order: Order) -> Vec<u8> {
        let bytes = |unit: u16| if order == Order::Big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(bytes).collect()
    }

    #[test]
    fn a_table_in_utf_16_is_read_as_the_same_in_utf_8_however_its_bytes_are_cut() {
        let table = "step,größe 😀,note\r\n1,2.5,a\r\n2,2.25,\u{1f680}\r\n";
        let values = |rows: &[crate::source::NamedRow]| format!("{:?}", rows.iter().map(|row| &row.1).collect::<Vec<_>>());
        let want = values(&decode(&mut Csv::new(Default::default()), table.as_bytes(), 9).0);
        for bytes in [wide(table, Order::Little), wide(table, Order::Big), table.as_bytes().to_vec()] {
            for chunk in [1, 2, 3, 5, 7, bytes.len()] {
                let mut decoder = Wide::new(Box::new(Csv::new(Default::default())));
                let (rows, losses) = decode(&mut decoder, &bytes, chunk);
                assert_eq!((values(&rows), losses.len()), (want.clone(), 0));
                decoder.reset();
                assert_eq!(values(&decode(&mut decoder, &bytes, chunk).0), want);
            }
        }
    }

    #[test]
    fn the_kind_of_a_file_in_utf_16_is_told_by_its_text() {
        let bytes = wide("{\"step\": 1, \"loss\": 2}\n{\"step\": 2, \"loss\": 1}\n", Order::Little);
        assert_eq!(Kind::of_file("log.txt", &bytes[..bytes.len() - 1]), Kind::Jsonl);
        assert_eq!(Kind::of_file("log", &wide("step 1 loss 2\n", Order::Big)), Kind::Log);
        let mut decoder = Wide::of(Box::new(Jsonl::new()), &bytes);
        decoder.push(&bytes);
        assert!(!decoder.jump());
    }

    #[test]
    fn halves_of_characters_panic_nowhere() {
        for bytes in [&b"\xff\xfe\x00\xd8"[..], b"\xff\xfe\x00\xdc\x41", b"\xfe", b"\xff\xff1,2\n", b""] {
            for chunk in 1..4 {
                let mut decoder = Wide::new(Box::new(Jsonl::new()));
                decode(&mut decoder, bytes, chunk);
                decoder.finish();
                while !matches!(decoder.next(), Ok(None)) {}
            }
        }
    }
}
