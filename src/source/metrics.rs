//! What names of numbers look like when they are those of metrics, in rows and in text alike.

/// Last words of metric names. A line without a step of its own must have one of these.
pub(super) const METRICS: &[&str] = &[
    "loss",
    "losses",
    "acc",
    "accuracy",
    "acc1",
    "acc5",
    "top1",
    "top5",
    "ppl",
    "perplexity",
    "bpb",
    "bpc",
    "reward",
    "rewards",
    "return",
    "returns",
    "score",
    "f1",
    "auc",
    "auroc",
    "map",
    "mrr",
    "bleu",
    "rouge",
    "wer",
    "cer",
    "mse",
    "rmse",
    "mae",
    "error",
    "err",
    "precision",
    "recall",
    "iou",
    "miou",
    "dice",
    "fid",
    "psnr",
    "ssim",
    "elbo",
    "nll",
    "logloss",
    "entropy",
    "kl",
    "em",
    "r2",
    "mcc",
    "xent",
    "cost",
];

/// Those of [`METRICS`] that name settings as often.
const VAGUE_METRICS: &[&str] = &["map", "kl", "em"];

/// Words in front of a metric that is to be reached, not one that was measured: `target_kl`.
const GOALS: &[&str] = &["target", "desired"];

/// What a metric may be an average of or over, behind the word that says what it measures: `reward_mean`, `loss_epoch`.
const AFTER_METRIC: &[&str] = &[
    "mean", "avg", "average", "ema", "smoothed", "smooth", "std", "total", "sum", "step", "epoch", "train", "val", "valid", "test", "eval",
];

/// Whether a name is surely a metric: the last word of one of its `/` parts says so.
pub(super) fn is_metric(name: &str) -> bool {
    name.split('/').any(|part| {
        // `Acc@5` is an accuracy, and a return per episode a return.
        let part = part.split('@').next().unwrap_or(part);
        let part = part.as_bytes().windows(5).position(|word| word == b" per ").map_or(part, |at| &part[..at]);
        let mut words = part.rsplit([' ', '_', '-', '.', '@', ':']).filter(|word| !word.is_empty());
        let any = |word: &str, list: &[&str]| list.iter().any(|one| word.eq_ignore_ascii_case(one));
        let last = words.next().unwrap_or("");
        let is_measure = any(last, METRICS)
            || any(last_hump(last), METRICS)
            || any(last, AFTER_METRIC) && words.next().is_some_and(|word| any(word, METRICS));
        is_measure && !words.next_back().is_some_and(|first| any(first, GOALS))
    })
}

/// `Loss` of `CrossEntropyLoss`.
fn last_hump(word: &str) -> &str {
    let starts = |pair: &[u8]| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase();
    word.as_bytes().windows(2).rposition(starts).map_or("", |at| &word[at + 1..])
}

/// Whether a name is surely a metric and no setting by any chance.
pub(super) fn is_clear_metric(name: &str) -> bool {
    let last = name.rsplit([' ', '_', '-', '.', '/']).next().unwrap_or(name);
    is_metric(name) && !VAGUE_METRICS.iter().any(|vague| last.eq_ignore_ascii_case(vague))
}

/// Whether a name has the word of a loss in it.
pub(super) fn is_loss(name: &str) -> bool {
    name.to_ascii_lowercase().split(['_', '-', '.', '/', ' ']).any(|word| matches!(word, "loss" | "losses" | "perplexity"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metric_names_end_in_what_they_measure() {
        assert!(["val loss", "train_loss", "eval/acc", "loss/train", "average reward score", "test_f1"].iter().all(|name| is_metric(name)));
        assert!(
            ["reward_mean", "train_loss_epoch", "acc_val", "CrossEntropyLoss", "valAUC", "mean return per episode"]
                .iter()
                .all(|name| is_metric(name))
        );
        assert!(
            !["target_kl", "train/desired_kl", "loss scale", "loss_weight", "mean", "val", "accuracy_threshold", "lr", "reward_model_path"]
                .iter()
                .any(|name| is_metric(name))
        );
    }
}
