//! One pane as the controller knows it: its screen, how it is followed, how it ended.

use crate::{
    model::Exit,
    term::PaneScreen,
    tmux::{PaneId, WindowId},
};
use std::time::{Duration, Instant};

/// Output in one [`FLOOD_WINDOW`] above which a pane is sampled instead of followed. A full-screen program that paints
/// 200x50 cells at 60 Hz writes half of it; more is a flood that nobody can read.
const FLOOD_BYTES: usize = 1 << 20;
/// Lines in one [`FLOOD_WINDOW`] above which a pane is sampled too: 16,000 a second. A full-screen program that ends each
/// of 50 rows with a newline at 60 Hz writes a fifth of it. On a machine that is short of cores a flood of lines is slow in
/// bytes, and following it costs the most: tmux alone then works three times as much.
const FLOOD_LINES: usize = 4000;
/// How long output is added up before the sum starts anew.
const FLOOD_WINDOW: Duration = Duration::from_millis(250);
/// Time between two samples of a flooded pane.
const SAMPLE_EVERY: Duration = Duration::from_millis(500);
/// The same, for a pane that is only sampled and stands still.
const SAMPLE_STILL_EVERY: Duration = Duration::from_secs(2);
/// First time between output and an audit; doubled up to [`AUDIT_EVERY_MAX`] while audits find nothing.
const AUDIT_EVERY: Duration = Duration::from_secs(1);
const AUDIT_EVERY_MAX: Duration = Duration::from_secs(8);

/// How a pane's output reaches its screen.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Flow {
    /// Every byte goes through the emulator.
    Following,
    /// tmux sends nothing; the screen is taken from tmux now and then.
    Sampling {
        /// When to take the next sample.
        next: Instant,
        /// Content hash of the last one: two equal samples end the sampling.
        last: Option<u64>,
    },
}

/// Why a screen is taken from tmux.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// It was never seen, or may have missed output.
    Seed,
    /// To check the emulator against tmux.
    Audit,
    /// The pane is flooded.
    Sample,
}

/// A pane of the canvas.
pub struct Pane {
    /// tmux's id.
    pub id: PaneId,
    /// `train`, `graph`, `status`.
    pub role: String,
    /// Where it stands.
    pub window: WindowId,
    /// Process of the pane.
    pub pid: u32,
    /// Title that the program set.
    pub title: String,
    /// What is on it.
    pub screen: PaneScreen,
    /// Whether it was ever seeded.
    pub seeded: bool,
    /// Its size changed, and what tmux made of its content is not known yet.
    pub unsure: bool,
    /// Whether a person is in copy mode.
    pub in_mode: bool,
    /// How its program ended.
    pub dead: Option<Exit>,
    /// How it is followed.
    pub flow: Flow,
    /// It must never be followed: this tmux does not survive that. See `tmux::Version::survives_a_dying_pane`.
    pub only_sampled: bool,
    /// A capture is under way.
    pub capturing: bool,
    /// When the content last changed, on the loop's clock.
    pub changed_at: Option<Instant>,
    audit_due: Option<Instant>,
    audit_every: Duration,
    window_start: Option<Instant>,
    window_bytes: usize,
    window_lines: usize,
}

impl Pane {
    /// A pane that was just found, not seen yet. Its screen counts from `seq` on.
    pub fn new(id: PaneId, role: String, window: WindowId, pid: u32, (cols, rows): (u16, u16), seq: u64) -> Pane {
        Pane {
            id,
            role,
            window,
            pid,
            title: String::new(),
            screen: PaneScreen::new(cols, rows).counting_from(seq),
            seeded: false,
            unsure: false,
            in_mode: false,
            dead: None,
            flow: Flow::Following,
            only_sampled: false,
            capturing: false,
            changed_at: None,
            audit_due: None,
            audit_every: AUDIT_EVERY,
            window_start: None,
            window_bytes: 0,
            window_lines: 0,
        }
    }

    /// Counts output; whether it has become a flood.
    pub fn floods(&mut self, bytes: &[u8], now: Instant) -> bool {
        if self.window_start.is_none_or(|start| now > start + FLOOD_WINDOW) {
            self.window_start = Some(now);
            self.window_bytes = 0;
            self.window_lines = 0;
        }
        self.window_bytes += bytes.len();
        self.window_lines += memchr::memchr_iter(b'\n', bytes).count();
        self.window_bytes > FLOOD_BYTES || self.window_lines > FLOOD_LINES
    }

    /// From now on the screen is sampled.
    pub fn sample(&mut self, now: Instant) {
        self.flow = Flow::Sampling { next: now + SAMPLE_EVERY, last: None };
    }

    /// A sample was taken: whether the flood is over (two samples were equal).
    pub fn sampled(&mut self, now: Instant) -> bool {
        let hash = self.screen.hash();
        match &mut self.flow {
            Flow::Following => false,
            Flow::Sampling { next, last } if self.only_sampled => {
                *next = now + if *last == Some(hash) { SAMPLE_STILL_EVERY } else { SAMPLE_EVERY };
                *last = Some(hash);
                false
            }
            Flow::Sampling { last, .. } if *last == Some(hash) => {
                self.flow = Flow::Following;
                self.window_start = None;
                true
            }
            Flow::Sampling { next, last } => {
                *next = now + SAMPLE_EVERY;
                *last = Some(hash);
                false
            }
        }
    }

    /// Output came: an audit is due some time later.
    pub fn plan_audit(&mut self, now: Instant) {
        self.audit_due.get_or_insert(now + self.audit_every);
    }

    /// An audit was made; clean ones make the next come later.
    pub fn audited(&mut self, clean: bool) {
        self.audit_every = if clean { (self.audit_every * 2).min(AUDIT_EVERY_MAX) } else { AUDIT_EVERY };
    }

    /// What must be taken from tmux now.
    pub fn capture_due(&mut self, now: Instant) -> Option<Why> {
        if self.capturing {
            return None;
        }
        match self.flow {
            Flow::Sampling { next, .. } => (now >= next).then_some(Why::Sample),
            Flow::Following if self.audit_due.is_some_and(|due| now >= due) => {
                self.audit_due = None;
                Some(Why::Audit)
            }
            Flow::Following => None,
        }
    }

    /// When something must be done though nothing happens.
    pub fn due(&self) -> Option<Instant> {
        let capture = match (self.capturing, self.flow) {
            (true, _) => None,
            (false, Flow::Sampling { next, .. }) => Some(next),
            (false, Flow::Following) => self.audit_due,
        };
        [capture, self.screen.due()].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pane() -> Pane {
        Pane::new(PaneId(1), "train".into(), WindowId(1), 1, (80, 24), 0)
    }

    #[test]
    fn a_flood_is_more_than_a_screen_can_show() {
        let (mut pane, now) = (pane(), Instant::now());
        let (half, more) = (vec![b'x'; FLOOD_BYTES / 2], vec![b'x'; FLOOD_BYTES / 2 + 1]);
        assert!(!pane.floods(&half, now));
        assert!(!pane.floods(&half, now + FLOOD_WINDOW * 2), "the sum starts anew");
        assert!(pane.floods(&more, now + FLOOD_WINDOW * 2));
    }

    #[test]
    fn a_flood_of_lines_is_one_however_short_they_are() {
        let (mut pane, now) = (pane(), Instant::now());
        assert!(!pane.floods(&b"\n".repeat(FLOOD_LINES), now));
        assert!(pane.floods(b"\n", now));
        assert!(!pane.floods(b"\n", now + FLOOD_WINDOW * 2));
    }

    #[test]
    fn sampling_ends_when_the_screen_stands_still() {
        let (mut pane, now) = (pane(), Instant::now());
        pane.sample(now);
        assert_eq!(pane.capture_due(now), None);
        assert_eq!(pane.capture_due(now + SAMPLE_EVERY), Some(Why::Sample));
        let _ = pane.screen.feed(b"one", now);
        pane.screen.settle(0.0);
        assert!(!pane.sampled(now));
        let _ = pane.screen.feed(b"two", now);
        pane.screen.settle(0.0);
        assert!(!pane.sampled(now));
        assert!(pane.sampled(now));
        assert_eq!(pane.flow, Flow::Following);
    }

    #[test]
    fn a_pane_that_must_not_be_followed_is_sampled_for_ever_and_seldom_while_it_stands_still() {
        let (mut pane, now) = (Pane { only_sampled: true, ..pane() }, Instant::now());
        pane.sample(now);
        assert!(!pane.sampled(now) && !pane.sampled(now));
        assert_eq!(pane.due(), Some(now + SAMPLE_STILL_EVERY));
    }

    #[test]
    fn audits_come_only_after_output_and_thin_out() {
        let (mut pane, now) = (pane(), Instant::now());
        assert_eq!(pane.due(), None);
        pane.plan_audit(now);
        assert_eq!(pane.capture_due(now + AUDIT_EVERY), Some(Why::Audit));
        pane.audited(true);
        assert_eq!(pane.capture_due(now + AUDIT_EVERY * 9), None);
        pane.plan_audit(now);
        assert_eq!(pane.capture_due(now + AUDIT_EVERY), None);
        assert_eq!(pane.capture_due(now + AUDIT_EVERY * 2), Some(Why::Audit));
    }
}
