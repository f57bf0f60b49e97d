//! What words mean in training logs: which names count steps, which are settings, which are prose.

use crate::source::metrics::{METRICS, is_metric};
use regex::bytes::Regex;
use std::sync::LazyLock;

/// How well a name serves as the step of a row; the highest in a line wins, the first among equals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Counter {
    /// Passes over the data.
    Epoch,
    /// Batches: may start over with each epoch. `batch` is the size of one as often.
    Batch,
    /// Steps, rounds: may start over with each epoch.
    Step,
    /// Names that say they count the whole run: `global_step`, `num_updates`, `total_timesteps`.
    Global,
}

/// Words that may stand before a counter without changing what it counts ("completed step: 3").
const BEFORE_COUNTER: &[&str] = &[
    "train",
    "training",
    "global",
    "completed",
    "current",
    "learning",
    "optimizer",
    "opt",
    "at",
    "on",
    "finished",
    "starting",
    "trainer",
    "running",
    "outer",
    "env",
    "mini",
    "rollout",
    "gradient",
    "policy",
    "learner",
    "summary",
    "results",
];

/// Last words of counters: those for epochs, that for batches, then those for steps.
const COUNTERS: &[&str] =
    &["epoch", "ep", "batch", "step", "iter", "iteration", "update", "round", "it", "episode", "generation", "tick", "trial"];

/// How many of [`COUNTERS`] count epochs.
const EPOCHS: usize = 2;

/// What the counter at this place of [`COUNTERS`] counts.
fn counts(at: usize) -> Counter {
    match at {
        ..EPOCHS => Counter::Epoch,
        EPOCHS => Counter::Batch,
        _ => Counter::Step,
    }
}

/// Plurals that may count what was done, and whether they also count what is in an episode.
const PLURALS: &[(&str, bool)] =
    &[("iterations", false), ("iters", false), ("updates", false), ("batches", false), ("timesteps", false), ("steps", true)];

/// Words that show that a bare `name 12` is prose or a count, not a metric.
const PROSE: &[&str] = &[
    "a",
    "an",
    "the",
    "to",
    "of",
    "in",
    "on",
    "at",
    "for",
    "with",
    "from",
    "by",
    "as",
    "and",
    "or",
    "is",
    "are",
    "was",
    "were",
    "be",
    "up",
    "than",
    "after",
    "before",
    "about",
    "over",
    "under",
    "only",
    "using",
    "use",
    "found",
    "loaded",
    "loading",
    "saving",
    "saved",
    "killing",
    "between",
    "every",
    "top",
    "best",
    "no",
    "not",
    "rank",
    "line",
    "version",
    "port",
    "pid",
    "seed",
    "layer",
    "python",
    "cuda",
    "worker",
    "gpu",
    "device",
    "node",
    "process",
    "world",
    "attempt",
    "attempted",
];

/// Names that are numbers of something, but no measurement of the training.
const NOT_METRICS: &[&str] = &[
    "eta",
    "elapsed",
    "remaining",
    "v_num",
    "pid",
    "port",
    "seed",
    "version",
    "rank",
    "local_rank",
    "world_size",
    "gpu",
    "device",
    "node",
    "line",
    "best",
    "avg",
    "mean",
    "max",
    "min",
    "prev",
    "last",
    "top",
    "date",
    "timestamp",
    "ip",
    "id",
    "job",
    "patience",
    "checkpoint",
    "phase",
    "run",
    "fold",
];

const UNITS: &[&str] = &[
    "%", "s", "ms", "us", "µs", "ns", "m", "min", "mins", "minutes", "h", "hr", "hrs", "hours", "d", "sec", "secs", "second", "seconds",
    "k", "g", "b", "t", "kb", "mb", "gb", "tb", "kib", "mib", "gib", "tib", "bytes", "hz", "khz", "mhz", "ghz", "w", "kw", "x", "it",
    "its", "its/s", "iter", "iters", "step", "steps", "tok", "toks", "token", "tokens", "sample", "samples", "batch", "batches", "img",
    "imgs", "image", "images", "ex", "examples", "seq", "seqs", "frame", "frames", "flops", "gflops", "tflops", "pflops", "tflop", "fps",
    "words", "sents", "db", "pts", "update", "updates", "batches", "records",
];

const VALIDATION: &[&str] = &[
    "val",
    "vali",
    "valid",
    "validate",
    "validation",
    "validating",
    "eval",
    "evaluate",
    "evaluation",
    "evaluating",
    "test",
    "testing",
    "dev",
    "cv",
];

/// Words that join sentences: no name begins with one.
const CONNECTIVES: &[&str] =
    &["and", "or", "with", "at", "by", "for", "from", "than", "of", "to", "in", "on", "the", "a", "an", "is", "as", "using"];

/// Last words of what stands in front of settings: `Namespace(lr=0.1)`, `args: lr=0.1`, `train_config = {'lr': 0.1}`.
const TITLES: &[&str] = &[
    "config",
    "cfg",
    "configuration",
    "args",
    "arguments",
    "namespace",
    "hparams",
    "hyperparameters",
    "hyperparams",
    "params",
    "parameters",
    "settings",
    "options",
    "flags",
];

/// Last words of names that are settings and never logged as a training goes.
const SETTINGS: &[&str] = &["seed", "dropout", "hidden", "layers", "heads", "workers", "dim"];

/// Files that programs are made of: `train.py:88` is a place, not a value.
const SOURCES: &[&str] = &["py", "cpp", "cc", "cu", "hpp", "rs", "java"];

/// Whether a word is a line of a program: `train.py:88`.
pub(super) fn is_place(word: &str) -> bool {
    let file = word.rsplit_once(':').filter(|(_, line)| line.bytes().all(|b| b.is_ascii_digit())).map(|(file, _)| file);
    file.and_then(|file| file.rsplit_once('.')).is_some_and(|(_, extension)| SOURCES.contains(&extension))
}

/// Whether a counter says its count in `text`: `Epoch 3 loss`, `Epoch: 3/10`.
pub(super) fn says_count(text: &str) -> bool {
    let mut words = text.split_ascii_whitespace().peekable();
    std::iter::from_fn(|| words.next().map(|word| (word, words.peek().copied()))).any(|(word, next)| {
        next.is_some_and(|next| next.starts_with(|c: char| c.is_ascii_digit())) && counter(word.trim_end_matches([':', '='])).is_some()
    })
}

/// What a name counts, if it is a counter. Looks at the last word and at the one before.
pub(super) fn counter(name: &str) -> Option<Counter> {
    // `Diagnostics/Iteration`, but not `sec/step`.
    let name = match name.rsplit_once('/') {
        Some((group, last)) if !is_unit(group) && !is_metric(group) && !is_time(group) => last,
        _ => name,
    };
    let mut words = name.rsplit(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let last = words.next()?;
    if last.len() > 10 {
        return None;
    }
    // `batch_id`, `step index`, `Epoch completed`
    let is_index = ["id", "idx", "index", "number", "no", "completed", "finished", "done", "loaded"]
        .iter()
        .any(|index| last.eq_ignore_ascii_case(index));
    let last = if is_index { words.next()? } else { last };
    let last = if last.eq_ignore_ascii_case("minibatch") { &last["mini".len()..] } else { last };
    let before = words.next();
    let any = |word: &str, names: &[&str]| names.iter().any(|one| word.eq_ignore_ascii_case(one));
    let after = |words: &[&str]| before.is_some_and(|word| any(word, words));
    // Plurals mostly say how many there will be (`epochs: 10`), but not in these names.
    let whole_run = any(last, &["timestep", "timesteps"]) && !after(&["max", "num", "n"])
        || any(last, &["update", "updates"]) && after(&["num", "train"])
        || any(last, &["step", "steps"]) && after(&["global", "env"]);
    if whole_run {
        return Some(Counter::Global);
    }
    let mut further = words.clone();
    let ends = before.is_some_and(|word| any(word, &["of"])) && further.next().is_some_and(|word| any(word, &["end", "start"]));
    // `5/40 of epoch 1`, but not `number of epoch`.
    let opens = before.is_some_and(|word| any(word, &["of", "in", "during"])) && words.next().is_none();
    if !ends && !opens && before.is_some_and(|word| !any(word, BEFORE_COUNTER)) {
        return None;
    }
    COUNTERS.iter().position(|name| last.eq_ignore_ascii_case(name)).map(counts)
}

/// Whether a counter is as often how many there will be, as `total_timesteps` in the config of a training is; the group
/// in `time/total_timesteps` says that it was counted.
pub(super) fn is_vague_counter(name: &str) -> bool {
    const TOTAL: &str = "total";
    name.get(..TOTAL.len()).is_some_and(|first| first.eq_ignore_ascii_case(TOTAL)) && !name.contains(['/', '.'])
}

/// Whether `text` ends in a word that says that settings follow: `TrainConfig`, `args`.
pub(super) fn is_title(text: &str) -> bool {
    let text = text.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let word = text.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or("");
    // `TrainConfig`, but not `subconfig`.
    let ends = |title: &str| {
        let start = word.len().checked_sub(title.len());
        let (before, end) = start.and_then(|at| word.split_at_checked(at)).unwrap_or((word, ""));
        end.eq_ignore_ascii_case(title) && (before.is_empty() || end.starts_with(|c: char| c.is_ascii_uppercase()))
    };
    TITLES.iter().any(|title| ends(title))
}

/// Whether a name is surely that of a setting.
pub(super) fn is_setting(name: &str) -> bool {
    let last = name.rsplit([' ', '_', '-', '.', '/']).next().unwrap_or(name);
    SETTINGS.iter().any(|word| last.eq_ignore_ascii_case(word))
}

/// Whether a name is about time: `time/step` is no counter.
fn is_time(name: &str) -> bool {
    name.split(|c: char| !c.is_ascii_alphabetic()).any(|word| ["time", "timing", "speed", "throughput", "sec"].contains(&word))
}

/// Whether a name is one of those that trainings report beside their metrics, of several in a line.
pub(super) fn is_report(name: &str) -> bool {
    const REPORTS: &[&str] = &["latency", "fps", "lr", "rate", "norm", "mem", "memory"];
    let name = name.to_ascii_lowercase();
    is_time(&name) || name.split(|c: char| !c.is_ascii_alphabetic()).any(|word| REPORTS.contains(&word))
}

/// Whether a name says how fast a training goes, which is no setting and stands in a line of its own too.
pub(super) fn is_speed(name: &str) -> bool {
    const SPEEDS: &[&str] = &["sps", "steps/sec", "steps/s", "global_step/sec", "steps per second", "samples/sec", "tokens/sec"];
    SPEEDS.iter().any(|speed| name.eq_ignore_ascii_case(speed))
}

/// Whether a name is that of the learning rate, which some programs print in a line of its own: `lr`, `Learning rate for this epoch`.
pub(super) fn is_rate(name: &str) -> bool {
    let begins = |rate: &&str| name.get(..rate.len()).is_some_and(|start| start.eq_ignore_ascii_case(rate));
    name.eq_ignore_ascii_case("lr") || ["learning rate", "learning_rate"].iter().any(begins)
}

/// What a word that is cut short with a dot counts: `Iter.`, `Ep.`, `Up.`.
pub(super) fn abbreviated(word: &str) -> Option<Counter> {
    shortened(word.strip_suffix('.')?)
}

/// What a word counts that is the start of a counter: `Gen`.
pub(super) fn shortened(start: &str) -> Option<Counter> {
    let begins = |name: &&str| name.len() > start.len() && name.get(..start.len()).is_some_and(|of| of.eq_ignore_ascii_case(start));
    if start.len() < 2 {
        return None;
    }
    COUNTERS.iter().position(begins).map(counts)
}

/// Whether a name may be that of a pass over the data, or the number of tests that passed.
pub(super) fn is_pass(name: &str) -> bool {
    name.eq_ignore_ascii_case("pass")
}

/// What a name that is the plural of a counter counts: true for steps, of which an episode has some too.
pub(super) fn plural(name: &str) -> Option<bool> {
    // `num_timesteps`, of which a config has some too.
    let name = name.rsplit([' ', '_']).next().filter(|last| last.eq_ignore_ascii_case("timesteps")).unwrap_or(name);
    PLURALS.iter().find(|(plural, _)| name.eq_ignore_ascii_case(plural)).map(|(_, is_steps)| *is_steps)
}

/// Whether a word at the start of a name shows that this is the middle of a sentence.
pub(super) fn is_connective(word: &str) -> bool {
    CONNECTIVES.iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// Whether a name never stands for a measurement.
pub(super) fn is_no_metric(name: &str) -> bool {
    let is_listed = |name: &str| NOT_METRICS.iter().any(|word| name.eq_ignore_ascii_case(word));
    let is_source = || name.rsplit_once('.').is_some_and(|(_, extension)| SOURCES.contains(&extension));
    let is_short = name.len() <= 10 && (is_listed(name) || name.split_once(' ').is_some_and(|(a, b)| is_listed(a) && is_listed(b)));
    is_short || is_source() || is_raised(name)
}

/// Whether a name is that of an error of Python's or of PyTorch's, as `torch.OutOfMemoryError` is: `MeanSquaredError` measures.
fn is_raised(name: &str) -> bool {
    const RAISED: &[&str] = &[
        "Assertion",
        "Attribute",
        "Connection",
        "FileNotFound",
        "IO",
        "Import",
        "Index",
        "Key",
        "Memory",
        "ModuleNotFound",
        "Name",
        "OS",
        "OutOfMemory",
        "Permission",
        "Runtime",
        "Timeout",
        "Type",
        "Value",
    ];
    let class = name.rsplit('.').next().unwrap_or(name);
    class.strip_suffix("Error").is_some_and(|what| RAISED.contains(&what))
}

/// Whether a word is an ordinal, `第3` of `第3折`: no name, which would be another for each.
pub(super) fn is_ordinal(word: &str) -> bool {
    word.strip_prefix('第').is_some_and(|rest| rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether a number of this name says when a line was printed: seconds since 1970, or thousandths of them.
pub(super) fn is_stamp(name: &str, value: f64) -> bool {
    const FIRST: f64 = 1e9;
    value >= FIRST && ["ts", "time", "timestamp", "_timestamp", "unix_time"].iter().any(|stamp| name.eq_ignore_ascii_case(stamp))
}

pub(super) fn is_prose(word: &str) -> bool {
    word.len() <= 9 && PROSE.iter().any(|prose| word.eq_ignore_ascii_case(prose))
}

/// A unit of measure, also a rate: `ms`, `GiB`, `it/s`, `ms/step`.
pub(super) fn is_unit(word: &str) -> bool {
    const UNIT_BYTES_MAX: usize = 8;
    let known = |part: &str| part.len() <= UNIT_BYTES_MAX && UNITS.iter().any(|unit| part.eq_ignore_ascii_case(unit));
    // The commonest, without a search.
    if word == "%" || word == "ms" {
        return true;
    }
    match word.split_once('/') {
        None => known(word),
        Some((first, rest)) => {
            let (per, each) = rest.split_once('/').unwrap_or((rest, ""));
            (first.is_empty() || known(first)) && known(per) && each.len() <= UNIT_BYTES_MAX
        }
    }
}

/// Whether a unit is also the first word of names: `step time`, `fps total`.
pub(super) fn is_noun(unit: &str) -> bool {
    ["step", "iter", "batch", "token", "image", "frame", "fps"].iter().any(|noun| unit.eq_ignore_ascii_case(noun))
}

/// Whether a line without `:` and `=` may be a row: it needs the name of a counter or of a metric. Most
/// prose has neither, and this is one quick search.
pub(super) fn may_be_row(line: &str) -> bool {
    /// Words this short are looked for as whole words only.
    const SHORT: usize = 3;
    static HINT: LazyLock<Regex> = LazyLock::new(|| {
        let names = || METRICS.iter().chain(COUNTERS).copied();
        let long: Vec<_> = names().filter(|word| word.len() > SHORT).collect();
        let short: Vec<_> = names().filter(|word| word.len() <= SHORT).collect();
        let hint = format!("(?i-u){}|(?:^|[^a-z])(?:{})(?:[^a-z]|$)", long.join("|"), short.join("|"));
        Regex::new(&hint).expect("words without special signs")
    });
    HINT.is_match(line.as_bytes())
}

/// Words that say that a line or a progress bar is about validation, and the prefix for its names.
pub(super) fn validation(word: &str) -> Option<&'static str> {
    let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    VALIDATION.iter().find(|known| word.eq_ignore_ascii_case(known)).map(|known| match &known[..1] {
        "t" => "test/",
        "e" => "eval/",
        "d" => "dev/",
        _ => "val/",
    })
}

/// Whether a name says that its value comes of a validation.
pub(super) fn is_of_validation(name: &str) -> bool {
    name.split([' ', '_', '/', '-']).next().is_some_and(|word| validation(word).is_some())
}

/// Whether a name says that its value is the best so far: `Best val acc`.
pub(super) fn is_best(name: &str) -> bool {
    name.split([' ', '_', '/', '-', '.']).next().is_some_and(|word| word.eq_ignore_ascii_case("best"))
}

/// `train` and its kin: a label that needs no prefix.
pub(super) fn is_training(word: &str) -> bool {
    ["train", "training", "fit", "metrics", "result", "results"].iter().any(|known| word.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_told_from_numbers_of_steps() {
        for (name, want) in [
            ("step", Some(Counter::Step)),
            ("Epoch", Some(Counter::Epoch)),
            ("completed step", Some(Counter::Step)),
            ("iteration", Some(Counter::Step)),
            ("batch", Some(Counter::Batch)),
            ("global step", Some(Counter::Global)),
            ("trainer/global_step", Some(Counter::Global)),
            ("valid_num_updates", Some(Counter::Global)),
            ("time/total_timesteps", Some(Counter::Global)),
            ("validation loss at iteration", Some(Counter::Step)),
            ("end of epoch", Some(Counter::Epoch)),
            ("elapsed time per iteration", None),
            ("number of skipped iterations", None),
            ("best iteration", None),
            ("max_steps", None),
            ("Diagnostics/Iteration", Some(Counter::Step)),
            ("sec/step", None),
            ("of epoch", Some(Counter::Epoch)),
            ("number of epoch", None),
            ("timing_s/step", None),
            ("loss/epoch", None),
            ("batch_id", Some(Counter::Batch)),
            ("Batch idx", Some(Counter::Batch)),
            ("train_step_id", Some(Counter::Step)),
            ("Epoch number", Some(Counter::Epoch)),
            ("Epoch completed", Some(Counter::Epoch)),
            ("Epochs completed", None),
            ("gpu_id", None),
            ("id", None),
            ("tick", Some(Counter::Step)),
            ("Rollout step", Some(Counter::Step)),
            ("warmup_steps", None),
            ("epochs", None),
            ("loss", None),
            ("", None),
        ] {
            assert_eq!(counter(name), want, "{name}");
        }
    }

    #[test]
    fn a_counter_may_be_cut_short_with_a_dot() {
        let words = ["Up.", "Iter.", "ep.", "Epo.", "Up", "U.", "Update.", "Loss.", "."];
        let (step, epoch) = (Some(Counter::Step), Some(Counter::Epoch));
        assert_eq!(words.map(abbreviated), [step, step, epoch, epoch, None, None, None, None, None]);
    }

    #[test]
    fn rates_are_units() {
        assert!(["ms", "%", "it/s", "s/it", "ms/step", "GiB", "/s", "tok/s"].iter().all(|unit| is_unit(unit)));
        assert!(!["loss", "C", "v2", "", "foo/s"].iter().any(|unit| is_unit(unit)));
    }
}
