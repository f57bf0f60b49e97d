//! A stream whose name tells nothing and whose first bytes are still to come: standard input, a pipe, a new file.

use super::{
    Decoder, Loss, Record, Taker, csv,
    detect::{Kind, MARK, are_json_lines, begins_object, formats, guess, is_json_line, may_be_table, shown, text},
    rows::{document_end, is_document, may_be_document},
    wide::{self, Wide},
};
use crate::model::ReadOptions;

/// Bytes that are waited for when no line ends before.
const HEAD_BYTES_MAX: usize = 8 << 10;

/// The same of a line that begins as a JSON object: one with histograms or the settings of a whole training in it is long.
const LINE_BYTES_MAX: usize = 256 << 10;

/// Bytes that tell the kind of a binary file.
const BINARY_BYTES: usize = 64;

/// A decoder for a stream of which only the name is known; its ending may tell the kind.
pub(super) fn decoder(name: &str, read: &ReadOptions) -> Box<dyn Decoder> {
    Box::new(Wide::new(Box::new(Sniff { read: read.clone(), ..Sniff::new(name) })))
}

/// Whether more of a stream is needed to tell its kind.
pub(super) fn is_open(name: &str, head: &[u8]) -> bool {
    match wide::text(head) {
        Some(text) => enough(name, text.as_bytes()).is_none(),
        None => enough(name, head).is_none(),
    }
}

/// Decodes a stream of any kind, once its start has told which it is.
struct Sniff {
    name: String,
    /// How it is to be read, once its kind is known.
    read: ReadOptions,
    state: State,
    /// A guess was wrong: the next one might be, and reading goes on when the kind is known.
    was_wrong: bool,
    /// No more is expected, which the decoder has not heard yet.
    ends: bool,
}

enum State {
    Open(Vec<u8>),
    /// All that there is so far says this kind; more may say another.
    Guessed(Vec<u8>, Kind, Box<dyn Decoder>),
    Known(Kind, Box<dyn Decoder>),
    /// What was guessed is wrong.
    Mistaken,
    /// Nothing that can be read, and the bytes that told so, until they are lost.
    Foreign(Option<Vec<u8>>),
}

impl Sniff {
    fn new(name: &str) -> Sniff {
        Sniff { name: name.to_owned(), read: ReadOptions::default(), state: State::Open(vec![]), was_wrong: false, ends: false }
    }

    /// The first `head_bytes` of the bytes tell the kind.
    fn decide(&self, bytes: &[u8], head_bytes: usize) -> State {
        let head = &bytes[..head_bytes.min(bytes.len())];
        // What a name says counts: a document and the settings in front of a log are as long.
        let is_long = !self.name.contains('.') && head.len() >= LINE_BYTES_MAX && is_open_line(head);
        self.read_as(if is_long { Kind::Jsonl } else { Kind::of_file(&self.name, head) }, head, bytes)
    }

    fn read_as(&self, kind: Kind, head: &[u8], bytes: &[u8]) -> State {
        match kind.decoder_with(&self.read) {
            Some(mut decoder) => {
                decoder.push(bytes);
                State::Known(kind, decoder)
            }
            None => State::Foreign(Some(head.to_vec())),
        }
    }

    /// Reads what there is as what it looks like. `is_all`: no more is expected.
    fn guess(&mut self, is_all: bool) {
        if let State::Open(bytes) = &mut self.state {
            let bytes = std::mem::take(bytes);
            let state = match is_all && !self.name.contains('.') && is_one_document(&bytes) {
                true => self.read_as(Kind::Json, &bytes, &bytes),
                false => self.decide(&bytes, head_bytes_max(&bytes)),
            };
            self.state = match state {
                State::Known(kind, decoder) => State::Guessed(bytes, kind, decoder),
                state => state,
            };
        }
    }

    fn known(&mut self) -> Option<&mut Box<dyn Decoder>> {
        match &mut self.state {
            State::Known(_, decoder) | State::Guessed(_, _, decoder) => Some(decoder),
            _ => None,
        }
    }
}

/// How much of the start decides; it depends on the bytes alone and not on how they come. `None`: more are needed.
fn enough(name: &str, bytes: &[u8]) -> Option<usize> {
    if bytes.starts_with(b":W&B") {
        return (bytes.len() >= BINARY_BYTES).then_some(BINARY_BYTES);
    }
    let max = head_bytes_max(bytes);
    let start = &bytes[..bytes.len().min(max)];
    // A head line is known by the row behind it, and JSON lines by the second one: the first may be the settings in a log.
    let needs_two = |line: &[u8]| {
        may_be_table(name) && csv::may_be_head(line) || !are_json_lines(name) && is_json_line(line.strip_prefix(MARK).unwrap_or(line))
    };
    let mut from = 0;
    let lines = loop {
        match line_end(start, from) {
            Some(end) if csv::is_passed_over(start[from..end].trim_ascii_start()) => from = end,
            Some(first) if needs_two(&start[from..first]) => break line_end(start, first),
            first => break first,
        }
    };
    let (head, mark) = match start.strip_prefix(MARK) {
        Some(head) => (text(head), MARK.len()),
        None => (text(start), 0),
    };
    // What stands behind a document tells whether it is the settings in front of a log.
    if may_be_document(head) {
        let behind = document_end(head).map(|end| head[end..].trim_ascii_start());
        let first = behind.and_then(|behind| Some((head.len() - behind.len(), behind.chars().next()?)));
        return first.map(|(end, first)| mark + end + first.len_utf8()).or((bytes.len() >= HEAD_BYTES_MAX).then_some(HEAD_BYTES_MAX));
    }
    let zero = bytes.iter().take(BINARY_BYTES).position(|byte| *byte == 0);
    if zero.is_some_and(|zero| lines.is_none_or(|end| end > zero)) {
        return (bytes.len() >= BINARY_BYTES).then_some(BINARY_BYTES);
    }
    lines.or((bytes.len() >= max).then_some(max))
}

/// Bytes that are waited for when no line ends before.
fn head_bytes_max(bytes: &[u8]) -> usize {
    if begins_line(bytes) { LINE_BYTES_MAX } else { HEAD_BYTES_MAX }
}

/// Whether a stream begins with a JSON object that has something behind its brace.
fn begins_line(bytes: &[u8]) -> bool {
    begins_object(bytes.strip_prefix(MARK).unwrap_or(bytes).trim_ascii_start())
        && !may_be_document(text(&bytes[..bytes.len().min(HEAD_BYTES_MAX)]))
}

/// Whether all that there is of a stream is the start of a JSON object on one line, which is no document.
fn is_open_line(head: &[u8]) -> bool {
    let text = text(head);
    begins_line(head) && !text.contains('\n') && document_end(text).is_none() && !is_document(text)
}

/// Whether all of a stream is one JSON document. Where it goes on, one without rows is the settings in front of a log.
fn is_one_document(bytes: &[u8]) -> bool {
    let is_one = |text: &str| may_be_document(text) && document_end(text).is_some_and(|end| text[end..].trim_ascii().is_empty());
    std::str::from_utf8(bytes.strip_prefix(MARK).unwrap_or(bytes)).is_ok_and(is_one)
}

/// Where the first line from `from` on that is not blank ends, behind its newline.
fn line_end(bytes: &[u8], from: usize) -> Option<usize> {
    let text = bytes.len() - bytes[from..].trim_ascii_start().len();
    memchr::memchr(b'\n', &bytes[text..]).map(|length| text + length + 1)
}

impl Decoder for Sniff {
    fn push(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Known(_, decoder) => decoder.push(bytes),
            State::Foreign(_) | State::Mistaken => {}
            State::Open(head) => {
                head.extend_from_slice(bytes);
                if let Some(head_bytes) = enough(&self.name, head) {
                    let head = std::mem::take(head);
                    self.state = self.decide(&head, head_bytes);
                }
            }
            State::Guessed(head, guessed, decoder) => {
                head.extend_from_slice(bytes);
                let enough = enough(&self.name, head);
                let kind = Kind::of_file(&self.name, &head[..enough.unwrap_or(head.len())]);
                let is_right = kind == *guessed;
                if is_right {
                    decoder.push(bytes);
                }
                if !is_right || enough.is_some() {
                    let before = std::mem::replace(&mut self.state, State::Mistaken);
                    if let (true, State::Guessed(_, guessed, decoder)) = (is_right, before) {
                        self.state = State::Known(guessed, decoder);
                    }
                }
            }
        }
    }

    fn next(&mut self) -> Result<Option<Record>, Loss> {
        match &mut self.state {
            State::Known(_, decoder) | State::Guessed(_, _, decoder) => match decoder.next() {
                Ok(None) if std::mem::take(&mut self.ends) => {
                    decoder.finish();
                    decoder.next()
                }
                next => next,
            },
            State::Foreign(lost) => match lost.take() {
                Some(head) => {
                    let like = guess(&head).map_or(String::new(), |guess| format!(", like {guess}"));
                    let reason =
                        format!("the stream is in no format that og reads: it starts with {}{like}; og reads {}", shown(&head), formats());
                    Err(Loss { offset: 0, bytes: head.len() as u64, reason })
                }
                None => Ok(None),
            },
            State::Open(_) | State::Mistaken => Ok(None),
        }
    }

    fn glimpse(&mut self) {
        // A JSON object or document that nothing follows yet is read: whoever asks now sees it.
        if let State::Open(head) = &self.state
            && !self.was_wrong
            && matches!(Kind::of_file(&self.name, head), Kind::Jsonl | Kind::Json)
        {
            self.guess(false);
        }
        if let Some(decoder) = self.known() {
            decoder.glimpse();
        }
    }

    fn finish(&mut self) {
        if matches!(&self.state, State::Open(head) if !head.is_empty()) {
            // What ends is the last line only: those in front of it are still to be taken.
            self.guess(true);
            self.ends = true;
        } else if let Some(decoder) = self.known() {
            decoder.finish();
        }
    }

    fn drain(&mut self, taker: &mut dyn Taker) {
        let ends = std::mem::take(&mut self.ends);
        if let Some(decoder) = self.known() {
            decoder.drain(taker);
            if ends {
                decoder.finish();
                decoder.drain(taker);
            }
        } else if let Err(loss) = self.next() {
            taker.take(Err(loss));
        }
    }

    fn reset(&mut self) {
        match &mut self.state {
            // It is of the right kind, and has learned something.
            State::Known(_, decoder) if decoder.is_mistaken() => decoder.reset(),
            State::Guessed(head, _, decoder) if decoder.is_mistaken() => {
                head.clear();
                decoder.reset();
            }
            state => (self.was_wrong, self.state) = (matches!(state, State::Mistaken), State::Open(vec![])),
        }
    }

    fn is_mistaken(&self) -> bool {
        match &self.state {
            State::Known(_, decoder) | State::Guessed(_, _, decoder) => decoder.is_mistaken(),
            state => matches!(state, State::Mistaken),
        }
    }

    fn kind(&self) -> Option<Kind> {
        match self.state {
            State::Known(kind, _) | State::Guessed(_, kind, _) => Some(kind),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::decode_for_tests;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, want: &[(Option<i64>, &str, f64)]) {
        for chunk in 1..=text.len() {
            let (rows, losses) = decode_for_tests(&mut Sniff::new("-"), text.as_bytes(), chunk);
            let flat = rows.iter().flat_map(|(row, values)| values.iter().map(|(name, v)| (row.step.map(|s| s.0), name.as_str(), *v)));
            assert_eq!((flat.collect::<Vec<_>>(), losses.len()), (want.to_vec(), 0), "in pieces of {chunk}");
        }
    }

    #[test]
    fn the_first_lines_tell_what_a_stream_is() {
        check("step,loss\n3,2.5\n", &[(Some(3), "loss", 2.5)]);
        check("sep=;\nstep;loss\n3;2,5\n", &[(Some(3), "loss", 2.5)]);
        check("step 3 loss 2.5\nstep 4 loss 2\n", &[(Some(3), "loss", 2.5), (Some(4), "loss", 2.0)]);
        check("{'step': 3, 'loss': 2.5}\n", &[(Some(3), "step", 3.0), (Some(3), "loss", 2.5)]);
        check("step: 3, loss: 2.5\n", &[(Some(3), "loss", 2.5)]);
        check("\nstarting, with words\nstep 3 loss 2.5\n", &[(Some(3), "loss", 2.5)]);
        check("{\"step\": 3, \"loss\": 2.5}\n\n{\"step\": 4, \"loss\": 2}\n", &[(Some(3), "loss", 2.5), (Some(4), "loss", 2.0)]);
        check("\u{feff}{\"step\": 3, \"loss\": 2.5}\n{\"step\": 4, \"loss\": 2}\n", &[(Some(3), "loss", 2.5), (Some(4), "loss", 2.0)]);
    }

    #[test]
    fn a_stream_that_ends_before_it_is_known_has_all_its_lines() {
        for (name, text, lines) in [
            ("-", "# step 1 loss 0.5\n# step 2 loss 0.4\n# step 3 loss 0.3\n", 3),
            ("-", "# step 1 loss 0.5\n# step 2 loss 0.4\nAll is done, bye\n", 3),
            ("-", "Loading the model, please wait\n", 1),
        ] {
            let mut sniff = Sniff::new(name);
            sniff.push(text.as_bytes());
            sniff.finish();
            let told = std::iter::from_fn(|| sniff.next().unwrap());
            assert_eq!(told.filter(|record| matches!(record, Record::Console(_))).count(), lines, "{text}");
        }
        // What its name says to be no table is no head of one.
        let mut log = Sniff::new("p.log");
        log.push(b"Loading the model, please wait\n");
        assert!(matches!(log.next(), Ok(Some(Record::Console(_)))));
    }

    #[test]
    fn documents_and_tables_behind_comments_are_told_by_their_bytes() {
        let rows: &[(Option<i64>, &str, f64)] = &[(Some(1), "loss", 2.0), (Some(2), "loss", 1.5)];
        let state = "{\n \"lr\": 0.1,\n \"log_history\": [\n  {\"step\": 1, \"loss\": 2.0},\n  {\n   \"step\": 2, \"loss\": 1.5}]}\n";
        for text in [state, "[{\"step\": 1, \"loss\": 2.0}, {\"step\": 2, \"loss\": 1.5}]", "#{\"a\": 1}\nstep,loss\n1,2.0\n2,1.5\n"] {
            for chunk in 1..=text.len() {
                let mut sniff = Sniff::new("-");
                let (mut got, mut names) = (vec![], vec![]);
                let mut take = |sniff: &mut Sniff| {
                    while let Some(record) = sniff.next().unwrap() {
                        match record {
                            Record::Key(_, key) => names.push(key),
                            Record::Row(row) => got.extend(
                                row.values.iter().map(|(key, value)| (row.step.map(|s| s.0), names[key.0 as usize].to_string(), *value)),
                            ),
                            _ => {}
                        }
                    }
                };
                for part in text.as_bytes().chunks(chunk) {
                    sniff.push(part);
                    take(&mut sniff);
                }
                sniff.finish();
                take(&mut sniff);
                assert_eq!(
                    got.iter().map(|(step, name, value)| (*step, name.as_str(), *value)).collect::<Vec<_>>(),
                    rows,
                    "{text} in pieces of {chunk}"
                );
            }
        }
        check("{\n \"lr\": 0.1,\n \"l\": [{\"step\": 1}]\n}\nstep 1 loss 2.0\nstep 2 loss 1.5\n", rows);
    }

    #[test]
    fn settings_in_front_of_a_log_do_not_make_it_json_lines() {
        let steps: &[(Option<i64>, &str, f64)] = &[(Some(1), "loss", 2.0), (Some(2), "loss", 1.5)];
        check("{\"lr\": 0.1, \"batch_size\": 32}\nstep 1 loss 2.0\nstep 2 loss 1.5\n", steps);
        check("{\"lr\": 0.1, \"batch_size\": 32}\n\n\nstep 1 loss 2.0\nstep 2 loss 1.5\n", steps);
    }

    #[test]
    fn a_document_without_rows_is_one_where_nothing_is_behind_it() {
        let results = "{\n    \"epoch\": 2.5,\n    \"eval_loss\": 0.25\n}\n";
        let finished = |name: &str, text: &str, chunk: usize| {
            let mut sniff = Sniff::new(name);
            text.as_bytes().chunks(chunk).for_each(|part| sniff.push(part));
            assert_eq!(sniff.next(), Ok(None));
            sniff.finish();
            (sniff.kind(), std::iter::from_fn(move || sniff.next().unwrap()).collect::<Vec<_>>())
        };
        for chunk in [1, 7, results.len()] {
            let (kind, records) = finished("-", results, chunk);
            assert_eq!(kind, Some(Kind::Json));
            assert!(records.iter().all(|record| matches!(record, Record::Summary(..))) && records.len() == 2, "{records:?}");
        }
        for (name, text) in [("train.log", results), ("-", "{\n    \"epoch\": 3.0,\n"), ("-", "{\"a\": 1}")] {
            assert_ne!(finished(name, text, 7).0, Some(Kind::Json), "{name} {text}");
        }
        check(&format!("{results}step 1 loss 2.0\n"), &[(Some(1), "loss", 2.0)]);
    }

    #[test]
    fn long_lines_of_json_are_told_by_the_second_one_or_by_their_length() {
        for length in [20 << 10, 300 << 10] {
            let line = |step: i64| format!("{{\"step\": {step}, \"loss\": 0.5, \"note\": \"{}\"}}\n", "a".repeat(length));
            let rows = |text: &str, chunk| {
                decode_for_tests(&mut Sniff::new("-"), text.as_bytes(), chunk)
                    .0
                    .iter()
                    .map(|(row, _)| row.step.map(|step| step.0))
                    .collect::<Vec<_>>()
            };
            for chunk in [1 << 10, 64 << 10, 1 << 20] {
                assert_eq!(rows(&(line(1) + &line(2)), chunk), [Some(1), Some(2)], "{length} in pieces of {chunk}");
            }
        }
        let settings = format!("{{\"note\": \"{}\"}}\nstep 1 loss 2\n", "a".repeat(20 << 10));
        assert_eq!(decode_for_tests(&mut Sniff::new("-"), settings.as_bytes(), 999).0.len(), 1);
    }

    #[test]
    fn a_long_line_makes_json_lines_only_of_what_no_name_tells() {
        let pad = "a".repeat(300 << 10);
        let document = format!(
            "{{\"config\": {{\"note\": \"{pad}\"}}, \"log_history\": [{{\"step\": 1, \"loss\": 2}}, {{\"step\": 2, \"loss\": 1}}]}}\n"
        );
        let settings = format!("{{\"config\": \"{pad}\"}}\nstep 1 loss 2\nstep 2 loss 1\n");
        let line = format!("{{\"a\": 1}} starting {pad}\nstep 1 loss 2\nstep 2 loss 1\n");
        for (name, text, kind) in [
            ("state.json", &document, Kind::Json),
            ("train.log", &settings, Kind::Log),
            ("train.log", &line, Kind::Log),
            ("-", &line, Kind::Log),
        ] {
            let mut sniff = Sniff::new(name);
            let (rows, losses) = decode_for_tests(&mut sniff, text.as_bytes(), 64 << 10);
            assert_eq!((sniff.kind(), rows.len(), losses), (Some(kind), 2, vec![]), "{name} {}", &text[..20]);
        }
    }

    #[test]
    fn blank_lines_in_front_take_no_time() {
        let mut sniff = Sniff::new("-");
        sniff.push(&b"\n".repeat(1 << 20));
        assert_eq!(sniff.kind(), Some(Kind::Log));
    }

    #[test]
    fn a_file_of_one_json_line_is_read_until_more_says_that_it_is_a_log() {
        let read = ReadOptions::default();
        for (more, is_mistaken) in [("{\"step\": 2, \"loss\": 1}\n", false), ("step 2 loss 1\n", true)] {
            let mut file = decoder("train.log", &read);
            file.push(b"{\"step\": 1, \"loss\": 2}\n");
            assert_eq!((file.next(), file.kind()), (Ok(None), None));
            file.glimpse();
            assert!(std::iter::from_fn(|| file.next().unwrap()).any(|record| matches!(record, Record::Row(_))));
            assert_eq!(file.kind(), Some(Kind::Jsonl));
            more.bytes().for_each(|byte| file.push(&[byte]));
            assert_eq!((file.is_mistaken(), std::iter::from_fn(|| file.next().unwrap()).count()), (is_mistaken, usize::from(!is_mistaken)));
        }
    }

    #[test]
    fn what_was_guessed_wrong_once_is_not_guessed_again() {
        let mut file = Sniff::new("train.log");
        file.push(b"{\"step\": 1, \"loss\": 2}\n");
        file.glimpse();
        file.push(b"step 2 loss 1\n");
        assert!(file.is_mistaken());
        file.reset();
        file.push(b"{\"step\": 1, \"loss\": 2}\n");
        file.glimpse();
        assert_eq!((file.next(), file.kind()), (Ok(None), None), "its kind is to be known first");
        file.reset();
        file.push(b"{\"step\": 1, \"loss\": 2}\n");
        file.glimpse();
        assert_eq!(file.kind(), Some(Kind::Jsonl), "another source");
    }

    #[test]
    fn what_is_no_text_is_one_loss() {
        let (rows, losses) = decode_for_tests(&mut Sniff::new("-"), &[b"PK\x03\x04".as_slice(), &[0; 100]].concat(), 10);
        assert_eq!((rows.len(), losses.len()), (0, 1));
    }

    #[test]
    fn settings_in_front_of_a_log_are_told_by_what_is_behind_them_whatever_its_letters() {
        let text = "{\n \"lr\": 0.1,\n \"history\": [{\"step\": 1}]\n}\n\u{1f680} training\nstep 1 loss 2\n";
        for chunk in [1, 7, text.len()] {
            let mut sniff = Sniff::new("-");
            let (rows, losses) = decode_for_tests(&mut sniff, text.as_bytes(), chunk);
            assert_eq!((sniff.kind(), rows.len(), losses.len()), (Some(Kind::Log), 1, 0), "{chunk}");
        }
    }

    #[test]
    fn a_short_stream_is_told_by_its_end() {
        for (text, kind) in [("step 3, loss 2.5", Kind::Log), ("{\"step\": 3, \"loss\": 2.5}\n", Kind::Jsonl)] {
            let mut sniff = Sniff::new("-");
            sniff.push(text.as_bytes());
            assert_eq!((sniff.next(), sniff.kind()), (Ok(None), None));
            sniff.finish();
            assert!(std::iter::from_fn(|| sniff.next().unwrap()).any(|record| matches!(record, Record::Row(_))));
            assert_eq!(sniff.kind(), Some(kind));
        }
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same(bytes in prop::collection::vec(prop::sample::select(b"{}\":,;\ta1.\n \0:W&B".to_vec()), 0..200), chunk in 1usize..50) {
            let whole = decode_for_tests(&mut Sniff::new("-"), &bytes, bytes.len());
            prop_assert_eq!(format!("{:?}", decode_for_tests(&mut Sniff::new("-"), &bytes, chunk)), format!("{whole:?}"));
        }
    }
}
