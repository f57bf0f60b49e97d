//! Tables: a row of names and then rows of numbers.

use super::{
    facts::{Count, Pairs},
    token::{Token, tokens},
    words::{Counter, counter, is_training, shortened, validation},
};
use crate::source::metrics::is_metric;

/// Lines that may stand between a header and its rows, or between rows, that are no rows.
const MISSES_MAX: u32 = 3;

/// Longest header that is kept.
const HEADER_BYTES_MAX: usize = 1024;

/// The header of a table, and what the last row under it said.
#[derive(Default)]
pub(super) struct Table {
    header: String,
    kind: Option<Kind>,
    /// Nothing came under it yet, so its names may go on in the next line.
    is_fresh: bool,
    misses: u32,
    pub(super) pairs: Pairs,
    pub(super) step: Option<(Counter, Count)>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Pipes,
    Tabs,
    Commas,
    Spaces,
}

pub(super) enum Cell {
    Number(f64, Option<Count>),
    /// A clock, or a word for "nothing here".
    Empty,
    Text,
}

impl Table {
    /// Whether a header stands, so that a row of bare numbers may follow.
    pub(super) fn is_open(&self) -> bool {
        self.kind.is_some()
    }

    /// Takes `text` as the header of a table if it looks like one: names only, one of them a counter, or metrics of several splits
    /// or classes.
    pub(super) fn open(&mut self, text: &str) -> bool {
        if text.len() > HEADER_BYTES_MAX {
            return false;
        }
        let kind = match text {
            _ if text.contains('|') => Kind::Pipes,
            _ if text.contains('\t') => Kind::Tabs,
            _ if text.contains(',') => Kind::Commas,
            _ => Kind::Spaces,
        };
        let cells = header_cells(text, kind);
        let named = cells.iter().all(|cell| {
            cell.len() < 40 && cell.starts_with(|c: char| c.is_alphabetic() || matches!(c, '#' | '%' | '_')) && !cell.ends_with(':')
        });
        // `# Epoch batch     loss`: the names of narrow columns may be parted by one space.
        let first = text.trim_start_matches(['#', ' ']).split_ascii_whitespace().next().unwrap_or("");
        let counts = cells.iter().enumerate().any(|(at, cell)| column(cell, at).is_some()) || counter(first).is_some();
        let is_header = cells.len() >= 2 && named && (counts || is_by_class(&cells) || cells[1..].iter().any(|name| is_metric(name)));
        if is_header {
            text.clone_into(&mut self.header);
            (self.kind, self.is_fresh, self.misses) = (Some(kind), true, 0);
        }
        is_header
    }

    /// Reads `text` as a row under the header. True: the row is in `pairs` and `step`.
    pub(super) fn row(&mut self, text: &str) -> bool {
        let Some(kind) = self.kind else { return false };
        if text.bytes().all(|b| matches!(b, b'-' | b'=' | b'+' | b'|' | b':' | b' ')) {
            return false;
        }
        self.pairs.clear();
        self.step = None;
        if std::mem::take(&mut self.is_fresh) && kind == Kind::Pipes && self.go_on(text) {
            return false;
        }
        let read = self.read(text, kind);
        self.misses = if read { 0 } else { self.misses + 1 };
        if self.misses > MISSES_MAX {
            self.kind = None;
        }
        read
    }

    /// Puts the second line of a header below the first. False: it is none.
    fn go_on(&mut self, text: &str) -> bool {
        let (names, more) = (cells(&self.header, Kind::Pipes), cells(text, Kind::Pipes));
        let is_name = |cell: &&str| cell.is_empty() || cell.starts_with(|c: char| c.is_alphabetic() || c == '(');
        if names.len() != more.len() || !more.iter().all(is_name) {
            return false;
        }
        let whole: Vec<_> = names.iter().zip(&more).map(|(name, more)| format!("{name} {more}")).collect();
        self.header = whole.join("|");
        true
    }

    fn read(&mut self, text: &str, kind: Kind) -> bool {
        let mut cells = cells(text, kind);
        let mut names = header_cells(&self.header, kind);
        if names.len() != cells.len() && kind == Kind::Spaces {
            // Cells may hold single spaces too: `[0.5, 0.25]`.
            cells = Some(header_cells(text, kind)).filter(|wide| wide.len() == names.len()).unwrap_or(cells);
        }
        if names.len() != cells.len() {
            names = self.header.split_ascii_whitespace().collect();
        }
        // `#  step  loss`: the mark of a comment.
        if names.len() == cells.len() + 1 && names[0] == "#" {
            names.remove(0);
        }
        if names.len() != cells.len() {
            return false;
        }
        let counts = names.iter().enumerate().any(|(at, name)| column(name, at).is_some());
        let labelled = if counts { None } else { Some(label(&cells, is_by_class(&names))) };
        let prefix = match labelled {
            Some(Some(prefix)) => prefix,
            Some(None) => return false,
            None => "",
        };
        let mut scratch = vec![];
        for (at, (name, text)) in names.iter().zip(&cells).enumerate() {
            if labelled.is_some() && at == 0 {
                continue;
            }
            match (cell(text, &mut scratch), column(name, at)) {
                (Cell::Text, _) => return false,
                (Cell::Empty, _) => {}
                (Cell::Number(_, Some(count)), Some(kind)) if self.step.is_none_or(|(known, _)| kind > known) => {
                    self.step = Some((kind, count))
                }
                (Cell::Number(..), Some(_)) => {}
                (Cell::Number(value, _), None) => {
                    // `Box(P   R   mAP50)` are three names.
                    let is_whole = name.contains('(') == name.ends_with(')');
                    let name = if is_whole { name } else { name.rsplit('(').next().unwrap_or(name).trim_end_matches(')') };
                    let (base, at) = thresholds(name);
                    self.pairs.push(&[prefix, base, &at], value);
                }
            }
        }
        self.pairs.len() > 0 && (labelled.is_some() || self.step.is_some())
    }
}

fn cells(text: &str, kind: Kind) -> Vec<&str> {
    match kind {
        Kind::Pipes => {
            let text = text.trim_ascii();
            let text = text.strip_prefix('|').unwrap_or(text);
            text.strip_suffix('|').unwrap_or(text).split('|').map(str::trim_ascii).collect()
        }
        Kind::Tabs => text.split('\t').map(str::trim_ascii).collect(),
        Kind::Commas => text.split(',').map(str::trim_ascii).collect(),
        Kind::Spaces => text.split_ascii_whitespace().collect(),
    }
}

/// Names may hold single spaces where columns are parted by more.
fn header_cells(text: &str, kind: Kind) -> Vec<&str> {
    match kind {
        Kind::Spaces => text.split("  ").map(str::trim_ascii).filter(|cell| !cell.is_empty()).collect(),
        _ => cells(text, kind),
    }
}

fn column(name: &str, at: usize) -> Option<Counter> {
    match name {
        "#" => Some(Counter::Step),
        "E" if at == 0 => Some(Counter::Epoch),
        _ if at == 0 => counter(name).or_else(|| shortened(name)),
        _ => counter(name),
    }
}

/// A table with a row for each class is an evaluation; its `all` row sums it up.
fn is_by_class(names: &[&str]) -> bool {
    names.first().is_some_and(|name| name.split_ascii_whitespace().next() == Some("Class"))
}

/// What the names of a row get in front in a table that does not count: its first cell says what the row is of. `None`: of nothing
/// that is a curve, such as one of several classes.
fn label(cells: &[&str], by_class: bool) -> Option<&'static str> {
    match *cells.first()? {
        label if by_class => (label == "all").then_some("val/"),
        label if label.eq_ignore_ascii_case("value") => Some(""),
        label if is_training(label) => Some("train/"),
        label => validation(label),
    }
}

pub(super) fn cell(text: &str, scratch: &mut Vec<Token>) -> Cell {
    if text.is_empty() || ["-", "--", "n/a", "N/A", "#na#", "None", "none", "No log"].contains(&text) {
        return Cell::Empty;
    }
    // `[0.5]` is a number; more of them are no point of a curve.
    if let Some(list) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        return if list.contains(',') || list.is_empty() { Cell::Empty } else { cell(list, scratch) };
    }
    tokens(text, scratch);
    match scratch.as_slice() {
        [Token::Number(number)] => Cell::Number(number.value, number.whole.then_some(Count { at: number.value as i64, of: number.of })),
        [Token::Clock] => Cell::Empty,
        _ if matches!(text, "nan" | "NaN") => Cell::Number(f64::NAN, None),
        _ => Cell::Text,
    }
}

/// `mAP@.5` is `mAP50` and `mAP@.5:.95` is `mAP50-95`: the base, and the overlap thresholds in percent.
fn thresholds(name: &str) -> (&str, String) {
    let parsed = name.split_once('@').and_then(|(base, at)| {
        let percent =
            |part: &str| part.parse().ok().filter(|share| (0.0..1.0).contains(share)).map(|share: f64| format!("{:.0}", share * 100.0));
        at.split([':', '-']).map(percent).collect::<Option<Vec<_>>>().map(|at| (base, at.join("-")))
    });
    parsed.unwrap_or((name, String::new()))
}
