//! Counts the memory in use, so that an input that makes a decoder hoard fails like one that makes it panic.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

/// What a check may hold whatever its input: buffers, the screens of the emulator, the rows that are compared.
const BASE_BYTES: usize = 16 << 20;

/// What a check may hold for each byte of its input. The worst honest case is a new key of two letters, which costs
/// its name, its seat and its place in two maps, in each of the decodings that a check compares.
const PER_BYTE: usize = 1 << 10;

struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        PEAK.fetch_max(LIVE.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(at, layout) }
    }
}

/// Runs `check` on `bytes`, and panics when it took more memory than such an input may cost.
pub fn bounded(bytes: &[u8], check: fn(&[u8])) {
    let before = LIVE.load(Relaxed);
    PEAK.store(before, Relaxed);
    check(bytes);
    let taken = PEAK.load(Relaxed).saturating_sub(before);
    let may = BASE_BYTES + PER_BYTE * bytes.len();
    assert!(taken <= may, "{} bytes of input took {taken} bytes of memory", bytes.len());
}
