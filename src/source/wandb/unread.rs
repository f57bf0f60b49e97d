//! Records of the summary that are not read yet. With every row one or two are written, and mostly say anew all that those before
//! them said: only the last ones are worth reading.

use super::{item::Item, names::hash};
use crate::source::proto::fields;
use std::collections::VecDeque;

/// Longest record that is put off, and most of them: a row of the training and one of a validation have two each.
const BYTES_MAX: usize = 64 << 10;
const RECORDS_MAX: usize = 4;

/// Records that were put off, oldest first, no two of which set the same names.
#[derive(Default)]
pub(super) struct Unread(VecDeque<(Names, Vec<u8>)>);

/// Which names a record sets, in any order: the sum of their hashes.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Names(u64);

impl Names {
    /// `None`: the record does something else, or is too long to be put off.
    pub(super) fn of(body: &[u8]) -> Option<Names> {
        if body.len() > BYTES_MAX {
            return None;
        }
        let (mut sum, mut all) = (0_u64, fields(body));
        for (number, value) in all.by_ref() {
            let item = Item::read(value.bytes()).filter(|_| number == 1)?;
            sum = sum.wrapping_add(mixed(hash(item.name)));
        }
        all.whole().ok().map(|()| Names(sum))
    }
}

impl Unread {
    /// Puts off a record, which takes the place of one that sets the same names. The record that is to be read, where they are too many.
    pub(super) fn put_off(&mut self, names: Names, body: &[u8]) -> Option<Vec<u8>> {
        let known = self.0.iter().position(|(known, _)| *known == names).and_then(|at| self.0.remove(at));
        let mut record = known.map(|(_, record)| record).unwrap_or_default();
        record.clear();
        record.extend_from_slice(body);
        self.0.push_back((names, record));
        if self.0.len() > RECORDS_MAX { self.take() } else { None }
    }

    /// The oldest record, which then is no longer put off.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        self.0.pop_front().map(|(_, record)| record)
    }
}

/// A hash whose sums tell sets apart: those of names themselves are nearly linear in their last bytes, so that `a1` and `a2` make the sum
/// of `a0` and `a3` (the end of splitmix64).
#[inline]
fn mixed(hash: u64) -> u64 {
    let hash = (hash ^ hash >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ hash >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ hash >> 31
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::wandb::tests::{bytes, json_item};
    use std::collections::HashMap;

    #[test]
    fn sets_of_names_that_differ_by_their_numbers_are_told_apart() {
        let body = |names: &[String]| names.iter().flat_map(|name| bytes(1, json_item(name, "1").concat())).collect::<Vec<_>>();
        for prefix in ["best/acc_", "train/loss_", "layer.", "m", "a_very_long_name_of_a_metric/"] {
            let name = |at: u32| format!("{prefix}{at}");
            let mut known = HashMap::new();
            for (a, b) in (0..24).flat_map(|a| (a..24).map(move |b| (a, b))) {
                let names = Names::of(&body(&[name(a), name(b)])).unwrap();
                assert_eq!(known.insert(names.0, (a, b)), None, "{prefix}{a}, {prefix}{b}");
            }
        }
        assert!(Names::of(&body(&["a".into(), "b".into()])) == Names::of(&body(&["b".into(), "a".into()])));
    }
}
