//! ipc-channel with its byte channels, which skip serde, one blocking thread on each side. Pipelined
//! calls are sent ahead, up to the number in flight.

use std::process::ExitCode;

use ipc_channel::ipc::{self, IpcBytesReceiver, IpcBytesSender, IpcOneShotServer, IpcSender};
use rapace_measure::partner::Partner;
use rapace_measure::subject::{failed, serve};
use rapace_measure::window::{InOrder, round};
use rapace_measure::{Setting, Watched, peer};

/// The other side's first message: its sender and its receiver.
type Ends = (IpcBytesSender, IpcBytesReceiver);

fn main() -> ExitCode {
    peer::main(drive, |setting, words| {
        let [server] = words else {
            return Err("where is the server?".to_owned());
        };
        answer(server, setting).map_err(|why| why.to_string())
    })
}

fn drive(setting: Setting, _: &[String]) -> Result<(), String> {
    let set_up = setting.pin_subject().map_err(|why| why.to_string());
    let set_up = set_up.and_then(|()| Connection::start(setting));
    let (partner, mut connection) = set_up.or_else(|why| failed(&why))?;
    let watched = Watched::Partners(vec![partner.pid()]);
    serve(|request| round(request, setting, &watched, &mut connection))
}

fn answer(server: &str, setting: Setting) -> Result<(), Box<dyn std::error::Error>> {
    let (to_us, requests) = ipc::bytes_channel()?;
    let (answers, from_us) = ipc::bytes_channel()?;
    let ends: Ends = (to_us, from_us);
    IpcSender::connect(server.to_owned())?.send(ends)?;
    // The other side is gone when receiving fails.
    while let Ok(request) = requests.recv() {
        answers.send(&setting.answer(request))?;
    }
    Ok(())
}

struct Connection {
    requests: IpcBytesSender,
    answers: IpcBytesReceiver,
}

impl Connection {
    fn start(setting: Setting) -> Result<(Partner, Self), String> {
        let (server, name) = IpcOneShotServer::<Ends>::new().map_err(|why| why.to_string())?;
        let partner = Partner::start(peer::SERVE, setting, |command| command.arg(name));
        let partner = partner.map_err(|why| why.to_string())?;
        let (_, (requests, answers)) = server.accept().map_err(|why| why.to_string())?;
        Ok((partner, Self { requests, answers }))
    }
}

impl InOrder for Connection {
    fn send(&mut self, payload: &[u8]) -> Result<(), String> {
        self.requests.send(payload).map_err(|why| why.to_string())
    }

    fn receive(&mut self, check: &mut dyn FnMut(&[u8]) -> Result<(), String>) -> Result<(), String> {
        check(&self.answers.recv().map_err(|why| why.to_string())?)
    }
}
