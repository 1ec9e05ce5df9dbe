import { pathToFileURL } from 'node:url';
import * as v from 'valibot';
import { checkBy } from '../../common/check-by.ts';
import { isDigest } from '../../image/digest.ts';
import { type Root, RootError } from '../../root/root.ts';
import type { Endpoint } from '../endpoint.ts';
import { RegistryError } from '../errors.ts';
import { scopesOf } from './scope.ts';
import { mapOf } from './strict-json.ts';

/** Tells where the signatures of the images of an endpoint lie: containers-registries.d(5). */
export interface RegistriesD {
  /** The directory that was read. */
  readonly path: string;
  /** Whether signatures of sigstore are attached to the images. */
  usesAttachments(endpoint: Place): boolean;
  /** The URL below which simple signatures lie. */
  lookasideOf(endpoint: Place): string;
}

type Place = Pick<Endpoint, 'registry' | 'repository' | 'reference'>;

/**
 * Reads the user's directory if there is one, else the system's, as containers/image does.
 *
 * @param userDirectory `~/.config/containers`
 * @param localLookaside the directory of simple signatures, where no file names a place.
 * @throws {RegistryError} `registry-config` if a file in it is invalid.
 */
export async function readRegistriesD(
  host: Root,
  userDirectory: string,
  localLookaside: string,
): Promise<RegistriesD> {
  const own = `${userDirectory}/registries.d`;
  const path =
    guarded(own, () => host.lookup(own)) === undefined ? '/etc/containers/registries.d' : own;
  const files = (guarded(path, () => host.list(path)) ?? [])
    .map(({ name }) => name)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => `${path}/${name}`);
  const namespaces = new Map<string, Namespace & { readonly file: string }>();
  for (const file of files) {
    const content = guarded(file, () => host.readFile(file)?.content);
    if (content === undefined) continue;
    for (const [namespace, settings] of await readFile(file, content.toString('utf8'))) {
      const other = namespaces.get(namespace)?.file;
      if (other !== undefined) {
        const shown = namespace === DEFAULT ? 'default-docker' : JSON.stringify(namespace);
        throw wrong(file, `${shown} is in ${other} as well`);
      }
      namespaces.set(namespace, { ...settings, file });
    }
  }
  const namespacesOf = ({ registry, repository, reference }: Place) => {
    const name = `${registry}/${repository}${isDigest(reference) ? '@' : ':'}${reference}`;
    return [...scopesOf(name), DEFAULT].flatMap((scope) => namespaces.get(scope) ?? []);
  };
  return {
    path,
    usesAttachments: (place) =>
      namespacesOf(place)
        .map((namespace) => namespace['use-sigstore-attachments'])
        .find((flag) => typeof flag === 'boolean') ?? false,
    lookasideOf: (place) =>
      namespacesOf(place)
        .map(({ lookaside, sigstore }) => lookaside || sigstore)
        .find((url) => url) ?? pathToFileURL(localLookaside).href,
  };
}

/** Stands for `default-docker`; no image name is empty. */
const DEFAULT = '';

/** The keys that berth needs; other keys are ignored. `sigstore` is the older name of `lookaside`. */
const namespaceSchema = v.nullish(
  v.object({
    'use-sigstore-attachments': v.nullish(v.boolean()),
    lookaside: v.nullish(v.string()),
    sigstore: v.nullish(v.string()),
  }),
);
type Namespace = NonNullable<v.InferOutput<typeof namespaceSchema>>;

const schema = v.nullish(
  v.object({
    'default-docker': namespaceSchema,
    docker: v.nullish(mapOf(namespaceSchema)),
  }),
);

async function readFile(
  path: string,
  text: string,
): Promise<readonly (readonly [namespace: string, Namespace])[]> {
  const { parseAllDocuments } = await import('yaml');
  // YAML 1.1, as Go's parser takes it: yes and on are booleans, << merges.
  const [first] = parseAllDocuments(text, { version: '1.1', merge: true, uniqueKeys: true });
  const [fault] = first === undefined ? [] : first.errors;
  if (fault !== undefined) throw wrong(path, fault.message.split('\n')[0] ?? 'it is not YAML');
  const checked = checkBy(
    schema,
    toValue(path, () => first?.toJS()),
  );
  if (!checked.success) {
    const [issue] = checked.issues;
    throw wrong(path, `${v.getDotPath(issue) ?? 'the whole'}: ${issue.message}`);
  }
  const { output } = checked;
  const byDefault = output?.['default-docker'];
  return [
    ...(byDefault ? [[DEFAULT, byDefault] as const] : []),
    ...Object.entries(output?.docker ?? {})
      .filter(([name]) => name !== DEFAULT)
      .map(([name, namespace]) => [name, namespace ?? {}] as const),
  ];
}

/** Follows YAML aliases; the library limits how often. */
function toValue(path: string, convert: () => unknown): unknown {
  try {
    return convert() ?? undefined;
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    throw wrong(path, error.message);
  }
}

function guarded<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RootError)) throw error;
    throw wrong(path, error.message);
  }
}

function wrong(path: string, reason: string): RegistryError {
  return new RegistryError('registry-config', `${path}: ${reason}`, {
    hint: 'correct the file; containers-registries.d(5) says what it may hold',
  });
}
