//! The full fence, in its fastest form on x86-64.
//!
//! - FE1: a locked instruction orders all loads and stores before it with all after it, as `mfence` does (Intel's
//!   manual, volume 3, "Memory Ordering"; AMD's, volume 2, "Read/Write Barriers"), for ordinary memory, the only
//!   kind used here. It takes a sixth of the time. The compiler moves no memory access across a block of assembly.

/// Acts as a sequentially consistent fence.
#[inline(always)]
pub(crate) fn full() {
    // SAFETY: it adds zero to a word of the stack, which stays as it is (FE1).
    unsafe {
        std::arch::asm!("lock or dword ptr [rsp], 0", options(nostack));
    }
}
