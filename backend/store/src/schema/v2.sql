-- Changes of nodes: what an instance was when it was last complete, what each node is made of, whether it stays.

-- The spec and the memory of an instance when it was last seen complete; empty while it is being created.
ALTER TABLE instances ADD COLUMN settled TEXT CHECK (json_valid(settled));
-- Shards that lost their data, in order of time.
ALTER TABLE instances ADD COLUMN losses TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(losses));

-- Until now no update changed nodes: what is complete was complete with the present spec.
UPDATE instances SET settled = json_object('spec', json(spec), 'maxmemory', maxmemory) WHERE converged IS NOT NULL;

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
    result,
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
