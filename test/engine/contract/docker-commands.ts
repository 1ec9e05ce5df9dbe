import assert from 'node:assert/strict';
import type { TestDocker } from '../../support/docker.ts';
import type { Ran } from '../../support/service.ts';
import type { Command, Targets } from './command.ts';

/**
 * Every command of docker that removes images, names or containers, and those that change what a prune takes.
 * The words in capitals are those of podman's table.
 */
const rows = [
  'docker rmi NAME',
  'docker rmi NAME-OF-TWO',
  'docker rmi ID',
  'docker rmi ID-OF-TWO',
  'docker rmi -f NAME',
  'docker rmi -f NAME-OF-TWO',
  'docker rmi -f ID',
  'docker rmi -f ID-OF-TWO',
  'docker tag OTHER NAME',
  'docker tag OTHER NAME, then docker image prune -f',
  'docker image prune -f',
  'docker image prune -af',
  'docker image prune -af --filter until=1s',
  'docker image prune -af --filter label!=keep',
  'docker container prune -f',
  'docker container prune -f --filter label!=keep',
  'docker container prune -f, then docker image prune -af',
  'docker rm CONTAINER',
  'docker rm -f CONTAINER',
  'docker rm -vf CONTAINER',
  'docker rename CONTAINER other',
  'docker start CONTAINER, then docker image prune -af',
  'docker restart CONTAINER, then docker image prune -af',
  'docker stop CONTAINER, then docker image prune -af',
  'docker kill CONTAINER, then docker image prune -af',
  'docker volume prune -f',
  'docker network prune -f',
  'docker builder prune -af',
  'docker system prune -f',
  'docker system prune -af',
  'docker system prune -af --volumes',
  'docker system prune -af --filter label!=keep',
] as const;

/** Commands that remove images which nothing holds. */
const pruning = /(?:image|system) prune -af(?: --volumes)?$/;

export function dockerCommands(docker: TestDocker): readonly Command[] {
  const commands = rows.map((row): Command => {
    const run = async (targets: Targets) => {
      for (const line of row.split(', then ')) {
        if (!(await runLine(docker, line, targets))) return false;
      }
      return true;
    };
    return { row, run, prunes: pruning.test(row) };
  });
  const restart = async () => {
    await docker.restart();
    return true;
  };
  return [...commands, { row: 'docker restarts', run: restart }];
}

async function runLine(docker: TestDocker, line: string, targets: Targets): Promise<boolean> {
  const words = line.split(' ').slice(1);
  // docker's ids are not berth's if docker uses the image store of containerd.
  const idOf = (name: string) => docker.docker('image', 'inspect', '--format={{.Id}}', name);
  const meanings: Readonly<Record<string, string>> = {
    NAME: targets.name,
    ID: words.includes('ID') ? await idOf(targets.name) : '',
    'NAME-OF-TWO': targets.second,
    'ID-OF-TWO': words.includes('ID-OF-TWO') ? await idOf(targets.second) : '',
    OTHER: targets.otherName,
    CONTAINER: targets.pin,
  };
  const ran = await docker.tryDocker(...words.map((word) => meanings[word] ?? word));
  if (/unknown (?:shorthand )?flag|unknown command/.test(ran.stderr)) return false;
  assertTried(line, ran);
  return true;
}

/** Fails if docker did not carry a command out for reasons of the test's own: that would show nothing. */
function assertTried(line: string, { code, stderr }: Ran): void {
  if (code === 0) return;
  if (/ (?:re)?start /.test(line)) assert.match(stderr, /\/\.berth-pin/, line);
  else if (/ rmi /.test(line)) assert.match(stderr, /conflict/, line);
  else if (/ (?:stop|kill) /.test(line)) assert.match(stderr, /is not running/, line);
  else assert.fail(`${line}: ${stderr}`);
}
