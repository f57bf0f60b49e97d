//! Reads a JSON object of any shape as one row: nested names are joined with `.`, and numbers may be texts.
//!
//! Of a short array, numbers are named by their places (`lr.0`), and objects by their `name` or their places (`groups.head.lr`).
//! A longer one is data, such as a histogram, and says nothing here. The value of a point has the name that a text beside it gives
//! (`{"step": 1, "metric": "loss", "value": 0.5}`); rows are points where no other number stands in the first of them.

use super::{
    columns::{Axis, Fact, Facts, Place, Role, RowOptions, Says, point},
    json::{Cursor, Token},
    keys::{KEYS_MAX, Keys, NAME_BYTES_MAX, TooMuch},
    splits::Splits,
    texts,
};
use std::borrow::Cow;

/// Most numbers of an array that are read: the learning rates of parameter groups and the like.
const NUMBERS_MAX: usize = 16;

/// Most objects of one: classes and tasks are more.
const OBJECTS_MAX: usize = 128;

/// Most values of a row that are looked at: some times as many as a source may have keys.
const SEATS_MAX: usize = 4 * KEYS_MAX;

/// Most bytes of the names of a row: each is made of all names above it, so they may be thousands of times as long as the row.
const ROW_BYTES_MAX: usize = 16 << 20;

/// Reads the objects of one source.
#[derive(Default)]
pub(super) struct Flat {
    axis: Axis,
    splits: Splits,
    /// The values of the row, and behind `taken` those that a longer row before it had.
    seats: Vec<Seat>,
    taken: usize,
    /// Bytes of the names of the row, and what all names in `seats` take.
    bytes: usize,
    held: usize,
    /// Names of the objects that the cursor is in, each with its `.`.
    path: String,
    /// The cursor is in an array: nothing there is the step or the time of the row.
    in_array: bool,
    /// The text of the last value of the row that may name a metric.
    metric: String,
    /// Some number of the row is not one of a list, as many settings are.
    is_row: bool,
    /// Something of the row is passed over because of its name.
    too_much: Option<TooMuch>,
    /// Rows with a metric and its value are points: the first of them told it for all.
    has_points: Option<bool>,
}

/// A value of a row. Rows mostly repeat the names of the row before in the same order, so what the name in its place means is kept.
struct Seat {
    name: String,
    role: Role,
    number: Option<f64>,
}

impl Flat {
    pub(super) fn new(options: RowOptions) -> Flat {
        Flat { axis: Axis::new(options), ..Flat::default() }
    }

    /// The same reader at the start of a source.
    pub(super) fn renew(&mut self) {
        self.axis.renew();
        (self.splits, self.has_points) = (Splits::default(), None);
    }

    /// Rows were passed over.
    pub(super) fn jump(&mut self) {
        self.splits.jump(self.axis.has_rows());
        self.axis.jump();
    }

    /// See [`Axis::is_open`].
    pub(super) fn is_open(&self) -> bool {
        self.axis.is_open()
    }

    /// See [`Axis::facts`].
    pub(super) fn facts(&self) -> &Facts {
        self.axis.facts()
    }

    /// See [`Axis::learn`].
    pub(super) fn learn(&mut self, fact: Fact) {
        self.axis.learn(fact);
    }

    /// See [`Axis::is_mistaken`].
    pub(super) fn is_mistaken(&self) -> bool {
        self.axis.is_mistaken() || self.splits.are_doubtful()
    }

    /// Reads the object at the cursor and puts its numbers into the row of `keys`; step and time stay out of it.
    /// `None`: it is not JSON, and the row is to be dropped.
    pub(super) fn read(&mut self, cursor: &mut Cursor, keys: &mut Keys) -> Option<Place> {
        self.path.clear();
        self.metric.clear();
        (self.taken, self.bytes, self.in_array, self.is_row, self.too_much) = (0, 0, false, false, None);
        if self.held > ROW_BYTES_MAX {
            (self.seats, self.held) = (vec![], 0);
        }
        self.axis.begin();
        self.object(cursor)?;
        let place = self.axis.place();
        if let Some(why) = self.too_much {
            keys.turn_away(why);
        }
        if !self.is_row {
            return Some(place);
        }
        self.splits.of_run(self.axis.run(&place));
        let seats = &self.seats[..self.taken];
        let is_other = |(at, seat): (usize, &Seat)| {
            matches!(seat.role, Role::Value | Role::Run(_)) && !place.is_of_run(at, seat.role) && seat.number.is_some()
        };
        let point = if self.metric.is_empty() { None } else { point(seats.iter().map(|seat| seat.role).enumerate()) };
        let point = point.filter(|(_, value)| seats[*value].number.is_some());
        if self.has_points.is_none() && point.is_some() {
            self.axis.first_point();
        }
        let point = point.filter(|_| *self.has_points.get_or_insert_with(|| !seats.iter().enumerate().any(is_other)));
        for (at, seat) in seats.iter().enumerate() {
            let is_place = [place.step_cell, place.time_cell].contains(&Some(at)) || place.is_of_run(at, seat.role);
            if let Some(number) = seat.number.filter(|_| !is_place) {
                let is_of_metric = point.is_some_and(|(_, value)| value == at);
                self.splits.put(place.split, if is_of_metric { &self.metric } else { &seat.name }, number, keys);
            }
        }
        Some(place)
    }

    fn object(&mut self, cursor: &mut Cursor) -> Option<()> {
        cursor.object(|cursor, key| {
            let too_much = match () {
                () if self.path.len() + key.len() > NAME_BYTES_MAX => Some(TooMuch::Name),
                () if self.taken >= SEATS_MAX => Some(TooMuch::Keys),
                () if self.bytes >= ROW_BYTES_MAX => Some(TooMuch::Names),
                () => None,
            };
            if too_much.is_some() {
                // A text is no value that would be missed.
                self.too_much = if cursor.peek()? == b'"' { self.too_much } else { too_much };
                return cursor.skip();
            }
            let first = cursor.peek()?;
            if first == b'[' {
                return if self.in_array { cursor.skip() } else { self.array(cursor, &key) };
            }
            let (number, text) = match cursor.token()? {
                Token::Number(number) => (Some(number), None),
                Token::Text(text) => (texts::number(&text, b','), Some(text)),
                Token::Other if matches!(first, b't' | b'f') => {
                    let (at, role) = self.sit(&key, None);
                    if let Role::Split(Says::Flag(_)) = role
                        && !self.in_array
                    {
                        self.axis.text(role, at, if first == b't' { "true" } else { "false" });
                    }
                    return Some(());
                }
                Token::Other => return Some(()),
                Token::Object => {
                    let back = self.path.len();
                    self.path.extend([&*key, "."]);
                    self.object(cursor)?;
                    self.path.truncate(back);
                    return Some(());
                }
            };
            let (at, role) = self.sit(&key, number);
            match (number, text) {
                _ if self.in_array => {}
                (Some(number), _) => {
                    self.is_row = true;
                    self.axis.number(role, at, number);
                }
                (None, Some(text)) if role == Role::MetricName => text.as_ref().clone_into(&mut self.metric),
                (None, Some(text)) => self.axis.text(role, at, &text),
                (None, None) => {}
            }
            Some(())
        })
    }

    /// Adds a value to the row: where it sits, and what it is by its name.
    fn sit(&mut self, key: &str, number: Option<f64>) -> (usize, Role) {
        let at = self.taken;
        self.taken += 1;
        self.bytes += self.path.len() + key.len();
        // Not by `strip_prefix` alone: to compare with a string that was never filled takes as long as to read the number.
        let is_called = |name: &str| match self.path.is_empty() {
            true => name == key,
            false => name.strip_prefix(&*self.path) == Some(key),
        };
        match self.seats.get_mut(at) {
            Some(seat) if is_called(&seat.name) => seat.number = number,
            Some(seat) => {
                self.held -= seat.name.capacity();
                seat.name.clear();
                seat.name.extend([&*self.path, key]);
                self.held += seat.name.capacity();
                (seat.role, seat.number) = (self.axis.role(&seat.name), number);
            }
            None => {
                let name = [&*self.path, key].concat();
                self.held += name.capacity();
                self.seats.push(Seat { role: self.axis.role(&name), name, number });
            }
        }
        (at, self.seats[at].role)
    }

    /// Reads the array called `key`. What it has too many of is taken back.
    fn array(&mut self, cursor: &mut Cursor, key: &str) -> Option<()> {
        let (back, taken, bytes) = (self.path.len(), self.taken, self.bytes);
        self.path.extend([key, "."]);
        self.in_array = true;
        let (in_array, mut at, mut numbers) = (self.path.len(), 0, 0);
        cursor.array(|cursor| {
            let first = cursor.peek()?;
            match first {
                b'{' if at < OBJECTS_MAX => {
                    match name(cursor) {
                        Some(name) if self.path.len() + name.len() > NAME_BYTES_MAX => {
                            self.too_much = Some(TooMuch::Name);
                            return cursor.skip();
                        }
                        Some(name) => self.path.extend([&*name, "."]),
                        None => self.path.extend([&*at.to_string(), "."]),
                    }
                    self.object(cursor)?;
                    self.path.truncate(in_array);
                }
                b'0'..=b'9' | b'-' | b'N' | b'I' if numbers < NUMBERS_MAX => {
                    let Token::Number(number) = cursor.token()? else { return None };
                    self.sit(&at.to_string(), Some(number));
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
            (self.taken, self.bytes) = (taken, bytes);
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    #[test]
    fn names_of_a_row_are_bounded_by_their_bytes() {
        let long = "a".repeat(NAME_BYTES_MAX - 20);
        let inner: Vec<String> = (0..2 * KEYS_MAX).map(|i| format!("\"{i}\":{i}")).collect();
        let row = format!("{{\"first\":1,\"{long}\":{{{}}},\"last\":2}}", inner.join(","));
        let (mut flat, mut keys) = (Flat::default(), Keys::default());
        let held = |flat: &Flat| flat.seats.iter().map(|seat| seat.name.capacity()).sum::<usize>();
        for _ in 0..2 {
            keys.begin();
            assert!(flat.read(&mut Cursor::new(&row), &mut keys).is_some());
            assert!(held(&flat) <= 2 * ROW_BYTES_MAX && held(&flat) == flat.held);
            assert!(keys.take(&mut VecDeque::new()).len() > ROW_BYTES_MAX / NAME_BYTES_MAX);
        }
        keys.begin();
        assert!(flat.read(&mut Cursor::new("{\"loss\":1,\"lr\":2}"), &mut keys).is_some());
        assert_eq!((keys.take(&mut VecDeque::new()).len(), flat.taken), (2, 2));
        assert!(held(&flat) < 100, "what was too long is let go of");
    }
}
