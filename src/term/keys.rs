//! What `sendKeys` takes: tmux key names, single characters and quoted text.
//!
//! tmux itself types a name that it does not know as letters (`Entr`, `S-Enter`) and sends nothing for
//! some that it does know (`C-Enter`), both silently. So names are checked here, against what tmux 3.3a
//! was seen to send; `tests/it/term.rs` sends every one of [`names`] to a real pane.

use crate::text;
use std::fmt;

/// One thing to send to a pane.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Input {
    /// A key by its tmux name, in tmux's own spelling. It can end in `;`, so quote it.
    Key(String),
    /// Characters to type as they are (`send-keys -l`). Never empty, no control characters.
    Text(String),
    /// Text to paste, bracketed if the program asked for that. [`parse`] never yields it; callers do.
    Paste(String),
}

/// A word that names no key. Nothing was sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyError {
    /// The word as it was given.
    pub name: String,
    /// Up to three known names that look like it, the nearest first.
    pub nearest: Vec<String>,
}

impl KeyError {
    /// What the sender can do instead.
    pub fn hint(&self) -> &'static str {
        if self.name.chars().any(char::is_control) {
            "send Enter, Tab and the like by name; paste text that has several lines"
        } else {
            "to type text, quote it inside the word: '\"text\"'"
        }
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown key {:?}: nothing was sent", self.name)?;
        if !self.nearest.is_empty() {
            write!(f, " (nearest: {})", self.nearest.join(", "))?;
        }
        Ok(())
    }
}

impl std::error::Error for KeyError {}

/// Reads the words of one `sendKeys`, all or nothing.
///
/// A word is a key name (`Tab`, `pgup`, `C-c`, `Ctrl+C`, `^C`, `M-x`, `Shift-Tab`, `F5`), a single
/// character (`q`, `/`, `é`), or text in double quotes that belong to the word (`"hello"`; what stands
/// between the outer quotes is taken as it is).
pub fn parse(words: &[String]) -> Result<Vec<Input>, KeyError> {
    let inputs: Result<Vec<_>, _> = words.iter().map(|word| one(word)).collect();
    Ok(inputs?.into_iter().filter(|input| *input != Input::Text(String::new())).collect())
}

/// Every key name that [`parse`] can yield, apart from M- with a single character.
pub fn names() -> Vec<String> {
    let mut out: Vec<String> = PLAIN.iter().map(|name| name.to_string()).collect();
    out.extend(PLAIN.iter().map(|name| format!("M-{name}")));
    for mods in MODS {
        out.extend(MOVING.iter().map(|name| format!("{mods}{name}")));
        out.extend((1..=FUNCTION_KEYS).map(|n| format!("{mods}F{n}")));
    }
    out.extend(["C-Space", "C-M-Space", "C-/"].map(String::from));
    for c in CONTROL.chars() {
        out.extend([format!("C-{c}"), format!("C-M-{c}")]);
    }
    out
}

/// Keys that tmux sends alone or with M-, and with no other modifier.
const PLAIN: [&str; 5] = ["Enter", "Tab", "BTab", "BSpace", "Escape"];

/// Keys that tmux sends with any modifiers, as do F1 to F12.
const MOVING: [&str; 10] = ["Up", "Down", "Left", "Right", "Home", "End", "PPage", "NPage", "IC", "DC"];

/// tmux knows no F13.
const FUNCTION_KEYS: u8 = 12;

/// All modifiers in the order in which we spell them.
const MODS: [&str; 8] = ["", "C-", "M-", "S-", "C-M-", "C-S-", "M-S-", "C-M-S-"];

/// Characters that have a control code.
const CONTROL: &str = "abcdefghijklmnopqrstuvwxyz@[\\]^_?";

/// What people write, in lower case, and tmux's name for it.
const ALIASES: [(&str, &str); 22] = [
    ("return", "Enter"),
    ("cr", "Enter"),
    ("backtab", "BTab"),
    ("backspace", "BSpace"),
    ("bs", "BSpace"),
    ("esc", "Escape"),
    ("spacebar", "Space"),
    ("pageup", "PPage"),
    ("pgup", "PPage"),
    ("pagedown", "NPage"),
    ("pgdn", "NPage"),
    ("pgdown", "NPage"),
    ("insert", "IC"),
    ("ins", "IC"),
    ("delete", "DC"),
    ("del", "DC"),
    ("arrowup", "Up"),
    ("arrowdown", "Down"),
    ("arrowleft", "Left"),
    ("arrowright", "Right"),
    ("uparrow", "Up"),
    ("downarrow", "Down"),
];

/// Most names worth offering for a word that is none.
const NEAREST_MAX: usize = 3;

#[derive(Clone, Copy, Default, PartialEq)]
struct Mods {
    control: bool,
    meta: bool,
    shift: bool,
}

fn one(word: &str) -> Result<Input, KeyError> {
    let inner = word.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let input = match inner {
        Some(text) if !text.chars().any(char::is_control) => Some(Input::Text(text.into())),
        Some(_) => None,
        None => key(word),
    };
    input.ok_or_else(|| KeyError { name: word.into(), nearest: nearest(word) })
}

fn key(word: &str) -> Option<Input> {
    let (mods, base) = modifiers(word);
    if let Some(c) = only_char(base) {
        return character(mods, c);
    }
    let Mods { control, meta, shift } = mods;
    let name = match (base_name(base)?, shift) {
        ("Tab", true) => return (!control).then(|| named(Mods { shift: false, ..mods }, "BTab")),
        // A terminal has no other space when Shift is held, and none of these has a code for it.
        ("Space", true) => return None,
        (name, _) => name,
    };
    match name {
        "Space" if !control && !meta => Some(Input::Key("Space".into())),
        "Space" => Some(named(mods, name)),
        name if PLAIN.contains(&name) => (!control && !shift).then(|| named(Mods { meta, ..Mods::default() }, name)),
        name => Some(named(mods, name)),
    }
}

/// A single character with modifiers, if a terminal has a code for it.
fn character(mods: Mods, c: char) -> Option<Input> {
    match mods {
        _ if c.is_control() => None,
        Mods { control: false, meta: false, shift: false } if c == ' ' => Some(Input::Key("Space".into())),
        Mods { control: false, meta: false, shift: false } => Some(Input::Text(c.into())),
        Mods { control: false, meta, shift: true } if c.is_alphabetic() => {
            let upper: String = c.to_uppercase().collect();
            match (meta, only_char(&upper)) {
                (false, _) => Some(Input::Text(upper)),
                (true, Some(c)) => Some(Input::Key(format!("M-{c}"))),
                (true, None) => None,
            }
        }
        Mods { shift: true, .. } => None,
        Mods { control: false, .. } if c == ' ' => Some(Input::Key("M-Space".into())),
        Mods { control: false, .. } => Some(Input::Key(format!("M-{c}"))),
        Mods { .. } if c == ' ' => Some(named(mods, "Space")),
        Mods { .. } if c == '/' => (!mods.meta).then(|| Input::Key("C-/".into())),
        Mods { .. } => {
            let c = c.to_ascii_lowercase();
            CONTROL.contains(c).then(|| named(mods, c.encode_utf8(&mut [0; 4])))
        }
    }
}

/// Splits `Ctrl-`, `C-`, `^`, `Alt+` and the like off the front.
fn modifiers(word: &str) -> (Mods, &str) {
    let mut mods = Mods::default();
    let mut rest = word;
    loop {
        let lower = rest.get(..8.min(rest.len())).unwrap_or(rest).to_ascii_lowercase();
        let prefix = |names: &[&str]| {
            let len = names.iter().find(|name| lower.strip_prefix(**name).is_some_and(|l| l.starts_with(['-', '+'])))?.len() + 1;
            rest.get(len..).filter(|base| !base.is_empty())
        };
        if let Some(base) = prefix(&["c", "ctrl", "control"]) {
            (mods.control, rest) = (true, base);
        } else if let Some(base) = prefix(&["m", "alt", "meta", "option"]) {
            (mods.meta, rest) = (true, base);
        } else if let Some(base) = prefix(&["s", "shift"]) {
            (mods.shift, rest) = (true, base);
        } else if let Some(base) = rest.strip_prefix('^').filter(|base| only_char(base).is_some()) {
            (mods.control, rest) = (true, base);
        } else {
            return (mods, rest);
        }
    }
}

/// tmux's spelling of a key name in any case, or of one of its aliases.
fn base_name(word: &str) -> Option<&'static str> {
    const FUNCTIONS: [&str; FUNCTION_KEYS as usize] = ["F1", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F9", "F10", "F11", "F12"];
    let mut names = PLAIN.iter().chain(&MOVING).chain(&FUNCTIONS).chain(&["Space"]);
    names
        .find(|name| name.eq_ignore_ascii_case(word))
        .copied()
        .or_else(|| ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(word)).map(|(_, name)| *name))
}

fn named(Mods { control, meta, shift }: Mods, name: &str) -> Input {
    let on = |held: bool, sign: &'static str| if held { sign } else { "" };
    Input::Key(format!("{}{}{}{name}", on(control, "C-"), on(meta, "M-"), on(shift, "S-")))
}

fn only_char(word: &str) -> Option<char> {
    let mut chars = word.chars();
    chars.next().filter(|_| chars.next().is_none())
}

fn nearest(word: &str) -> Vec<String> {
    // A word that is far longer than any name was never meant as one.
    const NAME_CHARS_MAX: usize = 20;
    let chars = word.chars().count();
    if chars > NAME_CHARS_MAX {
        return vec![];
    }
    let slips_max = (chars / 2).clamp(1, 2);
    let mut near: Vec<(usize, String)> = names()
        .into_iter()
        .chain(["Space".into(), "PageUp".into(), "PageDown".into(), "Delete".into(), "Insert".into(), "Backspace".into()])
        .map(|name| (text::slips(word, &name), name))
        .filter(|(slips, _)| *slips <= slips_max)
        .collect();
    near.sort_by_key(|(slips, _)| *slips);
    near.into_iter().take(NEAREST_MAX).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(words: &[&str]) -> Result<Vec<Input>, KeyError> {
        parse(&words.iter().map(|w| w.to_string()).collect::<Vec<_>>())
    }

    #[track_caller]
    fn check(given: &[&str], want: &[&str]) {
        for word in given {
            let want: Vec<_> = want.iter().map(|name| Input::Key(name.to_string())).collect();
            assert_eq!(words(&[word]), Ok(want), "{word}");
        }
    }

    #[test]
    fn people_may_spell_keys_as_they_like() {
        check(&["Enter", "enter", "Return", "RETURN"], &["Enter"]);
        check(&["S-Tab", "BTab", "shift+tab", "Backtab"], &["BTab"]);
        check(&["Esc", "escape"], &["Escape"]);
        check(&["Backspace", "BSpace", "bs"], &["BSpace"]);
        check(&["Delete", "DC", "Del"], &["DC"]);
        check(&["PageUp", "PgUp", "ppage"], &["PPage"]);
        check(&["C-c", "Ctrl-c", "^C", "^c", "ctrl+C", "Control-C"], &["C-c"]);
        check(&["M-x", "Alt-x", "alt+x", "Meta-x"], &["M-x"]);
        check(&["M-X", "M-S-x", "Alt+Shift+x"], &["M-X"]);
        check(&["C-M-x", "M-C-X", "Ctrl+Alt+x"], &["C-M-x"]);
        check(&["S-C-Up", "Ctrl-Shift-Up"], &["C-S-Up"]);
        check(&["f12", "F12"], &["F12"]);
        check(&["M-+", "Alt-+", "alt++"], &["M-+"]);
        check(&[" ", "space"], &["Space"]);
        check(&["C-Space", "C- "], &["C-Space"]);
        check(&["^["], &["C-["]);
    }

    #[test]
    fn single_characters_and_quoted_words_are_typed() {
        for word in ["q", "/", "é", "^", "-", ";", "\"", "漢"] {
            assert_eq!(words(&[word]), Ok(vec![Input::Text(word.into())]));
        }
        assert_eq!(words(&["S-a"]), Ok(vec![Input::Text("A".into())]));
        assert_eq!(words(&["\"Enter\""]), Ok(vec![Input::Text("Enter".into())]));
        assert_eq!(words(&["\"say \"hi\"\""]), Ok(vec![Input::Text("say \"hi\"".into())]));
        assert_eq!(words(&["\"\""]), Ok(vec![]));
    }

    #[test]
    fn what_tmux_would_type_or_swallow_is_refused() {
        for word in [
            "Entr", "C-Enter", "S-Enter", "C-Tab", "C-S-Tab", "C-BSpace", "S-Escape", "F13", "F0", "C-1", "C-;", "C-M-/", "S-Space", "C-é",
            "S-1", "C-S-a", "hello", "C-", "", "\n", "\t", "M-\u{1b}", "\"a\nb\"", "Any", "None", "0x41",
        ] {
            assert!(words(&["q", word]).is_err(), "{word:?}");
        }
    }

    #[test]
    fn an_unknown_name_comes_with_its_neighbours() {
        let err = words(&["Entr"]).unwrap_err();
        assert_eq!(err.to_string(), "unknown key \"Entr\": nothing was sent (nearest: Enter, End)");
        assert_eq!(words(&["F13"]).unwrap_err().nearest, ["F1", "F3", "F10"]);
        assert_eq!(words(&["C-Enter"]).unwrap_err().nearest[0], "M-Enter");
        assert_eq!(words(&["PgeUp"]).unwrap_err().nearest[0], "PageUp");
        let err = words(&["hello world"]).unwrap_err();
        assert_eq!(err.to_string(), "unknown key \"hello world\": nothing was sent");
        assert!(err.hint().contains("quote"));
    }

    #[test]
    fn every_name_is_its_own_spelling() {
        for name in names() {
            check(&[&name], &[&name]);
        }
    }

    proptest! {
        #[test]
        fn no_word_can_do_harm(word in "\\PC{0,12}|[CMS^+-]{0,6}[a-zA-Z]{0,5}") {
            if let Ok(inputs) = words(&[&word]) {
                for input in inputs {
                    let (Input::Key(text) | Input::Text(text) | Input::Paste(text)) = input;
                    prop_assert!(!text.is_empty() && !text.chars().any(char::is_control));
                }
            }
        }
    }
}
