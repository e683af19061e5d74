//! Rules hold and fail as JSON Schema says they do.

use serde_json::{Value, json};
use symbolon_wire::{Predicate, Validate, Violations, rule};

fn judged(rule: &'static Predicate, good: &[Value], bad: &[Value]) {
    for value in good {
        assert!(rule.holds(value), "{rule:?} refuses {value}");
    }
    for value in bad {
        assert!(!rule.holds(value), "{rule:?} accepts {value}");
    }
}

#[test]
fn rules_speak_of_values_of_their_kind() {
    let long = rule!(Predicate::MinLength(2));
    judged(long, &[json!("äö"), json!(1), json!(null)], &[json!("ä")]);
    let kinds = rule!(Predicate::Kinds(&[JsonKind::Integer, JsonKind::Null]));
    judged(kinds, &[json!(1.0), json!(null)], &[json!(1.5), json!("1")]);
    let step = rule!(Predicate::MultipleOf(Number::Real(0.01)));
    judged(step, &[json!(19.99), json!(3), json!("x")], &[json!(0.005)]);
    let least = rule!(Predicate::Above(Number::Integer(18_446_744_073_709_551_614)));
    judged(least, &[json!(u64::MAX)], &[json!(u64::MAX - 1)]);
}

#[test]
fn rules_are_held_against_what_was_sent() {
    let few = rule!(Predicate::MaxMembers(1));
    let found = |mut at: Violations| {
        at.member("a/b", &json!({}), |read, at| at.rule(read, "maxProperties", few));
        at.into_found().len()
    };
    assert_eq!(found(Violations::default()), 0);
    let sent = |text: &'static str| Violations::of(move || serde_json::from_str(text).ok());
    assert_eq!(found(sent(r#"{"a/b": {"x": 1, "y": 2}}"#)), 1);
    assert_eq!(found(sent(r#"{"a/b": {"x": 1}}"#)), 0);
    assert_eq!(found(sent("no JSON")), 0);
}

#[test]
fn rules_are_composed() {
    let one = rule!(Predicate::One(&[Predicate::Required(&["a"]), Predicate::Required(&["b"])]));
    judged(one, &[json!({"a": 1}), json!({"b": 1})], &[json!({}), json!({"a": 1, "b": 1})]);
    let given = rule!(Predicate::Given(&[
        Predicate::Required(&["a"]),
        Predicate::Required(&["b"]),
        Predicate::MaxMembers(1),
    ]));
    judged(given, &[json!({"a": 1, "b": 1}), json!({"c": 1})], &[json!({"a": 1})]);
    let some = rule!(Predicate::Contains(1, Some(2), &Predicate::Kinds(&[JsonKind::Text])));
    judged(some, &[json!(["a", 1])], &[json!([1]), json!(["a", "b", "c"])]);
    let others = rule!(Predicate::Others(
        &[
            Known(Predicate::Always, &["a"], &[symbolon_wire::pattern!("^x-")]),
            Known(Predicate::Required(&["b"]), &["b", "c"], &[]),
        ],
        &Predicate::Never,
    ));
    judged(
        others,
        &[json!({"a": 1, "x-1": 1}), json!({"b": 1, "c": 1})],
        &[json!({"c": 1}), json!({"d": 1})],
    );
    let same = rule!(Predicate::Listed(symbolon_wire::values!("[{\"a\": 1, \"b\": [2]}]")));
    judged(same, &[json!({"b": [2.0], "a": 1.0})], &[json!({"a": 1})]);
}

#[test]
fn a_violation_names_its_keyword_and_place() {
    struct Thing;
    impl Validate for Thing {
        fn validate(&self, at: &mut Violations) {
            at.member("a", &vec!["x"], |value, at| {
                at.rule(value, "contains", rule!(Predicate::Contains(2, None, &Predicate::Always)));
            });
            at.member("b", &0.005_f64, |value, at| at.multiple_of_real(*value, 0.01));
            at.member("c", "a b", |value, at| at.format(value, symbolon_wire::Format::Uri));
        }
    }
    let mut found = Violations::default();
    Thing.validate(&mut found);
    let said: Vec<String> = found
        .into_found()
        .into_iter()
        .map(|violation| format!("{} {}", violation.pointer, violation.code))
        .collect();
    assert_eq!(said, ["/a contains", "/b multipleOf", "/c format"]);
}

/// One of two schemas, each of which holds the whole in its `child`.
static NODE: Predicate = Predicate::One(&[
    Predicate::All(&[Predicate::Member("child", &CHILD), Predicate::Required(&["kept"])]),
    Predicate::All(&[
        Predicate::Member("child", &CHILD),
        Predicate::Not(&Predicate::Required(&["kept"])),
    ]),
]);
static CHILD: Predicate = Predicate::Named(&NODE);

fn nested(levels: usize, innermost: Value) -> Value {
    (0..levels).fold(innermost, |inner, _| json!({ "child": inner }))
}

#[test]
fn alternatives_that_hold_themselves_are_looked_at_once_a_place() {
    // Without that, 100 levels are 2^100 looks.
    assert!(NODE.holds(&nested(100, json!({}))));
    let both = rule!(Predicate::One(&[Predicate::Named(&NODE), Predicate::Named(&NODE)]));
    assert!(!both.holds(&nested(100, json!({}))));
}

#[test]
fn rules_reach_the_depth_that_json_may_have() {
    static LEAF: Predicate = Predicate::All(&[
        Predicate::Any(&[Predicate::Member("child", &DEEPER), Predicate::Never]),
        Predicate::Not(&Predicate::Required(&["wrong"])),
    ]);
    static DEEPER: Predicate = Predicate::Named(&LEAF);
    assert!(LEAF.holds(&nested(120, json!({}))));
    assert!(!LEAF.holds(&nested(120, json!({ "wrong": 1 }))));
}

#[test]
fn a_flood_of_violations_is_cut_short() {
    let mut found = Violations::default();
    (0..10_000).for_each(|index| found.member(index, &(), |_, at| at.report("type", "is wrong")));
    assert_eq!(found.into_found().len(), 100);
    let body = format!("[{}1]", "1,".repeat(10_000));
    let refused = symbolon_wire::read_json::<Vec<String>>(body.as_bytes());
    assert_eq!(refused.map_err(|refused| refused.len()), Err(100));
}
