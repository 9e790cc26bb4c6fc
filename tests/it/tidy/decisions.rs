//! `docs/decisions`: one file per decision, numbered, each with what was rejected.

use super::workspace::{self, expect_none};

/// The parts of a decision, in order.
const HEADINGS: [&str; 3] = ["## Context", "## Decision", "## Rejected"];

fn decisions() -> Vec<(String, String)> {
    let all = workspace::files().into_iter();
    let paths: Vec<_> = all
        .filter(|path| path.starts_with("docs/decisions/"))
        .collect();
    assert!(!paths.is_empty(), "docs/decisions is empty");
    let text = |path: &String| workspace::text(path).expect("a decision is text");
    paths
        .into_iter()
        .map(|path| (text(&path), path))
        .map(|(text, path)| (path, text))
        .collect()
}

#[test]
fn decisions_are_numbered_without_gaps() {
    let mut wrong = Vec::new();
    for (index, (path, _)) in decisions().iter().enumerate() {
        let expected = format!("docs/decisions/{:03}-", index + 1);
        let title = path
            .strip_prefix(&expected)
            .and_then(|rest| rest.strip_suffix(".md"));
        let plain = |title: &str| {
            !title.is_empty()
                && title
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        if !title.is_some_and(plain) {
            wrong.push(format!("{path} should be {expected}title-in-lower-case.md"));
        }
    }
    expect_none(
        &wrong,
        "rename the file; two decisions never share a number",
    );
}

#[test]
fn decisions_say_what_was_rejected() {
    let mut wrong = Vec::new();
    for (path, text) in decisions() {
        let headings: Vec<_> = text
            .lines()
            .filter(|line| line.starts_with("## "))
            .collect();
        let places = HEADINGS
            .iter()
            .map(|wanted| headings.iter().position(|h| h == wanted));
        if !places.clone().all(|place| place.is_some()) || !places.is_sorted() {
            wrong.push(format!("{path} has the headings {headings:?}"));
        }
        if !text.starts_with("# ") {
            wrong.push(format!("{path} does not start with its title"));
        }
    }
    expect_none(
        &wrong,
        "write `## Context`, `## Decision` and `## Rejected`, in this order",
    );
}
