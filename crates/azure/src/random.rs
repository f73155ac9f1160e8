//! Random numbers, given from outside: a seed makes a run repeatable, request ids included.

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    sync::atomic::{AtomicU64, Ordering},
};

/// A source of random numbers. But for [`Random::key`] for ids and jitter, not for keys.
pub trait Random: Send + Sync {
    /// The next number.
    fn next(&self) -> u64;

    /// A key that nobody foretells, where the source is the system's; of a seed, numbers that depend on it. None where the
    /// system has none.
    fn key(&self) -> Option<[u8; 32]> {
        let mut key = [0; 32];
        for part in key.chunks_mut(8) {
            part.copy_from_slice(&self.next().to_be_bytes());
        }
        Some(key)
    }

    /// A number in 0..1.
    fn unit(&self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A UUID of version 4.
    fn uuid(&self) -> String {
        let (high, low) = (self.next(), self.next());
        let version = (high & !0xf000) | 0x4000;
        let variant = (low & !(0b11 << 62)) | (0b10 << 62);
        let bits = (u128::from(version) << 64) | u128::from(variant);
        let group = |shift: u32, mask: u128| (bits >> shift) & mask;
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            group(96, 0xffff_ffff),
            group(80, 0xffff),
            group(64, 0xffff),
            group(48, 0xffff),
            group(0, 0xffff_ffff_ffff)
        )
    }
}

/// The SplitMix64 generator (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
#[derive(Debug)]
pub struct SplitMix(AtomicU64);

impl SplitMix {
    /// 2^64 divided by the golden ratio, as in the paper.
    const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

    /// Numbers that depend on `seed` alone.
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// Numbers that nobody foretells: seeded by the system, which gives keys itself.
    #[allow(clippy::disallowed_methods)] // the one place where the system is asked
    pub fn from_system() -> FromSystem {
        FromSystem(Self::new(RandomState::new().build_hasher().finish()))
    }
}

/// The system's random numbers.
#[derive(Debug)]
pub struct FromSystem(SplitMix);

impl Random for FromSystem {
    fn next(&self) -> u64 {
        self.0.next()
    }

    fn key(&self) -> Option<[u8; 32]> {
        let mut key = [0; 32];
        aws_lc_rs::rand::fill(&mut key).ok().map(|()| key)
    }
}

impl Random for SplitMix {
    fn next(&self) -> u64 {
        let mut z = self.0.fetch_add(Self::GAMMA, Ordering::Relaxed).wrapping_add(Self::GAMMA);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_ids() {
        let one = SplitMix::new(7);
        let ids: Vec<_> = (0..3).map(|_| one.uuid()).collect();
        let two = SplitMix::new(7);
        assert_eq!(ids, (0..3).map(|_| two.uuid()).collect::<Vec<_>>());
        assert!(
            ids.iter().all(|id| id.len() == 36 && id.as_bytes()[14] == b'4' && b"89ab".contains(&id.as_bytes()[19])),
            "{ids:?}"
        );
        assert!((0..1000).map(|_| one.unit()).all(|unit| (0.0..1.0).contains(&unit)));
    }

    #[test]
    fn keys_of_the_system_are_its_own() {
        let (one, two) = (SplitMix::from_system(), SplitMix::from_system());
        assert!(one.key().is_some() && one.key() != one.key() && one.key() != two.key());
        assert_eq!(SplitMix::new(7).key(), SplitMix::new(7).key(), "a seed makes a run repeatable");
    }

    #[test]
    fn the_generator_is_the_published_one() {
        let random = SplitMix::new(1_234_567);
        assert_eq!([random.next(), random.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }
}
