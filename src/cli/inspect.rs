//! `og inspect`: all that og knows of a run, without a canvas. The headless door to every reader.

mod follow;
mod report;
mod stats;
mod table;

pub use report::{source_json, source_word};

use super::{
    args::InspectArgs,
    fail::Fail,
    open::{self, Asked, Found},
    out,
};
use crate::{
    model::{MetricKey, Point, ReadOptions, WallTime, num},
    query,
    source::{Budget, RunRef},
    store::{RunPicture, RunReader},
};
use serde_json::{Value, json};
use stats::Stopwatch;
use std::{fmt::Write, time::Duration};

/// Points printed in one piece: few enough that a reader which goes away is noticed soon.
const POINTS_AT_ONCE: usize = 4096;

/// `og inspect PATH`.
pub fn inspect(args: InspectArgs) -> Result<u8, Fail> {
    let watch = Stopwatch::start();
    let read = open::read_options(&args.read)?;
    let found = open::find(&Asked { run: &args.run, name: args.run_name.as_deref(), store: &args.store, read: &read })?;
    match found {
        Found::One(mut reader) => {
            // A pipe that is followed is told as soon as what is asked for is there.
            let is_enough = |run: &RunPicture| args.follow && args.series.as_ref().is_none_or(|name| resolve(name, run).is_ok());
            let stats = load(&mut reader, watch, !args.follow, is_enough);
            one(&args, *reader, stats)
        }
        Found::Several(runs) if args.series.is_some() || args.follow => Err(open::which(&args.run, &runs)),
        Found::Several(runs) => several(&args, &runs, &read),
    }
}

/// What is read in one go once there is something to show.
const BULK: Budget = Budget { bytes_max: u64::MAX, time_max: Duration::from_millis(250) };

/// Reads all that is there (`is_last`: for good); of a pipe all that comes until it is closed, or until it rests and what came is enough.
fn load(reader: &mut RunReader, mut watch: Stopwatch, is_last: bool, is_enough: impl Fn(&RunPicture) -> bool) -> Value {
    loop {
        let polled = reader.poll(if watch.has_seen() { BULK } else { RunReader::LOAD });
        watch.look(reader.picture());
        if !polled.more {
            reader.settle(is_last);
            // A last line without a newline may make what was read before it wrong.
            if reader.poll(RunReader::LOAD).more {
                continue;
            }
            break;
        }
        if !polled.changed && is_enough(reader.picture()) {
            break;
        }
    }
    open::mark_lost(reader);
    watch.look(reader.picture());
    watch.stats(reader.picture())
}

fn one(args: &InspectArgs, reader: RunReader, stats: Value) -> Result<u8, Fail> {
    if let Some(name) = &args.series {
        let key = resolve(name, reader.picture())?;
        print_series(reader.picture(), &key, args.output.json || args.follow, args.follow)?;
        return if args.follow { follow::points(reader, &key) } else { Ok(0) };
    }
    if args.follow {
        return follow::changes(reader);
    }
    let stats = args.stats.then_some(stats);
    match args.output.json {
        true => out::json(&sorted(report::report(&reader, stats)))?,
        false => out::text(&table::table(&reader, stats.as_ref()))?,
    }
    Ok(0)
}

/// One run after the other, so that the memory is that of one.
fn several(args: &InspectArgs, runs: &[RunRef], read: &ReadOptions) -> Result<u8, Fail> {
    if args.output.json {
        out::text("{\"runs\":[")?;
    }
    for (at, run) in runs.iter().enumerate() {
        let watch = Stopwatch::start();
        let mut reader = open::open(run, read, &args.store)?;
        let stats = load(&mut reader, watch, true, |_| false);
        let stats = args.stats.then_some(stats);
        match args.output.json {
            true => out::text(&format!("{}{}", if at > 0 { ",\n" } else { "" }, sorted(report::report(&reader, stats))))?,
            false => out::text(&format!("{}{}", if at > 0 { "\n" } else { "" }, table::table(&reader, stats.as_ref())))?,
        }
    }
    if args.output.json {
        out::line("]}")?;
    }
    Ok(0)
}

/// The key that is meant by a name.
fn resolve(name: &str, run: &RunPicture) -> Result<MetricKey, Fail> {
    query::resolve(name, run.series.keys()).cloned().map_err(|error| {
        let hint = match &error {
            query::Unresolved::Unknown { near, .. } if near.is_empty() => match run.series.is_empty() {
                true => "the run has no metric (yet)".to_owned(),
                false => format!("keys: {}", run.series.keys().take(8).map(MetricKey::as_str).collect::<Vec<_>>().join(", ")),
            },
            query::Unresolved::Unknown { near, .. } => format!("did you mean {}?", near.join(", ")),
            query::Unresolved::Ambiguous { keys, .. } => format!("write more of it: {}", keys.join(", ")),
        };
        Fail::of("unknown_key", &error, Some(hint))
    })
}

/// Prints every point; `as_lines`: one object a line without the brackets of an array.
fn print_series(run: &RunPicture, key: &MetricKey, as_json: bool, as_lines: bool) -> Result<(), Fail> {
    let (series, is_first_unplaced) = (&run.series[key], run.is_first_unplaced(key));
    if !as_json {
        out::line("step\ttime\tvalue")?;
    } else if !as_lines {
        out::line("[")?;
    }
    for start in (0..series.len()).step_by(POINTS_AT_ONCE) {
        let mut text = String::new();
        let told_again = series.told_again().filter(|_| start + POINTS_AT_ONCE >= series.len());
        for (at, point) in (start..).zip(series.points(start..start + POINTS_AT_ONCE).chain(told_again)) {
            let step = (at > 0 || !is_first_unplaced).then_some(point.step.0);
            if as_json {
                let comma = if as_lines || at + 1 == series.logged() { "" } else { "," };
                let mut told = point_json(&point);
                told["step"] = step.into();
                let _ = writeln!(text, "{told}{comma}");
            } else {
                let step = step.map_or_else(String::new, |step| step.to_string());
                let time = point.time.map_or_else(String::new, |time| format!("{:.3}", time.secs()));
                let _ = writeln!(text, "{step}\t{time}\t{}", point.value);
            }
        }
        out::text(&text)?;
    }
    if as_json && !as_lines {
        out::line("]")?;
    }
    Ok(())
}

fn point_json(point: &Point) -> Value {
    json!({"step": point.step.0, "time": point.time.map(WallTime::secs), "value": num::to_json(point.value)})
}

/// The same with the fields of every object in order of name.
fn sorted(mut value: Value) -> Value {
    value.sort_all_objects();
    value
}
