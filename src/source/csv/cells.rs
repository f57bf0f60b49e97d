//! The cells of a row: where they stand.

use std::{borrow::Cow, ops::Range};

/// A line in which every byte that is no part of UTF-8 is a `?`, so that all others keep their places.
pub(super) fn masked(line: &[u8]) -> String {
    let mut out = String::with_capacity(line.len());
    for chunk in line.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| '?'));
    }
    out
}

/// Splits a row into its cells, without their quotes. False: a quote is open at its end.
pub(super) fn split(row: &[u8], delimiter: u8, cells: &mut Vec<Range<usize>>) -> bool {
    cells.clear();
    let mut at = 0;
    loop {
        let spaces = row[at..].iter().take_while(|byte| **byte == b' ').count();
        if row.get(at + spaces) == Some(&b'"') {
            let start = at + spaces + 1;
            let Some(end) = closing(row, start) else { return false };
            cells.push(start..end);
            at = end + 1;
        } else {
            let end = memchr::memchr(delimiter, &row[at..]).map_or(row.len(), |length| at + length);
            cells.push(at..end);
            at = end;
        }
        // Whatever stands between a closing quote and the next delimiter is passed over.
        match memchr::memchr(delimiter, &row[at..]) {
            Some(length) => at += length + 1,
            None => return true,
        }
    }
}

/// Where the quoted cell that begins at `start` has its closing quote.
fn closing(row: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        at += memchr::memchr(b'"', row.get(at..)?)?;
        match row.get(at + 1) {
            Some(b'"') => at += 2,
            _ => return Some(at),
        }
    }
}

/// Whether a quote is open at the end of `line`; cells end at any of `delimiters`.
pub(super) fn is_open(line: &[u8], delimiters: &[u8], in_quotes: bool) -> bool {
    let mut at = 0;
    if in_quotes {
        let Some(end) = closing(line, 0) else { return true };
        at = end + 1;
        at += line[at..].iter().take_while(|byte| !delimiters.contains(byte)).count() + 1;
    }
    while at < line.len() {
        at += line[at..].iter().take_while(|byte| **byte == b' ').count();
        if line.get(at) == Some(&b'"') {
            let Some(end) = closing(line, at + 1) else { return true };
            at = end + 1;
        }
        at += line.get(at..).map_or(0, |rest| rest.iter().take_while(|byte| !delimiters.contains(byte)).count()) + 1;
    }
    false
}

/// The text of a quoted cell.
pub(super) fn unquoted(cell: &str) -> Cow<'_, str> {
    if cell.contains("\"\"") { cell.replace("\"\"", "\"").into() } else { cell.into() }
}
