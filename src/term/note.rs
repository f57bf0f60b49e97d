//! A note: what a program of og's says of the frame that it draws, in the frame itself, so that the two can never disagree.
//! It stands in a device control string, which tmux passes over and hands on with the rest of the pane's output.

use super::filter::NOTE;

/// The bytes that carry a note, for between the beginning and the end of a synchronized update. The text must not hold the
/// characters ESC, CAN and SUB, as JSON never does.
pub fn note(text: &str) -> Vec<u8> {
    [b"\x1bP", NOTE, text.as_bytes(), b"\x1b\\"].concat()
}
