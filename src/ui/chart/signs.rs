//! Signs on the curves of several runs, the same as in their legend: for eyes and terminals without colour.

use super::{Chart, Curve, Plot};
use ratatui::{
    buffer::Buffer,
    style::{Modifier, Style},
};

/// A curve has a sign at least every so many cells.
const CELLS_PER_SIGN: usize = 30;

/// A curve that wants signs.
pub struct Line {
    sign: &'static str,
    style: Style,
    /// Its value at each column of dots; NaN where it has none.
    values: Vec<f64>,
}

impl Chart<'_> {
    /// A curve with its sign, where several runs are drawn.
    pub(super) fn line(&self, curve: &Curve<'_>, values: impl FnOnce() -> Vec<f64>) -> Option<Line> {
        let sign = curve.run.map_or(self.theme.own_sign(), |run| self.theme.run_sign(run));
        self.beside_runs().then(|| Line { sign, style: self.look(curve).1.add_modifier(Modifier::BOLD), values: values() })
    }
}

/// Draws the signs of these curves; `across`: columns of dots in a cell. Each is where no other one is, and they are spread, so
/// that they tell curves apart also where these lie on each other.
pub fn draw(lines: &[Line], plot: &Plot, across: usize, buf: &mut Buffer) {
    let (area, count) = (plot.area, lines.len());
    let width = usize::from(area.width);
    let apart = CELLS_PER_SIGN.max(2 * count);
    let mut taken: Vec<(u16, u16)> = vec![];
    for (n, line) in lines.iter().enumerate() {
        let place = |x: usize| {
            let value = *line.values.get(x * across + across / 2)?;
            let down = 1.0 - plot.y.place(value);
            let row = (down * f64::from(area.height.saturating_sub(1))).round();
            let is_in_sight = value.is_finite() && (0.0..=1.0).contains(&down);
            is_in_sight.then(|| (area.x + x as u16, area.y + row as u16))
        };
        let first = width * (2 * n + 1) / (2 * count) % apart;
        for (nth, wanted) in (first..width).step_by(apart).enumerate() {
            let reach = if nth == 0 { width } else { apart / 2 };
            let nearby = (0..reach).flat_map(|off| [wanted.checked_add(off), wanted.checked_sub(off)]).flatten().filter(|x| *x < width);
            if let Some(at) = nearby.filter_map(place).find(|at| !taken.contains(at)) {
                taken.push(at);
                buf[at].set_symbol(line.sign).set_style(line.style);
            }
        }
    }
}
