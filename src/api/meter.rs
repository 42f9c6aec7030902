//! What the edges count: requests by how they were answered. Cheap enough for every request.

use axum::http::StatusCode;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use tonic::Code;

/// How many codes gRPC has.
const CODES: usize = 17;

/// Requests since the start. All copies count together.
#[derive(Clone, Debug, Default)]
pub struct EdgeMeter(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// By the first digit of the status, 1 to 5.
    http: [AtomicU64; 5],
    /// By the number of the code.
    grpc: [AtomicU64; CODES],
}

impl EdgeMeter {
    /// A request was answered over HTTP.
    pub fn http(&self, status: StatusCode) {
        if let Some(count) = self.0.http.get(usize::from(status.as_u16() / 100).wrapping_sub(1)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A call was answered over gRPC.
    pub fn grpc(&self, code: Code) {
        let count = usize::try_from(i32::from(code)).ok().and_then(|code| self.0.grpc.get(code));
        if let Some(count) = count {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// By class of status: `2xx`.
    pub fn by_class(&self) -> impl Iterator<Item = (String, u64)> {
        let classes = self.0.http.iter().enumerate();
        classes.map(|(class, count)| (format!("{}xx", class + 1), count.load(Ordering::Relaxed)))
    }

    /// By code: `NotFound`.
    pub fn by_code(&self) -> impl Iterator<Item = (String, u64)> {
        let codes = (0..).zip(&self.0.grpc);
        codes.map(|(code, count)| (format!("{:?}", Code::from_i32(code)), count.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_and_every_code_is_counted_under_its_name() {
        let meter = EdgeMeter::default();
        for status in [100, 200, 204, 302, 404, 429, 500, 599, 999] {
            meter.http(StatusCode::from_u16(status).unwrap());
        }
        let classes: Vec<_> = meter.by_class().map(|(_, count)| count).collect();
        assert_eq!(classes, [1, 2, 1, 2, 2]);
        meter.grpc(Code::Ok);
        meter.grpc(Code::Unauthenticated);
        let codes: Vec<_> = meter.by_code().filter(|(_, count)| *count > 0).map(|(name, _)| name).collect();
        assert_eq!(codes, ["Ok", "Unauthenticated"]);
        assert_eq!(meter.by_code().count(), CODES);
    }
}
