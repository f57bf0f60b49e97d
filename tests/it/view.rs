//! The board as a person and another client use it, in a real tmux: `og view`, `og set`, the config file, what it writes.

use crate::home::{Home, becomes, comes, fails, text};
use serde_json::{Value, json};
use std::{fs, io::Write, path::PathBuf};

/// Opens `og view` in a terminal of this size.
fn view(home: &Home, size: (u16, u16), args: &str) {
    let (cols, rows) = (size.0.to_string(), size.1.to_string());
    let command = format!("{} view {args}; echo left with $?; exec cat", env!("CARGO_BIN_EXE_og"));
    home.tmux(&["new-session", "-d", "-s", "v", "-x", &cols, "-y", &rows, &command]);
    comes("the board is drawn", || {
        screen(home).contains("state=running") || screen(home).contains("state unknown") || screen(home).contains("● ")
    });
}

fn screen(home: &Home) -> String {
    home.screen("v")
}

fn press(home: &Home, keys: &[&str]) {
    home.tmux(&[&["send-keys", "-t", "v"], keys].concat());
}

#[track_caller]
fn shows(home: &Home, words: &str) {
    let since = std::time::Instant::now();
    while !screen(home).contains(words) {
        assert!(since.elapsed() < crate::support::DEADLINE, "no {words:?} on\n{}", screen(home));
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// A log in the working folder that is no run of og's.
fn log(home: &Home) -> PathBuf {
    let path = home.work().join("metrics.jsonl");
    let line = |step: i64| {
        let x = step as f64;
        json!({"step": step, "train/loss": 5.0 / (1.0 + x), "val/loss": 6.0 / (1.0 + x), "lr": 0.1, "名前/損失": x}).to_string() + "\n"
    };
    fs::write(&path, (0..200).map(line).collect::<String>()).unwrap();
    path
}

fn written(home: &Home, start: &str, end: &str) -> Option<PathBuf> {
    let fits =
        |path: &PathBuf| path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(start) && name.ends_with(end));
    fs::read_dir(home.work()).unwrap().map(|entry| entry.unwrap().path()).find(fits)
}

#[test]
fn a_log_is_looked_at_without_a_canvas() {
    let home = Home::new();
    log(&home);
    view(&home, (100, 30), "metrics.jsonl");
    shows(&home, "loss ━ train");
    shows(&home, "名前/損失");
    // What reads a line of text: words and their deleting, as terminals send it.
    press(&home, &["/", "t", "r", "a", "i", "n", " ", "x", "y"]);
    shows(&home, "/train xy");
    press(&home, &["-H", "1b", "7f"]);
    shows(&home, "/train   ");
    press(&home, &["z", "-H", "1b", "08"]);
    press(&home, &["C-u", "l", "r"]);
    shows(&home, "/lr   1 of 4");
    // A paste in brackets, a paste from what was copied, and q is a letter.
    home.tmux(&["set-buffer", "-b", "words", "val q"]);
    press(&home, &["C-u"]);
    home.tmux(&["paste-buffer", "-p", "-b", "words", "-t", "v"]);
    shows(&home, "/val q");
    press(&home, &["BSpace", "BSpace", "C-v"]);
    shows(&home, "/valval q");
    // A copy is what is pasted next, in tmux too, which as it comes takes none from a program's escapes.
    press(&home, &["C-u", "l", "r", "C-c"]);
    shows(&home, "copied");
    comes("tmux has it", || home.tmux(&["show-buffer"]) == "lr");
    press(&home, &["C-u", "C-v", "C-v"]);
    shows(&home, "/lrlr");
    press(&home, &["C-u", "^", "v", "a", "l", "Tab"]);
    shows(&home, "re/^val");
    shows(&home, "1 of 4");
    press(&home, &["Enter"]);
    press(&home, &["s"]);
    comes("the screen is written", || written(&home, "screen-", ".png").is_some());
    let seen = fs::read_to_string(written(&home, "screen-", ".txt").unwrap()).unwrap();
    assert!(seen.contains("val/loss") && !seen.contains("train/loss"), "{seen}");
    shows(&home, "wrote screen-");
    press(&home, &["e"]);
    shows(&home, "wrote data-");
    let data = fs::read_to_string(written(&home, "data-", ".csv").unwrap()).unwrap();
    assert_eq!(data.lines().take(2).collect::<Vec<_>>(), ["step,time,val/loss", "0,,6.0"]);
    assert_eq!(data.lines().count(), 201);
    // The menu leads out.
    press(&home, &["Escape"]);
    shows(&home, "loss ━ train");
    press(&home, &["Escape"]);
    shows(&home, "> Options");
    press(&home, &["Down", "Down", "Enter"]);
    shows(&home, "left with 0");
}

/// The bytes that a terminal sends for a button of the mouse at a place, both 1-based.
fn mouse(home: &Home, button: u8, at: (u16, u16)) {
    let bytes = format!("\x1b[<{button};{};{}M", at.0, at.1);
    let hex: Vec<String> = bytes.bytes().map(|byte| format!("{byte:02x}")).collect();
    press(home, &[&["-H"], hex.iter().map(String::as_str).collect::<Vec<_>>().as_slice()].concat());
}

#[test]
fn the_mouse_works_as_terminals_send_it() {
    let home = Home::new();
    log(&home);
    let text: String = (0..300).map(|n| format!("line {n} of what was printed\n")).collect();
    fs::write(home.work().join("out.log"), text).unwrap();
    view(&home, (100, 30), "metrics.jsonl");
    shows(&home, "loss ━ train");
    // A click on a chart puts the crosshair there, escape takes it away, the wheel zooms.
    mouse(&home, 0, (20, 8));
    shows(&home, "@ ");
    press(&home, &["Escape"]);
    shows(&home, "min ");
    mouse(&home, 64, (20, 8));
    shows(&home, "zoomed");
    // Tabs, and what is open above them.
    let click = |word: &str| {
        shows(&home, word);
        let screen = screen(&home);
        let (y, line) = screen.lines().enumerate().find(|(_, line)| line.contains(word)).unwrap();
        let x = line[..line.find(word).unwrap()].chars().count();
        mouse(&home, 0, (x as u16 + 1, y as u16 + 1));
    };
    click("4 Logs");
    shows(&home, "nothing was printed so far");
    press(&home, &["m"]);
    click("Help");
    shows(&home, "next warning or error");
    mouse(&home, 65, (20, 10));
    shows(&home, "4-");
    click("1 Graphs");
    shows(&home, "loss ━ train");
    press(&home, &["q"]);
    shows(&home, "left with 0");
    home.tmux(&["kill-session", "-t", "v"]);
    view(&home, (100, 30), "out.log --set tab=logs");
    shows(&home, "line 299 of");
    mouse(&home, 64, (20, 10));
    shows(&home, "line 297 of 300");
    mouse(&home, 0, (20, 5));
    shows(&home, "line 273 of 300");
    mouse(&home, 65, (20, 10));
    shows(&home, "follows");
}

#[test]
fn a_storm_of_sizes_ends_in_the_last_one() {
    let home = Home::new();
    log(&home);
    view(&home, (100, 30), "metrics.jsonl");
    home.tmux(&["set-option", "-g", "window-size", "manual"]);
    for (n, cols) in (20..140).step_by(3).enumerate() {
        home.tmux(&["resize-window", "-t", "v", "-x", &cols.to_string(), "-y", &(5 + n % 30).to_string()]);
    }
    for (cols, rows) in [(200, 50), (120, 40), (80, 24), (50, 16), (20, 5)] {
        home.tmux(&["resize-window", "-t", "v", "-x", &cols.to_string(), "-y", &rows.to_string()]);
        let size = format!("{cols}x{rows}");
        let want = home.og(&["view", "metrics.jsonl", "--shot", "-", "--size", &size]).output().unwrap();
        let want: Vec<String> = text(&want.stdout).trim_end().lines().map(Into::into).collect();
        becomes(&want, || screen(&home).lines().map(Into::into).collect());
    }
}

#[test]
fn the_first_key_behind_a_new_size_is_heard() {
    let home = Home::new();
    log(&home);
    view(&home, (80, 24), "metrics.jsonl");
    home.tmux(&["set-option", "-g", "window-size", "manual"]);
    for (cols, key, word) in [(70, "6", "no alert"), (75, "8", "nobody to talk to"), (80, "6", "no alert")] {
        home.tmux(&["resize-window", "-t", "v", "-x", &cols.to_string()]);
        home.tmux(&["send-keys", "-t", "v", key]);
        shows(&home, word);
    }
}

#[test]
fn another_client_sets_what_the_person_sees_and_reads_it_back() {
    let home = Home::new();
    let training = home.puppet("base");
    (1..=50).for_each(|step| training.log(step, &json!({"train/loss": 5.0 / step as f64, "val/loss": 6.0 / step as f64, "lr": 0.1})));
    training.tell("echo here is a line; echo and another");
    comes("the charts are there", || home.json(&["viewstate", "--json"])["graph"]["keys"] == 3);
    let set = home.json(&["set", "filter=val", "smoothing=0.9", "xAxis=relative", "--json"]);
    let graph = &set["graph"];
    assert_eq!((&graph["filter"], &graph["smoothing"], &graph["xAxis"]), (&json!("val"), &json!(0.9), &json!("relative")));
    assert_eq!(set["visibleMetrics"].as_array().unwrap().len(), 1);
    assert_eq!(home.json(&["viewstate", "--json"])["graph"], *graph, "one state for all");
    comes("it is drawn", || home.screen(&home.pane("graph")).contains("val/loss"));
    // What a person does by keys is the same state.
    home.ok(&["sendkeys", "graph", "x", "--wait", "change"]);
    comes("the axis is told", || home.json(&["viewstate", "--json"])["graph"]["xAxis"] == "wall");

    assert!(home.ok(&["set", "tab=logs", "filter=another"]).starts_with("graph logs"));
    comes("the line is drawn", || home.screen(&home.pane("graph")).contains("and another"));
    fails(home.og(&["set", "tab=nowhere"]), 1, &["there is no tab `nowhere`", "graphs"]);
    fails(home.og(&["set", "nothing"]), 2, &["`nothing` is no NAME=VALUE"]);

    // The chat is a file that both write to.
    home.ok(&["set", "tab=chat"]);
    home.ok(&["sendkeys", "graph", "Enter", "\"is it flat?\"", "Enter", "--wait", "settle:100"]);
    let chat = home.canvas("base").join("chat.jsonl");
    comes("it is said", || fs::read_to_string(&chat).is_ok_and(|said| said.contains(r#""author":"human","text":"is it flat?""#)));
    comes("it is shown", || home.json(&["viewstate", "--json"])["graph"]["detail"]["last"]["text"] == "is it flat?");
    let mut said = fs::read_to_string(&chat).unwrap();
    said += "{\"author\":\"agent\",\"text\":\"since step 40\"}\n";
    fs::write(&chat, said).unwrap();
    comes("the answer is shown", || home.screen(&home.pane("graph")).contains("since step 40"));

    // A screenshot lies with the run.
    home.ok(&["sendkeys", "graph", "s", "--wait", "change"]);
    let names =
        || fs::read_dir(training.folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>();
    comes("it is written", || names().iter().any(|name| name.starts_with("screen-") && name.ends_with(".ans")));
}

#[test]
fn a_person_binds_keys_and_a_bad_file_changes_nothing() {
    let home = Home::new();
    log(&home);
    let config = home.dir.path().join(".config/og/config.json");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    fs::write(&config, r#"{"keys": {"zoom": ["M"]}, "ui": "minimal"}"#).unwrap();
    let keys = |name: &str| {
        let rows: Vec<Value> = serde_json::from_str(&home.ok(&["keys", "--json"])).unwrap();
        rows.iter().find(|row| row["name"] == name).unwrap()["keys"].clone()
    };
    assert_eq!((keys("zoom"), keys("help")), (json!(["M"]), json!(["h", "?", "f1"])));
    view(&home, (100, 30), "metrics.jsonl");
    shows(&home, "名前/損失");
    assert!(!screen(&home).contains("1 Graphs"), "{}", screen(&home));
    press(&home, &["M"]);
    comes("one chart fills the pane", || !screen(&home).contains("名前/損失"));
    // A view that is saved stands in the file, beside what was there.
    press(&home, &["V", "o", "n", "e", "Enter"]);
    comes("it is kept", || fs::read_to_string(&config).is_ok_and(|text| text.contains("\"one\"") && text.contains("\"zoom\"")));
    press(&home, &["q"]);
    shows(&home, "left with 0");
    home.tmux(&["kill-session", "-t", "v"]);

    // A slip costs only what it stands in.
    fs::write(&config, r#"{"keys": {"zoom": ["M"], "bogus": ["k"]}, "glyphs": "asci"}"#).unwrap();
    let printed = home.og(&["keys"]).output().unwrap();
    assert!(text(&printed.stdout).contains("  cursor-leap-right  "), "a name is whole: {}", text(&printed.stdout));
    let said = text(&printed.stderr);
    assert!(said.ends_with("; these are the keys that hold\n"), "{said}");
    assert!(
        said.contains("config.json:1:26: no key binding is called `bogus`") && said.contains("; 1:53: `glyphs`: unknown variant"),
        "{said}"
    );
    assert_eq!(keys("zoom"), json!(["M"]));

    let bad = "{\n  \"keys\": {\"zoom\": [\"q\"]\n}";
    fs::write(&config, bad).unwrap();
    let said = home.og(&["keys"]).output().unwrap();
    assert!(text(&said.stderr).contains("config.json:3:1: EOF"), "{}", text(&said.stderr));
    view(&home, (100, 30), "metrics.jsonl");
    shows(&home, "config.json:3:1: EOF");
    press(&home, &["Enter"]);
    comes("the keys are as they come", || !screen(&home).contains("名前/損失"));
    press(&home, &["V", "x", "Enter"]);
    shows(&home, "not kept: ");
    assert_eq!(fs::read_to_string(&config).unwrap(), bad, "a damaged file is left alone");
}

#[test]
fn a_picture_has_the_baseline_in_it_also_when_that_is_the_run_itself() {
    let home = Home::new();
    for fixture in ["failed", "media"] {
        let folder = home.work().join(format!("wandb/run-20261120_101500-{fixture}"));
        fs::create_dir_all(&folder).unwrap();
        let from = format!("{}/fixtures/wandb/{fixture}.wandb", env!("CARGO_MANIFEST_DIR"));
        fs::copy(from, folder.join(format!("run-{fixture}.wandb"))).unwrap();
    }
    let list: Value = serde_json::from_str(&home.ok(&["runs", "wandb", "--json"])).unwrap();
    let names: Vec<&str> = list.as_array().unwrap().iter().map(|run| run["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 2, "{list}");
    for name in &names {
        let drawn = home.ok(&["view", "wandb", "--run", names[0], "--shot", "-", "--set", &format!("baseline={name}")]);
        assert!(drawn.contains(&format!("{name} (baseline)")), "{name}: {drawn}");
    }
}

#[test]
fn the_data_and_the_picture_of_a_run_come_without_a_terminal() {
    let home = Home::new();
    log(&home);
    let table = home.ok(&["export", "metrics.jsonl", "--keys", "lr,val/*"]);
    assert_eq!(table.lines().take(2).collect::<Vec<_>>(), ["step,time,lr,val/loss", "0,,0.1,6.0"]);
    let points: Value = serde_json::from_str(&home.ok(&["export", "metrics.jsonl", "--format", "json"])).unwrap();
    assert_eq!((points["lr"].as_array().unwrap().len(), &points["lr"][3]["step"]), (200, &json!(3)));
    fails(home.og(&["export", "metrics.jsonl", "--keys", "none"]), 1, &["the run has no metric `none`", "hint: it has"]);

    home.ok(&["view", "metrics.jsonl", "--shot", "a.svg", "--size", "100x30", "--theme", "light"]);
    let picture = fs::read_to_string(home.work().join("a.svg")).unwrap();
    assert!(picture.contains("viewBox=\"0 0 900 540\"") && picture.contains(">train<"), "{picture}");
    home.ok(&["view", "metrics.jsonl", "--shot", "a.png", "--size", "100x30"]);
    let pixels = fs::read(home.work().join("a.png")).unwrap();
    assert_eq!(pixels[..8], *b"\x89PNG\r\n\x1a\n");
    assert_eq!((&pixels[16..20], &pixels[20..24]), (&1800u32.to_be_bytes()[..], &1080u32.to_be_bytes()[..]), "twice the SVG's");
    home.ok(&["view", "metrics.jsonl", "--shot", "b.PNG", "--size", "100x30"]);
    assert_eq!(fs::read(home.work().join("b.PNG")).unwrap(), pixels);
    fails(home.og(&["view", "metrics.jsonl", "--shot", "a.jpg"]), 1, &["cannot draw a.jpg", ".png, .svg"]);
    assert!(!home.work().join("a.jpg").exists());
    let plain = home.ok(&["view", "metrics.jsonl", "--shot", "-", "--size", "80x24", "--set", "filter=lr", "--ascii"]);
    assert!(plain.contains("lr") && !plain.contains("val/loss") && plain.lines().count() == 24, "{plain}");
    fails(home.og(&["view", "metrics.jsonl", "--shot", "-", "--set", "smoothing=much"]), 1, &["cannot set smoothing", "is wanted"]);
    assert!(text(&home.og(&["view", "metrics.jsonl", "--size", "0x5"]).output().unwrap().stderr).contains("such as 120x40"));
    fails(home.og(&["view", "metrics.jsonl"]), 1, &["a pane needs a terminal", "--shot -"]);
    fails(home.og(&["view"]), 1, &["there is no run here yet"]);
}

#[test]
fn what_comes_through_a_pipe_is_looked_at_while_it_comes() {
    let home = Home::new();
    let temporary = home.work().join("tmp");
    fs::create_dir(&temporary).unwrap();
    let left = || fs::read_dir(&temporary).unwrap().count();
    // Without it tmux ends with the first of the two, and on its way out takes no other: nobody would ever read the pipe.
    home.tmux(&["new-session", "-d", "-s", "keep", "exec cat"]);
    // By name and by `-`: lines of JSON, and what a training prints.
    for (args, lines, told) in [
        ("cat feed | {og} view -", ["{\"step\": 1, \"train/loss\": 4321.0}\n", "{\"step\": 2, \"train/loss\": 1234.0}\n"], "train/loss"),
        ("{og} view feed", ["step 1 loss 4321.0\n", "step 2 loss 1234.0\n"], "loss"),
    ] {
        let feed = home.work().join("feed");
        assert!(std::process::Command::new("mkfifo").arg(&feed).status().unwrap().success());
        let og = format!("TMPDIR={} {}", temporary.display(), env!("CARGO_BIN_EXE_og"));
        let command = format!("{}; echo left with $?; exec cat", args.replace("{og}", &og));
        home.tmux(&["new-session", "-d", "-s", "v", "-x", "100", "-y", "30", &command]);
        let mut pipe = fs::OpenOptions::new().write(true).open(&feed).unwrap();
        shows(&home, "waiting for the first metric...");
        pipe.write_all(lines[0].as_bytes()).unwrap();
        shows(&home, "4321");
        shows(&home, told);
        pipe.write_all(lines[1].as_bytes()).unwrap();
        shows(&home, "1234");
        assert_eq!(left(), 1);
        // Its end is not ours, and keys come from the terminal.
        drop(pipe);
        press(&home, &["h"]);
        shows(&home, "(up/down, esc)");
        press(&home, &["q", "q"]);
        shows(&home, "left with 0");
        assert_eq!(left(), 0, "what came is gone with us");
        home.tmux(&["kill-session", "-t", "v"]);
        fs::remove_file(&feed).unwrap();
    }
}
