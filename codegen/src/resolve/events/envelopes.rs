//! Which messages describe the envelope that every event of ours travels in, what they are called
//! there, and in which versions of their schemas there are.

use serde_json::Value;

use crate::model::{
    Additional, Channel, Constraints, Message, Object, Property, Shape, System, Type,
};
use crate::resolve::Scope;

/// The members of the envelope. One that requires others is not ours.
const MEMBERS: [&str; 12] = [
    "aggregateId",
    "aggregateType",
    "causationId",
    "correlationId",
    "data",
    "messageId",
    "schemaVersion",
    "tenantId",
    "timestamp",
    "traceparent",
    "type",
    "version",
];

/// The members by which it is recognised.
const TELLING: [&str; 3] = ["data", "messageId", "type"];

/// Fills in what messages say of their envelopes; of two that nothing tells apart the second is
/// left out.
pub(in crate::resolve) fn find(scope: &mut Scope<'_>, system: &mut System) {
    let mut channels = std::mem::take(&mut system.channels);
    for channel in &mut channels {
        for message in &mut channel.messages {
            if let Some(envelope) = envelope(system, &message.ty) {
                describe(system, envelope, message);
                if let Some(why) = narrowness(envelope) {
                    report(scope, &channel.id, message, &why);
                }
            }
        }
        keep_distinct(scope, channel);
    }
    system.channels = channels;
}

/// The object a payload is, if that is our envelope.
fn envelope<'s>(system: &'s System, payload: &Type) -> Option<&'s Object> {
    let Type::Named(id) = payload else { return None };
    let Shape::Object(object) = &system.definition(id).shape else { return None };
    let required = || object.properties.iter().filter(|property| property.required);
    let is_ours = required().all(|property| MEMBERS.contains(&property.wire.as_str()))
        && TELLING.iter().all(|member| required().any(|property| property.wire == *member));
    is_ours.then_some(object)
}

fn describe(system: &System, envelope: &Object, message: &mut Message) {
    let member = |wire| envelope.properties.iter().find(|property| property.wire == wire);
    message.data = member("data").filter(|data| !data.recursive).cloned();
    if message.data.is_none() {
        return;
    }
    if let Some([only]) = member("type").map(|found| texts(system, found)).as_deref() {
        message.event_type.clone_from(only);
    }
    let mut versions = member("schemaVersion").map_or_else(Vec::new, |it| numbers(system, it));
    versions.sort_unstable();
    versions.dedup();
    if !versions.is_empty() {
        message.versions = versions;
    }
}

/// What is wrong with an envelope that refuses members which events of ours have.
fn narrowness(envelope: &Object) -> Option<String> {
    let is_told = |member: &&str| envelope.properties.iter().any(|it| it.wire == **member);
    let untold: Vec<&str> = MEMBERS.into_iter().filter(|member| !is_told(member)).collect();
    let is_narrow = envelope.additional == Additional::Denied && !untold.is_empty();
    is_narrow.then(|| {
        let untold = untold.join("`, `");
        format!("its envelope refuses `{untold}`, which events have: they break their schema")
    })
}

fn report(scope: &mut Scope<'_>, channel: &str, message: &Message, why: &str) {
    let place = scope.told.get(&(channel.to_owned(), message.wire.clone())).cloned();
    if let Some(at) = place {
        scope.degrade(&at, "a message", why);
    }
}

/// The texts that a member may be; none if there is no end to them.
pub(in crate::resolve) fn texts(system: &System, member: &Property) -> Vec<String> {
    if let Type::Named(id) = &member.ty
        && let Shape::Enumeration(found) = &system.definition(id).shape
    {
        return found.values.iter().map(|value| value.wire.clone()).collect();
    }
    let listed = listed(system, &member.ty, &member.constraints);
    listed.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

/// The whole numbers that a member may be; none if there is no end to them.
fn numbers(system: &System, member: &Property) -> Vec<u32> {
    let listed = listed(system, &member.ty, &member.constraints);
    listed.iter().filter_map(|value| value.as_u64()?.try_into().ok()).collect()
}

/// The values that are listed for a place or, behind its names, for its type.
fn listed<'s>(system: &'s System, ty: &'s Type, limits: &'s Constraints) -> &'s [Value] {
    let (mut ty, mut limits) = (ty, limits);
    while limits.listed.is_empty()
        && let Type::Named(id) = ty
        && let Shape::Alias(behind, constraints) = &system.definition(id).shape
    {
        (ty, limits) = (behind, constraints);
    }
    &limits.listed
}

/// Leaves out messages that are called like another of their channel in a version that both have.
fn keep_distinct(scope: &mut Scope<'_>, channel: &mut Channel) {
    let mut kept: Vec<Message> = Vec::new();
    for message in std::mem::take(&mut channel.messages) {
        let is_same = |other: &&Message| {
            other.event_type == message.event_type
                && other.versions.iter().any(|version| message.versions.contains(version))
        };
        let Some(other) = kept.iter().find(is_same) else {
            kept.push(message);
            continue;
        };
        let why = format!(
            "its type is `{}`, as that of `{}` in the same channel and version: it is left out",
            message.event_type, other.wire,
        );
        report(scope, &channel.id, &message, &why);
    }
    channel.messages = kept;
}
