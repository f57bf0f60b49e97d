use super::*;

/// Runs rows of (name, number) through one axis: steps, and the names that are left as values.
#[track_caller]
fn check(options: RowOptions, rows: &[&[(&str, f64)]], want: &[(Option<i64>, &str)]) {
    let mut axis = Axis::new(options);
    let got: Vec<_> = rows
        .iter()
        .map(|row| {
            axis.begin();
            for (at, (name, value)) in row.iter().enumerate() {
                axis.number(axis.role(name), at, *value);
            }
            let place = axis.place();
            let left = row.iter().enumerate().filter(|(at, _)| ![place.step_cell, place.time_cell].contains(&Some(*at)));
            (place.step.map(|step| step.0), left.map(|(_, (name, _))| *name).collect::<Vec<_>>().join(" "))
        })
        .collect();
    assert_eq!(got.iter().map(|(step, left)| (*step, left.as_str())).collect::<Vec<_>>(), want);
}

#[test]
fn every_usual_name_is_known_in_any_case() {
    let axis = Axis::default();
    for (at, name) in STEPS.iter().enumerate() {
        assert_eq!((axis.role(name), axis.role(&name.to_uppercase())), (Role::Step(at), Role::Step(at)), "{name}");
    }
    for (at, name) in TIMES.iter().enumerate() {
        assert_eq!((axis.role(name), axis.role(&name.to_uppercase())), (Role::Time(at), Role::Time(at)), "{name}");
    }
    assert_eq!([axis.role(""), axis.role("loss"), axis.role("step_time")], [Role::Value; 3]);
}

#[test]
fn names_may_be_written_for_people() {
    let axis = Axis::default();
    for (name, known) in [
        ("Global Step", "global_step"),
        ("Step [-]", "step"),
        ("Step(k)", "step"),
        ("Wall time", "wall_time"),
        ("globalStep", "global_step"),
        ("train-step", "train_step"),
        ("Train/Iter", "train/iter"),
    ] {
        assert_eq!(axis.role(name), axis.role(known), "{name}");
        assert_ne!(axis.role(name), Role::Value, "{name}");
    }
    assert_eq!(["step size", "step]", "time/step (s)", "step_"].map(|name| axis.role(name)), [Role::Value; 4]);
}

#[test]
fn a_step_of_an_object_counts_where_no_row_has_its_own() {
    check(
        RowOptions::default(),
        &[&[("data.step", 0.0), ("data.loss", 2.0)], &[("data.loss", 1.0)], &[("data.step", 10.0), ("best.step", 0.0)]],
        &[(Some(0), "data.loss"), (None, "data.loss"), (Some(10), "best.step")],
    );
    check(
        RowOptions::default(),
        &[&[("progress.epoch", 0.0), ("progress.batch", 7.0)], &[("progress.epoch", 1.0), ("progress.batch", 1.0)]],
        &[(Some(7), "progress.epoch"), (Some(8), "progress.epoch")],
    );
    check(
        RowOptions::default(),
        &[&[("train.step", 5.0), ("epoch", 0.0)], &[("train.step", 9.0)], &[("train.step", 14.0), ("epoch", 1.0)]],
        &[(Some(5), "epoch"), (Some(9), ""), (Some(14), "epoch")],
    );
    // An epoch is the one that the step in an object is of, also where it is told by fractions.
    check(
        RowOptions::default(),
        &[&[("epoch", 0.0), ("train.batch", 5.0)], &[("epoch", 0.5), ("train.batch", 9.0)], &[("epoch", 1.0), ("train.batch", 3.0)]],
        &[(Some(5), "epoch"), (Some(9), "epoch"), (Some(13), "epoch")],
    );
    check(RowOptions::default(), &[&[("epoch", 0.0), ("data.epoch", 7.0)]], &[(Some(0), "data.epoch")]);
    // One that has its own later was misread until then.
    let mut axis = Axis::default();
    let mut place = |name: &str, number: f64| {
        axis.begin();
        axis.number(axis.role(name), 0, number);
        (axis.place().step.map(|step| step.0), axis.is_mistaken())
    };
    assert_eq!(place("train.step", 5.0), (Some(5), false));
    assert_eq!(place("episode", 1.0), (Some(1), true));
    axis.renew();
    axis.begin();
    axis.number(axis.role("train.step"), 0, 5.0);
    assert_eq!((axis.place().step, axis.is_mistaken()), (None, false));
}

#[test]
fn a_step_of_the_whole_run_goes_before_one_that_may_not_be() {
    check(
        RowOptions::default(),
        &[&[("step", 0.0), ("global_step", 100.0)], &[("step", 0.0), ("global_step", 200.0)]],
        &[(Some(100), "step"), (Some(200), "step")],
    );
}

#[test]
fn an_epoch_that_is_called_step_stands_where_the_training_stands() {
    let train = |at: f64| [("epoch", (at / 100.0).ceil()), ("iter", at), ("step", at)];
    let validation = |epoch: f64| [("mAP", 0.5), ("step", epoch)];
    check(
        RowOptions::default(),
        &[&train(50.0), &train(100.0), &validation(1.0), &train(150.0), &validation(2.0), &train(100.0)],
        &[
            (Some(50), "epoch iter"),
            (Some(100), "epoch iter"),
            (Some(100), "mAP"),
            (Some(150), "epoch iter"),
            (Some(150), "mAP"),
            (Some(100), "epoch iter"),
        ],
    );
    // What counts something else is no twin, and where no row names an epoch, none is called step.
    check(RowOptions::default(), &[&[("iter", 7.0), ("step", 50.0)], &validation(1.0)], &[(Some(50), "iter"), (Some(1), "mAP")]);
    check(RowOptions::default(), &[&train(50.0)[1..], &validation(20.0)], &[(Some(50), "iter"), (Some(20), "mAP")]);
}

#[test]
fn the_best_name_wins_for_the_whole_source() {
    check(
        RowOptions::default(),
        &[&[("epoch", 1.0), ("loss", 2.0)], &[("epoch", 1.0), ("Step", 10.0)], &[("epoch", 2.0)], &[("step", 30.0), ("time", 1.7e9)]],
        &[(Some(1), "loss"), (Some(10), "epoch"), (None, "epoch"), (Some(30), "")],
    );
}

#[test]
fn batches_that_start_over_with_each_epoch_go_on_rising() {
    let of = |rows: &[(i64, i64)]| {
        let mut axis = Axis::new(RowOptions::default());
        let step = |(epoch, batch): &(i64, i64)| {
            axis.begin();
            axis.number(axis.role("epoch"), 0, *epoch as f64);
            axis.number(axis.role("batch"), 1, *batch as f64);
            axis.place().step.map(|step| step.0)
        };
        rows.iter().map(step).collect::<Vec<_>>()
    };
    let some = |steps: &[i64]| steps.iter().copied().map(Some).collect::<Vec<_>>();
    assert_eq!(of(&[(0, 0), (0, 10), (0, 20), (1, 0), (1, 10), (2, 0)]), some(&[0, 10, 20, 30, 40, 50]));
    assert_eq!(of(&[(1, 1), (1, 2), (1, 3), (2, 1), (2, 2)]), some(&[1, 2, 3, 4, 5]));
    assert_eq!(of(&[(0, 5), (0, 10), (1, 15), (1, 20)]), some(&[5, 10, 15, 20]), "counted through");
    assert_eq!(of(&[(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (1, 0), (1, 1), (2, 0)]), some(&[0, 1, 2, 3, 4, 2, 3, 4]), "a restart");
    assert_eq!(of(&[(0, 0), (0, 1), (0, 0), (0, 1), (1, 0)]), some(&[0, 1, 0, 1, 2]), "a restart within an epoch");
    check(RowOptions::default(), &[&[("batch", 32.0)], &[("batch", 32.0)]], &[(None, "batch"), (None, "batch")]);
    check(
        RowOptions::default(),
        &[&[("epoch", 0.0), ("batch", 9.0)], &[("epoch", 0.0), ("val", 1.0)], &[("epoch", 1.0), ("batch", 4.0)]],
        &[(Some(9), "epoch"), (None, "epoch val"), (Some(10), "epoch")],
    );
}

#[test]
fn a_counter_of_the_whole_run_does_not_start_over() {
    let rows = [2048, 4096].map(|step| [0.0, 1.0, 2.0].map(|epoch| [("global_step", f64::from(step)), ("epoch", epoch)]));
    let rows: Vec<_> = rows.iter().flatten().map(|row| row.as_slice()).collect();
    let want = [2048, 2048, 2048, 4096, 4096, 4096].map(|step| (Some(step), "epoch"));
    check(RowOptions::default(), &rows, &want);
}

#[test]
fn one_torn_step_among_whole_ones_is_damage() {
    let mut axis = Axis::default();
    let mut at = |number: f64| {
        axis.begin();
        axis.number(Role::Step(STEP), 0, number);
        axis.place().step.map(|step| step.0)
    };
    assert_eq!([10.0, 4.5, 30.0, 3.5, 50.0].map(&mut at), [Some(10), None, Some(30), None, Some(50)]);
    assert_eq!([5.5, 6.5, 7.5, 8.0].map(at), [None; 4], "it holds fractions");
}

#[test]
fn a_name_that_holds_fractions_is_no_step() {
    check(
        RowOptions::default(),
        &[&[("epoch", 0.0)], &[("epoch", 0.25)], &[("epoch", 1.0)], &[("epoch", f64::NAN)]],
        &[(Some(0), ""), (None, "epoch"), (None, "epoch"), (None, "epoch")],
    );
}

#[test]
fn epochs_that_turn_out_to_be_told_by_fractions_are_no_steps_when_the_source_is_read_again() {
    let mut axis = Axis::new(RowOptions::default());
    let read = |axis: &mut Axis| {
        [0.0, 0.0, 0.03, 1.0].map(|epoch| {
            axis.begin();
            axis.number(axis.role("epoch"), 0, epoch);
            (axis.place().step.map(|step| step.0), axis.is_mistaken())
        })
    };
    assert_eq!(read(&mut axis), [(Some(0), false), (Some(0), false), (None, true), (None, true)]);
    axis.renew();
    assert_eq!(read(&mut axis), [(None, false); 4]);
    axis.renew();
    assert_eq!(read(&mut axis)[0], (Some(0), false), "another source");
    axis.renew();
    axis.jump();
    assert!(read(&mut axis).iter().all(|(_, is_mistaken)| !is_mistaken), "what was passed over is not read for that");
}

#[test]
fn a_name_that_was_given_is_the_only_one() {
    let options = RowOptions { step_key: Some("frames".into()), time_key: None };
    check(options, &[&[("step", 1.0)], &[("step", 2.0), ("frames", 64.0)]], &[(None, "step"), (Some(64), "step")]);
}

#[test]
fn times_are_unix_seconds_milliseconds_or_dates() {
    let secs = |time: Option<WallTime>| time.map(WallTime::secs);
    assert_eq!((secs(unix_time(1.7e9)), secs(unix_time(1.7e12)), secs(unix_time(12.5))), (Some(1.7e9), Some(1.7e9), None));
    for text in ["2023-11-14T22:13:20Z", "2023-11-14 22:13:20", "2023-11-15T00:13:20+02:00", " 2023-11-14T22:13:20.000"] {
        assert_eq!(secs(date(text)), Some(1.7e9), "{text}");
    }
    assert_eq!((date("yesterday"), date("12 steps"), date("")), (None, None, None));
}

#[test]
fn every_name_has_its_bit() {
    assert!(STEPS.len() <= u64::BITS as usize);
}

/// Reads rows of (name, number) again for as long as they teach something: their steps, and the names that are left as values.
fn read_until_known(rows: &[Vec<(&str, f64)>]) -> Vec<(Option<i64>, String)> {
    let (all, each) = (read_in_pieces(rows, rows.len()), read_in_pieces(rows, 1));
    assert_eq!(all, each, "it matters how many rows come at once");
    all.0
}

/// The same and what is known then, where so many rows come before somebody looks whether the source is to be read again.
fn read_in_pieces(rows: &[Vec<(&str, f64)>], length: usize) -> (Vec<(Option<i64>, String)>, Facts) {
    let mut axis = Axis::new(RowOptions::default());
    for _ in 0..8 {
        let mut got = vec![];
        for piece in rows.chunks(length) {
            for row in piece {
                axis.begin();
                for (at, (name, value)) in row.iter().enumerate() {
                    axis.number(axis.role(name), at, *value);
                }
                let place = axis.place();
                let is_place =
                    |at: usize, name: &str| [place.step_cell, place.time_cell].contains(&Some(at)) || place.is_of_run(at, axis.role(name));
                let left = row.iter().enumerate().filter(|(at, (name, _))| !is_place(*at, name));
                let names = left.map(|(_, (name, _))| *name).collect::<Vec<_>>().join(" ");
                got.push((place.step.map(|step| step.0), axis.run(&place).map_or(names.clone(), |run| format!("{run}: {names}"))));
            }
            if axis.is_mistaken() {
                break;
            }
        }
        if !axis.is_mistaken() {
            return (got, *axis.facts());
        }
        axis.renew();
    }
    panic!("what was learned is forgotten");
}

#[test]
fn what_rows_teach_that_stand_wrong_does_not_count() {
    // The epochs are told by fractions; with the first of them for a step, the steps would seem to fall.
    let rows = [vec![("epoch", 5.0)], vec![("epoch", 0.5)], vec![("step", 2.0)], vec![("step", 0.0)], vec![("step", 1.0)]];
    for length in 1..=rows.len() {
        let (got, facts) = read_in_pieces(&rows, length);
        assert_eq!(got.iter().map(|row| row.0).collect::<Vec<_>>(), [None, None, Some(2), Some(0), Some(1)]);
        assert_eq!(facts, Facts { has_fractions: true, ..Facts::default() }, "{length} at once");
    }
}

#[test]
fn names_of_settings_and_metrics_count_where_their_numbers_do_and_nothing_better_is_there() {
    let rows = |name: &'static str, numbers: &[f64]| numbers.iter().map(|number| vec![(name, *number), ("loss", 1.0)]).collect::<Vec<_>>();
    let steps = |rows: &[Vec<(&str, f64)>]| read_until_known(rows).into_iter().map(|(step, _)| step).collect::<Vec<_>>();
    for name in ["steps", "num_steps", "n_iter", "it", "num_samples", "batch", "Iterations"] {
        assert_eq!(steps(&rows(name, &[0.0, 10.0, 20.0, 30.0])), [Some(0), Some(10), Some(20), Some(30)], "{name}");
        // A setting, a metric, a value that is no whole number.
        for numbers in [[32.0; 4], [200.0, 180.0, 190.0, 200.0], [0.0, 10.0, 20.5, 30.0], [10.0, 20.0, 30.0, 15.0]] {
            assert_eq!(steps(&rows(name, &numbers)), [None; 4], "{name} {numbers:?}");
        }
        let beside: Vec<_> = (0..4).map(|at| vec![("step", f64::from(at)), (name, f64::from(at) * 10.0)]).collect();
        assert_eq!(read_until_known(&beside)[3], (Some(3), name.to_owned()));
    }
    // A run that starts again, once it is clear that it counts.
    let numbers: Vec<f64> = (0..12).chain(8..12).map(|step| f64::from(step) * 10.0).collect();
    assert_eq!(steps(&rows("steps", &numbers))[11..13], [Some(110), Some(80)]);
    assert_eq!(steps(&rows("tokens_seen", &[512.0, 1100.0])), [Some(512), Some(1100)]);
}

#[test]
fn what_counts_within_an_epoch_goes_before_it_and_what_stands_at_its_end_does_not() {
    let row = |epoch: f64, it: f64| vec![("epoch", epoch), ("it", it)];
    let rows: Vec<_> = [(0.0, 0.0), (0.0, 10.0), (0.0, 20.0), (1.0, 0.0), (1.0, 10.0)].map(|(epoch, it)| row(epoch, it)).into();
    assert_eq!(read_until_known(&rows).iter().map(|row| row.0).collect::<Vec<_>>(), [0, 10, 20, 30, 40].map(Some));
    let rows: Vec<_> = (0..5).map(|epoch| row(f64::from(epoch), f64::from(epoch) * 100.0)).collect();
    assert_eq!(read_until_known(&rows)[4], (Some(4), "it".to_owned()));
}

#[test]
fn runs_in_one_table_are_told_apart_by_a_column_with_which_their_steps_start_over() {
    let row = |name: &'static str, (value, step): &(f64, f64)| vec![("step", *step), (name, *value), ("loss", 1.0)];
    for rows in [&[(1.0, 0.0), (1.0, 10.0), (2.0, 0.0), (2.0, 10.0)], &[(1.0, 0.0), (2.0, 0.0), (1.0, 10.0), (2.0, 10.0)]] {
        let got = read_until_known(&rows.iter().map(|pair| row("seed", pair)).collect::<Vec<_>>());
        let want = rows.map(|(seed, step)| (Some(step as i64), format!("seed_{seed}: loss")));
        assert_eq!(got, want);
    }
    let rank = [(3.0, 0.0), (2.0, 10.0), (1.0, 20.0), (2.0, 10.0), (1.0, 20.0)];
    let got = read_until_known(&rank.iter().map(|pair| row("rank", pair)).collect::<Vec<_>>());
    assert!(got.iter().all(|(_, left)| left == "rank loss"), "{got:?}");
}

/// The rows of columns of numbers.
fn table<'a>(columns: &[(&'a str, &[i64])]) -> Vec<Vec<(&'a str, f64)>> {
    (0..columns[0].1.len()).map(|row| columns.iter().map(|(name, numbers)| (*name, numbers[row] as f64)).collect()).collect()
}

#[test]
fn a_step_that_does_not_rise_yields_to_one_that_does() {
    let rising = [0, 1, 2, 3, 4, 5];
    for (name, numbers, better) in [
        ("total_steps", [1000; 6], "epoch"),
        ("total_steps", [1000; 6], "current_step"),
        ("total_timesteps", [1_000_000; 6], "iteration"),
        ("batch", [32; 6], "epoch"),
        ("step", [12, 45, 33, 80, 20, 25], "episode"),
        ("step", [80, 45, 33, 20, 10, 5], "episode"),
        ("step", [20, 25, 31, 22, 40, 18], "episode"),
        ("update", [0, 1, 0, 1, 0, 1], "epoch"),
        ("step", [0, 1, 2, 0, 1, 0], "iteration"),
    ] {
        let got = read_until_known(&table(&[(better, &rising), (name, &numbers)]));
        assert_eq!(got, rising.map(|step| (Some(step), name.to_owned())), "{name} beside {better}");
    }
    // The first of two that do.
    let got = read_until_known(&table(&[("total_steps", &[9; 6]), ("iteration", &[7; 6]), ("episode", &rising), ("epoch", &rising)]));
    assert_eq!(got[5], (Some(5), "total_steps iteration epoch".to_owned()));
}

#[test]
fn a_step_that_rises_later_or_starts_over_yields_to_none() {
    let steps = |columns: &[(&str, &[i64])]| read_until_known(&table(columns)).iter().map(|row| row.0.unwrap()).collect::<Vec<_>>();
    // The epochs of an update, and a counter that rises once the buffer is full.
    let updates: Vec<i64> = (0..20).map(|row| 2048 * (row / 5)).collect();
    let epochs: Vec<i64> = (0..20).map(|row| row % 5).collect();
    assert_eq!(steps(&[("global_step", &updates), ("epoch", &epochs)]), updates);
    let late: Vec<i64> = (0..20).map(|row| (row - 10).max(0) * 100).collect();
    assert_eq!(steps(&[("timesteps", &late), ("episode", &(0..20).collect::<Vec<_>>())]), late);
    // A better name that comes later, and rises as well.
    let rows: Vec<_> = (0..6).map(|row| vec![("epoch", f64::from(row)), ("loss", 1.0)]).collect();
    let later = (6..12).map(|row| vec![("epoch", f64::from(row)), ("step", 100.0 * f64::from(row)), ("loss", 1.0)]);
    let got = read_until_known(&rows.into_iter().chain(later).collect::<Vec<_>>());
    assert_eq!((got[6].0, got[7].0, got[11].0), (Some(600), Some(700), Some(1100)));
    // One torn number, a restart, and batches of an epoch.
    assert_eq!(steps(&[("step", &[10, 20, 3, 40, 50]), ("episode", &[1, 2, 3, 4, 5])]), [10, 20, 3, 40, 50]);
    assert_eq!(steps(&[("step", &[10, 20, 10, 20, 10]), ("episode", &[1, 2, 1, 2, 1])]), [10, 20, 10, 20, 10]);
    assert_eq!(steps(&[("step", &[0, 5, 0, 5, 0]), ("epoch", &[0, 0, 1, 1, 2])]), [0, 5, 10, 15, 20]);
}

#[test]
fn what_was_passed_over_may_have_told_of_a_step_that_does_not_rise() {
    let mut axis = Axis::new(RowOptions::default());
    let is_mistaken_at = |axis: &mut Axis, total: f64, epoch: f64| {
        axis.begin();
        axis.number(axis.role("total_steps"), 0, total);
        axis.number(axis.role("epoch"), 1, epoch);
        axis.place();
        axis.is_mistaken()
    };
    assert!(![0.0, 1.0].map(|epoch| is_mistaken_at(&mut axis, 1000.0, epoch)).contains(&true));
    axis.jump();
    assert!(is_mistaken_at(&mut axis, 1000.0, 9.0));
}

#[test]
fn what_a_row_is_of_is_said_by_names_in_any_case_and_by_words_that_mean_it() {
    let split_of = |cells: &[(&str, &str)]| {
        let mut axis = Axis::default();
        axis.begin();
        for (at, (name, text)) in cells.iter().enumerate() {
            let role = axis.role(name);
            match text.parse() {
                Ok(number) => axis.number(role, at, number),
                Err(_) => axis.text(role, at, text),
            }
        }
        axis.place().split
    };
    for (name, text, want) in [
        ("split", "val", Some("val")),
        ("Phase", "Val", Some("val")),
        ("Split", "TRAIN", Some("")),
        ("stage", "warmup", Some("")),
        ("type", "test", Some("test")),
        ("event", "train", Some("")),
        ("dataset", "imagenet", None),
        ("type", "config", None),
        ("is_eval", "True", Some("eval")),
        ("is_eval", "false", Some("")),
        // What a run is called.
        ("name", "test", None),
        ("author", "test", None),
    ] {
        assert_eq!(split_of(&[(name, text)]), want, "{name} {text}");
    }
    assert_eq!(split_of(&[("type", "train"), ("split", "val"), ("kind", "train")]), Some("val"));
}

#[test]
fn several_columns_tell_runs_apart_where_one_tells_fewer() {
    let row = |(env, seed, step): &(f64, f64, f64)| vec![("env", *env), ("seed", *seed), ("step", *step), ("loss", 1.0)];
    let stacked = [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)].map(|(env, seed)| [0.0, 10.0, 20.0].map(|step| (env, seed, step)));
    let in_turn = [0.0, 10.0, 20.0].map(|step| [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)].map(|(env, seed)| (env, seed, step)));
    for rows in [stacked.as_flattened(), in_turn.as_flattened()] {
        let got = read_until_known(&rows.iter().map(row).collect::<Vec<_>>());
        let want = rows.iter().map(|(env, seed, step)| (Some(*step as i64), format!("env_{env}_seed_{seed}: loss")));
        assert_eq!(got, want.collect::<Vec<_>>());
    }
    // One says as much as both.
    let rows = [(5.0, 0.0, 0.0), (5.0, 0.0, 10.0), (5.0, 1.0, 0.0), (5.0, 1.0, 10.0)];
    assert_eq!(read_until_known(&rows.iter().map(row).collect::<Vec<_>>())[3], (Some(10), "seed_1: env loss".to_owned()));
}

#[test]
fn a_step_that_starts_over_with_a_loop_around_it_goes_on() {
    for (outer, inner) in [
        ("episode", "step"),
        ("iteration", "step"),
        ("update", "step"),
        ("round", "epoch"),
        ("generation", "epoch"),
        ("stage", "epoch"),
        ("Episode", "timestep"),
    ] {
        let rows: Vec<_> = (0..3).flat_map(|at| (0..4).map(move |step| [(outer, f64::from(at)), (inner, f64::from(step))])).collect();
        let rows: Vec<&[(&str, f64)]> = rows.iter().map(|row| &row[..]).collect();
        let want: Vec<_> = (0..12).map(|step| (Some(step), outer)).collect();
        check(RowOptions::default(), &rows, &want);
    }
}

#[test]
fn epochs_of_each_update_go_on() {
    for (outer, each) in [("update", 4), ("iteration", 2), ("itr", 9), ("episode", 3)] {
        let rows: Vec<_> =
            (1..4).flat_map(|at| (0..each).map(move |epoch| vec![(outer, f64::from(at)), ("epoch", f64::from(epoch))])).collect();
        let want: Vec<_> = (0..3 * i64::from(each)).map(|step| (Some(step), outer.to_owned())).collect();
        assert_eq!(read_until_known(&rows), want, "{outer}");
    }
    // What was rolled out before them stands where they stand.
    let update =
        |at: f64| [vec![("update", at), ("reward", 1.0)], vec![("update", at), ("epoch", 0.0)], vec![("update", at), ("epoch", 1.0)]];
    let steps: Vec<_> = read_until_known(&[update(0.0), update(1.0), update(2.0)].concat()).into_iter().map(|(step, _)| step).collect();
    assert_eq!(steps, [None, Some(0), Some(1), None, Some(2), Some(3), None, Some(4), Some(5)]);
    // Epochs of a training, a step of the whole run beside them, and batches in them.
    for (names, rows) in [
        (["iteration", "epoch", "lr"], [[100.0, 0.0, 1.0], [100.0, 1.0, 1.0], [200.0, 1.0, 1.0], [300.0, 2.0, 1.0]]),
        (["iteration", "epoch", "step"], [[1.0, 0.0, 10.0], [1.0, 1.0, 20.0], [2.0, 0.0, 30.0], [2.0, 1.0, 40.0]]),
        (["iteration", "epoch", "batch"], [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [2.0, 0.0, 0.0], [2.0, 1.0, 0.0]]),
    ] {
        let rows = rows.map(|row| names.into_iter().zip(row).collect::<Vec<_>>());
        assert!(read_until_known(&rows).iter().all(|(_, left)| left.contains("epoch")), "{names:?}");
    }
}

#[test]
fn epochs_of_each_stage_go_on() {
    let mut axis = Axis::default();
    let row = |axis: &mut Axis, phase: &str, epoch: i32| {
        axis.begin();
        axis.text(axis.role("phase"), 0, phase);
        axis.number(axis.role("epoch"), 1, f64::from(epoch));
        axis.place().step.map(|step| step.0)
    };
    let rows = [("pretrain", 0), ("val", 0), ("pretrain", 1), ("val", 1), ("tune", 0), ("val", 0), ("tune", 1), ("val", 1), ("best", 0)];
    for (phase, epoch) in rows {
        row(&mut axis, phase, epoch);
    }
    assert!(axis.is_mistaken());
    axis.renew();
    let steps = rows.map(|(phase, epoch)| row(&mut axis, phase, epoch));
    assert_eq!((steps, axis.is_mistaken()), ([0, 0, 1, 1, 2, 2, 3, 3, 4].map(Some), false));
    // Checks, turns of two networks, and a stage that goes on from a checkpoint.
    for rows in [
        [("train", 0), ("train", 1), ("val", 0), ("val", 1)],
        [("gen", 0), ("disc", 0), ("gen", 1), ("disc", 1)],
        [("pretrain", 0), ("pretrain", 1), ("tune", 1), ("tune", 2)],
    ] {
        let mut axis = Axis::default();
        let steps = rows.map(|(phase, epoch)| row(&mut axis, phase, epoch));
        assert_eq!((steps, axis.is_mistaken()), (rows.map(|(_, epoch)| Some(i64::from(epoch))), false));
    }
}

#[test]
fn batches_of_each_round_go_on() {
    let rows: Vec<_> =
        (1..4).flat_map(|at| (0..4).map(move |batch| vec![("round", f64::from(at)), ("batch", f64::from(batch * 10))])).collect();
    let want: Vec<_> = (0..12).map(|at| (Some(at * 10), "round".to_owned())).collect();
    assert_eq!(read_until_known(&rows), want);
    // Sizes of batches are none.
    let rows: Vec<_> = (1..9).map(|at| vec![("round", f64::from(at)), ("batch", 32.0)]).collect();
    assert!(read_until_known(&rows).iter().all(|(_, left)| left.contains("batch")));
}

#[test]
fn the_names_of_settings_and_metrics_count_where_nothing_better_does() {
    for name in ["round", "generation", "Epochs", "updates", "frames", "num_env_steps"] {
        let mut axis = Axis::default();
        let step = |axis: &mut Axis, number: f64| {
            axis.begin();
            axis.number(axis.role(name), 0, number);
            axis.place().step.map(|step| step.0)
        };
        for number in [5.0, 5.0, 5.0, 10.0, 15.0] {
            step(&mut axis, number);
        }
        assert!(axis.is_mistaken(), "{name}");
        axis.renew();
        assert_eq!([10.0, 20.0].map(|number| step(&mut axis, number)), [Some(10), Some(20)], "{name}");
        check(RowOptions::default(), &[&[(name, 4.0)][..]; 5], &[(None, name); 5]);
        let rows = [1.0, 2.0, 3.0].map(|number| [(name, number * 8.0), ("iter_num", number)]);
        check(RowOptions::default(), &[&rows[0], &rows[1], &rows[2]], &[(Some(1), name), (Some(2), name), (Some(3), name)]);
    }
}

#[test]
fn data_of_any_name_tell_rows_apart_and_those_of_a_check_are_its_own() {
    let mut axis = Axis::default();
    let row = |axis: &mut Axis, step: f64, data: &str| {
        axis.begin();
        axis.number(axis.role("step"), 0, step);
        axis.text(axis.role("dataset"), 1, data);
        let place = axis.place();
        (place.split, axis.run(&place))
    };
    for step in [0.0, 1.0] {
        ["a", "b"].iter().for_each(|data| drop(row(&mut axis, step, data)));
    }
    assert!(axis.is_mistaken());
    axis.renew();
    assert_eq!([row(&mut axis, 0.0, "b"), row(&mut axis, 0.0, "val")], [(None, Some("b".into())), (Some("val"), None)]);
}
