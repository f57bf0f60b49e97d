//! How serious a line of console output is, as the usual loggers write it.

/// How serious it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Level {
    /// For whoever wrote the program.
    Debug,
    /// What happens.
    Info,
    /// Something is odd.
    Warning,
    /// Something is wrong.
    Error,
}

impl Level {
    /// As an agent reads it.
    pub fn word(self) -> &'static str {
        match self {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }

    fn of(word: &str) -> Option<Level> {
        Some(match word {
            "ERROR" | "ERR" | "CRITICAL" | "FATAL" | "SEVERE" | "PANIC" => Level::Error,
            "WARNING" | "WARN" => Level::Warning,
            "INFO" | "NOTICE" | "SUCCESS" => Level::Info,
            "DEBUG" | "TRACE" => Level::Debug,
            _ => return None,
        })
    }
}

/// Start of a line in which its level stands; what comes later is what it says.
const HEAD_BYTES: usize = 160;

/// What a line says of its level, by its words: `ERROR`, `[W 10:02]`, `UserWarning:`, `level=info`, `E1120 08:00:01`. A metric
/// that is called an error, such as `val_error 0.3` or `error: 0.25`, is none.
pub fn level(line: &str) -> Option<Level> {
    let head = &line[..line.floor_char_boundary(HEAD_BYTES)];
    if head.contains(TRACEBACK) {
        return Some(Level::Error);
    }
    glog(head).or_else(|| words(head).find_map(|(start, word)| of_word(head, start, word)))
}

const TRACEBACK: &str = "Traceback (most recent call last)";

/// `E1120 08:00:01.123456 1 main.cc:7] no`, and `[E1120 ...` and `[E 10:02:03.1 app]`.
fn glog(head: &str) -> Option<Level> {
    let bare = head.trim_start_matches('[');
    let mut chars = bare.chars();
    let level = match chars.next()? {
        'E' | 'F' => Level::Error,
        'W' => Level::Warning,
        'I' => Level::Info,
        'D' => Level::Debug,
        _ => return None,
    };
    let (first, rest) = chars.as_str().split_once(' ')?;
    let is_date = first.len() >= 4 && first.bytes().all(|byte| byte.is_ascii_digit());
    let is_time = |text: &str| text.len() > 5 && text.as_bytes()[..2].iter().all(u8::is_ascii_digit) && text.as_bytes()[2] == b':';
    let is_bracketed = first.is_empty() && bare.len() < head.len();
    ((is_date || is_bracketed) && is_time(rest)).then_some(level)
}

/// Runs of letters and where they start.
fn words(head: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + head[at..].find(is_letter)?;
        let end = head[start..].find(|c| !is_letter(c)).map_or(head.len(), |length| start + length);
        at = end;
        Some((start, &head[start..end]))
    })
}

fn of_word(head: &str, start: usize, word: &str) -> Option<Level> {
    let (before, after) = (&head[..start], &head[start + word.len()..]);
    // `ERROR=3` and `error: 0.25` are numbers with a name, `train/ERROR` is a name.
    let value = after.trim_start_matches([':', '=', ' ']);
    let is_number = value.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '.' | '+')) && after.starts_with([':', '=']);
    if is_number || after.starts_with(['=', '/', '-']) || before.ends_with(['/', '-']) {
        return None;
    }
    if let Some(level) = Level::of(word) {
        return Some(level);
    }
    let is_key =
        before.ends_with("level=") || before.ends_with("level=\"") || before.ends_with("\"level\":\"") || before.ends_with("\"level\": \"");
    let is_bracketed = before.ends_with('[') && after.starts_with(']');
    let starts = before.trim_end().is_empty() || before.ends_with(": ") || before.ends_with("] ");
    if (is_key || is_bracketed || starts && after.starts_with(": "))
        && let Some(level) = Level::of(&word.to_ascii_uppercase())
    {
        return Some(level);
    }
    // The class of an exception or a warning, as Python prints it.
    let is_class = word.starts_with(|c: char| c.is_ascii_uppercase()) && (after.starts_with(':') || after.is_empty());
    match word {
        _ if !is_class => None,
        _ if word.len() > 7 && word.ends_with("Warning") => Some(Level::Warning),
        _ if word.len() > 5 && (word.ends_with("Error") || word.ends_with("Exception")) => Some(Level::Error),
        _ => None,
    }
}

/// Levels of the lines of a log, one after the other: what belongs to a traceback is an error too.
#[derive(Clone, Copy, Debug, Default)]
pub struct Levels {
    /// A traceback goes on.
    in_trace: bool,
}

/// Lines before the first in sight that are looked at, so that a long traceback is known by its head.
pub const LOOK_BACK: usize = 80;

impl Levels {
    /// Whether a warning or an error begins with the next line: a traceback is one, however many lines it has.
    pub fn trouble_begins(&mut self, line: &str) -> bool {
        let goes_on = self.in_trace && !line.contains(TRACEBACK);
        self.next(line).is_some_and(|level| level >= Level::Warning) && !goes_on
    }

    /// The level of the next line.
    pub fn next(&mut self, line: &str) -> Option<Level> {
        let own = level(line);
        if line.contains(TRACEBACK) {
            self.in_trace = true;
            return own;
        }
        if !self.in_trace {
            return own;
        }
        // Frames are indented, also behind the tag of a rank; the line that is not names the exception.
        let body = line.split_once("]: ").filter(|(tag, _)| tag.starts_with('[')).map_or(line, |(_, body)| body);
        self.in_trace = body.starts_with([' ', '\t']) || body.trim().is_empty();
        Some(Level::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn usual_loggers_are_understood() {
        use Level::*;
        for (line, want) in [
            ("2026-11-20 08:00:01,123 - trainer - ERROR - out of memory", Some(Error)),
            ("WARNING:root:no GPU", Some(Warning)),
            ("[INFO|trainer.py:2243] 2026-11-20 >> ***** Running training *****", Some(Info)),
            ("2026-11-20 08:00:01.123 | WARNING  | __main__:main:12 - slow", Some(Warning)),
            ("E1120 08:00:01.123456  123 cuda_dnn.cc:8579] cannot register", Some(Error)),
            ("[rank0]:[W1120 08:00:01.123 ProcessGroupNCCL.cpp:1] hm", None),
            ("[W 08:00:01.123 app] slow disk", Some(Warning)),
            ("[rank0]: Traceback (most recent call last):", Some(Error)),
            ("torch.cuda.OutOfMemoryError: CUDA out of memory.", Some(Error)),
            ("/a/b.py:3: UserWarning: deprecated", Some(Warning)),
            ("KeyboardInterrupt", None),
            ("error: unrecognized arguments: --lr", Some(Error)),
            ("train.c:1:2: warning: unused", Some(Warning)),
            ("time=1 level=error msg=\"x\"", Some(Error)),
            ("{\"level\": \"warning\", \"msg\": \"x\"}", Some(Warning)),
            ("[debug] x", Some(Debug)),
            ("[TRACKIO ERROR] Loss spike", Some(Error)),
            ("step 10 val_error 0.3", None),
            ("error: 0.25 acc: 0.75", None),
            ("ERROR=3", None),
            ("mean_abs_error: 0.2", None),
            ("train/ERROR 0.5", None),
            ("an error occurred, but which", None),
            ("step 3 loss 2.1", None),
            ("Informed INFORMATION", None),
        ] {
            assert_eq!(level(line), want, "{line}");
        }
    }

    #[test]
    fn a_traceback_is_an_error_to_its_last_line() {
        let log = "step 1\nTraceback (most recent call last):\n  File \"t.py\", line 1\n    f()\nKeyboardInterrupt\nstep 2";
        let mut levels = Levels::default();
        let errors: Vec<bool> = log.lines().map(|line| levels.next(line) == Some(Level::Error)).collect();
        assert_eq!(errors, [false, true, true, true, true, false]);
    }

    proptest! {
        #[test]
        fn no_line_panics(line in "(E|W|\\[|ERROR|Error|:|=| |[0-9]|é|level|Traceback|]: ){0,12}") {
            Levels { in_trace: true }.next(&line);
        }
    }
}
