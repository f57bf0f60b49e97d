//! Charts: curves over one axis, with title, legend, axes, marks and a crosshair; and heat strips.
//!
//! How to add a panel: a type that draws into an area and only reads, like [`Chart`] and [`Heat`], and a
//! [`crate::query::PanelKind`] that says which keys it takes.

mod band;
mod cursor;
mod frame;
mod heat;
mod legend;
mod scale;
mod signs;

pub use cursor::Thick;
pub use heat::{Heat, Spread};
pub use legend::{Entry, Legend};
pub use scale::Scale;

use super::{
    raster::{Raster, Stroke},
    theme::{MarkKind, Theme},
    ticks,
};
use crate::model::{Column, Series, XAxis};
use crate::query::Smoothing;
use crate::text;
use frame::put;
use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use std::borrow::Cow;

/// Significant digits of a value in a title.
const DIGITS: usize = 4;
/// With fewer cells than these beside the labels of the y axis, the labels give way.
const PLOT_CELLS_MIN: u16 = 8;
/// A mark has a line of its own while there is one for at most every so many cells; more would be a curtain.
const CELLS_PER_MARK: usize = 6;
/// Checkpoints closer together than this are one mark: some trainings write one every few steps.
const CHECKPOINT_CELLS: u16 = 3;
/// On a logarithmic axis, what lies so many decades below the largest value is cut off where zero would be.
const DECADES_MAX: i32 = 12;
/// Values that differ by less than this part of them differ by how they were computed.
const ROUNDING: f64 = 1e-14;

/// What is measured along x, for the words below the axis.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Measure {
    /// Whole steps.
    Steps,
    /// Seconds since the start.
    Seconds,
    /// Unix seconds.
    Clock,
    /// Values of a metric.
    Number,
}

impl Measure {
    /// An x in words.
    pub fn text(self, x: f64, utc_offset: f64) -> String {
        match self {
            Measure::Steps => crate::ui::facts::grouped(x.round() as i64),
            Measure::Seconds => text::duration(x),
            Measure::Clock => {
                let of_day = (x + utc_offset).rem_euclid(86_400.0) as u64;
                format!("{:02}:{:02}:{:02}", of_day / 3600, of_day / 60 % 60, of_day % 60)
            }
            Measure::Number => text::number(x, DIGITS),
        }
    }
}

/// One curve.
#[derive(Clone, Copy, Debug)]
pub struct Curve<'a> {
    /// What the legend calls it.
    pub name: &'a str,
    /// The points as they were logged.
    pub logged: &'a Series,
    /// The points as they are drawn: the same, or over another metric.
    pub drawn: &'a Series,
    /// What a resumed run replaced.
    pub before: Option<&'a Series>,
    /// Which x of `drawn`.
    pub axis: XAxis,
    /// `None`: of the chart's own run; else the number of the run's colour and sign.
    pub run: Option<usize>,
    /// Which of the chart's metrics, 0-based.
    pub key: usize,
    /// Curves of one group are drawn as their mean, and a band around it.
    pub group: Option<usize>,
    /// The one that others are compared with.
    pub pinned: bool,
}

/// A moment that is marked.
#[derive(Clone, PartialEq, Debug)]
pub struct Mark {
    /// Where along x.
    pub x: f64,
    /// What it is.
    pub kind: MarkKind,
    /// What is said of it.
    pub text: String,
}

/// What is drawn of one panel.
#[derive(Debug)]
pub struct Chart<'a> {
    /// The metric key, or what the keys have in common.
    pub title: &'a str,
    /// The curves, the chart's own first.
    pub curves: Vec<Curve<'a>>,
    /// What x measures.
    pub measure: Measure,
    /// The x range drawn.
    pub x: Scale,
    /// The metric along x, where it is not what the other charts have.
    pub x_name: Option<&'a str>,
    /// The y range, where it was chosen; else all that is drawn fits.
    pub y: Option<(f64, f64)>,
    /// Whether y is logarithmic.
    pub log_y: bool,
    /// How curves are smoothed.
    pub smoothing: Smoothing,
    /// Why no curve has a point, where that is known.
    pub why_empty: Option<String>,
    /// What happened.
    pub marks: &'a [Mark],
    /// Where the crosshair stands.
    pub cursor: Option<f64>,
    /// Whether keys go to this chart.
    pub focused: bool,
    /// Seconds east of UTC, for the clock on the x axis.
    pub utc_offset: f64,
    /// Colours and signs.
    pub theme: &'a Theme,
}

/// Where the curves of a chart go.
#[derive(Clone, PartialEq, Debug)]
pub struct Plot {
    /// The cells of the curves.
    pub area: Rect,
    /// What stands along y.
    pub y: Scale,
    /// Cells of the labels of the y axis; 0: it has none.
    label: u16,
    ticks: ticks::Ticks,
    /// The row of the x axis.
    x_row: Option<Rect>,
}

/// A value as it stands in a chart.
pub fn value_text(value: f64) -> String {
    text::number(value, DIGITS)
}

/// How smooth columns of one curve are, and as they were.
struct Drawn {
    raw: Vec<Column>,
    smooth: Option<Vec<Column>>,
}

impl Chart<'_> {
    /// Draws the chart.
    pub fn draw(&self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        frame::border(area, self.focused, self.theme, buf);
        let legend = self.legend(area);
        let unsaid = self.title(&legend, area, buf);
        let inside = frame::inside(area);
        if inside.is_empty() {
            return;
        }
        for (row, entries) in legend.rows.iter().enumerate() {
            let mut x = inside.x;
            for entry in entries {
                x = self.entry(entry, inside, x, inside.y + row as u16, buf) + 2;
            }
        }
        let plot = self.plot(area);
        match &plot {
            Some(plot) => self.fill(plot, buf),
            None => self.nothing(inside, buf),
        }
        if frame::bordered(area) {
            let [_, smoothing] = legend::marks(self.smoothing);
            let unsaid = [unsaid, if legend.mark.is_empty() { smoothing } else { String::new() }];
            self.foot(Rect { y: inside.bottom(), height: 1, ..inside }, plot.as_ref(), unsaid, buf);
        }
    }

    /// What stands in its title and below, on an area of this size.
    pub fn legend(&self, area: Rect) -> Legend {
        let own = self.curves.iter().filter(|curve| curve.run.is_none());
        let entries: Vec<(&str, String)> =
            own.map(|curve| (curve.name, curve.logged.last().map_or_else(String::new, |point| value_text(point.value)))).collect();
        Legend::new(self.title, &entries, area).smoothed(self.smoothing, area)
    }

    /// Where its curves go on an area of this size; `None`: there is nothing to draw.
    pub fn plot(&self, area: Rect) -> Option<Plot> {
        let inside = frame::inside(area);
        let legend_rows = self.legend(area).rows.len() as u16;
        let inside = Rect { y: inside.y + legend_rows, height: inside.height.saturating_sub(legend_rows), ..inside };
        let y = self.y_scale()?;
        if inside.is_empty() {
            return None;
        }
        let x_rows = u16::from(inside.height >= 3);
        let rows = inside.height - x_rows;
        let ticks = y.ticks((usize::from(rows) / 2).max(2), ticks::linear);
        let label = ticks.words.iter().map(|word| text::width(word)).max().unwrap_or(0) as u16;
        let gutter = if label > 0 && inside.width >= label + 1 + PLOT_CELLS_MIN && rows >= 2 { label + 1 } else { 0 };
        let area = Rect { x: inside.x + gutter, width: inside.width - gutter, height: rows, ..inside };
        let x_row = (x_rows > 0).then(|| Rect { y: area.bottom(), height: 1, ..inside });
        Some(Plot { area, y, label: gutter.saturating_sub(1), ticks, x_row })
    }

    /// The y range: chosen, or that of everything drawn.
    fn y_scale(&self) -> Option<Scale> {
        let (from, to) = (self.x.from, self.x.to);
        let ranges = self.curves.iter().filter_map(|curve| curve.drawn.range_in(curve.axis, from, to));
        let (min, max) = ranges.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
        // What differs by rounding only is level.
        let rounding = (max - min).abs() <= max.abs().max(min.abs()) * ROUNDING;
        let (min, max) = if rounding { scale::widened(max, max) } else { (min, max) };
        if let Some((lo, hi)) = self.y {
            return Some(Scale::new(lo, hi, self.log_y));
        }
        if !self.log_y || max <= 0.0 || min > 0.0 {
            return Some(Scale::new(min, max, self.log_y));
        }
        // The smallest value above zero, as far as columns tell.
        let columns = self.curves.iter().flat_map(|curve| curve.drawn.columns(curve.axis, from, to, 400));
        let above = columns.flat_map(|c| [c.min, c.max, c.first, c.last, c.mean]).filter(|v| *v > 0.0 && v.is_finite());
        let min = above.fold(max, f64::min).max(max / 10f64.powi(DECADES_MAX));
        Some(Scale::new(if min < max { min } else { max / 10.0 }, max, true))
    }

    /// Curves of other runs are drawn too.
    fn beside_runs(&self) -> bool {
        self.curves.iter().any(|other| other.run.is_some())
    }

    fn look(&self, curve: &Curve<'_>) -> (usize, Style) {
        match curve.run {
            None => (curve.key, self.theme.own(curve.key, self.focused, self.beside_runs())),
            // Where a chart has one metric, patterns are free to tell runs apart without colour.
            Some(run) if self.curves.iter().all(|other| other.key == 0) => (1 + run % 3, self.theme.run(run)),
            Some(run) => (curve.key, self.theme.run(run)),
        }
    }

    fn entry(&self, entry: &Entry, area: Rect, x: u16, y: u16, buf: &mut Buffer) -> u16 {
        let Some(curve) = self.curves.iter().filter(|curve| curve.run.is_none()).nth(entry.curve) else { return x };
        let (pattern, style) = self.look(curve);
        let x = put(buf, area, x, y, self.theme.sample(pattern), style);
        let x = put(buf, area, x, y, &self.theme.plain(Cow::Owned(format!(" {} ", entry.name))), self.theme.title());
        put(buf, area, x, y, &entry.value, self.value_style(curve))
    }

    fn value_style(&self, curve: &Curve<'_>) -> Style {
        let finite = curve.logged.last().is_some_and(|point| point.value.is_finite());
        if finite { self.theme.value() } else { self.theme.bad() }
    }

    /// Title, values, and how many of them are no numbers; returns what of the last had no room.
    fn title(&self, legend: &Legend, area: Rect, buf: &mut Buffer) -> String {
        let odd = self.odd();
        let style = if self.focused { self.theme.accent() } else { self.theme.title() };
        let framed = frame::bordered(area);
        let edge = u16::from(framed);
        let padded = |word: &str| if framed { format!(" {word} ") } else { word.to_owned() };
        let title = self.theme.plain(Cow::Owned(padded(&legend.title))).into_owned();
        let room = Rect { width: area.width.saturating_sub(edge), ..area };
        let mut after = put(buf, room, area.x + edge, area.y, &title, style);
        if !legend.mark.is_empty() {
            let mark = if framed { format!("{} ", legend.mark) } else { format!(" {}", legend.mark) };
            after = put(buf, room, after, area.y, &mark, self.theme.quiet());
        }
        let mut at = area.right() - edge;
        match (legend.beside.as_slice(), self.curves.iter().find(|curve| curve.run.is_none())) {
            ([only], Some(curve)) => {
                let value = padded(&only.value);
                at = area.right().saturating_sub(text::width(&value) as u16 + edge);
                put(buf, area, at, area.y, &value, self.value_style(curve));
            }
            (entries, _) => {
                for entry in entries {
                    after = self.entry(entry, room, after, area.y, buf);
                    after = put(buf, room, after, area.y, " ", self.theme.faint());
                }
            }
        }
        let width = text::width(&odd) as u16 + 3;
        if odd.is_empty() || at.saturating_sub(after) <= width {
            return odd;
        }
        put(buf, area, at - width, area.y, &format!(" {odd} "), self.theme.bad());
        String::new()
    }

    /// How many values are no numbers: `nan 3 inf 1`.
    fn odd(&self) -> String {
        let count = |of: fn(&Series) -> usize| self.curves.iter().filter(|curve| curve.run.is_none()).map(|curve| of(curve.logged)).sum();
        let word = |word: &str, count: usize| if count == 0 { String::new() } else { format!("{word} {count}") };
        let (nan, inf) = (word("nan", count(Series::nan_count)), word("inf", count(Series::inf_count)));
        if nan.is_empty() || inf.is_empty() { nan + &inf } else { format!("{nan} {inf}") }
    }

    /// In the lower border: the values at the crosshair, else what has to be added to the labels, else the range; and what had no
    /// room in the title, and what x is.
    fn foot(&self, border: Rect, plot: Option<&Plot>, [odd, smoothing]: [String; 2], buf: &mut Buffer) {
        let mut right = border.right();
        let mut end = |words: &str, style: Style, buf: &mut Buffer| {
            let words = if words.is_empty() { String::new() } else { format!(" {words} ") };
            let width = text::width(&words) as u16;
            if width <= right - border.x {
                right -= width;
                put(buf, border, right, border.y, &words, style);
            }
        };
        end(&odd, self.theme.bad(), buf);
        end(&smoothing, self.theme.quiet(), buf);
        if self.log_y && plot.is_some_and(|plot| !plot.y.log) {
            let why = if self.y.is_some() { "linear: y reaches to 0" } else { "linear: nothing above 0" };
            end(why, self.theme.warn(), buf);
        }
        if let Some(name) = self.x_name {
            end(&self.theme.plain(Cow::Owned(format!("x: {name}"))), self.theme.title(), buf);
        }
        let range = || {
            let ranges = self.curves.iter().filter_map(|curve| curve.drawn.range_in(curve.axis, self.x.from, self.x.to));
            ranges.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
        };
        let mut words = vec![];
        let cursor = self.cursor_in_sight();
        if let Some(at) = cursor {
            words = self.cursor_words(at, plot);
        } else if let Some(base) = plot.and_then(|plot| plot.ticks.base.as_ref().filter(|_| plot.label > 0)) {
            words.push(format!(" y + {base} "));
        } else if let Some((min, max)) = range() {
            let (min, max) = (text::number(min, 3), text::number(max, 3));
            words = vec![format!(" min {min}  max {max} "), format!(" {min}..{max} ")];
        }
        if let Some(words) = words.iter().find(|words| text::width(words) as u16 <= right - border.x) {
            let style = if cursor.is_some() { self.theme.value() } else { self.theme.quiet() };
            put(buf, border, border.x, border.y, words, style);
        }
    }

    /// Why there is no curve.
    fn nothing(&self, inside: Rect, buf: &mut Buffer) {
        let unlogged = self.curves.iter().all(|c| c.logged.is_empty());
        let why = match (unlogged, self.curves.iter().all(|c| c.drawn.extent(c.axis).is_none())) {
            (true, _) => self.why_empty.as_deref().unwrap_or("no points yet"),
            (_, true) if matches!(self.measure, Measure::Number | Measure::Steps) => "no point has this x",
            (_, true) => "no wall times (x: other axis)",
            _ if self.curves.iter().any(|c| c.drawn.range().is_some()) => "no point in this range",
            _ => "no finite value",
        };
        let lines = text::wrap(why, usize::from(inside.width));
        let rows = lines.len().min(usize::from(inside.height)) as u16;
        for (y, line) in (inside.y + (inside.height + 1 - rows) / 2..inside.bottom()).zip(lines) {
            let line = self.theme.plain(Cow::Owned(line));
            let x = inside.x + inside.width.saturating_sub(text::width(&line) as u16) / 2;
            put(buf, inside, x, y, &line, self.theme.warn());
        }
    }

    fn fill(&self, plot: &Plot, buf: &mut Buffer) {
        if plot.label > 0 {
            frame::y_axis(plot.area, plot.label, &plot.ticks, plot.y, self.theme, buf);
        }
        if let Some(row) = plot.x_row {
            frame::x_axis(row, plot.area, self.x, self.measure, self.utc_offset, self.theme, buf);
        }
        self.draw_curves(plot, buf);
        self.draw_marks(plot.area, buf);
        self.draw_cursor(plot.area, buf);
    }

    fn draw_curves(&self, plot: &Plot, buf: &mut Buffer) {
        /// Layers of what lies behind the curves.
        const BEHIND: usize = 1;
        let mut raster = Raster::new(self.theme.dots(), plot.area.width, plot.area.height);
        let across = self.theme.dots().per_cell().0;
        let mut styles = vec![self.theme.curve_raw(); BEHIND];
        // The chart's own run, and the one that others are compared with, lie on top; so does what is logged seldom, as
        // evaluations are, since a dense curve would hide it.
        let mut order: Vec<usize> = (0..self.curves.len()).collect();
        let points = |curve: &Curve<'_>| std::cmp::Reverse(curve.logged.len());
        order.sort_by_key(|&i| (self.curves[i].pinned, self.curves[i].run.is_none(), points(&self.curves[i]), std::cmp::Reverse(i)));
        let (lo, hi) = self.raised_range(plot.y);
        let mut gaps: Vec<usize> = vec![];
        let mut lines: Vec<signs::Line> = vec![];
        for (layer, index) in order.into_iter().enumerate() {
            let curve = &self.curves[index];
            let (pattern, style) = self.look(curve);
            // Layers beyond those of a byte share the last one.
            let layer = (layer + BEHIND).min(usize::from(u8::MAX)) as u8;
            styles.resize(usize::from(layer) + 1, style);
            if let Some(before) = curve.before {
                let columns = self.raised(self.columns(before, curve.axis, raster.width(), 0), plot.y);
                raster.series(&columns, lo, hi, Stroke { layer: 0, pattern: 2, thick: false });
            }
            match curve.group {
                Some(group) if self.leads(index, group) => {
                    let means = self.band(index, plot, layer, &mut raster);
                    lines.extend(self.line(curve, || means));
                }
                Some(_) => continue,
                None => {
                    let drawn = self.drawn(curve, raster.width());
                    if curve.run.is_none() {
                        gaps.extend(drawn.raw.iter().filter(|column| column.gap).map(|column| column.index));
                    }
                    lines.extend(self.line(curve, || band::filled(drawn.smooth.as_ref().unwrap_or(&drawn.raw), raster.width())));
                    match drawn.smooth {
                        Some(smooth) => {
                            raster.series(&self.raised(drawn.raw, plot.y), lo, hi, Stroke::thin(0));
                            raster.series(&self.raised(smooth, plot.y), lo, hi, Stroke { layer, pattern, thick: true });
                        }
                        None => raster.series(&self.raised(drawn.raw, plot.y), lo, hi, Stroke { layer, pattern, thick: curve.pinned }),
                    }
                }
            }
        }
        raster.draw(plot.area, buf, &styles);
        signs::draw(&lines, plot, across, buf);
        for column in gaps {
            let at = (plot.area.x + (column / across) as u16, plot.area.bottom() - 1);
            if buf[at].symbol() == " " {
                put(buf, plot.area, at.0, at.1, self.theme.gap(), self.theme.bad());
            }
        }
    }

    /// The columns of a curve and, where it is smoothed, of its average.
    fn drawn(&self, curve: &Curve<'_>, width: usize) -> Drawn {
        let reach = self.smoothing.reach(width).min(width * 2);
        let mut raw = self.columns(curve.drawn, curve.axis, width, reach);
        let smooth = (self.smoothing != Smoothing::Off).then(|| {
            let mut smooth = raw.clone();
            self.smoothing.apply(&mut smooth, width);
            shown(&mut smooth, reach);
            smooth
        });
        shown(&mut raw, reach);
        Drawn { raw, smooth }
    }

    /// Columns of the x range, behind `lead` columns of what stands left of it, so that an average does not start anew at the edge.
    fn columns(&self, series: &Series, axis: XAxis, width: usize, lead: usize) -> Vec<Column> {
        let last = (width.max(2) - 1) as f64;
        let from = if lead == 0 { self.x.from } else { self.x.at(-(lead as f64) / last) };
        series.columns_at(axis, from, self.x.to, width + lead, |x| (self.x.place(x) * last + lead as f64).max(0.0))
    }

    /// The range of a raster: of the logarithms, where y is logarithmic.
    fn raised_range(&self, y: Scale) -> (f64, f64) {
        if y.log { (y.from.log10(), y.to.log10()) } else { (y.from, y.to) }
    }

    /// Columns as a raster wants them; what has no logarithm lies below the chart.
    fn raised(&self, mut columns: Vec<Column>, y: Scale) -> Vec<Column> {
        if y.log {
            let below = y.from.log10() - (y.to / y.from).log10();
            let raise = |v: f64| if v > 0.0 { v.log10() } else { below };
            for c in columns.iter_mut().filter(|c| c.min <= c.max) {
                (c.min, c.max, c.first, c.last, c.mean) = (raise(c.min), raise(c.max), raise(c.first), raise(c.last), raise(c.mean));
            }
        }
        columns
    }

    fn draw_marks(&self, area: Rect, buf: &mut Buffer) {
        let mut cells: Vec<(u16, MarkKind)> = vec![];
        let inside = self.marks.iter().filter(|mark| (self.x.from..=self.x.to).contains(&mark.x));
        for mark in inside {
            let cell = area.x + (self.x.place(mark.x) * f64::from(area.width - 1)).round() as u16;
            cells.push((cell, mark.kind));
        }
        // Of several in a cell, the gravest.
        cells.sort_by_key(|(cell, kind)| (*cell, std::cmp::Reverse(*kind)));
        cells.dedup_by_key(|(cell, _)| *cell);
        let of = |kind: MarkKind| cells.iter().filter(|(_, other)| *other == kind).count();
        let crowded: Vec<MarkKind> =
            cells.iter().map(|(_, kind)| *kind).filter(|kind| of(*kind) * CELLS_PER_MARK > usize::from(area.width)).collect();
        // Checkpoints come in rows: of those close together, the last, so that they hide neither curves nor what else happened.
        let mut next: Option<u16> = None;
        cells.reverse();
        cells.retain(|(cell, kind)| {
            let near = *kind == MarkKind::Checkpoint && next.is_some_and(|next| next - cell < CHECKPOINT_CELLS);
            next = if *kind == MarkKind::Checkpoint && !near { Some(*cell) } else { next };
            !near
        });
        for (cell, kind) in cells {
            let (sign, style) = self.theme.mark(kind);
            let crowded = crowded.contains(&kind);
            if !crowded || buf[(cell, area.y)].symbol() == " " {
                put(buf, area, cell, area.y, sign, style);
            }
            if crowded {
                continue;
            }
            for y in area.y + 1..area.bottom() {
                if buf[(cell, y)].symbol() == " " {
                    put(buf, area, cell, y, self.theme.mark_line(), style);
                }
            }
        }
    }
}

/// Drops the leading columns, so that what is left starts at the left edge.
fn shown(columns: &mut Vec<Column>, lead: usize) {
    columns.retain(|column| column.index >= lead);
    columns.iter_mut().for_each(|column| column.index -= lead);
}

#[cfg(test)]
mod tests;
