//! Talks to tmux: control mode as a stream of events, layouts, one-shot commands.
//! Never here: what a pane means, what a screen shows; no option or key binding that the person set is changed.

pub mod capture;
pub mod command;
pub mod control;
mod error;
mod handover;
mod io;
pub mod layout;
mod pane;
mod version;

use std::{fmt, str::FromStr};

pub use command::Command;
pub use error::TmuxError;
pub use handover::FromTmux;
pub use io::{Client, NewPane, NewSession, Place, Server, Size, Socket, Toward, Turn, own_pane};
pub use layout::Layout;
pub use pane::{Death, PaneInfo, ask_pane_command, list_panes_command, parse_panes};
pub use version::Version;

/// `%N`: a pane of a tmux server. Dies with the server.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PaneId(pub u32);

/// `@N`: a window.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct WindowId(pub u32);

/// `$N`: a session.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SessionId(pub u32);

/// Names one line sent to a control client, whose replies come back under it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ticket(pub u64);

/// Text that is not an id of the wanted kind: the sigil, then digits.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{text}` is not a tmux id like {sigil}3")]
pub struct NotAnId {
    /// What stood there.
    pub text: String,
    /// The first character that was wanted.
    pub sigil: char,
}

macro_rules! id {
    ($name:ident, $sigil:literal) => {
        impl $name {
            /// Reads the id from bytes, which may be no text at all.
            pub fn parse(bytes: &[u8]) -> Option<$name> {
                decimal(std::str::from_utf8(bytes).ok()?.strip_prefix($sigil)?).map($name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", $sigil, self.0)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<$name, NotAnId> {
                $name::parse(text.as_bytes()).ok_or_else(|| NotAnId { text: text.into(), sigil: $sigil })
            }
        }
    };
}

id!(PaneId, '%');
id!(WindowId, '@');
id!(SessionId, '$');

/// Digits only: `parse` alone would also take `+3`.
fn decimal(digits: &str) -> Option<u32> {
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_print_as_tmux_writes_them_and_read_back() {
        assert_eq!(PaneId(3).to_string(), "%3");
        assert_eq!("%3".parse(), Ok(PaneId(3)));
        assert_eq!("@1".parse(), Ok(WindowId(1)));
        assert_eq!("$0".parse(), Ok(SessionId(0)));
    }

    #[test]
    fn an_id_of_another_kind_or_with_a_sign_is_refused() {
        for text in ["", "%", "3", "@3", "%+3", "%-3", "% 3", "%3 ", "%99999999999", "%3x"] {
            assert!(text.parse::<PaneId>().is_err(), "{text}");
        }
        assert_eq!(PaneId::parse(b"%\xff"), None);
    }
}
