//! Where the panes of a canvas stand, at every size, and whose the layout is.

use crate::home::{Home, alive, becomes, comes, read_json};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Places by role, as [`Home::places`] gives them.
fn places(of: &[(&str, &str)]) -> BTreeMap<String, String> {
    of.iter().map(|(role, place)| (role.to_string(), place.to_string())).collect()
}

/// The window's sizes that matter, and what a canvas looks like there.
fn looks(cols: u16, rows: u16) -> [&'static str; 3] {
    match (cols, rows) {
        (200, 50) => ["89x44+0+0@0", "110x44+90+0@0", "200x5+0+45@0"],
        (120, 40) => ["53x34+0+0@0", "66x34+54+0@0", "120x5+0+35@0"],
        (80, 24) => ["80x7+0+0@0", "80x12+0+8@0", "80x3+0+21@0"],
        (80, 23) => ["80x7+0+0@0", "80x11+0+8@0", "80x3+0+20@0"],
        (50, 30) => ["50x10+0+0@0", "50x15+0+11@0", "50x3+0+27@0"],
        (79, 24) => ["79x22+0+0@0", "79x24+0+0@1", "79x1+0+23@0"],
        (50, 16) => ["50x14+0+0@0", "50x16+0+0@1", "50x1+0+15@0"],
        (48, 14) => ["48x12+0+0@0", "48x14+0+0@1", "48x1+0+13@0"],
        other => panic!("{other:?}"),
    }
}

/// That nothing happens can only be seen by watching for a while. The controller rests 60 ms before it lays out.
#[track_caller]
fn stays<T: PartialEq + std::fmt::Debug>(want: &T, is: impl Fn() -> T) {
    let since = Instant::now();
    while since.elapsed() < Duration::from_millis(300) {
        assert_eq!(is(), *want);
    }
}

/// The places without the number of the second window, which is another each time that it is made.
fn seen(home: &Home) -> [String; 3] {
    let mut places = home.places();
    ["train", "graph", "status"].map(|role| {
        let place = places.remove(role).unwrap_or_default();
        let at = place.find('@').unwrap_or(place.len());
        if place.ends_with("@0") { place } else { format!("{}@1", &place[..at]) }
    })
}

#[test]
fn a_canvas_is_laid_out_anew_whenever_its_window_changes_size() {
    let home = Home::new();
    let training = home.puppet("base");
    assert_eq!(seen(&home), looks(200, 50));
    let sizes = [(120, 40), (80, 24), (79, 24), (50, 16), (48, 14), (80, 23), (50, 30), (200, 50), (48, 14), (200, 50)];
    for (cols, rows) in sizes {
        // Windows follow each other only where a client is attached; here both are given the size.
        for window in home.tmux(&["list-windows", "-t", "=og-base", "-F", "#{window_id}"]).lines() {
            home.tmux(&["resize-window", "-t", window, "-x", &cols.to_string(), "-y", &rows.to_string()]);
        }
        let want = looks(cols, rows).map(String::from);
        becomes(&want, || {
            let graph = home.tmux(&["list-windows", "-t", "=og-base", "-f", "#{!=:#{window_id},@0}", "-F", "#{window_id}"]);
            if let Some(window) = graph.lines().next().filter(|_| want[1].ends_with("@1")) {
                home.tmux(&["resize-window", "-t", window, "-x", &cols.to_string(), "-y", &rows.to_string()]);
            }
            seen(&home)
        });
        assert!(alive(training.pid()));
        assert_eq!(home.ask(&training.pane("train"), "#{pane_pid}"), training.pid().to_string());
    }
    // What the controller says of the panes is what is there.
    becomes(&vec![(89, 44), (110, 44), (200, 5)], || {
        let panes = home.json(&["panes", "--json"]);
        panes.as_array().unwrap().iter().map(|pane| (pane["cols"].as_u64().unwrap(), pane["rows"].as_u64().unwrap())).collect()
    });
    training.tell("echo still the same shell");
    comes("the training goes on", || home.screen(&training.pane("train")).contains("still the same shell"));
}

#[test]
fn a_terminal_of_any_size_gets_a_canvas_that_fits_and_follows_it() {
    let home = Home::new();
    let og = env!("CARGO_BIN_EXE_og");
    // One row of a terminal is tmux's status line.
    for (name, cols, rows) in [("wide", 200, 51), ("low", 80, 24), ("small", 50, 17)] {
        let size = [&cols.to_string(), &rows.to_string()].map(String::from);
        let run = format!("{og} run --tmux-socket og --name {name} -- cat; cat");
        home.tmux_on("outer", &["new-session", "-d", "-s", name, "-x", &size[0], "-y", &size[1], "env", "-u", "TMUX", "sh", "-c", &run]);
        home.tmux_on("outer", &["set", "-t", name, "status", "off"]);
        becomes(&1, || home.people_on(&format!("=og-{name}")));
        let here = |home: &Home| {
            let format = "#{pane_width}x#{pane_height}+#{pane_left}+#{pane_top} #{window_index} #{@og_role}";
            let listed = home.tmux(&["list-panes", "-s", "-t", &format!("=og-{name}"), "-F", format]);
            let mut listed: Vec<String> = listed.lines().map(String::from).collect();
            listed.sort_by_key(|line| ["train", "graph", "status"].iter().position(|role| line.ends_with(role)));
            listed
        };
        let want = |cols: u16, rows: u16| -> Vec<String> {
            let place = |(look, role): (&str, &str)| look.replace('@', " ") + " " + role;
            looks(cols, rows).into_iter().zip(["train", "graph", "status"]).map(place).collect()
        };
        becomes(&want(cols, rows - 1), || here(&home));

        // The terminal's window becomes wide, then as it was.
        for (cols, rows) in [(120, 41), (cols, rows)] {
            home.tmux_on("outer", &["resize-window", "-t", name, "-x", &cols.to_string(), "-y", &rows.to_string()]);
            becomes(&want(cols, rows - 1), || here(&home));
        }
    }
}

#[test]
fn a_border_that_a_person_moved_is_theirs() {
    let home = Home::new();
    let training = home.puppet("base");
    let manual = || read_json(&home.canvas("base").join("state.json")).is_some_and(|state| state["manual"] == true);
    assert!(!manual());
    home.tmux(&["resize-pane", "-t", &training.pane("train"), "-x", "120"]);
    comes("the controller sees whose it is", manual);
    let moved = places(&[("train", "120x44+0+0@0"), ("graph", "79x44+121+0@0"), ("status", "200x5+0+45@0")]);
    stays(&moved, || home.places());

    // A new size keeps their proportions, as tmux does it, also after another controller took over.
    home.ok(&["canvas", "restart", "base"]);
    home.tmux(&["resize-window", "-t", "@0", "-x", "160", "-y", "40"]);
    becomes(&vec![160u64], || {
        let panes = home.json(&["panes", "--json"]);
        panes.as_array().unwrap().iter().filter(|pane| pane["role"] == "status").map(|pane| pane["cols"].as_u64().unwrap()).collect()
    });
    let theirs = home.places();
    assert!(theirs["train"].starts_with("100x") && theirs["graph"].starts_with("59x"), "{theirs:?}");
    stays(&theirs, || home.places());
}

#[test]
fn a_zoomed_pane_stays_zoomed() {
    let home = Home::new();
    let training = home.puppet("base");
    home.tmux(&["resize-pane", "-Z", "-t", &training.pane("graph")]);
    home.tmux(&["resize-window", "-t", "@0", "-x", "120", "-y", "40"]);
    stays(&"1".into(), || home.ask("@0", "#{window_zoomed_flag}"));
    home.tmux(&["resize-pane", "-Z", "-t", &training.pane("graph")]);
    becomes(&looks(120, 40).map(String::from), || seen(&home));
}

#[test]
fn closing_panes_of_og_gives_the_training_their_room_and_nothing_else() {
    let home = Home::new();
    let training = home.puppet("base");
    training.log(1, &serde_json::json!({"loss": 1}));
    comes("the graph pane draws", || home.ok(&["viewstate", "graph", "--screen"]).contains("loss"));
    // `q` closes the pane in which it is typed, as a person would.
    home.ok(&["sendkeys", "graph", "q"]);
    becomes(&places(&[("train", "200x44+0+0@0"), ("status", "200x5+0+45@0")]), || home.places());
    home.tmux(&["kill-pane", "-t", &training.pane("status")]);
    becomes(&places(&[("train", "200x50+0+0@0")]), || home.places());
    stays(&1, || home.places().len());
    assert!(alive(training.pid()));
    training.tell("echo alone");
    home.ok(&["wait", "train", "text:^alone"]);
    assert_eq!(home.json(&["panes", "--json"]).as_array().unwrap().len(), 1);
    assert!(home.ok(&["viewstate"]).contains("running"));
    training.tell("exit 0");
    assert_eq!(training.end()["code"], 0);
}
