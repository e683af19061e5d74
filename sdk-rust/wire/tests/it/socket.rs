//! Messages on sockets: how they are read and held, and how a page says who it is.

use symbolon_wire::socket::{
    CloseCode, Frame, Held, Refused, Said, bearer_subprotocol, bearer_token, json, problem,
};
use symbolon_wire::{Problem, Violations};

fn check(number: &i64, at: &mut Violations) {
    at.minimum(*number, 2);
}

#[test]
fn a_token_comes_back_out_of_its_subprotocol() {
    for token in ["a.b-c_d", "with/slash+plus==", "ünïcode", ""] {
        let subprotocol = bearer_subprotocol(token);
        let is_token = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        assert!(subprotocol.chars().all(is_token), "{subprotocol}");
        assert_eq!(bearer_token(&subprotocol).as_deref(), Some(token));
    }
    assert_eq!(bearer_token("tty"), None);
    assert_eq!(bearer_token("symbolon"), None);
    assert_eq!(bearer_token("symbolon.bearer.%%%").as_deref(), Some(""));
}

#[test]
fn a_message_is_held_by_its_schema_or_by_its_type() {
    let read = |text: &str, held| Said::untagged(text)?.read::<i64>("Tick", held, check);
    assert_eq!(read("1", Held::ByType), Ok(1));
    let broken = read("1", Held::Wholly).unwrap_err();
    assert_eq!(broken.to_string(), "`Tick` breaks its schema: it must be at least 2");
    assert_eq!(broken.close_code(), CloseCode::INVALID);
    let misread = read("\"secret\"", Held::ByType).unwrap_err();
    assert_eq!(misread.to_string(), "`Tick` breaks its schema: it must be an integer");
    assert_eq!(read("{", Held::ByType), Err(Refused::NoJson));
    assert_eq!(Refused::Binary.close_code(), CloseCode::UNSUPPORTED);
}

#[test]
fn what_has_no_tag_is_no_message() {
    for text in ["{}", "7", "{\"type\":7}"] {
        assert_eq!(Said::tagged(text, "type"), Err(Refused::Unknown { tag: "type" }));
    }
    assert_eq!(Said::tagged("{\"type\":\"a\"}", "type").unwrap().tag(), "a");
}

#[test]
fn a_problem_is_told_from_messages() {
    let told = Problem { code: "invalid-message".to_owned(), status: 400, ..Problem::default() };
    assert_eq!(problem(&json(&told).unwrap()), Some(told));
    let other = Problem { code: "not-found".to_owned(), status: 404, ..Problem::default() };
    assert_eq!(problem(&json(&other).unwrap()), None);
    assert_eq!(problem(&Frame::Binary(b"invalid-message".to_vec())), None);
}
