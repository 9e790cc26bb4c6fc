//! Every block above genesis carries signatures of more than two thirds of the power, which verify
//! with nothing but the genesis document.
//!
//! Source: certificates (design, section 5). Runs whose validator set changes are not judged beyond
//! the change: the API does not publish earlier sets.

use chipledger_schemas::ids::Height;

use super::Run;

/// Certificates that do not verify.
pub fn check(run: &Run) -> Vec<String> {
    let genesis = run.genesis.hash();
    let set = &run.genesis.validators;
    let digest = set.digest();
    let mut wrong = Vec::new();
    for chain in &run.chains {
        let certified = chain.blocks.iter().filter(|b| b.header.height > Height(0));
        for block in certified.take_while(|block| block.header.validators == digest) {
            let height = block.header.height;
            let verified = block.certificate.verify(&genesis, height, &block.hash, set);
            if let Err(error) = verified {
                wrong.push(format!("node{}, height {height}: {error}", chain.node));
            }
        }
    }
    wrong
}
