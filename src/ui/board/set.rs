//! The state of the board by names: what `og set` and saved views say, taken as if keys had been pressed.

use super::{
    Above, Board, Tab,
    graphs::ShownSeries,
    help::Help,
    input::{Input, Purpose},
    is_tiny,
    page::{Found, Page as _, Refused, truth},
};
use crate::store::Remark;
use crate::text;
use crate::ui::{
    config::View,
    pane::{Effect, Export, Scene},
};
use serde_json::Value;
use std::time::Duration;

/// Longest name of a saved view: it has to fit into a list.
const NAME_CHARS_MAX: usize = 40;

/// A value as the text that a person would type.
pub fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// What is written as a person likes, so that `null` is a word in it.
const FREE: [&str; 4] = ["note", "notes", "tags", "view"];

/// The same for a name of the state; `null` is told where there is nothing, so it means that also as a word.
fn state_text(name: &str, value: &Value) -> String {
    if value == "null" && !FREE.contains(&name) { String::new() } else { as_text(value) }
}

/// A name as pages know it: `fullScreen`, `full_screen` and `full-screen` are one.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
}

/// Whether the tab of a saved view has this value before anybody touches it.
pub fn is_as_it_comes(view: &View, name: &str, value: &Value) -> bool {
    let tab = view.get("tab").map_or_else(String::new, as_text);
    let (name, value) = (plain(name), as_text(value));
    let kept = || Tab::ALL.iter().find(|one| one.name() == tab).map_or_else(Vec::new, |tab| tab.fresh().kept());
    match name.as_str() {
        "tab" => false,
        "filter" => value.is_empty(),
        "regex" => truth(&value) == Ok(false),
        name => kept().contains(&(name, value)),
    }
}

/// What resets others when it is set, in the order in which it has to be: these come before all others.
const FIRST: [&str; 14] =
    ["tab", "view", "regex", "filter", "xaxis", "groupby", "sort", "metric", "selected", "pinned", "baseline", COMPARED, "beside", "drawn"];
/// The view of runs beside each other is of those that are selected.
const COMPARED: &str = "view=compare";
/// What moves when others are set: these come behind all others.
const LAST: [&str; 10] = ["focused", "line", "focus", "grid", "page", "aside", "row", "top", "follows", "paused"];

/// Whether it has a name that is about other runs, in whatever tab.
pub fn names_a_run(view: &View) -> bool {
    view.keys().any(|name| plain(name) == "baseline")
}

/// When a name is set, of several that are set together.
fn turn(name: &str, value: &Value) -> usize {
    let name = if name == "view" && value == "compare" { COMPARED } else { name };
    let place = |names: &[&str]| names.iter().position(|one| one == &name);
    place(&FIRST).or_else(|| place(&LAST).map(|at| FIRST.len() + 1 + at)).unwrap_or(FIRST.len())
}

/// Longest notes and tags that are set: some pages.
const REMARK_CHARS_MAX: usize = 16_000;

fn cut(text: &str) -> String {
    text.chars().take(REMARK_CHARS_MAX).collect()
}

/// Notes as they are typed: a line break is `\\n`.
pub fn one_line(notes: &str) -> String {
    notes.trim_end().replace('\n', "\\n")
}

/// Notes as they are kept.
fn many_lines(typed: &str) -> String {
    typed.replace("\\n", "\n")
}

impl Board {
    /// Sets names; what was refused comes back in words. They may come in any order: the tab is set first, since the others are
    /// about it, and a filter, which scrolls to the start, before the place scrolled to.
    pub(super) fn set(&mut self, view: &View, scene: Scene<'_>) -> Vec<String> {
        let mut refused = vec![];
        self.above = Above::Nothing;
        let mut names: Vec<(String, &String, &Value)> = view.iter().map(|(name, value)| (plain(name), name, value)).collect();
        names.sort_by_key(|(plain, _, value)| turn(plain, value));
        let text_of = |wanted: &str| names.iter().find(|(plain, ..)| plain == wanted).map(|(.., value)| as_text(value));
        let mut query = Some((text_of("filter"), text_of("regex")));
        for (plain, name, value) in names {
            if matches!(plain.as_str(), "filter" | "regex") {
                // The text and whether it is a regular expression are one thing, in whatever order they came.
                let done = query.take().map_or(Ok(()), |(text, regex)| self.set_filter(text, regex, scene));
                refused.extend(done.err());
                continue;
            }
            match self.set_one(&plain, &state_text(&plain, value), scene) {
                Ok(()) => {}
                Err(Refused::Unknown) => refused.push(format!("the {} tab has no `{name}` to set", self.tab.name())),
                Err(Refused::Value(why)) => refused.push(format!("{name}: {why}")),
            }
        }
        let (page, shared) = self.page_mut();
        page.refresh(shared, scene);
        refused
    }

    /// Filters the tab in front, unless what is to do that is no filter; else why not.
    fn set_filter(&mut self, text: Option<String>, regex: Option<String>, scene: Scene<'_>) -> Result<(), String> {
        let mut trial = self.tab.fresh();
        let (page, shared) = self.page_mut();
        let regex = match regex.map_or(Ok(page.is_regex()), |regex| truth(&regex)) {
            Ok(regex) => regex,
            Err(Refused::Value(why)) => return Err(format!("regex: {why}")),
            Err(Refused::Unknown) => page.is_regex(),
        };
        let text = text.unwrap_or_else(|| page.query().to_owned());
        // Tried apart, so that what is refused moves nothing.
        trial.set_query(&text, regex, shared, scene);
        if let Found::Wrong(why) = trial.found(shared, scene) {
            return Err(format!("filter: {why}"));
        }
        page.set_query(&text, regex, shared, scene);
        Ok(())
    }

    pub(super) fn set_one(&mut self, name: &str, text: &str, scene: Scene<'_>) -> Result<(), Refused> {
        let wrong = Refused::Value;
        match name {
            "tab" if text == "help" => self.above = Above::Help(Help::new(self.page().scope())),
            "tab" => {
                let names = || Tab::ALL.iter().map(|tab| tab.name()).collect::<Vec<_>>().join(", ");
                let tab = Tab::ALL.iter().find(|tab| tab.name() == text);
                self.tab = *tab.ok_or_else(|| wrong(format!("there is no tab `{text}`; there are {}", names())))?;
                self.above = Above::Nothing;
                let (page, shared) = self.page_mut();
                page.refresh(shared, scene);
            }
            // What a tab has of this name goes before a saved view that is called so.
            "view" if self.set_of_page(name, text, scene).is_ok() => {}
            "view" => {
                let own = if self.tab == Tab::Runs { "; the runs have table, recent, lineage, compare" } else { "" };
                let none = || wrong(format!("no view is saved as `{text}`{own}"));
                let view = self.settings.views.get(text).cloned().ok_or_else(none)?;
                if view.contains_key("view") {
                    return Err(wrong(format!("the view `{text}` names another view")));
                }
                if let Some(why) = self.set(&view, scene).first() {
                    return Err(wrong(why.clone()));
                }
            }
            "theme" => self.shared.theme.scheme = text.parse().map_err(wrong)?,
            "colours" => self.shared.theme.depth = text.parse().map_err(wrong)?,
            "glyphs" => self.shared.theme.glyphs = text.parse().map_err(wrong)?,
            "ui" => self.ui = text.parse().map_err(wrong)?,
            // Kept by whoever draws: the board itself writes nothing.
            "note" | "notes" => self
                .wishes
                .push(Effect::Remark { author: "agent", remark: Remark::Notes { text: cut(text), step: self.step_in_focus(scene) } }),
            "tags" => self.wishes.push(Effect::Remark { author: "agent", remark: Remark::tags(&cut(text)) }),
            // Pinned among the runs, drawn with the charts.
            "baseline" => return self.runs.set(name, text, &self.shared, scene, self.layout(self.area).body),
            _ => return self.set_of_page(name, text, scene),
        }
        Ok(())
    }

    fn set_of_page(&mut self, name: &str, text: &str, scene: Scene<'_>) -> Result<(), Refused> {
        let body = self.layout(self.area).body;
        let (page, shared) = self.page_mut();
        page.set(name, text, shared, scene, body)
    }

    /// What a saved view keeps of what is shown.
    pub(super) fn kept(&self) -> View {
        let page = self.page();
        let mut view = View::new();
        view.insert("tab".into(), self.tab.name().into());
        if !page.query().is_empty() {
            view.insert("regex".into(), page.is_regex().into());
        }
        view.insert("filter".into(), page.query().into());
        view.extend(page.kept().into_iter().map(|(name, value)| (name.to_owned(), value.into())));
        view
    }

    /// The step at the crosshair of the charts: what a note that is written now is about.
    pub(super) fn step_in_focus(&self, scene: Scene<'_>) -> Option<i64> {
        self.graphs.pointed_at(scene).step.map(|step| step.round() as i64)
    }

    /// What was typed is kept.
    pub(super) fn kept_input(&mut self, input: &Input, scene: Scene<'_>, now: Duration) -> Vec<Effect> {
        let text = input.text().trim().to_owned();
        match input.purpose() {
            Purpose::Query => self.set_query(&input.text(), input.is_regex(), scene),
            Purpose::Notes => {
                let remark = Remark::Notes { text: many_lines(&text), step: self.step_in_focus(scene) };
                return vec![Effect::Remark { author: "human", remark }, Effect::Draw];
            }
            Purpose::Tags => return vec![Effect::Remark { author: "human", remark: Remark::tags(&text) }, Effect::Draw],
            _ if text.is_empty() => {}
            Purpose::Message => return vec![Effect::Say(text), Effect::Draw],
            Purpose::SaveView if text.chars().count() > NAME_CHARS_MAX => {
                self.say(format!("a name of at most {NAME_CHARS_MAX} characters, please"), now);
            }
            Purpose::SaveView => {
                let view = self.kept();
                let before = self.settings.views.insert(text.clone(), view.clone());
                self.say(format!("{} the view {text}", if before.is_some() { "replaced" } else { "saved" }), now);
                return vec![Effect::Keep { path: vec!["views".into(), text], value: Some(Value::Object(view)) }, Effect::Draw];
            }
        }
        vec![Effect::Draw]
    }

    /// The data on the screen, to be written to a file.
    pub(super) fn export(&mut self, json: bool, scene: Scene<'_>, now: Duration) -> Vec<Effect> {
        let series: Vec<_> = self.charted(scene).into_iter().map(|(key, series, points)| (key, series.clone(), points)).collect();
        if series.is_empty() {
            self.say("no metric is shown here: the charts can be exported".into(), now);
            return vec![Effect::Draw];
        }
        vec![Effect::Export(Export { series, json })]
    }

    /// The names and values on the screen, one metric a line.
    pub(super) fn copy_shown(&mut self, scene: Scene<'_>, now: Duration) -> Vec<Effect> {
        let line = |(key, series, _): ShownSeries<'_>| {
            let value = series.last().map_or_else(String::new, |point| text::number(point.value, 6));
            format!("{key}\t{value}")
        };
        let lines: Vec<String> = self.charted(scene).into_iter().map(line).collect();
        if lines.is_empty() {
            self.say("no metric is shown here".into(), now);
            return vec![Effect::Draw];
        }
        self.say(format!("copied {} metric{}", lines.len(), if lines.len() == 1 { "" } else { "s" }), now);
        vec![Effect::Copy(lines.join("\n")), Effect::Draw]
    }

    /// All that the charts on the screen draw, also what has no room for its value.
    fn charted<'a>(&'a self, scene: Scene<'a>) -> Vec<ShownSeries<'a>> {
        let is_drawn = self.tab == Tab::Graphs && !is_tiny(self.area);
        if is_drawn { self.graphs.shown_series(scene, self.layout(self.area).body) } else { vec![] }
    }
}
