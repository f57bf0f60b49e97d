//! The title of a chart, and which curve is which.

use super::frame;
use crate::query::Smoothing;
use crate::text;
use ratatui::layout::Rect;

/// A curve in a legend.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Which curve, 0-based.
    pub curve: usize,
    /// Its name as it is drawn, perhaps cut.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl Entry {
    /// Cells of a sample of the curve, with its space.
    pub const SAMPLE: usize = 2;

    fn width(&self) -> usize {
        let value = if self.value.is_empty() { 0 } else { 1 + text::width(&self.value) };
        Entry::SAMPLE + text::width(&self.name) + value
    }
}

/// What stands in a chart's title, and in rows below it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Legend {
    /// The title; for one curve its name.
    pub title: String,
    /// Behind it: how the curves are smoothed; empty where they are not, and where there is no room for it.
    pub mark: String,
    /// Behind the title: the value of the only curve, or all curves.
    pub beside: Vec<Entry>,
    /// Below it.
    pub rows: Vec<Vec<Entry>>,
}

impl Legend {
    /// The legend of a chart of this size, of curves with these names and values. What does not fit is left out, and then it is not
    /// reported as shown either.
    pub fn new(title: &str, curves: &[(&str, String)], area: Rect) -> Legend {
        let room = title_room(area);
        let bare = || Legend { title: text::cut_start(title, usize::from(area.width)).into_owned(), ..Legend::default() };
        let single = |name: &str, value: &str| match title_parts(name, value, room) {
            Some((name, value)) => Legend { title: name.clone(), beside: vec![Entry { curve: 0, name, value }], ..Legend::default() },
            None => bare(),
        };
        let entry = |(curve, (name, value)): (usize, &(&str, String))| Entry { curve, name: (*name).to_owned(), value: value.clone() };
        let entries: Vec<Entry> = curves.iter().enumerate().map(entry).collect();
        match entries.as_slice() {
            [] => return bare(),
            [only] => return single(title, &only.value),
            _ => {}
        }
        let inline = text::width(title) + entries.iter().map(|entry| 2 + entry.width()).sum::<usize>();
        if inline <= room {
            return Legend { title: title.to_owned(), beside: entries, ..Legend::default() };
        }
        let inside = frame::inside(area);
        let rows_max = if inside.height < 4 { 0 } else { usize::from(inside.height / 4).max(1) };
        let mut rows: Vec<Vec<Entry>> = vec![];
        let mut used = 0;
        let mut left_out = 0;
        for entry in entries {
            // Next to others, behind them in a row of its own, or only its name: no curve is drawn that is not named.
            let bare = Entry { value: String::new(), ..entry.clone() };
            let room = usize::from(inside.width);
            let beside = |entry: &Entry| used > 0 && used + 2 + entry.width() <= room;
            let below = |entry: &Entry| rows.len() < rows_max && entry.width() <= room;
            let (entry, is_beside) = match () {
                () if beside(&entry) => (entry, true),
                () if below(&entry) => (entry, false),
                () if beside(&bare) => (bare, true),
                () if below(&bare) => (bare, false),
                () => {
                    left_out += 1;
                    continue;
                }
            };
            if !is_beside {
                rows.push(vec![]);
                used = 0;
            }
            used += entry.width() + if used > 0 { 2 } else { 0 };
            if let Some(row) = rows.last_mut() {
                row.push(entry);
            }
        }
        match (rows.is_empty(), room) {
            (true, _) => single(&more(title, left_out - 1), &curves[0].1),
            (false, 0) => Legend { rows, ..bare() },
            (false, _) => Legend { title: text::cut_start(&more(title, left_out), room).into_owned(), rows, ..Legend::default() },
        }
    }

    /// The same on an area of this size, with the word for how the curves are smoothed, as long as there is room.
    pub fn smoothed(mut self, smoothing: Smoothing, area: Rect) -> Legend {
        if smoothing == Smoothing::Off {
            return self;
        }
        let beside: usize = match self.beside.as_slice() {
            [only] => 1 + text::width(&only.value),
            all => all.iter().map(|entry| 2 + entry.width()).sum(),
        };
        let left = title_room(area).saturating_sub(text::width(&self.title) + beside);
        self.mark = marks(smoothing).into_iter().find(|mark| text::width(mark) < left).unwrap_or_default();
        self
    }

    /// The curves whose name and value are drawn, not those that are only named.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.beside.iter().chain(self.rows.iter().flatten()).filter(|entry| !entry.value.is_empty())
    }
}

/// How curves are smoothed, in words, the longest first.
pub fn marks(smoothing: Smoothing) -> [String; 2] {
    match smoothing {
        Smoothing::Off => Default::default(),
        Smoothing::Ema(weight) => [smoothing.word(), format!("~{weight}")],
        Smoothing::Ma(window) => [smoothing.word(), format!("~{window}")],
    }
}

/// A title that says how many curves have no room for their names.
fn more(title: &str, left_out: usize) -> String {
    if left_out == 0 { title.to_owned() } else { format!("{title} +{left_out}") }
}

/// The cut key and the value as they stand in a title of `room` cells; `None` when both do not fit, and then neither is
/// reported as shown.
fn title_parts(key: &str, value: &str, room: usize) -> Option<(String, String)> {
    /// A key cut shorter says nothing.
    const KEY_CELLS_MIN: usize = 2;
    let left = room.checked_sub(text::width(value) + 1)?;
    (left >= KEY_CELLS_MIN.min(text::width(key))).then(|| (text::cut_start(key, left).into_owned(), value.to_owned()))
}

/// Cells that a chart of this size has for its title.
fn title_room(area: Rect) -> usize {
    let frame = if frame::bordered(area) { 6 } else { 0 };
    if area.height == 0 { 0 } else { usize::from(area.width).saturating_sub(frame) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(width: u16, height: u16, want: &str) {
        let curves = [("train", "1.78".to_owned()), ("val", "1.98".to_owned())];
        let legend = Legend::new("loss", &curves, Rect::new(0, 0, width, height));
        let words = |entries: &[Entry]| entries.iter().map(|e| format!("{} {}", e.name, e.value)).collect::<Vec<_>>().join(", ");
        let rows = legend.rows.iter().map(|row| words(row)).collect::<Vec<_>>().join(" / ");
        assert_eq!(format!("{} [{}] [{rows}]", legend.title, words(&legend.beside)), want);
    }

    #[test]
    fn a_legend_takes_the_room_there_is() {
        check(50, 12, "loss [train 1.78, val 1.98] []");
        check(30, 12, "loss [] [train 1.78, val 1.98]");
        check(21, 12, "loss [] [train 1.78 / val 1.98]");
        check(24, 6, "loss [] [train 1.78, val ]");
        check(20, 6, "loss +1 [] [train 1.78]");
        check(20, 4, "loss +1 [loss +1 1.78] []");
        check(3, 4, "…ss [] []");
    }
}
