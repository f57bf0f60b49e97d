//! A stream whose name tells nothing and whose first bytes are still to come: standard input, a pipe, a new file.

use super::{
    Decoder, Loss, Record, Taker, csv,
    detect::{Kind, formats, guess, shown},
};
use crate::model::ReadOptions;

/// Bytes that are waited for when no line ends before.
const HEAD_BYTES_MAX: usize = 8 << 10;

/// Bytes that tell the kind of a binary file.
const BINARY_BYTES: usize = 64;

/// A decoder for a stream of which only the name is known; its ending may tell the kind.
pub(super) fn decoder(name: &str, read: &ReadOptions) -> Box<dyn Decoder> {
    Box::new(Sniff { read: read.clone(), ..Sniff::new(name) })
}

/// Whether more of a stream is needed to tell its kind.
pub(super) fn is_open(head: &[u8]) -> bool {
    enough(head).is_none()
}

/// Decodes a stream of any kind, once its start has told which it is.
struct Sniff {
    name: String,
    /// How it is to be read, once its kind is known.
    read: ReadOptions,
    state: State,
}

enum State {
    Open(Vec<u8>),
    Known(Box<dyn Decoder>),
    /// Nothing that can be read, and the bytes that told so, until they are lost.
    Foreign(Option<Vec<u8>>),
}

impl Sniff {
    fn new(name: &str) -> Sniff {
        Sniff { name: name.to_owned(), read: ReadOptions::default(), state: State::Open(vec![]) }
    }

    fn decide(&mut self, head_bytes: usize) {
        let State::Open(bytes) = &mut self.state else { return };
        let bytes = std::mem::take(bytes);
        let kind = Kind::of_file(&self.name, &bytes[..head_bytes.min(bytes.len())]);
        self.state = match kind.decoder_with(&self.read) {
            Some(mut decoder) => {
                decoder.push(&bytes);
                State::Known(decoder)
            }
            None => State::Foreign(Some(bytes[..head_bytes.min(bytes.len())].to_vec())),
        };
    }
}

/// How much of the start decides; it depends on the bytes alone and not on how they come. `None`: more are needed.
fn enough(bytes: &[u8]) -> Option<usize> {
    if bytes.starts_with(b":W&B") {
        return (bytes.len() >= BINARY_BYTES).then_some(BINARY_BYTES);
    }
    let mut ends = memchr::memchr_iter(b'\n', bytes).map(|at| at + 1).filter(|end| !bytes[..*end].trim_ascii().is_empty());
    let lines = match ends.next() {
        // A head line is known by the row behind it.
        Some(first) if csv::may_be_head(&bytes[..first]) => ends.next(),
        first => first,
    };
    let zero = bytes.iter().take(BINARY_BYTES).position(|byte| *byte == 0);
    if zero.is_some_and(|zero| lines.is_none_or(|end| end > zero)) {
        return (bytes.len() >= BINARY_BYTES).then_some(BINARY_BYTES);
    }
    lines.filter(|end| *end <= HEAD_BYTES_MAX).or((bytes.len() >= HEAD_BYTES_MAX).then_some(HEAD_BYTES_MAX))
}

impl Decoder for Sniff {
    fn push(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Known(decoder) => decoder.push(bytes),
            State::Foreign(_) => {}
            State::Open(head) => {
                head.extend_from_slice(bytes);
                if let Some(head_bytes) = enough(head) {
                    self.decide(head_bytes);
                }
            }
        }
    }

    fn next(&mut self) -> Result<Option<Record>, Loss> {
        match &mut self.state {
            State::Known(decoder) => decoder.next(),
            State::Foreign(lost) => match lost.take() {
                Some(head) => {
                    let like = guess(&head).map_or(String::new(), |guess| format!(", like {guess}"));
                    let reason =
                        format!("the stream is in no format that og reads: it starts with {}{like}; og reads {}", shown(&head), formats());
                    Err(Loss { offset: 0, bytes: head.len() as u64, reason })
                }
                None => Ok(None),
            },
            State::Open(_) => Ok(None),
        }
    }

    fn glimpse(&mut self) {
        if let State::Known(decoder) = &mut self.state {
            decoder.glimpse();
        }
    }

    fn finish(&mut self) {
        if let State::Open(head) = &self.state
            && !head.is_empty()
        {
            self.decide(HEAD_BYTES_MAX);
        }
        if let State::Known(decoder) = &mut self.state {
            decoder.finish();
        }
    }

    fn drain(&mut self, taker: &mut dyn Taker) {
        match &mut self.state {
            State::Known(decoder) => decoder.drain(taker),
            _ => {
                if let Err(loss) = self.next() {
                    taker.take(Err(loss));
                }
            }
        }
    }

    fn reset(&mut self) {
        self.state = State::Open(vec![]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::decode_for_tests;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, want: &[(Option<i64>, &str, f64)]) {
        for chunk in 1..=text.len() {
            let (rows, losses) = decode_for_tests(&mut Sniff::new("-"), text.as_bytes(), chunk);
            let flat = rows.iter().flat_map(|(row, values)| values.iter().map(|(name, v)| (row.step.map(|s| s.0), name.as_str(), *v)));
            assert_eq!((flat.collect::<Vec<_>>(), losses.len()), (want.to_vec(), 0), "in pieces of {chunk}");
        }
    }

    #[test]
    fn the_first_lines_tell_what_a_stream_is() {
        check("{\"step\": 3, \"loss\": 2.5}\n", &[(Some(3), "loss", 2.5)]);
        check("step,loss\n3,2.5\n", &[(Some(3), "loss", 2.5)]);
        check("step 3 loss 2.5\nstep 4 loss 2\n", &[(Some(3), "loss", 2.5), (Some(4), "loss", 2.0)]);
        check("{'step': 3, 'loss': 2.5}\n", &[(Some(3), "step", 3.0), (Some(3), "loss", 2.5)]);
        check("step: 3, loss: 2.5\n", &[(Some(3), "loss", 2.5)]);
        check("\nstarting, with words\nstep 3 loss 2.5\n", &[(Some(3), "loss", 2.5)]);
    }

    #[test]
    fn what_is_no_text_is_one_loss() {
        let (rows, losses) = decode_for_tests(&mut Sniff::new("-"), &[b"PK\x03\x04".as_slice(), &[0; 100]].concat(), 10);
        assert_eq!((rows.len(), losses.len()), (0, 1));
    }

    #[test]
    fn a_short_stream_is_told_by_its_end() {
        let mut sniff = Sniff::new("-");
        sniff.push(b"step 3, loss 2.5");
        assert_eq!(sniff.next(), Ok(None));
        sniff.finish();
        assert!(std::iter::from_fn(|| sniff.next().unwrap()).any(|record| matches!(record, Record::Row(_))));
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same(bytes in prop::collection::vec(prop::sample::select(b"{}\":,;\ta1.\n \0:W&B".to_vec()), 0..200), chunk in 1usize..50) {
            let whole = decode_for_tests(&mut Sniff::new("-"), &bytes, bytes.len());
            prop_assert_eq!(format!("{:?}", decode_for_tests(&mut Sniff::new("-"), &bytes, chunk)), format!("{whole:?}"));
        }
    }
}
