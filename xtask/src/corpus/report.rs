//! What a run of the corpus found, beside the bars.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::generate::{Outcome, Verdict};

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
    degraded: usize,
    /// Operations and places by reason.
    reasons: BTreeMap<String, (usize, usize)>,
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
        self.degraded += losses.degraded.len();
        self.untyped += outcome.untyped;
        for reason in &losses.reasons {
            self.reasons.entry(reason.clone()).or_default().1 += 1;
        }
        for met in losses.degraded.values() {
            let mut reasons: Vec<&String> =
                met.iter().map(|index| &losses.reasons[*index]).collect();
            reasons.sort();
            reasons.dedup();
            for reason in reasons {
                self.reasons.entry(reason.clone()).or_default().0 += 1;
            }
        }
    }

    /// Whether every document was generated.
    pub(super) fn is_clean(&self) -> bool {
        self.generated == self.documents
    }

    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    fn degraded_percent(&self) -> f64 {
        100.0 * self.degraded as f64 / self.operations.max(1) as f64
    }

    /// Prints tables.
    pub(super) fn print(&self) {
        for (name, why) in &self.failed {
            println!("failed    {name}: {why}");
        }
        for (name, why) in &self.panicked {
            println!("panicked  {name}: {why}");
        }
        if !self.reasons.is_empty() {
            println!("\n| operations | places | what was lost |\n|---|---|---|");
        }
        let mut reasons: Vec<_> = self.reasons.iter().collect();
        reasons.sort_by_key(|(_, (operations, places))| std::cmp::Reverse((*operations, *places)));
        for (reason, (operations, places)) in reasons.iter().take(SHOWN) {
            println!("| {operations} | {places} | {reason} |");
        }
        if reasons.len() > SHOWN {
            println!("| | | … {} more in target/corpus/degraded.txt |", reasons.len() - SHOWN);
        }
        println!("\n| bar | target | this run |\n|---|---|---|");
        println!("| documents generated | all | {} of {} |", self.generated, self.documents);
        println!("| refused | 0 | {} |", self.failed.len());
        println!("| panics | 0 | {} |", self.panicked.len());
        println!(
            "| operations degraded | < {DEGRADED_PERCENT} % | {} of {}, {:.3} % |",
            self.degraded,
            self.operations,
            self.degraded_percent()
        );
        println!("| places of any type | each has its reason | {} |", self.untyped);
        println!(
            "| CPU, APIs.guru | ≤ {PROCESSOR_S:.0} s | {:.1} s for {} documents |",
            self.processor_s, self.documents
        );
        println!("| peak memory | - | {:.0} MB |", self.peak_mb);
    }

    /// The same for programs.
    pub(super) fn json(&self) -> Value {
        let reasons: Vec<Value> = self
            .reasons
            .iter()
            .map(|(reason, (operations, places))| {
                json!({ "reason": reason, "operations": operations, "places": places })
            })
            .collect();
        json!({
            "documents": self.documents,
            "generated": self.generated,
            "failed": self.failed,
            "panicked": self.panicked,
            "operations": self.operations,
            "degraded_operations": self.degraded,
            "degraded_percent": self.degraded_percent(),
            "reasons": reasons,
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
        fs::write(folder.join("degraded.txt"), degraded(outcomes))?;
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

/// Every degraded operation with its reasons, then every loss that no operation meets.
fn degraded(outcomes: &[Outcome]) -> String {
    let mut text = String::new();
    for outcome in outcomes.iter().filter(|outcome| !outcome.losses.lost.is_empty()) {
        let losses = &outcome.losses;
        text.push_str(&format!(
            "{}: {} of {} operations\n",
            outcome.name,
            losses.degraded.len(),
            losses.operations
        ));
        let mut unmet: Vec<bool> = vec![true; losses.lost.len()];
        for (operation, met) in &losses.degraded {
            text.push_str(&format!("  {operation}\n"));
            for index in met {
                unmet[*index] = false;
                text.push_str(&format!("    {}\n", losses.lost[*index]));
            }
        }
        for (lost, _) in losses.lost.iter().zip(&unmet).filter(|(_, unmet)| **unmet) {
            text.push_str(&format!("  (no operation) {lost}\n"));
        }
    }
    text
}
