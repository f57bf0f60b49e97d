//! Waiting: conditions on a pane's screen, on the run, on metrics. Pure; every wait ends by its deadline.

use crate::{
    ipc::wire::{TIMEOUT_MS_MAX, Until},
    query::{self, Condition},
    tmux::PaneId,
};
use regex::Regex;
use std::time::{Duration, Instant};

/// Deadline of a wait that names none.
pub const TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);
/// Longest wait.
const TIMEOUT_MAX: Duration = Duration::from_millis(TIMEOUT_MS_MAX);
/// Largest pattern, compiled: a pattern of an agent must not eat the controller's memory.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// A condition, checked and compiled.
#[derive(Debug)]
pub enum Check {
    /// The screen differs from the entry.
    Change,
    /// The screen has been still for so long.
    Settle(Duration),
    /// A line matches.
    Text(Regex),
    /// No line matches.
    Gone(Regex),
    /// The program ended.
    Exit,
    /// A comparison of a metric, the step or the state.
    Metric(Condition, String),
}

impl Check {
    /// Compiles what came over the wire.
    pub fn new(until: &Until) -> Result<Check, String> {
        Ok(match until {
            Until::Change => Check::Change,
            Until::Settle(ms) => Check::Settle(Duration::from_millis(*ms)),
            Until::Text(pattern) => Check::Text(compile(pattern).map_err(|error| format!("text: {error}"))?),
            Until::Gone(pattern) => Check::Gone(compile(pattern).map_err(|error| format!("gone: {error}"))?),
            Until::Exit => Check::Exit,
            Until::Metric(text) => Check::Metric(query::parse_condition(text).map_err(|error| error.to_string())?, text.clone()),
        })
    }

    fn words(&self) -> String {
        match self {
            Check::Change => "change".into(),
            Check::Settle(quiet) => format!("settle:{}", quiet.as_millis()),
            Check::Text(pattern) => format!("text:{pattern}"),
            Check::Gone(pattern) => format!("gone:{pattern}"),
            Check::Exit => "exit".into(),
            Check::Metric(_, text) => text.clone(),
        }
    }
}

/// Compiles a pattern within bounds; the error is the pattern's fault, in words.
pub fn compile(pattern: &str) -> Result<Regex, String> {
    regex::RegexBuilder::new(pattern).size_limit(REGEX_BYTES_MAX).build().map_err(|error| error.to_string())
}

/// What a wait looks at.
pub struct Sight<'a> {
    /// The first row of the pane's screen that a pattern matches.
    pub find: &'a dyn Fn(&Regex) -> Option<String>,
    /// Its `seq`.
    pub seq: u64,
    /// When its last different frame came.
    pub changed_at: Option<Instant>,
    /// The pane's program has ended.
    pub ended: bool,
    /// What `exit` asks has come: the end of the pane's program where a pane was named, else of the training.
    pub exited: bool,
    /// The run is over and all that it left has been read.
    pub run_over: bool,
    /// Evaluates a metric condition: whether it holds, and the value in words. `None`: not known yet.
    pub metric: &'a dyn Fn(&Condition) -> Option<(bool, String)>,
}

/// How a wait ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// `changed`, `settled`, `matched`, `matched_at_entry`, `stopped`, `deadline`, `exited`.
    pub outcome: &'static str,
    /// The condition that held, as written.
    pub condition: Option<String>,
    /// The line or the value that made it hold.
    pub evidence: Option<String>,
}

/// A wait under way.
#[derive(Debug)]
pub struct Wait {
    /// The pane looked at.
    pub pane: PaneId,
    /// Somebody named that pane; else `exit` means the training, whatever screen is looked at.
    pub named: bool,
    /// `seq` of the pane at entry.
    pub entry_seq: u64,
    /// When it began.
    pub started: Instant,
    /// The deadline in force.
    pub timeout: Duration,
    checks: Vec<Check>,
    stop: Option<Regex>,
}

impl Wait {
    /// A wait that begins now, on a pane that nobody named. `timeout` is bounded.
    pub fn new(pane: PaneId, entry_seq: u64, checks: Vec<Check>, stop: Option<Regex>, timeout: Option<Duration>, now: Instant) -> Wait {
        let timeout = timeout.unwrap_or(TIMEOUT_DEFAULT).min(TIMEOUT_MAX);
        Wait { pane, named: false, entry_seq, started: now, timeout, checks, stop }
    }

    /// Whether a frame must be ended as soon as bytes came, because this wait wants to know at once.
    pub fn wants_frames(&self) -> bool {
        self.stop.is_some() || self.checks.iter().any(|check| !matches!(check, Check::Exit | Check::Metric(..)))
    }

    /// The names of the metrics that it waits for.
    pub fn metrics(&self) -> impl Iterator<Item = &str> {
        self.checks.iter().filter_map(|check| match check {
            Check::Metric(Condition::Metric(name, _), _) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Looks once. At entry a condition that holds already is `matched_at_entry`.
    pub fn look(&self, sight: &Sight<'_>, now: Instant, at_entry: bool) -> Option<Verdict> {
        let matched = if at_entry { "matched_at_entry" } else { "matched" };
        for check in &self.checks {
            let (outcome, evidence) = match check {
                Check::Change if sight.seq > self.entry_seq => ("changed", None),
                Check::Settle(quiet) if now >= self.still_since(sight) + *quiet => ("settled", None),
                Check::Text(pattern) => match (sight.find)(pattern) {
                    Some(line) => (matched, Some(line)),
                    None => continue,
                },
                Check::Gone(pattern) if (sight.find)(pattern).is_none() => (matched, None),
                Check::Exit if sight.exited => (if at_entry { "matched_at_entry" } else { "exited" }, None),
                Check::Metric(condition, _) => match (sight.metric)(condition) {
                    Some((true, value)) => (matched, Some(value)),
                    _ => continue,
                },
                _ => continue,
            };
            return Some(Verdict { outcome, condition: Some(check.words()), evidence });
        }
        if let Some(line) = self.stop.as_ref().and_then(|stop| (sight.find)(stop)) {
            return Some(Verdict { outcome: "stopped", condition: None, evidence: Some(line) });
        }
        if self.hopeless(sight) {
            return Some(Verdict { outcome: "exited", condition: None, evidence: None });
        }
        (now >= self.started + self.timeout).then_some(Verdict { outcome: "deadline", condition: None, evidence: None })
    }

    /// What the end of the pane itself means: that its program ended.
    pub fn closed(&self) -> Verdict {
        let exit = self.checks.iter().find(|check| matches!(check, Check::Exit));
        Verdict { outcome: "exited", condition: exit.map(Check::words), evidence: Some("the pane was closed".into()) }
    }

    /// When to look again though nothing happens.
    pub fn due(&self, sight: &Sight<'_>) -> Instant {
        let settles = self.checks.iter().filter_map(|check| match check {
            Check::Settle(quiet) => Some(self.still_since(sight) + *quiet),
            _ => None,
        });
        settles.chain([self.started + self.timeout]).min().unwrap_or(self.started + self.timeout)
    }

    fn still_since(&self, sight: &Sight<'_>) -> Instant {
        sight.changed_at.map_or(self.started, |at| at.max(self.started))
    }

    /// No condition can hold any more: all of them need a program that has ended.
    fn hopeless(&self, sight: &Sight<'_>) -> bool {
        !self.checks.is_empty()
            && self.checks.iter().all(|check| match check {
                Check::Metric(..) => sight.run_over,
                Check::Exit => sight.exited,
                Check::Settle(_) => false,
                _ => sight.ended,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Scene {
        rows: Vec<String>,
        seq: u64,
        ended: bool,
        loss: Option<f64>,
        changed_at: Option<Instant>,
    }

    fn look(wait: &Wait, scene: &Scene, now: Instant, at_entry: bool) -> Option<&'static str> {
        let metric = |condition: &Condition| {
            let loss = scene.loss?;
            let held = matches!(condition, Condition::Metric(_, query::Test::Compare(query::Op::Lt, limit)) if loss < *limit);
            Some((held, loss.to_string()))
        };
        let find = |pattern: &Regex| scene.rows.iter().find(|row| pattern.is_match(row)).cloned();
        let sight = Sight {
            find: &find,
            seq: scene.seq,
            changed_at: scene.changed_at,
            ended: scene.ended,
            exited: scene.ended,
            run_over: scene.ended,
            metric: &metric,
        };
        wait.look(&sight, now, at_entry).map(|verdict| verdict.outcome)
    }

    fn scene(text: &str) -> Scene {
        Scene { rows: text.lines().map(str::to_owned).collect(), seq: 5, ended: false, loss: None, changed_at: None }
    }

    fn wait(untils: &[Until], now: Instant) -> Wait {
        let checks = untils.iter().map(|until| Check::new(until).unwrap()).collect();
        Wait::new(PaneId(1), 5, checks, None, Some(Duration::from_secs(2)), now)
    }

    #[test]
    fn a_static_screen_ends_every_wait_at_its_deadline() {
        let now = Instant::now();
        let untils = [Until::Change, Until::Text("ready".into()), Until::Gone("still".into()), Until::Exit, Until::Metric("loss<1".into())];
        for until in untils {
            let wait = wait(&[until], now);
            let still = scene("still here");
            assert_eq!(look(&wait, &still, now, true), None);
            assert_eq!(look(&wait, &still, now + Duration::from_millis(1999), false), None);
            assert_eq!(look(&wait, &still, now + Duration::from_secs(2), false), Some("deadline"));
        }
    }

    #[test]
    fn a_match_already_there_says_so() {
        let now = Instant::now();
        let text = wait(&[Until::Text("re.dy".into())], now);
        assert_eq!(look(&text, &scene("a\nready"), now, true), Some("matched_at_entry"));
        assert_eq!(look(&text, &scene("a\nready"), now, false), Some("matched"));
        let metric = wait(&[Until::Metric("loss<2.5".into())], now);
        assert_eq!(look(&metric, &Scene { loss: Some(2.4), ..scene("") }, now, true), Some("matched_at_entry"));
        assert_eq!(look(&metric, &Scene { loss: Some(2.6), ..scene("") }, now, true), None);
    }

    #[test]
    fn a_change_is_seen_and_stillness_is_counted_from_it() {
        let now = Instant::now();
        assert_eq!(look(&wait(&[Until::Change], now), &Scene { seq: 6, ..scene("") }, now, false), Some("changed"));
        let settle = wait(&[Until::Settle(80)], now);
        let moved = Scene { changed_at: Some(now + Duration::from_millis(50)), ..scene("") };
        assert_eq!(look(&settle, &moved, now + Duration::from_millis(100), false), None);
        assert_eq!(look(&settle, &moved, now + Duration::from_millis(130), false), Some("settled"));
    }

    #[test]
    fn a_run_that_ended_ends_waits_that_need_it() {
        let now = Instant::now();
        let over = Scene { ended: true, loss: Some(3.0), ..scene("Traceback") };
        assert_eq!(look(&wait(&[Until::Metric("loss<1".into())], now), &over, now, false), Some("exited"));
        assert_eq!(look(&wait(&[Until::Exit], now), &over, now, false), Some("exited"));
        assert_eq!(look(&wait(&[Until::Exit], now), &over, now, true), Some("matched_at_entry"));
        let stop = Wait::new(PaneId(1), 5, vec![Check::Exit], Some(compile("Trace").unwrap()), None, now);
        assert_eq!(look(&stop, &scene("Traceback"), now, false), Some("stopped"));
    }
}
