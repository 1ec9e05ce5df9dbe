import * as v from 'valibot';
import { decodeBase64 } from '../../common/base64.ts';
import { identitySchema } from './identity.ts';

/** One requirement of a policy.json: containers-policy.json(5), "POLICY REQUIREMENTS". */
export type Requirement = v.InferOutput<typeof requirementSchema>;

export type SigstoreSigned = Extract<Requirement, { type: 'sigstoreSigned' }>;

export type SignedBy = Extract<Requirement, { type: 'signedBy' }>;

/** A requirement that a signature can meet. */
export type Signed = SignedBy | SigstoreSigned;

const base64 = v.pipe(v.string(), v.transform(decodeBase64), v.instance(Buffer, 'expected base64'));
const paths = v.pipe(v.array(v.string()), v.minLength(1, 'expected at least one path'));
const datas = v.pipe(v.array(base64), v.minLength(1, 'expected at least one key'));
const text = v.pipe(v.string(), v.minLength(1, 'expected text that is not empty'));
const signedIdentity = v.optional(identitySchema, { type: 'matchRepoDigestOrExact' });

/** The number of keys that are set; an empty path does not count. */
function said(object: object, keys: readonly string[]): number {
  return Object.entries(object).filter(([key, value]) => keys.includes(key) && value !== '').length;
}

const signedBy = v.pipe(
  v.strictObject({
    type: v.literal('signedBy'),
    keyType: v.picklist(['GPGKeys', 'signedByGPGKeys', 'X509Certificates', 'signedByX509CAs']),
    keyPath: v.optional(text),
    keyPaths: v.optional(v.array(v.string())),
    keyData: v.optional(base64),
    signedIdentity,
  }),
  v.check(
    (requirement) => said(requirement, ['keyPath', 'keyPaths', 'keyData']) === 1,
    'expected exactly one of keyPath, keyPaths and keyData',
  ),
);

const fulcio = v.pipe(
  v.strictObject({
    caPath: v.optional(v.string()),
    caData: v.optional(base64),
    oidcIssuer: text,
    subjectEmail: text,
  }),
  v.check(
    (value) => said(value, ['caPath', 'caData']) === 1,
    'expected exactly one of caPath and caData',
  ),
);

const pki = v.pipe(
  v.strictObject({
    caRootsPath: v.optional(v.string()),
    caRootsData: v.optional(base64),
    caIntermediatesPath: v.optional(v.string()),
    caIntermediatesData: v.optional(base64),
    subjectEmail: v.optional(v.string()),
    subjectHostname: v.optional(v.string()),
  }),
  v.check(
    (value) => said(value, ['caRootsPath', 'caRootsData']) === 1,
    'expected exactly one of caRootsPath and caRootsData',
  ),
  v.check(
    (value) => said(value, ['caIntermediatesPath', 'caIntermediatesData']) <= 1,
    'expected at most one of caIntermediatesPath and caIntermediatesData',
  ),
  v.check(
    (value) => said(value, ['subjectEmail', 'subjectHostname']) > 0,
    'expected subjectEmail or subjectHostname',
  ),
);

const KEYS = ['keyPath', 'keyPaths', 'keyData', 'keyDatas', 'fulcio', 'pki'];
const LOGS = [
  'rekorPublicKeyPath',
  'rekorPublicKeyPaths',
  'rekorPublicKeyData',
  'rekorPublicKeyDatas',
];

const sigstoreSigned = v.pipe(
  v.strictObject({
    type: v.literal('sigstoreSigned'),
    keyPath: v.optional(v.string()),
    keyPaths: v.optional(paths),
    keyData: v.optional(base64),
    keyDatas: v.optional(datas),
    fulcio: v.optional(fulcio),
    pki: v.optional(pki),
    rekorPublicKeyPath: v.optional(v.string()),
    rekorPublicKeyPaths: v.optional(paths),
    rekorPublicKeyData: v.optional(base64),
    rekorPublicKeyDatas: v.optional(datas),
    signedIdentity,
  }),
  v.check(
    (requirement) => said(requirement, KEYS) === 1,
    `expected exactly one of ${KEYS.join(', ')}`,
  ),
  v.check(
    (requirement) => said(requirement, LOGS) <= 1,
    `expected at most one of ${LOGS.join(', ')}`,
  ),
  v.check(
    (requirement) => requirement.fulcio === undefined || said(requirement, LOGS) === 1,
    `expected one of ${LOGS.join(', ')} beside fulcio`,
  ),
  v.check(
    (requirement) => requirement.pki === undefined || said(requirement, LOGS) === 0,
    `expected none of ${LOGS.join(', ')} beside pki`,
  ),
);

const requirementSchema = v.variant('type', [
  v.strictObject({ type: v.literal('insecureAcceptAnything') }),
  v.strictObject({ type: v.literal('reject') }),
  signedBy,
  v.strictObject({ type: v.literal('signedBaseLayer'), baseLayerIdentity: identitySchema }),
  sigstoreSigned,
]);

export const requirementsSchema = v.pipe(
  v.array(requirementSchema),
  v.minLength(1, 'expected at least one requirement'),
);
