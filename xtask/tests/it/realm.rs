//! The realm of deploy/keycloak, held against the scopes that the contracts ask for.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn realm() -> Value {
    let text = fs::read_to_string(root().join("deploy/keycloak/realm.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The strings of a list.
fn texts(list: &Value) -> BTreeSet<String> {
    let items = list.as_array().unwrap_or_else(|| panic!("no list: {list}")).iter();
    items.map(|item| item.as_str().unwrap().to_owned()).collect()
}

/// What some items of a list are called; a scope of a contract has a colon in its name.
fn names(list: &Value) -> BTreeSet<String> {
    let items = list.as_array().unwrap().iter();
    let names = items.map(|item| item["name"].as_str().unwrap().to_owned());
    names.filter(|name| name.contains(':')).collect()
}

/// Every scope that a `security` of a document names.
fn asked(document: &Value, scopes: &mut BTreeSet<String>) {
    match document {
        Value::Object(members) => {
            let security = members.get("security").and_then(Value::as_array);
            let alternatives = security.into_iter().flatten().filter_map(Value::as_object);
            for list in alternatives.flat_map(|all| all.values()) {
                scopes.extend(texts(list));
            }
            members.values().for_each(|member| asked(member, scopes));
        }
        Value::Array(items) => items.iter().for_each(|item| asked(item, scopes)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The scopes of every contract there is, as its server serves it.
fn contracts() -> BTreeSet<String> {
    let mut scopes = BTreeSet::new();
    for entry in fs::read_dir(root().join("contracts")).unwrap() {
        let folder = entry.unwrap().path();
        if !folder.join("openapi.yaml").exists() {
            continue;
        }
        let system = folder.file_name().unwrap().to_str().unwrap();
        let served = root().join(format!("generated/{system}-server/src/openapi.json"));
        let document: Value = serde_json::from_str(&fs::read_to_string(served).unwrap()).unwrap();
        asked(&document["paths"], &mut scopes);
        asked(&serde_json::json!({ "security": document["security"] }), &mut scopes);
    }
    assert!(!scopes.is_empty());
    scopes
}

#[test]
fn the_realm_has_the_scopes_of_the_contracts_and_no_others() {
    let (realm, contracts) = (realm(), contracts());
    assert_eq!(names(&realm["clientScopes"]), contracts, "client scopes");
    assert_eq!(names(&realm["roles"]["realm"]), contracts, "roles");
    assert_eq!(texts(&realm["defaultOptionalClientScopes"]), contracts);
    for client in realm["clients"].as_array().unwrap() {
        assert_eq!(texts(&client["optionalClientScopes"]), contracts, "{}", client["clientId"]);
    }
}

/// Without a role of its own a scope would be everybody's.
#[test]
fn a_scope_is_for_those_with_the_role_of_its_name() {
    let (realm, contracts) = (realm(), contracts());
    let mut mapped = BTreeSet::new();
    for mapping in realm["scopeMappings"].as_array().unwrap() {
        let scope = mapping["clientScope"].as_str().unwrap().to_owned();
        assert_eq!(texts(&mapping["roles"]), BTreeSet::from([scope.clone()]));
        mapped.insert(scope);
    }
    assert_eq!(mapped, contracts);
    let roles = realm["roles"]["realm"].as_array().unwrap();
    let composites = roles.iter().filter(|role| role["composite"] == true);
    let parts: BTreeSet<_> =
        composites.flat_map(|role| texts(&role["composites"]["realm"])).collect();
    assert_eq!(parts, contracts, "nobody could be given what no role for people holds");
}

/// What is of all tenants together is nobody's until somebody is made its operator.
#[test]
fn the_platform_is_given_to_nobody() {
    let realm = realm();
    let roles = realm["roles"]["realm"].as_array().unwrap();
    let holding = |name: &str| {
        let holds = |role: &&Value| {
            role["composite"] == true && texts(&role["composites"]["realm"]).contains(name)
        };
        roles.iter().filter(holds).map(|role| role["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(holding("calls:platform"), ["platform-operator"]);
    assert!(holding("platform-operator").is_empty());
    let given = realm["users"].as_array().unwrap().iter().flat_map(|it| texts(&it["realmRoles"]));
    let given: BTreeSet<_> = given.collect();
    assert!(given.is_disjoint(&["calls:platform", "platform-operator"].map(Into::into).into()));
    assert_eq!(realm.get("defaultRole"), None, "Keycloak's own holds none of ours");
    assert_eq!(realm.get("defaultRoles"), None);
}

/// What the server asks of a token, and what keeps tenants apart.
#[test]
fn tokens_have_what_the_server_asks_for() {
    let realm = realm();
    let scopes = realm["clientScopes"].as_array().unwrap();
    let scope = |name: &str| scopes.iter().find(|scope| scope["name"] == name).unwrap();
    let mappers = |name: &str| scope(name)["protocolMappers"].as_array().unwrap().clone();
    let find = |scope: &str, kind: &str| {
        let found = mappers(scope).into_iter().find(|mapper| mapper["protocolMapper"] == kind);
        let config = found.unwrap()["config"].clone();
        assert_eq!(config["access.token.claim"], "true", "{kind}");
        config
    };
    find("basic", "oidc-sub-mapper");
    let audience = find("symbolon", "oidc-audience-mapper");
    assert_eq!(audience["included.custom.audience"], "symbolon");
    let tenant = find("symbolon", "oidc-usermodel-attribute-mapper");
    assert_eq!(
        (&tenant["user.attribute"], &tenant["claim.name"]),
        (&"tenant".into(), &"tenant".into())
    );

    for client in realm["clients"].as_array().unwrap() {
        let id = client["clientId"].as_str().unwrap();
        let defaults = texts(&client["defaultClientScopes"]);
        assert!(defaults.is_superset(&["basic", "symbolon"].map(str::to_owned).into()), "{id}");
        let attributes = &client["attributes"];
        assert_eq!(attributes["access.token.header.type.rfc9068"], "true", "{id}");
        if client["publicClient"] == true {
            assert_eq!(attributes["pkce.code.challenge.method"], "S256", "{id}");
        }
        for flow in ["implicitFlowEnabled", "directAccessGrantsEnabled", "fullScopeAllowed"] {
            assert_eq!(client[flow], false, "{id}: {flow}");
        }
        assert!(client.get("secret").is_none(), "{id}: a secret in a file is none");
    }
    let profile = &realm["components"]["org.keycloak.userprofile.UserProfileProvider"][0];
    let profile = profile["config"]["kc.user.profile.config"][0].as_str().unwrap();
    let profile: Value = serde_json::from_str(profile).unwrap();
    let attributes = profile["attributes"].as_array().unwrap();
    let tenant = attributes.iter().find(|attribute| attribute["name"] == "tenant").unwrap();
    assert_eq!(tenant["permissions"]["edit"], serde_json::json!(["admin"]));
}
