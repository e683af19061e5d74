//! Parts in order: what one half writes, the other reads back.

use proptest::prelude::*;
use symbolon_wire::parameter::EncodeError;
use symbolon_wire::{Binary, decode_parts, encode_parts};

fn part() -> impl Strategy<Value = Binary> {
    let content =
        prop_oneof![any::<Vec<u8>>(), "(\r\n|-|symbolon-0|a)*".prop_map(String::into_bytes)];
    let headers = prop::collection::vec(("X-[a-z]{1,4}", "[!-~]{1,5}"), 0..3);
    let named = ("[ -~&&[^\"\\\\]]{1,9}", prop::option::of("[a-z]/[a-z]"));
    (content, prop::option::of(named), headers).prop_map(|(bytes, named, headers)| {
        let (file_name, media_type) =
            named.map_or((None, None), |(name, media)| (Some(name), media));
        Binary {
            bytes,
            file_name: file_name.map(|name| name.replace("%22", "")),
            media_type,
            headers,
        }
    })
}

proptest! {
    #[test]
    fn parts_survive(parts in prop::collection::vec(part(), 0..4)) {
        let (media_type, body) = encode_parts("multipart/mixed", &parts).unwrap();
        prop_assert_eq!(decode_parts(&media_type, &body).unwrap(), parts);
    }

    #[test]
    fn no_body_panics(body in any::<Vec<u8>>(), text in "(--b|\r\n|:|a|--)*") {
        let _ = decode_parts("multipart/mixed; boundary=b", &body);
        let _ = decode_parts("multipart/mixed; boundary=\"b\"", text.as_bytes());
    }
}

#[test]
fn what_surrounds_the_parts_is_read_over_and_a_cut_body_is_refused() {
    let text = "Hello\r\n--b \r\nContent-Type: text/plain\r\nX-Id: 1\r\n\r\na\r\n\
                --b\r\n\r\n\r\n--b--\r\nbye";
    let parts =
        decode_parts("multipart/mixed; charset=x; Boundary=\"b\"", text.as_bytes()).unwrap();
    let first = Binary::new("a").media_type("text/plain").header("X-Id", "1");
    assert_eq!(parts, [first, Binary::new("")]);
    for cut in [&text[..20], &text[..60], "", "--b\r\nno header\r\n\r\n\r\n--b--"] {
        assert!(decode_parts("multipart/mixed; boundary=b", cut.as_bytes()).is_err(), "{cut}");
    }
    assert!(decode_parts("multipart/mixed", text.as_bytes()).is_err());
    let split = Binary::new("a").header("X-Id", "1\r\nX-Other: 2");
    assert_eq!(encode_parts("multipart/mixed", &[split]), Err(EncodeError::Header));
}
