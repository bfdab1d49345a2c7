//! Forwarding to the files of a resource.

/// The operations of a resource whose folder has a file for each, inside its `impl Resource<Client>`: `plan`, `create`, `read`,
/// `update` and `delete`, each with a function of that name.
macro_rules! operations_by_file {
    () => {
        fn modify_plan<'a>(
            &'a self,
            cx: &'a ::provider_framework::Context<crate::client::Client>,
            change: &'a mut ::provider_framework::PlannedChange,
        ) -> ::provider_framework::BoxFuture<'a, ()> {
            plan::plan(change, cx.client().defaults());
            Box::pin(std::future::ready(()))
        }

        $crate::operations_by_file::forward! {
            create(Create) -> Result<NewState, Failed>;
            read(Read) -> Result<Found, Diagnostics>;
            update(Update) -> Result<NewState, Failed>;
            delete(Delete) -> Result<Diagnostics, Diagnostics>;
        }
    };
}

/// One function each, which calls that of the same name in the file of the same name.
macro_rules! forward {
    ($($operation:ident($request:ident) -> Result<$good:ident, $bad:ident>;)*) => {$(
        fn $operation<'a>(
            &'a self,
            cx: &'a ::provider_framework::Context<crate::client::Client>,
            request: ::provider_framework::$request,
        ) -> ::provider_framework::BoxFuture<'a, Result<::provider_framework::$good, ::provider_framework::$bad>> {
            Box::pin($operation::$operation(cx, request))
        }
    )*};
}

pub(crate) use {forward, operations_by_file};
