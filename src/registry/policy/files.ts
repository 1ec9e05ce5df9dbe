import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../../common/errors.ts';
import { type Root, RootError } from '../../root/root.ts';
import { RegistryError } from '../errors.ts';
import { type Policy, readPolicy } from './policy.ts';
import { type RegistriesD, readRegistriesD } from './registries-d.ts';
import { MAX_SIGNATURE_BYTES } from './signature.ts';

/** gpg, and words before its own: it may be run by a program that limits it. */
export type GpgCommand = readonly [program: string, ...words: readonly string[]];

/** The files that decide which images are permitted, each read on first use. */
export interface PolicyFiles {
  /** @throws {RegistryError} `registry-config` */
  policy(): Policy;
  /** @throws {RegistryError} `registry-config` */
  registriesD(): Promise<RegistriesD>;
  /** The content of a file that the policy names, or a string that says why it can't be read. */
  keyFile(path: string): Buffer | string;
  /**
   * A signature in a lookaside on this machine; undefined if there is none.
   *
   * @throws {RegistryError} `registry-config` for a file that can't be read.
   */
  signatureFile(path: string): Buffer | undefined;
  /** The program that judges OpenPGP signatures; undefined if it is not there. */
  gpg(): GpgCommand | undefined;
}

/** Where a user and the running system have files of the policy. */
export interface PolicyPlaces {
  /** `~/.config/containers` */
  readonly userDirectory: string;
  /** The directory of simple signatures, where registries.d names no place. */
  readonly localLookaside: string;
  /** The directories of programs, as in `PATH`. */
  readonly programs: string;
}

/** The files of the running system and its user, for one run: each is read once. */
export function hostPolicyFiles(host: Root, places: PolicyPlaces): PolicyFiles {
  const { userDirectory, localLookaside, programs } = places;
  let policy: Policy | undefined;
  let registriesD: Promise<RegistriesD> | undefined;
  let gpg: GpgCommand | undefined;
  return {
    policy: () => (policy ??= readPolicy(host, userDirectory)),
    registriesD: () => (registriesD ??= readRegistriesD(host, userDirectory, localLookaside)),
    keyFile: (path) => {
      if (!path.startsWith('/')) return `the key ${path} is not at an absolute path`;
      try {
        return host.readFile(path)?.content ?? `the key ${path} is not there`;
      } catch (error) {
        if (!(error instanceof RootError)) throw error;
        return `the key ${path} can’t be read (${error.message})`;
      }
    },
    signatureFile: (path) => {
      try {
        return host.readFile(path, MAX_SIGNATURE_BYTES)?.content;
      } catch (error) {
        if (!(error instanceof RootError)) throw error;
        throw new RegistryError('registry-config', `the signature ${path}: ${error.message}`, {
          hint: 'correct the file, or the lookaside in registries.d',
        });
      }
    },
    gpg: () => (gpg ??= gpgIn(programs)),
  };
}

/**
 * In bytes, of gpg's memory: it needs some ten megabytes, whatever the message. Signatures may come from
 * anybody, so a fault of gpg must not take the memory of the host.
 */
const MAX_GPG_MEMORY = 256 * 1024 * 1024;

/** gpg, with a limit for its memory where the host has prlimit (util-linux). */
function gpgIn(directories: string): GpgCommand | undefined {
  const gpg = programIn(directories, ['gpg', 'gpg2']);
  const prlimit = programIn(directories, ['prlimit']);
  if (gpg === undefined || prlimit === undefined) return gpg === undefined ? undefined : [gpg];
  return [prlimit, `--data=${MAX_GPG_MEMORY}`, '--core=0', '--', gpg];
}

function programIn(directories: string, names: readonly string[]): string | undefined {
  const paths = directories
    .split(':')
    .filter((directory) => directory.startsWith('/'))
    .flatMap((directory) => names.map((name) => join(directory, name)));
  return paths.find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return false;
  }
}
