//! The crosshair: where it stands, and what the curves are there.

use super::{Chart, Curve, Plot, band, value_text};
use crate::ui::chart::frame::put;
use ratatui::{buffer::Buffer, layout::Rect};

impl Chart<'_> {
    /// Where the crosshair stands, unless that is left or right of what is shown.
    pub fn cursor_in_sight(&self) -> Option<f64> {
        self.cursor.filter(|x| (self.x.from..=self.x.to).contains(x))
    }

    pub(super) fn draw_cursor(&self, area: Rect, buf: &mut Buffer) {
        let Some(x) = self.cursor_in_sight() else { return };
        let cell = area.x + (self.x.place(x) * f64::from(area.width - 1)).round() as u16;
        let (line, style) = self.theme.crosshair();
        for y in area.y..area.bottom() {
            match buf[(cell, y)].symbol() {
                " " => _ = put(buf, area, cell, y, line, style),
                _ => _ = buf[(cell, y)].set_style(self.theme.cursor_on_curve()),
            }
        }
    }

    /// The chart's own values at the crosshair, longest wording first. `~`: of the smoothed curve.
    pub(super) fn cursor_words(&self, at: f64, plot: Option<&Plot>) -> Vec<String> {
        let values = |curve: &Curve<'_>| {
            let logged = value_text(curve.at(at)?.1);
            Some((logged, plot.and_then(|plot| self.average_at(curve, at, plot)).map(value_text)))
        };
        let values: Vec<(String, Option<String>)> = self.curves.iter().filter(|curve| curve.run.is_none()).filter_map(values).collect();
        if values.is_empty() {
            return vec![];
        }
        let both = |sign: &str| {
            let one = |(logged, average): &(String, Option<String>)| match average {
                Some(average) => format!("{logged} {sign}{average}"),
                None => logged.clone(),
            };
            values.iter().map(one).collect::<Vec<_>>().join(" / ")
        };
        let logged = values.iter().map(|(logged, _)| logged.as_str()).collect::<Vec<_>>().join(" / ");
        let wordings = [both("smooth "), both("~"), logged.clone()].map(|values| format!(" @ {}: {values} ", self.x_text(at)));
        wordings.into_iter().chain([format!(" @ {logged} ")]).collect()
    }

    /// What the smoothed curve of a metric is at `x`, as it is drawn; `None`: it is not smoothed, or there is none.
    pub fn average_at(&self, curve: &Curve<'_>, x: f64, plot: &Plot) -> Option<f64> {
        // A group is drawn as one curve, which is of none of its runs.
        let is_drawn = curve.group.is_none() && curve.at(x).is_some_and(|(_, value)| value.is_finite());
        let width = usize::from(plot.area.width) * self.theme.dots().per_cell().0;
        let smooth = if is_drawn { self.drawn(curve, width).smooth? } else { return None };
        let column = (self.x.place(x) * (width.max(2) - 1) as f64).round().max(0.0) as usize;
        band::filled(&smooth, width).get(column).copied().filter(|value| value.is_finite())
    }
}

impl Curve<'_> {
    /// The drawn point that is nearest to `x`: its x and its value. A curve that does not reach there has none.
    pub fn at(&self, x: f64) -> Option<(f64, f64)> {
        let (first, last) = self.drawn.extent(self.axis)?;
        let reach = (last - first) / 50.0;
        if x < first - reach || x > last + reach {
            return None;
        }
        let index = self.drawn.lower_bound(self.axis, x);
        let near = |index: usize| Some((self.drawn.x_at(self.axis, index)?, self.drawn.get(index)?.value));
        let (before, after) = (index.checked_sub(1).and_then(near), near(index));
        match (before, after) {
            (Some(before), Some(after)) => Some(if x - before.0 < after.0 - x { before } else { after }),
            (before, after) => before.or(after),
        }
    }
}
