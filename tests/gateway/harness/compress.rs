//! Compressed bodies, and what is in them.

use std::io::{self, Read as _, Write as _};

/// One gzip member.
pub(crate) fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// A framed snappy stream.
pub(crate) fn snappy(body: &[u8]) -> Vec<u8> {
    let mut encoder = snap::write::FrameEncoder::new(Vec::new());
    encoder.write_all(body).unwrap();
    encoder.into_inner().unwrap()
}

/// What gzip members hold.
pub(crate) fn gunzip(members: &[u8]) -> io::Result<Vec<u8>> {
    let mut inflated = Vec::new();
    flate2::read::MultiGzDecoder::new(members).read_to_end(&mut inflated)?;
    Ok(inflated)
}

/// What a framed snappy stream holds.
pub(crate) fn unsnappy(stream: &[u8]) -> io::Result<Vec<u8>> {
    let mut inflated = Vec::new();
    snap::read::FrameDecoder::new(stream).read_to_end(&mut inflated)?;
    Ok(inflated)
}
