//! Media types held against each other (RFC 9110, 8.3 and 12.5.1).

/// Whether a media type (or range such as `text/*`) covers the given one. Parameters do not count.
pub fn covers(media: &str, given: &str) -> bool {
    breadth(media, given).is_some()
}

/// Which of several offers, each a list of media types, a message of the given media type is: the
/// one that names it most exactly, else the first.
pub fn chosen(offers: &[&[&str]], given: &str) -> usize {
    let breadths = offers.iter().enumerate().filter_map(|(index, media_types)| {
        let breadths = media_types.iter().filter_map(|media| breadth(media, given));
        Some((breadths.min()?, index))
    });
    breadths.min().map_or(0, |(_, index)| index)
}

/// How many media types a range that covers the given one covers besides it, as a rank.
fn breadth(media: &str, given: &str) -> Option<u8> {
    let bare = |text: &str| text.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    let (media, given) = (bare(media), bare(given));
    if media == given {
        return Some(0);
    }
    if media == "*/*" || media == "*" {
        return Some(3);
    }
    let (kind, subtype) = media.split_once('/')?;
    let (given_kind, given_subtype) = given.split_once('/')?;
    let suffix = subtype.strip_prefix('*')?;
    let is_covered = kind == given_kind && given_subtype.ends_with(suffix);
    is_covered.then_some(if suffix.is_empty() { 2 } else { 1 })
}

#[cfg(test)]
mod tests {
    use super::{chosen, covers};

    #[test]
    fn ranges_cover_and_exact_names_win() {
        assert!(covers("text/*", "text/csv; charset=utf-8"));
        assert!(covers("application/*+json", "Application/Problem+JSON"));
        assert!(!covers("text/*", "application/json"));
        let offers: &[&[&str]] = &[&["*/*"], &["image/*"], &["image/png", "image/gif"]];
        assert_eq!(chosen(offers, "image/gif"), 2);
        assert_eq!(chosen(offers, "image/webp"), 1);
        assert_eq!(chosen(offers, "text/plain"), 0);
        assert_eq!(chosen(&[&["text/plain"]], ""), 0);
    }
}
