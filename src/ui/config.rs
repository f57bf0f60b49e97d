//! The config file of a person, `og/config.json` in their config folder: keys, colours, saved views.
//! Never here: where that file lies.

use super::{
    keymap::{self, Keymap},
    theme::{Depth, Frame, Glyphs, Scheme},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A saved view: names and values as `og set` takes them.
pub type View = Map<String, Value>;

/// Longest file that is read. Ten thousand saved views fit; more is not ours.
pub const BYTES_MAX: u64 = 1 << 20;

/// What a person set. What is not set is told by the terminal, or is as it comes.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Settings {
    /// Keys by the name of what they do; they replace those of the table.
    pub keys: BTreeMap<String, Vec<String>>,
    /// The colours.
    pub theme: Option<Scheme>,
    /// How many of them.
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

/// What a file sets, with the keys that follow from it, and what of it does not hold.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// What is right.
    pub settings: Settings,
    /// The keys.
    pub keymap: Keymap,
    /// What was passed over, in the order of the file.
    pub faults: Vec<ConfigError>,
}

/// Names of settings, as they stand in a file.
const NAMES: &str = "`keys`, `theme`, `colours`, `glyphs`, `ui`, `smoothing`, `views`";

impl Settings {
    /// Reads a file. What is wrong in it is passed over and told; only of a file that is no JSON object nothing is taken.
    pub fn parse(text: &str) -> Result<Config, ConfigError> {
        if text.trim().is_empty() {
            return Ok(Config::default());
        }
        let root: Map<String, Value> = serde_json::from_str(text).map_err(|error| {
            let what = error.to_string();
            let what = what.rsplit_once(" at line ").map_or(what.as_str(), |(what, _)| what);
            ConfigError { line: error.line().max(1), column: error.column().max(1), what: what.to_owned() }
        })?;
        let mut faults = Faults { text, told: vec![] };
        let mut settings = Settings::default();
        for (name, value) in root {
            match name.as_str() {
                "keys" => settings.keys = keys(faults.table("keys", value), &mut faults),
                "theme" => settings.theme = faults.value(&name, value),
                "colours" | "colors" => settings.colours = faults.value(&name, value),
                "glyphs" => settings.glyphs = faults.value(&name, value),
                "ui" => settings.ui = faults.value(&name, value),
                "smoothing" => settings.smoothing = faults.value(&name, value),
                "views" => {
                    let views = faults.table("views", value);
                    settings.views =
                        views.into_iter().filter_map(|(name, view)| Some((name.clone(), faults.value(&name, view)?))).collect();
                }
                _ => faults.add(&name, format!("no setting is called `{name}`: there are {NAMES}")),
            }
        }
        let (keymap, refused) = Keymap::with(&settings.keys);
        for error in refused {
            faults.add(error.name(), error.to_string());
            settings.keys.remove(error.name());
        }
        faults.told.sort_by_key(|fault| (fault.line, fault.column));
        Ok(Config { settings, keymap, faults: faults.told })
    }
}

/// The keys that names are bound to; a name that is left without a right one keeps its own.
fn keys(names: Map<String, Value>, faults: &mut Faults) -> BTreeMap<String, Vec<String>> {
    let mut bound = BTreeMap::new();
    for (name, value) in names {
        let Some(keys) = faults.value::<Vec<String>>(&name, value) else { continue };
        let is_unbound = keys.is_empty();
        let mut right = |key: String| {
            let refused = |why| faults.add(&key, format!("`{key}`, for `{name}`, {why}"));
            keymap::meant(&key).map_err(refused).ok()
        };
        let keys: Vec<String> = keys.into_iter().filter_map(&mut right).collect();
        if is_unbound || !keys.is_empty() {
            bound.insert(name, keys);
        }
    }
    bound
}

/// What is wrong with a file, as it is read.
struct Faults<'a> {
    text: &'a str,
    told: Vec<ConfigError>,
}

impl Faults<'_> {
    /// Something is wrong with what stands at `word`.
    fn add(&mut self, word: &str, what: String) {
        let (line, column) = place(self.text, word);
        self.told.push(ConfigError { line, column, what });
    }

    /// The value of `name`. `None`: it is none that can be taken, which is told, or it is `null`.
    fn value<T: DeserializeOwned>(&mut self, name: &str, value: Value) -> Option<T> {
        if value.is_null() {
            return None;
        }
        let word = value.as_str().unwrap_or(name).to_owned();
        serde_json::from_value(value).map_err(|error| self.add(&word, format!("`{name}`: {error}"))).ok()
    }

    fn table(&mut self, name: &str, value: Value) -> Map<String, Value> {
        self.value(name, value).unwrap_or_default()
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
        let Config { settings, keymap, faults } = Settings::parse(text).unwrap();
        assert_eq!(faults, []);
        assert_eq!((settings.theme, settings.ui), (Some(Scheme::Light), Some(Frame::Minimal)));
        assert_eq!((settings.colours, settings.glyphs), (Some(Depth::Indexed), Some(Glyphs::Ascii)));
        assert_eq!(settings.views["night"]["filter"], "loss");
        assert!(keymap.rows().iter().any(|row| row.action == Action::Open && row.keys == ["enter", "o"]));
        assert_eq!(Settings::parse("").unwrap().settings, Settings::default());
    }

    #[track_caller]
    fn told(text: &str, said: &[&str]) -> Config {
        let config = Settings::parse(text).unwrap();
        let faults: Vec<String> = config.faults.iter().map(ToString::to_string).collect();
        assert_eq!(faults, said);
        config
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        assert_eq!(Settings::parse("{\n  \"theme\": \"dark\"\n  \"ui\"").unwrap_err().to_string(), "3:3: expected `,` or `}`");
        assert!(Settings::parse("[1]").is_err());
        told("{\n  \"them\": 1}", &[&format!("2:3: no setting is called `them`: there are {NAMES}")]);
        told(
            "{\n  \"theme\": \"blue\"}",
            &["2:12: `theme`: unknown variant `blue`, expected one of `dark`, `light`, `high-contrast`, `colour-blind`"],
        );
        told("{\"keys\":\n {\"zom\": [\"z\"]}}", &["2:3: no key binding is called `zom`"]);
        told("{\"keys\":\n {\"zoom\": [\"entr\"]}}", &["2:12: `entr`, for `zoom`, is no key: write it as `og keys` does"]);
        told(
            "{\"keys\": {\"back\": [\"ctrl+[\"]}}",
            &["1:20: `ctrl+[`, for `back`, cannot be bound: most terminals, and tmux, send `esc`"],
        );
        told("{\"keys\": {\"next-tab\": [\"q\"]}}", &["1:11: `q` is bound to both `quit` and `next-tab`"]);
    }

    #[test]
    fn what_is_right_is_taken_beside_what_is_wrong() {
        let config = told(
            r#"{"keys": {"zoom": ["M", "entr"], "bogus": ["k"], "axis": 7, "next-tab": ["q"]}, "glyphs": "asci", "ui": "minimal",
                "views": {"night": {"filter": "loss"}, "bad": 1}}"#,
            &[
                "1:25: `entr`, for `zoom`, is no key: write it as `og keys` does",
                "1:34: no key binding is called `bogus`",
                "1:50: `axis`: invalid type: integer `7`, expected a sequence",
                "1:61: `q` is bound to both `quit` and `next-tab`",
                "1:91: `glyphs`: unknown variant `asci`, expected one of `braille`, `block`, `ascii`",
                "2:56: `bad`: invalid type: integer `1`, expected a map",
            ],
        );
        let keys = |action: Action| config.keymap.rows().iter().find(|row| row.action == action).unwrap().keys.clone();
        assert_eq!((keys(Action::Open), keys(Action::Quit)[0].as_str()), (vec!["M".to_owned()], "q"));
        assert!(keys(Action::NextTab).iter().all(|key| key != "q") && !keys(Action::NextTab).is_empty());
        assert_eq!((config.settings.ui, config.settings.glyphs), (Some(Frame::Minimal), None));
        assert_eq!(config.settings.views.keys().collect::<Vec<_>>(), ["night"]);
    }

    #[test]
    fn a_key_is_bound_as_it_arrives() {
        let config = told(r#"{"keys": {"zoom-x": ["shift+z"], "zoom-out-x": ["alt+z"]}}"#, &[]);
        assert_eq!(config.keymap.key_of(&[keymap::Scope::Graphs], Action::ZoomX), Some("Z"));
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
