//! Talks to tmux: control mode as a stream of events, layouts, one-shot commands.
//! Never here: what a pane means, what a screen shows.

/// `%N`: a pane of a tmux server. Dies with the server.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PaneId(pub u32);

/// `@N`: a window.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct WindowId(pub u32);

/// `$N`: a session.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SessionId(pub u32);
