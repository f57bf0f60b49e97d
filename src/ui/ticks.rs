//! Round numbers along an axis, and how they are written.

/// Marks of an axis: where they stand, and their words.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Ticks {
    /// Values in rising order, each inside the range asked for.
    pub at: Vec<f64>,
    /// One word for each value; neighbours always differ.
    pub words: Vec<String>,
    /// What has to be added to every word: a large constant that would not fit into each of them.
    pub base: Option<String>,
}

/// Seconds that people count in.
const TIME_STEPS: &[f64] = &[
    1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 10800.0, 21600.0, 43200.0, 86400.0,
    172800.0, 432000.0, 864000.0,
];

/// Digits that a word may have before the large constant part moves to [`Ticks::base`].
const DIGITS_MAX: i32 = 6;

/// Round values (1, 2 or 5 times a power of ten apart) inside `lo..=hi`: about `wanted`, at least two.
///
/// `lo < hi`, both finite; otherwise there are none.
pub fn linear(lo: f64, hi: f64, wanted: usize) -> Ticks {
    let (at, step) = round_values(lo, hi, wanted);
    let (words, base) = words(&at, step);
    Ticks { at, words, base }
}

/// Like [`linear`], but whole numbers only, so there may be fewer than two.
pub fn whole(lo: f64, hi: f64, wanted: usize) -> Ticks {
    if !(hi - lo).is_finite() || hi < lo {
        return Ticks::default();
    }
    let step = step_near(lo, hi, wanted, 1.0).max(1.0);
    let at = multiples(lo, hi, step, 0.0);
    let (words, base) = words(&at, step);
    Ticks { at, words, base }
}

/// Powers of ten between `lo` and `hi`, with 2 and 5 times them where there is room, fewer where there is none.
///
/// `0 < lo < hi`, both finite; otherwise there are none.
pub fn logarithmic(lo: f64, hi: f64, wanted: usize) -> Ticks {
    if !(lo > 0.0 && hi > lo && hi.is_finite()) {
        return Ticks::default();
    }
    let (first, last) = (lo.log10().floor() as i32, hi.log10().ceil() as i32);
    let inside = |value: &f64| (lo..=hi).contains(value);
    let decades = (last - first).max(1) as usize;
    let stride = decades.div_ceil(wanted.max(2)).max(1);
    let multiples: &[f64] = match wanted / decades {
        0..=1 => &[1.0],
        2 => &[1.0, 3.0],
        _ => &[1.0, 2.0, 5.0],
    };
    let at: Vec<f64> = (first..=last)
        .filter(|power| power.rem_euclid(stride as i32) == 0)
        // Read from text, a power of ten is exact.
        .flat_map(|power| multiples.iter().filter_map(move |m| format!("{m}e{power}").parse().ok()))
        .filter(inside)
        .collect();
    let words = at.iter().map(|&value| crate::text::si(value, 1)).collect();
    Ticks { at, words, base: None }
}

/// Durations: `lo` and `hi` are seconds, marks stand on whole seconds, minutes, hours, days where the range allows.
pub fn durations(lo: f64, hi: f64, wanted: usize) -> Ticks {
    let (at, step) = match time_step(lo, hi, wanted) {
        Some(step) => (multiples(lo, hi, step, 0.0), step),
        None => round_values(lo, hi, wanted),
    };
    let words = at.iter().map(|&secs| duration_word(secs, step)).collect();
    Ticks { at, words, base: None }
}

/// Wall clock: `lo` and `hi` are Unix seconds, `offset` the local zone's seconds east of UTC.
pub fn clock(lo: f64, hi: f64, wanted: usize, offset: f64) -> Ticks {
    /// The year 9999: no clock goes beyond it.
    const SECS_MAX: f64 = 253_402_300_799.0;
    if lo.abs().max(hi.abs()) > SECS_MAX {
        return Ticks::default();
    }
    let step = time_step(lo, hi, wanted).unwrap_or(1.0);
    let (at, step) = time_marks(lo, hi, step, offset);
    let words = at.iter().map(|&at| clock_word(at + offset, step)).collect();
    Ticks { at, words, base: None }
}

fn round_values(lo: f64, hi: f64, wanted: usize) -> (Vec<f64>, f64) {
    if !(hi - lo).is_finite() || hi <= lo {
        return (vec![], 0.0);
    }
    let mut step = step_near(lo, hi, wanted, 0.0);
    loop {
        let at = multiples(lo, hi, step, 0.0);
        if at.len() >= 2 {
            return (at, step);
        }
        let finer = finer(step);
        if finer <= 0.0 || lo + finer == lo && hi - finer == hi {
            return (vec![lo, hi], hi - lo);
        }
        step = finer;
    }
}

/// The smallest round step, not below `least`, that gives at most `wanted` marks (but room for two).
fn step_near(lo: f64, hi: f64, wanted: usize, least: f64) -> f64 {
    let raw = ((hi - lo) / wanted.max(2) as f64).max(least).max(f64::MIN_POSITIVE);
    let power = 10f64.powf(raw.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|step| *step >= raw * 0.999_999).unwrap_or(10.0 * power)
}

fn finer(step: f64) -> f64 {
    let power = 10f64.powf((step.log10() + 1e-9).floor());
    match (step / power).round() as i64 {
        5 => 2.0 * power,
        2 => power,
        _ => power / 2.0,
    }
}

/// Multiples of `step` (counted from `-offset`) inside `lo..=hi`; at most a thousand.
fn multiples(lo: f64, hi: f64, step: f64, offset: f64) -> Vec<f64> {
    const COUNT_MAX: f64 = 1000.0;
    let (first, last) = (((lo + offset) / step).ceil(), ((hi + offset) / step).floor());
    if !(last - first).is_finite() || last < first || last - first > COUNT_MAX {
        return vec![];
    }
    let per_one = (1.0 / step).round();
    let mut at: Vec<f64> = Vec::new();
    for i in 0..=(last - first) as i64 {
        let n = first + i as f64;
        // Dividing by ten is exact where multiplying by a tenth is not: 3 / 10 is 0.3, 3 * 0.1 is not. Adding 0 makes -0 a 0.
        let value = if step < 1.0 && per_one.is_finite() { n / per_one } else { n * step } - offset + 0.0;
        if value >= lo && value <= hi && at.last().is_none_or(|before| *before < value) {
            at.push(value);
        }
    }
    at
}

fn time_step(lo: f64, hi: f64, wanted: usize) -> Option<f64> {
    let raw = (hi - lo) / wanted.max(1) as f64;
    if !raw.is_finite() || hi - lo < 2.0 {
        return None;
    }
    let day = 86400.0;
    Some(TIME_STEPS.iter().copied().find(|step| *step >= raw).unwrap_or_else(|| day * step_near(lo / day, hi / day, wanted, 1.0)))
}

/// Multiples of a step of time; of a finer one where none of them lies between, since one mark says more than none.
fn time_marks(lo: f64, hi: f64, step: f64, offset: f64) -> (Vec<f64>, f64) {
    let finer = TIME_STEPS.iter().rev().copied().filter(|finer| *finer < step);
    let mut tried = std::iter::once(step).chain(finer).map(|step| (multiples(lo, hi, step, offset), step));
    tried.find(|(at, _)| !at.is_empty()).unwrap_or((vec![], step))
}

/// Words for values that stand `step` apart: SI multiples when they are large, exponents when tiny, a common base when
/// the values differ only far behind the first digit.
fn words(at: &[f64], step: f64) -> (Vec<String>, Option<String>) {
    let Some(largest) = at.iter().map(|v| v.abs()).max_by(f64::total_cmp) else { return (vec![], None) };
    let power = |v: f64| if v > 0.0 { (v.log10() + 1e-9).floor() as i32 } else { 0 };
    if largest > 0.0 && power(largest) - power(step) >= DIGITS_MAX {
        let base = at[0];
        let rest: Vec<f64> = at.iter().map(|v| v - base).collect();
        let words = words(&rest, step).0.into_iter().map(|w| format!("+{w}")).collect();
        return (words, Some(plain(base)));
    }
    let (scale, suffix) = match power(largest) {
        p if p >= 15 => (10f64.powi(p), format!("e{p}")),
        p if p >= 12 => (1e12, "T".into()),
        p if p >= 9 => (1e9, "G".into()),
        p if p >= 6 => (1e6, "M".into()),
        p if p >= 3 && (power(step) >= 2 || p >= 4) => (1e3, "k".into()),
        p if p < -3 => (10f64.powi(p), format!("e{p}")),
        _ => (1.0, String::new()),
    };
    let decimals = (-power(step / scale)).clamp(0, 9) as usize;
    let word = |v: &f64| if *v == 0.0 { "0".to_owned() } else { format!("{:.decimals$}{suffix}", v / scale) };
    (at.iter().map(word).collect(), None)
}

fn plain(v: f64) -> String {
    if v.abs() < 1e17 && v.fract() == 0.0 { format!("{v:.0}") } else { format!("{v}") }
}

/// A duration as exactly as marks that stand `step` seconds apart need it: `1h30m`, `2d3h0m5s`, `0.25s`.
fn duration_word(secs: f64, step: f64) -> String {
    const UNITS: [(f64, &str); 3] = [(86400.0, "d"), (3600.0, "h"), (60.0, "m")];
    let decimals = if step >= 1.0 { 0 } else { (-step.log10().floor()).clamp(0.0, 9.0) as usize };
    let unit = if step >= 86400.0 { 3600.0 } else { 10f64.powi(-(decimals as i32)) };
    let (sign, mut rest) = (if secs < 0.0 { "-" } else { "" }, (secs.abs() / unit).round() * unit);
    let mut word = String::new();
    for (size, name) in UNITS {
        let whole = (rest / size + 1e-12).floor();
        if whole > 0.0 || !word.is_empty() {
            word += &format!("{whole}{name}");
        }
        rest = (rest - whole * size).max(0.0);
        if rest < unit / 2.0 && !word.is_empty() {
            return sign.to_owned() + &word;
        }
    }
    let secs = format!("{rest:.decimals$}");
    let secs = if decimals > 0 { secs.trim_end_matches('0').trim_end_matches('.') } else { &secs };
    if word.is_empty() && secs == "0" { "0s".into() } else { format!("{sign}{word}{secs}s") }
}

fn clock_word(local_secs: f64, step: f64) -> String {
    let of_day = local_secs.rem_euclid(86400.0) as i64;
    let (hours, minutes, seconds) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    if step >= 86400.0 {
        let (_, month, day) = civil((local_secs / 86400.0).floor() as i64);
        format!("{month:02}-{day:02}")
    } else if step < 60.0 {
        format!("{hours:02}:{minutes:02}:{seconds:02}")
    } else {
        format!("{hours:02}:{minutes:02}")
    }
}

/// Year, month and day of a day counted from 1970-01-01 in the Gregorian calendar.
pub fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(ticks: Ticks, words: &[&str]) {
        assert_eq!(ticks.words, words);
        assert_eq!(ticks.at.len(), ticks.words.len());
    }

    #[test]
    fn a_clock_has_a_mark_where_a_round_time_lies_between() {
        check(clock(60.5, 64.6, 1, 0.0), &["00:01:02", "00:01:04"]);
    }

    #[test]
    fn marks_are_round() {
        check(linear(0.0, 10.0, 5), &["0", "2", "4", "6", "8", "10"]);
        check(linear(0.13, 2.75, 4), &["1", "2"]);
        check(linear(0.0, 0.0011, 3), &["0", "0.0005", "0.0010"]);
        check(linear(-1.0, 1.0, 4), &["-1.0", "-0.5", "0", "0.5", "1.0"]);
        check(linear(0.0, 1_350_000.0, 4), &["0", "0.5M", "1.0M"]);
        check(linear(1e-7, 9e-7, 3), &["2e-7", "4e-7", "6e-7", "8e-7"]);
    }

    #[test]
    fn steps_are_whole() {
        check(whole(0.0, 5000.0, 5), &["0", "1k", "2k", "3k", "4k", "5k"]);
        check(whole(0.0, 299.0, 4), &["0", "100", "200"]);
        check(whole(3.0, 4.0, 8), &["3", "4"]);
        check(whole(7.0, 7.0, 8), &["7"]);
    }

    #[test]
    fn values_that_differ_far_behind_get_a_base() {
        let ticks = linear(9_007_199_254_740_992.0, 9_007_199_254_741_291.0, 3);
        assert_eq!(ticks.words, ["+0", "+100", "+200"].map(String::from)[..].to_vec());
        assert_eq!(ticks.base.as_deref(), Some("9007199254741000"));
    }

    #[test]
    fn times_are_what_people_count_in() {
        check(durations(0.0, 600.0, 5), &["0s", "2m", "4m", "6m", "8m", "10m"]);
        check(durations(0.0, 1.0, 2), &["0s", "0.5s", "1s"]);
        check(durations(0.0, 9000.0, 5), &["0s", "30m", "1h", "1h30m", "2h", "2h30m"]);
        check(durations(7200.0, 7212.0, 3), &["2h", "2h0m5s", "2h0m10s"]);
        check(durations(93600.0, 93601.0, 2), &["1d2h", "1d2h0m0.5s", "1d2h0m1s"]);
        check(durations(-5.0, 5.0, 2), &["-5s", "0s", "5s"]);
        check(durations(0.0, 40.0 * 86400.0, 2), &["0s", "20d", "40d"]);
        check(clock(1_795_161_553.0, 1_795_168_553.0, 4, 3600.0), &["09:00", "09:30", "10:00", "10:30"]);
        check(clock(0.0, 86400.0 * 400.0, 3, 0.0), &["01-01", "07-20", "02-05"]);
    }

    #[test]
    fn a_logarithmic_axis_has_powers_of_ten() {
        assert_eq!(logarithmic(1.0, 1000.0, 4).words, ["1", "10", "100", "1k"]);
        assert_eq!(logarithmic(0.5, 60.0, 9).at, [0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0]);
        assert_eq!(logarithmic(1e-9, 1e9, 4).at, [1e-5, 1.0, 1e5]);
        assert_eq!(logarithmic(-1.0, 1.0, 4), Ticks::default());
    }

    proptest! {
        #[test]
        fn any_range_has_round_rising_marks_inside(lo in -1e12f64..1e12, span in -12f64..12.0, wanted in 2usize..12) {
            let hi = lo + 10f64.powf(span);
            prop_assume!(hi > lo);
            let ticks = linear(lo, hi, wanted);
            prop_assert!(ticks.at.len() >= 2, "{ticks:?}");
            prop_assert!(ticks.at.len() <= 2 * wanted + 2, "{ticks:?}");
            prop_assert!(ticks.at.iter().all(|v| *v >= lo && *v <= hi), "{ticks:?}");
            prop_assert!(ticks.at.windows(2).all(|w| w[0] < w[1]), "{ticks:?}");
        }

        #[test]
        fn an_axis_from_zero_is_spaced_by_one_two_or_five(exponent in -6i32..9, mantissa in 1.0f64..10.0, wanted in 2usize..12) {
            let ticks = linear(0.0, mantissa * 10f64.powi(exponent), wanted);
            let step = ticks.at[1] - ticks.at[0];
            let lead = step / 10f64.powf((step.log10() + 1e-9).floor());
            prop_assert!([1.0, 2.0, 5.0].iter().any(|m| (lead - m).abs() < 1e-6), "{ticks:?}");
            prop_assert!(ticks.words.windows(2).all(|w| w[0] != w[1]), "{ticks:?}");
        }

        #[test]
        fn no_numbers_panic(lo in any::<f64>(), hi in any::<f64>(), wanted in 0usize..20) {
            for ticks in [linear(lo, hi, wanted), whole(lo, hi, wanted), durations(lo, hi, wanted), clock(lo, hi, wanted, 3600.0)] {
                prop_assert_eq!(ticks.at.len(), ticks.words.len());
            }
        }
    }
}
