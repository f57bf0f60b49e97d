//! Reads a source that is far behind on a thread of its own, so that a second core puts what comes of it into the picture.
//!
//! Records go from one to the other by the thousand, in batches whose memory goes round: a record of its own each would cost more than
//! the second core brings.

use crate::{
    model::WallTime,
    source::{Budget, KeyId, LineRef, Loss, Progress, Record, Row, Source, SourceError, Taker},
};
use std::{
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
    time::Instant,
};

/// Bytes of a source that are read before it counts as far behind: a fraction of a frame's time, which starting a thread is not worth.
const NEAR_BYTES: u64 = 1 << 20;

/// Batches on their way: one being filled, one being taken, one between them.
const BATCHES: usize = 3;

/// Records in a batch, and bytes of their lines: what the caches of a core hold.
const RECORDS_MAX: usize = 2048;
const TEXT_BYTES_MAX: usize = 128 << 10;

/// Polls `source` as [`Source::poll_to`] does. `is_far`: it is known to be far behind.
pub(super) fn poll(source: &mut dyn Source, is_far: bool, budget: Budget, taker: &mut dyn Taker) -> Result<Progress, SourceError> {
    if is_far {
        return poll_far(source, budget, taker);
    }
    let start = Instant::now();
    let near = source.poll_to(Budget { bytes_max: budget.bytes_max.min(NEAR_BYTES), ..budget }, taker)?;
    let left = Budget { bytes_max: budget.bytes_max.saturating_sub(near.bytes), time_max: budget.time_max.saturating_sub(start.elapsed()) };
    if !near.more || near.restarted || left.bytes_max == 0 || left.time_max.is_zero() {
        return Ok(near);
    }
    // An error comes again with the next poll.
    let far = poll_far(source, left, taker).unwrap_or(Progress { more: true, ..Progress::default() });
    Ok(Progress { bytes: near.bytes + far.bytes, ..far })
}

fn poll_far(source: &mut dyn Source, budget: Budget, taker: &mut dyn Taker) -> Result<Progress, SourceError> {
    let (full, batches) = sync_channel(BATCHES);
    let (empty, used) = sync_channel(BATCHES);
    let far = &mut *source;
    let read = move || {
        let mut sender = Sender { batch: Batch::default(), full, used };
        let progress = far.poll_to(budget, &mut sender);
        sender.send();
        progress
    };
    let progress = thread::scope(|scope| {
        let reading = thread::Builder::new().name("og-relay".into()).spawn_scoped(scope, read).ok()?;
        for mut batch in batches {
            batch.hand_to(taker);
            // Nobody wants it any more when the reading is done.
            let _ = empty.try_send(batch);
        }
        Some(reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    // There may be no thread left for us.
    progress.unwrap_or_else(|| source.poll_to(budget, taker))
}

/// Records on their way, in the order in which they came.
#[derive(Default)]
struct Batch {
    records: Vec<Sent>,
    /// The text of all lines, and the values of all rows.
    text: String,
    values: Vec<(KeyId, f64)>,
    /// Takes the form of each row in turn.
    row: Row,
}

/// A record, without what it has in the batch.
enum Sent {
    /// Up to where its values are its own.
    Row {
        row: Row,
        values_end: usize,
    },
    Line {
        text_end: usize,
        offset: Option<u64>,
        time: Option<WallTime>,
    },
    Other(Box<Result<Record, Loss>>),
}

impl Batch {
    /// Hands its records on, and is empty.
    fn hand_to(&mut self, taker: &mut dyn Taker) {
        let (mut text_at, mut values_at) = (0, 0);
        for record in self.records.drain(..) {
            match record {
                Sent::Row { row, values_end } => {
                    let mut values = std::mem::take(&mut self.row.values);
                    values.clear();
                    values.extend_from_slice(&self.values[values_at..values_end]);
                    values_at = values_end;
                    self.row = Row { values, ..row };
                    taker.row(&self.row);
                }
                Sent::Line { text_end, offset, time } => {
                    taker.line(LineRef { text: &self.text[text_at..text_end], offset, time });
                    text_at = text_end;
                }
                Sent::Other(record) => taker.take(*record),
            }
        }
        self.text.clear();
        self.values.clear();
    }
}

/// Takes records on the thread that reads.
struct Sender {
    batch: Batch,
    full: SyncSender<Batch>,
    used: Receiver<Batch>,
}

impl Sender {
    fn send_when_full(&mut self) {
        if self.batch.records.len() >= RECORDS_MAX || self.batch.text.len() >= TEXT_BYTES_MAX {
            self.send();
        }
    }

    fn send(&mut self) {
        let next = self.used.try_recv().unwrap_or_default();
        // It fails only when the other side panicked.
        let _ = self.full.send(std::mem::replace(&mut self.batch, next));
    }
}

impl Taker for Sender {
    fn take(&mut self, record: Result<Record, Loss>) {
        self.batch.records.push(Sent::Other(Box::new(record)));
        self.send_when_full();
    }

    fn row(&mut self, row: &Row) {
        self.batch.values.extend_from_slice(&row.values);
        let values_end = self.batch.values.len();
        let Row { step, time, offset, attempt, rank, values: _ } = *row;
        self.batch.records.push(Sent::Row { row: Row { step, time, offset, attempt, rank, values: vec![] }, values_end });
        self.send_when_full();
    }

    fn line(&mut self, line: LineRef<'_>) {
        self.batch.text.push_str(line.text);
        self.batch.records.push(Sent::Line { text_end: self.batch.text.len(), offset: line.offset, time: line.time });
        self.send_when_full();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::Step, source::ConsoleLine};
    use std::path::Path;

    /// Has so many lines of a KiB, a row behind each and now and then something else, and breaks at one of them.
    struct Lines {
        at: u64,
        of: u64,
        breaks_at: Option<u64>,
    }

    impl Source for Lines {
        fn poll(&mut self, _: Budget, _: &mut crate::source::Sink) -> Result<Progress, SourceError> {
            unreachable!("rows and lines need no records of their own")
        }

        fn poll_to(&mut self, budget: Budget, taker: &mut dyn Taker) -> Result<Progress, SourceError> {
            let from = self.at;
            while self.at < self.of && (self.at - from) * 1024 < budget.bytes_max {
                if self.breaks_at == Some(self.at) {
                    return Err(SourceError::Busy { path: "lines".into() });
                }
                let (at, offset) = (self.at, Some(self.at * 1024));
                taker.line(LineRef { text: &format!("{at}").repeat(1 + at as usize % 50), offset, time: WallTime::new(at as f64) });
                let values = (0..at % 4).map(|id| (KeyId(id as u32), at as f64)).collect();
                taker.row(&Row { step: Some(Step(at as i64)), offset, rank: at as u32 % 3, values, ..Row::default() });
                if at % 1000 == 0 {
                    taker.take(Ok(Record::TotalSteps(at as i64)));
                    taker.take(Err(Loss { offset: at, bytes: 1, reason: "torn".into() }));
                }
                self.at += 1;
            }
            Ok(Progress { bytes: (self.at - from) * 1024, more: self.at < self.of, restarted: false })
        }

        fn path(&self) -> &Path {
            Path::new("lines")
        }
    }

    #[derive(Default, PartialEq, Debug)]
    struct Heard(Vec<Result<Record, Loss>>);

    impl Taker for Heard {
        fn take(&mut self, record: Result<Record, Loss>) {
            self.0.push(record);
        }
    }

    fn lines(of: u64) -> Lines {
        Lines { at: 0, of, breaks_at: None }
    }

    #[test]
    fn what_comes_over_two_threads_is_what_comes_over_one() {
        for of in [0, 1, 1024, 1025, 1024 + RECORDS_MAX as u64, 20_000] {
            let (mut direct, mut relayed) = (Heard::default(), Heard::default());
            let progress = lines(of).poll_to(Budget::ALL, &mut direct).unwrap();
            assert_eq!(poll(&mut lines(of), of % 2 == 0, Budget::ALL, &mut relayed).unwrap(), progress);
            assert!(direct == relayed, "{of} lines: {} and {} records", direct.0.len(), relayed.0.len());
            if of > 0 {
                let first = ConsoleLine { text: "0".into(), offset: Some(0), time: WallTime::new(0.0) };
                assert_eq!(relayed.0[0], Ok(Record::Console(first)));
            }
        }
    }

    #[test]
    fn a_source_that_breaks_far_behind_says_so_with_the_next_poll() {
        let (mut source, mut heard) = (Lines { breaks_at: Some(5000), ..lines(9000) }, Heard::default());
        let progress = poll(&mut source, false, Budget::ALL, &mut heard).unwrap();
        assert_eq!(progress, Progress { bytes: NEAR_BYTES, more: true, restarted: false });
        assert_eq!(heard.0.iter().filter(|record| matches!(record, Ok(Record::Row(_)))).count(), 5000);
        assert!(poll(&mut source, progress.more, Budget::ALL, &mut heard).is_err());
        // Not further than asked for.
        let budget = Budget { bytes_max: 4 << 20, ..Budget::ALL };
        assert_eq!(poll(&mut lines(9000), false, budget, &mut heard).unwrap().bytes, 4 << 20);
    }
}
