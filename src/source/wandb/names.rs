//! Knows the names of items by their bytes. A name comes again with every row, in any order, and is read once.

use super::item::Item;
use crate::source::{KeyId, keys::KEYS_MAX};
use std::collections::HashMap;

/// Most names that are told apart: the metric keys, and as many that are none (media, counters of the client).
const NAMES_MAX: usize = 2 * KEYS_MAX;

/// What an item of a history row is, by its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    Step,
    Time,
    /// Another name of the client's own.
    Hidden,
    /// The `_type` of the dict whose number this is: all that stands in it is one media object.
    Type(u32),
    Value,
}

/// A name.
pub(super) struct Name {
    /// Its parts joined with `.`.
    pub(super) path: String,
    pub(super) role: Role,
    /// Its number as a metric key, once it had a number for a value.
    pub(super) key: Option<KeyId>,
    /// Numbers of the dicts in which it stands, outermost first.
    pub(super) dicts: Vec<u32>,
    /// Its last value in the summary, as JSON; `None`: none, or it was taken back.
    pub(super) summary: Option<Vec<u8>>,
    /// When the summary last spoke of it, as a number that rises, if that is not given out yet.
    pub(super) news: Option<u64>,
    /// Where its bytes stand in [`Names::bytes`].
    at: (usize, usize),
}

/// The names met so far, found by a hash of their bytes.
#[derive(Default)]
pub(super) struct Names {
    all: Vec<Name>,
    bytes: Vec<u8>,
    /// Half of them empty: hash, and number of the name plus one.
    seats: Vec<(u32, u32)>,
    dicts: HashMap<Vec<String>, u32>,
}

impl Names {
    /// The number of the name whose fields are `bytes`. `None`: there are too many.
    #[inline]
    pub(super) fn number(&mut self, bytes: &[u8]) -> Option<usize> {
        let hash = short_hash(bytes);
        let mut seat = hash as usize;
        while let Some((known, number)) = self.seats.get(seat & self.seats.len().wrapping_sub(1)).filter(|(_, number)| *number > 0) {
            let number = *number as usize - 1;
            if *known == hash {
                let (start, end) = self.all[number].at;
                if is_same(&self.bytes[start..end], bytes) {
                    return Some(number);
                }
            }
            seat += 1;
        }
        self.meet(bytes)
    }

    pub(super) fn get_mut(&mut self, number: usize) -> &mut Name {
        &mut self.all[number]
    }

    /// What the summary said since the last call, oldest first: the parts of each name, and its value as JSON.
    pub(super) fn take_news(&mut self) -> Vec<(Vec<String>, Option<&[u8]>)> {
        let Names { all, bytes, .. } = self;
        let mut news: Vec<_> = all.iter_mut().filter_map(|name| Some((name.news.take()?, &*name))).collect();
        news.sort_by_key(|(at, _)| *at);
        let parts = |name: &Name| Item::parts(&bytes[name.at.0..name.at.1]).map(|part| part.into_owned()).collect();
        news.into_iter().map(|(_, name)| (parts(name), name.summary.as_deref())).collect()
    }

    #[cold]
    fn meet(&mut self, bytes: &[u8]) -> Option<usize> {
        if self.all.len() >= NAMES_MAX {
            return None;
        }
        let parts: Vec<String> = Item::parts(bytes).map(|part| part.into_owned()).collect();
        let path = parts.join(".");
        let dicts: Vec<u32> = (1..parts.len()).map(|depth| self.dict(&parts[..depth])).collect();
        let role = match (path.as_str(), parts.last(), dicts.last()) {
            ("_step", ..) => Role::Step,
            ("_timestamp", ..) => Role::Time,
            (path, ..) if path.starts_with('_') => Role::Hidden,
            (_, Some(last), Some(dict)) if last == "_type" => Role::Type(*dict),
            _ => Role::Value,
        };
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.all.push(Name { path, role, key: None, dicts, summary: None, news: None, at: (start, self.bytes.len()) });
        if self.all.len() * 2 > self.seats.len() {
            self.seats = vec![(0, 0); (self.all.len() * 4).next_power_of_two()];
            (0..self.all.len()).for_each(|number| self.sit(number));
        } else {
            self.sit(self.all.len() - 1);
        }
        Some(self.all.len() - 1)
    }

    fn sit(&mut self, number: usize) {
        let (start, end) = self.all[number].at;
        let (hash, last) = (short_hash(&self.bytes[start..end]), self.seats.len() - 1);
        let free = (hash as usize..).map(|seat| seat & last).find(|seat| self.seats[*seat].1 == 0);
        if let Some(free) = free {
            self.seats[free] = (hash, number as u32 + 1);
        }
    }

    fn dict(&mut self, parts: &[String]) -> u32 {
        let next = self.dicts.len() as u32;
        *self.dicts.entry(parts.to_vec()).or_insert(next)
    }
}

/// `a == b`, without a call for the usual lengths.
#[inline]
fn is_same(a: &[u8], b: &[u8]) -> bool {
    match (a.first_chunk::<8>(), b.first_chunk::<8>(), a.last_chunk::<8>(), b.last_chunk::<8>()) {
        (Some(a_first), Some(b_first), Some(a_last), Some(b_last)) if a.len() <= 16 => {
            a.len() == b.len() && a_first == b_first && a_last == b_last
        }
        _ => a == b,
    }
}

/// The half of a hash in which each bit of a name has changed each.
#[inline]
fn short_hash(bytes: &[u8]) -> u32 {
    (hash(bytes) >> 32) as u32
}

/// Names are short, so words of eight bytes are folded with one multiplication each.
#[inline]
pub(super) fn hash(bytes: &[u8]) -> u64 {
    let fold = |hash: u64, word: u64| (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    let (words, rest) = bytes.as_chunks::<8>();
    let hash = words.iter().fold(bytes.len() as u64, |hash, word| fold(hash, u64::from_le_bytes(*word)));
    // The last eight bytes, some of them a second time.
    let last = match (bytes.last_chunk::<8>(), rest) {
        (Some(last), _) => u64::from_le_bytes(*last),
        (None, rest) => rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    fold(hash, last).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(parts: &[&str]) -> Vec<u8> {
        parts.iter().flat_map(|part| [&[0x12, part.len() as u8], part.as_bytes()].concat()).collect()
    }

    #[test]
    fn a_name_keeps_its_number_however_many_there_are() {
        let mut names = Names::default();
        let all: Vec<_> = (0..5000).map(|i| name(&["layer", &i.to_string(), "norm"])).collect();
        for (number, bytes) in all.iter().enumerate().chain(all.iter().enumerate()) {
            assert_eq!(names.number(bytes), Some(number));
        }
        assert_eq!(names.get_mut(4999).path, "layer.4999.norm");
        let dicts = [7, 4999].map(|number| names.get_mut(number).dicts.clone());
        assert_eq!((dicts[0].len(), dicts[0][0]), (2, dicts[1][0]));
    }

    #[test]
    fn names_are_bounded() {
        let mut names = Names::default();
        assert!((0..NAMES_MAX).all(|i| names.number(&name(&[&i.to_string()])) == Some(i)));
        assert_eq!(names.number(&name(&["one more"])), None);
        assert_eq!(names.number(&name(&["7"])), Some(7));
    }

    #[test]
    fn roles_are_told_by_name() {
        let mut names = Names::default();
        for (parts, want) in [
            (&["_step"][..], Role::Step),
            (&["_timestamp"], Role::Time),
            (&["_wandb", "runtime"], Role::Hidden),
            (&["img", "_type"], Role::Type(1)),
            (&["img", "width"], Role::Value),
            (&[], Role::Value),
        ] {
            let number = names.number(&name(parts)).unwrap();
            assert_eq!(names.get_mut(number).role, want, "{parts:?}");
        }
    }
}
