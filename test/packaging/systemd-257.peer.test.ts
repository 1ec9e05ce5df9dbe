import { test } from 'node:test';
import { testUnderSystemd } from './units/under-systemd.ts';

test('the units under systemd 257, with podman 5.4', (t) => testUnderSystemd(t, 'trixie'));
