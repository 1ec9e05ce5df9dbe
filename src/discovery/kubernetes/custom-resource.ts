import { type Findings } from './findings.ts';
import { podImages } from './pod-images.ts';
import { pullPolicy } from './pull-policy.ts';
import { textAt, type Value, valueAt } from './value.ts';

/** An object of a kind that is not Kubernetes' own, or that starts no containers. */
interface CustomResource {
  readonly value: Value;
  readonly kind: string;
  readonly line: number;
  /** The path of the object in the document, with a dot at its end. */
  readonly path: string;
}

/** The places where custom resources keep a pod, as Deployments and CronJobs do. */
const podSpecs = [
  ['spec', 'template', 'spec'],
  ['spec', 'jobTemplate', 'spec', 'template', 'spec'],
] as const;

/**
 * Adds the images of a custom resource that keeps a pod where Kubernetes' own kinds do, and says of
 * others that they name images, which their controllers run in ways that berth does not know.
 */
export function customResource(
  { value, kind, line, path }: CustomResource,
  findings: Findings,
): void {
  const job = kind === 'HelmChart' ? valueAt(value, ['spec', 'jobImage']) : undefined;
  if (job !== undefined) {
    findings.image(job, `${path}spec.jobImage`, (raw) => pullPolicy('cluster', undefined, raw));
  }
  if (kind === 'HelmChart' || kind === 'HelmChartConfig') {
    findings.fault('kube-unread', line, helmChart);
    return;
  }
  const [group = ''] = (textAt(value, 'apiVersion') ?? '').split('/');
  if (!group.includes('.') || group.endsWith('.k8s.io')) return;
  const steps = podSpecs.find((one) => isPodSpec(valueAt(value, one)));
  const spec = steps && valueAt(value, steps);
  if (spec?.kind === 'map') {
    podImages(spec.entries, `${path}${steps?.join('.')}.`, undefined, findings);
  } else if (namesImage(valueAt(value, ['spec']), new Set())) {
    findings.fault('kube-unread', line, unknownKind(kind));
  }
}

function isPodSpec(value: Value | undefined): boolean {
  return value?.kind === 'map' && valueAt(value, ['containers'])?.kind === 'list';
}

/** Whether a key of the value, at any depth, is called like an image and has a text. */
function namesImage(value: Value | undefined, seen: Set<Value>): boolean {
  // Aliases repeat a value as the same object.
  if (value === undefined || value.kind === 'scalar' || seen.has(value)) return false;
  seen.add(value);
  if (value.kind === 'list') return value.items.some((item) => namesImage(item, seen));
  return [...value.entries].some(
    ([key, item]) => (/image$/i.test(key) && isText(item)) || namesImage(item, seen),
  );
}

function isText(value: Value): boolean {
  return value.kind === 'scalar' && typeof value.value === 'string' && value.value !== '';
}

const helmChart = {
  message:
    'expected manifests that name their images, found a Helm chart, which berth does not read',
  hint: 'list the images of the chart in images.d',
};

function unknownKind(kind: string) {
  return {
    message: `expected a kind that keeps its pod in spec.template, found ${kind.slice(0, 100)}, which names images in a way of its own`,
    hint: 'list the images that its controller runs in images.d',
  };
}
