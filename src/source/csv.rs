//! Tables as text: Lightning's `metrics.csv`, Keras' `CSVLogger`, Stable-Baselines3's `progress.csv` and `monitor.csv`,
//! TensorBoard's downloads, and what people write themselves.
//!
//! The first line names the columns. Cells are split at `,`, `;` or tabs, whichever the first line has most of, and may be
//! quoted (RFC 4180: also over several lines). Cells that are empty or no number are left out of their row; step and
//! time are found by name ([`RowOptions`]). Lines that start with `#` are comments; the one that `monitor.csv` starts with
//! (`#{"t_start": ..., "env_id": ...}`) is read. A line that names columns again takes over from there.
//!
//! A writer that learns of a new column may write its file anew, header and all (Lightning, Stable-Baselines3); whoever
//! reads a growing file has to notice that its first line changed, and start over.
//!
//! Source: `csv_logs.py` of Lightning 2, `logger.py` and `monitor.py` of Stable-Baselines3 2, RFC 4180.

use super::{
    Decoder, Loss, Record, Row,
    columns::{Axis, Role, RowOptions, whole_text},
    json::lenient,
    keys::{KEYS_MAX, Keys},
    lines::Lines,
};
use crate::model::WallTime;
use serde_json::Value;
use std::{borrow::Cow, collections::VecDeque, ops::Range};

/// Another name of [`RowOptions`].
pub type CsvOptions = RowOptions;

/// Longest row of several lines. Metrics are numbers; a quote that is open for longer was never closed.
const QUOTED_BYTES_MAX: usize = 1 << 16;

/// What may stand between cells, likeliest first.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// Whether a text starts with a line of names and one of as many numbers.
pub(super) fn is_table(head: &[u8]) -> bool {
    let mut lines = head.split_inclusive(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let mut line = || std::str::from_utf8(lines.next()?.strip_suffix(b"\n")?).ok().map(str::trim_end);
    let (Some(names), Some(row)) = (line(), line()) else { return false };
    let is_name = |cell: &&str| {
        let name = cell.trim().trim_matches('"');
        name.starts_with(|c: char| c.is_alphabetic() || c == '_') && !name.contains([' ', '=', '{'])
    };
    DELIMITERS.into_iter().any(|delimiter| {
        let at = char::from(delimiter);
        let (names, cells): (Vec<&str>, Vec<&str>) = (names.split(at).collect(), row.split(at).collect());
        let is_value = |cell: &&&str| cell.trim().is_empty() || number(cell, delimiter).is_some();
        let values = cells.iter().filter(is_value).count();
        names.len() >= 2 && names.iter().all(is_name) && cells.len() == names.len() && values * 2 >= cells.len()
    })
}

/// Decodes a table.
#[derive(Default)]
pub struct Csv {
    lines: Lines,
    table: Table,
    /// Lines of a row whose quote is open.
    open: Vec<Piece>,
    open_bytes: usize,
    /// Lines to be read once more, each for itself: the quote in front of them was never closed.
    again: VecDeque<Piece>,
    /// A loss to be told behind the records that came before it.
    loss: Option<Loss>,
}

/// A line without its newline; offset and length are those in the source.
struct Piece {
    text: Vec<u8>,
    offset: u64,
    bytes: u64,
}

impl Csv {
    /// A decoder that stands at the start of a table.
    pub fn new(options: CsvOptions) -> Csv {
        Csv { table: Table { axis: Axis::new(options), ..Table::default() }, ..Csv::default() }
    }

    /// Reads the line of a row whose quote is open.
    fn join(&mut self, piece: Piece) -> Result<(), Loss> {
        let closed = !self.table.is_open(&piece.text, !self.open.is_empty());
        self.open_bytes += piece.text.len() + 1;
        self.open.push(piece);
        if closed {
            let first = &self.open[0];
            let (offset, bytes) = (first.offset, self.open.iter().map(|piece| piece.bytes).sum());
            let texts: Vec<&[u8]> = self.open.iter().map(|piece| piece.text.as_slice()).collect();
            let row = texts.join(&b'\n');
            self.open.clear();
            self.open_bytes = 0;
            return self.table.read(&row, offset, bytes);
        }
        if self.open_bytes > QUOTED_BYTES_MAX { self.give_up() } else { Ok(()) }
    }

    /// The open quote stays open: its line is lost, the others stand for themselves.
    fn give_up(&mut self) -> Result<(), Loss> {
        self.open_bytes = 0;
        let mut pieces = self.open.drain(..);
        let first = pieces.next();
        self.again.extend(pieces);
        first.map_or(Ok(()), |piece| Err(unclosed(piece.offset, piece.bytes)))
    }
}

fn unclosed(offset: u64, bytes: u64) -> Loss {
    Loss { offset, bytes, reason: "a quote is never closed".into() }
}

impl Decoder for Csv {
    fn push(&mut self, bytes: &[u8]) {
        self.lines.push(bytes);
    }

    fn next(&mut self) -> Result<Option<Record>, Loss> {
        loop {
            if let Some(record) = self.table.ready.pop_front() {
                return Ok(Some(record));
            }
            if let Some(loss) = self.table.overflow.take().or_else(|| self.loss.take()) {
                return Err(loss);
            }
            if let Some(piece) = self.again.pop_front() {
                match self.table.is_open(&piece.text, false) {
                    true => return Err(unclosed(piece.offset, piece.bytes)),
                    false => self.table.read(&piece.text, piece.offset, piece.bytes)?,
                }
                continue;
            }
            let Some(line) = self.lines.next()? else { return Ok(None) };
            let text = self.lines.get(line.range.clone());
            if self.open.is_empty() && !self.table.is_open(text, false) {
                self.table.read(text, line.offset, line.bytes)?;
            } else {
                let text = text.to_vec();
                self.join(Piece { text, offset: line.offset, bytes: line.bytes })?;
            }
        }
    }

    fn finish(&mut self) {
        self.loss = self.loss.take().or_else(|| self.give_up().err());
        // A last line that has all its cells is most likely whole; a shorter one was torn by the writer's end.
        let last = self.lines.open();
        if self.table.is_full(last) {
            match self.lines.rest() {
                Ok(Some(line)) => {
                    let text = self.lines.get(line.range.clone()).to_vec();
                    self.again.push_back(Piece { text, offset: line.offset, bytes: line.bytes });
                }
                Ok(None) => {}
                Err(loss) => self.loss = self.loss.take().or(Some(loss)),
            }
        }
    }

    fn jump(&mut self) -> bool {
        (self.lines, self.open_bytes, self.table.jumped) = (Lines::default(), 0, true);
        self.open.clear();
        self.again.clear();
        self.table.axis.jump();
        self.table.header.is_some()
    }

    fn reset(&mut self) {
        let mut axis = std::mem::take(&mut self.table.axis);
        axis.renew();
        *self = Csv { table: Table { axis, ..Table::default() }, ..Csv::default() };
    }
}

/// The columns, and the rows that came of them.
#[derive(Default)]
struct Table {
    axis: Axis,
    header: Option<Header>,
    /// The text of the last comment: it may name the columns of a table that has no header.
    comment: Option<String>,
    /// Unix seconds that the column `t` counts from, by the first line of a `monitor.csv`.
    start: Option<f64>,
    cells: Vec<Range<usize>>,
    keys: Keys,
    ready: VecDeque<Record>,
    overflow: Option<Loss>,
    overflowed: bool,
    /// Rows were passed over, and maybe a line that names other columns.
    jumped: bool,
}

struct Header {
    delimiter: u8,
    columns: Vec<Column>,
}

struct Column {
    name: String,
    role: Role,
    /// Seconds since [`Table::start`].
    is_clock: bool,
}

impl Table {
    /// Reads one row, without its newline.
    fn read(&mut self, line: &[u8], offset: u64, bytes: u64) -> Result<(), Loss> {
        let loss = |reason: String| Loss { offset, bytes, reason };
        let line = if offset == 0 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line };
        let text = std::str::from_utf8(line).map_err(|_| loss("a line is not UTF-8".into()))?;
        if text.contains('\0') {
            return Err(loss("a line has zero bytes in it".into()));
        }
        if text.trim().is_empty() {
            return Ok(());
        }
        if let Some(comment) = text.strip_prefix('#') {
            self.comment(comment);
            return Ok(());
        }
        let Some(header) = &self.header else {
            let delimiter = self.begin(text);
            // A table without a header starts with a row.
            return if self.is_row(text, delimiter) { self.row(text, offset, bytes) } else { Ok(()) };
        };
        split(line, header.delimiter, &mut self.cells);
        if header.is_named_again(text, &self.cells) {
            let delimiter = header.delimiter;
            let names = self.cells.iter().map(|cell| unquoted(&text[cell.clone()])).collect::<Vec<_>>();
            self.header = Some(self.header_of(names.iter().map(|name| &**name), delimiter));
            return Ok(());
        }
        self.row(text, offset, bytes)
    }

    /// Takes the first line and says what stands between its cells.
    fn begin(&mut self, text: &str) -> u8 {
        let mut most = (0, DELIMITERS[0]);
        for delimiter in DELIMITERS {
            if split(text.as_bytes(), delimiter, &mut self.cells) && self.cells.len() > most.0 {
                most = (self.cells.len(), delimiter);
            }
        }
        let (count, delimiter) = most;
        let names: Vec<String> = match self.is_row(text, delimiter) {
            false => self.cells.iter().map(|cell| unquoted(&text[cell.clone()]).into_owned()).collect(),
            true => {
                let comment = self.comment.take().unwrap_or_default();
                split(comment.as_bytes(), delimiter, &mut self.cells);
                match self.cells.len() == count && !comment.is_empty() {
                    true => self.cells.iter().map(|cell| unquoted(&comment[cell.clone()]).into_owned()).collect(),
                    false => (1..=count).map(|number| format!("column_{number}")).collect(),
                }
            }
        };
        self.header = Some(self.header_of(names.iter().map(String::as_str), delimiter));
        delimiter
    }

    fn header_of<'a>(&self, names: impl Iterator<Item = &'a str>, delimiter: u8) -> Header {
        let column = |name: &str| {
            let name = name.trim().to_owned();
            Column { role: self.axis.role(&name), is_clock: self.start.is_some() && name == "t", name }
        };
        Header { delimiter, columns: names.map(column).collect() }
    }

    /// Whether the line holds numbers only. Its cells are left in `cells`.
    fn is_row(&mut self, text: &str, delimiter: u8) -> bool {
        split(text.as_bytes(), delimiter, &mut self.cells);
        self.cells.iter().all(|cell| number(&text[cell.clone()], delimiter).is_some())
    }

    fn comment(&mut self, comment: &str) {
        let head = if comment.starts_with('{') { lenient(comment) } else { None };
        let Some(Value::Object(head)) = head else {
            self.comment = Some(comment.trim().to_owned());
            return;
        };
        for (name, value) in head {
            match (name.as_str(), value.as_f64()) {
                ("t_start", Some(start)) => {
                    self.start = Some(start);
                    self.ready.push_back(Record::Info("started_at", value));
                }
                _ => self.ready.push_back(Record::Config(name, value)),
            }
        }
    }

    /// Reads the row whose cells stand in `cells`.
    fn row(&mut self, text: &str, offset: u64, bytes: u64) -> Result<(), Loss> {
        let loss = |reason: String| Loss { offset, bytes, reason };
        let Some(Header { delimiter, columns }) = &self.header else { return Ok(()) };
        let cell = |at: usize| self.cells.get(at).map_or("", |cell| text[cell.clone()].trim());
        if (columns.len()..self.cells.len()).any(|at| !cell(at).is_empty()) {
            return Err(loss(format!("a row has {} cells and the header {}", self.cells.len(), columns.len())));
        }
        if self.jumped && self.cells.len() != columns.len() {
            return Err(loss("a row of another table".into()));
        }
        self.axis.begin();
        self.keys.begin();
        let (mut clock, mut any) = (None, false);
        for (at, column) in columns.iter().enumerate().filter(|(_, column)| column.role != Role::Value || column.is_clock) {
            match number(cell(at), *delimiter) {
                Some(secs) if column.is_clock => clock = Some((at, secs)),
                Some(number) => self.axis.number(column.role, at, number),
                None => self.axis.text(column.role, at, cell(at)),
            }
        }
        let place = self.axis.place();
        let clock = clock.filter(|_| place.time.is_none());
        let time = place.time.or_else(|| WallTime::new(self.start? + clock?.1));
        for (at, column) in columns.iter().enumerate().filter(|(_, column)| !column.name.is_empty()) {
            let Some(number) = number(cell(at), *delimiter) else { continue };
            any = true;
            if ![place.step_cell, place.time_cell, clock.map(|(at, _)| at)].contains(&Some(at)) {
                self.keys.put(&column.name, number);
            }
        }
        if !any && self.cells.len() < columns.len() {
            return Err(loss("a line is no row".into()));
        }
        if self.keys.overflowed() && !self.overflowed {
            self.overflowed = true;
            self.overflow = Some(loss(format!("more than {KEYS_MAX} columns, the rest is not read")));
        }
        if !self.keys.is_empty() {
            let values = self.keys.take(&mut self.ready);
            self.ready.push_back(Record::Row(Row { step: place.step, time, offset: Some(offset), values, ..Row::default() }));
        }
        Ok(())
    }

    /// Whether a quote is open at the end of `line`, which starts in one if `in_quotes`.
    fn is_open(&self, line: &[u8], in_quotes: bool) -> bool {
        if memchr::memchr(b'"', line).is_none() {
            return in_quotes;
        }
        if !in_quotes && line.starts_with(b"#") {
            return false;
        }
        match &self.header {
            Some(header) => is_open(line, &[header.delimiter], in_quotes),
            None => is_open(line, &DELIMITERS, in_quotes),
        }
    }

    /// Whether `line` has as many cells as there are columns.
    fn is_full(&mut self, line: &[u8]) -> bool {
        let Some(header) = &self.header else { return false };
        !line.is_empty() && split(line, header.delimiter, &mut self.cells) && self.cells.len() == header.columns.len()
    }
}

impl Header {
    /// Whether the row names columns: no number in it, and at least half of its names are known.
    fn is_named_again(&self, text: &str, cells: &[Range<usize>]) -> bool {
        let Some(first) = cells.first().map(|cell| &text[cell.clone()]) else { return false };
        // The first cell of most rows is a number, which settles it.
        if number(first, self.delimiter).is_some() {
            return false;
        }
        let is_known = |name: &str| self.columns.iter().any(|column| column.name == name);
        let mut known = 0;
        for cell in cells {
            let cell = text[cell.clone()].trim();
            if cell.is_empty() || number(cell, self.delimiter).is_some() {
                return false;
            }
            known += usize::from(is_known(&unquoted(cell)));
        }
        known * 2 >= cells.len()
    }
}

/// Splits a row into its cells, without their quotes. False: a quote is open at its end.
fn split(row: &[u8], delimiter: u8, cells: &mut Vec<Range<usize>>) -> bool {
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
fn is_open(line: &[u8], delimiters: &[u8], in_quotes: bool) -> bool {
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
fn unquoted(cell: &str) -> Cow<'_, str> {
    if cell.contains("\"\"") { cell.replace("\"\"", "\"").into() } else { cell.into() }
}

/// The number in a cell. Where `;` stands between cells, a comma is a decimal point; elsewhere it parts thousands.
fn number(cell: &str, delimiter: u8) -> Option<f64> {
    let cell = cell.trim();
    whole_text(cell).or_else(|| match delimiter {
        b';' if cell.contains(',') && !cell.contains('.') => whole_text(&cell.replacen(',', ".", 1)),
        b';' => grouped(cell, ',', '.').or_else(|| grouped(cell, '.', ',')),
        _ => grouped(cell, ',', '.'),
    })
}

/// A number whose thousands are parted: `-1,234,567.5`.
fn grouped(cell: &str, mark: char, point: char) -> Option<f64> {
    let (whole, fraction) = cell.split_once(point).unwrap_or((cell, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let mut groups = whole.strip_prefix(['-', '+']).unwrap_or(whole).split(mark);
    let first = groups.next().filter(|first| matches!(first.len(), 1..=3) && is_digits(first))?;
    let is_grouped = groups.clone().count() > 0 && groups.all(|group| group.len() == 3 && is_digits(group));
    let plain = || format!("{}.{fraction}", whole.replace(mark, ""));
    (is_grouped && is_digits(fraction) && !first.is_empty()).then(plain).and_then(|plain| whole_text(&plain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::Step, source::decode_for_tests as decode};
    use proptest::prelude::*;

    type Rows<'a> = &'a [(Option<i64>, &'a [(&'a str, f64)])];

    #[track_caller]
    fn check(text: &str, want: Rows) {
        let want: Vec<_> = want.iter().map(|(s, v)| (*s, v.iter().map(|(k, v)| (k.to_string(), *v)).collect::<Vec<_>>())).collect();
        for chunk in [1, 7, text.len()] {
            let (rows, losses) = decode(&mut Csv::new(CsvOptions::default()), text.as_bytes(), chunk);
            assert_eq!(losses, []);
            let got: Vec<_> = rows.iter().map(|(row, values)| (row.step.map(|s| s.0), values.clone())).collect();
            assert_eq!(format!("{got:?}"), format!("{want:?}"));
        }
    }

    #[test]
    fn thousands_may_be_parted() {
        check(
            "step,loss,tokens\n\"1,000\",-0.5,\"1,234,567.5\"\n\"2,000\",\"1,23\",\"12,34,567\"\n",
            &[(Some(1000), &[("loss", -0.5), ("tokens", 1_234_567.5)])],
        );
        check(
            "step;loss;tokens\n1;1,234;1.234.567,5\n2;0,5;\"1,234.5\"\n",
            &[(Some(1), &[("loss", 1.234), ("tokens", 1_234_567.5)]), (Some(2), &[("loss", 0.5), ("tokens", 1234.5)])],
        );
        check("step\ttokens\n1\t-1,234\n", &[(Some(1), &[("tokens", -1234.0)])]);
    }

    #[test]
    fn lightning_leaves_cells_empty() {
        check(
            "epoch,step,train_loss,val_loss\n0,49,0.5,\n0,99,0.25,\n0,99,,0.75\n",
            &[
                (Some(49), &[("epoch", 0.0), ("train_loss", 0.5)]),
                (Some(99), &[("epoch", 0.0), ("train_loss", 0.25)]),
                (Some(99), &[("epoch", 0.0), ("val_loss", 0.75)]),
            ],
        );
    }

    #[test]
    fn keras_counts_epochs_and_writes_lists_as_text() {
        check(
            "epoch,accuracy,loss,lr\r\n0,0.5,1.5,\"[0.1, 0.2]\"\r\n1,nan,inf,NA\r\n",
            &[(Some(0), &[("accuracy", 0.5), ("loss", 1.5)]), (Some(1), &[("accuracy", f64::NAN), ("loss", f64::INFINITY)])],
        );
    }

    #[test]
    fn stable_baselines_has_its_step_in_any_column_and_quotes_texts() {
        check(
            "rollout/ep_rew_mean,time/fps,time/total_timesteps,train/loss\n21.5,800,2048,\n,700,4096,\"0.125\"\n",
            &[
                (Some(2048), &[("rollout/ep_rew_mean", 21.5), ("time/fps", 800.0)]),
                (Some(4096), &[("time/fps", 700.0), ("train/loss", 0.125)]),
            ],
        );
    }

    #[test]
    fn a_monitor_file_says_when_it_began_and_in_which_world() {
        let text = "#{\"t_start\": 1700000000.5, \"env_id\": \"CartPole-v1\"}\nr,l,t\n20.0,20,1.25\n";
        let mut decoder = Csv::new(CsvOptions::default());
        decoder.push(text.as_bytes());
        let records: Vec<_> = std::iter::from_fn(|| decoder.next().unwrap()).collect();
        assert_eq!(records[..2], [Record::Info("started_at", 1700000000.5.into()), Record::Config("env_id".into(), "CartPole-v1".into())]);
        assert!(
            matches!(&records[4..], [Record::Row(row)] if row.step.is_none() && row.time == WallTime::new(1700000001.75) && row.values.len() == 2)
        );
    }

    #[test]
    fn a_download_of_tensorboard_has_times_in_front() {
        let text = "Wall time,Step,Value\n1700000000.25,10,0.5\n";
        check(text, &[(Some(10), &[("Value", 0.5)])]);
        let (rows, _) = decode(&mut Csv::new(CsvOptions::default()), text.as_bytes(), 9);
        assert_eq!(rows[0].0.time, WallTime::new(1700000000.25));
    }

    #[test]
    fn dates_are_times() {
        let text = "date,iter,loss\n2023-11-14 22:13:20,1,0.5\n";
        let (rows, _) = decode(&mut Csv::new(CsvOptions::default()), text.as_bytes(), 9);
        assert_eq!((rows[0].0.step, rows[0].0.time), (Some(Step(1)), WallTime::new(1.7e9)));
    }

    #[test]
    fn semicolons_tabs_marks_and_decimal_commas_are_seen() {
        check("\u{feff}step;loss;x,y\n1;0,5;2\n", &[(Some(1), &[("loss", 0.5), ("x,y", 2.0)])]);
        check("step\tloss\n1\t1e-3\n", &[(Some(1), &[("loss", 0.001)])]);
        check("loss\n0.5\n\n0.25\n", &[(None, &[("loss", 0.5)]), (None, &[("loss", 0.25)])]);
        check("\"step\" , \"a \"\"b\"\", c\"\n 1 , 2 \n", &[(Some(1), &[("a \"b\", c", 2.0)])]);
    }

    #[test]
    fn a_quoted_cell_may_hold_newlines() {
        check(
            "step,note,loss\n1,\"two\nlines, \"\"quoted\"\"\n\",0.5\n2,a 5\" disk,0.25\n",
            &[(Some(1), &[("loss", 0.5)]), (Some(2), &[("loss", 0.25)])],
        );
        check("step,\"lo\nss\"\n1,2\n", &[(Some(1), &[("lo\nss", 2.0)])]);
    }

    #[test]
    fn a_header_may_come_again_grown_or_as_it_was() {
        check(
            "step,a\n1,10\nstep,a\n2,20\nstep,b,a\n3,5,30\n",
            &[(Some(1), &[("a", 10.0)]), (Some(2), &[("a", 20.0)]), (Some(3), &[("b", 5.0), ("a", 30.0)])],
        );
    }

    #[test]
    fn a_table_without_a_header_takes_the_names_of_its_comment() {
        check("# step, loss\n1,0.5\n2,0.25\n", &[(Some(1), &[("loss", 0.5)]), (Some(2), &[("loss", 0.25)])]);
        check("7,0.5\n", &[(None, &[("column_1", 7.0), ("column_2", 0.5)])]);
    }

    #[test]
    fn thousands_of_columns_are_read() {
        let names: Vec<_> = (0..5000).map(|i| format!("m{i}")).collect();
        let values: Vec<_> = (0..5000).map(|i| i.to_string()).collect();
        let text = format!("step,{}\n1,{}\n", names.join(","), values.join(","));
        let (rows, losses) = decode(&mut Csv::new(CsvOptions::default()), text.as_bytes(), 999);
        assert_eq!((rows[0].1.len(), rows[0].1[4999].clone(), losses), (5000, ("m4999".to_owned(), 4999.0), vec![]));
    }

    #[test]
    fn the_step_may_be_named_and_survives_a_reset() {
        let mut decoder = Csv::new(CsvOptions { step_key: Some("frames".into()), time_key: None });
        for _ in 0..2 {
            let (rows, _) = decode(&mut decoder, b"step,frames,loss\n1,64,0.5\n", 5);
            assert_eq!((rows[0].0.step, rows[0].1.len()), (Some(Step(64)), 2));
            decoder.reset();
        }
    }

    /// Steps of the rows, and offset and length of the losses.
    fn outline(text: &[u8], chunk: usize) -> (Vec<Option<i64>>, Vec<(u64, u64)>) {
        let (rows, losses) = decode(&mut Csv::new(CsvOptions::default()), text, chunk);
        (rows.iter().map(|(row, _)| row.step.map(|step| step.0)).collect(), losses.iter().map(|l| (l.offset, l.bytes)).collect())
    }

    #[test]
    fn rows_of_other_lengths_are_short_or_lost() {
        let text = b"step,a,b\n1,2\n2,3,4,,\n3,4,5,6\nTraceback (most recent call last):\n4,\xff,5\n5,\0\0,1\n6,1,2\n";
        for chunk in 1..text.len() {
            assert_eq!(outline(text, chunk), (vec![Some(1), Some(2), Some(6)], vec![(21, 8), (29, 35), (64, 6), (70, 7)]));
        }
    }

    #[test]
    fn a_quote_that_is_never_closed_costs_its_line() {
        let mut text = b"step,a\n1,\"oops\n".to_vec();
        for step in 2..20_000 {
            text.extend(format!("{step},5\n").bytes());
        }
        for chunk in [1000, text.len()] {
            let (steps, losses) = outline(&text, chunk);
            assert_eq!((steps.len(), steps[0], losses), (19_998, Some(2), vec![(7, 8)]));
        }
        let mut decoder = Csv::new(CsvOptions::default());
        decoder.push(b"step,a\n1,\"oops\n2,5\n");
        while let Ok(Some(_)) = decoder.next() {}
        decoder.finish();
        assert_eq!(decoder.next().map_err(|loss| (loss.offset, loss.bytes)), Err((7, 8)));
        assert!(matches!(decoder.next(), Ok(Some(Record::Key(..)))));
        assert!(matches!(decoder.next(), Ok(Some(Record::Row(row))) if row.step == Some(Step(2))));
    }

    #[test]
    fn a_last_line_counts_when_nothing_more_is_expected_and_it_has_all_cells() {
        for (text, want) in [("step,a\n1,2", 1), ("step,a\n1", 0), ("step,a\n1,\"2", 0), ("step,a", 0)] {
            let mut decoder = Csv::new(CsvOptions::default());
            decoder.push(text.as_bytes());
            assert_eq!(decoder.next(), Ok(None));
            decoder.finish();
            let rows = std::iter::from_fn(|| decoder.next().unwrap()).filter(|record| matches!(record, Record::Row(_))).count();
            assert_eq!(rows, want, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_split_give_the_same_records(bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'"'), Just(b','), Just(b'1'), Just(b'a'), Just(b'#'), any::<u8>()], 0..200), cut in 1..50_usize) {
            let (a, b) = (decode(&mut Csv::new(CsvOptions::default()), &bytes, cut), decode(&mut Csv::new(CsvOptions::default()), &bytes, usize::MAX));
            prop_assert_eq!(format!("{a:?}"), format!("{b:?}"));
        }

        #[test]
        fn a_cut_gives_the_rows_before_it(end in 0..100_usize, cut in 1..50_usize) {
            let text = b"step,a,\"b\nc\"\n1,2.5,3\n2,\"3.5\",4\n3,,\"5\n\"\n4,1,2\n";
            let end = end.min(text.len());
            let (all, part) = (outline(text, usize::MAX), outline(&text[..end], cut));
            prop_assert!(all.0.starts_with(&part.0) && part.1.is_empty());
        }
    }
}
