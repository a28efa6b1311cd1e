//! The process that dies: it runs one side of the conversation, and is killed at the step that its
//! arguments name: `role trust path|- journal [site before|after nth]`.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use nix::unistd::alarm;
use rapace_shm::{ControlSocket, Link, Listener, Trust};
use rapace_shm_test_peers::conversation::{self, Role};
use rapace_shm_test_peers::victim::{Journal, arm};

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match live() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If this fails too, there is no other way to report.
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::from(2)
        }
    }
}

fn live() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [role, trust, path, journal, ref death @ ..] = *arguments else {
        return Err("role trust path|- journal [site before|after nth]".into());
    };
    let role = match role {
        "host" => Role::Host,
        "plugin" => Role::Plugin,
        other => return Err(format!("{other} is no role").into()),
    };
    let trust = match trust {
        "trusted" => Trust::Trusted,
        "untrusted" => Trust::Untrusted,
        other => return Err(format!("{other} is no trust").into()),
    };
    // This process ends, even if the conversation hangs.
    alarm::set(LIFETIME);
    let journal = Journal::open(Path::new(journal))?;
    arm(death)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let link = connect(role, trust, path).await?;
        let (ended, _out) = conversation::converse(link, role, true, &journal).await;
        ended.sent?;
        match ended.received {
            None => Ok::<(), Failure>(()),
            Some(error) => Err(error.into()),
        }
    })?;
    journal.finish();
    Ok(())
}

async fn connect(role: Role, trust: Trust, path: &str) -> Result<Link, Failure> {
    Ok(match role {
        Role::Host => {
            let listener = Listener::bind(path)?;
            writeln!(std::io::stdout(), "listening")?;
            let socket = listener.accept().await?;
            drop(listener);
            let config = conversation::config(trust);
            match trust {
                // As a host does for a child.
                Trust::Trusted => socket.offer(&config)?.finish().await?,
                Trust::Untrusted => socket.host(&config).await?,
            }
        }
        Role::Plugin if path == "-" => ControlSocket::from_stdin()?.join().await?,
        Role::Plugin => Listener::connect(path).await?.join().await?,
    })
}

/// In seconds: much longer than a conversation takes.
const LIFETIME: u32 = 30;
