//! Questions to facts. All reads of a reconcile happen here.

pub(crate) mod probe;

use crate::{
    cache::{
        secrets::{self, Secrets},
        snapshot::{self, Shown},
    },
    ctx::Ctx,
    kubernetes::{self, identity::NamespaceIdentity},
    object::{Reference, reached_network, virtual_network},
    observe::probe::Probe,
    reconcile::pace::Sweeps,
};
use acivnet_api::conditions::reasons;
use acivnet_azure::{Azure, CallContext, DialAt, Identity, IdentityKey, Priority};
use acivnet_core::{
    failure::Failure,
    id::ResourceId,
    kind::{Phase, provisioning_state},
    kinds::{self, web_service::keys::SERVICE_KEYS, workspace::WORKSPACE},
    names::Names,
    observed::{Fact, Observed, SignIn},
    questions::{AzureQuestion, ClusterQuestion, ProbeRequest, Question},
    scrub::Scrubber,
    subject::{Subject, open_questions},
};
use futures::{StreamExt, stream};
use serde::Serialize;
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::time::Instant;

/// How many rounds of reads of Azure one reconcile takes: ids and lists; what these point at; the operation or log of what
/// failed.
const ROUNDS: usize = 3;
/// How many reads of one reconcile are under way at once; Azure's limits hold back the sum of all reconciles (the
/// throttle).
const PARALLEL: usize = 8;

/// What one reconcile saw, and with what it asks.
pub(crate) struct Observation<'a> {
    ctx: &'a Ctx,
    /// How urgent its reads are.
    pub priority: Priority,
    /// Which of equally urgent ones go first.
    order: u64,
    /// When the first of them began.
    pub begun: Instant,
    pub observed: Observed,
    /// The namespace's identity, once it was needed and found.
    pub known: Option<Arc<NamespaceIdentity>>,
    /// Azure under that identity.
    pub azure: Option<Azure>,
    /// The Secrets that were read.
    pub secrets: Secrets,
    /// Whether lists of others may answer.
    shared: bool,
    /// The questions that such lists answered, and what they showed.
    by_list: BTreeMap<Question, Shown>,
    /// How others describe what they share with the object, as digests from before they were asked for.
    pub described: Vec<(Reference, u64)>,
}

impl<'a> Observation<'a> {
    /// Reads all that decisions ask for. With `shared`, lists that others read too may answer.
    pub(crate) async fn of<S: Subject>(ctx: &'a Ctx, cr: &S, (priority, order): (Priority, u64), shared: bool) -> Self {
        let observed = Observed { settings: ctx.settings(), ..Observed::default() };
        let (known, azure, secrets, by_list, described) = Default::default();
        let begun = Instant::now();
        let mut observation =
            Self { ctx, priority, order, begun, observed, known, azure, secrets, shared, by_list, described };
        observation.look(cr).await;
        observation
    }

    /// Whether anything was answered by a shared list.
    pub(crate) fn is_shared(&self) -> bool {
        !self.by_list.is_empty()
    }

    /// What a shared list showed, if it answered a question.
    pub(crate) fn shown(&self, question: &Question) -> Option<&Shown> {
        self.by_list.get(question)
    }

    /// Reads anew, each by itself, what shared lists had answered.
    pub(crate) async fn observe_each<S: Subject>(&mut self, cr: &S) {
        self.shared = false;
        for (question, _) in std::mem::take(&mut self.by_list) {
            self.observed.facts.remove(&question);
        }
        self.look(cr).await;
    }

    async fn look<S: Subject>(&mut self, cr: &S) {
        let mut rounds = 0;
        loop {
            let open = open_questions(cr, &self.observed);
            let (azure, kubernetes): (Vec<_>, Vec<_>) = open.into_iter().partition(Question::is_azure);
            if !kubernetes.is_empty() {
                self.ask(cr, kubernetes).await;
            } else if azure.is_empty() || rounds == ROUNDS {
                return;
            } else {
                rounds += 1;
                self.identify(cr).await;
                self.ask(cr, azure).await;
            }
        }
    }

    /// Answers questions, those about subnets after those about their networks, which show their subnets.
    async fn ask<S: Subject>(&mut self, cr: &S, questions: Vec<Question>) {
        let (subnets, others): (Vec<_>, Vec<_>) = questions.into_iter().partition(|one| network_of(one).is_some());
        self.read(cr, others).await;
        let mut unanswered = Vec::new();
        for question in subnets {
            match self.inside_network(&question) {
                Some(fact) => drop(self.observed.facts.insert(question, fact)),
                None => unanswered.push(question),
            }
        }
        self.read(cr, unanswered).await;
    }

    /// A subnet out of its network's body, which has it whole: both are one resource with one etag (as recorded). That the body
    /// does not show it proves that there is none unless the network is being changed; so does that there is no network.
    fn inside_network(&self, question: &Question) -> Option<Fact> {
        let Question::Azure(AzureQuestion::Resource(_, id)) = question else { return None };
        let network = network_of(question)?;
        if self.by_list.contains_key(&network) {
            return None;
        }
        match self.observed.facts.get(&network)? {
            Fact::Present(body) => match snapshot::subnet(body, id) {
                Some(subnet) => Some(Fact::Present(subnet)),
                None => is_whole(body).then_some(Fact::Absent),
            },
            Fact::Absent => Some(Fact::Absent),
            Fact::Unread(_) => None,
        }
    }

    /// Answers questions side by side; the facts are noted in the order of the questions.
    async fn read<S: Subject>(&mut self, cr: &S, questions: Vec<Question>) {
        self.note_descriptions(cr, &questions);
        let this = &*self;
        let reads: Vec<_> = questions.iter().map(|question| this.answer(cr, question)).collect();
        let answers: Vec<(Fact, Option<Shown>)> = stream::iter(reads).buffered(PARALLEL).collect().await;
        for (question, (fact, shown)) in questions.into_iter().zip(answers) {
            if let Fact::Unread(failure) = &fact {
                self.note_refusal(cr, &question, failure);
            }
            if let Some(shown) = shown {
                self.by_list.insert(question.clone(), shown);
            }
            self.observed.facts.insert(question, fact);
        }
    }

    fn note_descriptions<S: Subject>(&mut self, cr: &S, questions: &[Question]) {
        for question in questions {
            if let Question::Cluster(ClusterQuestion::OtherDelegatedSubnets { virtual_network: network }) = question {
                let things = [virtual_network(cr.meta().namespace(), network), reached_network(network)];
                self.described.extend(things.map(|thing| (thing, self.ctx.stores.descriptions(thing))));
            }
        }
    }

    /// The answer to a question, and what a shared list showed if it gave it.
    async fn answer<S: Subject>(&self, cr: &S, question: &Question) -> (Fact, Option<Shown>) {
        let question = match question {
            Question::Cluster(question) => return (self.cluster(cr, question).await, None),
            Question::Azure(question) => question,
        };
        match (&self.azure, &self.known, &self.observed.identity) {
            (_, _, SignIn::Refused(failure)) => (Fact::Unread(failure.clone()), None),
            (Some(azure), Some(known), _) => {
                let (mut fact, shown) = match self.by_list(cr, azure, &known.identity.key(), question).await {
                    Some((fact, shown)) => (fact, Some(shown).filter(|_| self.shared)),
                    None => (self.azure(cr, azure, &known.identity, question).await, None),
                };
                self.hide_secrets(question, &mut fact);
                (fact, shown)
            }
            _ => (self.observed.fact(&Question::Azure(question.clone())), None),
        }
    }

    /// What a list that others read too says.
    async fn by_list<S: Subject>(
        &self,
        cr: &S,
        azure: &Azure,
        identity: &IdentityKey,
        question: &AzureQuestion,
    ) -> Option<(Fact, Shown)> {
        let lists = self.ctx.lists(sweeps(self.ctx, cr), azure, identity);
        match question {
            AzureQuestion::Resource(kind, _) if *kind == &SERVICE_KEYS => None,
            // a workspace is never written: the list of those who share it tells enough
            AzureQuestion::Resource(kind, id) if self.shared || *kind == &WORKSPACE => lists.resource(kind, id).await,
            AzureQuestion::Models { workspace, owner } if self.shared => lists.models(workspace, owner).await,
            AzureQuestion::Resource(..)
            | AzureQuestion::Models { .. }
            | AzureQuestion::NewestModel { .. }
            | AzureQuestion::Operation { .. }
            | AzureQuestion::FailureReason(_)
            | AzureQuestion::FileDigest { .. }
            | AzureQuestion::ServiceLog(_)
            | AzureQuestion::RemoteFile(_) => None,
        }
    }

    async fn azure<S: Subject>(&self, cr: &S, azure: &Azure, identity: &Identity, question: &AzureQuestion) -> Fact {
        match question {
            AzureQuestion::Resource(kind, id) if *kind == &SERVICE_KEYS => self.keys(azure, id).await,
            AzureQuestion::Resource(kind, id) => azure.read(kind, id).await,
            AzureQuestion::Models { workspace, owner } => azure.models(workspace, owner).await,
            AzureQuestion::NewestModel { workspace, name } => azure.newest_model(workspace, name).await,
            AzureQuestion::Operation { workspace, id } => azure.operation(workspace, id).await,
            AzureQuestion::FailureReason(id) => azure.failure_reason(id).await,
            AzureQuestion::FileDigest { workspace, url } => {
                self.ctx.digests.fact(azure, &identity.key(), workspace, url).await
            }
            AzureQuestion::ServiceLog(service) => azure.service_log(service).await,
            AzureQuestion::RemoteFile(file) => {
                self.ctx.remote_files.fact(&self.ctx.azure, azure, identity, cr.meta().uid(), file).await
            }
        }
    }

    /// How the keys of a web service compare with those in a Secret: `{service}/keys/{Secret}`.
    async fn keys(&self, azure: &Azure, id: &ResourceId) -> Fact {
        let Some(service) = id.parent() else { return Fact::Absent };
        match azure.service_keys(&service).await {
            Ok(Some(keys)) => Fact::Present(self.secrets.compare(id.name(), &keys)),
            Ok(None) => Fact::Absent,
            Err(failure) => Fact::Unread(failure),
        }
    }

    /// Logs and errors may quote what a container or Azure was given.
    fn hide_secrets(&self, question: &AzureQuestion, fact: &mut Fact) {
        let (scrubber, Fact::Present(body)) = (self.secrets.scrubber(), fact) else { return };
        let quoting = match question {
            AzureQuestion::ServiceLog(_) | AzureQuestion::FailureReason(_) => vec![body],
            AzureQuestion::Operation { .. } | AzureQuestion::Resource(..) => quotes(body).collect(),
            AzureQuestion::Models { .. }
            | AzureQuestion::NewestModel { .. }
            | AzureQuestion::FileDigest { .. }
            | AzureQuestion::RemoteFile(_) => Vec::new(),
        };
        quoting.into_iter().for_each(|text| secrets::hide(&scrubber, text));
    }

    async fn cluster<S: Subject>(&self, cr: &S, question: &ClusterQuestion) -> Fact {
        let (ctx, meta) = (self.ctx, cr.meta());
        let (namespace, name, uid) = (meta.namespace(), meta.name(), meta.uid());
        match question {
            ClusterQuestion::ConfigMap { key, text } => {
                ctx.config_maps.fact(ctx.config_map_source(), namespace, key, *text).await
            }
            ClusterQuestion::ConfigMapFiles { name } => {
                ctx.config_maps.files(ctx.config_map_source(), namespace, name).await
            }
            ClusterQuestion::SourceDirectory(directory) => {
                ctx.config_maps.directory(ctx.config_map_source(), namespace, directory).await
            }
            ClusterQuestion::DelegatedSubnet(subnet) => {
                let found = ctx.stores.subnet(&ctx.kube, namespace, subnet).await;
                fact(&format!("DelegatedSubnet {subnet} can't be read"), found)
            }
            ClusterQuestion::OtherDelegatedSubnets { virtual_network } => {
                let found = ctx.stores.siblings(&ctx.kube, virtual_network, (namespace, name)).await;
                fact("DelegatedSubnets can't be listed", found.map(|siblings| Some(to_value(&siblings))))
            }
            ClusterQuestion::Deployments { subnet } => {
                let found = ctx.stores.users(&ctx.kube, namespace, subnet).await;
                fact("AciVnetDeployments can't be listed", found.map(|users| Some(to_value(&users))))
            }
            ClusterQuestion::Secret(name) => {
                self.secrets.fact(ctx.secret_source(), namespace, name, &cr.secret_keys(name)).await
            }
            ClusterQuestion::Fingerprints { salt, keys } => {
                self.secrets.fingerprints((&ctx.salts, ctx.random.as_ref()), uid, salt.as_deref(), keys)
            }
            ClusterQuestion::Probe(request) => self.probe(cr, request).await,
        }
    }

    async fn probe<S: Subject>(&self, cr: &S, request: &ProbeRequest) -> Fact {
        let ProbeRequest { url, tls, body, key, expect, timeout_seconds, interval_seconds, revision } = request;
        let key = match key.as_ref().map(|key| self.secrets.value(key)).transpose() {
            Ok(key) => key,
            Err(failure) => return Fact::Unread(failure),
        };
        let tls = tls.as_ref().map(|tls| DialAt {
            address: tls.address,
            authorities: tls.secret.as_ref().and_then(|secret| self.secrets.authorities(secret)),
        });
        let (namespace, uid) = (cr.meta().namespace(), cr.meta().uid());
        let probe = Probe {
            uid,
            namespace,
            url,
            tls,
            body,
            key,
            expect,
            scrubber: if expect.is_some() { self.secrets.scrubber() } else { Scrubber::default() },
            timeout_seconds: *timeout_seconds,
            interval_seconds: *interval_seconds,
            revision,
        };
        self.ctx.prober().fact(&probe).await
    }

    /// Finds the namespace's identity and gets a token, once in a reconcile.
    async fn identify<S: Subject>(&mut self, cr: &S) {
        if self.observed.identity != SignIn::Unasked {
            return;
        }
        self.observed.identity = match self.sign_in(cr).await {
            Ok(()) => SignIn::Valid,
            Err(failure) => self.refused(cr, failure),
        };
    }

    /// What was refused may have been replaced meanwhile.
    fn refused<S: Subject>(&self, cr: &S, failure: Failure) -> SignIn {
        self.ctx.identities.refused(cr.meta().namespace());
        SignIn::Refused(failure)
    }

    async fn sign_in<S: Subject>(&mut self, cr: &S) -> Result<(), Failure> {
        let (known, azure) = session(self.ctx, cr, (self.priority, self.order), self.shared).await?;
        let signed_in = azure.sign_in().await;
        (self.known, self.azure) = (Some(known), Some(azure));
        signed_in
    }

    /// A token that Azure does not take is not valid, although it was got.
    fn note_refusal<S: Subject>(&mut self, cr: &S, question: &Question, failure: &Failure) {
        if question.is_azure()
            && failure.status == 401
            && failure.reason == reasons::CREDENTIALS_REFUSED
            && self.observed.identity == SignIn::Valid
        {
            tracing::debug!(namespace = cr.meta().namespace(), "Azure does not accept the token");
            self.observed.identity = self.refused(cr, failure.clone());
        }
    }
}

/// Azure under the identity of an object's namespace, not signed in yet. With `shared`, one that was read in the present sweep
/// serves.
pub(crate) async fn session<S: Subject>(
    ctx: &Ctx,
    cr: &S,
    (priority, order): (Priority, u64),
    shared: bool,
) -> Result<(Arc<NamespaceIdentity>, Azure), Failure> {
    let namespace = cr.meta().namespace();
    let oldest = shared.then(|| sweeps(ctx, cr).oldest(ctx.clock.now()));
    let known = ctx.identities.of(namespace, oldest, cr.deleting()).await?;
    let (region, flow) = (cr.region().to_owned(), namespace.to_owned());
    let context = CallContext { priority, order, region, flow, follow: 0 };
    let azure = ctx.azure.session(&known.identity).with_context(context);
    Ok((known, azure))
}

fn sweeps<S: Subject>(ctx: &Ctx, cr: &S) -> Sweeps {
    ctx.pace.sweeps(Duration::from_secs(cr.interval_seconds()), cr.meta().namespace())
}

/// The members of a body that may quote what Azure was given.
fn quotes(body: &mut Value) -> impl Iterator<Item = &mut Value> {
    let members = body.as_object_mut().into_iter().flat_map(|members| members.iter_mut());
    members.filter(|(name, _)| matches!(name.as_str(), "error" | "operationLogTail")).map(|(_, value)| value)
}

/// Whether a network's body shows all its subnets: nothing about it is being changed.
fn is_whole(network: &Value) -> bool {
    provisioning_state(network) == Phase::Settled && network.pointer("/properties/subnets").is_some_and(Value::is_array)
}

/// The question about the virtual network that a subnet lies in.
fn network_of(question: &Question) -> Option<Question> {
    match question {
        Question::Azure(AzureQuestion::Resource(kind, id)) if *kind == &kinds::subnet::SUBNET => {
            Some(Question::resource(&kinds::virtual_network::VIRTUAL_NETWORK, id.parent()?))
        }
        _ => None,
    }
}

fn fact(what: &str, found: Result<Option<Value>, kube::Error>) -> Fact {
    match found {
        Ok(Some(value)) => Fact::Present(value),
        Ok(None) => Fact::Absent,
        Err(error) => Fact::Unread(kubernetes::failure(what, &error)),
    }
}

/// What can be written as JSON, as types of the API and what is seen of them always can.
fn to_value(object: &impl Serialize) -> Value {
    serde_json::to_value(object).unwrap_or_default()
}
