import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test, { type TestContext } from 'node:test';
import { type BootedHost, bootHost } from '../support/booted-host.ts';
import { debianRoot, ownStore } from '../support/debian-root.ts';
import { runDockerRegistry } from '../support/docker-registry.ts';
import { install } from '../support/installed.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { maskTranscript } from '../support/transcript.ts';

const page = resolve(import.meta.dirname, '../../docs/tutorial.md');

interface Step {
  readonly script: string;
  /** What the page says that the script prints; undefined if it says nothing. */
  readonly shown: string | undefined;
}

/** The blocks of the page: each script with what is shown right below. */
function stepsOf(text: string): readonly Step[] {
  const blocks = text.matchAll(/^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?/gms);
  return [...blocks].map(([, script = '', shown]) => ({ script, shown }));
}

test('docs/tutorial.md: each command, and what it prints', async (t) => {
  const run = await startTutorial(t);
  const steps = stepsOf(readFileSync(page, 'utf8'));
  assert.ok(steps.length > 15);
  for (const { script, shown } of steps) {
    const printed = await run(script);
    if (shown !== undefined) assert.equal(squeezed(printed), squeezed(shown), script);
  }
});

/** The name of the registry, which has another port in a test, decides how wide a column is; builds differ by bytes. */
const squeezed = (text: string) =>
  text.replaceAll(/ {2,}/g, '  ').replaceAll(/\d[\d.]* [kM]?B\b/g, '… B');

/**
 * Runs the scripts of the page one after the other. What the machine of a test can't have is done in another way:
 * packages are there, debootstrap copies a root that it has made before, the registry has a port of its own, and
 * the host is known to no systemd, so that commands in it are run by nsenter.
 */
async function startTutorial(t: TestContext): Promise<(script: string) => Promise<string>> {
  const directory = temporaryDirectory(t);
  const at = (name: string) => join(directory, name);
  for (const name of ['registry', 'installed', 'store']) mkdirSync(at(name));
  const registry = await runDockerRegistry(at('registry'), { login: false });
  t.after(registry.stop);
  install(at('installed'));
  const port = registry.host.replace(/.*:/, '');
  const here = (text: string) =>
    text.replaceAll('/srv/edge', at('edge')).replaceAll('localhost:5000', `localhost:${port}`);
  const there = (text: string) => text.replaceAll(`localhost:${port}`, 'localhost:5000');
  let host: BootedHost | undefined;
  const stands = () => `
    apt-get() { :; }
    debootstrap() { for word; do last=$word; done; cp -a '${debianRoot('trixie')}' "$last"; }
    make() { cp -a '${at('installed')}/.' "\${3#DESTDIR=}"; }
    edge() { nsenter -t ${host?.leader} -a -- env -i PATH=/usr/bin:/usr/sbin "$@"; }
    [ ! -d '${at('edge')}' ] || cd '${at('edge')}'`;
  return async (script) => {
    if (script.startsWith('systemd-nspawn ')) {
      host = await boot(t, here(script));
      return '';
    }
    if (script.includes('systemctl stop docker-registry')) await registry.stop();
    if (script.includes('edge systemctl poweroff')) await host?.powerOff();
    const own = here(script).replaceAll(
      /^(?:edge\(\) .*|edge systemctl poweroff|systemctl stop .*)$/gm,
      '',
    );
    const printed = execFileSync('bash', ['--norc', '-euc', `${stands()}\n${own}`], {
      encoding: 'utf8',
      env: { ...process.env, ...ownStore(at('store')), BERTH: 'elsewhere' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return maskTranscript(there(printed));
  };
}

/** Boots the slot that a line of the page names, with what that binds. */
async function boot(t: TestContext, line: string): Promise<BootedHost> {
  const words = line.replaceAll('\\\n', '').trim().split(/\s+/);
  const directory = words.find((word) => word.startsWith('--directory='));
  assert.ok(directory !== undefined);
  return bootHost(t, directory.slice('--directory='.length), {
    words: words.filter((word) => word.startsWith('--bind')),
  });
}
