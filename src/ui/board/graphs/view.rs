//! Drawing of the charts. Everything here only reads.

use super::{Graphs, Layout, SMOOTHING};
use crate::model::{MetricKey, XAxis};
use crate::text;
use crate::ui::{board::page::Shared, chart::Chart, facts::SeriesMap, pane::Scene, strip::Part};
use ratatui::{buffer::Buffer, layout::Rect, style::Style, widgets::Widget};

impl Graphs {
    pub(super) fn view(&self, shared: &Shared, scene: Scene<'_>, body: Rect, buf: &mut Buffer) {
        let layout = self.layout(body);
        match layout.cells.is_empty() {
            true => self.nothing(shared, body, buf),
            false => self.charts(shared, &layout, scene.series(), buf),
        }
    }

    /// The footer's part of the charts.
    pub(super) fn parts(&self, shared: &Shared, layout: &Layout) -> Vec<Part> {
        let theme = &shared.theme;
        let mut parts = vec![];
        if self.held.is_some() {
            parts.push(Part::new("paused", theme.warn(), 9));
        }
        if layout.pages > 1 {
            parts.push(Part::new(format!("page {}/{}", layout.page + 1, layout.pages), theme.value(), 9));
        }
        if !self.filter.is_empty() {
            let count = format!("/{} ({} of {})", self.filter, self.keys.len(), shared.facts.keys.len());
            parts.push(Part::new(count, theme.accent(), 8));
        }
        if self.axis != XAxis::Step {
            parts.push(Part::new(if self.axis == XAxis::Relative { "x: relative" } else { "x: clock" }, theme.value(), 6));
        }
        if self.smoothing > 0 {
            parts.push(Part::new(format!("smoothing {}", SMOOTHING[self.smoothing]), theme.value(), 6));
        }
        parts
    }

    fn charts(&self, shared: &Shared, layout: &Layout, series: &SeriesMap, buf: &mut Buffer) {
        let window = self.window(series);
        let focus = self.focus_index();
        for &(index, cell) in &layout.cells {
            let Some((key, series)) = self.keys.get(index).and_then(|key| Some((key, series.get(key)?))) else { continue };
            let chart = Chart {
                title: key.as_str(),
                series,
                axis: self.axis,
                window,
                smoothing: SMOOTHING[self.smoothing],
                focused: index == focus,
                utc_offset: shared.utc_offset,
                theme: &shared.theme,
            };
            chart.render(cell, buf);
        }
    }

    /// Why there is no chart, and what to do about it.
    fn nothing(&self, shared: &Shared, body: Rect, buf: &mut Buffer) {
        let watched = |word| if shared.facts.watched.is_empty() { String::new() } else { format!("{word}: {}", shared.facts.watched) };
        let problem = shared.facts.problem.clone().unwrap_or_default();
        let mut lines: Vec<(String, Style)> = if !shared.facts.keys.is_empty() && !self.filter.is_empty() {
            vec![
                (format!("no metric matches `{}`", self.filter), shared.theme.warn()),
                (format!("{} metrics are there: esc shows them", shared.facts.keys.len()), shared.theme.quiet()),
            ]
        } else if !shared.facts.keys.is_empty() {
            let names = shared.facts.keys.iter().map(MetricKey::as_str).collect::<Vec<_>>().join(", ");
            vec![
                (format!("waiting for {}...", self.wanted.join(", ")), shared.theme.title()),
                (format!("the run logs {names}"), shared.theme.quiet()),
            ]
        } else if shared.facts.loading {
            vec![("reading...".into(), shared.theme.title())]
        } else if !shared.facts.is_live() {
            vec![
                (format!("the run ended without a metric: {}", shared.facts.state_text()), shared.theme.state(shared.facts.run_state())),
                (watched("looked at"), shared.theme.quiet()),
            ]
        } else {
            vec![
                ("waiting for the first metric...".into(), shared.theme.title()),
                ("log to $OG_METRICS or print `step=1 loss=2.3`".into(), shared.theme.quiet()),
                (watched("watching"), shared.theme.faint()),
            ]
        };
        lines.push((problem, shared.theme.bad()));
        lines.retain(|(line, _)| !line.is_empty());
        let top = body.y + body.height.saturating_sub(lines.len() as u16) / 2;
        for (i, (line, style)) in lines.iter().enumerate().take(usize::from(body.height)) {
            let line = shared.theme.plain(text::cut_start(line, usize::from(body.width)));
            let x = body.x + (body.width - text::width(&line).min(usize::from(body.width)) as u16) / 2;
            buf.set_stringn(x, top + i as u16, &line, usize::from(body.width), *style);
        }
    }
}
