//! What a series says: trend, best value, rate; and how people name and choose series: conditions, filters, lists.
//! Functions of the model, without state.
//! Never here: drawing, files, a clock.

mod condition;
mod keys;
mod rate;
pub mod runs;
mod trend;

pub use condition::{Condition, ConditionError, Facts, Op, Test, Unresolved, eval, parse_condition, resolve};
pub use keys::{Goal, KeyFilter, KeyFilterError, Selection, best, goal, known_goal, parse_key_list, rank_keys, select_keys};
pub use rate::{eta, rate};
pub use runs::{Origin, RunRead, RunRow};
pub use trend::{Direction, Trend, trend};
