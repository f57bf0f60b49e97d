//! What a model answered while it was being trained: prompts, answers, rewards, how likely each token was.
//! Values, and how trackers write them; where they lie is known in `io`.
//!
//! Lists hold what a list shows. A text and its tokens are in a [`Body`], which is read for one answer at a time.

use super::json::lenient;
use crate::model::num;
use serde_json::{Map, Value};

/// Longest text of an answer that is shown: more than the longest context that is trained with.
pub const TEXT_BYTES_MAX: usize = 256 << 10;

/// Most tokens of an answer.
pub const TOKENS_MAX: usize = 1 << 16;

/// Longest title of a group: a line.
const TITLE_CHARS_MAX: usize = 200;

/// Most facts beside an answer, and the longest of them: a few scores and ids.
const FACTS_MAX: usize = 32;
const FACT_CHARS_MAX: usize = 400;

/// One prompt at one step, and how its answers fared.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct RolloutGroup {
    /// Index among the groups of its step.
    pub index: i64,
    /// Start of the prompt, or the picture that it shows, in one line.
    pub title: String,
    /// Mean of the rewards.
    pub mean: Option<f64>,
    /// Highest of the rewards.
    pub best: Option<f64>,
    /// Latitude and longitude that are right, in degrees.
    pub truth: Option<(f64, f64)>,
    /// The answers, as they were logged.
    pub trajectories: Vec<TrajectoryHead>,
}

/// An answer as it stands in a list.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct TrajectoryHead {
    /// What [`RolloutStore::trajectory`](super::RolloutStore::trajectory) knows it by.
    pub id: i64,
    /// Index among the answers of its group.
    pub index: i64,
    /// What it scored.
    pub reward: Option<f64>,
    /// Latitude and longitude that it guessed, in degrees.
    pub guess: Option<(f64, f64)>,
    /// How far the guess is off.
    pub distance_km: Option<f64>,
}

/// An answer with everything that was logged of it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Body {
    /// [`TrajectoryHead::id`].
    pub id: i64,
    /// What the model was asked.
    pub prompt: String,
    /// What it answered.
    pub output: String,
    /// The answer in tokens, where they were logged.
    pub tokens: Vec<Token>,
    /// The picture that the prompt shows.
    pub image: Option<String>,
    /// Whatever else was logged, by name.
    pub facts: Vec<(String, String)>,
    /// It is longer than what is shown of it.
    pub is_cut: bool,
}

/// A token of an answer.
#[derive(Clone, PartialEq, Debug)]
pub struct Token {
    /// Its text, or its number in the vocabulary where nobody logged the text.
    pub word: Word,
    /// Logarithm of its probability; NaN where it was not logged.
    pub logprob: f64,
}

/// A token as it was logged.
#[derive(Clone, PartialEq, Debug)]
pub enum Word {
    /// Its text.
    Text(String),
    /// Its number in the vocabulary.
    Id(i64),
}

impl Token {
    /// Its probability, 0 to 1; `None`: nobody logged it.
    pub fn probability(&self) -> Option<f64> {
        let probability = self.logprob.exp();
        probability.is_finite().then(|| probability.clamp(0.0, 1.0))
    }
}

impl Body {
    /// Whether the texts of the tokens make up the answer, so that it can be shown token by token.
    pub fn tokens_are_the_text(&self) -> bool {
        let mut rest = self.output.as_str();
        let takes = |token: &Token| match &token.word {
            Word::Text(text) => rest.strip_prefix(text.as_str()).inspect(|after| rest = after).is_some(),
            Word::Id(_) => false,
        };
        !self.tokens.is_empty() && self.tokens.iter().all(takes) && rest.trim().is_empty()
    }
}

/// The tokens of two logged lists, of which the second may be shorter or missing.
pub(super) fn tokens(words: &Value, logprobs: &Value) -> Vec<Token> {
    let (words, logprobs) = (list(words), list(logprobs));
    let word = |at: usize| match words.get(at) {
        Some(Value::String(text)) => Word::Text(text.clone()),
        Some(value) => Word::Id(value.as_i64().unwrap_or(-1)),
        None => Word::Id(-1),
    };
    let logprob = |at: usize| logprobs.get(at).and_then(num::from_json).unwrap_or(f64::NAN);
    (0..words.len().max(logprobs.len()).min(TOKENS_MAX)).map(|at| Token { word: word(at), logprob: logprob(at) }).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A text in one line, as a title.
pub(super) fn title(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().take(TITLE_CHARS_MAX).collect();
    words.join(" ").chars().take(TITLE_CHARS_MAX).collect()
}

/// The start of a text that is shown, and whether that is not all.
pub(super) fn bounded(text: &str) -> (String, bool) {
    let end = text.floor_char_boundary(TEXT_BYTES_MAX);
    (text[..end].to_owned(), end < text.len())
}

/// A fact in words.
pub(super) fn fact(name: &str, value: &Value) -> Option<(String, String)> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        Value::Number(_) => num::from_json(value).map_or_else(|| value.to_string(), |number| format!("{number}")),
        other => other.to_string(),
    };
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(FACT_CHARS_MAX).collect();
    Some((name.to_owned(), line))
}

/// Names under which people log a prompt, an answer and what it scored, in tables and in the metadata of traces.
const PROMPTS: &[&str] = &["prompt", "prompts", "question", "query", "input", "instruction"];
const OUTPUTS: &[&str] = &["completion", "completions", "response", "responses", "output", "outputs", "answer", "generation"];
const REWARDS: &[&str] = &["reward", "rewards", "total_reward", "score", "advantage"];
const LOGPROBS: &[&str] = &["logprobs", "logprob"];
const TOKENS: &[&str] = &["tokens", "output_tokens"];

/// An answer that was found in a table or a trace.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Told {
    /// Groups of the same name and prompt are one.
    pub(super) group: String,
    pub(super) reward: Option<f64>,
    pub(super) body: Body,
}

fn find<'a>(row: &'a Map<String, Value>, names: &[&str]) -> Option<(&'a str, &'a Value)> {
    names.iter().find_map(|name| row.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))).map(|(name, value)| (name.as_str(), value))
}

/// A row of a table logged under `key`. `None`: it tells of no answer.
pub(super) fn table_row(key: &str, row: &Map<String, Value>) -> Option<Told> {
    let (prompt, output, reward) = (find(row, PROMPTS), find(row, OUTPUTS), find_reward(row));
    if output.is_none() && (prompt.is_none() || reward.is_none()) {
        return None;
    }
    let text = |found: Option<(&str, &Value)>| found.map_or_else(Default::default, |(_, value)| bounded(&spoken(value)));
    let ((prompt_text, prompt_cut), (output_text, output_cut)) = (text(prompt), text(output));
    let used: Vec<&str> = [prompt, output, find(row, LOGPROBS), find(row, TOKENS)].into_iter().flatten().map(|(name, _)| name).collect();
    let facts = row.iter().filter(|(name, _)| !used.contains(&name.as_str())).filter_map(|(name, value)| fact(name, value));
    let body = Body {
        id: 0,
        prompt: prompt_text,
        output: output_text,
        tokens: tokens_of(row),
        image: None,
        facts: facts.take(FACTS_MAX).collect(),
        is_cut: prompt_cut || output_cut,
    };
    Some(Told { group: key.to_owned(), reward, body })
}

/// What an answer scored: under one of the usual names, else the first column whose name speaks of a reward.
fn find_reward(row: &Map<String, Value>) -> Option<f64> {
    let named = find(row, REWARDS).and_then(|(_, value)| num::from_json(value));
    named.or_else(|| row.iter().filter(|(name, _)| name.to_lowercase().contains("reward")).find_map(|(_, value)| num::from_json(value)))
}

fn tokens_of(row: &Map<String, Value>) -> Vec<Token> {
    match (find(row, TOKENS), find(row, LOGPROBS)) {
        // As the API of OpenAI gives them.
        (None, Some((_, Value::Object(logprobs)))) => {
            let content = logprobs.get("content").map_or(&[][..], list);
            let token = |item: &Value| {
                let word = Word::Text(item.get("token")?.as_str()?.to_owned());
                Some(Token { word, logprob: item.get("logprob").and_then(num::from_json).unwrap_or(f64::NAN) })
            };
            content.iter().filter_map(token).take(TOKENS_MAX).collect()
        }
        (words, logprobs) => tokens(words.map_or(&Value::Null, |found| found.1), logprobs.map_or(&Value::Null, |found| found.1)),
    }
}

/// A trace: the messages of a conversation. The last of the assistant is the answer, what stands before it the prompt.
pub(super) fn trace(key: &str, messages: &[u8], metadata: &[u8]) -> Option<Told> {
    let json = |bytes: &[u8]| std::str::from_utf8(bytes).ok().and_then(lenient);
    let messages = json(messages)?;
    let messages = list(&messages);
    let role = |message: &Value| message.get("role").and_then(Value::as_str).unwrap_or_default().to_owned();
    let answer = messages.iter().rposition(|message| role(message) == "assistant");
    let said = |message: &Value| spoken(message.get("content").unwrap_or(&Value::Null));
    let (before, output) = match answer {
        Some(at) => (&messages[..at], said(&messages[at])),
        None => (messages, String::new()),
    };
    let prompt = match before {
        [only] => said(only),
        several => several.iter().map(|message| format!("[{}] {}", role(message), said(message))).collect::<Vec<_>>().join("\n"),
    };
    let metadata = match json(metadata) {
        Some(Value::Object(metadata)) => metadata,
        _ => Map::new(),
    };
    let ((prompt, prompt_cut), (output, output_cut)) = (bounded(&prompt), bounded(&output));
    let used: Vec<&str> = [find(&metadata, LOGPROBS), find(&metadata, TOKENS)].into_iter().flatten().map(|(name, _)| name).collect();
    let facts = metadata.iter().filter(|(name, _)| !used.contains(&name.as_str())).filter_map(|(name, value)| fact(name, value));
    let body = Body {
        id: 0,
        prompt,
        output,
        tokens: tokens_of(&metadata),
        image: None,
        facts: facts.take(FACTS_MAX).collect(),
        is_cut: prompt_cut || output_cut,
    };
    Some(Told { group: key.to_owned(), reward: find_reward(&metadata), body })
}

/// What a message says: its text, the texts of its parts, or its JSON.
fn spoken(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(parts) if parts.iter().all(|part| part.get("text").or(part.get("content")).is_some_and(Value::is_string)) => {
            let text = |part: &Value| part.get("text").or(part.get("content")).and_then(Value::as_str).unwrap_or_default().to_owned();
            parts.iter().map(text).collect::<Vec<_>>().join("\n")
        }
        other => other.to_string(),
    }
}

/// Puts answers into groups: those of one name and prompt, in the order in which they came.
pub(super) fn grouped(told: &[Told]) -> Vec<RolloutGroup> {
    let mut names: Vec<(&str, &str)> = vec![];
    let mut groups: Vec<RolloutGroup> = vec![];
    for (at, one) in told.iter().enumerate() {
        let name = (one.group.as_str(), one.body.prompt.as_str());
        let found = names.iter().position(|known| *known == name).unwrap_or_else(|| {
            names.push(name);
            let (index, words) = (groups.len() as i64, title(&one.body.prompt));
            groups.push(RolloutGroup { index, title: if words.is_empty() { one.group.clone() } else { words }, ..RolloutGroup::default() });
            groups.len() - 1
        });
        let group = &mut groups[found].trajectories;
        group.push(TrajectoryHead { id: at as i64, index: group.len() as i64, reward: one.reward, ..TrajectoryHead::default() });
    }
    groups.iter_mut().for_each(score);
    groups
}

/// Mean and best of a group, where its tracker did not say.
pub(super) fn score(group: &mut RolloutGroup) {
    let rewards = || group.trajectories.iter().filter_map(|one| one.reward).filter(|reward| !reward.is_nan());
    let count = rewards().count();
    group.mean = group.mean.or_else(|| (count > 0).then(|| rewards().sum::<f64>() / count as f64));
    group.best = group.best.or_else(|| rewards().reduce(f64::max));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn row(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn a_table_of_completions_is_told_by_its_columns() {
        let told = table_row("completions", &row(json!({"step": 3, "Prompt": "2+2?", "completion": "4", "accuracy_reward": 1.0}))).unwrap();
        assert_eq!((told.body.prompt.as_str(), told.body.output.as_str(), told.reward), ("2+2?", "4", Some(1.0)));
        assert_eq!(told.body.facts, [("step".into(), "3".into()), ("accuracy_reward".into(), "1".into())]);
        assert_eq!(table_row("t", &row(json!({"layer": 1, "norm": 0.5}))), None);
        assert_eq!(table_row("t", &row(json!({"prompt": "a"}))), None);
    }

    #[test]
    fn the_last_word_of_the_assistant_is_the_answer() {
        let messages = br#"[{"role":"system","content":"be brief"},{"role":"user","content":[{"type":"text","text":"hi"}]},{"role":"assistant","content":"ho"}]"#;
        let logprobs = br#"{"reward": 0.5, "logprobs": {"content": [{"token": "h", "logprob": -0.1}, {"token": "o", "logprob": -3}]}}"#;
        let told = trace("chat", messages, logprobs).unwrap();
        assert_eq!((told.body.prompt.as_str(), told.body.output.as_str()), ("[system] be brief\n[user] hi", "ho"));
        assert_eq!((told.reward, told.body.tokens_are_the_text()), (Some(0.5), true));
        assert!(trace("chat", b"[", b"").is_none());
    }

    #[test]
    fn answers_to_one_prompt_are_a_group() {
        let told = |prompt: &str, reward| Told { group: "t".into(), reward, body: Body { prompt: prompt.into(), ..Body::default() } };
        let groups = grouped(&[told("a", Some(1.0)), told("b", None), told("a", Some(f64::NAN)), told("a", Some(0.0))]);
        let ids: Vec<Vec<i64>> = groups.iter().map(|group| group.trajectories.iter().map(|one| one.id).collect()).collect();
        assert_eq!((ids, groups[0].mean, groups[0].best, groups[1].mean), (vec![vec![0, 2, 3], vec![1]], Some(0.5), Some(1.0), None));
    }

    #[test]
    fn tokens_without_a_probability_are_tokens() {
        let read = tokens(&json!([5, " b"]), &json!([-0.5]));
        assert_eq!((read.len(), read[0].probability().is_some(), read[1].probability()), (2, true, None));
        let impossible = tokens(&Value::Null, &json!(["-Infinity"]));
        assert_eq!((impossible[0].probability(), &impossible[0].word), (Some(0.0), &Word::Id(-1)));
    }

    proptest! {
        #[test]
        fn nothing_that_was_logged_panics(messages in ".{0,60}", metadata in r#"\{("reward|logprobs|tokens": ?[\[\]{}",0-9a-z:]{0,12})\}"#, prompt in "\\PC{0,20}", values in prop::collection::vec(any::<f64>(), 0..4)) {
            trace("k", messages.as_bytes(), metadata.as_bytes());
            let numbers: Vec<Value> = values.iter().map(|value| num::to_json(*value)).collect();
            let told = table_row("k", &row(json!({"prompt": prompt, "completion": prompt, "logprobs": numbers, "tokens": [prompt]}))).unwrap();
            let _is = told.body.tokens_are_the_text();
            for token in &told.body.tokens {
                prop_assert!(token.probability().is_none_or(|p| (0.0..=1.0).contains(&p)));
            }
            prop_assert_eq!(grouped(&[told]).len(), 1);
        }
    }
}
