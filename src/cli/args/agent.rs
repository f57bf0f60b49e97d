//! Arguments of the verbs by which an agent looks and acts.

use super::OneCanvas;
use crate::ipc::wire::TIMEOUT_MS_MAX;
use clap::{Args, Subcommand};
use std::path::PathBuf;

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
    /// Only the last N rows of the screen; with --since of those that changed
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
    /// Pane whose screen is looked at [default: graph; where only the run or `exit` is waited for, the training's]
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

pub(super) const SET_EXAMPLES: &str = "\
Examples:
  og set tab=logs filter=loss
  og set tab=graphs smoothing=0.9 xAxis=wall
  og set filter='^val/' regex=true --json
  og set tab=runs selected=calm-otter,bold-lynx baseline=calm-otter sort=-step
  og set tab=graphs page=2 grid=2x3 yRanges='{\"train/loss\": [0, 5]}'

It does what keys would do, and returns when that is drawn. What can be set is the state that `graph` in `og viewstate --json` says, by the same
names: sort and groupBy of the runs, page, grid, window and yRanges of the charts, top of a list. `selected` takes names of runs.
With --json the answer is that structure.";

pub(super) const KEYS_EXAMPLES: &str = "\
Examples:
  og keys
  og keys --json | jq '.[] | select(.scope == \"graphs\")'

Other keys are bound by name in $XDG_CONFIG_HOME/og/config.json: {\"keys\": {\"zoom\": [\"enter\", \"M\"]}}.";

pub(super) const VIEWSTATE_EXAMPLES: &str = "\
Examples:
  og viewstate                     a summary of at most 2 KB
  og viewstate --json              everything, for programs
  og viewstate train --screen --max-lines 20
  og viewstate graph --since 991   only rows that changed since frame 991";

pub(super) const PANES_EXAMPLES: &str = "\
Examples:
  og panes
  og panes --canvas baseline --json    with cursor, seq and how a program ended";

pub(super) const REFRESH_EXAMPLES: &str = "\
Examples:
  og refresh                      after a pane was closed with q, or something drew over one
  og refresh --canvas baseline    also after `og canvas close baseline`: its panes come back";

pub(super) const SENDKEYS_EXAMPLES: &str = "\
Examples:
  og sendkeys Tab --wait change
  og sendkeys graph / '\"loss\"' Enter --wait settle:100
  og sendkeys baseline graph C-l

An unknown key sends nothing. Panes outside the canvas's agent.may_send are refused.";

pub(super) const TYPE_EXAMPLES: &str = "\
Examples:
  og type graph loss
  printf '%s' \"$text\" | og type graph -";

pub(super) const PASTE_EXAMPLES: &str = "\
Examples:
  printf '%s' \"$text\" | og paste -
  og paste graph 'two words'";

pub(super) const WAIT_EXAMPLES: &str = "\
Conditions:
  step>=500   loss<2.5   state=finished    of the run
  exit                                     the training ended
  text:RE     gone:RE                      a line of the pane matches, or none does any more
  change      settle:300                   the pane's screen changed, or was still for 300 ms

Examples:
  og wait 'step>=1000' exit --timeout 10m
  og wait train 'text:Traceback' --timeout 1h --stop 'epoch 3'

Exit code: 0 when a condition held, 1 at the deadline or when --stop matched.";

pub(super) const SKILL_EXAMPLES: &str = "\
Examples:
  og skill print
  og skill install --dir ~/.claude/skills";

#[cfg(test)]
mod tests {
    use super::*;

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
}
