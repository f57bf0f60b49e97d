//! What happened to a run besides its metrics: the lines of `events.jsonl`.

use crate::model::{Exit, WallTime, num};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// One thing that happened.
#[derive(Clone, PartialEq, Debug)]
pub struct Event {
    /// When.
    pub t: WallTime,
    /// Who did it: `og`, `human`, `agent`, the training itself (`run`).
    pub author: String,
    /// What it was.
    pub kind: EventKind,
}

/// What an event says.
#[derive(Clone, PartialEq, Debug)]
pub enum EventKind {
    /// A training process started (kind `lifecycle`, what `started`).
    Started {
        /// Its process id.
        pid: u32,
    },
    /// The training process ended (kind `lifecycle`, what `exit`).
    Exit(Exit),
    /// A remark.
    Note {
        /// What is remarked.
        text: String,
        /// The step that it is about, where somebody pointed at one.
        step: Option<i64>,
    },
    /// Tags were set, or taken away where the value is `None`.
    Tag(BTreeMap<String, Option<String>>),
    /// Config entries were set during the run.
    Config(BTreeMap<String, Value>),
    /// Weights were saved.
    Checkpoint {
        /// Where.
        path: String,
        /// At which step.
        step: Option<i64>,
    },
    /// The training was seen to write a tracker's log, which belongs to the run.
    Source {
        /// The log, or its folder.
        path: String,
        /// Byte at which what the training wrote begins; what stands before it is of other runs. Zero: all of it.
        from: u64,
    },
    /// Somebody acted on the run: sent keys, changed the learning rate, stopped it.
    Intervention(String),
    /// A kind that this og does not know, or whose fields it cannot read; kept as it stands.
    Other(String, Map<String, Value>),
}

impl Event {
    /// The line for `events.jsonl`, with its newline.
    pub fn to_line(&self) -> String {
        let mut line = Map::new();
        line.insert("t".into(), num::to_json(self.t.secs()));
        line.insert("author".into(), self.author.clone().into());
        line.insert("kind".into(), self.kind.word().into());
        line.extend(self.kind.fields());
        format!("{}\n", Value::Object(line))
    }

    /// Reads a line, with or without its newline. `None`: it is not an event.
    pub fn from_line(line: &str) -> Option<Event> {
        let Value::Object(mut fields) = serde_json::from_str(line).ok()? else { return None };
        let t = WallTime::new(num::from_json(&fields.shift_remove("t")?)?)?;
        let author = fields.shift_remove("author").and_then(|a| a.as_str().map(str::to_owned)).unwrap_or_default();
        let kind = fields.shift_remove("kind")?.as_str()?.to_owned();
        let kind = EventKind::read(&kind, &fields).unwrap_or(EventKind::Other(kind, fields));
        Some(Event { t, author, kind })
    }
}

impl EventKind {
    /// The word in the field `kind`.
    pub fn word(&self) -> &str {
        match self {
            EventKind::Started { .. } | EventKind::Exit(_) => "lifecycle",
            EventKind::Note { .. } => "note",
            EventKind::Tag(_) => "tag",
            EventKind::Config(_) => "config",
            EventKind::Checkpoint { .. } => "checkpoint",
            EventKind::Source { .. } => "source",
            EventKind::Intervention(_) => "intervention",
            EventKind::Other(word, _) => word,
        }
    }

    fn fields(&self) -> Map<String, Value> {
        let fields = match self {
            EventKind::Started { pid } => json!({"what": "started", "pid": pid}),
            EventKind::Exit(exit) => json!({"what": "exit", "code": exit.code, "signal": exit.signal, "at": exit.at.map(WallTime::secs)}),
            EventKind::Note { text, step: Some(step) } => json!({"text": text, "step": step}),
            EventKind::Note { text, step: None } | EventKind::Intervention(text) => json!({"text": text}),
            EventKind::Tag(tags) => json!({"tags": tags}),
            EventKind::Config(patch) => json!({"patch": patch}),
            EventKind::Checkpoint { path, step } => json!({"path": path, "step": step}),
            EventKind::Source { path, from: 0 } => json!({"path": path}),
            EventKind::Source { path, from } => json!({"path": path, "from": from}),
            EventKind::Other(_, fields) => return fields.clone(),
        };
        match fields {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }

    fn read(word: &str, fields: &Map<String, Value>) -> Option<EventKind> {
        let text = |name: &str| Some(fields.get(name)?.as_str()?.to_owned());
        let int = |name: &str| fields.get(name)?.as_i64();
        let small = |name: &str| int(name).and_then(|n| i32::try_from(n).ok());
        let nat = |name: &str| int(name).and_then(|n| u32::try_from(n).ok());
        let object = |name: &str| fields.get(name)?.as_object();
        Some(match word {
            "lifecycle" => match fields.get("what")?.as_str()? {
                "started" => EventKind::Started { pid: nat("pid")? },
                "exit" => {
                    let at = fields.get("at").and_then(num::from_json).and_then(WallTime::new);
                    EventKind::Exit(Exit { code: small("code"), signal: small("signal"), at, verdict: None })
                }
                _ => return None,
            },
            "note" => EventKind::Note { text: text("text")?, step: int("step") },
            "intervention" => EventKind::Intervention(text("text")?),
            "tag" => EventKind::Tag(object("tags")?.iter().map(|(k, v)| (k.clone(), v.as_str().map(str::to_owned))).collect()),
            "config" => EventKind::Config(object("patch")?.iter().map(|(k, v)| (k.clone(), v.clone())).collect()),
            "checkpoint" => EventKind::Checkpoint { path: text("path")?, step: int("step") },
            "source" => EventKind::Source { path: text("path")?, from: fields.get("from").and_then(Value::as_u64).unwrap_or(0) },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(kind: EventKind, fields: &str) {
        let event = Event { t: WallTime::new(1_795_161_553.5).unwrap(), author: "og".into(), kind };
        let line = event.to_line();
        assert_eq!(line, format!("{{\"t\":1795161553.5,\"author\":\"og\",{fields}}}\n"));
        assert_eq!(Event::from_line(&line), Some(event));
    }

    #[test]
    fn every_kind_comes_back_from_its_line() {
        check(EventKind::Started { pid: 7 }, r#""kind":"lifecycle","what":"started","pid":7"#);
        let exit = Exit { signal: Some(9), at: WallTime::new(2.5), ..Exit::default() };
        check(EventKind::Exit(exit), r#""kind":"lifecycle","what":"exit","code":null,"signal":9,"at":2.5"#);
        check(EventKind::Note { text: "a\nb".into(), step: None }, r#""kind":"note","text":"a\nb""#);
        check(EventKind::Note { text: "here".into(), step: Some(400) }, r#""kind":"note","text":"here","step":400"#);
        let tags = BTreeMap::from([("a".into(), Some("b".into())), ("c".into(), None)]);
        check(EventKind::Tag(tags), r#""kind":"tag","tags":{"a":"b","c":null}"#);
        check(EventKind::Config(BTreeMap::from([("lr".into(), json!("NaN"))])), r#""kind":"config","patch":{"lr":"NaN"}"#);
        check(EventKind::Checkpoint { path: "m.pt".into(), step: Some(5) }, r#""kind":"checkpoint","path":"m.pt","step":5"#);
        check(EventKind::Source { path: "/a/run-1.wandb".into(), from: 0 }, r#""kind":"source","path":"/a/run-1.wandb""#);
        check(EventKind::Source { path: "/a/log.csv".into(), from: 70 }, r#""kind":"source","path":"/a/log.csv","from":70"#);
        check(EventKind::Intervention("lr halved".into()), r#""kind":"intervention","text":"lr halved""#);
        let other = json!({"rule": "loss is nan"}).as_object().cloned().unwrap();
        check(EventKind::Other("alert".into(), other), r#""kind":"alert","rule":"loss is nan""#);
    }

    proptest! {
        #[test]
        fn no_line_panics(line in "\\{\"t\":[0-9],\"kind\":\"(lifecycle|tag|note)\",\"[a-z]{1,4}\":[0-9\"a-z{}]{0,6}\\}|.{0,20}") {
            Event::from_line(&line);
        }
    }
}
