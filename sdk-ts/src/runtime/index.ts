export { all, anonymous, apiKey, authorization, basic, bearer, keyring } from './auth.js';
export type { Alternatives, Auth, Credential, Secret } from './auth.js';
export { headed } from './binary.js';
export type { Binary, PartHeaders } from './binary.js';
export type { Channel, FrameKind, SocketOptions } from './channel.js';
export { Core } from './client.js';
export type { CallOptions, ClientOptions } from './client.js';
export {
  ApiError,
  CloseError,
  DecodeError,
  EncodeError,
  isApiError,
  isProblem,
  OverflowError,
  ProblemError,
  RefusedError,
  TimeoutError,
  TransportError,
  UnexpectedError,
} from './error.js';
export type { CallError, ErrorResponse, SocketError } from './error.js';
export { linked } from './link.js';
export type { Exchange, Link, Rest, Source } from './link.js';
export type { Open } from './open.js';
export type { Answer, AnswerHeader, Answers, BodyKind, Operation, Paged } from './operation.js';
export type { AnswerForm, AnswerKind, RequestBody } from './operation.js';
export { Listing } from './pagination.js';
export type { Parameter, Style } from './parameters.js';
export type { Part } from './parts.js';
export type { Problem, Violation } from './problem.js';
export { DEFAULT_RETRY, NO_RETRY } from './retry.js';
export type { Retry } from './retry.js';
export { Server } from './server.js';
export type { OwnServer, Variables } from './server.js';
export { connect, Socket } from './socket.js';
export { SignatureError, signWebhook, verifyWebhook } from './signature.js';
export type { Verification } from './signature.js';
export { receive } from './webhook.js';
export type { Received, Webhook } from './webhook.js';
export { follow } from './stream.js';
export type { ServerEvent } from './stream.js';
