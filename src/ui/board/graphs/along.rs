//! What stands along x: of all charts, of one chart, of one curve.
//!
//! All charts share the steps of the training. Where a source counts something else, its curves stand over the metric that says these
//! ([`RunPicture::global_step_of`]), each by itself. Only a chart whose curves are all to be drawn over one other metric has that as
//! an axis of its own.

use super::{Graphs, Pair, X, moments};
use crate::model::{MetricKey, Series, XAxis};
use crate::query::{self, Panel, PanelKind};
use crate::store::RunPicture;
use crate::ui::{
    chart::{Mark, Measure, Scale},
    pane::Scene,
};
use std::ops::Range;

/// What a chart has along x.
pub(super) struct Along {
    pub measure: Measure,
    pub x: Scale,
    /// The metric, where it is not the one that all charts have.
    pub own: Option<MetricKey>,
    pub marks: Option<Vec<Mark>>,
    pub cursor: Option<f64>,
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

    /// What is to be made for these panels: metrics over another one, and of each run those over the steps of the training.
    pub(super) fn pairs(&self, ready: &[usize], scene: Scene<'_>) -> (Vec<Pair>, Vec<Vec<Pair>>) {
        let telling = telling(scene);
        let (mut over, mut stepped) = (vec![], vec![vec![]; if telling.is_empty() { 0 } else { 1 + scene.overlaid.len() }]);
        for panel in ready.iter().map(|at| &self.panels[*at]) {
            let x = self.x_metric(panel, scene);
            over.extend(x.iter().flat_map(|x| panel.keys.iter().map(move |key| (key.clone(), x.clone()))));
            for (run, pairs) in stepped.iter_mut().enumerate() {
                let steps = |key: &MetricKey| Some((key.clone(), self.step_metric(&telling, scene, run, key)?.into()));
                // By the other metric the crosshair is put into the chart.
                pairs.extend(panel.keys.iter().chain(&x).filter_map(steps));
            }
        }
        (over, stepped)
    }

    /// The metric that says at which steps of the training a metric of a run was logged; `None`: it stands along its own steps.
    fn step_metric<'a>(&self, telling: &[&'a RunPicture], scene: Scene<'a>, run: usize, key: &MetricKey) -> Option<&'a str> {
        let picture = picture_of(scene, run)?;
        let of = |key: &MetricKey| match telling.iter().any(|other| std::ptr::eq(*other, picture)) {
            true => picture.global_step_of(key),
            // Of runs drawn together one may say what the count of all of them is.
            false => telling.iter().find_map(|other| other.global_step_of(key)).filter(|steps| has_points(picture, steps)),
        };
        match self.definitions.iter().find(|(name, _)| name == key) {
            None => of(key),
            Some((_, Err(_))) => None,
            Some((_, Ok(made))) => {
                let names = made.names();
                let mut steps = names.iter().map(|name| of(query::resolve(name, picture.series.keys()).ok()?));
                let first = steps.next()??;
                steps.all(|other| other == Some(first)).then_some(first)
            }
        }
    }

    /// A metric as it stands along the x axis that all charts share.
    pub(super) fn along_x<'a>(&'a self, scene: Scene<'a>, run: usize, key: &MetricKey) -> Option<(&'a Series, XAxis)> {
        match &self.x {
            X::Metric(x) => Some((self.made.of(run)?.over(key, x)?, XAxis::WallTime)),
            X::Step => self.along_steps(scene, run, key),
            X::Relative | X::Wall => Some((self.logged(scene, run, key)?, self.x.axis())),
        }
    }

    /// A metric as it stands along the steps of the training.
    pub(super) fn along_steps<'a>(&'a self, scene: Scene<'a>, run: usize, key: &MetricKey) -> Option<(&'a Series, XAxis)> {
        match self.made.of(run).and_then(|made| made.stepped(key)) {
            Some((stepped, _)) => Some((stepped, XAxis::WallTime)),
            None => Some((self.logged(scene, run, key)?, XAxis::Step)),
        }
    }

    /// The points that a metric has in the part of x that all charts show.
    pub(super) fn points_shown(&self, scene: Scene<'_>, run: usize, key: &MetricKey, logged: &Series) -> Range<usize> {
        let (from, to) = self.window();
        let range = |axis, from, to: f64| logged.lower_bound(axis, from)..logged.lower_bound(axis, to.next_up());
        let steps = || picture_of(scene, run)?.series.get(self.made.of(run)?.stepped(key)?.1);
        match (&self.x, steps()) {
            (X::Metric(_), _) => 0..logged.len(),
            (X::Step, Some(_)) if self.extent.is_none_or(|extent| from <= extent.0 && to >= extent.1) => 0..logged.len(),
            (X::Step, Some(steps)) => {
                let (first, next) = (steps.first_at(from), steps.first_at(to.next_up()));
                let own = |at: usize| steps.get(at).map_or(f64::INFINITY, |point| point.step.0 as f64);
                logged.lower_bound(XAxis::Step, own(first))..logged.lower_bound(XAxis::Step, own(next))
            }
            (x, _) => range(x.axis(), from, to),
        }
    }

    /// The x range of all that is drawn.
    pub(super) fn whole_extent(&self, scene: Scene<'_>) -> Option<(f64, f64)> {
        let telling = if self.x == X::Step { telling(scene) } else { vec![] };
        let all = self.filter.is_empty() && self.wanted.is_empty() && !matches!(self.x, X::Metric(_)) && telling.is_empty();
        let axis = self.x.axis();
        // To look up thousands of keys takes longer than to look at what they have.
        let own = all.then(|| scene.run.series.values().filter_map(|series| series.extent(axis)));
        let runs = usize::from(all)..=scene.overlaid.len();
        let telling = &telling;
        let extents = runs.flat_map(|run| {
            let keys = self.panels.iter().flat_map(|panel| &panel.keys);
            // Nearly always one metric tells the steps of all.
            let mut known = None;
            keys.filter_map(move |key| self.extent_of(telling, scene, run, key, &mut known))
        });
        own.into_iter().flatten().chain(extents).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    /// The x range of a metric, along the axis that all charts share. `known`: a metric that tells steps, and its range.
    fn extent_of<'a>(
        &self,
        telling: &[&'a RunPicture],
        scene: Scene<'a>,
        run: usize,
        key: &MetricKey,
        known: &mut Option<(&'a str, Option<(f64, f64)>)>,
    ) -> Option<(f64, f64)> {
        let (series, axis) = self.along_x(scene, run, key)?;
        let is_made = axis != XAxis::Step && !series.is_empty();
        if is_made || telling.is_empty() {
            return series.extent(axis);
        }
        // Those of other pages are not made.
        let Some(steps) = self.step_metric(telling, scene, run, key) else { return series.extent(axis) };
        let range = || picture_of(scene, run)?.series.get(steps)?.range();
        known.filter(|(other, _)| *other == steps).unwrap_or_else(|| *known.insert((steps, range()))).1
    }

    /// What the panel has along x.
    pub(super) fn along(&self, panel: &Panel, scene: Scene<'_>) -> Along {
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
            let at = |step: f64| self.value_at_step(scene, x, step);
            cursor = self.cursor.and_then(at);
            let clock = self.clock(scene);
            let own_mark = |moment: &moments::Moment| {
                let x = at(moment.step(clock.as_ref()?)?).filter(|x| x.is_finite())?;
                Some(Mark { x, kind: moment.kind, text: moment.text.clone() })
            };
            marks = Some(self.moments.1.iter().filter_map(own_mark).collect());
        }
        Along { measure, x: Scale::new(from, to, self.log_x), own, marks, cursor }
    }

    /// By what times of the run in front are told as steps of the training, and these as times.
    pub(super) fn clock<'a>(&self, scene: Scene<'a>) -> Option<moments::Clock<'a>> {
        let telling = telling(scene);
        moments::Clock::of(scene.run, |key| {
            if telling.is_empty() { None } else { self.step_metric(&telling, scene, 0, key).map(MetricKey::from) }
        })
    }

    /// The value of a metric of the run in front at a step of the training.
    pub(super) fn value_at_step(&self, scene: Scene<'_>, key: &MetricKey, step: f64) -> Option<f64> {
        let (series, axis) = self.along_steps(scene, 0, key)?;
        Some(series.nearest(axis, step)?.value)
    }

    /// The range of a metric that one panel has along x, over the steps that all charts show.
    fn own_window(&self, panel: &Panel, x: &MetricKey, scene: Scene<'_>) -> (f64, f64) {
        let whole = || {
            let of = |run: usize| self.made.of(run);
            let series = (0..=scene.overlaid.len()).flat_map(|run| panel.keys.iter().filter_map(move |key| of(run)?.over(key, x)));
            series.filter_map(|series| series.extent(XAxis::WallTime)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
        };
        let (from, to) = self.window();
        let part = || {
            let (series, axis) = self.along_steps(scene, 0, x)?;
            series.range_in(axis, from, to)
        };
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

    /// The x of the shared axis for the x of one panel.
    pub(super) fn shared_x(&self, panel: &Panel, x: f64, scene: Scene<'_>) -> f64 {
        let own = self.x_metric(panel, scene).filter(|_| self.x == X::Step);
        let Some((series, axis)) = own.as_ref().and_then(|own| self.along_steps(scene, 0, own)) else { return x };
        // It rises with the step as a rule; where it does not, any place is as good as another.
        series.x_at(axis, series.first_at(x).min(series.len().saturating_sub(1))).unwrap_or(x)
    }
}

/// The runs that say the steps of the training beside their own count.
fn telling(scene: Scene<'_>) -> Vec<&RunPicture> {
    let all = std::iter::once(scene.run).chain(scene.overlaid.iter().map(|other| other.picture));
    all.filter(|run| run.has_global_steps()).collect()
}

/// A run: 0 is that of the canvas.
pub(super) fn picture_of(scene: Scene<'_>, run: usize) -> Option<&RunPicture> {
    match run.checked_sub(1) {
        None => Some(scene.run),
        Some(other) => scene.overlaid.get(other).map(|other| other.picture),
    }
}

fn has_points(picture: &RunPicture, key: &str) -> bool {
    picture.series.get(key).is_some_and(|series| !series.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Step, WallTime};
    use crate::source::{KeyId, Kind, Record, Row};
    use crate::store::SourceRank;
    use crate::ui::board::logs::When;
    use crate::ui::pane::{Overlaid, Pane};
    use crate::ui::tests::UNICODE;
    use SourceRank::{Stdout, Tracker};
    use ratatui::layout::Rect;

    /// What a run that `og run` started says of a training that prints and logs at every tenth step, up to 400: the console says the
    /// step; the tracker counts its rows, two of them at a step, and says the step in `iter`.
    fn training(of_og: bool) -> RunPicture {
        let mut run = RunPicture::default();
        if of_og {
            run.align_steps();
        }
        run.set_kind(Tracker(0), Kind::WandbRun);
        let say = |run: &mut RunPicture, source, record| run.apply(source, Ok(record), WallTime::new(1000.0));
        say(&mut run, Tracker(0), Record::Info("metric", serde_json::json!({"name": "val/acc", "step_metric": "epoch"})));
        ["iter", "train/loss", "val/acc", "epoch"].into_iter().zip(0..).for_each(|(name, id)| {
            say(&mut run, Tracker(0), Record::Key(KeyId(id), name.into()));
        });
        say(&mut run, Stdout, Record::Key(KeyId(0), "loss".into()));
        for at in 0..=40 {
            let (step, time) = (10 * at, WallTime::new(1000.0 + at as f64));
            let row = |step: i64, values: &[(u32, f64)]| {
                let values = values.iter().map(|(id, value)| (KeyId(*id), *value)).collect();
                Record::Row(Row { step: Some(Step(step)), time, values, ..Row::default() })
            };
            if of_og {
                say(&mut run, Stdout, row(step, &[(0, 5.0 - at as f64 / 10.0)]));
            }
            let (iter, epoch) = (step as f64, step as f64 / 100.0);
            say(&mut run, Tracker(0), row(2 * at, &[(0, iter), (1, 4.5 - at as f64 / 10.0), (3, epoch)]));
            say(&mut run, Tracker(0), row(2 * at + 1, &[(0, iter), (2, at as f64 / 40.0)]));
        }
        run
    }

    fn graphs(scene: Scene<'_>, keys: &[&str]) -> Graphs {
        let mut graphs = Graphs { keys: keys.iter().map(|key| MetricKey::from(*key)).collect(), ..Graphs::default() };
        graphs.arrange();
        graphs.prepare(scene, true);
        graphs
    }

    /// Each curve of the chart at `index`: its name, and the range of its x.
    fn reach(graphs: &Graphs, scene: Scene<'_>, index: usize) -> Vec<(String, (f64, f64))> {
        let curves = graphs.curves(&graphs.panels[index], scene);
        curves.iter().map(|curve| (curve.name.to_owned(), curve.drawn.extent(curve.axis).unwrap())).collect()
    }

    #[test]
    fn curves_of_a_console_and_of_a_tracker_share_the_steps_of_the_training() {
        let run = training(true);
        let scene = Scene::of(&run);
        let graphs = graphs(scene, &["loss", "train/loss", "iter"]);
        let steps = (0.0, 400.0);
        assert_eq!(graphs.window(), steps);
        assert_eq!(reach(&graphs, scene, 0), [("loss".to_owned(), steps), ("train/loss".to_owned(), steps)]);
        assert_eq!(graphs.along(&graphs.panels[0], scene).measure, Measure::Steps);
        let at = |index: usize| graphs.curves(&graphs.panels[0], scene)[index].at(200.0);
        assert_eq!((at(0), at(1)), (Some((200.0, 3.0)), Some((200.0, 2.5))));
        assert_eq!(run.series.get("train/loss").unwrap().last().unwrap().step, Step(80), "the tracker's count stays");
        // The steps themselves are a straight line.
        assert_eq!(reach(&graphs, scene, 1), [("iter".to_owned(), steps)]);
        assert_eq!(graphs.curves(&graphs.panels[1], scene)[0].at(130.0), Some((130.0, 130.0)));
    }

    #[test]
    fn another_metric_stands_along_x_only_where_it_does_for_all_curves() {
        let run = training(true);
        let scene = Scene::of(&run);
        let mut graphs = graphs(scene, &["val/acc", "loss"]);
        let along = graphs.along(&graphs.panels[0], scene);
        assert_eq!((along.own, along.measure, along.x.from, along.x.to), (Some("epoch".into()), Measure::Number, 0.0, 4.0));
        // The crosshair, the window and the mouse are of the steps of the training.
        graphs.set_name("cursor", "150", scene, Rect::default()).unwrap();
        graphs.set_name("window", "100..200", scene, Rect::default()).unwrap();
        let along = graphs.along(&graphs.panels[0], scene);
        assert_eq!((along.cursor, along.x.from, along.x.to), (Some(1.5), 1.0, 2.0));
        assert_eq!(graphs.shared_x(&graphs.panels[0], 3.0, scene), 300.0);
        // Beside a curve of the training, it has steps too.
        graphs.panels[0].keys.push("train/loss".into());
        graphs.prepare(scene, true);
        let along = graphs.along(&graphs.panels[0], scene);
        assert_eq!((along.own, along.measure, along.x.from), (None, Measure::Steps, 100.0));
        assert_eq!(graphs.along_x(scene, 0, &"val/acc".into()).unwrap().0.extent(XAxis::WallTime), Some((0.0, 400.0)));
    }

    #[test]
    fn a_metric_that_is_said_to_be_the_step_is_the_axis_of_all_charts() {
        let mut run = training(false);
        // As transformers has it said, also where nothing but the tracker's own folder is looked at.
        let said = serde_json::json!({"glob": "*", "step_metric": "iter"});
        run.apply(Tracker(0), Ok(Record::Info("metric", said)), None);
        let scene = Scene::of(&run);
        let graphs = graphs(scene, &["train/loss", "iter"]);
        let along = graphs.along(&graphs.panels[0], scene);
        assert_eq!((along.own, along.measure, along.x.to), (None, Measure::Steps, 400.0));
        assert_eq!(reach(&graphs, scene, 1), [("iter".to_owned(), (0.0, 400.0))]);
    }

    #[test]
    fn times_and_steps_are_told_as_those_of_the_training() {
        let run = training(true);
        let scene = Scene::of(&run);
        let mut graphs = graphs(scene, &["train/loss", "iter"]);
        assert!(graphs.point_at(When { time: Some(1025.0), ..When::default() }, scene));
        assert_eq!(graphs.cursor, Some(250.0));
        assert_eq!(graphs.pointed_at(scene), When { step: Some(250.0), time: Some(1025.0), near_step: Some(250.0) });
    }

    #[test]
    fn what_is_told_of_a_curve_is_of_the_steps_of_the_training() {
        let run = training(true);
        let board = crate::ui::tests::graph(UNICODE, &run, (200, 50));
        let shown = board.shown(Scene::of(&run), Rect::new(0, 0, 200, 50));
        let told = |key: &str| shown.visible_metrics.iter().find(|metric| metric.key == key).unwrap();
        let (loss, printed) = (told("train/loss"), told("loss"));
        assert_eq!((loss.last_step, printed.last_step, loss.data_points), (Some(400), Some(400), 41));
        // A tenth at every tenth step.
        assert!(loss.slope_per_100.is_some_and(|slope| (slope + 1.0).abs() < 1e-9), "{loss:?}");
        assert_eq!(told("val/acc").last_step, Some(400), "also where it is drawn over the epoch");
        let charts = shown.graph.unwrap().detail["charts"].clone();
        let x: Vec<_> = charts.as_array().unwrap().iter().map(|chart| (chart["x"].as_str(), chart["to"].as_f64())).collect();
        assert!(x.iter().all(|x| [(None, Some(400.0)), (Some("epoch"), Some(4.0))].contains(x)), "{charts}");
    }

    #[test]
    fn what_is_exported_of_a_window_are_its_points() {
        let run = training(true);
        let scene = Scene::of(&run);
        let mut graphs = graphs(scene, &["train/loss", "loss"]);
        let points = |graphs: &Graphs, key: &str| graphs.points_shown(scene, 0, &key.into(), run.series.get(key).unwrap());
        assert_eq!((points(&graphs, "train/loss"), points(&graphs, "loss")), (0..41, 0..41));
        graphs.set_name("window", "100..200", scene, Rect::default()).unwrap();
        assert_eq!((points(&graphs, "train/loss"), points(&graphs, "loss")), (10..21, 10..21));
    }

    #[test]
    fn runs_drawn_together_are_drawn_over_the_same_steps() {
        // A tracker's own folder does not say which of its metrics is the step; beside a run that does, it is known.
        let (own, other) = (training(true), training(false));
        for (own, other) in [(&own, &other), (&other, &own)] {
            let overlaid = [Overlaid { name: "otter", picture: other, colour: 0, group: None, pinned: false }];
            let scene = Scene { overlaid: &overlaid, ..Scene::of(own) };
            let graphs = graphs(scene, &["train/loss"]);
            assert_eq!(reach(&graphs, scene, 0).iter().map(|(_, x)| *x).collect::<Vec<_>>(), [(0.0, 400.0); 2]);
            assert_eq!(graphs.window(), (0.0, 400.0));
        }
        let alone = Scene::of(&other);
        assert_eq!(graphs(alone, &["train/loss"]).window(), (0.0, 81.0), "alone it has its own count");
    }

    #[test]
    fn what_is_made_of_metrics_stands_over_their_steps() {
        let run = training(true);
        let scene = Scene::of(&run);
        let mut graphs = Graphs::default();
        graphs.want(vec![], vec![("smooth".into(), "ma(train/loss, 5)".into())]);
        graphs.keys = vec!["smooth".into()];
        graphs.arrange();
        graphs.prepare(scene, true);
        assert_eq!(reach(&graphs, scene, 0), [("smooth".to_owned(), (0.0, 400.0))]);
    }

    #[test]
    fn a_metric_of_the_console_stands_along_x_of_a_trackers() {
        let run = training(true);
        let scene = Scene::of(&run);
        let mut graphs = graphs(scene, &["train/loss"]);
        graphs.measure(X::Metric("loss".into()));
        graphs.prepare(scene, true);
        let over = graphs.along_x(scene, 0, &"train/loss".into()).unwrap().0;
        assert_eq!((over.len(), over.extent(XAxis::WallTime)), (41, Some((1.0, 5.0))));
        assert_eq!(over.nearest(XAxis::WallTime, 3.0).unwrap().value, 2.5, "both of step 200");
    }
}
