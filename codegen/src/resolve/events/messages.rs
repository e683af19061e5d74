//! `x-emits` held against the messages there are.

use crate::diagnostic::Kind;
use crate::model::System;
use crate::resolve::{Scope, similar};

/// Reports every emitted message that no channel has.
pub(in crate::resolve) fn check(scope: &mut Scope<'_>, system: &System) {
    let messages = system.channels.iter().flat_map(|channel| &channel.messages);
    let known: Vec<&str> = messages.map(|message| message.wire.as_str()).collect();
    for (name, at) in std::mem::take(&mut scope.emitted) {
        if !known.contains(&name.as_str()) {
            let similar = similar(&name, known.iter().copied());
            scope.report(&at, Kind::UnknownMessage { name, similar });
        }
    }
}
