//! Azure's error bodies, in all the shapes that are met, and what they mean.

use crate::{answer::Answer, observe::Class, throttle};
use acivnet_api::conditions::reasons;
use acivnet_core::{
    failure::Failure,
    retry::{Retry, classify},
    scrub::Scrubber,
};
use jiff::Timestamp;
use serde_json::Value;
use std::time::Duration;

/// Nesting that is followed: an error in the `details` of another, again as text in a message, and some to spare.
const DEEPEST: usize = 8;
/// Statements that are read, so that a body that is made up costs no time.
const MOST: usize = 32;
/// Longest error body that is taken apart, in bytes: no error of Azure is as long.
pub const LONGEST: usize = 256 << 10;

/// There was no usable answer. `text` has passed the scrubber or is ours.
pub(crate) fn unreachable(what: &str, text: &str) -> Failure {
    let message = format!("{what}: {text}; check the network path from the cluster to Azure");
    Failure::local("NoAnswer", Scrubber::default().clean(&message), Retry::Backoff, reasons::AZURE_UNREACHABLE)
}

/// What an error body says, the innermost statement first.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Refusal {
    statements: Vec<Statement>,
    /// `statusCode` of the flat form, by which the data plane says "not found".
    pub(crate) status_code: Option<u64>,
    policy: Option<String>,
}

#[derive(Debug, Default, PartialEq)]
struct Statement {
    code: String,
    message: String,
}

impl Refusal {
    /// Reads the body of an answer that is not a success; nothing in it can make this fail.
    pub(crate) fn read(answer: &Answer) -> Self {
        let mut refusal = Self::of_bytes(&answer.body);
        let code = answer.header("x-ms-error-code").unwrap_or_default();
        if refusal.codes().is_empty() && !code.is_empty() {
            refusal.statements.insert(0, Statement { code: code.to_owned(), message: String::new() });
        }
        refusal
    }

    fn of_bytes(body: &[u8]) -> Self {
        let short = Some(body).filter(|body| body.len() <= LONGEST);
        match short.and_then(|body| serde_json::from_slice(body).ok()) {
            Some(json) => Self::of_json(&json),
            None => Self {
                statements: vec![of_text(&String::from_utf8_lossy(body.get(..4096).unwrap_or(body)))],
                ..Self::default()
            },
        }
    }

    /// Reads an error in JSON: ARM's form, the flat form, or the error of an operation.
    pub(crate) fn of_json(body: &Value) -> Self {
        let mut refusal = Self::default();
        refusal.gather(body, 0);
        refusal
    }

    fn gather(&mut self, value: &Value, depth: usize) {
        if depth > DEEPEST || self.statements.len() >= MOST {
            return;
        }
        match value {
            Value::Object(_) => self.gather_object(value, depth),
            Value::Array(items) => items.iter().for_each(|item| self.gather(item, depth + 1)),
            Value::String(text) => self.gather_text(text, depth),
            _ => {}
        }
    }

    fn gather_object(&mut self, value: &Value, depth: usize) {
        for inner in ["details", "innererror", "innerError", "InnerError"] {
            if let Some(inner) = value.get(inner).filter(|inner| inner.is_object() || inner.is_array()) {
                self.gather(inner, depth + 1);
            }
        }
        if let Some(error) = member(value, "error") {
            self.gather(error, depth + 1);
        }
        let message =
            member(value, "message").or_else(|| value.get("title")).and_then(Value::as_str).unwrap_or_default();
        if message.trim_start().starts_with('{') {
            self.gather_text(message, depth);
        }
        let code = member(value, "code").map(text_of).unwrap_or_default();
        if !code.is_empty() || !message.is_empty() {
            self.statements.push(Statement { code, message: message.to_owned() });
        }
        self.status_code = self.status_code.or_else(|| member(value, "statusCode").and_then(Value::as_u64));
        self.policy = self.policy.take().or_else(|| policy(value));
    }

    /// A whole error as JSON in a string, or a plain sentence.
    fn gather_text(&mut self, text: &str, depth: usize) {
        match serde_json::from_str::<Value>(text) {
            Ok(json) if json.is_object() => self.gather(&json, depth + 1),
            _ if depth == 0 || !text.trim_start().starts_with('{') => {
                self.statements.push(Statement { code: String::new(), message: text.to_owned() })
            }
            _ => {}
        }
    }

    /// The codes, innermost first.
    pub(crate) fn codes(&self) -> Vec<&str> {
        self.statements.iter().map(|one| one.code.as_str()).filter(|code| !code.is_empty()).collect()
    }

    /// Whether there is at least one code and all of them are among these.
    pub(crate) fn says_only(&self, allowed: &[&str]) -> bool {
        let codes = self.codes();
        !codes.is_empty() && codes.iter().all(|code| allowed.contains(code))
    }

    /// Whether one of these codes is among the codes.
    pub(crate) fn says(&self, wanted: &[&str]) -> bool {
        self.codes().iter().any(|code| wanted.contains(code))
    }

    /// Whether a message holds this text.
    pub(crate) fn mentions(&self, text: &str) -> bool {
        self.statements.iter().any(|one| one.message.contains(text))
    }

    /// The statement that decides: the first whose code is known, else the first with a code, else the first.
    fn telling(&self) -> (&str, &str) {
        let by = |wanted: fn(&str) -> bool| self.statements.iter().find(|one| wanted(&one.code));
        let Some(found) = by(known).or_else(|| by(|code| !code.is_empty())).or(self.statements.first()) else {
            return ("", "");
        };
        let message = if found.message.is_empty() {
            self.statements.iter().map(|one| one.message.as_str()).find(|text| !text.is_empty())
        } else {
            None
        };
        (&found.code, message.unwrap_or(&found.message))
    }

    /// Code and message of the statement that decides, with what to do about it. Nothing when neither is there.
    pub(crate) fn code_and_message(&self, scrubber: &Scrubber) -> Option<(String, String)> {
        let (code, message) = self.telling();
        let (_, reason) = classify(200, &self.codes());
        let said = self.explained(message, reason);
        (!code.is_empty() || !said.is_empty()).then(|| (scrubber.clean(code), scrubber.clean(&said)))
    }

    /// The failure it stands for. `what` names verb and resource; `wait` is the answer's `Retry-After`;
    /// one of no length would ask for an endless hurry and counts as none.
    pub(crate) fn failure(
        &self,
        status: u16,
        what: &str,
        wait: Option<Duration>,
        class: Class,
        scrubber: &Scrubber,
    ) -> Failure {
        let (code, message) = self.telling();
        let (retry, reason) = self.name_taken().unwrap_or_else(|| class_of(status, &self.codes(), class));
        let retry = match (retry, wait.filter(|wait| !wait.is_zero())) {
            (Retry::Soon | Retry::Backoff, Some(wait)) => Retry::After(wait),
            (retry, _) => retry,
        };
        let plain = http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
        let said = self.explained(message, reason);
        let text = match (code.is_empty(), plain) {
            (true, Some(plain)) if said.is_empty() || said.contains(plain) => format!("{what}: {status} {plain}"),
            (true, _) => format!("{what}: {status}: {said}"),
            (false, _) if said.is_empty() => format!("{what}: {status} {code}"),
            (false, _) => format!("{what}: {status} {code}: {said}"),
        };
        let code = if code.is_empty() { format!("Http{status}") } else { scrubber.clean(code) };
        let text = scrubber.clean(&text);
        Failure { status, code, message: text, retry, reason }
    }

    /// A compute instance's name is unique in its region, and the refusal has a message and no code
    /// (MicrosoftDocs/pipelines-azureml#19).
    fn name_taken(&self) -> Option<(Retry, &'static str)> {
        let taken = self.mentions("Compute name") && self.mentions("Reason: AlreadyExists");
        taken.then_some((Retry::Slowly, reasons::COMPUTE_NAME_TAKEN))
    }

    /// The message in fewer words where Azure's are many and the telling ones come last, and what to do where they do not
    /// say it.
    fn explained(&self, message: &str, reason: &'static str) -> String {
        if let Some(policy) = &self.policy {
            return format!("refused by {policy}; change the resource or ask the owner of the policy for an exemption");
        }
        let quoted = |after: &str| message.split_once(after).and_then(|(_, rest)| rest.split('\'').next());
        match (quoted("perform action '"), quoted("over scope '")) {
            (Some(action), Some(scope)) => {
                format!("this identity may not {action}; assign it a role with that action on {scope}")
            }
            _ => advised(message, reason, quoted),
        }
    }
}

/// A message with what to do about it, where it does not say so itself.
fn advised<'m>(message: &str, reason: &'static str, quoted: impl Fn(&str) -> Option<&'m str>) -> String {
    let named = |what: &str, name: Option<&str>| name.map_or(what.to_owned(), |name| format!("{what} {name}"));
    let advice = match reason {
        reasons::SUBSCRIPTION_DISABLED => {
            let which = named("subscription", quoted("ubscription '"));
            return format!(
                "{which} is disabled, so that nothing in it can be made or changed; have its owner reactivate it \
                 (credit, spending limit, bill), or use another subscription"
            );
        }
        reasons::AZURE_LOCK => match quoted("locked: '") {
            Some(scope) => return format!("a lock at {scope} forbids it; have its owner remove the lock"),
            None => "have the owner of the lock remove it",
        },
        reasons::PROVIDER_NOT_REGISTERED => match quoted("namespace '") {
            Some(name) => {
                return format!(
                    "the subscription is not registered for {name}; az provider register --namespace {name}"
                );
            }
            None => "register the resource provider with az provider register",
        },
        reasons::SUBSCRIPTION_NOT_FOUND => {
            "check spec.azure.subscriptionID, and that the subscription is of this identity's tenant"
        }
        reasons::RESOURCE_GROUP_NOT_FOUND => "create the resource group, or correct its name",
        reasons::WORKSPACE_NOT_FOUND => "create the workspace, or correct its name",
        reasons::POLICY_DENIED => "change the resource, or ask the owner of the policy for an exemption",
        reasons::QUOTA_EXCEEDED => "free some of it, or ask for more quota",
        _ => return message.to_owned(),
    };
    match message.trim_end().trim_end_matches('.') {
        "" => advice.to_owned(),
        said => format!("{said}; {advice}"),
    }
}

/// Whether the class of a code is known. Status 1 stands for no status, whose own class no code has.
fn known(code: &str) -> bool {
    let (_, reason) = classify(1, &[code]);
    reason != reasons::AZURE_REFUSED
}

fn class_of(status: u16, codes: &[&str], class: Class) -> (Retry, &'static str) {
    match class {
        // a blob is reached by a signature that Azure ML gave, so the identity is not to blame
        Class::Blob if matches!(status, 401 | 403) && !codes.contains(&"AuthorizationFailure") => {
            (Retry::Backoff, reasons::AZURE_REFUSED)
        }
        _ => classify(status, codes),
    }
}

/// A member by name, in lower or upper camel case.
fn member<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    let found = value
        .get(name)
        .or_else(|| value.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, found)| found));
    found.filter(|found| !found.is_null())
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// The policy and the assignment that refused (Azure Policy, "Get compliance data", `additionalInfo`).
fn policy(value: &Value) -> Option<String> {
    let info = value.get("additionalInfo")?.as_array()?.iter().take(MOST).find_map(|one| one.get("info"))?;
    let text =
        |names: [&str; 2]| names.into_iter().find_map(|name| info.get(name)?.as_str().filter(|text| !text.is_empty()));
    let name = text(["policyDefinitionDisplayName", "policyDefinitionId"])?;
    let assignment =
        text(["policyAssignmentDisplayName", "policyAssignmentName"]).map(|one| format!(" (assignment '{one}')"));
    Some(format!("policy '{name}'{}", assignment.unwrap_or_default()))
}

/// What plain text, HTML or blob storage's XML says.
fn of_text(text: &str) -> Statement {
    let within = |tag: &str| {
        let (_, rest) = text.split_once(&format!("<{tag}>"))?;
        rest.split_once(&format!("</{tag}>")).map(|(found, _)| found.trim().to_owned())
    };
    if let (Some(code), message) = (within("Code"), within("Message")) {
        return Statement { code, message: message.unwrap_or_default() };
    }
    let message = within("title").unwrap_or_else(|| without_tags(text));
    Statement { code: String::new(), message }
}

fn without_tags(text: &str) -> String {
    let mut inside = false;
    let plain: String = text
        .chars()
        .filter_map(|c| {
            inside = (inside || c == '<') && c != '>';
            (!inside).then_some(if c == '>' { ' ' } else { c })
        })
        .collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The failure of an answer that is not a success.
pub(crate) fn refused(answer: &Answer, what: &str, class: Class, now: Timestamp, scrubber: &Scrubber) -> Failure {
    Refusal::read(answer).failure(answer.status, what, throttle::retry_after(&answer.headers, now), class, scrubber)
}

#[cfg(test)]
mod tests;
