//! The notes of a process that is to die, as lines of its journal.

use rapace_shm_test_peers::victim::{Journal, passed};

use crate::work::Notes;

impl Notes for Journal {
    fn will_begin(&self, call: u32) {
        self.line(&format!("will_begin {call} {}", passed("StartMarker")));
    }

    fn ran(&self, call: u32) {
        self.line(&format!("ran {call}"));
    }

    fn will_reply(&self, call: u32) {
        self.line(&format!("will_reply {call} {}", passed("Tail")));
    }

    fn replied(&self, call: u32) {
        self.line(&format!("replied {call}"));
    }
}
