import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Image, ImageService } from '../../src/engine/grpc/generated/cri/api_pb.ts';
import { openGrpc } from '../../src/engine/grpc/transport.ts';
import { ContainerState, NamespaceMode, RuntimeService } from './generated/cri/api_pb.ts';

/** A container as a manifest describes it. */
export interface CriContainer {
  readonly name: string;
  readonly image: string;
  readonly command: readonly string[];
}

/** The CRI of an engine, asked as the kubelet asks. */
export interface CriClient {
  /** The image that a name means; undefined if there is none. */
  readonly image: (name: string) => Promise<Image | undefined>;
  /** Removes an image as `crictl rmi` and the kubelet do. */
  readonly removeImage: (name: string) => Promise<void>;
  /**
   * Starts a pod in the network of the host, whose images must be there: `imagePullPolicy: Never`.
   *
   * @returns the ids of the containers.
   */
  readonly startPod: (
    name: string,
    containers: readonly CriContainer[],
  ) => Promise<readonly string[]>;
  readonly isRunning: (container: string) => Promise<boolean>;
  /** Ends every pod. */
  readonly clear: () => Promise<void>;
  readonly close: () => void;
}

/** @param directory for the logs of containers. */
export function criClient(socket: string, directory: string): CriClient {
  const grpc = openGrpc({ name: 'containerd', socket });
  const { method } = RuntimeService;
  const image = async (name: string) =>
    (await grpc.unary(ImageService.method.imageStatus, { image: { image: name } })).image;
  const startContainer = async (
    podSandboxId: string,
    sandboxConfig: ReturnType<typeof podConfig>,
    { name, image: imageName, command }: CriContainer,
  ) => {
    const found = await image(imageName);
    if (found === undefined) throw new Error(`ErrImageNeverPull: ${imageName} is not present`);
    const { containerId } = await grpc.unary(method.createContainer, {
      podSandboxId,
      sandboxConfig,
      config: {
        metadata: { name },
        image: { image: found.id, userSpecifiedImage: imageName },
        command: [...command],
        logPath: `${name}.log`,
        linux: { securityContext: { namespaceOptions: hostNetwork } },
      },
    });
    await grpc.unary(method.startContainer, { containerId });
    return containerId;
  };
  return {
    image,
    removeImage: async (name) =>
      void (await grpc.unary(ImageService.method.removeImage, { image: { image: name } })),
    startPod: async (name, containers) => {
      const config = podConfig(name, directory);
      const { podSandboxId } = await grpc.unary(method.runPodSandbox, { config });
      const ids: string[] = [];
      for (const each of containers) ids.push(await startContainer(podSandboxId, config, each));
      return ids;
    },
    isRunning: async (containerId) => {
      const { status } = await grpc.unary(method.containerStatus, { containerId });
      return status?.state === ContainerState.CONTAINER_RUNNING;
    },
    clear: async () => {
      const { items } = await grpc.unary(method.listPodSandbox, {});
      for (const { id: podSandboxId } of items) {
        await grpc.unary(method.stopPodSandbox, { podSandboxId });
        await grpc.unary(method.removePodSandbox, { podSandboxId });
      }
    },
    close: () => grpc.close(),
  };
}

const hostNetwork = { network: NamespaceMode.NODE, pid: NamespaceMode.CONTAINER };

function podConfig(name: string, directory: string) {
  const logDirectory = join(directory, 'pods', name);
  mkdirSync(logDirectory, { recursive: true });
  return {
    metadata: { name, uid: name, namespace: 'kube-system' },
    logDirectory,
    linux: { securityContext: { namespaceOptions: hostNetwork } },
  };
}
