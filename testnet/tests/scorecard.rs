//! Claims about the detection rules, on planted worlds: what is planted is found, nothing else
//! stands, and whoever folds block by block has the alerts of one who begins anew.

use chipledger_analysis::rules::{Parameters, RULES, Rules, alerts_at};
use chipledger_ledger::store::Store;
use chipledger_schemas::ids::Height;
use chipledger_schemas::time::{HOUR_MS, Time};
use chipledger_testnet::load;
use chipledger_testnet::scorecard::Scorecard;
use chipledger_testnet::world::{Pattern, World, WorldConfig};

fn config(seed: u64) -> WorldConfig {
    WorldConfig {
        scale_ppm: 50,
        seed,
        validators: 1,
    }
}

#[test]
fn every_rule_finds_what_is_planted_and_little_else() {
    let folder = tempfile::tempdir().unwrap();
    let mut score = Scorecard::default();
    for seed in [7, 8] {
        let directory = folder.path().join(seed.to_string());
        let patterns = Pattern::all();
        score.add(config(seed), &patterns, &directory).unwrap();
    }
    assert!(score.passes(), "{:#?}\n{:#?}", score.lines, score.notes);
    let planted = score.lines.values().filter(|line| line.planted > 0).count();
    assert_eq!(planted, RULES.len(), "every rule has a pattern");
}

#[test]
fn block_by_block_and_from_the_start_give_the_same_alerts() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("ledger");
    let world = World::with_planted(config(9), &Pattern::all());
    load::load(&world, &directory, |_| ()).unwrap();
    let store = Store::open_read_only(&directory).unwrap();
    let view = store.view();
    let head = view.head().unwrap().header.height;
    let mut rules = Rules::new(&store, &view, Parameters::default()).unwrap();
    let mut states = 7_u64;
    for height in 1..=head.0 {
        rules.block(&view).unwrap();
        // Looking at any time, also at one between two blocks, changes nothing.
        states = states
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        if states >> 61 == 0 {
            let mut look = rules.clone();
            look.pass(&view, look.watch().time.plus_ms(states % HOUR_MS));
            look.alerts(&view).unwrap();
            let time = rules.watch().time;
            rules.pass(&view, time);
        }
        if height == head.0 / 2 || height == head.0 {
            let mut anew = Rules::new(&store, &view, Parameters::default()).unwrap();
            anew.up_to(&view, Height(height)).unwrap();
            assert_eq!(anew.alerts(&view).unwrap(), rules.alerts(&view).unwrap());
        }
    }
    let time: Option<Time> = None;
    let (alerts, _) = alerts_at(&store, Parameters::default(), time).unwrap();
    assert!(!alerts.is_empty());
    assert_eq!(alerts, rules.alerts(&view).unwrap());
}
