//! What a pane wants done. An effect is a value until it is performed here; what comes of it is told to the pane as an event.

use super::{
    files,
    turn::{FRAME, Go, Loop, rested},
};
use crate::ui::pane::{Effect, Event, Pane};
use std::time::Duration;

impl<P: Pane> Loop<P> {
    /// Performs what the pane asked for in its last update, and reads what it wants to see from now on.
    pub(super) fn take(&mut self, effects: Vec<Effect>, now: Duration) -> Go {
        if self.sources.want(self.pane.wants(), &self.wake) {
            self.due.poll = Some(now);
        }
        self.due.sample = match self.sources.watches_host() {
            true => self.due.sample.or(Some(now)),
            false => None,
        };
        for effect in effects {
            if effect == Effect::Quit {
                return Go::Out;
            }
            if let Some(answer) = self.perform(effect, now)
                && self.tell(answer) == Go::Out
            {
                return Go::Out;
            }
        }
        Go::On
    }

    /// Does one thing; what is to be told of it at once.
    fn perform(&mut self, effect: Effect, now: Duration) -> Option<Event> {
        match effect {
            // Whoever performs effects leaves.
            Effect::Quit => None,
            Effect::Draw => {
                self.due.draw = Some(now);
                None
            }
            Effect::DrawAll => {
                self.screen.forget();
                self.due.draw = Some(now);
                None
            }
            Effect::DrawSoon => {
                let at = rested(self.drawn_at, FRAME, now);
                self.due.draw = Some(self.due.draw.map_or(at, |due| due.min(at)));
                None
            }
            Effect::Copy(text) => {
                self.clipboard.copy(text);
                None
            }
            // Programs that know the clipboard may take their time; keys go on meanwhile.
            Effect::Paste if self.clipboard.ask(self.wake.clone()) => None,
            Effect::Paste => Some(Event::Paste(self.clipboard.copied().to_owned())),
            Effect::Screenshot { bright } => {
                Some(told(files::screenshot(self.screen.shown(), bright, &self.sources.out_dir()), "the screen"))
            }
            Effect::Export(export) => {
                let begun = files::export(export, self.sources.out_dir(), self.wake.clone()).map(|thread| self.exports.push(thread));
                Some(Event::Tell(begun.map_or_else(|error| format!("cannot write the data: {error}"), |()| "writing the data...".into())))
            }
            Effect::Keep { path, value } => {
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                files::keep(&path, value).err().map(Event::Tell)
            }
            Effect::Say(text) => {
                // What was written is read back: the file is what was said.
                self.due.poll = Some(now);
                self.sources.say(&text).err().map(Event::Tell)
            }
            Effect::Remark { author, remark } => {
                let kept = self.sources.remark(&remark, author);
                // What was written is read back, as if somebody else had written it.
                self.due.poll = Some(now);
                Some(Event::Tell(kept.unwrap_or_else(|why| format!("not kept: {why}"))))
            }
        }
    }
}

/// Tells where something was written, or why it was not.
pub(super) fn told(done: Result<String, String>, what: &str) -> Event {
    Event::Tell(done.map_or_else(|why| format!("cannot write {what}: {why}"), |place| format!("wrote {place}")))
}
