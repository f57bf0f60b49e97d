//! Many curves of a family as rows of shades: the load of 64 cores, the gradient norms of 48 layers.

use super::{
    Measure, Scale,
    cursor::nearest,
    frame::{self, put},
};
use crate::model::{Series, XAxis};
use crate::text;
use crate::ui::theme::Theme;
use ratatui::{buffer::Buffer, layout::Rect};
use std::borrow::Cow;

/// Most cells that a label may take from a row.
const LABEL_MAX: usize = 12;

/// A family of curves.
#[derive(Debug)]
pub struct Heat<'a> {
    /// What they have in common.
    pub title: &'a str,
    /// Labels, points and which x of them, the lowest row last.
    pub rows: Vec<(&'a str, &'a Series, XAxis)>,
    /// What x measures.
    pub measure: Measure,
    /// The x range drawn.
    pub x: Scale,
    /// Where the crosshair stands.
    pub cursor: Option<f64>,
    /// Whether keys go to this strip.
    pub focused: bool,
    /// Seconds east of UTC, for the clock on the x axis.
    pub utc_offset: f64,
    /// Colours and signs.
    pub theme: &'a Theme,
}

/// What the rows are at one place. Indices are those of the rows.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Spread {
    /// The lowest row.
    pub min: (usize, f64),
    /// What half of the rows are below.
    pub median: f64,
    /// The highest row.
    pub max: (usize, f64),
}

impl Spread {
    /// Of rows and their values; what is not finite is left out. `None`: nothing is finite.
    pub fn of(values: &[(usize, f64)]) -> Option<Spread> {
        let mut finite: Vec<(usize, f64)> = values.iter().copied().filter(|(_, value)| value.is_finite()).collect();
        finite.sort_by(|a, b| a.1.total_cmp(&b.1));
        let (min, max) = (*finite.first()?, *finite.last()?);
        let median = finite[(finite.len() - 1) / 2].1 / 2.0 + finite[finite.len() / 2].1 / 2.0;
        Some(Spread { min, median, max })
    }
}

impl Heat<'_> {
    /// The rows that reach there, and what they are there.
    pub fn at(&self, x: f64) -> Vec<(usize, f64)> {
        let value = |(row, (_, series, axis)): (usize, &(&str, &Series, XAxis))| Some((row, nearest(series, *axis, x)?.1));
        self.rows.iter().enumerate().filter_map(value).collect()
    }

    /// Draws the strip.
    pub fn draw(&self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let theme = self.theme;
        frame::border(area, self.focused, theme, buf);
        let framed = frame::bordered(area);
        let padded = |word: String| if framed { format!(" {word} ") } else { word };
        let style = if self.focused { theme.accent() } else { theme.title() };
        let count = padded(format!("{} rows", self.rows.len()));
        let room = usize::from(area.width).saturating_sub(if framed { 4 } else { 0 });
        let title = padded(text::cut_start(self.title, room.saturating_sub(text::width(&count) + 1)).into_owned());
        let edge = u16::from(framed);
        put(buf, area, area.x + edge, area.y, &theme.plain(Cow::Owned(title)), style);
        put(buf, area, area.right().saturating_sub(text::width(&count) as u16 + edge), area.y, &count, theme.quiet());
        let inside = frame::inside(area);
        if inside.is_empty() {
            return;
        }
        let plot = self.plot(inside);
        let rows: Vec<Vec<f64>> = (0..plot.height).map(|row| self.cells(row, plot)).collect();
        let known = rows.iter().flatten().filter(|value| value.is_finite());
        let range = known.fold((f64::INFINITY, f64::NEG_INFINITY), |range, value| (range.0.min(*value), range.1.max(*value)));
        if let (min, max, true) = (range.0, range.1, range.0 <= range.1) {
            let heat = Scale::new(min, max, false);
            for (row, cells) in (0..).zip(rows) {
                self.row(row, cells, plot, inside.x, heat, buf);
            }
            if framed {
                let words = format!(" {} {}  {} {} ", theme.heat(0.0).0, text::number(min, 3), theme.heat(1.0).0, text::number(max, 3));
                if text::width(&words) <= usize::from(inside.width) {
                    put(buf, area, inside.x, inside.bottom(), &words, theme.quiet());
                }
            }
        } else {
            put(buf, inside, inside.x, inside.y, "no finite value", theme.warn());
        }
        if inside.height > plot.height {
            let row = Rect { y: plot.bottom(), height: 1, ..inside };
            frame::x_axis(row, plot, self.x, self.measure, self.utc_offset, theme, buf);
        }
    }

    /// The cells of the strip on an area of this size, for the crosshair.
    pub fn plot_in(&self, area: Rect) -> Rect {
        self.plot(frame::inside(area))
    }

    fn plot(&self, inside: Rect) -> Rect {
        let label = self.rows.iter().map(|(label, ..)| text::width(label)).max().unwrap_or(0).min(LABEL_MAX) as u16 + 1;
        let gutter = if inside.width >= label + 8 { label } else { 0 };
        let room = inside.height - u16::from(inside.height >= 3);
        let rows = self.rows.len().clamp(1, usize::from(u16::MAX)) as u16;
        // Few rows are as high as they can be, all the same.
        let height = if rows < room { room / rows * rows } else { room };
        Rect { x: inside.x + gutter, width: inside.width - gutter, height, ..inside }
    }

    /// The first curve of a row of the screen.
    fn first(&self, row: u16, plot: Rect) -> usize {
        usize::from(row) * self.rows.len() / usize::from(plot.height)
    }

    /// The values of one row of the screen; where rows are fewer than curves, the highest of several.
    fn cells(&self, row: u16, plot: Rect) -> Vec<f64> {
        let (first, next) = (self.first(row, plot), self.first(row + 1, plot));
        let members = &self.rows[first..next.max(first + 1).min(self.rows.len())];
        let width = usize::from(plot.width);
        let mut cells = vec![f64::NAN; width];
        for (_, series, axis) in members {
            let last = (width.max(2) - 1) as f64;
            let place = |x| (self.x.place(x) * last).max(0.0);
            // The mean of a NaN and a number is the number here.
            series.means_at(*axis, self.x.from, self.x.to, width, place, |at, mean| cells[at] = cells[at].max(mean));
        }
        cells
    }

    fn row(&self, row: u16, cells: Vec<f64>, plot: Rect, left: u16, heat: Scale, buf: &mut Buffer) {
        let y = plot.y + row;
        let is_first = row == 0 || self.first(row - 1, plot) != self.first(row, plot);
        if plot.x > left && is_first {
            let room = usize::from(plot.x - left - 1);
            let label = self.theme.plain(text::cut_start(self.rows[self.first(row, plot)].0, room));
            put(buf, plot_row(left, plot, y), left, y, &text::fit_right(&label, room), self.theme.quiet());
        }
        let cursor = self.cursor.map(|x| self.x.place(x)).filter(|place| (0.0..=1.0).contains(place));
        let cursor = cursor.map(|place| (place * f64::from(plot.width - 1)).round() as usize);
        for (i, value) in cells.into_iter().enumerate() {
            let at = (plot.x + i as u16, y);
            if value.is_finite() {
                let (sign, style) = self.theme.heat(heat.place(value));
                put(buf, plot, at.0, at.1, sign, style);
            }
            if cursor == Some(i) {
                buf[at].set_style(self.theme.cursor_on_curve());
            }
        }
    }
}

fn plot_row(left: u16, plot: Rect, y: u16) -> Rect {
    Rect { x: left, y, width: plot.right() - left, height: 1 }
}
