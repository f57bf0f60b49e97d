//! og may be killed at any moment: the training does not notice, and og comes back when it is asked.

use crate::home::{Home, becomes, processes};
use std::{fs, path::Path, process::Command, thread, time::Duration};

/// Prints the same at every run for about two seconds and says 7.
const STEPS: [&str; 4] = ["python3", concat!(env!("CARGO_MANIFEST_DIR"), "/benches/programs/steps.py"), "120", "0.01"];

/// Kills every process of og's program that has anything to do with this home.
fn kill_og(home: &Home) {
    let mark = format!("HOME={}\0", home.dir.path().display());
    let is_og = |pid: &String| {
        let proc = Path::new("/proc").join(pid);
        let env = fs::read(proc.join("environ")).unwrap_or_default();
        let exe = fs::read_link(proc.join("exe")).unwrap_or_default();
        exe == Path::new(env!("CARGO_BIN_EXE_og")) && memchr::memmem::find(&env, mark.as_bytes()).is_some()
    };
    let found: Vec<String> = processes().into_iter().map(|(pid, _)| pid).filter(is_og).collect();
    // Some may be gone before their turn.
    let _ = Command::new("kill").arg("-9").args(found).output().unwrap();
}

#[test]
fn og_may_be_killed_at_any_moment_of_a_training() {
    let home = Home::new();
    let alone = Command::new(STEPS[0]).args(&STEPS[1..]).output().unwrap();
    // It ends after the killing, however long that takes on this machine: of a canvas nothing of which runs nothing is left.
    let script = r#""$@"; code=$?; while [ ! -e killed ]; do sleep 0.05; done; exit $code"#;
    let run = ["run", "--name", "base", "--tmux-socket", "og", "--json", "--", "sh", "-c", script, "sh"];
    let run = home.json(&[&run[..], &STEPS[..]].concat());
    for moment in [0, 40, 3, 150, 90, 11, 0, 120, 60, 25] {
        thread::sleep(Duration::from_millis(moment));
        kill_og(&home);
        assert!(home.ok(&["viewstate"]).starts_with("canvas base "));
    }
    fs::write(home.work().join("killed"), "").unwrap();
    home.ok(&["wait", "exit"]);
    assert_eq!(home.json(&["viewstate", "--json"])["runInfo"]["exitCode"], 7);
    let printed = String::from_utf8(alone.stdout).unwrap().replace('\n', "\r\n");
    let log = Path::new(run["run"].as_str().unwrap()).join("stdout.log");
    becomes(&printed, || String::from_utf8_lossy(&fs::read(&log).unwrap()).into_owned());
}
