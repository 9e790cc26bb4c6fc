#![allow(dead_code, unused_imports, missing_docs, unreachable_pub)]
#[path = "../../../testnet/src/batch.rs"] pub mod batch;
#[path = "../../../testnet/src/world.rs"] pub mod world;
#[path = "dev_load.rs"] pub mod load;
#[path = "../../../testnet/src/scorecard.rs"] pub mod scorecard;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let seeds: u64 = args[1].parse().unwrap();
    let first: u64 = args[2].parse().unwrap();
    let ppm: u64 = args[3].parse().unwrap();
    let patterns: Vec<world::Pattern> = match args.get(4) { Some(p) if p == "none" => vec![], Some(p) => p.split(',').map(|p| p.parse().unwrap()).collect(), None => world::Pattern::all() };
    let mut score = scorecard::Scorecard::default();
    for seed in first..first + seeds {
        let dir = tempfile::tempdir().unwrap();
        let config = world::WorldConfig { scale_ppm: ppm, seed, validators: 1 };
        let t = std::time::Instant::now();
        if let Err(e) = score.add(config, &patterns, &dir.path().join("l")) { println!("seed {seed}: {e}"); if args.get(4).is_none() { for p in &patterns { let dir = tempfile::tempdir().unwrap(); if let Err(e) = scorecard::Scorecard::default().add(config, &[*p], &dir.path().join("l")) { println!("  {p}: {e}"); } } return; } }
        eprintln!("seed {seed} {:?}", t.elapsed());
    }
    for (rule, line) in &score.lines { println!("{rule:<5} planted {} found {} false {} ended {}", line.planted, line.found, line.false_alerts, line.ended); }
    println!("{} worlds {} shipments {} false; passes {}", score.worlds, score.shipments, score.false_alerts(), score.passes());
    for note in &score.notes { println!("{note}"); }
}
