//! The fuzz targets' bodies, for the programs in `fuzz_targets`. How to run them: `docs/fuzzing.md`.

mod bodies;

/// Does with `data` what the target of this name does.
///
/// # Panics
/// Where a promise is broken: that is what a fuzzer looks for.
pub fn run(target: &str, data: &[u8]) {
    let (_, body) = bodies::TARGETS.iter().find(|(name, _)| *name == target).expect("a target's name");
    body(data);
}
