import assert from 'node:assert/strict';
import type { TestPodman } from '../../support/podman.ts';
import type { Ran } from '../../support/service.ts';
import type { Command, Targets } from './command.ts';

/**
 * Every command of podman that removes images, names, containers or pods, and those that change what a
 * prune takes. `NAME` and `ID` mean an image with one name, `NAME-OF-TWO` and `ID-OF-TWO` one with two,
 * `OTHER` one that nothing holds, `CONTAINER` and `POD` what berth pins by.
 */
const rows = [
  'podman rmi NAME',
  'podman rmi NAME-OF-TWO',
  'podman rmi ID',
  'podman rmi ID-OF-TWO',
  'podman rmi -a',
  'podman rmi -f NAME',
  'podman rmi -f NAME-OF-TWO',
  'podman rmi -f ID',
  'podman rmi -af',
  'podman manifest rm NAME',
  'podman untag NAME',
  'podman untag ID-OF-TWO NAME-OF-TWO',
  'podman untag ID-OF-TWO',
  'podman tag OTHER NAME',
  'podman tag OTHER NAME, then podman image prune -f',
  'podman image prune -f',
  'podman image prune -af',
  'podman image prune -af --build-cache',
  'podman image prune -af --external',
  'podman container prune -f',
  'podman container cleanup -a --rm',
  'podman container cleanup -a --rmi',
  'podman rm CONTAINER',
  'podman rm -f CONTAINER',
  'podman rm -a',
  'podman rm -af',
  'podman pod prune -f',
  'podman pod rm POD',
  'podman pod rm -f POD',
  'podman pod rm -a',
  'podman pod rm -af',
  'podman volume prune -f',
  'podman network prune -f',
  'podman system prune -f',
  'podman system prune -f --build',
  'podman system prune -f --external',
  'podman system prune -af',
  'podman system prune -af --volumes',
  'podman start --all, then podman system prune -af',
  'podman restart --all, then podman system prune -af',
  'podman stop --all, then podman system prune -af',
  'podman kill --all, then podman system prune -af',
  'podman pod start --all, then podman pod prune -f',
  'podman pod restart --all, then podman pod prune -f',
  'podman pod stop --all, then podman pod prune -f',
  'podman pod kill --all, then podman pod prune -f',
  'podman system check --repair --force',
  'podman system reset -f',
] as const;

/** Commands that remove images which nothing holds. */
const pruning = /(?:image|system) prune -af/;

/** @param reboot ends podman as a shutdown does, and starts it as a boot does. */
export function podmanCommands(
  podman: TestPodman,
  reboot: () => Promise<void>,
): readonly Command[] {
  const commands = rows.map((row): Command => {
    const run = async (targets: Targets) => {
      for (const line of row.split(', then ')) {
        if (!(await runLine(podman, line, targets))) return false;
      }
      // The service still has files open that a reset deleted.
      if (row.includes('reset')) await podman.restart();
      return true;
    };
    return { row, run, prunes: pruning.test(row) };
  });
  const boot = async () => {
    await reboot();
    return true;
  };
  return [...commands, { row: 'the machine boots', run: boot }];
}

async function runLine(podman: TestPodman, line: string, targets: Targets): Promise<boolean> {
  const { pin } = targets;
  const words = line.split(' ').slice(1);
  const pod = words.includes('POD')
    ? await podman.podman('inspect', '--format', '{{.Pod}}', pin)
    : '';
  const meanings: Readonly<Record<string, string>> = {
    NAME: targets.name,
    ID: hexOf(targets.id),
    'NAME-OF-TWO': targets.second,
    'ID-OF-TWO': hexOf(targets.secondId),
    OTHER: hexOf(targets.other),
    CONTAINER: pin,
    POD: pod,
  };
  const ran = await podman.tryPodman(...words.map((word) => meanings[word] ?? word));
  if (/unknown (?:shorthand )?flag|unrecognized command|unknown command/.test(ran.stderr)) {
    return false;
  }
  assertTried(line, ran);
  return true;
}

/** Fails if podman did not carry a command out for reasons of the test's own: that would show nothing. */
function assertTried(line: string, { code, stderr }: Ran): void {
  if (/ (?:re)?start /.test(line)) assert.match(stderr, /\/\.berth-pin/, line);
  else if (/ (?:prune|stop|kill|check|reset) /.test(line))
    assert.equal(code, 0, `${line}: ${stderr}`);
}

function hexOf(id: string): string {
  return id.replace('sha256:', '');
}
