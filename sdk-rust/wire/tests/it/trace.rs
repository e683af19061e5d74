//! `traceparent`: read, written, refused.

use proptest::prelude::*;
use symbolon_wire::{InvalidTraceParent, TraceParent};

const TEXT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[test]
fn a_trace_parent_comes_back_as_it_was() {
    let found: TraceParent = TEXT.parse().unwrap();
    assert_eq!(found.to_string(), TEXT);
    assert_eq!(found.trace_id(), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(found.parent_id(), "b7ad6b7169203331");
    assert!(found.is_sampled());
}

#[test]
fn a_later_version_is_read_as_far_as_it_is_known() {
    let later = format!("cc{}-what-else", &TEXT[2..]);
    assert_eq!(later.parse::<TraceParent>().unwrap().to_string(), TEXT);
    assert_eq!(TEXT.replace("-01", "-ff").parse::<TraceParent>().unwrap().to_string(), TEXT);
}

#[test]
fn what_is_none_is_refused() {
    let wrong = [
        String::new(),
        TEXT[..54].to_owned(),
        format!("{TEXT}0"),
        format!("{TEXT}-more"),
        format!("cc{}0", &TEXT[2..]),
        TEXT.replace("00-", "ff-"),
        TEXT.to_uppercase(),
        TEXT.replace("b7ad6b7169203331", "0000000000000000"),
        TEXT.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
        TEXT.replace('-', "_"),
        format!("{}é", &TEXT[..54]),
        format!(" {}", &TEXT[..54]),
    ];
    for text in wrong {
        assert_eq!(text.parse::<TraceParent>(), Err(InvalidTraceParent), "{text}");
    }
}

proptest! {
    #[test]
    fn nothing_panics(text in "\\PC{50,60}") {
        let _ = text.parse::<TraceParent>();
    }
}
