//! Reads what TensorBoard's `hparams` plugin stores: the hyperparameters of a session.

use crate::source::{
    Record,
    proto::{Malformed, Wire, fields},
};
use serde_json::{Number, Value};

/// The config entries and the group in the plugin's data (`HParamsPluginData`). Its session end is passed over: the
/// writers tell it together with the start.
pub(super) fn records(data: &[u8], out: &mut impl Extend<Record>) -> Result<(), Malformed> {
    let mut all = fields(data);
    for field in all.by_ref() {
        let (3, Wire::Bytes(start)) = field else { continue };
        let mut start = fields(start);
        for field in start.by_ref() {
            match field {
                (1, Wire::Bytes(entry)) => out.extend(hparam(entry)?),
                (4, group) => out.extend(group.words().filter(|group| !group.is_empty()).map(|group| Record::Info("group", group.into()))),
                _ => {}
            }
        }
        start.whole()?;
    }
    all.whole()
}

/// One entry of the map from name to `google.protobuf.Value`.
fn hparam(entry: &[u8]) -> Result<Option<Record>, Malformed> {
    let (mut name, mut value) = (None, Value::Null);
    let mut all = fields(entry);
    for field in all.by_ref() {
        match field {
            (1, text) => name = text.words(),
            (2, Wire::Bytes(message)) => {
                let mut message = fields(message);
                for field in message.by_ref() {
                    match field {
                        (2, number) => value = number.float().map_or(Value::Null, json),
                        (3, text) => value = text.words().map_or(Value::Null, |text| text.into()),
                        (4, Wire::Varint(bool)) => value = (bool != 0).into(),
                        _ => {}
                    }
                }
                message.whole()?;
            }
            _ => {}
        }
    }
    all.whole()?;
    Ok(name.map(|name| Record::Config(name.into_owned(), value)))
}

/// The plugin knows doubles only; a whole number was most likely an int.
fn json(number: f64) -> Value {
    const EXACT: f64 = (1_u64 << 53) as f64;
    match number {
        _ if number.fract() == 0.0 && number.abs() <= EXACT => (number as i64).into(),
        _ => Number::from_f64(number).map_or_else(|| word(number).into(), Value::Number),
    }
}

fn word(number: f64) -> &'static str {
    match number {
        n if n.is_nan() => "NaN",
        n if n > 0.0 => "Infinity",
        _ => "-Infinity",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn message(number: u8, body: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, body.len() as u8], body].concat()
    }

    #[test]
    fn a_session_gives_config_and_group() {
        let entry = |name: &str, value: &[u8]| message(1, &[message(1, name.as_bytes()), message(2, value)].concat());
        let double = |number: f64| [&[0x11][..], &number.to_le_bytes()].concat();
        let start = [
            entry("lr", &double(0.001)),
            entry("bs", &double(32.0)),
            entry("opt", &message(3, b"adam")),
            entry("amp", &[0x20, 1]),
            entry("max", &double(f64::INFINITY)),
            entry("none", &[0x08, 0]),
            message(4, b"sweep"),
        ];
        let mut got = vec![];
        records(&message(3, &start.concat()), &mut got).unwrap();
        let config = |name: &str, value: Value| Record::Config(name.into(), value);
        assert_eq!(
            got,
            [
                config("lr", json!(0.001)),
                config("bs", json!(32)),
                config("opt", json!("adam")),
                config("amp", json!(true)),
                config("max", json!("Infinity")),
                config("none", Value::Null),
                Record::Info("group", json!("sweep")),
            ]
        );
    }
}
