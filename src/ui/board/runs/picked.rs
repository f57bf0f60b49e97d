//! The runs that are selected: drawn over the run in front, each with a colour and a sign of its own.

use super::{Runs, View, table::Line};
use crate::query::{RunRow, runs};
use crate::ui::{
    pane::{OVERLAID_MAX, Overlay, Scene},
    theme::Theme,
};
use std::{collections::HashSet, path::PathBuf};

/// A run that is selected.
#[derive(Clone, PartialEq, Debug)]
pub struct Picked {
    pub path: PathBuf,
    pub id: String,
    pub name: String,
    pub colour: usize,
    pub pinned: bool,
    pub group: Option<String>,
}

impl Runs {
    /// The runs that are to be drawn over that of the canvas: the pinned ones first.
    pub fn overlaid(&self) -> Vec<Overlay> {
        let (pinned, others): (Vec<&Picked>, Vec<&Picked>) = self.picked.iter().partition(|picked| picked.pinned);
        let overlay = |picked: &Picked| Overlay {
            path: picked.path.clone(),
            name: picked.name.clone(),
            colour: picked.colour,
            pinned: picked.pinned,
            group: picked.group.clone(),
        };
        pinned.into_iter().chain(others).take(OVERLAID_MAX).map(overlay).collect()
    }

    /// Says of the selected runs which groups they are in.
    pub(super) fn label(&mut self, scene: Scene<'_>) {
        let groups = self.table.groups(scene.runs);
        for picked in &mut self.picked {
            picked.group = groups.get(&picked.path).map(ToString::to_string);
        }
    }

    pub(super) fn picked(&self, row: &RunRow) -> Option<&Picked> {
        // Byte by byte: of two thousand selected runs each is asked for at every frame.
        self.picked.iter().find(|picked| picked.path.as_os_str() == row.path.as_os_str())
    }

    /// The run that the others are compared with in the charts: of several that are pinned the one in front, or the first.
    pub(super) fn baseline(&self, scene: Scene<'_>) -> Option<&Picked> {
        let pinned = || self.picked.iter().filter(|picked| picked.pinned);
        pinned().find(|picked| Some(picked.path.as_path()) == scene.own).or_else(|| pinned().next())
    }

    pub(super) fn paths(&self) -> HashSet<PathBuf> {
        self.picked.iter().map(|picked| picked.path.clone()).collect()
    }

    pub(super) fn pick(&mut self, row: &RunRow, pinned: bool) {
        // Once so many are selected that none is free, it does not matter which ones are taken.
        let taken: Vec<usize> = self.picked.iter().take(OVERLAID_MAX).map(|picked| picked.colour).collect();
        let colour = runs::colour(&row.id, &taken, Theme::RUNS);
        let (path, id, name) = (row.path.clone(), row.id.clone(), row.name.clone());
        self.picked.push(Picked { path, id, name, colour, pinned, group: None });
    }

    /// The lines in focus: a run, or all runs of a group.
    pub(super) fn in_focus(&self, scene: Scene<'_>) -> Vec<usize> {
        match (&self.view, self.table.lines.get(self.cursor)) {
            (View::Table, Some(Line::Group(group))) => self.table.groups[*group].rows.clone(),
            _ => {
                let focused = self.run_at_cursor(scene);
                focused.and_then(|row| scene.runs.iter().position(|other| other.path == row.path)).into_iter().collect()
            }
        }
    }

    pub(super) fn switch(&mut self, rows: &[usize], scene: Scene<'_>) {
        let picked = self.paths();
        let rows: Vec<&RunRow> = rows.iter().map(|row| &scene.runs[*row]).collect();
        if rows.iter().all(|row| picked.contains(&row.path)) {
            let gone: HashSet<&PathBuf> = rows.iter().map(|row| &row.path).collect();
            self.picked.retain(|picked| !gone.contains(&picked.path));
        } else {
            rows.into_iter().filter(|row| !picked.contains(&row.path)).for_each(|row| self.pick(row, false));
        }
    }

    pub(super) fn pin(&mut self, scene: Scene<'_>) {
        let Some(row) = self.run_at_cursor(scene) else { return };
        match self.picked.iter_mut().find(|picked| picked.path == row.path) {
            Some(picked) => picked.pinned = !picked.pinned,
            None => self.pick(row, true),
        }
    }
}
