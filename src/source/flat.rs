//! Reads a JSON object of any shape as one row: nested names are joined with `.`, and numbers may be texts.
//!
//! Of a short array, numbers are named by their places (`lr.0`), and objects by their `name` or their places (`groups.head.lr`).
//! A longer one is data, such as a histogram, and says nothing here.

use super::{
    columns::{Axis, Place, Role, RowOptions, whole_text},
    json::{Cursor, Token},
    keys::{Keys, NAME_BYTES_MAX},
    splits::Splits,
};
use std::{borrow::Cow, ops::Range};

/// Most numbers of an array that are read: the learning rates of parameter groups and the like.
const NUMBERS_MAX: usize = 16;

/// Most objects of one: classes and tasks are more.
const OBJECTS_MAX: usize = 128;

/// Reads the objects of one source.
#[derive(Default)]
pub(super) struct Flat {
    axis: Axis,
    splits: Splits,
    /// The names of the row one behind the other, and its numbers.
    names: String,
    cells: Vec<(Range<usize>, f64)>,
    /// Names of the objects that the cursor is in, each with its `.`.
    path: String,
    /// The cursor is in an array: nothing there is the step or the time of the row.
    in_array: bool,
    /// Some number of the row is not one of a list, as many settings are.
    is_row: bool,
}

impl Flat {
    pub(super) fn new(options: RowOptions) -> Flat {
        Flat { axis: Axis::new(options), ..Flat::default() }
    }

    /// The same reader at the start of a source.
    pub(super) fn renew(&mut self) {
        self.axis.renew();
        self.splits = Splits::default();
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
        (self.in_array, self.is_row) = (false, false);
        self.axis.begin();
        self.object(cursor)?;
        let place = self.axis.place();
        if !self.is_row {
            self.cells.clear();
        }
        for (at, (name, number)) in self.cells.iter().enumerate() {
            if ![place.step_cell, place.time_cell].contains(&Some(at)) {
                self.splits.put(place.split, &self.names[name.clone()], *number, keys);
            }
        }
        Some(place)
    }

    fn object(&mut self, cursor: &mut Cursor) -> Option<()> {
        cursor.object(|cursor, key| {
            if self.path.len() + key.len() > NAME_BYTES_MAX {
                return cursor.skip();
            }
            if cursor.peek()? == b'[' {
                return if self.in_array { cursor.skip() } else { self.array(cursor, &key) };
            }
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
            let role = if self.in_array { Role::Value } else { self.axis.role(&self.names[name.clone()]) };
            let number = match &token {
                Token::Number(number) => Some(*number),
                Token::Text(text) => whole_text(text),
                _ => None,
            };
            match (number, &token) {
                (Some(number), _) => {
                    self.is_row |= !self.in_array;
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

    /// Reads the array called `key`. What it has too many of is taken back.
    fn array(&mut self, cursor: &mut Cursor, key: &str) -> Option<()> {
        let (back, cells, names) = (self.path.len(), self.cells.len(), self.names.len());
        self.path.extend([key, "."]);
        self.in_array = true;
        let (in_array, mut at, mut numbers) = (self.path.len(), 0, 0);
        cursor.array(|cursor| {
            let first = cursor.peek()?;
            match first {
                b'{' if at < OBJECTS_MAX => {
                    match name(cursor) {
                        Some(name) if self.path.len() + name.len() > NAME_BYTES_MAX => return cursor.skip(),
                        Some(name) => self.path.extend([&*name, "."]),
                        None => self.path.extend([&*at.to_string(), "."]),
                    }
                    self.object(cursor)?;
                    self.path.truncate(in_array);
                }
                b'0'..=b'9' | b'-' | b'N' | b'I' if numbers < NUMBERS_MAX => {
                    let Token::Number(number) = cursor.token()? else { return None };
                    let start = self.names.len();
                    self.names.extend([&*self.path, &*at.to_string()]);
                    self.cells.push((start..self.names.len(), number));
                }
                _ => cursor.skip()?,
            }
            at += 1;
            numbers += usize::from(first != b'{');
            Some(())
        })?;
        self.in_array = false;
        self.path.truncate(back);
        if numbers > NUMBERS_MAX || at > OBJECTS_MAX {
            self.cells.truncate(cells);
            self.names.truncate(names);
        }
        Some(())
    }
}

/// The `name` of the object at the cursor.
fn name<'a>(cursor: &Cursor<'a>) -> Option<Cow<'a, str>> {
    let mut name = None;
    let mut read = cursor.clone();
    read.object(|cursor, key| match (&*key, cursor.peek()?) {
        ("name", b'"') => cursor.string().map(|text| name = Some(text)),
        _ => cursor.skip(),
    })?;
    name.filter(|name| !name.is_empty())
}
