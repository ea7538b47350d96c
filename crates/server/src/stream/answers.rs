//! Answers that are waited for, in the order of the questions.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

/// One of them.
type Answer<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Messages of one connection are committed in their order, so that only the oldest has to be looked at. Costs nothing
/// while there is none.
pub struct Answers<T>(VecDeque<Answer<T>>);

impl<T> Default for Answers<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> Answers<T> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is waited for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Waits for one more.
    pub fn push_back(&mut self, answer: Answer<T>) {
        self.0.push_back(answer);
    }

    /// The oldest; none where nothing is waited for.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<T>> {
        let Some(oldest) = self.0.front_mut() else { return Poll::Ready(None) };
        let answer = std::task::ready!(oldest.as_mut().poll(context));
        self.0.pop_front();
        Poll::Ready(Some(answer))
    }

    /// The oldest; none where nothing is waited for. Cancel-safe.
    pub async fn next(&mut self) -> Option<T> {
        std::future::poll_fn(|context| self.poll_next(context)).await
    }
}
