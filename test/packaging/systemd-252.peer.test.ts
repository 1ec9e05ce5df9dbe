import { test } from 'node:test';
import { testUnderSystemd } from './units/under-systemd.ts';

test('the units under systemd 252, with podman 4.3', (t) => testUnderSystemd(t, 'bookworm'));
