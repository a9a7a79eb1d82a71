#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| katana_fuzz::run("ancestor", data));
