//! Charts as they are to be drawn: which curves, over which x.

use super::{Graphs, X, moments, window::Span};
use crate::model::{MetricKey, Series, XAxis};
use crate::query::{Panel, PanelKind};
use crate::ui::{
    board::{logs::When, page::Shared},
    chart::{Chart, Curve, Heat, Mark, Measure, Scale},
    pane::Scene,
};
use ratatui::layout::Rect;

/// A panel ready to be drawn.
pub(super) enum Picture<'a> {
    Chart(Box<Chart<'a>>),
    Heat(Heat<'a>),
}

/// What a chart has along x.
struct Along {
    measure: Measure,
    x: Scale,
    /// The metric, where it is not the one that all charts have.
    own: Option<MetricKey>,
    marks: Option<Vec<Mark>>,
    cursor: Option<f64>,
}

impl Graphs {
    /// The metric along x of a panel: that of all charts, or the one that the run said.
    pub(super) fn x_metric(&self, panel: &Panel, scene: Scene<'_>) -> Option<MetricKey> {
        let x = match (&self.x, panel.kind) {
            (X::Metric(key), _) => key.clone(),
            (X::Step, PanelKind::Curves) => {
                let x = scene.run.x_of(panel.keys.first()?)?;
                panel.keys.iter().all(|key| scene.run.x_of(key) == Some(x)).then(|| MetricKey::from(x))?
            }
            _ => return None,
        };
        let is_there = scene.run.series.get(&x).is_some_and(|series| !series.is_empty());
        let is_made = self.definitions.iter().any(|(made, _)| *made == x);
        let fits = !panel.keys.contains(&x) || matches!(self.x, X::Metric(_));
        ((is_there || is_made) && fits).then_some(x)
    }

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
            let rows = (0..panel.keys.len()).filter_map(|i| Some((panel.label(i), self.along_x(scene, 0, &panel.keys[i])?.0))).collect();
            return Some(Picture::Heat(Heat {
                title: &panel.title,
                rows,
                axis: if matches!(self.x, X::Metric(_)) { XAxis::WallTime } else { self.x.axis() },
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
    fn curves<'a>(&'a self, panel: &'a Panel, scene: Scene<'a>) -> Vec<Curve<'a>> {
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
                    None => (logged, self.x.axis()),
                };
                let before = made.filter(|_| x.is_none()).and_then(|made| made.before(key));
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

    /// What the panel has along x.
    fn along(&self, panel: &Panel, scene: Scene<'_>) -> Along {
        let own = self.x_metric(panel, scene).filter(|_| self.x == X::Step);
        let (measure, window) = match (&self.x, &own) {
            (_, Some(x)) => (Measure::Number, self.own_window(panel, x, scene)),
            (X::Step, None) => (Measure::Steps, self.window()),
            (X::Relative, _) => (Measure::Seconds, self.window()),
            (X::Wall, _) => (Measure::Clock, self.window()),
            (X::Metric(_), _) => (Measure::Number, self.window()),
        };
        let (from, to) = if self.log_x { self.above_zero(panel, own.as_ref(), scene, window) } else { window };
        let (mut marks, mut cursor) = (None, self.cursor);
        if let Some(x) = &own {
            let at = |step: f64| Some(scene.run.series.get(x)?.nearest(XAxis::Step, step)?.value);
            cursor = self.cursor.and_then(at);
            let clock = moments::clock(scene.run);
            let own_mark = |moment: &moments::Moment| {
                let x = at(moment.step(clock?)?).filter(|x| x.is_finite())?;
                Some(Mark { x, kind: moment.kind, text: moment.text.clone() })
            };
            marks = Some(self.moments.1.iter().filter_map(own_mark).collect());
        }
        Along { measure, x: Scale::new(from, to, self.log_x), own, marks, cursor }
    }

    /// The range of a metric that one panel has along x, over the steps that all charts show.
    fn own_window(&self, panel: &Panel, x: &MetricKey, scene: Scene<'_>) -> (f64, f64) {
        let whole = || {
            let of = |run: usize| self.made.of(run);
            let series = (0..=scene.overlaid.len()).flat_map(|run| panel.keys.iter().filter_map(move |key| of(run)?.over(key, x)));
            series.filter_map(|series| series.extent(XAxis::WallTime)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
        };
        let (from, to) = self.window();
        let part = || scene.run.series.get(x)?.range_in(XAxis::Step, from, to);
        let all = self.extent.is_none_or(|extent| from <= extent.0 && to >= extent.1);
        if all { whole() } else { part() }.unwrap_or((0.0, 1.0))
    }

    /// The window from the first x above zero on, for a logarithmic axis.
    fn above_zero(&self, panel: &Panel, own: Option<&MetricKey>, scene: Scene<'_>, (from, to): (f64, f64)) -> (f64, f64) {
        if from > 0.0 || to <= 0.0 {
            return (from, to);
        }
        let first = (0..=scene.overlaid.len()).flat_map(|run| {
            panel.keys.iter().filter_map(move |key| {
                let (series, axis) = match own {
                    Some(x) => (self.made.of(run)?.over(key, x)?, XAxis::WallTime),
                    None => self.along_x(scene, run, key)?,
                };
                series.x_at(axis, series.lower_bound(axis, f64::MIN_POSITIVE))
            })
        });
        (first.fold(to, f64::min), to)
    }

    /// The marks along the x axis that all charts share.
    pub(super) fn marks_on(&self, scene: Scene<'_>) -> Vec<Mark> {
        let Some(clock) = moments::clock(scene.run) else { return vec![] };
        let mark =
            |moment: &moments::Moment| Some(Mark { x: self.place_of(moment, clock, scene)?, kind: moment.kind, text: moment.text.clone() });
        self.moments.1.iter().filter_map(mark).collect()
    }

    /// Where a moment stands along x.
    fn place_of(&self, moment: &moments::Moment, clock: &Series, scene: Scene<'_>) -> Option<f64> {
        match &self.x {
            X::Metric(x) => {
                let x = self.logged(scene, 0, x)?.nearest(XAxis::Step, moment.step(clock)?)?.value;
                x.is_finite().then_some(x)
            }
            x => moment.on(clock, x.axis()),
        }
    }

    /// Puts the crosshair to when something was printed; false: nothing tells where that is.
    pub fn point_at(&mut self, when: When, scene: Scene<'_>) -> bool {
        let Some(clock) = moments::clock(scene.run) else { return false };
        let has_times = clock.last().is_some_and(|point| point.time.is_some());
        let moment = moments::Moment::at(when.step, when.time.filter(|_| has_times));
        let moment = if moment.step(clock).is_some() { moment } else { moments::Moment::at(when.near_step, None) };
        let Some(x) = self.place_of(&moment, clock, scene) else { return false };
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
        let (Some(x), Some(clock)) = (self.cursor, moments::clock(scene.run)) else { return When::default() };
        let axis = self.x.axis();
        if let X::Metric(_) = self.x {
            // Drawn over a metric: the point of the panel that is nearest knows its step no more.
            return When::default();
        }
        let at = clock.lower_bound(axis, x).min(clock.len().saturating_sub(1));
        let on = |axis| clock.x_at(axis, at).filter(|x: &f64| x.is_finite());
        let (step, time) = match axis {
            XAxis::Step => (Some(x), on(XAxis::WallTime)),
            XAxis::WallTime => (on(XAxis::Step), Some(x)),
            XAxis::Relative => (on(XAxis::Step), clock.origin().map(|origin| origin.secs() + x)),
        };
        When { step, time: time.filter(|_| clock.last().is_some_and(|point| point.time.is_some())), near_step: step }
    }

    /// The x of the shared axis for the x of one panel.
    pub(super) fn shared_x(&self, panel: &Panel, x: f64, scene: Scene<'_>) -> f64 {
        let own = self.x_metric(panel, scene).filter(|_| self.x == X::Step);
        let Some(series) = own.as_ref().and_then(|own| scene.run.series.get(own)) else { return x };
        // It rises with the step as a rule; where it does not, any place is as good as another.
        let (mut low, mut high) = (0, series.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if series.get(middle).is_some_and(|point| point.value < x) { low = middle + 1 } else { high = middle }
        }
        series.get(low.min(series.len().saturating_sub(1))).map_or(x, |point| point.step.0 as f64)
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
