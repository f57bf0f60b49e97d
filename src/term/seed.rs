//! A [`Seed`] as bytes that bring an empty emulator to the same screen.

use super::Seed;

/// Everything up to where the cursor stands. A pending wrap and what [`after`] says come next.
pub(super) fn before(seed: &Seed) -> Vec<u8> {
    let mut out = vec![];
    if seed.alternate {
        paint(seed.main_lines.as_deref().unwrap_or_default(), seed.rows, &mut out);
        match seed.alternate_saved {
            Some((x, y)) => {
                goto(x, y, &mut out);
                say("\x1b[?1049h", &mut out);
            }
            None => say("\x1b[?1047h", &mut out),
        }
    }
    paint(&seed.lines, seed.rows, &mut out);
    let (top, bottom) = seed.scroll_region;
    if top < bottom {
        say(&format!("\x1b[{};{}r", u32::from(top) + 1, u32::from(bottom) + 1), &mut out);
    }
    if seed.origin {
        say("\x1b[?6h", &mut out);
    }
    goto(seed.cursor.0, seed.cursor.1, &mut out);
    out
}

/// The modes, which must not disturb the painting, and the half sequence that waits for its end.
pub(super) fn after(seed: &Seed) -> Vec<u8> {
    let mut out = vec![];
    let modes = [
        (seed.keypad, "\x1b="),
        (seed.keypad_cursor, "\x1b[?1h"),
        (!seed.cursor_visible, "\x1b[?25l"),
        (!seed.wrap, "\x1b[?7l"),
        (seed.insert, "\x1b[4h"),
    ];
    for (_, sequence) in modes.iter().filter(|(on, _)| *on) {
        say(sequence, &mut out);
    }
    for mode in &seed.mouse {
        say(&format!("\x1b[?{mode}h"), &mut out);
    }
    out.extend_from_slice(&seed.partial);
    out
}

/// Rows as `capture-pane -e` writes them: attributes go on from row to row, line graphics stand
/// between SO and SI.
fn paint(lines: &[Vec<u8>], rows: u16, out: &mut Vec<u8>) {
    say("\x1b[m\x1b)0", out);
    for (y, line) in (0..rows).zip(lines) {
        goto(0, y, out);
        out.extend_from_slice(line);
    }
    say("\x0f\x1b)B\x1b[m", out);
}

/// Moves to a cell of the screen, also in origin mode.
pub(super) fn goto(x: u16, y: u16, out: &mut Vec<u8>) {
    say(&format!("\x1b[{}d\x1b[{}G", u32::from(y) + 1, u32::from(x) + 1), out);
}

fn say(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(text.as_bytes());
}
