//! Who sits at the terminal: what the command line, the environment and the config file say of colours, signs, keys and settings.

use super::files;
use crate::ui::{
    board::Board,
    config::{Config, Settings},
    keymap::Keymap,
    theme::{Depth, Frame, Glyphs, Scheme, Theme},
};
use std::path::PathBuf;

/// What the command line says of how things look; it wins over the environment, and that over the config file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Looks {
    /// No colours.
    pub no_colour: bool,
    /// Only ASCII.
    pub ascii: bool,
    /// The colours.
    pub scheme: Option<Scheme>,
    /// What stands around a tab.
    pub frame: Option<Frame>,
}

/// The keys as this person has them, and what is wrong with the file that says so.
pub fn keys() -> (Keymap, Option<String>) {
    let Person { keymap, file, faults, .. } = Person::of_process(Looks::default());
    (keymap, (!faults.is_empty()).then(|| format!("{}:{}", file.display(), faults.join("; "))))
}

/// What is known of the person at this terminal.
pub(super) struct Person {
    pub(super) theme: Theme,
    /// How many colours there are where the file does not say so.
    detected: Depth,
    settings: Settings,
    pub(super) keymap: Keymap,
    /// The config file.
    file: PathBuf,
    /// What is wrong with it.
    pub(super) faults: Vec<String>,
}

impl Person {
    /// Who runs this process.
    pub(super) fn of_process(looks: Looks) -> Person {
        let read = files::config_path().map(|path| (files::read_config(&path), path));
        let (Config { settings, keymap, faults }, file) = match read {
            None => Default::default(),
            Some((Ok(config), path)) => (config, path),
            Some((Err(error), path)) => (Config { faults: vec![error], ..Config::default() }, path),
        };
        let faults = faults.iter().map(ToString::to_string).collect();
        let var = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let detected = if looks.no_colour { Depth::None } else { Depth::detect(&var) };
        // A person who set it in the environment means this terminal; one who set it in the file, every one.
        let colours = settings.colours.filter(|_| detected != Depth::None);
        let depth = colours.unwrap_or(detected);
        let glyphs = match Glyphs::detect(&var) {
            _ if looks.ascii => Glyphs::Ascii,
            Glyphs::Ascii => Glyphs::Ascii,
            detected => settings.glyphs.unwrap_or(detected),
        };
        let scheme = looks.scheme.or(settings.theme).unwrap_or_else(|| Scheme::detect(&var));
        let settings = Settings { ui: looks.frame.or(settings.ui), colours, ..settings };
        Person { theme: Theme { scheme, depth, glyphs }, detected, settings, keymap, file, faults }
    }

    /// The board as this person likes it.
    pub(super) fn board(self) -> Board {
        let mut board = Board::new(self.theme, utc_offset(), self.keymap);
        board.settle(self.settings, brief(&self.faults), badge(), self.detected);
        board
    }
}

/// What is wrong with the config file, as far as a line has room: the first of it.
fn brief(faults: &[String]) -> Option<String> {
    let first = faults.first()?;
    Some(match faults.len() - 1 {
        0 => format!("config.json:{first}"),
        more => format!("config.json:{first} ({more} more: og keys)"),
    })
}

/// `ssh user@host`, when this terminal is somewhere else.
fn badge() -> Option<String> {
    std::env::var_os("SSH_CONNECTION").filter(|far| !far.is_empty())?;
    let user = ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
    let name = rustix::system::uname();
    let host = name.nodename().to_string_lossy();
    Some(user.map_or_else(|| format!("ssh {host}"), |user| format!("ssh {user}@{host}")))
}

/// Seconds that the local clock is ahead of UTC.
pub(super) fn utc_offset() -> f64 {
    f64::from(jiff::Zoned::now().offset().seconds())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_room_for_one_fault_and_says_where_the_others_stand() {
        let faults = ["1:26: no key binding is called `bogus`".to_owned(), "1:53: unknown".to_owned()];
        assert_eq!(brief(&[]), None);
        assert_eq!(brief(&faults[1..]).unwrap(), "config.json:1:53: unknown");
        assert_eq!(brief(&faults).unwrap(), "config.json:1:26: no key binding is called `bogus` (1 more: og keys)");
    }
}
