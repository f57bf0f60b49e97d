//! What a source turns out to hold, as far as its rows would have to stand elsewhere had it been known before them: then it is to be
//! read again.
//!
//! Facts are only added, so readings end by themselves: there are as many as facts, and one more. (Where rows stand newest first and come
//! one by one, each may be a fact; and where another column has the steps, what they seemed to say is asked again.) Each starts with what
//! those before it taught and teaches one thing more. What comes behind that in the same reading is of rows that stand wrong, and hangs on
//! how many bytes came at once: it holds for the rest of them, for whoever cannot read again, and the next reading is to tell it anew.

use super::names::JOINT;

/// Something that a source turns out to hold.
#[derive(Clone, Copy, Debug)]
pub(in crate::source) enum Fact {
    /// Epochs are told by fractions.
    Fractions,
    /// Its rows stand newest first.
    NewestFirst,
    /// So many rows are there, the last of them in a stretch that was given out already.
    GoesOn(usize),
    /// Its documents are rows.
    Documents,
    /// A counter by its place among the names of steps, where no sure name counts.
    Counter(usize),
    /// That counter fell early: there is none.
    NoCounter,
    /// The column that tells runs apart, by its place among their names, or all of them together.
    Runs(usize),
    /// Rows have steps of their own: those of objects in them say nothing.
    OwnStep,
    /// A name of the step stays the same beside another one, by its place.
    IsStuck(usize),
    /// It was taken for such, and counts after all.
    Counts(usize),
    /// A name of the step falls again and again beside another one.
    Falls(usize),
    /// A name of the step is that of a loop around the epochs beside it.
    IsAround(usize),
    /// Stages that are told by a text start over.
    Stages,
}

/// All that is known.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(in crate::source) struct Facts {
    pub(in crate::source) has_fractions: bool,
    pub(in crate::source) is_newest_first: bool,
    pub(in crate::source) goes_on: usize,
    pub(in crate::source) are_rows: bool,
    pub(in crate::source) counter: Option<usize>,
    pub(in crate::source) has_no_counter: bool,
    pub(in crate::source) runs: Option<usize>,
    pub(in crate::source) has_own_step: bool,
    pub(in crate::source) has_stages: bool,
    /// Names of the step that say nothing, those of them that fall or count a loop around the epochs, and those that count after all, as
    /// bits by place.
    pub(in crate::source) yielded: u64,
    pub(in crate::source) falling: u64,
    pub(in crate::source) counting: u64,
}

impl Facts {
    fn add(&mut self, fact: Fact) {
        let names = |facts: &Facts| (facts.has_own_step, facts.yielded, facts.falling, facts.counting);
        let before = names(self);
        match fact {
            Fact::Fractions => self.has_fractions = true,
            Fact::NewestFirst => self.is_newest_first = true,
            Fact::GoesOn(rows) => self.goes_on = self.goes_on.max(rows),
            Fact::Documents => self.are_rows = true,
            Fact::Counter(place) if !self.has_no_counter => self.counter = self.counter.or(Some(place)),
            Fact::Counter(_) => {}
            Fact::NoCounter => (self.counter, self.has_no_counter) = (None, true),
            Fact::Runs(JOINT) => self.runs = Some(JOINT),
            Fact::Runs(place) => self.runs = self.runs.or(Some(place)),
            Fact::Stages => self.has_stages = true,
            Fact::OwnStep => self.has_own_step = true,
            Fact::IsStuck(place) if self.counting >> place & 1 == 0 => self.yielded |= 1 << place,
            Fact::IsStuck(_) => {}
            Fact::Counts(place) if self.falling >> place & 1 == 0 => {
                (self.yielded, self.counting) = (self.yielded & !(1 << place), self.counting | 1 << place);
            }
            Fact::Counts(_) => {}
            Fact::Falls(place) | Fact::IsAround(place) => {
                (self.yielded, self.falling) = (self.yielded | 1 << place, self.falling | 1 << place)
            }
        }
        if names(self) != before {
            // That is what the steps of another column seemed to say.
            (self.is_newest_first, self.runs) = (false, None);
        }
    }
}

/// What the readings of a source have taught.
#[derive(Default)]
pub(super) struct Learned {
    pub(super) facts: Facts,
    /// With what the next reading starts, where there is to be one.
    next: Option<Facts>,
}

impl Learned {
    /// Takes what the rows so far teach.
    pub(super) fn learn(&mut self, fact: Fact) {
        let before = self.facts;
        self.facts.add(fact);
        if self.facts != before {
            self.next.get_or_insert(self.facts);
        }
    }

    /// Whether the source is to be read again.
    pub(super) fn is_again(&self) -> bool {
        self.next.is_some()
    }

    /// The same at the start of the next reading, or of another source.
    pub(super) fn renew(&self) -> Learned {
        Learned { facts: self.next.unwrap_or_default(), next: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_adds_one_fact_to_those_before_it_and_takes_none_back() {
        let mut learned = Learned::default();
        let mut readings = 0;
        let all = [Fact::Counter(3), Fact::NoCounter, Fact::Counter(4), Fact::NewestFirst, Fact::GoesOn(3), Fact::Runs(1), Fact::Runs(2)];
        loop {
            all.into_iter().rev().for_each(|fact| learned.learn(fact));
            all.into_iter().for_each(|fact| learned.learn(fact));
            if !learned.is_again() {
                break;
            }
            (readings, learned) = (readings + 1, learned.renew());
        }
        // A counter that is known to be none was not found before.
        let facts = Facts { is_newest_first: true, goes_on: 3, has_no_counter: true, runs: Some(2), ..Facts::default() };
        assert_eq!((learned.facts, readings), (facts, 5));
        assert_eq!(learned.renew().facts, Facts::default(), "another source");
    }
}
