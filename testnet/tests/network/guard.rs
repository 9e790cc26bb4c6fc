//! A key never signs against itself, whatever its node lost.

use crate::support::{Network, wait_until};

#[test]
fn a_node_that_lost_its_log_and_blocks_never_signs_against_itself() {
    let mut network = Network::started(14);
    network.progress(0);
    for _ in 0..3 {
        network.local.nodes[1].process.kill().unwrap();
        std::fs::remove_dir_all(network.folder(1).join("data/consensus")).unwrap();
        network.local.nodes[1].process.start().unwrap();
        let at = network.progress(0);
        network.wait_height(1, at);
    }
    no_evidence(&network);
}

#[test]
fn a_node_whose_old_backup_was_restored_follows_and_votes_only_above_what_it_signed() {
    let mut network = Network::started(15);
    network.progress(0);
    network.local.nodes[1].process.kill().unwrap();
    let (data, backup) = (
        network.folder(1).join("data"),
        network.folder(1).join("old"),
    );
    copy(&data, &backup);
    network.local.nodes[1].process.start().unwrap();
    let later = network.progress(0);
    network.wait_height(1, later);
    let later = network.progress(1);

    network.local.nodes[1].process.kill().unwrap();
    std::fs::remove_dir_all(&data).unwrap();
    std::fs::rename(&backup, &data).unwrap();
    network.local.nodes[1].process.start().unwrap();
    network.wait_height(1, later);
    // It votes again: with another one down, nothing is final without it.
    network.local.nodes[2].process.kill().unwrap();
    network.progress(0);
    no_evidence(&network);
}

#[test]
fn a_key_without_its_guard_votes_only_from_the_height_that_the_others_sign_for() {
    let mut network = Network::started(16);
    network.progress(0);
    network.local.nodes[1].process.kill().unwrap();
    std::fs::remove_dir_all(network.folder(1).join("data")).unwrap();
    std::fs::remove_file(network.folder(1).join("keys/validator.guard")).unwrap();
    network.local.nodes[1].process.start().unwrap();
    wait_until("node1 says from where it votes", || {
        let log = network.log(1);
        log.contains("guard of the key that votes was missing") && log.contains("votes again from")
    });
    // It signs from two heights above the highest that was reported on: without it until then.
    network.progress(0);
    network.progress(0);
    let at = network.progress(0);
    network.wait_height(1, at);
    network.local.nodes[2].process.kill().unwrap();
    network.progress(0);
    no_evidence(&network);
}

/// Nobody noticed two signatures of one validator.
fn no_evidence(network: &Network) {
    for node in 0..4 {
        assert!(!network.log(node).contains("signed two"), "node{node}");
    }
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            std::fs::copy(&from, &to).unwrap();
        }
    }
}
