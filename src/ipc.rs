//! How the parts of og talk: newline-delimited JSON over a local socket, version 1.
//! [`wire`] holds the messages, [`codec`] the framing; `io` the socket server and the clients.
//! Never here: what a message does.

pub mod codec;
pub mod io;
pub mod wire;
