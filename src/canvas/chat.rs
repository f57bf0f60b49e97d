//! What people and agents say to each other in a canvas: the lines of `chat.jsonl`.

use serde::Deserialize;

/// One message.
#[derive(Clone, PartialEq, Debug)]
pub struct Message {
    /// When, in Unix seconds, where that is told.
    pub at: Option<f64>,
    /// `human`, `agent`, or a name.
    pub author: String,
    /// What was said.
    pub text: String,
}

impl Message {
    /// Reads a line: `{"t": "2026-11-20T08:00:00Z", "author": "human", "text": "why?"}`. `None`: it is no message.
    pub fn from_line(line: &[u8]) -> Option<Message> {
        #[derive(Deserialize)]
        struct Line {
            #[serde(default)]
            t: String,
            #[serde(default)]
            author: String,
            text: String,
        }
        let Line { t, author, text } = serde_json::from_slice(line).ok()?;
        let at = t.parse::<jiff::Timestamp>().ok().map(|at| at.as_millisecond() as f64 / 1e3);
        Some(Message { at, author, text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canvas::io::{ChatTail, say};
    use std::{fs::OpenOptions, io::Write};

    #[test]
    fn a_conversation_is_read_as_it_grows_and_a_torn_line_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let mut tail = ChatTail::new(dir.path());
        assert_eq!(tail.poll(), 0);
        say(dir.path(), "human", "why?", "2026-11-20T08:00:00Z").unwrap();
        assert_eq!(tail.poll(), 1);
        assert_eq!(tail.messages(), [Message { at: Some(1_795_161_600.0), author: "human".into(), text: "why?".into() }]);
        let mut file = OpenOptions::new().append(true).open(tail.path()).unwrap();
        file.write_all(b"no message\n{\"author\":\"agent\",\"te").unwrap();
        assert_eq!(tail.poll(), 0);
        file.write_all(b"xt\":\"the rate\"}\n").unwrap();
        assert_eq!((tail.poll(), tail.messages()[1].at, tail.messages()[1].text.as_str()), (1, None, "the rate"));
        std::fs::write(tail.path(), "{\"text\":\"anew\"}\n").unwrap();
        assert_eq!((tail.poll(), tail.messages().len()), (1, 1));
    }
}
