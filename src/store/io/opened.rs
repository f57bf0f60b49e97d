//! Which logs a training holds open: the surest word on what belongs to its run.

use super::written::may_be_log;
use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// Most processes that are looked at: a training with its data loaders has hundreds.
const PROCESSES_MAX: usize = 4096;

/// The logs that process `pid` or one below it holds open for writing, as far as their names tell that they are such.
///
/// Only where the system tells (`/proc`); elsewhere, and of a process that is gone, none.
pub(super) fn opened_by(pid: u32) -> Vec<PathBuf> {
    let found: BTreeSet<PathBuf> = family(pid).into_iter().flat_map(written_by).collect();
    found.into_iter().collect()
}

/// The logs that processes hold open for writing which are neither `pid` nor below it.
pub(super) fn held_by_others(pid: Option<u32>) -> BTreeSet<PathBuf> {
    let family = pid.map(family).unwrap_or_default();
    let all = fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    all.filter(|pid| !family.contains(pid)).flat_map(written_by).collect()
}

/// Whether a process lives, or may do so where the system does not tell.
pub(super) fn is_there(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists() || !Path::new("/proc/self").exists()
}

/// Variables of a process, as paths.
pub(super) fn environment<'a>(pid: u32, names: &[&'a str]) -> Vec<(&'a str, PathBuf)> {
    let all = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    let pairs =
        all.split(|byte| *byte == 0).filter_map(|pair| pair.iter().position(|byte| *byte == b'=').map(|at| (&pair[..at], &pair[at + 1..])));
    let of = |(name, value): (&[u8], &[u8])| {
        let name = names.iter().find(|known| known.as_bytes() == name)?;
        Some((*name, PathBuf::from(OsStr::from_bytes(value))))
    };
    pairs.filter_map(of).collect()
}

/// A process and all below it.
fn family(pid: u32) -> BTreeSet<u32> {
    let (mut left, mut seen) = (vec![pid], BTreeSet::new());
    while let Some(pid) = left.pop() {
        if seen.len() < PROCESSES_MAX && seen.insert(pid) {
            left.extend(children(&PathBuf::from(format!("/proc/{pid}"))));
        }
    }
    seen
}

/// The logs that one process holds open for writing. A program that reads a log, such as TensorBoard itself, did not write it.
fn written_by(pid: u32) -> Vec<PathBuf> {
    let process = PathBuf::from(format!("/proc/{pid}"));
    let files = fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
    let log = |fd: fs::DirEntry| {
        let path = fs::read_link(fd.path()).ok().filter(|path| may_be_log(path))?;
        let info = fs::read_to_string(process.join("fdinfo").join(fd.file_name())).unwrap_or_default();
        writes(&info).then_some(path)
    };
    files.filter_map(log).collect()
}

/// The processes that any thread of a process started.
fn children(process: &Path) -> Vec<u32> {
    let threads = fs::read_dir(process.join("task")).into_iter().flatten().flatten();
    let of = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("children")).unwrap_or_default();
    threads.flat_map(|thread| of(thread).split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect()
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
        for name in ["run-a.wandb", "tb/events.out.tfevents.1.h", "old/events.out.tfevents.1.h", "data.bin"] {
            fs::create_dir_all(dir.join(name).parent().unwrap()).unwrap();
            File::create(dir.join(name)).unwrap();
        }
        let script = "(exec sleep 60 3>>run-a.wandb 4>>tb/events.out.tfevents.1.h 5<old/events.out.tfevents.1.h 6>>data.bin) & echo; wait";
        let mut child = Command::new("sh").args(["-c", script]).current_dir(&dir).stdout(Stdio::piped()).spawn().unwrap();
        let start = std::time::Instant::now();
        let want = [dir.join("run-a.wandb"), dir.join("tb/events.out.tfevents.1.h")];
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
