//! The Arazzo document: sequences of requests, and what must come of them.

use std::time::Duration;

use serde_json::Value;
use symbolon_codegen::source::Cursor;

use super::Reading;

/// A workflow.
#[derive(Debug)]
pub(crate) struct Workflow<'a> {
    pub(crate) id: &'a str,
    /// The inputs that have defaults.
    pub(crate) inputs: Vec<(&'a str, &'a Value)>,
    pub(crate) steps: Vec<Step<'a>>,
    pub(crate) outputs: Vec<(&'a str, &'a Value)>,
}

/// A step: one request.
#[derive(Debug)]
pub(crate) struct Step<'a> {
    pub(crate) id: &'a str,
    /// The `operationId`, without the name of its source.
    pub(crate) operation: Option<&'a str>,
    /// The `operationPath`: a pointer to the operation.
    pub(crate) operation_path: Option<&'a str>,
    pub(crate) parameters: Vec<Cursor<'a>>,
    pub(crate) body: Option<Cursor<'a>>,
    pub(crate) criteria: Vec<Criterion<'a>>,
    pub(crate) on_success: Vec<Action<'a>>,
    pub(crate) on_failure: Vec<Action<'a>>,
    pub(crate) outputs: Vec<(&'a str, &'a Value)>,
    pub(crate) credential: Option<&'a str>,
    pub(crate) at: Cursor<'a>,
}

/// What must hold.
#[derive(Debug)]
pub(crate) struct Criterion<'a> {
    pub(crate) condition: &'a str,
    pub(crate) at: Cursor<'a>,
}

/// What to do after a step.
#[derive(Debug)]
pub(crate) struct Action<'a> {
    pub(crate) ending: Ending<'a>,
    pub(crate) criteria: Vec<Criterion<'a>>,
}

/// Where a step leads.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ending<'a> {
    /// The workflow is over.
    End,
    /// On with this step.
    Goto(&'a str),
    /// The step again, so many times, so far apart.
    Retry { after: Duration, limit: u64 },
}

/// All workflows.
pub(super) fn read<'a>(reading: &mut Reading<'a>, root: &Cursor<'a>) -> Vec<Workflow<'a>> {
    let found = root.get("workflows").map(|list| list.elements()).unwrap_or_default();
    found.into_iter().filter_map(|at| workflow(reading, at)).collect()
}

fn workflow<'a>(reading: &mut Reading<'a>, at: Cursor<'a>) -> Option<Workflow<'a>> {
    let Some(id) = at.text("workflowId") else {
        reading.refuse(&at, "a workflow needs a workflowId");
        return None;
    };
    let inputs = reading.member(&at, "inputs");
    let inputs = inputs.map(|inputs| reading.members(&inputs, "properties")).unwrap_or_default();
    let defaults = inputs.iter().filter_map(|(name, at)| Some((*name, at.value.get("default")?)));
    let steps = at.get("steps").map(|list| list.elements()).unwrap_or_default();
    Some(Workflow {
        id,
        inputs: defaults.collect(),
        steps: steps.into_iter().filter_map(|at| step(reading, at)).collect(),
        outputs: plain_members(&at, "outputs"),
    })
}

fn step<'a>(reading: &mut Reading<'a>, at: Cursor<'a>) -> Option<Step<'a>> {
    let Some(id) = at.text("stepId") else {
        reading.refuse(&at, "a step needs a stepId");
        return None;
    };
    if at.text("operationId").is_none() && at.text("operationPath").is_none() {
        reading.refuse(&at, "a step needs an operationId or an operationPath");
        return None;
    }
    let operation = at.text("operationId");
    let pointer = at.text("operationPath").and_then(|path| path.split_once('#'));
    Some(Step {
        id,
        operation: operation.map(|id| match id.strip_prefix("$sourceDescriptions.") {
            Some(rest) => rest.split_once('.').map_or(rest, |(_, id)| id),
            None => id,
        }),
        operation_path: pointer.map(|(_, pointer)| pointer),
        parameters: at.get("parameters").map(|list| list.elements()).unwrap_or_default(),
        body: at.get("requestBody"),
        criteria: criteria(reading, &at, "successCriteria"),
        on_success: actions(reading, &at, "onSuccess"),
        on_failure: actions(reading, &at, "onFailure"),
        outputs: plain_members(&at, "outputs"),
        credential: at.text("x-credential"),
        at,
    })
}

fn plain_members<'a>(at: &Cursor<'a>, name: &str) -> Vec<(&'a str, &'a Value)> {
    let members = at.get(name).map(|map| map.members()).unwrap_or_default();
    members.into_iter().map(|(name, at)| (name, at.value)).collect()
}

fn criteria<'a>(reading: &mut Reading<'a>, at: &Cursor<'a>, name: &str) -> Vec<Criterion<'a>> {
    let found = at.get(name).map(|list| list.elements()).unwrap_or_default();
    let criteria = found.into_iter().filter_map(|at| {
        let kind = at.text("type").unwrap_or("simple");
        let Some(condition) = at.text("condition").filter(|_| kind == "simple") else {
            reading.refuse(&at, "only criteria with a simple condition are understood");
            return None;
        };
        Some(Criterion { condition, at })
    });
    criteria.collect()
}

fn actions<'a>(reading: &mut Reading<'a>, at: &Cursor<'a>, name: &str) -> Vec<Action<'a>> {
    let found = at.get(name).map(|list| list.elements()).unwrap_or_default();
    let mut actions = Vec::new();
    for at in found {
        let number = |name: &str| at.value.get(name).and_then(Value::as_f64);
        let ending = match (at.text("type"), at.text("stepId")) {
            (Some("end"), _) => Ending::End,
            (Some("goto"), Some(step)) => Ending::Goto(step),
            (Some("retry"), _) => Ending::Retry {
                after: Duration::try_from_secs_f64(number("retryAfter").unwrap_or(0.0))
                    .unwrap_or_default(),
                limit: at.value.get("retryLimit").and_then(Value::as_u64).unwrap_or(1),
            },
            _ => {
                reading.refuse(&at, "only end, goto a step and retry are understood");
                continue;
            }
        };
        actions.push(Action { ending, criteria: criteria(reading, &at, "criteria") });
    }
    actions
}
