//! Queues with two ends.

use std::collections::VecDeque;
use std::collections::vec_deque;
use std::ops::{Deref, DerefMut};

/// A [`VecDeque`] that can be sent. facet does not describe `VecDeque` itself.
///
/// On the wire it is the list of its elements, from front to back.
///
/// ```
/// use std::collections::VecDeque;
///
/// use rapace_codec::{Deque, from_slice, to_vec};
///
/// let mut jobs = Deque(VecDeque::from(["wash".to_owned(), "dry".to_owned()]));
/// jobs.push_front("soak".to_owned());
/// let (bytes, _) = to_vec(&jobs)?;
/// assert_eq!(from_slice::<Deque<String>>(&bytes, &[])?, jobs);
/// assert_eq!(from_slice::<Vec<String>>(&bytes, &[])?, ["soak", "wash", "dry"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deque<T>(pub VecDeque<T>);

impl<T> Default for Deque<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> Deref for Deque<T> {
    type Target = VecDeque<T>;

    fn deref(&self) -> &VecDeque<T> {
        &self.0
    }
}

impl<T> DerefMut for Deque<T> {
    fn deref_mut(&mut self) -> &mut VecDeque<T> {
        &mut self.0
    }
}

impl<T> From<VecDeque<T>> for Deque<T> {
    fn from(deque: VecDeque<T>) -> Self {
        Self(deque)
    }
}

impl<T> From<Deque<T>> for VecDeque<T> {
    fn from(deque: Deque<T>) -> Self {
        deque.0
    }
}

impl<T> FromIterator<T> for Deque<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl<T> IntoIterator for Deque<T> {
    type Item = T;
    type IntoIter = vec_deque::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
