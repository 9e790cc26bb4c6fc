//! Every crate in the lock file may be shipped under the licences that `deny.toml` allows, and
//! comes from the one registry.

use std::collections::BTreeSet;

use serde_json::Value;

use super::workspace::{self, expect_none};

fn packages() -> Vec<Value> {
    workspace::metadata()["packages"]
        .as_array()
        .expect("packages is a list")
        .clone()
}

fn allowed() -> BTreeSet<String> {
    let rules = workspace::toml("deny.toml");
    let list = rules["licenses"]["allow"]
        .as_array()
        .expect("[licenses] allow is a list");
    list.iter()
        .map(|name| name.as_str().expect("a licence").to_owned())
        .collect()
}

#[test]
fn every_crate_may_be_shipped() {
    let allowed = allowed();
    let mut wrong = Vec::new();
    for package in packages() {
        let name = package["name"].as_str().unwrap_or_default();
        match package["license"].as_str() {
            None => wrong.push(format!("{name} names no licence")),
            Some(licence) => match satisfied(licence, &allowed) {
                Ok(true) => {}
                Ok(false) => wrong.push(format!("{name} is under {licence}")),
                Err(why) => wrong.push(format!("{name}: {licence:?} cannot be read, {why}")),
            },
        }
    }
    expect_none(
        &wrong,
        "use another crate, or, if the licence lets an Apache-2.0 program be shipped, add it to \
         [licenses] allow in deny.toml",
    );
}

#[test]
fn every_crate_comes_from_the_one_registry() {
    let registries: BTreeSet<String> = packages()
        .iter()
        .filter_map(|package| Some(package["source"].as_str()?.to_owned()))
        .collect();
    let one = registries.len() <= 1 && registries.iter().all(|from| !from.starts_with("git+"));
    assert!(
        one,
        "crates come from {registries:?}. What to do: depend on published versions only"
    );
}

#[test]
fn every_advisory_exception_has_a_reason() {
    let rules = workspace::toml("deny.toml");
    let exceptions = rules["advisories"]["ignore"]
        .as_array()
        .expect("ignore is a list");
    for exception in exceptions {
        let reason = exception
            .get("reason")
            .and_then(toml::Value::as_str)
            .unwrap_or_default();
        assert!(
            reason.len() > 40,
            "{exception} needs a reason: why its risk is not ours"
        );
    }
}

/// Whether the allowed licences satisfy an SPDX expression. `/` is the old way to write `OR`.
fn satisfied(expression: &str, allowed: &BTreeSet<String>) -> Result<bool, String> {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader {
        words: &words,
        allowed,
    };
    let answer = reader.any()?;
    match reader.words {
        [] => Ok(answer),
        [word, ..] => Err(format!("{word:?} is unexpected")),
    }
}

/// Reads an expression from its words: `any = all (OR all)*`, `all = one (AND one)*`.
struct Reader<'a> {
    words: &'a [&'a str],
    allowed: &'a BTreeSet<String>,
}

impl Reader<'_> {
    fn take(&mut self, word: &str) -> bool {
        let found = self.words.first() == Some(&word);
        if found {
            self.words = &self.words[1..];
        }
        found
    }

    fn any(&mut self) -> Result<bool, String> {
        let mut answer = self.all()?;
        while self.take("OR") {
            answer |= self.all()?;
        }
        Ok(answer)
    }

    fn all(&mut self) -> Result<bool, String> {
        let mut answer = self.one()?;
        while self.take("AND") {
            answer &= self.one()?;
        }
        Ok(answer)
    }

    fn one(&mut self) -> Result<bool, String> {
        if self.take("(") {
            let answer = self.any()?;
            return if self.take(")") {
                Ok(answer)
            } else {
                Err("a `)` is missing".to_owned())
            };
        }
        let (name, rest) = self.words.split_first().ok_or("a licence is missing")?;
        if ["OR", "AND", "WITH", ")"].contains(name) {
            return Err(format!("{name:?} stands where a licence should"));
        }
        self.words = rest;
        if !self.take("WITH") {
            return Ok(self.allowed.contains(*name));
        }
        let (exception, rest) = self.words.split_first().ok_or("an exception is missing")?;
        self.words = rest;
        Ok(self.allowed.contains(&format!("{name} WITH {exception}")))
    }
}

#[test]
fn licence_expressions_are_read_as_spdx_means_them() {
    let allowed: BTreeSet<String> = ["MIT", "Unicode-3.0"].map(str::to_owned).into();
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-3.0-only", false),
        ("GPL-3.0-only OR MIT", true),
        ("Apache-2.0/MIT", true),
        ("MIT AND GPL-3.0-only", false),
        ("(GPL-3.0-only OR MIT) AND Unicode-3.0", true),
        ("GPL-3.0-only AND Unicode-3.0 OR MIT", true),
        ("GPL-3.0-only AND (Unicode-3.0 OR MIT)", false),
        ("MIT WITH LLVM-exception", false),
    ] {
        assert_eq!(
            satisfied(expression, &allowed),
            Ok(expected),
            "{expression}"
        );
    }
    for malformed in ["", "MIT OR", "(MIT", "MIT MIT", "AND MIT", "MIT)"] {
        assert!(satisfied(malformed, &allowed).is_err(), "{malformed}");
    }
}
