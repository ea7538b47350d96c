//! Answers on their way: how much of them waits, and whether it is taken at all.

use std::convert::Infallible;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::limits::Unread;

/// Larger answers are handed over in portions of this size, and count as unread until the last of them.
pub const PORTION: usize = 64 * 1024;

/// What may lie in memory of an answer that is made as it is taken: a piece that is being taken, the next one, and what
/// that is made of.
pub const SHARE: usize = 1024 * 1024;

/// Who takes fewer bytes a second than this takes nothing.
const SLOWEST: u64 = 1024;

/// An answer in portions: where one that waits is counted, it counts until nearly all of it was taken.
#[derive(Debug)]
pub struct Portions {
    rest: Bytes,
    _unread: Option<Unread>,
}

impl Portions {
    /// All of it is still there.
    pub fn new(answer: Bytes, unread: Option<Unread>) -> Self {
        Self { rest: answer, _unread: unread }
    }
}

impl Body for Portions {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let size = self.rest.len().min(PORTION);
        let portion = self.rest.split_to(size);
        Poll::Ready((!portion.is_empty()).then(|| Ok(Frame::data(portion))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}

/// What has been written to a connection.
#[derive(Debug, Default)]
pub struct Progress {
    written: AtomicU64,
    /// There is more, and nobody takes it.
    is_held_up: AtomicBool,
}

/// A connection whose progress is watched.
#[derive(Debug)]
pub struct Watched<S> {
    stream: S,
    progress: Arc<Progress>,
}

/// Looks at a connection's progress from time to time.
#[derive(Debug)]
pub struct Watch {
    progress: Arc<Progress>,
    /// What had been written at the last look, where it was held up then.
    held_up_at: Option<u64>,
}

impl<S> Watched<S> {
    /// Nothing has been written yet.
    pub fn new(stream: S) -> (Self, Watch) {
        let progress = Arc::<Progress>::default();
        (Self { stream, progress: progress.clone() }, Watch { progress, held_up_at: None })
    }

    fn wrote(&self, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.progress.is_held_up.store(result.is_pending(), Ordering::Relaxed);
        if let Poll::Ready(Ok(count)) = result {
            self.progress.written.fetch_add(count as u64, Ordering::Relaxed);
        }
        result
    }
}

impl Watch {
    /// Whether it was held up all the time since the last look, so long ago, or as good as that.
    pub fn stands(&mut self, since: Duration) -> bool {
        let written = self.progress.written.load(Ordering::Relaxed);
        let is_held_up = self.progress.is_held_up.load(Ordering::Relaxed);
        let before = std::mem::replace(&mut self.held_up_at, is_held_up.then_some(written));
        let least = since.as_secs_f64() * SLOWEST as f64;
        is_held_up && before.is_some_and(|before| ((written - before) as f64) < least)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.wrote(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_takes_as_good_as_nothing_for_long_stands() {
        let second = Duration::from_secs(1);
        let (watched, mut watch) = Watched::new(());
        let full = |watched: &Watched<()>| drop(watched.wrote(Poll::Pending));
        assert!(!watch.stands(second), "nothing is to be written");
        full(&watched);
        assert!(!watch.stands(second), "not for long yet");
        assert!(watch.stands(second));
        let _ = watched.wrote(Poll::Ready(Ok(100)));
        full(&watched);
        assert!(watch.stands(second), "a trickle");
        let _ = watched.wrote(Poll::Ready(Ok(2_000)));
        full(&watched);
        assert!(!watch.stands(second));
        let _ = watched.wrote(Poll::Ready(Ok(1)));
        assert!(!watch.stands(second), "it is idle");
    }
}
