-- The tables of Tidings in MySQL 8 or MariaDB 10.6 and later, version 1.
--
-- The columns are a contract: a program in any language may insert into tidings_outbox and
-- tidings_inbox. docs/guides/outbox.md says what each column holds. Times are UTC. Keys and ids
-- are compared byte by byte, hence the binary collation. An event has at most 65,536 bytes, one
-- more than TEXT holds, hence MEDIUMTEXT. MySQL has no CREATE INDEX IF NOT EXISTS: `tidings outbox
-- migrate` passes over an index that is there.

CREATE TABLE IF NOT EXISTS tidings_outbox (
    seq        bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
    id         char(36) NOT NULL,
    topic      varchar(200) NOT NULL,
    event_key  varchar(1024),
    event      mediumtext NOT NULL,
    created_at datetime(6) NOT NULL DEFAULT (UTC_TIMESTAMP(6)),
    refused_at datetime(6),
    reason     text
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What the relay looks for: the next rows by seq, however many stand aside.
CREATE INDEX tidings_outbox_ready ON tidings_outbox (refused_at, seq);

-- Rows that were published, while `tidings relay --keep` keeps them.
CREATE TABLE IF NOT EXISTS tidings_outbox_published (
    seq          bigint NOT NULL PRIMARY KEY,
    id           char(36) NOT NULL,
    topic        varchar(200) NOT NULL,
    event_key    varchar(1024),
    event        mediumtext NOT NULL,
    created_at   datetime(6) NOT NULL,
    published_at datetime(6) NOT NULL
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE INDEX tidings_outbox_published_at ON tidings_outbox_published (published_at);

CREATE TABLE IF NOT EXISTS tidings_inbox (
    group_name varchar(100) NOT NULL,
    source     varchar(255) NOT NULL,
    id         varchar(255) NOT NULL,
    done_at    datetime(6) NOT NULL DEFAULT (UTC_TIMESTAMP(6)),
    PRIMARY KEY (group_name, source, id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE INDEX tidings_inbox_done_at ON tidings_inbox (done_at);

CREATE TABLE IF NOT EXISTS tidings_outbox_schema (
    version    integer NOT NULL PRIMARY KEY,
    applied_at datetime(6) NOT NULL DEFAULT (UTC_TIMESTAMP(6))
) ENGINE=InnoDB;

INSERT IGNORE INTO tidings_outbox_schema (version) VALUES (1);
