//! What one line says: its counters and its named numbers.

use super::{
    token::{Number, Token, cut},
    words::{Counter, counter, is_no_metric, is_prose, is_training, is_unit, validation},
};

/// Most words in the name of a metric; more is a sentence.
const NAME_WORDS_MAX: u32 = 5;

/// Longest name of a metric, in bytes.
const NAME_BYTES_MAX: usize = 96;

/// A count, and the `N` when it stands as `i/N`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Count {
    pub(super) at: i64,
    pub(super) of: Option<i64>,
}

/// Named numbers, their names in one buffer.
#[derive(Clone, Default, Debug)]
pub(super) struct Pairs {
    names: String,
    ends: Vec<End>,
}

/// Where a name ends, its number, and the token that it came from.
#[derive(Clone, Copy, Debug)]
struct End {
    name: usize,
    value: f64,
    token: u32,
}

impl Pairs {
    pub(super) fn clear(&mut self) {
        self.names.clear();
        self.ends.clear();
    }

    pub(super) fn push(&mut self, name: &[&str], value: f64) {
        self.push_from(name, value, 0);
    }

    fn push_from(&mut self, name: &[&str], value: f64, token: u32) {
        name.iter().for_each(|part| self.names.push_str(part));
        self.ends.push(End { name: self.names.len(), value, token });
    }

    pub(super) fn pop(&mut self) {
        self.ends.pop();
        self.names.truncate(self.ends.last().map_or(0, |end| end.name));
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.walk().map(|(name, end)| (name, end.value))
    }

    /// The names, and the index of the token that their number came from.
    pub(super) fn iter_with_tokens(&self) -> impl Iterator<Item = (&str, u32)> {
        self.walk().map(|(name, end)| (name, end.token))
    }

    fn walk(&self) -> impl Iterator<Item = (&str, &End)> {
        self.ends.iter().scan(0, |start, end| {
            let name = &self.names[*start..end.name];
            *start = end.name;
            Some((name, end))
        })
    }
}

/// What one line says.
#[derive(Default, Debug)]
pub(super) struct Facts {
    pub(super) pairs: Pairs,
    /// The best counter that is not an epoch.
    pub(super) step: Option<(Counter, Count)>,
    pub(super) epoch: Option<Count>,
    /// An `i/N` that opens the line without a bracket: a progress bar.
    pub(super) progress: Option<Count>,
    pub(super) rank: Option<u32>,
    /// Words that belong to no number.
    pub(super) junk: u32,
    /// The line is about validation: the prefix of its names.
    pub(super) prefix: &'static str,
    /// Numbers without a name at the start: `[1][10/200]`, `[1, 2000]`, `0:`.
    lead: Vec<(Count, u32)>,
    /// The tokens that `step` and `epoch` came from.
    pub(super) step_token: u32,
    pub(super) epoch_token: u32,
    tokens: Vec<Token>,
    /// Index, start and end of the numbers and clocks among the tokens.
    numbers: Vec<(u32, u32, u32)>,
}

struct Key {
    from: u32,
    to: u32,
    /// Where the last word starts and the one before ends.
    last: u32,
    before: u32,
    words: u32,
    closed: bool,
}

impl Facts {
    /// Takes `text` apart. `prefix` and `rank` come from what was stripped off its front.
    pub(super) fn read(&mut self, text: &str, prefix: &'static str, rank: Option<u32>) {
        self.pairs.clear();
        self.lead.clear();
        (self.step, self.epoch, self.progress, self.rank, self.junk, self.prefix) = (None, None, None, rank, 0, prefix);
        let mut tokens = std::mem::take(&mut self.tokens);
        self.numbers.clear();
        cut(text, &mut tokens, &mut |token, start, end| self.numbers.push((token, start, end)));
        Walk { text, tokens: &tokens, facts: self, key: None, label: None, bare: false }.walk();
        self.tokens = tokens;
        self.settle();
    }

    /// The tokens of the line.
    pub(super) fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// Index, start and end of the numbers and clocks among the tokens.
    pub(super) fn numbers(&self) -> &[(u32, u32, u32)] {
        &self.numbers
    }

    /// Whether the line is nothing but a counter: the head of a block.
    pub(super) fn is_header(&self) -> bool {
        self.pairs.len() == 0 && self.junk == 0 && (self.step.is_some() || self.epoch.is_some())
    }

    /// Gives the numbers at the start of the line their meaning.
    fn settle(&mut self) {
        let whole_run = self.step;
        let lead = std::mem::take(&mut self.lead);
        match (lead.as_slice(), whole_run) {
            ([], _) => {}
            // `[epoch][i/N]` and `[epoch, i]`.
            ([epoch, (step, token)], None) => {
                self.set_epoch(epoch.0, epoch.1);
                self.set_step(Counter::Step, *step, *token);
            }
            ([(epoch, token)], Some((Counter::Step, Count { of: Some(_), .. }))) if epoch.of.is_none() => self.set_epoch(*epoch, *token),
            ([(step, token)], None) if self.pairs.len() > 0 => self.set_step(Counter::Step, *step, *token),
            // `3: step 10 loss 2.1`: the rank, as srun -l and mpirun write it.
            ([(rank, _)], Some(_)) if self.rank.is_none() && rank.of.is_none() => self.rank = rank.at.try_into().ok(),
            _ => {}
        }
        self.lead = lead;
    }

    /// The first epoch counts.
    fn set_epoch(&mut self, count: Count, token: u32) {
        if self.epoch.is_none() {
            (self.epoch, self.epoch_token) = (Some(count), token);
        }
    }

    /// The best counter counts, among equals the first.
    fn set_step(&mut self, kind: Counter, count: Count, token: u32) {
        if self.step.is_none_or(|(known, _)| kind > known) {
            (self.step, self.step_token) = (Some((kind, count)), token);
        }
    }
}

/// The walk over the tokens of a line.
struct Walk<'a> {
    text: &'a str,
    tokens: &'a [Token],
    facts: &'a mut Facts,
    /// Words that may become the name of the next number.
    key: Option<Key>,
    /// A name that was closed by `:` without a number behind it.
    label: Option<Key>,
    /// The last pair had no `:` or `=`, and words follow: it counts only when they name a number too.
    bare: bool,
}

impl Walk<'_> {
    fn walk(&mut self) {
        let mut at = 0;
        while let Some(token) = self.tokens.get(at).copied() {
            at += 1;
            match token {
                Token::Word(from, to) => self.word(from, to, at - 1),
                Token::Colon | Token::Equals => {
                    if let Some(key) = &mut self.key {
                        key.closed = true;
                    }
                }
                Token::Number(number) => match self.key.take() {
                    Some(key) => self.pair(key, number, at),
                    None => self.keyless(number, at - 1),
                },
                Token::Clock => self.key = None,
                Token::Break => {
                    self.abandon();
                    self.bare = false;
                }
                Token::Gap => {}
                Token::Open(bracket) => at = self.open(bracket, at),
                Token::Close => self.abandon(),
            }
        }
        self.abandon();
    }

    fn word(&mut self, from: u32, to: u32, at: usize) {
        let word = &self.text[from as usize..to as usize];
        let (before, after) = (at.checked_sub(1).map(|at| self.tokens[at]), self.tokens.get(at + 1));
        if matches!(before, Some(Token::Number(_))) && !matches!(after, Some(Token::Colon | Token::Equals)) && is_unit(word) {
            return;
        }
        if !is_name(word) {
            let is_text = word.bytes().any(|b| b.is_ascii_alphanumeric());
            self.abandon();
            self.facts.junk += u32::from(is_text && !word.eq_ignore_ascii_case("n/a"));
            return;
        }
        let fresh = Key { from, to, last: from, before: from, words: 1, closed: false };
        match &mut self.key {
            Some(key) if key.closed => {
                self.label = self.key.replace(fresh);
            }
            // `Epoch 2 completed. Loss: 0.5`, but not `Val. loss: 0.5`.
            Some(key) if key.to - key.last > 5 && self.text[..key.to as usize].ends_with('.') => {
                self.abandon();
                self.key = Some(fresh);
            }
            Some(key) if !matches!(before, Some(Token::Gap)) => {
                (key.before, key.last, key.to) = (key.to, from, to);
                key.words += 1;
            }
            _ => {
                self.abandon();
                self.key = Some(fresh);
            }
        }
    }

    /// A bracket, with `at` behind it. Returns where to go on.
    fn open(&mut self, bracket: u8, at: usize) -> usize {
        let (first, second, third) = (self.tokens.get(at), self.tokens.get(at + 1), self.tokens.get(at + 2));
        let Some(key) = &mut self.key else { return at };
        match (first, second) {
            // `Epoch [1/5]`, `lr=[1e-05]`.
            (Some(Token::Number(_)), Some(Token::Close)) if bracket == b'[' || counter(name(self.text, key)).is_some() => at,
            (Some(Token::Gap), Some(Token::Number(_))) if bracket == b'[' && third == Some(&Token::Close) => at,
            // `time per step (ms): 12`, `loss (train): 2.1`.
            (Some(Token::Word(from, to)), Some(Token::Close))
                if !key.closed && matches!(third, Some(Token::Colon | Token::Equals | Token::Number(_))) =>
            {
                if !is_unit(&self.text[*from as usize..*to as usize]) {
                    key.to = *to + 1;
                }
                at + 2
            }
            _ => {
                self.abandon();
                at
            }
        }
    }

    fn pair(&mut self, mut key: Key, number: Number, at: usize) {
        let last = &self.text[key.last as usize..key.to as usize];
        if key.words > 1 && ["reached", "is", "was"].iter().any(|verb| last.eq_ignore_ascii_case(verb)) {
            (key.to, key.words) = (key.before, key.words - 1);
        }
        let closed = key.closed;
        let name = name(self.text, &key);
        let whole = number.whole.then_some(Count { at: number.value as i64, of: number.of });
        let (base, note) = match name.split_once('(') {
            Some((base, note)) if name.ends_with(')') => (base, note.trim_end_matches(')')),
            _ => (name, ""),
        };
        let bracket_follows = matches!(self.tokens.get(at..), Some([Token::Open(b'['), ..] | [Token::Gap, Token::Open(b'['), ..]));
        let in_bracket = matches!(self.tokens.get(at..), Some([Token::Close, ..]));
        let mut counter = whole.and_then(|_| counter(base));
        if counter.is_none() && whole.is_some() {
            // `s:12 loss:2.1` at the start of a line, and `Train: 3 [ 50/1251]`.
            let short = closed && matches!(name, "s" | "i") && self.facts.pairs.len() == 0 && self.facts.step.is_none();
            let split = bracket_follows && !in_bracket && (is_training(name) || validation(name).is_some());
            counter = if short { Some(Counter::Step) } else { split.then_some(Counter::Epoch) };
        }
        // `Stopping, due to num_updates: 10` is no row.
        let is_reason = key.words > 2 && name.split(' ').any(|word| ["due", "to", "because", "until", "than"].contains(&word));
        if let (Some(counter), Some(count), false) = (counter, whole, is_reason) {
            if let Some(prefix) = validation(if note.is_empty() { name } else { note }) {
                self.facts.prefix = prefix;
            }
            match counter {
                Counter::Epoch => self.facts.set_epoch(count, at as u32 - 1),
                _ => self.facts.set_step(counter, count, at as u32 - 1),
            }
            // The words before a counter are a sentence, not a label.
            self.label = None;
            self.bare = false;
            return;
        }
        if name.eq_ignore_ascii_case("rank") && closed {
            self.facts.rank = whole.and_then(|count| count.at.try_into().ok());
            return;
        }
        let is_sentence = key.words > NAME_WORDS_MAX || name.len() > NAME_BYTES_MAX || (!closed && name.split(' ').any(is_prose));
        let in_words =
            !closed && matches!(self.tokens.get(at), Some(Token::Word(from, to)) if !is_unit(&self.text[*from as usize..*to as usize]));
        if is_sentence {
            self.facts.junk += 1;
            self.bare = false;
            return;
        }
        if let Some(label) = self.label.take() {
            self.leave(&label);
        }
        if is_no_metric(name) {
            self.bare = false;
            return;
        }
        let named = name.split([' ', '_', '/', '-']).next().is_some_and(|word| validation(word).is_some());
        if self.facts.pairs.len() == 0 && named && self.facts.prefix.is_empty() && self.facts.step.is_none() {
            // `val Loss: 0.2 Acc: 0.9`: what follows is about validation too.
            self.facts.pairs.push_from(&[name], number.value, at as u32 - 1);
            self.facts.prefix = name.split([' ', '_', '/', '-']).next().and_then(validation).unwrap_or("");
        } else {
            let prefix = if named { "" } else { self.facts.prefix };
            self.facts.pairs.push_from(&[prefix, name], number.value, at as u32 - 1);
        }
        self.bare = in_words;
    }

    /// A number without a name.
    fn keyless(&mut self, number: Number, at: usize) {
        if !number.whole {
            return;
        }
        let count = Count { at: number.value as i64, of: number.of };
        let before: Vec<_> = self.tokens[..at].iter().rev().filter(|token| **token != Token::Gap).take(2).collect();
        let next = self.tokens.get(at + 1);
        match before.as_slice() {
            [] if count.of.is_some() && !self.is_counted(at + 1) => self.facts.progress = Some(count),
            [] if next == Some(&Token::Colon) => self.facts.lead.push((count, at as u32)),
            [Token::Open(b'[')] if self.facts.lead.is_empty() => self.facts.lead.push((count, at as u32)),
            [Token::Break, Token::Number(_)] if self.facts.lead.len() == 1 && next == Some(&Token::Close) && self.is_start(at) => {
                self.facts.lead.push((count, at as u32))
            }
            // `200/2928 batches`
            _ if count.of.is_some() && self.is_counted(at + 1) => self.facts.set_step(Counter::Step, count, at as u32),
            [Token::Open(b'['), Token::Close] if count.of.is_none() && self.facts.lead.len() == 1 && self.is_start(at) => {
                self.facts.lead.push((count, at as u32));
            }
            [Token::Open(b'['), ..] | [Token::Open(b'('), Token::Close] | [Token::Colon, Token::Number(_)] if count.of.is_some() => {
                self.facts.set_step(Counter::Step, count, at as u32);
            }
            _ => {}
        }
    }

    /// Whether the token at `at` says what was counted.
    fn is_counted(&self, at: usize) -> bool {
        let Some(Token::Word(from, to)) = self.tokens.get(at) else { return false };
        let word = &self.text[*from as usize..*to as usize];
        ["batches", "steps", "iterations", "iters", "updates"].iter().any(|name| word.eq_ignore_ascii_case(name))
    }

    /// Whether only brackets, numbers and breaks stand before `at`.
    fn is_start(&self, at: usize) -> bool {
        self.tokens[..at].iter().all(|token| matches!(token, Token::Open(_) | Token::Close | Token::Number(_) | Token::Break | Token::Gap))
    }

    /// Words that name no number.
    fn abandon(&mut self) {
        let Some(key) = self.key.take() else { return };
        if self.label.take().is_some() {
            // `optimizer: AdamW`: a text value. One word says nothing about the rest of the line.
            self.facts.junk += u32::from(key.words > 1);
        } else {
            self.leave(&key);
        }
        if self.bare {
            // `Using 8 workers`: that was a sentence.
            self.bare = false;
            self.facts.pairs.pop();
            self.facts.junk += 1;
        }
    }

    /// A label: about validation, about training, or just text.
    fn leave(&mut self, label: &Key) {
        let name = name(self.text, label);
        let (first, rest) = name.split_once(' ').unwrap_or((name, ""));
        let is_split = rest.is_empty()
            || ["set", "results", "result", "metrics", "error", "stats", "epoch", "loop"]
                .iter()
                .any(|word| rest.eq_ignore_ascii_case(word));
        match (validation(first), is_split) {
            (Some(prefix), true) => self.facts.prefix = prefix,
            _ if is_split && is_training(first) => self.facts.prefix = "",
            _ => self.facts.junk += label.words,
        }
    }
}

fn name<'a>(text: &'a str, key: &Key) -> &'a str {
    text[key.from as usize..key.to as usize].trim_matches(['\'', '"', '`', '.', ' '])
}

/// Whether a word can be part of the name of a metric.
fn is_name(word: &str) -> bool {
    let starts = word.chars().next().is_some_and(|c| c.is_alphabetic() || matches!(c, '_' | '%' | '#' | '@'));
    starts
        && word.chars().any(char::is_alphabetic)
        && !word.contains(['\\', '$', '!', '?', '&', '"', ':', '~', '*'])
        && !word.contains("//")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counters, then pairs, then how many words were left over.
    fn show(text: &str) -> String {
        let mut facts = Facts::default();
        facts.read(text, "", None);
        let count = |name: &str, count: Option<Count>| {
            count.map(|c| format!("<{name} {}{}>", c.at, c.of.map_or(String::new(), |of| format!("/{of}"))))
        };
        let mut out: Vec<String> = [count("epoch", facts.epoch), count("step", facts.step.map(|s| s.1)), count("progress", facts.progress)]
            .into_iter()
            .flatten()
            .collect();
        out.extend(facts.pairs.iter().map(|(name, value)| format!("{name}={value}")));
        out.extend((facts.junk > 0).then(|| "(words)".to_owned()));
        out.join(", ")
    }

    #[test]
    fn the_common_ways_to_print_a_row_are_understood() {
        for (line, want) in [
            ("step 250: train loss 2.1, val loss 2.2", "<step 250>, train loss=2.1, val loss=2.2"),
            ("iter 10: loss 2.3, time 12.1ms, mfu 3.2%", "<step 10>, loss=2.3, time=12.1, mfu=3.2"),
            ("step:1/5100 train_loss:16.5 step_avg:nanms", "<step 1/5100>, train_loss=16.5, step_avg=NaN"),
            ("Epoch [1/10], Step [100/600], Loss: 0.5", "<epoch 1/10>, <step 100/600>, Loss=0.5"),
            ("Train Epoch: 1 [640/60000 (1%)]\tLoss: 2.1", "<epoch 1>, <step 640/60000>, Loss=2.1"),
            ("[1,  2000] loss: 2.2", "<epoch 1>, <step 2000>, loss=2.2"),
            ("Epoch: [0][  10/5005]\tTime  0.5 ( 0.8)\tAcc@1   7.50 (  0.1)", "<epoch 0>, <step 10/5005>, Time=0.5, Acc@1=7.5"),
            ("Epoch(train)  [2][ 10/196]  lr: 3e-4  eta: 0:13:14  loss: 6.1", "<epoch 2>, <step 10/196>, lr=0.0003, loss=6.1"),
            ("[7]\ttrain-auc:0.95\tvalid_1's auc: 0.9", "<step 7>, train-auc=0.95, valid_1's auc=0.9"),
            ("3:\tlearn: 0.65\ttest: 0.66\tbest: 0.66 (3)\ttotal: 10ms\tremaining: 1s", "<step 3>, learn=0.65, test=0.66, total=10"),
            ("| epoch 001:     50 / 1000 loss=10.1, ppl=1000", "<epoch 1>, <step 50/1000>, loss=10.1, ppl=1000"),
            ("Iteration 1, loss = 0.5", "<step 1>, loss=0.5"),
            ("Test set: Average loss: 0.05, Accuracy: 98", "test/Average loss=0.05, test/Accuracy=98"),
            ("24/24 - 0s - 3ms/step - accuracy: 0.5 - loss: 0.7", "<progress 24/24>, accuracy=0.5, loss=0.7"),
            ("loss: 2.3  [   64/60000]", "<step 64/60000>, loss=2.3"),
            (
                "elapsed time per iteration (ms): 5837.9 | number of nan iterations:   0 |",
                "elapsed time per iteration=5837.9, number of nan iterations=0",
            ),
            (
                "Epoch 0, global step 1: 'val_loss' reached 0.33 (best 0.33), saving to 'a/epoch=0-step=1.ckpt' as top 1",
                "<epoch 0>, <step 1>, val_loss=0.33, (words)",
            ),
        ] {
            assert_eq!(show(line), want, "{line}");
        }
    }

    #[test]
    fn sentences_give_no_numbers() {
        for line in [
            "Using 8 dataloader workers",
            "Killing subprocess 5.x",
            "training on 1 devices (GPUs/TPUs)",
            "saved 3 files to a/b-12.pt",
            "see https://a.b/c?d=1",
        ] {
            let said = show(line);
            assert!(said == "(words)" || said.is_empty(), "{line}: {said}");
        }
    }
}
