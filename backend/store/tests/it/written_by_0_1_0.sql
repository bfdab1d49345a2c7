-- The rows of a data folder of valkyard 0.1.0, as it wrote them, on the schema of version 1.
INSERT INTO meta VALUES ('written_by', '0.1.0');
PRAGMA application_id = 1447778628;
PRAGMA user_version = 1;
INSERT INTO instances VALUES ('p', 'us-central1', 'cache-1', '00000000-0000-0000-0000-000000000001', 2, 1, '{"lifecycle":"present"}',
    '{"shard_count":3,"replica_count":0,"node_type":"STANDARD_SMALL","engine_version":"VALKEY_8_0","engine_configs":{},"zones":{"mode":"multi_zone"},"deletion_protection":false,"labels":{},"auto_connections":[],"legacy_auto_connections":[]}',
    67108864, '{"ip":"127.20.0.1","discovery":6379,"nodes":{"first":11000,"count":2048},"bus":{"first":21000,"count":2048}}', 'own_ip', 0,
    '{"0":{"serial":0,"id":"47f9156d4a164365cb2fa6aab30da072fbd8b392","shard":0,"initial_role":"primary","zone":"us-central1-a","port":11000,"bus_port":21000},"1":{"serial":1,"id":"89a8b3b574f4487dfac1e3e129b66d47d4b7ea2c","shard":0,"initial_role":"primary","zone":"us-central1-a","port":11001,"bus_port":21001}}',
    2, '"0707070707070707070707070707070707070707070707070707070707070707"', 1800000000123456789, 1800000001123456789);
INSERT INTO instances VALUES ('p', 'us-central1', 'cache-2', '00000000-0000-0000-0000-000000000002', 2, NULL, '{"lifecycle":"present"}',
    '{"shard_count":3,"replica_count":0,"node_type":"HIGHMEM_MEDIUM","engine_version":"VALKEY_9_1","engine_configs":{},"zones":{"mode":"multi_zone"},"deletion_protection":false,"labels":{},"auto_connections":[],"legacy_auto_connections":[]}',
    67108864, '{"ip":"127.20.0.2","discovery":6379,"nodes":{"first":11000,"count":2048},"bus":{"first":21000,"count":2048}}', 'own_ip', 1,
    '{}',
    0, '"0707070707070707070707070707070707070707070707070707070707070707"', 1800000000123456789, 1800000001123456789);
INSERT INTO operations VALUES ('operation-1800000000123-00000000-0000-0000-0000-00000000000a', 'p', 'us-central1', 'cache-1',
    '00000000-0000-0000-0000-000000000001', '"create"', 1, 1800000000123456789, 1800000001123456789, 0, NULL,
    '{"name":"projects/p/locations/us-central1/instances/cache-1","uid":"00000000-0000-0000-0000-000000000001","generation":1,"convergence":{"seen":"at","generation":1},"lifecycle":{"lifecycle":"present"},"spec":{"shard_count":3,"replica_count":0,"node_type":"STANDARD_SMALL","engine_version":"VALKEY_8_0","engine_configs":{},"zones":{"mode":"multi_zone"},"deletion_protection":false,"labels":{},"auto_connections":[],"legacy_auto_connections":[]},"maxmemory":67108864,"address":{"ip":"127.20.0.1","discovery":6379,"nodes":{"first":11000,"count":2048},"bus":{"first":21000,"count":2048}},"nodes":{"0":{"serial":0,"id":"47f9156d4a164365cb2fa6aab30da072fbd8b392","shard":0,"initial_role":"primary","zone":"us-central1-a","port":11000,"bus_port":21000},"1":{"serial":1,"id":"89a8b3b574f4487dfac1e3e129b66d47d4b7ea2c","shard":0,"initial_role":"primary","zone":"us-central1-a","port":11001,"bus_port":21001}},"next_serial":2,"secret":"","create_time":"2027-01-15T08:00:00.123456789Z","update_time":"2027-01-15T08:00:00.123456789Z"}');
INSERT INTO operations VALUES ('operation-1800000000123-00000000-0000-0000-0000-00000000000b', 'p', 'us-central1', 'cache-1',
    '00000000-0000-0000-0000-000000000001', '"update"', 2, 1800000000123456789, NULL, 0, NULL,
    NULL);
INSERT INTO operations VALUES ('operation-1800000000123-00000000-0000-0000-0000-00000000000c', 'p', 'us-central1', 'cache-1',
    '00000000-0000-0000-0000-000000000001', '"delete"', 1, 1800000000123456789, 1800000001123456789, 0, '{"code":"aborted","message":"overtaken"}',
    NULL);
