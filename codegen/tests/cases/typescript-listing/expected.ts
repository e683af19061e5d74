/** What `listServiceCalls` sends. */
export interface ListServiceCallsRequest {
  /** The `nextCursor` of the page before, under the same filters. */
  cursor?: string;
  /** Only calls accepted at this time or later. */
  from?: string;
  /**
   * The most calls to return.
   * @defaultValue `50`
   */
  limit?: number;
  /** Only calls that stand there. */
  status?: types.ServiceCallStatus;
  /** Only calls with this label. */
  tag?: types.Tag;
  /** Only calls accepted before this time. */
  to?: string;
}

/** How `listServiceCalls` succeeds. */
export type ListServiceCallsResponse = { status: 200; body: types.ServiceCallPage };

/** Codes of the problems `listServiceCalls` documents. */
export type ListServiceCallsProblem = (typeof LIST_SERVICE_CALLS_PROBLEMS)[number];

const LIST_SERVICE_CALLS_PROBLEMS = [
  'forbidden',
  'invalid-request',
  'unauthenticated',
] as const;

const LIST_SERVICE_CALLS: Paged<
  ListServiceCallsRequest,
  ListServiceCallsResponse,
  types.ServiceCallSummary,
  string
> = {
  id: 'listServiceCalls',
  method: 'GET',
  path: '/v1/service-calls',
  parameters: [
    { in: 'query', name: 'cursor', key: 'cursor' },
    { in: 'query', name: 'from', key: 'from' },
    { in: 'query', name: 'limit', key: 'limit' },
    { in: 'query', name: 'status', key: 'status' },
    { in: 'query', name: 'tag', key: 'tag' },
    { in: 'query', name: 'to', key: 'to' },
  ],
  responses: {
    200: { body: 'json' },
  },
  problems: LIST_SERVICE_CALLS_PROBLEMS,
  items: (response) => response.body.items,
  next: (response) => response.body.nextCursor,
  resume: (request, cursor) => ({ ...request, cursor }),
};

/** List service calls: `GET /v1/service-calls`. */
export function listServiceCalls(
  core: Core,
  request: ListServiceCallsRequest = {},
  options?: CallOptions,
): Listing<ListServiceCallsResponse, types.ServiceCallSummary> {
  return core.list(LIST_SERVICE_CALLS, request, options);
}

