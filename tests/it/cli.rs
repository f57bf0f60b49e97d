//! The programs as a person and an agent use them: the real binary, a real tmux, real folders.

use crate::home::{Home, alive, comes, fails, kill, processes, read_json, text, told};
use serde_json::Value;
use std::{
    fs,
    io::{Read, Write},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Stdio},
};

// --- Arguments and output ---

#[test]
fn every_verb_has_help_with_examples_and_both_names_are_one_program() {
    let home = Home::new();
    let verbs = "run, view, canvas, canvas spawn, canvas list, canvas attach, canvas close, canvas restart, viewstate, sendkeys, set, type, \
                 paste, wait, panes, refresh, runs, compare, inspect, tail, doctor, export, keys, skill";
    for verb in verbs.split(", ") {
        let help = home.ok(&verb.split(' ').chain(["--help"]).collect::<Vec<_>>());
        assert!(help.contains("Examples:\n  "), "{verb}: {help}");
        assert!(!help.contains('\x1b'), "no colours where nobody looks: {help}");
    }
    assert!(home.ok(&["--help"]).contains("og -r train.py"));
    let mut long = Command::new(env!("CARGO_BIN_EXE_opengraphs"));
    home.settle(long.arg("version"));
    assert_eq!(text(&long.output().unwrap().stdout), home.ok(&["version"]));
    assert_eq!(home.json(&["version", "--json"])["protocol"], 1);
}

#[test]
fn bad_arguments_are_exit_2_also_in_json() {
    let home = Home::new();
    assert_eq!(home.og(&["viewstat"]).output().unwrap().status.code(), Some(2));
    assert_eq!(home.og(&["wait", "step>=5", "--timeout", "soon"]).output().unwrap().status.code(), Some(2));
    let long = home.og(&["wait", "exit", "--timeout", "8d"]).output().unwrap();
    assert!(long.status.code() == Some(2) && text(&long.stderr).contains("a wait may last 7 days at most"), "{}", told(&long));
    fails(home.og(&["wait", "nonsense"]), 2, &["`nonsense` is no condition", "hint: conditions: change"]);
    fails(home.og(&["run", "--layout", "fancy", "train.py"]), 2, &["no preset is called `fancy`", "hint: presets: default, monitor"]);
    for (words, told) in
        [(&["--nmae", "x", "t.py"][..], "did you mean --name, --note?"), (&["--bogus=1", "t.py"], "no option --bogus"), (&["-x"], "--")]
    {
        fails(home.og(&[&["run"], words].concat()), 2, &[told, "behind `--`"]);
    }
    for (args, word) in [
        (&["run", "--name", "", "t.py"][..], "a name is expected"),
        (&["run", "--tag", "=v", "t.py"], "a word or KEY=VALUE"),
        (&["run", "--tag", "", "t.py"], "a word or KEY=VALUE"),
        (&["run", "--total-steps", "0", "t.py"], "0 is not in 1.."),
        (&["run", "--canvas", "../x", "t.py"], "cannot be the name of a canvas"),
        (&["canvas", "spawn", "--name", "a b"], "use letters, digits"),
    ] {
        let output = home.og(args).output().unwrap();
        assert!(output.status.code() == Some(2) && text(&output.stderr).contains(word), "{}", told(&output));
    }
    let output = home.og(&["export", "--json"]).output().unwrap();
    let error: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(error["message"].as_str().unwrap().contains("not provided: <"), "{error}");
    let output = home.og(&["wait", "step>=5", "--timeout", "soon", "--json"]).output().unwrap();
    let error: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &error["code"]), (Some(2), &"bad_arguments".into()));
    assert!(error["message"].as_str().unwrap().contains("soon") && error["hint"].is_string(), "{error}");
    assert!(output.stderr.is_empty());
}

#[test]
fn a_reader_that_goes_away_is_exit_3_without_a_word() {
    let home = Home::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = home.og(&["skill", "print"]).stdout(writer).output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(3), String::new()));
}

#[test]
fn the_skill_is_installed_where_agents_look() {
    let home = Home::new();
    assert_eq!(home.ok(&["skill", "install"]), ".claude/skills/og/SKILL.md\n");
    assert_eq!(fs::read_to_string(home.work().join(".claude/skills/og/SKILL.md")).unwrap(), home.ok(&["skill", "print"]));
}

// --- What can be wrong before anything runs ---

#[test]
fn a_missing_tmux_is_told_and_nothing_is_made() {
    let home = Home::new();
    let mut run = home.og(&["run", "train.py"]);
    run.env("OG_TMUX", "/nonexistent/tmux");
    fails(run, 1, &["tmux was not found as `/nonexistent/tmux`", "hint: install tmux 3.2"]);
    assert!(!home.store().exists() && home.in_runtime().is_empty());
}

#[test]
fn a_tmux_that_is_too_old_is_told() {
    let home = Home::new();
    let old = home.dir.path().join("old-tmux");
    fs::write(&old, "#!/bin/sh\necho tmux 3.1\n").unwrap();
    fs::set_permissions(&old, fs::Permissions::from_mode(0o755)).unwrap();
    let mut run = home.og(&["run", "train.py"]);
    run.env("OG_TMUX", &old);
    fails(run, 1, &["tmux 3.1 is too old", "hint: og needs tmux 3.2"]);
}

#[test]
fn a_program_that_cannot_start_leaves_nothing_behind() {
    let home = Home::new();
    fs::write(home.work().join("plain.txt"), "").unwrap();
    let run = |words: &[&str]| home.og(&[&["run", "--tmux-socket", "og"], words].concat());
    fails(run(&["--", "no-such-program"]), 1, &["command not found: no-such-program", "hint: "]);
    fails(run(&["--", "./plain.txt"]), 1, &["./plain.txt may not be executed", "chmod +x"]);
    fails(run(&["--cwd", "/nowhere", "--", "ls"]), 1, &["cannot run in /nowhere: No such file", "--cwd DIR"]);
    fails(run(&["trian.py"]), 1, &["there is no script trian.py"]);
    assert!(home.runs().is_empty());
    assert_eq!(fs::read_dir(home.store().join("canvas")).unwrap().count(), 0);
    assert_eq!(home.tmux(&["list-sessions"]), "");
    let left: Vec<String> = home.in_runtime().into_iter().filter(|name| !name.ends_with(".sock") || name.starts_with("gate")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_store_that_cannot_be_written_is_told() {
    let home = Home::new();
    fs::write(home.work().join("file"), "").unwrap();
    fails(home.og(&["run", "--store", "file/store", "train.py"]), 1, &["file/store", "hint: "]);

    // Root may write everywhere, so only a file system can refuse: in a mount namespace of its own.
    let mounted = |options: &str| {
        let mut shell = Command::new("unshare");
        let script = format!("mount -t tmpfs -o {options} tmpfs \"$1\" && exec \"$2\" run --store \"$1/store\" --tmux-socket og train.py");
        fs::create_dir_all(home.work().join("mnt")).unwrap();
        let og = env!("CARGO_BIN_EXE_og");
        home.settle(shell.args(["--mount", "sh", "-c", &script, "sh"]).arg(home.work().join("mnt")).arg(og));
        shell
    };
    let mut can_mount = Command::new("unshare");
    can_mount.args(["--mount", "sh", "-c", "mount -t tmpfs tmpfs \"$1\"", "sh"]).arg(home.dir.path().join("tmux")).stderr(Stdio::null());
    if !can_mount.status().is_ok_and(|status| status.success()) {
        return;
    }
    fails(mounted("ro"), 1, &["Read-only file system", "hint: set OG_DIR, or pass --store"]);
    fails(mounted("nr_inodes=2"), 1, &["the disk is full", "hint: free some space"]);
}

#[test]
fn an_unknown_key_names_the_nearest_and_needs_no_canvas_for_that() {
    let home = Home::new();
    fails(home.og(&["sendkeys", "Tba"]), 2, &["unknown key \"Tba\": nothing was sent", "nearest: Tab"]);
}

#[test]
fn without_a_canvas_the_way_to_one_is_told() {
    let home = Home::new();
    fails(home.og(&["viewstate"]), 1, &["no canvas is running", "hint: start one with `og run train.py`"]);
    fails(home.og(&["viewstate", "--canvas", "x"]), 1, &["no canvas is called `x`"]);
    fails(home.og(&["canvas", "spawn"]), 1, &["there is no run in"]);
    fails(home.og(&["canvas", "spawn", "--config", "{\"layout\":3}"]), 2, &["--config: /layout: a string is expected"]);
}

// --- A training in its pane ---

#[test]
fn the_pane_is_the_training_and_its_first_byte_is_in_the_log() {
    let home = Home::new();
    let mut run = home.og(&["run", "--tmux-socket", "og", "--name", "base", "--tag", "try=1", "--config", "lr=3e-4", "--total-steps", "9"]);
    run.args(["--env", "MINE=1", "--json", "train.py", "--lr", "3", "watch the loss and tell me"])
        .env("SECRET", "hunter-two")
        .env("TERM", "mine");
    let said: Value = serde_json::from_slice(&run.output().unwrap().stdout).unwrap();
    let pid = said["pid"].as_u64().unwrap();
    let folder = PathBuf::from(said["run"].as_str().unwrap());
    comes("the training starts", || home.work().join("environment.json").exists());

    let pane = home.tmux(&[
        "display-message",
        "-p",
        "-t",
        said["panes"][0]["paneId"].as_str().unwrap(),
        "#{pane_pid} #{@og_role} #{remain-on-exit}",
    ]);
    assert_eq!(pane.trim(), format!("{pid} train on"));
    let log = || fs::read_to_string(folder.join("stdout.log")).unwrap_or_default();
    comes("the log grows", || log().contains("line 1"));
    assert!(log().starts_with("pid ") && log().contains("args ['--lr', '3']"), "{}", log());

    let env = read_json(&home.work().join("environment.json")).unwrap();
    let is = |name: &str| env[name].as_str().unwrap_or_default().to_string();
    assert_eq!(
        [is("SECRET"), is("MINE"), is("PYTHONUNBUFFERED"), is("WANDB_X_TRANSACTION_LOG_FLUSH_INTERVAL")],
        ["hunter-two", "1", "1", "1"]
    );
    assert_eq!([is("OG_RUN_ID"), is("OG_CANVAS")], [said["runId"].as_str().unwrap(), said["canvasId"].as_str().unwrap()]);
    assert_eq!(is("OG_RUN_DIR"), folder.display().to_string());
    assert!(is("TMUX_PANE").starts_with('%') && is("TERM") != "mine", "the pane's terminal, not the caller's");

    let run = read_json(&folder.join("run.json")).unwrap();
    assert_eq!((run["pid"].as_u64(), run["name"].as_str(), run["total_steps"].as_i64()), (Some(pid), Some("base"), Some(9)));
    assert_eq!((&run["tags"]["try"], &run["config"]["lr"], &run["canvas"]), (&"1".into(), &3e-4.into(), &"base".into()));
    assert_eq!(run["prompt"], "watch the loss and tell me");
    let chat = fs::read_to_string(home.store().join("canvas/base/chat.jsonl")).unwrap();
    assert!(chat.contains(r#""author":"human","text":"watch the loss and tell me""#), "{chat}");
    let events = fs::read_to_string(folder.join("events.jsonl")).unwrap();
    assert!(events.contains(r#""what":"started""#), "{events}");

    // The secret is in the training's memory and nowhere else.
    let grep = Command::new("grep").args(["-rlF", "hunter-two"]).arg(home.store()).arg(home.dir.path().join("rt")).output().unwrap();
    assert_eq!(text(&grep.stdout), "");
    assert!(!processes().iter().any(|(_, args)| args.contains("hunter-two")));
    assert!(!home.in_runtime().iter().any(|name| name.starts_with("gate")), "the gate is gone: {:?}", home.in_runtime());
}

#[test]
fn killing_every_og_process_leaves_the_training_and_its_log_alone() {
    let home = Home::new();
    let said = home.train("base");
    let pid = said["pid"].as_u64().unwrap();
    let dir = said["dir"].as_str().unwrap();
    let log = PathBuf::from(said["run"].as_str().unwrap()).join("stdout.log");
    comes("the log grows", || fs::read_to_string(&log).is_ok_and(|log| log.contains("line 1")));
    let ours = || -> Vec<String> {
        let is_ours = |args: &str| args.starts_with(env!("CARGO_BIN_EXE_og")) && args.contains(dir) && args.contains(" __");
        processes().into_iter().filter(|(_, args)| is_ours(args)).map(|(pid, _)| pid).collect()
    };
    assert_eq!(ours().len(), 3, "controller, graph and status");
    // The controller may have started a pane again before its own turn came.
    comes("og is killed", || {
        let left = ours();
        let _ = Command::new("kill").arg("-9").args(&left).stderr(Stdio::null()).status();
        left.is_empty()
    });
    let before = fs::read_to_string(&log).unwrap().lines().count();
    comes("the log goes on", || fs::read_to_string(&log).unwrap().lines().count() > before + 5);
    assert!(alive(pid));
    // The next command starts the controller again.
    assert!(home.ok(&["viewstate", "--canvas", "base"]).contains("running"));
}

#[test]
fn two_canvases_of_one_name_are_refused_only_when_the_name_was_asked_for() {
    let home = Home::new();
    home.train("base");
    assert_eq!(home.train("base")["canvas"], "base-2");
    let third = home.og(&["run", "--canvas", "base", "--tmux-socket", "og", "train.py"]);
    fails(third, 1, &["a canvas `base` is already running here", "og canvas close base"]);
    assert_eq!(home.runs().len(), 2);
    fails(home.og(&["viewstate"]), 1, &["2 canvases fit: base (c", "hint: say which with `--canvas NAME`"]);
    fails(home.og(&["viewstate", "--canvas", "bsae"]), 1, &["no canvas is called `bsae`", "hint: running: base (c", "base-2 (c"]);
    let listed = home.json(&["canvas", "list", "--json"]);
    assert_eq!((&listed[0]["name"], &listed[1]["name"], &listed[0]["live"]), (&"base".into(), &"base-2".into(), &true.into()));
}

#[test]
fn a_stale_tmux_is_a_note_and_counts_as_outside() {
    let home = Home::new();
    let mut run = home.og(&["run", "--tmux-socket", "og", "--name", "base", "train.py"]);
    let output = run.env("TMUX", "/nonexistent/tmux-1/default,1,0").env("TMUX_PANE", "%0").output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    assert!(text(&output.stderr).contains("$TMUX names a tmux server that is gone"), "{}", told(&output));
    assert!(text(&output.stdout).contains("look: tmux -L og attach -t og-base"), "{}", told(&output));
}

#[test]
fn og_inside_a_training_is_refused_unless_it_gets_a_canvas_of_its_own() {
    let home = Home::new();
    let inside = |args: &[&str]| {
        let mut command = home.og(&[&["run", "--tmux-socket", "og"], args].concat());
        command.env("OG_RUN_ID", "20260101-000000-quiet-otter-3f2a");
        command
    };
    fails(inside(&["train.py"]), 1, &["already runs inside the run 20260101-000000-quiet-otter-3f2a", "--canvas NAME"]);
    assert!(inside(&["--canvas", "own", "train.py"]).output().unwrap().status.success());
    assert!(home.tmux(&["list-sessions"]).contains("og-own"));
}

#[test]
fn inside_tmux_the_window_is_split_and_the_person_keeps_pane_and_focus() {
    let home = Home::new();
    home.tmux(&["new-session", "-d", "-x", "200", "-y", "50", "-s", "work", "sh"]);
    let socket = home.tmux(&["display-message", "-p", "#{socket_path},#{pid},0"]);
    let run = |name: &str| {
        let mut run = home.og(&["run", "--name", name, "--json", "train.py"]);
        let output = run.env("TMUX", socket.trim()).env("TMUX_PANE", "%0").output().unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap_or_else(|_| panic!("{}", told(&output)))
    };
    let said = run("base");
    assert_eq!((&said["session"], &said["window"]), (&"work".into(), &"@0".into()));
    let panes =
        home.tmux(&["list-panes", "-t", "work", "-F", "#{pane_width}x#{pane_height}+#{pane_left}+#{pane_top} #{@og_role} #{pane_active}"]);
    let want = ["79x50+0+0  1", "53x44+80+0 train 0", "66x44+134+0 graph 0", "120x5+80+45 status 0"];
    assert_eq!(panes.lines().collect::<Vec<_>>(), want);

    // A second canvas gets a window of its own, and neither takes the person there.
    assert_ne!(run("other")["window"], "@0");
    assert_eq!(home.tmux(&["display-message", "-p", "-t", "work", "#{window_id}"]).trim(), "@0");
    // Typed in a canvas's window, a verb means that canvas.
    let mut view = home.og(&["viewstate"]);
    let output = view.env("TMUX", socket.trim()).env("TMUX_PANE", "%0").output().unwrap();
    assert!(text(&output.stdout).starts_with("canvas base "), "{}", told(&output));
}

#[test]
fn a_small_terminal_keeps_the_training_and_moves_the_graph_to_a_second_window() {
    let home = Home::new();
    home.tmux(&["new-session", "-d", "-x", "50", "-y", "20", "-s", "work", "sh"]);
    let socket = home.tmux(&["display-message", "-p", "#{socket_path},#{pid},0"]);
    let mut run = home.og(&["run", "--name", "base", "--json", "train.py"]);
    let output = run.env("TMUX", socket.trim()).env("TMUX_PANE", "%0").output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    let panes = home.tmux(&["list-panes", "-s", "-t", "work", "-F", "#{window_id} #{@og_role}"]);
    assert_eq!(panes.lines().collect::<Vec<_>>(), ["@0 ", "@0 train", "@0 status", "@1 graph"]);
}

// --- An agent at work ---

#[test]
fn an_agent_reads_waits_and_presses_keys() {
    let home = Home::new();
    let said = home.train("base");
    let id = said["canvasId"].as_str().unwrap();
    let matched = home.json(&["wait", "step>=20", "--timeout", "20s", "--json"]);
    assert!(["matched", "matched_at_entry"].contains(&matched["outcome"].as_str().unwrap()), "{matched}");

    let summary = home.ok(&["viewstate", id]);
    assert!(summary.len() <= 2048 && summary.starts_with("canvas base "), "{summary}");
    assert!(summary.contains("\nstep ") && summary.contains(" running\n"), "{summary}");
    comes("the metric is listed", || home.ok(&["viewstate"]).contains("loss"));
    let state = home.json(&["viewstate", "--json"]);
    assert_eq!((&state["canvasId"], &state["runInfo"]["state"]), (&id.into(), &"running".into()));
    comes("the metric is drawn", || home.ok(&["viewstate", "graph", "--screen"]).contains("loss"));
    assert!(home.ok(&["viewstate", "train"]).contains("(a program's words, not instructions) ---"));
    assert!(home.ok(&["viewstate", "train", "--screen", "--max-lines", "3"]).contains("line "));
    assert_eq!(home.ok(&["panes"]).lines().count(), 3);
    assert_eq!(home.ok(&["refresh"]), "refreshed base\n");

    // The founding spelling: the canvas's id, then keys.
    let sent = home.json(&["sendkeys", id, "h", "--wait", "change", "--json", "--timeout", "10s"]);
    assert_eq!(sent["outcome"], "changed", "{sent}");
    home.ok(&["sendkeys", "graph", "h"]);
    fails(home.og(&["sendkeys", "train", "C-c"]), 1, &["train", "may_send"]);
    fails(home.og(&["viewstate", "grpah"]), 1, &["no canvas and no pane is called `grpah`"]);

    let late = home.og(&["wait", "step>=1000000", "--timeout", "50ms", "--json"]).output().unwrap();
    let outcome: Value = serde_json::from_slice(&late.stdout).unwrap();
    assert_eq!((late.status.code(), &outcome["outcome"]), (Some(1), &"deadline".into()));
}

#[test]
fn text_from_standard_input_is_typed_and_pasted() {
    let home = Home::new();
    home.train("base");
    home.ok(&["wait", "step>=1", "--timeout", "20s"]);
    home.ok(&["sendkeys", "graph", "/", "--wait", "change"]);
    let feed = |verb: &str, words: &str| {
        let mut child = home.og(&[verb, "graph", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(words.as_bytes()).unwrap();
        let mut said = String::new();
        child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(child.wait().unwrap().success(), "{said}");
    };
    feed("type", "lo");
    feed("paste", "ss");
    comes("the filter is typed", || home.json(&["viewstate", "--json"])["graph"]["filter"] == "loss");
}

// --- The end of a canvas ---

#[test]
fn closing_a_canvas_leaves_a_live_training_in_its_pane() {
    let home = Home::new();
    let said = home.train("base");
    let pid = said["pid"].as_u64().unwrap();
    let closed = home.ok(&["canvas", "close", "base"]);
    assert!(closed.contains("the training goes on in pane"), "{closed}");
    assert!(alive(pid));
    assert_eq!(home.tmux(&["list-panes", "-a", "-F", "#{pane_pid}"]).trim(), pid.to_string());
    let log = PathBuf::from(said["run"].as_str().unwrap()).join("stdout.log");
    let before = fs::metadata(&log).unwrap().len();
    comes("the log goes on", || fs::metadata(&log).unwrap().len() > before);
    kill("9", pid);
    comes("nothing is left", || home.json(&["canvas", "list", "--json"]) == Value::Array(vec![]));
    fails(home.og(&["viewstate", "--canvas", "base"]), 1, &["the canvas `base` has ended", "--run base"]);
    assert!(fs::read_to_string(log.with_file_name("events.jsonl")).unwrap().contains(r#""signal":9"#));
}

#[test]
fn a_training_is_ended_only_when_that_was_said_twice() {
    let home = Home::new();
    let said = home.train("base");
    let pid = said["pid"].as_u64().unwrap();
    fails(home.og(&["canvas", "close", "--kill-run"]), 1, &["nobody is there to answer", "hint: say it with --yes"]);
    assert!(alive(pid));
    assert!(home.ok(&["canvas", "close", "--kill-run", "--yes"]).contains("the training was ended"));
    comes("the training ends", || !alive(pid));
    assert_eq!(home.tmux(&["list-panes", "-a"]), "");
    let folder = PathBuf::from(said["run"].as_str().unwrap());
    let events = fs::read_to_string(folder.join("events.jsonl")).unwrap();
    assert!(events.contains(r#""what":"exit""#) && events.contains(r#""signal":15"#), "{events}");
    // What is left of it can still be looked at.
    let view = home.json(&["canvas", "spawn", "review", "--run", "base", "--tmux-socket", "og", "--json"]);
    assert_eq!((&view["runId"], view["panes"].as_array().unwrap().len()), (&said["runId"], 2));
    comes("the run is stopped", || home.json(&["viewstate", "--json"])["runInfo"]["state"] == "stopped");
}

#[test]
fn a_server_that_is_gone_takes_its_canvases_along() {
    let home = Home::new();
    home.train("base");
    home.tmux(&["kill-server"]);
    comes("the canvas is gone", || home.json(&["canvas", "list", "--json"]) == Value::Array(vec![]));
    fails(home.og(&["viewstate"]), 1, &["no canvas is running"]);
    fails(home.og(&["canvas", "attach", "base"]), 1, &["the canvas `base` has ended"]);
    // Its name is free again.
    assert_eq!(home.train("base")["canvas"], "base");
}

#[test]
fn a_canvas_whose_socket_was_swept_away_is_found_and_answers_again() {
    let home = Home::new();
    let training = home.puppet("base");
    // What happens to `/run/user/UID` when a person logs out, and to old files in `/tmp`.
    for file in home.in_runtime() {
        fs::remove_file(home.dir.path().join("rt/og").join(file)).unwrap();
    }
    assert!(home.ok(&["viewstate"]).starts_with("canvas base "));
    assert!(home.ok(&["viewstate", &training.text("canvasId")]).starts_with("canvas base "), "it is announced again");
    assert!(alive(training.pid()));
    let controllers = processes()
        .iter()
        .filter(|(_, line)| line.contains("__controller") && line.contains(&*home.canvas("base").to_string_lossy()))
        .count();
    assert_eq!(controllers, 1);
}

#[test]
fn a_run_that_nobody_saw_end_is_lost_and_not_running_for_ever() {
    let home = Home::new();
    let training = home.puppet("base");
    home.ok(&["canvas", "close", "base"]);
    let watching = read_json(&home.canvas("base").join("state.json")).unwrap()["controller_pid"].as_u64().unwrap();
    kill("9", watching);
    home.ok(&["canvas", "spawn", "--run", training.text("runId").as_str(), "--name", "seen", "--tmux-socket", "og", "--detach"]);
    let state = || home.json(&["viewstate", "--canvas", "seen", "--json"])["runInfo"]["state"].clone();
    assert_eq!(state(), "running");
    training.tell("exit 3");
    home.ok(&["wait", "--canvas", "seen", "exit"]);
    assert_eq!(state(), "lost");
    comes("the status pane says so", || home.ok(&["viewstate", "--canvas", "seen", "status", "--screen"]).contains("lost"));
    home.ok(&["canvas", "restart", "seen"]);
    comes("so does the next controller", || state() == "lost");
    // tmux saw it, and tells whoever asks.
    home.ok(&["canvas", "close", "base"]);
    assert_eq!(training.end()["code"], 3);
    comes("then everybody knows", || state() == "failed");
}

#[test]
fn a_training_is_interrupted_before_it_starts_without_a_trace() {
    let home = Home::new();
    for ms in [1, 5, 10, 20, 30, 50, 80, 120, 200] {
        let mut run =
            home.og(&["run", "--tmux-socket", "og", "--name", "cut", "--detach", "--", "cat"]).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(ms));
        kill("INT", run.id().into());
        // Until the signal is held, at the very beginning, there is nothing to take back.
        if run.wait().unwrap().success() {
            home.ok(&["canvas", "close", "--kill-run", "--yes", "--canvas", "cut"]);
            fs::remove_dir_all(home.store().join("runs")).unwrap();
        }
        comes("nothing is left", || home.runs().is_empty() && home.in_runtime().is_empty() && home.tmux(&["list-panes", "-a"]).is_empty());
    }
}

#[test]
fn a_start_that_is_killed_leaves_no_pane_that_waits_for_ever() {
    let home = Home::new();
    let panes = || home.tmux(&["list-panes", "-a", "-F", "#{@og_role}"]);
    // The last comes too late in most places: then the training runs as if nothing had happened.
    for ms in [20, 40, 50, 60, 70, 80, 90, 100, 120, 150, 300] {
        let run = home.og(&["run", "--tmux-socket", "og", "--name", "cut", "--detach", "--", "sh", "-c", "touch runs; exec cat"]).spawn();
        let mut run = run.unwrap();
        std::thread::sleep(std::time::Duration::from_millis(ms));
        kill("9", run.id().into());
        run.wait().unwrap();
        let runs = home.work().join("runs");
        comes("it runs, or nothing is shown of it", || {
            let (shown, is_running) = (panes(), runs.exists());
            shown.is_empty() || is_running && shown.lines().count() == 3
        });
        if runs.exists() {
            home.ok(&["canvas", "close", "--kill-run", "--yes", "--canvas", "cut"]);
            fs::remove_file(runs).unwrap();
        }
        comes("its controller ends", || home.og(&["canvas", "list", "--json"]).output().unwrap().stdout.starts_with(b"[]"));
    }
}

#[test]
fn a_pane_of_a_start_that_was_killed_leaves_the_next_one_of_that_name_alone() {
    let home = Home::new();
    let said = home.train("base");
    let (gate, dir) = (home.work().join("no-gate.sock"), home.canvas("base"));
    let late = format!("exec {} __exec {} {} c0000000", env!("CARGO_BIN_EXE_og"), gate.display(), dir.display());
    home.tmux(&["new-session", "-d", "-s", "late", &late, ";", "set-option", "-p", "remain-on-exit", "on"]);
    comes("the late pane ends", || !home.tmux(&["list-sessions", "-F", "#{session_name}"]).contains("late"));
    assert!(alive(said["pid"].as_u64().unwrap()));
    assert_eq!(home.json(&["canvas", "list", "--json"])[0]["controller"], "ok");
}

#[test]
fn a_start_that_is_taken_back_leaves_panes_alone_that_only_look_like_its_own() {
    let home = Home::new();
    let said = home.train("base");
    let (gate, dir, id) = (home.work().join("no-gate.sock"), home.canvas("base"), said["canvasId"].as_str().unwrap());
    // One that was started for another canvas a moment ago: it has no mark yet, and one path begins with the other.
    home.tmux(&["new-session", "-d", "-s", "other", &format!("sh -c 'exec sleep 600' {}2 c0000000", dir.display())]);
    let late = format!("exec {} __exec {} {} {id}", env!("CARGO_BIN_EXE_og"), gate.display(), dir.display());
    home.tmux(&["new-session", "-d", "-s", "late", &late]);
    comes("all is taken back", || home.tmux(&["list-sessions", "-F", "#{session_name}"]).trim() == "other");
    comes("the training ends", || !alive(said["pid"].as_u64().unwrap()));
}

#[test]
fn a_controller_is_replaced_while_the_training_goes_on() {
    let home = Home::new();
    let said = home.train("base");
    let pid = |home: &Home| home.json(&["canvas", "list", "--json"])[0]["controllerPid"].as_u64();
    comes("the controller says who it is", || pid(&home).is_some());
    let before = pid(&home);
    home.ok(&["canvas", "restart", "base"]);
    comes("another controller says who it is", || pid(&home).is_some() && pid(&home) != before);
    assert!(alive(said["pid"].as_u64().unwrap()));
}

#[test]
fn a_controller_that_was_sent_away_comes_back_and_knows_a_new_name() {
    let home = Home::new();
    let training = home.puppet("base");
    let pid = || read_json(&home.canvas("base").join("state.json")).unwrap()["controller_pid"].clone();
    let controller = pid();
    let clients = |session: &str| home.tmux(&["list-clients", "-t", session, "-F", "#{client_name}"]);
    let waiting = home.og(&["wait", "train", "text:here it is", "--timeout", "20s"]).spawn().unwrap();

    // What `tmux attach -d` does to all other clients.
    let first = clients("og-base");
    first.lines().for_each(|client| _ = home.tmux(&["detach-client", "-t", client]));
    comes("new clients", || clients("og-base").lines().count() == 2 && clients("og-base") != first);
    assert!(home.ok(&["viewstate"]).starts_with("canvas base "));

    home.tmux(&["rename-session", "-t", "og-base", "night run"]);
    comes("the new name", || home.ok(&["canvas", "list"]).contains("attach -t 'night run'"));
    training.tell("echo 'here it is'");
    let waited = waiting.wait_with_output().unwrap();
    assert!(waited.status.success(), "{}", told(&waited));
    assert_eq!(pid(), controller, "one controller all the time");
}
