//! Makes the bytes of one redraw plain: no escape sequences, no backspaces, box and bar glyphs as ASCII.

/// Calls `draw` for every state of the text that cursor movement or backspaces are about to overwrite, and
/// leaves the last state in `scratch`. Returns how many lines the cursor went up.
pub(super) fn draws(bytes: &[u8], scratch: &mut Vec<u8>, draw: &mut dyn FnMut(&[u8])) -> u32 {
    walk(bytes, scratch, draw, glyph)
}

/// The same with characters beyond ASCII left as they are, to be shown.
pub(in crate::source) fn plain(bytes: &[u8], scratch: &mut Vec<u8>, draw: &mut dyn FnMut(&[u8])) {
    let keep = |bytes: &[u8], out: &mut Vec<u8>| {
        out.push(bytes[0]);
        1
    };
    walk(bytes, scratch, draw, keep);
}

fn walk(bytes: &[u8], scratch: &mut Vec<u8>, draw: &mut dyn FnMut(&[u8]), glyph: impl Fn(&[u8], &mut Vec<u8>) -> usize) -> u32 {
    scratch.clear();
    let (mut at, mut up) = (0, 0_u32);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            0x1b => {
                let (length, kind) = escape(&bytes[at..]);
                at += length;
                match kind {
                    Escape::Plain => {}
                    Escape::Space => scratch.push(b' '),
                    Escape::Moves { lines } => {
                        draw(scratch);
                        scratch.clear();
                        up = up.saturating_add(lines);
                    }
                }
            }
            0x08 => {
                let run = bytes[at..].iter().take_while(|b| **b == 0x08).count();
                draw(scratch);
                back(scratch, run);
                at += run;
            }
            0x80.. => at += glyph(&bytes[at..], scratch),
            b'\t' => {
                scratch.push(b'\t');
                at += 1;
            }
            0..0x20 | 0x7f => at += 1,
            _ => {
                scratch.push(byte);
                at += 1;
            }
        }
    }
    up
}

enum Escape {
    /// Changes no text: colours, titles.
    Plain,
    Space,
    /// Moves the cursor or erases: what comes next is another draw. How many lines it goes up.
    Moves {
        lines: u32,
    },
}

/// Length and kind of the escape sequence at the start of `bytes`.
fn escape(bytes: &[u8]) -> (usize, Escape) {
    match bytes.get(1) {
        Some(b'[') => {
            let end = bytes.iter().skip(2).position(|b| (0x40..0x7f).contains(b)).map(|at| at + 2);
            match end {
                Some(end) => (
                    end + 1,
                    match bytes[end] {
                        b'C' => Escape::Space,
                        b'A' | b'F' => {
                            Escape::Moves { lines: std::str::from_utf8(&bytes[2..end]).ok().and_then(|n| n.parse().ok()).unwrap_or(1) }
                        }
                        b'B' | b'D'..=b'H' | b'J' | b'K' | b'f' => Escape::Moves { lines: 0 },
                        _ => Escape::Plain,
                    },
                ),
                None => (bytes.len(), Escape::Plain),
            }
        }
        Some(b']') => {
            let end = bytes.iter().position(|b| *b == 0x07).map(|at| at + 1);
            let end = end.or_else(|| bytes.windows(2).skip(2).position(|w| w == b"\x1b\\").map(|at| at + 4));
            (end.unwrap_or(bytes.len()), Escape::Plain)
        }
        Some(_) => (2, Escape::Plain),
        None => (1, Escape::Plain),
    }
}

/// Takes `count` characters off the end.
fn back(text: &mut Vec<u8>, count: usize) {
    for _ in 0..count {
        while text.last().is_some_and(|b| (0x80..0xc0).contains(b)) {
            text.pop();
        }
        if text.pop().is_none() {
            break;
        }
    }
}

/// Copies one non-ASCII character; what draws boxes and bars becomes `|`, `-`, `+` or `#`. Returns its length.
fn glyph(bytes: &[u8], out: &mut Vec<u8>) -> usize {
    let length = match bytes[0] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    };
    let Some(Ok(text)) = bytes.get(..length).map(std::str::from_utf8) else {
        out.push(b'?');
        return 1;
    };
    match text.chars().next().unwrap_or('?') {
        '│' | '┃' | '║' | '┆' | '┊' | '╎' | '╏' => out.push(b'|'),
        '─' | '━' | '═' | '╌' | '┄' | '┈' | '╸' | '╺' | '╴' | '╶' | '╼' | '╾' | '–' | '—' => out.push(b'-'),
        '\u{2500}'..='\u{257f}' => out.push(b'+'),
        '\u{2580}'..='\u{259f}' | '\u{2800}'..='\u{28ff}' => out.push(b'#'),
        '•' | '·' | '∙' | '►' | '▶' | '→' => out.push(b'|'),
        '\u{a0}' | '\u{2000}'..='\u{200f}' | '\u{feff}' => out.push(b' '),
        '’' => out.push(b'\''),
        _ => out.extend_from_slice(&bytes[..length]),
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(input: &str, want: &[&str]) {
        let (mut got, mut last) = (vec![], vec![]);
        draws(input.as_bytes(), &mut last, &mut |text| got.push(text.to_vec()));
        got.push(last);
        let mut got: Vec<_> = got.iter().map(|text| String::from_utf8_lossy(text).trim().to_owned()).collect();
        got.retain(|text| !text.is_empty());
        assert_eq!(got, want);
    }

    #[test]
    fn colours_and_titles_go_and_movement_starts_a_new_draw() {
        check("\x1b[1;32mloss\x1b[0m \x1b]0;title\x070.5", &["loss 0.5"]);
        check("a 1\x1b[2K\x1b[1Ga 2", &["a 1", "a 2"]);
        check("cut \x1b[3", &["cut"]);
    }

    #[test]
    fn backspaces_show_what_they_overwrite() {
        check("loss 1.5\x08\x08\x082.5", &["loss 1.5", "loss 2.5"]);
        check("é\x08\x08\x08x", &["é", "x"]);
    }

    #[test]
    fn lines_that_the_cursor_goes_up_are_counted() {
        let up = |text: &str| draws(text.as_bytes(), &mut vec![], &mut |_| {});
        assert_eq!((up("\x1b[2K\x1b[1A\x1b[2K\x1b[Aa"), up("a\x1b[12A\x1b[2F"), up("\x1b[1B\x1b[2J")), (2, 14, 0));
    }

    #[test]
    fn boxes_and_bars_become_ascii() {
        check("│ a ┃ 1 ║ ──┼ ██▌", &["| a | 1 | --+ ###"]);
    }
}
