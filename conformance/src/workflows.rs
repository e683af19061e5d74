//! Runs the workflows (Arazzo 1.0): each once, step by step, and keeps what they give.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use symbolon_codegen::source::Pointer;

use crate::answer::Answer;
use crate::conditions::{Unclear, explain, holds};
use crate::contract::{Action, Criterion, Ending, In, Operation, Step, Workflow};
use crate::expressions::{Outcome, Scope, resolve};
use crate::report::{Complaint, Ran};
use crate::request::{Draft, Request};
use crate::session::Session;

/// The most requests a workflow may make.
const LONGEST_RUN: usize = 2_000;

/// Runs every workflow of the document.
pub(crate) async fn run_all(session: &mut Session<'_>) {
    let contract = session.contract;
    for workflow in &contract.workflows {
        let passed = run(session, workflow).await;
        session.ran.push(Ran { workflow: workflow.id.to_owned(), passed });
    }
}

/// What a workflow has so far.
struct Progress {
    inputs: Map<String, Value>,
    steps: BTreeMap<String, Map<String, Value>>,
    retries: BTreeMap<String, u64>,
}

/// Where a step leads to.
enum Next<'c> {
    On,
    End,
    Again,
    Step(&'c str),
    Broken,
}

async fn run<'c>(session: &mut Session<'c>, workflow: &'c Workflow<'c>) -> bool {
    let mut inputs = Map::new();
    for (name, default) in &workflow.inputs {
        inputs.insert((*name).to_owned(), session.fresh.fill(default));
    }
    let mut progress = Progress { inputs, steps: BTreeMap::new(), retries: BTreeMap::new() };
    let passed = walk(session, workflow, &mut progress).await;
    // What an unfinished workflow does give is enough for some examples.
    let outputs = resolve_all(&workflow.outputs, &progress.scope(session, None));
    let outcome = Outcome { inputs: progress.inputs, outputs };
    session.outcomes.insert(workflow.id.to_owned(), outcome);
    passed
}

async fn walk<'c>(
    session: &mut Session<'c>,
    workflow: &'c Workflow<'c>,
    progress: &mut Progress,
) -> bool {
    let mut position = 0;
    for _ in 0..LONGEST_RUN {
        let Some(step) = workflow.steps.get(position) else { return true };
        match take(session, workflow, step, progress).await {
            Next::On => position += 1,
            Next::End => return true,
            Next::Again => {}
            Next::Step(id) => {
                let found = workflow.steps.iter().position(|step| step.id == id);
                position = found.unwrap_or(workflow.steps.len());
            }
            Next::Broken => return false,
        }
    }
    false
}

impl Progress {
    fn scope<'s>(
        &'s self,
        session: &'s Session<'_>,
        exchange: Option<(&'s Request, &'s Answer)>,
    ) -> Scope<'s> {
        Scope { inputs: &self.inputs, steps: &self.steps, workflows: &session.outcomes, exchange }
    }
}

fn resolve_all(outputs: &[(&str, &Value)], scope: &Scope<'_>) -> Map<String, Value> {
    outputs.iter().map(|(name, value)| ((*name).to_owned(), resolve(value, scope))).collect()
}

async fn take<'c>(
    session: &mut Session<'c>,
    workflow: &'c Workflow<'c>,
    step: &'c Step<'c>,
    progress: &mut Progress,
) -> Next<'c> {
    let cause = format!("workflow {} · {}", workflow.id, step.id);
    let Some(operation) = operation_of(session, step) else {
        let complaint = Complaint::new(&cause, &step.at, "an operation of the contract", "none");
        session.add(complaint.about(crate::Kind::Failure, workflow.id));
        return Next::Broken;
    };
    let draft = draft(operation, step, &progress.scope(session, None));
    let Some((request, answer)) = session.send(operation, &draft, &cause).await else {
        return Next::Broken;
    };
    let scope = progress.scope(session, Some((&request, &answer)));
    let Some((failed, why)) = first_failed(step, &answer, &scope) else {
        let next = applicable(&step.on_success, &scope).map(|action| action.ending);
        let outputs = resolve_all(&step.outputs, &scope);
        progress.steps.insert(step.id.to_owned(), outputs);
        return match next {
            None | Some(Ending::Retry { .. }) => Next::On,
            Some(Ending::End) => Next::End,
            Some(Ending::Goto(id)) => Next::Step(id),
        };
    };
    match applicable(&step.on_failure, &scope).map(|action| action.ending) {
        Some(Ending::Retry { after, limit }) => {
            let retries = progress.retries.entry(step.id.to_owned()).or_default();
            if *retries < limit {
                *retries += 1;
                tokio::time::sleep(after).await;
                return Next::Again;
            }
        }
        Some(Ending::Goto(id)) => return Next::Step(id),
        Some(Ending::End) | None => {}
    }
    let at = failed.map_or_else(|| step.at.clone(), |criterion| criterion.at.clone());
    let expected = failed.map_or("a success", |criterion| criterion.condition);
    let complaint = Complaint::new("criterion", &at, expected, why);
    session.fail(complaint, operation, &cause, Some(&request));
    Next::Broken
}

fn operation_of<'c>(session: &Session<'c>, step: &Step<'_>) -> Option<&'c Operation<'c>> {
    if let Some(id) = step.operation {
        return session.contract.operation(id);
    }
    let wanted = Pointer::from_fragment(step.operation_path?)?;
    session.contract.operations.iter().find(|operation| operation.at.pointer() == wanted)
}

/// The first criterion that does not hold, and what there was instead.
fn first_failed<'s, 'c>(
    step: &'s Step<'c>,
    answer: &Answer,
    scope: &Scope<'_>,
) -> Option<(Option<&'s Criterion<'c>>, String)> {
    if step.criteria.is_empty() && !answer.is_success() {
        return Some((None, answer.summary()));
    }
    step.criteria.iter().find_map(|criterion| match holds(criterion.condition, scope) {
        Ok(true) => None,
        Ok(false) => Some((Some(criterion), explain(criterion.condition, scope))),
        Err(Unclear(why)) => Some((Some(criterion), format!("a condition we cannot read: {why}"))),
    })
}

fn applicable<'s, 'c>(actions: &'s [Action<'c>], scope: &Scope<'_>) -> Option<&'s Action<'c>> {
    let applies = |action: &&Action<'_>| {
        action.criteria.iter().all(|criterion| holds(criterion.condition, scope) == Ok(true))
    };
    actions.iter().find(applies)
}

fn draft(operation: &Operation<'_>, step: &Step<'_>, scope: &Scope<'_>) -> Draft {
    let credential = step.credential.map(str::to_owned);
    let mut draft = Draft { credential, ..Draft::default() };
    for at in &step.parameters {
        let Ok(parameter) = at.follow() else { continue };
        let (Some(name), Some(value)) = (parameter.text("name"), parameter.value.get("value"))
        else {
            continue;
        };
        let location = match parameter.text("in") {
            Some("path") => In::Path,
            Some("header") => In::Header,
            Some("cookie") => In::Cookie,
            _ => In::Query,
        };
        draft.set(location, name, resolve(value, scope));
    }
    if let Some(body) = &step.body {
        let media_type = body.text("contentType").or_else(|| Some(operation.body.first()?.name));
        let mut payload =
            body.value.get("payload").map_or(Value::Null, |payload| resolve(payload, scope));
        for replacement in body.get("replacements").map(|list| list.elements()).unwrap_or_default()
        {
            let (target, value) = (replacement.text("target"), replacement.value.get("value"));
            let place = target.and_then(|target| payload.pointer_mut(target));
            if let (Some(place), Some(value)) = (place, value) {
                *place = resolve(value, scope);
            }
        }
        draft.body = Some((media_type.unwrap_or("application/json").to_owned(), payload));
    }
    draft
}
