//! Reads a JSON object of any shape as one row: nested names are joined with `.`, and numbers may be texts.

use super::{
    columns::{Axis, Place, RowOptions, whole_text},
    json::{Cursor, Token},
    keys::Keys,
};
use std::ops::Range;

/// Reads the objects of one source.
#[derive(Default)]
pub(super) struct Flat {
    axis: Axis,
    /// The names of the row one behind the other, and its numbers.
    names: String,
    cells: Vec<(Range<usize>, f64)>,
    /// Names of the objects that the cursor is in, each with its `.`.
    path: String,
}

impl Flat {
    pub(super) fn new(options: RowOptions) -> Flat {
        Flat { axis: Axis::new(options), ..Flat::default() }
    }

    /// The same reader at the start of a source.
    pub(super) fn renew(&mut self) {
        self.axis.renew();
    }

    /// Rows were passed over.
    pub(super) fn jump(&mut self) {
        self.axis.jump();
    }

    /// Reads the object at the cursor and puts its numbers into the row of `keys`; step and time stay out of it.
    /// `None`: it is not JSON, and the row is to be dropped.
    pub(super) fn read(&mut self, cursor: &mut Cursor, keys: &mut Keys) -> Option<Place> {
        self.names.clear();
        self.cells.clear();
        self.path.clear();
        self.axis.begin();
        self.object(cursor)?;
        let place = self.axis.place();
        for (at, (name, number)) in self.cells.iter().enumerate() {
            if ![place.step_cell, place.time_cell].contains(&Some(at)) {
                keys.put(&self.names[name.clone()], *number);
            }
        }
        Some(place)
    }

    fn object(&mut self, cursor: &mut Cursor) -> Option<()> {
        cursor.object(|cursor, key| {
            let token = cursor.token()?;
            if let Token::Object = token {
                let back = self.path.len();
                self.path.extend([&*key, "."]);
                self.object(cursor)?;
                self.path.truncate(back);
                return Some(());
            }
            let start = self.names.len();
            self.names.extend([&*self.path, &*key]);
            let (name, at) = (start..self.names.len(), self.cells.len());
            let role = self.axis.role(&self.names[name.clone()]);
            let number = match &token {
                Token::Number(number) => Some(*number),
                Token::Text(text) => whole_text(text),
                _ => None,
            };
            match (number, &token) {
                (Some(number), _) => {
                    self.axis.number(role, at, number);
                    self.cells.push((name, number));
                }
                // A cell that is no number has no place among the cells, so none is named by this one.
                (None, Token::Text(text)) => self.axis.text(role, usize::MAX, text),
                _ => {}
            }
            Some(())
        })
    }
}
