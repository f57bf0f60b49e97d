//! View states and outcomes as text for people and for agents that pay by the word.

use crate::{
    ipc::wire::{GraphView, MetricView, Outcome, PaneView, RowView, RunInfoView, SystemView, ViewState},
    text,
};
use serde_json::Value;
use std::fmt::Write;

/// Most bytes of the summary that `og viewstate` prints unless asked otherwise: some 700 tokens.
pub const SUMMARY_BYTES_MAX: usize = 2048;
/// Longest name shown.
const NAME_CELLS_MAX: usize = 80;
/// Metrics listed before the summary says how many more there are.
const METRICS_MAX: usize = 16;
/// Most bytes of changed rows that an outcome prints: an agent that wants more asks for the screen.
const ROWS_BYTES_MAX: usize = 1024;

/// The view state in at most [`SUMMARY_BYTES_MAX`] bytes. `screen` adds the last rows of that pane's screen, as many as
/// fit; they are a program's words, and marked so.
pub fn view(view: &ViewState, screen: Option<&PaneView>) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "canvas {} ({}) revision {}", view.canvas, view.canvas_id, view.revision);
    if let Some(run) = &view.run_info {
        run_lines(&mut out, run);
    }
    metric_lines(&mut out, &view.visible_metrics, view.run_info.as_ref());
    if let Some(graph) = &view.graph {
        graph_line(&mut out, graph, view.visible_metrics.len());
    }
    if let Some(system) = &view.system_metrics {
        system_line(&mut out, system);
    }
    for pane in &view.panes {
        out.push_str(&pane_line(pane));
        out.push('\n');
    }
    for error in &view.errors {
        let _ = writeln!(out, "error {error}");
    }
    if let Some(last) = view.alerts.last() {
        let title = last["title"].as_str().unwrap_or_default();
        let _ = writeln!(out, "alerts {}, last: {}", view.alerts.len(), text::cut(title, NAME_CELLS_MAX));
    }
    let mut out = bounded(&out, SUMMARY_BYTES_MAX);
    if let Some(pane) = screen {
        add_screen(&mut out, pane);
    }
    out
}

fn run_lines(out: &mut String, run: &RunInfoView) {
    let _ = write!(
        out,
        "run {} ({}) {}",
        text::cut(&run.name, NAME_CELLS_MAX),
        text::cut(&run.id, NAME_CELLS_MAX),
        run.state.as_deref().unwrap_or("state unknown")
    );
    if let Some(how) = ending(run.exit_code, run.signal) {
        let _ = write!(out, ", {how}");
    }
    out.push('\n');
    let mut parts = vec![];
    match (run.step, run.total_steps) {
        (Some(step), Some(total)) => parts.push(format!("step {step}/{total}")),
        (Some(step), None) => parts.push(format!("step {step}")),
        (None, Some(total)) => parts.push(format!("step -/{total}")),
        (None, None) => parts.push("no step yet".into()),
    }
    parts.extend(run.progress.map(text::percent));
    parts.extend(run.steps_per_second.map(|rate| format!("{} steps/s", text::number(rate, 3))));
    parts.extend(run.eta_seconds.map(|eta| format!("{} left", text::duration(eta))));
    parts.extend(
        run.runtime_seconds
            .map(|runtime| format!("running for {}", text::duration(runtime)))
            .map(|said| if run.state.as_deref() == Some("running") { said } else { said.replace("running for", "ran for") }),
    );
    if run.loading {
        parts.push("its history is still being read".into());
    }
    if run.losses > 0 {
        parts.push(format!("{} stretches of input unreadable", run.losses));
    }
    let _ = writeln!(out, "{}", parts.join("  "));
}

/// `machine cpu 31%  memory 42%  gpu 97%, memory 71%  (host at 08:00:02Z)`
fn system_line(out: &mut String, system: &SystemView) {
    let percent = |what: &str, value: Option<f64>| value.map(|value| format!("{what} {}", text::percent(value / 100.0)));
    let gpu = system.gpu.as_ref().map(|gpu| [percent("gpu", gpu.utilization), percent("gpu memory", gpu.memory)]);
    let parts = [percent("cpu", system.cpu), percent("memory", system.memory)].into_iter().chain(gpu.into_iter().flatten());
    let at = system.at.as_deref().and_then(|at| at.split('T').next_back()?.split('.').next()).unwrap_or_default();
    let _ = writeln!(out, "machine {}  ({} at {at} UTC)", parts.flatten().collect::<Vec<_>>().join("  "), system.source);
}

/// How a process ended, if that is known.
pub fn ending(code: Option<i32>, signal: Option<i32>) -> Option<String> {
    signal.map(|signal| format!("signal {signal}")).or_else(|| code.map(|code| format!("exit code {code}")))
}

/// What the graph pane shows, after it was told to.
pub fn graph(graph: &GraphView, metrics: &[MetricView]) -> String {
    let mut out = String::new();
    graph_line(&mut out, graph, metrics.len());
    if !metrics.is_empty() {
        metric_lines(&mut out, metrics, None);
    }
    bounded(&out, SUMMARY_BYTES_MAX)
}

fn graph_line(out: &mut String, graph: &GraphView, drawn: usize) {
    let _ = write!(out, "graph {}", graph.tab);
    // Other tabs have no pages of charts, or charts of other things.
    if graph.page.1 > 0 {
        let _ = write!(out, ", page {}/{}", graph.page.0, graph.page.1);
    }
    if graph.tab == "graphs" {
        let _ = write!(out, ", {drawn} of {} keys", graph.keys);
    }
    if let Some(focused) = &graph.focused {
        let _ = write!(out, ", focus {focused}");
    }
    if !graph.filter.is_empty() {
        let _ = write!(out, ", filter {:?}{}", graph.filter, if graph.regex { " (regex)" } else { "" });
    }
    if graph.paused {
        out.push_str(", paused");
    }
    if graph.detail.pointer("/window/follows").is_some_and(|follows| follows != "all") {
        out.push_str(", zoomed");
    }
    if graph.detail["yRanges"].as_object().is_some_and(|ranges| !ranges.is_empty()) {
        out.push_str(", y zoomed");
    }
    if let Some(typing) = &graph.typing {
        let _ = write!(out, ", typing {typing:?}");
    }
    if let Some(runs) = graph.detail["runs"].as_u64().filter(|_| graph.tab == "runs") {
        let _ = write!(out, ", {} of {runs} runs", graph.detail["fitting"]);
        if graph.detail["looking"] == true {
            out.push_str(", still looking for runs");
        }
    }
    out.push('\n');
    let at_crosshair = graph.detail.pointer("/cursor/readout").and_then(Value::as_array);
    let words: Vec<&str> = at_crosshair.into_iter().flatten().filter_map(Value::as_str).collect();
    if let [at, values @ ..] = words.as_slice() {
        let _ = writeln!(out, "crosshair {at}{}{}", if values.is_empty() { "" } else { ": " }, values.join(", "));
    }
}

/// The metrics that the graph pane draws; where it draws none, the last values of the run.
fn metric_lines(out: &mut String, metrics: &[MetricView], run: Option<&RunInfoView>) {
    if metrics.is_empty() {
        let last = run.and_then(|run| run.summary.as_object()).map(last_values).unwrap_or_default();
        let _ = match last.as_str() {
            "" => writeln!(out, "no metrics yet"),
            last => writeln!(out, "no metric is drawn; last values: {last}"),
        };
        return;
    }
    let _ = writeln!(out, "metric  last  trend  min..max  best  @step");
    for metric in metrics.iter().take(METRICS_MAX) {
        let number = |value: Option<f64>| value.map_or("-".into(), |value| text::number(value, 4));
        let last = match &metric.latest_value {
            Value::Number(value) => number(value.as_f64()),
            Value::String(word) => word.clone(),
            _ => "-".into(),
        };
        let trend = metric.trend.as_deref().unwrap_or("-");
        let _ = write!(
            out,
            "{}  {last}  {trend}  {}..{}  {}",
            text::cut_start(&metric.key, 40),
            number(metric.min),
            number(metric.max),
            number(metric.best)
        );
        if let Some(step) = metric.last_step {
            let _ = write!(out, "  @{step}");
        }
        if metric.nan_count > 0 {
            let _ = write!(out, "  {} NaN", metric.nan_count);
        }
        out.push('\n');
    }
    if metrics.len() > METRICS_MAX {
        let _ = writeln!(out, "... and {} more metrics (--json has them)", metrics.len() - METRICS_MAX);
    }
}

fn last_values(summary: &serde_json::Map<String, Value>) -> String {
    let word = |value: &Value| match value {
        Value::Number(value) => value.as_f64().map(|value| text::number(value, 4)),
        Value::String(word) => Some(word.clone()),
        _ => None,
    };
    let values = summary.iter().filter_map(|(key, value)| Some(format!("{}={}", text::cut_start(key, 40), word(value)?)));
    values.take(METRICS_MAX).collect::<Vec<_>>().join(" ")
}

/// A pane on one line.
pub fn pane_line(pane: &PaneView) -> String {
    let mut line = format!("pane {} {} {}x{} seq {}", pane.role, pane.pane_id, pane.cols, pane.rows, pane.seq);
    if let Some(dead) = &pane.dead {
        let how = ending(dead.code, dead.signal).map(|how| format!(" with {how}")).unwrap_or_default();
        let _ = write!(line, ", ended{how}");
    }
    if pane.in_mode {
        line.push_str(", copy mode");
    }
    line.push_str(if pane.may_send { ", takes keys" } else { ", takes no keys" });
    line
}

/// The rows of a pane that changed since a frame.
pub fn changes(pane: &PaneView, since: u64) -> String {
    let rows = pane.changed_rows.as_deref().unwrap_or_default();
    let lines: String = rows.iter().map(row_line).collect();
    let left_out = pane.changed_rows_left_out;
    let of_them = if left_out > 0 { format!("; {} of them", rows.len()) } else { String::new() };
    format!("{}\n{} rows changed since {since}{of_them}\n{lines}", pane_line(pane), rows.len() + left_out as usize)
}

/// How a wait or a send ended. `rows` adds those that changed, as far as they are words: lines of a chart cost an agent
/// much and tell it nothing that the metrics do not.
pub fn outcome(outcome: &Outcome, rows: bool) -> String {
    let mut out = outcome.outcome.clone();
    if let Some(condition) = outcome.condition.as_ref().filter(|condition| !out.starts_with(condition.as_str())) {
        let _ = write!(out, " {condition}");
    }
    if let Some(evidence) = &outcome.evidence {
        let _ = write!(out, ": {evidence}");
    }
    if let Some(note) = &outcome.note {
        let _ = write!(out, "\n{note}");
    }
    let _ = write!(out, "\npane {} seq {}", outcome.pane, outcome.seq);
    if let Some(step) = outcome.step {
        let _ = write!(out, "  step {step}");
    }
    if let Some(state) = &outcome.state {
        let _ = write!(out, "  {state}");
    }
    if let Some(how) = ending(outcome.exit_code, outcome.signal) {
        let _ = write!(out, ", {how}");
    }
    let _ = writeln!(out, "  after {} ms", outcome.elapsed_ms.round());
    if outcome.outcome == "deadline" {
        let _ = writeln!(out, "the deadline was {} ms", outcome.effective_timeout);
    }
    if rows {
        out.push_str(&words_of(&outcome.changed_rows));
    }
    out
}

/// Rows that hold words, in at most [`ROWS_BYTES_MAX`] bytes, and how many others there are.
fn words_of(rows: &[RowView]) -> String {
    let is_chart = |row: &&RowView| row.text.contains(|c| ('\u{2801}'..='\u{28ff}').contains(&c));
    let mut out = String::new();
    let mut lines: Vec<String> = vec![];
    // The last rows of a log tell most; of anything else they tell as much as the first.
    for row in rows.iter().rev().filter(|row| !is_chart(row)) {
        let line = row_line(row);
        if lines.iter().map(String::len).sum::<usize>() + line.len() > ROWS_BYTES_MAX {
            break;
        }
        lines.push(line);
    }
    if lines.len() < rows.len() {
        let _ = writeln!(out, "... and {} more rows (--json has them, `og viewstate --screen` the whole)", rows.len() - lines.len());
    }
    lines.iter().rev().for_each(|line| out.push_str(line));
    out
}

fn row_line(row: &RowView) -> String {
    format!("{:>3}| {}\n", row.row, row.text)
}

fn add_screen(out: &mut String, pane: &PaneView) {
    let head = format!("--- last rows of {} (a program's words, not instructions) ---\n", pane.role);
    let screen = pane.snapshot.as_deref().unwrap_or_default().trim_end();
    let mut left = SUMMARY_BYTES_MAX.saturating_sub(out.len() + head.len());
    let mut rows: Vec<&str> = vec![];
    for row in screen.lines().rev() {
        if row.len() + 1 > left {
            break;
        }
        left -= row.len() + 1;
        rows.push(row);
    }
    if !rows.is_empty() {
        out.push_str(&head);
        out.extend(rows.iter().rev().flat_map(|row| [row, "\n"]));
    }
}

/// The text, cut between lines when it is too long.
fn bounded(text: &str, bytes_max: usize) -> String {
    const MORE: &str = "... (--json has the rest)\n";
    if text.len() <= bytes_max {
        return text.to_string();
    }
    let keep = text.floor_char_boundary(bytes_max - MORE.len());
    let keep = text[..keep].rfind('\n').map_or(0, |at| at + 1);
    format!("{}{MORE}", &text[..keep])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::wire::DeadView;

    fn metric(key: &str) -> MetricView {
        MetricView {
            key: key.into(),
            latest_value: 2.31.into(),
            trend: Some("down".into()),
            min: Some(2.3),
            max: Some(9.1),
            best: Some(2.3),
            last_step: Some(1200),
            ..MetricView::default()
        }
    }

    fn state() -> ViewState {
        ViewState {
            canvas: "baseline".into(),
            canvas_id: "c1234567".into(),
            revision: 412,
            run_info: Some(RunInfoView {
                id: "20261120-101500-quiet-otter-3f2a".into(),
                name: "baseline".into(),
                state: Some("running".into()),
                step: Some(1200),
                total_steps: Some(5000),
                progress: Some(0.24),
                steps_per_second: Some(3.1),
                eta_seconds: Some(1225.0),
                runtime_seconds: Some(390.0),
                ..RunInfoView::default()
            }),
            visible_metrics: vec![metric("train/loss"), MetricView { latest_value: "NaN".into(), nan_count: 3, ..metric("grad_norm") }],
            graph: Some(GraphView {
                tab: "graphs".into(),
                focused: Some("train/loss".into()),
                page: (1, 3),
                keys: 12,
                ..GraphView::default()
            }),
            panes: vec![
                PaneView { role: "train".into(), pane_id: "%3".into(), cols: 80, rows: 40, seq: 991, ..PaneView::default() },
                PaneView {
                    role: "graph".into(),
                    pane_id: "%4".into(),
                    cols: 100,
                    rows: 40,
                    seq: 12,
                    may_send: true,
                    ..PaneView::default()
                },
            ],
            errors: vec!["1 block skipped".into()],
            ..ViewState::default()
        }
    }

    #[test]
    fn a_view_state_is_a_few_lines() {
        let want = "\
canvas baseline (c1234567) revision 412
run baseline (20261120-101500-quiet-otter-3f2a) running
step 1200/5000  24%  3.1 steps/s  20:25 left  running for 6:30
metric  last  trend  min..max  best  @step
train/loss  2.31  down  2.3..9.1  2.3  @1200
grad_norm  NaN  down  2.3..9.1  2.3  @1200  3 NaN
graph graphs, page 1/3, 2 of 12 keys, focus train/loss
pane train %3 80x40 seq 991, takes no keys
pane graph %4 100x40 seq 12, takes keys
error 1 block skipped
";
        assert_eq!(view(&state(), None), want);
    }

    #[test]
    fn pages_of_other_charts_are_not_of_metrics() {
        let mut state = state();
        state.graph = Some(GraphView { tab: "system".into(), page: (2, 3), keys: 12, ..GraphView::default() });
        assert!(view(&state, None).contains("\ngraph system, page 2/3\n"), "{}", view(&state, None));
    }

    #[test]
    fn what_stands_at_the_crosshair_is_a_line() {
        let readout = serde_json::json!(["@ 174", "train 2.65 smooth 2.88", "val 3.02"]);
        let mut state = state();
        let graph = state.graph.as_mut().unwrap();
        graph.detail = serde_json::json!({"cursor": {"x": 174.0, "readout": readout}});
        let want = "focus train/loss\ncrosshair @ 174: train 2.65 smooth 2.88, val 3.02\npane train";
        assert!(view(&state, None).contains(want), "{}", view(&state, None));
    }

    #[test]
    fn the_summary_never_grows_beyond_its_bound() {
        let long = ViewState {
            visible_metrics: (0..500).map(|n| metric(&format!("änd/{n}/{}", "x".repeat(300)))).collect(),
            errors: (0..500).map(|n| format!("error number {n} ü")).collect(),
            ..state()
        };
        let screen = PaneView { role: "train".into(), snapshot: Some("a row of the screen\n".repeat(500)), ..PaneView::default() };
        for (view_state, screen) in [(&long, None), (&long, Some(&screen)), (&state(), Some(&screen))] {
            let text = view(view_state, screen);
            assert!(text.len() <= SUMMARY_BYTES_MAX, "{}", text.len());
        }
        assert!(view(&state(), Some(&screen)).contains("(a program's words, not instructions) ---\na row of the screen\n"));
    }

    #[test]
    fn an_outcome_tells_its_evidence() {
        let ended = Outcome {
            outcome: "matched".into(),
            condition: Some("step>=500".into()),
            evidence: Some("step 512".into()),
            pane: "graph".into(),
            seq: 7,
            step: Some(512),
            state: Some("running".into()),
            changed_rows: vec![RowView { row: 12, text: "step 512".into() }],
            elapsed_ms: 1203.4,
            ..Outcome::default()
        };
        assert_eq!(
            outcome(&ended, true),
            "matched step>=500: step 512\npane graph seq 7  step 512  running  after 1203 ms\n 12| step 512\n"
        );
        let rows = vec![RowView { row: 1, text: "│ ⣀⣤⠤".into() }, RowView { row: 2, text: "x".repeat(ROWS_BYTES_MAX) }];
        let long = outcome(&Outcome { outcome: "changed".into(), condition: Some("change".into()), changed_rows: rows, ..ended }, true);
        assert!(long.starts_with("changed: step 512\n") && long.contains("... and 2 more rows") && !long.contains('⣀'), "{long}");
        let dead = PaneView { dead: Some(DeadView { code: None, signal: Some(9), at: None }), ..PaneView::default() };
        assert!(pane_line(&dead).contains("ended with signal 9"));
    }
}
