//! A column of numbers that takes as few whole bytes a number as its blocks allow, without loss.

/// Numbers a sealed block holds. Large enough that its head (40 bytes) costs little, small enough that
/// decoding one block is nothing.
const BLOCK: usize = 256;

/// Numbers kept as they came before the older half is sealed. Twice a block, so that a series that goes back and
/// forth over a block's edge does not seal and unseal at each step.
const OPEN_MAX: usize = 2 * BLOCK;

/// An append-only column of `u64`, with truncation. Steps one apart take 1 byte each; wall times a few
/// seconds apart take 4; values that came from 32-bit floats mostly 4, others 8.
#[derive(Clone, Debug, Default)]
pub(super) struct Packed {
    sealed: Vec<Block>,
    open: Vec<u64>,
}

/// Bytes that are read at once, whatever the width of a number.
const WORD: usize = 8;

/// `BLOCK` numbers as `(number - base) >> shift`, `width` bytes each, little-endian, padded so that a whole word can
/// be read at the last number. `mask` keeps `width` bytes of a word.
#[derive(Clone, Debug)]
struct Block {
    base: u64,
    mask: u64,
    shift: u8,
    width: u8,
    bytes: Box<[u8]>,
}

impl Packed {
    /// `count` times `number`.
    pub fn filled(number: u64, count: usize) -> Packed {
        Packed { sealed: vec![Block::of(&[number]); count / BLOCK], open: vec![number; count % BLOCK] }
    }

    pub fn len(&self) -> usize {
        self.sealed.len() * BLOCK + self.open.len()
    }

    #[inline]
    pub fn push(&mut self, number: u64) {
        if self.open.len() == OPEN_MAX {
            self.seal();
        }
        self.open.push(number);
    }

    /// The number at `index`, which must be below `len()`.
    #[inline]
    pub fn get(&self, index: usize) -> u64 {
        match self.sealed.get(index / BLOCK) {
            Some(block) => block.get(index % BLOCK),
            None => self.open[index - self.sealed.len() * BLOCK],
        }
    }

    /// The last `count` numbers. `count` must divide the block size and `len()` be a multiple of it: no such
    /// stretch is ever partly sealed.
    pub fn aligned_tail(&self, count: usize) -> &[u64] {
        &self.open[self.open.len() - count..]
    }

    #[inline]
    pub fn last(&self) -> Option<u64> {
        self.open.last().copied().or_else(|| self.len().checked_sub(1).map(|last| self.get(last)))
    }

    pub fn truncate(&mut self, len: usize) {
        let whole = len / BLOCK;
        if whole >= self.sealed.len() {
            self.open.truncate(len - self.sealed.len() * BLOCK);
            return;
        }
        let block = &self.sealed[whole];
        self.open = (0..len % BLOCK).map(|i| block.get(i)).collect();
        self.sealed.truncate(whole);
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        let packed: usize = self.sealed.iter().map(|b| b.bytes.len()).sum();
        packed + self.sealed.capacity() * size_of::<Block>() + self.open.capacity() * size_of::<u64>()
    }

    fn seal(&mut self) {
        grow_by_an_eighth(&mut self.sealed);
        self.sealed.push(Block::of(&self.open[..BLOCK]));
        self.open.drain(..BLOCK);
    }
}

impl Block {
    fn of(numbers: &[u64]) -> Block {
        let base = numbers.iter().copied().min().unwrap_or(0);
        let union = numbers.iter().fold(0, |bits, n| bits | (n - base));
        let shift = if union == 0 { 0 } else { union.trailing_zeros() };
        let width = (64 - (union >> shift).leading_zeros()).div_ceil(8) as usize;
        let mut bytes = vec![0; numbers.len() * width + WORD - width];
        for (i, n) in numbers.iter().enumerate() {
            bytes[i * width..][..WORD].copy_from_slice(&((n - base) >> shift).to_le_bytes());
        }
        let mask = if width == 0 { 0 } else { u64::MAX >> (64 - 8 * width) };
        Block { base, mask, shift: shift as u8, width: width as u8, bytes: bytes.into() }
    }

    #[inline]
    fn get(&self, index: usize) -> u64 {
        let start = index * usize::from(self.width);
        let word = self.bytes[start..start + WORD].try_into().expect("a word long");
        self.base + ((u64::from_le_bytes(word) & self.mask) << self.shift)
    }
}

/// Makes room for one more: a long column then wastes at most an eighth where doubling wastes up to a half.
pub(super) fn grow_by_an_eighth<T>(column: &mut Vec<T>) {
    if column.len() == column.capacity() {
        column.reserve_exact(column.len() / 8 + 4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number() -> impl Strategy<Value = u64> {
        prop_oneof![any::<u64>(), 0u64..1000, Just(0), Just(u64::MAX), any::<f32>().prop_map(|v| f64::from(v).to_bits())]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_number_comes_back(numbers in prop::collection::vec(number(), 0..1500), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..4)) {
            let mut plain: Vec<u64> = vec![];
            let mut packed = Packed::default();
            for cut in cuts {
                for n in &numbers {
                    plain.push(*n);
                    packed.push(*n);
                }
                let len = cut.index(plain.len() + 1);
                plain.truncate(len);
                packed.truncate(len);
                prop_assert_eq!(packed.len(), plain.len());
                prop_assert_eq!((0..len).map(|i| packed.get(i)).collect::<Vec<_>>(), plain.clone());
            }
        }
    }

    #[test]
    fn even_numbers_pack_tight() {
        let mut packed = Packed::default();
        (0..100_000u64).for_each(|n| packed.push(n * 10));
        let bytes: usize = packed.sealed.iter().map(|b| b.bytes.len()).sum();
        assert!(bytes <= 205_000, "{bytes}");
        assert_eq!(packed.get(77_777), 777_770);
        assert_eq!(Packed::filled(7, 1000).get(999), 7);
    }
}
