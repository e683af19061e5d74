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
pub(super) struct Simulated;

/// There is none.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Never {}

#[derive(Debug, Default)]
pub(super) struct NoArguments;

#[derive(Debug, Default)]
pub(super) struct NoResult;

impl Database for Simulated {
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

    const NAME: &'static str = "Simulated";
    const URL_SCHEMES: &'static [&'static str] = &["simulated"];
}

impl Extend<Self> for NoResult {
    fn extend<T: IntoIterator<Item = Self>>(&mut self, _: T) {}
}

#[derive(Debug)]
pub(super) struct NoTransactions;

impl TransactionManager for NoTransactions {
    type Database = Simulated;

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
    type Database = Simulated;

    fn columns(&self) -> &[Never] {
        match *self {}
    }

    fn try_get_raw<I: ColumnIndex<Self>>(&self, _: I) -> Result<Never, sqlx::Error> {
        match *self {}
    }
}

impl Column for Never {
    type Database = Simulated;

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
    type Database = Simulated;

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
    type Database = Simulated;

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
    type Database = Simulated;

    fn reserve(&mut self, _: usize, _: usize) {}

    fn add<'t, T>(&mut self, _: T) -> Result<(), BoxDynError>
    where
        T: Encode<'t, Simulated> + Type<Simulated>,
    {
        Ok(())
    }

    fn len(&self) -> usize {
        0
    }
}

impl IntoArguments<Simulated> for NoArguments {
    fn into_arguments(self) -> Self {
        self
    }
}

impl Statement for Never {
    type Database = Simulated;

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

    fn query(&self) -> Query<'_, Simulated, NoArguments> {
        match *self {}
    }

    fn query_with<A: IntoArguments<Simulated>>(&self, _: A) -> Query<'_, Simulated, A> {
        match *self {}
    }

    fn query_as<O: for<'r> FromRow<'r, Never>>(&self) -> QueryAs<'_, Simulated, O, NoArguments> {
        match *self {}
    }

    fn query_as_with<'s, O, A>(&'s self, _: A) -> QueryAs<'s, Simulated, O, A>
    where
        O: for<'r> FromRow<'r, Never>,
        A: IntoArguments<Simulated>,
    {
        match *self {}
    }

    fn query_scalar<O>(&self) -> QueryScalar<'_, Simulated, O, NoArguments>
    where
        (O,): for<'r> FromRow<'r, Never>,
    {
        match *self {}
    }

    fn query_scalar_with<'s, O, A>(&'s self, _: A) -> QueryScalar<'s, Simulated, O, A>
    where
        (O,): for<'r> FromRow<'r, Never>,
        A: IntoArguments<Simulated>,
    {
        match *self {}
    }
}

impl ColumnIndex<Never> for usize {
    fn index(&self, row: &Never) -> Result<usize, sqlx::Error> {
        match *row {}
    }
}

impl Decode<'_, Simulated> for i64 {
    fn decode(value: Never) -> Result<Self, BoxDynError> {
        match value {}
    }
}
