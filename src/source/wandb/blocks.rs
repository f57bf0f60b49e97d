//! The block layer of a `.wandb` file: whole records out of checksummed chunks.
//!
//! The file is a 7-byte head and then blocks of 32 KiB at absolute offsets. A record is one FULL chunk, or
//! FIRST, MIDDLE..., LAST. A chunk is CRC-32 (IEEE, of type and payload), length, type, payload, and never
//! crosses a block. Damage costs the rest of its block: the next record starts in a later block.
//! Source: wandb `core/pkg/leveldb/record.go` and `sdk/internal/datastore.py`, read 2026-11.

use crate::source::Loss;
use std::ops::Range;

const BLOCK_BYTES: u64 = 32 << 10;
const CHUNK_HEAD_BYTES: usize = 7;
const HEAD: [u8; 6] = [b':', b'W', b'&', b'B', 0xe1, 0xbe];

/// Longest record that is put together. The largest that the client writes is a log of one step; media lie
/// in files of their own.
const RECORD_BYTES_MAX: usize = 64 << 20;

/// Finished bytes that may pile up before the buffer is moved together.
const SLACK_BYTES: usize = 64 << 10;

/// Collects bytes and hands out whole records.
#[derive(Default)]
pub(super) struct Blocks {
    bytes: Vec<u8>,
    /// First byte not taken, in `bytes`.
    at: usize,
    /// Offset of `bytes[0]` in the file.
    base: u64,
    /// Bytes to drop as they come: the rest of a damaged block.
    skip: u64,
    state: State,
    /// The record that FIRST began, and where it did.
    open: Option<u64>,
    joined: Vec<u8>,
}

#[derive(Default, PartialEq)]
enum State {
    #[default]
    Head,
    Chunks,
    /// Not a file of ours to read; said once.
    Foreign,
}

/// Where the payload of a record lies.
pub(super) struct Payload {
    pub(super) offset: u64,
    /// In the buffer, or `None` when it was joined from several chunks.
    range: Option<Range<usize>>,
}

impl Blocks {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.at > SLACK_BYTES.max(self.bytes.len() / 2) || self.at == self.bytes.len() {
            self.bytes.drain(..self.at);
            self.base += self.at as u64;
            self.at = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn get(&self, payload: &Payload) -> &[u8] {
        payload.range.clone().map_or(&self.joined, |range| &self.bytes[range])
    }

    /// The next whole record.
    pub(super) fn next(&mut self) -> Result<Option<Payload>, Loss> {
        if self.state == State::Head && !self.head()? {
            return Ok(None);
        }
        while self.state == State::Chunks {
            if !self.skipped() {
                return Ok(None);
            }
            let here = self.base + self.at as u64;
            let left = BLOCK_BYTES - here % BLOCK_BYTES;
            if left < CHUNK_HEAD_BYTES as u64 {
                self.skip = left;
                continue;
            }
            let rest = &self.bytes[self.at..];
            let Some((head, behind)) = rest.split_first_chunk::<CHUNK_HEAD_BYTES>() else { return Ok(None) };
            let crc = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
            let length = usize::from(u16::from_le_bytes([head[4], head[5]]));
            if *head == [0; CHUNK_HEAD_BYTES] {
                // Zeros to the end of what there is: a tail that is not written yet. Else a hole.
                let seen = &rest[..rest.len().min(left as usize)];
                if seen.len() < left as usize && seen.iter().all(|b| *b == 0) {
                    return Ok(None);
                }
                return Err(self.damage("zeros instead of a record"));
            }
            if (length + CHUNK_HEAD_BYTES) as u64 > left {
                return Err(self.damage("chunk longer than its block"));
            }
            let Some(payload) = behind.get(..length) else { return Ok(None) };
            if crc32fast::hash(&rest[6..CHUNK_HEAD_BYTES + length]) != crc {
                return Err(self.damage("wrong checksum"));
            }
            let range = self.at + CHUNK_HEAD_BYTES..self.at + CHUNK_HEAD_BYTES + length;
            let end = range.end;
            match (head[6], self.open) {
                (1, open) => {
                    if open.is_some() {
                        return Err(self.torn());
                    }
                    self.at = end;
                    return Ok(Some(Payload { offset: here, range: Some(range) }));
                }
                (2, Some(_)) => return Err(self.torn()),
                (2, None) => {
                    self.open = Some(here);
                    self.joined.clear();
                    self.joined.extend_from_slice(payload);
                }
                (3 | 4, Some(start)) => {
                    self.joined.extend_from_slice(payload);
                    if self.joined.len() > RECORD_BYTES_MAX {
                        return Err(self.damage("record longer than 64 MiB"));
                    }
                    if head[6] == 4 {
                        self.open = None;
                        self.at = end;
                        return Ok(Some(Payload { offset: start, range: None }));
                    }
                }
                // The rest of a record whose start was damaged: that is counted already.
                (3 | 4, None) => {}
                _ => return Err(self.damage("unknown chunk type")),
            }
            self.at = end;
        }
        // Nothing in a foreign file is read, so nothing is kept.
        self.at = self.bytes.len();
        Ok(None)
    }

    /// The next byte is the first of a block. False: the head of the file was not read, or is of another format.
    pub(super) fn jump(&mut self) -> bool {
        let is_log = self.state == State::Chunks;
        if is_log {
            *self = Blocks { state: State::Chunks, ..Blocks::default() };
        }
        is_log
    }

    /// Reads the head of the file. False: it is not all there yet.
    fn head(&mut self) -> Result<bool, Loss> {
        let Some((head, _)) = self.bytes.split_first_chunk::<7>() else { return Ok(false) };
        let reason = match head {
            [magic @ .., 0] if *magic == HEAD => {
                (self.state, self.at) = (State::Chunks, 7);
                return Ok(true);
            }
            [magic @ .., version] if *magic == HEAD => format!("version {version} of the .wandb format is newer than this reader"),
            _ => "not a .wandb file".to_owned(),
        };
        self.state = State::Foreign;
        Err(Loss { offset: 0, bytes: 7, reason })
    }

    /// Drops what is to be skipped. False: more bytes are needed for that.
    fn skipped(&mut self) -> bool {
        let drop = self.skip.min((self.bytes.len() - self.at) as u64);
        self.at += drop as usize;
        self.skip -= drop;
        self.skip == 0
    }

    /// The rest of the block is lost, with the record that was open.
    fn damage(&mut self, reason: &str) -> Loss {
        let here = self.base + self.at as u64;
        self.skip = BLOCK_BYTES - here % BLOCK_BYTES;
        let offset = self.open.take().unwrap_or(here);
        Loss { offset, bytes: here + self.skip - offset, reason: reason.into() }
    }

    /// A record that was never finished; what follows it is fine.
    fn torn(&mut self) -> Loss {
        let here = self.base + self.at as u64;
        let offset = self.open.take().unwrap_or(here);
        Loss { offset, bytes: here - offset, reason: "record without an end".into() }
    }
}
