// What the compiler must accept and refuse. Checked by `npm run check`; never run.
import type { CallOptions, Channel, Listing, Open } from '../src/runtime/index.js';
import type { Operation, Paged } from '../src/runtime/index.js';
import { connect, Core, isApiError, isProblem } from '../src/runtime/index.js';

interface GetPetRequest {
  petId: number;
}
type GetPetResponse =
  | { status: 200; body: { name: string; mood: Open<'calm' | 'wild'> } }
  | { status: 202; location: string };
type GetPetProblem = 'not-found' | 'asleep';
type GetPetError = { status: 404; body: { reason: string } } | { status: 410 };

const GET_PET: Operation<GetPetRequest, GetPetResponse> = {
  id: 'getPet',
  method: 'GET',
  path: '/pets/{petId}',
  parameters: [{ in: 'path', name: 'petId', key: 'petId' }],
  responses: {
    200: { body: 'json' },
    202: { headers: [{ name: 'Location', key: 'location', required: true }] },
  },
};

const MISSPELT: Operation<GetPetRequest, GetPetResponse> = {
  ...GET_PET,
  // @ts-expect-error the request has no such member
  parameters: [{ in: 'path', name: 'petId', key: 'pet' }],
};

function getPet(core: Core, request: GetPetRequest, options?: CallOptions) {
  return core.call(GET_PET, request, options);
}

export async function responses(core: Core): Promise<string> {
  // @ts-expect-error a path parameter cannot be left out
  await getPet(core, {});
  const response = await getPet(core, { petId: 1 }, { timeoutMs: 5_000 });
  if (response.status === 202) return response.location;
  // @ts-expect-error only the other status has a location
  response.location;
  switch (response.body.mood) {
    case 'calm':
      return 'calm';
    default:
      return response.body.mood;
  }
}

export function errors(error: unknown): string {
  // @ts-expect-error the operation documents no such code
  isProblem<GetPetProblem>(error, 'awake');
  if (isProblem(error, 'asleep')) return error.problem.code satisfies 'asleep';
  if (isProblem<GetPetProblem>(error)) {
    switch (error.problem.code) {
      case 'asleep':
      case 'not-found':
        return error.problem.title;
      default:
        return error.problem.code satisfies never;
    }
  }
  if (isApiError<GetPetError>(error) && error.response.status === 404) {
    return error.response.body.reason;
  }
  return MISSPELT.id;
}

type Page = { status: 200; body: { items: { name: string }[]; nextCursor?: string | null } };

declare const LIST_PETS: Paged<{ cursor?: string }, Page, { name: string }, string>;

export async function pages(core: Core): Promise<string[]> {
  const listing: Listing<Page, { name: string }> = core.list(LIST_PETS, {});
  const first = (await listing).body.items[0]?.name ?? '';
  const names = [first];
  for await (const pet of listing) names.push(pet.name);
  for await (const page of listing.pages()) names.push(...page.map((pet) => pet.name));
  return names;
}

type Said = { type: 'said'; text: string } | { type: 'left' };

const ROOM: Channel<{ after?: string }, { type: 'say'; text: string }, Said> = {
  id: 'room',
  path: '/room',
  parameters: [{ in: 'query', name: 'after', key: 'after' }],
  // @ts-expect-error no message of the server is text
  receives: ['text'],
};

export async function sockets(core: Core): Promise<string[]> {
  const room = connect(core, ROOM, {}, {
    resume: (request, last) => ({ ...request, after: last.type }),
  });
  // @ts-expect-error the server takes no such message
  await room.send({ type: 'left' });
  await room.send({ type: 'say', text: 'hello' });
  const texts: string[] = [];
  for await (const message of room) if (message.type === 'said') texts.push(message.text);
  return texts;
}
