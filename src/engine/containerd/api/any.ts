import { create, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf';

/** A message of any type as containerd packs it: its type has no `type.googleapis.com/` before it. */
export function anyOf<T extends DescMessage>(schema: T, value: MessageInitShape<T>) {
  return { typeUrl: schema.typeName, value: toBinary(schema, create(schema, value)) };
}
