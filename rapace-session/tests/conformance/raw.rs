//! A peer without a session: it sends the frames that a test gives it.

use std::collections::VecDeque;

use rapace_session::transport::Incoming;
use rapace_session::{
    CallId, Channel, ChannelId, Endpoint, Frame, FrameType, Header, Hello, Lane, OpenError,
    Payload, ServiceOffer, Session, SessionConfig,
};

/// The peer, on the joining side.
pub(super) struct Raw {
    pub(super) endpoint: Endpoint,
    read: VecDeque<Frame>,
}

/// The first bytes of every hello.
pub(super) const MAGIC: [u8; 8] = *b"rpc\x01\x03\0\0\0";

impl Raw {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            read: VecDeque::new(),
        }
    }

    /// Establishes a session whose peer does nothing after the handshake.
    pub(super) async fn connect(
        a: Endpoint,
        b: Endpoint,
        config: SessionConfig,
    ) -> (Session, Self) {
        let mut raw = Self::new(b);
        raw.hello().await;
        raw.send(Header::new(FrameType::Welcome, ChannelId::SESSION))
            .await;
        let session = Session::establish(a, config).await.expect("a handshake");
        assert_eq!(raw.recv().await.header.frame_type, FrameType::Hello);
        assert_eq!(raw.recv().await.header.frame_type, FrameType::Welcome);
        (session, raw)
    }

    pub(super) async fn hello(&mut self) {
        self.hello_with(&[]).await;
    }

    /// Makes a hello that offers these services.
    pub(super) async fn hello_with(&mut self, services: &[&str]) {
        let services = services.iter().map(|name| ServiceOffer {
            name: (*name).into(),
            methods: Vec::new(),
        });
        let hello = Hello {
            name: "raw".into(),
            stream_window: 4,
            stream_initial_bytes: 4 << 20,
            stream_window_bytes: 4 << 20,
            request_initial_bytes: 4 << 20,
            request_window_bytes: 4 << 20,
            fragment_window_bytes: 256 << 20,
            services: services.collect(),
            spin_micros: 0,
        };
        let mut bytes = MAGIC.to_vec();
        bytes.extend(rapace_codec::to_vec(&hello).expect("a hello").0);
        self.send_with(Header::new(FrameType::Hello, ChannelId::SESSION), &bytes)
            .await;
    }

    pub(super) async fn send(&mut self, header: Header) {
        self.send_with(header, &[]).await;
    }

    pub(super) async fn send_with(&mut self, header: Header, payload: &[u8]) {
        let payload = match Payload::inline(payload) {
            Some(payload) => payload,
            None => {
                let allocated = self
                    .endpoint
                    .transport
                    .allocate(payload.len(), Lane::Priority);
                let mut buffer = allocated.await.expect("a buffer");
                buffer.copy_from_slice(payload);
                Payload::Buffer(buffer.freeze())
            }
        };
        let frame = Frame {
            header,
            payload,
            blobs: Vec::new(),
        };
        self.send_frame(&frame).await;
    }

    /// Sends a frame; does nothing if the session has ended. Receives while it waits for room,
    /// since only receiving notices it.
    pub(super) async fn send_frame(&mut self, frame: &Frame) {
        use rapace_session::transport::SendError;
        let transport = &self.endpoint.transport;
        let incoming: &mut dyn Incoming = &mut *self.endpoint.incoming;
        while transport.send(frame, Lane::Priority) == Err(SendError::Full) {
            let mut batch = Vec::new();
            let goes_on = tokio::select! {
                room = transport.ready(Lane::Priority) => room.is_ok(),
                read = std::future::poll_fn(|cx| incoming.poll_recv(cx, &mut batch, 64)) => read.is_ok(),
            };
            self.read.extend(batch);
            if !goes_on {
                return;
            }
        }
    }

    /// Receives the next frame.
    pub(super) async fn recv(&mut self) -> Frame {
        self.try_recv().await.expect("a frame")
    }

    /// Receives the next frame; `None` if the session has hung up.
    pub(super) async fn try_recv(&mut self) -> Option<Frame> {
        while self.read.is_empty() {
            let mut batch = Vec::new();
            let incoming: &mut dyn Incoming = &mut *self.endpoint.incoming;
            let read = std::future::poll_fn(|cx| incoming.poll_recv(cx, &mut batch, 64)).await;
            self.read.extend(batch);
            if read.is_err() && self.read.is_empty() {
                return None;
            }
        }
        self.read.pop_front()
    }

    /// Receives the next frame of this type, and skips others.
    pub(super) async fn recv_type(&mut self, frame_type: FrameType) -> Frame {
        loop {
            let frame = self.recv().await;
            if frame.header.frame_type == frame_type {
                return frame;
            }
        }
    }

    /// Has the session open a channel, and refuses it: then the session has read all earlier
    /// frames.
    pub(super) async fn open_is_refused(&mut self, session: &Session) {
        let mut opening = Box::pin(session.open("none"));
        let asked = tokio::select! {
            biased;
            _ = &mut opening => panic!("opened by nobody"),
            frame = self.recv_type(FrameType::Open) => frame,
        };
        self.send(Header::new(FrameType::NotOpened, asked.header.channel))
            .await;
        assert!(matches!(opening.await, Err(OpenError::Refused(_))));
    }

    /// Has the session open a channel, with this window.
    pub(super) async fn open(&mut self, session: &Session, name: &str, window: u32) -> Channel {
        let mut opening = Box::pin(session.open(name));
        let frame = tokio::select! {
            biased;
            frame = self.recv_type(FrameType::Open) => frame,
            _ = &mut opening => panic!("opened by nobody"),
        };
        assert_eq!(frame.payload.bytes(), name.as_bytes());
        let mut header = Header::new(FrameType::Opened, frame.header.channel);
        header.credits = window;
        self.send(header).await;
        opening.await.expect("a channel")
    }

    /// Opens a channel to a service of the session, and returns its window.
    pub(super) async fn open_to(&mut self, channel: u32, name: &str) -> u32 {
        let header = Header::new(FrameType::Open, ChannelId(channel));
        self.send_with(header, name.as_bytes()).await;
        let opened = self.recv_type(FrameType::Opened).await;
        assert_eq!(opened.header.channel, ChannelId(channel));
        opened.header.credits
    }
}

/// Makes the header of a request.
pub(super) fn request(channel: u32, index: u32, generation: u32) -> Header {
    let mut header = Header::new(FrameType::Request, ChannelId(channel));
    header.call = CallId { index, generation };
    header
}
