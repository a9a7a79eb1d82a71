//! The program: parse, dispatch, error → exit code.

fn main() {}
