//! What keys are called: `q`, `ctrl+c`, `shift+tab`. So the table has them, and so a person writes them into the config file.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// The name of a key: `q`, `ctrl+c`, `shift+tab`, `pgdn`.
pub fn name(key: KeyEvent) -> String {
    let base = match key.code {
        KeyCode::Char(' ') => "space".into(),
        // Some terminals say the shift beside the letter.
        KeyCode::Char(c) if key.modifiers & (KeyModifiers::SHIFT | KeyModifiers::CONTROL) == KeyModifiers::SHIFT => {
            c.to_uppercase().to_string()
        }
        KeyCode::Char(c) => c.to_string(),
        KeyCode::BackTab => return "shift+tab".into(),
        KeyCode::PageUp => "pgup".into(),
        KeyCode::PageDown => "pgdn".into(),
        KeyCode::F(n) => format!("f{n}"),
        other => format!("{other:?}").to_lowercase(),
    };
    let mut name = String::new();
    for (modifier, word) in [(KeyModifiers::CONTROL, "ctrl+"), (KeyModifiers::ALT, "alt+"), (KeyModifiers::SUPER, "super+")] {
        if key.modifiers.contains(modifier) {
            name.push_str(word);
        }
    }
    // The shift of a character shows in the character itself.
    if key.modifiers.contains(KeyModifiers::SHIFT) && !matches!(key.code, KeyCode::Char(_)) {
        name.push_str("shift+");
    }
    name + &base
}

/// Why no key can be bound by a name.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NameError {
    /// There is no such key.
    #[error("is no key: write it as `og keys` does")]
    Unknown,
    /// Terminals send another key instead.
    #[error("cannot be bound: most terminals, and tmux, send `{0}`")]
    SentAs(String),
}

/// The name that [`name`] gives to the key that a person means: `shift+z` is `Z`.
pub fn meant(text: &str) -> Result<String, NameError> {
    const KEYS: &[&str] =
        &["space", "enter", "esc", "tab", "backspace", "delete", "insert", "left", "right", "up", "down", "home", "end", "pgup", "pgdn"];
    /// What has no byte of its own with ctrl, and whose byte it is.
    const SENT_AS: &[(&str, &str)] = &[
        ("[", "esc"),
        ("i", "tab"),
        ("m", "enter"),
        ("@", "ctrl+space"),
        ("\\", "ctrl+4"),
        ("]", "ctrl+5"),
        ("^", "ctrl+6"),
        ("_", "ctrl+7"),
    ];
    let (mut base, mut has) = (text, [false; 4]);
    for (has, modifier) in has.iter_mut().zip(["ctrl+", "alt+", "super+", "shift+"]) {
        (base, *has) = base.strip_prefix(modifier).map_or((base, false), |base| (base, true));
    }
    let [ctrl, alt, sup, shift] = has;
    let is_function = || base.strip_prefix('f').and_then(|n| n.parse::<u8>().ok()).is_some_and(|n| (1..=24).contains(&n));
    let is_char = base.chars().count() == 1;
    if !is_char && !KEYS.contains(&base) && !is_function() {
        return Err(NameError::Unknown);
    }
    let with = |ctrl: bool, base: &str| {
        let words = [(ctrl, "ctrl+"), (alt, "alt+"), (sup, "super+")];
        words.iter().filter(|(has, _)| *has).map(|(_, word)| *word).chain([base]).collect::<String>()
    };
    let (lower, upper) = (base.to_lowercase(), base.to_uppercase());
    let is_letter = is_char && lower != upper;
    if let Some((_, sent)) = SENT_AS.iter().find(|(key, _)| ctrl && *key == lower) {
        return Err(NameError::SentAs(match sent.strip_prefix("ctrl+") {
            Some(base) => with(true, base),
            None => with(false, sent),
        }));
    }
    if ctrl && is_letter && (shift || base != lower) {
        return Err(NameError::SentAs(with(true, &lower)));
    }
    // The shift of a character shows in the character itself.
    match (shift, base) {
        (true, _) if is_letter => Ok(with(ctrl, &upper)),
        (true, "space") => Err(NameError::SentAs(with(ctrl, base))),
        (true, _) if is_char => Err(NameError::Unknown),
        _ => Ok(text.to_owned()),
    }
}

/// The text that a key types, if it types any.
pub fn typed(key: KeyEvent) -> Option<char> {
    let silent = KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SUPER;
    match key.code {
        KeyCode::Char(c) if !key.modifiers.intersects(silent) && !c.is_control() => Some(c),
        _ => None,
    }
}
