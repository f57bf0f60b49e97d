//! What people were asked to look at, newest first.

#[cfg(test)]
mod tests;

use super::{
    page::{Found, Page, Refused, Shared},
    scroll::Scroll,
    sieve::Sieve,
};
use crate::ipc::wire::{GraphView, MetricView};
use crate::source::Alert;
use crate::text;
use crate::ui::{
    keymap::{Action, Scope},
    pane::{Effect, Scene},
    strip::Part,
};
use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use serde_json::{Value, json};

/// Of a text, what an agent is told: more than fits into a row of most screens.
const TOLD_CHARS_MAX: usize = 200;
/// Rows that an alert has at most: what is longer belongs into the logs.
const ALERT_ROWS_MAX: usize = 12;
/// With fewer cells beside the level, the time and the step, words go on below those.
const BESIDE_CELLS_MIN: usize = 30;
/// What a person may not know who sees none.
const WHERE_FROM: &str = "What the training says by wandb.alert(...) or trackio.alert(...) stands here, newest first.";
/// With fewer cells there the title stands below too.
const TITLE_CELLS_MIN: usize = 12;
/// Cells in front of words that go on there.
const INDENT: usize = 2;

/// State of the tab.
#[derive(Debug)]
pub struct Alerts {
    filter: Sieve,
    scroll: Scroll,
}

impl Default for Alerts {
    fn default() -> Alerts {
        Alerts { filter: Sieve::default(), scroll: Scroll::From(0) }
    }
}

/// A row of the screen.
struct Row<'a> {
    /// The alert that begins here; none: one goes on.
    begins: Option<&'a Alert>,
    level: &'static str,
    /// Level, time and step, or the gap below them.
    head: String,
    title: String,
    text: String,
}

impl Alerts {
    fn fitting<'a>(&self, scene: Scene<'a>) -> Vec<&'a Alert> {
        let fits = |alert: &&Alert| [alert.level, &alert.title, &alert.text].iter().any(|text| self.filter.fits(text));
        scene.run.alerts.last.iter().rev().map(|(_, alert)| alert).filter(fits).collect()
    }

    /// The alerts with as many rows as their words need.
    fn rows<'a>(&self, shared: &Shared, scene: Scene<'a>, width: u16) -> Vec<Row<'a>> {
        let alerts = self.fitting(scene);
        let times: Vec<String> = alerts.iter().map(|alert| alert.time.map(|at| shared.clock(at.secs())).unwrap_or_default()).collect();
        let steps: Vec<String> = alerts.iter().map(|alert| alert.step.map(|step| format!("step {}", step.0)).unwrap_or_default()).collect();
        let column = |words: &[String]| words.iter().map(|word| text::width(word) + 1).filter(|cells| *cells > 1).max().unwrap_or(0);
        let (time_cells, step_cells) = (column(&times), column(&steps));
        let heads = times.iter().zip(&steps).map(|(time, step)| text::fit(time, time_cells) + &text::fit(step, step_cells));
        let heads = alerts.iter().zip(heads).map(|(alert, when)| format!("{:<6}{when}", alert.level));
        alerts.iter().zip(heads).flat_map(|(alert, head)| alert_rows(alert, head, usize::from(width))).collect()
    }
}

/// An alert: its title behind what stands in front of it, its words beside that or below.
fn alert_rows(alert: &Alert, head: String, width: usize) -> Vec<Row<'_>> {
    let beside = width.saturating_sub(text::width(&head));
    let indent = if beside < BESIDE_CELLS_MIN { INDENT.min(width) } else { text::width(&head) };
    let (whole, words) = (text::clean(alert.title.trim_end()), text::clean(alert.text.trim_end()));
    let more = |words: &str| if words.is_empty() { vec![] } else { text::wrap(words, width - indent) };
    let title = if beside < TITLE_CELLS_MIN { String::new() } else { text::wrap(&whole, beside).swap_remove(0) };
    let titles = more(whole[title.len()..].trim_start());
    let fits = titles.is_empty() && !words.contains('\n') && text::width(&title) + INDENT + text::width(&words) <= beside;
    let texts = if fits { vec![] } else { more(&words) };
    let row = |title, text| Row { begins: None, level: alert.level, head: " ".repeat(indent), title, text };
    let first = Row { begins: Some(alert), head, ..row(title, if fits { words } else { String::new() }) };
    let titles = titles.into_iter().map(|title| row(title, String::new()));
    let texts = texts.into_iter().map(|text| row(String::new(), text));
    let mut rows: Vec<Row> = std::iter::once(first).chain(titles).chain(texts).collect();
    let is_cut = rows.len() > ALERT_ROWS_MAX;
    rows.truncate(ALERT_ROWS_MAX);
    if let Some(last) = rows.last_mut().filter(|_| is_cut) {
        last.text += " ...";
    }
    rows
}

impl Page for Alerts {
    fn scope(&self) -> Scope {
        Scope::Alerts
    }

    fn act(&mut self, action: Action, shared: &Shared, scene: Scene<'_>, area: Rect) -> Option<Vec<Effect>> {
        self.scroll.steer(action, self.rows(shared, scene, area.width).len(), area, false)
    }

    fn back(&mut self, _shared: &Shared) -> bool {
        self.filter.clear()
    }

    fn refresh(&mut self, _shared: &Shared, _scene: Scene<'_>) {}

    fn query(&self) -> &str {
        self.filter.text()
    }

    fn is_regex(&self) -> bool {
        self.filter.is_regex()
    }

    fn set(&mut self, name: &str, text: &str, shared: &Shared, scene: Scene<'_>, area: Rect) -> Result<(), Refused> {
        let rows = self.rows(shared, scene, area.width).len();
        self.scroll.set(name, text, rows, usize::from(area.height))
    }

    fn set_query(&mut self, text: &str, regex: bool, _shared: &Shared, _scene: Scene<'_>) {
        self.filter = Sieve::new(text, regex);
        self.scroll = Scroll::From(0);
    }

    fn found(&self, _shared: &Shared, scene: Scene<'_>) -> Found {
        self.filter.found(self.fitting(scene).len(), scene.run.alerts.last.len())
    }

    fn draw(&self, shared: &Shared, scene: Scene<'_>, area: Rect, buf: &mut Buffer) {
        let (theme, width) = (&shared.theme, usize::from(area.width));
        let rows = self.rows(shared, scene, area.width);
        if rows.is_empty() {
            let why = match (self.filter.text().is_empty(), shared.facts.is_live()) {
                (false, _) => "no alert has these words".to_owned(),
                (true, live) => format!("no alert{}\n{WHERE_FROM}", if live { " so far" } else { "" }),
            };
            for (y, line) in (area.y..area.bottom()).zip(text::wrap(&why, width)) {
                buf.set_stringn(area.x, y, line, width, theme.quiet());
            }
        }
        for (y, row) in self.scroll.in_sight(&rows, area) {
            let style = match row.level {
                "error" => theme.bad(),
                "warn" => theme.warn(),
                _ => theme.title(),
            };
            let left = |x: u16| usize::from(area.right().saturating_sub(x));
            let x = buf.set_stringn(area.x, y, &row.head, width, theme.quiet()).0;
            let x = buf.set_stringn(x, y, theme.plain(text::cut(&row.title, left(x))), left(x), style).0;
            let gap = if row.title.is_empty() || row.text.is_empty() { 0 } else { INDENT as u16 };
            let x = x.saturating_add(gap);
            buf.set_stringn(x, y, theme.plain(text::cut(&row.text, left(x))), left(x), Style::new());
        }
    }

    fn footer(&self, shared: &Shared, scene: Scene<'_>, area: Rect) -> Vec<Part> {
        let place = self.scroll.place(self.rows(shared, scene, area.width).len(), area, shared);
        place.into_iter().chain(self.filter.part(self.fitting(scene).len(), shared)).collect()
    }

    fn tell(&self, view: &mut GraphView, shared: &Shared, scene: Scene<'_>, area: Rect) -> Vec<MetricView> {
        let rows = self.rows(shared, scene, area.width);
        let top = self.scroll.top(rows.len(), usize::from(area.height));
        let words = |text: &str| text.chars().take(TOLD_CHARS_MAX).collect::<String>();
        let seen: Vec<&Row> = self.scroll.in_sight(&rows, area).map(|(_, row)| row).collect();
        // Of one that begins above, what is left of it.
        let tail =
            seen.iter().take_while(|row| row.begins.is_none()).map(|row| json!({"more": words(&format!("{}{}", row.title, row.text))}));
        let told = |alert: &Alert| {
            let step = alert.step.map(|step| step.0);
            json!({"level": alert.level, "step": step, "title": words(&alert.title), "text": words(&alert.text)})
        };
        let visible: Vec<Value> = tail.chain(seen.iter().filter_map(|row| row.begins).map(told)).collect();
        view.detail = json!({ "rows": rows.len(), "top": top, "visible": visible });
        vec![]
    }
}
