//! Watches in several namespaces as one stream of events. A store expects one initial list that holds everything, so the
//! lists of the namespaces are joined to one.

use crate::{ctx::Ctx, kubernetes};
use futures::{Stream, StreamExt, stream};
use k8s_openapi::NamespaceResourceScope;
use kube::{
    Api, Resource,
    runtime::{
        reflector::{Lookup, Store},
        watcher::{self, Error, Event},
    },
};
use std::{
    collections::{BTreeSet, VecDeque},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

/// The events of a watch. Its errors are waited out; each is told first.
pub(super) type Events<K> = Pin<Box<dyn Stream<Item = watcher::Result<Event<K>>> + Send>>;

/// What `start` watches, in all namespaces or in those the operator works in. `store` is where it will be kept.
pub(super) fn watched<A, K>(ctx: &Arc<Ctx>, store: Store<K>, start: impl Fn(Api<A>) -> Events<K>) -> Events<K>
where
    A: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    K: Lookup<DynamicType = ()> + Clone + Send + Sync + 'static,
{
    if ctx.options.namespaces.is_empty() {
        return start(Api::all(ctx.kube.clone()));
    }
    let part = |namespace: &String| (namespace.clone(), start(Api::namespaced(ctx.kube.clone(), namespace)));
    let merged = Merged::new(ctx.options.namespaces.iter().map(part), store);
    stream::unfold(merged, |mut merged| async move { Some((Ok(merged.next().await), merged)) }).boxed()
}

/// The watch in one namespace.
struct Part<K> {
    namespace: String,
    events: Events<K>,
    /// What a list has shown so far.
    listed: Vec<K>,
    /// It was listed once, or it is known that it can't be.
    known: bool,
}

struct Merged<K>
where
    K: Lookup<DynamicType = ()> + Clone + 'static,
{
    parts: Vec<Part<K>>,
    store: Store<K>,
    /// The part that is polled first, so that each has its turn.
    first: usize,
    /// The part that is being listed. No other is polled meanwhile, so that one page is held at a time.
    listing: Option<usize>,
    /// All parts are known; from now on only changes follow.
    filled: bool,
    out: VecDeque<Event<K>>,
}

impl<K> Merged<K>
where
    K: Lookup<DynamicType = ()> + Clone + 'static,
{
    fn new(parts: impl Iterator<Item = (String, Events<K>)>, store: Store<K>) -> Self {
        let part = |(namespace, events)| Part { namespace, events, listed: Vec::new(), known: false };
        let out = VecDeque::from([Event::Init]);
        Self { parts: parts.map(part).collect(), store, first: 0, listing: None, filled: false, out }
    }

    async fn next(&mut self) -> Event<K> {
        loop {
            if let Some(event) = self.out.pop_front() {
                return event;
            }
            let (at, event) = std::future::poll_fn(|context| self.hear(context)).await;
            self.take(at, event);
        }
    }

    /// The next event of any part. Until all parts are known, those that are have to wait: changes come after all lists.
    fn hear(&mut self, context: &mut Context<'_>) -> Poll<(usize, watcher::Result<Event<K>>)> {
        let (first, filled, listing) = (self.first, self.filled, self.listing);
        let parts = self.parts.iter_mut().enumerate();
        let (before, after): (Vec<_>, Vec<_>) = parts.partition(|(at, _)| *at < first);
        for (at, part) in after.into_iter().chain(before) {
            let waits = listing.map_or(!filled && part.known, |listing| listing != at);
            if waits {
                continue;
            }
            if let Poll::Ready(Some(event)) = part.events.poll_next_unpin(context) {
                self.first = at + 1;
                return Poll::Ready((at, event));
            }
        }
        Poll::Pending
    }

    fn take(&mut self, at: usize, event: watcher::Result<Event<K>>) {
        let Some(part) = self.parts.get_mut(at) else { return };
        match event {
            Ok(Event::Init) => {
                part.listed.clear();
                self.listing = Some(at);
            }
            Ok(Event::InitApply(object)) => part.listed.push(object),
            Ok(Event::InitDone) => {
                let listed = std::mem::take(&mut part.listed);
                part.known = true;
                self.listing = None;
                self.tell(at, listed);
            }
            Ok(change @ (Event::Apply(_) | Event::Delete(_))) => self.out.push_back(change),
            // others go on while this one waits
            Err(error) => {
                part.listed.clear();
                self.listing = None;
                if is_forbidden(&error) && !part.known {
                    tracing::warn!(
                        namespace = part.namespace,
                        kind = %K::kind(&()),
                        "objects of a namespace can't be watched; is it there, and does the operator have its Role? Work goes on without it"
                    );
                }
                self.pass_over(at, is_forbidden(&error));
            }
        }
    }

    /// A namespace without a role keeps nobody from working in the others.
    fn pass_over(&mut self, at: usize, forbidden: bool) {
        if forbidden && let Some(part) = self.parts.get_mut(at) {
            part.known = true;
            self.fill();
        }
    }

    /// A namespace was listed.
    fn tell(&mut self, at: usize, listed: Vec<K>) {
        if !self.filled {
            self.out.extend(listed.into_iter().map(Event::InitApply));
            return self.fill();
        }
        let Some(part) = self.parts.get(at) else { return };
        let there: BTreeSet<_> = listed.iter().filter_map(|one| one.name().map(|name| name.into_owned())).collect();
        let is_gone = |one: &Arc<K>| {
            one.namespace().is_some_and(|namespace| namespace == part.namespace)
                && one.name().is_some_and(|name| !there.contains(&*name))
        };
        let gone = self.store.state().into_iter().filter(is_gone);
        self.out.extend(gone.map(|one| Event::Delete((*one).clone())));
        self.out.extend(listed.into_iter().map(Event::Apply));
    }

    fn fill(&mut self) {
        if !self.filled && self.parts.iter().all(|part| part.known) {
            self.filled = true;
            self.out.push_back(Event::InitDone);
        }
    }
}

fn is_forbidden(error: &Error) -> bool {
    match error {
        Error::InitialListFailed(error) | Error::WatchStartFailed(error) => kubernetes::status(error) == 403,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::channel::mpsc::{UnboundedSender, unbounded};
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::{
        core::{ObjectMeta, PartialObjectMeta, Status},
        runtime::reflector::{self, store::Writer},
    };

    type Map = PartialObjectMeta<ConfigMap>;
    type Told = watcher::Result<Event<Map>>;

    fn map(namespace: &str, name: &str) -> Map {
        let metadata =
            ObjectMeta { name: Some(name.into()), namespace: Some(namespace.into()), ..ObjectMeta::default() };
        PartialObjectMeta { metadata, ..PartialObjectMeta::default() }
    }

    fn refusal(code: u16) -> Told {
        let status = Status::failure("no", "No").with_code(code).boxed();
        Err(Error::InitialListFailed(kube::Error::Api(status)))
    }

    /// Watches in `a` and `b`, played by a test, and what keeps their objects.
    struct Played {
        a: UnboundedSender<Told>,
        b: UnboundedSender<Told>,
        merged: Merged<Map>,
        writer: Writer<Map>,
        store: Store<Map>,
    }

    impl Played {
        fn new() -> Self {
            let (store, writer) = reflector::store();
            let ((a, of_a), (b, of_b)) = (unbounded(), unbounded());
            let parts = [("a".to_owned(), of_a.boxed()), ("b".to_owned(), of_b.boxed())];
            Self { a, b, merged: Merged::new(parts.into_iter(), store.clone()), writer, store }
        }

        fn list(to: &UnboundedSender<Told>, namespace: &str, names: &[&str]) {
            let objects = names.iter().map(|name| Event::InitApply(map(namespace, name)));
            for event in std::iter::once(Event::Init).chain(objects).chain([Event::InitDone]) {
                to.unbounded_send(Ok(event)).unwrap();
            }
        }

        /// Keeps all that is told by now. What the store has then, and how events went.
        async fn kept(&mut self) -> (Vec<String>, String) {
            let mut words = String::new();
            while let Some(event) = futures::FutureExt::now_or_never(self.merged.next()) {
                words.push(match &event {
                    Event::Init => '<',
                    Event::InitApply(_) => 'i',
                    Event::InitDone => '>',
                    Event::Apply(_) => 'a',
                    Event::Delete(_) => 'd',
                });
                self.writer.apply_watcher_event(&event);
            }
            let name =
                |one: &Arc<Map>| format!("{}/{}", one.namespace().unwrap_or_default(), one.name().unwrap_or_default());
            let mut kept: Vec<String> = self.store.state().iter().map(name).collect();
            kept.sort();
            (kept, words)
        }
    }

    #[tokio::test]
    async fn all_there_is_begins_once_and_a_later_list_is_about_its_namespace() {
        let mut played = Played::new();
        Played::list(&played.a, "a", &["one", "two"]);
        assert_eq!(played.kept().await, (vec![], "<ii".into()), "b is not known yet");
        played.a.unbounded_send(Ok(Event::Delete(map("a", "two")))).unwrap();
        Played::list(&played.b, "b", &["one"]);
        assert_eq!(played.kept().await, (vec!["a/one".into(), "b/one".into()], "i>d".into()));
        Played::list(&played.a, "a", &["three"]);
        assert_eq!(
            played.kept().await,
            (vec!["a/three".into(), "b/one".into()], "da".into()),
            "what went while nobody looked is gone, and b is as it was"
        );
    }

    #[tokio::test]
    async fn a_list_that_breaks_off_leaves_nothing_behind_and_holds_nobody_up() {
        let mut played = Played::new();
        for event in [Event::Init, Event::InitApply(map("a", "ghost"))] {
            played.a.unbounded_send(Ok(event)).unwrap();
        }
        Played::list(&played.b, "b", &["one"]);
        assert_eq!(played.kept().await.1, "<", "one list at a time");
        played.a.unbounded_send(refusal(500)).unwrap();
        assert_eq!(played.kept().await.1, "i", "a is asked for again, and waited for");
        Played::list(&played.a, "a", &["one"]);
        assert_eq!(played.kept().await, (vec!["a/one".into(), "b/one".into()], "i>".into()));
    }

    #[tokio::test]
    async fn a_namespace_without_a_role_is_passed_over_until_it_has_one() {
        let mut played = Played::new();
        played.a.unbounded_send(Ok(Event::Init)).unwrap();
        played.a.unbounded_send(refusal(403)).unwrap();
        Played::list(&played.b, "b", &["one"]);
        assert_eq!(played.kept().await, (vec!["b/one".into()], "<i>".into()));
        Played::list(&played.a, "a", &["one"]);
        assert_eq!(played.kept().await, (vec!["a/one".into(), "b/one".into()], "a".into()));
        played.a.unbounded_send(refusal(403)).unwrap();
        assert_eq!(played.kept().await.0.len(), 2, "what was known of it stays known");
    }
}
