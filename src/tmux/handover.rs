//! Between the thread that always reads tmux and the loop that may be slow: bounded, in order, and honest about what
//! was dropped. No thread and no lock in here.

use std::collections::{BTreeSet, VecDeque};

use super::{
    PaneId, Ticket,
    control::{Event, Reply},
};

/// Most bytes of pane output that wait. Half a second of the fastest flood measured; a pane that is further behind is
/// cheaper to capture than to replay.
const OUTPUT_BYTES_MAX: usize = 4 << 20;

/// Most messages that wait. Output is lost from half of it on; past the whole, the loop did not take replies and
/// notifications, of which tmux sends a handful a second, for hours: it is dead.
const WAITING_MAX: usize = 1 << 16;

/// Largest output handed over in one piece, so that one pane cannot hold up the loop for long.
const PIECE_BYTES_MAX: usize = 256 << 10;

/// What the control client says, in tmux's order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FromTmux {
    /// A pane printed these bytes. Pieces that came one after another are one.
    Output {
        /// The pane.
        pane: PaneId,
        /// As the program wrote them; may begin or end inside a character.
        bytes: Vec<u8>,
    },
    /// Output of this pane was dropped here, because too much was waiting: capture it to go on.
    /// Nothing more of the pane comes until this has been taken.
    Lost(PaneId),
    /// A line is answered.
    Reply {
        /// The line.
        ticket: Ticket,
        /// One for each command that ran. The first that failed is the last that ran.
        replies: Vec<Reply>,
    },
    /// Anything else: never output, never a reply.
    Event(Event),
    /// The last: the client has ended.
    Gone {
        /// tmux's reason, as far as is known.
        reason: String,
    },
}

/// The queue itself.
#[derive(Default)]
pub(super) struct Handover {
    waiting: VecDeque<FromTmux>,
    output_bytes: usize,
    /// Panes whose `Lost` is still waiting.
    lost: BTreeSet<PaneId>,
    exit: Option<String>,
    closed: bool,
}

impl Handover {
    /// Takes what tmux said.
    pub fn push(&mut self, event: Event) {
        if self.closed {
            return;
        }
        match event {
            Event::Output { pane, bytes } => self.output(pane, bytes),
            Event::Reply { ticket: Some(ticket), replies } => self.waiting.push_back(FromTmux::Reply { ticket, replies }),
            Event::Reply { ticket: None, .. } => {}
            Event::Exit(reason) => self.exit = Some(reason.unwrap_or_else(|| "detached".into())),
            event => self.waiting.push_back(FromTmux::Event(event)),
        }
        if self.waiting.len() > WAITING_MAX {
            self.close("og did not keep up with tmux");
        }
    }

    /// Nothing more comes. A reason that tmux gave goes before `reason`.
    pub fn close(&mut self, reason: &str) {
        if !self.closed {
            self.closed = true;
            let reason = self.exit.take().unwrap_or_else(|| reason.into());
            self.waiting.push_back(FromTmux::Gone { reason });
        }
    }

    /// The next that waits.
    pub fn take(&mut self) -> Option<FromTmux> {
        let next = self.waiting.pop_front()?;
        match &next {
            FromTmux::Output { bytes, .. } => self.output_bytes -= bytes.len(),
            FromTmux::Lost(pane) => {
                self.lost.remove(pane);
            }
            _ => {}
        }
        Some(next)
    }

    /// Whether nothing more will come in.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether the end has been said and taken.
    pub fn is_over(&self) -> bool {
        self.closed && self.waiting.is_empty()
    }

    fn output(&mut self, pane: PaneId, bytes: Vec<u8>) {
        if self.lost.contains(&pane) {
            return;
        }
        if self.output_bytes + bytes.len() > OUTPUT_BYTES_MAX || self.waiting.len() > WAITING_MAX / 2 {
            self.lost.insert(pane);
            self.waiting.push_back(FromTmux::Lost(pane));
            return;
        }
        self.output_bytes += bytes.len();
        match self.waiting.back_mut() {
            Some(FromTmux::Output { pane: last, bytes: before }) if *last == pane && before.len() + bytes.len() <= PIECE_BYTES_MAX => {
                before.extend_from_slice(&bytes);
            }
            _ => self.waiting.push_back(FromTmux::Output { pane, bytes }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(pane: u32, len: usize) -> Event {
        Event::Output { pane: PaneId(pane), bytes: vec![b'x'; len] }
    }

    fn all(handover: &mut Handover) -> Vec<FromTmux> {
        std::iter::from_fn(|| handover.take()).collect()
    }

    #[test]
    fn pieces_of_one_pane_are_joined_and_order_is_kept() {
        let mut handover = Handover::default();
        for event in [output(1, 2), output(1, 3), output(2, 1), Event::SessionsChanged, output(2, 1)] {
            handover.push(event);
        }
        let lens: Vec<_> = all(&mut handover)
            .iter()
            .map(|m| match m {
                FromTmux::Output { pane, bytes } => (pane.0, bytes.len()),
                _ => (0, 0),
            })
            .collect();
        assert_eq!(lens, [(1, 5), (2, 1), (0, 0), (2, 1)]);
    }

    #[test]
    fn too_much_output_is_lost_once_and_in_order() {
        let mut handover = Handover::default();
        for _ in 0..OUTPUT_BYTES_MAX / 1000 * 3 {
            handover.push(output(1, 1000));
        }
        handover.push(Event::SessionsChanged);
        handover.push(output(1, 1));
        assert!(handover.output_bytes <= OUTPUT_BYTES_MAX);
        let taken = all(&mut handover);
        assert_eq!(taken.iter().filter(|m| matches!(m, FromTmux::Lost(_))).count(), 1);
        assert_eq!(taken[taken.len() - 2..], [FromTmux::Lost(PaneId(1)), FromTmux::Event(Event::SessionsChanged)]);
    }

    #[test]
    fn many_small_pieces_are_lost_before_they_crowd_out_the_rest() {
        let mut handover = Handover::default();
        for i in 0..2 * WAITING_MAX as u32 {
            handover.push(output(i % 2, 1));
        }
        handover.push(Event::SessionsChanged);
        assert!(handover.waiting.len() <= WAITING_MAX / 2 + 4);
        assert_eq!(all(&mut handover).pop(), Some(FromTmux::Event(Event::SessionsChanged)));
    }

    #[test]
    fn output_comes_again_after_the_loss_was_taken() {
        let mut handover = Handover::default();
        handover.push(output(1, OUTPUT_BYTES_MAX));
        handover.push(output(1, 1));
        assert_eq!(all(&mut handover).len(), 2);
        handover.push(output(1, 1));
        assert_eq!(all(&mut handover), [FromTmux::Output { pane: PaneId(1), bytes: vec![b'x'] }]);
    }

    #[test]
    fn replies_come_however_much_is_lost() {
        let mut handover = Handover::default();
        handover.push(output(1, OUTPUT_BYTES_MAX + 1));
        handover.push(Event::Reply { ticket: Some(Ticket(4)), replies: vec![] });
        handover.push(Event::Reply { ticket: None, replies: vec![] });
        assert_eq!(all(&mut handover), [FromTmux::Lost(PaneId(1)), FromTmux::Reply { ticket: Ticket(4), replies: vec![] }]);
    }

    #[test]
    fn the_end_is_said_once_with_tmuxs_reason() {
        let mut handover = Handover::default();
        handover.push(Event::Exit(Some("too far behind".into())));
        handover.close("the stream ended");
        handover.close("again");
        handover.push(Event::SessionsChanged);
        assert!(!handover.is_over());
        assert_eq!(all(&mut handover), [FromTmux::Gone { reason: "too far behind".into() }]);
        assert!(handover.is_over());
    }

    #[test]
    fn a_loop_that_never_takes_is_told_that_it_is_over() {
        let mut handover = Handover::default();
        for _ in 0..2 * WAITING_MAX {
            handover.push(Event::SessionsChanged);
        }
        assert!(handover.waiting.len() <= WAITING_MAX + 2);
        assert!(matches!(all(&mut handover).pop(), Some(FromTmux::Gone { .. })));
    }
}
