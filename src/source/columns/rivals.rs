//! Names of steps of which the better one says nothing: it stays the same, or falls again and again, while another one beside it rises
//! (the `total_steps` that a run means to take beside its `epoch`, the `step` at which an `episode` ended). So does the name of a loop
//! around the epochs: those of each `update` of PPO start over where it rises.

use super::names::{EITHER, EPOCH, IN_EPOCH, OUTER, STEPS};

/// A column that rose so often says where rows stand: what it does later is a restart.
const RISES_MAX: u32 = 8;

/// It says nothing where another one rose so often beside it: the few epochs of one update do so too.
const STUCK_MIN: u32 = 3;

/// So does one that fell so often: one fall may be damage.
const FALLS_MIN: u32 = 2;

/// What the columns of a source held so far, by its rows alone: what was learned of them changes nothing here.
#[derive(Default)]
pub(super) struct Rivals {
    columns: Vec<Column>,
    /// The columns of this row and what they hold.
    row: Vec<(usize, i64)>,
    /// The column that rose often enough.
    settled: Option<usize>,
    /// The last row that has an epoch, and what may be a loop around the epochs.
    turn: Option<Turn>,
}

/// One turn of a loop around the epochs.
#[derive(Clone, Copy)]
struct Turn {
    /// The column of the loop, and its number.
    place: usize,
    number: i64,
    /// The first epoch of the turn, and the last.
    first: i64,
    last: i64,
    /// Epochs rose in it.
    rose: bool,
}

struct Column {
    place: usize,
    last: i64,
    rises: u32,
    falls: u32,
    /// It rose in every row.
    only_rose: bool,
    /// It rose in the last row.
    rose: bool,
}

/// What is to be learned.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Verdict {
    /// The column at this place stays the same.
    IsStuck(usize),
    /// It falls again and again.
    Falls(usize),
    /// It was taken for one that stays the same, and counts after all.
    Counts(usize),
    /// It counts a loop around the epochs.
    IsAround(usize),
}

impl Rivals {
    pub(super) fn begin(&mut self) {
        self.row.clear();
    }

    /// Takes the whole number at `place`.
    pub(super) fn put(&mut self, place: usize, number: i64, best: Option<usize>) {
        if self.settled.is_none() || self.settled != best {
            self.row.push((place, number));
        }
    }

    /// Ends a row that stands where the column at `best` says. `yielded` are the columns that say nothing, and `falling` those of them that
    /// fall, as bits by place.
    pub(super) fn verdict(&mut self, best: usize, yielded: u64, falling: u64) -> Option<Verdict> {
        if self.row.is_empty() {
            return None;
        }
        for (place, number) in &self.row {
            match self.columns.iter_mut().find(|column| column.place == *place) {
                Some(column) => column.take(*number),
                None => {
                    // What others did before it was there says nothing of it.
                    self.columns.iter_mut().filter(|other| other.place > *place).for_each(Column::renew);
                    self.columns.push(Column { place: *place, last: *number, rises: 0, falls: 0, only_rose: true, rose: false });
                }
            }
        }
        if let Some(around) = self.around(yielded, falling) {
            return Some(Verdict::IsAround(around));
        }
        let own = self.columns.iter().find(|column| column.place == best)?;
        self.settled = (own.rises >= RISES_MAX && yielded == 0).then_some(best);
        let mut others = self.columns.iter().filter(|column| self.row.iter().any(|(place, _)| *place == column.place));
        let stuck = yielded & !falling;
        if let Some(back) = others.clone().find(|other| stuck >> other.place & 1 == 1 && other.counts_beside(own)) {
            return Some(Verdict::Counts(back.place));
        }
        let yields = |other: &Column| {
            let is_rival = other.place > best && yielded >> other.place & 1 == 0 && !IN_EPOCH.contains(&other.place) && other.falls == 0;
            is_rival && own.yields_to(other)
        };
        let verdict = if own.falls == 0 { Verdict::IsStuck(best) } else { Verdict::Falls(best) };
        (own.rises < RISES_MAX && others.any(yields)).then_some(verdict)
    }

    /// The column of a loop around the epochs, where they start over with its next turn and no other column counts beside them.
    fn around(&mut self, yielded: u64, falling: u64) -> Option<usize> {
        let (_, epoch) = *self.row.iter().find(|(place, _)| *place == EPOCH)?;
        let may_count = |place: usize| falling >> place & 1 == 0 && (OUTER >> place & 1 == 1 || yielded >> place & 1 == 0);
        let mut others = self.row.iter().filter(|(place, _)| *place != EPOCH && may_count(*place));
        let (place, number) = *others.next().filter(|(place, _)| OUTER >> place & 1 == 1)?;
        if others.next().is_some() {
            return None;
        }
        let before = self.turn.filter(|before| before.place == place);
        let same = before.filter(|before| before.number == number);
        let (first, rose) = same.map_or((epoch, false), |before| (before.first, before.rose || epoch > before.last));
        self.turn = Some(Turn { place, number, first, last: epoch, rose });
        before.is_some_and(|before| before.rose && number > before.number && epoch == before.first).then_some(place)
    }

    /// Whether rows that were passed over may have told something, where this is one of those behind them. `stuck` are the columns that
    /// stayed the same so far.
    pub(super) fn is_open(&self, best: usize, stuck: u64) -> bool {
        let known = |place: usize| self.columns.iter().find(|column| column.place == place);
        let Some(own) = known(best) else { return !self.row.is_empty() };
        // It may have moved, also where this row does not tell it.
        if stuck != 0 && own.rises < RISES_MAX {
            return true;
        }
        self.row.iter().filter(|(place, _)| *place != best).any(|(place, value)| match known(*place) {
            Some(other) if stuck >> place & 1 == 1 => *value != other.last,
            _ if own.rises < RISES_MAX && *place == EPOCH && OUTER >> best & 1 == 1 => true,
            _ if own.rises >= RISES_MAX || *place < best || IN_EPOCH.contains(place) => false,
            Some(other) => own.rises == 0 || other.only_rose && own.may_fall_beside(other),
            None => true,
        })
    }
}

impl Column {
    fn take(&mut self, number: i64) {
        self.rose = number > self.last;
        self.only_rose &= self.rose;
        self.rises = self.rises.saturating_add(u32::from(self.rose));
        self.falls = self.falls.saturating_add(u32::from(number < self.last));
        self.last = number;
    }

    /// Forgets what it did so far.
    fn renew(&mut self) {
        (self.rises, self.falls, self.only_rose, self.rose) = (0, 0, true, false);
    }

    fn yields_to(&self, other: &Column) -> bool {
        match (self.rises, self.falls) {
            (0, 0) => other.rises >= STUCK_MIN,
            (_, falls) => falls >= FALLS_MIN && other.only_rose && self.may_fall_beside(other),
        }
    }

    /// Whether a fall speaks against it: what counts within an epoch falls where the next one begins.
    fn may_fall_beside(&self, other: &Column) -> bool {
        other.place != EPOCH || !(IN_EPOCH.contains(&self.place) || EITHER.contains(&STEPS[self.place]))
    }

    /// Whether it goes on rising, or rises where `best` does not: epochs that start over with each update.
    fn counts_beside(&self, best: &Column) -> bool {
        self.falls == 0 && (self.rises > 1 || self.rose && !best.rose)
    }
}
