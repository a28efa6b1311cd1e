//! The process that dies: it serves calls, or makes them, and kills itself at the step that its
//! arguments name: `serves|calls incarnation journal [site before|after nth]`.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use rapace_session::transport::shm;
use rapace_session::{Session, SessionConfig, Side};
use rapace_session_test_peers::work;
use rapace_shm::ControlSocket;
use rapace_shm_test_peers::victim::{Journal, arm};

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match live() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There is no other way to report an error of this.
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::from(2)
        }
    }
}

fn live() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [does, incarnation, journal, ref death @ ..] = *arguments else {
        return Err("serves|calls incarnation journal [site before|after nth]".into());
    };
    let journal = Journal::open(Path::new(journal))?;
    arm(death)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let incarnation = incarnation.parse()?;
    runtime.block_on(async {
        match does {
            "serves" => serve(incarnation, &journal).await,
            "calls" => call().await,
            other => Err(format!("{other} is nothing to do").into()),
        }
    })?;
    // Stopping the session's actors hangs up.
    drop(runtime);
    journal.finish();
    Ok(())
}

async fn serve(incarnation: u32, journal: &Journal) -> Result<(), Failure> {
    let link = ControlSocket::from_stdin()?.join().await?;
    let (config, calls) = work::server("victim");
    let endpoint = shm::endpoint(link, Side::Joiner);
    let session = Session::establish(endpoint, config).await?;
    tokio::select! {
        () = work::serve(calls, incarnation, journal) => {}
        _ = session.ended() => {}
    }
    Ok(())
}

async fn call() -> Result<(), Failure> {
    let link = ControlSocket::from_stdin()?.host(&work::segment()).await?;
    let endpoint = shm::endpoint(link, Side::Creator);
    let session = Session::establish(endpoint, SessionConfig::new("victim")).await?;
    let channel = session.open(work::SERVICE).await?;
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..work::CALLS {
        let channel = channel.clone();
        calls.spawn(async move { work::call(&channel, number).await });
        if number < work::ALONE {
            calls.join_next().await;
        }
    }
    while let Some(called) = calls.join_next().await {
        called??;
    }
    session.close("all is done");
    Ok(())
}
