//! The language of waits: `step>=500`, `loss<2.5`, `train/loss <= 1e-2`, `loss is nan`, `state=finished`.

use crate::model::{MetricKey, RunState, SeriesMap, Step, near};
use std::fmt;

/// How two numbers are compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op {
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `=` or `==`
    Eq,
    /// `!=`
    Ne,
}

/// Longer spellings before their beginnings.
const OPS: &[(&str, Op)] = &[("<=", Op::Le), (">=", Op::Ge), ("==", Op::Eq), ("!=", Op::Ne), ("<", Op::Lt), (">", Op::Gt), ("=", Op::Eq)];

impl Op {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Op::Eq => "=",
            op => OPS.iter().find(|(_, o)| *o == op).map_or("=", |(text, _)| text),
        }
    }

    pub(super) fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Op::Lt => left < right,
            Op::Le => left <= right,
            Op::Gt => left > right,
            Op::Ge => left >= right,
            Op::Eq => left == right,
            Op::Ne => left != right,
        }
    }
}

/// What is asked of the last value of a key.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Test {
    /// A comparison; never true of NaN, except `!=`.
    Compare(Op, f64),
    /// `is nan`
    Nan,
    /// `is inf`: an infinity of either sign.
    Infinite,
    /// `is finite`
    Finite,
}

/// Something about a run that is true or not, or not known yet.
#[derive(Clone, PartialEq, Debug)]
pub enum Condition {
    /// The run's last step.
    Step(Op, f64),
    /// The last value of a key, named as in [`resolve`].
    Metric(String, Test),
    /// The run's state is this one (`true`) or any other.
    State(RunState, bool),
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |key: &str| match parse_subject(key) {
            Ok((Subject::Key(same), "", _)) if same == key => key.to_owned(),
            _ => format!("\"{key}\""),
        };
        match self {
            Condition::Step(op, value) => write!(f, "step{}{value}", op.as_str()),
            Condition::Metric(key, Test::Compare(op, value)) => write!(f, "{}{}{value}", name(key), op.as_str()),
            Condition::Metric(key, Test::Nan) => write!(f, "{} is nan", name(key)),
            Condition::Metric(key, Test::Infinite) => write!(f, "{} is inf", name(key)),
            Condition::Metric(key, Test::Finite) => write!(f, "{} is finite", name(key)),
            Condition::State(state, is) => write!(f, "state{}{state}", if *is { "=" } else { "!=" }),
        }
    }
}

/// Why a condition could not be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("cannot read condition `{text}` at column {column}: expected {expected}")]
pub struct ConditionError {
    /// The whole condition.
    pub text: String,
    /// Where reading stopped, in characters, 1-based.
    pub column: usize,
    /// What should have stood there.
    pub expected: String,
}

impl ConditionError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        "examples: `step>=500`, `train/loss<=1e-2`, `loss is nan`, `state=finished`; put odd key names in double quotes"
    }
}

/// Reads a condition: a subject, an operator (`< <= > >= = == !=`), a value; or a key and `is nan|inf|finite`.
/// The subject is `step`, `state` or a metric key; a key in double quotes may be any text.
pub fn parse_condition(text: &str) -> Result<Condition, ConditionError> {
    let error = |rest: &str, expected: String| {
        let column = text[..text.len() - rest.len()].chars().count() + 1;
        Err(ConditionError { text: text.to_owned(), column, expected })
    };
    let (subject, rest, verb) = match parse_subject(text) {
        Ok(parsed) => parsed,
        Err((rest, expected)) => return error(rest, expected.to_owned()),
    };
    let word = rest.trim();
    let rest = if word.is_empty() { rest } else { rest.trim_start() };
    let op = match verb {
        Verb::None => return error(rest, "an operator (< <= > >= = == !=) or `is nan`".to_owned()),
        Verb::Is => {
            let Subject::Key(key) = subject else { return error(rest, "an operator (< <= > >= = == !=)".to_owned()) };
            return match word.to_ascii_lowercase().as_str() {
                "nan" => Ok(Condition::Metric(key, Test::Nan)),
                "inf" | "infinite" | "infinity" => Ok(Condition::Metric(key, Test::Infinite)),
                "finite" => Ok(Condition::Metric(key, Test::Finite)),
                _ => error(rest, "`nan`, `inf` or `finite`".to_owned()),
            };
        }
        Verb::Op(op) => op,
    };
    match subject {
        Subject::State => match (RunState::from_word(&word.to_ascii_lowercase()), op) {
            (Some(state), Op::Eq | Op::Ne) => Ok(Condition::State(state, op == Op::Eq)),
            (Some(_), _) => error(rest, "`=` or `!=` before a state".to_owned()),
            (None, _) => error(rest, "a state (running, finished, failed, crashed, stopped, lost)".to_owned()),
        },
        Subject::Step => match number(word) {
            Some(value) if value.is_finite() => Ok(Condition::Step(op, value)),
            _ => error(rest, "a number of steps".to_owned()),
        },
        Subject::Key(key) => match number(word) {
            Some(value) if !value.is_nan() => Ok(Condition::Metric(key, Test::Compare(op, value))),
            Some(_) if op == Op::Eq => Ok(Condition::Metric(key, Test::Nan)),
            Some(_) => error(rest, "a number (write `is nan` to ask for NaN)".to_owned()),
            None => error(rest, "a number".to_owned()),
        },
    }
}

#[derive(Clone, PartialEq, Debug)]
enum Subject {
    Step,
    State,
    Key(String),
}

enum Verb {
    None,
    Is,
    Op(Op),
}

/// Splits `text` into its subject, what follows the verb, and the verb. An error holds the rest from where
/// reading stopped, and what was expected there.
fn parse_subject(text: &str) -> Result<(Subject, &str, Verb), (&str, &'static str)> {
    const A_KEY: &str = "`step`, `state` or a metric key";
    let start = text.trim_start();
    if let Some(quoted) = start.strip_prefix('"') {
        let (key, rest) = quoted.split_once('"').ok_or((&text[text.len()..], "a closing quote"))?;
        if key.is_empty() {
            return Err((start, "a metric key between the quotes"));
        }
        let at = rest.trim_start();
        let (rest, verb) = leading_verb(at).unwrap_or((at, Verb::None));
        return Ok((Subject::Key(key.to_owned()), rest, verb));
    }
    let split = start.char_indices().find_map(|(i, c)| {
        let after_space = c.is_whitespace() && leading_verb(start[i..].trim_start()).is_some();
        (after_space || "<>=!".contains(c) && leading_verb(&start[i..]).is_some()).then_some(i)
    });
    let (name, rest) = start.split_at(split.unwrap_or(start.len()));
    let name = name.trim_end();
    if name.is_empty() {
        return Err((start, A_KEY));
    }
    let subject = match name.to_ascii_lowercase().as_str() {
        "step" => Subject::Step,
        "state" => Subject::State,
        _ => Subject::Key(name.to_owned()),
    };
    let (rest, verb) = leading_verb(rest.trim_start()).unwrap_or((rest, Verb::None));
    Ok((subject, rest, verb))
}

fn leading_verb(text: &str) -> Option<(&str, Verb)> {
    if let Some((rest, op)) = OPS.iter().find_map(|(spelling, op)| Some((text.strip_prefix(spelling)?, *op))) {
        return Some((rest, Verb::Op(op)));
    }
    let (word, rest) = text.split_at_checked(2)?;
    (word.eq_ignore_ascii_case("is") && (rest.is_empty() || rest.starts_with(char::is_whitespace))).then_some((rest, Verb::Is))
}

/// A number as people type it; `_` may part digits.
fn number(word: &str) -> Option<f64> {
    word.replace('_', "").parse().ok()
}

/// What is known of a run when a condition is asked.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The last step, if any.
    pub step: Option<Step>,
    /// How the run stands.
    pub state: RunState,
    /// Its series.
    pub series: &'a SeriesMap,
}

/// Whether `condition` holds; `None` when that is not known: no step yet, no such key, several such keys.
pub fn eval(condition: &Condition, facts: Facts<'_>) -> Option<bool> {
    match condition {
        Condition::Step(op, value) => Some(op.holds(facts.step?.0 as f64, *value)),
        Condition::State(state, is) => Some((facts.state == *state) == *is),
        Condition::Metric(name, test) => {
            let key = resolve(name, facts.series.keys()).ok()?;
            let last = facts.series.get(key)?.last()?.value;
            Some(match test {
                Test::Compare(op, value) => op.holds(last, *value),
                Test::Nan => last.is_nan(),
                Test::Infinite => last.is_infinite(),
                Test::Finite => last.is_finite(),
            })
        }
    }
}

/// Why a name means no single key.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unresolved {
    /// No key has this name or ends with it.
    #[error("no metric is named `{name}`")]
    Unknown {
        /// The name asked for.
        name: String,
        /// Keys with similar names.
        near: Vec<String>,
    },
    /// Several keys end with it, and none of them, or more than one, is of the training.
    #[error("`{name}` may mean {}", keys.join(", "))]
    Ambiguous {
        /// The name asked for.
        name: String,
        /// The keys that end with it.
        keys: Vec<String>,
    },
}

impl Unresolved {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Unresolved::Unknown { near, .. } if near.is_empty() => "the key may not have been logged yet".to_owned(),
            Unresolved::Unknown { near, .. } => format!("did you mean {}?", near.join(", ")),
            Unresolved::Ambiguous { .. } => "write the whole key".to_owned(),
        }
    }
}

/// The key that `name` means: the same name; else the same in any case; else the only key that ends with it as whole
/// words (`loss` for `train/loss`); else, of several, the only one whose first word is `train`.
pub fn resolve<'a>(name: &str, keys: impl IntoIterator<Item = &'a MetricKey>) -> Result<&'a MetricKey, Unresolved> {
    let keys: Vec<&MetricKey> = keys.into_iter().collect();
    if let Some(exact) = keys.iter().find(|key| key.as_str() == name) {
        return Ok(exact);
    }
    let all = |test: &dyn Fn(&str) -> bool| keys.iter().copied().filter(|key| test(key.as_str())).collect::<Vec<_>>();
    let mut found = all(&|key| key.eq_ignore_ascii_case(name));
    if found.is_empty() {
        found = all(&|key| has_suffix(key, name));
    }
    match found[..] {
        [] => {
            let near = near(name, keys.iter().map(|key| key.as_str())).into_iter().map(str::to_owned).collect();
            Err(Unresolved::Unknown { name: name.to_owned(), near })
        }
        [only] => Ok(only),
        _ => {
            let training: Vec<_> = found.iter().filter(|key| is_training(key.as_str())).collect();
            match training[..] {
                [only] => Ok(only),
                _ => Err(Unresolved::Ambiguous { name: name.to_owned(), keys: found.iter().map(|key| key.to_string()).collect() }),
            }
        }
    }
}

fn is_training(key: &str) -> bool {
    words(key).next().is_some_and(|word| word.eq_ignore_ascii_case("train"))
}

/// Whether `key` ends with `name` as whole words, in any case.
pub(super) fn has_suffix(key: &str, name: &str) -> bool {
    let Some((head, tail)) = key.len().checked_sub(name.len()).and_then(|at| key.split_at_checked(at)) else { return false };
    !name.is_empty() && tail.eq_ignore_ascii_case(name) && head.ends_with(|c: char| !c.is_alphanumeric())
}

/// The words of a key: parted by anything that is no letter or digit, and where a capital follows a small letter.
pub(super) fn words(key: &str) -> impl Iterator<Item = &str> {
    key.split(|c: char| !c.is_alphanumeric()).flat_map(|part| {
        let mut rest = part;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let hump = rest.char_indices().zip(rest.chars().skip(1)).find(|((_, a), b)| !a.is_uppercase() && b.is_uppercase());
            let end = hump.map_or(rest.len(), |((i, a), _)| i + a.len_utf8());
            let (word, tail) = rest.split_at(end);
            rest = tail;
            Some(word)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Point, Series};
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, want: Condition) {
        assert_eq!(parse_condition(text), Ok(want), "{text}");
    }

    fn metric(key: &str, op: Op, value: f64) -> Condition {
        Condition::Metric(key.to_owned(), Test::Compare(op, value))
    }

    #[test]
    fn conditions_read_as_people_write_them() {
        check("step>=500", Condition::Step(Op::Ge, 500.0));
        check(" Step = 10_000 ", Condition::Step(Op::Eq, 10_000.0));
        check("loss<2.5", metric("loss", Op::Lt, 2.5));
        check("train/loss <= 1e-2", metric("train/loss", Op::Le, 0.01));
        check("val/loss>3", metric("val/loss", Op::Gt, 3.0));
        check("reward == -1", metric("reward", Op::Eq, -1.0));
        check("reward != 0", metric("reward", Op::Ne, 0.0));
        check("my key > 1", metric("my key", Op::Gt, 1.0));
        check("\"step\">1", metric("step", Op::Gt, 1.0));
        check("\"a<b is c\"<1", metric("a<b is c", Op::Lt, 1.0));
        check("loss<inf", metric("loss", Op::Lt, f64::INFINITY));
        check("loss is NaN", Condition::Metric("loss".into(), Test::Nan));
        check("loss=nan", Condition::Metric("loss".into(), Test::Nan));
        check("loss is inf", Condition::Metric("loss".into(), Test::Infinite));
        check("state=finished", Condition::State(RunState::Finished, true));
        check("state != Running", Condition::State(RunState::Running, false));
    }

    #[track_caller]
    fn refuse(text: &str, column: usize, expected: &str) {
        let error = parse_condition(text).unwrap_err();
        assert!(error.column == column && error.expected.contains(expected), "{text}: {error}");
    }

    #[test]
    fn an_error_says_where_and_what() {
        refuse("", 1, "a metric key");
        refuse("<3", 1, "a metric key");
        refuse("loss", 5, "an operator");
        refuse("loss<", 6, "a number");
        refuse("loss < abc", 8, "a number");
        refuse("é < x", 5, "a number");
        refuse("loss is big", 9, "`nan`, `inf` or `finite`");
        refuse("loss<nan", 6, "is nan");
        refuse("state=done", 7, "a state (running");
        refuse("state<finished", 7, "`=` or `!=`");
        refuse("step>=soon", 7, "a number of steps");
        refuse("step is nan", 9, "an operator");
        refuse("\"loss<3", 8, "a closing quote");
        assert_eq!(
            parse_condition("loss").unwrap_err().to_string(),
            "cannot read condition `loss` at column 5: expected an operator (< <= > >= = == !=) or `is nan`"
        );
    }

    fn keys(names: &[&str]) -> Vec<MetricKey> {
        names.iter().map(|name| MetricKey::from(*name)).collect()
    }

    #[test]
    fn a_short_name_means_the_training_key() {
        let found = |name: &str, names: &[&str]| resolve(name, &keys(names)).map(|key| key.to_string());
        assert_eq!(found("loss", &["loss", "train/loss"]).as_deref(), Ok("loss"));
        assert_eq!(found("loss", &["Loss", "train/loss"]).as_deref(), Ok("Loss"));
        assert_eq!(found("loss", &["train/loss", "lr"]).as_deref(), Ok("train/loss"));
        assert_eq!(found("loss", &["val/loss", "train/loss"]).as_deref(), Ok("train/loss"));
        assert_eq!(found("loss", &["train_loss", "eval_loss"]).as_deref(), Ok("train_loss"));
        assert!(matches!(found("loss", &["val/loss", "test/loss"]), Err(Unresolved::Ambiguous { .. })));
        assert!(matches!(found("oss", &["train/loss"]), Err(Unresolved::Unknown { near, .. }) if near == ["train/loss"]));
    }

    #[test]
    fn what_is_not_known_is_neither_true_nor_false() {
        let mut series = SeriesMap::new();
        let mut loss = Series::new();
        loss.push(Point { step: Step(3), time: None, value: f64::NAN });
        series.insert(MetricKey::from("train/loss"), loss);
        let facts = Facts { step: Some(Step(3)), state: RunState::Running, series: &series };
        let ask = |text: &str| eval(&parse_condition(text).unwrap(), facts);
        assert_eq!(ask("step>=3"), Some(true));
        assert_eq!(ask("loss is nan"), Some(true));
        assert_eq!(ask("loss<1e9"), Some(false));
        assert_eq!(ask("reward>0"), None);
        assert_eq!(ask("state=failed"), Some(false));
        assert_eq!(ask("state!=failed"), Some(true));
        assert_eq!(eval(&Condition::Step(Op::Ge, 0.0), Facts { step: None, ..facts }), None);
    }

    proptest! {
        #[test]
        fn a_condition_survives_being_shown(key in "[a-z/_. <é]{1,9}", value in -1e6..1e6f64) {
            let condition = metric(&key, Op::Le, value);
            prop_assert_eq!(parse_condition(&condition.to_string()), Ok(condition));
        }

        #[test]
        fn no_text_panics(text in "[a-zé\"<>=! is1.]{0,16}|.{0,16}") {
            let _ = parse_condition(&text).map(|c| c.to_string());
            words(&text).for_each(drop);
            has_suffix(&text, "é");
        }
    }
}
