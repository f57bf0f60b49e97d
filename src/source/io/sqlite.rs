//! SQLite databases that others write.
//!
//! The folder of a database stays byte for byte as it was. A connection lives for one short read, so nothing is locked between
//! reads, and it is opened in the one way that leaves no `-wal` or `-shm` behind:
//!
//! * a database with a rollback journal as usual, with SQLite's shared lock;
//! * one with a write-ahead log together with its log; the index of the log (`-shm`) is read but not written;
//! * one whose log is gone or empty as `immutable`, and what was read is thrown away if the file changed meanwhile;
//! * one whose last writer died where a reader would have to repair something first: as a private copy.
//!
//! What cannot be had: a writer of a write-ahead log that closes in the very milliseconds of a read leaves its log and index
//! there, whole and valid, for whoever comes next. It does so for every reader.

use super::SourceError;
use rusqlite::{Connection, ErrorCode, OpenFlags, Row, config::DbConfig, types::ValueRef};
use std::{
    ffi::{OsStr, OsString},
    fmt::Write,
    fs::{self, DirBuilder, File},
    io::{self, ErrorKind},
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, FileExt, MetadataExt},
    },
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

/// How long a read waits for a writer that holds the database, if it may take so long. Its commit takes a few milliseconds.
const BUSY_MAX: Duration = Duration::from_millis(50);

/// How often a database that keeps changing is looked at.
pub(super) const REFRESH: Duration = Duration::from_secs(1);

/// Kernels note the time of a change in ticks of 1 to 10 ms, so a file that changed just now may change once more without
/// looking different. This is a few ticks.
const TICK: Duration = Duration::from_millis(50);

/// A commit shows in its log when the log was written, but may be read only when the log is safe on the disk. Disks take
/// milliseconds for that; this is what a slow one takes.
const SYNC_MAX: Duration = Duration::from_secs(1);

/// The least that a read waits for a writer.
const SPIN_MIN: Duration = Duration::from_millis(1);

/// The longest tick.
const TICK_MAX: Duration = Duration::from_millis(10);

/// A file as it stands: which one, how long, when written. Its ctime says nothing: SQLite sets the owner of a log or journal that it
/// opens as root, to what it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct FileStamp {
    id: (u64, u64),
    bytes: u64,
    changed: (i64, i64),
}

impl FileStamp {
    /// `None`: there is no such file.
    pub(super) fn of(path: &Path) -> Result<Option<FileStamp>, SourceError> {
        match fs::metadata(path) {
            Ok(m) => Ok(Some(FileStamp { id: (m.dev(), m.ino()), bytes: m.len(), changed: (m.mtime(), m.mtime_nsec()) })),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(source) => Err(SourceError::Io { path: path.into(), source }),
        }
    }

    /// Whether a further change would show.
    pub(super) fn is_settled(&self, now: SystemTime) -> bool {
        self.is_older_than(TICK, now)
    }

    fn is_older_than(&self, least: Duration, now: SystemTime) -> bool {
        // Some network filesystems count whole seconds.
        let least = if self.changed.1 == 0 { least.max(Duration::from_secs(2)) } else { least };
        self.age(now).is_some_and(|age| age > least)
    }

    /// Time since it was written. `None`: that is in the future.
    fn age(&self, now: SystemTime) -> Option<Duration> {
        let (secs, nanos) = self.changed;
        let changed = SystemTime::UNIX_EPOCH + Duration::new(secs.max(0).unsigned_abs(), nanos.clamp(0, 999_999_999) as u32);
        now.duration_since(changed).ok()
    }
}

/// A database and its side files as they stand.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Stamp {
    db: Option<FileStamp>,
    wal: Option<FileStamp>,
    journal: Option<FileStamp>,
}

/// What happened to a database since it was last looked at.
pub(super) enum Look {
    /// Nothing, or it is not there yet.
    Same,
    /// It was there and is not any more.
    Gone,
    /// Something.
    Changed,
    /// Another file took its place.
    Replaced,
}

/// A database, not open.
pub(super) struct Db {
    path: PathBuf,
    /// Which file it was at the last look.
    id: Option<(u64, u64)>,
    /// How it stood at the last look.
    looked: Option<Stamp>,
    /// How it stood when all of it was read.
    settled: Option<Stamp>,
    /// All of it was read, but more may show without any further change of its files.
    is_stirring: bool,
    copy: Option<Copy>,
}

impl Db {
    pub(super) fn new(path: &Path) -> Db {
        Db { path: path.into(), id: None, looked: None, settled: None, is_stirring: false, copy: None }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it existed at any look.
    pub(super) fn is_there(&self) -> bool {
        self.id.is_some()
    }

    /// The files whose change is worth a look.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        vec![self.path.clone(), self.beside("-wal"), self.beside("-journal")]
    }

    /// Looks whether a read is worth it. Costs three system calls.
    pub(super) fn look(&mut self) -> Result<Look, SourceError> {
        let stamp = self.stamp()?;
        self.is_stirring = false;
        let Some(db) = &stamp.db else {
            return Ok(if self.is_there() { Look::Gone } else { Look::Same });
        };
        if self.id.replace(db.id).is_some_and(|id| id != db.id) {
            (self.looked, self.settled, self.copy) = (None, None, None);
            return Ok(Look::Replaced);
        }
        if db.bytes == 0 || self.settled.as_ref() == Some(&stamp) {
            return Ok(Look::Same);
        }
        self.looked = Some(stamp);
        Ok(Look::Changed)
    }

    /// Says that all there was at the last look has been read. The next look is `Same` unless something changed.
    pub(super) fn settle(&mut self) {
        let now = SystemTime::now();
        let older = |file: &Option<FileStamp>, than| file.as_ref().is_none_or(|file| file.is_older_than(than, now));
        let settled = |stamp: &Stamp| older(&stamp.db, TICK) && older(&stamp.wal, SYNC_MAX) && older(&stamp.journal, TICK);
        self.settled = self.looked.take().filter(settled);
        self.is_stirring = self.settled.is_none();
    }

    /// Whether what was written last may show only at another look, though no file changes until then.
    pub(super) fn is_stirring(&self) -> bool {
        self.is_stirring
    }

    /// Says that nothing has been read.
    pub(super) fn unsettle(&mut self) {
        self.settled = None;
    }

    /// Calls `read` with a connection that lives for this call only; it may be called twice. Keep it short: a writer
    /// may have to wait for it. `None`: a writer is at work, and `time_max` was waited for it; call again.
    pub(super) fn read<T>(
        &mut self,
        time_max: Duration,
        mut read: impl FnMut(&Connection) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, SourceError> {
        // Whoever comes again at once must not spin.
        let wait_max = time_max.clamp(SPIN_MIN, BUSY_MAX);
        // When a process closes any descriptor of a file, it loses all its locks on that file. So the descriptors that are opened
        // here next to SQLite's own must not be closed while another thread of ours reads the same database.
        static ALONE: Mutex<()> = Mutex::new(());
        let Some(before) = self.steady_stamp(wait_max)? else { return Ok(None) };
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let held = match self.hold() {
            Ok(held) => held,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::thread::sleep(wait_max.min(TICK_MAX));
                return Ok(None);
            }
            Err(source) => return Err(SourceError::Io { path: self.path.clone(), source }),
        };
        let mut access = held.access;
        let mut result = match access {
            Access::Copy => self.read_copy(&before, wait_max, &mut read)?,
            in_place => open(&self.path, in_place, wait_max).and_then(|connection| read(&connection)).map(Some),
        };
        if access != Access::Copy && result.as_ref().is_err_and(needs_repair) {
            access = Access::Copy;
            result = self.read_copy(&before, wait_max, &mut read)?;
        }
        drop(held);
        if access == Access::Immutable && self.stamp()? != before {
            return Ok(None);
        }
        match result {
            Err(error) if is_busy(&error) => Ok(None),
            other => other.map_err(|source| SourceError::Sqlite { path: self.path.clone(), source }),
        }
    }

    /// As [`Db::read`], for a caller that cannot come again: tries for a second.
    pub(super) fn read_now<T>(&mut self, mut read: impl FnMut(&Connection) -> rusqlite::Result<T>) -> Result<T, SourceError> {
        for _ in 0..20 {
            if let Some(value) = self.read(BUSY_MAX, &mut read)? {
                return Ok(value);
            }
            std::thread::sleep(BUSY_MAX);
        }
        Err(SourceError::Busy { path: self.path.clone() })
    }

    /// Finds the way to open the database and holds on to what makes it right.
    fn hold(&self) -> io::Result<Held> {
        let file = File::open(&self.path)?;
        let mut version = [0; 1];
        // Byte 19 of the head: 2 means a write-ahead log.
        let has_log = file.read_at(&mut version, 19)? == 1 && version[0] == 2;
        let log_bytes = || stat(&self.beside("-wal")).map(|wal| wal.map_or(0, |wal| wal.len()));
        let access = if log_bytes()? == 0 {
            if has_log { Access::Immutable } else { Access::Journal }
        } else if stat(&self.beside("-shm"))?.is_none() {
            Access::Copy
        } else {
            // The last writer removes the log when it is done, and SQLite would then make a new one for us. No writer can
            // remove it while the database is locked, so lock it first and look again.
            let lock = rustix::fs::fcntl_lock(&file, rustix::fs::FlockOperation::NonBlockingLockShared);
            match lock.map_err(io::Error::from) {
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::PermissionDenied) => {
                    return Err(ErrorKind::WouldBlock.into());
                }
                _ if log_bytes()? == 0 => Access::Immutable,
                _ => Access::Log,
            }
        };
        Ok(Held { access, _file: file })
    }

    fn read_copy<T>(
        &mut self,
        stamp: &Stamp,
        wait_max: Duration,
        read: &mut dyn FnMut(&Connection) -> rusqlite::Result<T>,
    ) -> Result<rusqlite::Result<Option<T>>, SourceError> {
        if self.copy.as_ref().is_none_or(|copy| copy.of != *stamp) {
            self.copy = None;
            let copy = Copy::new(&self.path, stamp.clone()).map_err(|source| SourceError::Io { path: self.path.clone(), source })?;
            if self.stamp()? != *stamp {
                return Ok(Ok(None));
            }
            self.copy = Some(copy);
        }
        let Some(copy) = &self.copy else { return Ok(Ok(None)) };
        Ok(open(&copy.db(), Access::Copy, wait_max).and_then(|connection| read(&connection)).map(Some))
    }

    /// The stamp; if the database was written in this very tick without a log, that of the next one. A read without locks
    /// could not tell a second write in the same tick from the first. `None`: that would take longer than `wait_max`.
    fn steady_stamp(&self, wait_max: Duration) -> Result<Option<Stamp>, SourceError> {
        let stamp = self.stamp()?;
        let has_log = stamp.wal.as_ref().is_some_and(|wal| wal.bytes > 0);
        let age = stamp.db.as_ref().filter(|_| !has_log).and_then(|db| db.age(SystemTime::now()));
        match age.and_then(|age| TICK_MAX.checked_sub(age)) {
            Some(rest) => {
                std::thread::sleep(rest.min(wait_max));
                if rest > wait_max { Ok(None) } else { self.stamp().map(Some) }
            }
            None => Ok(Some(stamp)),
        }
    }

    fn stamp(&self) -> Result<Stamp, SourceError> {
        let of = |end| FileStamp::of(&self.beside(end));
        Ok(Stamp { db: FileStamp::of(&self.path)?, wal: of("-wal")?, journal: of("-journal")? })
    }

    fn beside(&self, end: &str) -> PathBuf {
        beside(&self.path, end)
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Access {
    /// A rollback journal: SQLite's shared lock.
    Journal,
    /// A write-ahead log, with its index.
    Log,
    /// Nothing but the file itself.
    Immutable,
    /// A private copy, in which anything may be repaired.
    Copy,
}

/// A way to open the database that stays right as long as this is there.
struct Held {
    access: Access,
    /// Carries the lock.
    _file: File,
}

fn open(path: &Path, access: Access, wait_max: Duration) -> rusqlite::Result<Connection> {
    let mode = match access {
        Access::Copy => "mode=rw",
        Access::Immutable => "mode=ro&immutable=1",
        // Without `readonly_shm` SQLite would make or rewrite the index of the log.
        Access::Journal | Access::Log => "mode=ro&readonly_shm=1",
    };
    let flags = match access {
        Access::Copy => OpenFlags::SQLITE_OPEN_READ_WRITE,
        _ => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(uri(path, mode), flags)?;
    connection.busy_timeout(wait_max)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    Ok(connection)
}

/// `file:/a/b.db?mode`, with everything escaped that means something in a URI.
fn uri(path: &Path, mode: &str) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => uri.push(char::from(*byte)),
            _ => write!(uri, "%{byte:02x}").expect("a string takes everything"),
        }
    }
    uri + "?" + mode
}

/// Whether a writer died and left something that only a writer may repair.
fn needs_repair(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi;
    matches!(
        error.sqlite_error().map(|error| error.extended_code),
        Some(
            ffi::SQLITE_CANTOPEN
                | ffi::SQLITE_READONLY_ROLLBACK
                | ffi::SQLITE_READONLY_RECOVERY
                | ffi::SQLITE_READONLY_CANTINIT
                | ffi::SQLITE_READONLY_CANTLOCK
        )
    )
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// A copy of a database with its log or journal, in a folder that nobody else can read. It goes with this value.
struct Copy {
    dir: PathBuf,
    of: Stamp,
}

impl Copy {
    fn new(db: &Path, of: Stamp) -> io::Result<Copy> {
        let copy = Copy { dir: private_dir()?, of };
        fs::copy(db, copy.db())?;
        for end in ["-wal", "-journal"] {
            match fs::copy(beside(db, end), beside(&copy.db(), end)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        // The copy has the permissions of the original, which may be read-only.
        for end in ["", "-wal", "-journal"] {
            let path = beside(&copy.db(), end);
            if path.exists() {
                fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
            }
        }
        Ok(copy)
    }

    fn db(&self) -> PathBuf {
        self.dir.join("copy.db")
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // A folder for temporary files is emptied by others, too.
        let _gone = fs::remove_dir_all(&self.dir);
    }
}

fn private_dir() -> io::Result<PathBuf> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("og-sqlite-{}-{number}", std::process::id()));
        match DirBuilder::new().mode(0o700).create(&dir) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
            made => return made.map(|()| dir),
        }
    }
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(OsStr::new(end));
    name.into()
}

fn stat(path: &Path) -> io::Result<Option<fs::Metadata>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Largest value that is read; a larger one is a loss. The largest real ones, tables and token lists, have a few MiB.
pub(super) const VALUE_BYTES_MAX: i64 = 16 << 20;

/// Names of the columns of a table; empty when there is no such table.
pub(super) fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut names = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
    names.query_map([table], |row| row.get(0))?.collect()
}

/// The bytes of a column, whether it holds text or a blob; empty for anything else.
pub(super) fn bytes<'a>(row: &'a Row, column: usize) -> rusqlite::Result<&'a [u8]> {
    Ok(match row.get_ref(column)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes,
        _ => &[],
    })
}

/// The text of a column; what is not UTF-8 in it is replaced.
pub(super) fn text(row: &Row, column: usize) -> rusqlite::Result<String> {
    Ok(String::from_utf8_lossy(bytes(row, column)?).into_owned())
}

/// The whole number in a column.
pub(super) fn int(row: &Row, column: usize) -> rusqlite::Result<Option<i64>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Integer(value) => Some(value),
        ValueRef::Real(value) if value.fract() == 0.0 && value.abs() < 9e18 => Some(value as i64),
        _ => None,
    })
}

/// What one read may take, so that no writer waits long and memory stays small.
pub(super) struct Room {
    /// `None`: however long it takes.
    until: Option<Instant>,
    pub(super) bytes_used: u64,
}

impl Room {
    /// A writer's commit waits for a reader: 20 ms do not show in a training.
    const TIME_MAX: Duration = Duration::from_millis(20);
    const BYTES_MAX: u64 = 8 << 20;

    pub(super) fn new(time_max: Duration) -> Room {
        Room { until: Some(Instant::now() + time_max.min(Room::TIME_MAX)), bytes_used: 0 }
    }

    /// For a read of few rows that nobody goes on with: what it comes to may not hang on how busy the machine is.
    pub(super) fn of_bytes() -> Room {
        Room { until: None, bytes_used: 0 }
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes_used >= Room::BYTES_MAX || self.until.is_some_and(|until| Instant::now() >= until)
    }
}

/// Rows that are looked at between two looks at the clock.
const WINDOW: i64 = 1024;

/// Calls `row` for each row behind number `from` that `sql` selects, by rising number, until `room` is full. `sql` has to
/// bind `?1 < number <= ?2` and the run as `?3`. Returns the number of the last row looked at and whether it was the last of all.
///
/// The rows are walked by number and not by an index of the run: what is new stands at the end, and the walk can stop anywhere.
pub(super) fn walk(
    connection: &Connection,
    (table, sql, run): (&str, &str, &str),
    from: i64,
    room: &mut Room,
    mut row: impl FnMut(&Row, &mut Room) -> rusqlite::Result<()>,
) -> rusqlite::Result<(i64, bool)> {
    let top = connection.query_row(&format!("SELECT max(rowid) FROM {table}"), [], |row| row.get::<_, Option<i64>>(0))?;
    let top = top.unwrap_or(from);
    let mut next = connection.prepare(&format!("SELECT min(rowid) FROM {table} WHERE rowid > ?1"))?;
    let mut select = connection.prepare(sql)?;
    let mut at = from;
    while at < top {
        let first = next.query_row([at], |row| row.get::<_, Option<i64>>(0))?.unwrap_or(top);
        let last = first.saturating_add(WINDOW - 1).min(top);
        let mut rows = select.query((first.saturating_sub(1), last, run))?;
        while let Some(found) = rows.next()? {
            row(found, room)?;
            if room.bytes_used >= Room::BYTES_MAX {
                at = found.get(0)?;
                return Ok((at, at >= top));
            }
        }
        at = last;
        // Not before the first window: a walk that is late already must get on all the same.
        if room.is_full() {
            break;
        }
    }
    Ok((at, at >= top))
}
