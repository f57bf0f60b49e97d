//! What it costs to load a run.

use crate::store::RunPicture;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use std::{fs, time::Instant};

/// Measures from the moment in which it is made.
pub struct Stopwatch {
    start: Instant,
    cpu_start: f64,
    first_value: Option<f64>,
}

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Stopwatch {
        Stopwatch { start: Instant::now(), cpu_start: cpu(), first_value: None }
    }

    /// Notes when the first value is there.
    pub fn look(&mut self, run: &RunPicture) {
        if self.first_value.is_none() && !run.series.is_empty() {
            self.first_value = Some(self.start.elapsed().as_secs_f64());
        }
    }

    /// Whether a value came.
    pub fn has_seen(&self) -> bool {
        self.first_value.is_some()
    }

    /// What it came to: seconds since the start, of the clock and of the processor; and the most memory that this process
    /// ever held.
    pub fn stats(&self, run: &RunPicture) -> Value {
        let bytes: u64 = run.given().map(|(_, given)| given.bytes).sum();
        json!({
            "wall_s": self.start.elapsed().as_secs_f64(),
            "cpu_s": cpu() - self.cpu_start,
            "first_value_s": self.first_value,
            "points": run.points(),
            "bytes": bytes,
            "peak_rss_bytes": peak_rss_bytes(),
        })
    }
}

/// Seconds that all threads of this process have computed.
fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// `None` where the system does not tell by `/proc`.
fn peak_rss_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kib: u64 = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kib * 1024)
}
