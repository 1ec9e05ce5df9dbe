import fc from 'fast-check';
import { holds } from '../../support/property.ts';
import { trixieProgram } from '../../support/trixie.ts';
import { same } from './compare.ts';
import { confQuestions } from './conf-questions.ts';
import { makeWorld } from './world.ts';

// Run by places.peer.test.ts in namespaces of its own: what is mounted here, and listened to, ends
// with this process.
const [, , directory = '', subject = '', runs = '1'] = process.argv;
const skopeo = trixieProgram('skopeo');
const world = await makeWorld(directory);
const counts = { succeeded: 0, failed: 0 };
const questions = { conf: confQuestions }[subject];
if (questions === undefined) throw new Error(`no questions about ${subject}`);
await holds(
  Number(runs),
  fc.asyncProperty(questions, async (question) => {
    const { outcome } = await same(world, skopeo, question);
    counts[outcome === 'failed' ? 'failed' : 'succeeded']++;
  }),
);
await world.close();
process.stdout.write(JSON.stringify(counts));
