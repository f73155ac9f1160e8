//! What became of a tenant: its requests to Azure, its events, and all that explains a failure.

use super::Tenant;
use crate::{golden, logs, simulator::Entry};
use k8s_openapi::api::events::v1::Event;
use kube::{Api, api::ListParams};
use serde_json::Value;

impl Tenant<'_> {
    /// Waits for something in Azure.
    pub async fn until_azure(&self, what: &str, id: &str, reached: impl Fn(Option<&Value>) -> bool) {
        let ask = || async {
            let stands = self.world.azure.resource(id).await;
            if reached(stands.as_ref()) { Ok(()) } else { Err(format!("{stands:?}")) }
        };
        if let Err(why) = crate::eventually(what, ask).await {
            panic!("{why}\n{}", self.story().await);
        }
    }

    /// Every request to Azure that was this tenant's, after number `since`.
    pub async fn requests(&self, since: u64) -> Vec<Entry> {
        let ours = |entry: &Entry| {
            let path = entry.path.to_lowercase();
            let place = path.contains(&self.subscription)
                || path.contains(&self.directory)
                || path.starts_with(&format!("//{}/", self.account()));
            place || entry.caller.as_deref() == Some(&self.client_id)
        };
        self.world.azure.requests(since).await.into_iter().filter(ours).collect()
    }

    /// Number of the last request so far.
    pub async fn mark(&self) -> u64 {
        self.world.azure.requests(0).await.last().map_or(0, |entry| entry.seq)
    }

    /// Writes to Azure after number `since`.
    pub async fn writes(&self, since: u64) -> Vec<Entry> {
        self.requests(since).await.into_iter().filter(golden::is_write).collect()
    }

    /// The requests after number `since`, for a golden file.
    pub async fn golden(&self, since: u64) -> String {
        let names = [
            (self.subscription.as_str(), "{subscription}"),
            (&self.directory, "{tenant}"),
            (&self.account(), "{account}"),
            (&self.service, "{service}"),
        ];
        golden::text(&self.requests(since).await, &names)
    }

    /// Events of the namespace, the oldest first: `Normal Creating Create: message`.
    pub async fn events(&self) -> Vec<String> {
        let list =
            Api::<Event>::namespaced(self.world.bed.client(), &self.namespace).list(&ListParams::default()).await;
        let mut events = list.expect("events").items;
        events.sort_by_key(|event| event.event_time.as_ref().map(|time| time.0));
        let line = |event: &Event| {
            let word = |text: &Option<String>| text.clone().unwrap_or_default();
            format!("{} {} {}: {}", word(&event.type_), word(&event.reason), word(&event.action), word(&event.note))
        };
        events.iter().map(line).collect()
    }

    /// Everything that helps to explain a failure: objects, events, requests, logs.
    pub async fn story(&self) -> String {
        let mut story = String::new();
        for object in [self.subnet(), self.deployment()] {
            for one in self.api(&object).list(&ListParams::default()).await.map(|list| list.items).unwrap_or_default() {
                story.push_str(&format!(
                    "\n--- {} {}\n{:#}\n",
                    object.0["kind"],
                    one.metadata.name.unwrap_or_default(),
                    one.data["status"]
                ));
            }
        }
        story
            .push_str(&format!("\n--- events\n{}\n\n--- the last requests to Azure\n", self.events().await.join("\n")));
        let requests = self.requests(0).await;
        for Entry { seq, verb, path, status, .. } in requests.iter().rev().take(40).rev() {
            story.push_str(&format!("{seq} {verb} {path} -> {status}\n"));
        }
        story.push_str("\n--- the last log lines\n");
        let logs = logs::all();
        let lines: Vec<&str> =
            logs.lines().filter(|line| line.contains(&self.namespace) || line.contains("ERROR")).collect();
        story.push_str(&lines[lines.len().saturating_sub(30)..].join("\n"));
        story
    }
}
