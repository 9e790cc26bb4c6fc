//! The rulebook says what the rules do, and `docs/records.md` says what the rulebook says.
//!
//! `CHIPLEDGER_WRITE_DOCS=1 cargo test -p chipledger-ledger --test rulebook` writes both again.

use std::fmt::Write;
use std::path::Path;

use chipledger_ledger::rejection::Code;
use chipledger_ledger::rulebook::{self, ENVELOPE};
use chipledger_schemas::examples;
use chipledger_schemas::records::Kind;

mod calls;
mod tokens;

use calls::Sources;

fn ledger() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Codes of a kind, from the sources of its rule.
fn read(sources: &Sources, kind: Kind) -> Vec<Code> {
    let mut codes = Vec::new();
    // The dispatch checks the time of an event before it calls the rule.
    if examples::of(kind)[0].occurred_at().is_some() {
        codes.push(Code::InFuture);
    }
    for code in sources.codes(&format!("{kind}::run")) {
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    codes
}

/// Compares a generated file with what it should be, or writes it.
fn assert_generated(path: &Path, text: &str) {
    if std::env::var("CHIPLEDGER_WRITE_DOCS").is_ok_and(|value| value == "1") {
        std::fs::write(path, text).expect("the file is writable");
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    assert!(
        found == text,
        "{name} is not that of the code; write it with CHIPLEDGER_WRITE_DOCS=1"
    );
}

fn codes_file(sources: &Sources) -> String {
    let mut text = "//! Codes that each kind can give. Read from the rules' sources by the test `rulebook`; do not edit.\n\n\
        use chipledger_schemas::records::Kind;\n\n\
        use crate::rejection::Code;\n\n\
        /// Codes that a kind can give, in the order in which its rule checks.\n\
        #[rustfmt::skip]\n\
        #[allow(clippy::too_many_lines, clippy::match_same_arms, reason = \"a table, one row per kind\")]\n\
        pub const fn of(kind: Kind) -> &'static [Code] {\n    match kind {\n"
        .to_owned();
    for kind in Kind::ALL {
        let _ = writeln!(text, "        Kind::{kind:?} => &[");
        let mut line = String::new();
        for code in read(sources, *kind) {
            let next = format!("Code::{code:?},");
            if line.len() + next.len() > 84 {
                let _ = writeln!(text, "            {line}");
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&next);
        }
        if !line.is_empty() {
            let _ = writeln!(text, "            {line}");
        }
        text.push_str("        ],\n");
    }
    text.push_str("    }\n}\n");
    text
}

#[test]
fn every_kind_has_a_rule_in_order_and_no_cell_is_empty() {
    let kinds: Vec<Kind> = rulebook::rules().map(|rule| rule.kind).collect();
    assert_eq!(kinds, Kind::ALL);
    for rule in rulebook::rules() {
        for (name, cell) in rule.cells() {
            assert!(!cell.trim().is_empty(), "{}: {name}", rule.kind);
            assert!(!cell.contains(['|', '\n']), "{}: {name}", rule.kind);
        }
    }
}

#[test]
fn the_codes_of_a_kind_are_those_that_its_sources_can_give() {
    let sources = Sources::read(ledger());
    assert_generated(
        &ledger().join("src/rulebook/codes.rs"),
        &codes_file(&sources),
    );
}

#[test]
fn the_page_is_that_of_the_code() {
    let sources = Sources::read(ledger());
    let page = rulebook::page(&|kind| read(&sources, kind));
    assert_generated(&ledger().join("../docs/records.md"), &page);
}

#[test]
fn what_every_transaction_can_be_rejected_with_is_read_from_the_envelopes_checks() {
    let sources = Sources::read(ledger());
    let mut codes = sources.codes("verify::verify");
    codes.extend(sources.codes("execute::check_window"));
    codes.push(Code::DuplicateTransaction);
    codes.extend(sources.codes("execute::signers"));
    codes.push(Code::ExecutionFailed);
    assert_eq!(ENVELOPE, codes);
}

#[test]
fn every_code_is_given_by_some_kind_or_to_every_transaction() {
    let sources = Sources::read(ledger());
    let given: Vec<Code> = Kind::ALL
        .iter()
        .flat_map(|kind| read(&sources, *kind))
        .chain(ENVELOPE.iter().copied())
        .collect();
    let idle: Vec<_> = Code::ALL.iter().filter(|c| !given.contains(c)).collect();
    assert!(idle.is_empty(), "no rule gives {idle:?}");
}

#[test]
fn every_kind_is_executed_by_a_file_of_its_name() {
    let sources = Sources::read(ledger());
    for kind in Kind::ALL {
        assert!(sources.has(&format!("{kind}::run")), "{kind} has no rule");
    }
}
