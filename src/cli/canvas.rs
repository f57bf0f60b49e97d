//! `og canvas ...`: canvases without a training, and what can be done to a canvas as a whole.

use super::{
    args::{CanvasVerb, CloseArgs, ListArgs, NamedCanvas, SpawnArgs, SpawnOptions, StoreArgs},
    fail::{EXIT_FAILED, Fail},
    out,
    place::{self, Site, Wanted},
    run, target,
};
use crate::{
    canvas::{CanvasState, PaneState, Spec, io as canvases, io::Known},
    controller,
    ipc::{
        io::{Connection, runtime_dir, socket_path},
        wire::{Format, Health, Request, Response, Until},
    },
    store::{RunFolder, RunReader, Store, Whereabouts},
    text,
    tmux::{PaneId, PaneInfo, Server},
};
use rustix::process::{Pid, Signal};
use std::{
    io::{BufRead, IsTerminal, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How long a training may take to end after SIGTERM, before SIGKILL.
const END_MAX: Duration = Duration::from_secs(5);
/// How long a controller may take to say how it is.
const ANSWER_MAX: Duration = Duration::from_millis(500);
/// How often it is looked at meanwhile: not every system tells of the end of a process that is no child.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// `og canvas VERB`.
pub fn canvas(verb: CanvasVerb) -> Result<u8, Fail> {
    match verb {
        CanvasVerb::Spawn(args) => spawn(args),
        CanvasVerb::List(args) => list(&args),
        CanvasVerb::Attach(args) => attach_to(&named(&args)?.state),
        CanvasVerb::Close(args) => close(&args),
        CanvasVerb::Restart(args) => restart(&args),
    }
}

fn spawn(args: SpawnArgs) -> Result<u8, Fail> {
    let SpawnArgs { preset, run, options } = args;
    let SpawnOptions { config, name, store, tmux_socket, detach, keep, output } = options;
    let mut spec = Spec::preset(&preset)?;
    if let Some(config) = &config {
        spec = spec.merged(config).map_err(|error| Fail::from(error).about("--config"))?;
    }
    let store = open_store(&store)?;
    let asked = run.or_else(|| spec.run_dir.as_ref().map(|path| path.display().to_string()));
    let run = find_run(&store, asked.as_deref())?;
    let site = Site::find(tmux_socket.as_deref(), false, holds_canvas)?;
    // A canvas without a training of its own has no pane for one.
    let roles: Vec<&str> = spec.roles().into_iter().filter(|role| *role != "train").collect();
    let draft = CanvasState { scenario: preset, run: Some(run.path), run_id: run.id, keep, ..CanvasState::default() };
    let (dir, mut state) = run::make_folder(&store, name.as_deref(), &run.name, draft, &spec)?;
    let mut undo = run::Undo::new(&dir, &state.id)?;
    let mut made = place::make(&site, &Wanted { name: &state.name, id: &state.id, dir: &dir, roles: &roles, train: None })?;
    run::write_down(&mut state, &dir, &site, &made)?;
    run::start_controller(&dir);
    made.keep();
    undo.keep();
    run::tell(&run::Told { site: &site, state: &state, dir: &dir, started: None, attach: !detach, json: output.json })
}

/// A run to show.
struct RunToShow {
    path: PathBuf,
    id: Option<String>,
    name: String,
}

/// A run of the store by id, short id or name; a run folder or a foreign run by path; else the latest of the store.
fn find_run(store: &Store, asked: Option<&str>) -> Result<RunToShow, Fail> {
    let Some(asked) = asked else {
        return match store.runs()?.first() {
            Some(latest) => own_run(&store.run(latest)),
            None => Err(Fail::new("no_run", format!("there is no run in {}", store.root().display()))
                .hint("start one with `og run train.py`, or name one with --run PATH")),
        };
    };
    let by_name = store.find_run(asked);
    match (by_name, Path::new(asked).canonicalize()) {
        (Ok(folder), _) => own_run(&RunFolder::at(folder.path().canonicalize().unwrap_or_else(|_| folder.path().to_owned()))),
        // A run of another kind: the readers tell which.
        (Err(_), Ok(path)) => {
            // What cannot be read is told before anything is made.
            RunReader::open(&path)?;
            let name = path.file_stem().map_or_else(|| "run".into(), |stem| stem.to_string_lossy().into_owned());
            Ok(RunToShow { path, id: None, name })
        }
        (Err(error), Err(_)) => Err(error.into()),
    }
}

fn own_run(folder: &RunFolder) -> Result<RunToShow, Fail> {
    let info = folder.info()?;
    Ok(RunToShow { path: folder.path().to_owned(), id: Some(info.id), name: info.name })
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
    let here = target::socket_path(server.socket());
    let on_it = |canvas: &Known| canvas.live && canvas.state.window == window && target::server_path(&canvas.state) == here;
    runtime_dir().is_ok_and(|runtime| canvases::announced(&runtime).iter().any(on_it))
}

fn list(args: &ListArgs) -> Result<u8, Fail> {
    let mut known = canvases::announced(&runtime_dir()?);
    if let Some(store) = target::near_store(&args.store) {
        let more: Vec<Known> = canvases::list(&store);
        known.extend(more.into_iter().filter(|one| !target::has(&known, one)).collect::<Vec<_>>());
    }
    known.retain(|canvas| args.all || canvas.live);
    known.sort_by(|a, b| (!a.live, &a.state.name, &a.dir).cmp(&(!b.live, &b.state.name, &b.dir)));
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
    let asked = socket_path(&canvas.state.id).ok().and_then(|socket| Connection::open(&socket).ok());
    let structure = Request::GetViewState { pane: None, since: None, format: Format::Structure, region: None, lines_max: None };
    let answer = asked.map(|mut controller| controller.call(structure, ANSWER_MAX));
    if let Some(Ok(Response::ViewState { data })) = answer {
        let run = data.run_info.unwrap_or_default();
        return Look { controller: "ok", health: Some(data.health), state: run.state, step: run.step, total_steps: run.total_steps };
    }
    let controller = if answer.is_some() { "hangs" } else { "off" };
    let Some(mut reader) = canvas.state.run.as_deref().and_then(|run| RunReader::open(run).ok()) else {
        return Look { controller, health: None, state: None, step: None, total_steps: None };
    };
    while reader.poll(RunReader::LOAD).more {}
    if reader.picture().pid().is_some_and(|pid| !canvases::is_process(pid)) {
        reader.mark_lost();
    }
    let run = reader.picture();
    Look {
        controller,
        health: None,
        state: run.known_state().map(|state| state.as_str().into()),
        step: run.step().map(|step| step.0),
        total_steps: run.total_steps,
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
    let drifted = look.health.as_ref().filter(|health| health.drift > 0).map(|health| format!(", {} drifts", health.drift));
    let controller = format!("{}{}", look.controller, drifted.unwrap_or_default());
    let run_state = if canvas.live { look.state.clone().unwrap_or("-".into()) } else { "canvas ended".into() };
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
        "name": state.name, "id": state.id, "live": canvas.live, "scenario": state.scenario, "dir": canvas.dir,
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
    if matches!(Server::from_env(), Ok(Some(_))) {
        return Err(Fail::new("inside_tmux", "this terminal is inside tmux already").hint(format!(
            "go there with `tmux switch-client -t {}`, or in another terminal: {}",
            quoted(&state.session),
            attach_text(state)
        )));
    }
    if !is_terminal() {
        return Err(Fail::new("no_terminal", "there is no terminal to attach").hint(format!("in a terminal: {}", attach_text(state))));
    }
    let server = Server::new(target::parse_socket(&state.tmux));
    if !server.has_session(&state.session)? {
        return Err(Fail::new("no_session", format!("the tmux session {} is gone", state.session)));
    }
    let error = server.attach_command(&state.session).env_remove("TMUX").env_remove("TMUX_PANE").exec();
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
    }
    controller::io::stop(&canvas.dir)?;
    close_panes(state, left)?;
    canvases::forget(&runtime_dir()?, &state.id);
    canvases::write(&canvas.dir, &CanvasState { panes: vec![], controller_pid: None, ..state.clone() })?;
    if args.canvas.which.output.json {
        let left = left.map(|pane| &pane.pane);
        out::json(&serde_json::json!({"canvas": state.name, "id": state.id, "trainingLeft": left, "trainingEnded": ended.is_some()}))?;
        return Ok(0);
    }
    let training = match (left, ended) {
        (Some(left), _) => format!("; the training goes on in pane {} (pid {})", left.pane, left.pid),
        (None, Some(_)) => "; the training was ended".into(),
        (None, None) => String::new(),
    };
    out::line(format!("closed {}{training}", state.name))?;
    Ok(0)
}

/// Closes the panes of a canvas, except that of a training which goes on.
fn close_panes(state: &CanvasState, left: Option<&PaneState>) -> Result<(), Fail> {
    let server = Server::new(target::parse_socket(&state.tmux));
    // Pane ids die with the server: only what carries this canvas's mark is its.
    let Ok(panes) = server.list_panes(None) else { return Ok(()) };
    for pane in panes.into_iter().filter(|pane| pane.canvas.as_deref() == Some(&state.id)) {
        match left {
            Some(training) if training.pane == pane.id.to_string() => release(&server, pane.id)?,
            _ => server.kill_pane(pane.id)?,
        }
    }
    Ok(())
}

/// Makes a train pane a pane like any other: it closes when its program ends. Its log goes on.
fn release(server: &Server, pane: PaneId) -> Result<(), Fail> {
    for option in ["remain-on-exit", "@og_canvas", "@og_role"] {
        server.unset_pane_option(pane, option)?;
    }
    Ok(())
}

/// Asks the training to end, gives it time for a last checkpoint, then makes it. The controller is given time to write
/// down how it ended.
fn end_training(canvas: &Known, training: &PaneState) {
    let Some(pid) = i32::try_from(training.pid).ok().and_then(Pid::from_raw) else { return };
    // The pane's process leads its group: workers of a data loader are in it too.
    let _ = rustix::process::kill_process_group(pid, Signal::TERM);
    let since = Instant::now();
    while canvases::is_process(training.pid) && since.elapsed() < END_MAX {
        std::thread::sleep(LOOK_EVERY);
    }
    if canvases::is_process(training.pid) {
        let _ = rustix::process::kill_process_group(pid, Signal::KILL);
    }
    let controller = socket_path(&canvas.state.id).ok().and_then(|socket| Connection::open(&socket).ok());
    if let Some(mut controller) = controller {
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
    match args.which.output.json {
        true => out::json(&serde_json::json!({"canvas": canvas.state.name, "id": canvas.state.id}))?,
        false => out::line(format!("restarted the controller of {}", canvas.state.name))?,
    }
    Ok(0)
}

fn named(args: &NamedCanvas) -> Result<Known, Fail> {
    let mut which = args.which.clone();
    which.canvas = args.name.clone().or(which.canvas);
    Ok(target::find(&which, &mut vec![], 0, |_| false)?.canvas)
}
