//! A call before it is sent: its deadline, its metadata, and whether it waits for a plugin that is being restarted.

use std::convert::Infallible;
use std::future::IntoFuture;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use super::handle::Proxy;
use super::options::AskOptions;
use super::turn::Turn;
use crate::clock::after;
use crate::error::CallError;
use crate::service::{MethodCall, Service};

impl<S: Service> Proxy<S> {
    /// Calls a method and waits for its result: `proxy.ask(Highlight { .. }).await`.
    pub fn ask<M: MethodCall<S>>(&self, message: M) -> Call<'_, S, M> {
        Call::new(self, message)
    }

    /// Sends a message without waiting for a result: `proxy.tell(Note { .. }).await`. As with a
    /// local actor, it waits while the mailbox is full, and a failure of the handler is logged.
    pub fn tell<M: MethodCall<S>>(&self, message: M) -> Tell<'_, S, M> {
        Tell::new(self, message)
    }
}

macro_rules! options {
    () => {
        /// Sets a deadline. The handler sees it, and the handler's own calls inherit it.
        ///
        /// # Panics
        /// When it is awaited, in a tokio runtime without timers: build that with `enable_all`.
        pub fn deadline(mut self, at: Instant) -> Self {
            self.options.call.deadline = Some(at);
            self
        }

        /// Sets a timeout, starting now.
        ///
        /// # Panics
        /// As for [`deadline`](Self::deadline).
        pub fn timeout(mut self, timeout: Duration) -> Self {
            self.options.call.deadline = after(timeout);
            self
        }

        /// Adds a key and a value that the handler can read from its [`CallContext`](crate::CallContext).
        pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
            self.options.call.metadata.push((key.into(), value.into()));
            self
        }

        /// Fails at once with [`CallError::Restarting`], instead of waiting, while the plugin is being started or
        /// restarted.
        pub fn fail_fast(mut self) -> Self {
            self.options.fail_fast = true;
            self
        }
    };
}

/// A call that waits for its result. Nothing happens until it is awaited.
///
/// # Cancel safety
/// Dropping the future cancels the call: a call that has not begun never begins, and a running handler is dropped at
/// its next await.
#[must_use = "a call is made when it is awaited"]
pub struct Call<'a, S: Service, M: MethodCall<S>> {
    proxy: &'a Proxy<S>,
    message: M,
    options: AskOptions,
}

impl<'a, S: Service, M: MethodCall<S>> Call<'a, S, M> {
    pub(crate) fn new(proxy: &'a Proxy<S>, message: M) -> Self {
        Self {
            proxy,
            message,
            options: AskOptions::default(),
        }
    }

    options!();

    /// Makes the call.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn send(self) -> Result<M::Ok, CallError<M::Error>> {
        self.proxy
            .run(self.message, self.options, Turn::free())
            .await
    }
}

impl<'a, S: Service, M: MethodCall<S>> IntoFuture for Call<'a, S, M> {
    type Output = Result<M::Ok, CallError<M::Error>>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

/// A message that expects no result. Nothing happens until it is awaited.
///
/// # Cancel safety
/// Dropping the future before it completes sends nothing.
#[must_use = "a message is sent when it is awaited"]
pub struct Tell<'a, S: Service, M: MethodCall<S>> {
    proxy: &'a Proxy<S>,
    message: M,
    options: AskOptions,
}

impl<'a, S: Service, M: MethodCall<S>> Tell<'a, S, M> {
    pub(crate) fn new(proxy: &'a Proxy<S>, message: M) -> Self {
        Self {
            proxy,
            message,
            options: AskOptions::default(),
        }
    }

    options!();

    /// Sends the message.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn send(self) -> Result<(), CallError<Infallible>> {
        self.proxy.send(self.message, self.options).await
    }
}

impl<'a, S: Service, M: MethodCall<S>> IntoFuture for Tell<'a, S, M> {
    type Output = Result<(), CallError<Infallible>>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}
