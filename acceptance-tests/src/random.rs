//! Seeded choices for chaos tests, so that a failing run can be repeated.

/// SplitMix64 (Steele, Lea, Flood 2014): one word of state, good enough to pick victims.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// From this seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// From `VALKYARD_TEST_SEED`, or from the clock; printed either way.
    #[must_use]
    pub fn from_environment() -> Self {
        let seed = std::env::var("VALKYARD_TEST_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(|| {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("the clock is past 1970");
            now.as_secs()
        });
        println!("seed {seed}; run again with VALKYARD_TEST_SEED={seed}");
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    /// One of these.
    ///
    /// # Panics
    /// When there is none.
    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        let index = self.below(u64::try_from(all.len()).expect("slices are that short"));
        &all[usize::try_from(index).expect("an index fits")]
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }
}
