import type { Labels } from '../../pins/labels.ts';

/** In bytes, of a label with its value: containerd refuses more (`labels.Validate`). */
const MAX_LABEL = 4096;

/** The most parts of one text: 1 MiB, as long as a label of a pin may be. */
const MAX_PARTS = 300;

/** The labels of a pin as those of a lease: a long text is cut into `LABEL.0`, `LABEL.1` … */
export function toLease(labels: Labels): Record<string, string> {
  return Object.fromEntries(
    Object.entries(labels).flatMap(([label, text]) => {
      const [first = '', ...more] = partsOf(text, MAX_LABEL - label.length - 8);
      if (more.length === 0) return [[label, first]];
      return [first, ...more].map((part, index) => [`${label}.${index}`, part]);
    }),
  );
}

/** The reverse of `toLease`. */
export function fromLease(labels: Labels): Record<string, string> {
  const whole: Record<string, string> = {};
  for (const [label, text] of Object.entries(labels)) {
    const [, name, index] = /^(.+)\.(\d{1,3})$/.exec(label) ?? [];
    if (name === undefined) whole[label] = text;
    else if (index === '0') whole[name] = joined(labels, name);
  }
  return whole;
}

function joined(labels: Labels, name: string): string {
  const parts: string[] = [];
  for (let index = 0; index < MAX_PARTS; index++) {
    const part = labels[`${name}.${index}`];
    if (part === undefined) break;
    parts.push(part);
  }
  return parts.join('');
}

/** Parts of at most so many bytes, none of which cuts a character. */
function partsOf(text: string, bytes: number): readonly string[] {
  const encoded = Buffer.from(text);
  const parts: string[] = [];
  let start = 0;
  while (encoded.length - start > bytes) {
    let end = start + bytes;
    while (isInside(encoded[end])) end--;
    parts.push(encoded.toString('utf8', start, end));
    start = end;
  }
  return [...parts, encoded.toString('utf8', start)];
}

/** Whether a byte of UTF-8 continues a character. */
function isInside(byte = 0): boolean {
  return (byte & 0xc0) === 0x80;
}
