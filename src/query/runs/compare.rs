//! What changed between runs, and did it help.

use super::{Field, RunRow, main_keys};
use crate::{
    model::MetricKey,
    query::{Goal, known_goal},
};
use std::collections::BTreeSet;

/// A value within so small a part of the other is about the same: less than what a second seed makes of it.
const SAME: f64 = 0.002;

/// Runs beside each other; the first is the one that the others are compared with.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Comparison {
    /// What they are and how they went, where it differs: project, tags, state, step.
    pub about: Vec<Difference>,
    /// Hyperparameters that differ.
    pub config: Vec<Difference>,
    /// How many hyperparameters are the same in all.
    pub same: usize,
    /// The metrics, the main one first.
    pub metrics: Vec<MetricLine>,
}

/// Something that differs.
#[derive(Clone, PartialEq, Debug)]
pub struct Difference {
    /// Its name.
    pub name: String,
    /// What each run has there.
    pub values: Vec<Option<String>>,
}

/// A metric of all runs.
#[derive(Clone, PartialEq, Debug)]
pub struct MetricLine {
    /// The metric.
    pub key: MetricKey,
    /// Its good end, where that is known.
    pub goal: Option<Goal>,
    /// What each run came to.
    pub cells: Vec<MetricCell>,
}

/// A metric of one run, beside that of the first.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct MetricCell {
    /// Its last value.
    pub last: Option<f64>,
    /// Its best value.
    pub best: Option<f64>,
    /// How far the value that is compared lies from that of the first run: the best one where both have one, else the last.
    pub delta: Option<f64>,
    /// What that means.
    pub verdict: Option<Verdict>,
}

/// Whether a change helped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It did.
    Better,
    /// It did harm.
    Worse,
    /// It made no difference to speak of.
    Same,
}

impl Verdict {
    /// In a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Better => "better",
            Verdict::Worse => "worse",
            Verdict::Same => "same",
        }
    }
}

/// Puts runs beside each other. `now`: Unix seconds.
pub fn compare(runs: &[&RunRow], now: f64) -> Comparison {
    let text = |field: &Field| runs.iter().map(|run| field.of(run, now).map(|cell| cell.text().into_owned())).collect::<Vec<_>>();
    let differs = |values: &[Option<String>]| values.windows(2).any(|pair| pair[0] != pair[1]);
    let about = [Field::Project, Field::Group, Field::Tags, Field::Notes, Field::Parent, Field::Host, Field::State, Field::Step];
    let about = about.iter().map(|field| Difference { name: field.to_string(), values: text(field) });
    let names: BTreeSet<&str> = runs.iter().flat_map(|run| run.config.keys().map(String::as_str)).collect();
    let shown = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let entry = |name: &str| Difference { name: name.to_owned(), values: runs.iter().map(|run| run.config.get(name).map(shown)).collect() };
    let all = names.len();
    // A run of which no settings are known differs in none.
    let set = |entry: &Difference| {
        let known = entry.values.iter().zip(runs).filter(|(_, run)| !run.config.is_empty());
        runs.len() == 1 || differs(&known.map(|(value, _)| value.clone()).collect::<Vec<_>>())
    };
    let config: Vec<Difference> = names.into_iter().map(entry).filter(set).collect();
    Comparison {
        about: about.filter(|entry| if runs.len() == 1 { entry.values[0].is_some() } else { differs(&entry.values) }).collect(),
        same: all - config.len(),
        config,
        metrics: main_keys(runs.iter().copied()).into_iter().map(|key| line(key, runs)).collect(),
    }
}

fn line(key: MetricKey, runs: &[&RunRow]) -> MetricLine {
    let told = runs.iter().find_map(|run| run.read.as_ref()?.goals.get(&key).copied());
    let goal = told.or_else(|| known_goal(key.as_str()));
    let of = |run: &RunRow| (run.last.get(&key).copied(), run.best(key.as_str()));
    let first = runs.first().map_or((None, None), |run| of(run));
    let cell = |(n, run): (usize, &&RunRow)| {
        let (last, best) = of(run);
        let pair = best.zip(first.1).or(last.zip(first.0)).filter(|_| n > 0);
        let delta = pair.map(|(own, base)| own - base);
        MetricCell { last, best, delta, verdict: pair.zip(goal).and_then(|((own, base), goal)| judge(own, base, goal)) }
    };
    MetricLine { goal, cells: runs.iter().enumerate().map(cell).collect(), key }
}

/// NaN is worse than any number.
fn judge(own: f64, base: f64, goal: Goal) -> Option<Verdict> {
    match (own.is_nan(), base.is_nan()) {
        (true, true) => return None,
        (true, false) => return Some(Verdict::Worse),
        (false, true) => return Some(Verdict::Better),
        (false, false) => {}
    }
    let delta = own - base;
    Some(match (own == base || delta.abs() <= SAME * base.abs().max(own.abs()), (delta < 0.0) == (goal == Goal::Min)) {
        (true, _) => Verdict::Same,
        (false, true) => Verdict::Better,
        (false, false) => Verdict::Worse,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::RunRead;
    use serde_json::json;

    fn run(name: &str, lr: f64, loss: f64, acc: f64) -> RunRow {
        let both: std::collections::BTreeMap<MetricKey, f64> = [("val/loss".into(), loss), ("acc".into(), acc), ("lr".into(), lr)].into();
        RunRow {
            name: name.into(),
            config: [("lr".to_owned(), json!(lr)), ("layers".to_owned(), json!(12))].into(),
            last: both.clone(),
            read: Some(RunRead { best: both, ..RunRead::default() }),
            ..RunRow::default()
        }
    }

    #[test]
    fn only_what_differs_is_told_and_judged_by_the_goal() {
        let (a, b) = (run("a", 0.1, 2.0, 0.5), run("b", 0.2, 1.5, 0.4));
        let told = compare(&[&a, &b], 0.0);
        assert_eq!(told.config, [Difference { name: "lr".into(), values: vec![Some("0.1".into()), Some("0.2".into())] }]);
        assert_eq!((told.same, told.about.len()), (1, 0));
        let verdicts: Vec<_> = told.metrics.iter().map(|line| (line.key.as_str(), line.cells[1].verdict)).collect();
        assert_eq!(verdicts, [("val/loss", Some(Verdict::Better)), ("acc", Some(Verdict::Worse)), ("lr", None)]);
        assert_eq!(told.metrics[0].cells[1].delta, Some(-0.5));
        assert_eq!(told.metrics[0].cells[0].delta, None);
        let same = compare(&[&a, &run("c", 0.1, 2.001, 0.5)], 0.0);
        assert_eq!(same.metrics[0].cells[1].verdict, Some(Verdict::Same));
        let nan = compare(&[&a, &run("c", 0.1, f64::NAN, 0.5)], 0.0);
        assert_eq!(nan.metrics[0].cells[1].verdict, Some(Verdict::Worse));
        assert_eq!(compare(&[&a], 0.0).config.len(), 2);
        assert_eq!(compare(&[], 0.0), Comparison::default());
        let log = RunRow { config: Default::default(), ..run("log", 0.1, 2.0, 0.5) };
        assert_eq!(compare(&[&a, &b, &log], 0.0).config.len(), 1, "a bare log tells nothing of what was set");
    }
}
