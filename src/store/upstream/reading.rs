//! From a gob stream to groups.

use memchr::memmem;

use super::definitions::{STRING, Types, definition};
use super::gob::{Cursor, Malformed};
use super::{Partial, UpstreamFamily, UpstreamGroup};
use crate::model::Timestamp;

/// Seconds from the year 1, where Go's times begin, to 1970.
pub(super) const EPOCH: i64 = 62_135_596_800;

/// Whether a file that begins with these bytes is one, damaged or not: among the first is a name of a type that only the
/// Go Pushgateway has.
pub fn is_upstream(bytes: &[u8]) -> bool {
    let names: [&[u8]; 2] = [b"GroupingKeyToMetricGroup", b"TimestampedMetricFamily"];
    names.iter().any(|name| memmem::find(bytes, name).is_some())
}

/// Reads a file, or of a damaged one what comes before the damage.
pub fn read(bytes: &[u8]) -> Result<Vec<UpstreamGroup>, Partial> {
    let mut groups = Vec::new();
    let outcome = read_stream(bytes, &mut groups);
    for group in &mut groups {
        group.labels.sort();
        group.families.sort_by(|a, b| a.name.cmp(&b.name));
    }
    groups.sort_by(|a, b| a.labels.cmp(&b.labels));
    match outcome {
        Ok(()) => Ok(groups),
        Err(Malformed { at, problem }) => Err(Partial {
            groups,
            at,
            problem,
        }),
    }
}

/// Reads up to the first value; what follows it does not matter.
fn read_stream(bytes: &[u8], groups: &mut Vec<UpstreamGroup>) -> Result<(), Malformed> {
    let mut stream = Cursor::new(bytes);
    let mut types = Types::default();
    loop {
        let mut message = stream.message()?;
        let id = message.int()?;
        if id > 0 {
            return read_value(id, &types, &mut message, groups);
        }
        // Most definitions describe what is not in the file. So a damaged one is no harm until its type is met.
        if let (Some(id), Ok(defined)) = (id.checked_neg(), definition(&mut message)) {
            types.define(id, defined);
        }
    }
}

fn read_value(
    id: i64,
    types: &Types,
    cursor: &mut Cursor<'_>,
    groups: &mut Vec<UpstreamGroup>,
) -> Result<(), Malformed> {
    let Some(layout) = Layout::find(id, types) else {
        return cursor.malformed("its types are not those of the Go Pushgateway's file");
    };
    // A value that is no struct is preceded by a zero.
    if cursor.uint()? != 0 {
        return cursor.malformed("the value does not begin as one");
    }
    for _ in 0..cursor.uint()? {
        cursor.bytes()?;
        let mut group = UpstreamGroup::default();
        let read = layout.read_group(cursor, &mut group);
        if read.is_ok() || !group.families.is_empty() {
            groups.push(group);
        }
        read?;
    }
    Ok(())
}

/// Where in the stream's types the parts of a group are.
struct Layout<'t> {
    types: &'t Types,
    group: i64,
    family: i64,
}

impl<'t> Layout<'t> {
    fn find(id: i64, types: &'t Types) -> Option<Self> {
        let element_by_name = |id| {
            let (key, element) = types.map(id)?;
            (key == STRING).then_some(element)
        };
        let group = element_by_name(id)?;
        let is_text = element_by_name(types.field(group, "Labels")?)? == STRING;
        let family = element_by_name(types.field(group, "Metrics")?)?;
        let is_known = ["Timestamp", "GobbableMetricFamily"].iter().all(|name| {
            let field = types.field(family, name);
            field.is_some_and(|id| types.is_opaque(id))
        });
        (is_text && is_known).then_some(Self {
            types,
            group,
            family,
        })
    }

    /// What was read before an error stays in the group.
    fn read_group(
        &self,
        cursor: &mut Cursor<'_>,
        group: &mut UpstreamGroup,
    ) -> Result<(), Malformed> {
        self.each_field(self.group, cursor, |name, cursor| match name {
            b"Labels" => {
                for _ in 0..cursor.uint()? {
                    group.labels.push((text(cursor)?, text(cursor)?));
                }
                Ok(true)
            }
            b"Metrics" => {
                for _ in 0..cursor.uint()? {
                    group.families.push(self.read_family(cursor)?);
                }
                Ok(true)
            }
            _ => Ok(false),
        })
    }

    fn read_family(&self, cursor: &mut Cursor<'_>) -> Result<UpstreamFamily, Malformed> {
        let mut family = UpstreamFamily {
            name: text(cursor)?,
            timestamp: Timestamp::default(),
            protobuf: Vec::new(),
        };
        self.each_field(self.family, cursor, |name, cursor| match name {
            b"Timestamp" => {
                family.timestamp = timestamp(cursor)?;
                Ok(true)
            }
            b"GobbableMetricFamily" => {
                family.protobuf = cursor.bytes()?.to_vec();
                Ok(true)
            }
            _ => Ok(false),
        })?;
        Ok(family)
    }

    /// Hands each field of a struct to `read`, and skips those that it does not want.
    fn each_field(
        &self,
        id: i64,
        cursor: &mut Cursor<'_>,
        mut read: impl FnMut(&[u8], &mut Cursor<'_>) -> Result<bool, Malformed>,
    ) -> Result<(), Malformed> {
        let fields = self.types.fields(id).unwrap_or_default();
        let mut last = -1;
        while let Some(field) = cursor.next_field(last)? {
            let Some((name, id)) = usize::try_from(field).ok().and_then(|at| fields.get(at)) else {
                return cursor.malformed("a field is not defined");
            };
            if !read(name, cursor)? {
                self.types.skip(*id, cursor)?;
            }
            last = field;
        }
        Ok(())
    }
}

/// Go strings are any bytes; what is not UTF-8 could not be exposed.
fn text(cursor: &mut Cursor<'_>) -> Result<String, Malformed> {
    Ok(String::from_utf8_lossy(cursor.bytes()?).into_owned())
}

/// Go's binary form of a time: a version, seconds since the year 1, nanoseconds, and a zone, which does not matter.
pub(super) fn timestamp(cursor: &mut Cursor<'_>) -> Result<Timestamp, Malformed> {
    let bytes = cursor.bytes()?;
    let has_right_length = matches!((bytes.first(), bytes.len()), (Some(1), 15) | (Some(2), 16));
    let (Some(seconds), Some(nanos), true) = (
        bytes.get(1..).and_then(<[u8]>::first_chunk),
        bytes.get(9..).and_then(<[u8]>::first_chunk),
        has_right_length,
    ) else {
        return cursor.malformed("a time is in an unknown format");
    };
    let seconds = i128::from(i64::from_be_bytes(*seconds)) - i128::from(EPOCH);
    let nanos = seconds * 1_000_000_000 + i128::from(i32::from_be_bytes(*nanos));
    let nearest = nanos.clamp(i64::MIN.into(), i64::MAX.into());
    Ok(Timestamp::from_nanos(
        i64::try_from(nearest).unwrap_or_default(),
    ))
}
