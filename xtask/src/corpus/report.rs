//! What a run of the corpus found, beside the bars.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::generate::{Outcome, Verdict};
use super::losses::{Found, Losses};

/// Processor time for all documents of APIs.guru.
const PROCESSOR_S: f64 = 40.0;

/// Operations out of a hundred that may be degraded.
const DEGRADED_PERCENT: f64 = 0.1;

/// How many of the most frequent reasons are printed.
const SHOWN: usize = 25;

/// The sums.
#[derive(Debug, Default)]
pub(super) struct Report {
    documents: usize,
    generated: usize,
    failed: Vec<(String, String)>,
    panicked: Vec<(String, String)>,
    operations: usize,
    degraded: Tally,
    defective: Tally,
    untyped: usize,
    processor_s: f64,
    peak_mb: f64,
}

impl Report {
    /// Adds up what became of the documents.
    pub(super) fn new(outcomes: &[Outcome], processor_s: f64, peak_mb: f64) -> Self {
        let mut report =
            Self { documents: outcomes.len(), processor_s, peak_mb, ..Self::default() };
        for outcome in outcomes {
            report.add(outcome);
        }
        report
    }

    fn add(&mut self, outcome: &Outcome) {
        match &outcome.verdict {
            Verdict::Generated => self.generated += 1,
            Verdict::Refused(problems, first) => {
                self.failed.push((outcome.name.clone(), format!("{problems} problems: {first}")));
            }
            Verdict::Panicked(message) => {
                self.panicked.push((outcome.name.clone(), message.clone()));
            }
        }
        let losses = &outcome.losses;
        self.operations += losses.operations;
        self.untyped += outcome.untyped;
        self.degraded.add(&losses.degraded);
        self.defective.add(&losses.defective);
    }

    /// Whether every document was generated.
    pub(super) fn is_clean(&self) -> bool {
        self.generated == self.documents
    }

    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    fn degraded_percent(&self) -> f64 {
        100.0 * self.degraded.operations as f64 / self.operations.max(1) as f64
    }

    /// Prints tables.
    pub(super) fn print(&self) {
        for (name, why) in &self.failed {
            println!("failed    {name}: {why}");
        }
        for (name, why) in &self.panicked {
            println!("panicked  {name}: {why}");
        }
        self.degraded.print("what was lost", "degraded.txt");
        self.defective.print("what is wrong with the document", "defects.txt");
        println!("\n| bar | target | this run |\n|---|---|---|");
        println!("| documents generated | all | {} of {} |", self.generated, self.documents);
        println!("| refused | 0 | {} |", self.failed.len());
        println!("| panics | 0 | {} |", self.panicked.len());
        println!(
            "| operations degraded | < {DEGRADED_PERCENT} % | {} of {}, {:.3} % |",
            self.degraded.operations,
            self.operations,
            self.degraded_percent()
        );
        println!("| operations whose document is at fault | - | {} |", self.defective.operations);
        println!("| places of any type | each has its reason | {} |", self.untyped);
        println!(
            "| CPU, APIs.guru | ≤ {PROCESSOR_S:.0} s | {:.1} s for {} documents |",
            self.processor_s, self.documents
        );
        println!("| peak memory | - | {:.0} MB |", self.peak_mb);
    }

    /// The same for programs.
    pub(super) fn json(&self) -> Value {
        json!({
            "documents": self.documents,
            "generated": self.generated,
            "failed": self.failed,
            "panicked": self.panicked,
            "operations": self.operations,
            "degraded_operations": self.degraded.operations,
            "degraded_percent": self.degraded_percent(),
            "reasons": self.degraded.json(),
            "defective_operations": self.defective.operations,
            "defects": self.defective.json(),
            "untyped": self.untyped,
            "processor_s": self.processor_s,
            "peak_mb": self.peak_mb,
        })
    }

    /// Writes what is too long to print.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(super) fn write_lists(&self, folder: &Path, outcomes: &[Outcome]) -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        let failed = self.failed.iter().chain(&self.panicked);
        let failed: String = failed.map(|(name, why)| format!("{name}: {why}\n")).collect();
        fs::write(folder.join("failed.txt"), failed)?;
        fs::write(folder.join("degraded.txt"), listed(outcomes, |losses| &losses.degraded))?;
        fs::write(folder.join("defects.txt"), listed(outcomes, |losses| &losses.defective))?;
        let mut slowest: Vec<&Outcome> = outcomes.iter().collect();
        slowest.sort_by(|left, right| right.processor_s.total_cmp(&left.processor_s));
        let slowest: String = slowest
            .iter()
            .take(100)
            .map(|outcome| format!("{:.3} s  {}\n", outcome.processor_s, outcome.name))
            .collect();
        fs::write(folder.join("slowest.txt"), slowest)
    }
}

/// How often what was found.
#[derive(Debug, Default)]
struct Tally {
    operations: usize,
    /// Operations and places by reason.
    reasons: BTreeMap<String, (usize, usize)>,
}

impl Tally {
    fn add(&mut self, found: &Found) {
        self.operations += found.operations.len();
        for reason in &found.reasons {
            self.reasons.entry(reason.clone()).or_default().1 += 1;
        }
        for met in found.operations.values() {
            let reasons: BTreeSet<&String> =
                met.iter().map(|index| &found.reasons[*index]).collect();
            for reason in reasons {
                self.reasons.entry(reason.clone()).or_default().0 += 1;
            }
        }
    }

    fn print(&self, what: &str, list: &str) {
        if !self.reasons.is_empty() {
            println!("\n| operations | places | {what} |\n|---|---|---|");
        }
        let mut reasons: Vec<_> = self.reasons.iter().collect();
        reasons.sort_by_key(|(_, (operations, places))| std::cmp::Reverse((*operations, *places)));
        for (reason, (operations, places)) in reasons.iter().take(SHOWN) {
            println!("| {operations} | {places} | {reason} |");
        }
        if reasons.len() > SHOWN {
            println!("| | | … {} more in target/corpus/{list} |", reasons.len() - SHOWN);
        }
    }

    fn json(&self) -> Vec<Value> {
        let reasons = self.reasons.iter().map(|(reason, (operations, places))| {
            json!({ "reason": reason, "operations": operations, "places": places })
        });
        reasons.collect()
    }
}

/// Every operation that meets a problem with what it meets, then every problem that none meets.
fn listed(outcomes: &[Outcome], found: impl Fn(&Losses) -> &Found) -> String {
    let mut text = String::new();
    for outcome in outcomes {
        let Found { operations, told, .. } = found(&outcome.losses);
        if told.is_empty() {
            continue;
        }
        let (name, met, all) = (&outcome.name, operations.len(), outcome.losses.operations);
        text.push_str(&format!("{name}: {met} of {all} operations\n"));
        let mut unmet: Vec<bool> = vec![true; told.len()];
        for (operation, met) in operations {
            text.push_str(&format!("  {operation}\n"));
            for index in met {
                unmet[*index] = false;
                text.push_str(&format!("    {}\n", told[*index]));
            }
        }
        for (told, _) in told.iter().zip(&unmet).filter(|(_, unmet)| **unmet) {
            text.push_str(&format!("  (no operation) {told}\n"));
        }
    }
    text
}
