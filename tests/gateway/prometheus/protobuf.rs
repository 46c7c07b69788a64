//! Just enough protobuf to write `io.prometheus.client.MetricFamily`, rightly and wrongly.

/// Fields of a message, written one after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Message(Vec<u8>);

impl Message {
    /// A varint field: unsigned, boolean, enum.
    pub(super) fn uint(mut self, field: u64, value: u64) -> Self {
        push_varint(&mut self.0, field << 3);
        push_varint(&mut self.0, value);
        self
    }

    /// A zigzag varint field: `sint32` and `sint64`.
    pub(super) fn sint(self, field: u64, value: i64) -> Self {
        self.uint(field, (value << 1 ^ value >> 63).cast_unsigned())
    }

    /// A double field.
    pub(super) fn double(mut self, field: u64, value: f64) -> Self {
        push_varint(&mut self.0, field << 3 | 1);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// A string or bytes field.
    pub(super) fn bytes(mut self, field: u64, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        push_varint(&mut self.0, field << 3 | 2);
        push_varint(&mut self.0, value.len() as u64);
        self.0.extend(value);
        self
    }

    /// A field that is a message.
    pub(super) fn message(self, field: u64, value: &Self) -> Self {
        self.bytes(field, &value.0)
    }

    /// The message after its length, as in a push.
    pub(super) fn delimited(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        push_varint(&mut bytes, self.0.len() as u64);
        bytes.extend(&self.0);
        bytes
    }
}

/// Writes a number seven bits a byte, the lowest first.
pub(super) fn push_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    bytes.push(value.to_le_bytes()[0]);
}

/// The numbers of `MetricType`.
pub(super) mod kind {
    pub(crate) const COUNTER: u64 = 0;
    pub(crate) const GAUGE: u64 = 1;
    pub(crate) const SUMMARY: u64 = 2;
    pub(crate) const HISTOGRAM: u64 = 4;
    pub(crate) const GAUGE_HISTOGRAM: u64 = 5;
}

/// A family without metrics.
pub(super) fn family(name: impl AsRef<[u8]>, kind: u64) -> Message {
    Message::default().bytes(1, name).uint(3, kind)
}

/// A metric with labels and one value field: 2 gauge, 3 counter, 4 summary, 5 untyped, 7 histogram.
pub(super) fn metric(labels: &[(&[u8], &[u8])], field: u64, value: &Message) -> Message {
    let labels = labels
        .iter()
        .map(|(name, value)| Message::default().bytes(1, name).bytes(2, value));
    let metric = labels.fold(Message::default(), |metric, label| {
        metric.message(1, &label)
    });
    metric.message(field, value)
}

/// A gauge family with one metric.
pub(super) fn gauge(name: impl AsRef<[u8]>, labels: &[(&[u8], &[u8])], value: f64) -> Message {
    let value = Message::default().double(1, value);
    family(name, kind::GAUGE).message(4, &metric(labels, 2, &value))
}

/// A histogram family with one metric without labels.
pub(super) fn histogram(name: &str, histogram: &Message) -> Message {
    family(name, kind::HISTOGRAM).message(4, &metric(&[], 7, histogram))
}

/// A native histogram without buckets.
pub(super) fn native(schema: i64, count: u64, sum: f64) -> Message {
    Message::default()
        .uint(1, count)
        .double(2, sum)
        .sint(5, schema)
        .double(6, 0.001)
        .uint(7, 0)
}

/// A span of native buckets.
pub(super) fn span(offset: i64, length: u64) -> Message {
    Message::default().sint(1, offset).uint(2, length)
}
