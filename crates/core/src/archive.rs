//! A directory as one file: a gzipped tar whose single top entry is the directory, as `azureml-core` packs a
//! `source_directory` (`upload_dependency`). The same files give the same bytes: no times, no owners, no randomness,
//! sorted by name, uncompressed. A test pins the bytes, since a library update that changed them would restart every
//! deployment.

use flate2::{Compression, GzBuilder};
use std::{collections::BTreeMap, io};
use tar::{Builder, EntryType, Header};

/// Longest file name, in bytes: what the header of POSIX `ustar` holds without extensions (100), less the directory's
/// name and `/`.
pub const LONGEST_NAME: usize = 100 - 16;

/// Packs files, by name, as one directory. Names are at most [`LONGEST_NAME`] bytes long, the directory's name 15.
///
/// # Errors
/// A name that is not a path inside the directory.
pub fn pack(directory: &str, files: &BTreeMap<&str, &[u8]>) -> io::Result<Vec<u8>> {
    let mut tar = Builder::new(GzBuilder::new().mtime(0).write(Vec::new(), Compression::none()));
    tar.append_data(&mut header(EntryType::Directory, 0o755, 0), format!("{directory}/"), io::empty())?;
    for (name, bytes) in files {
        let mut header = header(EntryType::Regular, 0o644, bytes.len() as u64);
        tar.append_data(&mut header, format!("{directory}/{name}"), *bytes)?;
    }
    tar.into_inner()?.finish()
}

fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn the_bytes_follow_from_the_files_alone() {
        let big = vec![7; 70_000];
        let files = BTreeMap::from([("score.py", b"x".as_slice()), ("a.bin", big.as_slice())]);
        let packed = pack("source", &files).unwrap();
        assert_eq!(packed, pack("source", &files).unwrap());
        let digest = crate::owner::sha256_hex(&[&packed]);
        assert_eq!(
            digest, "623c3343182d6a080901e5adebdd29729419e780e5318c4e8ce92761f4e27f17",
            "other bytes for the same files would roll every deployment"
        );
    }

    #[test]
    fn it_is_read_back_as_it_was() {
        let longest = "n".repeat(LONGEST_NAME);
        let files = BTreeMap::from([("score.py", b"x".as_slice()), (longest.as_str(), b"".as_slice())]);
        let packed = pack("at_most_15_long", &files).unwrap();
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(packed.as_slice()));
        let mut found = Vec::new();
        for entry in tar.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            found.push((entry.path().unwrap().display().to_string(), entry.header().mode().unwrap(), text));
        }
        let of = |name: &str, mode: u32, text: &str| (format!("at_most_15_long/{name}"), mode, text.to_owned());
        assert_eq!(found, [of("", 0o755, ""), of(&longest, 0o644, ""), of("score.py", 0o644, "x")]);
    }

    #[test]
    fn a_name_that_leads_out_is_refused() {
        assert!(pack("source", &BTreeMap::from([("../score.py", b"x".as_slice())])).is_err());
    }
}
