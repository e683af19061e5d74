//! `Accept` (RFC 9110, 12.5.1): which of the documented media types to send.

use crate::contract::{Media, essence_of};

/// The media type that is wanted most, in the order of the contract where several are wanted
/// alike; none if none is wanted at all.
pub(super) fn wanted<'m>(content: &'m [Media], accept: Option<&str>) -> Option<&'m Media> {
    let Some(accept) = accept.filter(|accept| !accept.trim().is_empty()) else {
        return content.first();
    };
    let ranges: Vec<(String, u16)> = accept.split(',').map(range).collect();
    let weight = |media: &Media| {
        let essence = essence_of(media.name);
        let fitting = ranges.iter().filter(|(range, _)| covers(range, &essence));
        // The most particular range speaks for a media type.
        fitting.min_by_key(|(range, _)| range.matches('*').count()).map_or(0, |(_, q)| *q)
    };
    let weighed = content.iter().map(|media| (weight(media), media)).filter(|(q, _)| *q > 0);
    // Of equals, `max_by_key` takes the last: so from behind.
    weighed.rev().max_by_key(|(q, _)| *q).map(|(_, media)| media)
}

/// A range and its quality in thousandths.
fn range(text: &str) -> (String, u16) {
    let quality = text.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_quality = name.trim().eq_ignore_ascii_case("q");
        is_quality.then(|| value.trim().parse::<f32>().ok()).flatten()
    });
    let quality = quality.unwrap_or(1.0).clamp(0.0, 1.0);
    (essence_of(text), (quality * 1000.0) as u16)
}

/// Whether a range holds a media type, which may be a range itself.
fn covers(range: &str, essence: &str) -> bool {
    if range == "*/*" || essence == "*/*" || range == essence {
        return true;
    }
    let group = |text: &str| text.split('/').next().unwrap_or_default().to_owned();
    (range.ends_with("/*") || essence.ends_with("/*")) && group(range) == group(essence)
}
