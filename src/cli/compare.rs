//! `og compare`: what changed between runs, and did it help.

use super::{args::CompareArgs, choose::Choice, fail::Fail, out};
use crate::{
    model::num,
    query::{
        Goal,
        runs::{Comparison, Difference, MetricCell, RunRow, Verdict, compare as beside},
    },
    text,
};
use serde_json::{Value, json};

/// Widest column of a run.
const CELLS_MAX: usize = 32;
/// Metrics that are printed for people; JSON has them all.
const METRICS_MAX: usize = 12;

/// `og compare RUN RUN...`.
pub fn compare(args: &CompareArgs) -> Result<u8, Fail> {
    let mut choice = Choice::new(&args.store)?;
    let mut rows: Vec<RunRow> = vec![];
    for word in &args.runs {
        for row in choice.meant(word)? {
            if rows.iter().all(|known| known.path != row.path) {
                rows.push(row);
            }
        }
    }
    if rows.len() < 2 {
        let found = match rows.as_slice() {
            [] => "no run fits".into(),
            [one, ..] => format!("only one run fits: {}", one.name),
        };
        return Err(
            Fail::new("not_found", found).hint("a comparison takes two runs or more; `og compare 'state:finished'` takes all that fit")
        );
    }
    let runs: Vec<&RunRow> = rows.iter().collect();
    let told = beside(&runs, choice.now().secs);
    if args.output.json {
        out::json(&as_json(&runs, &told))?
    } else {
        out::text(&as_text(&runs, &told))?
    }
    Ok(0)
}

fn as_json(runs: &[&RunRow], told: &Comparison) -> Value {
    let number = |value: Option<f64>| value.map(num::to_json);
    let difference = |one: &Difference| json!({"name": one.name, "values": one.values});
    let cell = |cell: &MetricCell| json!({"last": number(cell.last), "best": number(cell.best), "delta": number(cell.delta), "verdict": cell.verdict.map(Verdict::as_str)});
    let goal = |goal: Goal| if goal == Goal::Min { "min" } else { "max" };
    json!({
        "runs": runs.iter().map(|run| json!({
            "id": run.id, "name": run.name, "path": run.path.to_string_lossy(), "project": run.project, "state": run.state.map(|state| state.as_str()), "step": run.step,
        })).collect::<Vec<_>>(),
        "about": told.about.iter().map(difference).collect::<Vec<_>>(),
        "config": told.config.iter().map(difference).collect::<Vec<_>>(),
        "configSame": told.same,
        "metrics": told.metrics.iter().map(|line| json!({
            "key": line.key.as_str(), "goal": line.goal.map(goal), "runs": line.cells.iter().map(cell).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    })
}

fn as_text(runs: &[&RunRow], told: &Comparison) -> String {
    let words = |value: Option<f64>| value.map_or_else(|| "-".into(), |value| text::number(value, 4));
    let mut table: Vec<Vec<String>> = vec![[String::new()].into_iter().chain(runs.iter().map(|run| run.name.clone())).collect()];
    for one in told.about.iter().chain(&told.config) {
        let values = one.values.iter().map(|value| value.clone().unwrap_or_else(|| "-".into()).replace('\n', " "));
        table.push([one.name.clone()].into_iter().chain(values).collect());
    }
    for line in told.metrics.iter().take(METRICS_MAX) {
        let has_best = line.cells.iter().any(|cell| cell.best.is_some());
        let cell = |cell: &MetricCell| {
            let value = words(if has_best { cell.best } else { cell.last });
            let delta =
                cell.delta.map(|delta| format!(" {}{}", if delta >= 0.0 { "+" } else { "" }, text::number(delta, 3))).unwrap_or_default();
            let verdict = cell.verdict.map(|verdict| format!(" {}", verdict.as_str())).unwrap_or_default();
            value + &delta + &verdict
        };
        let name = format!("{} {}", if has_best { "best" } else { "last" }, line.key);
        table.push([name].into_iter().chain(line.cells.iter().map(cell)).collect());
    }
    // Names and keys may hold anything.
    table.iter_mut().flatten().for_each(|cell| *cell = text::one_line(cell).into_owned());
    let width = |column: usize| table.iter().map(|row| text::width(&row[column])).max().unwrap_or(0).min(CELLS_MAX);
    let widths: Vec<usize> = (0..=runs.len()).map(width).collect();
    let mut out = String::new();
    for row in &table {
        let line: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| text::fit(&text::cut(cell, *width), *width)).collect();
        out += line.join("  ").trim_end();
        out.push('\n');
    }
    if told.same > 0 {
        out += &format!("{} config entries are the same\n", told.same);
    }
    if told.metrics.len() > METRICS_MAX {
        out += &format!("{} more metrics; --json has them all\n", told.metrics.len() - METRICS_MAX);
    }
    out
}
