//! The lines around a tab: header, tabs, footer. Everything here only reads.

use super::{
    Board, Layout, Tab, WORDY_COLS_MIN,
    input::{Input, Purpose},
    page::Found,
    tab::tab_words,
};
use crate::text;
use crate::ui::{
    keymap::{Action, Scope},
    pane::{Link, Scene},
    strip::{self, Part},
    theme::Frame,
};
use ratatui::{buffer::Buffer, layout::Rect, style::Style};

/// Cells of the names of the sources, of which the first say most.
const SOURCE_CELLS_MIN: usize = 24;

impl Board {
    pub(super) fn header(&self, row: Rect, with_tab: bool, buf: &mut Buffer) {
        let (theme, facts) = (&self.shared.theme, &self.shared.facts);
        let word = if row.width >= WORDY_COLS_MIN && facts.run_state().is_some() { "state=" } else { "" };
        let state = format!("{} {word}{}", theme.state_sign(facts.run_state()), facts.state_text());
        let mut parts = vec![
            Part::new(facts.name_in(row.width), theme.title(), 14),
            Part::new(state, theme.state(facts.run_state()), 17),
            Part::new(facts.step_text().replace(' ', "="), theme.value(), 15),
            Part::joined(facts.progress().map(text::percent).unwrap_or_default(), theme.quiet(), 12),
            Part::new(facts.rate_text(), theme.quiet(), 10),
            Part::new(facts.eta().map(|eta| format!("ETA {}", text::duration(eta))).unwrap_or_default(), theme.quiet(), 11),
            Part::new(self.badge.as_deref().unwrap_or_default(), theme.warn(), 7),
        ];
        if let (Frame::Minimal, Some((toast, _))) = (self.ui, &self.toast) {
            parts = vec![Part::new(text::cut_middle(toast, usize::from(row.width)), theme.accent(), 1)];
        }
        if with_tab && self.tab != Tab::Graphs {
            parts.insert(0, Part::new(self.tab.title(), theme.accent(), 16));
        }
        strip::draw(parts, theme, row, buf);
    }

    pub(super) fn tabs(&self, row: Rect, buf: &mut Buffer) {
        let theme = &self.shared.theme;
        for word in tab_words(self.tab, row.width) {
            let style = if word.tab == self.tab { theme.chosen() } else { theme.quiet() };
            buf.set_stringn(row.x + word.start, row.y, &word.text, usize::from(word.end - word.start), style);
        }
    }

    pub(super) fn footer(&self, row: Rect, layout: &Layout, scene: Scene<'_>, buf: &mut Buffer) {
        let (theme, facts) = (&self.shared.theme, &self.shared.facts);
        let mut parts = vec![];
        if let Some((toast, _)) = &self.toast {
            parts.push(Part::new(text::cut_middle(toast, usize::from(row.width)), theme.accent(), 10));
        }
        parts.extend(self.page().footer(&self.shared, scene, layout.body));
        if self.shared.link == Link::Down {
            parts.push(Part::new("no controller", theme.warn(), 5));
        }
        if !facts.source.is_empty() {
            parts.push(Part::new(format!("source: {}", facts.source), theme.quiet(), 3).cut_to(SOURCE_CELLS_MIN));
        }
        parts.push(Part::new(facts.live_text(), theme.quiet(), 4));
        parts.push(Part::new(facts.losses_text(), theme.warn(), 7));
        let scopes = [self.page().scope(), Scope::Board];
        let hint = |action, word: &str, rank| {
            let key = self.keymap.key_of(&scopes, action)?;
            Some(Part::new(format!("{key} {word}"), theme.faint(), rank))
        };
        parts.extend(hint(Action::OpenFilter, "filter", 2));
        // What one does most here goes before how one filters.
        let hints = self.page().hints().into_iter().zip(std::iter::once(3).chain(std::iter::repeat(1)));
        parts.extend(hints.filter_map(|((action, word), rank)| hint(action, word, rank)));
        parts.extend(hint(Action::Help, "help", 5));
        parts.extend(hint(Action::Quit, "quit", 1));
        strip::draw(parts, theme, row, buf);
    }

    pub(super) fn tiny(&self, area: Rect, buf: &mut Buffer) {
        let (theme, facts) = (&self.shared.theme, &self.shared.facts);
        let step = facts.step.map(|step| text::si(step as f64, 3)).unwrap_or_default();
        let sign = Part::new(theme.state_sign(facts.run_state()), theme.state(facts.run_state()), 2);
        strip::draw(vec![sign, Part::joined(step, theme.value(), 1)], theme, Rect { height: 1, ..area }, buf);
    }

    /// What stands behind a text that is typed.
    pub(super) fn note(&self, input: &Input, scene: Scene<'_>) -> (Vec<String>, Style) {
        let theme = &self.shared.theme;
        let words = |first: &str, others: &[&str]| [first].iter().chain(others).map(|word| (*word).to_owned()).collect();
        let mut notes: Vec<String> = match input.purpose() {
            Purpose::Query => match self.page().found(&self.shared, scene) {
                Found::Wrong(error) => return (vec![error], theme.bad()),
                Found::Some(some, all) => words(&format!("{some} of {all} "), &["enter keep", "esc cancel", "tab regex"]),
            },
            Purpose::SaveView => words("enter save", &["esc cancel"]),
            Purpose::Message => words("enter send", &["esc cancel"]),
            Purpose::Notes => {
                let step = self.step_in_focus(scene).map(|step| format!("marks step {step}"));
                let others: Vec<&str> = ["esc cancel", "\\n new line"].into_iter().chain(step.as_deref()).collect();
                words("enter keep", &others)
            }
            Purpose::Tags => words("enter keep", &["esc cancel", "`night dataset=c4`"]),
        };
        // What is told for a moment goes before what always stands there.
        notes.splice(..0, self.toast.iter().map(|(told, _)| told.clone()));
        (notes, theme.quiet())
    }
}
