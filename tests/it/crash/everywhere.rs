//! A crash after every call that writes, syncs, creates, renames or deletes a file: of commits,
//! with the flushes, merges and lists of files that RocksDB adds to them; of recovery; of a backup,
//! a restore and an import. Each run is recorded once, and what a crash leaves is made from the
//! record: what a killed process leaves, and what is left when the power fails.
//!
//! The short form judges every state that differs from the ones before, and audits some. The long
//! form loads more, draws more losses and audits all: `CHIPLEDGER_CRASHES=all tests/run crash::`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use chipledger_ledger::store::{Backup, Store, StoreError};
use chipledger_schemas::hash::{FILE, Hash};
use chipledger_schemas::ids::{Height, TransactionId};

use super::disk::{Disk, Effect, Image, Loss, write_image};
use super::recorder::{Call, check_permitted, record};
use super::{check_kept, expect_audit_passes, kill};

/// Threads that judge.
const JUDGES: usize = 2;

/// How much is tried.
struct Form {
    transactions: u32,
    /// Draws of a partial loss after each call.
    draws: u64,
    /// One state of so many is audited.
    audit_every: usize,
}

impl Form {
    fn of_environment() -> Self {
        match std::env::var("CHIPLEDGER_CRASHES").as_deref() {
            Ok("all") => Self {
                transactions: 240,
                draws: 6,
                audit_every: 1,
            },
            _ => Self {
                transactions: 48,
                draws: 1,
                audit_every: 24,
            },
        }
    }
}

/// What a run of a program promised: a line of its output, and whether a directory keeps it.
type Keeps = fn(&Path, &[String], bool) -> Vec<bool>;

/// A state that a crash leaves, and how many of the promises it has to keep.
struct State {
    image: Image,
    story: String,
    promised: usize,
}

/// A run of a program over a directory, call by call.
struct Run {
    before: Disk,
    calls: Vec<Call>,
    /// Lines that were promised before, then those of this run.
    promises: Vec<String>,
    promised_before: usize,
}

impl Run {
    fn record(root: &Path, arguments: &[&str], promised: &[String]) -> Self {
        let before = Disk::load(root);
        let mut program = Command::new(env!("CARGO_BIN_EXE_loader"));
        program.args(
            arguments
                .iter()
                .map(|word| match word.strip_prefix("root/") {
                    Some(below) => root.join(below).into_os_string(),
                    None => (*word).into(),
                }),
        );
        let calls = record(&mut program, &root.with_extension("strace"));
        let mut disk = before.clone();
        let mut said = String::new();
        for call in &calls {
            if let Effect::Said(text) = disk.apply(call) {
                said.push_str(&text);
            }
        }
        let image = disk.image(Loss::Nothing);
        assert!(
            image == Disk::load(root).image(Loss::Nothing),
            "the record is not the whole run"
        );
        let mut promises = promised.to_vec();
        promises.extend(said.lines().map(str::to_owned));
        Self {
            before,
            calls,
            promises,
            promised_before: promised.len(),
        }
    }

    /// Every state that a crash leaves, each once, with the most that was promised in it.
    fn states(&self, form: &Form) -> Vec<State> {
        let mut states = States::default();
        let (mut disk, mut said) = (self.before.clone(), String::new());
        for (number, call) in self.calls.iter().enumerate() {
            let promised = self.promised_before + said.matches('\n').count();
            if let Some(half) = disk
                .torn(call)
                .filter(|half| !is_diary(name_of(&path(half))))
            {
                let mut torn = disk.clone();
                torn.apply(&half);
                let story = format!("call {number}, half of {} of {}", call.name, path(call));
                states.add(torn.image(Loss::Nothing), story, promised);
            }
            let what = match disk.apply(call) {
                Effect::None => continue,
                Effect::Said(text) => {
                    said.push_str(&text);
                    "a promise".to_owned()
                }
                Effect::Changed(path) if is_diary(name_of(&path)) => continue,
                Effect::Changed(path) => path,
            };
            let promised = self.promised_before + said.matches('\n').count();
            let draws = (0..form.draws).map(|draw| Loss::Some(number as u64 * 64 + draw));
            let losses = [Loss::Nothing, Loss::Unsynced, Loss::Bytes, Loss::Names];
            for loss in losses.into_iter().chain(draws) {
                let story = format!("call {number}, {} of {what}, loses {loss:?}", call.name);
                states.add(disk.image(loss), story, promised);
            }
        }
        states.list
    }

    /// Checks every state: what was promised before the crash is kept.
    fn judge(&self, name: &str, form: &Form, keeps: Keeps) {
        let states = self.states(form);
        let syncs = self
            .calls
            .iter()
            .filter(|call| call.name.ends_with("sync"))
            .count();
        println!(
            "{name}: {} calls, {syncs} syncs, {} states",
            self.calls.len(),
            states.len()
        );
        let next = AtomicUsize::new(0);
        let scratch = scratch();
        std::thread::scope(|scope| {
            for judge in 0..JUDGES {
                let (next, states, dir) = (&next, &states, scratch.path().join(judge.to_string()));
                scope.spawn(move || {
                    while let Some((number, state)) = take(next, states) {
                        write_image(&state.image, &dir);
                        println!("{name}, {}", state.story);
                        let kept = keeps(&dir, &self.promises, number % form.audit_every == 0);
                        let lost = (0..state.promised).find(|promise| !kept[*promise]);
                        if let Some(lost) = lost {
                            let lost = &self.promises[lost];
                            panic!("{name}, {}: {lost:?} was promised and is lost", state.story);
                        }
                    }
                });
            }
        });
    }
}

fn take<'s>(next: &AtomicUsize, states: &'s [State]) -> Option<(usize, &'s State)> {
    let number = next.fetch_add(1, Ordering::Relaxed);
    states.get(number).map(|state| (number, state))
}

fn path(call: &Call) -> String {
    super::recorder::descriptor(&call.arguments[0]).1
}

#[derive(Default)]
struct States {
    list: Vec<State>,
    seen: HashMap<Hash, usize>,
}

impl States {
    fn add(&mut self, mut image: Image, story: String, promised: usize) {
        // What says nothing about the ledger makes no difference.
        image.retain(|path, content| content.is_none() || !is_diary(name_of(path)));
        let mut bytes = Vec::new();
        for (path, content) in &image {
            bytes.extend(path.as_bytes());
            bytes.extend(
                content
                    .as_ref()
                    .map_or(u64::MAX, |c| c.len() as u64)
                    .to_le_bytes(),
            );
            bytes.extend(content.iter().flat_map(|content| content.iter()));
        }
        let number = *self.seen.entry(FILE.hash(&bytes)).or_insert_with(|| {
            self.list.push(State {
                image,
                story,
                promised,
            });
            self.list.len() - 1
        });
        let state = &mut self.list[number];
        state.promised = state.promised.max(promised);
    }
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// RocksDB's account of itself, and its lock.
fn is_diary(name: &str) -> bool {
    name == "LOG" || name.starts_with("LOG.old") || name == "LOCK"
}

/// A directory where syncs cost nothing, if there is one.
fn scratch() -> tempfile::TempDir {
    let memory = tempfile::tempdir_in("/dev/shm");
    memory.or_else(|_| tempfile::tempdir()).unwrap()
}

/// An empty directory to run programs over.
fn root() -> (tempfile::TempDir, PathBuf) {
    let scratch = scratch();
    let root = scratch.path().join("root");
    std::fs::create_dir(&root).unwrap();
    (scratch, root.canonicalize().unwrap())
}

/// Opens what a crash left for reading. A manifest whose end reads as zeros is refused with what to
/// do, and here that is done.
fn open_as_told(dir: &Path) -> Result<Store, StoreError> {
    let what = match Store::open_read_only(dir) {
        Err(StoreError::Damaged { what }) if what.contains("truncate -s") => what,
        opened => return opened,
    };
    let (manifest, _) = what.split_once(' ').unwrap();
    let (_, size) = what.split_once("truncate -s ").unwrap();
    let (size, _) = size.split_once('`').unwrap();
    assert!(manifest.starts_with("MANIFEST-"), "{what}");
    let path = dir.join(manifest);
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_len(size.parse().unwrap()).unwrap();
    Store::open_read_only(dir)
}

/// Which promises of a loader the ledger in `dir/data/ledger` keeps.
fn ledger_keeps(dir: &Path, promises: &[String], audits: bool) -> Vec<bool> {
    let dir = dir.join("data/ledger");
    let store = match open_as_told(&dir) {
        Ok(store) => store,
        Err(StoreError::NoLedger { .. }) => return vec![false; promises.len()],
        Err(error) => panic!("a crash is taken for something else: {error}"),
    };
    let head = store.head();
    let view = store.view();
    let keeps = |promise: &String| {
        if let Some(height) = promise.strip_prefix("height ") {
            return head.header.height >= Height(height.parse().unwrap());
        }
        let id = promise.strip_prefix("final ").expect("a promise");
        let id = TransactionId(id.parse().unwrap());
        view.transaction_spot(&id).unwrap().is_some()
    };
    let kept = promises.iter().map(keeps).collect();
    drop(view);
    check_kept(&store, &std::collections::BTreeSet::new(), "for reading");
    drop(store);
    let store = Store::open_tiny(&dir).unwrap();
    assert_eq!(store.head(), head, "opened for writing");
    drop(store);
    if audits {
        expect_audit_passes(&dir, "recovered");
    }
    kept
}

/// The ledger that a backup was made of is untouched, and a backup is whole or not there.
fn backup_keeps(dir: &Path, promises: &[String], audits: bool) -> Vec<bool> {
    let head = open_as_told(&dir.join("ledger")).unwrap().head();
    let backup = dir.join("backups/today");
    if !backup.exists() {
        return vec![false; promises.len()];
    }
    let listed = Backup::verify(&backup).unwrap();
    assert_eq!(
        (listed.height, listed.block),
        (head.header.height, head.hash())
    );
    if audits {
        expect_audit_passes(&backup, "backed up");
    }
    vec![true; promises.len()]
}

/// A ledger restored or imported into `dir/data/new` is whole or not there.
fn new_keeps(dir: &Path, promises: &[String], _audits: bool) -> Vec<bool> {
    let new = dir.join("data/new");
    if !new.exists() {
        return vec![false; promises.len()];
    }
    let head = Store::open_read_only(&new).unwrap().head();
    let store = Store::open(&new).unwrap();
    assert_eq!(store.head(), head);
    assert!(head.header.height > Height(0));
    vec![true; promises.len()]
}

#[test]
fn a_crash_after_any_call_of_commits_and_of_recovery_loses_nothing_acknowledged() {
    if let Err(why) = check_permitted() {
        println!("{why}; so processes are killed at random moments instead");
        return kill::kill_often(60, &["tiny"]);
    }
    let form = Form::of_environment();
    let (_scratch, root) = root();
    let count = form.transactions.to_string();
    let load = Run::record(&root, &["tiny", "root/data/ledger", &count], &[]);
    load.judge("commits", &form, ledger_keeps);

    // What a killed process left is recovered, and crashes again meanwhile.
    for (share, loss) in [(3, Loss::Nothing), (2, Loss::Unsynced)] {
        let mut disk = load.before.clone();
        let mut said = String::new();
        for call in &load.calls[..load.calls.len() * share / 4] {
            if let Effect::Said(text) = disk.apply(call) {
                said.push_str(&text);
            }
        }
        std::fs::remove_dir_all(&root).unwrap();
        write_image(&disk.image(loss), &root);
        let promised: Vec<_> = said.lines().map(str::to_owned).collect();
        let again = Run::record(&root, &["tiny", "root/data/ledger", "8"], &promised);
        again.judge("recovery", &form, ledger_keeps);
    }
}

#[test]
fn a_crash_after_any_call_of_a_backup_leaves_it_whole_or_absent() {
    if let Err(why) = check_permitted() {
        return println!("{why}; what a crash leaves of a backup cannot be seen here");
    }
    let form = Form::of_environment();
    let (_scratch, root) = root();
    let mut load = Command::new(env!("CARGO_BIN_EXE_loader"));
    let made = load.args([
        "tiny".as_ref(),
        root.join("ledger").as_os_str(),
        "24".as_ref(),
    ]);
    assert!(made.output().unwrap().status.success());
    std::fs::create_dir(root.join("backups")).unwrap();
    let backup = Run::record(&root, &["backup", "root/ledger", "root/backups/today"], &[]);
    backup.judge("backup", &form, backup_keeps);

    let restore = Run::record(
        &root,
        &["restore", "root/backups/today", "root/data/new"],
        &[],
    );
    restore.judge("restore", &form, new_keeps);
}

#[test]
fn a_crash_after_any_call_of_an_import_leaves_the_ledger_whole_or_absent() {
    if let Err(why) = check_permitted() {
        return println!("{why}; what a crash leaves of an import cannot be seen here");
    }
    let form = Form::of_environment();
    let (scratch, root) = root();
    let mut load = Command::new(env!("CARGO_BIN_EXE_loader"));
    let ledger = scratch.path().join("ledger");
    let made = load.args(["tiny".as_ref(), ledger.as_os_str(), "24".as_ref()]);
    assert!(made.output().unwrap().status.success());
    let snapshots = scratch.path().join("snapshots");
    Store::open(&ledger)
        .unwrap()
        .snapshot_to(&snapshots)
        .unwrap();
    let snapshots = snapshots.to_str().unwrap();
    let import = Run::record(&root, &["import", snapshots, "root/data/new"], &[]);
    import.judge("import", &form, new_keeps);
}
