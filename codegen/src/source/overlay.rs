//! Overlays (1.0 and 1.1): changes laid over a document that others keep, each with its origin.

use serde_json::Value;
use serde_json_path::JsonPath;

use super::origins::Origins;
use super::yaml::{DEPTH_BUDGET, NODE_BUDGET};
use super::{File, Place, Pointer};

/// What is wrong with an overlay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OverlayMistake {
    /// It is no overlay, or one of its actions cannot be done.
    Bad(String),
    /// An action selects nothing.
    Unused(String),
    /// It was made for another document.
    Elsewhere(String),
}

/// Lays an overlay over the document; says where in the overlay what is wrong.
pub(super) fn apply(
    document: &mut Value,
    overlay: &File,
    origins: &mut Origins,
) -> Vec<(Pointer, OverlayMistake)> {
    let root = Pointer::default();
    let version = overlay.value.get("overlay").and_then(Value::as_str).unwrap_or_default();
    if !["1.0", "1.1"].iter().any(|known| is_version(version, known)) {
        let why = match overlay.value.get("overlay") {
            Some(version) => format!("its overlay version is {version}"),
            None => "it has no member `overlay`".to_owned(),
        };
        return vec![(root.child("overlay"), OverlayMistake::Bad(why))];
    }
    let Some(Value::Array(actions)) = overlay.value.get("actions") else {
        let why = "it has no list of `actions`".to_owned();
        return vec![(root, OverlayMistake::Bad(why))];
    };
    let mut mistakes = Vec::new();
    for (index, action) in actions.iter().enumerate() {
        let at = root.child("actions").child(&index.to_string());
        let mut laying = Laying { document, origins, overlay, at };
        if let Err(mistake) = laying.act(action) {
            mistakes.push(mistake);
        }
    }
    mistakes
}

fn is_version(version: &str, known: &str) -> bool {
    version.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

type Done = Result<(), (Pointer, OverlayMistake)>;

/// Writes down where what stands here now comes from, in what is merged into the document.
type Record<'a> = &'a dyn Fn(&mut Origins, &[String], &[String]);

/// One action being done.
struct Laying<'a> {
    document: &'a mut Value,
    origins: &'a mut Origins,
    overlay: &'a File,
    at: Pointer,
}

impl Laying<'_> {
    fn act(&mut self, action: &Value) -> Done {
        let target = self.at.child("target");
        let Some(path) = action.get("target").and_then(Value::as_str) else {
            return bad(&self.at, "this action has no `target`");
        };
        let found = self.select(path, &target)?;
        if found.is_empty() {
            return Err((target, OverlayMistake::Unused(path.to_owned())));
        }
        if action.get("remove") == Some(&Value::Bool(true)) {
            return self.remove(found, &target);
        }
        match (action.get("update"), action.get("copy")) {
            (Some(update), _) => {
                let (file, at) = (self.overlay.path.clone(), self.at.child("update"));
                self.merge_all(&found, update, &|origins, here, there| {
                    origins.set(here, Place::new(&file, below(&at, there)));
                })
            }
            (None, Some(Value::String(from))) => self.copy(&found, from),
            (None, Some(_)) => bad(&self.at.child("copy"), "`copy` is no JSONPath"),
            (None, None) => bad(&self.at, "this action neither updates, copies nor removes"),
        }
    }

    /// Where the values are that a JSONPath selects, each once.
    fn select(
        &self,
        path: &str,
        at: &Pointer,
    ) -> Result<Vec<Vec<String>>, (Pointer, OverlayMistake)> {
        let query = JsonPath::parse(path).map_err(|error| {
            let why = format!("`{path}` is no JSONPath (RFC 9535): {error}");
            (at.clone(), OverlayMistake::Bad(why))
        })?;
        let mut found: Vec<Vec<String>> = Vec::new();
        for location in query.query_located(self.document).locations() {
            let text = location.to_json_pointer();
            let unescaped = |token: &str| token.replace("~1", "/").replace("~0", "~");
            found.push(text.split('/').skip(1).map(unescaped).collect());
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    /// Removes the last first, so that what is before it keeps its index.
    fn remove(&mut self, mut found: Vec<Vec<String>>, at: &Pointer) -> Done {
        let index = |tokens: &[String]| tokens.last().and_then(|last| last.parse::<usize>().ok());
        found.sort_by_key(|tokens| std::cmp::Reverse((tokens.len(), index(tokens))));
        for tokens in found {
            let Some((last, above)) = tokens.split_last() else {
                return bad(at, "the whole document cannot be removed");
            };
            match at_mut(self.document, above) {
                Some(Value::Object(members)) => {
                    members.remove(last);
                    self.origins.forget(&tokens);
                }
                Some(Value::Array(items)) => {
                    if let Some(index) = last.parse().ok().filter(|index| *index < items.len()) {
                        self.origins.close_gap(above, index, items.len());
                        items.remove(index);
                    }
                }
                Some(_) | None => {}
            }
        }
        Ok(())
    }

    fn copy(&mut self, found: &[Vec<String>], from: &str) -> Done {
        let at = self.at.child("copy");
        let sources = self.select(from, &at)?;
        let [source] = sources.as_slice() else {
            let why = format!("`{from}` selects {} values, and `copy` needs one", sources.len());
            return Err((at, OverlayMistake::Bad(why)));
        };
        let Some(value) = at_mut(self.document, source).map(|value| value.clone()) else {
            return Ok(());
        };
        let before = self.origins.clone();
        self.merge_all(found, &value, &|origins, here, there| {
            origins.graft(here, &before, &[source.as_slice(), there].concat());
        })
    }

    fn merge_all(&mut self, found: &[Vec<String>], update: &Value, record: Record<'_>) -> Done {
        let grown = nodes(update).saturating_mul(found.len()).saturating_add(nodes(self.document));
        if grown > NODE_BUDGET {
            return bad(&self.at, "the document would grow too large");
        }
        for tokens in found {
            if tokens.len() + depth(update) > DEPTH_BUDGET {
                return bad(&self.at, "the document would nest too deeply");
            }
            let Some(target) = at_mut(self.document, tokens) else { continue };
            let mut merging = Merging { origins: self.origins, record, at: &self.at };
            match (target, update) {
                (Value::Array(items), added) if !added.is_array() => {
                    let here = [tokens.as_slice(), &[items.len().to_string()]].concat();
                    record(merging.origins, &here, &[]);
                    items.push(added.clone());
                }
                (target, update) => merging.merge(target, update, tokens, &[])?,
            }
        }
        Ok(())
    }
}

/// A value being merged into another.
struct Merging<'a> {
    origins: &'a mut Origins,
    record: Record<'a>,
    at: &'a Pointer,
}

impl Merging<'_> {
    fn merge(
        &mut self,
        target: &mut Value,
        update: &Value,
        here: &[String],
        there: &[String],
    ) -> Done {
        match (target, update) {
            (Value::Object(members), Value::Object(added)) => {
                for (name, value) in added {
                    let here = [here, std::slice::from_ref(name)].concat();
                    let there = [there, std::slice::from_ref(name)].concat();
                    match members.get_mut(name) {
                        Some(member) => self.merge(member, value, &here, &there)?,
                        None => {
                            (self.record)(self.origins, &here, &there);
                            members.insert(name.clone(), value.clone());
                        }
                    }
                }
                Ok(())
            }
            (Value::Array(items), Value::Array(added)) => {
                for (index, value) in added.iter().enumerate() {
                    let here = [here, &[items.len().to_string()]].concat();
                    let there = [there, &[index.to_string()]].concat();
                    (self.record)(self.origins, &here, &there);
                    items.push(value.clone());
                }
                Ok(())
            }
            // A key that was left empty is none: there is nothing to merge.
            (Value::Object(_) | Value::Array(_), Value::Null) => Ok(()),
            (target, update) if is_single(target) && (target.is_null() || is_single(update)) => {
                (self.record)(self.origins, here, there);
                *target = update.clone();
                Ok(())
            }
            (target, update) => {
                let (target, update) = (kind(target), kind(update));
                let where_ = below(&Pointer::default(), here);
                bad(self.at, &format!("{update} does not merge with {target}, at `{where_}`"))
            }
        }
    }
}

fn bad(at: &Pointer, why: &str) -> Done {
    Err((at.clone(), OverlayMistake::Bad(why.to_owned())))
}

fn below(at: &Pointer, tokens: &[String]) -> Pointer {
    tokens.iter().fold(at.clone(), |at, token| at.child(token))
}

fn at_mut<'v>(value: &'v mut Value, tokens: &[String]) -> Option<&'v mut Value> {
    tokens.iter().try_fold(value, |value, token| match value {
        Value::Object(members) => members.get_mut(token),
        Value::Array(items) => items.get_mut(token.parse::<usize>().ok()?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    })
}

fn is_single(value: &Value) -> bool {
    !value.is_object() && !value.is_array()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Object(_) => "an object",
        Value::Array(_) => "a list",
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => "a single value",
    }
}

fn nodes(value: &Value) -> usize {
    match value {
        Value::Object(members) => 1 + members.values().map(nodes).sum::<usize>(),
        Value::Array(items) => 1 + items.iter().map(nodes).sum::<usize>(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 1,
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}
