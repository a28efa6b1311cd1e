//! The states of a slab's slots.
//!
//! Holds one slot of every class in each of its states: being written, written, held by the peer, returned.

use rapace::Blob;
use rapace_session::Session;
use rapace_shm::LinkStats;

use super::exit::Problem;
use super::service::EchoProxy;

/// Prints the slots of this side's slab, one line per class.
pub fn show_slots(moment: &str, stats: &LinkStats) {
    println!("slots {moment}");
    println!("  class    total   free  writing   held  in flight");
    for class in &stats.classes {
        println!(
            "  {:<8} {:>5} {:>6} {:>8} {:>6} {:>10}",
            size(class.slot_size as usize),
            class.total,
            class.free,
            class.writing,
            class.held,
            class.in_flight
        );
    }
}

/// Takes one slot of every class through its states, and prints the whole slab at each step.
///
/// # Errors
/// A call fails, or the peer kept something else than it was sent.
pub async fn lives_of_slots(session: &Session, proxy: &EchoProxy) -> Result<(), Problem> {
    let Some(stats) = session.link_stats() else {
        return Ok(());
    };
    let sizes = stats.classes.iter().map(|class| class.slot_size as usize);
    let show = |moment| {
        if let Some(stats) = session.link_stats() {
            show_slots(moment, &stats);
        }
    };
    show("before");
    let mut written = Vec::new();
    for size in sizes {
        written.push(proxy.allocate(size).await.expect("a class for each size"));
    }
    show("while one of each class is written");
    let frozen = written.into_iter().map(|slot| slot.freeze());
    let frozen: Vec<Blob> = frozen.collect();
    show("when they are written and not sent");
    let sent = frozen.len() as u32;
    for blob in frozen {
        let kept = proxy.keep(blob).await;
        kept.map_err(|why| Problem::call("sending a buffer to be kept", why))?;
    }
    show("while the other side keeps them");
    let released = proxy.release().await;
    let released = released.map_err(|why| Problem::call("releasing the kept buffers", why))?;
    if released != sent {
        return Err(Problem::Differs(format!("{released} of {sent} buffers")));
    }
    show("after they were given back");
    Ok(())
}

/// Formats a length with its unit.
pub(super) fn size(bytes: usize) -> String {
    match bytes {
        n if n >= 1 << 20 && n.is_multiple_of(1 << 20) => format!("{} MiB", n >> 20),
        n if n >= 1 << 10 && n.is_multiple_of(1 << 10) => format!("{} KiB", n >> 10),
        n => format!("{n} B"),
    }
}
