//! Tables of many shapes, of which a probe must say what a full read says, or nothing.

use super::*;
use std::fmt::Display;

/// How a column counts.
#[derive(Clone, Copy, Debug)]
enum Way {
    Rises,
    /// By one and by four in turn.
    Unevenly,
    /// The same for so many rows.
    Slowly(usize),
    Newest,
    /// It starts over every so many rows.
    Again(usize),
    /// The same, within each epoch.
    OfEpoch,
    Constant,
    /// So many of its steps make a whole.
    Fraction(usize),
}

/// What the epochs are.
#[derive(Clone, Copy, Debug)]
enum Epochs {
    None,
    /// So many rows each.
    Whole(usize),
    Fraction(usize),
    /// Those of one update, again and again.
    OfUpdate(usize),
}

/// How the rows of several runs stand.
#[derive(Clone, Copy, Debug)]
enum Runs {
    One,
    /// So many rows each.
    Behind(usize),
    /// So many runs.
    Beside(usize),
}

#[derive(Clone, Debug)]
struct Shape {
    is_json: bool,
    rows: usize,
    /// At that row, the run goes on from one so many before it.
    resume: Option<(usize, usize)>,
    step: (&'static str, Way, i64, i64),
    rival: Option<(&'static str, Way, i64)>,
    epochs: (&'static str, Epochs),
    runs: (&'static str, Runs),
    /// Every so many rows are of a check.
    split: Option<(&'static str, usize)>,
    /// A row behind every so many has the score of a validation alone, maybe with its step, and its epoch.
    checks: Option<(usize, bool, bool)>,
    /// `acc` stands in every so many rows from that one on.
    sparse: Option<(usize, usize)>,
    /// The text in each row, as long as that or up to that.
    padding: (usize, bool),
}

const STEP_NAMES: &[&str] =
    &["step", "step", "global_step", "iter", "it", "steps", "batch", "epoch", "total_timesteps", "update", "samples_seen", "n"];

fn ways() -> impl Strategy<Value = Way> {
    prop_oneof![
        4 => Just(Way::Rises),
        1 => Just(Way::Unevenly),
        1 => (2..6_usize).prop_map(Way::Slowly),
        1 => Just(Way::Newest),
        1 => (2..70_usize).prop_map(Way::Again),
        2 => Just(Way::OfEpoch),
        1 => Just(Way::Constant),
        1 => (2..9_usize).prop_map(Way::Fraction),
    ]
}

fn shapes() -> impl Strategy<Value = Shape> {
    let name = || prop::sample::select(STEP_NAMES);
    let step = (name(), ways(), prop::sample::select(&[0, 1, 500][..]), prop::sample::select(&[1, 10, 100][..]));
    let rival = prop::option::weighted(0.3, (name(), ways(), prop::sample::select(&[1, 10][..])));
    let epochs = prop_oneof![
        3 => Just(Epochs::None),
        3 => (1..90_usize).prop_map(Epochs::Whole),
        1 => (2..60_usize).prop_map(Epochs::Fraction),
        1 => (2..6_usize).prop_map(Epochs::OfUpdate),
    ];
    let epochs = (prop::sample::select(&["epoch", "epoch", "epoch", "episode", "iteration", "stage", "round"][..]), epochs);
    let runs = prop_oneof![
        4 => Just(Runs::One),
        1 => (5..90_usize).prop_map(Runs::Behind),
        1 => (2..5_usize).prop_map(Runs::Beside),
    ];
    let runs = (prop::sample::select(&["", "", "seed", "run", "model", "dataset", "task"][..]), runs);
    let split = prop::option::weighted(0.2, (prop::sample::select(&["split", "mode", "type"][..]), 2..40_usize));
    let checks = prop::option::weighted(0.3, (1..50_usize, any::<bool>(), any::<bool>()));
    let sparse = prop::option::weighted(0.3, (1..60_usize, 0..60_usize));
    let padding = (prop::sample::select(&[0, 0, 20, 90, 300][..]), any::<bool>());
    let resume = prop::option::weighted(0.2, (5..120_usize, 1..40_usize));
    (any::<bool>(), (3..150_usize, resume), step, rival, epochs, runs, split, checks, sparse, padding).prop_map(
        |(is_json, (rows, resume), step, rival, epochs, runs, split, checks, sparse, padding)| Shape {
            is_json,
            rows,
            resume,
            step,
            rival,
            epochs,
            runs,
            split,
            checks,
            sparse,
            padding,
        },
    )
}

impl Way {
    /// What stands at row `at`, the one of `within` in its epoch; of `rows` in all.
    fn at(self, at: usize, within: usize, rows: usize) -> f64 {
        let number = match self {
            Way::Rises => at,
            Way::Unevenly => at / 2 * 5 + at % 2,
            Way::Slowly(rows) => at / rows,
            Way::Newest => rows - at,
            Way::Again(rows) => at % rows,
            Way::OfEpoch => within,
            Way::Constant => 7,
            Way::Fraction(parts) => return at as f64 / parts as f64,
        };
        number as f64
    }
}

impl Shape {
    /// The rows, as names with what stands there.
    fn table(&self) -> Vec<Vec<(&'static str, String)>> {
        let mut out = vec![];
        for row in 0..self.rows {
            let (at, run) = match self.runs.1 {
                Runs::One => (row, 3),
                _ if self.runs.0.is_empty() => (row, 3),
                Runs::Behind(rows) => (row % rows, row / rows),
                Runs::Beside(runs) => (row / runs, row % runs),
            };
            let at = self.resume.filter(|(row, _)| at >= *row).map_or(at, |(row, back)| at - back.min(row));
            let (epoch, within) = match self.epochs.1 {
                Epochs::None => (None, at),
                Epochs::Whole(rows) => (Some((at / rows) as f64), at % rows),
                Epochs::Fraction(rows) => (Some(at as f64 / rows as f64), at % rows),
                Epochs::OfUpdate(rows) => (Some((at % rows) as f64), at / rows),
            };
            let (name, way, first, stride) = self.step;
            let has_epochs = !matches!(self.epochs.1, Epochs::None);
            // What starts over beside epochs does so with them.
            let natural = |way| match way {
                Way::OfEpoch | Way::Again(_) if name == "epoch" => Way::Rises,
                Way::Again(_) if has_epochs => Way::OfEpoch,
                way => way,
            };
            let stride = if let Way::Fraction(_) = way { 1 } else { stride };
            let step = (name, (first as f64 + stride as f64 * natural(way).at(at, within, self.rows)).to_string());
            let epoch = epoch.map(|epoch| (self.epochs.0, epoch.to_string())).filter(|(own, _)| *own != name);
            let run = Some((self.runs.0, if self.runs.0 == "model" { format!("m{run}") } else { run.to_string() }));
            let run = run.filter(|(name, _)| !name.is_empty());
            let rival = self.rival.map(|(name, way, stride)| (name, (stride as f64 * natural(way).at(at, within, self.rows)).to_string()));
            let rival = rival.filter(|(name, _)| *name != step.0 && *name != "epoch" && *name != self.epochs.0);
            let split = |is_check| self.split.map(|(name, _)| (name, if is_check { "val" } else { "train" }.to_owned()));
            let is_check = self.split.is_some_and(|(_, every)| row % every == every - 1);
            let (length, varies) = self.padding;
            let padding = "x".repeat(if varies { row * 7919 % (length + 1) } else { length });
            let padding = Some(("note", padding)).filter(|(_, text)| !text.is_empty());
            let acc = self.sparse.filter(|(every, from)| row >= *from && row % every == 0).map(|_| ("acc", format!("{row}.125")));
            let cells = run.clone().into_iter().chain(epoch.clone()).chain([step.clone()]).chain(rival).chain(split(is_check));
            out.push(cells.chain(acc).chain([("loss", format!("{row}.5"))]).chain(padding.clone()).collect());
            if let Some((_, has_step, has_epoch)) = self.checks.filter(|(every, ..)| row % every == every - 1) {
                let step = Some(step).filter(|_| has_step);
                let cells = run.into_iter().chain(epoch.filter(|_| has_epoch)).chain(step).chain(split(true));
                out.push(cells.chain([("val_score", format!("{row}.75"))]).chain(padding).collect());
            }
        }
        out
    }

    fn text(&self) -> String {
        let (mut text, rows) = (String::new(), self.table());
        if self.is_json {
            for row in rows {
                let cell = |(name, cell): &(&str, String)| match cell.parse::<f64>() {
                    Ok(_) => format!("\"{name}\":{cell}"),
                    Err(_) => format!("\"{name}\":\"{cell}\""),
                };
                let _ = writeln!(text, "{{{}}}", row.iter().map(cell).collect::<Vec<_>>().join(","));
            }
            return text;
        }
        let mut names: Vec<&str> = vec![];
        for (name, _) in rows.iter().flatten() {
            if !names.contains(name) {
                names.push(name);
            }
        }
        text += &(names.join(",") + "\n");
        for row in rows {
            let cell = |name: &&str| row.iter().find(|(own, _)| own == name).map_or("", |(_, cell)| cell);
            let _ = writeln!(text, "{}", names.iter().map(cell).collect::<Vec<_>>().join(","));
        }
        text
    }
}

fn sizes() -> impl Strategy<Value = Sizes> {
    (60..2500_u64, 60..1500_u64, 60..6000_u64, 60..6000_u64).prop_map(|(head, window, window_max, keys_max)| Sizes {
        head,
        head_max: head,
        window,
        window_max,
        keys_max,
    })
}

#[derive(Debug)]
struct Text<'a>(&'a str, Sizes);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (text, Sizes { head, window, .. }) = (self.0, self.1);
        write!(f, "{:?}, {} bytes\n{}\n", self.1, text.len(), &text[..text.len().min(head as usize)])?;
        write!(f, "...\n{}\n", &text[text.len().saturating_sub(window as usize)..])
    }
}

/// As many as asked for, else few.
fn cases() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { cases: asked.unwrap_or(100), failure_persistence: None, max_shrink_iters: 4000, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_probe_of_a_table_of_any_shape_says_what_a_full_read_says_or_nothing(shape in shapes(), sizes in prop::collection::vec(sizes(), 3)) {
        let (text, dir) = (shape.text(), tempfile::tempdir().unwrap());
        let path = dir.path().join(if shape.is_json { "log.jsonl" } else { "log.csv" });
        fs::write(&path, &text).unwrap();
        let kind = runs(&path).unwrap()[0].kind;
        prop_assume!(kind.decoder().is_some());
        let full = read_whole(&path);
        for sizes in sizes {
            for reach in [Reach::Row, Reach::Keys] {
                let how = How { read: &ReadOptions::default(), reach, is_over: false, may_be_any: true, sizes: Some(sizes) };
                agree(&Text(&text, sizes), &stream(&path, kind, how).unwrap(), full.picture());
            }
        }
    }
}
