-- The first schema. Rows that are listed are narrow; payloads, history and messages sit elsewhere, next to others of
-- the same instance. Times are microseconds since 1970, statuses and kinds are the numbers of the enums in model/.

-- removed: the hub is no longer listed; made again, it is the same hub, so that workers still connected to it go on.
CREATE TABLE hub (
    id      INTEGER PRIMARY KEY,
    name    TEXT NOT NULL,
    folded  TEXT NOT NULL UNIQUE,
    removed INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The first number of each kind that no start of the server has reserved yet. See counters.rs.
CREATE TABLE counter (
    name TEXT PRIMARY KEY,
    next INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Secrets of the server itself, such as what links are signed with. Who can read the file can read these.
CREATE TABLE secret (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- events: how many the history of the current execution has.
CREATE TABLE instance (
    key                 INTEGER PRIMARY KEY,
    hub                 INTEGER NOT NULL,
    id                  TEXT NOT NULL,
    name                TEXT NOT NULL,
    version             TEXT,
    execution_id        TEXT NOT NULL,
    status              INTEGER NOT NULL,
    turn                INTEGER NOT NULL,
    events              INTEGER NOT NULL DEFAULT 0,
    created_at          INTEGER NOT NULL,
    updated_at          INTEGER NOT NULL,
    completed_at        INTEGER,
    scheduled_at        INTEGER,
    parent_id           TEXT,
    parent_execution_id TEXT,
    parent_task_id      INTEGER,
    tags                TEXT,
    trace               BLOB,
    UNIQUE (hub, id)
) STRICT;

-- For lists and counts. No turn but the last writes to any of them. The key follows by itself. Status 1, 3, 4 and 5 are the ends;
-- completed_at is set exactly with them.
CREATE INDEX instance_live ON instance (hub, created_at) WHERE completed_at IS NULL;
CREATE INDEX instance_ended ON instance (hub, status, created_at)
    WHERE status = 1 OR status = 3 OR status = 4 OR status = 5;
CREATE INDEX instance_completed ON instance (hub, completed_at, id) WHERE completed_at IS NOT NULL;
CREATE INDEX instance_parent ON instance (hub, parent_id, created_at) WHERE parent_id IS NOT NULL;
-- Whole, so a start writes to it and a purge, but no turn: nothing in it ever changes.
CREATE INDEX instance_name ON instance (hub, name, created_at);

-- Bodies of any size live in rowid tables: in a table without rowids a body above about a quarter of a page would take a page of its own.
-- The rowid is the instance's key and the place within it, so that what belongs together lies together and no other index is needed.

-- id: key * 4 + kind. kind: 0 input, or the state of an entity, 1 output, 2 custom status (all UTF-8 text), 3 failure (an encoded TaskFailureDetails).
CREATE TABLE payload (
    id   INTEGER PRIMARY KEY,
    body BLOB NOT NULL
) STRICT;

-- One chunk for each turn of the current execution: `count` events, as one encoded HistoryChunk. id: key << 26 | number of the
-- first event.
CREATE TABLE history (
    id     INTEGER PRIMARY KEY,
    count  INTEGER NOT NULL,
    events BLOB NOT NULL
) STRICT;

-- Histories as they were before a rewind, 1 for the first of each instance. history: all `events` as one encoded HistoryChunk. kept: how many
-- events the rewind left in the history that took its place.
CREATE TABLE revision (
    id           INTEGER PRIMARY KEY,
    key          INTEGER NOT NULL,
    number       INTEGER NOT NULL,
    rewound_at   INTEGER NOT NULL,
    reason       TEXT,
    events       INTEGER NOT NULL,
    execution_id TEXT NOT NULL,
    kept         INTEGER NOT NULL,
    history      BLOB NOT NULL,
    UNIQUE (key, number)
) STRICT;

-- The inboxes. An ended instance has no rows here. A start message is without the input, which is among the payloads.
CREATE TABLE message (
    key    INTEGER NOT NULL,
    id     INTEGER NOT NULL,
    class  INTEGER NOT NULL,
    due    INTEGER,
    events BLOB NOT NULL,
    PRIMARY KEY (key, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX message_due ON message (due, id) WHERE due IS NOT NULL;

-- Entities that are locked: `entity` by the execution `execution_id` of the instance `owner`, for its critical section `section`. An owner
-- that has ended has no rows here. An entity is an instance with an id of the form @name@key; its state is its input.
CREATE TABLE entity_lock (
    entity       INTEGER PRIMARY KEY,
    owner        INTEGER NOT NULL,
    execution_id TEXT NOT NULL,
    section      TEXT NOT NULL
) STRICT;

CREATE INDEX entity_lock_owner ON entity_lock (owner);

-- Activities that no worker has completed yet. detached: nobody waits for the result, and the row outlives its execution.
CREATE TABLE activity (
    key     INTEGER NOT NULL,
    number  INTEGER NOT NULL,
    name    TEXT NOT NULL,
    version TEXT,
    task_id INTEGER NOT NULL,
    detached INTEGER NOT NULL,
    request BLOB NOT NULL,
    PRIMARY KEY (key, number)
) STRICT, WITHOUT ROWID;

-- Instances to which nothing is dispatched until an operator says so. cause: 0 too many deliveries, 1 what is stored of it cannot be used. A
-- row of an instance that has ended means nothing; it goes when the instance goes, or lives again. They
-- are few, so lists read all of them.
CREATE TABLE parked (
    key        INTEGER PRIMARY KEY,
    hub        INTEGER NOT NULL,
    parked_at  INTEGER NOT NULL,
    cause      INTEGER NOT NULL,
    deliveries INTEGER NOT NULL,
    reason     TEXT NOT NULL
) STRICT;

-- Requests that carried a key and were answered, with the instance that answered them; created: 1 if the request made it. The instance
-- may have ended, been replaced or purged since.
CREATE TABLE idempotency (
    hub         INTEGER NOT NULL,
    key         TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    instance    TEXT NOT NULL,
    created     INTEGER NOT NULL,
    made_at     INTEGER NOT NULL,
    PRIMARY KEY (hub, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_made ON idempotency (made_at);

-- Bulk jobs. state: 0 running, 1 completed, 2 stopped, 3 failed. newest: the highest instance key when the job was made. request: what to do
-- to which instances, position: how far it is; both in the words of manager/jobs. They come last, because lists do not read them.
CREATE TABLE job (
    number     INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    hub        INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    ended_at   INTEGER,
    state      INTEGER NOT NULL,
    action     TEXT NOT NULL,
    caller     TEXT,
    filter     TEXT,
    reason     TEXT,
    total      INTEGER,
    done       INTEGER NOT NULL DEFAULT 0,
    skipped    INTEGER NOT NULL DEFAULT 0,
    failed     INTEGER NOT NULL DEFAULT 0,
    error      TEXT,
    newest     INTEGER NOT NULL,
    position   TEXT NOT NULL DEFAULT '',
    request    TEXT NOT NULL
) STRICT;

CREATE INDEX job_hub ON job (hub, number);
CREATE INDEX job_running ON job (number) WHERE state = 0;

-- The first failures of each job, from 0 on.
CREATE TABLE job_failure (
    job      INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    instance TEXT NOT NULL,
    why      TEXT NOT NULL,
    PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;
