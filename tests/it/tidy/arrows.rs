//! Who may depend on whom: `schemas <- proof <- ledger <- sql <- node`, `cli` beside `node`, and
//! `tests` and `testnet` above all. Nobody depends on those two.

use std::collections::BTreeSet;

use super::rust_text::{self, words};
use super::workspace::{self, expect_none};

/// Each crate by folder, with the folders it may name in any dependency table. The last two may
/// name everything.
const ARROWS: [(&str, &[&str]); 9] = [
    ("schemas", &[]),
    ("ledger/proof", &["schemas"]),
    ("ledger", &["schemas", "ledger/proof"]),
    ("ledger/analysis", &["schemas", "ledger/proof", "ledger"]),
    ("ledger/sql", &["schemas", "ledger/proof", "ledger"]),
    (
        "node",
        &[
            "schemas",
            "ledger/proof",
            "ledger",
            "ledger/sql",
            "ledger/analysis",
        ],
    ),
    (
        "cli",
        &["schemas", "ledger/proof", "ledger", "ledger/analysis"],
    ),
    (
        "testnet",
        &[
            "schemas",
            "ledger/proof",
            "ledger",
            "ledger/sql",
            "ledger/analysis",
            "node",
            "cli",
        ],
    ),
    (
        "tests",
        &[
            "schemas",
            "ledger/proof",
            "ledger",
            "ledger/sql",
            "ledger/analysis",
            "node",
            "cli",
            "testnet",
        ],
    ),
];

#[test]
fn dependencies_follow_the_arrows() {
    let members = workspace::members();
    let mut wrong = Vec::new();
    for folder in members.values() {
        let Some((_, allowed)) = ARROWS.iter().find(|(known, _)| known == folder) else {
            wrong.push(format!("{folder} is not in the table of arrows"));
            continue;
        };
        for name in named_dependencies(&format!("{folder}/Cargo.toml")) {
            if let Some(target) = members.get(&name).filter(|target| target != &folder)
                && !allowed.contains(&target.as_str())
            {
                wrong.push(format!("{folder} depends on {target}"));
            }
        }
    }
    expect_none(
        &wrong,
        "move the code down to the crate that both may see, or, if the picture itself changes, \
         change the table in tests/it/tidy/arrows.rs and docs/architecture.md together",
    );
}

/// Names in all dependency tables of a manifest, tests and builds included.
fn named_dependencies(manifest: &str) -> BTreeSet<String> {
    let manifest = workspace::toml(manifest);
    let tables = ["dependencies", "dev-dependencies", "build-dependencies"];
    let named = tables
        .iter()
        .filter_map(|table| manifest.get(*table)?.as_table());
    named.flat_map(|table| table.keys().cloned()).collect()
}

#[test]
fn a_stranger_checks_proofs_without_the_ledger() {
    let linked = workspace::linked_into(&workspace::metadata(), "chipledger-proof");
    let heavy = [
        "rocksdb",
        "librocksdb-sys",
        "chipledger-ledger",
        "tokio",
        "rayon",
    ];
    let found: Vec<_> = heavy
        .iter()
        .filter(|name| linked.contains(**name))
        .collect();
    assert!(
        found.is_empty(),
        "ledger/proof links {found:?}. What to do: keep it to arithmetic over bytes and \
         signatures, so that anyone can build and read the verifier alone"
    );
}

#[test]
fn the_command_line_never_links_the_node() {
    let linked = workspace::linked_into(&workspace::metadata(), "chipledger-cli");
    assert!(
        !linked.contains("chipledger-node"),
        "cli links the node. What to do: talk to nodes by HTTP through cli/src/client.rs"
    );
}

#[test]
fn schemas_only_describe() {
    let linked = workspace::linked_into(&workspace::metadata(), "chipledger-schemas");
    let acting = ["tokio", "rocksdb", "rayon", "clap", "fs4"];
    let found: Vec<_> = acting
        .iter()
        .filter(|name| linked.contains(**name))
        .collect();
    assert!(
        found.is_empty(),
        "schemas links {found:?}. What to do: move what acts up a crate"
    );
}

#[test]
fn bincode_is_named_in_one_file() {
    let mut wrong = Vec::new();
    for file in rust_text::files() {
        if file.path != "schemas/src/encode.rs" {
            let found = words(&file.code, "bincode");
            wrong.extend(
                found
                    .iter()
                    .map(|offset| format!("{} names bincode", file.at(*offset))),
            );
        }
    }
    for folder in workspace::members()
        .values()
        .filter(|folder| *folder != "schemas")
    {
        if named_dependencies(&format!("{folder}/Cargo.toml")).contains("bincode") {
            wrong.push(format!("{folder}/Cargo.toml depends on bincode"));
        }
    }
    expect_none(&wrong, "call schemas/src/encode.rs instead (decision 003)");
}

#[test]
fn every_crate_forbids_unsafe_code() {
    let manifest = workspace::toml("Cargo.toml");
    let level = manifest["workspace"]["lints"]["rust"]["unsafe_code"].as_str();
    assert_eq!(
        level,
        Some("forbid"),
        "set unsafe_code = \"forbid\" in Cargo.toml"
    );
    let deaf: Vec<_> = workspace::members()
        .into_values()
        .filter(|folder| {
            let manifest = workspace::toml(&format!("{folder}/Cargo.toml"));
            let lints = manifest
                .get("lints")
                .and_then(|lints| lints.get("workspace"));
            lints.and_then(toml::Value::as_bool) != Some(true)
        })
        .map(|folder| format!("{folder}/Cargo.toml does not take the workspace's lints"))
        .collect();
    expect_none(
        &deaf,
        "add `[lints]` with `workspace = true` to the manifest",
    );
}
