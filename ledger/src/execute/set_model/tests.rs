//! How the catalogue grows.

use chipledger_proof::state::{Catalogue, Key, ModelVersions};
use chipledger_schemas::catalogue::{Catalogue as Builtin, ModelVersion};
use chipledger_schemas::records::{Record, SetModel};

use crate::execute::cases::{OTHERS, decree, refuses};
use crate::execute::tests::register;
use crate::fixture::{MODEL, World, id};
use crate::rejection::Code;

fn version(model: &str, version: u32) -> Record {
    let figures = Builtin::builtin().models[&id(MODEL)].clone();
    Record::SetModel(SetModel {
        model: id(model),
        version: ModelVersion {
            version,
            tpp_milli: Some(1_000 * u64::from(version)),
            ..figures
        },
    })
}

#[test]
fn refuses_models_in_order_of_precedence() {
    let cases = vec![
        (
            "REG-1",
            &OTHERS[..1],
            version(MODEL, 7),
            Code::QuorumMissing,
        ),
        (
            "REG-1",
            OTHERS,
            version(MODEL, 1),
            Code::ModelVersionMismatch,
        ),
        (
            "REG-1",
            OTHERS,
            version(MODEL, 3),
            Code::ModelVersionMismatch,
        ),
        (
            "REG-1",
            OTHERS,
            version("ACME/X1", 2),
            Code::ModelVersionMismatch,
        ),
    ];
    refuses(&mut World::new(), cases);
}

#[test]
fn a_new_model_takes_the_next_number_and_can_be_registered() {
    let mut world = World::new();
    let before: Catalogue = world.get(&Key::Catalogue).unwrap();
    decree(&mut world, version("ACME/X1", 1)).unwrap();
    let after: Catalogue = world.get(&Key::Catalogue).unwrap();
    assert_eq!(after.0[..before.0.len()], before.0);
    assert_eq!(after.0.last().unwrap().id, id("ACME/X1"));
    let mut record = register(&world, "FAB:101..108");
    if let Record::Register(register) = &mut record {
        register.model = id("ACME/X1");
    }
    world.submit("FAB", vec![record]).unwrap();
}

#[test]
fn a_new_version_changes_the_figures_and_keeps_the_number_and_the_old_ones() {
    let mut world = World::new();
    let before: Catalogue = world.get(&Key::Catalogue).unwrap();
    decree(&mut world, version(MODEL, 2)).unwrap();
    let after: Catalogue = world.get(&Key::Catalogue).unwrap();
    let number = before.number(&id(MODEL)).unwrap();
    assert_eq!(after.number(&id(MODEL)), Some(number));
    let entry = after.get(number).unwrap();
    assert_eq!((entry.versions, entry.tpp_milli), (2, Some(2_000)));
    let versions: ModelVersions = world.get(&Key::Model(id(MODEL))).unwrap();
    let numbers: Vec<u32> = versions.0.iter().map(|v| v.version).collect();
    assert_eq!(numbers, [1, 2]);
    assert_eq!(versions.0[0], Builtin::builtin().models[&id(MODEL)]);
}
