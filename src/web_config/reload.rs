//! Values made from files, made again when a file changes.
//!
//! A file that turns bad never takes down what is running: the value stays the one that was last made with
//! success, the error is logged once, and [`Reloading::is_stale`] tells whoever watches. Contents are compared
//! rather than times: the files are few and small, and Kubernetes swaps them under a symbolic link.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tracing::{error, info};

/// How often [`keep_fresh`] looks at the files.
const PERIOD: Duration = Duration::from_secs(1);

/// Where a value comes from.
pub trait Source: Send + Sync + 'static {
    /// What is read; equal input makes an equal value.
    type Input: PartialEq + Send;
    /// What is made of it.
    type Value: Send + Sync;
    /// Why one of the two failed.
    type Error: fmt::Display;
    /// What logs call it.
    const WHAT: &'static str;

    /// Reads the files.
    fn read(&self) -> Result<Self::Input, Self::Error>;

    /// Makes the value.
    fn build(&self, input: &Self::Input) -> Result<Self::Value, Self::Error>;
}

/// A value that follows its [`Source`].
pub struct Reloading<S: Source> {
    source: S,
    current: RwLock<Arc<S::Value>>,
    last: Mutex<Last<S::Input>>,
    is_stale: AtomicBool,
}

/// What the last look at the source has found.
struct Last<I> {
    input: I,
    /// No value could be made of it.
    is_invalid: bool,
    /// The error of reading, while it goes on.
    read_error: Option<String>,
}

impl<S: Source> Reloading<S> {
    /// Makes the value for the first time.
    pub fn open(source: S) -> Result<Self, S::Error> {
        let input = source.read()?;
        let value = source.build(&input)?;
        Ok(Self {
            source,
            current: RwLock::new(Arc::new(value)),
            last: Mutex::new(Last {
                input,
                is_invalid: false,
                read_error: None,
            }),
            is_stale: AtomicBool::new(false),
        })
    }

    /// The value last made with success.
    pub fn current(&self) -> Arc<S::Value> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the source has changed to something of which no value could be made.
    pub fn is_stale(&self) -> bool {
        self.is_stale.load(Ordering::Relaxed)
    }

    fn take(&self, last: &mut Last<S::Input>, input: S::Input) {
        if last.read_error.take().is_some() {
            info!("{} can be read again", S::WHAT);
        }
        if last.input == input {
            return;
        }
        let made = self.source.build(&input);
        last.input = input;
        last.is_invalid = made.is_err();
        match made {
            Ok(value) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(value);
                info!("{} reloaded", S::WHAT);
            }
            Err(error) => {
                error!(%error, "{} has changed and is not valid, going on with the last one", S::WHAT);
            }
        }
    }
}

impl<S: Source> fmt::Debug for Reloading<S> {
    /// Shows nothing of the value, which may be secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct(S::WHAT)
            .field("is_stale", &self.is_stale())
            .finish_non_exhaustive()
    }
}

/// Something that can look for changes.
pub trait Refresh: Send + Sync {
    /// Reads the source, and makes the value again if it has changed. Blocks.
    fn refresh(&self);
}

impl<S: Source> Refresh for Reloading<S> {
    fn refresh(&self) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match self.source.read() {
            Ok(input) => self.take(&mut last, input),
            Err(error) => {
                let error = error.to_string();
                if last.read_error.as_ref() != Some(&error) {
                    error!(%error, "{} can't be read, going on with the last one", S::WHAT);
                    last.read_error = Some(error);
                }
            }
        }
        let is_stale = last.is_invalid || last.read_error.is_some();
        self.is_stale.store(is_stale, Ordering::Relaxed);
    }
}

/// Refreshes `sources` once a second, in this order, for as long as it is polled.
pub async fn keep_fresh(sources: Vec<Arc<dyn Refresh>>) {
    let sources: Arc<[_]> = sources.into();
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let sources = Arc::clone(&sources);
        let look = move || sources.iter().for_each(|source| source.refresh());
        // When the process ends, a look that was not begun never will be.
        if let Err(error) = tokio::task::spawn_blocking(look).await
            && !error.is_cancelled()
        {
            error!(%error, "looking for changed files has failed");
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    /// A number, as text that can be changed.
    struct Number(Arc<Mutex<Result<&'static str, &'static str>>>);

    impl Source for Number {
        type Input = &'static str;
        type Value = i32;
        type Error = String;
        const WHAT: &'static str = "number";

        fn read(&self) -> Result<&'static str, String> {
            self.0.lock().unwrap().map_err(str::to_owned)
        }

        fn build(&self, input: &&'static str) -> Result<i32, String> {
            input.parse().map_err(|_| format!("{input} is no number"))
        }
    }

    #[test]
    fn the_last_good_value_stays() {
        let text = Arc::new(Mutex::new(Ok("1")));
        let number = Reloading::open(Number(Arc::clone(&text))).unwrap();
        let check = |now, value, is_stale| {
            *text.lock().unwrap() = now;
            number.refresh();
            assert_eq!((*number.current(), number.is_stale()), (value, is_stale));
        };
        check(Ok("2"), 2, false);
        check(Ok("x"), 2, true);
        check(Ok("x"), 2, true);
        check(Ok("2"), 2, false);
        check(Err("gone"), 2, true);
        check(Ok("2"), 2, false);
        check(Ok("y"), 2, true);
        check(Err("gone"), 2, true);
        check(Ok("y"), 2, true);
        check(Ok("3"), 3, false);
    }

    #[test]
    fn what_is_bad_from_the_start_is_an_error() {
        for text in [Ok("x"), Err("gone")] {
            let source = Number(Arc::new(Mutex::new(text)));
            assert!(Reloading::open(source).is_err());
        }
    }

    struct Signal(mpsc::UnboundedSender<&'static str>, &'static str);

    impl Refresh for Signal {
        fn refresh(&self) {
            self.0.send(self.1).unwrap();
        }
    }

    #[tokio::test]
    async fn sources_are_refreshed_in_order() {
        let (seen, mut refreshed) = mpsc::unbounded_channel();
        let source = |name| -> Arc<dyn Refresh> { Arc::new(Signal(seen.clone(), name)) };
        let fresh = tokio::spawn(keep_fresh(vec![source("first"), source("second")]));
        assert_eq!(refreshed.recv().await, Some("first"));
        assert_eq!(refreshed.recv().await, Some("second"));
        fresh.abort();
    }
}
