//! What `docs/operations.md` says of the way out is what the code does.

use acivnet_azure::Cloud;
use acivnet_tests::repository;
use std::collections::BTreeSet;

/// The hosts of a cloud's row, without the cell of its name.
fn row(page: &str, cloud: &str) -> BTreeSet<String> {
    let begins = format!("| `{cloud}` |");
    let row = page.lines().find_map(|line| line.strip_prefix(&begins)).unwrap_or_else(|| panic!("no row for {cloud}"));
    row.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_firewall_list_is_what_the_clouds_are_made_of() {
    let page = std::fs::read_to_string(repository().join("docs/operations.md")).expect("the page");
    for cloud in [Cloud::public(), Cloud::us_government(), Cloud::china()] {
        let cloud = cloud.expect("a cloud");
        let hosts: BTreeSet<String> = cloud.hosts().into_iter().collect();
        assert_eq!(row(&page, cloud.name()), hosts, "{} in the table of docs/operations.md", cloud.name());
    }
}
