//! Numbers that are never given out twice: instance keys, message ids, activity numbers.
//!
//! Numbers come from blocks. A block is reserved by a row in `counter`, written in the same transaction as the first change
//! that takes a number from it, so that giving out a number costs no write. After a crash the rest of the block is lost; a clean
//! close gives it back. What always holds: no committed row has a number that is not below the committed counter.

use crate::store::Error;
use rusqlite::{Connection, OptionalExtension, params};

/// Large enough that reserving is rare, small enough that a thousand crashes do not make numbers long.
const BLOCK: i64 = 1_000_000;

/// What is numbered.
#[derive(Clone, Copy)]
pub enum Kind {
    Instance = 0,
    Message = 1,
    Activity = 2,
}

const KINDS: [(Kind, &str); 3] =
    [(Kind::Instance, "instance"), (Kind::Message, "message"), (Kind::Activity, "activity")];

/// The ends of the reserved blocks, to go back to when a transaction or savepoint is rolled back.
pub type Reserved = [i64; 3];

/// The numbers of one open store. Only the writer has one.
pub struct Counters {
    next: [i64; 3],
    reserved: Reserved,
}

impl Counters {
    /// Goes on where the last store that had the file open can have stopped at most. Writes nothing.
    pub fn read(conn: &Connection) -> Result<Self, Error> {
        let mut next = [1; 3];
        for (kind, name) in KINDS {
            let stored = conn
                .query_row("SELECT next FROM counter WHERE name = ?1", [name], |row| row.get(0))
                .optional()?;
            next[kind as usize] = stored.unwrap_or(1);
        }
        Ok(Self { next, reserved: next })
    }

    /// The next number. Must be called inside a transaction.
    pub fn next(&mut self, conn: &Connection, kind: Kind) -> Result<i64, Error> {
        let index = kind as usize;
        let number = self.next[index];
        if number >= self.reserved[index] {
            let end = number + BLOCK;
            store(conn, KINDS[index].1, end)?;
            self.reserved[index] = end;
        }
        self.next[index] = number + 1;
        Ok(number)
    }

    /// What is reserved now.
    pub fn reserved(&self) -> Reserved {
        self.reserved
    }

    /// Reservations made since `earlier` were rolled back. The numbers themselves are not used again.
    pub fn rolled_back(&mut self, earlier: Reserved) {
        self.reserved = earlier;
    }

    /// Gives back what was reserved and not used.
    pub fn give_back(&self, conn: &Connection) -> Result<(), Error> {
        for (kind, name) in KINDS {
            let index = kind as usize;
            if self.next[index] < self.reserved[index] {
                store(conn, name, self.next[index])?;
            }
        }
        Ok(())
    }
}

fn store(conn: &Connection, name: &str, next: i64) -> Result<(), Error> {
    let sql = "INSERT INTO counter (name, next) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET next = ?2";
    conn.prepare_cached(sql)?.execute(params![name, next])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> Connection {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(include_str!("migrations/0001_init.sql")).unwrap();
        conn
    }

    fn take(counters: &mut Counters, conn: &Connection) -> i64 {
        counters.next(conn, Kind::Instance).unwrap()
    }

    #[test]
    fn after_a_crash_no_number_of_the_block_is_used_again() {
        let conn = database();
        assert_eq!(take(&mut Counters::read(&conn).unwrap(), &conn), 1);
        assert_eq!(take(&mut Counters::read(&conn).unwrap(), &conn), 1 + BLOCK);
    }

    #[test]
    fn a_clean_close_gives_the_rest_back() {
        let conn = database();
        let mut counters = Counters::read(&conn).unwrap();
        assert_eq!((take(&mut counters, &conn), take(&mut counters, &conn)), (1, 2));
        counters.give_back(&conn).unwrap();
        assert_eq!(take(&mut Counters::read(&conn).unwrap(), &conn), 3);
    }

    #[test]
    fn a_reservation_that_was_rolled_back_is_made_again() {
        let conn = database();
        let mut counters = Counters::read(&conn).unwrap();
        let before = counters.reserved();
        conn.execute_batch("BEGIN").unwrap();
        assert_eq!(take(&mut counters, &conn), 1);
        conn.execute_batch("ROLLBACK").unwrap();
        counters.rolled_back(before);
        assert_eq!(take(&mut counters, &conn), 2);
        assert_eq!(take(&mut Counters::read(&conn).unwrap(), &conn), 2 + BLOCK);
    }
}
