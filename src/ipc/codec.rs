//! Framing: one JSON value a line.

use serde::{Serialize, de::DeserializeOwned};

/// Longest line taken from a peer: far above any request, so more means a broken peer.
pub const LINE_BYTES_MAX: usize = 1 << 20;

/// Cuts a byte stream into lines.
#[derive(Debug, Default)]
pub struct Lines {
    buffer: Vec<u8>,
    scanned: usize,
}

/// A line was longer than [`LINE_BYTES_MAX`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message is longer than {LINE_BYTES_MAX} bytes")]
pub struct TooLong;

impl Lines {
    /// Takes bytes as they come.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole line without its newline; `Ok(None)`: give me more bytes.
    pub fn next(&mut self, bytes_max: usize) -> Result<Option<Vec<u8>>, TooLong> {
        match memchr::memchr(b'\n', &self.buffer[self.scanned..]) {
            // However the bytes came, the same lines are too long.
            Some(at) if self.scanned + at > bytes_max => Err(TooLong),
            Some(at) => {
                let mut line: Vec<u8> = self.buffer.drain(..=self.scanned + at).collect();
                line.pop();
                self.scanned = 0;
                Ok(Some(line))
            }
            None if self.buffer.len() > bytes_max => Err(TooLong),
            None => {
                self.scanned = self.buffer.len();
                Ok(None)
            }
        }
    }
}

/// One message as a line, newline included.
pub fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    let mut line = serde_json::to_vec(message).unwrap_or_else(|error| {
        format!(r#"{{"type":"error","code":"internal","message":"cannot write a message: {}"}}"#, error.to_string().replace('"', "'"))
            .into_bytes()
    });
    line.push(b'\n');
    line
}

/// A line as a message.
pub fn decode<T: DeserializeOwned>(line: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(line)
}

/// The id of a line that is JSON and yet no message, so that whoever waits for its answer gets one.
pub fn id_of(line: &[u8]) -> u64 {
    #[derive(serde::Deserialize)]
    struct Id {
        id: u64,
    }
    decode::<Id>(line).map_or(0, |id| id.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::wire::{Call, Reply, Request, Response, Until};

    #[test]
    fn a_line_that_is_no_message_keeps_its_id() {
        assert_eq!(id_of(br#"{"id":7,"type":"waitFor"}"#), 7);
        for other in [&b"{}"[..], b"7", b"{\"id\":-1}", b"{\"id\":7", b"\xff"] {
            assert_eq!(id_of(other), 0, "{other:?}");
        }
    }

    #[test]
    fn any_split_gives_the_same_lines() {
        let bytes = b"{\"a\":1}\n\nxyz\nrest";
        for chunk in 1..bytes.len() {
            let mut lines = Lines::default();
            let mut got = vec![];
            for part in bytes.chunks(chunk) {
                lines.push(part);
                while let Ok(Some(line)) = lines.next(100) {
                    got.push(line);
                }
            }
            assert_eq!(got, [b"{\"a\":1}".to_vec(), vec![], b"xyz".to_vec()]);
        }
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut lines = Lines::default();
        lines.push(&[b'x'; 11]);
        assert_eq!(lines.next(10), Err(TooLong));
        let mut lines = Lines::default();
        lines.push(b"0123456789\n0123456789x\n");
        assert_eq!((lines.next(10), lines.next(10)), (Ok(Some(b"0123456789".to_vec())), Err(TooLong)));
    }

    #[test]
    fn an_unknown_type_is_a_value() {
        let call: Call = decode(br#"{"id":7,"type":"fromTheFuture","x":1}"#).unwrap();
        assert_eq!(call.id, 7);
        assert!(matches!(call.request, Request::Unknown));
    }

    #[test]
    fn what_is_written_is_read_back() {
        let call = Call {
            id: 3,
            request: Request::WaitFor {
                pane: None,
                until: vec![Until::Settle(80), Until::Change, Until::Text("a.b".into())],
                stop: None,
                timeout_ms: Some(5),
            },
        };
        let line = encode(&call);
        let text = String::from_utf8(line.clone()).unwrap();
        assert_eq!(text, "{\"id\":3,\"type\":\"waitFor\",\"until\":[{\"settle\":80},\"change\",{\"text\":\"a.b\"}],\"timeoutMs\":5}\n");
        let back: Call = decode(&line).unwrap();
        assert_eq!(encode(&back), line);
        let reply: Reply = decode(br#"{"id":1,"type":"pong","v":1,"pid":5}"#).unwrap();
        assert!(matches!(reply.response, Response::Pong { v: 1, pid: 5 }));
    }
}
