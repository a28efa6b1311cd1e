//! The roles of this program when a test starts it as another process. Ignored, so that no test run enters
//! them.

use std::future::Future;

use rapace::OnPanic;
use rapace::plugin::{PluginServer, ServeError};

use crate::door::DoorProxy;
use crate::journal::Pen;
use crate::subject::{Plain, SubjectServer};
use crate::support::ROLE;

/// Mailbox capacity of the plugin under test, or the path of a file that contains it.
pub(crate) const CAPACITY: &str = "RAPACE_TEST_CAPACITY";

/// Set if the plugin under test stops when a handler panics.
pub(crate) const STOPS: &str = "RAPACE_TEST_STOPS";

fn is(name: &str) -> bool {
    std::env::var(ROLE).is_ok_and(|role| role == name)
}

/// One thread, so that a handler which blocks it blocks everything.
pub(crate) fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(work)
}

/// Runs a plugin as its `main` would.
fn serve(main: impl FnOnce() -> PluginServer) -> ! {
    let served = run(async { main().try_run().await });
    std::process::exit(match served {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("{error}");
            match error {
                ServeError::Establish(_) | ServeError::Handshake(_) => 69,
                _ => 70,
            }
        }
    })
}

#[test]
#[ignore = "a role: the plugin under test"]
fn subject() {
    if is("subject") {
        if let Some(directory) = std::env::var_os(crate::miser::MISER) {
            run(crate::miser::hoard_twice(directory.as_ref()));
        }
        if let Some(once) = std::env::var_os(crate::faults::RUDE)
            && !std::path::Path::new(&once).exists()
        {
            run(crate::faults::misbehave(once.as_ref()));
        }
        serve(|| {
            let mut main = PluginServer::new();
            if let Ok(capacity) = std::env::var(CAPACITY) {
                let capacity = std::fs::read_to_string(&capacity).unwrap_or(capacity);
                main = main.capacity(capacity.parse().expect("a number"));
            }
            if std::env::var_os(STOPS).is_some() {
                main = main.on_panic(OnPanic::Stop);
            }
            let door = main.host::<DoorProxy>();
            main.service(SubjectServer::new(Plain {
                pen: Pen::new(),
                door,
                written: 0,
            }))
        })
    }
}

#[test]
#[ignore = "a role: a plugin whose service has the right name and other methods"]
fn impostor() {
    if is("impostor") {
        serve(|| {
            PluginServer::new().service(crate::starts::impostor::SubjectServer::new(
                crate::starts::Impostor,
            ))
        });
    }
}

#[test]
#[ignore = "a role: a plugin with a service that nobody can call"]
fn odd() {
    if is("odd") {
        serve(crate::starts::odd_main);
    }
}

#[test]
#[ignore = "a role: a plugin whose runtime has no timers"]
fn timeless() {
    if is("timeless") {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_io().build().expect("a runtime");
        let served = runtime.block_on(PluginServer::new().try_run());
        std::process::exit(served.map_or(70, |()| 0));
    }
}

#[test]
#[ignore = "a role: a plugin with a window of 0 bytes"]
fn windowless() {
    if is("windowless") {
        serve(crate::starts::windowless_main);
    }
}

#[test]
#[ignore = "a role: a plugin with two services of one name"]
fn twice() {
    if is("twice") {
        serve(crate::starts::twice_main);
    }
}

#[test]
#[ignore = "a role: a plugin of whichever build a file says"]
fn ops() {
    if is("ops") {
        serve(crate::builds::main);
    }
}

#[test]
#[ignore = "a role: a plugin that reports how often it has spun"]
fn watch() {
    if is("watch") {
        serve(crate::spin::main);
    }
}

#[test]
#[ignore = "a role: a plugin with windows of its own"]
fn windows() {
    if is("windows") {
        serve(crate::windows::main);
    }
}

#[test]
#[ignore = "a role: a plugin whose handlers wait while their callers use up slots"]
fn progress() {
    if is("progress") {
        serve(crate::progress::plugin::main);
    }
}

#[test]
#[ignore = "a role: a plugin that sends what its host's types do not bear"]
fn sender() {
    if is("sender") {
        serve(crate::unlucky::main);
    }
}

#[test]
#[ignore = "a role: a plugin of another release"]
fn other_version() {
    if is("other_version") {
        run(crate::starts::say_another_version());
    }
}

#[test]
#[ignore = "a role: a host that may not signal its plugins"]
fn unprivileged_host() {
    if is("unprivileged_host") {
        run(crate::unsignallable::become_nobody());
    }
}

#[test]
#[ignore = "a role: a host that runs out of descriptors"]
fn starving_host() {
    if is("starving_host") {
        run(crate::shortage::starve());
    }
}

#[test]
#[ignore = "a role: a plugin that never comes as far as serving"]
fn loader() {
    if is("loader") {
        crate::host_death::load_for_ever();
    }
}

#[test]
#[ignore = "a role: a host that ends while its plugin is starting"]
fn starting_host() {
    if is("starting_host") {
        run(crate::host_death::starting_host());
    }
}

#[test]
#[ignore = "a role: a plugin whose hello claims too much"]
fn boast() {
    if is("boast") {
        run(crate::starts::boast());
    }
}

#[test]
#[ignore = "a role: a host whose plugin is in the middle of a call"]
fn host() {
    if is("host") {
        run(crate::host_death::host());
    }
}

#[test]
#[ignore = "a role: a plugin that has something to do after it has served"]
fn parting() {
    if is("parting") {
        crate::parting::part();
    }
}

#[test]
#[ignore = "a role: a host that is killed while it stops such a plugin"]
fn stopping_host() {
    if is("stopping_host") {
        run(crate::parting::stopping_host());
    }
}
