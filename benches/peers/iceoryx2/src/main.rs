//! iceoryx2 request-response with slices. `event`: both sides sleep, and are woken by its events.
//! `poll`: both sides poll all the time and never sleep, as a reference for what busy polling saves.
//!
//! Payloads are written into the loaned buffers and read in place: one copy each way.

use std::collections::VecDeque;
use std::process::ExitCode;

use iceoryx2::pending_response::PendingResponse;
use iceoryx2::port::client::Client;
use iceoryx2::port::listener::{Listener, ListenerWaitError};
use iceoryx2::port::notifier::Notifier;
use iceoryx2::port::server::Server;
use iceoryx2::prelude::*;
use rapace_measure::partner::Partner;
use rapace_measure::subject::{failed, serve};
use rapace_measure::window::{InOrder, round};
use rapace_measure::{Setting, Watched, peer, touch};

/// The largest payload.
const LARGEST: usize = 1 << 20;

/// Requests that may be under way.
const DEPTH: usize = 256;

type Failed = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    peer::main(drive, |setting, words| {
        let [way, name] = words else {
            return Err("which way, and which name?".to_owned());
        };
        answer(name, way == "event", setting.touch).map_err(|why| why.to_string())
    })
}

fn drive(setting: Setting, words: &[String]) -> Result<(), String> {
    let way = match words {
        [way] if way == "event" || way == "poll" => way,
        _ => return failed("event or poll?"),
    };
    let set_up = setting.pin_subject().map_err(|why| why.to_string());
    let set_up = set_up.and_then(|()| {
        let connected = Connection::start(setting, way);
        connected.map_err(|why| why.to_string())
    });
    let (partner, mut connection) = set_up.or_else(|why| failed(&why))?;
    let watched = Watched::Partners(vec![partner.pid()]);
    serve(|request| round(request, setting, &watched, &mut connection))
}

/// The wake-up of a sleeping side.
struct Doorbells {
    wakes: Notifier<ipc::Service>,
    woken: Listener<ipc::Service>,
}

impl Doorbells {
    fn open(
        node: &Node<ipc::Service>,
        name: &str,
        ours: &str,
        theirs: &str,
    ) -> Result<Self, Failed> {
        let event = |side: &str| -> Result<_, Failed> {
            let name = format!("{name}/{side}");
            let service = node.service_builder(&name.as_str().try_into()?).event();
            Ok(service.open_or_create()?)
        };
        Ok(Self {
            wakes: event(theirs)?.notifier_builder().create()?,
            woken: event(ours)?.listener_builder().create()?,
        })
    }

    fn ring(&self) -> Result<(), Failed> {
        self.wakes.notify()?;
        Ok(())
    }

    fn wait(&self) -> Result<(), Failed> {
        match self.woken.blocking_wait(|_| {}) {
            // Interrupted by a signal or a tracer: the waiter polls again.
            Ok(_) | Err(ListenerWaitError::InterruptSignal) => Ok(()),
            Err(why) => Err(why.into()),
        }
    }
}

fn wait(doorbells: Option<&Doorbells>) -> Result<(), Failed> {
    match doorbells {
        Some(doorbells) => doorbells.wait(),
        None => {
            std::hint::spin_loop();
            Ok(())
        }
    }
}

fn node() -> Result<Node<ipc::Service>, Failed> {
    // iceoryx2's warnings are about configuration files, which do not exist here.
    set_log_level(LogLevel::Error);
    Ok(NodeBuilder::new()
        .signal_handling_mode(SignalHandlingMode::Disabled)
        .create::<ipc::Service>()?)
}

type Calls = iceoryx2::service::port_factory::request_response::PortFactory<
    ipc::Service,
    [u8],
    (),
    [u8],
    (),
>;

fn calls(node: &Node<ipc::Service>, name: &str) -> Result<Calls, Failed> {
    Ok(node
        .service_builder(&format!("{name}/calls").as_str().try_into()?)
        .request_response::<[u8], [u8]>()
        .max_active_requests_per_client(DEPTH)
        .max_clients(1)
        .max_servers(1)
        .open_or_create()?)
}

#[expect(unsafe_code, reason = "bytes that are written where they are loaned")]
fn answer(name: &str, sleeps: bool, touched: bool) -> Result<(), Failed> {
    let node = node()?;
    let doorbells = match sleeps {
        true => Some(Doorbells::open(&node, name, "server", "client")?),
        false => None,
    };
    let service = calls(&node, name)?;
    let server: Server<ipc::Service, [u8], (), [u8], ()> = service
        .server_builder()
        .initial_max_slice_len(LARGEST)
        .allocation_strategy(AllocationStrategy::PowerOfTwo)
        .create()?;
    let mut idle = 0_u32;
    loop {
        let mut answered = false;
        while let Some(request) = server.receive()? {
            let mut response = request.loan_slice_uninit(request.payload().len())?;
            if touched {
                touch::answer(request.payload(), response.payload_mut());
                // SAFETY: `answer` has written every byte (U1, U2 of `rapace_measure::touch`).
                unsafe { response.assume_init() }.send()?;
            } else {
                response.write_from_slice(request.payload()).send()?;
            }
            answered = true;
            // Each answer wakes: its caller may wait for it alone.
            if let Some(doorbells) = &doorbells {
                doorbells.ring()?;
            }
        }
        idle = if answered { 0 } else { idle + 1 };
        if doorbells.is_none() && idle > IDLE {
            std::thread::sleep(std::time::Duration::from_millis(1));
        } else if !answered {
            wait(doorbells.as_ref())?;
        }
    }
}

/// How many polls in a row may find nothing, a few milliseconds of them, before this subject stops polling: another subject
/// is measured then, and a poller would take half of its processor.
const IDLE: u32 = 20_000;

type Pending = PendingResponse<ipc::Service, [u8], (), [u8], ()>;

struct Connection {
    pending: VecDeque<Pending>,
    client: Client<ipc::Service, [u8], (), [u8], ()>,
    doorbells: Option<Doorbells>,
    _service: Calls,
    _node: Node<ipc::Service>,
}

impl Connection {
    fn start(setting: Setting, way: &str) -> Result<(Partner, Self), Failed> {
        let name = format!("rapace-bench/{}", std::process::id());
        let node = node()?;
        let doorbells = match way {
            "event" => Some(Doorbells::open(&node, &name, "client", "server")?),
            _ => None,
        };
        let service = calls(&node, &name)?;
        let client = service
            .client_builder()
            .initial_max_slice_len(LARGEST)
            .allocation_strategy(AllocationStrategy::PowerOfTwo)
            .create()?;
        let partner = Partner::start(peer::SERVE, setting, |command| command.arg(way).arg(&name))?;
        // A request that nobody receives is lost, so its server must be there first.
        let start = std::time::Instant::now();
        while service.dynamic_config().number_of_servers() == 0 {
            if start.elapsed() > std::time::Duration::from_secs(20) {
                return Err("there is no server".into());
            }
            std::thread::yield_now();
        }
        let connection = Self {
            pending: VecDeque::new(),
            client,
            doorbells,
            _service: service,
            _node: node,
        };
        Ok((partner, connection))
    }

    fn send(&mut self, payload: &[u8]) -> Result<(), Failed> {
        let request = self.client.loan_slice_uninit(payload.len())?;
        self.pending
            .push_back(request.write_from_slice(payload).send()?);
        match &self.doorbells {
            Some(doorbells) => doorbells.ring(),
            None => Ok(()),
        }
    }

    #[expect(unsafe_code, reason = "bytes that are written where they are loaned")]
    fn ask(&mut self, len: usize, number: u64) -> Result<(), Failed> {
        let mut request = self.client.loan_slice_uninit(len)?;
        touch::ask(request.payload_mut(), number);
        // SAFETY: `ask` has written every byte (U1, U2 of `rapace_measure::touch`).
        let request = unsafe { request.assume_init() };
        self.pending.push_back(request.send()?);
        match &self.doorbells {
            Some(doorbells) => doorbells.ring(),
            None => Ok(()),
        }
    }

    fn receive(&mut self, check: &mut dyn FnMut(&[u8]) -> Result<(), String>) -> Result<(), Failed> {
        let pending = self.pending.pop_front().ok_or("nothing was sent")?;
        loop {
            if let Some(response) = pending.receive()? {
                return Ok(check(response.payload())?);
            }
            wait(self.doorbells.as_ref())?;
        }
    }
}

impl InOrder for Connection {
    fn send(&mut self, payload: &[u8]) -> Result<(), String> {
        self.send(payload).map_err(|why| why.to_string())
    }

    fn ask(&mut self, payload: &mut [u8], number: u64) -> Result<(), String> {
        self.ask(payload.len(), number)
            .map_err(|why| why.to_string())
    }

    fn receive(&mut self, check: &mut dyn FnMut(&[u8]) -> Result<(), String>) -> Result<(), String> {
        self.receive(check).map_err(|why| why.to_string())
    }
}
