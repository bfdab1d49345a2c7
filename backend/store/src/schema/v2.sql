-- Changes of nodes: which generation changed them last, what an instance was when it was last complete, what each node is made
-- of, whether it stays.

CREATE TABLE instances_new (
    project TEXT NOT NULL,
    location TEXT NOT NULL,
    instance TEXT NOT NULL,
    uid TEXT NOT NULL UNIQUE,
    generation INTEGER NOT NULL CHECK (generation > 0),
    -- The last generation that changed something about nodes.
    shape_generation INTEGER NOT NULL CHECK (shape_generation BETWEEN 1 AND generation),
    -- The newest generation that was seen complete; empty while it is being created.
    converged INTEGER CHECK (converged <= generation),
    lifecycle TEXT NOT NULL CHECK (json_valid(lifecycle)),
    spec TEXT NOT NULL CHECK (json_valid(spec)),
    maxmemory INTEGER NOT NULL,
    -- The spec and the memory of an instance when it was last seen complete; empty while it is being created.
    settled TEXT CHECK (json_valid(settled)),
    -- Shards that lost their data, in order of time.
    losses TEXT NOT NULL CHECK (json_valid(losses)),
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

-- Until now no update changed nodes: the first generation was the last to do so, and what is complete was complete with the
-- present spec. Some files of version 1 have the column shape_generation already: the inner query finds it there, and where it
-- is missing takes the 1 from outside.
INSERT INTO instances_new
    (project, location, instance, uid, generation, shape_generation, converged, lifecycle, spec, maxmemory, settled, losses,
     address, address_plan, address_number, nodes, next_serial, secret, create_time, update_time)
SELECT old.project, old.location, old.instance, old.uid, old.generation,
    (SELECT shape_generation FROM instances AS same WHERE same.uid = old.uid),
    old.converged, old.lifecycle, old.spec, old.maxmemory,
    iif(old.converged IS NULL, NULL, json_object('spec', json(old.spec), 'maxmemory', old.maxmemory)), '[]',
    old.address, old.address_plan, old.address_number, old.nodes, old.next_serial, old.secret, old.create_time, old.update_time
FROM instances AS old CROSS JOIN (SELECT 1 AS shape_generation);

DROP TABLE instances;
ALTER TABLE instances_new RENAME TO instances;
CREATE INDEX instances_by_age ON instances (create_time, project, location, instance);

-- For the same reason every node is made of what its instance's spec names.
UPDATE instances SET nodes = (
    SELECT json_group_object(key, json_set(
        value,
        '$.kind', json_object('node_type', spec ->> '$.node_type', 'engine_version', spec ->> '$.engine_version'),
        '$.standing', 'member'
    ))
    FROM json_each(nodes)
);

UPDATE operations SET result = json_set(
    json_insert(result, '$.shape_generation', 1),
    '$.settled', json_object('spec', result -> '$.spec', 'maxmemory', result -> '$.maxmemory'),
    '$.zones_out', json('[]'),
    '$.losses', json('[]'),
    '$.nodes', json((
        SELECT json_group_object(key, json_set(
            value,
            '$.kind', json_object('node_type', result ->> '$.spec.node_type', 'engine_version', result ->> '$.spec.engine_version'),
            '$.standing', 'member'
        ))
        FROM json_each(result, '$.nodes')
    ))
) WHERE result IS NOT NULL;

-- Zones that an administrator took away, with the nodes of every instance in them.
CREATE TABLE zone_outages (
    zone TEXT PRIMARY KEY,
    manner TEXT NOT NULL CHECK (manner IN ('stop', 'hang')),
    -- Nanoseconds since 1970.
    since INTEGER NOT NULL
) STRICT;
