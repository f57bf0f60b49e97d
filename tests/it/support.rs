//! What several doors need to be tried on the real thing.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use og::tmux::{NewPane, NewSession, PaneInfo, Server, Socket, Turn};

/// A database made of a committed dump.
pub fn database(fixture: &str, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    let sql = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(fixture)).unwrap();
    rusqlite::Connection::open(to).unwrap().execute_batch(&sql).unwrap();
}

/// How long anything may take before a test fails. Generous: test machines are busy.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// A tmux server of its own, without the person's configuration, killed when dropped, also by a panic.
pub struct TestServer {
    /// Its socket name, for `-L`.
    pub name: String,
    /// The server, as og sees it.
    pub server: Server,
    socket: Option<PathBuf>,
}

impl TestServer {
    /// A server with the session `hold`, 80x24, whose pane echoes what it gets.
    pub fn start() -> TestServer {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("og-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mut test = TestServer { server: Server::new(Socket::Name(name.clone())), name, socket: None };
        test.tmux(&["-f", "/dev/null", "new-session", "-d", "-s", "hold", "-x", "80", "-y", "24", "cat"]);
        test.socket = Some(test.tmux(&["display-message", "-p", "#{socket_path}"]).trim().into());
        test
    }

    /// Runs `tmux` beside og's own code, for what og never does.
    pub fn tmux(&self, args: &[&str]) -> String {
        let output = Command::new(program()).args(["-u", "-L", &self.name]).args(args).env_remove("TMUX").output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// A session with one pane of this size, which runs `sh -c script`.
    pub fn session(&self, name: &str, cols: u16, rows: u16, script: &str) -> PaneInfo {
        self.server.new_session(&NewSession { name: name.into(), cols, rows, pane: sh(script) }).unwrap()
    }

    /// Lists the clients in one line each.
    pub fn clients(&self) -> Vec<String> {
        self.tmux(&["list-clients", "-F", "#{client_pid} #{client_flags}"]).lines().map(Into::into).collect()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let _ = Command::new(program()).args(["-L", &self.name, "kill-server"]).output();
        // tmux leaves it behind.
        let _ = self.socket.as_ref().map(fs::remove_file);
        let _ = fs::remove_file(Turn::file(self.server.socket()));
    }
}

/// The tmux under test, as og picks it.
fn program() -> String {
    std::env::var("OG_TMUX").unwrap_or_else(|_| "tmux".into())
}

/// A pane that runs `sh -c script`.
pub fn sh(script: &str) -> NewPane {
    NewPane { argv: ["sh", "-c", script].map(Into::into).into(), ..NewPane::default() }
}

/// A folder of recordings that lie beside the checkout (`OG_SHARED`, else `../shared`): those of one kind, or the folder of
/// all for an empty one. Where they are not, a test says so and passes.
pub fn recordings(kind: &str) -> Option<PathBuf> {
    let shared = std::env::var_os("OG_SHARED").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let found = shared.join("data").join(kind).canonicalize().ok().filter(|folder| folder.is_dir());
    if found.is_none() {
        println!("skipped: no recordings of {kind}");
    }
    found
}

/// Waits until `state` gives something.
#[track_caller]
pub fn until<T>(what: &str, mut state: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = state() {
            return found;
        }
        assert!(start.elapsed() < DEADLINE, "not within {DEADLINE:?}: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
