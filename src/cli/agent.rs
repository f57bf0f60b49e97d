//! The verbs that speak to a controller: viewstate, sendkeys, set, type, paste, wait, panes, refresh. They are asked often, so
//! they do one round trip over the socket and nothing else.

use super::{
    args::{OneCanvas, SendOptions, SendkeysArgs, SetArgs, TypeArgs, ViewstateArgs, WaitArgs},
    fail::{CONTROLLER_GONE, EXIT_FAILED, EXIT_USAGE, Fail},
    out, summary,
    target::{self, Target},
};
use crate::{
    canvas::io::Known,
    ipc::{
        io::{Connection, IpcError},
        wire::{Format, Outcome, PaneView, Request, Response, Until, ViewState},
    },
    model::MetricKey,
    query::{self, Condition},
    term,
};
use std::{
    io::Read,
    time::{Duration, Instant},
};

/// How long an answer may take that needs no waiting. A controller answers in well under a millisecond; one on a machine
/// that swaps may not.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// Codes of the controller that say that what was asked makes no sense: the arguments were wrong.
const MISTAKES: &[&str] = &["bad_condition", "bad_region", "unknown_key", "too_many_keys"];
/// The controller's deadline for a wait where none is asked for.
const WAIT_MS: u64 = 30_000;
/// Controllers that may end behind one question before it is taken for the cause.
const ENDS_MAX: usize = 8;
/// Most text taken from standard input: far above what a person or an agent types, and a request stays below 1 MiB.
const TEXT_BYTES_MAX: u64 = 512 << 10;

/// `og viewstate`.
pub fn viewstate(args: ViewstateArgs) -> Result<u8, Fail> {
    let mut words = args.what.clone();
    let target = target::find(&args.which, &mut words, 0, |_| false)?;
    if let Some(word) = words.first() {
        return Err(Fail::new("unknown_pane", format!("no canvas and no pane is called `{word}`"))
            .hint("panes are train, graph, status or a tmux id such as %3; `og canvas list` shows the canvases"));
    }
    let json = args.which.output.json;
    let part = args.region.is_some() || args.max_lines.is_some() || args.since.is_some();
    let format = match () {
        () if args.screen || (part && !json && !args.text) => Format::Screen,
        () if json || target.pane.is_some() => Format::Full,
        () => Format::Structure,
    };
    let request =
        Request::GetViewState { pane: target.pane.clone(), since: args.since, format, region: args.region, lines_max: args.max_lines };
    match ask(&target, request, ANSWER_MAX)? {
        Response::Screen { pane } if json => out::json(&pane)?,
        Response::Screen { pane } => out::text(&screen(&pane, args.since))?,
        Response::ViewState { data } if json => out::json(&data)?,
        Response::ViewState { data } => out::text(&summary(&data, target.pane.as_deref()))?,
        other => return Err(unexpected(&other)),
    }
    Ok(0)
}

fn screen(pane: &PaneView, since: Option<u64>) -> String {
    match (since, &pane.changed_rows, &pane.snapshot) {
        (Some(since), Some(_), _) => summary::changes(pane, since),
        (_, _, Some(snapshot)) => format!("{}\n", snapshot.trim_end_matches('\n')),
        (_, _, None) => format!("{}\n", summary::pane_line(pane)),
    }
}

fn summary(view: &ViewState, pane: Option<&str>) -> String {
    let shown = pane.and_then(|asked| view.panes.iter().find(|pane| pane.role == asked || pane.pane_id == asked));
    let shown = shown.map(|pane| PaneView { snapshot: pane.snapshot.clone().or_else(|| view.terminal_snapshot.clone()), ..pane.clone() });
    summary::view(view, shown.as_ref())
}

/// `og sendkeys`.
pub fn sendkeys(args: SendkeysArgs) -> Result<u8, Fail> {
    let mut words = args.words;
    let is_key = |word: &str| term::keys::parse(&[word.to_string()]).is_ok();
    // A word that is no key and no place is a mistake whatever canvas is meant, and needs none to be told.
    let target = target::find(&args.options.which, &mut words, 1, is_key);
    term::keys::parse(&words).map_err(|error| Fail { exit: EXIT_USAGE, ..Fail::of("unknown_key", &error, Some(error.hint().into())) })?;
    send(args.options, target?, |pane, options| sending(pane, options, words, None, None))
}

/// `og type`.
pub fn type_text(args: TypeArgs) -> Result<u8, Fail> {
    let (words, options) = (args.words, args.options);
    let (target, text) = target_and_text(words, &options.which)?;
    send(options, target, |pane, options| sending(pane, options, vec![], Some(text), None))
}

/// `og paste`.
pub fn paste(args: TypeArgs) -> Result<u8, Fail> {
    let (words, options) = (args.words, args.options);
    let (target, text) = target_and_text(words, &options.which)?;
    send(options, target, |pane, options| sending(pane, options, vec![], None, Some(text)))
}

fn target_and_text(mut words: Vec<String>, which: &OneCanvas) -> Result<(Target, String), Fail> {
    let target = target::find(which, &mut words, 1, |_| false)?;
    match words.as_slice() {
        [dash] if dash == "-" => Ok((target, standard_input()?)),
        [text] => Ok((target, text.clone())),
        [word, ..] => {
            Err(Fail::usage(format!("`{word}` is no canvas and no pane")).hint("put the text in quotes, so that it is one argument"))
        }
        [] => Err(Fail::usage("there is no text")),
    }
}

fn standard_input() -> Result<String, Fail> {
    let cannot = |error: std::io::Error| Fail::of("input", &error, None).about("cannot read standard input");
    let mut text = String::new();
    std::io::stdin().lock().take(TEXT_BYTES_MAX + 1).read_to_string(&mut text).map_err(cannot)?;
    if text.len() as u64 > TEXT_BYTES_MAX {
        return Err(Fail::new("input", format!("standard input is longer than {} KiB", TEXT_BYTES_MAX >> 10)).hint("send it in parts"));
    }
    Ok(text)
}

fn sending(
    pane: Option<String>,
    options: &SendOptions,
    keys: Vec<String>,
    text: Option<String>,
    paste: Option<String>,
) -> Result<Request, Fail> {
    let wait = options.wait.as_deref().map(until).transpose()?;
    Ok(Request::SendKeys { pane, keys, text, paste, expect_seq: options.expect_seq, wait, timeout_ms: options.timeout })
}

fn send(
    options: SendOptions,
    target: Target,
    request: impl FnOnce(Option<String>, &SendOptions) -> Result<Request, Fail>,
) -> Result<u8, Fail> {
    if options.pane.is_some() && target.pane.is_some() {
        return Err(Fail::usage("two panes are named: one with --pane, one before what is sent"));
    }
    let request = request(options.pane.clone().or_else(|| target.pane.clone()), &options)?;
    let waits_ms = options.wait.as_ref().map_or(0, |_| options.timeout.unwrap_or(WAIT_MS));
    let asked = Asked { exit: options.wait.as_deref() == Some("exit"), screen: true, json: options.which.output.json };
    answer(ask(&target, request, ANSWER_MAX + Duration::from_millis(waits_ms))?, asked)
}

/// `og wait`.
pub fn wait(args: WaitArgs) -> Result<u8, Fail> {
    let mut words = args.words;
    let target = target::find(&args.which, &mut words, 1, |word| until(word).is_ok());
    let until = words.iter().map(|word| until(word)).collect::<Result<Vec<_>, _>>()?;
    let target = target?;
    tell_of_unknown_metrics(&target, &until);
    let screen = until.iter().any(|until| !matches!(until, Until::Exit | Until::Metric(_)));
    let asked = Asked { exit: until.contains(&Until::Exit), screen, json: args.which.output.json };
    let pane = args.pane.or_else(|| target.pane.clone());
    let request =
        |timeout_ms| Request::WaitFor { pane: pane.clone(), until: until.clone(), stop: args.stop.clone(), timeout_ms: Some(timeout_ms) };
    answer(ask_until(&target, Duration::from_millis(args.timeout.unwrap_or(WAIT_MS)), request)?, asked)
}

/// Asks what takes its time and changes nothing: where a controller ends before it answers, the next one is asked for the rest. Of
/// a canvas that is being closed none is started for that.
fn ask_until(target: &Target, whole: Duration, request: impl Fn(u64) -> Request) -> Result<Response, Fail> {
    let (start, mut ends) = (Instant::now(), 0);
    loop {
        let left = || if ends == 0 { whole } else { whole.saturating_sub(start.elapsed()) };
        let connect = |canvas: &Known| if ends == 0 { target::connect(canvas) } else { target::connect_again(canvas, left()) };
        match ask_by(connect, target, || (request(left().as_millis() as u64), left() + ANSWER_MAX)) {
            Err(fail) if fail.code == CONTROLLER_GONE && ends < ENDS_MAX => {
                out::note("the controller ended; another one goes on waiting");
                ends += 1;
            }
            answer => return answer,
        }
    }
}

/// A metric that nobody has logged may come yet; but if its name is misspelt, it is better known now than at the deadline.
fn tell_of_unknown_metrics(target: &Target, until: &[Until]) {
    let name = |until: &Until| match until {
        Until::Metric(expression) => match query::parse_condition(expression) {
            Ok(Condition::Metric(name, _)) => Some(name),
            _ => None,
        },
        _ => None,
    };
    let names: Vec<String> = until.iter().filter_map(name).collect();
    if names.is_empty() {
        return;
    }
    let structure = Request::GetViewState { pane: None, since: None, format: Format::Structure, region: None, lines_max: None };
    // Whatever is wrong here is told by the wait itself.
    let Ok(Response::ViewState { data }) = ask(target, structure, ANSWER_MAX) else { return };
    let Some(run) = data.run_info.filter(|run| !run.loading) else { return };
    let keys: Vec<MetricKey> =
        run.summary.as_object().into_iter().flat_map(|summary| summary.keys()).map(|key| key.as_str().into()).collect();
    for unknown in names.iter().filter_map(|name| query::resolve(name, &keys).err()) {
        out::note(format!("{unknown} so far; {}; waiting", unknown.hint()));
    }
}

/// What was asked for, as far as the answer depends on it.
struct Asked {
    /// The end of the training or program.
    exit: bool,
    /// Something of the screen: then the rows that changed are worth telling.
    screen: bool,
    json: bool,
}

/// Prints an outcome; the exit code says whether what was waited for came.
fn answer(response: Response, asked: Asked) -> Result<u8, Fail> {
    let Response::Outcome(outcome) = response else { return Err(unexpected(&response)) };
    match asked.json {
        true => out::json(&outcome)?,
        false => out::text(&summary::outcome(&outcome, asked.screen))?,
    }
    Ok(if holds(&outcome, asked.exit) { 0 } else { EXIT_FAILED })
}

fn holds(outcome: &Outcome, waits_for_exit: bool) -> bool {
    match outcome.outcome.as_str() {
        "stopped" | "deadline" => false,
        "exited" => waits_for_exit,
        _ => true,
    }
}

/// A condition as it is written: `change`, `settle:MS`, `text:RE`, `gone:RE`, `exit`, `metric:EXPR`, or the expression alone.
fn until(text: &str) -> Result<Until, Fail> {
    let bad = |message: String| {
        Fail::usage(message).hint("conditions: change, settle:MS, text:RE, gone:RE, exit, step>=500, loss<2.5, state=finished")
    };
    let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
    match kind {
        "change" if text == "change" => Ok(Until::Change),
        "exit" if text == "exit" => Ok(Until::Exit),
        "settle" => rest
            .trim_end_matches("ms")
            .parse()
            .map(Until::Settle)
            .map_err(|_| bad(format!("`{text}`: milliseconds are expected, as in settle:300"))),
        "text" | "gone" if rest.is_empty() => Err(bad(format!("`{text}`: a pattern is missing"))),
        "text" => Ok(Until::Text(rest.to_string())),
        "gone" => Ok(Until::Gone(rest.to_string())),
        _ => {
            let expression = if kind == "metric" { rest } else { text };
            query::parse_condition(expression).map_err(|error| bad(format!("`{text}` is no condition: {error}")))?;
            Ok(Until::Metric(expression.to_string()))
        }
    }
}

/// `og set`.
pub fn set(args: SetArgs) -> Result<u8, Fail> {
    let mut words = args.words;
    let target = target::find(&args.which, &mut words, 1, |word| word.contains('='))?;
    let pair = |word: &String| match word.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.into())),
        _ => Err(Fail::usage(format!("`{word}` is no NAME=VALUE")).hint("say for example `og set tab=logs filter=error`")),
    };
    let patch = words.iter().map(pair).collect::<Result<_, _>>()?;
    match ask(&target, Request::SetView { patch }, ANSWER_MAX)? {
        Response::Graph { graph, visible_metrics } if args.which.output.json => {
            out::json(&serde_json::json!({"graph": graph, "visibleMetrics": visible_metrics}))?;
        }
        Response::Graph { graph, visible_metrics } => out::text(&summary::graph(&graph, &visible_metrics))?,
        other => return Err(unexpected(&other)),
    }
    Ok(0)
}

/// `og panes`.
pub fn panes(which: OneCanvas) -> Result<u8, Fail> {
    let target = target::find(&which, &mut vec![], 0, |_| false)?;
    match ask(&target, Request::Panes, ANSWER_MAX)? {
        Response::Panes { panes } if which.output.json => out::json(&panes)?,
        Response::Panes { panes } => {
            panes.iter().try_for_each(|pane| out::line(summary::pane_line(pane)))?;
        }
        other => return Err(unexpected(&other)),
    }
    Ok(0)
}

/// `og refresh`.
pub fn refresh(which: OneCanvas) -> Result<u8, Fail> {
    let target = target::find(&which, &mut vec![], 0, |_| false)?;
    match ask(&target, Request::Refresh, ANSWER_MAX)? {
        Response::Done if which.output.json => out::json(&serde_json::json!({"canvas": target.canvas.state.name, "refreshed": true}))?,
        Response::Done => out::line(format!("refreshed {}", target.canvas.state.name))?,
        other => return Err(unexpected(&other)),
    }
    Ok(0)
}

/// A controller that was killed this moment still has its socket, and says nothing any more: then its successor is asked.
fn ask(target: &Target, request: Request, timeout: Duration) -> Result<Response, Fail> {
    ask_by(target::connect, target, || (request.clone(), timeout))
}

/// Asks with a request and for as long as `asked` says once it is connected.
fn ask_by(
    connect: impl Fn(&Known) -> Result<Connection, Fail>,
    target: &Target,
    asked: impl Fn() -> (Request, Duration),
) -> Result<Response, Fail> {
    let ask = |mut controller: Connection| {
        let (request, timeout) = asked();
        controller.call(request, timeout)
    };
    let answer = match ask(connect(&target.canvas)?) {
        Err(IpcError::Absent { .. }) => ask(connect(&target.canvas)?)?,
        answer => answer?,
    };
    match answer {
        Response::Error { code, message, hint } => {
            let exit = if MISTAKES.contains(&code.as_str()) { EXIT_USAGE } else { EXIT_FAILED };
            Err(Fail { hint, exit, ..Fail::new(&code, message) })
        }
        response => Ok(response),
    }
}

fn unexpected(response: &Response) -> Fail {
    let kind = serde_json::to_value(response).ok().and_then(|value| value["type"].as_str().map(str::to_string)).unwrap_or_default();
    Fail::new("controller", format!("the controller answered with `{kind}`, which does not fit the question"))
        .hint("is another version of og running? `og canvas restart` replaces the controller")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_as_written() {
        assert_eq!(until("change"), Ok(Until::Change));
        assert_eq!(until("exit"), Ok(Until::Exit));
        assert_eq!(until("settle:300"), Ok(Until::Settle(300)));
        assert_eq!(until("settle:300ms"), Ok(Until::Settle(300)));
        assert_eq!(until("text:a:b"), Ok(Until::Text("a:b".into())));
        assert_eq!(until("metric:loss<2.5"), Ok(Until::Metric("loss<2.5".into())));
        assert_eq!(until("step>=500"), Ok(Until::Metric("step>=500".into())));
        assert_eq!(until("state=finished"), Ok(Until::Metric("state=finished".into())));
        for bad in ["", "chnge", "settle", "settle:soon", "text:", "loss"] {
            assert_eq!(until(bad).unwrap_err().exit, 2, "{bad}");
        }
    }

    #[test]
    fn the_exit_code_says_whether_it_came() {
        let outcome = |word: &str| Outcome { outcome: word.into(), ..Outcome::default() };
        assert!(["sent", "changed", "settled", "matched", "matched_at_entry"].iter().all(|word| holds(&outcome(word), false)));
        assert!(!holds(&outcome("deadline"), true) && !holds(&outcome("stopped"), true));
        assert!(holds(&outcome("exited"), true) && !holds(&outcome("exited"), false));
    }
}
