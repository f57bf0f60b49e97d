#![no_main]

// The emulator may panic, since its panics are caught; those of ours may not.
fn spare_the_guest() {
    let abort = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !og::term::quietly() {
            abort(info);
        }
    }));
}

libfuzzer_sys::fuzz_target!(init: spare_the_guest(), |bytes: &[u8]| og_fuzz::bounded(bytes, og_fuzz::checks::term));
