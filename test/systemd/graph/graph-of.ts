import { type TestContext } from 'node:test';
import { etcDirectory } from '../../../src/systemd/etc.ts';
import { type BootGraph, bootGraph } from '../../../src/systemd/graph/boot-graph.ts';
import type { GeneratedUnit } from '../../../src/systemd/systemd-unit.ts';
import { readSystemdUnits } from '../../../src/systemd/systemd-units.ts';
import type { Manager } from '../../../src/systemd/unit-search-path.ts';
import { rootOf, type Tree } from '../../support/tree.ts';

export const usr = '/usr/lib/systemd/system';
export const etc = '/etc/systemd/system';

/** The targets of a boot. */
export const base: Tree = {
  [`${usr}/default.target`]: '-> multi-user.target',
  [`${usr}/multi-user.target`]: '[Unit]\nRequires=basic.target',
  [`${usr}/basic.target`]:
    '[Unit]\nRequires=sysinit.target\nWants=sockets.target timers.target paths.target',
  [`${usr}/sysinit.target`]: '[Unit]\nDescription=x',
  [`${usr}/sockets.target`]: '[Unit]\nDescription=x',
  [`${usr}/timers.target`]: '[Unit]\nDescription=x',
  [`${usr}/paths.target`]: '[Unit]\nDescription=x',
};

/** Gives each service a command, without which systemd refuses it. */
export const commands: Tree = {
  [`${usr}/service.d/command.conf`]: '[Service]\nExecStart=\nExecStart=/bin/true\n',
  '/usr/lib/systemd/user/service.d/command.conf': '[Service]\nExecStart=/bin/true\n',
};

export function graphOf(
  t: TestContext,
  tree: Tree,
  { manager = 'system', generated = [] }: { manager?: Manager; generated?: GeneratedUnit[] } = {},
): BootGraph {
  const root = rootOf(t, { ...commands, ...tree });
  return bootGraph(
    readSystemdUnits(root, etcDirectory(root), { manager, generated, architecture: 'x86-64' }),
  );
}

/** How a unit comes to start: its activation, and the chain that leads to it. */
export const start = (graph: BootGraph, name: string) => {
  const { activation, via } = graph.startOf(name);
  return [activation, ...via].join(' ');
};

export const names = (text: string) => text.trim().split(/\s+/);
