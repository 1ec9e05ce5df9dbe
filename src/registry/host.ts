import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { openRoot } from '../root/open-root.ts';
import type { Root } from '../root/root.ts';
import { CredentialHelpers } from './auth/credential-helper.ts';
import { authPaths, hostCredentials } from './auth/credentials.ts';
import { openRegistry, type RegistryOptions } from './client.ts';
import { readCertificates } from './http/certificates.ts';
import { proxiesOf } from './http/proxy.ts';
import { authorityPathsOf } from './http/tls.ts';
import { hostPolicyFiles } from './policy/files.ts';
import { readRegistriesConf } from './registries-conf.ts';
import type { Registry } from './registry.ts';
import { type RetryPolicy, retrying, retryPolicy } from './retry.ts';

type OfRun = Pick<RegistryOptions, 'retryTimes' | 'permitted' | 'names' | 'limits' | 'onSilence'>;

/**
 * Opens registries as the running system reaches them: with its registries.conf, auth files and policy, and
 * those of the calling user. Each file is read once, and the behaviour of hosts is remembered, so the
 * result serves one run.
 *
 * @param environment names auth files, proxies, certificates and registries.conf.
 * @param onRetry called before something is requested again.
 * @param ofRun what earlier runs have learned, to which this run adds, what this host limits, and who is told
 *   of registries that keep berth waiting.
 * @throws {RegistryError} `registry-config` for a registries.conf that can't be read.
 */
export async function openHostRegistry(
  environment: NodeJS.ProcessEnv,
  onRetry: RetryPolicy['onRetry'],
  policy: RetryPolicy = retryPolicy,
  ofRun: OfRun = {},
): Promise<Registry> {
  const host = openRoot('/', 'any');
  try {
    const uid = process.getuid?.() ?? 0;
    return await openAt(host, environment, homedir(), uid, { ...policy, onRetry }, ofRun);
  } catch (error) {
    host.close();
    throw error;
  }
}

async function openAt(
  host: Root,
  environment: NodeJS.ProcessEnv,
  home: string,
  uid: number,
  policy: RetryPolicy,
  ofRun: OfRun,
): Promise<Registry> {
  // Not $XDG_CONFIG_HOME: engines use it for auth files only.
  const userDirectory = join(home, '.config/containers');
  const { CONTAINERS_REGISTRIES_CONF: registriesConf } = environment;
  const conf = await readRegistriesConf(host, {
    userDirectory,
    // Relative to the working directory, as for podman and skopeo.
    ...(registriesConf ? { registriesConf: resolve(registriesConf) } : {}),
  });
  const certificateDirectories = [userDirectory, '/etc/containers', '/etc/docker'].map(
    (directory) => `${directory}/certs.d`,
  );
  const sources = {
    authFiles: authPaths(environment, home, uid),
    helpers: conf.credentialHelpers ?? [],
    programs: new CredentialHelpers(),
  };
  const registry = openRegistry({
    conf,
    credentials: (name, repository) => hostCredentials(host, sources, name, repository),
    policyFiles: hostPolicyFiles(host, {
      userDirectory,
      localLookaside:
        uid === 0 ? '/var/lib/containers/sigstore' : join(home, '.local/share/containers/sigstore'),
      programs: environment['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
    }),
    certificates: (name) => readCertificates(host, certificateDirectories, name),
    proxyFor: proxiesOf(environment),
    authorityPaths: authorityPathsOf(environment),
    ...ofRun,
  });
  return {
    ...retrying(registry, policy),
    close: () => {
      registry.close();
      host.close();
    },
  };
}
