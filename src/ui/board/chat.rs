//! What people and agents say to each other in the canvas.

use super::{
    page::{Found, Page, Refused, Shared, truth, value},
    scroll::{Scroll, can_be_above},
    sieve::Sieve,
};
use crate::canvas::Message;
use crate::ipc::wire::{GraphView, MetricView};
use crate::text;
use crate::ui::{
    keymap::{Action, Scope},
    pane::{Effect, Scene},
    strip::Part,
};
use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use serde_json::{Value, json};

/// From this width on, author and time stand beside the words instead of above them.
const WIDE_COLS_MIN: u16 = 60;
/// Cells of that column.
const AUTHOR_COLS: usize = 16;

/// State of the tab.
#[derive(Debug)]
pub struct Chat {
    filter: Sieve,
    scroll: Scroll,
}

impl Default for Chat {
    fn default() -> Chat {
        Chat { filter: Sieve::default(), scroll: Scroll::End }
    }
}

/// A row of the screen.
struct Row<'a> {
    /// What it is of.
    of: &'a Message,
    head: String,
    text: String,
    style: Style,
}

impl Chat {
    fn fitting<'a>(&self, scene: Scene<'a>) -> Vec<&'a Message> {
        let is_by = |author: &str| author.to_lowercase() == self.filter.text().to_lowercase();
        let fits = |message: &&Message| self.filter.fits(&message.text) || is_by(&message.author);
        scene.chat.unwrap_or_default().iter().filter(fits).collect()
    }

    fn rows<'a>(&self, shared: &Shared, scene: Scene<'a>, width: u16) -> Vec<Row<'a>> {
        let theme = &shared.theme;
        let wide = width >= WIDE_COLS_MIN;
        let room = usize::from(width).saturating_sub(if wide { AUTHOR_COLS + 1 } else { 0 });
        let mut rows = vec![];
        for message in self.fitting(scene) {
            let style = if message.author == "human" { theme.title() } else { theme.accent() };
            let author = if message.author.is_empty() { "somebody" } else { &message.author };
            let time = message.at.map(|at| shared.clock(at)[..5].to_owned()).unwrap_or_default();
            let head = format!("{time} {author}").trim_start().to_owned();
            if !wide {
                rows.push(Row { of: message, head: head.clone(), text: String::new(), style });
            }
            let first = rows.len();
            rows.extend(text::wrap(&text::clean(&message.text), room).into_iter().map(|text| Row {
                of: message,
                head: String::new(),
                text,
                style,
            }));
            if wide && let Some(row) = rows.get_mut(first) {
                row.head = head;
            }
        }
        rows
    }
}

impl Page for Chat {
    fn scope(&self) -> Scope {
        Scope::Chat
    }

    fn act(&mut self, action: Action, shared: &Shared, scene: Scene<'_>, area: Rect) -> Option<Vec<Effect>> {
        let rows = self.rows(shared, scene, area.width).len();
        if action == Action::Pause {
            let here = Scroll::From(self.scroll.top(rows, usize::from(area.height)));
            self.scroll = if self.scroll == Scroll::End { here } else { Scroll::End };
            return Some(vec![Effect::Draw]);
        }
        self.scroll.steer(action, rows, area, true)
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
        let (rows, height) = (self.rows(shared, scene, area.width).len(), usize::from(area.height));
        match name {
            "row" => {
                let top = can_be_above(value::<usize>(text, "the number of a row")?.saturating_sub(1), rows, height)?;
                // At its end it follows, as if somebody had scrolled there.
                self.scroll = if top.saturating_add(height) >= rows { Scroll::End } else { Scroll::From(top) };
            }
            "paused" if truth(text)? => self.scroll = Scroll::From(self.scroll.top(rows, height)),
            "paused" => self.scroll = Scroll::End,
            _ => return Err(Refused::Unknown),
        }
        Ok(())
    }

    fn set_query(&mut self, text: &str, regex: bool, _shared: &Shared, _scene: Scene<'_>) {
        self.filter = Sieve::new(text, regex);
        self.scroll = Scroll::End;
    }

    fn found(&self, _shared: &Shared, scene: Scene<'_>) -> Found {
        self.filter.found(self.fitting(scene).len(), scene.chat.unwrap_or_default().len())
    }

    fn draw(&self, shared: &Shared, scene: Scene<'_>, area: Rect, buf: &mut Buffer) {
        let (theme, width) = (&shared.theme, usize::from(area.width));
        let rows = self.rows(shared, scene, area.width);
        if rows.is_empty() {
            let why = match (scene.chat, self.filter.text().is_empty()) {
                (None, _) => "there is no canvas here, so nobody to talk to: `og canvas spawn review --run RUN` opens one",
                (Some(_), true) => "nothing was said so far; enter writes a message",
                (Some(_), false) => "no message has these words",
            };
            for (y, line) in (area.y..area.bottom()).zip(text::wrap(why, width)) {
                buf.set_stringn(area.x, y, line, width, theme.quiet());
            }
        }
        let column = if area.width >= WIDE_COLS_MIN { AUTHOR_COLS as u16 + 1 } else { 0 };
        for (y, row) in self.scroll.in_sight(&rows, area) {
            let head_room = if column > 0 { AUTHOR_COLS } else { width };
            buf.set_stringn(area.x, y, theme.plain(text::cut(&row.head, head_room)), head_room, row.style);
            buf.set_stringn(area.x + column, y, theme.plain(row.text.as_str().into()), width - usize::from(column), Style::new());
        }
    }

    fn footer(&self, shared: &Shared, scene: Scene<'_>, area: Rect) -> Vec<Part> {
        let theme = &shared.theme;
        let place = self.scroll.place(self.rows(shared, scene, area.width).len(), area, shared);
        let count = scene.chat.unwrap_or_default().len();
        let mut parts = vec![Part::new(format!("{count} message{}", if count == 1 { "" } else { "s" }), theme.value(), 8)];
        parts.extend(place);
        parts.extend(self.filter.part(self.fitting(scene).len(), shared));
        if scene.chat.is_some() {
            parts.push(Part::new("enter say", theme.faint(), 6));
        }
        parts
    }

    fn tell(&self, view: &mut GraphView, shared: &Shared, scene: Scene<'_>, area: Rect) -> Vec<MetricView> {
        let last = self.fitting(scene).last().map(|message| json!({"author": message.author, "text": message.text}));
        let rows = self.rows(shared, scene, area.width);
        let top = self.scroll.top(rows.len(), usize::from(area.height));
        let in_sight: Vec<&Row> = self.scroll.in_sight(&rows, area).map(|(_, row)| row).collect();
        // Of a message that is partly in sight, that part.
        let told = |rows: &[&Row<'_>]| {
            let lines: Vec<&str> = rows.iter().filter(|row| !row.text.is_empty()).map(|row| row.text.as_str()).collect();
            json!({"author": rows[0].of.author, "at": rows[0].of.at, "text": lines.join("\n")})
        };
        let visible: Vec<Value> = in_sight.chunk_by(|a, b| std::ptr::eq(a.of, b.of)).map(told).collect();
        view.paused = self.scroll != Scroll::End;
        view.detail = json!({
            "messages": scene.chat.unwrap_or_default().len(), "last": last, "row": top + 1, "rows": rows.len(), "visible": visible,
        });
        vec![]
    }
}
