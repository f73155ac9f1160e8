//! How the published program is linked.

use std::env;

/// Addresses that the loader adjusts take a hundredth of their room in the packed form: half a MiB of memory. It needs glibc
/// 2.36, as in the image's Debian 12. Elsewhere the program says at its start that `GLIBC_ABI_DT_RELR` is missing.
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    let published = is("PROFILE", "release") && is("OPT_LEVEL", "z");
    if published && is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}
