//! A place of its own for the real programs: store, sockets, tmux servers. When it is dropped, also by a panic,
//! nothing of what it started is left.

use crate::support::{DEADLINE, until};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

/// A training that says who it is, logs to `$OG_METRICS`, and runs until it is ended.
pub const TRAIN: &str = r#"
import json, os, sys, time
print("pid", os.getpid(), "args", sys.argv[1:], flush=True)
with open("env.json", "w") as out:
    json.dump(dict(os.environ), out)
os.rename("env.json", "environment.json")
with open(os.environ["OG_METRICS"], "a") as log:
    for step in range(1, 100000):
        log.write(json.dumps({"s": step, "t": time.time(), "m": {"loss": 5 / step}}) + "\n")
        log.flush()
        print("line", step, flush=True)
        time.sleep(0.02)
"#;

/// A training that does line by line what a test tells it, and nothing else; see [`Training::tell`].
const PUPPET: &str = r#"exec 3<>"$0"; while read -r line <&3; do eval "$line"; done"#;

/// Variables that a test must not inherit from whatever it runs in.
const STRANGE: &[&str] = &[
    "TMUX",
    "TMUX_PANE",
    "OG_RUN_ID",
    "OG_DIR",
    "OG_CANVAS",
    "OG_SOCKET",
    "OG_TMUX",
    "OG_PYTHON",
    "OG_LOG",
    "VIRTUAL_ENV",
    "NO_COLOR",
    "OG_ASCII",
    "XDG_CONFIG_HOME",
    "SSH_CONNECTION",
    "WAYLAND_DISPLAY",
    "DISPLAY",
    "PYTHONUNBUFFERED",
    "WANDB_X_TRANSACTION_LOG_FLUSH_INTERVAL",
    "TRACKIO_DIR",
    "HF_HOME",
    "XDG_CACHE_HOME",
    "TVIZ_DB_PATH",
];

/// The place.
pub struct Home {
    pub dir: tempfile::TempDir,
}

impl Home {
    pub fn new() -> Home {
        // Sockets have short paths: 107 bytes on Linux.
        let dir = tempfile::Builder::new().prefix("og").tempdir_in("/tmp").unwrap();
        for name in ["rt", "tmux", "work"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        fs::set_permissions(dir.path().join("rt"), fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(dir.path().join("work/train.py"), TRAIN).unwrap();
        Home { dir }
    }

    pub fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    pub fn store(&self) -> PathBuf {
        self.work().join(".og")
    }

    /// The folder of a canvas.
    pub fn canvas(&self, name: &str) -> PathBuf {
        self.store().join("canvas").join(name)
    }

    /// Writes a file into the working folder that may be executed.
    pub fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.work().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// Takes a command out of whatever this test runs in, and puts it here.
    pub fn settle(&self, command: &mut Command) {
        for name in STRANGE {
            command.env_remove(name);
        }
        let at = |name: &str| self.dir.path().join(name);
        command.current_dir(self.work()).env("HOME", self.dir.path()).env("XDG_RUNTIME_DIR", at("rt")).env("TMUX_TMPDIR", at("tmux"));
        // Interpreters and locales of test machines differ; what og prints must not.
        command.env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
    }

    pub fn og(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_og"));
        self.settle(command.args(args));
        command
    }

    /// Runs tmux on the server where canvases are made.
    pub fn tmux(&self, args: &[&str]) -> String {
        self.tmux_on("og", args)
    }

    /// Runs tmux on a server of this place.
    pub fn tmux_on(&self, server: &str, args: &[&str]) -> String {
        text(&self.tmux_command(server, args).output().unwrap().stdout)
    }

    fn tmux_command(&self, server: &str, args: &[&str]) -> Command {
        let mut command = Command::new("tmux");
        self.settle(command.args(["-u", "-f", "/dev/null", "-L", server]).args(args));
        command
    }

    /// Runs og and expects it to work; gives what it printed.
    #[track_caller]
    pub fn ok(&self, args: &[&str]) -> String {
        let output = self.og(args).output().unwrap();
        assert!(output.status.success(), "og {args:?}: {}", told(&output));
        text(&output.stdout)
    }

    #[track_caller]
    pub fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.ok(args)).unwrap()
    }

    /// What og says in JSON whatever its exit code is, and the exit code.
    #[track_caller]
    pub fn answer(&self, args: &[&str]) -> (Value, i32) {
        let output = self.og(args).output().unwrap();
        let said = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("og {args:?}: {}", told(&output)));
        (said, output.status.code().unwrap())
    }

    /// Starts [`TRAIN`] under a name and gives what `og run --json` says.
    #[track_caller]
    pub fn train(&self, name: &str) -> Value {
        self.json(&["run", "--name", name, "--tmux-socket", "og", "--json", "train.py"])
    }

    /// Starts a training that does what it is told.
    #[track_caller]
    pub fn puppet(&self, name: &str) -> Training {
        self.puppet_with(&["--name", name], |_| {})
    }

    /// The same with more arguments of `og run`, or run in another place.
    #[track_caller]
    pub fn puppet_with(&self, args: &[&str], change: impl FnOnce(&mut Command)) -> Training {
        let strings = tempfile::Builder::new().prefix("strings").tempdir_in(self.dir.path()).unwrap().keep().join("fifo");
        assert!(Command::new("mkfifo").arg(&strings).status().unwrap().success());
        let socket = if args.contains(&"--tmux-socket") { &[][..] } else { &["--tmux-socket", "og"] };
        let puppet = ["--json", "--", "sh", "-c", PUPPET, strings.to_str().unwrap()];
        let mut run = self.og(&[&["run"], socket, args, &puppet].concat());
        change(&mut run);
        let output = run.output().unwrap();
        let said = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("og run {args:?}: {}", told(&output)));
        // Held open for both, so that neither end waits for the other.
        let strings = File::options().read(true).write(true).open(strings).unwrap();
        Training { said, strings }
    }

    pub fn runs(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.store().join("runs"));
        entries.map(|entries| entries.map(|entry| entry.unwrap().path()).collect()).unwrap_or_default()
    }

    pub fn in_runtime(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir.path().join("rt/og"));
        entries.map(|entries| entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()).unwrap_or_default()
    }

    /// The panes of all canvases on the server: role, then `WxH+X+Y` and, behind `@`, the window's number.
    pub fn places(&self) -> BTreeMap<String, String> {
        let format = "#{@og_role} #{pane_width}x#{pane_height}+#{pane_left}+#{pane_top}#{window_id}";
        let listed = self.tmux(&["list-panes", "-a", "-f", "#{@og_role}", "-F", format]);
        listed.lines().filter_map(|line| line.split_once(' ')).map(|(role, place)| (role.into(), place.into())).collect()
    }

    /// The pane of a role, where one canvas runs. A killed pane of og's comes back under another id.
    pub fn pane(&self, role: &str) -> String {
        let listed = self.tmux(&["list-panes", "-a", "-f", &format!("#{{==:#{{@og_role}},{role}}}"), "-F", "#{pane_id}"]);
        listed.lines().next_back().unwrap_or_default().to_string()
    }

    /// The screen of a pane as tmux has it, without blank rows at the bottom.
    pub fn screen(&self, pane: &str) -> String {
        self.screen_on("og", pane)
    }

    pub fn screen_on(&self, server: &str, pane: &str) -> String {
        let screen = self.tmux_on(server, &["capture-pane", "-p", "-t", pane]);
        let rows: Vec<&str> = screen.lines().map(|row| row.trim_end_matches(' ')).collect();
        rows.join("\n").trim_end_matches('\n').to_string()
    }

    /// Clients on a session that are not controllers.
    pub fn people_on(&self, session: &str) -> usize {
        self.tmux(&["list-clients", "-t", session, "-F", "#{client_control_mode}"]).lines().filter(|control| *control == "0").count()
    }

    /// A format of tmux for a pane.
    pub fn ask(&self, pane: &str, format: &str) -> String {
        self.tmux(&["display-message", "-p", "-t", pane, format]).trim_end().to_string()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // Nothing here may panic: it would hide why the test failed.
        let _ = self.tmux_command("og", &["kill-server"]).output();
        // Whatever was started here has this HOME; some of it outlives its tmux, and a tmux 3.3a itself does not end
        // while a control client whose reader was killed has output left to write.
        let mark = format!("HOME={}\0", self.dir.path().display());
        let ours = |pid: &String| {
            let env = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            memchr::memmem::find(&env, mark.as_bytes()).is_some()
        };
        let since = Instant::now();
        while since.elapsed() < DEADLINE {
            let left: Vec<String> = processes().into_iter().map(|(pid, _)| pid).filter(ours).collect();
            if left.is_empty() {
                break;
            }
            let _ = Command::new("kill").arg("-9").args(left).stderr(Stdio::null()).status();
        }
    }
}

/// Process ids with their command lines.
pub fn processes() -> Vec<(String, String)> {
    let ids = fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let ids = ids.filter(|name| name.bytes().all(|b| b.is_ascii_digit()));
    let line = |pid: &str| text(&fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()).replace('\0', " ");
    ids.map(|pid| (line(&pid), pid)).map(|(line, pid)| (pid, line)).collect()
}

/// A training that a test started with [`Home::puppet`].
pub struct Training {
    /// What `og run --json` said.
    pub said: Value,
    strings: File,
}

impl Training {
    /// Lets it run a line of shell.
    pub fn tell(&self, line: &str) {
        (&self.strings).write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    pub fn folder(&self) -> PathBuf {
        self.text("run").into()
    }

    pub fn pid(&self) -> u64 {
        self.said["pid"].as_u64().unwrap()
    }

    /// A field of what `og run --json` said.
    pub fn text(&self, field: &str) -> String {
        self.said[field].as_str().unwrap().to_string()
    }

    /// tmux's id of a pane.
    pub fn pane(&self, role: &str) -> String {
        let panes = self.said["panes"].as_array().unwrap();
        panes.iter().find(|pane| pane["role"] == role).unwrap()["paneId"].as_str().unwrap().to_string()
    }

    /// Logs metrics of a step, as a training does: `{"loss": 1}`.
    pub fn log(&self, step: i64, metrics: &Value) {
        let line = serde_json::json!({"s": step, "t": 1_795_161_553.0 + step as f64, "m": metrics});
        let mut file = File::options().create(true).append(true).open(self.folder().join("metrics.jsonl")).unwrap();
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// The line of `events.jsonl` that says how it ended, once it is there.
    #[track_caller]
    pub fn end(&self) -> Value {
        until("its end is written down", || {
            let events = fs::read_to_string(self.folder().join("events.jsonl")).unwrap_or_default();
            events.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).find(|event| event["what"] == "exit")
        })
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub fn told(output: &Output) -> String {
    format!("exit {:?}\n{}{}", output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// Runs to its end and expects an error: this exit code, and stderr that has these words.
#[track_caller]
pub fn fails(mut command: Command, exit: i32, words: &[&str]) -> String {
    let output = command.output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(exit), "{}", told(&output));
    for word in words {
        assert!(said.contains(word), "no {word:?} in: {said}");
    }
    assert_eq!(said.matches("og: ").count(), 1, "told once: {said}");
    said
}

/// Waits until something is so.
#[track_caller]
pub fn comes(what: &str, mut is: impl FnMut() -> bool) {
    until(what, || is().then_some(()));
}

/// Waits until something is as wanted, and shows what it was instead.
#[track_caller]
pub fn becomes<T: PartialEq + std::fmt::Debug>(want: &T, mut is: impl FnMut() -> T) {
    let since = Instant::now();
    loop {
        let got = is();
        if got == *want {
            return;
        }
        assert!(since.elapsed() < DEADLINE, "it never becomes\n{want:#?}\nit is\n{got:#?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub fn read_json(path: &Path) -> Option<Value> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Whether a process runs. One that has ended and that nobody has asked how is dead: tmux may take long to ask.
pub fn alive(pid: u64) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

pub fn kill(signal: &str, pid: u64) {
    assert!(Command::new("kill").arg(format!("-{signal}")).arg(pid.to_string()).status().unwrap().success());
}
