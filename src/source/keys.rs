//! Numbers the metric keys of one source and gathers rows.

use super::{KeyId, Record};
use crate::model::MetricKey;
use std::collections::{HashMap, VecDeque};

/// Most metric keys that one source may have. The largest real runs log some thousands; a source with
/// more writes its numbers into its names.
pub(super) const KEYS_MAX: usize = 1 << 16;

/// Longest name of a key. That of a value deep in JSON is made of all names above it, and so would be held for each value.
pub(super) const NAME_BYTES_MAX: usize = 4 << 10;

/// Most bytes of all names together, 256 for each key: they are held as long as the source is, and real ones are some tens long.
pub(super) const NAMES_BYTES_MAX: usize = KEYS_MAX << 8;

/// Why a key is not read.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum TooMuch {
    /// There are [`KEYS_MAX`] already.
    Keys,
    /// Their names take [`NAMES_BYTES_MAX`] already.
    Names,
    /// Its name is longer than [`NAME_BYTES_MAX`].
    Name,
}

/// The keys seen so far and the row that is being gathered. Rows mostly repeat the keys of the row
/// before in the same order, so the next key is guessed before it is looked up.
#[derive(Default)]
pub(super) struct Keys {
    names: Vec<MetricKey>,
    ids: HashMap<MetricKey, KeyId>,
    seats: Vec<Seat>,
    last: u32,
    row: u64,
    values: Vec<(KeyId, f64)>,
    /// New keys, to be announced before the row.
    fresh: Vec<(KeyId, MetricKey)>,
    name_bytes: usize,
    /// A key was turned away, which nobody was told yet.
    untold: Option<TooMuch>,
    told: Vec<TooMuch>,
}

struct Seat {
    /// The row that last had this key, and where in it.
    row: u64,
    at: usize,
    /// The key that last followed this one.
    next: u32,
}

impl Keys {
    /// Starts a new row; values that were not taken are dropped.
    pub(super) fn begin(&mut self) {
        self.row += 1;
        self.values.clear();
    }

    /// Adds a value to the row; a key that is there already takes the later value.
    pub(super) fn put(&mut self, name: &str, value: f64) {
        match self.id(name) {
            Ok(id) => self.put_id(id, value),
            Err(why) => self.turn_away(why),
        }
    }

    /// A key was met that is not read.
    pub(super) fn turn_away(&mut self, why: TooMuch) {
        if !self.told.contains(&why) {
            self.untold.get_or_insert(why);
        }
    }

    /// Adds a value by the number of its key.
    pub(super) fn put_id(&mut self, id: KeyId, value: f64) {
        let seat = &mut self.seats[id.0 as usize];
        match self.values.get_mut(seat.at) {
            Some(slot) if seat.row == self.row => slot.1 = value,
            _ => {
                (seat.row, seat.at) = (self.row, self.values.len());
                self.values.push((id, value));
            }
        }
    }

    /// The number of a key that was put before.
    pub(super) fn known(&self, name: &str) -> Option<KeyId> {
        self.ids.get(name).copied()
    }

    /// Number of the row that is being gathered.
    pub(super) fn row(&self) -> u64 {
        self.row
    }

    /// Whether a row since row number `row` had a value for `name`.
    pub(super) fn is_given_since(&self, name: &str, row: u64) -> bool {
        self.ids.get(name).is_some_and(|id| self.seats[id.0 as usize].row >= row)
    }

    /// Whether the row has no value yet.
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Ends the row: its values, with new keys announced in `out`.
    pub(super) fn take(&mut self, out: &mut VecDeque<Record>) -> Vec<(KeyId, f64)> {
        let mut values = vec![];
        self.take_into(&mut values, out);
        values
    }

    /// The same, in place of what is in `values`.
    pub(super) fn take_into(&mut self, values: &mut Vec<(KeyId, f64)>, out: &mut VecDeque<Record>) {
        if !self.fresh.is_empty() {
            out.extend(self.fresh.drain(..).map(|(id, key)| Record::Key(id, key)));
        }
        values.clear();
        values.extend_from_slice(&self.values);
    }

    /// Why keys were turned away, in words for people; of a source, each reason is told once.
    pub(super) fn overflowed(&mut self) -> Option<String> {
        let why = self.untold.take()?;
        self.told.push(why);
        Some(match why {
            TooMuch::Keys => format!("more than {KEYS_MAX} metric keys, the rest is not read"),
            TooMuch::Names => format!("the names of metric keys are more than {NAMES_BYTES_MAX} bytes, the rest is not read"),
            TooMuch::Name => format!("the name of a metric key is longer than {NAME_BYTES_MAX} bytes: such keys are not read"),
        })
    }

    fn id(&mut self, name: &str) -> Result<KeyId, TooMuch> {
        let guess = self.seats.get(self.last as usize).map_or(0, |seat| seat.next);
        let id = match self.names.get(guess as usize) {
            Some(known) if known.as_str() == name => guess,
            _ => self.look_up(name)?,
        };
        if let Some(seat) = self.seats.get_mut(self.last as usize) {
            seat.next = id;
        }
        self.last = id;
        Ok(KeyId(id))
    }

    fn look_up(&mut self, name: &str) -> Result<u32, TooMuch> {
        if let Some(id) = self.ids.get(name) {
            return Ok(id.0);
        }
        if name.len() > NAME_BYTES_MAX {
            return Err(TooMuch::Name);
        }
        if self.names.len() >= KEYS_MAX {
            return Err(TooMuch::Keys);
        }
        if self.name_bytes + name.len() > NAMES_BYTES_MAX {
            return Err(TooMuch::Names);
        }
        self.name_bytes += name.len();
        let key = MetricKey::from(name);
        let id = KeyId(self.names.len() as u32);
        self.names.push(key.clone());
        self.seats.push(Seat { row: 0, at: 0, next: 0 });
        self.ids.insert(key.clone(), id);
        self.fresh.push((id, key));
        Ok(id.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_announced_once_and_its_last_value_in_a_row_wins() {
        let (mut keys, mut out) = (Keys::default(), VecDeque::new());
        for _ in 0..3 {
            keys.begin();
            keys.put("loss", 1.0);
            keys.put("lr", 2.0);
            keys.put("loss", 3.0);
            assert_eq!(keys.take(&mut out), [(KeyId(0), 3.0), (KeyId(1), 2.0)]);
        }
        assert_eq!(out, [Record::Key(KeyId(0), "loss".into()), Record::Key(KeyId(1), "lr".into())]);
    }

    #[test]
    fn a_source_that_writes_numbers_into_names_is_bounded() {
        let mut keys = Keys::default();
        for i in 0..KEYS_MAX + 10 {
            keys.begin();
            keys.put(&i.to_string(), 0.0);
        }
        assert_eq!(keys.names.len(), KEYS_MAX);
        assert!(keys.overflowed().is_some_and(|why| why.contains("more than 65536 metric keys")));
        keys.put("new", 0.0);
        assert_eq!(keys.overflowed(), None, "it is told once");
        // Another reason is another thing to tell.
        keys.put(&"a".repeat(NAME_BYTES_MAX + 1), 0.0);
        assert!(keys.overflowed().is_some_and(|why| why.contains("longer than 4096 bytes")));
    }

    #[test]
    fn names_are_bounded_one_by_one_and_all_together() {
        let mut keys = Keys::default();
        keys.put(&"a".repeat(NAME_BYTES_MAX), 0.0);
        assert_eq!((keys.names.len(), keys.overflowed()), (1, None));
        keys.put(&"a".repeat(NAME_BYTES_MAX + 1), 0.0);
        assert!(keys.names.len() == 1 && keys.overflowed().is_some_and(|why| why.contains("longer than 4096 bytes")));
        for i in 0..KEYS_MAX {
            keys.put(&format!("{i:0width$}", width = NAME_BYTES_MAX), 0.0);
        }
        assert_eq!((keys.names.len(), keys.name_bytes), (NAMES_BYTES_MAX / NAME_BYTES_MAX, NAMES_BYTES_MAX));
        assert!(keys.overflowed().is_some_and(|why| why.contains("more than 16777216 bytes")) && keys.overflowed().is_none());
    }
}
