//! What waits on this side: who, for what, and who has it.
//!
//! - WW1: waits are looked at with each heartbeat of this side, and when somebody asks. No sender does more for it than
//!   to register while it waits, and no call is stamped.
//! - WW2: a holder is named only as far as this side knows it: from its own call table, the start markers, the slots, and
//!   the peer's heartbeats.

use std::collections::HashMap;
use std::time::Instant;

use rapace_codec::guarded;

use crate::calls::watch::{SeenCall, give_up_payloads};
use crate::link::deadline::now;
use crate::link::waits::{Flow, Group, Need};
use crate::session::parts::Parts;
use crate::session::wait::{CallUnderWay, Holder, LONG, MethodName, Resource, Wait, Waiter};
use crate::session::wait_watch::Seen;
use crate::session::window_budget::Share;
use crate::wire::frame::ChannelId;
use crate::wire::offer::ServiceOffer;

/// One look.
struct Look<'a> {
    parts: &'a Parts,
    now: Instant,
    seen: Seen,
}

impl<'a> Look<'a> {
    fn new(parts: &'a Parts, now: Instant, seen: Seen) -> Self {
        Self { parts, now, seen }
    }
}

impl Parts {
    /// Returns what has waited long, the longest wait first.
    pub(crate) fn waiting(&self) -> Vec<Wait> {
        let now = now();
        let seen = self.wait_watch.lock().look(&self.calls, now);
        Look::new(self, now, seen).waits()
    }

    /// Gives up payloads of calls that have begun, takes back what senders have that are not polled, and reports waits that have
    /// become long since the last heartbeat (WW1).
    pub(crate) fn look_at_calls(&self) {
        if self.link.end.is_settled() {
            return;
        }
        let now = now();
        let seen = self.wait_watch.lock().look(&self.calls, now);
        give_up_payloads(&self.calls, &seen.calls);
        if let Some(long_ago) = now.checked_sub(LONG) {
            let short = self.link.waits.short_channels(long_ago);
            self.calls
                .revoke(now, |channel| short.contains(&channel.id));
        }
        let waits = Look::new(self, now, seen).waits();
        let begun = self.wait_watch.lock().episodes.begun(waits, now);
        // Without the lock: the receiver may ask what waits.
        for wait in begun {
            self.report_wait(wait);
        }
    }

    fn report_wait(&self, wait: Wait) {
        let Some(on_wait) = &self.config.on_wait else {
            let peer = self.peer.get().map_or("", |peer| &peer.name);
            tracing::warn!(peer, "{wait}");
            return;
        };
        if let Err(panic) = guarded(|| on_wait(wait)) {
            tracing::error!("`SessionConfig::on_wait` panicked: {panic}");
        }
    }
}

impl Look<'_> {
    fn waits(&self) -> Vec<Wait> {
        let registered = self.parts.link.waits.groups();
        let registered = registered
            .iter()
            .filter(|group| self.is_long(group.since))
            .filter_map(|group| self.registered(group));
        let mut waits: Vec<Wait> = Vec::new();
        for mut wait in registered.chain(self.in_mailboxes()) {
            let of = |wait: &Wait| wait.resource.group_key();
            let same = |other: &&mut Wait| other.waiter == wait.waiter && of(other) == of(&wait);
            match waits.iter_mut().find(same) {
                Some(other) => {
                    other.count += wait.count;
                    if other.waited < wait.waited {
                        wait.count = other.count;
                        *other = wait;
                    }
                }
                None => waits.push(wait),
            }
        }
        waits.sort_by_key(|wait| std::cmp::Reverse(wait.waited));
        waits
    }

    fn is_long(&self, since: Instant) -> bool {
        self.now.saturating_duration_since(since) >= LONG
    }

    fn registered(&self, group: &Group) -> Option<Wait> {
        let waiter = match group.flow {
            Flow::Requests { channel, method } => Waiter::Call(self.name(channel, method)),
            Flow::Replies { channel, method } => Waiter::Reply(self.name(channel, method)),
            Flow::Items { channel, method } => Waiter::Stream(self.name(channel, method)),
            Flow::Allocations => Waiter::Allocation,
        };
        let (resource, holder) = self.needed(group)?;
        Some(Wait {
            waiter,
            count: group.count,
            waited: self.now.saturating_duration_since(group.since),
            resource,
            holder,
        })
    }

    /// What a group waits for, and who has it. `None` if it has come back since the group was found.
    fn needed(&self, group: &Group) -> Option<(Resource, Holder)> {
        let peer = Holder::Peer {
            silent: self.seen.silent,
        };
        Some(match (group.need, group.flow) {
            (Need::Credit, Flow::Requests { channel, .. }) => {
                let requests = &self.parts.channels.client(channel)?.window;
                let window = requests.size();
                let call_table = self.bounding_call_table(window);
                let resource = Resource::Credit { window, call_table };
                let holder = match requests.has_room() {
                    true => Holder::Unpolled,
                    false => self.calls_of(channel),
                };
                (resource, holder)
            }
            (Need::RequestBytes, Flow::Requests { channel, .. }) => {
                let requests = &self.parts.channels.client(channel)?.window;
                let (window, maximum) = requests.bytes();
                let resource = Resource::RequestBytes { window, maximum };
                let unbegun = |seen: &SeenCall| seen.call.channel == channel && !seen.has_begun();
                let holder = match requests.has_room() {
                    true => Holder::Unpolled,
                    false => self.among(unbegun).unwrap_or(Holder::Unsent),
                };
                (resource, holder)
            }
            (Need::StreamItems, _) => {
                let window = self.parts.peer.get()?.stream_window;
                (Resource::StreamItems { window }, Holder::Receiver)
            }
            (Need::StreamBytes { stream }, _) => {
                let (window, maximum) = self.parts.streams.bytes_granted(stream)?;
                let resource = Resource::StreamBytes { window, maximum };
                (resource, Holder::Receiver)
            }
            (Need::Slot { len }, _) => self.slot(len)?,
            (Need::Fragments, _) => (Resource::Fragments, peer),
            (Need::Poll, _) => (Resource::Fragments, Holder::Unpolled),
            (Need::Ring, _) if self.ring_has_room() => (Resource::Ring, Holder::Unpolled),
            (Need::Ring, _) => (Resource::Ring, peer),
            (Need::Credit | Need::RequestBytes, _) => return None,
        })
    }

    fn ring_has_room(&self) -> bool {
        let stats = self.parts.link.transport.link_stats();
        stats.is_some_and(|stats| stats.ring_depth < stats.ring_capacity / 2)
    }

    fn slot(&self, len: usize) -> Option<(Resource, Holder)> {
        let stats = self.parts.link.transport.link_stats()?;
        let fitting = stats.classes.iter();
        let fitting = fitting.filter(|class| class.slot_size as usize >= len);
        let class = fitting.min_by_key(|class| class.slot_size)?;
        let resource = Resource::Slot {
            size: class.slot_size,
        };
        let holder = Holder::Slots {
            total: class.total,
            used_by_peer: class.in_flight,
            held_here: class.held + class.writing,
            reserved: class.free.min(class.reserved),
        };
        Some((resource, holder))
    }

    /// The entries of the call table, if they may bound a channel's window. They do not if the peer would grant more now.
    fn bounding_call_table(&self, window: u32) -> Option<u32> {
        let share = Share {
            call_table: self.parts.link.transport.call_table(),
            services: self.parts.peer.get()?.services.len() as u32,
        };
        let channels = &self.parts.channels;
        let left = share.call_table.saturating_sub(channels.granted());
        let fair = share.window(left + window, channels.opened());
        (fair <= window).then_some(share.call_table)
    }

    /// The calls that wait in mailboxes.
    fn in_mailboxes(&self) -> impl Iterator<Item = Wait> {
        let mut groups = HashMap::new();
        for seen in self
            .seen
            .calls
            .iter()
            .filter(|seen| seen.waits_in_mailbox())
        {
            let method = seen.call.method.unwrap_or_default();
            let group = groups.entry((seen.call.channel, method));
            let (count, since) = group.or_insert((0, seen.since));
            *count += 1;
            *since = seen.since.min(*since);
        }
        let long = groups
            .into_iter()
            .filter(|(_, (_, since))| self.is_long(*since));
        long.map(|((channel, method), (count, since))| {
            let begun = |seen: &SeenCall| seen.call.channel == channel && seen.has_begun();
            Wait {
                waiter: Waiter::Call(self.name(channel, method)),
                count,
                waited: self.now.saturating_duration_since(since),
                resource: Resource::Mailbox,
                holder: self.among(begun).unwrap_or(Holder::Peer {
                    silent: self.seen.silent,
                }),
            }
        })
    }

    fn calls_of(&self, channel: ChannelId) -> Holder {
        self.among(|seen| seen.call.channel == channel)
            .unwrap_or(Holder::Unsent)
    }

    /// The calls under way that `is` holds for.
    fn among(&self, is: impl Fn(&SeenCall) -> bool) -> Option<Holder> {
        let those = || self.seen.calls.iter().filter(|seen| is(seen));
        let oldest = those().min_by_key(|seen| (seen.since, seen.call.order))?;
        Some(Holder::Calls {
            count: those().count(),
            oldest: CallUnderWay {
                method: oldest
                    .call
                    .method
                    .map(|method| self.name(oldest.call.channel, method)),
                begun: oldest.has_begun(),
                seen: self.now.saturating_duration_since(oldest.since),
            },
        })
    }

    /// The name of a method that is called over a channel of either side.
    fn name(&self, channel: ChannelId, number: u32) -> MethodName {
        let Parts {
            channels,
            streams,
            config,
            peer,
            ..
        } = self.parts;
        let client = channels.client(channel);
        let route = channels.service(channel);
        // A stream may outlive the channel of its call.
        let left = match (&client, &route) {
            (None, None) => streams.service_of(channel),
            _ => None,
        };
        let service = match (&client, &route, &left) {
            (Some(client), _, _) => &*client.service,
            (_, Some(route), _) => &*route.service,
            (_, _, Some(left)) => &**left,
            (None, None, None) => "a closed channel",
        };
        let offers: &[ServiceOffer] = match channels.ids.is_peers(channel) {
            true => &config.provides,
            false => peer.get().map_or(&[], |peer| &peer.services),
        };
        let offer = offers.iter().find(|offer| *offer.name == *service);
        let method = offer.and_then(|offer| offer.methods.get(number as usize));
        MethodName {
            service: service.to_owned(),
            method: method.map_or_else(|| format!("#{number}"), |method| method.name.clone()),
        }
    }
}
