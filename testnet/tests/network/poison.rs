//! A transaction over which a rule panics is set aside: nobody falls, the chain goes on.

use std::time::Duration;

use chipledger_schemas::encode::encode;
use chipledger_testnet::chaos::workload::now;
use chipledger_testnet::local::process::beside_this;

use crate::support::{Network, wait_until};

const POISON: &str = "poison";

#[test]
fn a_transaction_that_makes_a_rule_panic_is_quarantined_and_no_replica_falls() {
    let mut network = Network::new(13, 0);
    let traitor = beside_this("chipledger-traitor").unwrap();
    for node in &mut network.local.nodes {
        let config = node.dir.join("node.toml").into_os_string();
        let arguments = [
            "--config".into(),
            config,
            "--panic-over".into(),
            POISON.into(),
        ];
        node.process.becomes(&traitor, arguments.into());
    }
    network.local.start().unwrap();
    network.local.wait_ready(crate::support::PATIENCE).unwrap();

    let poison = encode(&network.author.note(POISON, now()));
    wait_until("the poison is rejected with its code", || {
        let answer = network.clients[0].submit(&poison, Duration::from_secs(5));
        answer.is_err_and(|error| error.to_string().contains("execution_failed"))
    });
    // Every node proposes in turn; each meets the poison if it is sent to all of them.
    for node in 1..4 {
        let _rejected = network.clients[node].submit(&poison, Duration::from_secs(5));
    }
    for node in 0..4 {
        network.progress(node);
    }
    assert_eq!(network.local.ended().unwrap(), None, "no node ended");
}
