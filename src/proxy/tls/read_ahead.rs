//! Reads ahead of TLS, which asks for 4 KiB at a time: as long as more is waiting than was asked for, one system call
//! fetches what eight would. A stream of small answers never allocates for it.

use crate::proxy::wire::writes_through;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};

/// As much is fetched at once from a stream that keeps coming.
const AHEAD: usize = 32 * 1024;

/// A stream with what was fetched ahead of its reader.
#[derive(Debug)]
pub(crate) struct ReadAhead<S> {
    inner: S,
    fetched: Vec<u8>,
    at: usize,
    /// The last read was filled to the brim: more is waiting.
    more: bool,
}

impl<S> ReadAhead<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self { inner, fetched: Vec::new(), at: 0, more: false }
    }
}

impl<S: AsyncRead + Unpin> ReadAhead<S> {
    fn fetch(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.at = 0;
        self.fetched.resize(AHEAD, 0);
        let mut buf = ReadBuf::new(&mut self.fetched);
        let done = Pin::new(&mut self.inner).poll_read(cx, &mut buf);
        let n = buf.filled().len();
        self.fetched.truncate(n);
        self.more = n == AHEAD;
        if n == 0 {
            self.fetched = Vec::new();
        }
        done
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ReadAhead<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.at == this.fetched.len() {
            if !this.more || buf.remaining() >= AHEAD {
                let before = buf.filled().len();
                this.fetched = Vec::new();
                this.at = 0;
                ready!(Pin::new(&mut this.inner).poll_read(cx, buf))?;
                this.more = buf.remaining() == 0 && buf.filled().len() > before;
                return Poll::Ready(Ok(()));
            }
            ready!(this.fetch(cx))?;
        }
        let n = buf.remaining().min(this.fetched.len() - this.at);
        buf.put_slice(&this.fetched[this.at..this.at + n]);
        this.at += n;
        Poll::Ready(Ok(()))
    }
}

writes_through!(ReadAhead);

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    #[test]
    fn bytes_come_in_order_whatever_is_asked_for() {
        let data: Vec<u8> = (0..200_000_u32).map(|i| i.to_le_bytes()[0] ^ i.to_le_bytes()[1]).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for asked in [1, 4096, AHEAD, 50_000] {
            let read = runtime.block_on(async {
                let mut stream = ReadAhead::new(&data[..]);
                let (mut all, mut piece) = (Vec::new(), vec![0; asked]);
                loop {
                    match stream.read(&mut piece).await.unwrap() {
                        0 => return all,
                        n => all.extend_from_slice(&piece[..n]),
                    }
                }
            });
            assert!(read == data, "asked for {asked}");
        }
    }
}
