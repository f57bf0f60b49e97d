//! A place in a list of rows that is longer than the screen.

use super::page::{Refused, Shared, value};
use crate::ui::{keymap::Action, pane::Effect, strip::Part};
use ratatui::layout::Rect;

/// What a place is counted in when it is set.
pub const ABOVE: &str = "the number of rows above what is in sight";

/// So many rows above what is in sight, where there can be so many; else why not, in words.
pub fn can_be_above(above: usize, rows: usize, height: usize) -> Result<usize, Refused> {
    match rows.saturating_sub(height) {
        most if above <= most => Ok(above),
        0 => Err(Refused::Value(format!("all rows ({rows}) are in sight: none can be above them"))),
        most => Err(Refused::Value(format!("at most {most} of {rows} rows can be above what is in sight, not {above}"))),
    }
}

/// The first row in sight; or the end, whatever comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scroll {
    /// This row is the first in sight.
    From(usize),
    /// The last row is in sight, also when more come.
    End,
}

impl Scroll {
    /// Sets the name of the place, as a page tells it, for so many rows on a screen of this height.
    pub fn set(&mut self, name: &str, text: &str, rows: usize, height: usize) -> Result<(), Refused> {
        if name != "top" {
            return Err(Refused::Unknown);
        }
        *self = Scroll::From(can_be_above(value(text, ABOVE)?, rows, height)?);
        Ok(())
    }

    /// The first row in sight of `rows` on a screen of `height`.
    pub fn top(self, rows: usize, height: usize) -> usize {
        let last = rows.saturating_sub(height);
        match self {
            Scroll::From(top) => top.min(last),
            Scroll::End => last,
        }
    }

    /// Does what a key means for so many rows on this area, as a page answers it.
    pub fn steer(&mut self, action: Action, rows: usize, area: Rect, follows: bool) -> Option<Vec<Effect>> {
        *self = self.act(action, rows, usize::from(area.height), follows)?;
        Some(vec![Effect::Draw])
    }

    /// The rows in sight on this area, each with where it is drawn.
    pub fn in_sight<T>(self, rows: &[T], area: Rect) -> impl Iterator<Item = (u16, &T)> {
        (area.y..area.bottom()).zip(&rows[self.top(rows.len(), usize::from(area.height))..])
    }

    /// `1-20 of 300` for the footer, where not all rows are in sight.
    pub fn place(self, rows: usize, area: Rect, shared: &Shared) -> Option<Part> {
        let height = usize::from(area.height);
        let top = self.top(rows, height);
        (rows > height).then(|| Part::new(format!("{}-{} of {rows}", top + 1, top + height), shared.theme.value(), 9))
    }

    /// Where a key leads; `None`: it does not scroll. At its end a list that `follows` stays there.
    pub fn act(self, action: Action, rows: usize, height: usize, follows: bool) -> Option<Scroll> {
        let (top, last) = (self.top(rows, height), rows.saturating_sub(height));
        // One line stays in sight, so that nobody loses the place.
        let page = height.saturating_sub(1).max(1);
        let to = match action {
            Action::Up => top.saturating_sub(1),
            Action::Down => (top + 1).min(last),
            Action::PageUp => top.saturating_sub(page),
            Action::PageDown => (top + page).min(last),
            Action::First => 0,
            Action::Last => last,
            _ => return None,
        };
        Some(if follows && to == last && action != Action::First { Scroll::End } else { Scroll::From(to) })
    }

    /// The place from which `row` is in sight, moved as little as can be.
    pub fn onto(self, row: usize, rows: usize, height: usize) -> Scroll {
        let top = self.top(rows, height);
        if row < top {
            Scroll::From(row)
        } else if row >= top + height {
            Scroll::From((row + 1).saturating_sub(height))
        } else {
            Scroll::From(top)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_follows_stays_at_its_end_until_somebody_scrolls() {
        let end = Scroll::End;
        assert_eq!((end.top(100, 10), end.top(200, 10), end.top(3, 10)), (90, 190, 0));
        let up = end.act(Action::Up, 100, 10, true).unwrap();
        assert_eq!((up, up.top(200, 10)), (Scroll::From(89), 89));
        assert_eq!(up.act(Action::Down, 100, 10, true), Some(Scroll::End));
        assert_eq!(up.act(Action::Down, 100, 10, false), Some(Scroll::From(90)));
        assert_eq!(up.act(Action::Open, 100, 10, true), None);
    }

    #[test]
    fn a_place_that_cannot_be_is_refused_in_words() {
        let set = |text: &str, rows, height| {
            let mut scroll = Scroll::End;
            scroll.set("top", text, rows, height).map(|()| scroll)
        };
        assert_eq!(set("90", 100, 10), Ok(Scroll::From(90)));
        let why = "at most 90 of 100 rows can be above what is in sight, not 91";
        assert_eq!(set("91", 100, 10), Err(Refused::Value(why.into())));
        assert_eq!(set("0", 5, 10), Ok(Scroll::From(0)));
        assert_eq!(set("1", 5, 10), Err(Refused::Value("all rows (5) are in sight: none can be above them".into())));
    }

    #[test]
    fn a_row_is_brought_into_sight_by_the_shortest_way() {
        let at = Scroll::From(20);
        assert_eq!(at.onto(25, 100, 10), Scroll::From(20));
        assert_eq!(at.onto(15, 100, 10), Scroll::From(15));
        assert_eq!(at.onto(30, 100, 10), Scroll::From(21));
    }
}
