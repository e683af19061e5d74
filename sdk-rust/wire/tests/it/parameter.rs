//! What one half writes into a request, the other reads back.

use std::collections::BTreeMap;
use std::fmt::Debug;

use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use symbolon_wire::parameter::{EncodeError, Field, decode_fields, decode_form, encode_form};
use symbolon_wire::{Binary, In, Open, Parameter, Style};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Color {
    Red,
    #[serde(rename = "deep blue")]
    DeepBlue,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Point {
    x: i64,
    label: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    shown: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Nested {
    point: Point,
    colors: Vec<Color>,
    points: BTreeMap<String, Point>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Either {
    Number(i64),
    Text(String),
}

/// Writes and reads as the two halves do.
fn round_trip<T: Serialize + DeserializeOwned>(parameter: Parameter, value: &T) -> Option<T> {
    match parameter.location {
        In::Path | In::Header => {
            let text = parameter.encode_text(value).unwrap();
            if parameter.location == In::Path {
                let text = text.as_deref().unwrap();
                assert!(text.is_ascii() && !text.contains(['/', '?', '#', ' ']), "{text}");
            }
            parameter.decode_text(text.as_deref()).unwrap()
        }
        In::Query | In::Cookie | In::Body => {
            let pairs = parameter.encode_pairs(value).unwrap();
            let text: Vec<_> =
                pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let text = text.join("&");
            assert!(text.is_ascii() && !text.contains(['#', ' ', ';', '"']), "{text}");
            let pairs: Vec<_> =
                text.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
            parameter.decode_pairs(&pairs).unwrap()
        }
    }
}

fn assert_same<T: Serialize + DeserializeOwned + PartialEq + Debug>(
    parameter: Parameter,
    value: &T,
) {
    assert_eq!(round_trip(parameter, value).as_ref(), Some(value), "{parameter:?}");
}

/// Every style a scalar or a list of several elements can have, in every place.
fn styles() -> Vec<Parameter> {
    let mut all = Vec::new();
    for explode in [true, false] {
        all.push(Parameter::query("p q").explode(explode));
        all.push(Parameter::cookie("p").explode(explode));
        for style in [Style::Simple, Style::Label, Style::Matrix] {
            all.push(Parameter::path("p").style(style).explode(explode));
        }
    }
    all.push(Parameter::query("p").style(Style::Json));
    all.push(Parameter::path("p").style(Style::Json));
    all
}

fn point() -> impl Strategy<Value = Point> {
    (any::<i64>(), ".+", any::<Option<bool>>()).prop_map(|(x, label, shown)| Point {
        x,
        label,
        shown,
    })
}

proptest! {
    #[test]
    fn scalars_survive(text in ".+", integer in any::<i64>(), natural in any::<u64>(),
        number in any::<f64>().prop_filter("JSON has no other", |number| number.is_finite()),
        boolean in any::<bool>()) {
        for parameter in styles() {
            let is_dots = parameter.location == In::Path && [".", ".."].contains(&text.as_str());
            if !is_dots || parameter.style != Style::Simple {
                assert_same(parameter, &text);
                assert_same(parameter, &Open::<Color>::Unknown(text.clone()));
            }
            assert_same(parameter, &integer);
            assert_same(parameter, &natural);
            assert_same(parameter, &number);
            assert_same(parameter, &boolean);
            assert_same(parameter, &Color::DeepBlue);
            assert_same(parameter, &Either::Number(integer));
        }
    }

    #[test]
    fn lists_survive(texts in prop::collection::vec("[^.]+", 1..5),
        integers in prop::collection::vec(any::<i32>(), 1..5)) {
        for parameter in styles() {
            assert_same(parameter, &texts);
            assert_same(parameter, &integers);
        }
        let spaced = Parameter::query("p").style(Style::SpaceDelimited);
        let piped = Parameter::query("p").style(Style::PipeDelimited);
        if texts.iter().all(|text| !text.contains(' ')) {
            assert_same(spaced, &texts);
        }
        if texts.iter().all(|text| !text.contains('|')) {
            assert_same(piped, &texts);
        }
        assert_same(Parameter::query("p").style(Style::DeepObject), &texts);
    }

    #[test]
    fn objects_survive(point in point()) {
        for parameter in styles() {
            assert_same(parameter, &point);
        }
        assert_same(Parameter::query("p").style(Style::DeepObject), &point);
    }

    #[test]
    fn nested_objects_survive(point in point(), key in "[a-z/~ .]{1,5}", index in 0..2usize) {
        let colors = vec![Color::Red, Color::DeepBlue][index..].to_vec();
        let points = BTreeMap::from([(key, point.clone())]);
        let nested = Nested { point, colors, points };
        assert_same(Parameter::query("p").style(Style::DeepObject), &nested);
        assert_same(Parameter::query("p").style(Style::Json), &nested);
        assert_same(Parameter::query("p"), &nested);
        let list = [Some(nested.clone()), Some(nested.clone())];
        let any = serde_json::json!([{ "x": index, "of": ["a", "b"] }, { "key": { "y": true } }]);
        for parameter in [Parameter::query("p[]"), Parameter::cookie("p"),
            Parameter::query("p").style(Style::DeepObject)] {
            assert_same(parameter, &list.to_vec());
            assert_same(parameter, &any);
            assert_same(parameter, &vec![vec![index], vec![index]]);
            assert_same(parameter, &vec![Either::Number(1), Either::Text("a".to_owned())]);
        }
        assert_same(Parameter::query("p"), &BTreeMap::from([("a".to_owned(), list.to_vec())]));
        assert_same(Parameter::header("p").style(Style::Json), &nested.colors);
        let form = encode_form(&nested).unwrap();
        prop_assert_eq!(decode_form::<Nested>(form.as_bytes()).unwrap(), nested);
    }

    #[test]
    fn headers_survive(text in "[!-~]([ -~]*[!-~])?",
        words in prop::collection::vec("[a-z]+", 1..4)) {
        assert_same(Parameter::header("P"), &text);
        assert_same(Parameter::header("P"), &words);
        assert_same(Parameter::header("P").explode(true), &Point {
            x: 1, label: words[0].clone(), shown: None });
    }

    #[test]
    fn no_text_panics_or_is_quoted(raw in "\\PC*", secret in "[g-z]{12}") {
        for parameter in styles() {
            let _ = parameter.decode_text::<Vec<Point>>(Some(&raw));
            let _ = parameter.decode_pairs::<Nested>(&[("p", &raw), (&raw, &raw)]);
            let pairs = [("p", secret.as_str()), ("p%20q", secret.as_str())];
            for refusal in [
                parameter.decode_pairs::<i32>(&pairs).err(),
                parameter.decode_pairs::<Color>(&pairs).err(),
                parameter.decode_pairs::<Vec<bool>>(&pairs).err(),
                parameter.decode_text::<Point>(Some(&secret)).err(),
            ].into_iter().flatten() {
                prop_assert!(!format!("{refusal:?}").contains(&secret), "{:?}", refusal);
            }
        }
    }
}

#[test]
fn texts_are_those_of_the_standard() {
    let point = BTreeMap::from([("G", 200), ("R", 100)]);
    let list = ["blue", "black"];
    let text = |parameter: Parameter| {
        let parameter = |explode| parameter.explode(explode);
        [false, true].map(|explode| {
            let list = parameter(explode).encode_text(&list).unwrap().unwrap();
            let object = parameter(explode).encode_text(&point).unwrap().unwrap();
            format!("{list} {object}")
        })
    };
    let path = Parameter::path("color");
    assert_eq!(text(path), ["blue,black G,200,R,100", "blue,black G=200,R=100"]);
    assert_eq!(
        text(path.style(Style::Label)),
        [".blue,black .G,200,R,100", ".blue.black .G=200.R=100"]
    );
    assert_eq!(
        text(path.style(Style::Matrix)),
        [";color=blue,black ;color=G,200,R,100", ";color=blue;color=black ;G=200;R=100"]
    );
    let query = |style: Style, explode| {
        let parameter = Parameter::query("color").style(style).explode(explode);
        let pairs = parameter.encode_pairs(&list).unwrap();
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("&")
    };
    assert_eq!(query(Style::Form, true), "color=blue&color=black");
    assert_eq!(query(Style::Form, false), "color=blue,black");
    assert_eq!(query(Style::SpaceDelimited, false), "color=blue%20black");
    assert_eq!(query(Style::PipeDelimited, false), "color=blue%7Cblack");
    let deep = Parameter::query("color").style(Style::DeepObject).encode_pairs(&point).unwrap();
    assert_eq!(deep[0], ("color%5BG%5D".to_owned(), "200".to_owned()));
}

#[test]
fn what_nests_is_spelled_with_brackets_and_read_in_other_spellings_too() {
    let text = |parameter: Parameter, value: &serde_json::Value| {
        let pairs = parameter.encode_pairs(value).unwrap();
        let pairs = pairs.iter().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("&").replace("%5B", "[").replace("%5D", "]")
    };
    let sorts = serde_json::json!([{ "by": "age", "down": true }, { "by": "name" }]);
    let sort = Parameter::query("sort");
    assert_eq!(text(sort, &sorts), "sort[0][by]=age&sort[0][down]=true&sort[1][by]=name");
    let filter = serde_json::json!({ "age": { "gte": 3 }, "name": ["a", "b"], "top": 1 });
    let filters = Parameter::query("filter");
    assert_eq!(text(filters, &filter), "age[gte]=3&name=a&name=b&top=1");
    let deep = filters.style(Style::DeepObject);
    let spelled = "filter[age][gte]=3&filter[name][0]=a&filter[name][1]=b&filter[top]=1";
    assert_eq!(text(deep, &filter), spelled);
    for parameter in [sort, sort.style(Style::DeepObject)] {
        for pairs in [
            [("sort", "a"), ("sort", "b")],
            [("sort[]", "a"), ("sort[]", "b")],
            [("sort[1]", "b"), ("sort[0]", "a")],
        ] {
            let read: Option<Vec<String>> = parameter.decode_pairs(&pairs).unwrap();
            assert_eq!(read.unwrap(), ["a", "b"], "{parameter:?} {pairs:?}");
        }
        let one = parameter.decode_pairs::<serde_json::Value>(&[("sort", "7")]);
        assert_eq!(one, Ok(Some(7.into())));
    }
    let elsewhere = sort.decode_pairs::<Vec<String>>(&[("sort[by]", "a")]);
    assert_eq!(elsewhere, Ok(None));
    let literal = [("sort[by]", "a")];
    let all = Parameter::query("all").decode_pairs::<BTreeMap<String, String>>(&literal);
    assert_eq!(all.unwrap().unwrap()["sort[by]"], "a");
    let form = decode_form::<BTreeMap<String, String>>(b"sort[by]=a");
    assert_eq!(form.unwrap()["sort[by]"], "a");
    let parts = vec![("sort[by]".to_owned(), Field::Text("7".to_owned()))];
    let parts = decode_fields::<BTreeMap<String, BTreeMap<String, u8>>>(parts);
    assert_eq!(parts.unwrap()["sort"]["by"], 7);
}

#[test]
fn objects_of_a_union_are_found_by_the_names_of_their_members() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Page {
        Number(u32),
        Part { size: u32, number: Option<u32> },
    }
    let page = Parameter::query("page").spread(&["size", "number"]);
    assert_same(page, &Page::Number(7));
    let part = Page::Part { size: 7, number: Some(1) };
    assert_same(page, &part);
    let pairs = [("page[size]", "7"), ("page[number]", "1"), ("size", "8")];
    assert_eq!(page.decode_pairs(&pairs), Ok(Some(part)));
    assert_eq!(page.decode_pairs::<Page>(&[("sort", "a")]), Ok(None));
}

#[test]
fn cookies_of_their_own_style_are_not_percent_encoded() {
    let cookie = Parameter::cookie("c").style(Style::Cookie);
    let text = |parameter: Parameter, value: &[&str]| {
        let pairs = parameter.encode_pairs(value).unwrap();
        let pairs = pairs.iter().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    };
    assert_eq!(text(cookie, &["a/b%20=c"]), "c=a/b%20=c");
    assert_eq!(text(cookie, &["a", "b"]), "c=a; c=b");
    assert_eq!(text(cookie.explode(false), &["a", "b"]), "c=a,b");
    let read = cookie.decode_pairs::<String>(&[("c", "a/b%20=c")]);
    assert_eq!(read.unwrap().unwrap(), "a/b%20=c");
    for value in ["a b", "a;b", "a,b", "\"a\"", "é"] {
        assert_eq!(cookie.encode_pairs(value), Err(EncodeError::Cookie), "{value}");
    }
}

#[test]
fn absence_is_none_and_required_is_the_caller_s_business() {
    let pairs = [("other", "1")];
    assert_eq!(Parameter::query("p").decode_pairs::<i32>(&pairs), Ok(None));
    assert_eq!(Parameter::query("p").decode_pairs::<Vec<i32>>(&pairs), Ok(None));
    assert_eq!(Parameter::query("p").decode_pairs::<Point>(&pairs), Ok(None));
    let deep = Parameter::query("p").style(Style::DeepObject);
    assert_eq!(deep.decode_pairs::<Nested>(&pairs), Ok(None));
    assert_eq!(Parameter::header("P").decode_text::<String>(None), Ok(None));
    assert_eq!(Parameter::query("p").encode_pairs(&None::<i32>), Ok(Vec::new()));
}

#[test]
fn refusals_point_at_the_place() {
    let pointer = |pairs: &[(&str, &str)]| {
        let deep = Parameter::query("p").style(Style::DeepObject);
        let refusal = deep.decode_pairs::<Nested>(pairs).unwrap_err();
        (refusal.pointer, refusal.code)
    };
    let place = |pointer: &str, code| (pointer.to_owned(), code);
    assert_eq!(pointer(&[("p[point][x]", "one")]), place("/p/point/x", "type"));
    assert_eq!(pointer(&[("p[point][x]", "1")]), place("/p/point/label", "required"));
    assert_eq!(pointer(&[("p[colors][]", "Green")]), place("/p/colors/0", "enum"));
    let twice = Parameter::query("n").decode_pairs::<i32>(&[("n", "1"), ("n", "2")]);
    assert_eq!(twice.unwrap_err().code, "type");
    let list = Parameter::query("n").decode_pairs::<Vec<u8>>(&[("n", "1"), ("n", "256")]);
    assert_eq!(list.unwrap_err().pointer, "/n/1");
    for text in ["+1", " 1", "1.0", "0x1", "NaN", "inf", "", "1e400"] {
        assert!(Parameter::path("n").decode_text::<i64>(Some(text)).is_err(), "{text}");
    }
    for text in ["NaN", "inf", "-infinity", "+1"] {
        assert!(Parameter::path("n").decode_text::<f64>(Some(text)).is_err(), "{text}");
    }
}

#[test]
fn what_has_no_text_is_an_error_and_never_something_else() {
    let nested = [[1]];
    let joined = Parameter::query("p").explode(false);
    assert_eq!(joined.encode_pairs(&nested), Err(EncodeError::Nested));
    let hollow = [BTreeMap::new(), BTreeMap::from([("a", 1)])];
    assert_eq!(Parameter::query("p").encode_pairs(&hollow), Err(EncodeError::Hollow));
    assert_eq!(Parameter::path("p").encode_text(&nested), Err(EncodeError::Nested));
    assert_eq!(Parameter::path("p").encode_text(".."), Err(EncodeError::DotSegment));
    assert_eq!(Parameter::path("p").encode_text(""), Err(EncodeError::EmptySegment));
    assert_eq!(Parameter::header("P").encode_text(&["a,b"]), Err(EncodeError::Delimiter));
    let piped = Parameter::query("p").style(Style::PipeDelimited);
    assert_eq!(piped.encode_pairs(&["a|b"]), Err(EncodeError::Delimiter));
}

#[test]
fn hostile_names_cost_no_stack_and_little_time() {
    let deep = format!("p{}=1", "[a]".repeat(300_000));
    assert!(decode_form::<BTreeMap<String, String>>(deep.as_bytes()).is_ok());
    let wide: Vec<_> = (0..50_000).map(|index| format!("p{index}[a]=1")).collect();
    let wide = decode_form::<BTreeMap<String, BTreeMap<String, u8>>>(wide.join("&").as_bytes());
    assert_eq!(wide.unwrap().len(), 50_000);
    let same = "p[a]=1&".repeat(50_000);
    let same = decode_form::<BTreeMap<String, BTreeMap<String, Vec<u8>>>>(same.as_bytes());
    assert_eq!(same.unwrap()["p"]["a"].len(), 50_000);
}

#[test]
fn fields_become_members_by_their_types() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Upload {
        title: String,
        copies: u8,
        file: Binary,
        tags: Vec<String>,
        point: Point,
        either: Either,
    }
    let text = |text: &str| Field::Text(text.to_owned());
    let point = br#"{"x":1,"label":"a"}"#.to_vec();
    let file = Binary::new([0, 255]).file_name("f").media_type("image/png");
    let fields = [
        ("title", text("7")),
        ("copies", text("7")),
        ("file", Field::File(file.clone())),
        ("tags", text("a")),
        ("point", Field::Json(point)),
        ("either", text("seven")),
    ];
    let fields = fields.map(|(name, field)| (name.to_owned(), field)).to_vec();
    let upload: Upload = decode_fields(fields).unwrap();
    let expected = Upload {
        title: "7".to_owned(),
        copies: 7,
        file,
        tags: vec!["a".to_owned()],
        point: Point { x: 1, label: "a".to_owned(), shown: None },
        either: Either::Text("seven".to_owned()),
    };
    assert_eq!(upload, expected);
}

#[test]
fn reserved_characters_stay_and_no_value_is_no_parameter() {
    let url = Parameter::query("url").reserved();
    let written = url.encode_pairs("http://a/b?c=d&e,f+g").unwrap();
    assert_eq!(written, [("url".to_owned(), "http://a/b?c%3Dd%26e,f%2Bg".to_owned())]);
    let pairs = written.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let read: Option<String> = url.decode_pairs(&pairs.collect::<Vec<_>>()).unwrap();
    assert_eq!(read.as_deref(), Some("http://a/b?c=d&e,f+g"));
    let list = url.explode(false).encode_pairs(&["a,b", "c:d"]).unwrap();
    assert_eq!(list, [("url".to_owned(), "a%2Cb,c:d".to_owned())]);
    let count = Parameter::query("count").or_empty();
    assert_eq!(count.decode_pairs::<u8>(&[("count", "")]), Ok(None));
    assert_eq!(count.decode_pairs::<u8>(&[("count", "7")]), Ok(Some(7)));
    assert!(count.decode_pairs::<u8>(&[("count", "x")]).is_err());
    assert_eq!(count.decode_pairs::<String>(&[("count", "")]), Ok(Some(String::new())));
    assert!(Parameter::query("count").decode_pairs::<u8>(&[("count", "")]).is_err());
}

#[test]
fn json_may_be_the_whole_query_string() {
    let whole = Parameter::query("filter").style(Style::Whole);
    let point = Point { x: 1, label: "1 + 1 = 2 & more".to_owned(), shown: None };
    let pairs = whole.encode_pairs(&point).unwrap();
    let [(name, query)] = pairs.as_slice() else { panic!("{pairs:?}") };
    assert!(name.is_empty() && !query.contains(['&', '=', '+', ' ', '"']), "{query}");
    assert_eq!(whole.decode_whole::<Point>(query).unwrap(), Some(point.clone()));
    let lenient = r#"{"x":1,"label":"1%20+%201%20=%202%20&%20more"}"#;
    assert_eq!(whole.decode_whole::<Point>(lenient).unwrap(), Some(point));
    assert_eq!(whole.decode_whole::<Point>("").unwrap(), None);
    assert!(whole.decode_whole::<Point>("x=1").is_err());
}
