//! What git says of a folder.

use crate::store::Git;
use std::{
    io::Read,
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

/// Longest that a run waits for git. It answers in milliseconds; a folder on a dead network drive never does.
const GIT_TIME_MAX: Duration = Duration::from_secs(2);

/// Longest answer that is read: one line for each changed file.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// The commit that `folder` stands at. `None`: no git, no repository, no commit yet, or no answer in two seconds.
pub(super) fn git(folder: &Path) -> Option<Git> {
    read_status(&git_status(folder, "git", GIT_TIME_MAX)?)
}

/// What `program status` prints about `folder`. Untracked files are left out: looking for them takes seconds in folders
/// full of data.
fn git_status(folder: &Path, program: &str, time_max: Duration) -> Option<String> {
    let mut child = Command::new(program)
        .args(["--no-optional-locks", "status", "--porcelain=v2", "--branch", "--untracked-files=no"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let stdout = child.stdout.take()?;
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let mut text = String::new();
        let read = stdout.take(ANSWER_BYTES_MAX).read_to_string(&mut text);
        // Nobody listens any more: the time was over.
        let _ = tell.send(read.ok().map(|_| text));
    });
    let answer = told.recv_timeout(time_max).ok().flatten();
    if answer.is_none() {
        // It may have ended meanwhile, and then there is nothing to kill.
        let _ = child.kill();
    }
    let status = child.wait().ok()?;
    answer.filter(|_| status.success())
}

fn read_status(text: &str) -> Option<Git> {
    let sha = text.lines().find_map(|line| line.strip_prefix("# branch.oid "))?;
    let dirty = text.lines().any(|line| !line.starts_with('#'));
    (sha != "(initial)").then(|| Git { sha: sha.to_owned(), dirty })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::PermissionsExt, time::Instant};

    #[test]
    fn a_status_names_the_commit_and_whether_files_differ() {
        let clean = "# branch.oid 4f2a\n# branch.head main\n";
        assert_eq!(read_status(clean), Some(Git { sha: "4f2a".into(), dirty: false }));
        let dirty = format!("{clean}1 .M N... 100644 100644 100644 a b train.py\n");
        assert_eq!(read_status(&dirty), Some(Git { sha: "4f2a".into(), dirty: true }));
        assert_eq!(read_status("# branch.oid (initial)\n"), None);
        assert_eq!(read_status(""), None);
    }

    #[test]
    fn no_repository_and_a_hanging_git_are_no_commit() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(git(dir.path()), None);
        assert_eq!(git(&dir.path().join("missing")), None);
        let program = dir.path().join("git");
        fs::write(&program, "#!/bin/sh\nexec sleep 60\n").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let start = Instant::now();
        assert_eq!(git_status(dir.path(), program.to_str().unwrap(), Duration::from_millis(50)), None);
        assert!(start.elapsed() < Duration::from_secs(30));
    }
}
