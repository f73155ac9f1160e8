//! Every bound on what a tenant, an answer or a client can make grow: the tables of `docs/limits.md`.

use crate::{
    act::writers,
    cache::{cached_object, compression, config_maps, digests, packed, remote_files, secrets, snapshot},
    cli::args,
    controllers::{self, queue, secret_watches},
    ctx,
    kubernetes::{client, networks},
    monitoring::{admin, metrics, pulse},
    observe::probe,
    publish::events,
};
use acivnet_api::{
    DelegatedSubnetStatus, DriftItem, LONGEST_LABEL, LONGEST_VALUE, Occupant, PlanStatus, ResourceStatus,
};
use acivnet_azure::limits as azure;
use acivnet_core::{
    describe::{CRASH_LINES, DELETIONS_AT_ONCE, conda, size},
    durations, expectation, fit, observed, retry, scrub, secret_flaws,
};
use std::time::Duration;

/// One bound.
struct Row {
    what: &'static str,
    bound: String,
    beyond: &'static str,
}

/// The page `docs/limits.md`.
pub fn page() -> String {
    let sections = [
        ("Objects", objects()),
        ("Files and Secrets", files()),
        ("Answers of Azure and of the endpoint", answers()),
        ("Statuses and events", statuses()),
        ("Turns", turns()),
        ("The admin port and the cluster", cluster()),
    ];
    let quota = include_str!("../../../deploy/examples/quota/resource-quota.yaml");
    format!("{BEGIN}{}{QUOTA}```yaml\n{quota}```\n", sections.into_iter().map(section).collect::<String>())
}

fn section((title, rows): (&str, Vec<Row>)) -> String {
    let rows = rows.into_iter().map(|Row { what, bound, beyond }| format!("| {what} | {bound} | {beyond} |\n"));
    format!("\n## {title}\n\n| What | Bound | What happens beyond |\n|---|---|---|\n{}", rows.collect::<String>())
}

const BEGIN: &str = "\
# Limits

No object, ConfigMap, Secret, answer or client can take so much memory or time that others notice. The bounds of lists and texts
in a spec are in the definitions (`maxItems` and `maxLength` in `deploy/crds`); the others are here. The tables are written from
`crates/operator/src/limits.rs`; a test compares them. For limits of the simulated Azure see [simulator.md](simulator.md#limits).
";

const QUOTA: &str = "
## How many objects

acivnet doesn't limit the number of objects: each takes about 1 KiB of memory if it resembles others, and never more than its
share of the tables above. Give each namespace a quota (Kubernetes, \"Resource Quotas\", object count), as in
`deploy/examples/quota`:

";

fn bytes(count: usize) -> String {
    match count {
        count if count.is_multiple_of(1 << 20) => format!("{} MiB", count >> 20),
        count if count.is_multiple_of(1 << 10) => format!("{} KiB", count >> 10),
        count => format!("{} bytes", number(count)),
    }
}

/// With a comma before each three digits.
fn number(count: usize) -> String {
    match count / 1000 {
        0 => count.to_string(),
        thousands => format!("{},{:03}", number(thousands), count % 1000),
    }
}

fn characters(count: usize) -> String {
    format!("{} characters", number(count))
}

fn time(duration: Duration) -> String {
    match duration.as_secs() {
        seconds if seconds > 60 && seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

fn row(what: &'static str, bound: String, beyond: &'static str) -> Row {
    Row { what, bound, beyond }
}

fn objects() -> Vec<Row> {
    let [page, smaller, smallest] = controllers::PAGES;
    vec![
        row(
            "spec of an object, as JSON",
            bytes(size::LARGEST_SPEC),
            "`Ready` is False with reason `InvalidSpec`; Azure stays as it is",
        ),
        row(
            "object in the cache, as JSON",
            bytes(packed::WHOLE),
            "only the fields that other objects need are kept; the object is read each time it is reconciled",
        ),
        row(
            "all objects of a kind in the cache, compressed",
            bytes(cached_object::ALL_WHOLE),
            "the same, for objects that come later",
        ),
        row("annotations", "those of `acivnet.dev/`".into(), "others are not kept, and don't trigger a reconcile"),
        row("value of an annotation of ours", bytes(packed::LONGEST_ANNOTATION), "the rest is ignored"),
        row("nesting of an object", "127 levels".into(), "the object is ignored, and the log names it"),
        row("dictionary for compression", bytes(compression::LONGEST), "the beginning of the text is used"),
        row("page of a list of the Kubernetes API", bytes(client::LONGEST_LIST), "a smaller page is requested"),
        row("objects of such a page", format!("{page}, then {smaller}, then {smallest}"), "the next page is read"),
    ]
}

fn files() -> Vec<Row> {
    vec![
        row("conda file", bytes(conda::LONGEST), "`CondaFileInvalid`, with its size"),
        row("entries of a conda file", number(conda::MOST_ENTRIES), "`CondaFileInvalid`, with their number"),
        row("nesting of a conda file", format!("{} levels", conda::DEEPEST), "`CondaFileInvalid`"),
        row("aliases in a conda file", number(conda::MOST_ALIASES), "`CondaFileInvalid`"),
        row("files of a directory in a ConfigMap", number(config_maps::MOST_FILES), "`InvalidSpec`, with their number"),
        row(
            "what is kept of all ConfigMaps: digests of the keys that are referenced, text of conda files",
            bytes(config_maps::KEPT),
            "the least recently used entry is dropped, and read again when it is needed",
        ),
        row("digests of directories", bytes(config_maps::KEPT_DIRECTORIES), "the same"),
        row("keys kept of one ConfigMap", number(config_maps::KEPT_KEYS), "they are read again when needed"),
        row("value from a Secret", bytes(secret_flaws::LONGEST), "`SecretValueInvalid`"),
        row(
            "authentication key from a Secret",
            format!("{}, in one line", bytes(secret_flaws::LONGEST_LINE)),
            "`SecretValueInvalid`",
        ),
        row("values that one object takes from Secrets, together", bytes(secrets::MOST), "`InvalidSpec`"),
        row(
            "Secrets whose metadata is watched",
            format!("{}, {} per namespace", number(secret_watches::MOST), secret_watches::MOST_OF_ONE),
            "a change of another one is noticed at the next sweep",
        ),
        row("reconciles because of one watched Secret", format!("1 in {}", time(secret_watches::APART)), "later"),
        row("`probe.expect.jsonContains`", bytes(expectation::LONGEST), "`InvalidSpec`; nothing is written"),
        row("`probe.expect.bodyMatches`, compiled", bytes(expectation::COMPILED), "`InvalidSpec`; nothing is written"),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn answers() -> Vec<Row> {
    vec![
        row(
            "answer of Azure",
            bytes(azure::LARGEST_ANSWER),
            "it counts as no answer: `AzureUnreachable`, retried later",
        ),
        row(
            "pages of a list of Azure",
            number(azure::MOST_PAGES),
            "the list is not used; resources are read one by one",
        ),
        row("items of a list of Azure", number(azure::MOST_ITEMS), "the same"),
        row("item of a list of Azure", bytes(azure::LONGEST_AT_ONCE), "the same"),
        row("list of Azure in the cache, compressed", bytes(snapshot::LONGEST), "the same"),
        row(
            "all lists of Azure in the cache, compressed",
            bytes(snapshot::ALL),
            "the oldest are dropped, and read again when needed",
        ),
        row(
            "reconciles that hold an answer longer than the next bound",
            format!("{} at once, and as many pages of lists", azure::LARGE_AT_ONCE),
            "the rest of the answer is read once another one has ended",
        ),
        row(
            "answer of Azure that is parsed on the main thread",
            bytes(azure::LONGEST_AT_ONCE),
            "another thread parses it; between the items of a list other work gets a turn",
        ),
        row(
            "facts that are decided about on the main thread: text, and 64 bytes per value",
            bytes(observed::LARGE),
            "another thread decides, for one object at a time",
        ),
        row("error body of Azure that is parsed", bytes(azure::LONGEST_ERROR), "its beginning is used as text"),
        row("lines of a container's log that are searched", number(CRASH_LINES), "the last ones are searched"),
        row(
            "text from elsewhere that is searched for secrets",
            bytes(2 * scrub::LOOKED_AT),
            "only both ends are used, in whole words",
        ),
        row("model versions deleted at a time", number(DELETIONS_AT_ONCE), "later reconciles delete the rest"),
        row("`Retry-After`", time(retry::LONGEST_WAIT), "Azure is asked again after that time"),
        row(
            "log of a container",
            format!("{} lines, {}", azure::LOG_LINES, bytes(azure::SERVICE_LOG)),
            "only the end is read",
        ),
        row("digests kept of files in Azure ML", number(digests::MOST), "all are read again"),
        row(
            "operations of Resource Manager that are remembered",
            number(azure::OPERATIONS),
            "the oldest is forgotten; if it fails, the status names the state alone",
        ),
        row("URL of an operation", bytes(azure::LONGEST_URL), "the resource is read instead"),
        row("log of an operation", bytes(azure::LOG_TAIL), "only the end is read"),
        row(
            "answer to a probe",
            bytes(probe::ANSWER),
            "the rest is not read; with `jsonContains` or `bodyMatches` it is `UnexpectedBody`, else its status alone counts",
        ),
        row("part of an answer that `bodyMatches` searches", bytes(expectation::SEARCHED), "ignored"),
    ]
}

fn statuses() -> Vec<Row> {
    vec![
        row("`status.plan.actions`", number(PlanStatus::MOST), "the last entry says `and N more`"),
        row("`status.drift`", number(DriftItem::MOST), "the same"),
        row("`status.occupants`", number(Occupant::MOST), "the same; those of this namespace come first"),
        row("`status.serviceAssociationLinks`", number(DelegatedSubnetStatus::MOST_LINKS), "the same"),
        row(
            "`status.resources[].keys`, room for two largest specs",
            number(ResourceStatus::MOST_KEYS),
            "of the keys of refused specs, those that exist in Azure are kept",
        ),
        row(
            "`status.resources[].id`",
            characters(ResourceStatus::LONGEST_ID),
            "not recorded; no id of ours is that long",
        ),
        row("name, value or path from elsewhere", characters(LONGEST_VALUE), "cut in the middle"),
        row("`Kind/name`", characters(LONGEST_LABEL), "the same"),
        row(
            "text from elsewhere in a status, an event or a log",
            characters(scrub::LONGEST),
            "the same; ids are shortened first",
        ),
        row("message of a condition", characters(fit::LONGEST_MESSAGE), "the same"),
        row("value of an answer that differs, in a message", characters(expectation::SHOWN), "cut at the end"),
        row("note of an event", bytes(events::NOTE), "cut in the middle"),
        row(
            "events of one kind of one object",
            format!("1 in {}", time(events::SERIES)),
            "counted; the next event has the number in its `series`",
        ),
        row("kinds of events remembered", number(events::MOST), "one is forgotten, and may be written again early"),
    ]
}

fn turns() -> Vec<Row> {
    vec![
        row("reconciles of one namespace at once", number(queue::AT_ONCE), "the others wait; namespaces take turns"),
        row(
            "reconciles of objects that are too large for the cache",
            format!("{} at once", ctx::LARGE_RECONCILES),
            "they wait for each other; others don't wait",
        ),
        row("ConfigMaps and Secrets read at once", number(ctx::LARGE_READS), "the others wait"),
        row(
            "files behind URIs read for their digest at once",
            format!("{}, {} of one identity", remote_files::READERS, remote_files::READERS_OF_ONE),
            "the others wait, with reason `ReadingModel`",
        ),
        row(
            "uploads from URIs at once",
            format!("{}, {} of one identity", ctx::UPLOADS, ctx::UPLOADS_OF_ONE),
            "the write waits for a later reconcile",
        ),
        row(
            "writes in a row of one object in a virtual network while others wait",
            writers::IN_A_ROW.to_string(),
            "the object goes to the end of the queue",
        ),
        row("write in a virtual network without an answer", time(writers::UNANSWERED), "another object may write"),
        row(
            "operation in a virtual network, since it was last seen running",
            format!("{} beyond what Azure asked for", time(writers::UNSEEN)),
            "another object may write",
        ),
        row("turn of an object that was woken and doesn't come", time(writers::RESERVED), "the next object gets it"),
        row(
            "wait in the queue of a virtual network",
            format!("{} per place, at most {}", time(writers::EACH), time(writers::LONGEST)),
            "the object is reconciled anyway",
        ),
    ]
}

fn cluster() -> Vec<Row> {
    vec![
        row(
            "namespaces of `--namespaces`",
            number(args::MOST_NAMESPACES),
            "the operator refuses to start, and says why",
        ),
        row("connections of the admin port at once", number(admin::CONNECTIONS), "the oldest is closed for a new one"),
        row("connection of the admin port", time(admin::CONNECTION_LASTS), "closed"),
        row(
            "head of a request to the admin port",
            format!("{}, {}", time(admin::HEAD), bytes(admin::HELD)),
            "the connection is closed",
        ),
        row(
            "objects with their own series in `/metrics`",
            number(metrics::MOST_NAMED),
            "the first ones by namespace and name have series; `acivnet_objects_without_series` counts the rest",
        ),
        row("times of operations on the lease", bytes(durations::LONGEST_TEXT), "they are learned anew"),
        row("no progress", time(pulse::STUCK), "`/livez` answers 503"),
        row(
            "nodes whose networks are read",
            number(networks::MOST_PAGES * networks::PAGE as usize),
            "an error is logged; what is known stays",
        ),
        row(
            "refused networks kept separately",
            number(networks::MOST),
            "they are merged into larger ones, so neighbouring networks are refused, too",
        ),
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
        let kept = 2 * cached_object::ALL_WHOLE + config_maps::KEPT + config_maps::KEPT_DIRECTORIES + snapshot::ALL;
        // three watches may read a page at once: text, and what is taken out of it
        let passing = 3 * client::LONGEST_LIST * 5 / 2 + ctx::LARGE_READS * 5 * MIB + ctx::LARGE_RECONCILES * 10 * MIB;
        assert!(kept + passing + 12 * MIB <= 128 * MIB, "{} and {} MiB", kept / MIB, passing / MIB);
        // three watches in each of `--namespaces`, of whose lists one of a kind is read at a time; the chart's values say
        // so
        const { assert!(5 * 3 * client::READ_AHEAD <= MIB, "a MiB for every five namespaces") };
    }
}
