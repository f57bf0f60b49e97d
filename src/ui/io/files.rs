//! Files that a person asks for: the config file, screenshots, exported data.

use super::wake::Woken;
use crate::query::export::{self, Column};
use crate::ui::{
    config::{self, Config, ConfigError, Settings},
    pane::Export,
    shot,
};
use ratatui::buffer::Buffer;
use serde_json::Value;
use std::{
    fs::{self, File},
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
    sync::mpsc::SyncSender,
    thread::{self, JoinHandle},
};

/// Where the config file lies: `$XDG_CONFIG_HOME/og/config.json`, else `~/.config/og/config.json`.
pub fn config_path() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("XDG_CONFIG_HOME").filter(|path| path.is_absolute()).or_else(|| Some(set("HOME")?.join(".config")))?;
    Some(folder.join("og").join("config.json"))
}

/// Reads the config file; one that is not there sets nothing.
pub fn read_config(path: &Path) -> Result<Config, ConfigError> {
    let wrong = |what: String| ConfigError { line: 1, column: 1, what };
    let mut text = String::new();
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Default::default()),
        Err(error) => return Err(wrong(error.to_string())),
        Ok(file) => _ = file.take(config::BYTES_MAX).read_to_string(&mut text).map_err(|error| wrong(error.to_string()))?,
    }
    Settings::parse(&text)
}

/// Keeps a setting in the config file. A file that is damaged is left alone, and that is told.
pub fn keep(path: &[&str], value: Option<Value>) -> Result<(), String> {
    let file = config_path().ok_or("there is no home folder for a config file")?;
    let text = match fs::read_to_string(&file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(format!("not kept: cannot read {}: {error}", file.display())),
        text => text.unwrap_or_default(),
    };
    let text = config::edited(&text, path, value).ok_or_else(|| format!("not kept: {} is damaged", file.display()))?;
    // A link is followed: dotfiles are often kept elsewhere.
    let real = file.canonicalize().unwrap_or_else(|_| file.clone());
    let folder = real.parent().unwrap_or(Path::new("."));
    let fresh = real.with_extension(format!("json.{}", std::process::id()));
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(&fresh, text)).and_then(|()| fs::rename(&fresh, &real));
    written.map_err(|error| {
        let _ = fs::remove_file(&fresh);
        format!("not kept: cannot write {}: {error}", file.display())
    })
}

/// Writes a screen as text, with ANSI colours, as SVG and as PNG. What was written, in words.
pub fn screenshot(screen: &Buffer, bright: bool, folder: &Path) -> Result<String, String> {
    let (stem, made) = fresh(folder, "screen", "txt")?;
    write(made, |out| out.write_all(shot::text(screen).as_bytes()))?;
    for (ending, drawing) in [("ans", Drawing::Ansi), ("svg", Drawing::Svg), ("png", Drawing::Png)] {
        draw(&stem.with_extension(ending), drawing, screen, bright).map_err(|error| error.to_string())?;
    }
    Ok(format!("{}, .ans, .svg, .png", stem.with_extension("txt").display()))
}

/// How a screen is written to a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Drawing {
    /// Text alone.
    Text,
    /// Text with ANSI colours.
    Ansi,
    /// A picture of lines and letters.
    Svg,
    /// A picture of pixels.
    Png,
}

impl Drawing {
    /// As the ending of the file says, in letters of any size; where it has none, as text. `None`: nothing is written so.
    pub fn of(path: &Path) -> Option<Drawing> {
        let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
        match ending.to_str()? {
            "" | "txt" => Some(Drawing::Text),
            "ans" | "ansi" => Some(Drawing::Ansi),
            "svg" => Some(Drawing::Svg),
            "png" => Some(Drawing::Png),
            _ => None,
        }
    }
}

/// Writes a screen to one file, or to standard output where it is called `-`.
pub fn draw(path: &Path, drawing: Drawing, screen: &Buffer, bright: bool) -> io::Result<()> {
    let drawn = match drawing {
        Drawing::Png => shot::png(screen, bright)?,
        Drawing::Svg => shot::svg(screen, bright).into(),
        Drawing::Ansi => shot::ansi(screen).into(),
        Drawing::Text => shot::text(screen).into(),
    };
    if path == Path::new("-") { io::stdout().lock().write_all(&drawn) } else { fs::write(path, drawn) }
}

/// Writes the series of an export to a file, in a thread of its own: keys go on meanwhile. What was written, or why not, is told
/// when that is done.
pub fn export(export: Export, folder: PathBuf, tell: SyncSender<Woken>) -> io::Result<JoinHandle<()>> {
    let write = move || {
        let done = write_series(&export, &folder);
        // The loop that would tell is gone: so is whoever asked.
        let _ = tell.send(Woken::Wrote(done));
    };
    thread::Builder::new().name("og-export".into()).spawn(write)
}

/// Writes series to a file. What was written, in words.
fn write_series(export: &Export, folder: &Path) -> Result<String, String> {
    let (stem, made) = fresh(folder, "data", if export.json { "json" } else { "csv" })?;
    let has_points = export.series.iter().filter(|(.., points)| !points.is_empty());
    let columns: Vec<Column<'_>> = has_points.map(|(key, series, points)| Column { key, series, range: points.clone() }).collect();
    let written = write(made, |out| if export.json { export::json(&columns, out) } else { export::csv(&columns, out) })?;
    let ending = if export.json { "json" } else { "csv" };
    let what = if export.json { "points" } else { "rows" };
    Ok(format!("{} ({written} {what})", stem.with_extension(ending).display()))
}

/// Now, as part of a file's name and as ISO 8601.
pub fn now_iso() -> String {
    jiff::Timestamp::now().to_string()
}

/// A file that was not there before, `NAME-20261120-101500.ENDING`, and its path.
fn fresh(folder: &Path, name: &str, ending: &str) -> Result<(PathBuf, File), String> {
    let time = jiff::Zoned::now().strftime("%Y%m%d-%H%M%S");
    for n in 1..100 {
        let number = if n == 1 { String::new() } else { format!("-{n}") };
        let stem = folder.join(format!("{name}-{time}{number}"));
        let stem = stem.strip_prefix(".").map(Path::to_owned).unwrap_or(stem);
        match File::create_new(stem.with_extension(ending)) {
            Ok(file) => return Ok((stem, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(format!("{}: {error}", stem.with_extension(ending).display())),
        }
    }
    Err("too many files of this second".into())
}

fn write<T>(file: File, put: impl FnOnce(&mut dyn Write) -> io::Result<T>) -> Result<T, String> {
    let mut out = BufWriter::new(file);
    let done = put(&mut out).and_then(|done| out.flush().map(|()| done));
    done.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_drawn_as_its_ending_says_and_no_other_way() {
        let of = |path: &str| Drawing::of(Path::new(path));
        assert_eq!(["a.png", "b.PNG", "c.v2.Png"].map(of), [Some(Drawing::Png); 3]);
        assert_eq!(["a.svg", "a.SVG"].map(of), [Some(Drawing::Svg); 2]);
        assert_eq!(["a.ans", "a.ANSI"].map(of), [Some(Drawing::Ansi); 2]);
        assert_eq!(["-", "a", "a.", "a.txt", "a.TXT"].map(of), [Some(Drawing::Text); 5]);
        assert_eq!(["a.jpg", "a.png.gz", "a.v2", "a.html"].map(of), [None; 4]);
    }
}
