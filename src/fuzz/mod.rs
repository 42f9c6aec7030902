//! What hostile input is made of. The fuzz targets themselves are beside the doors that they knock at, in files called `fuzz.rs`.
//!
//! Most of what is sent is nearly right: wholly arbitrary input does not come far.

pub mod messages;

use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};

/// How a target is run. `DURAHUB_FUZZ_CASES` says how many cases each of them gets; without it, as many as are quick.
pub fn config(cases: u32) -> ProptestConfig {
    let more = std::env::var("DURAHUB_FUZZ_CASES").ok();
    let cases = more.map_or(cases, |more| more.parse().expect("DURAHUB_FUZZ_CASES is a number of cases"));
    ProptestConfig {
        cases,
        failure_persistence: None,
        max_global_rejects: u32::MAX,
        max_local_rejects: u32::MAX,
        // Answers of a whole server are slow to shrink.
        max_shrink_iters: 2_000,
        ..ProptestConfig::default()
    }
}

/// One change to a sequence of bytes.
#[derive(Clone, Debug)]
pub enum Edit {
    Insert(Index, Vec<u8>),
    Replace(Index, usize, Vec<u8>),
    Delete(Index, usize),
    Flip(Index, u8),
    Repeat(Index, usize, usize),
    Cut(Index),
}

impl Edit {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let place = |index: &Index| index.index(bytes.len() + 1);
        let span = |index: &Index, length: usize| {
            let from = index.index(bytes.len() + 1);
            from..bytes.len().min(from + length)
        };
        match self {
            Self::Insert(at, what) => {
                let at = place(at);
                drop(bytes.splice(at..at, what.iter().copied()));
            }
            Self::Replace(at, length, what) => {
                let span = span(at, *length);
                drop(bytes.splice(span, what.iter().copied()));
            }
            Self::Delete(at, length) => {
                let span = span(at, *length);
                drop(bytes.drain(span));
            }
            Self::Flip(at, mask) => {
                let at = place(at);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= mask;
                }
            }
            Self::Repeat(at, length, times) => {
                let span = span(at, *length);
                let piece = bytes[span.clone()].repeat(*times);
                drop(bytes.splice(span, piece));
            }
            Self::Cut(at) => bytes.truncate(place(at)),
        }
    }
}

/// `bytes` with these changes.
pub fn edited(bytes: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    edits.iter().for_each(|edit| edit.apply(&mut bytes));
    bytes
}

/// A few changes, or none. `pieces`: what is put in besides arbitrary bytes.
pub fn edits(pieces: &'static [&'static str]) -> impl Strategy<Value = Vec<Edit>> {
    let piece = || {
        prop_oneof![
            4 => select(pieces).prop_map(|piece| piece.as_bytes().to_vec()),
            1 => vec(any::<u8>(), 0..8),
        ]
    };
    let place = any::<Index>;
    let edit = prop_oneof![
        4 => (place(), piece()).prop_map(|(at, what)| Edit::Insert(at, what)),
        4 => (place(), 1..6_usize, piece()).prop_map(|(at, length, what)| Edit::Replace(at, length, what)),
        2 => (place(), 1..12_usize).prop_map(|(at, length)| Edit::Delete(at, length)),
        2 => (place(), 1..=u8::MAX).prop_map(|(at, mask)| Edit::Flip(at, mask)),
        1 => (place(), 1..40_usize, 2..40_usize).prop_map(|(at, length, times)| Edit::Repeat(at, length, times)),
        1 => place().prop_map(Edit::Cut),
    ];
    vec(edit, 0..4)
}

/// One of `seeds`, changed in a few places, or wholly arbitrary.
pub fn nearly(
    seeds: &'static [&'static str],
    pieces: &'static [&'static str],
) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        9 => (select(seeds), edits(pieces)).prop_map(|(seed, edits)| edited(seed.as_bytes(), &edits)),
        1 => vec(any::<u8>(), 0..64),
    ]
}

/// The same as text.
pub fn nearly_text(
    seeds: &'static [&'static str],
    pieces: &'static [&'static str],
) -> impl Strategy<Value = String> {
    nearly(seeds, pieces).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}
