//! Where what is known of a run comes from.

use crate::{
    cli::{
        args::DoctorArgs,
        fail::Fail,
        inspect::{source_json, source_word},
        open::{self, Asked},
        out,
    },
    model::num,
    source::{Budget, Kind},
    store::{Given, RunPicture, RunReader, SourceRank, Twin},
    text,
};
use serde_json::{Value, json};
use std::{ffi::OsStr, fmt::Write};

/// Keys listed that two sources log; those that differ come first.
const TWINS_LISTED: usize = 20;

/// Losses listed of a run; all are counted.
const LOSSES_LISTED: usize = 10;

/// `og doctor RUN`.
pub(super) fn sources(run: &OsStr, args: &DoctorArgs) -> Result<u8, Fail> {
    let read = open::read_options(&args.read)?;
    let mut reader = open::one(&Asked { run, name: args.run_name.as_deref(), store: &args.store, read: &read })?;
    reader.compare_sources();
    // The best source is read whole before the next one, so that what is compared is there.
    while reader.poll(Budget::ALL).more {}
    reader.settle(true);
    open::mark_lost(&mut reader);
    match args.output.json {
        true => out::json(&as_json(&reader))?,
        false => out::text(&as_text(&reader))?,
    }
    Ok(0)
}

fn as_json(reader: &RunReader) -> Value {
    let run = reader.picture();
    let name = |rank| source_name(reader, rank);
    let twins = run.twins().map(|twin| {
        let first =
            twin.first.map(|(step, shown, hidden)| json!({"step": step.0, "shown": num::to_json(shown), "hidden": num::to_json(hidden)}));
        json!({
            "key": twin.key.as_str(), "shown": name(twin.shown), "hidden": name(twin.hidden), "hidden_key": twin.hidden_key.as_str(),
            "equal": twin.equal, "different": twin.different, "alone": twin.alone, "first_difference": first,
        })
    });
    let losses = run
        .losses
        .last
        .iter()
        .map(|(rank, loss)| json!({"source": name(*rank), "offset": loss.offset, "bytes": loss.bytes, "reason": loss.reason}));
    let mut report = json!({
        "run": run.info.id, "name": run.info.name, "kind": reader.kind().as_str(), "path": reader.folder().path().to_string_lossy(),
        "state": run.known_state().map(|state| state.as_str()),
        "sources": given(reader).into_iter().map(|(rank, path, given)| source_json(run, rank, path, given)).collect::<Vec<_>>(),
        "keys": run.series.keys().map(|key| (key.to_string(), run.source_of(key).map(name).into())).collect::<serde_json::Map<_, _>>(),
        "twins": twins.collect::<Vec<_>>(),
        "conflicts": run.twins().filter(|twin| twin.different > 0).count(),
        "losses": losses.collect::<Vec<_>>(), "loss_count": run.losses.count, "loss_bytes": run.losses.bytes,
        "unsent": {"rows": unsent(run).0, "in_inbox": unsent(run).1},
        "problems": run.problems.iter().map(|(rank, problem)| json!({"source": name(*rank), "problem": problem})).collect::<Vec<_>>(),
    });
    report.sort_all_objects();
    report
}

fn as_text(reader: &RunReader) -> String {
    let run = reader.picture();
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{} ({}), {}",
        run.info.name,
        reader.kind().as_str(),
        run.known_state().map_or("state unknown", |state| state.as_str())
    );
    for (rank, path, given) in given(reader) {
        let shown = run.series.keys().filter(|key| run.source_of(key) == Some(rank)).count();
        let _ = writeln!(out, "\n{} {path}", source_word(rank));
        let counts = [
            (given.rows, "rows"),
            (given.points, "values"),
            (given.console_lines, "lines of console"),
            (given.system_samples, "samples of the host"),
            (given.config, "config entries"),
            (given.alerts, "alerts"),
            (given.media, "media"),
            (given.losses, "stretches lost"),
        ];
        let counts: Vec<String> = counts.iter().filter(|(count, _)| *count > 0).map(|(count, noun)| format!("{count} {noun}")).collect();
        let _ = writeln!(
            out,
            "  {} read: {}",
            text::bytes(given.bytes),
            if counts.is_empty() { "nothing yet".into() } else { counts.join(", ") }
        );
        if shown > 0 {
            let _ = writeln!(out, "  {shown} keys are shown from here");
        }
        if let Some(problem) = run.problems.get(&rank) {
            let _ = writeln!(out, "  {problem}");
        }
    }
    let (rows, waiting) = unsent(run);
    if rows > 0 {
        let _ = writeln!(out, "\nnot sent: {rows} rows of Trackio, which are all shown here");
    }
    if waiting > 0 {
        let _ = writeln!(out, "  {waiting} lie in its inbox, until a dashboard of Trackio imports them into the database");
    }
    if rows > waiting {
        let _ = writeln!(out, "  {} lie in the database only: its server or Space was not reached, or refused them", rows - waiting);
        let _ = writeln!(out, "  (NaN and infinities, for one, hold back all rows behind them); `trackio sync` sends them to a Space");
    }
    twins(&mut out, reader);
    if run.losses.count > 0 {
        let _ = writeln!(out, "\nnot readable: {} stretches, {}", run.losses.count, text::bytes(run.losses.bytes));
        for (rank, loss) in run.losses.last.iter().take(LOSSES_LISTED) {
            let _ = writeln!(out, "  {} at {}, {}: {}", source_word(*rank), loss.offset, text::bytes(loss.bytes), loss.reason);
        }
    }
    out
}

/// Rows that a remote of Trackio has not got, and how many of them lie in its inbox.
fn unsent(run: &RunPicture) -> (u64, u64) {
    let count = |name: &str| run.remarks.get(name).and_then(Value::as_u64).unwrap_or(0);
    (count("unsent_rows"), count("inbox_rows"))
}

fn twins(out: &mut String, reader: &RunReader) {
    let mut twins: Vec<&Twin> = reader.picture().twins().collect();
    if twins.is_empty() {
        return;
    }
    twins.sort_by_key(|twin| (std::cmp::Reverse(twin.different), &twin.key));
    let conflicts = twins.iter().filter(|twin| twin.different > 0).count();
    let _ = writeln!(out, "\nlogged twice, shown once: {} keys, {conflicts} with other values", twins.len());
    for twin in twins.iter().take(TWINS_LISTED) {
        let alias = if twin.key == twin.hidden_key { String::new() } else { format!(" (there {})", twin.hidden_key) };
        let word = |rank| reader.picture().kind_of(rank).map_or(source_word(rank), Kind::as_str);
        let _ = write!(out, "  {} from {}, also in {}{alias}: ", twin.key, word(twin.shown), word(twin.hidden));
        let _ = match twin.first {
            Some((step, shown, hidden)) => {
                writeln!(
                    out,
                    "{} of {} differ, first at step {}: {shown} and {hidden}",
                    twin.different,
                    twin.different + twin.equal,
                    step.0
                )
            }
            None if twin.alone > 0 => writeln!(out, "{} equal, {} at other steps", twin.equal, twin.alone),
            None => writeln!(out, "{} equal", twin.equal),
        };
    }
    if twins.len() > TWINS_LISTED {
        let _ = writeln!(out, "  and {} more; --json has all", twins.len() - TWINS_LISTED);
    }
}

fn given(reader: &RunReader) -> Vec<(SourceRank, String, Given)> {
    let run = reader.picture();
    let given = |rank| run.given().find(|(known, _)| *known == rank).map(|(_, given)| given).unwrap_or_default();
    reader.sources().map(|(rank, path)| (rank, path.display().to_string(), given(rank))).collect()
}

/// The file of a source.
fn source_name(reader: &RunReader, rank: SourceRank) -> String {
    reader.sources().find(|(known, _)| *known == rank).map_or_else(|| source_word(rank).into(), |(_, path)| path.display().to_string())
}
