//! Numbers as JSON. JSON has no NaN and no infinities, so they are written as the strings `"NaN"`, `"Infinity"`
//! and `"-Infinity"`; every line that og writes is then valid JSON.

use serde_json::{Number, Value};

/// `value` as JSON.
pub fn to_json(value: f64) -> Value {
    match Number::from_f64(value) {
        Some(number) => Value::Number(number),
        None if value.is_nan() => Value::from("NaN"),
        None if value > 0.0 => Value::from("Infinity"),
        None => Value::from("-Infinity"),
    }
}

/// The number that `json` stands for: a JSON number, or one of the words for what JSON cannot say (in any case,
/// also `inf`, `+inf` and `-inf`). `None` for anything else, numbers in quotes included.
pub fn from_json(json: &Value) -> Option<f64> {
    match json {
        Value::Number(number) => number.as_f64(),
        Value::String(word) => from_word(word),
        _ => None,
    }
}

fn from_word(word: &str) -> Option<f64> {
    let (sign, name) = match word.as_bytes().first()? {
        b'-' => (-1.0, &word[1..]),
        b'+' => (1.0, &word[1..]),
        _ => (1.0, word),
    };
    if name.eq_ignore_ascii_case("nan") {
        return Some(f64::NAN);
    }
    let infinite = name.eq_ignore_ascii_case("inf") || name.eq_ignore_ascii_case("infinity");
    infinite.then_some(sign * f64::INFINITY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_json_cannot_say_is_a_word() {
        assert_eq!(to_json(f64::NAN), "NaN");
        assert_eq!(to_json(f64::INFINITY), "Infinity");
        assert_eq!(to_json(f64::NEG_INFINITY), "-Infinity");
        assert_eq!(from_json(&Value::from("-inf")), Some(f64::NEG_INFINITY));
        assert_eq!(from_json(&Value::from("2.5")), None);
        assert_eq!(from_json(&Value::from("é")), None);
        assert_eq!(from_json(&Value::from("")), None);
    }

    proptest! {
        #[test]
        fn a_number_survives_json(value in any::<f64>()) {
            let text = to_json(value).to_string();
            let back = from_json(&serde_json::from_str(&text).unwrap()).unwrap();
            prop_assert!(back == value || back.is_nan() && value.is_nan());
        }
    }
}
