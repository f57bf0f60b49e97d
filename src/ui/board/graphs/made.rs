//! Curves that no run logged: derived metrics, metrics over another metric, what a resumed run replaced. They grow as the run does,
//! here, so that drawing only reads.

use crate::model::{MetricKey, Series};
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
    /// By the metric along y; beside it the metric along x.
    over: HashMap<MetricKey, (MetricKey, Against)>,
    before: BTreeMap<MetricKey, (usize, Series)>,
}

/// What curves are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Derived metrics.
    pub definitions: &'a [Definition],
    /// Metrics over another one: that of y, that of x. The first are made first.
    pub over: &'a [(MetricKey, MetricKey)],
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
            all &= made.feed(picture, wanted, &mut points, index == 0);
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

    /// What a resumed run replaced of a metric.
    pub fn before(&self, key: &MetricKey) -> Option<&Series> {
        self.before.get(key).map(|(_, series)| series)
    }

    fn feed(&mut self, picture: &RunPicture, wanted: Wanted<'_>, points: &mut usize, own: bool) -> bool {
        let mut all = true;
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
        if !self.over.is_empty() {
            let over: HashMap<&MetricKey, &MetricKey> = wanted.over.iter().map(|(y, x)| (y, x)).collect();
            self.over.retain(|y, (x, _)| over.get(y) == Some(&&*x));
        }
        let logged = |key: &MetricKey| self.derived.get(key).map(|(_, machine)| machine.series()).or_else(|| picture.series.get(key));
        // Nearly always one metric stands along x of all charts.
        let mut along: Option<(&MetricKey, Option<&Series>)> = None;
        for (y, x) in wanted.over {
            if *points == 0 {
                all = false;
                break;
            }
            let x_series = match along {
                Some((known, series)) if known == x => series,
                _ => logged(x),
            };
            along = Some((x, x_series));
            let (Some(x_series), Some(y_series)) = (x_series, logged(y)) else { continue };
            let entry = self.over.entry(y.clone()).or_insert_with(|| (x.clone(), Against::default()));
            all &= entry.1.feed(x_series, y_series, points);
        }
        if !self.before.is_empty() {
            let before: BTreeSet<&MetricKey> = wanted.before.iter().collect();
            self.before.retain(|key, _| before.contains(key));
        }
        for key in wanted.before.iter().filter(|_| own) {
            let Some(series) = picture.series.get(key).filter(|series| series.superseded() > 0) else { continue };
            let known = self.before.entry(key.clone()).or_default();
            if known.0 != series.superseded() {
                *known = (series.superseded(), replaced(series));
            }
        }
        all
    }
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
