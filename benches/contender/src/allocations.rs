//! Counts allocations while somebody wants to know.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

static COUNTING: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

/// The system's allocator, and a counter of what it is asked for. Runs whose time is taken do not
/// count: they pay for one read of a flag that nobody writes meanwhile.
#[derive(Debug)]
pub struct CountingAllocator;

#[allow(unsafe_code, reason = "an allocator is unsafe to write")]
// SAFETY: every call goes to `System` with the very arguments that came in, so what `System` promises
// holds here; counting touches atomics alone, and so neither allocates nor unwinds.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `System`, by the methods beside this one, with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as in `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as in `dealloc`, and the caller promises that `size` fits.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

fn count() {
    if COUNTING.load(Relaxed) {
        ALLOCATIONS.fetch_add(1, Relaxed);
    }
}

/// Counts from here on, or no more.
pub(crate) fn set_counting(on: bool) {
    COUNTING.store(on, Relaxed);
}

/// So many so far; a reallocation is one.
pub(crate) fn allocations() -> u64 {
    ALLOCATIONS.load(Relaxed)
}
