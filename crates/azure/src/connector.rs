//! The process's connection to Azure, and what one reconcile sees of it.

use crate::{
    arm::operation::Operations,
    clock::Clock,
    cloud::Cloud,
    fence::Fence,
    gate::Gate,
    http::Http,
    machine_learning::discovery::Discovered,
    observe::{Observer, RequestKind},
    random::Random,
    room::{Room, Rooms},
    sign_in::{Identity, IdentityKey, token::Tokens},
    throttle::{CallContext, Priority, Throttle},
};
use acivnet_core::{failure::Failure, scrub::Scrubber};
use std::{collections::BTreeMap, sync::Arc};

/// All that comes from outside.
pub struct ConnectorConfig {
    /// Which Azure.
    pub cloud: Cloud,
    /// The way out.
    pub http: Arc<dyn Http>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Request ids.
    pub random: Arc<dyn Random>,
    /// Is told of every request.
    pub observer: Arc<dyn Observer>,
    /// How much slower than in production the time goes in which limits fill again: 1 in production.
    pub scale: f64,
    /// Until when this process may write.
    pub fence: Arc<dyn Fence>,
}

pub(crate) struct Shared {
    pub(crate) cloud: Arc<Cloud>,
    pub(crate) http: Arc<dyn Http>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) tokens: Tokens,
    /// For blob storage: no other service sees them, and it sees no others.
    pub(crate) storage_tokens: Tokens,
    pub(crate) discovered: Discovered,
    pub(crate) operations: Operations,
    pub(crate) gate: Gate,
    pub(crate) throttle: Throttle,
    pub(crate) rooms: Rooms,
}

/// The process's connection to one cloud: tokens, discovered endpoints, the gate. Cheap to clone.
#[derive(Clone)]
pub struct Connector(Arc<Shared>);

impl Connector {
    /// A connection with empty caches.
    pub fn new(settings: ConnectorConfig) -> Self {
        let ConnectorConfig { cloud, http, clock, random, observer, scale, fence } = settings;
        let cloud = Arc::new(cloud);
        let tokens = |scope: String| {
            let (http, clock) = (Arc::clone(&http), Arc::clone(&clock));
            Tokens::new(Arc::clone(&cloud), scope, http, clock, Arc::clone(&random), Arc::clone(&observer))
        };
        let (storage_tokens, tokens) = (tokens(cloud.storage_scope().to_owned()), tokens(cloud.scope()));
        let (discovered, operations) = Default::default();
        let (throttle, gate) = (Throttle::new(scale), Gate::new(fence));
        Self(Arc::new(Shared {
            cloud,
            http,
            clock,
            random,
            observer,
            tokens,
            storage_tokens,
            discovered,
            operations,
            gate,
            throttle,
            rooms: Rooms::default(),
        }))
    }

    /// Azure for one reconcile of one object under one identity. Its requests share a correlation id, and are as urgent as a
    /// change by a person until [`Azure::with_context`] says otherwise.
    pub fn session(&self, identity: &Identity) -> Azure {
        Azure {
            connector: Arc::clone(&self.0),
            identity: identity.clone(),
            correlation: self.0.random.uuid(),
            context: CallContext::default(),
            scrubber: Scrubber::new(identity.secrets()),
            room: Room::default(),
        }
    }

    /// How many requests may be sent now, by limit (`arm`, `network`) and kind: the least of all identities and regions that
    /// asked. Nothing while Azure has closed one.
    pub fn budgets(&self) -> BTreeMap<(&'static str, RequestKind), f64> {
        self.0.throttle.budgets()
    }

    /// The door for writes.
    pub fn gate(&self) -> &Gate {
        &self.0.gate
    }
}

/// Azure as one reconcile of one object sees it, under one identity.
pub struct Azure {
    pub(crate) connector: Arc<Shared>,
    pub(crate) identity: Identity,
    pub(crate) correlation: String,
    pub(crate) context: CallContext,
    pub(crate) scrubber: Scrubber,
    pub(crate) room: Room,
}

impl Azure {
    /// Under which identity it asks.
    pub fn identity(&self) -> IdentityKey {
        self.identity.key()
    }

    /// The same, for requests in this context.
    #[must_use]
    pub fn with_context(self, context: CallContext) -> Self {
        Self { context, ..self }
    }

    /// Knows more secrets that must not show in what it says.
    pub fn hide(&mut self, secrets: Scrubber) {
        self.scrubber = std::mem::take(&mut self.scrubber).with(secrets);
    }

    /// From now on its requests are as urgent as this, and `follow` others come after the next until all is done.
    pub fn set_urgency(&mut self, priority: Priority, follow: u32) {
        (self.context.priority, self.context.follow) = (priority, follow);
    }

    /// Makes sure that a token is at hand.
    ///
    /// # Errors
    /// Why none can be got: reason `FederationMissing`, `CredentialsRefused`, `AzureUnreachable`, `Throttled`, or what
    /// kept the assertion source from giving one.
    pub async fn sign_in(&self) -> Result<(), Failure> {
        self.connector.tokens.get(&self.identity).await.map(drop)
    }
}
