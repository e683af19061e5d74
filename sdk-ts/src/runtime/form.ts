import { headed } from './binary.js';
import { DecodeError } from './error.js';
import type { FormMembers, FormValue } from './operation.js';
import type { Part } from './parts.js';

/** Reads a form (`application/x-www-form-urlencoded`) that has arrived whole. */
export function readForm(text: string, members: FormMembers = {}): object {
  const given = [...new URLSearchParams(text)];
  return gathered(given, members, (name, value, type) => fromText(name, value, type));
}

/** Reads the parts of a `multipart/form-data` body. */
export function readParts(parts: readonly Part[], members: FormMembers = {}): object {
  const given = parts.map((part): [string, Part] => [disposition(part, 'name') ?? '', part]);
  return gathered(given, members, (name, part, type) =>
    type === 'file' ? file(part) : fromText(name, utf8(name, part), type),
  );
}

/** Members by name: of a list each that is given, else the only one. */
function gathered<Given>(
  given: readonly (readonly [string, Given])[],
  members: FormMembers,
  read: (name: string, value: Given, type: FormValue) => unknown,
): object {
  const found = new Map<string, unknown>();
  for (const [name, value] of given) {
    const type = Object.hasOwn(members, name) ? (members[name] ?? 'text') : 'text';
    if (!isListed(type)) {
      if (found.has(name)) throw new DecodeError(`member \`${name}\` is given more than once`);
      found.set(name, read(name, value, type));
      continue;
    }
    const item = read(name, value, type.slice(0, -2) as FormValue);
    const items = found.get(name);
    if (Array.isArray(items)) items.push(item);
    else found.set(name, [item]);
  }
  return Object.fromEntries(found);
}

function isListed(type: FormValue | `${FormValue}[]`): type is `${FormValue}[]` {
  return type.endsWith('[]');
}

function fromText(name: string, text: string, type: FormValue): unknown {
  switch (type) {
    case 'text':
    case 'file':
      return text;
    case 'boolean':
      if (text === 'true' || text === 'false') return text === 'true';
      break;
    case 'number': {
      const number = Number(text);
      if (text.trim() !== '' && !Number.isNaN(number)) return number;
      break;
    }
    case 'json':
      try {
        return JSON.parse(text);
      } catch {
        break;
      }
  }
  throw new DecodeError(`member \`${name}\` does not have the documented type`);
}

function utf8(name: string, part: Part): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(part.content);
  } catch {
    throw new DecodeError(`member \`${name}\` is not UTF-8 text`);
  }
}

/** A file with what its part says of it. */
function file(part: Part): Blob {
  const type = part.headers['content-type'] ?? '';
  const name = disposition(part, 'filename');
  const bytes = [part.content];
  const content = name === undefined ? new Blob(bytes, { type }) : new File(bytes, name, { type });
  const own = ['content-disposition', 'content-type'];
  const others = Object.entries(part.headers).filter(([header]) => !own.includes(header));
  return others.length === 0 ? content : headed(content, Object.fromEntries(others));
}

/** A parameter of the disposition of a part (RFC 7578, 4.2). */
function disposition(part: Part, parameter: string): string | undefined {
  const given = part.headers['content-disposition'] ?? '';
  const found = [...given.matchAll(/;\s*([\w*]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^;]*))/g)];
  const match = found.find(([, name]) => name?.toLowerCase() === parameter);
  const quoted = match?.[2]?.replaceAll('\\"', '"').replaceAll('%22', '"');
  return quoted ?? match?.[3]?.trim();
}
