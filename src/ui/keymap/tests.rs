use super::*;

fn key(code: KeyCode, modifiers: KeyModifiers) -> KeyEvent {
    KeyEvent::new(code, modifiers)
}

#[test]
fn no_key_is_bound_twice_and_no_name_used_twice() {
    assert_eq!(Keymap::with(&BTreeMap::new()).1, []);
    let mut names: Vec<_> = TABLE.iter().map(|row| row.1).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), TABLE.len());
}

#[test]
fn every_key_of_the_table_is_written_as_keys_are() {
    for key in TABLE.iter().flat_map(|row| row.2).chain(&["f12", "ctrl+alt+h", "+", "shift+f5", "é", "ctrl+space", "Z"]) {
        assert_eq!(meant(key).as_deref(), Ok(*key));
    }
    for key in ["entr", "", "ctrl+", "f99", "control+c", "alt+ctrl+h", "shift+1"] {
        assert_eq!(meant(key), Err(NameError::Unknown), "{key}");
    }
}

#[test]
fn a_key_that_cannot_arrive_is_the_one_that_does_or_none() {
    for (key, means) in [("shift+z", "Z"), ("shift+Z", "Z"), ("alt+shift+é", "alt+É"), ("shift+tab", "shift+tab")] {
        assert_eq!(meant(key).as_deref(), Ok(means));
    }
    let sent = [
        ("ctrl+[", "esc"),
        ("ctrl+i", "tab"),
        ("ctrl+alt+m", "alt+enter"),
        ("ctrl+@", "ctrl+space"),
        ("ctrl+]", "ctrl+5"),
        ("ctrl+Z", "ctrl+z"),
        ("ctrl+shift+i", "tab"),
        ("ctrl+shift+a", "ctrl+a"),
        ("shift+space", "space"),
    ];
    for (key, sent) in sent {
        assert_eq!(meant(key), Err(NameError::SentAs(sent.into())), "{key}");
    }
}

#[test]
fn keys_are_found_by_name_and_scope() {
    let (map, none) = (Keymap::default(), KeyModifiers::NONE);
    let graphs = [Scope::Graphs, Scope::Board];
    assert_eq!(map.action(&graphs, key(KeyCode::Char('q'), none)), Some(Action::Quit));
    assert_eq!(map.action(&graphs, key(KeyCode::Char('N'), KeyModifiers::SHIFT)), Some(Action::PageUp));
    assert_eq!(map.action(&[Scope::Logs, Scope::Board], key(KeyCode::Char('N'), KeyModifiers::SHIFT)), Some(Action::PreviousMatch));
    assert_eq!(map.action(&graphs, key(KeyCode::BackTab, KeyModifiers::SHIFT)), Some(Action::PreviousTab));
    assert_eq!(map.action(&graphs, key(KeyCode::Char('M'), none)), None);
    assert_eq!(map.action(&[Scope::Input], key(KeyCode::Char('u'), KeyModifiers::CONTROL)), Some(Action::DeleteToStart));
    assert_eq!(map.action(&[Scope::Input], key(KeyCode::Char('q'), none)), None);
}

#[test]
fn escape_and_a_key_in_one_go_are_two_keys_where_alt_means_nothing() {
    let map = Keymap::default();
    let names = |scope, key| map.apart(&[scope], key).into_iter().map(name).collect::<Vec<_>>();
    let alt = |code| key(code, KeyModifiers::ALT);
    assert_eq!(names(Scope::Board, alt(KeyCode::Char('h'))), ["esc", "h"]);
    assert_eq!(names(Scope::Board, key(KeyCode::Char('h'), KeyModifiers::NONE)), ["h"]);
    assert_eq!(names(Scope::Input, alt(KeyCode::Backspace)), ["alt+backspace"]);
    assert_eq!(names(Scope::Board, alt(KeyCode::Backspace)), ["esc", "backspace"]);
    assert_eq!(names(Scope::Input, key(KeyCode::Char('h'), KeyModifiers::ALT | KeyModifiers::CONTROL)), ["ctrl+alt+h"]);
    assert_eq!(names(Scope::Board, alt(KeyCode::Left)), ["alt+left"], "its bytes are no other key's");
    assert_eq!(names(Scope::Board, alt(KeyCode::Enter)), ["esc", "enter"]);
}

#[test]
fn alt_never_throws_away_what_is_typed() {
    let map = Keymap::default();
    for code in [KeyCode::Char('x'), KeyCode::Char('q'), KeyCode::Enter, KeyCode::Tab, KeyCode::Up, KeyCode::Delete] {
        let key = key(code, KeyModifiers::ALT);
        assert_eq!((map.apart(&[Scope::Input; 2], key), map.action(&[Scope::Input; 2], key)), (vec![key], None));
        assert_eq!(typed(key), None);
    }
}

#[test]
fn a_person_binds_other_keys() {
    let change = |name: &str, keys: &[&str]| Keymap::with(&[(name.into(), keys.iter().map(ToString::to_string).collect())].into());
    let (map, refused) = change("zoom", &["M"]);
    assert_eq!(refused, []);
    assert_eq!(map.action(&[Scope::Graphs], key(KeyCode::Char('M'), KeyModifiers::NONE)), Some(Action::Open));
    assert_eq!(map.action(&[Scope::Graphs], key(KeyCode::Enter, KeyModifiers::NONE)), None);
    assert_eq!(change("zom", &["M"]).1, [KeymapError::Name("zom".into())]);
    let (map, twice) = change("axis", &["n"]);
    assert_eq!(twice[0].to_string(), "`n` is bound to both `next-page` and `axis`");
    assert_eq!(map.rows, Keymap::default().rows, "the name keeps its keys");
    // What holds in all tabs does not hold where a tab means something else: unless that has another key too, or the table has it so.
    let (map, covered) = change("next-tab", &["n"]);
    assert_eq!(covered[0].to_string(), "`n` is bound to both `next-page` and `next-tab`");
    assert_eq!((covered[0].name(), map.rows == Keymap::default().rows), ("next-tab", true));
    assert_eq!((change("next-tab", &["tab", "T"]).1, change("left", &["left", "A"]).1), (vec![], vec![]));
    assert_eq!(change("zoom", &["s"]).1, [], "a tab may have its own");
    let bound = [("zoom".to_owned(), vec!["M".to_owned()]), ("zom".to_owned(), vec![])];
    assert_eq!(Keymap::with(&bound.into()).0.key_of(&[Scope::Graphs], Action::Open), Some("M"), "the others go on");
    let (map, _) = change("log-y", &["q"]);
    let quit = |scopes: &[Scope]| map.key_of(scopes, Action::Quit).map(str::to_owned);
    assert_eq!(quit(&[Scope::Graphs, Scope::Board]).as_deref(), Some("ctrl+c"), "there q means something else");
    assert_eq!(quit(&[Scope::Runs, Scope::Board]).as_deref(), Some("q"));
}

/// The key table in a few lines, for the skill: the first key of each name.
fn brief() -> String {
    let map = Keymap::default();
    let mut out = String::new();
    let mut scope = None;
    for row in map.rows().iter().filter(|row| row.scope != Scope::Input) {
        if scope.replace(row.scope) != Some(row.scope) {
            out += &format!("{}- {}: ", if out.is_empty() { "" } else { "\n" }, row.scope.title());
        } else {
            out += ", ";
        }
        out += &format!("`{}` {}", row.keys.first().map_or("", String::as_str), row.name);
    }
    out + "\n"
}

/// The key table as Markdown, for the README.
fn markdown() -> String {
    let map = Keymap::default();
    let mut out = String::new();
    let mut scope = None;
    for row in map.rows() {
        if scope != Some(row.scope) {
            scope = Some(row.scope);
            out += &format!("\n| key | {} |\n|---|---|\n", row.scope.title());
        }
        out += &format!("| {} | {} |\n", row.keys.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(" "), row.does);
    }
    out.trim_start().into()
}

/// A page holds what is made of the table between two marks. `OG_UPDATE=1` writes it there.
#[track_caller]
fn stands_in(page: &str, text: &str) {
    const MARKS: (&str, &str) = ("<!-- keys: made of the key table, see src/ui/keymap.rs -->\n", "<!-- end of keys -->");
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let now = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = now.split_once(MARKS.0).expect("the page has the marks");
    let (there, after) = rest.split_once(MARKS.1).expect("the page has both marks");
    let want = format!("\n{text}\n");
    if there != want && std::env::var_os("OG_UPDATE").is_some() {
        return std::fs::write(&path, format!("{before}{}{want}{}{after}", MARKS.0, MARKS.1)).unwrap();
    }
    assert_eq!(there, want, "{page} does not say what the key table says: OG_UPDATE=1 cargo test --lib keymap");
}

#[test]
fn the_readme_and_the_skill_say_what_the_table_says() {
    assert!(TABLE.iter().all(|row| markdown().contains(row.3)));
    stands_in("README.md", &markdown());
    stands_in("skills/og/SKILL.md", &brief());
}
