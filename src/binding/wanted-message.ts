import { Secret } from '../common/secret.ts';
import type { Access, AccessCredentials } from '../registry/access.ts';
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
};

type PlainBinding = Omit<Binding, 'accesses' | 'shipped'> & {
  readonly accesses: readonly PlainAccess[];
};

type PlainAccess = Omit<Access, 'credentials'> & { readonly credentials?: PlainCredentials };

type PlainCredentials =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'auth-file'; readonly content: string };

export function packed(wanted: Wanted): WantedMessage {
  const all = [...wanted.bindings, ...wanted.provided.map(({ binding }) => binding)];
  return {
    ...wanted,
    bindings: wanted.bindings.map(packedBinding),
    provided: wanted.provided.map((one) => ({ ...one, binding: packedBinding(one.binding) })),
    ships: all.some(({ shipped }) => shipped !== undefined),
  };
}

/** @param root the root that was read, open: images that it ships are read from it. */
export function unpacked({ ships, ...message }: WantedMessage, root: Root): Wanted {
  const atHand = ships ? imagesAtHand(root, message.archives) : () => undefined;
  const binding = ({ accesses, ...rest }: PlainBinding): Binding => {
    const images = atHand(rest.engine);
    const shipped = images === undefined ? {} : { shipped: images };
    return { ...rest, accesses: accesses.map(unpackedAccess), ...shipped };
  };
  return {
    ...message,
    bindings: message.bindings.map(binding),
    provided: message.provided.map((one) => ({ ...one, binding: binding(one.binding) })),
  };
}

function packedBinding({ accesses, shipped: _left, ...rest }: Binding): PlainBinding {
  return { ...rest, accesses: accesses.map(packedAccess) };
}

function packedAccess({ credentials, ...rest }: Access): PlainAccess {
  return credentials === undefined
    ? rest
    : { ...rest, credentials: packedCredentials(credentials) };
}

function packedCredentials(credentials: AccessCredentials): PlainCredentials {
  return credentials.kind === 'basic'
    ? { ...credentials, password: credentials.password.reveal() }
    : { ...credentials, content: credentials.content.reveal() };
}

function unpackedAccess({ credentials, ...rest }: PlainAccess): Access {
  return credentials === undefined
    ? rest
    : { ...rest, credentials: unpackedCredentials(credentials) };
}

function unpackedCredentials(credentials: PlainCredentials): AccessCredentials {
  return credentials.kind === 'basic'
    ? { ...credentials, password: new Secret(credentials.password) }
    : { ...credentials, content: new Secret(credentials.content) };
}
