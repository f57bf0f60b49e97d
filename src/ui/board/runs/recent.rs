//! The runs one after the other, each with the course of the main metric.

use super::{Runs, ago, put, spark, table::name_of};
use crate::text;
use crate::ui::{board::page::Shared, pane::Scene};
use ratatui::{buffer::Buffer, layout::Rect};

/// Rows that a run takes.
pub const ROWS: usize = 2;

impl Runs {
    /// From run `top` on.
    pub(super) fn draw_recent(&self, shared: &Shared, scene: Scene<'_>, area: Rect, top: usize, buf: &mut Buffer) {
        let (theme, now) = (&shared.theme, self.now(shared).secs);
        for (n, row) in self.table.rows[top..].iter().enumerate().take_while(|(n, _)| n * ROWS < usize::from(area.height)) {
            let (row, y) = (&scene.runs[*row], area.y + (n * ROWS) as u16);
            let focused = top + n == self.cursor.min(self.table.rows.len().saturating_sub(1));
            let x = self.draw_marks(row, focused, shared, scene, Rect { y, height: 1, ..area }, buf);
            // The end of a name tells runs apart, and the state has room behind it.
            let name = text::cut_start(name_of(row), usize::from(area.width.saturating_sub(5) * 2 / 3));
            let x = put(buf, area, x, y, &name, if focused { theme.accent() } else { theme.title() }, theme);
            let state = row.state.map_or("state unknown", |state| state.as_str());
            let x = put(buf, area, x + 2, y, state, theme.state(row.state), theme);
            let mut facts = vec![];
            facts.extend(row.step.map(|step| format!("step {}", text::si(step as f64, 3))));
            facts.extend(row.seconds(now).map(|secs| format!("ran {}", text::duration(secs))));
            facts.extend(row.time().map(|at| format!("started {}", ago(now - at))));
            facts.extend(row.project.clone());
            facts.push(row.tags_text());
            facts.retain(|fact| !fact.is_empty());
            put(buf, area, x + 2, y, &facts.join(theme.separator()), theme.quiet(), theme);
            let Some(metric) = &self.table.metric else { continue };
            let value = |value: Option<f64>| value.map_or_else(|| "-".into(), |value| text::number(value, 4));
            let best = row.best(metric.as_str()).map(|best| format!("  best {}", value(Some(best)))).unwrap_or_default();
            let words = format!("{metric} {}{best}", value(row.last.get(metric).copied()));
            let course = spark(row.course(metric), usize::from(area.width / 2), theme);
            let x = put(buf, area, area.x + 5, y + 1, &course, theme.curve(), theme);
            let x = if course.is_empty() { x } else { x + 2 };
            put(buf, area, x, y + 1, &words, theme.value(), theme);
        }
    }
}
