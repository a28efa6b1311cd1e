//! Writes a seed for each kind of exchange into the folder that the argument names.

use std::path::PathBuf;
use std::{env, fs};

use rapace_session_fuzz::body::Body;
use rapace_session_fuzz::part::{Bytes, Number, Part};
use rapace_session_fuzz::script::{Beginning, Ending, How, Operation, Script, Sent, Serving};

fn main() -> std::io::Result<()> {
    let folder: PathBuf = env::args_os().nth(1).expect("a folder").into();
    fs::create_dir_all(&folder)?;
    for (name, script) in seeds() {
        let mut bytes = Vec::new();
        script.write(&mut bytes);
        fs::write(folder.join(name), bytes)?;
    }
    Ok(())
}

fn seeds() -> Vec<(&'static str, Script)> {
    let mut all = of_the_peer();
    all.extend(of_transfers());
    all.extend(of_this_side());
    all.extend(of_the_handshake());
    all
}

/// Calls and streams of the peer.
fn of_the_peer() -> Vec<(&'static str, Script)> {
    vec![
        (
            "calls",
            greeted(vec![
                open(2, FAST),
                request(2, 0, 0, 0, Body::Text { len: Number(1000) }),
                request(2, 1, 5, 0, buffers(2, 100, 1)),
                request(2, 2, 6, METADATA, Body::Empty),
                request(2, 3, 9, 0, Body::Empty),
                request(2, 4, 0, ONEWAY, Body::Raw { bytes: text("bad") }),
                Operation::Settle,
                Operation::Behave,
                request(2, 0, 0, 0, Body::Text { len: Number(3) }),
                close_channel(2),
            ]),
        ),
        (
            "streams",
            greeted(vec![
                open(2, FAST),
                stream(2, 0, 1, CLIENT, 4),
                stream(2, 1, 2, SERVER, 6),
                stream(2, 2, 3, CLIENT + SERVER, 8),
                items(3, 4, 100),
                items(2, 8, 5000),
                Operation::Settle,
                Operation::Behave,
                credit(8, 1, 0),
                send(Sent::End { channel: Number(4) }),
                send(Sent::Stop { channel: Number(6) }),
                send(Sent::Reset {
                    channel: Number(8),
                    text: text("enough"),
                }),
                Operation::Behave,
            ]),
        ),
        (
            "items-without-credit",
            greeted(vec![
                open(2, SLOW),
                stream(2, 0, 1, CLIENT, 4),
                Operation::Settle,
                Operation::Serve { how: Serving::Keep },
                items(70, 4, 50),
                Operation::Settle,
                Operation::TakeItem {
                    which: 0,
                    keeps: true,
                },
                send(Sent::End { channel: Number(4) }),
                items(2, 4, 50),
            ]),
        ),
        (
            "requests-that-wait",
            greeted(vec![
                open(2, SLOW),
                repeat(4, asks(2, 0, 0, 0, 0, Body::Text { len: Number(900) })),
                Operation::Settle,
                send(Sent::Cancel {
                    index: Number(1),
                    generation: Number(1),
                }),
                Operation::Settle,
                Operation::Serve { how: Serving::Keep },
                Operation::Serve {
                    how: Serving::Reply { len: Number(2000) },
                },
                Operation::Serve {
                    how: Serving::Refuse,
                },
                Operation::Serve {
                    how: Serving::DropUnbegun,
                },
                Operation::Answer {
                    which: 0,
                    len: Number(10),
                },
                Operation::Pass {
                    millis: Number(255),
                },
                Operation::Behave,
                Operation::Withdraw,
                Operation::Settle,
                request(2, 5, 0, 0, Body::Empty),
                send(Sent::Drain),
            ]),
        ),
        (
            "requests-past-the-window",
            greeted(vec![
                open(2, SLOW),
                repeat(60, asks(2, 0, 0, 0, 0, large())),
            ]),
        ),
        (
            "items-past-the-window",
            greeted(vec![
                open(2, SLOW),
                stream(2, 0, 1, CLIENT, 4),
                Operation::Serve { how: Serving::Keep },
                repeat(
                    60,
                    Sent::Item {
                        channel: Number(4),
                        body: large(),
                    },
                ),
            ]),
        ),
        (
            "buffers-that-return",
            greeted(vec![
                open(2, SLOW),
                request(2, 0, 0, 0, buffers(1, 500, 0)),
                Operation::Settle,
                Operation::Serve {
                    how: Serving::ReturnBuffers,
                },
                Operation::Settle,
                Operation::Behave,
                open(4, FULL),
                open(6, 3),
            ]),
        ),
        (
            "many-channels",
            greeted(vec![
                repeat(129, opens(2, FAST)),
                Operation::Settle,
                repeat(129, opens(260, FAST)),
                Operation::Behave,
                repeat(4, asks(2, 0, 4, 0, 100, Body::Empty)),
                Operation::Pass {
                    millis: Number(150),
                },
                Operation::Behave,
                close_channel(4),
                close_channel(6),
                Operation::Behave,
            ]),
        ),
        (
            "all-at-once",
            Script {
                eager: false,
                ..greeted(vec![
                    open(2, FAST),
                    Operation::Settle,
                    stream(2, 0, 3, CLIENT + SERVER, 4),
                    items(20, 4, 100),
                    send(Sent::End { channel: Number(4) }),
                    credit(4, 1, 0),
                    request(2, 1, 0, 0, Body::Text { len: Number(30) }),
                    send(Sent::Cancel {
                        index: Number(1),
                        generation: Number(1),
                    }),
                    send(Sent::Drain),
                    Operation::Settle,
                    Operation::Behave,
                ])
            },
        ),
        (
            "raw",
            greeted(vec![
                open(2, FAST),
                send(Sent::Raw {
                    frame_type: 6,
                    flags: METADATA,
                    channel: Number(2),
                    index: Number(0),
                    generation: Number(1),
                    method: Number(0),
                    credits: Number(0),
                    payload: Bytes(vec![1, 0, 0, 0, 0, 1, 65]),
                }),
                send(Sent::Ready),
                send(Sent::Close { text: text("bye") }),
            ]),
        ),
    ]
}

/// Payloads and buffers in fragments.
fn of_transfers() -> Vec<(&'static str, Script)> {
    vec![
        (
            "transfers",
            greeted(vec![
                open(2, FAST),
                transfer(1, 0, Body::Text { len: Number(4095) }, 1000, 0),
                request(2, 0, 0, 0, whole(1, 0)),
                transfer(2, SERVER, Body::Count { count: Number(3) }, 2, 0),
                request(2, 1, 2, SERVER, whole(2, 0)),
                // The buffer of a payload that has a table and is a transfer itself.
                transfer(3, 0, Body::Text { len: Number(300) }, 100, 0),
                transfer(4, 0, table(vec![transfer_entry(3)], 0), 9, 0),
                request(2, 2, 5, 0, whole(4, 1)),
                // A buffer that is a transfer, and one that is in a slot.
                transfer(5, 0, Body::Text { len: Number(300) }, 100, 0),
                request(2, 3, 5, 0, table(vec![transfer_entry(5), 0], 1)),
                Operation::Settle,
                Operation::Behave,
            ]),
        ),
        (
            "transfers-dropped",
            greeted(vec![
                repeat(
                    20,
                    Sent::Fragment {
                        id: Number(0),
                        length: Number(1000),
                        piece: Number(10),
                    },
                ),
                Operation::Settle,
                repeat(20, Sent::DropFragments { id: Number(0) }),
                transfer(7, 0, Body::Text { len: Number(8192) }, 1024, 1),
                send(Sent::DropFragments { id: Number(7) }),
            ]),
        ),
        (
            "transfers-that-never-end",
            greeted(vec![repeat(
                129,
                Sent::Fragment {
                    id: Number(0),
                    length: Number(256),
                    piece: Number(1),
                },
            )]),
        ),
        (
            "transfers-past-the-window",
            greeted(vec![repeat(
                100,
                Sent::Fragment {
                    id: Number(0),
                    length: Number(8192),
                    piece: Number(1),
                },
            )]),
        ),
        (
            "transfer-that-lacks-a-byte",
            greeted(vec![
                open(2, FAST),
                transfer(1, 0, Body::Text { len: Number(300) }, 100, 1),
                request(2, 0, 0, 0, whole(1, 0)),
            ]),
        ),
    ]
}

/// Calls and streams of this side.
fn of_this_side() -> Vec<(&'static str, Script)> {
    let answered = |more: Vec<Operation>| {
        let mut operations = vec![Operation::Open, Operation::Settle, Operation::Behave];
        operations.extend(more);
        greeted(operations)
    };
    vec![
        (
            "calls-from-here",
            answered(vec![
                call(0, 100, false, 0),
                call(1, 2000, true, 9),
                Operation::Tell {
                    channel: 0,
                    method: Number(1),
                    len: Number(10),
                    now: false,
                },
                Operation::Tell {
                    channel: 0,
                    method: Number(1),
                    len: Number(10),
                    now: true,
                },
                Operation::Behave,
                call(2, 10, false, 3),
                Operation::Mark {
                    index: Number(0),
                    generation: Number(2),
                },
                Operation::Pass {
                    millis: Number(4095),
                },
                Operation::Look,
                Operation::Behave,
                Operation::CloseChannel {
                    which: 0,
                    drops: true,
                },
                Operation::Behave,
            ]),
        ),
        (
            "replies",
            answered(vec![
                call(0, 100, true, 0),
                Operation::Read { count: 9 },
                reply(0, table(vec![1], 0)),
                call(0, 1, false, 0),
                Operation::Read { count: 9 },
                reply(
                    2,
                    Body::Raw {
                        bytes: text("\u{7}no"),
                    },
                ),
                call(0, 1, false, 0),
                Operation::Read { count: 9 },
                reply(1, buffers(2, 64, 1)),
                call(0, 1, false, 0),
                Operation::DropCall { which: 3 },
                Operation::Read { count: 9 },
                reply(0, Body::Empty),
                call(0, 1, false, 0),
                Operation::Read { count: 9 },
                transfer(1, 0, Body::Text { len: Number(4095) }, 1000, 0),
                reply(0, whole(1, 0)),
                reply(0, Body::Empty),
            ]),
        ),
        (
            "streams-from-here",
            answered(vec![
                streaming(true, true, 0),
                Operation::SendItems {
                    which: 0,
                    count: 40,
                    len: Number(100),
                },
                Operation::Behave,
                items(3, 3, 100),
                Operation::TakeItem {
                    which: 0,
                    keeps: true,
                },
                Operation::TakeItem {
                    which: 0,
                    keeps: false,
                },
                Operation::EndItems {
                    which: 0,
                    how: How::End,
                },
                Operation::DropReceiver { which: 0 },
                Operation::Behave,
                streaming(true, false, 20),
                Operation::EndItems {
                    which: 0,
                    how: How::Drop,
                },
                streaming(false, true, 0),
                send(Sent::Reset {
                    channel: Number(7),
                    text: text("no more"),
                }),
                Operation::Forget,
            ]),
        ),
        (
            "credits-of-nothing",
            answered(vec![
                streaming(true, false, 0),
                Operation::SendItems {
                    which: 0,
                    count: 4,
                    len: Number(100),
                },
                Operation::Read { count: 9 },
                credit(3, 4, 0),
                credit(1, 1, 0),
                credit(5, 1, 1),
                credit(3, 1, 0),
            ]),
        ),
        (
            "narrow",
            Script {
                beginning: Beginning::Narrow,
                ending: Ending::HangUp,
                ..answered(vec![
                    call(0, 100, false, 0),
                    call(0, 100, false, 30),
                    streaming(true, true, 0),
                    Operation::SendItems {
                        which: 0,
                        count: 3,
                        len: Number(100),
                    },
                    Operation::Pass {
                        millis: Number(4095),
                    },
                    Operation::Look,
                    Operation::Behave,
                    Operation::Behave,
                ])
            },
        ),
        (
            "no-buffers",
            Script {
                ending: Ending::Abort,
                ..answered(vec![
                    Operation::Exhaust { exhausted: true },
                    call(0, 8000, false, 0),
                    call(0, 5000, true, 0),
                    Operation::Behave,
                    call(0, 8000, false, 0),
                    Operation::DropCall { which: 2 },
                    Operation::Behave,
                    streaming(true, false, 0),
                    Operation::SendItems {
                        which: 0,
                        count: 9,
                        len: Number(4096),
                    },
                    Operation::Behave,
                    Operation::Allocate {
                        len: Number(4096),
                        keeps: true,
                    },
                    Operation::Exhaust { exhausted: false },
                    Operation::Allocate {
                        len: Number(1000),
                        keeps: true,
                    },
                    call(0, 10, true, 0),
                ])
            },
        ),
        (
            "ends",
            answered(vec![
                Operation::Ready,
                Operation::Drain,
                call(0, 10, false, 0),
                Operation::CloseChannel {
                    which: 0,
                    drops: false,
                },
                Operation::Behave,
                Operation::DropHandle,
                call(0, 10, false, 0),
                Operation::Close,
            ]),
        ),
    ]
}

/// Hellos that are refused, and frames before a welcome.
fn of_the_handshake() -> Vec<(&'static str, Script)> {
    let hello = |items, services, cut| {
        send(Sent::Hello {
            name: text("peer"),
            items: Number(items),
            first: Number(1000),
            most: Number(4096),
            fragments: Number(8192),
            services,
            cut,
        })
    };
    let silent = |operations| Script {
        beginning: Beginning::Silence,
        ..greeted(operations)
    };
    vec![
        (
            "hello",
            silent(vec![
                hello(4, 3, 0),
                send(Sent::Welcome),
                Operation::Behave,
                hello(4, 3, 0),
            ]),
        ),
        ("hello-cut", silent(vec![hello(4, 2, 3)])),
        ("hello-twice-a-service", silent(vec![hello(4, 130, 0)])),
        ("hello-no-window", silent(vec![hello(0, 0, 0)])),
        (
            "hello-is-none",
            silent(vec![send(Sent::Hello {
                name: text(""),
                items: Number(1),
                first: Number(1),
                most: Number(1),
                fragments: Number(1),
                services: 0,
                cut: 255,
            })]),
        ),
        (
            "refused",
            silent(vec![send(Sent::Refuse { text: text("no") })]),
        ),
        (
            "opens-all",
            Script {
                opens: true,
                beginning: Beginning::Unwelcome,
                ..greeted(vec![
                    Operation::Read { count: 2 },
                    send(Sent::Welcome),
                    Operation::Behave,
                    call(0, 10, false, 0),
                    Operation::HangUp,
                ])
            },
        ),
        (
            "not-opened",
            Script {
                opens: true,
                ending: Ending::CloseThere,
                ..greeted(vec![
                    send(Sent::NotOpened {
                        channel: Number(1),
                        text: text("no such service, and a reason that does not fit in a frame"),
                    }),
                    send(Sent::Opened {
                        channel: Number(3),
                        window: Number(1 << 16),
                    }),
                    send(Sent::CloseChannel {
                        channel: Number(3),
                        text: text("closed"),
                    }),
                    Operation::Behave,
                ])
            },
        ),
    ]
}

const FAST: u8 = 0;
const SLOW: u8 = 1;
const FULL: u8 = 2;

const ONEWAY: u8 = 1;
const METADATA: u8 = 4;
const CLIENT: u8 = 8;
const SERVER: u8 = 16;

fn greeted(operations: Vec<Operation>) -> Script {
    Script {
        beginning: Beginning::Wide,
        eager: true,
        opens: false,
        ending: Ending::CloseHere,
        operations,
    }
}

fn send(frame: Sent) -> Operation {
    Operation::Send { frame }
}

fn repeat(times: u8, frame: Sent) -> Operation {
    Operation::Repeat { times, frame }
}

fn opens(channel: u32, service: u8) -> Sent {
    let channel = Number(channel);
    Sent::Open { channel, service }
}

fn open(channel: u32, service: u8) -> Operation {
    send(opens(channel, service))
}

fn close_channel(channel: u32) -> Operation {
    send(Sent::CloseChannel {
        channel: Number(channel),
        text: text("the peer closes it"),
    })
}

fn asks(channel: u32, index: u32, method: u32, flags: u8, millis: u32, body: Body) -> Sent {
    Sent::Request {
        channel: Number(channel),
        index: Number(index),
        generation: Number(1),
        method: Number(method),
        flags,
        millis: Number(millis),
        stream: Number(50),
        body,
    }
}

fn request(channel: u32, index: u32, method: u32, flags: u8, body: Body) -> Operation {
    send(asks(channel, index, method, flags, 0, body))
}

fn stream(channel: u32, index: u32, method: u32, flags: u8, id: u32) -> Operation {
    send(Sent::Request {
        channel: Number(channel),
        index: Number(index),
        generation: Number(1),
        method: Number(method),
        flags,
        millis: Number(0),
        stream: Number(id),
        body: Body::Count { count: Number(5) },
    })
}

fn items(times: u8, channel: u32, len: u32) -> Operation {
    let channel = Number(channel);
    let body = Body::Text { len: Number(len) };
    repeat(times, Sent::Item { channel, body })
}

fn credit(channel: u32, credits: u32, bytes: u32) -> Operation {
    send(Sent::Credit {
        channel: Number(channel),
        credits: Number(credits),
        bytes: Number(bytes),
    })
}

fn reply(status: u32, body: Body) -> Operation {
    send(Sent::Reply {
        status: Number(status),
        credits: Number(1),
        body,
    })
}

fn transfer(id: u32, flags: u8, body: Body, piece: u32, lacks: u8) -> Operation {
    Operation::Transfer {
        id: Number(id),
        flags,
        stream: Number(20),
        body,
        piece: Number(piece),
        lacks,
    }
}

fn buffers(count: u8, len: u32, refers: u8) -> Body {
    Body::Buffers {
        count: count - 1,
        len: Number(len),
        refers,
    }
}

/// As much as a frame may carry.
fn large() -> Body {
    buffers(2, 8192, 0)
}

fn table(entries: Vec<u8>, buffers: u8) -> Body {
    Body::Table {
        entries: Bytes(entries),
        buffers,
        len: Number(100),
    }
}

/// The byte of an entry that refers to a transfer.
fn transfer_entry(id: u8) -> u8 {
    4 * id + 2
}

fn whole(id: u32, table: u8) -> Body {
    let id = Number(id);
    Body::Whole { id, table }
}

fn call(method: u32, len: u32, blob: bool, deadline: u8) -> Operation {
    Operation::Call {
        channel: 0,
        method: Number(method),
        len: Number(len),
        blob,
        deadline,
        idempotent: false,
    }
}

fn streaming(client: bool, server: bool, deadline: u8) -> Operation {
    Operation::CallStreaming {
        channel: 0,
        method: Number(0),
        client,
        server,
        deadline,
    }
}

fn text(text: &str) -> Bytes {
    Bytes(text.into())
}
