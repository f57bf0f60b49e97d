//! Samples of a machine as charts: which share one, what they are called, and on which scale.

use super::{Named, Sieve};
use crate::model::{MetricKey, Series, SeriesMap, XAxis, num};
use crate::query::Smoothing;
use crate::ui::{
    board::page::Shared,
    chart::{Chart, Curve, Entry, Heat, Measure, Scale},
};
use ratatui::{buffer::Buffer, layout::Rect};
use serde_json::{Value, json};

/// Most curves in a chart; more become a heat strip.
const CURVES_MAX: usize = 4;

/// Names that wandb, Trackio and og give to samples (`#`: a number), the title of their chart, and what the curve is called in it.
/// They are drawn in this order, what is not known behind them. What a title says of a unit stands at its end.
///
/// Source: wandb 0.31 `core/pkg/monitor`, Trackio 0.43 `cpu.py` and `gpu.py`, read 2026-11.
const KNOWN: &[(&str, &str, &str)] = &[
    ("cpu_percent", "cpu %", ""),
    ("cpu.utilization", "cpu %", ""),
    ("gpu.#.gpu", "gpu %", "#"),
    ("gpu.#.utilization", "gpu %", "#"),
    ("gpu.#.memoryAllocated", "gpu memory %", "#"),
    ("gpu.#.allocated_memory", "gpu memory GiB", "#"),
    ("memory_percent", "memory %", ""),
    ("memory.percent", "memory %", ""),
    ("run.cpu_percent", "run cpu %", ""),
    ("cpu", "process cpu %", ""),
    ("run.memory_gb", "run memory GiB", ""),
    ("proc.memory.rssMB", "process memory MB", ""),
    ("gpu.#.temp", "gpu temp C", "#"),
    ("gpu.#.powerWatts", "gpu power W", "#"),
    ("gpu.#.power", "gpu power W", "#"),
    ("cpu.#.cpu_percent", "cores %", "#"),
    ("cpu.#.utilization", "cores %", "#"),
    ("disk.read_mb_per_sec", "disk MiB/s", "read"),
    ("disk.write_mb_per_sec", "disk MiB/s", "write"),
    ("network.recv_mb_per_sec", "network MiB/s", "in"),
    ("network.sent_mb_per_sec", "network MiB/s", "out"),
    ("network.recv", "network bytes so far", "in"),
    ("network.sent", "network bytes so far", "out"),
    ("proc.cpu.threads", "process threads", ""),
    ("proc.memory.percent", "process memory %", ""),
    ("proc.memory.availableMB", "memory available MB", ""),
    ("memory.used", "memory used GiB", ""),
    ("memory.available", "memory available GiB", ""),
    ("swap.percent", "swap %", ""),
    ("disk.read_iops", "disk operations/s", "read"),
    ("disk.write_iops", "disk operations/s", "write"),
    ("gpu.#.memory", "gpu memory access %", "#"),
    ("gpu.#.memory_utilization", "gpu memory access %", "#"),
    ("gpu.#.memoryAllocatedBytes", "gpu memory bytes", "#"),
    ("gpu.#.powerPercent", "gpu power %", "#"),
    ("gpu.#.power_limit", "gpu power limit W", "#"),
    ("gpu.#.enforcedPowerLimitWatts", "gpu power limit W", "#"),
    ("gpu.#.smClock", "gpu clock MHz", "#"),
    ("gpu.#.sm_clock", "gpu clock MHz", "#"),
    ("gpu.#.memoryClock", "gpu memory clock MHz", "#"),
    ("gpu.#.memory_clock", "gpu memory clock MHz", "#"),
    ("gpu.#.fan_speed", "gpu fan %", "#"),
    ("gpu.#.fanSpeed", "gpu fan %", "#"),
];

/// What wandb says of each disk: the end of the name, the title without the disk, and what the curve is called.
const DISKS: &[(&str, &str, &str)] = &[
    ("usagePercent", "disk used %", "#"),
    ("usageGB", "disk used GB", "#"),
    ("in", "disk MB so far", "read"),
    ("out", "disk MB so far", "written"),
];

/// Samples that share a chart.
#[derive(Clone, PartialEq, Debug)]
pub struct Panel {
    title: String,
    keys: Named,
    order: usize,
}

/// What a sample is called: where it stands, the title of its chart, and its own name in it.
fn known(name: &str) -> (usize, String, String) {
    let plain = name.strip_prefix("system").and_then(|rest| rest.strip_prefix(['.', '/'])).unwrap_or(name);
    if let Some((disk, end)) = plain.strip_prefix("disk.").and_then(|rest| rest.rsplit_once('.'))
        && let Some(at) = DISKS.iter().position(|(known, ..)| *known == end)
    {
        let (_, title, label) = DISKS[at];
        let title = if label == "#" { title.to_owned() } else { format!("{title} {disk}") };
        return (KNOWN.len() + at, title, label.replace('#', disk));
    }
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
    let words: Vec<&str> = plain.split(['.', '/']).collect();
    let number = words.iter().find(|word| is_number(word)).copied();
    let pattern = words.iter().map(|word| if is_number(word) { "#" } else { word }).collect::<Vec<_>>().join(".");
    match KNOWN.iter().position(|(known, ..)| *known == pattern) {
        Some(at) => (at, KNOWN[at].1.to_owned(), KNOWN[at].2.replace('#', number.unwrap_or(""))),
        None => (KNOWN.len() + DISKS.len(), plain.replace('/', "."), String::new()),
    }
}

/// The charts of these samples whose title or name fits what somebody typed.
pub fn panels(series: &SeriesMap, filter: &Sieve) -> Vec<Panel> {
    let mut out: Vec<Panel> = vec![];
    for key in series.keys() {
        let (order, title, label) = known(key.as_str());
        if !(filter.fits(&title) || filter.fits(key.as_str())) {
            continue;
        }
        match out.iter_mut().find(|panel| panel.title == title) {
            Some(panel) => {
                panel.order = panel.order.min(order);
                panel.keys.push((label, key.clone()));
            }
            None => out.push(Panel { title, keys: vec![(label, key.clone())], order }),
        }
    }
    out.sort_by(|a, b| (a.order, &a.title).cmp(&(b.order, &b.title)));
    for panel in out.iter_mut().filter(|panel| panel.keys.len() > 1) {
        for (label, key) in panel.keys.iter_mut().filter(|(label, _)| label.is_empty()) {
            key.as_str().clone_into(label);
        }
        // The tenth core stands behind the ninth.
        panel.keys.sort_by(|(a, _), (b, _)| a.parse::<u32>().ok().cmp(&b.parse::<u32>().ok()).then(a.cmp(b)));
    }
    out
}

/// Along which x the samples are drawn: time, where they have any.
fn axis(series: &SeriesMap) -> XAxis {
    if series.values().any(|series| series.extent(XAxis::WallTime).is_some()) { XAxis::WallTime } else { XAxis::Step }
}

/// The first and the last x of all samples.
pub fn extent(series: &SeriesMap) -> Option<(f64, f64)> {
    /// A single sample stands at the end of so much.
    const LEAST: f64 = 10.0;
    let axis = axis(series);
    let whole = series.values().filter_map(|series| series.extent(axis)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    whole.map(|(from, to)| if to > from { (from, to) } else { (to - LEAST, to) })
}

/// A panel ready to be drawn.
enum Picture<'a> {
    Chart(Box<Chart<'a>>),
    Heat(Heat<'a>),
}

impl Panel {
    fn curves<'a>(&'a self, series: &'a SeriesMap) -> impl Iterator<Item = (&'a str, &'a MetricKey, &'a Series)> {
        self.keys.iter().filter_map(|(label, key)| Some((if label.is_empty() { key.as_str() } else { label }, key, series.get(key)?)))
    }

    /// The scale of percents, rates and amounts of memory starts at zero, so that a small ripple looks like one.
    fn range(&self, series: &SeriesMap, axis: XAxis, (from, to): (f64, f64)) -> Option<(f64, f64)> {
        let (low, high) =
            self.curves(series).filter_map(|(.., series)| series.range_in(axis, from, to)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
        match () {
            () if low < 0.0 => None,
            () if self.title.ends_with('%') => Some((0.0, high.max(100.0))),
            () if high == 0.0 => Some((0.0, 1.0)),
            () if ["/s", "iB", "MB"].iter().any(|unit| self.title.ends_with(unit)) => Some((0.0, high)),
            () => None,
        }
    }

    fn picture<'a>(&'a self, series: &'a SeriesMap, window: Option<(f64, f64)>, shared: &'a Shared) -> Picture<'a> {
        let (axis, window) = (axis(series), window.unwrap_or((0.0, 1.0)));
        let measure = if axis == XAxis::WallTime { Measure::Clock } else { Measure::Steps };
        let x = Scale::new(window.0, window.1, false);
        if self.keys.len() > CURVES_MAX {
            let rows = self.curves(series).map(|(label, _, series)| (label, series, axis)).collect();
            return Picture::Heat(Heat {
                title: &self.title,
                rows,
                measure,
                x,
                cursor: None,
                focused: false,
                utc_offset: shared.utc_offset,
                theme: &shared.theme,
            });
        }
        let curve = |(key, (name, _, series)): (usize, (&'a str, &'a MetricKey, &'a Series))| Curve {
            name,
            logged: series,
            drawn: series,
            before: None,
            axis,
            run: None,
            key,
            group: None,
            pinned: false,
        };
        Picture::Chart(Box::new(Chart {
            title: &self.title,
            curves: self.curves(series).enumerate().map(curve).collect(),
            measure,
            x,
            x_name: None,
            y: self.range(series, axis, window),
            log_y: false,
            smoothing: Smoothing::Off,
            why_empty: None,
            marks: &[],
            cursor: None,
            focused: false,
            utc_offset: shared.utc_offset,
            theme: &shared.theme,
        }))
    }

    /// Draws it over a range of x.
    pub fn draw(&self, series: &SeriesMap, window: Option<(f64, f64)>, shared: &Shared, area: Rect, buf: &mut Buffer) {
        match self.picture(series, window, shared) {
            Picture::Chart(chart) => chart.draw(area, buf),
            Picture::Heat(heat) => heat.draw(area, buf),
        }
    }

    /// What stands in it on an area of this size. These are no metrics of the run, so they are not told among those.
    pub fn told(&self, series: &SeriesMap, window: Option<(f64, f64)>, shared: &Shared, area: Rect) -> Value {
        match self.picture(series, window, shared) {
            Picture::Heat(heat) => json!({"title": self.title, "heat": heat.rows.len()}),
            Picture::Chart(chart) => {
                let told = |entry: &Entry| {
                    let (curve, (_, key)) = chart.curves.get(entry.curve).zip(self.keys.get(entry.curve))?;
                    let (min, max) = curve.drawn.range_in(curve.axis, chart.x.from, chart.x.to).unzip();
                    let last = curve.logged.last().map(|point| num::to_json(point.value));
                    Some(json!({"key": key.as_str(), "name": entry.name, "value": entry.value, "last": last, "min": min, "max": max}))
                };
                json!({"title": self.title, "legend": chart.legend(area).entries().filter_map(told).collect::<Vec<_>>()})
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Samples, SourceRank};

    fn titles(names: &[&str], query: &str) -> Vec<(String, Vec<String>)> {
        let mut samples = Samples::default();
        samples.take(SourceRank::Own, None, names.iter().map(|name| (name.to_string(), 1.0)));
        let labels = |panel: Panel| (panel.title, panel.keys.into_iter().map(|(label, _)| label).collect());
        panels(samples.series(), &Sieve::new(query, false)).into_iter().map(labels).collect()
    }

    #[test]
    fn names_of_all_trackers_find_their_charts() {
        let named = |title: &str, labels: &[&str]| (title.to_owned(), labels.iter().map(ToString::to_string).collect::<Vec<_>>());
        let names = [
            "system.cpu.10.cpu_percent",
            "cpu.9.cpu_percent",
            "gpu/0/utilization",
            "disk.vda.out",
            "disk.vda.in",
            "odd/thing",
            "disk./.usageGB",
        ];
        let want = [
            named("gpu %", &["0"]),
            named("cores %", &["9", "10"]),
            named("disk used GB", &["/"]),
            named("disk MB so far vda", &["read", "written"]),
            named("odd.thing", &[""]),
        ];
        assert_eq!(titles(&names, ""), want);
        assert_eq!(titles(&names, "USED"), want[2..3]);
        assert_eq!(
            titles(&["gpu.0.gpu", "gpu.0.memory", "cpu_percent", "cpu/utilization"], "cpu"),
            [named("cpu %", &["cpu/utilization", "cpu_percent"])]
        );
    }

    #[test]
    fn the_first_sample_stands_at_the_end_of_some_seconds() {
        let mut samples = Samples::default();
        assert_eq!(extent(samples.series()), None);
        samples.take(SourceRank::Own, crate::model::WallTime::new(1e9), [("cpu".to_owned(), 1.0)]);
        assert_eq!(extent(samples.series()), Some((1e9 - 10.0, 1e9)));
    }
}
