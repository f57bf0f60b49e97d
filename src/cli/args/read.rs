//! Arguments of the verbs that read runs: `view`, `runs`, `inspect`, `tail`, `doctor`, `export`, `compare`.

use super::{Output, ReadArgs, StoreArgs, key_value};
use clap::Args;
use std::{ffi::OsString, path::PathBuf};

// `og view`.
#[derive(Args, Debug)]
pub struct ViewArgs {
    /// A file, a folder, a database or a project of any tracker, `-` for standard input; or a run of the store by id, short id
    /// or name [default: its latest]
    #[arg(value_name = "PATH|RUN")]
    pub run: Option<OsString>,
    /// Which run of a path that holds several: its name or id [default: the newest]
    #[arg(long = "run", value_name = "NAME")]
    pub run_name: Option<String>,
    /// Metrics to draw: `loss,reward` or `'{reward, loss}'` [default: all]
    #[arg(long, value_name = "KEYS")]
    pub graphs: Option<String>,
    /// Show at once: NAME=VALUE as `og set` takes it; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = key_value)]
    pub set: Vec<(String, String)>,
    /// Draw into a file instead: .png, .svg, .ans (ANSI colours), .txt; `-` prints text
    #[arg(long, value_name = "FILE")]
    pub shot: Option<PathBuf>,
    /// Columns and rows of that file
    #[arg(long, value_name = "COLSxROWS", value_parser = size, default_value = "120x40")]
    pub size: (u16, u16),
    /// Colours: dark, light, high-contrast, colour-blind
    #[arg(long, value_name = "THEME")]
    pub theme: Option<crate::ui::Scheme>,
    /// No colours, as with NO_COLOR
    #[arg(long)]
    pub no_color: bool,
    /// Only ASCII, as with OG_ASCII
    #[arg(long)]
    pub ascii: bool,
    /// What stands around the graphs: full, minimal
    #[arg(long, value_name = "HOW")]
    pub ui: Option<crate::ui::Frame>,
    #[command(flatten)]
    pub read: ReadArgs,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub output: Output,
}

// `og export`.
#[derive(Args, Debug)]
pub struct ExportArgs {
    /// A file, a folder, a database or a project of any tracker, `-` for standard input; or a run of the store by id, short id
    /// or name
    #[arg(value_name = "PATH|RUN")]
    pub run: OsString,
    /// One run of several that are in PATH, by id or name
    #[arg(long = "run", value_name = "NAME")]
    pub run_name: Option<String>,
    /// Metric keys: `loss,lr`; `*` stands for anything [default: all]
    #[arg(long, value_name = "KEYS")]
    pub keys: Option<String>,
    /// csv: one row a step; json: an array of points for each key
    #[arg(long, value_name = "FORMAT", default_value = "csv", value_parser = ["csv", "json"])]
    pub format: String,
    #[command(flatten)]
    pub read: ReadArgs,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub output: Output,
}

// `og runs`.
#[derive(Args, Debug)]
pub struct RunsArgs {
    /// A folder or database of any tracker, a folder of logs, a file, or a filter of the runs that are known here [default: the store]
    #[arg(value_name = "PATH|FILTER")]
    pub path: Option<PathBuf>,
    /// At most so many, the newest
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub output: Output,
}

// `og compare`.
#[derive(Args, Debug)]
pub struct CompareArgs {
    /// Runs: paths, ids, short ids, names, or a filter that several fit; the others are compared with the first
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<String>,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub output: Output,
}

// `og inspect`.
#[derive(Args, Debug)]
pub struct InspectArgs {
    /// A file, a folder or a database of any tracker, `-` for standard input; or a run of the store by id, short id or name
    #[arg(value_name = "PATH|RUN")]
    pub run: OsString,
    /// One run of several that are in PATH, by id or name
    #[arg(long = "run", value_name = "NAME")]
    pub run_name: Option<String>,
    /// Print step, time and value of every point of this metric key: tab-separated, or with --json an array
    #[arg(long, value_name = "KEY")]
    pub series: Option<String>,
    /// Add what loading cost: wall_s, cpu_s, first_value_s, points, bytes, peak_rss_bytes
    #[arg(long)]
    pub stats: bool,
    /// Print one line of JSON for every change until the run ends
    #[arg(long)]
    pub follow: bool,
    #[command(flatten)]
    pub read: ReadArgs,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub output: Output,
}

// `og tail`.
#[derive(Args, Debug)]
pub struct TailArgs {
    /// A run of the store by id, short id or name; or a log, a folder or a database of any tracker
    #[arg(value_name = "PATH|RUN")]
    pub run: OsString,
    /// One run of several that are in PATH, by id or name [default: the newest]
    #[arg(long = "run", value_name = "NAME")]
    pub run_name: Option<String>,
    /// Print the last N lines
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    pub lines: usize,
    /// Go on with lines that come, until the run ends
    #[arg(short, long)]
    pub follow: bool,
    /// Only lines that match
    #[arg(long, value_name = "RE")]
    pub grep: Option<String>,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub output: Output,
}

// `og doctor`.
#[derive(Args, Debug)]
pub struct DoctorArgs {
    /// A run: a path, or an id, short id or name in the store
    #[arg(value_name = "RUN")]
    pub run: Option<OsString>,
    /// One run of several that are in the path, by id or name
    #[arg(long = "run", value_name = "NAME", requires = "run")]
    pub run_name: Option<String>,
    #[command(flatten)]
    pub read: ReadArgs,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub output: Output,
}

/// `200x50`.
fn size(text: &str) -> Result<(u16, u16), String> {
    /// More than any screen has; a picture of that size is some megabytes.
    const CELLS_MAX: u16 = 1000;
    let parsed = text.split_once('x').and_then(|(cols, rows)| Some((cols.parse().ok()?, rows.parse().ok()?)));
    parsed
        .filter(|(cols, rows)| (1..=CELLS_MAX).contains(cols) && (1..=CELLS_MAX).contains(rows))
        .ok_or_else(|| format!("columns and rows such as 120x40 are expected, each at most {CELLS_MAX}"))
}

pub(super) const VIEW_EXAMPLES: &str = "\
Examples:
  og view                                  the latest run of the store
  og view baseline --graphs loss,lr
  og view wandb                            the newest run of wandb in this folder
  og view lightning_logs --run version_3
  og view my-project                       the newest run of a Trackio project; also my-project#NAME
  og view train.log --set tab=logs --ui minimal
  ssh gpu tail -n +1 -f train.log | og view -
  og view baseline --shot graphs.png --size 200x50

It needs no tmux and no controller; `og canvas spawn review --run RUN` opens a canvas that an agent sees too.
`h` shows the keys, `og keys` prints them.";

pub(super) const EXPORT_EXAMPLES: &str = "\
Examples:
  og export baseline > baseline.csv
  og export wandb/latest-run --keys 'train/*,lr' --format json

A CSV has a row for each step: step,time,KEY,...; times are Unix seconds, what has no value at a step is empty.";

pub(super) const INSPECT_EXAMPLES: &str = "\
Examples:
  og inspect wandb/latest-run --json | jq .config
  og inspect baseline --series train/loss            step, time and value of every point
  og inspect runs/tb/exp3 --stats --json             with what it cost to load
  og inspect ~/.cache/huggingface/trackio/demo.db --run lr1e-3
  og inspect train.log --follow                      one line of JSON for every change

--json prints strict JSON with sorted keys; NaN and infinities are the strings \"NaN\", \"Infinity\" and
\"-Infinity\". Of a path with several runs it prints {\"runs\": [...]}, unless --run names one.
`count`, `first`, `last`, `min` and `max` are of the points that count; points that a later one at the same
step or a resumed run replaced are counted in `superseded`.";

pub(super) const RUNS_EXAMPLES: &str = "\
Examples:
  og runs                          the runs of this store, newest first
  og runs wandb --limit 10
  og runs ~/.cache/huggingface/trackio --json
  og runs otter                    those that have it in their name
  og runs 'config.lr>=3e-4 state:finished sort:val/loss'    all that are known here and fit

The metric is a loss where there is one. Only the ends of files are read; what cannot be told from
there is left out. A filter that asks for more, such as config or best values, has
those runs read whole that it cannot judge otherwise.";

pub(super) const TAIL_EXAMPLES: &str = "\
Examples:
  og tail baseline                       the last ten lines of a run of the store
  og tail baseline -n 50 --grep 'WARN|Error'
  og tail wandb/latest-run -f            lines as they come, also those that wandb keeps
  og tail train.log -n 3

Lines come as they looked in the end: without colours, and of a bar that redraws itself the last state.
--json prints {\"line\": \"...\"} for each.";

pub(super) const DOCTOR_EXAMPLES: &str = "\
Examples:
  og doctor                    versions, tmux, terminal, store, sockets, limits
  og doctor baseline           the run's sources, keys logged twice and where they differ, what could not be read
  og doctor wandb/latest-run --json

Exit code: 1 when something cannot work (`bad`); what only works worse is a `warn`.";

pub(super) const COMPARE_EXAMPLES: &str = "\
Examples:
  og compare baseline 3f2a
  og compare baseline 'tags:sweep since:2d sort:best:val/loss' --json

Filters: words side by side must all hold, OR between alternatives, ! and ( ) as usual.
  otter  \"two words\"  cal*  /^run-\\d+$/         in the name, id, project, group or tags
  config.lr>=3e-4  train/loss<2  best:val/loss<1.9  step>1000  duration>2h  config.optimizer~^adam
  state:running,failed  project:lm*  tags:night  tag:dataset=c4  has:notes  since:2d  before:2026-11-19
  sort:-best:acc                                sorted by, `-` downwards

better, worse and same are judged by the good end of each metric: its best value where it is known, else its last.";
