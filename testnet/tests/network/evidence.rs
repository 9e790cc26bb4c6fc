//! A validator lies; the others find it, write it down, report it once, and hand out a pack that a
//! stranger verifies with the genesis hash alone.
use std::time::Duration;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use chipledger_node::evidence::Held;
use chipledger_testnet::local::process::beside_this;

use super::support::{Network, PATIENCE};

fn wait_until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The evidence that a node has written down.
fn held(node: &Path) -> Vec<Held> {
    let Ok(entries) = std::fs::read_dir(node.join("data/evidence")) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    let files = paths.filter(|path| path.extension().is_some_and(|kind| kind == "json"));
    files
        .map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
        .collect()
}

/// Runs the program of people: exit code, and what it said.
fn chipledger(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(beside_this("chipledger").unwrap())
        .args(arguments)
        .output()
        .unwrap();
    let mut said = String::from_utf8(output.stdout).unwrap();
    said.push_str(&String::from_utf8(output.stderr).unwrap());
    (output.status.code().unwrap_or(-1), said)
}

#[test]
fn a_lie_is_found_reported_once_and_exported_as_a_pack_that_verifies_offline() {
    let mut network = Network::new(11, 0);
    let genesis = network.cast.genesis().hash();
    let folder = network.folder(0);
    let pack = folder.with_file_name("pack");
    let pack = pack.to_str().unwrap();
    let local = &mut network.local;
    let liar = local.nodes[0].member.clone();
    let config = local.nodes[0].dir.join("node.toml");
    let arguments = [
        "--config".into(),
        config.into(),
        "--equivocate".into(),
        "700".into(),
    ];
    let traitor = Path::new(env!("CARGO_BIN_EXE_chipledger-traitor"));
    local.nodes[0].process.becomes(traitor, arguments.to_vec());
    local.start().unwrap();
    local.wait_ready(PATIENCE).unwrap();

    let honest = local.nodes[1].dir.clone();
    let found = wait_until("evidence on disk", || held(&honest).into_iter().next());
    assert_eq!(found.report.member, liar);
    assert!(found.report.is_signed(&genesis));
    let genesis = genesis.to_string();
    let url = format!("http://{}", local.nodes[2].api);
    let id = found.report.id().to_string();
    // Another node hands it out: it is part of the ledger.
    wait_until("the pack", || {
        let said = chipledger(&["prove", "equivocation", &id, "--node", &url, "--out", pack]);
        (said.0 == 0).then_some(())
    });
    // The liar lies no more; whatever is known by then becomes part of the ledger, each once.
    local.nodes[0].process.kill().unwrap();
    wait_until("the end of reports", || {
        let url = format!("http://{}/metrics", local.nodes[1].api);
        let mut text = ureq::get(&url).call().ok()?;
        let text = text.body_mut().read_to_string().ok()?;
        let open = text
            .lines()
            .find(|line| line.starts_with("chipledger_evidence_open{"))?;
        open.ends_with(" 0").then_some(())
    });
    // A restarted node finds its files and reports nothing again.
    local.nodes[1].process.kill().unwrap();
    local.nodes[1].process.start().unwrap();
    let before = held(&honest).len();
    let client = local.nodes[1].client();
    wait_until("the node again", || {
        client.ready().ok().filter(|health| health.ok)
    });
    local.stop(PATIENCE);

    // With the nodes gone: the pack and the genesis hash are enough.
    let (code, said) = chipledger(&["check", pack, "--genesis", &genesis]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains(liar.as_str()) && said.contains("yes"),
        "{said}"
    );
    let other = "11".repeat(32);
    assert_ne!(chipledger(&["check", pack, "--genesis", &other]).0, 0);
    let mut bytes = std::fs::read(pack).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(pack, bytes).unwrap();
    assert_ne!(chipledger(&["check", pack, "--genesis", &genesis]).0, 0);

    assert_eq!(held(&honest).len(), before);
    let store = chipledger_ledger::store::Store::open_read_only(&honest.join("data/ledger"));
    let listed = store.unwrap().view().equivocations().unwrap();
    let ids: BTreeSet<_> = listed.iter().map(|one| one.id).collect();
    assert_eq!(ids.len(), listed.len());
    for one in held(&honest) {
        assert!(
            ids.contains(&one.report.id()),
            "{} was not reported",
            one.report.id()
        );
    }
}
