//! What people and agents remark on a run: its notes and its tags.
//!
//! They stand in `run.json` of a run of og's. A run of another tracker is never written to: what is remarked on it lies in og's own store,
//! beside it, and stands over what its tracker says.

use super::{Event, EventKind, RunInfo};
use crate::model::WallTime;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Something that is remarked on a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Remark {
    /// Its notes are these.
    Notes {
        /// All of them.
        text: String,
        /// The step that whoever wrote them pointed at.
        step: Option<i64>,
    },
    /// Its tags are these; a tag without a value has the empty text.
    Tags(BTreeMap<String, String>),
}

impl Remark {
    /// Notes about the run as a whole.
    pub fn notes(text: impl Into<String>) -> Remark {
        Remark::Notes { text: text.into(), step: None }
    }

    /// Reads tags as people write them: `night dataset=c4`.
    pub fn tags(text: &str) -> Remark {
        let tag = |word: &str| match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), value.to_owned()),
            None => (word.to_owned(), String::new()),
        };
        Remark::Tags(text.split_whitespace().map(tag).filter(|(name, _)| !name.is_empty()).collect())
    }

    /// What happened, for `events.jsonl`, where the run said `before`; `None`: nothing that is worth a line.
    pub(super) fn event(&self, before: &RunInfo, author: &str, t: WallTime) -> Option<Event> {
        let kind = match self {
            Remark::Notes { text, .. } if text.is_empty() || *text == before.notes => return None,
            Remark::Notes { text, step } => EventKind::Note { text: text.clone(), step: *step },
            Remark::Tags(tags) => {
                let gone = before.tags.keys().filter(|name| !tags.contains_key(*name)).map(|name| (name.clone(), None));
                let set = tags.iter().filter(|(name, value)| before.tags.get(*name) != Some(value));
                let changed: BTreeMap<String, Option<String>> =
                    gone.chain(set.map(|(name, value)| (name.clone(), Some(value.clone())))).collect();
                if changed.is_empty() {
                    return None;
                }
                EventKind::Tag(changed)
            }
        };
        Some(Event { t, author: author.to_owned(), kind })
    }

    /// Writes it into what a run says of itself.
    pub(super) fn put(&self, info: &mut RunInfo) {
        match self {
            Remark::Notes { text, .. } => info.notes.clone_from(text),
            Remark::Tags(tags) => info.tags.clone_from(tags),
        }
    }
}

/// Tags as people write them.
pub fn tags_text(tags: &BTreeMap<String, String>) -> String {
    let tag = |(key, value): (&String, &String)| if value.is_empty() { key.clone() } else { format!("{key}={value}") };
    tags.iter().map(tag).collect::<Vec<_>>().join(" ")
}

/// Where the remarks on a run of another tracker are kept. Values only; nothing says that anything is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Beside {
    /// The folder of these files.
    pub(super) folder: PathBuf,
    /// What opens the run.
    pub(super) of: PathBuf,
}

impl Beside {
    /// The place for the run at `of`, a path with no relative parts, in the folder for all such places.
    pub(super) fn new(all: &Path, of: &Path) -> Beside {
        let text = of.to_string_lossy();
        // FNV-1a: it stays the same over all versions and machines.
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        let name = of.file_name().unwrap_or_default().to_string_lossy();
        let name: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' }).take(60).collect();
        Beside { folder: all.join(format!("{}-{hash:016x}", name.trim_start_matches('.'))), of: of.to_owned() }
    }

    /// The folder of its files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The notes and tags.
    pub fn remarks(&self) -> PathBuf {
        self.folder.join(Remarks::FILE)
    }

    /// What was remarked when, as lines of [`Event`]s.
    pub fn events(&self) -> PathBuf {
        self.folder.join("events.jsonl")
    }
}

/// What `remarks.json` says; what is missing is as the tracker says it.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Remarks {
    /// Version of the file.
    pub v: u32,
    /// What opens the run.
    #[serde(serialize_with = "super::folder::as_text")]
    pub of: PathBuf,
    /// Its notes.
    pub notes: Option<String>,
    /// Its tags.
    pub tags: Option<BTreeMap<String, String>>,
    /// Fields of other versions, kept as they stand.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Remarks {
    /// Name of the file.
    pub(super) const FILE: &str = "remarks.json";

    /// Writes them over what the tracker of a run says.
    pub fn over(&self, info: &mut RunInfo) {
        self.notes.iter().for_each(|notes| info.notes.clone_from(notes));
        self.tags.iter().for_each(|tags| info.tags.clone_from(tags));
    }

    pub(super) fn take(&mut self, remark: &Remark) {
        match remark {
            Remark::Notes { text, .. } => self.notes = Some(text.clone()),
            Remark::Tags(tags) => self.tags = Some(tags.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_as_they_are_written() {
        let Remark::Tags(tags) = Remark::tags(" night  dataset=c4 a=b=c =x night ") else { panic!("they are tags") };
        assert_eq!(tags_text(&tags), "a=b=c dataset=c4 night");
    }

    #[test]
    fn only_what_changed_is_an_event() {
        let before =
            RunInfo { notes: "a".into(), tags: [("a".into(), "1".into()), ("b".into(), String::new())].into(), ..RunInfo::default() };
        let event = |remark: Remark| remark.event(&before, "human", WallTime::new(1.0).unwrap()).map(|event| event.kind);
        assert_eq!(event(Remark::tags("a=1 c")), Some(EventKind::Tag([("b".into(), None), ("c".into(), Some(String::new()))].into())));
        assert_eq!(event(Remark::tags("b a=1")), None);
        assert_eq!((event(Remark::notes("a")), event(Remark::notes(String::new()))), (None, None));
        assert_eq!(event(Remark::notes("b")), Some(EventKind::Note { text: "b".into(), step: None }));
        let at_step = Remark::Notes { text: "c".into(), step: Some(7) };
        assert_eq!(event(at_step), Some(EventKind::Note { text: "c".into(), step: Some(7) }));
    }

    #[test]
    fn every_run_has_a_place_of_its_own() {
        let place = |of: &str| Beside::new(Path::new("/s"), Path::new(of)).remarks();
        assert_eq!(place("/a/tviz.db#x1"), Path::new("/s/tviz.db_x1-cff857c7e5515781/remarks.json"));
        assert_ne!(place("/a/tviz.db#x1"), place("/b/tviz.db#x1"));
        assert_ne!(place("/a/é.db"), place("/a/ü.db"));
    }
}
