//! How often a source is read again.

use super::Decoder;

/// Most readings of one source. Each teaches a decoder something more and takes nothing back: rows are read about ten times at most
/// ([`Fact`](super::columns::Fact)), a console ten times, a wrong guess at the kind as often before. More are of a source that grows newest
/// first, whose last stretch then comes anew instead.
const READINGS_MAX: u32 = 24;

/// Asks a decoder whether its source is to be read again, in behalf of whoever can.
#[derive(Default)]
pub(super) struct Readings {
    again: u32,
}

impl Readings {
    /// Whether it is; then [`Decoder::reset`] and all its bytes come next.
    pub(super) fn is_again(&mut self, decoder: &dyn Decoder) -> bool {
        let is_again = decoder.is_mistaken() && self.again + 1 < READINGS_MAX;
        self.again += u32::from(is_again);
        is_again
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Loss, Record};

    struct Mistaken;

    impl Decoder for Mistaken {
        fn push(&mut self, _: &[u8]) {}

        fn next(&mut self) -> Result<Option<Record>, Loss> {
            Ok(None)
        }

        fn reset(&mut self) {}

        fn is_mistaken(&self) -> bool {
            true
        }
    }

    #[test]
    fn a_decoder_that_is_mistaken_again_and_again_is_asked_no_more() {
        let mut readings = Readings::default();
        assert_eq!((1..1000).take_while(|_| readings.is_again(&Mistaken)).count() as u32 + 1, READINGS_MAX);
    }
}
