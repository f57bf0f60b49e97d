//! Takes what a source yields into the picture of a run.

use crate::{
    model::WallTime,
    source::{LineRef, Loss, Record, Row, Taker},
    store::{RunPicture, SourceRank, TimesIndex, io::trackers::Trackers},
};
use std::path::Path;

/// Takes what a source yields.
pub(super) struct Ear<'a> {
    pub(super) picture: &'a mut RunPicture,
    pub(super) rank: SourceRank,
    pub(super) clock: Clock<'a>,
    /// Those that a run of our own may announce on its console, and its folder.
    pub(super) trackers: Option<(&'a mut Trackers, &'a Path)>,
    pub(super) heard: u64,
}

impl Taker for Ear<'_> {
    fn take(&mut self, record: Result<Record, Loss>) {
        match record {
            Ok(Record::Row(row)) => self.row(&row),
            Ok(Record::Console(line)) => self.line(line.borrowed()),
            record => {
                self.heard += 1;
                self.picture.apply(self.rank, record, None);
            }
        }
    }

    fn row(&mut self, row: &Row) {
        self.heard += 1;
        let is_console = self.rank == SourceRank::Stdout;
        let fallback = if is_console { self.clock.came(row.offset) } else { None };
        self.picture.row(self.rank, row, fallback);
    }

    fn line(&mut self, mut line: LineRef<'_>) {
        self.heard += 1;
        if self.rank == SourceRank::Stdout {
            line.time = line.time.or_else(|| self.clock.came(line.offset));
        }
        match (&mut self.trackers, self.rank) {
            (Some((trackers, cwd)), SourceRank::Stdout) => trackers.hear(line.text, cwd),
            // Our own log has every line already.
            (Some(_), SourceRank::Tracker(_)) => return,
            _ => {}
        }
        self.picture.line(self.rank, line);
    }
}

/// A row's offset may lie this far behind what was read: a line that is not whole yet.
pub(super) const LINE_SLACK: u64 = 2 << 20;

/// What is known of when the bytes of stdout came.
#[derive(Clone, Copy)]
pub(super) struct Clock<'a> {
    pub(super) times: &'a TimesIndex,
    /// Bytes that were there before anybody watched.
    pub(super) stdout_old: u64,
    pub(super) now: Option<WallTime>,
}

impl Clock<'_> {
    /// When the byte at `offset` came: by `stdout.times`; else now, if it came while we watched; else about when the last noted
    /// byte did. Of what has no place in its source (text in UTF-16) nobody knows.
    pub(super) fn came(&self, offset: Option<u64>) -> Option<WallTime> {
        let offset = offset?;
        self.times.lookup(offset).or_else(|| if offset >= self.stdout_old { self.now } else { self.times.last() })
    }
}
