import type { PullPolicy } from '../reference.ts';
import type { Player } from './pull-policy.ts';
import { type LineFault, present, type Value } from './value.ts';

/** The most containers and volumes in a file; aliases could repeat them over and over. */
const maxImages = 10_000;
const maxFaults = 1_000;

/** Collects the images and faults of one file of manifests, within limits. */
export class Findings implements WorkloadImages {
  readonly player: Player;
  readonly images: KubeImage[] = [];
  readonly faults: LineFault[];
  /** The objects seen so far: aliases can also repeat objects that name no image. */
  #steps = 0;
  isFull = false;

  constructor(player: Player, faults: readonly LineFault[]) {
    this.player = player;
    this.faults = [...faults];
  }

  /**
   * Counts an object that aliases can repeat.
   *
   * @returns false once the limit is exceeded.
   */
  step(line: number): boolean {
    if (++this.#steps <= maxImages) return true;
    if (!this.isFull) {
      this.isFull = true;
      this.faults.push({
        code: 'too-large',
        line,
        message: `expected at most ${maxImages} containers and volumes in a file of manifests, found more`,
        hint: 'split the file; everything after the limit is ignored',
      });
    }
    return false;
  }

  /** @param policy returns undefined if the player refuses the policy as written. */
  image(value: Value, key: string, policy: (raw: string) => PullPolicy | undefined): void {
    const raw = value.kind === 'scalar' ? value.value : undefined;
    if (typeof raw !== 'string' || raw === '') {
      this.malformed(value.line, key, 'the name of an image');
      return;
    }
    const found = policy(raw);
    if (found === undefined) {
      this.malformed(value.line, key, 'an image with Always, IfNotPresent or Never as pull policy');
    }
    this.images.push({ raw, line: value.line, key, policy: found ?? 'missing' });
  }

  malformed(line: number, key: string, expected: string): void {
    const where = key === '' ? 'as a document' : `at ${key.replace(/\.$/, '').slice(0, 200)}`;
    this.fault('kube-manifest', line, {
      message: `expected ${expected} ${where}, found something else`,
      hint: 'correct the manifest; it is refused as it is',
    });
  }

  fault(
    code: 'kube-kind' | 'kube-manifest' | 'kube-unread',
    line: number,
    { message, hint }: { readonly message: string; readonly hint: string },
  ): void {
    if (this.faults.length < maxFaults) this.faults.push({ code, line, message, hint });
  }
}

export type MapValue = Extract<Value, { kind: 'map' }>;
export type ListValue = Extract<Value, { kind: 'list' }>;

/** The value as a map; undefined if it is missing or, with a fault, if it is anything else. */
export function optionalMap(
  value: Value | undefined,
  key: string,
  findings: Findings,
): MapValue | undefined {
  const there = present(value);
  if (there === undefined || there.kind === 'map') return there;
  findings.malformed(there.line, key, 'a map');
  return undefined;
}

/** The value as a list; undefined if it is missing or, with a fault, if it is anything else. */
export function optionalList(
  value: Value | undefined,
  key: string,
  findings: Findings,
): ListValue | undefined {
  const there = present(value);
  if (there === undefined || there.kind === 'list') return there;
  findings.malformed(there.line, key, 'a list');
  return undefined;
}

/** The annotations of an object, by name. */
export interface Annotations {
  readonly entries: ReadonlyMap<string, Value>;
  /** Their path in the document: `metadata.annotations`. */
  readonly key: string;
}

/** `metadata.annotations` of an object. */
export function annotations(
  object: Value,
  path: string,
  findings: Findings,
): Annotations | undefined {
  if (object.kind !== 'map') return undefined;
  const metadata = optionalMap(object.entries.get('metadata'), `${path}metadata`, findings);
  const key = `${path}metadata.annotations`;
  const found = optionalMap(metadata?.entries.get('annotations'), key, findings);
  return found === undefined ? undefined : { entries: found.entries, key };
}

/** An image that a manifest names. */
export interface KubeImage {
  readonly raw: string;
  /** The line of the value, 1-based. */
  readonly line: number;
  /** The path of the value in the document: `spec.containers[0].image`. */
  readonly key: string;
  readonly policy: PullPolicy;
}

export interface WorkloadImages {
  readonly images: readonly KubeImage[];
  readonly faults: readonly LineFault[];
}
