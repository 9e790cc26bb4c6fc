//! A chip's way from registration into operation abroad and to its end, verb by verb.

use crate::bench::Bench;

const AT: &str = "--occurred-at";

/// Admits a second member with a key and a site, so that goods can change hands.
fn admit_buyer(bench: &Bench) {
    let member = r#"{"member": "BUYER", "name": "Buyer", "roles": ["operator", "inspector"],
        "jurisdiction": "US", "issuers": ["BUYER"]}"#;
    let run = |args: &[&str]| {
        let run = bench.run_args(args);
        assert_eq!(run.code, 0, "{args:?}: {}", run.err);
    };
    run(&["record", "set_member", "--as", "ACME", "--json", member]);
    let made = bench.json("keygen --member BUYER --purpose admin --out L.keys/BUYER.json");
    let key = made["public_key"].as_str().expect("a key");
    let add = r#"{"class": "admin", "valid_from": "2026-01-01", "valid_until": "2030-01-01"}"#;
    let set_key = format!(r#"{{"member": "BUYER", "key": "{key}", "action": {{"add": {add}}}}}"#);
    run(&["record", "set_key", "--as", "ACME", "--json", &set_key]);
    let site = r#"{"site": "BUYER-DC", "name": "Hall 1", "jurisdiction": "US", "operator": "BUYER",
        "valid_from": "2026-01-01"}"#;
    run(&[
        "record",
        "set_site",
        "--as",
        "BUYER",
        "--cosign",
        "L.keys/ACME.json",
        "--json",
        site,
    ]);
}

/// From registration to operation at the buyer's.
fn travel(bench: &Bench) {
    admit_buyer(bench);
    let model = "--model NVIDIA/H100-SXM5-80GB --site ACME-1";
    bench.ok(&format!(
        "register --as ACME --serials ACME:0001..0064 {model} {AT} 2026-02-01"
    ));
    bench.ok(&format!(
        "pack --as ACME ACME:0001..0064 --into ACME:b1..b8 --kind board {AT} 2026-02-02"
    ));
    bench.ok(&format!(
        "pack --as ACME ACME:b1..b8 --into ACME:p1 --kind pallet {AT} 2026-02-03"
    ));
    bench.ok(&format!(
        "seal --as ACME ACME:p1 --seal S-77 {AT} 2026-02-03"
    ));
    let to = "--to BUYER --to-site BUYER-DC --expected-at 2026-02-20";
    bench.ok(&format!(
        "ship --as ACME ACME:p1 --shipment ACME:S1 {to} {AT} 2026-02-10"
    ));
}

#[test]
fn a_chip_is_followed_from_the_fab_into_a_hall() {
    let bench = Bench::solo();
    travel(&bench);
    let under_way = bench.json("where ACME:0063");
    assert_eq!(under_way["place"], "ACME-1->BUYER-DC");
    assert_eq!(under_way["shipment"], "ACME:S1");
    let overdue = bench.json("shipments --overdue --now 2026-02-25");
    assert_eq!(overdue["rows"][0]["id"], "ACME:S1");
    assert_eq!(
        bench.json("shipments --overdue")["rows"]
            .as_array()
            .map(Vec::len),
        Some(0)
    );

    bench.ok(&format!(
        "receive --as BUYER ACME:p1 --shipment ACME:S1 --site BUYER-DC {AT} 2026-02-21"
    ));
    bench.ok(&format!(
        "break-seal --as BUYER ACME:p1 --seal S-77 --reason unpacking {AT} 2026-02-21"
    ));
    bench.ok(&format!("unpack --as BUYER ACME:b1..b8 {AT} 2026-02-22"));
    bench.ok(&format!(
        "install --as BUYER ACME:b1..b8 --position HALL-1 {AT} 2026-02-23"
    ));
    let title = "transfer-title --as ACME ACME:b1..b8 --to BUYER --cosign L.keys/BUYER.json";
    bench.ok(&format!("{title} {AT} 2026-02-24"));

    let now = bench.json("where ACME:0063");
    assert_eq!(now["place"], "BUYER-DC");
    assert_eq!(now["containers"], serde_json::json!(["ACME:b8"]));
    assert_eq!(
        (&now["holder"], &now["owner"]),
        (&"BUYER".into(), &"BUYER".into())
    );
    assert_eq!(now["status"], "installed");
    assert_eq!(now["clock"], "replay");
    let then = bench.json("where ACME:0063 --at 2026-02-05");
    assert_eq!(
        then["containers"],
        serde_json::json!(["ACME:b8", "ACME:p1"])
    );
    assert_eq!(then["basis"], "derived");

    let journey = bench.json("trace ACME:0063");
    let kinds: Vec<_> = journey["rows"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|step| step["kind"].clone())
        .collect();
    for kind in [
        "register",
        "pack",
        "ship",
        "receive",
        "unpack",
        "install",
        "transfer_title",
    ] {
        assert!(
            kinds.contains(&kind.into()),
            "{kind} is missing in {kinds:?}"
        );
    }
}

#[test]
fn compute_is_summed_by_any_dimension_now_and_then() {
    let bench = Bench::solo();
    travel(&bench);
    let now = bench.json("compute");
    assert_eq!(now["rows"][0]["jurisdiction"], "in transit");
    assert_eq!(now["total"]["chips"], 64);
    assert_eq!(now["total"]["tpp_milli"], 64_u64 * 15_832_000);
    assert_eq!(now["total"]["h100e_milli"], 64_000);
    assert_eq!(
        (&now["hhi"], &now["hhi_placed"]),
        (&10_000.into(), &0.into())
    );
    let then = bench.json("compute --by site --at 2026-02-05 --metric count");
    assert_eq!(then["rows"][0]["site"], "ACME-1");
    let known = bench.json("compute --known-at 0");
    assert_eq!(known["total"]["chips"], 0);
    let none = bench.json("compute --by model --where status=installed");
    assert_eq!(none["rows"].as_array().map(Vec::len), Some(0));
    let table = bench.ok("compute --by holder");
    assert!(
        table.contains("1,013,248.0") && table.contains("replay"),
        "{table}"
    );
}

#[test]
fn compute_is_crossed_measured_and_followed_from_row_to_row() {
    let bench = Bench::solo();
    travel(&bench);
    bench.ok(&format!(
        "receive --as BUYER ACME:p1 --shipment ACME:S1 --site BUYER-DC {AT} 2026-02-21"
    ));
    let crossed = bench.json("compute --by jurisdiction,owner");
    assert_eq!(crossed["rows"][0]["jurisdiction"], "US");
    assert_eq!(crossed["rows"][0]["owner"], "ACME");
    assert_eq!(crossed["total"]["chips"], 64);
    let twice = bench.run("compute --by owner,owner");
    assert_eq!(twice.code, 2, "{}", twice.out);
    assert!(twice.err.contains("two different ones"), "{}", twice.err);

    let flows = bench.json("flows --since 2026-02-05");
    let row = |key: &str| {
        let rows = flows["rows"].as_array().expect("rows");
        let named = rows.iter().find(|row| row["jurisdiction"] == key);
        named
            .unwrap_or_else(|| panic!("no row {key} in {flows}"))
            .clone()
    };
    assert_eq!(row("US")["came"], 64);
    assert_eq!(row("US")["closing"], 64);
    let transit = row("in transit");
    assert_eq!(
        (&transit["came"], &transit["went"]),
        (&64.into(), &64.into())
    );
    assert_eq!(transit["closing"], 0);
    let arrivals = bench.json("flows --by site --since 2026-02-05 --show arrivals");
    assert_eq!(arrivals["rows"][0]["from"], "ACME-1");
    assert_eq!(arrivals["rows"][0]["to"], "BUYER-DC");
    assert_eq!(arrivals["rows"][0]["amount"], 64);
    let quiet = bench.json("flows --since 2026-02-05 --at 2026-02-06");
    assert_eq!(quiet["total"]["opening"], 64);
    assert_eq!(quiet["total"]["came"], 0);

    let one = bench.json("concentration --by holder --since 2026-02-05");
    assert_eq!(one["rows"][0]["known"], 1_000_000);
    assert_eq!(one["hhi_change_hundredths"], 0);
    assert_eq!(one["entry_hundredths"], 1_000_000);
    assert_eq!(one["exit_hundredths"], -1_000_000);
    let table = bench.ok("concentration --metric count --at 2026-02-15");
    assert!(table.contains("effective number"), "{table}");
}

#[test]
fn items_come_with_their_id_first_and_as_many_as_asked() {
    let bench = Bench::solo();
    travel(&bench);
    let csv = bench.ok("items --kind chip --limit 3 --output csv");
    assert_eq!(csv.lines().count(), 4);
    assert!(csv.starts_with("id,"), "{csv}");
    let units = bench.json("items --kind unit --model pallet");
    assert_eq!(units["rows"][0]["id"], "ACME:p1");
    assert_eq!(units["rows"][0]["chips"], 64);
}

#[test]
fn a_wrong_movement_is_undone_and_a_chip_ends_before_a_witness() {
    let bench = Bench::solo();
    travel(&bench);
    bench.ok(&format!(
        "receive --as BUYER ACME:p1 --shipment ACME:S1 --site BUYER-DC {AT} 2026-02-21"
    ));
    let loss = bench.json(&format!(
        "set-loss --as BUYER ACME:p1 --loss stolen {AT} 2026-02-25"
    ));
    assert_eq!(bench.json("where ACME:0001")["status"], "stolen");
    let record = loss["records"][0].as_str().expect("a record id");
    bench.ok(&format!(
        "correct --as BUYER ACME:p1 --record {record} --reason mistaken"
    ));
    assert_eq!(bench.json("where ACME:0001")["status"], "stock");

    let hash = "ab".repeat(32);
    let destroy =
        format!("destroy --as BUYER ACME:p1 --witness ACME --certificate {hash} {AT} 2026-03-01");
    bench.fails(&destroy, 3, "cosignature_missing");
    bench.ok(&format!("{destroy} --cosign L.keys/ACME.json"));
    assert_eq!(bench.json("compute")["total"]["chips"], 0);
    let status = bench.json("status");
    assert_eq!(status["genesis"].as_str().map(str::len), Some(64));
}
