//! The description in OpenAPI: what follows from the handlers, and what holds for all of them and
//! stands at none.

use std::collections::BTreeMap;

use utoipa::{
    OpenApi, PartialSchema as _, ToSchema,
    openapi::{
        Content, OpenApi as Description, PathItem, Ref, RefOr, Required, Response, Schema,
        path::{Operation, Parameter, ParameterIn},
    },
};

use crate::{
    AuthenticatorId, Base64Url, CeremonyId, PhoneId, ScreenId, SessionId, http::refusal::Refused,
};

/// The head of the description.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "towline virtual serve",
        description = "Virtual authenticators for tests in any language. Every path stands behind \
                       the address that the program prints when it starts, token included. The \
                       session `default` is always there. Refusals are JSON as well: `Refused`."
    ),
    components(schemas(Refused))
)]
pub(super) struct Head;

/// Adds the names in the paths, and what every operation answers where it refuses.
pub(super) fn complete(description: &mut Description) {
    let names = BTreeMap::from([
        named::<SessionId>("session"),
        named::<AuthenticatorId>("authenticator"),
        named::<CeremonyId>("ceremony"),
        named::<Base64Url>("credential"),
        named::<PhoneId>("phone"),
        named::<ScreenId>("screen"),
    ]);
    for (path, item) in &mut description.paths.paths {
        let inside = path.split('{').skip(1).filter_map(|it| Some(it.split_once('}')?.0));
        let parameters: Vec<RefOr<Parameter>> =
            inside.map(|name| in_path(name, &names).into()).collect();
        item.parameters = Some(parameters).filter(|it| !it.is_empty());
        for operation in operations(item) {
            let refused = Ref::from_schema_name(Refused::name());
            let content = Content::new(Some(RefOr::<Schema>::Ref(refused)));
            let response = Response::builder().content("application/json", content).build();
            operation.responses.responses.insert("4XX".to_owned(), response.into());
        }
    }
}

fn named<T: ToSchema>(name: &'static str) -> (&'static str, RefOr<Schema>) {
    (name, T::schema())
}

fn in_path(name: &str, names: &BTreeMap<&str, RefOr<Schema>>) -> Parameter {
    let schema = names.get(name).cloned().unwrap_or_else(String::schema);
    Parameter::builder()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .schema(Some(schema))
        .build()
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [get, put, post, delete, patch].into_iter().flatten()
}
