//! What is kept between two reconciles, or read for one: each with a bound, and each lost without harm.

pub(crate) mod bounded;
pub(crate) mod compression;
pub(crate) mod config_maps;
pub(crate) mod digests;
pub(crate) mod locks;
pub(crate) mod named;
pub(crate) mod packed;
pub(crate) mod remote_files;
pub(crate) mod secrets;
pub(crate) mod snapshot;
pub(crate) mod stores;
