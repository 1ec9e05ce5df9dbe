import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { array, looseObject, parse, string } from 'valibot';
import type { PinRequest } from '../../src/engine/pin.ts';
import { pinLabels, SEAL_LABEL } from '../../src/engine/pins/labels.ts';
import { newPinName } from '../../src/engine/pins/pin-name.ts';
import { Seals } from '../../src/engine/pins/seals.ts';
import { newPodName, podLabels } from '../../src/engine/podman/pins/pod-of-pins.ts';

/** The pins of a root. */
export interface PinsOfRoot {
  readonly root: string;
  readonly requests: readonly PinRequest[];
}

/**
 * Writes pins into the database of a podman that does not run, as copies of the one pin that it has: making
 * thousands of containers takes podman many minutes.
 *
 * @param directory with podman's store in `root`, of a podman from 5.0 on, whose database is SQLite.
 */
export function copyPinOfPodman(
  directory: string,
  pinKey: string,
  roots: readonly PinsOfRoot[],
): void {
  const store = join(directory, 'root');
  const listed = join(store, 'overlay-containers/containers.json');
  const [stored] = parse(array(storedContainer), JSON.parse(readFileSync(listed, 'utf8')));
  if (stored === undefined) throw new Error('expected a podman with one container, found none');
  const database = new DatabaseSync(join(store, 'db.sql'));
  const pod = String(database.prepare('SELECT ID FROM PodConfig').get()?.['ID']);
  const seals = new Seals(pinKey);
  const all = [stored];
  database.exec('BEGIN; PRAGMA defer_foreign_keys = ON');
  for (const { root, requests } of roots) {
    const newPod = { ID: idOf(root), Name: newPodName(root) };
    copyRows(database, ['PodConfig', 'PodState'], pod, newPod, { labels: podLabels(root) });
    for (const request of requests) {
      const made = { ID: idOf(`${root} ${request.id}`), Name: newPinName(root), PodID: newPod.ID };
      const labels = pinLabels(root, request);
      copyRows(database, ['ContainerConfig', 'ContainerState'], stored.id, made, {
        pod: newPod.ID,
        rootfsImageID: hexOf(request.id),
        rootfsImageName: request.names[0]?.name ?? '',
        labels: { ...labels, [SEAL_LABEL]: seals.make(made.Name, labels) },
      });
      all.push({ ...stored, id: made.ID, names: [made.Name], image: hexOf(request.id) });
    }
  }
  database.exec('COMMIT');
  database.close();
  writeFileSync(listed, JSON.stringify(all));
}

const storedContainer = looseObject({ id: string(), names: array(string()), image: string() });

interface Row {
  readonly ID: string;
  readonly Name: string;
  readonly PodID?: string;
}

/** Copies the rows of one container or pod: the first table has its settings, the second its state. */
function copyRows(
  database: DatabaseSync,
  tables: readonly [string, string],
  id: string,
  row: Row,
  settings: object,
): void {
  database.prepare('INSERT INTO IDNamespace VALUES (?)').run(row.ID);
  for (const [index, table] of tables.entries()) {
    const known = database.prepare(`SELECT * FROM ${table} WHERE ID = ?`).get(id) ?? {};
    const text = Buffer.from(known['JSON'] as Uint8Array)
      .toString()
      .replaceAll(id, row.ID);
    const changed = index === 0 ? { name: row.Name, ...settings } : {};
    const values: Record<string, unknown> = { ...known, ...row };
    values['JSON'] = Buffer.from(JSON.stringify({ ...JSON.parse(text), ...changed }));
    const columns = Object.keys(known);
    const marks = columns.map(() => '?').join(', ');
    const insert = database.prepare(
      `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${marks})`,
    );
    insert.run(...columns.map((column) => values[column] as string));
  }
}

function idOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hexOf(digest: string): string {
  return digest.replace(/^sha256:/, '');
}
