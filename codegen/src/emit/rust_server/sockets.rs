//! Sockets: a trait and a route each.

use super::access::Callers;
use super::operations::{arguments, besides, errors, reads};
use super::plan;
use crate::emit::render::one_line;
use crate::emit::rust::{
    bracketed, doc_lines, heading, import, info, literal, markers, method_ident, module_ident,
    operation_ident, or_long, package, sockets_context, type_ident, wire_imports_with,
};
use crate::model::{Context, Errors, Operation, Socket, System};

/// The module of all sockets.
pub(super) fn plan(system: &System, callers: &Callers) -> plan::Sockets {
    let context = sockets_context(system);
    let any = |test: &dyn Fn(&Operation) -> bool| context.operations.iter().any(test);
    let mut imports = vec![
        "Call",
        "Info",
        "Input",
        "Method",
        "Operation",
        "Outcome",
        "Rejected",
        "Reply",
        "Routes",
    ];
    if any(&|operation| operation.security.iter().any(|all| !all.is_empty())) {
        imports.push("Requirement");
    }
    imports.sort_unstable();
    let one = |socket: &Socket| one(system, &context, socket, callers);
    plan::Sockets {
        heading: heading(system),
        wire: package(system, "wire").replace('-', "_"),
        imports: import("symbolon_server", &imports),
        wire_imports: wire_imports_with(&context, &["markers"]),
        markers: markers(&context),
        has_problems: any(
            &|operation| matches!(&operation.errors, Errors::Problems(codes) if !codes.is_empty()),
        ),
        sockets: system.sockets.iter().map(one).collect(),
    }
}

fn one(system: &System, context: &Context, socket: &Socket, callers: &Callers) -> plan::Socket {
    let operation = &socket.handshake;
    let ident = operation_ident(&context.name, &operation.name);
    let function = method_ident(&operation.name);
    let said = operation.summary.as_deref().or(operation.description.as_deref());
    let said = doc_lines(said).into_iter().next();
    let reads = reads(operation);
    let mut facts = besides(system, context, operation);
    facts.push(spoken(socket));
    let future = format!("impl Future<Output = Outcome<{ident}>> + Send");
    let signature = format!("fn {function}(&self, call: Call<{ident}>) -> {future};");
    plan::Socket {
        served: served(context, operation),
        signature: or_long(4, signature, || {
            format!("fn {function}(&self, call: Call<{ident}>)\n    -> {future};")
        }),
        module: module_ident(&operation.name),
        principal: callers.spell(operation),
        path: one_line(&operation.path),
        summary: said.map(|line| format!(": {line}")).unwrap_or_default(),
        info: info(operation, &operation.path, &facts),
        input: if reads.is_empty() { "_" } else { "input" },
        reads,
        built: arguments(operation),
        errors: errors(system, operation),
        function,
        ident,
    }
}

/// The trait of who serves a socket, called as no socket is.
fn served(context: &Context, operation: &Operation) -> String {
    let mut served = format!("Serve{}", type_ident(&operation.name));
    let is_taken = |served: &String| {
        context.operations.iter().any(|it| operation_ident(&context.name, &it.name) == *served)
    };
    while is_taken(&served) {
        served.push('_');
    }
    served
}

/// What the edge has to know of the subprotocols.
fn spoken(socket: &Socket) -> String {
    let method = if socket.needs_subprotocol { "speaking" } else { "socket" };
    let names: Vec<String> = socket.subprotocols.iter().map(|name| literal(name)).collect();
    bracketed(8, &format!(".{method}(&["), &names, "])")
}
