//! Tells the prompt for the agent from the arguments of a script.
//!
//! `og run train.py --lr 3e-4 "watch the loss and tell me when it is flat"`: the last argument is a prompt, not an
//! argument of the script, when all of this holds:
//!
//! - a script was named (`train.py ...`); after `--` everything is the command's, always;
//! - it has at least two words and begins with a letter, so neither `[1, 2]` nor `{"a": 1}` nor `-x y` is one;
//! - its first word has no `=` and no `:` (`model.name=my net` is a setting, not a sentence);
//! - nothing on disk has this name;
//! - the argument before it is not a flag that may be waiting for it (`--note "a b"` belongs to the script;
//!   `--note=x "a b"` does not).
//!
//! `--prompt TEXT` says it without any of these rules.

/// Takes the prompt off the arguments of a script, if the last one is a prompt. `exists` asks for a path.
pub fn split_prompt(args: &mut Vec<String>, exists: impl Fn(&str) -> bool) -> Option<String> {
    let (last, before) = args.split_last()?;
    let taken = before.last().is_some_and(|flag| flag.starts_with('-') && !flag.contains('=') && flag.len() > 1);
    (is_sentence(last) && !taken && !exists(last)).then(|| args.pop()).flatten()
}

fn is_sentence(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let Some(first) = words.next() else { return false };
    words.next().is_some() && text.starts_with(char::is_alphabetic) && !first.trim_end_matches(':').contains(['=', ':'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(args: &[&str], want: Option<&str>) {
        let mut args: Vec<String> = args.iter().map(|arg| arg.to_string()).collect();
        let all = args.len();
        assert_eq!(split_prompt(&mut args, |path| path == "my data").as_deref(), want);
        assert_eq!(args.len(), all - usize::from(want.is_some()));
    }

    #[test]
    fn a_sentence_at_the_end_is_the_prompt() {
        check(&["watch the loss"], Some("watch the loss"));
        check(&["--lr", "3e-4", "watch the loss"], Some("watch the loss"));
        check(&["--note=x", "Überwache den Verlust"], Some("Überwache den Verlust"));
        check(&["Task: watch the loss"], Some("Task: watch the loss"));
    }

    #[test]
    fn what_the_script_may_want_stays_with_the_script() {
        check(&[], None);
        check(&["--lr", "3e-4"], None);
        check(&["--note", "a long note"], None);
        check(&["-m", "a long note"], None);
        check(&["data"], None);
        check(&["my data"], None);
        check(&["[1, 2]"], None);
        check(&["{\"a\": 1}"], None);
        check(&["model.name=my net"], None);
        check(&["key:a b"], None);
        check(&["watch the loss", "--fast"], None);
    }
}
