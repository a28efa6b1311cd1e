//! A small group of plugins, for the examples and tests of supervision.
//!
//! | module | what it shows |
//! |---|---|
//! | `member` | the plugin: two services, and a handler that asks its host what to do |
//! | `desk` | the host's side of that: a call announces that it has begun and waits for an action |
//! | `story` | the group's events, printed as they happen |

mod desk;
mod member;
mod story;

pub use desk::{Action, Begun, Desk, DeskProxy, DeskServer, DeskService, desk};
pub use member::{
    Crash, Reads, ReadsProxy, ReadsServer, ReadsService, Writes, WritesProxy, WritesServer,
    WritesService, member, serve_member,
};
pub use story::{Part, Stage, Story};
