//! What is read for a pane: the run, its canvas, and what lies beside them. It owns all that a [`Scene`] shows.

use super::{
    canvas::{CanvasFiles, Changed},
    catalog::Catalog,
    chain, env_path,
    host::{Ask, Sampler},
    rollouts::Rollouts,
    runs::Runs,
    turn::FRAME,
    wake::Woken,
};
use crate::canvas::{CanvasState, Spec, io::is_process};
use crate::model::ReadOptions;
use crate::source::{Kind, io::Watch};
use crate::store::{Remark, RunFolder, RunPicture, RunReader, Store, StoreError, Whereabouts, settled};
use crate::ui::{
    facts::{Facts, Order},
    pane::{Overlay, Scene, Wants},
};
use std::{
    path::{Path, PathBuf},
    sync::mpsc::SyncSender,
    time::Duration,
};

/// The files of a run, and of its canvas where it has one.
pub(super) struct Sources {
    pub(super) canvas: Option<CanvasFiles>,
    /// `None`: the system gives no events.
    pub(super) watch: Option<Watch>,
    pub(super) run: Option<PathBuf>,
    /// The path that opens the run that is read, also when newer ones have come to its place.
    own: Option<PathBuf>,
    /// How the canvas says that its run is to be read.
    read: ReadOptions,
    /// The rest that it wants between two looks at a database.
    refresh: Option<Duration>,
    reader: Option<RunReader>,
    /// No look at the run has reached its end yet.
    pub(super) loading: bool,
    problem: Option<String>,
    /// Of the run's keys.
    order: Order,
    /// What is shown of a run that cannot be read.
    empty: RunPicture,
    pub(super) host: Sampler,
    /// Every change of the run is to be followed by a look at the machine.
    pub(super) looks_at_host: bool,
    /// Somebody watches the machine.
    host_wanted: bool,
    /// The training runs on this machine.
    is_here: bool,
    /// The runs beside it.
    pub(super) runs: Runs,
    /// The answers of the run.
    pub(super) rollouts: Rollouts,
}

/// What a look at the files came to.
#[derive(Default)]
pub(super) struct Found {
    pub(super) spec: Option<Spec>,
    pub(super) facts: Option<Facts>,
    /// There is more to be read.
    pub(super) more: bool,
    /// Look again after so long, whatever happens.
    pub(super) again: Option<Duration>,
    /// The controller came or went.
    pub(super) socket_changed: bool,
    /// The machine is to be looked at.
    pub(super) look: bool,
    /// New messages of the conversation.
    pub(super) said: usize,
    /// The runs beside the run of the canvas changed.
    pub(super) runs: bool,
}

impl Sources {
    /// Of a canvas, and of the run that it shows now and then.
    pub(super) fn of_canvas(dir: &Path, socket: &Path, state: CanvasState, watch: Option<Watch>) -> Sources {
        let canvas = CanvasFiles::new(dir, socket);
        let (paths, store): (Vec<PathBuf>, _) = (canvas.paths().collect(), canvas.store());
        let mut sources = Sources::new(Some(canvas), watch);
        if let Some(store) = store {
            sources.runs.add_place(store.root().to_owned());
            sources.runs.add_store(store);
        }
        sources.add(paths.into_iter());
        sources.open(state);
        sources
    }

    /// Of one run, without a canvas.
    /// `place`: the folder in which it was found, where one was asked for.
    pub(super) fn of_run(mut reader: RunReader, place: Option<&Path>, watch: Option<Watch>) -> Sources {
        let mut sources = Sources::new(None, watch);
        sources.store().iter().for_each(|store| reader.remark_in(store));
        let path = settled(&reader.address());
        // Who asks for a run's own folder means what lies beside it as well.
        sources.runs.add_place(place.filter(|place| *place != path).map_or_else(|| place_of(&path), Path::to_owned));
        (sources.run, sources.own) = (Some(path.clone()), Some(path));
        sources.add(reader.paths().into_iter());
        sources.reader = Some(reader);
        sources
    }

    fn new(canvas: Option<CanvasFiles>, watch: Option<Watch>) -> Sources {
        let spec = canvas.as_ref().and_then(CanvasFiles::spec);
        let at = Whereabouts::of_process(None).ok();
        let mut runs = Runs::new(at.iter().flat_map(|at| Catalog::places(at, env_path)).collect());
        at.iter().for_each(|at| runs.add_store(Store::meant(at)));
        Sources {
            canvas,
            watch,
            run: None,
            own: None,
            refresh: spec.as_ref().map(Spec::refresh_interval),
            read: spec.map(|spec| spec.read).unwrap_or_default(),
            reader: None,
            loading: true,
            problem: None,
            order: Order::default(),
            empty: RunPicture::default(),
            host: Sampler::default(),
            looks_at_host: false,
            host_wanted: false,
            is_here: false,
            rollouts: Rollouts::default(),
            runs,
        }
    }

    fn add(&mut self, paths: impl Iterator<Item = PathBuf>) {
        if let Some(watch) = &mut self.watch {
            paths.for_each(|path| watch.add(&path));
        }
    }

    /// Shows everything there is to `look`.
    pub(super) fn with_scene<T>(&self, look: impl FnOnce(Scene<'_>) -> T) -> T {
        let own = self.own.as_deref();
        look(Scene {
            own,
            run: self.run_picture(),
            chat: self.canvas.as_ref().map(CanvasFiles::messages),
            host: self.host.machine(),
            is_here: self.is_here,
            group: self.runs.wanted_at(own).and_then(|overlay| overlay.group.as_deref()),
            pinned: self.runs.wanted_at(own).is_some_and(|overlay| overlay.pinned),
            runs: self.runs.rows(),
            overlaid: &self.runs.overlaid(own),
        })
    }

    /// Who reads the run, once it can be read.
    pub(super) fn reader(&self) -> Option<&RunReader> {
        self.reader.as_ref()
    }

    /// The run as read so far.
    pub(super) fn run_picture(&self) -> &RunPicture {
        self.reader.as_ref().map_or(&self.empty, RunReader::picture)
    }

    /// Where a file about this run goes: into its folder when that is og's own, else to where we are.
    pub(super) fn out_dir(&self) -> PathBuf {
        let own = self.reader.as_ref().filter(|reader| reader.kind() == Kind::OgRun && reader.folder().run_json().exists());
        own.map_or_else(|| PathBuf::from("."), |reader| reader.folder().path().to_owned())
    }

    /// Adds a message of the person to the conversation of the canvas.
    pub(super) fn say(&self, text: &str) -> Result<(), String> {
        let canvas = self.canvas.as_ref().ok_or("there is no canvas here, so nobody to talk to")?;
        canvas.say(text).map_err(|error| chain(&error))
    }

    /// Keeps a remark on the run: in its own folder, or beside it in og's store. What was done, in words.
    pub(super) fn remark(&mut self, remark: &Remark, author: &str) -> Result<String, String> {
        let words = |error: StoreError| chain(&error);
        let reader = self.reader.as_mut().ok_or("there is no run yet")?;
        if !reader.can_remark() {
            // The first remark on a run of another tracker makes the store, as a first run would.
            let store = Store::find_or_make(&Whereabouts::of_process(None).map_err(words)?).map_err(words)?;
            reader.remark_in(&store);
        }
        reader.remark(remark, author).map_err(words)?;
        self.runs.stir();
        let paths = reader.paths();
        self.add(paths.into_iter());
        let what = if matches!(remark, Remark::Notes { .. }) { "notes" } else { "tags" };
        Ok(match self.reader.as_ref().and_then(RunReader::remarked_in) {
            // The line that tells it is short: below where we are, the rest of the path is enough.
            Some(folder) => {
                let here = std::env::current_dir().ok();
                let near = here.and_then(|here| folder.strip_prefix(here).ok()).unwrap_or(folder);
                format!("kept the {what} in {}", near.display())
            }
            None => format!("kept the {what}"),
        })
    }

    /// The store in which remarks on runs of other trackers lie, as far as there is one.
    fn store(&self) -> Option<Store> {
        let of_canvas = self.canvas.as_ref().and_then(CanvasFiles::store);
        of_canvas.or_else(|| Store::find(&Whereabouts::of_process(None).ok()?))
    }

    /// Reads what a pane wants to have read; whether other runs are to be read now.
    pub(super) fn want(&mut self, wants: Wants, tell: &SyncSender<Woken>) -> bool {
        self.host_wanted = wants.host;
        self.runs.show(wants.runs, tell);
        self.rollouts.want(wants.rollouts, self.reader.as_ref(), tell);
        self.follow(wants.overlaid)
    }

    /// Follows these runs beside that of the canvas, and no others; whether that changed anything.
    pub(super) fn follow(&mut self, overlaid: Vec<Overlay>) -> bool {
        self.runs.follow(overlaid, self.own.as_deref())
    }

    /// Opens the run that the canvas shows now, unless it is open already.
    fn open(&mut self, state: CanvasState) {
        if self.run == state.run && self.reader.is_some() {
            return;
        }
        self.run = state.run;
        (self.reader, self.own) = (None, None);
        self.problem = None;
        self.loading = true;
        let Some(run) = self.run.clone() else { return };
        match RunReader::open_with(&run, &self.read) {
            Ok(mut reader) => {
                self.store().iter().for_each(|store| reader.remark_in(store));
                self.add(reader.paths().into_iter());
                self.own = Some(settled(&reader.address()));
                self.refresh.into_iter().for_each(|rest| reader.set_refresh(rest));
                self.reader = Some(reader);
            }
            // It may still be in the making: the watch tells.
            Err(StoreError::NotARun { .. }) => self.add([run.join("run.json")].into_iter()),
            Err(error) => {
                self.add([run.join("run.json")].into_iter());
                self.problem = Some(chain(&error));
            }
        }
    }

    /// Looks at all files once.
    pub(super) fn poll(&mut self) -> Found {
        let mut found = self.poll_run();
        let others = self.runs.poll();
        self.add(others.paths.into_iter());
        found.runs = others.changed;
        found.more |= others.more;
        found.again = [found.again, others.again].into_iter().flatten().min();
        found
    }

    fn poll_run(&mut self) -> Found {
        let mut found = self.poll_canvas();
        if self.reader.is_none() {
            self.open(CanvasState { run: self.run.clone(), ..CanvasState::default() });
        }
        let was_loading = self.loading;
        let Some(reader) = &mut self.reader else {
            self.loading = false;
            let name = self.run.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
            found.facts =
                Some(Facts { name: name.unwrap_or_default(), problem: self.problem.clone(), watched: self.watched(), ..Facts::default() });
            return found;
        };
        let mut polled = reader.poll(if was_loading { RunReader::LOAD } else { RunReader::LIVE });
        // Where there is a controller, it tells.
        if self.canvas.is_none()
            && !polled.more
            && !reader.picture().state().is_over()
            && reader.picture().pid().is_some_and(|pid| !is_process(pid))
        {
            reader.mark_lost();
            polled.changed = true;
        }
        self.loading &= polled.more;
        self.is_here = is_here(reader.picture());
        (found.more, found.again) = (polled.more, polled.again);
        let new_paths = if polled.paths_changed { reader.paths() } else { vec![] };
        if polled.changed || was_loading {
            let facts = Facts::of(reader.picture(), self.loading, &mut self.order);
            // A run that writes is what makes us look at the machine: idle, nobody asks it anything.
            found.look = self.looks_at_host && self.is_here;
            found.facts = Some(Facts { watched: self.watched(), lag_ms_max: FRAME.as_millis() as u64, ..facts });
        }
        self.add(new_paths.into_iter());
        found
    }

    /// Whether a look at the machine is to follow the one before, without end.
    pub(super) fn watches_host(&self) -> bool {
        self.host_wanted && self.is_here
    }

    /// Looks at the machine; what was seen comes as [`Woken::Host`].
    pub(super) fn look_at_host(&mut self, tell: &SyncSender<Woken>) {
        self.is_here = self.reader.as_ref().is_some_and(|reader| is_here(reader.picture()));
        let (Some(reader), true) = (&self.reader, self.is_here) else { return };
        let run = if self.host_wanted { reader.picture().pid() } else { None };
        self.host.ask(Ask { run, folder: reader.folder().path().to_owned() }, tell);
    }

    fn poll_canvas(&mut self) -> Found {
        let Some(canvas) = &mut self.canvas else { return Found::default() };
        let Changed { spec, state, socket, said } = canvas.poll();
        if let Some(state) = state {
            self.open(state);
        }
        if let Some(spec) = &spec {
            if spec.read != self.read {
                self.read = spec.read.clone();
                self.reader = None;
            }
            self.refresh = Some(spec.refresh_interval());
            self.reader.iter_mut().for_each(|reader| reader.set_refresh(spec.refresh_interval()));
        }
        Found { spec, socket_changed: socket, said, ..Found::default() }
    }

    /// The files that may hold metrics, in words.
    fn watched(&self) -> String {
        match (&self.reader, &self.run) {
            (Some(reader), _) if reader.foreign_kind().is_some() => reader.folder().path().display().to_string(),
            (Some(reader), _) => format!("metrics.jsonl and stdout.log in {}", reader.folder().path().display()),
            (None, Some(run)) => run.display().to_string(),
            (None, None) => "this canvas has no run yet".into(),
        }
    }
}

/// The place in which the runs beside the one at `path` are: its store, or the folder around its folder. Beside a file lies
/// anything.
fn place_of(path: &Path) -> PathBuf {
    let around = |levels| path.ancestors().nth(levels).unwrap_or(path).to_owned();
    let database = path.to_str().and_then(|path| path.rsplit_once('#')).map(|(database, _)| Path::new(database));
    match path {
        _ if database.is_some_and(Path::is_file) => database.unwrap_or(path).to_owned(),
        _ if path.is_file() => path.to_owned(),
        _ if RunFolder::at(path).run_json().is_file() && around(1).ends_with("runs") => around(2),
        _ => around(1),
    }
}

/// Whether the training of a run runs on this machine, now.
fn is_here(run: &RunPicture) -> bool {
    let name = rustix::system::uname();
    let here = run.info.host.as_deref().is_none_or(|host| name.nodename().to_bytes() == host.as_bytes());
    here && !run.state().is_over() && run.pid().is_some_and(is_process)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{Exit, WallTime},
        store::{Event, EventKind, NewRun},
    };
    use std::{fs::File, io::Write};

    #[test]
    fn a_run_that_ends_while_it_is_watched_is_not_loading_again() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::find_or_make(&Whereabouts { cwd: dir.path().to_owned(), ..Whereabouts::default() }).unwrap();
        let time = |secs| WallTime::new(secs).unwrap();
        let (folder, _) = store.create_run(NewRun::default(), time(1.0), 1).unwrap();
        let mut sources = Sources::of_run(RunReader::open(folder.path()).unwrap(), None, None);
        assert!(!sources.poll().facts.unwrap().loading);
        // Its last words and its exit are seen in one look, which is followed by one more that finds nothing new.
        let mut out = File::options().append(true).create(true).open(folder.stdout_log()).unwrap();
        out.write_all(b"step 1 loss 2.5\n").unwrap();
        let exit = EventKind::Exit(Exit { code: Some(0), ..Exit::default() });
        folder.append_event(&Event { t: time(2.0), author: "og".into(), kind: exit }).unwrap();
        let mut last = None;
        loop {
            let found = sources.poll();
            last = found.facts.or(last);
            if !found.more {
                break;
            }
        }
        let last = last.unwrap();
        assert_eq!((last.loading, last.step, last.state), (false, Some(1), Some(crate::model::RunState::Finished)));
    }
}
