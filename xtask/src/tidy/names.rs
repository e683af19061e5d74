//! Names that say nothing, marks of unfinished work, and words that belong on no main branch.

use super::Source;

const EMPTY_NAMES: [&str; 9] =
    ["base", "common", "core", "helper", "helpers", "misc", "shared", "util", "utils"];

/// Every file or folder whose name says nothing, and every mark of unfinished work.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    // Spelled in parts, so that this file does not find itself.
    let marks = [
        ["to", "do!("].concat(),
        ["unimple", "mented!("].concat(),
        ["db", "g!("].concat(),
        ["#[ig", "nore]"].concat(),
        ["TO", "DO"].concat(),
        ["FIX", "ME"].concat(),
        [".on", "ly("].concat(),
    ];
    for source in sources {
        let shown = source.path.display();
        let parts = source.path.iter().filter_map(|part| part.to_str());
        for part in parts {
            let stem = part.split('.').next().unwrap_or(part);
            if EMPTY_NAMES.contains(&stem) {
                findings.push(format!("{shown}: `{part}` says nothing; name the noun"));
            }
        }
        for (number, line) in source.text.lines().enumerate() {
            for mark in marks.iter().filter(|mark| line.contains(mark.as_str())) {
                findings.push(format!("{shown}:{}: unfinished: `{mark}`", number + 1));
            }
        }
    }
    findings
}
