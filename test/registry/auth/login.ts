import { Secret } from '../../../src/common/secret.ts';
import type { Access } from '../../../src/registry/access.ts';
import { buildImage } from '../../support/image-builder.ts';
import { password } from '../../support/registry-client.ts';

// What the tests of logins to registries have in common.

export const amd64 = { os: 'linux', architecture: 'amd64' };

export const image = buildImage({
  layers: [{ bytes: 50_000, seed: 1 }],
  platforms: ['linux/amd64'],
});

/** The login that the registries of these tests want. */
export const login = { username: 'robot', password: 'hunter2-secret' };

/** The host's credentials, which are right. */
export const knows = async () => password(login.username, login.password);

export const anonymous: Access = {};

/** The access of a unit that names the user, with this password. */
export const unit = (text: string, more: Access = {}): Access => ({
  ...more,
  credentials: { kind: 'basic', username: login.username, password: new Secret(text) },
});
