//! Alerts and dashboards of deploy/, held against the metrics that docs/metrics.md lists; that the
//! server exports these is tested with the server.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use symbolon_codegen::source;

/// Words of PromQL that labels follow in parentheses.
const GROUPINGS: [&str; 4] = ["by", "without", "on", "ignoring"];
/// Words of PromQL between two sides.
const JOINTS: [&str; 5] = ["and", "or", "unless", "offset", "bool"];
/// Labels that Prometheus adds to every series.
const ADDED: [&str; 3] = ["job", "instance", "le"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Metrics and their labels.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(root().join("docs/metrics.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let mut metrics: BTreeMap<String, BTreeSet<String>> = rows
        .map(|row| {
            let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
            let labels = cells[2].split(", ").filter(|it| !it.is_empty()).map(str::to_owned);
            let name = cells[0].trim_matches('`');
            let name =
                if cells[1] == "histogram" { format!("{name}_bucket") } else { name.to_owned() };
            (name, labels.collect())
        })
        .collect();
    metrics.insert("up".to_owned(), BTreeSet::new());
    metrics
}

fn yaml(path: &Path) -> Value {
    source::parse("file.yml", &fs::read_to_string(path).unwrap()).unwrap()
}

/// The files of a folder of deploy/, each with its path.
fn files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("deploy").join(folder)).unwrap();
    let files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty(), "{folder}");
    files
}

fn rules() -> Vec<Value> {
    let documents = files("prometheus/rules").into_iter().map(|path| yaml(&path));
    let groups = documents.flat_map(|it| it["groups"].as_array().unwrap().clone());
    groups.flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
}

/// Every PromQL expression of a dashboard.
fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("expr").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| expressions(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| expressions(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The metrics that an expression reads, each with the labels it is chosen by.
fn read(expression: &str) -> Vec<(String, BTreeSet<String>)> {
    let mut found: Vec<(String, BTreeSet<String>)> = Vec::new();
    let mut rest = expression;
    while let Some(at) = rest.find(|c: char| c.is_ascii_alphabetic() || "_\"[{".contains(c)) {
        rest = &rest[at..];
        let through = |close: char| 2 + rest[1..].find(close).unwrap();
        let length = match rest.as_bytes()[0] {
            b'"' => through('"'),
            b'[' => through(']'),
            b'{' => {
                let matchers = rest[1..through('}') - 1].split(", ");
                let labels = matchers.map(|it| it.split(['=', '!']).next().unwrap().to_owned());
                found.last_mut().unwrap().1.extend(labels);
                through('}')
            }
            _ => {
                let is_end = |c: char| !c.is_ascii_alphanumeric() && c != '_';
                let length = rest.find(is_end).unwrap_or(rest.len());
                let (word, after) = (&rest[..length], rest[length..].trim_start());
                let is_function = after.starts_with('(') || after.starts_with("by ");
                if GROUPINGS.contains(&word) {
                    through(')')
                } else {
                    if !is_function && !JOINTS.contains(&word) {
                        found.push((word.to_owned(), BTreeSet::new()));
                    }
                    length
                }
            }
        };
        rest = &rest[length..];
    }
    found
}

/// Holds an expression against what there is.
fn hold(expression: &str, metrics: &BTreeMap<String, BTreeSet<String>>) {
    let found = read(expression);
    assert!(!found.is_empty(), "it reads nothing: {expression}");
    for (name, labels) in found {
        let known = metrics.get(&name);
        let known = known.unwrap_or_else(|| panic!("no `{name}` in docs/metrics.md: {expression}"));
        for label in labels {
            let is_known = known.contains(&label) || ADDED.contains(&label.as_str());
            assert!(is_known, "`{name}` has no label `{label}`: {expression}");
        }
    }
}

#[test]
fn an_expression_is_read_as_prometheus_reads_it() {
    let text = "sum by (le) (rate(a_bucket{job=\"x\", b!~\"c|d\"}[5m])) / ignoring (e) f > 0.5 \
                and max(g{}) unless h";
    let labels = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect();
    let expected = [("a_bucket", labels(&["job", "b"])), ("f", labels(&[])), ("g", labels(&[""]))];
    let mut found = read(text);
    assert_eq!(found.pop().unwrap().0, "h");
    assert_eq!(found, expected.map(|(name, labels)| (name.to_owned(), labels)));
}

#[test]
fn alerts_read_what_the_server_exports_and_lead_to_the_runbook() {
    let metrics = documented();
    let runbook = fs::read_to_string(root().join("docs/runbook.md")).unwrap();
    let mut headings: BTreeSet<_> =
        runbook.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    for rule in &rules() {
        hold(rule["expr"].as_str().unwrap(), &metrics);
        let name = rule["alert"].as_str().unwrap();
        let place = format!("docs/runbook.md#{}", name.to_lowercase());
        assert_eq!(rule["annotations"]["runbook"], place);
        assert!(
            headings.remove(name),
            "docs/runbook.md says nothing of {name}, or it is there twice"
        );
        let severity = rule["labels"]["severity"].as_str();
        assert!(matches!(severity, Some("critical" | "warning")), "{name}");
    }
    assert_eq!(headings, BTreeSet::new(), "there are no such alerts");
}

#[test]
fn every_alert_is_tested_to_fire_and_not_to_fire() {
    let tests = files("prometheus/tests").into_iter().map(|path| yaml(&path));
    let tests: Vec<Value> = tests.flat_map(|it| it["tests"].as_array().unwrap().clone()).collect();
    let cases: Vec<&Value> =
        tests.iter().flat_map(|test| test["alert_rule_test"].as_array().unwrap()).collect();
    for rule in &rules() {
        let of_it = cases.iter().filter(|case| case["alertname"] == rule["alert"]);
        let fires: BTreeSet<bool> = of_it.map(|case| case["exp_alerts"].is_array()).collect();
        assert_eq!(fires, BTreeSet::from([false, true]), "{}", rule["alert"]);
    }
}

#[test]
fn dashboards_show_what_the_server_exports() {
    let metrics = documented();
    for path in files("grafana/dashboards") {
        let text = fs::read_to_string(&path).unwrap();
        let dashboard: Value = serde_json::from_str(&text).unwrap();
        let mut found = Vec::new();
        expressions(&dashboard, &mut found);
        assert!(found.len() > 20, "{}", path.display());
        found.iter().for_each(|expression| hold(expression, &metrics));
        let panels = dashboard["panels"].as_array().unwrap();
        let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
        assert_eq!(ids.len(), panels.len(), "panels have ids of their own");
    }
}
