//! The last few of something, by source; all are counted.

use super::SourceRank;
use crate::{
    model::Step,
    source::{Alert, Loss, Media},
};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};

/// Losses kept with their reasons. A damaged file has some; one that is damaged everywhere says the same each time.
pub(super) const LOSSES_KEPT: usize = 256;

/// Alerts kept. People read some tens; a rule that fires at every step would have thousands.
pub(super) const ALERTS_KEPT: usize = 1000;

/// References kept of one kind of media, and bytes of what describes them: a day of rollouts with their texts.
const MEDIA_KEPT: usize = 10_000;
const MEDIA_BYTES_KEPT: usize = 16 << 20;

/// Most entries of [`Count::at`]: half of them are left as they are, so that what is kept of one kind is counted step by step.
const COUNTS_MAX: usize = 1 << 15;
const _: () = assert!(COUNTS_MAX / 2 >= MEDIA_KEPT);

/// Kinds of media told apart. Trackers know some ten; the names come from files, so they are bounded.
const MEDIA_KINDS_MAX: usize = 64;

/// Stretches of input that could not be read.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Losses {
    /// How many.
    pub count: u64,
    /// How many bytes they were.
    pub bytes: u64,
    /// The last few, oldest first.
    pub last: VecDeque<(SourceRank, Loss)>,
    of: BTreeMap<SourceRank, (u64, u64)>,
}

impl Losses {
    pub(super) fn push(&mut self, source: SourceRank, loss: Loss) {
        let (count, bytes) = self.of.entry(source).or_default();
        (*count, *bytes) = (*count + 1, bytes.saturating_add(loss.bytes));
        (self.count, self.bytes) = (self.count + 1, self.bytes.saturating_add(loss.bytes));
        keep(&mut self.last, (source, loss), LOSSES_KEPT);
    }

    /// What is lost at no cost of bytes says why the source starts over, and stays.
    pub(super) fn forget(&mut self, source: SourceRank) {
        self.last.retain(|(rank, loss)| *rank != source || loss.bytes == 0);
        let left = self.last.iter().filter(|(rank, _)| *rank == source).count() as u64;
        let (count, bytes) = self.of.insert(source, (left, 0)).unwrap_or_default();
        (self.count, self.bytes) = (self.count - count + left, self.bytes.saturating_sub(bytes));
    }
}

/// What a program, or a rule of og's, asked people to look at.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Alerts {
    /// How many.
    pub count: u64,
    /// The last thousand, oldest first; those without a source are from the run's own events.
    pub last: VecDeque<(Option<SourceRank>, Alert)>,
    of: BTreeMap<Option<SourceRank>, u64>,
}

impl Alerts {
    pub(super) fn push(&mut self, source: Option<SourceRank>, alert: Alert) {
        self.count += 1;
        *self.of.entry(source).or_default() += 1;
        keep(&mut self.last, (source, alert), ALERTS_KEPT);
    }

    pub(super) fn forget(&mut self, source: Option<SourceRank>) {
        self.count -= self.of.remove(&source).unwrap_or_default();
        self.last.retain(|(rank, _)| *rank != source);
    }
}

/// What was logged that is no number: references, by kind (`image`, `histogram`, `rollout`, ...).
#[derive(Clone, PartialEq, Debug, Default)]
pub struct MediaShelf {
    kinds: BTreeMap<String, Kind>,
}

/// The media of one kind.
#[derive(Clone, PartialEq, Debug, Default)]
struct Kind {
    of: BTreeMap<SourceRank, Count>,
    last: VecDeque<(SourceRank, Media, usize)>,
    bytes: usize,
}

/// How many media a source gave, and at which steps: one entry for as many as follow each other at one.
/// Those that are long ago share entries, each at the last of their steps, and more of them the longer ago.
#[derive(Clone, PartialEq, Debug, Default)]
struct Count {
    all: u64,
    at: Vec<(Step, u64)>,
}

impl MediaShelf {
    /// How many there are of each kind.
    pub fn counts(&self) -> impl Iterator<Item = (&str, u64)> {
        self.kinds.iter().map(|(kind, media)| (kind.as_str(), media.of.values().map(|count| count.all).sum()))
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.counts().map(|(_, count)| count).sum()
    }

    /// The last of one kind, oldest first: as many as some megabytes hold.
    pub fn last(&self, kind: &str) -> impl DoubleEndedIterator<Item = &Media> {
        self.kinds.get(kind).into_iter().flat_map(|kind| kind.last.iter().map(|(_, media, _)| media))
    }

    pub(super) fn push(&mut self, source: SourceRank, media: Media) {
        let is_known = self.kinds.contains_key(&media.kind) || self.kinds.len() < MEDIA_KINDS_MAX;
        let kind = self.kinds.entry(if is_known { media.kind.clone() } else { "other".into() }).or_default();
        kind.of.entry(source).or_default().add(media.step);
        let bytes = size_of::<Media>() + media.key.len() + weight(&media.about);
        kind.bytes += bytes;
        kind.last.push_back((source, media, bytes));
        while kind.last.len() > MEDIA_KEPT || kind.bytes > MEDIA_BYTES_KEPT {
            let Some((_, _, bytes)) = kind.last.pop_front() else { break };
            kind.bytes -= bytes;
        }
    }

    /// Takes back what `source` gave at and after `step`.
    pub(super) fn supersede_from(&mut self, source: SourceRank, step: Step) {
        self.kinds.retain(|_, kind| {
            kind.of.get_mut(&source).into_iter().for_each(|count| count.supersede_from(step));
            kind.last.retain(|(rank, media, _)| *rank != source || media.step.is_none_or(|at| at < step));
            kind.bytes = kind.last.iter().map(|(.., bytes)| bytes).sum();
            kind.of.values().any(|count| count.all > 0)
        });
    }

    pub(super) fn forget(&mut self, source: SourceRank) {
        self.kinds.retain(|_, kind| {
            kind.of.remove(&source);
            kind.last.retain(|(rank, ..)| *rank != source);
            kind.bytes = kind.last.iter().map(|(.., bytes)| bytes).sum();
            !kind.of.is_empty()
        });
    }
}

impl Count {
    fn add(&mut self, step: Option<Step>) {
        self.all += 1;
        match (step, self.at.last_mut()) {
            (Some(step), Some((last, count))) if *last == step => *count += 1,
            (Some(step), _) => {
                if self.at.len() >= COUNTS_MAX {
                    self.thin();
                }
                self.at.push((step, 1));
            }
            (None, _) => {}
        }
    }

    /// Makes one entry of each two in the older half.
    fn thin(&mut self) {
        let recent = self.at.split_off(COUNTS_MAX / 2);
        self.at = self.at.chunks(2).filter_map(|both| both.iter().copied().reduce(|a, b| (a.0.max(b.0), a.1 + b.1))).collect();
        self.at.extend(recent);
    }

    fn supersede_from(&mut self, step: Step) {
        self.at.retain(|(at, count)| {
            let stays = *at < step;
            self.all -= if stays { 0 } else { *count };
            stays
        });
    }
}

/// About how many bytes a value takes.
fn weight(value: &Value) -> usize {
    size_of::<Value>()
        + match value {
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(weight).sum(),
            Value::Object(fields) => fields.iter().map(|(name, value)| name.len() + weight(value)).sum(),
            _ => 0,
        }
}

fn keep<T>(last: &mut VecDeque<T>, new: T, max: usize) {
    last.push_back(new);
    if last.len() > max {
        last.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use SourceRank::Tracker;
    use serde_json::json;

    fn media(kind: &str, about: Value) -> Media {
        Media { key: "m".into(), step: None, time: None, kind: kind.into(), about }
    }

    #[test]
    fn media_behind_a_restart_do_not_count() {
        let mut shelf = MediaShelf::default();
        let image = |step| Media { step: Some(Step(step)), ..media("image", json!({ "step": step })) };
        for step in [0, 0, 5, 5, 9] {
            shelf.push(Tracker(0), image(step));
            shelf.push(Tracker(1), image(step));
        }
        shelf.push(Tracker(0), media("image", json!({})));
        shelf.supersede_from(Tracker(0), Step(5));
        shelf.push(Tracker(0), image(5));
        assert_eq!((shelf.count(), shelf.last("image").count()), (4 + 5, 4 + 5));
        shelf.push(Tracker(0), Media { step: Some(Step(9)), ..media("audio", json!({})) });
        shelf.supersede_from(Tracker(0), Step(0));
        assert_eq!(shelf.counts().collect::<Vec<_>>(), [("image", 1 + 5)]);
    }

    #[test]
    fn media_are_all_counted_and_the_last_are_kept_by_their_weight() {
        let mut shelf = MediaShelf::default();
        for i in 0..40 {
            shelf.push(Tracker(0), media("rollout", json!({ "i": i, "text": "x".repeat(1 << 20) })));
        }
        shelf.push(Tracker(1), media("image", json!({})));
        assert_eq!(shelf.counts().collect::<Vec<_>>(), [("image", 1), ("rollout", 40)]);
        let kept: Vec<i64> = shelf.last("rollout").map(|media| media.about["i"].as_i64().unwrap()).collect();
        assert_eq!((kept.first(), kept.last()), (Some(&25), Some(&39)));
        shelf.forget(Tracker(0));
        assert_eq!((shelf.count(), shelf.last("rollout").count(), shelf.last("image").count()), (1, 0, 1));
    }

    #[test]
    fn steps_of_media_are_bounded_and_those_that_are_kept_count_one_by_one() {
        const STEPS: i64 = 200_000;
        let mut shelf = MediaShelf::default();
        for step in 0..STEPS {
            shelf.push(Tracker(0), Media { step: Some(Step(step)), ..media("image", json!(null)) });
            assert_eq!(shelf.count(), step as u64 + 1);
        }
        assert!(shelf.kinds["image"].of[&Tracker(0)].at.len() <= COUNTS_MAX);
        let first = shelf.last("image").next().unwrap().step.unwrap();
        assert_eq!(first, Step(STEPS - MEDIA_KEPT as i64));
        for step in [Step(STEPS - 7), first] {
            shelf.supersede_from(Tracker(0), step);
            assert_eq!(shelf.count(), step.0 as u64);
        }
        shelf.supersede_from(Tracker(0), Step(0));
        assert_eq!(shelf.count(), 0);
    }

    #[test]
    fn names_of_kinds_are_bounded() {
        let mut shelf = MediaShelf::default();
        (0..100).for_each(|i| shelf.push(Tracker(0), media(&i.to_string(), json!(null))));
        assert_eq!((shelf.kinds.len(), shelf.count()), (MEDIA_KINDS_MAX + 1, 100));
        assert_eq!(shelf.last("other").count(), 100 - MEDIA_KINDS_MAX);
    }

    #[test]
    fn alerts_and_losses_of_a_source_that_starts_over_are_forgotten() {
        let alert = Alert { title: "t".into(), text: String::new(), level: "warn", step: None, time: None };
        let mut alerts = Alerts::default();
        (0..ALERTS_KEPT + 5).for_each(|_| alerts.push(Some(Tracker(0)), alert.clone()));
        alerts.push(None, alert);
        assert_eq!((alerts.count, alerts.last.len()), (ALERTS_KEPT as u64 + 6, ALERTS_KEPT));
        alerts.forget(Some(Tracker(0)));
        assert_eq!((alerts.count, alerts.last.len()), (1, 1));
        let mut losses = Losses::default();
        [Tracker(0), Tracker(1)].into_iter().for_each(|source| losses.push(source, Loss { offset: 1, bytes: 5, reason: String::new() }));
        losses.push(Tracker(1), Loss { offset: 0, bytes: 0, reason: "the file shrank".into() });
        losses.forget(Tracker(1));
        assert_eq!((losses.count, losses.bytes, losses.last.len()), (2, 5, 2));
        losses.forget(Tracker(1));
        assert_eq!((losses.count, losses.last[1].1.reason.as_str()), (2, "the file shrank"));
    }
}
