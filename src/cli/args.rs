//! The arguments of every verb, and their help. Only the verb that was typed is built (`defer`): a third of a millisecond
//! of each `og`. What a `///` says above the fields of a deferred verb would replace the verb's own line in its help, so there it is `//`.

use crate::ipc::wire::TIMEOUT_MS_MAX;
use clap::{Args, Parser, Subcommand};
use std::{ffi::OsString, path::PathBuf};

/// A tmux canvas for ML training runs that you and your agent share.
#[derive(Parser, Debug)]
#[command(name = "og", version, max_term_width = 100, subcommand_required = true, arg_required_else_help = true, after_help = ROOT_EXAMPLES)]
pub struct Cli {
    /// The verb.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What og can be asked to do.
#[derive(Subcommand, Debug)]
#[command(defer = true)]
pub enum Verb {
    /// Start a training and open a canvas on it
    #[command(after_help = RUN_EXAMPLES)]
    Run(Box<RunArgs>),
    /// Draw the graphs of a run in this terminal, without tmux
    #[command(after_help = VIEW_EXAMPLES)]
    View(Box<ViewArgs>),
    /// Open, list, attach, close and restart canvases
    #[command(subcommand, after_help = CANVAS_EXAMPLES)]
    Canvas(CanvasVerb),
    /// Print what a canvas shows
    #[command(after_help = VIEWSTATE_EXAMPLES)]
    Viewstate(ViewstateArgs),
    /// Press keys in a pane
    #[command(after_help = SENDKEYS_EXAMPLES)]
    Sendkeys(SendkeysArgs),
    /// Type text into a pane
    #[command(after_help = TYPE_EXAMPLES)]
    Type(TypeArgs),
    /// Paste text into a pane
    #[command(after_help = PASTE_EXAMPLES)]
    Paste(TypeArgs),
    /// Wait until something holds
    #[command(after_help = WAIT_EXAMPLES)]
    Wait(WaitArgs),
    /// Show something in the graph pane: a tab, a filter, an axis
    #[command(after_help = SET_EXAMPLES)]
    Set(SetArgs),
    /// List the panes of a canvas
    #[command(after_help = PANES_EXAMPLES)]
    Panes(OneCanvas),
    /// Open og's panes that were closed, take every screen from tmux again and redraw
    #[command(after_help = REFRESH_EXAMPLES)]
    Refresh(OneCanvas),
    /// List the runs of the store or of any path: state, step, loss
    #[command(after_help = RUNS_EXAMPLES)]
    Runs(RunsArgs),
    /// Print all that is known of a run: any tracker's, any log, no canvas needed
    #[command(after_help = INSPECT_EXAMPLES)]
    Inspect(Box<InspectArgs>),
    /// Print the last lines that a run printed, whatever keeps them
    #[command(after_help = TAIL_EXAMPLES)]
    Tail(TailArgs),
    /// Look whether this machine has what og needs; with a run, where what is known of it comes from
    #[command(after_help = DOCTOR_EXAMPLES)]
    Doctor(DoctorArgs),
    /// Write the series of a run as CSV or JSON
    #[command(after_help = EXPORT_EXAMPLES)]
    Export(Box<ExportArgs>),
    /// Print the keys of the graphs, as they are bound here
    #[command(after_help = KEYS_EXAMPLES)]
    Keys(Output),
    /// Put runs beside each other: what changed, and did it help
    #[command(after_help = COMPARE_EXAMPLES)]
    Compare(CompareArgs),
    /// The skill that teaches an agent to use og
    #[command(subcommand, after_help = SKILL_EXAMPLES)]
    Skill(SkillVerb),
    /// Print the version
    Version(Output),
    /// The gate of a train pane
    #[command(name = "__exec", hide = true)]
    Exec {
        /// Socket of the gate.
        socket: PathBuf,
        /// Canvas folder.
        dir: PathBuf,
    },
    /// The graph pane
    #[command(name = "__graph", hide = true)]
    Graph {
        /// Canvas folder.
        dir: PathBuf,
    },
    /// The status pane
    #[command(name = "__status", hide = true)]
    Status {
        /// Canvas folder.
        dir: PathBuf,
    },
    /// Takes what is piped into a canvas
    #[command(name = "__pump", hide = true)]
    Pump {
        /// Canvas folder.
        dir: PathBuf,
        /// The pipe; else standard input.
        from: Option<PathBuf>,
    },
    /// The controller
    #[command(name = "__controller", hide = true)]
    Controller {
        /// Canvas folder.
        dir: PathBuf,
    },
}

// How an answer is printed.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Output {
    /// Answer in JSON; errors too, as {code, message, hint}
    #[arg(long)]
    pub json: bool,
}

// Where runs and canvases are kept.
#[derive(Args, Clone, Debug, Default)]
pub struct StoreArgs {
    /// Folder of runs and canvases [default: the nearest .og, else ./.og]
    #[arg(long, value_name = "PATH", env = "OG_DIR")]
    pub store: Option<PathBuf>,
}

// Which canvas is meant.
#[derive(Args, Clone, Debug, Default)]
pub struct OneCanvas {
    /// Name or id of the canvas [default: that of this tmux window, else the only one]
    #[arg(long, value_name = "NAME")]
    pub canvas: Option<String>,
    #[command(flatten)]
    pub store: StoreArgs,
    /// Only canvases on this tmux server: a name (tmux -L), or a path with a `/` (tmux -S)
    #[arg(long, value_name = "SOCKET")]
    pub tmux_socket: Option<String>,
    #[command(flatten)]
    pub output: Output,
}

// `og run`.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// Name of the run [default: two words by chance]
    #[arg(long)]
    pub name: Option<String>,
    /// Project that the run belongs to
    #[arg(long)]
    pub project: Option<String>,
    /// Group of runs that the run belongs to
    #[arg(long)]
    pub group: Option<String>,
    /// Tag, `word` or `key=value`; may be repeated
    #[arg(long = "tag", value_name = "K=V")]
    pub tags: Vec<String>,
    /// Config entry kept with the run; may be repeated. The training does not see it
    #[arg(long = "config", value_name = "K=V", value_parser = key_value)]
    pub config: Vec<(String, String)>,
    /// A note kept with the run
    #[arg(long)]
    pub note: Option<String>,
    /// What the agent shall do, when the rule for a prompt at the end does not fit
    #[arg(long)]
    pub prompt: Option<String>,
    /// Metrics to draw: `loss,reward`, `'{reward, loss}'`, `'val/loss - train/loss,ma(loss, 15)'` [default: all]
    #[arg(long, value_name = "KEYS")]
    pub graphs: Option<String>,
    /// Preset of the canvas: default, monitor, review
    #[arg(long, value_name = "PRESET", default_value = "monitor")]
    pub layout: String,
    /// Name of the canvas [default: the name of the run]
    #[arg(long, value_name = "NAME")]
    pub canvas: Option<String>,
    #[command(flatten)]
    pub store: StoreArgs,
    /// Do not attach and do not switch to anything: start it and return
    #[arg(long)]
    pub detach: bool,
    /// The same as --detach
    #[arg(long)]
    pub no_attach: bool,
    /// tmux server: a name (tmux -L), or a path with a `/` (tmux -S)
    #[arg(long, value_name = "SOCKET")]
    pub tmux_socket: Option<String>,
    /// Where the training runs, and where its script is looked for [default: here]
    #[arg(long, value_name = "DIR")]
    pub cwd: Option<PathBuf>,
    /// Variable for the training; may be repeated
    #[arg(long = "env", value_name = "K=V", value_parser = key_value)]
    pub env: Vec<(String, String)>,
    /// Steps that the run means to take, where its output does not tell
    #[arg(long, value_name = "N")]
    pub total_steps: Option<u64>,
    #[command(flatten)]
    pub read: ReadArgs,
    /// Keep the controller when all panes are gone
    #[arg(long)]
    pub keep: bool,
    #[command(flatten)]
    pub output: Output,
    /// A python script with its arguments, or `--` and any command
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

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
    /// Draw into a file instead: .svg, .ans (ANSI colours), .txt; `-` prints
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

// `og set`.
#[derive(Args, Debug)]
pub struct SetArgs {
    /// What to show: tab=logs, filter=loss, regex=true, smoothing=0.9, xAxis=wall, focused=KEY, fullScreen=true,
    /// paused=true, view=NAME, ...; a canvas may stand before it
    #[arg(required = true, value_name = "[CANVAS] NAME=VALUE")]
    pub words: Vec<String>,
    #[command(flatten)]
    pub which: OneCanvas,
}

/// `og canvas ...`.
#[derive(Subcommand, Debug)]
#[command(defer = true)]
pub enum CanvasVerb {
    /// Open a canvas of a preset
    #[command(after_help = SPAWN_EXAMPLES)]
    Spawn(SpawnArgs),
    /// List the canvases of this machine and of the store
    #[command(after_help = LIST_EXAMPLES)]
    List(ListArgs),
    /// Attach this terminal to a canvas; one that was closed is opened again
    #[command(after_help = ATTACH_EXAMPLES)]
    Attach(NamedCanvas),
    /// Close og's panes and controller; a live training stays
    #[command(after_help = CLOSE_EXAMPLES)]
    Close(CloseArgs),
    /// Replace the controller; a canvas that was closed is opened again
    #[command(after_help = RESTART_EXAMPLES)]
    Restart(NamedCanvas),
}

// `og canvas spawn`.
#[derive(Args, Debug)]
pub struct SpawnArgs {
    /// default, monitor or review
    #[arg(default_value = "review")]
    pub preset: String,
    /// The run to show: as for `og view`; PATH#NAME is one of several [default: the latest of the store]
    #[arg(long, value_name = "RUN")]
    pub run: Option<OsString>,
    #[command(flatten)]
    pub options: SpawnOptions,
}

// Options of a canvas without a training.
#[derive(Args, Debug)]
pub struct SpawnOptions {
    /// Keys that replace those of the preset, as a JSON object
    #[arg(long, value_name = "JSON")]
    pub config: Option<String>,
    /// Name of the canvas [default: the name of the run]
    #[arg(long)]
    pub name: Option<String>,
    #[command(flatten)]
    pub read: ReadArgs,
    #[command(flatten)]
    pub store: StoreArgs,
    /// tmux server: a name (tmux -L), or a path with a `/` (tmux -S)
    #[arg(long, value_name = "SOCKET")]
    pub tmux_socket: Option<String>,
    /// Do not attach
    #[arg(long, visible_alias = "no-attach")]
    pub detach: bool,
    /// Keep the controller when all panes are gone
    #[arg(long)]
    pub keep: bool,
    #[command(flatten)]
    pub output: Output,
}

// `og canvas list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// Those that have ended too
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub output: Output,
}

// A canvas named as an argument.
#[derive(Args, Debug)]
pub struct NamedCanvas {
    /// Name or id [default: that of this tmux window, else the only one]
    pub name: Option<String>,
    #[command(flatten)]
    pub which: OneCanvas,
}

// `og canvas close`.
#[derive(Args, Debug)]
pub struct CloseArgs {
    #[command(flatten)]
    pub canvas: NamedCanvas,
    /// End a live training with it: SIGTERM, and SIGKILL after 5 s
    #[arg(long)]
    pub kill_run: bool,
    /// Do not ask
    #[arg(long, short = 'y')]
    pub yes: bool,
}

// `og viewstate`.
#[derive(Args, Debug)]
pub struct ViewstateArgs {
    /// A pane (train, graph, status, %3) or a canvas, or a canvas and a pane
    #[arg(value_name = "CANVAS|PANE", num_args = 0..=2)]
    pub what: Vec<String>,
    /// A summary of at most 2 KB; this is the default
    #[arg(long, group = "form")]
    pub text: bool,
    /// The screen of the pane as it stands
    #[arg(long, group = "form")]
    pub screen: bool,
    /// Only rows that changed since this frame of the pane
    #[arg(long, value_name = "SEQ")]
    pub since: Option<u64>,
    /// Part of the screen: `x,y,WxH`, `rows A-B`, top, bottom, left, right
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// Only the last N rows of the screen
    #[arg(long, value_name = "N")]
    pub max_lines: Option<u32>,
    #[command(flatten)]
    pub which: OneCanvas,
}

// What is sent, and what is waited for.
#[derive(Args, Debug)]
pub struct SendOptions {
    /// Pane that gets it [default: graph]
    #[arg(long)]
    pub pane: Option<String>,
    /// Wait for: change, settle:MS, text:RE, gone:RE, exit, or a condition such as loss<2.5
    #[arg(long, value_name = "UNTIL")]
    pub wait: Option<String>,
    /// Refuse when the pane's frame is no longer this one
    #[arg(long, value_name = "SEQ")]
    pub expect_seq: Option<u64>,
    /// Longest wait: 500ms, 5s, 2m, 1h, at most 7d [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = timeout)]
    pub timeout: Option<u64>,
    #[command(flatten)]
    pub which: OneCanvas,
}

// `og sendkeys`.
#[derive(Args, Debug)]
pub struct SendkeysArgs {
    /// Keys by tmux's names (Tab, Up, C-c, M-x, F5, Enter, Space), single characters, or '"text"'; a canvas or a pane may
    /// stand before them
    #[arg(required = true, value_name = "[CANVAS] [PANE] KEY")]
    pub words: Vec<String>,
    #[command(flatten)]
    pub options: SendOptions,
}

// `og type` and `og paste`.
#[derive(Args, Debug)]
pub struct TypeArgs {
    /// The text, `-` for standard input; a canvas or a pane may stand before it
    #[arg(required = true, value_name = "[CANVAS] [PANE] TEXT", num_args = 1..=3)]
    pub words: Vec<String>,
    #[command(flatten)]
    pub options: SendOptions,
}

// `og wait`.
#[derive(Args, Debug)]
pub struct WaitArgs {
    /// Conditions; the first to hold ends the wait. A canvas or a pane may stand before them
    #[arg(required = true, value_name = "[CANVAS] [PANE] CONDITION")]
    pub words: Vec<String>,
    /// Pane whose screen is looked at [default: graph]
    #[arg(long)]
    pub pane: Option<String>,
    /// A pattern on that screen that ends the wait early
    #[arg(long, value_name = "RE")]
    pub stop: Option<String>,
    /// Longest wait: 500ms, 5s, 2m, 1h, at most 7d [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = timeout)]
    pub timeout: Option<u64>,
    #[command(flatten)]
    pub which: OneCanvas,
}

/// `og runs`.
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

/// How a run is read, where the usual rules do not fit.
#[derive(Args, Clone, Debug, Default)]
pub struct ReadArgs {
    /// Read lines that fit this pattern by its named groups, `step` being the step:
    /// 'step (?P<step>\d+) .* loss (?P<loss>\S+)'; may be repeated
    #[arg(long, value_name = "RE")]
    pub regex: Vec<String>,
    /// Column that holds the step, in tables and rows of JSON [default: step, global_step, iter, epoch, ...]
    #[arg(long, value_name = "NAME")]
    pub step_key: Option<String>,
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

/// `og tail`.
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

/// `og doctor`.
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

/// `og skill ...`.
#[derive(Subcommand, Debug)]
#[command(defer = true)]
pub enum SkillVerb {
    /// Print the skill
    Print,
    /// Write it to .claude/skills/og/SKILL.md in this project
    Install {
        /// Folder of skills [default: ./.claude/skills]
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
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

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_string(), value.to_string())),
        _ => Err("KEY=VALUE is expected".into()),
    }
}

/// A time that a wait may last, in milliseconds.
fn timeout(text: &str) -> Result<u64, String> {
    match milliseconds(text)? {
        longer if longer > TIMEOUT_MS_MAX => Err("a wait may last 7 days at most".into()),
        ms => Ok(ms),
    }
}

/// A time with a unit as milliseconds; a bare number is seconds.
fn milliseconds(text: &str) -> Result<u64, String> {
    let expected = || "a time such as 500ms, 5s, 2m, 1h or 1d is expected".to_string();
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let factor = match unit {
        "ms" => 1.0,
        "" | "s" => 1e3,
        "m" => 60e3,
        "h" => 3600e3,
        "d" => 24.0 * 3600e3,
        _ => return Err(expected()),
    };
    let number: f64 = number.parse().map_err(|_| expected())?;
    Ok((number * factor).round() as u64)
}

/// Rewrites `og -r train.py` to `og run train.py`.
pub fn founding_spelling(mut args: Vec<std::ffi::OsString>) -> Vec<std::ffi::OsString> {
    if args.get(1).is_some_and(|arg| arg == "-r") {
        args[1] = "run".into();
    }
    args
}

const ROOT_EXAMPLES: &str = "\
Examples:
  og run train.py --lr 3e-4             a training, its graphs and its state, side by side
  og -r train.py --lr 3e-4              the same
  og run -- ./train.sh                  any command
  og viewstate                          what the canvas shows, in a few lines
  og wait 'step>=1000' --timeout 10m    return when it is so

Exit codes: 0 done, 1 it did not work, 2 bad arguments, 3 nobody reads the output, 70 a bug of ours.";

const RUN_EXAMPLES: &str = "\
Examples:
  og run train.py --lr 3e-4
  og run --name baseline --total-steps 5000 train.py
  og run train.py \"watch the loss and tell me when it is flat\"
  og run --graphs loss,grad_norm --detach -- torchrun --nproc-per-node 8 train.py

A script's interpreter is the first of $OG_PYTHON, $VIRTUAL_ENV/bin/python, .venv/bin/python,
venv/bin/python, python3, python.
A last argument of a script that reads as a sentence is the prompt for the agent; a flag's value,
an existing path and anything after `--` never is. Say it with --prompt where that is in doubt.
Options of og stand before the script; what stands after it is the script's.
Inside tmux the window is split; outside a session og-NAME is made and attached.
The training sees OG_RUN_ID, OG_RUN_DIR, OG_METRICS, OG_SOCKET and OG_CANVAS.";

const VIEW_EXAMPLES: &str = "\
Examples:
  og view                                  the latest run of the store
  og view baseline --graphs loss,lr
  og view wandb                            the newest run of wandb in this folder
  og view lightning_logs --run version_3
  og view my-project                       the newest run of a Trackio project; also my-project#NAME
  og view train.log --set tab=logs --ui minimal
  ssh gpu tail -n +1 -f train.log | og view -
  og view baseline --shot graphs.svg --size 200x50

It needs no tmux and no controller; `og canvas spawn review --run RUN` opens a canvas that an agent sees too.
`h` shows the keys, `og keys` prints them.";

const SET_EXAMPLES: &str = "\
Examples:
  og set tab=logs filter=loss
  og set tab=graphs smoothing=0.9 xAxis=wall
  og set filter='^val/' regex=true --json

It does what keys would do, and returns when that is drawn. What can be set is what `graph` in `og viewstate --json` says.
With --json the answer is that structure.";

const KEYS_EXAMPLES: &str = "\
Examples:
  og keys
  og keys --json | jq '.[] | select(.scope == \"graphs\")'

Other keys are bound by name in $XDG_CONFIG_HOME/og/config.json: {\"keys\": {\"zoom\": [\"enter\", \"M\"]}}.";

const EXPORT_EXAMPLES: &str = "\
Examples:
  og export baseline > baseline.csv
  og export wandb/latest-run --keys 'train/*,lr' --format json

A CSV has a row for each step: step,time,KEY,...; times are Unix seconds, what has no value at a step is empty.";

const CANVAS_EXAMPLES: &str = "\
Examples:
  og canvas spawn review --run baseline
  og canvas list
  og canvas close baseline";

const SPAWN_EXAMPLES: &str = "\
Examples:
  og canvas spawn                                    the latest run of the store
  og canvas spawn review --run 3f2a --name evening
  og canvas spawn review --run lightning_logs#version_3
  ssh gpu tail -n +1 -f train.log | og canvas spawn review --run -
  og canvas spawn monitor --config '{\"runDir\":\"runs/7\",\"title\":\"night\",\"refreshInterval\":500}'";

const LIST_EXAMPLES: &str = "\
Examples:
  og canvas list
  og canvas list --all --json    those that have ended too, for programs

`closed, training goes on`: closed by `og canvas close`, and a controller waits for the end of the
training. `ended, panes remain`: nothing of it runs any more, but tmux still has its panes.
`og canvas restart NAME` opens either again.";

const ATTACH_EXAMPLES: &str = "\
Examples:
  og canvas attach             the canvas of this store, if it is the only one
  og canvas attach baseline

Leave it with tmux's own keys (prefix d); nothing ends by that.";

const CLOSE_EXAMPLES: &str = "\
Examples:
  og canvas close baseline                     og's panes end; a live training stays in its pane
  og canvas close baseline --kill-run --yes    the training too

While the training goes on a controller stays, which writes down how it ends.";

const RESTART_EXAMPLES: &str = "\
Examples:
  og canvas restart             the controller of this window's canvas, or of the only one
  og canvas restart baseline    also after `og canvas close baseline`: its panes come back";

const VIEWSTATE_EXAMPLES: &str = "\
Examples:
  og viewstate                     a summary of at most 2 KB
  og viewstate --json              everything, for programs
  og viewstate train --screen --max-lines 20
  og viewstate graph --since 991   only rows that changed since frame 991";

const PANES_EXAMPLES: &str = "\
Examples:
  og panes
  og panes --canvas baseline --json    with cursor, seq and how a program ended";

const REFRESH_EXAMPLES: &str = "\
Examples:
  og refresh                      after a pane was closed with q, or something drew over one
  og refresh --canvas baseline    also after `og canvas close baseline`: its panes come back";

const SENDKEYS_EXAMPLES: &str = "\
Examples:
  og sendkeys Tab --wait change
  og sendkeys graph / '\"loss\"' Enter --wait settle:100
  og sendkeys baseline graph C-l

An unknown key sends nothing. Panes outside the canvas's agent.may_send are refused.";

const TYPE_EXAMPLES: &str = "\
Examples:
  og type graph loss
  printf '%s' \"$text\" | og type graph -";

const PASTE_EXAMPLES: &str = "\
Examples:
  printf '%s' \"$text\" | og paste -
  og paste graph 'two words'";

const WAIT_EXAMPLES: &str = "\
Conditions:
  step>=500   loss<2.5   state=finished    of the run
  exit                                     the training ended
  text:RE     gone:RE                      a line of the pane matches, or none does any more
  change      settle:300                   the pane's screen changed, or was still for 300 ms

Examples:
  og wait 'step>=1000' exit --timeout 10m
  og wait train 'text:Traceback' --timeout 1h --stop 'epoch 3'

Exit code: 0 when a condition held, 1 at the deadline or when --stop matched.";

const INSPECT_EXAMPLES: &str = "\
Examples:
  og inspect wandb/latest-run --json | jq .config
  og inspect baseline --series train/loss            step, time and value of every point
  og inspect runs/tb/exp3 --stats --json             with what it cost to load
  og inspect ~/.cache/huggingface/trackio/demo.db --run lr1e-3
  og inspect train.log --follow                      one line of JSON for every change

--json prints strict JSON with sorted keys; NaN and infinities are the strings \"NaN\", \"Infinity\" and
\"-Infinity\". Of a path with several runs it prints {\"runs\": [...]}, unless --run names one.
`count`, `first`, `last`, `min` and `max` are of the points that count; points that a resumed run replaced are
counted in `superseded`.";

const RUNS_EXAMPLES: &str = "\
Examples:
  og runs                          the runs of this store, newest first
  og runs wandb --limit 10
  og runs ~/.cache/huggingface/trackio --json
  og runs 'config.lr>=3e-4 state:finished sort:val/loss'    all that are known here and fit

The metric is a loss where there is one. Only the ends of files are read; what cannot be told from
there is left out, and never wrong.";

const TAIL_EXAMPLES: &str = "\
Examples:
  og tail baseline                       the last ten lines of a run of the store
  og tail baseline -n 50 --grep 'WARN|Error'
  og tail wandb/latest-run -f            lines as they come, also those that wandb keeps
  og tail train.log -n 3

Lines come as they looked in the end: without colours, and of a bar that redraws itself the last state.
--json prints {\"line\": \"...\"} for each.";

const DOCTOR_EXAMPLES: &str = "\
Examples:
  og doctor                    versions, tmux, terminal, store, sockets, limits
  og doctor baseline           the run's sources, keys logged twice and where they differ, what could not be read
  og doctor wandb/latest-run --json

Exit code: 1 when something cannot work (`bad`); what only works worse is a `warn`.";

const COMPARE_EXAMPLES: &str = "\
Examples:
  og compare baseline 3f2a
  og compare baseline 'tags:sweep since:2d sort:best:val/loss' --json

Filters: words side by side must all hold, OR between alternatives, ! and ( ) as usual.
  otter  \"two words\"  cal*  /^run-\\d+$/         in the name, id, project, group or tags
  config.lr>=3e-4  train/loss<2  best:val/loss<1.9  step>1000  duration>2h  config.optimizer~^adam
  state:running,failed  project:lm*  tags:night  tag:dataset=c4  has:notes  since:2d  before:2026-11-19
  sort:-best:acc                                sorted by, `-` downwards

better, worse and same are judged by the good end of each metric: its best value where it is known, else its last.";

const SKILL_EXAMPLES: &str = "\
Examples:
  og skill print
  og skill install --dir ~/.claude/skills";

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_hold_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_follows_the_script_is_the_scripts() {
        let args = |line: &str| {
            let line = founding_spelling(line.split(' ').map(Into::into).collect());
            match Cli::try_parse_from(line).unwrap().verb {
                Verb::Run(run) => run,
                other => panic!("{other:?}"),
            }
        };
        let run = args("og run --name a train.py --name b --json -- -x");
        assert_eq!((run.name.as_deref(), run.output.json), (Some("a"), false));
        assert_eq!(run.command, ["train.py", "--name", "b", "--json", "--", "-x"]);
        assert_eq!(args("og run -- ls -la").command, ["ls", "-la"]);
        assert_eq!(args("og -r train.py --lr 1").command, ["train.py", "--lr", "1"]);
    }

    #[test]
    fn times_have_units() {
        assert_eq!(milliseconds("500ms"), Ok(500));
        assert_eq!(milliseconds("1.5s"), Ok(1500));
        assert_eq!(milliseconds("2"), Ok(2000));
        assert_eq!(milliseconds("10m"), Ok(600_000));
        assert_eq!((timeout("7d"), timeout("168h")), (Ok(TIMEOUT_MS_MAX), Ok(TIMEOUT_MS_MAX)));
        assert!(timeout("169h").is_err() && timeout("9999999999999999999999s").is_err());
        assert!(milliseconds("5 s").is_err() && milliseconds("s").is_err() && milliseconds("-1s").is_err());
    }

    #[test]
    fn options_may_stand_behind_the_keys() {
        match Cli::try_parse_from(["og", "sendkeys", "graph", "/", "-", "--wait", "change", "--timeout", "5s"]).unwrap().verb {
            Verb::Sendkeys(send) => {
                assert_eq!(send.words, ["graph", "/", "-"]);
                assert_eq!((send.options.wait.as_deref(), send.options.timeout), (Some("change"), Some(5000)));
            }
            other => panic!("{other:?}"),
        }
    }
}
