//! A source of a run, and when it is worth another look.

use crate::{
    source::{Kind, Loss, Record, Sink, Source},
    store::{RunPicture, SourceRank},
};
use std::time::{Duration, Instant};

/// Rest behind a look at a database that found nothing, and twice as long behind each further one, up to what one behind a find
/// rests. The first may be a writer that has begun to commit; many are a program that writes other runs there.
const EMPTY_REST: Duration = Duration::from_millis(2);

/// A source and how it stands.
pub(super) struct Feed {
    pub(super) rank: SourceRank,
    pub(super) source: Box<dyn Source>,
    /// When it was last polled.
    pub(super) polled_at: Option<Instant>,
    /// The last poll left something over.
    pub(super) behind: bool,
    /// Polls that found nothing, though something had been written, since the last one that found something. At least one
    /// once all was seen to be found.
    pub(super) empty: u32,
    /// Nothing came of it yet, from its start on.
    pub(super) is_fresh: bool,
}

impl Feed {
    pub(super) fn new(rank: SourceRank, source: Box<dyn Source>) -> Feed {
        Feed { rank, source, polled_at: None, behind: false, empty: 0, is_fresh: true }
    }

    /// Reads the start of a stream, and holds what came of it: only then it is known what it is, and under which rank it counts.
    pub(super) fn hold<T>(
        &mut self,
        picture: &mut RunPicture,
        read: impl FnOnce(&mut dyn Source, &mut Sink) -> T,
    ) -> (Option<T>, Vec<Result<Record, Loss>>) {
        let (mut held, before) = (vec![], self.source.offset());
        let read = read(&mut *self.source, &mut |record| held.push(record));
        if let Some(kind) = self.source.kind() {
            let rank = if kind == Kind::Log { SourceRank::Stdout } else { SourceRank::Tracker(0) };
            if rank != self.rank {
                picture.forget(self.rank);
                picture.problems.remove(&self.rank);
                picture.note_bytes(rank, before);
                self.rank = rank;
            }
            if kind != Kind::Log {
                picture.set_kind(rank, kind);
            }
        }
        (Some(read), held)
    }

    /// How long it is too early for another poll. `wanted`: the rest that a person wants between two looks at a database.
    pub(super) fn rest(&self, wanted: Option<Duration>) -> Duration {
        let own = self.source.refresh();
        let refresh = wanted.filter(|_| !own.is_zero()).unwrap_or(own);
        let pause = match self.empty {
            0 => refresh,
            empty => EMPTY_REST.saturating_mul(2_u32.saturating_pow(empty - 1)).min(refresh),
        };
        let rest = |at: Instant| pause.saturating_sub(at.elapsed());
        if self.behind { Duration::ZERO } else { self.polled_at.map_or(Duration::ZERO, rest) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Budget, Progress, Sink, SourceError};
    use std::path::{Path, PathBuf};

    #[test]
    fn a_person_says_how_long_a_database_rests_and_a_file_never_does() {
        struct Rests(Duration);
        impl Source for Rests {
            fn poll(&mut self, _: Budget, _: &mut Sink) -> Result<Progress, SourceError> {
                Ok(Progress::default())
            }
            fn finish(&mut self, _: &mut Sink) {}
            fn path(&self) -> &Path {
                Path::new("rests")
            }
            fn paths(&self) -> Vec<PathBuf> {
                vec![]
            }
            fn offset(&self) -> u64 {
                0
            }
            fn refresh(&self) -> Duration {
                self.0
            }
        }
        let rest = |own, wanted| {
            let mut feed = Feed::new(SourceRank::Own, Box::new(Rests(own)));
            feed.polled_at = Some(Instant::now());
            feed.rest(wanted)
        };
        let (second, minute) = (Duration::from_secs(1), Duration::from_secs(60));
        assert!(rest(second, None) <= second && rest(second, None) > Duration::ZERO);
        assert!(rest(second, Some(minute)) > second);
        assert_eq!(rest(Duration::ZERO, Some(minute)), Duration::ZERO);
    }
}
