import type { TestContext } from 'node:test';
import { serviceImages } from '../../../src/discovery/services/services.ts';
import type { Found } from '../../../src/discovery/source.ts';
import type { SystemdUnit, SystemdUnits } from '../../../src/systemd/systemd-unit.ts';
import { rootOf, shortNames, type Tree } from '../tree.ts';

/** Services by name, as their files' lines. */
export function unitsOf(services: Readonly<Record<string, string>>): SystemdUnits {
  const all = new Map(
    Object.entries(services).map(([name, text]): [string, SystemdUnit] => {
      const path = `/usr/lib/systemd/system/${name}`;
      let group = 'Service';
      const entries = text.split('\n').flatMap((line, at) => {
        const header = /^\[(.*)\]$/.exec(line)?.[1];
        if (header !== undefined) group = header;
        const equals = line.indexOf('=');
        if (header !== undefined || equals < 0) return [];
        const key = line.slice(0, equals);
        return [{ group, key, value: line.slice(equals + 1), path, line: at + 1 }];
      });
      return [name, { name, path, realPath: path, masked: false, generated: false, entries }];
    }),
  );
  const unit = (name: string): SystemdUnit | undefined => {
    const template = all.get(name.replace(/@.*\./, '@.'));
    return all.get(name) ?? (template === undefined ? undefined : { ...template, name });
  };
  return { unit, services: () => all.values(), problems: [] };
}

export function found(
  t: TestContext,
  services: Readonly<Record<string, string>>,
  { tree = {}, instances = [] }: { tree?: Tree; instances?: readonly string[] } = {},
): Promise<Found> {
  const root = rootOf(t, { '/etc/os-release': 'ID=x\nVERSION_ID=7\n', ...tree });
  const context = { root, etc: '/etc', shortNames, architecture: 'x86-64' } as const;
  return serviceImages(context, unitsOf(services), instances);
}

/** The images and the codes of the problems of one service. */
export async function of(t: TestContext, lines: string, tree: Tree = {}): Promise<string[]> {
  const { references, problems } = await found(t, { 'app.service': lines }, { tree });
  return [
    ...references.map(({ image, problems: own }) =>
      [image ?? '-', ...own.map(({ code }) => code)].join(' '),
    ),
    ...problems.map(({ code, line }) => `${code}:${line}`),
  ];
}
