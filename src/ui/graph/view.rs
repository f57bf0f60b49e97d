//! Drawing of the graph pane. Everything here only reads.

use super::{Graph, Layout, SMOOTHING};
use crate::model::{MetricKey, XAxis};
use crate::text;
use crate::ui::{
    chart::Chart,
    facts::SeriesMap,
    keymap::{BINDINGS, FILTER_BINDINGS},
    pane::Link,
    strip::{self, Part},
};
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Modifier, Style},
    widgets::Widget,
};

/// Whether an area is too small for any chart: it then shows the state of the run and its step.
pub fn is_tiny(area: Rect) -> bool {
    area.width < 8 || area.height < 2
}

/// The help, line by line: keys and what they do. Empty keys: a heading.
pub fn help_lines() -> Vec<(String, &'static str)> {
    let rows = |table: &'static [super::keymap::Binding]| table.iter().map(|b| (b.keys.join(" "), b.does));
    let heading = (String::new(), "while a filter is typed");
    rows(BINDINGS).chain([heading]).chain(rows(FILTER_BINDINGS)).collect()
}

impl Graph {
    pub(super) fn view(&self, series: &SeriesMap, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        if is_tiny(area) {
            return self.tiny(area, buf);
        }
        let layout = self.layout(area);
        if self.help.is_some() {
            self.help_page(layout.body, buf);
        } else if layout.cells.is_empty() {
            self.nothing(layout.body, buf);
        } else {
            self.charts(&layout, series, buf);
        }
        if let Some(header) = layout.header {
            self.header(header, buf);
        }
        if let Some(footer) = layout.footer {
            self.footer(footer, &layout, buf);
        }
        if self.typing.is_some() {
            self.prompt(layout.footer.or(layout.header).unwrap_or(Rect { height: 1, ..area }), buf);
        }
    }

    fn tiny(&self, area: Rect, buf: &mut Buffer) {
        let style = self.theme.state(self.facts.run_state());
        let step = self.facts.step.map(|step| text::si(step as f64, 3)).unwrap_or_default();
        let parts = vec![Part::new(self.theme.state_sign(self.facts.run_state()), style, 2), Part::joined(step, self.theme.value(), 1)];
        strip::draw(parts, &self.theme, Rect { height: 1, ..area }, buf);
    }

    fn header(&self, row: Rect, buf: &mut Buffer) {
        let mut parts = self.facts.head(&self.theme);
        if let Some(eta) = self.facts.eta() {
            parts.push(Part::new(format!("ETA {}", text::duration(eta)), self.theme.quiet(), 11));
        }
        strip::draw(parts, &self.theme, row, buf);
    }

    fn footer(&self, row: Rect, layout: &Layout, buf: &mut Buffer) {
        let mut parts = vec![];
        if let Some((toast, _)) = &self.toast {
            parts.push(Part::new(toast.as_str(), self.theme.accent(), 10));
        }
        if layout.pages > 1 {
            parts.push(Part::new(format!("page {}/{}", layout.page + 1, layout.pages), self.theme.value(), 9));
        }
        if !self.filter.is_empty() {
            let count = format!("/{} ({} of {})", self.filter, self.keys.len(), self.facts.keys.len());
            parts.push(Part::new(count, self.theme.accent(), 8));
        }
        if self.axis != XAxis::Step {
            parts.push(Part::new(if self.axis == XAxis::Relative { "x: relative" } else { "x: clock" }, self.theme.value(), 6));
        }
        if self.smoothing > 0 {
            parts.push(Part::new(format!("smoothing {}", SMOOTHING[self.smoothing]), self.theme.value(), 6));
        }
        if self.link == Link::Down {
            parts.push(Part::new("no controller", self.theme.warn(), 5));
        }
        if !self.facts.source.is_empty() {
            parts.push(Part::new(format!("source: {}", self.facts.source), self.theme.quiet(), 3));
        }
        let reading = self.source_line();
        let reading = reading.strip_prefix(self.facts.source.as_str()).unwrap_or(&reading).trim_start_matches(" | ");
        let (reading, lost) = reading.split_once(" | ").unwrap_or((reading, ""));
        parts.push(Part::new(reading, self.theme.quiet(), 4));
        parts.push(Part::new(lost, self.theme.warn(), 7));
        for (hint, rank) in [("/ filter", 2), ("enter zoom", 1), ("h help", 4), ("q quit", 1)] {
            parts.push(Part::new(hint, self.theme.faint(), rank));
        }
        strip::draw(parts, &self.theme, row, buf);
    }

    fn prompt(&self, row: Rect, buf: &mut Buffer) {
        let Some(typing) = &self.typing else { return };
        blank(row, buf);
        let (before, after) = typing.line.parts();
        let room = usize::from(row.width);
        // The caret is always in sight: what stands before it is cut at its start.
        let before = text::cut_start(&before, room.saturating_sub(2)).into_owned();
        let right = row.right();
        let left = |x: u16| usize::from(right.saturating_sub(x));
        let x = buf.set_stringn(row.x, row.y, "/", room, self.theme.accent()).0;
        let x = buf.set_stringn(x, row.y, self.theme.plain(before.into()), left(x), self.theme.accent()).0;
        let mut rest = after.chars();
        let at_caret = rest.next().map_or_else(|| " ".to_owned(), String::from);
        let x = buf.set_stringn(x, row.y, at_caret, left(x), Style::new().add_modifier(Modifier::REVERSED)).0;
        let x = buf.set_stringn(x, row.y, rest.as_str(), left(x), self.theme.accent()).0;
        let (note, style) = match &self.filter_error {
            Some(error) => (format!("  {error}"), self.theme.bad()),
            None => (format!("  {} of {}   enter keep  esc cancel", self.keys.len(), self.facts.keys.len()), self.theme.quiet()),
        };
        buf.set_stringn(x, row.y, note, left(x), style);
    }

    fn charts(&self, layout: &Layout, series: &SeriesMap, buf: &mut Buffer) {
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
                utc_offset: self.utc_offset,
                theme: &self.theme,
            };
            chart.render(cell, buf);
        }
    }

    /// Why there is no chart, and what to do about it.
    fn nothing(&self, body: Rect, buf: &mut Buffer) {
        let watched = |word| if self.facts.watched.is_empty() { String::new() } else { format!("{word}: {}", self.facts.watched) };
        let problem = self.facts.problem.clone().unwrap_or_default();
        let mut lines: Vec<(String, Style)> = if !self.facts.keys.is_empty() && !self.filter.is_empty() {
            vec![
                (format!("no metric matches `{}`", self.filter), self.theme.warn()),
                (format!("{} metrics are there: esc shows them", self.facts.keys.len()), self.theme.quiet()),
            ]
        } else if !self.facts.keys.is_empty() {
            let names = self.facts.keys.iter().map(MetricKey::as_str).collect::<Vec<_>>().join(", ");
            vec![
                (format!("waiting for {}...", self.wanted.join(", ")), self.theme.title()),
                (format!("the run logs {names}"), self.theme.quiet()),
            ]
        } else if self.facts.loading {
            vec![("reading...".into(), self.theme.title())]
        } else if !self.facts.is_live() {
            vec![
                (format!("the run ended without a metric: {}", self.facts.state_text()), self.theme.state(self.facts.run_state())),
                (watched("looked at"), self.theme.quiet()),
            ]
        } else {
            vec![
                ("waiting for the first metric...".into(), self.theme.title()),
                ("log to $OG_METRICS or print `step=1 loss=2.3`".into(), self.theme.quiet()),
                (watched("watching"), self.theme.faint()),
            ]
        };
        lines.push((problem, self.theme.bad()));
        lines.retain(|(line, _)| !line.is_empty());
        let top = body.y + body.height.saturating_sub(lines.len() as u16) / 2;
        for (i, (line, style)) in lines.iter().enumerate().take(usize::from(body.height)) {
            let line = self.theme.plain(text::cut_start(line, usize::from(body.width)));
            let x = body.x + (body.width - text::width(&line).min(usize::from(body.width)) as u16) / 2;
            buf.set_stringn(x, top + i as u16, &line, usize::from(body.width), *style);
        }
    }

    fn help_page(&self, body: Rect, buf: &mut Buffer) {
        let lines = help_lines();
        let keys_width = lines.iter().map(|(keys, _)| text::width(keys)).max().unwrap_or(0) as u16;
        let rows = usize::from(body.height);
        // Never scrolled beyond the last page.
        let skip = usize::from(self.help.unwrap_or(0)).min(lines.len().saturating_sub(rows));
        for (y, (keys, does)) in (body.y..body.bottom()).zip(lines.iter().skip(skip)) {
            let room = usize::from(body.width);
            if keys.is_empty() {
                buf.set_stringn(body.x, y, text::cut(does, room), room, self.theme.title());
                continue;
            }
            let x = buf.set_stringn(body.x, y, text::cut(keys, room), room, self.theme.accent()).0;
            let x = x.max((body.x + keys_width + 2).min(body.right() / 2).max(x + 1));
            let room = usize::from(body.right().saturating_sub(x));
            if room > 0 {
                buf.set_stringn(x, y, text::cut(does, room), room, Style::new());
            }
        }
        if lines.len() > rows && body.height > 1 {
            let word = format!(" {}-{} of {} (up/down) ", skip + 1, (skip + rows).min(lines.len()), lines.len());
            if text::width(&word) < usize::from(body.width) {
                buf.set_stringn(body.right() - text::width(&word) as u16, body.bottom() - 1, &word, word.len(), self.theme.quiet());
            }
        }
    }
}

fn blank(row: Rect, buf: &mut Buffer) {
    for x in row.x..row.right() {
        buf[(x, row.y)].reset();
    }
}
