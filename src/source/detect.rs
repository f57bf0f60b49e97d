//! Tells what kind of source a path is, from its name, its first bytes, or the names in a folder.
//!
//! [`FORMATS`] is the table of all kinds: a new format is one row in it and one file beside this one.

use super::{Csv, Decoder, Jsonl, RowOptions, Rows, Stdout, TfEvents, Wandb, csv, json::lenient, mlflow, rows::is_document, wide};
use crate::model::ReadOptions;
use std::fmt;

/// What a path holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// A run folder of og: `run.json`, beside it `metrics.jsonl` and `stdout.log`.
    OgRun,
    /// A run folder of wandb: exactly one `run-*.wandb`.
    WandbRun,
    /// A run in a Trackio project.
    Trackio,
    /// A run in a tviz database.
    Tviz,
    /// A run of MLflow's file store: `mlruns/EXPERIMENT/RUN`.
    Mlflow,
    /// The file of one metric of such a run.
    MlflowMetric,
    /// A `.wandb` file.
    Wandb,
    /// An SQLite database that was not looked into.
    Sqlite,
    /// A TensorBoard event file, or a folder of them.
    TfEvents,
    /// JSON lines.
    Jsonl,
    /// A table with a head line, parted by commas, semicolons or tabs.
    Csv,
    /// A JSON document, such as `trainer_state.json`.
    Json,
    /// Bytes that are no text.
    Binary,
    /// Any other text: console output.
    Log,
}

/// Makes the decoder of a format, the way a person said that it is to be read.
type MakeDecoder = fn(&ReadOptions) -> Box<dyn Decoder>;

/// What is known of a format.
struct Format {
    kind: Kind,
    /// Its name, on the wire and on screens.
    name: &'static str,
    /// What people give to have it read; empty: nothing.
    example: &'static str,
    /// Whether a file is of this kind, if it is of none further up.
    is: fn(&Start) -> bool,
    /// Reads such a file, where it is a stream of bytes.
    decoder: Option<MakeDecoder>,
}

/// All formats; of a file, the first one that fits counts.
const FORMATS: &[Format] = &[
    Format { kind: Kind::OgRun, name: "og", example: "a run folder of og", is: |_| false, decoder: None },
    Format { kind: Kind::WandbRun, name: "wandb-run", example: "a run folder of wandb", is: |_| false, decoder: None },
    Format {
        kind: Kind::Wandb,
        name: "wandb",
        example: "a .wandb file",
        is: |file| file.head.starts_with(b":W&B") || (file.name.ends_with(".wandb") && file.head.len() < 4),
        decoder: Some(|_| Box::new(Wandb::new())),
    },
    Format { kind: Kind::Trackio, name: "trackio", example: "a database or project of Trackio", is: |_| false, decoder: None },
    Format { kind: Kind::Tviz, name: "tviz", example: "a database of tviz", is: |_| false, decoder: None },
    Format { kind: Kind::Mlflow, name: "mlflow", example: "a run folder of MLflow", is: |_| false, decoder: None },
    Format {
        kind: Kind::Sqlite,
        name: "sqlite",
        example: "",
        is: |file| file.head.starts_with(b"SQLite format 3\0") || (file.has(&["db", "sqlite", "sqlite3"]) && file.is_empty()),
        decoder: None,
    },
    Format {
        kind: Kind::TfEvents,
        name: "tensorboard",
        example: "a folder or file of TensorBoard events",
        is: |file| is_event_file(file.name) || file.starts_like_events(),
        decoder: Some(|_| Box::new(TfEvents::new())),
    },
    Format {
        kind: Kind::Jsonl,
        name: "jsonl",
        example: "JSON lines (.jsonl)",
        is: |file| are_json_lines(file.name) && !file.is_document() || file.has_json_lines(),
        decoder: Some(|read| Box::new(Jsonl::with(rows(read)))),
    },
    Format {
        kind: Kind::Csv,
        name: "csv",
        example: "a table (.csv, .tsv)",
        is: |file| file.has(&["csv", "tsv"]) || (may_be_table(file.name) && csv::is_table(file.head)),
        decoder: Some(|read| Box::new(Csv::new(rows(read)))),
    },
    Format {
        kind: Kind::Json,
        name: "json",
        example: "a JSON document (.json)",
        is: |file| file.has(&["json", "jsonl", "ndjson"]) || is_document(text(file.head)),
        decoder: Some(|read| Box::new(Rows::new(rows(read)))),
    },
    Format {
        kind: Kind::MlflowMetric,
        name: "mlflow-metric",
        example: "",
        is: |file| mlflow::is_metric(file.head),
        decoder: Some(|_| Box::new(mlflow::MlflowMetric::new(""))),
    },
    Format { kind: Kind::Binary, name: "binary", example: "", is: |file| file.is_binary(), decoder: None },
    Format {
        kind: Kind::Log,
        name: "log",
        example: "what a training prints (any text)",
        is: |_| true,
        decoder: Some(|read| Box::new(Stdout::with_console().rules(read.rules.clone()))),
    },
];

fn rows(read: &ReadOptions) -> RowOptions {
    RowOptions { step_key: read.step_key.clone(), time_key: None }
}

/// What bytes that og does not read most likely are.
pub(super) fn guess(head: &[u8]) -> Option<&'static str> {
    const KNOWN: &[(&[u8], &str)] = &[
        (b"PK\x03\x04", "an archive or a PyTorch checkpoint"),
        (b"\x1f\x8b", "a gzip file, to be unpacked first"),
        (b"\x28\xb5\x2f\xfd", "a zstd file, to be unpacked first"),
        (b"\xfd7zXZ", "an xz file, to be unpacked first"),
        (b"\x93NUMPY", "a NumPy array"),
        (b"\x89HDF", "an HDF5 file"),
        (b"PAR1", "a Parquet file"),
        (b"\x89PNG", "a picture"),
        (b"\x80\x02", "a pickle"),
        (b"\x80\x04", "a pickle"),
        (b"\x7fELF", "a program"),
    ];
    KNOWN.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, guess)| *guess)
}

/// All that og reads, in a sentence.
pub(super) fn formats() -> String {
    let all: Vec<&str> = Kind::examples().collect();
    let (last, others) = all.split_last().expect("og reads something");
    format!("{}, and {last}", others.join(", "))
}

/// The first bytes of a file, for people: `50 4b 03 04 "PK.."`.
pub(super) fn shown(head: &[u8]) -> String {
    let head = &head[..head.len().min(8)];
    let hex: Vec<String> = head.iter().map(|byte| format!("{byte:02x}")).collect();
    let text: String = head.iter().map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' }).collect();
    format!("{} \"{text}\"", hex.join(" "))
}

/// What may stand in front of UTF-8.
pub(super) const MARK: &[u8] = b"\xef\xbb\xbf";

/// The start of a file.
struct Start<'a> {
    name: &'a str,
    head: &'a [u8],
}

impl Start<'_> {
    fn has(&self, extensions: &[&str]) -> bool {
        has_extension(self.name, extensions)
    }

    fn is_empty(&self) -> bool {
        self.head.trim_ascii().is_empty()
    }

    /// Whether the first line is only the brace of an object that goes on over many.
    fn is_document(&self) -> bool {
        self.head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).find(|line| !line.is_empty()) == Some(b"{")
    }

    /// Zeros behind lines of text are a file that a crash of the machine left: it is still text.
    fn is_binary(&self) -> bool {
        let zero = self.head.iter().position(|byte| *byte == 0);
        let is_text = |before: &[u8]| before.contains(&b'\n') && std::str::from_utf8(before).is_ok();
        guess(self.head).is_some() || zero.is_some_and(|zero| !is_text(&self.head[..zero]))
    }

    /// Whether the first line is a JSON object and so is the next: many a log begins with the settings of its training. One line alone
    /// may be a document.
    fn has_json_lines(&self) -> bool {
        let mut lines = self.head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
        let Some(first) = lines.next().filter(|line| is_json_line(line)) else { return false };
        lines.next().map_or_else(|| !self.has(&["json"]) && !is_document(text(first)), begins_object)
    }

    /// The first record is 24 bytes long or so and says `brain.Event:2`.
    fn starts_like_events(&self) -> bool {
        self.head.len() >= 12 && self.head[12..].windows(12).take(32).any(|word| word == b"brain.Event:")
    }
}

impl Kind {
    /// What a file is. `head` is as much of its start as is at hand; an empty or short one is fine.
    pub fn of_file(name: &str, head: &[u8]) -> Kind {
        let start = Start { name, head: head.strip_prefix(MARK).unwrap_or(head) };
        if let Some(text) = wide::text(head) {
            return Kind::of_file(name, text.as_bytes());
        }
        // What its bytes say goes before its name: a table that is packed is none.
        if guess(head).is_some() && !is_event_file(name) {
            return Kind::Binary;
        }
        FORMATS.iter().find(|format| (format.is)(&start)).map_or(Kind::Log, |format| format.kind)
    }

    /// What a folder is, from the names in it. `None`: nothing that is known.
    pub fn of_folder<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<Kind> {
        let (mut ours, mut wandb, mut events) = (false, 0, false);
        for name in names {
            ours |= name == "run.json";
            wandb += usize::from(is_wandb_run(name));
            events |= is_event_file(name);
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
        self.decoder_with(&ReadOptions::default())
    }

    /// The same, where a person said how it is to be read.
    pub fn decoder_with(self, read: &ReadOptions) -> Option<Box<dyn Decoder>> {
        self.format().decoder.map(|make| make(read))
    }

    /// Its name on the wire and on screens.
    pub fn as_str(self) -> &'static str {
        self.format().name
    }

    /// What og reads, as people would say it.
    pub fn examples() -> impl Iterator<Item = &'static str> {
        FORMATS.iter().map(|format| format.example).filter(|example| !example.is_empty())
    }

    fn format(self) -> &'static Format {
        FORMATS.iter().find(|format| format.kind == self).expect("the table has all kinds")
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether a file is one of TensorBoard's by its name, `events.out.tfevents.SECONDS.HOST`: TensorBoard asks for the word alone, which
/// stands in the names of programs and notes as well.
pub(super) fn is_event_file(name: &str) -> bool {
    let is_ending = |rest: &str| rest.strip_prefix('.').is_some_and(|end| end.bytes().all(|byte| byte.is_ascii_alphabetic()));
    name.split_once("tfevents").is_some_and(|(_, rest)| !is_ending(rest))
}

/// `run-<id>.wandb`
pub(super) fn is_wandb_run(name: &str) -> bool {
    name.starts_with("run-") && name.ends_with(".wandb")
}

fn has_extension(name: &str, extensions: &[&str]) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    extensions.iter().any(|known| extension.eq_ignore_ascii_case(known))
}

/// Whether the name of a file allows a table that it does not promise.
pub(super) fn may_be_table(name: &str) -> bool {
    !has_extension(name, &["json", "log"])
}

/// Whether the name of a file says JSON lines.
pub(super) fn are_json_lines(name: &str) -> bool {
    has_extension(name, &["jsonl", "ndjson"])
}

/// Bytes as far as they are text.
pub(super) fn text(bytes: &[u8]) -> &str {
    bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid())
}

/// Whether a line is a JSON object.
pub(super) fn is_json_line(line: &[u8]) -> bool {
    let text = std::str::from_utf8(line).unwrap_or("").trim_ascii();
    text.starts_with('{') && lenient(text).is_some_and(|value| value.is_object())
}

/// Whether a line begins like a JSON object; its end may still be missing.
pub(super) fn begins_object(line: &[u8]) -> bool {
    let Some(inside) = line.strip_prefix(b"{") else { return false };
    matches!(inside.trim_ascii_start().first(), None | Some(b'"' | b'}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_about_event_files_are_none() {
        for name in ["events.out.tfevents.1700000000.host.1.0", "events.out.tfevents.1", "a.tfevents", "x.tfevents.v2", "tfevents-1"] {
            assert!(is_event_file(name), "{name}");
        }
        for name in ["tfevents.rs", "read_tfevents.py", "tfevents.md", "events.out"] {
            assert!(!is_event_file(name), "{name}");
        }
        assert_eq!(Kind::of_folder(["wandb.rs", "tfevents.rs"]), None);
    }

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
            ("state.txt", b"{\n \"epoch\": 1,\n \"log_history\": [\n  {\"step\": 1, \"loss\": 2},\n", Kind::Json),
            ("list.txt", b"[{\"step\": 1, \"loss\": 2}, {\"step\"", Kind::Json),
            ("train.log", b"{\n \"lr\": 0.1,\n \"l\": [{\"a\": 1}]\n}\n", Kind::Log),
            ("train.log", b"[{\"step\": 1, \"loss\": 2}]\nstep 1 loss 2\n", Kind::Log),
            ("monitor.txt", b"#{\"t_start\": 1.5}\n# more\nr,l,t\n0.5,10,1.5\n", Kind::Csv),
            ("log.txt", b"{\"step\": 1}", Kind::Jsonl),
            ("-", b"{\"epoch\": 1, \"log_history\": [{\"step\": 1, \"loss\": 2}]}", Kind::Json),
            ("-", b"{\"loss\": [2, 1.5], \"val_loss\": [3, 2]}\n", Kind::Json),
            ("-", b"{\"epoch\": 1, \"log_history\": [{\"step\": 1, \"loss\": 2}, {\"step\"", Kind::Json),
            ("-", b"{\n \"loss\": [2, 1.5],\n \"val_loss\": [3, 2]\n}\n", Kind::Json),
            ("-", b"{\"loss\": [2, 1.5]}\n{\"loss\": [1, 1.5]}\n", Kind::Jsonl),
            ("-", b"{\"lr\": 0.1, \"betas\": [0.9, 0.99]}\n", Kind::Jsonl),
            ("log.txt", b"{\"step\": 1}\n\n{", Kind::Jsonl),
            ("train.log", b"{\"lr\": 0.1}\nstep 1: loss 2\n", Kind::Log),
            ("train.log", b"{\"lr\": 0.1}\n{'loss': 2}\n", Kind::Log),
            ("train.jsonl", b"{\"lr\": 0.1}\nstep 1: loss 2\n", Kind::Jsonl),
            ("train.log", b"step 1: loss 2\n", Kind::Log),
            ("train.log", b"", Kind::Log),
            ("train.log", b"step 1: loss 2\n\0\0\0\0", Kind::Log),
            ("x.db", b"SQLite format 3\0", Kind::Sqlite),
            ("events.out.tfevents.17", b"", Kind::TfEvents),
            ("renamed", &event, Kind::TfEvents),
            ("model.pt", b"PK\x03\x04\0\0", Kind::Binary),
            ("metrics.csv", b"epoch,loss\n", Kind::Csv),
            ("results", b"epoch,loss\n1,0.5\n", Kind::Csv),
            ("results", b"\"epoch\",\"loss\"\n\"1\",\"0.5\"\n", Kind::Csv),
            ("-", b"step,sizes,loss\n1,\"[2, 3]\",0.5\n", Kind::Csv),
            ("-", b"\"epoch\",\"train loss\",\"acc\"\n\"1\",\"0.5\",\"a\"\n", Kind::Csv),
            ("-", b"train loss,val loss,note\n0.5,0.6,\n", Kind::Csv),
            ("-", b",step,loss\n0,10,0.5\n", Kind::Csv),
            ("-", b",loss\n0,0.5\n", Kind::Csv),
            ("-", b", and then\n0,0.5\n", Kind::Log),
            ("-", b"Wall time,Step,Value\n1700000000.5,0,2.5\n", Kind::Csv),
            ("-", b"\"train loss\",\"the note\"\n0.5,\"as before\"\n", Kind::Csv),
            ("-", b"train loss,the note\n0.5,as before\n", Kind::Log),
            ("-", b"Loading the data, please wait\nepoch 1, loss 0.5\n", Kind::Log),
            ("-", b"epoch 1, loss 0.5\n2, 0.4\n", Kind::Log),
            ("-", b"Hello there, world\n12, then more\n", Kind::Log),
            ("-", b"Started, step by step\n1,2,3\n", Kind::Log),
            ("-", b"Params (M), FLOPs (G)\n25.6, 4.1\nepoch 1, loss 0.5\n", Kind::Log),
            ("results.TSV", b"", Kind::Csv),
            ("train.txt", b"Hello, world\nand, so on\n", Kind::Log),
            ("trainer_state.json", b"{\n  \"best_metric\": null,\n", Kind::Json),
            ("trainer_state.json", b"{\"log_history\": []}", Kind::Json),
            ("log.json", b"{\"step\": 1}\n{\"step\"", Kind::Jsonl),
            ("log.jsonl", b"\n{\r\n  \"step\": 1\n", Kind::Json),
            ("log.jsonl", b"[\n{\"step\": 1},\n", Kind::Jsonl),
            ("log", b"\xef\xbb\xbf{\"step\": 1}\n", Kind::Jsonl),
            ("log.txt", b"\xef\xbb\xbfstep,loss\n1,2\n", Kind::Csv),
            ("metrics.csv", b"\xff\xfes\0t\0", Kind::Csv),
            ("metrics.csv", b"\x1f\x8b\x08\0", Kind::Binary),
        ] {
            assert_eq!(Kind::of_file(name, head), want, "{name}");
        }
    }

    #[test]
    fn every_kind_has_a_row() {
        use Kind::*;
        for kind in [OgRun, WandbRun, Trackio, Tviz, Mlflow, MlflowMetric, Wandb, Sqlite, TfEvents, Jsonl, Csv, Json, Binary, Log] {
            assert!(!kind.as_str().is_empty());
        }
        assert_eq!(Kind::examples().count(), FORMATS.len() - 3);
    }

    #[test]
    fn folders_are_told_by_their_names() {
        assert_eq!(Kind::of_folder(["run.json", "stdout.log"]), Some(Kind::OgRun));
        assert_eq!(Kind::of_folder(["files", "run-abc.wandb", "logs"]), Some(Kind::WandbRun));
        assert_eq!(Kind::of_folder(["run-a.wandb", "run-b.wandb"]), None);
        // Many a program calls its own table so.
        assert_eq!(Kind::of_folder(["metrics.jsonl", "train.log"]), None);
        assert_eq!(Kind::of_folder(["events.out.tfevents.17.host"]), Some(Kind::TfEvents));
        assert_eq!(Kind::of_folder([]), None);
    }
}
