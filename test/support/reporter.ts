import { relative, resolve } from 'node:path';
import type { TestEvent } from 'node:test/reporters';
import { stripVTControlCharacters } from 'node:util';

/** Too few tests means that the runner missed files: that must not look like success. */
const minimum = Number(process.env['BERTH_MINIMUM_TESTS'] ?? 1);

/** The files of the run: one that ends before it has told its tests would look like one without tests. */
const expected = (process.env['BERTH_TEST_FILES'] ?? '')
  .split('\n')
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => resolve(name));

/** Bounds that leave what a failed test says on one screen. */
const MESSAGE_LINES = 24;
const STACK_LINES = 4;
const OUTPUT_LINES = 10;
const LINE_CHARACTERS = 200;
const KEPT_CHARACTERS = 8000;

const SLOWEST = 10;

interface Failed {
  readonly name: string;
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  readonly details: { readonly error: Error };
}

/**
 * Prints failures as they come, then the slowest files, the reasons of what was skipped, and as the
 * last line `N passed, N failed, N skipped`. What tests and their programs print is shown only
 * for a file in which a test failed.
 */
export default async function* reporter(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  let passed = 0;
  let failed = 0;
  const skips = new Map<string, number>();
  const output = new Map<string, string>();
  const files: { readonly file: string; readonly ms: number }[] = [];
  for await (const { type, data } of events) {
    switch (type) {
      case 'test:pass':
        if (data.details.type === 'suite') break;
        if (data.skip === undefined) passed++;
        else skips.set(String(data.skip), (skips.get(String(data.skip)) ?? 0) + 1);
        break;
      case 'test:fail':
        // The subtest that failed has been shown.
        if (data.details.type === 'suite' || isOfSubtests(data.details.error)) break;
        failed++;
        yield failure(data, output.get(resolve(data.file ?? '')) ?? '');
        output.delete(resolve(data.file ?? ''));
        break;
      case 'test:stderr':
      case 'test:stdout': {
        const file = resolve(data.file);
        output.set(file, `${output.get(file) ?? ''}${data.message}`.slice(-KEPT_CHARACTERS));
        break;
      }
      case 'test:summary':
        if (data.file === undefined) yield slowest(files, data.duration_ms);
        else {
          files.push({ file: data.file, ms: data.duration_ms });
          output.delete(data.file);
        }
        break;
      default:
    }
  }
  for (const [reason, count] of skips) yield `skipped: ${count} (${reason})\n`;
  if (passed < minimum) {
    yield `expected at least ${minimum} tests to pass, only ${passed} ran and passed\n`;
    process.exitCode = 1;
  }
  const ended = new Set(files.map(({ file }) => resolve(file)));
  for (const file of expected.filter((name) => !ended.has(name))) {
    failed++;
    yield `FAILED: ${relative('.', file)} ended without having told all its tests\n`;
    process.exitCode = 1;
  }
  const skipped = [...skips.values()].reduce((sum, count) => sum + count, 0);
  yield `${passed} passed, ${failed} failed, ${skipped} skipped\n`;
}

function isOfSubtests(error: Error): boolean {
  return 'failureType' in error && error.failureType === 'subtestsFailed';
}

function failure({ name, file, line, details }: Failed, output: string): string {
  const place = file === undefined ? '?' : `${relative('.', file)}:${line ?? 0}`;
  const said = output.trimEnd() === '' ? [] : output.trimEnd().split('\n').slice(-OUTPUT_LINES);
  const lines = [
    `FAILED: ${name} (${place})`,
    ...describe(details.error).map((text) => `  ${text}`),
    ...said.map((text) => `  | ${text}`),
  ];
  return `${lines.map(printable).join('\n')}\n`;
}

/** The message, and the callers without those inside Node. */
function describe(error: Error): readonly string[] {
  const cause = error.cause instanceof Error ? error.cause : error;
  const lines = (cause.stack ?? cause.message).split('\n');
  const isCaller = (line: string) => /^ {4}at /.test(line);
  const message = lines.filter((line) => !isCaller(line));
  const callers = lines.filter((line) => isCaller(line) && !line.includes('node:'));
  const more = message.length - MESSAGE_LINES;
  return [
    ...message.slice(0, MESSAGE_LINES),
    ...(more > 0 ? [`… ${more} more lines`] : []),
    ...callers.slice(0, STACK_LINES),
  ];
}

/** Programs may print whatever they like: no control characters reach the terminal. */
function printable(line: string): string {
  return stripVTControlCharacters(line)
    .replace(/[^\P{Cc}\t]/gu, '?')
    .slice(0, LINE_CHARACTERS);
}

function slowest(files: readonly { file: string; ms: number }[], total: number): string {
  const seconds = (ms: number) => (ms / 1000).toFixed(1);
  const lines = files
    .toSorted((a, b) => b.ms - a.ms)
    .slice(0, SLOWEST)
    .map(({ file, ms }) => `  ${seconds(ms).padStart(6)} s  ${relative('.', file)}\n`);
  const heading = `${files.length} files in ${seconds(total)} s`;
  return files.length === 1
    ? `${heading}\n`
    : `${heading}; the slowest of them, each with what ran beside it:\n${lines.join('')}`;
}
