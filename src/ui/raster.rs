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
    /// One by two dots a cell, in `.`, `'` and `:`.
    Ascii,
}

impl Dots {
    /// Dots across and down a cell.
    pub fn per_cell(self) -> (usize, usize) {
        match self {
            Dots::Braille => (2, 4),
            Dots::Ascii => (1, 2),
        }
    }

    fn bit(self, x: usize, y: usize) -> u8 {
        const BRAILLE: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
        match self {
            Dots::Braille => BRAILLE[x % 2][y % 4],
            Dots::Ascii => 1 << (y % 2),
        }
    }

    fn glyph(self, bits: u8) -> char {
        match self {
            Dots::Braille => char::from_u32(0x2800 + u32::from(bits)).unwrap_or(' '),
            Dots::Ascii => [' ', '\'', '.', ':'][usize::from(bits & 3)],
        }
    }
}

/// Dots of a chart. A later layer wins the colour of a cell, the dots of all layers show.
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
    /// `lo` is the value of the lowest dot, `hi` of the highest.
    pub fn series(&mut self, columns: &[Column], lo: f64, hi: f64, layer: u8) {
        let (Some(top), true) = (self.height().checked_sub(1), hi > lo) else { return };
        let y = |v: f64| top - (((v - lo) / (hi - lo)).clamp(0.0, 1.0) * top as f64).round() as usize;
        let mut from: Option<(usize, usize)> = None;
        for column in columns {
            if column.min > column.max {
                from = None;
                continue;
            }
            self.vertical(column.index, y(column.max), y(column.min), layer);
            if let Some((x, last)) = from {
                self.join(x, last, column.index, y(column.first), layer);
            }
            from = (!column.gap).then(|| (column.index, y(column.last)));
        }
    }

    /// A line between two points of different columns.
    fn join(&mut self, x0: usize, y0: usize, x1: usize, y1: usize, layer: u8) {
        let slope = (y1 as f64 - y0 as f64) / x1.saturating_sub(x0).max(1) as f64;
        // A steep line covers half the way to the neighbours of each column, so that it has no holes.
        let reach = if slope.abs() > 1.0 { slope.abs() / 2.0 } else { 0.0 };
        let (above, below) = (y0.min(y1), y0.max(y1));
        for x in x0..=x1 {
            let at = y0 as f64 + slope * (x - x0) as f64;
            let (top, bottom) = ((at - reach).round() as usize, (at + reach).round() as usize);
            self.vertical(x, top.max(above), bottom.min(below), layer);
        }
    }

    fn vertical(&mut self, x: usize, top: usize, bottom: usize, layer: u8) {
        for y in top..=bottom.min(self.height().saturating_sub(1)) {
            self.dot(x, y, layer);
        }
    }

    fn dot(&mut self, x: usize, y: usize, layer: u8) {
        let (across, down) = self.dots.per_cell();
        if x / across < self.cols
            && let Some(cell) = self.cells.get_mut(y / down * self.cols + x / across)
        {
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
        raster.series(&columns, lo, hi, 0);
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
            raster.series(&columns, lo, hi, 0);
            let mut buf = Buffer::empty(Rect::new(0, 0, 5, 5));
            raster.draw(Rect::new(2, 2, cols, rows), &mut buf, &[]);
        }
    }
}
