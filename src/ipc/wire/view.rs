//! What a canvas shows, as structures: the view state and its parts.

use super::Health;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The snapshot of a canvas at one revision.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ViewState {
    /// Version of this structure.
    pub v: u32,
    /// Stable id of the canvas.
    pub canvas_id: String,
    /// Name of the canvas.
    pub canvas: String,
    /// Rises with every change of a screen, a metric or the state.
    pub revision: u64,
    /// When the last change came, ISO 8601.
    pub last_updated: Option<String>,
    /// The preset that the canvas was made from.
    pub scenario: String,
    /// Screen of the graph pane (or the pane asked for) as text.
    pub terminal_snapshot: Option<String>,
    /// Size of that pane.
    pub terminal_dimensions: Option<Dimensions>,
    /// The panes in the order train, graph, status, others.
    pub panes: Vec<PaneView>,
    /// The run, if the canvas has one.
    pub run_info: Option<RunInfoView>,
    /// The metrics drawn in the graph pane.
    pub visible_metrics: Vec<MetricView>,
    /// How the run's machine is, if anybody looked.
    pub system_metrics: Option<SystemView>,
    /// State of the graph pane, as it reported it.
    pub graph: Option<GraphView>,
    /// The last alerts of the run, oldest first: title, text, level, step, at.
    pub alerts: Vec<Value>,
    /// Revision of the spec.
    pub spec_revision: u64,
    /// Who changed the spec last.
    pub spec_last_author: Option<String>,
    /// What changed since the last spec revision that the client saw.
    pub changes: Vec<Value>,
    /// Pane of a `leet` started in the canvas.
    pub leet_pane_id: Option<String>,
    /// How the controller is.
    pub health: Health,
    /// What is wrong, in words.
    pub errors: Vec<String>,
}

/// Size in cells.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Dimensions {
    /// Columns.
    pub cols: u16,
    /// Rows.
    pub rows: u16,
}

/// One pane.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PaneView {
    /// `train`, `graph`, `status`, ...
    pub role: String,
    /// tmux's id, e.g. `%3`.
    pub pane_id: String,
    /// Title that the program set.
    pub title: String,
    /// Columns.
    pub cols: u16,
    /// Rows.
    pub rows: u16,
    /// The cursor.
    pub cursor: Option<CursorView>,
    /// Whether the alternate screen is on.
    pub alternate_screen: bool,
    /// Whether a person is in copy mode (keys would go there).
    pub in_mode: bool,
    /// How the pane's program ended; `null` while it runs.
    pub dead: Option<DeadView>,
    /// Rises with every frame that differs, also from one controller to the next: it begins at milliseconds since 1970.
    pub seq: u64,
    /// Hash of the content, 16 hex digits.
    pub hash: String,
    /// When the last different frame came, ISO 8601.
    pub last_change: Option<String>,
    /// Whether keys may be sent to it.
    pub may_send: bool,
    /// The screen as text, when asked for.
    pub snapshot: Option<String>,
    /// Rows that changed since the `seq` asked for; of a region that was asked for too, and of these the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_rows: Option<Vec<RowView>>,
    /// Changed rows that are not among those: above them, or blank below them.
    #[serde(skip_serializing_if = "is_zero")]
    pub changed_rows_left_out: u32,
    /// Inverse and bold spans, when the screen was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub highlights: Vec<HighlightView>,
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// A row of a screen.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct RowView {
    /// 0-based.
    pub row: u16,
    /// Its text, trimmed at the right.
    pub text: String,
}

/// A highlighted span.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct HighlightView {
    /// 0-based row.
    pub row: u16,
    /// First column.
    pub from: u16,
    /// Column after the last.
    pub to: u16,
    /// `inverse` or `bold`.
    pub kind: String,
    /// The text.
    pub text: String,
}

/// A cursor.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct CursorView {
    /// Column, 0-based.
    pub x: u16,
    /// Row, 0-based.
    pub y: u16,
    /// Whether it is shown.
    pub visible: bool,
}

/// How a pane's program ended.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct DeadView {
    /// Exit code.
    pub code: Option<i32>,
    /// Signal number.
    pub signal: Option<i32>,
    /// When, ISO 8601.
    pub at: Option<String>,
}

/// The run of a canvas.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RunInfoView {
    /// Run id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Project.
    pub project: Option<String>,
    /// `running`, `finished`, `failed`, `crashed`, `stopped`, `lost`; `null` when not known.
    pub state: Option<String>,
    /// Exit code.
    pub exit_code: Option<i32>,
    /// Signal that ended it.
    pub signal: Option<i32>,
    /// Config.
    pub config: Value,
    /// Last value of every key.
    pub summary: Value,
    /// Tags.
    pub tags: Vec<String>,
    /// Last step.
    pub step: Option<i64>,
    /// Steps the run means to take.
    pub total_steps: Option<i64>,
    /// `step / totalSteps`, 0 to 1.
    pub progress: Option<f64>,
    /// Recent speed.
    pub steps_per_second: Option<f64>,
    /// Seconds until `totalSteps` at that speed, while it runs.
    pub eta_seconds: Option<f64>,
    /// Start, ISO 8601.
    pub started_at: Option<String>,
    /// Seconds from start to end, or to now.
    pub runtime_seconds: Option<f64>,
    /// Command line.
    pub command: Option<String>,
    /// `{sha, dirty}`.
    pub git: Option<Value>,
    /// `{run, checkpoint, step}` of the run it resumed from.
    pub parent: Option<Value>,
    /// The run folder or file.
    pub path: String,
    /// Its history is still being read: steps and values are those read so far.
    pub loading: bool,
    /// Stretches of input that could not be read.
    pub losses: u64,
}

/// A metric that is drawn.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MetricView {
    /// Metric key.
    pub key: String,
    /// Last value; NaN and infinities as strings.
    pub latest_value: Value,
    /// `up`, `down` or `flat`; `null` with too few points.
    pub trend: Option<String>,
    /// Change of value per 100 steps.
    pub slope_per_100: Option<f64>,
    /// Points in the window.
    pub data_points: u64,
    /// Smallest finite value in the window.
    pub min: Option<f64>,
    /// Largest finite value in the window.
    pub max: Option<f64>,
    /// Best finite value of the run, by the key's direction.
    pub best: Option<f64>,
    /// Step of the last point.
    pub last_step: Option<i64>,
    /// NaN points of the run.
    pub nan_count: u64,
    /// The x range drawn.
    pub window: Option<Window>,
}

/// An x range.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Window {
    /// Left end.
    pub from: f64,
    /// Right end.
    pub to: f64,
}

/// State of the graph pane.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GraphView {
    /// `graphs`, `runs`, `run`, `logs`, `alerts`, `chat`, ...; `help`, `palette`, `menu`, `options` or `views` while that is open.
    pub tab: String,
    /// The tab below such a one: where Escape leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub below: Option<String>,
    /// Filter text.
    pub filter: String,
    /// Whether the filter is a regular expression.
    pub regex: bool,
    /// The line that is being typed, a filter or another one.
    pub typing: Option<String>,
    /// Whether the filter is being typed.
    pub filtering: bool,
    /// Key of the focused chart.
    pub focused: Option<String>,
    /// Whether one chart fills the pane.
    pub full_screen: bool,
    /// `step`, `wall` or `relative`.
    pub x_axis: String,
    /// Weight of the EMA in the focused chart; 0 where it has none, so under a moving average too. `detail.charts[].smoothing` says
    /// which it is, in a word: `off`, `ema(0.9)`, `ma(15)`.
    pub smoothing: f64,
    /// Page shown (1-based) and number of pages.
    pub page: (u32, u32),
    /// Rows and columns of the grid.
    pub grid: (u32, u32),
    /// Number of metric keys in all.
    pub keys: u64,
    /// Runs drawn.
    pub runs: Vec<String>,
    /// The source line of the footer.
    pub source: String,
    /// Whether the picture is held still.
    pub paused: bool,
    /// The colours: `dark`, `light`, `high-contrast`, `colour-blind`.
    pub theme: String,
    /// How many colours: `none`, `16`, `256`, `true`.
    pub colours: String,
    /// The characters: `braille`, `block`, `ascii`.
    pub glyphs: String,
    /// What stands around the tab: `full` or `minimal`.
    pub ui: String,
    /// Who sits where, when that is far away: `ssh user@host`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub badge: Option<String>,
    /// What is told at the foot for a moment.
    pub toast: Option<String>,
    /// What else the tab shows: its selection, its scroll, its rows.
    pub detail: Value,
}

/// How a machine is. Shares are percents, 0 to 100.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SystemView {
    /// When it was looked at, ISO 8601.
    pub at: Option<String>,
    /// `host`: og looked at this machine; `samples`: the run's tracker did at its own.
    pub source: String,
    /// Of all cores that was busy.
    pub cpu: Option<f64>,
    /// Of memory in use.
    pub memory: Option<f64>,
    /// Mean over the GPUs; `null` without any.
    pub gpu: Option<GpuMeanView>,
    /// The GPUs.
    pub gpus: Vec<GpuView>,
}

/// All GPUs as one.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GpuMeanView {
    /// Of the time that they were busy.
    pub utilization: Option<f64>,
    /// Of their memory in use.
    pub memory: Option<f64>,
}

/// A GPU.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GpuView {
    /// Its number.
    pub index: u32,
    /// Its maker's name for it, where known.
    pub name: Option<String>,
    /// Of the time that it was busy.
    pub utilization: Option<f64>,
    /// Of its memory in use.
    pub memory: Option<f64>,
    /// Degrees Celsius.
    pub celsius: Option<f64>,
    /// Watts.
    pub watts: Option<f64>,
}
