import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import type { Outcome } from './ask.ts';
import { type Refusal, refusals } from './refusals.ts';
import type { Scenario } from './scenario.ts';
import type { World } from './world.ts';

/** The listed refusal because of which berth did not take what skopeo took, if there is one. */
export function listedRefusal(scenario: Scenario, berth: Outcome): Refusal | undefined {
  return refusals.find(({ isIn, says }) => isIn(scenario) && says.test(berth.said));
}

/** Holds what both clients did against what must hold whatever registries do. */
export function judge(
  scenario: Scenario,
  world: World,
  { skopeo, berth }: { readonly skopeo: Outcome; readonly berth: Outcome },
): void {
  const said = `\nskopeo: ${skopeo.said}\nberth: ${berth.said}\n`;
  const isListed = listedRefusal(scenario, berth) !== undefined;
  // What a mirror has altered berth gets from the registry.
  const isOwn = berth.manifest === world.registry.built.manifest;
  if (skopeo.manifest !== undefined && !isListed && !isOwn) {
    assert.equal(berth.manifest, skopeo.manifest, `skopeo has the image${said}`);
  }
  for (const error of berth.errors) checkWords(error);
  if (berth.manifest === undefined) assert.notEqual(berth.errors.length, 0, said);
  // No server is silent for long, so that a reply for which berth waits in vain is one that it misreads.
  assert.doesNotMatch(berth.said, /(?:nothing|bytes only) for \d+ seconds/);
  checkSecrets(world, berth);
}

const WORDS =
  /^registry 127\.0\.0\.1:\d+(?: is not asked now: .+)?, repository (?:cache\/hub\/)?acme\/app: expected .+, found ./s;

/** An error says where, what was expected, what was found, and what to do. */
function checkWords({ message, hint }: Outcome['errors'][number]): void {
  assert.match(message, WORDS);
  assert.ok(message.length < 2000 && hint.length > 10, message);
}

/** A password or a token goes to its own registry and its token server, and into no message. */
function checkSecrets({ registry, mirrors }: World, { said }: Outcome): void {
  const secrets = registry.secrets;
  const others = [
    ...registry.askedElsewhere.filter(({ path }) => !path.startsWith('/token')),
    ...mirrors.flatMap(({ asked, askedElsewhere }) => [...asked, ...askedElsewhere]),
  ];
  for (const secret of secrets) {
    assert.ok(!said.includes(secret), `${secret} is in ${said}`);
    for (const asked of others) {
      const all = inspect(asked, { maxStringLength: null });
      assert.ok(!all.includes(secret), `${secret} went to another host: ${all}`);
    }
  }
}
