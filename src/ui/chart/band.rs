//! Several runs as one: their mean, and a band of one standard deviation around it.

use super::{Chart, Curve, Plot};
use crate::model::Column;
use crate::ui::raster::{Raster, Stroke};

impl Chart<'_> {
    /// Whether the curve at `index` is the first of its group and metric: that one stands for all.
    pub(super) fn leads(&self, index: usize, group: usize) -> bool {
        let key = self.curves[index].key;
        self.curves.iter().position(|curve| curve.group == Some(group) && curve.key == key) == Some(index)
    }

    /// The curves of the group that a curve leads, as they would be drawn alone: a value for each of `width` columns.
    fn members(&self, leader: &Curve<'_>, width: usize) -> Vec<Vec<f64>> {
        let members = self.curves.iter().filter(|curve| curve.group == leader.group && curve.key == leader.key);
        let row = |curve| {
            let drawn = self.drawn(curve, width);
            filled(&drawn.smooth.unwrap_or(drawn.raw), width)
        };
        members.map(row).collect()
    }

    /// Mean and standard deviation of the group that a curve leads, in a column of `width`.
    pub(super) fn mean_at(&self, leader: &Curve<'_>, width: usize, column: usize) -> Option<(f64, f64)> {
        let rows = self.members(leader, width);
        mean_and_deviation(rows.iter().filter_map(|row| row.get(column).copied()))
    }

    /// Draws the group of the curve at `index`; returns its mean at each column, NaN where it has none.
    pub(super) fn band(&self, index: usize, plot: &Plot, layer: u8, raster: &mut Raster) -> Vec<f64> {
        let leader = &self.curves[index];
        let range = self.raised_range(plot.y);
        let rows = self.members(leader, raster.width());
        let at = |x: usize| mean_and_deviation(rows.iter().map(|row| row[x])).map(|(mean, deviation)| (x, mean, deviation));
        let band: Vec<(usize, f64, f64)> = (0..raster.width()).filter_map(at).collect();
        if rows.len() > 1 {
            for &(x, mean, deviation) in &band {
                let edges = self.raised(vec![column(x, mean - deviation), column(x, mean + deviation)], plot.y);
                raster.shade(x, (edges[0].min, edges[1].max), range, 0);
            }
        }
        let mut line = vec![f64::NAN; raster.width()];
        band.iter().for_each(|(x, mean, _)| line[*x] = *mean);
        let means = self.raised(band.into_iter().map(|(x, mean, _)| column(x, mean)).collect(), plot.y);
        raster.series(&means, range.0, range.1, Stroke { layer, pattern: self.look(leader).0, thick: true });
        line
    }
}

fn column(index: usize, value: f64) -> Column {
    Column { index, min: value, max: value, first: value, last: value, mean: value, gap: false }
}

/// One value for each of `width` columns, in between along a straight line; NaN before the first and behind the last.
pub(super) fn filled(columns: &[Column], width: usize) -> Vec<f64> {
    let mut out = vec![f64::NAN; width];
    let mut before: Option<&Column> = None;
    for column in columns.iter().filter(|column| column.min <= column.max && column.index < width) {
        if let Some(before) = before {
            let span = (column.index - before.index) as f64;
            for (n, between) in out[before.index + 1..column.index].iter_mut().enumerate() {
                *between = before.mean + (column.mean - before.mean) * (n + 1) as f64 / span;
            }
        }
        out[column.index] = column.mean;
        before = Some(column);
    }
    out
}

/// Mean and standard deviation of the values that are there; `None` without any.
fn mean_and_deviation(values: impl Iterator<Item = f64> + Clone) -> Option<(f64, f64)> {
    let values = values.filter(|value| value.is_finite());
    let count = values.clone().count() as f64;
    if count == 0.0 {
        return None;
    }
    let mean = values.clone().map(|value| value / count).sum::<f64>();
    let deviation = (values.map(|value| (value - mean).powi(2) / count).sum::<f64>()).sqrt();
    Some((mean, if deviation.is_finite() { deviation } else { 0.0 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_three_and_what_lies_between_two_points() {
        assert_eq!(mean_and_deviation([1.0, f64::NAN, 3.0].into_iter()), Some((2.0, 1.0)));
        assert_eq!(mean_and_deviation([f64::NAN].into_iter()), None);
        let row = filled(&[column(1, 0.0), column(3, 4.0)], 5);
        assert!(row[0].is_nan() && row[4].is_nan());
        assert_eq!(row[1..4], [0.0, 2.0, 4.0]);
    }
}
