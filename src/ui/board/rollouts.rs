//! What the model answered while it was trained: steps, groups, and one answer with its tokens.
//! The lists are small; the texts of an answer are read when it is looked at.

mod map;
mod prose;
#[cfg(test)]
mod tests;
mod slider;
mod view;

use super::{
    page::{Found, NOTCH, Page, Refused, Shared, told_as, truth, value},
    sieve::Sieve,
};
use crate::ipc::wire::{GraphView, MetricView};
use crate::source::{Body, RolloutGroup, TrajectoryHead};
use crate::ui::{
    keymap::{Action, Scope},
    pane::{Effect, RolloutNews, RolloutWant, Scene},
    strip::Part,
    theme::UNLIKELY,
};
use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
};
use view::Hit;

/// Steps that a leap passes.
const LEAP: isize = 10;

/// The order of the answers of a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Order {
    /// As they were logged.
    #[default]
    Logged,
    /// The best first.
    Best,
    /// The worst first.
    Worst,
}

impl Order {
    const ALL: [Order; 3] = [Order::Logged, Order::Best, Order::Worst];

    fn word(self) -> &'static str {
        match self {
            Order::Logged => "logged",
            Order::Best => "best",
            Order::Worst => "worst",
        }
    }
}

/// A row of the list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Row {
    /// A group, by its place.
    Group(usize),
    /// An answer: places of its group and in it.
    One(usize, usize),
}

/// State of the tab.
#[derive(Debug)]
pub struct Rollouts {
    /// Nothing was heard yet.
    waits: bool,
    /// The tracker keeps none.
    none: bool,
    problem: Option<String>,
    steps: Vec<i64>,
    /// The step that was chosen; `None`: the newest, whatever comes.
    step: Option<i64>,
    /// The step of the groups.
    listed: Option<i64>,
    groups: Vec<RolloutGroup>,
    /// Id of the answer in focus.
    chosen: Option<i64>,
    /// Index of its group and its own, by which it is found again in another step.
    place: (i64, i64),
    body: Option<Body>,
    order: Order,
    tint: bool,
    /// The token in focus.
    token: Option<usize>,
    /// Where the focus goes among the tokens once they are read: keys may come faster.
    token_later: Option<(isize, bool)>,
    /// The token and the first line in sight that were set before there was a text.
    set_later: Option<(Option<usize>, usize)>,
    /// First line of the text in sight.
    top: usize,
    /// Only the text is shown.
    alone: bool,
    filter: Sieve,
    /// How many the run told of.
    count: u64,
}

impl Default for Rollouts {
    fn default() -> Rollouts {
        Rollouts {
            waits: true,
            none: false,
            problem: None,
            steps: vec![],
            step: None,
            listed: None,
            groups: vec![],
            chosen: None,
            place: (0, 0),
            body: None,
            order: Order::Logged,
            tint: true,
            token: None,
            token_later: None,
            set_later: None,
            top: 0,
            alone: false,
            filter: Sieve::default(),
            count: 0,
        }
    }
}

impl Rollouts {
    /// What is looked at, and so has to be read.
    pub fn wanted(&self) -> RolloutWant {
        RolloutWant { step: self.step, body: self.listed.zip(self.chosen), count: self.count }
    }

    /// Takes what was read.
    pub fn hear(&mut self, news: RolloutNews) {
        (self.waits, self.none, self.problem) = (false, news.none, news.problem);
        if news.none {
            *self = Rollouts { waits: false, none: true, problem: self.problem.take(), ..Rollouts::default() };
        }
        if let Some(steps) = news.steps {
            self.steps = steps;
            // A step that is not there would never be listed.
            self.step = self.step.and_then(|step| self.nearest_step(step));
        }
        if let Some((step, groups)) = news.groups {
            let is_same = self.listed == Some(step);
            (self.listed, self.groups) = (Some(step), groups);
            self.find_again(is_same);
        }
        if let Some(body) = news.body {
            let is_other = self.body.as_ref().map(|body| body.id) != body.as_ref().map(|body| body.id);
            self.body = body;
            if is_other {
                (self.top, self.token) = (0, None);
            }
            if self.body().is_some()
                && let Some(set) = self.set_later.take()
            {
                (self.token, self.top) = set;
            }
            if self.body().is_some()
                && let Some((by, only_unlikely)) = self.token_later.take()
            {
                self.go_to_token(by, only_unlikely);
            }
        }
    }

    /// The answer that takes the focus when the list changed: the same one, or the one in its place.
    fn find_again(&mut self, is_same_step: bool) {
        let ids = || self.groups.iter().flat_map(|group| group.trajectories.iter().map(move |one| (group, one)));
        let same = ids().find(|(_, one)| is_same_step && Some(one.id) == self.chosen);
        let in_place = || ids().find(|(group, one)| (group.index, one.index) == self.place);
        let in_group = || ids().find(|(group, _)| group.index == self.place.0);
        let found = same.or_else(in_place).or_else(in_group).or_else(|| ids().next()).map(|(_, one)| one.id);
        if !is_same_step {
            (self.body, self.top, self.token) = (None, 0, None);
        }
        self.chosen = found;
    }

    /// The groups that the filter lets through, each with its answers in order.
    fn rows(&self) -> Vec<Row> {
        let mut rows = vec![];
        for (at, group) in self.groups.iter().enumerate().filter(|(_, group)| self.filter.fits(&group.title)) {
            rows.push(Row::Group(at));
            let mut ones: Vec<usize> = (0..group.trajectories.len()).collect();
            let reward = |one: &usize| group.trajectories[*one].reward.unwrap_or(f64::NEG_INFINITY);
            match self.order {
                Order::Logged => {}
                Order::Best => ones.sort_by(|a, b| reward(b).total_cmp(&reward(a))),
                Order::Worst => ones.sort_by(|a, b| reward(a).total_cmp(&reward(b))),
            }
            rows.extend(ones.into_iter().map(|one| Row::One(at, one)));
        }
        rows
    }

    /// How many groups the filter lets through.
    fn fitting(&self) -> usize {
        self.groups.iter().filter(|group| self.filter.fits(&group.title)).count()
    }

    fn one(&self, (group, one): (usize, usize)) -> Option<(&RolloutGroup, &TrajectoryHead)> {
        let group = self.groups.get(group)?;
        Some((group, group.trajectories.get(one)?))
    }

    /// The answer in focus, and its group.
    fn focused(&self) -> Option<(&RolloutGroup, &TrajectoryHead)> {
        let of = |group| move |one| (group, one);
        let mut all = self.groups.iter().flat_map(|group: &RolloutGroup| group.trajectories.iter().map(of(group)));
        all.find(|(_, one)| Some(one.id) == self.chosen)
    }

    /// The answer in focus with its texts, once they are read.
    fn body(&self) -> Option<&Body> {
        self.body.as_ref().filter(|body| Some(body.id) == self.chosen)
    }

    fn choose(&mut self, id: i64) {
        if self.chosen != Some(id) {
            (self.chosen, self.top, self.token, self.token_later) = (Some(id), 0, None, None);
        }
        if let Some((group, one)) = self.focused() {
            self.place = (group.index, one.index);
        }
    }

    /// Moves the focus by so many answers of the list.
    fn go(&mut self, by: isize) {
        let ids: Vec<i64> = self.ids();
        let at = ids.iter().position(|id| Some(*id) == self.chosen);
        let to = at.map_or(0, |at| at.saturating_add_signed(by)).min(ids.len().saturating_sub(1));
        ids.get(to).into_iter().for_each(|id| self.choose(*id));
    }

    /// The answers of the list in its order.
    fn ids(&self) -> Vec<i64> {
        let id = |row: Row| if let Row::One(group, one) = row { self.one((group, one)).map(|(_, one)| one.id) } else { None };
        self.rows().into_iter().filter_map(id).collect()
    }

    fn go_to_group(&mut self, by: isize) {
        let first = |group: usize| {
            self.rows().into_iter().find_map(|row| {
                if let Row::One(at, one) = row
                    && at == group
                {
                    self.one((at, one))
                } else {
                    None
                }
            })
        };
        let groups: Vec<usize> = self.rows().into_iter().filter_map(|row| if let Row::Group(at) = row { Some(at) } else { None }).collect();
        let here = self.groups.iter().position(|group| group.trajectories.iter().any(|one| Some(one.id) == self.chosen));
        let at = groups.iter().position(|group| Some(*group) == here).unwrap_or(0);
        let to = groups.get(at.saturating_add_signed(by).min(groups.len().saturating_sub(1))).copied();
        if let Some(id) = to.and_then(first).map(|(_, one)| one.id) {
            self.choose(id);
        }
    }

    fn go_to_extreme(&mut self, best: bool) {
        let Some((group, _)) = self.focused() else { return };
        let scored = || group.trajectories.iter().filter_map(|one| Some((one.id, one.reward.filter(|reward| !reward.is_nan())?)));
        // Of several that are as good, the first.
        let better = |a: (i64, f64), b: (i64, f64)| if (b.1 > a.1) == best && b.1 != a.1 { b } else { a };
        if let Some((id, _)) = scored().reduce(better) {
            self.choose(id);
        }
    }

    fn go_to_step(&mut self, by: isize) {
        let Some(last) = self.steps.len().checked_sub(1) else { return };
        let at = self.step.or(self.listed).map_or(last, |step| self.steps.partition_point(|other| *other < step));
        let to = at.saturating_add_signed(by).min(last);
        self.step = (to < last).then(|| self.steps[to]);
    }

    /// Whether the step that is shown is the one that was asked for.
    fn is_settled(&self) -> bool {
        self.listed == self.step.or(self.steps.last().copied())
    }

    fn nearest_step(&self, step: i64) -> Option<i64> {
        self.steps.iter().copied().min_by_key(|other| other.abs_diff(step))
    }

    fn go_to_token(&mut self, by: isize, only_unlikely: bool) {
        let Some(body) = self.body().filter(|_| self.is_settled()) else {
            self.token_later = Some((by, only_unlikely));
            return;
        };
        let is_meant = |at: &usize| !only_unlikely || body.tokens[*at].probability().is_some_and(|p| p < UNLIKELY);
        let count = body.tokens.len();
        let to = match (self.token, by > 0) {
            (None, true) => (0..count).find(is_meant),
            (None, false) => (0..count).rev().find(is_meant),
            (Some(at), true) => (at + 1..count).find(is_meant),
            (Some(at), false) => (0..at.min(count)).rev().find(is_meant),
        };
        self.token = to.or(self.token);
    }
}

impl Page for Rollouts {
    fn scope(&self) -> Scope {
        Scope::Rollouts
    }

    fn act(&mut self, action: Action, shared: &Shared, _scene: Scene<'_>, area: Rect) -> Option<Vec<Effect>> {
        // Who presses a key goes on from what is shown.
        self.set_later = None;
        match action {
            Action::Left => self.go_to_step(-1),
            Action::Right => self.go_to_step(1),
            Action::PanLeft => self.go_to_step(-LEAP),
            Action::PanRight => self.go_to_step(LEAP),
            Action::Follow => self.step = None,
            // Held still, the step that is shown stays.
            Action::Pause => self.step = if self.step.is_none() { self.listed } else { None },
            Action::Up => self.go(-1),
            Action::Down => self.go(1),
            Action::First => self.go(isize::MIN),
            Action::Last => self.go(isize::MAX),
            Action::NextGroup => self.go_to_group(1),
            Action::PreviousGroup => self.go_to_group(-1),
            Action::BestOfGroup => self.go_to_extreme(true),
            Action::WorstOfGroup => self.go_to_extreme(false),
            Action::Sort => {
                let at = Order::ALL.iter().position(|order| *order == self.order).unwrap_or(0);
                self.order = Order::ALL[(at + 1) % Order::ALL.len()];
            }
            Action::Open => self.alone = !self.alone,
            Action::Tint => self.tint = !self.tint,
            Action::PageDown => self.turn_page(1, shared, area),
            Action::PageUp => self.turn_page(-1, shared, area),
            Action::CursorRight | Action::CursorLeft | Action::CursorLeapRight | Action::CursorLeapLeft => {
                let by = if matches!(action, Action::CursorRight | Action::CursorLeapRight) { 1 } else { -1 };
                self.go_to_token(by, matches!(action, Action::CursorLeapRight | Action::CursorLeapLeft));
                self.show_token(shared, area);
            }
            _ => return None,
        }
        Some(vec![Effect::Draw])
    }

    fn wheel(&mut self, down: bool, at: Position, shared: &Shared, _scene: Scene<'_>, area: Rect) -> bool {
        match self.hit(at, area, &shared.theme) {
            Some(Hit::Text) => self.scroll_text(if down { NOTCH } else { -NOTCH }, shared, area),
            _ => self.go(if down { 1 } else { -1 }),
        }
        true
    }

    fn click(&mut self, at: Position, shared: &Shared, _scene: Scene<'_>, area: Rect) -> bool {
        match self.hit(at, area, &shared.theme) {
            Some(Hit::One(id)) => self.choose(id),
            Some(Hit::Step(step)) => self.step = Some(step).filter(|step| Some(step) != self.steps.last()),
            Some(Hit::Text) | None => return false,
        }
        true
    }

    fn back(&mut self, _shared: &Shared) -> bool {
        if self.token.take().is_some() || std::mem::take(&mut self.alone) {
            return true;
        }
        self.filter.clear()
    }

    fn refresh(&mut self, _shared: &Shared, scene: Scene<'_>) {
        let tells = |kind: &str| matches!(kind, "rollout" | "trajectory" | "trace" | "table");
        self.count = scene.run.media.counts().filter(|(kind, _)| tells(kind)).map(|(_, count)| count).sum();
    }

    fn query(&self) -> &str {
        self.filter.text()
    }

    fn is_regex(&self) -> bool {
        self.filter.is_regex()
    }

    fn set_query(&mut self, text: &str, regex: bool, _shared: &Shared, _scene: Scene<'_>) {
        self.filter = Sieve::new(text, regex);
        let ids = self.ids();
        if !ids.iter().any(|id| Some(*id) == self.chosen)
            && let Some(first) = ids.first()
        {
            self.choose(*first);
        }
    }

    fn found(&self, _shared: &Shared, _scene: Scene<'_>) -> Found {
        self.filter.found(self.fitting(), self.groups.len())
    }

    fn set(&mut self, name: &str, text: &str, shared: &Shared, _scene: Scene<'_>, area: Rect) -> Result<(), Refused> {
        match name {
            "step" if text.is_empty() || text == "newest" => self.step = None,
            "follows" | "paused" => self.step = if truth(text)? == (name == "paused") { self.step.or(self.listed) } else { None },
            // What is asked for before anything was read is found when it is.
            "step" if self.waits => self.step = Some(value(text, "a step or `newest`")?),
            "step" => {
                let step = value::<i64>(text, "a step or `newest`")?;
                let nearest = self.nearest_step(step);
                self.step = Some(nearest.ok_or_else(|| Refused::Value("no step has rollouts so far".into()))?);
            }
            "group" | "trajectory" if text.is_empty() => {}
            "group" => {
                let index = value::<i64>(&told_as(text, "index"), "the index of a group")?;
                self.place = (index, if index == self.place.0 { self.place.1 } else { 0 });
                self.focus_on_place()?;
            }
            "trajectory" => {
                self.place.1 = value::<i64>(&told_as(text, "index"), "the index of a trajectory")?;
                self.focus_on_place()?;
            }
            "sort" => {
                let order = Order::ALL.into_iter().find(|order| order.word() == text);
                self.order = order.ok_or_else(|| Refused::Value(format!("logged, best or worst is wanted, not `{text}`")))?;
            }
            "tint" => self.tint = truth(text)?,
            "token" if text.is_empty() => self.token = None,
            "token" => self.token = value::<usize>(&told_as(text, "number"), "the number of a token")?.checked_sub(1),
            "line" => {
                let top = value::<usize>(text, "the number of a line")?.saturating_sub(1);
                // What is still being read is as long as it will be.
                let is_read = self.body().is_some() && self.is_settled();
                self.top = if is_read { self.can_be_top(top, shared, area)? } else { top };
            }
            "fullscreen" => self.alone = truth(text)?,
            _ => return Err(Refused::Unknown),
        }
        if matches!(name, "token" | "line") && (self.body().is_none() || !self.is_settled()) {
            self.set_later = Some((self.token, self.top));
        }
        Ok(())
    }

    fn kept(&self) -> Vec<(&'static str, String)> {
        vec![("sort", self.order.word().into()), ("tint", self.tint.to_string()), ("fullscreen", self.alone.to_string())]
    }

    fn draw(&self, shared: &Shared, scene: Scene<'_>, area: Rect, buf: &mut Buffer) {
        self.view(shared, scene, area, buf);
    }

    fn footer(&self, shared: &Shared, _scene: Scene<'_>, _area: Rect) -> Vec<Part> {
        let theme = &shared.theme;
        let mut parts: Vec<Part> = self.filter.part(self.fitting(), shared).into_iter().collect();
        if self.order != Order::Logged {
            parts.push(Part::new(format!("{} first", self.order.word()), theme.value(), 8));
        }
        if !self.tint {
            parts.push(Part::new("no tint", theme.quiet(), 6));
        }
        if !self.groups.is_empty() {
            let has_tokens = self.body().is_some_and(|body| !body.tokens.is_empty());
            let hints = [("left/right step", 7), ("b best  w worst", 6), ("> unlikely", 4)];
            parts.extend(hints.into_iter().take(if has_tokens { 3 } else { 2 }).map(|(hint, rank)| Part::new(hint, theme.faint(), rank)));
        }
        parts
    }

    fn hints(&self) -> Vec<(Action, &'static str)> {
        let word = if self.alone { "list" } else { "read" };
        if self.groups.is_empty() { vec![] } else { vec![(Action::Open, word)] }
    }

    fn tell(&self, view: &mut GraphView, shared: &Shared, scene: Scene<'_>, area: Rect) -> Vec<MetricView> {
        view.full_screen = self.alone;
        view.paused = self.step.is_some();
        view.detail = self.detail(shared, scene, area);
        vec![]
    }
}

impl Rollouts {
    /// Puts the focus onto the answer that was named.
    fn focus_on_place(&mut self) -> Result<(), Refused> {
        let (group, one) = self.place;
        if self.waits || !self.is_settled() {
            self.chosen = None;
            return Ok(());
        }
        let found =
            self.groups.iter().filter(|other| other.index == group).flat_map(|group| &group.trajectories).find(|other| other.index == one);
        let id = found.map(|one| one.id).ok_or_else(|| Refused::Value(format!("this step has no trajectory {one} in a group {group}")))?;
        self.choose(id);
        Ok(())
    }
}
