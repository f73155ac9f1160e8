//! Rules of an `AciVnetDeployment` about more than one text, and its quantities.

use super::{
    NAME, OWN_TAG, Rule,
    Try::{self, Change, New},
    rule,
};
use acivnet_tests::examples;
use serde_json::{Value, json};

#[expect(clippy::too_many_lines, reason = "a table")]
pub(super) fn table() -> Vec<Rule> {
    let deployment = examples::deployment;
    let with = |pointer: &str, value: Value| New(examples::deployment().with(pointer, value));
    let several = |pointer: &str, values: &[Value]| -> Vec<Try> {
        values.iter().map(|value| New(examples::deployment().with(pointer, value.clone()))).collect()
    };
    let named_service = deployment().with("/spec/backend/azureMLWebService/serviceName", "churn");
    let own_group = deployment().with("/spec/workspace/resourceGroup", "amlrg");
    let one = |name: &str| json!([{"name": name, "value": "x"}]);
    let hostname =
        |name: &str| New(deployment().with("/spec/tls", json!({"secretRef": {"name": "churn-tls"}, "hostname": name})));
    let with_properties = |list: Value| examples::deployment().with("/spec/backend/azureMLWebService/properties", list);
    vec![
        rule(
            NAME,
            [New(named_service.clone().named(&"a".repeat(63)))],
            [New(named_service.clone().named(&"a".repeat(64)))],
        ),
        rule(
            "metadata.name is the name of the web service: 3 to 32 lower-case letters, digits and '-', beginning with a letter and not ending with '-'; or set backend.azureMLWebService.serviceName",
            [
                New(deployment().named("abc")),
                New(deployment().named(&"a".repeat(32))),
                New(deployment().named("a-1")),
                New(named_service.clone().named("1.2")),
            ],
            ["ab", "1abc", "a.b.c"]
                .map(|name| New(deployment().named(name)))
                .into_iter()
                .chain([New(deployment().named(&"a".repeat(33)))]),
        ),
        rule(
            "backend.azureMLWebService.serviceName cannot change; create a new AciVnetDeployment",
            [
                Change(named_service.clone(), named_service.clone().with("/spec/description", "other")),
                Change(deployment(), deployment().with("/spec/backend/azureMLWebService", json!({}))),
            ],
            [
                Change(
                    named_service.clone(),
                    named_service.clone().with("/spec/backend/azureMLWebService/serviceName", "other"),
                ),
                Change(named_service.clone(), deployment()),
                Change(deployment(), named_service.clone()),
            ],
        ),
        rule(
            "workspace cannot change; create a new AciVnetDeployment",
            [Change(own_group.clone(), own_group.clone().with("/spec/description", "other"))],
            [
                Change(deployment(), deployment().with("/spec/workspace/name", "other")),
                Change(deployment(), own_group.clone()),
                Change(own_group.clone(), deployment()),
                Change(own_group.clone(), own_group.clone().with("/spec/workspace/resourceGroup", "other")),
            ],
        ),
        rule(
            "backend.azureMLWebService.properties is add-only, as in Azure: none can be changed or removed; create a new AciVnetDeployment",
            [
                Change(deployment(), with_properties(json!([{"name": "a", "value": "1"}]))),
                Change(
                    with_properties(json!([{"name": "a", "value": "1"}])),
                    with_properties(json!([{"name": "b", "value": "2"}, {"name": "a", "value": "1"}])),
                ),
            ],
            [json!([{"name": "a", "value": "2"}]), json!([{"name": "b", "value": "1"}]), json!([])]
                .map(|changed| Change(with_properties(json!([{"name": "a", "value": "1"}])), with_properties(changed)))
                .into_iter()
                .chain([
                    Change(with_properties(one("a")), deployment()),
                    Change(with_properties(one("a")), deployment().with("/spec/backend/azureMLWebService", json!({}))),
                ]),
        ),
        rule(
            "auth.keys is required with type: Key, and allowed only with it",
            [
                with("/spec/auth", json!({"type": "None"})),
                with("/spec/auth", json!({"type": "Key", "keys": {"secretRef": {"name": "a"}}})),
            ],
            [
                with("/spec/auth", json!({"type": "Key"})),
                with("/spec/auth", json!({"type": "None", "keys": {"secretRef": {"name": "a"}}})),
            ],
        ),
        rule(
            "tls.hostname must be a DNS name in lower case with a dot in it, such as churn.ml.corp",
            ["churn.ml.corp", "a.b", "xn--bcher-kva.example", "1.a-b.corp"].map(hostname),
            ["churn", "Churn.ml.corp", "10.0.1.4", "*.ml.corp", "churn..corp", "-churn.corp", "churn.corp/score"]
                .map(hostname),
        ),
        rule(
            "set exactly one of value and valueFrom",
            [with("/spec/scoring/environmentVariables", json!([examples::from_secret(), {"name": "A", "value": ""}]))],
            [
                with("/spec/scoring/environmentVariables", json!([{"name": "A"}])),
                New(deployment()
                    .with("/spec/scoring/environmentVariables", json!([examples::from_secret()]))
                    .with("/spec/scoring/environmentVariables/0/value", "x")),
            ],
        ),
        rule(OWN_TAG, [with("/spec/azure/tags", one("owner"))], [with("/spec/azure/tags", one("acivnet-owner"))]),
        rule(
            "names that begin with acivnet- are the controller's own marks",
            [with("/spec/model/properties", one("acivnet")), with("/spec/model/tags", one("team"))],
            [with("/spec/model/properties", one("acivnet-key")), with("/spec/model/tags", one("acivnet-"))],
        ),
        rule(
            "set exactly one source: configMap, registered or uri",
            [
                New(deployment()),
                with("/spec/model/source", json!({"configMap": {"name": "churn"}})),
                with("/spec/model/source", json!({"registered": {}})),
                with("/spec/model/source", json!({"uri": "https://stml.blob.core.windows.net/models/v1/model.pkl"})),
                with("/spec/model/source", json!({"registered": {"version": "7"}})),
            ],
            several(
                "/spec/model/source",
                &[
                    json!({}),
                    json!({"configMap": {"name": "churn"}, "registered": {"version": "7"}}),
                    json!({"registered": {}, "uri": "https://a.example.org/m"}),
                ],
            ),
        ),
        rule(
            "a registered version is used as it is; set description, framework, tags and properties only for a model that is registered here",
            [with("/spec/model", json!({"name": "m", "source": {"registered": {}}}))],
            several(
                "/spec/model",
                &[
                    json!({"name": "m", "source": {"registered": {}}, "description": "x"}),
                    json!({"name": "m", "source": {"registered": {}}, "framework": "Onnx"}),
                    json!({"name": "m", "source": {"registered": {}}, "tags": [{"name": "a", "value": "b"}]}),
                    json!({"name": "m", "source": {"registered": {}}, "properties": [{"name": "a", "value": "b"}]}),
                ],
            ),
        ),
        rule(
            "must be the name of a file, such as score.py; . and .. are directories",
            [with("/spec/model/source/configMap/key", json!("..."))],
            several("/spec/model/source/configMap/key", &[json!("."), json!("..")]),
        ),
        rule(
            "the key must be the name of a Python module, such as score.py",
            [with("/spec/scoring/script/configMap/key", json!("_my_score2.py"))],
            several(
                "/spec/scoring/script/configMap/key",
                &[json!("score"), json!("2score.py"), json!("my-score.py"), json!("score.pyc"), json!("a.b.py")],
            ),
        ),
        rule(
            "frameworkVersion needs framework",
            [
                with("/spec/model/framework", json!("Onnx")),
                New(deployment().with("/spec/model/framework", "Onnx").with("/spec/model/frameworkVersion", "1.2")),
            ],
            [with("/spec/model/frameworkVersion", json!("1.2"))],
        ),
        rule(
            "names that begin with AZUREML_ belong to Azure ML",
            [with("/spec/scoring/environmentVariables", one("AZURE_ML"))],
            [with("/spec/scoring/environmentVariables", one("AZUREML_MODEL_DIR"))],
        ),
        rule(
            "names that begin with Microsoft or AzureML belong to Azure ML",
            [with("/spec/environment/name", json!("my-AzureML"))],
            several("/spec/environment/name", &[json!("AzureML-mine"), json!("Microsoft1")]),
        ),
        rule(
            "cpu must be a quantity of cores, 0.05 to 31, such as 1, \"0.5\" (in quotes) or 500m; Azure counts in steps of 0.1",
            several("/spec/resources/cpu", &[json!(1), json!(31)]).into_iter().chain(
                ["1", "500m", "0.5", "31000m", "50m", "0.05", ".5", "1.", "+1", "1e0", "5E-1", "100000u", "0.25"]
                    .map(|cpu| with("/spec/resources/cpu", json!(cpu))),
            ),
            several("/spec/resources/cpu", &[json!(0), json!(32), json!(-1)]).into_iter().chain(
                [
                    "0", "-1", "31001m", "one", "", "1n", "1m", "49m", "0.04", "1k", "1Ki", "1e3", "0.5 ", "0,5",
                    "1 core", "1e-9",
                ]
                .map(|cpu| with("/spec/resources/cpu", json!(cpu))),
            ),
        ),
        rule(
            "memory must be a quantity of bytes with its unit, 100M to 240G, such as 400M, \"1.5G\" or 2Gi; 400m is 0.4 bytes, and 512 is 512 bytes",
            several("/spec/resources/memory", &[json!(1_000_000_000), json!(240_000_000_000_u64)]).into_iter().chain(
                [
                    "1G",
                    "512Mi",
                    "240G",
                    "1e9",
                    "1E9",
                    "100M",
                    "0.1G",
                    ".5G",
                    "2Gi",
                    "0.2T",
                    "1000000000000m",
                    "0.0001P",
                ]
                .map(|memory| with("/spec/resources/memory", json!(memory))),
            ),
            several("/spec/resources/memory", &[json!(0), json!(512), json!(2)]).into_iter().chain(
                [
                    "0", "-1G", "241G", "224Gi", "1 GB", "1.5GB", "1.5", "", "400m", "2000m", "99M", "95Mi", "1T",
                    "1E", "1e12", "2g", "2gb",
                ]
                .map(|memory| with("/spec/resources/memory", json!(memory))),
            ),
        ),
        rule(
            "must be a regular expression (RE2)",
            several("/spec/probe/expect/bodyMatches", &[json!("^\\[[0-9.]+"), json!("(?i)churn"), json!("a{1,3}|\\d")]),
            several("/spec/probe/expect/bodyMatches", &[json!("("), json!("[a"), json!("*"), json!("(?=a)")]),
        ),
        rule(
            "timeoutSeconds must be less than intervalSeconds",
            [
                with("/spec/probe/intervalSeconds", json!(11)),
                New(deployment().with("/spec/probe/intervalSeconds", 61).with("/spec/probe/timeoutSeconds", 60)),
            ],
            [
                with("/spec/probe/intervalSeconds", json!(10)),
                New(deployment().with("/spec/probe/intervalSeconds", 30).with("/spec/probe/timeoutSeconds", 30)),
            ],
        ),
    ]
}
