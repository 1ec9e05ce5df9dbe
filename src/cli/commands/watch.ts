import type { Command } from 'commander';
import type { Host } from '../../host/host.ts';
import { asRun } from '../../host/run.ts';
import { quietEngines } from '../../lifecycle/quiet-hours.ts';
import { watch } from '../../lifecycle/watch/watch.ts';
import { notifier } from '../../systemctl/notify.ts';
import { givingBack, keepProcessSmall } from '../heap.ts';
import { type CommonOptions, withCommonOptions } from '../options.ts';
import { openProgress } from '../render/progress.ts';
import { withHost } from '../with-host.ts';

/**
 * In milliseconds: how long to wait for the lock of a root. A root on which another berth process works is left to
 * that process for now.
 */
const LOCK_PATIENCE = 2000;

/** `berth watch`, which berth-watch.service runs as long as the host does. */
export function defineWatch(command: Command): void {
  withCommonOptions(
    command.description(
      'Follow the events of every engine that a staged root uses, and put back at once what ' +
        'somebody removes: pins and names of images that are still there, and images from berth’s ' +
        'own store, another engine, or else their registry. Runs until it is stopped.',
    ),
    ['table', 'json'],
  )
    .addHelpText('after', '\nExamples:\n  berth watch\n  berth watch --progress json')
    .action((options: CommonOptions) => {
      keepProcessSmall();
      const progress = openProgress(options.progress, options.progressFd, process.env);
      return withHost(
        options,
        run,
        { lockPatience: LOCK_PATIENCE, obeysRetryTimes: true, remembersNames: true },
        progress,
      );
    });
}

async function run(host: Host): Promise<void> {
  const { quietHours, onForce } = await host.config();
  const opened = await host.context();
  const context =
    quietHours === undefined
      ? opened
      : { ...opened, engines: quietEngines(opened.engines, quietHours) };
  const workEnded = givingBack();
  const systemd = notifier(host.environment);
  const watching = watch(context, opened.registry, {
    onForce,
    asRun: (work) => asRun(host, work).finally(workEnded),
  });
  systemd.ready();
  try {
    await watching;
  } finally {
    systemd.end();
  }
}
