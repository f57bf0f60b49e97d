//! `og run`: a training in its pane, with graphs and state beside it.
//!
//! The order matters: everything that records is in place before the training may write its first byte, and everything
//! that was made is taken back when it cannot start.

use super::{
    args::RunArgs,
    canvas::{attach_text, attach_to, holds_canvas, is_terminal, open_store},
    fail::{EXIT_FAILED, Fail, chain},
    gate::{self, Gate, Order},
    open, out,
    place::{self, Made, Site, Spot, Wanted},
    prompt, python,
    target::{Servers, parse_socket},
};
use crate::{
    canvas::{
        CanvasState, Spec,
        io::{self as canvases, CanvasError, Life},
    },
    controller,
    ipc::io::{runtime_dir, socket_path},
    model::WallTime,
    store::{Event, EventKind, NewRun, Parent, RunFolder, Store},
    tmux::{PaneId, PaneInfo, Server, own_pane},
};
use serde_json::{Map, Value, json};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    flag,
};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::{self, File},
    hash::{BuildHasher, Hasher, RandomState},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Set for the training unless the caller set them: output as it is printed, and wandb's file as it is logged (0.31 else
/// writes every 15 s, up to 0.30 every block).
const UNLESS_SET: &[(&str, &str)] = &[("PYTHONUNBUFFERED", "1"), ("WANDB_X_TRANSACTION_LOG_FLUSH_INTERVAL", "1")];
/// Longest name made of that of a run; a number may follow.
const NAME_BYTES_MAX: usize = 48;
/// Canvases of one name in a store; the number stands behind the name.
const NUMBER_MAX: u32 = 1000;
/// Rounds in which panes of a canvas that never came to be are closed; more than two are never needed.
const TAKE_BACK_ROUNDS_MAX: usize = 10;
/// Says that this process runs in a training that og started.
const RUN_ID: &str = "OG_RUN_ID";

/// `og run`. `dashed` says that the command stood behind `--`.
pub fn run(args: RunArgs, dashed: bool) -> Result<u8, Fail> {
    let nested = std::env::var(RUN_ID).ok().filter(|run| !run.is_empty());
    if let Some(outer) = nested.as_ref().filter(|_| args.canvas.is_none()) {
        return Err(Fail::new("nested", format!("this already runs inside the run {outer}"))
            .hint("start the program without `og run`, or give it a canvas of its own with `--canvas NAME`"));
    }
    let interrupt = Interrupt::held()?;
    let spec = spec(&args)?;
    let cwd = std::path::absolute(args.cwd.as_deref().unwrap_or(Path::new(".")));
    let cwd = cwd.map_err(|error| Fail::of("cwd", &error, None).about("there is no current folder"))?;
    let (argv, prompt) = command(args.command.clone(), dashed, &cwd)?;
    let prompt = args.prompt.clone().or(prompt);
    // A canvas inside a canvas would take its room: it gets a session.
    let site = Site::find(args.tmux_socket.as_deref(), nested.is_some(), holds_canvas)?;

    let store = open_store(&args.store)?;
    if let Some(name) = &args.canvas {
        free(&store, name)?;
    }
    let now = now();
    let parent = store.parent_of(&argv, &cwd);
    let wanted = new_run(&args, argv.clone(), cwd.clone(), prompt.clone(), parent);
    let (folder, info) = store.create_run(wanted, now, random())?;
    let mut undo_run = UndoRun(Some(folder.clone()));
    let draft = CanvasState {
        scenario: args.layout.clone(),
        run: Some(folder.path().to_owned()),
        run_id: Some(info.id.clone()),
        keep: args.keep,
        ..CanvasState::default()
    };
    let (dir, mut state) = make_folder(&store, args.canvas.as_deref(), &info.name, draft, &spec)?;
    let mut undo = Undo::new(&dir, &state.id)?;
    if let Some(prompt) = &prompt {
        canvases::say(&dir, "human", prompt, &state.created_at)?;
    }

    let gate = Gate::make(&runtime_dir()?)?;
    let roles = spec.roles();
    let train = Some(gate.command(&place::program()?, &dir, &state.id));
    let mut made = place::make(&site, &Wanted { name: &state.name, id: &state.id, dir: &dir, roles: &roles, train })?;
    record(&site, &made, &folder)?;
    write_down(&mut state, &dir, &site, &made)?;
    start_controller(&dir);
    let env = environment(&args, &folder, &state)?;
    interrupt.checked()?;
    let visitor = gate.come()?;
    let pid = visitor.pid;
    // Before it runs: it may end at once, and its end stands behind its start.
    let noted = folder.append_event(&Event { t: now, author: "og".into(), kind: EventKind::Started { pid } });
    visitor.start(&Order { argv: argv.iter().map(OsString::from).collect(), env, cwd })?;

    // It runs. What fails from here on is told and changes nothing about that.
    made.keep();
    undo.keep();
    undo_run.0 = None;
    let noted = noted.and_then(|()| {
        folder.update_run_json(|info| {
            info.pid = Some(pid);
            info.canvas = Some(state.name.clone());
        })
    });
    if let Err(error) = noted {
        out::note(format!("the training runs, but its folder does not say so: {}", chain(&error)));
    }
    let started = Some(Started { run: &info.id, folder: folder.path(), pid });
    let attach = !args.detach && !args.no_attach;
    tell(&Told { site: &site, state: &state, dir: &dir, started, attach, json: args.output.json })
}

/// The preset with what the command line changes of it.
fn spec(args: &RunArgs) -> Result<Spec, Fail> {
    let spec = Spec::preset(&args.layout).map_err(|error| Fail::from(error).about("--layout"))?;
    if !spec.roles().contains(&"train") {
        return Err(Fail::usage(format!("--layout {}: this preset has no pane for a training", args.layout))
            .hint("use default or monitor; `og canvas spawn review` shows a run that exists"));
    }
    let mut keys = Map::new();
    if let Some(name) = &args.name {
        keys.insert("title".into(), name.clone().into());
    }
    if let Some(graphs) = &args.graphs {
        keys.insert("graphs".into(), open::graphs(graphs)?.into());
    }
    keys.extend(Spec::reading(&open::read_options(&args.read)?));
    Ok(spec.with(keys)?)
}

/// What is to be run: a python script with its interpreter and without the prompt, or the command as it stands.
fn command(mut words: Vec<String>, dashed: bool, cwd: &Path) -> Result<(Vec<String>, Option<String>), Fail> {
    if dashed || !words[0].ends_with(".py") {
        return Ok((words, None));
    }
    if cwd.is_dir() && !cwd.join(&words[0]).is_file() {
        return Err(Fail::new("no_script", format!("there is no script {} in {}", words[0], cwd.display()))
            .hint("name a script that exists, or put `--` before a command: `og run -- CMD ...`"));
    }
    let python = python::interpreter(cwd, |name| std::env::var_os(name))?;
    let mut args = words.split_off(1);
    let prompt = prompt::split_prompt(&mut args, |path| cwd.join(path).exists());
    let mut argv = vec![place::text(&python)?];
    argv.append(&mut words);
    argv.append(&mut args);
    Ok((argv, prompt))
}

fn new_run(args: &RunArgs, command: Vec<String>, cwd: PathBuf, prompt: Option<String>, parent: Option<Parent>) -> NewRun {
    let tag = |tag: &String| match tag.split_once('=') {
        Some((key, value)) => (key.to_string(), value.to_string()),
        None => (tag.clone(), String::new()),
    };
    NewRun {
        name: args.name.clone(),
        project: args.project.clone(),
        group: args.group.clone(),
        tags: args.tags.iter().map(tag).collect(),
        note: args.note.clone(),
        config: args.config.iter().map(|(key, value)| (key.clone(), scalar(value))).collect(),
        command,
        cwd,
        total_steps: args.total_steps.and_then(|steps| i64::try_from(steps).ok()),
        canvas: args.canvas.clone(),
        prompt,
        parent,
    }
}

/// A config value: what reads as JSON is JSON (`3e-4`, `true`, `[1,2]`), all else is text.
fn scalar(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

/// The line in a log where output is missing.
const HOLE: &str = "[og: the log could not be written for a while, output is missing here]";

/// The shell program that writes its input to the file `$log`; nothing but what every system has.
///
/// When the file cannot be written the input is thrown away, or tmux would keep it all, until the mark of the hole ([`HOLE`]) can be;
/// that is looked at after every `$pause`, and for a training that has ended 600 times. Half lines at both ends of the hole would be
/// read as numbers that nobody printed: a `~` ends the one before it, and the one behind it is thrown away, up to where a line or a
/// redraw of one ends. What never ends any is kept from the eighth piece on.
const RECORD: &str = r#"
LC_ALL=C
exec 3<&0
ends=$(printf '[\r\n]')
rest=
until printf %s "$rest" >> "$log" && nice -n 19 cat >> "$log"; do
    left=600
    until cat <&3 > /dev/null & sleep $pause; kill $!; wait $! && left=$((left - 1)); printf '~\n%s\n' "$hole" >> "$log"; do
        [ $left -gt 0 ] || exit
    done
    for piece in 1 2 3 4 5 6 7 8; do
        rest=$(dd bs=4096 count=1; echo .)
        case $rest in .|*$ends*) break;; esac
    done
    rest=${rest#*$ends}
    rest=${rest%.}
done
"#;

/// What records to `log` and looks every `pause` seconds whether it can again, as `sh` takes it.
fn recorder(log: &str, pause: &str) -> Result<String, Fail> {
    let log = shlex::try_quote(log).map_err(|error| Fail::of("path", &error, None))?;
    Ok(format!("log={log} pause={pause} hole='{HOLE}'{RECORD}"))
}

/// Lets tmux write what the train pane prints to the run's log. `cat`, not og: it goes on when every og process is killed.
/// It gives way: woken for every line of a flood it would take the core from the training; so it takes many at once.
fn record(site: &Site, made: &Made, folder: &RunFolder) -> Result<(), Fail> {
    let log = folder.stdout_log();
    File::options()
        .create(true)
        .append(true)
        .open(&log)
        .map_err(|error| Fail::of("store", &error, None).about(format!("cannot write {}", log.display())))?;
    let Some(pane) = made.pane("train") else { return Ok(()) };
    Ok(site.server.pipe_pane(pane, &recorder(&place::text(&log)?, "1")?)?)
}

/// The caller's environment as the training gets it.
fn environment(args: &RunArgs, folder: &RunFolder, state: &CanvasState) -> Result<BTreeMap<OsString, OsString>, Fail> {
    let mut env: BTreeMap<OsString, OsString> = std::env::vars_os().filter(|(name, _)| !gate::is_of_the_terminal(name)).collect();
    for (name, value) in UNLESS_SET {
        env.entry(name.into()).or_insert_with(|| value.into());
    }
    env.extend(args.env.iter().map(|(name, value)| (name.into(), value.into())));
    env.extend([
        (RUN_ID.into(), folder.id().0.into()),
        ("OG_RUN_DIR".into(), folder.path().into()),
        ("OG_METRICS".into(), folder.metrics().into()),
        ("OG_SOCKET".into(), socket_path(&state.id)?.into()),
        ("OG_CANVAS".into(), state.id.clone().into()),
    ]);
    Ok(env)
}

/// Makes the folder of a canvas: under the name asked for, else under the run's name, with a number where a live canvas
/// has it.
pub fn make_folder(
    store: &Store,
    asked: Option<&str>,
    run_name: &str,
    draft: CanvasState,
    spec: &Spec,
) -> Result<(PathBuf, CanvasState), Fail> {
    let created_at = jiff::Timestamp::now().to_string();
    // Until it has panes and a controller it lives because its maker does: nobody else takes its name.
    let maker = Some(std::process::id());
    let id = format!("c{:07x}", random() & 0xfff_ffff);
    let mut state = CanvasState { v: 1, id, created_at, controller_pid: maker, ..draft };
    let mut made = |name: String| {
        free(store, &name)?;
        state.name = name;
        canvases::create(store.root(), &state, spec)
    };
    let dir = match asked {
        Some(name) => made(name.to_string())?,
        None => {
            let base = as_name(run_name);
            let mut numbers = 2..NUMBER_MAX;
            let mut tried = made(base.clone());
            while let (Err(CanvasError::Taken { .. } | CanvasError::GoesOn { .. }), Some(n)) = (&tried, numbers.next()) {
                tried = made(format!("{base}-{n}"));
            }
            tried?
        }
    };
    Ok((dir, state))
}

/// Fails when the name cannot be that of a canvas, or a live canvas has it.
fn free(store: &Store, name: &str) -> Result<(), CanvasError> {
    let dir = canvases::folder(store.root(), name)?;
    match canvases::known(dir).map(|canvas| canvas.or_left(|state| Servers::default().hold(state)).life) {
        Some(Life::Live | Life::Left) => Err(CanvasError::Taken { name: name.into() }),
        Some(Life::Closed) => Err(CanvasError::GoesOn { name: name.into() }),
        Some(Life::Ended) | None => Ok(()),
    }
}

/// A name of a run as that of a canvas: letters and digits of any script stay, anything else becomes a dash.
fn as_name(run: &str) -> String {
    let name: String = run.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
    let name = name.trim_matches(|c: char| !c.is_alphanumeric());
    let name = name[..name.floor_char_boundary(NAME_BYTES_MAX)].trim_end_matches(|c: char| !c.is_alphanumeric());
    if name.is_empty() { "run".into() } else { name.into() }
}

/// Writes down what was made, and lets this machine know of it.
pub fn write_down(state: &mut CanvasState, dir: &Path, site: &Site, made: &Made) -> Result<(), Fail> {
    let (panes, layout) = made.state()?;
    state.tmux = site.server.socket().to_string();
    state.session = made.session.clone();
    state.window = made.window.clone();
    state.panes = panes;
    state.layout = layout;
    state.controller_pid = None;
    canvases::write(dir, state)?;
    Ok(canvases::announce(&runtime_dir()?, &state.id, dir)?)
}

/// Starts the controller. Graphs and state live without it, and the next command that needs it tries again.
pub fn start_controller(dir: &Path) {
    if let Err(error) = controller::io::connect(dir) {
        out::note(format!("{}; the next command that needs it tries again", chain(&error)));
    }
}

/// Takes back a canvas folder, its announcement and its controller unless [`Undo::keep`] is called.
#[derive(Debug)]
pub struct Undo {
    dir: PathBuf,
    runtime: PathBuf,
    id: String,
    keep: bool,
}

impl Undo {
    /// For the canvas in `dir`.
    pub fn new(dir: &Path, id: &str) -> Result<Undo, Fail> {
        Ok(Undo { dir: dir.to_owned(), runtime: runtime_dir()?, id: id.to_string(), keep: false })
    }

    /// It stays.
    pub fn keep(&mut self) {
        self.keep = true;
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        if !self.keep {
            if canvases::read(&self.dir).is_ok_and(|state| state.id == self.id) {
                let _ = controller::io::stop(&self.dir);
            }
            canvases::forget(&self.runtime, &self.id);
            canvases::discard(&self.dir, &self.id);
        }
    }
}

/// Ctrl-C and its like, held until what was made can be taken back. The second one ends og at once.
struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    fn held() -> Result<Interrupt, Fail> {
        let seen = Arc::<AtomicBool>::default();
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            let held = flag::register_conditional_shutdown(signal, EXIT_FAILED.into(), Arc::clone(&seen))
                .and_then(|_| flag::register(signal, Arc::clone(&seen)));
            held.map_err(|error| Fail::of("signals", &error, None))?;
        }
        Ok(Interrupt(seen))
    }

    /// Fails when there was one: nothing has started yet, and all is taken back.
    fn checked(&self) -> Result<(), Fail> {
        match self.0.load(Ordering::SeqCst) {
            true => Err(Fail::new("interrupted", "interrupted before the training started; nothing is left of it")),
            false => Ok(()),
        }
    }
}

/// Takes back a run folder that no training ever wrote to.
struct UndoRun(Option<RunFolder>);

impl Drop for UndoRun {
    fn drop(&mut self) {
        if let Some(folder) = &self.0 {
            let _ = fs::remove_dir_all(folder.path());
        }
    }
}

/// Takes back what an `og run` made that was killed before it could start its training, the canvas `id` in `dir`, and ends
/// with the pane that this runs in.
pub fn take_back(dir: &Path, id: &str) {
    let (Ok(Some(server)), Some(own)) = (Server::from_env(), own_pane()) else { return };
    // Where somebody has started again at once, a canvas of the same name stands in the folder by now.
    let state = canvases::read(dir).ok().filter(|state| state.id == id);
    if let Some(run) = state.as_ref().and_then(|state| state.run.as_deref()) {
        let folder = RunFolder::at(run);
        drop(UndoRun(folder.info().is_ok_and(|info| info.pid.is_none()).then_some(folder)));
    }
    let of_canvas = |pane: &PaneInfo| match &pane.canvas {
        Some(of) => of == id,
        // tmux may still be making the pane that was asked for last, which has no mark yet.
        None => {
            server.display(&pane.id.to_string(), "#{pane_start_command}").is_ok_and(|command| controller::io::is_started_for(&command, id))
        }
    };
    for _ in 0..TAKE_BACK_ROUNDS_MAX {
        let panes = server.list_panes(None).unwrap_or_default();
        let others: Vec<PaneId> = panes.iter().filter(|pane| pane.id != own && of_canvas(pane)).map(|pane| pane.id).collect();
        if others.is_empty() {
            break;
        }
        server.close_panes(&server.turn(), &others);
    }
    drop(state.map(|state| Undo::new(dir, &state.id)));
    server.close_panes(&server.turn(), &[own]);
}

/// What is told of a canvas that was made.
#[derive(Debug)]
pub struct Told<'a> {
    /// Where it was made.
    pub site: &'a Site,
    /// The canvas.
    pub state: &'a CanvasState,
    /// Its folder.
    pub dir: &'a Path,
    /// The training that was started.
    pub started: Option<Started<'a>>,
    /// Whether a terminal may be attached.
    pub attach: bool,
    /// In JSON.
    pub json: bool,
}

/// A training that was started.
#[derive(Debug)]
pub struct Started<'a> {
    /// Run id.
    pub run: &'a str,
    /// Run folder.
    pub folder: &'a Path,
    /// The training's process.
    pub pid: u32,
}

/// The window of the graphs, where they had no room beside the training.
fn graphs_apart(state: &CanvasState) -> Option<String> {
    let graph = state.panes.iter().find(|pane| pane.role == "graph")?;
    let pane = Server::new(parse_socket(&state.tmux)).pane(graph.pane.parse().ok()?).ok()??;
    (pane.window.to_string() != state.window).then(|| pane.window.to_string())
}

/// Tells of a canvas that was made, or attaches to it.
pub fn tell(told: &Told) -> Result<u8, Fail> {
    let state = told.state;
    if told.json {
        let panes: Vec<_> = state.panes.iter().map(|pane| json!({"role": pane.role, "paneId": pane.pane})).collect();
        out::json(&json!({
            "canvas": state.name, "canvasId": state.id, "dir": told.dir, "runId": state.run_id, "run": state.run,
            "pid": told.started.as_ref().map(|started| started.pid), "tmux": state.tmux, "session": state.session,
            "window": state.window, "panes": panes, "attach": attach_text(state),
        }))?;
        return Ok(0);
    }
    if told.attach && told.site.spot == Spot::Session && !told.site.inside && is_terminal() {
        return attach_to(state);
    }
    if let Some(started) = &told.started {
        out::line(format!("run {} (pid {}) in {}", started.run, started.pid, started.folder.display()))?;
    }
    match &told.site.spot {
        Spot::Session => {
            out::line(format!("canvas {} ({}) in the tmux session {}", state.name, state.id, state.session))?;
            out::line(format!("look: {}", attach_text(state)))?;
        }
        Spot::Beside(own) if own.window.to_string() == state.window => {
            out::line(format!("canvas {} ({}) beside this pane", state.name, state.id))?;
            if let Some(window) = graphs_apart(state) {
                out::line(format!("there is little room: the graphs are in a window of their own (tmux select-window -t {window})"))?;
            }
        }
        Spot::Beside(_) | Spot::Window(_) => {
            out::line(format!("canvas {} ({}) in the window {} of this session", state.name, state.id, state.window))?;
            out::line(format!("look: tmux select-window -t {}", state.window))?;
        }
    }
    out::line(format!("read: og viewstate --canvas {}", state.name))?;
    Ok(0)
}

fn now() -> WallTime {
    let secs = jiff::Timestamp::now().as_duration().as_secs_f64();
    WallTime::new(secs).expect("the clock's seconds are finite")
}

/// A number that nobody else draws: the keys of std's hash maps come from the system's generator.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{Stdout, decode_for_tests};
    use std::{
        io::Write,
        process::{ChildStdin, Command, Stdio},
        thread,
        time::{Duration, Instant},
    };

    fn comes(what: impl Fn() -> bool) {
        let since = Instant::now();
        while !what() {
            assert!(since.elapsed() < Duration::from_secs(30));
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// What is in the log of a training that prints `before`, `lost` on a disk that is full, and when there is room again `after`, piece
    /// by piece.
    fn around_a_hole(before: &str, lost: &str, after: &[&str]) -> String {
        /// What fits into one file.
        const ROOM: usize = 512;
        let dir = tempfile::tempdir().unwrap();
        let (log, full) = (dir.path().join("it's a log"), dir.path().join("full"));
        let command = format!("trap '' XFSZ; ulimit -f 1; {}", recorder(log.to_str().unwrap(), "0.05").unwrap());
        let mut recorder = Command::new("sh").args(["-c", &command]).stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut pipe = recorder.stdin.take().unwrap();
        let print = |pipe: &mut ChildStdin, text: &str| {
            pipe.write_all(text.as_bytes()).unwrap();
            comes(|| rustix::io::ioctl_fionread(&*pipe).unwrap() == 0);
        };
        let size = || fs::metadata(&log).map_or(0, |log| log.len() as usize);
        print(&mut pipe, &("\n".repeat(ROOM - before.len()) + before + lost));
        comes(|| size() == ROOM);
        // More than a pipe holds: nobody keeps it.
        print(&mut pipe, &("lost\n".repeat(40_000) + lost));
        let mut pipe = (!after.is_empty()).then_some(pipe);
        fs::rename(&log, &full).unwrap();
        comes(|| size() > 0);
        after.iter().for_each(|piece| print(pipe.as_mut().unwrap(), piece));
        drop(pipe);
        assert!(recorder.wait().unwrap().success() && size() < ROOM);
        (fs::read_to_string(full).unwrap() + &fs::read_to_string(log).unwrap()).trim_start().into()
    }

    #[track_caller]
    fn reads(log: &str, want: &[(i64, f64)]) {
        assert_eq!(log.lines().filter(|line| *line == HOLE).count(), 1, "{log}");
        let (rows, _) = decode_for_tests(&mut Stdout::new(), log.as_bytes(), usize::MAX);
        let points = rows.iter().flat_map(|(row, values)| values.iter().map(|(_, value)| (row.step.map_or(-1, |step| step.0), *value)));
        assert_eq!(points.collect::<Vec<_>>(), want, "{log}");
    }

    #[test]
    fn the_half_lines_around_a_hole_are_no_lines() {
        let log = around_a_hole(
            "step 1 loss 0.5\r\nstep 2 loss 123",
            ".456\r\nstep 10",
            &["0 loss 2.4\r\nstep 200 loss 0.25\r\n", "step 201 loss 0.75\r\n"],
        );
        reads(&log, &[(1, 0.5), (200, 0.25), (201, 0.75)]);
        let log = around_a_hole("step 1 loss 0.5\nstep 2 loss 1\nstep 1", "00 loss 2", &["00 lo", "ss 2", ".4\nstep 200 loss 0.25\n"]);
        reads(&log, &[(1, 0.5), (2, 1.0), (200, 0.25)]);
    }

    #[test]
    fn a_bar_that_never_ends_its_line_goes_on_behind_a_hole() {
        let log = around_a_hole("\r 1/9 loss: 0.5\r 2/9 loss: 0.25\r 3/9 loss: 1", "25", &["\r 4/9 loss: 0.75", "\r 5/9 loss: 0.125\n"]);
        reads(&log, &[(1, 0.5), (2, 0.25), (4, 0.75), (5, 0.125)]);
        let dots: Vec<&str> = "abcdefghijklmnopqrstuvwxyz".split("").collect();
        let log = around_a_hole("a", "b", &dots);
        assert!(log.ends_with("\nhijklmnopqrstuvwxyz"), "{log}");
    }

    #[test]
    fn a_hole_at_the_end_is_marked_when_there_is_room() {
        reads(&around_a_hole("step 1 loss 0.5\nstep 2 loss 123", ".456\n", &[]), &[(1, 0.5)]);
    }

    #[test]
    fn a_command_is_a_script_only_without_dashes() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("train.py"), "").unwrap();
        let words = |line: &[&str]| line.iter().map(|word| word.to_string()).collect::<Vec<_>>();
        let (argv, prompt) = command(words(&["train.py", "--lr", "1", "watch the loss"]), false, dir.path()).unwrap();
        assert!(argv[0].contains("python"), "{argv:?}");
        assert_eq!((&argv[1..], prompt.as_deref()), (&words(&["train.py", "--lr", "1"])[..], Some("watch the loss")));
        let all = words(&["train.py", "watch the loss"]);
        assert_eq!(command(all.clone(), true, dir.path()).unwrap(), (all, None));
        let all = words(&["make", "watch the loss"]);
        assert_eq!(command(all.clone(), false, dir.path()).unwrap(), (all, None));
        assert_eq!(command(words(&["trian.py"]), false, dir.path()).unwrap_err().code, "no_script");
    }

    #[test]
    fn a_run_name_becomes_a_folder_name() {
        assert_eq!(as_name("lr=3e-4 über"), "lr-3e-4-über");
        assert_eq!(as_name("../x"), "x");
        assert_eq!(as_name("训练"), "训练");
        assert_eq!(as_name("👍"), "run");
        for long in ["x", "训", "é-"] {
            assert!(canvases::folder(Path::new("/"), &as_name(&long.repeat(500))).is_ok());
        }
    }

    #[test]
    fn config_values_are_json_where_they_read_as_json() {
        assert_eq!(scalar("3e-4"), json!(3e-4));
        assert_eq!(scalar("true"), json!(true));
        assert_eq!(scalar("adam"), json!("adam"));
        assert_eq!(scalar("1.2.3"), json!("1.2.3"));
    }
}
