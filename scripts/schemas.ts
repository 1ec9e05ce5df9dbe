// Writes docs/schemas from the schemas of the code, or says with --check that they differ.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { toJsonSchema } from '@valibot/to-json-schema';
import { LockFile } from '../src/binding/lock-schema.ts';
import { ENGINE_ID } from '../src/common/engine-id.ts';
import { ProgressEvent } from '../src/documents/progress.ts';
import * as schemas from '../src/documents/schemas.ts';
import { EngineIdText } from '../src/engine/engine-id-schema.ts';
import { RecordFile } from '../src/state/record.ts';

const directory = resolve(import.meta.dirname, '../docs/schemas');

/** The files as they must be, by name. */
function schemaFiles(): Map<string, string> {
  const all = Object.entries({ ...schemas, Lock: LockFile, ProgressEvent, Record: RecordFile });
  return new Map(
    all.map(([kind, schema]) => {
      // What only code can judge, such as an image's name, stands there as the text that it is.
      const document = toJsonSchema(schema, {
        errorMode: 'throw',
        ignoreActions: ['check'],
        overrideSchema: ({ valibotSchema }) =>
          valibotSchema === EngineIdText
            ? { type: 'string', pattern: ENGINE_ID.source }
            : undefined,
      });
      const json = { title: `berth ${kind}`, ...document };
      return [`${kind}.json`, `${JSON.stringify(json, undefined, 2)}\n`];
    }),
  );
}

if (process.argv.includes('--check')) {
  const stale = [...schemaFiles()].filter(([name, text]) => readOrEmpty(name) !== text);
  if (stale.length > 0) {
    console.error(
      `docs/schemas is not what the code says: ${stale.map(([name]) => name).join(', ')}`,
    );
    console.error('  → run make schemas');
    process.exitCode = 1;
  }
} else {
  mkdirSync(directory, { recursive: true });
  for (const name of readdirSync(directory)) rmSync(join(directory, name));
  for (const [name, text] of schemaFiles()) writeFileSync(join(directory, name), text);
}

function readOrEmpty(name: string): string {
  try {
    return readFileSync(join(directory, name), 'utf8');
  } catch {
    return '';
  }
}
