-- The tables of Tidings in SQLite, version 1. Safe to run again.
--
-- The columns are a contract: a program in any language may insert into tidings_outbox and
-- tidings_inbox. docs/guides/outbox.md says what each column holds. Times are UTC, as text:
-- 2026-11-26 13:47:25.123.

CREATE TABLE IF NOT EXISTS tidings_outbox (
    seq        integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    id         char(36) NOT NULL,
    topic      varchar(200) NOT NULL,
    event_key  varchar(1024),
    event      text NOT NULL,
    created_at datetime NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    refused_at datetime,
    reason     text
);

-- What the relay looks for: the next rows by seq, however many stand aside.
CREATE INDEX IF NOT EXISTS tidings_outbox_ready ON tidings_outbox (seq) WHERE refused_at IS NULL;
-- What stands aside, by key.
CREATE INDEX IF NOT EXISTS tidings_outbox_aside ON tidings_outbox (topic, event_key, seq)
    WHERE refused_at IS NOT NULL;

-- Rows that were published, while `tidings relay --keep` keeps them.
CREATE TABLE IF NOT EXISTS tidings_outbox_published (
    seq          integer NOT NULL PRIMARY KEY,
    id           char(36) NOT NULL,
    topic        varchar(200) NOT NULL,
    event_key    varchar(1024),
    event        text NOT NULL,
    created_at   datetime NOT NULL,
    published_at datetime NOT NULL
);
CREATE INDEX IF NOT EXISTS tidings_outbox_published_at ON tidings_outbox_published (published_at);

CREATE TABLE IF NOT EXISTS tidings_inbox (
    group_name varchar(100) NOT NULL,
    source     varchar(255) NOT NULL,
    id         varchar(255) NOT NULL,
    done_at    datetime NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now')),
    PRIMARY KEY (group_name, source, id)
);
CREATE INDEX IF NOT EXISTS tidings_inbox_done_at ON tidings_inbox (done_at);

-- Which relay is active. A server database has session locks for this.
CREATE TABLE IF NOT EXISTS tidings_outbox_lease (
    name         text NOT NULL PRIMARY KEY,
    holder       text NOT NULL,
    epoch        integer NOT NULL,
    until_millis integer NOT NULL
);

CREATE TABLE IF NOT EXISTS tidings_outbox_schema (
    version    integer NOT NULL PRIMARY KEY,
    applied_at datetime NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f', 'now'))
);
INSERT OR IGNORE INTO tidings_outbox_schema (version) VALUES (1);
