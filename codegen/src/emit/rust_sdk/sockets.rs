//! Channels over WebSocket as implementations of the client's `Channel`, and the methods that open
//! them.

use super::{keyring, operations, plan};
use crate::emit::rust::{
    arm, bracketed, heading, import, info, literal, markers, method_ident, module_ident,
    operation_ident, or_long, package, sockets_context, variant_ident, wire_imports_with,
};
use crate::model::{Context, Errors, Name, Operation, Socket, System};

/// The file of all sockets; none without any.
pub(super) fn plan(system: &System) -> Option<plan::Sockets> {
    if system.sockets.is_empty() {
        return None;
    }
    let context = sockets_context(system);
    let sockets: Vec<plan::Socket> =
        system.sockets.iter().map(|socket| one(system, &context, socket)).collect();
    let mut imports = vec!["Client", "DecodeError", "Incoming", "Info", "Method", "Outgoing"];
    if sockets.iter().any(|socket| socket.info.contains("Security::")) {
        imports.push("Security");
    }
    let openings = openings(system, None);
    if openings.is_empty() {
        imports.retain(|name| *name != "Client");
    }
    Some(plan::Sockets {
        heading: heading(system),
        wire: package(system, "wire").replace('-', "_"),
        imports: import("symbolon_client", &imports),
        wire_imports: wire_imports_with(&context, &["markers"]),
        markers: markers(&context),
        has_client: !openings.is_empty(),
        openings,
        sockets,
    })
}

/// The methods that open the sockets of a context; those of no context for none.
pub(super) fn openings(system: &System, context: Option<&Context>) -> Vec<plan::Opening> {
    let (module, types) = match context {
        Some(_) => ("super::wire::sockets", "super::sockets::"),
        None => ("wire", ""),
    };
    let name = context.map(|context| &context.name);
    let own = system.sockets.iter().filter(|socket| socket.context.as_ref() == name);
    let opening = |socket: &Socket| {
        let operation = &socket.handshake;
        let request = format!("request: {module}::{}::Request", module_ident(&operation.name));
        let signature = bracketed(
            4,
            &format!("pub fn {}(", method_ident(&operation.name)),
            &["&self".to_owned(), request],
            &format!(") -> symbolon_client::Connect<{types}{}> {{", ident(operation)),
        );
        plan::Opening {
            place: operations::place_line(operation),
            deprecated: operation.deprecated,
            method: or_long(4, format!("{signature} self.client.connect(request) }}"), || {
                format!("{signature}\n        self.client.connect(request)\n    }}")
            }),
        }
    };
    own.map(opening).collect()
}

fn ident(operation: &Operation) -> String {
    operation_ident(&Name::new("sockets"), &operation.name)
}

fn one(system: &System, context: &Context, socket: &Socket) -> plan::Socket {
    let operation = &socket.handshake;
    let besides: Vec<String> =
        keyring::security(system, context.direction, operation).into_iter().collect();
    let codes: &[String] = match &operation.errors {
        Errors::Problems(codes) => codes,
        Errors::Statuses(_) => &[],
    };
    let protocols: Vec<String> = socket.subprotocols.iter().map(|name| literal(name)).collect();
    let constant = "const PROTOCOLS: &'static [&'static str] = &[";
    let writes = operations::writes(operation);
    plan::Socket {
        ident: ident(operation),
        module: module_ident(&operation.name),
        place: operations::place_line(operation),
        info: info(operation, &operation.path, &besides),
        protocols: (!protocols.is_empty()).then(|| bracketed(4, constant, &protocols, "];")),
        plain: writes.is_empty(),
        writes,
        problems: codes.iter().filter_map(|code| problem(system, code)).collect(),
    }
}

fn problem(system: &System, code: &str) -> Option<String> {
    let ident = variant_ident(&system.problems.get(code)?.name);
    let value = format!("Ok(Self::Error::{ident}(incoming.json()?))");
    Some(arm(12, &format!("Some({})", literal(code)), &value))
}
