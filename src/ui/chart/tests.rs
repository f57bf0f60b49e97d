use super::*;
use crate::model::{Point, Step, WallTime};
use proptest::prelude::*;

const ASCII: Theme = Theme::new(false, false);

fn series(values: impl IntoIterator<Item = (i64, f64)>) -> Series {
    let mut series = Series::new();
    for (step, value) in values {
        series.push(Point { step: Step(step), time: WallTime::new(1000.0 + step as f64), value });
    }
    series
}

fn curve<'a>(name: &'a str, key: usize, run: Option<usize>, points: &'a Series) -> Curve<'a> {
    Curve { name, logged: points, drawn: points, before: None, axis: XAxis::Step, run, key, group: None, pinned: false }
}

fn chart<'a>(curves: Vec<Curve<'a>>, marks: &'a [Mark]) -> Chart<'a> {
    Chart {
        title: "loss",
        curves,
        measure: Measure::Steps,
        x: Scale::new(0.0, 100.0, false),
        x_name: None,
        y: None,
        log_y: false,
        smoothing: Smoothing::Off,
        why_empty: None,
        marks,
        cursor: None,
        focused: false,
        utc_offset: 0.0,
        theme: &ASCII,
    }
}

fn text(chart: &Chart<'_>, width: u16, height: u16) -> String {
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    chart.draw(area, &mut buf);
    let row = |y: u16| (0..width).map(|x| buf[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    (0..height).map(row).collect::<Vec<_>>().join("\n")
}

#[test]
fn two_metrics_share_a_chart_and_differ_by_pattern() {
    let train = series((0..=100).map(|step| (step, 4.0 - step as f64 / 40.0)));
    let val = series((0..=100).map(|step| (step, 4.5 - step as f64 / 50.0)));
    let mut both = chart(vec![curve("train", 0, None, &train), curve("val", 1, None, &val)], &[]);
    both.cursor = Some(50.0);
    insta::assert_snapshot!("chart_train_and_val", text(&both, 44, 12));
}

#[test]
fn a_level_curve_stands_beside_its_mark() {
    let points = series((0..=100).map(|step| (step, 0.0)));
    for height in 5..20 {
        let drawn = text(&chart(vec![curve("loss", 0, None, &points)], &[]), 44, height);
        let row = drawn.lines().find(|row| row.matches('\'').count() + row.matches('.').count() > 20).unwrap();
        assert!(row.contains(" 0+"), "{drawn}");
    }
}

#[test]
fn the_crosshair_reads_the_mean_of_a_group_where_that_is_drawn() {
    let flat = |value: f64| series((0..=100).map(|step| (step, value)));
    let (one, three) = (flat(1.0), flat(3.0));
    let grouped = |run, points| Curve { group: Some(0), ..curve("loss", 0, run, points) };
    let mut both = chart(vec![grouped(None, &one), grouped(Some(0), &three)], &[]);
    both.cursor = Some(50.0);
    assert!(text(&both, 44, 12).contains("@ 50: 1 mean 2 +/- 1"), "{}", text(&both, 44, 12));
    let plot = both.plot(Rect::new(0, 0, 44, 12)).unwrap();
    assert_eq!((both.thick_at(0, 50.0, &plot), both.thick_at(1, 50.0, &plot)), (Some(Thick::Mean(2.0, 1.0)), None));
    both.cursor = Some(101.0);
    assert!(!text(&both, 44, 12).contains('@'));
}

#[test]
fn marks_stand_where_they_belong_and_a_crowd_has_no_lines() {
    let points = series((0..=100).map(|step| (step, (step as f64 / 9.0).sin())));
    let mark = |x: f64, kind| Mark { x, kind, text: String::new() };
    let mut marks = vec![mark(20.0, MarkKind::Alert), mark(60.0, MarkKind::Restart)];
    marks.extend((0..50).map(|i| mark(f64::from(i) * 2.0, MarkKind::Checkpoint)));
    insta::assert_snapshot!("chart_marks", text(&chart(vec![curve("loss", 0, None, &points)], &marks), 44, 10));
}

#[test]
fn of_checkpoints_in_a_row_the_last_of_each_few_cells_is_marked() {
    let points = series((0..=100).map(|step| (step, 1.0)));
    let mark = |x: f64, kind| Mark { x, kind, text: String::new() };
    let mut marks: Vec<Mark> = (0..30).map(|i| mark(f64::from(i) * 3.4, MarkKind::Checkpoint)).collect();
    marks.push(mark(30.0, MarkKind::Alert));
    let chart = chart(vec![curve("loss", 0, None, &points)], &marks);
    for width in [24, 44, 80] {
        let top = text(&chart, width, 10).lines().nth(1).unwrap().to_owned();
        let sign = |kind| top.matches(ASCII.mark(kind).0).count();
        assert_eq!(sign(MarkKind::Alert), 1, "{top}");
        assert!((2..=usize::from(width / CHECKPOINT_CELLS)).contains(&sign(MarkKind::Checkpoint)), "{top}");
    }
}

#[test]
fn a_logarithmic_chart_shows_decades() {
    let points = series((1..=100).map(|step| (step, 1e4 / (step as f64).powi(3))));
    let mut log = chart(vec![curve("loss", 0, None, &points)], &[]);
    (log.log_y, log.x) = (true, Scale::new(1.0, 100.0, true));
    insta::assert_snapshot!("chart_log", text(&log, 44, 12));
    assert!(!text(&log, 44, 12).contains("linear"));
    let below = series((1..=100).map(|step| (step, -f64::from(step as i32))));
    log.curves = vec![curve("loss", 0, None, &below)];
    assert!(text(&log, 44, 12).contains("linear: nothing above 0"), "{}", text(&log, 44, 12));
}

#[test]
fn a_smooth_curve_is_thick_over_a_thin_one_and_does_not_start_anew_at_the_edge() {
    let points = series((0..=1000).map(|step| (step, if step % 2 == 0 { 0.0 } else { 1.0 })));
    let mut smooth = chart(vec![curve("loss", 0, None, &points)], &[]);
    (smooth.x, smooth.smoothing) = (Scale::new(500.0, 699.0, false), Smoothing::Ema(0.98));
    let drawn = smooth.drawn(&smooth.curves[0], 200).smooth.unwrap();
    assert!(drawn.iter().all(|column| (column.mean - 0.5).abs() < 0.02), "{drawn:?}");
    assert_eq!((drawn[0].index, drawn.len()), (0, 200));
}

#[test]
fn a_group_is_its_mean_and_a_band() {
    let runs: Vec<Series> = (0..3).map(|n| series((0..=100).map(move |step| (step, f64::from(n) + step as f64 / 50.0)))).collect();
    let mut band = chart(runs.iter().enumerate().map(|(n, points)| curve("loss", 0, n.checked_sub(1), points)).collect(), &[]);
    band.curves.iter_mut().for_each(|curve| curve.group = Some(0));
    insta::assert_snapshot!("chart_band", text(&band, 44, 12));
}

#[test]
fn the_sign_of_each_run_stands_on_its_curve_also_where_they_lie_on_each_other() {
    let points = series((0..=100).map(|step| (step, 4.0 - step as f64 / 40.0)));
    let half = series((0..=50).map(|step| (step, 2.0)));
    let all = (0..9).map(|n: usize| curve("loss", 0, n.checked_sub(1), if n == 8 { &half } else { &points }));
    let runs = chart(all.collect(), &[]);
    for (width, height) in [(44, 12), (20, 6), (100, 30)] {
        let drawn = text(&runs, width, height);
        let inside: String = drawn.lines().skip(1).collect();
        assert!(["o", "a", "b", "c", "d", "e", "f", "g", "h"].iter().all(|sign| inside.contains(sign)), "{drawn}");
    }
    insta::assert_snapshot!("chart_signs", text(&runs, 44, 12));
    assert!(!text(&chart(vec![curve("loss", 0, None, &points)], &[]), 44, 12).contains(" o "), "alone it needs none");
}

#[test]
fn a_legend_says_how_curves_are_smoothed_as_far_as_there_is_room() {
    let points = series((0..=100).map(|step| (step, (step % 7) as f64)));
    let mut noisy = chart(vec![curve("loss", 0, None, &points)], &[]);
    noisy.smoothing = Smoothing::Ema(0.9);
    let title = |width| text(&noisy, width, 8).lines().next().unwrap().to_owned();
    assert!(title(44).starts_with("+ loss ema(0.9) --") && title(20).starts_with("+ loss ~0.9 -"), "{} {}", title(44), title(20));
    assert!(!title(10).contains("0.9"), "{}", title(10));
    let legend = noisy.legend(Rect::new(0, 0, 20, 8));
    assert_eq!((legend.mark.as_str(), legend.title.as_str()), ("~0.9", "loss"));
}

#[test]
fn heat_has_a_row_for_each_or_for_several() {
    let rows: Vec<Series> = (0..40).map(|n| series((0..=100).map(move |step| (step, f64::from(n) + (step as f64 / 20.0).sin())))).collect();
    let labels: Vec<String> = (0..40).map(|n| n.to_string()).collect();
    let heat = Heat {
        title: "layers.#.grad",
        rows: labels.iter().zip(&rows).map(|(label, row)| (label.as_str(), row, XAxis::Step)).collect(),
        measure: Measure::Steps,
        x: Scale::new(0.0, 100.0, false),
        cursor: None,
        focused: false,
        utc_offset: 0.0,
        theme: &ASCII,
    };
    let area = Rect::new(0, 0, 40, 12);
    let mut buf = Buffer::empty(area);
    heat.draw(area, &mut buf);
    let row = |y: u16| (0..40).map(|x| buf[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    insta::assert_snapshot!("chart_heat", (0..12).map(row).collect::<Vec<_>>().join("\n"));
}

proptest! {
    #[test]
    fn no_chart_panics(
        values in prop::collection::vec((0i64..50, any::<f64>()), 0..30),
        (from, to) in (any::<f64>(), any::<f64>()),
        chosen in prop::option::of((any::<f64>(), any::<f64>())),
        flags in any::<[bool; 4]>(),
        cursor in prop::option::of(-10.0f64..60.0),
        (width, height) in (1u16..60, 1u16..20),
    ) {
        let points = series(values);
        let mut any = chart(vec![curve("a", 0, None, &points), curve("b", 1, None, &points), curve("c", 0, Some(3), &points)], &[]);
        any.x = if flags[0] { Scale::new(from, to, flags[1]) } else { Scale::new(1.0, 50.0, flags[1]) };
        any.y = chosen;
        (any.log_y, any.cursor) = (flags[2], cursor);
        any.smoothing = if flags[3] { Smoothing::Ma(5) } else { Smoothing::Ema(0.9) };
        if flags[3] {
            any.curves.iter_mut().for_each(|curve| curve.group = Some(0));
        }
        text(&any, width, height);
    }
}
