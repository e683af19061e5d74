//! The generated Rust types and the contract's schemas accept and refuse the same values.

mod contract;
mod exceptions;
mod instances;
mod mutants;
mod round_trips;
mod rust;

use std::collections::{BTreeMap, BTreeSet};

use contract::Contract;
use exceptions::{EXCEPTIONS, Judge, rewritten};
use instances::{Extent, Instances};
use jsonschema::Validator;
use mutants::mutants;
use round_trips::{NOT_WRITTEN, expected, same};
use rust::Subject;
use serde_json::Value;

/// Schemas that no Rust type stands for: they only ever are a part of others.
const WITHOUT_TYPE: [&str; 2] = ["Envelope", "Message"];

/// Random values of each schema, besides a full and a minimal one.
const RANDOM: usize = 12;

/// What was found so far.
#[derive(Default)]
struct Findings {
    judged: usize,
    round_trips: usize,
    differences: Vec<String>,
    /// How many values each exception decided.
    exercised: BTreeMap<(&'static str, Judge), usize>,
    /// How often each exception of round trips was needed.
    not_written: BTreeMap<&'static str, usize>,
}

#[test]
fn every_schema_has_a_type_and_every_type_a_schema() {
    let kinds = rust::kinds();
    let subjects = rust::subjects(&kinds);
    let table: BTreeSet<&str> = subjects.iter().map(|subject| subject.name.as_str()).collect();
    let untested: Vec<&String> =
        kinds.keys().filter(|kind| !table.contains(kind.as_str())).collect();
    assert!(untested.is_empty(), "types that the table lacks: {untested:?}");
    let contract = Contract::load();
    let named: BTreeSet<&str> = contract.schemas.keys().map(String::as_str).collect();
    let pointers = subjects.iter().map(|subject| subject.pointer.as_str());
    let tabled: BTreeSet<&str> = pointers.chain(WITHOUT_TYPE).collect();
    let missing: Vec<&&str> = named.difference(&tabled).collect();
    assert!(missing.is_empty(), "schemas without a type: {missing:?}");
    assert!(WITHOUT_TYPE.iter().all(|name| named.contains(name) && !table.contains(name)));
}

#[test]
fn types_and_schemas_judge_alike() {
    let contract = Contract::load();
    let subjects = rust::subjects(&rust::kinds());
    let mut findings = Findings::default();
    for (subject, seed) in subjects.iter().zip(1..) {
        if subject.message {
            judge(&contract.message(&subject.name), subject, seed, &mut findings);
        } else {
            judge(&contract, subject, seed, &mut findings);
        }
    }
    let Findings { judged, round_trips, differences, exercised, not_written } = findings;
    println!("{} schemas, {judged} values, {round_trips} round trips", subjects.len());
    println!("{exercised:#?}\n{not_written:#?}");
    let shown: Vec<&str> = differences.iter().take(40).map(String::as_str).collect();
    assert!(shown.is_empty(), "{} differences:\n{}", differences.len(), shown.join("\n"));
    for exception in EXCEPTIONS {
        for judge in exception.judges {
            let name = exception.name;
            assert!(exercised.contains_key(&(name, *judge)), "{name} never decides for {judge:?}");
        }
    }
    for name in NOT_WRITTEN {
        assert!(not_written.contains_key(name), "{name} never decides a round trip");
    }
}

/// Judges values of one schema.
fn judge(contract: &Contract, subject: &Subject, seed: u64, findings: &mut Findings) {
    let panel = Panel::new(contract, subject);
    let mut instances = Instances::new(contract, seed);
    let schema = contract.at(&subject.pointer);
    let mut values =
        vec![instances.value(schema, Extent::Full), instances.value(schema, Extent::Minimal)];
    values.extend((0..RANDOM).map(|_| instances.value(schema, Extent::Random)));
    for (index, value) in values.iter().enumerate() {
        let said = panel.strict.iter_errors(value).next().map(|error| error.to_string());
        assert!(said.is_none(), "{}: derived {value}, but {said:?}", subject.name);
        panel.judge("valid", value, findings);
        if index < 3 {
            for (label, mutant) in mutants(contract, &mut instances, schema, value) {
                panel.judge(&label, &mutant, findings);
            }
        }
    }
}

/// Everyone who judges the values of one schema.
struct Panel<'a> {
    subject: &'a Subject,
    strict: Validator,
    derived: Validator,
    /// The contract with all exceptions, and with all but one.
    relaxed: BTreeMap<Judge, Validator>,
    relaxed_without: BTreeMap<(&'static str, Judge), Validator>,
}

impl<'a> Panel<'a> {
    fn new(contract: &Contract, subject: &'a Subject) -> Self {
        let mut derived = subject.derived.clone();
        contract::bound_numbers(&mut derived);
        let relax = |judge, left_out| {
            rewritten(contract, subject, judge, left_out).validator(&subject.pointer)
        };
        let judges = [Judge::Derived, Judge::Type];
        let without = EXCEPTIONS.iter().flat_map(|exception| {
            let judges = exception.judges.iter();
            judges.map(|judge| ((exception.name, *judge), relax(*judge, Some(exception.name))))
        });
        Self {
            subject,
            strict: contract.validator(&subject.pointer),
            derived: contract::validator(&derived),
            relaxed: judges.into_iter().map(|judge| (judge, relax(judge, None))).collect(),
            relaxed_without: without.collect(),
        }
    }

    fn judge(&self, label: &str, value: &Value, findings: &mut Findings) {
        findings.judged += 1;
        let strict = self.strict.is_valid(value);
        let read = (self.subject.read)(value);
        let verdicts =
            [(Judge::Derived, self.derived.is_valid(value)), (Judge::Type, read.is_ok())];
        for (judge, verdict) in verdicts {
            if self.relaxed[&judge].is_valid(value) != verdict {
                let says = if verdict { "accepts" } else { "refuses" };
                let of_contract = if strict { "accepts" } else { "refuses" };
                findings.differences.push(format!(
                    "{}: {judge:?} {says}, contract {of_contract}: {label}: {value:.300}: {:?}",
                    self.subject.name,
                    read.as_ref().err(),
                ));
            } else if strict != verdict {
                self.credit(judge, verdict, value, findings);
            }
        }
        if let (true, Ok(written)) = (strict, &read) {
            findings.round_trips += 1;
            let expected = expected(&self.subject.name, value, &mut findings.not_written);
            if !same(&expected, written) {
                let name = &self.subject.name;
                findings.differences.push(format!("{name}: {label}: {value} became {written}"));
            }
        }
    }

    /// Notes the exceptions without which the judge would be wrong about this value.
    fn credit(&self, judge: Judge, verdict: bool, value: &Value, findings: &mut Findings) {
        for ((name, of), validator) in &self.relaxed_without {
            if *of == judge && validator.is_valid(value) != verdict {
                *findings.exercised.entry((name, judge)).or_default() += 1;
            }
        }
    }
}
