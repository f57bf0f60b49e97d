//! What stands around a plot: border, axes.

use super::{Measure, scale::Scale};
use crate::text;
use crate::ui::{theme::Theme, ticks};
use ratatui::{buffer::Buffer, layout::Rect, style::Style};

/// Smallest cell that gets a border.
const BORDERED: (u16, u16) = (20, 6);

/// Whether a chart of this size has a border.
pub fn bordered(area: Rect) -> bool {
    area.width >= BORDERED.0 && area.height >= BORDERED.1
}

/// What a chart of this size has inside its border, below its title.
pub fn inside(area: Rect) -> Rect {
    match bordered(area) {
        true => Rect { x: area.x + 1, y: area.y + 1, width: area.width - 2, height: area.height - 2 },
        false => Rect { y: area.y.saturating_add(1), height: area.height.saturating_sub(1), ..area },
    }
}

/// Draws the border, where there is room for one.
pub fn border(area: Rect, focused: bool, theme: &Theme, buf: &mut Buffer) {
    if !bordered(area) {
        return;
    }
    let set = theme.border(focused);
    let style = if focused { theme.accent() } else { theme.faint() };
    for x in area.x + 1..area.right() - 1 {
        buf[(x, area.y)].set_symbol(set.horizontal_top).set_style(style);
        buf[(x, area.bottom() - 1)].set_symbol(set.horizontal_bottom).set_style(style);
    }
    for y in area.y + 1..area.bottom() - 1 {
        buf[(area.x, y)].set_symbol(set.vertical_left).set_style(style);
        buf[(area.right() - 1, y)].set_symbol(set.vertical_right).set_style(style);
    }
    for (x, y, symbol) in [
        (area.x, area.y, set.top_left),
        (area.right() - 1, area.y, set.top_right),
        (area.x, area.bottom() - 1, set.bottom_left),
        (area.right() - 1, area.bottom() - 1, set.bottom_right),
    ] {
        buf[(x, y)].set_symbol(symbol).set_style(style);
    }
}

/// The y axis left of `plot`, with labels `label` cells wide.
pub fn y_axis(plot: Rect, label: u16, ticks: &ticks::Ticks, y: Scale, theme: &Theme, buf: &mut Buffer) {
    let (line, mark) = theme.axis();
    let x = plot.x - 1;
    for row in plot.y..plot.bottom() {
        put(buf, buf.area, x, row, line, theme.faint());
    }
    let down = theme.dots().per_cell().1;
    let dots = usize::from(plot.height) * down;
    // Rounded from below, as curves are: a value half-way stands beside its mark.
    let top = (dots - 1) as f64;
    let row_of = |value: f64| {
        let dot = (top - (y.place(value) * top).round()).max(0.0) as usize;
        (plot.y + (dot / down) as u16).min(plot.bottom() - 1)
    };
    // Where there is little room, the highest mark says more than one below it.
    let highest = ticks.at.last().map(|value| row_of(*value));
    let mut free_below = plot.bottom();
    for (value, word) in ticks.at.iter().zip(&ticks.words) {
        let row = row_of(*value);
        let is_taken = row >= free_below || Some(row) == highest && Some(value) != ticks.at.last();
        if !is_taken {
            free_below = row;
            put(buf, buf.area, x - label + (label - text::width(word) as u16), row, word, theme.quiet());
            put(buf, buf.area, x, row, mark, theme.faint());
        }
    }
}

/// The x axis in `row`, for a plot above it.
pub fn x_axis(row: Rect, plot: Rect, x: Scale, measure: Measure, utc_offset: f64, theme: &Theme, buf: &mut Buffer) {
    let cells_per_label = if measure == Measure::Clock { 10 } else { 7 };
    let wanted = (usize::from(plot.width) / cells_per_label).clamp(2, 8);
    let ticks = x.ticks(wanted, |from, to, wanted| match measure {
        Measure::Steps => ticks::whole(from, to, wanted),
        Measure::Seconds => ticks::durations(from, to, wanted),
        Measure::Clock => ticks::clock(from, to, wanted, utc_offset),
        Measure::Number => ticks::linear(from, to, wanted),
    });
    let mut free = row.x;
    for (value, word) in ticks.at.iter().zip(&ticks.words) {
        let width = text::width(word) as u16;
        let cell = plot.x + (x.place(*value) * f64::from(plot.width - 1)).round() as u16;
        let last_start = row.right().saturating_sub(width);
        let start = cell.saturating_sub(width / 2).clamp(row.x, last_start.max(row.x));
        if start >= free && width <= row.width {
            put(buf, row, start, row.y, word, theme.quiet());
            free = start + width + 1;
        }
    }
}

/// Writes `text` from `x` on, cut at the right end of `area`. Returns the column behind it.
pub fn put(buf: &mut Buffer, area: Rect, x: u16, y: u16, text: &str, style: Style) -> u16 {
    let area = area.intersection(buf.area);
    if y < area.y || y >= area.bottom() || x < area.x || x >= area.right() {
        return x;
    }
    buf.set_stringn(x, y, text, usize::from(area.right() - x), style).0
}
