//! Keeping the window as planned: laid out anew when its size changes, left alone once a person moved a border.

use super::{Effect, Purpose, State, World};
use crate::{
    canvas::CanvasState,
    controller::arrange::{self, Move, Ours},
    tmux::{Command, PaneInfo, WindowId, layout::Layout},
};
use std::time::{Duration, Instant};

/// Resizes come in storms while a person drags a terminal's edge; the layout is made once they pause.
const CALM: Duration = Duration::from_millis(60);
/// Moves in a row without a change of size: more would be a quarrel with somebody, so the layout is left alone.
const MOVES_MAX: u32 = 8;

/// What is known of the canvas's window.
#[derive(Default)]
pub(super) struct Watch {
    window: Option<WindowId>,
    /// As tmux has it.
    current: Option<Layout>,
    /// What og asked for last.
    applied: Option<Layout>,
    /// The size changed or og moved a pane since the window was last laid out: the borders stand where tmux put them.
    unsettled: bool,
    zoomed: bool,
    due: Option<Instant>,
    moves: u32,
}

impl Watch {
    /// When the window should be looked at.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// tmux told of a new layout.
    pub fn changed(&mut self, window: WindowId, layout: &str, flags: &str, now: Instant) {
        if self.window != Some(window) {
            return;
        }
        self.zoomed = flags.contains('Z');
        let Ok(layout) = layout.parse::<Layout>() else { return };
        if self.current.as_ref().is_none_or(|old| (old.cols, old.rows) != (layout.cols, layout.rows)) {
            self.moves = 0;
            self.unsettled = true;
        }
        self.current = Some(layout);
        self.due = Some(now + CALM);
    }

    /// A pane of ours came.
    pub fn look_again(&mut self, now: Instant) {
        self.moves = 0;
        self.unsettled = true;
        self.due = Some(now);
    }

    /// A list of all panes came: the window of the canvas, when its layout must be asked for.
    pub fn saw(&mut self, listed: &[PaneInfo], canvas: &CanvasState) -> Option<WindowId> {
        let ours = listed.iter().find(|pane| pane.window.to_string() == canvas.window)?;
        if self.window == Some(ours.window) {
            return None;
        }
        self.window = Some(ours.window);
        self.zoomed = ours.zoomed;
        self.applied = canvas.layout.parse().ok();
        self.window
    }

    /// The layout that was asked for.
    pub fn told(&mut self, lines: &[Vec<u8>], now: Instant) {
        self.current = lines.first().and_then(|line| std::str::from_utf8(line).ok()?.parse().ok());
        self.due = Some(now);
    }

    /// Whether the borders stand elsewhere than og put them, though neither the size nor the panes changed. In a window that
    /// shrank and grew back meanwhile it was tmux that moved them.
    fn moved_by_a_person(&mut self) -> bool {
        if std::mem::take(&mut self.unsettled) {
            return false;
        }
        let (Some(current), Some(applied)) = (&self.current, &self.applied) else { return false };
        let same_size = (current.cols, current.rows) == (applied.cols, applied.rows);
        same_size && current.panes() == applied.panes() && current != applied
    }
}

impl State {
    pub(super) fn arrange_if_due(&mut self, world: &World<'_>, effects: &mut Vec<Effect>) {
        if self.layout.due.is_none_or(|due| world.now < due) {
            return;
        }
        // While the panes are being listed it is not known which of them stand where.
        self.layout.due = self.listing.then(|| world.now + CALM);
        if self.listing || self.layout.zoomed {
            return;
        }
        if self.layout.moved_by_a_person() && !self.canvas.manual {
            tracing::info!("a person moved a border: the layout is theirs now");
            self.canvas.manual = true;
            effects.push(Effect::SaveState(Box::new(self.canvas.clone())));
        }
        if self.canvas.manual || self.canvas.closed || self.layout.moves >= MOVES_MAX {
            return;
        }
        let Some(current) = self.layout.current.clone() else { return };
        let Some(window) = self.layout.window else { return };
        let (here, away): (Vec<_>, Vec<_>) = self.panes.values().partition(|pane| pane.window == window);
        let ours =
            |panes: Vec<&crate::controller::pane::Pane>| panes.iter().map(|pane| (pane.role.clone(), pane.id)).collect::<Vec<Ours>>();
        let (here, away) = (ours(here), ours(away));
        let Some(step) = arrange::next_move(&current, &here, &away) else {
            return self.keep_layout(current, effects);
        };
        self.layout.moves += 1;
        self.layout.unsettled = !matches!(step, Move::Select(_));
        let anchor = here.iter().find(|(role, _)| role == "train").or(here.first()).map(|(_, pane)| *pane);
        let command = match step {
            Move::Break(pane) => {
                Command::new("break-pane").arg("-d").arg("-n").arg(format!("{} graph", self.canvas.name)).arg("-s").arg(pane.to_string())
            }
            Move::Join(pane) => match anchor {
                Some(anchor) => Command::new("join-pane").arg("-d").arg("-v").arg("-s").arg(pane.to_string()).target(anchor),
                None => return,
            },
            Move::Swap(a, b) => Command::new("swap-pane").arg("-d").arg("-s").arg(a.to_string()).target(b),
            Move::Select(layout) => {
                self.keep_layout(layout.clone(), effects);
                Command::new("select-layout").target(window).arg(layout.to_string())
            }
        };
        effects.push(Effect::Tmux(vec![command], Purpose::Tell("lay the window out")));
        self.list(effects);
    }

    fn keep_layout(&mut self, layout: Layout, effects: &mut Vec<Effect>) {
        let text = layout.to_string();
        self.layout.applied = Some(layout);
        if self.canvas.layout != text {
            self.canvas.layout = text;
            effects.push(Effect::SaveState(Box::new(self.canvas.clone())));
        }
    }
}
