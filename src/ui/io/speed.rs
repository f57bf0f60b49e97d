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
    let series = (0..16u8)
        .map(|n| {
            let mut one = Series::new();
            for i in 0..POINTS {
                let value = (i as f64 / 1e5 * f64::from(n + 1)).sin() + (i.wrapping_mul(2_654_435_761) % 1000) as f64 / 1e4;
                one.push(Point { step: Step(i), time: WallTime::new(START + i as f64 * 0.3), value });
            }
            (MetricKey::from(format!("m/{}", char::from(b'a' + n)).as_str()), one)
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

/// Five thousand metrics: whatever key is pressed, its frame is there in a blink; and frames leave nothing behind.
#[test]
fn five_thousand_metrics_stay_quick_and_frames_leave_nothing_behind() {
    if std::env::var_os("OG_SLOW").is_none() {
        return;
    }
    let names = (0..5000).map(|n| match n % 5 {
        0 => format!("train/layer{n}/loss"),
        1 => format!("val/layer{}/loss", n - 1),
        2 => format!("norm_{n}/weight"),
        3 => format!("block{}/head{}/entropy", n / 100, n % 100),
        _ => format!("m/{}", char::from_u32(0x4e00 + n).unwrap()),
    });
    let series = names.map(|name| {
        let mut one = Series::new();
        for i in 0..500 {
            one.push(Point { step: Step(i), time: WallTime::new(START + i as f64), value: (i as f64 / 40.0).sin() });
        }
        (MetricKey::from(name.as_str()), one)
    });
    let run = picture(series.collect());
    let area = Rect::new(0, 0, 200, 50);
    let mut buf = Buffer::empty(area);
    let mut pane = graph(UNICODE, &run, (200, 50));
    let keys = "right down pgdn z . . ctrl+up shift+left 0 x x x + S - y y L L enter , right enter t t / l o s s enter esc X X f g";
    let mut took: Vec<(Duration, &str)> = vec![];
    // The machine is shared: what counts is the time that this thread had.
    let cpu = || {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
    };
    for _ in 0..5 {
        for key in keys.split(' ') {
            let start = cpu();
            press(&mut pane, &run, key);
            buf.reset();
            pane.draw(scene(&run), area, &mut buf);
            took.push((cpu() - start, key));
        }
    }
    took.sort();
    let p95 = took[took.len() * 95 / 100];
    println!("5000 metrics: key to frame p50 {:?}, p95 {p95:?}, most {:?}", took[took.len() / 2].0, took[took.len() - 1]);
    let start = cpu();
    let facts = crate::ui::facts::Facts::of(&run, false);
    let told = cpu() - start;
    let start = cpu();
    pane.update(crate::ui::pane::Event::Data(Box::new(facts)), scene(&run), Duration::ZERO);
    println!("5000 metrics: facts {told:?}, taken in {:?}", cpu() - start);
    let resident = || -> u64 {
        let pages = std::fs::read_to_string("/proc/self/statm").ok().and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok());
        pages.unwrap_or(0) * 4
    };
    let frame = |pane: &crate::ui::board::Board, buf: &mut Buffer| {
        buf.reset();
        pane.draw(scene(&run), area, buf);
    };
    (0..200).for_each(|_| frame(&pane, &mut buf));
    let before = resident();
    (0..1000).for_each(|_| frame(&pane, &mut buf));
    println!("memory after 1000 frames: {} KiB more of {before} KiB", resident() as i64 - before as i64);
    assert!(cfg!(debug_assertions) || p95.0 < Duration::from_millis(16), "{p95:?}");
}
