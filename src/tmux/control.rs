//! Control mode, read: bytes as they come in, [`Event`]s out.
//! Never text before its time: a chunk may end inside a character, and panes print what they like.

use std::collections::VecDeque;

use super::{Command, PaneId, SessionId, Ticket, WindowId};

/// Longest line kept. tmux cuts `%output` at about 8 KiB, and a captured row of 1000 cells where each has its own colours
/// is some 60 KB; more means a broken peer, and the rest of that line is dropped.
const LINE_BYTES_MAX: usize = 1 << 20;

/// Largest reply kept. The widest captures (1000 rows of 1000 coloured cells) stay below it.
const REPLY_BYTES_MAX: usize = 64 << 20;

/// What a control client is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A pane printed these bytes (`%output`, `%extended-output`).
    Output {
        /// The pane.
        pane: PaneId,
        /// As the program wrote them.
        bytes: Vec<u8>,
    },
    /// A line of ours is answered, or tmux ran something of its own (a hook, the attach).
    Reply {
        /// The line that [`Parser::expect`] was told of; `None`: not ours.
        ticket: Option<Ticket>,
        /// One for each command that ran. The first that failed is the last that ran.
        replies: Vec<Reply>,
    },
    /// tmux stopped sending this pane's output (we asked, or we were behind).
    Paused(PaneId),
    /// tmux sends this pane's output again; what it printed while paused never comes.
    Continued(PaneId),
    /// Panes of a window were made, closed, moved or resized.
    LayoutChange {
        /// The window.
        window: WindowId,
        /// Its layout string.
        layout: String,
        /// The layout shown; differs while a pane is zoomed.
        visible: String,
        /// Window flags (`*Z`).
        flags: String,
    },
    /// A window came into the session.
    WindowAdd(WindowId),
    /// A window left the session.
    WindowClose(WindowId),
    /// A window came into or left a session that this client is not attached to. A window that is moved away from ours is
    /// told like this too: by then it is in another one.
    WindowElsewhere(WindowId),
    /// A window has another name.
    WindowRenamed {
        /// The window.
        window: WindowId,
        /// Its new name.
        name: String,
    },
    /// Another pane of a window is active.
    WindowPaneChanged {
        /// The window.
        window: WindowId,
        /// Its active pane.
        pane: PaneId,
    },
    /// A pane went into or out of a mode such as copy mode.
    PaneModeChanged(PaneId),
    /// This client is attached to another session, or to its first.
    SessionChanged {
        /// The session.
        session: SessionId,
        /// Its name.
        name: String,
    },
    /// A session has another name.
    SessionRenamed {
        /// The session.
        session: SessionId,
        /// Its new name.
        name: String,
    },
    /// A session was made or closed.
    SessionsChanged,
    /// Another window of a session is current.
    SessionWindowChanged {
        /// The session.
        session: SessionId,
        /// Its current window.
        window: WindowId,
    },
    /// A client of the server, named here, detached.
    ClientDetached(String),
    /// This client ends, with tmux's reason if it gave one.
    Exit(Option<String>),
    /// Any other notification, as it came.
    Other(String),
}

/// What one command answered.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Reply {
    /// tmux's number of the command.
    pub number: u64,
    /// Whether the command succeeded; if not, `lines` is tmux's message.
    pub ok: bool,
    /// The lines it printed. For a sealed command the last one ends with the seal.
    pub lines: Vec<Vec<u8>>,
}

impl Reply {
    /// The lines as one text, for people.
    pub fn words(&self) -> String {
        String::from_utf8_lossy(&self.lines.join(&b'\n')).into_owned()
    }
}

/// Reads what a control client prints.
#[derive(Default)]
pub struct Parser {
    /// What has come; everything before `start` is done, and up to `searched` there is no line end.
    bytes: Vec<u8>,
    start: usize,
    searched: usize,
    /// The line was too long: its start was handed on, skip to its end.
    skipping: bool,
    block: Option<Block>,
    expected: VecDeque<Expected>,
}

/// A line that was sent and is not answered yet.
struct Expected {
    ticket: Ticket,
    /// The seals of its commands that have not answered, next first.
    seals: VecDeque<Option<Vec<u8>>>,
    replies: Vec<Reply>,
}

/// A reply that is being read.
struct Block {
    /// "time number flags" of its `%begin`; only the same after `%end` ends it.
    guard: Vec<u8>,
    number: u64,
    ours: bool,
    seal: Option<Vec<u8>>,
    lines: Vec<Vec<u8>>,
    bytes: usize,
}

impl Parser {
    /// A parser that has seen nothing.
    pub fn new() -> Parser {
        Parser::default()
    }

    /// Tells of a line before it is written: which replies will come, in which order, and how each ends.
    pub fn expect(&mut self, ticket: Ticket, commands: &[Command]) {
        let seals = commands.iter().map(|c| c.seal().map(|s| s.as_bytes().to_vec())).collect();
        self.expected.push_back(Expected { ticket, seals, replies: vec![] });
    }

    /// Lines that are not answered yet.
    pub fn outstanding(&self) -> usize {
        self.expected.len()
    }

    /// Takes bytes as they come: half a line is fine.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.searched -= self.start;
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The next event, or `None`: push more bytes.
    #[allow(clippy::should_implement_trait)] // None is not the end: more bytes may come
    pub fn next(&mut self) -> Option<Event> {
        loop {
            let line = self.line()?;
            if let Some(event) = self.read(line) {
                return Some(event);
            }
        }
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        loop {
            let found = memchr::memchr(b'\n', &self.bytes[self.searched..]).map(|at| self.searched + at);
            let end = found.unwrap_or(self.bytes.len());
            let cut = end.min(self.start + LINE_BYTES_MAX);
            let whole = found.is_some();
            if !whole && cut == end && !self.skipping {
                self.searched = end;
                return None;
            }
            let skipped = self.skipping;
            let line = (!skipped).then(|| self.bytes[self.start..cut].to_vec());
            self.skipping = !whole;
            self.start = if whole { end + 1 } else { end };
            self.searched = self.start;
            match line {
                Some(line) => return Some(line),
                None if !whole => return None,
                None => {}
            }
        }
    }

    fn read(&mut self, line: Vec<u8>) -> Option<Event> {
        let Some(block) = &mut self.block else { return self.outside(&line) };
        if let Some(ok) = block.ends(&line) {
            return self.close(ok);
        }
        // tmux says these two inside the reply of the command that asked for them.
        if block.seal.is_none()
            && let Some(event @ (Event::Paused(_) | Event::Continued(_))) = notification(&line)
        {
            return Some(event);
        }
        block.add(line);
        None
    }

    fn outside(&mut self, line: &[u8]) -> Option<Event> {
        let Some(guard) = line.strip_prefix(b"%begin ") else { return notification(line) };
        let mut words = guard.split(|b| *b == b' ').skip(1).map(number);
        let number = words.next().flatten().unwrap_or(0);
        let ours = words.next().flatten() == Some(1) && !self.expected.is_empty();
        let seal = self.expected.front().filter(|_| ours).and_then(|e| e.seals.front().cloned().flatten());
        self.block = Some(Block { guard: guard.to_vec(), number, ours, seal, lines: vec![], bytes: 0 });
        None
    }

    fn close(&mut self, ok: bool) -> Option<Event> {
        let block = self.block.take()?;
        let ours = block.ours;
        let reply = block.reply(ok);
        let Some(line) = self.expected.front_mut().filter(|_| ours) else {
            return Some(Event::Reply { ticket: None, replies: vec![reply] });
        };
        line.replies.push(reply);
        line.seals.pop_front();
        if ok && !line.seals.is_empty() {
            return None;
        }
        let line = self.expected.pop_front()?;
        Some(Event::Reply { ticket: Some(line.ticket), replies: line.replies })
    }
}

impl Block {
    /// Whether `line` ends this reply, and if so, whether well.
    fn ends(&self, line: &[u8]) -> Option<bool> {
        let (guard, ok) = match line.strip_prefix(b"%end ") {
            Some(guard) => (guard, true),
            None => (line.strip_prefix(b"%error ")?, false),
        };
        // tmux's own failure of a sealed command (`no buffer og-...`) ends with the seal too, since it names the buffer.
        let sealed = self.seal.as_ref().is_none_or(|seal| self.lines.last().is_some_and(|last| last.ends_with(seal)));
        (guard == self.guard && sealed).then_some(ok)
    }

    fn add(&mut self, line: Vec<u8>) {
        self.bytes += line.len() + 1;
        if self.bytes > REPLY_BYTES_MAX {
            self.lines.clear();
        }
        self.lines.push(line);
    }

    fn reply(self, ok: bool) -> Reply {
        if self.bytes > REPLY_BYTES_MAX {
            let words = format!("reply of {} bytes is over the limit of {REPLY_BYTES_MAX}", self.bytes);
            return Reply { number: self.number, ok: false, lines: vec![words.into_bytes()] };
        }
        Reply { number: self.number, ok, lines: self.lines }
    }
}

fn notification(line: &[u8]) -> Option<Event> {
    if line.is_empty() {
        return None;
    }
    Some(known(line).unwrap_or_else(|| Event::Other(text(line))))
}

fn known(line: &[u8]) -> Option<Event> {
    let (name, rest) = cut(line, b' ');
    Some(match name {
        b"%output" => output(rest)?,
        b"%extended-output" => extended_output(rest)?,
        b"%pause" => Event::Paused(PaneId::parse(rest)?),
        b"%continue" => Event::Continued(PaneId::parse(rest)?),
        b"%layout-change" => layout_change(rest)?,
        b"%window-add" => Event::WindowAdd(WindowId::parse(rest)?),
        b"%window-close" => Event::WindowClose(WindowId::parse(rest)?),
        b"%unlinked-window-add" | b"%unlinked-window-close" => Event::WindowElsewhere(WindowId::parse(rest)?),
        b"%window-renamed" => {
            let (window, name) = cut(rest, b' ');
            Event::WindowRenamed { window: WindowId::parse(window)?, name: text(name) }
        }
        b"%window-pane-changed" => {
            let (window, pane) = cut(rest, b' ');
            Event::WindowPaneChanged { window: WindowId::parse(window)?, pane: PaneId::parse(pane)? }
        }
        b"%pane-mode-changed" => Event::PaneModeChanged(PaneId::parse(rest)?),
        b"%session-changed" => {
            let (session, name) = cut(rest, b' ');
            Event::SessionChanged { session: SessionId::parse(session)?, name: text(name) }
        }
        b"%session-renamed" => {
            let (session, name) = cut(rest, b' ');
            Event::SessionRenamed { session: SessionId::parse(session)?, name: text(name) }
        }
        b"%sessions-changed" => Event::SessionsChanged,
        b"%session-window-changed" => {
            let (session, window) = cut(rest, b' ');
            Event::SessionWindowChanged { session: SessionId::parse(session)?, window: WindowId::parse(window)? }
        }
        b"%client-detached" => Event::ClientDetached(text(rest)),
        b"%exit" => Event::Exit((!rest.is_empty()).then(|| text(rest))),
        _ => return None,
    })
}

fn output(rest: &[u8]) -> Option<Event> {
    let (pane, bytes) = cut(rest, b' ');
    Some(Event::Output { pane: PaneId::parse(pane)?, bytes: unescape(bytes) })
}

/// `%3 12 : bytes`, where more words may come before the colon some day.
fn extended_output(rest: &[u8]) -> Option<Event> {
    let (pane, rest) = cut(rest, b' ');
    let colon = memchr::memmem::find(rest, b" : ")?;
    Some(Event::Output { pane: PaneId::parse(pane)?, bytes: unescape(&rest[colon + 3..]) })
}

fn layout_change(rest: &[u8]) -> Option<Event> {
    let (window, rest) = cut(rest, b' ');
    let (layout, rest) = cut(rest, b' ');
    let (visible, flags) = cut(rest, b' ');
    Some(Event::LayoutChange { window: WindowId::parse(window)?, layout: text(layout), visible: text(visible), flags: text(flags) })
}

/// Undoes `\ooo`. A backslash that does not start one is kept.
pub(crate) fn unescape(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        match octal(&rest[at + 1..]) {
            Some(byte) => {
                out.push(byte);
                rest = &rest[at + 4..];
            }
            None => {
                out.push(b'\\');
                rest = &rest[at + 1..];
            }
        }
    }
    out.extend_from_slice(rest);
    out
}

/// Three octal digits that make a byte.
pub(crate) fn octal(bytes: &[u8]) -> Option<u8> {
    let [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] = bytes else { return None };
    Some((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'))
}

fn cut(bytes: &[u8], at: u8) -> (&[u8], &[u8]) {
    match memchr::memchr(at, bytes) {
        Some(i) => (&bytes[..i], &bytes[i + 1..]),
        None => (bytes, b""),
    }
}

fn number(word: &[u8]) -> Option<u64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(parser: &mut Parser) -> Vec<Event> {
        std::iter::from_fn(|| parser.next()).collect()
    }

    #[track_caller]
    fn check(stream: &[u8], want: &[Event]) {
        let mut parser = Parser::new();
        parser.push(stream);
        assert_eq!(all(&mut parser), want);
    }

    fn escape(bytes: &[u8]) -> Vec<u8> {
        bytes.iter().flat_map(|b| if *b < b' ' || *b == b'\\' { format!("\\{b:03o}").into_bytes() } else { vec![*b] }).collect()
    }

    fn reply(number: u64, ok: bool, lines: &[&str]) -> Reply {
        Reply { number, ok, lines: lines.iter().map(|l| l.as_bytes().to_vec()).collect() }
    }

    fn show(seal: &str) -> Command {
        Command::new("show-buffer").arg("-b").arg(seal).sealed(seal)
    }

    #[test]
    fn output_is_bytes_as_the_program_wrote_them() {
        check(
            b"%output %1 a\\033[1mb\\134\\015\\012\xff \\9\n%extended-output %2 13 : x : y\n",
            &[
                Event::Output { pane: PaneId(1), bytes: b"a\x1b[1mb\\\r\n\xff \\9".to_vec() },
                Event::Output { pane: PaneId(2), bytes: b"x : y".to_vec() },
            ],
        );
    }

    #[test]
    fn notifications_are_told_apart() {
        let layout = |s: &str| s.to_string();
        check(
            b"%session-changed $0 a b\n%window-add @3\n%layout-change @0 aa,1x1,0,0,0 bb,1x1,0,0,0 *Z\n%window-pane-changed @0 %4\n\
              %pane-mode-changed %4\n%client-detached client-12\n%session-renamed $0 new name\n%sessions-changed\n%window-renamed @0 two words\n\
              %session-window-changed $0 @3\n%window-close @3\n%unlinked-window-add @5\n%unlinked-window-close @5\n%pause %4\n%continue %4\n%paste-buffer-changed b\n%exit too far behind\n%exit\n",
            &[
                Event::SessionChanged { session: SessionId(0), name: layout("a b") },
                Event::WindowAdd(WindowId(3)),
                Event::LayoutChange {
                    window: WindowId(0),
                    layout: layout("aa,1x1,0,0,0"),
                    visible: layout("bb,1x1,0,0,0"),
                    flags: layout("*Z"),
                },
                Event::WindowPaneChanged { window: WindowId(0), pane: PaneId(4) },
                Event::PaneModeChanged(PaneId(4)),
                Event::ClientDetached(layout("client-12")),
                Event::SessionRenamed { session: SessionId(0), name: layout("new name") },
                Event::SessionsChanged,
                Event::WindowRenamed { window: WindowId(0), name: layout("two words") },
                Event::SessionWindowChanged { session: SessionId(0), window: WindowId(3) },
                Event::WindowClose(WindowId(3)),
                Event::WindowElsewhere(WindowId(5)),
                Event::WindowElsewhere(WindowId(5)),
                Event::Paused(PaneId(4)),
                Event::Continued(PaneId(4)),
                Event::Other(layout("%paste-buffer-changed b")),
                Event::Exit(Some(layout("too far behind"))),
                Event::Exit(None),
            ],
        );
    }

    #[test]
    fn a_block_that_nobody_asked_for_has_no_ticket() {
        check(b"%begin 17 264 0\n%end 17 264 0\n", &[Event::Reply { ticket: None, replies: vec![reply(264, true, &[])] }]);
    }

    #[test]
    fn a_line_answers_once_with_one_reply_a_command() {
        let mut parser = Parser::new();
        parser.expect(Ticket(5), &[Command::new("a"), Command::new("b")]);
        parser.expect(Ticket(6), &[Command::new("c")]);
        parser.push(b"%begin 1 1 1\nx\n%end 1 1 1\n%begin 1 2 0\nhook\n%end 1 2 0\n%begin 1 3 1\n%end 1 3 1\n%begin 1 4 1\n%end 1 4 1\n");
        assert_eq!(
            all(&mut parser),
            [
                Event::Reply { ticket: None, replies: vec![reply(2, true, &["hook"])] },
                Event::Reply { ticket: Some(Ticket(5)), replies: vec![reply(1, true, &["x"]), reply(3, true, &[])] },
                Event::Reply { ticket: Some(Ticket(6)), replies: vec![reply(4, true, &[])] },
            ]
        );
        assert_eq!(parser.outstanding(), 0);
    }

    #[test]
    fn a_failed_command_is_the_last_of_its_line() {
        let mut parser = Parser::new();
        parser.expect(Ticket(0), &[Command::new("a"), show("og-1")]);
        parser.expect(Ticket(1), &[Command::new("c")]);
        parser.push(b"%begin 1 1 1\nno pane\n%error 1 1 1\n%begin 1 2 1\nfine\n%end 1 2 1\n");
        assert_eq!(
            all(&mut parser),
            [
                Event::Reply { ticket: Some(Ticket(0)), replies: vec![reply(1, false, &["no pane"])] },
                Event::Reply { ticket: Some(Ticket(1)), replies: vec![reply(2, true, &["fine"])] },
            ]
        );
    }

    #[test]
    fn pane_text_cannot_end_its_own_capture() {
        let mut parser = Parser::new();
        parser.expect(Ticket(9), &[show("og-77")]);
        parser.push(b"%begin 1 1 1\n%end 1 1 1\n%error 1 1 1\n%pause %1\nrow\n\\og-77\n%end 1 1 1\n");
        let lines = ["%end 1 1 1", "%error 1 1 1", "%pause %1", "row", "\\og-77"];
        assert_eq!(all(&mut parser), [Event::Reply { ticket: Some(Ticket(9)), replies: vec![reply(1, true, &lines)] }]);
    }

    #[test]
    fn a_pause_inside_the_reply_that_asked_for_it_is_an_event() {
        let mut parser = Parser::new();
        parser.expect(Ticket(0), &[super::super::command::pause_pane(PaneId(1))]);
        parser.push(b"%begin 1 1 1\n%pause %1\n%end 1 1 1\n");
        assert_eq!(
            all(&mut parser),
            [Event::Paused(PaneId(1)), Event::Reply { ticket: Some(Ticket(0)), replies: vec![reply(1, true, &[])] }]
        );
    }

    #[test]
    fn a_line_over_the_limit_keeps_its_start_and_what_follows_is_read() {
        let mut parser = Parser::new();
        parser.push(b"%x");
        for _ in 0..3 {
            parser.push(&vec![b'y'; LINE_BYTES_MAX / 2]);
        }
        parser.push(b"y\n%sessions-changed\n");
        let events = all(&mut parser);
        assert!(matches!(&events[0], Event::Other(text) if text.len() == LINE_BYTES_MAX), "{}", events.len());
        assert_eq!(events[1..], [Event::SessionsChanged]);
    }

    #[test]
    fn a_reply_over_the_limit_fails_and_ends() {
        let mut parser = Parser::new();
        parser.expect(Ticket(0), &[show("og-1")]);
        parser.push(b"%begin 1 1 1\n");
        let row = [vec![b'y'; LINE_BYTES_MAX], b"\n".to_vec()].concat();
        for _ in 0..REPLY_BYTES_MAX / LINE_BYTES_MAX + 2 {
            parser.push(&row);
            assert_eq!(parser.next(), None);
        }
        parser.push(b"\\og-1\n%end 1 1 1\n");
        let Some(Event::Reply { replies, .. }) = parser.next() else { panic!("no reply") };
        assert!(!replies[0].ok);
    }

    fn stream() -> impl Strategy<Value = Vec<u8>> {
        let line = prop_oneof![
            Just(b"%begin 1 1 1\n".to_vec()),
            Just(b"%end 1 1 1\n".to_vec()),
            Just(b"%error 1 1 1\n".to_vec()),
            Just(b"%begin 1 2 0\n".to_vec()),
            Just(b"%end 1 2 0\n".to_vec()),
            Just(b"\\og-1\n".to_vec()),
            Just(b"%pause %1\n".to_vec()),
            Just(b"%output %1 a\\033\\1".to_vec()),
            Just(b"%extended-output %1 2 : a\n".to_vec()),
            Just(b"%layout-change @1\n".to_vec()),
            prop::collection::vec(any::<u8>(), 0..20),
        ];
        prop::collection::vec(line, 0..20).prop_map(|lines| lines.concat())
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_events(stream in stream(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8)) {
            let expecting = || {
                let mut parser = Parser::new();
                parser.expect(Ticket(0), &[show("og-1"), Command::new("a")]);
                parser
            };
            let mut whole = expecting();
            whole.push(&stream);
            let want = all(&mut whole);
            let mut cuts: Vec<usize> = cuts.iter().map(|i| i.index(stream.len() + 1)).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort();
            let mut parser = expecting();
            let mut got = vec![];
            for pair in cuts.windows(2) {
                parser.push(&stream[pair[0]..pair[1]]);
                got.extend(all(&mut parser));
            }
            prop_assert_eq!(got, want);
        }

        #[test]
        fn output_survives_escaping(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(unescape(&escape(&bytes)), bytes.clone());
            let mut parser = Parser::new();
            parser.push(&[b"%output %7 ".to_vec(), escape(&bytes), b"\n".to_vec()].concat());
            prop_assert_eq!(parser.next(), Some(Event::Output { pane: PaneId(7), bytes }));
        }
    }
}
