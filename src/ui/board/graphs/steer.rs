//! What keys and the mouse do to the charts.

use super::{Graphs, Layout, Side, X, scenery::Picture, window::Span};
use crate::query::{Smoothing, SmoothingWish};
use crate::ui::{board::page::Shared, chart::Scale, keymap::Action, pane::Scene};
use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

/// What one key or one notch of the wheel leaves of a range.
const CLOSER: f64 = 0.7;
/// What one key moves, of a range.
const PAN: f64 = 0.2;
/// Cells that the crosshair leaps.
const LEAP: usize = 10;
/// What it moves while nothing is drawn.
const CELLS: u16 = 50;

impl Graphs {
    /// Whether the key meant anything here.
    pub(super) fn steer(&mut self, action: Action, shared: &Shared, scene: Scene<'_>, area: Rect) -> bool {
        let layout = self.layout(area, scene);
        let (cols, per_page) = (isize::from(layout.grid.cols.min(i16::MAX as u16) as i16), layout.grid.cells() as isize);
        // Whatever is pressed next, no digit is waited for any more.
        let sizing = self.sizing.take();
        match action {
            Action::Left => self.move_focus(-1),
            Action::Right => self.move_focus(1),
            Action::Up => self.move_focus(-cols),
            Action::Down => self.move_focus(cols),
            Action::First => self.focus_panel(0),
            Action::Last => self.focus_panel(self.panels.len().saturating_sub(1)),
            Action::PageDown => self.turn_page(1, per_page, layout.pages),
            Action::PageUp => self.turn_page(-1, per_page, layout.pages),
            Action::Open => self.full_screen = !self.full_screen && !self.panels.is_empty(),
            Action::Pause => {
                self.paused = !self.paused;
                self.stale = true;
            }
            Action::SwitchAxis => {
                let x = match self.x {
                    X::Step => X::Relative,
                    X::Relative => X::Wall,
                    X::Wall | X::Metric(_) => X::Step,
                };
                self.measure(x);
            }
            Action::AxisOfFocus => {
                let key = self.focused().and_then(|panel| panel.keys.first()).cloned();
                match (&self.x, key) {
                    (X::Metric(_), _) | (_, None) => self.measure(X::Step),
                    (_, Some(key)) => self.measure(X::Metric(key)),
                }
            }
            Action::LogX => self.log_x = !self.log_x,
            Action::LogY => self.log_y = !self.log_y,
            Action::Smoother => self.smooth(Smoothing::more),
            Action::Rougher => self.smooth(Smoothing::less),
            Action::SmoothOtherwise => self.smoothing = self.smoothing.turned(),
            Action::ZoomX => self.zoom_x(CLOSER, self.anchor()),
            Action::ZoomOutX => self.zoom_x(1.0 / CLOSER, self.anchor()),
            Action::PanLeft => self.pan_x(-PAN),
            Action::PanRight => self.pan_x(PAN),
            Action::ZoomY => self.change_y(&layout, shared, scene, |y| y.part(0.5 - CLOSER / 2.0, 0.5 + CLOSER / 2.0)),
            Action::ZoomOutY => self.change_y(&layout, shared, scene, |y| y.part(0.5 - 0.5 / CLOSER, 0.5 + 0.5 / CLOSER)),
            Action::PanUp => self.change_y(&layout, shared, scene, |y| y.part(PAN, 1.0 + PAN)),
            Action::PanDown => self.change_y(&layout, shared, scene, |y| y.part(-PAN, 1.0 - PAN)),
            Action::RefitY => {
                let key = self.focused().and_then(|panel| panel.keys.first()).cloned();
                key.map(|key| self.ys.remove(&key));
            }
            Action::ResetZoom => {
                (self.span, self.cursor, self.paused, self.stale) = (Span::All, None, false, true);
                self.ys.clear();
            }
            Action::Follow => self.follow(),
            Action::CursorLeft => self.move_cursor(-1, &layout, shared, scene),
            Action::CursorRight => self.move_cursor(1, &layout, shared, scene),
            Action::CursorLeapLeft => self.move_cursor(-(LEAP as isize), &layout, shared, scene),
            Action::CursorLeapRight => self.move_cursor(LEAP as isize, &layout, shared, scene),
            Action::Marks => self.no_marks = !self.no_marks,
            Action::Band => self.band = !self.band,
            Action::Apart => {
                self.apart = !self.apart;
                self.arrange();
            }
            Action::Rows => self.sizing = Some(Side::Rows),
            Action::Cols => self.sizing = Some(Side::Cols),
            Action::GridSize(size) => {
                let chosen = (size > 0).then_some(u16::from(size));
                match sizing {
                    Some(Side::Rows) => self.grid.0 = chosen,
                    Some(Side::Cols) => self.grid.1 = chosen,
                    None => return false,
                }
            }
            _ => return sizing.is_some(),
        }
        true
    }

    /// Whether the mouse meant anything here.
    pub(super) fn steer_by_mouse(&mut self, mouse: MouseEvent, shared: &Shared, scene: Scene<'_>, area: Rect) -> bool {
        let layout = self.layout(area, scene);
        let at = Position::new(mouse.column, mouse.row);
        let before = self.dragged.take();
        let Some(&(index, cell)) = layout.cells.iter().find(|(_, cell)| cell.contains(at)) else { return false };
        let mut marks = vec![];
        let Some((plot, x)) = self.picture(index, shared, scene, &mut marks).and_then(|picture| Some((picture.plot(cell)?, picture.x())))
        else {
            let down = matches!(mouse.kind, MouseEventKind::Down(_));
            self.focus_on(index, down);
            return down;
        };
        let along = |area_start: u16, cells: u16, at: u16| (f64::from(at) - f64::from(area_start)) / f64::from(cells.max(2) - 1);
        let place = along(plot.x, plot.width, at.x).clamp(0.0, 1.0);
        let by_y = mouse.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) || at.x < plot.x;
        let height = 1.0 - along(plot.y, plot.height, at.y).clamp(0.0, 1.0);
        match mouse.kind {
            MouseEventKind::Down(button) => {
                self.focus_on(index, true);
                match button {
                    MouseButton::Left if plot.contains(at) => self.cursor = Some(self.cursor_at(index, x.at(place), scene)),
                    MouseButton::Left => {}
                    MouseButton::Right | MouseButton::Middle => self.dragged = Some((at.x, at.y)),
                }
            }
            MouseEventKind::Drag(MouseButton::Left) => {
                let cursor = Some(self.cursor_at(index, x.at(place), scene));
                return std::mem::replace(&mut self.cursor, cursor) != cursor;
            }
            MouseEventKind::Drag(_) => {
                self.dragged = Some((at.x, at.y));
                let Some((column, row)) = before else { return false };
                let right = (f64::from(column) - f64::from(at.x)) / f64::from(plot.width.max(2) - 1);
                let up = (f64::from(at.y) - f64::from(row)) / f64::from(plot.height.max(2) - 1);
                self.pan_x(right);
                if up != 0.0 && self.focus_index() == index {
                    self.change_y(&layout, shared, scene, |y| y.part(up, 1.0 + up));
                }
            }
            MouseEventKind::ScrollUp | MouseEventKind::ScrollDown => {
                let factor = if mouse.kind == MouseEventKind::ScrollUp { CLOSER } else { 1.0 / CLOSER };
                self.focus_on(index, true);
                match by_y {
                    true => {
                        let part = |y: Scale| y.part(height - height * factor, height + (1.0 - height) * factor);
                        self.change_y(&layout, shared, scene, part);
                    }
                    // Near its end the wheel holds on to the newest.
                    false => self.zoom_x(factor, if place > 0.95 { 1.0 } else { place }),
                }
            }
            MouseEventKind::ScrollLeft => self.pan_x(-PAN / 2.0),
            MouseEventKind::ScrollRight => self.pan_x(PAN / 2.0),
            MouseEventKind::Up(_) | MouseEventKind::Moved => return false,
        }
        true
    }

    /// Smooths all charts by another step than that which the chart in focus has.
    fn smooth(&mut self, step: impl FnOnce(Smoothing) -> Smoothing) {
        let now = self.focused().map_or(Smoothing::Off, |panel| self.smoothing_of(panel));
        self.smoothing = SmoothingWish::Just(step(now));
    }

    /// Moves by single charts around the ends, by rows only where a chart is.
    fn move_focus(&mut self, by: isize) {
        let count = self.panels.len() as isize;
        if count == 0 {
            return;
        }
        let to = self.focus_index() as isize + by;
        match by.abs() {
            1 => self.focus_panel(to.rem_euclid(count) as usize),
            _ if (0..count).contains(&to) => self.focus_panel(to as usize),
            _ => {}
        }
    }

    pub(super) fn turn_page(&mut self, by: isize, per_page: isize, pages: usize) {
        let per_page = if self.full_screen { 1 } else { per_page };
        let page = self.focus_index() as isize / per_page;
        let to = (page + by).rem_euclid(pages as isize);
        if to != page {
            self.focus_panel((to * per_page) as usize);
        }
    }

    pub(super) fn focus_panel(&mut self, index: usize) {
        self.focus = self.panels.get(index).and_then(|panel| panel.keys.first()).cloned();
        self.focus_at = index.min(self.panels.len().saturating_sub(1));
    }

    fn focus_on(&mut self, index: usize, really: bool) {
        if really && index != self.focus_index() {
            self.focus_panel(index);
        }
    }

    /// Measures x otherwise: what was chosen along the old axis means nothing along the new one.
    pub(super) fn measure(&mut self, x: X) {
        self.x = x;
        (self.span, self.cursor, self.paused, self.stale) = (Span::All, None, false, true);
    }

    /// The place around which keys zoom: the crosshair; else the newest, while it is in sight; else the middle.
    fn anchor(&self) -> f64 {
        let (from, to) = self.window();
        match self.cursor.filter(|x| (from..=to).contains(x)) {
            Some(x) => Scale::new(from, to, self.log_x).place(x),
            None if matches!(self.span, Span::Fixed(..)) => 0.5,
            None => 1.0,
        }
    }

    fn zoom_x(&mut self, factor: f64, anchor: f64) {
        let Some(extent) = self.extent else { return };
        // Two steps are enough to see a line.
        let least = match self.x {
            X::Step => 2.0,
            _ => (extent.1 - extent.0) * 1e-9,
        };
        self.span = self.span.zoomed(factor, anchor, self.shown_extent(extent), least, self.log_x);
    }

    fn pan_x(&mut self, by: f64) {
        let Some(extent) = self.extent else { return };
        self.span = self.span.moved(by, self.shown_extent(extent), self.log_x);
    }

    /// The range that a logarithmic axis can show: where that begins at zero, it is from 1 on, or the last three decades.
    fn shown_extent(&self, (from, to): (f64, f64)) -> (f64, f64) {
        const DECADES: f64 = 1e-3;
        if self.log_x && from <= 0.0 && to > 0.0 { (if to > 1.0 { 1.0 } else { to * DECADES }, to) } else { (from, to) }
    }

    /// Shows the newest again, as closely as now.
    fn follow(&mut self) {
        (self.paused, self.stale) = (false, true);
        if let Span::Fixed(from, to) = self.span {
            self.span = Span::Tail(to - from);
        }
    }

    /// Changes the y range of the chart in focus.
    fn change_y(&mut self, layout: &Layout, shared: &Shared, scene: Scene<'_>, part: impl FnOnce(Scale) -> (f64, f64)) {
        let index = self.focus_index();
        let Some(&(_, cell)) = layout.cells.iter().find(|(at, _)| *at == index) else { return };
        let mut marks = vec![];
        let Some(Picture::Chart(chart)) = self.picture(index, shared, scene, &mut marks) else { return };
        let Some(y) = chart.plot(cell).map(|plot| plot.y) else { return };
        let y = part(y);
        let key = self.panels[index].keys[0].clone();
        if can_be_drawn(y) {
            self.ys.insert(key, y);
        }
    }

    /// The x of the shared axis that the crosshair takes for the x of a chart.
    fn cursor_at(&self, index: usize, x: f64, scene: Scene<'_>) -> f64 {
        self.panels.get(index).map_or(x, |panel| self.shared_x(panel, x, scene))
    }

    /// Moves the crosshair by cells, and at least by one point of the first curve in focus.
    fn move_cursor(&mut self, by: isize, layout: &Layout, shared: &Shared, scene: Scene<'_>) {
        let index = self.focus_index();
        let Some(key) = self.panels.get(index).and_then(|panel| panel.keys.first()) else { return };
        let mut marks = vec![];
        let cell = layout.cells.iter().find(|(at, _)| *at == index).map(|(_, cell)| *cell);
        let plot = cell.and_then(|cell| self.picture(index, shared, scene, &mut marks)?.plot(cell));
        let (from, to) = self.window();
        let scale = Scale::new(from, to, self.log_x && from > 0.0);
        let Some((series, axis)) = self.along_x(scene, 0, key) else { return };
        let x_at = |index: usize| series.x_at(axis, index);
        let first = series.lower_bound(axis, from);
        let last = series.lower_bound(axis, to);
        let last = if x_at(last).is_some_and(|x| x <= to) { last } else { last.saturating_sub(1) };
        let Some(cursor) = self.cursor.filter(|x| (from..=to).contains(x)) else {
            self.cursor = x_at(last).filter(|x| (from..=to).contains(x));
            return;
        };
        let cells = f64::from(plot.map_or(CELLS, |plot| plot.width).max(2) - 1);
        let target = scale.at(scale.place(cursor) + by as f64 / cells);
        let here = series.lower_bound(axis, cursor);
        let there = match by > 0 {
            true => series.lower_bound(axis, target).max(here + usize::from(x_at(here) == Some(cursor))),
            false => series.lower_bound(axis, target).min(here.saturating_sub(1)),
        };
        self.cursor = x_at(there.clamp(first.min(last), last)).or(self.cursor);
    }
}

/// Whether a y range is neither so close that numbers run out, nor so far that they end.
pub(super) fn can_be_drawn((lo, hi): (f64, f64)) -> bool {
    let least = lo.abs().max(hi.abs()) * 1e-12;
    lo.is_finite() && hi.is_finite() && hi - lo > least && hi - lo < f64::MAX / 4.0
}
