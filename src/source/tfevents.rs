//! TensorBoard event files, as TF1, TF2, PyTorch, tensorboardX, Keras and Lightning write them.
//!
//! A file is a stream of checksummed records ([`frames`]), each one `Event` message. Scalars become rows, one for each
//! event; hyperparameters become config; texts, pictures, histograms and audio become [`Media`] references.
//!
//! A run is a folder: its event files in order of name, each through a decoder of its own. A restarted program writes a
//! new file whose steps go back, which supersedes the points from there on, key by key; where its `SessionLog` says at which
//! step it starts, those of all keys at once ([`Record::Superseded`]).
//!
//! Source: `event.proto`, `summary.proto`, `plugin_data.proto` as TensorBoard 2.21 ships them; files of tensorboardX 2.6 and TensorBoard.

mod frames;
mod hparams;
mod tensor;

use super::{
    Decoder, Loss, Media, Record, Row,
    keys::{KEYS_MAX, Keys},
    outbox::Outbox,
    proto::{Malformed, Wire, fields},
};
use crate::model::{Step, WallTime};
use frames::{Frame, Frames};
use serde_json::{Map, Value, json};
use std::{
    borrow::Cow,
    collections::{HashMap, VecDeque},
};
pub(super) use tensor::half;

/// Longest tag that is read. People write names; a longer one is data.
const TAG_BYTES_MAX: usize = 1 << 12;

/// Longest text that is kept of a text summary: enough to show. The whole stays in the file.
const TEXT_BYTES_MAX: usize = 1 << 12;

/// `SessionLog.SessionStatus.START`.
const SESSION_START: u64 = 1;

/// Decodes one event file.
#[derive(Default)]
pub struct TfEvents {
    frames: Frames,
    keys: Keys,
    ready: Outbox,
    /// What each tag holds, which only its first event in a file says.
    tags: HashMap<String, Kind>,
    /// Bytes were passed over, and with them first events of tags.
    jumped: bool,
}

/// What the values of a tag are.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Kind {
    Scalar,
    Hparams,
    /// A [`Media`] of this kind.
    Media(&'static str),
    /// Of a plugin whose values mean nothing outside of it.
    Foreign,
    /// Nobody said: a tensor of one number counts as a scalar. So do tags whose first event is damaged.
    Unknown,
}

impl TfEvents {
    /// A decoder that stands at the start of a file.
    pub fn new() -> TfEvents {
        TfEvents::default()
    }

    fn read(&mut self, frame: &Frame) -> Result<(), Loss> {
        let loss = |reason: &str| Loss { offset: frame.offset, bytes: frame.bytes, reason: reason.into() };
        let event = Event::read(self.frames.get(frame.range.clone())).map_err(|_| loss("a record cannot be read as an event"))?;
        if event.starts {
            self.ready.records.push_back(Record::Superseded(event.step));
        }
        self.keys.begin();
        let ready = self.ready.records.len();
        let unknown = if self.jumped { Kind::Foreign } else { Kind::Unknown };
        let mut all = fields(event.summary);
        let mut values = all.by_ref().filter(|(number, _)| *number == 1).map(|(_, value)| Summary::read(value.bytes()));
        let mut put =
            |value: Summary<'_>| value.put(&event, frame.offset, unknown, &mut self.tags, &mut self.keys, &mut self.ready.records);
        let read = values.try_for_each(|value| value.and_then(&mut put));
        if read.and(all.whole()).is_err() {
            self.ready.records.truncate(ready);
            return Err(loss("a record cannot be read as an event"));
        }
        let row = Row { step: Some(event.step), time: event.time, offset: Some(frame.offset), ..Row::default() };
        self.ready.row(&mut self.keys, row, loss);
        Ok(())
    }
}

impl Decoder for TfEvents {
    fn push(&mut self, bytes: &[u8]) {
        self.frames.push(bytes);
    }

    fn next(&mut self) -> Result<Option<Record>, Loss> {
        loop {
            if let Some(ready) = self.ready.next() {
                return ready.map(Some);
            }
            match self.frames.next()? {
                Some(frame) => self.read(&frame)?,
                None => return Ok(None),
            }
        }
    }

    fn finish(&mut self) {
        self.ready.lose(|| self.frames.finish());
    }

    fn reset(&mut self) {
        *self = TfEvents::new();
    }

    fn jump(&mut self) -> bool {
        self.frames.jump();
        self.jumped = true;
        true
    }
}

/// An `Event` message, as far as it is wanted.
struct Event<'a> {
    time: Option<WallTime>,
    step: Step,
    summary: &'a [u8],
    /// A program starts here: what was logged at and after this step counts no more.
    starts: bool,
}

impl<'a> Event<'a> {
    fn read(message: &'a [u8]) -> Result<Event<'a>, Malformed> {
        let mut event = Event { time: None, step: Step(0), summary: &[], starts: false };
        let mut all = fields(message);
        for field in all.by_ref() {
            match field {
                (1, Wire::Fixed64(bits)) => event.time = WallTime::new(f64::from_bits(bits)).filter(|time| time.secs() != 0.0),
                (2, Wire::Varint(step)) => event.step = Step(step as i64),
                (5, Wire::Bytes(summary)) => event.summary = summary,
                (7, Wire::Bytes(session)) => event.starts = fields(session).any(|field| field == (1, Wire::Varint(SESSION_START))),
                _ => {}
            }
        }
        all.whole()?;
        Ok(event)
    }
}

/// A `Summary.Value` message.
struct Summary<'a> {
    tag: Cow<'a, str>,
    metadata: Option<&'a [u8]>,
    body: Body<'a>,
}

enum Body<'a> {
    None,
    Scalar(f64),
    Image(&'a [u8]),
    Histogram(&'a [u8]),
    Audio(&'a [u8]),
    Tensor(&'a [u8]),
}

impl<'a> Summary<'a> {
    #[inline]
    fn read(message: &'a [u8]) -> Result<Summary<'a>, Malformed> {
        let mut summary = Summary { tag: Cow::Borrowed(""), metadata: None, body: Body::None };
        let mut all = fields(message);
        for field in all.by_ref() {
            match field {
                (1, tag) => summary.tag = tag.words().ok_or(Malformed)?,
                (2, value) => summary.body = Body::Scalar(value.float().ok_or(Malformed)?),
                (4, Wire::Bytes(image)) => summary.body = Body::Image(image),
                (5, Wire::Bytes(histogram)) => summary.body = Body::Histogram(histogram),
                (6, Wire::Bytes(audio)) => summary.body = Body::Audio(audio),
                (8, Wire::Bytes(tensor)) => summary.body = Body::Tensor(tensor),
                (9, Wire::Bytes(metadata)) => summary.metadata = Some(metadata),
                _ => {}
            }
        }
        all.whole()?;
        Ok(summary)
    }

    /// Puts the value where it belongs: a number into the row, everything else into `out`. A tensor of a tag of which
    /// nobody said what it holds counts as `unknown`.
    #[inline]
    fn put(
        self,
        event: &Event,
        offset: u64,
        unknown: Kind,
        tags: &mut HashMap<String, Kind>,
        keys: &mut Keys,
        out: &mut VecDeque<Record>,
    ) -> Result<(), Malformed> {
        if self.tag.len() > TAG_BYTES_MAX {
            return Err(Malformed);
        }
        let kind = match self.metadata {
            Some(metadata) => self.learn(metadata, tags, out)?,
            None => None,
        };
        let media = |kind: &str, about: Value| {
            let key = self.tag.clone().into_owned();
            Record::Media(Box::new(Media { key, step: Some(event.step), time: event.time, kind: kind.into(), about }))
        };
        match self.body {
            Body::None => {}
            Body::Scalar(value) => keys.put(&self.tag, value),
            Body::Image(image) => out.push_back(media("image", about(image, offset, &[(2, "width"), (1, "height")])?)),
            Body::Audio(audio) => {
                out.push_back(media("audio", about(audio, offset, &[(1, "sample_rate"), (2, "channels"), (3, "frames")])?))
            }
            Body::Histogram(histogram) => {
                out.push_back(media("histogram", about(histogram, offset, &[(1, "min"), (2, "max"), (3, "count"), (4, "sum")])?));
            }
            Body::Tensor(tensor) => match kind.or_else(|| tags.get(&*self.tag).copied()).unwrap_or(unknown) {
                Kind::Scalar | Kind::Unknown => drop(tensor::number(tensor)?.map(|number| keys.put(&self.tag, number))),
                Kind::Media("text") => out.push_back(media("text", text(tensor).into())),
                Kind::Media("image") => {
                    // TF2 lists width and height as texts in front of the pictures.
                    let mut sizes = tensor::texts(tensor).map(|text| std::str::from_utf8(text).ok()?.parse::<u32>().ok());
                    let (width, height) = (sizes.next().flatten(), sizes.next().flatten());
                    out.push_back(media("image", json!({"offset": offset, "width": width, "height": height})));
                }
                Kind::Media(kind) => out.push_back(media(kind, json!({"offset": offset}))),
                Kind::Hparams | Kind::Foreign => {}
            },
        }
        Ok(())
    }

    /// Remembers what the metadata says about the tag.
    fn learn(&self, metadata: &[u8], tags: &mut HashMap<String, Kind>, out: &mut VecDeque<Record>) -> Result<Option<Kind>, Malformed> {
        let (mut plugin, mut content, mut class) = (Cow::Borrowed(""), &[][..], 0);
        let mut all = fields(metadata);
        for field in all.by_ref() {
            match field {
                (1, Wire::Bytes(data)) => {
                    let mut data = fields(data);
                    for field in data.by_ref() {
                        match field {
                            (1, name) => plugin = name.words().ok_or(Malformed)?,
                            (2, Wire::Bytes(bytes)) => content = bytes,
                            _ => {}
                        }
                    }
                    data.whole()?;
                }
                (4, Wire::Varint(number)) => class = number,
                _ => {}
            }
        }
        all.whole()?;
        let kind = Kind::of(&plugin, class);
        if kind == Kind::Hparams {
            hparams::records(content, out)?;
        }
        // Events without metadata look here, so tags that nobody tells anything about take no room.
        if kind != Kind::Unknown && (tags.len() < KEYS_MAX || tags.contains_key(&*self.tag)) {
            tags.insert(self.tag.to_string(), kind);
        }
        Ok((kind != Kind::Unknown).then_some(kind))
    }
}

impl Kind {
    /// What a plugin keeps under its tags; `class` is the `data_class` by which other plugins say that they hold scalars.
    fn of(plugin: &str, class: u64) -> Kind {
        match (plugin, class) {
            ("scalars", _) => Kind::Scalar,
            ("hparams", _) => Kind::Hparams,
            ("text", _) => Kind::Media("text"),
            ("images", _) => Kind::Media("image"),
            ("histograms", _) => Kind::Media("histogram"),
            ("audio", _) => Kind::Media("audio"),
            ("pr_curves", _) => Kind::Media("pr_curve"),
            ("mesh", _) => Kind::Media("mesh"),
            (_, 1) => Kind::Scalar,
            ("", _) => Kind::Unknown,
            _ => Kind::Foreign,
        }
    }
}

/// Where a picture, a sound or a histogram lies, and the numbers of its message that describe it.
fn about(message: &[u8], offset: u64, wanted: &[(u32, &str)]) -> Result<Value, Malformed> {
    let mut out = Map::from_iter([("offset".to_owned(), Value::from(offset))]);
    let mut all = fields(message);
    for (number, value) in all.by_ref() {
        if let Some((_, name)) = wanted.iter().find(|(wanted, _)| *wanted == number) {
            let value = match value {
                Wire::Varint(int) => Value::from(int as i64),
                other => other.float().map_or(Value::Null, Value::from),
            };
            out.insert((*name).to_owned(), value);
        }
    }
    all.whole()?;
    Ok(Value::Object(out))
}

/// The texts of a tensor, one a line, cut to [`TEXT_BYTES_MAX`].
fn text(tensor: &[u8]) -> String {
    let mut out = String::new();
    for text in tensor::texts(tensor) {
        if !out.is_empty() {
            out.push('\n');
        }
        let room = TEXT_BYTES_MAX.saturating_sub(out.len());
        out.push_str(&String::from_utf8_lossy(&text[..text.len().min(room)]));
        if text.len() >= room {
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests;
