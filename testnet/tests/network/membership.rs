//! Validators come and go by vote, under load, across restarts and syncs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chipledger_schemas::certificate::ValidatorSeat;
use chipledger_schemas::encode::encode;
use chipledger_schemas::ids::{Height, MemberId};
use chipledger_schemas::records::set_key::KeyAction;
use chipledger_schemas::records::{Record, SetKey, SetValidators};
use chipledger_schemas::time::DAY_MS;
use chipledger_schemas::words::KeyClass;
use chipledger_testnet::chaos::workload::{Author, now};
use chipledger_testnet::client::{Bodies, Client};

use crate::support::{Network, PATIENCE, wait_until};

/// Node numbers: 0 to 3 vote at first, 4 is the observer, 5 to 8 stand by.
const FIRST: [usize; 4] = [0, 1, 2, 3];
const OBSERVER: usize = 4;
const STANDBY: [usize; 4] = [5, 6, 7, 8];

#[test]
fn four_become_seven_and_then_four_others_under_load_and_a_node_syncs_across_it() {
    let mut network = Network::new(17, STANDBY.len());
    for node in FIRST {
        network.local.nodes[node].process.start().unwrap();
    }
    network.progress(0);
    let stop = AtomicBool::new(false);
    let others = Author::starting_at(&network.cast, 1_000_000);
    std::thread::scope(|scope| {
        let clients: Vec<_> = FIRST
            .iter()
            .map(|node| network.clients[*node].clone())
            .collect();
        let (others, stop) = (&others, &stop);
        scope.spawn(move || load(&clients, others, stop));
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| change(&mut network)));
        stop.store(true, Ordering::Relaxed);
        ended.unwrap();
    });
}

fn change(network: &mut Network) {
    admit_peers(network);
    for node in STANDBY {
        network.local.nodes[node].process.start().unwrap();
    }
    let at = network.progress(0);
    for node in STANDBY {
        network.wait_height(node, at);
    }

    let seven: Vec<_> = [0, 1, 2, 3, 5, 6, 7].into();
    let decided = set_validators(network, &seven);
    certified_by_new(network, 0, decided);
    // Seven bear two that are down; a restart in between forgets nothing of the sets.
    for node in [0, 1] {
        network.local.nodes[node].process.kill().unwrap();
    }
    network.progress(2);
    network.progress(6);
    for node in [0, 1] {
        network.local.nodes[node].process.start().unwrap();
    }
    let at = network.progress(2);
    network.wait_height(0, at);

    let decided = set_validators(network, &STANDBY);
    certified_by_new(network, 5, decided);
    // The first four have no say any more.
    for node in FIRST {
        network.local.nodes[node].process.kill().unwrap();
    }
    let at = network.progress(5);

    // From genesis, across both changes, from nodes that were not there at the beginning.
    network.local.nodes[OBSERVER].process.start().unwrap();
    network.wait_height(OBSERVER, at);
    for height in 1..=at.0 {
        let height = Height(height);
        assert_eq!(network.block(OBSERVER, height), network.block(5, height));
    }
}

/// Each of the customs that stand by adds the key of its peer.
fn admit_peers(network: &Network) {
    for node in STANDBY {
        let member = network.local.nodes[node].member.clone();
        let time = now();
        let record = Record::SetKey(SetKey {
            member: member.clone(),
            key: network.cast.peer_key(&member).public(),
            action: KeyAction::Add {
                class: KeyClass::Peer,
                valid_from: time.minus_ms(DAY_MS),
                valid_until: time.plus_ms(365 * DAY_MS),
            },
        });
        network.make_final(0, &network.cast.sign(&member, &[], vec![record], time));
    }
}

fn set_validators(network: &Network, nodes: &[usize]) -> Height {
    let seat = |node: &usize| {
        let member: MemberId = network.local.nodes[*node].member.clone();
        ValidatorSeat {
            key: network.cast.validator_key(&member).public(),
            member,
            power: 1,
        }
    };
    let mut validators: Vec<_> = nodes.iter().map(seat).collect();
    validators.sort();
    let record = Record::SetValidators(SetValidators { validators });
    network.govern(nodes[nodes.len() - 1], record)
}

/// The block two heights after the decision is certified by the new set, not before.
fn certified_by_new(network: &Network, node: usize, decided: Height) {
    let first = Height(decided.0 + 2);
    network.wait_height(node, first);
    let page = network.clients[node]
        .blocks(decided, 3, Bodies::Left)
        .unwrap();
    let sets: Vec<_> = page
        .blocks
        .iter()
        .map(|block| block.header.validators)
        .collect();
    assert_eq!(sets[0], sets[1], "the old set certifies the next block");
    assert_ne!(sets[1], sets[2], "the new set certifies the one after");
    wait_until("node has a seat", || {
        let status = network.clients[5].status();
        status.is_ok_and(|status| status.node.role == chipledger_schemas::api::Standing::Validator)
    });
}

/// Registers chips and writes notes at the first nodes, whichever answers.
fn load(clients: &[Client], author: &Author, stop: &AtomicBool) {
    let mut at = 0;
    while !stop.load(Ordering::Relaxed) {
        let bytes = encode(&author.next());
        at += 1;
        let answer = clients[at % clients.len()].submit(&bytes, Duration::ZERO);
        if answer.is_err() {
            std::thread::sleep(Duration::from_millis(50));
        }
        std::thread::sleep(PATIENCE / 4_000);
    }
}
