//! The crates that decide have no clock, randomness, floats, iteration order, threads or async:
//! two peers that execute the same block must end with the same root, on any machine, for ever.
//!
//! A file that needs such a word says so in a comment of its own,
//! `// tidy: allow(HashMap) looked up by key, never iterated`, one word a line, with a reason that
//! a reviewer can judge.

use super::rust_text::{self, RustFile, words};
use super::workspace::expect_none;

/// The sources in which nothing may depend on when, where or in which order it runs.
const DECIDING: [&str; 3] = ["ledger/src/", "ledger/proof/src/", "schemas/src/"];

/// Words that bring in what must stay out. Paths are given as they are written.
const FORBIDDEN: [&str; 16] = [
    "HashMap",
    "HashSet",
    "std::time",
    "Instant::now",
    "SystemTime",
    "Timestamp::now",
    "Zoned::now",
    "f32",
    "f64",
    "rand",
    "rand_core",
    "getrandom",
    "thread",
    "thread_local",
    "tokio",
    "async",
];

/// Whole files or folders that are outside the rule, each with its reason.
const OUTSIDE: [(&str, &[&str], &str); 5] = [
    (
        "ledger/src/store.rs",
        &["std::time", "thread"],
        "the one place that acts on the disk",
    ),
    (
        "ledger/src/store/",
        &["std::time", "thread"],
        "the one place that acts on the disk",
    ),
    (
        "ledger/src/solo.rs",
        &["std::time", "SystemTime", "Instant::now", "thread"],
        "the one local validator owns the clock that proposes block times, and a thread",
    ),
    (
        "schemas/src/keys.rs",
        &["getrandom", "rand_core"],
        "a new secret key is random",
    ),
    (
        "schemas/src/sealed.rs",
        &["getrandom", "rand_core"],
        "salts and encryption are random",
    ),
];

#[test]
fn deciding_code_has_no_clock_chance_float_or_order() {
    let mut wrong = Vec::new();
    for file in deciding_files() {
        for word in FORBIDDEN {
            if is_outside(&file.path, word) || is_allowed(&file.text, word) {
                continue;
            }
            let found = words(&file.shipped, word);
            wrong.extend(
                found
                    .iter()
                    .map(|offset| format!("{} uses {word}", file.at(*offset))),
            );
        }
    }
    expect_none(
        &wrong,
        "use BTreeMap or sorted vectors, integers in fixed units, and the block's own time; what \
         must act on the world belongs to store.rs, solo.rs or a crate above. If the word is \
         harmless here, say why: `// tidy: allow(WORD) reason`",
    );
}

#[test]
fn every_exception_gives_a_reason_and_is_needed() {
    let mut wrong = Vec::new();
    for file in deciding_files() {
        for (word, reason) in exceptions(&file.text) {
            if !FORBIDDEN.contains(&word) {
                wrong.push(format!(
                    "{} allows {word}, which nothing forbids",
                    file.path
                ));
            } else if words(&file.shipped, word).is_empty() {
                wrong.push(format!("{} allows {word} and does not use it", file.path));
            } else if reason.len() < 12 {
                wrong.push(format!("{} allows {word} without saying why", file.path));
            }
        }
    }
    expect_none(&wrong, "delete the exception, or write its reason after it");
}

fn deciding_files() -> Vec<RustFile> {
    let mut files = rust_text::files();
    files.retain(|file| DECIDING.iter().any(|folder| file.path.starts_with(folder)));
    assert!(
        !files.is_empty(),
        "the deciding crates were not found; correct DECIDING"
    );
    files
}

fn is_outside(path: &str, word: &str) -> bool {
    OUTSIDE.iter().any(|(place, words, _)| {
        let here = path == *place || (place.ends_with('/') && path.starts_with(place));
        here && words.contains(&word)
    })
}

fn is_allowed(text: &str, word: &str) -> bool {
    exceptions(text).any(|(allowed, _)| allowed == word)
}

/// The words that a file allows itself, with the reasons given.
fn exceptions(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| {
        let (word, reason) = line
            .trim()
            .strip_prefix("// tidy: allow(")?
            .split_once(')')?;
        Some((word, reason.trim()))
    })
}
