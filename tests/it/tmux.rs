//! The door `tmux` against the real program.

use std::{
    fs, io,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command as Process, Stdio},
    time::Duration,
};

use og::{
    term::Seed,
    tmux::{
        Client, Command, FromTmux, Layout, NewPane, PaneId, Place, Server, Size, Socket, Ticket, TmuxError, Toward,
        capture::{self, Capture, CaptureError},
        command::{Send, continue_pane, pause_pane, send_keys},
        control::{Event, Reply},
    },
};
use tokio::time::timeout;

use crate::support::{DEADLINE, TestServer, sh, until};

/// A file that two processes can agree on.
fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn beside(target: PaneId, toward: Toward, size: Option<Size>) -> Place {
    Place { target, toward, size, full: false }
}

async fn attach(test: &TestServer, session: &str) -> Client {
    Client::attach(&test.server, session).await.unwrap()
}

async fn next(client: &mut Client) -> FromTmux {
    match timeout(DEADLINE, client.next()).await.expect("tmux is silent") {
        Some(message) => message,
        None => panic!("tmux is gone"),
    }
}

/// The replies to a line, and the output of all panes until then.
async fn replies(client: &mut Client, ticket: Ticket) -> (Vec<Reply>, Vec<u8>) {
    let mut before = vec![];
    loop {
        match next(client).await {
            FromTmux::Reply { ticket: got, replies } if got == ticket => return (replies, before),
            FromTmux::Output { bytes, .. } => before.extend(bytes),
            FromTmux::Gone { reason } => panic!("{reason}"),
            _ => {}
        }
    }
}

/// The output of all panes until `mark` was printed.
async fn printed(client: &mut Client, mark: &str) -> Vec<u8> {
    let mut out = vec![];
    while memchr::memmem::find(&out, mark.as_bytes()).is_none() {
        match next(client).await {
            FromTmux::Output { bytes, .. } => out.extend(bytes),
            FromTmux::Gone { reason } => panic!("{reason}"),
            _ => {}
        }
    }
    out
}

async fn captured(client: &mut Client, pane: PaneId) -> Result<Capture, CaptureError> {
    let ticket = client.command(&capture::commands(pane, "og-6b1f")).unwrap();
    capture::parse(&replies(client, ticket).await.0)
}

/// The first capture that shows what the program was to draw.
async fn captured_when(client: &mut Client, pane: PaneId, drawn: impl Fn(&Seed) -> bool) -> Capture {
    let found = timeout(DEADLINE, async {
        loop {
            let capture = captured(client, pane).await.unwrap();
            if drawn(&capture.seed) {
                return capture;
            }
        }
    });
    found.await.expect("the program did not draw it")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_installed_tmux_is_new_enough() {
    let version = Server::new(Socket::Default).check_floor().unwrap();
    assert!(version.is_enough(), "{version}");
}

#[test]
fn a_session_runs_its_program_where_and_how_it_was_told() {
    let test = TestServer::start();
    let dir = scratch();
    let program = dir.path().join("#{x} it's; a %H $HOME program;");
    fs::write(&program, "#!/bin/sh\nprintf '%s|' \"$0\" \"$PWD\" \"$OG_A\" $$ \"$@\" > out.tmp; mv out.tmp out; exec cat\n").unwrap();
    Process::new("chmod").arg("+x").arg(&program).status().unwrap();
    let cwd = dir.path().join("#{pane_id} ;");
    fs::create_dir(&cwd).unwrap();
    let program = program.to_str().unwrap().to_string();
    for (name, args) in [("one", &[][..]), ("many", &["a b", "-t", ";", "x;", "$HOME", "#{pane_id}"])] {
        let mut argv = vec![program.clone()];
        argv.extend(args.iter().map(|a| a.to_string()));
        let pane = NewPane { argv: argv.clone(), cwd: Some(cwd.clone()), env: vec![("OG_A".into(), "a=b;".into())] };
        let info = test.server.new_session(&og::tmux::NewSession { name: name.into(), cols: 70, rows: 20, pane }).unwrap();
        assert_eq!((info.session_name.as_str(), info.cols, info.rows, info.dead), (name, 70, 20, None));
        let out = until("the program has run", || fs::read_to_string(cwd.join("out")).ok());
        fs::remove_file(cwd.join("out")).unwrap();
        let pid = info.pid.unwrap().to_string(); // the pane's own process is the program
        let want = [&[program.as_str(), cwd.to_str().unwrap(), "a=b;", &pid], args].concat().join("|") + "|";
        assert_eq!(out, want);
    }
}

#[test]
fn sessions_are_found_by_their_exact_name() {
    let test = TestServer::start();
    test.session("og-a", 80, 24, "cat");
    assert!(test.server.has_session("og-a").unwrap());
    assert!(!test.server.has_session("og").unwrap());
    let names: Vec<String> = test.server.list_sessions().unwrap().into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["hold", "og-a"]);
    test.server.kill_session("og-a").unwrap();
    assert!(!test.server.has_session("og-a").unwrap());
    assert_eq!(test.server.people("hold").unwrap(), 0);
}

#[test]
fn what_tmux_refuses_is_told_in_its_words_with_a_hint() {
    let test = TestServer::start();
    let gone = test.server.kill_pane(PaneId(99)).unwrap_err();
    assert_eq!(gone.to_string(), "tmux can't find pane: %99");
    assert!(gone.hint().is_some());
    let taken = og::tmux::NewSession { name: "hold".into(), cols: 80, rows: 24, pane: sh("cat") };
    assert_eq!(test.server.new_session(&taken).unwrap_err().to_string(), "tmux new-session: duplicate session: hold");
    let nobody = Server::new(Socket::Name(format!("{}-none", test.name)));
    assert!(matches!(nobody.list_panes(None), Err(TmuxError::NoServer { .. })));
    assert_eq!(nobody.list_sessions().unwrap(), []);
    assert!(!nobody.has_session("a").unwrap());
    let long = NewPane { argv: vec!["echo".into(), "x".repeat(20_000)], ..NewPane::default() };
    assert!(test.server.new_window("hold", None, &long).unwrap_err().hint().unwrap().contains("16 KB"));
}

#[test]
fn a_tmux_variable_that_outlived_its_server_is_stale() {
    let test = TestServer::start();
    let path = test.tmux(&["display-message", "-p", "#{socket_path}"]).trim().to_string();
    let found = Server::from_named(&format!("{path},123,0")).unwrap();
    assert!(found.has_session("hold").unwrap());
    drop(test);
    until("the socket is closed", || Server::from_named(&format!("{path},123,0")).err());
    assert!(matches!(Server::from_named(&format!("{path},123,0")), Err(TmuxError::Stale { .. })));
}

#[test]
fn panes_are_split_tagged_moved_and_listed() {
    let test = TestServer::start();
    let first = test.session("og-a", 100, 30, "cat");
    let below = test.server.split(beside(first.id, Toward::Below, Some(Size::Cells(10))), &sh("cat")).unwrap();
    let left = test.server.split(beside(first.id, Toward::Left, Some(Size::Percent(20))), &sh("cat")).unwrap();
    test.server.set_pane_option(left, "@og_canvas", "a; b;").unwrap();
    test.server.set_pane_option(left, "@og_role", "-graph").unwrap();
    let list = test.server.list_panes(Some("og-a")).unwrap();
    let find = |id| list.iter().find(|p| p.id == id).unwrap();
    assert_eq!(list.iter().map(|p| p.id).collect::<Vec<_>>(), [left, first.id, below]);
    assert_eq!((find(left).cols, find(left).rows, find(left).left, find(left).top), (20, 19, 0, 0));
    assert_eq!((find(below).cols, find(below).rows, find(below).left, find(below).top), (100, 10, 0, 20));
    assert_eq!((find(left).canvas.as_deref(), find(left).role.as_deref()), (Some("a; b;"), Some("-graph")));
    assert_eq!((find(left).window_cols, find(left).window_rows, find(left).clients), (100, 30, 0));
    assert!(find(first.id).active && !find(left).active, "a split takes no focus");
    assert_eq!(test.server.list_panes(None).unwrap().len(), 4);

    assert_eq!(test.server.show_option(left, "@og_role").unwrap().as_deref(), Some("-graph"));
    test.server.unset_pane_option(left, "@og_role").unwrap();
    assert_eq!(test.server.show_option(left, "@og_role").unwrap(), None);
    test.server.set_window_option(first.window, "remain-on-exit", "on").unwrap();
    assert_eq!(test.server.show_option(below, "remain-on-exit").unwrap().as_deref(), Some("on"));
    test.server.unset_window_option(first.window, "remain-on-exit").unwrap();
    assert_eq!(test.server.show_option(below, "remain-on-exit").unwrap().as_deref(), Some("off"));

    let window = test.server.break_pane(left, "og-a", Some("out #{pane_id}")).unwrap();
    assert_eq!(test.server.pane(left).unwrap().unwrap().window, window);
    assert_eq!(test.server.display(&window.to_string(), "#{window_name}").unwrap(), "out #{pane_id}");
    test.server.join_pane(left, beside(below, Toward::Right, None)).unwrap();
    let joined = test.server.pane(left).unwrap().unwrap();
    assert_eq!((joined.window, joined.canvas.as_deref()), (first.window, Some("a; b;")));
    test.server.kill_pane(left).unwrap();
    assert_eq!(test.server.pane(left).unwrap(), None);
    let other = test.server.new_window("og-a", Some("more"), &sh("cat")).unwrap();
    assert!(!test.server.pane(other).unwrap().unwrap().window_active);
}

#[test]
fn a_layout_goes_through_tmux_unchanged() {
    let test = TestServer::start();
    let first = test.session("og-a", 160, 48, "cat");
    let right = test.server.split(beside(first.id, Toward::Right, None), &sh("cat")).unwrap();
    test.server.split(beside(right, Toward::Below, None), &sh("cat")).unwrap();
    let before = test.server.layout(first.window).unwrap();
    let shown = test.server.display(&first.window.to_string(), "#{window_layout}").unwrap();
    assert_eq!(before.to_string(), shown);
    assert_eq!(before.panes(), test.server.list_panes(Some("og-a")).unwrap().iter().map(|p| p.id).collect::<Vec<_>>());
    test.server.select_layout(first.window, "even-vertical").unwrap();
    assert_ne!(test.server.layout(first.window).unwrap(), before);
    test.server.select_layout(first.window, &before.to_string()).unwrap();
    assert_eq!(test.server.layout(first.window).unwrap(), before);

    let leaf = |rows, y| Layout { cols: 160, rows, x: 0, y, node: og::tmux::layout::Node::Leaf(None) };
    let rows = og::tmux::layout::Node::Rows(vec![leaf(10, 0), leaf(30, 11), leaf(6, 42)]);
    let ours = Layout { cols: 160, rows: 48, x: 0, y: 0, node: rows };
    test.server.select_layout(first.window, &ours.to_string()).unwrap();
    let heights: Vec<u16> = test.server.list_panes(Some("og-a")).unwrap().iter().map(|p| p.rows).collect();
    assert_eq!(heights, [10, 30, 6]);
}

#[test]
fn a_pipe_gets_the_first_byte_and_the_last() {
    let test = TestServer::start();
    let dir = scratch();
    let log = dir.path().join("it's a \"log\" #{x} #[y] ##[z] %H $(z);");
    let quoted = shlex::try_quote(log.to_str().unwrap()).unwrap().into_owned();
    // The pane waits in a program that prints nothing, so that the pipe stands before the program starts.
    let pane = test.session("og-a", 80, 24, "exec cat");
    test.server.set_pane_option(pane.id, "remain-on-exit", "on").unwrap();
    test.server.pipe_pane(pane.id, &format!("exec cat >> {quoted}")).unwrap();
    test.server.respawn_pane(pane.id, &sh("printf 'first\\n'; seq 1 20000; printf last")).unwrap();
    let want = format!("first\r\n{}last", (1..=20_000).map(|i| format!("{i}\r\n")).collect::<String>());
    until("the log is whole", || fs::read_to_string(&log).ok().filter(|text| text.len() >= want.len()));
    assert!(fs::read_to_string(&log).unwrap() == want);
    let piped = || test.server.display(&pane.id.to_string(), "#{pane_pipe}").unwrap();
    test.server.respawn_pane(pane.id, &sh("exec cat")).unwrap();
    assert_eq!(piped(), "1");
    test.server.close_pipe(pane.id).unwrap();
    test.server.close_pipe(pane.id).unwrap();
    assert_eq!(piped(), "0");
    let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, [log.file_name().unwrap()]);
}

#[test]
fn a_death_is_told_by_status_or_signal() {
    let test = TestServer::start();
    let pane = test.session("og-a", 80, 24, "exec cat").id;
    test.server.set_pane_option(pane, "remain-on-exit", "on").unwrap();
    let death = |script: &str| {
        test.server.respawn_pane(pane, &sh(script)).unwrap();
        until("the pane is dead", || test.server.death(pane).unwrap())
    };
    assert_eq!(test.server.death(pane).unwrap(), None);
    // Several times, since tmux misses many an end until it is made to look.
    for status in 1..20 {
        let exit = death(&format!("exit {status}"));
        assert_eq!((exit.status, exit.signal), (Some(status), None));
    }
    let signal = death("kill -9 $$");
    if test.server.version().unwrap().to_string().starts_with("3.2") {
        assert_eq!(signal, og::tmux::Death::default(), "told only from 3.3 on");
        return;
    }
    assert_eq!((signal.status, signal.signal), (None, Some(9)));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64;
    assert!((now - signal.time_unix_s.unwrap()).abs() < 60);
}

#[tokio::test]
async fn keys_text_and_paste_arrive_as_meant() {
    let test = TestServer::start();
    let dir = scratch();
    let out = dir.path().join("out");
    // -echo -icanon: what comes is what was sent, byte by byte; the first 2004h asks for bracketed paste.
    let script = format!("stty raw -echo; printf '\\033[?2004hready'; exec cat > {}", out.display());
    let pane = test.session("og-a", 80, 24, &script).id;
    let mut client = attach(&test, "og-a").await;
    until("raw mode is on", || test.server.display(&pane.to_string(), "#{cursor_x}").ok().filter(|x| x == "5"));
    let odd = "~a; b;\t$HOME \"x\" 'y' \\ #{pane_id} %0; {é 日本 ⏎ 👩\u{200d}🚀}\r\n\n;";
    let sends = [Send::Text(odd), Send::Key("C-c"), Send::Key("Up"), Send::Key("-"), Send::Paste("p;\n\x1b[201~$x~"), Send::Text("end")];
    // In copy mode keys would go to tmux.
    test.tmux(&["copy-mode", "-t", &pane.to_string()]);
    let ticket = client.command(&send_keys(pane, &sends, true)).unwrap();
    let (answers, _) = replies(&mut client, ticket).await;
    assert!(answers.iter().all(|r| r.ok), "{}", answers[answers.len() - 1].words());
    let typed = odd.replace("\r\n", "\r").replace('\n', "\r");
    let want = format!("{typed}\x03\x1b[A-\x1b[200~p;\r$x~\x1b[201~end");
    let got = until("all keys came", || fs::read(&out).ok().filter(|b| b.ends_with(b"end")));
    assert_eq!(text(&got), want);
}

#[tokio::test]
async fn a_big_paste_arrives_whole() {
    let test = TestServer::start();
    let dir = scratch();
    let out = dir.path().join("out");
    let pane = test.session("og-a", 80, 24, &format!("stty raw -echo; printf ready; exec cat > {}", out.display())).id;
    let mut client = attach(&test, "og-a").await;
    until("raw mode is on", || test.server.display(&pane.to_string(), "#{cursor_x}").ok().filter(|x| x == "5"));
    let big: String = (0..20_000).map(|i| format!("{i} é;$~\\\"\n")).collect();
    let ticket = client.command(&send_keys(pane, &[Send::Paste(&big)], false)).unwrap();
    assert!(replies(&mut client, ticket).await.0.iter().all(|r| r.ok));
    let got = until("all came", || fs::read(&out).ok().filter(|b| b.len() >= big.len()));
    assert!(text(&got) == big.replace('\n', "\r"));
    assert_eq!(test.tmux(&["list-buffers"]), "", "no buffer is left behind");
}

#[tokio::test]
async fn what_is_typed_comes_back_as_output_before_a_later_reply() {
    let test = TestServer::start();
    let pane = test.session("og-a", 80, 24, "exec cat").id;
    let mut client = attach(&test, "og-a").await;
    client.command(&send_keys(pane, &[Send::Text("hello é\n")], false)).unwrap();
    let out = printed(&mut client, "hello é\r\nhello é\r\n").await;
    assert_eq!(text(&out), "hello é\r\nhello é\r\n");
    let twice = [Command::new("display-message").arg("-p").arg("a;b"), Command::new("display-message").arg("-p").arg("c")];
    let ticket = client.command(&twice).unwrap();
    let (answers, _) = replies(&mut client, ticket).await;
    assert_eq!(answers.iter().map(Reply::words).collect::<Vec<_>>(), ["a;b", "c"]);
    let nothing = client.command(&[]).unwrap();
    assert_eq!(replies(&mut client, nothing).await.0, []);
}

#[tokio::test]
async fn a_line_stops_at_its_first_failure_and_the_next_is_answered() {
    let test = TestServer::start();
    let mut client = attach(&test, "hold").await;
    let say = |word: &str| Command::new("display-message").arg("-p").arg(word);
    let bad = client.command(&[say("a"), Command::new("kill-pane").target(PaneId(99)), say("b")]).unwrap();
    let unknown = client.command(&[say("a"), Command::new("no-such-command")]).unwrap();
    let good = client.command(&[say("c")]).unwrap();
    let (answers, _) = replies(&mut client, bad).await;
    assert_eq!(
        answers.iter().map(|r| (r.ok, r.words())).collect::<Vec<_>>(),
        [(true, "a".into()), (false, "can't find pane: %99".to_string())]
    );
    assert!(!replies(&mut client, unknown).await.0[0].ok);
    assert_eq!(replies(&mut client, good).await.0[0].words(), "c");
}

#[tokio::test]
async fn the_session_is_told_of_its_end_and_of_its_layout() {
    let test = TestServer::start();
    let first = test.session("og-a", 80, 24, "exec cat");
    let mut client = attach(&test, "og-a").await;
    let split = test.server.split(beside(first.id, Toward::Right, None), &sh("exec cat")).unwrap();
    let layout = loop {
        if let FromTmux::Event(Event::LayoutChange { window, layout, .. }) = next(&mut client).await {
            assert_eq!(window, first.window);
            break layout.parse::<Layout>().unwrap();
        }
    };
    assert_eq!(layout.panes(), [first.id, split]);
    test.server.kill_session("og-a").unwrap();
    let reason = loop {
        if let FromTmux::Gone { reason } = next(&mut client).await {
            break reason;
        }
    };
    assert!(!reason.is_empty());
    assert_eq!(client.next().await, None);
    assert!(matches!(client.command(&[continue_pane(first.id)]), Err(TmuxError::Gone { .. })));
}

#[tokio::test]
async fn attaching_to_nothing_says_what_is_missing() {
    let test = TestServer::start();
    let refused = Client::attach(&test.server, "nope").await.err().unwrap();
    assert!(matches!(&refused, TmuxError::NoTarget { words } if words.contains("nope")), "{refused}");
    let nobody = Server::new(Socket::Name(format!("{}-none", test.name)));
    let refused = Client::attach(&nobody, "hold").await.err().unwrap();
    assert!(matches!(&refused, TmuxError::NoServer { .. }), "{refused:?}");
    assert_eq!(test.clients(), [] as [&str; 0]);
}

#[tokio::test]
async fn a_paused_pane_is_silent_runs_on_and_can_be_captured() {
    let test = TestServer::start();
    let pane = test.session("og-a", 80, 24, "exec cat").id;
    let mut client = attach(&test, "og-a").await;
    let ticket = client.command(&[pause_pane(pane)]).unwrap();
    assert_eq!(next_notable(&mut client).await, FromTmux::Event(Event::Paused(pane)));
    assert!(replies(&mut client, ticket).await.0[0].ok);
    client.command(&send_keys(pane, &[Send::Text("unseen\n")], false)).unwrap();
    let seed = captured_when(&mut client, pane, |seed| seed.lines[1].starts_with(b"unseen")).await.seed;
    assert_eq!(text(&seed.lines[0]).trim_end(), "unseen");
    let resync = [vec![continue_pane(pane)], capture::commands(pane, "og-77c1")].concat();
    let ticket = client.command(&resync).unwrap();
    assert_eq!(next_notable(&mut client).await, FromTmux::Event(Event::Continued(pane)));
    let (answers, before) = replies(&mut client, ticket).await;
    assert_eq!(text(&before), "", "nothing of the paused time comes");
    assert_eq!(capture::parse(&answers).unwrap().seed, seed);
    client.command(&send_keys(pane, &[Send::Text("seen\n")], false)).unwrap();
    assert_eq!(text(&printed(&mut client, "seen\r\nseen\r\n").await), "seen\r\nseen\r\n");
}

/// The next of pauses, output and replies.
async fn next_notable(client: &mut Client) -> FromTmux {
    loop {
        match next(client).await {
            FromTmux::Event(event @ (Event::Paused(_) | Event::Continued(_))) => return FromTmux::Event(event),
            FromTmux::Event(_) | FromTmux::Reply { .. } => {}
            other => return other,
        }
    }
}

#[tokio::test]
async fn a_screen_that_uses_everything_becomes_its_seed() {
    let test = TestServer::start();
    let main = "main $HOME \\\\ \\033[31mred\\r\\nback\\\\\\\\slash";
    let modes = "\\033[?1002h\\033[?1006h\\033[?1h\\033=\\033[?25l\\033[3;5r\\033[?6h\\033[4h";
    let alternate = "\\033[H\\033[1mbold\\r\\nnext\\033[m \\033(0lqk\\033(B lqk é日\\033[7;20H";
    let script = format!("printf '{main}\\033[?1049h{alternate}{modes}\\033[2;9Hab\\033[38;5'; exec cat");
    let pane = test.session("og-a", 10, 6, &script).id;
    let mut client = attach(&test, "og-a").await;
    let mut capture = captured_when(&mut client, pane, |seed| !seed.partial.is_empty()).await;
    // tmux 3.2 writes blanks after the text of a row, others do not.
    let lines = drawn(10, &std::mem::take(&mut capture.seed.lines));
    assert_eq!(lines, drawn(10, &["\x1b[1;31mbold", "next\x1b[m ┌─┐ l", "qk é日", "        ab", "", ""]));
    let main = drawn(10, &capture.seed.main_lines.take().unwrap());
    assert_eq!(main, drawn(10, &["main $HOME", " \\ \x1b[31mred", "back\\\\slas", "h", "", ""]));
    let want = Seed {
        cols: 10,
        rows: 6,
        cursor: (10, 3),
        cursor_visible: false,
        alternate: true,
        alternate_saved: Some((1, 3)),
        scroll_region: (2, 4),
        insert: true,
        keypad: true,
        keypad_cursor: true,
        wrap: true,
        origin: true,
        mouse: vec![1002, 1006],
        lines: vec![],
        main_lines: None,
        partial: b"\x1b[38;5".to_vec(),
    };
    assert_eq!(capture, Capture { seed: want, in_mode: false, dead: false });
    assert_eq!(test.tmux(&["list-buffers"]), "", "no buffer is left behind");
}

/// Every cell that these rows draw: its text and what is drawn of its attributes.
fn drawn(cols: u16, rows: &[impl AsRef<[u8]>]) -> Vec<(String, vt100::Color, bool)> {
    let mut screen = vt100::Parser::new((rows.len() as u16).try_into().unwrap(), cols.try_into().unwrap(), 0);
    for (i, row) in rows.iter().enumerate() {
        screen.process(format!("\x1b[{};1H", i + 1).as_bytes());
        screen.process(row.as_ref());
    }
    let all = (0..rows.len() as u16).flat_map(|y| (0..cols).map(move |x| (y, x)));
    let cell = |(y, x)| screen.screen().cell(y, x).map(|c| (c.contents().trim().to_string(), c.fgcolor(), c.bold())).unwrap();
    all.map(cell).map(|c| if c.0.is_empty() { (c.0, vt100::Color::Default, false) } else { c }).collect()
}

#[tokio::test]
async fn a_pane_that_prints_guards_is_captured_as_it_is() {
    let test = TestServer::start();
    // Ends for every command number that the capture can have, in this second and the next ones.
    let script = "t=$(date +%s); for s in 0 1 2 3; do for n in $(seq 0 400); do echo \"%end $((t+s)) $n 1\"; \
        echo \"%error $((t+s)) $n 1\"; done; done; printf done; exec cat";
    let pane = test.session("og-a", 40, 3210, script).id;
    let mut client = attach(&test, "og-a").await;
    let capture = captured_when(&mut client, pane, |seed| seed.lines.iter().any(|l| l.starts_with(b"done"))).await;
    assert_eq!(capture.seed.lines.len(), 3210);
    assert_eq!(capture.seed.lines.iter().filter(|l| l.starts_with(b"%end ")).count(), 1604);
    let ticket = client.command(&[Command::new("display-message").arg("-p").arg("after")]).unwrap();
    assert_eq!(replies(&mut client, ticket).await.0[0].words(), "after");
}

#[tokio::test]
async fn a_capture_of_a_pane_that_is_gone_is_refused() {
    let test = TestServer::start();
    let mut client = attach(&test, "hold").await;
    let refused = captured(&mut client, PaneId(99)).await;
    assert_eq!(refused, Err(CaptureError::Refused { words: "can't find pane: %99".into() }));
}

#[tokio::test]
async fn a_flood_that_nobody_takes_is_bounded_and_told_as_lost() {
    let test = TestServer::start();
    let dir = scratch();
    let log = dir.path().join("log");
    let pane = test.session("og-a", 80, 24, "exec cat").id;
    test.server.set_pane_option(pane, "remain-on-exit", "on").unwrap();
    test.server.pipe_pane(pane, &format!("exec cat >> {}", log.display())).unwrap();
    let mut client = attach(&test, "og-a").await;
    let line = "x".repeat(70);
    // It rests before it ends: tmux may drop what a program wrote in its last moment.
    test.server.respawn_pane(pane, &sh(&format!("yes {line} | head -n 200000; printf end; sleep 0.2"))).unwrap();
    // The consumer takes nothing until the program is done, and the program does not wait for it.
    until("the flood is over", || test.server.death(pane).unwrap());
    until("the log is whole", || (fs::metadata(&log).ok()?.len() == 200_000 * 72 + 3).then_some(()));
    let ticket = client.command(&[Command::new("display-message").arg("-p").arg("after")]).unwrap();
    let (mut bytes, mut lost, mut paused) = (0, 0, 0);
    loop {
        match next(&mut client).await {
            FromTmux::Output { bytes: some, .. } => {
                bytes += some.len();
                assert_eq!(lost, 0, "no output of a lost pane before its loss was taken");
            }
            FromTmux::Lost(which) => {
                assert_eq!(which, pane);
                lost += 1;
            }
            // A busy tmux may itself fall a second behind, and then it pauses the pane.
            FromTmux::Event(Event::Paused(_)) => paused += 1,
            FromTmux::Reply { ticket: got, .. } if got == ticket => break,
            _ => {}
        }
    }
    assert!(lost == 1 || paused == 1, "lost {lost}, paused {paused}");
    assert!(bytes <= 4 << 20, "{bytes} bytes waited");
    let seed = captured(&mut client, pane).await.unwrap().seed;
    assert!(seed.lines.iter().any(|l| l.starts_with(line.as_bytes())));
}

#[tokio::test]
async fn a_guard_that_was_detached_is_put_back() {
    let test = TestServer::start();
    let mut client = attach(&test, "hold").await;
    let guard = |clients: &[String]| clients.iter().find(|c| c.contains("no-output")).cloned();
    let before = until("the guard is there", || guard(&test.clients()));
    let pid = before.split(' ').next().unwrap().to_string();
    let name = test.tmux(&["list-clients", "-F", "#{client_pid} #{client_name}"]);
    let name = name.lines().find_map(|l| l.strip_prefix(&format!("{pid} "))).unwrap();
    test.tmux(&["detach-client", "-t", name]);
    let back = timeout(DEADLINE, async {
        while guard(&test.clients()).is_none_or(|now| now == before) {
            let told = timeout(Duration::from_millis(20), client.next()).await;
            assert!(!matches!(told, Ok(None)));
        }
    });
    back.await.expect("no guard came back");
    drop(client);
    until("both clients have left", || test.clients().is_empty().then_some(()));
}

/// Holds a client until it is killed, when run by [`both_clients_leave_when_the_controller_is_killed`]; else nothing.
#[tokio::test]
async fn holder_of_a_client() {
    let Ok(name) = std::env::var("OG_TEST_HOLD") else { return };
    let _client = Client::attach(&Server::new(Socket::Name(name)), "hold").await.unwrap();
    println!("attached");
    std::future::pending().await
}

#[test]
fn both_clients_leave_when_the_controller_is_killed() {
    let test = TestServer::start();
    let mut holder = Process::new(std::env::current_exe().unwrap())
        .args(["--exact", "tmux::holder_of_a_client", "--nocapture"])
        .env("OG_TEST_HOLD", &test.name)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    assert!(lines.map_while(io::Result::ok).any(|line| line.ends_with("attached")));
    let pids: Vec<String> = until("two clients", || Some(test.clients()).filter(|c| c.len() == 2));
    holder.kill().unwrap();
    holder.wait().unwrap();
    until("both clients have left", || test.clients().is_empty().then_some(()));
    for pid in pids.iter().map(|c| c.split(' ').next().unwrap()) {
        until("its process has ended", || (!Path::new(&format!("/proc/{pid}")).exists()).then_some(()));
    }
}

#[test]
fn the_command_that_attaches_names_server_and_session() {
    let command = Server::new(Socket::Name("og 1".into())).attach_command("og-a");
    let args: Vec<_> = command.get_args().collect();
    assert_eq!(args, ["-u", "-L", "og 1", "attach-session", "-t", "=og-a"]);
}
