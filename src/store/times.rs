//! When the bytes of a log came: `stdout.times`, lines of `offset ms`.
//!
//! A line says that the log was `offset` bytes long at `ms` (Unix milliseconds), so a byte came at the latest at the time
//! of the first line whose offset is beyond it.

use crate::model::WallTime;

/// Least time between two lines, so that a flood of output costs ten short lines a second.
const GAP_MS: i64 = 100;

/// Decides which lines `stdout.times` gets. The lines are for the caller to append.
#[derive(Clone, Debug, Default)]
pub struct TimesWriter {
    last: Option<(u64, i64)>,
    pending: Option<(u64, i64)>,
}

impl TimesWriter {
    /// A writer that has written nothing.
    pub fn new() -> TimesWriter {
        TimesWriter::default()
    }

    /// Hears that the log is `offset` bytes long at `now`; the line to append, if one is due. Otherwise call
    /// [`TimesWriter::flush`] at [`TimesWriter::due`].
    pub fn note(&mut self, offset: u64, now: WallTime) -> Option<String> {
        let ms = (now.secs() * 1000.0) as i64;
        if self.last.is_some_and(|(last, _)| last == offset) {
            return None;
        }
        // The earliest time at which the log is known to have been that long is the closest one.
        match self.pending {
            Some((pending, _)) if pending == offset => {}
            _ => self.pending = Some((offset, ms)),
        }
        // A clock that was set back must not stop the lines.
        let rest = self.last.is_some_and(|(_, last_ms)| (0..GAP_MS).contains(&ms.saturating_sub(last_ms)));
        if rest { None } else { self.flush() }
    }

    /// When a line that was held back is due.
    pub fn due(&self) -> Option<WallTime> {
        let (_, last_ms) = self.last?;
        self.pending.and_then(|_| WallTime::new((last_ms + GAP_MS) as f64 / 1000.0))
    }

    /// The line that was held back, if any.
    pub fn flush(&mut self) -> Option<String> {
        let (offset, seen_ms) = self.pending.take()?;
        // A later time is as true, and keeps the lines apart.
        let ms = self.last.map_or(seen_ms, |(_, last_ms)| if seen_ms < last_ms { seen_ms } else { seen_ms.max(last_ms + GAP_MS) });
        self.last = Some((offset, ms));
        Some(format!("{offset} {ms}\n"))
    }
}

/// Finds when a byte of the log came.
#[derive(Clone, Debug, Default)]
pub struct TimesIndex {
    /// Rising offsets.
    entries: Vec<(u64, i64)>,
}

impl TimesIndex {
    /// An index that knows nothing.
    pub fn new() -> TimesIndex {
        TimesIndex::default()
    }

    /// Takes one line without its newline. A line that cannot be read (torn, from a crashed writer) is passed over; one
    /// whose offset goes back means that the log started over.
    pub fn line(&mut self, line: &str) {
        let Some((offset, ms)) = line.trim().split_once(' ').and_then(|(offset, ms)| Some((offset.parse().ok()?, ms.parse().ok()?))) else {
            return;
        };
        if self.entries.last().is_some_and(|(last, _)| *last > offset) {
            self.entries.clear();
        }
        self.entries.push((offset, ms));
    }

    /// When the byte at `offset` came; `None` when it is beyond the last line.
    pub fn lookup(&self, offset: u64) -> Option<WallTime> {
        let at = self.entries.partition_point(|(entry, _)| *entry <= offset);
        self.entries.get(at).and_then(|(_, ms)| WallTime::new(*ms as f64 / 1000.0))
    }

    /// The time of the last line.
    pub fn last(&self) -> Option<WallTime> {
        self.entries.last().and_then(|(_, ms)| WallTime::new(*ms as f64 / 1000.0))
    }

    /// Drops what only concerns bytes before `offset`, except the last line.
    pub fn forget_before(&mut self, offset: u64) {
        let at = self.entries.partition_point(|(entry, _)| *entry <= offset);
        self.entries.drain(..at.min(self.entries.len().saturating_sub(1)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(ms: i64) -> WallTime {
        WallTime::new(ms as f64 / 1000.0).unwrap()
    }

    #[test]
    fn a_flood_gets_ten_lines_a_second_and_the_end_of_a_burst_is_not_lost() {
        let mut writer = TimesWriter::new();
        let lines: String = (0..1000).filter_map(|ms| writer.note(ms as u64 * 50 + 50, at(5000 + ms))).collect();
        assert_eq!(lines.lines().count(), 10);
        assert_eq!(writer.due(), Some(at(6000)));
        assert_eq!(writer.flush().as_deref(), Some("50000 6000\n"));
        assert_eq!((writer.flush(), writer.due()), (None, None));
        assert_eq!(writer.note(50000, at(9000)), None);
        assert_eq!(writer.note(50001, at(100)).as_deref(), Some("50001 100\n"));
    }

    #[test]
    fn a_byte_came_when_the_log_first_was_longer() {
        let mut index = TimesIndex::new();
        ["10 1000", "30 2000", "torn", "4", "40 x", "50 3000"].into_iter().for_each(|line| index.line(line));
        let look = |index: &TimesIndex| [0, 9, 10, 49, 50].map(|offset| index.lookup(offset));
        let want = [Some(at(1000)), Some(at(1000)), Some(at(2000)), Some(at(3000)), None];
        assert_eq!(look(&index), want);
        index.forget_before(20);
        assert_eq!(look(&index)[2..], want[2..]);
        index.forget_before(99);
        assert_eq!(index.last(), Some(at(3000)));
        index.line("5 9000");
        assert_eq!(index.lookup(0), Some(at(9000)));
    }

    proptest! {
        #[test]
        fn what_is_written_is_found(grows in prop::collection::vec((1u64..500, 0i64..300), 1..60)) {
            let (mut writer, mut index, mut length, mut ms) = (TimesWriter::new(), TimesIndex::new(), 0, 1_795_161_553_000);
            let mut bytes = vec![];
            for (more, wait) in grows {
                ms += wait;
                bytes.extend(std::iter::repeat_n(ms, more as usize));
                length += more;
                writer.note(length, at(ms)).iter().for_each(|line| index.line(line.trim_end()));
            }
            writer.flush().iter().for_each(|line| index.line(line.trim_end()));
            for (offset, came) in bytes.iter().enumerate() {
                let found = (index.lookup(offset as u64).unwrap().secs() * 1000.0).round() as i64;
                prop_assert!(found >= *came && found - came < 2 * GAP_MS + 300, "{offset}: {found} {came}");
            }
        }
    }
}
