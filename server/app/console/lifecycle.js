// A lifecycle as the contract states it (`x-lifecycle`), drawn with the current state lit.

const SVG = 'http://www.w3.org/2000/svg';
const BOX = { width: 96, height: 34 };
const GAP = { across: 62, down: 26 };
/** Room above and below for moves that pass over a column. */
const ARCH = 34;

/** The lifecycle of the first schema that has one. */
export function lifecycleOf(contract) {
  const schemas = Object.values(contract.components?.schemas ?? {});
  return schemas.find((schema) => schema['x-lifecycle'])?.['x-lifecycle'];
}

/** Draws it; `visited` are the states a thing has been in, the current one last. */
export function draw({ initial, transitions }, visited) {
  const places = placed(initial, transitions);
  const all = [...places.values()];
  const width = Math.max(...all.map(({ x }) => x)) + BOX.width / 2 + 4;
  const lines = Object.entries(transitions)
    .flatMap(([from, targets]) => targets.map((to) => [places.get(from), places.get(to)]));
  const isBelow = lines.some(([from, to]) => isFar(from, to) && to.y > from.y);
  const height = Math.max(...all.map(({ y }) => y)) + BOX.height / 2 + (isBelow ? ARCH : 4);
  const current = visited.at(-1);
  const root = element('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img' });
  const title = element('title');
  title.textContent = current ? `The call is ${current}` : 'The states of a call';
  root.append(title);
  const moves = new Set(visited.slice(1).map((state, index) => `${visited[index]} ${state}`));
  for (const [from, targets] of Object.entries(transitions)) {
    for (const to of targets) {
      const isBoth = transitions[to]?.includes(from);
      const isPassed = moves.has(`${from} ${to}`);
      root.append(move(places.get(from), places.get(to), { isBoth, isPassed, height }));
    }
  }
  for (const [name, { x, y }] of places) {
    const passed = visited.includes(name) ? ' passed' : '';
    const kind = name === current ? ' current' : passed;
    const group = element('g', { class: `state${kind}`, 'data-state': name });
    const left = { x: x - BOX.width / 2, y: y - BOX.height / 2 };
    group.append(element('rect', { ...left, ...BOX, rx: 8 }));
    const label = element('text', { x, y: y + 4.5 });
    label.textContent = name;
    group.append(label);
    root.append(group);
  }
  return root;
}

/** Whether a move passes over a column. */
function isFar(from, to) {
  return Math.abs(to.column - from.column) > 1;
}

/**
 * Columns by the fewest steps from the beginning, but where things end last; rows as found, but
 * what is reached over a column at the top and the bottom by turns.
 */
function placed(initial, transitions) {
  const columns = new Map([[initial, 0]]);
  const queue = [initial];
  for (const state of queue) {
    for (const next of transitions[state] ?? []) {
      if (columns.has(next)) continue;
      columns.set(next, columns.get(state) + 1);
      queue.push(next);
    }
  }
  const last = Math.max(...columns.values());
  const rows = [];
  for (const [state, column] of columns) {
    const isEnd = (transitions[state] ?? []).length === 0;
    (rows[isEnd ? last : column] ??= []).push(state);
  }
  const columnOf = new Map(rows.flatMap((states, column) => states.map((it) => [it, column])));
  const isReachedOver = (state) => Object.entries(transitions).some(([from, targets]) =>
    targets.includes(state) && columnOf.get(state) - columnOf.get(from) > 1);
  rows.forEach((states, column) => {
    const far = states.filter(isReachedOver);
    const near = states.filter((state) => !far.includes(state));
    const [top, bottom] = [0, 1].map((turn) => far.filter((_, index) => index % 2 === turn));
    rows[column] = [...top, ...near, ...bottom.reverse()];
  });
  const tallest = Math.max(...rows.map((states) => states.length));
  const places = new Map();
  rows.forEach((states, column) => {
    const skipped = (tallest - states.length) / 2;
    states.forEach((state, row) => {
      const x = 4 + BOX.width / 2 + column * (BOX.width + GAP.across);
      const y = ARCH + BOX.height / 2 + (row + skipped) * (BOX.height + GAP.down);
      places.set(state, { x, y, column });
    });
  });
  return places;
}

function move(from, to, { isBoth, isPassed, height }) {
  const way = Math.sign(to.column - from.column);
  const { path, end, turn } = isFar(from, to)
    ? over(from, to, height)
    : beside(from, to, way, isBoth ? 7 * (way || 1) : 0);
  const passed = isPassed ? ' passed' : '';
  const group = element('g');
  group.append(element('path', { class: `move${passed}`, d: path }));
  group.append(element('path', { class: `tip${passed}`, d: tip(end, turn) }));
  return group;
}

/** An arch over the columns between, or under them to what is lower. */
function over(from, to, height) {
  const side = to.y > from.y ? 1 : -1;
  const start = { x: from.x, y: from.y + (side * BOX.height) / 2 };
  const end = { x: to.x, y: to.y + side * (BOX.height / 2 + 7) };
  /** From the edge that the arch comes near. */
  const away = (y) => (side > 0 ? height - y : y);
  const crest = away(2 * 8 - Math.min(away(start.y), away(end.y)));
  const path = `M${start.x},${start.y} C${start.x},${crest} ${end.x},${crest} ${end.x},${end.y}`;
  return { path, end, turn: { x: 0, y: -side } };
}

/** To the next column, or to another row of the same. */
function beside(from, to, way, lift) {
  if (way === 0) {
    const down = Math.sign(to.y - from.y);
    const start = { x: from.x, y: from.y + (down * BOX.height) / 2 };
    const end = { x: to.x, y: to.y - down * (BOX.height / 2 + 7) };
    return { path: `M${start.x},${start.y} L${end.x},${end.y}`, end, turn: { x: 0, y: down } };
  }
  const start = { x: from.x + (way * BOX.width) / 2, y: from.y + lift };
  const end = { x: to.x - way * (BOX.width / 2 + 7), y: to.y + lift };
  const bend = (start.x + end.x) / 2;
  const path = `M${start.x},${start.y} C${bend},${start.y} ${bend},${end.y} ${end.x},${end.y}`;
  return { path, end, turn: { x: way, y: 0 } };
}

/** An arrow's head of seven units at the end of a line that goes along `turn`. */
function tip({ x, y }, turn) {
  const side = { x: 5 * turn.y, y: 5 * turn.x };
  const point = `${x + 7 * turn.x},${y + 7 * turn.y}`;
  return `M${x - side.x},${y - side.y} L${point} L${x + side.x},${y + side.y} Z`;
}

function element(name, attributes = {}) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
