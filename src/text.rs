//! Text as it is laid out in cells, and numbers as short text.
//! The only room that knows how wide a character is.
//! Never here: colours, layout, a locale.

use std::borrow::Cow;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The sign that something was cut away.
const ELLIPSIS: char = '…';

/// Cells that `text` takes on a screen. Control characters take none.
pub fn width(text: &str) -> usize {
    if plain(text) { text.len() } else { text.width() }
}

/// Cells that one character takes by itself: 0, 1 or 2.
pub fn char_width(c: char) -> usize {
    match c {
        // Boxes, blocks and braille fill our screens, and the tables are slow.
        '\u{2500}'..='\u{259f}' | '\u{2800}'..='\u{28ff}' | ' '..='~' => 1,
        c => c.width().unwrap_or(0).min(2),
    }
}

/// `text` in at most `cells` cells; what does not fit gives way to an ellipsis at the end.
///
/// No character is cut in half: the result may be one cell narrower than `cells`.
pub fn cut(text: &str, cells: usize) -> Cow<'_, str> {
    if width(text) <= cells {
        return Cow::Borrowed(text);
    }
    if cells == 0 {
        return Cow::Borrowed("");
    }
    Cow::Owned(format!("{}{ELLIPSIS}", head(text, cells - 1)))
}

/// Like [`cut`], but keeps the end: for paths and metric keys, whose last part says the most.
pub fn cut_start(text: &str, cells: usize) -> Cow<'_, str> {
    if width(text) <= cells {
        return Cow::Borrowed(text);
    }
    if cells == 0 {
        return Cow::Borrowed("");
    }
    Cow::Owned(format!("{ELLIPSIS}{}", tail(text, cells - 1)))
}

/// Like [`cut`], but keeps both ends: for words around a path, of which the last part says the most.
pub fn cut_middle(text: &str, cells: usize) -> Cow<'_, str> {
    /// Of what stands before the gap.
    const HEAD: usize = 12;
    if width(text) <= cells {
        return Cow::Borrowed(text);
    }
    let before = head(text, HEAD.min(cells / 4));
    Cow::Owned(format!("{before}{}", cut_start(&text[before.len()..], cells - width(before))))
}

/// `text` in exactly `cells` cells: cut, or filled with spaces on the right.
pub fn fit(text: &str, cells: usize) -> String {
    let text = cut(text, cells);
    let gap = cells.saturating_sub(width(&text));
    format!("{text}{:gap$}", "")
}

/// `text` in exactly `cells` cells: cut, or filled with spaces on the left. For numbers in columns.
pub fn fit_right(text: &str, cells: usize) -> String {
    let text = cut(text, cells);
    let gap = cells.saturating_sub(width(&text));
    format!("{:gap$}{text}", "")
}

/// Without escapes and controls, but with its line breaks; tabs are spaces.
pub fn clean(text: &str) -> String {
    text.chars().map(|c| if c == '\t' { ' ' } else { c }).filter(|c| *c == '\n' || !c.is_control()).collect()
}

/// The same in one line: line breaks are spaces too. For names and keys, which may hold anything, where each has its line.
pub fn one_line(text: &str) -> Cow<'_, str> {
    if plain(text) || !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let spaced = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c });
    Cow::Owned(spaced.filter(|c| !c.is_control()).collect())
}

/// `text` in lines of at most `cells` cells, broken between words where that is possible. Line breaks in it are kept.
pub fn wrap(text: &str, cells: usize) -> Vec<String> {
    let cells = cells.max(1);
    let mut lines = vec![];
    for paragraph in text.split('\n') {
        let mut line = String::new();
        let mut used = 0;
        for word in paragraph.split_inclusive(' ') {
            if used > 0 && used + width(word.trim_end()) > cells {
                lines.push(std::mem::take(&mut line).trim_end().to_owned());
                used = 0;
            }
            for c in word.chars() {
                let wide = char_width(c);
                if used + wide > cells && used > 0 && c != ' ' {
                    lines.push(std::mem::take(&mut line));
                    used = 0;
                }
                line.push(c);
                used += wide;
            }
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// A value with `digits` significant digits: `2.31`, `0.0004`, `3.4e-5`, `12345`, `1.2e16`, `NaN`, `-inf`.
///
/// Digits left of the point are never rounded away below 1e15, zeros at the end are dropped.
pub fn number(value: f64, digits: usize) -> String {
    let Some((mantissa, exponent)) = rounded(value, digits) else { return unusual(value) };
    if value == 0.0 {
        "0".into()
    } else if (-4..15).contains(&exponent) {
        let decimals = usize::try_from(digits.max(1) as i32 - 1 - exponent).unwrap_or(0);
        trim_zeros(format!("{value:.decimals$}"))
    } else {
        format!("{}e{exponent}", trim_zeros(mantissa))
    }
}

/// A value with `digits` significant digits and an SI unit: `950`, `12.3k`, `1.2M`, `4G`, `3.4e-5`.
pub fn si(value: f64, digits: usize) -> String {
    const UNITS: [&str; 5] = ["", "k", "M", "G", "T"];
    let Some((_, exponent)) = rounded(value, digits) else { return unusual(value) };
    let unit = usize::try_from(exponent.div_euclid(3)).unwrap_or(0);
    if unit == 0 || unit >= UNITS.len() {
        return number(value, digits);
    }
    let decimals = usize::try_from(digits.max(1) as i32 - 1 - exponent.rem_euclid(3)).unwrap_or(0);
    let scaled = value / 1000f64.powi(unit as i32);
    format!("{}{}", trim_zeros(format!("{scaled:.decimals$}")), UNITS[unit])
}

/// A fraction as percent: `0%`, `4.2%`, `42%`, `99.9%`, `100%`. Only what is whole reads `100%`.
pub fn percent(fraction: f64) -> String {
    let percent = fraction * 100.0;
    if !percent.is_finite() {
        return unusual(percent);
    }
    let fine = percent != 0.0 && (percent.abs() < 10.0 || (percent.abs() > 99.0 && percent.abs() < 100.0));
    // Rounding towards zero keeps 99.96 % from reading as done.
    let shown = if fine { (percent * 10.0).trunc() / 10.0 } else { percent.trunc() };
    format!("{}%", trim_zeros(format!("{shown:.1}")))
}

/// A count of bytes: `0 B`, `900 B`, `1.5 KiB`, `3 GiB`.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut unit = 0;
    let mut value = count as f64;
    // 1023.95 would be printed as 1024.0, which is the next unit's 1.
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let decimals = usize::from(unit > 0 && value < 99.95);
    format!("{} {}", trim_zeros(format!("{value:.decimals$}")), UNITS[unit])
}

/// A span of seconds: `0:07`, `12:04`, `1h02m`, `3d4h`. What is not a span (negative, NaN, infinite) is `?`.
pub fn duration(seconds: f64) -> String {
    if !(0.0..1e15).contains(&seconds) {
        return "?".into();
    }
    let s = seconds as u64;
    let (minutes, hours, days) = (s / 60, s / 3600, s / 86_400);
    if hours == 0 {
        format!("{minutes}:{:02}", s % 60)
    } else if days == 0 {
        format!("{hours}h{:02}m", minutes % 60)
    } else {
        format!("{days}d{}h", hours % 24)
    }
}

/// How many single-character slips (insert, delete, replace, swap of neighbours) lie between two
/// words, without regard to case.
pub fn slips(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().flat_map(char::to_lowercase).collect();
    let b: Vec<char> = b.chars().flat_map(char::to_lowercase).collect();
    let mut older: Vec<usize> = vec![];
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let same = a[i - 1] == b[j - 1];
            let mut least = (above[j] + 1).min(row[j - 1] + 1).min(above[j - 1] + usize::from(!same));
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(older[j - 2] + 1);
            }
            row.push(least);
        }
        older = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

/// One byte, one cell: the common case, worth not asking the tables.
fn plain(text: &str) -> bool {
    text.bytes().all(|b| (0x20..0x7f).contains(&b))
}

/// The longest start of `text` that fits, combining marks kept with their base.
fn head(text: &str, cells: usize) -> &str {
    let mut used = 0;
    let mut end = text.len();
    for (at, c) in text.char_indices() {
        used += char_width(c);
        if used > cells {
            end = at;
            break;
        }
    }
    // A sequence can be wider than the sum of its characters (U+FE0F widens what it follows).
    while width(&text[..end]) > cells {
        end = text[..end].char_indices().next_back().map_or(0, |(at, _)| at);
    }
    &text[..end]
}

/// The longest end of `text` that fits and does not begin with a combining mark.
fn tail(text: &str, cells: usize) -> &str {
    let mut used = 0;
    let mut start = text.len();
    for (at, c) in text.char_indices().rev() {
        used += char_width(c);
        if used > cells {
            break;
        }
        if char_width(c) > 0 {
            start = at;
        }
    }
    while width(&text[start..]) > cells {
        start += text[start..].chars().next().map_or(0, char::len_utf8);
    }
    &text[start..]
}

/// Mantissa and decimal exponent after rounding to `digits`; `None` if the value is not finite.
fn rounded(value: f64, digits: usize) -> Option<(String, i32)> {
    let text = value.is_finite().then(|| format!("{value:.*e}", digits.max(1) - 1))?;
    let (mantissa, exponent) = text.split_once('e')?;
    Some((mantissa.to_owned(), exponent.parse().ok()?))
}

fn unusual(value: f64) -> String {
    if value.is_nan() { "NaN".into() } else { if value > 0.0 { "inf" } else { "-inf" }.into() }
}

fn trim_zeros(number: String) -> String {
    if !number.contains('.') {
        return number;
    }
    let short = number.trim_end_matches('0').trim_end_matches('.');
    if short == "-0" { "0".into() } else { short.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_kept_whole_where_they_fit() {
        assert_eq!(wrap("the loss is flat", 8), ["the loss", "is flat"]);
        assert_eq!(wrap("a\n\nbcdefgh ij", 4), ["a", "", "bcde", "fgh", "ij"]);
        assert_eq!(wrap("損失を見て", 4), ["損失", "を見", "て"]);
        assert_eq!((wrap("", 5), wrap("ab", 0)), (vec![String::new()], vec!["a".into(), "b".into()]));
    }

    #[test]
    fn cutting_marks_what_is_missing_and_never_halves_a_character() {
        assert_eq!(cut("loss", 4), "loss");
        assert_eq!(cut("train/loss", 6), "train…");
        assert_eq!(cut("漢字漢字", 6), "漢字…");
        assert_eq!(cut("漢字漢字", 4), "漢…");
        assert_eq!(cut("x", 0), "");
        assert_eq!(cut("ne\u{301}e\u{301}e", 3), "ne\u{301}…");
        assert_eq!(cut_start("train/grad_norm", 10), "…grad_norm");
        assert_eq!(cut_start("漢字漢字", 4), "…字");
    }

    #[test]
    fn the_short_cut_says_what_the_tables_say() {
        for c in '\0'..='\u{2fff}' {
            assert_eq!(char_width(c), c.width().unwrap_or(0).min(2), "{c:?}");
        }
    }

    #[test]
    fn fitting_fills_on_the_side_away_from_the_text() {
        assert_eq!(fit("漢", 4), "漢  ");
        assert_eq!(fit_right("2.31", 6), "  2.31");
        assert_eq!(fit_right("漢字", 3), "漢…");
        assert_eq!(fit("漢字", 2), "… ");
    }

    #[test]
    fn numbers_keep_their_significant_digits() {
        let cases = [
            (2.3104, "2.31"),
            (0.0004, "0.0004"),
            (3.4e-5, "3.4e-5"),
            (-3.456e-9, "-3.46e-9"),
            (0.0, "0"),
            (12345.0, "12345"),
            (999.96, "1000"),
            (1.2e16, "1.2e16"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (value, want) in cases {
            assert_eq!(number(value, 3), want, "{value}");
        }
        assert_eq!(number(5e-324, 3), "4.94e-324");
        assert_eq!(number(0.5, 0), "0.5");
    }

    #[test]
    fn si_units_step_up_where_rounding_says_so() {
        let cases = [
            (950.0, "950"),
            (12_345.0, "12.3k"),
            (999_960.0, "1M"),
            (1_234_567.0, "1.23M"),
            (-4e9, "-4G"),
            (7.1e12, "7.1T"),
            (3e15, "3e15"),
            (3.4e-5, "3.4e-5"),
            (0.25, "0.25"),
        ];
        for (value, want) in cases {
            assert_eq!(si(value, 3), want, "{value}");
        }
    }

    #[test]
    fn only_what_is_whole_is_a_hundred_percent() {
        for (fraction, want) in [(0.0, "0%"), (0.0421, "4.2%"), (0.426, "42%"), (0.9996, "99.9%"), (1.0, "100%"), (f64::NAN, "NaN")] {
            assert_eq!(percent(fraction), want);
        }
    }

    #[test]
    fn bytes_and_durations_are_short() {
        for (count, want) in [(0, "0 B"), (900, "900 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (1_048_575, "1 MiB"), (3 << 30, "3 GiB")] {
            assert_eq!(bytes(count), want);
        }
        assert_eq!(bytes(u64::MAX), "16 EiB");
        for (secs, want) in [(7.9, "0:07"), (724.0, "12:04"), (3725.0, "1h02m"), (273_600.0, "3d4h"), (-1.0, "?"), (f64::NAN, "?")] {
            assert_eq!(duration(secs), want);
        }
    }

    #[test]
    fn a_swap_of_neighbours_is_one_slip() {
        assert_eq!(slips("Entr", "Enter"), 1);
        assert_eq!(slips("etner", "Enter"), 1);
        assert_eq!(slips("", "abc"), 3);
        assert_eq!(slips("F13", "F1"), 1);
    }

    proptest! {
        #[test]
        fn wrapped_lines_fit_and_nothing_is_lost(text in "[a-z 損👍\n]{0,60}", cells in 2usize..20) {
            let lines = wrap(&text, cells);
            prop_assert!(lines.iter().all(|line| width(line) <= cells), "{lines:?}");
            let words = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(words(&lines.concat()), words(&text));
        }

        #[test]
        fn nothing_ever_sticks_out(text in "\\PC{0,30}", cells in 0usize..20) {
            prop_assert!(width(&cut(&text, cells)) <= cells);
            prop_assert!(width(&cut_start(&text, cells)) <= cells);
            prop_assert_eq!(width(&fit(&text, cells)), cells);
        }

        #[test]
        fn any_number_is_short_and_says_its_value(value in any::<f64>(), digits in 1usize..8) {
            let text = number(value, digits);
            prop_assert!(text.len() <= 24, "{}", text);
            let back: f64 = text.parse().unwrap();
            prop_assert!(value.is_nan() || back == value || ((back - value) / value).abs() < 10f64.powi(1 - digits as i32) || !back.is_finite());
            si(value, digits);
            percent(value);
            duration(value);
        }
    }
}
