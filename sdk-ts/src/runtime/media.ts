/** Whether a media type (or a range such as `text/*`) covers the given one, parameters aside. */
export function covers(media: string, given: string): boolean {
  return breadth(media, given) !== undefined;
}

/** How widely a range that covers the given media type reaches: nothing if it does not cover it. */
export function breadth(media: string, given: string): number | undefined {
  const [range, essence] = [bare(media), bare(given)];
  if (range === essence) return 0;
  if (range === '*/*' || range === '*') return 3;
  const star = range.indexOf('*');
  if (star < 0 || !essence.startsWith(range.slice(0, star))) return undefined;
  const suffix = range.slice(star + 1);
  if (!essence.endsWith(suffix)) return undefined;
  return suffix === '' ? 2 : 1;
}

/** A media type in lower case and without parameters. */
export function bare(media: string): string {
  return (media.split(';')[0] ?? '').trim().toLowerCase();
}
