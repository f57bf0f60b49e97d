//! Cuts bytes into JSON objects.

use crate::source::{Loss, columns::unix_time, lines::LINE_BYTES_MAX};
use std::ops::Range;

/// Longest document that is read: a `log_history` of some hundred thousand rows.
pub(super) const DOCUMENT_BYTES_MAX: usize = 64 << 20;

/// Bytes of finished objects that may pile up before the buffer is moved together.
const SLACK_BYTES: usize = 1 << 16;

/// Longest point that is a list of numbers.
const POINT_BYTES_MAX: usize = 256;

/// A buffer larger than this is given back once it is empty.
const KEEP_BYTES: usize = 1 << 20;

/// Cuts a byte stream into JSON objects, by their braces, and into [points](point) in an array of arrays.
///
/// An object that has something behind its `{` on the same line ends on that line; one that has not is a document and
/// goes on until its braces close. So a torn line costs itself only. A line with a list or an object in it may be as long as a document:
/// it may be one.
#[derive(Default)]
pub(super) struct Objects {
    pub(super) bytes: Vec<u8>,
    /// Start of what is not handed out, in `bytes`.
    head: usize,
    /// How far the search for the end of the object at the head has come, in `bytes`.
    searched: usize,
    /// Offset of `bytes[0]` in the source.
    base: u64,
    state: State,
    /// Number of top-level arrays that are open: objects in them are rows.
    arrays: u32,
}

#[derive(Clone, Copy, Default)]
enum State {
    /// Between objects.
    #[default]
    Open,
    /// In the object at the head, in front of `searched`.
    Inside(Inside),
    /// In a line that is none of ours; so many of its bytes are dropped already.
    Garbage(u64),
    /// In a document too long to hold.
    Passing,
}

#[derive(Clone, Copy, Default)]
struct Inside {
    depth: u32,
    in_text: bool,
    is_escaped: bool,
    shape: Shape,
    /// Some value of it is a list or an object.
    is_deep: bool,
}

impl Inside {
    fn bytes_max(&self) -> usize {
        if self.shape == Shape::Document || self.is_deep { DOCUMENT_BYTES_MAX } else { LINE_BYTES_MAX }
    }
}

#[derive(Clone, Copy, PartialEq, Default)]
enum Shape {
    /// Nothing but `{` and white space came.
    #[default]
    Untold,
    Line,
    Document,
}

/// One object: where it lies in the buffer and in the source.
pub(super) struct Object {
    pub(super) range: Range<usize>,
    pub(super) offset: u64,
    /// It ends on the line that it begins on.
    pub(super) is_line: bool,
    /// It is one of a list.
    pub(super) is_in_array: bool,
}

/// What ended the search in an object.
enum Stop {
    /// Its last brace, with this byte behind it.
    Whole(usize),
    /// It is torn: its line ends in front of this byte.
    Torn(usize),
    /// The bytes end.
    More,
}

impl Objects {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.head == self.bytes.len() || self.head > SLACK_BYTES.max(self.bytes.len() / 2) {
            self.bytes.drain(..self.head);
            self.base += self.head as u64;
            self.searched = self.searched.saturating_sub(self.head);
            self.head = 0;
            if self.bytes.is_empty() && self.bytes.capacity() > KEEP_BYTES {
                self.bytes = Vec::new();
            }
        }
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn next(&mut self) -> Result<Option<Object>, Loss> {
        loop {
            match self.state {
                State::Open => {
                    let Some(byte) = self.bytes.get(self.head) else { return Ok(None) };
                    match byte {
                        b'{' => {
                            self.state = State::Inside(Inside::default());
                            self.searched = self.head;
                            continue;
                        }
                        b'[' => self.arrays = self.arrays.saturating_add(1),
                        b']' => self.arrays = self.arrays.saturating_sub(1),
                        b',' | b' ' | b'\t' | b'\r' | b'\n' => {}
                        b'0'..=b'9' if self.arrays > 1 => {
                            let rest = &self.bytes[self.head..];
                            let window = &rest[..rest.len().min(POINT_BYTES_MAX)];
                            let end = memchr::memchr2(b']', b'{', window);
                            if end.is_none() && window.len() < POINT_BYTES_MAX {
                                return Ok(None);
                            }
                            if let Some(length) = end.filter(|end| window[*end] == b']' && point(&window[..*end]).is_some()) {
                                let start = self.head;
                                self.head += length;
                                let offset = self.base + start as u64;
                                return Ok(Some(Object { range: start..self.head, offset, is_line: true, is_in_array: true }));
                            }
                            self.state = State::Garbage(0);
                            continue;
                        }
                        0xef | 0xbb | 0xbf if self.base + (self.head as u64) < 3 => {}
                        _ => {
                            self.state = State::Garbage(0);
                            continue;
                        }
                    }
                    self.head += 1;
                }
                State::Inside(mut inside) => {
                    let start = self.head;
                    let offset = self.base + start as u64;
                    let stop = self.search(&mut inside);
                    self.state = State::Inside(inside);
                    let (end, reason) = match stop {
                        Stop::Whole(end) => {
                            (self.head, self.state) = (end, State::Open);
                            let is_in_array = self.arrays > 0;
                            let is_line = inside.shape == Shape::Line;
                            return Ok(Some(Object { range: start..end, offset, is_line, is_in_array }));
                        }
                        Stop::Torn(end) => {
                            self.state = State::Open;
                            (end, "an object is torn")
                        }
                        // The bound is exact, so that it does not matter how the bytes came.
                        Stop::More if inside.shape != Shape::Document && self.searched - start >= inside.bytes_max() => {
                            (self.head, self.state) = (start + inside.bytes_max(), State::Garbage(inside.bytes_max() as u64));
                            continue;
                        }
                        Stop::More if self.searched - start >= DOCUMENT_BYTES_MAX => {
                            self.state = State::Passing;
                            (start + DOCUMENT_BYTES_MAX, "a document is too long")
                        }
                        Stop::More => return Ok(None),
                    };
                    self.head = end;
                    return Err(Loss { offset, bytes: (end - start) as u64, reason: reason.into() });
                }
                State::Garbage(dropped) => {
                    let offset = self.base + self.head as u64 - dropped;
                    let Some(length) = memchr::memchr(b'\n', &self.bytes[self.head..]) else {
                        self.state = State::Garbage(dropped + (self.bytes.len() - self.head) as u64);
                        self.head = self.bytes.len();
                        return Ok(None);
                    };
                    self.head += length + 1;
                    self.state = State::Open;
                    return Err(self.garbage(offset, dropped + length as u64 + 1));
                }
                State::Passing => {
                    // The next object or array that starts a line.
                    while let Some(length) = memchr::memchr(b'\n', &self.bytes[self.head..]) {
                        match self.bytes.get(self.head + length + 1) {
                            Some(b'{' | b'[') => {
                                self.head += length + 1;
                                self.state = State::Open;
                                break;
                            }
                            Some(_) => self.head += length + 1,
                            None => {
                                self.head += length;
                                return Ok(None);
                            }
                        }
                    }
                    if let State::Passing = self.state {
                        self.head = self.bytes.len();
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// No more bytes are expected: a line that is none of ours and was never ended is lost as it is.
    pub(super) fn finish(&mut self) -> Option<Loss> {
        let State::Garbage(dropped @ 1..) = self.state else { return None };
        self.state = State::Garbage(0);
        Some(self.garbage(self.base + self.head as u64 - dropped, dropped))
    }

    fn garbage(&self, offset: u64, bytes: u64) -> Loss {
        let reason = match () {
            // What pandas writes with orient="values".
            () if self.arrays > 1 => "a list in a list has no names, so that nobody knows what its numbers are",
            () if bytes > LINE_BYTES_MAX as u64 => "a line is too long",
            () => "a line is no JSON object",
        };
        Loss { offset, bytes, reason: reason.into() }
    }

    /// Looks for the end of the object at the head, from `searched` on.
    fn search(&mut self, inside: &mut Inside) -> Stop {
        loop {
            let end = self.bytes.len().min(self.head + inside.bytes_max());
            if inside.in_text && !inside.is_escaped {
                // Most bytes of a text say nothing here.
                let rest = self.bytes.get(self.searched..end).unwrap_or_default();
                self.searched += memchr::memchr3(b'"', b'\\', b'\n', rest).unwrap_or(rest.len());
            }
            let at = self.searched;
            let Some(byte) = self.bytes.get(at).copied().filter(|_| at < end) else { return Stop::More };
            if byte == b'\n' {
                match (inside.shape, self.bytes.get(at + 1)) {
                    (Shape::Line, _) => return Stop::Torn(at + 1),
                    (Shape::Untold, _) => inside.shape = Shape::Document,
                    _ if inside.in_text => return Stop::Torn(at + 1),
                    (Shape::Document, Some(b'{')) => return Stop::Torn(at + 1),
                    (Shape::Document, Some(_)) => {}
                    (Shape::Document, None) => return Stop::More,
                }
            } else if inside.in_text {
                match byte {
                    _ if inside.is_escaped => inside.is_escaped = false,
                    b'\\' => inside.is_escaped = true,
                    b'"' => inside.in_text = false,
                    _ => {}
                }
            } else {
                match byte {
                    b'"' => inside.in_text = true,
                    b'{' | b'[' => {
                        inside.is_deep |= inside.depth > 0;
                        inside.depth += 1;
                    }
                    b'}' | b']' => inside.depth = inside.depth.saturating_sub(1),
                    _ => {}
                }
                if inside.depth == 0 {
                    self.searched = at + 1;
                    if inside.shape == Shape::Untold {
                        inside.shape = Shape::Line;
                    }
                    return Stop::Whole(at + 1);
                }
            }
            if inside.shape == Shape::Untold && at > self.head && !byte.is_ascii_whitespace() {
                inside.shape = Shape::Line;
            }
            self.searched = at + 1;
        }
    }
}

/// The inside of an array that is a point as TensorBoard's own download has it, as an object: wall time, step and value.
///
/// Source: `tensorboard/plugins/scalar/scalars_plugin.py` (`scalars_impl`); a value that is no number comes as text.
pub(super) fn point(inside: &[u8]) -> Option<String> {
    let mut parts = std::str::from_utf8(inside).ok()?.split(',').map(str::trim);
    let (time, step, value) = (parts.next()?, parts.next()?, parts.next()?);
    unix_time(time.parse().ok()?)?;
    step.parse::<i64>().ok()?;
    value.trim_matches('"').parse::<f64>().ok()?;
    parts.next().is_none().then(|| format!(r#"{{"wall_time": {time}, "step": {step}, "value": {value}}}"#))
}
