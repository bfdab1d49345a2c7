-- The replication between instances, and what lies between locations.

ALTER TABLE instances ADD COLUMN replication TEXT NOT NULL CHECK (json_valid(replication)) DEFAULT '{"role":"none"}';

-- Two locations in alphabetical order; a pair that is not here has nothing between.
CREATE TABLE distances (
    location TEXT NOT NULL,
    other TEXT NOT NULL,
    -- Nanoseconds.
    round_trip INTEGER NOT NULL CHECK (round_trip >= 0),
    -- Bytes in a second; empty for no limit.
    bandwidth INTEGER CHECK (bandwidth > 0),
    is_cut INTEGER NOT NULL CHECK (is_cut IN (0, 1)),
    PRIMARY KEY (location, other),
    CHECK (location <= other)
) STRICT;
