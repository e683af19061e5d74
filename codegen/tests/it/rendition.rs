//! The 3.0 rendition of a contract, read by a library that reads nothing newer.

use openapiv3::OpenAPI;

#[test]
fn the_rendition_is_a_3_0_document_of_the_same_operations() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../generated");
    let text = std::fs::read_to_string(format!("{folder}/schemas/calls/openapi-3.0.json"));
    let rendition: OpenAPI =
        serde_json::from_str(&text.expect("gen wrote it")).expect("it is OpenAPI 3.0");
    let ids: Vec<&str> =
        rendition.operations().filter_map(|(_, _, found)| found.operation_id.as_deref()).collect();
    let text = std::fs::read_to_string(format!("{folder}/calls-server/src/openapi.json"));
    let contract: serde_json::Value =
        serde_json::from_str(&text.expect("gen wrote it")).expect("it is JSON");
    let paths = contract["paths"].as_object().expect("it has paths");
    let operations = paths.values().filter_map(|item| item.as_object()).flatten();
    let expected: Vec<&str> =
        operations.filter_map(|(_, operation)| operation["operationId"].as_str()).collect();
    assert_eq!(sorted(ids), sorted(expected));
    assert!(rendition.openapi.starts_with("3.0"));
}

fn sorted(mut ids: Vec<&str>) -> Vec<&str> {
    ids.sort_unstable();
    ids
}
