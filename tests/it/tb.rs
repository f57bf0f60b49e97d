//! TensorBoard folders, read as a run is read: every event file in order of name.

use crate::support::recordings;
use og::{
    model::{Point, Series},
    source::{Budget, Loss, Media, Record, Tail, TfEvents, event_files, runs_under},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/tfevents");

#[derive(Default)]
struct Run {
    series: BTreeMap<String, Series>,
    config: BTreeMap<String, Value>,
    media: Vec<Media>,
    losses: Vec<Loss>,
}

fn read(folder: &Path) -> Run {
    let mut run = Run::default();
    for file in event_files(folder).unwrap() {
        let mut names = HashMap::new();
        let mut sink = |record: Result<Record, Loss>| match record {
            Ok(Record::Key(id, key)) => drop(names.insert(id, key.to_string())),
            Ok(Record::Row(row)) => {
                for (id, value) in row.values {
                    let point = Point { step: row.step.unwrap(), time: row.time, value };
                    run.series.entry(names[&id].clone()).or_default().push(point);
                }
            }
            Ok(Record::Superseded(step)) => run.series.values_mut().for_each(|series| series.supersede_from(step)),
            Ok(Record::Config(name, value)) => drop(run.config.insert(name, value)),
            Ok(Record::Media(media)) => run.media.push(*media),
            Ok(_) => {}
            Err(loss) => run.losses.push(loss),
        };
        let mut tail = Tail::new(file, Box::new(TfEvents::new()));
        tail.read(Budget::ALL, &mut sink).unwrap();
        tail.finish(&mut sink);
    }
    run
}

fn points(series: &Series) -> Vec<(i64, f64)> {
    series.points(0..series.len()).map(|point| (point.step.0, point.value)).collect()
}

fn fixture(name: &str) -> Run {
    let run = read(&Path::new(FIXTURES).join(name));
    assert_eq!(run.losses, []);
    run
}

#[test]
fn scalars_of_tensorboardx_come_with_step_time_and_nan() {
    let run = fixture("tbx");
    let loss: Vec<_> = (0..8).map(|step| (step, f64::from(1.0 / (1.0 + step as f32)))).collect();
    assert_eq!(points(&run.series["train/loss"]), loss);
    let accuracy = &run.series["val/acc"];
    assert_eq!((accuracy.len(), accuracy.nan_count(), accuracy.last().map(|p| (p.step.0, p.value))), (8, 1, Some((70, 0.875))));
    assert_eq!(accuracy.first().and_then(|p| p.time).map(|time| time.secs()), Some(1.7e9));
    assert_eq!(run.series.len(), 2);
    let media: Vec<_> = run.media.iter().map(|m| (m.key.as_str(), m.kind.as_str(), m.step.unwrap().0)).collect();
    assert_eq!(media, [("notes/text_summary", "text", 3), ("weights", "histogram", 4), ("sample", "image", 5)]);
    assert_eq!(run.media[0].about, json!("hello **world**"));
    assert_eq!((&run.media[1].about["count"], &run.media[1].about["max"]), (&json!(50.0), &json!(1.0)));
    assert_eq!((&run.media[2].about["width"], &run.media[2].about["height"]), (&json!(6), &json!(4)));
}

#[test]
fn hyperparameters_become_config() {
    let run = fixture("hparams");
    let want = [("amp", json!(true)), ("batch_size", json!(32)), ("lr", json!(0.001)), ("optimizer", json!("adam"))];
    assert_eq!(run.config, want.map(|(name, value)| (name.to_owned(), value)).into());
    assert_eq!(points(&run.series["hparam/acc"]), [(0, f64::from(0.9_f32))]);
}

#[test]
fn tensors_of_every_dtype_are_scalars_and_vectors_are_not() {
    let run = fixture("tf2");
    let steps = |value: fn(f64) -> f64| (0..8).map(|step| (step, value(step as f64))).collect::<Vec<_>>();
    for tag in ["float_val", "float_content", "double_val", "double_content", "half", "brain"] {
        assert_eq!(points(&run.series[tag]), steps(|step| 1.0 + step / 2.0), "{tag}");
    }
    assert_eq!(points(&run.series["int"]), steps(|step| -step));
    assert_eq!(points(&run.series["long"]), steps(|step| -step * (1_u64 << 33) as f64));
    assert_eq!(points(&run.series["bool"]), steps(|step| step % 2.0));
    assert_eq!(run.series.len(), 9);
}

#[test]
fn a_restart_supersedes_what_it_does_again() {
    let loss = &fixture("restart").series["loss"];
    let want: Vec<_> = (0..4).map(|step| (step, step as f64)).chain((4..10).map(|step| (step, 100.0 + step as f64))).collect();
    assert_eq!(points(loss), want);
    assert_eq!(loss.superseded(), 4);
}

#[test]
fn a_session_that_starts_supersedes_what_is_not_logged_again_too() {
    let run = fixture("purge");
    let steps = |tag: &str| points(&run.series[tag]).into_iter().map(|(step, _)| step).collect::<Vec<_>>();
    assert_eq!((steps("loss"), run.series["loss"].superseded()), (vec![0, 1, 2, 3, 4, 5], 4));
    assert_eq!((steps("val"), run.series["val"].superseded()), (vec![2], 1));
}

#[test]
fn every_folder_is_its_own_run() {
    let names: Vec<PathBuf> = ["hparams", "purge", "restart", "tbx", "tf2"].map(|name| Path::new(FIXTURES).join(name)).into();
    assert_eq!(runs_under(Path::new(FIXTURES)).unwrap(), names);
}

#[test]
fn recorded_folders_hold_what_tensorboard_reads_in_them() {
    let Some(folder) = recordings("tensorboard") else { return };
    let expected = fs::read_to_string(folder.join("expected.json")).unwrap();
    let expected: BTreeMap<String, Value> = serde_json::from_str(&expected).unwrap();
    for (name, want) in &expected {
        let run = read(&folder.join(name));
        assert_eq!(run.losses.len(), usize::from(name == "damaged/flipped"), "{name}: {:?}", run.losses);
        for (tag, want) in want["scalars"].as_object().unwrap() {
            if want["plugin"] == "text" {
                assert!(run.media.iter().any(|media| media.key == *tag && media.kind == "text"), "{name} {tag}");
                continue;
            }
            let series = &run.series[tag];
            let point = |point: Option<Point>| point.map(|p| (p.step.0, p.value));
            let wanted = |end: &str| want[end].as_array().map(|pair| (pair[0].as_i64().unwrap(), pair[1].as_f64().unwrap()));
            assert_eq!(point(series.first()), wanted("first"), "{name} {tag}");
            if name == "damaged/flipped" {
                // TensorBoard stops at the damage with 9 points; only the damaged one of 20 has to be lost.
                assert_eq!((series.len(), point(series.last())), (19, Some((190, 0.4764315187931061))));
            } else {
                assert_eq!((series.len() as u64, point(series.last())), (want["count"].as_u64().unwrap(), wanted("last")), "{name} {tag}");
            }
        }
        let scalars = want["scalars"].as_object().unwrap().values().filter(|scalar| scalar["plugin"].is_null()).count();
        assert_eq!(run.series.len(), scalars, "{name}");
        for (list, kind) in [("histograms", "histogram"), ("images", "image")] {
            for tag in want[list].as_array().unwrap() {
                assert!(run.media.iter().any(|media| media.kind == kind && json!(media.key) == *tag), "{name} {tag}");
            }
        }
    }
}
