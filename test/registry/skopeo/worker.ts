import { delimiter } from 'node:path';
import fc from 'fast-check';
import { holds } from '../../support/property.ts';
import { trixieProgram } from '../../support/trixie.ts';
import { authQuestions } from './auth-questions.ts';
import { certsQuestions } from './certs-questions.ts';
import { type Part, type Question, same } from './compare.ts';
import { confQuestions } from './conf-questions.ts';
import { proxyQuestions } from './proxy-questions.ts';
import { HOME, makeWorld } from './world.ts';

interface Subject {
  readonly questions: fc.Arbitrary<Question>;
  readonly parts: readonly Part[];
}

// Run by skopeo.peer.test.ts in namespaces of its own: mounts and listeners end with this process.
const [, , directory = '', subject = '', runs = '1'] = process.argv;
const skopeo = trixieProgram('skopeo');
const world = await makeWorld(directory);
const counts = { succeeded: 0, failed: 0 };
process.env['PATH'] = `${HOME}/bin${delimiter}${process.env['PATH']}`;
const subjects: Readonly<Record<string, Subject>> = {
  // skopeo reads credentials before it asks, berth when a registry demands them.
  auth: { questions: authQuestions, parts: ['outcome', 'seen'] },
  certs: { questions: certsQuestions(world), parts: ['outcome', 'order', 'seen'] },
  conf: { questions: confQuestions, parts: ['outcome', 'order', 'seen'] },
  proxy: { questions: proxyQuestions, parts: ['outcome', 'first', 'seen'] },
};
const chosen = subjects[subject];
if (chosen === undefined) throw new Error(`no questions about ${subject}`);
const { questions, parts } = chosen;
await holds(
  Number(runs),
  fc.asyncProperty(questions, async (question) => {
    const { outcome } = await same(world, skopeo, question, parts);
    counts[outcome === 'failed' ? 'failed' : 'succeeded']++;
  }),
);
await world.close();
process.stdout.write(JSON.stringify(counts));
