//! A screen as pixels, for whoever can look at a picture and not at an SVG. It looks the same on every machine: the font is og's own.

use super::{DIM, Inks, rows};
use crate::text;
use ::png::{ColorType, DeflateCompression, Encoder, Filter};
use ab_glyph::{Font, FontRef, PxScale, point};
use ratatui::{
    buffer::{Buffer, Cell},
    style::Modifier,
};
use std::{
    collections::HashMap,
    io::{self, Write},
};

/// A part of DejaVu Sans Mono; `font/SOURCE.md` says which.
const FONT: &[u8] = include_bytes!("font/mono.ttf");
/// Width and height of a cell in pixels: twice those of an SVG, so that small text can be read.
const CELL: (usize, usize) = (18, 36);
/// The lines of pixels that are a cell's underline.
const UNDERLINE: std::ops::Range<usize> = 32..34;
/// More than a screen of words has; of a screen of anything else they are some megabytes.
const GLYPHS_MAX: usize = 4096;

/// A picture of the screen. `bright`: on a white background.
///
/// # Errors
///
/// A screen without cells is no picture.
pub fn png(buf: &Buffer, bright: bool) -> io::Result<Vec<u8>> {
    let (cols, lines) = (usize::from(buf.area.width), usize::from(buf.area.height));
    let mut out = vec![];
    let mut encoder = Encoder::new(&mut out, (cols * CELL.0) as u32, (lines * CELL.1) as u32);
    encoder.set_color(ColorType::Rgb);
    // Flat colours and sharp edges: a light search finds what there is to find, and filters only hide it.
    encoder.set_deflate_compression(DeflateCompression::Level(3));
    encoder.set_filter(Filter::NoFilter);
    let mut header = encoder.write_header()?;
    let mut picture = header.stream_writer()?;
    let (inks, mut glyphs) = (Inks::on(bright), Glyphs::new());
    // One row of cells at a time: all of a large screen would be gigabytes.
    let mut band = Band::new(cols * CELL.0);
    for row in rows(buf) {
        for (x, cell) in row.iter().enumerate() {
            band.fill(x * CELL.0, inks.of(cell).1.unwrap_or(inks.paper));
        }
        for (x, cell) in row.iter().enumerate().filter(|(_, cell)| cell.symbol() != " " || cell.modifier.contains(Modifier::UNDERLINED)) {
            band.draw(x * CELL.0, cell, &inks, glyphs.of(cell.symbol()));
        }
        picture.write_all(&band.pixels)?;
    }
    picture.finish()?;
    drop(header);
    Ok(out)
}

/// The pixels of one row of cells.
struct Band {
    /// Pixels in a line.
    width: usize,
    /// Red, green, blue; line by line.
    pixels: Vec<u8>,
}

impl Band {
    fn new(width: usize) -> Band {
        Band { width, pixels: vec![0; width * CELL.1 * 3] }
    }

    /// Paints a cell in one colour.
    fn fill(&mut self, left: usize, colour: u32) {
        let [_, rgb @ ..] = colour.to_be_bytes();
        for y in 0..CELL.1 {
            let from = (y * self.width + left) * 3;
            self.pixels[from..from + CELL.0 * 3].as_chunks_mut().0.fill(rgb);
        }
    }

    /// Lays the character of a cell over its background.
    fn draw(&mut self, left: usize, cell: &Cell, inks: &Inks, glyph: &Glyph) {
        let (fg, bg) = inks.of(cell);
        let [[_, fg @ ..], [_, bg @ ..]] = [fg, bg.unwrap_or(inks.paper)].map(u32::to_be_bytes);
        let has = |modifier| cell.modifier.contains(modifier);
        let strength = if has(Modifier::DIM) { DIM } else { 1.0 };
        let bold = has(Modifier::BOLD) && !glyph.drawn;
        // A wide character may stand in the last column, of which no second half is there.
        let width = glyph.width.min(self.width - left);
        for y in 0..CELL.1 {
            let covered = &glyph.covered[y * glyph.width..][..width];
            let pixels = self.pixels[(y * self.width + left) * 3..][..width * 3].as_chunks_mut().0;
            let underlined = has(Modifier::UNDERLINED) && UNDERLINE.contains(&y);
            let mut before = 0;
            for (pixel, &covered) in pixels.iter_mut().zip(covered) {
                let covered = if underlined { u8::MAX } else { covered };
                // Bold is the character twice, one pixel apart.
                let ink = if bold { covered.max(before) } else { covered };
                before = covered;
                if ink > 0 {
                    let part = f32::from(ink) / 255.0 * strength;
                    *pixel = [0, 1, 2].map(|i| (f32::from(bg[i]) + (f32::from(fg[i]) - f32::from(bg[i])) * part).round() as u8);
                }
            }
        }
    }
}

/// How much of each pixel a character covers.
struct Glyph {
    /// Pixels in a line: those of one cell, or of two.
    width: usize,
    covered: Vec<u8>,
    /// Drawn by us: a block or dots, which join their neighbours and are never bold.
    drawn: bool,
}

/// The characters of a picture, each made once.
struct Glyphs {
    font: FontRef<'static>,
    /// With it a cell is as wide and as high as the font says, so lines of boxes meet.
    scale: PxScale,
    /// Pixels from the top of a cell.
    baseline: f32,
    known: HashMap<String, Glyph>,
}

impl Glyphs {
    fn new() -> Glyphs {
        let font = FontRef::try_from_slice(FONT).expect("the font in the program is whole: a test draws with it");
        let (width, height) = (CELL.0 as f32, CELL.1 as f32);
        let scale = PxScale { x: width * font.height_unscaled() / font.h_advance_unscaled(font.glyph_id('m')), y: height };
        let baseline = (height * font.ascent_unscaled() / font.height_unscaled()).round();
        Glyphs { font, scale, baseline, known: HashMap::new() }
    }

    fn of(&mut self, symbol: &str) -> &Glyph {
        if !self.known.contains_key(symbol) {
            if self.known.len() == GLYPHS_MAX {
                self.known.clear();
            }
            let glyph = self.make(symbol);
            self.known.insert(symbol.to_owned(), glyph);
        }
        &self.known[symbol]
    }

    /// A character with the marks that stand on it.
    fn make(&self, symbol: &str) -> Glyph {
        let width = text::width(symbol).clamp(1, 2) * CELL.0;
        let mut glyph = Glyph { width, covered: vec![0; width * CELL.1], drawn: false };
        for c in symbol.chars() {
            match c {
                '\u{2580}'..='\u{259f}' => glyph.block(c),
                '\u{2800}'..='\u{28ff}' => glyph.dots(c as u32 - 0x2800),
                c if self.font.glyph_id(c).0 != 0 => self.outline(c, &mut glyph),
                c if text::char_width(c) > 0 => glyph.frame(),
                _ => {}
            }
        }
        glyph
    }

    fn outline(&self, c: char, into: &mut Glyph) {
        let placed = self.font.glyph_id(c).with_scale_and_position(self.scale, point(0.0, self.baseline));
        let Some(outline) = self.font.outline_glyph(placed) else { return };
        let corner = outline.px_bounds().min;
        outline.draw(|x, y, part| into.cover(corner.x as i32 + x as i32, corner.y as i32 + y as i32, part));
    }
}

impl Glyph {
    /// Covers a pixel, if it is one of ours: lines of boxes reach a bit beyond their cell.
    fn cover(&mut self, x: i32, y: i32, part: f32) {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
        if x < self.width && y < CELL.1 {
            let pixel = &mut self.covered[y * self.width + x];
            *pixel = (*pixel).max((part * 255.0).round() as u8);
        }
    }

    fn rect(&mut self, (left, top): (usize, usize), (right, bottom): (usize, usize), part: f32) {
        for y in top..bottom {
            for x in left..right {
                self.cover(x as i32, y as i32, part);
            }
        }
    }

    /// Where the font has nothing: an empty box.
    fn frame(&mut self) {
        let (right, bottom) = (self.width - 2, CELL.1 - 7);
        for (from, to) in
            [((2, 5), (right, 7)), ((2, bottom - 2), (right, bottom)), ((2, 5), (4, bottom)), ((right - 2, 5), (right, bottom))]
        {
            self.rect(from, to, 1.0);
        }
    }

    /// A block element: halves, eighths, quarters and shades.
    fn block(&mut self, c: char) {
        /// From U+2596 on, a bit for each quarter: upper left, upper right, lower left, lower right.
        const QUARTERS: [u8; 10] = [4, 8, 1, 13, 9, 7, 11, 2, 6, 14];
        self.drawn = true;
        let code = c as usize;
        let mut eighths = |left, top, right, bottom, part| {
            let at = |x: usize, y: usize| ((x * CELL.0 + 4) / 8, (y * CELL.1 + 4) / 8);
            self.rect(at(left, top), at(right, bottom), part);
        };
        match c {
            '▀' => eighths(0, 0, 8, 4, 1.0),
            '▁'..='█' => eighths(0, 8 - (code - 0x2580), 8, 8, 1.0),
            '▉'..='▏' => eighths(0, 0, 0x2590 - code, 8, 1.0),
            '▐' => eighths(4, 0, 8, 8, 1.0),
            '░'..='▓' => eighths(0, 0, 8, 8, (code - 0x2590) as f32 / 4.0),
            '▔' => eighths(0, 0, 8, 1, 1.0),
            '▕' => eighths(7, 0, 8, 8, 1.0),
            _ => {
                let quarters = QUARTERS.get(code.wrapping_sub(0x2596)).copied().unwrap_or_default();
                for bit in (0..4).filter(|bit| quarters & 1 << bit != 0) {
                    let (left, top) = (bit % 2 * 4, bit / 2 * 4);
                    eighths(left, top, left + 4, top + 4, 1.0);
                }
            }
        }
    }

    /// The dots of a braille character, two across and four down.
    fn dots(&mut self, bits: u32) {
        /// Column and row of each bit.
        const PLACES: [(usize, usize); 8] = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)];
        const RADIUS: f32 = 3.2;
        self.drawn = true;
        let (across, down) = (CELL.0 / 2, CELL.1 / 4);
        for (_, (column, row)) in PLACES.into_iter().enumerate().filter(|(bit, _)| bits & 1 << bit != 0) {
            for y in 0..down {
                for x in 0..across {
                    let off = |at: usize, of: usize| at as f32 + 0.5 - of as f32 / 2.0;
                    let part = (RADIUS + 0.5 - off(x, across).hypot(off(y, down))).clamp(0.0, 1.0);
                    self.cover((column * across + x) as i32, (row * down + y) as i32, part);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ratatui::{
        layout::Rect,
        style::{Color, Style},
    };

    const PAPER: [u8; 3] = [0x16, 0x16, 0x1e];
    const INK: [u8; 3] = [0xd0; 3];

    /// A picture read back.
    struct Seen {
        width: usize,
        pixels: Vec<[u8; 3]>,
    }

    impl Seen {
        fn of(buf: &Buffer, bright: bool) -> Seen {
            let bytes = png(buf, bright).unwrap();
            let mut reader = ::png::Decoder::new(io::Cursor::new(bytes)).read_info().unwrap();
            let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
            let info = reader.next_frame(&mut pixels).unwrap();
            let area = buf.area;
            assert_eq!((info.width, info.height), (u32::from(area.width) * 18, u32::from(area.height) * 36));
            Seen { width: info.width as usize, pixels: pixels.as_chunks().0.to_vec() }
        }

        fn at(&self, x: usize, y: usize) -> [u8; 3] {
            self.pixels[y * self.width + x]
        }

        /// How many pixels of a cell are not `paper`.
        fn inked(&self, (column, row): (usize, usize), paper: [u8; 3]) -> usize {
            (0..CELL.0 * CELL.1).filter(|i| self.at(column * CELL.0 + i % CELL.0, row * CELL.1 + i / CELL.0) != paper).count()
        }
    }

    fn line(text: &str, style: Style) -> Seen {
        let mut buf = Buffer::empty(Rect::new(0, 0, 12, 1));
        buf.set_stringn(0, 0, text, 12, style);
        Seen::of(&buf, false)
    }

    #[test]
    fn a_letter_stands_in_its_cell_in_its_colours() {
        let seen = line("l █", Style::new().fg(Color::Rgb(1, 2, 3)).bg(Color::Indexed(16)));
        assert_eq!(seen.at(0, 0), [0, 0, 0], "the background of the cell");
        assert_eq!((seen.at(36, 0), seen.at(53, 35)), ([1, 2, 3], [1, 2, 3]), "a block fills its cell");
        assert_eq!((seen.at(54, 0), seen.at(215, 35)), (PAPER, PAPER), "nothing is where nothing was written");
        assert!(seen.inked((0, 0), [0; 3]) > 40, "the letter has ink");
        assert_eq!(seen.inked((1, 0), [0; 3]), 0, "a blank has none");
    }

    #[test]
    fn modifiers_are_seen() {
        let plain = line("n", Style::new());
        let bold = line("n", Style::new().add_modifier(Modifier::BOLD));
        assert!(bold.inked((0, 0), PAPER) > plain.inked((0, 0), PAPER));
        let turned = line("█ ", Style::new().add_modifier(Modifier::REVERSED));
        assert_eq!((turned.at(0, 0), turned.at(20, 0)), (PAPER, INK));
        let dim = line("█", Style::new().add_modifier(Modifier::DIM)).at(5, 5);
        assert_eq!(dim, [0x86, 0x86, 0x89], "six tenths of the ink, the rest paper");
        let under = line("  ", Style::new().add_modifier(Modifier::UNDERLINED));
        assert_eq!((under.at(0, 31), under.at(0, 32), under.at(35, 33), under.at(35, 34)), (PAPER, INK, INK, PAPER));
        let bright = Seen::of(&Buffer::empty(Rect::new(0, 0, 1, 1)), true);
        assert_eq!(bright.at(0, 0), [0xff; 3]);
    }

    #[test]
    fn dots_and_blocks_lie_where_they_should() {
        let middles = [(4, 4), (13, 4), (4, 13), (13, 13), (4, 22), (13, 22), (4, 31), (13, 31)];
        for (symbol, dots) in [("⠁", 0b1), ("⠈", 0b10), ("⡀", 0b100_0000), ("⢀", 0b1000_0000), ("⠤", 0b11_0000), ("⣿", 0xff), ("⠀", 0)]
        {
            let seen = line(symbol, Style::new());
            for (i, (x, y)) in middles.into_iter().enumerate() {
                assert_eq!(seen.at(x, y) == INK, dots & 1 << i != 0, "{symbol} {i}");
            }
        }
        let corners = [(0, 0), (17, 0), (0, 35), (17, 35)];
        for (symbol, quarters) in
            [("▀", 0b0011), ("▄", 0b1100), ("▌", 0b0101), ("▐", 0b1010), ("▘", 1), ("▝", 2), ("▖", 4), ("▗", 8), ("▚", 9), ("▟", 14)]
        {
            let seen = line(symbol, Style::new());
            for (i, (x, y)) in corners.into_iter().enumerate() {
                assert_eq!(seen.at(x, y) == INK, quarters & 1 << i != 0, "{symbol} {i}");
            }
        }
        let heights = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"].map(|symbol| line(symbol, Style::new()).inked((0, 0), PAPER));
        assert!(heights.is_sorted() && heights[0] > 0 && heights[7] == 18 * 36, "{heights:?}");
        let shades = ["░", "▒", "▓"].map(|symbol| line(symbol, Style::new()).at(9, 9)[0]);
        assert!(PAPER[0] < shades[0] && shades.is_sorted() && shades[2] < INK[0], "{shades:?}");
    }

    #[test]
    fn lines_of_boxes_meet() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 3, 3));
        for (y, row) in ["╭─╮", "│ │", "╰─╯"].into_iter().enumerate() {
            buf.set_string(0, y as u16, row, Style::new());
        }
        let seen = Seen::of(&buf, false);
        let most = |pixels: &mut dyn Iterator<Item = [u8; 3]>| pixels.map(|pixel| pixel[0]).max().unwrap();
        for y in 18..90 {
            assert!(most(&mut (0..18).map(|x| seen.at(x, y))) > 0xa0, "the left side is broken at {y}");
        }
        for x in 9..45 {
            assert!(most(&mut (0..36).map(|y| seen.at(x, y))) > 0xa0, "the upper side is broken at {x}");
        }
    }

    #[test]
    fn what_the_font_lacks_is_an_empty_box_over_its_cells() {
        let seen = line("損 é e\u{301} ⚠\u{fe0f}", Style::new());
        assert_eq!((seen.at(2, 5), seen.at(33, 28), seen.at(17, 5), seen.at(18, 28)), (INK, INK, INK, INK));
        assert_eq!((seen.at(17, 17), seen.at(0, 0), seen.at(35, 35)), (PAPER, PAPER, PAPER), "only its frame");
        let inked = |text: &str| line(text, Style::new()).inked((0, 0), PAPER);
        assert!(inked("e\u{301}") > inked("e"), "a mark stands on its letter");
        assert_ne!(inked("⚠"), inked("\u{e000}"), "signs of logs are no boxes");
        // The second half of one in the last column is not there.
        let mut buf = Buffer::empty(Rect::new(0, 0, 1, 1));
        buf.content[0].set_symbol("損");
        assert_eq!(Seen::of(&buf, false).at(2, 5), INK);
    }

    #[test]
    fn a_screen_without_cells_is_told() {
        assert!(png(&Buffer::empty(Rect::new(0, 0, 0, 3)), false).is_err());
        assert!(png(&Buffer::empty(Rect::new(0, 0, 3, 0)), false).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn any_screen_is_a_picture(
            (width, height) in (1u16..12, 1u16..4),
            cells in proptest::collection::vec((any::<String>(), any::<char>(), any::<u16>(), any::<u8>(), any::<u8>()), 0..48),
            bright: bool,
        ) {
            let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
            for (cell, (text, c, modifier, fg, bg)) in buf.content.iter_mut().zip(cells) {
                cell.set_symbol(&if fg % 2 == 0 { text } else { c.to_string() });
                cell.modifier = Modifier::from_bits_truncate(modifier);
                (cell.fg, cell.bg) = (Color::Indexed(fg), Color::Indexed(bg));
            }
            Seen::of(&buf, bright);
        }
    }
}
