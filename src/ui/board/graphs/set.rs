//! The charts by names: what a saved view keeps of them, and what an agent or the person sets without pressing keys.

use super::{Graphs, Span, X};
use crate::query::{self, SmoothingWish};
use crate::ui::board::page::{Refused, truth};
use crate::ui::pane::Scene;
use std::str::FromStr;

impl Graphs {
    /// Sets a name of the state to what it would be after some keys. Names are lower case, without `_` and `-`.
    pub fn set_name(&mut self, name: &str, text: &str, scene: Scene<'_>) -> Result<(), Refused> {
        match name {
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
                self.smoothing = SmoothingWish::read(text)
                    .ok_or_else(|| Refused::Value(format!("auto, off, ema(0.9), ma(15) or a weight is wanted, not `{text}`")))?;
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
            "cursor" => self.cursor = if text.is_empty() { None } else { Some(number(text)?) },
            "window" => {
                self.span = match (text, text.split_once("..")) {
                    ("" | "all", _) => Span::All,
                    (_, Some((from, to))) => {
                        let (from, to): (f64, f64) = (number(from)?, number(to)?);
                        let extent = self.extent.unwrap_or((from, to));
                        if from < to {
                            Span::showing(from, to, extent)
                        } else {
                            return Err(Refused::Value("a start before the end is wanted".into()));
                        }
                    }
                    (text, None) => Span::Tail(number(text).ok().filter(|length| *length > 0.0).ok_or_else(|| {
                        Refused::Value(format!("`all`, `100..200` or the length of the newest stretch is wanted, not `{text}`"))
                    })?),
                };
            }
            _ => return Err(Refused::Unknown),
        }
        self.prepare(scene, false);
        Ok(())
    }

    /// What a saved view keeps: names and values that [`Graphs::set_name`] takes.
    pub fn kept_names(&self) -> Vec<(&'static str, String)> {
        let side = |side: Option<u16>| side.unwrap_or(0).to_string();
        let window = match self.span {
            Span::All => "all".into(),
            Span::Tail(length) => length.to_string(),
            Span::Fixed(from, to) => format!("{from}..{to}"),
        };
        vec![
            // The window is one of this axis, so the axis comes first.
            ("xaxis", self.x.word().to_owned()),
            ("window", window),
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
    let side = u16::from_str(text).ok().filter(|side| *side <= 9);
    side.map(|side| (side > 0).then_some(side)).ok_or_else(|| Refused::Value(format!("a digit is wanted, not `{text}`")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Point, Series, Step};
    use crate::store::RunPicture;

    #[test]
    fn what_is_kept_is_taken_back() {
        let mut run = RunPicture::default();
        let mut series = Series::new();
        (0..100).for_each(|step| series.push(Point { step: Step(step), time: None, value: step as f64 }));
        run.series.insert("loss".into(), series);
        let scene = Scene::of(&run);
        let (mut one, mut other) = (Graphs::default(), Graphs::default());
        for graphs in [&mut one, &mut other] {
            graphs.keys = vec!["loss".into()];
            graphs.arrange();
            graphs.prepare(scene, true);
        }
        for (name, value) in
            [("smoothing", "ma(15)"), ("rows", "3"), ("logy", "on"), ("apart", "true"), ("window", "10..40"), ("xaxis", "step")]
        {
            one.set_name(name, value, scene).unwrap();
        }
        one.set_name("window", "10..40", scene).unwrap();
        assert_eq!(one.window(), (10.0, 40.0));
        for (name, value) in one.kept_names() {
            other.set_name(name, &value, scene).unwrap();
        }
        assert_eq!(one.kept_names(), other.kept_names());
        assert_eq!(one.set_name("colour", "red", scene), Err(Refused::Unknown));
        for (name, wrong) in
            [("window", "5..1"), ("window", "x"), ("rows", "12"), ("smoothing", "much"), ("xaxis", "acc"), ("logx", "perhaps")]
        {
            assert!(matches!(one.set_name(name, wrong, scene), Err(Refused::Value(_))), "{name} {wrong}");
        }
    }
}
