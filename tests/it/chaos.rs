//! Networks of real processes under faults, in the short form: the long one is
//! `chipledger-testnet chaos --minutes 30`.

use std::path::Path;
use std::process::{Command, Output};

/// A run of chaos by the program of this build; its folder goes with the test. One run at a time: a
/// network beside another would be slow for reasons that are not its own.
fn chaos(arguments: &[&str]) -> Output {
    let turn = std::fs::File::create(Path::new(env!("CARGO_TARGET_TMPDIR")).join("chaos.turn"));
    let turn = turn.unwrap();
    turn.lock().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_loader")).with_file_name("chipledger-testnet");
    assert!(
        program.is_file(),
        "build the programs first: cargo build --release --workspace --bins"
    );
    let mut command = Command::new(program);
    command
        .arg("chaos")
        .args(arguments)
        .arg("--dir")
        .arg(dir.path().join("network"));
    command.output().unwrap()
}

fn text(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!(
        "{}{}",
        String::from_utf8_lossy(out),
        String::from_utf8_lossy(err)
    )
}

#[test]
fn four_validators_with_a_traitor_stay_one_ledger() {
    let output = chaos(&["--seed", "2", "--validators", "4", "--seconds", "60"]);
    assert!(output.status.success(), "{}", text(&output));
}

#[test]
fn four_validators_that_lose_their_data_stay_one_ledger() {
    let output = chaos(&["--seed", "1", "--validators", "4", "--seconds", "60"]);
    assert!(output.status.success(), "{}", text(&output));
}

/// Broken builds fail, and for the reason that they were broken for.
fn expect_violation(broken: &str, property: &str) {
    let arguments = [
        "--seed",
        "1",
        "--validators",
        "4",
        "--seconds",
        "40",
        "--break",
        broken,
    ];
    let output = chaos(&arguments);
    let told = text(&output);
    assert!(!output.status.success(), "{broken} went unnoticed: {told}");
    assert!(
        told.contains(&format!("VIOLATION {property}")),
        "{broken}: {told}"
    );
}

#[test]
fn a_validator_that_executes_differently_is_noticed() {
    expect_violation("execution", "progress");
}

#[test]
fn nodes_that_forget_what_they_have_seen_are_noticed() {
    expect_violation("seen", "once");
}

#[test]
fn an_honest_validator_without_its_guard_is_noticed() {
    expect_violation("guard", "blame");
}
