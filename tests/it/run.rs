//! `og run` and `og -r`: what is kept of a training, what it gets, and that og is never in its way.

use crate::home::{Home, alive, becomes, comes, kill, read_json, text, told};
use serde_json::{Value, json};
use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

fn unix_now() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64()
}

// --- What is kept ---

#[test]
fn the_start_of_a_training_is_written_down_before_it_runs() {
    let home = Home::new();
    // Its end can then never stand before its start, however soon it comes.
    let said =
        home.json(&["run", "--detach", "--tmux-socket", "og", "--json", "--", "sh", "-c", "grep -c started $OG_RUN_DIR/events.jsonl"]);
    let log = PathBuf::from(said["run"].as_str().unwrap()).join("stdout.log");
    becomes(&"1\r\n".to_string(), || fs::read_to_string(&log).unwrap_or_default());
}

#[test]
fn every_option_lands_where_it_belongs() {
    let home = Home::new();
    fs::create_dir(home.work().join("elsewhere")).unwrap();
    let socket = home.dir.path().join("tmux/by path");
    let store = home.dir.path().join("kept");
    let line = [
        &["run", "--name", "night", "--project", "lm", "--group", "sweep", "--tag", "gpu=h200", "--tag", "baseline"][..],
        &["--config", "lr=3e-4", "--config", "opt=adam", "--note", "a \"note\"", "--graphs", "{reward, loss}", "--layout", "default"],
        &["--canvas", "mine", "--store", store.to_str().unwrap(), "--detach", "--tmux-socket", socket.to_str().unwrap()],
        &["--cwd", "elsewhere", "--env", "LEVEL=3=x", "--total-steps", "5000", "--keep", "--json", "--", "sh", "-c", "pwd; echo $LEVEL"],
    ]
    .concat();
    let said = home.json(&line);
    let folder = PathBuf::from(said["run"].as_str().unwrap());
    assert!(folder.starts_with(store.join("runs")), "{said}");
    assert!(!home.store().exists());

    let run = read_json(&folder.join("run.json")).unwrap();
    let want = json!({"name": "night", "project": "lm", "group": "sweep", "tags": {"gpu": "h200", "baseline": ""},
        "config": {"lr": 3e-4, "opt": "adam"}, "canvas": "mine", "total_steps": 5000,
        "command": ["sh", "-c", "pwd; echo $LEVEL"], "cwd": home.work().join("elsewhere")});
    for (key, value) in want.as_object().unwrap() {
        assert_eq!(run[key], *value, "{key}");
    }
    assert!(run.to_string().contains(r#"a \"note\""#), "{run}");

    let dir = store.join("canvas/mine");
    let spec = read_json(&dir.join("canvas.json")).unwrap();
    assert_eq!((&spec["graphs"], &spec["title"]), (&json!(["reward", "loss"]), &json!("night")));
    let state = read_json(&dir.join("state.json")).unwrap();
    assert_eq!((&state["scenario"], &state["keep"], &state["session"]), (&json!("default"), &json!(true), &json!("og-mine")));
    let log = || fs::read_to_string(folder.join("stdout.log")).unwrap_or_default();
    becomes(&format!("{}\r\n3=x\r\n", home.work().join("elsewhere").display()), log);

    // The server is the one behind that path, and only a path or a name away.
    let socket = socket.to_str().unwrap();
    assert!(home.ok(&["viewstate", "--tmux-socket", socket]).starts_with("canvas mine "));
    assert_eq!(home.tmux(&["list-sessions"]), "");
}

#[test]
fn a_run_keeps_its_name_in_any_script() {
    let home = Home::new();
    let training = home.puppet("训练 größe=2");
    let run = read_json(&training.folder().join("run.json")).unwrap();
    assert_eq!((&run["name"], &run["canvas"]), (&json!("训练 größe=2"), &json!("训练-größe-2")));
    assert!(home.ok(&["viewstate", "--canvas", "训练-größe-2"]).contains("run 训练 größe=2 ("));
    comes("the panes say it", || home.ok(&["viewstate", "status", "--screen"]).contains("训练 größe=2"));
    home.ok(&["canvas", "close", "训练-größe-2", "--kill-run", "--yes"]);
    let view = home.json(&["canvas", "spawn", "--run", "训练 größe=2", "--tmux-socket", "og", "--json"]);
    assert_eq!(view["runId"], training.said["runId"]);
}

#[test]
fn a_controller_ends_with_its_panes_unless_it_is_to_be_kept() {
    let home = Home::new();
    home.tmux(&["new-session", "-d", "-x", "200", "-y", "50", "-s", "work", "cat"]);
    let beside = home.ask("work", "#{socket_path},#{pid},0");
    let controller = |name: &str, more: &[&str]| {
        let at = |run: &mut Command| _ = run.env("TMUX", &beside).env("TMUX_PANE", "%0");
        let training = home.puppet_with(&[&["--name", name], more].concat(), at);
        let pid = read_json(&home.canvas(name).join("state.json")).unwrap()["controller_pid"].as_u64().unwrap();
        for role in ["graph", "status", "train"] {
            home.tmux(&["kill-pane", "-t", &training.pane(role)]);
        }
        assert_eq!((training.end()["code"].clone(), training.end()["signal"].clone()), (Value::Null, Value::Null), "nobody can know");
        pid
    };
    let kept = controller("kept", &["--keep"]);
    let plain = controller("plain", &[]);
    comes("the plain one's controller ends", || !alive(plain));
    assert!(alive(kept));
    assert_eq!(home.tmux(&["list-panes", "-a", "-F", "#{pane_id}"]), "%0\n");
}

#[test]
fn a_training_that_is_closed_with_its_session_has_ended() {
    let home = Home::new();
    let training = home.puppet("base");
    home.tmux(&["kill-server"]);
    assert_eq!(training.end()["code"], Value::Null);
    let events = || fs::read_to_string(training.folder().join("events.jsonl")).unwrap();
    comes("and it is said why nobody knows how", || events().contains("nobody saw how the training ended: tmux ended"));
}

#[test]
fn a_script_is_run_by_the_nearest_python_and_a_sentence_behind_it_is_the_prompt() {
    let home = Home::new();
    let python = |name: &str| home.script(name, &format!("#!/bin/sh\necho \"{name} $*\"\n"));
    let (own, beside, on_path) = (python("own/python"), python(".venv/bin/python"), python("bin/python3"));
    let path = format!("{}:{}", on_path.parent().unwrap().display(), std::env::var("PATH").unwrap());

    let run = |words: &[&str], og_python: Option<&Path>| -> (Value, String) {
        let mut command = home.og(&[words, &["--lr", "3e-4", "watch the loss and tell me"]].concat());
        command.env("PATH", &path).envs(og_python.map(|python| ("OG_PYTHON", python)));
        // `og -r` has no room for options of its own: the server of this home is found by its place.
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", told(&output));
        let said = text(&output.stdout);
        let (folder, _) = said.split_once(" in ").unwrap().1.split_once('\n').unwrap();
        let folder = PathBuf::from(folder);
        let log = || fs::read_to_string(folder.join("stdout.log")).unwrap_or_default();
        comes("the script runs", || log().contains('\n'));
        (read_json(&folder.join("run.json")).unwrap(), log())
    };

    let (run_json, log) = run(&["run", "train.py"], Some(&own));
    assert_eq!(log, "own/python train.py --lr 3e-4\r\n");
    assert_eq!(run_json["prompt"], "watch the loss and tell me");
    let chat = fs::read_to_string(home.canvas(run_json["canvas"].as_str().unwrap()).join("chat.jsonl")).unwrap();
    assert_eq!(chat.lines().count(), 1);
    assert!(chat.contains(r#""author":"human","text":"watch the loss and tell me""#), "{chat}");

    let (run_json, log) = run(&["-r", "train.py"], None);
    assert_eq!(log, ".venv/bin/python train.py --lr 3e-4\r\n");
    assert_eq!(run_json["command"], json!([beside, "train.py", "--lr", "3e-4"]));

    fs::remove_dir_all(home.work().join(".venv")).unwrap();
    let (_, log) = run(&["run", "--prompt", "another", "train.py"], None);
    assert_eq!(log, "bin/python3 train.py --lr 3e-4\r\n");
}

// --- Where it is shown ---

#[test]
fn typed_in_a_pane_og_splits_it_and_the_next_key_still_goes_to_the_person() {
    let home = Home::new();
    home.tmux(&["new-session", "-d", "-x", "200", "-y", "50", "-s", "work", "sh"]);
    let og = env!("CARGO_BIN_EXE_og");
    home.tmux(&["send-keys", "-t", "work", &format!("{og} run --name base -- sh -c 'echo here it is; exec cat'; echo 'code:'$?"), "Enter"]);
    comes("og says that it is done", || home.screen("%0").contains("code:0"));
    assert_eq!(home.ask("work", "#{pane_id} #{window_panes}"), "%0 4", "the person's pane is the active one");
    assert!(home.screen("%0").contains("beside this pane"), "{}", home.screen("%0"));
    home.tmux(&["send-keys", "-t", "work", "echo mi''ne", "Enter"]);
    comes("the person types on", || home.screen("%0").contains("\nmine"));
    let train = home.tmux(&["list-panes", "-t", "work", "-f", "#{==:#{@og_role},train}", "-F", "#{pane_id}"]);
    comes("the training shows", || home.screen(train.trim()).contains("here it is"));

    // In that window a verb without a name means that canvas, though another one runs elsewhere.
    home.puppet("other");
    home.tmux(&["send-keys", "-t", "work", "clear", "Enter", &format!("{og} viewstate"), "Enter"]);
    comes("the canvas of this window answers", || home.screen("%0").contains("canvas base ("));
}

#[test]
fn outside_of_tmux_a_terminal_is_attached_and_anything_else_is_told_how() {
    let home = Home::new();
    let output =
        home.og(&["run", "--tmux-socket", "og", "--name", "first", "--", "sh", "-c", "echo the first; exec cat"]).output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    assert!(text(&output.stdout).contains("\nlook: tmux -L og attach -t og-first\n"), "{}", told(&output));
    assert_eq!(home.people_on("=og-first"), 0);
    assert_eq!(home.ask("og-first:", "#{window_width}x#{window_height}"), "200x50");

    // The line it told works in a terminal: here that of another tmux server.
    home.tmux_on("outer", &["new-session", "-d", "-x", "130", "-y", "40", "-s", "terminal", "env", "-u", "TMUX", "sh"]);
    let terminal = || home.screen_on("outer", "terminal");
    let type_line = |line: &str| home.tmux_on("outer", &["send-keys", "-t", "terminal", line, "Enter"]);
    type_line("tmux -L og attach -t og-first");
    comes("the first canvas is on the terminal", || terminal().contains("the first") && terminal().contains("[og-first]"));
    assert_eq!(home.people_on("=og-first"), 1);
    home.tmux_on("outer", &["send-keys", "-t", "terminal", "C-b", "d"]);
    comes("the terminal is back", || terminal().contains("[detached"));

    let og = env!("CARGO_BIN_EXE_og");
    type_line(&format!("clear; {og} canvas attach first"));
    comes("og attaches too", || terminal().contains("the first") && terminal().contains("[og-first]"));
    home.tmux_on("outer", &["send-keys", "-t", "terminal", "C-b", "d"]);
    comes("the terminal is back", || terminal().contains("[detached"));

    type_line(&format!("clear; {og} run --tmux-socket og --name second -- sh -c 'echo the second; exec cat'"));
    comes("the second canvas is on the terminal", || terminal().contains("the second") && terminal().contains("[og-second"));
    assert_eq!(home.ask("og-second:", "#{window_width}x#{window_height}"), "130x39", "one row is tmux's own");
    home.tmux_on("outer", &["send-keys", "-t", "terminal", "C-b", "d"]);
    comes("the terminal is back", || terminal().contains("[detached (from session og-second)]"));

    for option in ["--detach", "--no-attach"] {
        type_line(&format!("clear; {og} run --tmux-socket og {option} -- cat; echo {option}:$?"));
        comes("og returns", || terminal().contains(&format!("\n{option}:0")));
        assert!(terminal().contains("look: tmux -L og attach -t "), "{}", terminal());
    }
    let alive = home.tmux(&["list-panes", "-a", "-f", "#{==:#{@og_role},train}", "-F", "#{pane_dead}"]);
    assert_eq!(alive, "0\n0\n0\n0\n");
}

// --- The process ---

#[test]
fn the_training_is_the_panes_own_process_with_nothing_of_ours_in_it() {
    let home = Home::new();
    let said = home.json(&["run", "--tmux-socket", "og", "--json", "--", "sleep", "1000"]);
    let pid = said["pid"].as_u64().unwrap();
    let proc = |what: &str| PathBuf::from(format!("/proc/{pid}/{what}"));
    let exe = fs::read_link(proc("exe")).unwrap();
    assert!(["sleep", "coreutils", "busybox"].contains(&exe.file_name().unwrap().to_str().unwrap()), "{exe:?}");
    assert_eq!(fs::read(proc("cmdline")).unwrap(), b"sleep\x001000\0");
    let stat = fs::read_to_string(proc("stat")).unwrap();
    let parent = stat.rsplit(')').next().unwrap().split_whitespace().nth(1).unwrap();
    assert_eq!(parent, home.tmux(&["display-message", "-p", "#{pid}"]).trim(), "its parent is tmux");

    let terminal = fs::read_link(proc("fd/0")).unwrap();
    assert!(terminal.starts_with("/dev/pts"), "{terminal:?}");
    let files: Vec<_> = fs::read_dir(proc("fd")).unwrap().map(|fd| fs::read_link(fd.unwrap().path()).unwrap()).collect();
    assert_eq!(files, vec![terminal; 3], "no file of ours is open in it");
}

#[test]
fn what_the_caller_has_set_stays_set() {
    let home = Home::new();
    let odd = "two\nlines, \"quotes\", $HOME, #{pane_id}, %H; ünï ";
    let show = r#"for name in PYTHONUNBUFFERED WANDB_X_TRANSACTION_LOG_FLUSH_INTERVAL ODD BYTES EMPTY; do
        eval "printf '%s=[%s]\0' $name \"\${$name-unset}\""; done > "$OG_RUN_DIR/seen.tmp"; mv "$OG_RUN_DIR/seen.tmp" "$OG_RUN_DIR/seen""#;
    let seen = |set: &[(&str, &OsStr)]| -> Vec<u8> {
        let mut run = home.og(&["run", "--tmux-socket", "og", "--json", "--", "sh", "-c", show]);
        run.env_remove("OG_METRICS").envs(set.iter().copied());
        let output = run.output().unwrap();
        assert!(output.status.success(), "{}", told(&output));
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        let seen = PathBuf::from(said["run"].as_str().unwrap()).join("seen");
        comes("the training shows its environment", || seen.exists());
        fs::read(&seen).unwrap()
    };
    let bytes = OsStr::from_bytes(b"not \xff utf-8");
    let set = [
        ("PYTHONUNBUFFERED", OsStr::new("0")),
        ("WANDB_X_TRANSACTION_LOG_FLUSH_INTERVAL", OsStr::new("30")),
        ("ODD", OsStr::new(odd)),
        ("BYTES", bytes),
        ("EMPTY", OsStr::new("")),
    ];
    let mut want = format!("PYTHONUNBUFFERED=[0]\0WANDB_X_TRANSACTION_LOG_FLUSH_INTERVAL=[30]\0ODD=[{odd}]\0BYTES=[").into_bytes();
    want.extend_from_slice(bytes.as_bytes());
    want.extend_from_slice(b"]\0EMPTY=[]\0");
    assert_eq!(text(&seen(&set)), text(&want));
    let want = "PYTHONUNBUFFERED=[1]\0WANDB_X_TRANSACTION_LOG_FLUSH_INTERVAL=[1]\0ODD=[unset]\0BYTES=[unset]\0EMPTY=[unset]\0";
    assert_eq!(text(&seen(&[])), want);
}

// --- Its end ---

#[test]
fn how_a_training_ended_is_written_down_and_shown() {
    let home = Home::new();
    let how: [(&str, &str, Value, Value, &str); 4] = [
        ("finished", "exit 0", json!(0), Value::Null, "exit code 0"),
        ("failed", "exit 3", json!(3), Value::Null, "exit code 3"),
        ("killed", "kill -9 $$", Value::Null, json!(9), "signal 9"),
        ("stopped", "kill -TERM $$", Value::Null, json!(15), "signal 15"),
    ];
    for (name, end, code, signal, words) in how {
        let training = home.puppet(name);
        training.log(7, &json!({"loss": 0.5}));
        // tmux scrolls a screen by a row to say below it that the pane is dead.
        training.tell("echo; echo its last words");
        comes("it spoke", || home.screen(&training.pane("train")).contains("its last words"));
        let before = unix_now().floor();
        training.tell(end);
        let (outcome, exit) = home.answer(&["wait", "--canvas", name, "exit", "--json"]);
        assert_eq!((exit, &outcome["exitCode"], &outcome["signal"]), (0, &code, &signal), "{outcome}");

        let event = training.end();
        assert_eq!((&event["kind"], &event["code"], &event["signal"]), (&json!("lifecycle"), &code, &signal), "{event}");
        let at = event["at"].as_f64().unwrap();
        assert!((before..=unix_now()).contains(&at), "{before} {at}");
        let view = home.json(&["viewstate", "--canvas", name, "--json"]);
        assert_eq!((&view["panes"][0]["dead"]["code"], &view["panes"][0]["dead"]["signal"]), (&code, &signal), "{view}");
        assert_eq!((&view["runInfo"]["exitCode"], &view["runInfo"]["signal"]), (&code, &signal));
        let state = view["runInfo"]["state"].as_str().unwrap();
        assert!(state == name || (name == "killed" && state == "crashed"), "{name} is {state}");

        assert_eq!(home.ask(&training.pane("train"), "#{pane_dead}"), "1");
        assert!(home.screen(&training.pane("train")).contains("its last words"), "the last screen stays");
        comes("the status pane says so", || {
            let status = home.screen(&training.pane("status"));
            status.contains(&format!("{state} ({})", words.replace("exit code", "exit"))) && status.contains("step 7")
        });
        assert!(home.ok(&["viewstate", "--canvas", name]).contains(words));
        home.ok(&["canvas", "close", name]);
    }
}

#[test]
fn an_end_that_no_controller_saw_is_written_down_by_the_next() {
    let home = Home::new();
    let training = home.puppet("base");
    let controller = home.json(&["canvas", "list", "--json"])[0]["controllerPid"].as_u64().unwrap();
    kill("9", controller);
    comes("the controller is gone", || !alive(controller));
    training.tell("exit 5");
    comes("the training is gone", || !alive(training.pid()));
    home.ok(&["viewstate"]);
    assert_eq!(training.end()["code"], 5);
    becomes(&json!("failed"), || home.json(&["viewstate", "--json"])["runInfo"]["state"].clone());
}

// --- Its output ---

/// What a pseudo terminal holds at most between a program and tmux. tmux 3.3a closes it as soon as it hears of the end of
/// the program and the kernel has nothing at hand, though more may be on its way: on a machine with more to do than cores,
/// tmux alone lost the end of 60,000 bytes in 28 of 240 runs of a program that ended right after writing them.
const LOST_BY_TMUX_MAX: usize = 16 << 10;

#[test]
fn a_hundred_thousand_lines_at_once_are_all_in_the_log() {
    let home = Home::new();
    let said = home.json(&["run", "--tmux-socket", "og", "--json", "--", "sh", "-c", "seq 1 100000; sleep 0.2; exit 4"]);
    let folder = PathBuf::from(said["run"].as_str().unwrap());
    let (outcome, _) = home.answer(&["wait", "exit", "--json"]);
    assert_eq!(outcome["exitCode"], 4, "{outcome}");
    let want: String = (1..=100_000).map(|n| format!("{n}\r\n")).collect();
    comes("the log is as long as the output", || fs::metadata(folder.join("stdout.log")).unwrap().len() >= want.len() as u64);
    // A dead pane tells how it ended below its last line; that is tmux's, not the program's.
    assert!(fs::read(folder.join("stdout.log")).unwrap() == want.as_bytes());

    let times = || -> Vec<(u64, u64)> {
        let times = fs::read_to_string(folder.join("stdout.times")).unwrap_or_default();
        let pair = |line: &str| line.split_once(' ').map(|(offset, ms)| (offset.parse().unwrap(), ms.parse().unwrap()));
        times.lines().map(|line| pair(line).unwrap()).collect()
    };
    comes("the times reach the end of the log", || times().last().is_some_and(|(offset, _)| *offset == want.len() as u64));
    assert!(times().is_sorted() && times().windows(2).all(|pair| pair[1].1 - pair[0].1 >= 100), "{:?}", times());
}

#[test]
fn every_byte_is_in_the_log_as_the_pane_got_it() {
    let home = Home::new();
    // All bytes in all neighbourhoods that a multiple of 257 gives; no escape sequence that asks the terminal anything.
    let bytes: Vec<u8> = (0..60_000u32).map(|n| (n * 257 / 7) as u8).collect();
    fs::write(home.work().join("bytes"), &bytes).unwrap();
    let log = |then: &str| -> Vec<u8> {
        let script = format!("stty raw -echo; cat bytes; {then}");
        let said = home.json(&["run", "--tmux-socket", "og", "--name", "raw", "--json", "--", "sh", "-c", &script]);
        home.ok(&["wait", "exit"]);
        // Such a screen is read like any other.
        home.ok(&["viewstate", "train", "--screen"]);
        home.ok(&["canvas", "close"]);
        fs::read(PathBuf::from(said["run"].as_str().unwrap()).join("stdout.log")).unwrap()
    };
    assert!(log("sleep 0.2") == bytes);
    let hasty = log("exit 0");
    assert!(bytes.starts_with(&hasty) && hasty.len() + LOST_BY_TMUX_MAX >= bytes.len(), "{}", hasty.len());
}

#[test]
fn any_folder_can_be_the_store() {
    let home = Home::new();
    for (at, name) in ["it's \"a\" $HOME", "#{pane_id} %H #(touch hit) ##", "日本 ü;\\ & `x` *~!"].iter().enumerate() {
        let store = home.work().join(name).join("st ore");
        let store = store.to_str().unwrap();
        let canvas = format!("c{at}");
        let script = r#"echo 'first line'; echo '{"s":3,"m":{"loss":0.25}}' >> "$OG_METRICS"; exec cat"#;
        let said = home.json(&[
            "run",
            "--tmux-socket",
            "og",
            "--store",
            store,
            "--name",
            name,
            "--canvas",
            &canvas,
            "--json",
            "--",
            "sh",
            "-c",
            script,
        ]);
        let folder = PathBuf::from(said["run"].as_str().unwrap());
        assert!(folder.starts_with(store), "{said}");
        becomes(&"first line\r\n".to_string(), || fs::read_to_string(folder.join("stdout.log")).unwrap_or_default());
        home.ok(&["wait", "--canvas", &canvas, "step>=3"]);
        comes("the graph pane draws", || home.ok(&["viewstate", "--canvas", &canvas, "graph", "--screen"]).contains("loss"));
        comes("the status pane draws", || home.ok(&["viewstate", "--canvas", &canvas, "status", "--screen"]).contains("step 3"));
        assert_eq!(home.json(&["viewstate", "--canvas", &canvas, "--json"])["runInfo"]["name"], **name);

        let other = format!("r{at}");
        home.ok(&[
            "canvas",
            "spawn",
            "review",
            "--tmux-socket",
            "og",
            "--store",
            store,
            "--run",
            folder.to_str().unwrap(),
            "--name",
            &other,
        ]);
        comes("a second canvas draws it", || home.ok(&["viewstate", "--canvas", &other, "graph", "--screen"]).contains("loss"));
        home.ok(&["canvas", "close", &other]);
        home.ok(&["canvas", "close", &canvas, "--kill-run", "--yes"]);
    }
    assert!(!home.work().join("hit").exists());
    let elsewhere: Vec<_> = fs::read_dir("/").unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.ends_with("hit")).collect();
    assert!(elsewhere.is_empty());
}
