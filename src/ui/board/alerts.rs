//! What people were asked to look at, newest first.

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

impl Alerts {
    fn fitting<'a>(&self, scene: Scene<'a>) -> Vec<&'a Alert> {
        let fits = |alert: &&Alert| [&alert.title, &alert.text].iter().any(|text| self.filter.fits(text));
        scene.run.alerts.last.iter().rev().map(|(_, alert)| alert).filter(fits).collect()
    }
}

impl Page for Alerts {
    fn scope(&self) -> Scope {
        Scope::Alerts
    }

    fn act(&mut self, action: Action, _shared: &Shared, scene: Scene<'_>, area: Rect) -> Option<Vec<Effect>> {
        self.scroll.steer(action, self.fitting(scene).len(), area, false)
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

    fn set(&mut self, name: &str, text: &str, _shared: &Shared, _scene: Scene<'_>, _area: Rect) -> Result<(), Refused> {
        self.scroll.set(name, text)
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
        let alerts = self.fitting(scene);
        if alerts.is_empty() && area.height > 0 {
            let why = if self.filter.text().is_empty() { "no alert so far" } else { "no alert has these words" };
            buf.set_stringn(area.x, area.y, why, width, theme.quiet());
        }
        for (y, alert) in self.scroll.in_sight(&alerts, area) {
            let style = match alert.level {
                "error" => theme.bad(),
                "warn" => theme.warn(),
                _ => theme.title(),
            };
            let at = alert.time.map(|at| shared.clock(at.secs())).unwrap_or_default();
            let step = alert.step.map(|step| format!("step {}", step.0)).unwrap_or_default();
            let left = |x: u16| usize::from(area.right().saturating_sub(x));
            let head = format!("{:<5} {at:<8} {step:<12} ", alert.level);
            let x = buf.set_stringn(area.x, y, head, width, theme.quiet()).0;
            let x = buf.set_stringn(x, y, theme.plain(text::cut(&alert.title, left(x))), left(x), style).0;
            let words = alert.text.replace('\n', " ");
            let rest = text::cut(&words, left(x).saturating_sub(2)).into_owned();
            buf.set_stringn(x, y, theme.plain(format!("  {rest}").into()), left(x), Style::new());
        }
    }

    fn footer(&self, shared: &Shared, scene: Scene<'_>, area: Rect) -> Vec<Part> {
        let count = self.fitting(scene).len();
        self.scroll.place(count, area, shared).into_iter().chain(self.filter.part(count, shared)).collect()
    }

    fn tell(&self, view: &mut GraphView, _shared: &Shared, scene: Scene<'_>, area: Rect) -> Vec<MetricView> {
        let alerts = self.fitting(scene);
        let top = self.scroll.top(alerts.len(), usize::from(area.height));
        let words = |text: &str| text.chars().take(TOLD_CHARS_MAX).collect::<String>();
        let told = |alert: &Alert| {
            let step = alert.step.map(|step| step.0);
            json!({"level": alert.level, "step": step, "title": words(&alert.title), "text": words(&alert.text)})
        };
        let visible: Vec<Value> = self.scroll.in_sight(&alerts, area).map(|(_, alert)| told(alert)).collect();
        view.detail = json!({ "rows": alerts.len(), "top": top, "visible": visible });
        vec![]
    }
}
