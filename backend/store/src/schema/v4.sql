-- Backups: collections, the backups in them, who uses them, and what is remembered of each instance's schedule.

ALTER TABLE instances ADD COLUMN schedule TEXT NOT NULL CHECK (json_valid(schedule))
    DEFAULT '{"since":null,"last_due":null,"attempts":0,"last_attempt":null,"last_failure":null,"verify":false}';

-- The full name of the backup that an operation works on; empty where it works on the instance.
ALTER TABLE operations ADD COLUMN backup TEXT;
-- Where an export goes to.
ALTER TABLE operations ADD COLUMN destination TEXT;

-- Outlives its instance.
CREATE TABLE collections (
    project TEXT NOT NULL,
    location TEXT NOT NULL,
    collection TEXT NOT NULL,
    uid TEXT NOT NULL UNIQUE,
    -- The last incarnation of the instance that a backup was made of.
    instance_uid TEXT NOT NULL,
    create_time INTEGER NOT NULL,
    last_backup_time INTEGER,
    PRIMARY KEY (project, location, collection)
) STRICT;

CREATE TABLE backups (
    project TEXT NOT NULL,
    location TEXT NOT NULL,
    collection TEXT NOT NULL,
    backup TEXT NOT NULL,
    uid TEXT NOT NULL UNIQUE,
    instance_uid TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('creating', 'active', 'deleting')),
    -- Times are nanoseconds since 1970; these two by the clock of schedules.
    create_time INTEGER NOT NULL,
    expire_time INTEGER NOT NULL,
    record TEXT NOT NULL CHECK (json_valid(record)),
    -- What the loop of the instance is told while it makes it.
    task TEXT CHECK (json_valid(task)),
    PRIMARY KEY (project, location, collection, backup),
    FOREIGN KEY (project, location, collection) REFERENCES collections (project, location, collection),
    CHECK ((state = 'creating') = (task IS NOT NULL))
) STRICT;

-- An instance makes one backup at a time.
CREATE UNIQUE INDEX backups_creating ON backups (instance_uid) WHERE state = 'creating';

-- Backups that are being verified, and the scratch instances for that.
CREATE TABLE verifications (
    backup_uid TEXT PRIMARY KEY REFERENCES backups (uid),
    operation TEXT NOT NULL UNIQUE,
    scratch TEXT NOT NULL UNIQUE
) STRICT;
