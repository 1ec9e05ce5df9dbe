import assert from 'node:assert/strict';
import { sha256 } from '../../../src/image/digest.ts';
import { openHostRegistry } from '../../../src/registry/host.ts';
import { RegistryError } from '../../../src/registry/registry.ts';
import type { TrixieProgram } from '../../support/trixie.ts';
import { type Behaviour, unseen } from './place-server.ts';
import { configure, type Files, HOME, type World } from './world.ts';

/** One question that is put to skopeo and to berth. */
export interface Question {
  readonly name: string;
  readonly files: Files;
  readonly environment: Readonly<Record<string, string>>;
  readonly behaviours: Readonly<Record<string, Behaviour>>;
  readonly tlsVerify?: boolean | undefined;
}

/** What came of it, and what registries saw of who asked. */
export interface Observed {
  /** The digest of what the name means, or `failed`. */
  readonly outcome: string;
  /** The registries in the order in which they were asked. */
  readonly order: readonly string[];
  /** The same, each once: for who asks a proxy for a new tunnel now and then. */
  readonly first: readonly string[];
  readonly seen: Readonly<Record<string, object>>;
  /** Why it failed, for who reads of a difference. */
  readonly words: string;
}

export type Part = 'outcome' | 'order' | 'first' | 'seen';

/** Sees skopeo and berth do the same. */
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

async function askSkopeo(skopeo: TrixieProgram, { name, environment, tlsVerify }: Question) {
  const { CONTAINERS_REGISTRIES_CONF: conf, ...others } = environment;
  const { code, stdout, stderr } = await skopeo(
    [
      '--insecure-policy',
      ...(conf === undefined ? [] : ['--registries-conf', conf]),
      'inspect',
      '--raw',
      ...(tlsVerify === undefined ? [] : [`--tls-verify=${tlsVerify}`]),
      `docker://${name}`,
    ],
    { PATH: process.env['PATH'], HOME, ...others },
  );
  const outcome = code === 0 ? sha256(Buffer.from(stdout)) : 'failed';
  return { outcome, words: stderr.slice(0, 2000) };
}

const VARIABLES = [
  'CONTAINERS_REGISTRIES_CONF',
  'DOCKER_CONFIG',
  'HTTPS_PROXY',
  'HTTP_PROXY',
  'NO_PROXY',
  'REGISTRY_AUTH_FILE',
  'XDG_CONFIG_HOME',
  'XDG_RUNTIME_DIR',
  'http_proxy',
  'https_proxy',
  'no_proxy',
];

async function askBerth({ name, environment, tlsVerify }: Question) {
  for (const variable of VARIABLES) delete process.env[variable];
  Object.assign(process.env, { HOME, ...environment });
  try {
    const registry = await openHostRegistry(() => undefined);
    try {
      const platform = { os: 'linux', architecture: 'amd64' };
      const access = tlsVerify === undefined ? {} : { tlsVerify };
      return { outcome: (await registry.resolve(name, platform, access)).digest, words: '' };
    } finally {
      registry.close();
    }
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    return { outcome: 'failed', words: `${error.code}: ${error.message}` };
  }
}
