//! The names that training programs give to columns of steps, times, metrics and runs.

use super::parts;
use std::ops::Range;

/// Names of the step, best first, compared by [`is_alike`]. Whole numbers only: an `epoch` of 0.25 is a value.
pub(super) const STEPS: &[&str] = &[
    "global_step",
    "step",
    "_step",
    "trainer/global_step",
    "train/global_step",
    "train_step",
    "train/step",
    "train/iter",
    "training_step",
    "optimizer_step",
    "current_step",
    "current_steps",
    "global_steps",
    "step_num",
    "num_updates",
    "total_timesteps",
    "time/total_timesteps",
    "timesteps_total",
    "num_timesteps",
    "timesteps",
    "timestep",
    "total_steps",
    "env_steps",
    "iteration",
    "training_iteration",
    "iter",
    "itr",
    "iter_num",
    "update",
    "episode",
    "samples_seen",
    "tokens_seen",
    "batch",
    "batch_idx",
    "batch_index",
    "batch_id",
    "epoch",
    "it",
    "n_iter",
    "num_iters",
    "iters",
    "iterations",
    "num_steps",
    "n_steps",
    "steps",
    "num_env_steps",
    "round",
    "generation",
    "epochs",
    "updates",
    "num_samples",
    "frames",
];

/// Names in [`STEPS`] that surely count within an epoch: beside an `epoch`, the name behind them, they are a step.
pub(super) const IN_EPOCH: Range<usize> = place("batch")..EPOCH;
pub(in crate::source) const EPOCH: usize = place("epoch");

/// What stands behind them may be the name of a setting or of a metric, and so may what counts within an epoch, where there is none:
/// such a column is a step only where its numbers count ([`Counters`]), and then it ranks here, at a name that says as much.
pub(super) const COUNTER: usize = place("itr");

/// Names that one fraction tells to be no steps: an epoch is 0, and then 0.25.
pub(super) const FICKLE: u64 = 1 << EPOCH | 1 << COUNTER;

/// MMEngine writes both into the rows of a training by epochs, with one value. Those of its validations have a `step` alone, which is
/// the epoch.
///
/// Source: `mmengine/hooks/logger_hook.py` (`after_val_epoch`), read 2026-11.
pub(super) const STEP: usize = place("step");
pub(super) const ITER: usize = place("iter");

/// Names beside them that may count within an epoch as well. All others are of the whole run, whatever epochs stand beside them:
/// PPO names those of one update, again and again.
pub(super) const EITHER: &[&str] = &["step", "_step", "train/iter", "iteration", "iter", "itr", "samples_seen", "tokens_seen"];

/// Names in [`STEPS`] of loops around others, as bits by place: a step or an epoch beside them may start over with each.
pub(super) const OUTER: u64 = 1 << place("iteration")
    | 1 << place("training_iteration")
    | 1 << ITER
    | 1 << place("itr")
    | 1 << place("update")
    | 1 << place("episode")
    | 1 << place("round")
    | 1 << place("generation")
    | 1 << place("updates");

/// Names of the wall time, best first, compared in the same way. A value counts when it is a date or Unix seconds (or
/// milliseconds) of this century, so that a `time` that is a duration stays a metric.
pub(super) const TIMES: &[&str] =
    &["_timestamp", "timestamp", "ts", "wall_time", "walltime", "unix_time", "datetime", "created_at", "logged_at", "date", "time", "t"];

/// Columns that name a metric, in a table with a row for each point, and the column of its value beside them. When they
/// count as such: [`point`].
pub(super) const METRIC_NAMES: &[&str] = &["metric", "key", "name", "tag", "variable", "series"];
pub(super) const METRIC_VALUES: &[&str] = &["value", "val"];

/// Columns that may tell apart the runs of one table. When they do: [`Stacked`].
pub(super) const RUNS: &[&str] = &[
    "seed",
    "run",
    "run_id",
    "run_name",
    "trial",
    "trial_id",
    "fold",
    "rank",
    "worker",
    "worker_id",
    "client",
    "client_id",
    "task",
    "task_id",
    "task_name",
    DATASET,
    "experiment",
    "model",
    "model_name",
    "method",
    "algo",
    "algorithm",
    "env",
    "env_id",
    "env_name",
];

/// Also a split, where it says so ([`parts`]).
const DATASET: &str = "dataset";
pub(super) const DATASETS: usize = index(RUNS, DATASET);

/// All of these that a row has, together: the place of what they tell, behind that of each alone.
pub(super) const JOINT: usize = RUNS.len();

/// Letters with which any of these names begins, as bits; that of most columns is none of them, which settles it.
pub(super) const FIRST: u128 = first_letters(STEPS)
    | first_letters(TIMES)
    | first_letters(parts::SURE)
    | first_letters(parts::VAGUE)
    | first_letters(parts::FLAG_NAMES)
    | first_letters(METRIC_NAMES)
    | first_letters(METRIC_VALUES)
    | first_letters(RUNS);

/// Where a name stands in [`STEPS`].
const fn place(name: &str) -> usize {
    index(STEPS, name)
}

const fn index(names: &[&str], name: &str) -> usize {
    let mut at = 0;
    while !is_same(names[at].as_bytes(), name.as_bytes()) {
        at += 1;
    }
    at
}

const fn is_same(one: &[u8], other: &[u8]) -> bool {
    match (one, other) {
        ([], []) => true,
        ([a, one @ ..], [b, other @ ..]) => *a == *b && is_same(one, other),
        _ => false,
    }
}

const fn first_letters(names: &[&str]) -> u128 {
    let (mut letters, mut at) = (0, 0);
    while at < names.len() {
        letters |= 1 << small(names[at].as_bytes()[0]);
        at += 1;
    }
    letters
}

/// A letter, whatever its case. Other bytes may fall together.
pub(super) const fn small(byte: u8) -> u32 {
    (byte | 0x20) as u32 & 0x7f
}

/// A name without the unit in brackets behind it.
pub(super) fn without_unit(name: &str) -> &str {
    match name.as_bytes().last() {
        Some(b']' | b')') => name.split_once(['[', '(']).map_or(name, |(name, _)| name.trim()),
        _ => name,
    }
}

/// Whether a column of this name, without its unit, is meant by a usual one: case does not count, nor whether words are parted by
/// spaces.
fn is_alike(known: &str, name: &str) -> bool {
    let is_same = |(a, b): (u8, u8)| a == b.to_ascii_lowercase() || a == b'_' && b == b' ';
    known.len() == name.len() && known.bytes().zip(name.bytes()).all(is_same)
}

/// The same, where words may be parted by hyphens or by capitals too: `globalStep`.
fn is_akin(known: &str, name: &str) -> bool {
    fn letters(name: &str) -> impl Iterator<Item = u8> {
        name.bytes().filter(|byte| !matches!(byte, b'_' | b'-' | b' ')).map(|byte| byte.to_ascii_lowercase())
    }
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && !name.ends_with(['_', '-']) && letters(known).eq(letters(name))
}

/// Where a name stands among those that are known.
pub(super) fn place_of(bare: &str, names: &[&str]) -> Option<usize> {
    let place = |is: fn(&str, &str) -> bool| names.iter().position(|known| is(known, bare));
    place(is_alike).or_else(|| place(is_akin))
}
