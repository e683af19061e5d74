//! Simple conditions of Arazzo criteria: comparisons of runtime expressions and literals.

use serde_json::{Value, json};

use crate::expressions::{Scope, evaluate, is_expression};

/// A condition that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unclear(pub(crate) String);

/// Whether a condition holds.
pub(crate) fn holds(condition: &str, scope: &Scope<'_>) -> Result<bool, Unclear> {
    let tokens = tokens(condition)?;
    let mut parser = Parser { tokens: &tokens, position: 0, scope };
    let value = parser.either()?;
    match parser.peek() {
        None => Ok(truth(&value)),
        Some(token) => Err(Unclear(format!("`{token}` is one too many"))),
    }
}

/// What the expressions of a condition came to, in words.
pub(crate) fn explain(condition: &str, scope: &Scope<'_>) -> String {
    let tokens = tokens(condition).unwrap_or_default();
    let said = tokens.iter().filter(|token| is_expression(token)).map(|expression| {
        let value: String = evaluate(expression, scope).to_string().chars().take(160).collect();
        format!("{expression} = {value}")
    });
    said.collect::<Vec<_>>().join(", ")
}

const OPERATORS: [&str; 11] = ["==", "!=", "<=", ">=", "&&", "||", "<", ">", "!", "(", ")"];

fn tokens(condition: &str) -> Result<Vec<&str>, Unclear> {
    let mut tokens = Vec::new();
    let mut rest = condition.trim_start();
    while !rest.is_empty() {
        let operator = OPERATORS.iter().find(|operator| rest.starts_with(**operator));
        let length = match (operator, rest.starts_with('\'')) {
            (Some(operator), _) => operator.len(),
            (None, true) => text_length(rest)?,
            (None, false) => rest
                .find(|c: char| c.is_whitespace() || "=!<>&|()".contains(c))
                .unwrap_or(rest.len()),
        };
        if length == 0 {
            return Err(Unclear(format!("`{rest}` is no condition")));
        }
        tokens.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

/// The length of a quoted text; a quote within is doubled.
fn text_length(rest: &str) -> Result<usize, Unclear> {
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((index, character)) = characters.next() {
        if character != '\'' {
            continue;
        }
        if characters.next_if(|(_, next)| *next == '\'').is_none() {
            return Ok(index + 1);
        }
    }
    Err(Unclear(format!("{rest} has no closing quote")))
}

struct Parser<'p, 's> {
    tokens: &'p [&'p str],
    position: usize,
    scope: &'p Scope<'s>,
}

impl<'p> Parser<'p, '_> {
    fn peek(&self) -> Option<&'p str> {
        self.tokens.get(self.position).copied()
    }

    fn take(&mut self, wanted: &str) -> bool {
        let found = self.peek() == Some(wanted);
        self.position += usize::from(found);
        found
    }

    fn either(&mut self) -> Result<Value, Unclear> {
        let mut value = self.both()?;
        while self.take("||") {
            let right = self.both()?;
            value = json!(truth(&value) || truth(&right));
        }
        Ok(value)
    }

    fn both(&mut self) -> Result<Value, Unclear> {
        let mut value = self.comparison()?;
        while self.take("&&") {
            let right = self.comparison()?;
            value = json!(truth(&value) && truth(&right));
        }
        Ok(value)
    }

    fn comparison(&mut self) -> Result<Value, Unclear> {
        let left = self.operand()?;
        for operator in ["==", "!=", "<=", ">=", "<", ">"] {
            if self.take(operator) {
                let right = self.operand()?;
                return Ok(json!(compare(operator, &left, &right)));
            }
        }
        Ok(left)
    }

    fn operand(&mut self) -> Result<Value, Unclear> {
        if self.take("!") {
            return Ok(json!(!truth(&self.operand()?)));
        }
        if self.take("(") {
            let value = self.either()?;
            return if self.take(")") { Ok(value) } else { Err(Unclear("`)` is missing".into())) };
        }
        let token = self.peek().ok_or_else(|| Unclear("an operand is missing".into()))?;
        self.position += 1;
        if is_expression(token) {
            return Ok(evaluate(token, self.scope));
        }
        if let Some(text) = token.strip_prefix('\'') {
            return Ok(json!(text.strip_suffix('\'').unwrap_or(text).replace("''", "'")));
        }
        serde_json::from_str(token)
            .map_err(|_| Unclear(format!("`{token}` is neither value nor expression")))
    }
}

fn truth(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false))
}

/// Texts are compared without regard to case, as Arazzo wants it.
fn compare(operator: &str, left: &Value, right: &Value) -> bool {
    let equal = match (left, right) {
        (Value::String(left), Value::String(right)) => left.to_lowercase() == right.to_lowercase(),
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        _ => left == right,
    };
    let ordered = match (left, right) {
        (Value::String(left), Value::String(right)) => left.partial_cmp(right),
        _ => left.as_f64().zip(right.as_f64()).and_then(|(left, right)| left.partial_cmp(&right)),
    };
    match operator {
        "==" => equal,
        "!=" => !equal,
        "<" => ordered.is_some_and(std::cmp::Ordering::is_lt),
        ">" => ordered.is_some_and(std::cmp::Ordering::is_gt),
        "<=" => ordered.is_some_and(std::cmp::Ordering::is_le),
        _ => ordered.is_some_and(std::cmp::Ordering::is_ge),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Map, json};

    use super::{explain, holds};
    use crate::expressions::Scope;

    fn with_scope<R>(test: impl Fn(&Scope<'_>) -> R) -> R {
        let inputs = Map::from_iter([
            ("n".to_owned(), json!(3)),
            ("o".to_owned(), json!({"a/b": ["x"], "s": "It's"})),
        ]);
        let (steps, workflows) = (BTreeMap::new(), BTreeMap::new());
        test(&Scope { inputs: &inputs, steps: &steps, workflows: &workflows, exchange: None })
    }

    #[test]
    fn compares() {
        let cases = [
            ("$inputs.n == 3", true),
            ("$inputs.n > 3", false),
            ("$inputs.n >= 3 && !($inputs.n == 4)", true),
            ("$inputs.o#/a~1b/0 == 'X'", true),
            ("$inputs.o#/a~1b/1 == null", true),
            ("$inputs.o#/s == 'it''s'", true),
            ("$inputs.nothing != null || $inputs.n<4", true),
        ];
        for (condition, expected) in cases {
            assert_eq!(with_scope(|scope| holds(condition, scope)), Ok(expected), "{condition}");
        }
    }

    #[test]
    fn says_what_it_does_not_understand() {
        for condition in
            ["", "$inputs.n ==", "$inputs.n = 3", "'open", "$inputs.n == three", "(1 == 1"]
        {
            assert!(with_scope(|scope| holds(condition, scope)).is_err(), "{condition}");
        }
    }

    #[test]
    fn explains() {
        let said = with_scope(|scope| explain("$inputs.n == 4", scope));
        assert_eq!(said, "$inputs.n = 3");
    }
}
