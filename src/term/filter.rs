//! A byte filter between a pane's output and the emulator.
//!
//! vt100 0.18 panics on U+FE0F, leaks some strings as text and lacks parts that tmux has (line graphics,
//! insert mode, tab stops, ...). What can be said in other bytes is rewritten; what depends on the
//! cursor is taken out and handed over as an [`Op`] at its place in the stream.
//! Source of every rule: tmux 3.3a's `input.c` and `screen-write.c`, and what its grid was seen to hold.

use memchr::{memchr, memchr_iter, memchr3};

/// Characters that the emulator cannot take, and what stands for them inside it; readers turn them back.
/// It would drop U+FFFD, and it widens what a U+FE0F follows (tmux 3.3a does not) and panics on some.
pub(super) const STAND_INS: [(char, char); 2] = [('\u{fffd}', '\u{fffc}'), ('\u{fe0f}', '\u{fe0d}')];

/// What the emulator cannot do by itself, at a place in the filtered bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Op {
    /// A synchronized update begins (`CSI ? 2026 h`).
    Begin,
    /// A synchronized update ends.
    End,
    /// The alternate screen, with or without saving and restoring the cursor.
    Alternate { on: bool, cursor: bool },
    /// A character typed while insert mode is on or autowrap is off.
    Put { c: char, insert: bool, wrap: bool },
    /// A tab stop at the cursor.
    SetTab,
    /// No tab stop at the cursor.
    ClearTab,
    /// No tab stops at all.
    ClearTabs,
    /// So many tab stops to the right, or to the left if negative.
    Tab(i16),
    /// The last character again, so many times (at most to the end of the row).
    Repeat(u16),
    /// Erase in the screen (`J`), the row (`K`) or to the right (`X`): tmux fills with the background, and
    /// vt100 with all of the pen, underline and inverse included.
    Erase { last: u8, n: u16 },
    /// The screen filled with `E`.
    Align,
    /// What the filter's user keeps goes back to how it was at the start.
    Reset,
    /// A note of the program, by its number in [`Filtered::notes`]: see [`super::note`].
    Note(usize),
}

/// What came out of the filter: bytes for the emulator, and operations at offsets in them.
#[derive(Default, PartialEq, Eq, Debug)]
pub(super) struct Filtered {
    pub bytes: Vec<u8>,
    pub ops: Vec<(usize, Op)>,
    pub notes: Vec<Vec<u8>>,
}

impl Filtered {
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ops.clear();
        self.notes.clear();
    }

    fn op(&mut self, op: Op) {
        self.ops.push((self.bytes.len(), op));
    }

    fn text(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }
}

/// The filter's state between two pieces of a stream.
#[derive(Debug)]
pub(super) struct Filter {
    state: State,
    /// The start of something that cannot be judged before more bytes come.
    held: Vec<u8>,
    /// What has come of a DCS that may be a note.
    note: Option<Vec<u8>>,
    sets: Sets,
    saved: Sets,
    wrap: bool,
    insert: bool,
    /// Whether tab stops differ from one every eight columns.
    tabs: bool,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum State {
    Ground,
    /// An OSC: passed on as it is, the emulator finds the title in it.
    Osc,
    /// `ESC k`, APC, PM, SOS: dropped until ESC, CAN or SUB.
    Skip,
    /// The rest of a CSI that is too long to look into: passed on up to its last byte.
    Long,
    /// DCS: dropped until ST; a lone ESC inside belongs to it, as in tmux.
    Dcs,
}

/// Which of G0 and G1 holds line graphics, and which is in use.
#[derive(Clone, Copy, Default, Debug)]
struct Sets {
    graphics: [bool; 2],
    shifted: bool,
}

impl Sets {
    fn graphics(self) -> bool {
        self.graphics[usize::from(self.shifted)]
    }
}

const ESC: u8 = 0x1b;
const SO: u8 = 0x0e;
const SI: u8 = 0x0f;
const CAN: u8 = 0x18;
const SUB: u8 = 0x1a;

/// Longest CSI that is looked into. The longest sensible ones (SGR with many colours) have some 100
/// bytes; a longer one goes to the emulator as it is.
const CSI_BYTES_MAX: usize = 512;

/// How the DCS of a note begins. tmux passes over a DCS that it does not know.
pub(super) const NOTE: &[u8] = b"og;";

/// Longest note that is kept. One of og's own panes says some 300 bytes a chart.
const NOTE_BYTES_MAX: usize = 1 << 16;

/// Parameters that tmux keeps of one sequence; it ignores a sequence that has more.
const PARAMETERS_MAX: usize = 24;

/// `ESC c` as tmux does it, which stays on the alternate screen.
const RESET: &[u8] = b"\x1b[m\x1b[?1;6;9;1000;1002;1003;1005;1006;2004l\x1b>\x1b[r\x1b[?25h\x1b[2J\x1b[H\x1b7";

impl Default for Filter {
    fn default() -> Self {
        let sets = Sets::default();
        Filter { state: State::Ground, held: vec![], note: None, sets, saved: sets, wrap: true, insert: false, tabs: false }
    }
}

impl Filter {
    /// Filters the next piece of the stream and appends to `out`. Where the stream was cut into pieces
    /// does not show in what comes out.
    pub fn push(&mut self, bytes: &[u8], out: &mut Filtered) {
        let joined;
        let mut rest = bytes;
        if !self.held.is_empty() {
            let mut held = std::mem::take(&mut self.held);
            held.extend_from_slice(bytes);
            joined = held;
            rest = &joined;
        }
        while !rest.is_empty() {
            let used = match self.state {
                State::Ground => self.ground(rest, out),
                State::Osc => self.osc(rest, out),
                State::Skip => Some(self.skip(rest)),
                State::Long => Some(self.long(rest, out)),
                State::Dcs => self.dcs(rest, out),
            };
            match used {
                Some(used) => rest = &rest[used..],
                None => return self.held.extend_from_slice(rest),
            }
        }
    }

    /// Takes one step and says how many bytes it used; `None` means that it needs more of them.
    fn ground(&mut self, rest: &[u8], out: &mut Filtered) -> Option<usize> {
        let typed = self.insert || !self.wrap;
        let graphics = self.sets.graphics();
        if !typed && !graphics {
            let stop = memchr3(ESC, 0xef, SO, rest).unwrap_or(rest.len());
            let stop = if self.tabs { memchr(b'\t', &rest[..stop]).unwrap_or(stop) } else { stop };
            if stop > 0 {
                let half = if stop == rest.len() { half_character(rest) } else { 0 };
                whole_characters(&rest[..stop - half], out);
                return if half == stop { None } else { Some(stop - half) };
            }
        }
        let (c, used) = match rest[0] {
            ESC => return self.escape(rest, out),
            SO | SI => {
                self.sets.shifted = rest[0] == SO;
                return Some(1);
            }
            b'\t' if self.tabs => {
                out.op(Op::Tab(1));
                return Some(1);
            }
            b @ 0x20..=0x7e => (if graphics { line_graphic(b) } else { char::from(b) }, 1),
            0xc2..0xf5 => match character(rest)? {
                Ok(found) => found,
                Err(()) => return Some(1),
            },
            0x80.. => return Some(1),
            _ => return out_raw(rest, 1, out),
        };
        let stand_in = STAND_INS.iter().find(|(real, _)| *real == c);
        self.put(stand_in.map_or(c, |(_, stand_in)| *stand_in), out);
        Some(used)
    }

    fn put(&self, c: char, out: &mut Filtered) {
        if self.insert || !self.wrap {
            out.op(Op::Put { c, insert: self.insert, wrap: self.wrap });
        } else {
            out.text(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }

    fn osc(&mut self, rest: &[u8], out: &mut Filtered) -> Option<usize> {
        let end = rest.iter().position(|b| matches!(*b, ESC | 0x07 | CAN | SUB));
        let used = match end {
            Some(at) if rest[at] == ESC => at,
            Some(at) => at + 1,
            None => rest.len(),
        };
        out.text(&rest[..used]);
        if end.is_some() {
            self.state = State::Ground;
        }
        Some(used)
    }

    fn skip(&mut self, rest: &[u8]) -> usize {
        let Some(at) = memchr3(ESC, CAN, SUB, rest) else { return rest.len() };
        self.state = State::Ground;
        if rest[at] == ESC { at } else { at + 1 }
    }

    fn long(&mut self, rest: &[u8], out: &mut Filtered) -> usize {
        let end = rest.iter().position(|b| !(0x20..0x40).contains(b));
        if end.is_some() {
            self.state = State::Ground;
        }
        // A last byte that is a letter belongs to the sequence; a control character does not.
        let used = end.map_or(rest.len(), |at| at + usize::from((0x40..0x7f).contains(&rest[at])));
        out.text(&rest[..used]);
        used
    }

    fn dcs(&mut self, rest: &[u8], out: &mut Filtered) -> Option<usize> {
        for at in memchr_iter(ESC, rest) {
            match rest.get(at + 1) {
                Some(b'\\') => {
                    self.state = State::Ground;
                    self.collect(&rest[..at]);
                    if let Some(note) = self.note.take().and_then(|note| Some(note.strip_prefix(NOTE)?.to_vec())) {
                        out.op(Op::Note(out.notes.len()));
                        out.notes.push(note);
                    }
                    return Some(at + 2);
                }
                None if at == 0 => return None,
                None => {
                    self.collect(&rest[..at]);
                    return Some(at);
                }
                Some(_) => {}
            }
        }
        self.collect(rest);
        Some(rest.len())
    }

    /// Keeps what a DCS says, unless it is no note, or longer than any.
    fn collect(&mut self, bytes: &[u8]) {
        let Some(note) = &mut self.note else { return };
        note.extend_from_slice(bytes);
        let start = note.len().min(NOTE.len());
        if note[..start] != NOTE[..start] || note.len() > NOTE_BYTES_MAX {
            self.note = None;
        }
    }

    fn escape(&mut self, rest: &[u8], out: &mut Filtered) -> Option<usize> {
        match *rest.get(1)? {
            b'[' => return self.csi(rest, out),
            b']' => {
                self.state = State::Osc;
                return out_raw(rest, 2, out);
            }
            b'P' => (self.state, self.note) = (State::Dcs, Some(vec![])),
            b'k' | b'X' | b'^' | b'_' => self.state = State::Skip,
            b'D' => out.text(b"\n"),
            b'E' => out.text(b"\r\n"),
            b'H' => self.set_tab(out),
            b'7' => self.save(out),
            b'8' => self.restore(out),
            b'c' => {
                *self = Filter::default();
                out.text(RESET);
                out.op(Op::Reset);
            }
            ESC => return Some(1),
            0x20..0x30 => {
                let last = *rest.get(2)?;
                if !(0x30..0x7f).contains(&last) {
                    return out_raw(rest, 2, out);
                }
                match (rest[1], last) {
                    (b'#', b'8') => out.op(Op::Align),
                    (b'(', set) => self.sets.graphics[0] = set == b'0',
                    (b')', set) => self.sets.graphics[1] = set == b'0',
                    _ => {}
                }
                return Some(3);
            }
            _ => return out_raw(rest, 2, out),
        }
        Some(2)
    }

    fn csi(&mut self, rest: &[u8], out: &mut Filtered) -> Option<usize> {
        let Some(len) = rest[2..].iter().position(|b| !(0x20..0x40).contains(b)) else {
            if rest.len() < 2 + CSI_BYTES_MAX {
                return None;
            }
            self.state = State::Long;
            return out_raw(rest, rest.len(), out);
        };
        let (body, last) = (&rest[2..2 + len], rest[2 + len]);
        if !(0x40..0x7f).contains(&last) {
            // A control character inside a sequence: the emulator has its own rules for these.
            return out_raw(rest, 2 + len, out);
        }
        let used = 3 + len;
        if len >= CSI_BYTES_MAX {
            return out_raw(rest, used, out);
        }
        if memchr_iter(b';', body).count() >= PARAMETERS_MAX {
            return Some(used);
        }
        match (body, last) {
            (b"?" | [b'?', b'0'..=b';', ..], b'J' | b'K') => {}
            (body, b'J' | b'K' | b'X') if !private(body) => out.op(Op::Erase { last, n: numbers(body).next().unwrap_or(0) }),
            (body, b'm') if body.iter().all(|b| matches!(b, b'0'..=b';')) => sgr(body, &rest[..used], out),
            ([b'?', modes @ ..], b'h' | b'l') => {
                for mode in numbers(modes) {
                    self.private_mode(mode, last, out);
                }
            }
            (body, b'h' | b'l') if !private(body) && numbers(body).any(|mode| mode == 4) => self.insert = last == b'h',
            // vt100 goes to the top of the region, a terminal goes to the top of the screen.
            (body, b'r') if !private(body) => {
                out.text(&rest[..used]);
                out.text(b"\x1b[1d");
            }
            (body, b's') if !private(body) => self.save(out),
            (body, b'u') if !private(body) => self.restore(out),
            (body, b'Z') if !private(body) => out.op(Op::Tab(-count(body))),
            (body, b'b') if !private(body) => out.op(Op::Repeat(count(body).unsigned_abs())),
            (body, b'g') => match numbers(body).next() {
                None | Some(0) => {
                    self.tabs = true;
                    out.op(Op::ClearTab);
                }
                Some(3) => {
                    self.tabs = true;
                    out.op(Op::ClearTabs);
                }
                Some(_) => {}
            },
            _ => out.text(&rest[..used]),
        }
        Some(used)
    }

    fn private_mode(&mut self, mode: u16, last: u8, out: &mut Filtered) {
        let on = last == b'h';
        match mode {
            7 => self.wrap = on,
            47 | 1047 => out.op(Op::Alternate { on, cursor: false }),
            1049 => out.op(Op::Alternate { on, cursor: true }),
            2026 => out.op(if on { Op::Begin } else { Op::End }),
            mode => out.text(format!("\x1b[?{mode}{}", char::from(last)).as_bytes()),
        }
    }

    fn set_tab(&mut self, out: &mut Filtered) {
        self.tabs = true;
        out.op(Op::SetTab);
    }

    fn save(&mut self, out: &mut Filtered) {
        self.saved = self.sets;
        out.text(b"\x1b7");
    }

    fn restore(&mut self, out: &mut Filtered) {
        self.sets = self.saved;
        out.text(b"\x1b8");
    }
}

fn out_raw(rest: &[u8], len: usize, out: &mut Filtered) -> Option<usize> {
    out.text(&rest[..len]);
    Some(len)
}

/// The character at the start of `rest` and its length; `None` if it is not all there yet.
fn character(rest: &[u8]) -> Option<Result<(char, usize), ()>> {
    let len = match rest[0] {
        0xc2..0xe0 => 2,
        0xe0..0xf0 => 3,
        _ => 4,
    };
    let seen = &rest[..len.min(rest.len())];
    match std::str::from_utf8(seen) {
        Ok(text) => text.chars().next().map(|c| Ok((c, len))),
        Err(error) if error.error_len().is_none() => None,
        Err(_) => Some(Err(())),
    }
}

/// Text without the bytes that are none: vte 0.15 loses what follows a character of which it gets a half.
fn whole_characters(bytes: &[u8], out: &mut Filtered) {
    match std::str::from_utf8(bytes) {
        Ok(_) => out.text(bytes),
        Err(_) => bytes.utf8_chunks().for_each(|chunk| out.text(chunk.valid().as_bytes())),
    }
}

/// How many bytes at the end begin a character that is not all there.
fn half_character(bytes: &[u8]) -> usize {
    let tail = bytes.iter().rev().take(3).position(|b| !(0x80..0xc0).contains(b));
    tail.map_or(0, |continued| match bytes[bytes.len() - 1 - continued] {
        0xc2..0xe0 if continued < 1 => continued + 1,
        0xe0..0xf0 if continued < 2 => continued + 1,
        0xf0..0xf5 if continued < 3 => continued + 1,
        _ => 0,
    })
}

fn private(body: &[u8]) -> bool {
    body.iter().any(|b| !matches!(b, b'0'..=b';'))
}

/// The parameters of a CSI; what is empty is 0, what is too large is 65535.
fn numbers(body: &[u8]) -> impl Iterator<Item = u16> {
    body.split(|b| *b == b';').map(number)
}

fn number(digits: &[u8]) -> u16 {
    digits.iter().fold(0, |n: u16, b| n.saturating_mul(10).saturating_add(u16::from(b.wrapping_sub(b'0').min(9))))
}

/// A count that is at least 1.
fn count(body: &[u8]) -> i16 {
    numbers(body).next().map_or(1, |n| n.clamp(1, i16::MAX as u16) as i16)
}

/// Passes SGR on in the words that vt100 knows: `38:2::r:g:b` with semicolons, any underline as the
/// plain one, no underline colours (it would read their numbers as attributes).
fn sgr(body: &[u8], whole: &[u8], out: &mut Filtered) {
    let odd = body.contains(&b':') || body.windows(2).any(|two| two == b"21" || two == b"58");
    if !odd {
        return out.text(whole);
    }
    out.text(b"\x1b[");
    let start = out.bytes.len();
    let mut word = |parts: &[&[u8]]| {
        for part in parts {
            if out.bytes.len() > start {
                out.text(b";");
            }
            out.text(part);
        }
    };
    let mut fields = body.split(|b| *b == b';');
    let mut any = false;
    while let Some(field) = fields.next() {
        let parts: Vec<&[u8]> = field.split(|b| *b == b':').collect();
        match (parts[0], parts.len()) {
            (b"58", 1) => {
                let skipped = match fields.next() {
                    Some(b"5") => 1,
                    Some(b"2") => 3,
                    _ => 0,
                };
                fields.by_ref().take(skipped).for_each(drop);
                continue;
            }
            (b"38" | b"48", 1) => {
                let kind = fields.next().unwrap_or_default();
                word(&[field, kind]);
                let follow = match kind {
                    b"5" => 1,
                    b"2" => 3,
                    _ => 0,
                };
                fields.by_ref().take(follow).for_each(|part| word(&[part]));
            }
            (b"38" | b"48", _) => match (parts[1], &parts[2..]) {
                (b"5", [index, ..]) => word(&[parts[0], b"5", index]),
                (b"2", [_, r, g, b, ..] | [r, g, b]) => word(&[parts[0], b"2", r, g, b]),
                _ => continue,
            },
            (b"4", 2..) => word(&[if parts[1] == b"0" { b"24" } else { b"4" }]),
            (b"21", 1) => word(&[b"4"]),
            (_, 1) => word(&[if field.is_empty() { b"0" } else { field }]),
            _ => continue,
        }
        any = true;
    }
    if any {
        out.text(b"m");
    } else {
        // Nothing is left, and an empty SGR would reset.
        out.bytes.truncate(start - 2);
    }
}

/// DEC special graphics as tmux draws them, arrows and the block of its terminfo entry included.
fn line_graphic(b: u8) -> char {
    match b {
        b'+' => '→',
        b',' => '←',
        b'-' => '↑',
        b'.' => '↓',
        b'0' => '▮',
        b'`' => '◆',
        b'a' => '▒',
        b'b' => '␉',
        b'c' => '␌',
        b'd' => '␍',
        b'e' => '␊',
        b'f' => '°',
        b'g' => '±',
        b'h' => '␤',
        b'i' => '␋',
        b'j' => '┘',
        b'k' => '┐',
        b'l' => '┌',
        b'm' => '└',
        b'n' => '┼',
        b'o' => '⎺',
        b'p' => '⎻',
        b'q' => '─',
        b'r' => '⎼',
        b's' => '⎽',
        b't' => '├',
        b'u' => '┤',
        b'v' => '┴',
        b'w' => '┬',
        b'x' => '│',
        b'y' => '≤',
        b'z' => '≥',
        b'{' => 'π',
        b'|' => '≠',
        b'}' => '£',
        b'~' => '·',
        b => char::from(b),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filter<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Filtered {
        let mut filter = Filter::default();
        let mut out = Filtered::default();
        for piece in pieces {
            filter.push(piece, &mut out);
        }
        out
    }

    #[track_caller]
    fn check(input: &str, want: &str) {
        let out = filter([input.as_bytes()]);
        assert_eq!((String::from_utf8_lossy(&out.bytes), &out.ops[..]), (want.into(), &[][..]), "{input:?}");
    }

    #[track_caller]
    fn check_ops(input: &str, want: &[(usize, Op)]) {
        assert_eq!(filter([input.as_bytes()]).ops, want, "{input:?}");
    }

    #[test]
    fn what_the_emulator_would_leak_or_choke_on_is_dropped() {
        check("❤\u{fe0f}!\u{fffd}", "❤\u{fe0d}!\u{fffc}");
        check("\x1bkname\x1b\\x", "\x1b\\x");
        check("\x1bPtmux;\x1b\x1b[31mred\x1b\\x", "x");
        check("\x1b_Gf=24;AAAA\x1b\\x", "\x1b\\x");
        check("\x1b^pm\x18x", "x");
        check("\x1b]2;title \x0e\u{fe0f}\x07x", "\x1b]2;title \x0e\u{fe0f}\x07x");
    }

    #[test]
    fn line_graphics_become_unicode() {
        check("\x1b(0lqk\x1b(Blqk", "┌─┐lqk");
        check("\x1b)0\x0elqk é\x0flqk", "┌─┐ élqk");
        check("\x1b(0\x1b7\x1b(Bq\x1b8q", "\x1b7q\x1b8─");
    }

    #[test]
    fn unknown_words_are_said_in_known_ones() {
        check("a\x1bDb\x1bEc", "a\nb\r\nc");
        check("\x1b[s\x1b[u\x1b[>1u", "\x1b7\x1b8\x1b[>1u");
        check("\x1b[38:2::1:2:3;1m", "\x1b[38;2;1;2;3;1m");
        check("\x1b[48:2:1:2:3m\x1b[38:5:9m", "\x1b[48;2;1;2;3m\x1b[38;5;9m");
        check("\x1b[4:3m\x1b[4:0m\x1b[21m", "\x1b[4m\x1b[24m\x1b[4m");
        check("\x1b[4;58;5;1;7m\x1b[58;2;1;2;3mx\x1b[58:5:1m", "\x1b[4;7mx");
        check("\x1b[38;5;21;;21m", "\x1b[38;5;21;0;4m");
        check("\x1b[31m\x1b[m", "\x1b[31m\x1b[m");
        check("\x1b[2;5r", "\x1b[2;5r\x1b[1d");
    }

    #[test]
    fn what_needs_the_cursor_becomes_an_operation() {
        check_ops("\x1b[?2026hab\x1b[?2026l", &[(0, Op::Begin), (2, Op::End)]);
        check_ops("\x1b[?25;1049h", &[(6, Op::Alternate { on: true, cursor: true })]);
        check_ops("\x1b[4hx\x1b[4lx", &[(0, Op::Put { c: 'x', insert: true, wrap: true })]);
        check_ops("\x1b[?7lé\x1b[?7hx", &[(0, Op::Put { c: 'é', insert: false, wrap: false })]);
        check_ops("\t\x1bH\t\x1b[Z\x1b[3g", &[(1, Op::SetTab), (1, Op::Tab(1)), (1, Op::Tab(-1)), (1, Op::ClearTabs)]);
        check_ops("\x1b[K\x1b[2J\x1b[?2J", &[(0, Op::Erase { last: b'K', n: 0 }), (0, Op::Erase { last: b'J', n: 2 })]);
        check_ops("x\x1b[5b\x1b#8", &[(1, Op::Repeat(5)), (1, Op::Align)]);
        check_ops("\x1b[99999b", &[(0, Op::Repeat(32767))]);
    }

    #[test]
    fn a_note_is_taken_out_and_any_other_dcs_dropped() {
        let notes =
            |input: &str| filter([input.as_bytes()]).notes.into_iter().map(|note| String::from_utf8(note).unwrap()).collect::<Vec<_>>();
        check_ops("\x1b[?2026hab\x1bPog;{}\x1b\\\x1b[?2026l", &[(0, Op::Begin), (2, Op::Note(0)), (2, Op::End)]);
        assert_eq!(notes("x\x1bPog;a\x1b\\y\x1bPog;é\x1bb\x1b\\"), ["a", "é\x1bb"]);
        assert_eq!(notes(&format!("\x1bPtmux;og;\x1b\\\x1bPo\x1b\\\x1bPog;{}\x1b\\", "x".repeat(NOTE_BYTES_MAX))), [""; 0]);
    }

    #[test]
    fn a_sequence_without_end_does_not_grow_the_filter() {
        let mut filter = Filter::default();
        let mut out = Filtered::default();
        for piece in [&b"\x1b["[..], &[b'1'; 600], b"2;3m"] {
            filter.push(piece, &mut out);
            assert!(filter.held.len() < CSI_BYTES_MAX);
        }
        assert_eq!(out.bytes.len(), 606);
    }

    /// Bytes that are rich in what the filter looks at.
    pub fn wild() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            4 => "[a-z漢é❤ ]{0,6}".prop_map(String::into_bytes),
            2 => any::<u8>().prop_map(|b| vec![b]),
            4 => proptest::sample::select(vec![
                "\x1b[", "\x1b", "\x1bP", "\x1bPog;", "\x1b]0;", "\x1bk", "\x1b\\", "\x07", "\u{fe0f}", "\u{fffd}", "\x0e", "\x0f", "\x1b(0", "\x1b)0", "\x1b(B",
                "\x1b[4h", "\x1b[4l", "\x1b[?7l", "\x1b[?7h", "\x1b[?2026h", "\x1b[?2026l", "\x1b[?1049h", "\x1b[?1049l", "\x1bH", "\t", "\x1b[3g",
                "\x1bc", "\x1b#8", "\x1b7", "\x1b8", "\r\n", "\x1b[2;3r", "\x1b[9b", "\x1bM", "\x1bD", "😀", "\x1b[5P", "\x1b[5@", "\x1b[2J", "\x1b[7m",
            ]).prop_map(|s| s.as_bytes().to_vec()),
            2 => "(\\x1b\\[)?[0-9;:?]{0,8}[@-~]".prop_map(String::into_bytes),
        ];
        proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn where_the_stream_is_cut_does_not_show(bytes in wild(), size in 1usize..9) {
            prop_assert_eq!(filter([&bytes[..]]), filter(bytes.chunks(size)));
        }
    }
}
