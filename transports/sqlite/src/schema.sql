-- The format of a Tidings file, version 3.
--
-- application_id = 0x54494447 ("TIDG"), user_version = the version of this format.
-- All times are integer microseconds since 1970-01-01T00:00:00Z.
-- Read what you like. Write only through Tidings: `tidings` keeps counters and positions in step.
-- For people: SELECT * FROM log WHERE topic = 'course-catalog' ORDER BY seq DESC LIMIT 10;

-- Facts about the file: `log` tells it from any other, copies of it have the same.
CREATE TABLE facts (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO facts VALUES ('log', lower(hex(randomblob(16))));

-- A topic: a named log.
CREATE TABLE topics (
  topic_id      INTEGER PRIMARY KEY,
  name          TEXT    NOT NULL UNIQUE,      -- the full name, with its prefix
  length        INTEGER NOT NULL DEFAULT 0,   -- how many events it holds
  bytes         INTEGER NOT NULL DEFAULT 0,   -- the sum of their documents
  last_seq      INTEGER NOT NULL DEFAULT 0,   -- the newest event there ever was
  last_received INTEGER                       -- when that came
);

-- All events of all topics. `seq` is the position: 1, 2, 3, … in each topic, without holes, so
-- that a missing number is an event that somebody removed.
CREATE TABLE events (
  commit_order INTEGER PRIMARY KEY,           -- over all topics
  topic_id INTEGER NOT NULL,
  seq      INTEGER NOT NULL,                  -- never used twice in a topic
  received INTEGER NOT NULL,                  -- when the log got it
  key      TEXT,                              -- the entity it is about; ordered per key
  id       TEXT,                              -- these three are copies of what the document
  type     TEXT,                              -- says, NULL where it cannot be read
  time     INTEGER,
  document BLOB    NOT NULL                   -- the CloudEvents JSON document, byte for byte
);
-- Answers "what follows" and "since when" without touching the documents.
CREATE INDEX events_by_topic ON events (topic_id, seq, received);
-- Keeps the counters true, whoever removes events.
CREATE TRIGGER events_removed AFTER DELETE ON events BEGIN
  UPDATE topics SET length = length - 1, bytes = bytes - length(old.document)
   WHERE topic_id = old.topic_id;
END;

-- The same for people.
CREATE VIEW log AS
  SELECT t.name AS topic, e.seq, e.key, e.id, e.type,
         strftime('%Y-%m-%dT%H:%M:%fZ', e.time / 1e6, 'unixepoch')     AS time,
         strftime('%Y-%m-%dT%H:%M:%fZ', e.received / 1e6, 'unixepoch') AS received,
         CAST(e.document AS TEXT) AS document
    FROM events e JOIN topics t USING (topic_id);

-- A group of consumers and how far it is on one topic.
CREATE TABLE groups (
  group_id   INTEGER PRIMARY KEY,             -- one for each pair of topic and group
  topic_id   INTEGER NOT NULL,
  name       TEXT    NOT NULL,
  claimed_to INTEGER NOT NULL,                -- every event up to here is in `deliveries`, or settled
  epoch      INTEGER NOT NULL DEFAULT 0,      -- counts holdings, so that none is mistaken for another
  created    INTEGER NOT NULL,
  active     INTEGER NOT NULL,                -- the last sign of life of a consumer
  lease      INTEGER NOT NULL DEFAULT 0,      -- the longest lease of its consumers, in microseconds
  lost       INTEGER NOT NULL DEFAULT 0,      -- events lost to it, since that was last acknowledged;
                                              -- below 0: acknowledged, and still to be found
  lost_more  INTEGER NOT NULL DEFAULT 0,      -- 1: more than that, nobody knows how many
  lost_cause TEXT,                            -- how the last of them was noticed
  UNIQUE (topic_id, name)
);

-- Consumers that live. Who is not heard of before `until` is dead, and swept away.
CREATE TABLE consumers (
  consumer_id INTEGER PRIMARY KEY,            -- chosen at random
  name        TEXT    NOT NULL,
  until       INTEGER NOT NULL
);
CREATE TABLE members (
  group_id    INTEGER NOT NULL,
  consumer_id INTEGER NOT NULL,
  PRIMARY KEY (group_id, consumer_id)
) WITHOUT ROWID;

-- What a group took in hand and has not settled.
CREATE TABLE deliveries (
  delivery    INTEGER PRIMARY KEY,            -- group_id * 2^40 + seq: found by one number
  group_id    INTEGER NOT NULL,
  seq         INTEGER NOT NULL,
  lane        TEXT,                           -- the key that orders it, if it has one
  due         INTEGER,                        -- may be handed out from this time on: the end of the
                                              -- lease while held, later after a retry;
                                              -- NULL: waits behind an earlier one of its lane
  epoch       INTEGER NOT NULL,               -- which holding; 0: never handed out
  consumer_id INTEGER,                        -- who holds it, until it is settled or handed on
  attempts    INTEGER NOT NULL DEFAULT 0,     -- how many handlers were started on it
  dead_letter INTEGER                         -- it comes from the dead letters: which one
);
CREATE INDEX deliveries_by_lane ON deliveries (group_id, lane) WHERE lane IS NOT NULL;
CREATE INDEX deliveries_due ON deliveries (group_id, due) WHERE due IS NOT NULL;
CREATE INDEX deliveries_waiting ON deliveries (group_id) WHERE due IS NULL;

-- What failed for good, and what waits behind it.
CREATE TABLE dead_letters (
  dead_letter   INTEGER PRIMARY KEY AUTOINCREMENT,
  group_id      INTEGER NOT NULL,
  seq           INTEGER NOT NULL,             -- its position in the topic
  key           TEXT,
  attempts      INTEGER NOT NULL,
  class         TEXT,                         -- why, as a word to filter by; NULL: it only waits
  message       TEXT,                         -- why, for people
  first_failure INTEGER,
  last_failure  INTEGER,
  consumer      TEXT    NOT NULL,             -- who gave it up
  parked        INTEGER NOT NULL,             -- 1: waits for the release of its key
  received      INTEGER,
  document      BLOB    NOT NULL,
  redeliver     INTEGER NOT NULL DEFAULT 0    -- 1: to be handed to the group once more
);
CREATE INDEX dead_letters_by_group ON dead_letters (group_id);
CREATE INDEX dead_letters_parked ON dead_letters (group_id, key) WHERE parked = 1;
CREATE INDEX dead_letters_redeliver ON dead_letters (group_id, key) WHERE redeliver = 1;

-- Keys whose events go to the dead letters until a person releases them.
CREATE TABLE parked_keys (
  group_id  INTEGER NOT NULL,
  key       TEXT    NOT NULL,
  releasing INTEGER NOT NULL DEFAULT 0,       -- 1: they are being handed out again, in order
  PRIMARY KEY (group_id, key)
) WITHOUT ROWID;

-- What was lost to a group and has not been reported to it, all in one.
CREATE TABLE gaps (
  group_id INTEGER PRIMARY KEY,
  after    INTEGER,                           -- the last position before it
  until    INTEGER,                           -- the first position behind it, if there is one
  lost     INTEGER NOT NULL,                  -- how many
  more     INTEGER NOT NULL,                  -- 1: that many or more
  cause    TEXT    NOT NULL
);

-- Schemas of payloads whose wire does not carry them, by their fingerprint.
CREATE TABLE schemas (
  schema_id TEXT PRIMARY KEY,                 -- SHA-256 of the Parsing Canonical Form, in hex
  schema    TEXT NOT NULL
) WITHOUT ROWID;
