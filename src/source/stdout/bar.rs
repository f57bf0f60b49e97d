//! Progress bars as tqdm and its kin draw them, `label:  40%|####      | 8/20 [00:01<00:02, 7.3it/s, loss=0.5]`, and as Rich does.

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
    /// What does not fit beside it is wrapped into the lines below.
    pub(super) wraps: bool,
}

/// Finds the bar in a line, drawn by tqdm; in notebooks a picture stands in its middle, and as text there is none.
pub(super) fn bar(text: &str) -> Option<Bar<'_>> {
    memchr::memchr(b'%', text.as_bytes())?;
    let (percent, rest) = match text.find("%|") {
        Some(percent) => {
            let drawn = &text[percent + 2..];
            (percent, drawn[drawn.find('|')? + 1..].trim_ascii_start())
        }
        None => text.match_indices("% ").map(|(at, _)| (at, &text[at + 2..])).find(|(_, rest)| is_timed(rest))?,
    };
    let label = text[..percent].trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').trim_ascii_end();
    let open = rest.find('[')?;
    let (inside, tail) = split(&rest[open + 1..]);
    // `00:01<00:02, 7.3it/s, postfix`, where the rate may be missing.
    let after_time = inside.split_once(',').map_or("", |(_, rest)| rest);
    let (rate, after_rate) = after_time.split_once(',').unwrap_or((after_time, ""));
    let postfix = if rate.contains('=') { after_time } else { after_rate };
    Some(Bar {
        label: label.trim_end_matches([':', ' ']),
        count: count(&rest[..open]),
        postfix: postfix.trim_ascii(),
        tail: tail.trim_ascii(),
        wraps: false,
    })
}

/// Whether `8/20 [00:01<` is next.
fn is_timed<'a>(text: &'a str) -> bool {
    // Only forward: a line may have thousands of places to look at.
    let past = |text: &'a str, signs: &[u8]| text.split_at(text.bytes().take_while(|b| b.is_ascii_digit() || signs.contains(b)).count());
    let (done, rest) = past(text, b"/ ");
    let Some(time) = rest.strip_prefix('[').filter(|_| done.ends_with(' ') && count(done).is_some()) else { return false };
    let (spent, rest) = past(time, b":");
    spent.contains(':') && rest.starts_with('<')
}

/// Finds the bar in a line, drawn by Rich with heavy lines, which stand as dashes here:
/// `label ----- 8/20 0:00:01 | 0:00:02 7.3it/s loss: 0.5`.
pub(super) fn rich(text: &str) -> Option<Bar<'_>> {
    const SHORTEST: usize = 3;
    let start = text.find(" --")? + 1;
    let drawn = text[start..].bytes().take_while(|b| *b == b'-').count();
    let rest = text[start + drawn..].strip_prefix(' ')?.trim_ascii_start();
    let (done, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let count = count(done);
    let is_share = done.strip_suffix('%').is_some_and(|share| !share.is_empty() && share.bytes().all(|b| b.is_ascii_digit()));
    let is_bar = drawn >= SHORTEST && (count.is_some() || is_share);
    is_bar.then(|| Bar { label: text[..start].trim_ascii_end(), count, postfix: rest.trim_ascii(), tail: "", wraps: true })
}

/// `8/20`
fn count(text: &str) -> Option<Count> {
    let (at, of) = text.trim_ascii().split_once('/')?;
    Some(Count { at: at.trim_ascii().parse().ok()?, of: of.trim_ascii().parse().ok() })
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
            Some(Bar { label: "Epoch 1/3", count: count(4, Some(40)), postfix: "loss=0.9, lr=[1e-3]", tail: "{'a': 1}", wraps: false })
        );
        assert_eq!(
            bar("  0%|          | 0/? [00:00<?, ?it/s]"),
            Some(Bar { label: "", count: count(0, None), postfix: "", tail: "", wraps: false })
        );
        let nemo = bar("Epoch 0: :   0%|    | 50/10000 [00:30<1:41:00, v_num=3, loss=2]").unwrap();
        assert_eq!((nemo.label, nemo.postfix), ("Epoch 0", "v_num=3, loss=2"));
        assert_eq!(
            bar("Epoch 4: 100% 8/8 [00:02<00:00,  3.5it/s, loss=0.5]"),
            Some(Bar { label: "Epoch 4", count: count(8, Some(8)), postfix: "loss=0.5", tail: "", wraps: false })
        );
        assert_eq!(bar("100%| of it"), None);
        assert_eq!(bar("up 5% 8/8 [a<b]"), None);
        assert_eq!(bar("loss 5"), None);
    }

    #[test]
    fn a_bar_of_rich_falls_into_its_parts() {
        let count = |at, of| Some(Count { at, of: Some(of) });
        assert_eq!(
            rich("Epoch 0/2 --------- 5/20 0:00:00 | 0:00:01 34.10it/s loss: 0.5"),
            Some(Bar { label: "Epoch 0/2", count: count(5, 20), postfix: "0:00:00 | 0:00:01 34.10it/s loss: 0.5", tail: "", wraps: true })
        );
        assert_eq!(rich("loss 0.5 -----  40% -:--:--").map(|bar| (bar.label, bar.count)), Some(("loss 0.5", None)));
        for line in ["a ------ b", "------", "--- 5/20", "x -- 5/20", "pip ---- 670.2/670.2 MB"] {
            assert_eq!(rich(line), None, "{line}");
        }
    }
}
