//! Which logs of trackers a training holds open: the surest word on what belongs to its run.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Most processes that are looked at: a training with its data loaders has hundreds.
const PROCESSES_MAX: usize = 4096;

/// The logs of wandb and TensorBoard that process `pid` or one below it holds open for writing: `.wandb` files, and the folders of event files.
///
/// Only where the system tells (`/proc`); elsewhere, and of a process that is gone, none.
pub fn opened_by(pid: u32) -> Vec<PathBuf> {
    let (mut left, mut seen, mut found) = (vec![pid], BTreeSet::new(), BTreeSet::new());
    while let Some(pid) = left.pop() {
        if seen.len() >= PROCESSES_MAX || !seen.insert(pid) {
            continue;
        }
        let process = PathBuf::from(format!("/proc/{pid}"));
        left.extend(children(&process));
        for fd in fs::read_dir(process.join("fd")).into_iter().flatten().flatten() {
            let Some(log) = fs::read_link(fd.path()).ok().and_then(|path| log_of(&path)) else { continue };
            // A program that reads a log, such as TensorBoard itself, did not write it.
            let info = fs::read_to_string(process.join("fdinfo").join(fd.file_name())).unwrap_or_default();
            if writes(&info) {
                found.insert(log);
            }
        }
    }
    found.into_iter().collect()
}

/// The processes that any thread of a process started.
fn children(process: &Path) -> Vec<u32> {
    let threads = fs::read_dir(process.join("task")).into_iter().flatten().flatten();
    let of = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("children")).unwrap_or_default();
    threads.flat_map(|thread| of(thread).split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect()
}

/// What is followed where this file is open.
fn log_of(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_string_lossy();
    if name.starts_with("run-") && name.ends_with(".wandb") {
        return Some(path.to_owned());
    }
    (name.contains("tfevents") && !name.ends_with(".profile-empty")).then(|| path.parent().map(Path::to_owned))?
}

/// Whether a file is open for writing, by the line `flags:` of its `fdinfo`: octal, of which the last two bits are the access.
fn writes(info: &str) -> bool {
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok()).is_some_and(|flags| flags & 0b11 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs::File,
        process::{Command, Stdio},
    };

    #[test]
    fn flags_tell_who_writes() {
        assert!(writes("pos:\t0\nflags:\t0100001\nmnt_id:\t29\n"));
        assert!(writes("pos:\t0\nflags:\t02100002\n"));
        assert!(!writes("pos:\t0\nflags:\t0100000\n"));
        assert!(!writes(""));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_a_process_below_writes_is_found_and_what_it_reads_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().canonicalize().unwrap();
        for name in ["run-a.wandb", "tb/events.out.tfevents.1.h", "old/events.out.tfevents.1.h", "data.csv"] {
            fs::create_dir_all(dir.join(name).parent().unwrap()).unwrap();
            File::create(dir.join(name)).unwrap();
        }
        let script = "(exec sleep 60 3>>run-a.wandb 4>>tb/events.out.tfevents.1.h 5<old/events.out.tfevents.1.h 6>>data.csv) & echo; wait";
        let mut child = Command::new("sh").args(["-c", script]).current_dir(&dir).stdout(Stdio::piped()).spawn().unwrap();
        let start = std::time::Instant::now();
        let want = [dir.join("run-a.wandb"), dir.join("tb")];
        while opened_by(child.id()) != want {
            assert!(start.elapsed().as_secs() < 20, "{:?}", opened_by(child.id()));
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        for pid in children(Path::new(&format!("/proc/{}", child.id()))) {
            Command::new("kill").arg(pid.to_string()).status().unwrap();
        }
        child.wait().unwrap();
        assert!(opened_by(child.id()).is_empty());
    }
}
