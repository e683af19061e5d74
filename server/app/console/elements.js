// Elements, made so that a text is a text whatever it holds.

/** `make('li', { class: 'x' }, 'text', otherElement)`; functions become listeners of `on…`. */
export function make(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(key.replace(/^on/u, ''), value);
    else if (value !== undefined && value !== false) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== undefined && child !== ''));
  return made;
}

/** Draws what is in `place` anew; who was at something of the same `data-key` is there again. */
export function keepFocus(place, draw) {
  const key = place.contains(document.activeElement) && document.activeElement.dataset.key;
  draw();
  if (!key) return;
  const same = [...place.querySelectorAll('[data-key]')].find((it) => it.dataset.key === key);
  same?.focus({ preventScroll: true });
}

export function pill(status) {
  return make('span', { class: 'pill', 'data-status': status }, status);
}

/** `<dl>` of what there is. */
export function facts(pairs) {
  const list = make('dl');
  for (const [term, value] of pairs) {
    if (value === undefined || value === null || value === '') continue;
    list.append(make('dt', {}, term), make('dd', {}, value));
  }
  return list;
}

const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const CALENDAR = new Intl.DateTimeFormat(undefined, { dateStyle: 'short', timeStyle: 'medium' });

export function time(text) {
  const at = new Date(text);
  const isToday = at.toDateString() === new Date().toDateString();
  return make('time', { datetime: text, title: text }, (isToday ? CLOCK : CALENDAR).format(at));
}

/** Says in a line of its own what came of something. */
export function say(line, text, isBad = false) {
  line.textContent = text;
  line.dataset.kind = isBad ? 'bad' : 'good';
}

/** A time that passed, in its largest unit. */
export function span(milliseconds) {
  const units = [[86_400_000, 'd'], [3_600_000, 'h'], [60_000, 'min'], [1000, 's']];
  const [size, unit] = units.find(([size]) => milliseconds >= size) ?? [1, 'ms'];
  return `${Math.round((10 * milliseconds) / size) / 10} ${unit}`;
}
