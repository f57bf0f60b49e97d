use super::*;
use crate::model::{Point, Series, Step, WallTime};
use proptest::prelude::*;

fn series(points: &[(i64, f64)]) -> Series {
    let mut series = Series::new();
    for &(step, value) in points {
        series.push(Point { step: Step(step), time: WallTime::new(1000.0 + step as f64 * 2.0), value });
    }
    series
}

#[track_caller]
fn check(text: &str, metrics: &[&[(i64, f64)]], want: &[(i64, f64)]) {
    let derived = Derived::parse(text).unwrap();
    let metrics: Vec<Series> = metrics.iter().map(|points| series(points)).collect();
    let mut machine = Machine::new(&derived);
    machine.feed(&metrics.iter().collect::<Vec<_>>());
    let got: Vec<(i64, f64)> = machine.series().points(0..usize::MAX).map(|point| (point.step.0, point.value)).collect();
    assert_eq!(got, want, "{text}");
}

#[test]
fn a_difference_stands_where_the_first_metric_does() {
    let (val, train) = ([(10, 3.0), (20, 2.5)], [(5, 2.0), (10, 1.5), (15, 1.0), (20, 0.5), (25, 0.0)]);
    check("val/loss - train/loss", &[&val, &train], &[(10, 1.5), (20, 2.0)]);
    check("val/loss / train/loss", &[&val, &train], &[(10, 2.0), (20, 5.0)]);
    check("train/loss - val/loss", &[&train, &val], &[(10, -1.5), (15, -2.0), (20, -2.0), (25, -2.5)]);
}

#[test]
fn functions_see_every_point_of_their_argument() {
    let (val, train) = ([(2, 10.0), (4, 20.0)], [(1, 1.0), (2, 3.0), (3, 5.0), (4, 7.0)]);
    check("val - ma(train, 2)", &[&val, &train], &[(2, 8.0), (4, 14.0)]);
    check("ma(train, 2)", &[&train], &[(1, 1.0), (2, 2.0), (3, 4.0), (4, 6.0)]);
    check("delta(train)", &[&train], &[(2, 2.0), (3, 2.0), (4, 2.0)]);
    check("rate(train)", &[&train], &[(2, 1.0), (3, 1.0), (4, 1.0)]);
    check("eta(step + 0 * train, 8)", &[&train], &[(2, 12.0), (3, 10.0), (4, 8.0)]);
    check("eta(step, 8)", &[&train], &[(2, 12.0), (3, 10.0), (4, 8.0)]);
    check("eta(train, 11)", &[&train], &[(2, 8.0), (3, 6.0), (4, 4.0)]);
    check("best(train)", &[&train], &[(1, 1.0), (2, 1.0), (3, 1.0), (4, 1.0)]);
    check("max(train, 4) * -2", &[&train], &[(1, -8.0), (2, -8.0), (3, -10.0), (4, -14.0)]);
}

#[test]
fn products_bind_closer_and_parentheses_closest() {
    let x: &[(i64, f64)] = &[(1, 2.0), (2, 4.0)];
    check("x + x * 2", &[x], &[(1, 6.0), (2, 12.0)]);
    check("(x + x) * 2", &[x], &[(1, 8.0), (2, 16.0)]);
    check("x - 1 - 1", &[x], &[(1, 0.0), (2, 2.0)]);
    check("-x + step", &[x], &[(1, -1.0), (2, -2.0)]);
    check("x * 0 + time", &[x], &[(1, 0.0), (2, 2.0)]);
    check("(x)/(x)", &[x], &[(1, 1.0), (2, 1.0)]);
}

#[test]
fn names_may_hold_slashes_dashes_and_in_quotes_anything() {
    let names = |text: &str| Derived::parse(text).unwrap().names().to_vec();
    assert_eq!(names("val/loss-x - train/loss"), ["val/loss-x", "train/loss"]);
    assert_eq!(names("\"my key (a)\" / \"step\""), ["my key (a)", "step"]);
    assert_eq!(names("loss - ema(loss, 0.9)"), ["loss"]);
    assert!(Derived::is_meant_by("ma(loss, 15)") && Derived::is_meant_by("a - b"));
    assert!(!Derived::is_meant_by("val/loss-x") && !Derived::is_meant_by("acc(top1)"));
}

#[track_caller]
fn refuse(text: &str, column: usize, expected: &str) {
    let error = Derived::parse(text).unwrap_err();
    assert!(error.column == column && error.expected.contains(expected), "{error}");
}

#[test]
fn an_error_says_where_and_what() {
    refuse("", 1, "a metric");
    refuse("1 + 2", 6, "a metric somewhere");
    refuse("a - ", 5, "a metric, a number");
    refuse("a b", 3, "an operator");
    refuse("(a - b", 7, "`)`");
    refuse("mean(a)", 1, "a function (ma, ema");
    refuse("ma(a)", 5, "ma(x, n)");
    refuse("ma(a, b)", 7, "a number");
    refuse("ma(a, 0)", 7, "from 1 to 10000");
    refuse("ema(a, 1)", 8, "below 1");
    refuse("\"a", 1, "closing quote");
    refuse(&"(".repeat(1000), 33, "shorter");
    refuse(&"-".repeat(1000), 33, "shorter");
}

#[test]
fn a_resumed_metric_is_made_anew() {
    let derived = Derived::parse("delta(x)").unwrap();
    let mut machine = Machine::new(&derived);
    let mut x = series(&[(1, 1.0), (2, 2.0), (3, 4.0)]);
    assert!(machine.feed(&[&x]));
    assert!(!machine.feed(&[&x]));
    x.push(Point { step: Step(2), time: None, value: 7.0 });
    assert!(machine.feed(&[&x]));
    assert_eq!(machine.series().points(0..9).map(|p| p.value).collect::<Vec<_>>(), [6.0]);
}

fn expressions() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a - b", "ma(a, 3) / b", "ema(b, 0.5)", "rate(a)", "eta(b, 9)", "b + best(a)", "delta(a - b)", "time - a"])
}

proptest! {
    #[test]
    fn no_text_panics(text in "([ab(),+*/\" -]|ma\\(|0\\.5|step){0,20}|\\PC{0,30}") {
        if let Ok(derived) = Derived::parse(&text) {
            let points = series(&[(1, 1.0), (2, f64::NAN), (3, f64::INFINITY)]);
            Machine::new(&derived).feed(&vec![&points; derived.names().len()]);
            prop_assert_eq!(Derived::parse(derived.text()).map(|again| again.root), Ok(derived.root));
        }
    }

    #[test]
    fn points_that_come_one_by_one_give_the_same_curve(
        text in expressions(),
        points in prop::collection::vec((0usize..2, 0i64..40, prop::sample::select(vec![0.0, 1.5, -2.0, f64::NAN, 7.25])), 0..60),
    ) {
        let derived = Derived::parse(text).unwrap();
        let mut metrics = vec![Series::new(); derived.names().len()];
        let mut machine = Machine::new(&derived);
        for (which, step, value) in points {
            let which = which % metrics.len();
            metrics[which].push(Point { step: Step(step), time: WallTime::new(step as f64 / 2.0), value });
            machine.feed(&metrics.iter().collect::<Vec<_>>());
        }
        let mut whole = Machine::new(&derived);
        whole.feed(&metrics.iter().collect::<Vec<_>>());
        let bits = |machine: &Machine| machine.series().points(0..usize::MAX).map(|p| (p.step, p.value.to_bits())).collect::<Vec<_>>();
        prop_assert_eq!(bits(&machine), bits(&whole));
    }
}
