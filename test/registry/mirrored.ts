import type { TestContext } from 'node:test';
import type { Mirror } from '../../src/registry/registries-toml.ts';
import { buildImage } from '../support/image-builder.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { client } from '../support/registry-client.ts';

export const amd64 = { os: 'linux', architecture: 'amd64' };
export const image = buildImage({ layers: [{ files: { a: 'b' } }] });
export const name = 'a.example/app:1';

/** A client for which the servers are the mirrors of `a.example`, the last one its location. */
export function mirrored(
  t: TestContext,
  servers: readonly { readonly host: string; readonly use?: Mirror['use'] }[],
  more: { blocked?: boolean } & Parameters<typeof client>[2] = {},
) {
  const { blocked = false, ...options } = more;
  const mirrors = servers
    .slice(0, -1)
    .map(({ host, use = 'all' }) => ({ location: host, insecure: true, use }));
  const location = servers.at(-1)?.host ?? '';
  const rule = { prefix: 'a.example', location, insecure: true, blocked: false, mirrors };
  const own = { ...rule, prefix: location, blocked, mirrors: [] };
  return client(t, [], { conf: { rules: [rule, own] }, ...options });
}

/** The requests for images: a refusal is followed by the question whether the registry wants to know who asks. */
export const asked = ({ requests }: TestRegistry) =>
  requests
    .filter(({ path }) => path !== '/v2/')
    .map(({ path, status }) => `${/\/(\w+)\/[^/]*$/.exec(path)?.[1]} ${status}`);

/** A host where nothing listens. */
export async function nobody(): Promise<{ readonly host: string }> {
  const server = await startRegistry();
  await server.close();
  return server;
}
