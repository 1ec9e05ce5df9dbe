// Runs as a worker thread of `wanted-in-worker.ts`: reads one root, answers, and ends.
import { parentPort, workerData } from 'node:worker_threads';
import { wantedOf } from '../binding/wanted.ts';
import { packed } from '../binding/wanted-message.ts';
import { allConcealed } from '../common/concealed.ts';
import { BerthError } from '../common/errors.ts';
import { openRoot } from '../root/open-root.ts';
import type { Root } from '../root/root.ts';
import type { HostErrorCode } from './errors.ts';
import type { WantedAnswer, WantedRequest } from './wanted-in-worker.ts';

const request: WantedRequest = workerData;
// A rejection ends the thread, and reaches its creator as an error. (No `await` here: a bundle has none.)
void answerTo(request).then((answer) => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin
  parentPort?.postMessage(answer);
});

async function answerTo({ options, ...tree }: WantedRequest): Promise<WantedAnswer> {
  try {
    const root = await open(tree);
    try {
      return { wanted: packed(await wantedOf(root, options)), concealed: allConcealed() };
    } finally {
      root.close();
    }
  } catch (error) {
    if (!(error instanceof BerthError)) throw error;
    const { code, message, hint, kind } = error;
    return { error: { code, message, hint, kind }, concealed: allConcealed() };
  }
}

async function open({ location, deployment }: Omit<WantedRequest, 'options'>): Promise<Root> {
  if (deployment === undefined) return openRoot(location);
  const { openUpdaters } = await import('../deployment/read.ts');
  const { id, directories } = deployment;
  const { deployments } = await openUpdaters({ directories, environment: process.env }).all();
  const found = deployments.find((one) => one.id === id && one.location === location);
  if (found !== undefined) return found.open();
  throw new BerthError<HostErrorCode>(
    'no-deployment',
    `expected the deployment ${id} at ${location}, found none`,
    {
      hint: 'see whether the updater has removed it meanwhile',
    },
  );
}
