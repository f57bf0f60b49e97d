//! What holds for any input of a decoder, one check for each. `tests/it/fuzz.rs` runs the same checks on what was once found.
//! Here stands what can be said through og's public doors only, so that a check does not change with the inside of a room.

use og::{
    ipc::{codec, wire},
    source::{Csv, CsvOptions, Decoder, Jsonl, Loss, Record, RowOptions, Rows, Stdout, TfEvents, Wandb, lenient, trackio_line},
    term::{PaneScreen, Vt100},
    tmux::{Command, Layout, Ticket, capture, control, parse_panes},
};
use std::{collections::HashMap, time::Instant};

/// Most readings that teach something, of any source, and the last one.
const READINGS_MAX: usize = 24;

/// A `.wandb` file as it came; with its checksums made right, since no other bytes come past them; and the same behind a record that
/// fills most of the first block, so that the bytes lie across its edge.
pub fn wandb(bytes: &[u8]) {
    decoder(&mut || Box::new(Wandb::new()), bytes);
    const HEAD: &[u8; 7] = b":W&B\xe1\xbe\0";
    let body = bytes.strip_prefix(HEAD).unwrap_or(bytes);
    decoder(&mut || Box::new(Wandb::new()), &chunks_mended([&HEAD[..], body].concat()));
    // Once in a while, since it is much to decode.
    let room = pick(bytes, 512);
    if room >= 64 {
        return;
    }
    let filler = (32 << 10) - HEAD.len() - 7 - room;
    // One field that nobody reads, as long as the filler: two bytes of tag, three of length.
    let field = [0xfa, 0x07, (filler - 5) as u8 | 0x80, ((filler - 5) >> 7) as u8 | 0x80, ((filler - 5) >> 14) as u8];
    let chunk = [&[0; 4], &(filler as u16).to_le_bytes()[..], &[1], &field, &vec![0; filler - 5]].concat();
    let file = chunks_mended([&HEAD[..], &chunk, body].concat());
    let losses = decoder(&mut || Box::new(Wandb::new()), &file);
    assert!(losses.iter().all(|loss| loss.offset >= 7 + chunk.len() as u64), "the filler is lost: {losses:?}");
}

/// An event file as it came, and with its checksums made right.
pub fn tfevents(bytes: &[u8]) {
    decoder(&mut || Box::new(TfEvents::new()), bytes);
    decoder(&mut || Box::new(TfEvents::new()), &records_mended(bytes.to_vec()));
}

/// og's own lines.
pub fn jsonl(bytes: &[u8]) {
    decoder(&mut || Box::new(Jsonl::new()), bytes);
}

/// JSON of any shape.
pub fn rows(bytes: &[u8]) {
    decoder(&mut || Box::new(Rows::new(RowOptions::default())), bytes);
}

/// A table.
pub fn csv(bytes: &[u8]) {
    decoder(&mut || Box::new(Csv::new(CsvOptions::default())), bytes);
}

/// Console output: with and without its lines, the rows are the same.
pub fn stdout(bytes: &[u8]) {
    decoder(&mut || Box::new(Stdout::new()), bytes);
    decoder(&mut || Box::new(Stdout::with_console()), bytes);
    let [alone, beside] = [Stdout::new(), Stdout::with_console()].map(|mut decoder| {
        let mut said = Said::default();
        said.run(&mut decoder, bytes, bytes.len(), false);
        said.lines.retain(|line| !line.starts_with("Ok(Console("));
        said.lines
    });
    assert_eq!(alone, beside, "rows differ when the lines are wanted too");
}

/// A line of Trackio's inbox, the JSON of its database, and JSON as Python writes it: what is JSON by the book means the same here.
pub fn trackio(bytes: &[u8]) {
    for line in bytes.split(|byte| *byte == b'\n') {
        let mut said = Said::default();
        trackio_line(line).into_iter().for_each(|record| said.take(record));
        let Ok(text) = std::str::from_utf8(line) else { continue };
        let here = lenient(text);
        if let Some(value) = &here {
            assert_eq!(lenient(&value.to_string()).as_ref(), Some(value), "a value does not survive");
        }
        // Deeper than 64 is damage here.
        if let Ok(by_the_book) = serde_json::from_str::<serde_json::Value>(text)
            && depth(&by_the_book) <= 60
        {
            assert_eq!(here, Some(by_the_book));
        }
    }
}

/// What a control client prints, and the replies in it as whatever og may have asked for.
pub fn control(bytes: &[u8]) {
    let [whole, parts] = [bytes.len().max(1), chunk(bytes)].map(|chunk| {
        let mut parser = control::Parser::new();
        parser.expect(Ticket(1), &[Command::new("list-panes"), Command::new("show-buffer").sealed("og-seal")]);
        parser.expect(Ticket(2), &capture::commands(og::tmux::PaneId(1), "og-seal"));
        let mut events = vec![];
        for part in bytes.chunks(chunk) {
            parser.push(part);
            events.extend(std::iter::from_fn(|| parser.next()));
        }
        events
    });
    assert_eq!(whole, parts);
    for event in &whole {
        match event {
            control::Event::Reply { replies, .. } => {
                let _ = capture::parse(replies);
                replies.iter().for_each(|reply| drop(parse_panes(&reply.lines)));
            }
            control::Event::LayoutChange { layout, visible, .. } => {
                [layout, visible].into_iter().for_each(|text| _ = text.parse::<Layout>())
            }
            _ => {}
        }
    }
}

/// What a program prints, on a screen of any size that changes on the way.
pub fn term(bytes: &[u8]) {
    let (cols, rows) = (1 + pick(bytes, 97) as u16, 1 + pick(&bytes[bytes.len() / 2..], 31) as u16);
    let now = Instant::now();
    let screens = [bytes.len().max(1), chunk(bytes)].map(|chunk| {
        let mut screen: PaneScreen<Vt100> = PaneScreen::new(cols, rows);
        bytes.chunks(chunk).for_each(|part| {
            let _ = screen.feed(part, now);
        });
        // A frame that ended in a feed is handed out before the update behind it is cut off.
        while screen.settle(1.0).is_some() {}
        screen
    });
    let [whole, parts] = &screens;
    assert_eq!((whole.text(), whole.cursor(), whole.modes(), whole.title()), (parts.text(), parts.cursor(), parts.modes(), parts.title()));
    assert!(whole.rows().len() <= usize::from(rows));
    let [mut screen, _] = screens;
    for (size, part) in [(rows, cols), (1, 1), (u16::MAX, 2), (cols, rows)].into_iter().zip(bytes.chunks(bytes.len().div_ceil(4).max(1))) {
        let _ = screen.resize(size.0.min(500), size.1.min(200));
        let _ = screen.feed(part, now);
        let _ = screen.settle(2.0);
        let _ = (screen.text(), screen.changed_since(0).len(), screen.mid_frame(), screen.due());
    }
}

/// What a peer sends: lines, and the messages in them. A message that was understood is written as it is read.
pub fn wire(bytes: &[u8]) {
    const LINE_BYTES_MAX: usize = 300;
    let [whole, parts] = [bytes.len().max(1), chunk(bytes)].map(|chunk| {
        let (mut lines, mut out) = (codec::Lines::default(), vec![]);
        'all: for part in bytes.chunks(chunk) {
            lines.push(part);
            loop {
                match lines.next(LINE_BYTES_MAX) {
                    Ok(Some(line)) => out.push(Ok(line)),
                    Ok(None) => break,
                    Err(error) => {
                        out.push(Err(error));
                        break 'all;
                    }
                }
            }
        }
        out
    });
    assert_eq!(whole, parts);
    for line in whole.iter().flatten() {
        codec::id_of(line);
        if let Ok(call) = codec::decode::<wire::Call>(line) {
            let written = codec::encode(&call);
            // What is not understood is answered, not passed on.
            if !matches!(call.request, wire::Request::Unknown) {
                let again = codec::decode::<wire::Call>(&written).expect("what was written is read");
                assert_eq!(codec::encode(&again), written);
            }
        }
        if let Ok(reply) = codec::decode::<wire::Reply>(line) {
            let written = codec::encode(&reply);
            if let Ok(again) = codec::decode::<wire::Reply>(&written) {
                assert_eq!(codec::encode(&again), written);
            }
        }
    }
}

/// What holds for every decoder: any split gives the same records, so does a decoder that was used before, and a
/// glimpse in between breaks nothing. Returns the losses.
fn decoder(new: &mut dyn FnMut() -> Box<dyn Decoder>, bytes: &[u8]) -> Vec<Loss> {
    let mut decoder = new();
    let whole = settled(&mut *decoder, bytes, bytes.len(), false);
    decoder.reset();
    let chunk = chunk(bytes);
    let parts = settled(&mut *decoder, bytes, chunk, false);
    assert_eq!(whole.lines, parts.lines, "in pieces of {chunk}, after a reset");
    settled(&mut *new(), bytes, chunk, true);
    whole.losses
}

/// What comes out of a decoder in the end: where it was mistaken all comes again, from the start.
fn settled(decoder: &mut dyn Decoder, bytes: &[u8], chunk: usize, glimpse: bool) -> Said {
    // Each reading adds to what is known of the source, which is not much; but a glimpse may show each row before one that belongs in
    // front of it.
    for _ in 0..READINGS_MAX + if glimpse { bytes.len() } else { 0 } {
        let mut said = Said::default();
        said.run(decoder, bytes, chunk, glimpse);
        if !decoder.is_mistaken() {
            return said;
        }
        decoder.reset();
    }
    panic!("it is mistaken again and again");
}

/// What came out of a decoder.
#[derive(Default)]
struct Said {
    names: HashMap<u32, String>,
    lines: Vec<String>,
    losses: Vec<Loss>,
}

impl Said {
    /// Runs all bytes through `decoder`, with its end.
    fn run(&mut self, decoder: &mut dyn Decoder, bytes: &[u8], chunk: usize, glimpse: bool) {
        for part in bytes.chunks(chunk.max(1)) {
            decoder.push(part);
            self.drain(decoder);
            if glimpse {
                decoder.glimpse();
                self.drain(decoder);
            }
            if decoder.is_mistaken() {
                return;
            }
        }
        decoder.finish();
        self.drain(decoder);
    }

    fn drain(&mut self, decoder: &mut dyn Decoder) {
        loop {
            match decoder.next() {
                Ok(Some(record)) => self.take(Ok(record)),
                Ok(None) => break,
                Err(loss) => self.take(Err(loss)),
            }
        }
    }

    fn take(&mut self, record: Result<Record, Loss>) {
        match &record {
            Ok(Record::Key(id, key)) => {
                assert!(self.names.insert(id.0, key.to_string()).is_none(), "a key is announced twice");
            }
            Ok(Record::Row(row)) => {
                assert!(!row.values.is_empty(), "a row without values");
                assert!(row.values.iter().all(|(id, _)| self.names.contains_key(&id.0)), "a key was not announced");
                let mut ids: Vec<_> = row.values.iter().map(|(id, _)| id.0).collect();
                ids.sort_unstable();
                assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "a key stands twice in a row");
            }
            Err(loss) => {
                assert!(loss.bytes > 0 && loss.offset.checked_add(loss.bytes).is_some(), "{loss:?}");
                self.losses.push(loss.clone());
            }
            Ok(_) => {}
        }
        self.lines.push(format!("{record:?}"));
    }
}

/// The file with the right checksum in every chunk that its length lets one find.
fn chunks_mended(mut file: Vec<u8>) -> Vec<u8> {
    const BLOCK: usize = 32 << 10;
    let mut at = 7;
    while at + 7 <= file.len() {
        let left = BLOCK - at % BLOCK;
        let length = usize::from(u16::from_le_bytes([file[at + 4], file[at + 5]]));
        let end = at + 7 + length;
        if left < 7 || length + 7 > left || end > file.len() || file[at..at + 7] == [0; 7] {
            at += left;
            continue;
        }
        let crc = crc32fast::hash(&file[at + 6..end]);
        file[at..at + 4].copy_from_slice(&crc.to_le_bytes());
        at = end;
    }
    file
}

/// The file with the right checksums in every record that its length lets one find.
fn records_mended(mut file: Vec<u8>) -> Vec<u8> {
    let masked = |bytes: &[u8]| crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes();
    let mut at = 0;
    while let Some(length) = file.get(at..at + 8).and_then(|bytes| Some(u64::from_le_bytes(bytes.try_into().ok()?))) {
        let fits = |end: &usize| *end <= file.len().saturating_sub(4);
        let Some(end) = usize::try_from(length).ok().and_then(|length| (at + 12).checked_add(length)).filter(fits) else { break };
        let (head, data) = (masked(&file[at..at + 8]), masked(&file[at + 12..end]));
        file[at + 8..at + 12].copy_from_slice(&head);
        file[end..end + 4].copy_from_slice(&data);
        at = end + 4;
    }
    file
}

fn depth(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        serde_json::Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// The length of the pieces in which an input is given: mostly a few bytes, sometimes half of it.
fn chunk(bytes: &[u8]) -> usize {
    match pick(bytes, 8) {
        0 => bytes.len().div_ceil(2).max(1),
        few => few * (1 + pick(&bytes[bytes.len() / 2..], 9)),
    }
}

/// A number below `end` that hangs on every byte of the input, so that a file alone says how it is checked.
fn pick(bytes: &[u8], end: usize) -> usize {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
    (hash >> 20) as usize % end
}
