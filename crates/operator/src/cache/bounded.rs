//! A cache with a bound in bytes. What was not asked for the longest goes first.

use lru::LruCache;
use std::hash::Hash;

/// What an entry takes besides key and value, in bytes: its places in the map and in the list of use, about.
const ENTRY: usize = 128;

/// Tells about how many bytes a value takes.
pub(crate) trait Weigh {
    /// In bytes.
    fn weight(&self) -> usize;
}

impl Weigh for String {
    fn weight(&self) -> usize {
        self.len()
    }
}

/// Values by key, together no heavier than a bound.
pub(crate) struct Bounded<K: Hash + Eq, V> {
    kept: LruCache<K, V>,
    weight: usize,
    most: usize,
}

impl<K: Hash + Eq + Weigh, V: Weigh> Bounded<K, V> {
    /// With a bound in bytes.
    pub(crate) fn new(most: usize) -> Self {
        Self { kept: LruCache::unbounded(), weight: 0, most }
    }

    /// The value of a key, which from now on was asked for last.
    pub(crate) fn get(&mut self, key: &K) -> Option<&V> {
        self.kept.get(key)
    }

    /// Keeps a value. One that is heavier than the bound is not kept.
    pub(crate) fn keep(&mut self, key: K, value: V) {
        self.forget(&key);
        self.weight += weight(&key, &value);
        self.kept.put(key, value);
        while self.weight > self.most {
            let Some((key, value)) = self.kept.pop_lru() else { return };
            self.weight -= weight(&key, &value);
        }
    }

    /// Forgets a key.
    pub(crate) fn forget(&mut self, key: &K) -> Option<V> {
        let value = self.kept.pop(key)?;
        self.weight -= weight(key, &value);
        Some(value)
    }

    /// Forgets the keys that are not wanted any more.
    pub(crate) fn retain(&mut self, wanted: impl Fn(&K) -> bool)
    where
        K: Clone,
    {
        let unwanted: Vec<K> = self.kept.iter().map(|(key, _)| key).filter(|key| !wanted(key)).cloned().collect();
        for key in unwanted {
            self.forget(&key);
        }
    }

    /// What all of it takes, in bytes.
    #[cfg(test)]
    pub(crate) fn weight(&self) -> usize {
        self.weight
    }
}

fn weight(key: &impl Weigh, value: &impl Weigh) -> usize {
    ENTRY + key.weight() + value.weight()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_first_and_the_weight_is_that_of_what_stays() {
        let text = |length: usize| "x".repeat(length);
        let mut kept = Bounded::<String, String>::new(3 * (ENTRY + 101));
        for name in ["a", "b", "c"] {
            kept.keep(name.into(), text(100));
        }
        assert!(kept.get(&"a".into()).is_some());
        kept.keep("d".into(), text(100));
        let there = |kept: &mut Bounded<String, String>| {
            ["a", "b", "c", "d"].into_iter().filter(|name| kept.get(&(*name).into()).is_some()).collect::<String>()
        };
        assert_eq!(there(&mut kept), "acd");
        kept.keep("d".into(), text(10));
        assert_eq!(kept.weight(), 3 * (ENTRY + 101) - 90);
        kept.keep("e".into(), text(1000));
        assert_eq!((there(&mut kept).as_str(), kept.weight()), ("", 0), "what is too heavy is not kept");
        kept.keep("a".into(), text(1));
        kept.keep("b".into(), text(1));
        kept.retain(|name| name == "b");
        assert_eq!((there(&mut kept).as_str(), kept.weight()), ("b", ENTRY + 2));
    }
}
