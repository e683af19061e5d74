//! A value that several alternatives can read is of the one it fits best.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use symbolon_wire::{Open, record, tagged, text_enum, untagged};

#[derive(Debug, PartialEq)]
struct Point {
    x: Option<f64>,
}

#[derive(Debug, PartialEq)]
struct Disc {
    x: Option<f64>,
    radius: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Act {
    Rename,
    Move,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Colour {
    Red,
    Green,
}

#[derive(Debug, PartialEq)]
struct Node {
    left: Option<Box<Tree>>,
}

#[derive(Debug, PartialEq)]
struct Leaf {
    left: Option<Box<Tree>>,
    bad: u8,
}

#[derive(Debug, PartialEq)]
enum Tree {
    Leaf(Box<Leaf>),
    Node(Box<Node>),
}

#[derive(Debug, PartialEq)]
enum Figure {
    Free(BTreeMap<String, String>),
    Point(Point),
    Disc(Disc),
    Any(Value),
}

#[derive(Debug, PartialEq)]
enum Kind {
    Point(Point),
    Base(Disc),
}

#[derive(Debug, PartialEq)]
enum Word {
    Act(Open<Act>),
    Colour(Open<Colour>),
}

record!(Point { opt x "x" });
record!(Disc { opt x "x", opt radius "radius" });
record!(Node { opt left "left" });
record!(Leaf { opt left "left", need bad "bad" });
text_enum!(Act { Rename "rename", Move "move" });
text_enum!(Colour { Red "red", Green "green" });
untagged!(Figure { Free, Point, Disc, Any });
tagged!(Kind by "kind" { Point: "point", Base: "disc" } else Base);
untagged!(Word { Act, Colour });
untagged!(Tree { Leaf, Node });

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_str(&value.to_string()).unwrap()
}

#[test]
fn the_one_that_knows_most_members_is_read() {
    let both = Figure::Disc(Disc { x: Some(1.0), radius: Some(2.0) });
    assert_eq!(read::<Figure>(json!({"x": 1, "radius": 2})), both);
    assert_eq!(read::<Figure>(json!({"x": 1})), Figure::Point(Point { x: Some(1.0) }));
    let newer = json!({"x": 1, "radius": 2, "colour": "red"});
    assert_eq!(read::<Figure>(newer), both);
}

#[test]
fn what_no_member_is_known_of_is_kept_as_it_is() {
    let free = Figure::Free(BTreeMap::from([("a".to_owned(), "b".to_owned())]));
    assert_eq!(read::<Figure>(json!({"a": "b"})), free);
    assert_eq!(read::<Figure>(json!({"a": 1})), Figure::Any(json!({"a": 1})));
    assert_eq!(read::<Figure>(json!([1])), Figure::Any(json!([1])));
}

#[test]
fn a_listed_text_is_of_the_enumeration_that_lists_it() {
    assert_eq!(read::<Word>(json!("green")), Word::Colour(Colour::Green.into()));
    assert_eq!(read::<Word>(json!("blue")), Word::Act(Open::Unknown("blue".to_owned())));
}

#[test]
fn values_that_many_alternatives_nearly_fit_are_not_tried_for_ever() {
    let mut deep = json!({});
    for _ in 0..100 {
        deep = json!({ "left": deep });
    }
    let started = std::time::Instant::now();
    let read = serde_json::from_str::<Tree>(&deep.to_string());
    assert!(read.is_err(), "every level is tried twice, and each of them has two more below");
    assert!(started.elapsed().as_secs() < 20);
}

#[test]
fn a_value_with_no_tag_or_an_unknown_one_is_the_one_for_all_others() {
    let base = Kind::Base(Disc { x: Some(1.0), radius: None });
    for value in [json!({"x": 1, "kind": "ring"}), json!({"x": 1}), json!({"x": 1, "kind": 2})] {
        assert_eq!(read::<Kind>(value), base);
    }
    assert_eq!(read::<Kind>(json!({"kind": "point"})), Kind::Point(Point { x: None }));
    assert!(serde_json::from_value::<Kind>(json!([1])).is_err());
}
