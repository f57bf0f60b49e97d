//! Points in memory: packed, a column for each of step, time and value.

use super::{super::packed::Packed, Point, Step, WallTime};

/// Points as three columns.
#[derive(Clone, Debug, Default)]
pub(super) struct Columns {
    steps: Packed,
    /// Not there until a point has a time.
    pub(super) times: Option<Packed>,
    pub(super) values: Packed,
}

impl Columns {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.steps.len()
    }

    pub(super) fn push(&mut self, point: Point) {
        if self.times.is_none() && point.time.is_some() {
            self.times = Some(Packed::filled(encode_time(None), self.len()));
        }
        if let Some(times) = &mut self.times {
            times.push(encode_time(point.time));
        }
        self.steps.push(encode_step(point.step));
        self.values.push(point.value.to_bits());
    }

    pub(super) fn get(&self, index: usize) -> Point {
        Point { step: self.step(index), time: self.time(index), value: self.value(index) }
    }

    #[inline]
    pub(super) fn step(&self, index: usize) -> Step {
        decode_step(self.steps.get(index))
    }

    #[inline]
    pub(super) fn last_step(&self) -> Option<Step> {
        self.steps.last().map(decode_step)
    }

    #[inline]
    pub(super) fn time(&self, index: usize) -> Option<WallTime> {
        decode_time(self.times.as_ref()?.get(index))
    }

    #[inline]
    pub(super) fn value(&self, index: usize) -> f64 {
        f64::from_bits(self.values.get(index))
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.steps.truncate(len);
        self.values.truncate(len);
        if let Some(times) = &mut self.times {
            times.truncate(len);
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.steps.heap_bytes() + self.values.heap_bytes() + self.times.as_ref().map_or(0, Packed::heap_bytes)
    }
}

/// A step as a number of the same order, so that steps around zero pack as well as others.
fn encode_step(step: Step) -> u64 {
    step.0 as u64 ^ (1 << 63)
}

fn decode_step(bits: u64) -> Step {
    Step((bits ^ (1 << 63)) as i64)
}

/// Wall times are finite, so NaN is free to mean that there is none.
pub(super) fn encode_time(time: Option<WallTime>) -> u64 {
    time.map_or(f64::NAN, WallTime::secs).to_bits()
}

pub(super) fn decode_time(bits: u64) -> Option<WallTime> {
    WallTime::new(f64::from_bits(bits))
}
