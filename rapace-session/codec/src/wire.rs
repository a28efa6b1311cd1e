//! The trait of all types that can be sent to another process.

use facet::Facet;

/// A value that can be sent: any owned type that derives [`facet::Facet`].
///
/// The compiler checks that the type describes itself and owns what it holds. Whether each of its parts can be
/// carried is known only from the description: [`check_shape`](crate::check_shape) answers that once per type,
/// when a service is declared, and the first encoding or decoding of a type that cannot cross is refused with the
/// same answer.
///
/// `Sync` is required because a call borrows its arguments while it waits, and its future must be `Send`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent to a plugin",
    label = "this type does not describe itself, or borrows something",
    note = "derive `facet::Facet` for it, and let it own what it holds (`String` instead of `&str`)",
    note = "a `SystemTime` crosses as a `Timestamp`, a `VecDeque` as a `Deque`",
    note = "it must also be `Send` and `Sync`"
)]
pub trait Wire: Facet<'static> + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Facet<'static> + Send + Sync + 'static> Wire for T {}
