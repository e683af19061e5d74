import assert from 'node:assert/strict';
import test from 'node:test';
import { encodeForm, encodePairs, encodeText, join } from '../dist/runtime/parameters.js';

const COLOUR = 'blue';
const LIST = ['blue', 'black', 'brown'];
const OBJECT = { R: 100, G: 200, B: 150 };

/** The style table of OpenAPI 3.1 (Parameter Object, "Style Examples"). */
const TABLE = [
  ['path', 'matrix', false, ';color=blue', ';color=blue,black,brown', ';color=R,100,G,200,B,150'],
  [
    'path', 'matrix', true,
    ';color=blue', ';color=blue;color=black;color=brown', ';R=100;G=200;B=150',
  ],
  ['path', 'label', false, '.blue', '.blue,black,brown', '.R,100,G,200,B,150'],
  ['path', 'label', true, '.blue', '.blue.black.brown', '.R=100.G=200.B=150'],
  ['path', 'simple', false, 'blue', 'blue,black,brown', 'R,100,G,200,B,150'],
  ['header', 'simple', true, 'blue', 'blue,black,brown', 'R=100,G=200,B=150'],
  ['query', 'form', false, 'color=blue', 'color=blue,black,brown', 'color=R,100,G,200,B,150'],
  ['query', 'form', true, 'color=blue', 'color=blue&color=black&color=brown', 'R=100&G=200&B=150'],
  [
    'query', 'spaceDelimited', false,
    'color=blue', 'color=blue%20black%20brown', 'color=R%20100%20G%20200%20B%20150',
  ],
  [
    'query', 'pipeDelimited', false,
    'color=blue', 'color=blue%7Cblack%7Cbrown', 'color=R%7C100%7CG%7C200%7CB%7C150',
  ],
];

for (const [place, style, explode, ...expected] of TABLE) {
  test(`${place} ${style} ${explode ? 'exploded' : 'joined'}`, () => {
    const parameter = { in: place, name: 'color', key: 'color', style, explode };
    const encode = (value) =>
      place === 'query' ? join(encodePairs(parameter, value), '&') : encodeText(parameter, value);
    assert.deepEqual([COLOUR, LIST, OBJECT].map(encode), expected);
  });
}

const query = (name, more) => ({ in: 'query', name, key: name, ...more });
const path = { in: 'path', name: 'id', key: 'id' };

test('deepObject nests', () => {
  const value = { a: 1, b: { c: ['x', 'y'] }, none: null };
  const pairs = encodePairs(query('f', { style: 'deepObject' }), value);
  assert.equal(join(pairs, '&'), 'f%5Ba%5D=1&f%5Bb%5D%5Bc%5D%5B0%5D=x&f%5Bb%5D%5Bc%5D%5B1%5D=y');
});

test('what nests deeper than its style is spelled with brackets', () => {
  const text = (parameter, value) => decodeURIComponent(join(encodePairs(parameter, value), '&'));
  const sorts = [{ by: 'age', down: true }, { by: 'name' }];
  assert.equal(text(query('sort'), sorts), 'sort[0][by]=age&sort[0][down]=true&sort[1][by]=name');
  const filter = { age: { gte: 3 }, name: ['a', 'b'], top: 1 };
  assert.equal(text(query('filter'), filter), 'age[gte]=3&name=a&name=b&top=1');
  const deep = query('filter', { style: 'deepObject' });
  const spelled = 'filter[age][gte]=3&filter[name][0]=a&filter[name][1]=b&filter[top]=1';
  assert.equal(text(deep, filter), spelled);
  const refused = { name: 'EncodeError' };
  assert.throws(() => encodePairs(query('sort'), [{}, { by: 'name' }]), refused);
  assert.throws(() => encodePairs(query('sort'), [{ 'a[b]': 1 }]), refused);
  assert.throws(() => encodePairs(query('q', { explode: false }), [[1]]), refused);
});

test('cookies of their own style are not percent-encoded', () => {
  const cookie = { in: 'cookie', name: 'c', key: 'c', style: 'cookie' };
  assert.equal(join(encodePairs(cookie, 'a/b%20=c'), '; '), 'c=a/b%20=c');
  assert.equal(join(encodePairs(cookie, ['a', 'b']), '; '), 'c=a; c=b');
  assert.equal(join(encodePairs({ ...cookie, explode: false }, ['a', 'b']), '; '), 'c=a,b');
  for (const value of ['a b', 'a;b', 'a,b', '"a"', 'é']) {
    assert.throws(() => encodePairs(cookie, value), { name: 'EncodeError' });
  }
});

test('what is absent is not sent', () => {
  assert.deepEqual(encodePairs(query('q'), undefined), []);
  assert.deepEqual(encodePairs(query('q'), null), []);
  assert.deepEqual(encodePairs(query('q'), []), []);
  assert.equal(encodeText({ in: 'header', name: 'H', key: 'h' }, undefined), undefined);
});

test('separators inside values are told apart from separators', () => {
  assert.equal(join(encodePairs(query('q', { explode: false }), ['a,b', 'c']), '&'), 'q=a%2Cb,c');
  const piped = query('q', { style: 'pipeDelimited' });
  assert.throws(() => encodePairs(piped, ['a|b', 'c']), { name: 'EncodeError' });
  const header = { in: 'header', name: 'H', key: 'h' };
  assert.throws(() => encodeText(header, ['a,b']), { name: 'EncodeError' });
});

test('path parameters cannot change the path', () => {
  assert.equal(encodeText(path, 'a/b?c#d%'), 'a%2Fb%3Fc%23d%25');
  for (const value of ['', '.', '..', undefined, null]) {
    assert.throws(() => encodeText(path, value), { name: 'EncodeError' });
  }
});

test('parameters with content are JSON', () => {
  const whole = join(encodePairs(query('q', { style: 'whole' }), { a: ['1&1=2'] }), '&');
  assert.equal(whole, '%7B%22a%22%3A%5B%221%261%3D2%22%5D%7D');
  const pairs = encodePairs(query('q', { style: 'json' }), { a: [1] });
  assert.equal(join(pairs, '&'), 'q=%7B%22a%22%3A%5B1%5D%7D');
});

test('forms repeat lists and nest objects', () => {
  const form = encodeForm({ grant_type: 'a b', scope: ['x', 'y'], o: { k: 'v' }, none: undefined });
  assert.equal(form, 'grant_type=a%20b&scope=x&scope=y&o%5Bk%5D=v');
});

test('nested values have no layout in one text that is not JSON', () => {
  assert.throws(() => encodeText(path, [{ a: 1 }]), { name: 'EncodeError' });
});

test('members of a form are laid out as their encoding says', () => {
  const styles = {
    expand: { style: 'deepObject', explode: true },
    ids: { explode: false },
    meta: { style: 'json' },
    none: { style: 'json' },
  };
  const body = { expand: ['a', 'b'], ids: [1, 2], meta: { n: 1 }, none: null, rest: ['x'] };
  const expected = 'expand%5B0%5D=a&expand%5B1%5D=b&ids=1,2&meta=%7B%22n%22%3A1%7D&rest=x';
  assert.equal(encodeForm(body, styles), expected);
});

test('reserved characters stay where the contract allows them', () => {
  const url = { in: 'query', name: 'url', key: 'url', reserved: true };
  const written = encodePairs(url, 'http://a/b?c=d&e,f+g');
  assert.deepEqual(written, [['url', 'http://a/b?c%3Dd%26e,f%2Bg']]);
  const list = encodePairs({ ...url, explode: false }, ['a,b', 'c:d']);
  assert.deepEqual(list, [['url', 'a%2Cb,c:d']]);
});
