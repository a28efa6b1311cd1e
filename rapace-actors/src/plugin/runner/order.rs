//! What a runner is told to do.

use tokio::sync::mpsc;

use crate::process::ShutdownTimeouts;

/// What a runner is told.
#[derive(Debug)]
pub(crate) enum Order {
    /// Take the process down as requested.
    Stop {
        /// How.
        timeouts: ShutdownTimeouts,
        /// No other process is to follow.
        for_good: bool,
    },
    /// SIGKILL, as a crash would: what follows is the restart policy's.
    Kill,
}

/// Waits for an order. When nobody gives any more, nobody wants the plugin.
pub(super) async fn next(orders: &mut mpsc::UnboundedReceiver<Order>) -> Order {
    let order = orders.recv().await;
    order.unwrap_or_else(|| Order::Stop {
        timeouts: ShutdownTimeouts::at_once(),
        for_good: true,
    })
}
