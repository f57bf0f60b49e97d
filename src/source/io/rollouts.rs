//! Finds the rollouts of a run in the database of its tracker. Everything is read when it is asked for, and only that.

mod trackio;
mod tviz;

use super::{RunRef, SourceError};
use crate::source::{Body, Kind, RolloutGroup};

/// Most steps of a run whose rollouts are listed, and most groups of a step: more than anybody steps through.
const STEPS_MAX: usize = 100_000;
const GROUPS_MAX: usize = 512;
/// Most answers to one prompt, and of one step.
const TRAJECTORIES_MAX: usize = 1024;

/// The rollouts of one run, behind a door that asks for little at a time. Each call opens the database for some milliseconds.
pub trait RolloutStore: Send {
    /// The steps that have rollouts, rising; the last hundred thousand.
    fn steps(&mut self) -> Result<Vec<i64>, SourceError>;
    /// The groups of a step, without their texts.
    fn groups(&mut self, step: i64) -> Result<Vec<RolloutGroup>, SourceError>;
    /// An answer of that step with its texts and tokens. `None`: it is not there any more.
    fn trajectory(&mut self, step: i64, id: i64) -> Result<Option<Body>, SourceError>;
}

/// The rollouts of a run that [`runs`](super::runs) has found. `None`: its tracker keeps none that og can read.
pub fn open_rollouts(run: &RunRef) -> Option<Box<dyn RolloutStore>> {
    match run.kind {
        Kind::Tviz => Some(Box::new(tviz::TvizRollouts::new(&run.path, &run.id))),
        Kind::Trackio => Some(Box::new(trackio::TrackioRollouts::new(&run.path, &run.id))),
        _ => None,
    }
}
