//! The charts by names: what a saved view keeps of them, and what an agent or the person sets without pressing keys.

use super::{Graphs, Span, X, steer::can_be_drawn};
use crate::model::MetricKey;
use crate::query::{self, SmoothingWish};
use crate::ui::board::page::{Refused, can_be_page, page_at, truth};
use crate::ui::pane::Scene;
use ratatui::layout::Rect;
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, str::FromStr};

impl Graphs {
    /// Sets a name of the state to what it would be after some keys. Names are lower case, without `_` and `-`.
    pub fn set_name(&mut self, name: &str, text: &str, scene: Scene<'_>, area: Rect) -> Result<(), Refused> {
        match name {
            // Without a chart there is nothing to focus on.
            "focused" if text.is_empty() => {}
            "focused" => {
                let key = query::resolve(text, &self.keys).map_err(|error| Refused::Value(error.to_string()))?.clone();
                let index = self.panels.iter().position(|panel| panel.keys.contains(&key)).unwrap_or(0);
                self.focus_panel(index);
                self.focus = Some(key);
            }
            "fullscreen" => self.full_screen = truth(text)? && !self.panels.is_empty(),
            "xaxis" => {
                let x = match text {
                    "step" => X::Step,
                    "relative" => X::Relative,
                    "wall" => X::Wall,
                    name => {
                        let known = query::resolve(name, scene.run.series.keys());
                        X::Metric(
                            known.map_err(|error| Refused::Value(format!("step, relative, wall or a metric is wanted: {error}")))?.clone(),
                        )
                    }
                };
                self.measure(x);
            }
            "smoothing" => {
                self.smoothing = SmoothingWish::read(text).ok_or_else(|| {
                    Refused::Value(format!("auto, off, ema(0.9), ma(15) or a weight from 0 to below 1 is wanted, not `{text}`"))
                })?;
            }
            "paused" => (self.paused, self.stale) = (truth(text)?, true),
            "logx" => self.log_x = truth(text)?,
            "logy" => self.log_y = truth(text)?,
            "marks" => self.no_marks = !truth(text)?,
            "band" => self.band = truth(text)?,
            "apart" => {
                self.apart = truth(text)?;
                self.arrange();
            }
            "rows" => self.grid.0 = side(text)?,
            "cols" => self.grid.1 = side(text)?,
            "grid" => {
                let wrong = |_| Refused::Value(format!("rows and columns are wanted, say `2x3`, not `{text}`"));
                let told = serde_json::from_str::<(u32, u32)>(text).map(|(rows, cols)| (rows.to_string(), cols.to_string()));
                let (rows, cols) = told.or_else(|_| {
                    let (rows, cols) = text.split_once('x').ok_or(()).map_err(wrong)?;
                    Ok((rows.trim().to_owned(), cols.trim().to_owned()))
                })?;
                // Where it is drawn so already, nobody has chosen anything.
                let drawn = self.layout(area, scene).grid;
                if (rows.parse(), cols.parse()) != (Ok(drawn.rows), Ok(drawn.cols)) {
                    self.grid = (side(&rows)?, side(&cols)?);
                }
            }
            "page" => {
                let layout = self.layout(area, scene);
                let page = can_be_page(page_at(text)?, layout.pages)?;
                self.turn_page(page as isize - layout.page as isize, layout.grid.cells() as isize, layout.pages);
            }
            "yranges" => self.ys = self.y_ranges(text)?,
            "cursor" => {
                let told = serde_json::from_str::<Value>(text).ok().and_then(|told| told["x"].as_f64());
                self.cursor = if text.is_empty() { None } else { Some(told.map_or_else(|| number(text), Ok)?) };
            }
            "window" => self.span = self.span_of(text)?,
            _ => return Err(Refused::Unknown),
        }
        self.prepare(scene, false);
        Ok(())
    }

    fn span_of(&self, text: &str) -> Result<Span, Refused> {
        let told = serde_json::from_str::<Value>(text).ok().filter(Value::is_object);
        let (from, to) = match (&told, text.split_once("..")) {
            (None, _) if matches!(text, "" | "all") => return Ok(Span::All),
            (Some(told), _) if told["follows"] == "all" => return Ok(Span::All),
            (Some(told), _) => {
                let (Some(from), Some(to)) = (told["from"].as_f64(), told["to"].as_f64()) else {
                    return Err(Refused::Value("numbers `from` and `to` are wanted".into()));
                };
                (from, to)
            }
            (None, Some((from, to))) => (number(from)?, number(to)?),
            (None, None) => {
                let length = number(text).ok().filter(|length| *length > 0.0);
                let wrong = || format!("`all`, `100..200` or the length of the newest stretch is wanted, not `{text}`");
                return length.map(Span::Tail).ok_or_else(|| Refused::Value(wrong()));
            }
        };
        if from >= to {
            return Err(Refused::Value("a start before the end is wanted".into()));
        }
        if told.is_some_and(|told| told["follows"] == "newest") {
            return Ok(Span::Tail(to - from));
        }
        Ok(Span::showing(from, to, self.extent.unwrap_or((from, to))))
    }

    /// All y ranges that are chosen, as they are told: `{"loss": [0, 5]}`; also of charts that a filter hides.
    fn y_ranges(&self, text: &str) -> Result<BTreeMap<MetricKey, (f64, f64)>, Refused> {
        let wrong = |_| Refused::Value(format!("y ranges are wanted as `{{\"loss\": [0, 5]}}`, not `{text}`"));
        let text = if text.is_empty() { "{}" } else { text };
        let told: BTreeMap<String, (f64, f64)> = serde_json::from_str(text).map_err(wrong)?;
        let range = |(name, y): (String, (f64, f64))| {
            // Those of charts that a filter hides are told too.
            let hidden = || self.known.iter().flat_map(|keys| keys.iter()).chain(self.definitions.iter().map(|(made, _)| made));
            let key = match hidden().find(|key| key.as_str() == name) {
                Some(key) => key,
                None => query::resolve(&name, &self.keys).map_err(|error| Refused::Value(error.to_string()))?,
            };
            let panel = self.panels.iter().find(|panel| panel.keys.contains(key));
            let first = panel.and_then(|panel| panel.keys.first()).unwrap_or(key).clone();
            if can_be_drawn(y) { Ok((first, y)) } else { Err(Refused::Value(format!("no chart can show {name} from {} to {}", y.0, y.1))) }
        };
        told.into_iter().map(range).collect()
    }

    /// What a saved view keeps: names and values that [`Graphs::set_name`] takes.
    pub fn kept_names(&self) -> Vec<(&'static str, String)> {
        let side = |side: Option<u16>| side.unwrap_or(0).to_string();
        let window = match self.span {
            Span::All => "all".into(),
            Span::Tail(length) => length.to_string(),
            Span::Fixed(from, to) => format!("{from}..{to}"),
        };
        let y_ranges: Map<String, Value> = self.ys.iter().map(|(key, (lo, hi))| (key.to_string(), json!([lo, hi]))).collect();
        vec![
            // The window is one of this axis, so the axis comes first.
            ("xaxis", self.x.word().to_owned()),
            ("window", window),
            ("yranges", if y_ranges.is_empty() { String::new() } else { Value::Object(y_ranges).to_string() }),
            ("smoothing", self.smoothing.word()),
            ("fullscreen", self.full_screen.to_string()),
            ("logx", self.log_x.to_string()),
            ("logy", self.log_y.to_string()),
            ("marks", (!self.no_marks).to_string()),
            ("apart", self.apart.to_string()),
            ("band", self.band.to_string()),
            ("rows", side(self.grid.0)),
            ("cols", side(self.grid.1)),
        ]
    }
}

fn number(text: &str) -> Result<f64, Refused> {
    let number = f64::from_str(text.trim()).ok().filter(|number| number.is_finite());
    number.ok_or_else(|| Refused::Value(format!("a number is wanted, not `{text}`")))
}

/// 0: as many as fit.
fn side(text: &str) -> Result<Option<u16>, Refused> {
    if text.is_empty() {
        return Ok(None);
    }
    let side = u16::from_str(text).ok().filter(|side| *side <= 9);
    side.map(|side| (side > 0).then_some(side)).ok_or_else(|| Refused::Value(format!("a digit is wanted, not `{text}`")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Point, Series, Step};
    use crate::store::RunPicture;
    use crate::ui::board::logs::When;

    const AREA: Rect = Rect { x: 0, y: 0, width: 80, height: 24 };

    fn run() -> RunPicture {
        let mut run = RunPicture::default();
        let mut series = Series::new();
        (0..100).for_each(|step| series.push(Point { step: Step(step), time: None, value: step as f64 }));
        run.series.insert("loss".into(), series);
        run
    }

    fn graphs(scene: Scene<'_>) -> Graphs {
        let mut graphs = Graphs { keys: vec!["loss".into()], ..Graphs::default() };
        graphs.arrange();
        graphs.prepare(scene, true);
        graphs
    }

    #[test]
    fn a_window_that_follows_stays_where_somebody_was_led() {
        let run = run();
        let mut graphs = graphs(Scene::of(&run));
        graphs.set_name("window", "10", Scene::of(&run), AREA).unwrap();
        assert_eq!(graphs.span, Span::Tail(10.0));
        assert!(graphs.point_at(When { step: Some(95.0), ..When::default() }, Scene::of(&run)));
        assert_eq!(graphs.span, Span::Fixed(89.0, 99.0));
    }

    #[test]
    fn what_is_kept_is_taken_back() {
        let run = run();
        let scene = Scene::of(&run);
        let (mut one, mut other) = (graphs(scene), graphs(scene));
        for (name, value) in
            [("smoothing", "ma(15)"), ("rows", "3"), ("logy", "on"), ("apart", "true"), ("window", "10..40"), ("xaxis", "step")]
        {
            one.set_name(name, value, scene, AREA).unwrap();
        }
        one.set_name("window", "10..40", scene, AREA).unwrap();
        assert_eq!(one.window(), (10.0, 40.0));
        for (name, value) in one.kept_names() {
            other.set_name(name, &value, scene, AREA).unwrap();
        }
        assert_eq!(one.kept_names(), other.kept_names());
        assert_eq!(one.set_name("colour", "red", scene, AREA), Err(Refused::Unknown));
        for (name, wrong) in [
            ("window", "5..1"),
            ("window", "x"),
            ("rows", "12"),
            ("smoothing", "much"),
            ("xaxis", "acc"),
            ("logx", "perhaps"),
            ("page", "2"),
            ("grid", "much"),
            ("grid", "2x12"),
            ("yranges", "loss"),
            ("yranges", "{\"acc\": [0, 1]}"),
            ("yranges", "{\"loss\": [1, 1]}"),
            ("window", "{}"),
        ] {
            assert!(matches!(one.set_name(name, wrong, scene, AREA), Err(Refused::Value(_))), "{name} {wrong}");
        }
    }
}
