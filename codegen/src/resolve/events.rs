//! AsyncAPI 3.0 channels and messages.

use serde_json::Value;

use super::{Scope, examples};
use crate::model::{Channel, Message, Name, System, Type, unique_names};
use crate::source::{Cursor, bundle};

/// Fills in the channels.
pub(super) fn resolve<'a>(scope: &mut Scope<'a>, root: &Cursor<'a>, system: &mut System) {
    let members = root.get("channels").map(|found| found.members()).unwrap_or_default();
    let names = unique_names(members.iter().map(|(id, _)| *id));
    for (id, at) in members {
        let Some(at) = scope.follow(&at) else { continue };
        let messages = messages(scope, &at);
        if messages.is_empty() {
            scope.degrade(&at, "a channel", "it has no messages, so nothing is generated for it");
            continue;
        }
        let address = at.text("address").unwrap_or(id).to_owned();
        system.channels.push(Channel {
            id: id.to_owned(),
            name: names[id].clone(),
            address,
            description: at.text("description").map(str::to_owned),
            messages,
        });
    }
    system.channels.sort_by(|left, right| left.address.cmp(&right.address));
}

fn messages<'a>(scope: &mut Scope<'a>, channel: &Cursor<'a>) -> Vec<Message> {
    let members = channel.get("messages").map(|found| found.members()).unwrap_or_default();
    let names = unique_names(members.iter().map(|(wire, _)| *wire));
    let mut messages = Vec::new();
    for (wire, at) in members {
        let Some(at) = scope.follow(&at) else { continue };
        let payload = at.get("payload").map(|payload| match payload.get("schemaFormat") {
            Some(_) => payload.get("schema").unwrap_or(payload),
            None => payload,
        });
        let name = names[wire].clone();
        let (ty, schema) = match payload {
            Some(payload) => {
                let ty = scope.type_of(&payload, &name.then(&Name::new("payload"))).0;
                let schema = bundle::schema(&payload);
                examples::check_message(scope, &at, &schema);
                (ty, schema)
            }
            None => {
                scope.degrade(&at, "a message", "it has no payload");
                (Type::Any, Value::Bool(true))
            }
        };
        let text = |key| at.text(key).map(str::to_owned);
        let description = text("description").or_else(|| text("summary"));
        messages.push(Message { wire: wire.to_owned(), name, ty, schema, description });
    }
    messages.sort_by(|left, right| left.name.cmp(&right.name));
    messages
}
