//! Arguments of `og run`.

use super::{Output, ReadArgs, StoreArgs, canvas_name, key_value};
use crate::{cli::fail::Fail, model::near};
use clap::Args;
use std::path::PathBuf;

// `og run`.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// Name of the run [default: two words by chance]
    #[arg(long, value_parser = filled)]
    pub name: Option<String>,
    /// Project that the run belongs to
    #[arg(long)]
    pub project: Option<String>,
    /// Group of runs that the run belongs to
    #[arg(long)]
    pub group: Option<String>,
    /// Tag, `word` or `key=value`; may be repeated
    #[arg(long = "tag", value_name = "K=V", value_parser = tag)]
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
    #[arg(long, value_name = "NAME", value_parser = canvas_name)]
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
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub total_steps: Option<u64>,
    #[command(flatten)]
    pub read: ReadArgs,
    /// Keep the controller when all panes are gone, for as long as their tmux session is there
    #[arg(long)]
    pub keep: bool,
    #[command(flatten)]
    pub output: Output,
    /// A python script with its arguments, or `--` and any command
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

fn filled(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("a name is expected".into()) } else { Ok(text.to_string()) }
}

fn tag(text: &str) -> Result<String, String> {
    let is_named = text.split('=').next().is_some_and(|key| !key.trim().is_empty());
    if is_named { Ok(text.to_string()) } else { Err("a word or KEY=VALUE is expected".into()) }
}

impl RunArgs {
    /// The command. A word that looks like an option is none, unless it stood behind `--`.
    pub fn checked(&self, dashed: bool) -> Result<(), Fail> {
        let Some(option) = self.command.first().filter(|word| !dashed && word.len() > 1 && word.starts_with('-')) else { return Ok(()) };
        let option = option.split_once('=').map_or(option.as_str(), |(option, _)| option);
        let known: Vec<String> = RunArgs::augment_args(clap::Command::new("run"))
            .get_arguments()
            .filter_map(|known| Some(format!("--{}", known.get_long()?)))
            .collect();
        let near = near(option, known.iter().map(String::as_str));
        let meant = if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(", ")) };
        let fail = Fail::usage(format!("og run has no option {option}{meant}"));
        Err(fail.hint("`og run --help` has the options; a command that begins so stands behind `--`"))
    }
}

pub(super) const RUN_EXAMPLES: &str = "\
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
