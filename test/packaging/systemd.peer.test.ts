import { type TestContext, test } from 'node:test';
import type { Suite } from '../support/debian-root.ts';
import { testBootOrder } from './units/boot-order.ts';
import { bootUnits } from './units/booted-units.ts';
import { testEnginesStart } from './units/engines-start.ts';
import { testInstalled } from './units/installed.ts';
import { testOutOfSandbox } from './units/out-of-sandbox.ts';
import { testRealBerth } from './units/real-berth.ts';
import { testReconciled } from './units/reconciled.ts';

test('the units under systemd 252, with podman 4.3', (t) => underSystemd(t, 'bookworm'));
test('the units under systemd 257, with podman 5.4', (t) => underSystemd(t, 'trixie'));

async function underSystemd(t: TestContext, suite: Suite): Promise<void> {
  const units = await bootUnits(t, suite);
  await testInstalled(t, units);
  await testBootOrder(t, units);
  await testEnginesStart(t, units);
  await testReconciled(t, units);
  await testOutOfSandbox(t, units);
  // Last, because it takes the place of the stand-in for berth.
  await testRealBerth(t, units);
}
