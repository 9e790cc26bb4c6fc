//! How many chips go on a board, boards into a server, servers onto a pallet and into a rack.
//!
//! Shapes of well-known products where a model has one, a plain default otherwise. They decide how
//! the generated history looks, never how many chips there are.

use chipledger_schemas::catalogue::ModelId;

/// The shape in which a model is sold. No number is 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Packing {
    /// Chips on a board; `None` for cards that go straight into a server.
    pub(super) chips_per_board: Option<u64>,
    /// Boards (or cards) in a server.
    pub(super) boards_per_server: u64,
    /// Servers on a pallet.
    pub(super) servers_per_pallet: u64,
    /// Servers in a rack.
    pub(super) servers_per_rack: u64,
}

impl Packing {
    /// Chips on a full pallet.
    pub(super) fn chips_per_pallet(self) -> u64 {
        let chips_per_server = self.chips_per_board.unwrap_or(1) * self.boards_per_server;
        chips_per_server * self.servers_per_pallet
    }

    /// Pallets that so many chips take.
    pub(super) fn pallets(self, chips: u64) -> u64 {
        chips.div_ceil(self.chips_per_pallet())
    }
}

const fn packing(chips_per_board: u64, per_server: u64, per_pallet: u64, per_rack: u64) -> Packing {
    Packing {
        chips_per_board: Some(chips_per_board),
        boards_per_server: per_server,
        servers_per_pallet: per_pallet,
        servers_per_rack: per_rack,
    }
}

/// An HGX or OAM baseboard of eight in a server of its own, four to a rack: the usual air-cooled
/// shape.
const BASEBOARD_OF_EIGHT: Packing = packing(8, 1, 2, 4);
/// PCIe cards, eight to a server.
const CARDS: Packing = Packing {
    chips_per_board: None,
    boards_per_server: 8,
    servers_per_pallet: 4,
    servers_per_rack: 4,
};

/// Start of a model's key, its shape, and the product that it is taken from.
const SHAPES: &[(&str, Packing, &str)] = &[
    (
        "NVIDIA/GB200",
        packing(2, 2, 6, 18),
        "NVL72: 18 trays of two boards with two GPUs",
    ),
    (
        "NVIDIA/GB300",
        packing(2, 2, 6, 18),
        "NVL72: 18 trays of two boards with two GPUs",
    ),
    (
        "NVIDIA/GH200",
        packing(4, 1, 8, 28),
        "Alps, JUPITER: four superchips on a board, dense blades",
    ),
    (
        "NVIDIA/V100-SXM2",
        packing(8, 1, 2, 4),
        "DGX-1: eight modules on one baseboard",
    ),
    (
        "NVIDIA/P100-SXM2",
        packing(8, 1, 2, 4),
        "DGX-1: eight modules on one baseboard",
    ),
    (
        "AMD/Instinct-MI250X",
        packing(4, 2, 8, 64),
        "HPE Cray EX235a: two nodes of four modules per blade",
    ),
    (
        "AMD/Instinct-MI300A",
        packing(4, 2, 8, 64),
        "HPE Cray EX255a: two nodes of four APUs per blade",
    ),
    ("AMD/Instinct-MI210", CARDS, "PCIe card"),
    (
        "Intel/Data-Center-GPU-Max",
        packing(6, 1, 8, 64),
        "Aurora: six per blade, 64 blades per cabinet",
    ),
    (
        "Google/TPU",
        packing(4, 1, 8, 16),
        "four chips on a tray, 64 in a rack",
    ),
    (
        "Cerebras/",
        packing(1, 1, 1, 3),
        "one wafer per system, each fills 15 rack units",
    ),
    (
        "Microsoft/Maia",
        packing(4, 1, 4, 8),
        "four accelerators in a server",
    ),
    (
        "PEZY/",
        packing(8, 4, 8, 16),
        "liquid-immersed bricks of 32 modules",
    ),
];

/// The shape of a model.
pub(super) fn of(model: &ModelId) -> Packing {
    let shape = SHAPES
        .iter()
        .find(|(start, _, _)| model.as_str().starts_with(start));
    match shape {
        Some((_, packing, _)) => *packing,
        None if model.as_str().contains("PCIe") => CARDS,
        None => BASEBOARD_OF_EIGHT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gb200_rack_holds_72_and_an_h100_server_eight() {
        let chips_per_rack = |model: &str| {
            let shape = of(&model.parse().expect("a model"));
            shape.chips_per_board.unwrap_or(1) * shape.boards_per_server * shape.servers_per_rack
        };
        assert_eq!(chips_per_rack("NVIDIA/GB200-per-GPU"), 72);
        assert_eq!(chips_per_rack("NVIDIA/H100-SXM5-80GB"), 32);
        assert_eq!(chips_per_rack("NVIDIA/A100-PCIe-40GB"), 32);
        assert_eq!(chips_per_rack("Google/TPU-v4"), 64);
    }
}
