//! Tells what kind of source a path is, from its name, its first bytes, or the names in a folder.

use super::{Csv, CsvOptions, Decoder, Jsonl, RowOptions, Rows, Stdout, TfEvents, Wandb, json::lenient};

/// What a path holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// A run folder of og: `metrics.jsonl` and `stdout.log`.
    OgRun,
    /// A run folder of wandb: exactly one `run-*.wandb`.
    WandbRun,
    /// A `.wandb` file.
    Wandb,
    /// JSON lines.
    Jsonl,
    /// A JSON document, such as `trainer_state.json`.
    Json,
    /// A table with a head line, parted by commas, semicolons or tabs.
    Csv,
    /// A TensorBoard event file, or a folder of them.
    TfEvents,
    /// An SQLite database: Trackio, tviz.
    Sqlite,
    /// Any other text: console output.
    Log,
    /// Bytes that are no text.
    Binary,
}

impl Kind {
    /// The word for people and programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::OgRun => "og",
            Kind::WandbRun | Kind::Wandb => "wandb",
            Kind::Jsonl => "jsonl",
            Kind::Json => "json",
            Kind::Csv => "csv",
            Kind::TfEvents => "tfevents",
            Kind::Sqlite => "sqlite",
            Kind::Log => "log",
            Kind::Binary => "binary",
        }
    }

    /// What a file is. `head` is as much of its start as is at hand; an empty or short one is fine.
    pub fn of_file(name: &str, head: &[u8]) -> Kind {
        if head.starts_with(b":W&B") || (name.ends_with(".wandb") && head.len() < 4) {
            return Kind::Wandb;
        }
        if head.starts_with(b"SQLite format 3\0") {
            return Kind::Sqlite;
        }
        // Its first record is 24 bytes long or so and says `brain.Event:2`.
        if name.contains("tfevents") || (head.len() >= 12 && head[12..].windows(12).take(32).any(|word| word == b"brain.Event:")) {
            return Kind::TfEvents;
        }
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let is_empty = head.trim_ascii().is_empty();
        if ["jsonl", "ndjson"].contains(&extension) || (!is_empty && is_json_line(head)) {
            return Kind::Jsonl;
        }
        if ["csv", "tsv"].contains(&extension) {
            return Kind::Csv;
        }
        if extension == "json" {
            return Kind::Json;
        }
        if ["db", "sqlite", "sqlite3"].contains(&extension) && is_empty {
            return Kind::Sqlite;
        }
        if head.contains(&0) { Kind::Binary } else { Kind::Log }
    }

    /// What a folder is, from the names in it. `None`: nothing that is known.
    pub fn of_folder<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<Kind> {
        let (mut ours, mut wandb, mut events) = (false, 0, false);
        for name in names {
            ours |= name == "run.json" || name == "metrics.jsonl";
            wandb += usize::from(is_wandb_run(name));
            events |= name.contains("tfevents");
        }
        match (ours, wandb) {
            (_, 1) if !ours => Some(Kind::WandbRun),
            (true, _) => Some(Kind::OgRun),
            _ if events => Some(Kind::TfEvents),
            _ => None,
        }
    }

    /// A decoder for a file of this kind, where it is a stream of bytes that can be read here.
    pub fn decoder(self) -> Option<Box<dyn Decoder>> {
        match self {
            Kind::Wandb => Some(Box::new(Wandb::new())),
            Kind::Jsonl => Some(Box::new(Jsonl::new())),
            Kind::Log => Some(Box::new(Stdout::new())),
            Kind::Json => Some(Box::new(Rows::new(RowOptions::default()))),
            Kind::Csv => Some(Box::new(Csv::new(CsvOptions::default()))),
            Kind::TfEvents => Some(Box::new(TfEvents::new())),
            Kind::OgRun | Kind::WandbRun | Kind::Sqlite | Kind::Binary => None,
        }
    }
}

/// `run-<id>.wandb`
pub(super) fn is_wandb_run(name: &str) -> bool {
    name.starts_with("run-") && name.ends_with(".wandb")
}

/// Whether the first line is a JSON object.
fn is_json_line(head: &[u8]) -> bool {
    let line = head.split(|b| *b == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
    let text = std::str::from_utf8(line).unwrap_or("").trim_ascii();
    text.starts_with('{') && lenient(text).is_some_and(|value| value.is_object())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_their_bytes_first() {
        let event = [&[24, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 9, 0, 0, 0, 0, 0, 0, 0, 0, 26, 13][..], b"brain.Event:2"].concat();
        for (name, head, want) in [
            ("run-a.wandb", &b":W&B\xe1\xbe\0"[..], Kind::Wandb),
            ("renamed", b":W&B\xe1\xbe\0", Kind::Wandb),
            ("run-a.wandb", b"", Kind::Wandb),
            ("metrics.jsonl", b"", Kind::Jsonl),
            ("log.txt", b"{\"step\": 1, \"loss\": NaN}\n{\"st", Kind::Jsonl),
            ("log.txt", b"{'loss': 2.1}\n", Kind::Log),
            ("train.log", b"step 1: loss 2\n", Kind::Log),
            ("train.log", b"", Kind::Log),
            ("x.db", b"SQLite format 3\0", Kind::Sqlite),
            ("events.out.tfevents.17", b"", Kind::TfEvents),
            ("renamed", &event, Kind::TfEvents),
            ("model.pt", b"PK\x03\x04\0\0", Kind::Binary),
            ("metrics.csv", b"epoch,loss\n", Kind::Csv),
            ("trainer_state.json", b"{\n  \"best_metric\": null,\n", Kind::Json),
        ] {
            assert_eq!(Kind::of_file(name, head), want, "{name}");
        }
    }

    #[test]
    fn folders_are_told_by_their_names() {
        assert_eq!(Kind::of_folder(["run.json", "stdout.log"]), Some(Kind::OgRun));
        assert_eq!(Kind::of_folder(["files", "run-abc.wandb", "logs"]), Some(Kind::WandbRun));
        assert_eq!(Kind::of_folder(["run-a.wandb", "run-b.wandb"]), None);
        assert_eq!(Kind::of_folder(["events.out.tfevents.17.host"]), Some(Kind::TfEvents));
        assert_eq!(Kind::of_folder([]), None);
    }
}
