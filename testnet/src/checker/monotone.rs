//! A node's height never falls, unless its data was wiped.
//!
//! Source: a height counts once it is synced to disk (design, section 7), so a crash cannot take
//! it back.

use std::collections::HashMap;

use super::Run;

/// Heights that fell.
pub fn check(run: &Run) -> Vec<String> {
    let mut last = HashMap::new();
    let mut wrong = Vec::new();
    for seen in &run.seen {
        let before = last.insert((seen.node, seen.life), seen.height);
        if let Some(before) = before.filter(|before| *before > seen.height) {
            let (node, height) = (seen.node, seen.height);
            wrong.push(format!(
                "node{node} was at height {before}, then at {height}"
            ));
        }
    }
    wrong
}
