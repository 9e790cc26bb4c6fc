//! The checkout as the tidy tests see it: its files, its manifests, its dependency graph.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Folders that are made by tools and never checked in.
const NOT_OURS: [&str; 3] = ["target", "node_modules", "dist"];

/// The top of the checkout.
pub(super) fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests
        .parent()
        .expect("the tests crate lies in the checkout")
        .to_path_buf()
}

/// Every file of the project, as a path from the root with `/`, sorted.
pub(super) fn files() -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting = vec![String::new()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(root().join(&folder)).expect("a folder of the checkout opens") {
            let entry = entry.expect("an entry of the checkout can be read");
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if folder.is_empty() {
                name.clone()
            } else {
                format!("{folder}/{name}")
            };
            let hidden = name.starts_with('.') && name != ".ci" && name != ".config";
            match entry.file_type().expect("an entry has a type") {
                kind if kind.is_dir() && !hidden && !NOT_OURS.contains(&name.as_str()) => {
                    waiting.push(path);
                }
                // In a linked work tree `.git` is a file.
                kind if kind.is_file() && name != ".git" => found.push(path),
                _ => {}
            }
        }
    }
    found.sort();
    found
}

/// The text of a file, or nothing if it is not UTF-8.
pub(super) fn text(path: &str) -> Option<String> {
    let bytes = fs::read(root().join(path)).expect("a file of the checkout can be read");
    String::from_utf8(bytes).ok()
}

/// A TOML file of the checkout.
pub(super) fn toml(path: &str) -> toml::Table {
    let text = text(path).expect("TOML is UTF-8");
    text.parse()
        .unwrap_or_else(|error| panic!("{path} is not TOML: {error}"))
}

/// The members of the workspace: package name to folder.
pub(super) fn members() -> BTreeMap<String, String> {
    let manifest = toml("Cargo.toml");
    let members = manifest["workspace"]["members"]
        .as_array()
        .expect("members is a list");
    let folders = members
        .iter()
        .map(|member| member.as_str().expect("a folder").to_owned());
    folders
        .map(|folder| {
            let manifest = toml(&format!("{folder}/Cargo.toml"));
            let name = manifest["package"]["name"]
                .as_str()
                .expect("a package has a name");
            (name.to_owned(), folder)
        })
        .collect()
}

/// What Cargo knows of every crate in the lock file, for all platforms, without the network.
pub(super) fn metadata() -> Value {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--offline", "--locked", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo starts");
    assert!(
        output.status.success(),
        "cargo metadata failed; run `cargo fetch --locked` once, which also brings the crates of \
         other platforms. It said:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON")
}

/// Names of all crates that are linked into `package`, itself excluded: normal and build
/// dependencies, followed to the end. Development dependencies do not ship.
pub(super) fn linked_into(metadata: &Value, package: &str) -> BTreeSet<String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().expect("a string").to_owned();
    let mut names = BTreeMap::new();
    for package in list(&metadata["packages"]) {
        names.insert(text(&package["id"]), text(&package["name"]));
    }
    let mut links: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for node in list(&metadata["resolve"]["nodes"]) {
        let shipped = list(&node["deps"]).into_iter().filter(|dependency| {
            list(&dependency["dep_kinds"])
                .iter()
                .any(|kind| kind["kind"] != "dev")
        });
        links.insert(
            text(&node["id"]),
            shipped.map(|found| text(&found["pkg"])).collect(),
        );
    }
    let start = names
        .iter()
        .find(|(_, name)| *name == package)
        .map(|(id, _)| id.clone());
    let mut waiting = vec![start.unwrap_or_else(|| panic!("no crate is called {package}"))];
    let mut seen = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        for next in &links[&id] {
            if seen.insert(next.clone()) {
                waiting.push(next.clone());
            }
        }
    }
    seen.iter().map(|id| names[id].clone()).collect()
}

/// Fails with one line per finding and the remedy.
pub(super) fn expect_none(findings: &[String], remedy: &str) {
    assert!(
        findings.is_empty(),
        "\n{}\nWhat to do: {remedy}\n",
        findings.join("\n")
    );
}
