//! What the board tells an agent of itself: what stands on the screen, in names.

use super::{Above, Board, Tab, input::Purpose, is_tiny};
use crate::ipc::wire::{Dimensions, GraphView, Shown};
use crate::ui::pane::Scene;
use ratatui::layout::Rect;

impl Board {
    /// What stands on the screen.
    pub(super) fn told(&self, scene: Scene<'_>, area: Rect) -> Shown {
        let facts = &self.shared.facts;
        let page = self.page();
        let mut view = GraphView {
            tab: self.tab.name().into(),
            filter: page.query().to_owned(),
            regex: page.is_regex(),
            filtering: matches!(&self.above, Above::Input(input) if input.purpose() == Purpose::Query),
            typing: match &self.above {
                Above::Input(input) => Some(input.text()),
                Above::Palette(palette) => Some(palette.text()),
                _ => None,
            },
            theme: self.shared.theme.scheme.word().into(),
            colours: self.shared.theme.depth.word().into(),
            glyphs: self.shared.theme.glyphs.word().into(),
            ui: self.ui.word().into(),
            badge: self.badge.clone(),
            toast: self.toast.as_ref().map(|(toast, _)| toast.clone()),
            keys: facts.keys.len() as u64,
            runs: if facts.name.is_empty() { vec![] } else { vec![facts.name.clone()] },
            source: facts.source_line(),
            ..GraphView::default()
        };
        let layout = self.layout(area);
        let mut visible_metrics = page.tell(&mut view, &self.shared, scene, layout.body);
        if layout.lent && self.needs_footer() {
            page.untell_footer(&mut view);
        }
        let covers = match &self.above {
            Above::Help(help) => {
                Some((help.name(), serde_json::json!({"scroll": help.scrolled(&self.keymap, &self.shared.theme, layout.body)})))
            }
            Above::Palette(palette) => Some(("palette", palette.tell(&self.keymap, layout.body))),
            Above::List(list) => Some((list.name(), list.tell(&self.looks(), &self.settings.views, layout.body))),
            Above::Nothing | Above::Input(_) => None,
        };
        if let Some((name, detail)) = covers {
            view.below = Some(std::mem::replace(&mut view.tab, name.into()));
            view.detail = detail;
            visible_metrics.clear();
        }
        if is_tiny(area) {
            visible_metrics.clear();
        }
        if is_tiny(area) {
            view.detail = serde_json::Value::Null;
        }
        let (set, refused) = self.set.clone();
        let size = Some(Dimensions { cols: area.width, rows: area.height });
        let system = scene.host.filter(|_| scene.is_here && self.tab == Tab::System).map(|machine| machine.last.told());
        Shown { role: "graph".into(), graph: Some(view), visible_metrics, size, refreshed: self.refreshed, set, refused, system }
    }
}
