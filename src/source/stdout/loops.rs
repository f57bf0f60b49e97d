//! The loops of the output: that of the training, which counts the run, and those over something else, which are evaluations. Of which
//! of them a count is, and which step of the run it then is.
//!
//! A count is of the training, unless
//! - a line announced an evaluation, and it counts on in another length, or goes back where no epoch began;
//! - lines say their epoch, and it says none and has another length;
//! - a loop of its length once stood inside of another, which then went on where it was, or started over. That is known only behind
//!   it, so that the source is read again.

use super::{facts::Count, turn::Turn, words::Counter};

/// Lengths of loops that are kept. More are of loops over something that changes.
const LENGTHS_MAX: usize = 8;

/// Of what a line is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Place {
    Training,
    /// It says how far an evaluation is, and the prefix of what that measures.
    Part(&'static str),
    /// It says what an evaluation came to.
    Sum(&'static str),
    /// It is of a loop over something else, which has no name.
    Aside,
}

/// How an announced evaluation counts.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Way {
    /// Not yet, and maybe not at all: a title may as well stand over what it came to.
    Titled,
    /// Not yet, but it begins now.
    Begun,
    /// In rows, or in heads of blocks, of which this was the last.
    Rows(Count),
    Heads(Count),
}

/// An evaluation that a line of its own announced.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Evaluation {
    pub(super) prefix: &'static str,
    pub(super) way: Way,
}

/// Whether announced evaluations count as the training does.
#[derive(Clone, Copy, Default, PartialEq, PartialOrd)]
enum Alike {
    #[default]
    No,
    /// In lines without an epoch.
    Bare,
    /// In those with one too.
    WithEpoch,
}

/// What a count stands beside.
#[derive(Clone, Copy, Default)]
pub(super) struct Beside {
    /// The epoch in its line, and the one that a line of its own announced.
    pub(super) epoch: Option<i64>,
    pub(super) head: Option<i64>,
    /// The step of the run before it.
    pub(super) carried: Option<i64>,
}

/// A loop of another length than the one that goes on, or that one.
#[derive(Clone, Copy)]
struct Length {
    of: i64,
    /// Its first count since it took turns, and the last.
    began: i64,
    last: i64,
    is_over: bool,
    /// Its last count was a head without values.
    is_bare: bool,
    epoch: Option<i64>,
    /// When it gave way to another: the higher, the later.
    left: u32,
}

/// What one reading of a source teaches the next, one thing each.
#[derive(Clone, Default)]
struct Lessons {
    /// Lengths of loops that are inside of another.
    inner: Vec<i64>,
    /// Lines that say only their epoch sum up no steps.
    are_epochs_apart: bool,
}

/// Which loop goes on behind a jump.
#[derive(Clone, Copy, PartialEq)]
enum Landing {
    Training,
    /// Any, since evaluations count as the training does.
    Any,
    /// One of another length.
    Other,
}

/// The loops so far.
#[derive(Default)]
pub(super) struct Loops {
    pub(super) turn: Turn,
    /// Some row said its epoch beside its count.
    says_epoch: bool,
    evaluation: Option<Evaluation>,
    alike: Alike,
    /// Loops of several lengths, by when they came first.
    lengths: Vec<Length>,
    changes: u32,
    lessons: Lessons,
    /// What the next reading starts with, once this one taught something: no more than the first thing, whatever comes behind it.
    next: Option<Lessons>,
    /// Which loop goes on behind a jump, and the length of the training's.
    landing: Option<(Landing, Option<i64>)>,
}

impl Loops {
    /// A row of the training counts, beside `epoch` in its line.
    #[inline]
    pub(super) fn hear(&mut self, count: Count, epoch: Option<Count>) {
        self.says_epoch |= epoch.is_some();
        if self.landing.is_some() {
            self.land(count, epoch.is_some());
        }
    }

    /// The step of the whole run at `count` of the training.
    #[inline(always)]
    pub(super) fn step(&mut self, count: Count, epoch: Option<i64>) -> Count {
        self.turn.step(count, epoch)
    }

    /// Whether the loop of `count` is of another length than the one before: [`Loops::change`] wants to know.
    #[inline(always)]
    pub(super) fn is_change(&self, count: Count) -> bool {
        self.turn.last.is_some_and(|last| last.of != count.of)
    }

    /// A loop of another length goes on at `count`; the last count of the one before `is_bare`, a head without values. The length of one
    /// that was inside of it, to be [learned](Loops::learn).
    #[cold]
    pub(super) fn change(&mut self, count: Count, epoch: Option<i64>, is_bare: bool) -> Option<i64> {
        let (Some(Count { at: last, of: Some(before) }), Some(now)) = (self.turn.last, count.of) else { return None };
        self.changes += 1;
        let began = self.turn.first.unwrap_or(last);
        let (is_over, of_epoch, left) = (self.turn.is_over(), self.turn.epoch, self.changes);
        let length = self.length(before, began);
        (length.last, length.is_over, length.is_bare, length.epoch, length.left) = (last, is_over, is_bare, of_epoch, left);
        let outer = self.lengths.iter().position(|length| length.of == now);
        let has_room = self.lessons.inner.len() < LENGTHS_MAX;
        let inner = outer.filter(|_| has_room).and_then(|outer| self.inside(outer, count, epoch.or(self.turn.epoch)));
        self.length(now, count.at).began = count.at;
        inner
    }

    /// The loop of this length, which is kept from now on.
    fn length(&mut self, of: i64, began: i64) -> &mut Length {
        let at = self.lengths.iter().position(|length| length.of == of).unwrap_or_else(|| {
            if self.lengths.len() == LENGTHS_MAX {
                self.lengths.clear();
            }
            self.lengths.push(Length { of, began, last: began, is_over: false, is_bare: false, epoch: None, left: 0 });
            self.lengths.len() - 1
        });
        &mut self.lengths[at]
    }

    /// The length of a loop that was inside of `outer`, which is at `count` now.
    fn inside(&self, outer: usize, count: Count, epoch: Option<i64>) -> Option<i64> {
        let out = self.lengths[outer];
        let is_inside = |(at, length): (usize, &Length)| {
            // Nearly as long, it is the same loop over other data.
            let is_shorter = length.of.saturating_mul(4) <= out.of.saturating_mul(3);
            // Where the counts rise all the time, it is one loop whose length changed.
            let rises = out.last < length.began && length.last < count.at;
            // A longer one may as well be the training, and this its rounds, of which each says one row.
            let is_row = is_shorter || out.began != out.last;
            let goes_on = !out.is_over && out.last < count.at && out.epoch == epoch && !rises && is_row;
            // An evaluation of which the first is in front of the training may as well be a training of which the first is in front of an
            // evaluation.
            let starts_over = out.is_over && count.at <= out.began && out.epoch == length.epoch && is_shorter && outer < at;
            // What says no values is no training.
            length.left > out.left && !out.is_bare && (goes_on || starts_over)
        };
        self.lengths.iter().enumerate().find(|length| is_inside(*length)).map(|(_, length)| length.of)
    }

    /// A loop of this length is over something else. `is_first`: this reading taught nothing before.
    pub(super) fn learn(&mut self, inner: i64, is_first: bool) {
        self.teach(is_first, |lessons| lessons.inner.push(inner));
    }

    /// Lines that say only their epoch sum up no steps.
    pub(super) fn part_epochs(&mut self, is_first: bool) {
        self.teach(is_first, |lessons| lessons.are_epochs_apart = true);
    }

    fn teach(&mut self, is_first: bool, lesson: impl FnOnce(&mut Lessons)) {
        let before = self.lessons.clone();
        lesson(&mut self.lessons);
        self.next.get_or_insert_with(|| if is_first { self.lessons.clone() } else { before });
    }

    /// Whether lines that say only their epoch sum up no steps.
    pub(super) fn are_epochs_apart(&self) -> bool {
        self.lessons.are_epochs_apart
    }

    /// Whether any count may be [aside](Loops::is_aside): asked of each row.
    #[inline]
    pub(super) fn may_be_aside(&self) -> bool {
        self.says_epoch || !self.lessons.inner.is_empty()
    }

    /// Whether a count beside an epoch in its line, or under one of its own, is of a loop over something else that nothing announced.
    pub(super) fn is_aside(&self, (kind, count): (Counter, Count), has_epoch: bool, has_head: bool) -> bool {
        let (Counter::Batch | Counter::Step, Some(of)) = (kind, count.of) else { return false };
        let is_bare = self.says_epoch && !has_epoch && !has_head;
        let is_other = || self.turn.last.and_then(|last| last.of).is_some_and(|known| known != of);
        is_bare && is_other() || self.lessons.inner.contains(&of)
    }

    /// A line announced an evaluation.
    pub(super) fn announce(&mut self, evaluation: Evaluation) {
        self.evaluation = Some(evaluation);
        // Behind a jump it is against the training that its counts are known.
        if self.turn.last.is_some() {
            self.go_on();
        }
    }

    /// The evaluation is over.
    pub(super) fn end_evaluation(&mut self) {
        self.evaluation = None;
    }

    /// It may be over, or counts in another way.
    pub(super) fn doubt_evaluation(&mut self) {
        self.evaluation.iter_mut().for_each(|evaluation| evaluation.way = Way::Titled);
    }

    /// Something was loaded: for the evaluation that begins, or else for the training that goes on.
    pub(super) fn load(&mut self) {
        if self.evaluation.is_some_and(|evaluation| evaluation.way != Way::Begun) {
            self.doubt_evaluation();
        }
    }

    /// A dict is of the training, or what an evaluation came to. Without a count it may stand in the middle of one.
    pub(super) fn hear_dict(&mut self, counts: bool) {
        let is_inside = |way| matches!(way, Way::Rows(last) | Way::Heads(last) if last.of.is_some_and(|of| last.at < of));
        self.evaluation = self.evaluation.filter(|evaluation| !counts && is_inside(evaluation.way));
    }

    /// Whether a line announced an evaluation that may go on.
    #[inline]
    pub(super) fn is_evaluating(&self) -> bool {
        self.evaluation.is_some()
    }

    /// Whether which loop goes on was said, or is plain.
    pub(super) fn is_plain(&self) -> bool {
        self.evaluation.is_none() && self.is_known()
    }

    /// Of what a line with a counter is. `is_head`: it says nothing else.
    pub(super) fn place(&mut self, step: Option<(Counter, Count)>, beside: Beside, is_head: bool) -> Place {
        let Some(mut evaluation) = self.evaluation.take() else { return Place::Training };
        match step {
            Some((kind, count)) if self.is_of(evaluation.way, kind, count, beside) => {
                let alike = if beside.epoch.is_some() { Alike::WithEpoch } else { Alike::Bare };
                self.alike = if alike > self.alike { alike } else { self.alike };
                evaluation.way = if is_head { Way::Heads(count) } else { Way::Rows(count) };
                self.evaluation = Some(evaluation);
                Place::Part(evaluation.prefix)
            }
            _ => Place::Training,
        }
    }

    /// Whether a count is of the evaluation that was announced.
    fn is_of(&self, way: Way, kind: Counter, count: Count, Beside { epoch, head, carried }: Beside) -> bool {
        let Some(of) = count.of.filter(|_| epoch.is_none() || epoch == self.turn.epoch) else { return false };
        let is_fine = matches!(kind, Counter::Batch | Counter::Step);
        let length = self.turn.last.and_then(|last| last.of).filter(|_| is_fine);
        if length.is_some_and(|length| length != of) {
            return true;
        }
        let epoch = epoch.or(head);
        let goes_back = if is_fine { self.turn.goes_back(count, epoch) } else { carried.is_some_and(|at| count.at <= at) };
        let goes_on = match way {
            // A training without epochs goes back with each lap.
            Way::Titled => is_fine && self.turn.epoch.is_some() && (epoch.is_none() || epoch == self.turn.epoch),
            Way::Begun => true,
            // When it started over as well, or is not the one that counts, the training goes on.
            Way::Rows(last) | Way::Heads(last) => last.of == count.of && last.at <= count.at,
        };
        goes_back && goes_on
    }

    /// Of what values without a counter are. `are_known`: they surely measure; `is_again`: the training said the same at this step.
    pub(super) fn place_values(&mut self, are_known: bool, is_again: bool) -> Place {
        match self.evaluation {
            Some(Evaluation { prefix, way: Way::Heads(_) }) if are_known => Place::Part(prefix),
            Some(Evaluation { prefix, .. }) if is_again => Place::Sum(prefix),
            // `Accuracy: 50.5%`: what it came to.
            Some(_) if are_known => {
                self.evaluation = None;
                Place::Training
            }
            _ => Place::Training,
        }
    }

    /// Behind a jump, a row counts.
    #[cold]
    fn land(&mut self, count: Count, has_epoch: bool) {
        let Some((landing, of)) = &mut self.landing else { return };
        if *landing == Landing::Any && (!has_epoch || self.alike == Alike::WithEpoch) {
            return;
        }
        let is_other = of.is_some() && count.of.is_some() && *of != count.of;
        *landing = if is_other { Landing::Other } else { Landing::Training };
    }

    /// A line said which loop goes on now.
    pub(super) fn go_on(&mut self) {
        self.landing.iter_mut().filter(|(landing, _)| *landing == Landing::Any).for_each(|(landing, _)| *landing = Landing::Training);
    }

    /// Whether the loop that goes on is known.
    pub(super) fn is_known(&self) -> bool {
        self.landing.is_none_or(|(landing, _)| landing == Landing::Training)
    }

    /// The same at the start of a source, or of the one that is read `again`.
    pub(super) fn renew(self, again: bool) -> Loops {
        Loops { lessons: if again { self.next.unwrap_or(self.lessons) } else { Lessons::default() }, ..Loops::default() }
    }

    /// The same further on in the source.
    pub(super) fn jump(self) -> Loops {
        let Loops { alike, lessons, next, turn, lengths, .. } = self;
        let landing = if alike == Alike::No { Landing::Training } else { Landing::Any };
        // Of loops without epochs the longest is the last to be over something else.
        let longest = lengths.iter().map(|length| length.of).max().filter(|_| turn.epoch.is_none());
        let of = longest.max(turn.last.and_then(|last| last.of));
        Loops { alike, lessons, next, landing: Some((landing, of)), ..Loops::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of the counts in `said`: the step of the run, or of what else they are. `2:10/20` is said beside an epoch, `|10/20` in
    /// a head, `title` and `dots` announce an evaluation.
    fn places(loops: &mut Loops, said: &str) -> String {
        let (mut carried, mut is_bare) = (None, false);
        let places = said.split(' ').filter_map(|said| {
            match said {
                "title" => loops.announce(Evaluation { prefix: "val", way: Way::Titled }),
                "dots" => loops.announce(Evaluation { prefix: "val", way: Way::Begun }),
                "doubt" => loops.doubt_evaluation(),
                "load" => loops.load(),
                "dict" => loops.hear_dict(false),
                "end" => loops.end_evaluation(),
                "epoch" => loops.go_on(),
                _ => {}
            }
            let (epoch, count) = said.split_once(':').map_or((None, said), |(epoch, count)| (epoch.parse().ok(), count));
            let (at, of) = count.trim_start_matches('|').split_once('/')?;
            let count = Count { at: at.parse().unwrap(), of: of.parse().ok() };
            let step = (Counter::Step, count);
            Some(match loops.place(Some(step), Beside { epoch, head: None, carried }, said.starts_with('|')) {
                Place::Part(prefix) | Place::Sum(prefix) => prefix.to_owned(),
                _ if loops.is_aside(step, epoch.is_some(), false) => "aside".to_owned(),
                _ => {
                    loops.hear(count, epoch.map(|at| Count { at, of: None }));
                    if loops.is_change(count)
                        && let Some(inner) = loops.change(count, epoch, is_bare)
                    {
                        loops.learn(inner, loops.next.is_none());
                    }
                    let step = loops.step(count, epoch).at;
                    is_bare = said.starts_with('|');
                    carried = Some(step);
                    if loops.is_known() { step.to_string() } else { "?".to_owned() }
                }
            })
        });
        places.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_count_is_of_the_training_or_of_an_evaluation() {
        for (said, want) in [
            ("50/100 100/100 50/100", "50 100 150"),
            ("50/100 100/100 dots 25/50 50/50 50/100", "50 100 val val 150"),
            ("50/100 100/100 title 25/50 50/50 50/100", "50 100 val val 150"),
            // As long as the training.
            ("10/20 20/20 dots 10/20 20/20 10/20", "10 20 val val 30"),
            ("10/20 20/20 dots |10/20 |20/20 |10/20", "10 20 val val 30"),
            ("10/20 dots 20/20", "10 20"),
            ("10/20 20/20 title 10/20", "10 20 30"),
            ("10/20 20/20 dots end 10/20", "10 20 30"),
            ("10/20 20/20 dots doubt 10/20", "10 20 30"),
            ("10/20 20/20 dots 10/20 doubt 20/20", "10 20 val 20"),
            ("10/20 20/20 dots load 10/20", "10 20 val"),
            ("10/20 20/20 dots 10/20 load 20/20", "10 20 val 20"),
            ("10/20 20/20 dots 10/20 dict 20/20 dict 10/20", "10 20 val val 30"),
            ("10/20 20/20 dots dict 10/20", "10 20 30"),
            ("10/20 20/20 dots doubt 5/50", "10 20 val"),
            // Beside an epoch.
            ("1:10/20 1:20/20 title 1:10/20 1:20/20 2:10/20", "10 20 val val 30"),
            ("1:10/20 1:20/20 title 10/20 20/20 2:10/20", "10 20 val val 30"),
            ("1:10/20 1:20/20 title 2:10/20", "10 20 30"),
            ("1:10/20 1:20/20 1:10/20", "10 20 10"),
            ("1:10/20 1:20/20 5/50 2:10/20", "10 20 aside 30"),
            // A length that nobody knows is that of the training.
            ("1:10/20 10/- 2:10/20", "10 10 20"),
        ] {
            assert_eq!(places(&mut Loops::default(), said), want, "{said}");
        }
    }

    #[test]
    fn a_loop_inside_of_another_is_known_when_that_goes_on_or_starts_over() {
        for (said, want) in [
            // Started over, or gone on.
            ("50/100 100/100 5/10 10/10 50/100", Some(10)),
            ("40/100 50/100 5/400 400/400 60/100", Some(400)),
            ("50/100 100/100 5/10 10/10 5/40 40/40 50/100", Some(10)),
            ("1:50/100 1:100/100 1:5/10 1:10/10 2:50/100", Some(10)),
            // The run was started again.
            ("50/100 100/100 5/10 10/10", None),
            ("50/100 5/10 10/10 50/100", None),
            ("50/100 100/100 5/10 10/10 90/100", None),
            // Rounds of the training.
            ("1/3 50/100 100/100 2/3", None),
            ("1/3 50/100 100/100 2/3 50/100 100/100 3/3 50/100 100/100 1/3", None),
            ("|1/500 50/100 100/100 |2/500", None),
            // Which is the training?
            ("5/10 10/10 50/100 100/100 5/10", None),
            ("5/10 10/10 50/100 100/100 5/10 10/10 50/100", None),
            ("50/100 100/100 45/90 90/90 50/100", None),
            // One loop, or the next stage.
            ("10/100 20/110 30/100", None),
            ("1:50/100 1:100/100 2:5/10 2:10/10 3:50/100", None),
        ] {
            let mut loops = Loops::default();
            places(&mut loops, said);
            assert_eq!(loops.lessons.inner.first().copied(), want, "{said}");
        }
        // When the source is read again, it is known from the start.
        let (mut loops, said) = (Loops::default(), "50/100 100/100 5/10 10/10 50/100");
        places(&mut loops, said);
        loops = loops.renew(true);
        assert_eq!(places(&mut loops, said), "50 100 aside aside 150");
        // Where it is not read again, more is learned as it goes on, but the next reading starts with the first.
        let said = [said, "100/100 5/20 10/20 20/20 50/100 100/100 5/20 50/100"].join(" ");
        loops = Loops::default();
        assert!(places(&mut loops, &said).ends_with("aside 150"));
        assert_eq!(loops.lessons.inner, [10, 20]);
        assert_eq!(loops.renew(true).lessons.inner, [10]);
        let loops = Loops { lessons: Lessons { inner: vec![10], ..Lessons::default() }, ..Loops::default() };
        assert!(loops.renew(false).lessons.inner.is_empty(), "another source");
        // Of lengths that change all the time nothing is kept.
        let said: Vec<_> = (1..1000).map(|of| format!("{of}/{of}")).collect();
        let mut loops = Loops::default();
        places(&mut loops, &said.join(" "));
        assert!(loops.lengths.len() <= LENGTHS_MAX && loops.lessons.inner.is_empty());
    }

    #[test]
    fn behind_a_jump_a_loop_is_known_by_its_length_or_its_announcement() {
        for (before, behind, want) in [
            ("50/100", "60/100 5/10 70/100", "60 ? 70"),
            ("1/2 2/2 50/100", "60/100 1/2", "60 ?"),
            ("1:50/100 1:100/100 2:50/99", "3:60/99 3:60/100", "60 ?"),
            ("10/20 20/20 dots 10/20 20/20", "10/20 20/20 dots 10/20 15/20 end 20/20", "? ? val val 20"),
            ("10/20 20/20 dots 10/20 20/20", "dots 10/20 20/20", "? ?"),
            ("10/20 20/20 dots 10/20 20/20", "1:10/20", "10"),
            ("1:10/20 1:20/20 title 1:10/20", "1:10/20 epoch 1:20/20", "? 20"),
        ] {
            let mut loops = Loops::default();
            places(&mut loops, before);
            assert_eq!(places(&mut loops.jump(), behind), want, "{before}, {behind}");
        }
    }
}
