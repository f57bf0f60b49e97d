//! The messages. What stands here is a promise to other programs: names only get added, and every
//! unknown type is answered, never hung up on.

mod view;

pub use view::*;

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
    /// The canvas is closed: write that down, and stay only for the end of the training.
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
