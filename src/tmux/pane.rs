//! One line of `list-panes` as a value.

use rustix::process::Signal;

use super::{Command, PaneId, SessionId, WindowId};

/// What to ask `list-panes -F` for. Tabs part the fields, since neither names nor titles can hold one; the title, the one
/// field that any program can set, is last.
pub(super) const FORMAT: &str = "#{pane_id}\t#{window_id}\t#{session_id}\t#{pane_pid}\t#{pane_width}\t#{pane_height}\t#{pane_left}\t\
    #{pane_top}\t#{window_width}\t#{window_height}\t#{session_attached}\t#{pane_dead}\t#{pane_dead_status}\t#{pane_dead_signal}\t\
    #{pane_dead_time}\t#{pane_in_mode}\t#{pane_active}\t#{window_active}\t#{window_zoomed_flag}\t#{session_name}\t#{@og_canvas}\t\
    #{@og_role}\t#{pane_title}";

/// A pane as tmux lists it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PaneInfo {
    /// The pane.
    pub id: PaneId,
    /// Its window.
    pub window: WindowId,
    /// Its session.
    pub session: SessionId,
    /// The name of its session.
    pub session_name: String,
    /// Process id of its program, also after its end; `None`: it never had one.
    pub pid: Option<u32>,
    /// Width in cells.
    pub cols: u16,
    /// Height in cells.
    pub rows: u16,
    /// Left edge in the window, 0-based.
    pub left: u16,
    /// Top edge in the window, 0-based.
    pub top: u16,
    /// Width of the window in cells.
    pub window_cols: u16,
    /// Height of the window in cells.
    pub window_rows: u16,
    /// Clients attached to the session, control clients such as og's own included; see `Server::people`.
    pub clients: u32,
    /// How its program ended, where `remain-on-exit` keeps the pane.
    pub dead: Option<Death>,
    /// It shows copy mode or another mode.
    pub in_mode: bool,
    /// It is the active pane of its window.
    pub active: bool,
    /// Its window is the current one of the session.
    pub window_active: bool,
    /// A pane of its window is zoomed.
    pub zoomed: bool,
    /// The option `@og_canvas`, where it is set.
    pub canvas: Option<String>,
    /// The option `@og_role`, where it is set.
    pub role: Option<String>,
    /// The title that its program set: untrusted text without control characters.
    pub title: String,
}

/// How the program of a pane ended.
///
/// With neither status nor signal tmux has not noticed yet, and may never: see `Server::death`. A tmux older than 3.3 does
/// not tell signals.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Death {
    /// Exit status.
    pub status: Option<i32>,
    /// Number of the signal that ended it.
    pub signal: Option<i32>,
    /// When, in seconds since the Unix epoch.
    pub time_unix_s: Option<i64>,
}

/// The command that lists all panes of the server to a control client; [`parse_panes`] reads the answer.
pub fn list_panes_command() -> Command {
    Command::new("list-panes").arg("-a").arg("-F").arg(FORMAT)
}

/// The command that tells a control client of one pane; [`parse_panes`] reads the answer.
pub fn ask_pane_command(pane: PaneId) -> Command {
    Command::new("display-message").arg("-p").target(pane).arg(FORMAT)
}

/// The panes in the answer to one of the commands above. A line that is none is passed over.
pub fn parse_panes(lines: &[Vec<u8>]) -> Vec<PaneInfo> {
    lines.iter().filter_map(|line| PaneInfo::parse(&String::from_utf8_lossy(line))).collect()
}

impl Death {
    /// Whether tmux has noticed how.
    pub fn is_known(&self) -> bool {
        self.status.is_some() || self.signal.is_some()
    }
}

impl PaneInfo {
    /// Reads one line of a list made with [`FORMAT`].
    pub(super) fn parse(line: &str) -> Option<PaneInfo> {
        let mut fields = line.splitn(23, '\t');
        let mut field = || fields.next();
        let info = PaneInfo {
            id: field()?.parse().ok()?,
            window: field()?.parse().ok()?,
            session: field()?.parse().ok()?,
            pid: field()?.parse().ok().filter(|pid| *pid > 0),
            cols: field()?.parse().ok()?,
            rows: field()?.parse().ok()?,
            left: field()?.parse().ok()?,
            top: field()?.parse().ok()?,
            window_cols: field()?.parse().ok()?,
            window_rows: field()?.parse().ok()?,
            clients: field()?.parse().ok()?,
            dead: death([field()?, field()?, field()?, field()?]),
            in_mode: on(field()?),
            active: on(field()?),
            window_active: on(field()?),
            zoomed: on(field()?),
            session_name: field()?.into(),
            canvas: set(field()?),
            role: set(field()?),
            title: field()?.into(),
        };
        Some(info)
    }
}

fn death([dead, status, signal, time]: [&str; 4]) -> Option<Death> {
    on(dead).then(|| Death { status: status.parse().ok(), signal: signal_number(signal), time_unix_s: time.parse().ok() })
}

/// tmux writes a number where the system has no names of signals (Linux), else the name (`kill`).
fn signal_number(word: &str) -> Option<i32> {
    const NAMES: [(&str, Signal); 13] = [
        ("hup", Signal::HUP),
        ("int", Signal::INT),
        ("quit", Signal::QUIT),
        ("ill", Signal::ILL),
        ("trap", Signal::TRAP),
        ("abrt", Signal::ABORT),
        ("fpe", Signal::FPE),
        ("kill", Signal::KILL),
        ("bus", Signal::BUS),
        ("segv", Signal::SEGV),
        ("pipe", Signal::PIPE),
        ("alrm", Signal::ALARM),
        ("term", Signal::TERM),
    ];
    let named = || NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, signal)| signal.as_raw());
    word.parse().ok().or_else(named)
}

fn on(flag: &str) -> bool {
    !matches!(flag, "" | "0")
}

fn set(option: &str) -> Option<String> {
    (!option.is_empty()).then(|| option.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listed_pane_reads_with_tabs_in_its_title() {
        let line = "%3\t@1\t$0\t42\t80\t24\t0\t1\t160\t48\t2\t1\t\t9\t1795170046\t0\t1\t1\t0\tog-a\tlm\ttrain\ta\tb";
        let info = PaneInfo::parse(line).unwrap();
        assert_eq!((info.id, info.window, info.session, info.pid), (PaneId(3), WindowId(1), SessionId(0), Some(42)));
        assert_eq!(info.dead, Some(Death { status: None, signal: Some(9), time_unix_s: Some(1795170046) }));
        assert_eq!((info.canvas.as_deref(), info.role.as_deref(), info.title.as_str()), (Some("lm"), Some("train"), "a\tb"));
        assert!(info.active && !info.zoomed && !info.in_mode);
    }

    #[test]
    fn an_old_tmux_leaves_fields_empty() {
        let line = "%3\t@1\t$0\t42\t80\t24\t0\t1\t160\t48\t0\t1\t7\t\t\t0\t0\t0\t0\ta\t\t\t";
        let info = PaneInfo::parse(line).unwrap();
        assert_eq!(info.dead, Some(Death { status: Some(7), ..Death::default() }));
        assert_eq!(info.role, None);
    }

    #[test]
    fn a_cut_line_is_no_pane() {
        assert_eq!(PaneInfo::parse("%3\t@1"), None);
        assert_eq!(PaneInfo::parse(""), None);
    }

    #[test]
    fn signals_are_numbers_whatever_tmux_calls_them() {
        assert_eq!(
            [signal_number("9"), signal_number("kill"), signal_number("TERM"), signal_number("")],
            [Some(9), Some(9), Some(15), None]
        );
    }
}
