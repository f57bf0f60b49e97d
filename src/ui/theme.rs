//! Colours and signs, the only place that knows them. Colour never carries meaning alone.

mod curves;

pub use curves::{MarkKind, UNLIKELY};

use super::raster::Dots;
use crate::model::RunState;
use crate::query::runs::Verdict;
use ratatui::{
    style::{Color, Modifier, Style},
    symbols::border,
};
use serde::{Deserialize, Serialize};

/// A set of colours, for whatever background the terminal has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// Cyan and lime on dark.
    #[default]
    Dark,
    /// For a bright background.
    Light,
    /// White, yellow and nothing dim.
    HighContrast,
    /// The colours of Okabe and Ito, told apart with every kind of colour blindness.
    ColourBlind,
}

/// How many colours the terminal has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub enum Depth {
    /// Only bold, dim and reverse.
    #[serde(rename = "none")]
    None,
    /// The sixteen that its owner chose.
    #[default]
    #[serde(rename = "16")]
    Ansi,
    /// The fixed 256.
    #[serde(rename = "256")]
    Indexed,
    /// All.
    #[serde(rename = "true")]
    True,
}

/// The characters that the terminal can show.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Glyphs {
    /// All, braille included.
    #[default]
    Braille,
    /// Lines and blocks, for fonts without braille.
    Block,
    /// Only ASCII.
    Ascii,
}

/// How much stands around a tab.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Frame {
    /// Header, tabs and footer.
    #[default]
    Full,
    /// One line.
    Minimal,
}

/// Words for the values of a setting, in the order in which a person steps through them.
macro_rules! words {
    ($kind:ty: $($value:path = $word:literal),+) => {
        impl $kind {
            /// All of them.
            pub const ALL: &[$kind] = &[$($value),+];
            /// As it is written in the config file.
            pub fn word(self) -> &'static str {
                match self { $($value => $word),+ }
            }
        }
        impl std::str::FromStr for $kind {
            type Err = String;
            fn from_str(text: &str) -> Result<$kind, String> {
                match text {
                    $($word => Ok($value),)+
                    _ => Err(format!("`{text}` is none of {}", [$($word),+].join(", "))),
                }
            }
        }
    };
}

words!(Scheme: Scheme::Dark = "dark", Scheme::Light = "light", Scheme::HighContrast = "high-contrast", Scheme::ColourBlind = "colour-blind");
words!(Depth: Depth::None = "none", Depth::Ansi = "16", Depth::Indexed = "256", Depth::True = "true");
words!(Glyphs: Glyphs::Braille = "braille", Glyphs::Block = "block", Glyphs::Ascii = "ascii");
words!(Frame: Frame::Full = "full", Frame::Minimal = "minimal");

impl Depth {
    /// What the environment says: `NO_COLOR`, `COLORTERM`, `TERM`.
    pub fn detect(var: &dyn Fn(&str) -> Option<String>) -> Depth {
        let (colors, term) = (var("COLORTERM").unwrap_or_default().to_lowercase(), var("TERM").unwrap_or_default().to_lowercase());
        match () {
            () if var("NO_COLOR").is_some() || term == "dumb" => Depth::None,
            () if ["truecolor", "24bit"].contains(&colors.as_str()) || term.ends_with("-direct") => Depth::True,
            () if term.contains("256color") => Depth::Indexed,
            () => Depth::Ansi,
        }
    }
}

impl Glyphs {
    /// What the environment says: `OG_ASCII` (`0` says no), else the locale; the Linux console has no braille.
    pub fn detect(var: &dyn Fn(&str) -> Option<String>) -> Glyphs {
        let rich = if var("TERM").as_deref() == Some("linux") { Glyphs::Block } else { Glyphs::Braille };
        match var("OG_ASCII").as_deref() {
            Some("0") => rich,
            Some(_) => Glyphs::Ascii,
            None => {
                let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(var).unwrap_or_default().to_lowercase();
                if locale.contains("utf-8") || locale.contains("utf8") { rich } else { Glyphs::Ascii }
            }
        }
    }
}

impl Scheme {
    /// What the terminal says of its background, where it says so (`COLORFGBG`).
    pub fn detect(var: &dyn Fn(&str) -> Option<String>) -> Scheme {
        let background = var("COLORFGBG").and_then(|colours| colours.rsplit(';').next()?.parse::<u8>().ok());
        if background.is_some_and(|colour| colour == 7 || colour == 15) { Scheme::Light } else { Scheme::Dark }
    }

    /// An ink as red, green and blue, and as the nearest of the sixteen colours that a terminal's owner may choose.
    fn ink(self, ink: Ink) -> (u32, Color) {
        use Color::*;
        use Ink::*;
        match (self, ink) {
            (Scheme::Dark, Title) => (0x00d7d7, Cyan),
            (Scheme::Dark, Accent) => (0x87ff5f, LightGreen),
            (Scheme::Dark, Curve) => (0x5fd7ff, LightCyan),
            (Scheme::Dark, Warn) => (0xffd75f, Yellow),
            (Scheme::Dark, Bad) => (0xff5f5f, LightRed),
            (Scheme::Light, Title) => (0x005f87, Blue),
            (Scheme::Light, Accent) => (0x007a00, Green),
            (Scheme::Light, Curve) => (0x0060c0, Blue),
            (Scheme::Light, Warn) => (0x8a5a00, Magenta),
            (Scheme::Light, Bad) => (0xc00000, Red),
            (Scheme::Light, Quiet) => (0x4e4e4e, Black),
            (Scheme::Light, Faint) => (0x8a8a8a, DarkGray),
            (Scheme::HighContrast, Title | Quiet) => (0xffffff, White),
            (Scheme::HighContrast, Accent) => (0xffff00, LightYellow),
            (Scheme::HighContrast, Curve) => (0x00ffff, LightCyan),
            (Scheme::HighContrast, Warn) => (0xffaf00, Yellow),
            (Scheme::HighContrast, Bad) => (0xff5f5f, LightRed),
            (Scheme::HighContrast, Faint) => (0xd0d0d0, Gray),
            (Scheme::ColourBlind, Title | Curve) => (0x56b4e9, LightBlue),
            (Scheme::ColourBlind, Accent) => (0xf0e442, LightYellow),
            (Scheme::ColourBlind, Warn) => (0xe69f00, Yellow),
            (Scheme::ColourBlind, Bad) => (0xd55e00, LightRed),
            (Scheme::Dark | Scheme::ColourBlind, Quiet) => (0xbcbcbc, Gray),
            (Scheme::Dark | Scheme::ColourBlind, Faint) => (0x6c6c6c, DarkGray),
        }
    }
}

impl Scheme {
    /// The same for one of several runs; the first ones are told apart best.
    fn run(self, number: usize) -> (u32, Color) {
        use Color::*;
        let inks: [(u32, Color); Theme::RUNS] = match self {
            Scheme::Dark => [
                (0xff87ff, LightMagenta),
                (0xffff5f, LightYellow),
                (0x5f87ff, LightBlue),
                (0xff5f5f, LightRed),
                (0x00af5f, Green),
                (0xaf5faf, Magenta),
                (0x5f5fd7, Blue),
                (0xd7af00, Yellow),
            ],
            Scheme::Light => [
                (0xa000a0, Magenta),
                (0xc00000, Red),
                (0x007a7a, Cyan),
                (0x0000c0, LightBlue),
                (0x005f00, Green),
                (0xd75f00, LightRed),
                (0xd700af, LightMagenta),
                (0x000000, Black),
            ],
            Scheme::HighContrast => [
                (0xff87ff, LightMagenta),
                (0xffaf00, Yellow),
                (0x87afff, LightBlue),
                (0xff8787, LightRed),
                (0x5fff87, LightGreen),
                (0xd787ff, Magenta),
                (0xffffff, White),
                (0x87d7d7, Cyan),
            ],
            Scheme::ColourBlind => [
                (0xe69f00, Yellow),
                (0x009e73, Green),
                (0xcc79a7, LightMagenta),
                (0x0072b2, Blue),
                (0xd55e00, LightRed),
                (0x999999, Gray),
                (0xf0e442, LightYellow),
                (0x56b4e9, LightBlue),
            ],
        };
        inks[number % inks.len()]
    }
}

/// What a colour is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ink {
    Title,
    Accent,
    Curve,
    Warn,
    Bad,
    Quiet,
    Faint,
}

/// The nearest of the fixed 256 colours: of the cube of six levels, or of the greys.
fn indexed(rgb: u32) -> u8 {
    const LEVELS: [i32; 6] = [0, 95, 135, 175, 215, 255];
    let parts = [rgb >> 16, rgb >> 8 & 0xff, rgb & 0xff].map(|part| part as i32);
    let apart = |a: [i32; 3]| a.iter().zip(parts).map(|(a, b)| (a - b).pow(2)).sum::<i32>();
    let near = parts.map(|part| (0..6).min_by_key(|i| (LEVELS[*i] - part).abs()).unwrap_or(0));
    let grey = (0..24).min_by_key(|i| apart([8 + 10 * i; 3])).unwrap_or(0);
    match apart(near.map(|i| LEVELS[i])) <= apart([8 + 10 * grey; 3]) {
        true => 16 + 36 * near[0] as u8 + 6 * near[1] as u8 + near[2] as u8,
        false => 232 + grey as u8,
    }
}

/// How things look on this terminal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Theme {
    /// The colours.
    pub scheme: Scheme,
    /// How many of them the terminal has.
    pub depth: Depth,
    /// The characters that it has.
    pub glyphs: Glyphs,
}

impl Theme {
    /// For tests: without `colour` only bold, dim and reverse are used; without `unicode` only ASCII.
    #[cfg(test)]
    pub const fn new(colour: bool, unicode: bool) -> Theme {
        Theme {
            scheme: Scheme::Dark,
            depth: if colour { Depth::Ansi } else { Depth::None },
            glyphs: if unicode { Glyphs::Braille } else { Glyphs::Ascii },
        }
    }

    /// What curves are made of.
    pub fn dots(&self) -> Dots {
        match self.glyphs {
            Glyphs::Braille => Dots::Braille,
            Glyphs::Block => Dots::Block,
            Glyphs::Ascii => Dots::Ascii,
        }
    }

    fn unicode(&self) -> bool {
        self.glyphs != Glyphs::Ascii
    }

    fn fg(&self, ink: Ink) -> Style {
        self.inked(self.scheme.ink(ink))
    }

    fn inked(&self, (rgb, ansi): (u32, Color)) -> Style {
        match self.depth {
            Depth::None => Style::new(),
            Depth::Ansi => Style::new().fg(ansi),
            Depth::Indexed => Style::new().fg(Color::Indexed(indexed(rgb))),
            Depth::True => Style::new().fg(Color::from_u32(rgb)),
        }
    }

    /// Names and titles.
    pub fn title(&self) -> Style {
        self.fg(Ink::Title)
    }

    /// What is in focus, what is typed.
    pub fn accent(&self) -> Style {
        self.fg(Ink::Accent).add_modifier(Modifier::BOLD)
    }

    /// The one of several that is chosen.
    pub fn chosen(&self) -> Style {
        self.title().add_modifier(Modifier::BOLD | Modifier::REVERSED)
    }

    /// Values.
    pub fn value(&self) -> Style {
        // The colour of the terminal, also where a border was drawn before.
        Style::new().fg(Color::Reset).add_modifier(Modifier::BOLD)
    }

    /// Borders, axes, hints.
    pub fn faint(&self) -> Style {
        if self.depth == Depth::None { Style::new().add_modifier(Modifier::DIM) } else { self.fg(Ink::Faint) }
    }

    /// Text that matters less.
    pub fn quiet(&self) -> Style {
        self.fg(Ink::Quiet)
    }

    /// Something is wrong.
    pub fn bad(&self) -> Style {
        self.fg(Ink::Bad).add_modifier(Modifier::BOLD)
    }

    /// Something is odd.
    pub fn warn(&self) -> Style {
        self.fg(Ink::Warn)
    }

    /// A curve.
    pub fn curve(&self) -> Style {
        self.fg(Ink::Curve)
    }

    /// The curve of the chart in focus.
    pub fn curve_focused(&self) -> Style {
        self.fg(Ink::Accent)
    }

    /// How many runs can be told apart by colour and sign.
    pub const RUNS: usize = 8;

    /// One of several runs that are drawn together, by number; more than [`Theme::RUNS`] begin anew.
    pub fn run(&self, number: usize) -> Style {
        self.inked(self.scheme.run(number))
    }

    /// The sign of that run, for eyes and terminals without colour.
    pub fn run_sign(&self, number: usize) -> &'static str {
        const SHAPES: [&str; Theme::RUNS] = ["◆", "▲", "■", "★", "▼", "◇", "△", "□"];
        const LETTERS: [&str; Theme::RUNS] = ["a", "b", "c", "d", "e", "f", "g", "h"];
        if self.unicode() { SHAPES[number % SHAPES.len()] } else { LETTERS[number % LETTERS.len()] }
    }

    /// The sign of the run in front, where others are drawn too.
    pub fn own_sign(&self) -> &'static str {
        if self.unicode() { "●" } else { "o" }
    }

    /// Around a mean, so much deviation.
    pub fn plus_minus(&self) -> &'static str {
        if self.unicode() { "±" } else { "+/-" }
    }

    /// Raw points behind a smoothed curve.
    pub fn curve_raw(&self) -> Style {
        self.faint()
    }

    /// The state of a run.
    pub fn state(&self, state: Option<RunState>) -> Style {
        let ink = match state {
            Some(RunState::Running) => Ink::Accent,
            Some(RunState::Finished) => Ink::Curve,
            Some(RunState::Failed | RunState::Crashed) => Ink::Bad,
            Some(RunState::Stopped | RunState::Lost) => Ink::Warn,
            None => Ink::Faint,
        };
        self.fg(ink).add_modifier(Modifier::BOLD)
    }

    /// A sign for the state of a run.
    pub fn state_sign(&self, state: Option<RunState>) -> &'static str {
        match (state, self.unicode()) {
            (Some(RunState::Running), true) => "●",
            (Some(RunState::Finished), true) => "✓",
            (Some(RunState::Failed | RunState::Crashed), true) => "✗",
            (Some(RunState::Stopped), true) => "■",
            (Some(RunState::Lost), true) => "?",
            (None, true) => "○",
            (Some(RunState::Running), false) => "*",
            (Some(RunState::Finished), false) => "+",
            (Some(RunState::Failed | RunState::Crashed), false) => "x",
            (Some(RunState::Stopped), false) => "#",
            (Some(RunState::Lost), false) => "?",
            (None, false) => "-",
        }
    }

    /// Between the parts of a line.
    pub fn separator(&self) -> &'static str {
        if self.unicode() { " │ " } else { " | " }
    }

    /// Borders of a chart; the focused one differs in shape, for eyes and readers without colour.
    pub fn border(&self, focused: bool) -> border::Set<'static> {
        const fn ascii(horizontal: &'static str, vertical: &'static str) -> border::Set<'static> {
            border::Set {
                top_left: "+",
                top_right: "+",
                bottom_left: "+",
                bottom_right: "+",
                vertical_left: vertical,
                vertical_right: vertical,
                horizontal_top: horizontal,
                horizontal_bottom: horizontal,
            }
        }
        match (self.unicode(), focused) {
            (true, true) => border::THICK,
            (true, false) => border::ROUNDED,
            (false, true) => ascii("=", "#"),
            (false, false) => ascii("-", "|"),
        }
    }

    /// The y axis: plain, and beside a mark.
    pub fn axis(&self) -> (&'static str, &'static str) {
        if self.unicode() { ("│", "┤") } else { ("|", "+") }
    }

    /// Under a column that holds a NaN or an infinity.
    pub fn gap(&self) -> &'static str {
        if self.unicode() { "╳" } else { "x" }
    }

    /// A progress bar: full, empty.
    pub fn bar(&self) -> (&'static str, &'static str) {
        if self.unicode() { ("█", "░") } else { ("#", ".") }
    }

    /// Steps of a curve that is one row high, lowest first.
    pub fn spark(&self) -> [&'static str; 8] {
        if self.unicode() { ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] } else { ["_", ".", ",", "-", "~", "=", "+", "*"] }
    }

    /// Lines of a tree: past a level, to a branch, to the last branch, nothing.
    pub fn tree(&self) -> [&'static str; 4] {
        if self.unicode() { ["│  ", "├─ ", "└─ ", "   "] } else { ["|  ", "|- ", "`- ", "   "] }
    }

    /// Before the row in focus.
    pub fn cursor(&self) -> &'static str {
        if self.unicode() { "▸" } else { ">" }
    }

    /// The direction of an order: upwards, downwards.
    pub fn sorted(&self, down: bool) -> &'static str {
        match (down, self.unicode()) {
            (false, true) => "↑",
            (true, true) => "↓",
            (false, false) => "^",
            (true, false) => "v",
        }
    }

    /// What is better than something else.
    pub fn good(&self) -> Style {
        self.accent()
    }

    /// Whether a change helped: a sign, and how it looks.
    pub fn verdict(&self, verdict: Verdict) -> (&'static str, Style) {
        let [better, worse] = if self.unicode() { ["✓", "✗"] } else { ["+", "x"] };
        match verdict {
            Verdict::Better => (better, self.good()),
            Verdict::Worse => (worse, self.bad()),
            Verdict::Same => ("=", Style::new()),
        }
    }

    /// A sign for a trend: `up`, `down`, `flat`.
    pub fn trend(&self, trend: Option<&str>) -> &'static str {
        match (trend, self.unicode()) {
            (Some("up"), true) => "↗",
            (Some("down"), true) => "↘",
            (Some("flat"), true) => "→",
            (Some("up"), false) => "^",
            (Some("down"), false) => "v",
            (Some("flat"), false) => "=",
            _ => " ",
        }
    }

    /// `text` with what ASCII cannot say replaced, when the terminal knows only ASCII.
    pub fn plain<'a>(&self, text: std::borrow::Cow<'a, str>) -> std::borrow::Cow<'a, str> {
        if self.unicode() || text.is_ascii() {
            return text;
        }
        text.chars()
            .map(|c| {
                if c == '…' {
                    '~'
                } else if c.is_ascii() {
                    c
                } else {
                    '?'
                }
            })
            .collect::<String>()
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(vars: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        |name| vars.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string())
    }

    #[test]
    fn the_environment_tells_colours_and_characters() {
        assert_eq!(Depth::detect(&with(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")])), Depth::True);
        assert_eq!(Depth::detect(&with(&[("TERM", "tmux-256color")])), Depth::Indexed);
        assert_eq!(Depth::detect(&with(&[("TERM", "xterm")])), Depth::Ansi);
        assert_eq!(Depth::detect(&with(&[("TERM", "xterm-256color"), ("NO_COLOR", "1")])), Depth::None);
        assert_eq!(Glyphs::detect(&with(&[("LANG", "de_DE.UTF-8")])), Glyphs::Braille);
        assert_eq!(Glyphs::detect(&with(&[("LANG", "C.utf8"), ("TERM", "linux")])), Glyphs::Block);
        assert_eq!(Glyphs::detect(&with(&[("LANG", "C"), ("OG_ASCII", "0")])), Glyphs::Braille);
        assert_eq!(Glyphs::detect(&with(&[("LANG", "C.utf8"), ("OG_ASCII", "1")])), Glyphs::Ascii);
        assert_eq!(Glyphs::detect(&with(&[])), Glyphs::Ascii);
        assert_eq!(Scheme::detect(&with(&[("COLORFGBG", "0;15")])), Scheme::Light);
        assert_eq!(Scheme::detect(&with(&[("COLORFGBG", "15;0")])), Scheme::Dark);
    }

    #[test]
    fn a_colour_becomes_the_nearest_of_256() {
        assert_eq!([0x000000, 0xffffff, 0xff0000, 0x87ff5f, 0x6c6c6c].map(indexed), [16, 231, 196, 119, 242]);
    }

    #[test]
    fn without_colour_nothing_is_coloured() {
        for scheme in Scheme::ALL {
            let theme = Theme { scheme: *scheme, depth: Depth::None, glyphs: Glyphs::Braille };
            let styles = [theme.title(), theme.accent(), theme.faint(), theme.quiet(), theme.bad(), theme.warn(), theme.curve()];
            assert!(styles.iter().all(|style| style.fg.is_none()));
            assert_ne!(theme.state_sign(Some(RunState::Failed)), theme.state_sign(Some(RunState::Running)), "signs tell states apart");
        }
    }

    #[test]
    fn every_setting_is_read_as_it_is_written() {
        Scheme::ALL.iter().for_each(|value| assert_eq!(value.word().parse(), Ok(*value)));
        Depth::ALL.iter().for_each(|value| assert_eq!(value.word().parse(), Ok(*value)));
        assert_eq!("blue".parse::<Scheme>(), Err("`blue` is none of dark, light, high-contrast, colour-blind".into()));
        for scheme in Scheme::ALL {
            assert_eq!(serde_json::to_value(scheme).unwrap(), scheme.word());
        }
        for depth in Depth::ALL {
            assert_eq!(serde_json::to_value(depth).unwrap(), depth.word());
        }
    }
}
