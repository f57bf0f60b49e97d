//! tmux commands as one line of text: quoting, keys, text and paste.
//! Nothing here talks to tmux; a [`Command`] cannot hold a newline, so it can never become two lines or the empty line
//! that would detach a control client.

use super::PaneId;

/// Most bytes of keys or text in one command. tmux copies and queues a command as a whole, and a longer one gains nothing.
const COMMAND_BYTES_MAX: usize = 4096;

/// One tmux command, quoted for tmux's own command line (control mode, `source-file`), and how its reply ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Command {
    text: String,
    seal: Option<String>,
}

impl Command {
    /// A command by its full name (`send-keys`), without arguments yet.
    pub fn new(name: &'static str) -> Command {
        Command { text: name.into(), seal: None }
    }

    /// Adds one argument, quoted so that tmux takes it literally whatever is in it.
    pub fn arg(mut self, arg: impl AsRef<str>) -> Command {
        self.text.push(' ');
        self.text.push_str(&quote(arg.as_ref()));
        self
    }

    /// Adds `-t <target>`.
    pub fn target(self, target: impl ToString) -> Command {
        self.arg("-t").arg(target.to_string())
    }

    /// Says that the reply is free text, which ends only where its last line ends with `seal`: text that no program in a
    /// pane can know. Without it a pane that prints `%end 1700000000 42 1` could end its own capture.
    pub fn sealed(mut self, seal: impl Into<String>) -> Command {
        self.seal = Some(seal.into());
        self
    }

    /// The command as tmux reads it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The seal, where the reply has one.
    pub fn seal(&self) -> Option<&str> {
        self.seal.as_deref()
    }
}

/// Quotes one argument for tmux's command line: double quotes around everything, so that `;` `#` `%` `{` mean nothing;
/// `\` `"` `$` `~` escaped; control characters by name or octal, so that the result is one line.
/// NUL cannot be in an argument and is left out.
///
/// Source: tmux 3.3a `cmd-parse.y` (`yylex_token`, `yylex_token_escape`); the same since 3.2.
pub fn quote(arg: &str) -> String {
    let mut out = String::with_capacity(arg.len() + 2);
    out.push('"');
    for c in arg.chars() {
        match c {
            '\0' => {}
            '\\' | '"' | '$' | '~' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c < ' ' || c == '\x7f' => out.push_str(&format!("\\{:03o}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Escapes text that tmux expands as a format (`-c`, `-n`, `-s`, messages), so that `#{x}` stays `#{x}`.
///
/// A run of `#` before `[` is left as it is, since tmux leaves it too (it is drawn as a style, never expanded).
pub fn escape_format(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('#') {
        let run = rest[at..].len() - rest[at..].trim_start_matches('#').len();
        let doubled = if rest[at + run..].starts_with('[') { run } else { 2 * run };
        out.push_str(&rest[..at]);
        out.extend(std::iter::repeat_n('#', doubled));
        rest = &rest[at + run..];
    }
    out.push_str(rest);
    out
}

/// Escapes text that tmux expands first by strftime and then as a format (`pipe-pane`).
pub fn escape_time_format(text: &str) -> String {
    escape_format(text).replace('%', "%%")
}

/// What can be sent to a pane.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Send<'a> {
    /// A tmux key name (`Enter`, `C-c`, `F5`) that the caller has checked: tmux types an unknown name as text.
    Key(&'a str),
    /// Text as if typed; a line end in it presses Enter.
    Text(&'a str),
    /// Text as if pasted: bracketed if the program asked for that.
    Paste(&'a str),
}

/// The commands that send `what` to a pane, in order. Give them to the client as one line: nothing comes between, and
/// where one fails the rest is not sent.
///
/// `in_mode` says that the pane shows copy mode, which swallows keys; it is left first (no error if it ended meanwhile).
pub fn send_keys(pane: PaneId, what: &[Send], in_mode: bool) -> Vec<Command> {
    let mut out = vec![];
    if in_mode {
        out.push(Command::new("copy-mode").arg("-q").target(pane));
    }
    for send in what {
        match send {
            Send::Key(name) => out.push(key(pane, name)),
            Send::Text(text) => typed(pane, text, &mut out),
            Send::Paste(text) => pasted(pane, text, &mut out),
        }
    }
    out
}

/// Lets the output of a paused pane come again, from now on; what came meanwhile is not sent.
pub fn continue_pane(pane: PaneId) -> Command {
    Command::new("refresh-client").arg("-A").arg(format!("{pane}:continue"))
}

/// Stops the output of a pane for this client. The program in the pane runs on.
pub fn pause_pane(pane: PaneId) -> Command {
    Command::new("refresh-client").arg("-A").arg(format!("{pane}:pause"))
}

/// Makes tmux look for ended children, by starting one that ends at once.
///
/// A tmux that keeps utmp records (Debian's and Fedora's do) ignores SIGCHLD for a millisecond whenever a pane opens or
/// closes, so that it misses the end of the very program whose pane closes: 4 to 46 of 100 exits in 3.3a.
pub fn reap() -> Command {
    Command::new("run-shell").arg("-b").arg(":")
}

fn key(pane: PaneId, name: &str) -> Command {
    Command::new("send-keys").target(pane).arg("--").arg(name)
}

fn typed(pane: PaneId, text: &str, out: &mut Vec<Command>) {
    for (i, line) in text.replace("\r\n", "\n").split(['\n', '\r']).enumerate() {
        if i > 0 {
            out.push(key(pane, "Enter"));
        }
        if line.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
            // Worst case of quoting doubles the bytes.
            for chunk in chunks(line, COMMAND_BYTES_MAX / 2) {
                out.push(Command::new("send-keys").target(pane).arg("-l").arg("--").arg(chunk));
            }
        } else {
            // `-l` looks characters up by width and drops what it does not know; bytes as hex go through untouched.
            for chunk in chunks(line, COMMAND_BYTES_MAX / " 'xx'".len()) {
                let hex = chunk.bytes().map(|b| format!("{b:02x}"));
                out.push(hex.fold(Command::new("send-keys").target(pane).arg("-H"), |command, byte| command.raw(&byte)));
            }
        }
    }
}

fn pasted(pane: PaneId, text: &str, out: &mut Vec<Command>) {
    let text = without_paste_end(text);
    if text.is_empty() {
        return;
    }
    let buffer = format!("og-paste-{}", pane.0);
    for (i, chunk) in chunks(&text, COMMAND_BYTES_MAX / 4).enumerate() {
        let set = Command::new("set-buffer");
        let set = if i > 0 { set.arg("-a") } else { set };
        out.push(set.arg("-b").arg(&buffer).arg("--").arg(chunk));
    }
    out.push(Command::new("paste-buffer").arg("-p").arg("-d").arg("-b").arg(&buffer).target(pane));
}

/// Removes NUL, which tmux cannot hold, and the sequence that ends a bracketed paste, also where removing one makes another.
fn without_paste_end(text: &str) -> String {
    const END: &str = "\x1b[201~";
    let mut out = String::with_capacity(text.len());
    for c in text.chars().filter(|c| *c != '\0') {
        out.push(c);
        if c == '~' && out.ends_with(END) {
            out.truncate(out.len() - END.len());
        }
    }
    out
}

/// Cuts text into pieces of at most `bytes_max` bytes, between characters.
fn chunks(text: &str, bytes_max: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (chunk, tail) = rest.split_at(rest.floor_char_boundary(bytes_max));
        rest = tail;
        (!chunk.is_empty()).then_some(chunk)
    })
}

impl Command {
    /// Adds a word that needs no quoting.
    fn raw(mut self, word: &str) -> Command {
        self.text.push(' ');
        self.text.push_str(word);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(commands: &[Command]) -> Vec<&str> {
        commands.iter().map(Command::text).collect()
    }

    /// What tmux's lexer makes of one double-quoted token.
    fn unquote(quoted: &str) -> String {
        let inner = quoted.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
        let mut out = String::new();
        let mut chars = inner.chars();
        while let Some(c) = chars.next() {
            match (c, c == '\\') {
                (_, false) => {
                    assert!(!"\"$~\n".contains(c), "{quoted}");
                    out.push(c);
                }
                _ => match chars.next().unwrap() {
                    'n' => out.push('\n'),
                    d @ '0'..='3' => {
                        let octal: String = [d, chars.next().unwrap(), chars.next().unwrap()].iter().collect();
                        out.push(u8::from_str_radix(&octal, 8).unwrap() as char);
                    }
                    c => out.push(c),
                },
            }
        }
        out
    }

    #[test]
    fn quoting_leaves_nothing_for_tmux_to_read() {
        assert_eq!(quote(""), r#""""#);
        assert_eq!(quote("%0;"), r#""%0;""#);
        assert_eq!(quote("a \"b\" $HOME ~ \\ #{x}\n\t"), r##""a \"b\" \$HOME \~ \\ #{x}\n\011""##);
    }

    #[test]
    fn formats_are_escaped_except_before_a_bracket() {
        assert_eq!(escape_format("a#b ##{x} #[fg] ##[ #"), "a##b ####{x} #[fg] ##[ ##");
        assert_eq!(escape_time_format("%H #{x}"), "%%H ##{x}");
    }

    #[test]
    fn keys_and_text_keep_their_order() {
        let sent = send_keys(PaneId(3), &[Send::Key("C-c"), Send::Text("ls; -l\n"), Send::Key("Up")], false);
        assert_eq!(
            texts(&sent),
            [
                r#"send-keys "-t" "%3" "--" "C-c""#,
                r#"send-keys "-t" "%3" "-l" "--" "ls; -l""#,
                r#"send-keys "-t" "%3" "--" "Enter""#,
                r#"send-keys "-t" "%3" "--" "Up""#
            ]
        );
    }

    #[test]
    fn text_beyond_ascii_goes_as_bytes() {
        assert_eq!(
            texts(&send_keys(PaneId(0), &[Send::Text("é\t")], true)),
            [r#"copy-mode "-q" "-t" "%0""#, r#"send-keys "-t" "%0" "-H" c3 a9 09"#]
        );
    }

    #[test]
    fn a_paste_cannot_end_itself() {
        assert_eq!(without_paste_end("a\x1b[20\x1b[201~1~b\0"), "ab");
        assert!(send_keys(PaneId(0), &[Send::Paste("\x1b[201~")], false).is_empty());
    }

    #[test]
    fn a_big_paste_is_built_piece_by_piece() {
        let sent = send_keys(PaneId(7), &[Send::Paste(&"é".repeat(3000))], false);
        let texts = texts(&sent);
        assert!(texts[0].starts_with(r#"set-buffer "-b" "og-paste-7" "--" "é"#), "{}", texts[0]);
        assert!(texts[1].starts_with(r#"set-buffer "-a" "-b""#));
        assert_eq!(texts[texts.len() - 1], r#"paste-buffer "-p" "-d" "-b" "og-paste-7" "-t" "%7""#);
    }

    proptest! {
        #[test]
        fn a_quoted_argument_reads_back_as_it_was(arg in any::<String>()) {
            prop_assert_eq!(unquote(&quote(&arg)), arg.replace('\0', ""));
        }

        #[test]
        fn any_text_becomes_short_single_lines(text in any::<String>(), times in 1usize..400) {
            let text = text.repeat(times);
            for command in send_keys(PaneId(1), &[Send::Text(&text), Send::Paste(&text)], false) {
                prop_assert!(command.text().len() <= COMMAND_BYTES_MAX + 100);
                prop_assert!(!command.text().contains(['\n', '\r', '\0']));
            }
        }
    }
}
