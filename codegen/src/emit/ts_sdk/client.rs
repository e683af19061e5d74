//! The client: a class of contexts, each a class of operations.

use std::collections::BTreeSet;

use super::{SOCKETS, context_file, free, operations, pages, plan, sockets};
use crate::emit::typescript::{
    Speller, Usage, doc_comment, function_ident, local_ident, member_ident, type_ident,
};
use crate::model::{Context, Operation, System};

/// Names the module of the client uses for something else.
const TAKEN: [&str; 5] = ["CallOptions", "ClientOptions", "Core", "Listing", "Promise"];

/// The client of a system.
pub(super) fn plan(system: &System, usage: &Usage, heading: plan::Heading) -> plan::Client {
    let mut speller = Speller::outside(system, usage);
    let mut taken: BTreeSet<String> = TAKEN.iter().map(|name| (*name).to_owned()).collect();
    let ident = free(&mut taken, type_ident(&system.name));
    let mut modules: Vec<plan::Namespace> = system
        .contexts
        .iter()
        .map(|context| plan::Namespace {
            name: free(&mut taken, local_ident(&context.name)),
            file: context_file(context),
        })
        .collect();
    speller.runtime("CallOptions");
    speller.runtime("ClientOptions");
    // Sockets of no tag have a client of their own, behind all others.
    let sockets = free(&mut taken, SOCKETS.to_owned());
    let mut contexts: Vec<plan::ContextClass> = Vec::new();
    for (context, module) in system.contexts.iter().zip(&modules) {
        let opened = sockets::methods(system, Some(context), &sockets);
        contexts.push(class(context, &module.name, opened, &mut taken, &mut speller));
    }
    let opened = sockets::methods(system, None, &sockets);
    if !opened.is_empty() {
        contexts.push(plan::ContextClass {
            docs: doc_comment(Some("Channels over WebSocket."), &[]),
            ident: free(&mut taken, "Sockets".to_owned()),
            member: sockets_member(system),
            methods: opened,
        });
    }
    if !system.sockets.is_empty() {
        modules.push(plan::Namespace { name: sockets, file: SOCKETS.to_owned() });
    }
    let about = format!("A client of {}.", system.title);
    plan::Client {
        heading,
        docs: doc_comment(Some(&about), &[]),
        ident,
        names_types: speller.names_types(),
        imports: speller.into_imports(),
        modules,
        contexts,
    }
}

/// The member of those that open sockets of no tag.
fn sockets_member(system: &System) -> String {
    let mut taken = system.contexts.iter().map(|context| member_ident(&context.name)).collect();
    free(&mut taken, SOCKETS.to_owned())
}

fn class(
    context: &Context,
    module: &str,
    opened: Vec<plan::Method>,
    taken: &mut BTreeSet<String>,
    speller: &mut Speller<'_>,
) -> plan::ContextClass {
    let about = format!("Operations tagged `{}`.", context.tag);
    let called = context.operations.iter().map(|found| method(found, module, speller));
    let methods = called.chain(opened).collect();
    plan::ContextClass {
        docs: doc_comment(Some(context.description.as_deref().unwrap_or(&about)), &[]),
        ident: free(taken, type_ident(&context.name)),
        member: member_ident(&context.name),
        methods,
    }
}

fn method(operation: &Operation, module: &str, speller: &mut Speller<'_>) -> plan::Method {
    let prefix = format!("{module}.");
    let pages = pages::of(operation, speller);
    if pages.is_some() {
        speller.runtime("Listing");
    }
    let mark = if operations::leaves_all_open(operation) { "?" } else { "" };
    plan::Method {
        docs: operations::docs(operation),
        ident: member_ident(&operation.name),
        module: module.to_owned(),
        function: function_ident(&operation.name),
        options: "CallOptions".to_owned(),
        request: format!("request{mark}: {prefix}{}Request", type_ident(&operation.name)),
        returns: operations::returns(operation, &prefix, pages.as_ref()),
    }
}
