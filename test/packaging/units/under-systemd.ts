import type { TestContext } from 'node:test';
import type { Suite } from '../../support/debian-root.ts';
import { testBootOrder } from './boot-order.ts';
import { bootUnits } from './booted-units.ts';
import { testEnginesStart } from './engines-start.ts';
import { testInstalled } from './installed.ts';
import { testOutOfSandbox } from './out-of-sandbox.ts';
import { testRealBerth } from './real-berth.ts';
import { testReconciled } from './reconciled.ts';

/** The units do their work under the systemd and with the podman of a Debian release. */
export async function testUnderSystemd(t: TestContext, suite: Suite): Promise<void> {
  const units = await bootUnits(t, suite);
  await testInstalled(t, units);
  await testBootOrder(t, units);
  await testEnginesStart(t, units);
  await testReconciled(t, units);
  await testOutOfSandbox(t, units);
  // Last, because it takes the place of the stand-in for berth.
  await testRealBerth(t, units);
}
