//! The store on disk: finds it, makes run folders, appends to them, and reads them as they grow.

mod git;
mod glance;
mod opened;
mod parent;
mod reader;
mod remarked;
mod root;
mod trackers;
mod write;
mod written;

pub use glance::{RunGlance, glance, glance_at};
pub use reader::{Polled, RunReader};
pub use remarked::Remarked;
pub use root::{Store, Whereabouts, settled};
pub use written::Written;
