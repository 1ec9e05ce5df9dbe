import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { makePackages } from '../../support/installed.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const intel = { node: 'x64', debian: 'amd64', rpm: 'x86_64', machine: 'x86_64' } as const;
const arm = { node: 'arm64', debian: 'arm64', rpm: 'aarch64', machine: 'aarch64' } as const;

/** The architecture of this machine, and the other one. */
export const [native, foreign] = process.arch === 'arm64' ? [arm, intel] : [intel, arm];

/** A version that comes before that of the checkout. What is in its packages is the same. */
export const earlier = '0.0.9';

/** Makes all packages, and those of an earlier version. @returns the directory. */
export function buildPackages(t: TestContext): string {
  const directory = join(temporaryDirectory(t), 'packages');
  mkdirSync(directory);
  makePackages(directory);
  makePackages(directory, `VERSION=${earlier}`, `ARCHITECTURES=${native.debian} all`);
  return directory;
}

export function deb(version: string, architecture: string = native.debian): string {
  return `berth_${version}_${architecture}.deb`;
}

export function rpm(version: string, architecture: string = native.rpm): string {
  return `berth-${version}-1.${architecture}.rpm`;
}
