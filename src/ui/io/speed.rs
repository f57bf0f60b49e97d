//! How long a frame takes.

use crate::model::{MetricKey, Point, Series, Step, WallTime};
use crate::ui::pane::Pane;
use crate::ui::tests::{START, UNICODE, graph, picture, press, scene};
use ratatui::{buffer::Buffer, layout::Rect};
use std::time::{Duration, Instant};

/// What a person feels: 16 charts of a million points each, with and without smoothing. Slow to set up, so only on request,
/// and with a bound that holds in a release build.
#[test]
fn a_frame_of_sixteen_million_points_takes_milliseconds() {
    if std::env::var_os("OG_SLOW").is_none() {
        return;
    }
    const POINTS: i64 = 1_000_000;
    let series = (0..16)
        .map(|n| {
            let mut one = Series::new();
            for i in 0..POINTS {
                let value = (i as f64 / 1e5 * f64::from(n + 1)).sin() + (i.wrapping_mul(2_654_435_761) % 1000) as f64 / 1e4;
                one.push(Point { step: Step(i), time: WallTime::new(START + i as f64 * 0.3), value });
            }
            (MetricKey::from(format!("m/{n}").as_str()), one)
        })
        .collect();
    let run = picture(series);
    let area = Rect::new(0, 0, 200, 50);
    let mut buf = Buffer::empty(area);
    let mut pane = graph(UNICODE, &run, (200, 50));
    // The fastest of many: the others shared the machine with somebody.
    let fastest = |work: &mut dyn FnMut()| {
        let once = |_| {
            let start = Instant::now();
            work();
            start.elapsed()
        };
        (0..100).map(once).min().unwrap()
    };
    for axis in ["step", "relative", "wall"] {
        let frame = fastest(&mut || {
            buf.reset();
            pane.draw(scene(&run), area, &mut buf);
        });
        let report = fastest(&mut || assert_eq!(pane.shown(scene(&run), area).visible_metrics.len(), 16));
        println!("{axis}: {frame:?} a frame, {report:?} a report");
        assert!(cfg!(debug_assertions) || frame < Duration::from_millis(3), "{frame:?}");
        press(&mut pane, &run, "x");
    }
}
