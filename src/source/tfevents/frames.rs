//! Cuts a TFRecord stream into its records and finds the way back after damage.
//!
//! A record is a length (u64 little-endian), the masked CRC32C of those 8 bytes, the data, and the masked CRC32C of
//! the data. Nothing marks where one begins, but only one in 2^32 places looks like a header by chance: behind a
//! bad checksum the next such place is taken as the next record.

use crate::source::Loss;
use std::ops::Range;

/// Longest record that is held. Scalars take some dozens of bytes and pictures some megabytes; a graph
/// of a large model may take more, and nothing in it is read.
pub(super) const RECORD_BYTES_MAX: u64 = 64 << 20;

/// Most bytes that one loss stands for, so that damage is told while it is passed over.
const STRETCH_BYTES_MAX: u64 = 1 << 20;

/// Bytes of finished records that may pile up before the buffer is moved together.
const SLACK_BYTES: usize = 1 << 16;

/// A buffer larger than this is given back once it is empty: hundreds of runs should not hold one picture each.
const KEEP_BYTES: usize = 1 << 20;

const HEADER_BYTES: usize = 12;
const FOOTER_BYTES: usize = 4;

/// Collects bytes and hands out the data of whole records.
#[derive(Default)]
pub(super) struct Frames {
    bytes: Vec<u8>,
    /// Start of what is not handed out, in `bytes`.
    head: usize,
    /// Offset of `bytes[0]` in the source.
    base: u64,
    state: State,
}

#[derive(Clone, Copy, Default)]
enum State {
    /// The head stands at the start of a record.
    #[default]
    Synced,
    /// The head stands in a record too long to hold, so many bytes before its end.
    Skipping(u64),
    Searching(Search),
}

/// The way from a damaged place to the next header.
#[derive(Clone, Copy)]
struct Search {
    /// First byte that is lost and not told yet.
    start: u64,
    /// Whether only zeros were passed since: what a crash or a preallocating filesystem leaves at the end.
    zeros: bool,
    reason: &'static str,
}

/// The data of one record: where it lies in the buffer, and where its record starts in the source.
pub(super) struct Frame {
    pub(super) range: Range<usize>,
    pub(super) offset: u64,
    /// Length of the record, checksums included.
    pub(super) bytes: u64,
}

impl Frames {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.head == self.bytes.len() || self.head > SLACK_BYTES.max(self.bytes.len() / 2) {
            self.bytes.drain(..self.head);
            self.base += self.head as u64;
            self.head = 0;
            if self.bytes.is_empty() && self.bytes.capacity() > KEEP_BYTES {
                self.bytes = Vec::new();
            }
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The next byte may stand anywhere: the next header is looked for.
    pub(super) fn jump(&mut self) {
        let search = Search { start: 0, zeros: true, reason: "a record was passed over" };
        *self = Frames { state: State::Searching(search), ..Frames::default() };
    }

    pub(super) fn get(&self, range: Range<usize>) -> &[u8] {
        &self.bytes[range]
    }

    /// The next whole record.
    pub(super) fn next(&mut self) -> Result<Option<Frame>, Loss> {
        loop {
            match self.state {
                State::Synced => {
                    let Some(header) = self.bytes[self.head..].first_chunk() else { return Ok(None) };
                    let offset = self.offset();
                    let Some(length) = length(header) else {
                        self.search("the checksum of a record's length is wrong");
                        continue;
                    };
                    let bytes = length.saturating_add((HEADER_BYTES + FOOTER_BYTES) as u64);
                    if length > RECORD_BYTES_MAX {
                        self.state = State::Skipping(bytes);
                        return Err(Loss { offset, bytes, reason: format!("record longer than {RECORD_BYTES_MAX} bytes") });
                    }
                    let start = self.head + HEADER_BYTES;
                    let end = start + length as usize;
                    let Some(footer) = self.bytes.get(end..).and_then(|rest| rest.first_chunk()) else { return Ok(None) };
                    if masked_crc(&self.bytes[start..end]) != u32::from_le_bytes(*footer) {
                        // The next header is looked for inside the record too: a length that is right says nothing
                        // about how much of the data a torn write left.
                        self.search("the checksum of a record is wrong");
                        continue;
                    }
                    self.head = end + FOOTER_BYTES;
                    return Ok(Some(Frame { range: start..end, offset, bytes }));
                }
                State::Skipping(rest) => {
                    let step = rest.min((self.bytes.len() - self.head) as u64);
                    self.head += step as usize;
                    if step < rest {
                        self.state = State::Skipping(rest - step);
                        return Ok(None);
                    }
                    self.state = State::Synced;
                }
                State::Searching(mut search) => {
                    let told = self.pass(&mut search);
                    if !matches!(self.state, State::Synced) {
                        self.state = State::Searching(search);
                    }
                    match told {
                        Some(loss) => return Err(loss),
                        None if matches!(self.state, State::Synced) => {}
                        None => return Ok(None),
                    }
                }
            }
        }
    }

    /// No more bytes are expected: the damaged stretch at the end, if there is one. Zeros are none, and a torn record
    /// is not one either.
    pub(super) fn finish(&mut self) -> Option<Loss> {
        let State::Searching(search) = &mut self.state else { return None };
        let end = self.base + self.bytes.len() as u64;
        let zeros = search.zeros && self.bytes[self.head..].iter().all(|byte| *byte == 0);
        let loss = (!zeros && end > search.start).then(|| search.told(end));
        (search.start, search.zeros) = (end, true);
        loss
    }

    /// Where the head stands in the source.
    fn offset(&self) -> u64 {
        self.base + self.head as u64
    }

    /// Gives the record at the head up.
    fn search(&mut self, reason: &'static str) {
        let zeros = self.bytes[self.head] == 0;
        self.state = State::Searching(Search { start: self.offset(), zeros, reason });
        self.head += 1;
    }

    /// Moves on to the next header or, when none is there, so far that one may still begin at the head.
    fn pass(&mut self, search: &mut Search) -> Option<Loss> {
        while let Some(header) = self.bytes[self.head..].first_chunk() {
            if length(header).is_some_and(|length| length <= RECORD_BYTES_MAX) {
                self.state = State::Synced;
                return (self.offset() > search.start).then(|| search.told(self.offset()));
            }
            search.zeros &= header[0] == 0;
            self.head += 1;
            if !search.zeros && self.offset().saturating_sub(search.start) >= STRETCH_BYTES_MAX {
                let loss = search.told(self.offset());
                (search.start, search.zeros) = (self.offset(), true);
                return Some(loss);
            }
        }
        None
    }
}

impl Search {
    fn told(&self, end: u64) -> Loss {
        Loss { offset: self.start, bytes: end - self.start, reason: self.reason.into() }
    }
}

/// The length that a header gives, when its checksum fits.
#[inline]
fn length(header: &[u8; HEADER_BYTES]) -> Option<u64> {
    let (length, crc) = header.split_first_chunk::<8>()?;
    let fits = masked_crc(length) == u32::from_le_bytes(*crc.first_chunk()?);
    fits.then(|| u64::from_le_bytes(*length))
}

/// CRC32C, masked as TensorFlow does so that a checksum of data that holds checksums stays good.
#[inline]
pub(super) fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out: data and offset of a record, or offset and length of a loss.
    type Got = Result<(Vec<u8>, u64), (u64, u64)>;

    fn record(data: &[u8]) -> Vec<u8> {
        let length = (data.len() as u64).to_le_bytes();
        [&length[..], &masked_crc(&length).to_le_bytes(), data, &masked_crc(data).to_le_bytes()].concat()
    }

    fn all(input: &[u8], chunk: usize, finish: bool) -> Vec<Got> {
        let (mut frames, mut out) = (Frames::default(), vec![]);
        for part in input.chunks(chunk) {
            frames.push(part);
            loop {
                match frames.next() {
                    Ok(Some(frame)) => out.push(Ok((frames.get(frame.range.clone()).to_vec(), frame.offset))),
                    Ok(None) => break,
                    Err(loss) => out.push(Err((loss.offset, loss.bytes))),
                }
            }
        }
        if finish {
            out.extend(frames.finish().map(|loss| Err((loss.offset, loss.bytes))));
        }
        out
    }

    #[track_caller]
    fn check(input: &[u8], want: &[Got]) {
        for chunk in [1, 2, 7, 13, 64, input.len()] {
            assert_eq!(all(input, chunk, true), want, "in pieces of {chunk}");
        }
    }

    #[test]
    fn records_come_whole_however_the_bytes_are_cut() {
        let input = [record(b"abc"), record(b""), record(b"defg")].concat();
        check(&input, &[Ok((b"abc".to_vec(), 0)), Ok((vec![], 19)), Ok((b"defg".to_vec(), 35))]);
        for end in 0..input.len() {
            assert!(all(&input[..end], 5, true).iter().all(|got| got.is_ok()));
        }
    }

    #[test]
    fn any_flipped_bit_costs_its_record_only() {
        let (a, b, c) = (record(b"abc"), record(b"hello"), record(b"de"));
        for bit in 0..b.len() * 8 {
            let mut bad = b.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let input = [&a[..], &bad, &c].concat();
            check(&input, &[Ok((b"abc".to_vec(), 0)), Err((19, 21)), Ok((b"de".to_vec(), 40))]);
        }
    }

    #[test]
    fn a_record_torn_in_the_middle_costs_itself_only() {
        let (a, b) = (record(b"some data here"), record(b"x"));
        for keep in 1..a.len() {
            let input = [&a[..keep], &b, &a, &b].concat();
            let at = keep as u64;
            check(
                &input,
                &[Err((0, at)), Ok((b"x".to_vec(), at)), Ok((b"some data here".to_vec(), at + 17)), Ok((b"x".to_vec(), at + 47))],
            );
        }
    }

    #[test]
    fn zeros_at_the_end_are_no_loss_but_zeros_in_the_middle_are() {
        let (a, zeros) = (record(b"abc"), vec![0; 100]);
        check(&[&a[..], &zeros].concat(), &[Ok((b"abc".to_vec(), 0))]);
        check(&[&a[..], &zeros, &a].concat(), &[Ok((b"abc".to_vec(), 0)), Err((19, 100)), Ok((b"abc".to_vec(), 119))]);
    }

    #[test]
    fn garbage_at_the_end_is_told_when_no_more_bytes_are_expected() {
        let input = [&record(b"abc")[..], &[7; 30]].concat();
        assert_eq!(all(&input, 10, false), [Ok((b"abc".to_vec(), 0))]);
        check(&input, &[Ok((b"abc".to_vec(), 0)), Err((19, 30))]);
    }

    #[test]
    fn a_record_too_long_to_hold_is_passed_over_and_garbage_is_told_by_the_stretch() {
        let long = RECORD_BYTES_MAX + 1;
        let header = [&long.to_le_bytes()[..], &masked_crc(&long.to_le_bytes()).to_le_bytes()].concat();
        let mut frames = Frames::default();
        frames.push(&header);
        assert_eq!(frames.next().err().map(|loss| loss.bytes), Some(long + 16));
        let mut left = long + 4;
        while left > 0 {
            let part = left.min(1 << 18);
            frames.push(&vec![1; part as usize]);
            assert!(matches!(frames.next(), Ok(None)));
            left -= part;
        }
        frames.push(&record(b"x"));
        assert!(matches!(frames.next(), Ok(Some(frame)) if frame.offset == long + 16));
        assert!(frames.bytes.capacity() < 1 << 20);

        let input = vec![1; 2 * STRETCH_BYTES_MAX as usize + 50];
        let want = [Err((0, STRETCH_BYTES_MAX)), Err((STRETCH_BYTES_MAX, STRETCH_BYTES_MAX)), Err((2 * STRETCH_BYTES_MAX, 50))];
        for chunk in [1 << 10, 1 << 18, input.len()] {
            assert_eq!(all(&input, chunk, true), want);
        }
    }
}
