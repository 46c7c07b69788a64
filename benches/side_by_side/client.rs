//! The load generator's HTTP client: one kept-alive connection, blocking, nothing hidden in the time it takes.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use memchr::memmem;
use thiserror::Error;

/// Longer than any answer takes, even a Go Pushgateway's to the last of 64 pushes that wait.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);

/// Who does not answer, or is not ready, within this time won't be measured.
#[derive(Debug, Error)]
#[error("no answer within {ANSWER_TIMEOUT:?}")]
pub(crate) struct TooSlow;

/// A connection and the answer last read from it.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    /// Grown to the longest answer so far, so that no later answer pays for it.
    buffer: Vec<u8>,
    filled: usize,
}

/// How an answer says where its body ends.
#[derive(Clone, Copy)]
enum Framing {
    Length(usize),
    Chunked,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        Ok(Self {
            stream,
            buffer: vec![0; 64 * 1024],
            filled: 0,
        })
    }

    /// Sends one request; the time from its first byte sent to the answer's last byte received.
    ///
    /// # Errors
    /// Any answer but 200 and 202.
    pub(crate) fn exchange(&mut self, request: &[u8]) -> Result<Duration> {
        let started = Instant::now();
        self.filled = 0;
        self.stream.write_all(request)?;
        let (head, framing) = self.read_head()?;
        match framing {
            Framing::Length(length) => self.fill(head + length)?,
            Framing::Chunked => self.read_chunks(head)?,
        }
        let took = started.elapsed();
        let is_success =
            [b"HTTP/1.1 200 ", b"HTTP/1.1 202 "].map(|line| self.buffer.starts_with(line));
        if !is_success.contains(&true) {
            let answer = String::from_utf8_lossy(&self.buffer[..self.filled.min(1000)]);
            bail!("not answered with success: {answer}");
        }
        Ok(took)
    }

    /// The body of the last answer, without the chunks it may have come in.
    pub(crate) fn body(&self) -> Result<Vec<u8>> {
        let answer = &self.buffer[..self.filled];
        let (head, framing) = parse_head(answer)?.context("no answer yet")?;
        let mut rest = &answer[head..];
        if let Framing::Length(_) = framing {
            return Ok(rest.to_vec());
        }
        let mut body = Vec::with_capacity(rest.len());
        while let Some((start, length)) = parse_chunk_size(rest)?
            && length > 0
        {
            body.extend_from_slice(&rest[start..start + length]);
            rest = &rest[start + length + 2..];
        }
        Ok(body)
    }

    fn read_head(&mut self) -> Result<(usize, Framing)> {
        loop {
            self.read_more()?;
            if let Some(head) = parse_head(&self.buffer[..self.filled])? {
                return Ok(head);
            }
        }
    }

    fn read_chunks(&mut self, mut at: usize) -> Result<()> {
        loop {
            match parse_chunk_size(&self.buffer[at..self.filled])? {
                None => self.read_more()?,
                Some((start, length)) => {
                    at += start + length + 2;
                    self.fill(at)?;
                    if length == 0 {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Reads until there are `length` bytes of the answer.
    fn fill(&mut self, length: usize) -> Result<()> {
        while self.filled < length {
            self.read_more()?;
        }
        Ok(())
    }

    fn read_more(&mut self) -> Result<()> {
        if self.filled == self.buffer.len() {
            self.buffer.resize(2 * self.filled, 0);
        }
        let read = match self.stream.read(&mut self.buffer[self.filled..]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Err(TooSlow.into()),
            read => read?,
        };
        ensure!(read > 0, "the gateway closed the connection");
        self.filled += read;
        Ok(())
    }
}

/// Where the body starts and how it ends, once the whole head is there.
fn parse_head(answer: &[u8]) -> Result<Option<(usize, Framing)>> {
    let Some(end) = memmem::find(answer, b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = str::from_utf8(&answer[..end])?;
    let framing = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find_map(|(name, value)| match name.to_ascii_lowercase().as_str() {
            "content-length" => value.trim().parse().ok().map(Framing::Length),
            "transfer-encoding" => Some(Framing::Chunked),
            _ => None,
        })
        .ok_or_else(|| anyhow!("an answer without an end: {head}"))?;
    Ok(Some((end + 4, framing)))
}

/// Where a chunk's data starts and how long it is, once the whole size line is there.
fn parse_chunk_size(bytes: &[u8]) -> Result<Option<(usize, usize)>> {
    let Some(end) = memmem::find(bytes, b"\r\n") else {
        return Ok(None);
    };
    let digits = str::from_utf8(&bytes[..end])?;
    let length = usize::from_str_radix(digits, 16).context("chunk size")?;
    Ok(Some((end + 2, length)))
}
