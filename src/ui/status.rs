//! The status pane: one to six rows that say how the run and the canvas are.

use super::{
    facts::{Facts, SeriesMap, grouped},
    keymap::{Action, Keymap, Scope},
    pane::{Effect, Event, Link, Pane, Scene},
    strip::{self, Part},
    theme::Theme,
};
use crate::ipc::wire::Shown;
use crate::query;
use crate::text;
use crossterm::event::{KeyEvent, KeyEventKind};
use ratatui::{buffer::Buffer, layout::Rect};
use std::time::Duration;

/// Metrics with a trend kept for the pane; more than fit on any screen.
const METRICS_MAX: usize = 12;
/// The keys of the neighbours, since this pane has the room to tell them.
const KEYS: &[&str] = &["graph pane: / filter", "enter zoom", "h help"];
/// The keys of tmux and the commands.
const MORE_KEYS: &[&str] = &["prefix+arrows move", "og canvas close"];

/// State of the status pane.
#[derive(Debug)]
pub struct Status {
    theme: Theme,
    keymap: Keymap,
    utc_offset: f64,
    facts: Facts,
    metrics: Vec<Metric>,
    canvas: String,
    title: String,
    link: Link,
    refreshed: u64,
}

#[derive(Clone, PartialEq, Debug)]
struct Metric {
    key: String,
    value: String,
    trend: &'static str,
    finite: bool,
}

/// A row of the pane, most important first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Row {
    Run,
    Metrics,
    Progress,
    Keys,
    Health,
    Times,
}

/// Rows by height, top to bottom.
const ROWS: [&[Row]; 6] = {
    use Row::*;
    [
        &[Run],
        &[Run, Metrics],
        &[Run, Progress, Metrics],
        &[Run, Progress, Metrics, Keys],
        &[Run, Progress, Metrics, Health, Keys],
        &[Run, Progress, Metrics, Times, Health, Keys],
    ]
};

impl Status {
    /// An empty pane of the canvas with this name. `utc_offset`: seconds that the local clock is ahead of UTC.
    pub fn new(theme: Theme, utc_offset: f64, canvas: String) -> Status {
        Status {
            theme,
            keymap: Keymap::default(),
            utc_offset,
            facts: Facts::default(),
            metrics: vec![],
            canvas,
            title: String::new(),
            link: Link::Unknown,
            refreshed: 0,
        }
    }

    fn row(&self, row: Row, alone: bool) -> Vec<Part> {
        match row {
            Row::Run => self.run_row(alone),
            Row::Metrics => self.metrics_row(),
            Row::Progress => vec![],
            Row::Keys => self.keys_row(),
            Row::Health => self.health_row(),
            Row::Times => self.times_row(),
        }
    }

    fn run_row(&self, alone: bool) -> Vec<Part> {
        let quiet = self.theme.quiet();
        let mut parts = self.facts.head(&self.theme);
        parts.push(Part::new(self.eta_text(), quiet, 11));
        if let Some(at) = self.facts.end().and_then(|exit| exit.at) {
            parts.push(Part::new(format!("ended {}", self.clock(at.secs())), quiet, 9));
        }
        if alone {
            parts.extend(self.metric_parts(1));
        }
        if self.link == Link::Down && alone {
            parts.push(Part::new(RECONNECTING, self.theme.warn(), 13));
        }
        parts
    }

    fn metrics_row(&self) -> Vec<Part> {
        let mut parts = self.metric_parts(METRICS_MAX);
        if parts.is_empty() {
            parts.push(Part::new("no metric yet", self.theme.quiet(), 9));
        }
        if self.link == Link::Down {
            parts.push(Part::new(RECONNECTING, self.theme.warn(), 200));
        }
        parts
    }

    fn metric_parts(&self, count: usize) -> Vec<Part> {
        // The first metrics stay the longest; a value never stands without its name.
        let part = |(i, metric): (usize, &Metric)| {
            let style = if metric.finite { self.theme.value() } else { self.theme.bad() };
            let text = format!("{} {} {}", metric.key, metric.value, metric.trend);
            Part::new(text.trim_end(), style, if count == 1 { 8 } else { 100 - i as u8 })
        };
        self.metrics.iter().take(count).enumerate().map(part).collect()
    }

    fn health_row(&self) -> Vec<Part> {
        let quiet = self.theme.quiet();
        let name = if self.title.is_empty() { &self.canvas } else { &self.title };
        let mut parts = vec![Part::new(format!("canvas {name}"), quiet, 5)];
        parts.push(match &self.link {
            Link::None | Link::Unknown => Part::new("controller: connecting", quiet, 8),
            Link::Up(_) => Part::new("controller: ok", quiet, 8),
            Link::Down => Part::new(RECONNECTING, self.theme.warn(), 9),
        });
        if let Link::Up(health) = &self.link {
            if health.sampling {
                parts.push(Part::new("output is a flood: sampled", self.theme.warn(), 7));
            }
            if let Some((what, at)) = &health.agent_last {
                let at = at.parse::<jiff::Timestamp>().map(|at| self.clock(at.as_second() as f64));
                parts.push(Part::new(format!("agent: {what} {}", at.unwrap_or_default()).trim_end(), self.theme.accent(), 6));
            }
            if !health.may_send.is_empty() {
                parts.push(Part::new(format!("agent may type into: {}", health.may_send.join(", ")), quiet, 4));
            }
        }
        parts.push(Part::new(self.facts.losses_text(), self.theme.warn(), 7));
        parts.push(Part::new(self.facts.problem.as_deref().unwrap_or_default(), self.theme.bad(), 7));
        parts
    }

    fn times_row(&self) -> Vec<Part> {
        let quiet = self.theme.quiet();
        let mut parts = vec![];
        if let Some(at) = self.facts.started_at {
            parts.push(Part::new(format!("started {}", self.clock(at)), quiet, 6));
            if let Some(last) = self.facts.end().and_then(|exit| exit.at).map(|at| at.secs()).or(self.facts.last_at) {
                parts.push(Part::joined(format!("({} of data)", text::duration(last - at)), quiet, 4));
            }
        }
        if !self.facts.source.is_empty() {
            parts.push(Part::new(format!("source: {}", self.facts.source), quiet, 5));
        }
        parts.push(Part::new(self.facts.command.as_str(), quiet, 3));
        parts
    }

    fn keys_row(&self) -> Vec<Part> {
        let faint = self.theme.faint();
        let more = MORE_KEYS.iter().map(|hint| Part::new(*hint, faint, 4));
        let keys = KEYS.iter().enumerate().map(|(i, hint)| if i == 0 { Part::new(*hint, faint, 5) } else { Part::new(*hint, faint, 3) });
        keys.chain(more).collect()
    }

    /// `ETA 14:32 (in 12:04)`: by the clock, so that it need not tick.
    fn eta_text(&self) -> String {
        match (self.facts.eta(), self.facts.last_at) {
            (Some(eta), Some(now)) => format!("ETA {} (in {})", self.clock(now + eta), text::duration(eta)),
            (Some(eta), None) => format!("ETA {}", text::duration(eta)),
            _ => String::new(),
        }
    }

    fn clock(&self, secs: f64) -> String {
        let of_day = (secs + self.utc_offset).rem_euclid(86_400.0) as u64;
        format!("{:02}:{:02}", of_day / 3600, of_day / 60 % 60)
    }

    fn progress_row(&self, row: Rect, buf: &mut Buffer) {
        let Some(progress) = self.facts.progress() else {
            let words = match self.facts.step {
                Some(step) => format!("{} steps so far (no total known)", grouped(step)),
                None => "no step yet".into(),
            };
            strip::draw(vec![Part::new(words, self.theme.quiet(), 1)], &self.theme, row, buf);
            return;
        };
        let percent = text::fit_right(&text::percent(progress), 6);
        let bar = row.width.saturating_sub(percent.len() as u16 + 2);
        if bar < 4 {
            strip::draw(vec![Part::new(percent.trim(), self.theme.value(), 1)], &self.theme, row, buf);
            return;
        }
        let full = (f64::from(bar) * progress) as u16;
        let (on, off) = self.theme.bar();
        let style = self.theme.state(self.facts.run_state());
        let mut x = buf.set_stringn(row.x, row.y, "[", 1, self.theme.faint()).0;
        for i in 0..bar {
            let (symbol, style) = if i < full { (on, style) } else { (off, self.theme.faint()) };
            x = buf.set_stringn(x, row.y, symbol, 1, style).0;
        }
        x = buf.set_stringn(x, row.y, "]", 1, self.theme.faint()).0;
        buf.set_stringn(x, row.y, &percent, usize::from(row.right().saturating_sub(x)), self.theme.value());
    }
}

const RECONNECTING: &str = "controller: reconnecting";

impl Pane for Status {
    fn update(&mut self, event: Event, scene: Scene<'_>, _now: Duration) -> Vec<Effect> {
        let quits = |key| self.keymap.action(&[Scope::Board], key) == Some(Action::Quit);
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release && quits(key) => {
                return vec![Effect::Quit];
            }
            Event::Key(_) | Event::Mouse(_) | Event::Paste(_) | Event::Runs(_) | Event::Deadline => return vec![],
            Event::Resized(..) => return vec![Effect::DrawAll],
            Event::Data(facts) => {
                let told = self.facts.told;
                self.facts = Facts { told, ..*facts };
                self.metrics = metrics(&self.facts, scene.series(), &self.theme);
            }
            Event::Spec { title, .. } => self.title = title,
            Event::Controller(link) => self.link = link,
            Event::RunEnded(told) => self.facts.told = told,
            Event::Redraw(number) => {
                self.refreshed = number;
                return vec![Effect::DrawAll];
            }
        }
        vec![Effect::DrawSoon]
    }

    fn apart(&self, key: KeyEvent) -> Vec<KeyEvent> {
        self.keymap.apart(&[Scope::Board], key)
    }

    fn draw(&self, _scene: Scene<'_>, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let rows = ROWS[usize::from(area.height).min(ROWS.len()) - 1];
        for (y, &row) in (area.y..).zip(rows) {
            let place = Rect { y, height: 1, ..area };
            if row == Row::Progress {
                self.progress_row(place, buf);
            } else {
                strip::draw(self.row(row, rows.len() == 1), &self.theme, place, buf);
            }
        }
    }

    fn shown(&self, _scene: Scene<'_>, _area: Rect) -> Shown {
        Shown { role: "status".into(), graph: None, visible_metrics: vec![], refreshed: self.refreshed }
    }

    fn title(&self) -> String {
        if self.facts.name.is_empty() { "og status".into() } else { format!("og status: {}", self.facts.name) }
    }

    fn deadline(&self) -> Option<Duration> {
        None
    }
}

fn metrics(facts: &Facts, series: &SeriesMap, theme: &Theme) -> Vec<Metric> {
    let metric = |key: &crate::model::MetricKey| {
        let series = series.get(key)?;
        let last = series.last()?;
        let trend = (series.len() >= 4).then(|| query::trend(series).dir.as_str());
        Some(Metric { key: key.to_string(), value: text::number(last.value, 4), trend: theme.trend(trend), finite: last.value.is_finite() })
    };
    facts.keys.iter().filter_map(metric).take(METRICS_MAX).collect()
}
