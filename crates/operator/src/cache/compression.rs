//! Compression of similar texts, such as objects of one kind: LZ4 with an earlier text as the dictionary
//! (`docs/decisions/2026-11-30-compressed-caches.md`).

use lz4_flex::block::{DecompressError, compress_with_dict, decompress_with_dict};
use std::sync::{Arc, Mutex, PoisonError};

/// Longest dictionary, in bytes: LZ4 refers no further back than 64 KiB (LZ4 block format).
pub(crate) const LONGEST: usize = 64 << 10;

/// Compresses texts with an earlier one as the dictionary.
#[derive(Debug, Default)]
pub(crate) struct Compressor(Mutex<Arc<[u8]>>);

/// A compressed text, with its dictionary.
#[derive(Clone)]
pub(crate) struct Compressed {
    bytes: Arc<[u8]>,
    length: usize,
    dictionary: Arc<[u8]>,
}

impl Compressor {
    /// Compresses a text. It becomes the dictionary of the next ones if it is longer than the present one by a quarter,
    /// and less than three quarters of it could be saved: objects grow when they get their first status.
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
    /// Its length in bytes, compressed.
    pub(crate) fn length(&self) -> usize {
        self.bytes.len()
    }

    /// The text.
    ///
    /// # Errors
    /// The bytes are damaged. What [`Compressor::pack`] gave never is.
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
