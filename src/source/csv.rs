//! Tables as text: Lightning's `metrics.csv`, Keras' `CSVLogger`, Stable-Baselines3's `progress.csv` and `monitor.csv`,
//! TensorBoard's downloads, and what people write themselves.
//!
//! The first line names the columns; of two that are called the same, the later one has `.1` behind its name. Cells are split at
//! `,`, `;`, tabs or `|`, whichever the first line has most of, and may be quoted (RFC 4180: also over several lines). Cells that
//! are empty or no number are left out of their row; step and time are found by name ([`RowOptions`]). In a table with a row for
//! each point (`step,metric,value`, no other number in the first of them), a cell names the metric; a point of a metric that has
//! numbers is lost where its value is neither a number nor a word for none. Lines that start with `#` are comments; the one that
//! `monitor.csv` starts with (`#{"t_start": ..., "env_id": ...}`) is read. A line that names columns again takes over from there. In
//! front of the names may stand `sep=;`, as Excel has it, and a title.
//!
//! A writer that learns of a new column may write its file anew, header and all (Lightning, Stable-Baselines3); whoever
//! reads a growing file has to notice that its first line changed, and start over.
//!
//! Source: `csv_logs.py` of Lightning 2, `logger.py` and `monitor.py` of Stable-Baselines3 2, RFC 4180.

mod cells;

use super::{
    Decoder, Loss, Record, Row,
    columns::{Axis, Fact, Role, RowOptions, is_step, point, whole_text},
    json::lenient,
    keys::Keys,
    lines::Lines,
    metrics::is_metric,
    newest::Newest,
    splits::Splits,
    texts::number,
};
use crate::model::WallTime;
use cells::{is_open, masked, split, unquoted};
use serde_json::Value;
use std::{
    collections::{HashMap, VecDeque},
    ops::Range,
};

/// Another name of [`RowOptions`].
pub type CsvOptions = RowOptions;

/// Longest row of several lines. Metrics are numbers; a quote that is open for longer was never closed.
const QUOTED_BYTES_MAX: usize = 1 << 16;

/// What may stand between cells, likeliest first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// What stands in the place of a number that there is none of, in small letters.
const MISSING: &[&str] = &["", "-", "na", "n/a", "<na>", "none", "null"];

/// Whether a text starts with a line of names and one of as many numbers.
pub(super) fn is_table(head: &[u8]) -> bool {
    let mut lines = head.split_inclusive(|byte| *byte == b'\n').filter(|line| !is_passed_over(line));
    let mut line = || std::str::from_utf8(lines.next()?.strip_suffix(b"\n")?).ok().map(str::trim_end);
    let (Some(names), Some(row)) = (line(), line()) else { return false };
    // What is parted by `|` is as often a log; the name of a file tells them apart.
    [b',', b';', b'\t'].into_iter().any(|delimiter| {
        let (mut columns, mut cells) = (vec![], vec![]);
        if !split(names.as_bytes(), delimiter, &mut columns) || !split(row.as_bytes(), delimiter, &mut cells) {
            return false;
        }
        let are_as_many = cells.len() == columns.len();
        let is_value = |cell: &&Range<usize>| row[(*cell).clone()].trim().is_empty() || number(&row[(*cell).clone()], delimiter).is_some();
        let values = cells.iter().filter(is_value).count();
        let name = |column: &Range<usize>| &names[column.clone()];
        // The index of pandas has none.
        let columns = if name(&columns[0]).trim().is_empty() { &columns[1..] } else { &columns[..] };
        // Names of several words are those of a table where something else says so too: most lines with a comma are prose.
        let is_quoted = |column: &Range<usize>| names[..column.start].ends_with('"');
        let may_have_words =
            columns.iter().map(|column| name(column).trim()).any(|name| is_step(name) || values == cells.len() && is_metric(name));
        let are_names =
            || columns.iter().all(|column| is_name(name(column)) && (may_have_words || is_quoted(column) || is_word(name(column))));
        cells.len() >= 2 && are_as_many && values * 2 >= cells.len() && are_names()
    })
}

/// Whether a line in front of a table is no part of it.
pub(super) fn is_passed_over(line: &[u8]) -> bool {
    line.starts_with(b"#") || line.trim_ascii().is_empty() || told_delimiter(line).is_some()
}

/// What stands between the cells of a table, by a line that Excel reads: `sep=;`.
fn told_delimiter(line: &[u8]) -> Option<u8> {
    let line = line.trim_ascii_end();
    let line = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
    match line.split_first_chunk::<4>() {
        // A tab at the end was cut off.
        Some((b"sep=" | b"SEP=" | b"Sep=", rest @ ([] | [_]))) => {
            Some(*rest.first().unwrap_or(&b'\t')).filter(|told| DELIMITERS.contains(told))
        }
        _ => None,
    }
}

/// Whether a line may be the names of a table.
pub(super) fn may_be_head(line: &[u8]) -> bool {
    let cells = |at: u8| str::from_utf8(line).ok().filter(|line| line.contains(char::from(at))).map(|line| line.split(char::from(at)));
    // The index of pandas has no name.
    [b',', b';', b'\t']
        .into_iter()
        .filter_map(cells)
        .any(|cells| cells.enumerate().all(|(at, cell)| at == 0 && cell.is_empty() || is_name(cell)))
}

/// Whether a cell may be the name of a column.
fn is_name(cell: &str) -> bool {
    let name = cell.trim().trim_matches('"');
    // `loss 0.5` and `loss: 0.5` are of a log.
    let has_value = || name.contains(": ") || name.rsplit_once(' ').is_some_and(|(_, last)| whole_text(last).is_some());
    name.starts_with(|c: char| c.is_alphabetic() || c == '_') && !name.contains(['=', '{']) && !has_value()
}

fn is_word(name: &str) -> bool {
    !name.trim().contains(' ')
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
    /// No more lines are expected behind those that are left.
    ends: bool,
    ends_of_lines: Ends,
}

/// What the lines of a table end with, by the first of them.
#[derive(Clone, Copy, PartialEq, Default)]
enum Ends {
    #[default]
    Untold,
    /// A carriage return came, and nothing behind it yet.
    Open,
    /// `\n`, or `\r\n`.
    Newlines,
    /// `\r`, as Excel writes tables for old Macs.
    Returns,
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
        if self.ends_of_lines == Ends::Newlines {
            return self.lines.push(bytes);
        }
        let mut bytes = bytes;
        if self.ends_of_lines == Ends::Untold
            && let Some(at) = memchr::memchr2(b'\n', b'\r', bytes)
        {
            self.ends_of_lines = if bytes[at] == b'\r' { Ends::Open } else { Ends::Newlines };
            let (before, rest) = bytes.split_at(at);
            self.lines.push(before);
            bytes = if bytes[at] == b'\r' { &rest[1..] } else { rest };
        }
        if self.ends_of_lines == Ends::Open
            && let Some(first) = bytes.first()
        {
            self.ends_of_lines = if *first == b'\n' { Ends::Newlines } else { Ends::Returns };
            self.lines.push(if *first == b'\n' { b"\r" } else { b"\n" });
        }
        match self.ends_of_lines {
            Ends::Returns => self.lines.push(&bytes.iter().map(|byte| if *byte == b'\r' { b'\n' } else { *byte }).collect::<Vec<_>>()),
            _ => self.lines.push(bytes),
        }
    }

    fn next(&mut self) -> Result<Option<Record>, Loss> {
        loop {
            if let Some(record) = self.table.ready.pop_front() {
                return Ok(Some(record));
            }
            if let Some(loss) = self.table.loss.take().or_else(|| self.loss.take()) {
                return Err(loss);
            }
            if let Some(piece) = self.again.pop_front() {
                match self.table.is_open(&piece.text, false) {
                    true => return Err(unclosed(piece.offset, piece.bytes)),
                    false => self.table.read(&piece.text, piece.offset, piece.bytes)?,
                }
                continue;
            }
            let Some(line) = self.lines.next()? else {
                if std::mem::take(&mut self.ends) {
                    self.table.newest.give(&mut self.table.ready);
                    continue;
                }
                return Ok(None);
            };
            let text = self.lines.get(line.range.clone());
            if self.open.is_empty() && !self.table.is_open(text, false) {
                self.table.read(text, line.offset, line.bytes)?;
            } else {
                let text = text.to_vec();
                self.join(Piece { text, offset: line.offset, bytes: line.bytes })?;
            }
        }
    }

    fn glimpse(&mut self) {
        self.table.newest.glimpse(&mut self.table.ready);
    }

    fn finish(&mut self) {
        let last = self.lines.open();
        let closes = !self.open.is_empty() && !self.table.is_open(last, true);
        let row = self.open.iter().map(|piece| piece.text.as_slice()).chain([last]).collect::<Vec<_>>().join(&b'\n');
        // A last line that has all its cells is most likely whole; a shorter one was torn by the writer's end.
        if (self.open.is_empty() || closes) && self.table.is_full(&row) {
            match self.lines.rest() {
                Ok(Some(line)) => {
                    let offset = self.open.first().map_or(line.offset, |first| first.offset);
                    let bytes = self.open.drain(..).map(|piece| piece.bytes).sum::<u64>() + line.bytes;
                    self.again.push_back(Piece { text: row, offset, bytes });
                }
                Ok(None) => {}
                Err(loss) => self.loss = self.loss.take().or(Some(loss)),
            }
        }
        self.loss = self.loss.take().or_else(|| self.give_up().err());
        self.ends = true;
    }

    fn jump(&mut self) -> bool {
        let is_in_lines = self.ends_of_lines == Ends::Newlines;
        (self.lines, self.open_bytes, self.table.jumped) = (Lines::default(), 0, true);
        self.open.clear();
        self.again.clear();
        let Table { axis, splits, header, .. } = &mut self.table;
        let is_told = header.as_ref().is_some_and(|header| !header.columns.iter().any(|column| axis.is_silent(column.role)));
        splits.jump(axis.has_rows());
        axis.jump();
        is_told && is_in_lines && !axis.facts().is_newest_first
    }

    fn is_open(&self) -> bool {
        self.table.axis.is_open()
    }

    fn is_mistaken(&self) -> bool {
        self.table.axis.is_mistaken() || self.table.splits.are_doubtful() || self.table.ends_otherwise
    }

    fn reset(&mut self) {
        let mut axis = std::mem::take(&mut self.table.axis);
        axis.renew();
        let newest = Newest::of(axis.facts().goes_on);
        *self = Csv { table: Table { axis, newest, ..Table::default() }, ..Csv::default() };
    }
}

/// The columns, and the rows that came of them.
#[derive(Default)]
struct Table {
    axis: Axis,
    splits: Splits,
    header: Option<Header>,
    /// What stands between cells, where the table says so before its header.
    delimiter: Option<u8>,
    /// A row had a number: what names columns is known.
    has_rows: bool,
    /// The text of the last comment: it may name the columns of a table that has no header.
    comment: Option<String>,
    /// Unix seconds that the column `t` counts from, by the first line of a `monitor.csv`.
    start: Option<f64>,
    cells: Vec<Range<usize>>,
    keys: Keys,
    newest: Newest,
    ready: VecDeque<Record>,
    /// To be told behind what is ready.
    loss: Option<Loss>,
    /// Rows were passed over, and maybe a line that names other columns.
    jumped: bool,
    /// The last row has other cells than the header has: whether it counts hangs on the rows that were passed over.
    ends_otherwise: bool,
}

struct Header {
    delimiter: u8,
    columns: Vec<Column>,
    /// The columns that name the metric of each row and hold its value.
    point: Option<(usize, usize)>,
    /// They do: the first row with both told it for all.
    has_points: Option<bool>,
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
        match std::str::from_utf8(line) {
            Ok(text) => self.line(text, offset, bytes),
            // Names in another encoding are mostly in this one.
            Err(_) if self.header.is_none() => self.line(&line.iter().copied().map(char::from).collect::<String>(), offset, bytes),
            Err(_) => self.torn(line, offset, bytes),
        }
    }

    /// Reads a row with bytes in it that are no UTF-8: the text of another encoding, or damage. Only the cells with such bytes are
    /// lost, unless one of them says where the row stands or parts two cells.
    fn torn(&mut self, line: &[u8], offset: u64, bytes: u64) -> Result<(), Loss> {
        let text = masked(line);
        let Some(header) = &self.header else { return Ok(()) };
        split(text.as_bytes(), header.delimiter, &mut self.cells);
        let is_bad = |cell: &Range<usize>| std::str::from_utf8(&line[cell.clone()]).is_err();
        let bad: Vec<_> = header.columns.iter().zip(&self.cells).filter(|(_, cell)| is_bad(cell)).collect();
        let names_point = |column: &Column| header.point.is_some() && column.role == Role::MetricName;
        let is_place = |column: &Column| {
            matches!(column.role, Role::Step(_) | Role::Time(_) | Role::Split(_) | Role::Run(_)) || column.is_clock || names_point(column)
        };
        if self.cells.len() != header.columns.len() || bad.is_empty() || bad.iter().any(|(column, _)| is_place(column)) {
            return Err(Loss { offset, bytes, reason: "a line is not UTF-8".into() });
        }
        // A column that never had a number is of text, and nothing of it is wanted.
        let lost = bad.into_iter().find(|(column, _)| self.keys.known(&column.name).is_some());
        let lost = lost.map(|(_, cell)| Loss {
            offset: offset + cell.start as u64,
            bytes: cell.len() as u64,
            reason: "a cell is not UTF-8".into(),
        });
        self.line(&text, offset, bytes)?;
        self.loss = self.loss.take().or(lost);
        Ok(())
    }

    fn line(&mut self, text: &str, offset: u64, bytes: u64) -> Result<(), Loss> {
        let loss = |reason: String| Loss { offset, bytes, reason };
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
        if self.header.is_none()
            && let Some(delimiter) = told_delimiter(text.as_bytes())
        {
            self.delimiter = Some(delimiter);
            return Ok(());
        }
        if !self.has_rows && self.header.as_ref().is_some_and(|header| header.is_title_of(text)) {
            self.header = None;
        }
        let Some(header) = &self.header else {
            let delimiter = self.begin(text);
            // A table without a header starts with a row.
            return if self.is_row(text, delimiter) { self.row(text, offset, bytes) } else { Ok(()) };
        };
        split(text.as_bytes(), header.delimiter, &mut self.cells);
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
        let mut most = (0, self.delimiter.unwrap_or(DELIMITERS[0]));
        for delimiter in DELIMITERS.into_iter().filter(|delimiter| self.delimiter.is_none_or(|told| told == *delimiter)) {
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
        let mut counts: HashMap<&str, u32> = HashMap::new();
        let column = |name: &'a str| {
            let name = name.trim();
            let count = counts.entry(name).or_insert(0);
            let name = if *count > 0 && !name.is_empty() { format!("{name}.{count}") } else { name.to_owned() };
            *count += 1;
            Column { role: self.axis.role(&name), is_clock: self.start.is_some() && name == "t", name }
        };
        let columns: Vec<Column> = names.map(column).collect();
        let roles = columns.iter().map(|column| column.role).enumerate();
        let point = point(roles.filter(|(at, _)| !columns[*at].is_clock && !columns[*at].name.is_empty()));
        Header { delimiter, columns, point, has_points: None }
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
        let Some(Header { delimiter, columns, point, has_points }) = &mut self.header else { return Ok(()) };
        let cell = |at: usize| self.cells.get(at).map_or("", |cell| text[cell.clone()].trim());
        if (columns.len()..self.cells.len()).any(|at| !cell(at).is_empty()) {
            return Err(loss(format!("a row has {} cells and the header {}", self.cells.len(), columns.len())));
        }
        self.ends_otherwise = self.jumped && self.cells.len() != columns.len();
        if self.ends_otherwise {
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
        let is_text = |at: usize| number(cell(at), *delimiter).is_none() && !MISSING.contains(&cell(at).to_ascii_lowercase().as_str());
        // `Total,99`: of all rows, not of the one before.
        if columns.iter().enumerate().any(|(at, column)| self.axis.is_best(column.role) && is_text(at)) {
            return Err(loss("the step of a row is no number".into()));
        }
        let clock = clock.filter(|_| place.time.is_none());
        let time = place.time.or_else(|| WallTime::new(self.start? + clock?.1));
        self.splits.of_run(self.axis.run(&place));
        let metric = point.map(|(name, value)| (value, cell(name)));
        let is_other = |(at, column): (usize, &Column)| {
            let may_be = matches!(column.role, Role::Value | Role::Run(_)) && !place.is_of_run(at, column.role);
            may_be && !column.is_clock && !column.name.is_empty() && number(cell(at), *delimiter).is_some()
        };
        let metric = metric.filter(|(_, name)| !name.is_empty() && number(name, *delimiter).is_none());
        if metric.is_some_and(|(value, _)| number(cell(value), *delimiter).is_some()) {
            if has_points.is_none() {
                self.axis.first_point();
            }
            has_points.get_or_insert_with(|| !columns.iter().enumerate().any(is_other));
        }
        let metric = metric.filter(|_| *has_points == Some(true));
        let metric = metric.map(|(value, name)| (value, unquoted(name)));
        for (at, column) in columns.iter().enumerate().filter(|(_, column)| !column.name.is_empty()) {
            let Some(number) = number(cell(at), *delimiter) else { continue };
            any = true;
            if ![place.step_cell, place.time_cell, clock.map(|(at, _)| at)].contains(&Some(at)) && !place.is_of_run(at, column.role) {
                let name = metric.as_ref().filter(|(value, _)| *value == at).map_or(&*column.name, |(_, name)| name);
                self.splits.put(place.split, name, number, &mut self.keys);
            }
        }
        self.has_rows |= any;
        if !any && self.cells.len() < columns.len() {
            return Err(loss("a line is no row".into()));
        }
        // A metric that never had a number is of text, and nothing of it is wanted.
        if let Some((at, name)) = &metric
            && is_text(*at)
            && self.keys.known(name).is_some()
        {
            self.loss = Some(loss("the value of a point is no number".into()));
        }
        if let Some(why) = self.keys.overflowed() {
            self.loss = Some(loss(why));
        }
        if !self.keys.is_empty() {
            let values = self.keys.take(&mut self.ready);
            let row = Row { step: place.step, time, offset: Some(offset), values, ..Row::default() };
            match self.axis.facts().is_newest_first {
                true => {
                    self.newest.push(row, &mut self.ready);
                    if let Some(rows) = self.newest.goes_on() {
                        self.axis.learn(Fact::GoesOn(rows));
                    }
                }
                false => self.ready.push_back(Record::Row(row)),
            }
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
    /// Whether this was the title of a table whose columns are named in `text`: fewer words, and no number among the names.
    fn is_title_of(&self, text: &str) -> bool {
        let named = self.columns.iter().filter(|column| !column.name.is_empty()).count();
        named == 1
            && DELIMITERS.into_iter().any(|delimiter| {
                let mut cells = vec![];
                split(text.as_bytes(), delimiter, &mut cells);
                cells.len() > 1 && cells.iter().all(|cell| is_name(&text[cell.clone()]) && number(&text[cell.clone()], delimiter).is_none())
            })
    }

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

#[cfg(test)]
mod tests;
