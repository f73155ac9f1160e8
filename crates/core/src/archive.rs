//! A directory as one file: a gzipped tar whose single top entry is the directory, as `azureml-core` packs a
//! `source_directory` (`upload_dependency`). The same files give the same bytes: no times, owners or chance, in order of
//! name, and not compressed, so that no library's next version gives others.

use std::collections::BTreeMap;

/// The longest name of a file, in bytes: what fits the header of POSIX `ustar` without extensions.
pub const LONGEST_NAME: usize = 100 - 16;

const BLOCK: usize = 512;
/// Largest stored block of RFC 1951.
const STORED: usize = 65_535;

/// Packs files, by name, as one directory. Names are at most [`LONGEST_NAME`] bytes long, the directory's name 15.
pub fn pack(directory: &str, files: &BTreeMap<&str, &[u8]>) -> Vec<u8> {
    let mut tar = header(&format!("{directory}/"), "0000755", b'5', 0);
    for (name, bytes) in files {
        tar.extend(header(&format!("{directory}/{name}"), "0000644", b'0', bytes.len()));
        tar.extend_from_slice(bytes);
        tar.resize(tar.len().next_multiple_of(BLOCK), 0);
    }
    tar.resize(tar.len() + 2 * BLOCK, 0);
    gzip(&tar)
}

/// One header of POSIX.1-1988 `ustar`.
fn header(name: &str, mode: &str, kind: u8, size: usize) -> Vec<u8> {
    let with = |checksum: &str| {
        let mut header = Vec::with_capacity(BLOCK);
        let mut field = |text: &str, width: usize| {
            header.extend(text.bytes().chain(std::iter::repeat(0)).take(width));
        };
        field(name, 100);
        field(mode, 8);
        field("0000000", 8);
        field("0000000", 8);
        field(&format!("{size:011o}"), 12);
        field("00000000000", 12);
        field(checksum, 8);
        field(&char::from(kind).to_string(), 1);
        field("", 100);
        field("ustar", 6);
        field("00", 2);
        field("", BLOCK - 265);
        header
    };
    let sum: u32 = with("        ").iter().map(|byte| u32::from(*byte)).sum();
    with(&format!("{sum:06o}\0 "))
}

/// Gzip (RFC 1952) without a time, in stored blocks.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let mut blocks = bytes.chunks(STORED).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(u8::from(blocks.peek().is_none()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend_from_slice(block);
    }
    out.extend(crc32(bytes).to_le_bytes());
    out.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    out
}

/// CRC-32 of RFC 1952, section 8.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_published_one() {
        // the check value of CRC-32/ISO-HDLC
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn the_bytes_follow_from_the_files_alone() {
        let big = vec![7; STORED + 1];
        let files = BTreeMap::from([("score.py", b"x".as_slice()), ("a.bin", big.as_slice())]);
        let packed = pack("source", &files);
        assert_eq!(packed, pack("source", &files));
        // 3 headers, one block for one byte, 128 for the large file, two at the end; 5 bytes for each stored block; 18 around
        let tar = BLOCK * (3 + 1 + 128 + 2);
        assert_eq!(packed.len(), tar + tar.div_ceil(STORED) * 5 + 18);
        let digest = crate::owner::sha256_hex(&[&pack("source", &BTreeMap::from([("a", b"b".as_slice())]))]);
        assert_eq!(
            digest, "eaa402d3911161c580807e586b1d2103c55b70ba90780bc32942970396e79ff8",
            "other bytes for the same files would roll every deployment"
        );
    }
}
