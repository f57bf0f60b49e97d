//! What a cell holds: a number, a step, a time.

use crate::{
    model::{Step, WallTime},
    source::json::{non_finite, number},
};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// The number that the whole text stands for: decimal, or a word for a non-finite one.
pub(in crate::source) fn whole_text(text: &str) -> Option<f64> {
    number(text.as_bytes()).filter(|(_, length)| *length == text.len()).map(|(number, _)| number).or_else(|| non_finite(text))
}

/// A whole number that a double holds exactly.
pub(in crate::source) fn whole(number: f64) -> Option<i64> {
    Step::whole(number).map(|step| step.0)
}

/// Unix seconds or milliseconds between 2000 and 2100.
pub(in crate::source) fn unix_time(number: f64) -> Option<WallTime> {
    const YEARS: std::ops::Range<f64> = 946_684_800.0..4_102_444_800.0;
    let secs = if number >= 1e11 { number / 1000.0 } else { number };
    YEARS.contains(&secs).then(|| WallTime::new(secs)).flatten()
}

/// A date with time; one that names no zone is taken as UTC.
pub(super) fn date(text: &str) -> Option<WallTime> {
    let text = text.trim();
    // Every date starts with its year; this keeps most words from the parser.
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let time = text
        .parse::<Timestamp>()
        .ok()
        .or_else(|| text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp()))?;
    WallTime::new(time.as_nanosecond() as f64 / 1e9)
}
