//! The arguments of every verb, and their help. Only the verb that was typed is built (`defer`): a third of a millisecond
//! of each `og`. What a `///` says above the fields of a deferred verb would replace the verb's own line in its help, so there it is `//`.

mod agent;
mod canvas;
mod read;
mod run;

use crate::canvas::io::{CanvasError, folder};
pub use agent::{SendOptions, SendkeysArgs, SetArgs, SkillVerb, TypeArgs, ViewstateArgs, WaitArgs};
pub use canvas::{CanvasVerb, CloseArgs, ListArgs, NamedCanvas, SpawnArgs, SpawnOptions};
use clap::{Args, Parser, Subcommand};
pub use read::{CompareArgs, DoctorArgs, ExportArgs, InspectArgs, RunsArgs, TailArgs, ViewArgs};
pub use run::RunArgs;
use std::path::{Path, PathBuf};

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
    #[command(after_help = run::RUN_EXAMPLES)]
    Run(Box<RunArgs>),
    /// Draw the graphs of a run in this terminal, without tmux
    #[command(after_help = read::VIEW_EXAMPLES)]
    View(Box<ViewArgs>),
    /// Open, list, attach, close and restart canvases
    #[command(subcommand, after_help = canvas::CANVAS_EXAMPLES)]
    Canvas(CanvasVerb),
    /// Print what a canvas shows
    #[command(after_help = agent::VIEWSTATE_EXAMPLES)]
    Viewstate(ViewstateArgs),
    /// Press keys in a pane
    #[command(after_help = agent::SENDKEYS_EXAMPLES)]
    Sendkeys(SendkeysArgs),
    /// Type text into a pane
    #[command(after_help = agent::TYPE_EXAMPLES)]
    Type(TypeArgs),
    /// Paste text into a pane
    #[command(after_help = agent::PASTE_EXAMPLES)]
    Paste(TypeArgs),
    /// Wait until something holds
    #[command(after_help = agent::WAIT_EXAMPLES)]
    Wait(WaitArgs),
    /// Show something in the graph pane: a tab, a filter, an axis
    #[command(after_help = agent::SET_EXAMPLES)]
    Set(SetArgs),
    /// List the panes of a canvas
    #[command(after_help = agent::PANES_EXAMPLES)]
    Panes(OneCanvas),
    /// Open og's panes that were closed, take every screen from tmux again and redraw
    #[command(after_help = agent::REFRESH_EXAMPLES)]
    Refresh(OneCanvas),
    /// List the runs of the store or of any path: state, step, loss
    #[command(after_help = read::RUNS_EXAMPLES)]
    Runs(RunsArgs),
    /// Print all that is known of a run: any tracker's, any log, no canvas needed
    #[command(after_help = read::INSPECT_EXAMPLES)]
    Inspect(Box<InspectArgs>),
    /// Print the last lines that a run printed, whatever keeps them
    #[command(after_help = read::TAIL_EXAMPLES)]
    Tail(TailArgs),
    /// Look whether this machine has what og needs; with a run, where what is known of it comes from
    #[command(after_help = read::DOCTOR_EXAMPLES)]
    Doctor(DoctorArgs),
    /// Write the series of a run as CSV or JSON
    #[command(after_help = read::EXPORT_EXAMPLES)]
    Export(Box<ExportArgs>),
    /// Print the keys of the graphs, as they are bound here
    #[command(after_help = agent::KEYS_EXAMPLES)]
    Keys(Output),
    /// Put runs beside each other: what changed, and did it help
    #[command(after_help = read::COMPARE_EXAMPLES)]
    Compare(CompareArgs),
    /// The skill that teaches an agent to use og
    #[command(subcommand, after_help = agent::SKILL_EXAMPLES)]
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
        /// Canvas id.
        id: String,
    },
    /// The graph pane
    #[command(name = "__graph", hide = true)]
    Graph {
        /// Canvas folder.
        dir: PathBuf,
        /// Canvas id, for those who look at the command line.
        id: Option<String>,
    },
    /// The status pane
    #[command(name = "__status", hide = true)]
    Status {
        /// Canvas folder.
        dir: PathBuf,
        /// Canvas id, for those who look at the command line.
        id: Option<String>,
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

// How a run is read, where the usual rules do not fit.
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

/// A name that the folder of a canvas can have.
fn canvas_name(text: &str) -> Result<String, String> {
    let words = |error: CanvasError| [Some(error.to_string()), error.hint()].into_iter().flatten().collect::<Vec<_>>().join("; ");
    folder(Path::new(""), text).map(|_| text.to_string()).map_err(words)
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_string(), value.to_string())),
        _ => Err("KEY=VALUE is expected".into()),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_hold_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_help_of_a_verb_begins_with_its_line_in_the_list_of_verbs() {
        let verbs = Cli::command();
        let visible = verbs.get_subcommands().filter(|verb| !verb.is_hide_set());
        let lines: Vec<(String, String)> =
            visible.map(|verb| (verb.get_name().to_owned(), verb.get_about().unwrap().to_string())).collect();
        assert!(lines.len() > 15, "{lines:?}");
        for (verb, line) in lines {
            let help = Cli::try_parse_from(["og", &verb, "--help"]).unwrap_err().to_string();
            let first: Vec<&str> = help.split("\n\n").next().unwrap().lines().collect();
            assert_eq!(first.join(" "), line, "{verb}");
        }
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
