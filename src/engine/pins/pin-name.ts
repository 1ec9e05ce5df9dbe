import { createHash, randomBytes } from 'node:crypto';

const PIN = 'berth-pin';

/**
 * A new name for a pin's container. It was never used before, because a container that podman's database
 * has lost may still occupy a name. The name tells people who list containers what the container is for.
 */
export function newPinName(root: string): string {
  return newName(PIN, root);
}

/** Whether the name is a pin's, and of this root if one is given. */
export function isPinName(name: string, root?: string): boolean {
  return root === undefined
    ? /^berth-pin(?:-[a-z0-9]+)*-[0-9a-f]{12}-[0-9a-f]{12}$/.test(name)
    : isNameOf(PIN, root, name);
}

/** A new name that begins with a word and tells the root. */
export function newName(word: string, root: string): string {
  return `${prefix(word, root)}${randomBytes(6).toString('hex')}`;
}

/** Whether `newName` makes such names of this word and root. */
export function isNameOf(word: string, root: string, name: string): boolean {
  const start = prefix(word, root);
  return name.startsWith(start) && /^[0-9a-f]{12}$/.test(name.slice(start.length));
}

function prefix(word: string, root: string): string {
  const part = parts.get(root) ?? partOf(root);
  if (parts.size >= MOST_PARTS) parts.clear();
  parts.set(root, part);
  return `${word}-${part}-`;
}

/** The parts of names by root: an engine lists the pins of a few roots, each many times. */
const parts = new Map<string, string>();

const MOST_PARTS = 1000;

/** The readable part of an id is cut short; the hash distinguishes ids that then look alike. */
function partOf(root: string): string {
  const readable = root
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 24);
  const hash = createHash('sha256').update(root).digest('hex').slice(0, 12);
  return [...readable.split('-').filter((part) => part !== ''), hash].join('-');
}
