//! What generated code says the same way of every operation.

/// Declares the types that stand for operations; what they are is said where they implement the
/// `Operation` of a runtime.
#[macro_export]
macro_rules! markers {
    ($($operation:ident),* $(,)?) => {
        $(
            #[doc = concat!("The operation `", stringify!($operation), "`.")]
            #[derive(Debug, Clone, Copy)]
            pub struct $operation;
        )*
    };
}

/// The types of an operation's messages, named by the module that holds them.
#[macro_export]
macro_rules! messages {
    ($($module:ident)::+) => {
        type Request = $($module)::+::Request;
        type Response = $($module)::+::Response;
        type Error = $($module)::+::Error;
    };
}

/// Makes the body of a `Response` easy to reach where every variant has one of the same type, or is
/// named behind the semicolon: it says that the caller has the body already.
#[macro_export]
macro_rules! into_body {
    ($body:ty: $($variant:ident),+; $spared:ident) => {
        impl Response {
            /// The body; none, if the caller has it already.
            pub fn into_body(self) -> Option<$body> {
                match self {
                    $(Self::$variant { body, .. } => Some(body),)+
                    Self::$spared { .. } => None,
                }
            }
        }
    };
    ($body:ty: $($variant:ident),+ $(,)?) => {
        $crate::into_body!(Response as $body: $($variant),+);
    };
    ($owner:ident as $body:ty: $($variant:ident),+ $(,)?) => {
        impl $owner {
            /// The body, which is of one type whatever the status.
            pub fn into_body(self) -> $body {
                match self {
                    $(Self::$variant { body, .. } => body,)+
                }
            }
        }
    };
}
