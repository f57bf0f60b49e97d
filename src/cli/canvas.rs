//! `og canvas ...`: canvases without a training, and what can be done to a canvas as a whole.

use super::{
    args::{CanvasVerb, CloseArgs, ListArgs, NamedCanvas, SpawnArgs, SpawnOptions, StoreArgs},
    fail::{EXIT_FAILED, Fail, chain},
    open, out,
    place::{self, Site, Spot, Wanted},
    run,
    shown::RunToShow,
    summary::ending,
    target::{self, Servers},
};
use crate::{
    canvas::{
        CanvasState, PaneState, Spec,
        io::{self as canvases, Known, Life},
    },
    controller,
    ipc::{
        io::{Connection, runtime_dir, socket_path},
        wire::{Format, Health, Request, Response, Until},
    },
    model::RunState,
    source::Reach,
    store::{Store, Whereabouts, glance},
    text,
    tmux::{Death, PaneId, PaneInfo, Server},
};
use rustix::process::{Pid, Signal};
use std::{
    ffi::OsString,
    fs::File,
    io::{self, BufRead, IsTerminal, Write},
    os::unix::process::CommandExt,
    time::{Duration, Instant},
};

/// How long a training may take to end after SIGTERM, before SIGKILL.
const END_MAX: Duration = Duration::from_secs(5);
/// How long a controller may take to say how it is.
const ANSWER_MAX: Duration = Duration::from_millis(500);
/// How long opening panes may take.
const REOPEN_MAX: Duration = Duration::from_secs(10);
/// How long the controller may take to write down the end of a training that has ended.
const LAST_WORDS_MAX: Duration = Duration::from_secs(3);
/// How often it is looked at meanwhile: not every system tells of the end of a process that is no child.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// `og canvas VERB`.
pub fn canvas(verb: CanvasVerb) -> Result<u8, Fail> {
    match verb {
        CanvasVerb::Spawn(args) => spawn(args),
        CanvasVerb::List(args) => list(&args),
        CanvasVerb::Attach(args) => attach(&args),
        CanvasVerb::Close(args) => close(&args),
        CanvasVerb::Restart(args) => restart(&args),
    }
}

/// Makes a canvas without a training.
fn spawn(args: SpawnArgs) -> Result<u8, Fail> {
    let SpawnArgs { preset, run, options } = args;
    let SpawnOptions { config, name, read, store, tmux_socket, detach, keep, output } = options;
    let mut spec = Spec::preset(&preset)?;
    if let Some(config) = &config {
        spec = spec.merged(config).map_err(|error| Fail::from(error).about("--config"))?;
    }
    let spec = spec.with(Spec::reading(&open::read_options(&read)?))?;
    let store = open_store(&store)?;
    let asked = run.or_else(|| spec.run_dir.as_ref().map(OsString::from));
    let run = RunToShow::find(&store, asked.as_deref())?;
    let site = Site::find(tmux_socket.as_deref(), false, holds_canvas)?;
    // A canvas without a training of its own has no pane for one.
    let roles: Vec<&str> = spec.roles().into_iter().filter(|role| *role != "train").collect();
    let draft = CanvasState { scenario: preset, run: run.path(), run_id: run.id.clone(), keep, ..CanvasState::default() };
    let (dir, mut state) = run::make_folder(&store, name.as_deref(), &run.name, draft, &spec)?;
    let mut undo = run::Undo::new(&dir, &state.id)?;
    state.run = Some(run.settle(&dir)?);
    canvases::write(&dir, &state)?;
    let mut made = place::make(&site, &Wanted { name: &state.name, id: &state.id, dir: &dir, roles: &roles, train: None })?;
    run::write_down(&mut state, &dir, &site, &made)?;
    run::start_controller(&dir);
    made.keep();
    undo.keep();
    if run.is_stdin() && !detach && !output.json && site.spot == Spot::Session && !site.inside && io::stdout().is_terminal() {
        return attach_by(&state, Some("/dev/tty"));
    }
    run::tell(&run::Told { site: &site, state: &state, dir: &dir, started: None, attach: !detach, json: output.json })
}

/// The store that was named, else the nearest, else a new one here.
pub fn open_store(args: &StoreArgs) -> Result<Store, Fail> {
    let at = Whereabouts::of_process(args.store.clone())?;
    let store = Store::find_or_make(&at)?;
    // What is written down must mean the same folder to a process that stands elsewhere.
    let real = store.root().canonicalize().ok();
    Ok(real.and_then(|real| Store::find(&Whereabouts { explicit: Some(real), ..at })).unwrap_or(store))
}

/// Whether the window of a pane holds a live canvas.
pub fn holds_canvas(server: &Server, pane: &PaneInfo) -> bool {
    let window = pane.window.to_string();
    let here = server.socket().path();
    let on_it = |canvas: &Known| canvas.life == Life::Live && canvas.state.window == window && target::server_path(&canvas.state) == here;
    runtime_dir().is_ok_and(|runtime| canvases::announced(&runtime, |_| true).iter().any(on_it))
}

fn list(args: &ListArgs) -> Result<u8, Fail> {
    let servers = Servers::default();
    let mut known = canvases::announced(&runtime_dir()?, |state| servers.hold(state));
    if let Some(store) = target::near_store(&args.store) {
        let more: Vec<Known> = canvases::list(&store);
        let more = more.into_iter().filter(|one| !target::has(&known, one)).collect::<Vec<_>>();
        known.extend(more.into_iter().map(|one| one.or_left(|state| servers.hold(state))));
    }
    known.retain(|canvas| args.all || canvas.life != Life::Ended);
    known.sort_by(|a, b| (a.life, &a.state.name, &a.dir).cmp(&(b.life, &b.state.name, &b.dir)));
    let looked: Vec<(Known, Look)> = known
        .into_iter()
        .map(|canvas| {
            let look = look(&canvas);
            (canvas, look)
        })
        .collect();
    if args.output.json {
        out::json(&looked.iter().map(|(canvas, look)| as_json(canvas, look)).collect::<Vec<_>>())?;
        return Ok(0);
    }
    if looked.is_empty() {
        out::note("no canvas is running; `og run train.py` starts one");
        return Ok(0);
    }
    let head = ["canvas", "id", "run", "state", "step", "panes", "controller", "look"].map(str::to_owned);
    table(&std::iter::once(head).chain(looked.iter().map(|(canvas, look)| as_row(canvas, look))).collect::<Vec<_>>())?;
    if let Some((canvas, _)) = looked.iter().find(|(canvas, _)| matches!(canvas.life, Life::Closed | Life::Left)) {
        let (name, close) =
            (&canvas.state.name, if canvas.life == Life::Closed { " --kill-run` ends its training" } else { "` closes its panes" });
        out::note(format!("`og canvas restart {name}` opens it again, `og canvas close {name}{close}"));
    }
    Ok(0)
}

/// What a canvas's run and controller are like just now.
struct Look {
    /// `ok`, `off` (the next command that needs it starts it), `hangs`.
    controller: &'static str,
    /// What a live controller says of itself.
    health: Option<Health>,
    state: Option<String>,
    step: Option<i64>,
    total_steps: Option<i64>,
}

/// Asks the controller, and the run's own files where none answers.
fn look(canvas: &Known) -> Look {
    let structure = Request::GetViewState { pane: None, since: None, format: Format::Structure, region: None, lines_max: None };
    let answer = running(canvas).map(|mut controller| controller.call(structure, ANSWER_MAX));
    if let Some(Ok(Response::ViewState { data })) = answer {
        let run = data.run_info.unwrap_or_default();
        return Look { controller: "ok", health: Some(data.health), state: run.state, step: run.step, total_steps: run.total_steps };
    }
    let controller = if answer.is_some() { "hangs" } else { "off" };
    let read = canvases::read_spec(&canvas.dir).map(|spec| spec.read).unwrap_or_default();
    let Some(mut run) = canvas.state.run.as_deref().and_then(|run| glance(run, &read, Reach::Row).ok()) else {
        return Look { controller, health: None, state: None, step: None, total_steps: None };
    };
    if run.pid.is_some_and(|pid| !canvases::is_process(pid)) {
        run.mark_lost();
    }
    Look {
        controller,
        health: None,
        state: run.probe.state.map(|state| state.as_str().into()),
        step: run.probe.step.map(|step| step.0),
        total_steps: run.probe.total_steps,
    }
}

fn as_row(canvas: &Known, look: &Look) -> [String; 8] {
    let state = &canvas.state;
    let shows = state.run_id.clone().or_else(|| state.run.as_ref().map(|run| run.display().to_string())).unwrap_or_default();
    let step = match (look.step, look.total_steps) {
        (Some(step), Some(total)) => format!("{step}/{total}"),
        (Some(step), None) => step.to_string(),
        (None, _) => "-".into(),
    };
    let panes: Vec<&str> = state.panes.iter().map(|pane| pane.role.as_str()).collect();
    let drifted = look
        .health
        .as_ref()
        .filter(|health| health.drift > 0)
        .map(|health| format!(", {} drift{}", health.drift, if health.drift == 1 { "" } else { "s" }));
    let controller = format!("{}{}", look.controller, drifted.unwrap_or_default());
    let run_state = match canvas.life {
        Life::Live => look.state.clone().unwrap_or("-".into()),
        Life::Closed => "closed, training goes on".into(),
        Life::Left => "ended, panes remain".into(),
        Life::Ended => "canvas ended".into(),
    };
    [state.name.clone(), state.id.clone(), shows, run_state, step, panes.join(" "), controller, attach_text(state)]
}

/// Prints rows with their columns below each other.
fn table<const N: usize>(rows: &[[String; N]]) -> Result<(), Fail> {
    let widths: [usize; N] = std::array::from_fn(|at| rows.iter().map(|row| text::width(&row[at])).max().unwrap_or(0));
    for row in rows {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| text::fit(cell, width)).collect();
        out::line(cells.join("  ").trim_end())?;
    }
    Ok(())
}

fn as_json(canvas: &Known, look: &Look) -> serde_json::Value {
    let state = &canvas.state;
    let training = state.panes.iter().find(|pane| pane.role == "train");
    let panes: Vec<_> = state.panes.iter().map(|pane| serde_json::json!({"role": pane.role, "paneId": pane.pane})).collect();
    serde_json::json!({
        "name": state.name, "id": state.id, "live": canvas.life.runs(), "closed": canvas.life == Life::Closed, "panesLeft": canvas.life == Life::Left, "scenario": state.scenario, "dir": canvas.dir,
        "run": state.run, "runId": state.run_id, "runState": look.state, "step": look.step, "totalSteps": look.total_steps,
        "tmux": state.tmux, "session": state.session, "window": state.window,
        "trainAlive": training.map(|pane| canvases::is_process(pane.pid)),
        "controller": look.controller, "health": look.health,
        "controllerPid": state.controller_pid.filter(|pid| canvases::is_process(*pid)),
        "panes": panes, "attach": attach_text(state), "createdAt": state.created_at,
    })
}

/// The command that shows a canvas to a person.
pub fn attach_text(state: &CanvasState) -> String {
    let server = match state.tmux.split_once(' ') {
        Some((flag, value)) => format!(" {flag} {}", quoted(value)),
        None => String::new(),
    };
    format!("tmux{server} attach -t {}", quoted(&state.session))
}

fn quoted(word: &str) -> String {
    shlex::try_quote(word).map(|word| word.into_owned()).unwrap_or_else(|_| word.to_string())
}

/// Becomes `tmux attach`. Returns only when that fails.
pub fn attach_to(state: &CanvasState) -> Result<u8, Fail> {
    attach_by(state, None)
}

/// The same, with the keyboard of a terminal that is not standard input.
fn attach_by(state: &CanvasState, keyboard: Option<&str>) -> Result<u8, Fail> {
    if matches!(Server::from_env(), Ok(Some(_))) {
        return Err(Fail::new("inside_tmux", "this terminal is inside tmux already").hint(format!(
            "go there with `tmux switch-client -t {}`, or in another terminal: {}",
            quoted(&state.session),
            attach_text(state)
        )));
    }
    let keyboard = keyboard.and_then(|path| File::options().read(true).write(true).open(path).ok());
    if keyboard.is_none() && !is_terminal() {
        return Err(Fail::new("no_terminal", "there is no terminal to attach").hint(format!("in a terminal: {}", attach_text(state))));
    }
    let server = Server::new(target::parse_socket(&state.tmux));
    if !server.has_session(&state.session)? {
        return Err(Fail::new("no_session", format!("the tmux session {} is gone", state.session)));
    }
    let mut attach = server.attach_command(&state.session);
    if let Some(keyboard) = keyboard {
        attach.stdin(keyboard);
    }
    let error = attach.env_remove("TMUX").env_remove("TMUX_PANE").exec();
    Err(Fail::of("tmux", &error, None).about("cannot attach"))
}

/// Whether a person can be shown something.
pub fn is_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

fn close(args: &CloseArgs) -> Result<u8, Fail> {
    let canvas = named(&args.canvas)?;
    let state = &canvas.state;
    let training = state.panes.iter().find(|pane| pane.role == "train" && canvases::is_process(pane.pid));
    let (ended, left) = if args.kill_run { (training, None) } else { (None, training) };
    if let Some(training) = ended {
        if !args.yes && !confirmed(&format!("end the training of {} (pid {})?", state.name, training.pid))? {
            out::note("nothing was closed");
            return Ok(EXIT_FAILED);
        }
        end_training(&canvas, training);
    } else if training.is_none() && state.panes.iter().any(|pane| pane.role == "train") {
        // It has just ended by itself: another controller would else be started for that alone.
        hear_the_end(&canvas);
    }
    let is_noted = left.is_none() && has_noted_the_end(&canvas);
    // Before it ends: whoever takes its end for a reason to start another one reads that the canvas is closed.
    let told = running(&canvas).map(|mut controller| controller.call(Request::Closed, ANSWER_MAX));
    if !matches!(told, Some(Ok(Response::Done))) {
        // Where that cannot be, it is told below.
        let _ = canvases::write(&canvas.dir, &CanvasState { closed: true, ..state.clone() });
    }
    controller::io::stop(&canvas.dir)?;
    let server = Server::new(target::parse_socket(&state.tmux));
    let train_pane = close_panes(&server, state, is_noted)?;
    let panes = state.panes.iter().filter(|pane| train_pane.is_some_and(|train| pane.pane == train.to_string())).cloned().collect();
    let written = canvases::write(&canvas.dir, &CanvasState { closed: true, panes, controller_pid: None, ..state.clone() });
    let watched = match train_pane {
        // The end of the training is still to be written down, also one that nobody has seen yet: a controller stays for that.
        Some(_) => stay(&canvas, written.is_ok()),
        None => {
            canvases::forget(&runtime_dir()?, &state.id);
            Ok(())
        }
    };
    let unnoted = train_pane.filter(|_| left.is_none()).and_then(|pane| close_dead(&canvas, &server, pane));
    if let (Err(error), Some(_)) = (&written, left) {
        out::note(format!("{}, which will say that {} is open for as long as there is no room", chain(error), state.name));
    }
    // Where it has ended already, the controller may be gone too, and what it could not write down is told below.
    if let (Err(fail), Some(_)) = (&watched, left) {
        out::note(format!("{}; so how the training of {} ends is not written down before the next command asks", fail.message, state.name));
    }
    if let Some(death) = &unnoted {
        let how = ending(death.status, death.signal).unwrap_or_else(|| "nobody knows how".into());
        out::note(format!(
            "how the training of {} ended ({how}) could not be written into its events.jsonl; is the disk full?",
            state.name
        ));
    }
    if args.canvas.which.output.json {
        let left = left.map(|pane| &pane.pane);
        out::json(&serde_json::json!({"canvas": state.name, "id": state.id, "trainingLeft": left, "trainingEnded": ended.is_some()}))?;
        return Ok(0);
    }
    let training = match (left, ended) {
        (Some(left), _) => format!("; the training goes on in pane {} (pid {}), and its end will be written down", left.pane, left.pid),
        (None, Some(_)) => "; the training was ended".into(),
        (None, None) => String::new(),
    };
    out::line(format!("closed {}{training}", state.name))?;
    Ok(0)
}

/// Lets a controller stay for the end of the training. It is told that the canvas is closed: that may not have been written, or
/// only after somebody else had started it.
fn stay(canvas: &Known, written: bool) -> Result<(), Fail> {
    let told = target::connect(canvas)?.call(Request::Closed, ANSWER_MAX);
    // One that read it may have ended with the training by now.
    if written { Ok(()) } else { Ok(told.map(drop)?) }
}

/// The controller, if one listens.
fn running(canvas: &Known) -> Option<Connection> {
    socket_path(&canvas.state.id).ok().and_then(|socket| Connection::open(&socket).ok())
}

/// Whether the controller knows that the run is over, and so has written down how.
fn has_noted_the_end(canvas: &Known) -> bool {
    let look = look(canvas);
    look.controller == "ok" && look.state.as_deref().and_then(RunState::from_word).is_some_and(RunState::is_over)
}

/// Closes the panes of a canvas; that of the training only if `all` go, else it is returned if it is there.
fn close_panes(server: &Server, state: &CanvasState, all: bool) -> Result<Option<PaneId>, Fail> {
    // Pane ids die with the server: only what carries this canvas's mark is its.
    let Ok(panes) = server.list_panes(None) else { return Ok(None) };
    let stays = |pane: &PaneInfo| !all && pane.role.as_deref() == Some("train");
    let (train, own): (Vec<PaneInfo>, Vec<PaneInfo>) =
        panes.into_iter().filter(|pane| pane.canvas.as_deref() == Some(&state.id)).partition(stays);
    if !own.is_empty() {
        server.close_panes(&server.turn(), &own.iter().map(|pane| pane.id).collect::<Vec<_>>());
    }
    Ok(train.first().map(|pane| pane.id))
}

/// Waits until the controller has written down how a training ended and closed its pane. After a while the pane is closed
/// without it, and what was not written down is returned.
fn close_dead(canvas: &Known, server: &Server, pane: PaneId) -> Option<Death> {
    let since = Instant::now();
    let mut death = None;
    while let Ok(Some(info)) = server.pane(pane) {
        if since.elapsed() >= LAST_WORDS_MAX {
            death = info.dead.filter(Death::is_known);
            server.close_panes(&server.turn(), &[pane]);
            break;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    let _ = controller::io::stop(&canvas.dir);
    death
}

/// Asks the training to end, gives it time for a last checkpoint, then makes it. The controller is given time to write
/// down how it ended.
fn end_training(canvas: &Known, training: &PaneState) {
    let Some(pid) = i32::try_from(training.pid).ok().and_then(Pid::from_raw) else { return };
    // The pane's process leads its group: workers of a data loader are in it too.
    let _ = rustix::process::kill_process_group(pid, Signal::TERM);
    if !canvases::ends_within(training.pid, END_MAX) {
        let _ = rustix::process::kill_process_group(pid, Signal::KILL);
    }
    hear_the_end(canvas);
}

/// Gives the controller time to see that the training has ended.
fn hear_the_end(canvas: &Known) {
    if let Some(mut controller) = running(canvas) {
        let seen = Request::WaitFor { pane: None, until: vec![Until::Exit], stop: None, timeout_ms: Some(2000) };
        let _ = controller.call(seen, Duration::from_secs(3));
    }
}

fn confirmed(question: &str) -> Result<bool, Fail> {
    if !std::io::stdin().is_terminal() {
        return Err(Fail::new("needs_yes", format!("{question} nobody is there to answer")).hint("say it with --yes"));
    }
    let _ = write!(std::io::stderr().lock(), "{question} [y/N] ");
    let mut answer = String::new();
    let _ = std::io::stdin().lock().read_line(&mut answer);
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn restart(args: &NamedCanvas) -> Result<u8, Fail> {
    let canvas = named(args)?;
    controller::io::restart(&canvas.dir)?;
    reopen(&canvas)?;
    match args.which.output.json {
        true => out::json(&serde_json::json!({"canvas": canvas.state.name, "id": canvas.state.id}))?,
        false => out::line(format!("restarted the controller of {}", canvas.state.name))?,
    }
    Ok(0)
}

fn attach(args: &NamedCanvas) -> Result<u8, Fail> {
    let canvas = named(args)?;
    reopen(&canvas)?;
    attach_to(&canvas.state)
}

/// Opens the panes of a canvas that was closed, or of which nothing runs any more.
fn reopen(canvas: &Known) -> Result<(), Fail> {
    if canvas.life != Life::Live {
        target::connect(canvas)?.call(Request::Refresh, REOPEN_MAX)?;
    }
    Ok(())
}

fn named(args: &NamedCanvas) -> Result<Known, Fail> {
    let mut which = args.which.clone();
    which.canvas = args.name.clone().or(which.canvas);
    Ok(target::find(&which, &mut vec![], 0, |_| false)?.canvas)
}
