//! The full fence, as x86-64 does it best.
//!
//! - FE1: a locked instruction orders all loads and stores before it with all after it, as `mfence` does (Intel's manual,
//!   volume 3, "Memory Ordering"; AMD's, volume 2, "Read/Write Barriers"), for ordinary memory, which is all that there
//!   is here. It takes a sixth of the time. The compiler moves no access to memory across a block of assembly.

/// As a sequentially consistent fence.
#[inline(always)]
pub(crate) fn full() {
    // SAFETY: it adds nothing to a word of the stack, which stays as it is (FE1).
    unsafe {
        std::arch::asm!("lock or dword ptr [rsp], 0", options(nostack));
    }
}
