//! A field of dots finer than the cells of the screen, and lines of dots in it.

use crate::model::Column;
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
};

/// How dots become characters.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Dots {
    /// Two by four dots a cell.
    #[default]
    Braille,
    /// Two by two dots a cell, in quarters of a block.
    Block,
    /// One by two dots a cell, in `.`, `'` and `:`.
    Ascii,
}

impl Dots {
    /// Dots across and down a cell.
    pub fn per_cell(self) -> (usize, usize) {
        match self {
            Dots::Braille => (2, 4),
            Dots::Block => (2, 2),
            Dots::Ascii => (1, 2),
        }
    }

    fn bit(self, x: usize, y: usize) -> u8 {
        const BRAILLE: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
        match self {
            Dots::Braille => BRAILLE[x % 2][y % 4],
            Dots::Block => 1 << (x % 2 + y % 2 * 2),
            Dots::Ascii => 1 << (y % 2),
        }
    }

    fn glyph(self, bits: u8) -> char {
        const BLOCKS: [char; 16] = [' ', '▘', '▝', '▀', '▖', '▌', '▞', '▛', '▗', '▚', '▐', '▜', '▄', '▙', '▟', '█'];
        match self {
            Dots::Braille => char::from_u32(0x2800 + u32::from(bits)).unwrap_or(' '),
            Dots::Block => BLOCKS[usize::from(bits & 15)],
            Dots::Ascii => [' ', '\'', '.', ':'][usize::from(bits & 3)],
        }
    }
}

/// How a curve is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stroke {
    /// A later layer wins the colour of a cell.
    pub layer: u8,
    /// Number of its pattern: 0 is solid, the others are broken.
    pub pattern: usize,
    /// Two dots thick.
    pub thick: bool,
}

impl Stroke {
    /// A thin, solid one.
    pub fn thin(layer: u8) -> Stroke {
        Stroke { layer, pattern: 0, thick: false }
    }

    /// Dots drawn of so many, by pattern.
    const PATTERNS: [(usize, usize); 4] = [(1, 1), (6, 10), (1, 3), (6, 8)];

    /// Columns after which the pattern begins anew.
    fn period(self) -> usize {
        Stroke::PATTERNS[self.pattern % Stroke::PATTERNS.len()].1
    }

    fn shows(self, x: usize) -> bool {
        let (drawn, of) = Stroke::PATTERNS[self.pattern % Stroke::PATTERNS.len()];
        x % of < drawn
    }
}

/// Dots of a chart. A later layer wins the colour of a cell; the dots of all layers show, but those of layer 0, which lies behind.
#[derive(Debug)]
pub struct Raster {
    dots: Dots,
    cols: usize,
    rows: usize,
    cells: Vec<(u8, u8)>,
}

impl Raster {
    /// An empty raster of so many cells.
    pub fn new(dots: Dots, cols: u16, rows: u16) -> Raster {
        let (cols, rows) = (usize::from(cols), usize::from(rows));
        Raster { dots, cols, rows, cells: vec![(0, 0); cols * rows] }
    }

    /// Dots across.
    pub fn width(&self) -> usize {
        self.cols * self.dots.per_cell().0
    }

    /// Dots down.
    pub fn height(&self) -> usize {
        self.rows * self.dots.per_cell().1
    }

    /// Draws the columns of a series: each from its minimum to its maximum, neighbours joined, a gap left open.
    /// `lo` is the value of the lowest dot, `hi` of the highest; what lies beyond is cut off.
    pub fn series(&mut self, columns: &[Column], lo: f64, hi: f64, stroke: Stroke) {
        let (Some(top), true) = (self.height().checked_sub(1), hi > lo) else { return };
        // Beyond the edge by as much as the chart is high: enough for a line to leave it at the right slope.
        let reach = (top + 1) as f64;
        let y = |v: f64| {
            let place = (v / 2.0 - lo / 2.0) / (hi / 2.0 - lo / 2.0);
            top as isize - (place * top as f64).clamp(-reach, 2.0 * reach).round() as isize
        };
        let mut from: Option<(usize, isize)> = None;
        for (at, column) in columns.iter().enumerate() {
            if column.min > column.max {
                from = None;
                continue;
            }
            // A point that stands alone is never in a break of the pattern; one of many near each other may be.
            let alone = from.is_none_or(|(x, _)| x + stroke.period() <= column.index);
            let own = if alone { Stroke { pattern: 0, ..stroke } } else { stroke };
            self.vertical(column.index, y(column.max), y(column.min), own);
            // One that is joined to nothing is as large as four, or nobody would find it.
            if from.is_none() && (column.gap || columns.get(at + 1).is_none_or(|next| next.min > next.max)) {
                let beside = if column.index + 1 < self.width() { column.index + 1 } else { column.index.saturating_sub(1) };
                for x in [column.index, beside] {
                    self.vertical(x, y(column.max), y(column.min), Stroke { thick: true, ..own });
                }
            }
            if let Some((x, last)) = from {
                self.join(x, last, column.index, y(column.first), stroke);
            }
            from = (!column.gap).then(|| (column.index, y(column.last)));
        }
    }

    /// Shades a column between two values.
    pub fn shade(&mut self, x: usize, (min, max): (f64, f64), (lo, hi): (f64, f64), layer: u8) {
        let (Some(top), true) = (self.height().checked_sub(1), hi > lo) else { return };
        let y = |v: f64| top - (((v - lo) / (hi - lo)).clamp(0.0, 1.0) * top as f64).round() as usize;
        // Every second dot: a curve within it still stands out.
        (y(max)..=y(min)).filter(|y| (x + y).is_multiple_of(2)).for_each(|y| self.dot(x, y, layer));
    }

    /// A line between two points of different columns.
    fn join(&mut self, x0: usize, y0: isize, x1: usize, y1: isize, stroke: Stroke) {
        let slope = (y1 as f64 - y0 as f64) / x1.saturating_sub(x0).max(1) as f64;
        // A steep line covers half the way to the neighbours of each column, so that it has no holes.
        let reach = if slope.abs() > 1.0 { slope.abs() / 2.0 } else { 0.0 };
        let (above, below) = (y0.min(y1), y0.max(y1));
        for x in x0..=x1 {
            let at = y0 as f64 + slope * (x - x0) as f64;
            let (top, bottom) = ((at - reach).round() as isize, (at + reach).round() as isize);
            self.vertical(x, top.max(above), bottom.min(below), stroke);
        }
    }

    fn vertical(&mut self, x: usize, top: isize, bottom: isize, stroke: Stroke) {
        if !stroke.shows(x) {
            return;
        }
        let height = self.height() as isize;
        let thick = isize::from(stroke.thick && bottom - top < 2);
        for y in (top - thick).max(0)..=bottom.min(height - 1) {
            self.dot(x, y as usize, stroke.layer);
        }
    }

    /// A straight line between two dots.
    pub fn line(&mut self, (x0, y0): (usize, usize), (x1, y1): (usize, usize), layer: u8) {
        let steps = x0.abs_diff(x1).max(y0.abs_diff(y1)).max(1);
        let between =
            |from: usize, to: usize, i: usize| (from as f64 + (to as f64 - from as f64) * i as f64 / steps as f64).round() as usize;
        (0..=steps).for_each(|i| self.dot(between(x0, x1, i), between(y0, y1, i), layer));
    }

    /// One dot.
    pub fn dot(&mut self, x: usize, y: usize, layer: u8) {
        let (across, down) = self.dots.per_cell();
        if x / across < self.cols
            && let Some(cell) = self.cells.get_mut(y / down * self.cols + x / across)
        {
            // What lies behind gives way in the cells of a curve, so that it stands out without colour too.
            if layer > 0 && cell.1 == 0 {
                cell.0 = 0;
            }
            cell.0 |= self.dots.bit(x, y);
            cell.1 = cell.1.max(layer);
        }
    }

    /// Writes the cells that have dots; `styles` by layer.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, styles: &[Style]) {
        let area = area.intersection(buf.area);
        for (i, &(bits, layer)) in self.cells.iter().enumerate().filter(|(_, cell)| cell.0 != 0) {
            let at = Position::new(area.x.saturating_add((i % self.cols) as u16), area.y.saturating_add((i / self.cols) as u16));
            if area.contains(at) {
                let style = styles.get(usize::from(layer)).copied().unwrap_or_default();
                buf[at].set_char(self.dots.glyph(bits)).set_style(style);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Point, Series, Step, XAxis};
    use proptest::prelude::*;

    fn drawn(dots: Dots, cols: u16, rows: u16, values: &[f64]) -> Vec<String> {
        let mut series = Series::new();
        for (i, &value) in values.iter().enumerate() {
            series.push(Point { step: Step(i as i64), time: None, value });
        }
        let mut raster = Raster::new(dots, cols, rows);
        let columns = series.columns(XAxis::Step, 0.0, (values.len().max(2) - 1) as f64, raster.width());
        let (lo, hi) = series.range().unwrap_or((0.0, 1.0));
        raster.series(&columns, lo, hi, Stroke::default());
        let area = Rect::new(0, 0, cols, rows);
        let mut buf = Buffer::empty(area);
        raster.draw(area, &mut buf, &[Style::new()]);
        (0..rows).map(|y| (0..cols).map(|x| buf[(x, y)].symbol()).collect()).collect()
    }

    #[test]
    fn a_rising_line_is_unbroken() {
        assert_eq!(drawn(Dots::Braille, 4, 1, &[0.0, 7.0]), ["⣀⠤⠒⠉"]);
        assert_eq!(drawn(Dots::Ascii, 4, 2, &[0.0, 1.0, 2.0, 3.0]), ["  .'", ".'  "]);
    }

    #[test]
    fn a_nan_leaves_a_gap() {
        assert_eq!(drawn(Dots::Ascii, 5, 1, &[0.0, 0.0, f64::NAN, 1.0, 1.0]), [".. ''"]);
    }

    #[test]
    fn a_spike_among_a_hundred_thousand_points_is_drawn_to_its_top() {
        let mut values = vec![0.0; 100_000];
        values[50_001] = 9.0;
        let rows = drawn(Dots::Ascii, 20, 4, &values);
        assert!(rows[0].trim() == ":", "{rows:?}");
    }

    proptest! {
        #[test]
        fn no_columns_panic(
            raw in prop::collection::vec((0usize..200, any::<f64>(), any::<f64>(), any::<bool>()), 0..40),
            lo in any::<f64>(), hi in any::<f64>(), cols in 0u16..30, rows in 0u16..10,
        ) {
            let columns: Vec<Column> =
                raw.into_iter().map(|(index, min, max, gap)| Column { index, min, max, first: min, last: max, mean: min, gap }).collect();
            let mut raster = Raster::new(Dots::Braille, cols, rows);
            raster.series(&columns, lo, hi, Stroke::default());
            let mut buf = Buffer::empty(Rect::new(0, 0, 5, 5));
            raster.draw(Rect::new(2, 2, cols, rows), &mut buf, &[]);
        }
    }
}
