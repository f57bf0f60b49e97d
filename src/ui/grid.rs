//! Where charts go.

use ratatui::layout::Rect;

/// Smallest cell of a grid, in columns and rows: below, curves say nothing. A pane smaller than one cell still gets one.
const CELL_MIN: (u16, u16) = (25, 7);
/// Width to height of a chart that reads best.
const SHAPE: f64 = 3.2;

/// Columns and rows of charts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Grid {
    /// Charts side by side.
    pub cols: u16,
    /// Charts on top of each other.
    pub rows: u16,
}

impl Grid {
    /// The grid that shows the most of `count` charts in `area`, and of those the one with the best shape.
    pub fn fit(area: Rect, count: usize) -> Grid {
        let cols_max = (area.width / CELL_MIN.0).max(1);
        let rows_max = (area.height / CELL_MIN.1).max(1);
        let full = Grid { cols: cols_max, rows: rows_max };
        if count >= full.cells() {
            return full;
        }
        let cost = |grid: &Grid| {
            let shape = f64::from(area.width.max(1)) / f64::from(grid.cols) * f64::from(grid.rows) / f64::from(area.height.max(1));
            let empty = (grid.cells() - count) as f64 / grid.cells() as f64;
            (shape / SHAPE).ln().abs() + 1.5 * empty
        };
        (1..=cols_max)
            .map(|cols| Grid { cols, rows: count.max(1).div_ceil(usize::from(cols)) as u16 })
            .filter(|grid| grid.rows <= rows_max)
            .min_by(|a, b| cost(a).total_cmp(&cost(b)))
            .unwrap_or(full)
    }

    /// The grid that a person chose, as far as charts stay large enough to be told apart; what they left open follows.
    pub fn chosen(area: Rect, count: usize, rows: Option<u16>, cols: Option<u16>) -> Grid {
        /// Smallest cell of a grid that was asked for.
        const CELL_LEAST: (u16, u16) = (12, 4);
        let fit = |wanted: u16, room: u16, least: u16| wanted.clamp(1, (room / least).max(1));
        let rows = rows.map(|rows| fit(rows, area.height, CELL_LEAST.1));
        let cols = cols.map(|cols| fit(cols, area.width, CELL_LEAST.0));
        let rest =
            |other: u16, room: u16, least: u16| fit(count.max(1).div_ceil(usize::from(other)).min(usize::from(room)) as u16, room, least);
        match (rows, cols) {
            (None, None) => Grid::fit(area, count),
            (Some(rows), Some(cols)) => Grid { cols, rows },
            (Some(rows), None) => Grid { cols: rest(rows, area.width, CELL_MIN.0), rows },
            (None, Some(cols)) => Grid { cols, rows: rest(cols, area.height, CELL_MIN.1) },
        }
    }

    /// Charts on a page.
    pub fn cells(&self) -> usize {
        usize::from(self.cols) * usize::from(self.rows)
    }

    /// The place of the chart at `index` of a page with `count` charts. A last row that is not full is shared by its charts,
    /// unless it is the only one.
    pub fn cell(&self, area: Rect, index: usize, count: usize) -> Rect {
        let cols = usize::from(self.cols);
        let (col, row) = ((index % cols) as u32, (index / cols) as u32);
        let last_row = count.saturating_sub(1) / cols;
        let in_row = if last_row > 0 && index / cols == last_row { (count - last_row * cols) as u16 } else { self.cols };
        let (left, width) = share(area.width, in_row, col);
        let (top, height) = share(area.height, self.rows, row);
        Rect { x: area.x + left, y: area.y + top, width, height }
    }
}

/// Start and length of part `index` when `whole` is cut into `count` parts that differ by one at most.
fn share(whole: u16, count: u16, index: u32) -> (u16, u16) {
    let edge = |i: u32| (u32::from(whole) * i / u32::from(count.max(1))) as u16;
    (edge(index), edge(index + 1) - edge(index))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(size: (u16, u16), count: usize, want: (u16, u16)) {
        let grid = Grid::fit(Rect::new(0, 0, size.0, size.1), count);
        assert_eq!((grid.cols, grid.rows), want);
    }

    #[test]
    fn the_grid_follows_size_and_count() {
        check((120, 38), 1, (1, 1));
        check((120, 38), 2, (1, 2));
        check((120, 38), 6, (2, 3));
        check((200, 48), 16, (4, 4));
        check((80, 22), 10, (3, 3));
        check((50, 14), 10, (2, 2));
        check((40, 8), 10, (1, 1));
        check((1, 1), 10, (1, 1));
        check((0, 0), 0, (1, 1));
    }

    #[test]
    fn a_chosen_grid_stays_readable() {
        let area = Rect::new(0, 0, 120, 38);
        let grid = |rows, cols| Grid::chosen(area, 10, rows, cols);
        assert_eq!(grid(Some(2), Some(3)), Grid { cols: 3, rows: 2 });
        assert_eq!(grid(Some(9), Some(9)), Grid { cols: 9, rows: 9 });
        assert_eq!(grid(Some(2), None), Grid { cols: 4, rows: 2 });
        assert_eq!(grid(None, Some(2)), Grid { cols: 2, rows: 5 });
        assert_eq!(grid(None, None), Grid::fit(area, 10));
        assert_eq!(Grid::chosen(Rect::new(0, 0, 5, 2), 10, Some(9), Some(9)), Grid { cols: 1, rows: 1 });
    }

    proptest! {
        #[test]
        fn a_full_page_tiles_the_area_and_cells_never_overlap(width in 0u16..300, height in 0u16..100, count in 1usize..60) {
            let area = Rect::new(3, 2, width, height);
            let grid = Grid::fit(area, count);
            let cells: Vec<Rect> = (0..grid.cells().min(count)).map(|i| grid.cell(area, i, count.min(grid.cells()))).collect();
            let size = |c: &Rect| u32::from(c.width) * u32::from(c.height);
            prop_assert!(cells.iter().all(|c| area.intersection(*c) == *c));
            prop_assert!(cells.iter().enumerate().all(|(i, a)| cells[..i].iter().all(|b| size(&a.intersection(*b)) == 0)));
            if count >= grid.cells() {
                prop_assert_eq!(cells.iter().map(size).sum::<u32>(), size(&area));
            }
        }
    }
}
