import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { clearAway } from './clear-away.ts';

/** How a key is made. */
interface KeyOptions {
  /** As gpg names them: `ed25519`, `rsa2048`. */
  readonly algorithm?: string;
  readonly usage?: 'sign' | 'cert';
  /** As gpg takes it: `never`, `1d`. */
  readonly expires?: string;
  /** The time that gpg is told to be in: `20200101T000000`. */
  readonly at?: string;
}

/** A keyring of the test's own with real keys of GnuPG; its agent ends with the test. */
export function startGpg(t: TestContext) {
  // Not in a directory of the test: the path of the agent's socket must be short.
  const home = mkdtempSync(join(tmpdir(), 'gpg-'));
  t.after(async () => {
    spawnSync('gpgconf', ['--homedir', home, '--kill', 'all']);
    await clearAway(home);
  });

  const gpg = (words: readonly string[], input: string | Buffer = ''): Buffer => {
    const quiet = ['--batch', '--yes', '--quiet', '--pinentry-mode', 'loopback'];
    const own = ['--homedir', home, ...quiet, '--passphrase', ''];
    const { status, stdout, stderr } = spawnSync('gpg', [...own, ...words], { input });
    assert.equal(status, 0, `gpg ${words.join(' ')}: ${stderr.toString()}`);
    return stdout;
  };
  const timed = (at?: string) => (at === undefined ? [] : ['--faked-system-time', `${at}!`]);

  /** The fingerprints of a key and its subkeys. */
  const fingerprints = (name: string): readonly string[] =>
    [
      ...gpg(['--with-colons', '--list-keys', address(name)])
        .toString()
        .matchAll(/^fpr:+([0-9A-F]+):/gm),
    ].map(([, fingerprint = '']) => fingerprint);

  return {
    /** The directory of the keyring. */
    home,
    gpg,
    fingerprints,

    /** Makes a key. */
    key(name: string, options: KeyOptions = {}): void {
      const { algorithm = 'ed25519', usage = 'sign', expires = 'never', at } = options;
      gpg([...timed(at), '--quick-generate-key', address(name), algorithm, usage, expires]);
    },

    /** Adds a subkey that signs, and returns its fingerprint. */
    subkey(name: string, expires = 'never'): string {
      const [primary = ''] = fingerprints(name);
      gpg(['--quick-add-key', primary, 'ed25519', 'sign', expires]);
      return fingerprints(name).at(-1) ?? '';
    },

    /** The public key. */
    public(name: string, ...words: readonly string[]): Buffer {
      return gpg([...words, '--export', address(name)]);
    },

    /** The public key, revoked. */
    revoked(name: string): Buffer {
      const [primary = ''] = fingerprints(name);
      const path = join(home, 'openpgp-revocs.d', `${primary}.rev`);
      // GnuPG puts a colon before the armor, so that nobody imports it by mistake.
      const text = spawnSync('sed', ['s/^:-----/-----/', path]).stdout;
      gpg(['--import'], text);
      return gpg(['--export', address(name)]);
    },

    /**
     * A message with the content and a signature, as containers/image makes it.
     *
     * @param name that of a key, or the fingerprint of a subkey.
     */
    sign(
      name: string,
      content: string | Buffer,
      { words = [], at }: { readonly words?: readonly string[]; readonly at?: string } = {},
    ): Buffer {
      const isSubkey = /^[0-9A-F]{40}$/.test(name);
      const signer = isSubkey ? `${name}!` : (fingerprints(name)[0] ?? '');
      return gpg([...timed(at), ...words, '--local-user', signer, '--sign'], content);
    },
  };
}

function address(name: string): string {
  return `${name} <${name}@example.com>`;
}

/** What a simple signature of this manifest under this name says: containers-signature(5). */
export function statement(
  name: string,
  digest: string,
): { critical: Record<string, unknown>; optional: unknown } {
  return {
    critical: {
      type: 'atomic container signature',
      image: { 'docker-manifest-digest': digest },
      identity: { 'docker-reference': name },
    },
    optional: { creator: 'test', timestamp: 1_600_000_000 },
  };
}
