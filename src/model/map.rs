//! The series of a run by their keys.

use super::{MetricKey, Series};
use std::{
    borrow::Borrow,
    collections::{BTreeMap, btree_map},
    ops::Index,
    sync::Arc,
};

/// Series in order of their keys. A row of a run touches as many series as it has values, always the same ones, so each has a
/// [`Seat`] at which it is found without a look at any other key.
#[derive(Clone, Debug, Default)]
pub struct SeriesMap {
    order: BTreeMap<MetricKey, usize>,
    /// `None`: free.
    seats: Vec<Option<(MetricKey, Series)>>,
    free: Vec<usize>,
}

/// Where a series may be found at once. A seat that is out of date costs a look-up, nothing else.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Seat(usize);

impl SeriesMap {
    /// A map without series.
    pub fn new() -> SeriesMap {
        SeriesMap::default()
    }

    /// Number of series.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there is no series.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The series of `key`.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&Series>
    where
        MetricKey: Borrow<Q>,
    {
        self.at(*self.order.get(key)?)
    }

    /// The series of `key`, to be changed.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut Series>
    where
        MetricKey: Borrow<Q>,
    {
        let seat = *self.order.get(key)?;
        self.seats[seat].as_mut().map(|(_, series)| series)
    }

    /// The series of `key`, which `make` makes when it is missing. `seat` should be the one that the last call for this key
    /// left there.
    #[inline]
    pub fn get_or_insert(&mut self, key: &MetricKey, seat: &mut Seat, make: impl FnOnce() -> Series) -> &mut Series {
        let is_there = |taken: &Option<(MetricKey, Series)>| taken.as_ref().is_some_and(|(known, _)| Arc::ptr_eq(&known.0, &key.0));
        if !self.seats.get(seat.0).is_some_and(is_there) {
            seat.0 = match self.order.get(key) {
                Some(seat) => *seat,
                None => self.sit(key.clone(), make()),
            };
        }
        &mut self.seats[seat.0].as_mut().expect("a seat in the order is taken").1
    }

    /// Puts a series in, and returns the one that had the key before.
    pub fn insert(&mut self, key: MetricKey, series: Series) -> Option<Series> {
        let before = self.remove(&key);
        self.sit(key, series);
        before
    }

    /// Takes a series out.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<Series>
    where
        MetricKey: Borrow<Q>,
    {
        let seat = self.order.remove(key)?;
        self.free.push(seat);
        self.seats[seat].take().map(|(_, series)| series)
    }

    /// Whether `key` has a series.
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        MetricKey: Borrow<Q>,
    {
        self.order.contains_key(key)
    }

    /// The keys in order.
    pub fn keys(&self) -> btree_map::Keys<'_, MetricKey, usize> {
        self.order.keys()
    }

    /// The series in order of their keys.
    pub fn values(&self) -> impl Iterator<Item = &Series> {
        self.iter().map(|(_, series)| series)
    }

    /// The series in any order, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Series> {
        self.seats.iter_mut().flatten().map(|(_, series)| series)
    }

    /// Keys and series in order of the keys.
    pub fn iter(&self) -> Iter<'_> {
        Iter { map: self, order: self.order.iter() }
    }

    fn at(&self, seat: usize) -> Option<&Series> {
        self.seats.get(seat)?.as_ref().map(|(_, series)| series)
    }

    fn sit(&mut self, key: MetricKey, series: Series) -> usize {
        let seat = self.free.pop().unwrap_or_else(|| {
            self.seats.push(None);
            self.seats.len() - 1
        });
        self.seats[seat] = Some((key.clone(), series));
        self.order.insert(key, seat);
        seat
    }
}

/// Keys and series of a [`SeriesMap`] in order of the keys.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    map: &'a SeriesMap,
    order: btree_map::Iter<'a, MetricKey, usize>,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a MetricKey, &'a Series);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, seat) = self.order.next()?;
        Some((key, self.map.at(*seat)?))
    }
}

impl<'a> IntoIterator for &'a SeriesMap {
    type Item = (&'a MetricKey, &'a Series);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl<Q: Ord + ?Sized> Index<&Q> for SeriesMap
where
    MetricKey: Borrow<Q>,
{
    type Output = Series;

    fn index(&self, key: &Q) -> &Series {
        self.get(key).expect("the key has a series")
    }
}

impl<const N: usize> From<[(MetricKey, Series); N]> for SeriesMap {
    fn from(all: [(MetricKey, Series); N]) -> SeriesMap {
        all.into_iter().collect()
    }
}

impl FromIterator<(MetricKey, Series)> for SeriesMap {
    fn from_iter<I: IntoIterator<Item = (MetricKey, Series)>>(all: I) -> SeriesMap {
        let mut map = SeriesMap::new();
        all.into_iter().for_each(|(key, series)| drop(map.insert(key, series)));
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Point, Step};
    use proptest::prelude::*;

    fn series(mark: i64) -> Series {
        let mut series = Series::new();
        series.push(Point { step: Step(mark), time: None, value: 0.0 });
        series
    }

    fn mark(series: &Series) -> i64 {
        series.first().unwrap().step.0
    }

    proptest! {
        #[test]
        fn a_map_answers_as_the_plain_one_does_whatever_seat_is_shown(moves in proptest::collection::vec((0..3_u8, 0..6_usize, 0..8_usize), 0..60)) {
            let keys: Vec<MetricKey> = ["a", "b/c", "b", "é", "", "z"].map(MetricKey::from).into();
            let (mut map, mut plain) = (SeriesMap::new(), BTreeMap::new());
            for (number, (what, key, seat)) in (0..).zip(moves) {
                let key = &keys[key];
                match what {
                    0 => prop_assert_eq!(map.insert(key.clone(), series(number)).map(|s| mark(&s)), plain.insert(key.clone(), number)),
                    1 => prop_assert_eq!(map.remove(key).map(|s| mark(&s)), plain.remove(key)),
                    _ => {
                        let mut seat = Seat(seat);
                        let got = mark(map.get_or_insert(key, &mut seat, || series(number)));
                        prop_assert_eq!(got, *plain.entry(key.clone()).or_insert(number));
                        prop_assert_eq!(mark(map.get_or_insert(key, &mut seat, || series(-1))), got);
                    }
                }
                prop_assert_eq!(map.iter().map(|(key, s)| (key.clone(), mark(s))).collect::<Vec<_>>(), plain.clone().into_iter().collect::<Vec<_>>());
                prop_assert_eq!((map.len(), map.keys().count()), (plain.len(), plain.len()));
            }
        }
    }
}
