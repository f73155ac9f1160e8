//! Hosts in real network namespaces: what security groups and route tables say happens to real packets. Needs what
//! `tools/preflight.sh network` asks for.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::process::Command;

/// Runs a script in user, mount, PID and network namespaces of its own, beside a simulator there; what it prints.
fn played(script: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/namespaces");
    let output = Command::new("unshare")
        .args(["-Urnmpf", "--kill-child", "--mount-proc", "bash"])
        .arg(here.join(script))
        .env("SIMULATOR", env!("CARGO_BIN_EXE_acivnet-simulator"))
        .env("STATE", folder.path())
        .output()
        .expect("unshare (util-linux) can't be run");
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{script}: {said}\nthe simulator: {log}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn security_rules_and_routes_are_carried_out() {
    let expected = [
        "addresses of IPv6: 0",
        "without rules: passes",
        "a rule denies all: lost",
        "the client of the same subnet: lost",
        "the gateway, from outside of all subnets: lost",
        "an allow rule before it: passes",
        "another port: lost",
        "a denied way out of the client's subnet: lost",
        "the group taken off the client's subnet: passes",
        "a connection that stands, once denied: passes",
        "the default rules: passes",
        "a route to nowhere: lost",
        "a route to an appliance that does not pass on: lost",
        "a route to one that does: passes",
        "no table any more: passes",
    ];
    assert_eq!(played("rules.sh"), expected);
}
