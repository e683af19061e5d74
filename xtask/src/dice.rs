//! Numbers without pattern, the same for a seed on every machine.

/// A generator of numbers (xorshift): good enough to choose, not to keep secrets.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The numbers of this seed.
    pub fn new(seed: u64) -> Self {
        let mut dice =
            Self(seed.wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9) | 1);
        dice.roll(2);
        dice
    }

    /// A number below `sides`; 0 if there are none.
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let number = usize::try_from(self.0 >> 33).expect("31 bits fit");
        number % sides.max(1)
    }

    /// As many of these as wanted, none twice, in their own order.
    pub fn sample<T>(&mut self, mut from: Vec<T>, wanted: usize) -> Vec<T> {
        while from.len() > wanted {
            let index = self.roll(from.len());
            from.remove(index);
        }
        from
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;

    #[test]
    fn a_sample_is_the_same_for_a_seed() {
        let sample = |seed| Dice::new(seed).sample((0..1000).collect(), 5);
        assert_eq!(sample(7), sample(7));
        assert_ne!(sample(7), sample(8));
        assert!(sample(7).is_sorted());
    }
}
