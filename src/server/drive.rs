//! Runs one HTTP connection until it is done, out of time, or told to stop.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use hyper_util::server::graceful::GracefulConnection;
use tokio::time::{Instant, Sleep};

use super::activity::Activity;

/// How a connection ended.
#[derive(Debug)]
pub(super) enum Ended<E> {
    /// By itself.
    Done(Result<(), E>),
    /// One of its time bounds was reached.
    TimedOut,
}

/// Runs `connection`; once `stop` is done it finishes what it has begun and closes.
pub(super) async fn drive<C: GracefulConnection>(
    mut connection: Pin<&mut C>,
    activity: &Activity,
    stop: impl Future<Output = ()>,
) -> Ended<C::Error> {
    let mut stop = pin!(stop);
    let mut is_stopping = false;
    let mut timer = pin!(tokio::time::sleep_until(activity.next_look()));
    poll_fn(move |cx| {
        if !is_stopping && stop.as_mut().poll(cx).is_ready() {
            is_stopping = true;
            connection.as_mut().graceful_shutdown();
        }
        if let Poll::Ready(result) = poll_connection(connection.as_mut(), activity, cx) {
            return Poll::Ready(Ended::Done(result));
        }
        poll_deadline(timer.as_mut(), activity, cx).map(|()| Ended::TimedOut)
    })
    .await
}

fn poll_connection<C: GracefulConnection>(
    mut connection: Pin<&mut C>,
    activity: &Activity,
    cx: &mut Context<'_>,
) -> Poll<Result<(), C::Error>> {
    let progress = connection.as_mut().poll(cx);
    if progress.is_ready() {
        return progress;
    }
    activity.poll_discard(cx);
    if activity.is_finished() {
        // hyper has been told of no end of input yet; being idle, it closes at once.
        connection.as_mut().graceful_shutdown();
        return connection.poll(cx);
    }
    Poll::Pending
}

/// Moves the timer only where it would fire too late: most requests come and go under one setting of it.
fn poll_deadline(
    mut timer: Pin<&mut Sleep>,
    activity: &Activity,
    cx: &mut Context<'_>,
) -> Poll<()> {
    let next_look = activity.next_look();
    if next_look < timer.deadline() {
        timer.as_mut().reset(next_look);
    }
    while timer.as_mut().poll(cx).is_ready() {
        if activity.deadline() <= Instant::now() {
            return Poll::Ready(());
        }
        activity.poll_discard(cx); // Gives up on what has had its time.
        timer.as_mut().reset(activity.next_look());
    }
    Poll::Pending
}
