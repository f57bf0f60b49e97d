//! What reading costs inside the process: the series store, and probes of the files named as arguments.
//! Prints one JSON object a line, `{bench, what, unit, values, target}`, which `benches/live.py` makes a table of.

use og::{
    model::{Point, ReadOptions, Series, Step, WallTime, XAxis},
    source::{Reach, probe, runs},
};
use std::{hint::black_box, path::Path, time::Instant};

/// Points of a long series.
const POINTS: i64 = 1_000_000;

fn main() {
    let files: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    series();
    for file in &files {
        probes(Path::new(file));
    }
}

fn tell(bench: &str, what: &str, unit: &str, values: &[f64], target: Option<(&str, f64)>) {
    let target = target.map(|(stat, most)| serde_json::json!([stat, most]));
    println!("{}", serde_json::json!({"bench": bench, "what": what, "unit": unit, "values": values, "target": target}));
}

/// Microseconds that each of `count` calls takes.
fn micros(count: usize, mut call: impl FnMut(usize)) -> Vec<f64> {
    let timed = |at| {
        let start = Instant::now();
        call(at);
        start.elapsed().as_secs_f64() * 1e6
    };
    (0..count).map(timed).collect()
}

/// Numbers that look random and are the same each time.
fn noise(at: i64) -> f64 {
    let bits = (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((bits ^ (bits >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40) as f64 / f64::from(1 << 24)
}

fn point(at: i64, is_single: bool) -> Point {
    let value = 2.0 + 7.0 / (1.0 + at as f64 * 1e-4) + noise(at);
    let value = if is_single { f64::from(value as f32) } else { value };
    Point { step: Step(at), time: WallTime::new(1.795e9 + at as f64 * 0.31 + noise(at ^ 77) * 0.01), value }
}

fn series() {
    for (is_single, what) in [(true, "32-bit values"), (false, "64-bit values")] {
        let points: Vec<Point> = (0..POINTS).map(|at| point(at, is_single)).collect();
        let mut series = Series::new();
        let rates: Vec<f64> = (0..5)
            .map(|_| {
                series = Series::new();
                let start = Instant::now();
                points.iter().for_each(|point| series.push(*point));
                POINTS as f64 / start.elapsed().as_secs_f64() / 1e6
            })
            .collect();
        tell("series", &format!("append, {what}, with times"), "M points/s", &rates, None);
        let bytes = series.heap_bytes() as f64 / POINTS as f64;
        tell("series", &format!("memory, {what}, with times, pyramid included"), "bytes/point", &[bytes], Some(("max", 20.0)));
        if is_single {
            continue;
        }
        for (axis, name) in [(XAxis::Step, "step"), (XAxis::WallTime, "wall time"), (XAxis::Relative, "relative time")] {
            let (from, to) = series.extent(axis).unwrap_or((0.0, 1.0));
            for columns in [200, 2000] {
                let whole = micros(200, |_| drop(black_box(series.columns(axis, from, to, columns))));
                tell("series", &format!("{columns} columns of 1M points, by {name}"), "us", &whole, None);
            }
        }
        let (from, to) = (0.0, POINTS as f64);
        let zoomed = micros(1000, |at| {
            let start = noise(at as i64) * to;
            drop(black_box(series.columns(XAxis::Step, start, (start + to / 100.0).min(to), 200)));
        });
        tell("series", "200 columns of a hundredth of them, anywhere", "us", &zoomed, None);
        let ranges = micros(1000, |at| {
            black_box(series.range_in(XAxis::Step, from, noise(at as i64) * to));
        });
        tell("series", "range of a window", "us", &ranges, None);
    }
    let mut series = Series::new();
    let start = Instant::now();
    // A run that is resumed again and again: 1000 times back by 500 steps.
    let mut step = 0;
    for at in 0..POINTS {
        step = if at % 1000 == 999 { step - 500 } else { step + 1 };
        series.push(point(step, true));
    }
    tell(
        "series",
        "append, back by 500 steps each 1000 points",
        "M points/s",
        &[POINTS as f64 / start.elapsed().as_secs_f64() / 1e6],
        None,
    );
}

fn probes(path: &Path) {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let megabytes = std::fs::metadata(path).map_or(0, |file| file.len()) as f64 / 1e6;
    let Ok(found) = runs(path) else { return eprintln!("{name}: no run") };
    for (reach, what) in [(Reach::Row, "a row"), (Reach::Keys, "all keys")] {
        let mut seen = None;
        let times = micros(100, |_| seen = probe(&found[0], &ReadOptions::default(), reach, false).ok());
        let millis: Vec<f64> = times.iter().map(|micros| micros / 1e3).collect();
        let seen = seen.map_or_else(String::new, |seen| format!("{} keys, {:.0} kB read", seen.last.len(), seen.bytes as f64 / 1e3));
        tell("probe", &format!("{name}, {megabytes:.0} MB, until {what} ({seen})"), "ms", &millis, Some(("p95", 5.0)));
    }
}
