//! The orders to a runner.

use tokio::sync::mpsc;

use crate::process::ShutdownTimeouts;

/// An order to a runner.
#[derive(Debug)]
pub(crate) enum Order {
    /// Stop the process in stages.
    Stop {
        /// The timeouts of the stages.
        timeouts: ShutdownTimeouts,
        /// Whether no other process follows.
        for_good: bool,
    },
    /// Kill the process with SIGKILL. That counts as a crash, so the restart policy decides what follows.
    Kill,
}

/// Waits for an order. A closed channel means that nobody uses the plugin any more, so it is stopped.
pub(super) async fn next(orders: &mut mpsc::UnboundedReceiver<Order>) -> Order {
    let order = orders.recv().await;
    order.unwrap_or_else(|| Order::Stop {
        timeouts: ShutdownTimeouts::at_once(),
        for_good: true,
    })
}
