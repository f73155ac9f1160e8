//! All scenarios, by topic, each with how it has to end.

mod of_others;
mod parts;
mod truth;

use super::{
    actions::{self, adoption, others, portal, service, sources, trouble},
    expect::{self, Expectation},
    scenario::Scenario,
};

/// All of them.
pub fn all() -> impl Iterator<Item = &'static Scenario> {
    [
        CREATE,
        CHANGE,
        SOURCES,
        DELETE,
        DRIFT,
        SHARED,
        OTHERS,
        POLICIES,
        TROUBLE,
        truth::TRUTH,
        parts::EGRESS,
        parts::COMPUTE,
        of_others::OF_OTHERS,
    ]
    .into_iter()
    .flatten()
}

/// The scenario of a name.
pub fn named(name: &str) -> &'static Scenario {
    all().find(|scenario| scenario.name == name).unwrap_or_else(|| panic!("no scenario is called {name}"))
}

/// Creation.
const CREATE: &[Scenario] = &[
    Scenario { name: "network create", prepare: actions::nothing, act: actions::network, ends: expect::network },
    Scenario { name: "article create", prepare: actions::nothing, act: actions::article, ends: expect::article },
    Scenario {
        name: "article create with generated keys",
        prepare: actions::nothing,
        act: service::article_with_generated_keys,
        ends: expect::generated_keys,
    },
    Scenario {
        name: "keys with line ends",
        prepare: actions::network,
        act: service::keys_and_line_ends,
        ends: expect::keys_refused,
    },
    Scenario {
        name: "another answer than expected",
        prepare: actions::article,
        act: service::another_answer,
        ends: expect::another_answer,
    },
    Scenario {
        name: "somebody makes the Secret for the keys",
        prepare: actions::nothing,
        act: service::keys_meanwhile,
        ends: expect::second_keys,
    },
    Scenario {
        name: "network changed while it is made",
        prepare: actions::nothing,
        act: actions::network_changed_while_made,
        ends: expect::tagged_network,
    },
    Scenario {
        name: "model changed while the service is made",
        prepare: actions::nothing,
        act: actions::model_changed_while_made,
        ends: expect::second_model,
    },
];

/// Changes.
const CHANGE: &[Scenario] = &[
    Scenario { name: "model update", prepare: actions::article, act: actions::other_model, ends: expect::second_model },
    Scenario {
        name: "script update",
        prepare: actions::article,
        act: actions::other_script,
        ends: expect::other_script,
    },
    Scenario { name: "tag", prepare: actions::article, act: actions::tag, ends: expect::tagged },
    Scenario { name: "more memory", prepare: actions::article, act: actions::more_memory, ends: expect::more_memory },
    Scenario {
        name: "keys rotated",
        prepare: service::article_with_keys,
        act: service::other_keys,
        ends: expect::second_keys,
    },
    Scenario {
        name: "keys and variables from Secrets",
        prepare: actions::article,
        act: service::secrets,
        ends: expect::secrets,
    },
    Scenario { name: "tls create", prepare: actions::nothing, act: service::article_with_tls, ends: expect::tls },
    Scenario {
        name: "tls renewed",
        prepare: service::article_with_tls,
        act: service::other_certificate,
        ends: expect::second_certificate,
    },
    Scenario { name: "tls off", prepare: service::article_with_tls, act: service::no_tls, ends: expect::no_tls },
    Scenario { name: "telemetry", prepare: actions::article, act: service::telemetry, ends: expect::telemetry },
    Scenario {
        name: "data collection",
        prepare: actions::article,
        act: service::data_collection,
        ends: expect::data_collection,
    },
    Scenario { name: "cpu with approval", prepare: actions::article, act: actions::more_cpu, ends: expect::more_cpu },
];

/// Models and scripts of other sources than one file of a ConfigMap.
const SOURCES: &[Scenario] = &[
    Scenario {
        name: "registered model",
        prepare: actions::article,
        act: sources::registered_model,
        ends: expect::registered_model,
    },
    creation("model in a blob", sources::uri_model, expect::article),
    Scenario {
        name: "model in a blob changed",
        prepare: sources::uri_model,
        act: sources::other_blob,
        ends: expect::second_model,
    },
    creation("directory model", sources::directory_model, expect::article),
    creation("directory model with an empty file", sources::directory_model_with_an_empty_file, expect::article),
    Scenario {
        name: "extra files changed",
        prepare: sources::extra_files,
        act: sources::other_extra_files,
        ends: expect::other_script,
    },
    Scenario {
        name: "extra files taken away",
        prepare: sources::extra_files,
        act: actions::article,
        ends: expect::other_script,
    },
];

/// Deletion.
const DELETE: &[Scenario] = &[
    Scenario {
        name: "delete deployment",
        prepare: actions::article,
        act: actions::delete_deployment,
        ends: expect::network_alone,
    },
    Scenario { name: "delete all", prepare: actions::article, act: actions::delete_all, ends: expect::nothing },
    Scenario {
        name: "namespace deletion",
        prepare: actions::article_with_secret,
        act: actions::delete_namespace,
        ends: expect::no_namespace,
    },
    Scenario {
        name: "delete while creating",
        prepare: actions::nothing,
        act: actions::create_and_delete,
        ends: expect::nothing,
    },
    Scenario {
        name: "delete while the network is made",
        prepare: actions::nothing,
        act: actions::create_and_delete_network,
        ends: expect::nothing,
    },
    Scenario {
        name: "delete and create again",
        prepare: actions::article,
        act: actions::delete_and_create,
        ends: expect::article_again,
    },
    Scenario {
        name: "created again while the old one is going",
        prepare: actions::article,
        act: actions::force_out_and_create,
        ends: expect::article_again,
    },
];

const fn drift(name: &'static str, act: super::bed::Action) -> Scenario {
    Scenario { name, prepare: actions::article, act, ends: expect::article }
}

const fn network_drift(name: &'static str, act: super::bed::Action) -> Scenario {
    Scenario { name, prepare: actions::network, act, ends: expect::network }
}

/// Edits in the portal.
const DRIFT: &[Scenario] = &[
    drift("drift: several at once", portal::several),
    drift("drift: client subnet without group", portal::client_without_group),
    drift("drift: service tags", portal::service_tags),
    drift("drift: service switches", portal::service_switches),
    drift("drift: service deleted", portal::service_deleted),
    drift("drift: model description", portal::model_description),
    Scenario {
        name: "drift: model deleted",
        prepare: actions::article,
        act: portal::model_deleted,
        ends: expect::article_again,
    },
    network_drift("drift: rule added", portal::rule_added),
    network_drift("drift: rule changed", portal::rule_changed),
    network_drift("drift: rule removed", portal::no_rules),
    network_drift("drift: network tags", portal::network_tags),
    network_drift("drift: delegation gone", portal::no_delegation),
    network_drift("drift: group deleted", portal::group_deleted),
    network_drift("drift: network deleted", portal::network_deleted),
    drift("marks lost", portal::marks_lost),
    Scenario {
        name: "marks lost, then deleted",
        prepare: actions::article,
        act: portal::marks_lost_and_deleted,
        ends: expect::nothing,
    },
];

/// Several objects share something.
const SHARED: &[Scenario] = &[
    Scenario {
        name: "second deployment of the same content",
        prepare: actions::article,
        act: actions::second_deployment,
        ends: expect::two_deployments,
    },
    Scenario {
        name: "delete one of two deployments",
        prepare: actions::two_deployments,
        act: actions::delete_deployment,
        ends: expect::second_deployment,
    },
    Scenario { name: "two subnets", prepare: actions::nothing, act: actions::two_networks, ends: expect::two_networks },
    Scenario {
        name: "two subnets, the first deleted first",
        prepare: actions::two_networks,
        act: actions::delete_first_then_second,
        ends: expect::nothing,
    },
    Scenario {
        name: "two subnets, the second deleted first",
        prepare: actions::two_networks,
        act: actions::delete_second_then_first,
        ends: expect::nothing,
    },
    Scenario {
        name: "two subnets deleted at once",
        prepare: actions::two_networks,
        act: actions::delete_both_subnets,
        ends: expect::nothing,
    },
    Scenario {
        name: "foreign subnet before a network write",
        prepare: actions::network,
        act: trouble::subnet_before_network_write,
        ends: expect::network_with_theirs,
    },
    Scenario {
        name: "foreign subnet before a subnet write",
        prepare: actions::nothing,
        act: trouble::subnet_before_subnet_write,
        ends: expect::network_with_theirs,
    },
    Scenario {
        name: "foreign subnet before a subnet deletion",
        prepare: actions::network,
        act: trouble::subnet_before_subnet_deletion,
        ends: expect::theirs_alone,
    },
    Scenario {
        name: "foreign subnet before the network deletion",
        prepare: actions::network,
        act: trouble::subnet_before_network_deletion,
        ends: expect::theirs_alone,
    },
];

/// Others hold what is ours, have the same names, or keep us from reading.
const OTHERS: &[Scenario] = &[
    Scenario {
        name: "held by others",
        prepare: others::network_held,
        act: actions::delete_network,
        ends: expect::held_by_others,
    },
    creation("held by others meanwhile", others::network_held_meanwhile, expect::held_by_both),
    Scenario {
        name: "a group of that name stands",
        prepare: others::group_by_hand,
        act: actions::network,
        ends: expect::group_by_hand,
    },
    Scenario {
        name: "taken over by another cluster",
        prepare: actions::network,
        act: others::group_taken_over_and_deleted,
        ends: expect::their_group,
    },
    Scenario {
        name: "network deletion, group not found",
        prepare: actions::network,
        act: others::delete_while_group_is_not_found,
        ends: expect::nothing,
    },
    Scenario {
        name: "network deletion, rights lost",
        prepare: actions::network,
        act: others::delete_without_rights,
        ends: expect::nothing,
    },
    network_drift("token expires", others::no_rules_later),
    Scenario {
        name: "a stranger names the network first",
        prepare: others::stranger_first,
        act: actions::network,
        ends: expect::network_beside_a_stranger,
    },
    Scenario {
        name: "a network that a stranger names is changed",
        prepare: others::network_after_a_stranger,
        act: actions::tag_network,
        ends: expect::tagged_beside_a_stranger,
    },
    Scenario {
        name: "a stranger pretends to have reached the network",
        prepare: actions::network,
        act: others::pretended_and_tagged,
        ends: expect::tagged_beside_a_stranger,
    },
    Scenario {
        name: "a network that a stranger names is deleted",
        prepare: others::network_after_a_stranger,
        act: others::delete_network_that_a_stranger_uses,
        ends: expect::stranger_alone,
    },
];

/// Adoption and orphaning.
const POLICIES: &[Scenario] = &[
    Scenario { name: "adoption", prepare: adoption::by_hand, act: adoption::adopt, ends: expect::adopted },
    Scenario {
        name: "adoption refused",
        prepare: adoption::of_another_cluster,
        act: adoption::adopt,
        ends: expect::of_another_cluster,
    },
    Scenario {
        name: "adopted, then deleted",
        prepare: adoption::adopted,
        act: actions::delete_all,
        ends: expect::retained,
    },
    Scenario { name: "orphan", prepare: adoption::leaving_orphans, act: actions::delete_all, ends: expect::orphans },
    Scenario {
        name: "orphan, then applied again",
        prepare: adoption::leaving_orphans,
        act: adoption::orphaned_and_applied_again,
        ends: expect::article,
    },
    Scenario {
        name: "deletion given up",
        prepare: adoption::impatient_network,
        act: adoption::delete_without_rights_for_ever,
        ends: expect::orphaned_network,
    },
    Scenario { name: "restart", prepare: actions::article, act: adoption::restart, ends: expect::restarted },
    Scenario {
        name: "restart of what was adopted",
        prepare: adoption::adopted,
        act: adoption::restart,
        ends: expect::restarted,
    },
];

const fn creation(name: &'static str, act: super::bed::Action, ends: Expectation) -> Scenario {
    Scenario { name, prepare: actions::nothing, act, ends }
}

/// Azure fails to do what was requested.
const TROUBLE: &[Scenario] = &[
    creation("network operation fails", trouble::network_fails, expect::network),
    creation("network operation lost", trouble::network_lost, expect::network),
    creation("subnet operation fails", trouble::subnet_fails, expect::network),
    creation("subnet operation canceled", trouble::subnet_canceled, expect::network),
    creation("service operation fails", trouble::service_fails, expect::article),
    creation("service operation canceled", trouble::service_canceled, expect::article),
    creation("service operation lost", trouble::service_lost, expect::article),
    Scenario {
        name: "change of the service fails",
        prepare: actions::article,
        act: trouble::change_fails,
        ends: expect::other_script,
    },
    Scenario {
        name: "deletion of the service fails",
        prepare: actions::article,
        act: trouble::deletion_fails,
        ends: expect::nothing,
    },
    Scenario {
        name: "deletion of the network fails",
        prepare: actions::network,
        act: trouble::network_deletion_fails,
        ends: expect::nothing,
    },
    creation("network not found after its creation", trouble::network_hidden, expect::network),
    creation("subnet not found after its creation", trouble::subnet_hidden, expect::network),
    creation("service not found after its creation", trouble::service_hidden, expect::article),
    creation("model not listed after its registration", trouble::model_hidden, expect::article),
];
