//! Documents to the model, one pass a file. Total: every problem is reported, none stops the rest.

mod events;
mod examples;
mod keywords;
mod operations;
mod schemas;
mod sockets;
mod whole;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, Kind};
use crate::model::{Definition, Documents, Name, Predicate, System, TypeId, unique_names};
use crate::source::{Cursor, RefError, Sources, ValueId, bundle, is_remote};

/// Which files of the sources make a system.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Name of the system: `calls`.
    pub name: &'a str,
    /// Path of the OpenAPI document; that of the AsyncAPI document where there are only events.
    pub openapi: &'a str,
    /// Path of the AsyncAPI document.
    pub asyncapi: Option<&'a str>,
    /// The command that generates, for the first line of generated files.
    pub command: &'static str,
}

/// Resolves a system; the model is whole only if no problem is an error.
pub fn resolve(sources: &Sources, entry: Entry<'_>) -> (System, Vec<Diagnostic>) {
    let mut scope = Scope::new(sources);
    let mut system = System {
        name: Name::new(entry.name).ascii(),
        contract: entry.openapi.to_owned(),
        command: entry.command,
        ..System::default()
    };
    let alone = is_asyncapi(sources, entry.openapi);
    if !alone && let Some(root) = scope.open(entry.openapi, "openapi", &OPENAPI) {
        scope.heeds_siblings = root.text("openapi").is_some_and(|text| !is_version(text, "3.0"));
        scope.declare_components(&root);
        operations::resolve(&mut scope, &root, &mut system);
        operations::webhooks::resolve(&mut scope, &root, &mut system);
        operations::security::define_missing(&mut system);
        examples::check(&mut scope, &root);
        describe(&mut scope, &root, &mut system);
        system.documents = Documents { openapi: bundle::bundle(&root), asyncapi: None };
    }
    let asyncapi = entry.asyncapi.or(alone.then_some(entry.openapi));
    if let Some(root) = asyncapi.and_then(|path| scope.open(path, "asyncapi", &ASYNCAPI)) {
        if alone {
            scope.declare_components(&root);
            describe(&mut scope, &root, &mut system);
        }
        events::resolve(&mut scope, &root, &mut system);
        sockets::resolve(&mut scope, &root, &mut system);
        events::messages::check(&mut scope, &system);
        system.documents.asyncapi = Some(bundle::bundle(&root));
    }
    scope.drain();
    system.types = std::mem::take(&mut scope.types);
    whole::used_rules::drop_read(&mut system.types, &scope.predicates);
    whole::lifecycles::resolve(&mut scope, &mut system);
    whole::pagination::check(&mut scope, &system);
    whole::links::resolve(&mut scope, &mut system);
    operations::webhooks::direct(&mut scope, &mut system);
    operations::webhooks::unite(&mut scope, &mut system);
    whole::layouts::settle(&mut system);
    whole::forms::settle(&mut scope, &mut system);
    whole::directions::mark(&mut system);
    let inputs = whole::views::split(&mut system, &mut scope);
    whole::directions::hold(&mut system);
    whole::recursion::mark(&mut system, &mut scope);
    whole::alike::find(&mut system, &scope.named(&inputs));
    events::envelopes::find(&mut scope, &mut system);
    sockets::traffic::tell_apart(&mut scope, &mut system);
    whole::used_rules::keep_used(&mut system, std::mem::take(&mut scope.predicates));
    let mut problems = scope.problems;
    problems.sort();
    problems.dedup();
    (system, problems)
}

/// The versions that are read.
const OPENAPI: [&str; 3] = ["3.0", "3.1", "3.2"];
const ASYNCAPI: [&str; 9] = ["2.0", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "3.0", "3.1"];

/// Whether a contract is events and nothing else.
fn is_asyncapi(sources: &Sources, path: &str) -> bool {
    let value = sources.file(path).map(|file| &file.value);
    value.is_some_and(|value| value.get("openapi").is_none() && value.get("asyncapi").is_some())
}

/// What a document says of itself; one that says nothing is called as its packages are.
fn describe<'a>(scope: &mut Scope<'a>, root: &Cursor<'a>, system: &mut System) {
    let info = root.get("info");
    let text = |key| info.as_ref().and_then(|info| info.text(key)).map(str::to_owned);
    system.title = text("title").unwrap_or_else(|| {
        let why = "the document has no title: it is called as its packages are".to_owned();
        scope.defect(root, why, "give `info` a `title`");
        system.name.words().join(" ")
    });
    system.version = text("version").unwrap_or_default();
    system.description = text("description");
}

/// Letters of a name made up for a type in place: nobody can read more.
const LETTERS: usize = 60;

/// What the passes share: the sources, the types defined so far and the problems found.
struct Scope<'a> {
    sources: &'a Sources,
    problems: Vec<Diagnostic>,
    types: BTreeMap<TypeId, Definition>,
    /// The types of schemas that have a name of their own.
    places: BTreeMap<ValueId, (TypeId, Cursor<'a>)>,
    inline: BTreeMap<ValueId, TypeId>,
    /// Schemas that others are composed of and told from by a tag, until they are looked at.
    families: BTreeMap<ValueId, schemas::families::Family<'a>>,
    /// What these are themselves.
    bases: BTreeMap<ValueId, TypeId>,
    /// Schemas that are composed of one with a family.
    children: BTreeSet<ValueId>,
    /// Objects that are what several schemas of a member say.
    merged: BTreeMap<Vec<ValueId>, TypeId>,
    /// Schemas in place that are being looked at right now.
    standing: BTreeSet<ValueId>,
    lifecycles: Vec<(TypeId, Cursor<'a>)>,
    /// Where messages stand, by the key of their channel and their own.
    told: BTreeMap<(String, String), Cursor<'a>>,
    /// Every name in an `x-emits`.
    emitted: Vec<(String, Cursor<'a>)>,
    /// Every `x-pagination`, by the id of its operation.
    paginated: Vec<(String, Cursor<'a>)>,
    /// Links of responses.
    linked: Vec<whole::links::Linked<'a>>,
    /// Callbacks of operations.
    called: Vec<operations::webhooks::Called<'a>>,
    directed: Vec<operations::webhooks::Directed<'a>>,
    /// Names of operations by where they stand.
    operations: BTreeMap<ValueId, Name>,
    taken: BTreeSet<String>,
    /// The last number behind a name that was wanted more than once, by its key.
    numbers: BTreeMap<String, usize>,
    /// Whether keywords beside a reference count in files that say no version.
    heeds_siblings: bool,
    waiting: Vec<(TypeId, Cursor<'a>)>,
    /// What rules say by name.
    predicates: BTreeMap<TypeId, Predicate>,
    /// Schemas that a rule mentions by name, and that were not looked at for it.
    unsaid: Vec<(TypeId, Cursor<'a>)>,
    problem_schemas: BTreeSet<ValueId>,
}

impl<'a> Scope<'a> {
    fn new(sources: &'a Sources) -> Self {
        Self {
            sources,
            problems: Vec::new(),
            types: BTreeMap::new(),
            places: BTreeMap::new(),
            inline: BTreeMap::new(),
            families: BTreeMap::new(),
            bases: BTreeMap::new(),
            children: BTreeSet::new(),
            merged: BTreeMap::new(),
            standing: BTreeSet::new(),
            lifecycles: Vec::new(),
            told: BTreeMap::new(),
            emitted: Vec::new(),
            paginated: Vec::new(),
            linked: Vec::new(),
            called: Vec::new(),
            directed: Vec::new(),
            operations: BTreeMap::new(),
            taken: BTreeSet::new(),
            numbers: BTreeMap::new(),
            heeds_siblings: false,
            waiting: Vec::new(),
            predicates: BTreeMap::new(),
            unsaid: Vec::new(),
            problem_schemas: BTreeSet::new(),
        }
    }

    /// The root of a document, if it is of a kind and version that is read.
    fn open(&mut self, path: &str, kind: &str, versions: &[&str]) -> Option<Cursor<'a>> {
        let file = self.sources.file(path).filter(|_| !self.sources.is_absent(path))?;
        let root = Cursor::root(self.sources, file);
        let why = match root.value.get(kind) {
            None if root.value.get("swagger").is_some() => "it is Swagger 2.0".to_owned(),
            None => format!("it has no member `{kind}`"),
            Some(version) => {
                let version = version.as_str().map_or_else(|| version.to_string(), str::to_owned);
                if versions.iter().any(|known| is_version(&version, known)) {
                    return Some(root);
                }
                format!("its {kind} version is {version}")
            }
        };
        let place = root.get(kind).or_else(|| root.get("swagger"));
        self.report(&place.unwrap_or(root), Kind::NotAContract { why });
        None
    }

    fn report(&mut self, at: &Cursor<'a>, kind: Kind) {
        self.problems.push(Diagnostic::new(at.place(), kind));
    }

    fn degrade(&mut self, at: &Cursor<'a>, what: &'static str, why: &str) {
        self.report(at, Kind::Degraded { what, why: why.to_owned() });
    }

    fn defect(&mut self, at: &Cursor<'a>, why: String, hint: impl Into<Cow<'static, str>>) {
        self.report(at, Kind::Defect { why, hint: hint.into() });
    }

    /// What a value stands for; a reference that leads nowhere is reported.
    fn follow(&mut self, at: &Cursor<'a>) -> Option<Cursor<'a>> {
        match at.follow() {
            Ok(found) => Some(found),
            Err(error) => {
                self.bad_reference(at, error);
                None
            }
        }
    }

    fn bad_reference(&mut self, at: &Cursor<'a>, error: RefError) {
        let place = at.get("$ref").unwrap_or_else(|| at.clone());
        let kind = match error {
            RefError::Cycle { reference } => Kind::RefCycle { reference },
            // That its file is absent was said once, at the first reference to it.
            RefError::Missing { reference, .. }
                if self.sources.leads_nowhere(&at.file.path, &reference) =>
            {
                return;
            }
            RefError::Missing { reference, .. } if is_remote(&reference) => {
                Kind::RemoteRef { reference }
            }
            RefError::Missing { reference, siblings } => {
                let wanted = reference.rsplit('/').next().unwrap_or(&reference);
                let similar = similar(wanted, siblings.iter().map(String::as_str));
                Kind::RefNotFound { reference, similar }
            }
        };
        self.report(&place, kind);
    }

    /// Hands every component schema its name before anything else can take it.
    fn declare_components(&mut self, root: &Cursor<'a>) {
        let Some(schemas) = root.get("components").and_then(|found| found.get("schemas")) else {
            return;
        };
        let members = schemas.members();
        let names = unique_names(members.iter().map(|(name, _)| *name));
        // A component that only points at a place without a name of its own gives it its name.
        let (pointing, defining): (Vec<_>, Vec<_>) =
            members.into_iter().partition(|(_, at)| at.reference().is_some());
        for (wire, at) in defining.into_iter().chain(pointing) {
            let id = TypeId(names[wire].clone());
            self.taken.insert(id.0.key());
            let target = at.follow().unwrap_or_else(|_| at.clone());
            self.places.entry(target.id()).or_insert_with(|| (id.clone(), target));
            self.waiting.push((id, at));
        }
        self.waiting.reverse();
        self.declare_families(&schemas);
    }

    /// The types that the contract names, and their views.
    fn named(&self, inputs: &BTreeMap<TypeId, TypeId>) -> BTreeSet<TypeId> {
        let named = self.places.values().map(|(id, _)| id);
        named.flat_map(|id| [Some(id), inputs.get(id)]).flatten().cloned().collect()
    }

    /// A free type name as close to the wanted one as can be had.
    fn free_name(&mut self, wanted: &Name) -> TypeId {
        let wanted = wanted.within(LETTERS);
        let key = wanted.key();
        if self.taken.insert(key.clone()) {
            return TypeId(wanted);
        }
        // What was taken stays taken: numbers go on where they ended.
        let last = self.numbers.entry(key).or_insert(1);
        let following = (*last + 1..).map(|number| (number, wanted.numbered(number)));
        let (number, name) = following
            .into_iter()
            .find(|(_, name)| self.taken.insert(name.key()))
            .expect("numbers do not run out");
        *last = number;
        TypeId(name)
    }
}

/// Whether a version is of this feature set: patches change nothing.
fn is_version(version: &str, known: &str) -> bool {
    version.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
}

/// The most similar name, if one is near enough to be meant.
fn similar<'n>(wanted: &str, names: impl Iterator<Item = &'n str>) -> Option<String> {
    names
        .map(|name| (strsim::damerau_levenshtein(wanted, name), name))
        .filter(|(distance, name)| *distance <= 2.max(name.len() / 4))
        .min()
        .map(|(_, name)| name.to_owned())
}
