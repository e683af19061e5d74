//! `symbolon new`: a whole workspace for someone's contract, to be written on from there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use serde_json::json;
use symbolon_adoption::contract::Contract;
use symbolon_adoption::mock::exchanges;
use symbolon_codegen::diagnostic::{render, to_json};
use symbolon_codegen::emit::{GeneratedFile, scaffold};
use symbolon_codegen::project::{
    Access, Catalog, Change, Merged, Tree, compare, former, merged, read_within,
    scaffold as generated, scaffold_manifest, write_standalone,
};
use symbolon_codegen::resolve::Entry;
use symbolon_codegen::source::{file_stem, parse};

use crate::gen_house::STALE;
use crate::gen_standalone::{package_name, valid_name};

/// Makes a workspace for a contract: types, traits, SDKs, and a server that answers with the
/// contract's examples until you write what it should do.
///
/// Run again, it adds what the contract gained. It never touches what you wrote: a file an
/// operation, and again only what stands between `symbolon: begin` and `symbolon: end`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  symbolon new shelter --contract petstore.yaml\n  \
    (cd shelter && cargo run -p petstore-app)\n  \
    symbolon new shelter                 # after a change of shelter/contracts\n  \
    symbolon new shelter --check\n\n\
    Exit codes: 0 written or up to date, 1 the contract has errors or the folder is\n\
    somebody else's, 2 wrong usage, 4 stale (--check only)")]
pub struct Arguments {
    /// The folder of the workspace; made if missing.
    dir: PathBuf,
    /// The OpenAPI document, copied with the files it refers to; that of the workspace if absent.
    #[arg(long, value_name = "FILE")]
    contract: Option<String>,
    /// The AsyncAPI document that goes with it.
    #[arg(long, value_name = "FILE", requires = "contract")]
    asyncapi: Option<String>,
    /// An overlay (1.0 or 1.1), copied and named in the workspace's catalogue: it is laid over the
    /// document it extends, else over the contract, by every run; may be given more than once.
    #[arg(long, value_name = "FILE", requires = "contract")]
    overlay: Vec<String>,
    /// What the packages are called; the contract's file name if absent.
    #[arg(long, value_parser = valid_name, requires = "contract")]
    name: Option<String>,
    /// The folder that holds all of the contract; that of the document if absent.
    #[arg(long, value_name = "DIR", requires = "contract")]
    root: Option<PathBuf>,
    /// Only say what would change, write nothing, and exit 4 if anything would.
    #[arg(long)]
    check: bool,
    /// Print a report as JSON on standard output.
    #[arg(long)]
    json: bool,
}

/// The contract of a workspace: where it is read from, and where it is kept.
struct Kept {
    name: String,
    openapi: String,
    asyncapi: Option<String>,
    overlays: Vec<String>,
    /// Paths in the workspace.
    document: String,
    events: Option<String>,
    laid: Vec<String>,
    /// What is to be copied: path in the workspace and text.
    copies: Vec<(String, String)>,
}

/// Everything a run would do.
#[derive(Default)]
struct Plan {
    files: Vec<(String, String)>,
    changes: Vec<Change>,
    told: Vec<(&'static str, String)>,
}

/// Runs the command.
///
/// # Errors
/// When the disk cannot be read or written.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let dir = &arguments.dir;
    let former = former(dir)?;
    let is_empty = fs::read_dir(dir).map_or(true, |mut entries| entries.next().is_none());
    if !is_empty && former.is_empty() {
        eprintln!(
            "error: {} holds files and is no workspace of `symbolon new`\n\
             help: choose an empty or a new folder; nothing was written",
            dir.display()
        );
        return Ok(ExitCode::FAILURE);
    }
    let mut kept = kept(arguments)?;
    let entry = Entry {
        name: &kept.name,
        openapi: &kept.openapi,
        asyncapi: kept.asyncapi.as_deref(),
        command: "symbolon new",
    };
    let root = match &arguments.contract {
        Some(_) => arguments.root.clone(),
        None => Some(dir.join("contracts")),
    };
    let access = Access { root, overlays: kept.overlays.clone(), ..Access::default() };
    let mut contract = read_within(entry, &access).bearing();
    if !contract.is_sound() {
        if arguments.json {
            let errors = to_json(&contract.problems, &contract.sources);
            println!("{:#}", json!({ "errors": errors }));
        }
        eprintln!("{}\n", render(&contract.problems, &contract.sources));
        eprintln!("{} has errors; nothing was written", kept.openapi);
        return Ok(ExitCode::FAILURE);
    }
    if arguments.contract.is_some() {
        kept.copies =
            copies(arguments, &kept, contract.sources.files().map(|it| (&it.path, &it.text)));
    }
    contract.system.contract.clone_from(&kept.document);
    let problems = to_json(&contract.problems, &contract.sources);
    if !contract.problems.is_empty() && !arguments.json {
        eprintln!("{}\n", render(&contract.problems, &contract.sources));
    }
    let system = contract.system.clone();
    let contract = Contract::new(contract, &kept.openapi, kept.asyncapi.as_deref());
    let laid: Vec<String> = kept.laid.iter().map(|path| format!("contracts/{path}")).collect();
    let once = scaffold::emit(&system, &exchanges(&contract, 1), &kept.document, &laid);
    let mut tree = generated(&system);
    tree.former = former;
    let manifest = scaffold_manifest(&system, &tree, &once);
    let plan = plan(dir, &kept, &tree, once.into_iter().chain([manifest]).collect())?;
    finish(arguments, &kept, &tree, &plan, &problems)
}

/// The contract that is named, or the one that the workspace has.
fn kept(arguments: &Arguments) -> anyhow::Result<Kept> {
    let dir = &arguments.dir;
    let known = Catalog::read(dir).ok().and_then(|catalog| catalog.systems.into_iter().next());
    let inside = |path: &str| dir.join("contracts").join(path).to_string_lossy().into_owned();
    match (&arguments.contract, known) {
        (None, None) => bail!("{} holds no contract yet; name one with --contract", dir.display()),
        (None, Some(known)) => Ok(Kept {
            openapi: inside(&known.openapi),
            asyncapi: known.asyncapi.as_deref().map(inside),
            overlays: known.overlays.iter().map(|path| inside(path)).collect(),
            document: format!("contracts/{}", known.openapi),
            events: known.asyncapi,
            laid: known.overlays,
            name: known.name,
            copies: Vec::new(),
        }),
        (Some(openapi), known) => {
            let wanted = arguments.name.clone();
            let name = wanted.unwrap_or_else(|| match &known {
                Some(known) => known.name.clone(),
                None => package_name(file_stem(openapi)),
            });
            let placed = |path: &str| format!("{name}/{}", relative(arguments, path));
            let laid: Vec<String> = arguments.overlay.iter().map(|path| placed(path)).collect();
            if let Some(known) = known {
                if known.name != name {
                    bail!("{} is the workspace of `{}`, not `{name}`", dir.display(), known.name);
                }
                if known.overlays != laid {
                    bail!("{}/contracts/catalog.toml names other overlays", dir.display());
                }
            }
            if let Some(path) = laid.iter().enumerate().find(|(at, it)| laid[..*at].contains(it)) {
                bail!("two overlays would be kept as contracts/{}; rename one", path.1);
            }
            Ok(Kept {
                document: format!("contracts/{}", placed(openapi)),
                events: arguments.asyncapi.as_deref().map(placed),
                openapi: openapi.clone(),
                asyncapi: arguments.asyncapi.clone(),
                overlays: arguments.overlay.clone(),
                laid,
                name,
                copies: Vec::new(),
            })
        }
    }
}

/// The path of a contract's file in the folder that holds all of it; its name if it lies outside,
/// and that of an overlay in a folder for those.
fn relative(arguments: &Arguments, path: &str) -> String {
    let document = Path::new(arguments.contract.as_deref().unwrap_or_default());
    let folder = match &arguments.root {
        Some(root) => root.clone(),
        None => document.parent().map(Path::to_owned).unwrap_or_default(),
    };
    let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder };
    let (folder, file) = (absolute(&folder), absolute(Path::new(path)));
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned());
    match file.strip_prefix(&folder) {
        Ok(inside) => inside.to_string_lossy().into_owned(),
        Err(_) if arguments.overlay.iter().any(|overlay| overlay == path) => {
            format!("{OVERLAYS}/{}", name.unwrap_or_default())
        }
        Err(_) => name.unwrap_or_default(),
    }
}

/// The folder of overlays that lay elsewhere than the contract.
const OVERLAYS: &str = "overlays";

fn absolute(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

fn copies<'f>(
    arguments: &Arguments,
    kept: &Kept,
    files: impl Iterator<Item = (&'f String, &'f String)>,
) -> Vec<(String, String)> {
    let copy = |(path, text): (&String, &String)| {
        let inside = relative(arguments, path);
        let text = match kept.overlays.contains(path) && inside.starts_with(OVERLAYS) {
            true => extending(arguments, path, text),
            false => text.clone(),
        };
        (format!("contracts/{}/{inside}", kept.name), text)
    };
    files.map(copy).collect()
}

/// The text of an overlay that lies elsewhere now, so that it extends the same document as before.
fn extending(arguments: &Arguments, path: &str, text: &str) -> String {
    let overlay = parse(path, text).unwrap_or_default();
    let extended = overlay.get("extends").and_then(|extended| extended.as_str());
    let folder = Path::new(path).parent().unwrap_or(Path::new(""));
    let document = extended.and_then(|extended| {
        let meant = absolute(&folder.join(extended));
        let documents = [arguments.contract.as_ref(), arguments.asyncapi.as_ref()];
        documents.into_iter().flatten().find(|document| absolute(Path::new(document)) == meant)
    });
    let (Some(extended), Some(document)) = (extended, document) else { return text.to_owned() };
    let (before, after) = text.split_at(text.find("extends").unwrap_or_default());
    let now = format!("../{}", relative(arguments, document));
    format!("{before}{}", after.replacen(extended, &now, 1))
}

fn plan(dir: &Path, kept: &Kept, tree: &Tree, once: Vec<GeneratedFile>) -> anyhow::Result<Plan> {
    let mut plan = Plan { changes: compare(dir, tree)?, ..Plan::default() };
    let events = kept.events.as_ref().map(|path| format!("asyncapi = {path:?}\n"));
    let openapi = kept.document.trim_start_matches("contracts/");
    let laid = (!kept.laid.is_empty()).then(|| format!("overlays = {:?}\n", kept.laid));
    let catalog = format!(
        "# The contract of this workspace.\n[[system]]\nname = {:?}\nopenapi = {openapi:?}\n{}{}",
        kept.name,
        events.unwrap_or_default(),
        laid.unwrap_or_default()
    );
    let expected: BTreeSet<String> = once.iter().map(|file| file.path.clone()).collect();
    let catalog = GeneratedFile { path: "contracts/catalog.toml".to_owned(), text: catalog };
    for file in once.into_iter().chain([catalog]) {
        match merged(dir, &file) {
            Merged::Kept => {}
            Merged::New => plan.add("create", file.path, file.text),
            Merged::Between(text) => plan.add("update", file.path, text),
            Merged::Unmarked => plan.told.push(("unmarked", file.path)),
        }
    }
    for (path, text) in &kept.copies {
        match fs::read_to_string(dir.join(path)) {
            Ok(found) if found == *text => {}
            Ok(_) => plan.told.push(("differs", path.clone())),
            Err(_) => plan.add("create", path.clone(), text.clone()),
        }
    }
    plan.told.extend(left(dir, &kept.name, &expected).into_iter().map(|path| ("kept", path)));
    Ok(plan)
}

impl Plan {
    fn add(&mut self, what: &'static str, path: String, text: String) {
        self.told.push((what, path.clone()));
        self.files.push((path, text));
    }
}

/// Handlers of operations that the contract no longer has.
fn left(dir: &Path, name: &str, expected: &BTreeSet<String>) -> Vec<String> {
    let sources = format!("server/{name}/src");
    let names = |folder: &Path| -> Vec<String> {
        let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
        let mut names: Vec<String> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    let mut left = Vec::new();
    for tag in names(&dir.join(&sources)) {
        for file in names(&dir.join(&sources).join(&tag)) {
            let path = format!("{sources}/{tag}/{file}");
            let text = fs::read_to_string(dir.join(&path)).unwrap_or_default();
            if !expected.contains(&path) && text.contains("async fn handle(") {
                left.push(path);
            }
        }
    }
    left
}

fn finish(
    arguments: &Arguments,
    kept: &Kept,
    tree: &Tree,
    plan: &Plan,
    problems: &[serde_json::Value],
) -> anyhow::Result<ExitCode> {
    let dir = &arguments.dir;
    // A contract that was edited here goes before the one it was copied from.
    if plan.told.iter().any(|(what, _)| *what == "differs") {
        for (_, path) in plan.told.iter().filter(|(what, _)| *what == "differs") {
            eprintln!("error: {path} is not what it would be copied from");
        }
        eprintln!(
            "help: `symbolon new {0}` takes the contract in {0}/contracts; to take the other one, \
             copy it there yourself. Nothing was written",
            dir.display()
        );
        return Ok(ExitCode::FAILURE);
    }
    let is_stale = !plan.files.is_empty() || !plan.changes.is_empty();
    if !arguments.check {
        write_standalone(dir, tree, &plan.changes)?;
        for (path, text) in &plan.files {
            let path = dir.join(path);
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(&path, text).with_context(|| format!("{} is written", path.display()))?;
        }
        #[cfg(unix)]
        if plan.files.iter().any(|(path, _)| path == "check.sh") {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(dir.join("check.sh"), fs::Permissions::from_mode(0o755))?;
        }
    }
    report(arguments, kept, plan, problems);
    let is_refused = arguments.check && is_stale;
    Ok(if is_refused { ExitCode::from(STALE) } else { ExitCode::SUCCESS })
}

fn report(arguments: &Arguments, kept: &Kept, plan: &Plan, problems: &[serde_json::Value]) {
    let dir = arguments.dir.display();
    if arguments.json {
        let of = |wanted: &str| -> Vec<&String> {
            plan.told.iter().filter(|(what, _)| *what == wanted).map(|(_, path)| path).collect()
        };
        let report = json!({
            "name": kept.name,
            "created": of("create"),
            "updated": of("update"),
            "unmarked": of("unmarked"),
            "kept": of("kept"),
            "generated": plan.changes.len(),
            "problems": problems,
        });
        println!("{report:#}");
        return;
    }
    for (what, path) in &plan.told {
        let why = match *what {
            "unmarked" => ": its marks are gone; write by hand what it lacks",
            "kept" => ": no operation of the contract has it now",
            _ => "",
        };
        println!("{what:12} {path}{why}");
    }
    println!("generated    {} files changed", plan.changes.len());
    if !arguments.check && plan.told.iter().any(|(_, path)| path == "README.md") {
        println!("next         cd {dir} && cargo run -p {}-app", kept.name);
        println!("next         cd {dir} && cargo test");
    }
}
