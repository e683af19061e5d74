//! Size budgets: files, functions, templates and lines.

use super::Source;

const FILE_LINES: usize = 500;
const TEMPLATE_LINES: usize = 80;
const FUNCTION_LINES: usize = 70;
const LINE_COLUMNS: usize = 100;

/// Everything that has outgrown its budget.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources {
        let path = source.path.display().to_string();
        let lines: Vec<&str> = source.text.lines().collect();
        let is_template = path.ends_with(".j2");
        let budget = if is_template { TEMPLATE_LINES } else { FILE_LINES };
        if lines.len() > budget {
            findings.push(format!("{path}: {} lines, the budget is {budget}", lines.len()));
        }
        for (number, line) in lines.iter().enumerate() {
            let columns = line.chars().count();
            if columns > LINE_COLUMNS && !is_template && !line.contains("://") {
                findings.push(format!("{path}:{}: {columns} columns", number + 1));
            }
        }
        if path.ends_with(".rs") {
            findings.extend(long_functions(&path, &lines));
        }
    }
    findings
}

/// Functions over budget; formatted code closes a function at the indent that opened it.
fn long_functions(path: &str, lines: &[&str]) -> Vec<String> {
    let mut findings = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        let words = ["fn ", "pub fn ", "pub(super) fn ", "pub(crate) fn ", "async fn "];
        let is_function = words.iter().any(|word| code.starts_with(word))
            || (code.starts_with("pub") && code.contains(" async fn "));
        if !is_function {
            continue;
        }
        let closing = format!("{}}}", " ".repeat(indent));
        let length = lines[start..].iter().position(|line| *line == closing);
        if let Some(length) = length.filter(|length| *length + 1 > FUNCTION_LINES) {
            let name = code.split('(').next().unwrap_or(code);
            findings.push(format!("{path}:{}: `{name}` has {} lines", start + 1, length + 1));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::long_functions;

    #[test]
    fn finds_a_function_over_budget_and_no_other() {
        let mut text = String::from("fn short() {\n}\nfn long() {\n");
        text.push_str(&"    step();\n".repeat(70));
        text.push_str("}\n");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(long_functions("a.rs", &lines), ["a.rs:3: `fn long` has 72 lines"]);
    }
}
