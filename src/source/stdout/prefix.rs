//! What loggers and launchers put in front of a line: times, levels, names, ranks.

use super::words::{counter, is_ordinal, validation};

/// The line behind its prefix.
#[derive(Debug, PartialEq)]
pub(super) struct Stripped<'a> {
    pub(super) text: &'a str,
    /// The same with the spaces around it, for what stands in columns.
    pub(super) wide: &'a str,
    /// The process that wrote it, when it says so.
    pub(super) rank: Option<u32>,
    /// The names of a line tagged as validation get this in front.
    pub(super) prefix: &'static str,
    /// Bytes at the front whose digits mean something: the rank.
    pub(super) tag: usize,
}

/// Trackers that talk about themselves and repeat the run's numbers at its end.
const TRACKERS: &[&str] = &["wandb:", "wandb ", "mlflow:", "comet_ml:", "COMET ", "neptune:", "aim:", "clearml:"];

const LEVELS: &[&str] = &["INFO", "DEBUG", "WARNING", "WARN", "ERROR", "CRITICAL", "NOTICE", "TRACE", "I", "Info", "Warning"];

const MONTHS: &[&str] = &["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const DAYS: &[&str] = &["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

impl<'a> Stripped<'a> {
    /// A text without a prefix.
    pub(super) fn bare(text: &'a str) -> Stripped<'a> {
        Stripped { text, wide: text, rank: None, prefix: "", tag: 0 }
    }
}

/// Takes the prefix off. `None`: a tracker's own words.
pub(super) fn strip(line: &str) -> Option<Stripped<'_>> {
    let text = line.trim_ascii();
    let stripped = strip_trimmed(text)?;
    let before = line.trim_ascii_end().len() - stripped.text.len();
    Some(Stripped { wide: &line[line[..before].trim_ascii_end().len()..], ..stripped })
}

fn strip_trimmed(line: &str) -> Option<Stripped<'_>> {
    let mut out = Stripped::bare(line);
    if TRACKERS.iter().any(|tracker| out.text.starts_with(tracker)) {
        return None;
    }
    if let Some(rest) = glog(out.text) {
        out.text = rest;
        return Some(out);
    }
    // Whether something that only loggers write was seen: then a lone name in front is a logger's.
    let mut logged = false;
    loop {
        let text = out.text;
        let next = match text.as_bytes().first() {
            Some(b'[') => bracket(text, &mut out, &mut logged),
            Some(b'(') => launcher(text).or_else(|| place(text, &mut out, logged)),
            Some(b'0'..=b'9') => time(text).map(to_level).or_else(|| dated(text)).inspect(|_| logged = true),
            Some(b'A'..=b'Z' | b'a'..=b'z' | b'_') => level(text, &mut logged)
                .or_else(|| dated(text).inspect(|_| logged = true))
                .or_else(|| logger(text, logged))
                .or_else(|| rank_word(text, &mut out)),
            _ => None,
        };
        let Some(next) = next else { return Some(out) };
        if out.rank.is_some() && out.tag == 0 {
            out.tag = line.len() - next.len();
        }
        let rest = next.trim_start_matches([' ', ':', '|']);
        out.text = rest.strip_prefix("- ").unwrap_or(rest).trim_ascii_start();
    }
}

/// Where the line of another process begins in `line`, which begins with the tag of one: `[Rank 1] loss 0.5[Rank 0] loss 0.25`. Python
/// writes a line and its end one after the other, and others write in between.
pub(super) fn joined(line: &str) -> Option<usize> {
    const OPENING_BYTES_MAX: usize = 16;
    let inside = line.strip_prefix('[')?;
    let digits = inside.bytes().take(OPENING_BYTES_MAX).position(|b| b.is_ascii_digit()).filter(|at| *at > 0)?;
    let (opening, end) = (&line[..=digits], inside.find(']')?);
    rank_in_brackets(&inside[..end])?;
    line.match_indices(opening).skip(1).map(|(at, _)| at).find(|at| {
        let rest = &line[at + 1..];
        rest.find(']').is_some_and(|end| rank_in_brackets(&rest[..end]).is_some())
    })
}

/// `I0731 09:47:48.898259     514 file.cc:493] text`
fn glog(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let head = matches!(bytes, [b'I' | b'W' | b'E' | b'F', a, b, c, d, b' ', ..] if [a, b, c, d].iter().all(|b| b.is_ascii_digit()));
    let end = head.then(|| text.find("] "))??;
    (end < 120).then(|| &text[end + 2..])
}

/// A bracket that holds no count: `[INFO]`, `[rank0]`, `[2023-04-18 08:48:01,543]`, `[titan]`.
fn bracket<'a>(text: &'a str, out: &mut Stripped, logged: &mut bool) -> Option<&'a str> {
    let end = text.find(']').filter(|end| *end < 120)?;
    let inside = text[1..end].trim_ascii();
    let rest = &text[end + 1..];
    if let Some(rank) = rank_in_brackets(inside) {
        out.rank = Some(rank);
        return Some(rest);
    }
    // `[1,0]<stderr>:` of mpirun: the job and the rank in it.
    if let Some(written) = ["<stdout>:", "<stderr>:"].iter().find_map(|stream| rest.strip_prefix(stream))
        && let Some((_, rank)) = inside.split_once(',').filter(|(job, rank)| is_number(job) && is_number(rank))
    {
        out.rank = rank.parse().ok();
        return Some(written);
    }
    if let Some(prefix) = validation(inside) {
        out.prefix = prefix;
        return Some(rest);
    }
    // `[1: 20/200]`, but not `[10:00:00]`.
    let (epoch, step) = inside.split_once(": ").unwrap_or((inside, "0"));
    let are_counts = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'/' | b',' | b' '));
    let numbers = are_counts(epoch)
        && are_counts(step)
        && [epoch, step].iter().all(|text| ['/', ','].iter().all(|sign| text.matches(*sign).count() < 2));
    let counts = numbers || inside.split([' ', '=', ':', ',']).any(|word| counter(word).is_some() || is_ordinal(word));
    // `[42292] [MainThread] [INFO]`: a process.
    let mut next = rest.trim_ascii_start().split(['[', ']']).skip(1).step_by(2).take(2);
    let is_process = *logged && is_number(inside) && next.any(|next| LEVELS.contains(&next));
    // `[batch=10/1000]:` and `[Epoch 3]` count; a name and a clock do not.
    if counts && !is_process || inside.is_empty() {
        return None;
    }
    *logged = true;
    Some(rest)
}

/// `rank0`, `Rank 27`, `rank: 0`, `default0`, `1,0` of mpirun.
fn rank_of(text: &str) -> Option<u32> {
    let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    let word = text[..text.len() - digits.len()].trim_end_matches([' ', ':', '=', '_', '-']);
    (["rank", "default", "local_rank", "global_rank"].iter().any(|name| word.eq_ignore_ascii_case(name))).then(|| digits.parse().ok())?
}

/// The same in brackets, where `GPU0` is one too; elsewhere that is a device as often.
fn rank_in_brackets(text: &str) -> Option<u32> {
    let gpu = || text.get(..3).filter(|word| word.eq_ignore_ascii_case("gpu")).map(|_| text[3..].trim_ascii_start());
    rank_of(text).or_else(|| gpu()?.parse().ok())
}

/// `rank 3: ...` without brackets.
fn rank_word<'a>(text: &'a str, out: &mut Stripped) -> Option<&'a str> {
    let colon = text.find(':').filter(|at| *at < 12)?;
    out.rank = Some(rank_of(&text[..colon])?);
    Some(&text[colon + 1..])
}

/// `(RayTrainWorker pid=123, ip=10.0.0.1) text`
fn launcher(text: &str) -> Option<&str> {
    let end = text.find(')').filter(|end| *end < 120)?;
    text[..end].contains("pid=").then(|| &text[end + 1..])
}

/// What loggers put in parentheses: `(train.py 88)`, `(trainer:464)`, and `(0/2)`, the rank among all, where something else counts.
fn place<'a>(text: &'a str, out: &mut Stripped, logged: bool) -> Option<&'a str> {
    let end = text.find(')').filter(|end| logged && *end < 120)?;
    let inside = &text[1..end];
    if let Some((rank, _)) = inside.split_once('/').filter(|(rank, of)| is_number(rank) && is_number(of)) {
        let counts = text[end + 1..].split(|c: char| !c.is_ascii_alphanumeric()).any(|word| counter(word).is_some());
        out.rank = rank.parse().ok().filter(|_| counts);
        return counts.then(|| &text[end + 1..]);
    }
    let (name, line) = inside.rsplit_once([':', ' '])?;
    let is_place = is_number(line) && counter(name).is_none() && !name.is_empty() && !name.contains(' ');
    is_place.then(|| &text[end + 1..])
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// A date, a clock or both.
fn time(text: &str) -> Option<&str> {
    let end =
        text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '-' | ':' | '/' | '.' | ',' | 'T' | 'Z' | '+'))).unwrap_or(text.len());
    let word = text[..end].trim_end_matches([',', ':']);
    let marks = |mark: char| word.matches(mark).count();
    // A day without its year is one in front of a clock: `07/03 13:04:17`, but not `10/100 loss: 1`.
    let is_clock_next = || text[end..].trim_ascii_start().get(2..3) == Some(":");
    let is_date = marks('-') == 2
        || (marks('-') == 1 && word.len() == 5 && word.find('-') == Some(2) && is_clock_next())
        || (marks('/') >= 1 && word.len() >= 5 && word.find('/') == Some(2))
        || (marks('/') == 2 && word.len() == 10 && word.find('/') == Some(4))
        || (marks('.') == 2 && word.len() == 10 && !word.contains(','));
    let is_clock = marks(':') >= 1 && word.len() >= 5 && !word.contains('/');
    let alone = matches!(text.as_bytes().get(end), None | Some(b' ' | b'|' | b'\t'));
    let dated = !word.contains('/') || marks('/') == 2 || is_clock_next();
    ((is_date || is_clock) && alone && dated && word.bytes().all(|b| !b.is_ascii_alphabetic() || b == b'T' || b == b'Z'))
        .then(|| &text[end..])
}

/// A date with the name of its month, and a clock: `Sat 23 Apr 2022 00:39:03`, `Apr 23 00:39:03`.
fn dated(text: &str) -> Option<&str> {
    const WORDS_MAX: usize = 6;
    let (mut rest, mut has_month) = (text, false);
    for _ in 0..WORDS_MAX {
        let (word, behind) = rest.split_once(' ').unwrap_or((rest, ""));
        if has_month && word.contains(':') {
            return time(rest);
        }
        let name = word.trim_end_matches(',');
        if name.len() > 4 {
            return None;
        }
        has_month |= MONTHS.contains(&name);
        if !(is_number(name) || MONTHS.contains(&name) || DAYS.contains(&name)) {
            return None;
        }
        rest = behind.trim_ascii_start();
    }
    None
}

/// `INFO`, `INFO:`, `INFO:root:`
fn level<'a>(text: &'a str, logged: &mut bool) -> Option<&'a str> {
    let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    if end == 1 && !text[1..].starts_with(' ') || !LEVELS.contains(&&text[..end]) {
        return None;
    }
    let rest = &text[end..];
    let before = std::mem::replace(logged, true);
    match rest.as_bytes().first() {
        Some(b':') => {
            let name = rest[1..].find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.'))).map_or(rest.len(), |at| at + 1);
            Some(if name > 1 && rest[name..].starts_with(':') { &rest[name + 1..] } else { &rest[1..] })
        }
        Some(b' ' | b'|' | b'-' | b'\t') => Some(rest),
        _ => {
            *logged = before;
            None
        }
    }
}

/// What stands behind the time goes on with the level, if only the names of a host or a module are in front of that:
/// `host:0  train.py  INFO`.
fn to_level(text: &str) -> &str {
    const WORDS_MAX: usize = 3;
    let text = text.trim_ascii_start();
    let mut rest = text;
    for _ in 0..WORDS_MAX {
        let Some((_, behind)) = rest.split_once([' ', '\t']) else { return text };
        rest = behind.trim_ascii_start();
        if LEVELS.iter().any(|level| level.len() > 1 && rest.strip_prefix(level).is_some_and(|rest| rest.starts_with([' ', '\t', ':']))) {
            let says = |word: &str| word.contains('=') || word.bytes().all(|b| b.is_ascii_digit() || b == b'.');
            return if text[..text.len() - rest.len()].split_ascii_whitespace().any(says) { text } else { rest };
        }
    }
    text
}

/// The name of a logger behind a time or level: `root - `, `train_inner | `, `pkg.module: `, `train.py:88: `.
fn logger(text: &str, logged: bool) -> Option<&str> {
    let end = text.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | ':' | '/'))).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let parted = rest.starts_with(" - ") || rest.starts_with(" | ");
    // `pkg.trainer:88 - `
    let is_line = parted && word.rsplit_once(':').is_some_and(|(_, line)| is_number(line));
    let is_source = word.contains(".py:") || is_line || word.contains('.') && word.ends_with(':') && !word.contains('/');
    let plain = counter(word).is_none() && validation(word).is_none() && !word.bytes().any(|b| b == b':' || b == b'=');
    (logged && (is_source || parted && plain)).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_loggers_and_launchers_add_is_taken_off() {
        for (line, text, rank) in [
            ("[rank0]:[titan] 2025-06-04 08:51:48,074 - root - INFO - step:  1  loss: 12.2", "step:  1  loss: 12.2", Some(0)),
            ("2021-03-08 12:31:36 | INFO | train_inner | {\"a\": 1}", "{\"a\": 1}", None),
            ("07/03 13:04:17 - mmengine - INFO - Epoch(train)  [1][ 10/196]  lr: 1", "Epoch(train)  [1][ 10/196]  lr: 1", None),
            ("2026/11/21 10:01:55 - mmengine - INFO - Epoch(val) [1][50/50]  acc: 1", "Epoch(val) [1][50/50]  acc: 1", None),
            ("11-21 10:00:00 INFO epoch 3 loss 2", "epoch 3 loss 2", None),
            ("11-21 loss 2", "11-21 loss 2", None),
            ("INFO:tensorflow:loss = 2.1, step = 100", "loss = 2.1, step = 100", None),
            ("[2023-04-18 08:48:01,543] [INFO] [a.py:188:f] [deepspeed] step=1", "step=1", None),
            ("I0731 09:47:48.898259     514 a.cc:493] step: 1", "step: 1", None),
            ("[01/02 10:00:00 d2.utils.events]:  eta: 0:10:00  iter: 19  loss: 1", "eta: 0:10:00  iter: 19  loss: 1", None),
            ("(RayTrainWorker pid=12, ip=1.2.3.4) epoch 1 loss 2", "epoch 1 loss 2", None),
            ("[Rank 27] (after 20 iterations)", "(after 20 iterations)", Some(27)),
            ("[GPU1] Epoch 3 | Loss: 2", "Epoch 3 | Loss: 2", Some(1)),
            ("[2021-06-01 10:00:00 tiny](main.py 200): INFO loss 1", "loss 1", None),
            ("[gpu01:0/2] 2020-07-19 08:49:04,080 (trainer:464) INFO: loss=1", "loss=1", None),
            ("2022-06-08 08:01:22,072 INFO [train.py:815] (1/2) Epoch 1, loss=1", "Epoch 1, loss=1", Some(1)),
            ("2021-08-01 10:00:00 | INFO     | yolox.core.trainer:258 - epoch: 1", "epoch: 1", None),
            ("[2023-04-08 05:40:27,016] [42292] [MainThread] [INFO] (a.b.C:272) - Epoch: 2/50", "Epoch: 2/50", None),
            ("[2023-04-08 05:40:27,016] [42] loss 1", "[42] loss 1", None),
            ("Sat 23 Apr 2022 00:39:03 INFO  epoch 3 loss 2", "epoch 3 loss 2", None),
            ("Apr 23 00:39:03 host: loss 2", "host: loss 2", None),
            ("23 May 14:00    INFO  epoch 3 loss 2", "epoch 3 loss 2", None),
            ("2024-04-01 10:00:00.123\tgpu-001:0\ttrain:961\tINFO\t[step=101/739,epoch=0]", "[step=101/739,epoch=0]", None),
            ("10:00:00 loss 0.5 INFO saved", "loss 0.5 INFO saved", None),
            ("May 5 epochs pass", "May 5 epochs pass", None),
            ("[INFO] (epoch: 1, loss: 2)", "(epoch: 1, loss: 2)", None),
            ("[1,12]<stderr>:INFO:root:[Epoch 0] loss=0.5", "[Epoch 0] loss=0.5", Some(12)),
            ("[7]\ttrain-auc:0.9", "[7]\ttrain-auc:0.9", None),
            ("[1,  2000] loss: 2", "[1,  2000] loss: 2", None),
            ("[1,   50/ 250] - loss: 2", "[1,   50/ 250] - loss: 2", None),
            ("[Epoch 3/10] loss 2", "[Epoch 3/10] loss 2", None),
            ("[batch=10/1000]:", "[batch=10/1000]:", None),
            ("[第3轮] loss 2", "[第3轮] loss 2", None),
            ("10/100 loss: 1", "10/100 loss: 1", None),
            ("epoch 3 | loss 2", "epoch 3 | loss 2", None),
        ] {
            let stripped = strip(line).unwrap();
            assert_eq!((stripped.text, stripped.rank), (text, rank), "{line}");
        }
        assert_eq!(strip("wandb: val_loss 0.5"), None);
        assert_eq!(strip("[val] loss 0.5").unwrap().prefix, "val/");
    }
    #[test]
    fn the_lines_of_two_processes_may_be_joined() {
        let split = |line: &'static str| joined(line).map(|at| line.split_at(at));
        assert_eq!(
            split("[Rank 1] step 5 loss 2.5[Rank 0] step 5 loss 1.5"),
            Some(("[Rank 1] step 5 loss 2.5", "[Rank 0] step 5 loss 1.5"))
        );
        assert_eq!(split("[GPU10] loss 2.5[GPU0] loss 1.5"), Some(("[GPU10] loss 2.5", "[GPU0] loss 1.5")));
        for line in [
            "[Rank 1] step 5 loss 2.5",
            "[5/10] loss [5/10]",
            "[lr 0.5] [lr 0.5]",
            "[",
            "[rank",
            "[rank0",
            "[rank0]",
            "loss [rank0] [rank0]",
        ] {
            assert_eq!(split(line), None, "{line}");
        }
    }
}
