//! How the machine of a run was, over time.

use super::SourceRank;
use crate::model::{MetricKey, Point, Seat, Series, SeriesMap, Step, WallTime};
use std::collections::{BTreeMap, BTreeSet};

/// Names kept. A host with eight GPUs has some hundred; the names come from files, so they are bounded.
pub(super) const KEYS_MAX: usize = 4096;

/// Samples of a machine by name, each a series along time; a step is the number of the sample.
///
/// Where two sources sample the same name, the later one in time goes on where the other stopped, as the second file of a resumed run
/// does; a sample from before the last one is left out.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    series: SeriesMap,
    taken: i64,
    /// The names that each source sampled.
    names: BTreeMap<SourceRank, BTreeSet<MetricKey>>,
}

impl Samples {
    /// Takes what `source` sampled at a moment.
    pub fn take(&mut self, source: SourceRank, time: Option<WallTime>, values: impl IntoIterator<Item = (String, f64)>) {
        let step = Step(self.taken);
        self.taken += 1;
        let names = self.names.entry(source).or_default();
        for (name, value) in values {
            let last = self.series.get(name.as_str()).map(Series::last);
            let is_old = last.flatten().and_then(|last| last.time).zip(time).is_some_and(|(last, at)| at < last);
            if is_old || last.is_none() && self.series.len() >= KEYS_MAX {
                continue;
            }
            let key = match names.get(name.as_str()) {
                Some(key) => key.clone(),
                None => MetricKey::from(name.as_str()),
            };
            self.series.get_or_insert(&key, &mut Seat::default(), Series::new).push(Point { step, time, value });
            names.insert(key);
        }
    }

    /// Forgets what `source` sampled, because it starts over; and what others sampled under the same names.
    pub fn forget(&mut self, source: SourceRank) {
        for key in self.names.remove(&source).unwrap_or_default() {
            self.series.remove(&key);
        }
    }

    /// Keeps the last `count` samples of each name, once there are twice as many.
    pub fn keep(&mut self, count: usize) {
        let long: Vec<MetricKey> =
            self.series.iter().filter(|(_, series)| series.len() >= 2 * count.max(1)).map(|(key, _)| key.clone()).collect();
        for key in long {
            let Some(series) = self.series.get_mut(&key) else { continue };
            let mut kept = Series::new();
            series.tail(count).for_each(|point| kept.push(point));
            *series = kept;
        }
    }

    /// The samples by name.
    pub fn series(&self) -> &SeriesMap {
        &self.series
    }

    /// The last sample of each name.
    pub fn last(&self) -> impl Iterator<Item = (&str, f64)> {
        self.series.iter().filter_map(|(key, series)| Some((key.as_str(), series.last()?.value)))
    }

    /// How often anything was sampled: the step of the next sample.
    pub fn taken(&self) -> i64 {
        self.taken
    }

    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.series.keys().map(MetricKey::as_str)
    }

    /// Whether nothing was sampled.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(samples: &mut Samples, source: u16, at: f64, value: f64) {
        samples.take(SourceRank::Tracker(source), WallTime::new(at), [("cpu".to_owned(), value)]);
    }

    fn values(samples: &Samples) -> Vec<f64> {
        samples.series().get("cpu").map(|series| series.points(0..series.len()).map(|point| point.value).collect()).unwrap_or_default()
    }

    #[test]
    fn a_second_file_goes_on_where_the_first_stopped_and_one_that_starts_over_is_read_anew() {
        let mut samples = Samples::default();
        [(0, 10.0, 1.0), (0, 20.0, 2.0), (1, 30.0, 3.0), (1, 15.0, 9.0)]
            .into_iter()
            .for_each(|(source, at, value)| take(&mut samples, source, at, value));
        assert_eq!((values(&samples), samples.last().collect::<Vec<_>>()), (vec![1.0, 2.0, 3.0], vec![("cpu", 3.0)]));
        samples.forget(SourceRank::Tracker(0));
        assert!(samples.is_empty());
        take(&mut samples, 0, 10.0, 1.0);
        assert_eq!(values(&samples), [1.0]);
    }

    #[test]
    fn names_and_samples_are_bounded() {
        let mut samples = Samples::default();
        samples.take(SourceRank::Own, None, (0..KEYS_MAX + 5).map(|n| (n.to_string(), 1.0)));
        assert_eq!(samples.names().count(), KEYS_MAX);
        let mut samples = Samples::default();
        for n in 0..1000 {
            take(&mut samples, 0, f64::from(n), f64::from(n));
            samples.keep(10);
            assert!(values(&samples).len() < 20);
        }
        assert_eq!(samples.last().next(), Some(("cpu", 999.0)));
    }
}
