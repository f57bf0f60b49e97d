//! Which of the known words somebody may have meant.

/// More suggestions than this confuse.
const NEAR_MAX: usize = 3;

/// The candidates that look like `word`, likeliest first, at most three: those that contain it or stand in it, then those
/// a few typing errors away.
pub fn near<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let word = word.to_lowercase();
    let mut scored: Vec<(usize, &str)> = candidates.into_iter().filter_map(|c| Some((distance(&word, c)?, c))).collect();
    scored.sort();
    scored.dedup();
    scored.into_iter().take(NEAR_MAX).map(|(_, candidate)| candidate).collect()
}

/// `None` when the two have nothing to do with each other.
fn distance(word: &str, candidate: &str) -> Option<usize> {
    let candidate = candidate.to_lowercase();
    if !word.is_empty() && !candidate.is_empty() && (candidate.contains(word) || word.contains(&candidate)) {
        return Some(0);
    }
    let edits = edits(word, &candidate);
    (edits <= word.chars().count().max(3) / 3).then_some(edits)
}

/// Levenshtein distance, in characters.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let cost = (diagonal + usize::from(x != *y)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], cost);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_word() {
        assert_eq!(near("los", ["lr", "train/loss", "accuracy"]), ["train/loss"]);
        assert_eq!(near("acuracy", ["lr", "loss", "accuracy"]), ["accuracy"]);
        assert!(near("zzz", ["lr", "loss"]).is_empty());
        assert!(near("", ["loss"]).is_empty());
    }
}
