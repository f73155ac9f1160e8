//! What this program is: the release, and the commit where the build was told it.

use std::sync::LazyLock;

/// The release, such as `0.1.0`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that this was built of; `None` where the environment of the compiler had no `ACIVNET_REVISION`. A build
/// script that asked git would tie every build to the folder it happens in.
pub const REVISION: Option<&str> = option_env!("ACIVNET_REVISION");

/// Both in one text, for `--version`.
pub fn text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| together(VERSION, REVISION));
    &TEXT
}

fn together(version: &str, revision: Option<&str>) -> String {
    match revision.filter(|revision| !revision.is_empty()) {
        Some(revision) => format!("{version} ({revision})"),
        None => version.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::together;

    #[test]
    fn the_commit_is_told_where_it_is_known() {
        assert_eq!(together("0.1.0", Some("4f2c")), "0.1.0 (4f2c)");
        assert_eq!(together("0.1.0", Some("")), "0.1.0");
        assert_eq!(together("0.1.0", None), "0.1.0");
    }
}
