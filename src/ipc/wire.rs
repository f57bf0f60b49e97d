//! The messages. What stands here is a promise to other programs: names only get added, and every
//! unknown type is answered, never hung up on.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Version of the protocol.
pub const VERSION: u32 = 1;
/// Longest wait, in milliseconds: a week. More is a mistake, and who waits can ask again.
pub const TIMEOUT_MS_MAX: u64 = 7 * 24 * 3600 * 1000;

/// A request with the id that its reply repeats.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Call {
    /// Chosen by the client.
    #[serde(default)]
    pub id: u64,
    /// What is asked.
    #[serde(flatten)]
    pub request: Request,
}

/// What a client may ask of a controller.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Request {
    /// Is the controller there?
    Ping,
    /// The view state of the canvas.
    GetViewState {
        /// Role or pane id whose screen is wanted; the graph pane when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pane: Option<String>,
        /// Only what changed since this `seq` of the pane (rows) is wanted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<u64>,
        /// How much to answer.
        #[serde(default)]
        format: Format,
        /// Part of the screen: `x,y,WxH`, `rows A-B`, `top`, `bottom`, `left`, `right`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        region: Option<String>,
        /// Keep only the last so many rows of the screen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lines_max: Option<u32>,
    },
    /// The panes of the canvas.
    Panes,
    /// Send keys, text or a paste to a pane.
    SendKeys {
        /// Role or pane id; the graph pane when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pane: Option<String>,
        /// Key names (`Tab`, `C-c`), single characters, or `"text"` literals.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        keys: Vec<String>,
        /// Typed as it stands, after the keys.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        /// Pasted (bracketed where the program asked for it), after the text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        paste: Option<String>,
        /// Refuse when the pane's `seq` is no longer this.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expect_seq: Option<u64>,
        /// What to wait for after sending.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wait: Option<Until>,
        /// Longest wait.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timeout_ms: Option<u64>,
    },
    /// Wait until one of the conditions holds.
    WaitFor {
        /// Role or pane id that screen conditions look at; the graph pane when absent... `train` for `exit`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pane: Option<String>,
        /// The first to hold ends the wait.
        until: Vec<Until>,
        /// A pattern on the pane's screen that ends the wait early, with outcome `stopped`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stop: Option<String>,
        /// Longest wait, at most [`TIMEOUT_MS_MAX`]; 30 s when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timeout_ms: Option<u64>,
    },
    /// Ask tmux for every screen again and redraw og's own panes.
    Refresh,
    /// Change the canvas's configuration: the founding keys `title`, `refreshInterval`.
    Update {
        /// Keys to change.
        config: Value,
    },
    /// Set names of the graph pane's state, as a person would by keys: `{"tab": "logs", "filter": "loss", "smoothing": 0.9}`.
    /// Answered with `graph` once it is drawn.
    SetView {
        /// Names and values.
        patch: Map<String, Value>,
    },
    /// From an og pane: this is what is drawn now.
    Shown(Box<Shown>),
    /// From an og pane: tell me of these events (`health`, `runState`, `config`, `refresh`, `setView`).
    Subscribe {
        /// Event names.
        #[serde(default)]
        events: Vec<String>,
        /// Role of the pane that asks, if it is one of og's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<String>,
    },
    /// End the controller. Panes are left alone.
    Close,
    /// The canvas was closed, and that could not be written down: stay only for the end of the training.
    Closed,
    /// A newer client said something we do not know.
    #[serde(other)]
    Unknown,
}

/// How much of a view state to answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Format {
    /// The whole view state with the pane's screen as text.
    #[default]
    Full,
    /// The view state without any screen.
    Structure,
    /// Only the pane: its screen and cursor.
    Screen,
}

/// A condition that a wait ends on.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Until {
    /// The pane's screen differs from what it was.
    Change,
    /// The pane's screen has been still for so many milliseconds.
    Settle(u64),
    /// A line of the pane matches this regular expression.
    Text(String),
    /// No line of the pane matches any more.
    Gone(String),
    /// The training process ended (or the pane's program, for another pane).
    Exit,
    /// A comparison of a metric, of `step` or of `state`: `loss<2.5`, `step>=500`, `state=finished`.
    Metric(String),
}

/// What an og pane draws; see [`Request::Shown`].
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Shown {
    /// Role of the pane.
    pub role: String,
    /// The graph pane's own state.
    pub graph: Option<GraphView>,
    /// The metrics on its screen, in the order drawn.
    pub visible_metrics: Vec<MetricView>,
    /// The size that it draws for. On a pane of another size this is not what can be seen.
    pub size: Option<Dimensions>,
    /// Number of the last request `refresh` that this drawing follows.
    pub refreshed: u64,
    /// Number of the last event `setView` that this drawing follows.
    pub set: u64,
    /// What that event said and the pane did not take, in words.
    pub refused: Vec<String>,
    /// The machine, as it stands on the pane.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<SystemView>,
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

/// A reply or an event, from the controller.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reply {
    /// Id of the call; 0 for events.
    #[serde(default)]
    pub id: u64,
    /// The answer.
    #[serde(flatten)]
    pub response: Response,
}

/// What a controller says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Response {
    /// Answer to `ping`.
    Pong {
        /// Version of the protocol.
        v: u32,
        /// Process id of the controller.
        pid: u32,
    },
    /// First line of every connection.
    Ready {
        /// Version of the protocol.
        v: u32,
        /// The preset that the canvas was made from.
        scenario: String,
    },
    /// Answer to `getViewState` in format `full` or `structure`.
    ViewState {
        /// The view state.
        data: Box<ViewState>,
    },
    /// Answer to `getViewState` in format `screen`.
    Screen {
        /// The pane with its screen.
        pane: Box<PaneView>,
    },
    /// Answer to `panes`.
    Panes {
        /// The panes in the order train, graph, status, others.
        panes: Vec<PaneView>,
    },
    /// Answer to `sendKeys` and `waitFor`.
    Outcome(Box<Outcome>),
    /// Answer to `setView`.
    Graph {
        /// State of the graph pane as it is drawn now.
        graph: Box<GraphView>,
        /// The metrics on its screen, in the order drawn.
        visible_metrics: Vec<MetricView>,
    },
    /// Event, to the graph pane: set this.
    SetView {
        /// Number of the request, to be repeated in `shown`.
        number: u64,
        /// Names and values.
        patch: Map<String, Value>,
    },
    /// It is done.
    Done,
    /// Event: how the canvas is.
    Health(Box<Health>),
    /// Event: the run's state changed.
    RunState {
        /// The new state.
        state: String,
        /// Its exit code, if it ended with one.
        exit_code: Option<i32>,
        /// The signal that ended it.
        signal: Option<i32>,
    },
    /// Event: the configuration changed.
    Config {
        /// The whole configuration.
        config: Value,
    },
    /// Event: redraw everything.
    Redraw {
        /// Number of the refresh, to be repeated in `shown`.
        number: u64,
    },
    /// It could not be done.
    Error {
        /// A word for programs.
        code: String,
        /// What failed, on what.
        message: String,
        /// What to do.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hint: Option<String>,
    },
    /// A newer controller said something we do not know.
    #[serde(other)]
    Unknown,
}

/// How a canvas is.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Health {
    /// Process id of the controller.
    pub controller_pid: u32,
    /// When it started, ISO 8601.
    pub started_at: String,
    /// Version of tmux.
    pub tmux: String,
    /// Times that an emulator was found to differ from tmux's screen.
    pub drift: u64,
    /// Times that a screen was taken anew from tmux (start, resize, pause, panic, drift).
    pub resyncs: u64,
    /// Whether a flood of output is being sampled instead of followed.
    pub sampling: bool,
    /// The last thing an agent did here, in words, and when (ISO 8601).
    pub agent_last: Option<(String, String)>,
    /// Roles that keys may be sent to.
    pub may_send: Vec<String>,
    /// What is wrong just now and matters to people, in words: the log does not grow, the disk is full.
    pub problems: Vec<String>,
}

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
    /// Rises with every frame that differs.
    pub seq: u64,
    /// Hash of the content, 16 hex digits.
    pub hash: String,
    /// When the last different frame came, ISO 8601.
    pub last_change: Option<String>,
    /// Whether keys may be sent to it.
    pub may_send: bool,
    /// The screen as text, when asked for.
    pub snapshot: Option<String>,
    /// Rows that changed since the `seq` asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_rows: Option<Vec<RowView>>,
    /// Inverse and bold spans, when the screen was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub highlights: Vec<HighlightView>,
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
    /// EMA weight; 0 is off.
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
    /// What stands around the tab: `full` or `minimal`.
    pub ui: String,
    /// What is told at the foot for a moment.
    pub toast: Option<String>,
    /// What else the tab shows: its selection, its scroll, its rows.
    pub detail: Value,
}

/// How a wait or a send ended.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Outcome {
    /// `sent`, `changed`, `settled`, `matched`, `matched_at_entry`, `stopped`, `deadline`, `exited`.
    pub outcome: String,
    /// The condition that ended it, as written.
    pub condition: Option<String>,
    /// The evidence: the line that matched, the value that was compared.
    pub evidence: Option<String>,
    /// Why no condition held, where that is known: a metric that nobody has logged.
    pub note: Option<String>,
    /// The pane looked at.
    pub pane: String,
    /// Its `seq` at the end.
    pub seq: u64,
    /// Its content hash.
    pub hash: String,
    /// Rows that differ from the start of the call.
    pub changed_rows: Vec<RowView>,
    /// Last step of the run.
    pub step: Option<i64>,
    /// State of the run.
    pub state: Option<String>,
    /// Exit code of the run.
    pub exit_code: Option<i32>,
    /// Signal that ended the run.
    pub signal: Option<i32>,
    /// Time the call took, in milliseconds.
    pub elapsed_ms: f64,
    /// The deadline that was in force, in milliseconds.
    pub effective_timeout: u64,
}
