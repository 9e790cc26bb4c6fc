//! A full disk: the commit fails with a clear message, and after making room the ledger goes on.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use chipledger_ledger::store::Store;

use super::{check_kept, expect_audit_passes, finish, loader, note};

/// No file may grow beyond this, in units of 1,024 bytes: what a full disk does to the log.
const LIMIT: &str = "96";

#[test]
fn a_full_disk_stops_the_ledger_with_a_message_and_loses_nothing() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path().join("ledger");
    drop(Store::create(&dir, &chipledger_ledger::fixture::genesis()).unwrap());
    // Without the signal, a write beyond the limit returns an error, as on a full disk.
    let limited = r#"trap '' XFSZ; ulimit -f "$1"; shift; exec "$@""#;
    let child = Command::new("bash")
        .args([
            "-c",
            limited,
            "limited",
            LIMIT,
            env!("CARGO_BIN_EXE_loader"),
        ])
        .arg(&dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (out, message) = finish(child);
    let mut acknowledged = BTreeSet::new();
    note(&out, &mut acknowledged);
    assert!(
        acknowledged.len() > 10,
        "{} acknowledged; {message}",
        acknowledged.len()
    );
    assert!(message.contains("the ledger has stopped"), "{message}");
    assert!(message.contains("File too large"), "{message}");

    check_kept(
        &Store::open_read_only(&dir).unwrap(),
        &acknowledged,
        "before making room",
    );
    expect_audit_passes(&dir, "before making room");
    let (out, message) = finish(loader().arg(&dir).arg("40").spawn().unwrap());
    assert!(message.is_empty(), "{message}");
    note(&out, &mut acknowledged);
    check_kept(
        &Store::open(&dir).unwrap(),
        &acknowledged,
        "after making room",
    );
    expect_audit_passes(&dir, "after making room");
}
