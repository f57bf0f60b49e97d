//! One row of text made of parts, of which the less important give way when the row is short.

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
    /// Joined to the part before by a space, not by a separator.
    pub joined: bool,
}

impl Part {
    /// A part behind a separator.
    pub fn new(text: impl Into<String>, style: Style, rank: u8) -> Part {
        Part { text: text.into(), style, rank, joined: false }
    }

    /// A part that belongs to the one before.
    pub fn joined(text: impl Into<String>, style: Style, rank: u8) -> Part {
        Part { joined: true, ..Part::new(text, style, rank) }
    }
}

/// Draws the parts into one row, the least important left out until the rest fits. Returns the cells used.
pub fn draw(parts: Vec<Part>, separator: &str, faint: Style, area: Rect, buf: &mut Buffer) -> u16 {
    let mut parts: Vec<Part> = parts.into_iter().filter(|part| !part.text.is_empty()).collect();
    if area.is_empty() {
        return 0;
    }
    let room = usize::from(area.width);
    while parts.len() > 1 && width(&parts, separator) > room {
        // Of equally unimportant parts the rightmost goes first.
        let least = (0..parts.len()).rev().min_by_key(|&i| parts[i].rank).unwrap_or(0);
        parts.remove(least);
    }
    let mut x = area.x;
    for (i, part) in parts.iter().enumerate() {
        let before = if i == 0 {
            ""
        } else if part.joined {
            " "
        } else {
            separator
        };
        let left = |x: u16| usize::from(area.right().saturating_sub(x));
        x = buf.set_stringn(x, area.y, before, left(x), faint).0;
        x = buf.set_stringn(x, area.y, text::cut(&part.text, left(x)), left(x), part.style).0;
    }
    x - area.x
}

fn width(parts: &[Part], separator: &str) -> usize {
    let between = |(i, part): (usize, &Part)| {
        if i == 0 {
            0
        } else if part.joined {
            1
        } else {
            text::width(separator)
        }
    };
    parts.iter().map(|part| text::width(&part.text)).sum::<usize>() + parts.iter().enumerate().map(between).sum::<usize>()
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
        draw(parts, " | ", Style::new(), area, &mut buf);
        assert_eq!((0..width).map(|x| buf[(x, 0)].symbol()).collect::<String>().trim_end(), want);
    }

    #[test]
    fn the_least_important_part_goes_first() {
        check(30, "name | running (x) | 3 it/s");
        check(24, "name | running | 3 it/s");
        check(20, "name | running");
        check(8, "name");
        check(3, "na…");
        check(0, "");
    }
}
