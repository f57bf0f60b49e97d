//! What a person says about how the sources of a run are to be read, where the usual rules do not fit.

use regex::Regex;

/// Name of the group that gives the step.
const STEP: &str = "step";

/// Punctuation in front of numbers, and behind them.
const BEFORE: &[char] = &['(', '[', '{', '|', '=', ':', '"', '\''];
const BEHIND: &[char] = &[',', ';', ':', '.', '%', '|', ')', ']', '}', '"', '\''];

/// How the sources of a run are to be read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ReadOptions {
    /// Rules for lines of console output. A line that fits none is read as usual.
    pub rules: Vec<LineRule>,
    /// The column that holds the step, in tables and rows of JSON; `None`: the usual names.
    pub step_key: Option<String>,
}

/// A pattern whose named groups are the values of a line: `step (?P<step>\d+) .* loss (?P<loss>\S+)`. The group `step` is the
/// step, every other one a metric key.
#[derive(Clone, Debug)]
pub struct LineRule {
    regex: Regex,
}

impl PartialEq for LineRule {
    fn eq(&self, other: &LineRule) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for LineRule {}

/// Why a pattern is no rule.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RuleError {
    /// It is not a regular expression; the text shows where.
    #[error("{0}")]
    Syntax(String),
    /// Nothing in it has a name, so it says nothing.
    #[error("`{0}` names no group")]
    NoGroup(String),
    /// Only the step has a name, so there would be no value.
    #[error("`{0}` names no value beside the step")]
    NoValue(String),
}

impl RuleError {
    /// The same in one line, where `pattern` is not in sight.
    pub fn in_a_line(&self, pattern: &str) -> String {
        match self {
            // The last line says what is wrong, those before it show where.
            RuleError::Syntax(said) => {
                let what = said.lines().last().unwrap_or_default();
                format!("`{pattern}` is no pattern: {}", what.trim_start_matches("error: "))
            }
            other => other.to_string(),
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            RuleError::Syntax(_) => "the syntax is that of https://docs.rs/regex; quote the pattern for the shell: '...'",
            RuleError::NoGroup(_) | RuleError::NoValue(_) => r"name what is to be read, e.g. 'step (?P<step>\d+) .* loss (?P<loss>\S+)'",
        }
    }
}

impl LineRule {
    /// The rule that a pattern means.
    pub fn parse(pattern: &str) -> Result<LineRule, RuleError> {
        let regex = Regex::new(pattern).map_err(|error| RuleError::Syntax(error.to_string()))?;
        let mut names = regex.capture_names().flatten().peekable();
        if names.peek().is_none() {
            return Err(RuleError::NoGroup(pattern.to_owned()));
        }
        if names.all(|name| name == STEP) {
            return Err(RuleError::NoValue(pattern.to_owned()));
        }
        Ok(LineRule { regex })
    }

    /// The pattern.
    pub fn as_str(&self) -> &str {
        self.regex.as_str()
    }

    /// Reads a line: its step, and its values handed to `put`. `None`: the pattern does not fit, or what it found is no number.
    pub fn read(&self, line: &str, put: &mut dyn FnMut(&str, f64)) -> Option<Option<i64>> {
        let found = self.regex.captures(line)?;
        let of = |name: &str| found.name(name).map(|text| text.as_str());
        let step = match of(STEP) {
            // A fraction of an epoch is no step, and a row at the wrong place is worse than none.
            Some(text) => Some(number(text).filter(|step| step.fract() == 0.0 && step.abs() < 9e15)? as i64),
            None => None,
        };
        let mut is_empty = true;
        for name in self.regex.capture_names().flatten().filter(|name| *name != STEP) {
            if let Some(value) = of(name).and_then(number) {
                put(name, value);
                is_empty = false;
            }
        }
        (!is_empty).then_some(step)
    }
}

/// The number that a group caught, as people print numbers: `2.31,`, `1,234`, `1_000`, `3e-4`, `87%`, `nan`.
fn number(text: &str) -> Option<f64> {
    let text = text.trim().trim_start_matches(BEFORE).trim_end_matches(BEHIND).trim();
    let is_word = text.chars().any(|c| c.is_ascii_alphabetic() && !matches!(c, 'e' | 'E'));
    if is_word && !["nan", "inf", "infinity"].contains(&text.trim_start_matches(['+', '-']).to_ascii_lowercase().as_str()) {
        return None;
    }
    text.parse().ok().or_else(|| text.replace([',', '_'], "").parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Read = Option<(Option<i64>, Vec<(String, f64)>)>;

    fn read(pattern: &str, line: &str) -> Read {
        let mut values = vec![];
        let step = LineRule::parse(pattern).unwrap().read(line, &mut |name, value| values.push((name.to_owned(), value)))?;
        Some((step, values))
    }

    #[test]
    fn named_groups_are_values_and_one_is_the_step() {
        let rule = r"step (?P<step>\d+) .* loss (?P<loss>\S+)";
        assert_eq!(read(rule, "at step 12 of 20, loss 2.5, ok"), Some((Some(12), vec![("loss".into(), 2.5)])));
        assert_eq!(read(rule, "nothing here"), None);
        assert_eq!(read(rule, "step 12 : loss unknown"), None);
        assert_eq!(read(r"^(?<a>\S+)( (?<b>\S+))?$", "1"), Some((None, vec![("a".into(), 1.0)])));
        assert_eq!(read(r"(?P<step>\S+) (?P<val.loss>\S+)", "0.5 1"), None, "half a step");
    }

    #[test]
    fn numbers_are_taken_as_they_are_printed() {
        for (text, want) in [
            ("2.31,", 2.31),
            ("(0.5)", 0.5),
            ("1,234,567", 1_234_567.0),
            ("1_000", 1000.0),
            ("-3e-4", -3e-4),
            ("87%", 87.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("-inf", f64::NEG_INFINITY),
        ] {
            assert_eq!(number(text), Some(want), "{text}");
        }
        assert!(number("NaN").is_some_and(f64::is_nan));
        assert_eq!([number("abc"), number(""), number("1a"), number("infinite"), number("--")], [None; 5]);
    }

    #[test]
    fn a_pattern_that_says_nothing_is_refused() {
        assert!(LineRule::parse("loss (").unwrap_err().to_string().contains("unclosed group"));
        assert_eq!(LineRule::parse(r"loss (\S+)"), Err(RuleError::NoGroup(r"loss (\S+)".into())));
        assert_eq!(LineRule::parse(r"(?P<step>\d+)").unwrap_err().to_string(), r"`(?P<step>\d+)` names no value beside the step");
    }
}
