//! What a program said about its metrics beside their values: wandb's `define_metric`.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Most rules kept; programs define some tens, and a rule that was expanded from a glob comes once for each key.
const RULES_MAX: usize = 1 << 16;

/// How a metric is meant to be drawn and summed up.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MetricRule {
    /// The metric that stands along x, where it is not the step.
    pub step_metric: Option<String>,
    /// It is not to be drawn.
    pub hidden: bool,
    /// What of it belongs in the summary: `min`, `max`, `mean`, `best`, `last`, `none`, `copy`, `first`.
    pub summary: Vec<String>,
    /// `minimize` or `maximize`.
    pub goal: Option<String>,
}

/// The rules of a run: for metrics by name, and for those whose name fits a pattern with `*`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MetricRules {
    named: BTreeMap<String, MetricRule>,
    /// In the order in which they came; a later one wins.
    globs: Vec<(String, MetricRule)>,
    /// The metrics that any of them put along x: most runs have one, however many rules.
    step_metrics: BTreeSet<String>,
}

impl MetricRules {
    /// The rule for `key`: that of its name, else the last pattern that fits.
    pub fn of(&self, key: &str) -> Option<&MetricRule> {
        let by_glob = || self.globs.iter().rev().find(|(glob, _)| fits(glob, key)).map(|(_, rule)| rule);
        self.named.get(key).or_else(by_glob)
    }

    /// The metrics that rules put along x.
    pub fn step_metrics(&self) -> impl Iterator<Item = &str> {
        self.step_metrics.iter().map(String::as_str)
    }

    /// All rules by name or pattern, in order of name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &MetricRule)> {
        let named = self.named.iter().map(|(name, rule)| (name.as_str(), rule));
        named.chain(self.globs.iter().map(|(glob, rule)| (glob.as_str(), rule)))
    }

    /// Takes a rule as a source tells it: `{"name" or "glob", "step_metric", "hidden", "summary", "goal"}`.
    pub(super) fn take(&mut self, told: &Value) {
        let text = |name: &str| told.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
        let summary = told.get("summary").and_then(Value::as_array);
        let rule = MetricRule {
            step_metric: text("step_metric"),
            hidden: told.get("hidden").and_then(Value::as_bool).unwrap_or(false),
            summary: summary.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
            goal: text("goal"),
        };
        if self.named.len() + self.globs.len() >= RULES_MAX {
            return;
        }
        self.step_metrics.extend(rule.step_metric.clone());
        if let Some(name) = text("name") {
            self.named.insert(name, rule);
        } else if let Some(glob) = text("glob") {
            self.globs.retain(|(known, _)| *known != glob);
            self.globs.push((glob, rule));
        }
    }
}

/// Whether `name` fits `glob`, in which `*` stands for any text.
fn fits(glob: &str, name: &str) -> bool {
    let mut parts = glob.split('*');
    let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_name_wins_over_a_pattern_and_a_later_pattern_over_an_earlier() {
        let mut rules = MetricRules::default();
        rules.take(&json!({"name": "", "glob": "val/*", "step_metric": "epoch", "goal": null}));
        rules.take(&json!({"glob": "*", "step_metric": "tokens"}));
        rules.take(&json!({"glob": "val/*", "step_metric": "epoch", "hidden": true}));
        rules.take(&json!({"name": "val/loss", "summary": ["min", "last"], "goal": "minimize"}));
        rules.take(&json!("nonsense"));
        let x = |key: &str| rules.of(key).and_then(|rule| rule.step_metric.as_deref());
        assert_eq!((x("loss"), x("val/acc"), x("val/loss")), (Some("tokens"), Some("epoch"), None));
        assert!(rules.of("val/acc").unwrap().hidden);
        assert_eq!(rules.of("val/loss").unwrap().summary, ["min", "last"]);
        assert_eq!(rules.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["val/loss", "*", "val/*"]);
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (glob, name, want) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("a*", "a", true),
            ("*b", "ab", true),
            ("a*b", "ab", true),
            ("a*b", "aXbXb", true),
            ("a*b", "aXbX", false),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "a1c", false),
            ("*", "", true),
            ("", "", true),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(fits(glob, name), want, "{glob} {name}");
        }
    }
}
