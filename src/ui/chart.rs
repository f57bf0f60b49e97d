//! One series as a chart: title, value, axes, curve.

use super::{raster::Raster, theme::Theme, ticks};
use crate::model::{Column, Series, XAxis};
use crate::text;
use ratatui::{buffer::Buffer, layout::Rect, style::Style, widgets::Widget};

/// Significant digits of a value in a title.
const DIGITS: usize = 4;
/// With fewer cells than these beside the labels of the y axis, the labels give way.
const PLOT_CELLS_MIN: u16 = 8;
/// Smallest cell that gets a border.
const BORDERED: (u16, u16) = (20, 6);

/// What is drawn of one metric key.
#[derive(Debug)]
pub struct Chart<'a> {
    /// The metric key.
    pub title: &'a str,
    /// Its points.
    pub series: &'a Series,
    /// What x measures.
    pub axis: XAxis,
    /// The x range drawn, shared by all charts.
    pub window: (f64, f64),
    /// EMA weight from column to column; 0 draws the points as they are.
    pub smoothing: f64,
    /// Whether keys go to this chart.
    pub focused: bool,
    /// Seconds east of UTC, for the clock on the x axis.
    pub utc_offset: f64,
    /// Colours and signs.
    pub theme: &'a Theme,
}

/// The value of a key as it stands in a title.
pub fn value_text(series: &Series) -> String {
    series.last().map_or_else(String::new, |point| text::number(point.value, DIGITS))
}

/// The cut key and the value as they stand in a title of `room` cells; `None` when both do not fit, and then neither is
/// reported as shown.
pub fn title_parts(key: &str, value: &str, room: usize) -> Option<(String, String)> {
    /// A key cut shorter says nothing.
    const KEY_CELLS_MIN: usize = 2;
    let left = room.checked_sub(text::width(value) + 1)?;
    (left >= KEY_CELLS_MIN.min(text::width(key))).then(|| (text::cut_start(key, left).into_owned(), value.to_owned()))
}

/// Cells that a chart of this size has for its title.
pub fn title_room(area: Rect) -> usize {
    let frame = if bordered(area) { 6 } else { 0 };
    if area.height == 0 { 0 } else { usize::from(area.width).saturating_sub(frame) }
}

fn bordered(area: Rect) -> bool {
    area.width >= BORDERED.0 && area.height >= BORDERED.1
}

impl Widget for Chart<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let framed = bordered(area);
        if framed {
            self.frame(area, buf);
        }
        let unsaid = self.title(area, buf);
        let inside = match framed {
            true => Rect { x: area.x + 1, y: area.y + 1, width: area.width - 2, height: area.height - 2 },
            false => Rect { y: area.y + 1, height: area.height - 1, ..area },
        };
        if !inside.is_empty() {
            let base = self.plot(inside, buf);
            if framed {
                self.foot(Rect { y: inside.bottom(), height: 1, ..inside }, base, &unsaid, buf);
            }
        }
    }
}

impl Chart<'_> {
    fn frame(&self, area: Rect, buf: &mut Buffer) {
        let set = self.theme.border(self.focused);
        let style = if self.focused { self.theme.accent() } else { self.theme.faint() };
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

    /// Key, value, and how many values are no numbers; returns what of the last had no room.
    fn title(&self, area: Rect, buf: &mut Buffer) -> String {
        let odd = self.odd();
        let value = value_text(self.series);
        let style = if self.focused { self.theme.accent() } else { self.theme.title() };
        let last_is_finite = self.series.last().is_some_and(|point| point.value.is_finite());
        let value_style = if last_is_finite { self.theme.value() } else { self.theme.bad() };
        let Some((key, value)) = title_parts(self.title, &value, title_room(area)) else {
            let key = text::cut_start(self.title, usize::from(area.width));
            put(buf, area, area.x, area.y, &self.theme.plain(key), style);
            return odd;
        };
        let framed = bordered(area);
        let padded = |word: String| if framed { format!(" {word} ") } else { word };
        let edge = u16::from(framed);
        let after_key = put(buf, area, area.x + edge, area.y, &self.theme.plain(padded(key).into()), style);
        let value = padded(value);
        let at = area.right().saturating_sub(text::width(&value) as u16 + edge);
        put(buf, area, at, area.y, &value, value_style);
        let width = text::width(&odd) as u16 + 3;
        if odd.is_empty() || at.saturating_sub(after_key) <= width {
            return odd;
        }
        put(buf, area, at - width, area.y, &format!(" {odd} "), self.theme.bad());
        String::new()
    }

    /// How many values are no numbers: `nan 3 inf 1`.
    fn odd(&self) -> String {
        let word = |word: &str, count: usize| if count == 0 { String::new() } else { format!("{word} {count}") };
        let (nan, inf) = (word("nan", self.series.nan_count()), word("inf", self.series.inf_count()));
        if nan.is_empty() || inf.is_empty() { nan + &inf } else { format!("{nan} {inf}") }
    }

    /// In the lower border: what has to be added to the labels, else the range; and what had no room in the title.
    fn foot(&self, border: Rect, base: Option<String>, odd: &str, buf: &mut Buffer) {
        let (from, to) = self.span();
        let odd = if odd.is_empty() { String::new() } else { format!(" {odd} ") };
        let odd_width = text::width(&odd) as u16;
        if odd_width <= border.width {
            put(buf, border, border.right() - odd_width, border.y, &odd, self.theme.bad());
        }
        let words = match (base, self.series.range_in(self.axis, from, to)) {
            (Some(base), _) => vec![format!(" y + {base} ")],
            (None, Some((min, max))) => {
                let (min, max) = (text::number(min, 3), text::number(max, 3));
                vec![format!(" min {min}  max {max} "), format!(" {min}..{max} ")]
            }
            (None, None) => vec![],
        };
        let fits = |words: &&String| text::width(words) as u16 + odd_width <= border.width;
        if let Some(words) = words.iter().find(fits) {
            put(buf, border, border.x, border.y, words, self.theme.quiet());
        }
    }

    /// The x range drawn, never empty.
    fn span(&self) -> (f64, f64) {
        let (from, to) = self.window;
        if to > from { (from, to) } else { (from - 1.0, from + 1.0) }
    }

    /// Axes and curve. Returns what has to be added to the labels of the y axis.
    fn plot(&self, inside: Rect, buf: &mut Buffer) -> Option<String> {
        let (from, to) = self.span();
        let Some((min, max)) = self.series.range_in(self.axis, from, to) else {
            let why = match (self.series.is_empty(), self.series.extent(self.axis)) {
                (true, _) => "no points yet",
                (_, None) => "no wall times (x: other axis)",
                _ => "no finite value",
            };
            let why = self.theme.plain(text::cut(why, usize::from(inside.width)));
            let x = inside.x + (inside.width - text::width(&why) as u16) / 2;
            put(buf, inside, x, inside.y + inside.height / 2, &why, self.theme.warn());
            return None;
        };
        let (lo, hi) = widened(min, max);
        let x_rows = u16::from(inside.height >= 3);
        let rows = inside.height - x_rows;
        let y_ticks = ticks::linear(lo, hi, (usize::from(rows) / 2).max(2));
        let label = y_ticks.words.iter().map(|word| text::width(word)).max().unwrap_or(0) as u16;
        let gutter = if inside.width >= label + 1 + PLOT_CELLS_MIN && rows >= 2 { label + 1 } else { 0 };
        let plot = Rect { x: inside.x + gutter, width: inside.width - gutter, height: rows, ..inside };
        if gutter > 0 {
            self.y_axis(plot, label, &y_ticks, (lo, hi), buf);
        }
        if x_rows > 0 {
            self.x_axis(Rect { y: plot.bottom(), height: 1, ..inside }, plot, (from, to), buf);
        }
        self.curve(plot, (from, to), (lo, hi), buf);
        y_ticks.base.filter(|_| gutter > 0)
    }

    fn y_axis(&self, plot: Rect, label: u16, ticks: &ticks::Ticks, (lo, hi): (f64, f64), buf: &mut Buffer) {
        let (line, mark) = self.theme.axis();
        let x = plot.x - 1;
        for y in plot.y..plot.bottom() {
            put(buf, buf.area, x, y, line, self.theme.faint());
        }
        let dots = usize::from(plot.height) * self.theme.dots().per_cell().1;
        let mut free_below = plot.bottom();
        for (value, word) in ticks.at.iter().zip(&ticks.words) {
            let dot = ((hi - value) / (hi - lo) * (dots - 1) as f64).round().max(0.0) as usize;
            let y = (plot.y + (dot / self.theme.dots().per_cell().1) as u16).min(plot.bottom() - 1);
            if y < free_below {
                free_below = y;
                put(buf, buf.area, x - label + (label - text::width(word) as u16), y, word, self.theme.quiet());
                put(buf, buf.area, x, y, mark, self.theme.faint());
            }
        }
    }

    fn x_axis(&self, row: Rect, plot: Rect, (from, to): (f64, f64), buf: &mut Buffer) {
        let cells_per_label = if self.axis == XAxis::WallTime { 10 } else { 7 };
        let wanted = (usize::from(plot.width) / cells_per_label).clamp(2, 8);
        let ticks = match self.axis {
            XAxis::Step => ticks::whole(from, to, wanted),
            XAxis::Relative => ticks::durations(from, to, wanted),
            XAxis::WallTime => ticks::clock(from, to, wanted, self.utc_offset),
        };
        let mut free = row.x;
        for (value, word) in ticks.at.iter().zip(&ticks.words) {
            let width = text::width(word) as u16;
            let cell = plot.x + ((value - from) / (to - from) * f64::from(plot.width - 1)).round() as u16;
            let last_start = row.right().saturating_sub(width);
            let start = cell.saturating_sub(width / 2).clamp(row.x, last_start.max(row.x));
            if start >= free && width <= row.width {
                put(buf, row, start, row.y, word, self.theme.quiet());
                free = start + width + 1;
            }
        }
    }

    fn curve(&self, plot: Rect, (from, to): (f64, f64), (lo, hi): (f64, f64), buf: &mut Buffer) {
        let mut raster = Raster::new(self.theme.dots(), plot.width, plot.height);
        let columns = self.series.columns(self.axis, from, to, raster.width());
        raster.series(&columns, lo, hi, 0);
        let bright = if self.focused { self.theme.curve_focused() } else { self.theme.curve() };
        if self.smoothing > 0.0 {
            raster.series(&smoothed(&columns, self.smoothing), lo, hi, 1);
            raster.draw(plot, buf, &[self.theme.curve_raw(), bright]);
        } else {
            raster.draw(plot, buf, &[bright]);
        }
        let across = self.theme.dots().per_cell().0;
        for column in columns.iter().filter(|column| column.gap) {
            let at = (plot.x + (column.index / across) as u16, plot.bottom() - 1);
            if buf[at].symbol() == " " {
                put(buf, plot, at.0, at.1, self.theme.gap(), self.theme.bad());
            }
        }
    }
}

/// Exponential moving average from column to column, without the pull of its start.
fn smoothed(columns: &[Column], weight: f64) -> Vec<Column> {
    let (mut sum, mut mass) = (0.0, 0.0);
    let smooth = |column: &Column| {
        if column.min > column.max {
            return *column;
        }
        let middle = (column.first + column.last) / 2.0;
        sum = weight * sum + (1.0 - weight) * middle;
        mass = weight * mass + (1.0 - weight);
        let v = sum / mass;
        Column { min: v, max: v, first: v, last: v, mean: v, ..*column }
    };
    columns.iter().map(smooth).collect()
}

/// The range with some air when it is a single value.
fn widened(min: f64, max: f64) -> (f64, f64) {
    let air = if max > min {
        0.0
    } else if min == 0.0 {
        1.0
    } else {
        min.abs() * 0.1
    };
    ((min - air).max(f64::MIN), (max + air).min(f64::MAX))
}

/// Writes `text` from `x` on, cut at the right end of `area`. Returns the column behind it.
fn put(buf: &mut Buffer, area: Rect, x: u16, y: u16, text: &str, style: Style) -> u16 {
    let area = area.intersection(buf.area);
    if y < area.y || y >= area.bottom() || x < area.x || x >= area.right() {
        return x;
    }
    buf.set_stringn(x, y, text, usize::from(area.right() - x), style).0
}
