//! Which part of the x axis all charts show.

use crate::ui::chart::Scale;

/// The part of the x axis shown, as the person chose it.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub enum Span {
    /// Everything, growing with the run.
    #[default]
    All,
    /// The newest stretch of this length, moving with the run.
    Tail(f64),
    /// From here to there, whatever the run does.
    Fixed(f64, f64),
}

impl Span {
    /// As an agent reads it.
    pub fn word(self) -> &'static str {
        match self {
            Span::All => "all",
            Span::Tail(_) => "newest",
            Span::Fixed(..) => "fixed",
        }
    }

    /// The range shown of a run that reaches over `extent`.
    pub fn window(self, extent: (f64, f64)) -> (f64, f64) {
        match self {
            Span::All => extent,
            Span::Tail(length) => (extent.1 - length, extent.1),
            Span::Fixed(from, to) => (from, to),
        }
    }

    /// What shows this range of `extent`. What reaches to its end follows the run.
    pub fn showing(from: f64, to: f64, extent: (f64, f64)) -> Span {
        let (lo, hi) = extent;
        let near = (hi - lo) * 1e-9;
        match (from <= lo + near, to >= hi - near) {
            _ if !(to > from && (to - from).is_finite()) => Span::All,
            (true, true) => Span::All,
            (false, true) => Span::Tail(hi - from.min(hi)),
            _ => Span::Fixed(from, to),
        }
    }

    /// Zoomed by `factor` (below 1: closer) around the place `anchor` of the range, 0 to 1; never closer than `least`.
    pub fn zoomed(self, factor: f64, anchor: f64, extent: (f64, f64), least: f64, log: bool) -> Span {
        let scale = self.scale(extent, log);
        let anchor = anchor.clamp(0.0, 1.0);
        let (from, to) = scale.part(anchor - anchor * factor, anchor + (1.0 - anchor) * factor);
        if factor < 1.0 && to - from < least {
            return self;
        }
        Span::showing(from.max(extent.0), to.min(extent.1), extent)
    }

    /// Moved by this part of what is shown, not beyond the ends of the run.
    pub fn moved(self, by: f64, extent: (f64, f64), log: bool) -> Span {
        let scale = self.scale(extent, log);
        // How far it can go: on a logarithmic axis not to zero.
        let start = if scale.log && extent.0 <= 0.0 { scale.from } else { extent.0 };
        let room = if by > 0.0 { scale.place(extent.1) - 1.0 } else { scale.place(start) };
        let by = if by > 0.0 { by.min(room.max(0.0)) } else { by.max(room.min(0.0)) };
        if by == 0.0 || self == Span::All {
            return self;
        }
        let (from, to) = scale.part(by, 1.0 + by);
        Span::showing(from, to, extent)
    }

    fn scale(self, extent: (f64, f64), log: bool) -> Scale {
        let (from, to) = self.window(extent);
        Scale::new(from, to, log)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RUN: (f64, f64) = (0.0, 1000.0);

    #[test]
    fn what_reaches_to_the_end_follows_the_run() {
        let zoomed = Span::All.zoomed(0.5, 1.0, RUN, 1.0, false);
        assert_eq!(zoomed, Span::Tail(500.0));
        assert_eq!(zoomed.window((0.0, 1200.0)), (700.0, 1200.0));
        let back = zoomed.moved(-0.5, RUN, false);
        assert_eq!(back, Span::Fixed(250.0, 750.0));
        assert_eq!(back.window((0.0, 1200.0)), (250.0, 750.0));
        assert_eq!(back.moved(9.0, RUN, false), Span::Tail(500.0));
        assert_eq!(back.moved(-9.0, RUN, false), Span::Fixed(0.0, 500.0));
        assert_eq!(back.zoomed(9.0, 0.5, RUN, 1.0, false), Span::All);
        assert_eq!(Span::Tail(1.5).zoomed(0.5, 1.0, RUN, 1.0, false), Span::Tail(1.5));
        assert_eq!(Span::All.moved(0.5, RUN, false), Span::All);
    }

    proptest! {
        #[test]
        fn a_window_stays_within_the_run(moves in prop::collection::vec((any::<bool>(), -3.0f64..3.0, 0.0f64..1.0), 0..30), log in any::<bool>()) {
            let extent = (1.0, 5000.0);
            let mut span = Span::All;
            for (zoom, by, anchor) in moves {
                span = if zoom { span.zoomed(2f64.powf(by), anchor, extent, 1.0, log) } else { span.moved(by, extent, log) };
                let (from, to) = span.window(extent);
                prop_assert!(from < to && from >= extent.0 - 1e-6 && to <= extent.1 + 1e-6, "{span:?}");
            }
        }

        #[test]
        fn what_has_room_moves_that_way(from in 1.0f64..4990.0, width in 1.0f64..4990.0, by in 0.01f64..3.0, log in any::<bool>()) {
            let extent = (1.0, 5000.0);
            let to = (from + width).min(extent.1);
            for (by, has_room) in [(-by, from > 1.001), (by, to < 4999.0)] {
                let (after, until) = Span::Fixed(from, to).moved(by, extent, log).window(extent);
                prop_assert_eq!(has_room && ((after - from) * by <= 0.0 || (until - to) * by <= 0.0), false, "{} {}", after, until);
            }
        }

        #[test]
        fn no_numbers_panic(a in any::<f64>(), b in any::<f64>(), c in any::<f64>(), d in any::<f64>(), log in any::<bool>()) {
            for span in [Span::All, Span::Tail(c), Span::Fixed(c, d)] {
                span.zoomed(a, b, (c, d), 1.0, log);
                span.moved(a, (c, d), log);
                Span::showing(a, b, (c, d));
            }
        }
    }
}
