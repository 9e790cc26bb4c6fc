//! Cells: one number per account and model that a posting ever named, so that sums are columns.

use chipledger_proof::state::ModelNumber;

/// Number of an account and model, from 0 in the order in which they first appeared.
pub(super) type Cell = u32;

/// No account: where chips come from, or where they end.
pub(super) const NO_CELL: Cell = Cell::MAX;

/// Accounts and models by cell, and back.
#[derive(Default, Debug)]
pub(super) struct Cells {
    keys: Vec<(u32, ModelNumber)>,
    /// By account number: few models each.
    accounts: Vec<Vec<(ModelNumber, Cell)>>,
}

impl Cells {
    /// The cell of an account and a model; a new one if there is none. Account 0 has none.
    pub(super) fn number(&mut self, account: u32, model: ModelNumber) -> Cell {
        if account == 0 {
            return NO_CELL;
        }
        let at = usize::try_from(account).unwrap_or(usize::MAX);
        if at >= self.accounts.len() {
            self.accounts.resize_with(at + 1, Vec::new);
        }
        let known = self.accounts[at].iter().find(|(of, _)| *of == model);
        if let Some((_, cell)) = known {
            return *cell;
        }
        // A cell takes a posting of 30 bytes, of which memory does not hold as many.
        let cell = Cell::try_from(self.keys.len()).unwrap_or(NO_CELL);
        self.accounts[at].push((model, cell));
        self.keys.push((account, model));
        cell
    }

    /// Account number and model of a cell.
    pub(super) fn key(&self, cell: Cell) -> Option<(u32, ModelNumber)> {
        self.keys.get(cell as usize).copied()
    }

    /// The cells of an account.
    pub(super) fn of_account(
        &self,
        account: u32,
    ) -> impl Iterator<Item = (ModelNumber, Cell)> + '_ {
        let at = usize::try_from(account).unwrap_or(usize::MAX);
        self.accounts.get(at).into_iter().flatten().copied()
    }

    /// Every cell with its account number and model.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Cell, (u32, ModelNumber))> + '_ {
        (0..).zip(self.keys.iter().copied())
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Bytes in memory, about.
    pub(super) fn bytes(&self) -> usize {
        self.keys.len() * 2 * size_of::<(u32, ModelNumber)>()
            + self.accounts.len() * size_of::<Vec<(ModelNumber, Cell)>>()
    }
}
