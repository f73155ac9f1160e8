//! Texts that are alike, as objects of a kind are: each is kept as what differs from another one.

use lz4_flex::block::{DecompressError, compress_with_dict, decompress_with_dict};
use std::sync::{Arc, Mutex, PoisonError};

/// Longest text that others are compared with, in bytes. LZ4 looks no further back than 64 KiB.
pub(crate) const LONGEST: usize = 64 << 10;

/// Packs texts by what they share with an earlier one.
#[derive(Debug, Default)]
pub(crate) struct Compressor(Mutex<Arc<[u8]>>);

/// A packed text: LZ4 with the earlier text as its dictionary.
#[derive(Clone)]
pub(crate) struct Compressed {
    bytes: Arc<[u8]>,
    length: usize,
    dictionary: Arc<[u8]>,
}

impl Compressor {
    /// Packs a text. With one that is longer by a quarter, and of which less than three quarters could be saved, the next
    /// ones are compared.
    pub(crate) fn pack(&self, text: &[u8]) -> Compressed {
        let mut dictionary = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = compress_with_dict(text, &dictionary);
        let longer = text.len().min(LONGEST) > dictionary.len() + dictionary.len() / 4;
        if bytes.len() > text.len() / 4 && longer {
            *dictionary = text.get(..LONGEST).unwrap_or(text).into();
            bytes = compress_with_dict(text, &dictionary);
        }
        Compressed { bytes: bytes.into(), length: text.len(), dictionary: Arc::clone(&dictionary) }
    }
}

impl Compressed {
    /// How many bytes it takes.
    pub(crate) fn length(&self) -> usize {
        self.bytes.len()
    }

    /// The text.
    ///
    /// # Errors
    /// It can't be read, which what was packed always can.
    pub(crate) fn unpack(&self) -> Result<Vec<u8>, DecompressError> {
        decompress_with_dict(&self.bytes, self.length, &self.dictionary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str, status: bool) -> String {
        let status = if status { r#","status":{"conditions":[{"type":"Ready","status":"True"}]}"# } else { "" };
        format!(
            r#"{{"kind":"DelegatedSubnet","metadata":{{"name":"{name}"}},"spec":{{"location":"japaneast"}}{status}}}"#
        )
    }

    #[test]
    fn gives_back_what_was_packed_and_takes_what_differs() {
        let compressor = Compressor::default();
        for text in ["", "a", "ä", &object("a", false), &object("b", false), &object("a", true), &object("b", true)] {
            assert_eq!(compressor.pack(text.as_bytes()).unpack().unwrap(), text.as_bytes());
        }
        let (text, packed) = (object("c", true), compressor.pack(object("c", true).as_bytes()));
        assert!(packed.bytes.len() < text.len() / 4, "{} of {}", packed.bytes.len(), text.len());
    }

    #[test]
    fn what_can_not_be_read_is_an_error() {
        let mut packed = Compressor::default().pack(object("a", true).as_bytes());
        packed.bytes = [0xff, 0xff, 0xff].into();
        assert!(packed.unpack().is_err());
    }
}
