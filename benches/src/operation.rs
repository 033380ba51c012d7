//! The requests of the load.

use http::StatusCode;

/// A request that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// A token by client secret.
    Token,
    /// A token by an assertion that the client signed with ES256, each with a `jti` of its own.
    TokenByAssertion,
    /// A new user with username, e-mail and both names.
    Create,
    /// A user by id.
    Read,
    /// The same, for a caller that has it already.
    NotModified,
    /// A user by e-mail.
    Find,
    /// A change of a user's languages, with the tag last seen.
    Patch,
    /// A change of a user's name, which moves an index entry, with the tag last seen.
    Rename,
    /// The first sign-in of a person at a system, with a token that was never seen.
    Arrive,
    /// The same person again, with the same token.
    ArriveAgain,
    /// A system profile by id.
    ReadProfile,
    /// A page of 50 users in the order of their last change, as a system reads it that keeps in
    /// step.
    Synchronise,
    /// 100 users by id.
    BatchGet,
    /// A new user by the customer's id, as by [`Operation::Create`].
    UpsertNew,
    /// The same user again, which changes nothing.
    UpsertSame,
    /// Users by a filter.
    Query(Query),
}

/// A filter that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Query {
    /// The id.
    Id,
    /// The username.
    Username,
    /// A family name that few have.
    Name,
    /// The first characters of a family name.
    NameStart,
    /// A value of an attribute that is searched as a whole.
    Attribute,
    /// A persona with its scope.
    Persona,
    /// One username or another.
    EitherUsername,
    /// A field without a look-up, so the search walks the listing.
    Listing,
}

impl Operation {
    /// All of them; those that the peers do come first.
    pub(crate) const ALL: [Self; 23] = [
        Self::Token,
        Self::TokenByAssertion,
        Self::Create,
        Self::Read,
        Self::NotModified,
        Self::Find,
        Self::Patch,
        Self::Rename,
        Self::Arrive,
        Self::ArriveAgain,
        Self::ReadProfile,
        Self::Synchronise,
        Self::BatchGet,
        Self::UpsertNew,
        Self::UpsertSame,
        Self::Query(Query::Id),
        Self::Query(Query::Username),
        Self::Query(Query::Name),
        Self::Query(Query::NameStart),
        Self::Query(Query::Attribute),
        Self::Query(Query::Persona),
        Self::Query(Query::EitherUsername),
        Self::Query(Query::Listing),
    ];

    /// Its name in tables.
    #[must_use]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Token => "token by secret",
            Self::TokenByAssertion => "token by private_key_jwt",
            Self::Create => "create",
            Self::Read => "read",
            Self::NotModified => "304",
            Self::Find => "find by e-mail",
            Self::Patch => "PATCH with If-Match",
            Self::Rename => "PATCH of a name",
            Self::Arrive => "first sign-in",
            Self::ArriveAgain => "later sign-in",
            Self::ReadProfile => "read a system profile",
            Self::Synchronise => "synchronise, 50 users",
            Self::BatchGet => "batch-get, 100 users",
            Self::UpsertNew => "upsert that creates",
            Self::UpsertSame => "upsert, no change",
            Self::Query(Query::Id) => "query by id",
            Self::Query(Query::Username) => "query by username",
            Self::Query(Query::Name) => "query by name",
            Self::Query(Query::NameStart) => "query by the start of a name",
            Self::Query(Query::Attribute) => "query by an attribute",
            Self::Query(Query::Persona) => "query by persona and scope",
            Self::Query(Query::EitherUsername) => "query by one username or another",
            Self::Query(Query::Listing) => "query without an index, 20 users",
        }
    }

    pub(crate) const fn due(self) -> StatusCode {
        match self {
            Self::Create | Self::Arrive | Self::UpsertNew => StatusCode::CREATED,
            Self::NotModified => StatusCode::NOT_MODIFIED,
            _ => StatusCode::OK,
        }
    }
}
