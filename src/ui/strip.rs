//! One row of text made of parts, of which the less important give way when the row is short.

use super::theme::Theme;
use crate::text;
use ratatui::{buffer::Buffer, layout::Rect, style::Style};

/// A part of a row.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its text.
    pub text: String,
    /// How it looks.
    pub style: Style,
    /// Parts with a higher rank stay longer.
    pub rank: u8,
    /// Joined to whatever is drawn before it by a space, not by a separator.
    pub joined: bool,
    /// Means nothing without the part before it, so it goes with it.
    pub bound: bool,
    /// Cells of it that say something by themselves: where it has no room it is cut to no less. 0: it is left out whole.
    pub least: usize,
}

impl Part {
    /// A part behind a separator.
    pub fn new(text: impl Into<String>, style: Style, rank: u8) -> Part {
        Part { text: text.into(), style, rank, joined: false, bound: false, least: 0 }
    }

    /// A part that belongs to the one before, and also says something beside another.
    pub fn joined(text: impl Into<String>, style: Style, rank: u8) -> Part {
        Part { joined: true, ..Part::new(text, style, rank) }
    }

    /// A part that means nothing without the one before, which is as important or more.
    pub fn bound(text: impl Into<String>, style: Style, rank: u8) -> Part {
        Part { bound: true, ..Part::joined(text, style, rank) }
    }

    /// A part whose start says something, in `least` cells or more.
    pub fn cut_to(self, least: usize) -> Part {
        Part { least, ..self }
    }

    /// What stands before it when it is the `n`-th drawn, 0-based.
    fn before<'a>(&self, n: usize, separator: &'a str) -> &'a str {
        match (n, self.joined) {
            (0, _) => "",
            (_, true) => " ",
            (_, false) => separator,
        }
    }
}

/// Draws the parts into one row: the most important first, then whatever still fits, in the order given.
pub fn draw(mut parts: Vec<Part>, theme: &Theme, row: Rect, buf: &mut Buffer) {
    let separator = theme.separator();
    let mut by_rank: Vec<usize> = (0..parts.len()).filter(|&i| !parts[i].text.is_empty()).collect();
    by_rank.sort_by_key(|&i| std::cmp::Reverse(parts[i].rank));
    let mut chosen: Vec<usize> = Vec::new();
    for i in by_rank {
        if parts[i].bound && !i.checked_sub(1).is_some_and(|owner| chosen.contains(&owner)) {
            continue;
        }
        let at = chosen.partition_point(|&before| before < i);
        chosen.insert(at, i);
        let over = width(&parts, &chosen, separator).saturating_sub(usize::from(row.width));
        let cut = text::width(&parts[i].text).saturating_sub(over);
        if over > 0 && parts[i].least > 0 && cut >= parts[i].least {
            parts[i].text = text::cut(&parts[i].text, cut).into_owned();
        } else if over > 0 && chosen.len() > 1 {
            chosen.remove(at);
        }
    }
    let mut x = row.x;
    let left = |x: u16| usize::from(row.right().saturating_sub(x));
    for (n, part) in chosen.iter().map(|&i| &parts[i]).enumerate() {
        x = buf.set_stringn(x, row.y, part.before(n, separator), left(x), theme.faint()).0;
        x = buf.set_stringn(x, row.y, theme.plain(text::cut(&part.text, left(x))), left(x), part.style).0;
    }
}

fn width(parts: &[Part], chosen: &[usize], separator: &str) -> usize {
    let cells = |(n, part): (usize, &Part)| text::width(part.before(n, separator)) + text::width(&part.text);
    chosen.iter().map(|&i| &parts[i]).enumerate().map(cells).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(width: u16, want: &str) {
        let parts = vec![
            Part::new("name", Style::new(), 9),
            Part::new("running", Style::new(), 8),
            Part::joined("(x)", Style::new(), 1),
            Part::new("3 it/s", Style::new(), 4),
        ];
        let area = Rect::new(0, 0, width, 1);
        let mut buf = Buffer::empty(area);
        draw(parts, &Theme::new(false, false), area, &mut buf);
        assert_eq!((0..width).map(|x| buf[(x, 0)].symbol()).collect::<String>().trim_end(), want);
    }

    #[test]
    fn the_most_important_parts_stay_and_small_ones_fill_up() {
        check(30, "name | running (x) | 3 it/s");
        check(24, "name | running | 3 it/s");
        check(18, "name | running (x)");
        check(16, "name | running");
        check(8, "name (x)");
        check(7, "name");
        check(3, "na~");
        check(0, "");
    }

    #[test]
    fn a_part_whose_start_says_something_is_cut_before_it_is_left_out() {
        let row = |width: u16| {
            let plain = Style::new();
            let parts = vec![Part::new("source: csv + stdout", plain, 3).cut_to(12), Part::new("q quit", plain, 4)];
            let area = Rect::new(0, 0, width, 1);
            let mut buf = Buffer::empty(area);
            draw(parts, &Theme::new(false, false), area, &mut buf);
            (0..width).map(|x| buf[(x, 0)].symbol()).collect::<String>().trim_end().to_owned()
        };
        assert_eq!(row(29), "source: csv + stdout | q quit");
        assert_eq!(row(24), "source: csv + ~ | q quit");
        assert_eq!(row(20), "q quit");
    }

    #[test]
    fn what_means_nothing_by_itself_goes_with_what_it_belongs_to() {
        let row = |width: u16| {
            let plain = Style::new();
            let parts = vec![Part::new("name", plain, 9), Part::new("train/loss 1.5", plain, 8), Part::bound("(best 1)", plain, 7)];
            let area = Rect::new(0, 0, width, 1);
            let mut buf = Buffer::empty(area);
            draw(parts, &Theme::new(false, false), area, &mut buf);
            (0..width).map(|x| buf[(x, 0)].symbol()).collect::<String>().trim_end().to_owned()
        };
        assert_eq!(row(30), "name | train/loss 1.5 (best 1)");
        assert_eq!(row(29), "name | train/loss 1.5");
        assert_eq!(row(18), "name", "a value without its name is nothing");
    }
}
