import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { serviceImages } from '../../../src/discovery/services/services.ts';
import type { Found } from '../../../src/discovery/source.ts';
import { readSystemdUnits } from '../../../src/systemd/systemd-units.ts';
import { rootOf, type Tree } from '../../support/tree.ts';
import { contextOf } from '../source.ts';

export function found(
  t: TestContext,
  services: Readonly<Record<string, string>>,
  {
    tree = {},
    instances = [],
    secret = [],
    spent = 0,
  }: {
    tree?: Tree;
    instances?: readonly string[];
    secret?: readonly string[];
    /** How much of the root's allowance other units took. */
    spent?: number;
  } = {},
): Promise<Found> {
  const files = Object.entries(services).map(([name, lines]) => {
    const text = lines.startsWith('[') ? lines : `[Service]\n${lines}`;
    return [`/usr/lib/systemd/system/${name}`, text];
  });
  const osRelease = { '/etc/os-release': 'ID=x\nVERSION_ID=7\n' };
  const root = rootOf(t, { ...osRelease, ...Object.fromEntries(files), ...tree });
  for (const path of secret) chmodSync(join(root.location, path), 0o600);
  const context = contextOf(root);
  context.allowance.spend(spent);
  const units = readSystemdUnits(root, '/etc', { ...context, manager: 'system', generated: [] });
  return serviceImages(context, units, instances);
}

/** The images of one service with their problem codes, then its other problems as `code:line`. */
export async function of(t: TestContext, lines: string, tree: Tree = {}): Promise<string[]> {
  const { references, problems } = await found(t, { 'app.service': lines }, { tree });
  return [
    ...references.map(({ image, problems: own }) =>
      [image ?? '-', ...own.map(({ code }) => code)].join(' '),
    ),
    // Lines are counted from the line after the header.
    ...problems.map(({ code, line = 0 }) => `${code}:${lines.startsWith('[') ? line : line - 1}`),
  ];
}
