//! A pane's last frame as something to show: text, a part of it, looks, highlights.

use super::{
    emulator::{Cursor, Emulator, Modes, Style},
    row::Row,
    screen::PaneScreen,
};
use crate::text;
use std::{fmt, ops::Range, str::FromStr};

/// What stands on a pane at one seq.
#[derive(Clone, PartialEq, Debug)]
pub struct Snapshot {
    /// The screen's seq.
    pub seq: u64,
    /// Hash of the whole screen's content, whatever part of it is shown here.
    pub hash: u64,
    /// Columns and rows of the pane.
    pub size: (u16, u16),
    /// The columns that are shown.
    pub cols: Range<u16>,
    /// The rows that are shown: one line of `text` each.
    pub rows: Range<u16>,
    /// Rows of the region that `lines_max` left out above.
    pub rows_left_out: u16,
    /// The rows joined by newlines, without spaces at their ends and without blank rows at the bottom.
    pub text: String,
    /// Stretches that do not look plain, in columns and rows of the pane.
    pub runs: Vec<StyledRun>,
    /// What is marked by inverse or bold, in columns and rows of the pane.
    pub highlights: Vec<Highlight>,
    /// Where the cursor is, in columns and rows of the pane.
    pub cursor: Cursor,
    /// The modes in force.
    pub modes: Modes,
    /// The title that the program gave itself.
    pub title: Option<String>,
}

/// Neighbouring cells of one look.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StyledRun {
    /// Row, 0-based.
    pub row: u16,
    /// First column.
    pub from: u16,
    /// Column after the last.
    pub to: u16,
    /// How they look.
    pub style: Style,
}

/// Text that the program marks: a selected line, a heading, a focused field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Highlight {
    /// Row, 0-based.
    pub row: u16,
    /// First column.
    pub from: u16,
    /// Column after the last.
    pub to: u16,
    /// What stands there, without spaces at its end.
    pub text: String,
    /// Foreground and background are swapped.
    pub inverse: bool,
    /// It is bold.
    pub bold: bool,
}

/// A part of a screen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Region {
    /// All of it.
    #[default]
    Whole,
    /// A rectangle: left column, top row, columns, rows.
    Rect(u16, u16, u16, u16),
    /// Rows from the first to the last, 0-based, both included.
    Rows(u16, u16),
    /// The upper half.
    Top,
    /// The lower half.
    Bottom,
    /// The left half.
    Left,
    /// The right half.
    Right,
}

/// A region that cannot be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RegionError(String);

impl fmt::Display for RegionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a region: say top, bottom, left, right, `rows 3-10`, or x,y,WxH as in 0,3,80x10", self.0)
    }
}

impl std::error::Error for RegionError {}

impl FromStr for Region {
    type Err = RegionError;

    /// Reads `top|bottom|left|right`, `rows A-B` (0-based, both included) or `x,y,WxH`.
    fn from_str(word: &str) -> Result<Region, RegionError> {
        let lower = word.trim().to_ascii_lowercase();
        let region = match lower.as_str() {
            "" | "all" | "whole" => Some(Region::Whole),
            "top" => Some(Region::Top),
            "bottom" => Some(Region::Bottom),
            "left" => Some(Region::Left),
            "right" => Some(Region::Right),
            lower => rows(lower).or_else(|| rect(lower)),
        };
        region.ok_or_else(|| RegionError(word.to_owned()))
    }
}

impl Region {
    /// The columns and rows that it covers on a screen of this size; what lies outside is cut off.
    pub fn on(self, cols: u16, rows: u16) -> (Range<u16>, Range<u16>) {
        let (x, y) = match self {
            Region::Whole => (0..cols, 0..rows),
            Region::Rect(x, y, w, h) => (x..x.saturating_add(w), y..y.saturating_add(h)),
            Region::Rows(first, last) => (0..cols, first..last.saturating_add(1)),
            Region::Top => (0..cols, 0..rows.div_ceil(2)),
            Region::Bottom => (0..cols, rows / 2..rows),
            Region::Left => (0..cols.div_ceil(2), 0..rows),
            Region::Right => (cols / 2..cols, 0..rows),
        };
        (x.start.min(cols)..x.end.min(cols), y.start.min(rows)..y.end.min(rows))
    }
}

impl<E: Emulator> PaneScreen<E> {
    /// The part `region` of the last frame, and of that at most the last `lines_max` rows that are not
    /// blank at the bottom.
    pub fn snapshot(&self, region: Region, lines_max: Option<usize>) -> Snapshot {
        let frame = self.frame();
        // Just after a resize the last frame still has the old count of rows.
        let (cols, rows) = region.on(self.size().0, self.size().1.min(frame.rows.len() as u16));
        let mut lines: Vec<(u16, String)> =
            rows.clone().zip(&frame.rows[usize::from(rows.start)..usize::from(rows.end)]).map(|(y, row)| (y, row.slice(&cols))).collect();
        while lines.last().is_some_and(|(_, line)| line.is_empty()) {
            lines.pop();
        }
        let left_out = lines.len().saturating_sub(lines_max.unwrap_or(usize::MAX));
        lines.drain(..left_out);
        let first = rows.start + left_out as u16;
        let shown = first..first + lines.len() as u16;
        let marked = || shown.clone().zip(&frame.rows[usize::from(shown.start)..usize::from(shown.end)]);
        Snapshot {
            seq: self.seq(),
            hash: self.hash(),
            size: self.size(),
            rows_left_out: left_out as u16,
            text: lines.into_iter().map(|(_, line)| line).collect::<Vec<_>>().join("\n"),
            runs: marked().flat_map(|(y, row)| runs(y, row, &cols)).collect(),
            highlights: marked().flat_map(|(y, row)| highlights(y, row, &cols)).collect(),
            cols,
            rows: shown,
            cursor: self.cursor(),
            modes: self.modes(),
            title: self.title().map(str::to_owned),
        }
    }
}

impl<E: Emulator> PaneScreen<E> {
    /// The part `region` of the rows that [`changed_since`](PaneScreen::changed_since) tells.
    pub fn changed_in(&self, region: Region, seq: u64) -> Vec<(u16, String)> {
        let (cols, rows) = region.on(self.size().0, self.size().1);
        let changed = self.changed_since(seq).into_iter().map(|(y, _)| y).filter(|y| rows.contains(y));
        changed.filter_map(|y| Some((y, self.frame().rows.get(usize::from(y))?.slice(&cols)))).collect()
    }
}

impl Row {
    /// What stands in `cols`, without spaces at the end. Half a wide character is a space.
    fn slice(&self, cols: &Range<u16>) -> String {
        if cols.start == 0 && self.cells <= cols.end {
            return self.trimmed().to_owned();
        }
        let mut out = String::new();
        let mut x = 0;
        for c in self.trimmed().chars() {
            let from = x;
            x += text::char_width(c) as u16;
            let (inside, touched) = (from >= cols.start && x <= cols.end, from.max(cols.start)..x.min(cols.end));
            match c {
                c if inside && (x > from || from > cols.start) => out.push(c),
                _ => out.extend(touched.map(|_| ' ')),
            }
        }
        out.truncate(out.trim_end_matches(' ').len());
        out
    }
}

fn runs(row: u16, of: &Row, cols: &Range<u16>) -> Vec<StyledRun> {
    let inside = of.runs.iter().map(|run| (clip(&run.cells, cols), run.style)).filter(|(cells, _)| !cells.is_empty());
    inside.map(|(cells, style)| StyledRun { row, from: cells.start, to: cells.end, style }).collect()
}

fn highlights(row: u16, of: &Row, cols: &Range<u16>) -> Vec<Highlight> {
    let mut out: Vec<Highlight> = vec![];
    for run in of.runs.iter().filter(|run| run.style.inverse || run.style.bold) {
        let (cells, Style { inverse, bold, .. }) = (clip(&run.cells, cols), run.style);
        match out.last_mut() {
            _ if cells.is_empty() => {}
            Some(last) if last.to == cells.start && (last.inverse, last.bold) == (inverse, bold) => last.to = cells.end,
            _ => out.push(Highlight { row, from: cells.start, to: cells.end, text: String::new(), inverse, bold }),
        }
    }
    for mark in &mut out {
        mark.text = of.slice(&(mark.from..mark.to));
    }
    out
}

fn clip(cells: &Range<u16>, cols: &Range<u16>) -> Range<u16> {
    cells.start.max(cols.start)..cells.end.min(cols.end)
}

fn rows(word: &str) -> Option<Region> {
    let (first, last) = word.strip_prefix("rows")?.trim_start_matches([' ', '=', ':']).split_once('-')?;
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then_some(Region::Rows(first, last))
}

fn rect(word: &str) -> Option<Region> {
    let mut parts = word.split([',', 'x']).map(|part| part.trim().parse::<u16>().ok());
    let (x, y, w, h) = (parts.next()??, parts.next()??, parts.next()??, parts.next()??);
    let well_formed = parts.next().is_none() && word.matches('x').count() == 1 && word.rfind('x') > word.rfind(',');
    (well_formed && w > 0 && h > 0).then_some(Region::Rect(x, y, w, h))
}

#[cfg(test)]
mod tests {
    use super::{super::screen::Fed, *};
    use std::time::Instant;

    fn screen(cols: u16, rows: u16, bytes: &str) -> PaneScreen {
        let mut screen = PaneScreen::new(cols, rows);
        assert_eq!(screen.feed(bytes.as_bytes(), Instant::now()), Fed::Ok);
        screen.settle(0.0);
        screen
    }

    #[test]
    fn a_region_can_be_said_in_four_ways() {
        for (word, want) in [
            ("top", Region::Top),
            ("Right", Region::Right),
            ("rows 3-10", Region::Rows(3, 10)),
            ("rows=0-0", Region::Rows(0, 0)),
            ("1,2,30x4", Region::Rect(1, 2, 30, 4)),
        ] {
            assert_eq!(word.parse(), Ok(want));
        }
        for word in ["middle", "rows 5-3", "1,2,3,4", "1x2,3,4", "1,2,0x4", "rows", "-1,2,3x4", "1,2,3x4,5", "99999,0,1x1"] {
            assert!(word.parse::<Region>().is_err(), "{word}");
        }
        let error = "middle".parse::<Region>().unwrap_err().to_string();
        assert!(error.starts_with("\"middle\" is not a region: say top, "), "{error}");
    }

    #[test]
    fn a_region_is_clipped_to_the_screen() {
        assert_eq!(Region::Rect(70, 20, 30, 30).on(80, 24), (70..80, 20..24));
        assert_eq!(Region::Rows(30, 40).on(80, 24), (0..80, 24..24));
        assert_eq!(Region::Bottom.on(81, 5), (0..81, 2..5));
        assert_eq!(Region::Left.on(81, 5), (0..41, 0..5));
    }

    #[test]
    fn half_a_wide_character_is_a_space() {
        let screen = screen(10, 2, "漢字ab\r\nxe\u{301}yz");
        let text = |x, w| screen.snapshot(Region::Rect(x, 0, w, 2), None).text;
        assert_eq!(text(1, 4), " 字a\ne\u{301}yz");
        assert_eq!(text(0, 3), "漢\nxe\u{301}y");
        assert_eq!(text(2, 3), "字a\nyz");
    }

    #[test]
    fn the_last_lines_are_kept() {
        let screen = screen(10, 6, "a\r\nb\r\nc\r\nd");
        let part = screen.snapshot(Region::Whole, Some(2));
        assert_eq!((part.text.as_str(), part.rows, part.rows_left_out), ("c\nd", 2..4, 2));
        assert_eq!(screen.snapshot(Region::Bottom, None).text, "d");
        assert_eq!(screen.snapshot(Region::Whole, Some(0)).text, "");
    }

    #[test]
    fn what_is_marked_is_told_with_its_place() {
        let screen = screen(20, 3, "a \x1b[1;31mbo\x1b[32mld\x1b[0m x\r\n\x1b[7m sel  \x1b[0m\x1b[33my");
        let all = screen.snapshot(Region::Whole, None);
        let mark = |row, from, to, text: &str, inverse| Highlight { row, from, to, text: text.into(), inverse, bold: !inverse };
        assert_eq!(all.highlights, [mark(0, 2, 6, "bold", false), mark(1, 0, 6, " sel", true)]);
        assert_eq!(
            all.runs.iter().map(|run| (run.row, run.from, run.to)).collect::<Vec<_>>(),
            [(0, 2, 4), (0, 4, 6), (1, 0, 6), (1, 6, 7)]
        );
        let part = screen.snapshot(Region::Rect(4, 0, 2, 1), None);
        assert_eq!(part.highlights, [mark(0, 4, 6, "ld", false)]);
    }
}
