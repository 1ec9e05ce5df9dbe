import type { ImageStatus } from '../../lifecycle/status.ts';

/** How an image stands with a root. */
export type State =
  | 'pinned'
  /** Present, and nothing to pin it with: an OCI artifact. */
  | 'present'
  | 'provided'
  /** Downloaded; its engine takes it at the boot. */
  | 'waits'
  /** Present, but without its pin, or under another name or digest than the root needs. */
  | 'loose'
  | 'missing'
  /** An engine, a store or a registry could not tell. */
  | 'unknown'
  /** Named by the root, and not needed. */
  | 'unbound';

interface Words {
  /** A character of any font, beside the word: colour and shape say the same. */
  readonly symbol: string;
  readonly word: string;
  readonly meaning: string;
}

/** All states, the worst first. */
export const states: Readonly<Record<State, Words>> = {
  missing: { symbol: '✗', word: 'missing', meaning: 'the root needs it and it is not there' },
  loose: {
    symbol: '!',
    word: 'at risk',
    meaning: 'there, but without its pin, or not under the name or digest that the root needs',
  },
  unknown: { symbol: '?', word: 'not known', meaning: 'an engine or a store could not tell' },
  waits: { symbol: '↓', word: 'waits', meaning: 'downloaded; not in its engine yet' },
  present: { symbol: '◆', word: 'present', meaning: 'there; nothing pins an artifact' },
  provided: {
    symbol: '◇',
    word: 'provided',
    meaning: 'in a read-only store, or in an archive of the root',
  },
  pinned: { symbol: '✓', word: 'pinned', meaning: 'there, and held for the root' },
  unbound: { symbol: '–', word: 'not bound', meaning: 'named by the root, and not kept for it' },
};

/** The order in which states are listed. */
export const order: readonly State[] = [
  'missing',
  'loose',
  'unknown',
  'waits',
  'present',
  'provided',
  'pinned',
  'unbound',
];

/** Whether a root with an image in this state lacks something. */
export function isTrouble(state: State): boolean {
  return state === 'missing' || state === 'loose' || state === 'unknown';
}

/** The state of an image for which `berth status` has this status. */
export function stateOf(status: ImageStatus['state'], isArtifact: boolean): State {
  switch (status) {
    case 'ready':
      return isArtifact ? 'present' : 'pinned';
    case 'provided':
      return 'provided';
    case 'waiting':
    case 'not-unpacked':
    case 'waits-for-engine':
      return 'waits';
    case 'pin-missing':
    case 'name-missing':
    case 'name-moved':
    case 'digest-missing':
    case 'archive-changed':
      return 'loose';
    case 'image-missing':
    case 'unresolved':
      return 'missing';
    default:
      return 'unknown';
  }
}
