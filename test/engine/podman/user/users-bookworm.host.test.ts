import test from 'node:test';
import { skipPodman } from '../../../support/podman.ts';
import { testUsers } from './users.ts';

test('the podmans of users on Debian bookworm', { skip: skipPodman }, (t) =>
  testUsers(t, 'bookworm'),
);
