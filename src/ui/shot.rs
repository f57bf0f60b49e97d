//! A screen as a file: plain text, text with ANSI colours, SVG, PNG.
//! Never here: files, a font of the machine.

mod png;

pub use self::png::png;

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};
use std::fmt::Write;

/// Width and height of a cell in an SVG, in pixels.
const CELL: (u32, u32) = (9, 18);
/// Where the base line of the text lies in a cell.
const BASELINE: u32 = 14;
/// How much of a dim character's ink is there; the rest is its background.
const DIM: f32 = 0.6;

/// The characters, without blanks at the ends of lines.
pub fn text(buf: &Buffer) -> String {
    rows(buf).map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned() + "\n").collect()
}

/// The characters with their colours, for `cat` in a terminal.
pub fn ansi(buf: &Buffer) -> String {
    let mut out = String::new();
    for row in rows(buf) {
        let mut style = None;
        let used = row.iter().rposition(|cell| cell.symbol() != " " || cell.modifier.contains(Modifier::REVERSED)).map_or(0, |at| at + 1);
        for cell in &row[..used] {
            let now = (cell.fg, cell.bg, cell.modifier);
            if style.replace(now) != Some(now) {
                out += "\x1b[0";
                sgr(cell, &mut out);
                out.push('m');
            }
            out += cell.symbol();
        }
        out += if used > 0 { "\x1b[0m\n" } else { "\n" };
    }
    out
}

fn sgr(cell: &Cell, out: &mut String) {
    for (modifier, code) in
        [(Modifier::BOLD, 1), (Modifier::DIM, 2), (Modifier::ITALIC, 3), (Modifier::UNDERLINED, 4), (Modifier::REVERSED, 7)]
    {
        if cell.modifier.contains(modifier) {
            let _ = write!(out, ";{code}");
        }
    }
    for (colour, base) in [(cell.fg, 30), (cell.bg, 40)] {
        let _ = match (colour, ansi_number(colour)) {
            (Color::Rgb(r, g, b), _) => write!(out, ";{};2;{r};{g};{b}", base + 8),
            (Color::Indexed(n), _) => write!(out, ";{};5;{n}", base + 8),
            (_, Some(n @ 0..8)) => write!(out, ";{}", base + n),
            (_, Some(n)) => write!(out, ";{}", base + 60 + n - 8),
            (_, None) => Ok(()),
        };
    }
}

/// A picture that looks as the terminal does, with text that can be searched. `bright`: on a white background.
pub fn svg(buf: &Buffer, bright: bool) -> String {
    let (cols, lines) = (u32::from(buf.area.width), u32::from(buf.area.height));
    let inks = Inks::on(bright);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" \
         font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"15\">\n\
         <rect width=\"{w}\" height=\"{h}\" fill=\"#{paper:06x}\"/>\n",
        w = cols * CELL.0,
        h = lines * CELL.1,
        paper = inks.paper,
    );
    for (y, row) in (0u32..).zip(rows(buf)) {
        let mut x = 0;
        while x < row.len() {
            let from = x;
            let look = |cell: &Cell| (cell.fg, cell.bg, cell.modifier);
            while x < row.len() && look(&row[x]) == look(&row[from]) {
                x += 1;
            }
            span(&row[from..x], (from as u32, y), &inks, &mut out);
        }
    }
    out + "</svg>\n"
}

/// Cells that look alike: their background, and each run of them that is not blank.
fn span(cells: &[Cell], (x, y): (u32, u32), inks: &Inks, out: &mut String) {
    let cell = &cells[0];
    let (fg, bg) = inks.of(cell);
    let (left, top) = (x * CELL.0, y * CELL.1);
    if let Some(bg) = bg {
        let _ = writeln!(
            out,
            "<rect x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"{}\" fill=\"#{bg:06x}\"/>",
            cells.len() as u32 * CELL.0,
            CELL.1
        );
    }
    let mut symbols: String = cells.iter().map(Cell::symbol).collect();
    symbols.truncate(symbols.trim_end().len());
    let lead = symbols.len() - symbols.trim_start().len();
    if symbols.trim().is_empty() {
        return;
    }
    let mut look = format!(" fill=\"#{fg:06x}\"");
    for (modifier, word) in [
        (Modifier::BOLD, " font-weight=\"bold\""),
        (Modifier::DIM, &format!(" opacity=\"{DIM}\"")),
        (Modifier::UNDERLINED, " text-decoration=\"underline\""),
    ] {
        if cell.modifier.contains(modifier) {
            look += word;
        }
    }
    // The length is said, so that a font of another width does not tear the columns apart.
    let words = &symbols[lead..];
    let cells_wide = crate::text::width(words) as u32;
    let _ = writeln!(
        out,
        "<text x=\"{}\" y=\"{}\" textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\" xml:space=\"preserve\"{look}>{}</text>",
        left + lead as u32 * CELL.0,
        top + BASELINE,
        cells_wide * CELL.0,
        escaped(words),
    );
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").chars().filter(|c| !c.is_control()).collect()
}

/// Rows of cells; the second cell of a wide character holds nothing.
fn rows(buf: &Buffer) -> impl Iterator<Item = Vec<Cell>> {
    let hidden = |row: &[Cell]| {
        let mut out: Vec<Cell> = vec![];
        let mut skip = 0;
        for cell in row {
            if skip == 0 {
                out.push(cell.clone());
                skip = crate::text::width(cell.symbol()).max(1);
            } else {
                let mut rest = out[out.len() - 1].clone();
                rest.set_symbol("");
                out.push(rest);
            }
            skip -= 1;
        }
        out
    };
    buf.content.chunks(usize::from(buf.area.width).max(1)).map(hidden).collect::<Vec<_>>().into_iter()
}

/// The number of one of the sixteen colours.
fn ansi_number(colour: Color) -> Option<u8> {
    use Color::*;
    let all = [
        Black,
        Red,
        Green,
        Yellow,
        Blue,
        Magenta,
        Cyan,
        Gray,
        DarkGray,
        LightRed,
        LightGreen,
        LightYellow,
        LightBlue,
        LightMagenta,
        LightCyan,
        White,
    ];
    all.iter().position(|known| *known == colour).map(|n| n as u8)
}

/// The colours of a picture, as 0xRRGGBB.
struct Inks {
    /// The background where a cell names none.
    paper: u32,
    /// The text where a cell names none.
    ink: u32,
}

impl Inks {
    fn on(bright: bool) -> Inks {
        if bright { Inks { paper: 0xffffff, ink: 0x202020 } } else { Inks { paper: 0x16161e, ink: 0xd0d0d0 } }
    }

    /// Of the text of a cell, and of its background where that is not the paper.
    fn of(&self, cell: &Cell) -> (u32, Option<u32>) {
        let (fg, bg) = (rgb(cell.fg), rgb(cell.bg));
        if cell.modifier.contains(Modifier::REVERSED) {
            (bg.unwrap_or(self.paper), Some(fg.unwrap_or(self.ink)))
        } else {
            (fg.unwrap_or(self.ink), bg)
        }
    }
}

/// A colour as 0xRRGGBB; `None`: that of the terminal.
fn rgb(colour: Color) -> Option<u32> {
    const SIXTEEN: [u32; 16] = [
        0x000000, 0xcc3333, 0x4e9a06, 0xc4a000, 0x3465a4, 0xa05fa8, 0x06989a, 0xbcbcbc, 0x6c6c6c, 0xff5f5f, 0x87ff5f, 0xffff5f, 0x5f87ff,
        0xff87ff, 0x5fd7ff, 0xffffff,
    ];
    const LEVELS: [u32; 6] = [0, 95, 135, 175, 215, 255];
    Some(match colour {
        Color::Reset => return None,
        Color::Rgb(r, g, b) => u32::from(r) << 16 | u32::from(g) << 8 | u32::from(b),
        Color::Indexed(n @ 0..16) => SIXTEEN[usize::from(n)],
        Color::Indexed(n @ 16..232) => {
            let n = usize::from(n - 16);
            LEVELS[n / 36] << 16 | LEVELS[n / 6 % 6] << 8 | LEVELS[n % 6]
        }
        Color::Indexed(n) => (8 + 10 * u32::from(n - 232)) * 0x010101,
        named => SIXTEEN[usize::from(ansi_number(named)?)],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::{layout::Rect, style::Style};

    fn screen() -> Buffer {
        let mut buf = Buffer::empty(Rect::new(0, 0, 12, 2));
        buf.set_stringn(0, 0, "loss", 4, Style::new().fg(Color::LightGreen).add_modifier(Modifier::BOLD));
        buf.set_stringn(5, 0, "<2.3>", 5, Style::new().fg(Color::Rgb(1, 2, 3)));
        buf.set_stringn(0, 1, "損失 ok", 7, Style::new().add_modifier(Modifier::REVERSED));
        buf
    }

    #[test]
    fn a_screen_becomes_text_with_and_without_colours() {
        assert_eq!(text(&screen()), "loss <2.3>\n損失 ok\n");
        let coloured = ansi(&screen());
        assert_eq!(coloured, "\x1b[0;1;92mloss\x1b[0m \x1b[0;38;2;1;2;3m<2.3>\x1b[0m\n\x1b[0;7m損失 ok\x1b[0m\n");
    }

    #[test]
    fn a_screen_becomes_a_picture_with_its_words_in_their_places() {
        let picture = svg(&screen(), false);
        assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
        assert!(picture.contains("fill=\"#87ff5f\" font-weight=\"bold\">loss</text>"), "{picture}");
        assert!(picture.contains("<text x=\"45\" y=\"14\" textLength=\"45\"") && picture.contains("&lt;2.3&gt;"), "{picture}");
        assert!(picture.contains("<rect x=\"0\" y=\"18\" width=\"63\"") && picture.contains("textLength=\"63\""), "{picture}");
        assert!(svg(&screen(), true).contains("fill=\"#ffffff\""));
    }
}
