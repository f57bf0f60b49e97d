//! A pane's screen as tmux has it: which commands ask for it, and their replies as a [`Seed`] for the emulator.
//! Never here: an emulator. What tmux cannot tell (a half UTF-8 character, tab stops, saved attributes) is not in the seed.

use std::borrow::Cow;

use super::{Command, PaneId, control};
use crate::term::Seed;

/// What tmux expands to the state of the pane, in the order in which [`State::read`] takes it. Commas part the
/// values, since all are numbers; one that this tmux does not know is empty.
const STATE: &str = "#{pane_width},#{pane_height},#{cursor_x},#{cursor_y},#{alternate_saved_x},#{alternate_saved_y},\
    #{scroll_region_upper},#{scroll_region_lower},#{cursor_flag},#{alternate_on},#{insert_flag},#{keypad_flag},\
    #{keypad_cursor_flag},#{wrap_flag},#{origin_flag},#{mouse_standard_flag},#{mouse_button_flag},#{mouse_all_flag},\
    #{mouse_utf8_flag},#{mouse_sgr_flag},#{pane_in_mode},#{pane_dead}";

/// Commands of one capture: the state, and four for each of the three buffers.
const COMMANDS: usize = 1 + 3 * 4;

/// A pane as tmux has it at one moment.
#[derive(Clone, PartialEq, Debug)]
pub struct Capture {
    /// The screen and its modes. Line graphics are Unicode box characters; the colours and attributes that a row ends
    /// with are those that the next row begins with.
    pub seed: Seed,
    /// The pane shows copy mode or another mode, which the seed does not contain.
    pub in_mode: bool,
    /// The program has ended and `remain-on-exit` keeps the pane.
    pub dead: bool,
}

/// Why a capture could not be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CaptureError {
    /// tmux refused; mostly the pane is gone.
    #[error("tmux did not capture the pane: {words}")]
    Refused {
        /// tmux's own words.
        words: String,
    },
    /// The replies are not those of [`commands`].
    #[error("tmux answered a capture with {what}")]
    Garbled {
        /// What was there.
        what: String,
    },
}

/// The commands that capture a pane, to be sent as one line: tmux runs a line without reading from any pane in between,
/// so that the state and the screen are of one moment, and all output that the client got before the reply is in it.
///
/// `buffer` names a paste buffer that lives only within the line. It is the seal of the replies as well, so it must be
/// one that no program in the pane can guess, and start with `og-` for the person who sees it flash by.
///
/// Not `capture-pane -p`: that leaks the reply in the server in a control client (tmux 3.2 to 3.5a).
pub fn commands(pane: PaneId, buffer: &str) -> Vec<Command> {
    let mut out = vec![Command::new("display-message").arg("-p").target(pane).arg(STATE)];
    for flags in [&["-e", "-N"][..], &["-e", "-N", "-a", "-q"], &["-P", "-C"]] {
        let capture = flags.iter().fold(Command::new("capture-pane"), |command, flag| command.arg(flag));
        out.push(capture.arg("-b").arg(buffer).target(pane));
        // The backslash tells whether this tmux escapes what it shows (before 3.4) or not. The seal also makes the
        // buffer where there was nothing to capture.
        out.push(Command::new("set-buffer").arg("-a").arg("-b").arg(buffer).arg("--").arg(format!("\\{buffer}")));
        out.push(Command::new("show-buffer").arg("-b").arg(buffer).sealed(buffer));
        out.push(Command::new("delete-buffer").arg("-b").arg(buffer));
    }
    out
}

/// Reads the replies to a line that ends with [`commands`]; replies of commands put before them are passed over.
pub fn parse(replies: &[control::Reply]) -> Result<Capture, CaptureError> {
    if let Some(failed) = replies.iter().find(|r| !r.ok) {
        return Err(CaptureError::Refused { words: failed.words() });
    }
    let first = replies.len().checked_sub(COMMANDS).ok_or_else(|| garbled(format!("{} replies", replies.len())))?;
    let replies = &replies[first..];
    let state = State::read(&replies[0]).ok_or_else(|| garbled(format!("state `{}`", replies[0].words())))?;
    let lines = rows(shown(&replies[3])?);
    if lines.len() != usize::from(state.rows) {
        return Err(garbled(format!("{} rows for {}", lines.len(), state.rows)));
    }
    let main_lines = rows(shown(&replies[7])?);
    let partial = control::unescape(&shown(&replies[11])?);
    Ok(state.capture(lines, main_lines, partial))
}

/// The state variables in numbers.
struct State {
    cols: u16,
    rows: u16,
    cursor: (u16, u16),
    alternate_saved: (u16, u16),
    scroll_region: (u16, u16),
    flags: [bool; 14],
}

impl State {
    fn read(reply: &control::Reply) -> Option<State> {
        let [line] = &reply.lines[..] else { return None };
        let mut values = std::str::from_utf8(line).ok()?.split(',');
        let mut cells = [0; 8];
        for cell in &mut cells {
            // The saved cursor of a screen that was never left is UINT_MAX.
            *cell = values.next()?.parse::<u32>().ok()?.try_into().unwrap_or(0);
        }
        let mut flags = [false; 14];
        for flag in &mut flags {
            *flag = !matches!(values.next()?, "" | "0");
        }
        let [cols, rows, x, y, saved_x, saved_y, upper, lower] = cells;
        let state = State { cols, rows, cursor: (x, y), alternate_saved: (saved_x, saved_y), scroll_region: (upper, lower), flags };
        values.next().is_none().then_some(state)
    }

    fn capture(self, lines: Vec<Vec<u8>>, main_lines: Vec<Vec<u8>>, partial: Vec<u8>) -> Capture {
        let [cursor_visible, alternate, insert, keypad, keypad_cursor, wrap, origin, m1000, m1002, m1003, m1005, m1006, in_mode, dead] =
            self.flags;
        let mouse = [(m1000, 1000), (m1002, 1002), (m1003, 1003), (m1005, 1005), (m1006, 1006)];
        let seed = Seed {
            cols: self.cols,
            rows: self.rows,
            cursor: self.cursor,
            cursor_visible,
            alternate,
            alternate_saved: alternate.then_some(self.alternate_saved),
            scroll_region: self.scroll_region,
            insert,
            keypad,
            keypad_cursor,
            wrap,
            origin,
            mouse: mouse.iter().filter(|(on, _)| *on).map(|(_, mode)| *mode).collect(),
            lines,
            main_lines: alternate.then_some(main_lines),
            partial,
        };
        Capture { seed, in_mode, dead }
    }
}

/// What was in the buffer that a sealed `show-buffer` showed.
fn shown(reply: &control::Reply) -> Result<Vec<u8>, CaptureError> {
    let text = reply.lines.join(&b'\n');
    let seal = memchr::memrchr(b'\\', &text).ok_or_else(|| garbled("a buffer without its seal".into()))?;
    match text[..seal].strip_suffix(b"\\") {
        Some(escaped) => Ok(unvis(escaped)),
        None => Ok(text[..seal].to_vec()),
    }
}

/// Undoes vis(3) as tmux uses it (`VIS_OCTAL|VIS_CSTYLE|VIS_TAB`, and its own `\$`).
fn unvis(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        let escape = &rest[at + 1..];
        let (byte, len) = match (control::octal(escape), escape.first()) {
            (Some(byte), _) => (byte, 3),
            (None, None) => (b'\\', 0),
            (None, Some(c)) => (cstyle(*c), 1),
        };
        out.push(byte);
        rest = &escape[len..];
    }
    out.extend_from_slice(rest);
    out
}

fn cstyle(c: u8) -> u8 {
    match c {
        b'0' => 0,
        b'a' => 7,
        b'b' => 8,
        b't' => b'\t',
        b'n' => b'\n',
        b'v' => 11,
        b'f' => 12,
        b'r' => b'\r',
        b's' => b' ',
        c => c,
    }
}

/// Rows of a captured screen: each ends with a newline, so nothing follows the last. Line graphics, which tmux marks
/// with SO and SI, become characters; the marks hold across rows, as colours do.
fn rows(screen: Vec<u8>) -> Vec<Vec<u8>> {
    let mut graphics = false;
    let mut rows: Vec<Vec<u8>> = screen.split(|b| *b == b'\n').map(|row| drawn(row, &mut graphics).into_owned()).collect();
    rows.pop();
    rows
}

fn drawn<'a>(row: &'a [u8], graphics: &mut bool) -> Cow<'a, [u8]> {
    if !*graphics && memchr::memchr(SO, row).is_none() {
        return row.into();
    }
    let mut out = Vec::with_capacity(row.len());
    let mut rest = row;
    while let [byte, tail @ ..] = rest {
        let taken = match byte {
            &ESC => sequence(rest),
            _ => 1,
        };
        match *byte {
            SO => *graphics = true,
            SI => *graphics = false,
            b'`'..=b'~' if *graphics => out.extend(GRAPHICS[usize::from(byte - b'`')].encode_utf8(&mut [0; 4]).bytes()),
            _ => out.extend_from_slice(&rest[..taken]),
        }
        rest = &tail[taken - 1..];
    }
    out.into()
}

const SO: u8 = 0x0e;
const SI: u8 = 0x0f;
const ESC: u8 = 0x1b;

/// DEC special graphics from backquote to tilde.
const GRAPHICS: [char; 31] = [
    '◆', '▒', '␉', '␌', '␍', '␊', '°', '±', '␤', '␋', '┘', '┐', '┌', '└', '┼', '⎺', '⎻', '─', '⎼', '⎽', '├', '┤', '┴', '┬', '│', '≤', '≥',
    'π', '≠', '£', '·',
];

/// Length of the escape sequence at the start: `ESC [ ... m`, or a hyperlink `ESC ] 8 ... ESC \` (from tmux 3.4 on).
fn sequence(bytes: &[u8]) -> usize {
    let end = match bytes.get(1) {
        Some(b'[') => bytes.iter().skip(2).position(|b| (0x40..=0x7e).contains(b)).map(|at| at + 3),
        Some(b']') => memchr::memmem::find(bytes, b"\x1b\\").map(|at| at + 2),
        _ => Some(2),
    };
    end.unwrap_or(bytes.len()).min(bytes.len())
}

fn garbled(what: String) -> CaptureError {
    CaptureError::Garbled { what }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reply(lines: &[&[u8]]) -> control::Reply {
        control::Reply { number: 0, ok: true, lines: lines.iter().map(|l| l.to_vec()).collect() }
    }

    /// Replies to [`commands`] with these buffers, as they come from tmux.
    fn replies(state: &str, buffers: [&[&[u8]]; 3]) -> Vec<control::Reply> {
        let mut out = vec![reply(&[state.as_bytes()])];
        for buffer in buffers {
            out.extend([reply(&[]), reply(&[]), reply(buffer), reply(&[])]);
        }
        out
    }

    const PLAIN: &str = "4,2,4,1,4294967295,4294967295,0,1,1,0,0,0,0,1,0,0,1,0,0,1,0,0";

    #[test]
    fn one_capture_is_one_state_and_three_sealed_buffers() {
        let commands = commands(PaneId(3), "og-5f");
        assert_eq!(commands.len(), COMMANDS);
        assert_eq!(commands.iter().filter(|c| c.seal() == Some("og-5f")).count(), 3);
        assert_eq!(commands[1].text(), r#"capture-pane "-e" "-N" "-b" "og-5f" "-t" "%3""#);
        assert_eq!(commands[2].text(), r#"set-buffer "-a" "-b" "og-5f" "--" "\\og-5f""#);
    }

    #[test]
    fn a_plain_screen_becomes_its_seed() {
        let rows: &[&[u8]] = &[b"\\033[31mab\\\\", b"\\$HOME \xc3\xa9", b"\\\\og-1"];
        let capture = parse(&replies(PLAIN, [rows, &[b"\\\\og-1"], &[b"\\\\033[3\\\\og-1"]])).unwrap();
        let seed = Seed {
            cols: 4,
            rows: 2,
            cursor: (4, 1),
            cursor_visible: true,
            scroll_region: (0, 1),
            wrap: true,
            mouse: vec![1002, 1006],
            lines: vec![b"\x1b[31mab\\".to_vec(), "$HOME é".into()],
            partial: b"\x1b[3".to_vec(),
            ..Seed::default()
        };
        assert_eq!(capture, Capture { seed, in_mode: false, dead: false });
    }

    #[test]
    fn a_tmux_that_does_not_escape_gives_the_same() {
        let raw: &[&[u8]] = &[b"\x1b[31mab\\", b"$HOME \xc3\xa9", b"\\og-1"];
        let escaped: &[&[u8]] = &[b"\\033[31mab\\\\", b"\\$HOME \xc3\xa9", b"\\\\og-1"];
        assert_eq!(
            parse(&replies(PLAIN, [raw, &[b"\\og-1"], &[b"\\033[3\\og-1"]])),
            parse(&replies(PLAIN, [escaped, &[b"\\\\og-1"], &[b"\\\\033[3\\\\og-1"]]))
        );
    }

    #[test]
    fn the_main_screen_and_its_cursor_come_with_an_alternate() {
        let state = "4,1,0,0,2,3,0,0,1,1,0,0,0,1,0,0,0,0,0,0,1,1";
        let capture = parse(&replies(state, [&[b"x", b"\\og-1"], &[b"m", b"n", b"\\og-1"], &[b"\\og-1"]])).unwrap();
        assert_eq!(capture.seed.main_lines, Some(vec![b"m".to_vec(), b"n".to_vec()]));
        assert_eq!(capture.seed.alternate_saved, Some((2, 3)));
        assert!(capture.in_mode && capture.dead);
    }

    #[test]
    fn line_graphics_become_characters_and_colours_stay() {
        let mut on = false;
        assert_eq!(drawn(b"q\x0elq\x1b[31;1mk", &mut on), "q┌─\x1b[31;1m┐".as_bytes());
        assert_eq!(drawn(b"x \x1b]8;;q\x1b\\x\x0fx", &mut on), "│ \x1b]8;;q\x1b\\│x".as_bytes());
    }

    #[test]
    fn replies_of_commands_before_the_capture_are_passed_over() {
        let mut replies = replies(PLAIN, [&[b"a", b"b", b"\\og-1"], &[b"\\og-1"], &[b"\\og-1"]]);
        replies.insert(0, reply(&[]));
        assert_eq!(parse(&replies).unwrap().seed.lines, [b"a", b"b"]);
    }

    #[test]
    fn a_refusal_is_told_in_tmuxs_words() {
        let refused = control::Reply { ok: false, ..reply(&[b"can't find pane: %9"]) };
        assert_eq!(parse(&[refused]), Err(CaptureError::Refused { words: "can't find pane: %9".into() }));
        assert!(matches!(parse(&[]), Err(CaptureError::Garbled { .. })));
        assert!(matches!(parse(&replies(PLAIN, [&[b"\\og-1"], &[], &[]])), Err(CaptureError::Garbled { .. })));
        assert!(matches!(parse(&replies("1,2", [&[], &[], &[]])), Err(CaptureError::Garbled { .. })));
    }

    proptest! {
        #[test]
        fn any_replies_are_read_or_refused(state in "[0-9,]{0,60}", text in prop::collection::vec(any::<u8>(), 0..80)) {
            let lines: Vec<&[u8]> = text.split(|b| *b == b'\n').collect();
            let _ = parse(&replies(&state, [&lines, &lines, &lines]));
            let _ = parse(&replies(PLAIN, [&lines, &lines, &lines]));
            rows(text);
        }
    }
}
