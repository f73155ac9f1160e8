use super::*;
use crate::{ctx::Ctx, kubernetes::mock::Mock};
use acivnet_azure::{Body, Http, Secret, SendError, full};
use http::{Method, Request, Response};
use std::time::Duration;

/// Storage whose files never come to their end.
#[derive(Clone, Default)]
struct Slow(Arc<Mutex<Files>>);

#[derive(Default)]
struct Files {
    etag: String,
    /// Paths of the files whose bytes were asked for.
    begun: Vec<String>,
    /// Who reads them.
    open: Vec<std::sync::Weak<()>>,
}

impl Slow {
    fn set(&self, etag: &str) {
        lock(&self.0).etag = etag.to_owned();
    }

    fn begun(&self) -> Vec<String> {
        lock(&self.0).begun.clone()
    }

    fn under_way(&self) -> usize {
        lock(&self.0).open.iter().filter(|reader| reader.strong_count() > 0).count()
    }
}

#[async_trait::async_trait]
impl Http for Slow {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, SendError> {
        let path = request.uri().path().to_owned();
        if path.ends_with("/oauth2/v2.0/token") {
            let token = json!({"token_type": "Bearer", "expires_in": 3599, "access_token": "t"});
            return Ok(Response::new(full(token.to_string())));
        }
        if request.method() == Method::HEAD {
            let answer = Response::builder().header("etag", &lock(&self.0).etag).header("content-length", 10);
            return Ok(answer.body(full("")).unwrap());
        }
        let reader = Arc::new(());
        {
            let mut files = lock(&self.0);
            files.begun.push(path.rsplit('/').next().unwrap().to_owned());
            files.open.push(Arc::downgrade(&reader));
        }
        std::future::pending::<()>().await;
        drop(reader);
        Err(SendError::Unknown("nobody waits for ever".into()))
    }
}

fn team(name: &str) -> Identity {
    Identity::client_secret("t", name, Secret::new("s"))
}

/// One reconcile of an object, and time for what it began.
async fn observe(ctx: &Ctx, team: &Identity, uid: &str, file: &str, known: Option<&str>) -> Fact {
    let known = known.map(|etag| (etag.to_owned(), "sha256:00".to_owned()));
    let file = RemoteFile { uri: format!("https://st.localhost/models/{file}"), known };
    let fact = ctx.remote_files.fact(&ctx.azure, &ctx.azure.session(team), team, uid, &file).await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    fact
}

fn storage() -> (Slow, Arc<Ctx>) {
    let slow = Slow::default();
    slow.set("\"1\"");
    (slow.clone(), Mock::new(|seen| panic!("{seen:?}")).ctx_with(slow))
}

#[tokio::test(start_paused = true)]
async fn what_one_object_knows_takes_no_read_from_another() {
    let ((slow, ctx), team) = (storage(), team("a"));
    observe(&ctx, &team, "new", "m", None).await;
    for _ in 0..3 {
        assert!(matches!(observe(&ctx, &team, "settled", "m", Some("\"1\"")).await, Fact::Present(_)));
        assert!(matches!(observe(&ctx, &team, "new", "m", None).await, Fact::Unread(_)));
    }
    assert_eq!((slow.begun(), slow.under_way()), (vec!["m".to_owned()], 1));
}

#[tokio::test(start_paused = true)]
async fn slow_files_of_one_identity_leave_readers_to_others() {
    let (slow, ctx) = storage();
    for number in 0..12 {
        observe(&ctx, &team("a"), &format!("a{number}"), &format!("a{number}"), None).await;
    }
    observe(&ctx, &team("b"), "b", "b", None).await;
    assert_eq!(slow.begun(), ["a0", "a1", "b"]);
    for name in ["c", "d", "e", "f"] {
        for number in 0..2 {
            observe(&ctx, &team(name), &format!("{name}{number}"), &format!("{name}{number}"), None).await;
        }
    }
    assert_eq!(slow.under_way(), READERS);
}

#[tokio::test(start_paused = true)]
async fn reads_that_nobody_wants_any_more_end() {
    let ((slow, ctx), team) = (storage(), team("a"));
    observe(&ctx, &team, "one", "m", None).await;
    observe(&ctx, &team, "two", "m", None).await;
    slow.set("\"2\"");
    observe(&ctx, &team, "one", "m", None).await;
    assert_eq!((slow.begun().len(), slow.under_way()), (2, 1), "other bytes are there");
    ctx.forget(&crate::object::ObjectKey::new::<acivnet_api::AciVnetDeployment>("ml", "one"), "one");
    tokio::task::yield_now().await;
    assert_eq!(slow.under_way(), 1, "another wants them still");
    observe(&ctx, &team, "two", "other", None).await;
    assert_eq!((slow.begun().len(), slow.under_way()), (3, 1), "it wants another file now");
    ctx.forget(&crate::object::ObjectKey::new::<acivnet_api::AciVnetDeployment>("ml", "two"), "two");
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(slow.under_way(), 0, "nobody is left");
    let state = lock(&ctx.remote_files.state);
    assert!(state.reads.is_empty() && state.wanted.is_empty());
}
