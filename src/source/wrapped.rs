//! Console output that a runtime or a logger put into JSON lines: `{"log":"step 1 loss 0.5\n","stream":"stdout","time":"..."}` of Docker,
//! `{"ts":1700000000,"level":"info","msg":"step 1 loss 0.5"}` of structured logs. Such a row has a text, when or how it was said, and no
//! number beside its time. Where the source has had rows with numbers, texts are lines of a console and no more: what they round or repeat
//! is not to stand in the place of what the rows say.
//!
//! Source: `daemon/logger/jsonfilelog/jsonlog/jsonlog.go` of Moby.

use super::{
    Decoder, Loss, Record, Row, Stdout,
    json::{Cursor, Token},
    keys::Keys,
    outbox::Outbox,
};
use crate::model::{MetricKey, WallTime};
use std::{borrow::Cow, collections::VecDeque};

/// The text with its newline, if it ends there: Docker cuts long lines.
const PIECE: &str = "log";

/// Texts of one line.
const LINES: &[&str] = &["message", "msg"];

/// What such rows say of how a text was said.
const MANNERS: &[&str] = &["stream", "level", "levelname", "severity", "lvl", "loglevel", "log_level"];

/// Lines whose places are kept: a row comes some lines behind its own.
const LINES_MAX: usize = 1 << 12;

/// Reads the texts of one source.
pub(super) struct Wrapped {
    stdout: Stdout,
    names: Vec<MetricKey>,
    /// Where each text begins, among all of them, and the place and the time of its row.
    lines: VecDeque<(u64, u64, Option<WallTime>)>,
    bytes: u64,
    /// The source has rows of its own.
    has_rows: bool,
    /// A total was told: with each epoch there may be another.
    has_total: bool,
    /// The next text may be the rest of a line whose start was passed over.
    is_cut: bool,
    /// Rows were passed over before the first text, and a text gave a row: it may hang on them.
    jumped: bool,
    is_doubtful: bool,
}

impl Wrapped {
    /// A reader of the texts from here on. `has_rows`: the source has rows of its own; `jumped`: rows were passed over.
    pub(super) fn of(has_rows: bool, jumped: bool) -> Wrapped {
        let (names, lines) = Default::default();
        Wrapped {
            stdout: Stdout::with_console(),
            names,
            lines,
            bytes: 0,
            has_rows,
            jumped,
            has_total: false,
            is_cut: false,
            is_doubtful: false,
        }
    }

    /// Says that the source has rows of its own; `jumped`: texts that were told may stand behind others that were passed over.
    pub(super) fn end_rows(&mut self, jumped: bool) {
        self.has_rows = true;
        self.is_doubtful |= jumped;
    }

    /// The text of a row without numbers, if that is console output; `has_time`: the row says when it was said.
    pub(super) fn text(row: &str, has_time: bool) -> Option<Cow<'_, str>> {
        let (mut text, mut is_said) = (None, has_time);
        Cursor::new(row).object(|cursor, key| {
            let is_text = cursor.peek()? == b'"';
            let is_piece = key == PIECE;
            if !is_text || !(is_piece || LINES.contains(&&*key) || MANNERS.contains(&&*key)) {
                return cursor.skip();
            }
            let Token::Text(value) = cursor.token()? else { return None };
            match is_piece || LINES.contains(&&*key) {
                true => text = Some(if is_piece { value } else { value + "\n" }),
                false => is_said = true,
            }
            Some(())
        })?;
        text.filter(|_| is_said)
    }

    /// Takes the text of the row at `offset`.
    pub(super) fn take(&mut self, text: &str, time: Option<WallTime>, offset: u64, keys: &mut Keys, out: &mut Outbox) {
        if self.is_cut {
            self.is_cut = !text.ends_with('\n');
            return;
        }
        if self.lines.len() == LINES_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back((self.bytes, offset, time));
        self.bytes += text.len() as u64;
        self.stdout.push(text.as_bytes());
        self.give(keys, out);
    }

    /// See [`Decoder::glimpse`].
    pub(super) fn glimpse(&mut self, keys: &mut Keys, out: &mut Outbox) {
        self.stdout.glimpse();
        self.give(keys, out);
    }

    /// See [`Decoder::finish`].
    pub(super) fn finish(&mut self, keys: &mut Keys, out: &mut Outbox) {
        self.stdout.finish();
        self.give(keys, out);
    }

    /// See [`Decoder::jump`].
    pub(super) fn jump(&mut self) -> bool {
        (self.lines, self.bytes, self.is_cut) = (VecDeque::new(), 0, true);
        self.stdout.jump() && !self.names.is_empty() && !self.has_total
    }

    /// The same reader at the start of the source.
    pub(super) fn renew(mut self) -> Wrapped {
        self.stdout.reset();
        Wrapped { stdout: self.stdout, ..Wrapped::of(false, false) }
    }

    /// See [`Decoder::is_mistaken`].
    pub(super) fn is_mistaken(&self) -> bool {
        self.is_doubtful || !self.has_rows && self.stdout.is_mistaken()
    }

    fn give(&mut self, keys: &mut Keys, out: &mut Outbox) {
        loop {
            match self.stdout.next() {
                Ok(Some(Record::Key(_, key))) => self.names.push(key),
                Ok(Some(Record::Row(row))) if !self.has_rows => {
                    self.is_doubtful |= self.jumped;
                    keys.begin();
                    for (id, value) in &row.values {
                        self.names.get(id.0 as usize).into_iter().for_each(|name| keys.put(name.as_str(), *value));
                    }
                    let (offset, time) = self.place(row.offset);
                    let loss = |reason: &str| Loss { offset: offset.unwrap_or(0), bytes: 0, reason: reason.into() };
                    out.row(keys, Row { offset, time: row.time.or(time), values: vec![], ..row }, loss);
                }
                Ok(Some(Record::Console(mut line))) => {
                    let (offset, time) = self.place(line.offset);
                    (line.offset, line.time) = (offset, line.time.or(time));
                    out.records.push_back(Record::Console(line));
                }
                Ok(Some(_)) if self.has_rows => {}
                Ok(Some(record)) => {
                    self.has_total |= matches!(record, Record::TotalSteps(_));
                    out.records.push_back(record);
                }
                Ok(None) => return,
                Err(loss) => out.lose(|| Some(loss)),
            }
        }
    }

    /// Where the text at `offset` stands, and its time.
    fn place(&self, offset: Option<u64>) -> (Option<u64>, Option<WallTime>) {
        let at = offset.map_or(0, |offset| self.lines.partition_point(|(start, ..)| *start <= offset));
        self.lines.get(at.wrapping_sub(1)).map_or((None, None), |(_, offset, time)| (Some(*offset), *time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{ConsoleLine, Jsonl, decode_for_tests as decode};

    #[test]
    fn what_a_runtime_wrapped_is_read_as_the_console_that_it_was() {
        let docker = "{\"log\":\"Epoch 1/2\\n\",\"stream\":\"stdout\",\"time\":\"2023-11-14T22:13:20Z\"}\n\
            {\"log\":\"step 1 loss 0.5\\n\",\"stream\":\"stdout\",\"time\":\"2023-11-14T22:13:21Z\"}\n\
            {\"log\":\"step 2 lo\",\"stream\":\"stdout\",\"time\":\"2023-11-14T22:13:22Z\"}\n\
            {\"log\":\"ss 0.25\\n\",\"stream\":\"stdout\",\"time\":\"2023-11-14T22:13:23Z\"}\n";
        let logger = "{\"ts\":1700000000,\"level\":\"info\",\"msg\":\"step 1 loss 0.5\"}\n{\"ts\":1700000002,\"level\":\"info\",\"msg\":\"step 2 loss 0.25\"}\n";
        for (text, secs) in [(docker, [1.0, 2.0]), (logger, [0.0, 2.0])] {
            for chunk in [1, 7, text.len()] {
                let (rows, losses) = decode(&mut Jsonl::new(), text.as_bytes(), chunk);
                let got: Vec<_> = rows.iter().map(|(row, values)| (row.step.map(|step| step.0), row.time, values[0].clone())).collect();
                let want = [(1, secs[0], 0.5), (2, secs[1], 0.25)];
                let want = want.map(|(step, secs, loss)| (Some(step), WallTime::new(1.7e9 + secs), ("loss".to_owned(), loss)));
                assert_eq!((got, losses), (want.to_vec(), vec![]));
            }
        }
        let mut decoder = Jsonl::new();
        decoder.push(docker.as_bytes());
        let lines: Vec<_> = std::iter::from_fn(|| decoder.next().unwrap())
            .filter_map(|record| match record {
                Record::Console(ConsoleLine { text, offset, .. }) => Some((text, offset)),
                _ => None,
            })
            .collect();
        let (second, third) = (docker.find("{\"log\":\"step 1").unwrap() as u64, docker.find("{\"log\":\"step 2").unwrap() as u64);
        let want = [("Epoch 1/2", 0), ("step 1 loss 0.5", second), ("step 2 loss 0.25", third)];
        assert_eq!(lines, want.map(|(text, offset)| (text.to_owned(), Some(offset))));
    }

    #[test]
    fn what_is_behind_texts_that_were_passed_over_is_read_from_the_next_whole_line_on() {
        let docker = |text: &str| format!("{{\"log\":\"{text}\",\"stream\":\"stdout\",\"time\":\"2023-11-14T22:13:20Z\"}}\n");
        let start = docker("step 1 loss 0.5\\n") + &docker("step 2 loss 0.25\\n");
        let steps = |decoder: &mut Jsonl| {
            let rows = std::iter::from_fn(|| decoder.next().unwrap());
            rows.filter_map(|record| if let Record::Row(row) = record { Some(row.step.map(|step| step.0)) } else { None })
                .collect::<Vec<_>>()
        };
        let mut decoder = Jsonl::new();
        decoder.push(start.as_bytes());
        assert_eq!(steps(&mut decoder), [Some(1), Some(2)]);
        assert!(decoder.jump());
        decoder.push((docker("tep 7 loss 0.5\\n") + &docker("step 8 loss 0.125\\n") + &docker("step 9 loss 0.125\\n")).as_bytes());
        assert_eq!((steps(&mut decoder), decoder.is_mistaken()), (vec![Some(9)], false), "the first row behind a jump is not trusted");
        decoder.push(b"{\"step\": 10, \"loss\": 1}\n");
        assert_eq!((steps(&mut decoder), decoder.is_mistaken()), (vec![Some(10)], true), "there may have been others before");

        for cannot in [docker("Loading the model\\n"), docker("step 1/100 loss 0.5\\n")] {
            let mut decoder = Jsonl::new();
            decoder.push(cannot.as_bytes());
            steps(&mut decoder);
            assert!(!decoder.jump(), "{cannot}");
        }
    }

    #[test]
    fn texts_beside_numbers_or_without_a_time_or_a_level_are_no_console() {
        for (text, rows) in [
            ("{\"step\":1,\"loss\":2,\"msg\":\"step 7 loss 5\",\"level\":\"info\"}\n", vec![(Some(1), 2.0)]),
            ("{\"message\":\"step 7 loss 5\"}\n", vec![]),
            ("{\"text\":\"step 7 loss 5\",\"level\":\"info\"}\n", vec![]),
        ] {
            let got = decode(&mut Jsonl::new(), text.as_bytes(), 9).0;
            assert_eq!(got.iter().map(|(row, values)| (row.step.map(|step| step.0), values[0].1)).collect::<Vec<_>>(), rows, "{text}");
        }
        // Rows with numbers go on beside texts, and texts behind them give lines only.
        let both = "{\"level\":\"info\",\"msg\":\"step 1 loss 2\"}\n{\"step\":1,\"acc\":0.5}\n";
        let got = decode(&mut Jsonl::new(), both.as_bytes(), 9).0;
        assert_eq!(got.into_iter().map(|(_, values)| values).collect::<Vec<_>>(), [[("loss".to_owned(), 2.0)], [("acc".to_owned(), 0.5)]]);
        let exact = "{\"step\":1,\"loss\":2.625}\n{\"level\":\"info\",\"msg\":\"step 1 loss 2.6\"}\n{\"step\":2,\"loss\":1.5}\n";
        for chunk in [1, 9, exact.len()] {
            let got = decode(&mut Jsonl::new(), exact.as_bytes(), chunk).0;
            assert_eq!(got.iter().map(|(_, values)| values[0].1).collect::<Vec<_>>(), [2.625, 1.5]);
        }
        let mut decoder = Jsonl::new();
        decoder.push(exact.as_bytes());
        let records = std::iter::from_fn(|| decoder.next().unwrap());
        assert_eq!(records.filter(|record| matches!(record, Record::Console(_))).count(), 1);
    }
}
