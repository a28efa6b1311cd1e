//! A small group of plugins, for the examples and tests of supervision.
//!
//! | part | what it shows |
//! |---|---|
//! | `member` | the plugin: two services, and a handler that asks its host what to do |
//! | `desk` | the host's side of that: a call that has begun says so and waits for a word |
//! | `story` | what happens to the group, printed as it happens |

mod desk;
mod member;
mod story;

pub use desk::{Begun, Desk, DeskProxy, DeskServer, DeskService, Verdict, desk};
pub use member::{
    Crash, Reads, ReadsProxy, ReadsServer, ReadsService, Writes, WritesProxy, WritesServer,
    WritesService, member, serve_member,
};
pub use story::{Part, Stage, Story};
