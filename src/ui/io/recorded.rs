//! What programs recorded, on a board without a terminal: for tests, which press keys and look.

use super::{canvas::CanvasFiles, rollouts, runs::Runs, sources::Sources};
use crate::store::RunReader;
use crate::ui::{
    board::Board,
    pane::{Event, Listing, Pane, Scene},
};
use ratatui::{buffer::Buffer, layout::Rect};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// Something that was recorded, and that can be opened as often as one likes.
pub struct Case {
    path: PathBuf,
    store: Option<PathBuf>,
    canvas: Option<PathBuf>,
    /// What is made of it for the time of a test.
    _dir: Option<tempfile::TempDir>,
}

impl Case {
    /// A run of the store that og recorded, by its name.
    pub fn og(name: &str) -> Case {
        let store = fixture("og/char-lm");
        let is_it = |run: &PathBuf| {
            let text = std::fs::read_to_string(run.join("run.json")).unwrap();
            serde_json::from_str::<serde_json::Value>(&text).unwrap()["name"] == name
        };
        let run = std::fs::read_dir(store.join("runs")).unwrap().map(|run| run.unwrap().path()).find(is_it).unwrap();
        let canvas = store.join("canvas").join(name);
        Case { path: run, canvas: canvas.is_dir().then_some(canvas), store: Some(store), _dir: None }
    }

    /// A file of some tracker.
    pub fn file(path: &str) -> Case {
        Case { path: fixture(path), store: None, canvas: None, _dir: None }
    }

    /// A run of a database that is kept as text.
    pub fn dump(path: &str, database: &str, run: &str) -> Case {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().join(database);
        let sql = std::fs::read_to_string(fixture(path)).unwrap();
        rusqlite::Connection::open(&at).unwrap().execute_batch(&sql).unwrap();
        let path = format!("{}{run}", at.display()).into();
        Case { path, store: None, canvas: None, _dir: Some(dir) }
    }

    /// A board on it; `at`: Unix time.
    pub fn open(&self, at: f64, board: Board) -> Recorded {
        let recorded = Recorded::open(&self.path, self.store.as_deref(), at, board);
        match &self.canvas {
            Some(dir) => recorded.in_canvas(dir),
            None => recorded,
        }
    }
}

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path)
}

/// A board on a run that is read to its end, and on the runs around it.
pub struct Recorded {
    pub board: Board,
    sources: Sources,
    area: Rect,
    /// Unix time at which somebody looks.
    at: f64,
    now: Duration,
}

impl Recorded {
    /// The run at `path`, among those of `store`; `at`: Unix time.
    fn open(path: &Path, store: Option<&Path>, at: f64, board: Board) -> Recorded {
        let mut reader = RunReader::open(path).unwrap();
        while reader.poll(RunReader::LOAD).more {}
        let mut sources = Sources::of_run(reader, None, None);
        sources.runs = Runs::new(store.into_iter().map(Path::to_owned).collect());
        let facts = sources.poll().facts.unwrap();
        let mut recorded = Recorded { board, sources, area: Rect::ZERO, at, now: Duration::ZERO };
        recorded.board.view_alone(vec![]);
        recorded.tell(Event::Data(Box::new(facts)));
        recorded
    }

    /// In the canvas whose folder this is.
    fn in_canvas(mut self, dir: &Path) -> Recorded {
        let mut canvas = CanvasFiles::new(dir, Path::new(""));
        canvas.poll();
        self.sources.canvas = Some(canvas);
        self
    }

    /// On a screen of this size.
    pub fn resize(&mut self, (width, height): (u16, u16)) {
        self.area = Rect::new(0, 0, width, height);
        self.tell(Event::Resized(width, height));
    }

    /// Takes an event, and reads at once whatever is wanted then.
    pub fn tell(&mut self, event: Event) {
        self.now += Duration::from_millis(400);
        let (board, now) = (&mut self.board, self.now);
        self.sources.with_scene(|scene| board.update(event, scene, now));
        if board.wants().runs && self.sources.runs.rows().is_empty() {
            self.sources.runs.list_now(Duration::from_secs(60));
            self.hear();
        }
        let own = self.sources.run.clone();
        if self.sources.runs.follow(self.board.wants().overlaid, own.as_deref()) {
            while self.sources.runs.poll().more {}
            self.hear();
        }
        let board = &mut self.board;
        self.sources.with_scene(|scene| rollouts::read_now(board, self.sources.reader(), scene));
    }

    fn hear(&mut self) {
        let listing = Listing { at: self.at, ..self.sources.runs.listing() };
        let (board, now) = (&mut self.board, self.now);
        self.sources.with_scene(|scene| board.update(Event::Runs(listing), scene, now));
    }

    /// What somebody looks at.
    pub fn look<T>(&self, look: impl FnOnce(&Board, Scene<'_>) -> T) -> T {
        self.sources.with_scene(|scene| look(&self.board, scene))
    }

    pub fn buffer(&self) -> Buffer {
        let mut buf = Buffer::empty(self.area);
        self.look(|board, scene| board.draw(scene, buf.area, &mut buf));
        buf
    }
}
