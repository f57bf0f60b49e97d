//! What a new run is called when nobody names it.

use crate::model::{RunId, WallTime};

const ADJECTIVES: &[&str] = &[
    "able", "amber", "autumn", "bold", "brave", "bright", "brisk", "calm", "civil", "clear", "clever", "cool", "cosmic", "crisp", "daring",
    "deep", "dry", "eager", "early", "easy", "fair", "fancy", "fast", "fine", "firm", "fleet", "fond", "fresh", "gentle", "glad", "golden",
    "grand", "green", "happy", "hardy", "honest", "humble", "icy", "ideal", "jolly", "keen", "kind", "lively", "loyal", "lucid", "lucky",
    "lunar", "mellow", "merry", "mild", "misty", "modest", "neat", "nimble", "noble", "pale", "patient", "plain", "polar", "prime",
    "proud", "pure", "quick", "quiet", "rapid", "rare", "ready", "royal", "rustic", "sandy", "sharp", "silent", "silver", "simple",
    "sleek", "smart", "smooth", "snowy", "solar", "solid", "spry", "steady", "still", "stout", "sunny", "super", "swift", "tidy", "tough",
    "vast", "vivid", "warm", "wild", "wise", "witty", "young", "zesty",
];

const NOUNS: &[&str] = &[
    "acorn", "anchor", "aspen", "badger", "bay", "beacon", "bear", "birch", "bison", "brook", "canyon", "cedar", "cliff", "cloud", "comet",
    "condor", "coral", "crane", "creek", "dawn", "delta", "dune", "eagle", "elk", "ember", "falcon", "fern", "finch", "fjord", "forest",
    "fox", "gale", "garnet", "glade", "glacier", "grove", "harbor", "hare", "hawk", "hazel", "heron", "hill", "ibis", "iris", "island",
    "jay", "juniper", "kestrel", "lake", "lark", "leaf", "lily", "lynx", "maple", "marsh", "meadow", "mesa", "moon", "moose", "moss",
    "oak", "ocean", "opal", "orca", "otter", "owl", "pine", "plover", "pond", "quail", "quartz", "rain", "raven", "reef", "ridge", "river",
    "robin", "sage", "shore", "snow", "spruce", "star", "stone", "stream", "summit", "swan", "tern", "thorn", "tide", "trail", "tulip",
    "valley", "wave", "whale", "willow", "wind", "wolf", "wren",
];

/// The id of a run started at `now` (told in UTC, so that ids of several hosts sort by time), with the words and hex
/// digits that `random` picks: `yyyymmdd-hhmmss-<adjective-noun>-<4 hex>`. `digits` hex digits where four are taken.
pub fn run_id(now: WallTime, random: u64, digits: usize) -> RunId {
    let pick = |words: &[&'static str], random: u64| words[(random % words.len() as u64) as usize];
    let (adjective, noun) = (pick(ADJECTIVES, random >> 32 & 0xffff), pick(NOUNS, random >> 48));
    let hex = format!("{:08x}", random as u32);
    let stamp = jiff::Timestamp::from_second(now.secs() as i64).unwrap_or_default().strftime("%Y%m%d-%H%M%S");
    RunId(format!("{stamp}-{adjective}-{noun}-{}", &hex[hex.len() - digits.clamp(4, 8)..]))
}

/// The short id: what stands behind the last dash.
pub(super) fn short(id: &str) -> &str {
    id.rsplit('-').next().unwrap_or(id)
}

/// The two words in the middle of an id.
pub(super) fn words(id: &str) -> Option<&str> {
    let (rest, _) = id.rsplit_once('-')?;
    rest.splitn(3, '-').nth(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_when_and_is_easy_to_say() {
        let now = WallTime::new(1_795_161_553.25).unwrap();
        let id = run_id(now, 0x0003_0001_dead_beef, 4).0;
        assert_eq!(id, "20261120-075913-amber-badger-beef");
        assert!(run_id(now, 0x0003_0001_dead_beef, 5).0.ends_with("-dbeef"));
        assert_eq!((short(&id), words(&id)), ("beef", Some("amber-badger")));
        assert_eq!((short("odd"), words("odd")), ("odd", None));
        run_id(WallTime::new(f64::MAX).unwrap(), u64::MAX, 99);
    }
}
