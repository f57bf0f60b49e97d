//! The config file of a person, `og/config.json` in their config folder: keys, colours, saved views.
//! Never here: where that file lies.

use super::{
    keymap::{self, Keymap, KeymapError},
    theme::{Depth, Frame, Glyphs, Scheme},
};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A saved view: names and values as `og set` takes them.
pub type View = Map<String, Value>;

/// Longest file that is read. Ten thousand saved views fit; more is not ours.
pub const BYTES_MAX: u64 = 1 << 20;

/// What a person set. What is not set is told by the terminal, or is as it comes.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Keys by the name of what they do; they replace those of the table.
    pub keys: BTreeMap<String, Vec<String>>,
    /// The colours.
    pub theme: Option<Scheme>,
    /// How many of them.
    #[serde(alias = "colors")]
    pub colours: Option<Depth>,
    /// The characters.
    pub glyphs: Option<Glyphs>,
    /// How much stands around a tab.
    pub ui: Option<Frame>,
    /// How smooth charts are at first, as `og set smoothing=` takes it.
    pub smoothing: Option<Value>,
    /// Saved views by name.
    pub views: BTreeMap<String, View>,
}

/// What is wrong with a config file, and where.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{line}:{column}: {what}")]
pub struct ConfigError {
    /// 1-based.
    pub line: usize,
    /// 1-based.
    pub column: usize,
    /// In words.
    pub what: String,
}

impl Settings {
    /// Reads a file, with the keys that follow from it.
    pub fn parse(text: &str) -> Result<(Settings, Keymap), ConfigError> {
        if text.trim().is_empty() {
            return Ok(Default::default());
        }
        let settings: Settings = serde_json::from_str(text).map_err(|error| {
            let what = error.to_string();
            let what = what.rsplit_once(" at line ").map_or(what.as_str(), |(what, _)| what);
            ConfigError { line: error.line().max(1), column: error.column().max(1), what: what.to_owned() }
        })?;
        let at = |word: &str, what: String| {
            let (line, column) = place(text, word);
            ConfigError { line, column, what }
        };
        for (name, keys) in &settings.keys {
            if let Some(key) = keys.iter().find(|key| !keymap::is_name(key)) {
                return Err(at(key, format!("`{key}`, for `{name}`, is no key: write it as `og keys` does")));
            }
        }
        let keymap = Keymap::with(&settings.keys).map_err(|error| match &error {
            KeymapError::Name(name) => at(name, error.to_string()),
            KeymapError::Twice { other, one, .. } => {
                let named = if settings.keys.contains_key(*other) { other } else { one };
                at(named, error.to_string())
            }
        })?;
        Ok((settings, keymap))
    }
}

/// Where a word stands between quotes: line and column, 1-based.
fn place(text: &str, word: &str) -> (usize, usize) {
    let quoted = Value::from(word).to_string();
    let Some(at) = text.find(&quoted) else { return (1, 1) };
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, text[line_start..at].chars().count() + 1)
}

/// The file with one of its values set, or taken away; everything else stays as it was. `path`: names from the outside in.
/// `None`: the file is no JSON object, so it is left alone.
pub fn edited(text: &str, path: &[&str], value: Option<Value>) -> Option<String> {
    let mut root: Map<String, Value> = if text.trim().is_empty() { Map::new() } else { serde_json::from_str(text).ok()? };
    let (name, folders) = path.split_last()?;
    let mut at = &mut root;
    for folder in folders {
        at = at.entry(*folder).or_insert_with(|| Value::Object(Map::new())).as_object_mut()?;
    }
    match value {
        Some(value) => _ = at.insert((*name).to_owned(), value),
        None => _ = at.shift_remove(*name),
    }
    Some(format!("{}\n", serde_json::to_string_pretty(&root).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::keymap::Action;
    use serde_json::json;

    #[test]
    fn a_file_sets_what_it_names() {
        let text = r#"{"keys": {"zoom": ["enter", "o"]}, "theme": "light", "glyphs": "ascii", "ui": "minimal", "smoothing": 0.9,
            "colors": "256", "views": {"night": {"filter": "loss"}}}"#;
        let (settings, keymap) = Settings::parse(text).unwrap();
        assert_eq!((settings.theme, settings.ui), (Some(Scheme::Light), Some(Frame::Minimal)));
        assert_eq!((settings.colours, settings.glyphs), (Some(Depth::Indexed), Some(Glyphs::Ascii)));
        assert_eq!(settings.views["night"]["filter"], "loss");
        assert!(keymap.rows().iter().any(|row| row.action == Action::Open && row.keys == ["enter", "o"]));
        assert_eq!(Settings::parse("").unwrap().0, Settings::default());
    }

    #[track_caller]
    fn wrong(text: &str, said: &str) {
        assert_eq!(Settings::parse(text).unwrap_err().to_string(), said);
    }

    #[test]
    fn a_bad_file_is_told_with_its_place() {
        wrong("{\n  \"theme\": \"dark\"\n  \"ui\"", "3:3: expected `,` or `}`");
        wrong(
            "{\n  \"them\": 1}",
            "2:8: unknown field `them`, expected one of `keys`, `theme`, `colors`, `colours`, `glyphs`, `ui`, `smoothing`, `views`",
        );
        wrong(
            "{\n  \"theme\": \"blue\"}",
            "2:17: unknown variant `blue`, expected one of `dark`, `light`, `high-contrast`, `colour-blind`",
        );
        wrong("{\"keys\":\n {\"zom\": [\"z\"]}}", "2:3: no key binding is called `zom`");
        wrong("{\"keys\":\n {\"zoom\": [\"entr\"]}}", "2:12: `entr`, for `zoom`, is no key: write it as `og keys` does");
        wrong("{\"keys\": {\"next-tab\": [\"q\"]}}", "1:11: `q` is bound to both `quit` and `next-tab`");
    }

    #[test]
    fn an_edit_leaves_the_rest_as_it_was() {
        let text = edited("{\"theme\": \"dark\", \"keys\": {}}", &["views", "night"], Some(json!({"filter": "loss"}))).unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(&text).unwrap(),
            json!({"theme": "dark", "keys": {}, "views": {"night": {"filter": "loss"}}})
        );
        assert!(!edited(&text, &["views", "night"], None).unwrap().contains("night"));
        assert_eq!(edited("", &["ui"], Some("full".into())).unwrap(), "{\n  \"ui\": \"full\"\n}\n");
        assert_eq!(edited("{", &["ui"], None), None);
        assert_eq!(edited("{\"views\": 1}", &["views", "night"], None), None);
    }
}
