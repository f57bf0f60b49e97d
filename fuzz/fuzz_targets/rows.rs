#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| og_fuzz::bounded(bytes, og_fuzz::checks::rows));
