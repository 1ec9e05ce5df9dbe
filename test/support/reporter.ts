import type { TestEvent } from 'node:test/reporters';

/** Too few tests means that the runner missed files: that must not look like success. */
const minimum = Number(process.env['BERTH_MINIMUM_TESTS'] ?? 1);

/** Prints failures as they come, every skip, and closes with `N passed, N failed, N skipped`. */
export default async function* reporter(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  for await (const event of events) {
    switch (event.type) {
      case 'test:pass':
        if (event.data.details.type === 'suite') break;
        if (event.data.skip !== undefined) {
          skipped++;
          yield `skipped: ${event.data.name} (${String(event.data.skip)})\n`;
        } else passed++;
        break;
      case 'test:fail':
        if (event.data.details.type === 'suite') break;
        failed++;
        yield `FAILED: ${event.data.name} (${event.data.file ?? '?'}:${event.data.line ?? 0})\n`;
        yield `${describe(event.data.details.error)}\n`;
        break;
      case 'test:stderr':
      case 'test:stdout':
        yield event.data.message;
        break;
      default:
    }
  }
  if (passed < minimum) {
    yield `expected at least ${minimum} tests to pass, only ${passed} ran and passed\n`;
    process.exitCode = 1;
  }
  yield `${passed} passed, ${failed} failed, ${skipped} skipped\n`;
}

function describe(error: Error & { cause?: unknown }): string {
  const cause = error.cause instanceof Error ? error.cause : error;
  return (cause.stack ?? cause.message).replace(/^/gm, '  ');
}
