import { containerdIn, type EngineId } from '../../../common/engine-id.ts';
import { Namespaces } from '../../grpc/generated/containerd/services/namespaces_pb.ts';
import { openGrpc } from '../../grpc/transport.ts';

/**
 * The engines that are namespaces of one containerd.
 *
 * @throws {EngineError} `engine-unreachable` if nobody listens at the socket just now.
 */
export async function namespacesAt(socket: string): Promise<readonly EngineId[]> {
  const grpc = openGrpc({ name: 'containerd', socket }, { patience: 0 });
  try {
    const { namespaces } = await grpc.unary(Namespaces.method.list, {});
    return namespaces.flatMap(({ name }) => containerdIn(name) ?? []);
  } finally {
    grpc.close();
  }
}
