//! Continuation tokens: a place in a list, as text that callers hand back and need not understand.
//!
//! Hex of a version, the order, the time, and the key or id. Hex, because it survives headers, URLs and shells as it is. A token of
//! another version, or one that somebody made up, is refused instead of guessed at.

use crate::{
    model::{InstanceId, InstanceKey, Timestamp},
    store::Walk,
};
use std::fmt::Write as _;

const VERSION: u8 = 1;
const CREATED: u8 = 0;
const COMPLETED: u8 = 1;

/// The token for going on from `walk`; `None` for the very beginning, which needs none.
pub fn write(walk: &Walk) -> Option<String> {
    let mut bytes = vec![VERSION];
    match walk {
        Walk::Created(place) => {
            let (at, key) = place.as_ref()?;
            bytes.push(CREATED);
            bytes.extend(at.0.to_be_bytes());
            bytes.extend(key.0.to_be_bytes());
        }
        Walk::Completed(place) => {
            let (at, id) = place.as_ref()?;
            bytes.push(COMPLETED);
            bytes.extend(at.0.to_be_bytes());
            bytes.extend(id.as_str().as_bytes());
        }
    }
    Some(bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    }))
}

/// The inverse of [`write`]; `None` if it is not a token of this version.
pub fn read(token: &str) -> Option<Walk> {
    let bytes = unhex(token)?;
    let ([VERSION, order], rest) = bytes.split_first_chunk()? else { return None };
    let (at, rest) = rest.split_first_chunk()?;
    let at = Timestamp(i64::from_be_bytes(*at));
    match *order {
        CREATED => {
            let key = i64::from_be_bytes(rest.try_into().ok()?);
            Some(Walk::Created(Some((at, InstanceKey(key)))))
        }
        COMPLETED => {
            let id = std::str::from_utf8(rest).ok().filter(|id| !id.is_empty())?;
            Some(Walk::Completed(Some((at, InstanceId::lookup(id)))))
        }
        _ => None,
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_comes_back() {
        for at in [i64::MIN, -1, 0, 1_700_000_000_000_001, i64::MAX] {
            for place in ["a", "ü😀", "x\u{0}y"] {
                let walk = Walk::Completed(Some((Timestamp(at), InstanceId::lookup(place))));
                assert_eq!(read(&write(&walk).unwrap()), Some(walk));
            }
            let walk = Walk::Created(Some((Timestamp(at), InstanceKey(at))));
            assert_eq!(read(&write(&walk).unwrap()), Some(walk));
        }
        assert_eq!(write(&Walk::Created(None)), None);
    }

    #[test]
    fn what_we_did_not_write_is_refused() {
        let good = write(&Walk::Created(Some((Timestamp(7), InstanceKey(8))))).unwrap();
        let named = write(&Walk::Completed(Some((Timestamp(7), InstanceId::lookup("a"))))).unwrap();
        let other_version = good.replacen("01", "02", 1);
        let other_order = good.replacen("0100", "0107", 1);
        let (short, odd, long) = (&good[..good.len() - 2], &good[1..], format!("{good}00"));
        let (no_id, bad_utf8) = (&named[..20], format!("{}ff", &named[..20]));
        for bad in
            ["", "0", "zz", "é", "+1", &other_version, &other_order, short, odd, &long, no_id, &bad_utf8]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
