//! Real processes: started, listened to, taken down, and left behind by a host that was killed.

mod guard;
mod lacking;
mod orphans;
mod output;
mod roles;
mod spawn;
mod stop;
mod support;
