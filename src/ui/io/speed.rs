//! What keys, frames and data cost inside the pane. Slow to set up, so only on request (`OG_SLOW=1`, in a release build). Prints one
//! JSON object a line, `{bench, what, unit, values, target}`, of which `benches/ui.py` makes a table.

use crate::model::{MetricKey, Point, Series, SeriesMap, Step, WallTime};
use crate::query::RunRow;
use crate::store::RunPicture;
use crate::ui::{
    board::{Board, runs::tests::rows},
    facts::{Facts, Order},
    pane::{Event, Listing, Pane, Scene},
    tests::{START, UNICODE, graph, key_of, picture},
};
use ratatui::{buffer::Buffer, layout::Rect};
use std::time::Duration;

const AREA: Rect = Rect::new(0, 0, 200, 50);

/// A run of `names`, each with so many points.
fn run(names: impl Iterator<Item = String>, points: i64) -> RunPicture {
    let one = |(n, name): (usize, String)| {
        let mut one = Series::new();
        for i in 0..points {
            let wave = (i as f64 / points as f64 * 10.0 * (n % 16 + 1) as f64).sin();
            // Half of them are so noisy that they are smoothed.
            let noise = (i.wrapping_mul(2_654_435_761) % 1000) as f64 / 1e3;
            let value = wave + noise * if n % 2 == 0 { 0.5 } else { 0.1 };
            one.push(Point { step: Step(i), time: WallTime::new(START + i as f64 * 0.3), value });
        }
        (MetricKey::from(name.as_str()), one)
    };
    picture(names.enumerate().map(one).collect::<SeriesMap>())
}

/// Names as trainings have them: losses of two splits, families of layers and heads, and some that stand alone.
fn names(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|n| match n % 5 {
        0 => format!("train/layer{n}/loss"),
        1 => format!("val/layer{}/loss", n - 1),
        2 => format!("norm_{n}/weight"),
        3 => format!("block{}/head{}/entropy", n / 100, n % 100),
        _ => format!("m/{}", char::from_u32(0x4e00 + n as u32).unwrap()),
    })
}

fn is_asked() -> bool {
    std::env::var_os("OG_SLOW").is_some()
}

/// Milliseconds that this thread had a core for: the machine may be shared.
fn ms(work: impl FnOnce()) -> f64 {
    let cpu = || {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
    };
    let start = cpu();
    work();
    (cpu() - start).as_secs_f64() * 1e3
}

fn tell(bench: &str, what: &str, unit: &str, values: &[f64], target: Option<(&str, f64)>) {
    let target = target.map(|(stat, most)| serde_json::json!([stat, most]));
    println!("\n{}", serde_json::json!({"bench": bench, "what": what, "unit": unit, "values": values, "target": target}));
}

/// A board, what it reads, and the cells that it draws to.
struct Shown {
    board: Board,
    run: RunPicture,
    rows: Vec<RunRow>,
    buf: Buffer,
    now: Duration,
    /// Milliseconds of the turns that went on with what a key began, each with its frame.
    turns: Vec<f64>,
}

impl Shown {
    fn new(run: RunPicture, rows: Vec<RunRow>) -> Shown {
        Shown {
            board: graph(UNICODE, &run, (AREA.width, AREA.height)),
            run,
            rows,
            buf: Buffer::empty(AREA),
            now: Duration::ZERO,
            turns: vec![],
        }
    }

    fn update(&mut self, event: Event) {
        self.board.update(event, Scene { runs: &self.rows, ..Scene::of(&self.run) }, self.now);
    }

    /// A frame as the loop makes it: every cell, and the note for the controller.
    fn frame(&mut self) {
        let scene = Scene { runs: &self.rows, ..Scene::of(&self.run) };
        self.buf.reset();
        self.board.draw(scene, AREA, &mut self.buf);
    }

    fn note(&self) -> usize {
        let scene = Scene { runs: &self.rows, ..Scene::of(&self.run) };
        serde_json::to_string(&self.board.shown(scene, AREA)).unwrap().len()
    }

    /// Milliseconds from each of these keys to its frame, in turns.
    fn keys(&mut self, keys: &str, rounds: usize) -> Vec<f64> {
        let mut took = vec![];
        for key in (0..rounds).flat_map(|_| keys.split(' ')) {
            took.push(ms(|| {
                self.update(Event::Key(key_of(key)));
                self.frame();
                assert!(self.note() > 0);
            }));
            while let Some(at) = self.board.deadline() {
                self.now = at;
                let turn = ms(|| {
                    self.update(Event::Deadline);
                    self.frame();
                    assert!(self.note() > 0);
                });
                self.turns.push(turn);
            }
        }
        took
    }
}

/// What a person feels: 16 charts of a million points each, on every axis; and frames leave nothing behind.
#[test]
fn sixteen_million_points_are_drawn_in_milliseconds_and_frames_leave_nothing_behind() {
    if !is_asked() {
        return;
    }
    let mut shown = Shown::new(run((0..16u8).map(|n| format!("m/{}", char::from(b'a' + n))), 1_000_000), vec![]);
    let (mut drawn, mut told) = (vec![], vec![]);
    for _axis in 0..3 {
        for _ in 0..100 {
            drawn.push(ms(|| shown.frame()));
            told.push(ms(|| assert!(shown.note() > 1000)));
        }
        shown.update(Event::Key(key_of("x")));
    }
    let what = "16 charts of 1M points, 200x50";
    tell("frame", what, "ms", &drawn, Some(("p95", 3.0)));
    tell("frame", &format!("{what}: what is told of it"), "ms", &told, None);
    let resident = || -> f64 {
        let pages = std::fs::read_to_string("/proc/self/statm").ok().and_then(|text| text.split(' ').nth(1)?.parse::<f64>().ok());
        pages.unwrap_or(0.0) * 4.0
    };
    (0..200).for_each(|_| shown.frame());
    let before = resident();
    for n in 0..10_000 {
        // Something moves in each of them.
        shown.update(Event::Key(key_of(if n % 2 == 0 { "." } else { "," })));
        shown.frame();
    }
    tell(
        "frame",
        &format!("{what}: memory kept after 10,000 frames, of {before:.0} KiB"),
        "KiB",
        &[resident() - before],
        Some(("max", 64.0)),
    );
}

/// Five thousand metrics: whatever key is pressed, its frame is there in a blink, and so are new data.
#[test]
fn five_thousand_metrics_stay_quick() {
    if !is_asked() {
        return;
    }
    let mut shown = Shown::new(run(names(5000), 500), vec![]);
    let kinds = [
        ("pages", "pgdn pgdn n end N pgup home", 10),
        ("focus", "right down left up enter right enter", 10),
        ("filter", "/ l o s s 1 2 ctrl+u h e a d . * tab enter ctrl+l", 5),
        ("zoom", "z z [ ] { } K J Z Y f 0", 5),
        ("crosshair", ". > < , esc", 8),
        ("x axis", "x x x X X right X X L L y y", 5),
        ("smoothing", "+ + S - S S", 5),
        ("apart", "t t", 10),
        ("tabs", "tab tab tab 1 2 3 4 6 8 1", 5),
        ("help, palette, menu", "h pgdn esc : z o o m esc m down esc", 5),
    ];
    for (kind, keys, rounds) in kinds {
        let took = shown.keys(keys, rounds);
        tell("keys", &format!("5000 metrics, {kind}: key to frame"), "ms", &took, Some(("p95", 16.0)));
    }
    tell("keys", "5000 metrics over another one: turns that go on making curves", "ms", &shown.turns, None);
    let mut order = Order::default();
    let mut ticks = vec![];
    for filter in ["", "/ l o s s enter"] {
        if !filter.is_empty() {
            shown.keys(filter, 1);
        }
        for _ in 0..20 {
            ticks.push(ms(|| {
                let facts = Facts::of(&shown.run, false, &mut order);
                shown.update(Event::Data(Box::new(facts)));
                shown.frame();
                assert!(shown.note() > 0);
            }));
        }
    }
    // The first one puts all keys in order.
    tell("keys", "5000 metrics: data to frame", "ms", &ticks, Some(("p95", 16.0)));
}

/// Two thousand runs in the table.
#[test]
fn two_thousand_runs_stay_quick() {
    if !is_asked() {
        return;
    }
    let mut shown = Shown::new(run(names(50), 500), rows(2000));
    shown.keys("2", 1);
    let listing = || Event::Runs(Listing { at: START + 60.0, places: vec!["/home/me/.og".into()], ..Listing::default() });
    shown.update(listing());
    let kinds = [
        ("lines", "down pgdn pgdn up end home", 10),
        ("sort", "o o O o O", 8),
        ("group", "g pgdn g down g g g", 5),
        ("metric", "m m M M", 10),
        ("filter", "/ l r > 1 e - 4 ctrl+u o t t e r space v i enter ctrl+l", 5),
        ("select", "space space p a x", 8),
        ("views", "space down space c esc r pgdn r t pgdn t x", 5),
        ("tabs", "1 2 tab 2", 8),
    ];
    for (kind, keys, rounds) in kinds {
        let took = shown.keys(keys, rounds);
        tell("keys", &format!("2000 runs, {kind}: key to frame"), "ms", &took, Some(("p95", 16.0)));
    }
    let took: Vec<f64> = (0..40)
        .map(|_| {
            ms(|| {
                shown.update(listing());
                shown.frame();
                assert!(shown.note() > 0);
            })
        })
        .collect();
    tell("keys", "2000 runs: a new look at them to frame", "ms", &took, Some(("p95", 16.0)));
}
