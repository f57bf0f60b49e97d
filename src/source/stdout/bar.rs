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
            match drawn.find('|') {
                Some(end) => (percent, drawn[end + 1..].trim_ascii_start()),
                None => return counted_first(text[..percent].trim_end_matches(|c: char| c.is_ascii_digit()).trim_ascii_end(), drawn),
            }
        }
        None => text.match_indices("% ").map(|(at, _)| (at, &text[at + 2..])).find(|(_, rest)| is_timed(rest))?,
    };
    let label = text[..percent].trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').trim_ascii_end();
    let open = rest.find('[')?;
    let (inside, tail, is_closed) = split(&rest[open + 1..]);
    // `00:01<00:02, 7.3it/s, postfix`, where the rate may be missing.
    let after_time = inside.split_once(',').map_or("", |(_, rest)| rest);
    let (rate, after_rate) = after_time.split_once(',').unwrap_or((after_time, ""));
    let postfix = if rate.contains('=') { after_time } else { after_rate };
    // A terminal cuts names and values anywhere.
    let postfix = if is_closed { postfix } else { postfix.rsplit_once(',').map_or("", |(whole, _)| whole) };
    Some(Bar {
        label: label.trim_end_matches([':', ' ']),
        count: count(&rest[..open]),
        postfix: postfix.trim_ascii(),
        tail: tail.trim_ascii(),
        wraps: false,
    })
}

/// The bar of Ignite, whose count stands in front of it and whose values stand behind what is drawn:
/// `Epoch [1/3]: [8/20]  40%|####      , loss=0.5 [00:01<00:02]`, of which `label` is all in front of the share.
fn counted_first<'a>(label: &'a str, drawn: &'a str) -> Option<Bar<'a>> {
    let (label, done) = label.strip_suffix(']')?.rsplit_once('[')?;
    let (values, time) = drawn.trim_start_matches(['#', ' ']).rsplit_once('[')?;
    let is_time = time.contains('<') && time.starts_with(|c: char| c.is_ascii_digit());
    let bar = Bar {
        label: label.trim_end_matches([':', ' ']),
        count: Some(count(done)?),
        postfix: values.trim_start_matches(',').trim_ascii(),
        tail: "",
        wraps: false,
    };
    is_time.then_some(bar)
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
/// `label ----- 8/20 0:00:01 | 0:00:02 7.3it/s loss: 0.5`. Ultralytics writes the share in front of it: `label: 40% ----- 8/20`, in
/// one line whose label a terminal may cut.
pub(super) fn rich(text: &str) -> Option<Bar<'_>> {
    const SHORTEST: usize = 3;
    let start = text.find(" --")? + 1;
    let drawn = text[start..].bytes().take_while(|b| *b == b'-').count();
    let rest = text[start + drawn..].strip_prefix(' ')?.trim_ascii_start();
    let (done, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let count = count(done);
    if drawn < SHORTEST || count.is_none() && !is_whole_share(done) {
        return None;
    }
    let label = text[..start].trim_ascii_end();
    Some(match label.rsplit_once(": ").filter(|(_, share)| is_whole_share(share)) {
        Some((label, _)) => Bar { label: uncut(label), count, postfix: "", tail: "", wraps: false },
        None => Bar { label, count, postfix: rest.trim_ascii(), tail: "", wraps: true },
    })
}

/// `40%`
fn is_whole_share(text: &str) -> bool {
    text.strip_suffix('%').is_some_and(|share| !share.is_empty() && share.bytes().all(|b| b.is_ascii_digit()))
}

/// A label without the mark of its cut, and without the word that was cut.
fn uncut(label: &str) -> &str {
    match label.strip_suffix('…') {
        Some(rest) => rest.trim_end_matches(|c: char| !c.is_ascii_whitespace()).trim_ascii_end(),
        None => label,
    }
}

/// `8/20`, `900/5.00k`
fn count(text: &str) -> Option<Count> {
    let (at, of) = text.trim_ascii().split_once('/')?;
    Some(Count { at: scaled(at.trim_ascii())?, of: scaled(of.trim_ascii()) })
}

/// A whole number, of which tqdm with `unit_scale` shows three digits: `1.25k`.
fn scaled(text: &str) -> Option<i64> {
    const UNITS: [(char, f64); 4] = [('k', 1e3), ('M', 1e6), ('G', 1e9), ('T', 1e12)];
    let of_unit = |(unit, scale): (char, f64)| {
        let digits: f64 = text.strip_suffix(unit)?.parse().ok()?;
        (0.0..1000.0).contains(&digits).then(|| (digits * scale).round() as i64)
    };
    text.parse().ok().or_else(|| UNITS.into_iter().find_map(of_unit))
}

/// Cuts at the bracket that closes what is open, and whether there is one.
fn split(text: &str) -> (&str, &str, bool) {
    let mut depth = 1;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' => depth += 1,
            b']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return (&text[..at], &text[at + 1..], true);
        }
    }
    (text, "", false)
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
        assert_eq!(
            ["999/5.00k", "1.25k/5.00k", "12.5M/?", "1.2x/5", "k/5", "é/5", "infk/5"].map(super::count),
            [count(999, Some(5000)), count(1250, Some(5000)), count(12_500_000, None), None, None, None, None]
        );
        let nemo = bar("Epoch 0: :   0%|    | 50/10000 [00:30<1:41:00, v_num=3, loss=2]").unwrap();
        assert_eq!((nemo.label, nemo.postfix), ("Epoch 0", "v_num=3, loss=2"));
        assert_eq!(
            bar("Epoch 4: 100% 8/8 [00:02<00:00,  3.5it/s, loss=0.5]"),
            Some(Bar { label: "Epoch 4", count: count(8, Some(8)), postfix: "loss=0.5", tail: "", wraps: false })
        );
        let cut = bar("Epoch 4: 100%|#| 8/8 [00:02<00:00,  3.5it/s, loss=0.5, acc=0.2").unwrap();
        assert_eq!((cut.count, cut.postfix), (count(8, Some(8)), "loss=0.5"), "what a terminal cuts is no value");
        assert_eq!(
            bar("Epoch [1/3]: [8/20]  40%|####      , loss=0.5 [00:01<00:02]"),
            Some(Bar { label: "Epoch [1/3]", count: count(8, Some(20)), postfix: "loss=0.5", tail: "", wraps: false })
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
        let cut = |label| Some(Bar { label, count: count(2, 4), postfix: "", tail: "", wraps: false });
        assert_eq!(rich("1/3  0.5  64: 50% ---------- 2/4 3.6it/s 0.4s<0.6s"), cut("1/3  0.5  64"));
        assert_eq!(rich("1/3  0.5   …: 50% ---------- 2/4 3.6it/s 0.4s<0.6s"), cut("1/3  0.5"));
        assert_eq!(rich("1/3  0.5  0.0…: 50% ---------- 2/4 3.6it/s 0.4s<0.6s"), cut("1/3  0.5"));
        for line in ["a ------ b", "------", "--- 5/20", "x -- 5/20", "pip ---- 670.2/670.2 MB"] {
            assert_eq!(rich(line), None, "{line}");
        }
    }
}
