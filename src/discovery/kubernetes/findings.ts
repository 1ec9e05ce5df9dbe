import type { PullPolicy } from '../reference.ts';
import type { Player } from './pull-policy.ts';
import type { LineFault, Value } from './value.ts';

/** More than any file of manifests names; aliases could name them over and over. */
const maxImages = 10_000;
const maxFaults = 1_000;

/** What is found in one file, within bounds. */
export class Findings implements WorkloadImages {
  readonly player: Player;
  readonly images: KubeImage[] = [];
  readonly faults: LineFault[];
  /** Aliases can also repeat what names nothing, so steps are counted, not only images. */
  #steps = 0;
  isFull = false;

  constructor(player: Player, faults: readonly LineFault[]) {
    this.player = player;
    this.faults = [...faults];
  }

  /** To be called for whatever can be repeated; false once there was too much. */
  step(line: number): boolean {
    if (++this.#steps <= maxImages) return true;
    if (!this.isFull) {
      this.isFull = true;
      this.faults.push({
        code: 'too-large',
        line,
        message: `expected at most ${maxImages} containers and volumes in a file of manifests, found more`,
        hint: 'split the file; what stands behind the limit does not count',
      });
    }
    return false;
  }

  /** @param policy undefined: the player refuses what is written. */
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
      hint: 'correct the manifest; whoever runs it refuses it as it is',
    });
  }

  fault(
    code: 'kube-kind' | 'kube-manifest',
    line: number,
    { message, hint }: { readonly message: string; readonly hint: string },
  ): void {
    if (this.faults.length < maxFaults) this.faults.push({ code, line, message, hint });
  }
}

/** What is there, where null is not: Go reads null as the zero value. */
export function present(value: Value | undefined): Value | undefined {
  return value?.kind === 'scalar' && value.value === null ? undefined : value;
}

export type MapValue = Extract<Value, { kind: 'map' }>;
export type ListValue = Extract<Value, { kind: 'list' }>;

/** A map, or undefined if it is left out; anything else is a fault. */
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

/** A list, or undefined if it is left out; anything else is a fault. */
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

export interface Annotations {
  readonly entries: ReadonlyMap<string, Value>;
  /** The way to them in the document. */
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
  /** 1-based line of the value. */
  readonly line: number;
  /** The way to it in the document: `spec.containers[0].image`. */
  readonly key: string;
  readonly policy: PullPolicy;
}

export interface WorkloadImages {
  readonly images: readonly KubeImage[];
  readonly faults: readonly LineFault[];
}
