//! The short form of `chipledger-testnet chaos`, and builds that are broken on purpose, which the
//! checker must notice.

use std::time::Duration;

use chipledger_testnet::chaos::{Broken, ChaosConfig, Report, run};

fn chaos(seed: u64, seconds: u64, broken: Option<Broken>) -> Report {
    let _alone = crate::support::alone();
    let dir = tempfile::tempdir().unwrap();
    let config = ChaosConfig {
        seed,
        lasts: Duration::from_secs(seconds),
        validators: 4,
        dir: dir.path().join("network"),
        broken,
    };
    run(&config, |line| eprintln!("{line}")).unwrap()
}

/// Seeds with an even number have a traitor, those with an odd one honest nodes that forget.
#[test]
fn a_traitor_a_stranger_and_every_kind_of_fault_break_no_promise() {
    let report = chaos(2, 45, None);
    assert_eq!(report.violations, Vec::<String>::new());
    assert!(report.acknowledged > 50, "{report:?}");
    assert!(report.attacks > 0, "{report:?}");
}

#[test]
fn nodes_that_lose_what_they_had_break_no_promise() {
    let report = chaos(3, 45, None);
    assert_eq!(report.violations, Vec::<String>::new());
    assert!(report.acknowledged > 50, "{report:?}");
}

fn assert_noticed(broken: Broken, property: &str) {
    let report = chaos(5, 25, Some(broken));
    let named = |violation: &&String| violation.starts_with(property);
    assert!(
        report.violations.iter().any(|violation| named(&violation)),
        "{broken:?} must contradict {property}: {report:?}"
    );
}

#[test]
fn a_validator_without_its_guard_is_convicted() {
    assert_noticed(Broken::Guard, "blame");
}

#[test]
fn nodes_that_forget_what_they_have_seen_are_convicted() {
    assert_noticed(Broken::Seen, "once");
}

#[test]
fn a_validator_that_executes_differently_is_convicted() {
    assert_noticed(Broken::Execution, "progress");
}
