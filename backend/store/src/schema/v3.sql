-- Persistence: until now nothing was persisted.

UPDATE instances SET
    spec = json_set(spec, '$.persistence', json('{"mode":"disabled"}')),
    settled = json_set(settled, '$.spec.persistence', json('{"mode":"disabled"}'));

UPDATE operations SET result = json_set(
    result,
    '$.spec.persistence', json('{"mode":"disabled"}')
) WHERE result IS NOT NULL;

UPDATE operations SET result = json_set(
    result,
    '$.settled.spec.persistence', json('{"mode":"disabled"}')
) WHERE json_type(result, '$.settled') = 'object';
