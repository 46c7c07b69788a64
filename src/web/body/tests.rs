//! Bodies of every encoding, whole and broken, and each limit hit.

use std::io::{self, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::http::HeaderValue;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body::Frame;
use tokio::sync::mpsc;

use super::*;

const LIMITS: BodyLimits = BodyLimits {
    bytes: 1000,
    inflated_bytes: 10_000,
    in_flight_bytes: 12_000,
};

fn gzip(text: &[u8]) -> Vec<u8> {
    gzip_at(Compression::default(), text)
}

fn gzip_at(level: Compression, text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), level);
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn framed_snappy(text: &[u8]) -> Vec<u8> {
    let mut encoder = snap::write::FrameEncoder::new(Vec::new());
    encoder.write_all(text).unwrap();
    encoder.into_inner().unwrap()
}

fn encoded(encoding: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(header::CONTENT_ENCODING, HeaderValue::from_static(encoding))])
}

async fn receive(
    limits: BodyLimits,
    encoding: &'static str,
    body: impl Into<Body>,
) -> Result<ReceivedBody, BodyError> {
    receive_by(&Bodies::new(limits), encoding, body.into()).await
}

async fn receive_by(
    bodies: &Bodies,
    encoding: &'static str,
    body: Body,
) -> Result<ReceivedBody, BodyError> {
    let mut open = Box::new(bodies.open(body));
    open.decode(&encoded(encoding)).await?;
    open.receive().await
}

/// What a body is received as, or why it is refused.
async fn check(encoding: &'static str, body: &[u8], expected: Result<&[u8], &str>) {
    let found = receive(LIMITS, encoding, body.to_vec()).await;
    let found = found.as_ref().map(ReceivedBody::as_bytes);
    let found = found.map_err(ToString::to_string);
    assert_eq!(
        found,
        expected.map_err(str::to_owned),
        "{encoding} {body:02x?}"
    );
}

#[tokio::test]
async fn unknown_encodings_are_taken_for_none() {
    for encoding in ["", "identity", "x-gzip", "deflate", "zstd", "gzip, gzip"] {
        check(encoding, b"m 1\n", Ok(b"m 1\n")).await;
    }
}

#[tokio::test]
async fn gzip_is_inflated_member_by_member() {
    let one = gzip(b"m 1\n");
    check("gzip", &one, Ok(b"m 1\n")).await;
    check("GZIP", &one, Ok(b"m 1\n")).await;
    let two = [one.clone(), gzip(b""), gzip(b"n 1\n")].concat();
    check("gzip", &two, Ok(b"m 1\nn 1\n")).await;
    let large = b"0123456789".repeat(900);
    check("gzip", &gzip(&large), Ok(&large)).await;
}

#[tokio::test]
async fn a_gzip_header_may_have_all_its_fields() {
    let data = &gzip(b"m 1\n")[10..];
    let header = [
        &[0x1f, 0x8b, 8, 0b1_1110, 0, 0, 0, 0, 0, 3][..],
        &[2, 0, b'x', b'y'],
        b"name\0comment\0",
    ]
    .concat();
    let sum = u16::try_from(crc32fast::hash(&header) & 0xffff).unwrap();
    let intact = [&header, &sum.to_le_bytes()[..], data].concat();
    check("gzip", &intact, Ok(b"m 1\n")).await;
    let wrong = [&header, &(sum ^ 1).to_le_bytes()[..], data].concat();
    check("gzip", &wrong, Err("gzip: invalid header")).await;
    let long_name = [&header[..14], &[b'n'; 512], b"\0"].concat();
    check("gzip", &long_name, Err("gzip: invalid header")).await;
    for cut in 1..header.len() {
        check("gzip", &header[..cut], Err("unexpected EOF")).await;
    }
}

#[tokio::test]
async fn broken_gzip_is_refused_in_gos_words() {
    let whole = gzip(b"m 1\n");
    check("gzip", b"", Err("EOF")).await;
    check("gzip", b"m 1\n", Err("unexpected EOF")).await;
    check("gzip", b"no gzip at all", Err("gzip: invalid header")).await;
    for cut in 1..whole.len() {
        check("gzip", &whole[..cut], Err("unexpected EOF")).await;
    }
    for at in whole.len() - 8..whole.len() {
        let mut wrong = whole.clone();
        wrong[at] ^= 1;
        check("gzip", &wrong, Err("gzip: invalid checksum")).await;
    }
    let behind = |garbage: &[u8]| [&whole, garbage].concat();
    check("gzip", &behind(b"x"), Err("unexpected EOF")).await;
    check("gzip", &behind(&[0; 10]), Err("gzip: invalid header")).await;
    let mut corrupt = whole.clone();
    corrupt[10] = 0xff;
    let found = receive(LIMITS, "gzip", corrupt).await.unwrap_err();
    let found = found.to_string();
    assert!(
        found.starts_with("flate: corrupt input before offset "),
        "{found}"
    );
}

#[tokio::test]
async fn snappy_is_framed() {
    check("snappy", &framed_snappy(b"m 1\n"), Ok(b"m 1\n")).await;
    check("Snappy", b"", Ok(b"")).await;
    let identifier = b"\xff\x06\x00\x00sNaPpY";
    check("snappy", identifier, Ok(b"")).await;
    check("snappy", b"m 1\n", Err("snappy: corrupt input")).await;
    let raw = snap::raw::Encoder::new().compress_vec(b"m 1\n").unwrap();
    check("snappy", &raw, Err("snappy: corrupt input")).await;
    let reserved = [&identifier[..], b"\x02\x01\x00\x00x"].concat();
    check("snappy", &reserved, Err("snappy: unsupported input")).await;
    let whole = framed_snappy(b"m 1\n");
    for cut in (1..whole.len()).filter(|&cut| cut != identifier.len()) {
        check("snappy", &whole[..cut], Err("snappy: corrupt input")).await;
    }
    let mut wrong = whole.clone();
    *wrong.last_mut().unwrap() ^= 1;
    check("snappy", &wrong, Err("snappy: corrupt input")).await;
}

#[tokio::test]
async fn a_body_may_be_as_large_as_the_limit_and_no_larger() {
    check("", &[b'a'; 1000], Ok(&[b'a'; 1000])).await;
    let refusal = "request body is larger than 1000 bytes (--limit.body-bytes)";
    check("", &[b'a'; 1001], Err(refusal)).await;
    let refusal = "request body inflates to more than 10000 bytes (--limit.inflated-body-bytes)";
    let (fits, exceeds) = (vec![b'a'; 10_000], vec![b'a'; 10_001]);
    check("gzip", &gzip(&fits), Ok(&fits)).await;
    check("gzip", &gzip(&exceeds), Err(refusal)).await;
    check("snappy", &framed_snappy(&fits), Ok(&fits)).await;
    check("snappy", &framed_snappy(&exceeds), Err(refusal)).await;
}

#[tokio::test]
async fn a_body_of_unknown_length_stops_at_the_limit() {
    let (sender, body) = channel_body();
    let receiving = tokio::spawn(receive(LIMITS, "", body));
    for _ in 0..11 {
        sender.send(Ok(vec![b'a'; 100].into())).unwrap();
    }
    let refusal = receiving.await.unwrap().unwrap_err();
    assert!(matches!(refusal, BodyError::TooLarge { limit: 1000 }));
}

#[tokio::test]
async fn large_bodies_are_inflated_elsewhere_with_the_same_result() {
    let limits = BodyLimits {
        bytes: 1 << 20,
        inflated_bytes: 1 << 20,
        in_flight_bytes: 1 << 20,
    };
    let text = b"0123456789".repeat(10_000);
    let compressed = gzip_at(Compression::none(), &text);
    assert!(compressed.len() > INFLATE_ON_THE_SPOT_BYTES);
    let received = receive(limits, "gzip", compressed).await.unwrap();
    assert_eq!(received.as_bytes(), text);
}

#[tokio::test]
async fn all_bodies_share_a_limit_until_they_are_dropped() {
    let bodies = Bodies::new(LIMITS);
    let receive = |body: Vec<u8>| receive_by(&bodies, "gzip", body.into());
    let large = gzip(&[b'a'; 9000]);
    let first = receive(large.clone()).await.unwrap();
    let refusal = receive(large.clone()).await.unwrap_err();
    assert!(matches!(
        refusal,
        BodyError::TooManyInFlight { limit: 12_000 }
    ));
    drop(first);
    receive(large).await.unwrap();
}

/// A body that the test sends chunk by chunk.
struct ChannelBody(mpsc::UnboundedReceiver<Result<Bytes, io::Error>>);

fn channel_body() -> (mpsc::UnboundedSender<Result<Bytes, io::Error>>, Body) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (sender, Body::new(ChannelBody(receiver)))
}

impl http_body::Body for ChannelBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let chunk = self.0.poll_recv(context);
        chunk.map(|chunk| chunk.map(|chunk| chunk.map(Frame::data)))
    }
}

#[tokio::test]
async fn a_body_that_fails_on_the_way_is_stalled_or_broken_off() {
    let check = async |kind: io::ErrorKind, expected: &str| {
        let (sender, body) = channel_body();
        sender.send(Ok("m ".into())).unwrap();
        sender
            .send(Err(io::Error::new(kind, "no progress for 60s")))
            .unwrap();
        let error = receive(LIMITS, "", body).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    check(io::ErrorKind::TimedOut, "no progress for 60s").await;
    check(io::ErrorKind::ConnectionReset, "unexpected EOF").await;
}
