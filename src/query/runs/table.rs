//! Rows in order, in groups, and the columns that are worth showing.

use super::{Cell, Field, RunRow, Sort};
use crate::{
    model::MetricKey,
    query::{Goal, keys::natural, known_goal, rank_keys},
};
use std::{cmp::Ordering, collections::HashMap};

/// Sorts `rows` (places in `all`): by a field, and where that ties, or without one, the newest first. What lacks the field
/// comes last.
pub fn sort(all: &[RunRow], rows: &mut [usize], by: Option<&Sort>, now: f64) {
    let newest = |a: usize, b: usize| {
        let time = |row: usize| all[row].time().unwrap_or(f64::NEG_INFINITY);
        time(b).total_cmp(&time(a)).then_with(|| all[b].id.cmp(&all[a].id)).then_with(|| all[a].path.cmp(&all[b].path))
    };
    let Some(by) = by else { return rows.sort_by(|a, b| newest(*a, *b)) };
    let cells: Vec<Option<Cell<'_>>> = rows.iter().map(|row| by.field.of(&all[*row], now)).collect();
    let mut ranked: Vec<(Option<Rank<'_>>, usize)> =
        cells.iter().zip(rows.iter()).map(|(cell, row)| (cell.as_ref().map(Rank::of), *row)).collect();
    ranked.sort_by(|(a, row_a), (b, row_b)| {
        let order = match (a, b) {
            (Some(a), Some(b)) => a.order(b, by.down),
            (a, b) => a.is_none().cmp(&b.is_none()),
        };
        order.then_with(|| newest(*row_a, *row_b))
    });
    rows.iter_mut().zip(ranked).for_each(|(row, (_, sorted))| *row = sorted);
}

/// A cell, taken apart once for all comparisons.
enum Rank<'a> {
    Number(f64),
    Text(Vec<u8>, &'a str),
}

impl<'a> Rank<'a> {
    fn of(cell: &'a Cell<'_>) -> Rank<'a> {
        match cell {
            Cell::Number(value) => Rank::Number(*value),
            Cell::Text(text) => Rank::Text(natural(text), text),
        }
    }

    /// Numbers before texts, and NaN behind all numbers, in both directions; in texts, runs of digits count as numbers.
    fn order(&self, other: &Rank<'_>, down: bool) -> Ordering {
        let turned = |order: Ordering| if down { order.reverse() } else { order };
        match (self, other) {
            (Rank::Number(a), Rank::Number(b)) => a.partial_cmp(b).map_or_else(|| a.is_nan().cmp(&b.is_nan()), turned),
            (Rank::Number(_), Rank::Text(..)) => Ordering::Less,
            (Rank::Text(..), Rank::Number(_)) => Ordering::Greater,
            (Rank::Text(a, whole_a), Rank::Text(b, whole_b)) => turned(a.cmp(b).then_with(|| whole_a.cmp(whole_b))),
        }
    }
}

/// Runs that have something in common.
#[derive(Clone, PartialEq, Debug)]
pub struct Group {
    /// What it is: `tag:dataset = c4`.
    pub label: String,
    /// Its rows, in the order in which they came.
    pub rows: Vec<usize>,
}

/// Parts `rows` (places in `all`) by what stands in a field; in order of that, those without it last.
pub fn groups(all: &[RunRow], rows: &[usize], by: &Field, now: f64) -> Vec<Group> {
    let mut groups: Vec<(Option<Cell<'_>>, Vec<usize>)> = vec![];
    let mut places: HashMap<Option<String>, usize> = HashMap::new();
    for row in rows {
        let cell = by.of(&all[*row], now);
        let place = *places.entry(cell.as_ref().map(|cell| cell.text().into_owned())).or_insert(groups.len());
        if place == groups.len() {
            groups.push((cell, vec![]));
        }
        groups[place].1.push(*row);
    }
    groups.sort_by(|(a, _), (b, _)| match (a, b) {
        (Some(a), Some(b)) => Rank::of(a).order(&Rank::of(b), false),
        (a, b) => a.is_none().cmp(&b.is_none()),
    });
    let label = |cell: Option<Cell<'_>>| match cell {
        Some(cell) if cell.text().is_empty() => by.to_string(),
        Some(cell) => format!("{by} = {}", cell.text()),
        None => format!("without {by}"),
    };
    groups.into_iter().map(|(cell, rows)| Group { label: label(cell), rows }).collect()
}

/// What several values come to.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Stats {
    /// How many finite values there are.
    pub count: usize,
    /// Their mean.
    pub mean: f64,
    /// Their median.
    pub p50: f64,
    /// 95 of 100 lie below; between two values as far as it falls between them.
    pub p95: f64,
}

impl Stats {
    /// Of the finite ones of `values`; `None`: there are none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Stats> {
        let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        let quantile = |part: f64| {
            let at = part * last as f64;
            let (low, high) = (values[at.floor() as usize], values[at.ceil() as usize]);
            low + (high - low) * at.fract()
        };
        let mean = values.iter().map(|value| value / values.len() as f64).sum();
        Some(Stats { count: values.len(), mean, p50: quantile(0.5), p95: quantile(0.95) })
    }
}

/// The metrics of some runs, the main one first: those that many of them have, and of these what people look at first, a
/// loss before all.
pub fn main_keys<'a>(rows: impl IntoIterator<Item = &'a RunRow>) -> Vec<MetricKey> {
    let mut counts: HashMap<&MetricKey, usize> = HashMap::new();
    let mut runs = 0;
    for row in rows {
        runs += usize::from(!row.last.is_empty());
        row.last.keys().for_each(|key| *counts.entry(key).or_default() += 1);
    }
    let mut keys: Vec<MetricKey> = counts.keys().map(|key| (*key).clone()).collect();
    keys.sort_unstable();
    let mut ranked = rank_keys(&keys);
    // Half of the runs or more have it, or fewer.
    ranked.sort_by_cached_key(|key| {
        let is_rare = counts.get(key).is_none_or(|count| count * 2 < runs);
        (is_rare, known_goal(key.as_str()).map_or(2, |goal| u8::from(goal == Goal::Max)))
    });
    ranked
}

/// The hyperparameters that differ between the runs: in those that have them most, then by name. A run of which none are known differs
/// in none, and what only says again what a run is called is none.
pub fn differing<'a>(rows: impl IntoIterator<Item = &'a RunRow>) -> Vec<String> {
    struct Seen<'a> {
        first: &'a serde_json::Value,
        count: usize,
        differs: bool,
        is_name: bool,
    }
    let mut seen: HashMap<&str, Seen<'a>> = HashMap::new();
    let mut runs = 0;
    for row in rows.into_iter().filter(|row| !row.config.is_empty()) {
        runs += 1;
        for (name, value) in &row.config {
            let seen = seen.entry(name).or_insert(Seen { first: value, count: 0, differs: false, is_name: true });
            seen.count += 1;
            seen.differs |= seen.first != value;
            seen.is_name &= value.as_str().is_some_and(|value| [&row.name, &row.id].map(String::as_str).contains(&value));
        }
    }
    let mut names: Vec<(usize, &str)> = seen
        .into_iter()
        .filter(|(_, seen)| !seen.is_name && (seen.differs || seen.count < runs))
        .map(|(name, seen)| (runs - seen.count, name))
        .collect();
    names.sort_unstable();
    names.into_iter().map(|(_, name)| name.to_owned()).collect()
}

/// The number of the colour for run `id`, of `count`: by its id, so that a run looks the same each time; where one of
/// `taken` has it, the next that is free, and when none is, its own.
pub fn colour(id: &str, taken: &[usize], count: usize) -> usize {
    // FNV-1a: the same in every process and every version.
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let own = (hash % count.max(1) as u64) as usize;
    (0..count).map(|step| (own + step) % count).find(|colour| !taken.contains(colour)).unwrap_or(own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn row(name: &str, started: f64, lr: serde_json::Value) -> RunRow {
        RunRow {
            path: name.into(),
            id: name.into(),
            name: name.into(),
            started: Some(started),
            config: [("lr".to_owned(), lr), ("same".to_owned(), json!(1))].into(),
            ..RunRow::default()
        }
    }

    fn names<'a>(all: &'a [RunRow], rows: &[usize]) -> Vec<&'a str> {
        rows.iter().map(|row| all[*row].name.as_str()).collect()
    }

    #[test]
    fn rows_without_the_field_come_last_in_both_directions() {
        let mut all =
            vec![row("a", 1.0, json!(0.1)), row("b", 2.0, json!("3e-4")), row("c", 3.0, json!(null)), row("d", 4.0, json!("NaN"))];
        all[2].config.remove("lr");
        let sorted = |down| {
            let mut rows = vec![0, 1, 2, 3];
            sort(&all, &mut rows, Some(&Sort { field: Field::parse("config.lr"), down }), 0.0);
            names(&all, &rows).concat()
        };
        assert_eq!((sorted(false), sorted(true)), ("badc".to_owned(), "abdc".to_owned()));
        let mut rows = vec![0, 1, 2, 3];
        sort(&all, &mut rows, None, 0.0);
        assert_eq!(names(&all, &rows), ["d", "c", "b", "a"]);
    }

    #[test]
    fn groups_are_named_by_what_they_have_in_common() {
        let mut all = vec![row("a", 1.0, json!(0.1)), row("b", 2.0, json!(0.02)), row("c", 3.0, json!(0.1)), row("d", 4.0, json!(1))];
        all[3].config.clear();
        let found = groups(&all, &[0, 1, 2, 3], &Field::parse("config:lr"), 0.0);
        let told: Vec<(&str, &[usize])> = found.iter().map(|group| (group.label.as_str(), group.rows.as_slice())).collect();
        assert_eq!(told, [("config:lr = 0.02", &[1][..]), ("config:lr = 0.1", &[0, 2]), ("without config:lr", &[3])]);
    }

    #[test]
    fn stats_are_those_of_numpy() {
        let stats = Stats::of([4.0, 1.0, f64::NAN, 3.0, 2.0]).unwrap();
        assert_eq!((stats.count, stats.mean, stats.p50), (4, 2.5, 2.5));
        assert!((stats.p95 - 3.85).abs() < 1e-12);
        assert_eq!(Stats::of([f64::NAN]), None);
    }

    #[test]
    fn only_hyperparameters_that_differ_are_columns() {
        let mut all = vec![row("a", 1.0, json!(0.1)), row("b", 2.0, json!(0.2))];
        assert_eq!(differing(&all), ["lr"]);
        all[1].config.insert("new".into(), json!(1));
        assert_eq!(differing(&all), ["lr", "new"]);
        assert!(differing(&all[..1]).is_empty());
        for row in &mut all {
            row.config.insert("run_name".into(), row.name.clone().into());
        }
        assert_eq!(differing(&all), ["lr", "new"], "what a run is called is said already");
        // A bare log has none, and tells nothing of what was set.
        assert!(differing([&all[0], &RunRow::default()]).is_empty());
    }

    #[test]
    fn the_main_metric_is_one_that_many_runs_have() {
        let with = |keys: &[&str]| RunRow { last: keys.iter().map(|key| (MetricKey::from(*key), 1.0)).collect(), ..RunRow::default() };
        let rows = [with(&["train/loss", "lr"]), with(&["train/loss", "val/loss", "lr"]), with(&["odd/loss"]), RunRow::default()];
        let keys: Vec<String> = main_keys(&rows).iter().map(ToString::to_string).collect();
        assert_eq!(keys, ["train/loss", "lr", "odd/loss", "val/loss"]);
    }

    proptest! {
        #[test]
        fn colours_are_stable_and_differ_while_there_are_enough(ids in prop::collection::vec("[a-z]{1,6}", 1..8)) {
            let mut taken = vec![];
            for id in &ids {
                let own = colour(id, &taken, 8);
                prop_assert!(!taken.contains(&own));
                taken.push(own);
                prop_assert_eq!(colour(id, &[], 8), colour(id, &[], 8));
            }
            prop_assert!(colour("x", &[0, 1, 2, 3, 4, 5, 6, 7], 8) < 8);
        }

        #[test]
        fn sorting_keeps_every_row_and_downwards_is_the_reverse(values in prop::collection::vec(-100i32..100, 0..30)) {
            let all: Vec<RunRow> = values.iter().enumerate().map(|(n, value)| row(&n.to_string(), 0.0, json!(value))).collect();
            let sorted = |down| {
                let mut rows: Vec<usize> = (0..all.len()).collect();
                sort(&all, &mut rows, Some(&Sort { field: Field::Config("lr".into()), down }), 0.0);
                rows
            };
            let (up, down) = (sorted(false), sorted(true));
            let value = |row: &usize| values[*row];
            prop_assert!(up.windows(2).all(|pair| value(&pair[0]) <= value(&pair[1])));
            prop_assert!(down.windows(2).all(|pair| value(&pair[0]) >= value(&pair[1])));
            let mut back = up.clone();
            back.sort_unstable();
            prop_assert_eq!(back, (0..all.len()).collect::<Vec<_>>());
        }
    }
}
