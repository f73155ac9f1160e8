//! What is decided in one go holds the only thread for 50 ms of CPU at most: whatever stands in Azure, whatever people
//! wrote. A go is a decision and the report about it; nothing is awaited between them.
//!
//! CPU time differs from machine to machine and from run to run, so steps are counted, which do not: allocations. What a
//! step takes with all that is done between two of them was measured where it takes long, in a build for tests
//! (`opt-level` 1) on two busy cores, and is rounded up in [`Work`]. What takes time and no steps, patterns over long text,
//! is held by the length of the text: last test. What is larger goes to another thread ([`Observed::is_large`]).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod common;

use acivnet_core::{
    describe::conda,
    observed::{LARGE, Observed},
    outcome::Reconcile,
    scrub,
    subject::decide,
};
use allocation_counter::measure;
use common::*;
use serde_json::{Map, Value, json};

/// In nanoseconds.
const LONGEST: u64 = 50_000_000;

/// What most of the steps are for, and what one takes in nanoseconds.
#[derive(Clone, Copy)]
enum Work {
    /// Copying and comparing bodies of JSON: 170 to 320.
    Bodies = 400,
    /// Reading YAML, and messages: 400 to 500.
    Files = 600,
    /// Lines of a log through patterns: 900.
    Logs = 1000,
}

/// What one go takes.
fn steps<S: Stored>(world: &World, cr: &S, observed: &Observed) -> u64 {
    let now = world.now();
    // what is made once for the process, such as patterns, does not count
    let go = || {
        let plan = decide(cr, observed, now);
        cr.report(&Reconcile { observed, plan: &plan, now })
    };
    go();
    measure(|| drop(go())).count_total
}

/// The greatest burden that is still decided about on the thread itself takes no more steps than there may be, and a
/// greater one goes to another thread.
fn is_bounded<S: Stored>(what: &str, work: Work, cr: &S, burdened: impl Fn(usize) -> World) {
    let observed = |count: usize| {
        let world = burdened(count);
        let observed = world.observe(cr);
        (!observed.is_large()).then_some((world, observed))
    };
    let beyond = (0..24).map(|power| 1 << power).find(|count| observed(*count).is_none());
    let (mut fits, mut beyond) = (0, beyond.unwrap_or_else(|| panic!("{what}: never too much for the thread itself")));
    while beyond - fits > 1 {
        let between = fits.midpoint(beyond);
        if observed(between).is_some() { fits = between } else { beyond = between }
    }
    let (world, observed) = observed(fits).unwrap_or_else(|| panic!("{what}: too much without any burden"));
    fits_one_go(&format!("{what}, {fits} pieces"), work, steps(&world, cr, &observed));
}

fn fits_one_go(what: &str, work: Work, steps: u64) {
    assert!(steps * work as u64 <= LONGEST, "{what}: {steps} steps of {} ns take too long", work as u64);
}

fn many(count: usize, one: impl Fn(usize) -> Value) -> Value {
    (0..count).map(one).collect()
}

fn tags(count: usize) -> Value {
    (0..count).map(|n| (format!("t{n}"), Value::from("v"))).collect::<Map<_, _>>().into()
}

/// A hundred rules and forty tags: as many as a spec may have.
fn large_spec() -> Vec<(&'static str, Value)> {
    let rule = |n| json!({"name": format!("r{n}"), "priority": 101 + n, "direction": "Inbound", "access": "Allow", "protocol": "Tcp"});
    let group = json!({"name": "amlnsg", "preset": "ComputeInstance", "securityRules": many(100, rule)});
    let tag = |n| json!({"name": format!("a{n}"), "value": "v"});
    vec![("/azure/tags", many(40, tag)), ("/clientSubnet/networkSecurityGroup", group)]
}

/// A network that stands, with something of it burdened.
fn network_with(spec: &[(&str, Value)], burden: impl FnOnce(&mut World)) -> World {
    let (mut world, _) = World::with_network();
    world.settle(&mut subnet(spec));
    burden(&mut world);
    world
}

#[test]
fn a_network_of_the_largest_spec_is_made_in_one_go() {
    let (world, mut cr) = (World::default(), subnet(&large_spec()));
    let observed = world.observe(&cr);
    assert!(!observed.is_large());
    let made = steps(&world, &cr, &observed);
    cr.metadata.deletion_timestamp = deleted(&cr).metadata.deletion_timestamp;
    let left = steps(&world, &cr, &observed);
    fits_one_go("made", Work::Bodies, made);
    fits_one_go("deleted", Work::Bodies, left);
}

/// Most reconciles find nothing to do. What makes each of them dearer shows here, on any machine; what they take in time is
/// measured by `make bench`.
#[test]
fn what_has_settled_takes_few_steps() {
    let (serving, deployment) = World::serving(&[]);
    let (mut network, mut subnet) = World::with_network();
    network.settle(&mut subnet);
    let taken = [
        steps(&serving, &deployment, &serving.observe(&deployment)),
        steps(&network, &subnet, &network.observe(&subnet)),
    ];
    let most = [2_900, 1_950];
    assert!(taken.iter().zip(most).all(|(taken, most)| *taken <= most), "{taken:?} steps, at most {most:?}");
    // bounds that are far away would let much go by unseen
    assert!(taken.iter().zip(most).all(|(taken, most)| *taken >= most * 9 / 10), "lower the bounds: {taken:?}");
}

#[test]
fn whatever_stands_in_a_network_is_decided_about_in_one_go() {
    type Burden = fn(&mut World, usize);
    let burdens: [(&str, Burden); 6] = [
        ("rules", |world, count| {
            let rule = |n| json!({"name": format!("x{n}"), "properties": {"priority": n}});
            world.arm_body(&group_id("amlnsg"))["properties"]["securityRules"] = many(count, rule);
        }),
        ("prefixes", |world, count| {
            let prefix = |n| json!(format!("10.{}.{}.0/24", n / 256 % 256, n % 256));
            world.arm_body(&network())["properties"]["addressSpace"]["addressPrefixes"] = many(count, prefix);
        }),
        ("occupants", |world, count| {
            let holder = |n| json!({"id": format!("/x/networkInterfaces/n{n}/ipConfigurations/i")});
            world.arm_body(&subnet_id("amlsubnet1"))["properties"]["ipConfigurations"] = many(count, holder);
        }),
        ("links", |world, count| {
            let link = |n| json!({"name": format!("l{n}")});
            world.arm_body(&subnet_id("amlsubnet1"))["properties"]["serviceAssociationLinks"] = many(count, link);
        }),
        ("delegations", |world, count| {
            let one = |n| json!({"name": format!("d{n}"), "properties": {"serviceName": format!("A/b{n}")}});
            world.arm_body(&subnet_id("amlsubnet1"))["properties"]["delegations"] = many(count, one);
        }),
        ("tags", |world, count| world.arm_body(&network())["tags"] = tags(count)),
    ];
    for (what, burden) in burdens {
        for (size, spec) in [("small", Vec::new()), ("large", large_spec())] {
            let mut cr = subnet(&spec);
            World::default().settle(&mut cr);
            let world = |count| network_with(&[], |world| burden(world, count));
            is_bounded(&format!("{what}, {size} spec"), Work::Bodies, &cr, world);
            is_bounded(&format!("{what}, {size} spec, deleted"), Work::Bodies, &deleted(&cr), world);
        }
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one story")]
fn whatever_stands_of_a_service_is_decided_about_in_one_go() {
    type Burden = Box<dyn Fn(&mut World, usize)>;
    let failed = |world: &mut World, error: Value| {
        world.service()["state"] = "Failed".into();
        world.service()["error"] = error;
    };
    let details = |log: fn(usize) -> String| {
        move |world: &mut World, count: usize| {
            let crash = json!([{"code": "CrashLoopBackOff", "message": "m"}]);
            failed(world, json!({"code": "AciDeploymentFailed", "message": "m", "details": crash}));
            world.log = log(count);
        }
    };
    let burdens: Vec<(&str, Burden)> = vec![
        ("tags", Box::new(|world, count| world.service()["kvTags"] = tags(count))),
        (
            "details of an error",
            Box::new(move |world, count| {
                let one = |n| json!({"code": format!("c{n}"), "message": "m"});
                failed(world, json!({"code": "x", "message": "m", "details": many(count, one)}));
            }),
        ),
        (
            "model versions",
            Box::new(|world, count| {
                let model = world.models[0].clone();
                let numbered = |n: usize| {
                    let mut model = model.clone();
                    model["version"] = (n + 1).into();
                    model
                };
                world.models = (0..count).map(numbered).collect();
            }),
        ),
    ];
    let logs: Vec<(&str, Burden)> = vec![
        ("empty lines", Box::new(details(|count| "\n".repeat(count)))),
        ("lines", Box::new(details(|count| "a\n".repeat(count)))),
        ("tracebacks", Box::new(details(|count| "Traceback (most recent call last):\nE: x\n".repeat(count)))),
        ("frames", Box::new(details(|count| "  File \"a.py\", line 1, in x\n".repeat(count)))),
        (
            "workers",
            Box::new(details(|count| "Worker (pid:7) was sent SIGKILL!\nBooting worker with pid 8\n".repeat(count))),
        ),
    ];
    let (_, cr) = World::serving(&[]);
    let world = |burden: &Burden, count| {
        let (mut world, _) = World::serving(&[]);
        burden(&mut world, count);
        world
    };
    for (what, burden) in burdens {
        is_bounded(what, Work::Bodies, &cr, |count| world(&burden, count));
        is_bounded(&format!("{what}, deleted"), Work::Bodies, &deleted(&cr), |count| world(&burden, count));
    }
    for (what, burden) in logs {
        is_bounded(what, Work::Logs, &cr, |count| world(&burden, count));
    }
}

#[test]
fn a_conda_file_is_read_in_one_go() {
    let (mut world, cr) = World::serving(&[]);
    let package = |n: usize| format!("- p{n}=1.{n}=py311_{n}\n");
    let list: String = (0..conda::MOST_ENTRIES - 1).map(package).collect();
    let nested = "[".repeat(LARGE / 2);
    for (what, file) in [("packages", format!("dependencies:\n{list}")), ("nesting", nested)] {
        world.files.insert("myenv.yml".into(), file);
        let observed = world.observe(&cr);
        assert!(!observed.is_large(), "{what}");
        let steps = steps(&world, &cr, &observed);
        fits_one_go(what, Work::Files, steps);
    }
}

#[test]
fn of_a_long_text_only_so_much_goes_through_the_patterns() {
    let bytes = |text: &str| {
        scrub::clean(text);
        measure(|| drop(scrub::clean(text))).bytes_total
    };
    let (long, longer) = ("Bearer https://a:b@c sig=d ".repeat(40_000), "Bearer https://a:b@c sig=d ".repeat(80_000));
    // each is copied once as it is
    let beside = |text: &str| bytes(text) - text.len() as u64;
    // What a pattern keeps for its next search is made anew while another thread has it: much less than a copy of the text.
    let more = (longer.len() - long.len()) as u64;
    assert!(beside(&longer) <= beside(&long) + more, "{} and {}", beside(&longer), beside(&long));
    assert_eq!(scrub::clean(&longer), scrub::clean(&long));
}
