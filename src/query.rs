//! What a series says: trend, best value, rate; what can be made of it: smoothed, derived, over another; and how people name and
//! choose series: conditions, filters, lists.
//! Functions of the model, without state.
//! Never here: drawing, files, a clock.

mod against;
mod condition;
mod derive;
pub mod export;
mod keys;
mod panels;
mod rate;
pub mod runs;
mod sampled;
mod smooth;
mod trend;

pub use against::Against;
pub use condition::{Condition, ConditionError, Facts, Op, Test, Unresolved, eval, parse_condition, resolve};
pub use derive::{DeriveError, Derived, FUNCTIONS, Function, Machine, Moment, Transform};
pub use keys::{Goal, KeyFilter, KeyFilterError, Selection, best, goal, known_goal, parse_key_list, rank_keys, select_keys};
pub use panels::{Panel, PanelKind, panels, panels_apart};
pub use rate::{eta, rate};
pub use runs::{Origin, RunRead, RunRow};
pub use sampled::{Sampled, SampledGpu, mean, sampled};
pub use smooth::{Fit, Smoothing, SmoothingWish};
pub use trend::{Direction, Trend, trend, trend_along};
