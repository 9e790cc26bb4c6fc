//! What is planted for the detection rules to find must not be made from the rules themselves.

use super::rust_text::{self, words};
use super::workspace::expect_none;

#[test]
fn planted_worlds_do_not_know_the_rules() {
    let mut files = rust_text::files();
    files.retain(|file| file.path.starts_with("testnet/src/world"));
    assert!(
        !files.is_empty(),
        "the world was not found; correct its path"
    );
    let mut wrong = Vec::new();
    for file in files {
        let found = words(&file.code, "chipledger_analysis");
        wrong.extend(found.iter().map(|offset| file.at(*offset)));
    }
    expect_none(
        &wrong,
        "the world may not name the crate of the rules: plant what people describe, and compare \
         in testnet/src/scorecard.rs",
    );
}
