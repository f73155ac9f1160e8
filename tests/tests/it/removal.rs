//! The operator, the definitions, or namespaces are removed in every order, with objects present. What stands in Azure is
//! deleted by none of it, every removal ends or is told what holds it, and objects that are applied again take over.
//!
//! The bed has no node: the operator's process ends when its Deployment is deleted, as its Pods would.

use acivnet_operator::cli::uninstall::{Mode, uninstall};
use acivnet_tests::{
    examples::Object,
    kube_bed::{KubeBed, Ran},
    repository, run,
    tenant::{Form, Tenant},
    world::World,
};
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard, OnceCell};

const DEFINITIONS: [&str; 2] = ["crd/acivnetdeployments.acivnet.dev", "crd/delegatedsubnets.acivnet.dev"];

/// A world with an operator. What removes something has it for itself.
async fn world() -> (&'static World, MutexGuard<'static, ()>) {
    static SHARED: OnceCell<(World, Mutex<()>)> = OnceCell::const_new();
    let (world, turn) = SHARED.get_or_init(async || (World::start().await, Mutex::default())).await;
    (world, turn.lock().await)
}

/// `kubectl delete`, which waits a minute at the most for what it deletes.
async fn delete(bed: &KubeBed, what: &[&str]) -> Ran {
    let folder = repository();
    let what: Vec<String> = what
        .iter()
        .map(|one| if one.starts_with("deploy/") { folder.join(one).display().to_string() } else { (*one).to_owned() })
        .collect();
    let arguments: Vec<&str> = ["delete", "--timeout=60s"].into_iter().chain(what.iter().map(String::as_str)).collect();
    bed.kubectl(&arguments).await
}

async fn again(world: &World) {
    world.bed.install().await;
    world.start_operator().await;
}

/// What `acivnet uninstall` says, and whether nothing is held.
async fn held(world: &World, wish: Mode) -> (bool, String) {
    let mut out = Vec::new();
    let free = uninstall(&world.bed.client(), wish, &mut out).await.expect("an answer");
    (free, String::from_utf8(out).expect("text"))
}

async fn deletions(tenant: &Tenant<'_>, since: u64) -> String {
    let all = tenant.writes(since).await.into_iter().filter(|entry| entry.verb == "DELETE");
    format!("{:?}", all.collect::<Vec<_>>())
}

fn is_going(object: Option<Value>) -> bool {
    object.expect("it is there").pointer("/metadata/deletionTimestamp").is_some()
}

/// A tenant whose model is being replaced, as the operator has begun to do.
async fn rolls(tenant: &Tenant<'_>) {
    tenant.how_to().await;
    let mark = tenant.mark().await;
    tenant.files(&[("model.pkl", "another model")]).await;
    let begun = || async { if tenant.writes(mark).await.is_empty() { Err("no write".to_owned()) } else { Ok(()) } };
    acivnet_tests::eventually("the new model is written", begun).await.unwrap_or_else(|why| panic!("{why}"));
}

/// A tenant whose objects are being deleted, which Azure does not let happen.
async fn goes(tenant: &Tenant<'_>) -> [Object; 2] {
    tenant.how_to().await;
    tenant.world.azure.lock(&tenant.group(), Some("CanNotDelete")).await;
    let objects = [tenant.deployment(), tenant.subnet()];
    for object in &objects {
        tenant.delete(object).await;
    }
    objects
}

#[test]
fn the_operator_is_removed_and_its_objects_stay() {
    run(async {
        let (world, _turn) = world().await;
        let settled = Tenant::with_identity(world, "settled", Form::Secret).await;
        let serves = settled.how_to().await;
        let (rolling, going) = (Tenant::new(world, "rolling").await, Tenant::new(world, "going").await);
        rolls(&rolling).await;
        let deleted = goes(&going).await;
        let marks = (settled.mark().await, rolling.mark().await);
        for way in [
            &["-k", "deploy/operator"][..],
            &["-k", "deploy/operator", "--cascade=foreground"],
            &["namespace", "acivnet-system"],
        ] {
            let (removed, ()) = tokio::join!(delete(&world.bed, way), world.stop_operator());
            removed.said();
            for tenant in [&settled, &rolling] {
                for object in [tenant.subnet(), tenant.deployment()] {
                    assert!(!is_going(tenant.get(&object).await), "{way:?} deletes no object");
                }
            }
            let (free, said) = held(world, Mode::Check).await;
            let one = format!("AciVnetDeployment {}/aciservice: finalizer acivnet.dev/azure", going.namespace);
            assert!(!free && said.contains(&format!("{one}, being deleted\n")), "{said}");
            again(world).await;
            let now = settled.ready(&settled.deployment()).await;
            assert_eq!(now.pointer("/status/endpoint"), serves.pointer("/status/endpoint"), "{way:?}");
            rolling.ready(&rolling.deployment()).await;
        }
        assert_eq!(format!("{:?}", settled.writes(marks.0).await), "[]", "nobody asked for a change in Azure");
        assert_eq!(deletions(&rolling, marks.1).await, "[]");
        world.azure.lock(&going.group(), None).await;
        for object in &deleted {
            going.gone(object).await;
        }
        going.until_azure("the network is gone", &going.vnet(), |found| found.is_none()).await;
        for tenant in [&settled, &rolling] {
            tenant.leave().await;
        }
    });
}

/// As one manifest of both would: neither the rights nor the process are there when the objects begin to go.
#[test]
fn the_definitions_go_with_the_operator() {
    run(async {
        let (world, _turn) = world().await;
        let tenants = [
            Tenant::with_identity(world, "by-secret", Form::Secret).await,
            Tenant::new(world, "by-account").await,
            Tenant::new(world, "under-way").await,
        ];
        let serves = tenants[0].how_to().await;
        tenants[1].how_to().await;
        rolls(&tenants[2]).await;
        let marks = [tenants[0].mark().await, tenants[1].mark().await, tenants[2].mark().await];
        world.stop_operator().await;
        delete(&world.bed, &["-k", "deploy/operator"]).await.said();
        delete(&world.bed, &["--wait=false", "-k", "deploy/crds"]).await.said();
        for tenant in &tenants {
            tenant.until_deleting(&tenant.subnet()).await;
            tenant.until_deleting(&tenant.deployment()).await;
        }
        let (free, said) = held(world, Mode::Check).await;
        assert!(!free && said.contains("no operator works. Either apply the operator again"), "{said}");
        let (free, said) = held(world, Mode::Release).await;
        assert!(free, "{said}");
        assert!(said.contains(&format!("stays in Azure: {}", tenants[0].vnet())), "{said}");
        let [deployments, subnets] = DEFINITIONS;
        world.bed.kubectl(&["wait", "--for=delete", "--timeout=60s", deployments, subnets]).await.said();
        again(world).await;
        let now = tenants[0].how_to().await;
        assert_eq!(now.pointer("/status/endpoint/scoringURI"), serves.pointer("/status/endpoint/scoringURI"));
        tenants[1].how_to().await;
        tenants[2].files(&[("model.pkl", "another model")]).await;
        for object in [tenants[2].subnet(), tenants[2].deployment()] {
            tenants[2].apply(&object).await;
            tenants[2].ready(&object).await;
        }
        for (tenant, mark) in tenants.iter().zip(marks) {
            assert_eq!(deletions(tenant, mark).await, "[]", "{}", tenant.namespace);
        }
        assert_eq!(format!("{:?}", tenants[1].writes(marks[1]).await), "[]", "what stands is taken over as it is");
        for tenant in &tenants {
            tenant.leave().await;
        }
    });
}

/// An operator that is applied again finds definitions that are being deleted, and lets their objects leave Azure as it is.
#[test]
fn an_operator_that_comes_again_ends_the_removal_of_the_definitions() {
    run(async {
        let (world, _turn) = world().await;
        let tenant = Tenant::new(world, "comes-again").await;
        tenant.how_to().await;
        let mark = tenant.mark().await;
        world.stop_operator().await;
        delete(&world.bed, &["-k", "deploy/operator"]).await.said();
        delete(&world.bed, &["--wait=false", "-k", "deploy/crds"]).await.said();
        tenant.until_deleting(&tenant.subnet()).await;
        let operator = repository().join("deploy/operator");
        let operator = operator.to_str().expect("a path");
        world.bed.kubectl(&["apply", "--server-side", "-k", operator]).await.said();
        world.start_operator().await;
        let [deployments, subnets] = DEFINITIONS;
        world.bed.kubectl(&["wait", "--for=delete", "--timeout=60s", deployments, subnets]).await.said();
        world.bed.install().await;
        tenant.how_to().await;
        assert_eq!(format!("{:?}", tenant.writes(mark).await), "[]", "nobody asked for a change in Azure");
        tenant.leave().await;
    });
}

/// Whoever deletes namespaces after the operator waits for it: it comes again and does what was asked for, or the objects are
/// released and Azure stays.
#[test]
fn namespaces_are_deleted_after_the_operator() {
    run(async {
        let (world, _turn) = world().await;
        let emptied = Tenant::with_identity(world, "emptied", Form::Secret).await;
        let left = Tenant::with_identity(world, "left", Form::Secret).await;
        let lost = Tenant::new(world, "lost").await;
        for tenant in [&emptied, &left, &lost] {
            tenant.how_to().await;
        }
        let marks = (left.mark().await, lost.mark().await);
        let (removed, ()) = tokio::join!(delete(&world.bed, &["-k", "deploy/operator"]), world.stop_operator());
        removed.said();
        for tenant in [&left, &lost] {
            tenant.delete_namespace().await;
            tenant.until_deleting(&tenant.deployment()).await;
            tenant.until_deleting(&tenant.subnet()).await;
        }
        let (_, said) = held(world, Mode::Release).await;
        assert!(said.contains(&format!("released Secret {}/acivnet-azure", left.namespace)), "{said}");
        left.namespace_gone().await;
        lost.namespace_gone().await;
        assert!(!is_going(emptied.get(&emptied.subnet()).await), "what nobody deleted stays: {said}");
        emptied.delete_namespace().await;
        emptied.until_deleting(&emptied.subnet()).await;
        again(world).await;
        emptied.namespace_gone().await;
        emptied.until_azure("the network is gone", &emptied.vnet(), |found| found.is_none()).await;
        assert_eq!([deletions(&left, marks.0).await, deletions(&lost, marks.1).await], ["[]", "[]"]);
    });
}
