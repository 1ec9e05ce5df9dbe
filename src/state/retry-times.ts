import { rmSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { API_VERSION } from '../common/version.ts';
import type { RetryTimes } from '../registry/circuit-breaker.ts';
import { restUntil } from '../registry/retry-after.ts';
import { readNote, writeStateFile } from './state-file.ts';

/** The file `retry-times.json`: when each registry may be asked again, in ISO 8601. */
const RetryTimesFile = v.object({
  apiVersion: v.literal(API_VERSION),
  kind: v.literal('RetryTimes'),
  hosts: v.record(v.string(), v.pipe(v.string(), v.isoTimestamp())),
});

/**
 * The times that registries asked earlier runs to wait for. A damaged file has none, and the next write
 * replaces it.
 */
export function readRetryTimes(stateDirectory: string): RetryTimes {
  const hosts = readNote(pathIn(stateDirectory), RetryTimesFile)?.hosts;
  return new Map(Object.entries(hosts ?? {}).map(([host, time]) => [host, Date.parse(time)]));
}

/** Writes the times that lie ahead; without any, the file is removed. */
export function writeRetryTimes(stateDirectory: string, times: RetryTimes): void {
  const path = pathIn(stateDirectory);
  const ahead = [...times].filter(([, time]) => restUntil(time) > 0);
  if (ahead.length === 0) return rmSync(path, { force: true });
  const hosts = Object.fromEntries(
    ahead.map(([host, time]) => [host, new Date(time).toISOString()]),
  );
  const file = { apiVersion: API_VERSION, kind: 'RetryTimes', hosts };
  writeStateFile(path, `${JSON.stringify(file, undefined, 2)}\n`);
}

function pathIn(stateDirectory: string): string {
  return join(stateDirectory, 'retry-times.json');
}
