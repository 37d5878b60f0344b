//! Numbers that look random and are the same on every machine for the same seed.

/// SplitMix64: small, and its results are fixed for ever, which no crate promises.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The numbers of one purpose (`stream`) under a seed.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut mixed = Self(seed ^ stream.wrapping_mul(0xd605_1f2b_87f5_9f4b));
        mixed.next();
        mixed
    }

    /// Numbers that are different every time.
    pub fn from_clock() -> Self {
        let now = jiff::Timestamp::now().as_nanosecond();
        Self::new(now as u64, std::process::id().into())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not zero.
    pub fn below(&mut self, end: u64) -> u64 {
        // The high half: a bias of end / 2^32 is of no concern here.
        ((self.next() >> 32) * end) >> 32
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn the_numbers_of_a_seed_never_change() {
        let mut random = Random::new(42, 7);
        let drawn: Vec<_> = (0..5).map(|_| random.below(1_000)).collect();
        assert_eq!(drawn, [74, 43, 427, 270, 0]);
        assert!((0..1_000).all(|_| random.below(3) < 3));
    }
}
