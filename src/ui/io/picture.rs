//! A picture of the board, without a terminal.

use super::{
    files::{self, Drawing},
    person::{Looks, Person},
    rollouts,
    sources::Sources,
};
use crate::store::RunReader;
use crate::ui::{
    pane::{Event, Pane},
    theme::{Depth, Scheme},
};
use ratatui::{buffer::Buffer, layout::Rect};
use std::{io, path::PathBuf, time::Duration};

/// What a picture waits for the list of runs.
const PICTURE_WAIT_MAX: Duration = Duration::from_secs(5);

/// A picture of the board, without a terminal.
#[derive(Clone, Debug)]
pub struct Picture {
    /// Columns and rows.
    pub size: (u16, u16),
    /// Names and values, as `og set` takes them.
    pub set: Vec<(String, String)>,
    /// The folder whose runs are listed, where one was asked for.
    pub place: Option<PathBuf>,
    /// Its file; the ending says which kind: `.png`, `.svg`, `.ans` (ANSI colours), `.txt`. Without one it is text, and `-` is standard
    /// output.
    pub path: PathBuf,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// Something was to be set that cannot be.
    #[error("cannot set {0}")]
    Refused(String),
    /// The ending of the file says no kind of picture.
    #[error("cannot draw {}: the ending is .png, .svg, .ans (ANSI colours) or .txt", .0.display())]
    Ending(PathBuf),
    /// The file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Draws the board of a run into a file: what [`super::view`] would show on a terminal of that size once all is read.
pub fn picture(mut reader: RunReader, graphs: Vec<String>, looks: Looks, picture: &Picture) -> Result<(), PictureError> {
    let drawing = Drawing::of(&picture.path).ok_or_else(|| PictureError::Ending(picture.path.clone()))?;
    while reader.poll(RunReader::LOAD).more {}
    let mut sources = Sources::of_run(reader, picture.place.as_deref(), None);
    let facts = sources.poll().facts.unwrap_or_default();
    let mut person = Person::of_process(looks);
    // A picture has all colours, and no terminal of somebody's to ask.
    person.theme.depth = if looks.no_colour { Depth::None } else { Depth::True };
    person.faults.clear();
    let bright = person.theme.scheme == Scheme::Light;
    let mut board = person.board();
    board.view_alone(graphs);
    let view = picture.set.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    let area = Rect::new(0, 0, picture.size.0, picture.size.1);
    sources.with_scene(|scene| {
        for event in [Event::Resized(area.width, area.height), Event::Data(Box::new(facts)), Event::Set { number: 1, view }] {
            board.update(event, scene, Duration::ZERO);
        }
    });
    if board.wants().runs {
        sources.runs.list_now(PICTURE_WAIT_MAX);
        let listing = sources.runs.listing();
        sources.with_scene(|scene| board.update(Event::Runs(listing), scene, Duration::ZERO));
    }
    // The runs that are drawn over it.
    if sources.follow(board.wants().overlaid) {
        while sources.runs.poll().more {}
        let listing = sources.runs.listing();
        sources.with_scene(|scene| board.update(Event::Runs(listing), scene, Duration::ZERO));
    }
    let drawn = sources.with_scene(|scene| {
        if let Some(why) = board.shown(scene, area).refused.first() {
            return Err(PictureError::Refused(why.clone()));
        }
        rollouts::read_now(&mut board, sources.reader(), scene);
        let mut buf = Buffer::empty(area);
        board.draw(scene, area, &mut buf);
        Ok(buf)
    })?;
    files::draw(&picture.path, drawing, &drawn, bright).map_err(|source| PictureError::Write { path: picture.path.clone(), source })
}
