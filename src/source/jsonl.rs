//! Metric rows as JSON lines: og's own `metrics.jsonl`, and lines of any flat object.
//!
//! og's line is `{"s":120,"t":1795161553.2,"m":{"loss":2.1,"grad":{"norm":0.4}},"attempt":0,"rank":0}`: step, Unix seconds, values;
//! a field `total` beside them is the number of steps that the run means to take. Dicts inside `m` are flattened with `.`
//! (`grad.norm`); NaN and infinities may be strings or, as Python writes them, bare words; texts, lists and booleans are not
//! metrics.
//!
//! A line without `m` is a row of another writer and read as [`Rows`](super::Rows) reads it; one of a text alone may be console output
//! ([`Wrapped`]). Several objects on a line are as
//! many rows, and arrays around them and commas behind them say nothing.

use super::{
    Decoder, Loss, Record, Row,
    columns::{Fact, RowOptions, whole, whole_text},
    flat::Flat,
    json::{self, Cursor, Token, non_finite},
    keys::{Keys, NAME_BYTES_MAX, TooMuch},
    lines::{Line, Lines},
    outbox::Outbox,
    wrapped::Wrapped,
};
use crate::model::{Step, WallTime};
use memchr::memmem;

/// What stands in each of og's own lines.
const VALUES: &[u8] = b"\"m\"";

/// Decodes JSON lines.
#[derive(Default)]
pub struct Jsonl {
    lines: Lines,
    keys: Keys,
    ready: Outbox,
    path: String,
    /// Reads the lines of other writers.
    flat: Flat,
    /// Reads the texts in them; there are none in most.
    wrapped: Option<Box<Wrapped>>,
    /// A row had numbers of its own: what texts say is not to stand in their place.
    has_rows: bool,
    /// Lines were passed over.
    jumped: bool,
}

impl Jsonl {
    /// A decoder that stands at the start of a source.
    pub fn new() -> Jsonl {
        Jsonl::default()
    }

    /// The same, where a person said which column holds the step of lines of other writers.
    pub fn with(options: RowOptions) -> Jsonl {
        Jsonl { flat: Flat::new(options), ..Jsonl::default() }
    }

    fn read(&mut self, line: &Line) -> Result<(), Loss> {
        let loss = |reason: &str| Loss { offset: line.offset, bytes: line.bytes, reason: reason.into() };
        let bytes = self.lines.get(line.range.clone());
        let mended;
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(_) => {
                mended = json::mended(bytes).ok_or_else(|| loss("line is not UTF-8"))?;
                &mended
            }
        };
        let mut cursor = Cursor::new(text);
        // Most lines of other writers need not be walked twice.
        let may_be_own = memmem::find(bytes, VALUES).is_some();
        let mut start = 0;
        loop {
            let read = match cursor.peek() {
                None => return Ok(()),
                Some(b'{') => {
                    start = cursor.at();
                    object(&mut cursor, may_be_own, &mut self.keys, &mut self.path, &mut self.flat).ok_or("line is not JSON")
                }
                Some(b'[' | b']' | b',') => {
                    cursor.pass();
                    continue;
                }
                Some(_) => Err("line is not a JSON object"),
            };
            let Head { step, time, attempt, rank, total } = match read {
                Ok(head) => head,
                // The rows in front were whole, and given out already if somebody looked before the line went on.
                Err(reason) => return Err(loss(reason)),
            };
            self.ready.records.extend(total.map(Record::TotalSteps));
            if self.keys.is_empty()
                && step.is_none()
                && let Some(said) = Wrapped::text(&text[start..cursor.at()], time.is_some())
            {
                let (has_rows, jumped) = (self.has_rows, self.jumped);
                let wrapped = self.wrapped.get_or_insert_with(|| Box::new(Wrapped::of(has_rows, jumped)));
                wrapped.take(&said, time, line.offset, &mut self.keys, &mut self.ready);
                continue;
            }
            let is_first = !self.has_rows && !self.keys.is_empty();
            let row = Row { step, time, offset: Some(line.offset), attempt, rank, ..Row::default() };
            self.ready.row(&mut self.keys, row, loss);
            if is_first {
                self.has_rows = true;
                if let Some(wrapped) = &mut self.wrapped {
                    wrapped.end_rows(self.jumped);
                }
            }
            if let Some(rows) = self.ready.goes_on() {
                self.flat.learn(Fact::GoesOn(rows));
            }
        }
    }

    /// Reads the line that nothing ended yet. What does not read as a whole one was torn by the writer's end: no record, and no loss either.
    fn read_open(&mut self) {
        let open = self.lines.peek();
        let bytes = self.lines.get(open.range);
        let whole = std::str::from_utf8(bytes).map_or_else(|_| json::mended(bytes).is_some(), are_values);
        if let Ok(Some(line)) = if whole { self.lines.rest() } else { Ok(None) } {
            let loss = self.read(&line).err();
            self.ready.lose(|| loss);
        }
    }
}

impl Decoder for Jsonl {
    fn push(&mut self, bytes: &[u8]) {
        self.lines.push(bytes);
    }

    fn next(&mut self) -> Result<Option<Record>, Loss> {
        loop {
            if let Some(ready) = self.ready.next() {
                return ready.map(Some);
            }
            match self.lines.next()? {
                Some(line) => self.read(&line)?,
                None => return Ok(None),
            }
        }
    }

    fn glimpse(&mut self) {
        // An object that is closed has nothing more to come, and what stands behind it in its line is read for itself.
        if !self.lines.is_dropping() && self.lines.open().trim_ascii_end().ends_with(b"}") {
            self.read_open();
        }
        if let Some(wrapped) = &mut self.wrapped {
            wrapped.glimpse(&mut self.keys, &mut self.ready);
        }
        self.ready.glimpse_newest();
    }

    fn finish(&mut self) {
        self.read_open();
        if let Some(wrapped) = &mut self.wrapped {
            wrapped.finish(&mut self.keys, &mut self.ready);
        }
        self.ready.give_newest();
    }

    fn is_mistaken(&self) -> bool {
        self.flat.is_mistaken() || self.wrapped.as_ref().is_some_and(|wrapped| wrapped.is_mistaken())
    }

    fn reset(&mut self) {
        let mut flat = std::mem::take(&mut self.flat);
        flat.renew();
        let wrapped = self.wrapped.take().map(|wrapped| Box::new(wrapped.renew()));
        *self = Jsonl { ready: Outbox::of(flat.facts()), flat, wrapped, ..Jsonl::default() };
    }

    fn jump(&mut self) -> bool {
        self.lines = Lines::default();
        self.flat.jump();
        self.jumped = true;
        let texts_go_on = self.wrapped.as_mut().is_none_or(|wrapped| wrapped.jump());
        !self.flat.facts().is_newest_first && texts_go_on
    }

    fn is_open(&self) -> bool {
        self.flat.is_open()
    }
}

/// Whether all values of a line are whole.
fn are_values(text: &str) -> bool {
    let mut cursor = Cursor::new(text);
    loop {
        match cursor.peek() {
            None => return true,
            Some(b'[' | b']' | b',') => cursor.pass(),
            Some(_) if cursor.skip().is_none() => return false,
            Some(_) => {}
        }
    }
}

/// What a line says beside its values.
#[derive(Default)]
struct Head {
    step: Option<Step>,
    time: Option<WallTime>,
    attempt: u32,
    rank: u32,
    total: Option<i64>,
}

/// Reads the object at the cursor, one of ours or of another writer, and puts its numbers into the row of `keys`.
fn object(cursor: &mut Cursor, may_be_own: bool, keys: &mut Keys, path: &mut String, flat: &mut Flat) -> Option<Head> {
    if may_be_own {
        let start = cursor.clone();
        keys.begin();
        path.clear();
        if let Some(head) = own(cursor, keys, path)? {
            return Some(head);
        }
        *cursor = start;
    }
    keys.begin();
    let place = flat.read(cursor, keys)?;
    Some(Head { step: place.step, time: place.time, ..Head::default() })
}

/// Reads og's own line. `Some(None)`: it is JSON, but has no `m`.
fn own(cursor: &mut Cursor, keys: &mut Keys, path: &mut String) -> Option<Option<Head>> {
    let (mut head, mut has_values) = (Head::default(), false);
    cursor.object(|cursor, key| {
        match &*key {
            "m" if cursor.peek()? == b'{' => {
                has_values = true;
                return values(cursor, keys, path);
            }
            "s" => head.step = int(cursor.token()?).map(Step),
            "t" => head.time = float(cursor.token()?).and_then(WallTime::new),
            "total" => head.total = int(cursor.token()?).filter(|total| *total > 0),
            "attempt" => head.attempt = int(cursor.token()?).and_then(|i| i.try_into().ok()).unwrap_or(0),
            "rank" => head.rank = int(cursor.token()?).and_then(|i| i.try_into().ok()).unwrap_or(0),
            _ => return cursor.skip(),
        }
        // A dict where a number belongs is passed over like an unknown field.
        if cursor.peek()? == b'{' { cursor.skip() } else { Some(()) }
    })?;
    Some(has_values.then_some(head))
}

/// Puts the numbers of the object at the cursor into the row, under `path`.
fn values(cursor: &mut Cursor, keys: &mut Keys, path: &mut String) -> Option<()> {
    cursor.object(|cursor, key| value(cursor, &key, keys, path))
}

fn value(cursor: &mut Cursor, key: &str, keys: &mut Keys, path: &mut String) -> Option<()> {
    if path.len() + key.len() > NAME_BYTES_MAX {
        keys.turn_away(TooMuch::Name);
        return cursor.skip();
    }
    let number = match cursor.token()? {
        Token::Number(number) => Some(number),
        Token::Text(text) => non_finite(&text),
        Token::Other => None,
        Token::Object => {
            let back = path.len();
            path.push_str(key);
            path.push('.');
            values(cursor, keys, path)?;
            path.truncate(back);
            return Some(());
        }
    };
    match number {
        Some(number) if path.is_empty() => keys.put(key, number),
        Some(number) => {
            let back = path.len();
            path.push_str(key);
            keys.put(path, number);
            path.truncate(back);
        }
        None => {}
    }
    Some(())
}

fn float(token: Token) -> Option<f64> {
    match token {
        Token::Number(number) => Some(number),
        Token::Text(text) => whole_text(&text),
        Token::Object | Token::Other => None,
    }
}

fn int(token: Token) -> Option<i64> {
    float(token).and_then(whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{decode_for_tests as decode, lines::LINE_BYTES_MAX};
    use proptest::prelude::*;

    type Rows<'a> = &'a [(Option<i64>, &'a [(&'a str, f64)])];

    #[track_caller]
    fn check(text: &str, want: Rows) {
        let (rows, losses) = decode(&mut Jsonl::new(), text.as_bytes(), text.len());
        assert_eq!(losses, []);
        let got: Vec<_> = rows.iter().map(|(row, values)| (row.step.map(|s| s.0), values.clone())).collect();
        let want: Vec<_> = want.iter().map(|(s, v)| (*s, v.iter().map(|(k, v)| (k.to_string(), *v)).collect::<Vec<_>>())).collect();
        assert_eq!(format!("{got:?}"), format!("{want:?}"));
    }

    #[test]
    fn a_row_of_ours_gives_step_time_attempt_and_rank() {
        let line = "{\"s\":120,\"t\":1795161553.25,\"m\":{\"loss\":2.1,\"grad/norm\":0.4},\"attempt\":2,\"rank\":3}\n";
        let (rows, losses) = decode(&mut Jsonl::new(), line.as_bytes(), 7);
        assert_eq!(losses, []);
        let (row, values) = &rows[0];
        assert_eq!((row.step, row.time, row.attempt, row.rank, row.offset), (Some(Step(120)), WallTime::new(1795161553.25), 2, 3, Some(0)));
        assert_eq!(*values, [("loss".to_string(), 2.1), ("grad/norm".to_string(), 0.4)]);
    }

    #[test]
    fn a_word_of_another_encoding_costs_nothing() {
        let text = b"{\"step\":1,\"n\":\"M\xfcller\",\"loss\":2}\n{\"s\":2,\"m\":{\"loss\":1},\"n\":\"\xe9\"}\n";
        let (rows, losses) = decode(&mut Jsonl::new(), text, 7);
        let steps: Vec<_> = rows.iter().map(|(row, values)| (row.step.map(|step| step.0), values[0].1)).collect();
        assert_eq!((steps, losses), (vec![(Some(1), 2.0), (Some(2), 1.0)], vec![]));
        let (rows, losses) = decode(&mut super::super::Rows::new(RowOptions::default()), text, 7);
        assert_eq!((rows.len(), losses), (2, vec![]));
    }

    #[test]
    fn a_total_is_said_before_its_row() {
        let mut decoder = Jsonl::new();
        decoder.push(b"{\"s\":0,\"m\":{\"a\":1},\"total\":500}\n{\"s\":1,\"m\":{\"a\":1},\"total\":0}\n");
        let records: Vec<Record> = std::iter::from_fn(|| decoder.next().unwrap()).collect();
        assert_eq!(records[0], Record::TotalSteps(500));
        assert_eq!(records.iter().filter(|record| matches!(record, Record::TotalSteps(_))).count(), 1);
    }

    #[test]
    fn non_finite_values_come_as_words_or_bare() {
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        check(
            "{\"s\":1,\"m\":{\"a\":\"NaN\",\"b\":\"-Infinity\",\"c\":NaN,\"d\":Infinity,\"e\":-Infinity}}\n",
            &[(Some(1), &[("a", nan), ("b", -inf), ("c", nan), ("d", inf), ("e", -inf)])],
        );
    }

    #[test]
    fn dicts_are_flattened_and_what_is_no_number_is_left_out() {
        check(
            "{\"s\":1,\"m\":{\"a\":{\"b\":{\"c\":1},\"d\":2},\"t\":\"text\",\"l\":[1,2],\"y\":true,\"n\":null,\"e\":3}}\r\n",
            &[(Some(1), &[("a.b.c", 1.0), ("a.d", 2.0), ("e", 3.0)])],
        );
    }

    #[test]
    fn a_row_may_lack_its_step_and_have_escaped_or_double_keys() {
        check("{\"m\":{\"\\u006coss\":1,\"loss\":2}}\n\n{\"x\":[1]}\n", &[(None, &[("loss", 2.0)])]);
    }

    #[test]
    fn a_torn_last_line_waits_and_counts_once_it_is_whole() {
        let mut decoder = Jsonl::new();
        decoder.push(b"{\"s\":1,\"m\":{\"a\":1}}\n{\"s\":2,\"m\":{\"a\"");
        assert!(matches!(decoder.next(), Ok(Some(Record::Key(..)))));
        assert!(matches!(decoder.next(), Ok(Some(Record::Row(_)))));
        decoder.finish();
        assert_eq!(decoder.next(), Ok(None));
        decoder.push(b":2}}");
        assert_eq!(decoder.next(), Ok(None));
        decoder.finish();
        assert!(matches!(decoder.next(), Ok(Some(Record::Row(row))) if row.step == Some(Step(2))));
        assert_eq!(decoder.next(), Ok(None));
    }

    #[test]
    fn a_bad_line_costs_itself_only_and_says_where_it_is() {
        let text =
            b"{\"s\":1,\"m\":{\"a\":1}}\ngarbage\n{\"s\":2,\"m\":{\"a\":\xff}}\n{\"s\":3,\"m\":{\"a\":1}} x\n{\"s\":4,\"m\":{\"a\":1}}\n";
        for chunk in 1..text.len() {
            let (rows, losses) = decode(&mut Jsonl::new(), text, chunk);
            assert_eq!(rows.iter().map(|(row, _)| row.step).collect::<Vec<_>>(), [Some(Step(1)), Some(Step(3)), Some(Step(4))]);
            assert_eq!(losses.iter().map(|l| (l.offset, l.bytes)).collect::<Vec<_>>(), [(20, 8), (28, 20), (48, 22)]);
        }
    }

    #[test]
    fn a_foreign_line_names_its_own_step_and_time() {
        let line =
            "{\"epoch\": 1, \"num_updates\": \"7\", \"loss\": \"2.5\", \"timestamp\": 1700000000.5, \"time\": 3.5, \"who\": \"me\"}\n";
        check(line, &[(Some(7), &[("epoch", 1.0), ("loss", 2.5), ("time", 3.5)])]);
        let (rows, _) = decode(&mut Jsonl::new(), line.as_bytes(), 5);
        assert_eq!(rows[0].0.time, WallTime::new(1700000000.5));
        check("{\"loss\":1,\"ts\":1700000000500}\n", &[(None, &[("loss", 1.0)])]);
    }

    #[test]
    fn a_torn_line_teaches_nothing_of_the_columns() {
        let (rows, losses) = decode(&mut Jsonl::new(), b"{\"step\":1,\"a\":1}\n{\"step\":1.5,\"a\"\n{\"step\":2,\"a\":1}\n", 7);
        assert_eq!((rows.iter().map(|(row, _)| row.step).collect::<Vec<_>>(), losses.len()), (vec![Some(Step(1)), Some(Step(2))], 1));
    }

    #[test]
    fn rows_of_other_shapes_may_come_in_turn() {
        let turn = "{\"step\":1,\"a\":1,\"b\":{\"c\":2}}\n{\"epoch\":3,\"b\":{\"step\":4},\"step\":1,\"l\":[{\"step\":5}]}\n{\"step\":2,\"ab\":1}\n";
        let want: [(_, &[_]); 3] = [
            (Some(1), &[("a", 1.0), ("b.c", 2.0)]),
            (Some(1), &[("epoch", 3.0), ("b.step", 4.0), ("l.0.step", 5.0)]),
            (Some(2), &[("ab", 1.0)]),
        ];
        check(turn, &want);
        check(&turn.repeat(2), &[want, want].concat());
    }

    #[test]
    fn a_row_says_what_it_is_of_by_yes_or_no() {
        let text = "{\"is_eval\":false,\"step\":1,\"loss\":3}\n{\"is_eval\":true,\"step\":1,\"loss\":2,\"done\":true}\n";
        check(text, &[(Some(1), &[("loss", 3.0)]), (Some(1), &[("eval/loss", 2.0)])]);
    }

    #[test]
    fn a_row_that_is_one_point_is_of_the_metric_that_it_names() {
        let text = "{\"step\":1,\"metric\":\"loss\",\"value\":2.5}\n{\"val\":\"3\",\"epoch\":1,\"tag\":\"acc\",\"step\":1,\"note\":null}\n";
        check(text, &[(Some(1), &[("loss", 2.5)]), (Some(1), &[("acc", 3.0), ("epoch", 1.0)])]);
        for (text, name) in [("\"name\":\"b\"", "value"), ("\"who\":\"me\"", "a"), ("\"epoch\":2", "a"), ("\"loss\":0", "value")] {
            let text = format!("{{\"step\":1,\"metric\":\"a\",\"value\":2.5,{text}}}\n");
            let (rows, _) = decode(&mut Jsonl::new(), text.as_bytes(), text.len());
            assert_eq!(rows[0].1[0], (name.to_owned(), 2.5), "{text}");
        }
        // The first row with both tells it for all.
        let row = |step: u8, rest: &str| format!("{{\"step\":{step},\"metric\":\"a\",\"value\":2{rest}}}\n");
        check(&[row(1, ""), row(2, ",\"std\":0.1")].concat(), &[(Some(1), &[("a", 2.0)]), (Some(2), &[("a", 2.0), ("std", 0.1)])]);
        check(&[row(2, ",\"std\":0.1"), row(3, "")].concat(), &[(Some(2), &[("value", 2.0), ("std", 0.1)]), (Some(3), &[("value", 2.0)])]);
        check(
            "{\"step\":1,\"metric\":\"\",\"value\":2}\n{\"step\":2,\"metric\":3,\"value\":2}\n",
            &[(Some(1), &[("value", 2.0)]), (Some(2), &[("metric", 3.0), ("value", 2.0)])],
        );
    }

    #[test]
    fn a_name_that_is_too_long_is_told_once_and_costs_its_value_only() {
        let long = "a".repeat(NAME_BYTES_MAX + 1);
        let rows = |row: &str| row.replace("LONG", &long).repeat(2);
        for line in [
            "{\"step\":1,\"LONG\":2,\"loss\":3}\n",
            "{\"step\":1,\"loss\":3,\"LONG\":{\"b\":2}}\n",
            "{\"s\":1,\"m\":{\"LONG\":2,\"loss\":3}}\n",
            "{\"step\":1,\"loss\":3,\"l\":[{\"name\":\"LONG\",\"b\":2}]}\n",
        ] {
            let (rows, losses) = decode(&mut Jsonl::new(), rows(line).as_bytes(), 999);
            assert_eq!((rows.len(), &*rows[1].1), (2, &[("loss".to_owned(), 3.0)][..]));
            assert!(losses.len() == 1 && losses[0].reason.contains("longer than 4096 bytes"), "{losses:?}");
        }
        let (_, losses) = decode(&mut Jsonl::new(), rows("{\"step\":1,\"LONG\":\"text\",\"loss\":3}\n").as_bytes(), 999);
        assert_eq!(losses, [], "a text is no value");
    }

    #[test]
    fn a_line_may_hold_several_objects_or_parts_of_an_array() {
        let want: Rows = &[(Some(1), &[("a", 2.0)]), (Some(2), &[("a", 3.0)])];
        check("[{\"step\":1,\"a\":2}, {\"step\":2,\"a\":3}]\n", want);
        check("{\"step\":1,\"a\":2}{\"step\":2,\"a\":3}\n", want);
        check("[\n{\"step\":1,\"a\":2},\n{\"step\":2,\"a\":3}\n]\n", want);
        check("\u{feff}{\"step\":1,\"a\":2}\n{\"step\":2,\"a\":3}\n", want);
        let (rows, losses) = decode(&mut Jsonl::new(), b"{\"a\":1} {\"a\":x}\n[1,2]\n{\"a\":2}\n", 5);
        assert_eq!((rows.len(), losses.iter().map(|loss| loss.offset).collect::<Vec<_>>()), (2, vec![0, 16]));
    }

    #[test]
    fn what_an_overlong_line_ends_with_is_no_row() {
        let mut decoder = Jsonl::new();
        decoder.push(&vec![b'x'; LINE_BYTES_MAX + 1]);
        assert_eq!(decoder.next(), Ok(None));
        decoder.push(b"{\"a\":1}");
        decoder.glimpse();
        assert_eq!(decoder.next(), Ok(None));
        decoder.push(b"\n");
        assert_eq!(decoder.next().map_err(|loss| (loss.offset, loss.bytes)), Err((0, LINE_BYTES_MAX as u64 + 9)));
    }

    #[test]
    fn an_object_that_is_closed_counts_before_its_line_ends_and_once() {
        let text = "{\"step\":1,\"a\":{\"b\":1}}\n{\"step\":2,\"a\":{\"b\":\"}\"},\"c\":2} {\"step\":3,\"c\":4}\r\n{\"step\":4,\"c\":5},\n{\"s\":5,\"m\":{\"c\":1}}";
        let mut decoder = Jsonl::new();
        let mut rows = vec![];
        for (at, byte) in text.bytes().enumerate() {
            decoder.push(&[byte]);
            decoder.glimpse();
            while let Some(record) = decoder.next().unwrap() {
                if let Record::Row(row) = record {
                    rows.push((row.step.unwrap().0, at));
                }
            }
        }
        let end = |part: &str| text.find(part).unwrap() + part.len() - 1;
        let ends = ["1,\"a\":{\"b\":1}}", "\"c\":2}", "\"c\":4}", "\"c\":5}", "\"c\":1}}"].map(end);
        assert_eq!(rows, (1..).zip(ends).collect::<Vec<_>>());
    }

    #[test]
    fn a_last_line_without_its_end_counts_where_its_values_are_whole() {
        for (text, rows) in [("{\"a\":1}{\"a\":2}", 2), ("{\"a\":1},\n{\"a\":2},", 2), ("{\"a\":1}\n{\"a\":2}{\"a\"", 1)] {
            let mut decoder = Jsonl::new();
            decoder.push(text.as_bytes());
            decoder.finish();
            let records = std::iter::from_fn(|| decoder.next().unwrap());
            assert_eq!(records.filter(|record| matches!(record, Record::Row(_))).count(), rows, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_split_give_the_same_records(bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'"'), Just(b'{'), any::<u8>()], 0..200), cut in 1..50_usize) {
            let (a, b) = (decode(&mut Jsonl::new(), &bytes, cut), decode(&mut Jsonl::new(), &bytes, usize::MAX));
            prop_assert_eq!(format!("{a:?}"), format!("{b:?}"));
        }

        #[test]
        fn rows_of_ours_survive_any_cut_and_any_flipped_byte(at in 0..200_usize, byte in any::<u8>(), cut in 1..80_usize) {
            let mut bytes = "{\"s\":1,\"t\":1.5,\"m\":{\"loss\":2.5,\"a\":{\"b\":1e-5}},\"rank\":1}\n".repeat(4).into_bytes();
            let last = bytes.len() - 1;
            bytes[at.min(last)] = byte;
            let (a, b) = (decode(&mut Jsonl::new(), &bytes, cut), decode(&mut Jsonl::new(), &bytes, usize::MAX));
            prop_assert!(a.0.len() >= 2);
            prop_assert_eq!(format!("{a:?}"), format!("{b:?}"));
        }
    }
}
