//! Where the slots of a slab are.
//!
//! The four moments in a slot's life are made to last: one slot of every class is written, kept by
//! the other side, and given back.

use rapace::Blob;
use rapace_session::Session;
use rapace_shm::LinkStats;

use super::exit::Problem;
use super::service::EchoProxy;

/// Prints the slots of this side's slab, a line for each class.
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

/// Takes one slot of every class through its life, and prints where all slots are at each step.
///
/// # Errors
/// If a call fails, or the other side kept something else than it was given.
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
    let let_go = proxy.let_go().await;
    let let_go = let_go.map_err(|why| Problem::call("letting go of what was kept", why))?;
    if let_go != sent {
        return Err(Problem::Differs(format!("{let_go} of {sent} buffers")));
    }
    show("after they were given back");
    Ok(())
}

/// A length with its unit.
pub(super) fn size(bytes: usize) -> String {
    match bytes {
        n if n >= 1 << 20 && n.is_multiple_of(1 << 20) => format!("{} MiB", n >> 20),
        n if n >= 1 << 10 && n.is_multiple_of(1 << 10) => format!("{} KiB", n >> 10),
        n => format!("{n} B"),
    }
}
