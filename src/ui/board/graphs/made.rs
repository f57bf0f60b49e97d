//! Curves that no run logged: derived metrics, metrics over another metric, what a resumed run replaced. They grow as the run does,
//! here, so that drawing only reads.

use super::Pair;
use crate::model::{MetricKey, Series, XAxis};
use crate::query::{self, Against, Derived, Machine};
use crate::store::RunPicture;
use crate::ui::pane::Scene;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What a derived metric is called, and how it is made.
pub type Definition = (MetricKey, Result<Derived, String>);

/// Most points that are put over another metric in one turn: some milliseconds of work.
const POINTS_MAX: usize = 20_000;

/// Curves made of those of all runs drawn.
#[derive(Debug, Default)]
pub struct Made {
    /// The run of the canvas first, then the others by name.
    runs: Vec<MadeOf>,
}

/// Curves made of those of one run.
#[derive(Debug, Default)]
pub struct MadeOf {
    name: String,
    derived: BTreeMap<MetricKey, (Derived, Machine)>,
    /// Of derived metrics that cannot be made so far: why.
    problems: BTreeMap<MetricKey, String>,
    over: Laid,
    /// Metrics whose source counts something else than the steps of the training, over these.
    stepped: Laid,
    before: BTreeMap<MetricKey, (usize, Series)>,
}

/// Curves over another metric, by the metric along y; beside it the metric along x.
type Laid = HashMap<MetricKey, (MetricKey, Against)>;

/// What curves are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Derived metrics.
    pub definitions: &'a [Definition],
    /// Metrics over another one: that of y, that of x. The first are made first.
    pub over: &'a [Pair],
    /// Of each run, the metrics over the one that says their steps of the training, and that one.
    pub stepped: &'a [Vec<Pair>],
    /// The metrics whose replaced points are drawn.
    pub before: &'a [MetricKey],
}

impl Made {
    /// Takes in what is new of the scene; drops what is not wanted any more. Whether that was all: so many points are put over
    /// another metric in one turn that keys do not wait.
    pub fn feed(&mut self, scene: Scene<'_>, wanted: Wanted<'_>) -> bool {
        let (mut points, mut all) = (POINTS_MAX, true);
        let others = scene.overlaid.iter().map(|other| (other.name, other.picture));
        let mut before: Vec<MadeOf> = std::mem::take(&mut self.runs);
        for (index, (name, picture)) in std::iter::once(("", scene.run)).chain(others).enumerate() {
            let known = before.iter().position(|made| made.name == name);
            let mut made = known.map_or_else(|| MadeOf { name: name.to_owned(), ..MadeOf::default() }, |at| before.swap_remove(at));
            all &= made.feed(picture, wanted, &mut points, index);
            self.runs.push(made);
        }
        all
    }

    /// Those of the run of the canvas (0), or of an overlaid one (its index and one).
    pub fn of(&self, run: usize) -> Option<&MadeOf> {
        self.runs.get(run)
    }
}

impl MadeOf {
    /// A metric as it was logged, or derived.
    pub fn logged<'a>(&'a self, picture: &'a RunPicture, key: &MetricKey) -> Option<&'a Series> {
        self.derived.get(key).map(|(_, machine)| machine.series()).or_else(|| picture.series.get(key))
    }

    /// Why a derived metric cannot be made so far.
    pub fn problem(&self, key: &MetricKey) -> Option<&str> {
        self.problems.get(key).map(String::as_str)
    }

    /// A metric over `x`.
    pub fn over(&self, key: &MetricKey, x: &MetricKey) -> Option<&Series> {
        self.over.get(key).filter(|(of, _)| of == x).map(|(_, against)| against.series())
    }

    /// A metric over the steps of the training, and the metric that says these; `None`: its own steps are those.
    pub fn stepped(&self, key: &MetricKey) -> Option<(&Series, &MetricKey)> {
        self.stepped.get(key).map(|(steps, against)| (against.series(), steps))
    }

    /// What a resumed run replaced of a metric.
    pub fn before(&self, key: &MetricKey) -> Option<&Series> {
        self.before.get(key).map(|(_, series)| series)
    }

    fn feed(&mut self, picture: &RunPicture, wanted: Wanted<'_>, points: &mut usize, run: usize) -> bool {
        let defined: BTreeSet<&MetricKey> = wanted.definitions.iter().map(|(name, _)| name).collect();
        self.derived.retain(|name, _| defined.contains(name));
        self.problems.clear();
        for (name, definition) in wanted.definitions {
            let Ok(definition) = definition else { continue };
            let series = |metric: &String| match query::resolve(metric, picture.series.keys()) {
                Ok(key) => Ok(picture.series.get(key)),
                Err(_) if metric == name.as_str() => Err(format!("`{name}` refers to itself")),
                Err(_) if defined.contains(&MetricKey::from(metric.as_str())) => {
                    Err(format!("`{metric}` is derived: a derived metric is made of logged ones"))
                }
                Err(error) => Err(error.to_string()),
            };
            let metrics = match definition.names().iter().map(series).collect::<Result<Option<Vec<&Series>>, String>>() {
                Ok(Some(metrics)) if metrics.is_empty() => match densest(picture) {
                    Some(any) => vec![any],
                    None => continue,
                },
                Ok(Some(metrics)) => metrics,
                Ok(None) => continue,
                Err(problem) => {
                    self.problems.insert(name.clone(), problem);
                    continue;
                }
            };
            let fresh = || (definition.clone(), Machine::new(definition));
            let (known, machine) = self.derived.entry(name.clone()).or_insert_with(fresh);
            if known != definition {
                (*known, *machine) = fresh();
            }
            machine.feed(&metrics);
        }
        let logged = |key: &MetricKey| self.derived.get(key).map(|(_, machine)| machine.series()).or_else(|| picture.series.get(key));
        let stepped = wanted.stepped.get(run).map_or(&[][..], Vec::as_slice);
        let mut all = lay(&mut self.stepped, stepped, |key| Some(Curve { logged: logged(key)?, stepped: None }), points);
        // Until they are made, nobody may take them for metrics that stand along their own steps.
        for (y, x) in stepped {
            self.stepped.entry(y.clone()).or_insert_with(|| (x.clone(), Against::default()));
        }
        let along_steps = |key: &MetricKey| self.stepped.get(key).map(|(steps, against)| (against.series(), steps));
        all &= lay(&mut self.over, wanted.over, |key| Some(Curve { logged: logged(key)?, stepped: along_steps(key) }), points);
        if !self.before.is_empty() {
            let before: BTreeSet<&MetricKey> = wanted.before.iter().collect();
            self.before.retain(|key, _| before.contains(key));
        }
        for key in wanted.before.iter().filter(|_| run == 0) {
            let Some(series) = picture.series.get(key).filter(|series| series.superseded() > 0) else { continue };
            let known = self.before.entry(key.clone()).or_default();
            if known.0 != series.superseded() {
                *known = (series.superseded(), replaced(series));
            }
        }
        all
    }
}

/// A metric that is put over another one.
#[derive(Clone, Copy)]
struct Curve<'a> {
    logged: &'a Series,
    /// The same over the steps of the training, and the metric that says these.
    stepped: Option<(&'a Series, &'a MetricKey)>,
}

/// Two metrics as their points belong together: by the count of their source, or, where these differ, by the step of the training.
fn joined<'a>(x: Curve<'a>, y: Curve<'a>) -> [(&'a Series, XAxis); 2] {
    let is_same = x.stepped.map(|(_, steps)| steps) == y.stepped.map(|(_, steps)| steps);
    [x, y].map(|curve| match curve.stepped {
        Some((stepped, _)) if !is_same => (stepped, XAxis::WallTime),
        _ => (curve.logged, XAxis::Step),
    })
}

/// Puts the pairs of `wanted` over each other, as far as `points` go, and drops all others; whether that was all.
fn lay<'a>(laid: &mut Laid, wanted: &[Pair], curve: impl Fn(&MetricKey) -> Option<Curve<'a>>, points: &mut usize) -> bool {
    if !laid.is_empty() {
        let known: HashMap<&MetricKey, &MetricKey> = wanted.iter().map(|(y, x)| (y, x)).collect();
        laid.retain(|y, (x, _)| known.get(y) == Some(&&*x));
    }
    let mut all = true;
    // Nearly always one metric stands along x of all charts.
    let mut along: Option<(&MetricKey, Option<Curve<'_>>)> = None;
    for (y, x) in wanted {
        if *points == 0 {
            return false;
        }
        let x_curve = match along {
            Some((known, curve)) if known == x => curve,
            _ => curve(x),
        };
        along = Some((x, x_curve));
        let (Some(x_curve), Some(y_curve)) = (x_curve, curve(y)) else { continue };
        let [x_series, y_series] = joined(x_curve, y_curve);
        let entry = laid.entry(y.clone()).or_insert_with(|| (x.clone(), Against::default()));
        all &= entry.1.feed(x_series, y_series, points);
    }
    all
}

/// The first metric that has about as many points as any: not another one whenever one of them has its next a moment earlier.
fn densest<'a>(picture: &'a RunPicture) -> Option<&'a Series> {
    let first_of_most =
        |most: &'a Series, next: &'a Series| if next.len().checked_ilog2() > most.len().checked_ilog2() { next } else { most };
    picture.series.values().reduce(first_of_most)
}

/// The points that a resumed run replaced, as a curve; of several at a step the last.
fn replaced(series: &Series) -> Series {
    let mut points: Vec<_> = series.superseded_points().collect();
    points.sort_by_key(|point| point.step);
    let mut before = Series::new();
    if let Some(origin) = series.origin() {
        before.set_origin(origin);
    }
    points.into_iter().for_each(|point| before.push(point));
    before
}
