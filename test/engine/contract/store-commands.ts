import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine } from '../../support/berth.ts';
import { type TrixieProgram, trixieProgram } from '../../support/trixie.ts';
import type { Command, Targets } from './command.ts';

/**
 * Ways in which others change the store without knowing berth: skopeo, which treats it as a plain OCI
 * layout, and somebody who deletes files.
 */
export function storeCommands(machine: Machine, store: string): readonly Command[] {
  const prune = async () =>
    (await machine.berth('prune', '--force', '--engine', 'store')).code === 0;
  const remove = (row: string, pathOf: (targets: Targets) => string): Command => {
    const run = async (targets: Targets) => {
      rmSync(join(store, pathOf(targets)), { recursive: true });
      return true;
    };
    return { row, run };
  };
  return [
    { row: 'berth prune --force', run: prune, prunes: true },
    ...skopeoRows.map((row) => skopeoCommand(row, machine, store)),
    remove('rm STORE/blobs/sha256/MANIFEST', ({ id }) => `blobs/${id.replace(':', '/')}`),
    remove('rm STORE/index.json', () => 'index.json'),
    remove('rm -r STORE/pins', () => 'pins'),
    remove('rm -r STORE', () => ''),
  ];
}

const skopeoRows = [
  'skopeo delete oci:STORE:NAME',
  'skopeo delete oci:STORE:NAME-OF-TWO',
  'skopeo copy oci:STORE:OTHER oci:STORE:NAME',
] as const;

function skopeoCommand(row: string, machine: Machine, store: string): Command {
  let skopeo: TrixieProgram | undefined;
  const run = async ({ name, second, otherName }: Targets) => {
    const meanings: Readonly<Record<string, string>> = {
      NAME: name,
      'NAME-OF-TWO': second,
      OTHER: otherName,
    };
    const words = row
      .split(' ')
      .slice(1)
      .map((word) =>
        word.replace(/^oci:STORE:(.+)$/, (_, image: string) => `oci:${store}:${meanings[image]}`),
      );
    skopeo ??= trixieProgram('skopeo');
    const { code, stderr } = await skopeo(['--insecure-policy', ...words], machine.environment);
    if (code !== 0) throw new Error(`${row}: ${stderr}`);
    return true;
  };
  return { row, run };
}
