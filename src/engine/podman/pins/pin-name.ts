import { createHash, randomBytes } from 'node:crypto';

const PIN = 'berth-pin';
const POD = 'berth';

/**
 * A new name for a pin's container. It was never used before, because a container that podman's database
 * has lost may still occupy a name. The name tells people who list containers what the container is for.
 */
export function newPinName(root: string): string {
  return `${prefix(PIN, root)}${randomBytes(6).toString('hex')}`;
}

/** A new name for a pod of pins. Two processes that stage the same root at once may each make a pod. */
export function newPodName(root: string): string {
  return `${prefix(POD, root)}${randomBytes(6).toString('hex')}`;
}

/** Whether the name is a pin's, and of this root if one is given. */
export function isPinName(name: string, root?: string): boolean {
  return root === undefined
    ? /^berth-pin(?:-[a-z0-9]+)*-[0-9a-f]{12}-[0-9a-f]{12}$/.test(name)
    : isNameOf(PIN, root, name);
}

/** Whether the name is that of a pod for pins of this root. */
export function isPodName(name: string, root: string): boolean {
  return isNameOf(POD, root, name);
}

function isNameOf(kind: string, root: string, name: string): boolean {
  const start = prefix(kind, root);
  return name.startsWith(start) && /^[0-9a-f]{12}$/.test(name.slice(start.length));
}

/** The readable part of an id is cut short; the hash distinguishes ids that then look alike. */
function prefix(kind: string, root: string): string {
  const readable = root
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 24);
  const hash = createHash('sha256').update(root).digest('hex').slice(0, 12);
  return [kind, ...readable.split('-').filter((part) => part !== ''), hash, ''].join('-');
}
