//! `og view`: the board in this terminal, or in a file.

use super::{
    args::{StoreArgs, ViewArgs},
    fail::Fail,
    open::{self, Asked},
};
use crate::{
    store::{Store, Whereabouts, settled},
    ui::{self, Looks, Picture},
};
use std::{
    ffi::{OsStr, OsString},
    fs::{self, DirBuilder, File},
    io,
    os::{
        fd::AsFd,
        unix::fs::{DirBuilderExt, FileTypeExt},
    },
    path::PathBuf,
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

/// `og view [PATH|RUN]`.
pub fn view(args: ViewArgs) -> Result<u8, Fail> {
    let read = open::read_options(&args.read)?;
    let (asked, name) = match (args.run, args.run_name) {
        (Some(run), name) => (run, name),
        (None, Some(name)) => (name.into(), None),
        (None, None) => (latest(&args.store)?, None),
    };
    let asked = Asked { run: &asked, name: name.as_deref(), store: &args.store, read: &read };
    let graphs = args.graphs.as_deref().map(open::graphs).transpose()?.unwrap_or_default();
    let looks = Looks { no_colour: args.no_color, ascii: args.ascii, scheme: args.theme, frame: args.ui };
    let place = PathBuf::from(asked.run);
    let place = place.is_dir().then(|| settled(&place));
    if let Some(path) = args.shot {
        let picture = Picture { size: args.size, set: args.set, place, path };
        ui::picture(open::newest(&asked)?, graphs, looks, &picture).map_err(|error| Fail::of("shot", &error, None))?;
        return Ok(0);
    }
    if !is_pipe(asked.run) {
        ui::view(open::newest(&asked)?, place.as_deref(), graphs, looks, args.set)?;
        return Ok(0);
    }
    let piped = Piped::take(asked.run)
        .map_err(|error| Fail::of("pipe", &error, None).about(format!("cannot take what comes from {}", asked.run.display())))?;
    let reader = open::newest(&Asked { run: piped.log.as_os_str(), ..asked })?;
    ui::view(reader, None, graphs, looks, args.set)?;
    Ok(0)
}

/// The newest run of the store.
fn latest(args: &StoreArgs) -> Result<OsString, Fail> {
    let store = Store::find(&Whereabouts::of_process(args.store.clone())?);
    let newest = match &store {
        Some(store) => store.runs()?.first().map(|run| store.run(run).path().as_os_str().to_owned()),
        None => None,
    };
    newest.ok_or_else(|| {
        Fail::new("no_run", "there is no run here yet").hint("name a file or a folder: `og view PATH`; or start one: `og run train.py`")
    })
}

/// Whether it can be read once only.
fn is_pipe(asked: &OsStr) -> bool {
    asked == "-" || fs::metadata(asked).is_ok_and(|file| file.file_type().is_fifo())
}

/// What comes from a pipe, in a file while it is looked at: whoever writes never waits for us, and nothing of ours runs
/// while nothing comes. It is gone afterwards.
struct Piped {
    dir: PathBuf,
    log: PathBuf,
}

impl Piped {
    fn take(from: &OsStr) -> io::Result<Piped> {
        let (path, is_stdin) = (PathBuf::from(from), from == "-");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        let dir = std::env::temp_dir().join(format!("og-view-{}-{now}", std::process::id()));
        DirBuilder::new().mode(0o700).create(&dir)?;
        let name = if is_stdin { Some(OsStr::new("stdin")) } else { path.file_name() };
        let piped = Piped { log: dir.join(name.unwrap_or(OsStr::new("pipe"))), dir };
        let mut log = File::create(&piped.log)?;
        let copy = move || -> io::Result<u64> {
            let mut input = if is_stdin { File::from(io::stdin().as_fd().try_clone_to_owned()?) } else { File::open(&path)? };
            io::copy(&mut input, &mut log)
        };
        thread::Builder::new().name("og-pipe".into()).spawn(copy)?;
        Ok(piped)
    }
}

impl Drop for Piped {
    fn drop(&mut self) {
        // What is left of it lies among other temporary files.
        let _ = fs::remove_dir_all(&self.dir);
    }
}
