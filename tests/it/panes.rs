//! What is on the panes: the controller's copy against tmux's own, and what og's panes draw against what they report.

use crate::home::{Home, Training, becomes, comes};
use crate::support::DEADLINE;
use serde_json::{Value, json};
use std::{
    fs,
    time::{Duration, Instant},
};

/// `(seq, hash)` of a pane.
fn frame(home: &Home, pane: &str) -> (u64, String) {
    let seen = home.json(&["viewstate", pane, "--screen", "--json"]);
    (seen["seq"].as_u64().unwrap(), seen["hash"].as_str().unwrap().to_string())
}

fn drift(home: &Home) -> u64 {
    home.json(&["viewstate", "--json"])["health"]["drift"].as_u64().unwrap()
}

/// Lets the training print these bytes as they are, and waits until the controller's copy and tmux's screen both end there.
fn print(home: &Home, training: &Training, bytes: &str) {
    fs::write(home.work().join("bytes"), bytes).unwrap();
    training.tell("cat bytes; printf '\\033]2;'$((n += 1))'\\007'");
}

#[test]
fn what_the_training_prints_is_what_tmux_shows() {
    let home = Home::new();
    let training = home.puppet("base");
    let pane = training.pane("train");
    training.tell("n=0");
    let bursts = [
        ("colours", "\x1b[1;31mred\x1b[0m \x1b[38;5;208morange\x1b[48;2;1;2;3m on\x1b[m \x1b[7minverse\x1b[27m\r\nplain\r\n".to_string()),
        ("wide", "漢字かな交じり文 e\u{301}a\u{308} 한국어 👍 │ end\r\n".repeat(3) + &"宽".repeat(60) + "\r\n"),
        ("progress", (0..=100).map(|n| format!("\r{n:3}% {}\x1b[K", "#".repeat(n / 2))).collect::<String>() + "\r\n"),
        ("scrolling", (0..3000).map(|n| format!("\x1b[3{}mstep {n} loss {}\x1b[0m\r\n", n % 8, 1.0 / (n + 1) as f64)).collect()),
        ("cursor", "\x1b[5;10Hhere\x1b[2Aup\x1b[3Ddown\x1b[10;1H\x1b[2K\x1b[1@insert\x1b[2Pdel\x1b[3Lline\x1b[2M\x1b[44;1H".into()),
        ("region", "\x1b[5;10r\x1b[10;1H".to_string() + &"scrolls\r\n".repeat(20) + "\x1bM\x1bMback\x1b[r\x1b[44;1H"),
        ("tabs", "a\tb\tc\r\n\x1b[3g\x1b[1;9H\x1bH\r\tx\r\n".into()),
        ("alternate", "\x1b[?1049h\x1b[2J\x1b[1;1Hfull screen\x1b[12;20H日本\x1b[44;60Hcorner".into()),
        ("back", "\x1b[?1049l\x1b[?25l back on the main screen\x1b[?25h\r\n".into()),
        ("wrapping", "x".repeat(89) + "y" + &"z".repeat(200) + "\r\n\x1b[?7l" + &"n".repeat(120) + "\x1b[?7h\r\n"),
    ];
    for (number, (name, bytes)) in bursts.iter().enumerate() {
        print(&home, &training, bytes);
        comes("tmux has read it", || home.ask(&pane, "#{pane_title}") == (number + 1).to_string());
        let tmux = home.screen(&pane);
        let copy = || home.ok(&["viewstate", "train", "--screen"]).trim_end_matches('\n').to_string();
        becomes(&(name, tmux), || (name, copy()));
    }
    // tmux gives line drawing as the letters it was sent as; a person sees lines, and so does an agent.
    print(&home, &training, "\x1b(0lqqk\x1b(B plain\r\n");
    home.ok(&["wait", "train", "text:┌──┐ plain"]);
    // The audits that follow output find the same: none differs.
    let resyncs = |home: &Home| home.json(&["viewstate", "--json"])["health"]["resyncs"].as_u64().unwrap();
    let before = resyncs(&home);
    home.ok(&["wait", "train", "settle:1500", "--timeout", "20s"]);
    assert_eq!((drift(&home), resyncs(&home)), (0, before), "the emulator never differed, and was not helped");
    let view = home.json(&["viewstate", "train", "--screen", "--json"]);
    let cursor = home.ask(&pane, "#{cursor_x} #{cursor_y} #{cursor_flag}");
    let flag = u8::from(view["cursor"]["visible"] == true);
    assert_eq!(format!("{} {} {flag}", view["cursor"]["x"], view["cursor"]["y"]), cursor);
}

#[test]
fn a_frame_has_a_number_and_its_content_a_hash() {
    let home = Home::new();
    let training = home.puppet("base");
    training.tell("clear; echo first");
    home.ok(&["wait", "train", "text:^first"]);
    home.ok(&["wait", "train", "settle:200"]);
    let first = frame(&home, "train");
    assert_eq!(frame(&home, "train"), first, "asking changes nothing");
    // The same is written over itself.
    training.tell(r"printf '\033[1;1Hfirst\r\n'; touch done1");
    comes("it was printed", || home.work().join("done1").exists());
    home.ok(&["wait", "train", "settle:200"]);
    assert_eq!(frame(&home, "train"), first, "nothing that can be seen changed");
    training.tell(r"printf '\033[1;1Hother\r\n'");
    home.ok(&["wait", "train", "text:^other"]);
    let other = frame(&home, "train");
    assert!(other.0 > first.0 && other.1 != first.1, "{other:?} {first:?}");
    training.tell(r"printf '\033[1;1Hfirst\r\n'");
    home.ok(&["wait", "train", "text:^first"]);
    let again = frame(&home, "train");
    assert!(again.0 > other.0 && again.1 == first.1, "another frame of the same content: {again:?} {first:?}");
}

#[test]
fn a_screen_that_the_controller_did_not_see_grow_is_taken_from_tmux() {
    let home = Home::new();
    let training = home.puppet("base");
    let pane = training.pane("train");
    print(&home, &training, "\x1b[2J\x1b[Hbefore \x1b[7m日本\x1b[m\r\n");
    home.ok(&["wait", "train", "text:before"]);
    // A window that shrinks and grows wraps anew what tmux kept; a second controller sees only the outcome.
    home.tmux(&["resize-window", "-t", "@0", "-x", "100", "-y", "30"]);
    comes("the pane is narrow", || home.json(&["panes", "--json"])[0]["cols"] == 100);
    home.ok(&["canvas", "restart"]);
    training.tell("seq 1 100; echo after");
    home.ok(&["wait", "train", "text:^after"]);
    becomes(&home.screen(&pane), || home.ok(&["viewstate", "train", "--screen"]).trim_end_matches('\n').to_string());
    let marks = home.json(&["viewstate", "graph", "--screen", "--json"]);
    assert!(marks["highlights"].is_array() || marks.get("highlights").is_none());
}

#[test]
fn a_flood_is_followed_to_its_last_line() {
    let home = Home::new();
    let training = home.puppet("base");
    training.tell("seq 1 400000; echo end of it");
    home.ok(&["wait", "train", "text:^end of it", "--timeout", "25s"]);
    becomes(&home.screen(&training.pane("train")), || home.ok(&["viewstate", "train", "--screen"]).trim_end_matches('\n').to_string());
    comes("it is followed again", || home.json(&["viewstate", "--json"])["health"]["sampling"] == false);
    assert_eq!(drift(&home), 0);
}

// --- og's own panes ---

/// Every key that the graph pane reports as drawn stands on its screen.
#[track_caller]
fn agrees(home: &Home) {
    // One answer has both: they are of the same moment.
    becomes(&Vec::<String>::new(), || {
        let view = home.json(&["viewstate", "--json"]);
        let screen = view["terminalSnapshot"].as_str().unwrap();
        let keys = view["visibleMetrics"].as_array().unwrap().iter().map(|metric| metric["key"].as_str().unwrap().to_string());
        keys.filter(|key| !screen.contains(key)).collect()
    });
}

/// A name that sorts as the number does, and has no digit: numbered series are drawn together.
fn named(n: u8) -> String {
    format!("series_{}{}", char::from(b'a' + n / 10), char::from(b'a' + n % 10))
}

fn graph(home: &Home, field: &str) -> Value {
    home.json(&["viewstate", "--json"])["graph"][field].clone()
}

fn drawn(home: &Home) -> Vec<String> {
    let view = home.json(&["viewstate", "--json"]);
    view["visibleMetrics"].as_array().unwrap().iter().map(|metric| metric["key"].as_str().unwrap().to_string()).collect()
}

#[test]
fn new_series_appear_by_themselves() {
    let home = Home::new();
    let training = home.puppet("base");
    home.ok(&["wait", "graph", "text:waiting for the first metric", "--timeout", "20s"]);
    for (count, key) in ["loss", "acc", "eval/bleu"].iter().enumerate() {
        for step in 1..=5 {
            training.log(step, &json!({*key: step}));
        }
        assert_eq!(home.answer(&["wait", "graph", &format!("text:{key}"), "--timeout", "20s", "--json"]).1, 0);
        becomes(&json!(count + 1), || graph(&home, "keys"));
        agrees(&home);
    }
    // What is printed is a series too.
    training.tell("for step in 1 2 3; do echo \"step $step: reward=0.$step\"; done");
    assert_eq!(home.answer(&["wait", "graph", "text:reward", "--timeout", "20s", "--json"]).1, 0);
    agrees(&home);
}

#[test]
fn keys_change_what_is_drawn_and_what_is_reported_alike() {
    let home = Home::new();
    let training = home.puppet("base");
    let keys: Vec<String> = (1..=30).map(named).collect();
    for step in 1..=5 {
        training.log(step, &keys.iter().map(|key| (key.clone(), json!(step))).collect::<serde_json::Map<_, _>>().into());
    }
    becomes(&json!(30), || graph(&home, "keys"));
    let all = drawn(&home);
    assert!(all.len() < 30 && all[0] == "series_ab", "a page of them: {all:?}");
    agrees(&home);

    let press = |keys: &[&str]| home.ok(&[&["sendkeys", "graph"], keys, &["--wait", "change", "--timeout", "20s"]].concat());
    assert_eq!(graph(&home, "focused"), "series_ab");
    press(&["Right"]);
    becomes(&json!("series_ac"), || graph(&home, "focused"));
    press(&["Enter"]);
    becomes(&(json!(true), vec!["series_ac".to_string()]), || (graph(&home, "fullScreen"), drawn(&home)));
    comes("it alone is drawn", || !home.ok(&["viewstate", "graph", "--screen"]).contains("series_ad"));
    agrees(&home);
    press(&["Enter"]);
    becomes(&all, || drawn(&home));

    press(&["NPage"]);
    comes("the second page is shown", || graph(&home, "page")[0] == 2);
    agrees(&home);
    assert!(!drawn(&home).contains(&all[0]));

    press(&["/", "\"_c\""]);
    becomes(&(json!("_c"), json!(true)), || (graph(&home, "filter"), graph(&home, "filtering")));
    press(&["Enter"]);
    becomes(&json!(false), || graph(&home, "filtering"));
    comes("only those are drawn", || drawn(&home).iter().all(|key| key.starts_with("series_c")) && drawn(&home).len() > 1);
    agrees(&home);

    press(&["h"]);
    becomes(&json!("help"), || graph(&home, "tab"));
    assert!(home.ok(&["viewstate", "graph", "--screen"]).contains("show one chart, or all again"));
    becomes(&Vec::<String>::new(), || drawn(&home));
    press(&["h"]);
    becomes(&json!("graphs"), || graph(&home, "tab"));
    for axis in ["relative", "wall", "step"] {
        press(&["x"]);
        becomes(&json!(axis), || graph(&home, "xAxis"));
    }
    press(&["+"]);
    comes("it is smoothed", || graph(&home, "smoothing").as_f64().unwrap() > 0.0);
    agrees(&home);
}

#[test]
fn what_is_said_to_be_visible_is_on_the_screen_at_every_moment() {
    const ROUNDS: usize = 60;
    let home = Home::new();
    let training = home.puppet("base");
    let keys: Vec<String> = (10..40).map(named).collect();
    let log = |step: i64, keys: &[String]| {
        training.log(step, &keys.iter().map(|key| (key.clone(), json!(step))).collect::<serde_json::Map<_, _>>().into())
    };
    log(1, &keys[..8]);
    becomes(&json!(8), || graph(&home, "keys"));
    // Pages are turned, charts zoomed and filtered, the pane resized and new series logged, and nobody waits for anything.
    let presses = [
        &["NPage"][..],
        &["Enter"],
        &["Enter", "PPage"],
        &["/", "\"_c\""],
        &["Escape"],
        &["h"],
        &["h", "NPage"],
        &["Tab", "Enter"],
        &["1"],
    ];
    let (mut frames, mut full) = (std::collections::BTreeSet::new(), 0);
    // How many are seen with charts depends on how fast the machine is: a slow one presses for longer.
    let mut since = Instant::now();
    for round in 0_usize.. {
        if round >= ROUNDS && frames.len() > 10 && full > 20 {
            break;
        }
        // The rounds that are always made take as long as they take.
        if round <= ROUNDS {
            since = Instant::now();
        }
        assert!(since.elapsed() < DEADLINE, "it moved: {} screens, {full} with charts in {round} rounds", frames.len());
        home.ok(&[&["sendkeys", "graph"], presses[round % presses.len()]].concat());
        log(2 + round as i64, &keys[..(8 + round).min(30)]);
        if round % 7 == 3 {
            home.tmux(&["resize-window", "-t", "og-base", "-x", &format!("{}", 130 + round % 60), "-y", "45"]);
        }
        for _ in 0..3 {
            let view = home.json(&["viewstate", "--json"]);
            let screen = view["terminalSnapshot"].as_str().unwrap();
            let visible: Vec<&str> =
                view["visibleMetrics"].as_array().unwrap().iter().map(|metric| metric["key"].as_str().unwrap()).collect();
            let missing: Vec<_> = visible.iter().filter(|key| !screen.contains(**key)).collect();
            assert!(missing.is_empty(), "round {round}: {missing:?} of {visible:?} in\n{screen}");
            // And nothing on the screen is kept back.
            let hidden = keys
                .iter()
                .filter(|key| {
                    ["╭", "┏"].iter().any(|corner| screen.contains(&format!("{corner} {key} "))) && !visible.contains(&key.as_str())
                })
                .count();
            assert!(visible.is_empty() || hidden == 0, "round {round}: {hidden} more than {visible:?} in\n{screen}");
            frames.insert(screen.to_owned());
            full += usize::from(!visible.is_empty());
        }
    }
}

#[test]
fn escape_and_what_follows_are_keys_of_their_own() {
    let home = Home::new();
    let training = home.puppet("base");
    for step in 1..=5 {
        training.log(step, &json!({"a": step, "b": step, "c": step}));
    }
    becomes(&json!(3), || graph(&home, "keys"));
    home.ok(&["sendkeys", "graph", "/", "x", "Escape", "Right", "/", "y", "Escape", "Right"]);
    becomes(&(json!("c"), json!(""), json!(false)), || (graph(&home, "focused"), graph(&home, "filter"), graph(&home, "filtering")));
    home.ok(&["sendkeys", "graph", "/", "b", "Escape", "Left"]);
    becomes(&(json!("b"), json!("")), || (graph(&home, "focused"), graph(&home, "filter")));
    home.ok(&["sendkeys", "graph", "/", "c", "Escape", "b", "2"]);
    becomes(&(json!("runs"), json!(false)), || (graph(&home, "tab"), graph(&home, "filtering")));
    // Alt is none: what is typed stays.
    home.ok(&["sendkeys", "graph", "1", "/", "c", "M-Left", "b", "M-x", "M-Enter"]);
    becomes(&json!("bc"), || graph(&home, "typing"));
    home.ok(&["sendkeys", "graph", "Escape", "2"]);
    becomes(&(json!("runs"), json!(false)), || (graph(&home, "tab"), graph(&home, "filtering")));
}

#[test]
fn nothing_is_drawn_when_nothing_changed() {
    let home = Home::new();
    let training = home.puppet("base");
    (1..=50).for_each(|step| training.log(step, &json!({"loss": 1.0 / step as f64})));
    training.tell("exit 2");
    training.end();
    comes("the status pane says it all", || {
        let status = home.ok(&["viewstate", "status", "--screen"]);
        status.contains("failed (exit 2)") && status.contains("step 50") && status.contains("controller: ok")
    });
    comes("the graph pane too", || home.ok(&["viewstate", "graph", "--screen"]).contains("failed (exit 2)"));
    for pane in ["graph", "status"] {
        home.ok(&["wait", pane, "settle:500", "--timeout", "20s"]);
    }
    // Two seconds in which nothing may come, not even the same again: the terminal's own count of bytes stands still.
    let written = |role: &str| -> u64 {
        let pid = home.ask(&training.pane(role), "#{pane_pid}");
        let io = fs::read_to_string(format!("/proc/{pid}/io")).unwrap();
        io.lines().find_map(|line| line.strip_prefix("wchar: ")).unwrap().parse().unwrap()
    };
    let all = || ["graph", "status"].map(|role| (frame(&home, role), written(role)));
    let before = all();
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(2) {
        std::thread::sleep(Duration::from_millis(250));
        assert_eq!(all(), before, "after {:?}", since.elapsed());
    }
}
