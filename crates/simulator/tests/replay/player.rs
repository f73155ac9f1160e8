//! Plays one recording to a simulator and compares answer by answer.

use crate::azure::{Answer, Azure, SUBSCRIPTION};
use crate::compare::{Comparison, Difference, What};
use crate::recordings::{Exchange, Recording, bare, is_under_way, state_of};
use regex::Regex;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// Regions of recordings that the simulated Azure does not have are played as this one.
const REGION: &str = "eastus";

pub enum Outcome {
    Compared(Vec<Difference>),
    /// Why the two answers say nothing about each other.
    NotComparable(&'static str),
}

pub struct Player {
    azure: Azure,
    regions: BTreeSet<String>,
    /// URLs of operations: those of Azure, without what comes and goes, and those of the simulator.
    operations: BTreeMap<String, String>,
    /// Etags of Azure and of the simulator.
    etags: BTreeMap<String, String>,
    groups: BTreeSet<String>,
    made: BTreeSet<String>,
    /// What could not be made here, so that nothing below it can be compared.
    broken: Vec<String>,
}

impl Player {
    pub async fn new() -> Self {
        let azure = Azure::new().await;
        let path = format!("/subscriptions/{SUBSCRIPTION}/locations?api-version=2022-12-01");
        let listed = azure.send("GET", &path, None, &BTreeMap::new()).await.body.unwrap();
        let regions = listed["value"].as_array().unwrap().iter();
        Self {
            azure,
            regions: regions.map(|region| region["name"].as_str().unwrap().to_owned()).collect(),
            operations: BTreeMap::new(),
            etags: BTreeMap::new(),
            groups: BTreeSet::new(),
            made: BTreeSet::new(),
            broken: Vec::new(),
        }
    }

    pub async fn play(mut self, recording: &Recording) -> Vec<(Exchange, Outcome)> {
        let mut results = Vec::new();
        for exchange in &recording.exchanges {
            let exchange = self.relocated(exchange);
            let outcome = if exchange.poll { self.poll(&exchange).await } else { self.ask(&exchange).await };
            results.push((exchange, outcome));
        }
        results
    }

    /// The same exchange in a region that the simulator has.
    fn relocated(&self, exchange: &Exchange) -> Exchange {
        static LOCATION: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#""location": ?"([A-Za-z0-9 ]+)""#).unwrap());
        let texts = |body: &Option<Value>| body.as_ref().map(Value::to_string).unwrap_or_default();
        let text = format!("{}{}", texts(&exchange.request), texts(&exchange.response));
        let is_unknown = |name: &str| {
            let folded = name.replace(' ', "").to_ascii_lowercase();
            folded != "global" && !self.regions.contains(&folded)
        };
        let mut moved = exchange.clone();
        for name in LOCATION.captures_iter(&text).map(|found| found[1].to_owned()).filter(|name| is_unknown(name)) {
            let replaced = |body: &Option<Value>| {
                let text = body.as_ref()?.to_string().replace(&format!("\"{name}\""), &format!("\"{REGION}\""));
                serde_json::from_str(&text).ok()
            };
            (moved.request, moved.response) = (replaced(&moved.request), replaced(&moved.response));
            for value in moved.headers.values_mut() {
                *value = value.replace(&format!("/locations/{name}/"), &format!("/locations/{REGION}/"));
            }
        }
        moved
    }

    async fn ask(&mut self, exchange: &Exchange) -> Outcome {
        let path = bare(&exchange.path);
        let passing = is_under_way(&exchange.state());
        if exchange.method != "GET" || !passing {
            self.azure.settle();
        }
        self.provide_group(exchange, &path).await;
        if self.broken.iter().any(|broken| path.starts_with(broken)) {
            return Outcome::NotComparable("after what the simulator could not make");
        }
        let request = request_of(exchange);
        if request.is_none() && exchange.method == "PUT" {
            return Outcome::NotComparable("the request was not kept");
        }
        let answer = self.send(exchange, request.as_ref()).await;
        if exchange.method == "PUT" {
            self.made.insert(path.clone());
        }
        if answer.status == 404 && exchange.method == "GET" && exchange.status == 200 && !self.made.contains(&path) {
            return Outcome::NotComparable("stood before the recording began");
        }
        self.remember(exchange, &answer);
        if exchange.method == "GET" && passing && state_of(answer.body.as_ref()) != exchange.state() {
            return Outcome::NotComparable("seen at another moment");
        }
        if exchange.method == "PUT" && exchange.status < 300 && answer.status >= 300 {
            self.broken.push(path);
        }
        self.compare(exchange, &answer)
    }

    async fn send(&self, exchange: &Exchange, request: Option<&Value>) -> Answer {
        let ours = |(name, value): (&String, &String)| {
            (name.clone(), self.etags.get(value).cloned().unwrap_or_else(|| value.clone()))
        };
        let conditions = exchange.conditions.iter().map(ours).collect();
        self.azure.send(&exchange.method, &exchange.path, request, &conditions).await
    }

    fn compare(&mut self, exchange: &Exchange, answer: &Answer) -> Outcome {
        let mut found = Comparison::default();
        if exchange.status != answer.status {
            let code = |body: Option<&Value>| body.and_then(code_of).unwrap_or_default();
            let azure = format!("{} {}", exchange.status, code(exchange.response.as_ref()));
            let simulator = format!("{} {}", answer.status, code(answer.body.as_ref()));
            found.add(What::Status, format!("status {}", azure.trim()), azure.trim(), simulator.trim());
        }
        if exchange.status / 100 == answer.status / 100 {
            let expected = exchange.response.as_ref().map(|body| self.without_older(body));
            found.headers(&exchange.headers, &answer.headers);
            found.bodies(expected.as_ref(), answer.body.as_ref());
            if let (Some(azure), Some(simulator)) = (&expected, &answer.body) {
                self.pair_etags(azure, simulator);
            }
        }
        Outcome::Compared(found.0)
    }

    /// A list without resources that the recording did not make.
    fn without_older(&self, body: &Value) -> Value {
        let mut body = body.clone();
        let is_ours = |entry: &Value| {
            let id = entry.get("id").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
            !id.contains("/providers/") || self.made.iter().any(|made| id.starts_with(made))
        };
        if let Some(list) = body.get_mut("value").and_then(Value::as_array_mut) {
            list.retain(is_ours);
        }
        body
    }

    fn pair_etags(&mut self, azure: &Value, simulator: &Value) {
        match (azure, simulator) {
            (Value::Object(azure), Value::Object(simulator)) => {
                for (name, value) in azure {
                    match (value, simulator.get(name)) {
                        (Value::String(one), Some(Value::String(other))) if name == "etag" => {
                            self.etags.insert(one.clone(), other.clone());
                        }
                        (value, Some(other)) => self.pair_etags(value, other),
                        _ => {}
                    }
                }
            }
            (Value::Array(azure), Value::Array(simulator)) => {
                azure.iter().zip(simulator).for_each(|(one, other)| self.pair_etags(one, other));
            }
            _ => {}
        }
    }

    /// Which URL of the simulator stands for which of Azure's.
    fn remember(&mut self, exchange: &Exchange, answer: &Answer) {
        for name in ["azure-asyncoperation", "location"] {
            if let (Some(azure), Some(simulator)) = (exchange.headers.get(name), answer.headers.get(name)) {
                self.operations.insert(bare(azure), simulator.clone());
            }
        }
    }

    /// The question about an operation, at the simulator's URL, at the end of the operation where Azure's had ended.
    async fn poll(&mut self, exchange: &Exchange) -> Outcome {
        let Some(url) = self.operations.get(&bare(&exchange.path)).cloned() else {
            return Outcome::NotComparable("an operation that the simulator did not begin");
        };
        let was_passing = exchange.status == 202 || is_under_way(&exchange.state());
        if !was_passing {
            self.azure.settle();
        }
        let answer = self.azure.send("GET", &url, None, &BTreeMap::new()).await;
        if was_passing != (answer.status == 202 || is_under_way(&state_of(answer.body.as_ref()))) {
            return Outcome::NotComparable("seen at another moment");
        }
        self.remember(exchange, &answer);
        self.compare(exchange, &answer)
    }

    /// Makes a group that stood before the recording began.
    async fn provide_group(&mut self, exchange: &Exchange, path: &str) {
        let words: Vec<&str> = path.split('/').collect();
        let ["", "subscriptions", _, "resourcegroups", group, below @ ..] = words.as_slice() else { return };
        let is_of_group = below.is_empty() && ["PUT", "HEAD"].contains(&exchange.method.as_str());
        if !self.groups.insert((*group).to_owned()) || is_of_group || exchange.status == 404 {
            return;
        }
        let name = exchange.path.split('/').nth(4).and_then(|name| name.split('?').next()).unwrap_or(group);
        let url = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{name}?api-version=2021-04-01");
        self.azure.send("PUT", &url, Some(&json!({"location": REGION})), &BTreeMap::new()).await;
    }
}

/// The request; where the recorder keeps none, what it must have been by the answer.
fn request_of(exchange: &Exchange) -> Option<Value> {
    let is_write = ["PUT", "PATCH"].contains(&exchange.method.as_str()) && exchange.status < 300;
    let answered = || exchange.response.clone().filter(|body| is_write && body.is_object());
    exchange.request.clone().or_else(|| answered().map(writable))
}

/// A body without what only the service writes.
fn writable(mut body: Value) -> Value {
    const READ_ONLY: &[&str] = &[
        "provisioningState",
        "resourceGuid",
        "etag",
        "instanceView",
        "ipConfigurations",
        "ipConfiguration",
        "defaultSecurityRules",
    ];
    match &mut body {
        Value::Object(members) => {
            members.retain(|name, _| !READ_ONLY.contains(&name.as_str()));
            members.values_mut().for_each(|value| *value = writable(value.take()));
        }
        Value::Array(entries) => entries.iter_mut().for_each(|value| *value = writable(value.take())),
        _ => {}
    }
    body
}

fn code_of(body: &Value) -> Option<String> {
    let error = body.get("error").or_else(|| body.get("Error")).unwrap_or(body);
    let text = |name: &str| error.get(name).and_then(Value::as_str);
    text("code").or_else(|| text("Code")).map(str::to_owned)
}
