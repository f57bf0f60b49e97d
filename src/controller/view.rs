//! From what the controller knows to what it says: the pieces of a view state. Pure.

use super::pane::Pane;
use crate::{
    ipc::wire::{CursorView, DeadView, GpuMeanView, GpuView, PaneView, RunInfoView, SystemView},
    model::{Exit, RunState, WallTime, num},
    query::{self, Condition, Facts, Sampled, SampledGpu},
    store::RunPicture,
};
use serde_json::{Map, Value, json};

/// Seconds since the epoch as ISO 8601 in UTC, to the millisecond.
pub fn iso(unix: f64) -> String {
    let time = jiff::Timestamp::from_millisecond((unix * 1e3) as i64).unwrap_or_default();
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// A content hash as it goes over the wire.
pub fn hash(hash: u64) -> String {
    format!("{hash:016x}")
}

/// A pane without its screen.
pub fn pane(pane: &Pane, may_send: bool) -> PaneView {
    let cursor = pane.screen.cursor();
    let (cols, rows) = pane.screen.size();
    PaneView {
        role: pane.role.clone(),
        pane_id: pane.id.to_string(),
        title: pane.title.clone(),
        cols,
        rows,
        cursor: pane.seeded.then_some(CursorView { x: cursor.x, y: cursor.y, visible: cursor.visible }),
        alternate_screen: pane.screen.alternate(),
        in_mode: pane.in_mode,
        dead: pane.dead.as_ref().map(dead),
        seq: pane.screen.seq(),
        hash: hash(pane.screen.hash()),
        last_change: pane.screen.last_change().map(iso),
        may_send,
        ..PaneView::default()
    }
}

fn dead(exit: &Exit) -> DeadView {
    DeadView { code: exit.code, signal: exit.signal, at: exit.at.map(|at| iso(at.secs())) }
}

/// Whether a condition holds for a run, and the value that says so in words. `None`: not known (yet).
pub fn evaluate(condition: &Condition, run: &RunPicture) -> Option<(bool, String)> {
    let facts = Facts { step: run.step(), state: run.state(), series: &run.series };
    let held = query::eval(condition, facts)?;
    let value = match condition {
        Condition::Step(..) => format!("step={}", run.step()?.0),
        Condition::State(..) => format!("state={}", run.state()),
        Condition::Metric(name, _) => {
            let key = query::resolve(name, run.series.keys()).ok()?;
            format!("{key}={}", run.series.get(key)?.last()?.value)
        }
    };
    Some((held, value))
}

/// Which of these names mean no metric of the run so far, and what may have been meant.
pub fn unknown<'a>(names: impl Iterator<Item = &'a str>, run: &RunPicture) -> Option<String> {
    let unknown: Vec<String> =
        names.filter_map(|name| query::resolve(name, run.series.keys()).err()).map(|why| format!("{why}; {}", why.hint())).collect();
    (!unknown.is_empty()).then(|| unknown.join("; "))
}

/// The run, as far as it is known; `unix` is now, in seconds since the epoch.
pub fn run(run: &RunPicture, unix: f64) -> RunInfoView {
    let info = &run.info;
    let state = run.known_state();
    let live = state == Some(RunState::Running);
    let step = run.step();
    let rate = pace(run).filter(|_| live);
    let started = run.started_at().map(WallTime::secs);
    let ended = run.exit.and_then(|exit| exit.at).map(WallTime::secs).or(live.then_some(unix));
    let progress = step.zip(run.total_steps).filter(|(_, total)| *total > 0);
    RunInfoView {
        id: info.id.clone(),
        name: info.name.clone(),
        project: info.project.clone(),
        state: state.map(|state| state.as_str().into()),
        exit_code: run.exit.and_then(|exit| exit.code),
        signal: run.exit.and_then(|exit| exit.signal),
        config: run.config.clone().into_iter().collect::<Map<_, _>>().into(),
        summary: summary(run),
        tags: info.tags.iter().map(|(key, value)| if value.is_empty() { key.clone() } else { format!("{key}={value}") }).collect(),
        step: step.map(|step| step.0),
        total_steps: run.total_steps,
        progress: progress.map(|(step, total)| (step.0 as f64 / total as f64).clamp(0.0, 1.0)),
        steps_per_second: rate,
        eta_seconds: step.and_then(|step| query::eta(step, run.total_steps, rate)),
        started_at: started.map(iso),
        runtime_seconds: started.zip(ended).map(|(from, to)| (to - from).max(0.0)),
        command: (!info.command.is_empty())
            .then(|| shlex::try_join(info.command.iter().map(String::as_str)).unwrap_or_else(|_| info.command.join(" "))),
        git: info.git.as_ref().map(|git| serde_json::json!({ "sha": git.sha, "dirty": git.dirty })),
        parent: info.parent.as_ref().and_then(|parent| serde_json::to_value(parent).ok()),
        path: String::new(),
        loading: false,
        losses: run.losses.count,
    }
}

/// The last of what the run asked people to look at, oldest first.
pub fn alerts(run: &RunPicture) -> Vec<Value> {
    /// More are in the run's files.
    const ALERTS_MAX: usize = 20;
    const CHARS_MAX: usize = 400;
    let words = |text: &str| text.chars().take(CHARS_MAX).collect::<String>();
    let last = run.alerts.last.iter().skip(run.alerts.last.len().saturating_sub(ALERTS_MAX)).map(|(_, alert)| alert);
    let told = last.map(|alert| {
        json!({
            "title": words(&alert.title), "text": words(&alert.text), "level": alert.level, "step": alert.step.map(|step| step.0),
            "at": alert.time.map(|time| iso(time.secs())),
        })
    });
    told.collect()
}

/// The machine of the run as it was when its tracker last sampled it.
pub fn system(run: &RunPicture) -> Option<SystemView> {
    let samples = run.system.series();
    let at = samples.values().filter_map(|series| series.last()?.time).map(WallTime::secs).reduce(f64::max);
    let Sampled { cpu, memory, gpus } = query::sampled(run.system.last());
    let gpu = |(&index, gpu): (&u32, &SampledGpu)| GpuView {
        index,
        name: None,
        utilization: gpu.busy,
        memory: gpu.memory,
        celsius: gpu.celsius,
        watts: gpu.watts,
    };
    let mean = GpuMeanView {
        utilization: query::mean(gpus.values().map(|gpu| gpu.busy)),
        memory: query::mean(gpus.values().map(|gpu| gpu.memory)),
    };
    let seen = SystemView {
        at: at.map(iso),
        source: "samples".into(),
        cpu,
        memory,
        gpu: (!gpus.is_empty()).then_some(mean),
        gpus: gpus.iter().map(gpu).collect(),
    };
    (seen.cpu.is_some() || seen.memory.is_some() || !seen.gpus.is_empty()).then_some(seen)
}

/// Steps per second, by the series with the most recent point.
fn pace(run: &RunPicture) -> Option<f64> {
    let longest = run.series.values().max_by_key(|series| (series.last().map(|point| point.step), series.len()))?;
    query::rate(longest)
}

/// The last value of every key: what the trackers say, and over it what the series end with.
fn summary(run: &RunPicture) -> Value {
    let mut all: Map<String, Value> = run.summary.clone().into_iter().collect();
    all.extend(run.series.iter().filter_map(|(key, series)| Some((key.to_string(), num::to_json(series.last()?.value)))));
    all.into()
}
