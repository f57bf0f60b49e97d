//! Numbers as people write them, in the cells of tables and in the texts of JSON: with blanks around, as a percentage, in groups.

use super::columns::whole_text;

/// The number that a text stands for, which may be a percentage. `delimiter` is what parts it from others: where `;` does, a comma is a
/// decimal point unless there are several; where `,` does, it parts thousands; elsewhere it does what its place allows.
pub(super) fn number(text: &str, delimiter: u8) -> Option<f64> {
    let text = text.trim();
    let text = text.strip_suffix('%').map_or(text, str::trim_end);
    let decimal_comma = || {
        let (whole, fraction) = text.split_once(',').filter(|_| !text.contains('.'))?;
        whole_text(&format!("{whole}.{fraction}"))
    };
    whole_text(text).or_else(|| match delimiter {
        b',' => grouped(text, ',', '.'),
        b';' => decimal_comma().or_else(|| grouped(text, ',', '.')).or_else(|| grouped(text, '.', ',')),
        _ => grouped(text, ',', '.').or_else(decimal_comma),
    })
}

/// A number whose thousands are parted: `-1,234,567.5`. One that begins with a zero has none.
fn grouped(text: &str, mark: char, point: char) -> Option<f64> {
    let (whole, fraction) = text.split_once(point).unwrap_or((text, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let mut groups = whole.strip_prefix(['-', '+']).unwrap_or(whole).split(mark);
    groups.next().filter(|first| matches!(first.len(), 1..=3) && is_digits(first) && !first.starts_with('0'))?;
    let is_grouped = groups.clone().count() > 0 && groups.all(|group| group.len() == 3 && is_digits(group));
    let plain = || format!("{}.{fraction}", whole.replace(mark, ""));
    (is_grouped && is_digits(fraction)).then(plain).and_then(|plain| whole_text(&plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_comma_does_hangs_on_what_parts_numbers() {
        for (text, comma, semicolon, tab) in [
            ("1,234.5", Some(1234.5), Some(1234.5), Some(1234.5)),
            ("-1,234,567", Some(-1_234_567.0), Some(-1_234_567.0), Some(-1_234_567.0)),
            ("1,234", Some(1234.0), Some(1.234), Some(1234.0)),
            ("0,123", None, Some(0.123), Some(0.123)),
            ("0,5", None, Some(0.5), Some(0.5)),
            ("1.234,5", None, Some(1234.5), None),
            ("12,34,5", None, None, None),
            (" 12 % ", Some(12.0), Some(12.0), Some(12.0)),
            ("2023-01-02", None, None, None),
            ("1 2", None, None, None),
        ] {
            assert_eq!([b',', b';', b'\t'].map(|delimiter| number(text, delimiter)), [comma, semicolon, tab], "{text}");
        }
    }
}
