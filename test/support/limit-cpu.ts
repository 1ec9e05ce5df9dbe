import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';

/**
 * Fails a test that takes more seconds of this process's CPU time: far more than it needs, and far
 * less than what takes the square of a long input. Other programs on the machine don't count.
 */
export function limitCpu(t: TestContext, seconds: number): void {
  const before = process.cpuUsage();
  t.after(() => {
    const { user, system } = process.cpuUsage(before);
    const used = (user + system) / 1e6;
    assert.ok(used < seconds, `expected less than ${seconds} s of CPU time, found ${used} s`);
  });
}
