import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { EngineError } from '../../../../src/engine/errors.ts';
import { openPodman } from '../../../../src/engine/podman/podman.ts';
import { temporaryDirectory } from '../../../support/temporary.ts';

function unreachable(words: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof EngineError && error.code === 'engine-unreachable');
    assert.match(error.message, words);
    return true;
  };
}

test('without podman there is no service to start', async (t) => {
  const runtime = temporaryDirectory(t);
  const environment = { PATH: join(runtime, 'bin'), XDG_RUNTIME_DIR: runtime };
  await assert.rejects(
    openPodman({ user: true, pinKey: join(runtime, 'pins.key'), environment }),
    unreachable(/no podman on PATH/),
  );
  assert.deepEqual(readdirSync(runtime), []);
});

test('a service that does not start is heard', async (t) => {
  const directory = temporaryDirectory(t);
  const runtime = join(directory, 'runtime');
  mkdirSync(runtime);
  const environment = {
    PATH: `${directory}:/usr/bin:/bin`,
    XDG_RUNTIME_DIR: runtime,
    CONTAINER_CONNECTION: 'elsewhere',
  };
  const program = join(directory, 'podman');
  writeFileSync(
    program,
    '#!/bin/sh\nprintf %9999s X >&2; echo "$CONTAINER_CONNECTION: no cgroups: $*" >&2; exit 125\n',
  );
  chmodSync(program, 0o755);
  await assert.rejects(
    openPodman({ user: true, pinKey: join(runtime, 'pins.key'), environment }),
    unreachable(
      /it ended with 125: \s*X: no cgroups: system service --time=60 unix:.*podman\.sock$/,
    ),
  );
  assert.deepEqual(readdirSync(runtime), []);
});

/** A podman that finds the namespaces of its user gone, this many times, and then fails in another way. */
function missing(times: number): string {
  return `#!/bin/sh
echo start >>"$0.starts"
[ "$(wc -l <"$0.starts")" -le ${times} ] || { echo 'no cgroups' >&2; exit 125; }
echo 'level=error msg="invalid internal status, try resetting the pause process with \\"podman system migrate\\": cannot re-exec process"' >&2
exit 1
`;
}

test('a service that misses the namespaces of its user is started again, a few times', async (t) => {
  for (const [times, starts, words] of [
    [4, 5, /it ended with 125: no cgroups$/],
    [1000, 5, /it ended with 1: .*invalid internal status.*: cannot re-exec process"$/],
  ] as const) {
    const directory = temporaryDirectory(t);
    const runtime = join(directory, 'runtime');
    mkdirSync(runtime);
    const program = join(directory, 'podman');
    writeFileSync(program, missing(times), { mode: 0o755 });
    const environment = { PATH: `${directory}:/usr/bin:/bin`, XDG_RUNTIME_DIR: runtime };
    await assert.rejects(
      openPodman({ user: true, pinKey: join(runtime, 'pins.key'), environment }),
      unreachable(words),
    );
    assert.equal(readFileSync(`${program}.starts`, 'utf8').split('\n').length - 1, starts);
    assert.deepEqual(readdirSync(runtime), []);
  }
});
