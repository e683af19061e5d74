import { EncodeError } from './error.js';

/**
 * How a parameter's value is laid out as text; `json` stands for parameters with `content`, `whole`
 * for JSON that is the whole query string.
 */
export type Style =
  | 'simple'
  | 'label'
  | 'matrix'
  | 'form'
  | 'cookie'
  | 'spaceDelimited'
  | 'pipeDelimited'
  | 'deepObject'
  | 'json'
  | 'whole';

/** Descriptor of one parameter. */
export interface Parameter<Key extends string = string> {
  readonly in: 'path' | 'query' | 'header' | 'cookie';
  /** Name on the wire. */
  readonly name: string;
  /** Name in the request. */
  readonly key: Key;
  /** `form` in query and cookies, `simple` in path and headers, if left out. */
  readonly style?: Style;
  /** Whether elements and members stand for themselves; with `form` and `cookie`, if left out. */
  readonly explode?: boolean;
  /** Says that reserved characters are sent as they are (`allowReserved`). */
  readonly reserved?: true;
}

/** How members of a form are laid out (`encoding`), where it is not as usual. */
export interface Styles {
  readonly [name: string]: { readonly style?: Style; readonly explode?: boolean };
}

/** A name and a value, both percent-encoded. */
export type Pair = readonly [name: string, value: string];

/**
 * A query or cookie parameter as pairs, percent-encoded but for the style `cookie`. An absent value
 * gives no pair.
 */
export function encodePairs(parameter: Parameter, value: unknown): Pair[] {
  const found = pairs(parameter, value);
  if (parameter.style === 'cookie') {
    return found.map(([name, text]) => [bare(parameter, name), bare(parameter, text)]);
  }
  if (parameter.reserved !== true) return found;
  // A comma between elements must not look like one inside of them.
  const kept = isNested(value) ? /%(3A|2F|3F|40|21|24|27|28|29|2A|3B)/g : RESERVED;
  return found.map(([name, text]) => [name, text.replace(kept, decodeURIComponent)]);
}

/** A text of a cookie, not percent-encoded. A comma that was is inside of an element. */
function bare(parameter: Parameter, encoded: string): string {
  const text = decodeURIComponent(encoded);
  if (!encoded.includes('%2C') && /^[!#-:<-[\]-~]*$/.test(text)) return text;
  throw refuse(parameter.name, 'a cookie cannot hold it as it is');
}

/** Reserved characters (RFC 3986, 2.2) that end nothing in a query string. */
const RESERVED = /%(3A|2F|3F|40|21|24|27|28|29|2A|3B|2C)/g;

function pairs(parameter: Parameter, value: unknown): Pair[] {
  const style = parameter.style ?? 'form';
  const explode = parameter.explode ?? (style === 'form' || style === 'cookie');
  const name = percent(parameter.name);
  if (value === undefined) return [];
  if (style === 'json') return [[name, percent(json(value))]];
  if (style === 'whole') return [['', percent(json(value))]];
  if (value === null) return [];
  if (style === 'deepObject' && typeof value === 'object') return deep(name, value, parameter.name);
  const delimit = (text: string) => delimitable(parameter, text, style);
  if (Array.isArray(value)) {
    if (explode) return repeated(parameter.name, value, parameter.name);
    const items = scalars(parameter.name, value);
    return [[name, items.map(delimit).join(delimiter(style))]];
  }
  if (isObject(value)) {
    if (explode) {
      return Object.entries(value).flatMap(([key, item]) => repeated(key, item, parameter.name));
    }
    const flat = entries(parameter.name, value).flat().map(delimit);
    return [[name, flat.join(delimiter(style))]];
  }
  return [[name, percent(scalar(parameter.name, value))]];
}

/** A path or header parameter as text; path text is percent-encoded. Nothing where it is absent. */
export function encodeText(parameter: Parameter, value: unknown): string | undefined {
  const text = layOut(parameter, value);
  if (parameter.in === 'path') {
    if (text === undefined) throw refuse(parameter.name, 'it is missing');
    if (text === '') throw refuse(parameter.name, 'a path parameter cannot be empty');
    if (text === '.' || text === '..') {
      throw refuse(parameter.name, 'a path parameter cannot be `.` or `..`');
    }
  }
  return text;
}

/** A body of the media type `application/x-www-form-urlencoded`. */
export function encodeForm(body: unknown, styles: Styles = {}): string {
  if (!isObject(body)) throw new EncodeError('the body cannot be written as a form');
  const pairs = Object.entries(body).flatMap(([key, value]): Pair[] => {
    const layout = Object.hasOwn(styles, key) ? styles[key] : undefined;
    if (layout !== undefined && value === null) return [];
    if (layout !== undefined) return encodePairs({ in: 'query', name: key, key, ...layout }, value);
    return repeated(key, value, key);
  });
  return join(pairs, '&');
}

/** Pairs as one text. */
export function join(pairs: readonly Pair[], separator: string): string {
  // What has no name is the whole of a query string.
  const texts = pairs.map(([name, value]) => (name === '' ? value : `${name}=${value}`));
  return texts.join(separator);
}

/** Percent-encodes all but RFC 3986's unreserved characters. */
export function percent(text: string): string {
  const hex = (sign: string) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`;
  try {
    return encodeURIComponent(text).replace(/[!'()*]/g, hex);
  } catch {
    throw new EncodeError('a text holds half a character (an unpaired surrogate)');
  }
}

/** The text of a value, if it is no list and no object. */
export function scalar(name: string, value: unknown): string {
  if (isNested(value)) {
    throw refuse(name, "the parameter's style has no layout for nested values");
  }
  return value === null || value === undefined ? '' : String(value);
}

function layOut(parameter: Parameter, value: unknown): string | undefined {
  const { name, explode = false, style = 'simple' } = parameter;
  if (value === undefined) return undefined;
  if (style === 'json') return parameter.in === 'path' ? percent(json(value)) : json(value);
  if (value === null) return undefined;
  if (style === 'label') return `.${joined(parameter, value, '.')}`;
  if (style === 'matrix' && explode && isNested(value)) return `;${joined(parameter, value, ';')}`;
  if (style === 'matrix') {
    const text = joined(parameter, value, ',');
    return text === '' ? `;${name}` : `;${name}=${text}`;
  }
  return joined(parameter, value, ',');
}

/** Elements separated by `exploded`, or by commas where the parameter is not exploded. */
function joined(parameter: Parameter, value: unknown, exploded: string): string {
  const { name, explode = false } = parameter;
  const separator = explode ? exploded : ',';
  if (Array.isArray(value)) {
    const prefix = explode && parameter.style === 'matrix' ? `${name}=` : '';
    const items = scalars(name, value).map((item) => prefix + element(parameter, item));
    return items.join(separator);
  }
  if (isObject(value)) {
    const pairs = entries(name, value).map((pair) => pair.map((text) => element(parameter, text)));
    return pairs.map((pair) => pair.join(explode ? '=' : ',')).join(separator);
  }
  const text = scalar(name, value);
  return parameter.in === 'header' ? text : element(parameter, text);
}

/** One element of a path or header value. */
function element(parameter: Parameter, text: string): string {
  if (parameter.in !== 'header') {
    const encoded = percent(text);
    return parameter.style === 'label' ? encoded.replaceAll('.', '%2E') : encoded;
  }
  const keyed = parameter.explode === true && text.includes('=');
  if (text.trim() !== text || text.includes(',') || keyed) throw ambiguous(parameter.name);
  return text;
}

/**
 * A value under its name. A list of scalars repeats the name; OpenAPI says nothing of what nests
 * deeper, which is spelled with brackets.
 */
function repeated(name: string, value: unknown, of: string): Pair[] {
  if (!Array.isArray(value) || value.some(isNested)) return deep(percent(name), value, of);
  return scalars(of, value).map((item) => [percent(name), percent(item)]);
}

/** How many pairs of brackets a name may have. */
const BRACKETS = 15;

/** A value by its parts, each under the way to it; `of` is the parameter to speak of. */
function deep(name: string, value: unknown, of: string, left = BRACKETS): Pair[] {
  if (value === null || value === undefined) return [];
  if (isNested(value) && left === 0) throw refuse(of, 'it nests too deep');
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => {
      const found = deep(`${name}%5B${index}%5D`, item, of, left - 1);
      if (found.length > 0 || !isNested(item)) return found;
      throw refuse(of, 'a list holds an empty list or object');
    });
  }
  if (isObject(value)) {
    return Object.entries(value).flatMap(([key, item]) => {
      if (/[[\]]/.test(key)) throw ambiguous(of);
      return deep(`${name}%5B${percent(key)}%5D`, item, of, left - 1);
    });
  }
  return [[name, percent(scalar(of, value))]];
}

function entries(name: string, value: object): [string, string][] {
  const present = Object.entries(value).filter(([, item]) => isPresent(item));
  return present.map(([key, item]) => [key, scalar(name, item)]);
}

/** The elements as text. `null` has no text and is left out, as RFC 6570 does. */
function scalars(name: string, items: readonly unknown[]): string[] {
  return items.filter(isPresent).map((item) => scalar(name, item));
}

function delimiter(style: Style): string {
  if (style === 'spaceDelimited') return '%20';
  return style === 'pipeDelimited' ? '%7C' : ',';
}

/** Percent-encodes an element, unless that would make it look like two. */
function delimitable(parameter: Parameter, text: string, style: Style): string {
  const encoded = percent(text);
  const separator = delimiter(style);
  if (separator !== ',' && encoded.includes(separator)) throw ambiguous(parameter.name);
  return encoded;
}

function json(value: unknown): string {
  return JSON.stringify(value);
}

function isPresent(value: unknown): boolean {
  return value !== null && value !== undefined;
}

function isNested(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function ambiguous(name: string): EncodeError {
  return refuse(name, "an element holds the delimiter of the parameter's style");
}

function refuse(name: string, reason: string): EncodeError {
  return new EncodeError(`parameter \`${name}\` cannot be sent: ${reason}`);
}
