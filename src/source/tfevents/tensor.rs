//! Reads the little that is wanted of a TensorFlow `TensorProto`.
//!
//! Values stand either as raw little-endian bytes (`tensor_content`, 4) or in the list of their kind (5, 6, 7, ...).
//! Source: `tensor.proto` and `types.proto` of TensorFlow, as TensorBoard 2.21 ships them.

use crate::source::proto::{Malformed, Wire, fields, varint};

/// The number of a numeric tensor that has exactly one element.
pub(super) fn number(tensor: &[u8]) -> Result<Option<f64>, Malformed> {
    let (mut dtype, mut elements, mut content, mut listed) = (0, Some(1_u64), None, None);
    let mut all = fields(tensor);
    for field in all.by_ref() {
        match field {
            (1, value) => dtype = value.int(),
            (2, Wire::Bytes(shape)) => elements = dims(shape)?.try_fold(1, |product: u64, dim| product.checked_mul(dim?)),
            (4, Wire::Bytes(bytes)) if !bytes.is_empty() => content = Some(bytes),
            (list @ (5..=7 | 10 | 11 | 13 | 16 | 17), value) if listed.is_none() && value != Wire::Bytes(&[]) => {
                listed = Some((list, value))
            }
            _ => {}
        }
    }
    all.whole()?;
    if elements != Some(1) {
        return Ok(None);
    }
    Ok(match (kind(dtype), content, listed) {
        (None, ..) => None,
        (Some((kind, _)), Some(content), _) => kind.raw(content),
        (Some((kind, list)), None, Some((number, value))) if list == number => kind.listed(value),
        // Writers may leave zeros out.
        (Some(_), None, _) => Some(0.0),
    })
}

/// The texts of a string tensor.
pub(super) fn texts(tensor: &[u8]) -> impl Iterator<Item = &[u8]> {
    fields(tensor).filter_map(|field| match field {
        (8, Wire::Bytes(text)) => Some(text),
        _ => None,
    })
}

/// The lengths of a tensor's dimensions, `None` for one that is not known.
fn dims(shape: &[u8]) -> Result<impl Iterator<Item = Option<u64>>, Malformed> {
    let mut dims = vec![];
    let mut all = fields(shape);
    for field in all.by_ref() {
        match field {
            (2, Wire::Bytes(dim)) => {
                let size = fields(dim).find(|(number, _)| *number == 1).map_or(0, |(_, size)| size.int());
                dims.push(u64::try_from(size).ok());
            }
            (3, Wire::Varint(unknown)) if unknown != 0 => dims.push(None),
            _ => {}
        }
    }
    all.whole()?;
    Ok(dims.into_iter())
}

#[derive(Clone, Copy)]
enum Kind {
    F32,
    F64,
    F16,
    Bf16,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    Bool,
}

/// How the numbers of a dtype are written, and the field that lists them.
fn kind(dtype: i64) -> Option<(Kind, u32)> {
    Some(match dtype {
        1 => (Kind::F32, 5),
        2 => (Kind::F64, 6),
        3 => (Kind::I32, 7),
        4 => (Kind::U8, 7),
        5 => (Kind::I16, 7),
        6 => (Kind::I8, 7),
        9 => (Kind::I64, 10),
        10 => (Kind::Bool, 11),
        14 => (Kind::Bf16, 13),
        17 => (Kind::U16, 7),
        19 => (Kind::F16, 13),
        22 => (Kind::U32, 16),
        23 => (Kind::U64, 17),
        _ => return None,
    })
}

impl Kind {
    /// The first number of raw bytes.
    fn raw(self, bytes: &[u8]) -> Option<f64> {
        Some(match self {
            Kind::F32 => f32::from_le_bytes(*bytes.first_chunk()?).into(),
            Kind::F64 => f64::from_le_bytes(*bytes.first_chunk()?),
            Kind::F16 => half(u16::from_le_bytes(*bytes.first_chunk()?)),
            Kind::Bf16 => bfloat(u16::from_le_bytes(*bytes.first_chunk()?)),
            Kind::I8 => i8::from_le_bytes(*bytes.first_chunk()?).into(),
            Kind::I16 => i16::from_le_bytes(*bytes.first_chunk()?).into(),
            Kind::I32 => i32::from_le_bytes(*bytes.first_chunk()?).into(),
            Kind::I64 => i64::from_le_bytes(*bytes.first_chunk()?) as f64,
            Kind::U8 | Kind::Bool => (*bytes.first()?).into(),
            Kind::U16 => u16::from_le_bytes(*bytes.first_chunk()?).into(),
            Kind::U32 => u32::from_le_bytes(*bytes.first_chunk()?).into(),
            Kind::U64 => u64::from_le_bytes(*bytes.first_chunk()?) as f64,
        })
    }

    /// The first item of a list, packed or not.
    fn listed(self, value: Wire) -> Option<f64> {
        let int = || match value {
            Wire::Bytes(mut packed) => varint(&mut packed),
            Wire::Varint(int) => Some(int),
            _ => None,
        };
        match (self, value) {
            (Kind::F32 | Kind::F64, Wire::Bytes(packed)) => self.raw(packed),
            (Kind::F32 | Kind::F64, _) => value.float(),
            (Kind::F16, _) => int().map(|bits| half(bits as u16)),
            (Kind::Bf16, _) => int().map(|bits| bfloat(bits as u16)),
            (Kind::U64, _) => int().map(|int| int as f64),
            _ => int().map(|int| int as i64 as f64),
        }
    }
}

/// An IEEE 754 binary16.
pub(in crate::source) fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2_f64.powi(-24),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        _ => (1024.0 + fraction) * 2_f64.powi(exponent - 25),
    };
    if bits & 0x8000 == 0 { size } else { -size }
}

/// A bfloat16: the upper half of a binary32.
fn bfloat(bits: u16) -> f64 {
    f32::from_bits(u32::from(bits) << 16).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(tensor: &[u8], want: Option<f64>) {
        assert_eq!(format!("{:?}", number(tensor).unwrap()), format!("{want:?}"));
    }

    #[test]
    fn raw_bytes_are_read_by_dtype() {
        let content = |dtype: u8, bytes: &[u8]| [&[0x08, dtype, 0x22, bytes.len() as u8], bytes].concat();
        check(&content(1, &1.5_f32.to_le_bytes()), Some(1.5));
        check(&content(2, &1e10_f64.to_le_bytes()), Some(1e10));
        check(&content(3, &(-7_i32).to_le_bytes()), Some(-7.0));
        check(&content(4, &[200]), Some(200.0));
        check(&content(5, &(-300_i16).to_le_bytes()), Some(-300.0));
        check(&content(6, &[0xff]), Some(-1.0));
        check(&content(9, &(1_i64 << 40).to_le_bytes()), Some((1_i64 << 40) as f64));
        check(&content(10, &[1]), Some(1.0));
        check(&content(14, &[0xc0, 0x3f]), Some(1.5));
        check(&content(17, &60_000_u16.to_le_bytes()), Some(60_000.0));
        check(&content(19, &[0x00, 0x3e]), Some(1.5));
        check(&content(22, &u32::MAX.to_le_bytes()), Some(f64::from(u32::MAX)));
        check(&content(23, &u64::MAX.to_le_bytes()), Some(u64::MAX as f64));
        check(&content(1, &[1, 2]), None);
        check(&content(8, &[0; 8]), None);
    }

    #[test]
    fn lists_are_read_packed_or_not_and_left_out_means_zero() {
        check(&[&[0x08, 1, 0x2a, 4][..], &2.5_f32.to_le_bytes()].concat(), Some(2.5));
        check(&[&[0x08, 1, 0x2d][..], &2.5_f32.to_le_bytes()].concat(), Some(2.5));
        check(&[&[0x08, 2, 0x31][..], &2.5_f64.to_le_bytes()].concat(), Some(2.5));
        check(&[0x08, 3, 0x38, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], Some(-1.0));
        check(&[0x08, 9, 0x52, 2, 0xac, 0x02], Some(300.0));
        check(&[0x08, 10, 0x58, 1], Some(1.0));
        check(&[0x08, 19, 0x6a, 2, 0x80, 0x7c], Some(1.5));
        check(&[0x08, 19, 0x68, 0x80, 0x7c], Some(1.5));
        check(&[0x08, 14, 0x68, 0xc0, 0x7f], Some(1.5));
        check(&[0x08, 1], Some(0.0));
    }

    #[test]
    fn half_floats_have_subnormals_infinities_and_nan() {
        for (bits, want) in [(0x0001, 2_f64.powi(-24)), (0x7bff, 65504.0), (0xfc00, f64::NEG_INFINITY), (0x8000, -0.0), (0x7e00, f64::NAN)]
        {
            assert_eq!(format!("{:?}", half(bits)), format!("{want:?}"));
        }
    }

    #[test]
    fn only_one_element_is_a_number() {
        let shaped = |dims: &[u8]| {
            let shape: Vec<u8> = dims.iter().flat_map(|dim| [0x12, 2, 0x08, *dim]).collect();
            [&[0x08, 1, 0x12, shape.len() as u8], &shape[..], &[0x2d], &2.5_f32.to_le_bytes()].concat()
        };
        check(&shaped(&[]), Some(2.5));
        check(&shaped(&[1, 1]), Some(2.5));
        check(&shaped(&[2]), None);
        check(&shaped(&[0]), None);
    }
}
