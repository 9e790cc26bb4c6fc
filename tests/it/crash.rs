//! Crashes: wherever one strikes, the ledger stands at a committed height, has everything that was
//! acknowledged, and passes an audit.

mod disk;
mod disk_full;
mod everywhere;
mod kill;
mod recorder;
mod torn;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use chipledger_ledger::audit::{audit, check_books};
use chipledger_ledger::store::Store;
use chipledger_schemas::hash::Hash;
use chipledger_schemas::ids::TransactionId;

/// The process that commits without end.
fn loader() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loader"));
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .stdin(Stdio::null());
    command
}

/// Notes down every acknowledgement that a loader prints.
fn note(output: &str, acknowledged: &mut BTreeSet<TransactionId>) {
    // A line that the crash cut short acknowledges nothing.
    let whole = output.rsplit_once('\n').map_or("", |(whole, _)| whole);
    for line in whole.lines() {
        if let Some(id) = line.strip_prefix("final ") {
            let id: Hash = id
                .parse()
                .unwrap_or_else(|_| panic!("{line:?} holds no id"));
            acknowledged.insert(TransactionId(id));
        }
    }
}

/// Checks that everything acknowledged is there and that the books agree.
fn check_kept(store: &Store, acknowledged: &BTreeSet<TransactionId>, story: &str) {
    let view = store.view();
    for id in acknowledged {
        let spot = view.transaction_spot(id).unwrap();
        assert!(spot.is_some(), "{story}: {id} was acknowledged and is lost");
    }
    check_books(&view).unwrap_or_else(|error| panic!("{story}: {error}"));
}

fn expect_audit_passes(dir: &Path, story: &str) {
    let report = audit(dir, &mut |_| {}).unwrap();
    assert!(report.passes(), "{story}: {:?}", report.damages);
}

/// Copies a directory of plain files.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// The log that is written to now.
fn newest_log(dir: &Path) -> PathBuf {
    let entries = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let logs = entries.filter(|path| path.extension().is_some_and(|kind| kind == "log"));
    logs.max().expect("an open ledger has a log")
}

fn finish(mut child: Child) -> (String, String) {
    use std::io::Read;
    let (mut out, mut err) = (String::new(), String::new());
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut out)
        .unwrap();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut err)
        .unwrap();
    child.wait().unwrap();
    (out, err)
}
