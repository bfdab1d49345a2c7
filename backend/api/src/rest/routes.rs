//! The API's HTTP rules as a table: one line per method and path.

use http::Method;

use crate::ApiError;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rpc {
    ListInstances,
    CreateInstance,
    GetInstance,
    UpdateInstance,
    DeleteInstance,
    BackupInstance,
    ListBackupCollections,
    GetBackupCollection,
    ListBackups,
    GetBackup,
    DeleteBackup,
    ExportBackup,
    ListOperations,
    GetOperation,
    DeleteOperation,
    CancelOperation,
    ListLocations,
    GetLocation,
    /// One of the administration API.
    Admin(AdminRpc),
    /// An RPC of the API that this version does not have.
    Later(&'static str),
}

/// What a request of the administration API asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AdminRpc {
    GetTopology,
    ListNodes,
    FailOver,
    TakeZone,
    GiveZone,
    ListZoneOutages,
    GetOperationProgress,
    ListBackupDetails,
    GetBackupDetails,
    VerifyBackup,
    GetBackupPolicy,
    SetBackupPolicy,
    GetReplication,
    SetDistance,
    ListDistances,
    GetClock,
    AdvanceClock,
}

struct Route {
    method: Method,
    /// Below `/v1/`; `*` stands for one segment, and a verb may follow the last.
    pattern: &'static str,
    rpc: Rpc,
}

const fn route(method: Method, pattern: &'static str, rpc: Rpc) -> Route {
    Route { method, pattern, rpc }
}

const INSTANCES: &str = "projects/*/locations/*/instances";
const INSTANCE: &str = "projects/*/locations/*/instances/*";
const OPERATION: &str = "projects/*/locations/*/operations/*";
const BACKUP: &str = "projects/*/locations/*/backupCollections/*/backups/*";
const ADMIN_BACKUP: &str = "admin/projects/*/locations/*/backupCollections/*/backups/*";
const USER: &str = "projects/*/locations/*/instances/*/tokenAuthUsers/*";
const TOKEN: &str = "projects/*/locations/*/instances/*/tokenAuthUsers/*/authTokens/*";
const ACL_POLICIES: &str = "projects/*/locations/*/aclPolicies";
const ACL_POLICY: &str = "projects/*/locations/*/aclPolicies/*";

static ROUTES: &[Route] = &[
    route(Method::GET, INSTANCES, Rpc::ListInstances),
    route(Method::POST, INSTANCES, Rpc::CreateInstance),
    route(Method::GET, INSTANCE, Rpc::GetInstance),
    route(Method::PATCH, INSTANCE, Rpc::UpdateInstance),
    route(Method::DELETE, INSTANCE, Rpc::DeleteInstance),
    route(Method::GET, "projects/*/locations/*/operations", Rpc::ListOperations),
    route(Method::GET, OPERATION, Rpc::GetOperation),
    route(Method::DELETE, OPERATION, Rpc::DeleteOperation),
    route(Method::POST, "projects/*/locations/*/operations/*:cancel", Rpc::CancelOperation),
    route(Method::GET, "projects/*/locations", Rpc::ListLocations),
    route(Method::GET, "projects/*/locations/*", Rpc::GetLocation),
    route(Method::GET, "projects/*/locations/*/instances/*/certificateAuthority", Rpc::Later("GetCertificateAuthority")),
    route(
        Method::GET,
        "projects/*/locations/*/sharedRegionalCertificateAuthority",
        Rpc::Later("GetSharedRegionalCertificateAuthority"),
    ),
    route(Method::POST, "projects/*/locations/*/instances/*:rescheduleMaintenance", Rpc::Later("RescheduleMaintenance")),
    route(Method::GET, "projects/*/locations/*/backupCollections", Rpc::ListBackupCollections),
    route(Method::GET, "projects/*/locations/*/backupCollections/*", Rpc::GetBackupCollection),
    route(Method::GET, "projects/*/locations/*/backupCollections/*/backups", Rpc::ListBackups),
    route(Method::GET, BACKUP, Rpc::GetBackup),
    route(Method::DELETE, BACKUP, Rpc::DeleteBackup),
    route(Method::POST, "projects/*/locations/*/backupCollections/*/backups/*:export", Rpc::ExportBackup),
    route(Method::POST, "projects/*/locations/*/instances/*:backup", Rpc::BackupInstance),
    route(Method::POST, "projects/*/locations/*/instances/*:startMigration", Rpc::Later("StartMigration")),
    route(Method::POST, "projects/*/locations/*/instances/*:finishMigration", Rpc::Later("FinishMigration")),
    route(Method::GET, "projects/*/locations/*/instances/*/tokenAuthUsers", Rpc::Later("ListTokenAuthUsers")),
    route(Method::GET, USER, Rpc::Later("GetTokenAuthUser")),
    route(Method::DELETE, USER, Rpc::Later("DeleteTokenAuthUser")),
    route(Method::POST, "projects/*/locations/*/instances/*:addTokenAuthUser", Rpc::Later("AddTokenAuthUser")),
    route(Method::GET, "projects/*/locations/*/instances/*/tokenAuthUsers/*/authTokens", Rpc::Later("ListAuthTokens")),
    route(Method::GET, TOKEN, Rpc::Later("GetAuthToken")),
    route(Method::DELETE, TOKEN, Rpc::Later("DeleteAuthToken")),
    route(Method::POST, "projects/*/locations/*/instances/*/tokenAuthUsers/*:addAuthToken", Rpc::Later("AddAuthToken")),
    route(Method::GET, ACL_POLICIES, Rpc::Later("ListAclPolicies")),
    route(Method::POST, ACL_POLICIES, Rpc::Later("CreateAclPolicy")),
    route(Method::GET, ACL_POLICY, Rpc::Later("GetAclPolicy")),
    route(Method::PATCH, ACL_POLICY, Rpc::Later("UpdateAclPolicy")),
    route(Method::DELETE, ACL_POLICY, Rpc::Later("DeleteAclPolicy")),
    route(Method::GET, "projects/*/locations/*/aclPolicies/*/revisions", Rpc::Later("ListAclPolicyRevisions")),
    route(Method::GET, "projects/*/locations/*/aclPolicies/*/revisions/*", Rpc::Later("GetAclPolicyRevision")),
    route(Method::GET, "admin/projects/*/locations/*/instances/*/topology", Rpc::Admin(AdminRpc::GetTopology)),
    route(Method::POST, "admin/projects/*/locations/*/instances/*:failOver", Rpc::Admin(AdminRpc::FailOver)),
    route(Method::GET, "admin/nodes", Rpc::Admin(AdminRpc::ListNodes)),
    route(Method::POST, "admin/zones/*:take", Rpc::Admin(AdminRpc::TakeZone)),
    route(Method::POST, "admin/zones/*:give", Rpc::Admin(AdminRpc::GiveZone)),
    route(Method::GET, "admin/zoneOutages", Rpc::Admin(AdminRpc::ListZoneOutages)),
    route(Method::GET, "admin/projects/*/locations/*/operations/*/progress", Rpc::Admin(AdminRpc::GetOperationProgress)),
    route(Method::GET, "admin/projects/*/locations/*/backupCollections/*/backups", Rpc::Admin(AdminRpc::ListBackupDetails)),
    route(Method::GET, ADMIN_BACKUP, Rpc::Admin(AdminRpc::GetBackupDetails)),
    route(Method::POST, "admin/projects/*/locations/*/backupCollections/*/backups/*:verify", Rpc::Admin(AdminRpc::VerifyBackup)),
    route(Method::GET, "admin/projects/*/locations/*/instances/*/backupPolicy", Rpc::Admin(AdminRpc::GetBackupPolicy)),
    route(Method::POST, "admin/projects/*/locations/*/instances/*:setBackupPolicy", Rpc::Admin(AdminRpc::SetBackupPolicy)),
    route(Method::GET, "admin/projects/*/locations/*/instances/*/replication", Rpc::Admin(AdminRpc::GetReplication)),
    route(Method::GET, "admin/distances", Rpc::Admin(AdminRpc::ListDistances)),
    route(Method::POST, "admin/distances:set", Rpc::Admin(AdminRpc::SetDistance)),
    route(Method::GET, "admin/clock", Rpc::Admin(AdminRpc::GetClock)),
    route(Method::POST, "admin/clock:advance", Rpc::Admin(AdminRpc::AdvanceClock)),
];

/// What this method asks for at this path below `/v1/`.
pub(super) fn find(method: &Method, path: &str) -> Result<Rpc, ApiError> {
    let mut allowed = Vec::new();
    for route in ROUTES.iter().filter(|route| matches(route.pattern, path)) {
        if route.method == *method {
            return Ok(route.rpc);
        }
        allowed.push(route.method.as_str());
    }
    let path = format!("/v1/{path}");
    if allowed.is_empty() {
        return Err(ApiError::UnknownPath { path });
    }
    Err(ApiError::MethodNotAllowed { method: method.clone(), path, allowed: allowed.join(", ") })
}

/// The resource a path names: the path without its verb.
pub(super) fn resource(path: &str) -> &str {
    split_verb(path).0
}

/// The resource a collection belongs to: the path without its last segment.
pub(super) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(parent, _)| parent)
}

fn matches(pattern: &str, path: &str) -> bool {
    let ((pattern, pattern_verb), (path, verb)) = (split_verb(pattern), split_verb(path));
    let mut segments = path.split('/');
    let fits = pattern
        .split('/')
        .all(|wanted| segments.next().is_some_and(|found| if wanted == "*" { !found.is_empty() } else { wanted == found }));
    fits && segments.next().is_none() && pattern_verb == verb
}

/// A verb follows the last segment's colon; ids have none, projects may.
fn split_verb(path: &str) -> (&str, Option<&str>) {
    let last_segment = path.rfind('/').map_or(0, |slash| slash + 1);
    match path[last_segment..].split_once(':') {
        Some((segment, verb)) => (&path[..last_segment + segment.len()], Some(verb)),
        None => (path, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_their_rpcs() {
        for (method, path, rpc) in [
            (Method::GET, "projects/p/locations/us-central1/instances", Rpc::ListInstances),
            (Method::PATCH, "projects/example.com:p/locations/l/instances/i", Rpc::UpdateInstance),
            (Method::POST, "projects/p/locations/l/operations/o:cancel", Rpc::CancelOperation),
            (Method::POST, "projects/p/locations/l/instances/i:backup", Rpc::BackupInstance),
            (Method::GET, "projects/p/locations/-/backupCollections/-/backups", Rpc::ListBackups),
            (Method::POST, "projects/p/locations/l/backupCollections/c/backups/b:export", Rpc::ExportBackup),
            (Method::POST, "projects/p/locations/l/instances/i:startMigration", Rpc::Later("StartMigration")),
            (Method::POST, "admin/clock:advance", Rpc::Admin(AdminRpc::AdvanceClock)),
            (Method::GET, "projects/p/locations", Rpc::ListLocations),
            (Method::POST, "admin/zones/us-central1-a:take", Rpc::Admin(AdminRpc::TakeZone)),
        ] {
            assert_eq!(find(&method, path).expect(path), rpc);
        }
    }

    #[test]
    fn unknown_paths_and_methods_are_told_apart() {
        for path in ["", "projects", "projects/p/locations/l/instances/", "projects//locations/l/instances", "x/i:backup"] {
            assert!(matches!(find(&Method::GET, path), Err(ApiError::UnknownPath { .. })), "{path:?} exists");
        }
        let error = find(&Method::PUT, "projects/p/locations/l/instances/i").expect_err("PUT is for nothing");
        assert!(matches!(&error, ApiError::MethodNotAllowed { allowed, .. } if allowed == "GET, PATCH, DELETE"), "{error}");
        assert!(matches!(find(&Method::POST, "projects/p/locations/l/instances/i:explode"), Err(ApiError::UnknownPath { .. })));
    }
}
