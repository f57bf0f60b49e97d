//! Tables: a row of names and then rows of numbers.

use super::{
    facts::{Count, Pairs},
    token::{Token, tokens},
    words::{Counter, counter, is_connective, is_prose, is_training, says_count, shortened, validation},
};
use crate::source::metrics::is_metric;

/// Lines that may stand between a header and its rows, or between rows, that are no rows: a progress that is drawn below the
/// table has some, and an evaluation between them more.
const MISSES_MAX: u32 = 32;

/// Longest header that is kept.
const HEADER_BYTES_MAX: usize = 1024;

/// The header of a table, and what the last row under it said.
#[derive(Default)]
pub(super) struct Table {
    kind: Option<Kind>,
    columns: Vec<Column>,
    /// The columns if each word of the header is a name: a row of as many cells tells.
    words: Vec<Column>,
    /// A ruler under the header says how wide the columns are.
    is_ruled: bool,
    /// A row had a cell for each column.
    is_sure: bool,
    /// Nothing came under it yet, so its names may go on in the next line.
    is_fresh: bool,
    misses: u32,
    /// One space parts its columns, as it does the words of a sentence: the first line of words ends it.
    is_narrow: bool,
    /// The names of the line above, which alone is no header.
    above: Vec<Column>,
    pub(super) pairs: Pairs,
    pub(super) step: Option<(Counter, Count)>,
    pub(super) epoch: Option<Count>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Pipes,
    Tabs,
    Commas,
    Spaces,
}

/// A name, and where in its line it stands.
struct Column {
    name: String,
    from: usize,
    to: usize,
}

/// What stands between spaces, and where in its line, in characters.
struct Piece<'a> {
    text: &'a str,
    from: usize,
    to: usize,
}

impl<'a> Piece<'a> {
    /// A piece that signs part from others, of which it does not matter where it stands.
    fn of(text: &'a str) -> Piece<'a> {
        Piece { text, from: 0, to: 0 }
    }
}

pub(super) enum Cell {
    Number(f64, Option<Count>),
    /// A clock, a mark, or a word for "nothing here".
    Empty,
    Text,
}

impl Table {
    /// Whether a header stands, so that a row of bare numbers may follow.
    pub(super) fn is_open(&self) -> bool {
        self.kind.is_some()
    }

    /// Takes `line` as the header of a table if it looks like one: names only, one of them a counter, or metrics of several splits
    /// or classes.
    pub(super) fn open(&mut self, line: &str) -> bool {
        let text = line.trim_ascii();
        let above = std::mem::take(&mut self.above);
        if line.len() > HEADER_BYTES_MAX || text.ends_with(':') {
            return false;
        }
        let kind = match text {
            _ if text.contains('|') => Kind::Pipes,
            _ if text.contains('\t') => Kind::Tabs,
            _ if text.contains(',') => Kind::Commas,
            _ => Kind::Spaces,
        };
        let is_spaced = kind == Kind::Spaces;
        if is_spaced && !text.as_bytes().windows(2).any(|two| two == b"  ") {
            return self.open_narrow(line, text);
        }
        // Names may hold single spaces where columns are parted by more.
        let names = if is_spaced { pieces(line, 2) } else { cells(closed(inside(line, kind)), kind).into_iter().map(Piece::of).collect() };
        let named = names.iter().enumerate().all(|(at, Piece { text, .. })| {
            // The column of an index has no name.
            kind == Kind::Tabs && at == 0 && names.len() > 2 && text.is_empty()
                || text.len() < 40 && text.starts_with(|c: char| c.is_alphabetic() || matches!(c, '#' | '%' | '_')) && !text.ends_with(':')
        });
        // `Epoch 3, Loss: 0.5` beside a bar says values.
        if names.len() < 2 || !named || names.iter().any(|name| says_count(name.text)) {
            return false;
        }
        // `# Epoch batch     loss`: the names of narrow columns may be parted by one space.
        let first = text.trim_start_matches(['#', ' ']).split_ascii_whitespace().next().unwrap_or("");
        let counts = names.iter().enumerate().any(|(at, name)| counted(name.text, at).is_some()) || counter(first).is_some();
        let is_header = counts || is_by_class(names[0].text) || names[1..].iter().any(|name| is_metric(name.text));
        if is_spaced && !is_header {
            return self.open_below(above, columns(&pieces(line, 1)));
        }
        if is_header {
            let words = if is_spaced { pieces(line, 1) } else { vec![] };
            self.begin(kind, columns(&names), if words.len() > names.len() { columns(&words) } else { vec![] });
        }
        is_header
    }

    fn begin(&mut self, kind: Kind, columns: Vec<Column>, words: Vec<Column>) {
        (self.kind, self.columns, self.words) = (Some(kind), columns, words);
        (self.is_fresh, self.is_ruled, self.is_sure, self.is_narrow, self.misses) = (true, false, false, false, 0);
    }

    /// `epoch loss acc`: names parted by one space each, as in a sentence, of which the first counts and another measures.
    fn open_narrow(&mut self, line: &str, text: &str) -> bool {
        let mut words = text.split(' ');
        let is_counter = words.next().is_some_and(|first| first == "#" || counter(first).is_some());
        if !is_counter || self.is_open() && self.is_sure {
            return false;
        }
        let is_sign = |c: char| c.is_alphanumeric() || matches!(c, '_' | '/' | '@' | '%' | '-');
        let is_name =
            |word: &str| word.starts_with(char::is_alphabetic) && word.chars().all(is_sign) && !is_prose(word) && !is_connective(word);
        let is_header = words.clone().all(is_name) && words.any(is_metric);
        if is_header {
            self.begin(Kind::Spaces, columns(&pieces(line, 1)), vec![]);
            self.is_narrow = true;
        }
        is_header
    }

    /// Takes the names of two lines, of which each stands over the other, as the header of a table if one of them counts then.
    fn open_below(&mut self, above: Vec<Column>, mut below: Vec<Column>) -> bool {
        let is_over = |(a, b): (&Column, &Column)| a.from == b.from || a.to == b.to;
        if above.len() != below.len() || !above.iter().zip(&below).all(is_over) {
            self.above = below;
            return false;
        }
        for (a, b) in above.iter().zip(&mut below) {
            *b = Column { name: format!("{} {}", a.name, b.name), from: a.from.min(b.from), to: a.to.max(b.to) };
        }
        let is_header = below.iter().any(|column| column.name.ends_with(" counter"));
        if is_header {
            self.begin(Kind::Spaces, below, vec![]);
            self.is_fresh = false;
        }
        is_header
    }

    /// Reads `line`, with the spaces around it, as a row under the header. True: the row is in `pairs` and `step`.
    pub(super) fn row(&mut self, line: &str) -> bool {
        let Some(kind) = self.kind else { return false };
        if line.bytes().all(|b| matches!(b, b'-' | b'=' | b'+' | b'|' | b':' | b' ')) {
            self.rule(line, kind);
            // What polars writes below its own ruler are types.
            self.is_fresh &= kind != Kind::Pipes || !line.contains('-');
            return false;
        }
        self.pairs.clear();
        (self.step, self.epoch) = (None, None);
        if std::mem::take(&mut self.is_fresh)
            && match kind {
                Kind::Pipes => self.go_on(line),
                Kind::Spaces => self.name_index(line),
                Kind::Tabs | Kind::Commas => false,
            }
        {
            return false;
        }
        let read = self.cells(line, kind).is_some_and(|cells| self.read(&cells));
        self.misses = if read { 0 } else { self.misses + 1 };
        let is_text = || line.contains(char::is_alphabetic);
        if self.misses > MISSES_MAX || self.is_narrow && !read && is_text() {
            self.kind = None;
        }
        read
    }

    /// A ruler: with a piece for each column right under the header, it says how wide they are.
    fn rule(&mut self, line: &str, kind: Kind) {
        let pieces = pieces(line, 1);
        if kind != Kind::Spaces || !self.is_fresh || pieces.len() < 2 {
            return;
        }
        if pieces.len() == self.words.len() {
            self.columns = std::mem::take(&mut self.words);
        }
        if pieces.len() == self.columns.len() {
            self.is_ruled = true;
            self.words.clear();
            self.columns.iter_mut().zip(&pieces).for_each(|(column, piece)| (column.from, column.to) = (piece.from, piece.to));
        }
    }

    /// Puts the second line of a header below the first. False: it is none.
    fn go_on(&mut self, line: &str) -> bool {
        let more = cells(line.trim_ascii(), Kind::Pipes);
        let is_name = |cell: &&str| cell.is_empty() || cell.starts_with(|c: char| c.is_alphabetic() || c == '(');
        if self.columns.len() != more.len() || !more.iter().all(is_name) {
            return false;
        }
        for (column, more) in self.columns.iter_mut().zip(more) {
            column.name = format!("{} {more}", column.name).trim_ascii().to_owned();
        }
        true
    }

    /// Puts the name of an index, which pandas writes below the others, in front of them. False: it is none.
    fn name_index(&mut self, line: &str) -> bool {
        let pieces = pieces(line, 1);
        let [index] = pieces.as_slice() else { return false };
        let is_index = counter(index.text).is_some() && self.columns.first().is_some_and(|first| index.to < first.from);
        if is_index {
            self.columns.splice(0..0, columns(&pieces));
            self.words.clear();
        }
        is_index
    }

    /// What a row says in each of the columns, nothing where it is blank. `None`: it is none, or not clear which are blank.
    fn cells<'a>(&mut self, line: &'a str, kind: Kind) -> Option<Vec<&'a str>> {
        if kind != Kind::Spaces {
            // The first or the last cells may be blank, or the whole line stands away from the border, or each cell ends with a tab.
            return [inside(line, kind), line.trim_ascii(), line, closed(inside(line, kind))]
                .into_iter()
                .map(|line| cells(line, kind))
                .find(|cells| cells.len() == self.columns.len());
        }
        let mut scratch = vec![];
        let mut is_value = |piece: &Piece| !matches!(cell(piece.text, &mut scratch), Cell::Text);
        // Cells may hold single spaces too: `[0.5, 0.25]`.
        let row = [1, 2].into_iter().map(|gap| pieces(line, gap)).find(|row| row.len() > 1 && row[1..].iter().all(&mut is_value))?;
        // The index of pandas, which has no name.
        if let [index, row @ ..] = row.as_slice()
            && self.columns.first().is_some_and(|first| index.to < first.from)
            && row.len() == self.columns.len()
            && let Some(cells) = place(&self.columns, row, false)
        {
            return Some(cells);
        }
        let texts = || row.iter().map(|piece| piece.text).collect();
        if row.len() == self.words.len() {
            self.columns = std::mem::take(&mut self.words);
        }
        let placed = place(&self.columns, &row, self.is_ruled);
        if row.len() == self.columns.len() {
            // As many cells as columns, but others: some are blank, and others hold marks or have no name of their own.
            let is_other = row.iter().any(|piece| is_mark(piece.text)) || place(&self.words, &row, false).is_some();
            self.is_sure |= placed.is_some() || !is_other;
            return (placed.is_some() || !is_other).then(texts);
        }
        if placed.is_some() || self.is_sure {
            return placed;
        }
        // `#  step  loss`: the mark of a comment.
        let is_marked = |columns: &&mut Vec<Column>| columns.len() == row.len() + 1 && columns[0].name == "#";
        let mut columns = std::mem::take([&mut self.columns, &mut self.words].into_iter().find(is_marked)?);
        columns.remove(0);
        (self.columns, self.words, self.is_sure) = (columns, vec![], true);
        Some(texts())
    }

    /// Reads a row of cells, one for each column.
    fn read(&mut self, cells: &[&str]) -> bool {
        let counts = self.columns.iter().enumerate().any(|(at, column)| counted(&column.name, at).is_some());
        let is_number = |text: &str| matches!(cell(text, &mut vec![]), Cell::Number(..));
        // Names of metrics, and no steps: signs must part them, since words over numbers are as often a report.
        let is_bare = !counts && self.kind != Some(Kind::Spaces) && is_metric(&self.columns[0].name) && is_number(cells[0]);
        let labelled = if counts || is_bare { None } else { Some(label(cells, is_by_class(&self.columns[0].name))) };
        let prefix = match labelled {
            Some(Some(prefix)) => prefix,
            Some(None) => return false,
            None => "",
        };
        let (mut scratch, mut blank) = (vec![], None);
        for (at, (Column { name, .. }, text)) in self.columns.iter().zip(cells).enumerate() {
            if labelled.is_some() && at == 0 {
                continue;
            }
            match (cell(text, &mut scratch), counted(name, at)) {
                (Cell::Text, _) => return false,
                (Cell::Empty, None) => {}
                (Cell::Empty, kind) => blank = blank.max(kind),
                (Cell::Number(_, Some(count)), Some(Counter::Epoch)) if self.epoch.is_none() => self.epoch = Some(count),
                (Cell::Number(_, Some(count)), Some(kind)) if kind != Counter::Epoch && self.step.is_none_or(|(known, _)| kind > known) => {
                    self.step = Some((kind, count))
                }
                (Cell::Number(..), Some(_)) => {}
                (Cell::Number(..), None) if name.is_empty() => {}
                (Cell::Number(value, _), None) => {
                    // `Box(P   R   mAP50)` are three names.
                    let is_whole = name.contains('(') == name.ends_with(')');
                    let name = if is_whole { name } else { name.rsplit('(').next().unwrap_or(name).trim_end_matches(')') };
                    let (base, at) = thresholds(name);
                    self.pairs.push(&[prefix, base, &at], value);
                }
            }
        }
        // A row without the count that the others go by is of no step.
        let counts = self.step.map(|(kind, _)| kind).or(self.epoch.map(|_| Counter::Epoch));
        let is_counted = counts.is_some_and(|kind| blank.is_none_or(|blank| blank <= kind));
        self.pairs.len() > 0 && (labelled.is_some() || is_bare || is_counted)
    }
}

fn columns(pieces: &[Piece]) -> Vec<Column> {
    pieces.iter().map(|piece| Column { name: piece.text.to_owned(), from: piece.from, to: piece.to }).collect()
}

/// A line without the spaces around it that part no cells.
fn inside(line: &str, kind: Kind) -> &str {
    match kind {
        Kind::Tabs => line.trim_matches([' ', '\r']),
        _ => line.trim_ascii(),
    }
}

/// A line of which each cell ends with a tab, without the last.
fn closed(line: &str) -> &str {
    line.strip_suffix('\t').unwrap_or(line)
}

/// The cells of a line that signs part.
fn cells(line: &str, kind: Kind) -> Vec<&str> {
    let sign = match kind {
        Kind::Pipes => '|',
        Kind::Tabs => '\t',
        Kind::Commas => ',',
        Kind::Spaces => ' ',
    };
    let framed = line.strip_prefix('|').unwrap_or(line);
    framed.strip_suffix('|').unwrap_or(framed).split(sign).map(str::trim_ascii).collect()
}

/// The pieces of a line that at least `gap` spaces part.
fn pieces(line: &str, gap: usize) -> Vec<Piece<'_>> {
    let start_of = |text: &str| text.as_ptr().addr() - line.as_ptr().addr();
    let mut pieces = Vec::<Piece>::new();
    let (mut end, mut to) = (0, 0);
    for word in line.split_ascii_whitespace() {
        let start = start_of(word);
        let from = to + line[end..start].chars().count();
        (end, to) = (start + word.len(), from + word.chars().count());
        match pieces.last_mut() {
            Some(piece) if from < piece.to + gap => (piece.text, piece.to) = (&line[start_of(piece.text)..end], to),
            _ => pieces.push(Piece { text: word, from, to }),
        }
    }
    pieces
}

/// Which columns the pieces of a row stand in: all begin where their name does, or all end there, or all stand above their part of
/// a ruler. None can fit two columns, since it does not reach the next. What stands in each of them, nothing where that is blank.
fn place<'a>(columns: &[Column], row: &[Piece<'a>], is_ruled: bool) -> Option<Vec<&'a str>> {
    let is_left = |at: usize, piece: &Piece| {
        let next = columns.get(at + 1);
        columns[at].from == piece.from && next.is_none_or(|next| piece.to < next.from)
    };
    let is_right = |at: usize, piece: &Piece| {
        let before = at.checked_sub(1).map(|at| &columns[at]);
        columns[at].to == piece.to && before.is_none_or(|before| before.to < piece.from)
    };
    let is_inside = |at: usize, piece: &Piece| is_ruled && columns[at].from <= piece.from && piece.to <= columns[at].to;
    let place = |fits: &dyn Fn(usize, &Piece) -> bool| {
        let mut cells = vec![""; columns.len()];
        for piece in row {
            let cell = &mut cells[(0..columns.len()).find(|at| fits(*at, piece))?];
            if !std::mem::replace(cell, piece.text).is_empty() {
                return None;
            }
        }
        Some(cells)
    };
    if row.len() > columns.len() {
        return None;
    }
    place(&is_left).or_else(|| place(&is_right)).or_else(|| place(&is_inside))
}

/// Whether a cell is a mark, such as that of the best row.
fn is_mark(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_punctuation()) && !EMPTY.contains(&text)
}

/// What the column with this name counts, of those from the left the one with this number.
fn counted(name: &str, at: usize) -> Option<Counter> {
    match name {
        "#" => Some(Counter::Step),
        _ if name.ends_with(" counter") => Some(Counter::Step),
        "E" if at == 0 => Some(Counter::Epoch),
        _ if at == 0 => counter(name).or_else(|| shortened(name)),
        _ => counter(name),
    }
}

/// A table with a row for each class is an evaluation; its `all` row sums it up. By the name of the first column.
fn is_by_class(name: &str) -> bool {
    name.split_ascii_whitespace().next() == Some("Class")
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

/// Words for "nothing here".
const EMPTY: &[&str] = &["-", "--", "n/a", "N/A", "#na#", "None", "none", "No log"];

pub(super) fn cell(text: &str, scratch: &mut Vec<Token>) -> Cell {
    if text.is_empty() || EMPTY.contains(&text) || is_mark(text) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What the rows of `lines`, of which the first is the header, say.
    fn show(lines: &[String]) -> Vec<String> {
        let mut table = Table::default();
        assert!(table.open(&lines[0]), "{lines:?}");
        let mut show = |line: &String| {
            let read = table.row(line);
            let step = table.step.map(|(_, count)| count).or(table.epoch).map(|count| count.at.to_string()).unwrap_or_default();
            let pairs: String = table.pairs.iter().map(|(name, value)| format!(" {name}={value}")).collect();
            if read { step + &pairs } else { String::new() }
        };
        lines[1..].iter().map(&mut show).collect()
    }

    #[track_caller]
    fn check(lines: &str, want: &[&str]) {
        let lines: Vec<_> = lines.lines().map(str::to_owned).collect();
        assert_eq!(show(&lines), want, "{lines:#?}");
    }

    #[test]
    fn a_blank_cell_is_no_value_and_moves_no_other() {
        check(
            "epoch       main/loss   validation/main/loss  elapsed_time\n1           0.5                               1.5           \n2           0.25        0.75                  2.5           \n3                       0.5\n                        0.5                   3.5",
            &[
                "1 main/loss=0.5 elapsed_time=1.5",
                "2 main/loss=0.25 validation/main/loss=0.75 elapsed_time=2.5",
                "3 validation/main/loss=0.5",
                "",
            ],
        );
        check(
            "  epoch    train loss    valid_loss    cp     dur\n-------  ------------  ------------  ----  ------\n      1         0.500        0.2500     +  0.1000\n      2         0.500                      0.1000\n     10                      0.2500     +  0.1000\n                0.500        0.2500        0.1000",
            &["", "1 train loss=0.5 valid_loss=0.25 dur=0.1", "2 train loss=0.5 dur=0.1", "10 valid_loss=0.25 dur=0.1", ""],
        );
        // Centred cells under a ruler.
        check(
            "step    loss       acc\n-----  --------  --------\n  1      0.5       0.25\n  2                0.25",
            &["", "1 loss=0.5 acc=0.25", "2 acc=0.25"],
        );
        check("step\\tloss\\tacc\n1\\t\\t0.5\n2\\t0.5\\t\n\\t0.5\\t0.25\n".replace("\\t", "\t").as_str(), &["1 acc=0.5", "2 loss=0.5", ""]);
        check("|step|loss|acc|\n|1||0.5|\n|2|0.5| |\n||0.5|0.25|", &["1 acc=0.5", "2 loss=0.5", ""]);
    }

    #[test]
    fn names_may_be_parted_by_one_space() {
        check("epoch loss acc\n1 0.5 0.25\n2 0.5\n10 0.25 0.75", &["1 loss=0.5 acc=0.25", "", "10 loss=0.25 acc=0.75"]);
        check("# step train_loss lr\n5 0.5 1e-3", &["5 train_loss=0.5 lr=0.001"]);
        for sentence in ["epoch loss is nan", "Step loss and acc", "loss acc", "epoch time", "best epoch loss"] {
            assert!(!Table::default().open(sentence), "{sentence}");
        }
    }

    #[test]
    fn polars_writes_types_below_the_names() {
        let rows = ["| epoch | loss |", "| ---   | ---  |", "| i64   | f64  |", "+=======+======+", "| 1     | 0.5  |", "| 2     | 0.25 |"];
        check(&rows.join("\n"), &["", "", "", "1 loss=0.5", "2 loss=0.25"]);
    }

    #[test]
    fn pandas_writes_an_index_in_front() {
        let rows = ["   epoch  train loss   acc", "0      1        0.50  0.25", "1      2        0.25   NaN", "10    11        0.25  0.75"];
        check(&rows.join("\n"), &["1 train loss=0.5 acc=0.25", "2 train loss=0.25 acc=NaN", "11 train loss=0.25 acc=0.75"]);
        check(
            "       loss   acc\nepoch            \n1      0.50  0.25\n10     0.25  0.75",
            &["", "1 loss=0.5 acc=0.25", "10 loss=0.25 acc=0.75"],
        );
        // The index counts nothing of itself: it may be of classes.
        check("   loss   acc\n0  0.50  0.25", &[""]);
    }

    #[test]
    fn rows_may_be_of_no_step() {
        check("total loss\tctc loss\t\n46.5\t9.25\t\n41.5\t8.25\t", &[" total loss=46.5 ctc loss=9.25", " total loss=41.5 ctc loss=8.25"]);
        check("name,loss,acc\n1,0.5,0.25", &[""]);
    }

    #[test]
    fn an_index_without_a_name_moves_no_other_column() {
        let lines = "\\tstep\\tloss\\tacc\n0\\t1\\t0.5\\t\n1\\t2\\t0.25\\t0.75\n2\\t3\\t\\t0.75".replace("\\t", "\t");
        check(&lines, &["1 loss=0.5", "2 loss=0.25 acc=0.75", "3 acc=0.75"]);
    }

    #[test]
    fn a_row_whose_blanks_are_not_clear_says_nothing() {
        // Two values above one part of a ruler.
        check(
            "step  loss        acc   f1\n----  ----------  ----  ----\n1     0.5   0.25\n2     0.5         0.75",
            &["", "", "2 loss=0.5 acc=0.75"],
        );
        // Parted by two spaces each, of no width.
        check("step  loss  acc  time\n1  0.5    3\n10  0.25  0.5  4", &["", "10 loss=0.25 acc=0.5 time=4"]);
        // A cell that is too wide moves those behind it.
        check("step  loss    acc     time\n1     0.5125625     3.5", &[""]);
        // A mark at the end makes up for the blank.
        check("step  loss   acc    time\n1     0.5           3.5    *", &[""]);
        // Each word is a name.
        check(
            "step   loss acc  time\n1           0.5  3.5\n2      0.5  0.25 3.5\n3           0.25 4.5",
            &["", "2 loss=0.5 acc=0.25 time=3.5", "3 acc=0.25 time=4.5"],
        );
    }

    proptest! {
        #[test]
        fn what_was_put_into_columns_is_found_there(
            names in proptest::sample::subsequence(vec!["train loss", "loss", "acc", "val/main/loss", "lr", "dur", "a longer name", "f1"], 1..6),
            counter in 0..6_usize,
            rows in proptest::collection::vec(proptest::collection::vec((0..4_u8, 0..100_000_u32, 0..6_usize), 6), 1..8),
            more in proptest::collection::vec(0..8_usize, 6),
            (is_left, is_ruled, indent, gap, fits) in (any::<bool>(), any::<bool>(), 0..9_usize, 2..5_usize, any::<bool>()),
        ) {
            let mut names = names;
            let counter = counter.min(names.len());
            names.insert(counter, "step");
            let cell = |at: usize, (kind, value, digits): (u8, u32, usize), width: usize| match kind {
                0 => String::new(),
                _ if at == counter => (value % 1000).to_string(),
                _ => {
                    let cell = format!("{:.digits$}", f64::from(value) / 100.0);
                    if fits { cell.chars().take(width).collect::<String>().trim_end_matches('.').to_owned() } else { cell }
                }
            };
            let widths: Vec<_> = names.iter().zip(&more).map(|(name, more)| name.len() + more).collect();
            let render = |cells: &mut dyn Iterator<Item = String>| {
                let padded = cells.zip(&widths).map(|(cell, &width)| if is_left { format!("{cell:<width$}") } else { format!("{cell:>width$}") });
                format!("{}{}", " ".repeat(indent), padded.collect::<Vec<_>>().join(&" ".repeat(gap)))
            };
            let mut lines = vec![render(&mut names.iter().map(|name| (*name).to_owned()))];
            lines.extend(is_ruled.then(|| render(&mut widths.iter().map(|width| "-".repeat(*width)))));
            let rows: Vec<Vec<_>> = rows.iter().map(|row| (0..names.len()).map(|at| cell(at, row[at], widths[at])).collect()).collect();
            lines.extend(rows.iter().map(|row| render(&mut row.iter().cloned())));
            let found = show(&lines);
            for (row, found) in rows.iter().zip(&found[usize::from(is_ruled)..]) {
                let pairs = names.iter().zip(row).enumerate().filter(|(at, (_, cell))| *at != counter && !cell.is_empty());
                let pairs: String = pairs.map(|(_, (name, cell))| format!(" {name}={}", cell.parse::<f64>().unwrap())).collect();
                let is_row = !row[counter].is_empty() && !pairs.is_empty();
                let want = if is_row { format!("{}{pairs}", row[counter]) } else { String::new() };
                prop_assert!(*found == want || !fits && found.is_empty(), "{}\n{found} for {want}", lines.join("\n"));
            }
        }
    }
}
