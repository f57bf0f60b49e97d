//! Which metric keys share a chart.

use super::condition::words;
use crate::model::MetricKey;
use std::collections::HashMap;

/// Words that tell on which data a key was measured; keys that differ only by them share a chart.
const SPLITS: &[&str] = &["train", "training", "val", "valid", "validation", "eval", "evaluation", "test", "dev"];
/// Those of them that stand for what is trained on.
const TRAINED: &[&str] = &["train", "training"];
/// Those of them that are looked at while that goes on.
const VALIDATED: &[&str] = &["val", "valid", "validation"];
/// Most curves of one run in a chart; more cannot be told apart.
const CURVES_MAX: usize = 4;
/// From so many keys on that differ only by numbers, they share a heat strip: as charts of their own they would fill pages.
const HEAT_MIN: usize = 6;

/// How the keys of a panel are drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PanelKind {
    /// As curves in one chart.
    Curves,
    /// As rows of a heat strip.
    Heat,
}

/// Keys that share a chart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Panel {
    /// What they have in common, or the only key.
    pub title: String,
    /// At least one.
    pub keys: Vec<MetricKey>,
    /// How they are drawn.
    pub kind: PanelKind,
    labels: Vec<String>,
}

impl Panel {
    fn new(title: String, mut keys: Vec<MetricKey>, kind: PanelKind) -> Panel {
        if kind == PanelKind::Curves {
            // The same data has the same colour and line in all charts.
            keys.sort_by_key(|key| place(key.as_str()));
        }
        let labels = labels(&keys);
        Panel { title, keys, kind, labels }
    }

    /// What tells the key at `index` from the others: `train` of `train/loss`.
    pub fn label(&self, index: usize) -> &str {
        self.labels.get(index).map_or("", String::as_str)
    }
}

/// What the keys do not have in common, in whole words: `train_loss` and `eval_loss` differ by `train` and `eval`.
fn labels(keys: &[MetricKey]) -> Vec<String> {
    let whole = || keys.iter().map(MetricKey::to_string).collect();
    let Some((first, others)) = keys.split_first().filter(|(_, others)| !others.is_empty()) else { return whole() };
    let first = first.as_str();
    let (mut head, mut tail) = (first.len(), first.len());
    for other in others {
        let same = |pairs: &mut dyn Iterator<Item = (char, char)>| pairs.take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
        head = head.min(same(&mut first.chars().zip(other.as_str().chars())));
        tail = tail.min(same(&mut first.chars().rev().zip(other.as_str().chars().rev())));
    }
    let is_edge = |c: char| !c.is_alphanumeric();
    let head = first[..head].rfind(is_edge).map_or(0, |at| at + first[at..].chars().next().map_or(1, char::len_utf8));
    let tail = first[first.len() - tail..].find(is_edge).map_or(0, |at| tail - at);
    let cut: Option<Vec<String>> = keys
        .iter()
        .map(|key| key.as_str().get(head..key.as_str().len().saturating_sub(tail)).filter(|label| !label.is_empty()))
        .map(|label| label.map(str::to_owned))
        .collect();
    cut.unwrap_or_else(whole)
}

/// The panels of `keys`, in their order: a panel stands where its first key does. Keys of the same name measured on other data
/// share a chart; long families of keys that differ only by numbers share a heat strip.
pub fn panels(keys: &[MetricKey]) -> Vec<Panel> {
    let families: Vec<Option<String>> = keys.iter().map(|key| family(key.as_str())).collect();
    let mut sizes: HashMap<&str, usize> = HashMap::new();
    families.iter().flatten().for_each(|family| *sizes.entry(family).or_default() += 1);
    let mut shared: Vec<(String, Vec<MetricKey>, PanelKind)> = vec![];
    let (mut strips, mut charts): (HashMap<&str, usize>, HashMap<String, usize>) = Default::default();
    for (key, family) in keys.iter().zip(&families) {
        let next = shared.len();
        if let Some(family) = family.as_deref().filter(|family| sizes.get(family).is_some_and(|size| *size >= HEAT_MIN)) {
            let at = *strips.entry(family).or_insert(next);
            if at == next {
                shared.push((family.to_owned(), vec![], PanelKind::Heat));
            }
            shared[at].1.push(key.clone());
            continue;
        }
        let stem = stem(key.as_str());
        match charts.get(&stem).and_then(|at| shared.get_mut(*at)) {
            Some((title, keys, _)) if keys.len() < CURVES_MAX => {
                title.clone_from(&stem);
                keys.push(key.clone());
            }
            _ => {
                charts.insert(stem, next);
                shared.push((key.to_string(), vec![key.clone()], PanelKind::Curves));
            }
        }
    }
    shared.into_iter().map(|(title, keys, kind)| Panel::new(title, keys, kind)).collect()
}

/// A panel for each key, beside those it would share one with.
pub fn panels_apart(keys: &[MetricKey]) -> Vec<Panel> {
    let alone = |key: MetricKey| Panel::new(key.to_string(), vec![key], PanelKind::Curves);
    panels(keys).into_iter().flat_map(|panel| panel.keys).map(alone).collect()
}

/// The name of a key without the word that tells on which data it was measured.
fn stem(key: &str) -> String {
    let all: Vec<&str> = words(key).filter(|word| !word.is_empty()).collect();
    let split = all.iter().position(|word| SPLITS.iter().any(|split| split.eq_ignore_ascii_case(word)));
    match split {
        // A key that is nothing but such a word is about something else.
        Some(at) if all.len() > 1 => {
            let rest: Vec<String> = all.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, word)| word.to_lowercase()).collect();
            rest.join(" ")
        }
        _ => all.iter().map(|word| word.to_lowercase()).collect::<Vec<_>>().join(" "),
    }
}

/// Where a key stands among those of its chart: what is trained on, what it is validated on, other data.
fn place(key: &str) -> u8 {
    let names = |list: &[&str]| words(key).any(|word| list.iter().any(|name| name.eq_ignore_ascii_case(word)));
    match () {
        () if names(TRAINED) => 0,
        () if names(VALIDATED) => 1,
        // Beside `eval_loss`, a `loss` is that of the training.
        () if !names(SPLITS) => 0,
        () => 2,
    }
}

/// A key with every number in it replaced by `#`; `None` without a number.
fn family(key: &str) -> Option<String> {
    let mut out = String::with_capacity(key.len());
    let (mut in_number, mut any) = (false, false);
    for c in key.chars() {
        let digit = c.is_ascii_digit();
        if !digit {
            out.push(c);
        } else if !in_number {
            out.push('#');
            any = true;
        }
        in_number = digit;
    }
    any.then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys(names: &[&str]) -> Vec<MetricKey> {
        names.iter().map(|name| MetricKey::from(*name)).collect()
    }

    #[track_caller]
    fn check(names: &[&str], want: &[(&str, &[&str])]) {
        let panels = panels(&keys(names));
        let got: Vec<(&str, Vec<&str>)> =
            panels.iter().map(|panel| (panel.title.as_str(), (0..panel.keys.len()).map(|i| panel.label(i)).collect())).collect();
        let want: Vec<(&str, Vec<&str>)> = want.iter().map(|(title, labels)| (*title, labels.to_vec())).collect();
        assert_eq!(got, want);
    }

    #[test]
    fn the_same_name_on_other_data_shares_a_chart() {
        check(&["train/loss", "lr", "val/loss"], &[("loss", &["train", "val"]), ("lr", &["lr"])]);
        check(&["loss", "eval_loss"], &[("loss", &["loss", "eval_loss"])]);
        check(&["train_loss_epoch", "val_loss_epoch"], &[("loss epoch", &["train", "val"])]);
        check(&["loss/train", "loss/val", "loss/test"], &[("loss", &["train", "val", "test"])]);
        check(&["test/acc", "val/acc", "train/acc"], &[("acc", &["train", "val", "test"])]);
        check(&["eval_loss", "loss"], &[("loss", &["loss", "eval_loss"])]);
        check(&["train", "val"], &[("train", &["train"]), ("val", &["val"])]);
        check(&["a/loss", "b/loss"], &[("a/loss", &["a/loss"]), ("b/loss", &["b/loss"])]);
    }

    #[test]
    fn apart_they_stand_beside_those_they_would_share_a_chart_with() {
        let panels = panels_apart(&keys(&["train/loss", "val/acc", "val/loss", "lr", "train/acc"]));
        let titles: Vec<&str> = panels.iter().map(|panel| panel.title.as_str()).collect();
        assert_eq!(titles, ["train/loss", "val/loss", "train/acc", "val/acc", "lr"]);
    }

    #[test]
    fn a_long_family_of_numbers_shares_a_strip() {
        let names: Vec<String> = (0..8).map(|i| format!("gpu.{i}.util")).collect();
        let panels = panels(&names.iter().map(|name| MetricKey::from(name.as_str())).collect::<Vec<_>>());
        assert_eq!((panels.len(), panels[0].title.as_str(), panels[0].kind), (1, "gpu.#.util", PanelKind::Heat));
        assert_eq!((panels[0].label(3), panels[0].keys.len()), ("3", 8));
        check(&["l.0", "l.1"], &[("l.0", &["l.0"]), ("l.1", &["l.1"])]);
    }

    proptest! {
        #[test]
        fn every_key_stands_in_one_panel(names in prop::collection::vec("(train|val|é|[ab0-9/_.]){1,4}", 0..40)) {
            let mut keys: Vec<MetricKey> = names.iter().map(|name| MetricKey::from(name.as_str())).collect();
            keys.sort();
            keys.dedup();
            let panels = panels(&keys);
            let mut found: Vec<MetricKey> = panels.iter().flat_map(|panel| panel.keys.clone()).collect();
            found.sort();
            prop_assert_eq!(found, keys);
            for panel in &panels {
                prop_assert!(!panel.keys.is_empty() && (0..panel.keys.len()).all(|i| !panel.label(i).is_empty()));
            }
        }
    }
}
