//! What tells the messages of a socket apart: the frame they come in, and of JSON a member whose
//! text says which it is.

use std::collections::BTreeSet;

use crate::model::{Frame, FrameKind, Object, Shape, System, Traffic, Type};
use crate::resolve::Scope;
use crate::resolve::events::envelopes::texts;

/// The member that says what a message is where several do.
const USUAL_TAG: &str = "type";

/// Finds out how the messages of all sockets are told apart; one that nothing tells from another
/// is left out.
pub(in crate::resolve) fn tell_apart(scope: &mut Scope<'_>, system: &mut System) {
    let mut sockets = std::mem::take(&mut system.sockets);
    for socket in &mut sockets {
        for traffic in [&mut socket.received, &mut socket.sent] {
            let lost = keep_distinct(system, traffic);
            for Lost { wire, why, hint } in lost {
                let place = scope.told.get(&(socket.id.clone(), wire)).cloned();
                if let Some(at) = place {
                    scope.defect(&at, format!("{why}: it is left out"), hint);
                }
            }
        }
    }
    system.sockets = sockets;
}

/// A message that nothing tells from another.
struct Lost {
    wire: String,
    why: String,
    hint: &'static str,
}

const TAG_HINT: &str = "give each JSON message a required member `type` with a `const` of its own";
const FRAME_HINT: &str =
    "one direction has at most one binary message, and either one text or JSON";

/// Keeps what can be told apart; returns the others.
fn keep_distinct(system: &System, traffic: &mut Traffic) -> Vec<Lost> {
    let mut lost = Vec::new();
    let all = std::mem::take(&mut traffic.messages);
    let (json, raw): (Vec<Frame>, Vec<Frame>) =
        all.into_iter().partition(|frame| frame.kind == FrameKind::Json);
    traffic.messages = json;
    settle_tag(system, traffic, &mut lost);
    for frame in raw {
        let same = |other: &&Frame| match (frame.kind, other.kind) {
            (FrameKind::Binary, kind) => kind == FrameKind::Binary,
            (_, kind) => kind != FrameKind::Binary,
        };
        match traffic.messages.iter().find(same) {
            Some(other) => {
                let why = format!("it comes in the same kind of frame as `{}`", other.wire);
                lost.push(Lost { wire: frame.wire, why, hint: FRAME_HINT });
            }
            None => traffic.messages.push(frame),
        }
    }
    traffic.messages.sort_by(|one, two| one.name.cmp(&two.name));
    lost
}

/// Decides which member tells JSON messages apart: `type` if it tells as many as any other.
fn settle_tag(system: &System, traffic: &mut Traffic, lost: &mut Vec<Lost>) {
    if traffic.messages.len() < 2 {
        return;
    }
    let mut candidates: BTreeSet<&str> = BTreeSet::new();
    for object in traffic.messages.iter().filter_map(|frame| object(system, &frame.ty)) {
        let required = object.properties.iter().filter(|property| property.required);
        candidates.extend(required.map(|property| property.wire.as_str()));
    }
    let told = |tag: &str| distinct(system, &traffic.messages, tag);
    let best = candidates.into_iter().map(|tag| (told(tag), tag)).max_by_key(|(told, tag)| {
        (told.iter().flatten().count(), *tag == USUAL_TAG, std::cmp::Reverse(tag.len()))
    });
    let (told, tag) = match best {
        Some((told, tag)) if told.iter().any(Option::is_some) => (told, tag.to_owned()),
        Some(_) | None => {
            let rest = traffic.messages.split_off(1);
            let first = &traffic.messages[0].wire;
            let why = format!("nothing tells it from `{first}`");
            let untold = |frame: Frame| Lost { wire: frame.wire, why: why.clone(), hint: TAG_HINT };
            lost.extend(rest.into_iter().map(untold));
            return;
        }
    };
    for (frame, texts) in std::mem::take(&mut traffic.messages).into_iter().zip(told) {
        match texts {
            Some(texts) => traffic.messages.push(Frame { tags: texts, ..frame }),
            None => {
                let why = format!("its member `{tag}` does not tell it from the others");
                lost.push(Lost { wire: frame.wire, why, hint: TAG_HINT });
            }
        }
    }
    traffic.tag = Some(tag);
}

/// The texts of a member by which each message is known, unless an earlier one has one of them.
fn distinct(system: &System, messages: &[Frame], tag: &str) -> Vec<Option<Vec<String>>> {
    let mut seen = BTreeSet::new();
    let mut own = |frame: &Frame| {
        let member = object(system, &frame.ty)?.property(tag).filter(|found| found.required)?;
        let found = texts(system, member);
        let is_new = !found.is_empty() && found.iter().all(|text| !seen.contains(text));
        is_new.then(|| {
            seen.extend(found.iter().cloned());
            found
        })
    };
    messages.iter().map(&mut own).collect()
}

/// The object a payload is, behind all names for it.
fn object<'s>(system: &'s System, payload: &Type) -> Option<&'s Object> {
    let mut ty = payload;
    while let Type::Named(id) = ty {
        match &system.definition(id).shape {
            Shape::Object(object) => return Some(object),
            Shape::Alias(inner, _) => ty = inner,
            Shape::Enumeration(_) | Shape::Union(_) => return None,
        }
    }
    None
}
