//! Standard output: a reader that went away is an exit code, never a panic.

use super::fail::Fail;
use serde::Serialize;
use std::io::{self, Write};

/// Prints text as it stands.
pub fn text(text: &str) -> Result<(), Fail> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(broken)
}

/// Prints a line.
pub fn line(line: impl std::fmt::Display) -> Result<(), Fail> {
    text(&format!("{line}\n"))
}

/// Prints a value as one line of JSON.
pub fn json(value: &impl Serialize) -> Result<(), Fail> {
    let json = serde_json::to_string(value).map_err(|error| Fail::of("internal", &error, None))?;
    line(json)
}

/// Prints a remark for a person, beside the answer. It is only a remark: nobody fails for it.
pub fn note(note: impl std::fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "og: {}", crate::text::one_line(&note.to_string()));
}

/// What it means that something could not be printed.
pub fn broken(error: io::Error) -> Fail {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Fail::broken_pipe(),
        _ => Fail::of("output", &error, None).about("cannot print the answer"),
    }
}
