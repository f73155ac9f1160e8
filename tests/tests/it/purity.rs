//! What a crate must not depend on, proven by `cargo tree`.

use acivnet_tests::repository;
use std::{collections::BTreeSet, process::Command};

/// Names of all packages that a package links, in a normal build.
fn links(package: &str) -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "tree",
            "--locked",
            "--offline",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
            "--package",
            package,
        ])
        .current_dir(repository())
        .output()
        .expect("cargo tree runs");
    assert!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("cargo tree prints text");
    text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

fn assert_none(package: &str, forbidden: impl IntoIterator<Item = &'static str>) {
    let linked = links(package);
    assert!(linked.contains(package), "cargo tree names the package itself: {linked:?}");
    let found: Vec<_> = forbidden.into_iter().filter(|name| linked.contains(*name)).collect();
    assert!(found.is_empty(), "{package} depends on {found:?}; `cargo tree -p {package} -i <name>` says through what");
}

const ASYNC_AND_CLIENTS: [&str; 12] = [
    "tokio",
    "futures-executor",
    "async-std",
    "smol",
    "reqwest",
    "hyper",
    "hyper-util",
    "kube-client",
    "kube-runtime",
    "rustls",
    "mio",
    "socket2",
];

#[test]
fn core_decides_and_does_nothing_else() {
    assert_none("acivnet-core", ASYNC_AND_CLIENTS);
    assert_none("acivnet-core", ["acivnet-azure", "acivnet-operator", "acivnet-simulator", "rand", "getrandom"]);
    assert_none("acivnet-api", ASYNC_AND_CLIENTS);
}

#[test]
fn the_simulator_knows_none_of_our_types() {
    assert_none("acivnet-simulator", ["acivnet-api", "acivnet-core", "acivnet-azure", "acivnet-operator"]);
    assert_none("acivnet-operator", ["acivnet-simulator"]);
    assert_none("acivnet-azure", ["acivnet-simulator", "kube-client", "kube-runtime"]);
}

#[test]
fn one_tls_provider_is_linked() {
    assert!(links("acivnet-operator").contains("aws-lc-rs"));
    assert_none("acivnet-operator", ["ring", "openssl", "openssl-sys", "native-tls", "boring"]);
    assert_none("acivnet-simulator", ["ring", "openssl", "openssl-sys", "native-tls", "boring"]);
}
