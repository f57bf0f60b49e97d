//! What keys and the mouse do to the board: to what is open above the tab, to the tab, else to all of it.

use super::{
    Above, Board, TOAST, Tab,
    help::Help,
    input::{self, Input, Purpose, Typed},
    is_tiny,
    menu::{AUTO, Chose, List, Looks},
    page::{self, Page as _},
    palette::{self, Palette},
    set,
    tab::tab_words,
};
use crate::store::tags_text;
use crate::ui::{
    keymap::Action,
    pane::{Effect, Scene},
    theme::Scheme,
};
use crossterm::event::{KeyEvent, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};
use std::time::Duration;

impl Board {
    pub(super) fn on_key(&mut self, key: KeyEvent, scene: Scene<'_>, now: Duration) -> Vec<Effect> {
        if key.kind == KeyEventKind::Release {
            return vec![];
        }
        let had_toast = self.toast.take().is_some();
        let action = self.keymap.action(&self.scopes(), key);
        let body = self.layout(self.area).body;
        let effects = match std::mem::replace(&mut self.above, Above::Nothing) {
            Above::Input(input) => self.on_input(input, input::Key { action, key }, scene, now),
            Above::Palette(palette) => self.on_palette(palette, input::Key { action, key }, scene, now),
            Above::List(list) => self.on_list(list, action, scene, now),
            Above::Help(help) => {
                self.above = help.act(action, &self.keymap, &self.shared.theme, body).map_or(Above::Nothing, Above::Help);
                vec![Effect::Draw]
            }
            Above::Nothing => action.map_or_else(Vec::new, |action| self.act(action, scene, now)),
        };
        if effects.is_empty() && had_toast { vec![Effect::Draw] } else { effects }
    }

    pub(super) fn on_mouse(&mut self, mouse: MouseEvent, scene: Scene<'_>, now: Duration) -> Vec<Effect> {
        let layout = self.layout(self.area);
        let at = Position::new(mouse.column, mouse.row);
        // What is typed is not lost by a slip of the hand.
        if matches!(self.above, Above::Input(_)) || is_tiny(self.area) {
            return vec![];
        }
        if layout.tabs.is_some_and(|row| row.contains(at)) {
            let pressed = mouse.kind == MouseEventKind::Down(MouseButton::Left);
            let words = tab_words(self.tab, self.area.width);
            let hit = words.iter().find(|word| pressed && (word.start..word.end).contains(&mouse.column)).map(|word| word.tab);
            return hit.map_or_else(Vec::new, |tab| {
                self.above = Above::Nothing;
                self.act(Action::Tab(tab), scene, now)
            });
        }
        if !matches!(self.above, Above::Nothing) {
            return self.mouse_above(mouse, layout.body, scene, now);
        }
        let (page, shared) = self.page_mut();
        if layout.body.contains(at) { page.mouse(mouse, shared, scene, layout.body) } else { vec![] }
    }

    /// The wheel goes through what is open above the tab, a click chooses.
    fn mouse_above(&mut self, mouse: MouseEvent, body: Rect, scene: Scene<'_>, now: Duration) -> Vec<Effect> {
        let wheel = match mouse.kind {
            MouseEventKind::ScrollUp => Some(Action::Up),
            MouseEventKind::ScrollDown => Some(Action::Down),
            _ => None,
        };
        let clicked = Some(mouse.row).filter(|_| mouse.kind == MouseEventKind::Down(MouseButton::Left));
        match (&mut self.above, wheel, clicked) {
            (Above::Help(help), Some(_), _) => {
                (0..page::NOTCH)
                    .for_each(|_| *help = help.act(wheel, &self.keymap, &self.shared.theme, body).unwrap_or_else(|| help.clone()));
            }
            (Above::Palette(palette), Some(action), _) => palette.turn(action == Action::Down, &self.keymap),
            (Above::Palette(palette), _, Some(row)) => match palette.clicked(row, &self.keymap, body) {
                Some(action) => {
                    self.above = Above::Nothing;
                    return self.act(action, scene, now);
                }
                None => return vec![],
            },
            (Above::List(list), Some(_), _) => {
                let list = *list;
                return self.on_list(list, wheel, scene, now);
            }
            (Above::List(list), _, Some(row)) => {
                let list = *list;
                let Some(list) = list.clicked(row, &self.looks(), &self.settings.views, body) else { return vec![] };
                self.above = Above::Nothing;
                return self.on_list(list, Some(Action::Open), scene, now);
            }
            _ => return vec![],
        }
        vec![Effect::Draw]
    }

    fn on_input(&mut self, mut input: Input, key: input::Key, scene: Scene<'_>, now: Duration) -> Vec<Effect> {
        match input.take(key, &mut self.history[input.purpose() as usize]) {
            Typed::Kept => return self.kept_input(&input, scene, now),
            Typed::Cancelled if input.purpose() == Purpose::Query => {
                let (text, regex) = input.before();
                self.set_query(text, regex, scene);
            }
            Typed::Cancelled => {}
            Typed::Edited => self.edited(input, scene),
            Typed::Copied(text) => {
                self.above = Above::Input(input);
                return self.copy_typed(text, now);
            }
            Typed::Paste => {
                self.above = Above::Input(input);
                return vec![Effect::Paste];
            }
            Typed::Nothing => {
                self.above = Above::Input(input);
                return vec![];
            }
        }
        vec![Effect::Draw]
    }

    /// What is typed goes to the clipboard; nothing takes nothing's place there.
    fn copy_typed(&mut self, text: String, now: Duration) -> Vec<Effect> {
        if text.is_empty() {
            self.say("nothing to copy".into(), now);
            return vec![Effect::Draw];
        }
        self.say("copied".into(), now);
        vec![Effect::Copy(text), Effect::Draw]
    }

    /// A filter is in force while it is typed.
    pub(super) fn edited(&mut self, input: Input, scene: Scene<'_>) {
        if input.purpose() == Purpose::Query {
            self.set_query(&input.text(), input.is_regex(), scene);
        }
        self.above = Above::Input(input);
    }

    fn on_list(&mut self, list: List, action: Option<Action>, scene: Scene<'_>, now: Duration) -> Vec<Effect> {
        match list.act(action, &self.looks(), &self.settings.views) {
            Chose::Stay(list) => self.above = Above::List(list),
            Chose::Close => {}
            Chose::Entry(action) => return self.act(action, scene, now),
            Chose::View(name) => {
                let view = self.settings.views.get(&name).cloned().unwrap_or_default();
                let refused = self.set(&view, scene);
                self.say(refused.first().cloned().unwrap_or_else(|| format!("view {name}")), now);
            }
            Chose::Remove(list, name) => {
                self.settings.views.remove(&name);
                self.above = Above::List(list);
                return vec![Effect::Keep { path: vec!["views".into(), name], value: None }, Effect::Draw];
            }
            Chose::Option(list, name, value) => {
                // What is found out by itself is not kept.
                let kept = (value != AUTO).then(|| value.clone().into());
                if let Err(page::Refused::Value(why)) = self.set_option(name, &value, scene) {
                    self.say(why, now);
                }
                self.above = Above::List(list);
                return vec![Effect::Keep { path: vec![name.into()], value: kept }, Effect::DrawAll];
            }
        }
        vec![Effect::Draw]
    }

    fn set_option(&mut self, name: &str, value: &str, scene: Scene<'_>) -> Result<(), page::Refused> {
        match name {
            "colours" if value == AUTO => {
                self.shared.theme.depth = self.detected;
                self.settings.colours = None;
                Ok(())
            }
            "colours" => {
                self.set_one(name, value, scene)?;
                self.settings.colours = Some(self.shared.theme.depth);
                Ok(())
            }
            "smoothing" => self.graphs.set(name, value, &self.shared, scene, self.layout(self.area).body),
            _ => self.set_one(name, value, scene),
        }
    }

    pub(super) fn looks(&self) -> Looks {
        let smoothing = self.graphs.kept().into_iter().find(|(name, _)| *name == "smoothing").map_or_else(String::new, |(_, value)| value);
        let theme = self.shared.theme;
        let is_found = self.settings.colours.is_none() && theme.depth == self.detected;
        Looks { theme, colours: (!is_found).then_some(theme.depth), ui: self.ui, smoothing }
    }

    /// Tells something at the foot for a moment.
    pub(super) fn say(&mut self, text: String, now: Duration) {
        self.toast = Some((text, now + TOAST));
    }

    fn on_palette(&mut self, mut palette: Palette, key: input::Key, scene: Scene<'_>, now: Duration) -> Vec<Effect> {
        match palette.take(key, &self.keymap) {
            palette::Chosen::Action(action) => self.act(action, scene, now),
            palette::Chosen::Nothing => vec![Effect::Draw],
            palette::Chosen::Copied(text) => {
                self.above = Above::Palette(palette);
                self.copy_typed(text, now)
            }
            palette::Chosen::NotYet(effects) => {
                self.above = Above::Palette(palette);
                effects
            }
        }
    }

    pub(super) fn set_query(&mut self, text: &str, regex: bool, scene: Scene<'_>) {
        let (page, shared) = self.page_mut();
        page.set_query(text, regex, shared, scene);
    }

    pub(super) fn act(&mut self, action: Action, scene: Scene<'_>, now: Duration) -> Vec<Effect> {
        let body = self.layout(self.area).body;
        let (page, shared) = self.page_mut();
        if let Some(effects) = page.act(action, shared, scene, body) {
            return effects;
        }
        match action {
            Action::Quit => return vec![Effect::Quit],
            Action::Help => self.above = Above::Help(Help::new(self.page().scope())),
            Action::Palette => self.above = Above::Palette(Palette::new(self.page().scope())),
            Action::OpenFilter => self.above = Above::Input(Input::query(self.page().query(), self.page().is_regex())),
            Action::ClearFilter if self.page().query().is_empty() => return vec![],
            Action::ClearFilter => self.set_query("", false, scene),
            Action::Menu => self.above = Above::List(List::Menu(0)),
            Action::Options => self.above = Above::List(List::Options(0)),
            Action::Views => self.above = Above::List(List::Views(0)),
            Action::SaveView => self.above = Above::Input(Input::new(Purpose::SaveView)),
            Action::Say if scene.chat.is_none() => self.say("there is no canvas here, so nobody to talk to".into(), now),
            Action::Say => self.above = Above::Input(Input::new(Purpose::Message)),
            Action::Screenshot => return vec![Effect::Screenshot { bright: self.shared.theme.scheme == Scheme::Light }],
            Action::ExportCsv | Action::ExportJson => return self.export(action == Action::ExportJson, scene, now),
            Action::CopyShown => return self.copy_shown(scene, now),
            Action::EditNotes => self.above = Above::Input(Input::starting(Purpose::Notes, &set::one_line(&scene.run.info.notes))),
            Action::EditTags => self.above = Above::Input(Input::starting(Purpose::Tags, &tags_text(&scene.run.info.tags))),
            Action::LineToChart => return self.line_to_chart(scene, now),
            Action::ChartToLine => return self.chart_to_line(scene, now),
            // Where it means nothing it says why.
            Action::Samples => self.say(self.system.no_other(scene).into(), now),
            Action::Tab(tab) => self.tab = tab,
            Action::NextTab => self.turn(1),
            Action::PreviousTab => self.turn(-1),
            Action::Back => {
                let (page, shared) = self.page_mut();
                if !page.back(shared) {
                    self.above = Above::List(List::Menu(0));
                }
            }
            _ => return vec![],
        }
        let (page, shared) = self.page_mut();
        page.refresh(shared, scene);
        vec![Effect::Draw]
    }

    /// Shows the charts with the crosshair where the line in focus was printed.
    fn line_to_chart(&mut self, scene: Scene<'_>, now: Duration) -> Vec<Effect> {
        let when = self.logs.when(scene);
        if when.is_known() {
            self.graphs.refresh(&self.shared, scene);
        }
        match self.graphs.point_at(when, scene) {
            true => self.tab = Tab::Graphs,
            false if when.is_known() => self.say("no chart has anything to point at".into(), now),
            false => self.say("nobody noted when this line was printed, and no step stands near it".into(), now),
        }
        vec![Effect::Draw]
    }

    /// Shows the line that was printed where the crosshair stands.
    fn chart_to_line(&mut self, scene: Scene<'_>, now: Duration) -> Vec<Effect> {
        let when = self.graphs.pointed_at(scene);
        match self.logs.go_to(when, scene) {
            Ok(()) => {
                self.tab = Tab::Logs;
                if !when.is_known() {
                    self.say("the newest line: there was no crosshair (`,` or a click sets one)".into(), now);
                }
            }
            Err(why) => self.say(why, now),
        }
        vec![Effect::Draw]
    }

    fn turn(&mut self, by: isize) {
        let at = Tab::ALL.iter().position(|tab| *tab == self.tab).unwrap_or(0) as isize + by;
        self.tab = Tab::ALL[at.rem_euclid(Tab::ALL.len() as isize) as usize];
    }
}
