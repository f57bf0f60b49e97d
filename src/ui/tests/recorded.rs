//! Every tab, at every size that people have, on what real programs recorded.

use super::{UNICODE, anything::agrees, key_of, text};
use crate::ui::{
    board::Board,
    io::recorded::{Case, Recorded},
    keymap::{Action, Keymap, Scope},
    pane::{Event, Pane},
};
use ratatui::layout::Rect;

const SIZES: [(u16, u16); 3] = [(200, 50), (80, 24), (50, 16)];
/// An hour behind the last of the runs.
const LATER: f64 = 1_795_205_200.0;

/// A board on it, after these keys.
fn open(case: &Case, size: (u16, u16), keys: &str) -> Recorded {
    let mut recorded = case.open(LATER, Board::new(UNICODE, 3600.0, Keymap::default()));
    recorded.resize(size);
    keys.split(' ').for_each(|key| recorded.tell(Event::Key(key_of(key))));
    recorded
}

/// How it looks after these keys, at every size.
#[track_caller]
fn looks(name: &str, case: &Case, keys: &str) {
    for (width, height) in SIZES {
        let shown = open(case, (width, height), keys);
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), text(&shown.buffer()));
    }
}

/// Each key of the table where it holds, one behind the other: nothing breaks, and what is told is what is drawn.
#[test]
fn every_key_keeps_its_word() {
    let map = Keymap::default();
    let tab = |scope: Scope| match scope {
        Scope::Runs => "2",
        Scope::Run => "3",
        Scope::Logs => "4",
        Scope::System => "5",
        Scope::Alerts => "6",
        Scope::Rollouts => "7",
        Scope::Chat => "8",
        _ => "1",
    };
    for case in [Case::og("base"), Case::dump("trackio/v0.43.0/ogfixture.sql", "ogfixture.db", "#first")] {
        let size = (80, 24);
        let mut shown = open(&case, size, "1");
        for row in map.rows().iter().filter(|row| row.action != Action::Quit) {
            for key in &row.keys {
                let opened = if row.scope == Scope::Input { " /" } else { "" };
                let keys = format!("{}{opened} {key}", tab(row.scope));
                keys.split(' ').for_each(|key| shown.tell(Event::Key(key_of(key))));
                let agrees = shown.look(|board, scene| agrees(board, scene, size));
                assert!(agrees.is_ok(), "{} ({key}): {agrees:?}", row.name);
                // What is typed, chosen or open is closed again.
                for _ in 0..2 {
                    let is_open = shown.look(|board, scene| {
                        let view = board.shown(scene, Rect::new(0, 0, size.0, size.1)).graph.unwrap();
                        view.typing.is_some() || ["menu", "options", "views", "palette", "help"].contains(&view.tab.as_str())
                    });
                    if is_open {
                        shown.tell(Event::Key(key_of("esc")));
                    }
                }
            }
        }
    }
}

#[test]
fn graphs() {
    looks("graphs_og", &Case::og("base"), "1");
    looks("graphs_wandb", &Case::file("wandb/failed.wandb"), "1");
    looks("graphs_trackio", &Case::dump("trackio/v0.43.0/ogfixture.sql", "ogfixture.db", "#first"), "1");
    looks("graphs_tviz", &Case::dump("tviz/v0.2.2/tviz.sql", "tviz.db", "#txt00001"), "1");
}

#[test]
fn runs() {
    let case = Case::og("base");
    looks("runs", &case, "2 space down space");
    looks("runs_compared", &case, "2 a c");
    looks("runs_recent", &case, "2 r");
    looks("runs_lineage", &case, "2 t");
    looks("runs_one", &case, "2 enter");
    looks("runs_grouped", &case, "2 g");
    looks("runs_over_each_other", &case, "2 / t a g : n i g h t enter a 1");
}

#[test]
fn help_and_commands() {
    let case = Case::og("base");
    looks("help", &case, "2 h");
    looks("commands", &case, "2 : c o m");
}

#[test]
fn run() {
    looks("run", &Case::og("base"), "3");
}

#[test]
fn logs() {
    looks("logs", &Case::og("broken"), "4");
}

#[test]
fn system() {
    looks("system", &Case::file("wandb/stats.wandb"), "5");
}

#[test]
fn alerts() {
    looks("alerts", &Case::dump("trackio/v0.43.0/ogfixture.sql", "ogfixture.db", "#first"), "6");
}

#[test]
fn rollouts() {
    looks("rollouts", &Case::dump("tviz/v0.2.2/rollouts.sql", "tviz.db", ""), "7");
}

#[test]
fn chat() {
    looks("chat", &Case::og("base"), "8");
}
