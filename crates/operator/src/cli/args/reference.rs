//! The reference of the settings, written from the command line's own definition.

use super::Arguments;
use clap::{Arg, CommandFactory};

/// Flag, env name, default, meaning.
fn row(setting: &Arg) -> Option<String> {
    let (flag, env) = (setting.get_long()?, setting.get_env()?.to_string_lossy());
    let defaults: Vec<_> = setting.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    let default = if defaults.is_empty() { "–".to_owned() } else { format!("`{}`", defaults.join(",")) };
    let meaning = setting.get_help()?.to_string().replace('|', "\\|");
    let values: Vec<_> = setting.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    let values = if values.is_empty() { String::new() } else { format!(" One of {}.", values.join(", ")) };
    Some(format!("| `--{flag}` | `{env}` | {default} | {meaning}.{values} |"))
}

/// The reference, in Markdown.
pub fn reference() -> String {
    let command = Arguments::command();
    let run = command.find_subcommand("run").into_iter();
    let rows: Vec<String> = run.flat_map(|run| run.get_arguments().filter_map(row)).collect();
    format!(
        "# The settings of `acivnet run`\n\n\
         Each is an argument or an environment variable; the argument wins if both are given. Separate the items of a list \
         by commas. On the shipped Deployment:\n\n    \
         kubectl -n acivnet-system set env deployment/acivnet ACIVNET_CLUSTER_NETWORKS=10.244.0.0/16\n\n\
         or, to keep it across `kubectl apply -k`, as a patch in your own kustomization:\n\n\
         ```yaml\n\
         apiVersion: kustomize.config.k8s.io/v1beta1\n\
         kind: Kustomization\n\
         resources:\n  \
         - <path or URL of deploy/operator>\n\
         patches:\n  \
         - target: {{kind: Deployment, name: acivnet}}\n    \
         patch: |\n      \
         apiVersion: apps/v1\n      \
         kind: Deployment\n      \
         metadata: {{name: acivnet}}\n      \
         spec: {{template: {{spec: {{containers: [{{name: acivnet, env: [{{name: ACIVNET_CLUSTER_NETWORKS, value: 10.244.0.0/16}}]}}]}}}}}}\n\
         ```\n\n\
         Written from `crates/operator/src/cli/args/mod.rs` by the test `generated` under `ACIVNET_BLESS=1`; do not edit.\n\n\
         | argument | environment | default | meaning |\n|---|---|---|---|\n{}\n",
        rows.join("\n")
    )
}
