//! Columns that say whether a row is of the training or of which check of it.

/// The column in which MMEngine and its forerunner say what a row is of. The counter of a row of a validation beside it counts
/// what was validated, not what was trained.
///
/// Source: `mmcv/runner/hooks/logger/text.py` of mmcv 1.7 (`eval_iter_num`).
const MODE: &str = "mode";

/// Columns that say it, among them [`MODE`]: what is no check is the training.
pub(super) const SURE: &[&str] = &["split", MODE, "phase", "stage", "subset"];

/// Columns that may say anything: only words for the training and its checks count.
pub(super) const VAGUE: &[&str] = &["type", "event", "kind", "set", "dataset", "data", "partition"];

/// Columns that say yes or no, and the check that a row is of then.
const FLAGS: [(&str, &str); 4] = [("is_eval", "eval"), ("is_val", "val"), ("is_validation", "validation"), ("is_test", "test")];
pub(super) const FLAG_NAMES: &[&str] = &[FLAGS[0].0, FLAGS[1].0, FLAGS[2].0, FLAGS[3].0];

/// What such a column says of a row that is not of the training.
pub(in crate::source) const CHECKS: &[&str] = &["val", "valid", "validation", "eval", "evaluation", "test", "dev"];

/// What it says of one that is.
const TRAINING: &[&str] = &["train", "training"];

/// How a column says what a row is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::source) enum Says {
    /// As MMEngine does.
    Mode,
    /// By any text.
    Text,
    /// By a word for the training or a check.
    Word,
    /// The same; other texts may tell runs apart.
    Dataset,
    /// By yes or no: whether it is of this check.
    Flag(&'static str),
}

/// How a column of this name says what a row is of, if it does; `place` tells where it stands among some usual names.
pub(super) fn says(name: &str, place: impl Fn(&[&str]) -> Option<usize>) -> Option<Says> {
    match () {
        () if name == MODE => Some(Says::Mode),
        () if place(SURE).is_some() => Some(Says::Text),
        () if place(&["dataset"]).is_some() => Some(Says::Dataset),
        () if place(VAGUE).is_some() => Some(Says::Word),
        () => place(FLAG_NAMES).map(|at| Says::Flag(FLAGS[at].1)),
    }
}

/// What a row is of by this text; empty: the training.
pub(super) fn part(says: Says, text: &str) -> Option<&'static str> {
    let is = |word: &str| word.eq_ignore_ascii_case(text);
    let check = || CHECKS.iter().copied().find(|check| is(check));
    match says {
        Says::Mode | Says::Text => check().or(Some("")),
        Says::Word | Says::Dataset => check().or_else(|| TRAINING.iter().any(|word| is(word)).then_some("")),
        Says::Flag(check) if is("true") => Some(check),
        Says::Flag(_) => is("false").then_some(""),
    }
}
