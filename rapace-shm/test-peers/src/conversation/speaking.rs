//! The sending part of a side: everything that a link can carry, even with no room for it.

use std::pin::pin;

use rapace_shm::{
    AllocateError, Closed, Header, Lane, Payload, PublishError, Slot, attachment_table,
};

use super::kind::Kind;
use super::{CALLS, GENERATIONS, Notes, ROOM, Role, Side, fill};

impl<N: Notes> Side<'_, N> {
    pub(super) async fn speak(&self) -> Result<(), Closed> {
        let mut turns = 0;
        if self.role == Role::Plugin {
            turns += 1;
            self.until(|observed| observed.turns >= turns).await?;
        }
        self.say_everything().await?;
        self.send(Kind::Turn, 0).await?;
        if self.role == Role::Host {
            turns += 1;
            self.until(|observed| observed.turns >= turns).await?;
            self.send(Kind::Leave, 0).await?;
        }
        Ok(())
    }

    async fn say_everything(&self) -> Result<(), Closed> {
        for len in [0, 1, 24, 25, 64, 4000] {
            self.send(Kind::Plain, len).await?;
        }
        self.send_attached(&[30, 3000]).await?;
        for call in 0..CALLS {
            self.send(Kind::Call(call), 8).await?;
        }
        self.find_the_ring_full().await?;
        self.find_no_slot().await?;
        // So that everything has been returned.
        self.ask(Kind::Question).await?;
        // Collects from the return ring, and leaves two large slots idle.
        drop(self.out.try_allocate(1 << 20, Lane::Priority));
        for _ in 0..2 {
            self.heartbeat();
        }
        Ok(())
    }

    async fn find_the_ring_full(&self) -> Result<(), Closed> {
        self.ask(Kind::StopUntilHeartbeat(self.heartbeats.get() + 1))
            .await?;
        let mut filling = 0;
        while self.try_send(Kind::Plain, Lane::Data)? {
            filling += 1;
        }
        assert_eq!(filling, ROOM);
        let mut room = pin!(self.out.writable(Lane::Data));
        self.heartbeat_once_waiting(&mut room).await?;
        self.send(Kind::Plain, 3).await
    }

    async fn find_no_slot(&self) -> Result<(), Closed> {
        // All that data may have of the two largest classes.
        for len in [1 << 20, 70_000, 4096, 4096, 4096] {
            self.send(Kind::Hold, len).await?;
        }
        self.ask(Kind::StopUntilHeartbeat(self.heartbeats.get() + 1))
            .await?;
        let mut slot = pin!(self.out.allocate(2000, Lane::Data));
        let mut slot = match self.heartbeat_once_waiting(&mut slot).await {
            Ok(slot) => slot,
            Err(AllocateError::Closed(closed)) => return Err(closed),
            Err(error) => panic!("{error}"),
        };
        slot.fill(fill(self.role, self.numbers.get()));
        self.publish(Kind::Plain, Payload::Slot(&slot.freeze()), &[], 2000)
            .await
    }

    /// Polls a future until it waits, and sends a heartbeat then.
    async fn heartbeat_once_waiting<T>(
        &self,
        waiting: &mut (impl Future<Output = T> + Unpin),
    ) -> T {
        let mut has_reached = false;
        std::future::poll_fn(|cx| {
            let polled = pin!(&mut *waiting).poll(cx);
            if polled.is_pending() && !has_reached {
                has_reached = true;
                self.heartbeat();
            }
            polled
        })
        .await
    }

    fn heartbeat(&self) {
        self.heartbeats.set(self.heartbeats.get() + 1);
        self.out.heartbeat();
    }

    async fn send(&self, kind: Kind, len: usize) -> Result<(), Closed> {
        let bytes = [fill(self.role, self.numbers.get()); rapace_shm::INLINE_MAX];
        if len == 0 {
            return self.publish(kind, Payload::Empty, &[], len).await;
        }
        match bytes.get(..len) {
            Some(bytes) => self.publish(kind, Payload::Inline(bytes), &[], len).await,
            None => {
                let slot = self.written(len).await?;
                self.publish(kind, Payload::Slot(&slot), &[], len).await
            }
        }
    }

    /// Sends a frame whose payload names further slots.
    async fn send_attached(&self, lens: &[usize]) -> Result<(), Closed> {
        let mut attached = Vec::new();
        for len in lens {
            attached.push(self.written(*len).await?);
        }
        let names: Vec<_> = attached.iter().map(Slot::slot_ref).collect();
        let names = attachment_table(&names);
        let allocated = self.out.allocate(names.len(), Lane::Data).await;
        let mut payload = allocated.map_err(closed)?;
        payload.copy_from_slice(&names);
        let payload = payload.freeze();
        self.publish(
            Kind::Attached,
            Payload::Slot(&payload),
            &attached,
            names.len(),
        )
        .await
    }

    /// Returns a slot with the bytes of the next frame, written in two halves.
    async fn written(&self, len: usize) -> Result<Slot, Closed> {
        let mut slot = self.out.allocate(len, Lane::Data).await.map_err(closed)?;
        let byte = fill(self.role, self.numbers.get());
        slot[..len / 2].fill(byte);
        slot[len / 2..].fill(byte);
        Ok(slot.freeze())
    }

    async fn publish(
        &self,
        kind: Kind,
        payload: Payload<'_>,
        attached: &[Slot],
        len: usize,
    ) -> Result<(), Closed> {
        while !self.try_publish(kind, payload, attached, len, Lane::Data)? {
            self.out.writable(Lane::Data).await?;
        }
        Ok(())
    }

    fn try_send(&self, kind: Kind, lane: Lane) -> Result<bool, Closed> {
        self.try_publish(kind, Payload::Empty, &[], 0, lane)
    }

    /// Sends a frame that is answered once all before it were processed.
    async fn ask(&self, kind: Kind) -> Result<(), Closed> {
        let answers = self.observed.get().answers;
        self.send(kind, 0).await?;
        self.until(|observed| observed.answers > answers).await
    }

    pub(super) fn answer(&self) {
        // The listener reports the end of a link.
        let answered = self.try_send(Kind::Answer, Lane::Priority);
        assert_ne!(answered, Ok(false), "no room for an answer");
    }

    fn try_publish(
        &self,
        kind: Kind,
        payload: Payload<'_>,
        attached: &[Slot],
        len: usize,
        lane: Lane,
    ) -> Result<bool, Closed> {
        let number = self.numbers.get();
        let (frame_type, argument) = kind.encode();
        let header = Header {
            frame_type,
            channel: number,
            call: argument,
            generation: argument + GENERATIONS,
            credits: len as u32,
            ..Header::default()
        };
        self.notes.will_publish(number);
        match self.out.try_publish(&header, payload, attached, lane) {
            Ok(()) => {
                self.notes.published(number);
                self.numbers.set(number + 1);
                Ok(true)
            }
            Err(PublishError::Full) => Ok(false),
            Err(PublishError::Closed(closed)) => Err(closed),
            Err(error) => panic!("{error}"),
        }
    }
}

fn closed(error: AllocateError) -> Closed {
    match error {
        AllocateError::Closed(closed) => closed,
        error => panic!("{error}"),
    }
}
