//! Reads what training programs leave behind and yields [`Record`]s.
//! Bytes in, records out; a half-written tail is normal, not an error.
//! Never here: drawing, tmux, or any write to a run folder we did not create.
//!
//! A decoder ([`Jsonl`], [`Stdout`], [`Wandb`]) is a value: bytes go in with [`Decoder::push`], records come out
//! of [`Decoder::next`]. [`Tail`] feeds one from a growing file, [`Watch`] says when a look is worth it, and
//! [`open`] finds the sources of a run by its path.

mod again;
mod columns;
mod csv;
mod decimal;
mod detect;
mod epochs;
mod flat;
pub mod io;
mod json;
mod jsonl;
mod keys;
mod lines;
mod metrics;
mod mlflow;
mod newest;
mod outbox;
mod probe;
mod proto;
mod rollouts;
mod rows;
mod shown;
mod sniff;
mod splits;
mod stamps;
mod stdout;
mod texts;
mod tfevents;
mod trackio;
mod tviz;
mod wandb;
mod wide;
mod wrapped;

pub use columns::RowOptions;
pub use csv::{Csv, CsvOptions};
pub use detect::Kind;
pub use io::{
    Budget, OpenError, Opened, Passed, Progress, RolloutStore, RunRef, RunSelector, Sink, Source, SourceError, Tail, TrackioRun,
    TrackioRunInfo, TvizRun, TvizRunInfo, Watch, WatchError, Writes, event_files, is_og_folder, is_wandb_folder, open, open_from, open_ref,
    open_rollouts, open_with, runs, runs_under, search, search_to, trackio_projects, trackio_runs, tviz_runs,
};
pub use io::{Reach, SETTLED_AFTER, SILENT_MAX, probe};
pub use json::lenient;
pub use jsonl::Jsonl;
pub use probe::{LastPoint, Probe};
pub use rollouts::{Body, RolloutGroup, Token, TrajectoryHead, Word};
pub use rows::Rows;
pub use stdout::Stdout;
pub use tfevents::TfEvents;
pub use trackio::{trackio_folders, trackio_line};
pub use tviz::{Rollout, Trajectory, tviz_databases};
pub use wandb::Wandb;

use crate::model::{Exit, MetricKey, Step, WallTime};

/// Number that a decoder gave to a metric key. Valid within that decoder only; see [`Record::Key`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct KeyId(pub u32);

/// One fact read from a source.
#[derive(Clone, PartialEq, Debug)]
pub enum Record {
    /// From now on `KeyId` stands for this name. Comes before the first row that uses it.
    Key(KeyId, MetricKey),
    /// A history row.
    Row(Row),
    /// What this source has given so far at and after this step is superseded, of every key: its program starts there again.
    Superseded(Step),
    /// One config entry, which replaces an earlier one of this name; a dict stays a dict.
    Config(String, serde_json::Value),
    /// The config entry of this name is none any more.
    ConfigRemoved(String),
    /// The last value of a key by the tracker's own account.
    Summary(String, serde_json::Value),
    /// By the tracker's own account this key has no last value any more, whatever its rows end with.
    SummaryRemoved(String),
    /// Something the source says about the run itself (name, project, tags, ...), by its field name.
    Info(&'static str, serde_json::Value),
    /// The number of steps that the run means to take.
    TotalSteps(i64),
    /// A line of console output.
    Console(ConsoleLine),
    /// Samples of the host, by name.
    System(Option<WallTime>, Vec<(String, f64)>),
    /// Something a program asked people to look at.
    Alert(Alert),
    /// A picture, a table, a histogram, a text: what it is, not what is in it. Boxed, since it is the largest and the
    /// others are many.
    Media(Box<Media>),
    /// How the run ended.
    Exit(Exit),
}

/// A line of console output.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ConsoleLine {
    /// As it looked at last, without its newline.
    pub text: String,
    /// Where it starts, in bytes from the start of the source; `None`: the source does not say.
    pub offset: Option<u64>,
    /// When it was printed, where the source says.
    pub time: Option<WallTime>,
}

impl ConsoleLine {
    /// The same, borrowed.
    pub fn borrowed(&self) -> LineRef<'_> {
        LineRef { text: &self.text, offset: self.offset, time: self.time }
    }
}

/// A [`ConsoleLine`] in the hands of its reader.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct LineRef<'a> {
    /// As it looked at last, without its newline.
    pub text: &'a str,
    /// Where it starts, in bytes from the start of the source.
    pub offset: Option<u64>,
    /// When it was printed, where the source says.
    pub time: Option<WallTime>,
}

impl From<LineRef<'_>> for ConsoleLine {
    fn from(line: LineRef<'_>) -> ConsoleLine {
        ConsoleLine { text: line.text.to_owned(), offset: line.offset, time: line.time }
    }
}

impl From<String> for ConsoleLine {
    fn from(text: String) -> ConsoleLine {
        ConsoleLine { text, ..ConsoleLine::default() }
    }
}

impl From<&str> for ConsoleLine {
    fn from(text: &str) -> ConsoleLine {
        ConsoleLine::from(text.to_owned())
    }
}

/// Something a training program asked people to look at.
#[derive(Clone, PartialEq, Debug)]
pub struct Alert {
    /// Its title.
    pub title: String,
    /// More words.
    pub text: String,
    /// `info`, `warn` or `error`.
    pub level: &'static str,
    /// Step it was raised at, if the source says.
    pub step: Option<Step>,
    /// When it was raised.
    pub time: Option<WallTime>,
}

/// A reference to something logged that is no number.
#[derive(Clone, PartialEq, Debug)]
pub struct Media {
    /// Key it was logged under.
    pub key: String,
    /// Step it was logged at, if the source says.
    pub step: Option<Step>,
    /// When it was logged.
    pub time: Option<WallTime>,
    /// `image`, `histogram`, `table`, `text`, `audio`, `trace`, `rollout`, ...
    pub kind: String,
    /// Where it lies or what describes it: a path, a caption, a size.
    pub about: serde_json::Value,
}

/// Values logged together.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Row {
    /// `None`: the source has no step; the consumer counts rows.
    pub step: Option<Step>,
    /// `None`: the source has no clock.
    pub time: Option<WallTime>,
    /// Where the row starts, in bytes from the start of the source; `None`: the source is not a byte stream.
    pub offset: Option<u64>,
    /// Which start of the run this is, 0-based; a resumed run counts up.
    pub attempt: u32,
    /// Rank of the process that logged it.
    pub rank: u32,
    /// The values, each key at most once.
    pub values: Vec<(KeyId, f64)>,
}

impl Row {
    /// Whether a row at `step`, behind the step of its source, takes that back: one of its keys was logged further on, `last_of` says
    /// where. Others count something coarser: `epoch 3: val_loss 2` among rows of steps.
    pub(crate) fn goes_back(&self, step: Step, last_of: impl Fn(KeyId) -> Option<Step>) -> bool {
        self.values.iter().any(|(id, _)| last_of(*id).is_some_and(|last| last > step))
    }
}

/// A stretch of input that could not be read. It is counted and shown; reading goes on behind it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Loss {
    /// Where it starts, in bytes from the start of the source.
    pub offset: u64,
    /// How many bytes were skipped.
    pub bytes: u64,
    /// What was wrong, in a few words.
    pub reason: String,
}

/// Turns the bytes of one source into records. Any split of the input yields the same records.
pub trait Decoder: Send {
    /// Takes bytes as they come: half a record is fine.
    fn push(&mut self, bytes: &[u8]);
    /// `Ok(None)`: give me more bytes. `Err`: a damaged stretch, already skipped; call again.
    fn next(&mut self) -> Result<Option<Record>, Loss>;
    /// No more bytes are at hand now: sets free what the open end already says (the newest redraw of a
    /// progress bar), to be had from [`Decoder::next`]; call it
    /// when that gave `Ok(None)`. Its row comes again, with the same step, when more is
    /// known: the last one counts.
    fn glimpse(&mut self) {}
    /// No more bytes are expected (the run ended, the file is old): what stands at the end without its
    /// newline counts as whole, if it reads as whole. Call it when [`Decoder::next`] gave `Ok(None)`, and that again for what it sets free.
    fn finish(&mut self) {}
    /// Forgets everything: the next byte is the first of a new source, and keys are numbered anew.
    fn reset(&mut self);
    /// Says that the next bytes come from further on: at the start of a line in a source of lines, at a block in a
    /// `.wandb` log, anywhere in an event file. What was learned stays (columns, tags, the numbers of keys), what was open
    /// goes, and what hangs on bytes that were passed over is left out: a row without a step, after this, is one whose
    /// step cannot be told. False: this source must be read whole.
    fn jump(&mut self) -> bool {
        false
    }
    /// Whether more of the bytes that were passed over may tell where the last rows stand.
    fn is_open(&self) -> bool {
        false
    }
    /// Whether what was handed out is wrong, since what came later says that the source is something else. Where its bytes can come
    /// again from the start, they are to, behind a [`Decoder::reset`]; until then there may come no more. Each reading adds to what is
    /// known of the source and takes nothing back, so that readings end; and what it adds does not hang on how the bytes were split.
    fn is_mistaken(&self) -> bool {
        false
    }
    /// What the source is, where that was told by its bytes alone.
    fn kind(&self) -> Option<Kind> {
        None
    }
    /// Hands all that [`Decoder::next`] would give to `taker`.
    fn drain(&mut self, taker: &mut dyn Taker) {
        loop {
            match self.next() {
                Ok(Some(record)) => taker.take(Ok(record)),
                Ok(None) => break,
                Err(loss) => taker.take(Err(loss)),
            }
        }
    }
}

/// Takes records. The two kinds that come by the million may come borrowed, so that nobody makes what is thrown away at once.
pub trait Taker {
    /// Takes a record, also a row or a line, or what was lost.
    fn take(&mut self, record: Result<Record, Loss>);
    /// Takes a row.
    fn row(&mut self, row: &Row) {
        self.take(Ok(Record::Row(row.clone())));
    }
    /// Takes a line of the console, without its newline.
    fn line(&mut self, line: LineRef<'_>) {
        self.take(Ok(Record::Console(line.into())));
    }
}

/// A closure that wants its records whole.
pub(crate) struct Whole<'a, 'b>(pub(crate) &'a mut Sink<'b>);

impl Taker for Whole<'_, '_> {
    fn take(&mut self, record: Result<Record, Loss>) {
        (self.0)(record);
    }
}

/// The folder of recordings that may lie beside the checkout (`OG_SHARED`, else `../shared`).
#[cfg(test)]
pub(crate) fn recordings_for_tests() -> std::path::PathBuf {
    let beside = || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    std::env::var_os("OG_SHARED").map_or_else(beside, Into::into).join("data")
}

/// A row and its values by name.
#[cfg(test)]
pub(crate) type NamedRow = (Row, Vec<(String, f64)>);

/// Runs `bytes` through `decoder` in pieces of `chunk`: the rows with their keys by name, and the losses.
#[cfg(test)]
pub(crate) fn decode_for_tests(decoder: &mut dyn Decoder, bytes: &[u8], chunk: usize) -> (Vec<NamedRow>, Vec<Loss>) {
    let (mut names, mut rows, mut losses) = (std::collections::HashMap::new(), vec![], vec![]);
    for part in bytes.chunks(chunk.clamp(1, bytes.len().max(1))) {
        decoder.push(part);
        loop {
            match decoder.next() {
                Ok(Some(Record::Key(id, key))) => drop(names.insert(id, key.to_string())),
                Ok(Some(Record::Row(row))) => {
                    let values = row.values.iter().map(|(id, value)| (names[id].clone(), *value)).collect();
                    rows.push((row, values));
                }
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(loss) => losses.push(loss),
            }
        }
    }
    (rows, losses)
}
