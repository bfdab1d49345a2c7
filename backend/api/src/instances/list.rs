//! Pages of instances.

use memorystore_proto::v1;
use valkyard_model::{DesiredInstance, Timestamp};
use valkyard_store::{InstanceOrder, Scope};

use crate::convert::{Parent, instance_message};
use crate::filter::Filter;
use crate::paging::{PageKey, foreign_token, page_size};
use crate::{ApiError, ApiState};

/// Instances read at once when more are needed than a page has: for filters and descending orders.
const BATCH: u32 = 1_000;

/// One page.
pub(crate) async fn list(state: &ApiState, request: v1::ListInstancesRequest) -> Result<v1::ListInstancesResponse, ApiError> {
    let scope = Parent::scope("parent", &request.parent)?;
    let limit = page_size(request.page_size)?;
    let filter = Filter::parse(&request.filter)?;
    let order = Order::parse(&request.order_by)?;
    let after = order.after(PageKey::from_token(&request.page_token)?)?;
    // One more than the page has tells whether there is a next page.
    let wanted = limit as usize + 1;
    let mut found = match order.direction {
        Direction::Ascending => ascending(state, &scope, order.key, after, &filter, wanted).await?,
        Direction::Descending => descending(state, &scope, order.key, after, &filter, wanted).await?,
    };
    let is_last_page = found.len() < wanted;
    found.truncate(limit as usize);
    let last = found.last().filter(|_| !is_last_page);
    let next_page_token = last.map(|last| order.key.page_key(last).token()).unwrap_or_default();
    Ok(v1::ListInstancesResponse {
        instances: found.iter().map(instance_message).collect(),
        next_page_token,
        unreachable: Vec::new(),
    })
}

async fn ascending(
    state: &ApiState,
    scope: &Scope,
    key: Key,
    mut after: Option<DesiredKey>,
    filter: &Filter,
    wanted: usize,
) -> Result<Vec<DesiredInstance>, ApiError> {
    let batch = if filter.is_empty() { u32::try_from(wanted).unwrap_or(BATCH) } else { BATCH };
    let mut found = Vec::new();
    loop {
        let read = state.store.instances(scope, key.store_order(after.take()), batch).await?;
        let is_end = read.len() < batch as usize;
        after = read.last().map(DesiredKey::of);
        found.extend(read.into_iter().filter(|instance| filter.accepts(instance)));
        if is_end || found.len() >= wanted {
            found.truncate(wanted);
            return Ok(found);
        }
    }
}

/// The store knows ascending orders only: reads everything and turns it round.
async fn descending(
    state: &ApiState,
    scope: &Scope,
    key: Key,
    after: Option<DesiredKey>,
    filter: &Filter,
    wanted: usize,
) -> Result<Vec<DesiredInstance>, ApiError> {
    let mut all = ascending(state, scope, key, None, filter, usize::MAX).await?;
    all.reverse();
    if let Some(after) = after {
        let sorts_after = |instance: &DesiredInstance| match key {
            Key::Name => instance.name < after.name,
            Key::CreateTime => (instance.create_time, &instance.name) < (after.create_time, &after.name),
        };
        all.retain(sorts_after);
    }
    all.truncate(wanted);
    Ok(all)
}

/// What positions of a list are told by.
struct DesiredKey {
    create_time: Timestamp,
    name: valkyard_model::InstanceName,
}

impl DesiredKey {
    fn of(instance: &DesiredInstance) -> Self {
        Self { create_time: instance.create_time, name: instance.name.clone() }
    }
}

#[derive(Clone, Copy)]
enum Key {
    Name,
    CreateTime,
}

impl Key {
    fn store_order(self, after: Option<DesiredKey>) -> InstanceOrder {
        match self {
            Self::Name => InstanceOrder::Name { after: after.map(|key| key.name) },
            Self::CreateTime => InstanceOrder::CreateTime { after: after.map(|key| (key.create_time, key.name)) },
        }
    }

    fn page_key(self, last: &DesiredInstance) -> PageKey {
        match self {
            Self::Name => PageKey::Name(last.name.clone()),
            Self::CreateTime => PageKey::Age(last.create_time, last.name.clone()),
        }
    }
}

#[derive(Clone, Copy)]
enum Direction {
    Ascending,
    Descending,
}

struct Order {
    key: Key,
    direction: Direction,
}

impl Order {
    fn parse(text: &str) -> Result<Self, ApiError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let refused =
            || ApiError::invalid("order_by", format!("{text:?} is not \"name\" or \"create_time\", perhaps with \" desc\""));
        let (field, direction) = match words.as_slice() {
            [] => ("name", Direction::Ascending),
            [field] | [field, "asc"] => (*field, Direction::Ascending),
            [field, "desc"] => (*field, Direction::Descending),
            _ => return Err(refused()),
        };
        match field {
            "name" => Ok(Self { key: Key::Name, direction }),
            "create_time" | "createTime" => Ok(Self { key: Key::CreateTime, direction }),
            _ => Err(refused()),
        }
    }

    fn after(&self, key: Option<PageKey>) -> Result<Option<DesiredKey>, ApiError> {
        match (self.key, key) {
            (_, None) => Ok(None),
            (Key::Name, Some(PageKey::Name(name))) => Ok(Some(DesiredKey { create_time: Timestamp::UNIX_EPOCH, name })),
            (Key::CreateTime, Some(PageKey::Age(create_time, name))) => Ok(Some(DesiredKey { create_time, name })),
            (Key::Name | Key::CreateTime, Some(_)) => Err(foreign_token()),
        }
    }
}
