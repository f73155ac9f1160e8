//! Every bound on what a tenant, an answer or a client can make grow: the table of `docs/limits.md`.

use crate::{alike, config_maps, controllers, ctx, packed, probe, secrets, snapshot, start};
use acivnet_azure::limits as azure;
use acivnet_core::{
    describe::{MOST_GOING, conda, size},
    observed, scrub,
};

/// One bound.
struct Row {
    what: &'static str,
    bound: String,
    beyond: &'static str,
}

/// The page `docs/limits.md`.
pub fn page() -> String {
    let rows = rows().into_iter().map(|Row { what, bound, beyond }| format!("| {what} | {bound} | {beyond} |\n"));
    let quota = include_str!("../../../deploy/examples/quota/resource-quota.yaml");
    format!("{BEGIN}{}{QUOTA}```yaml\n{quota}```\n", rows.collect::<String>())
}

const BEGIN: &str = "\
# Limits

No object, ConfigMap, Secret, answer or client takes so much memory or time that others notice. What has no bound in the
schema of the definitions (each list and text of a spec has one) has one here. The table is written by
`crates/operator/src/limits.rs`; a test compares it.

| What | Bound | What happens beyond |
|---|---|---|
";

const QUOTA: &str = "
## How many objects

The number of objects has no bound of ours: each takes about 1 KiB of memory when it is like others, and never more than its
share of the table above. Give each namespace a quota (Kubernetes, \"Resource Quotas\", object count), as in
`deploy/examples/quota`:

";

fn bytes(count: usize) -> String {
    match count {
        count if count.is_multiple_of(1 << 20) => format!("{} MiB", count >> 20),
        count if count.is_multiple_of(1 << 10) => format!("{} KiB", count >> 10),
        count => format!("{count} bytes"),
    }
}

fn rows() -> Vec<Row> {
    let row = |what, bound, beyond| Row { what, bound, beyond };
    let [page, smaller, smallest] = controllers::PAGES;
    vec![
        // objects
        row(
            "spec of an object, as JSON",
            bytes(size::LARGEST_SPEC),
            "`Ready` is False with reason `InvalidSpec`; what stands in Azure stays as it is",
        ),
        row(
            "object in the cache, as JSON",
            bytes(packed::WHOLE),
            "of it only what other objects look at is kept; it is read for each of its passes",
        ),
        row(
            "all objects of a kind in the cache, packed",
            bytes(packed::ALL_WHOLE),
            "the same for those that come later",
        ),
        row(
            "passes over objects that the cache does not keep whole",
            format!("{} at once", ctx::LARGE_PASSES),
            "they wait for each other, and nobody else does",
        ),
        row("annotations", "those of `acivnet.dev/`".into(), "others are not kept, and start no pass"),
        row("value of an annotation of ours", bytes(packed::LONGEST_ANNOTATION), "the rest is not looked at"),
        row("text that others are packed by", bytes(alike::LONGEST), "its beginning serves"),
        row("page of a list of the Kubernetes API", bytes(start::LONGEST_LIST), "a smaller page is asked for"),
        row("objects of such a page", format!("{page}, then {smaller}, then {smallest}"), "the next page is read"),
        // files
        row("conda file", bytes(conda::LONGEST), "`CondaFileInvalid`, with its size"),
        row("entries of a conda file", conda::MOST_ENTRIES.to_string(), "`CondaFileInvalid`, with their number"),
        row("nesting of a conda file", format!("{} levels", conda::DEEPEST), "`CondaFileInvalid`"),
        row("aliases in a conda file", conda::MOST_ALIASES.to_string(), "`CondaFileInvalid`"),
        row(
            "files of a directory in a ConfigMap",
            config_maps::MOST_FILES.to_string(),
            "`InvalidSpec`, with their number",
        ),
        row(
            "what is kept of all ConfigMaps: digests of the keys that are named, text of conda files",
            bytes(config_maps::KEPT),
            "what was not asked for the longest goes, and is read again at the next look",
        ),
        row("digests of packed directories", bytes(config_maps::KEPT_DIRECTORIES), "the same"),
        row("keys that are kept of one ConfigMap", config_maps::KEPT_KEYS.to_string(), "they are read again"),
        row("values that one object takes from Secrets, together", bytes(secrets::MOST), "`InvalidSpec`"),
        row("ConfigMaps and Secrets that are read at once", ctx::LARGE_READS.to_string(), "reads wait for each other"),
        row(
            "uploads out of URIs at once",
            format!("{}, {} of one identity", ctx::UPLOADS, ctx::UPLOADS_OF_ONE),
            "the write waits for another pass",
        ),
        // answers
        row(
            "answer of Azure",
            bytes(azure::LARGEST_ANSWER),
            "it counts as none: `AzureUnreachable`, tried again later",
        ),
        row(
            "pages of a list of Azure",
            azure::MOST_PAGES.to_string(),
            "the list vouches for nothing; resources are read one by one",
        ),
        row(
            "answer of Azure that is taken apart in one go on the operator's thread",
            bytes(azure::LONGEST_AT_ONCE),
            "another thread does it; between the items of a list others have their turn",
        ),
        row("item of a list of Azure", bytes(azure::LONGEST_AT_ONCE), "the list vouches for nothing"),
        row(
            "facts that are decided about on the operator's thread: text, and 64 bytes for each value",
            bytes(observed::LARGE),
            "another thread does it, for one pass at a time",
        ),
        row("model versions that are deleted at a time", MOST_GOING.to_string(), "the next passes see to them"),
        row("items of a list of Azure", azure::MOST_ITEMS.to_string(), "the same"),
        row("list of Azure that is kept, packed", bytes(snapshot::LONGEST), "the same"),
        row(
            "all lists of Azure that are kept, packed",
            bytes(snapshot::ALL),
            "the oldest are read again when they are asked for",
        ),
        row("log of a container", bytes(azure::SERVICE_LOG), "its end is read"),
        row("log of an operation", bytes(azure::LOG_TAIL), "its end is read"),
        row("answer to a probe", bytes(probe::ANSWER), "the rest is not read"),
        row("text of others in a status, an event or a log", format!("{} characters", scrub::LONGEST), "it is cut"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, path::Path};

    #[test]
    fn the_page_of_limits_is_what_the_code_says() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/limits.md");
        if std::env::var_os("ACIVNET_BLESS").is_some() {
            fs::write(&path, page()).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == page(), "docs/limits.md is not what the code says; ACIVNET_BLESS=1 writes it anew");
    }

    /// The limit of deploy/operator is 128 MiB; an operator that knows nothing takes some 12.
    #[test]
    fn what_is_kept_fits_the_memory_that_the_operator_is_given() {
        const MIB: usize = 1 << 20;
        let kept = 2 * packed::ALL_WHOLE + config_maps::KEPT + config_maps::KEPT_DIRECTORIES + snapshot::ALL;
        // three watches may read a page at once: text, and what is taken out of it
        let passing = 3 * start::LONGEST_LIST * 5 / 2 + ctx::LARGE_READS * 5 * MIB + ctx::LARGE_PASSES * 10 * MIB;
        assert!(kept + passing + 12 * MIB <= 128 * MIB, "{} and {} MiB", kept / MIB, passing / MIB);
    }
}
