//! Charts as they are to be drawn: which curves, over which x.

use super::{Graphs, X, moments, window::Span};
use crate::model::XAxis;
use crate::query::{Panel, PanelKind};
use crate::ui::{
    board::{logs::When, page::Shared},
    chart::{Chart, Curve, Heat, Mark, Scale},
    pane::Scene,
};
use ratatui::layout::Rect;

/// A panel ready to be drawn.
pub(super) enum Picture<'a> {
    Chart(Box<Chart<'a>>),
    Heat(Heat<'a>),
}

impl Graphs {
    /// The panel at `index`, ready to be drawn; `marks` is where its own marks live, where they differ from those of all charts.
    pub(super) fn picture<'a>(
        &'a self,
        index: usize,
        shared: &'a Shared,
        scene: Scene<'a>,
        marks: &'a mut Vec<Mark>,
    ) -> Option<Picture<'a>> {
        let panel = self.panels.get(index)?;
        let focused = index == self.focus_index();
        let mut along = self.along(panel, scene);
        if panel.kind == PanelKind::Heat {
            let row = |(at, key)| self.along_x(scene, 0, key).map(|(series, axis)| (panel.label(at), series, axis));
            let rows = panel.keys.iter().enumerate().filter_map(row).collect();
            return Some(Picture::Heat(Heat {
                title: &panel.title,
                rows,
                measure: along.measure,
                x: along.x,
                cursor: along.cursor,
                focused,
                utc_offset: shared.utc_offset,
                theme: &shared.theme,
            }));
        }
        let curves = self.curves(panel, scene);
        if let Some(own) = along.marks.take() {
            *marks = own;
        }
        let marks: &'a [Mark] = match (self.no_marks, along.own.is_some()) {
            (true, _) => &[],
            (false, true) => marks,
            (false, false) => &self.marks,
        };
        let x_name = self.over.iter().find(|(y, x)| *y == panel.keys[0] && Some(x) == along.own.as_ref()).map(|(_, x)| x.as_str());
        Some(Picture::Chart(Box::new(Chart {
            title: &panel.title,
            curves,
            measure: along.measure,
            x: along.x,
            x_name,
            y: self.ys.get(&panel.keys[0]).copied(),
            log_y: self.log_y,
            smoothing: self.smoothing_of(panel),
            why_empty: panel.keys.iter().find_map(|key| self.why_empty(key, shared)),
            marks,
            cursor: along.cursor,
            focused,
            utc_offset: shared.utc_offset,
            theme: &shared.theme,
        })))
    }

    /// The curves of a panel: of all its metrics, of all runs; the run of the canvas first.
    pub(super) fn curves<'a>(&'a self, panel: &'a Panel, scene: Scene<'a>) -> Vec<Curve<'a>> {
        let x = self.x_metric(panel, scene);
        let mut groups: Vec<&str> = vec![];
        let mut curves = vec![];
        for run in 0..=scene.overlaid.len() {
            let other = run.checked_sub(1).and_then(|other| scene.overlaid.get(other));
            let group = match (self.band && !scene.overlaid.is_empty(), other.map_or(scene.group, |other| other.group)) {
                (true, group) => Some(group.unwrap_or("")),
                (false, group) => group,
            };
            let group = group.map(|group| {
                groups.iter().position(|known| *known == group).unwrap_or_else(|| {
                    groups.push(group);
                    groups.len() - 1
                })
            });
            for (at, key) in panel.keys.iter().enumerate() {
                let Some(logged) = self.logged(scene, run, key) else { continue };
                let made = self.made.of(run);
                let over = x.as_ref().map(|x| made.and_then(|made| made.over(key, x)));
                let (drawn, axis) = match over {
                    // It has this x, but no point of it is known yet.
                    Some(None) => continue,
                    Some(Some(over)) => (over, XAxis::WallTime),
                    None => self.along_x(scene, run, key).unwrap_or((logged, self.x.axis())),
                };
                let is_logged = std::ptr::eq(drawn, logged);
                if !is_logged && drawn.is_empty() && self.has_more {
                    continue;
                }
                let before = made.filter(|_| is_logged).and_then(|made| made.before(key));
                curves.push(Curve {
                    name: panel.label(at),
                    logged,
                    drawn,
                    before,
                    axis,
                    run: other.map(|other| other.colour),
                    key: at,
                    group,
                    pinned: other.map_or(scene.pinned, |other| other.pinned),
                });
            }
        }
        curves
    }

    /// The marks along the x axis that all charts share.
    pub(super) fn marks_on(&self, scene: Scene<'_>) -> Vec<Mark> {
        let Some(clock) = self.clock(scene) else { return vec![] };
        let mark = |moment: &moments::Moment| {
            Some(Mark { x: self.place_of(moment, &clock, scene)?, kind: moment.kind, text: moment.text.clone() })
        };
        self.moments.1.iter().filter_map(mark).collect()
    }

    /// Where a moment stands along x.
    fn place_of(&self, moment: &moments::Moment, clock: &moments::Clock<'_>, scene: Scene<'_>) -> Option<f64> {
        match &self.x {
            X::Metric(x) => self.value_at_step(scene, x, moment.step(clock)?).filter(|x| x.is_finite()),
            x => moment.on(clock, x.axis()),
        }
    }

    /// Puts the crosshair to when something was printed; false: nothing tells where that is.
    pub fn point_at(&mut self, when: When, scene: Scene<'_>) -> bool {
        let Some(clock) = self.clock(scene) else { return false };
        let moment = moments::Moment::at(when.step, when.time.filter(|_| clock.has_times()));
        let moment = if moment.step(&clock).is_some() { moment } else { moments::Moment::at(when.near_step, None) };
        let Some(x) = self.place_of(&moment, &clock, scene) else { return false };
        let (from, to) = self.window();
        match self.span {
            _ if !(from..=to).contains(&x) => self.span = Span::All,
            // A window that follows the run would leave the place that somebody came to see.
            Span::Tail(_) => self.span = Span::Fixed(from, to),
            Span::All | Span::Fixed(..) => {}
        }
        let (from, to) = self.window();
        self.cursor = Some(x.clamp(from.min(to), to));
        self.prepare(scene, false);
        true
    }

    /// What the crosshair points at; nothing is known where there is none.
    pub fn pointed_at(&self, scene: Scene<'_>) -> When {
        let (Some(x), Some(clock)) = (self.cursor, self.clock(scene)) else { return When::default() };
        let axis = self.x.axis();
        if let X::Metric(_) = self.x {
            // Drawn over a metric: the point of the panel that is nearest knows its step no more.
            return When::default();
        }
        let on = |to| clock.told(axis, x, to).filter(|x: &f64| x.is_finite());
        let (step, time) = match axis {
            XAxis::Step => (Some(x), on(XAxis::WallTime)),
            XAxis::WallTime => (on(XAxis::Step), Some(x)),
            XAxis::Relative => (on(XAxis::Step), clock.origin().map(|origin| origin.secs() + x)),
        };
        When { step, time: time.filter(|_| clock.has_times()), near_step: step }
    }
}

impl Picture<'_> {
    pub(super) fn draw(&self, area: Rect, buf: &mut ratatui::buffer::Buffer) {
        match self {
            Picture::Chart(chart) => chart.draw(area, buf),
            Picture::Heat(heat) => heat.draw(area, buf),
        }
    }

    /// The cells of its curves or rows.
    pub(super) fn plot(&self, area: Rect) -> Option<Rect> {
        match self {
            Picture::Chart(chart) => chart.plot(area).map(|plot| plot.area),
            Picture::Heat(heat) => Some(heat.plot_in(area)).filter(|plot| !plot.is_empty()),
        }
    }

    pub(super) fn x(&self) -> Scale {
        match self {
            Picture::Chart(chart) => chart.x,
            Picture::Heat(heat) => heat.x,
        }
    }
}
