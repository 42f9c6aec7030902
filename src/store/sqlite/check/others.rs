//! Rows that belong to a hub or a job rather than to an instance.

use super::{hub_names, rows};
use crate::{
    model::HubName,
    store::{Checked, Error, Finding},
};
use rusqlite::Connection;

/// A statement that answers the hub and the name of each row that belongs to nothing.
const STRAYS: [(&str, &str, &str); 4] = [
    ("job", "a job of a hub that is not there", "SELECT id FROM job WHERE hub NOT IN (SELECT id FROM hub)"),
    (
        "job",
        "a failure of a job that is not there",
        "SELECT instance FROM job_failure WHERE job NOT IN (SELECT number FROM job)",
    ),
    (
        "idempotency",
        "the record of a request to a hub that is not there",
        "SELECT key FROM idempotency WHERE hub NOT IN (SELECT id FROM hub)",
    ),
    (
        "hub",
        "a removed hub that has instances",
        "SELECT name FROM hub WHERE removed AND EXISTS (SELECT 1 FROM instance i WHERE i.hub = hub.id)",
    ),
];

/// The last slice.
pub fn others(conn: &Connection) -> Result<Checked, Error> {
    let mut findings = Vec::new();
    let mut found = |part, problem| findings.push(Finding { hub: None, instance: None, part, problem });
    match hub_names(conn) {
        Ok(names) => {
            for name in names.into_values() {
                if let Err(error) = HubName::parse(&name) {
                    found("hub", error.to_string());
                }
            }
        }
        Err(Error::Corrupt(why)) => found("hub", format!("cannot be read: {why}")),
        Err(other) => return Err(other),
    }
    for (part, what, sql) in STRAYS {
        match rows::all(conn, sql, [], |row| Ok(row.get::<_, String>(0)?)) {
            Ok(strays) => strays.into_iter().for_each(|name| found(part, format!("{what}: {name}"))),
            Err(Error::Corrupt(why)) => found(part, format!("cannot be read: {why}")),
            Err(other) => return Err(other),
        }
    }
    Ok(Checked { findings, instances: 0, total: None, next: None })
}
