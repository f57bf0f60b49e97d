//! The console lines of the run, and which of them speak of a trouble.

mod level;
#[cfg(test)]
mod tests;

use super::{
    page::{Found, NOTCH, Page, Refused, Shared, told_as, truth, value},
    sieve::{self, Sieve},
};
use crate::ipc::wire::{GraphView, MetricView};
use crate::store::Printed;
use crate::text;
use crate::ui::{
    keymap::{Action, Scope},
    pane::{Effect, Scene},
    strip::Part,
    theme::Theme,
};
pub use level::Level;
use level::{LOOK_BACK, Levels};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::{Modifier, Style},
};
use serde_json::json;

/// From this width on, signs stand apart from the text.
const GUTTER_COLS_MIN: u16 = 40;

/// When a line was printed, as far as anybody knows.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct When {
    /// The step that was read off the line itself.
    pub step: Option<f64>,
    /// Unix seconds.
    pub time: Option<f64>,
    /// The step of the nearest line that has one.
    pub near_step: Option<f64>,
}

impl When {
    /// Whether anything is known.
    pub fn is_known(&self) -> bool {
        self.step.or(self.time).or(self.near_step).is_some()
    }
}

/// State of the tab.
#[derive(Debug, Default)]
pub struct Logs {
    search: Sieve,
    /// The line in focus, counted from the first line of the run, so that it stays; `None`: the last one, whatever comes.
    focus: Option<usize>,
    /// The first line in sight when it was last moved.
    top: usize,
    wrap: bool,
}

/// The lines that are kept: where they begin and end, counted from the first of the run.
#[derive(Clone, Copy, Debug)]
struct Kept {
    from: usize,
    to: usize,
}

impl Kept {
    fn of(scene: Scene<'_>) -> Kept {
        let console = &scene.run.console;
        let from = console.dropped() as usize;
        Kept { from, to: from + console.lines().len() }
    }
}

impl Logs {
    /// The line in focus; `None`: there is none.
    fn focused(&self, scene: Scene<'_>) -> Option<usize> {
        let Kept { from, to } = Kept::of(scene);
        let last = to.checked_sub(1).filter(|last| *last >= from)?;
        Some(self.focus.map_or(last, |focus| focus.clamp(from, last)))
    }

    /// The next line that the search finds, from the one in focus on.
    fn find(&self, from: usize, back: bool, scene: Scene<'_>) -> Option<usize> {
        let search = self.search.pattern()?;
        self.seek(if back { from } else { from + 1 }, back, scene, |line| search.is_match(line))
    }

    fn first_match(&self, scene: Scene<'_>) -> Option<usize> {
        let search = self.search.pattern()?;
        (Kept::of(scene).from..).zip(scene.run.console.lines()).find(|(_, line)| search.is_match(line)).map(|(at, _)| at)
    }

    /// Which match the line in focus is, 1-based (0: none), and how many there are; `None`: nothing is looked for.
    fn match_of(&self, scene: Scene<'_>) -> Option<(usize, usize)> {
        let (search, focus) = (self.search.pattern()?, self.focused(scene)?);
        let lines = (Kept::of(scene).from..).zip(scene.run.console.lines());
        let (mut at, mut all) = (0, 0);
        for (line, _) in lines.filter(|(_, line)| search.is_match(line)) {
            all += 1;
            if line == focus {
                at = all;
            }
        }
        Some((at, all))
    }

    fn seek(&self, from: usize, back: bool, scene: Scene<'_>, mut fits: impl FnMut(&str) -> bool) -> Option<usize> {
        let lines = (Kept::of(scene).from..).zip(scene.run.console.lines());
        let mut found = lines.filter(|(_, line)| fits(line)).map(|(at, _)| at);
        match back {
            true => found.take_while(|at| *at < from).last(),
            false => found.find(|at| *at >= from),
        }
    }

    /// Rows that a line takes.
    fn rows_of(&self, line: usize, width: usize, scene: Scene<'_>) -> usize {
        let text = scene.run.console.line(line).map_or("", |line| &line.text);
        if self.wrap { text::width(&clean(text)).div_ceil(width.max(1)).max(1) } else { 1 }
    }

    /// The first line in sight: as it was, unless the one in focus would not be seen or lines would be missing at the end.
    fn top(&self, scene: Scene<'_>, area: Rect) -> usize {
        let (Kept { from, to }, rows) = (Kept::of(scene), usize::from(area.height));
        let width = usize::from(area.width - gutter(area));
        // The first line from which everything to `last` fits.
        let up_from = |last: usize| {
            let (mut top, mut used) = (last, self.rows_of(last, width, scene));
            while top > from && used + self.rows_of(top - 1, width, scene) <= rows {
                top -= 1;
                used += self.rows_of(top, width, scene);
            }
            top
        };
        let (Some(focus), Some(last)) = (self.focused(scene), to.checked_sub(1)) else { return from };
        let end = up_from(last);
        if self.focus.is_none() { end } else { self.top.clamp(up_from(focus), focus).min(end).max(from) }
    }

    /// Scrolls by so many lines. The focus stays on its line as long as that is in sight; at the end it follows.
    fn scroll(&mut self, by: isize, scene: Scene<'_>, area: Rect) {
        let (focus, top) = (self.focused(scene), self.top(scene, area));
        self.focus = None;
        let end = self.top(scene, area);
        self.top = top.saturating_add_signed(by).clamp(Kept::of(scene).from, end);
        if self.top < end {
            let (width, mut used) = (usize::from(area.width - gutter(area)), 0);
            let is_whole = |line: &usize| {
                used += self.rows_of(*line, width, scene);
                used <= usize::from(area.height)
            };
            let last = (self.top..).take_while(is_whole).last().unwrap_or(self.top);
            self.focus = focus.map(|focus| focus.clamp(self.top, last));
        }
    }

    /// Scrolls until this line is the first in sight. Where it is so already the focus stays, and what follows goes on following.
    fn put_on_top(&mut self, line: usize, scene: Scene<'_>, area: Rect) -> Result<(), Refused> {
        let (from, end) = (Kept::of(scene).from, Logs { focus: None, wrap: self.wrap, ..Logs::default() }.top(scene, area));
        if !(from..=end).contains(&line) {
            let lost = if from > 0 { format!("; those before {from} are not kept") } else { String::new() };
            return Err(Refused::Value(format!("at most {end} lines can be above what is in sight, not {line}{lost}")));
        }
        let before = std::mem::replace(&mut self.top, line);
        if self.top(scene, area) != line {
            self.top = before;
            self.scroll(line as isize - self.top(scene, area) as isize, scene, area);
        }
        Ok(())
    }

    /// The line of this number, from 1 on, as it is set.
    fn line_at(&self, text: &str, scene: Scene<'_>) -> Result<usize, Refused> {
        let (number, Kept { from, to }) = (value::<usize>(text, "the number of a line")?, Kept::of(scene));
        let at = number.checked_sub(1).filter(|at| (from..to).contains(at));
        at.ok_or_else(|| Refused::Value(format!("the lines {} to {to} are kept: there is no {number} among them", from + 1)))
    }

    /// Moves the focus by so many lines; at the end it follows.
    fn go(&mut self, by: isize, scene: Scene<'_>) {
        let Some(focus) = self.focused(scene) else { return };
        let to = focus.saturating_add_signed(by);
        self.focus = (to + 1 < Kept::of(scene).to).then_some(to);
    }

    /// When the line in focus was printed.
    pub fn when(&self, scene: Scene<'_>) -> When {
        let (Some(focus), kept) = (self.focused(scene), Kept::of(scene)) else { return When::default() };
        let lines: Vec<&Printed> = scene.run.console.printed().collect();
        let at = focus - kept.from;
        // What stood before is nearer to what the training was at than what came later.
        let nearest = |of: &dyn Fn(&Printed) -> Option<f64>| {
            let before = lines[..=at].iter().rev().find_map(|line| of(line));
            before.or_else(|| lines[at + 1..].iter().find_map(|line| of(line)))
        };
        let step = |line: &Printed| line.step.map(|step| step.0 as f64);
        When { step: step(lines[at]), time: nearest(&|line| line.time.map(|time| time.secs())), near_step: nearest(&step) }
    }

    /// Puts the focus onto the line that was printed then; without a time and a step, onto the newest.
    pub fn go_to(&mut self, when: When, scene: Scene<'_>) -> Result<(), String> {
        let kept = Kept::of(scene);
        if !when.is_known() {
            self.focus = None;
            return Ok(());
        }
        let lines = || (kept.from..).zip(scene.run.console.printed());
        let of_step = when.step.and_then(|step| lines().filter(|(_, line)| line.step.is_some_and(|at| at.0 as f64 == step)).last());
        let by_time = || {
            let time = when.time?;
            let timed = || lines().filter(|(_, line)| line.time.is_some());
            // The clock of a line is coarse: it is that of the piece that it came with.
            timed().take_while(|(_, line)| line.time.is_some_and(|at| at.secs() <= time + 1e-3)).last().or_else(|| timed().next())
        };
        let by_step = || {
            let step = when.near_step?;
            let stepped = || lines().filter(|(_, line)| line.step.is_some());
            stepped().filter(|(_, line)| line.step.is_some_and(|at| at.0 as f64 <= step)).last().or_else(|| stepped().next())
        };
        let (line, _) = of_step.or_else(by_time).or_else(by_step).ok_or("no line tells when it was printed")?;
        (self.focus, self.top) = (Some(line), line.saturating_sub(3));
        Ok(())
    }

    /// The levels of the lines from one on.
    fn levels(&self, top: usize, scene: Scene<'_>) -> Levels {
        let mut levels = Levels::default();
        let before = top.saturating_sub(LOOK_BACK)..top;
        before.filter_map(|line| scene.run.console.line(line)).for_each(|line| _ = levels.next(&line.text));
        levels
    }

    /// The lines in sight with their numbers and levels.
    fn in_sight<'a>(&self, scene: Scene<'a>, area: Rect) -> Vec<(usize, &'a Printed, Option<Level>)> {
        let top = self.top(scene, area);
        let (mut levels, mut used) = (self.levels(top, scene), 0);
        let width = usize::from(area.width - gutter(area));
        let mut seen = vec![];
        for at in top.. {
            let Some(line) = scene.run.console.line(at).filter(|_| used < usize::from(area.height)) else { break };
            used += self.rows_of(at, width, scene);
            seen.push((at, line, levels.next(&line.text)));
        }
        seen
    }
}

/// Columns of signs before the lines.
fn gutter(area: Rect) -> u16 {
    if area.width >= GUTTER_COLS_MIN { 3 } else { 1.min(area.width) }
}

impl Page for Logs {
    fn scope(&self) -> Scope {
        Scope::Logs
    }

    fn act(&mut self, action: Action, _shared: &Shared, scene: Scene<'_>, area: Rect) -> Option<Vec<Effect>> {
        let top = self.top(scene, area);
        let focus = self.focused(scene).unwrap_or_default();
        let page = isize::from(area.height.saturating_sub(1).max(1) as i16);
        match action {
            Action::Wrap => self.wrap = !self.wrap,
            Action::Pause => self.focus = if self.focus.is_none() { self.focused(scene) } else { None },
            // From the end on it starts anew, and the other way round.
            Action::NextMatch => self.focus = self.find(focus, false, scene).or_else(|| self.first_match(scene)).or(self.focus),
            Action::PreviousMatch => {
                self.focus = self.find(focus, true, scene).or_else(|| self.find(usize::MAX, true, scene)).or(self.focus);
            }
            Action::NextTrouble => {
                let seek = |from: usize| {
                    let mut levels = Levels::default();
                    self.seek(from, false, scene, move |line| levels.trouble_begins(line))
                };
                // From the end on it starts anew.
                let from = self.focus.map_or(0, |focus| focus + 1);
                self.focus = seek(from).or_else(|| seek(0)).or(self.focus);
            }
            Action::Up => self.go(-1, scene),
            Action::Down => self.go(1, scene),
            Action::PageUp => self.go(-page, scene),
            Action::PageDown => self.go(page, scene),
            Action::First => self.go(isize::MIN, scene),
            Action::Last => self.focus = None,
            _ => return None,
        }
        self.top = top;
        self.top = self.top(scene, area);
        Some(vec![Effect::Draw])
    }

    fn wheel(&mut self, down: bool, _at: Position, _shared: &Shared, scene: Scene<'_>, area: Rect) -> bool {
        self.scroll(if down { NOTCH } else { -NOTCH }, scene, area);
        true
    }

    fn click(&mut self, at: Position, _shared: &Shared, scene: Scene<'_>, area: Rect) -> bool {
        let (width, mut below) = (usize::from(area.width - gutter(area)), usize::from(area.y));
        let holds = |line: &usize| {
            below += self.rows_of(*line, width, scene);
            usize::from(at.y) < below
        };
        let seen: Vec<usize> = self.in_sight(scene, area).into_iter().map(|(line, ..)| line).collect();
        let Some(line) = seen.into_iter().find(holds) else { return false };
        (self.top, self.focus) = (self.top(scene, area), Some(line));
        true
    }

    fn back(&mut self, _shared: &Shared) -> bool {
        self.search.clear()
    }

    fn refresh(&mut self, _shared: &Shared, _scene: Scene<'_>) {}

    fn query(&self) -> &str {
        self.search.text()
    }

    fn is_regex(&self) -> bool {
        self.search.is_regex()
    }

    fn set(&mut self, name: &str, text: &str, _shared: &Shared, scene: Scene<'_>, area: Rect) -> Result<(), Refused> {
        match name {
            "line" | "focus" => {
                self.focus = if text.is_empty() { None } else { Some(self.line_at(&told_as(text, "line"), scene)?) };
            }
            "top" => self.put_on_top(value(text, "the number of lines above what is in sight")?, scene, area)?,
            "follows" | "paused" => self.focus = if truth(text)? == (name == "paused") { self.focused(scene) } else { None },
            "wrap" => self.wrap = truth(text)?,
            _ => return Err(Refused::Unknown),
        }
        Ok(())
    }

    fn kept(&self) -> Vec<(&'static str, String)> {
        vec![("wrap", self.wrap.to_string())]
    }

    fn set_query(&mut self, text: &str, regex: bool, _shared: &Shared, scene: Scene<'_>) {
        self.search = Sieve::new(text, regex);
        // The newest line with it comes into sight.
        if let Some(at) = self.find(usize::MAX, true, scene) {
            self.focus = Some(at);
        }
    }

    fn found(&self, _shared: &Shared, scene: Scene<'_>) -> Found {
        let lines = scene.run.console.lines();
        let all = lines.len();
        self.search.found(lines.filter(|line| self.search.fits(line)).count(), all)
    }

    fn draw(&self, shared: &Shared, scene: Scene<'_>, area: Rect, buf: &mut Buffer) {
        let theme = &shared.theme;
        if scene.run.console.lines().len() == 0 && area.height > 0 {
            buf.set_stringn(area.x, area.y, "nothing was printed so far", usize::from(area.width), theme.quiet());
        }
        let left = gutter(area);
        let text_area = Rect { x: area.x + left, width: area.width - left, ..area };
        let mut y = area.y;
        for (at, line, level) in self.in_sight(scene, area) {
            let (sign, style) = theme.level(level);
            let is_focused = self.focus.is_some_and(|focus| focus == at);
            if left > 1 {
                buf.set_stringn(area.x + 1, y, sign, 1, style);
            } else {
                buf.set_stringn(area.x, y, sign, usize::from(left), style);
            }
            if is_focused {
                buf.set_stringn(area.x, y, theme.cursor(), usize::from(left), theme.accent());
            }
            let style = if is_focused { style.add_modifier(Modifier::BOLD) } else { style };
            y = self.draw_line(&clean(&line.text), style, theme, Rect { y, height: area.bottom() - y, ..text_area }, buf);
            if y >= area.bottom() {
                return;
            }
        }
    }

    fn footer(&self, shared: &Shared, scene: Scene<'_>, _area: Rect) -> Vec<Part> {
        let (theme, Kept { to, .. }) = (&shared.theme, Kept::of(scene));
        let mut parts = vec![match self.focused(scene).filter(|_| self.focus.is_some()) {
            None => Part::new("follows", theme.accent(), 9),
            Some(focus) => Part::new(format!("line {} of {to}", focus + 1), theme.warn(), 9),
        }];
        if let Some(line) = self.focus.and_then(|_| scene.run.console.line(self.focused(scene)?)) {
            let step = line.step.map(|step| format!("step {}", step.0));
            let time = line.time.map(|at| shared.clock(at.secs()));
            let when: Vec<String> = [time, step].into_iter().flatten().collect();
            parts.push(Part::new(when.join(" "), theme.value(), 8));
            parts.push(Part::new("enter charts", theme.faint(), 6));
        }
        if let Some(wrong) = self.search.wrong(shared) {
            parts.push(wrong);
        } else if !self.search.text().is_empty() {
            let found = match self.match_of(scene) {
                Some((0, all)) => format!("  {all} matches"),
                Some((at, all)) => format!("  match {at} of {all}"),
                None => String::new(),
            };
            parts.push(Part::new(format!("{}{}{found}", sieve::sign(self.search.is_regex()), self.search.text()), theme.accent(), 8));
            parts.push(Part::joined(" n next  N before", theme.accent(), 7));
        }
        if scene.run.console.dropped() > 0 {
            parts.push(Part::new(format!("the last {} lines are kept", scene.run.console.lines().len()), theme.quiet(), 2));
        }
        parts
    }

    fn tell(&self, view: &mut GraphView, _shared: &Shared, scene: Scene<'_>, area: Rect) -> Vec<MetricView> {
        view.paused = self.focus.is_some();
        let seen = self.in_sight(scene, area);
        let troubles: Vec<_> = seen
            .iter()
            .filter_map(|(at, _, level)| Some((at, (*level).filter(|level| *level >= Level::Warning)?)))
            .map(|(at, level)| json!({"line": at + 1, "level": level.word()}))
            .collect();
        let focus = self.focused(scene).filter(|_| self.focus.is_some());
        let focused = focus.and_then(|focus| Some((focus, scene.run.console.line(focus)?))).map(|(focus, line)| {
            json!({"line": focus + 1, "text": line.text, "time": line.time.map(|at| at.secs()), "step": line.step.map(|step| step.0)})
        });
        view.detail = json!({
            "line": focus.map(|focus| focus + 1), "top": self.top(scene, area), "lines": Kept::of(scene).to, "follows": self.focus.is_none(), "wrap": self.wrap,
            "focus": focused, "troubles": troubles,
        });
        vec![]
    }
}

impl Logs {
    /// Draws a line, and what the search finds in it; the row behind it.
    fn draw_line(&self, line: &str, style: Style, theme: &Theme, area: Rect, buf: &mut Buffer) -> u16 {
        let width = usize::from(area.width);
        let (mut y, mut rest) = (area.y, line);
        loop {
            let (piece, after) = rest.split_at(cells_end(rest, width));
            let drawn = if self.wrap { piece.into() } else { text::cut(rest, width) };
            buf.set_stringn(area.x, y, theme.plain(drawn), width, style);
            for hit in self.search.pattern().into_iter().flat_map(|search| search.find_iter(piece)) {
                let from = area.x + text::width(&piece[..hit.start()]).min(width) as u16;
                let to = (area.x + text::width(&piece[..hit.end()]).min(width) as u16).min(area.right());
                (from..to).for_each(|x| buf[(x, y)].modifier |= Modifier::REVERSED);
            }
            (y, rest) = (y + 1, after);
            if rest.is_empty() || !self.wrap || y >= area.bottom() {
                return y;
            }
        }
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
