//! Nodes that keep their last blocks only.

use chipledger_node::node::Node;
use chipledger_schemas::ids::Height;

use crate::support::{Ledger, code, config, get, wait_until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_forgets_old_blocks_and_says_from_where_it_knows() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("REG-1");
    let mut ledger = Ledger::create(&folder.join("data/ledger"));
    ledger.register("FAB", "FAB:1000..1019", "TW-FAB");
    ledger.tell("FAB:1007", 60);
    let head = ledger.height();
    drop(ledger);
    let mut config = config(&folder, "REG-1", &[]);
    config.history.blocks = 20;
    let node = Node::start(config).await.unwrap();
    let (store, api) = (node.handle.store.clone(), node.api.address());
    let first = Height(head.0 - 19);
    wait_until("old blocks are forgotten", || {
        store.first_height().unwrap() == first
    })
    .await;
    let (status, body) = get(api, "/v1/blocks/10").await;
    assert_eq!((status, code(&body).as_str()), (410, "before_history"));
    let told: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(told["first_height"], serde_json::json!(first));
    let (status, body) = get(api, "/v1/items/FAB:1007/history").await;
    assert_eq!((status, code(&body).as_str()), (410, "before_history"));
    // The present is answered, also of an item that has not moved since.
    for item in ["FAB:1007", "FAB:1001"] {
        let (status, body) = get(api, &format!("/v1/items/{item}")).await;
        let told: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(status, 200, "{told}");
        assert!(told["answer"]["record_id"].is_string(), "{told}");
    }
    let (status, body) = get(api, "/v1/status").await;
    let told: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(status, 200);
    assert_eq!(told["node"]["first_height"], serde_json::json!(first));
    drop(store);
    node.shutdown().await;
}
