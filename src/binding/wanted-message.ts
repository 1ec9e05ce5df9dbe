import { Secret } from '../common/secret.ts';
import type { Access, AccessCredentials, AuthFileCredentials } from '../registry/access.ts';
import type { Root } from '../root/root.ts';
import type { Binding } from './bindings.ts';
import { imagesAtHand } from './images-at-hand.ts';
import type { Provided, Wanted } from './wanted.ts';

/**
 * `Wanted` as plain data, which one thread of a process passes to another. It has secrets in plain text,
 * and lacks the images that the root ships, which are read from the open root.
 */
export type WantedMessage = Omit<Wanted, 'bindings' | 'provided'> & {
  readonly bindings: readonly PlainBinding[];
  readonly provided: readonly (Omit<Provided, 'binding'> & { readonly binding: PlainBinding })[];
  /** Whether the root ships images, or has some in archives. */
  readonly ships: boolean;
  /** The auth files that accesses name by their places here: many images may share a long one. */
  readonly authFiles: readonly string[];
};

type PlainBinding = Omit<Binding, 'accesses' | 'shipped'> & {
  readonly accesses: readonly PlainAccess[];
};

type PlainAccess = Omit<Access, 'credentials'> & { readonly credentials?: PlainCredentials };

type PlainCredentials =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | (Omit<AuthFileCredentials, 'content'> & { readonly content: number });

export function packed(wanted: Wanted): WantedMessage {
  const authFiles = new Places<Secret>();
  const packedBinding = ({ accesses, shipped: _left, ...rest }: Binding): PlainBinding => ({
    ...rest,
    accesses: accesses.map((access) => packedAccess(access, authFiles)),
  });
  const all = [...wanted.bindings, ...wanted.provided.map(({ binding }) => binding)];
  return {
    ...wanted,
    bindings: wanted.bindings.map(packedBinding),
    provided: wanted.provided.map((one) => ({ ...one, binding: packedBinding(one.binding) })),
    ships: all.some(({ shipped }) => shipped !== undefined),
    authFiles: authFiles.values.map((content) => content.reveal()),
  };
}

/** Different values, each with its place. */
class Places<T> {
  readonly #places = new Map<T, number>();

  get values(): readonly T[] {
    return [...this.#places.keys()];
  }

  of(value: T): number {
    const place = this.#places.get(value) ?? this.#places.size;
    this.#places.set(value, place);
    return place;
  }
}

/** @param root the root that was read, open: images that it ships are read from it. */
export function unpacked({ ships, authFiles, ...message }: WantedMessage, root: Root): Wanted {
  const contents = authFiles.map((content) => new Secret(content));
  const atHand = ships ? imagesAtHand(root, message.archives) : () => undefined;
  const binding = ({ accesses, ...rest }: PlainBinding): Binding => {
    const images = atHand(rest.engine);
    const shipped = images === undefined ? {} : { shipped: images };
    return {
      ...rest,
      accesses: accesses.map((access) => unpackedAccess(access, contents)),
      ...shipped,
    };
  };
  return {
    ...message,
    bindings: message.bindings.map(binding),
    provided: message.provided.map((one) => ({ ...one, binding: binding(one.binding) })),
  };
}

function packedAccess({ credentials, ...rest }: Access, authFiles: Places<Secret>): PlainAccess {
  return credentials === undefined
    ? rest
    : { ...rest, credentials: packedCredentials(credentials, authFiles) };
}

function packedCredentials(
  credentials: AccessCredentials,
  authFiles: Places<Secret>,
): PlainCredentials {
  return credentials.kind === 'basic'
    ? { ...credentials, password: credentials.password.reveal() }
    : { ...credentials, content: authFiles.of(credentials.content) };
}

function unpackedAccess(
  { credentials, ...rest }: PlainAccess,
  authFiles: readonly Secret[],
): Access {
  return credentials === undefined
    ? rest
    : { ...rest, credentials: unpackedCredentials(credentials, authFiles) };
}

function unpackedCredentials(
  credentials: PlainCredentials,
  authFiles: readonly Secret[],
): AccessCredentials {
  if (credentials.kind === 'basic') {
    return { ...credentials, password: new Secret(credentials.password) };
  }
  const content = authFiles[credentials.content];
  if (content === undefined) throw new TypeError('expected the auth file of an access');
  return { ...credentials, content };
}
