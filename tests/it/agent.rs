//! What an agent reads, waits for and presses: `og viewstate`, `wait`, `sendkeys`, `type`, `paste`, `panes`, `refresh`.

use crate::home::{Home, Training, becomes, comes, fails, kill, read_json, text};
use crate::support::database;
use og::ipc::{
    io::Connection,
    wire::{Request, Response},
};
use serde_json::{Value, json};
use std::{
    fs,
    io::Write,
    process::Stdio,
    time::{Duration, Instant},
};

/// A canvas whose graph pane draws `loss` and `acc`, and whose run is at step 3.
fn canvas(home: &Home) -> Training {
    let training = home.puppet("base");
    (1..=3).for_each(|step| training.log(step, &json!({"loss": 3.0 / step as f64, "acc": step})));
    becomes(&json!(2), || json!(home.json(&["viewstate", "--json"])["visibleMetrics"].as_array().unwrap().len()));
    training
}

#[test]
fn the_machine_is_told_as_og_sees_it_or_as_the_tracker_sampled_it() {
    let home = Home::new();
    let training = canvas(&home);
    let percent = |value: &Value| value.as_f64().is_some_and(|percent| (0.0..=100.0).contains(&percent));
    let system = || home.json(&["viewstate", "--json"])["systemMetrics"].clone();
    // The status pane looks at the machine whenever the run writes, and knows from its second look on how busy it is.
    let mut step = 3;
    comes("the machine is looked at", || {
        step += 1;
        training.log(step, &json!({"loss": 1.0}));
        let seen = system();
        seen["source"] == "host" && percent(&seen["cpu"]) && percent(&seen["memory"])
    });
    assert!(system()["gpus"].is_array() && system()["at"].as_str().is_some_and(|at| at.ends_with('Z')), "{}", system());
    assert!(home.ok(&["viewstate", "--text"]).lines().any(|line| line.starts_with("machine cpu ") && line.contains("(host at ")));
    training.tell("exit 0");
    training.end();
    home.ok(&["canvas", "close", "base"]);

    let log = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/wandb/stats.wandb");
    home.ok(&["canvas", "spawn", "review", "--run", log, "--tmux-socket", "og"]);
    let sampled = || (system()["source"].clone(), percent(&system()["cpu"]), percent(&system()["memory"]));
    becomes(&(json!("samples"), true, true), sampled);
}

#[test]
fn the_last_alerts_are_told() {
    let home = Home::new();
    database("trackio/v0.43.0/ogfixture.sql", &home.work().join("lm.db"));
    home.ok(&["canvas", "spawn", "review", "--run", "lm.db#first", "--tmux-socket", "og"]);
    let alerts = || home.json(&["viewstate", "--json"])["alerts"].clone();
    becomes(&json!(["Loss spike", "Plateau"]), || alerts().as_array().unwrap().iter().map(|alert| alert["title"].clone()).collect());
    assert_eq!(
        (&alerts()[0]["text"], &alerts()[0]["level"], &alerts()[0]["step"]),
        (&json!("loss=9 at step 7"), &json!("error"), &json!(22))
    );
    assert!(home.ok(&["viewstate", "--text"]).contains("alerts 2, last: Plateau"));
}

fn outcome(home: &Home, args: &[&str]) -> (String, i32) {
    let (said, exit) = home.answer(&[args, &["--json"]].concat());
    (said["outcome"].as_str().unwrap_or_else(|| panic!("{args:?}: {said}")).to_string(), exit)
}

/// Starts a command that will wait, and gives what it said in the end.
fn later(home: &Home, args: &[&str]) -> impl FnOnce() -> (Value, i32) + use<> {
    let child = home.og(&[args, &["--json"]].concat()).stdout(Stdio::piped()).spawn().unwrap();
    move || {
        let output = child.wait_with_output().unwrap();
        (serde_json::from_slice(&output.stdout).unwrap(), output.status.code().unwrap())
    }
}

// --- Reading ---

#[test]
fn the_whole_state_has_every_field_that_was_promised() {
    let home = Home::new();
    let training =
        home.puppet_with(&["--name", "base", "--total-steps", "10", "--config", "lr=3e-4", "--tag", "a=b", "--project", "lm"], |_| {});
    (1..=3).for_each(|step| training.log(step, &json!({"train/loss": 3.0 / step as f64, "bad": "NaN"})));
    // The pane and the controller read the run each for itself.
    becomes(&json!([3, 3, 3]), || {
        let view = home.json(&["viewstate", "--json"]);
        let points = |at: usize| view["visibleMetrics"][at]["dataPoints"].clone();
        json!([points(0), points(1), view["runInfo"]["step"]])
    });
    let view = home.json(&["viewstate", "--json"]);
    let fields = "v canvasId revision lastUpdated scenario terminalSnapshot terminalDimensions panes runInfo visibleMetrics systemMetrics \
                  graph alerts specRevision specLastAuthor changes leetPaneId errors health";
    let missing: Vec<&str> = fields.split_whitespace().filter(|field| view.get(field).is_none()).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!((&view["v"], &view["canvasId"], &view["scenario"]), (&json!(1), &json!(training.text("canvasId")), &json!("monitor")));
    assert_eq!(view["terminalDimensions"], json!({"cols": 110, "rows": 44}));
    assert!(view["terminalSnapshot"].as_str().unwrap().contains("train/loss"));

    let train = &view["panes"][0];
    let want = json!({"role": "train", "paneId": training.pane("train"), "cols": 89, "rows": 44, "alternateScreen": false,
        "inMode": false, "dead": null, "snapshot": null, "maySend": false});
    want.as_object().unwrap().iter().for_each(|(key, value)| assert_eq!(train[key], *value, "{key}"));
    assert!(train["cursor"]["visible"].is_boolean() && train["seq"].is_u64() && train["hash"].as_str().unwrap().len() == 16, "{train}");

    let run = &view["runInfo"];
    let want = json!({"id": training.text("runId"), "name": "base", "project": "lm", "state": "running", "exitCode": null, "step": 3,
        "totalSteps": 10, "progress": 0.3, "config": {"lr": 3e-4}});
    want.as_object().unwrap().iter().for_each(|(key, value)| assert_eq!(run[key], *value, "{key}"));
    for field in ["summary", "tags", "stepsPerSecond", "etaSeconds", "startedAt", "runtimeSeconds", "command", "git", "parent"] {
        assert!(run.get(field).is_some(), "{field}");
    }
    let metrics = view["visibleMetrics"].as_array().unwrap();
    let loss = metrics.iter().find(|metric| metric["key"] == "train/loss").unwrap();
    let want = json!({"latestValue": 1.0, "min": 1.0, "max": 3.0, "best": 1.0, "lastStep": 3, "dataPoints": 3, "nanCount": 0});
    want.as_object().unwrap().iter().for_each(|(key, value)| assert_eq!(loss[key], *value, "{key}"));
    assert!(loss.get("trend").is_some() && loss.get("slopePer100").is_some() && loss["window"].is_object(), "{loss}");
    let bad = metrics.iter().find(|metric| metric["key"] == "bad").unwrap();
    assert_eq!((&bad["latestValue"], &bad["nanCount"]), (&json!("NaN"), &json!(3)));
    let want = json!({"tab": "graphs", "filter": "", "xAxis": "step", "smoothing": 0.0, "page": [1, 1], "keys": 2});
    want.as_object().unwrap().iter().for_each(|(key, value)| assert_eq!(view["graph"][key], *value, "{key}"));
    assert_eq!((&view["health"]["drift"], &view["health"]["sampling"]), (&json!(0), &json!(false)));
}

#[test]
fn the_summary_stays_short_whatever_there_is_to_tell() {
    let home = Home::new();
    let training = home.puppet("base");
    let many: serde_json::Map<String, Value> = (0..400).map(|n| (format!("layer/{n}/gradient_norm_of_the_weights"), json!(n))).collect();
    training.log(1, &Value::Object(many));
    training.tell("seq 1 500 | sed s/$/' a line of the log, somewhat long'/");
    home.ok(&["wait", "train", "text:^500 a line"]);
    // The graph pane and the controller read the run each for itself.
    let told = || home.json(&["viewstate", "--json"]);
    becomes(&json!([400, 1]), || json!([told()["graph"]["keys"], told()["runInfo"]["step"]]));
    for args in [&["viewstate"][..], &["viewstate", "--text"], &["viewstate", "train"], &["viewstate", "graph", "--text"]] {
        let said = home.ok(args);
        assert!(said.len() <= 2048 && said.starts_with("canvas base ") && said.contains("\nstep 1"), "{} bytes: {said}", said.len());
    }
    let said = home.ok(&["viewstate", "train"]);
    assert!(said.ends_with("500 a line of the log, somewhat long\n"), "the last rows stand at the end: {said}");
}

#[test]
fn a_part_of_a_screen_can_be_asked_for() {
    let home = Home::new();
    let training = home.puppet("base");
    training.tell("clear; seq 101 130");
    home.ok(&["wait", "train", "text:^130"]);
    let rows = |args: &[&str]| -> Vec<String> { home.ok(&[&["viewstate", "train"], args].concat()).lines().map(String::from).collect() };
    let numbers = |range: std::ops::RangeInclusive<u32>| range.map(|n| n.to_string()).collect::<Vec<_>>();
    assert_eq!(rows(&["--screen"]), numbers(101..=130));
    assert_eq!(rows(&["--screen", "--max-lines", "3"]), numbers(128..=130));
    assert_eq!(rows(&["--region", "rows 2-4"]), numbers(103..=105));
    assert_eq!(rows(&["--region", "top"]), numbers(101..=122));
    assert_eq!(rows(&["--region", "1,0,2x3"]), ["01", "02", "03"]);
    assert_eq!(rows(&["--region", "top", "--max-lines", "2"]), numbers(121..=122));
    fails(home.og(&["viewstate", "train", "--region", "middle"]), 2, &["middle", "top, bottom, left, right"]);

    let seen = home.json(&["viewstate", "train", "--screen", "--json"]);
    assert_eq!(seen["snapshot"], numbers(101..=130).join("\n"));
    let seq = seen["seq"].as_u64().unwrap();
    training.tell(r"printf '\033[3;1Hchanged\033[35;1H'");
    home.ok(&["wait", "train", "text:changed"]);
    let since = home.json(&["viewstate", "train", "--since", &seq.to_string(), "--json"]);
    assert_eq!(since["panes"][0]["changedRows"], json!([{"row": 2, "text": "changed"}]), "{since}");
    let said = rows(&["--since", &seq.to_string()]);
    assert_eq!(said[1..], [format!("1 rows changed since {seq}"), "  2| changed".into()]);
    assert_eq!(
        rows(&["--since", "0", "--region", "rows 1-4", "--max-lines", "2"])[1..],
        ["4 rows changed since 0; 2 of them", "  3| 104", "  4| 105"]
    );
    assert_eq!(rows(&["--since", "0", "--max-lines", "1"])[1..], ["44 rows changed since 0; 1 of them", " 29| 130"]);
    let part = home.json(&["viewstate", "train", "--screen", "--since", "0", "--region", "1,0,2x3", "--max-lines", "1", "--json"]);
    assert_eq!((&part["changedRows"], &part["changedRowsLeftOut"]), (&json!([{"row": 2, "text": "ha"}]), &json!(2)), "{part}");
    let now = home.json(&["viewstate", "train", "--screen", "--json"])["seq"].as_u64().unwrap();
    assert_eq!(rows(&["--since", &now.to_string()])[1], format!("0 rows changed since {now}"));
}

#[test]
fn the_canvas_that_is_meant_is_found() {
    let home = Home::new();
    let (one, two) = (home.puppet("one"), home.puppet("two"));
    let named = |output: std::process::Output| text(&output.stdout).split_whitespace().nth(1).unwrap_or_default().to_string();
    let asked = |args: &[&str]| named(home.og(args).output().unwrap());
    assert_eq!(asked(&["viewstate", "--canvas", "two"]), "two");
    assert_eq!(asked(&["viewstate", "--canvas", &one.text("canvasId")]), "one");
    assert_eq!(asked(&["viewstate", &two.text("canvasId")]), "two", "the founding spelling");
    assert_eq!(asked(&["viewstate", "one"]), "one");
    let socket = home.ask("og-two:", "#{socket_path},#{pid},0");
    for role in ["train", "graph", "status"] {
        let mut inside = home.og(&["viewstate"]);
        inside.env("TMUX", &socket).env("TMUX_PANE", two.pane(role));
        assert_eq!(named(inside.output().unwrap()), "two");
    }
    // A server that is named is meant: nothing on another one is looked at, nor touched.
    for args in [&["sendkeys", "two", "Right"][..], &["viewstate"], &["canvas", "close", "-y"], &["refresh", "--canvas", "one"]] {
        fails(home.og(&[args, &["--tmux-socket", "nope"]].concat()), 1, &["on the tmux server nope", "one (", "two (", "on tmux -L og"]);
    }
    assert_eq!(asked(&["viewstate", "two", "--tmux-socket", "og"]), "two");
    let words = [one.text("canvasId"), two.text("canvasId")].map(|id| format!("({id})"));
    fails(home.og(&["viewstate"]), 1, &["2 canvases fit: one (", &words[0], "two (", &words[1], "--canvas NAME"]);
    home.ok(&["canvas", "close", "one", "--kill-run", "--yes"]);
    assert_eq!(asked(&["viewstate"]), "two", "the only one that is left");
}

#[test]
fn panes_are_listed_and_all_of_them_redrawn() {
    let home = Home::new();
    let training = canvas(&home);
    let panes = home.json(&["panes", "--json"]);
    let column = |field: &str| -> Vec<Value> { panes.as_array().unwrap().iter().map(|pane| pane[field].clone()).collect() };
    assert_eq!(column("role"), ["train", "graph", "status"]);
    assert_eq!(column("maySend"), [false, true, true]);
    assert_eq!(column("cols"), [89, 110, 200]);
    assert_eq!(column("paneId"), ["train", "graph", "status"].map(|role| training.pane(role)));
    let said = home.ok(&["panes"]);
    assert_eq!(said.lines().count(), 3);
    assert!(said.starts_with(&format!("pane train {} 89x44 seq ", training.pane("train"))), "{said}");

    // What another program scribbled over the graph pane is drawn over.
    let tty = home.ask(&training.pane("graph"), "#{pane_tty}");
    fs::write(tty, "\x1b[20;20Hscribbled").unwrap();
    home.ok(&["wait", "graph", "text:scribbled"]);
    home.ok(&["refresh"]);
    assert_eq!(outcome(&home, &["wait", "graph", "gone:scribbled"]).1, 0);
    becomes(&home.screen(&training.pane("graph")), || home.ok(&["viewstate", "graph", "--screen"]).trim_end().to_string());
}

// --- Waiting ---

#[test]
fn on_a_screen_where_nothing_happens_every_wait_ends_by_its_deadline() {
    let home = Home::new();
    let training = canvas(&home);
    training.tell("echo here");
    home.ok(&["wait", "train", "text:^here"]);
    for until in ["change", "text:never", "gone:here", "exit", "step>=100", "loss<0.1", "state=finished", "never_logged>1"] {
        let since = Instant::now();
        let (said, exit) = home.answer(&["wait", "train", until, "--timeout", "120ms", "--json"]);
        assert_eq!((&said["outcome"], &said["effectiveTimeout"], exit), (&json!("deadline"), &json!(120), 1), "{until}: {said}");
        let elapsed = said["elapsedMs"].as_f64().unwrap();
        assert!((119.0..5000.0).contains(&elapsed) && since.elapsed() < Duration::from_secs(10), "{until}: {said}");
    }
    let said = home.og(&["wait", "train", "text:never", "--timeout", "120ms"]).output().unwrap();
    assert!(text(&said.stdout).contains("the deadline was 120 ms"), "{}", text(&said.stdout));
    assert_eq!(outcome(&home, &["sendkeys", "graph", "z", "--wait", "change", "--timeout", "120ms"]), ("deadline".into(), 1));
    // Stillness does come.
    assert_eq!(outcome(&home, &["wait", "train", "settle:100", "--timeout", "20s"]), ("settled".into(), 0));
}

#[test]
fn what_holds_already_is_said_to_hold_already() {
    let home = Home::new();
    let training = canvas(&home);
    training.tell("echo here");
    home.ok(&["wait", "train", "text:^here"]);
    for until in ["text:^her.$", "gone:never", "step>=3", "loss<2.5", "state=running"] {
        assert_eq!(outcome(&home, &["wait", "train", until]), ("matched_at_entry".into(), 0), "{until}");
    }
    let (said, _) = home.answer(&["wait", "never_logged>1", "step>=3", "--json"]);
    assert_eq!((&said["condition"], &said["step"]), (&json!("step>=3"), &json!(3)), "the first that holds: {said}");
    training.tell("exit 0");
    training.end();
    comes("it has ended", || outcome(&home, &["wait", "exit", "--timeout", "5s"]).0 == "matched_at_entry");
    assert_eq!(outcome(&home, &["wait", "state=finished"]), ("matched_at_entry".into(), 0));
    assert_eq!(outcome(&home, &["wait", "step>=100"]), ("exited".into(), 1), "it never will");
}

#[test]
fn a_wait_ends_when_it_comes() {
    let home = Home::new();
    let training = canvas(&home);
    let under_way = |args: &[&str], then: &dyn Fn()| -> (Value, i32) {
        let end = later(&home, &[&["wait"], args, &["--timeout", "20s"]].concat());
        then();
        end()
    };
    let (said, exit) = under_way(&["train", "text:epoch [0-9]+"], &|| training.tell("echo epoch 7"));
    assert_eq!((&said["condition"], &said["evidence"], exit), (&json!("text:epoch [0-9]+"), &json!("epoch 7"), 0), "{said}");
    let (said, exit) = under_way(&["train", "gone:epoch"], &|| training.tell("clear"));
    assert_eq!((&said["condition"], exit), (&json!("gone:epoch"), 0), "{said}");
    let (said, exit) = under_way(&["loss<0.5"], &|| training.log(4, &json!({"loss": 0.25})));
    assert_eq!((&said["condition"], &said["step"], exit), (&json!("loss<0.5"), &json!(4), 0), "{said}");
    assert!(said["evidence"].as_str().unwrap().contains("0.25"), "{said}");
    let (said, exit) = under_way(&["train", "text:never", "--stop", "Traceback"], &|| training.tell("echo Traceback: bad"));
    assert_eq!((&said["outcome"], &said["evidence"], exit), (&json!("stopped"), &json!("Traceback: bad"), 1), "{said}");
    let (said, exit) = under_way(&["exit"], &|| kill("9", training.pid()));
    assert_eq!((&said["signal"], &said["state"], exit), (&json!(9), &json!("crashed"), 0), "{said}");
}

// --- Pressing keys ---

#[test]
fn keys_are_sent_and_what_they_do_is_waited_for() {
    let home = Home::new();
    let training = canvas(&home);
    let id = training.text("canvasId");
    let focused = || home.json(&["viewstate", "--json"])["graph"]["focused"].clone();
    assert_eq!(focused(), "loss");
    // The founding spelling: a canvas, then keys for its graph pane.
    assert_eq!(outcome(&home, &["sendkeys", &id, "Right", "--wait", "change", "--timeout", "10s"]), ("changed".into(), 0));
    becomes(&json!("acc"), focused);
    assert_eq!(outcome(&home, &["sendkeys", "Right"]), ("sent".into(), 0));
    becomes(&json!("loss"), focused);
    assert_eq!(outcome(&home, &["sendkeys", "graph", "h", "--wait", "text:show one chart, or all again", "--timeout", "10s"]).1, 0);
    assert_eq!(outcome(&home, &["sendkeys", "base", "graph", "h", "--wait", "gone:show one chart, or all again", "--timeout", "10s"]).1, 0);
    assert_eq!(outcome(&home, &["sendkeys", "x", "--wait", "settle:50", "--timeout", "10s"]), ("settled".into(), 0));
    assert_eq!(outcome(&home, &["sendkeys", "x", "--wait", "step>=3"]), ("matched_at_entry".into(), 0));
    let waits = later(&home, &["sendkeys", "x", "--wait", "metric:step>=5", "--timeout", "20s"]);
    training.log(5, &json!({"loss": 0.5}));
    assert_eq!(waits().1, 0);

    // Only on the screen that was seen.
    let seq = || home.json(&["viewstate", "graph", "--screen", "--json"])["seq"].as_u64().unwrap();
    home.ok(&["wait", "graph", "settle:300"]);
    let seen = seq();
    assert_eq!(
        outcome(&home, &["sendkeys", "Right", "--expect-seq", &seen.to_string(), "--wait", "change", "--timeout", "10s"]).0,
        "changed"
    );
    let focus = focused();
    let stale = home.og(&["sendkeys", "Right", "--expect-seq", &seen.to_string()]);
    fails(stale, 1, &["the graph pane has changed", "nothing was sent", &format!("--since {seen}")]);
    assert_eq!(focused(), focus);
    fails(home.og(&["sendkeys", "Right", "Entr"]), 2, &["unknown key \"Entr\": nothing was sent", "Enter"]);
    fails(home.og(&["sendkeys", "%99", "Right"]), 1, &["%99", "graph ("]);
    assert!(home.json(&["viewstate", "--json"])["health"]["agentLast"][0].as_str().unwrap().contains("Right"));

    let exits = later(&home, &["sendkeys", "x", "--wait", "exit", "--pane", "graph", "--timeout", "20s"]);
    training.tell("exit 0");
    training.end();
    home.ok(&["sendkeys", "graph", "q"]);
    let (said, exit) = exits();
    assert_eq!((&said["outcome"], &said["evidence"], exit), (&json!("exited"), &json!("the pane was closed"), 0), "{said}");
}

#[test]
fn what_a_person_has_just_saved_is_not_written_over() {
    let home = Home::new();
    let _training = home.puppet("base");
    let id = home.json(&["viewstate", "--json"])["canvasId"].as_str().unwrap().to_owned();
    let mut controller = Connection::open(&home.work().with_file_name("rt").join(format!("og/{id}.sock"))).unwrap();
    let mut update = |title: String| controller.call(Request::Update { config: json!({"title": title}) }, Duration::from_secs(20)).unwrap();
    let file = home.canvas("base").join("canvas.json");
    for n in 0..20 {
        let mut spec = read_json(&file).unwrap();
        spec["refreshInterval"] = json!(1000 + n);
        fs::write(&file, spec.to_string()).unwrap();
        assert!(matches!(update(format!("title {n}")), Response::Done));
        let spec = read_json(&file).unwrap();
        assert_eq!((&spec["refreshInterval"], &spec["title"]), (&json!(1000 + n), &json!(format!("title {n}"))));
    }
    fs::write(&file, "{").unwrap();
    assert!(matches!(update("x".into()), Response::Error { code, .. } if code == "bad_spec"));
    assert_eq!(fs::read_to_string(&file).unwrap(), "{");
}

#[test]
fn the_training_gets_keys_only_when_its_canvas_says_so() {
    let home = Home::new();
    let training = home.puppet("base");
    for verb in ["sendkeys", "type", "paste"] {
        fails(home.og(&[verb, "train", "x"]), 1, &["does not let keys be sent to its train pane", "may_send", "canvas.json"]);
    }
    // A person edits the file while everything runs, first wrongly.
    let file = home.canvas("base").join("canvas.json");
    let mut spec = read_json(&file).unwrap();
    fs::write(&file, r#"{"agent": {"may_send": ["trian"]}}"#).unwrap();
    comes("the mistake is told", || home.json(&["viewstate", "--json"])["errors"].to_string().contains("/agent/may_send/0"));
    fails(home.og(&["sendkeys", "train", "x"]), 1, &["does not let keys"]);
    spec["agent"]["may_send"] = json!(["graph", "train"]);
    fs::write(&file, spec.to_string()).unwrap();
    becomes(&json!(["graph", "train"]), || home.json(&["viewstate", "--json"])["health"]["maySend"].clone());
    assert_eq!(home.json(&["viewstate", "--json"])["errors"], json!([]));
    fails(home.og(&["sendkeys", "status", "x"]), 1, &["its status pane"]);

    // A program that asks for bracketed paste, in a raw terminal, shows what it gets.
    training.tell(r"stty raw -echo; printf '\033[?2004hready\r\n'; exec cat -v");
    home.ok(&["wait", "train", "text:^ready"]);
    home.ok(&["sendkeys", "train", "Up", "C-c", "\"a b\"", "Enter"]);
    assert_eq!(outcome(&home, &["wait", "train", "text:^.*\\^\\[\\[A\\^Ca b\\^M"]).1, 0, "{}", home.screen(&training.pane("train")));
    home.ok(&["type", "train", "typed; $HOME"]);
    home.ok(&["wait", "train", "text:typed; \\$HOME"]);
    let mut paste = home
        .og(&["paste", "train", "-", "--wait", "text:lines.*\\^\\[\\[201~", "--timeout", "20s"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    paste.stdin.take().unwrap().write_all("two\nlines".as_bytes()).unwrap();
    assert!(paste.wait().unwrap().success());
    let screen = home.ok(&["viewstate", "train", "--screen"]).replace('\n', "");
    assert!(screen.contains("^[[200~two^Mlines^[[201~") || screen.contains("^[[200~twolines^[[201~"), "{screen}");

    // Into copy mode a key is sent only after it is left.
    home.tmux(&["copy-mode", "-t", &training.pane("train")]);
    comes("it is seen", || home.json(&["panes", "--json"])[0]["inMode"] == true);
    home.ok(&["type", "train", "through"]);
    home.ok(&["wait", "train", "text:through"]);
    kill("9", training.pid());
    training.end();
    comes("the dead get no keys", || {
        let output = home.og(&["sendkeys", "train", "x"]).output().unwrap();
        text(&output.stderr).contains("has ended, so keys have nowhere to go")
    });
}

#[test]
fn what_makes_no_sense_is_a_mistake_in_the_arguments_and_nothing_is_sent() {
    let home = Home::new();
    let training = canvas(&home);
    becomes(&json!(""), || home.json(&["viewstate", "--json"])["graph"]["filter"].clone());
    for (args, word) in [
        (&["wait", "text:("][..], "text: regex"),
        (&["wait", "exit", "--stop", "["], "--stop: regex"),
        (&["sendkeys", "graph", "/", "x", "--wait", "text:("], "text: regex"),
        (&["sendkeys", "graph", "/", "--wait", "gone:*"], "gone: regex"),
        (&["viewstate", "--region", "0,0,WxH"], "is not a region"),
        (&["canvas", "spawn", "--config", r#"{"runDri":"x"}"#], "/runDri: there is no such key; did you mean runDir?"),
        (&["canvas", "spawn", "--config", r#"{"colour":1}"#], "(allowed: v, title, panes"),
    ] {
        fails(home.og(args), 2, &[word]);
    }
    assert_eq!(home.json(&["viewstate", "--json"])["graph"]["filtering"], false, "no key was sent");
    drop(training);
}

#[test]
fn a_wait_for_a_metric_that_nobody_logs_says_so_at_once_and_at_its_end() {
    let home = Home::new();
    let training = home.puppet("base");
    training.log(1, &json!({"train/loss": 3.0}));
    home.ok(&["wait", "loss<=3", "--timeout", "20s"]);
    let waits = |condition: &str| home.og(&["wait", condition, "--timeout", "300ms"]).output().unwrap();
    let output = waits("los<1");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stderr), "og: no metric is named `los` so far; did you mean train/loss?; waiting\n");
    assert!(text(&output.stdout).starts_with("deadline\nno metric is named `los`; did you mean train/loss?\n"), "{}", text(&output.stdout));
    assert_eq!(text(&waits("loss<1").stderr), "");
    let json = home.answer(&["wait", "nosuch<1", "--timeout", "100ms", "--json"]).0;
    assert!(json["note"].as_str().unwrap().contains("`nosuch`"), "{json}");

    // It may still come.
    let waiting = later(&home, &["wait", "acc>0.5", "--timeout", "20s"]);
    training.log(2, &json!({"acc": 0.9}));
    let (json, code) = waiting();
    assert_eq!((&json["note"], code), (&Value::Null, 0));
}

#[test]
fn the_last_lines_of_a_training_that_ended_are_its_own() {
    let home = Home::new();
    let training = canvas(&home);
    training.tell("clear; echo one; echo two; echo three; exit 1");
    training.end();
    comes("the whole screen is as tmux shows it", || home.ok(&["viewstate", "train", "--screen"]).contains("is dead"));
    assert_eq!(home.ok(&["viewstate", "train", "--max-lines", "2"]), "two\nthree\n");
}
