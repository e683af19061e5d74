/**
 * An enum at a response position: one of the values `T` lists, or one a newer server added. Editors
 * still suggest the values of `T`.
 */
export type Open<T extends string> = T | (string & {});
