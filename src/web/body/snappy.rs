//! Snappy in its framed form, with the errors of Go's reader.

use std::io::{self, Read as _};

use snap::read::FrameDecoder;

use super::{BodyError, EncodingError, Gathered};

/// What one chunk of a stream inflates to at most.
const WINDOW_LEN: usize = 64 << 10;

/// Inflates all chunks into `output`.
pub(super) fn inflate(input: &[u8], mut output: Gathered) -> Result<Gathered, BodyError> {
    let mut stream = FrameDecoder::new(input);
    let mut window = vec![0; WINDOW_LEN];
    loop {
        match stream.read(&mut window) {
            Ok(0) => return Ok(output),
            Ok(len) => output.append(&window[..len])?,
            Err(error) => return Err(reason_of(&error).into()),
        }
    }
}

fn reason_of(error: &io::Error) -> EncodingError {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    match cause {
        Some(
            snap::Error::UnsupportedChunkType { .. } | snap::Error::UnsupportedChunkLength { .. },
        ) => EncodingError::SnappyUnsupported,
        _ => EncodingError::SnappyCorrupt,
    }
}
