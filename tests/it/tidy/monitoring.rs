//! Alert rules and the board: they name only metrics that exist, and an officer who is woken finds
//! every alert in the manual.

use std::collections::BTreeSet;

use serde_json::Value;

use super::workspace::{self, expect_none};

const RULES: &str = "docs/monitoring/alerts.yml";
const BOARD: &str = "docs/monitoring/board.json";
const MANUAL: &str = "docs/operations.md";

/// Words of expressions that are no metrics: functions, operators, labels, durations' letters.
const LANGUAGE: [&str; 17] = [
    "and",
    "or",
    "unless",
    "by",
    "on",
    "sum",
    "max",
    "min",
    "rate",
    "increase",
    "predict_linear",
    "histogram_quantile",
    "label_values",
    // Labels to sum by.
    "le",
    "instance",
    "code",
    // Made by Prometheus itself.
    "up",
];

/// Names of all samples that nodes serve, from the page that is written from a running node.
fn samples() -> BTreeSet<String> {
    let page = workspace::text("docs/metrics.md").expect("the page is text");
    let mut samples = BTreeSet::new();
    for line in page.lines() {
        let mut cells = line.split(" | ");
        let name = cells.next().and_then(|cell| cell.strip_prefix("| `"));
        let (Some(name), Some(kind)) = (name.and_then(|name| name.strip_suffix('`')), cells.next())
        else {
            continue;
        };
        let endings: &[&str] = match kind {
            "counter" => &["_total"],
            "histogram" => &["_bucket", "_sum", "_count"],
            "info" => &["_info"],
            _ => &[""],
        };
        samples.extend(endings.iter().map(|ending| format!("{name}{ending}")));
    }
    samples
}

/// The words of an expression outside label matchers and durations.
fn words(expression: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut depth = 0_u32;
    for letter in expression.chars() {
        match letter {
            '{' | '[' => depth += 1,
            '}' | ']' => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | ':' | '.' => {
                words.last_mut().expect("never empty").push(letter);
                continue;
            }
            _ => {}
        }
        words.push(String::new());
    }
    words.retain(|word| word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'));
    words
}

/// What an expression names that no node serves.
fn unknown(expression: &str, samples: &BTreeSet<String>) -> Vec<String> {
    let mut words = words(expression);
    words.retain(|word| !LANGUAGE.contains(&word.as_str()) && !samples.contains(word));
    words
}

/// Name and expression of every rule. The file keeps each on one line so that this can read it.
fn rules() -> Vec<(String, String)> {
    let text = workspace::text(RULES).expect("rules are text");
    let mut rules = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix("- alert: ") {
            rules.push((name.to_owned(), String::new()));
        } else if let Some(expression) = line.strip_prefix("expr: ") {
            let last = rules.last_mut().expect("an expression belongs to an alert");
            expression.clone_into(&mut last.1);
        }
    }
    rules
}

#[test]
fn alerts_name_only_metrics_that_nodes_serve() {
    let samples = samples();
    assert!(samples.len() > 100, "{} samples", samples.len());
    let mut wrong = Vec::new();
    for (name, expression) in rules() {
        if expression.is_empty() {
            wrong.push(format!("{name} has no expression on one line"));
        }
        let unknown = unknown(&expression, &samples);
        wrong.extend(unknown.iter().map(|word| format!("{name} names {word}")));
    }
    expect_none(
        &wrong,
        "correct the rule, or docs/metrics.md is old: write it anew",
    );
}

#[test]
fn the_board_names_only_metrics_that_nodes_serve() {
    let samples = samples();
    let text = workspace::text(BOARD).expect("the board is text");
    let board: Value = serde_json::from_str(&text).expect("the board is JSON");
    let mut wrong = Vec::new();
    for panel in board["panels"].as_array().expect("panels are a list") {
        let title = panel["title"].as_str().expect("a panel has a title");
        for target in panel["targets"].as_array().expect("targets are a list") {
            let expression = target["expr"].as_str().expect("a target has an expression");
            let unknown = unknown(expression, &samples);
            wrong.extend(unknown.iter().map(|word| format!("{title} names {word}")));
        }
    }
    expect_none(
        &wrong,
        "correct the panel, or docs/metrics.md is old: write it anew",
    );
}

#[test]
fn every_alert_has_its_section_in_the_manual_and_no_section_is_of_none() {
    let manual = workspace::text(MANUAL).expect("the manual is text");
    let sections: BTreeSet<_> = manual
        .lines()
        .skip_while(|line| *line != "## Alerts")
        .skip(1)
        .take_while(|line| !line.starts_with("## "))
        .filter_map(|line| line.strip_prefix("### "))
        .collect();
    let rules = rules();
    assert!(rules.len() > 15, "{} rules", rules.len());
    let names: BTreeSet<_> = rules.iter().map(|(name, _)| name.as_str()).collect();
    let mut wrong: Vec<_> = names
        .difference(&sections)
        .map(|name| format!("{name} has no section in {MANUAL}"))
        .collect();
    let gone = sections.difference(&names);
    wrong.extend(gone.map(|name| format!("{MANUAL} explains {name}, which is no alert")));
    expect_none(
        &wrong,
        "write what the alert means and what to do, under `## Alerts`",
    );
}

#[test]
fn an_unknown_name_is_found_wherever_it_stands() {
    let samples = BTreeSet::from(["a_total".to_owned(), "b".to_owned()]);
    let found = |text: &str| unknown(text, &samples);
    assert!(found("rate(a_total{code=\"x\"}[5m]) / b > 2e9 or sum by (le) (b) < 0.1").is_empty());
    assert_eq!(found("rate(a{x=\"b\"}[5m]) > b"), ["a"]);
    assert_eq!(found("b and deriv(b)"), ["deriv"]);
}
