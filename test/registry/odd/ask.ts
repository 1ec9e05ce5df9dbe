import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Secret } from '../../../src/common/secret.ts';
import { sha256 } from '../../../src/image/digest.ts';
import type { Credentials } from '../../../src/registry/auth/auth-file.ts';
import { TIMEOUTS, type Timeouts } from '../../../src/registry/http/body.ts';
import { Site } from '../../faults/site.ts';
import { validBlobs, validNames } from '../../support/layout-check.ts';
import type { Skopeo } from '../../support/skopeo.ts';
import type { Shown } from './clients.ts';
import { NAME, type World, writeFiles } from './world.ts';

/** What came of one client's try to get the image. */
export interface Outcome {
  /** The digest of the manifest for this platform; undefined if the client has failed. */
  readonly manifest: string | undefined;
  /** All that the client said. */
  readonly said: string;
  /** The errors that it gave. */
  readonly errors: readonly { readonly message: string; readonly hint: string }[];
}

/** No reply is late by more than a fraction of this. */
const timeouts: Timeouts = { ...TIMEOUTS, reply: 10_000, idle: 10_000 };

export async function askSkopeo(skopeo: Skopeo, world: World, directory: string): Promise<Outcome> {
  const { conf, auth, authority } = writeFiles(directory, world);
  const copy = join(directory, 'copy');
  const files = ['--registries-conf', conf, '--registries.d', directory, '--tmpdir', directory];
  const words = ['copy', '-q', '--authfile', auth, `docker://${NAME}`, `dir:${copy}`];
  const { ok, stderr } = await skopeo(['--insecure-policy', ...files, ...words], {
    PATH: process.env['PATH'],
    HOME: directory,
    XDG_RUNTIME_DIR: directory,
    SSL_CERT_FILE: authority,
  });
  const manifest = ok ? sha256(readFileSync(join(copy, 'manifest.json'))) : undefined;
  return { manifest, said: stderr, errors: [] };
}

/** Stages the image into a store. Every blob of the store must be what its name says. */
export async function askBerth(
  world: World,
  directory: string,
  begun: { readonly digest: string; readonly content: Buffer } | undefined,
): Promise<Outcome> {
  const { authority } = writeFiles(directory, world);
  const { registry, rule, login } = world;
  const site = new Site(
    directory,
    { registry },
    {
      conf: { rules: [rule] },
      credentials: async (host) =>
        host === rule.location && login !== undefined ? credentialsOf(login) : undefined,
      authorityPaths: { bundle: authority },
    },
  );
  if (begun !== undefined) leaveHalf(site.store, begun);
  const run = await site.stage('odd', site.root('odd', [NAME.replace(/^[^/]*\//, '')]), timeouts);
  const stored = validBlobs(site.store);
  const manifest = run.ready ? validNames(site.store).get(NAME) : undefined;
  if (manifest !== undefined && !stored.has(manifest)) throw new Error(`${manifest} is not there`);
  const { staged, error } = run;
  const failures = [...(staged?.plan.failures ?? []), ...(staged?.failures ?? [])];
  const errors = error === undefined ? failures.map((failure) => failure.error) : [error];
  return { manifest, said: run.said, errors };
}

function credentialsOf({ username, password, identityToken }: Shown): Credentials {
  return {
    username,
    password: new Secret(password),
    ...(identityToken === undefined ? {} : { identityToken: new Secret(identityToken) }),
  };
}

/** As a download that broke off leaves it. */
function leaveHalf(
  store: string,
  { digest, content }: { readonly digest: string; readonly content: Buffer },
): void {
  const temporary = join(store, 'tmp');
  if (!existsSync(temporary)) mkdirSync(temporary, { recursive: true });
  const half = content.subarray(0, content.length >> 1);
  writeFileSync(join(temporary, `${digest.replace('sha256:', '')}.partial`), half);
}
