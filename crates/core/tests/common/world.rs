//! A little Azure and a little cluster, enough to carry out plans. It knows nothing of core's kinds but their protocol.

use super::objects::{CLUSTER, SERVICE, network, subnet_id, workspace};
use acivnet_api::{AciVnetDeployment, DelegatedSubnet, conditions::reasons};
use acivnet_core::{
    blueprint::Node,
    describe::{Sibling, SubnetUser, has_reached_network, virtual_network_of},
    failure::Failure,
    kinds::web_service::keys,
    observed::{Fact, Observed, Settings, SignIn},
    plan::{Plan, Progress, Request},
    questions::{AzureQuestion, ClusterQuestion, ProbeRequest, Question},
    retry::Retry,
    subject::{Subject, open_questions},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

pub const START: i64 = 1_795_000_000;

/// Refuses a write, or not.
pub type Refusal = fn(&Node, &Request) -> Option<Failure>;

pub struct World {
    pub now: i64,
    /// Nobody told where the cluster's Pods are.
    pub pods_unknown: bool,
    /// ARM bodies by id in lower case.
    pub arm: BTreeMap<String, Value>,
    pub models: Vec<Value>,
    pub services: BTreeMap<String, Value>,
    pub operations: BTreeMap<String, Value>,
    pub log: String,
    /// Digests of files, and text.
    pub files: BTreeMap<String, String>,
    /// What others uploaded, by URL.
    pub uploads: BTreeMap<String, String>,
    pub probe: Result<u16, Failure>,
    /// Body of the answer to a probe.
    pub answer_body: String,
    /// Secrets by name: how often each was changed, and what is in it.
    pub secrets: BTreeMap<String, (u32, BTreeMap<String, String>)>,
    /// The shell's new salts.
    pub salt: char,
    /// Azure's two keys, primary first.
    pub keys: [String; 2],
    /// The key that each probe carried.
    pub probed: std::cell::RefCell<Vec<String>>,
    /// Objects of the cluster as JSON: subnets by name, other subnets, deployments.
    pub subnets: BTreeMap<String, Value>,
    pub others: Vec<Value>,
    pub deployments: Vec<Value>,
    /// Reads that fail: part of the question's text.
    pub unread: BTreeSet<String>,
    pub identity: SignIn,
    pub refuse: Refusal,
    /// New services end as this.
    pub ending: Value,
    /// Passes for which the link stays after the last container group.
    pub link: u32,
    pub writes: Vec<String>,
    pub count: u32,
}

impl Default for World {
    fn default() -> Self {
        let mut world = Self {
            pods_unknown: false,
            now: START,
            arm: BTreeMap::new(),
            models: Vec::new(),
            services: BTreeMap::new(),
            operations: BTreeMap::new(),
            log: String::new(),
            files: BTreeMap::new(),
            uploads: BTreeMap::new(),
            probe: Ok(200),
            answer_body: "[1]".into(),
            secrets: BTreeMap::new(),
            salt: 'a',
            keys: ["azure-1".into(), "azure-2".into()],
            probed: Default::default(),
            subnets: BTreeMap::new(),
            others: Vec::new(),
            deployments: Vec::new(),
            unread: BTreeSet::new(),
            identity: SignIn::Valid,
            refuse: |_, _| None,
            ending: json!({"state": "Healthy"}),
            link: 0,
            writes: Vec::new(),
            count: 0,
        };
        for (key, text) in [("model.pkl", "m1"), ("score.py", "s1"), ("sample.json", "[1]")] {
            world.files.insert(key.into(), text.into());
        }
        world.files.insert("myenv.yml".into(), "dependencies: [python=3.11]".into());
        world.put_arm(&workspace(), json!({"location": "japaneast", "properties": {"provisioningState": "Succeeded"}}));
        world
    }
}

pub fn failure(status: u16, code: &str, reason: &'static str, retry: Retry) -> Failure {
    Failure { status, code: code.into(), message: format!("{code} happened"), retry, reason }
}

pub fn unreachable() -> Failure {
    failure(503, "ServiceUnavailable", reasons::AZURE_UNREACHABLE, Retry::Backoff)
}

impl World {
    pub fn now(&self) -> Timestamp {
        Timestamp::from_second(self.now).unwrap()
    }

    pub fn put_arm(&mut self, id: &str, body: Value) {
        self.arm.insert(id.to_lowercase(), body);
    }

    pub fn arm_body(&mut self, id: &str) -> &mut Value {
        self.arm.get_mut(&id.to_lowercase()).unwrap_or_else(|| panic!("{id} does not stand"))
    }

    pub fn service(&mut self) -> &mut Value {
        self.services.get_mut(SERVICE).expect("the service does not stand")
    }

    /// All that a subject asks, answered.
    pub fn observe<S: Subject>(&self, cr: &S) -> Observed {
        let net = |text: &str| text.parse().unwrap();
        let settings = Settings {
            cluster: CLUSTER.into(),
            scoring_networks: vec![net("10.0.0.0/8")],
            refused_networks: [net("10.96.0.0/16")].into(),
            pods_unknown: self.pods_unknown,
            stalled_after_seconds: 900,
        };
        let mut observed = Observed { settings, ..Observed::default() };
        for round in 0.. {
            let open = open_questions(cr, &observed);
            if open.is_empty() {
                return observed;
            }
            assert!(round < 6, "questions never end: {open:?}");
            for question in open {
                if question.is_azure() {
                    observed.identity = self.identity.clone();
                }
                let fact = self.answer(&question);
                observed.facts.insert(question, fact);
            }
        }
        observed
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each question")]
    fn answer(&self, question: &Question) -> Fact {
        let text = format!("{question:?}");
        if let (true, SignIn::Refused(failure)) = (question.is_azure(), &self.identity) {
            return Fact::Unread(failure.clone());
        }
        if self.unread.iter().any(|part| text.to_lowercase().contains(&part.to_lowercase())) {
            return Fact::Unread(unreachable());
        }
        let found = match question {
            Question::Azure(AzureQuestion::Resource(kind, id)) if kind.name == "WebServiceKeys" => Some(self.compare(id.name())),
            Question::Cluster(ClusterQuestion::Secret(name)) => self.secrets.get(name).map(|(version, data)| {
                let mut fact = json!({"uid": "secret-uid", "resourceVersion": version.to_string(), "keys": data.keys().collect::<Vec<_>>()});
                let flaw = |value: &String| acivnet_core::secret_flaws::of(value.as_bytes()).map(|flaw| flaw.name());
                fact["flaws"] = data.iter().filter_map(|(key, value)| Some((key.clone(), json!(flaw(value)?)))).collect();
                if let Some(certificate) = data.get("tls.crt") {
                    fact["certificate"] = serde_json::from_str(certificate).unwrap();
                }
                fact
            }),
            Question::Cluster(ClusterQuestion::Fingerprints { salt, keys }) => Some(self.fingerprints(salt.clone(), keys)),
            Question::Azure(AzureQuestion::Resource(kind, id)) if kind.name == "WebService" => self.services.get(id.name()).cloned(),
            Question::Azure(AzureQuestion::Resource(kind, id)) if kind.name == "RegisteredModel" => self.labelled(id.name()),
            Question::Azure(AzureQuestion::FileDigest { url, .. }) => self.uploads.get(url).map(|content| file(content, false)),
            Question::Azure(AzureQuestion::Resource(_, id)) => self.arm.get(&id.folded()).cloned().map(|body| self.shown(&id.folded(), body)),
            Question::Azure(AzureQuestion::Models { owner, .. }) => Some(of(&self.models, "/properties/acivnet-owner", owner)),
            Question::Azure(AzureQuestion::NewestModel { name, .. }) => {
                let named = self.models.iter().filter(|one| one["name"] == name.as_str());
                named.max_by_key(|one| one["version"].as_u64()).cloned()
            }
            Question::Azure(AzureQuestion::Operation { id, .. }) => self.operations.get(id).cloned(),
            Question::Azure(AzureQuestion::FailureReason(id)) => self.operations.get(&id.folded()).cloned(),
            Question::Azure(AzureQuestion::ServiceLog(_)) => Some(self.log.clone().into()),
            Question::Cluster(ClusterQuestion::ConfigMap { key, text }) => self.files.get(&key.key).map(|content| file(content, *text)),
            Question::Cluster(ClusterQuestion::ConfigMapFiles { .. }) => Some(self.files.iter().map(|(key, text)| listed(key, text)).collect()),
            Question::Azure(AzureQuestion::RemoteFile(file)) => return self.remote(file),
            Question::Cluster(ClusterQuestion::SourceDirectory(_)) => Some(file(&format!("{:?}", self.files), false)),
            Question::Cluster(ClusterQuestion::DelegatedSubnet(name)) => self.subnets.get(name).cloned(),
            Question::Cluster(ClusterQuestion::OtherDelegatedSubnets { virtual_network }) => {
                let others = self.others.iter().map(|one| serde_json::from_value(one.clone()).unwrap());
                let near = |one: &DelegatedSubnet| one.metadata.namespace.as_deref() == Some("ml");
                let shares = others.filter(|one| virtual_network_of(one) == *virtual_network);
                let shares = shares.filter(|one| near(one) || has_reached_network(one));
                Some(shares.map(|one| json!(Sibling::of(&one))).collect())
            }
            Question::Cluster(ClusterQuestion::Deployments { subnet }) => {
                let users = self.deployments.iter().map(|one| serde_json::from_value(one.clone()).unwrap());
                let users = users.filter(|one: &AciVnetDeployment| one.spec.network.subnet_ref.name == *subnet);
                Some(users.map(|one| json!(SubnetUser::of(&one))).collect())
            }
            Question::Cluster(ClusterQuestion::Probe(ProbeRequest { key: Some(key), .. })) if self.probe == Ok(200) => {
                self.probed.borrow_mut().push(key.key.clone());
                let value = &self.secrets[&key.name].1[&key.key];
                Some(json!({"status": if self.keys.contains(value) { 200 } else { 401 }}))
            }
            Question::Cluster(ClusterQuestion::Probe(ProbeRequest { expect, .. })) => match &self.probe {
                Ok(status) => Some(match expect.unlike(Some(self.answer_body.as_bytes()), &acivnet_core::scrub::Scrubber::default()) {
                    Some(unlike) => json!({"status": status, "unlike": unlike}),
                    None => json!({"status": status}),
                }),
                Err(failure) => return Fact::Unread(failure.clone()),
            },
        };
        found.map_or(Fact::Absent, Fact::Present)
    }

    /// How Azure's keys compare with those in a Secret.
    fn compare(&self, secret: &str) -> Value {
        let Some((_, data)) = self.secrets.get(secret) else { return keys::compared(false, false, false) };
        let same = |name: &str, at: usize| data[name] == self.keys[at];
        keys::compared(true, same("primary", 0), same("secondary", 1))
    }

    fn fingerprints(&self, salt: Option<String>, keys: &[acivnet_api::SecretKeyRef]) -> Value {
        let salt = salt.unwrap_or_else(|| self.salt.to_string().repeat(32));
        let of = |key: &acivnet_api::SecretKeyRef| {
            let value = &self.secrets[&key.name].1[&key.key];
            let digest = acivnet_core::owner::sha256_hex(&[salt.as_bytes(), value.as_bytes()]);
            digest.chars().take(32).collect::<String>()
        };
        json!({"fingerprints": keys.iter().map(of).collect::<Vec<_>>(), "salt": salt})
    }

    /// Somebody makes or changes a Secret.
    pub fn secret(&mut self, name: &str, data: &[(&str, &str)]) {
        let version = self.secrets.get(name).map_or(1, |(version, _)| version + 1);
        let data = data.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        self.secrets.insert(name.to_owned(), (version, data));
    }

    /// The shell reads what it has no digest of in the background.
    fn remote(&self, remote: &acivnet_core::questions::RemoteFile) -> Fact {
        let Some(text) = self.files.get(&remote.uri) else {
            return Fact::Unread(failure(404, "ModelUnreadable", reasons::MODEL_UNREADABLE, Retry::Slowly));
        };
        let mut body = file(text, false);
        let (etag, digest) = (format!("\"{}\"", text.len()), body["digest"].as_str().unwrap().to_owned());
        body["etag"] = etag.clone().into();
        match &remote.known {
            Some(known) if *known != (etag, digest) && self.unread.contains("reading") => {
                Fact::Unread(failure(0, "ReadingModel", reasons::READING_MODEL, Retry::Soon))
            }
            _ => Fact::Present(body),
        }
    }

    fn labelled(&self, label: &str) -> Option<Value> {
        let is_it = |one: &&Value| format!("{}:{}", one["name"].as_str().unwrap(), one["version"]) == label;
        self.models.iter().find(is_it).cloned()
    }

    /// A network shows its subnets.
    fn shown(&self, id: &str, mut body: Value) -> Value {
        if id == network().to_lowercase() {
            let children = self.arm.keys().filter(|key| key.starts_with(&format!("{id}/subnets/")));
            body["properties"]["subnets"] = children.map(|key| child(key, &self.arm[key])).collect();
        }
        body
    }
}

/// Those of a list in which a text stands at a place.
fn of(list: &[Value], place: &str, text: &str) -> Value {
    list.iter().filter(|one| one.pointer(place).and_then(Value::as_str) == Some(text)).cloned().collect()
}

fn child(id: &str, body: &Value) -> Value {
    json!({"id": id, "name": id.rsplit('/').next(), "properties": body["properties"]})
}

fn file(content: &str, text: bool) -> Value {
    let mut body = json!({"digest": format!("sha256:{}", acivnet_core::owner::sha256_hex(&[content.as_bytes()])), "size": content.len()});
    if text {
        body["text"] = content.into();
    }
    body
}

fn listed(key: &str, content: &str) -> Value {
    let mut body = file(content, false);
    body["key"] = key.into();
    body
}
