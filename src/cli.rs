//! The command line: reads arguments, does one verb, prints an answer or one error with a hint, and says by its exit code
//! which it was (0 done, 1 it did not work, 2 bad arguments, 3 nobody reads the output, 70 a bug of ours).
//! Never here: what a metric, a screen or a key means. A verb asks the canvas's controller, or the files.

mod agent;
mod args;
mod canvas;
mod choose;
mod compare;
mod doctor;
mod export;
mod fail;
mod gate;
mod inspect;
mod keys;
mod open;
mod out;
mod place;
mod prompt;
mod python;
mod run;
mod runs;
mod shown;
mod skill;
mod summary;
mod tail;
mod target;
mod view;
mod wakes;

use self::{
    args::{Cli, Output, Verb},
    fail::{EXIT_BROKEN_PIPE, EXIT_BUG, EXIT_USAGE, Fail},
};
use clap::Parser;
use std::{
    ffi::OsString,
    panic::{self, AssertUnwindSafe},
    process::ExitCode,
};

/// The whole program, for both of its names.
pub fn main() -> ExitCode {
    let args = args::founding_spelling(std::env::args_os().collect());
    panic::set_hook(Box::new(report_panic));
    ExitCode::from(panic::catch_unwind(AssertUnwindSafe(|| read_and_run(&args))).unwrap_or(EXIT_BUG))
}

fn read_and_run(words: &[OsString]) -> u8 {
    let (done, json) = match Cli::try_parse_from(words) {
        Ok(cli) => {
            let json = match &cli.verb {
                // `--json` may be an option of the script.
                Verb::Run(args) => args.output.json,
                _ => wants_json(words),
            };
            (run(cli.verb, words), json)
        }
        Err(error) => (usage(&error, wants_json(words)), wants_json(words)),
    };
    done.unwrap_or_else(|fail| report(&fail, json))
}

fn run(verb: Verb, words: &[OsString]) -> Result<u8, Fail> {
    match verb {
        Verb::Run(args) => {
            let dashed = is_dashed(words, args.command.len());
            args.checked(dashed)?;
            run::run(*args, dashed)
        }
        Verb::View(args) => view::view(*args),
        Verb::Canvas(verb) => canvas::canvas(verb),
        Verb::Viewstate(args) => agent::viewstate(args),
        Verb::Sendkeys(args) => agent::sendkeys(args),
        Verb::Type(args) => agent::type_text(args),
        Verb::Paste(args) => agent::paste(args),
        Verb::Wait(args) => agent::wait(args),
        Verb::Set(args) => agent::set(args),
        Verb::Panes(which) => agent::panes(which),
        Verb::Refresh(which) => agent::refresh(which),
        Verb::Runs(args) => runs::runs(&args),
        Verb::Inspect(args) => inspect::inspect(*args),
        Verb::Tail(args) => tail::tail(&args),
        Verb::Doctor(args) => doctor::doctor(&args),
        Verb::Export(args) => export::export(&args),
        Verb::Keys(output) => keys::keys(output),
        Verb::Compare(args) => compare::compare(&args),
        Verb::Skill(verb) => skill::skill(verb),
        Verb::Version(output) => version(output),
        Verb::Pump { dir, from } => shown::pump(&dir, from.as_deref()),
        Verb::Exec { socket, dir, id } => Err(gate::wait_and_become(&socket, &dir, &id)),
        Verb::Graph { dir, .. } => Ok(crate::ui::graph(&dir).map(|()| 0)?),
        Verb::Status { dir, .. } => Ok(crate::ui::status(&dir).map(|()| 0)?),
        Verb::Controller { dir } => {
            crate::controller::io::run(&dir).map(|()| 0).map_err(|error| Fail::of("controller", error.as_ref(), None))
        }
    }
}

/// Whether the command of `og run`, the last `len` words, stood behind `--`.
fn is_dashed(words: &[OsString], len: usize) -> bool {
    words.len().checked_sub(len + 1).is_some_and(|before| words[before] == "--")
}

/// Whether errors are wanted as JSON, also where the arguments cannot be read. What follows `--` is not ours.
fn wants_json(words: &[OsString]) -> bool {
    words.iter().take_while(|word| *word != "--").any(|word| word == "--json")
}

fn version(output: Output) -> Result<u8, Fail> {
    let version = env!("CARGO_PKG_VERSION");
    match output.json {
        true => out::json(&serde_json::json!({"version": version, "protocol": crate::ipc::wire::VERSION}))?,
        false => out::line(format!("og {version}"))?,
    }
    Ok(0)
}

/// Help and version are answers; everything else that clap says is a mistake in the arguments.
fn usage(error: &clap::Error, json: bool) -> Result<u8, Fail> {
    if !error.use_stderr() {
        return out::text(&styled(error)).map(|()| 0);
    }
    if json {
        let text = error.render().to_string();
        // Names of arguments stand in lines of their own.
        let paragraph = text.split("\n\n").next().unwrap_or_default();
        let message = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
        let message = message.trim_start_matches("error: ").to_string();
        return Err(Fail::usage(message).hint("`og --help` and `og VERB --help` tell more"));
    }
    let _ = error.print();
    Ok(EXIT_USAGE)
}

/// Help in colours where a person reads it, without NO_COLOR.
fn styled(help: &clap::Error) -> String {
    use std::io::IsTerminal;
    let plain = std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty()) || !std::io::stdout().is_terminal();
    if plain { help.render().to_string() } else { help.render().ansi().to_string() }
}

fn report(fail: &Fail, json: bool) -> u8 {
    use std::io::Write;
    if fail.exit == EXIT_BROKEN_PIPE {
        return fail.exit;
    }
    // Nobody is left to be told when this fails too.
    let _ = if json { out::line(fail.to_json()).map_err(|_| ()) } else { writeln!(std::io::stderr().lock(), "{fail}").map_err(|_| ()) };
    fail.exit
}

/// A bug of ours, on one line that can be sent to us. A pane that drew has put its own hook before this one, which gives
/// the terminal back first; a panic of the guarded emulator is caught and made up for, and nobody's business.
fn report_panic(info: &panic::PanicHookInfo) {
    use std::io::Write;
    if crate::term::quietly() {
        return;
    }
    let said = info.payload_as_str().unwrap_or("no message");
    let place = info.location().map(|place| format!(" at {}:{}", place.file(), place.line())).unwrap_or_default();
    let _ = writeln!(std::io::stderr().lock(), "og: this is a bug of og: {said}{place}\nhint: please report it, with what you did before");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(Into::into).collect()
    }

    #[test]
    fn the_command_is_dashed_only_right_before_it() {
        assert!(is_dashed(&words("og run --name a -- train.py x"), 2));
        assert!(!is_dashed(&words("og run train.py -- x"), 3));
        assert!(!is_dashed(&words("og run train.py"), 1));
    }

    #[test]
    fn json_behind_the_dashes_is_the_commands() {
        assert!(wants_json(&words("og viewstate --json")));
        assert!(!wants_json(&words("og run -- x --json")));
    }
}
