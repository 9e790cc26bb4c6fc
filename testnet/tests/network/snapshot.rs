//! An empty node begins with a peer's snapshot, and goes on from there as the others do.

use std::io::Write as _;

use crate::support::Network;

#[test]
fn an_empty_observer_begins_with_a_snapshot_executes_what_came_since_and_follows() {
    let mut network = Network::new(18, 0);
    for node in 0..5 {
        let config = network.folder(node).join("node.toml");
        let mut config = std::fs::File::options().append(true).open(config).unwrap();
        writeln!(config, "\n[history]\nsnapshot_every = 5").unwrap();
        if node == 4 {
            writeln!(config, "start_from_snapshot = true").unwrap();
        }
    }
    for node in 0..4 {
        network.local.nodes[node].process.start().unwrap();
    }
    // A snapshot at height 5 or 10, and blocks behind it.
    while network.progress(0).0 < 13 {}
    network.local.nodes[4].process.start().unwrap();
    // What the validators decide from now on is above any snapshot that it may begin with.
    let at = network.progress(1);
    network.wait_height(4, at);
    let at = network.progress(1);
    network.wait_height(4, at);
    network.wait_height(0, at);
    assert_eq!(network.block(4, at), network.block(0, at));
    let status = network.clients[4].status().unwrap();
    assert!(
        status.node.first_height.0 > 5,
        "{}",
        status.node.first_height
    );
    assert!(network.log(4).contains("begins with a snapshot"));
    let at = network.progress(4);
    network.wait_height(2, at);
    assert_eq!(network.block(4, at), network.block(2, at));
}
