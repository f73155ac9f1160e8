//! Writes to Kubernetes of who no longer leads are not sent.

use super::Term;
use acivnet_azure::Fence;
use http::{Method, Request};
use kube::{Client, client::Body};
use std::sync::Arc;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
#[error("this operator no longer leads")]
struct NotLeading;

/// The client, without the right to write once the term is over.
///
/// The version that every write names keeps it from undoing a later one; this keeps a former leader's events, and its
/// status of yesterday, from being the last word where nobody wrote since.
pub(crate) fn within(term: &Arc<Term>, client: Client) -> Client {
    let (namespace, term) = (client.default_namespace().to_owned(), Arc::clone(term));
    let service = tower::service_fn(move |request: Request<Body>| {
        let (client, term) = (client.clone(), Arc::clone(&term));
        async move {
            if request.method() != Method::GET && !term.may_send() {
                return Err(BoxError::from(NotLeading));
            }
            client.send(request).await.map_err(BoxError::from)
        }
    });
    Client::new(service, namespace)
}

/// Whether a write was not sent because the term is over.
pub(crate) fn is_over(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Service(cause) if cause.is::<NotLeading>())
}
