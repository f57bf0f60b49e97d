//! Which files processes hold open for writing: the surest word on what belongs to a run, and on whether a file is at its end.

use super::written::may_be_log;
use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
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
    processes().filter(|pid| !family.contains(pid)).flat_map(written_by).collect()
}

fn processes() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Whether a process lives, or may do so where the system does not tell.
pub(super) fn is_there(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists() || !Path::new("/proc/self").exists()
}

/// Whether nobody writes to a file any more, as surely as this machine can tell: it lies on a disk of its own, and of the processes
/// of the file's owner, which are all ours to look at, none has it open for writing.
#[cfg(target_os = "linux")]
pub(super) fn is_left(path: &Path) -> bool {
    let Ok(file) = fs::metadata(path) else { return false };
    let us = rustix::process::geteuid().as_raw();
    let is_ours = us == 0 || file.uid() == us;
    let is_local = || rustix::fs::statfs(path).is_ok_and(|disk| LOCAL_DISKS.contains(&(disk.f_type as u32)));
    let is_same = |fd: &fs::DirEntry| fs::metadata(fd.path()).is_ok_and(|open| (open.dev(), open.ino()) == (file.dev(), file.ino()));
    file.is_file() && is_ours && is_local() && !processes().any(|pid| open_for_writing(pid, is_same).next().is_some())
}

/// Nothing is known of other processes.
#[cfg(not(target_os = "linux"))]
pub(super) fn is_left(_: &Path) -> bool {
    false
}

/// Kinds of disks that no other machine writes to: ext, xfs, btrfs, tmpfs, overlays of containers, f2fs and zfs. Source: `statfs(2)`.
#[cfg(target_os = "linux")]
const LOCAL_DISKS: [u32; 7] = [0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994, 0x794C_7630, 0xF2F5_2010, 0x2FC1_2FC1];

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
    let path = |fd: &fs::DirEntry| fs::read_link(fd.path()).ok().filter(|path| may_be_log(path));
    open_for_writing(pid, |fd| path(fd).is_some()).filter_map(|fd| path(&fd)).collect()
}

/// What a process holds open for writing, of the files that are `wanted`.
fn open_for_writing(pid: u32, wanted: impl Fn(&fs::DirEntry) -> bool) -> impl Iterator<Item = fs::DirEntry> {
    let process = PathBuf::from(format!("/proc/{pid}"));
    let files = fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
    files.filter(move |fd| {
        let info = || fs::read_to_string(process.join("fdinfo").join(fd.file_name())).unwrap_or_default();
        wanted(fd) && writes(&info())
    })
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
    fn a_file_is_left_when_nobody_has_it_open_for_writing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.csv");
        let writer = File::create(&path).unwrap();
        assert!(!is_left(&path));
        drop(writer);
        let _reader = File::open(&path).unwrap();
        assert!(is_left(&path));
        assert!(!is_left(dir.path()) && !is_left(&dir.path().join("none")));
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
