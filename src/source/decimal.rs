//! From decimal digits to the nearest double, where that takes few instructions; else the standard library's parser is asked.

/// A byte is a digit when its high half is 3, also with 6 added: it is one of 0x30 to 0x39.
const SIXES: u64 = 0x0606_0606_0606_0606;
const ZEROS: u64 = 0x3030_3030_3030_3030;
const HIGH: u64 = 0xf0f0_f0f0_f0f0_f0f0;

/// Powers of ten by the number of digits that they make room for.
pub(super) const TENS: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// The number that the digits at the start of eight bytes make, and how many they are.
#[inline]
pub(super) fn leading_digits(bytes: &[u8; 8]) -> (u64, usize) {
    let word = u64::from_le_bytes(*bytes);
    // What is left in the high half of a byte that is no digit. A carry out of such a byte only touches those behind it.
    let others = ((word & HIGH) ^ ZEROS) | ((word.wrapping_add(SIXES) & HIGH) ^ ZEROS);
    let count = others.trailing_zeros() as usize / 8;
    // As many zeros in front as bytes that are left out.
    let padded = (word ^ ZEROS).checked_shl(64 - 8 * count as u32).unwrap_or(0);
    (value(padded), count)
}

/// A number without a sign that ends within eight bytes, such as `12` or `0.25`: its digits as one number, how many of them stand
/// behind the point, and its length. Where one number of a line ends decides where the next is read, so this says it at once.
#[inline]
pub(super) fn short(bytes: &[u8; 8]) -> Option<(u64, usize, usize)> {
    const TOPS: u64 = 0x8080_8080_8080_8080;
    const TO_TOP: u64 = 0x7676_7676_7676_7676;
    let word = u64::from_le_bytes(*bytes) ^ ZEROS;
    // The top bit of each byte that is no digit: 10 and more. Again, a carry only touches the bytes behind.
    let others = (word.wrapping_add(TO_TOP) | word) & TOPS;
    let first = others.trailing_zeros() as usize / 8;
    if !(1..8).contains(&first) {
        return None;
    }
    let whole = word & ((1 << (8 * first)) - 1);
    if bytes[first] != b'.' {
        return Some((value(whole << (64 - 8 * first)), 0, first));
    }
    let end = (others & (others - 1)).trailing_zeros() as usize / 8;
    if end >= 8 || end == first + 1 {
        return None;
    }
    // The point goes, and what stands behind it moves up.
    let part = (word >> 8) & !((1 << (8 * first)) - 1);
    Some((value((whole | part) << (64 - 8 * (end - 1))), end - first - 1, end))
}

/// The number that eight digits make, each in a byte as a number, the first in the lowest.
#[inline]
fn value(word: u64) -> u64 {
    // Pairs of digits, pairs of pairs, and both halves: three multiplications (Lemire, "number parsing at a gigabyte a second").
    let word = word.wrapping_mul(10 << 8 | 1) >> 8;
    let word = (word & 0x00ff_00ff_00ff_00ff).wrapping_mul(100 << 16 | 1) >> 16;
    (word & 0x0000_ffff_0000_ffff).wrapping_mul(10_000 << 32 | 1) >> 32
}

/// The double nearest to `mantissa * 10^exponent`. `None`: that is not told quickly.
#[inline]
pub(super) fn nearest(mantissa: u64, exponent: i32) -> Option<f64> {
    // Both factors are exact doubles, so one rounding gives the nearest value (Clinger 1990).
    if mantissa <= 1 << 53 && (-22..=22).contains(&exponent) {
        let power = POWERS[exponent.unsigned_abs() as usize];
        return Some(if exponent < 0 { mantissa as f64 / power } else { mantissa as f64 * power });
    }
    match exponent {
        -27..=-1 => divided(mantissa, exponent.unsigned_abs()),
        _ => None,
    }
}

const POWERS: [f64; 23] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22];

/// `mantissa / 10^digits`: a double printed in full has 16 or 17 digits, most of them behind the point.
///
/// The upper 64 bits of a product with 1/5^digits, which stands in a table with 64 bits, are off by less than two units. They
/// hold the 53 bits of the double and ten to round by; where these are too near to a tie or a carry, there is no answer (1 in 300).
#[inline]
fn divided(mantissa: u64, digits: u32) -> Option<f64> {
    if mantissa == 0 {
        return Some(0.0);
    }
    let shift = mantissa.leading_zeros();
    let (inverse, bits) = INVERSES[digits as usize];
    let product = u128::from(mantissa << shift) * u128::from(inverse);
    let high = (product >> 64) as u64;
    // The product of two numbers from 2^63 on has 127 or 128 bits.
    let carry = high.leading_zeros();
    let high = high << carry;
    let (kept, rest) = (high >> 11, high & 0x7ff);
    // The error, two units, may have been doubled by the shift; at 0x400 is the tie.
    if !(8..0x7f8).contains(&rest) || (0x3f8..=0x408).contains(&rest) {
        return None;
    }
    let rounded = kept + u64::from(rest > 0x400);
    // rounded * 2^11 / 2^64 of the product, in which the mantissa was shifted left and the inverse stood for 2^bits.
    let scale = 64 + 11 - carry as i32 - shift as i32 - bits - digits as i32;
    Some(rounded as f64 * f64::from_bits(((1023 + scale) as u64) << 52))
}

/// 1/5^n as a number from 2^63 on, cut to 64 bits, and the power of two that it was multiplied with.
const INVERSES: [(u64, i32); 28] = {
    let mut table = [(0, 0); 28];
    let mut n = 1;
    while n < 28 {
        let divisor = 5_u128.pow(n as u32);
        // 5^n < 2^63, so the quotient has 64 bits or one more for this power.
        let bits = 63 + (128 - divisor.leading_zeros()) as i32;
        // 2^bits / divisor by long division, since 2^bits may not fit.
        let (mut quotient, mut rest, mut left) = (0_u128, 1_u128, bits);
        while left > 0 {
            rest <<= 1;
            quotient <<= 1;
            if rest >= divisor {
                rest -= divisor;
                quotient |= 1;
            }
            left -= 1;
        }
        assert!(quotient >> 63 == 1);
        table[n] = (quotient as u64, bits);
        n += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn exact(mantissa: u64, exponent: i32) -> f64 {
        format!("{mantissa}e{exponent}").parse().unwrap()
    }

    #[test]
    fn digits_are_a_number_and_nothing_else_is() {
        assert_eq!(leading_digits(b"12345678"), (12_345_678, 8));
        assert_eq!(leading_digits(b"00000000"), (0, 8));
        for (at, other) in (0..8).flat_map(|at| [(at, b'/'), (at, b':'), (at, b'e'), (at, 0xb0), (at, 0xff), (at, 0)]) {
            let mut text = *b"99999999";
            text[at] = other;
            assert_eq!(leading_digits(&text), (10_u64.pow(at as u32) - 1, at));
        }
    }

    #[test]
    fn nearly_every_double_printed_in_full_is_told_quickly() {
        let mut noise = 1_u64;
        let asked = (0..100_000).filter(|_| {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let text = format!("{}", (noise >> 11) as f64 / (1_u64 << 53) as f64);
            let digits = &text[2.min(text.len())..];
            nearest(digits.parse().unwrap(), -(digits.len() as i32)).is_none()
        });
        assert!(asked.count() < 2000);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn what_is_told_is_the_nearest_double(mantissa in any::<u64>(), cut in 0..64_u32, exponent in -30..30_i32) {
            if let Some(value) = nearest(mantissa >> cut, exponent) {
                prop_assert_eq!(value.to_bits(), exact(mantissa >> cut, exponent).to_bits());
            }
        }

        #[test]
        fn ties_and_their_neighbours_are_never_told_wrongly(value in 1e-3..1e3_f64, by in -2..3_i64) {
            // Seventeen digits around the middle of two doubles.
            let middle = value + (value.next_up() - value) / 2.0;
            let text = format!("{middle:.16e}");
            let (digits, power) = text.split_once('e').unwrap();
            let mantissa: i64 = digits.replace('.', "").parse().unwrap();
            let (mantissa, exponent) = ((mantissa + by) as u64, power.parse::<i32>().unwrap() - 16);
            if let Some(told) = nearest(mantissa, exponent) {
                prop_assert_eq!(told.to_bits(), exact(mantissa, exponent).to_bits());
            }
        }

        #[test]
        fn short_numbers_are_read_as_the_standard_library_reads_them(text in r"[0-9]{0,8}\.?[0-9]{0,8}[^0-9]{1,8}") {
            let bytes = text.as_bytes();
            let length = bytes.iter().position(|byte| !(byte.is_ascii_digit() || *byte == b'.')).unwrap_or(bytes.len());
            let length = text[..length].match_indices('.').nth(1).map_or(length, |(second, _)| second);
            if let Some((mantissa, places, end)) = bytes.first_chunk().and_then(short) {
                prop_assert!(end == length || text[..length].ends_with('.'), "{end}");
                let value = nearest(mantissa, -(places as i32)).unwrap();
                prop_assert_eq!(value.to_bits(), text[..end].parse::<f64>().unwrap().to_bits());
            } else if bytes.len() >= 8 {
                let is_short = (1..8).contains(&length) && !text.starts_with('.') && !text[..length].ends_with('.');
                prop_assert!(!is_short, "{text:?} is short");
            }
        }

        #[test]
        fn any_eight_bytes_are_read_as_the_standard_library_reads_them(bytes in any::<[u8; 8]>(), digits in 0..100_000_000_u32) {
            let count = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let text = std::str::from_utf8(&bytes[..count]).unwrap();
            prop_assert_eq!(leading_digits(&bytes), (text.parse().unwrap_or(0), count));
            let text = format!("{digits}........");
            prop_assert_eq!(leading_digits(text.as_bytes().first_chunk().unwrap()), (u64::from(digits), text.len() - 8));
        }
    }
}
