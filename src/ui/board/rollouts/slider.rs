//! The slider of the steps that have rollouts.

use super::Rollouts;
use crate::text;
use crate::ui::theme::Theme;
use ratatui::{buffer::Buffer, layout::Rect};

/// With fewer cells it tells nothing.
const CELLS_MIN: usize = 8;
const CELLS_MAX: usize = 80;

/// What stands in the row of the slider.
struct Slider {
    head: String,
    /// Cells of the slider itself; 0: it has no room.
    cells: usize,
    tail: String,
    extra: Vec<String>,
}

impl Rollouts {
    fn slider_in(&self, width: usize) -> Slider {
        let (at, count) = self.step_at();
        // Nothing moves under the hand that moves the knob.
        let digits = self.steps.iter().map(|step| step.to_string().len()).max().unwrap_or(0);
        let head = format!("step {:<digits$} ", self.step_shown().unwrap_or_default());
        let tail = format!(" {} of {count}{}", at + 1, if self.step.is_none() { "  newest" } else { "" });
        let rewards =
            || self.groups.iter().flat_map(|group| &group.trajectories).filter_map(|one| one.reward).filter(|reward| !reward.is_nan());
        let mean = rewards().sum::<f64>() / rewards().count().max(1) as f64;
        let sum = match rewards().reduce(f64::max) {
            Some(best) => format!("   mean {}  best {}", text::number(mean, 3), text::number(best, 3)),
            None => String::new(),
        };
        let groups = format!("   {} group{}", self.groups.len(), if self.groups.len() == 1 { "" } else { "s" });
        let longest = text::width(&head) + format!(" {count} of {count}  newest").len();
        let cells = Some((width / 4).clamp(CELLS_MIN, CELLS_MAX)).filter(|cells| longest + cells <= width).unwrap_or(0);
        let mut used = text::width(&head) + cells + text::width(&tail);
        let fits = |words: &String| {
            let fits = used + text::width(words) <= width;
            used += if fits { text::width(words) } else { 0 };
            fits
        };
        let extra: Vec<String> = [sum, groups].into_iter().filter(fits).collect();
        Slider { head, cells, tail, extra }
    }

    /// `step 10 ─────●─── 3 of 4  newest   mean 0.61  best 1   3 groups`.
    pub(super) fn slider(&self, theme: &Theme, row: Rect, buf: &mut Buffer) {
        let Slider { head, cells, tail, extra } = self.slider_in(usize::from(row.width));
        let (at, count) = self.step_at();
        let knob = at * cells.saturating_sub(1) / count.saturating_sub(1).max(1);
        let [line, dot] = theme.slider();
        let left = |x: u16| usize::from(row.right().saturating_sub(x));
        let mut x = buf.set_stringn(row.x, row.y, &head, left(row.x), theme.accent()).0;
        for cell in 0..cells {
            let (sign, style) = if cell == knob { (dot, theme.accent()) } else { (line, theme.faint()) };
            x = buf.set_stringn(x, row.y, sign, 1, style).0;
        }
        x = buf.set_stringn(x, row.y, &tail, left(x), theme.value()).0;
        for words in extra {
            x = buf.set_stringn(x, row.y, &words, left(x), theme.quiet()).0;
        }
    }

    /// The step whose knob stands nearest to a cell of a row of this width.
    pub(super) fn step_on_slider(&self, x: u16, width: u16) -> Option<i64> {
        let Slider { head, cells, .. } = self.slider_in(usize::from(width));
        let cell = usize::from(x).checked_sub(text::width(&head)).filter(|cell| *cell < cells)?;
        let last = self.steps.len().checked_sub(1)?;
        self.steps.get((cell * last + (cells - 1) / 2) / (cells - 1)).copied()
    }

    pub(super) fn step_shown(&self) -> Option<i64> {
        self.step.or(self.listed).or(self.steps.last().copied())
    }

    /// Place of the step among those that have rollouts, and how many there are.
    pub(super) fn step_at(&self) -> (usize, usize) {
        let at = self.step_shown().map_or(0, |step| self.steps.partition_point(|other| *other < step));
        (at.min(self.steps.len().saturating_sub(1)), self.steps.len())
    }
}
