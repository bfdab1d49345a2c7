-- Never changes its form: any build reads it to tell who wrote a file.
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE instances (
    project TEXT NOT NULL,
    location TEXT NOT NULL,
    instance TEXT NOT NULL,
    uid TEXT NOT NULL UNIQUE,
    generation INTEGER NOT NULL CHECK (generation > 0),
    -- The newest generation that was seen complete; empty while it is being created.
    converged INTEGER CHECK (converged <= generation),
    lifecycle TEXT NOT NULL CHECK (json_valid(lifecycle)),
    spec TEXT NOT NULL CHECK (json_valid(spec)),
    maxmemory INTEGER NOT NULL,
    address TEXT NOT NULL CHECK (json_valid(address)),
    address_plan TEXT NOT NULL CHECK (address_plan IN ('own_ip', 'shared_ip')),
    address_number INTEGER NOT NULL,
    nodes TEXT NOT NULL CHECK (json_valid(nodes)),
    next_serial INTEGER NOT NULL,
    secret TEXT NOT NULL,
    -- Times are nanoseconds since 1970.
    create_time INTEGER NOT NULL,
    update_time INTEGER NOT NULL,
    PRIMARY KEY (project, location, instance),
    UNIQUE (address_plan, address_number)
) STRICT;

CREATE INDEX instances_by_age ON instances (create_time, project, location, instance);

-- Outlives its target, hence no reference to it.
CREATE TABLE operations (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    location TEXT NOT NULL,
    instance TEXT NOT NULL,
    uid TEXT NOT NULL,
    verb TEXT NOT NULL,
    generation INTEGER NOT NULL,
    create_time INTEGER NOT NULL,
    -- Empty while it runs.
    end_time INTEGER,
    cancel_requested INTEGER NOT NULL CHECK (cancel_requested IN (0, 1)),
    failure TEXT CHECK (json_valid(failure)),
    -- The target as it was at the end; empty for a deletion.
    result TEXT CHECK (json_valid(result)),
    CHECK (failure IS NULL OR result IS NULL),
    CHECK (end_time IS NOT NULL OR (failure IS NULL AND result IS NULL))
) STRICT;

CREATE INDEX operations_running ON operations (uid) WHERE end_time IS NULL;
CREATE INDEX operations_finished ON operations (end_time) WHERE end_time IS NOT NULL;

CREATE TABLE requests (
    id TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    operation TEXT NOT NULL REFERENCES operations (id) ON DELETE CASCADE,
    accepted INTEGER NOT NULL
) STRICT;

CREATE INDEX requests_by_operation ON requests (operation);
CREATE INDEX requests_by_age ON requests (accepted);
