//! What every file looks like: names, line length, no unfinished work, nothing that ties the
//! project to one machine.

use super::rust_text::{self, has_extension, words};
use super::workspace::{self, expect_none};

/// The longest line of a Rust file, in characters: `max_width` of `rustfmt.toml`.
const LINE_CHARS_MAX: usize = 100;

/// Most characters of a line that holds a string.
const STRING_CHARS_MAX: usize = 140;

#[test]
fn files_are_named_after_a_noun() {
    let drawers = [
        "mod.rs",
        "utils.rs",
        "util.rs",
        "helpers.rs",
        "common.rs",
        "misc.rs",
    ];
    let wrong: Vec<_> = workspace::files()
        .into_iter()
        .filter(|path| drawers.contains(&path.rsplit('/').next().unwrap_or_default()))
        .collect();
    expect_none(
        &wrong,
        "name the noun the code is about: foo.rs and foo/, never mod.rs or utils.rs",
    );
}

#[test]
fn no_test_is_ignored() {
    let mut wrong = Vec::new();
    for file in rust_text::files() {
        let found = file.code.match_indices("#[ignore");
        wrong.extend(found.map(|(offset, _)| format!("{} is ignored", file.at(offset))));
    }
    expect_none(
        &wrong,
        "assert today's behaviour and say why it is wrong, or delete the test",
    );
}

#[test]
fn nothing_is_left_unfinished() {
    let mut wrong = Vec::new();
    for file in rust_text::files() {
        for word in ["todo!", "unimplemented!", "dbg!"] {
            let found = words(&file.code, word);
            wrong.extend(
                found
                    .iter()
                    .map(|offset| format!("{} says {word}", file.at(*offset))),
            );
        }
    }
    expect_none(&wrong, "finish it, or return an error that says what to do");
}

#[test]
fn shipped_code_does_not_unwrap() {
    let mut wrong = Vec::new();
    for file in rust_text::files() {
        let found = words(&file.shipped, ".unwrap()");
        wrong.extend(
            found
                .iter()
                .map(|offset| format!("{} unwraps", file.at(*offset))),
        );
    }
    expect_none(
        &wrong,
        "return an error, or `expect` with the invariant that makes it impossible; input from \
         outside must never panic",
    );
}

#[test]
fn lines_fit_the_page() {
    let mut wrong = Vec::new();
    for file in rust_text::files() {
        for (number, line) in file.text.lines().enumerate() {
            let length = line.chars().count();
            // Code is rustfmt's business; what it leaves alone in code is a string, found
            // whole when somebody searches for it.
            let comment = line.trim_start().starts_with("//");
            let max = if comment {
                LINE_CHARS_MAX
            } else {
                STRING_CHARS_MAX
            };
            if length > max {
                wrong.push(format!(
                    "{}:{} has {length} characters",
                    file.path,
                    number + 1
                ));
            }
        }
    }
    expect_none(
        &wrong,
        "break the line at 100 characters; rustfmt leaves comments and strings alone",
    );
}

#[test]
fn nothing_names_one_machine() {
    // Put together here, so that this file does not find itself.
    let places = [
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("/ho", "me/"),
    ];
    let mut wrong = Vec::new();
    for path in workspace::files() {
        let Some(text) = workspace::text(&path) else {
            continue;
        };
        for (number, line) in text.lines().enumerate() {
            if places.iter().any(|place| names_place(line, place)) {
                wrong.push(format!(
                    "{path}:{} names a folder of one machine",
                    number + 1
                ));
            }
            if line.contains(concat!("../sh", "ared")) {
                wrong.push(format!("{path}:{} reads outside the checkout", number + 1));
            }
        }
    }
    expect_none(
        &wrong,
        "use a path relative to the checkout, or carry the facts in with credit",
    );
}

/// Whether an absolute path starts with `place`: a part of a longer path or address does not count.
fn names_place(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(offset, _)| {
        let before = line[..offset].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "._-~*})".contains(c))
    })
}

#[test]
fn commands_can_be_run_as_they_are() {
    let mut wrong = Vec::new();
    for path in [".ci/run", "tests/run", "testnet/up"] {
        let text = workspace::text(path).expect("scripts are text");
        if !text.starts_with("#!/usr/bin/env bash\n") {
            wrong.push(format!("{path} does not start with #!/usr/bin/env bash"));
        }
        if !text.contains("\nset -euo pipefail\n") {
            wrong.push(format!(
                "{path} does not stop at the first failure (set -euo pipefail)"
            ));
        }
        if !is_executable(path) {
            wrong.push(format!(
                "{path} is not executable (chmod +x, git update-index --chmod=+x)"
            ));
        }
    }
    expect_none(&wrong, "correct the script");
}

#[cfg(unix)]
fn is_executable(path: &str) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let found = std::fs::metadata(workspace::root().join(path)).expect("the script exists");
    found.permissions().mode() & 0o111 == 0o111
}

#[cfg(not(unix))]
fn is_executable(_: &str) -> bool {
    true
}

#[test]
fn text_files_end_their_last_line() {
    let kinds = ["rs", "md", "toml", "sh"];
    let wrong: Vec<_> = workspace::files()
        .into_iter()
        .filter(|path| kinds.iter().any(|kind| has_extension(path, kind)))
        .filter(|path| workspace::text(path).is_some_and(|text| !text.ends_with('\n')))
        .collect();
    expect_none(&wrong, "end the file with one newline");
}
