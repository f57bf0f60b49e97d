//! The walk over the tokens of a line: which words name which numbers.

mod around;
mod lone;

use super::{
    facts::{Count, Facts, Plural},
    token::{Number, Token},
    words::{
        Counter, abbreviated, counter, is_connective, is_no_metric, is_noun, is_ordinal, is_pass, is_place, is_prose, is_stamp,
        is_training, is_unit, plural, validation,
    },
};
use crate::source::metrics::is_metric;
use around::of_when;

/// Most words in the name of a metric; more is a sentence.
const NAME_WORDS_MAX: u32 = 5;

/// So many more if a `:` or `=` says that it is one.
const CLOSED_WORDS_MORE: u32 = 2;

/// Longest name of a metric, in bytes.
const NAME_BYTES_MAX: usize = 96;

struct Key {
    from: u32,
    to: u32,
    /// Where the last word starts and the one before ends.
    last: u32,
    before: u32,
    words: u32,
    closed: bool,
}

/// What stands behind a number that follows a name.
enum After {
    /// Another number, with a fraction.
    Value,
    /// A colon and a number, and then nothing.
    LastValue,
    /// A colon, a number, and more.
    Colon,
    Other,
}

/// The walk over the tokens of a line.
pub(super) struct Walk<'a> {
    text: &'a str,
    tokens: &'a [Token],
    facts: &'a mut Facts,
    /// Words that may become the name of the next number.
    key: Option<Key>,
    /// A name that was closed by `:` without a number behind it.
    label: Option<Key>,
    /// The last pair had no `:` or `=`, and words follow: it counts only when they name a number too.
    bare: bool,
    /// The name of the bracket that is open: `loss[ctc=0.5, `.
    group: Option<(u32, u32)>,
    /// The number before stood in a sentence that goes on: `on the 5000 test images: `.
    in_sentence: bool,
    /// The prefix of the split that a name of a pair began with.
    split: &'static str,
}

impl<'a> Walk<'a> {
    pub(super) fn new(text: &'a str, tokens: &'a [Token], facts: &'a mut Facts) -> Walk<'a> {
        Walk { text, tokens, facts, key: None, label: None, bare: false, group: None, in_sentence: false, split: "" }
    }

    /// Puts what the tokens say into the facts.
    pub(super) fn walk(&mut self) {
        let mut at = self.letters();
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
                    None => match self.value_first(number, at) {
                        Some(next) => at = next,
                        None => self.lone(number, at - 1),
                    },
                },
                Token::Clock => self.key = None,
                Token::Break if self.goes_on(at) => {}
                Token::Break => {
                    self.abandon();
                    (self.bare, self.in_sentence) = (false, false);
                }
                Token::Gap => {}
                Token::Open(bracket) => at = self.open(bracket, at),
                Token::Close => {
                    self.abandon();
                    self.group = None;
                }
            }
        }
        self.abandon();
    }

    /// Whether a name of several words began with this noun, as the next may: `fps step: 5 fps step and policy: 4`.
    fn began(&self, word: &str, at: usize) -> bool {
        let mut more = self.tokens[at + 1..].iter().skip_while(|token| matches!(token, Token::Word(..)));
        let is_name = matches!(self.tokens.get(at + 1), Some(Token::Word(..))) && matches!(more.next(), Some(Token::Colon | Token::Equals));
        is_name && is_noun(word) && self.facts.pairs.iter().any(|(name, _)| name.split_once(' ').is_some_and(|(first, _)| first == word))
    }

    fn word(&mut self, from: u32, to: u32, at: usize) {
        let word = &self.text[from as usize..to as usize];
        let (before, after) = (at.checked_sub(1).map(|at| self.tokens[at]), self.tokens.get(at + 1));
        // `12 step time: 0.5`, `12 step time (s): 0.5`: no unit, but the start of a name.
        let is_named = matches!(
            self.tokens.get(at + 1..),
            Some(
                [Token::Word(..), Token::Colon | Token::Equals, ..]
                    | [Token::Word(..), Token::Open(_), Token::Word(..), Token::Close, Token::Colon, ..]
            )
        );
        // `epoch 1 step 10 loss 2.5`: what is counted next.
        let is_count = matches!(self.tokens.get(at + 1..), Some([Token::Number(n), ..] | [Token::Gap, Token::Number(n), ..]) if n.whole);
        let is_counter = || is_count && (counter(word).is_some() || plural(word).is_some() || word.eq_ignore_ascii_case("records"));
        let is_name_start =
            matches!(after, Some(Token::Colon | Token::Equals)) || is_named && is_noun(word) || is_counter() || self.began(word, at);
        if matches!(before, Some(Token::Number(_))) && !is_name_start && is_unit(word.trim_end_matches('.')) {
            return;
        }
        // `step: 3rd step`
        if before.is_some_and(|token| matches!(token, Token::Word(from, to) if numbered(&self.text[from as usize..to as usize]).is_some()))
            && self.key.is_none()
            && !is_name_start
            && counter(word).is_some()
        {
            return;
        }
        if let Some(number) = numbered(word)
            && let Some(key) = self.key.take_if(|key| counter(name(self.text, key)).is_some())
        {
            return self.pair(key, number, at + 1);
        }
        // `device=xla:0`: an address.
        if before == Some(Token::Equals)
            && let Some([Token::Colon, Token::Number(Number { whole: true, .. }), ..]) = self.tokens.get(at + 1..)
            && self.text.as_bytes().get(to as usize + 1).is_some_and(u8::is_ascii_digit)
        {
            self.key = None;
            self.facts.texts += 1;
            return;
        }
        // `Score at iteration 5 is 0.25`
        if before.is_some_and(|token| matches!(token, Token::Number(_))) && is_verb(word) && self.key.as_ref().is_some_and(|key| key.closed)
        {
            return;
        }
        if !is_name(word) && self.glued(word, at) {
            return;
        }
        let (from, is_labelled) = match self.behind_label(word, before, at) {
            Some(name) => (to - name.len() as u32, true),
            None => (from, false),
        };
        if !is_labelled && !is_name(word) {
            let is_text = word.bytes().any(|b| b.is_ascii_alphanumeric());
            self.abandon();
            // Rich writes where a line comes from at its end.
            let is_place = after.is_none() && is_place(word);
            self.facts.junk += u32::from(is_text && !is_place && !word.eq_ignore_ascii_case("n/a"));
            return;
        }
        let fresh = Key { from, to, last: from, before: from, words: 1, closed: false };
        match &mut self.key {
            Some(key) if key.closed => {
                self.label = self.key.replace(fresh);
            }
            // `level=info step=5`: the value was that one word.
            Some(_) if at > 1 && self.tokens[at - 2] == Token::Equals => {
                self.abandon();
                self.key = Some(fresh);
            }
            // `Epoch 2 completed. Loss: 0.5`, but not `Val. loss: 0.5`.
            Some(key) if ends_sentence(&self.text[key.last as usize..key.to as usize]) => {
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

    /// `mcc` of `metrics:mcc:0.5`, and all of `loss:ctc:0.5`: the name, of which what a label says is left out.
    fn behind_label<'t>(&mut self, word: &'t str, before: Option<Token>, at: usize) -> Option<&'t str> {
        let (first, name) = word.split_once(':').filter(|(first, name)| is_name(first) && is_name(name))?;
        let Some([Token::Colon | Token::Equals, Token::Number(number), ..]) = self.tokens.get(at + 1..) else { return None };
        let is_value = !matches!(before, Some(Token::Colon | Token::Equals)) && !first.contains(['.', '/']);
        if !is_value || number.whole && !is_metric(name) {
            return None;
        }
        let split = validation(first).or(is_training(first).then_some(""));
        if self.key.is_none() {
            self.facts.prefix = split.unwrap_or(self.facts.prefix);
        }
        Some(if split.is_some() { name } else { word })
    }

    /// `step 5: train loss | 0.25`: whether a metric and its value are parted as entries are, with `at` behind the sign.
    fn goes_on(&self, at: usize) -> bool {
        let Some(key) = self.key.as_ref().filter(|key| !key.closed) else { return false };
        let is_value = match self.tokens.get(at..) {
            Some([Token::Number(number), rest @ ..] | [Token::Gap, Token::Number(number), rest @ ..]) => {
                !number.whole && matches!(rest, [] | [Token::Break, ..])
            }
            _ => false,
        };
        is_value && (self.facts.step.is_some() || self.facts.epoch.is_some()) && is_metric(name(self.text, key))
    }

    /// A bracket, with `at` behind it. Returns where to go on.
    fn open(&mut self, bracket: u8, at: usize) -> usize {
        let (first, second, third) = (self.tokens.get(at), self.tokens.get(at + 1), self.tokens.get(at + 2));
        let Some(key) = &mut self.key else { return at };
        match (first, second) {
            // `Epoch [1/5]`, `lr=[1e-05]`.
            (Some(Token::Number(_)), Some(Token::Close)) if bracket == b'[' || counter(name(self.text, key)).is_some() => at,
            (Some(Token::Gap), Some(Token::Number(_))) if bracket == b'[' && third == Some(&Token::Close) => at,
            // `lr=[9.5e-06, 0.0]`: the first stands for all.
            (Some(Token::Number(first)), Some(Token::Break)) if bracket == b'[' && key.closed && !first.whole => at,
            // `loss[ctc=0.5, att=1.5]`
            (Some(Token::Word(..)), Some(Token::Equals | Token::Colon)) if self.text.as_bytes().get(key.to as usize) == Some(&b'[') => {
                let group = (key.from, key.to);
                self.abandon();
                self.group = Some(group);
                at
            }
            // `time per step (ms): 12`, `loss (train): 2.1`.
            (Some(Token::Word(from, to)), Some(Token::Close))
                if !key.closed && matches!(third, Some(Token::Colon | Token::Equals | Token::Number(_))) =>
            {
                if !is_unit(&self.text[*from as usize..*to as usize]) {
                    key.to = *to + 1;
                }
                at + 2
            }
            // `Loss (for one batch) at step 5: 0.5`
            (Some(Token::Word(..)), Some(Token::Word(..))) if !key.closed => {
                let words = self.tokens[at..].iter().take_while(|token| matches!(token, Token::Word(..))).count();
                match self.tokens.get(at + words..) {
                    Some([Token::Close, Token::Word(from, to), ..]) if is_connective(&self.text[*from as usize..*to as usize]) => {
                        at + words + 1
                    }
                    // `acc (higher is better): 0.5`
                    Some([Token::Close, Token::Colon | Token::Equals, ..]) => at + words + 1,
                    // `f1-score (micro avg) 0.5`
                    Some([Token::Close, Token::Number(n), ..] | [Token::Close, Token::Gap, Token::Number(n), ..])
                        if !n.whole && is_metric(name(self.text, key)) =>
                    {
                        key.closed = true;
                        at + words + 1
                    }
                    _ => {
                        self.abandon();
                        at
                    }
                }
            }
            _ => {
                self.abandon();
                at
            }
        }
    }

    fn pair(&mut self, mut key: Key, number: Number, at: usize) {
        if self.is_duration(at) {
            return;
        }
        let last = &self.text[key.last as usize..key.to as usize];
        if key.words > 1 && is_verb(last) {
            (key.to, key.words) = (key.before, key.words - 1);
        }
        let closed = key.closed;
        // `Trial 3 finished with loss: 0.5`
        if closed && let Some((_, behind)) = name(self.text, &key).rsplit_once(" with ") {
            key.words = behind.split(' ').count() as u32;
            key.from = (behind.as_ptr().addr() - self.text.as_ptr().addr()) as u32;
        }
        // `Epoch 3 with loss 0.5`
        if let Some(behind) = name(self.text, &key).strip_prefix("with ")
            && at == key.words as usize + 3
            && is_metric(behind)
            && (self.facts.step.is_some() || self.facts.epoch.is_some())
        {
            (key.from, key.words) = (key.from + "with ".len() as u32, key.words - 1);
        }
        let name = name(self.text, &key);
        let (base, note) = match name.split_once('(') {
            Some((base, note)) if name.ends_with(')') => (base, note.trim_end_matches(')')),
            _ => (name, ""),
        };
        // `global_step=48.00` still counts.
        let is_round = !number.whole && number.value.fract() == 0.0 && counter(base) == Some(Counter::Global);
        let of = number.of.or_else(|| self.total(at));
        let whole = (number.whole || is_round).then_some(Count { at: number.value as i64, of });
        let counter = whole.and_then(|_| self.counter(&key, base, number, at));
        // `Stopping, due to num_updates: 10` is no row.
        let is_reason = key.words > 2 && name.split(' ').any(|word| ["due", "to", "because", "until", "than"].contains(&word));
        if let (Some(counter), Some(count), false) = (counter, whole, is_reason) {
            let said = if note.is_empty() { summarized(name) } else { note };
            // `Evaluation at step 5`
            let (first, rest) = said.split_once(' ').unwrap_or((said, ""));
            let is_split = rest.is_empty() || rest.split_once(' ').is_some_and(|(word, _)| is_connective(word)) && key.words <= 3;
            if let Some(prefix) = validation(first).filter(|_| is_split) {
                self.facts.prefix = prefix;
            }
            if counter == Counter::Epoch {
                self.facts.set_epoch(count, at as u32 - 1);
            } else {
                self.facts.set_step(counter, count, at as u32 - 1);
                self.facts.step_name = Some((key.from, key.to, closed));
            }
            // A shape knows no total that is a number of its own.
            self.facts.is_odd |= is_round || count.of != number.of;
            self.key = self.counted_value(&key, at);
            // The words before a counter are a sentence, not a label, but for `val: step 5`.
            if let Some(prefix) = self.label.take().and_then(|label| self.split_of(&label)) {
                self.facts.prefix = prefix;
            }
            self.bare = false;
            return;
        }
        // `Test 3, loss: 0.5`
        let is_split = key.from == 0 && !closed && (is_training(name) || validation(name).is_some());
        if let Some(count) = whole.filter(|_| is_split && self.tokens.get(at) == Some(&Token::Break)) {
            self.facts.prefix = validation(name).unwrap_or("");
            self.facts.lead.push((count, at as u32 - 1));
            self.facts.is_lead_vague = true;
            return;
        }
        if !closed && let Some(count) = whole.filter(|count| count.of.is_none()) {
            let value = match self.tokens.get(at..) {
                Some([Token::Number(value), ..] | [Token::Gap, Token::Number(value), ..]) if !value.whole => After::Value,
                Some([Token::Colon, Token::Number(_), rest @ ..] | [Token::Colon, Token::Gap, Token::Number(_), rest @ ..]) => {
                    if rest.is_empty() { After::LastValue } else { After::Colon }
                }
                _ => After::Other,
            };
            let is_first = self.facts.pairs.len() == 0 && self.facts.step.is_none() && is_metric(name);
            match value {
                // `Train loss 12 35.25`, `Validation loss 12: 37.5`: the step stands between a name and its value.
                After::Value | After::LastValue if is_first => {
                    self.facts.set_step(Counter::Step, count, at as u32 - 1);
                    self.key = Some(key);
                    return;
                }
                // `loss 1: 0.5, loss 2: 0.25`: the number belongs to the name.
                After::LastValue | After::Colon if !name.split(' ').any(is_prose) => {
                    key.to = self.facts.end_of_number(at as u32 - 1).unwrap_or(key.to);
                    self.key = Some(key);
                    self.facts.is_odd = true;
                    return;
                }
                _ => {}
            }
        }
        if name.eq_ignore_ascii_case("rank") && closed {
            self.facts.rank = whole.and_then(|count| count.at.try_into().ok());
            return;
        }
        // `macro avg  0.97  0.98  0.97  208`: the row of a table; `return 10`: that of a program.
        let is_cell = !closed && key.from == 0 && self.is_among_numbers(at) && !is_metric(name);
        let is_statement = !closed && number.whole && name == "return" && self.tokens.len() == at && at == 2;
        if is_cell || is_statement {
            self.facts.junk += 1;
            return;
        }
        let is_sentence = key.words > NAME_WORDS_MAX + u32::from(closed) * CLOSED_WORDS_MORE
            || name.len() > NAME_BYTES_MAX
            || (!closed && name.split(' ').any(is_prose))
            || name.split_once(' ').is_some_and(|(first, _)| is_connective(first));
        let in_words =
            !closed && matches!(self.tokens.get(at), Some(Token::Word(from, to)) if !is_unit(&self.text[*from as usize..*to as usize]));
        // `Process 100/3161` at the front may count too.
        let is_front = key.from == 0 && number.of.is_some() && !is_metric(name) && !is_no_metric(name);
        let may_count = if is_front { Some(false) } else { plural(name).filter(|_| closed) };
        if let (Some(count), Some(is_steps), None) = (whole, may_count, self.facts.plural) {
            let pair = (!is_sentence).then_some(self.facts.pairs.len());
            self.facts.plural = Some(Plural { pair, count, token: at as u32 - 1, is_steps });
        }
        if let (Some(count), true, false, None) = (whole, is_pass(name), is_sentence, self.facts.pass) {
            self.facts.pass = Some((count, at as u32 - 1));
        }
        if std::mem::take(&mut self.in_sentence) && closed && !is_metric(name) {
            self.facts.junk += 1;
            return;
        }
        if is_sentence {
            self.in_sentence =
                !closed && matches!(self.tokens.get(at), Some(Token::Word(..))) && name.rsplit(' ').next().is_some_and(is_prose);
            // `best loss 0.5` is no row of its own, but may stand in one.
            self.facts.junk += u32::from(!is_metric(name));
            // `Ran 5 steps in 2.5 s` was one from its start.
            if std::mem::take(&mut self.bare) && !self.facts.pairs.iter().last().is_some_and(|(name, _)| is_metric(name)) {
                self.facts.take_back();
            }
            return;
        }
        if let Some(label) = self.label.take() {
            self.leave(&label);
        }
        if is_no_metric(name) && !self.is_spread(name, &key) || is_stamp(name, number.value) {
            self.bare = false;
            return;
        }
        let label = name.split_once(' ').and_then(|(first, _)| validation(first));
        if let Some(prefix) = label.filter(|_| self.facts.pairs.len() == 0 && self.facts.prefix.is_empty() && self.facts.step.is_none()) {
            // `val Loss: 0.2 Acc: 0.9`: what follows is about validation too.
            self.facts.pairs.push_from(&[name], number.value, at as u32 - 1);
            self.facts.prefix = prefix;
        } else {
            let pairs = &mut self.facts.pairs;
            // `train loss: 0.5 acc: 0.9 | val loss: 0.6 acc: 0.8`: the second of a name is of the split that was named last.
            let is_again = !self.split.is_empty() && pairs.iter().any(|(known, _)| known == name);
            let prefix = match name.split([' ', '_', '/', '-']).next().and_then(validation) {
                Some(split) => {
                    self.split = split;
                    ""
                }
                // `metrics/eval/acc` says itself what it is of.
                None if name.contains('/') && name.split('/').any(|part| validation(part).is_some()) => "",
                None if is_again => self.split,
                None => self.facts.prefix,
            };
            let group = self.group.map_or("", |(from, to)| &self.text[from as usize..to as usize]);
            // Names are told apart by their group only where they need it.
            let is_known = !group.is_empty() && pairs.iter().any(|(known, _)| known.strip_prefix(prefix) == Some(name));
            let parts = if is_known { [prefix, group, "/", name] } else { [prefix, "", "", name] };
            pairs.push_from(&parts, number.value, at as u32 - 1);
        }
        self.bare = in_words;
    }

    /// What `base`, the name in `key` without its note, counts.
    fn counter(&mut self, key: &Key, base: &str, number: Number, at: usize) -> Option<Counter> {
        let name = name(self.text, key);
        if let Some(counter) = counter(base) {
            return Some(counter);
        }
        // `Cost after iteration 100: 0.5`
        if let Some((_, last)) = of_when(base)
            && self.counted_value(key, at).is_some()
        {
            return counter(last);
        }
        // `Model. Step: 5`, `Val. Epoch: 5`
        if let Some((first, last)) = base.rsplit_once(". ")
            && let Some(counter) = counter(last)
        {
            self.facts.prefix = validation(first).unwrap_or(self.facts.prefix);
            return Some(counter);
        }
        // `validation step=5`
        if let Some((first, rest)) = base.split_once(' ')
            && let (Some(prefix), Some(counter)) = (validation(first), counter(rest))
        {
            self.facts.prefix = prefix;
            return Some(counter);
        }
        // `epoch/epochs: 6/10`, `cur_iter=5/271`, `Iterations: 99/1533`: with a total, more names count.
        if number.of.is_some() {
            let last = base.rsplit([' ', '_']).next().unwrap_or(base);
            let named = base.split_once('/').and_then(|(first, _)| counter(first)).or_else(|| counter(last));
            let counter = named.or_else(|| plural(base).map(|_| Counter::Step));
            if counter.is_some() && !is_metric(base) {
                return counter;
            }
        }
        // `s:12 loss:2.1`, `E: 5 | S: 1000`, at the start of a line.
        if key.closed && self.facts.step.is_none() && name.len() == 1 && self.facts.pairs.iter().all(|(name, _)| name.len() == 1) {
            return match name {
                "s" | "S" | "i" | "I" => Some(Counter::Step),
                "E" if self.facts.epoch.is_none() => Some(Counter::Epoch),
                _ => None,
            };
        }
        if let Some(counter) = abbreviated(&self.text[key.from as usize..key.to as usize]) {
            return Some(counter);
        }
        if !(is_training(name) || validation(name).is_some()) {
            return None;
        }
        // `Train: 3 [ 50/1251]`, `Test: [ 0/50]`, `Train: [0/300][10/1251]`.
        let opens = |at: usize| {
            let rest = self.tokens.get(at..).unwrap_or_default();
            // `Train: 1/3 ( 33%) [  49/323`
            let rest = rest.strip_prefix(&[Token::Open(b'(')]).and_then(|share| share.get(2..)).unwrap_or(rest);
            matches!(rest, [Token::Open(b'['), ..] | [Token::Gap, Token::Open(b'['), ..])
        };
        let in_bracket = matches!(self.tokens.get(at..), Some([Token::Close, ..]));
        match (in_bracket, number.of) {
            (false, _) => opens(at).then_some(Counter::Epoch),
            (true, _) if opens(at + 1) => Some(Counter::Epoch),
            (true, of) => of.map(|_| Counter::Step),
        }
    }

    /// Words that name no number.
    fn abandon(&mut self) {
        let Some(key) = self.key.take() else { return };
        if self.label.take().is_some() {
            // `optimizer: AdamW`: a text value. One word says nothing about the rest of the line.
            self.facts.junk += u32::from(key.words > 1);
            self.facts.texts += 1;
        } else {
            self.leave(&key);
        }
        if self.bare {
            // `Using 8 workers`: that was a sentence.
            self.bare = false;
            self.facts.take_back();
            self.facts.junk += 1;
        }
    }

    /// A label: about validation, about training, or just text.
    fn leave(&mut self, label: &Key) {
        match self.split_of(label) {
            Some(prefix) => self.facts.prefix = prefix,
            None => self.facts.junk += label.words,
        }
    }

    /// The prefix of what a label says that its values are of: `Test set`. `None`: it is just text.
    fn split_of(&self, label: &Key) -> Option<&'static str> {
        const BEHIND: [&str; 9] = ["set", "results", "result", "metrics", "error", "stats", "epoch", "loop", "summary"];
        let name = name(self.text, label);
        let (first, rest) = name.split_once(' ').unwrap_or((name, ""));
        let is_split = rest.is_empty() || BEHIND.iter().any(|word| rest.eq_ignore_ascii_case(word));
        validation(first).or(is_training(first).then_some("")).filter(|_| is_split)
    }
}

fn name<'a>(text: &'a str, key: &Key) -> &'a str {
    text[key.from as usize..key.to as usize].trim_matches(['\'', '"', '`', '.', ' '])
}

/// `Validation` of `Validation Summary Epoch`.
fn summarized(name: &str) -> &str {
    match name.split_once(' ') {
        Some((split, rest))
            if rest.get(..7).is_some_and(|word| word.eq_ignore_ascii_case("summary") || word.eq_ignore_ascii_case("results")) =>
        {
            split
        }
        _ => name,
    }
}

/// Whether a word may stand between a name and its value.
fn is_verb(word: &str) -> bool {
    ["reached", "is", "was"].iter().any(|verb| word.eq_ignore_ascii_case(verb))
}

/// Whether a word can be part of the name of a metric.
fn is_name(word: &str) -> bool {
    let starts = word.chars().next().is_some_and(|c| c.is_alphabetic() || matches!(c, '_' | '%' | '#' | '@'));
    starts
        && word.chars().any(char::is_alphabetic)
        && !word.contains(['\\', '$', '!', '?', '&', '"', ':', '~', '*'])
        && !word.contains("//")
        && !is_ordinal(word)
}

/// `completed.`, but not `Val.` or `Mel-Spec.`, which are cut short.
fn ends_sentence(word: &str) -> bool {
    const SHORT: usize = 5;
    // `Train. Acc.`, but not `Evaluating.`
    let is_split = ["train.", "valid."].iter().any(|split| word.eq_ignore_ascii_case(split));
    let is_long = word.rsplit(['-', ' ']).next().is_some_and(|last| last.len() > SHORT);
    word.eq_ignore_ascii_case("done.") || word.ends_with('.') && is_long && !is_split
}

/// `#3`, as in `Epoch #3`, or `3rd`, as in `step: 3rd`.
fn numbered(word: &str) -> Option<Number> {
    let ordinal = || ["st", "nd", "rd", "th"].iter().find_map(|end| word.strip_suffix(end));
    let digits = word.strip_prefix('#').or_else(ordinal)?;
    let value = digits.parse::<u32>().ok()?;
    Some(Number { value: value.into(), whole: true, of: None })
}
