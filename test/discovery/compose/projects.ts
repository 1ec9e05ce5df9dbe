import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { composeImages } from '../../../src/discovery/compose/compose.ts';
import type { Found } from '../../../src/discovery/source.ts';
import { rootOf, type Tree } from '../../support/tree.ts';
import { contextOf } from '../source.ts';

/** The references and problems of the Compose projects in places of a root. */
export function read(t: TestContext, tree: Tree, places = ['/c']): Promise<Found> {
  const root = rootOf(t, tree);
  return composeImages(contextOf(root), places);
}

/** `service.key image@file:line` of each reference, then `!code file:line` of each problem. */
export function said({ references, problems }: Found): string[] {
  const place = (path: string) => path.replace(/^\/c\//, '');
  return [
    ...references.map(
      ({ key, image, raw, path, line }) =>
        `${key.replace('services.', '')} ${image?.replace('docker.io/library/', '') ?? `?${raw}`} ${place(path)}:${line}`,
    ),
    ...[...references.flatMap((reference) => reference.problems), ...problems].map(
      ({ code, path, line }) => `!${code} ${place(path)}:${line ?? '-'}`,
    ),
  ];
}

/** The name of the file of most projects. */
export const main = 'compose.yaml';

export const services = (text: string) => `services:\n${text}`;

/** A name, the files of the project in /c, and what {@link said} gives for them. */
export type ProjectCase = readonly [string, Tree, readonly string[]];

/** Makes a test of each project. */
export function projectTests(cases: readonly ProjectCase[]): void {
  for (const [name, tree, expected] of cases) {
    test(`Compose: ${name}`, async (t) => {
      const inside = Object.fromEntries(
        Object.entries(tree).map(([path, text]) => [`/c/${path}`, text]),
      );
      assert.deepEqual(said(await read(t, inside)), expected);
    });
  }
}
