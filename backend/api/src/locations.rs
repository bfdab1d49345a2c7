//! Regions. Every well-formed one exists here, as nothing of a region is needed on one machine; a list can only show some.

use std::collections::{BTreeMap, BTreeSet};

use memorystore_proto::location::{GetLocationRequest, ListLocationsRequest, ListLocationsResponse, Location};
use valkyard_model::{LocationId, NameError, ProjectId};

use crate::convert::Parent;
use crate::paging::{PageKey, page_size};
use crate::{ApiError, ApiState};

/// Shown whether in use or not, so that a list is never empty.
const WELL_KNOWN: [&str; 8] =
    ["asia-northeast1", "asia-southeast1", "europe-west1", "europe-west3", "us-central1", "us-east1", "us-west1", "us-west2"];
/// The label by which Google's services tell a location's region.
const REGION_LABEL: &str = "cloud.googleapis.com/region";

/// One region.
pub(crate) fn get(request: &GetLocationRequest) -> Result<Location, ApiError> {
    let Parent { project, location } = Parent::parse("name", &request.name)?;
    Ok(message(&project, location.as_str()))
}

/// Some well-known regions and those in use.
pub(crate) async fn list(state: &ApiState, request: ListLocationsRequest) -> Result<ListLocationsResponse, ApiError> {
    let project = request.name.strip_prefix("projects/").unwrap_or_default();
    let project: ProjectId = project.parse().map_err(|error: NameError| ApiError::invalid("name", error.to_string()))?;
    if !request.filter.is_empty() {
        return Err(ApiError::invalid("filter", "lists of locations have no filters here; leave it out"));
    }
    let limit = page_size(request.page_size)? as usize;
    let after = PageKey::from_token(&request.page_token)?.map(PageKey::location).transpose()?.unwrap_or_default();
    let names = state.store.all_names().await?;
    let in_use: Vec<LocationId> = names.into_iter().filter(|name| name.project == project).map(|name| name.location).collect();
    let ids: BTreeSet<&str> = WELL_KNOWN.into_iter().chain(in_use.iter().map(LocationId::as_str)).collect();
    let rest: Vec<&str> = ids.into_iter().filter(|id| *id > after.as_str()).collect();
    let page = &rest[..rest.len().min(limit)];
    let next = page.last().filter(|_| rest.len() > limit);
    Ok(ListLocationsResponse {
        locations: page.iter().map(|id| message(&project, id)).collect(),
        next_page_token: next.map(|id| PageKey::Location((*id).to_owned()).token()).unwrap_or_default(),
    })
}

fn message(project: &ProjectId, id: &str) -> Location {
    Location {
        name: format!("projects/{project}/locations/{id}"),
        location_id: id.to_owned(),
        display_name: id.to_owned(),
        labels: BTreeMap::from([(REGION_LABEL.to_owned(), id.to_owned())]),
        metadata: None,
    }
}
