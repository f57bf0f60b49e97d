//! Screens without tmux: bytes and seeds in, frames out.

use super::{super::filter::tests::wild, *};
use crate::term::{Color, Region};
use proptest::prelude::*;

/// Milliseconds after some start.
fn at(start: Instant, ms: u64) -> Instant {
    start + Duration::from_millis(ms)
}

fn fed(bytes: &[u8]) -> PaneScreen {
    let mut screen = PaneScreen::new(20, 5);
    assert_eq!(screen.feed(bytes, Instant::now()), Fed::Ok);
    screen.settle(0.0);
    screen
}

#[test]
fn a_note_is_that_of_the_frame_that_can_be_read() {
    let frame = |number: u8| format!("\x1b[?2026h\x1b[H{number}\x1bPog;{number}\x1b\\\x1b[?2026l").into_bytes();
    let stream: Vec<u8> = (1..=9).flat_map(frame).collect();
    for cut in 1..stream.len() {
        let mut screen = PaneScreen::new(20, 5);
        let mut note = None;
        for piece in [&stream[..cut], &stream[cut..]] {
            assert_eq!(screen.feed(piece, Instant::now()), Fed::Ok);
            note = screen.take_note().or(note);
            let shown = screen.text();
            assert_eq!(note.as_deref().unwrap_or_default(), shown.as_bytes(), "cut at {cut}");
        }
    }
    let mut screen = fed(&frame(1));
    screen.take_note();
    assert_eq!(screen.feed(b"\x1b[?2026h\x1bPog;2\x1b\\\x1b[?2026l", Instant::now()), Fed::Ok);
    assert_eq!(screen.take_note().as_deref(), Some(&b"2"[..]), "though nothing else changed");
    assert_eq!(screen.take_note(), None);
}

#[test]
fn a_frame_ends_by_quiet_or_when_it_lasts_too_long() {
    let t = Instant::now();
    let mut screen = PaneScreen::new(20, 5);
    assert_eq!(screen.due(), None);
    assert_eq!(screen.feed(b"a", t), Fed::Ok);
    assert_eq!(screen.due(), Some(at(t, 15)));
    assert_eq!(screen.text(), "", "the frame has not ended");
    for ms in (10..=90).step_by(10) {
        assert_eq!(screen.feed(b"b", at(t, ms)), Fed::Ok);
    }
    assert_eq!(screen.due(), Some(at(t, 100)));
    assert_eq!(screen.settle(5.0), Some(Change { seq: 1, rows: vec![0] }));
    assert_eq!((screen.text().as_str(), screen.last_change(), screen.due()), ("abbbbbbbbb", Some(5.0), None));
}

#[test]
fn seq_rises_only_when_something_differs() {
    let mut screen = fed(b"ab\r\ncd");
    let (seq, hash) = (screen.seq(), screen.hash());
    for same in ["\x1b[1;1Hab\x1b[2;3H", "\x1b[m\x1b[?2026h\x1b[?2026l", "\x1b[31m\x07\x1b]2;title\x07", "\x1b[2;1H\x1b[34mcd"] {
        assert_eq!(screen.feed(same.as_bytes(), Instant::now()), Fed::Ok);
        assert_eq!((screen.settle(9.0), screen.seq(), screen.hash()), (None, seq, hash), "{same:?}");
    }
    for (other, rows) in [("\x1b[H", vec![]), ("\x1b[7mab", vec![0]), ("\x1b[m\r\ncde", vec![1]), ("\x1b[?25l", vec![])] {
        let seq = screen.seq() + 1;
        assert_eq!(screen.feed(other.as_bytes(), Instant::now()), Fed::Ok);
        assert_eq!(screen.settle(9.0), Some(Change { seq, rows }), "{other:?}");
    }
}

#[test]
fn a_colour_alone_is_no_change_but_is_shown() {
    let mut screen = fed(b"ab");
    assert_eq!(screen.feed(b"\x1b[1;1H\x1b[31mab", Instant::now()), Fed::Ok);
    assert_eq!(screen.settle(9.0), None);
    let runs = screen.snapshot(Region::Whole, None).runs;
    assert_eq!(runs.first().map(|run| run.style.fg), Some(Color::Index(1)));
}

#[test]
fn a_synchronized_update_is_one_frame_however_it_comes() {
    let t = Instant::now();
    let mut screen = PaneScreen::new(20, 5);
    assert_eq!(screen.feed(b"\x1b[?2026hone\r\n", t), Fed::Ok);
    assert!(screen.mid_frame());
    assert_eq!(screen.due(), Some(t + SYNC_MAX));
    assert_eq!(screen.feed(b"two\x1b[?2026l\x1b[?2026h\x1b[2Jthr", at(t, 5)), Fed::Ok);
    assert_eq!((screen.text().as_str(), screen.seq()), ("one\ntwo", 1), "the end inside the feed ended a frame");
    assert_eq!(screen.due(), Some(at(t, 5)), "there is something to hand out at once");
    assert_eq!(screen.settle(1.0), Some(Change { seq: 1, rows: vec![0, 1] }));
    assert_eq!((screen.text().as_str(), screen.mid_frame()), ("one\ntwo", true), "the next is not cut in half");
    assert_eq!(screen.feed(b"ee\x1b[?2026l", at(t, 9)), Fed::Ok);
    assert_eq!(screen.settle(2.0), Some(Change { seq: 2, rows: vec![0, 1] }));
    assert_eq!((screen.text().as_str(), screen.due()), ("\n   three", None));
}

#[test]
fn of_many_frames_in_one_feed_the_last_whole_one_stands() {
    let mut screen = PaneScreen::new(20, 5);
    let bytes: String = (0..50).map(|i| format!("\x1b[?2026h\x1b[Hframe {i}\x1b[?2026l")).collect();
    assert_eq!(screen.feed(format!("{bytes}\x1b[?2026h\x1b[2Jtorn").as_bytes(), Instant::now()), Fed::Ok);
    assert_eq!((screen.text().as_str(), screen.seq()), ("frame 49", 1));
}

#[test]
fn a_synchronized_update_without_end_is_given_up() {
    let t = Instant::now();
    let mut screen = PaneScreen::new(20, 5);
    assert_eq!(screen.feed(b"\x1b[?2026hx", t), Fed::Ok);
    assert_eq!(screen.settle(1.0), Some(Change { seq: 1, rows: vec![0] }), "the caller waited until it was due");
    assert!(!screen.mid_frame());
    assert_eq!(screen.feed(b"\x1b[?2026h", t), Fed::Ok);
    assert_eq!(screen.feed(b"y", at(t, 1500)), Fed::Ok);
    assert!(!screen.mid_frame());
    assert_eq!(screen.due(), Some(at(t, 1515)));
}

#[test]
fn rows_remember_when_they_changed() {
    let mut screen = fed(b"a\r\nb\r\nc");
    assert_eq!(screen.feed(b"\x1b[2;1HB", Instant::now()), Fed::Ok);
    screen.settle(2.0);
    assert_eq!(screen.changed_since(1), [(1, "B".to_owned())]);
    assert_eq!(screen.changed_since(2), []);
    assert_eq!(screen.changed_since(0).len(), 3);
    assert_eq!(screen.changed_since(3).len(), 5, "nobody saw that frame of this screen");
    assert_eq!(screen.rows(), ["a", "B", "c", "", ""]);
    assert_eq!(screen.text(), "a\nB\nc");
}

#[test]
fn equal_screens_have_equal_hashes() {
    let (a, b) = (fed(b"x\x1b[5Cy  \x1b[1;3H"), fed(b"x     y\x1b[1;3H"));
    assert_eq!(a.hash(), b.hash());
    assert_ne!(a.hash(), fed(b"x     y\x1b[1;4H").hash());
    assert_ne!(a.hash(), fed(b"x    y \x1b[1;3H").hash());
}

fn seed(lines: &[&str]) -> Seed {
    let lines = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
    Seed { cols: 20, rows: 5, cursor: (1, 1), cursor_visible: true, wrap: true, scroll_region: (0, 4), lines, ..Seed::default() }
}

#[test]
fn the_audit_finds_drift_and_a_seed_cures_it() {
    let t = Instant::now();
    let mut screen = fed(b"loss 2\r\nb");
    assert!(!screen.differs_from(&seed(&["loss 2", "b"])));
    for drifted in [
        seed(&["loss 3", "b"]),
        seed(&[" loss 2", "b"]),
        Seed { cursor: (2, 1), ..seed(&["loss 2", "b"]) },
        Seed { rows: 6, ..seed(&["loss 2", "b"]) },
        Seed { alternate: true, ..seed(&["loss 2", "b"]) },
    ] {
        assert!(screen.differs_from(&drifted), "{drifted:?}");
        screen.seed(&drifted, t);
        assert!(!screen.differs_from(&drifted), "{drifted:?}");
        screen.seed(&seed(&["loss 2", "b"]), t);
    }
    assert_eq!(screen.text(), "loss 2\nb");
}

#[test]
fn a_seed_leaves_the_title() {
    let mut screen = fed(b"\x1b]2;train\x07");
    screen.seed(&seed(&["x"]), Instant::now());
    assert_eq!(screen.title(), Some("train"));
}

#[test]
fn a_new_size_shows_with_the_next_frame() {
    let mut screen = PaneScreen::new(20, 5);
    assert_eq!(screen.resize(30, 3), Fed::Ok);
    assert_eq!((screen.rows().len(), screen.size()), (3, (30, 3)));
    assert_eq!(screen.feed(b"0123456789012345678901234\x1b[7m\x1b[K", Instant::now()), Fed::Ok);
    assert_eq!(screen.resize(10, 2), Fed::Ok);
    assert!(screen.settle(0.0).is_some());
    assert_eq!(screen.rows(), ["0123456789", ""]);
    assert_eq!(screen.resize(u16::MAX, u16::MAX), Fed::Ok);
    assert_eq!(screen.resize(1, 1), Fed::Ok);
    assert_eq!(screen.snapshot(Region::Whole, None).size, (1, 1));
}

#[test]
fn a_screen_of_one_row_scrolls_as_any_other() {
    let mut screen = PaneScreen::new(20, 1);
    assert_eq!(screen.feed(b"step 1 loss 2.0\r\nstep 2 loss 1.9\r\n", Instant::now()), Fed::Ok);
    screen.settle(0.0);
    assert_eq!((screen.rows(), screen.cursor().y), (vec![String::new()], 0));
    assert!(!screen.differs_from(&Seed { cols: 20, rows: 1, wrap: true, cursor_visible: true, lines: vec![vec![]], ..Seed::default() }));
    assert_eq!(screen.feed(b"50%\r60%\x1b[K\x1b[5;1H!", Instant::now()), Fed::Ok);
    screen.settle(0.0);
    assert_eq!(screen.rows(), ["!0%"]);
}

#[test]
fn a_seed_restores_what_cannot_be_seen() {
    let t = Instant::now();
    let mut screen = PaneScreen::new(20, 5);
    screen.seed(&Seed { cursor: (20, 1), ..seed(&["", "\x1b[1m------------------漢"]) }, t);
    assert_eq!((screen.cursor().x, screen.rows()[1].as_str()), (20, "------------------漢"));
    assert_eq!(screen.feed(b"x", t), Fed::Ok);
    screen.settle(0.0);
    assert_eq!(screen.rows()[2], "x", "a pending wrap wraps");

    let main = Some(vec![b"main".to_vec()]);
    let seed = Seed {
        alternate: true,
        alternate_saved: Some((4, 0)),
        main_lines: main,
        insert: true,
        scroll_region: (1, 2),
        ..seed(&["alt", "12"])
    };
    screen.seed(&seed, t);
    assert!(screen.alternate());
    assert_eq!(screen.feed(b"i\x1b[4l\x1b[3;1H\nz", t), Fed::Ok);
    screen.settle(0.0);
    assert_eq!(screen.text(), "alt\n\nz", "insert mode and the scroll region are in force");
    assert_eq!(screen.feed(b"\x1b[?1049l!", t), Fed::Ok);
    screen.settle(0.0);
    assert_eq!(screen.text(), "main!");
}

#[test]
fn a_seed_inside_a_synchronized_update_waits_for_its_end() {
    let t = Instant::now();
    let mut screen = fed(b"whole");
    assert_eq!(screen.feed(b"\x1b[?2026h\x1b[H\x1b[2J", t), Fed::Ok);
    screen.seed(&seed(&["", "h"]), t);
    assert_eq!((screen.text().as_str(), screen.mid_frame()), ("whole", true));
    assert_eq!(screen.feed(b"alf\x1b[?2026l", t), Fed::Ok);
    assert_eq!(screen.text(), "\nhalf");
}

/// Panics on `!`, as guests do.
struct Bomb(Vt100);

impl Emulator for Bomb {
    fn new(cols: u16, rows: u16) -> Bomb {
        Bomb(Vt100::new(cols, rows))
    }
    fn feed(&mut self, bytes: &[u8]) {
        if bytes.contains(&b'!') {
            std::panic::resume_unwind(Box::new("guest"));
        }
        self.0.feed(bytes);
    }
    fn resize(&mut self, cols: u16, rows: u16) {
        self.0.resize(cols, rows);
    }
    fn cursor(&self) -> Cursor {
        self.0.cursor()
    }
    fn modes(&self) -> Modes {
        self.0.modes()
    }
    fn rows(&self) -> impl Iterator<Item = String> {
        self.0.rows()
    }
    fn pen(&self) -> Style {
        self.0.pen()
    }
    fn title(&self) -> Option<&str> {
        self.0.title()
    }
}

#[test]
fn a_broken_emulator_is_replaced_and_waits_for_a_seed() {
    let t = Instant::now();
    let mut screen = PaneScreen::<Bomb>::with_emulator(20, 5);
    assert_eq!(screen.feed(b"before", t), Fed::Ok);
    screen.settle(0.0);
    assert_eq!(screen.feed(b"bang!", t), Fed::Lost);
    assert_eq!(screen.feed(b"x", t), Fed::Lost, "bytes without the ones before them make no screen");
    assert_eq!((screen.text().as_str(), screen.due(), screen.settle(1.0)), ("before", None, None));
    assert!(screen.differs_from(&seed(&["before"])));
    screen.seed(&seed(&["bang", "x"]), t);
    assert_eq!(screen.text(), "bang\nx");
    assert_eq!(screen.feed(b"y", t), Fed::Ok);
    screen.seed(&seed(&["!"]), t);
    assert_eq!(screen.feed(b"y", t), Fed::Lost, "a seed can break it too");
}

#[derive(Clone, Debug)]
enum Deed {
    Feed(Vec<u8>),
    Resize(u16, u16),
    Settle,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![6 => wild().prop_map(Deed::Feed), 2 => (1u16..30, 1u16..9).prop_map(|(c, r)| Deed::Resize(c, r.saturating_sub(3).max(1))), 2 => Just(Deed::Settle)]
}

proptest! {
    #[test]
    fn no_bytes_and_no_size_break_the_screen(cols in 1u16..30, rows in 1u16..12, deeds in proptest::collection::vec(deed(), 1..12)) {
        let mut screen = PaneScreen::new(cols, rows);
        let now = Instant::now();
        for deed in deeds {
            match deed {
                Deed::Feed(bytes) => prop_assert_eq!(screen.feed(&bytes, now), Fed::Ok),
                Deed::Resize(cols, rows) => prop_assert_eq!(screen.resize(cols, rows), Fed::Ok),
                Deed::Settle => drop(screen.settle(0.0)),
            }
            screen.snapshot(Region::Right, Some(3));
            screen.text();
        }
    }

    #[test]
    fn where_a_stream_is_cut_does_not_show_on_the_screen(bytes in wild(), size in 1usize..9) {
        let whole = fed(&bytes);
        let mut pieces = PaneScreen::new(20, 5);
        for piece in bytes.chunks(size) {
            prop_assert_eq!(pieces.feed(piece, Instant::now()), Fed::Ok);
        }
        let (mut whole, mut pieces) = (whole, pieces);
        while whole.settle(0.0).is_some() || pieces.settle(0.0).is_some() {}
        prop_assert_eq!(whole.rows(), pieces.rows());
        prop_assert_eq!(whole.hash(), pieces.hash());
    }

    #[test]
    fn a_seed_of_any_kind_is_taken(
        bytes in wild(),
        cursor in (0u16..40, 0u16..10),
        region in (0u16..10, 0u16..10),
        flags in any::<[bool; 6]>(),
    ) {
        let [alternate, insert, wrap, origin, visible, saved] = flags;
        let lines: Vec<Vec<u8>> = bytes.chunks(12).map(<[u8]>::to_vec).collect();
        let seed = Seed {
            cursor, alternate, insert, wrap, origin,
            cursor_visible: visible,
            alternate_saved: saved.then_some(cursor),
            scroll_region: region,
            main_lines: saved.then(|| lines.clone()),
            lines,
            partial: bytes.clone(),
            ..seed(&[])
        };
        let mut screen = PaneScreen::new(7, 3);
        screen.seed(&seed, Instant::now());
        prop_assert_eq!(screen.feed(b"x", Instant::now()), Fed::Ok);
        prop_assert!(screen.size() == (20, 5));
    }
}
