//! The clipboard of the person, asked of whatever program knows it here.

use super::wake::Woken;
use std::{
    process::{Command, Stdio},
    sync::mpsc::SyncSender,
    thread,
};

/// Programs that print the clipboard, and the variable without which they have none.
const PROGRAMS: &[(&str, &[&str])] = &[
    ("WAYLAND_DISPLAY", &["wl-paste", "--no-newline"]),
    ("DISPLAY", &["xclip", "-selection", "clipboard", "-o"]),
    ("DISPLAY", &["xsel", "--clipboard", "--output"]),
    ("TMUX", &["tmux", "show-buffer"]),
];

/// Asks for the text of the clipboard; it comes as [`Woken::Clipboard`], empty when nobody knows it. False: nobody can be
/// asked.
pub fn ask(tell: SyncSender<Woken>) -> bool {
    let set = |name: &&(&str, &[&str])| std::env::var_os(name.0).is_some_and(|value| !value.is_empty());
    let mut commands: Vec<&[&str]> = PROGRAMS.iter().filter(set).map(|(_, command)| *command).collect();
    if cfg!(target_os = "macos") {
        commands.insert(0, &["pbpaste"]);
    }
    if commands.is_empty() {
        return false;
    }
    let ask = move || {
        let text = commands.into_iter().find_map(printed).unwrap_or_default();
        // The loop that would take it is gone: so is the need.
        let _ = tell.send(Woken::Clipboard(text));
    };
    thread::Builder::new().name("og-clipboard".into()).spawn(ask).is_ok()
}

/// What a program prints, when it works and prints something.
fn printed(command: &[&str]) -> Option<String> {
    let output = Command::new(command[0]).args(&command[1..]).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}
