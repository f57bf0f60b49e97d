//! The console lines of the run.

use super::page::{Found, Page, Refused, Shared, truth, value};
use super::scroll::Scroll;
use crate::ipc::wire::{GraphView, MetricView};
use crate::text;
use crate::ui::{
    keymap::{Action, Scope},
    pane::{Effect, Scene},
    strip::Part,
    theme::Theme,
};
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Modifier, Style},
};
use regex::{Regex, RegexBuilder};
use serde_json::json;

/// State of the tab.
#[derive(Debug)]
pub struct Logs {
    query: String,
    regex: bool,
    search: Option<Result<Regex, String>>,
    /// In lines of the console, not of the screen; counted from the first line of the run, so that it stays on its line.
    scroll: Scroll,
    wrap: bool,
}

impl Default for Logs {
    fn default() -> Logs {
        Logs { query: String::new(), regex: false, search: None, scroll: Scroll::End, wrap: false }
    }
}

impl Logs {
    fn search(&self) -> Option<&Regex> {
        self.search.as_ref()?.as_ref().ok()
    }

    /// Lines from the start of the run, the dropped ones too.
    fn count(scene: Scene<'_>) -> usize {
        scene.run.console.dropped() as usize + scene.run.console.lines().len()
    }

    /// The place, never among lines that are no longer kept.
    fn place(&self, scene: Scene<'_>) -> Scroll {
        match self.scroll {
            Scroll::From(top) => Scroll::From(top.max(scene.run.console.dropped() as usize)),
            Scroll::End => Scroll::End,
        }
    }

    /// The next line that the search finds, from the first in sight on.
    fn find(&self, from: usize, back: bool, scene: Scene<'_>) -> Option<usize> {
        let (search, dropped) = (self.search()?, scene.run.console.dropped() as usize);
        let lines = scene.run.console.lines().enumerate().map(|(i, line)| (i + dropped, line));
        let mut matches = lines.filter(|(_, line)| search.is_match(line)).map(|(i, _)| i);
        match back {
            true => matches.take_while(|i| *i < from).last(),
            false => matches.find(|i| *i > from),
        }
    }

    /// How many lines of the console, counted from its end, fill so many rows.
    fn lines_in(&self, rows: usize, width: usize, scene: Scene<'_>) -> usize {
        if !self.wrap {
            return rows;
        }
        let mut used = 0;
        let fits = |line: &&str| {
            used += text::width(line).div_ceil(width.max(1)).max(1);
            used <= rows
        };
        scene.run.console.lines().rev().take_while(fits).count().max(1)
    }
}

/// How a line that speaks of a trouble looks.
fn level(line: &str, theme: &Theme) -> Style {
    let head: String = line.chars().take(200).collect::<String>().to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| head.contains(word));
    if has(&["error", "traceback", "exception", "fatal", "critical"]) {
        theme.bad().remove_modifier(Modifier::BOLD)
    } else if has(&["warning", "warn:", "warn]", "[warn"]) {
        theme.warn()
    } else if has(&["debug"]) {
        theme.faint()
    } else {
        Style::new()
    }
}

impl Page for Logs {
    fn scope(&self) -> Scope {
        Scope::Logs
    }

    fn act(&mut self, action: Action, _shared: &Shared, scene: Scene<'_>, area: Rect) -> Option<Vec<Effect>> {
        let (rows, count) = (usize::from(area.height), Logs::count(scene));
        let height = self.lines_in(rows, usize::from(area.width), scene);
        let top = self.place(scene).top(count, height);
        match action {
            Action::Wrap => self.wrap = !self.wrap,
            Action::Pause => self.scroll = if self.scroll == Scroll::End { Scroll::From(top) } else { Scroll::End },
            Action::NextMatch => self.scroll = Scroll::From(self.find(top, false, scene).unwrap_or(top)),
            Action::PreviousMatch => self.scroll = Scroll::From(self.find(top, true, scene).unwrap_or(top)),
            _ => self.scroll = self.place(scene).act(action, count, height, true)?,
        }
        Some(vec![Effect::Draw])
    }

    fn back(&mut self, _shared: &Shared) -> bool {
        self.search = None;
        !std::mem::take(&mut self.query).is_empty()
    }

    fn refresh(&mut self, _shared: &Shared, _scene: Scene<'_>) {}

    fn query(&self) -> &str {
        &self.query
    }

    fn is_regex(&self) -> bool {
        self.regex
    }

    fn set(&mut self, name: &str, text: &str, _shared: &Shared, _scene: Scene<'_>) -> Result<(), Refused> {
        match name {
            "line" => self.scroll = Scroll::From(value::<usize>(text, "the number of a line")?.saturating_sub(1)),
            "follows" if truth(text)? => self.scroll = Scroll::End,
            "follows" => self.scroll = Scroll::From(usize::MAX),
            "wrap" => self.wrap = truth(text)?,
            _ => return Err(Refused::Unknown),
        }
        Ok(())
    }

    fn kept(&self) -> Vec<(&'static str, String)> {
        vec![("wrap", self.wrap.to_string())]
    }

    fn set_query(&mut self, text: &str, regex: bool, _shared: &Shared, scene: Scene<'_>) {
        text.clone_into(&mut self.query);
        self.regex = regex;
        let pattern = if regex { text.to_owned() } else { regex::escape(text) };
        let built = || RegexBuilder::new(&pattern).case_insensitive(true).build().map_err(|error| regex_words(&error));
        self.search = (!text.is_empty()).then(built);
        // The newest line with it comes into sight.
        if let Some(at) = self.find(usize::MAX, true, scene) {
            self.scroll = Scroll::From(at);
        }
    }

    fn found(&self, _shared: &Shared, scene: Scene<'_>) -> Found {
        let lines = scene.run.console.lines();
        match &self.search {
            Some(Err(error)) => Found::Wrong(error.clone()),
            Some(Ok(search)) => Found::Some(lines.filter(|line| search.is_match(line)).count(), scene.run.console.lines().len()),
            None => Found::Some(lines.len(), lines.len()),
        }
    }

    fn draw(&self, shared: &Shared, scene: Scene<'_>, area: Rect, buf: &mut Buffer) {
        let (theme, width, rows) = (&shared.theme, usize::from(area.width), usize::from(area.height));
        let console = &scene.run.console;
        if console.lines().len() == 0 && rows > 0 {
            buf.set_stringn(area.x, area.y, "nothing was printed so far", width, theme.quiet());
        }
        let top = self.place(scene).top(Logs::count(scene), self.lines_in(rows, width, scene));
        let mut y = area.y;
        for line in console.lines().skip(top.saturating_sub(console.dropped() as usize)) {
            let style = level(line, theme);
            let clean = clean(line);
            let mut rest = clean.as_str();
            loop {
                if y >= area.bottom() {
                    return;
                }
                let (piece, after) = rest.split_at(cells_end(rest, width));
                buf.set_stringn(area.x, y, theme.plain(piece.into()), width, style);
                if let Some(search) = self.search() {
                    for hit in search.find_iter(piece) {
                        let from = area.x + text::width(&piece[..hit.start()]).min(width) as u16;
                        let to = (area.x + text::width(&piece[..hit.end()]) as u16).min(area.right());
                        for x in from..to {
                            buf[(x, y)].modifier |= Modifier::REVERSED;
                        }
                    }
                }
                y += 1;
                rest = after;
                if rest.is_empty() || !self.wrap {
                    break;
                }
            }
        }
    }

    fn footer(&self, shared: &Shared, scene: Scene<'_>, area: Rect) -> Vec<Part> {
        let (theme, count) = (&shared.theme, Logs::count(scene));
        let height = self.lines_in(usize::from(area.height), usize::from(area.width), scene);
        let top = self.place(scene).top(count, height);
        let mut parts = vec![match self.scroll {
            Scroll::End => Part::new("follows", theme.accent(), 9),
            Scroll::From(_) => Part::new(format!("line {} of {count}", top + 1), theme.warn(), 9),
        }];
        if !self.query.is_empty() {
            parts.push(Part::new(format!("/{}  n next  N before", self.query), theme.accent(), 8));
        }
        if scene.run.console.dropped() > 0 {
            parts.push(Part::new(format!("the last {} lines are kept", scene.run.console.lines().len()), theme.quiet(), 2));
        }
        parts
    }

    fn tell(&self, view: &mut GraphView, _shared: &Shared, scene: Scene<'_>, area: Rect) -> Vec<MetricView> {
        let height = self.lines_in(usize::from(area.height), usize::from(area.width), scene);
        let top = self.place(scene).top(Logs::count(scene), height);
        view.paused = self.scroll != Scroll::End;
        view.detail = json!({ "line": top + 1, "lines": Logs::count(scene), "follows": self.scroll == Scroll::End, "wrap": self.wrap });
        vec![]
    }
}

/// Without escapes and controls, with tabs as spaces.
fn clean(line: &str) -> String {
    line.chars().map(|c| if c == '\t' { ' ' } else { c }).filter(|c| !c.is_control()).collect()
}

/// The byte behind the last character that fits into so many cells; at least one character.
fn cells_end(line: &str, width: usize) -> usize {
    let mut cells = 0;
    for (at, c) in line.char_indices() {
        cells += text::char_width(c);
        if cells > width && at > 0 {
            return at;
        }
    }
    line.len()
}

/// The last line of what the crate says: what is wrong, without the drawing of where.
fn regex_words(error: &regex::Error) -> String {
    error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}
