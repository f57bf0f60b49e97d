//! `og canvas`: canvases on runs that exist, what is told of them, and what dies and comes back.

use crate::home::{Home, Training, alive, becomes, comes, fails, kill, read_json, text};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    path::PathBuf,
    process::{Child, Stdio},
    time::{Duration, Instant, SystemTime},
};

/// A finished run under this name, whose own canvas is closed.
fn finished(home: &Home, name: &str) -> Training {
    let training = home.puppet(name);
    (1..=20).for_each(|step| training.log(step, &json!({"loss": 1.0 / step as f64, "acc": step})));
    training.tell("exit 0");
    training.end();
    home.ok(&["canvas", "close", name]);
    training
}

fn controller(home: &Home, name: &str) -> Option<u64> {
    let listed = home.json(&["canvas", "list", "--json"]);
    listed.as_array().unwrap().iter().find(|canvas| canvas["name"] == name)?["controllerPid"].as_u64()
}

/// Keys of the metrics that the graph pane says it draws.
fn drawn(home: &Home, canvas: &str) -> Vec<String> {
    let view = home.json(&["viewstate", "--canvas", canvas, "--json"]);
    view["visibleMetrics"].as_array().unwrap().iter().map(|metric| metric["key"].as_str().unwrap().into()).collect()
}

#[test]
fn a_canvas_opens_on_a_run_by_any_of_its_names() {
    let home = Home::new();
    let run = finished(&home, "baseline");
    let id = run.text("runId");
    let short = id.rsplit('-').next().unwrap();
    let path = run.text("run");
    for (at, asked) in [id.as_str(), short, "baseline", path.as_str()].into_iter().enumerate() {
        let name = format!("by-{at}");
        let said = home.json(&["canvas", "spawn", "review", "--tmux-socket", "og", "--run", asked, "--name", &name, "--json"]);
        assert_eq!((&said["runId"], &said["pid"]), (&json!(id), &Value::Null), "{asked}");
        let roles: Vec<_> = said["panes"].as_array().unwrap().iter().map(|pane| pane["role"].as_str().unwrap()).collect();
        assert_eq!(roles, ["graph", "status"]);
        becomes(&vec!["loss".to_string(), "acc".into()], || drawn(&home, &name));
        let view = home.json(&["viewstate", "--canvas", &name, "--json"]);
        assert_eq!(
            (&view["runInfo"]["state"], &view["runInfo"]["step"], &view["scenario"]),
            (&json!("finished"), &json!(20), &json!("review"))
        );
        home.ok(&["canvas", "close", &name]);
        assert_eq!(home.tmux(&["list-panes", "-a"]), "", "all of its panes go");
    }
    fails(home.og(&["canvas", "spawn", "review", "--tmux-socket", "og", "--run", "bsaeline"]), 1, &["bsaeline", "hint: "]);
    assert_eq!(home.tmux(&["list-panes", "-a"]), "");
}

#[test]
fn the_founding_config_is_taken_and_kept() {
    let home = Home::new();
    let run = finished(&home, "baseline");
    // Run ids order runs by the second.
    let second = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let now = second();
    comes("another second", || second() > now);
    let later = finished(&home, "later");
    let config = json!({"runDir": run.folder(), "title": "night run", "leetArgs": ["--x"], "refreshInterval": 1000, "graphs": ["acc"]});
    let said = home.json(&["canvas", "spawn", "monitor", "--tmux-socket", "og", "--config", &config.to_string(), "--json"]);
    assert_eq!((&said["runId"], &said["canvas"]), (&json!(run.text("runId")), &json!("baseline")));
    let spec = read_json(&home.canvas("baseline").join("canvas.json")).unwrap();
    for (key, value) in config.as_object().unwrap() {
        assert_eq!(spec[key], *value, "{key}");
    }
    becomes(&vec!["acc".to_string()], || drawn(&home, "baseline"));
    comes("the title shows", || home.ok(&["viewstate", "status", "--screen"]).contains("night run"));

    // Without a run it is the latest; what is wrong in a config is told all at once, and nothing is made.
    let latest = home.json(&["canvas", "spawn", "--tmux-socket", "og", "--name", "latest", "--json"]);
    assert_eq!(latest["runId"], json!(later.text("runId")));
    let bad = home.og(&["canvas", "spawn", "review", "--config", r#"{"refreshInterval":1,"runDir":7,"title":[]}"#]);
    fails(bad, 2, &["--config: ", "/refreshInterval: ", "/runDir: a path is expected, not 7", "/title: "]);
    fails(home.og(&["canvas", "spawn", "review", "--config", "{runDir}"]), 2, &["not JSON at line 1, column 2"]);
    assert_eq!(home.json(&["canvas", "list", "--json"]).as_array().unwrap().len(), 2);
}

#[test]
fn canvases_are_listed_with_what_they_show_and_how_they_are() {
    let home = Home::new();
    let training = home.puppet("base");
    home.ok(&["canvas", "spawn", "--tmux-socket", "og", "--name", "beside"]);
    let id = training.text("canvasId");
    comes("both controllers say who they are", || controller(&home, "base").is_some() && controller(&home, "beside").is_some());
    let listed = home.json(&["canvas", "list", "--json"]);
    let want = json!({"name": "base", "id": id, "live": true, "runId": training.text("runId"), "run": training.text("run"),
        "scenario": "monitor", "session": "og-base", "trainAlive": true, "attach": "tmux -L og attach -t og-base"});
    for (key, value) in want.as_object().unwrap() {
        assert_eq!(listed[0][key], *value, "{key}");
    }
    assert_eq!(listed[0]["panes"], training.said["panes"]);
    assert_eq!((&listed[1]["name"], &listed[1]["trainAlive"]), (&json!("beside"), &Value::Null));

    let row = |name: &str| -> Vec<String> {
        let listed = home.ok(&["canvas", "list"]);
        let row = listed.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        row.split("  ").map(|cell| cell.trim().to_string()).filter(|cell| !cell.is_empty()).collect()
    };
    let want = |name: &str, id: &str, state: &str, step: &str, panes: &str, look: &str| -> Vec<String> {
        [name, id, &training.text("runId"), state, step, panes, "ok", look].map(String::from).into()
    };
    let (other, look) = (listed[1]["id"].as_str().unwrap(), "tmux -L og attach -t og-base");
    becomes(&want("base", &id, "running", "-", "train graph status", look), || row("base"));
    becomes(&want("beside", other, "running", "-", "graph status", "tmux -L og attach -t og-beside"), || row("beside"));
    training.log(12, &json!({"loss": 1}));
    training.tell("exit 0");
    becomes(&want("base", &id, "finished", "12", "train graph status", look), || row("base"));

    // Killed, a controller is missed in the list until somebody needs it.
    let pid = controller(&home, "base").unwrap();
    kill("9", pid);
    becomes(&None, || controller(&home, "base"));
    home.ok(&["viewstate", "--canvas", "base"]);
    comes("another one is there", || controller(&home, "base").is_some_and(|new| new != pid));
    home.ok(&["canvas", "close", "base"]);
    home.ok(&["canvas", "close", "beside"]);
    assert_eq!(text(&home.og(&["canvas", "list"]).output().unwrap().stdout), "");
    let ended = home.json(&["canvas", "list", "--all", "--json"]);
    assert_eq!(ended.as_array().unwrap().iter().map(|canvas| canvas["live"].clone()).collect::<Vec<_>>(), [false, false]);
}

#[test]
fn closing_in_a_persons_window_leaves_their_pane_and_the_training() {
    let home = Home::new();
    home.tmux(&["new-session", "-d", "-x", "200", "-y", "50", "-s", "work", "cat"]);
    let beside = home.ask("work", "#{socket_path},#{pid},0");
    let training = home.puppet_with(&["--name", "base"], |run| _ = run.env("TMUX", &beside).env("TMUX_PANE", "%0"));
    let (pid, pane) = (training.pid(), training.pane("train"));
    let closed = home.json(&["canvas", "close", "--json"]);
    assert_eq!((&closed["trainingLeft"], &closed["trainingEnded"]), (&json!(pane), &json!(false)));
    assert_eq!(home.tmux(&["list-panes", "-a", "-F", "#{pane_id}"]), format!("%0\n{pane}\n"));
    assert!(alive(pid));
    training.tell("echo it goes on");
    comes("it goes on in a pane like any other", || home.screen(&pane).contains("it goes on"));
    training.tell("exit 0");
    becomes(&"%0\n".to_string(), || home.tmux(&["list-panes", "-a", "-F", "#{pane_id}"]));
}

#[test]
fn a_killed_controller_is_back_with_the_next_command_and_knows_everything() {
    let home = Home::new();
    let training = home.puppet("base");
    training.log(1, &json!({"loss": 3.0}));
    training.tell("echo said before");
    home.ok(&["wait", "train", "text:said before"]);
    home.ok(&["sendkeys", "graph", "/", "\"lo\"", "Enter"]);
    let filter = |home: &Home| home.json(&["viewstate", "--json"])["graph"]["filter"].clone();
    becomes(&json!("lo"), || filter(&home));

    let mut took = vec![];
    for round in 1..=2 {
        let pid = controller(&home, "base").unwrap();
        kill("9", pid);
        comes("it is gone", || !alive(pid));
        training.log(1 + round, &json!({"loss": 3.0 / round as f64}));
        training.tell(&format!("echo said meanwhile {round}"));
        comes("the training goes on", || home.screen(&training.pane("train")).contains(&format!("meanwhile {round}")));
        let since = Instant::now();
        let screen = home.ok(&["viewstate", "train", "--screen"]);
        took.push(since.elapsed());
        assert!(screen.contains("said before") && screen.contains(&format!("said meanwhile {round}")), "{screen}");
        becomes(&json!(1 + round), || home.json(&["viewstate", "--json"])["runInfo"]["step"].clone());
        // The graph pane lived on, and tells the new controller what it shows.
        becomes(&json!("lo"), || filter(&home));
        comes("the status pane found it", || home.ok(&["viewstate", "status", "--screen"]).contains("controller: ok"));
    }
    // The better of two: the machine may be busy, but nothing may wait for a timer.
    assert!(took.iter().min().unwrap() < &Duration::from_secs(1), "{took:?}");
    training.tell("exit 6");
    assert_eq!(training.end()["code"], 6);
}

/// Waits until an `og wait` is connected.
fn waits(wait: &Child) {
    let fds = PathBuf::from(format!("/proc/{}/fd", wait.id()));
    let is_connected = || {
        let links = fs::read_dir(&fds).unwrap().filter_map(|fd| fs::read_link(fd.ok()?.path()).ok());
        links.filter(|link| link.to_string_lossy().starts_with("socket:")).count() > 0
    };
    comes("it waits", is_connected);
}

#[test]
fn a_wait_outlives_its_controller() {
    let home = Home::new();
    let training = home.puppet("base");
    let mut wait = home.og(&["wait", "train", "text:said later", "--timeout", "60s"]).stdout(Stdio::null()).spawn().unwrap();
    waits(&wait);
    kill("9", controller(&home, "base").unwrap());
    training.tell("echo said later");
    assert!(wait.wait().unwrap().success());
}

#[test]
fn a_wait_goes_on_behind_a_close_and_opens_nothing() {
    let home = Home::new();
    let training = home.puppet("base");
    let mut wait = home.og(&["wait", "exit", "--timeout", "60s"]).stdout(Stdio::null()).spawn().unwrap();
    waits(&wait);
    home.ok(&["canvas", "close", "base"]);
    assert_eq!(home.tmux(&["list-panes", "-a", "-F", "#{@og_role}"]), "train\n");
    assert_eq!(home.json(&["canvas", "list", "--json"])[0]["closed"], true);
    training.tell("exit 0");
    assert!(wait.wait().unwrap().success());
    comes("all is closed", || home.tmux(&["list-panes", "-a"]).is_empty());
}

#[test]
fn a_wait_ends_with_its_canvas() {
    let home = Home::new();
    let _training = home.puppet("base");
    let wait = home.og(&["wait", "graph", "text:never said", "--timeout", "60s"]).stderr(Stdio::piped()).spawn().unwrap();
    waits(&wait);
    home.ok(&["canvas", "close", "base", "--kill-run", "-y"]);
    let wait = wait.wait_with_output().unwrap();
    assert!(!wait.status.success() && text(&wait.stderr).contains("the canvas base was closed"), "{}", text(&wait.stderr));
    assert_eq!(controller(&home, "base"), None);
}

#[test]
fn a_replaced_controller_leaves_panes_and_training_alone() {
    let home = Home::new();
    let training = home.puppet("base");
    let panes = || home.tmux(&["list-panes", "-a", "-F", "#{pane_id} #{pane_pid} #{@og_role}"]);
    let before = (panes(), controller(&home, "base").unwrap());
    assert_eq!(home.ok(&["canvas", "restart"]), "restarted the controller of base\n");
    comes("another controller is there", || controller(&home, "base").is_some_and(|pid| pid != before.1));
    comes("the one before ends", || !alive(before.1));
    assert_eq!(panes(), before.0);
    assert!(alive(training.pid()));
    becomes(&json!("graphs"), || home.json(&["viewstate", "--json"])["graph"]["tab"].clone());
}

#[test]
fn killed_panes_of_og_come_back_and_show_what_they_showed() {
    let home = Home::new();
    let training = home.puppet("base");
    training.log(4, &json!({"loss": 3.0}));
    becomes(&vec!["loss".to_string()], || drawn(&home, "base"));
    let places = home.places();
    for roles in [&["graph", "status"][..], &["graph"], &["status"]] {
        let pid = |role: &&str| home.ask(&home.pane(role), "#{?pane_dead,,#{pane_pid}}").parse::<u64>().ok();
        let before: Vec<_> = roles.iter().map(pid).collect();
        before.iter().for_each(|pid| kill("9", pid.unwrap()));
        comes("the panes run again", || roles.iter().zip(&before).all(|(role, before)| pid(role).is_some_and(|pid| Some(pid) != *before)));
        comes("and draw", || home.screen(&home.pane("graph")).contains("loss") && home.screen(&home.pane("status")).contains("step 4"));
        becomes(&vec!["loss".to_string()], || drawn(&home, "base"));
        becomes(&places, || home.places());
    }
    assert!(alive(training.pid()));
    let marks = home.json(&["panes", "--json"]).as_array().unwrap().iter().map(|pane| pane["dead"].clone()).collect::<Vec<_>>();
    assert_eq!(marks, [Value::Null, Value::Null, Value::Null]);
}

/// Prints numbered lines until it is told to stop, and says how many.
const COUNTER: &str =
    "i=0; while [ ! -e stop ]; do i=$((i+1)); echo line $i; [ $((i % 50)) = 0 ] && sleep 0.01; done; echo $i > count; exit 3";

#[test]
fn a_window_that_is_moved_about_takes_tmux_the_training_and_og_along() {
    let home = Home::new();
    home.tmux(&["new-session", "-d", "-x", "200", "-y", "50", "-s", "other", "cat"]);
    let said = home.json(&["run", "--name", "base", "--tmux-socket", "og", "--json", "--", "sh", "-c", COUNTER]);
    let (server, pid, window) = (home.ask("other", "#{pid}"), controller(&home, "base"), said["window"].as_str().unwrap());
    home.tmux(&["new-window", "-d", "-t", "og-base:", "cat"]);
    let controlled = |session: &str| home.tmux(&["list-clients", "-t", session, "-F", "#{client_control_mode}"]).matches('1').count();
    for (number, to) in ["other", "og-base"].into_iter().cycle().take(20).enumerate() {
        home.tmux(&["move-window", "-d", "-s", window, "-t", &format!("{to}:")]);
        match number % 4 {
            // Moved on at once, or while the controller is on its way.
            0 => {}
            1 => comes("it follows", || controlled(to) > 0),
            _ => comes("it and its guard are there", || controlled(to) == 2),
        }
        assert_eq!(home.ask("other", "#{pid}"), server, "after {number} moves");
    }
    home.tmux(&["link-window", "-d", "-s", window, "-t", "other:"]);
    home.tmux(&["unlink-window", "-t", &format!("og-base:{window}")]);
    home.tmux(&["rename-session", "-t", "other", "elsewhere"]);
    home.tmux(&["kill-session", "-a", "-t", "elsewhere"]);
    comes("it is found where it is now", || home.ok(&["canvas", "list"]).contains("attach -t elsewhere"));
    comes("it and its guard are there", || controlled("elsewhere") == 2);
    assert_eq!(controller(&home, "base"), pid, "one controller all the time");

    std::fs::write(home.work().join("stop"), "").unwrap();
    home.ok(&["wait", "exit"]);
    assert_eq!(home.json(&["viewstate", "--json"])["runInfo"]["exitCode"], 3);
    let count: usize = std::fs::read_to_string(home.work().join("count")).unwrap().trim().parse().unwrap();
    let printed: String = (1..=count).map(|line| format!("line {line}\r\n")).collect();
    let log = std::path::Path::new(said["run"].as_str().unwrap()).join("stdout.log");
    becomes(&printed.len(), || std::fs::metadata(&log).unwrap().len() as usize);
    assert!(std::fs::read_to_string(&log).unwrap() == printed, "every line once and in order");
}

#[test]
fn how_a_training_ends_that_outlives_its_canvas_is_written_down() {
    let home = Home::new();
    let training = home.puppet("base");
    let listed = || home.tmux(&["list-panes", "-a", "-F", "#{@og_role}"]);
    assert!(home.ok(&["canvas", "close"]).contains("the training goes on in pane"));
    assert_eq!(listed(), "train\n");
    let state = || home.json(&["canvas", "list", "--json"])[0].clone();
    assert_eq!((&state()["closed"], &state()["runState"], &state()["trainAlive"]), (&json!(true), &json!("running"), &json!(true)));
    assert!(home.ok(&["canvas", "list"]).contains("closed, training goes on"));
    // It keeps its name, and what it shows can be asked; closing it again changes nothing.
    fails(home.og(&["run", "--canvas", "base", "--tmux-socket", "og", "--", "true"]), 1, &["its training goes on", "--kill-run"]);
    assert!(home.ok(&["viewstate"]).contains("running"));
    home.ok(&["canvas", "close", "base"]);

    // Any of three commands opens it again, and it is closed as before.
    for reopen in [&["canvas", "restart"][..], &["refresh"]] {
        home.ok(reopen);
        comes("its panes are back", || ["graph", "status", "train"].iter().all(|role| listed().contains(role)));
        becomes(&(json!(false), json!(3)), || (state()["closed"].clone(), json!(state()["panes"].as_array().unwrap().len())));
        home.ok(&["canvas", "close"]);
        assert_eq!(listed(), "train\n");
    }
    // Also a controller that was killed meanwhile is made up for.
    kill("9", controller(&home, "base").unwrap());
    becomes(&None, || controller(&home, "base"));
    home.ok(&["viewstate"]);
    let last = controller(&home, "base").unwrap();
    training.tell("echo its last words; exit 7");
    assert_eq!(training.end()["code"], 7);
    comes("the controller ends with it", || !alive(last));
    assert_eq!(home.tmux(&["list-panes", "-a"]), "", "its pane closes as any other");
    assert!(std::fs::read_to_string(training.folder().join("stdout.log")).unwrap().ends_with("its last words\r\n"));
    becomes(&String::new(), || text(&home.og(&["canvas", "list"]).output().unwrap().stdout));
}

#[test]
fn panes_in_which_nothing_runs_any_more_are_told_of_opened_again_and_closed() {
    let home = Home::new();
    for (name, command, code) in [("again", "restart", 5), ("away", "close", 6)] {
        let training = home.puppet(name);
        let marked = || home.tmux(&["list-panes", "-a", "-F", "#{@og_role} #{pane_dead}"]);
        kill("9", controller(&home, name).unwrap());
        ["graph", "status"].iter().for_each(|role| kill("9", home.ask(&training.pane(role), "#{pane_pid}").parse().unwrap()));
        training.tell(&format!("exit {code}"));
        comes("nothing runs", || marked().lines().count() == 3 && marked().lines().all(|line| line.ends_with('1')));
        let listed = home.ok(&["canvas", "list"]);
        assert!(listed.contains("ended, panes remain"), "{listed}");
        assert_eq!(home.json(&["canvas", "list", "--json"])[0]["panesLeft"], true);
        home.ok(&["canvas", command]);
        assert_eq!(training.end()["code"], code, "how it ended was still to be seen");
        if command == "restart" {
            comes("og's panes run again", || marked().lines().filter(|line| line.ends_with('0')).count() == 2);
            assert_eq!(marked().lines().count(), 3, "and none twice: {}", marked());
            home.ok(&["canvas", "close"]);
        }
        assert_eq!(home.tmux(&["list-panes", "-a"]), "");
    }
}

#[test]
fn canvases_that_come_and_go_at_once_leave_tmux_alone() {
    let home = Home::new();
    home.tmux(&["new-session", "-d", "-s", "hold", "cat"]);
    let server = || home.tmux(&["display-message", "-p", "#{pid}"]);
    let before = server();
    std::thread::scope(|threads| {
        for shell in 0..4 {
            let home = &home;
            threads.spawn(move || {
                for round in 0..4 {
                    let name = format!("n{shell}-{round}");
                    home.ok(&["run", "--detach", "--tmux-socket", "og", "--name", &name, "--", "sh", "-c", "echo step 1 loss 1; exit 3"]);
                    home.ok(&["canvas", "close", &name]);
                }
            });
        }
    });
    assert_eq!(server(), before, "the server is the one it was");
    becomes(&"hold\n".to_string(), || home.tmux(&["list-sessions", "-F", "#{session_name}"]));
}

#[test]
fn runs_that_ask_for_one_name_at_once_get_a_canvas_each() {
    let home = Home::new();
    let stores = ["a", "a", "a", "b", "b"].map(|store| home.dir.path().join(store));
    let said: Vec<Value> = std::thread::scope(|threads| {
        let start = |store: &PathBuf| {
            let (home, store) = (&home, store.to_str().unwrap().to_string());
            let line = ["run", "--detach", "--json", "--tmux-socket", "og", "--name", "tw", "--store"];
            threads.spawn(move || home.json(&[&line[..], &[&store, "--", "sleep", "100"]].concat()))
        };
        let started: Vec<_> = stores.iter().map(start).collect();
        started.into_iter().map(|one| one.join().unwrap()).collect()
    });
    for of in ["session", "dir", "canvasId"] {
        let all: BTreeSet<&str> = said.iter().map(|one| one[of].as_str().unwrap()).collect();
        assert_eq!(all.len(), stores.len(), "{of}: {said:?}");
    }
    let listed = home.json(&["canvas", "list", "--json"]);
    assert_eq!(listed.as_array().unwrap().iter().filter(|one| one["controller"] == "ok").count(), stores.len(), "{listed}");
    // The name is one's alone: asked for by `--canvas`, it is refused to the others.
    let taken = home.og(&["run", "--detach", "--canvas", "tw", "--store", stores[0].to_str().unwrap(), "--", "true"]).output().unwrap();
    assert!(!taken.status.success());
    for one in &said {
        home.ok(&["canvas", "close", one["canvasId"].as_str().unwrap(), "--kill-run", "-y"]);
    }
}
