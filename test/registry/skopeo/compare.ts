import assert from 'node:assert/strict';
import { sha256 } from '../../../src/image/digest.ts';
import { parseName } from '../../../src/image/name.ts';
import type { ResolvedImage } from '../../../src/image/resolved.ts';
import type { Access } from '../../../src/registry/access.ts';
import { RegistryError } from '../../../src/registry/errors.ts';
import { openHostRegistry } from '../../../src/registry/host.ts';
import { type Registry } from '../../../src/registry/registry.ts';
import { retryPolicy } from '../../../src/registry/retry.ts';
import type { TrixieProgram } from '../../support/trixie.ts';
import { type Behaviour, unseen } from './endpoint-server.ts';
import { configure, type Files, HOME, type World } from './world.ts';

/** A question that both skopeo and berth must answer. */
export interface Question {
  readonly name: string;
  readonly files: Files;
  readonly environment: Readonly<Record<string, string>>;
  readonly behaviours: Readonly<Record<string, Behaviour>>;
  readonly tlsVerify?: boolean | undefined;
  /** Whether the whole image is fetched, by a name with a digest; otherwise the name is only resolved. */
  readonly isCopied?: boolean;
}

/** The outcome, and the requests that the registries saw. */
export interface Observed {
  /** The digest that the name means, or `failed`. */
  readonly outcome: string;
  /** The registries in the order in which they were asked. */
  readonly order: readonly string[];
  /** The registries, each once: some clients ask a proxy for a new tunnel now and then. */
  readonly first: readonly string[];
  readonly seen: Readonly<Record<string, object>>;
  /** The reason of a failure, shown if the two differ. */
  readonly words: string;
}

export type Part = 'outcome' | 'order' | 'first' | 'seen';

/** Checks that skopeo and berth do the same. */
export async function same(
  world: World,
  skopeo: TrixieProgram,
  question: Question,
  parts: readonly Part[],
): Promise<Observed> {
  const expected = await observe(world, question, () => askSkopeo(skopeo, question));
  const found = await observe(world, question, () => askBerth(question));
  const pick = (observed: Observed) =>
    Object.fromEntries(parts.map((part) => [part, observed[part]]));
  const words = `\nskopeo: ${expected.words}\nberth: ${found.words}\n${JSON.stringify(question, null, 1)}\n`;
  assert.deepEqual(
    pick(found),
    pick(expected),
    new assert.AssertionError({
      message: words,
      actual: pick(found),
      expected: pick(expected),
      operator: 'deepStrictEqual',
    }),
  );
  return found;
}

async function observe(
  { servers }: World,
  { files, behaviours }: Question,
  ask: () => Promise<Pick<Observed, 'outcome' | 'words'>>,
): Promise<Observed> {
  configure(files);
  const order: string[] = [];
  for (const server of servers) {
    server.behaviour = behaviours[server.name] ?? {};
    server.seen = unseen();
    server.onAsked = () => {
      if (order.at(-1) !== server.name) order.push(server.name);
    };
  }
  const { outcome, words } = await ask();
  const seen = servers.flatMap(({ name, seen: { logins, clients, gave } }) => {
    if (logins.size + clients.size + gave.size === 0) return [];
    return [[name, { logins: [...logins], clients: [...clients], gave: [...gave] }] as const];
  });
  return { outcome, order, first: [...new Set(order)], seen: Object.fromEntries(seen), words };
}

async function askSkopeo(skopeo: TrixieProgram, question: Question) {
  const { name, environment, tlsVerify, isCopied } = question;
  const { CONTAINERS_REGISTRIES_CONF: conf, ...others } = environment;
  const flags = conf === undefined ? [] : ['--registries-conf', conf];
  const verify = (flag: string) => (tlsVerify === undefined ? [] : [`--${flag}=${tlsVerify}`]);
  const source = `docker://${name}`;
  const words = isCopied
    ? ['copy', '-q', ...verify('src-tls-verify'), source, 'oci:/run/copy:x']
    : ['inspect', '--raw', ...verify('tls-verify'), source];
  const { code, stdout, stderr } = await skopeo(
    ['--insecure-policy', '--override-arch', 'amd64', ...flags, ...words],
    { PATH: process.env['PATH'], HOME, ...others },
  );
  const digest = isCopied ? parseName(name).digest : sha256(Buffer.from(stdout));
  const outcome = code === 0 ? String(digest) : 'failed';
  return { outcome, words: stderr.slice(0, 2000) };
}

/** Fetches an image as a store does. */
async function fetchAll(registry: Registry, image: ResolvedImage, access: Access): Promise<void> {
  await registry.manifest(image.name, image.digest, access);
  await registry.manifest(image.name, image.manifest, access);
  const into = { write: async () => undefined };
  for (const blob of image.blobs) await registry.download(image.name, blob, access, into);
}

const VARIABLES = [
  'CONTAINERS_REGISTRIES_CONF',
  'DOCKER_CONFIG',
  'HTTPS_PROXY',
  'HTTP_PROXY',
  'NO_PROXY',
  'REGISTRY_AUTH_FILE',
  'SSL_CERT_DIR',
  'SSL_CERT_FILE',
  'XDG_CONFIG_HOME',
  'XDG_RUNTIME_DIR',
  'http_proxy',
  'https_proxy',
  'no_proxy',
];

async function askBerth({ name, environment, tlsVerify, isCopied }: Question) {
  for (const variable of VARIABLES) delete process.env[variable];
  Object.assign(process.env, { HOME, ...environment });
  try {
    const registry = await openHostRegistry(process.env, () => undefined, {
      ...retryPolicy,
      attempts: 1,
    });
    try {
      const platform = { os: 'linux', architecture: 'amd64' };
      const access = tlsVerify === undefined ? {} : { tlsVerify };
      const resolved = await registry.resolve(name, platform, access);
      if (isCopied) await fetchAll(registry, resolved, access);
      return { outcome: resolved.digest, words: '' };
    } finally {
      registry.close();
    }
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    return { outcome: 'failed', words: `${error.code}: ${error.message}` };
  }
}
