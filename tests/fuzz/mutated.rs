//! Every committed seed of a fuzz target, hurt in every small way: a fuzz run that always runs.

use std::path::Path;

/// The head of a long seed: every field is in it.
const SHORT_BYTES: usize = 64;

/// The committed seeds of a fuzz target, each whole, cut everywhere, and with every bit turned.
pub fn mutated(kind: &str, mut exercise: impl FnMut(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/seeds").join(kind);
    let mut seeds = 0;
    for file in std::fs::read_dir(&folder).expect("seeds") {
        let seed = std::fs::read(file.expect("a seed").path()).expect("it can be read");
        seeds += 1;
        exercise(&seed);
        for at in 0..seed.len().min(SHORT_BYTES) {
            exercise(&seed[..at]);
            for bit in 0..8 {
                let mut changed = seed.clone();
                changed[at] ^= 1 << bit;
                exercise(&changed);
            }
        }
    }
    assert!(seeds > 0, "no seeds in {}", folder.display());
}
