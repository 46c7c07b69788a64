//! What one connection is busy with, and until when it may be.
//!
//! Shared by the parts that see it: the socket ([`TimedIo`](super::timed_io::TimedIo)), the requests
//! ([`Exchange`](super::request::Exchange)) and the [`drive`](super::drive::drive) loop that ends a
//! connection which is out of time. All run in the connection's own task (but for HTTP/2 requests), so the
//! lock is never fought for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use http::Request;
use http::header::EXPECT;
use http_body::Body as _;
use hyper::body::Incoming;
use tokio::time::Instant;

use super::Limits;
use super::unread::{Discarded, Unread};

/// Bytes of an unwanted body that are read for the sake of keeping the connection, as Go's server does.
const KEEP_ALIVE_DISCARD: u64 = 256 << 10;

/// The protocol that a connection speaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// The record of one connection.
#[derive(Debug)]
pub(super) struct Activity {
    pub(super) protocol: Protocol,
    limits: Arc<Limits>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// Requests begun and not yet wholly answered; more than one only with HTTP/2.
    serving: usize,
    /// The body of the latest request.
    body: BodyState,
    /// The client has closed its sending half.
    half_closed: bool,
    /// Bodies that their handlers left unread; more than one only with HTTP/2.
    unread: Vec<Unread>,
    /// Wakes the task of the connection.
    waker: Option<Waker>,
    /// Since when the client has taken no bytes.
    write_blocked: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum BodyState {
    /// It was read to its end, or there was none.
    Ended,
    /// The client sends it only once it was told to `100 Continue`, which it was not yet.
    ContinueAwaited,
    /// Part of it is still to come.
    Arriving,
    /// Its end will never be read.
    Abandoned,
}

#[derive(Debug)]
enum Phase {
    /// A request head is awaited that has begun, or that is the first.
    Head(Instant),
    /// Nothing has been received since the last request.
    Idle(Instant),
    /// Requests are being answered.
    Serving,
}

/// What becomes of the connection after a response whose request body was not read to its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reuse {
    /// The connection can carry the next request.
    KeepAlive,
    /// The client must be told that the connection closes.
    Close,
}

impl Activity {
    /// The record of a connection that has just been established.
    pub(super) fn new(protocol: Protocol, limits: Arc<Limits>) -> Arc<Self> {
        Arc::new(Self {
            protocol,
            limits,
            state: Mutex::new(State {
                phase: Phase::Head(Instant::now()),
                serving: 0,
                body: BodyState::Ended,
                half_closed: false,
                unread: Vec::new(),
                waker: None,
                write_blocked: None,
            }),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change of the state is complete in itself, so a panic elsewhere leaves it sound.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that bytes came in. HTTP/2 frames say nothing about a request head having begun.
    pub(super) fn received(&self) {
        let mut state = self.state();
        let is_http1 = self.protocol == Protocol::Http1;
        if is_http1 && state.unread.is_empty() && matches!(state.phase, Phase::Idle(_)) {
            state.phase = Phase::Head(Instant::now());
        }
    }

    /// Records whether the client takes what is written.
    pub(super) fn written<T>(&self, progress: &Poll<T>) {
        let mut state = self.state();
        match progress {
            Poll::Ready(_) => state.write_blocked = None,
            Poll::Pending => {
                state.write_blocked.get_or_insert_with(Instant::now);
            }
        }
    }

    /// Records the end of what the client sends; true if a request should be answered nevertheless.
    pub(super) fn half_close(&self) -> bool {
        let mut state = self.state();
        let is_received = state.body == BodyState::Ended;
        let answering = state.serving > 0 && is_received && self.protocol == Protocol::Http1;
        state.half_closed |= answering;
        answering
    }

    /// Whether a request is being answered.
    pub(super) fn is_serving(&self) -> bool {
        self.state().serving > 0
    }

    /// Whether nothing can follow on this connection: the client is done sending, and has its answers.
    pub(super) fn is_finished(&self) -> bool {
        let state = self.state();
        state.half_closed && state.serving == 0
    }

    /// Records that a request has begun; it ends when the guard is dropped.
    pub(super) fn begin(self: &Arc<Self>, request: &Request<Incoming>) -> Serving {
        let mut state = self.state();
        state.serving += 1;
        state.phase = Phase::Serving;
        state.body = if request.body().is_end_stream() {
            BodyState::Ended
        } else if request.headers().contains_key(EXPECT) {
            BodyState::ContinueAwaited
        } else {
            BodyState::Arriving
        };
        Serving(Arc::clone(self))
    }

    /// Records that the request body is being read, which makes hyper send `100 Continue`.
    pub(super) fn body_wanted(&self) {
        let mut state = self.state();
        if state.body == BodyState::ContinueAwaited {
            state.body = BodyState::Arriving;
        }
    }

    /// Records that the request body was read to its end, or broke off.
    pub(super) fn body_ended(&self) {
        self.state().body = BodyState::Ended;
    }

    /// Records that the rest of the request body will never be read.
    pub(super) fn body_abandoned(&self) {
        self.state().body = BodyState::Abandoned;
    }

    /// Takes back a body that its handler has not read to the end.
    pub(super) fn body_left(&self, body: Incoming) {
        let budget = match self.protocol {
            Protocol::Http1 => KEEP_ALIVE_DISCARD,
            Protocol::Http2 => self.limits.discard_bytes,
        };
        let until = Instant::now() + self.limits.discard_time;
        let mut state = self.state();
        state.unread.push(Unread::new(body, budget, until));
        // With HTTP/2 this is another task than that of the connection.
        if let Some(waker) = &state.waker {
            waker.wake_by_ref();
        }
    }

    /// Decides whether what is left of the body is worth reading for the next request's sake.
    ///
    /// For HTTP/1 only, where the next request comes after the body. If it is not worth while, the bytes are
    /// thrown away once the connection is closed for sending.
    pub(super) fn settle_unread(&self) -> Reuse {
        let mut state = self.state();
        let is_worth_while = state.unread.iter().all(Unread::is_small);
        if !state.unread.is_empty() && (state.body == BodyState::ContinueAwaited || !is_worth_while)
        {
            state.unread.clear();
            state.body = BodyState::Abandoned;
        }
        match state.body {
            BodyState::Abandoned => Reuse::Close,
            BodyState::Ended | BodyState::ContinueAwaited | BodyState::Arriving => Reuse::KeepAlive,
        }
    }

    /// Throws away what has arrived of bodies that were left unread. Called by the connection's task.
    pub(super) fn poll_discard(&self, cx: &mut Context<'_>) {
        let mut state = self.state();
        if self.protocol == Protocol::Http2 && !state.is_woken_by(cx) {
            state.waker = Some(cx.waker().clone());
        }
        let mut ended = None;
        state.unread.retain_mut(|unread| match unread.poll(cx) {
            Poll::Ready(discarded) => {
                ended = Some(discarded);
                false
            }
            Poll::Pending => true,
        });
        match ended {
            Some(Discarded::Wholly) => state.body = BodyState::Ended,
            Some(Discarded::InPart) => state.body = BodyState::Abandoned,
            None => return,
        }
        if matches!(state.phase, Phase::Idle(_)) {
            state.phase = Phase::Idle(Instant::now());
        }
    }

    /// Whether a body was given up on before its end.
    pub(super) fn has_abandoned_body(&self) -> bool {
        self.state().body == BodyState::Abandoned
    }

    /// Until when the connection may go on as it does now.
    pub(super) fn deadline(&self) -> Instant {
        let (state, limits) = (self.state(), &self.limits);
        let by_phase = match state.phase {
            Phase::Head(since) => since + limits.head_time,
            Phase::Idle(since) => since + limits.idle_time,
            // Handlers and bodies have bounds of their own: only look again later.
            Phase::Serving => Instant::now() + limits.idle_time,
        };
        let by_write = state.write_blocked.map(|since| since + limits.write_stall);
        by_write.map_or(by_phase, |by_write| by_phase.min(by_write))
    }

    /// When to look again, at the latest.
    pub(super) fn next_look(&self) -> Instant {
        let deadline = self.deadline();
        let state = self.state();
        let discarded = state.unread.iter().map(Unread::until).min();
        discarded.map_or(deadline, |discarded| deadline.min(discarded))
    }
}

impl State {
    fn is_woken_by(&self, cx: &Context<'_>) -> bool {
        let waker = self.waker.as_ref();
        waker.is_some_and(|waker| waker.will_wake(cx.waker()))
    }
}

/// A request in flight.
#[derive(Debug)]
pub(super) struct Serving(Arc<Activity>);

impl Drop for Serving {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.serving -= 1;
        if state.serving == 0 {
            state.phase = Phase::Idle(Instant::now());
        }
    }
}
