import type { BindMode } from '../discovery/reference.ts';
import type { StorageSettings } from '../discovery/storage-conf.ts';
import type { Root } from '../root/root.ts';
import { type AdditionalStore, readAdditionalStore, serves } from './additional-store.ts';
import { type Binding, bindingsOf } from './bindings.ts';
import type { RecordProvided, RootRecord } from './record.ts';
import { type BoundProblem, survey } from './survey.ts';

/** What has to be there for a root: all that staging needs to know of its tree. */
export interface Wanted {
  readonly bindings: readonly Binding[];
  /** The problems on bound references: with one of them the root will not be ready. */
  readonly problems: readonly BoundProblem[];
  /** What is bound and lies in an additional store of podman: nothing has to be done for it. */
  readonly provided: readonly RecordProvided[];
  readonly storage: StorageSettings;
}

export interface WantedOptions {
  readonly bind: BindMode | undefined;
  /** Where roots keep compose files. */
  readonly compose: readonly string[];
  /** The root is of another machine: what this one has in its stores is nothing to it. */
  readonly foreign?: boolean;
}

/** Reads a root, while it is open. Needs no network and no engine. */
export async function wantedOf(root: Root, options: WantedOptions): Promise<Wanted> {
  const found = await survey(root, options);
  const { bindings, problems } = bindingsOf(found, root, 'bound');
  const { storage } = found;
  return {
    ...separated(bindings, root, options.foreign === true),
    problems: [...found.problems.filter(({ bound }) => bound), ...problems],
    storage,
  };
}

/** Takes out what every reference of a binding finds in an additional store. */
function separated(
  bindings: readonly Binding[],
  root: Root,
  foreign: boolean,
): Pick<Wanted, 'bindings' | 'provided'> {
  const stores = new Map<string, AdditionalStore | undefined>();
  const opened = (path: string) => {
    if (!stores.has(path)) stores.set(path, readAdditionalStore(path, root, foreign));
    return stores.get(path);
  };
  const left: Binding[] = [];
  const provided: RecordProvided[] = [];
  for (const binding of bindings) {
    const found = binding.stores.flatMap((path) => inStore(binding, opened(path)))[0];
    if (found === undefined) left.push(binding);
    else provided.push(found);
  }
  return { bindings: left, provided };
}

function inStore(
  { name, locked, references }: Binding,
  store: AdditionalStore | undefined,
): RecordProvided[] {
  const image = store?.images.find((one) => serves(one, name));
  if (store === undefined || image === undefined) return [];
  // What a lock says goes before what the store means by the name.
  const wanted = locked?.digest ?? /@(sha256:[0-9a-f]{64})$/.exec(name)?.[1];
  const allowed = locked === undefined ? [wanted] : [wanted, ...locked.platforms.values()];
  if (wanted !== undefined && !image.digests.some((digest) => allowed.includes(digest))) return [];
  const digest = wanted ?? image.digests[0] ?? image.id;
  const { directory } = store;
  return [{ name, digest, id: image.id, directory, references: [...references] }];
}

/** The same, with the names that a record has held to the digests that they have there. */
export function asRecorded(wanted: Wanted, { staged }: RootRecord): Wanted {
  const served = (staged?.images ?? []).flatMap(({ names }) => names);
  const digests = new Map(served.map(({ name, digest }) => [name, digest]));
  return {
    ...wanted,
    bindings: wanted.bindings.map((binding) => {
      const recorded = digests.get(binding.name);
      return recorded === undefined ? binding : { ...binding, recorded };
    }),
  };
}
