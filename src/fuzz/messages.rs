//! Protobuf messages that are nearly right: fields are taken out, put in twice, renumbered and filled with something else, at any depth, and
//! the lengths around them are made right again. What is only cut or flipped anywhere would seldom be a message at all.

use super::{Edit, edited, edits};
use bytes::{Buf, BufMut};
use proptest::{collection::vec, prelude::*, sample::Index, sample::select};
use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint};

const PIECES: &[&str] = &[
    "",
    "\u{0}",
    "\u{ff}\u{ff}\u{ff}\u{ff}\u{f}",
    "a",
    "ü😀",
    "@counter@k",
    "@",
    "/",
    "..",
    "\n",
    "{",
    "\"",
    "null",
    "[1]",
    "victim",
    "00000000-0000-0000-0000-000000000000",
];

/// One change to a message.
#[derive(Clone, Debug)]
pub struct Change {
    /// Which field, from the outermost message inwards, as far as fields are messages.
    path: Vec<Index>,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Drop,
    Twice(usize),
    Renumber(u32),
    Number(u64),
    Fill(Vec<u8>),
    Edit(Vec<Edit>),
    /// The message within itself, as deep as that.
    Nest(usize),
}

enum Value {
    Number(u64),
    Eight(u64),
    Four(u32),
    Bytes(Vec<u8>),
}

/// A few changes.
pub fn changes() -> impl Strategy<Value = Vec<Change>> {
    let number = prop_oneof![
        select(
            &[0_u64, 1, 2, 127, 255, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1 << 62, 1 << 63, u64::MAX][..]
        ),
        any::<u64>(),
    ];
    let fill = prop_oneof![
        select(PIECES).prop_map(|piece| piece.as_bytes().to_vec()),
        vec(any::<u8>(), 0..20),
        (1..3_000_usize).prop_map(|length| vec![b'x'; length]),
    ];
    let what = prop_oneof![
        2 => Just(What::Drop),
        2 => (2..200_usize).prop_map(What::Twice),
        2 => (1..20_u32).prop_map(What::Renumber),
        4 => number.prop_map(What::Number),
        4 => fill.prop_map(What::Fill),
        3 => edits(PIECES).prop_map(What::Edit),
        1 => (1..200_usize).prop_map(What::Nest),
    ];
    let change = (vec(any::<Index>(), 1..5), what).prop_map(|(path, what)| Change { path, what });
    vec(change, 0..4)
}

/// `message` with these changes.
pub fn changed(message: &[u8], changes: &[Change]) -> Vec<u8> {
    changes.iter().fold(message.to_vec(), |message, change| apply(&message, &change.path, &change.what))
}

fn apply(message: &[u8], path: &[Index], what: &What) -> Vec<u8> {
    let (Some(mut fields), [here, below @ ..]) = (read(message), path) else {
        return edited(message, if let What::Edit(edits) = what { edits } else { &[] });
    };
    if fields.is_empty() {
        // A field for an empty message.
        if let What::Fill(bytes) = what {
            fields.push((1, Value::Bytes(bytes.clone())));
        }
        return write(&fields);
    }
    let at = here.index(fields.len());
    if let (Value::Bytes(inner), false) = (&fields[at].1, below.is_empty())
        && read(inner).is_some_and(|fields| !fields.is_empty())
    {
        fields[at].1 = Value::Bytes(apply(inner, below, what));
        return write(&fields);
    }
    match what {
        What::Drop => drop(fields.remove(at)),
        What::Twice(times) => {
            let one = write(&fields[at..=at]);
            let before = write(&fields[..at]);
            return [before, one.repeat(*times), write(&fields[at + 1..])].concat();
        }
        What::Renumber(number) => fields[at].0 = *number,
        What::Number(number) => fields[at].1 = Value::Number(*number),
        What::Fill(bytes) => fields[at].1 = Value::Bytes(bytes.clone()),
        What::Edit(edits) => match &mut fields[at].1 {
            Value::Bytes(bytes) => *bytes = edited(bytes, edits),
            other => *other = Value::Bytes(Vec::new()),
        },
        What::Nest(depth) => {
            let number = fields[at].0;
            for _ in 0..*depth {
                fields = vec![(number, Value::Bytes(write(&fields)))];
            }
        }
    }
    write(&fields)
}

/// The fields of a message; `None` if it is none.
fn read(mut message: &[u8]) -> Option<Vec<(u32, Value)>> {
    let mut fields = Vec::new();
    while message.has_remaining() {
        let (number, kind) = decode_key(&mut message).ok()?;
        let value = match kind {
            WireType::Varint => Value::Number(decode_varint(&mut message).ok()?),
            WireType::SixtyFourBit => Value::Eight(message.try_get_u64_le().ok()?),
            WireType::ThirtyTwoBit => Value::Four(message.try_get_u32_le().ok()?),
            WireType::LengthDelimited => {
                let length = usize::try_from(decode_varint(&mut message).ok()?).ok()?;
                let (bytes, rest) = message.split_at_checked(length)?;
                message = rest;
                Value::Bytes(bytes.to_vec())
            }
            WireType::StartGroup | WireType::EndGroup => return None,
        };
        fields.push((number, value));
    }
    Some(fields)
}

fn write(fields: &[(u32, Value)]) -> Vec<u8> {
    let mut message = Vec::new();
    for (number, value) in fields {
        match value {
            Value::Number(value) => {
                encode_key(*number, WireType::Varint, &mut message);
                encode_varint(*value, &mut message);
            }
            Value::Eight(value) => {
                encode_key(*number, WireType::SixtyFourBit, &mut message);
                message.put_u64_le(*value);
            }
            Value::Four(value) => {
                encode_key(*number, WireType::ThirtyTwoBit, &mut message);
                message.put_u32_le(*value);
            }
            Value::Bytes(bytes) => {
                encode_key(*number, WireType::LengthDelimited, &mut message);
                encode_varint(u64::try_from(bytes.len()).unwrap_or(u64::MAX), &mut message);
                message.extend(bytes);
            }
        }
    }
    message
}
