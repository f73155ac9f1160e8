//! Identifiers that look random but are not: the same seed and the same order of requests give the same bytes.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Counter-based generator. Each purpose has its own counter, so that one more request id changes no etag.
#[derive(Debug)]
pub struct Ids {
    seed: u64,
    counters: BTreeMap<&'static str, u64>,
}

impl Ids {
    /// A generator whose whole output is derived from `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed, counters: BTreeMap::new() }
    }

    /// The next GUID (version 4 form, lower case) for `purpose`.
    pub fn guid(&mut self, purpose: &'static str) -> String {
        guid_from(self.next(purpose))
    }

    /// The next `length` lower-case hexadecimal digits for `purpose`.
    pub fn hex(&mut self, purpose: &'static str, length: usize) -> String {
        let block = self.next(purpose);
        stretch(block).flat_map(|byte| [byte >> 4, byte & 15]).map(hex_digit).take(length).collect()
    }

    /// The next `length` characters of the base64url alphabet for `purpose`.
    pub fn base64url(&mut self, purpose: &'static str, length: usize) -> String {
        let block = self.next(purpose);
        let bytes: Vec<u8> = stretch(block).take(length).collect();
        URL_SAFE_NO_PAD.encode(bytes).chars().take(length).collect()
    }

    /// A weak etag as Microsoft.Network forms it, `W/"<guid>"`.
    pub fn weak_etag(&mut self) -> String {
        format!("W/\"{}\"", self.guid("etag"))
    }

    fn next(&mut self, purpose: &'static str) -> [u8; 32] {
        let counter = self.counters.entry(purpose).or_default();
        *counter += 1;
        let mut hash = Sha256::new();
        hash.update(self.seed.to_be_bytes());
        hash.update(purpose.as_bytes());
        hash.update(counter.to_be_bytes());
        hash.finalize().into()
    }
}

/// The GUID for `name`, always the same for the same text.
pub fn guid_of(name: &str) -> String {
    guid_from(Sha256::digest(name.as_bytes()).into())
}

fn guid_from(block: [u8; 32]) -> String {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = block;
    let (g, i) = ((g & 0x0f) | 0x40, (i & 0x3f) | 0x80);
    format!(
        "{a:02x}{b:02x}{c:02x}{d:02x}-{e:02x}{f:02x}-{g:02x}{h:02x}-{i:02x}{j:02x}-\
         {k:02x}{l:02x}{m:02x}{n:02x}{o:02x}{p:02x}"
    )
}

fn hex_digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0')
}

/// An endless sequence of bytes derived from `block`.
fn stretch(block: [u8; 32]) -> impl Iterator<Item = u8> {
    (0u64..).flat_map(move |part| {
        let mut hash = Sha256::new();
        hash.update(block);
        hash.update(part.to_be_bytes());
        <[u8; 32]>::from(hash.finalize())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_same_ids_and_purposes_do_not_disturb_each_other() {
        let (mut one, mut two) = (Ids::new(7), Ids::new(7));
        let first = one.guid("etag");
        two.guid("request");
        assert_eq!(first, two.guid("etag"));
        assert_ne!(first, one.guid("etag"));
        assert_ne!(first, Ids::new(8).guid("etag"));
    }

    #[test]
    fn forms() {
        let mut ids = Ids::new(1);
        let guid = ids.guid("x");
        assert_eq!(guid.len(), 36);
        assert_eq!(guid.as_bytes()[14], b'4');
        assert_eq!(ids.base64url("c", 2600).len(), 2600);
        assert_eq!(ids.hex("h", 9).len(), 9);
        assert!(ids.weak_etag().starts_with("W/\""));
    }
}
