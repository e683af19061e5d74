//! Walking a document and following its references without losing the place.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::json_pointer::{percent_decode, tokens};
use super::load::{Sources, referred};
use super::{File, Place, Pointer};

/// References that may be followed on the way to one value; more can only be a circle.
const STEPS: usize = 128;

/// A value together with its place. It is cheap to clone and to step: the place is written out
/// only when somebody asks for it.
#[derive(Debug, Clone)]
pub struct Cursor<'a> {
    /// All files of the contract.
    pub sources: &'a Sources,
    /// The file of this value.
    pub file: &'a File,
    /// The value.
    pub value: &'a Value,
    /// What this value stands in, and as what; nothing for the root.
    above: Above<'a>,
}

type Above<'a> = Option<(Arc<Step<'a>>, Token<'a>)>;

/// A value on the way from the root to another.
#[derive(Debug)]
struct Step<'a> {
    value: &'a Value,
    above: Above<'a>,
}

/// As what a value stands in another.
#[derive(Debug, Clone, Copy)]
enum Token<'a> {
    Name(&'a str),
    Index(usize),
}

/// What tells a value of a contract apart from every other, cheaper than its place. The order of
/// two says nothing: no output may follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(usize);

/// Why a reference leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefError {
    /// Nothing stands at the address; the siblings of the missing member, to suggest one.
    Missing {
        /// The reference as written.
        reference: String,
        /// The members that do stand where the last found part leads.
        siblings: Vec<String>,
    },
    /// The reference leads to itself.
    Cycle {
        /// The reference as written.
        reference: String,
    },
}

impl<'a> Cursor<'a> {
    /// The root of a file.
    pub fn root(sources: &'a Sources, file: &'a File) -> Self {
        Self { sources, file, value: &file.value, above: None }
    }

    /// Where this value stands.
    pub fn place(&self) -> Place {
        Place::new(&self.file.path, self.pointer())
    }

    /// Where in its file this value stands.
    pub fn pointer(&self) -> Pointer {
        let mut tokens = Vec::new();
        let mut above = &self.above;
        while let Some((step, token)) = above {
            tokens.push(token);
            above = &step.above;
        }
        let mut pointer = Pointer::default();
        for token in tokens.into_iter().rev() {
            match token {
                Token::Name(name) => pointer.push(name),
                Token::Index(index) => pointer.push(&index.to_string()),
            }
        }
        pointer
    }

    /// What this value stands in, root first, each as a name or a position; nothing if that is
    /// further up than `steps`.
    pub fn way_within(&self, steps: usize) -> Option<Vec<Cow<'a, str>>> {
        let mut tokens = Vec::new();
        let mut above = &self.above;
        while let Some((step, token)) = above {
            if tokens.len() == steps {
                return None;
            }
            tokens.push(match token {
                Token::Name(name) => Cow::Borrowed(*name),
                Token::Index(index) => Cow::Owned(index.to_string()),
            });
            above = &step.above;
        }
        tokens.reverse();
        Some(tokens)
    }

    /// The name under which this value stands in an object.
    pub fn name(&self) -> Option<&'a str> {
        match self.above {
            Some((_, Token::Name(name))) => Some(name),
            Some((_, Token::Index(_))) | None => None,
        }
    }

    /// Whether this value is a member or an element of the other.
    pub(super) fn stands_in(&self, other: &Value) -> bool {
        self.above.as_ref().is_some_and(|(step, _)| std::ptr::eq(step.value, other))
    }

    /// What tells this value apart from every other.
    pub fn id(&self) -> ValueId {
        ValueId(std::ptr::from_ref(self.value).addr())
    }

    /// Whether this value stands inside the other.
    pub fn is_below(&self, other: &Self) -> bool {
        let mut above = &self.above;
        while let Some((step, _)) = above {
            if std::ptr::eq(step.value, other.value) {
                return true;
            }
            above = &step.above;
        }
        false
    }

    /// The member of this name.
    pub fn get(&self, name: &str) -> Option<Self> {
        let (name, value) = self.value.as_object()?.get_key_value(name)?;
        Some(self.below(self.step_here(), Token::Name(name), value))
    }

    /// The member of this name, or the element at this position.
    pub(super) fn child(&self, token: &str) -> Option<Self> {
        let Value::Array(items) = self.value else { return self.get(token) };
        let index = token.parse::<usize>().ok()?;
        Some(self.below(self.step_here(), Token::Index(index), items.get(index)?))
    }

    /// The members of an object, by name; none for anything else.
    pub fn members(&self) -> Vec<(&'a str, Self)> {
        let Value::Object(members) = self.value else { return Vec::new() };
        let step = self.step_here();
        let mut found: Vec<_> = members
            .iter()
            .map(|(name, value)| {
                (name.as_str(), self.below(Arc::clone(&step), Token::Name(name), value))
            })
            .collect();
        found.sort_by_key(|(name, _)| *name);
        found
    }

    /// The elements of an array; none for anything else.
    pub fn elements(&self) -> Vec<Self> {
        let Value::Array(items) = self.value else { return Vec::new() };
        let step = self.step_here();
        let below = |(index, value)| self.below(Arc::clone(&step), Token::Index(index), value);
        items.iter().enumerate().map(below).collect()
    }

    fn step_here(&self) -> Arc<Step<'a>> {
        Arc::new(Step { value: self.value, above: self.above.clone() })
    }

    fn below(&self, step: Arc<Step<'a>>, token: Token<'a>, value: &'a Value) -> Self {
        Self { value, above: Some((step, token)), ..*self }
    }

    /// The text of the member of this name.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.value.get(name)?.as_str()
    }

    /// Whether the member of this name is `true`.
    pub fn flag(&self, name: &str) -> bool {
        self.value.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// This value as an object.
    pub fn object(&self) -> Option<&'a Map<String, Value>> {
        self.value.as_object()
    }

    /// The text of this value's `$ref`, if it is a reference.
    pub fn reference(&self) -> Option<&'a str> {
        self.text("$ref")
    }

    /// What this value stands for: itself, or what its `$ref` leads to in the end.
    ///
    /// # Errors
    /// When a reference leads nowhere or in a circle.
    pub fn follow(&self) -> Result<Self, RefError> {
        let mut steps = STEPS;
        self.follow_within(&mut steps)
    }

    /// What a reference written at this place leads to, one step.
    ///
    /// # Errors
    /// When it leads nowhere.
    pub fn target(&self, reference: &str) -> Result<Self, RefError> {
        let mut steps = STEPS;
        self.target_within(reference, &mut steps)
    }

    fn follow_within(&self, steps: &mut usize) -> Result<Self, RefError> {
        let mut current = self.clone();
        while let Some(reference) = current.reference() {
            let Some(left) = steps.checked_sub(1) else {
                return Err(RefError::Cycle { reference: reference.to_owned() });
            };
            *steps = left;
            current = current.target_within(reference, steps)?;
        }
        Ok(current)
    }

    fn target_within(&self, reference: &str, steps: &mut usize) -> Result<Self, RefError> {
        let missing = |siblings| RefError::Missing { reference: reference.to_owned(), siblings };
        let (path, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let file = if path.is_empty() {
            self.file
        } else {
            let path = referred(&self.file.path, path);
            self.sources.file(&path).ok_or_else(|| missing(Vec::new()))?
        };
        let decoded = percent_decode(fragment);
        let decoded = decoded.filter(|text| text.is_empty() || text.starts_with('/'));
        let pointer = decoded.or_else(|| {
            let root = || Self::root(self.sources, file).anchors();
            let found = file.anchors.get_or_init(root).get(fragment);
            found.map(|pointer| Cow::Borrowed(pointer.as_str()))
        });
        let pointer = pointer.ok_or_else(|| missing(Vec::new()))?;
        let mut cursor = Self::root(self.sources, file);
        for token in tokens(&pointer) {
            let Some(next) = cursor.step(&token, steps)? else {
                let names = cursor.members().into_iter().map(|(name, _)| name.to_owned());
                return Err(missing(names.collect()));
            };
            cursor = next;
        }
        Ok(cursor)
    }

    /// Where the schemas in this value stand that give themselves a name.
    fn anchors(&self) -> BTreeMap<String, Pointer> {
        let mut found = BTreeMap::new();
        let mut waiting = vec![self.clone()];
        while let Some(at) = waiting.pop() {
            for name in ["$anchor", "$dynamicAnchor"].iter().filter_map(|anchor| at.text(anchor)) {
                found.entry(name.to_owned()).or_insert_with(|| at.pointer());
            }
            let members = at.members().into_iter().map(|(_, member)| member);
            waiting.extend(members.chain(at.elements()));
        }
        found
    }

    fn step(&self, token: &str, steps: &mut usize) -> Result<Option<Self>, RefError> {
        // A reference on the way is followed: real documents point through references.
        match self.child(token) {
            None if self.reference().is_some() => Ok(self.follow_within(steps)?.get(token)),
            found => Ok(found),
        }
    }
}
