import { test } from 'node:test';
import { testUnderSystemd } from './units/under-systemd.ts';

test('the units under systemd 262, with podman 5.8', (t) => testUnderSystemd(t, 'forky'));
