//! What programs recorded, on a board without a terminal: for tests, which press keys and look.

use super::{Runs, Sources, rollouts};
use crate::canvas::io::ChatTail;
use crate::store::RunReader;
use crate::ui::{
    board::Board,
    pane::{Event, Listing, Pane, Scene},
};
use ratatui::{buffer::Buffer, layout::Rect};
use std::{path::Path, time::Duration};

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
    pub fn open(path: &Path, store: Option<&Path>, at: f64, board: Board) -> Recorded {
        let mut reader = RunReader::open(path).unwrap();
        while reader.poll(RunReader::LOAD).more {}
        let mut sources = Sources::of_run(reader, None);
        sources.runs = Runs::new(store.into_iter().map(Path::to_owned).collect());
        let facts = sources.poll().facts.unwrap();
        let mut recorded = Recorded { board, sources, area: Rect::ZERO, at, now: Duration::ZERO };
        recorded.board.view_alone(vec![]);
        recorded.tell(Event::Data(Box::new(facts)));
        recorded
    }

    /// In the canvas whose folder this is.
    pub fn in_canvas(mut self, dir: &Path) -> Recorded {
        let mut chat = ChatTail::new(dir);
        chat.poll();
        self.sources.chat = Some(chat);
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
        self.sources.with_scene(|scene| rollouts::read_now(board, self.sources.reader.as_ref(), scene));
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
