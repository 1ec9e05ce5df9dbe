import { chmodSync, mkdirSync, readFileSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A script in the place of berth: what is tested is how systemd calls it. It writes down each call,
 * and answers as the files beside that list say.
 */
export class StandIn {
  readonly #state: string;

  constructor(root: string) {
    this.#state = join(root, 'var/lib/berth');
    mkdirSync(this.#state, { recursive: true });
    writeFileSync(join(this.#state, 'calls'), '');
    const program = join(root, 'usr/bin/berth');
    writeFileSync(program, script);
    chmodSync(program, 0o755);
  }

  /** What an `activate` or `reconcile` from now on exits with. */
  answer(command: 'activate' | 'reconcile', code: number): void {
    writeFileSync(join(this.#state, command), String(code));
  }

  /** The command lines so far that begin so. */
  calls(command: string): string[] {
    const lines = readFileSync(join(this.#state, 'calls'), 'utf8').split('\n');
    return lines.filter((line) => line.startsWith(command));
  }

  /** Waits until there are so many. */
  async called(command: string, times: number, signal: AbortSignal): Promise<void> {
    const enough = Promise.withResolvers<void>();
    const look = () => {
      if (this.calls(command).length >= times) enough.resolve();
    };
    const watcher = watch(this.#state, { signal }, look);
    look();
    await enough.promise;
    watcher.close();
  }
}

/** An activation takes a moment: what does not wait for it comes before its end. */
const script = `#!/bin/sh
state=/var/lib/berth
echo "$*" >>$state/calls
case $* in
  'activate --pull-needed present-image.service') exit 1 ;;
  'activate --pull-needed '*) exit 0 ;;
  activate) sleep 0.5 ;;
esac
[ ! -e "$state/$1" ] || exit "$(cat "$state/$1")"
`;
