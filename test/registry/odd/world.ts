import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RegistryRule } from '../../../src/registry/registries-toml.ts';
import { testCertificate } from '../../support/registry-certificate.ts';
import { basicOf, clients, type Shown } from './clients.ts';
import { type Running, start } from './run.ts';
import type { Scenario } from './scenario.ts';

/** The name of the image in every scenario; registries.conf leads it to the scenario's registry. */
export const PREFIX = 'registry.example.com';
export const NAME = `${PREFIX}/acme/app:1`;

/** The running registries of a scenario, and what a client is told about them. */
export interface World {
  readonly registry: Running;
  readonly mirrors: readonly Running[];
  readonly rule: RegistryRule;
  /** What the client shows to the registry; mirrors are shown nothing. */
  readonly login: Shown | undefined;
  close(): Promise<void>;
}

export async function openWorld(scenario: Scenario): Promise<World> {
  const registry = await start(scenario.registry, scenario.image);
  const mirrors: Running[] = [];
  for (const mirror of scenario.mirrors) {
    const running = await start(mirror.registry, scenario.image);
    mirrors.push(running);
    if (!mirror.isAlive) await running.close();
  }
  const { isTls, isLax, login } = scenario.registry;
  return {
    registry,
    mirrors,
    rule: {
      prefix: PREFIX,
      location: registry.host,
      insecure: !isTls || isLax,
      blocked: false,
      mirrors: mirrors.map(({ host }, i) => ({
        location: scenario.mirrors[i]?.isNested === true ? `${host}/cache/hub` : host,
        insecure: scenario.mirrors[i]?.registry.isTls !== true,
        use: scenario.mirrors[i]?.use ?? 'all',
      })),
    },
    login: login && clients[login.client],
    close: async () => {
      await registry.close();
      for (const [i, mirror] of mirrors.entries()) {
        if (scenario.mirrors[i]?.isAlive === true) await mirror.close();
      }
    },
  };
}

/** Files for a program that reads them: registries.conf, auth.json, and the certificates to trust. */
export function writeFiles(
  directory: string,
  { rule, login }: Pick<World, 'rule' | 'login'>,
): { readonly conf: string; readonly auth: string; readonly authority: string } {
  mkdirSync(directory, { recursive: true });
  const file = (name: string, content: string) => {
    writeFileSync(join(directory, name), content);
    return join(directory, name);
  };
  const mirrors = rule.mirrors.map(
    ({ location, insecure, use }) =>
      `[[registry.mirror]]\nlocation = "${location}"\ninsecure = ${insecure}\npull-from-mirror = "${use}"\n`,
  );
  const auth = login && basicOf(login);
  const entry = { auth, identitytoken: login?.identityToken };
  const auths = login === undefined ? {} : { [rule.location]: entry };
  return {
    conf: file(
      'registries.conf',
      `[[registry]]\nprefix = "${rule.prefix}"\nlocation = "${rule.location}"\ninsecure = ${rule.insecure}\n${mirrors.join('')}`,
    ),
    auth: file('auth.json', JSON.stringify({ auths })),
    authority: file('authority.pem', testCertificate.cert),
  };
}
