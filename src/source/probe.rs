//! What the end of a source says of its run, gathered from the records of its head and its tail.
//!
//! A probe says what a full read would say, or nothing: whatever may hang on bytes that were passed over is left out.

use super::{KeyId, Kind, Loss, Record, Row};
use crate::model::{Exit, MetricKey, RunState, Step, WallTime};
use serde_json::Value;
use std::collections::BTreeMap;

/// Where a run stands, by the ends of its files.
#[derive(Clone, PartialEq, Debug)]
pub struct Probe {
    /// What was probed.
    pub kind: Kind,
    /// What its tracker says of the run itself (its name, its project, ...), by field name.
    pub remarks: BTreeMap<String, Value>,
    /// When it started.
    pub started: Option<WallTime>,
    /// When its files last changed, or its last row was logged.
    pub changed: Option<WallTime>,
    /// How it stands; `None`: its files do not tell.
    pub state: Option<RunState>,
    /// How it ended.
    pub exit: Option<Exit>,
    /// Its last step.
    pub step: Option<Step>,
    /// Steps it means to take.
    pub total_steps: Option<i64>,
    /// The last point of each key, as far as it was seen.
    pub last: BTreeMap<MetricKey, LastPoint>,
    /// Bytes that were read for this.
    pub bytes: u64,
    /// Nothing was passed over: there are no other keys.
    pub is_whole: bool,
    /// The source itself counts steps.
    pub says_steps: bool,
    /// What older parts of the run say at and after this step counts no more.
    pub superseded_from: Option<Step>,
}

/// The last point of a key.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LastPoint {
    /// Step it was logged at; `None`: that takes a full read.
    pub step: Option<Step>,
    /// When it was logged, if the source says.
    pub time: Option<WallTime>,
    /// The value.
    pub value: f64,
}

impl LastPoint {
    /// Whether it surely stands before `step`.
    fn is_before(&self, step: Step) -> bool {
        self.step.is_some_and(|at| at < step)
    }
}

impl Probe {
    /// A probe that knows nothing yet.
    pub fn new(kind: Kind) -> Probe {
        Probe {
            kind,
            remarks: BTreeMap::new(),
            started: None,
            changed: None,
            state: None,
            exit: None,
            step: None,
            total_steps: None,
            last: BTreeMap::new(),
            bytes: 0,
            is_whole: true,
            says_steps: false,
            superseded_from: None,
        }
    }

    /// Takes over what an older part of the same run says and this one does not.
    pub(super) fn go_on_from(mut self, older: Probe) -> Probe {
        let Probe { remarks, started, step, total_steps, last, bytes, is_whole, superseded_from, .. } = older;
        for (name, value) in remarks {
            self.remarks.entry(name).or_insert(value);
        }
        let is_known = self.is_whole && is_whole;
        self.step = match (self.step, step) {
            // Two writers at once: what none of them takes back goes on to the furthest step.
            (Some(own), Some(older)) if older > own && !self.takes_back(&last) => Some(older).filter(|_| is_known),
            (own, older) => own.or(older),
        };
        (self.started, self.total_steps) = (started.or(self.started), self.total_steps.or(total_steps));
        let stands = |point: &LastPoint| self.superseded_from.is_none_or(|from| point.is_before(from));
        for (key, point) in last.into_iter().filter(|(_, point)| stands(point)) {
            self.last.entry(key).or_insert(point);
        }
        self.superseded_from = self.superseded_from.into_iter().chain(superseded_from).min();
        (self.bytes, self.is_whole) = (self.bytes + bytes, is_known);
        self
    }

    /// Whether a key of an older part goes on here.
    fn takes_back(&self, older: &BTreeMap<MetricKey, LastPoint>) -> bool {
        self.last.keys().any(|key| older.contains_key(key))
    }
}

/// Gathers the records of one source.
#[derive(Default)]
pub(super) struct Gather {
    /// By key number.
    slots: Vec<Slot>,
    /// The rank of the last row, and whether others logged too.
    rank: Option<u32>,
    has_ranks: bool,
    /// The last row, if there was one: its step.
    row: Option<Option<Step>>,
    /// How far rows without a step may have counted on since, at most.
    ahead: Option<Step>,
    /// The step that a row without one has, as long as nothing was passed over.
    counter: Option<i64>,
    says_steps: bool,
    first_time: Option<WallTime>,
    exit: Option<Exit>,
    total_steps: Option<i64>,
    remarks: BTreeMap<String, Value>,
    jumped: bool,
    is_open: bool,
    superseded_from: Option<Step>,
}

/// What is known of one key.
#[derive(Default)]
struct Slot {
    key: Option<MetricKey>,
    /// The attempt and the rank whose points count, as far as they were seen from the start on.
    writer: Option<(u32, u32)>,
    /// The last point of each rank behind the jump.
    last: Vec<Last>,
    /// The last step before it.
    before: Option<Step>,
    /// It was logged at steps behind that of the source, which did not go back: its rows say nothing of that step.
    counts_apart: bool,
}

/// The last point that a rank logged.
struct Last {
    rank: u32,
    attempt: u32,
    point: LastPoint,
}

impl Gather {
    /// Takes one record.
    pub(super) fn take(&mut self, record: Result<Record, Loss>) {
        match record {
            Ok(Record::Key(id, key)) => {
                if self.slots.len() <= id.0 as usize {
                    self.slots.resize_with(id.0 as usize + 1, Slot::default);
                }
                self.slots[id.0 as usize].key = Some(key);
            }
            Ok(Record::Row(row)) => self.row(&row),
            Ok(Record::Superseded(step)) => self.supersede(step),
            Ok(Record::Info(name, value)) => drop(self.remarks.insert(name.to_owned(), value)),
            Ok(Record::TotalSteps(steps)) => self.total_steps = Some(steps),
            Ok(Record::Exit(exit)) => self.exit = Some(exit),
            Ok(_) | Err(_) => {}
        }
    }

    /// Bytes were passed over: what was seen so far is old.
    pub(super) fn jump(&mut self) {
        self.jumped = true;
        self.row = None;
        for slot in &mut self.slots {
            slot.before = slot.last.drain(..).filter_map(|last| last.point.step).max();
        }
    }

    /// What was said of the total hangs on what was passed over.
    pub(super) fn forget_total(&mut self) {
        self.total_steps = None;
    }

    /// Whether nothing was passed over.
    pub(super) fn is_whole(&self) -> bool {
        !self.jumped
    }

    /// Says whether bytes that were passed over may tell where the last rows stand.
    pub(super) fn set_open(&mut self, is_open: bool) {
        self.is_open = is_open;
    }

    /// Whether they may.
    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    /// Whether a row was seen since the jump.
    pub(super) fn has_row(&self) -> bool {
        self.row.is_some()
    }

    /// Whether a tracker said which run it is.
    pub(super) fn is_introduced(&self) -> bool {
        self.remarks.contains_key("run_id")
    }

    /// Whether every key was seen since the jump.
    pub(super) fn has_all_keys(&self) -> bool {
        self.slots.iter().all(|slot| !slot.last.is_empty())
    }

    /// Forgets the points at and after `step`. Which ones stand before it was not kept.
    fn supersede(&mut self, step: Step) {
        self.superseded_from = Some(self.superseded_from.map_or(step, |from| from.min(step)));
        self.row = self.row.map(|last| last.map(|last| last.min(step)));
        self.slots.iter_mut().for_each(|slot| slot.last.retain(|last| last.point.is_before(step)));
    }

    fn row(&mut self, row: &Row) {
        if !self.jumped {
            self.first_time = self.first_time.or(row.time);
        }
        let step = row.step.or_else(|| self.counted(row));
        self.counter = step.map(|step| step.0);
        self.go_to(step, row);
        self.total_steps = self.total_steps.filter(|total| step.is_none_or(|step| step.0 <= *total));
        self.says_steps |= row.step.is_some();
        self.has_ranks |= self.rank.replace(row.rank).is_some_and(|rank| rank != row.rank);
        for (id, value) in &row.values {
            let Some(slot) = self.slots.get_mut(id.0 as usize) else { continue };
            let point = LastPoint { step, time: row.time, value: *value };
            let last = Last { rank: row.rank, attempt: row.attempt, point };
            if self.jumped {
                let newest = slot.last.iter().map(|last| last.attempt).chain(slot.writer.map(|(attempt, _)| attempt)).max();
                match slot.last.iter_mut().find(|last| last.rank == row.rank) {
                    _ if newest.is_some_and(|newest| row.attempt < newest) => {}
                    Some(known) => *known = last,
                    None => slot.last.push(last),
                }
                continue;
            }
            // The first rank that logs a key in an attempt is the one that counts.
            let (attempt, rank) = slot.writer.unwrap_or((row.attempt, row.rank));
            if row.attempt > attempt || (row.attempt, row.rank) == (attempt, rank) {
                slot.writer = Some((row.attempt, row.rank));
                slot.last.clear();
                slot.last.push(last);
            }
        }
    }

    /// Takes the step of a row for that of the source, if it is.
    fn go_to(&mut self, step: Option<Step>, row: &Row) {
        let slot_of = |id: KeyId| self.slots.get(id.0 as usize);
        let last_of = |id| slot_of(id)?.last.iter().filter_map(|last| last.point.step).max();
        let is_behind = |step: Step| self.row.flatten().is_some_and(|before| step < before) && !row.goes_back(step, last_of);
        let counts_apart = |id| slot_of(id).is_some_and(|slot| slot.counts_apart);
        let may_go_back = |id| slot_of(id).is_some_and(|slot| slot.last.is_empty() && !(slot.counts_apart && slot.before < step));
        let is_unknown =
            self.jumped && step.is_some_and(|step| self.ahead.is_some_and(|ahead| step < ahead) && !row.goes_back(step, last_of));
        let at = self.ahead.or(self.row.flatten());
        self.ahead =
            at.filter(|_| self.jumped && (step.is_none() || is_unknown)).map(|at| Step(at.0.saturating_add(i64::from(step.is_none()))));
        if is_unknown {
            self.row = Some(None);
        } else if step.is_some_and(is_behind) && self.jumped && row.values.iter().any(|(id, _)| may_go_back(*id)) {
            // Whether it goes back is said by rows that were passed over.
            self.row = Some(None);
        } else if step.is_some_and(is_behind) {
            for (id, _) in &row.values {
                self.slots.get_mut(id.0 as usize).into_iter().for_each(|slot| slot.counts_apart = true);
            }
        } else if self.row.is_some() || row.values.is_empty() || !row.values.iter().all(|(id, _)| counts_apart(*id)) {
            self.row = Some(step);
        }
    }

    /// The step of a row that names none: the rows of each key are counted.
    fn counted(&self, row: &Row) -> Option<Step> {
        let last_of = |id: u32| self.slots.get(id as usize)?.last.first()?.point.step;
        let is_taken = |at: i64| row.values.iter().filter_map(|(id, _)| last_of(id.0)).any(|last| last.0 >= at);
        match self.counter {
            _ if self.jumped => None,
            None => Some(Step(0)),
            Some(at) => Some(Step(if is_taken(at) { at.saturating_add(1) } else { at })),
        }
    }

    /// What all this comes to.
    pub(super) fn finish(self, kind: Kind) -> Probe {
        let said = self.remarks.get("start_time").or_else(|| self.remarks.get("started_at")).and_then(Value::as_f64);
        let last = |slot: &Slot| {
            let newest = slot.last.iter().max_by_key(|last| last.attempt)?;
            match slot.writer {
                _ if !self.has_ranks => Some(newest.point),
                // Another attempt may have another first rank: that row may have been passed over.
                Some((attempt, rank)) if attempt == newest.attempt => {
                    slot.last.iter().find(|last| last.rank == rank).map(|last| last.point)
                }
                _ => None,
            }
        };
        let mut probe = Probe::new(kind);
        probe.started = said.and_then(WallTime::new).or(self.first_time);
        (probe.exit, probe.total_steps) = (self.exit, self.total_steps);
        probe.state = self.exit.map(|exit| exit.state());
        probe.step = self.row.flatten();
        probe.remarks = self.remarks;
        probe.last = self.slots.iter().filter_map(|slot| Some((slot.key.clone()?, last(slot)?))).collect();
        (probe.is_whole, probe.says_steps) = (!self.jumped && self.superseded_from.is_none(), self.says_steps);
        probe.superseded_from = self.superseded_from;
        probe
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::KeyId;

    fn row(step: i64, attempt: u32, rank: u32, values: &[(u32, f64)]) -> Result<Record, Loss> {
        let values = values.iter().map(|(id, value)| (KeyId(*id), *value)).collect();
        Ok(Record::Row(Row { step: Some(Step(step)), attempt, rank, values, ..Row::default() }))
    }

    fn gather(rows: Vec<Result<Record, Loss>>, jump_at: usize) -> Probe {
        let mut gather = Gather::default();
        ["loss", "lr"].into_iter().enumerate().for_each(|(id, name)| gather.take(Ok(Record::Key(KeyId(id as u32), name.into()))));
        for (at, row) in rows.into_iter().enumerate() {
            if at == jump_at {
                gather.jump();
            }
            gather.take(row);
        }
        gather.finish(Kind::Jsonl)
    }

    fn value(probe: &Probe, key: &str) -> Option<f64> {
        probe.last.get(key).map(|point| point.value)
    }

    #[test]
    fn only_the_rank_that_logged_a_key_first_counts() {
        let rows =
            || vec![row(1, 0, 1, &[(0, 1.0)]), row(1, 0, 0, &[(0, 2.0), (1, 5.0)]), row(2, 0, 1, &[(0, 3.0)]), row(2, 0, 0, &[(0, 4.0)])];
        for jump_at in [9, 2] {
            let probe = gather(rows(), jump_at);
            assert_eq!((value(&probe, "loss"), probe.step), (Some(3.0), Some(Step(2))), "{jump_at}");
        }
        // Behind a jump into another attempt nobody knows who was first.
        let probe = gather(vec![row(1, 0, 1, &[(0, 1.0)]), row(1, 1, 1, &[(0, 2.0)]), row(1, 1, 0, &[(0, 3.0)])], 1);
        assert_eq!(value(&probe, "loss"), None);
        let probe = gather(vec![row(1, 0, 1, &[(0, 1.0)]), row(1, 1, 1, &[(0, 2.0)]), row(2, 0, 1, &[(0, 3.0)])], 1);
        assert_eq!(value(&probe, "loss"), Some(2.0));
    }

    #[test]
    fn rows_that_count_epochs_do_not_take_the_run_back_and_a_restart_does() {
        let steps = |rows: &[(i64, u32)], jump_at| {
            let rows = rows.iter().map(|(step, key)| row(*step, 0, 0, &[(*key, 0.5)]));
            gather([Ok(Record::TotalSteps(2))].into_iter().chain(rows).collect(), jump_at)
        };
        let epochs = [(80, 0), (1, 1), (160, 0), (2, 1)];
        for jump_at in [0, 3] {
            let probe = steps(&epochs, jump_at);
            assert_eq!((probe.step, probe.total_steps), (Some(Step(160)), None));
        }
        assert_eq!(steps(&epochs, 4).step, None, "nothing behind the jump says it");
        assert_eq!(steps(&[(80, 0), (1, 1), (20, 0)], 0).step, Some(Step(20)));
        assert_eq!(steps(&[(1, 0), (2, 0)], 0).total_steps, Some(2));
    }

    #[test]
    fn of_two_writers_of_one_run_the_furthest_says_the_step_and_a_restart_takes_it_back() {
        let of = |step: i64, key: u32, is_whole| Probe { is_whole, ..gather(vec![row(step, 0, 0, &[(key, 0.5)])], 9) };
        let step = |own: Probe, older| own.go_on_from(older).step.map(|step| step.0);
        assert_eq!(step(of(25, 1, true), of(29, 0, true)), Some(29));
        assert_eq!(step(of(25, 0, true), of(29, 0, true)), Some(25));
        assert_eq!(step(of(30, 1, false), of(29, 0, false)), Some(30));
        assert_eq!(step(of(25, 1, false), of(29, 0, true)), None, "the same key may stand in what was passed over");
    }

    #[test]
    fn what_was_seen_before_the_jump_is_no_last_value() {
        let probe = gather(vec![row(1, 0, 0, &[(0, 1.0), (1, 5.0)]), row(9, 0, 0, &[(0, 2.0)])], 1);
        assert_eq!((value(&probe, "loss"), value(&probe, "lr"), probe.is_whole), (Some(2.0), None, false));
        let probe = gather(vec![row(1, 0, 0, &[(1, 5.0)])], 9);
        assert_eq!((value(&probe, "lr"), probe.is_whole), (Some(5.0), true));
    }
}
