//! What the command line takes, and what it says of what it does not take.

use super::*;
use clap::CommandFactory;

fn run(arguments: &str) -> Result<Settings, String> {
    let arguments = ["acivnet", "run"].into_iter().chain(arguments.split_whitespace());
    match Arguments::try_parse_from(arguments).map_err(|error| error.to_string())?.command {
        Command::Run(run) => run.settings(),
        Command::Crd | Command::Uninstall(_) => panic!("run was given"),
    }
}

#[test]
fn every_setting_has_its_env_name() {
    let command = Arguments::command();
    let run = command.find_subcommand("run").unwrap();
    let mut settings = 0;
    for argument in run.get_arguments().filter(|argument| argument.get_id() != "help") {
        let name = format!("ACIVNET_{}", argument.get_long().unwrap().replace('-', "_").to_uppercase());
        assert_eq!(argument.get_env().and_then(|env| env.to_str()), Some(name.as_str()));
        assert!(argument.get_help().is_some(), "{name}");
        settings += 1;
    }
    assert_eq!(settings, 25);
    Arguments::command().debug_assert();
}

#[test]
fn defaults_are_those_of_production() {
    let settings = run("").unwrap();
    assert_eq!(settings.cloud.name(), "AzurePublicCloud");
    assert_eq!(
        settings.scoring_networks.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]
    );
    assert_eq!(
        (settings.pace, settings.stalled_after, settings.cluster_networks.len()),
        (1.0, Duration::from_secs(900), 0)
    );
    assert_eq!(settings.admin_address.to_string(), "0.0.0.0:8080");
    assert!(!settings.metrics_per_object);
    for (given, named) in [("", true), ("=true", true), ("=false", false)] {
        assert_eq!(run(&format!("--metrics-per-object{given}")).unwrap().metrics_per_object, named, "{given}");
    }
    let lease = settings.lease.unwrap();
    assert_eq!((lease.namespace.as_str(), lease.duration), ("acivnet-system", Duration::from_secs(15)));
    assert!(run("--leader-election Disabled").unwrap().lease.is_none());
}

#[test]
fn limits_of_the_network_provider_are_the_published_ones_or_within_bounds() {
    let limits = |text: &str| run(text).map(|settings| settings.cloud.network_limits());
    assert_eq!(limits(""), Ok(NetworkLimits { reads: 10_000, writes: 1_000 }));
    let given = limits("--network-writes 50 --network-reads 1000000");
    assert_eq!(given, Ok(NetworkLimits { reads: 1_000_000, writes: 50 }));
    for (text, accepted) in [
        ("--network-writes 49", "50..=100000"),
        ("--network-writes 100001", "50..=100000"),
        ("--network-reads 0", "500..=1000000"),
    ] {
        let refused = limits(text).unwrap_err();
        assert!(refused.contains(accepted), "{refused}");
    }
}

#[test]
fn networks_of_the_cluster_may_be_left_empty_and_of_either_family() {
    let networks = |text: &str| run(&format!("--cluster-networks={text}")).unwrap().cluster_networks.len();
    for (text, count) in [("", 0), (",", 0), ("10.244.0.0/16", 1), ("10.244.0.0/16,fd00::/48,", 2)] {
        assert_eq!(networks(text), count, "{text:?}");
    }
}

#[test]
fn namespaces_are_names_each_once_and_bounded() {
    let names = |text: &str| run(&format!("--namespaces={text}")).map(|settings| settings.namespaces);
    assert!(names("").unwrap().is_empty() && names(",").unwrap().is_empty());
    assert_eq!(names("b,a,b,").unwrap(), ["a", "b"]);
    for wrong in ["A", "a_b", "-a", "a-", &"a".repeat(64)] {
        assert!(names(wrong).unwrap_err().contains("no name of a namespace"), "{wrong}");
    }
    let many = |count: usize| (0..count).map(|at| format!("n{at}")).collect::<Vec<_>>().join(",");
    assert_eq!(names(&many(MOST_NAMESPACES)).unwrap().len(), MOST_NAMESPACES);
    assert!(names(&many(MOST_NAMESPACES + 1)).unwrap_err().contains("more than one operator"));
}

#[test]
fn an_id_of_the_cluster_fits_into_the_owner_mark() {
    let id = |text: &str| run(&format!("--cluster-id={text}")).map(|settings| settings.cluster_id);
    let uuid = "11111111-2222-3333-4444-555555555555";
    assert_eq!(id(uuid).unwrap().as_deref(), Some(uuid));
    assert_eq!(run("").unwrap().cluster_id, None);
    for wrong in ["", "a/b", "A", &"a".repeat(37)] {
        assert!(id(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_proxy_is_a_host_and_nothing_more() {
    for (url, accepted) in [
        ("http://proxy:3128", true),
        ("https://simulator.acivnet-system.svc/", true),
        ("http://user:secret@proxy:3128", false),
        ("http://user@proxy:3128", false),
        ("socks5://proxy:1080", false),
        ("http://proxy:3128/path", false),
        ("http://proxy?x", false),
        ("proxy:3128", false),
    ] {
        let taken = run(&format!("--scoring-proxy {url}"));
        assert_eq!(taken.is_ok(), accepted, "{url}");
        assert!(taken.err().is_none_or(|error| error.contains("--scoring-proxy") && !error.contains("secret")));
    }
    assert_eq!(run("").unwrap().scoring_proxy, None);
}

#[test]
fn hosts_of_models_are_written_as_urls_write_them() {
    for (given, kept) in [
        ("Models.example.org", "models.example.org"),
        ("models.example.org:443", "models.example.org"),
        ("*.example.org:0443", "*.example.org"),
        ("models.example.org:8443", "models.example.org:8443"),
    ] {
        assert_eq!(run(&format!("--model-hosts {given}")).unwrap().models.hosts, [kept]);
    }
}

#[test]
fn what_does_not_go_together_is_named() {
    let custom = "--cloud Custom --resource-manager-endpoint https://localhost:1 --authority-host https://localhost:1 --machine-learning-suffix localhost:1";
    assert_eq!(
        run(&format!("{custom} --blob-suffix localhost:1 --cluster-networks 10.244.0.0/16,10.245.0.0/16"))
            .unwrap()
            .cluster_networks
            .len(),
        2
    );
    for (arguments, words) in [
        (custom.to_owned(), "--cloud Custom also needs --blob-suffix"),
        (
            "--cloud Custom".to_owned(),
            "also needs --resource-manager-endpoint, --authority-host, --machine-learning-suffix, --blob-suffix",
        ),
        ("--authority-host https://a".to_owned(), "--authority-host can only be given with --cloud Custom"),
        (format!("{custom} --blob-suffix https://x/y"), "must have the form HOST[:PORT]"),
        ("--cluster-networks 10.244.0.0".to_owned(), "write 10.244.0.0/16,10.245.0.0/16"),
        ("--cloud Azure".to_owned(), "AzureUSGovernment"),
        ("--lease-duration-seconds 2".to_owned(), "--lease-duration-seconds"),
        ("--model-hosts https://models.example.org".to_owned(), "a host by its name"),
        ("--model-hosts 10.0.0.1".to_owned(), "a host by its name"),
        ("--model-time-limit-seconds 1".to_owned(), "--model-time-limit-seconds"),
        ("--pace 0".to_owned(), "a number from 0.001 to 100"),
        ("--scoring-networks 10.0.0.0/33".to_owned(), "--scoring-networks"),
        ("--admin-address 8080".to_owned(), "--admin-address"),
        ("--log-level loud".to_owned(), "trace"),
    ] {
        let refused = run(&arguments).unwrap_err();
        assert!(refused.contains(words), "{arguments}: {refused}");
    }
}
