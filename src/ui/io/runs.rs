//! The runs beside that of the canvas: a thread lists them while somebody looks, and those that are selected are followed.

use super::{
    catalog::{Catalog, Looked, now},
    wake::Woken,
};
use crate::{
    canvas::io::is_process,
    query::RunRow,
    source::{Budget, io::Watch},
    store::{RunReader, Store},
    ui::pane::{Listing, OVERLAID_MAX, Overlaid, Overlay},
};
use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread,
    time::{Duration, Instant},
};

/// What one turn may spend on loading selected runs.
const LOAD_TURN: Duration = Duration::from_millis(20);
/// Rows are handed over in pieces of so much work, so that a list fills before one's eyes.
const PIECE: Duration = Duration::from_millis(40);
/// After a look at all runs follows a rest so many times as long, and this at least.
const REST_SHARE: u32 = 48;
const REST: Duration = Duration::from_millis(250);
/// Reading runs for their best values waits so many times as long as it works: nobody sees it.
const READ_SHARE: u32 = 1;

/// What the thread is told.
enum Ask {
    /// Somebody looks at the list, or does not any more.
    Shown(bool),
    /// Files changed.
    Stirred,
}

/// What the thread tells.
pub struct Told {
    looked: Looked,
    listing: Listing,
}

/// The list of runs, and those that are followed.
pub struct Runs {
    places: Vec<PathBuf>,
    /// Where remarks on runs of other trackers lie.
    stores: Vec<Store>,
    lister: Option<SyncSender<Ask>>,
    shown: bool,
    /// Newest first.
    rows: Vec<RunRow>,
    listing: Listing,
    followed: Vec<Followed>,
    wanted: Vec<Overlay>,
}

/// A run that is followed.
struct Followed {
    overlay: Overlay,
    reader: RunReader,
    /// No look at it has reached its end yet.
    loading: bool,
}

/// What a look at the followed runs came to.
#[derive(Default)]
pub struct Followup {
    /// Something in them changed.
    pub changed: bool,
    /// Some have more to be read.
    pub more: bool,
    /// Poll again after so long.
    pub again: Option<Duration>,
    /// Files that are to be watched as well.
    pub paths: Vec<PathBuf>,
}

impl Runs {
    /// Nothing is listed and followed yet.
    pub fn new(places: Vec<PathBuf>) -> Runs {
        Runs {
            places,
            stores: vec![],
            lister: None,
            shown: false,
            rows: vec![],
            listing: Listing::default(),
            followed: vec![],
            wanted: vec![],
        }
    }

    /// Looks also at runs in this place.
    pub fn add_place(&mut self, place: PathBuf) {
        if !self.places.contains(&place) {
            self.places.push(place);
        }
    }

    /// Knows also what is remarked in this store on runs of other trackers.
    pub fn add_store(&mut self, store: Store) {
        if !self.stores.contains(&store) {
            self.stores.push(store);
        }
    }

    /// Looks at all runs again, if somebody looks: something was remarked on one of them.
    pub fn stir(&self) {
        // A bell that cannot be rung because it rings already is heard anyway.
        self.lister.iter().for_each(|lister| drop(lister.try_send(Ask::Stirred)));
    }

    /// All runs that are known, newest first.
    pub fn rows(&self) -> &[RunRow] {
        &self.rows
    }

    /// How the list stands.
    pub fn listing(&self) -> Listing {
        Listing { at: now(), ..self.listing.clone() }
    }

    /// The followed runs; never the one at `own`.
    pub fn overlaid(&self, own: Option<&Path>) -> Vec<Overlaid<'_>> {
        let others = self.followed.iter().filter(|followed| Some(followed.overlay.path.as_path()) != own);
        others
            .map(|Followed { overlay, reader, .. }| Overlaid {
                name: &overlay.name,
                colour: overlay.colour,
                picture: reader.picture(),
                pinned: overlay.pinned,
                group: overlay.group.as_deref(),
            })
            .collect()
    }

    /// The group that the run at `own` is in.
    pub fn group_of(&self, own: Option<&Path>) -> Option<&str> {
        self.wanted.iter().find(|overlay| Some(overlay.path.as_path()) == own)?.group.as_deref()
    }

    /// Lists runs while `shown`. The first time it starts the thread that does.
    pub fn show(&mut self, shown: bool, tell: &SyncSender<Woken>) {
        if shown == self.shown {
            return;
        }
        self.shown = shown;
        if shown && self.lister.is_none() {
            match start(self.catalog(), tell.clone()) {
                Ok(lister) => self.lister = Some(lister),
                Err(error) => self.listing.problems = vec![format!("cannot start a thread: {error}")],
            }
        }
        if let Some(lister) = &self.lister {
            // The thread takes what it is told within a piece of its work.
            let _ = lister.send(Ask::Shown(shown));
        }
    }

    fn catalog(&self) -> Catalog {
        Catalog::new(self.places.clone(), is_process).with_remarks(self.stores.clone())
    }

    /// Lists runs here and now, for so long at most: for a picture, which nobody waits for line by line.
    pub fn list_now(&mut self, at_most: Duration) {
        let start = Instant::now();
        let mut catalog = self.catalog();
        let mut looked = catalog.find();
        while catalog.left() != (0, 0) && start.elapsed() < at_most {
            looked.rows.extend(catalog.go_on(PIECE).rows);
        }
        let listing = listing(&catalog);
        self.take(Told { looked, listing });
    }

    /// Follows these runs and no others; whether that changed anything. The run at `own` is read anyway.
    pub fn follow(&mut self, wanted: Vec<Overlay>, own: Option<&Path>) -> bool {
        if wanted == self.wanted {
            return false;
        }
        let mut before: HashMap<PathBuf, Followed> =
            std::mem::take(&mut self.followed).into_iter().map(|followed| (followed.overlay.path.clone(), followed)).collect();
        for overlay in wanted.iter().filter(|overlay| Some(overlay.path.as_path()) != own).take(OVERLAID_MAX) {
            if let Some(followed) = before.remove(&overlay.path) {
                self.followed.push(Followed { overlay: overlay.clone(), ..followed });
                continue;
            }
            match RunReader::open(&overlay.path) {
                Ok(reader) => self.followed.push(Followed { overlay: overlay.clone(), reader, loading: true }),
                Err(error) => self.listing.problems.push(format!("{}: {}", overlay.name, super::chain(&error))),
            }
        }
        self.wanted = wanted;
        true
    }

    /// Takes what the thread found.
    pub fn take(&mut self, told: Told) {
        let Told { looked, listing } = told;
        self.listing = listing;
        let mut fresh: HashMap<PathBuf, RunRow> = looked.rows.into_iter().map(|row| (row.path.clone(), row)).collect();
        self.rows.retain(|row| !looked.gone.contains(&row.path));
        for row in &mut self.rows {
            if let Some(new) = fresh.remove(&row.path) {
                *row = new;
            }
        }
        self.rows.extend(fresh.into_values());
        let time = |row: &RunRow| row.time().unwrap_or(f64::NEG_INFINITY);
        self.rows.sort_by(|a, b| time(b).total_cmp(&time(a)).then_with(|| b.id.cmp(&a.id)).then_with(|| a.path.cmp(&b.path)));
    }

    /// Reads what is new in the followed runs.
    pub fn poll(&mut self) -> Followup {
        let start = Instant::now();
        let mut found = Followup::default();
        for Followed { reader, loading, .. } in &mut self.followed {
            let left = LOAD_TURN.saturating_sub(start.elapsed());
            if *loading && left.is_zero() {
                found.more = true;
                continue;
            }
            let budget = if *loading { Budget { time_max: left, ..RunReader::LOAD } } else { RunReader::LIVE };
            let polled = reader.poll(budget);
            if polled.paths_changed || *loading {
                found.paths.extend(reader.paths());
            }
            found.changed |= polled.changed || *loading && !polled.more;
            found.more |= polled.more;
            *loading &= polled.more;
            found.again = [found.again, polled.again].into_iter().flatten().min();
        }
        found
    }
}

fn start(catalog: Catalog, tell: SyncSender<Woken>) -> io::Result<SyncSender<Ask>> {
    let (asks, inbox) = sync_channel(8);
    let bell = asks.clone();
    let list = move || {
        // A bell that cannot be rung because it rings already is heard anyway.
        let wake = move || drop(bell.try_send(Ask::Stirred));
        let watch = Watch::new(wake).inspect_err(|error| tracing::warn!(%error, "runs are listed when somebody looks")).ok();
        Lister { catalog, watch, tell, shown: false, stirred: true, last: Listing::default() }.run(&inbox);
    };
    thread::Builder::new().name("og-runs".into()).spawn(list)?;
    Ok(asks)
}

/// How the list of a catalog stands.
fn listing(catalog: &Catalog) -> Listing {
    Listing {
        left: catalog.left().0,
        places: catalog.searched().map(|place| place.display().to_string()).collect(),
        problems: catalog.problems().collect(),
        at: now(),
    }
}

struct Lister {
    catalog: Catalog,
    watch: Option<Watch>,
    tell: SyncSender<Woken>,
    shown: bool,
    /// Files changed since the last look at all of them.
    stirred: bool,
    /// What was told last.
    last: Listing,
}

impl Lister {
    fn run(mut self, inbox: &Receiver<Ask>) {
        let mut rest = Instant::now();
        loop {
            let (unseen, unread) = self.catalog.left();
            let is_idle = !self.shown || !self.stirred && unseen + unread == 0;
            let heard = match is_idle {
                true => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
                false => inbox.recv_timeout(rest.saturating_duration_since(Instant::now())),
            };
            match heard {
                Ok(Ask::Shown(shown)) => {
                    self.shown = shown;
                    // What changed while nobody looked was not all heard of.
                    self.stirred |= shown;
                    rest = Instant::now();
                    continue;
                }
                Ok(Ask::Stirred) => {
                    self.stirred = true;
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
            let start = Instant::now();
            let told = self.turn();
            let worked = start.elapsed();
            rest = Instant::now()
                + match self.catalog.left() {
                    (0, 0) => (worked * REST_SHARE).max(REST),
                    (0, _) => worked * READ_SHARE,
                    _ => Duration::ZERO,
                };
            if told.is_err() {
                return;
            }
        }
    }

    /// One piece of work; an error when nobody listens any more.
    fn turn(&mut self) -> Result<(), ()> {
        let looked = if std::mem::take(&mut self.stirred) { self.catalog.find() } else { self.catalog.go_on(PIECE) };
        let is_done = self.catalog.left() == (0, 0);
        if is_done && let Some(watch) = &mut self.watch {
            self.catalog.watched().iter().for_each(|path| watch.add(path));
        }
        let listing = listing(&self.catalog);
        let last = std::mem::replace(&mut self.last, listing.clone());
        if looked.rows.is_empty() && looked.gone.is_empty() && (Listing { at: listing.at, ..last }) == listing {
            return Ok(());
        }
        self.tell.send(Woken::Runs(Box::new(Told { looked, listing }))).map_err(drop)
    }
}
