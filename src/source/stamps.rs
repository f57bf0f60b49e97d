//! Times as SQLite trackers write them: `2026-11-20T08:00:13.514859+00:00`, or without an offset.

use crate::model::WallTime;
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// Reads timestamps. Rows that were flushed together share one, so the last answer is kept.
pub(super) struct Stamps {
    /// Zone of the timestamps that name none.
    zone: TimeZone,
    last: (String, Option<WallTime>),
}

impl Stamps {
    /// `zone` is the zone of the timestamps that name none.
    pub(super) fn new(zone: TimeZone) -> Stamps {
        Stamps { zone, last: (String::new(), None) }
    }

    /// `None`: not a time.
    pub(super) fn read(&mut self, text: &str) -> Option<WallTime> {
        if self.last.0 != text {
            self.last = (text.to_owned(), self.parse(text));
        }
        self.last.1
    }

    fn parse(&self, text: &str) -> Option<WallTime> {
        let at = match text.parse::<Timestamp>() {
            Ok(at) => at,
            Err(_) => self.zone.to_timestamp(text.parse::<DateTime>().ok()?).ok()?,
        };
        WallTime::new(at.as_microsecond() as f64 / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::offset;
    use proptest::prelude::*;

    #[test]
    fn a_time_without_an_offset_is_in_the_given_zone() {
        let mut stamps = Stamps::new(TimeZone::fixed(offset(2)));
        let mut read = |text| stamps.read(text).map(WallTime::secs);
        assert_eq!(read("2026-11-20T08:00:13.514859+00:00"), Some(1795161613.514859));
        assert_eq!(read("2026-11-20T08:00:13.514859Z"), Some(1795161613.514859));
        assert_eq!(read("2026-11-20T10:00:13.514859"), Some(1795161613.514859));
        assert_eq!(read("2026-11-20 10:00:13"), Some(1795161613.0));
        assert_eq!(read("yesterday"), None);
        assert_eq!(read(""), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r"[-+0-9T:.Z \[\]é]{0,40}") {
            Stamps::new(TimeZone::UTC).read(&text);
        }
    }
}
