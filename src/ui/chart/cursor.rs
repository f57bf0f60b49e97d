//! The crosshair: where it stands, and what the curves are there.

use super::{Chart, Curve, Plot, band, frame::put, value_text};
use crate::model::{Series, XAxis};
use crate::ui::theme::Theme;
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

    /// The chart's own values at the crosshair, longest wording first. `~`: of the thick line.
    pub(super) fn cursor_words(&self, at: f64, plot: Option<&Plot>) -> Vec<String> {
        let own = self.curves.iter().enumerate().filter(|(_, curve)| curve.run.is_none());
        let value =
            |(index, curve): (usize, &Curve<'_>)| Some((value_text(curve.at(at)?.1), plot.and_then(|plot| self.thick_at(index, at, plot))));
        let values: Vec<(String, Option<Thick>)> = own.filter_map(value).collect();
        if values.is_empty() {
            return vec![];
        }
        let both = |words: &dyn Fn(Thick) -> String| {
            let one = |(logged, thick): &(String, Option<Thick>)| match thick {
                Some(thick) => format!("{logged} {}", words(*thick)),
                None => logged.clone(),
            };
            values.iter().map(one).collect::<Vec<_>>().join(" / ")
        };
        let logged = values.iter().map(|(logged, _)| logged.as_str()).collect::<Vec<_>>().join(" / ");
        let wordings = [both(&|thick| thick.text(self.theme)), both(&Thick::short), logged.clone()];
        let wordings = wordings.map(|values| format!(" @ {}: {values} ", self.measure.text(at, self.utc_offset)));
        wordings.into_iter().chain([format!(" @ {logged} ")]).collect()
    }

    /// What the thick line of the curve at `index` is at `x`; `None`: there is none, or it does not reach there.
    pub fn thick_at(&self, index: usize, x: f64, plot: &Plot) -> Option<Thick> {
        let curve = self.curves.get(index)?;
        let width = usize::from(plot.area.width) * self.theme.dots().per_cell().0;
        let column = (self.x.place(x) * (width.max(2) - 1) as f64).round().max(0.0) as usize;
        match curve.group {
            Some(group) if self.leads(index, group) => {
                self.mean_at(curve, width, column).map(|(mean, deviation)| Thick::Mean(mean, deviation))
            }
            Some(_) => None,
            None => {
                curve.at(x).filter(|(_, value)| value.is_finite())?;
                let smooth = self.drawn(curve, width).smooth?;
                band::filled(&smooth, width).get(column).copied().filter(|value| value.is_finite()).map(Thick::Smooth)
            }
        }
    }
}

/// What a thick line is at a place, where it is not what was logged.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Thick {
    /// The average of a curve.
    Smooth(f64),
    /// Mean and standard deviation of the runs of a group.
    Mean(f64, f64),
}

impl Thick {
    /// `smooth 2.88`, `mean 2.7 ± 0.1`.
    pub fn text(self, theme: &Theme) -> String {
        match self {
            Thick::Smooth(value) => format!("smooth {}", value_text(value)),
            Thick::Mean(mean, deviation) => format!("mean {} {} {}", value_text(mean), theme.plus_minus(), value_text(deviation)),
        }
    }

    /// The same where there is little room: `~2.88`.
    fn short(self) -> String {
        match self {
            Thick::Smooth(value) | Thick::Mean(value, _) => format!("~{}", value_text(value)),
        }
    }
}

impl Curve<'_> {
    /// The drawn point that is nearest to `x`: its x and its value. A curve that does not reach there has none.
    pub fn at(&self, x: f64) -> Option<(f64, f64)> {
        nearest(self.drawn, self.axis, x)
    }
}

/// The point of a curve that is nearest to `x`: its x and its value. A curve that does not reach there has none.
pub(super) fn nearest(series: &Series, axis: XAxis, x: f64) -> Option<(f64, f64)> {
    let (first, last) = series.extent(axis)?;
    let reach = (last - first) / 50.0;
    if x < first - reach || x > last + reach {
        return None;
    }
    let index = series.lower_bound(axis, x);
    let near = |index: usize| Some((series.x_at(axis, index)?, series.get(index)?.value));
    let (before, after) = (index.checked_sub(1).and_then(near), near(index));
    match (before, after) {
        (Some(before), Some(after)) => Some(if x - before.0 < after.0 - x { before } else { after }),
        (before, after) => before.or(after),
    }
}
