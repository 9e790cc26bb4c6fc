//! Fewer than a quorum: nothing is decided, and the nodes say so; with a quorum it goes on.

use chipledger_schemas::ids::Height;

use crate::support::{Network, wait_until};

#[test]
fn two_of_four_down_halts_and_says_so_and_the_first_that_returns_lets_it_go_on() {
    let mut network = Network::started(11);
    let before = network.progress(0);
    for node in [2, 3] {
        network.local.nodes[node].process.kill().unwrap();
    }
    wait_until("node0 says that there is no quorum", || {
        let ready = network.clients[0].ready().unwrap();
        !ready.ok && ready.why.is_some_and(|why| why.contains("voting power"))
    });
    let halted = network.height(0);
    assert!(halted >= before);
    // The two that are left may be one block apart.
    assert!(network.height(1).0.abs_diff(halted.0) <= 1);

    network.local.nodes[2].process.start().unwrap();
    let resumed = network.progress(0);
    assert!(resumed > halted);
    network.local.nodes[3].process.start().unwrap();
    network.wait_height(3, resumed);
    for height in 1..=resumed.0 {
        let first = network.block(0, Height(height));
        for node in 1..4 {
            assert_eq!(
                network.block(node, Height(height)),
                first,
                "height {height}"
            );
        }
    }
}

#[test]
fn a_validator_killed_over_and_over_comes_back_with_everything() {
    let mut network = Network::started(12);
    for round in 0..5 {
        network.local.nodes[1].process.kill().unwrap();
        let at = network.progress(round % 2 * 2);
        network.local.nodes[1].process.start().unwrap();
        network.wait_height(1, at);
        assert_eq!(network.block(1, at), network.block(0, at));
    }
    // It takes transactions itself, too.
    wait_until("node1 is ready", || {
        network.clients[1].ready().is_ok_and(|health| health.ok)
    });
    network.progress(1);
}
