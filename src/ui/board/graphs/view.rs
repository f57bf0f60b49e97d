//! Drawing of the charts, and what is told of it. Everything here only reads.

use super::{Graphs, Layout, Side, X, scenery::Picture, window::Span};
use crate::ipc::wire::{GraphView, MetricView, Window};
use crate::model::{MetricKey, Series, XAxis, num};
use crate::query::{self, Panel, PanelKind, Smoothing, SmoothingWish};
use crate::text;
use crate::ui::{
    board::{page::Shared, sieve},
    chart::{Chart, Curve, Heat, Mark, Spread, Thick, value_text},
    pane::{Overlaid, Scene},
    strip::Part,
};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
};
use serde_json::{Map, Value, json};

/// With fewer points a trend means nothing.
const TREND_POINTS_MIN: usize = 4;

/// A sign, and how it looks.
type Sign = (&'static str, Style);

/// What stands in a row of names or values.
struct Word {
    sign: Option<Sign>,
    text: String,
    style: Style,
}

impl Word {
    fn width(&self) -> usize {
        self.sign.map_or(0, |(sign, _)| text::width(sign) + 1) + text::width(&self.text)
    }
}

impl Graphs {
    pub(super) fn view(&self, shared: &Shared, scene: Scene<'_>, body: Rect, buf: &mut Buffer) {
        let layout = self.layout(body, scene);
        if layout.cells.is_empty() {
            return self.nothing(shared, body, buf);
        }
        for &(index, cell) in &layout.cells {
            let mut marks = vec![];
            if let Some(picture) = self.picture(index, shared, scene, &mut marks) {
                picture.draw(cell, buf);
            }
        }
        if let Some(row) = layout.runs {
            draw_words(&counted(self.run_names(shared, scene, &layout), shared, row), shared, row, buf);
        }
        if let Some(rows) = layout.readout {
            draw_words(&fitting(self.readout(shared, scene, &layout), rows), shared, rows, buf);
        }
    }

    /// The footer's part of the charts.
    pub(super) fn parts(&self, shared: &Shared, layout: &Layout, scene: Scene<'_>) -> Vec<Part> {
        let theme = &shared.theme;
        let mut parts = vec![];
        if let Some(side) = self.sizing {
            let side = if side == Side::Rows { "rows" } else { "columns" };
            parts.push(Part::new(format!("{side}: 1-9, 0 fits"), theme.accent(), 12));
        }
        if let Some((name, Err(error))) = self.definitions.iter().find(|(_, made)| made.is_err()) {
            parts.push(Part::new(format!("{name}: {error}"), theme.bad(), 9));
        }
        if let ([_, ..], [_, ..]) = (self.missing.as_slice(), self.panels.as_slice()) {
            let (word, style) = if shared.facts.is_live() { ("waits for", theme.quiet()) } else { ("no metric", theme.warn()) };
            parts.push(Part::new(format!("{word} {}", self.missing.join(", ")), style, 7));
        }
        if self.paused {
            parts.push(Part::new("paused", theme.warn(), 9));
        }
        if layout.pages > 1 {
            parts.push(Part::new(format!("page {}/{}", layout.page + 1, layout.pages), theme.value(), 9));
        }
        if !self.filter.is_empty() {
            parts.push(match &self.filter_error {
                Some(error) => sieve::wrong(&self.filter, error, shared),
                None => {
                    let (sign, some) = (sieve::sign(self.regex), self.keys.len());
                    let count = format!("{sign}{} ({some} of {})", self.filter, shared.facts.keys.len().max(some));
                    Part::new(count, theme.accent(), 8)
                }
            });
        }
        let zoom = match self.span {
            Span::All => "",
            Span::Tail(_) => "zoomed, follows",
            Span::Fixed(..) => "zoomed",
        };
        parts.push(Part::new(zoom, theme.warn(), 8));
        parts.push(Part::new(if self.ys.is_empty() { "" } else { "y zoomed" }, theme.warn(), 8));
        match &self.x {
            X::Step => {}
            X::Relative => parts.push(Part::new("x: relative", theme.value(), 6)),
            X::Wall => parts.push(Part::new("x: wall", theme.value(), 6)),
            X::Metric(key) => parts.push(Part::new(format!("x: {key}"), theme.value(), 6)),
        }
        let log = match (self.log_x, self.log_y) {
            (true, true) => "log x, y",
            (true, false) => "log x",
            (false, true) => "log y",
            (false, false) => "",
        };
        parts.push(Part::new(log, theme.value(), 6));
        if let SmoothingWish::Just(smoothing) = self.smoothing {
            let word = if smoothing == Smoothing::Off { "not smoothed".into() } else { smoothing.word() };
            parts.push(Part::new(word, theme.value(), 6));
        }
        if self.band {
            let word = if scene.overlaid.is_empty() { "mean of one run: select others in 2" } else { "mean" };
            parts.push(Part::new(word, theme.value(), 6));
        }
        for (is_so, word) in [(self.apart, "metrics apart"), (self.no_marks, "no marks")] {
            parts.push(Part::new(if is_so { word } else { "" }, theme.value(), 6));
        }
        parts
    }

    /// What a chart says in the place of points that a derived metric does not give.
    pub(super) fn why_empty(&self, key: &MetricKey, shared: &Shared) -> Option<String> {
        let is_read = self.definitions.iter().any(|(name, made)| name == key && made.is_ok());
        let yet = if is_read && shared.facts.is_live() { "no points yet: " } else { "" };
        self.problem(key).map(|problem| format!("{yet}{problem}"))
    }

    /// The runs drawn, or the groups that they are drawn as, each with the sign that its curves have.
    fn run_names(&self, shared: &Shared, scene: Scene<'_>, layout: &Layout) -> Vec<Word> {
        let theme = &shared.theme;
        if self.band || scene.group.is_some() || scene.overlaid.iter().any(|other| other.group.is_some()) {
            return self.group_names(shared, scene);
        }
        let own = format!("{}{}", shared.facts.name, baseline_mark(scene.pinned));
        let own = Word { sign: Some(own_sign(shared)), text: own, style: theme.title() };
        let keys = || layout.cells.iter().filter_map(|(index, _)| self.panels.get(*index)).flat_map(|panel| &panel.keys);
        let other = |(at, other): (usize, &Overlaid<'_>)| {
            let pinned = baseline_mark(other.pinned);
            // Nobody should look for curves that are not there.
            let is_drawn = keys().any(|key| self.logged(scene, at + 1, key).is_some());
            let absent = if is_drawn { "" } else { " (has none of these)" };
            Word {
                sign: Some((theme.run_sign(other.colour), theme.run(other.colour))),
                text: format!("{}{pinned}{absent}", other.name),
                style: if other.pinned { theme.value() } else { theme.quiet() },
            }
        };
        std::iter::once(own).chain(scene.overlaid.iter().enumerate().map(other)).collect()
    }

    fn group_names(&self, shared: &Shared, scene: Scene<'_>) -> Vec<Word> {
        struct Group<'a> {
            label: Option<&'a str>,
            sign: Sign,
            /// Of its first run.
            name: &'a str,
            count: usize,
        }
        let theme = &shared.theme;
        let own = (scene.group, own_sign(shared), shared.facts.name.as_str());
        let others = scene.overlaid.iter().map(|run| (run.group, (theme.run_sign(run.colour), theme.run(run.colour)), run.name));
        let mut groups: Vec<Group<'_>> = vec![];
        for (group, sign, name) in std::iter::once(own).chain(others) {
            let label = if self.band { Some(group.unwrap_or("")) } else { group };
            // A run without a group stands for itself.
            match groups.iter_mut().find(|known| label.is_some() && known.label == label) {
                Some(known) => known.count += 1,
                None => groups.push(Group { label, sign, name, count: 1 }),
            }
        }
        let word = |group: Group<'_>| {
            let label = group.label.filter(|label| !label.is_empty()).map(|label| format!("{label}: ")).unwrap_or_default();
            let text = match group.count {
                1 => format!("{label}{}", group.name),
                count => format!("{label}mean {} std of {count} runs", theme.plus_minus()),
            };
            Word { sign: Some(group.sign), text, style: theme.title() }
        };
        groups.into_iter().map(word).collect()
    }

    /// What stands at the crosshair: where it is, the values of all curves in focus, and what happened there.
    fn readout(&self, shared: &Shared, scene: Scene<'_>, layout: &Layout) -> Vec<Word> {
        let mut marks = vec![];
        let Some(picture) = self.picture(self.focus_index(), shared, scene, &mut marks) else { return vec![] };
        let theme = &shared.theme;
        let (cursor, measure, x) = match &picture {
            Picture::Chart(chart) => (chart.cursor, chart.measure, chart.x),
            Picture::Heat(heat) => (heat.cursor, heat.measure, heat.x),
        };
        let Some(cursor) = cursor else { return vec![] };
        let side = match () {
            () if cursor < x.from => ", left of what is shown",
            () if cursor > x.to => ", right of what is shown",
            () => "",
        };
        let mut words =
            vec![Word { sign: None, text: format!("@ {}{side}", measure.text(cursor, shared.utc_offset)), style: theme.accent() }];
        let chart = match picture {
            _ if !side.is_empty() => return words,
            Picture::Chart(chart) => chart,
            Picture::Heat(heat) => {
                words.extend(strip_words(&heat, cursor, shared));
                return words;
            }
        };
        let cell = layout.cells.iter().find(|(index, _)| *index == self.focus_index());
        let plot = cell.and_then(|(_, cell)| chart.plot(*cell));
        let (mut values, mut smooth) = (vec![], vec![]);
        for (index, text) in self.values_at(&chart, cursor, scene) {
            let thick = plot.as_ref().and_then(|plot| chart.thick_at(index, cursor, plot));
            smooth.push(thick.map_or_else(String::new, |thick| format!(" {}", thick.text(theme))));
            let curve = &chart.curves[index];
            let sign = match curve.run {
                None if scene.overlaid.is_empty() => (theme.sample(curve.key), theme.own(curve.key, true, false)),
                None => own_sign(shared),
                Some(run) => (theme.run_sign(run), theme.run(run)),
            };
            values.push(Word { sign: Some(sign), text, style: theme.value() });
        }
        // As near as a cell, in a chart of usual width.
        let near = |mark: &&Mark| (chart.x.place(mark.x) - chart.x.place(cursor)).abs() < 0.02;
        let rows = layout.readout.unwrap_or_default();
        let happened = |mark: &Mark| {
            let text = text::cut(&mark.text, usize::from(rows.width / 2)).into_owned();
            Word { sign: Some(theme.mark(mark.kind)), text, style: theme.quiet() }
        };
        let happened: Vec<Word> = chart.marks.iter().filter(near).take(3).map(happened).collect();
        let cells = words.iter().chain(&values).chain(&happened).map(|word| word.width() + 2).sum::<usize>();
        let all = cells + smooth.iter().map(|words| text::width(words)).sum::<usize>();
        // What happened stands nowhere else; averages stand below their curves too.
        if happened.is_empty() || all <= usize::from(rows.width) * usize::from(rows.height) {
            values.iter_mut().zip(smooth).for_each(|(word, smooth)| word.text += &smooth);
        }
        words.extend(values.into_iter().chain(happened));
        words
    }

    /// The place of each curve that reaches the crosshair, with its name, its value and what that differs by from the pinned run.
    fn values_at(&self, chart: &Chart<'_>, cursor: f64, scene: Scene<'_>) -> Vec<(usize, String)> {
        let baseline = |key: usize| chart.curves.iter().find(|curve| curve.pinned && curve.key == key).and_then(|curve| curve.at(cursor));
        let value = |(index, curve): (usize, &Curve<'_>)| {
            let (_, value) = curve.at(cursor)?;
            let run = scene.overlaid.iter().find(|other| Some(other.colour) == curve.run).map(|other| other.name);
            let name = match run {
                Some(run) if chart.curves.iter().any(|other| other.key > 0) => format!("{run} {}", curve.name),
                Some(run) => run.to_owned(),
                None => curve.name.to_owned(),
            };
            let apart = match baseline(curve.key) {
                Some((_, base)) if !curve.pinned && (value - base).is_finite() => {
                    let sign = if value >= base { "+" } else { "" };
                    format!(" ({sign}{})", text::number(value - base, 3))
                }
                _ => String::new(),
            };
            Some((index, format!("{name} {}{apart}", value_text(value))))
        };
        chart.curves.iter().enumerate().filter_map(value).collect()
    }

    pub(super) fn told(&self, view: &mut GraphView, shared: &Shared, scene: Scene<'_>, area: Rect) -> Vec<MetricView> {
        let layout = self.layout(area, scene);
        view.focused = self.focused_key().map(MetricKey::to_string);
        view.full_screen = self.full_screen;
        view.x_axis = self.x.word().into();
        view.smoothing = match self.focused().map(|panel| self.smoothing_of(panel)) {
            Some(Smoothing::Ema(weight)) => weight,
            _ => 0.0,
        };
        view.page = (layout.page as u32 + 1, layout.pages as u32);
        view.grid = (u32::from(layout.grid.rows), u32::from(layout.grid.cols));
        view.paused = self.paused;
        view.runs.extend(scene.overlaid.iter().map(|other| other.name.to_owned()));
        let (mut metrics, mut charts) = (vec![], vec![]);
        for &(index, cell) in &layout.cells {
            let (Some(panel), true) = (self.panels.get(index), area.contains(Position::new(cell.x, cell.y))) else { continue };
            if panel.kind == PanelKind::Heat {
                charts.push(self.heat_told(index, panel, shared, scene));
                continue;
            }
            let mut marks = vec![];
            let mut names = vec![];
            let Some(Picture::Chart(chart)) = self.picture(index, shared, scene, &mut marks) else { continue };
            let window = (chart.x.from, chart.x.to);
            let legend = chart.legend(cell);
            for entry in legend.entries() {
                let Some(curve) = chart.curves.iter().filter(|curve| curve.run.is_none()).nth(entry.curve) else { continue };
                let key = &panel.keys[curve.key];
                names.push(json!({"key": key.as_str(), "name": entry.name}));
                let stepped = self.along_steps(scene, 0, key).unwrap_or((curve.logged, XAxis::Step));
                metrics.push(metric_view(key, curve.logged, stepped, (curve.drawn, curve.axis), window));
            }
            let plot = chart.plot(cell);
            let at_cursor = |x: f64| {
                let own = chart.curves.iter().enumerate().filter(|(_, curve)| curve.run.is_none());
                let value = |(index, curve): (usize, &Curve<'_>)| {
                    let mut told = json!({"key": panel.keys[curve.key].as_str(), "value": num::to_json(curve.at(x)?.1)});
                    match plot.as_ref().and_then(|plot| chart.thick_at(index, x, plot)) {
                        Some(Thick::Smooth(value)) => told["smooth"] = num::to_json(value),
                        Some(Thick::Mean(mean, deviation)) => {
                            (told["mean"], told["deviation"]) = (num::to_json(mean), num::to_json(deviation));
                        }
                        None => {}
                    }
                    Some(told)
                };
                own.filter_map(value).collect::<Vec<_>>()
            };
            let y = plot.as_ref().map(|plot| (plot.y.from, plot.y.to));
            charts.push(json!({
                "title": panel.title, "legend": names, "x": chart.x_name, "marks": chart.marks.len(),
                "smoothing": chart.smoothing.word(), "smoothingMark": legend.mark,
                "from": num::to_json(window.0), "to": num::to_json(window.1),
                "logY": plot.as_ref().map(|plot| plot.y.log), "y": y.map(|(lo, hi)| [num::to_json(lo), num::to_json(hi)]), "atCursor": chart.cursor_in_sight().map(at_cursor),
            }));
        }
        view.detail = self.detail(shared, scene, &layout, charts);
        metrics
    }

    /// A strip: its keys with their last values, and those at the crosshair.
    fn heat_told(&self, index: usize, panel: &Panel, shared: &Shared, scene: Scene<'_>) -> Value {
        /// A family may have thousands of keys; what is told of a screen has to stay small.
        const TOLD: usize = 32;
        let last = |key: &MetricKey| Some((key.to_string(), num::to_json(self.logged(scene, 0, key)?.last()?.value)));
        let told: Map<String, Value> = panel.keys.iter().take(TOLD).filter_map(last).collect();
        // Some may have no point over this metric.
        let rows: Vec<&MetricKey> = panel.keys.iter().filter(|key| self.along_x(scene, 0, key).is_some()).collect();
        let one = |(row, value): &(usize, f64)| json!({"key": rows.get(*row).map(|key| key.as_str()), "value": num::to_json(*value)});
        let mut marks = vec![];
        let at = match self.picture(index, shared, scene, &mut marks) {
            Some(Picture::Heat(heat)) => heat.cursor.filter(|x| (heat.x.from..=heat.x.to).contains(x)).map(|x| heat.at(x)),
            _ => None,
        };
        let spread = at.as_ref().and_then(|values| Spread::of(values));
        json!({
            "title": panel.title, "heat": rows.len(), "last": told, "untold": panel.keys.len().saturating_sub(TOLD),
            "atCursor": at.map(|values| values.iter().take(TOLD).map(one).collect::<Vec<_>>()),
            "spreadAtCursor": spread.map(|s| json!({"min": one(&s.min), "median": num::to_json(s.median), "max": one(&s.max)})),
        })
    }

    fn detail(&self, shared: &Shared, scene: Scene<'_>, layout: &Layout, charts: Vec<Value>) -> Value {
        let (from, to) = self.window();
        let cursor = self.cursor.map(|x| {
            let row = layout.readout.map(|rows| fitting(self.readout(shared, scene, layout), rows));
            let words: Vec<String> = row.into_iter().flatten().flatten().map(|word| word.text).collect();
            json!({"x": num::to_json(x), "readout": words})
        });
        /// Of many marks, the newest.
        const MARKS_TOLD: usize = 20;
        let told = self.marks.iter().filter(|_| !self.no_marks).rev().take(MARKS_TOLD);
        let happened: Vec<Value> =
            told.map(|mark| json!({"what": mark.kind.word(), "x": num::to_json(mark.x), "text": mark.text})).collect();
        json!({
            "happened": happened,
            "window": {"from": num::to_json(from), "to": num::to_json(to), "follows": self.span.word()},
            "logX": self.log_x, "logY": self.log_y, "smoothing": self.smoothing.word(), "marks": !self.no_marks, "apart": self.apart,
            "kept": self.kept_names().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect::<serde_json::Map<_, _>>(),
            "waitsForDigitOf": self.sizing.map(|side| if side == Side::Rows { "rows" } else { "cols" }),
            "band": self.band, "rows": self.grid.0, "cols": self.grid.1, "cursor": cursor, "charts": charts,
            "runsLegend": layout.runs.map(|row| {
                let rows = counted(self.run_names(shared, scene, layout), shared, row);
                rows.into_iter().flatten().map(|word| word.text).collect::<Vec<_>>()
            }),
            "filterError": self.filter_error,
            "baseline": self.baseline(shared, scene),
            "yRanges": self.ys.iter().map(|(key, (lo, hi))| (key.to_string(), json!([num::to_json(*lo), num::to_json(*hi)]))).collect::<serde_json::Map<_, _>>(),
            "derived": self.definitions.iter().map(|(name, made)| (name.to_string(), match made {
                Err(error) => json!({"error": error}),
                Ok(made) => match self.problem(name) {
                    Some(problem) => json!({"text": made.text(), "error": problem}),
                    None => Value::from(made.text()),
                },
            })).collect::<serde_json::Map<_, _>>(),
            "missing": self.missing,
        })
    }

    /// The run that the others are compared with.
    fn baseline<'a>(&self, shared: &'a Shared, scene: Scene<'a>) -> Option<&'a str> {
        let other = || scene.overlaid.iter().find(|other| other.pinned).map(|other| other.name);
        scene.pinned.then_some(shared.facts.name.as_str()).or_else(other)
    }

    /// Why there is no chart, and what to do about it.
    fn nothing(&self, shared: &Shared, body: Rect, buf: &mut Buffer) {
        let watched = |word| if shared.facts.watched.is_empty() { String::new() } else { format!("{word}: {}", shared.facts.watched) };
        let problem = shared.facts.problem.clone().unwrap_or_default();
        let mut lines: Vec<(String, Style)> = if !shared.facts.keys.is_empty() && !self.filter.is_empty() {
            vec![
                (format!("no metric matches `{}`", self.filter), shared.theme.warn()),
                (format!("{} metrics are there: esc shows them", shared.facts.keys.len()), shared.theme.quiet()),
            ]
        } else if !shared.facts.keys.is_empty() {
            let names = shared.facts.keys.iter().map(MetricKey::as_str).collect::<Vec<_>>().join(", ");
            vec![
                match shared.facts.is_live() {
                    true => (format!("waiting for {}...", self.wanted.join(", ")), shared.theme.title()),
                    false => (format!("no metric {}", self.wanted.join(", ")), shared.theme.warn()),
                },
                (format!("the run logs {names}"), shared.theme.quiet()),
            ]
        } else if shared.facts.loading {
            vec![("reading...".into(), shared.theme.title())]
        } else if !shared.facts.is_live() {
            vec![
                (format!("the run ended without a metric: {}", shared.facts.state_text()), shared.theme.state(shared.facts.run_state())),
                (shared.facts.last_words.clone(), shared.theme.bad()),
                (watched("looked at"), shared.theme.quiet()),
            ]
        } else {
            vec![
                ("waiting for the first metric...".into(), shared.theme.title()),
                ("log to $OG_METRICS or print `step=1 loss=2.3`".into(), shared.theme.quiet()),
                (watched("watching"), shared.theme.faint()),
            ]
        };
        lines.push((problem, shared.theme.bad()));
        lines.retain(|(line, _)| !line.is_empty());
        let width = usize::from(body.width);
        let wrapped = |(line, style): (String, Style)| text::wrap(&line, width).into_iter().map(move |line| (line, style));
        let lines: Vec<(String, Style)> = lines.into_iter().flat_map(wrapped).take(usize::from(body.height)).collect();
        let top = body.y + (body.height - lines.len() as u16) / 2;
        for (i, (line, style)) in lines.iter().enumerate() {
            let line = shared.theme.plain(line.as_str().into());
            let x = body.x + (body.width - text::width(&line).min(usize::from(body.width)) as u16) / 2;
            buf.set_stringn(x, top + i as u16, &line, usize::from(body.width), *style);
        }
    }
}

/// What stands behind the name of a run.
fn baseline_mark(pinned: bool) -> &'static str {
    if pinned { " (baseline)" } else { "" }
}

/// What the rows of a strip are at the crosshair, and which are lowest and highest.
fn strip_words(heat: &Heat<'_>, cursor: f64, shared: &Shared) -> Vec<Word> {
    let word = |text: String| Word { sign: None, text, style: shared.theme.value() };
    let row = |what: &str, (row, value): (usize, f64)| word(format!("{what} {} ({})", value_text(value), heat.rows[row].0));
    match Spread::of(&heat.at(cursor)) {
        Some(Spread { min, median, max }) => vec![row("max", max), word(format!("median {}", value_text(median))), row("min", min)],
        None => vec![word("no value here".into())],
    }
}

/// `stepped`: as it stands along the steps of the training.
fn metric_view(
    key: &MetricKey,
    logged: &Series,
    stepped: (&Series, XAxis),
    (drawn, axis): (&Series, XAxis),
    (from, to): (f64, f64),
) -> MetricView {
    let trend = (stepped.0.len() >= TREND_POINTS_MIN).then(|| query::trend_along(stepped.0, stepped.1));
    let range = drawn.range_in(axis, from, to);
    let last = logged.last();
    MetricView {
        key: key.to_string(),
        latest_value: last.map_or(Value::Null, |point| num::to_json(point.value)),
        trend: trend.map(|trend| trend.dir.as_str().to_owned()),
        slope_per_100: trend.map(|trend| trend.slope_per_100),
        data_points: logged.len() as u64,
        min: range.map(|range| range.0),
        max: range.map(|range| range.1),
        best: query::best(key, logged).map(|point| point.value),
        last_step: stepped.0.extent(stepped.1).map(|(_, last)| last as i64),
        nan_count: logged.nan_count() as u64,
        window: Some(Window { from, to }),
    }
}

/// The words that fit into these rows, in order; what does not fit is left out.
fn fitting(words: Vec<Word>, rows: Rect) -> Vec<Vec<Word>> {
    let mut out: Vec<Vec<Word>> = vec![];
    let mut used = 0;
    for word in words {
        let width = word.width();
        let fits = !out.is_empty() && used + 2 + width <= usize::from(rows.width);
        if !fits {
            if out.len() == usize::from(rows.height) || width > usize::from(rows.width) {
                break;
            }
            out.push(vec![]);
            used = 0;
        }
        used += width + if used > 0 { 2 } else { 0 };
        if let Some(row) = out.last_mut() {
            row.push(word);
        }
    }
    out
}

/// The words that fit into a row, and how many more there are.
fn counted(words: Vec<Word>, shared: &Shared, row: Rect) -> Vec<Vec<Word>> {
    let count = words.len();
    let more = |left: usize| Word { sign: None, text: format!("+{left}"), style: shared.theme.warn() };
    let room = Rect { width: row.width.saturating_sub(2 + more(count).width() as u16), ..row };
    let widths = words.iter().map(Word::width).sum::<usize>() + 2 * count.saturating_sub(1);
    if widths <= usize::from(row.width) {
        return fitting(words, row);
    }
    let mut rows = fitting(words, room);
    let left = count - rows.iter().map(Vec::len).sum::<usize>();
    match rows.last_mut() {
        Some(last) => last.push(more(left)),
        None => rows.push(vec![more(left)]),
    }
    rows
}

/// The sign of the run in front, as its curves have it where others are drawn too.
fn own_sign(shared: &Shared) -> Sign {
    (shared.theme.own_sign(), shared.theme.curve())
}

fn draw_words(rows: &[Vec<Word>], shared: &Shared, area: Rect, buf: &mut Buffer) {
    for (y, words) in (area.y..area.bottom()).zip(rows) {
        let mut x = area.x;
        for word in words {
            let left = |x: u16| usize::from(area.right().saturating_sub(x));
            if let Some((sign, style)) = word.sign {
                x = buf.set_stringn(x, y, sign, left(x), style).0 + 1;
            }
            x = buf.set_stringn(x, y, shared.theme.plain(word.text.as_str().into()), left(x), word.style).0 + 2;
        }
    }
}
