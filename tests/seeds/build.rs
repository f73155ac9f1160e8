//! Compiles the `getrandom` that answers from a seed.

fn main() {
    println!("cargo::rerun-if-changed=src/getrandom.c");
    cc::Build::new().file("src/getrandom.c").warnings_into_errors(true).compile("acivnet_seeds_getrandom");
}
