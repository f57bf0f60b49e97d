//! Progress bars as tqdm and its kin draw them: `label:  40%|####      | 8/20 [00:01<00:02, 7.3it/s, loss=0.5]`.

use super::facts::Count;

/// The parts of a bar.
#[derive(Debug, PartialEq)]
pub(super) struct Bar<'a> {
    pub(super) label: &'a str,
    pub(super) count: Option<Count>,
    /// What stands behind the rate: `loss=0.5`.
    pub(super) postfix: &'a str,
    /// What was printed behind the bar.
    pub(super) tail: &'a str,
}

/// Finds the bar in a line.
pub(super) fn bar(text: &str) -> Option<Bar<'_>> {
    let percent = text.find("%|")?;
    let label = text[..percent].trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').trim_ascii_end();
    let drawn = &text[percent + 2..];
    let rest = drawn[drawn.find('|')? + 1..].trim_ascii_start();
    let open = rest.find('[')?;
    let count = rest[..open]
        .trim_ascii()
        .split_once('/')
        .and_then(|(at, of)| Some(Count { at: at.trim_ascii().parse().ok()?, of: of.trim_ascii().parse().ok() }));
    let (inside, tail) = split(&rest[open + 1..]);
    // `00:01<00:02, 7.3it/s, postfix`
    let mut parts = inside.splitn(3, ',');
    let postfix = parts.nth(2).unwrap_or("").trim_ascii();
    Some(Bar { label: label.trim_end_matches(':').trim_ascii(), count, postfix, tail: tail.trim_ascii() })
}

/// Cuts at the bracket that closes what is open.
fn split(text: &str) -> (&str, &str) {
    let mut depth = 1;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' => depth += 1,
            b']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return (&text[..at], &text[at + 1..]);
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_falls_into_its_parts() {
        let count = |at, of| Some(Count { at, of });
        assert_eq!(
            bar("Epoch 1/3:  10%|###    | 4/40 [00:00<00:00, 4.4it/s, loss=0.9, lr=[1e-3]]{'a': 1}"),
            Some(Bar { label: "Epoch 1/3", count: count(4, Some(40)), postfix: "loss=0.9, lr=[1e-3]", tail: "{'a': 1}" })
        );
        assert_eq!(bar("  0%|          | 0/? [00:00<?, ?it/s]"), Some(Bar { label: "", count: count(0, None), postfix: "", tail: "" }));
        assert_eq!(bar("100%| of it"), None);
        assert_eq!(bar("loss 5"), None);
    }
}
