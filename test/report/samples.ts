import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { ImageReport, Report, Way } from '../../src/report/model/report.ts';
import { order } from '../../src/report/model/states.ts';
import { container, type Machine, startMachine, writeRoot } from '../support/berth.ts';
import { buildImage } from '../support/image-builder.ts';

const acme = 'registry.example.com/acme';
const wanted = '[Install]\nWantedBy=multi-user.target\n';

/** A host with a root that runs, the next one, which lacks an image, and one with a broken unit. */
export interface ReportHost extends Machine {
  /** The flags of all commands. */
  readonly flags: readonly string[];
  readonly roots: Readonly<Record<'a' | 'b' | 'c', string>>;
}

export async function startReportHost(t: TestContext): Promise<ReportHost> {
  const machine = await startMachine(t);
  const { directory, registry } = machine;
  const base = { bytes: 50_000, seed: 1 };
  const image = (seed: number) => buildImage({ layers: [base, { bytes: 20_000, seed }] });
  const names = ['api:latest', 'db:16', 'web:1', 'web:2', 'tele:1'];
  for (const [index, name] of names.entries()) registry.push(`acme/${name}`, image(index + 2));
  const rootAt = (name: string, web: string, more: Record<string, string> = {}) =>
    writeRoot(join(directory, name), {
      'usr/lib/os-release': 'ID=acme\n',
      'usr/lib/systemd/system/default.target': '-> multi-user.target',
      'usr/lib/systemd/system/multi-user.target': '[Unit]\nWants=timers.target\n',
      'usr/lib/systemd/system/timers.target': '[Unit]\n',
      'usr/lib/systemd/system/backup.timer': '[Timer]\nOnCalendar=daily\n',
      'usr/lib/systemd/system/timers.target.wants/backup.timer': '-> ../backup.timer',
      'usr/lib/berth/berth.toml': '[bind]\nmode = "enabled"\n',
      ...container('backup', `${acme}/db:16`),
      ...container('db', `${acme}/db:16`, `[Unit]\nConditionPathExists=/etc/db\n${wanted}`),
      ...container('api', `${acme}/api:latest`, wanted),
      ...container('web', `${acme}/${web}`, wanted),
      ...container('debug', `${acme}/debug:1`),
      ...more,
    });
  const roots = {
    a: rootAt('a', 'web:1'),
    b: rootAt('b', 'web:2', container('tele', `${acme}/tele:1`, wanted)),
    c: rootAt('c', 'web:2', container('broken', 'no name:::', wanted)),
  };
  const config = join(directory, 'host.toml');
  writeFileSync(
    config,
    `[directories]\nroots = [{ path = "${roots.a}", id = "os-a" }, { path = "${roots.b}", id = "os-b" }]\n` +
      'active = { command = ["/bin/echo", "os-a"] }\n',
  );
  const flags = ['--engine', 'store', '--config', config];
  await machine.berth('reconcile', ...flags);
  await machine.berth('stage', ...flags, '--id', 'os-c', roots.c);
  takeAway(machine, 'acme/tele');
  return { ...machine, flags, roots };
}

/** Makes an image vanish from the store, as a damaged disk would. */
function takeAway({ directory }: Machine, name: string): void {
  const path = join(directory, 'state/store/index.json');
  const index = JSON.parse(readFileSync(path, 'utf8')) as { manifests: unknown[] };
  index.manifests = index.manifests.filter((entry) => !JSON.stringify(entry).includes(name));
  writeFileSync(path, JSON.stringify(index));
}

/** A report with every part, in which every text that can come from outside is made by a function. */
export function sampleReport(text: (what: string) => string): Report {
  const said = { message: text('message'), hint: text('hint') };
  const lack = { ...said, code: 'image-missing' };
  const way: Way = {
    unit: text('unit'),
    place: text('place'),
    activation: 'boot',
    chain: [text('target'), text('unit')],
    conditions: [text('condition')],
    rule: text('rule'),
  };
  const images = order.map(
    (state): ImageReport => ({
      name: text('image'),
      engine: 'store',
      state,
      isDrifted: true,
      digest: text('digest'),
      id: text('id'),
      size: 1000,
      lacks: [said],
      ways: { shown: [way, { ...way, activation: 'timer', chain: [text('timer')] }], more: 1 },
    }),
  );
  return {
    host: text('host'),
    time: new Date(0),
    version: '0',
    engines: [
      { name: 'store', version: text('version'), directory: '/', description: text('engine') },
    ],
    held: { root: text('held'), since: text('since'), time: text('time'), reasons: [text('why')] },
    warnings: [said],
    moreRoots: 1,
    roots: [
      {
        id: text('root'),
        location: text('location'),
        role: 'booted',
        state: 'not ready',
        staged: text('staged'),
        lacks: { shown: [lack], more: 1 },
        images: { shown: images, more: 1 },
        counts: new Map([['missing', 1]]),
        notes: { shown: [{ ...lack, place: text('note') }], more: 1 },
        unread: said,
      },
    ],
    matrix: {
      columns: 1,
      rows: {
        shown: images.map(({ name, engine, state, digest }) => ({
          name,
          engine,
          cells: [{ state, digest }],
          differs: true,
        })),
        more: 1,
      },
    },
    sizes: { roots: [{ total: 1000, own: 10 }], total: 1000, apart: 2000, byImage: ['podman'] },
  };
}
