import { rmSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { API_VERSION } from '../common/version.ts';
import type { RetryTimes } from '../registry/circuit-breaker.ts';
import { readNote, writeStateFile } from './state-file.ts';

/** When each registry may be asked again: the file `retry-times.json`, times in ISO 8601. */
const RetryTimesFile = v.object({
  apiVersion: v.literal(API_VERSION),
  kind: v.literal('RetryTimes'),
  hosts: v.record(v.string(), v.pipe(v.string(), v.isoTimestamp())),
});

/** The times that registries asked earlier runs to wait for. A damaged file has none, and is written anew. */
export function readRetryTimes(stateDirectory: string): RetryTimes {
  const hosts = readNote(pathIn(stateDirectory), RetryTimesFile)?.hosts;
  return new Map(Object.entries(hosts ?? {}).map(([host, time]) => [host, Date.parse(time)]));
}

/** Keeps what lies ahead; where nothing does, there is no file. */
export function writeRetryTimes(stateDirectory: string, times: RetryTimes): void {
  const path = pathIn(stateDirectory);
  const ahead = [...times].filter(([, time]) => time > Date.now());
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
