import test from 'node:test';
import { skipPodman } from '../../../support/podman.ts';
import { testUsers } from './users.ts';

test('the podmans of users on Debian trixie', { skip: skipPodman }, (t) => testUsers(t, 'trixie'));
