//! Which run goes on from which.

use super::{Runs, put, table::name_of};
use crate::query::runs::{Branch, Node, lineage};
use crate::text;
use crate::ui::{board::page::Shared, pane::Scene, theme::Theme};
use ratatui::{buffer::Buffer, layout::Rect};
use serde_json::{Value, json};
use std::ops::Range;

impl Runs {
    /// From line `top` on.
    pub(super) fn draw_lineage(&self, shared: &Shared, scene: Scene<'_>, area: Rect, top: usize, buf: &mut Buffer) {
        let theme = &shared.theme;
        let branches = lineage(scene.runs);
        let last = branches.len().saturating_sub(1);
        for (n, (y, branch)) in (area.y..area.bottom()).zip(&branches[top.min(branches.len())..]).enumerate() {
            let focused = top + n == self.cursor.min(last);
            let marked = Rect { width: area.width.min(5), ..area };
            let style = if focused { theme.accent() } else { theme.quiet() };
            let x = match branch.node {
                Node::Run(row) => self.draw_marks(&scene.runs[row], focused, shared, scene, Rect { y, height: 1, ..marked }, buf),
                _ => put(buf, marked, area.x, y, if focused { theme.cursor() } else { "" }, theme.accent(), theme).max(area.x + 5),
            };
            let x = put(buf, area, x, y, &guide(branch, theme), theme.faint(), theme);
            match &branch.node {
                Node::Unknown(id) => put(buf, area, x, y, &format!("{id} (not among the runs)"), style, theme),
                Node::Checkpoint(row, n) => {
                    let checkpoint = scene.runs[*row].read.as_ref().and_then(|read| read.checkpoints.get(*n));
                    let (path, step) = checkpoint.map_or(("", None), |(path, step)| (path.as_str(), *step));
                    let step = step.map(|step| format!(" at step {}", text::si(step as f64, 4))).unwrap_or_default();
                    let x = put(buf, area, x, y, &format!("checkpoint{step}: "), style, theme);
                    // Its end tells it apart.
                    put(buf, area, x, y, &text::cut_start(path, usize::from(area.right().saturating_sub(x))), style, theme)
                }
                Node::Run(row) => {
                    let run = &scene.runs[*row];
                    let x = put(buf, area, x, y, name_of(run), if focused { theme.accent() } else { theme.title() }, theme);
                    let mut facts = vec![run.state.map_or("state unknown", |state| state.as_str()).to_owned()];
                    facts.extend(run.step.map(|step| format!("step {}", text::si(step as f64, 3))));
                    let from = run.origin.as_ref().and_then(|origin| origin.step);
                    facts.extend(from.map(|step| format!("from step {}", text::si(step as f64, 3))));
                    let metric = self.table.metric.as_ref();
                    facts.extend(metric.and_then(|key| Some(format!("{key} {}", text::number(*run.last.get(key)?, 4)))));
                    put(buf, area, x + 2, y, &facts.join(theme.separator()), theme.quiet(), theme)
                }
            };
        }
    }
}

/// The lines in sight, for an agent.
pub fn tell(scene: Scene<'_>, in_sight: Range<usize>) -> Vec<Value> {
    let told = |branch: &Branch| {
        let depth = branch.more.len();
        match &branch.node {
            Node::Run(row) => json!({"depth": depth, "name": name_of(&scene.runs[*row]), "id": scene.runs[*row].id}),
            Node::Checkpoint(row, n) => {
                let checkpoint = scene.runs[*row].read.as_ref().and_then(|read| read.checkpoints.get(*n));
                json!({"depth": depth, "checkpoint": checkpoint.map(|(path, _)| path), "step": checkpoint.and_then(|(_, step)| *step)})
            }
            Node::Unknown(id) => json!({"depth": depth, "unknown": id}),
        }
    };
    lineage(scene.runs).iter().skip(in_sight.start).take(in_sight.len()).map(told).collect()
}

/// The lines that lead to a branch.
fn guide(branch: &Branch, theme: &Theme) -> String {
    let [past, to, last, nothing] = theme.tree();
    let Some((own, above)) = branch.more.split_last() else { return String::new() };
    let above = above.iter().map(|more| if *more { past } else { nothing });
    above.chain([if *own { to } else { last }]).collect()
}
