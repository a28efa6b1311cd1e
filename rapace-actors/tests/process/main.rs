//! Real processes: started, watched, stopped, and left behind by a host that was killed.

mod lacking;
mod orphans;
mod output;
mod parent_watchdog;
mod roles;
mod spawn;
mod stop;
mod support;
