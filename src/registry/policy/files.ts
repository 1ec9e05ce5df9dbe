import { type Root, RootError } from '../../root/root.ts';
import { type Policy, readPolicy } from './policy.ts';
import { type RegistriesD, readRegistriesD } from './registries-d.ts';

/** The files that decide which images are permitted, each read on first use. */
export interface PolicyFiles {
  /** @throws {RegistryError} `registry-config` */
  policy(): Policy;
  /** @throws {RegistryError} `registry-config` */
  registriesD(): Promise<RegistriesD>;
  /** The content of a file that the policy names, or a string that says why it can't be read. */
  keyFile(path: string): Buffer | string;
}

/**
 * The files of the running system and its user, for one run: each is read once.
 *
 * @param userDirectory `~/.config/containers`
 */
export function hostPolicyFiles(host: Root, userDirectory: string): PolicyFiles {
  let policy: Policy | undefined;
  let registriesD: Promise<RegistriesD> | undefined;
  return {
    policy: () => (policy ??= readPolicy(host, userDirectory)),
    registriesD: () => (registriesD ??= readRegistriesD(host, userDirectory)),
    keyFile: (path) => {
      if (!path.startsWith('/')) return `the key ${path} is not at an absolute path`;
      try {
        return host.readFile(path)?.content ?? `the key ${path} is not there`;
      } catch (error) {
        if (!(error instanceof RootError)) throw error;
        return `the key ${path} can’t be read (${error.message})`;
      }
    },
  };
}
