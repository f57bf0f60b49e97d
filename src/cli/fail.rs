//! The one shape in which a command fails: a word for programs, what failed, what to do, and an exit code.

use crate::text;
use std::{error::Error, fmt};

/// The thing asked for did not work.
pub const EXIT_FAILED: u8 = 1;
/// The arguments make no sense.
pub const EXIT_USAGE: u8 = 2;
/// Whoever read our output went away.
pub const EXIT_BROKEN_PIPE: u8 = 3;
/// A bug of ours (`EX_SOFTWARE` of sysexits.h).
pub const EXIT_BUG: u8 = 70;

/// The word for a controller that ended before it answered.
pub const CONTROLLER_GONE: &str = "controller_gone";

/// Why a command failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fail {
    /// A word for programs.
    pub code: String,
    /// What failed, on what, with its causes.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// Exit code.
    pub exit: u8,
}

impl Fail {
    /// Something did not work.
    pub fn new(code: &str, message: impl Into<String>) -> Fail {
        Fail { code: code.into(), message: message.into(), hint: None, exit: EXIT_FAILED }
    }

    /// The arguments make no sense.
    pub fn usage(message: impl Into<String>) -> Fail {
        Fail { exit: EXIT_USAGE, ..Fail::new("bad_arguments", message) }
    }

    /// The reader of our output is gone; nobody is left to be told.
    pub fn broken_pipe() -> Fail {
        Fail { exit: EXIT_BROKEN_PIPE, ..Fail::new("broken_pipe", "") }
    }

    /// An error of a room with all its causes.
    pub fn of(code: &str, error: &(dyn Error + 'static), hint: Option<String>) -> Fail {
        Fail { hint, ..Fail::new(code, chain(error)) }
    }

    /// The same as the cause of something larger: `what: cause`.
    pub fn about(self, what: impl fmt::Display) -> Fail {
        Fail { message: format!("{what}: {}", self.message), ..self }
    }

    /// The same with advice.
    pub fn hint(self, hint: impl Into<String>) -> Fail {
        Fail { hint: Some(hint.into()), ..self }
    }

    /// The error as `--json` prints it.
    pub fn to_json(&self) -> String {
        serde_json::json!({"code": self.code, "message": self.message, "hint": self.hint}).to_string()
    }
}

impl fmt::Display for Fail {
    /// `og: what: cause`, and `hint: ...` on its own line. Names in it may hold anything.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "og: {}", text::clean(&self.message))?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {}", text::clean(hint)),
            None => Ok(()),
        }
    }
}

/// An error and its causes on one line; a cause that the text already tells is left out.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        next = cause.source();
    }
    text
}

impl From<crate::canvas::io::CanvasError> for Fail {
    fn from(error: crate::canvas::io::CanvasError) -> Fail {
        let hint = error.hint();
        Fail::of("canvas", &error, hint)
    }
}

impl From<crate::canvas::SpecError> for Fail {
    fn from(error: crate::canvas::SpecError) -> Fail {
        let hint = error.hint();
        Fail { exit: EXIT_USAGE, ..Fail::of("bad_spec", &error, hint) }
    }
}

impl From<crate::canvas::ChooseError> for Fail {
    fn from(error: crate::canvas::ChooseError) -> Fail {
        let hint = error.hint();
        Fail::of("no_canvas", &error, hint)
    }
}

impl From<crate::tmux::TmuxError> for Fail {
    fn from(error: crate::tmux::TmuxError) -> Fail {
        let hint = error.hint();
        Fail::of("tmux", &error, hint)
    }
}

impl From<crate::store::StoreError> for Fail {
    fn from(error: crate::store::StoreError) -> Fail {
        let hint = error.hint();
        Fail::of("store", &error, Some(hint))
    }
}

impl From<crate::controller::io::ControllerError> for Fail {
    fn from(error: crate::controller::io::ControllerError) -> Fail {
        let hint = error.hint();
        Fail::of("controller", &error, hint)
    }
}

impl From<crate::ui::UiError> for Fail {
    fn from(error: crate::ui::UiError) -> Fail {
        let hint = error.hint();
        Fail::of("pane", &error, hint)
    }
}

impl From<crate::ipc::io::IpcError> for Fail {
    fn from(error: crate::ipc::io::IpcError) -> Fail {
        let hint = error.hint();
        let is_gone = matches!(error, crate::ipc::io::IpcError::Broken(_));
        Fail::of(if is_gone { CONTROLLER_GONE } else { "controller" }, &error, hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot open run log a.wandb")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn an_error_is_one_line_with_its_causes_and_a_hint() {
        let fail = Fail::of("x", &Outer(std::io::Error::other("permission denied")), Some("try sudo".into()));
        assert_eq!(fail.to_string(), "og: cannot open run log a.wandb: permission denied\nhint: try sudo");
        assert_eq!(fail.to_json(), r#"{"code":"x","message":"cannot open run log a.wandb: permission denied","hint":"try sudo"}"#);
    }
}
