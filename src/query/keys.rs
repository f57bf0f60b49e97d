//! How metric keys are chosen, ordered and judged by their names.

use super::condition::{has_suffix, words};
use crate::model::{MetricKey, Point, Series};
use regex::{Regex, RegexBuilder};

/// Which end of a series is its good one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Goal {
    /// Lower is better.
    Min,
    /// Higher is better.
    Max,
}

/// Words that name a cost; they win over words of gain (`reward_loss` is a loss).
const COSTS: &[&str] =
    &["loss", "losses", "error", "err", "nll", "perplexity", "ppl", "wer", "cer", "mse", "mae", "rmse", "fid", "kl", "regret", "latency"];

/// Words that name a gain.
const GAINS: &[&str] = &[
    "accuracy",
    "acc",
    "reward",
    "rewards",
    "return",
    "returns",
    "score",
    "scores",
    "bleu",
    "rouge",
    "meteor",
    "f1",
    "auc",
    "auroc",
    "precision",
    "recall",
    "map",
    "iou",
    "miou",
    "dice",
    "psnr",
    "ssim",
    "success",
    "win",
    "winrate",
    "pass",
    "em",
    "r2",
    "elo",
    "top1",
    "top5",
    "mrr",
    "ndcg",
    "correct",
    "solved",
];

/// Words that name a speed.
const SPEEDS: &[&str] = &["throughput", "mfu", "hfu", "tps", "fps", "tflops", "flops", "speed", "sec", "second", "sps"];

/// Words of what is counted; beside a word of time it is a speed, alone it only grows and no end of it is good.
const COUNTED: &[&str] = &["it", "its", "tokens", "samples"];

/// Words that make a speed of what is counted.
const RATES: &[&str] = &["per", "s", "sec", "second", "seconds", "rate"];

/// Words that name the machine.
const SYSTEM: &[&str] = &["system", "gpu", "cpu", "memory", "mem", "disk", "network"];

/// Words that mark a series as measured on held-out data.
const HELD_OUT: &[&str] = &["val", "valid", "validation", "eval", "evaluation", "test", "dev"];

/// Which end of the series named `key` is its good one, judged by its words; a cost unless a word says otherwise.
pub fn goal(key: &str) -> Goal {
    match (names(key, COSTS), names(key, GAINS) || is_speed(key)) {
        (false, true) => Goal::Max,
        _ => Goal::Min,
    }
}

/// The good end of the series named `key`, where a word of the name tells.
pub fn known_goal(key: &str) -> Option<Goal> {
    (names(key, COSTS) || names(key, GAINS) || is_speed(key)).then(|| goal(key))
}

fn is_speed(key: &str) -> bool {
    names(key, SPEEDS) || names(key, COUNTED) && names(key, RATES)
}

/// The first point with the best finite value, by the [`goal`] that the name of `key` tells. `None` also where it tells
/// none: nobody knows which learning rate is the best.
pub fn best(key: &MetricKey, series: &Series) -> Option<Point> {
    match known_goal(key.as_str())? {
        Goal::Min => series.min_point(),
        Goal::Max => series.max_point(),
    }
}

/// Words of what goes beside a cost and is none that anybody watches first.
const SIDE_COSTS: &[&str] = &["kl", "latency", "penalty"];

/// Words of the ends of a spread, whose middle says more.
const ENDS: &[&str] = &["min", "max", "std"];

/// `keys` in the order in which panels show them: losses, held-out measures, rewards and accuracies, learning rates,
/// gradient norms, throughput, the rest; within these means before the ends of a spread, training first, then by name with
/// numbers in number order, a plain `loss` before the others of its group: these are mostly its parts.
pub fn rank_keys(keys: &[MetricKey]) -> Vec<MetricKey> {
    let rank = |key: &'_ str| (class(key), names(key, ENDS), !is_training(key));
    let mut ranked: Vec<_> = keys.iter().map(|key| (rank(key.as_str()), natural(key.as_str()), key)).collect();
    ranked.sort();
    for at in 1..ranked.len() {
        let (rank, key) = (ranked[at].0, ranked[at].2);
        let (group, name) = group_and_name(key.as_str());
        if !name.eq_ignore_ascii_case("loss") {
            continue;
        }
        // Keys of one rank and one group stand side by side.
        let beside = ranked[..at].iter().rev().take_while(|(other, _, key)| *other == rank && group_and_name(key.as_str()).0 == group);
        let is_loss = |key: &MetricKey| words(group_and_name(key.as_str()).1).last().is_some_and(|word| word.eq_ignore_ascii_case("loss"));
        let losses = beside.enumerate().filter(|(_, (.., key))| is_loss(key));
        if let Some((back, _)) = losses.last() {
            ranked[at - 1 - back..=at].rotate_right(1);
        }
    }
    ranked.into_iter().map(|(.., key)| key.clone()).collect()
}

/// The last part of a name, and what stands before it.
fn group_and_name(key: &str) -> (&str, &str) {
    key.rfind(['/', '.']).map_or(("", key), |at| (&key[..at], &key[at + 1..]))
}

fn class(key: &str) -> u8 {
    // One look at each word: thousands of keys are ranked whenever a run logs.
    let (mut system, mut held_out, mut grad, mut lr, mut learning, mut rate, mut side, mut cost, mut gain, mut speed) = Default::default();
    for word in words(key) {
        let is = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(word));
        system |= is(SYSTEM);
        held_out |= is(HELD_OUT);
        grad |= is(&["grad", "gradient", "gradnorm"]);
        lr |= is(&["lr"]);
        learning |= is(&["learning"]);
        rate |= is(&["rate"]);
        side |= is(SIDE_COSTS);
        cost |= is(COSTS);
        gain |= is(GAINS);
        speed |= is(SPEEDS) || is(COUNTED);
    }
    match () {
        () if system => 7,
        () if held_out => 1,
        () if grad => 4,
        () if lr || learning && rate => 3,
        () if side => 6,
        () if cost => 0,
        () if gain => 2,
        () if speed => 5,
        () => 6,
    }
}

fn is_training(key: &str) -> bool {
    names(key, &["train", "training"]) || words(key).count() == 1
}

fn names(key: &str, words_of: &[&str]) -> bool {
    words(key).any(|word| words_of.iter().any(|w| w.eq_ignore_ascii_case(word)))
}

/// A sort key that orders runs of digits as numbers, so that `layer.2` comes before `layer.10`: for each run of digits a `0`, its
/// length without leading zeros and itself, for every other character its lower case. Bytes, since thousands are compared.
pub(super) fn natural(key: &str) -> Vec<u8> {
    let mut parts = Vec::with_capacity(key.len() + 16);
    let mut rest = key;
    while let Some(c) = rest.chars().next() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (part, tail) = rest.split_at(digits.max(c.len_utf8()));
        if digits > 0 {
            let number = part.trim_start_matches('0');
            parts.push(b'0');
            parts.extend((number.len() as u32).to_be_bytes());
            parts.extend(number.as_bytes());
        } else {
            parts.extend(c.to_ascii_lowercase().encode_utf8(&mut [0; 4]).as_bytes());
        }
        rest = tail;
    }
    parts
}

/// What somebody typed to narrow the panels down.
#[derive(Clone, Debug)]
pub struct KeyFilter(Pattern);

#[derive(Clone, Debug)]
enum Pattern {
    Words(Vec<String>),
    Regex(Regex),
}

/// A filter between slashes that is no regular expression.
#[derive(Debug, thiserror::Error)]
#[error("not a regular expression: {pattern}")]
pub struct KeyFilterError {
    /// What stood between the slashes.
    pub pattern: String,
    /// What the expression parser said.
    pub source: regex::Error,
}

impl KeyFilterError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        "leave the slashes out to filter by plain words"
    }
}

/// Memory that a typed expression may take once compiled; a key name needs next to nothing.
const REGEX_BYTES_MAX: usize = 1 << 20;

impl KeyFilter {
    /// Reads a filter: words that must all stand somewhere in the name, in any order; or `/expression/`.
    /// Case does not matter. A lone or open slash is still being typed (or part of a key such as `/loss`) and is a word.
    pub fn parse(text: &str) -> Result<KeyFilter, KeyFilterError> {
        let text = text.trim();
        match text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')).filter(|pattern| !pattern.is_empty()) {
            Some(pattern) => KeyFilter::regex(pattern),
            None => Ok(KeyFilter(Pattern::Words(text.split_whitespace().map(str::to_lowercase).collect()))),
        }
    }

    /// A filter that is a regular expression, without slashes around it. Case does not matter.
    pub fn regex(pattern: &str) -> Result<KeyFilter, KeyFilterError> {
        let built = RegexBuilder::new(pattern).case_insensitive(true).size_limit(REGEX_BYTES_MAX).build();
        built.map(|regex| KeyFilter(Pattern::Regex(regex))).map_err(|source| KeyFilterError { pattern: pattern.to_owned(), source })
    }

    /// The keys that pass, in their order. Where none has all the words in it, those pass that have the letters of each
    /// word in this order (`trls` finds `train/loss`).
    pub fn choose(&self, keys: &[MetricKey]) -> Vec<MetricKey> {
        let chosen: Vec<MetricKey> = keys.iter().filter(|key| self.matches(key.as_str())).cloned().collect();
        match &self.0 {
            Pattern::Words(words) if chosen.is_empty() => keys.iter().filter(|key| has_letters(key.as_str(), words)).cloned().collect(),
            _ => chosen,
        }
    }

    /// Whether `key` passes.
    pub fn matches(&self, key: &str) -> bool {
        match &self.0 {
            Pattern::Regex(regex) => regex.is_match(key),
            Pattern::Words(words) => {
                let key = key.to_lowercase();
                words.iter().all(|word| key.contains(word.as_str()))
            }
        }
    }
}

/// Whether the letters of each word stand in `key` in their order. The words are lower case.
fn has_letters(key: &str, words: &[String]) -> bool {
    let key = key.to_lowercase();
    words.iter().all(|word| {
        let mut rest = key.chars();
        word.chars().all(|c| rest.any(|have| have == c))
    })
}

/// Reads a list of key names: `loss,reward`, `{reward, loss}` or `[loss]`. Names keep their order; doubles are dropped. A comma
/// in parentheses parts nothing: `lr,ma(loss, 15)` are two.
pub fn parse_key_list(text: &str) -> Vec<String> {
    let text = text.trim();
    let inner = text.strip_prefix(['{', '[']).map(|rest| rest.strip_suffix(['}', ']']).unwrap_or(rest)).unwrap_or(text);
    let mut names: Vec<String> = vec![];
    let mut depth = 0usize;
    let parts = inner.split(|c: char| {
        depth = match c {
            '(' => depth + 1,
            ')' => depth.saturating_sub(1),
            _ => depth,
        };
        c == '\n' || c == ',' && depth == 0
    });
    for name in parts.map(unquoted).filter(|name| !name.is_empty()) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// A name without the quotes around it; those inside an expression are its own.
fn unquoted(name: &str) -> &str {
    let name = name.trim();
    if super::Derived::is_meant_by(name) { name } else { name.trim_matches(['"', '\'']) }
}

/// What a list of names means among the keys that exist.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Selection {
    /// The keys meant, in the order of the names; each once.
    pub keys: Vec<MetricKey>,
    /// The names that mean no key (yet).
    pub missing: Vec<String>,
}

/// Finds the keys that `names` mean. A name is a whole key; else, with any case, a whole key; else the end of keys
/// (`loss` means both `train/loss` and `val/loss`); a `*` in it stands for anything.
pub fn select_keys(names: &[String], keys: &[MetricKey]) -> Selection {
    let ranked = rank_keys(keys);
    let mut selection = Selection::default();
    for name in names {
        let found = meant(name, &ranked);
        if found.is_empty() {
            selection.missing.push(name.clone());
        }
        for key in found {
            if !selection.keys.contains(key) {
                selection.keys.push(key.clone());
            }
        }
    }
    selection
}

fn meant<'a>(name: &str, keys: &'a [MetricKey]) -> Vec<&'a MetricKey> {
    let all = |test: &dyn Fn(&str) -> bool| keys.iter().filter(|key| test(key.as_str())).collect::<Vec<_>>();
    if name.contains('*') {
        return all(&|key| glob(&name.to_lowercase(), &key.to_lowercase()));
    }
    let tests: [&dyn Fn(&str) -> bool; 3] = [&|key| key == name, &|key| key.eq_ignore_ascii_case(name), &|key| has_suffix(key, name)];
    tests.into_iter().map(all).find(|found| !found.is_empty()).unwrap_or_default()
}

/// Whether `text` fits `pattern`, where each `*` stands for any text.
fn glob(pattern: &str, text: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut rest) = text.strip_prefix(head) else { return false };
    let mut parts: Vec<&str> = tail.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Step;
    use proptest::prelude::*;

    fn keys(names: &[&str]) -> Vec<MetricKey> {
        names.iter().map(|name| MetricKey::from(*name)).collect()
    }

    fn names(keys: &[MetricKey]) -> Vec<&str> {
        keys.iter().map(MetricKey::as_str).collect()
    }

    #[test]
    fn the_name_tells_the_good_end() {
        for key in ["loss", "train/loss", "val_ppl", "reward_loss", "lr", "eval/KL"] {
            assert_eq!(goal(key), Goal::Min, "{key}");
        }
        for key in [
            "accuracy",
            "eval/Acc",
            "rewards/mean",
            "episode_return",
            "bleu",
            "val/f1",
            "tokens_per_sec",
            "pass@1",
            "top1Acc",
            "meanReward",
            "samples/s",
            "it/s",
        ] {
            assert_eq!(known_goal(key), Some(Goal::Max), "{key}");
        }
        for key in ["tokens", "train/num_tokens", "samples_seen", "epoch", "step", "it", "lr"] {
            assert_eq!(known_goal(key), None, "{key}");
        }
        let mut series = Series::new();
        [3.0, 9.0, f64::NAN, 1.0]
            .into_iter()
            .enumerate()
            .for_each(|(i, value)| series.push(Point { step: Step(i as i64), time: None, value }));
        assert_eq!(best(&"loss".into(), &series).map(|p| p.value), Some(1.0));
        assert_eq!(best(&"reward".into(), &series).map(|p| p.step), Some(Step(1)));
        assert_eq!(best(&"reward".into(), &Series::new()), None);
    }

    #[test]
    fn letters_in_order_find_a_key_where_words_find_none() {
        let all = keys(&["train/loss", "train/lr", "val/loss"]);
        let choose = |text: &str| KeyFilter::parse(text).unwrap().choose(&all);
        assert_eq!(names(&choose("loss")), ["train/loss", "val/loss"]);
        assert_eq!(names(&choose("trls")), ["train/loss"]);
        assert_eq!(names(&choose("VL ss")), ["val/loss"]);
        assert!(choose("xyz").is_empty());
        assert_eq!(names(&KeyFilter::regex("^train/l.$").unwrap().choose(&all)), ["train/lr"]);
        assert!(KeyFilter::regex("l(").is_err());
    }

    #[test]
    fn panels_come_losses_first() {
        let shuffled = keys(&[
            "epoch",
            "gpu/util",
            "layer.10",
            "layer.2",
            "tokens_per_sec",
            "grad_norm",
            "learning_rate",
            "val/accuracy",
            "val/loss",
            "reward",
            "aux/loss",
            "train/loss",
            "train/accuracy",
        ]);
        assert_eq!(
            names(&rank_keys(&shuffled)),
            [
                "train/loss",
                "aux/loss",
                "val/accuracy",
                "val/loss",
                "reward",
                "train/accuracy",
                "learning_rate",
                "grad_norm",
                "tokens_per_sec",
                "epoch",
                "layer.2",
                "layer.10",
                "gpu/util"
            ]
        );
    }

    #[test]
    fn a_plain_loss_comes_before_its_parts_and_not_before_those_of_other_groups() {
        let shuffled =
            keys(&["train/value_loss", "eval/accuracy", "train/loss", "aux/a_loss", "eval/a_loss", "train/entropy_loss", "eval/loss"]);
        assert_eq!(
            names(&rank_keys(&shuffled)),
            ["train/loss", "train/entropy_loss", "train/value_loss", "aux/a_loss", "eval/loss", "eval/a_loss", "eval/accuracy"]
        );
        assert_eq!(names(&rank_keys(&keys(&["a.z/Loss", "b/loss", "a.z/kl_loss"]))), ["a.z/Loss", "b/loss", "a.z/kl_loss"]);
    }

    #[test]
    fn the_middle_of_a_reward_comes_before_its_ends_and_before_penalties() {
        let ranked =
            rank_keys(&keys(&["actor/ppo_kl", "critic/rewards/max", "critic/rewards/mean", "actor/pg_loss", "actor/reward_kl_penalty"]));
        assert_eq!(
            names(&ranked),
            ["actor/pg_loss", "critic/rewards/mean", "critic/rewards/max", "actor/ppo_kl", "actor/reward_kl_penalty"]
        );
    }

    #[test]
    fn all_words_of_a_filter_must_match() {
        let passes = |filter: &str, key: &str| KeyFilter::parse(filter).unwrap().matches(key);
        assert!(passes("", "anything"));
        assert!(passes("LOSS tr", "train/loss"));
        assert!(!passes("loss val", "train/loss"));
        assert!(passes("/^train.*ss$/", "Train/loss"));
        assert!(passes("/loss", "train/loss"));
        assert!(passes("/", "train/loss"));
        assert!(KeyFilter::parse("/(/").is_err());
    }

    #[test]
    fn a_list_picks_keys_in_its_order() {
        assert_eq!(parse_key_list("lr,ma(loss, 15)"), ["lr", "ma(loss, 15)"]);
        assert_eq!(parse_key_list("'loss', \"a b\" / loss"), ["loss", "\"a b\" / loss"]);
        assert_eq!(parse_key_list("{reward, loss}"), ["reward", "loss"]);
        assert_eq!(parse_key_list(" loss,,reward , loss"), ["loss", "reward"]);
        assert_eq!(parse_key_list("[\"loss\"]"), ["loss"]);
        assert!(parse_key_list("{}").is_empty());
        let known = keys(&["val/loss", "train/loss", "Reward", "lr"]);
        let pick = |list: &str| select_keys(&parse_key_list(list), &known);
        assert_eq!(names(&pick("reward,loss").keys), ["Reward", "train/loss", "val/loss"]);
        assert_eq!(names(&pick("val/*,*oss").keys), ["val/loss", "train/loss"]);
        assert_eq!(pick("bleu,lr").missing, ["bleu"]);
    }

    proptest! {
        #[test]
        fn ranking_is_a_permutation_whatever_the_names(names in prop::collection::vec("[a-zA-Z0-9/._ é]{0,12}", 0..30)) {
            let mut keys: Vec<MetricKey> = names.iter().map(|name| MetricKey::from(name.as_str())).collect();
            let mut ranked = rank_keys(&keys);
            prop_assert_eq!(&rank_keys(&ranked), &ranked);
            keys.sort();
            ranked.sort();
            prop_assert_eq!(keys, ranked);
        }

        #[test]
        fn no_filter_panics(filter in ".{0,12}", key in ".{0,12}") {
            let _ = KeyFilter::parse(&filter).map(|f| f.matches(&key));
            glob(&filter, &key);
            parse_key_list(&filter);
        }
    }
}
