//! Which slots of a session are in use.

use rapace::{ClassStats, LinkStats};

/// Names each class with slots in use. Empty if there is none.
pub(crate) fn in_use(stats: &LinkStats) -> String {
    let fragments = std::iter::once((&stats.fragments, "fragment slots"));
    let classes = stats.classes.iter().map(|class| (class, "slots"));
    let used = classes
        .chain(fragments)
        .filter(|(class, _)| class.free < class.total);
    let texts: Vec<_> = used.map(|(class, what)| text(class, what)).collect();
    texts.join("; ")
}

fn text(class: &ClassStats, what: &str) -> String {
    let ClassStats {
        slot_size,
        total,
        free,
        writing,
        held,
        in_flight,
        ..
    } = class;
    format!(
        "{what} of {slot_size} B: {free} of {total} free, {writing} being written, {held} held, {in_flight} in flight"
    )
}
