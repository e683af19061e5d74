//! The client: a class of contexts, each a class of operations.

use std::collections::BTreeSet;

use super::{context_file, free, operations, pages, plan};
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
    let modules: Vec<String> = system
        .contexts
        .iter()
        .map(|context| free(&mut taken, local_ident(&context.name)))
        .collect();
    speller.runtime("CallOptions");
    speller.runtime("ClientOptions");
    let contexts = system
        .contexts
        .iter()
        .zip(modules)
        .map(|(context, module)| class(context, module, &mut taken, &mut speller))
        .collect();
    let about = format!("A client of {}.", system.title);
    plan::Client {
        heading,
        docs: doc_comment(Some(&about), &[]),
        ident,
        names_types: speller.names_types(),
        imports: speller.into_imports(),
        contexts,
    }
}

fn class(
    context: &Context,
    module: String,
    taken: &mut BTreeSet<String>,
    speller: &mut Speller<'_>,
) -> plan::ContextClass {
    let about = format!("Operations tagged `{}`.", context.tag);
    let methods = context.operations.iter().map(|found| method(found, &module, speller)).collect();
    plan::ContextClass {
        docs: doc_comment(Some(context.description.as_deref().unwrap_or(&about)), &[]),
        ident: free(taken, type_ident(&context.name)),
        member: member_ident(&context.name),
        file: context_file(context),
        module,
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
        function: function_ident(&operation.name),
        request: format!("request{mark}: {prefix}{}Request", type_ident(&operation.name)),
        returns: operations::returns(operation, &prefix, pages.as_ref()),
    }
}
