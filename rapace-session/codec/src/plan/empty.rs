//! Which types take at least one byte on the wire, whatever the value.
//!
//! There cannot be more of these than unread bytes, so their number needs no limit.

use super::{Form, Node, What};

/// Finds the least solution: a type that contains itself counts as never empty only if something else in it is.
pub(super) fn find_never_empty(nodes: &mut [Node]) {
    loop {
        let found: Vec<bool> = nodes.iter().map(|node| takes_a_byte(node, nodes)).collect();
        let changed = nodes
            .iter()
            .zip(&found)
            .any(|(node, found)| node.never_empty != *found);
        for (node, found) in nodes.iter_mut().zip(found) {
            node.never_empty = found;
        }
        if !changed {
            return;
        }
    }
}

fn takes_a_byte(node: &Node, nodes: &[Node]) -> bool {
    match &node.form {
        Form::Steps(steps) => steps.iter().any(|step| match step.what {
            What::Copy(len) => len > 0,
            What::Node(id) => nodes[id.0].never_empty,
            _ => true,
        }),
        // One without elements has no size, and so no form of its own.
        Form::Array { element, .. } => nodes[element.0].never_empty,
        Form::Pointer { pointee, .. } => nodes[pointee.0].never_empty,
        _ => true,
    }
}
