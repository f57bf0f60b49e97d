//! Remembers how a row was printed, so that the next row printed the same way is read without taking its
//! sentence apart again. A line has a known shape when the text between its numbers is the same and each
//! number is of the same kind; then all that the rules looked at is the same too.

use super::{
    facts::{Count, Facts, Pairs},
    steps::Steps,
    token::{Number, Token, common, numeric},
    words::Counter,
};
use crate::source::{KeyId, keys::Keys, shown};

/// Shapes that are kept: a program mostly has a handful of ways to print a row.
const SHAPES_MAX: usize = 6;

/// The shapes of the last rows, the latest used first.
#[derive(Default)]
pub(super) struct Shapes {
    shapes: Vec<Shape>,
    /// Value and total of each number of the line at hand.
    numbers: Vec<(f64, Option<i64>)>,
    /// Nothing is learned: for tests that compare.
    #[cfg(test)]
    pub(super) is_off: bool,
}

struct Shape {
    /// What the logger put in front: the rank as it is, and behind it, where digits may be others.
    tag: Literal,
    prefix: Box<[u8]>,
    /// All its text looks as it is printed.
    is_plain: bool,
    rank: u32,
    fields: Box<[Field]>,
    tail: Literal,
    step: Option<(Counter, usize)>,
    epoch: Option<usize>,
    values: Box<[(usize, KeyId)]>,
}

/// The text in front of a number, and the kind of number.
struct Field {
    before: Literal,
    /// Spaces between the two: none, one, or more.
    spaces: usize,
    is_clock: bool,
    whole: bool,
    is_fraction: bool,
    /// It stands in the bracket that opens the line, which is a prefix when it holds more than counts.
    in_front: bool,
}

/// The counters of a line whose values were put into the row.
pub(super) struct Known {
    /// The line looks as it is printed: no byte of it is a sign to the terminal, or drawn as another.
    pub(super) is_plain: bool,
    pub(super) rank: u32,
    pub(super) step: Option<(Counter, Count)>,
    pub(super) epoch: Option<Count>,
}

impl Shapes {
    /// Reads the first `length` bytes of `text` if they have a known shape: starts a row and puts its values there. With
    /// `has_step`, only one that has a finer counter than the epoch; none that is [aside](Steps::is_aside) by `steps`.
    pub(super) fn read(&mut self, text: &[u8], length: usize, has_step: bool, steps: Option<&Steps>, keys: &mut Keys) -> Option<Known> {
        let Shapes { shapes, numbers, .. } = self;
        let at = shapes.iter().position(|shape| shape.fits(text, length, numbers))?;
        if has_step && shapes[at].step.is_none() {
            return None;
        }
        if at > 0 {
            shapes[..=at].rotate_right(1);
        }
        let shape = &shapes[0];
        let count = |field: usize| Count { at: numbers[field].0 as i64, of: numbers[field].1 };
        if let Some(steps) = steps
            && steps.is_aside(shape.step.map(|(kind, field)| (kind, count(field))), shape.epoch.map(count))
        {
            return None;
        }
        keys.begin();
        for (field, key) in &shape.values {
            keys.put_id(*key, numbers[*field].0);
        }
        Some(Known {
            is_plain: shape.is_plain,
            rank: shape.rank,
            step: shape.step.map(|(kind, field)| (kind, count(field))),
            epoch: shape.epoch.map(count),
        })
    }

    /// Remembers the shape of a line that `facts` took apart into `pairs`, behind a rank tag and a prefix of
    /// these lengths. Its keys are known by now.
    pub(super) fn learn(&mut self, text: &str, (tag, prefix): (usize, usize), rank: u32, facts: &Facts, pairs: &Pairs, keys: &Keys) {
        #[cfg(test)]
        if self.is_off {
            return;
        }
        if let Some(shape) = Shape::new(text, (tag, prefix), rank, facts, pairs, keys) {
            self.shapes.truncate(SHAPES_MAX - 1);
            self.shapes.insert(0, shape);
        }
    }
}

impl Shape {
    fn new(text: &str, (tag, prefix): (usize, usize), rank: u32, facts: &Facts, pairs: &Pairs, keys: &Keys) -> Option<Shape> {
        let bytes = text.as_bytes();
        let mut fields = vec![];
        let mut field_of_token = vec![None; facts.tokens().len()];
        let mut from = prefix;
        for (token, start, end) in facts.numbers() {
            let (start, end) = (prefix + *start as usize, prefix + *end as usize);
            let before = &bytes[from..start];
            let spaces = before.iter().rev().take_while(|b| **b == b' ').count();
            let (is_clock, whole, is_fraction) = match facts.tokens().get(*token as usize)? {
                Token::Number(number) => (false, number.whole, number.of.is_some()),
                _ => (true, false, false),
            };
            field_of_token[*token as usize] = Some(fields.len());
            let in_front = bytes[prefix] == b'[' && !bytes[prefix..start].contains(&b']');
            if in_front && !is_count(&bytes[start..end]) {
                return None;
            }
            fields.push(Field {
                before: Literal::new(&before[..before.len() - spaces]),
                spaces: spaces.min(2),
                is_clock,
                whole,
                is_fraction,
                in_front,
            });
            from = end;
        }
        let tail = Literal::new(&bytes[from..]);
        // Lines without a letter are not even looked at, most of the time.
        if !fields.iter().map(|field| &field.before).chain([&tail]).any(Literal::has_letter) {
            return None;
        }
        let is_plain = fields.iter().map(|field| &field.before).chain([&tail]).all(|text| shown::is_plain(&text.bytes));
        let field = |token: u32| field_of_token.get(token as usize).copied().flatten();
        let step = match facts.step {
            Some((kind, _)) => Some((kind, field(facts.step_token)?)),
            None => None,
        };
        let epoch = match facts.epoch {
            Some(_) => Some(field(facts.epoch_token)?),
            None => None,
        };
        let values = pairs.iter_with_tokens().map(|(name, token)| Some((field(token)?, keys.known(name)?))).collect::<Option<_>>()?;
        Some(Shape {
            tag: Literal::new(&bytes[..tag]),
            prefix: bytes[tag..prefix].into(),
            is_plain: is_plain && shown::is_plain(&bytes[..prefix]),
            rank,
            fields: fields.into(),
            tail,
            step,
            epoch,
            values,
        })
    }

    fn fits(&self, open: &[u8], length: usize, numbers: &mut Vec<(f64, Option<i64>)>) -> bool {
        let text = &open[..length];
        let Some(behind) = self.tag.cut_off(text) else { return false };
        let Some((prefix, mut rest)) = behind.split_at_checked(self.prefix.len()) else { return false };
        let same = |(a, b): (&u8, &u8)| a == b || (a.is_ascii_digit() && b.is_ascii_digit());
        if !prefix.iter().zip(&self.prefix).all(same) {
            return false;
        }
        numbers.clear();
        for field in &self.fields {
            let Some(behind) = field.before.cut_off(rest) else { return false };
            let spaces = behind.iter().take_while(|b| **b == b' ').count();
            let at = text.len() - behind.len() + spaces;
            if spaces.min(2) != field.spaces {
                return false;
            }
            let common = common(open, at, length).map(|(number, end)| (Token::Number(number), end));
            let Some((token, end)) = common.or_else(|| numeric(text, at)) else { return false };
            let number = match token {
                Token::Number(Number { value, whole, of })
                    if !field.is_clock && whole == field.whole && of.is_some() == field.is_fraction =>
                {
                    (value, of)
                }
                Token::Clock if field.is_clock => (0.0, None),
                _ => return false,
            };
            if field.in_front && !is_count(&text[at..end]) {
                return false;
            }
            numbers.push(number);
            rest = &text[end..];
        }
        self.tail.cut_off(rest).is_some_and(<[u8]>::is_empty)
    }
}

/// Text that must be the same. Mostly these are a few bytes, which are compared as one word.
struct Literal {
    bytes: Box<[u8]>,
    /// The first eight bytes, and the bits of them that count.
    word: u64,
    mask: u64,
}

impl Literal {
    fn new(bytes: &[u8]) -> Literal {
        let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        let start = &bytes[..bytes.len().min(8)];
        Literal { bytes: bytes.into(), word: word(start), mask: word(&vec![0xff; start.len()]) }
    }

    /// What comes after it in `text`.
    #[inline]
    fn cut_off<'a>(&self, text: &'a [u8]) -> Option<&'a [u8]> {
        let (start, rest) = text.split_at_checked(self.bytes.len())?;
        match text.first_chunk() {
            Some(word) if u64::from_le_bytes(*word) & self.mask != self.word => None,
            Some(_) if start.len() <= 8 => Some(rest),
            // Near the end of a line, or a long one.
            _ => start.iter().zip(&self.bytes).all(|(a, b)| a == b).then_some(rest),
        }
    }

    fn has_letter(&self) -> bool {
        self.bytes.iter().any(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii())
    }
}

/// Digits, also as `i/N`.
fn is_count(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| b.is_ascii_digit() || matches!(b, b'/' | b' '))
}
