//! The runs beside that of the canvas: a thread lists them while somebody looks, and those that are selected are followed.

use super::{
    catalog::{Catalog, Looked, now},
    wake::Woken,
};
use crate::{
    canvas::io::is_process,
    query::{RunRow, runs::doubled},
    source::{Budget, io::Watch},
    store::{RunReader, Store, settled},
    ui::pane::{Listing, OVERLAID_MAX, Overlaid, Overlay},
};
use std::{
    collections::{HashMap, HashSet},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
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

/// What the thread is asked, and the bell that makes it look. Whoever asks never waits, whatever the thread is doing.
#[derive(Clone)]
struct Asks {
    asked: Arc<Asked>,
    bell: SyncSender<()>,
}

#[derive(Default)]
struct Asked {
    /// Somebody looks at the list.
    shown: AtomicBool,
    /// Files may have changed since the last look at all of them.
    stirred: AtomicBool,
}

impl Asks {
    /// With what rings when something is asked.
    fn new() -> (Asks, Receiver<()>) {
        let (bell, rung) = sync_channel(1);
        (Asks { asked: Arc::default(), bell }, rung)
    }

    fn show(&self, shown: bool) {
        self.asked.shown.store(shown, Ordering::SeqCst);
        // What changed while nobody looked was not all heard of.
        if shown { self.stir() } else { self.ring() }
    }

    fn stir(&self) {
        self.asked.stirred.store(true, Ordering::SeqCst);
        self.ring();
    }

    fn ring(&self) {
        // One that rings already is heard behind what was asked just now.
        let _ = self.bell.try_send(());
    }
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
    lister: Option<Asks>,
    shown: bool,
    /// Newest first; behind the first `listed` those that others of them are as well.
    rows: Vec<RunRow>,
    listed: usize,
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
            listed: 0,
            listing: Listing::default(),
            followed: vec![],
            wanted: vec![],
        }
    }

    /// Looks also at runs in this place.
    pub fn add_place(&mut self, place: PathBuf) {
        let place = settled(&place);
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
        self.lister.iter().for_each(Asks::stir);
    }

    /// All runs that are known, each once, newest first.
    pub fn rows(&self) -> &[RunRow] {
        &self.rows[..self.listed]
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

    /// How the run at `own` is selected; `None`: it is not.
    pub fn wanted_at(&self, own: Option<&Path>) -> Option<&Overlay> {
        self.wanted.iter().find(|overlay| Some(overlay.path.as_path()) == own)
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
            lister.show(shown);
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
        let doubled: HashSet<PathBuf> = doubled(&self.rows).into_iter().map(Path::to_owned).collect();
        self.listed = self.rows.iter().filter(|row| !doubled.contains(&row.path)).count();
        let (time, is_doubled) = (|row: &RunRow| row.time().unwrap_or(f64::NEG_INFINITY), |row: &RunRow| doubled.contains(&row.path));
        self.rows.sort_by(|a, b| {
            let by_time = || time(b).total_cmp(&time(a)).then_with(|| b.id.cmp(&a.id)).then_with(|| a.path.cmp(&b.path));
            is_doubled(a).cmp(&is_doubled(b)).then_with(by_time)
        });
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

fn start(catalog: Catalog, tell: SyncSender<Woken>) -> io::Result<Asks> {
    let (asks, rung) = Asks::new();
    let Asks { asked, .. } = asks.clone();
    let stirrer = asks.clone();
    let list = move || {
        let wake = move || stirrer.stir();
        let watch = Watch::new(wake).inspect_err(|error| tracing::warn!(%error, "runs are listed when somebody looks")).ok();
        Lister { catalog, watch, tell, asked, shown: false, last: Listing::default() }.run(&rung);
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
    asked: Arc<Asked>,
    shown: bool,
    /// What was told last.
    last: Listing,
}

impl Lister {
    fn run(mut self, rung: &Receiver<()>) {
        let mut rest = Instant::now();
        loop {
            let before = std::mem::replace(&mut self.shown, self.asked.shown.load(Ordering::SeqCst));
            if self.shown && !before {
                rest = Instant::now();
                // Who looks again hears how the list stands, also when nothing changed meanwhile.
                self.last = Listing::default();
            }
            let (unseen, unread) = self.catalog.left();
            let is_idle = !self.shown || !self.asked.stirred.load(Ordering::SeqCst) && unseen + unread == 0;
            let heard = match is_idle {
                true => rung.recv().map_err(|_| RecvTimeoutError::Disconnected),
                false => rung.recv_timeout(rest.saturating_duration_since(Instant::now())),
            };
            match heard {
                Ok(()) => continue,
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
        let looked = if self.asked.stirred.swap(false, Ordering::SeqCst) { self.catalog.find() } else { self.catalog.go_on(PIECE) };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::WallTime,
        store::{NewRun, Whereabouts},
    };

    #[test]
    fn whoever_leaves_the_list_does_not_wait_for_the_thread() {
        let (tell, _inbox) = sync_channel(1);
        // A thread that is in the middle of a long look.
        let (asks, rung) = Asks::new();
        let mut runs = Runs { lister: Some(asks.clone()), ..Runs::new(vec![]) };
        for turn in 0..100 {
            asks.stir();
            runs.show(turn % 2 == 0, &tell);
        }
        assert_eq!((rung.try_iter().count(), asks.asked.shown.load(Ordering::SeqCst)), (1, false), "it hears the last word");
    }

    #[test]
    fn a_run_that_another_one_logs_to_a_tracker_is_listed_while_that_is_not_there() {
        let row = |path: &str, trackers: &[&str]| RunRow {
            path: path.into(),
            trackers: trackers.iter().map(PathBuf::from).collect(),
            ..RunRow::default()
        };
        let told = |rows: Vec<RunRow>, gone: &[&str]| Told {
            looked: Looked { rows, gone: gone.iter().map(PathBuf::from).collect() },
            listing: Listing::default(),
        };
        let mut runs = Runs::new(vec![]);
        let listed = |runs: &Runs| runs.rows().iter().map(|row| row.path.display().to_string()).collect::<String>();
        runs.take(told(vec![row("b", &[]), row("c", &[])], &[]));
        assert_eq!(listed(&runs), "bc");
        runs.take(told(vec![row("a", &["b"])], &[]));
        assert_eq!(listed(&runs), "ac");
        runs.take(told(vec![], &["a"]));
        assert_eq!(listed(&runs), "bc");
    }

    #[test]
    fn the_list_comes_when_somebody_looks_and_when_files_changed() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::find_or_make(&Whereabouts { cwd: dir.path().to_owned(), ..Whereabouts::default() }).unwrap();
        let make = |n: u32| store.create_run(NewRun::default(), WallTime::new(f64::from(n)).unwrap(), n.into()).unwrap();
        make(1);
        let (tell, inbox) = sync_channel(8);
        let mut runs = Runs::new(vec![store.root().to_owned()]);
        let listed = |runs: &mut Runs, count: usize| {
            while runs.rows().len() < count {
                let Ok(Woken::Runs(told)) = inbox.recv_timeout(Duration::from_secs(60)) else { panic!("the list does not come") };
                runs.take(*told);
            }
        };
        runs.show(true, &tell);
        listed(&mut runs, 1);
        runs.show(false, &tell);
        make(2);
        runs.show(true, &tell);
        listed(&mut runs, 2);
        make(3);
        runs.stir();
        listed(&mut runs, 3);
    }
}
