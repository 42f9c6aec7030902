//! Continuation tokens: a place in a list, as text that callers hand back and need not understand.
//!
//! Hex of a version, the order, a seal over the hub and the filter, the place, and a check over all of it. Hex, because it survives
//! headers, URLs and shells as it is. A token of another version, or one that somebody made up or changed, is refused instead of guessed
//! at; so is one of another list, because its place would mean something else there. Seal and check are no secrets and guard against
//! mistakes only: which hub is read is said by the request, and never by a token.

use crate::{
    model::{HubId, InstanceId, InstanceKey, Status, StatusExt as _, Timestamp},
    store::{Order, Place, Walk},
};
use std::fmt::Write as _;
use uuid::Uuid;

const VERSION: u8 = 3;
/// Added to the number of the order.
const DESCENDING: u8 = 0x80;
const ORDERS: [(Order, u8); 7] = [
    (Order::Created, 0),
    (Order::Completed, 1),
    (Order::Updated, 2),
    (Order::Id, 3),
    (Order::Name, 4),
    (Order::Status, 5),
    (Order::Took, 6),
];
/// In [`Order::Took`]: the place of what has ended, or of what has not.
const ENDED: u8 = 0;
const LIVE: u8 = 1;

/// Bytes of the check.
const CHECK: usize = 4;

/// What a token is good for.
pub type Seal = [u8; 8];

/// Why a token was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nobody gave it out.
    #[error("the continuation token is not one that this list has given out")]
    Unknown,
    /// It belongs to another question.
    #[error(
        "the continuation token belongs to a list with another task hub, other filters or another order; repeat those of the page \
         before, or leave the token out"
    )]
    OtherList,
}

/// The seal of lists of this hub with this filter.
pub fn seal(hub: HubId, filter: &impl std::fmt::Debug) -> Seal {
    // The text says all of it, with whatever the caller gave in quotes. A later version may write it differently and then refuses the
    // tokens of this one.
    let text = format!("{hub:?} {filter:?}");
    let mut seal = Seal::default();
    seal.copy_from_slice(&Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes()).as_bytes()[..8]);
    seal
}

/// The token for going on with `walk`; `None` for the very beginning, which needs none.
pub fn write(walk: &Walk, seal: Seal) -> Option<String> {
    let place = walk.after.as_ref()?;
    let (_, order) = ORDERS.into_iter().find(|(order, _)| *order == walk.order)?;
    let mut bytes = vec![VERSION, order | if walk.descending { DESCENDING } else { 0 }];
    bytes.extend(seal);
    match place {
        Place::Key(at, key) => {
            bytes.extend((walk.order == Order::Took).then_some(LIVE));
            bytes.extend(at.0.to_be_bytes());
            bytes.extend(key.0.to_be_bytes());
        }
        Place::Took(micros, key) => {
            bytes.push(ENDED);
            bytes.extend(micros.to_be_bytes());
            bytes.extend(key.0.to_be_bytes());
        }
        Place::Within(text, at, key) => {
            bytes.extend(at.0.to_be_bytes());
            bytes.extend(key.0.to_be_bytes());
            bytes.extend(text.as_bytes());
        }
        Place::Id(at, id) => {
            bytes.extend(at.0.to_be_bytes());
            bytes.extend(id.as_str().as_bytes());
        }
    }
    bytes.extend(check(&bytes));
    Some(hex(&bytes))
}

/// What tells a token from one that was changed on its way.
fn check(bytes: &[u8]) -> [u8; CHECK] {
    let digest = Uuid::new_v5(&Uuid::NAMESPACE_OID, bytes);
    let (check, _) = digest.as_bytes().split_first_chunk().expect("a digest is longer");
    *check
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

/// The inverse of [`write`].
pub fn read(token: &str, seal: Seal) -> Result<Walk, Refused> {
    let (walk, sealed) = parse(token).ok_or(Refused::Unknown)?;
    if sealed == seal { Ok(walk) } else { Err(Refused::OtherList) }
}

fn parse(token: &str) -> Option<(Walk, Seal)> {
    let bytes = unhex(token)?;
    let (bytes, told) = bytes.split_last_chunk()?;
    if check(bytes) != *told {
        return None;
    }
    let ([VERSION, order], rest) = bytes.split_first_chunk()? else { return None };
    let (seal, rest) = rest.split_first_chunk::<8>()?;
    let (number, descending) = (order & !DESCENDING, order & DESCENDING != 0);
    let (order, _) = ORDERS.into_iter().find(|(_, known)| *known == number)?;
    let (kind, rest) = if order == Order::Took { rest.split_first()? } else { (&ENDED, rest) };
    let (at, rest) = rest.split_first_chunk()?;
    let at = Timestamp(i64::from_be_bytes(*at));
    let key = |bytes: &[u8]| Some(InstanceKey(i64::from_be_bytes(bytes.try_into().ok()?)));
    let place = match order {
        Order::Created => Place::Key(at, key(rest)?),
        Order::Took => match *kind {
            ENDED => Place::Took(at.0, key(rest)?),
            LIVE => Place::Key(at, key(rest)?),
            _ => return None,
        },
        Order::Name | Order::Status => {
            let (bytes, text) = rest.split_at_checked(8)?;
            let text = std::str::from_utf8(text).ok()?;
            if order == Order::Status {
                Status::from_name(text)?;
            }
            Place::Within(text.into(), at, key(bytes)?)
        }
        Order::Updated | Order::Completed | Order::Id => {
            let id = std::str::from_utf8(rest).ok().filter(|id| !id.is_empty())?;
            Place::Id(at, InstanceId::lookup(id))
        }
    };
    Some((Walk { order, descending, after: Some(place) }, *seal))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::StatusSet,
        store::{Filter, Parent, Span, Tag, Took},
    };

    const SEAL: Seal = [7; 8];

    fn walk(order: Order, place: Place) -> Walk {
        Walk::first(order).after(place)
    }

    #[test]
    fn every_place_comes_back() {
        for at in [i64::MIN, -1, 0, 1_700_000_000_000_001, i64::MAX] {
            let ids = ["a", "ü😀", "x\u{0}y"].map(|id| Place::Id(Timestamp(at), InstanceId::lookup(id)));
            for place in ids {
                for order in [Order::Completed, Order::Updated, Order::Id] {
                    for descending in [false, true] {
                        let walk = Walk { descending, ..walk(order, place.clone()) };
                        assert_eq!(read(&write(&walk, SEAL).unwrap(), SEAL), Ok(walk));
                    }
                }
            }
            let (at, key) = (Timestamp(at), InstanceKey(at));
            let within = |order, text: &str| walk(order, Place::Within(text.into(), at, key));
            for walk in [
                walk(Order::Created, Place::Key(at, key)),
                walk(Order::Took, Place::Key(at, key)),
                walk(Order::Took, Place::Took(at.0, key)),
                within(Order::Name, "x"),
                within(Order::Name, ""),
                within(Order::Name, "ü😀"),
                within(Order::Status, "Failed"),
            ] {
                assert_eq!(read(&write(&walk, SEAL).unwrap(), SEAL), Ok(walk));
            }
        }
        assert_eq!(write(&Walk::first(Order::Created), SEAL), None);
    }

    /// The token without its check.
    fn bare(token: &str) -> &str {
        &token[..token.len() - 2 * CHECK]
    }

    /// A token with a good check, whatever is in it.
    fn checked(bare: &str) -> String {
        let mut bytes = unhex(bare).unwrap();
        bytes.extend(check(&bytes));
        hex(&bytes)
    }

    #[test]
    fn what_we_did_not_write_is_refused() {
        let token = write(&walk(Order::Created, Place::Key(Timestamp(7), InstanceKey(8))), SEAL).unwrap();
        let good = bare(&token);
        assert_eq!(checked(good), token);
        let named = walk(Order::Completed, Place::Id(Timestamp(7), InstanceId::lookup("a")));
        let named = write(&named, SEAL).unwrap();
        let (other_version, other_order) = (good.replacen("03", "02", 1), good.replacen("0300", "0347", 1));
        let (short, long) = (&good[..good.len() - 2], format!("{good}00"));
        let (no_id, bad_utf8) = (&named[..36], format!("{}ff", &named[..36]));
        let took = write(&walk(Order::Took, Place::Took(7, InstanceKey(8))), SEAL).unwrap();
        let took = bare(&took);
        let (other_kind, no_key) = (
            took.replacen(
                &hex(&[SEAL.as_slice(), &[ENDED]].concat()),
                &hex(&[SEAL.as_slice(), &[2]].concat()),
                1,
            ),
            &took[..took.len() - 2],
        );
        assert_ne!(other_kind, took);
        let place = Place::Within("Sleeping".into(), Timestamp(7), InstanceKey(8));
        let no_status = write(&walk(Order::Status, place), SEAL).unwrap();
        for bad in [
            "",
            "03",
            &other_version,
            &other_order,
            short,
            &long,
            no_id,
            &bad_utf8,
            &other_kind,
            no_key,
            bare(&no_status),
        ] {
            assert_eq!(read(&checked(bad), SEAL), Err(Refused::Unknown), "{bad}");
        }
        for bad in ["", "0", "zz", "é", "+1", good, &token[1..], &format!("{token}00")] {
            assert_eq!(read(bad, SEAL), Err(Refused::Unknown), "{bad}");
        }
        assert_eq!(read(&token, [8; 8]), Err(Refused::OtherList));
    }

    #[test]
    fn a_token_with_any_byte_changed_is_refused() {
        let place = Place::Within("Ship".into(), Timestamp(7), InstanceKey(8));
        let token = unhex(&write(&walk(Order::Name, place), SEAL).unwrap()).unwrap();
        for at in 0..token.len() {
            for new in (0..=u8::MAX).filter(|new| *new != token[at]) {
                let mut changed = token.clone();
                changed[at] = new;
                assert_eq!(read(&hex(&changed), SEAL), Err(Refused::Unknown), "byte {at} as {new}");
            }
        }
    }

    #[test]
    fn the_seal_changes_with_whatever_is_asked_for() {
        let filters = [
            Filter::default(),
            Filter { statuses: StatusSet::NONE.with(Status::Running), ..Filter::default() },
            Filter { created: Span { from: Some(Timestamp(1)), before: None }, ..Filter::default() },
            Filter { created: Span { from: None, before: Some(Timestamp(1)) }, ..Filter::default() },
            Filter { updated: Span { from: Some(Timestamp(1)), before: None }, ..Filter::default() },
            Filter { completed: Span { from: Some(Timestamp(1)), before: None }, ..Filter::default() },
            Filter { took: Took { from: Some(1), before: None }, ..Filter::default() },
            Filter { took: Took { from: None, before: Some(1) }, ..Filter::default() },
            Filter { id_prefix: "a".into(), ..Filter::default() },
            Filter { names: vec!["a".into()], ..Filter::default() },
            Filter { names: vec!["a".into(), "b".into()], ..Filter::default() },
            Filter { names: vec!["a\", \"b".into()], ..Filter::default() },
            Filter { versions: vec!["a".into()], ..Filter::default() },
            Filter { parent: Parent::Nobody, ..Filter::default() },
            Filter { parent: Parent::Is(InstanceId::lookup("a")), ..Filter::default() },
            Filter { tags: vec![Tag { key: "a".into(), value: None }], ..Filter::default() },
            Filter { tags: vec![Tag { key: "a".into(), value: Some(String::new()) }], ..Filter::default() },
        ];
        let seals = filters.iter().flat_map(|filter| [seal(HubId(1), filter), seal(HubId(2), filter)]);
        let mut seals: Vec<_> = seals.collect();
        seals.sort_unstable();
        seals.dedup();
        assert_eq!(seals.len(), 2 * filters.len());
    }
}
