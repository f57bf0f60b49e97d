//! The clipboard of the person, told to and asked of whatever program knows it here.

use super::{screen, wake::Woken};
use std::{
    io::{self, Write},
    process::{Command, Stdio},
    sync::mpsc::SyncSender,
    thread::{self, JoinHandle},
};
use tmux_interface::{LoadBuffer, ShowBuffer, Tmux};

/// Programs that print the clipboard, and the variable without which they have none.
const PROGRAMS: &[(&str, &[&str])] = &[
    ("WAYLAND_DISPLAY", &["wl-paste", "--no-newline"]),
    ("DISPLAY", &["xclip", "-selection", "clipboard", "-o"]),
    ("DISPLAY", &["xsel", "--clipboard", "--output"]),
];

/// What was copied here, and who carries it out.
#[derive(Debug, Default)]
pub struct Clipboard {
    /// What was copied last: what a paste means where nobody can be asked.
    copied: String,
    carrier: Option<JoinHandle<()>>,
}

impl Clipboard {
    /// Gives a text to the clipboard: to tmux inside of it, which as it comes heeds no program's OSC 52, and keeps the text as
    /// its newest buffer and gives it to the terminal around it; else to the terminal.
    pub fn copy(&mut self, text: String) {
        self.copied.clone_from(&text);
        if !is_set("TMUX") {
            return screen::copy(&text);
        }
        let before = self.carrier.take();
        let carry = move || {
            // What was copied last is the newest.
            before.map(JoinHandle::join);
            if let Err(error) = fed(tmux(Tmux::new().add_command(LoadBuffer::new().send_to_clipboard().path("-").build())), &text) {
                tracing::info!(%error, "tmux does not take what was copied: the terminal gets it");
                screen::copy(&text);
            }
        };
        self.carrier = thread::Builder::new().name("og-copy".into()).spawn(carry).ok();
    }

    /// Asks for the text of the clipboard; it comes as [`Woken::Clipboard`], empty when nobody knows it. False: nobody can be
    /// asked.
    pub fn ask(&mut self, tell: SyncSender<Woken>) -> bool {
        let mut commands: Vec<Command> = PROGRAMS.iter().filter(|(name, _)| is_set(name)).map(|(_, argv)| command(argv)).collect();
        if cfg!(target_os = "macos") {
            commands.insert(0, command(&["pbpaste"]));
        }
        if is_set("TMUX") {
            commands.push(tmux(Tmux::new().add_command(ShowBuffer::new().build())));
        }
        if commands.is_empty() {
            return false;
        }
        let before = self.carrier.take();
        let ask = move || {
            // What was copied just now is there.
            before.map(JoinHandle::join);
            let text = commands.into_iter().find_map(printed).unwrap_or_default();
            // The loop that would take it is gone: so is the need.
            let _ = tell.send(Woken::Clipboard(text));
        };
        thread::Builder::new().name("og-clipboard".into()).spawn(ask).is_ok()
    }

    /// What was copied here last.
    pub fn copied(&self) -> &str {
        &self.copied
    }

    /// Waits until what was copied is where it belongs.
    pub fn settle(self) {
        self.carrier.map(JoinHandle::join);
    }
}

fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

fn command(argv: &[&str]) -> Command {
    let mut command = Command::new(argv[0]);
    command.args(&argv[1..]);
    command
}

/// A command to the tmux that this pane is in (`$TMUX`), and for the terminal that shows it. `-u`: whatever the locale, the text is
/// UTF-8.
fn tmux(built: Tmux<'_>) -> Command {
    let mut command = command(&["tmux", "-u"]);
    command.args(built.into_command().get_args());
    command
}

/// Runs a program to its end with a text to read.
fn fed(mut command: Command, text: &str) -> io::Result<()> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    // The pipe closes behind the text; a program that does not read it says so by how it ends.
    let _ = child.stdin.take().map(|mut pipe| pipe.write_all(text.as_bytes()));
    let status = child.wait()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(status.to_string())) }
}

/// What a program prints, when it works and prints something.
fn printed(mut command: Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}
