//! Whether the training's log grows while the training prints. Pure.

use std::time::{Duration, Instant};

/// How long after the training printed the log is looked at, and how often while it does not grow.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The logger stands back behind the training, so on a busy machine the log may be late by this.
const LATE_MAX: Duration = Duration::from_secs(3);

/// What is known of the log.
#[derive(Debug, Default)]
pub struct LogWatch {
    bytes: u64,
    /// When the training printed first of what the log may not have.
    printed_at: Option<Instant>,
    stuck_at: Option<Instant>,
    due: Option<Instant>,
}

/// A change for the worse or the better.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// The training prints, and the log does not grow.
    Stuck,
    /// It grows again, after so long.
    Grows(Duration),
}

impl LogWatch {
    /// The training printed.
    pub fn printed(&mut self, now: Instant) {
        self.printed_at.get_or_insert(now);
        self.due.get_or_insert(now + LOOK_EVERY);
    }

    /// When the log is to be looked at.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Whether it is time to look; says so once.
    pub fn is_due(&mut self, now: Instant) -> bool {
        self.due.take_if(|due| *due <= now).is_some()
    }

    /// The log has so many bytes.
    pub fn looked(&mut self, bytes: u64, now: Instant) -> Option<Found> {
        let printed_at = self.printed_at?;
        if std::mem::replace(&mut self.bytes, bytes) != bytes {
            self.printed_at = None;
            return self.stuck_at.take().map(|at| Found::Grows(now - at));
        }
        self.due = Some(now + LOOK_EVERY);
        if self.stuck_at.is_some() || now < printed_at + LATE_MAX {
            return None;
        }
        self.stuck_at = Some(printed_at);
        Some(Found::Stuck)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_grows_is_looked_at_now_and_then_and_never_complained_about() {
        let start = Instant::now();
        let mut log = LogWatch::default();
        assert_eq!(log.due(), None, "who prints nothing costs nothing");
        for secs in 0..100 {
            let now = start + Duration::from_secs(secs);
            log.printed(now);
            if log.is_due(now) {
                assert_eq!(log.looked(secs * 10, now), None);
            }
        }
        assert!(log.due().is_some());
    }

    #[test]
    fn a_log_that_stands_still_is_told_once_and_its_going_on_too() {
        let start = Instant::now();
        let after = |secs| start + Duration::from_secs(secs);
        let mut log = LogWatch::default();
        log.printed(start);
        assert!(!log.is_due(after(1)) && log.is_due(after(2)) && !log.is_due(after(2)));
        assert_eq!(log.looked(0, after(2)), None, "it may be late");
        assert_eq!((log.due(), log.looked(0, after(4))), (Some(after(4)), Some(Found::Stuck)));
        assert_eq!(log.looked(0, after(6)), None);
        log.printed(after(7));
        assert_eq!(log.looked(5, after(8)), Some(Found::Grows(Duration::from_secs(8))));
        log.printed(after(9));
        assert_eq!(log.looked(6, after(11)), None);
    }
}
