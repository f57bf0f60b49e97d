//! Trackers that say on the console where they log: the word of the training itself on what belongs to its run, as good
//! years later as while it runs.
//!
//! Source: what wandb 0.31.0 and Trackio 0.43.0 print when a run begins.

use std::path::{Path, PathBuf};

/// A run of a tracker that a training has begun.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Announced {
    /// Its folder, or the project that it is in.
    pub(super) path: PathBuf,
    /// Its name, where the project has several.
    pub(super) run: Option<String>,
    /// Byte at which it begins, in a table that other runs began.
    pub(super) from: u64,
}

/// Listens to the lines of a console.
#[derive(Default)]
pub(super) struct Announcements {
    /// The project and the folder that Trackio has named so far.
    project: Option<String>,
    folder: Option<String>,
}

impl Announcements {
    /// Hears a line, without colours. Paths in it count from `cwd`.
    pub(super) fn hear(&mut self, line: &str, cwd: &Path) -> Option<Announced> {
        if let Some(said) = line.strip_prefix("wandb: ") {
            let folder = said.trim().strip_prefix("Run data is saved locally in ")?;
            return Some(Announced { path: cwd.join(folder.trim()), run: None, from: 0 });
        }
        let said = line.strip_prefix("* ")?.trim();
        if let Some(project) = said.strip_prefix("Trackio project initialized: ") {
            self.project = Some(project.to_owned());
        } else if let Some(folder) = said.strip_prefix("Trackio metrics logged to: ") {
            self.folder = Some(folder.to_owned());
        } else {
            let run = said.strip_prefix("Created new run: ").or_else(|| said.strip_prefix("Resumed existing run: "))?;
            let (project, folder) = (self.project.take()?, self.folder.as_deref()?);
            return Some(Announced { path: cwd.join(folder).join(project), run: Some(run.to_owned()), from: 0 });
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(lines: &[&str]) -> Vec<(String, Option<String>)> {
        let mut listens = Announcements::default();
        let found = lines.iter().filter_map(|line| listens.hear(line, Path::new("/home/me")));
        found.map(|found| (found.path.display().to_string(), found.run)).collect()
    }

    #[test]
    fn wandb_names_the_folder_of_its_run() {
        let lines = ["wandb: Tracking run with wandb version 0.31.0", "wandb: Run data is saved locally in wandb/offline-run-1-x"];
        assert_eq!(heard(&lines), [("/home/me/wandb/offline-run-1-x".into(), None)]);
        assert_eq!(heard(&["wandb: Run data is saved locally in /a b/c"]), [("/a b/c".into(), None)]);
    }

    #[test]
    fn trackio_names_project_folder_and_run_one_after_the_other() {
        let lines = [
            "* Trackio project initialized: lm",
            "* Trackio metrics logged to: /home/a/.cache/huggingface/trackio",
            "* View dashboard by running in your terminal:",
            "* Created new run: wild-fox-1",
        ];
        assert_eq!(heard(&lines), [("/home/a/.cache/huggingface/trackio/lm".into(), Some("wild-fox-1".into()))]);
        assert_eq!(heard(&lines[2..]), []);
    }

    #[test]
    fn other_lines_say_nothing() {
        assert_eq!(
            heard(&["step 1 loss 2", "* Created new run: x", "wandb: ", "", "* ", "I said: wandb: Run data is saved locally in /x"]),
            []
        );
    }
}
