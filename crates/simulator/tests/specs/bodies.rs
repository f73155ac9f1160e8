//! Schemas: what each keyword of Swagger, and of Azure's additions to it, refuses.

use crate::{checker, document, found, of_a_thing, ok, request, send, violations};
use serde_json::{Value, json};
use std::sync::Arc;

/// Sends `body` and gives it back: what is found in the request, and what in the answer.
async fn both(schema: Value, definitions: Value, body: Value) -> (Vec<String>, Vec<String>) {
    let checker = of_a_thing(schema, definitions);
    found(&checker, body.clone(), body).await.into_iter().partition(|found| found.starts_with("request"))
}

fn object(properties: Value) -> Value {
    json!({"type": "object", "properties": properties})
}

#[tokio::test]
async fn keywords() {
    for (member, right, wrong, why) in [
        (json!({"type": "string"}), json!("a"), json!(1), "value is not of type \"string\""),
        (json!({"type": "integer"}), json!(1), json!(1.5), "value is not of type \"integer\""),
        (json!({"type": "integer", "format": "int32"}), json!(1), json!(3_000_000_000_u64), "2147483647"),
        (json!({"type": "integer", "minimum": 1}), json!(1), json!(0), "less than the minimum of 1"),
        (
            json!({"type": "string", "format": "date-time"}),
            json!("2026-11-22T08:47:53.95+00:00"),
            json!("now"),
            "date-time",
        ),
        (
            json!({"type": "string", "format": "uuid"}),
            json!("00000000-0000-0000-0000-00000000000a"),
            json!("x"),
            "uuid",
        ),
        (json!({"type": "string", "format": "arm-id"}), json!("anything"), json!(1), "string"),
        (json!({"type": "string", "pattern": "^[a-z]+$"}), json!("ab"), json!("A"), "does not match"),
        (json!({"type": "string", "enum": ["A", "B"]}), json!("A"), json!("C"), "is not one of"),
        (json!({"type": "array", "items": {"type": "string"}}), json!(["a"]), json!([1]), "string"),
        (
            json!({"type": "object", "additionalProperties": {"type": "string"}}),
            json!({"k": "v"}),
            json!({"k": 1}),
            "string",
        ),
        (json!({"type": "object", "additionalProperties": false}), json!({}), json!({"k": 1}), "does not allow"),
    ] {
        let schema = object(json!({"m": member}));
        assert_eq!(both(schema.clone(), json!({}), json!({"m": right})).await, (vec![], vec![]), "{schema} {right}");
        let (asked, answered) = both(schema.clone(), json!({}), json!({"m": wrong})).await;
        assert_eq!((asked.len(), answered.len()), (1, 1), "{schema} {wrong}: {asked:?} {answered:?}");
        assert!(asked[0].starts_with("request /m") && asked[0].contains(why), "{asked:?} lacks {why}");
        assert!(answered[0].starts_with("answer /m") && answered[0].contains(why), "{answered:?} lacks {why}");
    }
}

#[tokio::test]
async fn an_enumeration_that_is_modelled_as_string_is_open() {
    for (open, wrong) in [(true, 0), (false, 1)] {
        let member = json!({"type": "string", "enum": ["A"], "x-ms-enum": {"name": "E", "modelAsString": open}});
        let (asked, _) = both(object(json!({"m": member})), json!({}), json!({"m": "B"})).await;
        assert_eq!(asked.len(), wrong, "{asked:?}");
    }
}

#[tokio::test]
async fn null_stands_for_what_may_be_absent() {
    let schema = json!({
        "type": "object", "required": ["needed", "emptied"],
        "properties": {
            "needed": {"type": "string"}, "emptied": {"type": "string", "x-nullable": true},
            "free": {"type": "string"}, "strict": {"type": "string", "x-nullable": false},
            "list": {"type": "array", "items": {"type": "string"}},
        },
    });
    let body = json!({"needed": "a", "emptied": null, "free": null, "list": [null]});
    assert_eq!(both(schema.clone(), json!({}), body).await.0, Vec::<String>::new());
    for body in [json!({"needed": null, "emptied": "a"}), json!({"needed": "a", "emptied": "a", "strict": null})] {
        assert_eq!(both(schema.clone(), json!({}), body.clone()).await.0.len(), 1, "{body}");
    }
    let (asked, _) = both(schema, json!({}), json!({"needed": "a"})).await;
    assert_eq!(asked, ["request : \"emptied\" is a required property"]);
}

#[tokio::test]
async fn a_client_may_send_back_what_only_azure_writes_and_need_not() {
    let definitions = json!({
        "Base": {"type": "object", "properties": {"id": {"type": "string", "readOnly": true}}},
        "State": {"type": "string", "enum": ["On"], "readOnly": true},
        "Thing": {
            "allOf": [{"$ref": "#/definitions/Base"}], "required": ["id", "state"],
            "properties": {"state": {"$ref": "#/definitions/State"}},
        },
    });
    let schema = json!({"$ref": "#/definitions/Thing"});
    let checker = of_a_thing(schema, definitions);
    let right = json!({"id": "i", "state": "On"});
    assert_eq!(found(&checker, json!({}), right.clone()).await, Vec::<String>::new());
    assert_eq!(found(&checker, json!({"state": 1}), right.clone()).await, Vec::<String>::new());
    assert_eq!(found(&checker, right, json!({"state": "On"})).await, ["answer : \"id\" is a required property"]);
}

#[tokio::test]
async fn what_azure_never_shows_is_required_of_requests_only() {
    let schema = json!({
        "type": "object", "required": ["secret", "given"],
        "properties": {
            "secret": {"type": "string", "x-ms-secret": true},
            "given": {"type": "string", "x-ms-mutability": ["create", "update"]},
        },
    });
    let (asked, answered) = both(schema, json!({}), json!({})).await;
    assert_eq!((asked.len(), answered.len()), (2, 0), "{asked:?} {answered:?}");
}

/// Base with two kinds, of which one has a kind of its own.
fn family() -> Value {
    json!({
        "Animal": {
            "type": "object", "discriminator": "kind", "required": ["kind"],
            "properties": {"kind": {"type": "string"}, "friend": {"$ref": "#/definitions/Animal"}},
        },
        "Dog": {
            "allOf": [{"$ref": "#/definitions/Animal"}], "x-ms-discriminator-value": "dog", "required": ["bark"],
            "properties": {"bark": {"type": "string"}},
        },
        "Puppy": {
            "allOf": [{"$ref": "#/definitions/Dog"}], "properties": {"weeks": {"type": "integer"}},
        },
    })
}

#[tokio::test]
async fn the_discriminator_says_which_type_it_is() {
    for (body, why) in [
        (json!({"kind": "dog", "bark": "wau"}), None),
        (json!({"kind": "cat"}), None),
        (json!({"kind": "dog"}), Some("request : \"bark\" is a required property")),
        (json!({"kind": "Puppy", "bark": "a", "weeks": "x"}), Some("request /weeks: value is not of type \"integer\"")),
        (json!({"kind": "cat", "friend": {"kind": "dog"}}), Some("request /friend: \"bark\" is a required property")),
        (json!({}), Some("request : \"kind\" is a required property")),
    ] {
        let (asked, _) = both(json!({"$ref": "#/definitions/Animal"}), family(), body.clone()).await;
        let expected: Vec<String> = why.into_iter().map(str::to_owned).collect();
        assert_eq!(asked, expected, "{body}");
    }
}

#[tokio::test]
async fn references_go_to_other_files_and_what_is_not_there_is_anything() {
    let put = json!({
        "operationId": "Put",
        "parameters": [{"in": "body", "name": "body", "schema": {"type": "object", "properties": {
            "there": {"$ref": "./common.json#/definitions/Word"},
            "absent": {"$ref": "../far/types.json#/definitions/Word"},
        }}}, {"$ref": "../far/types.json#/parameters/ApiVersion"}],
        "responses": {"200": {}},
        "x-ms-examples": {"One": {"$ref": "./examples/one.json"}},
    });
    let common = document(json!({}), json!({"Word": {"type": "string"}}));
    let checker = checker(&[
        ("net/a.json", document(json!({"/things/{name}": {"put": put}}), json!({}))),
        ("net/common.json", common),
        ("net/examples.json", json!({"parameters": {}})),
    ]);
    assert_eq!(found(&checker, json!({"there": "a", "absent": [1]}), json!({})).await, Vec::<String>::new());
    assert_eq!(found(&checker, json!({"there": 1}), json!({})).await.len(), 1);
    let report = checker.report();
    assert_eq!(report["documents"], json!(["net/a.json", "net/common.json"]));
    let absent = json!({"../far/types.json#/definitions/Word": 1, "../far/types.json#/parameters/ApiVersion": 1});
    assert_eq!(report["takenAsAnything"], absent);
}

#[tokio::test]
async fn members_that_no_schema_names_are_counted() {
    let definitions = json!({
        "Base": {"type": "object", "properties": {"id": {"type": "string"}}},
        "Far": {"allOf": [{"$ref": "far.json#/definitions/X"}], "properties": {"id": {"type": "string"}}},
    });
    let schema = json!({
        "allOf": [{"$ref": "#/definitions/Base"}],
        "properties": {
            "list": {"type": "array", "items": {"$ref": "#/definitions/Base"}}, "free": {"type": "object"},
            "map": {"type": "object", "additionalProperties": {"$ref": "#/definitions/Base"}},
            "far": {"$ref": "#/definitions/Far"},
        },
    });
    let checker = of_a_thing(schema, definitions);
    let body = json!({
        "id": "i", "new": 1, "list": [{"id": "i", "new": 1}, {"new": 2}], "free": {"any": 1}, "map": {"k": {"new": 1}},
        "far": {"new": 1},
    });
    send(&checker, request("PUT", "/things/a", &body), ok(json!({}))).await;
    assert_eq!(violations(&checker), Vec::<String>::new());
    let unknown = checker.ledger().unknown_members;
    let expected = ["Put request /list/*/new", "Put request /map/*/new", "Put request /new"];
    assert_eq!(unknown.into_iter().collect::<Vec<_>>(), expected.map(|at| (at.to_owned(), 1)));
}

#[tokio::test]
async fn no_value_is_repeated() {
    let schema = object(json!({
        "keys": {"type": "object", "properties": {"primaryKey": {"type": "integer"}}},
        "sslKey": {"type": "string", "pattern": "^x$", "maxLength": 1, "enum": ["x"]},
        "all": {"type": "object", "additionalProperties": {"type": "integer"}},
    }));
    let checker = Arc::new(of_a_thing(schema, json!({})).afresh());
    let body = json!({"keys": {"primaryKey": "s3cr3t"}, "sslKey": "s3cr3t", "all": {"a": "s3cr3t"}});
    send(&checker, request("PUT", "/things/a?sig=s3cr3t", &body), ok(json!("s3cr3t"))).await;
    assert!(violations(&checker).len() >= 5, "{:?}", violations(&checker));
    assert!(!checker.report().to_string().contains("s3cr3t"));
}
