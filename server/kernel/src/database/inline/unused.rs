//! What sqlx asks of a database beside its connections, and what nobody ever meets who reaches it
//! through `Any`.

use std::borrow::Cow;
use std::fmt;

use sqlx::error::BoxDynError;
use sqlx::query::{Query, QueryAs, QueryScalar};
use sqlx::{
    Arguments, Column, ColumnIndex, Database, Decode, Either, Encode, FromRow, IntoArguments, Row,
    SqlStr, Statement, Type, TypeInfo, Value, ValueRef,
};

use sqlx_core::transaction::TransactionManager;

use super::driver::Link;

/// The database.
#[derive(Debug)]
pub(super) struct Inline;

/// There is none.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Never {}

#[derive(Debug, Default)]
pub(super) struct NoArguments;

#[derive(Debug, Default)]
pub(super) struct NoResult;

impl Database for Inline {
    type Connection = Link;
    type TransactionManager = NoTransactions;
    type Row = Never;
    type QueryResult = NoResult;
    type Column = Never;
    type TypeInfo = Never;
    type Value = Never;
    type ValueRef<'r> = Never;
    type Arguments = NoArguments;
    type ArgumentBuffer = ();
    type Statement = Never;

    const NAME: &'static str = "Inline";
    const URL_SCHEMES: &'static [&'static str] = &["inline"];
}

impl Extend<Self> for NoResult {
    fn extend<T: IntoIterator<Item = Self>>(&mut self, _: T) {}
}

#[derive(Debug)]
pub(super) struct NoTransactions;

impl TransactionManager for NoTransactions {
    type Database = Inline;

    async fn begin(_: &mut Link, _: Option<SqlStr>) -> Result<(), sqlx::Error> {
        Err(sqlx::Error::BeginFailed)
    }

    async fn commit(_: &mut Link) -> Result<(), sqlx::Error> {
        Err(sqlx::Error::BeginFailed)
    }

    async fn rollback(_: &mut Link) -> Result<(), sqlx::Error> {
        Err(sqlx::Error::BeginFailed)
    }

    fn start_rollback(_: &mut Link) {}

    fn get_transaction_depth(_: &Link) -> usize {
        1
    }
}

impl Row for Never {
    type Database = Inline;

    fn columns(&self) -> &[Never] {
        match *self {}
    }

    fn try_get_raw<I: ColumnIndex<Self>>(&self, _: I) -> Result<Never, sqlx::Error> {
        match *self {}
    }
}

impl Column for Never {
    type Database = Inline;

    fn ordinal(&self) -> usize {
        match *self {}
    }

    fn name(&self) -> &str {
        match *self {}
    }

    fn type_info(&self) -> &Never {
        match *self {}
    }
}

impl fmt::Display for Never {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl TypeInfo for Never {
    fn is_null(&self) -> bool {
        match *self {}
    }

    fn name(&self) -> &str {
        match *self {}
    }
}

impl Value for Never {
    type Database = Inline;

    fn as_ref(&self) -> Never {
        match *self {}
    }

    fn type_info(&self) -> Cow<'_, Never> {
        match *self {}
    }

    fn is_null(&self) -> bool {
        match *self {}
    }
}

impl ValueRef<'_> for Never {
    type Database = Inline;

    fn to_owned(&self) -> Never {
        match *self {}
    }

    fn type_info(&self) -> Cow<'_, Never> {
        match *self {}
    }

    fn is_null(&self) -> bool {
        match *self {}
    }
}

impl Arguments for NoArguments {
    type Database = Inline;

    fn reserve(&mut self, _: usize, _: usize) {}

    fn add<'t, T>(&mut self, _: T) -> Result<(), BoxDynError>
    where
        T: Encode<'t, Inline> + Type<Inline>,
    {
        Ok(())
    }

    fn len(&self) -> usize {
        0
    }
}

impl IntoArguments<Inline> for NoArguments {
    fn into_arguments(self) -> Self {
        self
    }
}

impl Statement for Never {
    type Database = Inline;

    fn into_sql(self) -> SqlStr {
        match self {}
    }

    fn sql(&self) -> &SqlStr {
        match *self {}
    }

    fn parameters(&self) -> Option<Either<&[Never], usize>> {
        match *self {}
    }

    fn columns(&self) -> &[Never] {
        match *self {}
    }

    fn query(&self) -> Query<'_, Inline, NoArguments> {
        match *self {}
    }

    fn query_with<A: IntoArguments<Inline>>(&self, _: A) -> Query<'_, Inline, A> {
        match *self {}
    }

    fn query_as<O: for<'r> FromRow<'r, Never>>(&self) -> QueryAs<'_, Inline, O, NoArguments> {
        match *self {}
    }

    fn query_as_with<'s, O, A>(&'s self, _: A) -> QueryAs<'s, Inline, O, A>
    where
        O: for<'r> FromRow<'r, Never>,
        A: IntoArguments<Inline>,
    {
        match *self {}
    }

    fn query_scalar<O>(&self) -> QueryScalar<'_, Inline, O, NoArguments>
    where
        (O,): for<'r> FromRow<'r, Never>,
    {
        match *self {}
    }

    fn query_scalar_with<'s, O, A>(&'s self, _: A) -> QueryScalar<'s, Inline, O, A>
    where
        (O,): for<'r> FromRow<'r, Never>,
        A: IntoArguments<Inline>,
    {
        match *self {}
    }
}

impl ColumnIndex<Never> for usize {
    fn index(&self, row: &Never) -> Result<usize, sqlx::Error> {
        match *row {}
    }
}

impl Decode<'_, Inline> for i64 {
    fn decode(value: Never) -> Result<Self, BoxDynError> {
        match value {}
    }
}
