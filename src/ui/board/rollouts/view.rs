//! Drawing of the answers, and what is told of it. Everything here only reads.

use super::{
    Rollouts, Row,
    map::Map,
    prose::{Kind, Prose},
};
use crate::model::num;
use crate::source::{Body, RolloutGroup, Token, TrajectoryHead, Word};
use crate::text;
use crate::ui::{
    board::{
        page::{Refused, Shared},
        scroll::can_be_above,
    },
    pane::Scene,
    strip::{self, Part},
    theme::{Theme, UNLIKELY},
};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::{Modifier, Style},
};
use serde_json::{Value, json};

/// From this width on the list stands beside the text.
const WIDE_COLS_MIN: u16 = 100;
/// From this height on there is a list above the text.
const LIST_ROWS_MIN: u16 = 12;
/// With fewer lines, the answer stands before what it answers.
const PROMPT_ROWS_MIN: u16 = 8;
/// Of a text, what an agent is told; it asks the tracker for more.
const TOLD_CHARS_MAX: usize = 4000;
/// Columns that a map has for each of its rows: with many more it would be a strip of sea.
const MAP_COLS: u16 = 6;
/// From this height on there is room between the parts of a text.
const ROOMY_ROWS_MIN: u16 = 20;
/// Tables that are named where nothing else can be shown.
const TABLES_MAX: usize = 8;

/// Where everything goes.
#[derive(Clone, Copy, Debug)]
struct Layout {
    slider: Option<Rect>,
    list: Option<Rect>,
    /// The line between list and text, where they stand beside each other.
    wall: Option<Rect>,
    title: Rect,
    text: Rect,
    token: Option<Rect>,
    map: Option<Rect>,
}

/// What stands at a place.
pub(super) enum Hit {
    /// A step of the slider.
    Step(i64),
    /// An answer of the list.
    One(i64),
    /// The text of the one in focus.
    Text,
}

/// The text of the answer in focus, in lines.
struct Page {
    prose: Prose,
    lines: Vec<std::ops::Range<usize>>,
    top: usize,
}

impl Rollouts {
    fn layout(&self, area: Rect, theme: &Theme) -> Layout {
        let slider_rows = u16::from(area.height >= 3);
        let body = Rect { y: area.y + slider_rows, height: area.height - slider_rows, ..area };
        let slider = (slider_rows > 0).then_some(Rect { height: 1, ..area });
        let (list, wall, one) = match (self.alone, area.width >= WIDE_COLS_MIN, body.height >= LIST_ROWS_MIN) {
            (false, true, _) => {
                let width = (area.width / 3).clamp(36, 60);
                let wall = Rect { x: body.x + width, width: 1, ..body };
                let rest = Rect { x: wall.x + 2, width: area.width - width - 2, ..body };
                (Some(Rect { width, ..body }), Some(wall), rest)
            }
            (false, false, true) => {
                let rows = (self.rows().len() as u16).min(body.height * 2 / 5).max(2);
                (Some(Rect { height: rows, ..body }), None, Rect { y: body.y + rows, height: body.height - rows, ..body })
            }
            _ => (None, None, body),
        };
        let has_map = self.focused().is_some_and(|(group, one)| Map { group, one, theme }.is_there());
        let map_rows = if has_map && one.height >= 10 && one.width >= 24 { (one.height / 2).min(16) } else { 0 };
        let token_rows = u16::from(self.token.is_some() && one.height >= 3);
        let title_rows = 1.min(one.height);
        let text_rows = one.height - title_rows - token_rows - map_rows;
        let row = |y: u16, height: u16| Rect { y: one.y + y, height, ..one };
        let map = |map: Rect| Rect { width: map.width.min(map.height * MAP_COLS), ..map };
        Layout {
            slider,
            list,
            wall,
            title: row(0, title_rows),
            text: row(title_rows, text_rows),
            token: (token_rows > 0).then(|| row(title_rows + text_rows, token_rows)),
            map: (map_rows > 0).then(|| map(row(title_rows + text_rows + token_rows, map_rows))),
        }
    }

    fn page(&self, area: Rect) -> Page {
        let prose = self.body().map_or_else(Prose::default, |body| self.prose(body, area));
        let lines = prose.lines(usize::from(area.width));
        let top = self.top.min(lines.len().saturating_sub(usize::from(area.height)));
        Page { prose, lines, top }
    }

    fn prose(&self, body: &Body, area: Rect) -> Prose {
        let mut prose = Prose::default();
        let is_small = area.height < PROMPT_ROWS_MIN;
        if !is_small {
            self.put_prompt(body, area, &mut prose);
        }
        let gap = |prose: &mut Prose| {
            if area.height >= ROOMY_ROWS_MIN {
                prose.push("\n", Kind::Plain)
            }
        };
        if !is_small {
            gap(&mut prose);
        }
        self.put_output(body, area, &mut prose);
        gap(&mut prose);
        if is_small {
            self.put_prompt(body, area, &mut prose);
        }
        if let Some(image) = &body.image {
            prose.own_line(&format!("picture {image}"), Kind::Quiet);
        }
        body.facts.iter().for_each(|(name, value)| prose.own_line(&format!("{name}: {value}"), Kind::Quiet));
        if body.is_cut {
            prose.own_line("it is longer than this; the tracker has all of it", Kind::Quiet);
        }
        prose
    }

    /// Long prompts are as common as they are alike: beside the list they leave room for the answer.
    fn put_prompt(&self, body: &Body, area: Rect, prose: &mut Prose) {
        if body.prompt.trim().is_empty() {
            return;
        }
        prose.own_line("prompt", Kind::Heading);
        let mut words = Prose::default();
        words.push(body.prompt.trim_end(), Kind::Plain);
        let lines = words.lines(usize::from(area.width));
        let rows = usize::from(area.height / 3).max(2);
        if self.alone || lines.len() <= rows + 1 {
            prose.push(body.prompt.trim_end(), Kind::Plain);
        } else {
            for line in &lines[..rows] {
                words.pieces(line.clone()).into_iter().for_each(|(text, kind)| prose.push(&text, kind));
                prose.push("\n", Kind::Plain);
            }
            prose.own_line(&format!("{} more lines: enter", lines.len() - rows), Kind::Quiet);
        }
        prose.line();
    }

    fn put_output(&self, body: &Body, area: Rect, prose: &mut Prose) {
        let gap = |prose: &mut Prose| {
            if area.height >= ROOMY_ROWS_MIN {
                prose.push("\n", Kind::Plain)
            }
        };
        let unlikely = unlikely(body);
        let heading = match (body.tokens.len(), unlikely) {
            (0, _) => "answer".to_owned(),
            (count, 0) => format!("answer: {count} token{}", if count == 1 { "" } else { "s" }),
            (count, some) => format!("answer: {count} token{}, {some} unlikely", if count == 1 { "" } else { "s" }),
        };
        prose.own_line(&heading, Kind::Heading);
        if body.tokens_are_the_text() {
            put_tokens(&body.tokens, "", prose);
        } else {
            prose.push(if body.output.is_empty() { "(nothing)" } else { body.output.trim_end() }, Kind::Plain);
        }
        prose.line();
        if body.tokens.is_empty() {
            return;
        }
        if !body.tokens_are_the_text() {
            gap(prose);
            prose.own_line("its tokens", Kind::Heading);
            put_tokens(&body.tokens, " ", prose);
            prose.line();
        }
        if body.tokens.len() > 1 && body.tokens.iter().any(|token| token.probability().is_some()) {
            gap(prose);
            prose.own_line("how unlikely they were", Kind::Heading);
            strip_of(&body.tokens, usize::from(area.width)).into_iter().for_each(|at| prose.push("x", Kind::Strip(at)));
            prose.line();
        }
    }

    /// Scrolls the text by so many pages; a line of the last one stays in sight.
    pub(super) fn turn_page(&mut self, pages: isize, shared: &Shared, area: Rect) {
        let rows = self.layout(area, &shared.theme).text.height.saturating_sub(1).max(1);
        self.scroll_text(pages * rows as isize, shared, area);
    }

    /// Scrolls the text by so many lines.
    pub(super) fn scroll_text(&mut self, by: isize, shared: &Shared, area: Rect) {
        let text = self.layout(area, &shared.theme).text;
        let page = self.page(text);
        self.top = page.top.saturating_add_signed(by).min(page.lines.len().saturating_sub(usize::from(text.height)));
    }

    /// So many lines of the text above what is in sight, where there can be so many; else why not, in words.
    pub(super) fn can_be_top(&self, top: usize, shared: &Shared, area: Rect) -> Result<usize, Refused> {
        let text = self.layout(area, &shared.theme).text;
        can_be_above(top, self.page(text).lines.len(), usize::from(text.height))
    }

    /// What is drawn at a place.
    pub(super) fn hit(&self, at: Position, area: Rect, theme: &Theme) -> Option<Hit> {
        let layout = self.layout(area, theme);
        if let Some(slider) = layout.slider.filter(|row| row.contains(at)) {
            return self.step_on_slider(at.x - slider.x, slider.width).map(Hit::Step);
        }
        if let Some(list) = layout.list.filter(|list| list.contains(at)) {
            return match self.in_sight(usize::from(list.height)).get(usize::from(at.y - list.y))? {
                Row::One(group, one) => Some(Hit::One(self.one((*group, *one))?.1.id)),
                Row::Group(_) => None,
            };
        }
        layout.text.contains(at).then_some(Hit::Text)
    }

    /// Scrolls so that the token in focus is in sight.
    pub(super) fn show_token(&mut self, shared: &Shared, area: Rect) {
        let text = self.layout(area, &shared.theme).text;
        let page = self.page(text);
        let (rows, Some(line)) = (usize::from(text.height), self.token.and_then(|token| page.prose.line_of(token, &page.lines))) else {
            return;
        };
        self.top = page.top.max((line + 1).saturating_sub(rows)).min(line);
    }

    pub(super) fn view(&self, shared: &Shared, scene: Scene<'_>, area: Rect, buf: &mut Buffer) {
        if self.steps.is_empty() {
            return self.nothing(shared, scene, area, buf);
        }
        let theme = &shared.theme;
        let layout = self.layout(area, theme);
        if let Some(row) = layout.slider {
            self.slider(theme, row, buf);
        }
        if let Some(list) = layout.list {
            self.list(theme, list, buf);
        }
        if let Some(wall) = layout.wall {
            (wall.y..wall.bottom()).for_each(|y| _ = buf.set_stringn(wall.x, y, theme.axis().0, 1, theme.faint()));
        }
        if layout.title.height > 0 {
            strip::draw(self.title(theme), theme, layout.title, buf);
        }
        self.text(theme, layout.text, buf);
        if let (Some(row), Some(words)) = (layout.token, self.token_words()) {
            buf.set_stringn(row.x, row.y, theme.plain(text::cut(&words, usize::from(row.width))), usize::from(row.width), theme.accent());
        }
        if let (Some(map), Some((group, one))) = (layout.map, self.focused()) {
            let drawn = Map { group, one, theme };
            let width = usize::from(layout.text.width);
            buf.set_stringn(map.x, map.y, theme.plain(text::cut(&drawn.words(), width)), width, theme.title());
            drawn.draw(Rect { y: map.y + 1, height: map.height - 1, ..map }, buf);
        }
    }

    /// The rows of the list in sight: the one in focus in the middle, as far as the ends allow.
    fn in_sight(&self, height: usize) -> Vec<Row> {
        let rows = self.rows();
        let is_focused =
            |row: &Row| matches!(row, Row::One(group, one) if self.one((*group, *one)).is_some_and(|(_, one)| Some(one.id) == self.chosen));
        let at = rows.iter().position(is_focused).unwrap_or(0);
        let top = at.saturating_sub(height / 2).min(rows.len().saturating_sub(height));
        rows.into_iter().skip(top).take(height).collect()
    }

    fn list(&self, theme: &Theme, area: Rect, buf: &mut Buffer) {
        let width = usize::from(area.width);
        let rewards =
            || self.groups.iter().flat_map(|group| &group.trajectories).filter_map(|one| one.reward).filter(|reward| reward.is_finite());
        let (low, high) = rewards().fold((0.0f64, f64::NEG_INFINITY), |(low, high), reward| (low.min(reward), high.max(reward)));
        let rows = self.in_sight(usize::from(area.height));
        if rows.is_empty() {
            let why = if self.groups.is_empty() { "no group at this step" } else { "no prompt has these words" };
            buf.set_stringn(area.x, area.y, why, width, theme.quiet());
        }
        for (y, row) in (area.y..area.bottom()).zip(rows) {
            let left = |x: u16| usize::from(area.right().saturating_sub(x));
            match row {
                Row::Group(at) => {
                    let group = &self.groups[at];
                    let mean = group.mean.map_or_else(String::new, |mean| format!(" mean {}  ", text::number(mean, 3)));
                    let x =
                        buf.set_stringn(area.x, y, format!("group {} ", group.index), width, theme.title().add_modifier(Modifier::BOLD)).0;
                    let x = buf.set_stringn(x, y, mean, left(x), theme.value()).0;
                    buf.set_stringn(x, y, theme.plain(text::cut(&clean(&group.title), left(x))), left(x), theme.quiet());
                }
                Row::One(at, one) => {
                    let Some((group, one)) = self.one((at, one)) else { continue };
                    let is_focused = Some(one.id) == self.chosen;
                    let (mark, style) = if is_focused { (theme.cursor(), theme.accent()) } else { (" ", Style::new()) };
                    let x = buf.set_stringn(area.x, y, format!("{mark} #{:<3}{:>7} ", one.index, reward(one)), width, style).0;
                    let (sign, sign_style) = extreme(theme, group, one).unwrap_or((" ", Style::new()));
                    let x = buf.set_stringn(x, y, sign, left(x), sign_style).0 + 1;
                    let (full, empty) = theme.bar();
                    let cells = left(x).saturating_sub(11).min(24);
                    let share =
                        one.reward.filter(|reward| reward.is_finite() && high > low).map_or(0.0, |reward| (reward - low) / (high - low));
                    let on = (share * cells as f64).round() as usize;
                    let x = buf.set_stringn(x, y, full.repeat(on), left(x), if is_focused { theme.accent() } else { theme.curve() }).0;
                    let x = buf.set_stringn(x, y, empty.repeat(cells - on), left(x), theme.faint()).0;
                    if let Some(km) = (Map { group, one, theme }).distance() {
                        buf.set_stringn(x, y, format!(" {} km", text::number(km, 3)), left(x), theme.quiet());
                    }
                }
            }
        }
    }

    /// Which answer it is, and how it fared.
    fn title(&self, theme: &Theme) -> Vec<Part> {
        let Some((group, one)) = self.focused() else { return vec![] };
        let mut parts = vec![
            Part::new(format!("group {} #{}", group.index, one.index), theme.chosen(), 9),
            Part::new(format!("reward {}", reward(one)), theme.value(), 8),
        ];
        if let Some((sign, style)) = extreme(theme, group, one) {
            let word = if Some(one.id) == best_of(group) { "best" } else { "worst" };
            parts.push(Part::new(format!("{sign} {word} of {}", group.trajectories.len()), style, 6));
        }
        if self.body().is_none() {
            parts.push(Part::new("reading...", theme.quiet(), 7));
        }
        if let Some(problem) = &self.problem {
            parts.push(Part::new(problem.as_str(), theme.bad(), 7));
        }
        parts
    }

    fn text(&self, theme: &Theme, area: Rect, buf: &mut Buffer) {
        let Page { prose, lines, top } = self.page(area);
        let tokens = self.body().map_or(&[][..], |body| &body.tokens);
        for (y, line) in (area.y..area.bottom()).zip(lines.into_iter().skip(top)) {
            let mut x = area.x;
            for (piece, kind) in prose.pieces(line) {
                let left = usize::from(area.right().saturating_sub(x));
                let (piece, style) = match kind {
                    Kind::Plain => (piece, Style::new()),
                    Kind::Heading => (piece, theme.title()),
                    Kind::Quiet => (piece, theme.quiet()),
                    Kind::Token(at) => {
                        let tint =
                            tokens.get(at).filter(|_| self.tint).map_or_else(Style::new, |token| theme.likelihood(token.probability()));
                        (piece, if self.token == Some(at) { tint.add_modifier(Modifier::REVERSED) } else { tint })
                    }
                    Kind::Strip(at) => {
                        let probability = strip_cell(tokens, at, usize::from(area.width));
                        let levels = theme.spark();
                        let level = ((1.0 - probability.unwrap_or(1.0)) * (levels.len() - 1) as f64).round() as usize;
                        (
                            levels[level.min(levels.len() - 1)].to_owned(),
                            theme.likelihood(probability).remove_modifier(Modifier::UNDERLINED),
                        )
                    }
                };
                x = buf.set_stringn(x, y, theme.plain(piece.into()), left, style).0;
            }
        }
    }

    /// `token 5 of 26: " 48", logprob -1.3, probability 27%`.
    fn token_words(&self) -> Option<String> {
        let (at, body) = (self.token?, self.body()?);
        let token = body.tokens.get(at)?;
        let word = match &token.word {
            Word::Text(text) => format!("\"{}\"", clean(&text.replace('\n', "\\n"))),
            Word::Id(id) => format!("id {id}"),
        };
        let logprob = if token.logprob.is_nan() { "no probability".into() } else { format!("logprob {}", text::number(token.logprob, 4)) };
        let probability = token.probability().map(|p| format!("  {}", text::percent(p))).unwrap_or_default();
        Some(format!("token {} of {}: {word}  {logprob}{probability}", at + 1, body.tokens.len()))
    }

    pub(super) fn detail(&self, shared: &Shared, _scene: Scene<'_>, area: Rect) -> Value {
        let theme = &shared.theme;
        let (at, count) = self.step_at();
        let focus = self.focused();
        let layout = self.layout(area, theme);
        let row = |row: Row| match row {
            Row::Group(at) => {
                json!({"group": self.groups[at].index, "mean": self.groups[at].mean.map(num::to_json), "title": text::cut(&self.groups[at].title, 80)})
            }
            Row::One(group, one) => self.one((group, one)).map_or(
                Value::Null,
                |(group, one)| json!({"group": group.index, "trajectory": one.index, "reward": one.reward.map(num::to_json)}),
            ),
        };
        let listed: Vec<Value> = match layout.list {
            Some(list) if count > 0 => self.in_sight(usize::from(list.height)).into_iter().map(row).collect(),
            _ => vec![],
        };
        let told = |text: &str| text.chars().take(TOLD_CHARS_MAX).collect::<String>();
        json!({
            "step": self.step_shown(), "stepNumber": if count > 0 { at + 1 } else { 0 }, "steps": count, "follows": self.step.is_none(),
            "groups": self.groups.len(), "sort": self.order.word(), "tint": self.tint, "visible": listed,
            "group": focus.map(|(group, _)| json!({"index": group.index, "mean": group.mean.map(num::to_json), "best": group.best.map(num::to_json)})),
            "trajectory": focus.map(|(group, one)| json!({
                "index": one.index, "reward": one.reward.map(num::to_json),
                "best": best_of(group) == Some(one.id), "worst": worst_of(group) == Some(one.id),
                "guess": one.guess.map(|(lat, lon)| [num::to_json(lat), num::to_json(lon)]),
                "truth": group.truth.map(|(lat, lon)| [num::to_json(lat), num::to_json(lon)]),
                "distanceKm": Map { group, one, theme }.distance().map(num::to_json),
            })),
            "text": self.body().map(|body| json!({
                "prompt": told(&body.prompt), "answer": told(&body.output), "tokens": body.tokens.len(), "unlikely": unlikely(body),
                "image": body.image, "facts": body.facts,
            })),
            "token": self.token.zip(self.body()).and_then(|(at, body)| Some((at, body.tokens.get(at)?))).map(|(at, token)| json!({
                "number": at + 1, "logprob": num::to_json(token.logprob), "probability": token.probability(),
                "text": match &token.word { Word::Text(text) => Value::from(text.as_str()), Word::Id(id) => Value::from(*id) },
            })),
            "line": self.page(layout.text).top + 1, "problem": self.problem, "readable": !self.none,
        })
    }

    /// Why there is nothing, and what would be here.
    fn nothing(&self, shared: &Shared, scene: Scene<'_>, area: Rect, buf: &mut Buffer) {
        let theme = &shared.theme;
        if self.waits {
            buf.set_stringn(area.x, area.y, "reading...", usize::from(area.width), theme.quiet());
            return;
        }
        let mut lines: Vec<(String, Style)> = vec![];
        lines.extend(self.problem.iter().map(|problem| (problem.clone(), theme.bad())));
        let head = if self.none { "this run keeps no rollouts that og can read" } else { "no rollouts so far" };
        lines.push((head.into(), theme.title()));
        let tables: Vec<_> = scene.run.media.last("table").rev().take(TABLES_MAX).collect();
        if !tables.is_empty() && self.none {
            lines.push(("tables that it logged:".into(), theme.quiet()));
            for table in tables {
                let step = table.step.map(|step| format!(" at step {}", step.0)).unwrap_or_default();
                let path = table.about.get("path").and_then(Value::as_str).map(|path| format!(": {path}")).unwrap_or_default();
                lines.push((clean(&format!("  {}{step}{path}", table.key)), Style::new()));
            }
        }
        lines.push(("Prompts, answers, rewards and how likely each token was, step by step, of runs logged by".into(), theme.quiet()));
        for (name, how) in [
            ("tviz", "logger.log_rollouts([...], step): also guesses on a map"),
            ("Trackio", "trackio.Trace, or trackio.Table with columns prompt, completion, reward"),
        ] {
            lines.push((format!("  {name:<8} {how}"), Style::new()));
        }
        lines.push((
            "A database that the training of `og run` writes to is found by itself; `og view DATABASE` opens any other".into(),
            theme.quiet(),
        ));
        let mut y = area.y;
        for (line, style) in lines {
            for row in text::wrap(&line, usize::from(area.width)) {
                if y >= area.bottom() {
                    return;
                }
                buf.set_stringn(area.x, y, theme.plain(row.into()), usize::from(area.width), style);
                y += 1;
            }
        }
    }
}

fn reward(one: &TrajectoryHead) -> String {
    one.reward.map_or_else(|| "-".into(), |reward| text::number(reward, 4))
}

fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

fn unlikely(body: &Body) -> usize {
    body.tokens.iter().filter(|token| token.probability().is_some_and(|p| p < UNLIKELY)).count()
}

fn put_tokens(tokens: &[Token], between: &str, prose: &mut Prose) {
    for (at, token) in tokens.iter().enumerate() {
        match &token.word {
            Word::Text(text) => prose.push(text, Kind::Token(at)),
            // Nobody logged what it says.
            Word::Id(-1) => prose.push("?", Kind::Token(at)),
            Word::Id(id) => prose.push(&id.to_string(), Kind::Token(at)),
        }
        prose.push(between, Kind::Plain);
    }
}

/// The tokens that a cell of the strip stands for begin at these.
fn strip_of(tokens: &[Token], width: usize) -> Vec<usize> {
    let cells = tokens.len().min(width.max(1));
    (0..cells).map(|cell| cell * tokens.len() / cells).collect()
}

/// The least likely of the tokens that a cell of the strip stands for.
fn strip_cell(tokens: &[Token], from: usize, width: usize) -> Option<f64> {
    let to = strip_of(tokens, width).into_iter().find(|at| *at > from).unwrap_or(tokens.len());
    tokens.get(from..to)?.iter().filter_map(Token::probability).reduce(f64::min)
}

fn best_of(group: &RolloutGroup) -> Option<i64> {
    extremes(group).map(|(_, best)| best)
}

fn worst_of(group: &RolloutGroup) -> Option<i64> {
    extremes(group).map(|(worst, _)| worst)
}

/// The first of the worst and the first of the best; `None`: all are alike.
fn extremes(group: &RolloutGroup) -> Option<(i64, i64)> {
    let scored = || group.trajectories.iter().filter_map(|one| Some((one.id, one.reward.filter(|reward| !reward.is_nan())?)));
    let worst = scored().reduce(|a, b| if b.1 < a.1 { b } else { a })?;
    let best = scored().reduce(|a, b| if b.1 > a.1 { b } else { a })?;
    (worst.1 < best.1).then_some((worst.0, best.0))
}

/// The sign of the best or the worst of a group.
fn extreme(theme: &Theme, group: &RolloutGroup, one: &TrajectoryHead) -> Option<(&'static str, Style)> {
    let [best, worst] = theme.extremes();
    match one.id {
        id if best_of(group) == Some(id) => Some(best),
        id if worst_of(group) == Some(id) => Some(worst),
        _ => None,
    }
}
