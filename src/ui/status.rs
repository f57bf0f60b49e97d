//! The status pane: one to nine rows that say how the run and the canvas are.

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
/// The keys of the neighbour, since this pane has the room to tell them.
const KEYS: &[(Scope, Action, &str)] =
    &[(Scope::Board, Action::OpenFilter, "filter"), (Scope::Graphs, Action::Open, "zoom"), (Scope::Board, Action::Help, "help")];
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
    best: String,
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
    /// What wants to be looked at: alerts, the agent, the controller; where there is no other row, the rest too.
    Watch,
    /// The machine and the checkpoints.
    Machine,
    Canvas,
    Times,
}

/// Rows by height, top to bottom.
const ROWS: [&[Row]; 8] = {
    use Row::*;
    [
        &[Run],
        &[Run, Metrics],
        &[Run, Progress, Metrics],
        &[Run, Progress, Metrics, Watch],
        &[Run, Progress, Metrics, Watch, Keys],
        &[Run, Progress, Metrics, Machine, Watch, Keys],
        &[Run, Progress, Metrics, Machine, Watch, Canvas, Keys],
        &[Run, Progress, Metrics, Machine, Watch, Times, Canvas, Keys],
    ]
};
/// From this width on the bar holds what is known of the pace.
const WORDY_BAR_COLS_MIN: u16 = 60;

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

    /// Takes the keys as this person has them.
    pub fn bind(mut self, keymap: Keymap) -> Status {
        self.keymap = keymap;
        self
    }

    fn row(&self, row: Row, rows: &[Row], scene: Scene<'_>, width: u16) -> Vec<Part> {
        match row {
            Row::Run => self.run_row(rows, width),
            Row::Metrics => self.metrics_row(rows, width),
            Row::Progress => vec![],
            Row::Keys => self.keys_row(),
            Row::Watch => {
                let mut parts = self.watch_row();
                if !rows.contains(&Row::Machine) {
                    parts.extend(self.machine_row(scene));
                }
                if !rows.contains(&Row::Canvas) {
                    parts.extend(self.canvas_row());
                }
                parts
            }
            Row::Machine => self.machine_row(scene),
            Row::Canvas => self.canvas_row(),
            Row::Times => self.times_row(),
        }
    }

    fn run_row(&self, rows: &[Row], width: u16) -> Vec<Part> {
        let quiet = self.theme.quiet();
        let alone = rows.len() == 1;
        let mut parts = self.facts.head(&self.theme, width);
        // What the bar below says is not said twice.
        match rows.contains(&Row::Progress) && width >= WORDY_BAR_COLS_MIN && self.facts.progress().is_some() {
            true => parts.truncate(3),
            false => parts.push(Part::new(self.eta_text(), quiet, 11)),
        }
        if let Some(step) = self.facts.from_step {
            parts.push(Part::new(format!("from step {}", grouped(step)), quiet, 2));
        }
        if let Some(at) = self.facts.end().and_then(|exit| exit.at) {
            parts.push(Part::new(format!("ended {}", self.clock(at.secs())), quiet, 9));
        }
        if alone {
            // How the run stands goes before what it said.
            parts.extend(self.problem_parts());
            parts.push(Part::new(self.last_words(width), self.theme.bad(), 9));
            parts.extend(self.trouble_parts(width).into_iter().map(|part| Part { rank: 9, ..part }));
            parts.extend(self.metric_parts(1));
        }
        if self.link == Link::Down && alone {
            parts.push(Part::new(RECONNECTING, self.theme.warn(), 13));
        }
        parts
    }

    fn metrics_row(&self, rows: &[Row], width: u16) -> Vec<Part> {
        let mut parts = self.metric_parts(METRICS_MAX);
        if parts.is_empty() {
            parts.push(Part::new(if self.facts.is_live() { "no metric yet" } else { "no metric" }, self.theme.quiet(), 9));
        }
        let mut trouble = self.problem_parts();
        trouble.push(Part::new(self.last_words(width), self.theme.bad(), 240));
        // What has a row of its own where there are more.
        if !rows.contains(&Row::Watch) {
            trouble.extend(self.trouble_parts(width));
            trouble.push(Part::new(self.facts.losses_text(), self.theme.warn(), 60));
        }
        parts.splice(0..0, trouble);
        if self.link == Link::Down {
            parts.push(Part::new(RECONNECTING, self.theme.warn(), 200));
        }
        parts
    }

    /// What is wrong with the canvas goes before anything else that can be told.
    fn problem_parts(&self) -> Vec<Part> {
        let problems = if let Link::Up(health) = &self.link { health.problems.as_slice() } else { &[] };
        problems.iter().map(|problem| Part::new(problem.as_str(), self.theme.bad(), 250)).collect()
    }

    /// What is wrong with the run, in at most half a row each: the rest is left to its metrics.
    fn trouble_parts(&self, width: u16) -> Vec<Part> {
        let (bad, warn) = (self.theme.bad(), self.theme.warn());
        let short = |words: &str| text::cut(words, usize::from(width) / 2).into_owned();
        vec![
            Part::new(short(self.facts.problem.as_deref().unwrap_or_default()), bad, 235),
            Part::new(short(&self.alert_words().unwrap_or_default()), warn, 230),
        ]
    }

    /// What the run said before it failed.
    fn last_words(&self, width: u16) -> String {
        text::cut(&self.facts.last_words, usize::from(width) / 2).into_owned()
    }

    fn alert_words(&self) -> Option<String> {
        let (count, title) = &self.facts.alerts;
        (*count > 0).then(|| format!("{count} alert{}: {title}", if *count == 1 { "" } else { "s" }))
    }

    fn metric_parts(&self, count: usize) -> Vec<Part> {
        // The first metrics stay the longest; a value never stands without its name.
        let parts = |(i, metric): (usize, &Metric)| {
            let style = if metric.finite { self.theme.value() } else { self.theme.bad() };
            let text = format!("{} {} {}", metric.key, metric.value, metric.trend);
            let best = if metric.best.is_empty() { String::new() } else { format!("(best {})", metric.best) };
            let rank = if count == 1 { 8 } else { 100 - i as u8 };
            // The first bests come before the last metrics.
            [Part::new(text.trim_end(), style, rank), Part::bound(best, self.theme.quiet(), if count == 1 { 7 } else { rank - 2 })]
        };
        self.metrics.iter().take(count).enumerate().flat_map(parts).collect()
    }

    /// Alerts, the agent, the controller, and what went wrong.
    fn watch_row(&self) -> Vec<Part> {
        let (theme, quiet) = (&self.theme, self.theme.quiet());
        let mut parts = vec![match self.alert_words() {
            None => Part::new("no alerts", quiet, 5),
            Some(words) => Part::new(words, theme.warn(), 30),
        }];
        parts.push(match &self.link {
            Link::None | Link::Unknown => Part::new("controller: connecting", quiet, 21),
            Link::Up(_) => Part::new("controller: ok", quiet, 21),
            Link::Down => Part::new(RECONNECTING, theme.warn(), 40),
        });
        if let Link::Up(health) = &self.link {
            let may = health.may_send.join(", ");
            if let Some((what, at)) = &health.agent_last {
                let at = at.parse::<jiff::Timestamp>().map(|at| self.clock(at.as_second() as f64));
                parts.push(Part::new(format!("agent: {what} {}", at.unwrap_or_default()).trim_end(), theme.accent(), 20));
                let may = if may.is_empty() { "(may not type)".to_owned() } else { format!("(may type: {may})") };
                parts.push(Part::bound(may, quiet, 9));
            } else if may.is_empty() {
                parts.push(Part::new("agent may not type", quiet, 9));
            } else {
                parts.push(Part::new(format!("agent may type into: {may}"), quiet, 9));
            }
            if health.sampling {
                parts.push(Part::new("output is a flood: sampled", theme.warn(), 25));
            }
        }
        parts.push(Part::new(self.facts.losses_text(), theme.warn(), 22));
        parts.push(Part::new(self.facts.problem.as_deref().unwrap_or_default(), theme.bad(), 35));
        parts
    }

    /// The machine, by its own samples or by a look at it; and how much would be lost if it went away.
    fn machine_row(&self, scene: Scene<'_>) -> Vec<Part> {
        let quiet = self.theme.quiet();
        let mut parts = vec![];
        if let Some((step, at)) = self.facts.checkpoint {
            let step = step.map(|step| format!(" step {}", grouped(step))).unwrap_or_default();
            let age = self.facts.last_at.filter(|last| *last >= at).map(|last| format!(" ({} ago)", text::duration(last - at)));
            let words = format!("checkpoint{step} {}{}", self.clock(at), age.unwrap_or_default());
            parts.push(Part::new(words, quiet, 19));
        } else if self.facts.is_live() {
            parts.push(Part::new("no checkpoint", quiet, 3));
        }
        let machine = match scene.host {
            Some(machine) => machine.last.words(),
            None => self.facts.system.clone(),
        };
        parts.push(Part::new(machine, quiet, 18));
        parts
    }

    fn canvas_row(&self) -> Vec<Part> {
        let quiet = self.theme.quiet();
        let name = if self.title.is_empty() { &self.canvas } else { &self.title };
        let mut parts = vec![Part::new(format!("canvas {name}"), quiet, 8)];
        if let Link::Up(health) = &self.link {
            if !health.tmux.is_empty() {
                parts.push(Part::new(format!("tmux {}", health.tmux), quiet, 2));
            }
            if health.drift > 0 {
                parts.push(Part::new(format!("{} drift{} mended", health.drift, if health.drift == 1 { "" } else { "s" }), quiet, 2));
            }
        }
        parts
    }

    fn times_row(&self) -> Vec<Part> {
        let quiet = self.theme.quiet();
        let mut parts = vec![];
        if let Some(at) = self.facts.started_at {
            parts.push(Part::new(format!("started {}", self.clock(at)), quiet, 6));
            if let Some(last) = self.facts.end().and_then(|exit| exit.at).map(|at| at.secs()).or(self.facts.last_at) {
                parts.push(Part::bound(format!("({} of data)", text::duration(last - at)), quiet, 4));
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
        let hint = |(i, (scope, action, word)): (usize, &(Scope, Action, &str))| {
            let hint = format!("{} {word}", self.keymap.key_of(&[*scope], *action)?);
            Some(if i == 0 { Part::new(format!("graph pane: {hint}"), faint, 5) } else { Part::new(hint, faint, 3) })
        };
        KEYS.iter().enumerate().filter_map(hint).chain(more).collect()
    }

    /// `ETA 12:04 (at 14:32)`: what is left, as every header says it, and the clock.
    fn eta_text(&self) -> String {
        match (self.facts.eta(), self.facts.last_at) {
            (Some(eta), Some(now)) => format!("ETA {} (at {})", text::duration(eta), self.clock(now + eta)),
            (Some(eta), None) => format!("ETA {}", text::duration(eta)),
            _ => String::new(),
        }
    }

    fn clock(&self, secs: f64) -> String {
        let of_day = (secs + self.utc_offset).rem_euclid(86_400.0) as u64;
        format!("{:02}:{:02}", of_day / 3600, of_day / 60 % 60)
    }

    /// As htop draws it: a bar between brackets with its words in it.
    fn progress_row(&self, row: Rect, buf: &mut Buffer) {
        let Some(progress) = self.facts.progress() else {
            let words = match self.facts.step {
                Some(step) => format!("{} steps so far (no total known)", grouped(step)),
                None if !self.facts.is_live() => "no step".into(),
                None => "no step yet".into(),
            };
            strip::draw(vec![Part::new(words, self.theme.quiet(), 1)], &self.theme, row, buf);
            return;
        };
        let percent = text::percent(progress);
        let words = match row.width >= WORDY_BAR_COLS_MIN {
            true => {
                let parts = [percent, self.facts.rate_text(), self.eta_text()];
                parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ")
            }
            false => percent,
        };
        let words = format!(" {words} ");
        let bar = row.width.saturating_sub(text::width(&words) as u16 + 2);
        if bar < 4 {
            strip::draw(vec![Part::new(words.trim(), self.theme.value(), 1)], &self.theme, row, buf);
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
        x = buf.set_stringn(x, row.y, &words, usize::from(row.right().saturating_sub(x)), self.theme.value()).0;
        buf.set_stringn(x, row.y, "]", 1, self.theme.faint());
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
            Event::Key(_)
            | Event::Mouse(_)
            | Event::Paste(_)
            | Event::Set { .. }
            | Event::Said(_)
            | Event::Tell(_)
            | Event::Runs(_)
            | Event::Rollouts(_)
            | Event::Deadline => return vec![],
            Event::Sampled => {}
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

    fn draw(&self, scene: Scene<'_>, area: Rect, buf: &mut Buffer) {
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
                strip::draw(self.row(row, rows, scene, area.width), &self.theme, place, buf);
            }
        }
    }

    fn shown(&self, scene: Scene<'_>, _area: Rect) -> Shown {
        let system = scene.host.map(|machine| machine.last.told());
        Shown { role: "status".into(), refreshed: self.refreshed, system, ..Shown::default() }
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
        // Where it went from nowhere nobody can say.
        let trend = (series.len() >= 4 && last.value.is_finite()).then(|| query::trend(series).dir.as_str());
        let best = query::best(key, series).map(|best| text::number(best.value, 4)).unwrap_or_default();
        let value = text::number(last.value, 4);
        Some(Metric { key: key.to_string(), value, best, trend: theme.trend(trend), finite: last.value.is_finite() })
    };
    facts.keys.iter().filter_map(metric).take(METRICS_MAX).collect()
}
