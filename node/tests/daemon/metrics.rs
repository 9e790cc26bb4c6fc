//! `/metrics` of a running node, and the page that is written from it.

use chipledger_node::metrics::page;

use super::Daemon;

const WRITE: &str = "CHIPLEDGER_WRITE_DOCS";

#[test]
fn metrics_of_a_running_node_parse_and_the_page_lists_every_one_of_them() {
    let mut daemon = Daemon::new(100);
    daemon.start();
    daemon.reach(2);
    let text = daemon.get("/metrics").unwrap();
    assert_eq!(page::faults(&text), Vec::<String>::new());
    for sample in [
        "chipledger_height{",
        "chipledger_disk_free_bytes{",
        "chipledger_build_info{",
    ] {
        assert!(
            text.contains(&format!("\n{sample}")),
            "{sample} has no sample"
        );
    }
    let height: u64 = text
        .lines()
        .find_map(|line| line.strip_prefix("chipledger_height{"))
        .and_then(|line| line.rsplit(' ').next()?.parse().ok())
        .unwrap();
    assert!(height >= 2, "{height}");

    let page = page::page(&text);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md");
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == page,
        "docs/metrics.md is not what the program says; write it with {WRITE}=1"
    );
}
