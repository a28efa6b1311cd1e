//! The service that takes part in programs: each process serves it twice, under two names.

use facet::Facet;
use futures_util::{Stream, StreamExt, stream};
use rapace::{CallContext, StreamError, Streaming};

use super::content::{Content, Shape};
use super::failure::{Failure, WRONG};
use super::plan::{Order, Reading, Reply, Sent, Turn};
use super::runner::{Runner, Tally};
use super::slots;

/// What a service saw since the last report.
#[derive(Clone, Debug, Default, Facet)]
pub(crate) struct Report {
    pub(crate) tally: Tally,
    /// Failures of tells, and values that changed while they were kept.
    pub(crate) failures: Vec<Failure>,
}

macro_rules! node_service {
    ($module:ident, $name:literal) => {
        pub(crate) mod $module {
            use super::*;

            /// A part of a program.
            #[rapace::service(name = $name)]
            pub(crate) trait Node {
                /// Takes a value, does what the order says, and returns a value.
                async fn work(
                    &mut self,
                    order: Order,
                    turn: Turn,
                    told: bool,
                    request: Content,
                ) -> Result<Content, Failure>;

                /// The same, and may be done again.
                #[rapace(idempotent)]
                async fn work_again(
                    &mut self,
                    order: Order,
                    request: Content,
                ) -> Result<Content, Failure>;

                /// Reads a stream of items of these shapes, and returns how many it took.
                async fn upload(
                    &mut self,
                    shapes: Vec<Shape>,
                    order: Reading,
                    items: Streaming<Content>,
                ) -> Result<u64, Failure>;

                /// Returns a stream of items of these shapes, which fails after `cut` items.
                async fn download(
                    &mut self,
                    shapes: Vec<Shape>,
                    cut: Option<u32>,
                ) -> Streaming<Content>;

                /// Checks each item, and sends one for it.
                async fn exchange(
                    &mut self,
                    shapes: Vec<Shape>,
                    back: Vec<Shape>,
                    items: Streaming<Content>,
                ) -> Streaming<Content>;

                /// Drops everything that is kept, and reports.
                async fn finish(&mut self) -> Report;

                /// The slots of this side that are in use, in words. Empty if there are none.
                async fn in_use(&self) -> String;
            }

            impl Node for super::Serving {
                async fn work(
                    &mut self,
                    order: Order,
                    turn: Turn,
                    told: bool,
                    request: Content,
                ) -> Result<Content, Failure> {
                    self.0.check_turn(turn);
                    let done = self.work(order, request).await;
                    if told {
                        self.0.told(done.as_ref().err());
                    }
                    done
                }

                async fn work_again(
                    &mut self,
                    order: Order,
                    request: Content,
                ) -> Result<Content, Failure> {
                    self.work(order, request).await
                }

                async fn upload(
                    &mut self,
                    shapes: Vec<Shape>,
                    order: Reading,
                    items: Streaming<Content>,
                ) -> Result<u64, Failure> {
                    self.0.read(&shapes, &order, items).await
                }

                async fn download(
                    &mut self,
                    shapes: Vec<Shape>,
                    cut: Option<u32>,
                ) -> Streaming<Content> {
                    produce(shapes, cut)
                }

                async fn exchange(
                    &mut self,
                    shapes: Vec<Shape>,
                    back: Vec<Shape>,
                    items: Streaming<Content>,
                ) -> Streaming<Content> {
                    exchange(shapes, back, items)
                }

                async fn finish(&mut self) -> Report {
                    self.0.finish()
                }

                async fn in_use(&self) -> String {
                    let session = CallContext::current().and_then(|call| call.session());
                    let stats = session.and_then(|session| session.link_stats());
                    stats.map(|stats| slots::in_use(&stats)).unwrap_or_default()
                }
            }
        }
    };
}

node_service!(first, "endurance.First");
node_service!(second, "endurance.Second");

/// An instance of the service.
pub(crate) struct Serving(pub(crate) Runner);

impl Serving {
    async fn work(&mut self, order: Order, request: Content) -> Result<Content, Failure> {
        order.request.check(&request)?;
        self.0.run(&order.steps).await?;
        let (shape, sent) = match order.reply {
            Reply::New(shape, sent) => (shape, sent),
            Reply::Same => {
                self.0.keep(order.keep, order.request, request.clone());
                return Ok(request);
            }
            Reply::Halves => {
                let halves = request.halves();
                self.0.keep(order.keep, order.request, request);
                return Ok(halves);
            }
        };
        self.0.keep(order.keep, order.request, request);
        make(&shape, sent).await
    }
}

/// Makes a value in a handler.
async fn make(shape: &Shape, sent: Sent) -> Result<Content, Failure> {
    match sent {
        Sent::Allocated => Ok(shape.allocated(rapace::allocate).await?),
        Sent::OnHeap | Sent::Kept => Ok(shape.on_heap()),
    }
}

/// A stream of a service. Every other item lies in allocated buffers.
fn produce(shapes: Vec<Shape>, cut: Option<u32>) -> Streaming<Content> {
    let items = stream::iter(shapes).then(|shape| async move { item(&shape).await });
    cut_after(cut, items)
}

/// The items, or some and then an error.
pub(crate) fn cut_after(
    cut: Option<u32>,
    items: impl Stream<Item = Result<Content, StreamError>> + Send + 'static,
) -> Streaming<Content> {
    match cut {
        None => Streaming::fallible(items),
        Some(cut) => {
            let end = stream::once(async { Err(StreamError::Reset(PLANNED.to_owned())) });
            Streaming::fallible(items.take(cut as usize).chain(end))
        }
    }
}

/// Why a stream ends that is cut.
pub(crate) const PLANNED: &str = "cut by the plan";

fn exchange(shapes: Vec<Shape>, back: Vec<Shape>, items: Streaming<Content>) -> Streaming<Content> {
    let expected = shapes.into_iter().map(Some).chain(std::iter::repeat(None));
    let pairs = items.zip(stream::iter(
        expected.zip(back.into_iter().map(Some).chain(std::iter::repeat(None))),
    ));
    Streaming::fallible(pairs.then(|(came, (shape, back))| async move {
        let came = came?;
        let (Some(shape), Some(back)) = (shape, back) else {
            return Err(StreamError::Reset(format!("{WRONG}an item too many")));
        };
        let right = shape.check(&came);
        right.map_err(|why| StreamError::Reset(format!("{WRONG}{why}")))?;
        item(&back).await
    }))
}

async fn item(shape: &Shape) -> Result<Content, StreamError> {
    let sent = match shape.seed.is_multiple_of(2) {
        true => Sent::OnHeap,
        false => Sent::Allocated,
    };
    let made = make(shape, sent).await;
    made.map_err(|failure| StreamError::Reset(format!("{WRONG}{failure}")))
}
